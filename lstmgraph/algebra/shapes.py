"""Shapes: signatures, the strict check of a built expression, and unification of sizes that are still open.

A size is a SymPy expression (3, H, H + X) or, while it is being inferred, an `Open` one.  `Unifier` binds open sizes
and keeps the reason for each binding, so that a contradiction can name both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from sympy import Add, Expr, Integer

from lstmgraph.errors import ShapeError

Shape = tuple[Expr, Expr]


class Signature(NamedTuple):
    operands: tuple[tuple[str, str], ...]
    repeats: bool
    result: tuple[str, str]

    def spread(self, count: int) -> list[tuple[str, str]]:
        """The operand shapes for that many operands; a size `*m` gets a number for each repetition."""
        missing = count - len(self.operands)
        if missing < 0 or (missing > 0 and not self.repeats):
            wanted = f"{len(self.operands)} or more" if self.repeats else str(len(self.operands))
            plural = "" if wanted == "1" else "s"
            raise ShapeError(f"takes {wanted} operand{plural}, got {count}")
        shapes = [*self.operands, *([self.operands[-1]] * missing)]
        return [(_numbered(rows, k), columns) for k, (rows, columns) in enumerate(shapes)]


def _numbered(letter: str, k: int) -> str:
    return f"{letter}{k}" if letter.startswith("*") else letter


@lru_cache(maxsize=64)
def parse_signature(text: str) -> Signature:
    left, right = text.split(" -> ")
    operands = [tuple(part.split()) for part in left.split(", ")]
    repeats = operands[-1] == ("...",)
    shapes = [(o[0], o[1]) for o in operands if o != ("...",)]
    rows, columns = right.split()
    return Signature(tuple(shapes), repeats, (rows, columns))


def shape_by_signature(text: str, shapes: Sequence[Shape]) -> Shape:
    """The shape of the result.  Raises ShapeError where the operands do not fit."""
    return _shape(text, tuple(shapes))


@lru_cache(maxsize=4096)
def _shape(text: str, shapes: tuple[Shape, ...]) -> Shape:
    signature = parse_signature(text)
    sizes: dict[str, Expr] = {"1": Integer(1)}
    for letters, shape in zip(signature.spread(len(shapes)), shapes, strict=True):
        for letter, given in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, given) != given:
                raise ShapeError(f"operands of shapes {' and '.join(map(show_shape, shapes))} do not fit {text}")
    rows, columns = (_result(letter, sizes) for letter in signature.result)
    return rows, columns


def _result(letter: str, sizes: dict[str, Expr]) -> Expr:
    if letter.startswith("+"):
        return Add(*(size for name, size in sizes.items() if name.startswith("*" + letter[1:])))
    return sizes[letter]


def show_shape(shape: Sequence[object]) -> str:
    """For people: (H) for a vector, (H, X) for a matrix, scalar for (1, 1)."""
    rows, columns = shape
    if str(columns) == "1":
        return "scalar" if str(rows) == "1" else f"({rows})"
    return f"({rows}, {columns})"


@dataclass(eq=False)
class Open:
    """A size that is not known yet.  `what` says whose it is: "rows of W_f"."""

    what: str


Size: TypeAlias = Expr | Open


@dataclass
class Unifier:
    """Binds open sizes.  `bound` maps an open size to what it equals; sums wait until at most one part is open.

    `reason` is what the caller is looking at; each binding remembers it, so that `why` can say where a size was learnt.
    """

    bound: dict[Open, Size] = field(default_factory=dict)
    sums: list[Total] = field(default_factory=list)
    reasons: dict[Open, object] = field(default_factory=dict)
    reason: object = None

    def find(self, size: Size) -> Size:
        """What is known about a size: itself, or what it was bound to."""
        while isinstance(size, Open) and size in self.bound:
            size = self.bound[size]
        return size

    def why(self, size: Size) -> object:
        """The reason of the binding that gave an open size its value; None if it was given from the beginning."""
        reason = None
        while isinstance(size, Open) and size in self.bound:
            reason, size = self.reasons[size], self.bound[size]
        return reason

    def equal(self, a: Size, b: Size) -> bool:
        """Make both the same; False where they cannot be."""
        a, b = self.find(a), self.find(b)
        if a is b:
            return True
        if isinstance(a, Open):
            self._bind(a, b)
        elif isinstance(b, Open):
            self._bind(b, a)
        else:
            return bool(a == b)
        return True

    def _bind(self, size: Open, value: Size) -> None:
        self.bound[size] = value
        self.reasons[size] = self.reason

    def add_sum(self, whole: Size, parts: Sequence[Size]) -> None:
        """`whole` is the sum of the `parts`, once it is known of all but one of them."""
        self.sums.append(Total(whole, tuple(parts), self.reason))

    def settle_sums(self) -> Total | None:
        """Solve the sums with at most one part open; the one that cannot be solved, or None."""
        for total in list(self.sums):
            found = [self.find(p) for p in total.parts]
            open_parts = [p for p in found if isinstance(p, Open)]
            known = Add(*(p for p in found if not isinstance(p, Open)))
            whole = self.find(total.whole)
            if len(open_parts) > 1 or (open_parts and isinstance(whole, Open)):
                continue
            self.sums.remove(total)
            self.reason = total.reason
            rest: Size = whole - known if open_parts and not isinstance(whole, Open) else known
            if not _is_size(rest) or not self.equal(open_parts[0] if open_parts else total.whole, rest):
                return total
        return None


@dataclass(frozen=True, eq=False)
class Total:
    """A sum of sizes that waits to be solved."""

    whole: Size
    parts: tuple[Size, ...]
    reason: object


def _is_size(size: Size) -> bool:
    """Whether it can be the number of something: H and H + 3 can, H - X and -2 cannot."""
    return isinstance(size, Open) or bool(size.is_positive)
