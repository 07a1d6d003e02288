"""The table of rules that every drawing is held to: what is measured, the gate, and what drawings by hand reach.

To add a rule, add a row.  `of` is the figure's path in a `Case`; a figure that is a tuple counts what is wrong.  A gate
without a style and a shape holds for every drawing; others only where they say, and elsewhere the figure is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from operator import attrgetter

from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.plan import MEAN_BENDS
from lstmgraph.diagram.path import STROKE
from lstmgraph.diagram.quality.measured import Case
from lstmgraph.diagram.scene import Scene

# Themes that promise contrast; others keep the colours of those they are named for, and only have to be seen.
ACCESSIBLE = ("default", "print")
GREY = ("print",)  # tells lines apart without colour
ROUNDING = 1e-6

Figure = float | tuple[str, ...] | None


@dataclass(frozen=True)
class Gate:
    """What a figure may be, and where; `reference` says what drawings by hand reach there, and whose."""

    low: float = -inf
    high: float = inf
    styles: tuple[str, ...] = ()
    shape: str = ""
    themes: tuple[str, ...] = ()
    reference: str = ""
    words: str = ""  # instead of the bounds

    def holds(self, value: float) -> bool:
        return self.low - ROUNDING <= value <= self.high + ROUNDING

    def concerns(self, case: Case) -> bool:
        return (
            (not self.styles or case.style in self.styles)
            and (not self.shape or case.shape == self.shape)
            and (not self.themes or (case.theme is not None and case.theme.name in self.themes))
        )

    def __str__(self) -> str:
        if self.words:
            return self.words
        if self.low == -inf:
            return f"≤ {self.high:g}" if self.high else "0"
        return f"≥ {self.low:g}" if self.high == inf else f"{self.low:g} to {self.high:g}"


NONE = Gate(high=0)
PIPES = ("pipe",)  # a chain too: a step for each copy
BLOCKS = ("cell-block",)
FRAMED = (*PIPES, *BLOCKS)


@dataclass(frozen=True)
class Rule:
    """A row.  `fault`: a drawing that breaks the gate is wrong, not only less good than it should be."""

    name: str
    words: str
    of: str
    gates: tuple[Gate, ...]
    fault: bool = False
    unit: float = 1.0  # the figure is given in this many points
    shown: str = ""  # the path of a text that is printed instead of the figure

    def gate(self, case: Case) -> Gate | None:
        return next((gate for gate in self.gates if gate.concerns(case)), None)


# fmt: off
RULES: tuple[Rule, ...] = (
    Rule("missing", "edges of the equations that are not drawn", "quality.missing", (NONE,), fault=True),
    Rule("extra", "wires that no equation asks for", "quality.extra", (NONE,), fault=True),
    Rule("astray", "wires from or to the wrong node", "quality.astray", (NONE,), fault=True),
    Rule("missing_nodes", "nodes of the equations that are not drawn", "quality.missing_nodes", (NONE,), fault=True),
    Rule("extra_nodes", "nodes that no equation asks for", "quality.extra_nodes", (NONE,), fault=True),
    Rule("mislabelled", "nodes with another label than theirs", "quality.mislabelled",
         (Gate(high=0, styles=FRAMED),)),
    Rule("misnamed", "names that are not at their line", "quality.misnamed", (Gate(high=0, styles=FRAMED),)),
    Rule("misspelt", "names of other values, values without their name", "quality.misspelt",
         (Gate(high=0, styles=FRAMED),)),
    Rule("missigned", "arrows without their sign, or with another", "quality.missigned",
         (Gate(high=0, styles=FRAMED),)),
    Rule("misnumbered", "operations with the number of another stage", "quality.misnumbered",
         (Gate(high=0, styles=FRAMED),)),
    Rule("unframed", "operations outside the border", "quality.unframed", (Gate(high=0, styles=FRAMED),)),
    Rule("intruding", "inputs and states inside the border", "quality.intruding", (Gate(high=0, styles=PIPES),)),
    Rule("turned_over", "time to the left, inputs above, pipes below", "quality.turned_over",
         (Gate(high=0, styles=PIPES),)),
    Rule("upside_down", "outputs below, inputs above or on the far side", "quality.upside_down",
         (Gate(high=0, styles=BLOCKS),)),
    Rule("through_nodes", "wires through or within 2s of a foreign node", "quality.through_nodes", (NONE,), fault=True),
    Rule("node_overlaps", "overlaps of nodes", "quality.node_overlaps", (NONE,), fault=True),
    Rule("label_overlaps", "overlaps of labels", "quality.label_overlaps", (NONE,), fault=True),
    Rule("arc_overlaps", "labels on bridges and corners", "quality.arc_overlaps", (NONE,), fault=True),
    Rule("oversized", "nodes too small for their label", "quality.oversized", (NONE,)),
    Rule("head_overlaps", "overlaps of arrowheads", "quality.head_overlaps",
         (Gate(high=0, reference="Shi Yan 3"),), fault=True),
    Rule("outside", "cut off by the edge of the picture", "quality.outside", (NONE,), fault=True),
    Rule("oblique", "lines neither horizontal nor vertical", "quality.oblique",
         (Gate(high=0, reference="Shi Yan 4"),), fault=True),
    Rule("misdrawn", "lines painted elsewhere than they run", "quality.misdrawn", (NONE,), fault=True),
    Rule("falsely_bridged", "bridges where nothing crosses", "quality.falsely_bridged", (NONE,), fault=True),
    Rule("along_border", "lines on the border or within 2s", "quality.along_border", (Gate(high=0, styles=FRAMED),)),
    Rule("out_and_back", "lines out of the border and back", "quality.out_and_back", (Gate(high=0, styles=FRAMED),)),
    Rule("sharp", "corners that are not rounded", "quality.sharp", (Gate(high=0, styles=FRAMED),)),
    Rule("shared_lines", "different values on one line or within 2s", "quality.shared_lines", (NONE,), fault=True),
    Rule("touching", "wires that touch another value's line", "quality.touching", (NONE,), fault=True),
    Rule("crossings", "crossings of different values", "quality.crossings_a_step", (
        Gate(high=1, styles=PIPES, shape="LSTM", reference="Olah 1"),
        Gate(high=3, styles=PIPES, shape="peephole LSTM", reference="Shi Yan 5"),
        Gate(high=1, styles=PIPES, shape="GRU", reference="Olah 1"),
        Gate(high=0, styles=BLOCKS, shape="LSTM", reference="Shi Yan 1"),
        Gate(high=0, styles=BLOCKS, shape="peephole LSTM", reference="Shi Yan 1"),
    )),
    Rule("dot", "fewer crossings than Graphviz dot, or both 0", "beaten",
         (Gate(high=0, words="fewer, or 0"),), shown="duel"),
    Rule("twisted", "lines that cross twice for nothing", "quality.twisted", (NONE,)),
    Rule("unbridged", "crossings without exactly one bridge", "quality.unbridged", (NONE,), fault=True),
    Rule("dashed_hops", "dashed lines that hop over solid ones", "dashed_hops", (NONE,)),
    Rule("most_bends", "bends of a wire, most", "quality.most_bends", (Gate(high=2),)),
    Rule("mean_bends", "bends of a wire, mean", "quality.mean_bends", (Gate(high=MEAN_BENDS, reference="0.68"),)),
    Rule("longest_way", "length of a line by the way it has to go", "quality.longest_way", (Gate(high=1.75),)),
    Rule("bent_pipes", "pipes with a bend", "quality.bent_pipes", (Gate(high=0, styles=PIPES),)),
    Rule("smallest_head", "arrowhead, smallest side, in s", "smallest_head", (Gate(low=3),)),
    Rule("largest_head", "arrowhead, largest side, in s", "largest_head", (Gate(high=5.4),)),
    Rule("straight_end", "straight before a tip, in heads", "quality.straight_end", (Gate(low=1.5),), fault=True),
    Rule("heads_astray", "ends without an arrowhead, arrowheads at no end", "quality.heads_astray",
         (NONE,), fault=True),
    Rule("worst_pitch", "pitch of the network row, largest/smallest", "quality.worst_pitch",
         (Gate(high=1.1, styles=PIPES, reference="1.36"),)),
    Rule("off_line", "rows and columns off their line", "quality.off_line",
         (Gate(high=0, reference="Olah 9 px"),)),
    Rule("enclosed", "inputs inside the border", "quality.enclosed",
         (Gate(high=0, styles=BLOCKS, reference="Greff 0"),)),
    Rule("loopless", "memories without a loop at their Cell", "loopless",
         (Gate(high=0, styles=BLOCKS, reference="Greff 0"),)),
    Rule("smallest_gap", "gap between nodes, in s", "quality.smallest_gap", (Gate(low=4),), unit=STROKE),
    Rule("smallest_padding", "padding of the container, in s", "quality.smallest_padding",
         (Gate(low=6),), fault=True, unit=STROKE),
    Rule("aspect", "container, width by height", "quality.aspect", (
        *(Gate(1.6, 2.2, PIPES, shape) for shape in ("LSTM", "peephole LSTM", "GRU")),
        *(Gate(0.9, 1.2, ("cell-block",), shape) for shape in ("LSTM", "peephole LSTM", "GRU")),
    )),
    Rule("filled", "share of the page that is drawn on", "quality.filled", (Gate(low=0.6),)),
    Rule("smallest_text", "smallest text, in points", "quality.smallest_text", (Gate(low=6.75, styles=FRAMED),)),
    Rule("text_ratio", "smallest text by main label", "quality.text_ratio",
         (Gate(low=0.45, reference="0.32"),), fault=True),
    Rule("text_contrast", "contrast of text, light and dark", "text_contrast",
         (Gate(low=4.5, themes=ACCESSIBLE, reference="Shi Yan 1.87"), Gate(low=1.8))),
    Rule("line_contrast", "contrast of lines, light and dark", "line_contrast",
         (Gate(low=3, themes=ACCESSIBLE, reference="Shi Yan 1.45"), Gate(low=1.4))),
    Rule("unpainted", "nodes and borders without an outline", "unpainted", (NONE,)),
    Rule("least_difference", "lines under colour-blindness, ΔE2000", "least_difference",
         (Gate(low=10, themes=tuple(name for name in ACCESSIBLE if name not in GREY)),)),
    Rule("dots_astray", "forks without a dot, dots without a fork", "quality.dots_astray", (NONE,), fault=True),
    Rule("misdashed", "old values solid, or new ones dashed", "misdashed", (NONE,), fault=True),
    Rule("miscoloured", "lines in the colour of another value", "quality.miscoloured", (NONE,), fault=True),
    Rule("mislit", "lit though not asked for, dimmed though asked for", "quality.mislit",
         (Gate(high=0, styles=FRAMED),)),
    Rule("legend_astray", "symbols not explained, or not as what they are", "legend_astray", (NONE,), fault=True),
    Rule("untold", "without a title, or not described in words", "quality.untold", (Gate(high=0, styles=FRAMED),)),
    Rule("uncaptioned", "equations asked for that are not there", "quality.uncaptioned", (NONE,)),
    Rule("repeated", "frames that look like the one before", "repeated", (NONE,)),
    Rule("moved", "places that differ between the frames", "moved", (NONE,)),
    Rule("unlike", "files of the same input that differ", "unlike", (NONE,)),
)
# fmt: on


@dataclass(frozen=True)
class Score:
    """A rule on a case: the figure (None if there was nothing to measure), the gate, and what is wrong, in words."""

    rule: Rule
    value: float | None
    where: tuple[str, ...]
    gate: Gate | None
    shown: str

    @property
    def inside(self) -> bool | None:
        """Whether the gate holds; None where there is none, or nothing to measure."""
        return None if self.gate is None or self.value is None else self.gate.holds(self.value)

    def complaints(self) -> Iterator[str]:
        """What breaks the gate, in words."""
        if self.inside is False:
            yield from (f"{self.rule.name}: {what}" for what in self.where or (f"{self.shown}, not {self.gate}",))


def score(rule: Rule, case: Case) -> Score:
    figure: Figure = attrgetter(rule.of)(case)
    where = figure if isinstance(figure, tuple) else ()
    value = None if figure is None else len(figure) if isinstance(figure, tuple) else figure / rule.unit
    gate = rule.gate(case)
    shown = attrgetter(rule.shown)(case) if rule.shown else _figure(value, gate)
    return Score(rule, value, where, gate, shown)


def _figure(value: float | None, gate: Gate | None) -> str:
    """Two digits, or as many as show on which side of the gate it is."""
    if value is None or value == inf:
        return "-" if value is None else "∞"
    sides = (digits for digits in (2, 3, 4) if gate is None or gate.holds(round(value, digits)) == gate.holds(value))
    return f"{value:.{next(sides, 4)}f}".rstrip("0").rstrip(".")


def faults(scene: Scene, graph: Graph) -> list[str]:
    """What is wrong with a drawing, whatever the cell and the style, in words."""
    case = Case(scene, graph)
    return [what for rule in RULES if rule.fault for what in score(rule, case).complaints()]


def shortfalls(case: Case) -> list[str]:
    """Every gate that a drawing breaks, in words: its faults, and where it is less good than it should be."""
    return [what for rule in RULES for what in score(rule, case).complaints()]
