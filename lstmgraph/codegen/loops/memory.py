"""The memory that a function works in: arrays one after the other, and how much that is.

An array has so many entries for each sample, of all steps or of one, or once: T B n, B n or n numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sympy import Expr, Integer, Symbol

from lstmgraph.codegen.code import Level
from lstmgraph.codegen.loops.entries import size_code
from lstmgraph.codegen.loops.places import ALL, NEXT, SHARED, STEP

# How many samples there are, by the way to count them; of what has a place after the last step too there are B more.
COUNTS = {SHARED: "", ALL: "T * B", STEP: "B", NEXT: "(T + 1) * B"}


@dataclass
class Memory:
    """The arrays in a piece of memory that begins at `base`, by name."""

    base: str
    sizes: Mapping[Symbol, str]
    arrays: dict[str, tuple[str, Expr]] = field(default_factory=dict)

    def add(self, name: str, sample: str, entries: Expr) -> None:
        self.arrays[name] = (sample, entries)

    def pointers(self, used: Iterable[str], real: str) -> list[str]:
        """`real *fs = work + ...` for each array that is used, counted from the one before."""
        lines, last, skipped = [], self.base, list[tuple[str, Expr]]()
        for name, array in self.arrays.items():
            if name in set(used):
                words = self.amount(skipped)
                lines.append(f"{real} *{name} = {last}{f' + {words}' if skipped else ''};")
                last, skipped = name, []
            skipped.append(array)
        return lines

    def amount(self, arrays: Iterable[tuple[str, Expr]] | None = None) -> str:
        """How many numbers there are, in C: of some arrays, or of all."""
        totals: dict[str, Expr] = {}
        for sample, entries in self.arrays.values() if arrays is None else arrays:
            totals[sample] = totals.get(sample, Integer(0)) + entries
        terms = []
        for sample, count in COUNTS.items():
            if totals.get(sample, 0) != 0:
                text = size_code(totals[sample], self.sizes)
                terms.append(
                    " * ".join([*([count] if count else []), *([text.at(Level.UNARY) if count else text.text])])
                )
        return " + ".join(t.removesuffix(" * 1") for t in terms) or "0"

    def fixed(self, numbers: Mapping[Symbol, int]) -> Fixed:
        """How many numbers there are where all sizes are numbers."""
        found = Fixed()
        for sample, entries in self.arrays.values():
            n = int(entries.subs(numbers))
            found += Fixed(n * (sample in {ALL, NEXT}), n * (sample in {STEP, NEXT}), n * (sample == SHARED))
        return found


@dataclass(frozen=True)
class Fixed:
    """An amount as a polynomial of T and B: so many numbers for each sample of all steps, for each of one, and once."""

    all: int = 0
    step: int = 0
    shared: int = 0

    def __add__(self, other: Fixed) -> Fixed:
        return Fixed(self.all + other.all, self.step + other.step, self.shared + other.shared)

    def covers(self, other: Fixed) -> bool:
        """Whether it is the larger one for any T and B, which are 1 at least."""
        less = Fixed(self.all - other.all, self.step - other.step, self.shared - other.shared)
        return min(less.all, less.all + less.step, less.all + less.step + less.shared) >= 0

    @property
    def text(self) -> str:
        """In a macro of T and B: a constant where they are, and 1 where there is nothing, which no array has."""
        terms = (("(size_t)(T) * (B)", self.all), ("(size_t)(B)", self.step), ("", self.shared))
        return " + ".join(f"{word} * {n}" if word else str(n) for word, n in terms if n) or "1"


def larger(first: Fixed, second: Fixed) -> str:
    """The larger of two amounts: one of them, or what compares them."""
    for one, other in ((first, second), (second, first)):
        if one.covers(other):
            return one.text
    a, b = first.text, second.text
    return f"{a} > {b} ? \\\n    {a} : {b}"
