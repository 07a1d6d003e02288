"""`lstmgraph count` and the forms of `lstmgraph grad`: what they print, and what they say of mistakes."""

from __future__ import annotations

import pytest

from lstmgraph.cli import main


def test_the_table_of_two_cells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", "rnn", "peephole_lstm"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["forward", "backward", "reusing", "products"]
    found = [row.split("  ") for row in rows[rows.index("peephole_lstm") :] if row.startswith("  multiplies")]
    assert [text.strip() for text in found[0] if text] == [
        "multiplies",
        "4H² + 4HX + 6H",
        "8H² + 8HX + 22H",
        "8H² + 8HX + 16H",
    ]
    assert any(row.startswith("  3 × forward + slopes") and row.endswith(" 12H² + 12HX + 28H") for row in rows)
    assert rows.index("rnn") < rows.index("peephole_lstm")
    assert len({len(row) for row in rows if row.startswith("  multiplies")}) == 1


def test_numbers_at_sizes_through_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", "rnn", "--size", "H=10", "--size", "X=5", "--steps", "T", "--batch", "2"]) == 0
    out = capsys.readouterr().out
    assert "300T" in out  # 2 (H² + HX) T
    assert "640T" in out  # 2 (2H² + 2HX + 2H) T
    assert main(["count", "rnn", "--size", "H=10", "--size", "X=5", "--size", "T=3", "--steps", "T"]) == 0
    assert "450" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["count"], "Missing argument 'CELL...'"),
        (["count", "lsmt"], "did you mean 'lstm'?"),
        (["count", "lstm", "--size", "H"], "not of the form NAME=N"),
        (["count", "lstm", "--size", "H=x"], "'x' is not a whole number"),
        (["count", "lstm", "--size", "K=3"], "there is no size 'K'\nhint: known: H, X"),
        (["count", "lstm", "--size", "H=0"], "at least 1"),
        (["count", "lstm", "--steps", "0"], "steps is at least 1"),
        (["count", "lstm", "--steps", "X"], "X is a size of lstm"),
        (["count", "lstm", "--steps", "1.5"], "steps takes a whole number"),
        (["grad", "lstm", "--reuse", "--explain"], "--explain and --reuse do not go together"),
        (["grad", "lstm", "--stacked", "--hessian"], "--stacked is for the gradients of one step"),
    ],
)
def test_mistakes_are_one_message(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_both_forms_print_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    for format, sign in (("unicode", "δ = ["), ("latex", r"\delta_{t} &= ["), ("markdown", r"\delta _{t} &= [")):
        assert main(["grad", "lstm", "--reuse", "--stacked", "-f", format]) == 0
        assert sign in capsys.readouterr().out
