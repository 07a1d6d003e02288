"""C files made into a library by the system's compiler, kept in the user's cache folder.

The name of a library says of which text, compiler, version, flags and processor it is, so that none is compiled twice.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from lstmgraph.errors import LstmgraphError, MissingExtra

# Products and sums in one operation, and no care for the flags of floating-point exceptions: both vectorise.
FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
WIDE = ("-mprefer-vector-width=512",) if platform.machine() in {"x86_64", "AMD64"} else ()


def compiler() -> tuple[str, ...]:
    """The command of the C compiler: $CC with its arguments, else cc, gcc or clang.

    Raises MissingExtra where there is none, or not the one that CC names.
    """
    if given := os.environ.get("CC", "").strip():
        return _given(given)
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return (found,)
    raise MissingExtra(
        "the target 'c' is compiled, and there is no C compiler on the path",
        hint="install gcc or clang, or say where one is: CC=/path/to/cc; the text itself needs none",
    )


def _given(text: str) -> tuple[str, ...]:
    """A program, or one with arguments, as a shell has them."""
    try:
        words = [text] if shutil.which(text) else shlex.split(text)
    except ValueError:  # a quotation that does not end
        words = [text]
    if not (found := shutil.which(words[0])):
        raise MissingExtra(
            f"CC is {text!r}, and there is no program {words[0]!r}",
            hint="install it, or have CC name another compiler, with its arguments if need be: CC='gcc -m64'",
        )
    return (found, *words[1:])


def compiled(stem: str, texts: Mapping[str, str], flags: Sequence[str] = (*FLAGS, *WIDE)) -> Path:
    """The shared library of some C files, compiled unless it is there."""
    cc = compiler()
    about = cc, flags, platform.machine(), platform.node(), compiles_for(cc, tuple(flags)), sorted(texts.items())
    library = cache_folder() / f"{stem}-{hashlib.sha256(repr(about).encode()).hexdigest()[:24]}.so"
    if not library.exists():
        _compile(cc, library, texts, flags)
    return library


@lru_cache
def compiles_for(cc: tuple[str, ...], flags: tuple[str, ...]) -> str:
    """What a compiler says of its version, and of the processor that `native` stands for; it compiles nothing."""
    command = [*cc, *flags, "-###", "-E", "-x", "c", os.devnull]
    done = subprocess.run(command, cwd=os.sep, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _compile(cc: Sequence[str], library: Path, texts: Mapping[str, str], flags: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".compile-") as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        sources = [name for name in texts if name.endswith(".c")]
        command = [*cc, *flags, "-shared", "-fPIC", "-o", "library.so", *sources, "-lm"]
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
