"""The scores of a drawing beside the gates and beside what drawings by hand reach: as text, and as Markdown.

`beside` puts several drawings into one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from lstmgraph.diagram.asked import NOTHING, Asked
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.quality.measured import Case
from lstmgraph.diagram.quality.rules import RULES, Score, score
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import Theme

INSIDE = {True: "yes", False: "NO", None: "-"}
Table = list[tuple[str, ...]]


@dataclass(frozen=True)
class Report:
    """What a drawing scores in every rule."""

    title: str
    scores: tuple[Score, ...]

    @property
    def ok(self) -> bool:
        """Whether every gate holds."""
        return not self.broken

    @property
    def broken(self) -> tuple[Score, ...]:
        return tuple(s for s in self.scores if s.inside is False)

    def text(self) -> str:
        """A table of plain text; under it, where a gate is broken, what breaks it."""
        where = [what for s in self.broken for what in s.complaints()]
        return "\n".join([self.title, aligned(self._table()), *(f"  {what}" for what in where)]) + "\n"

    def markdown(self) -> str:
        return f"**{self.title}**\n\n{piped(self._table())}"

    def _table(self) -> Table:
        """What was measured, and why something was not."""
        told = [s for s in self.scores if s.value is not None or s.rule.shown]
        rows = [(s.rule.words, s.shown, _gate(s), _reference(s), INSIDE[s.inside]) for s in told]
        return [("rule (s: the width of a line)", "here", "gate", "by hand", "inside"), *rows]


def report(
    scene: Scene,
    graph: Graph,
    theme: Theme | None = None,
    style: str = "",
    frames: Sequence[Scene] = (),
    files: Sequence[str] = (),
    title: str = "",
    asked: Asked = NOTHING,
) -> Report:
    """The scores of a scene that shows a graph.

    `style` chooses the gates that hold in one style only.  `frames` are the scenes of a walk, `files` the same drawing
    as other processes wrote it; what is not given is not measured, nor is `dot` where there is none.  `asked`: what the
    scene has to show besides.
    """
    case = Case(scene, graph, theme, style, tuple(frames), tuple(files), asked)
    return Report(title or scene.title, tuple(score(rule, case) for rule in RULES))


def beside(reports: Sequence[Report]) -> Table:
    """Several drawings in one table: a column for each, "!" after what is outside of its gate."""
    table: Table = [("rule", *(r.title for r in reports), "gate", "by hand")]
    for scores in zip(*(r.scores for r in reports), strict=True):
        figures = [s.shown + ("!" if s.inside is False else "") for s in scores]
        gates, references = ([f(s) for s in scores] for f in (_gate, _reference))
        table.append((scores[0].rule.words, *figures, _together(gates), _together(references)))
    return table


def _together(texts: Sequence[str]) -> str:
    """What is said of the drawings, one after the other, and once where neighbours have the same."""
    return " · ".join(text for text, _ in groupby(filter(None, texts)))


def _gate(score: Score) -> str:
    return str(score.gate) if score.gate else ""


def _reference(score: Score) -> str:
    return score.gate.reference if score.gate else ""


def aligned(table: Table) -> str:
    """A table of plain text, its columns aligned: the first to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *row in table:
        cells = [first.ljust(widths[0]), *(text.rjust(w) for text, w in zip(row, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def piped(table: Table) -> str:
    """A table of Markdown."""
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
    rule = "|---|" + "---:|" * (len(table[0]) - 1)
    return "\n".join([rows[0], rule, *rows[1:]]) + "\n"
