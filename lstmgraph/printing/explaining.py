"""A derivation in print: the forward equations, the rules, and every backward line with its reason, in four formats.

What is told is decided in `derivations.py`; here is how it is spelt and where the lines go.  To add a format, write a
`Pen` and a function from `Explanation` to text, and a row of `_PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import NamedTuple

from lstmgraph.notation import Notation, Time
from lstmgraph.printing.breaking import GLUE, broken, glued, width_of, wrapped
from lstmgraph.printing.derivations import Derivation, Line, derivation, sentences
from lstmgraph.printing.expressions import Printer, printer_of, tame
from lstmgraph.printing.mathml import inline, mathml_table
from lstmgraph.printing.programs import (
    OF_ONE_STEP,
    PREAMBLE,
    Page,
    Row,
    aligned_rows,
    capital,
    environment,
    escaped,
    escaped_in_markdown,
    in_dollars,
    section,
    tagged,
)
from lstmgraph.printing.sections import Shown
from lstmgraph.printing.sentences import Ref, Sentence, Slope
from lstmgraph.printing.web import Block, Entry, document
from lstmgraph.program import Equation, Program, Stage

FORWARD, RULES = "forward equations", "rules"


def print_derivation(
    program: Program,
    forward: Program,
    dialect: str,
    notation: Notation,
    stage: Stage = "backward",
    *,
    width: int = 100,
    title: str = "",
) -> str:
    """The backward lines of `program`, of one step or through time, every line with its reason.

    `forward` is what it was derived from, in normal form.  Text breaks at `width`; LaTeX and HTML are whole documents.
    """
    told = derivation(program, forward, stage)
    told = replace(told, sections=tuple((notation.said(title), lines) for title, lines in told.sections))
    time: Time = "implicit" if stage in OF_ONE_STEP else "explicit"
    return _PAGES[dialect](Explanation(told, printer_of(dialect, notation, time, told.inlined), width, title))


class Pen(NamedTuple):
    """How a format spells what stands in a sentence."""

    words: Callable[[str], str]
    formula: Callable[[str], str]
    ref: Callable[[int], str]
    slope: str  # of {0}, a function


@dataclass(frozen=True)
class Explanation:
    """Everything a layout needs."""

    told: Derivation
    printer: Printer
    width: int
    title: str

    def row(self, line: Line, width: int) -> Row:
        left = self.printer.text(line.equation.target)
        right = broken(self.printer.text(line.equation.value), width - width_of(left) - 3)
        return Row(left, right, f"({line.number})")

    def notes(self, formula: Callable[[str], str] = str) -> list[str]:
        """The legend."""
        view = Shown((), self.told.inlined, self.told.notes)
        return Page(self.printer, view, self.width, False, False, True, "").notes(formula)

    def reasons(self, line: Line, pen: Pen) -> list[str]:
        return [self.sentence(sentence, pen) for sentence in sentences(line)]

    def sentence(self, sentence: Sentence, pen: Pen) -> str:
        return "".join(self.piece(piece, pen) for piece in sentence)

    def piece(self, piece: object, pen: Pen) -> str:
        text = self.printer.text
        if isinstance(piece, str):
            return pen.words(piece)
        if isinstance(piece, Ref):
            return pen.ref(piece.number)
        if isinstance(piece, Slope):
            return pen.formula(f"{pen.slope.format(self.printer.function_name(piece.function))} = {text(piece.value)}")
        if isinstance(piece, Equation):
            return pen.formula(f"{text(piece.target)} = {text(piece.value)}")
        return pen.formula(text(piece))


# ── a terminal ──

_UNICODE = Pen(words=str, formula=glued, ref=lambda k: f"({k}){GLUE}", slope="{0}′")


def _text(page: Explanation) -> str:
    rows = [page.row(line, page.width - 6) for line in page.told.forward]
    notes = [line for note in page.notes(glued) for line in wrapped(note, page.width)]
    blocks = [[page.title, *notes], [FORWARD, *_numbered(rows)]]
    rules = [wrapped(f"{rule.name}: {rule.says}", page.width, "  ") for rule in page.told.rules]
    blocks += [[RULES, *(line for rule in rules for line in rule)]] if rules else []
    for title, lines in page.told.sections:
        blocks.append([title, *(text for line in lines for text in _explained(page, line))])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _numbered(rows: list[Row]) -> list[str]:
    """Equations under one another, with their numbers in front."""
    column = max((width_of(row.left) for row in rows), default=0)
    lines = []
    for row in rows:
        pad = " " * (column - width_of(row.left))
        lines.append(f"{row.number:>4}  {pad}{row.left} = {row.right[0]}")
        lines += [" " * (column + 9) + more for more in row.right[1:]]
    return lines


def _explained(page: Explanation, line: Line) -> list[str]:
    first, *others = page.reasons(line, _UNICODE)
    lines = [*_numbered([page.row(line, page.width - 6)]), *wrapped(first, page.width, " " * 8)]
    return lines + [text for other in others for text in wrapped(f"-{GLUE}{other}", page.width, " " * 8, 2)]


# ── LaTeX and Markdown ──

_LATEX = Pen(escaped, in_dollars, lambda k: f"({k})~", r"{0}^{{\prime}}")
_MARKDOWN = Pen(str, lambda f: in_dollars(tame(f)), lambda k: f"({k}) ", r"{0}^{{\prime}}")


def _latex(page: Explanation) -> str:
    def aligned(lines: tuple[Line, ...]) -> str:
        return environment(aligned_rows([tagged(page.row(line, page.width)) for line in lines], False), "align*")

    def why(line: Line) -> str:
        first, *others = page.reasons(line, _LATEX)
        return first + ("\n" + environment("\n".join(rf"\item {o}" for o in others), "itemize") if others else "\n")

    parts = [section(page.title), *(f"{note}.\n\n" for note in page.notes(in_dollars))]
    parts += [f"\\subsection*{{{capital(FORWARD)}}}\n", aligned(page.told.forward)]
    rules = "\n".join(rf"\item[{escaped(rule.name)}] {escaped(rule.says)}" for rule in page.told.rules)
    parts += [f"\\subsection*{{{capital(RULES)}}}\n", environment(rules, "description")] if rules else []
    for title, lines in page.told.sections:
        parts.append(f"\\subsection*{{{capital(title)}}}\n")
        parts += [aligned((line,)) + why(line) for line in lines]
    start = "\\begin{document}\n"
    return PREAMBLE.replace(start, "\\sloppy\n" + start) + "".join(parts) + "\\end{document}\n"


def _markdown(page: Explanation) -> str:
    def aligned(lines: tuple[Line, ...]) -> str:
        body = aligned_rows([tagged(page.row(line, page.width)) for line in lines], False)
        return f"$$\n{tame(environment(body, 'align'))}$$"

    blocks = [f"## {escaped_in_markdown(page.title)}"]
    blocks += ["\n".join(f"- {note}" for note in page.notes(_MARKDOWN.formula))] if page.notes() else []
    blocks += [f"**{capital(FORWARD)}**", aligned(page.told.forward)]
    if page.told.rules:
        blocks += [f"**{capital(RULES)}**", "\n".join(f"- {rule.name}: {rule.says}" for rule in page.told.rules)]
    for title, lines in page.told.sections:
        blocks.append(f"**{capital(title)}**")
        for line in lines:
            first, *others = page.reasons(line, _MARKDOWN)
            blocks += [aligned((line,)), first, *(["\n".join(f"- {o}" for o in others)] if others else [])]
    return "\n\n".join(blocks) + "\n"


# ── a web page ──

_HTML = Pen(escape, inline, lambda k: f'<a href="#eq-{k}">({k})</a>&nbsp;', r"{0}^{{\prime}}")


def _html(page: Explanation) -> str:
    def entry(line: Line) -> Entry:
        row = page.row(line, page.width)
        return Entry(line.number, mathml_table([Row(row.left, row.right, "")]), tuple(page.reasons(line, _HTML)))

    blocks = [Block(FORWARD, mathml_table([page.row(line, page.width) for line in page.told.forward]))]
    blocks += [Block(RULES, rules=page.told.rules)] if page.told.rules else []
    blocks += [Block(title, entries=tuple(map(entry, lines))) for title, lines in page.told.sections]
    return document(page.title, page.notes(inline), blocks)


_PAGES: Mapping[str, Callable[[Explanation], str]] = {
    "unicode": _text,
    "latex": _latex,
    "markdown": _markdown,
    "html": _html,
}
