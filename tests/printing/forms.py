"""What is printed of a cell, in all its forms, and cells whose names are hard to print."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import lstmgraph
from lstmgraph.api.cell import Cell
from lstmgraph.api.formulas import Formulas

PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
# Authors whose names look like what is derived from their other names.
NASTY = {
    "words with bars": """
dt_bar[t] = sigmoid(W_1 @ h[t-1] + V_1 @ x[t])
dt[t] = sigmoid(W_2 @ h[t-1] + V_2 @ x[t])
dt_check[t] = sigmoid(W_3 @ h[t-1] + dt_dot * dt[t])
h[t] = (1 - dt[t]) * h[t-1] + dt_bar[t] * tanh(W_z @ h[t-1] + dt_check[t])
""",
    "stacks that are taken": """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
W[t] = sigmoid(W_r @ x[t] + U_rf @ h[t-1] + b_rf)
rf[t] = sigmoid(W_g @ x[t] + U_g @ h[t-1] + W_fr @ f[t])
h[t] = f[t] * h[t-1] + rf[t] * W[t] * (V @ x[t]) + delta * M
""",
    "a weight without an index": """
f[t] = sigmoid(W_f @ x[t] + v_f * h[t-1])
r[t] = sigmoid(W_r @ x[t] + v_r * h[t-1])
h[t] = f[t] * h[t-1] + (1 - f[t]) * (W @ x[t]) * r[t]
""",
    "parts of h and of h1": """
h1[t] = tanh(W @ x[t]) * tanh(U @ x[t])
c[t] = h1[t] * sigmoid(h1[t] * tanh(V @ h[t-1]))
c1[t] = c[t] * tanh(c[t] * h1[t])
h[t] = tanh(c1[t]) * exp(c[t]) * sin(c1[t]) * cos(h1[t]) * tanh(A @ x[t])
""",
    "marks as names": """
s[t] = sigmoid(W_s @ x[t] + a_f * s_h1)
f[t] = sigmoid(W_f @ x[t] + delta_f * q_f)
h[t] = f[t] * tanh(L @ h[t-1]) + s[t] * tanh(s[t] * v * k * m_h1 * z_f * Delta + T * ell)
h_bar[t] = tanh(h[t] * f_dot * f_ring) * h_check
""",
    "Greek words": """
alpha[t] = sigmoid(W_alpha @ x_in[t] + U_alpha @ hidden_state[t-1] + bias_alpha)
hidden[t] = tanh(W_c @ x_in[t] + U_c @ hidden_state[t-1] + b_c)
hidden_state[t] = (1 - alpha[t]) * hidden_state[t-1] + alpha[t] * hidden[t]
""",
}
ALIKE = {  # the same to a reader, one with a mark of the other
    "bars": (
        "c_bar[t] = tanh(W @ c[t-1])\ncbar[t] = tanh(U @ x[t]) * c_bar[t]\n"
        "c[t] = cbar[t] * c_check * c_breve + c_bar[t]"
    ),
    "accents": (
        "c_bar[t] = tanh(W @ c[t-1])\nc_dot[t] = tanh(U @ x[t])\nc_tilde[t] = c_dot[t] * c_bar[t]\n"
        "c[t] = c_tilde[t] * c_hat"
    ),
}
FORMS: dict[str, Callable[[Cell], Formulas]] = {
    "textbook": lambda cell: cell.gradient(),
    "reused": lambda cell: cell.gradient().reusing(),
    "stacked": lambda cell: cell.gradient().stacked(),
    "both": lambda cell: cell.gradient().reusing().stacked(),
    "time": lambda cell: cell.through_time(),
    "last": lambda cell: cell.through_time(loss="last"),
    "jacobian": lambda cell: cell.jacobian(),
    "tangent": lambda cell: cell.tangent(),
    "hessian": lambda cell: cell.hessian_vector(),
}
CELLS = [*lstmgraph.library(), *PAPERS, *NASTY, *ALIKE]


@cache
def cell_of(name: str) -> Cell:
    equations = NASTY.get(name) or ALIKE.get(name)
    if equations is None:
        return lstmgraph.load(name)
    sizes = {"x": "X", "x_in": "X", "h": "H", "c": "H", "hidden_state": "H"}
    return Cell.from_equations(equations, sizes={k: v for k, v in sizes.items() if f"{k}[" in equations})


@cache
def page_of(name: str, form: str) -> Formulas:
    return FORMS[form](cell_of(name))
