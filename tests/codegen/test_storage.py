"""Where the values of a loop are kept, and by which calls they get there."""

from __future__ import annotations

import pytest
from sympy import MatAdd, MatMul, MatrixExpr

from lstmgraph import load
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.calculus import gradient
from lstmgraph.codegen.arrays import Speller
from lstmgraph.codegen.calls import statements
from lstmgraph.codegen.passes import passed
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.storage import Storage, storage
from lstmgraph.codegen.targets.torch import BACKWARD, DIALECT, FORWARD

H, ONE = size("H"), size(1)
a, b, c = (symbol(name, (H, ONE)) for name in "abc")
U = symbol("U", (H, H))
two = n.Fill(2, H, 1)


def stored(name: str, back: bool = False) -> Storage:
    both = sequence(load(name), gradient(load(name)))
    sweep = passed(both.backward, BACKWARD) if back else passed(both.forward, FORWARD)
    used = {s for e in sweep["after"] for s in e.value.free_symbols}
    return storage(sweep, {*sweep.wanted, *used} if not back else used)


def test_gates_are_computed_where_their_projections_were() -> None:
    """From W x + b to the sigmoid, all of an LSTM's gates stay in one array, which is kept."""
    places = stored("lstm").places
    gates = {str(s): place for s, place in places.items() if str(s) in {"f[t]", "i[t]", "g[t]", "o[t]"}}
    assert len(gates) == 4
    assert len({place.base for place in gates.values()}) == 1
    assert sorted(str(place.start) for place in gates.values()) == ["0", "2*H", "3*H", "H"]


def test_what_is_needed_later_is_not_written_over() -> None:
    found = stored("lstm")
    kept = [found.places[s] for s in found.places if str(s) in {"c[t]", "h[t]", "part(h.1)[t]"}]
    assert len({place.base for place in kept}) == 3
    assert {place.base for place in kept} <= found.kept


def test_cotangents_are_computed_where_they_are_stacked() -> None:
    places = stored("lstm", back=True).places
    deltas = {place.base for s, place in places.items() if str(s) in {f"bar(pre({k}))[t]" for k in "figo"}}
    assert len(deltas) == 1


@pytest.mark.parametrize(
    ("value", "given", "wanted"),
    [
        (n.Hadamard(a, b), True, ["torch.mul(a, b, out=y)"]),
        (n.Hadamard(a, b), False, ["y = a * b"]),
        (MatMul(U, a), True, ["torch.mm(a, U.T, out=y)"]),
        (MatAdd(b, MatMul(U, a)), True, ["torch.addmm(b, a, U.T, out=y)"]),
        (MatAdd(n.Hadamard(a, b), n.Hadamard(b, c)), True, ["torch.mul(a, b, out=y)", "y.addcmul_(b, c)"]),
        (MatAdd(a, n.Negative(n.Hadamard(b, c))), False, ["y = torch.addcmul(a, b, c, value=-1)"]),
        (MatAdd(a, n.Negative(b)), False, ["y = torch.sub(a, b)"]),
        (n.Tanh(a), True, ["torch.tanh(a, out=y)"]),
        (n.Hadamard(a, b, n.OneMinus(b)), False, ["y = torch.ops.aten.sigmoid_backward(a, b)"]),
        (
            n.Hadamard(a, n.OneMinus(n.Power(b, two))),
            True,
            ["torch.ops.aten.tanh_backward(a, b, grad_input=y)"],
        ),
        (n.OneMinus(a), True, ["y.copy_(1 - a)"]),
    ],
)
def test_calls(value: MatrixExpr, given: bool, wanted: list[str]) -> None:
    names = {a: "a", b: "b", c: "c", U: "U"}
    speller = Speller(DIALECT, names, {a: True, b: True, c: True, U: False}, "a")
    assert statements(speller, "y", value, given) == wanted


def test_a_sum_is_added_up_in_place() -> None:
    names = {a: "a", b: "b", U: "U"}
    speller = Speller(DIALECT, names, {a: True, b: True, U: False}, "a")
    assert statements(speller, "a", MatAdd(a, MatMul(U, b), b), given=True) == ["a.addmm_(b, U.T)", "a += b"]
