"""Terminal text: whoever follows the characters finds the wires of the scene, in any cell; widths and ASCII."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lstmgraph import library, load
from lstmgraph.diagram.scene import Scene
from lstmgraph.diagram.typeset import plain_text
from lstmgraph.diagram.writers.characters import ASCII, UNICODE, ascii_of, cells, columns_of, lowered
from lstmgraph.diagram.writers.schematic import schematic
from lstmgraph.diagram.writers.text import draw_text
from lstmgraph.roles import memories
from tests.diagram import drawings

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
CELLS = [*library(), *map(str, PAPERS)]
WITH_MEMORY = [name for name in CELLS if memories(load(name))]
ARMS = {  # which way a character's lines go
    **dict.fromkeys("─┄━┅", "EW"), **dict.fromkeys("│┆┃┇", "NS"), **dict.fromkeys("╭┏", "ES"),
    **dict.fromkeys("╮┓", "SW"), **dict.fromkeys("╰┗", "NE"), **dict.fromkeys("╯┛", "NW"),
    **dict.fromkeys("├┣", "NES"), **dict.fromkeys("┤┫", "NSW"), **dict.fromkeys("┬┳", "ESW"),
    **dict.fromkeys("┴┻", "NEW"), **dict.fromkeys("┼╋", "NESW"),
}  # fmt: skip
HEADS = {"▲": "N", "▶": "E", "▼": "S", "◀": "W"}
STEP = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
BACK = {"N": "S", "E": "W", "S": "N", "W": "E"}
UPRIGHT = set("│┆┃┇")

Cell = tuple[int, int]


class Found(NamedTuple):
    """A node in the text: its label, and the cells of its box."""

    text: str
    top: int
    left: int
    bottom: int
    right: int

    def holds(self, cell: Cell) -> bool:
        return self.top <= cell[0] <= self.bottom and self.left <= cell[1] <= self.right


def drawn(name: str, style: str = "pipe", step: int | None = None, notation: str | None = None) -> Scene:
    return drawings.drawn(name, style, step=step, notation=notation).scene


def label_of(node: Any) -> str:
    from lstmgraph.diagram.typeset import plain_text

    return lowered(plain_text(node.label.text)) if node.label else ""


class Reader:
    """The text as a reader sees it, who knows which labels nodes have."""

    def __init__(self, text: str, labels: list[str]) -> None:
        self.rows = [cells(line) for line in text.splitlines()]
        self.nodes: list[Found] = []
        left = [*self.rows]
        for label in sorted(labels, key=lambda t: (-len(t), t)):
            found = self._bracketed(label, left) or self._boxed(label, left)
            assert found, f"the node {label!r} cannot be found"
            self.nodes.append(found)
            for row in range(found.top, found.bottom + 1):
                left[row] = [" " if found.left <= k <= found.right else c for k, c in enumerate(left[row])]

    def _bracketed(self, label: str, rows: list[list[str]]) -> Found | None:
        for row, line in enumerate(rows):
            match = re.search(r"[(\[] *" + re.escape(label) + r" *[)\]]", "".join(c or "\0" for c in line))
            if match and all(len(c) < 2 for c in line[: match.end()]):
                return Found(label, row, match.start(), row, match.end() - 1)
            shape = [*"([", *cells(label)]
            for start in range(len(line)) if match else ():
                if line[start] in shape[:2] and (end := self._closes(line, start, cells(label))):
                    return Found(label, row, start, row, end)
        return None

    @staticmethod
    def _closes(line: list[str], start: int, label: list[str]) -> int | None:
        k = start + 1
        while k < len(line) and line[k] == " ":
            k += 1
        if line[k : k + len(label)] != label:
            return None
        k += len(label)
        while k < len(line) and line[k] == " ":
            k += 1
        return k if k < len(line) and line[k] in ")]" else None

    def _boxed(self, label: str, rows: list[list[str]]) -> Found | None:
        """A rectangle around the label: its own corners, above and below."""
        for row, line in enumerate(rows):
            for match in re.finditer(r"│( *)" + re.escape(label) + r"( *)│", "".join(line)):
                left, right = match.start(), match.end() - 1
                top, bottom = row, row
                while top and rows[top][left] == "│":
                    top -= 1
                while bottom + 1 < len(rows) and rows[bottom][left] == "│":
                    bottom += 1
                if self._rectangle(rows, top, left, bottom, right):
                    return Found(label, top, left, bottom, right)
        return None

    @staticmethod
    def _rectangle(rows: list[list[str]], top: int, left: int, bottom: int, right: int) -> bool:
        wide = right - left - 1
        return (
            "".join(rows[top][left : right + 1]) == f"╭{'─' * wide}╮"
            and "".join(rows[bottom][left : right + 1]) == f"╰{'─' * wide}╯"
        )

    def at(self, cell: Cell) -> str:
        row, column = cell
        return self.rows[row][column] if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]) else " "

    def node_at(self, cell: Cell) -> Found | None:
        return next((n for n in self.nodes if n.holds(cell)), None)

    def wires(self) -> Counter[tuple[str, str]]:
        return Counter((n.text, target.text) for n in self.nodes for target in self._reached(n))

    def _reached(self, node: Found) -> set[Found]:
        """Where the lines go that leave a node."""
        begun = [((row, node.left - 1), "W") for row in range(node.top, node.bottom + 1)]
        begun += [((row, node.right + 1), "E") for row in range(node.top, node.bottom + 1)]
        begun += [((node.top - 1, column), "N") for column in range(node.left, node.right + 1)]
        begun += [((node.bottom + 1, column), "S") for column in range(node.left, node.right + 1)]
        pending = [(cell, way) for cell, way in begun if self._enters(cell, way)]
        seen, found = set(pending), set()
        while pending:
            cell, way = pending.pop()
            sign = self.at(cell)
            target = self.node_at(self._next(cell, way))
            if sign in HEADS and target:
                found.add(target)
                continue
            for new in self._ways(cell, way):
                step = self._next(cell, new)
                if self._enters(step, new) and (step, new) not in seen:
                    seen.add((step, new))
                    pending.append((step, new))
        return found

    def _ways(self, cell: Cell, way: str) -> str:
        sign = self.at(cell)
        if sign in HEADS:
            assert self.at(self._next(cell, way)) == "●", f"an arrowhead at {cell} points at nothing"
            return way
        if sign == "●":
            return "".join(w for w in "NESW" if w != BACK[way])
        return "".join(w for w in ARMS[sign] if w != BACK[way]) if BACK[way] in ARMS[sign] else way

    def _enters(self, cell: Cell, way: str) -> bool:
        """Whether a line that goes this way goes on in this cell."""
        sign = self.at(cell)
        if sign in HEADS:
            return HEADS[sign] == way
        if sign == "●" or BACK[way] in ARMS.get(sign, ""):
            return not self.node_at(cell)
        return sign in UPRIGHT and way in "EW" and not self.node_at(cell) and self._enters(self._next(cell, way), way)

    @staticmethod
    def _next(cell: Cell, way: str) -> Cell:
        return cell[0] + STEP[way][0], cell[1] + STEP[way][1]


def expected(scene: Scene) -> Counter[tuple[str, str]]:
    names = {n.id: label_of(n) for n in scene.nodes}
    return Counter((names[s], names[t]) for s, t in {(w.source, w.target) for w in scene.wires})


def read(scene: Scene, text: str) -> Reader:
    return Reader(text, [label_of(n) for n in scene.nodes if n.kind != "join"])


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_every_wire_can_be_followed(name: str, style: str) -> None:
    scene = drawn(name, style)
    text = draw_text(scene)
    assert read(scene, text).wires() == expected(scene)
    for label in scene.labels:
        assert lowered(label_text(label)) in text


@pytest.mark.parametrize("choices", [{"step": 1}, {"notation": "gamma"}, {"step": 2, "style": "cell-block"}], ids=str)
def test_every_wire_of_a_frame_and_a_notation_can_be_followed(choices: dict[str, Any]) -> None:
    scene = drawn("peephole_lstm", **choices)
    assert read(scene, draw_text(scene)).wires() == expected(scene)


def label_text(label: Any) -> str:
    from lstmgraph.diagram.typeset import plain_text

    return plain_text(label.text) if label.math else str(label.text)


def test_a_step_is_drawn_heavy() -> None:
    whole, step = draw_text(drawn("gru")), draw_text(drawn("gru", step=1))
    assert not set("━┃") & set(whole)
    assert {"━", "┃", "│", "─"} <= set(step)
    assert len(whole.splitlines()) == len(step.splitlines())


def test_the_previous_step_is_dashed() -> None:
    assert {"┄", "┆"} <= set(draw_text(drawn("peephole_lstm", "cell-block")))


@pytest.mark.parametrize("name", ["lstm", "gru", "peephole_lstm", "rnn"])
def test_it_fits_in_80_columns(name: str) -> None:
    for style in ("pipe", "cell-block"):
        text = draw_text(drawn(name, style))
        assert max(map(columns_of, text.splitlines())) <= 80
        assert not any(line.endswith(" ") for line in text.splitlines())


@pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)
def test_ascii_is_ascii(name: str) -> None:
    text = draw_text(drawn(name), ASCII)
    assert text.isascii()
    assert "?" not in text
    for node in drawn(name).nodes:
        assert ascii_of(label_of(node)) in text


def test_words_in_ascii() -> None:
    assert ascii_of("cₜ₋₁") == "c_{t-1}"
    assert ascii_of("c̃ σ Γ_u λ x² ×") == "c~ sigma Gamma_u lambda x^2 x"
    assert ascii_of("ϵ") == "epsilon"
    assert ascii_of("é 月") == "e ?"
    assert ascii_of("c̄ₜ₋₁ ⊙ e̅psₜ") == "c_bar_{t-1} * eps_bar_t"
    assert ascii_of("∂L/∂Wₒ = δₒ,ₜ xₜᵀ") == "dL/dW_o = delta_o,t x_t^T"
    assert [ascii_of(sign) for sign in "•⊗×⊙"] == ["@", "ox", "x", "*"]


def test_indices_are_low_where_unicode_has_them() -> None:
    assert lowered("c_(t-1) h_t b_f") == "cₜ₋₁ hₜ b_f"
    assert lowered("δ_o,t δ_f,t W_xf U_iᵀ") == "δₒ,ₜ δ_f,t W_xf Uᵢᵀ"  # all of an index, or nothing of it


def test_columns_are_counted_as_a_terminal_counts_them() -> None:
    assert cells("c̃t") == ["c̃", "t"]
    assert cells("月x") == ["月", "", "x"]
    assert columns_of("月x̂") == 3
    assert columns_of("a\u200b\x07") == 1


def test_wide_labels_keep_the_lines_straight() -> None:
    """The columns right of a wide label are where they were, counted in columns."""
    scene = drawn("rnn")

    def relabelled(text: str) -> list[str]:
        nodes = tuple(
            replace(n, label=replace(n.label, text=text, math=False)) if n.label and n.kind == "input" else n
            for n in scene.nodes
        )
        return draw_text(replace(scene, nodes=nodes)).splitlines()

    narrow, wide = relabelled("abcd"), relabelled("月火")
    assert [line.replace("abcd", "月火") for line in narrow] == wide
    assert list(map(columns_of, narrow)) == list(map(columns_of, wide))


def test_colours_are_sequences_around_the_same_text() -> None:
    scene = drawn("lstm")
    coloured = draw_text(scene, UNICODE, colour=True)
    assert re.sub(r"\x1b\[\d+m", "", coloured).replace("\x1b[0m", "") == draw_text(scene)
    assert "\x1b[34m" in coloured
    assert "\x1b" not in draw_text(scene)


# ── formulas ──

BACKWARD = {  # a gradient, a cotangent and a previous one, in lines of their own
    "ascii": ["dL/dW_o = delta_o,t x_t^T", "f_bar_t = c_bar_t * c_{t-1}", "delta_f,t = f_bar_t * f_t * (1 - f_t)"],
    "text": ["∂L/∂Wₒ = δₒ,ₜ xₜᵀ", "f̄ₜ = c̄ₜ ⊙ cₜ₋₁", "δ_f,t = f̄ₜ ⊙ fₜ ⊙ (1 - fₜ)"],
}


@pytest.mark.parametrize("format", BACKWARD)
@pytest.mark.parametrize("name", ["lstm", "gru", "mgu"])
def test_formulas_stand_under_the_picture_within_100_columns(name: str, format: str) -> None:
    lines = load(name).draw(backward=True).data(format).decode().splitlines()
    heading = next(k for k, line in enumerate(lines) if line.endswith(": the backward pass"))
    assert lines[heading - 1] == ""
    assert max(map(columns_of, lines)) <= 100
    assert not [line for line in lines if "?" in line]
    found = [cell for line in lines[heading:] for cell in re.split("   +", line)]
    if name == "lstm":
        assert set(BACKWARD[format]) <= set(found)


def test_the_nodes_of_products_have_signs() -> None:
    for format, inner, outer in (("ascii", "(@)", "(ox)"), ("text", "(•)", "(⊗)")):
        text = load(str(next(p for p in PAPERS if p.stem == "mlstm"))).draw().data(format).decode()
        assert inner in text, text
        assert outer in text, text


# ── water pipes ──


@pytest.mark.parametrize("name", WITH_MEMORY, ids=lambda name: Path(name).stem)
def test_every_pipe_can_be_followed(name: str) -> None:
    scene = load(name).draw("plumbing").scene
    plain = schematic(scene)
    bare = replace(plain, legend=(), labels=())  # what is written on the pipes may look like a node
    assert read(bare, draw_text(bare)).wires() == expected(bare)
    text = draw_text(replace(plain, legend=()))
    wheels = [n for n in scene.nodes if n.kind == "plumbing" and n.operation == "valve"]
    assert sum("⋈" in label_of(n) for n in plain.nodes) == len(wheels) == text.count("⋈")
    assert {w.id for w in scene.wires} <= {w.id for w in plain.wires}
    assert not [n for n in plain.nodes if n.kind == "plumbing"]
    for n in scene.nodes:
        assert n.label is None or lowered(label_text(n.label)) in text


def test_the_pipes_of_an_lstm() -> None:
    plain = schematic(load("lstm").draw("plumbing", open={"f": 1, "i": 0.25}).scene)
    assert sorted(expected(plain).elements()) == sorted([
        ("cₜ₋₁", "⋈"), ("⋈", "+"), ("+", "cₜ"), ("gₜ", "⋈"), ("⋈", "+"), ("+", "tanh"), ("tanh", "⋈"), ("⋈", "hₜ"),
        ("fₜ", "⋈"), ("iₜ", "⋈"), ("oₜ", "⋈"),
    ])  # fmt: skip
    text = draw_text(plain)
    assert "0.25" in text
    assert "1" in text


def test_water_pipes_in_ascii() -> None:
    text = load("slstm").draw("plumbing").data("ascii").decode()
    assert text.isascii()
    assert text.count("(><)") == 5  # i where it comes in by itself, too
    assert "[c_{t-1}]" in text


def test_what_has_no_pipes_is_left_alone() -> None:
    scene = drawn("lstm")
    assert schematic(scene) is scene


# ── trees ──


def grown(text: str) -> Counter[tuple[str, str]]:
    """From the lines of trees, which operation takes what: by label, and by name where it has one."""
    found: Counter[tuple[str, str]] = Counter()
    above: list[str] = []
    for line in filter(None, text.splitlines()):
        branch = re.match(r"((?:│  |   )*)(?:├─ |╰─ )", line)
        depth = len(branch[0]) // 3 if branch else 0
        label = line[branch.end() :] if branch else line
        above = [*above[:depth], label.split(" = ")[0]]
        if depth:
            found[above[-2], above[-1]] += 1
    return found


@pytest.mark.parametrize("name", [*library(), *map(str, PAPERS[:6])], ids=lambda name: Path(name).stem)
def test_trees_say_what_takes_what(name: str) -> None:
    scene = load(name).draw("dag").scene
    text = draw_text(replace(scene, legend=()))
    names: dict[str, str] = {}
    made, uses = {w.target for w in scene.wires}, Counter(w.source for w in scene.wires)
    for n in scene.nodes:
        assert n.label
        latex, equals, _ = n.label.text.rpartition(" = ")
        names[n.id] = lowered(plain_text(latex if equals else n.label.text))
        if not equals and n.id in made and uses[n.id] != 1:
            number = sum(
                " = " in (k.label.text if k.label else "") or names[k.id][:1] == "("
                for k in scene.nodes[: scene.nodes.index(n)]
            )
            names[n.id] = f"({number + 1})"
    assert grown(text) == Counter((names[w.target], names[w.source]) for w in scene.wires)


def test_the_operands_of_a_tree_stand_in_their_order() -> None:
    text = load("rnn").draw("dag").data("ascii").decode()
    assert text.startswith(
        "h_t = tanh\n`- +\n   |- @\n   |  |- W\n   |  `- x_t\n   |- @\n   |  |- U\n   |  `- h_{t-1}\n   `- b\n"
    )


def test_captions_stand_under_trees() -> None:
    lines = load("rnn").draw("dag", equations=True).data("text").decode().splitlines()
    assert lines[-1] == "hₜ = tanh(W xₜ + U hₜ₋₁ + b)"
