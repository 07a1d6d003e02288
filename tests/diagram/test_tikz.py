"""TikZ: it compiles with pdflatex and lualatex, alone and in a paper, and draws what the scene says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstmgraph import load
from lstmgraph.diagram.outline import OUTLINE
from lstmgraph.diagram.path import is_straight
from lstmgraph.diagram.scene import Label, Point, Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.typeset import number
from lstmgraph.diagram.writers.latex import math_of, words_of
from lstmgraph.diagram.writers.tikz import write_tex, write_tikz
from tests.tex import compiled

PAPER = r"""\documentclass{article}
\usepackage{tikz, amsmath}
\usepackage[paperwidth=3000bp, paperheight=3000bp, margin=20bp]{geometry}
\begin{document}
%s
\resizebox{0.2\columnwidth}{!}{\input{picture0.tikz}}
\end{document}
"""
DRAWINGS: list[tuple[str, dict[str, Any]]] = [
    ("lstm", {}),
    ("peephole_lstm", {"style": "cell-block", "equations": True}),
    ("gru", {"step": 1, "mode": "dark"}),
    ("slstm", {"theme": "shiyan"}),
    ("lstm", {"notation": "gamma", "theme": "print", "step": 2}),
    ("gru_reset_after", {"theme": "olah"}),
]
NASTY = r"100% {of} x_1 & y^2 ~ #1 \foo $5 <|> " + '"σ ≤ Σ √ cₜ₋₁" é ж 月'
COORDINATES = re.compile(r"\((-?[\d.]+),(-?[\d.]+)\)")


def drawn(name: str = "lstm", **choices: Any) -> Scene:
    return load(name).draw(**choices).scene


def lines(text: str, start: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(start)]


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_pictures_go_into_a_paper(engine: str, tmp_path: Path) -> None:
    scenes = [(drawn(name, **choices), choices) for name, choices in DRAWINGS]
    for k, (scene, choices) in enumerate(scenes):
        theme = load_theme(str(choices.get("theme", "default")))
        text = write_tikz(scene, theme, str(choices.get("mode", "auto")))
        (tmp_path / f"picture{k}.tikz").write_text(text, encoding="utf-8")
    inputs = "\n\n".join(
        f"{{\\input{{picture{k}.tikz}}}}" for k in range(len(scenes))
    )  # each in a group, as in a float
    log = compiled(engine, tmp_path, PAPER % inputs)
    assert "Missing character" not in log
    assert "pages," in log or "page," in log


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_a_document_is_one_page_as_large_as_the_picture(engine: str, tmp_path: Path) -> None:
    log = compiled(engine, tmp_path, write_tex(drawn("lstm", style="cell-block"), load_theme("default")))
    assert "(1 page," in log
    assert "Overfull" not in log


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_any_words_compile(engine: str, tmp_path: Path) -> None:
    scene = drawn()
    odd = [Label(NASTY, Point(50, 50), 10, math=False), Label("}{", Point(50, 80), 10), Label("a % b", Point(9, 9), 9)]
    compiled(engine, tmp_path, write_tex(replace(scene, title=NASTY, labels=tuple(odd)), load_theme("default")))


def test_labels_are_latex() -> None:
    assert math_of(r"\tilde{c}_{t}") == r"$\tilde{c}_{t}$"
    assert math_of("σ_t") == r"$\sigma _t$"
    assert math_of(r"\bar{h}_t:") == r"$\bar{h}_t{:}$"
    assert math_of("a}b") == r"a\}b"
    assert words_of("50% of a_b") == r"50\% of a\_b"
    assert words_of("cₜ₋₁ ≤ σ") == r"c${}_{t}$${}_{-}$${}_{1}$ $\leq$ $\sigma$"
    assert words_of("Ж") == "?"


@pytest.mark.tex
def test_a_label_too_wide_in_the_fonts_of_the_document_is_smaller_and_its_node_as_wide(tmp_path: Path) -> None:
    (node,) = (n for n in drawn().nodes if n.id == "c[t-1]")
    alone = replace(drawn(), nodes=(node,), wires=(), trunks=(), dots=(), labels=(), legend=())
    picture = write_tikz(alone, load_theme("default"))
    assert rf"\fit{{{number(0.8 * node.width)}bp}}{{$c_{{t-1}}$}}" in picture
    measured = r"\path let \p1=(c-t-1.west), \p2=(c-t-1.east) in \pgfextra{\typeout{WIDTH \the\dimexpr\x2-\x1\relax}};"
    picture = picture.replace(r"\end{tikzpicture}", measured + "\n\\end{tikzpicture}")
    picture = picture.replace(r"\resizebox{#1}", r"\typeout{SET #1}\resizebox{#1}")
    wide = picture.replace("{$c_{t-1}$}", "{$WWWWWWWWWW$}")
    paper = PAPER.replace(r"\resizebox{0.2\columnwidth}{!}{\input{picture0.tikz}}", "")
    log = compiled("pdflatex", tmp_path, paper % (r"\usetikzlibrary{calc}" + picture + wide))
    assert re.findall(r"SET ([\d.]+)bp", log) == [number(0.8 * node.width)]
    widths = [float(width) for width in re.findall(r"WIDTH ([\d.]+)pt", log)]
    assert widths == [pytest.approx((node.width + OUTLINE) * 72.27 / 72, abs=0.1)] * 2


def test_one_line_for_each_wire_and_node() -> None:
    scene = drawn()
    text = write_tikz(scene, load_theme("default"))
    wires = lines(text, r"\draw")
    assert len(wires) == len(scene.wires) + len(scene.trunks)
    names = re.findall(r"\(([A-Za-z0-9-]+)\) at ", text)
    samples = [e.sample for g in scene.legend for e in g.entries]
    assert len(names) == len(set(names)) == len(scene.nodes) + len(samples)
    assert r"(c-t-1) at (32," in text
    alike = tuple(replace(n, id=id) for n, id in zip(scene.nodes, ("a[t]", "a(t)", "a.t"), strict=False))
    text = write_tikz(replace(scene, nodes=alike, wires=(), trunks=(), legend=()), load_theme("default"))
    assert re.findall(r"\(([A-Za-z0-9-]+)\) at ", text) == ["a-t", "a-t-2", "a-t-3"]


def test_routes_are_the_scene_s() -> None:
    """Every coordinate is one of the route's, the curves are all there, and the line ends at the arrowhead's tip."""
    scene = drawn("slstm")
    wires = sorted(scene.wires, key=lambda w: w.lit)
    made = lines(write_tikz(replace(scene, trunks=()), load_theme("default")), r"\draw")
    for line, wire in zip(made, wires, strict=True):
        given = {(float(x), float(y)) for x, y in COORDINATES.findall(line)}
        known = {(round(p.x, 2), round(p.y, 2)) for p in (*wire.route, wire.points[-1])}
        assert given <= known
        pieces = [wire.route[k - 1 : k + 3] for k in range(1, len(wire.route), 3)]
        curves = [p for p in pieces if not is_straight(p)]
        assert line.count("controls") == len(curves)
        assert {(round(p.x, 2), round(p.y, 2)) for curve in curves for p in curve} <= given
        assert COORDINATES.findall(line.partition(";")[0])[-1] == tuple(map(number, wire.points[-1]))


def test_dimmed_and_dashed_parts_have_styles_of_their_own() -> None:
    text = write_tikz(drawn("gru", step=1), load_theme("default"))
    dimmed = load_theme("default").light.dimmed
    assert f"{{HTML}}{{{dimmed.stroke.lstrip('#').upper()}}}" in text
    assert lines(text, r"\draw[dimmed wire")
    assert lines(text, r"\draw[input wire")
    assert "dash pattern" not in text
    assert "dash pattern=on 6.4bp off 4.4bp" in write_tikz(drawn("lstm", style="cell-block"), load_theme("default"))


def test_only_a_coloured_background_is_painted() -> None:
    scene = drawn()
    assert "[page]" not in write_tikz(scene, load_theme("default"))
    assert r"\fill[page]" in write_tikz(scene, load_theme("default"), "dark")
