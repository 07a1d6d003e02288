"""The reference interpreter against numbers worked out otherwise, and its errors."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from sympy import MatAdd, MatMul

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.errors import ShapeError, UnknownName
from lstmgraph.numeric import bind_sizes, evaluate, run_sequence
from lstmgraph.program import Equation, Program
from lstmgraph.reading import load

H, X, ONE = size("H"), size("X"), size(1)
W, x, b, s = symbol("W", (H, X)), symbol("x[t]", (X, ONE)), symbol("b", (H, ONE)), symbol("s", (ONE, ONE))
y = symbol("y[t]", (H, ONE))


def affine(value: object = None) -> Program:
    return Program("affine", (W, x, b), (Equation(y, value or MatAdd(MatMul(W, x), b)),), (y,))


def test_numbers_worked_out_by_hand() -> None:
    given = {
        "W": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "x[t]": np.array([[1.0], [-1.0]]),
        "b": np.array([[10.0], [20.0]]),
    }
    found = evaluate(affine(), given)
    assert found["y[t]"].tolist() == [[9.0], [19.0]]
    assert found["W"] is given["W"]


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeError, match=r"b is \(H\), here with H=2, X=3; got an array \(4, 1\)"):
        evaluate(affine(), {"W": np.ones((2, 3)), "x[t]": np.ones((3, 1)), "b": np.ones((4, 1))})


def test_a_vector_is_a_column() -> None:
    with pytest.raises(ShapeError, match=r"b must be a matrix"):
        evaluate(affine(), {"W": np.ones((2, 3)), "x[t]": np.ones((3, 1)), "b": np.ones(2)})


def test_a_missing_value_is_named() -> None:
    with pytest.raises(UnknownName, match="no value for affine's input 'b'"):
        evaluate(affine(), {"W": np.ones((2, 3)), "x[t]": np.ones((3, 1))})


def test_a_size_that_nothing_tells() -> None:
    program = Program("open", (s,), (Equation(y, n.Fill(s, H, 1)),), (y,))
    with pytest.raises(ShapeError, match="no input of the program tells the size H"):
        evaluate(program, {"s": np.ones((1, 1))})


def test_a_number_will_do_for_a_scalar() -> None:
    scaled = Program("scaled", (b, s), (Equation(y, n.Hadamard(n.Fill(s, H, 1), b)),), (y,))
    found = evaluate(scaled, {"b": np.full((2, 1), 3, np.float32), "s": 0.5})["y[t]"]
    assert found.tolist() == [[1.5], [1.5]]
    assert found.dtype == np.float32


@pytest.mark.parametrize("cls", [n.Sigmoid, n.Softplus, n.Softmax, n.Silu, n.Tanh])
def test_far_out_nothing_overflows(cls: type) -> None:
    program = Program("far", (b,), (Equation(y, cls(b)),), (y,))
    with np.errstate(all="raise", under="ignore"):
        found = evaluate(program, {"b": np.array([[-1e4], [-700.0], [0.0], [700.0]])})["y[t]"]
    assert np.all(np.isfinite(found))


def test_sigmoid_keeps_its_digits_far_below_zero() -> None:
    program = Program("far", (b,), (Equation(y, n.Sigmoid(b)),), (y,))
    assert evaluate(program, {"b": np.array([[-40.0]])})["y[t]"][0, 0] == pytest.approx(np.exp(-40.0), rel=1e-14)


def test_an_lstm_step_written_out() -> None:
    cell, rng = load("lstm"), np.random.default_rng(0)
    shapes = {p.name: [{"H": 3, "X": 2, "1": 1}[str(z)] for z in p.shape] for p in cell.parameters}
    p = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    u, h, c = rng.normal(size=(1, 2, 1)), rng.normal(size=(3, 1)), rng.normal(size=(3, 1))
    a = {k: p[f"W_{k}"] @ u[0] + p[f"U_{k}"] @ h + p[f"b_{k}"] for k in "figo"}
    f, i, g, o = (1 / (1 + np.exp(-a[k])) if k != "g" else np.tanh(a[k]) for k in "figo")
    c1 = f * c + i * g
    (step,) = run_sequence(cell, p, {"x": u}, {"h": h, "c": c})
    np.testing.assert_allclose(step["c[t]"], c1, rtol=1e-14)
    np.testing.assert_allclose(step["h[t]"], o * np.tanh(c1), rtol=1e-14)


@pytest.mark.torch
def test_torch_computes_the_same(torch: ModuleType) -> None:
    for value in (n.Relu(b), n.Step(b), n.Softmax(b), n.Softplus(b), n.Abs(b), n.Concat(b, b), n.Sum(b)):
        target = symbol("y[t]", value.shape)
        program = Program("both", (b,), (Equation(target, value),), (target,))
        column = np.array([[-0.5], [0.25], [2.0]])
        wanted = evaluate(program, {"b": column})["y[t]"]
        found = evaluate(program, {"b": torch.tensor(column)}, torch)["y[t]"]
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-15)


def test_sizes_are_solved_from_sums_and_multiples() -> None:
    a, b2, c = symbol("a", (H + X, ONE)), symbol("b", (2 * H, ONE)), symbol("c", (X - H + 1, ONE))
    arrays = {"a": np.ones((7, 1)), "b": np.ones((4, 1)), "c": np.ones((4, 1))}
    assert bind_sizes([a, b2, c], arrays) == {H: 2, X: 5}
    assert bind_sizes([a, c], arrays) == {H: 2, X: 5}
    with pytest.raises(ShapeError, match=r"b is \(2\*H\), here with H=2, X=5; got an array \(6, 1\)"):
        bind_sizes([a, c, b2], {**arrays, "b": np.ones((6, 1))})
    with pytest.raises(ShapeError, match=r"by the shapes of the arrays, the size H would be 5/2"):
        bind_sizes([b2], {"b": np.ones((5, 1))})
    with pytest.raises(ShapeError, match=r"by the shapes of the arrays, the size X would be -1"):
        bind_sizes([a, b2], {"a": np.ones((1, 1)), "b": np.ones((4, 1))})
    with pytest.raises(ShapeError, match=r"no input of the program tells the size H \+ X"):
        bind_sizes([a], arrays)
