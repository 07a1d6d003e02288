"""The gallery and README's pictures are what is drawn now; `python docs/make_gallery.py` makes them anew."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from docs import make_gallery

ROOT = Path(__file__).parents[1]


def essence(text: str) -> str:
    """All of a picture but the outlines of its glyphs, which may differ between versions of the typesetter."""
    return re.sub(r"<defs>.*?</defs>", "", text, flags=re.DOTALL)


@cache
def drawn() -> dict[Path, str]:
    return make_gallery.files()


@pytest.mark.dot
def test_every_picture_is_current() -> None:
    assert len(drawn()) > 80
    stale = [
        path.name
        for path, text in drawn().items()
        if not path.is_file()
        or (make_gallery.is_ours(path) and essence(path.read_text(encoding="utf-8")) != essence(text))
    ]
    assert stale == []
    assert set((ROOT / "docs" / "gallery").iterdir()) == {path for path in drawn() if path.suffix == ".svg"}


def test_a_picture_that_changed_is_noticed() -> None:
    svg = '<svg><path d="M0 0L9 0"/><defs><path id="g" d="m1 1z"/></defs><use href="#g"/><text x="1">f</text></svg>'
    assert essence(svg) != essence(svg.replace("L9 0", "L8 0"))
    assert essence(svg) != essence(svg.replace("f<", "g<"))
    assert essence(svg) == essence(svg.replace("m1 1", "m1 2"))


def test_every_command_of_the_page_is_one() -> None:
    """The commands under the pictures are spelt as the command line reads them."""
    from click.testing import CliRunner

    from lstmgraph.cli.draw import command

    for section in make_gallery.sections():
        for picture in make_gallery.pictures(section):
            words = make_gallery.command(picture).split()[2:]
            context = command.make_context("draw", words)
            assert context.params["name"] == picture["cell"]
    assert CliRunner().invoke(command, ["--nosuch"]).exit_code == 2


def test_pictures_of_the_readme_are_of_the_gallery() -> None:
    shown = re.findall(r'src="docs/(gallery/[^"]+)"', (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(shown) == 3
    assert all((ROOT / "docs" / file).is_file() for file in shown)
