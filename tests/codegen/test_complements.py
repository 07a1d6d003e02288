"""The gradient of log(exp(a) + exp(b)) for the one that is far below the other has its digits."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph import Cell
from lstmgraph.algebra.nodes import Hadamard, Negative, OneMinus, Sigmoid
from lstmgraph.algebra.traverse import walk
from lstmgraph.calculus import gradient
from lstmgraph.codegen.complements import with_complements
from lstmgraph.codegen.computed import computed
from lstmgraph.codegen.sequence import sequence
from lstmgraph.program import Equation

FORMS = {
    "two": "log(exp(h[t-1] + b) + exp(W @ x[t]))",
    "three": "b * log(exp(h[t-1] + b) + exp(W @ x[t]) + exp(V @ x[t]))",
    "weighted": "log(3 * exp(h[t-1]) + 2 * exp(W @ x[t]))",
    "taken off": "x[t] - 2 * log(exp(h[t-1]) + exp(W @ x[t]))",
}
D, U = (MatrixSymbol(name, 3, 1) for name in "du")


def cell_of(formula: str) -> Cell:
    return Cell.from_equations(f"h[t] = {formula}", name="log_sum", sizes={"x": "H", "h": "H"})


@pytest.mark.parametrize("form", FORMS)
def test_no_cotangent_is_less_a_share_of_itself(form: str) -> None:
    """Nothing has a term with a minus left: all of these were differences of shares."""
    cell = computed(cell_of(FORMS[form]))
    back = sequence(cell, gradient(cell)).backward
    sums = [part for e in back.equations for part in walk(e.value) if isinstance(part, MatAdd)]
    assert not [t for s in sums for t in s.args if isinstance(t, Negative)]
    assert any(
        isinstance(part.args[0], Negative) for e in back.equations for part in walk(e.value) if type(part) is Sigmoid
    )


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ((D, -1), "d*s(-u)"),
        ((D, D, -1), "d*s(-u) + d"),
        ((D, -1, -1), "d*s(-u) - d*s(u)"),
        ((D, 1), "d + d*s(u)"),
        ((Negative(D), 1), "-d*s(-u)"),
    ],
)
def test_one_term_and_one_share_are_a_product(written: tuple[MatrixExpr | int, ...], wanted: str) -> None:
    share = Hadamard(D, Sigmoid(U))
    terms = (t if isinstance(t, MatrixExpr) else share if t > 0 else Negative(share) for t in written)
    (done,) = with_complements([Equation(MatrixSymbol("y", 3, 1), MatAdd(*terms), stage="backward")])
    assert text_of(done.value) == wanted


def text_of(expr: MatrixExpr) -> str:
    """Terms in the order that they are in."""
    match expr:
        case MatAdd():
            return " + ".join(map(text_of, expr.args)).replace("+ -", "- ")
        case Negative():
            return f"-{text_of(expr.args[0])}"
        case Hadamard():
            return "*".join(map(text_of, expr.args))
        case Sigmoid():
            return f"s({text_of(expr.args[0])})"
    return str(expr)


def test_a_maximum_less_one_of_its_operands_takes_nothing_off() -> None:
    """d s - d is -d (1 - s): a small gradient beside it is not added to d s before d is taken off."""
    text = "v[t] = W @ x[t] + b\nh[t] = exp(x[t]) * (maximum(v[t], p) - v[t]) + tanh(v[t])"
    cell = computed(Cell.from_equations(text, name="less", sizes={"x": "H", "h": "H", "v": "H", "p": "H"}))
    back = sequence(cell, gradient(cell)).backward
    (arrived,) = [e.value for e in back.equations if str(e.target) == "bar(v)[t]"]
    assert any(isinstance(part, OneMinus) for part in walk(arrived))
    assert len(arrived.args) == 2


@pytest.mark.parametrize("form", FORMS)
def test_what_is_far_below_has_a_gradient_to_the_last_digits(form: str) -> None:
    """Of the state, 40 below the rest, from one step: what NumPy's code gives beside the textbook formula."""
    functions = cell_of(FORMS[form]).lambdify("numpy")
    b, W, V = np.full(3, 0.7), np.eye(3), 0.9 * np.eye(3)
    x, h = np.full((1, 1, 3), 20.0), np.full((1, 3), -20.0)
    params = {name: value for name, value in {"b": b, "W": W, "V": V}.items() if name in FORMS[form]}
    outputs, _, saved = functions.forward(params, x, {"h": h})
    *_, d_states = functions.backward(params, saved, np.ones_like(outputs))
    below = {
        "two": np.exp(-20 + 0.7 - 20),
        "three": 0.7 * np.exp(-20 + 0.7) / (np.exp(20.0) + np.exp(18.0)),
        "weighted": 1.5 * np.exp(-40),
        "taken off": -2 * np.exp(-40),
    }[form]
    np.testing.assert_allclose(d_states["h"], np.full((1, 3), below), rtol=1e-12)
