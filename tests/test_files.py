"""Nothing half-written: files and folders appear complete or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lstmgraph import files
from lstmgraph.files import MANIFEST, OutputError, write_bytes, write_folder, write_text


def everything_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.txt", "h̄")
    assert path.read_bytes() == "h̄".encode()
    write_text(path, "b")
    assert path.read_text() == "b"
    assert everything_in(tmp_path) == ["a.txt"]


def test_a_new_file_has_the_modes_of_any_new_file_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    path = write_text(tmp_path / "a", "1")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    path.chmod(0o640)
    write_text(path, "2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder may be written to.  Who runs as root may write to all files, so the system's answer is given here."""
    path = write_text(tmp_path / "a", "old")
    monkeypatch.setattr("os.access", lambda name, mode: (Path(name), mode) != (path, os.W_OK))
    with pytest.raises(OutputError, match=r"cannot write .*a: it is write-protected\nhint: choose another name"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert write_text(tmp_path / "b", "new").read_text() == "new"


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_bytes(os.devnull, b"x")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("broken", ["write", "rename", "interrupt"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_text(tmp_path / "a.txt", "old")
    failure: BaseException = KeyboardInterrupt() if broken == "interrupt" else OSError(errno.ENOSPC, "No space left")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(*((os, "fdopen", fail) if broken == "write" else (Path, "replace", fail)))
    with pytest.raises(KeyboardInterrupt if broken == "interrupt" else OutputError) as caught:
        write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert everything_in(tmp_path) == ["a.txt"]
    if broken != "interrupt":
        assert "free some space" in str(caught.value)


def test_standard_output_by_its_path(tmp_path: Path) -> None:
    program = "from lstmgraph.files import write_text; write_text('/dev/stdout', 'text')"
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert piped.stdout == b"text"
    with (tmp_path / "a").open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
        assert os.fstat(file.fileno()).st_nlink == 1
    assert (tmp_path / "a").read_text() == "text"
    assert everything_in(tmp_path) == ["a"]


def test_a_path_without_a_name_is_refused() -> None:
    with pytest.raises(OutputError, match="without a name"):
        write_text("", "")
    with pytest.raises(OutputError, match="without a name"):
        write_folder("", {})


def test_errors_name_the_path_and_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases = {
        tmp_path / "no" / "a.svg": "mkdir -p",
        tmp_path: "it is a folder",
        tmp_path / "file" / "a.svg": "not a directory",
        tmp_path / ("n" * 300): "shorter",
        tmp_path / "nu\0ll": "null",
        Path("/proc/a.svg"): "cannot write /proc/a.svg",
    }
    for path, words in cases.items():
        with pytest.raises(OutputError, match="cannot write") as caught:
            write_text(path, "")
        assert words in str(caught.value), path
    assert everything_in(tmp_path) == ["file"]


def test_a_full_disk_is_said_so() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OutputError, match="no space"):
        write_bytes("/dev/full", b"x" * 100_000)


def test_a_folder_appears_complete(tmp_path: Path) -> None:
    target = write_folder(tmp_path / "new" / "tour", {"index.html": b"i", "frames/1.svg": b"s"})
    assert everything_in(target) == [MANIFEST, "frames", "frames/1.svg", "index.html"]
    (tmp_path / "plain").mkdir()
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert everything_in(tmp_path)[0] == "new"


def test_a_folder_that_fails_is_not_there_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_fill", fail)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "tour", {"a": b""})
    assert everything_in(tmp_path) == []


def test_writing_again_replaces_its_own_files_and_leaves_the_others(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": b"1", "old/b": b"1"})
    (tmp_path / "mine").write_text("mine")
    write_folder(tmp_path, {"a": b"2", "c": b"2"})
    assert everything_in(tmp_path) == [MANIFEST, "a", "c", "mine"]
    assert (tmp_path / "a").read_text() == "2"


def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(OutputError, match=r"index\.html that lstmgraph did not write"):
        write_folder(tmp_path, {"a": b"", "index.html": b""})
    assert everything_in(tmp_path) == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "mine"


def test_a_list_of_files_cannot_reach_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("")
    target = write_folder(tmp_path / "tour", {"a": b""})
    (target / MANIFEST).write_text("../precious\na\n")
    write_folder(target, {"b": b""})
    assert everything_in(tmp_path) == ["precious", "tour", f"tour/{MANIFEST}", "tour/b"]


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "tour").write_text("")
    with pytest.raises(OutputError, match="not a folder"):
        write_folder(tmp_path / "tour", {"a": b""})
