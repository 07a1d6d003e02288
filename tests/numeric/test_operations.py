"""Every operation of the table: its value's shape, its derivatives, each against what was not derived from it.

A new row of RULES is covered as it is; an operation without a signature needs a line in `EXAMPLES`.
"""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES, Dots, jvp, slope, vjp
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.numeric.differences import OFFSETS, STEP, WEIGHTS
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.numeric.sample import edges
from lstmgraph.program import Equation, Program

M, N = size(3), size(2)
SIZES = {"1": 1, "m": 3, "n": 2, "k": 4, "m0": 1, "m1": 2, "m2": 3}
EXAMPLES: dict[type, MatrixExpr] = {
    n.Fill: n.Fill(symbol("s", (size(1), size(1))), M, N),
    n.Slice: n.Slice(symbol("a", (M, N)), 1, 2),
}
BOUND = 1e-9


def example(cls: type) -> MatrixExpr:
    """The operation on symbols, of the shapes that its signature says; three where it takes any number."""
    if cls in EXAMPLES:
        return EXAMPLES[cls]
    signature = parse_signature(n.signature_of(cls))
    shapes = signature.spread(max(len(signature.operands), 3 if signature.repeats else 1))
    sizes = [[size(SIZES[letter.lstrip("*")]) for letter in shape] for shape in shapes]
    return cls(*(symbol(f"a{k}", (rows, columns)) for k, (rows, columns) in enumerate(sizes)))


def program(name: str, inputs: list[MatrixSymbol], values: list[MatrixExpr]) -> Program:
    targets = [symbol(f"y{k}", value.shape) for k, value in enumerate(values)]
    equations = tuple(Equation(t, v) for t, v in zip(targets, values, strict=True))
    return Program(name, tuple(inputs), equations, tuple(targets)).check()


def outputs(values: list[MatrixExpr], given: dict[str, np.ndarray]) -> list[np.ndarray]:
    inputs = sorted({s for v in values for s in symbols_in(v)}, key=str)
    found = evaluate(program("test", inputs, values), given)
    return [found[f"y{k}"] for k in range(len(values))]


def draw(node: MatrixExpr) -> dict[str, np.ndarray]:
    """Values of the operands, away from the edges of the operation."""
    for k in range(100):
        rng = np.random.default_rng(k)
        low = -1.5 if k < 50 else 0.2
        given = {a.name: rng.uniform(low, 1.5, [int(z) for z in a.shape]) for a in n.operands(node)}
        with np.errstate(all="ignore"):
            found = outputs([node, *(edge.distance for edge in edges(node))], given)
        if all(np.all(np.isfinite(f)) for f in found) and all(np.all(np.abs(f) > 0.1) for f in found[1:]):
            return given
    raise AssertionError(f"no draw for {node}")


def vjp_error(cls: type) -> float:
    """|<ct, J v> - <Jᵀ ct, v>|, J v by differences."""
    node = example(cls)
    given, rng = draw(node), np.random.default_rng(7)
    out, ct = symbol("y", node.shape), symbol("ct", node.shape)
    (y,) = outputs([node], given)
    cotangent = rng.uniform(-1, 1, y.shape)
    direction = {name: rng.uniform(-1, 1, a.shape) for name, a in given.items()}
    everything = given | {"y": y, "ct": cotangent}
    by_rule = [
        np.sum(outputs([v], everything)[0] * direction[a.name])
        for a, v in zip(n.operands(node), vjp(node, out, ct), strict=True)
    ]
    h = 1e-3
    along = [outputs([node], {k: a + s * h * direction[k] for k, a in given.items()})[0] for s in (-2, -1, 1, 2)]
    derivative = (along[0] - 8 * along[1] + 8 * along[2] - along[3]) / (12 * h)
    return abs(float(np.sum(cotangent * derivative)) - float(sum(by_rule)))


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_the_vjp_is_the_transpose_of_the_derivative(cls: type) -> None:
    assert vjp_error(cls) < BOUND


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_a_wrong_vjp_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES[cls]

    def wrong(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
        shares = right.vjp(node, out, ct) if right.vjp else (n.Hadamard(ct, slope(node, out)),)
        return (MatAdd(shares[0], n.Fill(sp.Rational(1, 100), *shares[0].shape)), *shares[1:])

    monkeypatch.setitem(RULES, cls, right._replace(vjp=wrong))
    assert vjp_error(cls) > 1e-4


def jvp_error(cls: type, still: int | None = None) -> float:
    """|J v by rule - J v by differences|; the operand `still` does not move, and its tangent is a zero."""
    node = example(cls)
    given, rng = draw(node), np.random.default_rng(7)
    moving = [a for k, a in enumerate(n.operands(node)) if k != still]
    direction = {a.name: rng.uniform(-1, 1, given[a.name].shape) for a in moving}
    dots = [symbol(f"d{a.name}", a.shape) if a in moving else n.Fill(0, *a.shape) for a in n.operands(node)]
    out = symbol("y", node.shape)
    (y,) = outputs([node], given)
    (found,) = outputs([jvp(node, out, dots)], given | {"y": y} | {f"d{k}": d for k, d in direction.items()})
    moved = {s: {k: a + s * STEP * direction.get(k, 0) for k, a in given.items()} for s in OFFSETS}
    derivative = sum(w * outputs([node], moved[s])[0] for s, w in zip(OFFSETS, WEIGHTS, strict=True)) / STEP
    assert found.shape == y.shape
    return float(np.max(np.abs(found - derivative)) / max(1, np.max(np.abs(derivative))))


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_the_jvp_is_the_derivative(cls: type) -> None:
    assert jvp_error(cls) < BOUND
    count = len(n.operands(example(cls)))
    assert all(jvp_error(cls, still=k) < BOUND for k in range(count) if count > 1)


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_a_wrong_jvp_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES[cls]

    def wrong(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
        value = right.jvp(node, out, dots) if right.jvp else n.Hadamard(slope(node, out), dots[0])
        return MatAdd(value, n.Fill(sp.Rational(1, 100), *value.shape))

    monkeypatch.setitem(RULES, cls, right._replace(jvp=wrong))
    assert jvp_error(cls) > 1e-4


@pytest.mark.parametrize("cls", [cls for cls in RULES if RULES[cls].slope or RULES[cls].jvp is None])
def test_a_wrong_slope_is_seen_in_the_jvp(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hundredth = n.Fill(sp.Rational(1, 100), *example(cls).shape)
    right = slope(example(cls), symbol("y", example(cls).shape))
    monkeypatch.setitem(RULES, cls, RULES[cls]._replace(slope=lambda a, y: MatAdd(right, by_hundredth)))
    assert jvp_error(cls) > 1e-4


def test_a_rule_is_exactly_one_of_a_slope_and_a_pair() -> None:
    """An elementwise function has neither vjp nor jvp, any other operation has both, each with its formula."""
    for cls, rule in RULES.items():
        assert (rule.vjp is None) == (rule.jvp is None) == issubclass(cls, n.Elementwise), cls
        assert rule.jvp is None or "ẏ" in (rule.jvp.__doc__ or "").lower() or "ṡ" in (rule.jvp.__doc__ or ""), cls


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_the_value_has_the_shape_of_the_signature(cls: type) -> None:
    node = example(cls)
    given = draw(node)
    assert outputs([node], given)[0].shape == tuple(int(z) for z in node.shape)


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_samples_in_front_are_computed_each_on_its_own(cls: type) -> None:
    node = example(cls)
    samples = [draw(node), {name: a * 1.01 for name, a in draw(node).items()}]
    together = outputs([node], {name: np.stack([s[name] for s in samples]) for name in samples[0]})[0]
    np.testing.assert_allclose(together, np.stack([outputs([node], s)[0] for s in samples]), rtol=1e-15)


ELEMENTWISE = [cls for cls in RULES if issubclass(cls, n.Elementwise)]


def slope_error(cls: type) -> float:
    """The rule's slope against SymPy's derivative of the scalar meaning, at a few points."""
    a = sp.Symbol("a", real=True)
    formula = cls.scalar  # type: ignore[attr-defined]
    points = np.array([[-1.1], [-0.2], [0.3], [1.7]])
    node = cls(symbol("a", (size(4), size(1))))
    with np.errstate(invalid="ignore"):
        (y,) = outputs([node], {"a": points})
    if not np.all(np.isfinite(y)):
        points = np.abs(points)
        (y,) = outputs([node], {"a": points})
    (found,) = outputs([slope(node, symbol("y", node.shape))], {"a": points, "y": y})
    wanted = [float(sp.diff(formula(a), a).subs(a, float(p)).evalf()) for p in points[:, 0]]
    meaning = [float(formula(sp.Float(float(p)))) for p in points[:, 0]]
    return float(np.max(np.abs(np.concatenate([found[:, 0] - wanted, y[:, 0] - meaning]))))


@pytest.mark.parametrize("cls", ELEMENTWISE, ids=lambda cls: RULES[cls].name)
def test_value_and_slope_are_those_of_the_scalar_meaning(cls: type) -> None:
    assert slope_error(cls) < 1e-12


@pytest.mark.parametrize("cls", ELEMENTWISE, ids=lambda cls: RULES[cls].name)
def test_a_wrong_slope_is_seen(cls: type, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES[cls]

    def wrong(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
        return MatAdd(*([right.slope(a, y)] if right.slope else []), n.Fill(sp.Rational(1, 100), *y.shape))

    monkeypatch.setitem(RULES, cls, right._replace(slope=wrong))
    assert slope_error(cls) > 1e-3


# ── where a function has no derivative ──


def shares(node: MatrixExpr, given: dict[str, list[float]]) -> list[list[float]]:
    """The cotangents of the operands, for ones as the value's."""
    arrays = {name: np.array(values)[:, None] for name, values in given.items()}
    (y,) = outputs([node], arrays)
    parts = vjp(node, symbol("y", node.shape), symbol("ct", node.shape))
    return [f[:, 0].tolist() for f in outputs([*parts], {**arrays, "y": y, "ct": np.ones_like(y)})]


A, C = symbol("a", (M, size(1))), symbol("b", (M, size(1)))


def test_of_equals_the_second_is_the_larger_and_the_smaller() -> None:
    given = {"a": [1.0, 2.0, 3.0], "b": [2.0, 2.0, 2.0]}
    assert shares(n.Maximum(A, C), given) == [[0, 0, 1], [1, 1, 0]]
    assert shares(n.Minimum(A, C), given) == [[1, 0, 0], [0, 1, 1]]


@pytest.mark.parametrize(("cls", "slopes"), [(n.Relu, [0, 0, 1]), (n.Abs, [-1, 0, 1]), (n.Step, [0, 0, 0])])
def test_slopes_at_a_kink(cls: type, slopes: list[int]) -> None:
    assert shares(cls(A), {"a": [-2.0, 0.0, 2.0]}) == [slopes]


def test_the_unit_step_is_0_at_0_by_table_and_formula() -> None:
    a = sp.Symbol("a", real=True)
    assert outputs([n.Step(A)], {"a": np.array([[-1.0], [0.0], [1.0]])})[0].tolist() == [[0], [0], [1]]
    assert n.Step.scalar(a).subs(a, 0) == 0


def test_the_gradient_of_an_exponent_is_0_where_the_base_is() -> None:
    found = shares(n.Power(A, C), {"a": [0.0, 0.0, 2.0], "b": [2.0, 1.0, 3.0]})
    assert found == [[0, 1, 12], [0, 0, pytest.approx(8 * np.log(2), rel=1e-15)]]


@pytest.mark.parametrize(
    "given", [{"a": [0.0, 2.0, 0.0], "b": [0.0, 0.0, 1.0]}, {"a": [2.0, -2.0, 3.0], "b": [-1.0, 0.0, 0.5]}]
)
def test_zero_to_the_power_of_zero_is_flat(given: dict[str, list[float]]) -> None:
    """As in PyTorch; elsewhere nothing changes."""
    torch = pytest.importorskip("torch")
    a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in given.values())
    (a**b).sum().backward()
    with np.errstate(invalid="ignore"):  # of a negative base, whose exponent has no gradient
        found = shares(n.Power(A, C), given)
    np.testing.assert_allclose(found, [a.grad, b.grad], rtol=1e-15)


def test_what_is_raised_to_zero_is_flat() -> None:
    first, _ = shares(n.Power(A, n.Fill(0, *A.shape)), {"a": [0.0, 2.0, -2.0]})
    assert first == [0, 0, 0]


def test_the_gradient_of_an_exponent_is_nan_below_0() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(shares(n.Power(A, C), {"a": [-2.0, 1.0, 1.0], "b": [2.0, 1.0, 1.0]})[1][0])
