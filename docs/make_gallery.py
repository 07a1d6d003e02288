"""The gallery, made anew by one command: python docs/make_gallery.py

Draws every picture of docs/gallery/ and writes docs/gallery.md around them.  To add a picture: a line of `SECTIONS`.
`--check` writes nothing and says what is not as it would be drawn now.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstmgraph import load
from lstmgraph.diagram.quality import Case, piped, report
from lstmgraph.diagram.themes import load_theme
from lstmgraph.reading import library

HERE = Path(__file__).parent
STYLES = ("pipe", "cell-block")


@dataclass(frozen=True)
class Picture:
    """A file of the gallery: the cell and the options of `Cell.draw`."""

    file: str
    words: str
    cell: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def draw(self) -> str:
        return load(self.cell).draw(**self.options).svg

    @property
    def command(self) -> str:
        """What makes it on the command line."""
        return " ".join(["lstmgraph draw", self.cell, *map(_spelt, self.options.items())])


@dataclass(frozen=True)
class Section:
    title: str
    words: str
    pictures: tuple[Picture, ...]
    columns: int = 1


def _spelt(option: tuple[str, Any]) -> str:
    name, value = option
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    if isinstance(value, Mapping):
        value = ",".join(f"{k}={v:g}" for k, v in value.items())
    return f"--{name} {value}"


def every_cell() -> tuple[Picture, ...]:
    return tuple(
        Picture(f"{name}-{style}.svg", f"{name}, {style}", name, {"style": style, "legend": False})
        for name in library()
        for style in STYLES
    )


SECTIONS = (
    Section(
        "Every cell of the library",
        "Left the *pipe*: what is carried from step to step runs straight through, and the small networks stand in a row "
        "under it. Right the *cell block*: the memory in the centre, gates to both sides, dashed lines for values of the "
        "previous step. No coordinate is given anywhere; the places follow from the equations.",
        every_cell(),
        2,
    ),
    Section(
        "Two documents, redrawn from equations",
        "Shi Yan's *Understanding LSTM and its diagrams* (2016) draws the LSTM with peepholes in both styles in one set of "
        "symbols: a teardrop for the sigmoid, a pentagon for tanh, numbered biases, a colour for each kind of value. By "
        "hand it has five crossings without a bridge and three arrowheads on top of one another in the cell block. "
        "Christopher Olah's *Understanding LSTM Networks* (2015) draws one box a network; his picture of the LSTM has one "
        "crossing, as ours has. Greff et al. (2015), Fig. 1, is the cell block that papers reprint, with its connections "
        "drawn by hand; here the set of lines is the set of dependencies in the equations, which a test holds for every "
        "cell.",
        (
            Picture("shiyan-pipe.svg", "pipe, theme shiyan", "peephole_lstm", {"theme": "shiyan"}),
            Picture(
                "shiyan-block.svg",
                "cell block, theme shiyan",
                "peephole_lstm",
                {"style": "cell-block", "theme": "shiyan"},
            ),
            Picture("olah-lstm.svg", "LSTM, theme olah", "lstm", {"theme": "olah"}),
            Picture("olah-gru.svg", "GRU, theme olah", "gru", {"theme": "olah"}),
            Picture("print-lstm.svg", "black and white, theme print", "lstm", {"theme": "print"}),
            Picture(
                "order.svg",
                "the order of evaluation, which the cell block by hand hides",
                "peephole_lstm",
                {"style": "cell-block", "order": True},
            ),
        ),
        2,
    ),
    Section(
        "Step by step",
        "A step lights what it computes and what that needs; all else is dimmed, and nothing moves. Both documents walk "
        "through the cell by hand-made frames, whose parts shift by up to nine pixels; the seven steps in the notation "
        "with Γ for a gate are those of a well-known course.",
        (
            Picture(
                "walk-pipe.svg", "first document, pipe", "peephole_lstm", {"walk": "document", "sheet": True, "theme": "shiyan"}
            ),
            Picture(
                "walk-gamma.svg",
                "seven steps, notation gamma",
                "lstm",
                {"walk": "gamma", "sheet": True, "notation": "gamma"},
            ),
        ),
    ),
    Section(
        "Through time",
        "N steps side by side, a long chain folded like lines of text. What leaves one cell and enters the next is one "
        "node between them.",
        (
            Picture("chain-lstm.svg", "three steps", "lstm", {"unroll": 3, "theme": "olah", "legend": False}),
            Picture("chain-rnn.svg", "the plain RNN", "rnn", {"unroll": 5, "legend": False}),
        ),
    ),
    Section(
        "Valves on a water pipe",
        "The memory as water: gates are valves, the sum is a T-joint. With the forget valve open and the other shut, "
        "what comes in goes out, and the equation that is left says the same.",
        (
            Picture("plumbing.svg", "half open", "lstm", {"style": "plumbing", "legend": False}),
            Picture(
                "plumbing-keep.svg",
                "f = 1, i = 0: the memory stays",
                "lstm",
                {"style": "plumbing", "open": {"f": 1, "i": 0}, "legend": False},
            ),
            Picture(
                "plumbing-new.svg",
                "f = 0, i = 1: the memory is replaced",
                "lstm",
                {"style": "plumbing", "open": {"f": 0, "i": 1}, "legend": False},
            ),
            Picture("plumbing-gru.svg", "a GRU", "gru", {"style": "plumbing", "open": {"z": 0.3}, "legend": False}),
        ),
        2,
    ),
    Section(
        "More than can be drawn by hand",
        "What two cells have in common is dimmed, what only one has stands out; cotangents flow against the arrows, each "
        "with its formula; weights and shapes are written where they belong; a cell is shown with as much detail as one "
        "wants.",
        (
            Picture("against.svg", "what peepholes add", "lstm", {"against": "peephole_lstm", "legend": False}),
            Picture("backward.svg", "the backward pass", "lstm", {"backward": True, "legend": False}),
            Picture("weights.svg", "weights and shapes", "peephole_lstm", {"show": "values,bias,weights,shapes"}),
            Picture("full.svg", "every product and every sum", "gru", {"detail": "full", "legend": False}),
        ),
        2,
    ),
)


def pictures() -> Iterator[Picture]:
    yield from (picture for section in SECTIONS for picture in section.pictures)


def page() -> str:
    """The text of docs/gallery.md."""
    blocks = [
        "# Gallery",
        "Every picture is drawn from equations by one command, which stands under it. Made anew by "
        "`python docs/make_gallery.py`.",
    ]
    for section in SECTIONS:
        blocks += [f"## {section.title}", section.words, table(section)]
    blocks += ["## Measured", SCORES, scores()]
    return "\n\n".join(blocks) + "\n"


def table(section: Section) -> str:
    """Pictures with their captions and commands, as GitHub shows them."""
    rows, cells = [], [cell(p, 100 // section.columns) for p in section.pictures]
    for k in range(0, len(cells), section.columns):
        rows.append("<tr>\n" + "\n".join(cells[k : k + section.columns]) + "\n</tr>")
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def cell(picture: Picture, width: int) -> str:
    image = f'<img src="gallery/{picture.file}" alt="{picture.words}" width="100%">'
    return f'<td width="{width}%">{image}<br>{picture.words}<br><code>{picture.command}</code></td>'


SCORES = (
    "The rules of a good drawing, measured on ours (`lstmgraph draw CELL --quality` prints all of them). By hand: Olah "
    "1 crossing, Shi Yan 5 in the pipe and 1 in the cell block; bends 0.68 a line; Graphviz's `dot` lays the same graphs "
    "out with the crossings of the third column."
)


def scores() -> str:
    rows: list[tuple[str, ...]] = [("cell", "style", "crossings", "of `dot`", "bends, most", "bends, mean", "outside a gate")]
    for name in library():
        for style in STYLES:
            drawing = load(name).draw(style)
            assert drawing.graph is not None
            case = Case(drawing.scene, drawing.graph, load_theme("default"), style)
            q, broken = case.quality, report(drawing.scene, drawing.graph, load_theme("default"), style).broken
            figures = (str(q.crossings), str(case.rival), str(q.most_bends), f"{q.mean_bends:.2f}")
            rows.append((name, style, *figures, ", ".join(s.rule.words for s in broken) or "none"))
    return piped(rows)


def files() -> dict[Path, str]:
    """Everything that the gallery consists of."""
    return {HERE / "gallery.md": page()} | {HERE / "gallery" / p.file: p.draw() for p in pictures()}


def main(arguments: list[str]) -> int:
    made = files()
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    kept = {path for path in made if path.suffix == ".svg"}
    extra = sorted(set((HERE / "gallery").glob("*.svg")) - kept)
    for path in (*stale, *extra):
        print(path.relative_to(HERE.parent))
    if arguments == ["--check"]:
        return 1 if stale or extra else 0
    (HERE / "gallery").mkdir(exist_ok=True)
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    for path in extra:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
