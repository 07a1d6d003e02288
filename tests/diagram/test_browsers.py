"""Drawings in real browsers: Chromium and Firefox paint what resvg paints, whatever way a picture gets into a page.

Both run headless and take a screenshot; what a page finds out about itself it says with the colour of its background.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import resvg_py
from PIL import Image, ImageChops, ImageFilter, ImageStat

from lstmgraph import load

Shoot = Callable[..., Image.Image]

SAME = 0.0001  # the part of a picture that may differ: less than the shortest wire, more than browsers do (0)

PAGE = "<!doctype html><meta charset=utf-8><style>body{{margin:0}}img,svg{{display:block}}</style><body>{}"
# Every label's text, which is not painted, lies over its glyphs; every id occurs once.
INSPECT = """<script>
const placed = e => {
  const box = e.getBBox(), at = e.getScreenCTM();
  return {left: at.a * box.x + at.e, right: at.a * (box.x + box.width) + at.e,
          top: at.d * box.y + at.f, bottom: at.d * (box.y + box.height) + at.f};
};
const off = [...document.querySelectorAll("svg text")].filter(text => {
  const glyphs = text.previousElementSibling;
  if (!glyphs || glyphs.tagName !== "use") return false;
  const a = placed(glyphs), b = placed(text);
  return Math.abs(a.left + a.right - b.left - b.right) > 6 || a.top > b.bottom || b.top > a.bottom;
});
const ids = [...document.querySelectorAll("svg [id]")].map(e => e.id);
document.body.innerHTML = "";
document.body.style.background = off.length || new Set(ids).size < ids.length || !ids.length ? "#f00" : "#0f0";
</script>"""


@pytest.fixture(params=["chromium", "firefox"])
def shoot(request: pytest.FixtureRequest, tmp_path: Path) -> Shoot:
    """A function that paints a page, or an SVG file, in a browser whose user prefers light, or dark, pages."""
    program = request.getfixturevalue(request.param)
    flags = {"chromium": _chromium, "firefox": _firefox}[request.param]

    def take(text: str, size: tuple[int, int], dark: bool = False) -> Image.Image:
        folder = tmp_path / f"shot-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        file, png = folder / ("page.svg" if text.startswith("<svg") else "page.html"), folder / "page.png"
        file.write_text(text, encoding="utf-8")
        command = [program, "--headless", *flags(folder, dark), f"--screenshot={png}"]
        command += [f"--window-size={size[0]},{size[1]}", file.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return Image.open(png).convert("RGB").crop((0, 0, *size))

    return take


def _chromium(folder: Path, dark: bool) -> list[str]:
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-background-networking"]
    return [*quiet, scheme, f"--user-data-dir={folder / 'profile'}"]


def _firefox(folder: Path, dark: bool) -> list[str]:
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(f'user_pref("ui.systemUsesDarkTheme", {int(dark)});\n', encoding="utf-8")
    return ["--no-remote", "--profile", str(profile)]


def painted(svg: str) -> Image.Image:
    """What resvg makes of it, at a point to a pixel."""
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGB")


def unlike(a: Image.Image, b: Image.Image) -> float:
    """The part of the picture that differs by more than the softness of edges: 0 to 1."""
    soft = [picture.filter(ImageFilter.GaussianBlur(1.5)).convert("L") for picture in (a, b)]
    strong = ImageChops.difference(*soft).point(lambda v: 255 if v > 48 else 0)
    return ImageStat.Stat(strong).mean[0] / 255


def sized(svg: str) -> tuple[int, int]:
    return painted(svg).size


PICTURES = [
    ("lstm", {"style": "pipe"}),
    ("peephole_lstm", {"style": "cell-block", "theme": "shiyan"}),
    ("gru", {"style": "pipe", "theme": "olah", "equations": True}),
    ("slstm", {"style": "cell-block", "theme": "print", "step": 2}),
    ("lstm", {"style": "pipe", "notation": "gamma", "mode": "dark"}),
]


@pytest.mark.parametrize(
    ("cell", "options"), PICTURES, ids=lambda v: v if isinstance(v, str) else "-".join(map(str, v.values()))
)
def test_a_browser_paints_what_a_converter_paints(shoot: Shoot, cell: str, options: dict[str, object]) -> None:
    svg = load(cell).draw(**options).svg  # type: ignore[arg-type]
    assert unlike(shoot(svg, sized(svg)), painted(svg)) < SAME


def test_a_missing_wire_would_be_seen() -> None:
    """The measure is fine enough: without one short wire it is another picture."""
    svg = load("lstm").draw(mode="light").svg
    end = svg.index("</g>", svg.index('node-f"', svg.index("data-to=")))
    start = svg.rindex("<g ", 0, end)
    assert unlike(painted(svg[:start] + svg[end + 4 :]), painted(svg)) > SAME


def test_a_browser_shows_the_palette_that_its_user_prefers(shoot: Shoot) -> None:
    cell = load("lstm")
    auto, light, dark = (cell.draw(mode=mode).svg for mode in ("auto", "light", "dark"))
    size = sized(auto)
    assert unlike(shoot(auto, size), painted(light)) < SAME
    assert unlike(shoot(auto, size, dark=True), painted(dark)) < SAME
    assert unlike(painted(light), painted(dark)) > 0.5


def test_it_is_the_same_as_an_image_in_a_page(shoot: Shoot) -> None:
    """As a README on the web shows it: no script, no style of the page reaches into an <img>."""
    svg = load("gru").draw(mode="auto").svg
    width, height = sized(svg)
    from base64 import b64encode

    image = f'<img src="data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}">'
    assert unlike(shoot(PAGE.format(image), (width, height)), painted(svg)) < SAME


def test_two_drawings_in_one_page_keep_to_themselves(shoot: Shoot) -> None:
    """Their ids and classes do not meet: a light one stays light beside a dark one."""
    cell = load("lstm")
    light, dark = cell.draw("pipe", mode="light").svg, cell.draw("cell-block", mode="dark").svg
    (width, height), (other, more) = sized(light), sized(dark)
    boxes = "".join(f'<div style="height:{h}px">{svg}</div>' for svg, h in ((light, height), (dark, more)))
    page = shoot(PAGE.format(boxes), (max(width, other), height + more))
    assert unlike(page.crop((0, 0, width, height - 1)), painted(light).crop((0, 0, width, height - 1))) < SAME
    last = more - 1  # the last row of pixels is half white where the height is no whole number
    assert unlike(page.crop((0, height, other, height + last)), painted(dark).crop((0, 0, other, last))) < SAME


def test_the_text_of_a_label_lies_over_its_glyphs(shoot: Shoot) -> None:
    page = load("peephole_lstm").draw("pipe").svg + load("peephole_lstm").draw("cell-block").svg
    assert shoot(PAGE.format(page + INSPECT), (60, 60)).getpixel((30, 30)) == (0, 255, 0)
    doubled = load("lstm").draw().svg * 2  # the same ids twice: the page must notice
    assert shoot(PAGE.format(doubled + INSPECT), (60, 60)).getpixel((30, 30)) == (255, 0, 0)
