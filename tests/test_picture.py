"""README's picture is what is drawn now; `lstmgraph draw peephole_lstm -o docs/peephole_lstm.svg` makes it anew."""

import re
from pathlib import Path

import lstmgraph

PICTURE = Path(__file__).parents[1] / "docs" / "peephole_lstm.svg"


def wires_and_words(svg: str) -> tuple[list[str], str]:
    """What is connected to what and how it is described; glyphs may differ between versions of the typesetter."""
    description = re.search(r"<desc[^>]*>(.*?)</desc>", svg, re.DOTALL)
    assert description
    return re.findall(r'data-from="[^"]*" data-to="[^"]*"', svg), description[1]


def test_the_picture_is_current() -> None:
    drawn = wires_and_words(lstmgraph.load("peephole_lstm").draw().svg)
    assert len(drawn[0]) > 20
    assert wires_and_words(PICTURE.read_text(encoding="utf-8")) == drawn
