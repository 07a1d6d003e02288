"""Whole programs in print: aligned equations in groups, under a legend, for a terminal, a paper, a web page or a
program.

What is shown is decided in `sections.py`; here is only where the lines go.  To add a dialect, write one more
function from `Page` to text and a row of `PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.entries import Entries, Letters
from lstmgraph.notation import GREEK, Notation, Time
from lstmgraph.printing.breaking import broken, glued, width_of, wrapped
from lstmgraph.printing.expressions import Printer, printer_of, tame
from lstmgraph.printing.legend import Note
from lstmgraph.printing.mathml import inline, mathml_table
from lstmgraph.printing.sections import Shown, shown
from lstmgraph.printing.web import Block, document
from lstmgraph.program import Equation, Program, Stage

# Derived from one step, in which every computed value is of step t.
OF_ONE_STEP: tuple[Stage, ...] = ("backward", "tangent", "jacobian")


def print_program(
    program: Program,
    dialect: str,
    notation: Notation,
    stage: Stage = "backward",
    *,
    time: Time | None = None,
    width: int = 100,
    numbered: bool = False,
    standalone: bool = False,
    legend: bool = True,
    title: str = "",
    index: bool = False,
) -> str:
    """One stage of a program, its equations aligned and in groups.

    `time` says whether terminal text has [t] on the values that a step computes; gradients leave it out unless told.
    Long equations break at `width`.  `standalone` makes a whole LaTeX document; HTML is always one.
    `legend=False` leaves bare equations, in LaTeX a single environment that a notebook shows.  With `index` each
    equation is followed by the same entry by entry; raises UsageError where there is an operation that has no entries.
    """
    time = time or ("implicit" if stage in OF_ONE_STEP else "explicit")
    view = shown(program, stage)
    printer = printer_of(dialect, notation, time, view.inlined)
    entries = _entries(program, view, notation) if index else None
    page = Page(printer, view, width, numbered, standalone, legend, title, entries)
    return PAGES[dialect](page)


def print_mathml(program: Program, notation: Notation, stage: Stage = "backward") -> str:
    """One stage of a program as one MathML block, without its legend and the titles of its groups."""
    view = shown(program, stage)
    page = Page(printer_of("html", notation, "explicit", view.inlined), view)
    return mathml_table([row for _, rows in page.groups() for row in rows])


def _entries(program: Program, view: Shown, notation: Notation) -> Entries:
    """Writes entries with letters that mean nothing else: states have the first choice, then inputs."""
    given = sorted((s for s in program.inputs if not name_of(s).marks), key=lambda s: name_of(s).lag or 1)
    sizes = [s.shape[0] for s in given if name_of(s).lag is not None and s.shape[0] != 1]
    heads = {found.head.removeprefix("\\") for found in notation.letters.values()}
    named = {str(z) for s in given for side in s.shape for z in side.free_symbols}
    return Entries(Letters.of(sizes, {*heads, *named, notation.clock}), view.inlined)


@dataclass(frozen=True)
class Row:
    """An equation: its left side, the lines of its right side, and its number in brackets, or nothing.

    Without a left side it is a part of the equation above.  `mark` is a sign of which of two programs has it.
    """

    left: str
    right: list[str]
    number: str
    mark: str = ""


@dataclass(frozen=True)
class Page:
    """Everything a layout needs."""

    printer: Printer
    view: Shown
    width: int = 100
    numbered: bool = False
    standalone: bool = False
    legend: bool = False
    title: str = ""
    entries: Entries | None = None

    @cached_property
    def sections(self) -> list[tuple[str, list[Row]]]:
        numbers = count(1)
        found = [
            (self.printer.notation.said(s.title), [r for e in s.equations for r in self.rows(e, numbers)])
            for s in self.view.sections
        ]
        return [(title, self.lined(rows)) for title, rows in found]

    def groups(self) -> list[tuple[str, list[Row]]]:
        return self.sections

    def rows(self, equation: Equation, numbers: Iterator[int]) -> list[Row]:
        """An equation, and the same entry by entry where that is asked for and is another one."""
        whole = self.row(equation, f"({next(numbers)})" if self.numbered else "")
        again = map(self.row, self.entries.equations(equation)) if self.entries else ()
        return [whole, *(row for row in again if row != replace(whole, number=""))]

    def row(self, equation: Equation, number: str = "") -> Row:
        return Row(self.printer.text(equation.target), [self.printer.text(equation.value)], number)

    def lined(self, rows: list[Row]) -> list[Row]:
        """Rows in lines that are not too long; on a terminal all right sides begin in one column, behind the marks."""
        aligned = self.printer.dialect.name == "unicode"
        column = max((width_of(row.left) for row in rows), default=0)
        marks = 2 if any(row.mark for row in rows) else 0
        widths = [self.width - marks - (column if aligned else width_of(row.left)) - 3 for row in rows]
        return [replace(row, right=broken(" ".join(row.right), width)) for row, width in zip(rows, widths, strict=True)]

    def notes(self, formula: Callable[[str], str] = str) -> list[str]:
        """The legend, its formulas as `formula` sets them among words."""
        return [*(self.note(n, formula) for n in self.view.notes), *self.ranges(formula)] if self.legend else []

    def ranges(self, formula: Callable[[str], str]) -> Iterator[str]:
        """What the letters of the indices run over."""
        _ = self.sections
        for size, letters in self.entries.ranges() if self.entries else ():
            about = ", ".join(formula(self.printer.size(letter)) for letter in letters)
            yield f"{about}: from 1 to {formula(self.printer.size(str(size)))}"

    def note(self, note: Note, formula: Callable[[str], str]) -> str:
        explicit = Printer(self.printer.dialect, self.printer.notation)
        about = ", ".join(formula(self.named(x)) for x in note.about)
        of = ", ".join(formula((self.printer if name_of(x).marks else explicit).text(x)) for x in note.of)
        return f"{about}: {explicit.notation.said(note.words).format(of)}"

    def named(self, what: MatrixSymbol | type) -> str:
        if isinstance(what, type):
            return self.printer.operation_name(what)
        return self.printer.text(what)


# ── a terminal, and a program's text ──


def _text(page: Page) -> str:
    """Blocks of lines: the legend, then each group, aligned at its equal signs."""
    head = [page.title] if page.title else []
    blocks = [[*head, *(line for note in page.notes(glued) for line in wrapped(note, page.width))]]
    for title, rows in page.groups():
        heading = [f"{title}"] if title and page.legend else []
        blocks.append(heading + [line for row in rows for line in _aligned(row, max(width_of(r.left) for r in rows))])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _aligned(row: Row, column: int) -> list[str]:
    pad = " " * (column - width_of(row.left))
    number = f"   {row.number}" if row.number else ""
    first = f"{pad}{row.left} = " if row.left else " " * (column + 3)
    lines = [first + row.right[0], *(" " * (column + 3) + more for more in row.right[1:])]
    return [f"{row.mark} {line}" if row.mark else line for line in [*lines[:-1], lines[-1] + number]]


def _source(page: Page) -> str:
    """The cell language: comments and one equation a line, which a bracket must enclose to go on."""
    head = [page.title] if page.title else []
    blocks = [[f"# {line}" for line in (*head, *page.notes())]]
    for title, rows in page.groups():
        heading = [f"# {title}"] if title and page.legend else []
        blocks.append(heading + [f"{row.left} = {' '.join(row.right)}" for row in rows])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


# ── LaTeX and Markdown ──


def aligned_rows(rows: list[Row], numbered: bool) -> str:
    """The lines of an alignment; the number of a broken equation stands on its last line."""
    lines = []
    for row in rows:
        first = f"{row.left} &= {row.right[0]}" if row.left else rf"&\quad {{}}{row.right[0]}"
        parts = [first, *(rf"&\quad {{}}{line}" for line in row.right[1:])]
        parts[-1] += rf" \tag*{{${row.mark}$}}" if row.mark.strip() else ""
        bare = numbered and not row.number
        lines.append((" \\notag" * numbered + " \\\\\n").join(parts) + " \\notag" * bare)
    return " \\\\\n".join(lines)


def environment(body: str, name: str) -> str:
    """An environment of LaTeX."""
    return f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}\n"


def _latex(page: Page) -> str:
    """One alignment with the legend in comments, or a document."""
    name = "align" if page.numbered else "align*"
    groups = page.groups()
    if page.standalone:
        return _document(
            page, [(title, environment(aligned_rows(rows, page.numbered), name)) for title, rows in groups]
        )
    comments = [f"% {line}\n" for line in (*([page.title] if page.title else []), *page.notes(in_dollars))]
    headings = [f"% {title}\n" if title and page.legend else "" for title, _ in groups]
    bodies = [heading + aligned_rows(rows, page.numbered) for heading, (_, rows) in zip(headings, groups, strict=True)]
    return "".join(comments) + environment(" \\\\[1ex]\n".join(bodies), name)


PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\begin{document}
"""
_NAMES = ("textasciitilde", "textasciicircum", "textbackslash", "textless", "textgreater", "textbar", "textminus")
_WORDS = dict(zip("~^\\<>|−", _NAMES, strict=True))
_ESCAPES = str.maketrans(
    {c: f"\\{name}{{}}" for c, name in _WORDS.items()}
    | {c: f"\\{c}" for c in "_&%$#{}"}
    | {letter: f"$\\{name}$" for name, letter in GREEK.items()}
)
_MARKDOWN = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {c: f"\\{c}" for c in "\\`*_{}[]#~|$"})


def escaped(words: str) -> str:
    """Words as LaTeX has them."""
    return words.translate(_ESCAPES)


def escaped_in_markdown(words: str) -> str:
    """Words as Markdown has them."""
    return words.translate(_MARKDOWN)


def capital(title: str) -> str:
    """A title with a capital in front."""
    return title[:1].upper() + title[1:]


def section(title: str) -> str:
    """The title of a LaTeX document, which breaks between words only."""
    return f"\\section*{{\\raggedright {escaped(title)}}}\n"


def _document(page: Page, environments: list[tuple[str, str]]) -> str:
    heading = section(page.title) if page.title else ""
    notes = "".join(f"{line}.\n\n" for line in page.notes(in_dollars))
    parts = [f"\\subsection*{{{capital(title)}}}\n{body}" if title else body for title, body in environments]
    return PREAMBLE + heading + notes + "".join(parts) + "\\end{document}\n"


def in_dollars(formula: str) -> str:
    """A formula among words."""
    return f"${formula}$"


def _markdown(page: Page) -> str:
    r"""Blocks between double dollars.  GitHub takes `\\` only at the end of a line, and tags only in `align`."""
    blocks = [f"## {escaped_in_markdown(page.title)}"] if page.title else []
    blocks += ["\n".join(f"- {tame(line)}" for line in page.notes(in_dollars))] if page.notes() else []
    for title, rows in page.groups():
        blocks += [f"**{capital(title)}**"] if title and page.legend else []
        body = aligned_rows([tagged(row) for row in rows], numbered=False)
        tags = page.numbered or any(row.mark for row in rows)
        blocks.append(f"$$\n{tame(environment(body, 'align' if tags else 'aligned'))}$$")
    return "\n\n".join(blocks) + "\n"


def tagged(row: Row) -> Row:
    """The row with its number as a tag of its last line."""
    *before, last = row.right
    return Row(row.left, [*before, f"{last} \\tag{{{row.number[1:-1]}}}"], "") if row.number else row


# ── a web page ──


def _html(page: Page) -> str:
    """A document with native MathML, one block for each group."""
    blocks = [Block(title, math=mathml_table(rows)) for title, rows in page.groups()]
    return document(page.title, page.notes(inline), blocks)


PAGES: Mapping[str, Callable[[Page], str]] = {
    "unicode": _text,
    "latex": _latex,
    "markdown": _markdown,
    "html": _html,
    "source": _source,
}
