r"""The published backward pass of the peephole LSTM, reproduced line for line.

K. Greff, R. K. Srivastava, J. Koutník, B. R. Steunebrink, J. Schmidhuber, LSTM: A Search Space Odyssey, 2015, arXiv
1503.04069, appendix.  Only names differ: they write \delta o^t for the cotangent of \bar{o}^t, \Delta^t for what comes
from the layer above, and the derivatives of the activations g = h = tanh and of the sigmoid as functions of what these
are applied to.  Their steps are 0, ..., T and what they start from is zero: from our sums over t = 1, ..., T theirs
follow by leaving out terms that are zero and counting the steps from 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from sympy import MatrixExpr

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.calculus import reindexed, through_time
from lstmgraph.cell import Cell
from lstmgraph.notation import get_notation
from lstmgraph.printing import DIALECTS
from lstmgraph.printing.expressions import Printer
from lstmgraph.printing.sections import shown
from lstmgraph.reading import load, loads

# As they print it.
PUBLISHED = r"""
\delta y^{t} = \Delta^{t} + R_{z}^{\top} \delta z^{t+1} + R_{i}^{\top} \delta i^{t+1}
    + R_{f}^{\top} \delta f^{t+1} + R_{o}^{\top} \delta o^{t+1}
\delta o^{t} = \delta y^{t} \odot h(c^{t}) \odot \sigma'(\bar{o}^{t})
\delta c^{t} = \delta y^{t} \odot o^{t} \odot h'(c^{t}) + p_{o} \odot \delta o^{t}
    + p_{i} \odot \delta i^{t+1}
    + p_{f} \odot \delta f^{t+1} + \delta c^{t+1} \odot f^{t+1}
\delta f^{t} = \delta c^{t} \odot c^{t-1} \odot \sigma'(\bar{f}^{t})
\delta i^{t} = \delta c^{t} \odot z^{t} \odot \sigma'(\bar{i}^{t})
\delta z^{t} = \delta c^{t} \odot i^{t} \odot g'(\bar{z}^{t})
\delta x^{t} = W_{z}^{\top} \delta z^{t} + W_{i}^{\top} \delta i^{t}
    + W_{f}^{\top} \delta f^{t} + W_{o}^{\top} \delta o^{t}
\delta W_{z} = \sum_{t=0}^{T} \langle \delta z^{t}, x^{t} \rangle
\delta W_{i} = \sum_{t=0}^{T} \langle \delta i^{t}, x^{t} \rangle
\delta W_{f} = \sum_{t=0}^{T} \langle \delta f^{t}, x^{t} \rangle
\delta W_{o} = \sum_{t=0}^{T} \langle \delta o^{t}, x^{t} \rangle
\delta R_{z} = \sum_{t=0}^{T-1} \langle \delta z^{t+1}, y^{t} \rangle
\delta R_{i} = \sum_{t=0}^{T-1} \langle \delta i^{t+1}, y^{t} \rangle
\delta R_{f} = \sum_{t=0}^{T-1} \langle \delta f^{t+1}, y^{t} \rangle
\delta R_{o} = \sum_{t=0}^{T-1} \langle \delta o^{t+1}, y^{t} \rangle
\delta b_{z} = \sum_{t=0}^{T} \delta z^{t}
\delta b_{i} = \sum_{t=0}^{T} \delta i^{t}
\delta b_{f} = \sum_{t=0}^{T} \delta f^{t}
\delta b_{o} = \sum_{t=0}^{T} \delta o^{t}
\delta p_{i} = \sum_{t=0}^{T-1} c^{t} \odot \delta i^{t+1}
\delta p_{f} = \sum_{t=0}^{T-1} c^{t} \odot \delta f^{t+1}
\delta p_{o} = \sum_{t=0}^{T} c^{t} \odot \delta o^{t}
"""

# Their words for what we write out.
NAMING = (
    (r"\\Delta\^{t}", r"\\Delta y^{t}"),
    (r"\\delta ([ofiz])\^", r"\\delta \\bar{\1}^"),
    (r"h'\(c\^{t}\)", r"(1 - \\tanh^{2}(c^{t}))"),
    (r"h\(c\^{t}\)", r"\\tanh(c^{t})"),
    (r"\\sigma'\(\\bar{(\w)}\^{t}\)", r"\1^{t} \\odot (1 - \1^{t})"),
    (r"g'\(\\bar{z}\^{t}\)", r"(1 - (z^{t})^{2})"),
    (r"\\langle (.*), (\w)\^{t} \\rangle", r"\1 \2^{t \\top}"),
)

THEIR_CELL = '''
name = "search_space_odyssey"
equations = """
z[t] = tanh(W_z @ x[t] + R_z @ y[t-1] + b_z)
i[t] = sigmoid(W_i @ x[t] + R_i @ y[t-1] + p_i * c[t-1] + b_i)
f[t] = sigmoid(W_f @ x[t] + R_f @ y[t-1] + p_f * c[t-1] + b_f)
c[t] = z[t] * i[t] + c[t-1] * f[t]
o[t] = sigmoid(W_o @ x[t] + R_o @ y[t-1] + p_o * c[t] + b_o)
y[t] = tanh(c[t]) * o[t]
"""
sizes = {x = "M", y = "N"}
'''
CELLS: dict[str, Callable[[], Cell]] = {
    "the library's": lambda: load("peephole_lstm"),
    "theirs": lambda: loads(THEIR_CELL),
}


def published() -> dict[str, str]:
    """Left side: right side, with our words."""
    text = PUBLISHED.strip().replace("\n    +", " +")
    for theirs, ours in NAMING:
        text = re.sub(theirs, ours, text)
    return dict(line.split(" = ") for line in text.splitlines())


def counted_from_zero(value: MatrixExpr) -> MatrixExpr:
    """A sum with the factor of the step before as that of step t, and with steps 0, ..., T for our 1, ..., T."""
    if not isinstance(value, n.TimeSum):
        return value
    term, first, last = (reindexed(value, 1) if value.args[1] == 2 else value).args
    return n.TimeSum(term, first - 1, last.subs(n.LAST_STEP, n.LAST_STEP + 1) - 1)


def derived(cell: Cell) -> dict[str, str]:
    """The same from our derivation, for initial states that are zero."""
    recurrence = through_time(cell, start="zero")
    view = shown(recurrence, "through time")
    printer = Printer(DIALECTS["latex"], get_notation(cell, "greff"), inlined=view.inlined)
    lines = [e for section in view.sections for e in section.equations]
    assert set(lines) == set(recurrence.stage("through time"))
    return {printer.text(e.target): printer.text(counted_from_zero(e.value)) for e in lines}


def terms(right: str) -> tuple[str, Counter[frozenset[tuple[str, int]]]]:
    """The bounds of the sum over time, and the terms, each as its factors, whatever their order."""
    bounds = re.match(r"\\sum_{.*?}\^{.*?} ", right)
    body = right[bounds.end() :] if bounds else right
    each = (frozenset(Counter(term.split(r" \odot ")).items()) for term in body.split(" + "))
    return bounds[0] if bounds else "", Counter(each)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_every_published_line_is_derived_and_no_other(cell: Callable[[], Cell]) -> None:
    ours, theirs = derived(cell()), published()
    assert set(ours) == set(theirs)
    for left, right in theirs.items():
        assert terms(ours[left]) == terms(right), left


def test_with_their_order_of_equations_most_lines_are_the_same_text() -> None:
    """But for the order of factors, and of the first two terms of the memory's cotangent."""
    ours, theirs = derived(CELLS["theirs"]()), published()
    different = {left for left, right in theirs.items() if ours[left] != right}
    assert different == {r"\delta c^{t}", *(rf"\delta p_{{{gate}}}" for gate in "ifo")}


def test_without_zero_states_their_sums_lack_the_first_terms() -> None:
    """What their sums for R and p leave out is the term of the first step, of which the initial state is a factor."""
    cell = load("peephole_lstm")
    sums = {e.target.name: e.value for e in through_time(cell) if isinstance(e.value, n.TimeSum)}
    zero = {e.target.name: e.value for e in through_time(cell, start="zero") if isinstance(e.value, n.TimeSum)}
    fewer = {name for name in sums if sums[name] != zero[name]}
    assert fewer == {"grad(p_i)", "grad(p_f)", *(f"grad(U_{gate})" for gate in "figo")}
    for name in fewer:
        assert (sums[name].args[1], zero[name].args[1]) == (1, 2)
        assert sums[name].args[0] == zero[name].args[0]
        assert {"h[t-1]", "c[t-1]"} & {s.name for s in symbols_in(sums[name].args[0])}


def test_a_wrong_line_is_seen() -> None:
    right = published()[r"\delta c^{t}"]
    assert terms(right) != terms(right.replace("p_{i}", "p_{f}", 1))
    assert terms(right) != terms(right.replace("f^{t+1}", "f^{t}", 1))
    total = published()[r"\delta R_{z}"]
    assert terms(total) != terms(total.replace("T-1", "T"))
