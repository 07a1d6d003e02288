"""`lstmgraph jacobian` and `lstmgraph flow`: what they print and write, and how they refuse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lstmgraph.cli import main


def test_a_jacobian_goes_to_a_file_of_any_format(tmp_path: Path) -> None:
    for suffix, part in (
        (".txt", "∂c[t]/∂c[t-1] = diag(f)"),
        (".tex", r"\begin{align*}"),
        (".md", "$$"),
        (".html", "<math"),
    ):
        assert main(["jacobian", "lstm", "-o", str(tmp_path / f"j{suffix}")]) == 0
        assert part in (tmp_path / f"j{suffix}").read_text(encoding="utf-8")


@pytest.mark.tex
@pytest.mark.parametrize("options", [["lstm", "--steps", "3"], ["slstm"], ["gru", "--direct", "--notation", "gamma"]])
def test_its_latex_compiles(options: list[str], tmp_path: Path) -> None:
    assert main(["jacobian", *options, "-o", str(tmp_path / "j.tex")]) == 0
    tex = shutil.which("pdflatex") or ""
    done = subprocess.run([tex, "-interaction=nonstopmode", "j.tex"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-800:].decode(errors="replace")


def test_a_flow_goes_to_a_file_of_any_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = [
        "flow",
        "rnn",
        "lstm",
        "--steps",
        "3",
        "--samples",
        "1",
        "--size",
        "H=2",
        "--set",
        "b_f=0,2",
        "--scale",
        "0.5",
    ]
    assert main(small) == 0
    assert "LSTM, scale 0.5, b_f = 2: ∂c[t]/∂c[t-k] vanishes" in capsys.readouterr().out
    for suffix, part in ((".svg", "prefers-color-scheme"), (".csv", "cell,what,of"), (".json", '"verdict"')):
        assert main([*small, "-o", str(tmp_path / f"flow{suffix}")]) == 0
        assert part in (tmp_path / f"flow{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["jacobian", "lstm", "--of", "d"], "there is no value 'd' in lstm"),
        (["jacobian", "lstm", "--steps", "2x"], "is not a whole number, such as 3"),
        (["jacobian", "lstm", "--steps", "x"], "x means something else there already"),
        (["jacobian", "lstm", "--steps", "2", "--by", "x"], "there is no state 'x' in lstm"),
        (["jacobian", "lstm", "-f", "svg"], "there is no format 'svg'"),
        (["flow"], "Missing argument"),
        (["flow", "lstm", "--set", "b_f"], "'b_f' gives no name a value"),
        (["flow", "lstm", "--set", "b_f=1", "--set", "b_f=2"], "a name is given twice after --set"),
        (["flow", "lstm", "--set", "b_f=nan"], "b_f=nan is no finite number"),
        (["flow", "lstm", "--set", "b_f=0,-inf"], "b_f=-inf is no finite number"),
        (["flow", "lstm", "--set", "U_f=1e999I"], "U_f=1e999I is no finite number"),
        (["flow", "lstm", "--size", "H=2.5"], "the size H is a whole number, not '2.5'"),
        (["flow", "rnn", "lstm", "--of", "q"], "there is no state 'q' in these cells"),
        (["flow", "rnn", "lstm", "--open", "q=1"], "there is no gate 'q' in these cells"),
        (["flow", "rnn", "lstm", "--weights", "w.npz"], "a file of weights is that of one cell"),
        (["flow", "rnn", "--mode", "drak", "--steps", "2"], "there is no mode 'drak'"),
        (["flow", "rnn", "-o", "flow.pdf"], "there is no format with the suffix '.pdf'"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
