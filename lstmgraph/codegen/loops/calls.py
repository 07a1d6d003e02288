"""The lines of C for what a phase does: loops over entries, and calls of the file's own functions.

A phase is done for some samples, its `Domain`: all of them at once, or those of a step.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sympy import Expr, Integer, MatrixSymbol

from lstmgraph.algebra.traverse import walk
from lstmgraph.codegen.code import Level
from lstmgraph.codegen.loops.entries import ZERO, Entries, Index, size_code
from lstmgraph.codegen.loops.flat import is_outer
from lstmgraph.codegen.loops.nests import Item, Kinds, Multiply, Nest, Normalise, Reduce, Work, reads
from lstmgraph.codegen.loops.places import ALL, NEXT, STEP, Place, place_of

TAB = "    "
STRIP = 16  # rows: a line of the cache of single precision
PART = 128  # samples: the more there are in one running sum, the more digits it loses


@dataclass(frozen=True)
class Domain:
    """`count` is how many samples there are, `first` the code for the first one in each way to count them."""

    count: str
    variable: str
    first: Mapping[str, str]

    def opened(self, body: Iterable[str]) -> list[str]:
        """A loop over the samples."""
        inside = list(body)
        lines = [f"for (size_t {self.variable} = 0; {self.variable} < {self.count}; ++{self.variable}) {{"]
        if self.variable == STEP and uses(inside, ALL):
            lines.append(f"{TAB}const size_t {ALL} = t * B + {STEP};")
        return [*lines, *indented(inside), "}"]


EVERY = Domain("T * B", ALL, {ALL: "", NEXT: "B"})
AT_STEP = Domain("B", STEP, {ALL: "t * B", NEXT: "(t + 1) * B", STEP: ""})
ONE_STEP = Domain("B", STEP, {STEP: ""})


def indented(lines: Iterable[str]) -> list[str]:
    return [f"{TAB}{line}" if line and not line.startswith("#") else line for line in lines]


def _scoped(body: list[str]) -> list[str]:
    """In braces where it gives names outside of any loop, or they would stand in all of the function."""
    return ["{", *indented(body), "}"] if any(line.startswith("const ") for line in body) else body


def uses(lines: Iterable[str], name: str) -> bool:
    """Whether a variable is in some lines: a word of its own, and no member of a struct."""
    pattern = re.compile(rf"(?<![\w.>]){re.escape(name)}\b")
    return any(pattern.search(line) for line in lines)


@dataclass
class Calls:
    """Spells the works of one function; `kept` are the values that have an array.

    `parts` are the places of sums of PART samples at most, from which those of all samples are made.
    """

    entries: Entries
    kinds: Kinds
    kept: set[MatrixSymbol]
    names: Mapping[MatrixSymbol, str]
    real: str
    parts: Mapping[MatrixSymbol, Place] = field(default_factory=dict)

    def lines(self, works: Iterable[Work], domain: Domain) -> list[str]:
        found: list[str] = []
        for work in works:
            match work:
                case Nest():
                    found += self.nest(work, domain)
                case Multiply():
                    found += self.multiply(work, domain)
                case Reduce():
                    found += self.reduce(work, domain)
                case Normalise():
                    found += self.normalise(work, domain)
        return found

    # ── loops over entries ──

    def nest(self, nest: Nest, domain: Domain) -> list[str]:
        (rows, columns), entries = nest.shape, self.entries
        i, j = self.index("j", rows), self.index("l", columns) if columns != 1 else ZERO
        entries.local.clear()
        body: list[str] = []
        later = {s: k for k, item in enumerate(nest.items) for s in item.value.atoms(MatrixSymbol)}
        stores: list[str] = []
        often = self.read_often(nest)
        for k, item in enumerate(nest.items):
            body += self.loaded([a for a in often if a not in entries.local and item.value.has(a)], i, j)
            found = self.item(item, i, j, later.get(item.target, -1) > k)
            body += found[0]
            stores += found[1]
        body += stores
        entries.local.clear()
        if not body:
            return []
        if i.variable and j.variable and any(item.flipped for item in nest.items):
            body = self.in_strips(i, rows, j, columns, body)
        else:
            body = self.over(i, rows, self.over(j, columns, body))
        return domain.opened([*body, *self.parts_added(nest, domain)]) if nest.batched else _scoped(body)

    def parts_added(self, nest: Nest, domain: Domain) -> list[str]:
        """Adds sums of some samples to those of all, after PART samples and after the last one."""
        lines = []
        for s in dict.fromkeys(item.target for item in nest.items if item.added):
            self.entries.helpers.add("add_part")
            size = self.entries.size(s.shape[0] * s.shape[1])
            lines.append(f"add_part({size}, {self.parts[s].array}, {self.entries.places[s].array});")
        last = f"{domain.variable} % {PART} == {PART - 1} || {domain.variable} + 1 == {domain.count}"
        return [f"if ({last}) {{", *indented(lines), "}"] if lines[1:] else [f"if ({last}) {line}" for line in lines]

    def in_strips(self, i: Index, rows: Expr, j: Index, columns: Expr, body: list[str]) -> list[str]:
        """Loops for a transpose: a strip of rows at a time, of which each column is a row that is written at once.

        What is written lies side by side, and what is read is still in the cache for the next column.
        """
        size, v = self.entries.size(rows), i.variable
        head = f"for (size_t {v} = first; {v} < last; ++{v}) {{"
        inner = self.over(j, columns, ["SIMD", head, *indented(body), "}"])
        return [
            f"for (size_t first = 0; first < {size}; first += {STRIP}) {{",
            f"{TAB}const size_t last = {size} - first < {STRIP} ? {size} : first + {STRIP};",
            *indented(inner),
            "}",
        ]

    def read_often(self, nest: Nest) -> list[MatrixSymbol]:
        """The values of which the loop takes the entry at hand, and no other, more than once."""
        own = {item.target for item in nest.items}
        far = {s for item in nest.items for s in reads(item)[1]}
        near = (s for item in nest.items for s in walk(item.value) if isinstance(s, MatrixSymbol) and s in self.names)
        return [s for s, count in Counter(near).items() if count > 1 and s not in own | far]

    def loaded(self, symbols: Iterable[MatrixSymbol], i: Index, j: Index) -> list[str]:
        """Entries that get a name."""
        lines = []
        for s in symbols:
            lines.append(f"const {self.real} {self.names[s]} = {self.entries.of(s, i, j).text};")
            self.entries.local[s] = self.names[s]
        return lines

    def index(self, variable: str, size: Expr) -> Index:
        return ZERO if size == 1 else Index(Integer(0), variable)

    def over(self, index: Index, size: Expr, body: list[str]) -> list[str]:
        if not index.variable:
            return body
        inner = any(line.lstrip().startswith("for ") for line in body)
        v = index.variable
        head = f"for (size_t {v} = 0; {v} < {self.entries.size(size)}; ++{v})"
        if len(body) == 1 and not inner:
            return [f"{head} {body[0]}"] if len(head) + len(body[0]) < 100 else [head, f"{TAB}{body[0]}"]
        if not inner:
            return ["SIMD", f"{head} {{", *indented(body), "}"]
        return [f"{head} {{", *indented(body), "}"]

    def item(self, item: Item, i: Index, j: Index, taken: bool) -> tuple[list[str], list[str]]:
        """The lines that come before those of the items that take an entry, and those that can wait.

        A sum is there for others once it is added to; all else is stored last, where others have taken what was there.
        What takes the place of the rows that it is stays there.
        """
        value = there = self.entries.of(item.value, i, j).text
        lines: list[str] = []
        stores: list[str] = []
        target = item.target
        if taken and item.whole and not item.added:
            lines.append(f"const {self.real} {self.names[target]} = {value};")
            value = self.entries.local[target] = self.names[target]
        if target in self.kept or not taken:
            in_part = item.added and self.kinds.of(item.value)
            place = self.parts[target] if in_part else place_of(target, self.entries.places)
            down, across = (j, i) if item.flipped else (i, j)
            if item.start is not None:
                down, across = (down, across.plus(item.start)) if item.flipped else (down.plus(item.start), across)
            here = self.entries.array(place, down, across)
            if item.added:
                lines.append(f"{here} += {value};")
            elif here != there:
                stores.append(f"{here} = {value};")
        return lines, stores

    # ── products ──

    def multiply(self, work: Multiply, domain: Domain) -> list[str]:
        left, right = work.value.args
        places, target = self.entries.places, place_of(work.target, self.entries.places)
        a, b = place_of(left, places), place_of(right, places)
        if work.summed and is_outer(work.value):
            return [self.summed(work, domain, a, b, target)]
        if work.summed:
            return domain.opened([self.matrices(work, a, b, target, domain.variable)])
        inner, added = left.shape[1], work.base is not None
        if self.kinds.of(right) and not self.kinds.of(left) and right.shape[1] == 1:
            weight = a.transposed()
            first = (b, b.stride, b.down)
            return [self.product((domain.count, left.shape[0], inner), domain, first, weight, target, added)]
        if self.kinds.of(left) and not self.kinds.of(right) and left.shape[0] == 1:
            first = (a, a.stride, a.across)
            return [self.product((domain.count, right.shape[1], inner), domain, first, b, target, added)]
        batched = self.kinds.batched[work.target]
        line = self.single(work, a, b, target, domain.variable if batched else "")
        return domain.opened([line]) if batched else [line]

    def summed(self, work: Multiply, domain: Domain, a: Place, b: Place, c: Place) -> str:
        """Σ a bᵀ over the samples: aᵀ b of all rows."""
        left, right = work.value.args
        if right.shape == (1, 1):
            return self.product(
                (1, left.shape[0], domain.count), domain, (b, Integer(0), b.stride), _rows(a, a.down), c, work.added
            )
        return self.product(
            (left.shape[0], right.shape[1], domain.count),
            domain,
            (a, a.down, a.stride),
            _rows(b, b.across),
            c,
            work.added,
            c.down,
        )

    def product(
        self,
        counts: tuple[object, object, object],
        domain: Domain,
        a: tuple[Place, Expr, Expr],
        b: Place,
        c: Place,
        added: bool = False,
        rows: Expr | None = None,
    ) -> str:
        sizes = ", ".join(
            x if isinstance(x, str) else self.entries.size(Integer(x) if isinstance(x, int) else x) for x in counts
        )
        place, down, across = a
        size = self.entries.size
        step = c.stride if rows is None else rows
        self.entries.helpers.add("multiply")
        return (
            f"multiply({sizes}, {self.pointer(place, domain)}, {size(down)}, {size(across)}, "
            f"{self.pointer(b, domain)}, {size(b.down)}, {self.pointer(c, domain)}, {size(step)}, {int(added)});"
        )

    def single(self, work: Multiply, a: Place, b: Place, c: Place, variable: str) -> str:
        """A product of one sample."""
        left, right = work.value.args
        (m, k), columns = left.shape, right.shape[1]
        size = self.entries.size
        at = {p: self.one(p, variable) for p in (a, b, c)}
        if columns == 1 and a.across == 1:
            self.entries.helpers.add("dots")
            return f"dots({size(m)}, {size(k)}, {at[a]}, {size(a.down)}, {at[b]}, {at[c]});"
        if m == 1 and b.down == 1 and b.across != 1:
            self.entries.helpers.add("dots")
            return f"dots({size(columns)}, {size(k)}, {at[b]}, {size(b.across)}, {at[a]}, {at[c]});"
        if columns == 1:
            self.entries.helpers.add("multiply")
            weight = f"{at[a]}, {size(a.across)}"
            return f"multiply(1, {size(m)}, {size(k)}, {at[b]}, 0, {size(b.down)}, {weight}, {at[c]}, 0, 0);"
        return self.matrices(work, a, b, c, variable)

    def matrices(self, work: Multiply, a: Place, b: Place, c: Place, variable: str) -> str:
        """A product of matrices of one sample; of one that is summed it is added."""
        left, right = work.value.args
        size = self.entries.size
        self.entries.helpers.add("multiply")
        return (
            f"multiply({size(left.shape[0])}, {size(right.shape[1])}, {size(left.shape[1])}, {self.one(a, variable)}, "
            f"{size(a.down)}, {size(a.across)}, {self.one(b, variable)}, {size(b.down)}, {self.one(c, variable)}, "
            f"{size(c.down)}, {int(work.summed)});"
        )

    # ── reductions ──

    def reduce(self, work: Reduce, domain: Domain) -> list[str]:
        operand = work.value.args[0]
        rows, columns = operand.shape
        i, j = self.index("j", rows), self.index("l", columns)
        body = [f"sum += {self.entries.of(operand, i, j).text};"]
        loops = self.over(i, rows, self.over(j, columns, body))
        target = self.entries.array(place_of(work.target, self.entries.places), ZERO, ZERO)
        lines = [f"{self.real} sum = 0;", *loops, f"{target} = sum;"]
        return domain.opened(lines) if self.kinds.batched[work.target] else ["{", *indented(lines), "}"]

    def normalise(self, work: Normalise, domain: Domain) -> list[str]:
        self.entries.helpers.add("softmax")
        batched = self.kinds.batched[work.target]
        variable = domain.variable if batched else ""
        operand, places = work.value.args[0], self.entries.places
        a, y = (self.one(place_of(s, places), variable) for s in (operand, work.target))
        line = f"softmax({self.entries.size(operand.shape[0])}, {a}, {y});"
        return domain.opened([line]) if batched else [line]

    # ── pointers ──

    def pointer(self, place: Place, domain: Domain) -> str:
        """To the first entry of the first sample."""
        first = domain.first[place.sample] if place.sample else ""
        terms = [place.array]
        if first:
            terms.append(
                first
                if place.stride == 1
                else f"{first} * {size_code(place.stride, self.entries.sizes).at(Level.UNARY)}"
            )
        return " + ".join([*terms, *([self.entries.size(place.start)] if place.start != 0 else [])])

    def one(self, place: Place, variable: str) -> str:
        """To the first entry of one sample."""
        terms = [place.array]
        if place.sample and variable:
            terms.append(self.entries.scaled(place.sample, place.stride))
        return " + ".join([*terms, *([self.entries.size(place.start)] if place.start != 0 else [])])


def _rows(place: Place, across: Expr) -> Place:
    """The samples of a value as the rows of a matrix."""
    assert across == 1
    return Place(place.array, place.sample, place.stride, place.start, place.stride, across)
