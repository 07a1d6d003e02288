"""Files of weights: what was written is read, nothing in them is run, and what is wrong is said; and the command."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy
import pytest

import lstmgraph
from lstmgraph.cli import main
from lstmgraph.errors import LstmgraphError
from lstmgraph.weights.files import PACKAGES, READERS, WRITERS, read, written
from tests.weights.running import Arrays, cell_of, random_parameters


def random(name: str) -> Arrays:
    return random_parameters(cell_of(name), (3, 4))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_holds_what_was_written(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    params = random("lstm")
    (tmp_path / f"w{suffix}").write_bytes(written(f"w{suffix}", params))
    again = read(tmp_path / f"w{suffix}")
    assert again.keys() == params.keys()
    assert all(numpy.array_equal(again[name], array) for name, array in params.items())
    assert written(f"w{suffix}", params) == written(f"w{suffix}", params)


def test_a_file_of_something_else_is_refused_without_advice_to_run_it(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("junk")
    with pytest.raises(LstmgraphError, match=r"text\.npz: it is no file of numpy\.savez$"):
        read(tmp_path / "text.npz")


def test_an_array_without_a_name_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "one.npz").open("wb") as stream:
        numpy.save(stream, numpy.ones(2))
    with pytest.raises(LstmgraphError, match="it holds one array, without a name"):
        read(tmp_path / "one.npz")


@pytest.mark.parametrize(("error", "said"), [(RuntimeError("so\nand so"), "so"), (RuntimeError(), "RuntimeError")])
def test_an_error_of_a_library_is_one_line(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reader(path: Path) -> None:
        raise error

    monkeypatch.setattr("lstmgraph.weights.files.READERS", {".npz": reader})
    (tmp_path / "W.NPZ").touch()  # a suffix is the same in capitals
    with pytest.raises(LstmgraphError, match=rf"cannot read weights from .*W\.NPZ: {said}$"):
        read(tmp_path / "W.NPZ")


@pytest.mark.parametrize("table", [READERS, WRITERS, PACKAGES])
def test_both_suffixes_of_pytorch_are_one_kind_of_file(table: Any) -> None:
    assert table[".pth"] is table[".pt"]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".onnx"])
def test_a_broken_file_is_refused(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    for content in (b"", b"PK\x03\x04 and no more", b"\x93NUMPY nonsense"):
        (tmp_path / f"w{suffix}").write_bytes(content)
        with pytest.raises(LstmgraphError, match=rf"(cannot read weights from .*w{suffix}|there is no)"):
            lstmgraph.load("lstm").weights_from("onnx", tmp_path / f"w{suffix}")


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    numpy.savez(tmp_path / "w.npz", W=numpy.array([{}], dtype=object))
    with pytest.raises(LstmgraphError, match=r"w\.npz: it holds objects that are no arrays of numbers$"):
        read(tmp_path / "w.npz")


def test_the_command_converts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    params = random("lstm")
    numpy.savez("params.npz", **params)  # type: ignore[arg-type]
    assert main(["weights", "lstm", "params.npz", "--to", "torch", "--layer", "1", "--reverse", "-o", "torch.npz"]) == 0
    assert "weight_hh_l1_reverse" in read("torch.npz")
    again = ["--layer", "1", "--reverse"]
    assert main(["weights", "lstm", "torch.npz", "--from", "torch", *again, "--to", "keras", "-o", "keras.npz"]) == 0
    assert main(["weights", "lstm", "keras.npz", "--from", "keras", "-o", "again.npz"]) == 0
    assert list(read("keras.npz")) == ["kernel", "recurrent_kernel", "bias"]
    assert all(numpy.array_equal(array, params[name]) for name, array in read("again.npz").items())
    assert main(["weights", "lstm", "keras.npz", "--from", "keras", "--to", "flax"]) == 0
    assert "ii.kernel  float64  (3, 4)\n" in capsys.readouterr().out
    numpy.savez("list.npz", *read("keras.npz").values())
    assert main(["weights", "lstm", "list.npz", "--from", "keras", "-o", "again.npz"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["params.npz"], "nothing is to be converted"),
        (["params.npz", "--from", "keras"], "no array 'kernel'"),
        (["params.npz", "--to", "torch", "-o", "w.h5"], "is no file of weights"),
        (["params.npz", "--to", "torch", "-o", "w.onnx"], "is no file of weights"),
        (["nowhere.npz", "--to", "torch"], "cannot read weights"),
        (["other.npz", "--to", "torch"], "other.npz: there is no parameter 'W' in lstm"),
        (["other.npz", "--from", "torch"], "other.npz: there is no array 'weight_ih_l0' in these weights"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    numpy.savez("params.npz", **random("lstm"))  # type: ignore[arg-type]
    numpy.savez("other.npz", W=numpy.zeros(1))
    assert main(["weights", "lstm", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_command_speaks_of_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Python calls `layer` and `reverse` in the same message."""
    monkeypatch.chdir(tmp_path)
    cell = lstmgraph.load("lstm")
    both: Arrays = {}
    for layer, back in itertools.product((0, 1), (False, True)):
        both |= cell.weights_to("torch", random("lstm"), layer=layer, reverse=back)
    numpy.savez("t.npz", **both)  # type: ignore[arg-type]
    assert main(["weights", "lstm", "t.npz", "--from", "torch"]) == 2
    assert "hint: say which by --layer N and --reverse or --forward\n" in capsys.readouterr().err
    assert main(["weights", "lstm", "t.npz", "--from", "torch", "--layer", "0", "--forward", "--at", "rnn"]) == 2
    assert "hint: leave out --at NAME\n" in capsys.readouterr().err


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstmgraph.weights.files.find_spec", lambda _: None)
    for suffix in WRITERS.keys() - {".npz"}:
        with pytest.raises(LstmgraphError, match=r"which is not installed\nhint: pip install 'lstmgraph\["):
            written(f"w{suffix}", {})


@pytest.mark.parametrize("suffix", READERS)
def test_what_is_not_there_needs_nothing_to_read_it(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstmgraph.weights.files.find_spec", lambda _: None)
    with pytest.raises(LstmgraphError, match=f"cannot read weights from .*nope{suffix}: No such file"):
        read(tmp_path / f"nope{suffix}")
    if suffix in PACKAGES:
        (tmp_path / f"is{suffix}").touch()
        with pytest.raises(LstmgraphError, match=r"which is not installed\nhint: pip install"):
            read(tmp_path / f"is{suffix}")
