"""The benchmark of speed: every row computes what the interpreter does, a wrong one is caught, bounds are judged."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import c_rows, numpy_rows, worker
from benchmarks.speed.bounds import BOUNDS, judged
from benchmarks.speed.figures import LONG, Figure, Found, Setting, Table, settings
from benchmarks.speed.measuring import prepared, timed, wrong
from benchmarks.speed.problem import (
    BOTH,
    CASES,
    CELLS,
    FORWARD,
    ONE_STEP,
    SIZES,
    STEP_CASE,
    Prepare,
    Problem,
    Runs,
    problem,
    wanted,
)
from benchmarks.speed.rows import BY_HAND, GENERATED_C, LIMIT, ROWS, STEPS
from benchmarks.speed.tables import BOUNDS_TITLE, text_of

TINY = (3, 6, 2, 3)
STREAM = (3, 1, 2, 3)


def quick(rows: dict[str, Prepare], cell: str) -> dict[str, Prepare]:
    """JAX compiles each of its functions for seconds: its rows are of one cell here, and of all in its own tests."""
    return {name: row for name, row in rows.items() if cell == CELLS[0] or not name.startswith("JAX")}


@pytest.mark.parametrize("cell", CELLS)
def test_every_row_computes_what_the_interpreter_does(cell: str) -> None:
    p, said = problem(cell, TINY, "f32"), list[str]()
    rows = prepared(p, quick({**ROWS}, cell), said.append)
    assert {BY_HAND, "NumPy, generated"} <= {*rows}, said
    for _ in range(2):  # what a call leaves behind must not change the next one
        errors = {name: row.worst(wanted(cell, TINY))[0] for name, row in rows.items()}
        assert {name: error for name, error in errors.items() if error > 5e-6} == {}


@pytest.mark.parametrize("cell", CELLS)
def test_every_stream_computes_what_the_interpreter_does(cell: str) -> None:
    p, said = problem(cell, STREAM, "f32"), list[str]()
    rows = prepared(p, quick({**STEPS}, cell), said.append)
    assert "NumPy, generated" in rows, said
    assert wrong(p, rows, wanted(cell, STREAM)) == []
    assert {*timed({name: row.calls()[ONE_STEP] for name, row in rows.items()}, 0.0)} == {*rows}


def test_a_row_that_computes_something_else_is_not_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its values, or one of its gradients, in one entry."""

    def spoilt(p: Problem, name: str) -> Runs:
        right = numpy_rows.generated(p)
        assert right.outputs is not None
        assert right.gradients is not None
        outputs, gradients = right.outputs, right.gradients

        def reads(read: Any) -> Any:
            def off(found: Any) -> Any:
                arrays = read(found)
                array = np.array(arrays[name] if isinstance(arrays, dict) else arrays)
                array.flat[-1] += 1e-3 * np.abs(array).max()
                return {**arrays, name: array} if isinstance(arrays, dict) else array

            return off

        if name == "outputs":
            return right._replace(outputs=reads(outputs))
        return right._replace(gradients=reads(gradients))

    rows = {
        "right": numpy_rows.generated,
        "wrong values": lambda p: spoilt(p, "outputs"),
        "wrong gradient": lambda p: spoilt(p, "U_g"),
        "wrong input": lambda p: spoilt(p, "x"),
    }
    monkeypatch.setattr(worker, "rows_of", lambda case: rows)
    monkeypatch.setitem(SIZES, "A", TINY)
    worker.measure(Setting(1, "f64", ("gru",), ("A",), (), 0.0), "gru", "A")
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {what[5] for kind, what in said if kind == "figure"} == {"right"}
    told = [what for kind, what in said if kind == "wrong"]
    assert [what.split(" is not")[0] for what in told] == [f"gru A f64: {name}" for name in [*rows][1:]]
    assert "outputs is off by 1e-03" in told[0]
    assert "U_g is off by 1e-03" in told[1]


def test_the_products_are_those_of_the_cell() -> None:
    """The first gates of a GRU are one product with h[t-1], the last one waits."""
    p = problem("gru", TINY, "f64")
    row = c_rows.products(p)
    assert row.both is not None
    found, (T, B, X, H) = row.both(), TINY
    x, h, u = (found[name] for name in "xhu")
    stacks = [u.reshape(-1)[: 2 * H * H].reshape(H, 2 * H), u.reshape(-1)[2 * H * H :].reshape(H, H)]
    last = np.concatenate([h.reshape(-1, H) @ stack for stack in stacks], axis=1)
    np.testing.assert_allclose(found["z"].reshape(T * B, -1), last, rtol=1e-12)
    np.testing.assert_allclose(found["d_w"].reshape(-1, X), last.T @ x.reshape(-1, X), rtol=1e-11)


# ── tables and bounds ──


def figures(seconds: dict[str, float], case: str = "A", direction: str = FORWARD, cell: str = CELLS[0]) -> list[Figure]:
    return [Figure(cell, "f32", 1, case, direction, row, s) for row, s in seconds.items()]


def test_a_bound_is_judged_as_it_is_printed() -> None:
    found = Found(figures({"NumPy, generated": 1.004e-3, BY_HAND: 1e-3}))
    found.figures += figures({"NumPy, generated": 1.006e-3, BY_HAND: 1e-3}, "B")
    (line,) = judged(found.figures)
    assert line.missed == ["B"]
    assert line.verdict == "missed: B"
    assert "1.00 (1) | 1.01 (1)" in text_of(found)


def test_a_step_is_held_to_microseconds() -> None:
    (line,) = judged(figures({GENERATED_C: 1.9e-6}, STEP_CASE, ONE_STEP))
    assert line.measured[STEP_CASE] == pytest.approx(1.9)
    assert line.verdict == "holds"


def test_a_whole_run_is_all_cells_in_one_thread_and_the_first_in_more() -> None:
    def chosen(*arguments: str) -> list[tuple[int, str, int]]:
        given = command.options().parse_args(arguments)
        return [(setting.threads, setting.dtype, len(setting.cells)) for setting in settings(given)]

    assert chosen() == [(1, "f32", len(CELLS)), (1, "f64", 1), (2, "f32", 1)]
    assert chosen("--dtype", "f64") == [(1, "f64", len(CELLS)), (2, "f64", 1)]
    assert chosen("--dtype", "f64", "--threads", "2") == [(2, "f64", len(CELLS))]
    assert [*settings(command.options().parse_args([]))][1].cases == ("A", "B", "C", STEP_CASE)
    assert chosen("--cell", "gru") == [(1, "f32", 1), (1, "f64", 1), (2, "f32", 1)]


def test_runs_are_kept_and_what_is_measured_again_is_replaced() -> None:
    first = Found(figures({LIMIT: 2.0, BY_HAND: 3.0}, "B"), ["no numba"])
    whole = Found(figures({BY_HAND: 4.0}, "B") + figures({LIMIT: 1.0}), [], ["a row"]).merged(first)
    assert [(f.case, f.row, f.seconds) for f in whole.figures] == [
        ("A", LIMIT, 1.0),
        ("B", LIMIT, 2.0),
        ("B", BY_HAND, 4.0),
    ]
    assert (whole.left_out, whole.wrong) == (["no numba"], ["a row"])


def test_figures_and_pages_are_there_whole_or_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept"
    command.kept(path, Found(figures({LIMIT: 1.0}), ["no numba"]))
    whole = command.kept(path, Found(figures({BY_HAND: 2.0}), ["no numba"]))
    assert ([f.row for f in whole.figures], whole.left_out) == ([LIMIT, BY_HAND], ["no numba"])
    before = path.read_bytes()

    def broken(self: Path, target: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="full"):
        command.put(path, "half")
    assert path.read_bytes() == before


def test_a_process_that_ends_badly_is_said_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    found = Found()
    command.run(Setting(1, "f32", ("gru",), ("A",), (), 0.0), found)
    assert ["ended with 1" in words for words in found.wrong] == [True]


def test_training_packs_the_weights_and_inference_has_them_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    bound = c_rows.Recorded.bound

    def told(self: c_rows.Recorded, name: str, *arguments: Any) -> Any:
        call = bound(self, name, *arguments)

        def run() -> None:
            called.append(name)
            call()

        return run

    monkeypatch.setattr(c_rows.Recorded, "bound", told)
    runs = c_rows.generated(problem("gru", TINY, "f32"))
    assert runs.both is not None
    called.clear()
    runs.forward()
    runs.both()
    assert called == ["forward", "pack", "forward", "backward"]


def test_what_was_measured_elsewhere_is_not_judged() -> None:
    there = figures({"NumPy, generated": 3.0, BY_HAND: 1.0})
    assert [*judged([f._replace(threads=2) for f in there])] == []
    assert [*judged([f._replace(dtype="f64") for f in there])] == []
    assert [*judged([f._replace(direction=BOTH) for f in there])] != []


def test_every_bound_is_of_rows_that_there_are() -> None:
    for bound in BOUNDS:
        rows = STEPS if bound.direction == ONE_STEP else ROWS
        assert {bound.row, *([bound.beside] if bound.beside else [])} <= {*rows}
        assert {*bound.at_most} <= {*SIZES}


def test_a_table_has_ratios_to_the_products_and_to_what_is_by_hand() -> None:
    found = Found(figures({LIMIT: 1e-5, BY_HAND: 2e-4, "torch.nn": 5e-5}))
    assert text_of(found).splitlines() == [
        "**peephole_lstm, forward, f32, one thread**",
        "",
        "|                      | A µs | × products | × by hand |",
        "| -------------------- | ---: | ---------: | --------: |",
        "| products alone, in C | 10.0 |       1.00 |      0.05 |",
        "| NumPy, fused by hand |  200 |      20.00 |      1.00 |",
        "| torch.nn             | 50.0 |       5.00 |      0.25 |",
    ]


# ── the command ──


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.speed", *arguments], capture_output=True, text=True, check=False
    )


def test_the_command_measures_what_is_chosen() -> None:
    done = run(
        *("--cell", "gru", "--case", "A", "--dtype", "f32", "--threads", "1", "--seconds", "0"),
        *("--row", LIMIT, "--row", "NumPy, generated"),
    )
    assert done.returncode == 0, done.stderr
    assert "**gru, forward, f32, one thread**" in done.stdout
    assert "**gru, forward and backward, f32, one thread**" in done.stdout
    assert "| NumPy, generated " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cell", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["--case", "E"], "invalid choice: 'E'"),
        (["--write", "--case", "A"], "--write takes a whole run"),
    ],
)
def test_what_does_not_exist_is_one_message(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# ── the page ──


def tables_of(page: str) -> dict[str, list[list[str]]]:
    """The tables between the marks, by title."""
    between = page.partition(command.START)[2].partition(command.END)[0]
    found: dict[str, list[list[str]]] = {}
    for line in between.splitlines():
        if line.startswith("**"):
            rows = found[line.strip("*")] = []
        elif line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_the_page_has_every_table_of_a_whole_run_and_all_that_is_held_to_a_bound() -> None:
    """In form; and every verdict is that of its numbers.  Two threads may be missing: they want a quiet machine."""
    found = tables_of(command.PAGE.read_text(encoding="utf-8"))
    bounds = found.pop(BOUNDS_TITLE)
    given = command.options().parse_args([])
    wanted = [
        Table(cell, direction, setting.dtype, setting.threads)
        for setting in settings(given)
        for cell in setting.cells
        for direction in (FORWARD, BOTH, *([ONE_STEP] if STEP_CASE in setting.cases else []))
    ]
    wanted = [table for table in wanted if table.threads == 1 or table.title in found]
    assert [*found] == [table.title for table in wanted]
    for table, lines in zip(wanted, found.values(), strict=True):
        cases = [STEP_CASE] if table.direction == ONE_STEP else [c for c in CASES if c != LONG or table.dtype == "f32"]
        assert [head for head in lines[0] if head.endswith("µs")] == [f"{case} µs" for case in cases]
        rows = {line[0].partition(" (")[0] for line in lines[2:]}
        assert rows <= {*(STEPS if table.direction == ONE_STEP else ROWS)}
        assert {GENERATED_C, "NumPy, generated", "PyTorch, generated", "JAX, generated"} <= rows
    assert [line[:4] for line in bounds[2:]] == [
        [bound.row, bound.beside or "1 µs", cell, bound.direction] for bound in BOUNDS for cell in bound.cells
    ]
    for line in bounds[2:]:
        pairs = [(case, *re.findall(r"[\d.]+", text)) for case, text in zip(SIZES, line[4:-1], strict=True) if text]
        missed = [case for case, measured, at_most in pairs if float(measured) > float(at_most)]
        assert line[-1] == (f"missed: {', '.join(missed)}" if missed else "holds")


def test_a_cell_that_the_cases_say_nothing_of_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lem = Path(__file__).parent / "reading" / "papers" / "lem.toml"
    monkeypatch.setattr(sys, "argv", ["speed", "--cell", str(lem)])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.endswith("for an input x (X, 1) and states (H, 1); lem has u (D, 1), z (M, 1), y (M, 1)\n"), said
