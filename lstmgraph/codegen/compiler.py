"""C files made into a library by the system's compiler, kept in the user's cache folder.

The name of a library says of which text, compiler, flags and machine it is, so that none is compiled twice.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lstmgraph.errors import LstmgraphError, MissingExtra

# Products and sums in one operation, and no care for the flags of floating-point exceptions: both vectorise.
FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
WIDE = ("-mprefer-vector-width=512",) if platform.machine() in {"x86_64", "AMD64"} else ()


def compiler() -> str:
    """The C compiler: $CC, cc, gcc or clang.  Raises MissingExtra where there is none."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        found = name and shutil.which(name)
        if found:
            return found
    raise MissingExtra(
        "the target 'c' is compiled, and there is no C compiler on the path",
        hint="install gcc or clang, or say where one is: CC=/path/to/cc; the text itself needs none",
    )


def compiled(stem: str, texts: Mapping[str, str], flags: Sequence[str] = (*FLAGS, *WIDE)) -> Path:
    """The shared library of some C files, compiled unless it is there."""
    cc = compiler()
    key = hashlib.sha256(repr((cc, flags, platform.machine(), platform.node(), sorted(texts.items()))).encode())
    library = cache_folder() / f"{stem}-{key.hexdigest()[:24]}.so"
    if not library.exists():
        _compile(cc, library, texts, flags)
    return library


def _compile(cc: str, library: Path, texts: Mapping[str, str], flags: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".compile-") as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        sources = [name for name in texts if name.endswith(".c")]
        command = [cc, *flags, "-shared", "-fPIC", "-o", "library.so", *sources, "-lm"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LstmgraphError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
        (Path(folder) / "library.so").replace(library)


def cache_folder() -> Path:
    """The folder of compiled libraries, for the user alone; one that is forgotten where that cannot be written."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "lstmgraph"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _forgotten()


_FORGOTTEN: list[tempfile.TemporaryDirectory[str]] = []


def _forgotten() -> Path:
    if not _FORGOTTEN:
        _FORGOTTEN.append(tempfile.TemporaryDirectory(prefix="lstmgraph-"))
    return Path(_FORGOTTEN[0].name)
