"""How the operations are spelled where the samples are the columns of an array, as in the equations: W @ x is W @ x.

Each value has a form (scalar, vector, row, matrix), which gives its array.  In front of it there is an axis for the
steps where the code is for all of them at once (`whole`).

              S         V         R         M
    shared    ()        (n, 1)    (n, 1)    (m, n)
    batched   (1, B)    (n, B)    (n, B)    (B, m, n)

So values below one another lie in one piece of memory, a vector and its transpose are one array, and every operation
but those on batched matrices is spelled as it is written.  What is not a weight times a column is done on matrices.

To add an operation that is not elementwise: a function here and a row in `SPELLINGS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from re import fullmatch

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import flipped
from lstmgraph.algebra.names import Shape
from lstmgraph.codegen import arrays
from lstmgraph.codegen.arrays import Speller, beside
from lstmgraph.codegen.code import Code, Level, call, joined, transposed


@dataclass
class Columns(Speller):
    """Spells expressions; a symbol's text is `names`'s, rows of it and what is flat are asked of `views`."""

    whole: bool = False
    view: Callable[[MatrixExpr], str | None] = lambda _: None
    new_name: Callable[[str], str] = str
    flats: dict[str, str] = field(default_factory=dict)
    flattening: bool = False
    taken_flat: Counter[str] = field(default_factory=Counter)

    def spell(self, expr: MatrixExpr) -> Code:
        text = self.view(expr)
        if text is not None:
            return Code(text, Level.ATOM, expr.shape, True)
        if expr.func in SPELLINGS:
            return SPELLINGS[expr.func](self, expr)
        return super().spell(expr)

    def is_batched(self, expr: MatrixExpr) -> bool:
        if isinstance(expr, MatrixSymbol):
            return self.batched[expr]
        return any(map(self.is_batched, n.operands(expr)))

    def axes(self, shape: Shape, batched: bool) -> tuple[str, ...]:
        rows, columns = shape
        if columns != 1 and rows != 1:
            inner = [*(["B"] if batched else []), self.size(rows), self.size(columns)]
        elif batched or rows != columns:
            inner = [self.size(rows if columns == 1 else columns), "B" if batched else "1"]
        else:
            inner = []
        self.needs_batch |= batched
        return (*(["T"] if batched and self.whole else []), *inner)

    # ── between columns and matrices ──

    def matrix(self, code: Code) -> Code:
        """A value as an array whose last two axes are those of the equation."""
        text = code.at(Level.ATOM)
        if not code.batched:
            return code.respell(transposed(text)) if code.form == "R" else code
        if code.form == "M":
            return code
        last = "[..., None, :]" if code.form == "R" else "[..., None]"
        return code.respell(f"{text}{self.swap}{last}")

    def column(self, text: str, shape: Shape) -> Code:
        """The value of which `text` is the batched matrix."""
        code = Code(text, Level.ATOM, shape, True)
        last = {"R": "[..., 0, :]", "M": ""}.get(code.form, "[..., 0]")
        return code.respell(f"({text}){last}{self.swap}" if last else text)

    @property
    def swap(self) -> str:
        return ".swapaxes(1, 2)" if self.whole else ".T"

    def full(self, code: Code, batched: bool | None = None) -> Code:
        """A scalar of all samples fills an array of its own: what is broadcast cannot be written to."""
        if not code.thin or code.literal or code.batched or batched:
            return super().full(code, batched)
        axes = ", ".join(self.axes(code.shape, False))
        text = self.dialect.word("full", a=code.text, axes=f"({axes})", like=self.like)
        return replace(code.respell(text), thin=False)

    def filled(self, scalar: Code, shape: Shape) -> Code:
        """A scalar in every entry."""
        entry = self.matrix(scalar) if scalar.batched and 1 not in shape else scalar
        return replace(entry, shape=shape, thin=True)

    # ── sums over all steps and samples ──

    def total(self, expr: MatrixExpr) -> Code:
        """The sum over all steps and samples of a value; it moves past whatever is linear in one batched operand."""
        if not self.is_batched(expr):
            return self.full(self.spell(expr))
        if isinstance(expr, MatAdd):
            terms = [(sign, self.total(a)) for sign, a in arrays.signed(expr.args)]
            return arrays.sum_of(terms, expr.shape)
        if isinstance(expr, (n.Negative, n.Identity, n.TimeSum)):
            inner = self.total(expr.args[0])
            return arrays.negative(inner) if isinstance(expr, n.Negative) else inner
        if isinstance(expr, Transpose) and isinstance(expr.args[0], MatMul):
            left, right = expr.args[0].args
            return self.total(MatMul(flipped(right), flipped(left)))
        if isinstance(expr, MatMul):
            return self.sum_of_products(expr)
        return self.sum_of_values(expr)

    def sum_of_products(self, expr: MatMul) -> Code:
        """Σ a bᵀ is one product of matrices."""
        left, right = expr.args
        if self.is_batched(left) != self.is_batched(right):
            totals = [self.total(e) if self.is_batched(e) else self.full(self.spell(e)) for e in expr.args]
            return product(self, totals[0], totals[1], expr.shape)
        rows, columns = expr.shape
        if left.shape[1] != 1 or (rows == 1 and columns == 1):
            return self.contraction(expr) or self.sum_of_values(expr)
        first, second = (right, left) if rows == 1 else (left, right)
        text = f"{self.flat(first)} @ {self.flat(second)}.T"
        return Code(text, Level.MATMUL, expr.shape)

    def flat(self, expr: MatrixExpr) -> str:
        """The columns of all steps beside one another."""
        text = self.full(self.spell(expr)).text
        return self.known_flat(text) or f"flat({text})"

    def known_flat(self, text: str) -> str:
        """The name of an array that several products take flat, or rows of one that is flat already."""
        self.note_helper("flat")
        self.taken_flat[text] += 1
        array, rows = whole_rows(text)
        if array in self.flats:
            self.flats[array] = self.new_name(array)
        flat = self.flats.get(array, "")
        return f"{flat}[{rows}]" if flat and rows else flat

    def written(self, array: str) -> list[str]:
        """Forgets what is flat of an array, whose values are others now: the names of that."""
        old = [text for text, name in self.flats.items() if name and whole_rows(text)[0] == array]
        names = [self.flats[text] for text in old]
        self.flats |= dict.fromkeys(old, "")
        return names

    def shared_flats(self) -> dict[str, str]:
        """What is taken flat several times, without names yet; an array, and not rows of it, if all of it is too."""
        times = Counter(self.taken_flat)
        for text, count in self.taken_flat.items():
            array, rows = whole_rows(text)
            if rows and array in times:
                times[array] += count
                del times[text]
        return {text: "" for text, count in times.items() if count > 1}

    def sum_of_values(self, expr: MatrixExpr) -> Code:
        if isinstance(expr, n.Fill):
            return self.full(replace(self.total(expr.value), shape=expr.shape, thin=True))
        if isinstance(expr, n.Sum):  # of all entries, of all steps and samples
            code = self.full(self.spell(expr.args[0]))
            return _sum(code, ")", expr.shape)
        code = self.full(self.spell(expr))
        if code.form == "S":
            return _sum(code, ")", expr.shape)
        if code.form == "M":
            return _sum(code, ", axis=(0, 1))", expr.shape)
        if isinstance(expr, n.Hadamard) and len(expr.args) == 2 and all(map(self.is_batched, expr.args)):
            a, b = (self.full(c).text for c in self.all(expr.args))
            return Code(f'np.einsum("tnb,tnb->n", {a}, {b})[:, None]', Level.ATOM, expr.shape)
        flat = self.known_flat(code.text) if self.flattening else ""
        if flat:
            return Code(f"{flat}.sum(axis=1, keepdims=True)", Level.ATOM, expr.shape)
        return _sum(code, ", axis=(0, 2))[:, None]", expr.shape)


def _sum(code: Code, after: str, shape: Shape) -> Code:
    return replace(call("np.sum(", code, after), shape=shape, batched=False)


def whole_rows(text: str) -> tuple[str, str]:
    """The array of all steps that some text is rows of, and which: `a`, `H:` of `a[:, H:]`."""
    found = fullmatch(r"(\w+)\[:, ([^\[\]]+)\]", text)
    return (found[1], found[2]) if found else (text, "")


# ── the operations ──


def _transpose(speller: Columns, expr: MatrixExpr) -> Code:
    if (found := beside(speller, expr)) is not None:
        return found
    code = speller.spell(expr.args[0])
    flipped = replace(code, shape=expr.shape)
    if code.thin or code.form != "M":
        return flipped
    text = code.at(Level.ATOM)
    return flipped.respell(f"{text}.swapaxes(-1, -2)" if code.batched else transposed(text))


def _matmul(speller: Columns, expr: MatrixExpr) -> Code:
    left, right = (speller.full(code) for code in speller.all(expr.args))
    return product(speller, left, right, expr.shape)


def product(speller: Columns, a: Code, b: Code, shape: Shape) -> Code:
    """The product of two values, by their forms and by which of them is batched."""
    if "S" in (a.form, b.form):
        return joined(" * ", Level.PRODUCT, [a, b], shape)
    if (a.form, b.form) == ("V", "R"):
        return joined(" * ", Level.PRODUCT, [speller.matrix(a), speller.matrix(b)], shape)
    if (a.form, b.form) == ("R", "V") and a.batched == b.batched:
        both = joined(" * ", Level.PRODUCT, [a, b], shape)
        return both.respell(f"np.sum({both.text}{', axis=-2, keepdims=True' * a.batched})")
    if b.form == "V" and not a.batched:
        return weighted(speller, speller.matrix(a), b, shape)
    if a.form == "R" and not b.batched:
        return weighted(speller, b.respell(transposed(b.at(Level.ATOM))), a, shape)
    x, y = speller.matrix(a), speller.matrix(b)
    text = f"{x.at(Level.POWER)} @ {y.at(Level.POWER)}"
    if a.batched or b.batched:
        whole = speller.column(text, shape)
        return whole.respell(text, Level.MATMUL) if whole.text == text else whole
    return Code(text, Level.MATMUL, shape)


def weighted(speller: Columns, weight: Code, column: Code, shape: Shape) -> Code:
    """A weight times a column, of all steps at once where there are."""
    if speller.whole and column.batched:
        flat = speller.known_flat(column.text) if speller.flattening else ""
        if flat:
            speller.note_helper("unflat")
            return Code(f"unflat({weight.at(Level.POWER)} @ {flat}, T)", Level.ATOM, shape, True)
        speller.note_helper("each")
        return Code(f"each({weight.text}, {column.text})", Level.ATOM, shape, True)
    return Code(f"{weight.at(Level.POWER)} @ {column.at(Level.POWER)}", Level.MATMUL, shape, column.batched)


def _fill(speller: Columns, expr: n.Fill) -> Code:
    if not isinstance(expr.value, MatrixExpr):
        return arrays.number(expr)
    return speller.filled(speller.spell(expr.value), expr.shape)


def _sum_entries(speller: Columns, expr: MatrixExpr) -> Code:
    code = speller.full(speller.spell(expr.args[0]))
    if code.form == "S":
        return code
    if not code.batched:
        text = f"np.sum({code.text})"
    elif code.form == "M":
        text = f"np.sum({code.text}, axis=(-2, -1))[..., None, :]"
    else:
        text = f"np.sum({code.text}, axis=-2, keepdims=True)"
    return replace(code.respell(text), shape=expr.shape)


def _softmax(speller: Columns, expr: MatrixExpr) -> Code:
    speller.note_helper("softmax")
    code = speller.full(speller.spell(expr.args[0]))
    if code.form == "S" and not code.batched:
        return code.respell(f"softmax({_two_axes(code)})[0, 0]")
    return code.respell(f"softmax({code.text})")


def _two_axes(code: Code) -> str:
    return f"np.reshape({code.text}, (1, 1))" if code.form == "S" and not code.batched else code.text


def _concat(speller: Columns, expr: MatrixExpr) -> Code:
    codes = speller.all(expr.args)
    batched = any(c.batched for c in codes)
    parts = [speller.full(c, batched) for c in codes]
    if expr.shape[1] != 1:
        parts = [speller.matrix(p) for p in parts]
        axis = -2 if batched else 0
    else:
        axis = int(speller.whole) if batched else 0
    text = f"np.concatenate([{', '.join(map(_two_axes, parts))}]{f', axis={axis}' * bool(axis)})"
    return Code(text, Level.ATOM, expr.shape, batched)


def _slice(speller: Columns, expr: MatrixExpr) -> Code:
    source, start, count = expr.args
    code = speller.full(speller.spell(source))
    if source.shape == expr.shape:
        return code
    first = "" if start == 0 else speller.size(start)
    last = "" if start + count == source.shape[0] else speller.size(start + count)
    text = code.at(Level.ATOM)
    if not code.batched:
        if count == 1:
            inside = f"{first or '0'}, 0" if code.form == "V" else f"{first or '0'}, :, None"
            return Code(f"{text}[{inside}]", Level.ATOM, expr.shape)
        return Code(f"{text}[{first}:{last}]", Level.ATOM, expr.shape)
    rows = f"{first}:{last}"
    if code.form == "V":
        return Code(f"{text}[{':, ' * speller.whole}{rows}]", Level.ATOM, expr.shape, True)
    if count == 1:
        return Code(f"{text}[..., {first or '0'}, :]{speller.swap}", Level.ATOM, expr.shape, True)
    return Code(f"{text}[..., {rows}, :]", Level.ATOM, expr.shape, True)


SPELLINGS: Mapping[type, Callable[[Columns, MatrixExpr], Code]] = {
    MatMul: _matmul,
    Transpose: _transpose,
    n.Fill: _fill,
    n.Sum: _sum_entries,
    n.Softmax: _softmax,
    n.Concat: _concat,
    n.Slice: _slice,
}
