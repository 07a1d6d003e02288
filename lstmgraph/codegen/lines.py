"""The lines that compute values where they are kept: `U.dot(h, a)`, `a += b`, `np.tanh(a, a)`.

An expression is written from the inside out into the array of its value, which serves as scratch on the way; what does
not fit there (the second of two products that are added) goes to a scratch array of its own.  What NumPy cannot write
to a given place is computed by an expression of its own, and copied there.  Where a result goes is said by the last
argument: to name it, `out=`, takes time in a small call.

To add an operation that is written in a way of its own: a method here and a row in `WRITERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import Shape
from lstmgraph.codegen.arrays import signed
from lstmgraph.codegen.code import Code, Level
from lstmgraph.codegen.columns import Columns
from lstmgraph.codegen.places import Place, atoms, is_column, neighbours, parts_of, repeats
from lstmgraph.codegen.several import augmented, softmax, softplus, sum_of_entries, sums_of_parts, switch

NAMED = ("np.maximum(", "np.minimum(")  # which want to be told by name where their result goes
WORDS = {"+": "np.add", "-": "np.subtract", "*": "np.multiply", "/": "np.divide"}
SIGNS = {word: sign for sign, word in WORDS.items()}


@dataclass
class Array:
    """Where a value is written: the code for it.  `fresh`: there is no array yet, the first line makes it."""

    text: str
    shape: Shape
    place: Place | None = None
    fresh: bool = False

    @property
    def inside(self) -> str:
        """The code for what is in it, to be assigned to."""
        return f"{self.text}[...]" if self.text.isidentifier() else self.text


@dataclass
class Lines:
    """`spell` spells expressions; `rows(place)` is the code for rows of an array; `scratch(shape)` that for a new one.

    `folded(code, parts)` is an array as `parts` arrays below one another: where one value meets all of them.
    `fixed(code)` is what is the same for all steps, made before the loop: `half` for 0.5, and `ones(length)`, a row.
    `derived`: the equations are those of a gradient.
    """

    speller: Columns
    at: Callable[[MatrixExpr], Place | None]
    rows: Callable[[Place], str]
    scratch: Callable[[Shape, int], str]
    folded: Callable[[Code, int], str]
    fixed: Callable[[Code], str]
    ones: Callable[[str], str]
    made: set[str]
    derived: bool
    lines: list[str] = field(default_factory=list)
    busy: int = 0

    def equation(self, to: Array, value: MatrixExpr) -> None:
        """The lines of one equation."""
        self.busy = 0
        self.write(to, value)

    def write(self, to: Array, expr: MatrixExpr) -> None:
        writer = WRITERS.get(expr.func)
        if self.is_atom(expr) or not self.speller.is_batched(expr):
            self.copy(to, expr)
        elif writer is not None:
            writer(self, to, expr)
        elif isinstance(expr, n.Elementwise):
            self.function(to, expr)
        else:
            self.copy(to, expr)

    # ── pieces ──

    def is_atom(self, expr: MatrixExpr) -> bool:
        return isinstance(expr, MatrixSymbol) or self.speller.view(expr) is not None

    def is_ready(self, expr: MatrixExpr) -> bool:
        """Whether an operand can be written where it is used."""
        if self.is_atom(expr) or not self.speller.is_batched(expr):
            return True
        if isinstance(expr, (n.Fill, n.Identity, n.TimeSum)) or (isinstance(expr, Transpose) and 1 in expr.shape):
            return self.is_ready(expr.args[0])
        return self.scalars(expr) is not None or (repeats(expr) > 1 and self.is_ready(expr.args[0]))

    def holds(self, to: Array, expr: MatrixExpr) -> bool:
        """Whether the value of some part of an expression is where the whole is to be written."""
        return to.place is not None and any(self.at(a) == to.place for a in atoms(expr))

    def operand(self, expr: MatrixExpr) -> Code:
        """The code for an operand, computed before if it has to be."""
        if (rows := self.scalars(expr)) is not None:
            return Code(self.rows(rows), Level.ATOM, (rows.count, Integer(1)), True)
        if self.is_ready(expr):
            return self.speller.spell(expr.args[0] if repeats(expr) > 1 else expr)
        if isinstance(expr, n.Fill):
            return self.speller.filled(self.operand(expr.value), expr.shape)
        to = self.new_scratch(expr.shape)
        self.write(to, expr)
        return Code(to.text, Level.ATOM, expr.shape, True)

    def scalars(self, expr: MatrixExpr) -> Place | None:
        """The neighbours of which each is in all entries of one of several below one another: where they are."""
        members = expr.args if parts_of(expr) > 1 == repeats(expr) else ()
        return neighbours(self.at(m.args[0]) for m in members)

    def ready(self, code: Code) -> Code:
        """What is the same for all steps as the loop takes it."""
        return code if code.batched or self.speller.whole else code.respell(self.fixed(code))

    def number(self, text: str) -> str:
        return self.ready(Code(text, Level.ATOM, (Integer(1), Integer(1)), literal=True)).text

    def new_scratch(self, shape: Shape) -> Array:
        """An array for what does not fit in its place; in the loop it is there, before and after it is made once."""
        self.busy += 1
        text = self.scratch(shape, self.busy)
        fresh = self.speller.whole and text not in self.made
        self.made.add(text)
        return Array(text, shape, fresh=fresh)

    def emit(self, line: str) -> None:
        self.lines.append(line)

    def there(self, to: Array) -> str:
        """The text of an array, which is there from now on."""
        if to.fresh:
            axes = ", ".join(self.speller.axes(to.shape, True))
            self.emit(f"{to.text} = np.empty(({axes}), {self.speller.like}.dtype)")
            to.fresh = False
        return to.text

    def make(self, to: Array, text: str) -> None:
        """A new array, or a copy to where it belongs."""
        if to.fresh:
            to.fresh = False
            self.emit(f"{to.text} = {text}")
        else:
            self.emit(f"{to.inside} = {text}")

    def copy(self, to: Array, expr: MatrixExpr) -> None:
        code = self.speller.spell(expr)
        if to.text == code.text:
            return
        if to.fresh and isinstance(expr, (MatMul, n.Softmax, n.Concat)) and code.batched:
            self.make(to, self.speller.full(code).text)
        else:
            self.there(to)
            self.emit(f"{to.inside} = {code.text}")

    def call(self, to: Array, call: str, whole: bool) -> None:
        """A call of NumPy's, `np.tanh(a)`, whose result goes where it belongs."""
        if to.fresh and whole:
            self.make(to, call)
        else:
            self.emit(f"{call[:-1]}, {'out=' * call.startswith(NAMED)}{self.there(to)})")

    def binary(self, to: Array, sign: str, a: MatrixExpr | Code, b: MatrixExpr | Code) -> None:
        busy = self.busy
        parts = max(parts_of(c) for c in (a, b))
        operands = [(c if isinstance(c, Code) else self.operand(c), repeats(c)) for c in (a, b)]
        self.busy = busy  # what was scratch for an operand is free again
        if parts > 1:
            self.many(to, WORDS[sign], operands, parts)
            return
        left, right = (self.ready(code) for code, _ in operands)
        x, y = left.text, right.text
        if not to.fresh and (line := augmented(to.text, sign, x, y)):
            self.emit(line)
        elif to.fresh and any(self.is_full(c, to) for c in (left, right)):
            level = {"+": Level.MATMUL, "-": Level.MATMUL}.get(sign, Level.UNARY)
            self.make(to, f"{left.at(level)} {sign} {right.at(level)}")
        else:
            self.emit(f"{WORDS[sign]}({x}, {y}, {self.there(to)})")

    def many(self, to: Array, word: str, operands: list[tuple[Code, int]], parts: int) -> None:
        """One value with each of several below one another: of each operand the code, and how often it is meant."""
        here = Code(self.there(to), Level.ATOM, to.shape, True)
        x, y = (self.once(code) if times > 1 or code.is_one else self.folded(code, parts) for code, times in operands)
        there = self.folded(here, parts)
        line = augmented(there, SIGNS[word], x, y) if there.isidentifier() and word in SIGNS else ""
        self.emit(line or f"{word}({x}, {y}, {'out=' * (f'{word}(' in NAMED)}{there})")

    def once(self, code: Code) -> str:
        """One value, beside several of its kind."""
        return f"{code.at(Level.ATOM)}[:, None]" if self.speller.whole and code.batched else self.ready(code).text

    def is_full(self, code: Code, to: Array) -> bool:
        return code.batched and not code.thin and code.shape == to.shape

    # ── operations ──

    def sum(self, to: Array, expr: MatrixExpr) -> None:
        terms = sorted(signed(expr.args), key=lambda t: (not self.holds(to, t[1]), t[0], self.rank(t[1])))
        (negative, first), *rest = terms
        if not negative and self.is_ready(first) and not (self.holds(to, first) and self.is_atom(first)):
            (subtracted, second), *rest = rest
            self.binary(to, "-" if subtracted else "+", first, second)
        elif not self.is_atom(first) or not self.holds(to, first):
            self.write(to, first)
        here = Code(to.text, Level.ATOM, to.shape, True)
        if negative:
            at = next((k for k, (minus, _) in enumerate(rest) if not minus), None)
            if at is None:
                self.negate(to, here)
            else:
                self.binary(to, "-", rest.pop(at)[1], here)
        for minus, term in rest:
            self.binary(to, "-" if minus else "+", here, term)

    def rank(self, term: MatrixExpr) -> int:
        """Which term is written first, if any will do: a product, which needs no scratch array then."""
        if self.is_ready(term):
            return 2
        return 0 if isinstance(term, MatMul) else 1

    def product(self, to: Array, expr: MatrixExpr) -> None:
        factors = sorted(expr.args, key=lambda f: (not self.holds(to, f), self.is_ready(f), repeats(f) == 1))
        first, *rest = factors
        if self.is_ready(first) and not (self.holds(to, first) and self.is_atom(first)):
            self.binary(to, "*", first, rest.pop(0))
        elif not self.is_ready(first):
            self.write(to, first)
        here = Code(to.text, Level.ATOM, to.shape, True)
        for factor in rest:
            self.binary(to, "*", here, factor)

    def matmul(self, to: Array, expr: MatrixExpr) -> None:
        """A weight times a column, by BLAS, or a column and a row, straight to where it belongs; others are copied."""
        left, right = expr.args
        if (
            expr.shape == (1, 1) != left.shape
            and not self.speller.whole
            and all(map(self.speller.is_batched, expr.args))
        ):
            sum_of_entries(self, to, n.Sum(n.Hadamard(Transpose(left), right)))
            return
        if left.shape[1] == 1 and 1 not in expr.shape and not to.fresh:
            column, row = (self.speller.matrix(self.speller.full(self.operand(factor))).text for factor in expr.args)
            self.emit(f"np.multiply({column}, {row}, {to.text})")
            return
        if (left.shape[1], right.shape) == (1, (1, 1)) and not self.speller.whole:
            self.binary(to, "*", left, right)
            return
        weight = not self.speller.is_batched(left) and is_column(right) and 1 not in right.shape[:1]
        if self.speller.whole or not weight or left.shape[1] == 1:
            self.copy(to, expr)
            return
        value = self.speller.full(self.operand(right))
        factor = self.fixed(self.speller.matrix(self.speller.full(self.speller.spell(left))))
        self.emit(f"{factor}.dot({value.text}, {self.there(to)})")

    def concat(self, to: Array, expr: MatrixExpr) -> None:
        """Each member where it belongs, if it is not there already."""
        if to.place is None or not is_column(expr):
            self.copy(to, expr)
            return
        if all(isinstance(m, n.Sum) for m in expr.args) and sums_of_parts(self, to, expr.args):
            return
        start = to.place.start
        for member in expr.args:
            rows = replace(to.place, start=start, count=member.shape[0])
            if self.at(member) != rows:
                self.there(to)
                self.write(Array(self.rows(rows), member.shape, rows), member)
            start = start + member.shape[0]

    def over(self, to: Array, operand: MatrixExpr) -> Code:
        """The operand of a function: as it is if it is ready, else computed where the result goes."""
        if self.is_ready(operand) and repeats(operand) == 1:
            return self.speller.spell(operand)
        self.write(to, operand)
        return Code(to.text, Level.ATOM, operand.shape, True)

    def function(self, to: Array, expr: MatrixExpr) -> None:
        operand = expr.args[0]
        a = self.speller.spell(operand)
        if not self.is_helper(expr, a) or not (isinstance(operand, n.Negative) and self.is_ready(operand.args[0])):
            a = self.over(to, operand)
        text = self.speller.called(expr, a).text
        if not self.is_helper(expr, a):
            self.call(to, text, self.is_full(a, to))
        elif to.fresh and not self.is_full(a, to):
            self.copy(to, expr)
        else:
            self.make(to, text)

    def is_helper(self, expr: MatrixExpr, a: Code) -> bool:
        """Whether a function is one of the file's own, or a formula, and no call that could be told where to write."""
        text = self.speller.called(expr, a).text
        return not (text.startswith("np.") and text.endswith(")"))

    def one_minus(self, to: Array, expr: MatrixExpr) -> None:
        self.subtract_from(to, "1", self.over(to, expr.args[0]))

    def subtract_from(self, to: Array, number: str, a: Code) -> None:
        if to.fresh and self.is_full(a, to):
            self.make(to, f"{number} - {a.at(Level.MATMUL)}")
        else:
            self.emit(f"np.subtract({self.number(number)}, {a.text}, {self.there(to)})")

    def negative(self, to: Array, expr: MatrixExpr) -> None:
        inner = expr.args[0]
        if isinstance(inner, n.Hadamard) and is_number(inner.args[0]):  # which takes the minus
            self.product(to, n.Hadamard(n.Fill(-inner.args[0].value, *inner.shape), *inner.args[1:]))
            return
        a = self.over(to, inner)
        if to.fresh and self.is_full(a, to):
            self.make(to, f"np.negative({a.text})")
        else:
            self.negate(to, a)

    def negate(self, to: Array, a: Code) -> None:
        """By -1: from rows to rows np.negative takes wrong ones where they are 64 bytes apart (NumPy 2.4, AVX-512)."""
        minus = self.number("-1")
        self.emit(f"{to.text} *= {minus}" if a.text == to.text else f"np.multiply({a.text}, {minus}, {self.there(to)})")

    def reciprocal(self, to: Array, expr: MatrixExpr) -> None:
        a = self.over(to, expr.args[0])
        self.call(to, f"np.reciprocal({a.text})", self.is_full(a, to))

    def relu(self, to: Array, expr: MatrixExpr) -> None:
        a = self.over(to, expr.args[0])
        self.call(to, f"np.maximum({a.text}, {self.number('0')})", self.is_full(a, to))

    def power(self, to: Array, expr: MatrixExpr) -> None:
        base, exponent = expr.args
        if isinstance(exponent, n.Fill) and exponent.value == 2:
            a = self.over(to, base)
            self.call(to, f"np.square({a.text})", self.is_full(a, to))
        else:
            self.pair(to, expr, "np.power({}, {})")

    def divide(self, to: Array, expr: MatrixExpr) -> None:
        self.pair(to, expr, "np.divide({}, {})")

    def maximum(self, to: Array, expr: MatrixExpr) -> None:
        self.pair(to, expr, "np.maximum({}, {})")

    def minimum(self, to: Array, expr: MatrixExpr) -> None:
        self.pair(to, expr, "np.minimum({}, {})")

    def pair(self, to: Array, expr: MatrixExpr, call: str) -> None:
        """A function of two: that which can be computed where the result goes is, the other one before."""
        a, b = expr.args
        if (parts := max(parts_of(a), parts_of(b))) > 1:
            self.many(to, call.partition("(")[0], [(self.operand(x), repeats(x)) for x in (a, b)], parts)
            return
        if self.holds(to, b) or (not self.holds(to, a) and self.is_ready(a)):
            left = self.operand(a)
            right = self.over(to, b) if self.is_ready(b) or left.text != to.text else self.operand(b)
        else:
            right = self.operand(b)
            left = self.over(to, a)
        left, right = codes = (self.ready(left), self.ready(right))
        text = call.format(*(c.text for c in codes))
        if all(c.literal for c in codes):
            self.copy(to, expr)
        elif to.text == left.text and call == "np.divide({}, {})":
            self.emit(f"{to.text} /= {right.text}")
        else:
            self.call(to, text, any(self.is_full(c, to) for c in codes))


WRITERS: Mapping[type, Callable[[Lines, Array, MatrixExpr], None]] = {
    MatAdd: Lines.sum,
    MatMul: Lines.matmul,
    n.Hadamard: Lines.product,
    n.Divide: Lines.divide,
    n.Power: Lines.power,
    n.Maximum: Lines.maximum,
    n.Minimum: Lines.minimum,
    n.OneMinus: Lines.one_minus,
    n.Negative: Lines.negative,
    n.Reciprocal: Lines.reciprocal,
    n.Relu: Lines.relu,
    n.Softmax: softmax,
    n.Softplus: softplus,
    n.Step: switch,
    n.Sum: sum_of_entries,
    n.Concat: Lines.concat,
    n.Identity: lambda lines, to, expr: lines.write(to, expr.args[0]),
}
