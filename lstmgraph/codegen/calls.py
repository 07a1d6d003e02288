"""An expression as calls that write into a given array: `torch.addcmul(c, f, c_prev, out=c)` and the like.

A sum becomes a chain of calls, each of which adds a product to what is there.  What there is no such call for is
computed as an expression and copied.  The words are those of a language whose calls take `out=` and whose arrays have
`add_`, `addmm_`, `addcmul_`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from math import prod

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number, is_outer_product, negate
from lstmgraph.algebra.nodes import operands
from lstmgraph.codegen.arrays import Speller, limited, signed, value_of
from lstmgraph.codegen.code import LARGEST, WIDTH, Code, Level, joined
from lstmgraph.codegen.products import flip, outer_factors

BINARY: Mapping[type, str] = {n.Hadamard: "mul", n.Divide: "div", n.Maximum: "maximum", n.Minimum: "minimum"}


@dataclass(frozen=True)
class Term:
    """A term of a sum: `call` is "addmm" or "addcmul" of two factors, or "add" of one operand.

    `scale` is a number that it is multiplied by, which is an argument of the call.
    """

    call: str
    parts: tuple[Code, ...]
    negative: bool
    whole: Code
    scale: Code | None = None

    @property
    def full(self) -> bool:
        return self.whole.batched and not self.whole.thin

    def added(self, target: str) -> str:
        """The statement that adds it to the target."""
        factors = [p.text for p in self.parts]
        if self.call == "add" and self.scale is None:
            return f"{target} {'-' if self.negative else '+'}= {factors[0]}"
        return f"{target}.{self.call}_({', '.join([*factors, *self.scaled])})"

    @property
    def scaled(self) -> list[str]:
        """The argument of a call for its number and its sign."""
        if self.scale is None:
            number = "-1" if self.negative else ""
        else:
            number = f"-{self.scale.at(Level.UNARY)}" if self.negative else self.scale.text
        return [f"{'value' if self.call == 'addcmul' else 'alpha'}={number}"] if number else []


def statements(speller: Speller, target: str, expr: MatrixExpr, given: bool) -> list[str]:
    """The statements that compute an expression as `target`: an array to write to if it is `given`, else a new one."""
    whole = speller.spell(expr)
    if whole.batched and not whole.thin:
        chain = _sum(speller, target, expr, given) if isinstance(expr, MatAdd) else _call(speller, target, expr, given)
        if chain:
            return chain
    return [f"{target}.copy_({whole.text})" if given else f"{target} = {speller.full(whole, batched=True).text}"]


# ── one call ──


def _call(speller: Speller, target: str, expr: MatrixExpr, given: bool) -> list[str]:
    factors = _matrices(speller, expr)
    if factors:
        return _written(target, "torch.mm", factors, given)
    slope = _slope(speller, expr)
    if slope:
        name, operands = slope
        return _written(target, name, operands, given, "grad_input")
    return _entrywise(speller, target, expr) if given else []


def _entrywise(speller: Speller, target: str, expr: MatrixExpr) -> list[str]:
    if isinstance(expr, n.Elementwise):
        return _function(speller, target, expr)
    if isinstance(expr, n.Power) and is_number(expr.args[1]):
        base, exponent = speller.all(expr.args)
        return _called(target, "square", base) if is_number(expr.args[1], 2) else _called(target, "pow", base, exponent)
    if is_outer_product(expr):
        column, row = (speller.full(code) for code in speller.all(expr.args))
        return _written(target, "torch.mul", outer_factors(speller.dialect, column, row), given=True)
    if limits := limited(speller, expr):
        return _called(target, "clamp", *limits)
    return _pair(speller, target, expr) if expr.func in BINARY else []


def _function(speller: Speller, target: str, expr: n.Elementwise) -> list[str]:
    operand = speller.spell(expr.args[0])
    if isinstance(expr, n.Negative):
        return _called(target, "neg", operand) if operand.level == Level.ATOM else []
    name = speller.dialect.functions.get(expr.func, "").removesuffix("({})").removeprefix("torch.")
    if name in OUT and operand.text != target:
        return [OUT[name].format(operand.text, target)]
    return _called(target, name, operand) if name in (*OUT, *IN_PLACE) else []


def _pair(speller: Speller, target: str, expr: MatrixExpr) -> list[str]:
    parts = [speller.spell(a) for a in expr.args]
    if isinstance(expr, n.Hadamard):  # a call multiplies an array with a number, and not a number with an array
        parts.sort(key=lambda p: p.literal)
    if parts[0].literal or (parts[-1].literal and not isinstance(expr, (n.Hadamard, n.Divide))):
        return []
    here = next((p for p in parts if p.text == target), None)
    if here is not None and isinstance(expr, n.Hadamard) and len(parts) == 2:
        return [f"{target} *= {next(p.text for p in parts if p is not here)}"]
    first, second = parts[0], parts[1] if len(parts) == 2 else joined(" * ", Level.PRODUCT, [*parts[1:]], expr.shape)
    return _written(target, f"torch.{BINARY[expr.func]}", (first, second), given=True)


def _called(target: str, name: str, first: Code, *others: Code) -> list[str]:
    """The call, in place where its first argument is what is written to."""
    if first.text == target:
        return [f"{target}.{name}_({', '.join(c.text for c in others)})"]
    return _written(target, f"torch.{name}", (first, *others), given=True)


IN_PLACE = ("sigmoid", "tanh", "exp", "log", "sqrt", "abs", "sin", "cos", "sign")  # have `out=`, and x.tanh_()
OUT = {"relu": "torch.clamp_min({}, 0, out={})"}  # have x.relu_(), and `out=` by another name


def _written(target: str, name: str, parts: tuple[Code, ...], given: bool, out: str = "out") -> list[str]:
    """The call, an argument a line if it is long."""
    arguments = [*(p.text for p in parts), *([f"{out}={target}"] if given else [])]
    head = name if given else f"{target} = {name}"
    line = f"{head}({', '.join(arguments)})"
    return [line] if len(line) <= WIDTH - 8 else [f"{head}(", *(f"    {a}," for a in arguments), ")"]


def _slope(speller: Speller, expr: MatrixExpr) -> tuple[str, tuple[Code, Code]] | None:
    """a y (1 - y) and a (1 - y²), which are one call each: what a sigmoid's and a tanh's own backward compute."""
    if not isinstance(expr, n.Hadamard):
        return None
    for flipped in (a for a in expr.args if isinstance(a, n.OneMinus)):
        rest, y = [a for a in expr.args if a is not flipped], flipped.args[0]
        name = "sigmoid"
        if isinstance(y, n.Power) and is_number(y.args[1], 2):
            name, y = "tanh", y.args[0]
        elif y in rest:
            rest.remove(y)
        else:
            continue
        codes = [speller.spell(a) for a in (*rest, y)]
        if rest and all(c.batched for c in codes):
            a = codes[0] if len(rest) == 1 else joined(" * ", Level.PRODUCT, codes[:-1], expr.shape)
            return f"torch.ops.aten.{name}_backward", (a, codes[-1])
    return None


def _is_scale(number: float | None) -> bool:
    """Whether a number can be an argument of a call in every type: in 16 bits, too, it is neither too large nor 0."""
    return number is not None and 2**-14 <= abs(number) <= LARGEST


def _matrices(speller: Speller, expr: MatrixExpr) -> tuple[Code, ...]:
    """The factors x and W.T of a product W x with shared W."""
    if not isinstance(expr, MatMul):
        return ()
    left, right = (speller.full(speller.spell(a)) for a in expr.args)
    if left.batched or not right.batched or left.form not in "MR" or right.form != "V":
        return ()
    return right, left.respell(flip(left))


# ── a sum ──


def _sum(speller: Speller, target: str, expr: MatAdd, given: bool) -> list[str]:
    between = next(_between(expr), None)
    if between is not None:
        return _written(target, "torch.lerp", tuple(map(speller.spell, between)), given)
    return _chain(speller, target, expr, given)


def _between(expr: MatAdd) -> Iterator[tuple[MatrixExpr, MatrixExpr, MatrixExpr]]:
    """b, a and z of b + z (a - b), which is one call: what lies between two values."""
    for b, term in permutations(expr.args) if len(expr.args) == 2 else ():
        for z, difference in permutations(term.args) if isinstance(term, n.Hadamard) and len(term.args) == 2 else ():
            rest = [a for a in operands(difference) if a != negate(b)] if isinstance(difference, MatAdd) else []
            if isinstance(b, MatrixSymbol) and len(rest) == 1 and isinstance(rest[0], MatrixSymbol):
                yield b, rest[0], z


def _chain(speller: Speller, target: str, expr: MatAdd, given: bool) -> list[str]:
    terms = [_term(speller, negative, a) for negative, a in signed(expr.args)]
    start = _start(target, terms)
    if start is None:
        return []
    terms.remove(start)
    terms.sort(key=lambda t: ("addmm", "addcmul", "add").index(t.call))
    if start.call != "add" and start.scale is None:
        name = {"addmm": "torch.mm", "addcmul": "torch.mul"}[start.call]
        lines = _written(target, name, start.parts, given)
    elif start.whole.text == target:
        lines = []
    else:
        first = terms.pop(0)
        name, scaled = f"torch.{first.call}", first.scaled
        if scaled == ["alpha=-1"] and first.call == "add":
            name, scaled = "torch.sub", []
        parts = (start.whole, *first.parts, *map(start.whole.respell, scaled))
        lines = _written(target, name, parts, given)
    return [*lines, *(t.added(target) for t in terms)]


def _start(target: str, terms: list[Term]) -> Term | None:
    """What a chain starts from: what is there already, else a term to which another is added in the first call."""
    positive = [t for t in terms if not t.negative]
    products = any(t.call == "addmm" for t in terms)
    orders = (
        (t for t in positive if t.call == "add" and t.whole.text == target),
        (t for t in positive if t.call == "add" and t.full),
        (t for t in positive if t.call == "add" and products and not t.whole.thin),
        (t for t in positive if t.call == "addmm"),
        (t for t in sorted(positive, key=lambda t: t.scale is not None) if t.call == "addcmul" and t.full),
    )
    return next((t for order in orders for t in order), None)


def _term(speller: Speller, negative: bool, expr: MatrixExpr) -> Term:
    whole = speller.spell(expr)
    factors = _matrices(speller, expr)
    if factors:
        return Term("addmm", factors, negative, whole)
    if isinstance(expr, n.Hadamard):
        codes = {f: speller.spell(f) for f in expr.args}
        values = {f: value for f in expr.args if (value := value_of(f, speller.numbers)) is not None}
        scales = list(values) if _is_scale(prod(values.values())) else []
        numbers, rest = [codes[f] for f in scales], [codes[f] for f in expr.args if f not in scales]
        if any(c.literal for c in rest):
            return Term("add", (whole,), negative, whole)
        scale = joined(" * ", Level.PRODUCT, numbers, expr.shape) if len(numbers) > 1 else next(iter(numbers), None)
        if len(rest) > 1:
            first, *others = rest
            second = others[0] if len(others) == 1 else joined(" * ", Level.PRODUCT, others, expr.shape)
            return Term("addcmul", (first, second), negative, whole, scale)
        if rest and rest[0].batched and not rest[0].thin:
            return Term("add", (rest[0],), negative, whole, scale)
    return Term("add", (whole,), negative, whole)
