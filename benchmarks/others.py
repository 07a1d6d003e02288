"""The same derivation by other systems, those that are installed: all gradients of one step of the peephole LSTM.

Each row of OTHERS makes what is to be measured, once for every round, so that nothing is remembered; making it is not
measured unless the row says so.  None of them has symbolic sizes: X = H = SIZE, but for SymPy's entries.  A system that
is not installed raises ImportError.  To add one: a function and a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import sympy
from sympy import MatrixSymbol

from lstmgraph.reading import load

CELL = "peephole_lstm"
SIZE = 64
FEW = 2  # SymPy's entries

Values = Mapping[str, Any]


class Other(NamedTuple):
    package: str
    what: str
    prepare: Callable[[], Callable[[], object]]


def shapes() -> dict[str, tuple[int, int]]:
    """What a step takes, in our names, and its size in numbers."""
    step = load(CELL).step
    return {s.name: (SIZE, SIZE if s.shape[1] != 1 else 1) for s in step.inputs}


def outputs(v: Values, sigmoid: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> tuple[Any, Any]:
    """One step, for systems that write a matrix product as @: the hidden state and the cell state."""

    def gate(name: str, peephole: Any) -> Any:
        return v[f"W_{name}"] @ v["x[t]"] + v[f"U_{name}"] @ v["h[t-1]"] + peephole + v[f"b_{name}"]

    f = sigmoid(gate("f", v["p_f"] * v["c[t-1]"]))
    i = sigmoid(gate("i", v["p_i"] * v["c[t-1]"]))
    g = tanh(gate("g", 0))
    c = f * v["c[t-1]"] + i * g
    o = sigmoid(gate("o", v["p_o"] * c))
    return o * tanh(c), c


def casadi() -> Callable[[], object]:
    import casadi as ca

    v = {name: ca.MX.sym(name, *shape) for name, shape in shapes().items()}
    step = ca.Function("step", list(v.values()), outputs(v, lambda a: 1 / (1 + ca.exp(-a)), ca.tanh))
    return lambda: step.reverse(1)


def jax() -> Callable[[], object]:
    import jax as jx
    import jax.numpy as jnp

    v = {name: jnp.ones(shape) for name, shape in shapes().items()}
    ct = jnp.ones((SIZE, 1))

    def loss(v: Values) -> Any:
        h, c = outputs(v, jx.nn.sigmoid, jnp.tanh)
        return jnp.sum(ct * h) + jnp.sum(ct * c)

    return lambda: jx.make_jaxpr(jx.grad(loss))(v)


def pytensor() -> Callable[[], object]:
    from pytensor import grad
    from pytensor import tensor as pt

    v = {name: pt.tensor(name, shape=shape, dtype="float64") for name, shape in shapes().items()}
    h, c = outputs(v, pt.sigmoid, pt.tanh)
    seeds = [pt.tensor(f"seed_{name}", shape=(SIZE, 1), dtype="float64") for name in "hc"]
    loss = (seeds[0] * h).sum() + (seeds[1] * c).sum()
    return lambda: grad(loss, list(v.values()))


def sympy_entries() -> Callable[[], object]:
    """Scalar derivatives of the loss, entry by entry, for vectors of length 2."""
    cell = load(CELL)
    known: dict[Any, Any] = {}
    for equation in cell.step:
        value = equation.value.subs(dict.fromkeys(cell.sizes, FEW)).as_explicit().xreplace(known)
        target = MatrixSymbol(equation.target.name, FEW, 1)
        known |= {target[k, 0]: value[k, 0] for k in range(FEW)}
    ends = [(name, k, MatrixSymbol(f"{name}[t]", FEW, 1)[k, 0]) for name in "hc" for k in range(FEW)]
    loss = sympy.Add(*(sympy.Symbol(f"seed_{name}_{k}") * known[entry] for name, k, entry in ends))
    entries = sorted(loss.atoms(sympy.matrices.expressions.matexpr.MatrixElement), key=str)
    return lambda: [sympy.diff(loss, entry) for entry in entries]


def sympy_matrices() -> Callable[[], object]:
    """SymPy's own derivative of a matrix expression, by W_f, of the first equation in SymPy's own terms."""
    X, H = sympy.symbols("X H", integer=True, positive=True)
    W, x, b, ct = (MatrixSymbol(n, *s) for n, s in (("W_f", (H, X)), ("x", (X, 1)), ("b_f", (H, 1)), ("ct", (H, 1))))
    sigmoid = sympy.Lambda(sympy.Symbol("a"), 1 / (1 + sympy.exp(-sympy.Symbol("a"))))
    f = (W * x + b).applyfunc(sigmoid)
    loss = ct.T * sympy.HadamardProduct(f, b)
    return lambda: sympy.diff(loss, W)


OTHERS: Mapping[str, Other] = {
    "CasADi MX": Other("casadi", f"reverse mode of a Function, X = H = {SIZE}", casadi),
    "JAX": Other("jax", f"jaxpr of jax.grad, tracing the step included, X = H = {SIZE}", jax),
    "PyTensor": Other("pytensor", f"pytensor.grad, X = H = {SIZE}", pytensor),
    "SymPy, entries": Other("sympy", f"sympy.diff by each entry, X = H = {FEW}", sympy_entries),
    "SymPy, matrices": Other("sympy", "sympy.diff by W_f of one gate times a vector, symbolic sizes", sympy_matrices),
}
