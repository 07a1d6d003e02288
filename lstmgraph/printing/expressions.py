"""One recursive printer for expressions, driven by precedence; a `Dialect` says how everything is spelt.

The author's order is kept and nothing is simplified; parentheses stand only where the text would mean something
else without them.  A symbol in `inlined` is printed as its definition.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import pairwise
from typing import NamedTuple

from sympy import Basic, Expr, Float, Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import maps as m
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import fill, is_decimal, is_number, power
from lstmgraph.algebra.names import is_jacobian, later, name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import renamed, symbols_in
from lstmgraph.entries import Over
from lstmgraph.errors import UnknownName
from lstmgraph.notation import IDENTIFIER, Notation, Time, plain, run_together
from lstmgraph.printing.dialects import ANY, ATOM, DIALECTS, PRODUCT, SCRIPTED, SUM, TIGHT, Dialect
from lstmgraph.printing.mathml import inline, mathml
from lstmgraph.program import Equation


def print_expr(expr: MatrixExpr, dialect: str, notation: Notation, *, time: Time = "explicit") -> str:
    """An expression on one line; in Markdown between dollars, in HTML as MathML."""
    return _INLINE.get(dialect, str)(printer_of(dialect, notation, time).text(expr))


def print_equation(equation: Equation, dialect: str, notation: Notation, *, time: Time = "explicit") -> str:
    """An equation on one line; in Markdown and HTML as a block of its own."""
    printer = printer_of(dialect, notation, time)
    text = f"{printer.text(equation.target)} = {printer.text(equation.value)}"
    return _BLOCK.get(dialect, str)(text)


def printer_of(
    dialect: str, notation: Notation, time: Time, inlined: Mapping[MatrixSymbol, MatrixExpr] | None = None
) -> Printer:
    """The printer of a dialect.  Raises UnknownName where there is no such dialect."""
    if dialect not in DIALECTS:
        raise UnknownName("dialect", dialect, DIALECTS)
    return Printer(DIALECTS[dialect], notation, time, inlined or {})


def tame(formula: str) -> str:
    r"""LaTeX that Markdown leaves alone: an underscore after a space closes no emphasis, `\,` would be a comma."""
    upright = formula.replace(r"\operatorname", r"\mathrm")  # in a name as the author spells it
    return re.sub(r"\\, ?", r"\\thinspace ", upright.replace("_{", " _{"))


# How a formula stands in a text of a dialect, where that is not the formula itself.
_INLINE: Mapping[str, Callable[[str], str]] = {"markdown": lambda text: f"${tame(text)}$", "html": inline}
_BLOCK: Mapping[str, Callable[[str], str]] = {"markdown": lambda text: f"$$\n{tame(text)}\n$$", "html": mathml}


class Piece(NamedTuple):
    text: str
    level: int


@dataclass(frozen=True)
class Printer:
    dialect: Dialect
    notation: Notation
    time: Time = "explicit"
    inlined: Mapping[MatrixSymbol, MatrixExpr] = field(default_factory=dict)

    def text(self, expr: Basic, need: int = ANY) -> str:
        """The expression, in parentheses where it holds together less tightly than `need`."""
        text, level = self.piece(expr)
        if level >= need:
            return text
        left, right = self.dialect.tall if _TALL.search(text) else self.dialect.parentheses
        return f"{left}{text}{right}"

    def piece(self, expr: Basic) -> Piece:
        expr = self.inlined.get(expr, expr)
        negative, positive = _split_sign(expr)
        if negative and expr.func in (n.Fill, n.Hadamard):
            return Piece(self.dialect.minus + self.text(positive, PRODUCT), SUM)
        special = _SPECIAL.get(expr.func)
        if special:
            return special(self, expr)
        if form := self.dialect.forms.get(expr.func):
            parts = operands(expr) if expr.func in (n.Negative, Transpose) else map(_bare, operands(expr))
            return Piece(form.template.format(*map(self.text, parts, form.needs)), form.level)
        if not isinstance(expr, MatrixExpr):
            return self.number(expr)
        return Piece(self.function_name(expr.func) + self.arguments(expr), ATOM)

    # ── leaves ──

    def symbol(self, symbol: MatrixSymbol) -> Piece:
        name = name_of(symbol)
        text = self.dialect.symbol(self.notation, name, self.time)
        if is_jacobian(name):
            return Piece(text, ATOM)
        if "/" in text or text.startswith(r"\frac"):
            return Piece(text, PRODUCT)
        return Piece(text, SCRIPTED if self.dialect.scripted(self.notation, name) else ATOM)

    def fill(self, expr: n.Fill) -> Piece:
        """A scalar where a vector is due: as the author wrote it, but for a cotangent times a vector of ones."""
        if self.dialect.strict or _bare(expr) is expr:
            return self.piece(expr.value)
        sign, level, *_ = self.dialect.matmul
        return Piece(self.juxtaposed(self.dialect.ones, sign, self.text(expr.value, level)), level)

    def number(self, value: Expr) -> Piece:
        if value.is_negative:
            return Piece(self.dialect.minus + self.text(-value, PRODUCT), SUM)
        if not isinstance(value, Integer) and not is_decimal(value):
            template, level, _ = self.dialect.fraction
            return Piece(template.format(value.p, value.q), level)
        text = str(value) if isinstance(value, Integer) else self.dialect.number(float(Float(value)))
        return Piece(text, TIGHT if self.dialect.times in text or "^" in text else ATOM)

    # ── sums and products ──

    def sum(self, expr: MatAdd) -> Piece:
        plus, minus = self.dialect.plus, self.dialect.minus
        text = ""
        for k, term in enumerate(expr.args):
            negative, positive = _split_sign(self.inlined.get(term, term))
            body = self.text(positive, PRODUCT if negative else plus.rest if k else plus.first)
            if not negative and body.startswith(minus):  # a sum within the sum: its own sign goes on
                negative, body = True, body.removeprefix(minus)
            sign = f" {minus} " if negative else plus.sign
            text += sign + body if k else (minus if negative else "") + body
        return Piece(text, plus.level)

    def elementwise(self, expr: n.Hadamard) -> Piece:
        """Factors with ⊙ between vectors, nothing between a scalar and what it scales; a last factor 1/a divides."""
        *before, last = factors = self.factors(expr)
        if isinstance(last, n.Reciprocal) and not self.dialect.strict:
            above = before[0] if len(before) == 1 else n.Hadamard(*before)
            return self.piece(n.Divide(above, last.args[0]))
        infix = self.dialect.hadamard
        signs = [self.between(a, b) for a, b in pairwise(factors)]
        text = ""
        for k, factor in enumerate(factors):
            beside = [s for s in signs[max(0, k - 1) : k + 1] if s != infix.sign]
            alone = beside or isinstance(factor, (n.Divide, n.Reciprocal))
            need = max(infix.rest if k else infix.first, TIGHT if alone else ANY)
            body = self.text(_bare(factor), need)
            text = self.juxtaposed(text, signs[k - 1], body) if k else body
        return Piece(text, infix.level)

    def factors(self, expr: n.Hadamard) -> list[MatrixExpr]:
        """What is multiplied; a product that is written in place of its name goes on, unless a tree is to be kept.

        Scalars stand before what they scale, as people write them: between vectors a dot would be an inner product.
        """
        found = [self.inlined.get(f, f) for f in expr.args]
        if self.dialect.strict:
            return found
        flat = [part for f in found for part in (self.factors(f) if isinstance(f, n.Hadamard) else [f])]
        return _squared(flat if all(map(_is_scalar, flat)) else sorted(flat, key=_rank))

    def between(self, left: MatrixExpr, right: MatrixExpr) -> str:
        if _is_scalar(left):
            return self.dialect.times if is_number(right) else self.dialect.scale
        return self.dialect.times if _is_scalar(right) else self.dialect.hadamard.sign

    def product(self, expr: MatMul) -> Piece:
        infix = self.dialect.matmul
        parts = [self.factor(a, infix.rest if k else infix.first) for k, a in enumerate(expr.args)]
        return Piece(reduce(lambda left, right: self.juxtaposed(left, infix.sign, right), parts), infix.level)

    def juxtaposed(self, left: str, sign: str, right: str) -> str:
        """Two factors; where a mere space would let a name of several letters run into the other, one that is seen."""
        return left + (self.dialect.beside_word if sign == " " and run_together(left, right) else sign) + right

    def factor(self, expr: MatrixExpr, need: int) -> str:
        return self.dialect.ones if is_number(expr, 1) else self.text(expr, need)

    def over(self, expr: Over) -> Piece:
        """A sum over an index, which takes in the product behind it."""
        letter, size = (self.size(text) for text in (expr.letter, str(expr.size)))
        return Piece(self.dialect.over.format(letter, size) + self.text(expr.args[0], PRODUCT), PRODUCT)

    def size(self, text: str) -> str:
        """A size or the letter of an index."""
        form = "unicode" if self.dialect.name == "unicode" else "latex"
        return str(IDENTIFIER.sub(lambda word: getattr(plain(word[0]), form)(), text)).replace("*", "")

    # ── scripts and brackets ──

    def power(self, expr: n.Power) -> Piece:
        base, exponent = (self.inlined.get(a, a) for a in expr.args)
        if form := self.dialect.forms.get(n.Power):
            return Piece(form.template.format(*map(self.text, (base, exponent), form.needs)), form.level)
        raised = self.dialect.exponent(self.text(exponent))
        if base.func in self.dialect.squared_names and is_number(exponent) and not exponent.value.is_negative:
            return Piece(self.function_name(base.func) + raised + self.arguments(base), ATOM)
        return Piece(self.text(base, ATOM) + raised, SCRIPTED)

    def transpose(self, expr: Transpose) -> Piece:
        operand = self.inlined.get(expr.arg, expr.arg)
        if isinstance(operand, MatrixSymbol) and self.dialect.transposed:
            return Piece(self.dialect.transposed(self.notation, name_of(operand)), SCRIPTED)
        form = self.dialect.forms[Transpose]
        return Piece(form.template.format(self.text(operand, form.needs[0])), form.level)

    def concat(self, expr: n.Concat) -> Piece:
        left, between, right = self.dialect.concat
        return Piece(left + between.join(map(self.text, expr.args)) + right, ATOM)

    def rows(self, expr: n.Slice) -> Piece:
        source, start, size = expr.args
        bounds = [str(b).replace(" ", "").replace("*", "") for b in (start + self.dialect.from_row, start + size)]
        return Piece(self.dialect.rows.format(self.text(source, ATOM), *bounds), ATOM)

    def time_sum(self, expr: n.TimeSum) -> Piece:
        term, *bounds = expr.args
        form = self.dialect.time_sum
        last = "T" if self.dialect.strict else self.notation.end
        steps = [str(b).replace(" ", "").replace("T", last) for b in bounds]
        return Piece(form.template.format(self.text(term, form.needs[0]), *steps), form.level)

    # ── linear maps ──

    def kronecker(self, expr: m.Kron) -> Piece:
        """A ⊗ B; an identity in it says its size."""
        form = self.dialect.forms.get(m.Kron)
        if form is None:
            return Piece(self.function_name(m.Kron) + self.arguments(expr), ATOM)
        parts = [self.sized(a) if isinstance(a, m.Eye) else self.text(a, form.needs[0]) for a in expr.args]
        return Piece(form.template.format(*parts), form.level)

    def sized(self, expr: MatrixExpr) -> str:
        """The letter of a matrix that follows from its sizes, with these."""
        sizes = ",".join(str(a).replace("*", "") for a in expr.args)
        return self.dialect.sized(m.rule_of(expr.func).glyph, sizes)

    def commutation(self, expr: m.Commutation) -> Piece:
        return Piece(self.sized(expr), ATOM)

    def blocks(self, expr: m.Blocks) -> Piece:
        left, between, below, right = self.dialect.blocks
        rows = [between.join(map(self.text, row)) for row in expr.grid]
        return Piece(left + below.join(rows) + right, ATOM)

    def chain(self, expr: m.Chain) -> Piece:
        """Equal factors, each a step before the one on its left, as one under a product sign; others one by one."""
        if expr.letter is not None:
            return self.over_steps(expr.args[0], f"{self.notation.clock}-{expr.letter}+1", str(expr.letter))
        first, *others = expr.args
        if any(renamed(first, partial(later, k=-j)) != factor for j, factor in enumerate(others, start=1)):
            return self.product(MatMul(*expr.args))
        return self.over_steps(first, f"{self.notation.clock}-{len(others)}" if others else self.notation.clock)

    def over_steps(self, factor: MatrixExpr, start: str, count: str = "") -> Piece:
        """The product of a factor from one step to this one; `count` is a letter in it that means something else."""
        letter = self.notation.index_letter(count)
        inner = replace(self, notation=replace(self.notation, clock=letter), time="explicit")
        text = self.dialect.chain.format(self.notation.clock, f"{letter} = {start}", inner.text(factor, TIGHT))
        return Piece(text, PRODUCT)

    def operation_name(self, operation: type) -> str:
        """What a legend calls an operation: its function, or its sign."""
        sign = m.rule_of(operation)
        if operation in m.MAPS and operation is not m.Vec:
            return sign.glyph if self.dialect.name == "latex" else sign.short
        return self.function_name(operation)

    def function_name(self, operation: type) -> str:
        return self.dialect.functions.get(operation) or self.dialect.word(m.rule_of(operation).name)

    def arguments(self, expr: MatrixExpr) -> str:
        body = ", ".join(map(self.text, map(_bare, n.as_written(expr))))
        left, right = self.dialect.tall if _TALL.search(body) else self.dialect.parentheses
        return f"{left}{body}{right}"


_TALL = re.compile(r"\\(?:frac|sqrt|sum|prod)(?![A-Za-z])")  # what is higher than a line


def _is_scalar(expr: MatrixExpr) -> bool:
    return isinstance(expr, n.Fill) or expr.shape == (1, 1)


def _squared(factors: list[MatrixExpr]) -> list[MatrixExpr]:
    """Equal named scalars as a power."""
    found: list[MatrixExpr] = []
    for factor, times in Counter(factors).items():
        scalar = factor.value if isinstance(factor, n.Fill) else factor
        if times > 1 and isinstance(scalar, MatrixSymbol) and scalar.shape == (1, 1):
            found.append(fill(power(scalar, times), factor.shape))
        else:
            found += [factor] * times
    return found


def _rank(factor: MatrixExpr) -> int:
    """Numbers go first, then other scalars."""
    return 0 if is_number(factor) else 1 if _is_scalar(factor) else 2


def _bare(expr: Basic) -> Basic:
    """A cotangent that stands in every entry, without that: as a factor, or as an operand of a function."""
    return expr.args[0] if is_spread(expr) else expr


def _split_sign(expr: Basic) -> tuple[bool, Basic]:
    """Whether an expression has a minus in front, and the expression without it."""
    if isinstance(expr, n.Negative):
        return True, expr.args[0]
    if is_number(expr) and expr.value.is_negative:
        return True, n.Fill(-expr.value, *expr.shape)
    if isinstance(expr, n.Fill) and isinstance(expr.value, n.Negative):
        return True, n.Fill(expr.value.args[0], *expr.shape)
    if isinstance(expr, n.Hadamard):
        negative, first = _split_sign(expr.args[0])
        if negative and isinstance(first, n.Fill):
            return True, n.Hadamard(first, *expr.args[1:])
    return False, expr


_SPECIAL = {
    MatrixSymbol: Printer.symbol,
    n.Fill: Printer.fill,
    MatAdd: Printer.sum,
    n.Hadamard: Printer.elementwise,
    MatMul: Printer.product,
    n.Power: Printer.power,
    Transpose: Printer.transpose,
    n.Concat: Printer.concat,
    n.Slice: Printer.rows,
    n.TimeSum: Printer.time_sum,
    m.Kron: Printer.kronecker,
    m.Commutation: Printer.commutation,
    m.Blocks: Printer.blocks,
    m.Chain: Printer.chain,
    Over: Printer.over,
}


def is_spread(expr: Basic) -> bool:
    """Whether it is a cotangent that stands in every entry: where it is no factor it is printed with its ones."""
    return isinstance(expr, n.Fill) and any({"bar", "seed", "grad"} & {*name_of(s).marks} for s in symbols_in(expr))
