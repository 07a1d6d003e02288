"""Linear maps as typed nodes: what a Jacobian is made of, and their constructors that tidy as they build.

The Jacobian of a vector by a vector is a matrix; that of matrices is one between their columns written one below the
other, vec(A), so that vec(A X B) = (Bᵀ ⊗ A) vec(X) (Magnus, Neudecker, Matrix differential calculus, 1988).  No cell
holds these operations, only derived programs do: their rows are in `MAPS`, beside `rules.RULES`, and no target of
generated code is asked to spell them.

To add one: a class, a row of `MAPS`, and one of `OPERATIONS` or `BUILT` in numeric/evaluate.py.
"""

from __future__ import annotations

from functools import reduce

import sympy as sp
from sympy import Expr, Integer, MatAdd, MatMul, MatrixExpr, Symbol, Transpose
from sympy.printing.precedence import PRECEDENCE

from lstmgraph.algebra.build import fill, gathered, is_number, matmul, negate, product, total, transpose
from lstmgraph.algebra.nodes import Concat, Divide, Elementwise, Fill, Hadamard, Negative, Operation, Power, Shaped
from lstmgraph.algebra.rules import RULES, Rule
from lstmgraph.algebra.shapes import Shape
from lstmgraph.errors import ShapeError


class Diag(Operation):
    """The square matrix with a vector on its diagonal."""

    signature = "m 1 -> m m"

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:
        return self.args[0][i, 0] if i == j else Integer(0)


class Eye(Shaped):
    """Eye(n): the identity of n rows."""

    precedence = PRECEDENCE["Atom"]

    @property
    def shape(self) -> Shape:
        return (self.args[0], self.args[0])

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:
        return Integer(int(i == j))


class Ones(Shaped):
    """Ones(n): a column of n ones; what is the same everywhere is such a column times a row of ones, and no number."""

    precedence = PRECEDENCE["Atom"]

    @property
    def shape(self) -> Shape:
        return (self.args[0], Integer(1))

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:  # noqa: ARG002 - as SymPy calls it
        return Integer(1)


class Vec(Shaped):
    """The columns of a matrix one below the other."""

    @property
    def shape(self) -> Shape:
        rows, columns = self.args[0].shape
        return (rows * columns, Integer(1))

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:  # noqa: ARG002 - as SymPy calls it
        rows = self.args[0].shape[0]
        return self.args[0][i % rows, i // rows]


class Kron(Shaped):
    """The Kronecker product: every entry of the first times all of the second."""

    precedence = PRECEDENCE["Mul"]

    @property
    def shape(self) -> Shape:
        (a, b), (c, d) = (x.shape for x in self.args)
        return (a * c, b * d)

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:
        left, right = self.args
        rows, columns = right.shape
        return left[i // rows, j // columns] * right[i % rows, j % columns]


class Commutation(Shaped):
    """Commutation(m, n) takes vec(A) of an A with m rows and n columns to vec(Aᵀ)."""

    precedence = PRECEDENCE["Atom"]

    @property
    def shape(self) -> Shape:
        entries = self.args[0] * self.args[1]
        return (entries, entries)

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:
        rows, columns = self.args
        return Integer(int(j == (i % columns) * rows + i // columns))


class Blocks(Shaped):
    """Blocks(a, b, c, d, 2): blocks in rows of so many as the number at the end says."""

    @property
    def grid(self) -> list[list[MatrixExpr]]:
        *blocks, width = self.args
        return [list(blocks[k : k + int(width)]) for k in range(0, len(blocks), int(width))]

    @property
    def shape(self) -> Shape:
        heights = [row[0].shape[0] for row in self.grid]
        widths = [block.shape[1] for block in self.grid[0]]
        for row, height in zip(self.grid, heights, strict=True):
            if [block.shape for block in row] != [(height, width) for width in widths]:
                raise ShapeError(f"blocks of shapes {[b.shape for b in row]} do not fit into one row")
        return (sp.Add(*heights), sp.Add(*widths))

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:
        for row in self.grid:
            if i < row[0].shape[0]:
                return _within_row(row, i, j)
            i = i - row[0].shape[0]
        raise IndexError(f"row {i} below the last of {self}")


def _within_row(row: list[MatrixExpr], i: Expr, j: Expr) -> Expr:
    for block in row:
        if j < block.shape[1]:
            return block[i, j]
        j = j - block.shape[1]
    raise IndexError(f"column {j} beyond the last")


class Chain(Operation):
    """The product of square matrices, one for each step, the latest step first: printed with a product sign.

    Chain(a, k) is that of `a`, which is of step t, over the last k steps, k a letter: it has no value.
    """

    signature = "m m, ... -> m m"
    precedence = PRECEDENCE["Mul"]

    @property
    def letter(self) -> Symbol | None:
        """What stands for the number of steps."""
        last = self.args[-1]
        return last if isinstance(last, Symbol) else None

    @property
    def shape(self) -> Shape:
        return (self.args[0].shape[0], self.args[0].shape[1])

    def _entry(self, i: Expr, j: Expr, **_: object) -> Expr:
        return reduce(lambda a, b: a @ b, (a.as_explicit() for a in self.args))[i, j]


MAPS: dict[type, Rule] = {
    Diag: Rule("diag", r"\operatorname{diag}", "diag", "matrix with a vector on its diagonal", infix=True),
    Eye: Rule("identity_matrix", "I", "I", "identity matrix", infix=True),
    Ones: Rule("ones", r"\mathbf{1}", "1", "vector of ones", infix=True),
    Vec: Rule("vec", r"\operatorname{vec}", "vec", "columns one below the other", infix=True),
    Kron: Rule("kron", r"\otimes", "⊗", "Kronecker product", infix=True),
    Commutation: Rule("commutation", "K", "K", "commutation matrix: vec(A) to vec(Aᵀ)", infix=True),
    Blocks: Rule("blocks", "[::]", "[::]", "matrix of blocks", infix=True),
    Chain: Rule("chain", r"\prod", "∏", "product over steps, the latest first", infix=True),
}


def rule_of(operation: type) -> Rule:
    """The row of an operation, in either table."""
    return MAPS.get(operation) or RULES[operation]


# ── constructors that tidy ──


def entries(shape: Shape) -> Expr:
    """How many entries a matrix of that shape has."""
    return shape[0] * shape[1]


def zero(rows: Expr, columns: Expr) -> MatrixExpr:
    return Fill(Integer(0), rows, columns)


def is_zero(expr: MatrixExpr) -> bool:
    return is_number(expr, 0)


def vec(expr: MatrixExpr) -> MatrixExpr:
    """Of a column the column itself, of a row its transpose."""
    if is_number(expr):
        return fill(expr.args[0], (entries(expr.shape), Integer(1)))
    if expr.shape[1] == 1:
        return expr
    return transpose(expr) if expr.shape[0] == 1 else Vec(expr)


def eye(rows: Expr) -> MatrixExpr:
    return Fill(Integer(1), 1, 1) if rows == 1 else Eye(rows)


def is_eye(expr: MatrixExpr) -> bool:
    return isinstance(expr, Eye) or (expr.shape == (1, 1) and is_number(expr, 1))


def ones(rows: Expr, columns: Expr = Integer(1)) -> MatrixExpr:  # noqa: B008 - it never changes
    """Ones everywhere: 1, 1ᵀ or 1 1ᵀ, so that no formula has a matrix that reads as a number."""
    column, row = (Fill(Integer(1), 1, 1) if n == 1 else Ones(n) for n in (rows, columns))
    return column if columns == 1 else transpose(row) if rows == 1 else MatMul(column, transpose(row))


def as_map(expr: MatrixExpr) -> MatrixExpr:
    """A value as a factor between maps: what is the same everywhere is that times ones."""
    if not isinstance(expr, Fill) or expr.shape == (1, 1) or is_zero(expr):
        return expr
    return composed(fill(expr.args[0], (Integer(1), Integer(1))), ones(*expr.shape))


def diagonal(values: MatrixExpr) -> MatrixExpr:
    """The map that multiplies every entry by that of `values`: for one number everywhere a multiple of the identity."""
    if isinstance(values, Negative):
        return negate(diagonal(values.args[0]))
    if values.shape == (1, 1):
        return values
    number = uniform(values)
    return Diag(vec(values)) if number is None else scaled([number], Eye(entries(values.shape)))


def uniform(values: MatrixExpr) -> MatrixExpr | None:
    """The scalar that stands in every entry, or None where entries differ."""
    if values.shape == (1, 1):
        return values
    if isinstance(values, Fill):
        return fill(values.args[0], (Integer(1), Integer(1)))
    if not isinstance(values, (Elementwise, Hadamard, Divide, Power, MatAdd)):
        return None
    parts = [uniform(a) for a in values.args]
    return None if None in parts else values.func(*parts)


def scaled(scalars: list[MatrixExpr], matrix: MatrixExpr) -> MatrixExpr:
    """A matrix times numbers and scalars, which stand in front, or in its diagonal where it has one."""
    if not scalars or is_zero(matrix):
        return matrix
    if isinstance(matrix, Diag):
        values = matrix.args[0]
        found = product(*(_spread(s, values.shape) for s in scalars), values)
        return negate(Diag(found.args[0])) if isinstance(found, Negative) else Diag(found)
    return product(*(_spread(s, matrix.shape) for s in scalars), matrix)


def _spread(scalar: MatrixExpr, shape: Shape) -> MatrixExpr:
    """A scalar in every entry; of a minus, minus that."""
    if isinstance(scalar, Negative):
        return negate(_spread(scalar.args[0], shape))
    return fill(scalar.args[0] if is_number(scalar) else scalar, shape)


def kron(left: MatrixExpr, right: MatrixExpr) -> MatrixExpr:
    if is_zero(left) or is_zero(right):
        return zero(*Kron(left, right).shape)
    if left.shape == (1, 1) or right.shape == (1, 1):
        scalar, other = (left, right) if left.shape == (1, 1) else (right, left)
        return other if is_number(scalar, 1) else scaled([scalar], other)
    if isinstance(left, Eye) and isinstance(right, Eye):
        return Eye(left.shape[0] * right.shape[0])
    return Kron(left, right)


def commutation(shape: Shape) -> MatrixExpr:
    return eye(entries(shape)) if 1 in shape else Commutation(*shape)


def composed(*maps: MatrixExpr) -> MatrixExpr:
    """The product of maps: numbers in front, no identities, neighbours joined where that is one map again."""
    negative, scalars, factors = False, list[MatrixExpr](), list[MatrixExpr]()
    for one in maps:
        minus, numbers, found = parts(one)
        negative ^= minus
        scalars += numbers
        for part in found:
            _append(factors, part)
    rows, columns = maps[0].shape[0], maps[-1].shape[1]
    if any(map(is_zero, (*maps, *factors))):
        return zero(rows, columns)
    if not factors:
        found = scaled(scalars, eye(rows))
        return negate(found) if negative else found
    at = next((k for k, f in enumerate(factors) if isinstance(f, Diag)), 0)
    if len(factors) == 1 or isinstance(factors[at], Diag):
        factors[at] = scaled(scalars, factors[at])
        scalars = []
    found = scaled(scalars, reduce(matmul, factors))
    return negate(found) if negative else found


def parts(expr: MatrixExpr) -> tuple[bool, list[MatrixExpr], list[MatrixExpr]]:
    """Whether there is a minus, the scalars in front, and the factors of a product."""
    if isinstance(expr, Negative):
        negative, scalars, factors = parts(expr.args[0])
        return not negative, scalars, factors
    if expr.shape == (1, 1) and not isinstance(expr, MatMul):
        return False, [] if is_number(expr, 1) else [expr], []
    if isinstance(expr, Hadamard) and all(isinstance(f, Fill) for f in expr.args[:-1]):
        negative, scalars, factors = parts(expr.args[-1])
        return negative, [*(f.args[0] for f in expr.args[:-1]), *scalars], factors
    if isinstance(expr, MatMul):
        each = [parts(a) for a in expr.args]
        scalars, factors = [s for p in each for s in p[1]], [f for p in each for f in p[2]]
        return sum(p[0] for p in each) % 2 == 1, scalars, factors
    return False, [], [] if is_eye(expr) else [expr]


def _append(factors: list[MatrixExpr], new: MatrixExpr) -> None:
    """One more factor, joined with the last one where that is simpler."""
    last = factors[-1] if factors else None
    joined = _joined(last, new) if last is not None else None
    if joined is None:
        factors.append(new)
        return
    factors.pop()
    if not is_eye(joined):
        _append(factors, joined)


def _joined(left: MatrixExpr, right: MatrixExpr) -> MatrixExpr | None:
    """The product of two maps where it is one map of the same kind."""
    if isinstance(left, Diag) and isinstance(right, Diag):
        found = product(left.args[0], right.args[0])
        return None if isinstance(found, Negative) else diagonal(found)
    if isinstance(left, Diag) and isinstance(right, Ones):
        return left.args[0]
    if isinstance(right, Diag) and isinstance(left, Transpose) and isinstance(left.arg, Ones):
        return _row(right.args[0])
    if isinstance(left, Kron) and isinstance(right, Kron):
        pairs = list(zip(left.args, right.args, strict=True))
        if all(a.shape[1] == b.shape[0] for a, b in pairs) and any(is_eye(x) for pair in pairs for x in pair):
            return kron(*(composed(a, b) for a, b in pairs))
    return None


def _row(column: MatrixExpr) -> MatrixExpr:
    """The transpose, with numbers and scalars in front of it."""
    if isinstance(column, Hadamard) and all(isinstance(f, Fill) for f in column.args[:-1]):
        row = transpose(column.args[-1])
        return product(*(fill(f.args[0], row.shape) for f in column.args[:-1]), row)
    return transpose(column)


def summed(*maps: MatrixExpr) -> MatrixExpr:
    """The sum of maps: zeros left out, all diagonals in one."""
    terms = [t for m in maps for t in (m.args if isinstance(m, MatAdd) else (m,)) if not is_zero(t)]
    if not terms:
        return maps[0]
    diagonals = [k for k, t in enumerate(terms) if _on_diagonal(t) is not None]
    if len(diagonals) > 1:
        values = gathered(*(v for t in terms if (v := _on_diagonal(t)) is not None))
        at = diagonals[0]
        terms = [t for k, t in enumerate(terms) if k == at or k not in diagonals]
        terms[at] = Diag(values)
    return total(*terms)


def _on_diagonal(expr: MatrixExpr) -> MatrixExpr | None:
    if isinstance(expr, Negative):
        inner = _on_diagonal(expr.args[0])
        return None if inner is None else negate(inner)
    return expr.args[0] if isinstance(expr, Diag) else None


def selector(before: Expr, size: Expr, after: Expr) -> MatrixExpr:
    """The map of `size` entries into a longer vector, with that many before and after them: [0; I; 0]."""
    parts = [zero(before, size), eye(size), zero(after, size)]
    kept = [p for p in parts if p.shape[0] != 0]
    return kept[0] if len(kept) == 1 else Concat(*kept)
