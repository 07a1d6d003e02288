"""Once its sizes are numbers, an expression is an explicit SymPy matrix of scalar formulas."""

import numpy as np
import pytest
import sympy as sp

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.numeric import evaluate
from lstmgraph.program import Equation, Program
from lstmgraph.reading import library, load

TWO, ONE = size(2), size(1)
a, b = (symbol(name, (TWO, ONE)) for name in "ab")
BINARY = (n.Hadamard, n.Divide, n.Power, n.Maximum, n.Minimum, n.Concat)


def example(cls: type) -> sp.MatrixExpr:
    if cls is n.Fill:
        return n.Fill(sp.Rational(3, 2), 2, 1)
    if cls is n.Slice:
        return n.Slice(n.Concat(a, b), 1, 2)
    return cls(a, b) if cls in BINARY else cls(a)


@pytest.mark.parametrize("cls", [cls for cls in RULES if issubclass(cls, n.Operation) and cls is not n.TimeSum])
def test_entries_mean_what_the_interpreter_computes(cls: type) -> None:
    node = example(cls)
    given = {"a": np.array([[0.3], [1.7]]), "b": np.array([[1.2], [0.4]])}
    y = symbol("y", node.shape)
    computed = evaluate(Program("p", (a, b), (Equation(y, node),), (y,)), given)["y"]
    entries = {s[i, 0]: float(given[s.name][i, 0]) for s in (a, b) for i in range(2)}
    explicit = node.as_explicit().subs(entries).evalf()
    np.testing.assert_allclose(np.array(explicit, dtype=float), computed, rtol=1e-13)


@pytest.mark.parametrize("name", library())
def test_a_cells_equations_become_explicit(name: str) -> None:
    cell = load(name)
    for equation in cell.equations:
        explicit = equation.value.subs(dict.fromkeys(cell.sizes, 2)).as_explicit()
        assert explicit.shape == (2, 1)
        assert all(entry.is_Matrix is False for entry in explicit)
