"""Labels become outlines of a known size, whatever is written in them."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.outlines import LETTERS, cell_labels, labels
from benchmarks.pieces import tokens
from lstmgraph.diagram import typeset as module
from lstmgraph.diagram.scene import Label, Point
from lstmgraph.diagram.typeset import Typeset, _drawn, measure, number, outlines, plain_text, typeset
from lstmgraph.diagram.typeset.composing import composed
from lstmgraph.diagram.typeset.outlines import known_letter, known_math
from lstmgraph.diagram.typeset.setting import set_letter, set_math
from lstmgraph.notation.letters import GREEK
from lstmgraph.reading import load

UNICODE = {
    "h_{t-1}": "h_(t-1)",
    r"\tilde{C}_t": "C̃_t",
    r"a^{\langle t-1\rangle}": "a⟨t-1⟩",
    r"\Gamma_f^{\langle t\rangle}": "Γ_f⟨t⟩",
    r"\sigma": "σ",
    r"\tanh": "tanh",
    r"\times": "×",
    r"\odot": "⊙",
    "1-": "1-",
    r"\sum": "Σ",
    r"\bar h": "h̄",
    r"\mathrm{gate}_{in}": "gate_in",
    r"\mathrm{hard tanh}": "hardtanh",
    r"\operatorname{softmax}": "softmax",
    r"\mathbf{W}_{rec}": "W_rec",
    "x^2": "x²",
    "W_f": "W_f",
    r"c_{t}^{\prime}": "c_t′",
    "a < b & c": "a < b & c",
    "": "",
}


def extent(label: Typeset, size: float) -> tuple[float, float, float, float]:
    """The box of all points of a label's glyphs, control points included."""
    xs, ys = zip(*(point for glyph in label.glyphs for point in points(*glyph)), strict=True)
    return tuple(side * size / 1000 for side in (min(xs), min(ys), max(xs), max(ys)))


def points(path: str, at_x: int, at_y: int) -> Iterator[tuple[float, float]]:
    """The points of relative path data, drawn there."""
    x, y = float(at_x), float(at_y)
    start = x, y
    for name, arguments in re.findall(r"([mlqcz])([^mlqcz]*)", path):
        numbers = [float(n) for n in re.findall(r"-?\d+", arguments)]
        step = {"m": 2, "l": 2, "q": 4, "c": 6, "z": 1}[name]
        for k in range(0, len(numbers), step):
            piece = numbers[k : k + step]
            yield from ((x + dx, y + dy) for dx, dy in zip(piece[::2], piece[1::2], strict=True))
            x, y = x + piece[-2], y + piece[-1]
        if name == "m":
            start = x, y
        if name == "z":
            x, y = start


@pytest.mark.parametrize("latex", [latex for latex in UNICODE if latex])
def test_the_ink_fills_its_box(latex: str) -> None:
    label = typeset(latex, 14.0)
    left, top, right, bottom = extent(label, 14.0)
    assert (left, top) == pytest.approx((0, 0), abs=0.6)  # control points may lie a little outside the curve
    assert (right, bottom) == pytest.approx((label.width, label.height), abs=0.6)
    assert label.width > 2
    assert 0 < label.baseline <= label.height + 0.1 or latex == r"\times"


@pytest.mark.parametrize(("latex", "text"), UNICODE.items())
def test_labels_in_plain_unicode(latex: str, text: str) -> None:
    assert plain_text(latex) == text
    assert typeset(latex, 10.0).text == text


def test_size_scales_everything() -> None:
    small, large = typeset(r"\tilde{C}_{t-1}", 10.0), typeset(r"\tilde{C}_{t-1}", 20.0)
    assert (large.width, large.height, large.baseline) == pytest.approx(
        (2 * small.width, 2 * small.height, 2 * small.baseline)
    )
    assert small.depth == pytest.approx(small.height - small.baseline)


def test_scripts_are_where_they_belong() -> None:
    assert typeset("h", 14.0).depth == pytest.approx(0, abs=0.3)
    assert typeset("h_t", 14.0).depth > 2
    assert typeset("h^t", 14.0).height > typeset("h", 14.0).height


def test_an_operator_without_a_right_operand_takes_no_space() -> None:
    assert typeset("1-", 14.0).width == pytest.approx(typeset("1{-}", 14.0).width)
    assert typeset("1-", 14.0).width < typeset("1-x", 14.0).width - typeset("x", 14.0).width


def test_a_function_stands_close_to_its_bracket() -> None:
    r"""As in TeX, where \\tanh( has no space."""
    sigma, tanh = (
        typeset(rf"{f}(c_{{t}})", 15, True).width - typeset(f, 15, True).width for f in (r"\sigma", r"\tanh")
    )
    assert tanh == pytest.approx(sigma, abs=0.5)
    squared = typeset(r"\tanh^{2}(c_{t})", 15, True).width - typeset(r"\tanh(c_{t})", 15, True).width
    assert squared < 7


@pytest.mark.parametrize("before", ["W", r"\alpha", "2", "f_{t}", r"(1 - z)", r"W_{f}^{\top} ", r"\frac{1}{2}"])
@pytest.mark.parametrize("function", [r"\tanh", r"\max", r"\operatorname{softmax}", r"\tanh^{2}"])
def test_a_function_stands_off_from_a_factor_before_it(before: str, function: str) -> None:
    """As in TeX, which puts a thin space there, and none after a sign or a bracket."""
    alone, apart = typeset(rf"{before}{function}(x)", 15, True), typeset(rf"{before}\,{function}(x)", 15, True)
    assert alone.width == pytest.approx(apart.width)


@pytest.mark.parametrize("before", [r"c \odot", "a +", r"2 \times", "("])
def test_a_function_after_a_sign_gets_no_more_space(before: str) -> None:
    assert typeset(rf"{before} \tanh(x)", 15, True).width < typeset(rf"{before}\,\tanh(x)", 15, True).width - 2


def test_bold_digits_are_bold() -> None:
    r"""The typesetter knows \mathbf for letters alone."""
    assert typeset(r"\mathbf{1}", 15, True).width > typeset("1", 15, True).width


def test_words_all_have_one_height_and_measure_is_their_size() -> None:
    low, high = Label("sum", Point(0, 0), 12, math=False), Label("Hyperbolic", Point(0, 0), 12, math=False)
    assert measure(low)[1] == measure(high)[1] == pytest.approx(13.2)
    assert measure(high)[0] > measure(low)[0]


def test_letters_stand_evenly() -> None:
    """A word takes the same room at the end of a long line as at that of a short one."""

    def room(before: str) -> float:
        with_word, without = (typeset(before + word, 100.0, math=False).width for word in (" previous l", " l"))
        return with_word - without

    assert room("memory of the") == pytest.approx(room("a"), abs=0.5)


@pytest.mark.parametrize(
    "broken", [r"\frac{", "x^", "_", "^", "{", "}", r"\left(", r"\begin{matrix}", "\\", "$", "&", "\x00"]
)
def test_what_cannot_be_set_is_still_a_label(broken: str) -> None:
    label = typeset(broken, 14.0)
    assert label.width >= 0
    assert label.height >= 0


@given(st.text(max_size=12))
@settings(max_examples=60)
def test_nobodys_label_stops_a_drawing(text: str) -> None:
    assert typeset(text, 11.0).width >= 0
    assert typeset(text, 11.0, math=False).width >= 0


def test_without_a_typesetter_the_viewer_sets_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: str) -> None:
        raise RuntimeError("no font")

    monkeypatch.setattr(module, "_math", fails)
    monkeypatch.setattr(module, "_words", fails)
    label = typeset("q_{unheard}", 13.0)
    assert label.glyphs == ()
    assert label.text == "q_unheard"
    assert label.width > 13


def test_the_typesetters_global_switches_are_put_back() -> None:
    ziamath, ziafont = pytest.importorskip("ziamath"), pytest.importorskip("ziafont")
    before = ziamath.config.svg2, ziafont.config.precision
    set_math("z_{17}")
    assert (ziamath.config.svg2, ziafont.config.precision) == before


# ── the tables, and what is composed of them ──

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
RARE = re.compile(r"\\(?:sqrt|left|lvert)|\\frac.*\\frac")  # what is left to the typesetter
FORMULAS = [
    "1-",
    "1+",
    "27",
    "h_{t-1}",
    "W_{xf}",
    r"b_{\tilde{c}}",
    r"\bar{C}_{t}^{+}",
    r"\bar{\tilde{h}}_{t}",
    r"\hat{\alpha}_{t+13}",
    r"f_{\mathrm{log},t+1}",
    r"\mathrm{gate}_{\mathrm{in}}",
    r"s_{x_{2}1,t}^{\top}",
    r"i_{t}^{\prime}",
    r"\Gamma_{\beta}^{\langle t+4\rangle}",
    r"\alpha\times",
    r"\langle\cdot,\cdot\rangle",
    r"W_{f} : H \times X,\,U_{f} : H \times H",
    r"+\,\bar{M}_{t}^{+}",
    r"\operatorname{softplus}(x_{t})",
    r"\tanh^{2}(s_{h2,t}) = (1 - \sigma(W x_{t} + b))",
    r"\text{⑦}",
    r"(\cdot)^{2} - [x_{10}]^{\top}",
    r"\frac{\partial L}{\partial W_{f}} = \bar{s}_{t} x_{t}^{\top} + \frac{1}{2} \frac{c_{t}}{n_{t-1}}",
    r"\overline{\mathrm{dt}}_{2,t} = \overline{\mathrm{hh}}^{t}",
    r"s_{\overline{\mathrm{dt}}1,t}",
]


@pytest.mark.parametrize("latex", FORMULAS)
def test_a_composed_label_is_exactly_what_the_typesetter_makes(latex: str) -> None:
    assert composed(latex) == set_math(latex)


@given(
    head=st.sampled_from(
        [*string.ascii_letters, r"\beta", r"\Omega", r"\tilde{c}", r"\bar{M}", r"\hat{h}", r"\mathrm{mem}"]
    ),
    sub=st.lists(st.sampled_from([*string.ascii_letters, r"\eta", r"\mathrm{in}", "7", "+", ","]), max_size=4),
    sup=st.sampled_from(["", r"\prime", r"\top", "+", "t-1", "2"]),
)
@settings(max_examples=25, deadline=None)
def test_so_is_any_letter_with_scripts(head: str, sub: list[str], sup: str) -> None:
    latex = head + (f"_{{{' '.join(sub)}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")
    assert composed(latex) == set_math(latex)


@pytest.mark.parametrize(
    "latex",
    [
        r"\sqrt{x}",
        r"\frac{\frac{1}{2}}{3}",
        "2 mm",
        "x^2",
        "x'",
        r"\unknown",
        "x_",
        "x_{",
        "{x",
        "x}",
        "",
        "_{x}",
        "x_{}",
    ],
)
def test_what_has_other_parts_is_left_to_the_typesetter(latex: str) -> None:
    assert composed(latex) is None


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.stem)
def test_labels_of_any_cell_are_composed(paper: Path) -> None:
    """All that a cell shows that no table knows of, in any notation, its equations too."""
    missing = [label for label in cell_labels(load(str(paper))) if label and not (known_math(label) or composed(label))]
    assert [label for label in missing if not RARE.search(label)] == []


def test_the_tables_hold_what_they_should() -> None:
    """In order, too; after a change to a cell, a notation or a rule: python benchmarks/outlines.py"""
    assert list(outlines._rows("math")) == labels()
    assert list(outlines._rows("letters")) == sorted(set(LETTERS))
    measured = {row.split("\t")[0] for row in outlines._rows("atoms")}
    assert measured <= set(tokens())
    assert measured >= {*string.ascii_letters, *string.digits, *(f"\\{name}" for name in GREEK)}


def test_the_tables_say_what_the_typesetter_says() -> None:
    for label in labels():
        assert known_math(label) == set_math(label), label
    for letter in sorted(set(LETTERS))[::5]:
        assert known_letter(letter) == set_letter(letter), letter


def test_every_shape_of_the_tables_occurs_and_none_twice() -> None:
    used: set[int] = set()
    for table, skipped in (("atoms", 5), ("math", 0)):
        for row in outlines._rows(table).values():
            used |= {int(index) for index in row.split("\t")[skipped].split()[::3]}
    for row in outlines._rows("letters").values():
        used |= {int(index) for index in row.split()[1::3]}
    shapes = [outlines.shape_at(k) for k in range(len(outlines._shapes()))]
    assert used == set(range(len(shapes)))
    assert len(set(shapes)) == len(shapes)


def test_rounding_does_not_add_up() -> None:
    """Written in thousandths of the em, every glyph closes where it began, and no point is a thousandth off."""
    exact = outlines.outline_of_math(set_math(r"\tilde{h}_{t} = \tanh(W x_{t} + U (r_{t} \odot h_{t-1}) + b)").shapes)
    for shape, _, _ in exact.shapes:
        written = list(points(_drawn(shape.path), 0, 0))
        whole = list(points(shape.path, 0, 0))
        assert max(abs(a - b / 100) for p, q in zip(written, whole, strict=True) for a, b in zip(p, q, strict=True)) < 1


def test_a_letter_is_the_same_glyph_in_every_label() -> None:
    first, second = typeset("h_{t}", 14.0).glyphs, typeset("x_{t} + h", 9.0).glyphs
    assert first[0].path == second[-1].path
    assert first[1].path == second[1].path


def test_it_is_imported_late() -> None:
    code = "import sys, lstmgraph.diagram.typeset; print('ziamath' in sys.modules, 'ziafont' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (-0.001, "0"), (1.5, "1.5"), (10, "10"), (0.126, "0.13"), (100, "100")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text
