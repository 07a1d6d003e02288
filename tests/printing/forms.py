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
    "a softsign": """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
a[t] = W_a @ x[t] + U_a @ h[t-1] + b_a
h[t] = f[t] * h[t-1] + a[t] / (1 + abs(a[t]))
""",
    "a quotient": """
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1] + b_z)
a[t] = W @ x[t] + U @ h[t-1] + b
h[t] = z[t] * h[t-1] + (a[t] / sqrt(1 + a[t] ** 2))
""",
    "layer normalisation": """
a[t] = W @ x[t] + U @ h[t-1]
mu[t] = sum(a[t]) / 5
v[t] = sum((a[t] - mu[t]) ** 2) / 5
h[t] = tanh(g * (a[t] - mu[t]) / sqrt(v[t] + 0.001) + b)
""",
    "words and Greek": """
forget[t] = sigmoid(W_forget @ input[t] + Omega_forget @ state[t-1] + beta_forget)
phi[t] = sigmoid(W_phi @ input[t] + Omega_phi @ state[t-1] + beta_phi)
memory[t] = forget[t] * memory[t-1] + sqrt(1 - forget[t] ** 2) * sigma_hat[t]
sigma_hat[t] = relu(W_sigma @ input[t] + phi[t] * (Omega_sigma @ state[t-1]) + tau * memory[t-1])
mu_bar[t] = sum(memory[t]) / 7
state[t] = phi[t] * tanh(memory[t] - mu_bar[t]) + (1 - phi[t]) * state[t-1] / (1 + exp(-epsilon * state[t-1]))
""",
    "a product that is projected": """
m[t] = (W_mx @ x[t]) * (W_mr @ r[t-1])
z[t] = tanh(W_z @ x[t] + U_z @ m[t] + b_z)
i[t] = sigmoid(W_i @ x[t] + U_i @ m[t] + p_i * c[t-1] + b_i)
f[t] = sigmoid(W_f @ x[t] + U_f @ m[t] + p_f * c[t-1] + b_f)
o[t] = sigmoid(W_o @ x[t] + U_o @ m[t] + p_o * c[t] + b_o)
c[t] = f[t] * c[t-1] + i[t] * z[t]
r[t] = W_proj @ (o[t] * tanh(c[t]))
""",
    "a named product that is projected": """
m[t] = (W_mx @ x[t]) * (W_mr @ r[t-1])
z[t] = tanh(W_z @ x[t] + U_z @ m[t] + b_z)
i[t] = sigmoid(W_i @ x[t] + U_i @ m[t] + p_i * c[t-1] + b_i)
f[t] = sigmoid(W_f @ x[t] + U_f @ m[t] + p_f * c[t-1] + b_f)
o[t] = sigmoid(W_o @ x[t] + U_o @ m[t] + p_o * c[t] + b_o)
c[t] = f[t] * c[t-1] + i[t] * z[t]
mm[t] = o[t] * tanh(c[t])
r[t] = W_proj @ mm[t]
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
SIZES: dict[str, dict[str, str | int]] = {
    "layer normalisation": {"x": "X", "h": 5, "mu": 1},
    "words and Greek": {"input": "X", "state": "H"},
    "a product that is projected": {"x": "X", "r": "R", "c": "H", "m": "M"},
    "a named product that is projected": {"x": "X", "r": "R", "c": "H", "m": "M"},
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
    usual = {"x": "X", "x_in": "X", "h": "H", "c": "H", "hidden_state": "H"}
    sizes = SIZES.get(name) or {k: v for k, v in usual.items() if f"{k}[" in equations}
    return Cell.from_equations(equations, sizes=sizes)


@cache
def page_of(name: str, form: str) -> Formulas:
    return FORMS[form](cell_of(name))
