"""TikZ: text stays clear of other text, of lines and of outlines, in the fonts of LaTeX and not only in ours.

Drawings are compiled as one document, a page for each, and the boxes of its letters are read from the PDF.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from lstmgraph import load
from lstmgraph.diagram.boxes import gap, inside, node_box
from lstmgraph.diagram.ground import of_wire
from lstmgraph.diagram.scene import Box, Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.writers.svg import legend_labels
from lstmgraph.diagram.writers.tikz import write_tex
from tests.tex import compiled

pdfium = pytest.importorskip("pypdfium2")

DRAWINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "forward": ("lstm", {"style": "pipe"}),
    "cell-block": ("slstm", {"style": "cell-block"}),
    "backward": ("gru", {"style": "cell-block", "backward": True}),
    "backward, pipe": ("slstm", {"style": "pipe", "backward": True}),
    "against": ("lstm", {"against": "gru"}),
    "against, one inside the other": ("lstm", {"against": "peephole_lstm", "equations": True}),
    "sheet": ("lstm", {"walk": "gamma", "sheet": True}),
    "sheet in its notation": ("lstm", {"walk": "gamma", "notation": "gamma", "sheet": True}),
    "show all": ("lstm", {"show": "all"}),
    "show all, print": ("peephole_lstm", {"theme": "print", "show": "all"}),
    "print, stages": ("gru", {"theme": "print", "order": True}),
    "water": ("lstm", {"style": "plumbing", "open": {"f": 1.0}}),
}
INK = 0.4  # a slanted letter leans over the next
UNDER = 0.35  # so much of an index may be under the letter that it belongs to
CIRCLE = "O"  # what is in one
CLEAR = 0.5  # between a letter and what it does not belong to
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
SKIP = frozenset("\x02\r\n ")


class Glyph(NamedTuple):
    letter: str
    box: Box
    size: float


class Page(NamedTuple):
    scene: Scene
    words: Counter[str]
    glyphs: list[Glyph]


@cache
def drawn() -> dict[str, Scene]:
    return {title: load(cell).draw(**choices).scene for title, (cell, choices) in DRAWINGS.items()}


def document(scenes: list[Scene]) -> str:
    """One document with a page for each scene, which stands in its upper left corner."""
    width, height = (max(s.size[k] for s in scenes) for k in (0, 1))
    largest = Scene("", "", "", (width, height), (), (), (), (), ())
    head, tail = write_tex(largest, load_theme("default")).split("\\begin{document}")
    pictures = [write_tex(s, load_theme("default")).partition("\\begin{document}")[2] for s in scenes]
    pictures = [picture.replace("\\end{document}", "") for picture in pictures]
    assert "\\end{document}" in tail
    return head + "\\begin{document}" + "\\newpage\n".join(pictures) + "\\end{document}\n"


@pytest.fixture(scope="module", params=["pdflatex", "lualatex"])
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    folder = tmp_path_factory.mktemp("tex")
    scenes = drawn()
    compiled(request.param, folder, document(list(scenes.values())))
    with pdfium.PdfDocument(folder / "paper.pdf") as pdf:
        assert len(pdf) == len(scenes)
        read = [_read(pdf[k]) for k in range(len(pdf))]
    return {title: Page(scene, *found) for (title, scene), found in zip(scenes.items(), read, strict=True)}


def _read(page: Any) -> tuple[Counter[str], list[Glyph]]:
    """The words of a page, and its letters in boxes, y down."""
    text, high = page.get_textpage(), page.get_height()
    whole = unicodedata.normalize("NFKC", text.get_text_range())
    glyphs = []
    for k in range(text.count_chars()):
        letter = text.get_text_range(k, 1)
        left, bottom, right, top = text.get_charbox(k)
        if letter not in SKIP and right > left and top > bottom:
            size = pdfium.raw.FPDFText_GetFontSize(text, k)
            glyphs.append(Glyph(letter, Box(left, high - top, right, high - bottom), round(size, 1)))
    return Counter(whole.split()), glyphs


def near(pieces: list[Glyph], reach: float = 20.0) -> Iterator[tuple[Glyph, Glyph]]:
    """Pairs that can touch, found along the page from left to right."""
    ordered = sorted(pieces, key=lambda g: g.box.left)
    for k, one in enumerate(ordered):
        for other in ordered[k + 1 :]:
            if other.box.left > one.box.right + reach:
                break
            yield one, other


def on_another(one: Glyph, other: Glyph) -> bool:
    """Whether they have more in common than a letter and its index."""
    a, b = one.box, other.box
    wide, high = min(a.right, b.right) - max(a.left, b.left), min(a.bottom, b.bottom) - max(a.top, b.top)
    if min(wide, high) <= INK or (one.letter == CIRCLE and inside(b, a)):
        return False
    least = min((box.right - box.left) * (box.bottom - box.top) for box in (a, b))
    return one.size == other.size or wide * high > UNDER * least


@pytest.mark.tex
@pytest.mark.parametrize("title", DRAWINGS)
def test_no_letter_stands_on_another(pages: dict[str, Page], title: str) -> None:
    glyphs = pages[title].glyphs
    assert glyphs
    assert [(a, b) for a, b in near(glyphs) if on_another(a, b)] == []


@pytest.mark.tex
@pytest.mark.parametrize("title", DRAWINGS)
def test_words_are_whole_and_apart(pages: dict[str, Page], title: str) -> None:
    """Every word of every label is one of the page's: nothing runs into it, in its line or from another label."""
    scene, words, _ = pages[title]
    every = [*scene.labels, *(x for g in scene.legend for x in legend_labels(g))]
    text = " ".join(x.text for x in every if not x.math).replace("_", " ").replace("'", APOSTROPHE)
    wanted = Counter(w for w in text.split() if w.replace(APOSTROPHE, "").isascii())
    assert wanted
    assert dict(wanted - words) == {}


@pytest.mark.tex
@pytest.mark.parametrize("title", DRAWINGS)
def test_letters_are_clear_of_lines_and_outlines(pages: dict[str, Page], title: str) -> None:
    """A letter is in a node or outside of it, and on no line."""
    scene, _, glyphs = pages[title]
    lines = [box for wire in (*scene.wires, *scene.trunks) for box in of_wire(wire)]
    nodes = [node_box(n) for n in scene.nodes]
    outside = [g for g in glyphs if not any(inside(g.box, box) for box in nodes)]
    across = [g for g in outside if any(gap(g.box, box) < CLEAR for box in nodes)]
    on = [g for g in outside if any(gap(g.box, line) < CLEAR for line in lines)]
    assert (across, on) == ([], [])


@pytest.mark.tex
@pytest.mark.parametrize("title", DRAWINGS)
def test_letters_are_on_the_page(pages: dict[str, Page], title: str) -> None:
    scene, _, glyphs = pages[title]
    page = Box(1, 1, scene.size[0] - 1, scene.size[1] - 1)
    assert [g for g in glyphs if not inside(g.box, page)] == []
