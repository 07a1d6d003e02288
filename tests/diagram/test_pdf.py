"""PDF: the picture of the PNG in vectors, with text that can be found, and always the same bytes."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.typeset import Typeset, measure, plain_text
from lstmgraph.diagram.writers import svg
from lstmgraph.diagram.writers.pdf import write_pdf
from lstmgraph.diagram.writers.png import SCALE, write_png
from lstmgraph.errors import MissingExtra
from tests.diagram.demo import lstm as scene

Image, ImageChops = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageChops")
pdfium = pytest.importorskip("pypdfium2")
pytest.importorskip("fpdf")

THEME = load_theme("default")
AGAIN = """
import hashlib
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.writers.pdf import write_pdf
from tests.diagram.demo import lstm as scene
print(hashlib.sha256(write_pdf(scene(), load_theme("default"))).hexdigest())
"""


def page(pdf: bytes) -> Any:
    document = pdfium.PdfDocument(pdf)
    assert len(document) == 1
    return document[0]


def text(pdf: bytes) -> str:
    return " ".join(page(pdf).get_textpage().get_text_bounded().split())


@pytest.mark.parametrize(("theme", "mode"), [("default", "light"), ("default", "dark"), ("shiyan", "light")])
def test_it_looks_like_the_png(theme: str, mode: str) -> None:
    """Soft edges may differ a little; no pixel differs as it would if something were missing or elsewhere."""
    drawn = scene(dashed=True, lit=frozenset({"x[t]", "h[t-1]", "c[t-1]", "f[t]", "sum f", "f*c"}))
    png = Image.open(io.BytesIO(write_png(drawn, load_theme(theme), mode))).convert("RGB")
    pdf = page(write_pdf(drawn, load_theme(theme), mode)).render(scale=SCALE).to_pil().convert("RGB")
    assert pdf.size == png.size
    counts = ImageChops.difference(png, pdf).convert("L").histogram()
    assert sum(counts[96:]) <= 2e-5 * sum(counts)
    assert sum(k * n for k, n in enumerate(counts)) / sum(counts) < 0.5


def test_the_page_has_the_size_of_the_scene_and_the_file_its_title() -> None:
    pdf = write_pdf(scene(), THEME)
    assert page(pdf).get_size() == pytest.approx(scene().size, abs=0.01)
    found = pdfium.PdfDocument(pdf).get_metadata_dict()
    assert found["Title"] == scene().title
    assert found["Subject"] == scene().description


def test_text_can_be_searched_where_it_stands() -> None:
    pdf = write_pdf(scene(), THEME)
    for label in ("c_(t-1)", "h_t", "σ", "tanh", "×"):
        assert label in text(pdf)
    node = next(n for n in scene().nodes if n.id == "c[t-1]")
    words = page(pdf).get_textpage()
    index, _ = words.search("c_(t-1)").get_next()
    left, bottom, right, top = words.get_charbox(index)
    height = scene().size[1]
    assert node.at.x - node.width / 2 < left < right < node.at.x + node.width / 2
    assert node.at.y - node.height / 2 < height - top < height - bottom < node.at.y + node.height / 2


@pytest.mark.parametrize("words", ["c_{t-1}", r"\tanh"])
def test_text_is_as_wide_as_its_outline(words: str) -> None:
    """What is selected is what is seen: the letters, whatever their own widths, fill the label from end to end."""
    drawn = scene()
    label = next(n.label for n in drawn.nodes if n.label and n.label.text == words)
    found = page(write_pdf(replace(drawn, wires=(), legend=()), THEME)).get_textpage()
    index, count = found.search(plain_text(words)).get_next()
    left, right = found.get_charbox(index, loose=True)[0], found.get_charbox(index + count - 1, loose=True)[2]
    assert right - left == pytest.approx(measure(label)[0], abs=0.6)
    assert (left + right) / 2 == pytest.approx(label.at.x, abs=0.5)


def test_it_says_its_language() -> None:
    """Without one, a screen reader would read the titles in that of its user."""
    assert b"/Lang (en)" in write_pdf(scene(), THEME)


def test_shapes_are_vectors() -> None:
    kinds = {found.type for found in page(write_pdf(scene(), THEME)).get_objects()}
    assert pdfium.raw.FPDF_PAGEOBJ_PATH in kinds
    assert pdfium.raw.FPDF_PAGEOBJ_IMAGE not in kinds


def test_the_same_drawing_is_the_same_file() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, text=True, check=True, env=env).stdout
        for env in (
            {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": "."}
            for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
        )
    ]
    assert len(runs[0]) > 60
    assert runs[0] == runs[1]


def test_a_label_without_an_outline_is_written_for_all_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the page is not the same as without that label."""
    drawn = scene()

    def unset(words: str, size: float, _: bool = True) -> Typeset:
        return Typeset(30, size, size, (), words)

    monkeypatch.setattr(svg, "typeset", unset)
    with_labels, without = (picture(replace(drawn, labels=labels)) for labels in (drawn.labels, ()))
    assert ImageChops.difference(with_labels, without).getbbox()


def picture(drawn: Scene) -> Any:
    return page(write_pdf(drawn, THEME)).render(scale=1).to_pil().convert("RGB")


def test_letters_that_the_font_lacks_do_not_stop_it() -> None:
    drawn = scene()
    label = replace(drawn.labels[0], text="層 \x00", math=False)
    assert write_pdf(replace(drawn, labels=(label,), title="層"), THEME).startswith(b"%PDF")


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(MissingExtra, match="fpdf2") as caught:
        write_pdf(scene(), THEME)
    assert "lstmgraph[images]" in caught.value.hint
