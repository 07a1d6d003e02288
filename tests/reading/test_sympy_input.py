"""Cells from SymPy expressions, ours and SymPy's own."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import MatAdd, MatMul, MatrixSymbol

from lstmgraph.cell import Cell
from lstmgraph.errors import CellError
from lstmgraph.reading import dumps, from_equations, from_sympy, library, load, loads, source

H, X = sp.symbols("H X")
x, h, z = MatrixSymbol("x[t]", X, 1), MatrixSymbol("h[t-1]", H, 1), MatrixSymbol("z[t]", H, 1)
W, U, b = MatrixSymbol("W", H, X), MatrixSymbol("U", H, H), MatrixSymbol("b", H, 1)
alpha, v = sp.symbols("alpha v")
logistic = sp.Lambda(v, 1 / (1 + sp.exp(-v)))
ALL = {"x": "X", "h": "H", "z": "H"}


def each(expr: sp.MatrixExpr, function: object) -> sp.MatrixExpr:
    return sp.matrices.expressions.applyfunc.ElementwiseApplyFunction(function, expr)


def texts(cell: Cell) -> list[str]:
    assert loads(dumps(cell)).equations == cell.equations
    return [f"{e.target} = {source(e.value)}" for e in cell.equations]


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (MatMul(U, U, h), "U @ U @ h[t-1]"),
        (U**3 * h, "U @ U @ U @ h[t-1]"),
        (MatMul(2, W, x), "2 * (W @ x[t])"),
        (MatMul(-1, W, x), "-(W @ x[t])"),
        (MatAdd(MatMul(W, x), MatMul(-3, b)), "W @ x[t] + -3 * b"),
        (MatAdd(b, MatMul(-1, h)), "b - h[t-1]"),
        (MatMul(alpha, h), "alpha * h[t-1]"),
        (MatMul(1 - alpha, h), "(1 - alpha) * h[t-1]"),
        (MatMul(alpha**2, h), "alpha ** 2 * h[t-1]"),
        (MatMul(sp.Rational(1, 3), h), "1/3 * h[t-1]"),
        (sp.HadamardProduct(b, h, b), "b * h[t-1] * b"),
        (sp.HadamardPower(h, 2), "h[t-1] ** 2"),
        (MatAdd(sp.OneMatrix(H, 1), MatMul(-1, h)), "1 - h[t-1]"),
        (MatAdd(h, sp.OneMatrix(H, 1)), "h[t-1] + 1"),
        (MatMul(h, sp.Transpose(h), b), "h[t-1] @ h[t-1].T @ b"),
        (each(MatAdd(MatMul(W, x), b), sp.tanh), "tanh(W @ x[t] + b)"),
        (each(h, logistic), "sigmoid(h[t-1])"),
        (each(h, sp.Lambda(v, sp.Max(v, 0))), "relu(h[t-1])"),
        (each(h, sp.Function("softplus")), "softplus(h[t-1])"),
        (each(h, sp.Lambda(v, sp.exp(v))), "exp(h[t-1])"),
        (each(h, sp.Lambda(v, v)), "h[t-1]"),
    ],
)
def test_an_expression_of_sympy_is_one_of_ours(expr: sp.MatrixExpr, text: str) -> None:
    cell = from_sympy({"h[t]": expr})
    assert texts(cell) == [f"h[t] = {text}"]


def test_equations_may_come_in_several_forms() -> None:
    value = each(MatMul(W, x), sp.tanh)
    target = MatrixSymbol("z[t]", H, 1)
    cells = [
        from_sympy({"z[t]": value}),
        from_sympy({target: value}),
        from_sympy([sp.Eq(target, value)]),
        from_sympy([(target, value)]),
    ]
    cells.append(from_sympy(cells[0].equations))
    assert len({cell.equations for cell in cells}) == 1


def test_a_gru_in_sympy_is_the_gru_in_text() -> None:
    value = MatAdd(sp.HadamardProduct(MatAdd(sp.OneMatrix(H, 1), MatMul(-1, z)), h), sp.HadamardProduct(z, b))
    gate = each(MatAdd(MatMul(W, x), MatMul(U, h)), logistic)
    text = "z[t] = sigmoid(W @ x[t] + U @ h[t-1])\nh[t] = (1 - z[t]) * h[t-1] + z[t] * b"
    assert (
        from_sympy({"z[t]": gate, "h[t]": value}).equations
        == from_equations(text, sizes={"x": "X", "h": "H"}).equations
    )


@pytest.mark.parametrize("name", library())
def test_our_own_equations_can_be_taken_away_and_brought_back(name: str) -> None:
    cell = load(name)
    again = from_sympy({e.target: e.value for e in cell.equations}, name=name, output=cell.output)
    assert again.equations == cell.equations
    assert loads(dumps(again)).equations == cell.equations


def test_names_notes_constants_and_output() -> None:
    cell = from_sympy(
        {"y[t]": MatMul(alpha, h), "h[t]": h}, output="y", constants={"alpha": 0.5}, notes={"y": "scaled"}
    )
    assert (cell.output, dict(cell.constants), cell.equations[0].note) == ("y", {"alpha": 0.5}, "scaled")
    assert cell.parameters == ()


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ({}, "no equations"),
        ([1], "not an equation"),
        ({"h": h}, "cannot be defined"),
        ({"h[t-1]": h}, "cannot be defined"),
        ({"h[t]": "x"}, "not an operation"),
        ({"h[t]": sp.Matrix([1, 2])}, "not an operation"),
        ({"h[t]": sp.Inverse(U) * h}, "powers from 1 to 8"),
        ({"h[t]": MatMul(h[0, 0], h)}, "not a scalar"),
        ({"h[t]": each(h, sp.gamma)}, "no spelling"),
        ({"h[t]": each(h, sp.Function("foo"))}, "no function foo"),
        ({"h[t]": MatrixSymbol("a b", H, 1)}, "not a name"),
        ({"h[t]": MatrixSymbol("h", H, 1)}, "without a time"),
        ({MatrixSymbol("z[t]", X, 1): MatMul(W, x)}, "z\\[t\\] is"),
        ({"h[t]": MatrixSymbol("h[t]", H, 1)}, "cycle"),
        ({"h[t]": MatMul(sp.Transpose(b), h)}, "has shape"),
    ],
)
def test_what_is_no_cell_is_an_error(equations: object, message: str) -> None:
    with pytest.raises(CellError, match=message):
        from_sympy(equations)  # type: ignore[arg-type]
