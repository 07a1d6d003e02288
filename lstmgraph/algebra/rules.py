"""ONE table: what every view and transform needs to know about an operation.

To add an operation, write its class in `nodes.py` and its row here; every view then has it.  An elementwise function
needs no more than its scalar meaning, which its class states: its derivative, and its spelling in code where a target
has none of its own, follow from that.

`vjp(node, out, ct)` gives one cotangent for each operand, in order; `out` is the symbol of the node's own value, `ct`
the cotangent that arrives at it.  `jvp(node, out, dots)` gives the tangent of the value from the tangents of the
operands, of which those that are zero are a `Fill` of zeros.  A rule's docstring is its formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import sympy as sp
from sympy import MatAdd, MatMul, MatrixExpr, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import fill, is_number, matmul, negate, power, product, total, transpose

Slope = Callable[[MatrixExpr, MatrixExpr], MatrixExpr]  # from the operand and the function's own value
Vjp = Callable[[MatrixExpr, MatrixExpr, MatrixExpr], tuple[MatrixExpr, ...]]
Dots = Sequence[MatrixExpr]
Jvp = Callable[[MatrixExpr, MatrixExpr, Dots], MatrixExpr]


class Rule(NamedTuple):
    """`name` is the spelling in a cell file; `glyph` is LaTeX, `short` Unicode; `words` is for the legend."""

    name: str
    glyph: str
    short: str
    words: str
    vjp: Vjp | None = None  # None: the function is elementwise, and `slope` is its derivative
    jvp: Jvp | None = None  # None: likewise
    slope: Slope | None = None  # None: derived from the node's `scalar`
    infix: bool = False  # spelt by an operator, not by its name


# ── derivatives of elementwise functions, in terms of the operand a and the function's own output y ──


def _sigmoid(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
    """y (1 - y)"""
    return product(y, n.OneMinus(y))


def _tanh(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
    """1 - y²"""
    return n.OneMinus(power(y, 2))


def _sqrt(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
    """1 / (2 y)"""
    return n.Reciprocal(product(fill(sp.Integer(2), y.shape), y))


def _silu(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
    """s + y (1 - s) with s = sigmoid(a), which is 1 where y is large: y + s (1 - y) would be what is left of 1 there"""
    return total(n.Sigmoid(a), product(y, n.OneMinus(n.Sigmoid(a))))


def _minus_square(a: MatrixExpr, y: MatrixExpr) -> MatrixExpr:
    """-y²"""
    return negate(power(y, 2))


def _constant(value: int) -> Callable[[MatrixExpr, MatrixExpr], MatrixExpr]:
    return lambda a, y: fill(sp.Integer(value), y.shape)


# ── vjp rules of the operations that are not elementwise functions ──


def _matmul(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """Y = A B:  Ā = Ȳ Bᵀ,  B̄ = Aᵀ Ȳ"""
    left, right = node.args
    return matmul(ct, transpose(right)), matmul(transpose(left), ct)


def _add(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = a + b + ...:  ȳ for each"""
    return tuple(ct for _ in node.args)


def _transpose(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """Y = Aᵀ:  Ā = Ȳᵀ"""
    return (transpose(ct),)


def _hadamard(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = a ⊙ b ⊙ ...:  ȳ times all the others"""
    args = node.args
    return tuple(product(ct, *args[:k], *args[k + 1 :]) for k in range(len(args)))


def _divide(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = a / b:  ā = ȳ / b,  b̄ = -ȳ y / b"""
    below = node.args[1]
    return n.Divide(ct, below), negate(n.Divide(product(ct, out), below))


def _power(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = a ** p:  ā = p ȳ a ** (p - 1),  p̄ = ȳ y log a (unless p is a number)

    As in PyTorch ā is 0 where p is 0, and p̄ where a is: also for 0 ** 0.
    """
    base, exponent = node.args
    if is_number(exponent):
        p = exponent.args[0]
        return product(exponent, ct, power(base, p - 1)), fill(sp.Integer(0), ct.shape)
    return product(exponent, ct, _lowered(base, exponent)), product(ct, out, _logarithm(base))


def _lowered(base: MatrixExpr, exponent: MatrixExpr) -> MatrixExpr:
    """a ** (p - 1); with p - 0 where p is 0, so that there is no 0 ** -1 times 0"""
    return n.Power(base, MatAdd(exponent, negate(n.Step(n.Abs(exponent)))))


def _logarithm(base: MatrixExpr) -> MatrixExpr:
    """log a; log 1 where a is 0"""
    return n.Log(MatAdd(base, n.OneMinus(n.Step(n.Abs(base)))))


def _exceeds(a: MatrixExpr, b: MatrixExpr) -> MatrixExpr:
    """1 where a > b, else 0"""
    return n.Step(total(a, negate(b)))


def _maximum(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = max(a, b):  ȳ to a where a > b, else to b"""
    first = _exceeds(*node.args)
    return product(ct, first), product(ct, n.OneMinus(first))


def _minimum(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = min(a, b):  ȳ to a where a < b, else to b"""
    first = _exceeds(*reversed(node.args))
    return product(ct, first), product(ct, n.OneMinus(first))


def _softmax(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = softmax(a):  ā = y ⊙ (ȳ - sum(ȳ ⊙ y))"""
    return (product(out, total(ct, negate(fill(n.Sum(product(ct, out)), out.shape)))),)


def _concat(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = [a; b; ...]:  each its own rows of ȳ"""
    start: sp.Expr = sp.Integer(0)
    parts = []
    for arg in node.args:
        parts.append(n.Slice(ct, start, arg.shape[0]))
        start = start + arg.shape[0]
    return tuple(parts)


def _slice(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = a[i : i + n]:  ȳ in its rows, zeros around it"""
    source, start, rows = node.args
    after = source.shape[0] - start - rows
    zeros = [n.Fill(0, k, source.shape[1]) for k in (start, after)]
    return (n.Concat(*(p for p in (zeros[0], ct, zeros[1]) if p.shape[0] != 0)),)


def _sum(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """y = sum(a):  ȳ everywhere"""
    return (fill(ct, node.args[0].shape),)


def _fill(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """every entry of y is s:  s̄ = sum(ȳ)"""
    return (n.Sum(ct),)


# ── jvp rules of the same operations; a value's tangent is its rate of change along a direction ──


def _matmul_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """Y = A B:  Ẏ = Ȧ B + A Ḃ"""
    left, right = node.args
    return total(matmul(dots[0], right), matmul(left, dots[1]))


def _add_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = a + b + ...:  ẏ = ȧ + ḃ + ..."""
    return total(*dots)


def _transpose_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """Y = Aᵀ:  Ẏ = Ȧᵀ"""
    return transpose(dots[0])


def _hadamard_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = a ⊙ b ⊙ ...:  ẏ = ȧ ⊙ b ⊙ ... + a ⊙ ḃ ⊙ ... + ..."""
    args = node.args
    return total(*(product(*args[:k], dot, *args[k + 1 :]) for k, dot in enumerate(dots)))


def _divide_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = a / b:  ẏ = (ȧ - y ḃ) / b"""
    return n.Divide(total(dots[0], negate(product(out, dots[1]))), node.args[1])


def _power_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = a ** p:  ẏ = p a ** (p - 1) ȧ + y log a ṗ, and only the first where p is a number"""
    base, exponent = node.args
    if is_number(exponent):
        return product(exponent, power(base, exponent.args[0] - 1), dots[0])
    by_base = product(exponent, _lowered(base, exponent), dots[0])
    return total(by_base, product(out, _logarithm(base), dots[1]))


def _maximum_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = max(a, b):  ẏ = ȧ where a > b, else ḃ"""
    first = _exceeds(*node.args)
    return total(product(first, dots[0]), product(n.OneMinus(first), dots[1]))


def _minimum_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = min(a, b):  ẏ = ȧ where a < b, else ḃ"""
    first = _exceeds(*reversed(node.args))
    return total(product(first, dots[0]), product(n.OneMinus(first), dots[1]))


def _softmax_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = softmax(a):  ẏ = y ⊙ (ȧ - sum(y ⊙ ȧ))"""
    return product(out, total(dots[0], negate(fill(n.Sum(product(out, dots[0])), out.shape))))


def _concat_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = [a; b; ...]:  ẏ = [ȧ; ḃ; ...]"""
    return n.Concat(*dots)


def _slice_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = a[i : i + n]:  ẏ = ȧ[i : i + n]"""
    return n.Slice(dots[0], *node.args[1:])


def _sum_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """y = sum(a):  ẏ = sum(ȧ)"""
    return n.Sum(dots[0])


def _fill_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """every entry of y is s:  ṡ everywhere"""
    return fill(dots[0], node.shape)


def _time_sum(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """Y = sum of A_t over t:  Ā_t = Ȳ for each t"""
    return (ct,)


def _time_sum_dot(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """Y = sum of A_t over t:  Ẏ = sum of Ȧ_t over t"""
    return n.TimeSum(dots[0], *node.args[1:])


RULES: dict[type, Rule] = {
    n.Sigmoid: Rule("sigmoid", r"\sigma", "σ", "sigmoid", slope=_sigmoid),
    n.Tanh: Rule("tanh", r"\tanh", "tanh", "hyperbolic tangent", slope=_tanh),
    n.Relu: Rule("relu", r"\mathrm{relu}", "relu", "rectifier", slope=lambda a, y: n.Step(a)),
    n.Exp: Rule("exp", r"\exp", "exp", "exponential", slope=lambda a, y: y),
    n.Log: Rule("log", r"\log", "log", "natural logarithm", slope=lambda a, y: n.Reciprocal(a)),
    n.Sqrt: Rule("sqrt", r"\surd", "√", "square root", slope=_sqrt),
    n.Abs: Rule("abs", r"|\cdot|", "abs", "absolute value", slope=lambda a, y: n.Sign(a)),
    n.Softplus: Rule(
        "softplus",
        r"\mathrm{sp}",
        "softplus",
        "softplus",
        slope=lambda a, y: n.Sigmoid(a),
    ),
    n.Silu: Rule("silu", r"\mathrm{silu}", "silu", "sigmoid linear unit", slope=_silu),
    n.Sin: Rule("sin", r"\sin", "sin", "sine", slope=lambda a, y: n.Cos(a)),
    n.Cos: Rule("cos", r"\cos", "cos", "cosine", slope=lambda a, y: negate(n.Sin(a))),
    n.Sign: Rule("sign", r"\mathrm{sgn}", "sign", "sign", slope=_constant(0)),
    n.Step: Rule("step", r"\theta", "step", "unit step", slope=_constant(0)),
    n.Identity: Rule("identity", r"\mathrm{id}", "id", "identity", slope=_constant(1)),
    n.OneMinus: Rule("one_minus", r"1-", "1−", "one minus", slope=_constant(-1), infix=True),
    n.Negative: Rule("negative", r"-", "−", "negative", slope=_constant(-1), infix=True),
    n.Reciprocal: Rule("reciprocal", r"1/", "1/", "reciprocal", slope=_minus_square, infix=True),
    n.Hadamard: Rule("hadamard", r"\times", "×", "elementwise product", _hadamard, _hadamard_dot, infix=True),
    n.Divide: Rule("divide", r"\div", "÷", "elementwise quotient", _divide, _divide_dot, infix=True),
    n.Power: Rule("power", r"(\cdot)^p", "^", "elementwise power", _power, _power_dot, infix=True),
    n.Maximum: Rule("maximum", r"\max", "max", "elementwise maximum", _maximum, _maximum_dot),
    n.Minimum: Rule("minimum", r"\min", "min", "elementwise minimum", _minimum, _minimum_dot),
    n.Softmax: Rule("softmax", r"\mathrm{smax}", "softmax", "softmax", _softmax, _softmax_dot),
    n.Concat: Rule("concat", r"[\,;]", "[;]", "concatenation", _concat, _concat_dot),
    n.Sum: Rule("sum", r"\Sigma", "Σ", "sum of the entries", _sum, _sum_dot),
    n.Fill: Rule("fill", r"1", "1", "the same in every entry", _fill, _fill_dot, infix=True),
    n.Slice: Rule("slice", r"[:]", "[:]", "some of the rows", _slice, _slice_dot, infix=True),
    n.TimeSum: Rule("sum_over_time", r"\sum_t", "Σ_t", "sum over the steps", _time_sum, _time_sum_dot, infix=True),
    MatMul: Rule("matmul", r"@", "@", "matrix product", _matmul, _matmul_dot, infix=True),
    MatAdd: Rule("add", r"+", "+", "sum", _add, _add_dot, infix=True),
    Transpose: Rule("transpose", r"\top", "ᵀ", "transpose", _transpose, _transpose_dot, infix=True),
}

# What a cell file can call by name.
FUNCTIONS: dict[str, type] = {rule.name: node for node, rule in RULES.items() if not rule.infix}


def vjp(node: MatrixExpr, out: MatrixExpr, ct: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """The cotangents of the operands of `node`, in order, from the cotangent `ct` of its value `out`."""
    rule = RULES[node.func]
    if rule.vjp is not None:
        return rule.vjp(node, out, ct)
    return (product(ct, slope(node, out)),)


def jvp(node: MatrixExpr, out: MatrixExpr, dots: Dots) -> MatrixExpr:
    """The tangent of `node`, whose value is `out`, from those of its operands, in order; not all of them are zero."""
    rule = RULES[node.func]
    if rule.jvp is not None:
        return rule.jvp(node, out, dots)
    return product(slope(node, out), dots[0])


def slope(node: MatrixExpr, out: MatrixExpr) -> MatrixExpr:
    """The derivative of an elementwise function, entry by entry; from its scalar meaning where its row states none."""
    rule = RULES[node.func]
    if rule.slope is not None:
        return rule.slope(node.args[0], out)
    a = sp.Symbol("a", real=True)
    return from_scalar(sp.diff(node.func.scalar(a), a), a, node.args[0])


def from_scalar(expr: sp.Expr, a: sp.Symbol, operand: MatrixExpr) -> MatrixExpr:
    """A scalar formula in `a`, applied to every entry of `operand`, as nodes of this algebra."""
    if expr == a:
        return operand
    if expr.is_number:
        return fill(expr, operand.shape)
    args = [from_scalar(x, a, operand) for x in expr.args]
    if isinstance(expr, sp.Add):
        return MatAdd(*args)
    if isinstance(expr, sp.Mul):
        return product(*args)
    if isinstance(expr, sp.Pow):
        return n.Reciprocal(args[0]) if expr.args[1] == -1 else n.Power(*args)
    return _SCALAR_FUNCTIONS[expr.func](*args[:1])


_SCALAR_FUNCTIONS: dict[type, type] = {
    sp.exp: n.Exp,
    sp.log: n.Log,
    sp.tanh: n.Tanh,
    sp.sin: n.Sin,
    sp.cos: n.Cos,
    sp.Abs: n.Abs,
    sp.sign: n.Sign,
    sp.Heaviside: n.Step,
}
