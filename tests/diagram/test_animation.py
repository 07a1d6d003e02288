"""Animated SVG: one file that shows each step in its turn, and without animation the whole cell."""

from __future__ import annotations

import io
import re
import subprocess
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import resvg_py
from PIL import Image

from lstmgraph import load
from lstmgraph.diagram.scene import Label, Point, Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.writers.animation import animate
from lstmgraph.diagram.writers.svg import write_svg
from lstmgraph.errors import UsageError

SVG = "{http://www.w3.org/2000/svg}"
THEME = load_theme("default")
CAPTIONS = ("Forget gate", "Candidate", "Input gate", "New memory", "Squashed memory", "Output gate", "Output")


@cache
def frames(style: str = "pipe", legend: bool = False) -> tuple[Scene, ...]:
    cell = load("lstm")
    count = len(next(iter(cell.all_walks.values())))
    return tuple(cell.draw(style=style, step=k, legend=legend).scene for k in range(1, count + 1))


def parsed(text: str) -> Element:
    return ElementTree.fromstring(text)


def opacities(text: str) -> dict[str, list[tuple[float, int]]]:
    """Class -> the keyframes of its animation."""
    found = {}
    for name, body in re.findall(r"@keyframes ([\w-]+)\{((?:[\d.]+%\{opacity:[01]\})+)\}", text):
        found[name] = [(float(at), int(value)) for at, value in re.findall(r"([\d.]+)%\{opacity:([01])\}", body)]
    return found


def opacity(keyframes: list[tuple[float, int]], percent: float) -> float:
    (before, low), (after, high) = next((a, b) for a, b in pairwise(keyframes) if a[0] <= percent <= b[0])
    return low + (high - low) * (percent - before) / (after - before)


def test_each_step_is_shown_in_its_turn() -> None:
    """In the middle of a frame, just the groups of that frame are seen."""
    text = animate(frames(), CAPTIONS, THEME)
    for name, keyframes in opacities(text).items():
        numbers = {int(n) for n in name.partition("-steps-")[2].split("-")}
        assert [at for at, _ in keyframes] == sorted(at for at, _ in keyframes)
        assert keyframes[0][1] == keyframes[-1][1], "the last frame goes over into the first"
        for k in range(1, 8):
            assert opacity(keyframes, 100 * (k - 0.5) / 7) == (k in numbers)
    assert f"{2 * len(CAPTIONS)}s linear infinite" in text


def test_what_is_lit_in_a_frame_is_in_its_groups() -> None:
    root = parsed(animate(frames(), CAPTIONS, THEME))
    groups = [(g.get("class", "").partition("-steps-")[2].split("-"), g) for g in root.iter(f"{SVG}g")]
    always = set.intersection(*({n.id for n in s.nodes if n.lit} for s in frames()))
    for k, scene in enumerate(frames(), 1):
        mine = [g for numbers, g in groups if str(k) in numbers]
        drawn = [e for g in mine for e in g if e.get("class", "").startswith("node ")]
        assert len(drawn) == len({n.id for n in scene.nodes if n.lit} - always)


def test_motion_only_where_it_is_welcome_and_no_scripts() -> None:
    text = animate(frames(), CAPTIONS, THEME)
    outside = re.sub(r"@media \(prefers-reduced-motion: no-preference\)\{.*?\}\}\}", "", text)
    assert "animation:" not in outside
    assert "@keyframes" not in outside
    assert "<script" not in text
    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media" not in animate(frames(), CAPTIONS, THEME, "dark").replace("prefers-reduced-motion", "").replace(
        "@media (: no-preference)", ""
    )


def test_ids_are_there_once_and_references_hold() -> None:
    root = parsed(animate(frames(legend=True), CAPTIONS, THEME))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for name in ("data-from", "data-to"):
            assert element.get(name) is None or element.get(name) in ids
        if element.tag == f"{SVG}use":
            assert element.get("href", "").removeprefix("#") in ids


def test_copies_say_nothing() -> None:
    root = parsed(animate(frames(), CAPTIONS, THEME))
    for group in root.iter(f"{SVG}g"):
        if "-steps-" in group.get("class", ""):
            assert group.get("aria-hidden") == "true"
            assert not [e for e in group.iter() if e.tag in (f"{SVG}text", f"{SVG}title")]
    desc = root.find(f"{SVG}desc")
    assert desc is not None
    assert (desc.text or "").endswith(f" Shown in turn: {'; '.join(CAPTIONS)}.")


def test_it_is_smaller_than_two_and_a_half_pictures() -> None:
    assert len(animate(frames(), CAPTIONS, THEME)) < 2.5 * len(write_svg(frames()[0], THEME))


def test_labels_that_only_some_frames_have_are_theirs() -> None:
    """Equations beside the picture, say: seen in their frames, and in none of them in a still picture."""
    scenes = [
        replace(s, labels=(*s.labels, Label(f"k = {k}", Point(60, 20), 12))) for k, s in enumerate(frames()[:3], 1)
    ]
    root = parsed(animate(scenes, (), THEME))
    hidden = [g for g in root.iter(f"{SVG}g") if g.get("opacity") == "0"]
    assert [g.get("class", "").partition("-steps-")[2] for g in hidden] == ["1", "2", "3"]


def test_a_caption_for_each_scene() -> None:
    with pytest.raises(UsageError, match="7 scenes"):
        animate(frames(), ("one",), THEME)
    with pytest.raises(UsageError, match="0 scenes"):
        animate((), (), THEME)


def test_without_animation_the_whole_cell_is_seen() -> None:
    """A converter knows no animation: it paints every part as if it were lit."""
    whole = replace(load("lstm").draw(legend=False, notation="gamma").scene, title="LSTM")
    stills = [replace(s, title="LSTM") for s in frames()]
    pictures = [
        np.asarray(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=text)))).convert("L"), dtype=int)
        for text in (animate(stills, (), THEME), write_svg(whole, THEME))
    ]
    assert pictures[0].shape == pictures[1].shape
    assert np.mean(abs(pictures[0] - pictures[1]) > 60) < 0.001


def shot(chromium: str, folder: Path, text: str) -> bytes:
    file, png = folder / "picture.svg", folder / "picture.png"
    file.write_text(text, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={png}", "--window-size=700,560"]
    subprocess.run([chromium, *flags, f"--user-data-dir={folder / 'profile'}", file.as_uri()],
                   check=True, capture_output=True, timeout=120)  # fmt: skip
    return png.read_bytes()


@pytest.mark.chromium
def test_a_browser_shows_the_frames(chromium: str, tmp_path: Path) -> None:
    """Stopped in two frames: two pictures; in one frame, at two times: the same."""
    text = animate(frames(), CAPTIONS, THEME, "light")
    stopped = [
        shot(chromium, tmp_path, text.replace("linear infinite", f"linear -{t}s infinite paused")) for t in (1, 1.5, 7)
    ]
    assert stopped[0] == stopped[1] != stopped[2]
