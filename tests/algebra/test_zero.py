"""What is said to be zero is zero, for every operation and whichever of its operands are; nearly nothing else is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.zero import is_zero, zeros
from lstmgraph.numeric import evaluate
from lstmgraph.program import Equation, Program
from lstmgraph.reading import load
from tests.numeric.test_operations import example

# Zero for reasons that the form does not tell, or only where the rest is of one sign.
UNSAID = {"maximum", "minimum", "power", "sign", "step", "relu"}


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_it_is_what_the_interpreter_computes(cls: type) -> None:
    node = example(cls)
    for chosen in product((False, True), repeat=len(n.operands(node))):
        known = [o for o, zero in zip(n.operands(node), chosen, strict=True) if zero]
        rng = np.random.default_rng(3)
        given = {o.name: rng.uniform(0.2, 1.5, [int(z) for z in o.shape]) * (o not in known) for o in n.operands(node)}
        target = symbol("y", node.shape)
        program = Program("test", tuple(dict.fromkeys(n.operands(node))), (Equation(target, node),), (target,))
        with np.errstate(all="ignore"):
            value = evaluate(program, given)["y"]
        if is_zero(node, known):
            assert not np.any(value[np.isfinite(value)]), (node, known)
        elif RULES[cls].name not in UNSAID:
            assert np.any(value), (node, known)


def test_it_goes_on_from_value_to_value() -> None:
    cell = load("gru")
    names = {s.name for s in zeros(((e.target, e.value) for e in cell.step), cell.previous)}
    assert names == {"h[t-1]"}
    h = symbol("h[t-1]", (size("H"), size(1)))
    y, z = (symbol(name, h.shape) for name in "yz")
    assert zeros([(y, n.Tanh(h)), (z, n.Exp(y))], [h]) == {h, y}
    assert is_zero(n.Fill(0, *h.shape), [])
    assert not is_zero(n.Fill(1, *h.shape), [h])
