"""The two sides of every printed gradient have one shape: what is printed is read again, with shapes for values.

A dialect spells the printer's own output as Python, in which operators on shapes are strict: a sum adds what has one
shape, a product entry by entry multiplies such or scales by a scalar.  A scalar of the author's may stand for a vector,
as in the cell language; a cotangent may not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sympy import MatrixSymbol, Symbol, Transpose

from lstmgraph import calculus
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.notation import get_notation
from lstmgraph.printing import print_program
from lstmgraph.printing.dialects import ATOM, UNICODE, Form, Infix
from lstmgraph.printing.expressions import Printer
from lstmgraph.printing.sections import shown
from lstmgraph.program import Equation
from lstmgraph.reading import from_equations, library, load

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
SCALAR = ("1", "1")
SUMMED = """
a[t] = tanh(W_a @ x[t] + U_a @ h[t-1] + b_a)
s[t] = sum(a[t])
h[t] = s[t] * a[t] + softmax(a[t])
"""


@dataclass(frozen=True)
class Shaped:
    """A shape; `lent`: the author may let it stand for a vector."""

    shape: tuple[str, str] | None  # None: ones, as many as are wanted
    lent: bool = False

    def __add__(self, other: Shaped | float) -> Shaped:
        if not isinstance(other, Shaped):
            return self
        for one, two in ((self, other), (other, self)):
            if one.shape is None or one.lent:
                return two
        assert self.shape == other.shape, f"{self.shape} + {other.shape}"
        return self

    __radd__ = __sub__ = __rsub__ = __add__

    def __mul__(self, other: Shaped | float) -> Shaped:
        """Entry by entry; a scalar scales."""
        if not isinstance(other, Shaped) or SCALAR in (self.shape, other.shape):
            return other if isinstance(other, Shaped) and self.shape == SCALAR else self
        return self + other

    __rmul__ = __truediv__ = __rtruediv__ = __mul__

    def __pow__(self, other: Shaped) -> Shaped:
        """The matrix product: it binds tighter than the others."""
        if self.shape is None:
            assert other.shape == SCALAR, f"ones before {other.shape}"
            return self
        assert other.shape is not None
        assert self.shape[1] == other.shape[0], f"{self.shape} @ {other.shape}"
        return Shaped((self.shape[0], other.shape[1]))

    def __neg__(self) -> Shaped:
        return self

    @property
    def transposed(self) -> Shaped:
        assert self.shape is not None
        return Shaped((self.shape[1], self.shape[0]))

    def power(self, _: Shaped | float) -> Shaped:
        return self


def entrywise(first: Shaped, *rest: Shaped) -> Shaped:
    return sum(rest, first)


def stacked(*parts: Shaped) -> Shaped:
    rows = [p.shape[0] for p in parts if p.shape]
    return Shaped((counted(" + ".join(rows)), "1"))


def rows(of: Shaped, first: str, last: str) -> Shaped:
    assert of.shape is not None
    return Shaped((counted(f"{last} - ({first}) + 1"), of.shape[1]))


def counted(text: str) -> str:
    """A number of rows, simplified: "X + 1 + H - 1" is "H + X"."""
    sizes = {name: Symbol(name, integer=True, positive=True) for name in re.findall(r"[A-Za-z]\w*", text)}
    return str(eval(text, sizes))  # noqa: S307


def spelt() -> Any:
    """The dialect in which a formula is Python."""

    def symbol(_: object, name: object, __: object) -> str:
        return f"S[{str(name)!r}]"

    return UNICODE._replace(
        symbol=symbol,
        scripted=lambda _, __: False,
        minus="-",
        hadamard=Infix(" * ", *UNICODE.hadamard[1:]),
        matmul=Infix(" ** ", *UNICODE.matmul[1:]),
        scale=" * ",
        times=" * ",
        ones="ONES",
        forms={
            n.OneMinus: UNICODE.forms[n.OneMinus]._replace(template="1 - {0}"),
            n.Negative: UNICODE.forms[n.Negative]._replace(template="-{0}"),
            n.Reciprocal: UNICODE.forms[n.Reciprocal],
            n.Divide: UNICODE.forms[n.Divide],
            Transpose: Form("{0}.transposed", ATOM, (ATOM,)),
        },
        functions={n.Sum: "Sum"},
        word=lambda _: "F",
        squared_names=(),
        concat=("stacked(", ", ", ")"),
        rows="rows({0}, {1!r}, {2!r})",
        exponent=lambda text: f".power({text})",
    )


def sides(program: Any, notation: Any) -> list[tuple[Equation, Shaped, Shaped]]:
    """Both sides of every printed equation of the backward pass."""
    view = shown(program, "backward")
    equations = [e for section in view.sections for e in section.equations]
    symbols = {s for e in program.equations for s in (e.target, *e.value.atoms(MatrixSymbol))}
    shapes = {s.name: _shaped(s) for s in symbols | set(program.inputs)}
    printer = Printer(spelt(), notation, inlined=view.inlined)
    names = {
        "S": shapes,
        "ONES": Shaped(None),
        "F": entrywise,
        "Sum": lambda _: Shaped(SCALAR),
        "stacked": stacked,
        "rows": rows,
    }
    return [(e, shapes[e.target.name], eval(printer.text(e.value), dict(names))) for e in equations]  # noqa: S307


def _shaped(symbol: MatrixSymbol) -> Shaped:
    rows, columns = (str(side) for side in symbol.shape)
    own = not {"bar", "seed", "grad"} & set(name_of(symbol).marks)
    return Shaped((rows, columns), lent=own and (rows, columns) == SCALAR)


@pytest.mark.parametrize("name", [*library(), *map(str, PAPERS)], ids=lambda name: Path(name).stem)
def test_both_sides_have_one_shape(name: str) -> None:
    cell = load(name)
    for equation, left, right in sides(calculus.gradient(cell), get_notation(cell)):
        if not isinstance(right, Shaped):  # a number: 0 is a gradient of any shape
            assert right == 0, equation
        else:
            assert right.shape in (None, left.shape), equation


def test_the_cotangent_of_a_sum_has_its_ones() -> None:
    cell = from_equations(SUMMED, sizes={"x": "X", "h": "H"}, output="h")
    found = {str(e.target): (left, right) for e, left, right in sides(calculus.gradient(cell), get_notation(cell))}
    assert found["bar(a)[t]"] == (Shaped(("H", "1")), Shaped(("H", "1")))
    assert found["bar(s)[t]"] == (Shaped(SCALAR), Shaped(SCALAR))
    text = calculus.gradient(cell)
    for dialect, ones in (("unicode", "1 s̄ + "), ("latex", r"\mathbf{1} \bar{s}_{t} + ")):
        assert ones in print_program(text, dialect, get_notation(cell))
        assert "a vector of ones" in print_program(text, dialect, get_notation(cell))
    lstm = load("lstm")
    assert "a vector of ones" not in print_program(calculus.gradient(lstm), "unicode", get_notation(lstm))


def test_a_broadcast_without_its_ones_is_found() -> None:
    vector, scalar = Shaped(("H", "1")), Shaped(SCALAR)
    with pytest.raises(AssertionError):
        _ = scalar + vector
    assert scalar * vector == vector == vector * scalar == Shaped(None) ** scalar + vector
