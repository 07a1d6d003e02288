"""Both styles draw any cell: small odd ones, random ones, large ones; those of papers are in test_quality_matrix.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout import remembered
from lstmgraph.diagram.layout.budget import Budget, Spent
from lstmgraph.diagram.layout.dress import dress
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.quality import Case, faults, shortfalls
from lstmgraph.notation import get_notation
from lstmgraph.reading import from_equations
from tests.diagram.graphs import ALL
from tests.diagram.test_layout import STYLES

ODD = {
    "identity": "h[t] = identity(x[t])",
    "copy": "h[t] = x[t]",
    "delay line": "a[t] = x[t]\nb[t] = a[t-1]\nh[t] = b[t-1]",
    "state without operands": "s[t] = tanh(W)\nh[t] = s[t-1] @ x[t]",
    "late output": "a[t] = m[t-1]\nm[t] = tanh(n[t-1])\nn[t] = W @ n[t-1]",
    "unread memory": "m[t] = (V @ c[t-1]) * sigmoid(x[t] * h[t-1])\nc[t] = identity(tanh(c[t-1]))\nh[t] = m[t-1]",
    "two readers": "h[t] = h[t-1] - x[t]\nn[t] = h[t]*h[t-1] + x[t]*h[t-1]",
    "ring": "c[t] = V @ (sin(m[t-1]) / (2 + (n[t-1] - m[t-1])**2))\nn[t] = c[t-1]*c[t-1]\nm[t] = m[t-1]",
    "long sum": "h[t] = tanh(W @ x[t] + U @ h[t-1])" + "".join(f" + p{k}*x[t]" for k in range(30)),
}
every = pytest.mark.parametrize("style", STYLES)


def graph_of(equations: str, inputs: tuple[str, ...] = ()) -> Graph:
    sizes = dict.fromkeys(re.findall(r"^(\w+)\[t\]", equations, re.MULTILINE), "H")
    sizes |= {name: "H" for name in inputs if f"{name}[t]" in equations}
    return extract(from_equations(equations, name="case", sizes=sizes), lambda symbol: symbol.name.split("[")[0])


@every
@pytest.mark.parametrize("name", ODD)
def test_odd_cells(style: str, name: str) -> None:
    graph = graph_of(ODD[name])
    assert faults(STYLES[style](graph), graph) == []


def gates(*more: str) -> str:
    """An LSTM whose gates take further values."""
    terms = "".join(f" + V{{0}}{k} @ {value}" for k, value in enumerate(more))
    network = "{0}[t] = {1}(W{0} @ x[t] + U{0} @ h[t-1]" + terms + " + b{0})"
    lines = [network.format(gate, "tanh" if gate == "g" else "sigmoid") for gate in "figo"]
    return "\n".join([*lines, "c[t] = f[t] * c[t-1] + i[t] * g[t]", "h[t] = o[t] * tanh(c[t])"])


# What the gates of an LSTM take besides x[t] and h[t-1]: a bend more in each network for each, so only two inputs stay
# below the mean.
TOGETHER = {
    "two inputs": (gates("v[t]"), ()),
    "three inputs": (gates("v[t]", "z[t]"), ("mean_bends",)),
    "two states": (gates("r[t-1]") + "\nr[t] = tanh(R @ h[t] + br)", ("most_bends", "mean_bends")),
}


@every
@pytest.mark.parametrize("name", TOGETHER)
def test_values_that_go_together_join(style: str, name: str) -> None:
    equations, beyond = TOGETHER[name]
    graph = graph_of(equations, inputs=("x", "v", "z"))
    found = shortfalls(Case(replace(STYLES[style](graph), title="case"), graph, style=style))
    assert {what.partition(":")[0] for what in found} == set(beyond if style == "pipe" else ())


LEGIBLE = 0.55  # of the main size
WORDS = {
    "words for values": """
forget[t] = sigmoid(W_f @ word[t] + U_f @ hidden[t-1] + b_f)
update[t] = sigmoid(W_u @ word[t] + U_u @ hidden[t-1] + b_u)
cand_new[t] = tanh(W_c @ word[t] + U_c @ hidden[t-1] + b_c)
memory[t] = forget[t] * memory[t-1] + update[t] * cand_new[t]
out_gate[t] = sigmoid(W_o @ word[t] + U_o @ hidden[t-1] + b_o)
hidden[t] = out_gate[t] * tanh(memory[t])
""",
    "a long factor": """
c[t] = exp(-dt*exp(A_log)) * c[t-1] + (1 - exp(-dt*exp(A_log))) * (B @ x[t])
h[t] = C @ c[t] + D @ x[t]
""",
}


@every
@pytest.mark.parametrize("name", WORDS)
def test_what_is_long_has_room(style: str, name: str) -> None:
    equations = WORDS[name]
    sizes = dict.fromkeys(re.findall(r"\w+(?=\[t)", equations), "H")
    cell = from_equations(equations, name="case", sizes=sizes)
    graph = extract(cell, get_notation(cell).latex)
    case = Case(STYLES[style](graph), graph, style=style)
    broken = {what.partition(":")[0] for what in shortfalls(case)}
    assert not broken & {"oversized", "smallest_gap", "node_overlaps", "head_overlaps", "label_overlaps"}
    assert case.quality.text_ratio > LEGIBLE


@every
@pytest.mark.parametrize("name", ALL)
def test_layers_have_room_for_everything(style: str, name: str) -> None:
    graph = ALL[name]()
    assert faults(dress(layered(graph, style), "", {}, "x"), graph) == []


@every
def test_a_large_cell_is_not_searched_for(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"a{k}[t] = tanh(W{k} @ x[t] + U{k} @ h[t-1]) * {f'a{k - 1}[t]' if k else 'x[t]'}" for k in range(40)]
    graph = graph_of("\n".join([*lines, "h[t] = a39[t]"]))
    monkeypatch.setattr(Budget, "spend", lambda self, steps: pytest.fail("a search"))
    assert faults(STYLES[style](graph), graph) == []


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """What is found without a budget must not be what later drawings of the same cell are given."""
    remembered.forget()
    yield
    remembered.forget()


@every
@pytest.mark.usefixtures("nothing_remembered")
def test_without_any_budget_there_is_still_a_drawing(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def spend(self: Budget, steps: int) -> None:
        raise Spent

    monkeypatch.setattr(Budget, "spend", spend)
    graph = ALL["peephole_lstm"]()
    assert faults(STYLES[style](graph), graph) == []


@st.composite
def equations(draw: st.DrawFn) -> str:
    """One to three states, each made of earlier and of previous values."""
    states = ["h", "c", "m"][: draw(st.integers(1, 3))]
    lines: list[str] = []
    for k, state in enumerate(states):
        leaves = ["x[t]", *(f"{s}[t-1]" for s in states), *(f"{s}[t]" for s in states[:k])]
        value = st.recursive(
            st.sampled_from(leaves),
            lambda inner, k=k: st.one_of(  # type: ignore[misc]
                st.tuples(st.sampled_from("+-*"), inner, inner).map(lambda t: f"({t[1]} {t[0]} {t[2]})"),
                st.tuples(st.sampled_from(("tanh", "sigmoid", "identity")), inner).map(lambda t: f"{t[0]}({t[1]})"),
                inner.map(lambda v: f"(W{k} @ {v} + b{k})"),
            ),
            max_leaves=5,
        )
        lines.append(f"{state}[t] = {draw(value)}")
    return "\n".join(lines)


@every
@settings(derandomize=True, max_examples=20, deadline=None)
@given(text=equations())
def test_random_cells(style: str, text: str) -> None:
    graph = graph_of(text, ("x",))
    assert faults(STYLES[style](graph), graph) == []
