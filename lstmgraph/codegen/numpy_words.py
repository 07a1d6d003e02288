"""NumPy's own words: how the target "numpy" spells each operation, and the functions that its files define.

To spell an operation in NumPy's own words, add a row to FUNCTIONS; without one it is spelled by its scalar formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from sympy import Expr
from sympy.printing.numpy import NumPyPrinter

from lstmgraph.algebra import nodes as n
from lstmgraph.codegen.dialect import Dialect

FUNCTIONS: dict[type, str] = {
    n.Sigmoid: "sigmoid({})",
    n.Softplus: "softplus({})",
    n.Silu: "silu({})",
    n.Tanh: "np.tanh({})",
    n.Exp: "np.exp({})",
    n.Log: "np.log({})",
    n.Sqrt: "np.sqrt({})",
    n.Abs: "np.abs({})",
    n.Sin: "np.sin({})",
    n.Cos: "np.cos({})",
    n.Sign: "np.sign({})",
    n.Relu: "np.maximum({}, 0)",
    n.Step: "np.heaviside({}, 0)",
}

HELPERS: dict[str, str] = {
    "sigmoid": '''\
def sigmoid(a):
    """1 / (1 + exp(-a)), without overflow."""
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, small) / (1 + small)
''',
    "silu": '''\
def silu(a):
    """a / (1 + exp(-a)), without overflow."""
    small = np.exp(-np.abs(a))
    return a * np.where(a >= 0, 1, small) / (1 + small)
''',
    "softplus": '''\
def softplus(a):
    """log(1 + exp(a)), without overflow."""
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))
''',
    "softmax": '''\
def softmax(a, out=None):
    """exp(a) / sum(exp(a)) along the last axis, without overflow."""
    out = np.subtract(a, a.max(axis=-1, keepdims=True), out)
    np.exp(out, out)
    out /= out.sum(axis=-1, keepdims=True)
    return out
''',
}

ARRAYS: dict[str, str] = {
    "type": "{like}.dtype.type({a})",
    "zeros": "np.zeros({axes}, {like}.dtype)",
    "ones": "np.ones({axes}, {like}.dtype)",
    "full": "np.full({axes}, {a}, {like}.dtype)",
    "broadcast": "np.broadcast_to({a}, {axes})",
    "reshape": "np.reshape({a}, 1)",
    "concatenate": "np.concatenate({a}, axis={axis})",
    "maximum": "np.maximum({a}, {b})",
    "minimum": "np.minimum({a}, {b})",
    "contraction": 'np.einsum("b{axes[0]},b{axes[1]}->ik", {a}, {b}, optimize=True)',
    "kept": "np.where({b}, {a}, 0)",
    "sum_all": "np.sum({a})",
    "sum_batch": "np.sum({a}, axis=0)",
    "sum_batch_row": "np.sum({a}, axis=0, keepdims=True)",
    "sum_vector": "np.sum({a}, axis=1, keepdims=True)",
    "sum_matrix": "np.sum({a}, axis=(1, 2))[:, None]",
    "matvec": 'np.einsum("bij,bj->bi", {a}, {b})',
    "vecmat": 'np.einsum("bi,bij->bj", {a}, {b})',
    "swap": "{a}.swapaxes(1, 2)",
}


class _Formula(NumPyPrinter):
    """A scalar formula in NumPy, its module called np, and without the detours that SymPy takes for these."""

    def _print_Max(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return self._pairwise("np.maximum", expr.args)

    def _print_Min(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return self._pairwise("np.minimum", expr.args)

    def _print_Abs(self, expr: Expr) -> str:  # noqa: N802
        return f"np.abs({self._print(expr.args[0])})"

    def _print_Heaviside(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return f"np.heaviside({self._print(expr.args[0])}, {self._print(expr.args[1])})"

    def _pairwise(self, function: str, args: Sequence[Expr]) -> str:
        spelled: list[str] = [self._print(a) for a in reversed(args)]
        return reduce(lambda a, b: f"{function}({a}, {b})", spelled)


DIALECT = Dialect(
    "numpy", FUNCTIONS, HELPERS, ARRAYS, lambda formula: str(_Formula().doprint(formula)).replace("numpy.", "np.")
)


COLUMNS = replace(
    DIALECT,
    arrays=ARRAYS | {"contraction": 'np.einsum("tb{axes[0]},tb{axes[1]}->ik", {a}, {b}, optimize=True)'},
    helpers=HELPERS
    | {
        "softmax": HELPERS["softmax"].replace("last axis", "rows").replace("axis=-1", "axis=-2"),
        "each": '''\
def each(W, a):
    """W @ a of every step; one product where there is one sample only."""
    return W @ a if a.shape[2] > 1 else (a[:, :, 0] @ W.T)[:, :, None]
''',
        "flat": '''\
def flat(a):
    """The columns of all steps beside one another: (n, T * B)."""
    return a.swapaxes(0, 1).reshape(a.shape[1], -1)
''',
        "unflat": '''\
def unflat(a, T):
    """The steps one after the other again: (T, n, B)."""
    return a.reshape(len(a), T, -1).swapaxes(0, 1)
''',
    },
)
