"""The index form: its letters and parts, and its value, computed by plain loops, against that of the matrix form."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy import Expr, MatAdd, MatrixExpr, MatrixSymbol

import lstmgraph
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of, size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import check_shapes, walk
from lstmgraph.calculus import gradient, hessian_vector
from lstmgraph.cell import Cell
from lstmgraph.entries import ENTRIES, ONE, Entries, Index, Letters, Over, is_entrywise, item
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import step_values
from lstmgraph.program import Program
from lstmgraph.reading import library, load, loads

PAPERS = sorted(map(str, (Path(__file__).parent / "reading" / "papers").glob("*.toml")))
CELLS = [*library(), *PAPERS]
H, X = size("H"), size("X")
Numbers = Mapping[str, int]


# ── an evaluator that shares nothing with the interpreter of matrices ──


@cache
def scalar_function(cls: Any) -> Any:
    a = sp.Symbol("a", real=True)
    return sp.lambdify((a,), cls.scalar(a), modules=[{"Heaviside": lambda a, _: float(a > 0), "sign": np.sign}, "math"])


def number(text: str, bound: Numbers) -> int:
    """An index or a size: 2*H+j."""
    return int(sp.Integer(0) + sum(_term(part, bound) for part in text.split("+")))


def _term(text: str, bound: Numbers) -> int:
    return math.prod(int(f) if f.isdigit() else bound[f] for f in text.split("*"))


def place(of: MatrixSymbol, shape: tuple[int, ...], bound: Numbers) -> tuple[int, int]:
    """Row and column, from 0, of an entry; a side of length 1 has no index."""
    given = [number(index, bound) - 1 for index in name_of(of).entry]
    if len(given) == 2:
        return given[0], given[1]
    (only,) = given or (0,)
    return (only, 0) if shape[1] == 1 else (0, only)


def value(expr: MatrixExpr, arrays: Mapping[str, Any], bound: Numbers) -> float:
    if isinstance(expr, MatrixSymbol):
        array = arrays[str(replace(name_of(expr), entry=()))]
        return float(array[place(expr, array.shape, bound)])
    if isinstance(expr, n.Fill):
        return float(expr.value)
    if isinstance(expr, Over):
        count = range(1, number(str(expr.size).replace(" ", ""), bound) + 1)
        return sum(value(expr.args[0], arrays, {**bound, expr.letter: k}) for k in count)
    parts = [value(o, arrays, bound) for o in n.operands(expr)]
    if isinstance(expr, n.Elementwise):
        return float(scalar_function(expr.func)(*parts))
    return float(OPERATIONS[expr.func](parts))


OPERATIONS: dict[type, Callable[[list[float]], float]] = {
    MatAdd: math.fsum,
    n.Hadamard: math.prod,
    n.Divide: lambda p: p[0] / p[1],
    n.Power: lambda p: p[0] ** p[1],
    n.Maximum: max,
    n.Minimum: min,
}


def every(letters: list[str], sizes: Mapping[str, int]) -> Iterator[dict[str, int]]:
    for numbers in itertools.product(*(range(1, sizes[x] + 1) for x in letters)):
        yield dict(zip(letters, numbers, strict=True))


def disagreements(program: Program, found: Mapping[str, Any], sizes: Mapping[str, int]) -> Iterator[str]:
    """Entries whose loops give another number than the matrices, or that are not written exactly once."""
    writer, arrays = Entries(Letters.of(map(size, sizes), taken=sizes)), dict(found)
    for equation in program:
        covered = {name: np.zeros(np.shape(a)) for name, a in arrays.items() if name == equation.target.name}
        for entry in writer.equations(equation):
            whole = str(replace(name_of(entry.target), entry=()))
            if whole not in arrays:  # a concatenation that was given a name
                shape = next(part.shape for part in writer.apart.values() if part.name == whole)
                arrays[whole] = np.full([number(str(side).replace(" ", ""), sizes) for side in shape], np.nan)
                covered[whole] = np.zeros(arrays[whole].shape)
            length = {x: number(str(z).replace(" ", ""), sizes) for z, xs in writer.letters.known.items() for x in xs}
            free = [x for i in name_of(entry.target).entry for x in re.findall(r"[a-z]\w*", i) if x in length]
            for bound in every(free, length):
                at = place(entry.target, np.shape(arrays[whole]), {**sizes, **bound})
                covered[whole][at] += 1
                number_found = value(entry.value, arrays, {**sizes, **bound})
                if whole not in found:
                    arrays[whole][at] = number_found
                if not math.isclose(number_found, arrays[whole][at], rel_tol=1e-10, abs_tol=1e-10):
                    yield f"{entry} at {bound}: {number_found}, not {arrays[whole][at]}"
        yield from (f"{name}: {c}" for name, c in covered.items() if not np.all(c == 1))


def values_of(cell: Cell, program: Program, sizes: Mapping[Expr, int]) -> dict[str, Any]:
    sample = draw(cell, sizes, 1, 1, seed=1)
    assert sample is not None
    given = step_values(cell, sample.parameters, sample.inputs, sample.states, 0)
    values = {name: np.reshape(v, np.shape(v)[-2:] or (1, 1)) for name, v in given.items()}
    forward, rng = evaluate(cell.step, values), np.random.default_rng(1)
    marked = [s for s in program.inputs if name_of(s).marks]
    values |= {s.name: rng.uniform(-1, 1, forward[str(replace(name_of(s), marks=()))].shape) for s in marked}
    return evaluate(program, values)


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_loops_over_the_index_form_give_what_the_matrices_give(name: str) -> None:
    cell = load(name)
    sizes = {z: (2, 3, 1)[k % 3] for k, z in enumerate(cell.sizes)}
    program = hessian_vector(cell)
    numbers = {str(z): k for z, k in sizes.items()}
    assert not list(disagreements(program, values_of(cell, program, sizes), numbers))


def stacked() -> Cell:
    """Parts of which it is open where they are cut: whether X or H is larger."""
    return loads(
        'name = "stacked"\noutput = "h"\nequations = """\n'
        "s[t] = softmax(concat(x[t], h[t-1]) * concat(h[t-1], x[t]) + U @ concat(x[t], h[t-1]))\n"
        "M[t] = M[t-1] + s[t] @ s[t].T\n"
        "r[t] = M[t] @ concat(h[t-1], x[t])\n"
        'h[t] = tanh(V @ r[t]) / (1 + sum(M[t] * M[t]))\n"""\n[sizes]\nx = "X"\nh = "H"\n'
    )


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (3, 2), (1, 2), (2, 1)])
def test_parts_that_cannot_be_put_in_order(rows: int, columns: int) -> None:
    cell = stacked()
    for program in (cell.step, gradient(cell)):
        found = values_of(cell, program, {X: rows, H: columns})
        assert not list(disagreements(program, found, {"X": rows, "H": columns}))


def test_what_cannot_be_cut_gets_a_name() -> None:
    cell = stacked()
    writer = Entries(Letters.of([H, X]))
    written = [e.target.name for equation in cell.step for e in writer.equations(equation)]
    assert "part(s.r1){j}[t]" in written
    assert "part(s.r1){H+k}[t]" in written


# ── the form ──


def test_the_lines_of_the_textbook() -> None:
    text = lstmgraph.load("lstm").gradient().text("unicode", index=True)
    lines = [line.strip() for line in text.splitlines()]
    assert "δ_{f,j} = c̄_j c_j[t-1] f_j (1 − f_j)" in lines
    assert "∂L/∂W_{f,jk} = δ_{f,j} x_k[t]" in lines
    assert any(line.startswith("h̄_j[t-1] = Σ_m U_{f,mj} δ_{f,m} + ") for line in lines)
    assert "j, m: from 1 to H" in lines
    assert "k: from 1 to X" in lines


def test_a_scalar_has_no_index_and_a_matrix_two() -> None:
    assert item(symbol("a", (size(1), size(1))), ONE, ONE).name == "a"
    assert item(symbol("w", (size(1), X)), ONE, Index("k", X)).name == "w{k}"
    assert item(symbol("W[t]", (H, X)), Index("j", H), Index("k", X)).name == "W{j,k}[t]"


def test_a_concatenation_is_written_by_its_parts() -> None:
    cell = lstmgraph.load(next(p for p in PAPERS if "ugrnn" in p))
    lines = [line.strip() for line in cell.gradient().text("unicode", index=True).splitlines()]
    assert {"s_{c1,j} = h_j[t-1]", "s_{c1,H+k} = x_k[t]", "h̄_j[t-1] = s̄_{c1,j} + h̄_j g_j"} <= {*lines}
    assert "x̄_k[t] = s̄_{c1,H+k}" in lines


def test_letters_that_the_cell_has_are_left_alone() -> None:
    cell = lstmgraph.loads(
        'equations = "j[t] = tanh(k * (W @ x[t]) + m * (U @ j[t-1]))"\n'
        'sizes = {x = "X", j = "p"}\nconstants = {k = 2, m = 3}'
    )
    lines = cell.gradient().text("unicode", index=True).splitlines()
    used = {letter for line in lines if ": from 1 to" in line for letter in line.split(":")[0].split(", ")}
    assert used
    assert not {"j", "k", "m", "p", "x"} & used


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_every_operation_has_entries(cls: type) -> None:
    assert (cls in ENTRIES) != (cls not in (n.Fill, n.Slice) and is_entrywise(cls))


@pytest.mark.parametrize("name", ["lstm", "gru", PAPERS[0]])
def test_everything_is_a_scalar(name: str) -> None:
    cell, writer = load(name), Entries(Letters())
    for equation in gradient(cell):
        for e in writer.equations(equation):
            assert check_shapes(e.value) == e.target.shape == (1, 1)
            assert all(node.shape == (1, 1) for node in walk(e.value))


def test_what_has_no_entries_is_refused() -> None:
    with pytest.raises(UsageError, match="no index form of"):
        lstmgraph.load("lstm").jacobian().text("unicode", index=True)


@pytest.mark.parametrize("cls", ENTRIES, ids=lambda cls: RULES[cls].name)
def test_a_broken_entry_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row of the table, where it is used: twice its value does not pass."""
    cell = load(str(next(p for p in PAPERS if "attn" in p)))
    sizes = {z: (2, 3, 2)[k % 3] for k, z in enumerate(cell.sizes)}
    program = gradient(cell)
    found = values_of(cell, program, sizes)
    right = ENTRIES[cls]
    monkeypatch.setitem(ENTRIES, cls, lambda *args: MatAdd(*[right(*args)] * 2))
    assert list(disagreements(program, found, {str(z): k for z, k in sizes.items()}))
