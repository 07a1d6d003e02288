"""Where the values of a loop are kept, and by which calls they get there."""

from __future__ import annotations

import pytest
from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph import load
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.calculus import gradient
from lstmgraph.codegen import lambdify
from lstmgraph.codegen.arrays import Speller
from lstmgraph.codegen.calls import statements
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.passes import passed_both
from lstmgraph.codegen.places import Place, Places, meet
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import swept
from lstmgraph.codegen.targets.torch import DIALECT, PASSES
from lstmgraph.program import Equation, Program
from lstmgraph.reading import from_equations

H, ONE = size("H"), size(1)
a, b, c = (symbol(name, (H, ONE)) for name in "abc")
U = symbol("U", (H, H))
q, k = (symbol(name, (ONE, ONE)) for name in "qk")
K = n.Fill(k, H, 1)
two = n.Fill(2, H, 1)


def stored(name: str, back: bool = False) -> Places:
    both = passed_both(sequence(load(name), gradient(load(name))), PASSES)
    sweep = both.backward if back else both.forward
    used = {s for e in sweep["after"] for s in e.value.free_symbols} - {*sweep.carried}
    shared = {*sweep.constant(), *sweep.summed, *sweep.carried}
    batched = frozenset({*sweep.inputs, *(e.target for e in sweep.equations)} - shared)
    wanted = frozenset(used if back else {*sweep.wanted, *used})
    return Places(sweep, batched & {*sweep.inputs}, wanted, batched, rebinds=True)


def places_of(found: Places) -> dict[str, Place]:
    return {str(s): place for s in sorted(found.batched, key=str) if (place := found.place(s)) is not None}


def test_gates_are_computed_where_their_projections_were() -> None:
    """From W x + b to the sigmoid, all of an LSTM's gates stay in one array, which is kept."""
    places = places_of(stored("lstm"))
    gates = {s: places[s] for s in ("f[t]", "i[t]", "g[t]", "o[t]")}
    assert len({place.root for place in gates.values()}) == 1
    assert sorted(str(place.start) for place in gates.values()) == ["0", "2*H", "3*H", "H"]


def test_what_is_needed_later_is_not_written_over() -> None:
    found = stored("lstm")
    kept = [places_of(found)[s] for s in ("c[t]", "h[t]", "part(h.1)[t]")]
    assert len({place.root for place in kept}) == 3
    assert all(found.is_whole(place.root) for place in kept)


def test_cotangents_are_computed_where_they_are_stacked() -> None:
    places = places_of(stored("lstm", back=True))
    deltas = {place.root for s, place in places.items() if s in {f"bar(pre({k}))[t]" for k in "figo"}}
    assert len(deltas) == 1


def test_slopes_are_computed_where_the_cotangents_will_be() -> None:
    places = places_of(stored("lstm", back=True))
    slopes = [place for s, place in places.items() if s.startswith("slope(bar(pre(")]
    assert {str(place.root) for place in slopes} == {"some(bar(pre(o.g.i.f)))[t]"}
    assert sorted(str(place.start) for place in slopes) == ["0", "2*H", "3*H", "H"]


def test_what_is_handed_on_is_not_written_over_where_the_step_takes_it() -> None:
    """tanh(h[t]) is not computed in the place of h[t], which the next step takes."""
    h, before, other, gone = (symbol(name, (H, ONE)) for name in ("h[t]", "h[t-1]", "g[t]", "g[t-1]"))
    values = {h: n.Sin(before), a: n.Tanh(h), other: n.Hadamard(a, gone)}
    equations = tuple(Equation(target, value) for target, value in values.items())
    carried = {before: h, gone: other}
    sweep = swept(Program("p", tuple(carried), equations, (h, other)), (), carried)
    found = Places(sweep, frozenset(), frozenset(), frozenset({*values, *carried}))
    assert found.place(h) == found.place(before)
    assert not meet(found.place(a), found.place(h))


@pytest.mark.parametrize("kept", [set(), {a}])
def test_what_is_kept_is_not_written_over(kept: set[MatrixSymbol]) -> None:
    """tanh(a) is computed in the place of a, if nobody wants a of all steps."""
    h, before = (symbol(name, (H, ONE)) for name in ("h[t]", "h[t-1]"))
    values = {a: n.Sin(before), b: n.Tanh(a), h: n.Hadamard(b, before)}
    equations = tuple(Equation(target, value) for target, value in values.items())
    sweep = swept(Program("p", (before,), equations, (h,)), (), {before: h})
    found = Places(sweep, frozenset(), frozenset(kept), frozenset({*values, before}))
    assert meet(found.place(b), found.place(a)) == (not kept)


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
        (MatAdd(a, n.Hadamard(two, b)), False, ["y = torch.add(a, b, alpha=2)"]),
        (MatAdd(a, n.Negative(n.Hadamard(two, b))), True, ["torch.add(a, b, alpha=-2, out=y)"]),
        (MatAdd(a, b, n.Hadamard(two, c)), True, ["torch.add(a, b, out=y)", "y.add_(c, alpha=2)"]),
        (MatAdd(a, n.Hadamard(two, b, c)), False, ["y = torch.addcmul(a, b, c, value=2)"]),
        (MatAdd(a, n.Hadamard(K, b, c)), False, ["y = torch.addcmul(a, b, c, value=k)"]),
        (MatAdd(a, n.Negative(n.Hadamard(n.OneMinus(K), b))), False, ["y = torch.add(a, b, alpha=-(1 - k))"]),
        (MatAdd(n.Hadamard(two, a, b), n.Hadamard(two, b, c)), False, ["y = torch.addcmul(2 * a * b, b, c, value=2)"]),
        (MatAdd(a, n.Hadamard(n.Fill(1e5, H, 1), b)), False, ["y = torch.add(a, 100000.0 * b)"]),
        (MatAdd(a, n.Hadamard(n.Fill(65504, H, 1), b)), False, ["y = torch.add(a, b, alpha=65504)"]),
        (MatAdd(a, n.Hadamard(n.Fill(65505, H, 1), b)), False, ["y = torch.add(a, 65505 * b)"]),
        (MatAdd(a, n.Hadamard(n.Fill(300, H, 1), K, b)), False, ["y = torch.add(a, b, alpha=300 * k)"]),
        (MatAdd(a, n.Hadamard(n.Fill(300000, H, 1), K, b)), False, ["y = torch.add(a, 300000 * k * b)"]),
        (MatAdd(a, n.Hadamard(n.Fill(1e-5, H, 1), b, c)), False, ["y = torch.add(a, 1e-05 * b * c)"]),
        (MatAdd(b, n.Hadamard(c, MatAdd(a, n.Negative(b)))), True, ["torch.lerp(b, a, c, out=y)"]),
        (MatAdd(b, n.Hadamard(n.Fill(q, H, 1), MatAdd(a, n.Negative(b)))), False, ["y = torch.lerp(b, a, q)"]),
        (MatAdd(b, n.Hadamard(K, MatAdd(a, n.Negative(b)))), False, ["y = torch.lerp(b, a, k)"]),
        (MatAdd(b, n.Hadamard(c, MatAdd(a, n.Negative(c)))), False, ["y = torch.addcmul(b, c, a - c)"]),
        (n.Divide(a, K), True, ["torch.div(a, k, out=y)"]),
        (MatAdd(a, n.Hadamard(n.Fill(q, H, 1), b)), False, ["y = torch.addcmul(a, q, b)"]),
        (n.Tanh(a), True, ["torch.tanh(a, out=y)"]),
        (n.Relu(a), True, ["torch.clamp_min(a, 0, out=y)"]),
        (n.Hadamard(a, b, n.OneMinus(b)), False, ["y = torch.ops.aten.sigmoid_backward(a, b)"]),
        (n.Hadamard(n.Fill(q, H, 1), b, n.OneMinus(b)), False, ["y = torch.ops.aten.sigmoid_backward(q, b)"]),
        (
            n.Hadamard(a, n.OneMinus(n.Power(b, two))),
            True,
            ["torch.ops.aten.tanh_backward(a, b, grad_input=y)"],
        ),
        (n.Maximum(n.Fill(0, H, 1), a), True, ["torch.clamp(a, min=0, out=y)"]),
        (n.Minimum(a, n.Fill(0.25, H, 1)), False, ["y = torch.clamp(a, max=0.25)"]),
        (n.Minimum(a, n.Fill(65505, H, 1)), False, ["y = torch.minimum(a, a.new_tensor(65505))"]),
        (n.Maximum(a, b), True, ["torch.maximum(a, b, out=y)"]),
        (n.Negative(a), True, ["torch.neg(a, out=y)"]),
        (n.Negative(n.Hadamard(a, b)), True, ["y.copy_(-a * b)"]),
        (MatMul(a, Transpose(b)), True, ["torch.mul(a[:, :, None], b[:, None, :], out=y)"]),
        (n.OneMinus(a), True, ["y.copy_(1 - a)"]),
        (n.Power(a, two), True, ["torch.square(a, out=y)"]),
        (n.Power(a, n.Fill(3, H, 1)), True, ["torch.pow(a, 3, out=y)"]),
        (n.Power(a, b), True, ["y.copy_(a**b)"]),
        (n.Power(a, two), False, ["y = a**2"]),
    ],
)
def test_calls(value: MatrixExpr, given: bool, wanted: list[str]) -> None:
    names = {a: "a", b: "b", c: "c", q: "q", U: "U", k: "k"}
    speller = Speller(DIALECT, names, {s: s not in (U, k) for s in names}, "a", numbers={k: 0.25})
    assert statements(speller, "y", value, given) == wanted


def test_a_product_is_multiplied_in_place() -> None:
    speller = Speller(DIALECT, {a: "a", b: "b"}, {a: True, b: True}, "a")
    assert statements(speller, "b", n.Hadamard(a, b), given=True) == ["b *= a"]


def test_a_power_is_taken_in_place_and_a_limit() -> None:
    speller = Speller(DIALECT, {a: "a"}, {a: True}, "a")
    assert statements(speller, "a", n.Maximum(n.Fill(0, H, 1), a), given=True) == ["a.clamp_(min=0)"]
    assert statements(speller, "a", n.Negative(a), given=True) == ["a.neg_()"]
    assert statements(speller, "a", n.Power(a, two), given=True) == ["a.square_()"]
    assert statements(speller, "a", n.Power(a, n.Fill(3, H, 1)), given=True) == ["a.pow_(3)"]


def test_a_sum_is_added_up_in_place() -> None:
    names = {a: "a", b: "b", U: "U"}
    speller = Speller(DIALECT, names, {a: True, b: True, U: False}, "a")
    assert statements(speller, "a", MatAdd(a, MatMul(U, b), b), given=True) == ["a.addmm_(b, U.T)", "a += b"]


def test_what_all_steps_have_is_not_computed_where_one_step_has_it() -> None:
    """All of z is kept, for y is; all of d would have to be, were z where d is."""
    equations = "y[t] = W @ x[t]\nz[t] = concat(y[t], U @ h[t-1])\nk[t] = 3 * z[t]\nd[t] = concat(k[t], R @ h[t-1])\n"
    sizes = {"x": "X", "y": "H", "z": "2*H", "h": "3*H"}
    cell = computed(from_equations(f"{equations}h[t] = tanh(d[t] + h[t-1])", sizes=sizes, output="h"))
    source = lambdify(cell, gradient(cell), "numpy").source
    assert "zs = np.empty((T, 2*H, B), xs.dtype)" in source
    assert "d = np.empty((3*H, B), xs.dtype)" in source
