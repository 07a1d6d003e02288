"""PDF: our SVG as vectors on a page of its size, by fpdf2, and over it the text of the labels.

fpdf2 reads the shapes of the SVG, so that both formats show the same picture whatever a scene holds.  Labels are
outlines there as here; their text is laid over them invisibly, in Unicode, to be searched, selected and copied.
The bytes depend on nothing but the scene and the theme.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import Theme
from lstmgraph.diagram.writers.svg import write_svg
from lstmgraph.errors import MissingExtra

SVG = "{http://www.w3.org/2000/svg}"
WORDS = {f"{SVG}text", f"{SVG}title", f"{SVG}desc"}
FONT = "STIX"
MADE = datetime(2000, 1, 1, tzinfo=UTC)  # a date must be there, and the same drawing is the same file


def write_pdf(scene: Scene, theme: Theme, mode: str = "auto") -> bytes:
    """The scene as a PDF of one page, a point to the unit.  `mode`: "dark" for the dark palette, else the light one.

    Raises MissingExtra where fpdf2 is not installed.
    """
    fpdf = _fpdf()
    root = ElementTree.fromstring(write_svg(scene, theme, "dark" if mode == "dark" else "light"))
    texts = list(root.iter(f"{SVG}text"))
    _without_words(root)
    with _quiet():
        pdf = _page(fpdf, scene)
        fpdf.svg.SVGObject(ElementTree.tostring(root, encoding="unicode")).draw_to_page(pdf, 0, 0)
        for text in texts:
            _lay(pdf, fpdf, text)
        return bytes(pdf.output())


def _fpdf() -> Any:
    try:
        found = import_module("fpdf")
        import_module("fpdf.svg")
    except ImportError:
        hint = "pip install 'lstmgraph[images]'"
        raise MissingExtra("a PDF needs the package fpdf2, which is not installed", hint=hint) from None
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """A letter that the font lacks is no matter for a user: it is invisible."""
    loggers = [logging.getLogger(name) for name in ("fpdf", "fontTools")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _page(fpdf: Any, scene: Scene) -> Any:
    pdf = fpdf.FPDF(unit="pt", format=scene.size)
    pdf.set_margin(0)
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(MADE)
    pdf.set_title(scene.title)
    pdf.set_subject(scene.description)
    pdf.set_creator("lstmgraph")
    pdf.set_lang("en")
    pdf.add_font(FONT, fname=_font())
    pdf.add_page()
    return pdf


def _font() -> Path:
    """The file of the font that sets the labels; the package that has it need not be imported."""
    spec = find_spec("ziamath")
    if spec is None or spec.origin is None:
        raise MissingExtra("ziamath, which has the font, is not installed", hint="pip install ziamath")
    return Path(spec.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def _without_words(root: Element) -> None:
    """Leave the shapes only."""
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in WORDS]:
            parent.remove(child)


def _lay(pdf: Any, fpdf: Any, text: Element) -> None:
    """A label's text: invisible and as wide as its outline, or, where there is no outline, for all to see."""
    words, wide = text.text or "", text.get("textLength")
    if not words.strip():
        return
    pdf.set_font(FONT, size=float(text.get("font-size", "0")))
    pdf.set_stretching(100)
    if wide:
        pdf.text_mode = fpdf.TextMode.INVISIBLE
        pdf.set_stretching(100 * float(wide) / (pdf.get_string_width(words) or float(wide)))
    else:
        pdf.text_mode = fpdf.TextMode.FILL
        pdf.set_text_color(text.get("fill"))
    pdf.text(float(text.get("x", "0")), float(text.get("y", "0")), words)
