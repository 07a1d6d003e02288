"""Matrix equations entry by entry: `Wᵀ δ` becomes `Σ_m W_mj δ_m`.

An entry is an expression of this algebra in which everything is a scalar: its symbols have an index in their names
(`W_f{j,k}`, `h{X+j}[t-1]`), and a product of matrices is a sum over an index, `Over`.  So what prints, checks or walks
expressions does so with entries too.

Every index letter runs from 1 to one size: j and m to H, k to X.  A side of length 1 has no index.  Where an axis is
put together from several (concatenation), its equation, or the sum over it, falls into one for each of its parts.

To add an operation that is not entrywise, add a row to `ENTRIES`; entrywise ones need none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TypeVar

from sympy import Expr, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import product
from lstmgraph.algebra.names import Shape, name_of, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.errors import UsageError
from lstmgraph.program import Equation

Used = frozenset[str]
Built = TypeVar("Built")

SCALAR = (Integer(1), Integer(1))
NOTHING: Expr = Integer(0)
# The first letter for each size, and further ones where an expression needs several; those of the cell are left out.
FIRST, FURTHER = "jkpruabcdefghi", "mlqsvnwoxyz"
GREEK = ("iota", "kappa", "lambda", "mu", "nu", "rho", "tau", "phi", "chi", "psi")


class Over(n.Operation):
    """Over(body, letter, size): the sum of a scalar over an index from 1 to a size."""

    signature = "1 1 -> 1 1"

    @property
    def shape(self) -> Shape:
        return SCALAR

    @property
    def letter(self) -> str:
        return str(self.args[1])

    @property
    def size(self) -> Expr:
        return self.args[2]


@dataclass(frozen=True)
class Index:
    """Rows or columns start + shift + letter of an expression; the letter runs from 1 to `size`, or is not there for 1.

    `start` is where the part begins that is looked at, `shift` what operations have added on the way to an operand.
    """

    letter: str
    size: Expr
    start: Expr = NOTHING
    shift: Expr = NOTHING

    def moved(self, by: Expr) -> Index:
        return replace(self, shift=self.shift + by)

    def __str__(self) -> str:
        before = self.start + self.shift
        if not self.letter:
            return str(before + 1).replace(" ", "")
        return self.letter if before == 0 else f"{before}+{self.letter}".replace(" ", "")


ONE = Index("", Integer(1))


class _Straddles(Exception):
    """A part of an axis lies in several operands of the concatenation `node`.

    It is to be cut `at` a place, counted from the beginning of the axis; None where it is open which size is larger.
    """

    def __init__(self, index: Index, at: Expr | None, node: MatrixExpr) -> None:
        super().__init__(f"{index} at {at}")
        self.index, self.at, self.node = index, at, node


@dataclass
class Letters:
    """Which letters run over which sizes; `taken` mean something else."""

    taken: Collection[str] = ()
    known: dict[Expr, list[str]] = field(default_factory=dict)

    @staticmethod
    def of(sizes: Iterable[Expr], taken: Collection[str] = ()) -> Letters:
        """Letters that these sizes have the first choice of, in this order."""
        letters = Letters(taken)
        for size in dict.fromkeys(sizes):
            letters.free(size, ())
        return letters

    def free(self, size: Expr, used: Collection[str]) -> str:
        """A letter for a size that is not in use; none for a side of length 1."""
        if size == 1:
            return ""
        letters = self.known.setdefault(size, [])
        for letter in letters:
            if letter not in used:
                return letter
        given = {letter for known in self.known.values() for letter in known} | {*self.taken}
        pool = chain(FURTHER if letters else FIRST, FURTHER, FIRST, GREEK, (f"j{k}" for k in count(1)))
        letters.append(next(letter for letter in pool if letter not in given))
        return letters[-1]


class Entries:
    """Writes equations entry by entry; a symbol that is `inlined` is written as its definition."""

    def __init__(self, letters: Letters, inlined: Mapping[MatrixSymbol, MatrixExpr] | None = None) -> None:
        self.letters, self.inlined = letters, inlined or {}
        self.apart: dict[MatrixExpr, MatrixSymbol] = {}
        self.used: set[str] = set()

    def equations(self, equation: Equation) -> list[Equation]:
        """An equation entry by entry: one, or one for each part of its axes.

        A concatenation that cannot be cut where the others are is given a name, and its equations come first.
        """
        try:
            found = self.written(equation)
            self.used |= {letter for e in found for letter in _letters(e)}
            return found
        except _Straddles as straddles:
            owner = name_of(equation.target)
            name = replace(owner, base=f"{owner.base}.r{len(self.apart) + 1}", marks=("part", *owner.marks))
            part = symbol(name, straddles.node.shape)
            before = self.equations(replace(equation, target=part, value=straddles.node))
            self.apart[straddles.node] = part
            return [*before, *self.equations(equation)]

    def ranges(self) -> list[tuple[Expr, list[str]]]:
        """The sizes, and the letters that run from 1 to each in what was written."""
        found = [(size, [x for x in letters if x in self.used]) for size, letters in self.letters.known.items()]
        return [(size, letters) for size, letters in found if letters]

    def written(self, equation: Equation) -> list[Equation]:
        target, value = equation.target, equation.value

        def row(i: Index, used: Used) -> list[Equation]:
            return self.parts(target.shape[1], used, lambda j, used: one(i, j, used))

        def one(i: Index, j: Index, used: Used) -> Equation:
            return replace(equation, target=item(target, i, j), value=self.entry(value, i, j, used))

        return [e for found in self.parts(target.shape[0], frozenset(), row) for e in found]

    def parts(self, size: Expr, used: Used, build: Callable[[Index, Used], Built]) -> list[Built]:
        """What is built for an axis: once, or for each of the parts that it has to be cut into."""
        waiting, done = [(Integer(0), size)], []
        while waiting:
            start, length = waiting.pop(0)
            known = {side: list(letters) for side, letters in self.letters.known.items()}
            index = Index(self.letters.free(length, used), length, start)
            try:
                done.append(build(index, used | {index.letter}))
            except _Straddles as straddles:
                if straddles.index.letter != index.letter or straddles.at is None:
                    raise
                self.letters.known = known  # what an axis as a whole would have been written with
                cut = straddles.at
                waiting[:0] = [(start, cut - start), (cut, start + length - cut)]
        return done

    def entry(self, expr: MatrixExpr, i: Index, j: Index, used: Used) -> MatrixExpr:
        """The entry in row i and column j, a scalar; `used` are the letters that are bound around it."""
        expr = self.apart.get(expr, self.inlined.get(expr, expr))
        if isinstance(expr, MatrixSymbol):
            return item(expr, i, j)
        if expr.func in ENTRIES:
            return ENTRIES[expr.func](self, expr, i, j, used)
        if not is_entrywise(expr.func):
            hint = "it has one for gradients, tangents and Hessian-vector products"
            raise UsageError(f"there is no index form of {type(expr).__name__}", hint=hint)
        return rebuild(expr, [self.entry(o, i, j, used) for o in operands(expr)])

    def sum(self, size: Expr, used: Used, body: Callable[[Index, Used], MatrixExpr]) -> MatrixExpr:
        """The sum over an axis; without a sum sign where its length is 1."""

        def term(index: Index, used: Used) -> MatrixExpr:
            inner = body(index, used)
            return Over(inner, Symbol(index.letter), index.size) if index.letter else inner

        terms = self.parts(size, used, term)
        return terms[0] if len(terms) == 1 else MatAdd(*terms)


def is_entrywise(operation: type) -> bool:
    """Whether an entry of its value is the operation on the entries in the same place, by its signature."""
    signature = parse_signature(n.signature_of(operation))
    return all(shape == signature.result == ("m", "n") for shape in signature.operands)


def _letters(equation: Equation) -> Iterator[str]:
    for node in (equation.target, *walk(equation.value)):
        if isinstance(node, MatrixSymbol):
            yield from (word for index in name_of(node).entry for word in re.findall(r"\w+", index))
        if isinstance(node, Over):
            yield node.letter


def item(of: MatrixSymbol, i: Index, j: Index) -> MatrixSymbol:
    """The entry of a symbol, `W_f{j,k}`; a side of length 1 has no index."""
    indices = tuple(str(index) for index, side in zip((i, j), of.shape, strict=True) if side != 1)
    return symbol(replace(name_of(of), entry=indices), SCALAR)


# ── the table ──


def _matmul(w: Entries, node: MatrixExpr, i: Index, j: Index, used: Used) -> MatrixExpr:
    """(A B)_ij = Σ_m A_im B_mj"""
    left, right = node.args

    def term(m: Index, used: Used) -> MatrixExpr:
        return product(w.entry(left, i, m, used), w.entry(right, m, j, used))

    return w.sum(left.shape[1], used, term)


def _transpose(w: Entries, node: MatrixExpr, i: Index, j: Index, used: Used) -> MatrixExpr:
    """(Aᵀ)_ij = A_ji"""
    return w.entry(node.args[0], j, i, used)


def _sum(w: Entries, node: MatrixExpr, _: Index, __: Index, used: Used) -> MatrixExpr:
    """sum(A) = Σ_m Σ_q A_mq"""
    source = node.args[0]
    rows, columns = source.shape
    return w.sum(rows, used, lambda m, u: w.sum(columns, u, lambda q, u: w.entry(source, m, q, u)))


def _softmax(w: Entries, node: MatrixExpr, i: Index, j: Index, used: Used) -> MatrixExpr:
    """softmax(a)_j = exp(a_j) / Σ_m exp(a_m)"""
    source = node.args[0]
    below = w.sum(source.shape[0], used, lambda m, u: n.Exp(w.entry(source, m, j, u)))
    return n.Divide(n.Exp(w.entry(source, i, j, used)), below)


def _concat(w: Entries, node: MatrixExpr, i: Index, j: Index, used: Used) -> MatrixExpr:
    """[a; b]_i = a_i in the rows of a, b_i' in those of b"""
    low = i.start + i.shift
    high = low + i.size
    begin: Expr = Integer(0)
    inside = []
    for part in node.args:
        end = begin + part.shape[0]
        if (low - begin).is_nonnegative and (end - high).is_nonnegative:
            return w.entry(part, i.moved(-begin), j, used)
        inside += [end] if (end - low).is_positive and (high - end).is_positive else []
        begin = end
    raise _Straddles(i, inside[0] - i.shift if inside else None, node)


def _slice(w: Entries, node: MatrixExpr, i: Index, j: Index, used: Used) -> MatrixExpr:
    """a[s : s + n]_i = a_(s + i)"""
    return w.entry(node.args[0], i.moved(node.args[1]), j, used)


def _fill(w: Entries, node: MatrixExpr, _: Index, __: Index, used: Used) -> MatrixExpr:
    """the scalar or the number that stands everywhere"""
    value = node.args[0]
    return w.entry(value, ONE, ONE, used) if isinstance(value, MatrixExpr) else n.Fill(value, *SCALAR)


# The operations an entry of which is not the operation on the entries in the same place.
ENTRIES: dict[type, Callable[[Entries, MatrixExpr, Index, Index, Used], MatrixExpr]] = {
    MatMul: _matmul,
    Transpose: _transpose,
    n.Sum: _sum,
    n.Softmax: _softmax,
    n.Concat: _concat,
    n.Slice: _slice,
    n.Fill: _fill,
}
