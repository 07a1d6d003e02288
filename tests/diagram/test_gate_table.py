"""The gates are those of the design, spelt out here once more: a bound that is loosened is seen.

A row is a rule's name, the style and the shape of cell where the bound holds ("" for all), and the bounds.
"""

from __future__ import annotations

from math import inf

import pytest

from lstmgraph.diagram.quality.measured import SHAPES
from lstmgraph.diagram.quality.rules import ACCESSIBLE, RULES

# What is wrong in any drawing, not only less good than it should be.
WRONG = [
    "missing",
    "extra",
    "astray",
    "missing_nodes",
    "extra_nodes",
    "through_nodes",
    "node_overlaps",
    "label_overlaps",
    "arc_overlaps",
    "head_overlaps",
    "outside",
    "oblique",
    "misdrawn",
    "falsely_bridged",
    "shared_lines",
    "touching",
    "unbridged",
    "heads_astray",
    "dots_astray",
    "misdashed",
    "miscoloured",
    "legend_astray",
]
NOTHING_WRONG = [
    *WRONG,
    "twisted",
    "dashed_hops",
    "oversized",
    "off_line",
    "moved",
    "repeated",
    "uncaptioned",
    "unpainted",
    "unlike",
    "dot",
]
FAULTS = [*WRONG, "straight_end", "smallest_padding", "text_ratio"]
IN_BOTH = [
    "mislabelled",
    "misnamed",
    "misspelt",
    "missigned",
    "misnumbered",
    "unframed",
    "along_border",
    "out_and_back",
    "sharp",
    "mislit",
    "untold",
]
DRAWN = ("pipe", "cell-block")
GATES = [
    *((name, "", "", -inf, 0) for name in NOTHING_WRONG),
    *((name, style, "", -inf, 0) for name in IN_BOTH for style in DRAWN),
    ("intruding", "pipe", "", -inf, 0),
    ("turned_over", "pipe", "", -inf, 0),
    ("upside_down", "cell-block", "", -inf, 0),
    ("bent_pipes", "pipe", "", -inf, 0),
    ("crossings", "pipe", "LSTM", -inf, 1),
    ("crossings", "pipe", "peephole LSTM", -inf, 3),
    ("crossings", "pipe", "GRU", -inf, 1),
    ("crossings", "cell-block", "LSTM", -inf, 0),
    ("crossings", "cell-block", "peephole LSTM", -inf, 0),
    ("most_bends", "", "", -inf, 2),
    ("mean_bends", "", "", -inf, 0.7),
    ("smallest_head", "", "", 3, inf),
    ("largest_head", "", "", -inf, 5.4),
    ("straight_end", "", "", 1.5, inf),
    ("longest_way", "", "", -inf, 1.75),
    ("filled", "", "", 0.6, inf),
    ("worst_pitch", "pipe", "", -inf, 1.1),
    ("enclosed", "cell-block", "", -inf, 0),
    ("loopless", "cell-block", "", -inf, 0),
    ("smallest_gap", "", "", 4, inf),
    ("smallest_padding", "", "", 6, inf),
    *(("aspect", "pipe", shape, 1.6, 2.2) for shape in SHAPES),
    *(("aspect", "cell-block", shape, 0.9, 1.2) for shape in SHAPES),
    *(("smallest_text", style, "", 6.75, inf) for style in DRAWN),
    ("text_ratio", "", "", 0.45, inf),
    ("text_contrast", "", "", 4.5, inf),
    ("text_contrast", "", "", 1.8, inf),
    ("line_contrast", "", "", 3, inf),
    ("line_contrast", "", "", 1.4, inf),
    ("least_difference", "", "", 10, inf),
]


def spelt() -> list[tuple[str, str, str, float, float]]:
    """Every gate of the table as rows, one for each style."""
    return [
        (rule.name, style, gate.shape, gate.low, gate.high)
        for rule in RULES
        for gate in rule.gates
        for style in gate.styles or ("",)
    ]


def test_the_gates_are_those_of_the_design() -> None:
    assert sorted(spelt()) == sorted(GATES)


def test_what_breaks_a_rule_that_is_a_fault_is_wrong_in_any_drawing() -> None:
    assert sorted(rule.name for rule in RULES if rule.fault) == sorted(FAULTS)


def test_both_themes_that_promise_contrast_are_held_to_it() -> None:
    assert ACCESSIBLE == ("default", "print")
    for name in ("text_contrast", "line_contrast"):
        gate, other = next(rule for rule in RULES if rule.name == name).gates
        assert (gate.themes, other.themes) == (ACCESSIBLE, ())


@pytest.mark.parametrize(("bound", "inside", "outside"), [("high", 2, 2.001), ("low", 4, 3.999)])
def test_a_bound_holds_to_the_thousandth(bound: str, inside: float, outside: float) -> None:
    from lstmgraph.diagram.quality.rules import Gate

    gate = Gate(**{bound: inside})  # type: ignore[arg-type]
    assert gate.holds(inside)
    assert not gate.holds(outside)
