"""`cell.show()`: what a cell is, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from sympy import Add, Expr, MatrixSymbol, Mul

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.notation import get_notation, notation_names
from lstmgraph.printing import print_equation
from lstmgraph.roles import roles

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WIDTH = 110


def overview(cell: Cell, notation: str | None = None) -> str:
    """Equations, shapes, counts, roles, walks, notations and sources; one section a topic."""
    sections = (
        ("equations", _equations(cell, notation)),
        ("sizes", _sizes(cell)),
        ("values", _columns((s.name, size, words) for s, size, words in value_rows(cell))),
        ("parameters", _parameters(cell)),
        ("constants", [f"{name} = {value:g}" for name, value in cell.constants.items()]),
        ("walks", _walks(cell)),
        ("notations", [", ".join(notation_names(cell))]),
        ("sources", list(cell.sources)),
    )
    parts = [f"{cell.name}: {cell.title}" if cell.title else cell.name]
    parts += [f"{title}\n" + "\n".join(f"  {line}" for line in lines) for title, lines in sections if lines]
    return "\n\n".join(parts)


def _equations(cell: Cell, notation: str | None) -> list[str]:
    """In the author's order, with the author's notes."""
    style = get_notation(cell, notation)
    lines = [print_equation(e, "unicode", style) for e in cell.equations]
    width = max((len(line) for line in lines if len(line) <= 80), default=0)
    return [f"{line:<{width}}   # {e.note}" if e.note else line for line, e in zip(lines, cell.equations, strict=True)]


def _sizes(cell: Cell) -> list[str]:
    """What each size symbol is the size of."""
    vectors = (*cell.inputs, *cell.values.values())
    return [
        f"{size}  of {', '.join(name_of(v).base for v in vectors if size in v.shape) or 'parameters'}"
        for size in cell.sizes
    ]


def value_rows(cell: Cell) -> Iterator[tuple[MatrixSymbol, str, str]]:
    """Inputs and computed values: symbol, shape, and what it is: its role, whether it is carried on or returned."""
    role_of, carried = roles(cell), {s.name for s in cell.states}
    for symbol in (*cell.inputs, *cell.values.values()):
        base = name_of(symbol).base
        remarks = [role_of[base]] if role_of[base] not in {"output", "state"} else []
        remarks += ["state"] if base in carried else []
        remarks += ["output"] if base == cell.output else []
        yield symbol, shape(symbol), ", ".join(remarks)


def _parameters(cell: Cell) -> list[str]:
    rows = [(p.name, shape(p), polynomial([count(p)])) for p in cell.parameters]
    if not rows:
        return []
    total = polynomial([count(p) for p in cell.parameters])
    return [*_columns(rows), f"{len(rows)} parameters, {total} numbers"]


def _walks(cell: Cell) -> Iterator[str]:
    for name, steps in cell.all_walks.items():
        yield f"{name}: {_plural(len(steps), 'step')}"
        for number, step in enumerate(steps, 1):
            yield from wrap(
                f"{number}. {step.title}  ({', '.join(step.computes or step.shows)})",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="     ",
            )


def shape(symbol: MatrixSymbol) -> str:
    """As NumPy's users write it: (H, X)."""
    return f"({symbol.shape[0]}, {symbol.shape[1]})"


def count(symbol: MatrixSymbol) -> Expr:
    """How many numbers a symbol holds."""
    return Mul(*symbol.shape)


def polynomial(terms: Sequence[Expr]) -> str:
    """A sum of products of sizes, for people: 4·H² + 4·H·X + 7·H."""
    text = str(Add(*terms))
    for power in range(2, 10):
        text = text.replace(f"**{power}", str(power).translate(_SUPERSCRIPTS))
    return text.replace("*", "·")


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Aligned columns, two spaces apart."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
