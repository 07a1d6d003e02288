"""The flat form of sweeps: the same values, nothing in an equation that a loop or a product could not compute."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from sympy import MatAdd, MatMul, MatrixExpr, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import walk
from lstmgraph.calculus import gradient
from lstmgraph.codegen.code import minus_of
from lstmgraph.codegen.identifiers import together
from lstmgraph.codegen.loops.entries import size_code
from lstmgraph.codegen.loops.flat import flat, is_entrywise, is_flipped_stack, is_simple
from lstmgraph.codegen.loops.layout import Options
from lstmgraph.codegen.loops.names import CNames
from lstmgraph.codegen.loops.nests import Multiply, Nest
from lstmgraph.codegen.loops.places import Direction
from lstmgraph.codegen.passes import hoist_terms, passed, stack
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.codegen.targets.c import File
from lstmgraph.codegen.wrap import python, wrapped
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.program import Equation
from lstmgraph.reading import from_equations, library, load
from tests.codegen.equality import ODD

PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
CELLS = [*library(), *PAPERS]
H = size("H")
VALUES = {name: symbol(name, (size(1) if name == "z" else H, size(1))) for name in "abpqyz"}


def sweeps(name: str) -> tuple[Sweep, Sweep]:
    both = sequence(load(name), gradient(load(name)))
    return passed(both.forward, (hoist_terms, stack)), passed(both.backward, (hoist_terms, stack))


def arrays(sweep: Sweep) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = sorted({z for s in sweep.program.inputs for side in s.shape for z in side.free_symbols}, key=str)
    numbers: dict[Symbol, int] = {z: 2 + k for k, z in enumerate(sizes)}
    shapes = {s.name: tuple(int(side.subs(numbers)) for side in s.shape) for s in sweep.program.inputs}
    return {name: rng.uniform(0.1, 0.9, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", CELLS)
def test_the_flat_form_keeps_the_values(name: str) -> None:
    for sweep in sweeps(name):
        inputs = arrays(sweep)
        before, after = (evaluate(s.program.check(), inputs) for s in (sweep, flat(sweep, sweep.wanted)))
        for wanted in (*sweep.wanted, *sweep.carried.values()):
            np.testing.assert_allclose(after[wanted.name], before[wanted.name], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_what_is_not_entrywise_stands_alone(name: str) -> None:
    for sweep in sweeps(name):
        for e in flat(sweep, sweep.wanted).equations:
            whole = e.value.args[0] if is_flipped_stack(e.value) else e.value
            assert all(is_entrywise(p) for o in operands(whole) for p in walk(o)), e
            if isinstance(whole, (MatMul, n.Softmax)) and not is_entrywise(whole):
                assert all(map(is_simple, whole.args)), e


@pytest.mark.parametrize(("name", "forward", "backward"), [("lstm", 1, 1), ("peephole_lstm", 1, 1), ("rnn", 1, 1)])
def test_a_step_is_one_loop_over_entries(name: str, forward: int, backward: int) -> None:
    """Beside one product: gates, states and outputs are computed together."""
    for sweep, count in zip(sweeps(name), (forward, backward), strict=True):
        cell = load(name)
        each = frozenset(
            s for s in (cell.outputs if sweep.name == cell.name else sweep.wanted) if s not in sweep.summed
        )
        works = Direction(sweep, each, in_place=True).works["loop"]
        assert sum(isinstance(w, Nest) for w in works) == count
        assert len(works) == count + 1


def carrying(*equations: tuple[str, MatrixExpr]) -> Direction:
    """A loop that carries p to a and q to b, each in the place of the one before."""
    found = tuple(Equation(VALUES[target], value) for target, value in equations)
    carried = {VALUES["p"]: VALUES["a"], VALUES["q"]: VALUES["b"]}
    wanted = tuple(e.target for e in found)
    sweep = Sweep("test", (), (), carried, wanted, {"once": (), "before": (), "loop": found, "after": ()})
    return Direction(sweep, frozenset(wanted), in_place=True)


def test_what_takes_the_place_of_a_value_comes_after_all_that_take_it() -> None:
    p, q, y = (VALUES[name] for name in "pqy")
    direction = carrying(("a", q), ("b", q), ("y", MatAdd(p, p)), ("z", n.Slice(y, 0, 1)))
    units = [u for w in direction.works["loop"] for u in (w.items if isinstance(w, Nest) else [w])]
    assert [u.target.name for u in units].index("a") > [u.target.name for u in units].index("y")
    assert direction.placed == {p, q}


def test_values_that_change_places_take_none() -> None:
    direction = carrying(("a", VALUES["q"]), ("b", VALUES["p"]))
    assert not direction.placed


@pytest.mark.parametrize("turned", [False, True])
def test_a_matrix_that_takes_itself_turned_does_not_take_its_own_place(turned: bool) -> None:
    """M + tanh(Mᵀ): entry (j, i) is taken after entry (i, j) is written."""
    new, old = (symbol(f"M[{at}]", (H, H)) for at in ("t", "t-1"))
    made = Equation(new, MatAdd(old, n.Tanh(Transpose(old) if turned else old)))
    sweep = Sweep("test", (), (), {old: new}, (new,), {"once": (), "before": (), "loop": (made,), "after": ()})
    assert Direction(sweep, frozenset({new}), in_place=True).placed == (set() if turned else {old})


@pytest.mark.parametrize("name", ["leaky", "sum_of_sums"])
def test_a_sum_is_taken_where_all_is_added_to_it(name: str) -> None:
    """Also in the loop that adds the last of it."""
    cell = load(ODD[name])
    (backward,) = (f for f in File(Plan(cell, gradient(cell)), Options()).functions if f.name.endswith("_backward"))
    loops = [loop.split(";\n") for loop in re.split(r"[{}]", "\n".join(backward.body))]
    taken_after = 0
    for lines in loops:
        for k, line in enumerate(lines):
            if found := re.match(r"\s*(\w+\[)[^=]*\+=", line):
                uses = [at for at, other in enumerate(lines) if found[1] in other.partition("= ")[2]]
                assert all(at > k for at in uses), lines
                taken_after += len(uses)
    assert taken_after


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (4 * size("H"), "4 * H"),
        (size("H") ** 2 + size("X") - 1, "H * H + X - 1"),
        (size(3), "3"),
        (2 * size("H") * size("X"), "2 * H * X"),
    ],
)
def test_sizes_in_c(formula: Symbol, text: str) -> None:
    assert size_code(formula, {z: str(z) for z in formula.free_symbols}).text == text


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("a = b + c;", ["a = b + c;"]),
        ("  a = long(b * c + d[i + j] * e) + f;", ["  a = long(b * c + d[i + j] * e) +", "      f;"]),
        (
            "  real f = sigmoid(aaaa * b + cc[i + j] * d);",
            ["  real f = sigmoid(aaaa * b +", " " * 19 + "cc[i + j] * d);"],
        ),
        (
            "x = {aaaaaaaa, bbbbbbbbbbb, cccccccccc, ddddddddddd};",
            ["x = {aaaaaaaa, bbbbbbbbbbb,", "     cccccccccc, ddddddddddd};"],
        ),
        (
            "y = wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww;",
            ["y = wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww;"],
        ),
        (
            "  f(aaaaa, g(bbbbb, cccccc + dddddddddd + eeeeeeee + ffff));",
            ["  f(aaaaa,", "    g(bbbbb,", "      cccccc + dddddddddd +", "      eeeeeeee + ffff));"],
        ),
    ],
)
def test_long_lines_are_broken_where_the_fewest_parentheses_are_open(line: str, lines: list[str]) -> None:
    assert wrapped(line, 34) == lines


def test_python_is_broken_in_brackets_only() -> None:
    """Not in an index where it can be elsewhere, not in words, and not where it is a comment or a text."""
    word, more = "w" * 60, "more" * 15
    lines = {
        f"{word} = {more}": [f"{word} = {more}"],
        f"a = f({word}, {more[12:]})[:, None]": [f"a = f({word},", f"      {more[12:]})[:, None]"],
        f'a = f("{word}, {more}")': [f'a = f("{word}, {more}")'],
        f"if a[{word}] + {more}:": [f"if a[{word}] + {more}:"],
        f"# ({word}, {more})": [f"# ({word}, {more})"],
        f"    {word}(1, k({more}, 2))": [f"    {word}(1,", f"        k({more}, 2))"],
    }
    text = f'"""\nf({word}, {more})\n"""\n'
    source, wanted = "\n".join(lines), "\n".join(line for found in lines.values() for line in found)
    assert python(f"{text}{source}\n    pass\n") == f"{text}{wanted}\n    pass\n"
    ast.parse(python(f"def h({word}):\n    return f({word}, [{more}, {word}], {word} @ {more})\n"))


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("W_f.W_i.W_g", "W_fig"),
        ("l1.l2.l3.l4", "l1_l2_l3_l4"),
        ("l8.l1.l3.l2.l4", "l8_to_l4"),
        ("U_l1.U_l2.U_l3.U_l4.U_l5", "U_l1_to_l5"),
    ],
)
def test_many_names_are_the_first_and_the_last(base: str, name: str) -> None:
    assert together(base) == name


def test_no_name_twice() -> None:
    names = CNames([size("H")])
    assert [names.new("f"), names.new("f"), names.new("f"), names.new("H"), names.new("double")] == [
        "f",
        "f_",
        "f_3",
        "H_",
        "double_",
    ]


def test_what_the_other_direction_has_made_is_taken_from_it() -> None:
    """And what only has its name gets another, so that it is written over nothing."""
    a, b, p, q, y = (VALUES[name] for name in "abpqy")
    once = (Equation(a, n.Tanh(p)), Equation(b, n.Tanh(q)), Equation(y, MatAdd(a, b)))
    sweep = Sweep("test", (p, q), (), {}, (y,), {"once": once, "before": (), "loop": (), "after": ()})
    made = {a: n.Tanh(p), b: n.Tanh(p)}
    direction = Direction(sweep, frozenset(), made=made)
    found = {e.target.name: e.value for e in direction.sweep["once"]}
    assert set(found) == {"b.2", "y"}
    assert a in direction.sweep.shared
    assert {s.name for s in found["y"].args} == {"a", "b.2"}


@pytest.mark.parametrize(("name", "products"), [("lstm", 1), ("peephole_lstm", 1), ("gru", 2), ("rnn", 1)])
def test_recurrent_products_are_added_to_those_of_the_input(name: str, products: int) -> None:
    """And gates that stay take the places of what they are made of, rows of it all different."""
    sweep, cell = sweeps(name)[0], load(name)
    both = sequence(cell, gradient(cell))
    keeps = frozenset(both.saved).difference(cell.outputs, cell.inputs, cell.previous)
    direction = Direction(sweep, frozenset(cell.outputs), keeps=keeps)
    loop = [w for w in direction.works["loop"] if isinstance(w, Multiply)]
    assert len(loop) == products
    assert all(w.base is not None for w in loop)
    gates = {s: m for s, m in direction.homes.items() if s in keeps}
    assert len({(m.stack, m.start) for m in gates.values()}) == len(gates) == {"rnn": 0, "gru": 3}.get(name, 4)


@pytest.mark.parametrize("name", CELLS)
def test_adding_products_keeps_the_values(name: str) -> None:
    for sweep in sweeps(name):
        inputs, direction = arrays(sweep), Direction(sweep, frozenset(sweep.wanted) - sweep.summed)
        before, after = (evaluate(s.program.check(), inputs) for s in (sweep, direction.sweep))
        for wanted in (*sweep.wanted, *sweep.carried.values()):
            np.testing.assert_allclose(after[wanted.name], before[wanted.name], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("h", "home"),
    [
        ("tanh(p[t] + q[t])", "p[t]"),
        ("tanh(p[t] + q[t]) + 0.1 * p[t]", None),
        ("tanh(p[t] + q[t] + p[t])", None),
        ("tanh(p[t] + q[t] + q[t])", None),
        ("tanh(p[t] + q[t]) * sin(q[t])", None),
    ],
)
def test_a_product_is_added_to_what_nothing_takes_without_it(h: str, home: str | None) -> None:
    """q[t] in the place of p[t]: what else takes p[t] would take the sum."""
    equations = f"p[t] = W @ x[t]\nq[t] = U @ h[t-1]\nh[t] = {h}"
    cell = from_equations(equations, sizes={"x": "X", "h": "H"}, output="h")
    direction = Direction(sequence(cell, gradient(cell)).forward, frozenset(cell.outputs))
    found = {str(s): str(member.stack) for s, member in direction.homes.items()}
    assert found.get("q[t]") == home


@pytest.mark.parametrize(("operand", "home"), [("A[t]", "A[t]"), ("A[t].T", None)])
def test_what_is_computed_of_other_entries_takes_no_place(operand: str, home: str | None) -> None:
    """F[t] over A[t]: of a transpose the entries that are written over are still to be taken."""
    equations = f"A[t] = U @ M[t-1]\nF[t] = tanh({operand})\nM[t] = 0.5 * M[t-1] + F[t] * F[t]\nh[t] = M[t] @ x[t]"
    square: list[str | int] = ["H", "H"]
    sizes = {"x": "H", "h": "H", "A": square, "M": square}
    cell = from_equations(equations, sizes=sizes, output="h")
    both = sequence(cell, gradient(cell))
    keeps = frozenset(both.saved).difference(cell.outputs, cell.inputs, cell.previous)
    direction = Direction(both.forward, frozenset(cell.outputs), keeps=keeps)
    found = {str(s): str(member.stack) for s, member in direction.homes.items()}
    assert found.get("F[t]") == home


def test_a_minus_of_a_minus_is_no_decrement() -> None:
    assert [minus_of(text) for text in ("a * b", "-a * b", "-3 * b")] == ["-a * b", "-(-a * b)", "-(-3 * b)"]
