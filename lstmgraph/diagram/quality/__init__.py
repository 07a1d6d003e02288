"""How good a drawing is: every rule of good drawings measured on a scene, with a gate for each.

`measure` gives the figures of a scene, `faults` what is wrong in any drawing, `shortfalls` every gate that is broken,
`report` the whole table beside the gates and beside what drawings by hand reach.  The rules are rows of `rules.RULES`;
what they measure is in the modules beside it: in `rival` for the same graph by `dot`, in `inked` for a file, in the
others for a scene and what it was asked to show besides its graph.
"""

from lstmgraph.diagram.quality.measured import Case, Quality, measure, shape_of
from lstmgraph.diagram.quality.report import Report, aligned, beside, piped, report
from lstmgraph.diagram.quality.rules import RULES, Gate, Rule, Score, faults, score, shortfalls

__all__ = [
    "RULES",
    "Case",
    "Gate",
    "Quality",
    "Report",
    "Rule",
    "Score",
    "aligned",
    "beside",
    "faults",
    "measure",
    "piped",
    "report",
    "score",
    "shape_of",
    "shortfalls",
]
