"""A tour: everything of one cell in a folder, with a page that shows it.

`contents` makes all files in memory, `write_tour` puts them in place at once.  To add a file: a function that yields
its name and text, and a line of `contents`; to change the page: `templates/tour.html.j2`.  This module must not know
a particular cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sympy import MatrixSymbol

from lstmgraph import __version__, numeric
from lstmgraph.algebra.names import name_of
from lstmgraph.api.catalogue import code_targets
from lstmgraph.api.cell import Cell
from lstmgraph.api.drawing import Drawing
from lstmgraph.api.overview import count, polynomial, shape, value_rows
from lstmgraph.cell import WalkStep
from lstmgraph.codegen import TARGETS
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import MissingExtra, UsageError
from lstmgraph.files import write_folder
from lstmgraph.printing.mathml import mathml
from lstmgraph.program import Equation
from lstmgraph.templates import render

# style: (heading, words).  The first two are drawn for every step of every walk too.
STYLES = {
    "pipe": (
        "Pipe",
        "What is carried from step to step runs straight through the cell; the small networks stand under it in a row.",
    ),
    "cell-block": (
        "Cell block",
        "The memory in the centre. Dashed lines carry values of the previous step, solid ones those of this step.",
    ),
    "plumbing": (
        "Water pipe",
        "The memory as water: gates are valves, here half open, and a sum is a joint where new water comes in.",
    ),
    "dag": ("Expression graph", "The SymPy expressions as they are: every operation, parameter and number is a node."),
}
FRAME_STYLES = ("pipe", "cell-block")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Tour:
    """The files of a tour (relative path to text), whether the cell's check passed, and what could not be made."""

    files: dict[str, str]
    passed: bool
    left_out: tuple[str, ...]

    def write(self, folder: str | Path) -> Path:
        """Put the files into a folder; see `write_folder` for what happens to one that is there already."""
        return write_folder(folder, {name: text.encode() for name, text in self.files.items()})


def make_tour(cell: Cell, progress: Progress = lambda *_: None) -> Tour:
    """Everything of a cell."""
    return _Maker(cell, progress).run()


@dataclass(frozen=True)
class Picture:
    """A drawing on the page, and the files that hold it."""

    title: str
    words: str
    svg: str
    files: tuple[str, ...]


@dataclass
class _Maker:
    cell: Cell
    progress: Progress
    files: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    done: int = 0

    def run(self) -> Tour:
        cell, report = self.cell, self.report()
        page: dict[str, object] = {
            "title": cell.title or cell.name,
            "canvas": canvas(),
            "version": __version__,
            "summary": summary(cell),
            "sources": cell.sources,
            "equations": [{"math": self.math(e), "note": e.note} for e in cell.equations],
            "tables": list(tables(cell)),
            "drawings": list(self.pictures()),
            "walks": list(self.walks()),
            "gradients": self.gradients(),
            "listings": list(self.code()),
            "report": report,
            "cell_file": self.file("cell.toml", cell.to_toml()),
        }
        self.file("index.html", render("tour.html.j2", **page, left_out=self.left_out))
        self.step("", last=True)
        return Tour(self.files, report.passed, tuple(self.left_out))

    # ── the parts ──

    def pictures(self) -> Iterator[Picture]:
        for style, (title, words) in STYLES.items():
            self.step(f"drawing {style}")
            try:
                drawing = self.cell.draw(style=style)
            except (MissingExtra, UsageError) as error:
                self.left_out.append(f"{title} is left out: {error.message}.")
                continue
            yield Picture(title, words, self.drawn(drawing, style), (f"{style}.svg", f"{style}.dot"))

    def drawn(self, drawing: Drawing, name: str) -> str:
        """Write a drawing's files; its SVG as it stands in the page."""
        self.file(f"{name}.dot", drawing.dot)
        return inline(self.file(f"{name}.svg", drawing.svg))

    def walks(self) -> Iterator[dict[str, object]]:
        for name, steps in {**self.cell.walks, **self.cell.all_walks}.items():  # the author's first
            yield {
                "title": name.replace("_", " ").capitalize(),
                "frames": [self.frame(name, k, s) for k, s in enumerate(steps, 1)],
            }

    def frame(self, walk: str, number: int, step: WalkStep) -> dict[str, object]:
        drawings = []
        for style in FRAME_STYLES:
            self.step(f"{walk}, step {number}, {style}")
            drawing = self.cell.draw(style=style, walk=walk, step=number)
            self.file(f"frames/{walk}-{number}-{style}.svg", drawing.svg)
            bare = self.cell.draw(style=style, walk=walk, step=number, legend=False)
            drawings.append({"style": style, "svg": inline(bare.svg)})
        computed = [e for e in self.cell.equations if name_of(e.target).base in step.computes]
        return {"title": step.title, "equations": [self.math(e) for e in computed], "drawings": drawings}

    def gradients(self) -> list[tuple[str, list[str]]]:
        self.step("deriving gradients")
        gradient = self.cell.gradient()
        for suffix, format in (("txt", "unicode"), ("tex", "latex"), ("md", "markdown")):
            self.file(f"gradients.{suffix}", gradient.text(format))
        self.file("gradients-explained.html", gradient.explain("html"))
        self.file("gradients-through-time.html", self.cell.through_time().text("html"))
        return [(title.capitalize(), [mathml(line) for line in lines]) for title, lines in gradient.sections()]

    def code(self) -> Iterator[dict[str, str]]:
        for target, suffixes in code_targets().items():
            self.step(f"generating {target} code")
            name = f"{self.cell.name}_{target}{suffixes[0]}{'.txt' * TARGETS[target].binary}"
            try:
                yield {"target": target, "file": name, "text": self.file(name, self.cell.code(target))}
            except MissingExtra as error:
                self.left_out.append(f"{target} is left out: {error.message}: {error.hint}.")

    def report(self) -> numeric.Report:
        self.step("checking")
        report = self.cell.check()
        self.file("check.txt", str(report))
        return report

    # ── small things ──

    def file(self, name: str, text: str) -> str:
        self.files[name] = text if text.endswith("\n") else text + "\n"
        return text

    def step(self, what: str, last: bool = False) -> None:
        frames = sum(len(steps) for steps in self.cell.all_walks.values()) * len(FRAME_STYLES)
        total = len(STYLES) + frames + len(code_targets()) + 2
        self.progress(what, total if last else self.done, total)
        self.done += 1

    def math(self, equation: Equation) -> str:
        return mathml(self.cell.latex_of(equation))


def summary(cell: Cell) -> str:
    """One sentence: what goes in, what is carried, how much is learnt."""
    inputs = ", ".join(s.name for s in cell.inputs) or "nothing"
    states = ", ".join(s.name for s in cell.states) or "nothing"
    total = polynomial([count(p) for p in cell.parameters])
    return f"Takes {inputs}, carries {states} from step to step, returns {cell.output}; {total} learnt numbers."


def tables(cell: Cell) -> Iterator[dict[str, object]]:
    """Values and parameters, with their shapes."""
    rows = [(symbol_math(cell, s), size, words) for s, size, words in value_rows(cell)]
    yield {"caption": "Values", "head": ("name", "shape", "what it is"), "rows": rows}
    if cell.parameters:
        learnt = [(symbol_math(cell, p), shape(p), polynomial([count(p)])) for p in cell.parameters]
        yield {"caption": "Parameters", "head": ("name", "shape", "numbers"), "rows": learnt}


def symbol_math(cell: Cell, symbol: MatrixSymbol) -> str:
    return mathml(cell.latex_of(symbol), display="inline")


def canvas() -> dict[str, str]:
    """The background of the drawings, for what stands around them."""
    theme = load_theme("default")
    return {"light": theme.light.background, "dark": theme.dark.background}


def inline(svg: str) -> str:
    """An SVG file as it stands in a page: without the XML declaration."""
    return svg[svg.index("<svg") :]
