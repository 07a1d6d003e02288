"""Writing files so that nothing half-written is ever left behind.

A file is written under a temporary name in its own folder and renamed when it is complete; a folder likewise, as a
whole.  What goes wrong on the way becomes an `OutputError` that names the path and a way out.  This module knows
nothing of cells.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from lstmgraph.errors import UsageError

# Lists what a folder's last writing put there, so that the next one may replace exactly that.
MANIFEST = ".lstmgraph-files"

_HINTS = {
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some space, or write to another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class OutputError(UsageError):
    """A path that cannot be written."""


def write_text(path: str | Path, text: str) -> Path:
    """Put `text` (UTF-8) at `path`, replacing a file that is there.  Returns the path; raises OutputError."""
    return write_bytes(path, text.encode())


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Put `data` at `path`, replacing a file that is there.  Returns the path; raises OutputError.

    A symbolic link keeps pointing where it points; a device or a named pipe is written to, never replaced.
    """
    path = _named(path)
    with _explained(path):
        if _is_special(path):
            path.write_bytes(data)
            return path
        target = path.resolve()
        if target.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder", hint=f"name a file in it: {path / 'NAME'}")
        if target.exists() and not os.access(target, os.W_OK):  # which renaming does not ask
            raise OutputError(f"cannot write {path}: it is write-protected", hint="choose another name")
        _replace(target, data)
    return path


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Put several files in their places, all of them or none, replacing files that are there; raises OutputError.

    What belongs together must not be half old and half new: if one cannot be put in its place, the others are put back.
    """
    done: list[tuple[Path, bytes | None]] = []
    try:
        for path, data in contents.items():
            before = _content(path)
            write_bytes(path, data)
            done.append((path, before))
    except BaseException:  # an interrupt too
        for path, before in reversed(done):
            if before is None:
                path.unlink()
            else:
                write_bytes(path, before)
        raise


def _content(path: Path) -> bytes | None:
    """What is in a file, or None where there is none."""
    with _explained(path):
        return path.read_bytes() if path.is_file() else None


def write_folder(folder: str | Path, contents: Mapping[str, bytes]) -> Path:
    """Make `folder` hold `contents` (relative path to bytes), and return it; raises OutputError.

    A new folder appears complete or not at all.  In one that is there already, every file does; only those are
    replaced that an earlier `write_folder` put there, those of them that are not in `contents` are removed, and
    everything else is left alone.
    """
    folder = _named(folder)
    with _explained(folder):
        target = folder.resolve()
        if target.exists() and not target.is_dir():
            raise OutputError(f"cannot write into {folder}: it is not a folder", hint="choose another name")
        ours = _manifest(target)
        _refuse_to_overwrite(folder, target, set(contents) - ours)
        with _workplace(target) as work:
            _fill(work, {**contents, MANIFEST: "".join(f"{name}\n" for name in sorted(contents)).encode()})
            _move_in(work, target, ours - set(contents))
    return folder


def _named(path: str | Path) -> Path:
    if not str(path):
        raise OutputError("cannot write to a file without a name")
    return Path(path)


# ── one file ──


def _is_special(path: Path) -> bool:
    """A device or a named pipe; also /dev/stdout, wherever that leads."""
    special = path.exists() and not path.is_file() and not path.is_dir()
    return special or (path.is_file() and path.absolute().is_relative_to("/dev"))


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".lstmgraph-{os.urandom(6).hex()}.tmp")
    try:
        # Mode 666 less the umask, as for any file that a program creates; an existing file keeps its own mode.
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(data)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:  # an interrupt too
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0, "")
        if isinstance(error, FileNotFoundError) and not path.absolute().parent.exists():
            reason, hint = "its folder does not exist", f"create it first: mkdir -p {path.parent}"
        raise OutputError(f"cannot write {path}: {reason}", hint=hint) from error
    except ValueError as error:  # a null character in the name
        raise OutputError(f"cannot write {str(path)!r}: {error}", hint="choose another name") from error


# ── a folder ──


def _manifest(target: Path) -> set[str]:
    try:
        return set((target / MANIFEST).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return set()


def _refuse_to_overwrite(folder: Path, target: Path, foreign: set[str]) -> None:
    """A name that is taken by something that we did not write, or a file where a folder is needed."""
    for name in sorted(foreign):
        if os.path.lexists(target / name):
            raise OutputError(
                f"cannot write into {folder}: it has a {name} that lstmgraph did not write",
                hint="choose a new or empty folder, or move that file away",
            )


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A temporary folder on the same disk, removed in the end if it is still there."""
    above = next(p for p in (target, *target.parents) if p.exists())
    import tempfile  # slow to load, and a single file does without

    work = Path(tempfile.mkdtemp(prefix=".lstmgraph-", suffix=".tmp", dir=above))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fill(work: Path, contents: Mapping[str, bytes]) -> None:
    for name, data in contents.items():
        place = work / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _move_in(work: Path, target: Path, stale: set[str]) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        work.chmod(0o777 & ~_umask())  # mkdtemp's folder is for its owner only
        work.replace(target)
        return
    # Not swapped as a whole: it may be somebody's working directory.  The manifest sorts first, so that after an
    # interrupt the next writing knows these files for ours.
    for source in sorted(p for p in work.rglob("*") if p.is_file()):
        place = target / source.relative_to(work)
        place.parent.mkdir(parents=True, exist_ok=True)
        source.replace(place)
    for name in sorted(stale):
        _remove(target, name)


def _remove(target: Path, name: str) -> None:
    """A file of an earlier writing, and its folder if that leaves it empty; nothing outside `target`."""
    place = target / name
    if not place.resolve().is_relative_to(target):
        return
    with suppress(OSError):
        place.unlink()
        place.parent.rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
