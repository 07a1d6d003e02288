"""Stacks in C: what is computed where a stack holds it, and stacks that are rows of longer ones."""

from __future__ import annotations

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.calculus import gradient
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.loops.layout import Options
from lstmgraph.codegen.loops.nests import Item, Nest, Unit
from lstmgraph.codegen.loops.places import Direction
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sweep import Phase, Sweep
from lstmgraph.codegen.targets.c import File
from lstmgraph.program import Equation
from lstmgraph.reading import load
from tests.codegen.equality import FILES, ODD

H, ONE = size("H"), size(1)
x, prev, h, a, b, c, d, y = (symbol(name, (H, ONE)) for name in ("x[t]", "h[t-1]", "h[t]", *"abcdy"))
p, q = (symbol(name, (H, ONE)) for name in "pq")
A, B, C = (symbol(name, (count * H, ONE)) for name, count in (("A", 4), ("B", 3), ("C", 2)))
U, V = symbol("U", (2 * H, H)), symbol("V", (H, H))


def direction(
    wanted: tuple[MatrixSymbol, ...] = (h,),
    more: tuple[MatrixSymbol, ...] = (),
    **phases: dict[MatrixSymbol, MatrixExpr],
) -> Direction:
    """Of a sweep that carries h; x is its input, p, q, U, V and `more` are parameters."""
    named: tuple[Phase, ...] = ("once", "before", "loop", "after")
    made = {phase: tuple(Equation(*item) for item in phases.get(phase, {}).items()) for phase in named}
    return Direction(Sweep("test", (p, q, U, V, *more), (x,), {prev: h}, wanted, made).check(), frozenset(wanted))


def where(found: Direction) -> dict[str, str]:
    return {str(s): f"{m.stack}[{m.start}]" for s, m in found.inside.items()}


def units(found: Direction, phase: Phase) -> list[Unit]:
    return [u for w in found.works[phase] for u in (w.items if isinstance(w, Nest) else [w])]


def copies(found: Direction) -> list[tuple[str, str]]:
    """What is written into stacks from elsewhere."""
    every = [u for phase in ("before", "loop", "after") for u in units(found, phase)]
    return [(str(u.target), str(u.value)) for u in every if isinstance(u, Item) and not u.whole]


def total(value: MatrixExpr) -> MatrixExpr:
    """A column of H that takes all of a stack."""
    return n.Fill(n.Sum(value), H, ONE)


GATES = {a: n.Tanh(prev), b: n.Sin(prev), c: n.Cos(prev), d: n.Exp(prev)}
STATE = {h: n.Hadamard(total(A), total(B), total(C))}


def test_the_way_back_of_a_gru_has_each_slope_once() -> None:
    """The cotangents of z and r, which one product takes, are rows of those of g, z and r, which another one takes."""
    cell = computed(load("gru"))
    file = File(Plan(cell, gradient(cell)), Options())
    inside = {s: place for s, place in where(file.backward).items() if "pre" in s}
    whole = "some(bar(pre(g.z.r)))[t]"
    assert inside == {
        "some(bar(pre(z.r)))[t]": f"{whole}[H]",
        **{f"bar(pre({gate}))[t]": f"{whole}[{at}]" for gate, at in (("g", "0"), ("z", "H"), ("r", "2*H"))},
    }
    assert copies(file.backward) == []
    assert file.backward_memory.amount() == "2 * H * H + 3 * H * X + 6 * H + T * B * (3 * H) + B * (3 * H)"


@pytest.mark.parametrize(
    ("name", "columns"), [("lstm", 5), ("peephole_lstm", 5), ("gru", 4), ("gru_reset_after", 4), ("mgu", 3)]
)
def test_a_gate_is_kept_in_the_place_of_the_product_that_it_is_made_of(name: str, columns: int) -> None:
    cell = computed(load(name))
    file = File(Plan(cell, gradient(cell)), Options())
    assert file.tape.amount() == f"T * B * ({columns} * H)"


@pytest.mark.parametrize(
    "name", ["gru", "sru", "mogrifier", "lem", "cfn", "qrnn", "nbrc", "two_layers", "switch_after"]
)
def test_the_way_back_copies_nothing_from_stack_to_stack(name: str) -> None:
    cell = computed(load(FILES.get(name, name)))
    file = File(Plan(cell, gradient(cell)), Options())
    assert copies(file.backward) == []


def test_a_stack_is_rows_of_one_that_is_rows_of_another() -> None:
    stacks = {A: n.Concat(a, b, c, d), B: n.Concat(b, c, d), C: n.Concat(b, c)}
    found = direction(loop=GATES | stacks | STATE)
    assert where(found) == {"a": "A[0]", "b": "A[H]", "c": "A[2*H]", "d": "A[3*H]", "B": "A[H]", "C": "A[H]"}
    assert copies(found) == []


ABCD, CD = n.Concat(a, b, c, d), n.Concat(c, d)


@pytest.mark.parametrize(
    ("loop", "after", "late", "wanted", "place"),
    [
        ({A: ABCD, C: CD}, {}, (), (), "A[2*H]"),
        ({A: ABCD, C: CD}, {}, (A, C), (), "A[2*H]"),
        ({A: ABCD, C: CD}, {}, (A,), (), "A[2*H]"),
        ({A: ABCD, C: CD}, {}, (C,), (), None),  # of C all steps are kept, of A one
        ({C: CD}, {A: ABCD}, (A, C), (), "A[2*H]"),  # there before what it is in
        ({A: ABCD}, {C: CD}, (A, C), (), None),  # what it would be in is there before it
        ({A: ABCD, C: n.Concat(d, c)}, {}, (), (), None),  # in another order
        ({A: ABCD, C: n.Concat(b, d)}, {}, (), (), None),  # no neighbours
        ({A: ABCD, C: CD}, {}, (), (A,), None),  # the caller's
        ({A: ABCD, C: CD}, {}, (), (C,), None),
    ],
)
def test_a_stack_is_rows_of_another_one_that_is_kept_as_long(
    loop: dict[MatrixSymbol, MatrixExpr],
    after: dict[MatrixSymbol, MatrixExpr],
    late: tuple[MatrixSymbol, ...],
    wanted: tuple[MatrixSymbol, ...],
    place: str | None,
) -> None:
    made = {h: n.Hadamard(prev, *map(total, loop))}
    ends = {y: n.Hadamard(h, prev, *map(total, late))}
    found = direction((h, y, *wanted), loop=GATES | loop | made, after=after | ends)
    assert where(found).get("C") == place


def test_a_value_of_two_stacks_is_computed_in_the_longer_one() -> None:
    found = direction(loop=GATES | {C: n.Concat(d, c), A: ABCD, h: n.Hadamard(total(A), total(C))})
    assert where(found) == {"a": "A[0]", "b": "A[H]", "c": "A[2*H]", "d": "A[3*H]"}
    assert copies(found) == [("C", "d"), ("C", "c")]


def test_what_is_the_same_for_all_samples_is_not_rows_of_what_is_not() -> None:
    stacks = {C: n.Concat(p, q), A: n.Concat(p, q, a, b)}
    found = direction(loop={a: GATES[a], b: GATES[b], **stacks, h: n.Hadamard(total(A), total(C))})
    assert where(found) == {"a": "A[2*H]", "b": "A[3*H]"}


def test_rows_are_taken_before_those_beside_them_are_there() -> None:
    """A product takes c and d of a, b, c and d before a is computed of it; what takes all of them waits for a."""
    loop = {
        b: GATES[b],
        c: GATES[c],
        d: GATES[d],
        C: CD,
        y: MatMul(Transpose(U), C),
        a: n.Tanh(y),
        A: ABCD,
        h: total(A),
    }
    found = direction(loop=loop | {h: total(A)})
    order = [str(u.target) for u in units(found, "loop")]
    assert where(found)["C"] == "A[2*H]"
    assert order.index("d") < order.index("y") < order.index("a") < order.index("h[t]")


def test_what_takes_a_stack_waits_for_all_of_the_stack_in_it() -> None:
    """d is made of a product of a: the sum of all four is taken after it."""
    loop = GATES | {y: MatMul(Transpose(V), a), d: n.Tanh(y), C: CD, A: ABCD}
    found = direction(loop={s: loop[s] for s in (a, b, c, y, d, C, A)} | {h: n.Hadamard(total(A), total(C))})
    assert where(found)["C"] == "A[2*H]"
    order = units(found, "loop")
    taken = [k for k, u in enumerate(order) if A in u.value.free_symbols]
    assert taken
    assert [u.target for u in order].index(d) < min(taken)


@pytest.mark.parametrize(("late", "place"), [((A,), "A[2*H]"), ((), None)])
def test_a_value_of_an_earlier_phase_is_in_a_stack_of_which_all_steps_are_kept(
    late: tuple[MatrixSymbol, ...], place: str | None
) -> None:
    loop = {a: GATES[a], b: GATES[b], d: GATES[d], A: ABCD, h: total(A)}
    found = direction((h, y), before={c: n.Tanh(x)}, loop=loop, after={y: n.Hadamard(h, prev, *map(total, late))})
    assert where(found).get("c") == place
    assert copies(found) == ([] if place else [("A", "c")])


@pytest.mark.parametrize(("added_to", "other"), [(C, A), (A, C)])
def test_rows_that_a_product_is_added_to_are_those_of_no_other_stack(
    added_to: MatrixSymbol, other: MatrixSymbol
) -> None:
    """tanh(C + U h[t-1]) is computed in the place of C, where all of A could not be taken any more."""
    rows = added_to.shape[0]
    weight, product, gate = (
        symbol(name, shape) for name, shape in (("W", (H, rows)), ("P", (rows, ONE)), ("g", (rows, ONE)))
    )
    before = {s: n.Tanh(n.Hadamard(x, t)) for s, t in ((a, x), (b, p), (c, q), (d, n.Sin(x)))}
    sums = {product: MatMul(Transpose(weight), prev), gate: n.Tanh(MatAdd(added_to, product))}
    loop = {**sums, h: n.Hadamard(total(gate), total(other))}
    found = direction(before=before | {C: CD, A: ABCD}, loop=loop, more=(weight,))
    inside = where(found)
    assert inside["P"] == f"{added_to}[0]"
    assert str(other) not in inside
    assert str(added_to) not in inside


def test_what_is_copied_into_a_stack_is_there_for_what_takes_the_longer_one() -> None:
    """x is no value of the loop, so that it is copied: once, into rows of both."""
    found = direction(loop=GATES | {C: n.Concat(x, d), A: n.Concat(a, b, x, d), h: n.Hadamard(total(A), total(C))})
    assert where(found)["C"] == "A[2*H]"
    assert copies(found) == [("C", "x[t]")]
    order = [(str(u.target), isinstance(u, Item) and not u.whole) for u in units(found, "loop")]
    taken = [k for k, u in enumerate(units(found, "loop")) if A in u.value.free_symbols]
    assert taken
    assert order.index(("C", True)) < min(taken)


def test_parts_of_what_a_product_is_added_to_stay_apart_where_others_take_them() -> None:
    """a and b in g = tanh(concat(a, b) + U h): in their place there is the sum, and the next lines take a and b."""
    cell = computed(load(ODD["added_beside"]))
    file = File(Plan(cell, gradient(cell)), Options())
    inside = where(file.forward)
    assert "part(pre(g))[t]" in inside
    assert not {"a[t]", "b[t]"} & inside.keys()
