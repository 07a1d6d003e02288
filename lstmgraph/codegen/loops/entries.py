"""The code for an entry of a value, in C, with as few parentheses as it needs.

To add an operation that is computed entry by entry: a function here and a row in `SPELLINGS`; an elementwise function
needs none, its scalar formula is spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ctypes import c_float
from dataclasses import dataclass, field
from math import isinf

from sympy import Expr, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Pow, S, Symbol, Transpose
from sympy.codegen.ast import float32, real
from sympy.printing.c import C99CodePrinter

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.rules import RULES
from lstmgraph.codegen.code import WHOLE, Level, condition, minus_of
from lstmgraph.codegen.loops.places import Place, place_of
from lstmgraph.errors import UsageError


@dataclass(frozen=True)
class Index:
    """A row or a column: a size, and the variable of a loop if there is one."""

    start: Expr = S.Zero
    variable: str = ""

    def plus(self, start: Expr) -> Index:
        return Index(self.start + start, self.variable)


ZERO = Index()


@dataclass(frozen=True)
class Text:
    """`number`: a literal without a point."""

    text: str
    level: Level = Level.ATOM
    number: bool = False

    def at(self, level: Level) -> str:
        return self.text if self.level >= level else f"({self.text})"


def size_code(size: Expr, names: Mapping[Symbol, str]) -> Text:
    """A size in C: a sum of products."""
    terms = size.expand().as_ordered_terms() if size.free_symbols else [size]
    texts = []
    for term in terms:
        number, rest = term.as_coeff_Mul()
        factors = [f for f in rest.as_ordered_factors() if f != 1]
        words = [w for f in factors for w in _powers(f, names)]
        texts.append(
            (bool(number < 0), " * ".join([*([str(abs(number))] if abs(number) != 1 or not words else []), *words]))
        )
    texts.sort(key=lambda t: t[0])
    text = "".join(f"{' - ' if minus else ' + '}{t}" for minus, t in texts).removeprefix(" + ")
    return Text(text, Level.SUM if len(texts) > 1 else Level.PRODUCT if "*" in text else Level.ATOM)


def _powers(factor: Expr, names: Mapping[Symbol, str]) -> list[str]:
    if isinstance(factor, Pow):
        return [names[factor.args[0]]] * int(factor.args[1])
    return [names[factor]]


@dataclass
class Entries:
    """Spells entries: `places` says where the values are, `constants` are those that have a name of their own.

    `local` are the values that the loop at hand has computed; `helpers` collects the functions that the code calls.
    """

    places: Mapping[MatrixSymbol, Place]
    constants: Mapping[MatrixSymbol, str]
    sizes: Mapping[Symbol, str]
    words: Words
    local: dict[MatrixSymbol, str] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)

    def of(self, expr: MatrixExpr, i: Index, j: Index) -> Text:
        if isinstance(expr, MatrixSymbol):
            return self.symbol(expr, i, j)
        if expr.func in SPELLINGS:
            return SPELLINGS[expr.func](self, expr, i, j)
        return self.function(expr, i, j)

    def all(self, expr: MatrixExpr, i: Index, j: Index) -> list[Text]:
        return [self.of(a, i, j) for a in expr.args]

    def symbol(self, symbol: MatrixSymbol, i: Index, j: Index) -> Text:
        if symbol in self.constants:
            return Text(self.constants[symbol])
        if symbol in self.local and i.start == 0 and j.start == 0:
            return Text(self.local[symbol])
        return Text(self.array(place_of(symbol, self.places), i, j))

    def array(self, place: Place, i: Index, j: Index) -> str:
        """`array[row * (4 * H) + H + j]`"""
        terms = [self.scaled(place.sample, place.stride)] if place.sample else []
        start = (place.start + i.start * place.down + j.start * place.across).expand()
        terms += [self.size(start)] if start != 0 else []
        terms += [self.scaled(x.variable, by) for x, by in ((i, place.down), (j, place.across)) if x.variable]
        return f"{place.array}[{' + '.join(terms) or '0'}]"

    def scaled(self, variable: str, by: Expr) -> str:
        variable = f"({variable})" if " " in variable and by != 1 else variable
        return variable if by == 1 else f"{variable} * {size_code(by, self.sizes).at(Level.UNARY)}"

    def size(self, size: Expr) -> str:
        return size_code(size, self.sizes).text

    def function(self, expr: MatrixExpr, i: Index, j: Index) -> Text:
        """A function by the target's own word, else by its scalar formula, as a helper."""
        if not isinstance(expr, n.Elementwise):
            raise self.cannot(expr)
        operand = self.of(expr.args[0], i, j).text
        word = self.words.functions.get(expr.func)
        if word is None:
            rule = RULES.get(expr.func)
            if rule is None:
                raise self.cannot(expr)
            word = self.words.define(rule.name, rule.words, expr.func.scalar(Symbol("a", real=True)))
        self.helpers.add(word)
        return Text(f"{word}({operand})")

    def cannot(self, expr: MatrixExpr) -> UsageError:
        rule = RULES.get(expr.func)
        known = sorted(RULES[c].name for c in (*SPELLINGS, *self.words.functions) if c in RULES)
        return UsageError(
            f"the target {self.words.target!r} cannot spell {rule.name if rule else expr.func.__name__!r}",
            hint=f"it can spell {', '.join(known)}, and every function whose rule has a scalar formula",
        )


class _Formula(C99CodePrinter):
    """A scalar formula in C, without the functions that C lacks."""

    def _print_Heaviside(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return f"({self._print(expr.args[0])} > 0 ? 1 : 0)"

    def _print_sign(self, expr: Expr) -> str:
        a = self._print(expr.args[0])
        return f"(({a} > 0) - ({a} < 0))"


@dataclass
class Words:
    """A target's own words: `functions` are those of one number, `defined` collects others by their formulas."""

    target: str
    functions: Mapping[type, str]
    real: str
    single: bool
    defined: dict[str, str] = field(default_factory=dict)

    def define(self, name: str, words: str, formula: Expr) -> str:
        settings = {"type_aliases": {real: float32}} if self.single else {}
        text = _Formula(settings).doprint(formula)
        comment = f"/* the {words} */"
        self.defined[name] = f"{comment}\nstatic inline {self.real} {name}({self.real} a)\n{{\n    return {text};\n}}\n"
        return name

    def number(self, value: float) -> str:
        """A literal of the type, or what that makes of the number: infinity, or 0."""
        there = c_float(value).value if self.single else value
        if isinf(there):
            return "INFINITY" if there > 0 else "-INFINITY"
        return f"{value if there else there!r}{'f' if self.single else ''}"

    def call(self, name: str) -> str:
        """A function of the library for the type."""
        return f"{name}f" if self.single else name


def _add(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    """a + b - c; what is not subtracted stands first."""
    parts = []
    for a in expr.args:
        minus = isinstance(a, n.Negative)
        text = e.of(a.args[0] if minus else a, i, j)
        parts.append((minus, text))
    at = next((k for k, (minus, _) in enumerate(parts) if not minus), 0)
    head, *rest = parts[at], *parts[:at], *parts[at + 1 :]
    first = minus_of(head[1].at(Level.PRODUCT)) if head[0] else head[1].at(Level.SUM)
    words = [f" {'-' if minus else '+'} {text.at(Level.PRODUCT)}" for minus, text in rest]
    return Text("".join([first, *words]), Level.SUM)


def _product(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    first, *rest = e.all(expr, i, j)
    return Text(" * ".join([first.at(Level.PRODUCT), *(t.at(Level.UNARY) for t in rest)]), Level.PRODUCT)


def _divide(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    above, below = e.all(expr, i, j)
    return Text(f"{above.at(Level.PRODUCT)} / {_real(e, below)}", Level.PRODUCT)


def _reciprocal(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    return Text(f"1 / {_real(e, e.of(expr.args[0], i, j))}", Level.PRODUCT)


def _real(e: Entries, text: Text) -> str:
    """A divisor: 2 with its point, or it would be a division of whole numbers."""
    return e.words.number(float(text.text)) if text.number else text.at(Level.UNARY)


def _negative(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    text = e.of(expr.args[0], i, j)
    return Text(minus_of(text.at(Level.POWER)), Level.UNARY)


def _one_minus(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    return Text(f"1 - {e.of(expr.args[0], i, j).at(Level.PRODUCT)}", Level.SUM)


def _power(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    base, exponent = e.all(expr, i, j)
    if exponent.text == "2":
        if base.text.isidentifier():
            return Text(f"{base.text} * {base.text}", Level.PRODUCT)
        e.helpers.add("square")
        return Text(f"square({base.text})")
    word = e.words.call("pow")
    return Text(f"{word}({base.text}, {exponent.text})")


def _extreme(word: str) -> Callable[[Entries, MatrixExpr, Index, Index], Text]:
    def spell(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
        e.helpers.add(word)
        a, b = e.all(expr, i, j)
        return Text(f"{word}({a.text}, {b.text})")

    return spell


def _kept(e: Entries, expr: n.Kept, i: Index, j: Index) -> Text:
    compared, how = condition(expr.args[1])
    return Text(f"({e.of(compared, i, j).at(Level.SUM)} {how} ? {e.of(expr.args[0], i, j).text} : 0)")


def _fill(e: Entries, expr: n.Fill, i: Index, j: Index) -> Text:
    if isinstance(expr.value, MatrixExpr):
        same = expr.value.shape == expr.shape
        return e.of(expr.value, i if same else ZERO, j if same else ZERO)
    number = expr.value
    if number.is_Integer and abs(number) < WHOLE:
        return Text(str(number), Level.UNARY if number < 0 else Level.ATOM, number=True)
    return Text(e.words.number(float(number)), Level.UNARY if number < 0 else Level.ATOM)


def _outer(e: Entries, expr: MatrixExpr, i: Index, j: Index) -> Text:
    left, right = expr.args
    parts = e.of(left, i, ZERO), e.of(right, ZERO, j)
    return Text(f"{parts[0].at(Level.PRODUCT)} * {parts[1].at(Level.UNARY)}", Level.PRODUCT)


SPELLINGS: dict[type, Callable[..., Text]] = {
    MatAdd: _add,
    MatMul: _outer,
    n.Hadamard: _product,
    n.Divide: _divide,
    n.Reciprocal: _reciprocal,
    n.Negative: _negative,
    n.OneMinus: _one_minus,
    n.Power: _power,
    n.Maximum: _extreme("larger"),
    n.Minimum: _extreme("smaller"),
    n.Kept: _kept,
    n.Fill: _fill,
    n.Identity: lambda e, expr, i, j: e.of(expr.args[0], i, j),
    n.TimeSum: lambda e, expr, i, j: e.of(expr.args[0], i, j),
    n.Slice: lambda e, expr, i, j: e.of(expr.args[0], i.plus(expr.args[1]), j),
    Transpose: lambda e, expr, i, j: e.of(expr.args[0], j, i),
}
