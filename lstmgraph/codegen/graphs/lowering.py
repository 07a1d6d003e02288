"""How each operation becomes nodes, where batches are rows: what `arrays` is for languages of text.

Each value has a form and is shared or batched, with the same axes as there:

              S        V       R        M
    shared    ()       (n,)    (1, n)   (m, n)
    batched   (B, 1)   (B, n)  (B, n)   (B, m, n)      for all steps with (T, B) in front

To add an operation: an elementwise one that has an operator is a row in `OPERATORS`, one that is a formula of others in
`FORMULAS`, any other a function here and a row in `LOWERINGS`, or in `DOUBLE`.  Without a row an elementwise function
is lowered by its scalar formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import fill
from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.rules import RULES, from_scalar
from lstmgraph.algebra.traverse import walk
from lstmgraph.codegen.arrays import signed
from lstmgraph.codegen.graphs.parts import Tensor
from lstmgraph.codegen.graphs.scope import Part, Scope
from lstmgraph.codegen.sweep import Delay
from lstmgraph.errors import UsageError
from lstmgraph.program import Equation

OPERATORS: dict[type, str] = {
    n.Sigmoid: "Sigmoid",
    n.Tanh: "Tanh",
    n.Relu: "Relu",
    n.Exp: "Exp",
    n.Log: "Log",
    n.Sqrt: "Sqrt",
    n.Abs: "Abs",
    n.Softplus: "Softplus",
    n.Sin: "Sin",
    n.Cos: "Cos",
    n.Sign: "Sign",
    n.Negative: "Neg",
    n.Reciprocal: "Reciprocal",
}


def _one_plus(a: MatrixExpr) -> MatrixExpr:
    return MatAdd(fill(Integer(1), a.shape), a)


FORMULAS: dict[type, Callable[[MatrixExpr], MatrixExpr]] = {
    n.Silu: lambda a: n.Divide(a, _one_plus(n.Exp(n.Negative(a)))),  # onnxruntime's Sigmoid has few digits below -10
    n.Step: lambda a: n.Relu(n.Sign(a)),
}


def lower(scope: Scope, expr: MatrixExpr) -> Tensor:
    """The tensor of an expression, by nodes that are added.  Raises UsageError where an operation has none."""
    if isinstance(expr, MatrixSymbol):
        return scope.values[expr]
    if expr.func in LOWERINGS:
        return LOWERINGS[expr.func](scope, expr)
    if expr.func in DOUBLE and scope.whole.dtype == "float64":
        return DOUBLE[expr.func](scope, expr)
    if expr.func in OPERATORS:
        return scope.op(OPERATORS[expr.func], [lower(scope, expr.args[0])], expr.shape)
    if expr.func in FORMULAS:
        return lower(scope, FORMULAS[expr.func](expr.args[0]))
    if expr.func not in RULES or not isinstance(expr, n.Elementwise):
        raise _cannot(expr)
    a = Symbol("a", real=True)
    return lower(scope, from_scalar(expr.func.scalar(a), a, expr.args[0]))


def _cannot(expr: MatrixExpr) -> UsageError:
    rule = RULES.get(expr.func)
    known = sorted(RULES[c].name for c in (*LOWERINGS, *OPERATORS, *FORMULAS) if c in RULES)
    return UsageError(
        f"the target 'onnx' has no nodes for {rule.name if rule else expr.func.__name__!r}",
        hint=f"it has some for {', '.join(known)}, and for every function whose rule has a scalar formula",
    )


def add(scope: Scope, equations: Iterable[Equation]) -> None:
    """Adds the nodes of equations."""
    equations = list(equations)
    scope.splits = {**scope.splits, **_partitions(equations)}
    for e in equations:
        scope.owner = scope.name(e.target)
        scope.assign(e.target, lower(scope, e.value))


def _all(scope: Scope, exprs: Iterable[MatrixExpr]) -> list[Tensor]:
    return [lower(scope, e) for e in exprs]


# ── sums and products, entry by entry ──


def _chain(op: str) -> Callable[[Scope, MatrixExpr], Tensor]:
    def lowered(scope: Scope, expr: MatrixExpr) -> Tensor:
        first, *rest = _all(scope, expr.args)
        for other in rest:
            first = scope.op(op, [first, other], expr.shape)
        return first

    return lowered


def _add(scope: Scope, expr: MatrixExpr) -> Tensor:
    """Terms one after the other; in a loop a product and a term that is added to it are one node."""
    terms = signed(expr.args)
    gemm = next((k for k, (minus, t) in enumerate(terms) if not minus and _is_gemm(scope, t)), None)
    waiting = [(minus, lower(scope, t)) for k, (minus, t) in enumerate(terms) if k != gemm]
    if gemm is not None:
        at = next((k for k, (minus, _) in enumerate(waiting) if not minus), None)
        total = _gemm(scope, terms[gemm][1], [] if at is None else [waiting.pop(at)[1]])
    else:
        minus, total = waiting.pop(next((k for k, (minus, _) in enumerate(waiting) if not minus), 0))
        total = scope.op("Neg", [total], expr.shape) if minus else total
    for minus, tensor in waiting:
        total = scope.op("Sub" if minus else "Add", [total, tensor], expr.shape)
    return total


def _one_minus(scope: Scope, expr: MatrixExpr) -> Tensor:
    operand = lower(scope, expr.args[0])
    return scope.op("Sub", [scope.number(1.0, expr.shape), operand], expr.shape)


def _fill(scope: Scope, expr: n.Fill) -> Tensor:
    if not isinstance(expr.value, MatrixExpr):
        return scope.number(expr.value, expr.shape)
    return scope.thin(lower(scope, expr.value), expr.shape)


def _sum(scope: Scope, expr: MatrixExpr) -> Tensor:
    tensor = scope.full(lower(scope, expr.args[0]))
    if tensor.form == "S":
        return tensor
    if not tensor.batched:
        return scope.op("ReduceSum", [tensor], expr.shape, keepdims=0)
    if tensor.form == "M":
        tensor = scope.op("ReduceSum", [tensor], expr.shape, [scope.whole.whole(-2)], keepdims=0)
    return scope.op("ReduceSum", [tensor], expr.shape, [scope.whole.whole(-1)], keepdims=1)


def _softmax(scope: Scope, expr: MatrixExpr) -> Tensor:
    tensor = scope.full(lower(scope, expr.args[0]))
    if tensor.form == "S" and not tensor.batched:
        return scope.squeezed(scope.op("Softmax", [scope.unsqueezed(tensor, 0)], expr.shape, axis=-1), 0)
    return scope.op("Softmax", [tensor], expr.shape, axis=-1)


def _softplus(scope: Scope, expr: MatrixExpr) -> Tensor:
    """max(a, 0) + log(1 + e) with e = exp(-|a|); of e, what is lost in u = 1 + e comes back by (e - (u - 1)) / u."""

    def op(word: str, *tensors: Tensor) -> Tensor:
        return scope.op(word, tensors, expr.shape)

    a, one = lower(scope, expr.args[0]), scope.number(1.0, expr.shape)
    e = op("Exp", op("Neg", op("Abs", a)))
    u = op("Add", one, e)
    log1p = op("Add", op("Log", u), op("Div", op("Sub", e, op("Sub", u, one)), u))
    return op("Add", op("Relu", a), log1p)


# ── matrices ──


def _transpose(scope: Scope, expr: MatrixExpr) -> Tensor:
    return transposed(scope, lower(scope, expr.args[0]))


def transposed(scope: Scope, tensor: Tensor) -> Tensor:
    shape = (tensor.shape[1], tensor.shape[0])
    if tensor.thin:
        return scope.thin(tensor, shape)
    if tensor.form == "S" or (tensor.batched and tensor.form != "M"):
        return replace(tensor, shape=shape)
    if tensor.form == "V":
        return scope.unsqueezed(tensor, 0, shape)
    if tensor.form == "R":
        return scope.squeezed(tensor, 0, shape)
    lead = scope.lead if tensor.batched else 0
    found = scope.op("Transpose", [tensor], shape, perm=(*range(lead), lead + 1, lead))
    return found if tensor.batched else scope.called(found, f"{tensor.name}_transposed")


def _is_gemm(scope: Scope, expr: MatrixExpr) -> bool:
    """Whether a product is that of a shared matrix and one vector for each sample of a step."""
    if not isinstance(expr, MatMul) or scope.lead != 1:
        return False
    weight = expr.args[0].args[0] if isinstance(expr.args[0], Transpose) else expr.args[0]
    if not isinstance(weight, MatrixSymbol) or scope.values[weight].batched or scope.values[weight].form != "M":
        return False
    return bool(expr.args[1].shape[0] != 1 and expr.args[1].shape[1] == 1) and _varies(scope, expr.args[1])


def _varies(scope: Scope, expr: MatrixExpr) -> bool:
    return any(scope.values[s].batched for s in walk(expr) if isinstance(s, MatrixSymbol))


def _gemm(scope: Scope, expr: MatrixExpr, more: Sequence[Tensor]) -> Tensor:
    left, right = expr.args
    flip = not isinstance(left, Transpose)
    weight, operand = (scope.full(lower(scope, e)) for e in (left if flip else left.args[0], right))
    how: dict[str, Any] = {"transB": 1} if flip else {}
    return scope.op("Gemm", [operand, weight, *more], expr.shape, **how)


def _matmul(scope: Scope, expr: MatrixExpr) -> Tensor:
    if _is_gemm(scope, expr):
        return _gemm(scope, expr, [])
    left, right = (scope.full(t) for t in _all(scope, expr.args))
    return product(scope, left, right, expr.shape)


def product(scope: Scope, a: Tensor, b: Tensor, shape: Shape) -> Tensor:
    """The product of two values, by their forms and by which of them is batched."""
    forms = (a.form, b.form)
    if "S" in forms:
        return scope.op("Mul", [a, b], shape)
    if forms == ("V", "R"):
        column = scope.unsqueezed(a, -1)
        return scope.op("Mul", [column, scope.unsqueezed(b, -2) if b.batched else b], shape)
    if forms == ("R", "V"):
        whole = scope.op("Mul", [a, b], b.shape)
        if not whole.batched:
            return scope.op("ReduceSum", [whole], shape, keepdims=0)
        return scope.op("ReduceSum", [whole], shape, [scope.whole.whole(-1)], keepdims=1)
    if b.form == "V":
        if b.batched and not a.batched:
            return scope.op("MatMul", [b, transposed(scope, a)], shape)
        # a column: of transposes and a plain vector onnxruntime 1.31 computes something else
        return scope.squeezed(scope.op("MatMul", [a, scope.unsqueezed(b, -1)], shape), -1)
    if a.form == "R" and b.batched:
        row = scope.unsqueezed(a, -2) if a.batched else a
        return scope.squeezed(scope.op("MatMul", [row, b], shape), -2)
    return scope.op("MatMul", [a, b], shape)


# ── rows ──


def _concat(scope: Scope, expr: MatrixExpr) -> Tensor:
    tensors = _all(scope, expr.args)
    batched = any(t.batched for t in tensors)
    parts = [_with_rows(scope, scope.full(t, batched)) for t in tensors]
    return scope.op("Concat", parts, expr.shape, axis=-1 if expr.shape[1] == 1 else -2)


def _with_rows(scope: Scope, tensor: Tensor) -> Tensor:
    """With an axis for the rows, along which to concatenate."""
    if tensor.form == "R" and tensor.batched:
        return scope.unsqueezed(tensor, -2)
    return scope.unsqueezed(tensor, 0) if tensor.form == "S" and not tensor.batched else tensor


def _slice(scope: Scope, expr: MatrixExpr) -> Tensor:
    source, start, count = expr.args
    whole, part = lower(scope, source), (source, start, count)
    if whole.thin:
        return scope.thin(whole, expr.shape)
    if source.shape == expr.shape:
        return whole
    if part not in scope.rows and source in scope.splits:
        _split(scope, source)
    if part in scope.rows:
        return scope.rows[part]
    ends = [scope.whole.size(start), scope.whole.size(start + count), scope.whole.whole(_rows_axis(whole))]
    return _as_form(scope, scope.op("Slice", [whole], expr.shape, ends))


def _rows_axis(whole: Tensor) -> int:
    return -1 if whole.form == "V" else -2


def _as_form(scope: Scope, part: Tensor) -> Tensor:
    """Rows of a value with the axes of their own form: one of them has no axis for the rows, or is a scalar."""
    if part.form == "S" and not part.batched:
        return scope.squeezed(part, 0)
    return scope.squeezed(part, -2) if part.form == "R" and part.batched else part


def _split(scope: Scope, source: MatrixSymbol) -> None:
    """All parts of a value at once; without their sizes where these are equal."""
    parts, whole = scope.splits[source], scope.values[source]
    counts = [count for _, _, count in parts]
    if not whole.batched:
        scope.splits.pop(source)
        return
    names = [scope.whole.part(whole.name) for _ in parts]
    more = []
    if len(set(counts)) > 1:
        more = [scope.whole.joined([scope.whole.size(c) for c in counts], f"parts_of_{whole.name}", False)(scope)]
    scope.node("Split", [whole.name, *more], *names, axis=_rows_axis(whole))
    for part, name in zip(parts, names, strict=True):
        tensor = Tensor(name, (part[2], whole.shape[1]), whole.batched)
        scope.rows[part] = _as_form(scope, tensor)


def _partitions(equations: Sequence[Equation]) -> dict[MatrixExpr, list[Part]]:
    """The values of which the equations take rows that do not overlap and leave nothing out."""
    groups: dict[MatrixExpr, dict[Part, None]] = {}
    for e in equations:
        for part in (p for p in walk(e.value) if isinstance(p, n.Slice) and isinstance(p.args[0], MatrixSymbol)):
            groups.setdefault(part.args[0], {})[(part.args[0], part.args[1], part.args[2])] = None
    return {source: found for source, parts in groups.items() if (found := _in_a_row(source, list(parts)))}


def _in_a_row(source: MatrixExpr, parts: list[Part]) -> list[Part]:
    at, found = Integer(0), list[Part]()
    while (part := next((p for p in parts if p[1] == at), None)) is not None:
        found.append(part)
        parts.remove(part)
        at = at + part[2]
    return found if at == source.shape[0] and not parts else []


def _delay(scope: Scope, expr: MatrixExpr) -> Tensor:
    """What comes before the first step, and all steps but the last."""
    value = expr.args[0]
    every = scope.full(lower(scope, value), batched=True)
    first = scope.unsqueezed(scope.starts[value], 0)
    most = scope.op("Slice", [every], expr.shape, [scope.whole.whole(k) for k in (0, -1, 0)])
    return scope.op("Concat", [first, most], expr.shape, axis=0)


LOWERINGS: dict[type, Callable[[Scope, MatrixExpr], Tensor]] = {
    Delay: _delay,
    MatMul: _matmul,
    MatAdd: _add,
    Transpose: _transpose,
    n.Hadamard: _chain("Mul"),
    n.Divide: _chain("Div"),
    n.Power: _chain("Pow"),
    n.Maximum: _chain("Max"),
    n.Minimum: _chain("Min"),
    n.OneMinus: _one_minus,
    n.Identity: lambda s, e: lower(s, e.args[0]),
    n.TimeSum: lambda s, e: lower(s, e.args[0]),  # its term
    n.Fill: _fill,
    n.Sum: _sum,
    n.Softmax: _softmax,
    n.Concat: _concat,
    n.Slice: _slice,
}

# What onnxruntime has an operator for in float32 only, in float64.
DOUBLE: dict[type, Callable[[Scope, MatrixExpr], Tensor]] = {n.Softplus: _softplus}
