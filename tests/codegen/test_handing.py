"""How the loop of a NumPy file hands values to its next step: copied, called by another name, or where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import name_of, size, symbol
from lstmgraph.algebra.nodes import Concat, Cos, Hadamard, Sin, Slice, Tanh
from lstmgraph.codegen.direction import Direction
from lstmgraph.codegen.numpy_words import COLUMNS
from lstmgraph.codegen.sweep import Sweep, swept
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation, Program

Values = dict[str, Any]

STEPS, ROWS = 4, 3
H, ONE = size("H"), size(1)
f, g, h, s, u, v, w, y = (symbol(f"{name}[t]", (H, ONE)) for name in "fghsuvwy")
f_before, g_before, h_before, s_before = (symbol(f"{name}[t-1]", (H, ONE)) for name in "fghs")
x = symbol("x[t]", (H, ONE))
A, C, F = (symbol(f"{name}[t]", (2 * H, ONE)) for name in "ACF")
F_before = symbol("F[t-1]", (2 * H, ONE))
PREVIOUS = {F: F_before, f: f_before, g: g_before, h: h_before, s: s_before}
GATE = (u, Tanh(x))  # of all steps at once: what is computed over it is in an array of all steps


def sweep_of(*equations: tuple[MatrixSymbol, MatrixExpr]) -> Sweep:
    """One that takes x and carries those of F, f, g, h and s that it computes."""
    carried = {PREVIOUS[target]: target for target, _ in equations if target in PREVIOUS}
    made = tuple(Equation(target, value) for target, value in equations)
    return swept(Program("p", (x, *carried), made, tuple(carried.values())), (), carried).settled()


def word(s: MatrixSymbol) -> str:
    return name_of(s).base + ("_before" if "t-1" in str(s) else "")


def direction(sweep: Sweep, kept: Iterable[MatrixSymbol] = ()) -> tuple[Direction, list[str]]:
    """The lines of the function, and what has made them."""
    names = {s: word(s) for s in (*sweep.inputs, *sweep.carried, *(e.target for e in sweep.equations))}
    starts = {prev: f"first['{prev}']" for prev in sweep.carried}
    side = Direction(sweep, COLUMNS, names, {x: "xs"}, starts, frozenset(kept), frozenset(), "xs")
    return side, side.body([])


def loop(sweep: Sweep, *kept: MatrixSymbol) -> list[str]:
    _, lines = direction(sweep, kept)
    return [line.strip() for line in lines if line.startswith(2 * "    ")]


def is_right(sweep: Sweep, *kept: MatrixSymbol) -> bool:
    """Whether what is kept of all steps, and what the last one hands on, is what the equations say."""
    rng = np.random.default_rng(0)
    xs = rng.uniform(0.1, 0.9, (STEPS, ROWS, 1))
    first = {str(s): rng.uniform(0.1, 0.9, (ROWS * int(s.shape[0] / H), 1)) for s in sweep.carried}
    found, wanted = computed(sweep, kept, xs, first), meant(sweep, kept, xs, first)
    return all(np.allclose(found[name], value, rtol=1e-13) for name, value in wanted.items())


def computed(sweep: Sweep, kept: Iterable[MatrixSymbol], xs: Any, first: Values) -> Values:
    """By the lines of the function."""
    side, lines = direction(sweep, kept)
    result = {str(s): side.all_steps(place) for s in kept if (place := side.places.place(s)) is not None}
    for s in sweep.carried:
        place = side.places.place(s)
        assert place is not None
        result[str(s)] = f"{side.sequence(s)}[-1]" if s in side.places.traced else side.of_step(place)
    end = ", ".join(f"'{name}': {text}" for name, text in result.items())
    scope: dict[str, Any] = {"np": np}
    exec("\n".join(["def run(xs, first, T, B, H):", *lines, f"    return {{{end}}}"]), scope)
    found: Values = scope["run"](xs.copy(), first, STEPS, 1, ROWS)
    return found


def meant(sweep: Sweep, kept: Iterable[MatrixSymbol], xs: Any, first: Values) -> Values:
    """By the equations, step by step."""
    states, rows = first, []
    for x in xs:
        values = evaluate(sweep.program, {**states, "x[t]": x})
        states = {str(prev): values[str(new)] for prev, new in sweep.carried.items()}
        rows.append(values)
    return {**states, **{str(s): np.array([values[str(s)] for values in rows]) for s in kept}}


OVER = (v, MatAdd(u, Sin(h_before)))  # in the place of u
OF_TWO = ((v, Sin(h_before)), (w, Sin(v)), (C, MatAdd(A, Sin(F_before), Concat(w, v))))
SHIFTED = Concat(Slice(h_before, ONE, H - 1), Slice(h_before, size(0), ONE))


@pytest.mark.parametrize(
    ("equations", "kept", "wanted"),
    [
        ([GATE, OVER, (h, v)], [], ["h = u"]),
        ([(v, MatAdd(Tanh(h_before), h_before)), (h, v)], [], ["h[...] = v"]),
        ([GATE, OVER, (w, v), (h, w)], [], ["h = u"]),
        ([GATE, OVER, (h, v), (g, Hadamard(h, Tanh(g_before)))], [], ["h[...] = u"]),
        (
            [(s, Cos(g_before)), (h, s_before), (g, MatAdd(h_before, g_before))],
            [s],
            ["h[...] = s_before", "h_before[...] = h", "s_before = s"],
        ),
        ([GATE, (w, Sin(h_before)), (v, MatAdd(u, w)), (h, v)], [v], ["h[...] = u"]),
        ([GATE, (w, Sin(h_before)), (v, MatAdd(u, w)), (h, v), (y, Hadamard(v, v))], [y], ["h[...] = u"]),
        ([GATE, OVER, (h, v), (w, Tanh(v)), (g, Hadamard(w, g_before))], [], ["h[...] = u"]),
        (
            [(v, Sin(h_before)), (s, MatAdd(v, Tanh(s_before))), (h, s_before)],
            [s],
            ["h[...] = s_before", "s_before = s"],
        ),
        ([GATE, (w, Sin(h_before)), (v, MatAdd(u, w, Tanh(g_before))), (h, v), (g, v)], [], ["g[...] = u", "h = u"]),
        ([GATE, (v, MatAdd(u, SHIFTED)), (h, v)], [], ["h[...] = u"]),
        ([(A, Concat(Tanh(x), Cos(x))), *OF_TWO, (h, Slice(C, size(0), H)), (F, C)], [], ["h[...] = A_part", "F = A"]),
    ],
    ids=[
        *("in an array of all steps", "in one of a step", "by a second name", "taken in this step"),
        *("beside the one before", "kept", "taken after the loop", "written over", "of the step before, kept"),
        *("two of one value", "rows of it", "some rows"),
    ],
)
def test_a_value_is_handed_on(
    equations: list[tuple[MatrixSymbol, MatrixExpr]], kept: list[MatrixSymbol], wanted: list[str]
) -> None:
    """By its name where the next step may write over it and nothing else is lost, else copied."""
    sweep = sweep_of(*equations)
    assert [line for line in loop(sweep, *kept) if re.fullmatch(r"\w+(\[...\])? = \w+", line)] == wanted
    assert is_right(sweep, *kept)


def test_what_is_handed_on_twice_is_copied_before_it_is_written_over() -> None:
    """h = g[t-1], g = f[t-1]: h first."""
    sweep = sweep_of(GATE, (f, MatAdd(u, Sin(f_before))), (g, f_before), (h, g_before))
    assert is_right(sweep)


def test_values_that_change_places_are_kept_meanwhile() -> None:
    sweep = sweep_of((g, h_before), (h, g_before))
    assert is_right(sweep)
