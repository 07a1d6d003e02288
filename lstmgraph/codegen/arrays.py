"""How the operations are spelled in an array language whose batches are rows: the lowering from columns to arrays.

Each value has a form (scalar, vector, row, matrix) and is shared or batched, which gives its array:

              S        V       R        M
    shared    ()       (n,)    (1, n)   (m, n)
    batched   (B, 1)   (B, n)  (B, n)   (B, m, n)

so W @ x is `x @ W.T`, an outer product of batched vectors `a[:, :, None] * b[:, None, :]`, and the gradient of a
matrix, which is summed over the batch, `delta.T @ x`.  `Speller.spell` gives the code of an expression,
`Speller.total` that of its sum over the batch.  What differs between array languages (the names of functions) is in
the target's `Dialect`.

To add an operation that is not elementwise: a function here and a row in `SPELLINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import flipped, is_number
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.rules import RULES
from lstmgraph.codegen.code import (
    LARGEST,
    WHOLE,
    Code,
    Level,
    call,
    condition,
    elementwise,
    joined,
    minus_of,
)
from lstmgraph.codegen.contracted import contracted
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.identifiers import size_text
from lstmgraph.codegen.products import flip, matmul_of
from lstmgraph.errors import UsageError


@dataclass
class Speller:
    """Spells the expressions of one function of the generated file, and notes what that function needs.

    `names` and `batched` describe the symbols; `like` is an expression for an array whose first axis is the batch and
    whose type all others share.  `numbers` are symbols that stand for a Python number.
    """

    dialect: Dialect
    names: Mapping[MatrixSymbol, str]
    batched: Mapping[MatrixSymbol, bool]
    like: str
    used: dict[MatrixSymbol, None] = field(default_factory=dict)
    sizes: dict[Symbol, None] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    needs_batch: bool = False
    batch: str = "B"
    numbers: Mapping[MatrixSymbol, float] = field(default_factory=dict)

    def spell(self, expr: MatrixExpr) -> Code:
        if isinstance(expr, MatrixSymbol):
            self.used[expr] = None
            is_number = expr in self.numbers
            return Code(self.names[expr], Level.ATOM, expr.shape, self.batched[expr], is_number, is_number)
        if expr.func in SPELLINGS:
            return SPELLINGS[expr.func](self, expr)
        return self.function(expr)

    def all(self, exprs: tuple[MatrixExpr, ...]) -> list[Code]:
        return [self.spell(e) for e in exprs]

    # ── elementwise functions ──

    def function(self, expr: MatrixExpr) -> Code:
        return self.called(expr, self.typed(self.spell(expr.args[0])))

    def called(self, expr: MatrixExpr, operand: Code) -> Code:
        """A function by the dialect's own spelling, else by its scalar formula, as a helper."""
        if expr.func in self.dialect.functions:
            before, after = self.dialect.functions[expr.func].split("{}")
            self.note_helper(before.rstrip("("))
            return call(before, operand, after)
        rule = RULES.get(expr.func)
        if rule is None or not isinstance(expr, n.Elementwise):
            raise self.cannot(expr)
        formula = self.dialect.scalar_printer(expr.func.scalar(Symbol("a", real=True)))
        self.helpers[rule.name] = f'def {rule.name}(a):\n    """The {rule.words}."""\n    return {formula}\n'
        return call(f"{rule.name}(", operand, ")")

    def note_helper(self, word: str) -> None:
        if word in self.dialect.helpers:
            self.helpers[word] = self.dialect.helpers[word]

    def cannot(self, expr: MatrixExpr) -> UsageError:
        rule = RULES.get(expr.func)
        known = sorted(RULES[c].name for c in (*SPELLINGS, *self.dialect.functions) if c in RULES)
        return UsageError(
            f"the target {self.dialect.name!r} cannot spell {rule.name if rule else expr.func.__name__!r}",
            hint=f"it can spell {', '.join(known)}, and every function whose rule has a scalar formula",
        )

    def typed(self, code: Code) -> Code:
        """A number with the type of the arrays, as an operand of a function that would make its own choice."""
        if not code.literal:
            return code
        return replace(code.respell(self.dialect.word("type", like=self.like, a=code.text)), literal=False)

    # ── arrays ──

    def size(self, side: Expr) -> str:
        self.sizes |= dict.fromkeys(sorted(side.free_symbols, key=str))
        return size_text(side)

    def axes(self, shape: Shape, batched: bool) -> tuple[str, ...]:
        """The axes of a value's array."""
        sizes = array_axes(shape, batched)
        self.needs_batch |= batched
        return (*([self.batch] if batched else []), *(self.size(s) for s in sizes))

    def full(self, code: Code, batched: bool | None = None) -> Code:
        """With all entries there, and one value for each sample if `batched`."""
        batched = code.batched if batched is None else batched
        if not code.thin and code.batched == batched:
            return code
        axes = _tuple(self.axes(code.shape, batched))
        word = {"0": "zeros", "1": "ones"}.get(code.text, "full") if code.literal else "broadcast"
        text = self.dialect.word(word, a=code.text, axes=axes, like=self.like)
        return replace(code.respell(text), batched=batched, thin=False, literal=False)

    def value(self, expr: MatrixExpr, batched: bool) -> Code:
        """The code for a named value: summed over the batch where the name is shared and the formula is not."""
        code = self.spell(expr)
        return self.total(expr) if code.batched and not batched else self.full(code, batched)

    # ── sums over the batch ──

    def total(self, expr: MatrixExpr) -> Code:
        """The sum over the batch; it moves past whatever is linear in one batched operand."""
        code = self.spell(expr)
        if not code.batched:
            return self.full(code)
        if isinstance(expr, MatAdd):
            return sum_of([(sign, self.total(a)) for sign, a in signed(expr.args)], code.shape)
        if isinstance(expr, n.Negative):
            return negative(self.total(expr.args[0]))
        if isinstance(expr, Transpose) and isinstance(expr.args[0], MatMul):
            left, right = expr.args[0].args
            return self.total(MatMul(flipped(right), flipped(left)))
        if isinstance(expr, MatMul):
            return self.total_product(expr, code)
        return self.summed(code, expr)

    def total_product(self, expr: MatMul, code: Code) -> Code:
        """Σ a bᵀ over the batch is one product of matrices."""
        left, right = (self.full(c) for c in self.all(expr.args))
        if left.batched and right.batched and left.form in "VS" and right.form == "R":
            text = f"{left.at(Level.ATOM)}.T @ {right.at(Level.POWER)}"
            return Code(text, Level.MATMUL, code.shape)
        if left.batched != right.batched:
            sums = [self.total(e) if c.batched else c for e, c in zip(expr.args, (left, right), strict=True)]
            return matmul_of(self.dialect, sums[0], sums[1], expr.shape)
        return self.contraction(expr) or self.summed(code, expr)

    def contraction(self, expr: MatMul) -> Code | None:
        """Σ A B of matrices over the batch, if both are."""
        if (found := contracted(expr)) is None:
            return None
        a, b = (self.full(c).text for c in self.all(found[0]))
        return Code(self.dialect.word("contraction", a=a, b=b, axes=found[1]), Level.ATOM, expr.shape)

    def summed(self, code: Code, expr: MatrixExpr) -> Code:
        if isinstance(expr, n.Sum):  # over all entries of all samples
            code = replace(self.full(self.spell(expr.args[0])), shape=expr.shape)
        word = {"S": "sum_all", "R": "sum_batch_row"}.get(code.form, "sum_batch")
        return Code(self.dialect.word(word, a=self.full(code).text), Level.ATOM, code.shape)


def array_axes(shape: Shape, batched: bool) -> tuple[Expr, ...]:
    """The sizes of a value's array, without the batch axis."""
    rows, columns = shape
    if columns == 1 and (batched or rows != 1):
        return (rows,)
    if rows == 1 and batched:
        return (columns,)
    return () if columns == 1 else (rows, columns)


def _tuple(axes: tuple[str, ...]) -> str:
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


# ── the operations ──


def _add(speller: Speller, expr: MatrixExpr) -> Code:
    return sum_of([(negative, speller.spell(a)) for negative, a in signed(expr.args)], expr.shape)


def signed(terms: tuple[MatrixExpr, ...]) -> list[tuple[bool, MatrixExpr]]:
    return [(True, a.args[0]) if isinstance(a, n.Negative) else (False, a) for a in terms]


def sum_of(terms: list[tuple[bool, Code]], shape: Shape) -> Code:
    """a + b - c, for (is it subtracted, what) of each term."""
    level = Level.MATMUL
    lines = [f"{'- ' if negative else '+ '}{code.at(level)}" for negative, code in terms]
    negative, first = terms[0]
    lines[0] = minus_of(first.at(Level.PRODUCT)) if negative else first.at(level)
    whole = elementwise(" ".join(lines), Level.SUM, [code for _, code in terms], shape)
    return replace(whole, breaks=("(", tuple(lines), ")"))


def negative(code: Code) -> Code:
    level = Level.PRODUCT if code.level == Level.PRODUCT else Level.UNARY
    return code.respell(minus_of(code.at(Level.PRODUCT)), level)


def _one_minus(speller: Speller, expr: MatrixExpr) -> Code:
    code = speller.spell(expr.args[0])
    return code.respell(f"1 - {code.at(Level.MATMUL)}", Level.SUM)


def _reciprocal(speller: Speller, expr: MatrixExpr) -> Code:
    code = speller.spell(expr.args[0])
    return code.respell(f"1 / {code.at(Level.UNARY)}", Level.PRODUCT)


def _power(speller: Speller, expr: MatrixExpr) -> Code:
    base, exponent = speller.all(expr.args)
    return elementwise(f"{base.at(Level.ATOM)}**{exponent.at(Level.UNARY)}", Level.POWER, [base, exponent], expr.shape)


def limited(speller: Speller, expr: MatrixExpr) -> tuple[Code, Code] | None:
    """An array, and the argument by which a `clamp` limits it to at least or at most a number, if that is the value."""
    if expr.func not in speller.dialect.limits:
        return None
    array, limit = sorted(expr.args, key=is_number)
    code, number = speller.all((array, limit))
    if code.literal or not is_number(limit) or abs(limit.value) > LARGEST:
        return None
    return code, number.respell(speller.dialect.limits[expr.func].format(number.text))


def _extreme(word: str) -> Callable[[Speller, MatrixExpr], Code]:
    def spell(speller: Speller, expr: MatrixExpr) -> Code:
        if limits := limited(speller, expr):
            array, limit = limits
            return array.respell(speller.dialect.word("clamp", a=array.text, b=limit.text))
        a, b = speller.all(expr.args)
        a = speller.typed(a) if b.literal or speller.dialect.limits else a
        b = speller.typed(b) if speller.dialect.limits else b
        return elementwise(speller.dialect.word(word, a=a.text, b=b.text), Level.ATOM, [a, b], expr.shape)

    return spell


def _fill(speller: Speller, expr: n.Fill) -> Code:
    if not isinstance(expr.value, MatrixExpr):
        return number(expr)
    scalar = replace(speller.spell(expr.value), shape=expr.shape, thin=True)
    if scalar.form == "M" and scalar.batched:
        return scalar.respell(f"{scalar.at(Level.ATOM)}[{speller.dialect.batch}, :, None]")
    return scalar


def value_of(expr: MatrixExpr, numbers: Mapping[MatrixSymbol, float]) -> float | None:
    """The number that all entries are, if they are one."""
    inner = expr.value if isinstance(expr, n.Fill) else expr
    if isinstance(inner, n.OneMinus):
        rest = value_of(inner.args[0], numbers)
        return None if rest is None else 1 - rest
    return numbers.get(inner) if isinstance(inner, MatrixExpr) else float(inner)


def number(expr: n.Fill) -> Code:
    """A number in every entry, as a literal."""
    value = expr.value
    text = str(value) if value.is_Integer and abs(value) < WHOLE else repr(float(value))
    return Code(text, Level.UNARY if value.is_negative else Level.ATOM, expr.shape, thin=True, literal=True)


def _transpose(speller: Speller, expr: MatrixExpr) -> Code:
    if (found := beside(speller, expr)) is not None:
        return found
    code = speller.spell(expr.args[0])
    turned = replace(code, shape=expr.shape)
    if code.thin or code.form == "S" or (code.batched and code.form != "M"):
        return turned
    if code.batched:
        return turned.respell(speller.dialect.word("swap", a=code.at(Level.ATOM)))
    how = {"V": "[None, :]", "R": "[0]"}.get(code.form)
    return turned.respell(f"{code.at(Level.ATOM)}{how}" if how else flip(code))


def beside(speller: Speller, expr: MatrixExpr) -> Code | None:
    """Matrices beside one another, which is the transpose of a stack of transposes."""
    if not (isinstance(expr.args[0], n.Concat) and all(isinstance(member, Transpose) for member in expr.args[0].args)):
        return None
    codes = [speller.spell(flipped(member)) for member in expr.args[0].args]
    if any(c.form != "M" or c.batched for c in codes):
        return None
    parts = ", ".join(c.text for c in codes)
    return Code(speller.dialect.word("concatenate", a=f"[{parts}]", axis=1), Level.ATOM, expr.shape, False)


def _matmul(speller: Speller, expr: MatrixExpr) -> Code:
    left, right = (speller.full(code) for code in speller.all(expr.args))
    return matmul_of(speller.dialect, left, right, expr.shape)


def _sum_entries(speller: Speller, expr: MatrixExpr) -> Code:
    code = speller.full(speller.spell(expr.args[0]))
    if code.form == "S":
        return code
    word = "sum_all" if not code.batched else "sum_matrix" if code.form == "M" else "sum_vector"
    return replace(code.respell(speller.dialect.word(word, a=code.text)), shape=expr.shape)


def _softmax(speller: Speller, expr: MatrixExpr) -> Code:
    speller.note_helper("softmax")
    code = speller.full(speller.spell(expr.args[0]))
    array = code.text if code.batched or code.form != "S" else speller.dialect.word("reshape", a=code.text)
    return code.respell(f"softmax({array})" if array == code.text else f"softmax({array})[0]")


def _concat(speller: Speller, expr: MatrixExpr) -> Code:
    codes = speller.all(expr.args)
    batched = any(c.batched for c in codes)
    parts = ", ".join(as_rows(speller.dialect, speller.full(c, batched)) for c in codes)
    text = speller.dialect.word("concatenate", a=f"[{parts}]", axis=int(batched))
    return Code(text, Level.ATOM, expr.shape, batched)


def as_rows(dialect: Dialect, code: Code) -> str:
    """With an axis for the rows, along which to concatenate."""
    if code.form == "R" and code.batched:
        return f"{code.at(Level.ATOM)}[{dialect.batch}, None, :]"
    return dialect.word("reshape", a=code.text) if code.form == "S" and not code.batched else code.text


def _slice(speller: Speller, expr: MatrixExpr) -> Code:
    source, start, count = expr.args
    code = speller.full(speller.spell(source))
    if source.shape == expr.shape:
        return code
    first = "" if start == 0 else speller.size(start)
    last = "" if start + count == source.shape[0] else speller.size(start + count)
    inside = f"{first}:{last}"
    if count == 1 and (code.form == "V") != code.batched:  # the axis of the rows goes: a scalar, or one batched row
        inside = first or "0"
    lead = ":, " if code.batched else ""
    return Code(f"{code.at(Level.ATOM)}[{lead}{inside}]", Level.ATOM, expr.shape, code.batched)


def _kept(speller: Speller, expr: MatrixExpr) -> Code:
    compared, how = condition(expr.args[1])
    value, other = speller.all((expr.args[0], compared))
    text = speller.dialect.word("kept", a=value.text, b=f"{other.at(Level.SUM)} {how}")
    return elementwise(text, Level.ATOM, [value, other], expr.shape)


SPELLINGS: dict[type, Callable[[Speller, MatrixExpr], Code]] = {
    MatMul: _matmul,
    MatAdd: _add,
    Transpose: _transpose,
    n.Hadamard: lambda s, e: joined(" * ", Level.PRODUCT, s.all(e.args), e.shape),
    n.Divide: lambda s, e: joined(" / ", Level.PRODUCT, s.all(e.args), e.shape),
    n.Power: _power,
    n.Negative: lambda s, e: negative(s.spell(e.args[0])),
    n.OneMinus: _one_minus,
    n.Reciprocal: _reciprocal,
    n.Identity: lambda s, e: s.spell(e.args[0]),
    n.TimeSum: lambda s, e: s.spell(e.args[0]),  # its term: the loop over the steps adds them up
    n.Maximum: _extreme("maximum"),
    n.Minimum: _extreme("minimum"),
    n.Kept: _kept,
    n.Fill: _fill,
    n.Sum: _sum_entries,
    n.Softmax: _softmax,
    n.Concat: _concat,
    n.Slice: _slice,
}
