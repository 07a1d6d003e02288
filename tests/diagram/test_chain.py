"""The unrolled chain: the dependencies of all its steps and no others, sound as a drawing, however long it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import lstmgraph
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.calculus import unroll
from lstmgraph.cell import Cell
from lstmgraph.diagram.boxes import label_box
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.dress import dress
from lstmgraph.diagram.layout.legend import with_legend
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.layout.tracks import layered
from lstmgraph.diagram.quality import faults
from lstmgraph.diagram.scene import Label, Scene
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.typeset import plain_text
from lstmgraph.diagram.writers.svg import legend_labels, write_svg
from lstmgraph.diagram.writers.text import draw_text
from lstmgraph.notation import get_notation
from lstmgraph.reading import from_equations, library, load

PAPERS = Path(__file__).parents[1] / "reading" / "papers"
ODD = {
    "no state": "h[t] = tanh(W @ x[t])",
    "a memory that stays": "m[t] = m[t-1]\nh[t] = sigmoid(W @ x[t] + U @ m[t-1]) * h[t-1]",
    "a value that only leaves": "h[t] = tanh(W @ x[t] + U @ h[t-1])\ny[t] = V @ h[t]",
    "a delay line": "a[t] = x[t]\nb[t] = a[t-1]\nh[t] = b[t-1]",
}


def odd(equations: str) -> Cell:
    sizes = dict.fromkeys(re.findall(r"^(\w+)\[t\]", equations, re.MULTILINE), "H")
    sizes |= {"x": "X"} if "@ x[t]" in equations else {}
    return from_equations(equations, name="case", sizes=sizes, output="h")


@cache
def one_step(name: str) -> tuple[Scene, Graph, str]:
    cell = odd(ODD[name]) if name in ODD else load(name)
    names = get_notation(cell, "plain")
    graph = extract(cell, names.latex)
    labels = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
    return layout_pipe(graph, cell.title, labels), graph, name


def latex(value: str) -> str:
    base, _, time = value.rstrip("]").partition("[")
    return f"{base}_{{{time}}}"


def chained(name: str, steps: int, **options: object) -> tuple[Scene, Graph]:
    scene, graph, _ = one_step(name)
    return chain(scene, graph, steps, latex, **options)  # type: ignore[arg-type]


def named_dependencies(graph: Graph) -> dict[str, set[str]]:
    """For each named value those that it uses, through operations without a name."""
    names: dict[str, list[str]] = {}
    for value, id in graph.values.items():
        names.setdefault(id, []).append(value)
    for node in graph.nodes:
        if node.kind in ("input", "previous") and node.value:
            names[node.id] = [node.value]
        if node.kind == "next" and node.value:
            names.setdefault(node.id, []).append(node.value)
    into: dict[str, list[str]] = {}
    for edge in graph.edges:
        into.setdefault(edge.target, []).append(edge.source)

    def used(id: str) -> set[str]:
        return {v for s in into.get(id, []) for v in (names[s][:1] if s in names else used(s))}

    return {value: used(id) for value, id in graph.values.items()}


@pytest.mark.parametrize("name", library())
def test_its_edges_are_the_dependencies_of_the_unrolled_program(name: str) -> None:
    """Counted independently: from the equations of `calculus.unroll`, which starts at t."""
    _, graph = chained(name, 3)
    program = unroll(load(name), 3)
    expected = {
        str(name_of(e.target).at((name_of(e.target).lag or 0) - 1)): {
            str(name_of(s).at((name_of(s).lag or 0) - 1)) for s in symbols_in(e.value) if name_of(s).lag is not None
        }
        for e in program
    }
    assert named_dependencies(graph) == expected


@pytest.mark.parametrize("name", library())
def test_it_has_the_edges_of_a_step_once_for_each_step(name: str) -> None:
    _, one, _ = one_step(name)
    _, graph = chained(name, 4)
    assert len(graph.edges) == 4 * len(one.edges)
    shared = sum(n.kind == "previous" for n in one.nodes)
    assert len(graph.nodes) == 4 * len(one.nodes) - 3 * shared
    assert len({e.id for e in graph.edges}) == len(graph.edges)
    assert len({n.id for n in graph.nodes}) == len(graph.nodes)
    order = {n.id: k for k, n in enumerate(graph.nodes)}
    assert all(order[e.source] < order[e.target] for e in graph.edges)


def new_faults(name: str, scene: Scene, graph: Graph) -> list[str]:
    """Rules that a chain breaks and its step does not."""
    own = {fault.partition(":")[0] for fault in faults(*one_step(name)[:2])}
    return [fault for fault in faults(scene, graph) if fault.partition(":")[0] not in own]


@pytest.mark.parametrize("detailed", ["all", "middle"])
@pytest.mark.parametrize("name", [*library(), *ODD])
def test_it_is_sound(name: str, detailed: str) -> None:
    assert new_faults(name, *chained(name, 3, detailed=detailed)) == []


@pytest.mark.parametrize("detailed", ["all", "middle"])
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", *ODD])
def test_it_is_sound_when_folded(name: str, detailed: str) -> None:
    scene, graph = chained(name, 5, columns=2, detailed=detailed)
    assert new_faults(name, scene, graph) == []
    for n in scene.nodes:
        assert n.width / 2 <= n.at.x <= scene.size[0] - n.width / 2
        assert n.height / 2 <= n.at.y <= scene.size[1] - n.height / 2


@pytest.mark.parametrize("name", ["mogrifier", "scrn", "lem"])
def test_cells_of_papers(name: str) -> None:
    path = str(PAPERS / f"{name}.toml")
    assert new_faults(path, *chained(path, 3)) == []


def test_a_step_without_a_straight_way_on_is_handed_everything_anew() -> None:
    """In layers a state does not leave at the height at which it entered: every step is a row's beginning and end."""
    _, graph, _ = one_step("peephole_lstm")
    scene, shown = chain(dress(layered(graph, "pipe"), "", {}, "x"), graph, 3, latex)
    assert faults(scene, shown) == []
    assert Counter(n.of or n.id for n in scene.nodes if n.kind in ("previous", "next"))["1:c[t]'"] == 2


def test_what_is_handed_on_is_drawn_once_between_the_cells() -> None:
    scene, _ = chained("lstm", 3)
    handed = [n for n in scene.nodes if (n.of or n.id) == "1:c[t]'"]
    assert len(handed) == 1
    assert scene.frames[0].right < handed[0].at.x < scene.frames[1].left
    assert {w.source for w in scene.wires if w.target == handed[0].id} == {"1:c"}
    assert {w.target for w in scene.wires if w.source == handed[0].id} == {"2:c.1"}


def test_at_the_fold_it_stands_at_both_ends_of_the_rows() -> None:
    scene, graph = chained("lstm", 4, columns=2)
    end, beginning = [n for n in scene.nodes if (n.of or n.id) == "2:c[t]'"]
    assert (end.id, beginning.id, beginning.of) == ("2:c[t]'", "3:c[t-1]", "2:c[t]'")
    assert end.at.x > beginning.at.x
    assert end.at.y < beginning.at.y
    assert (end.role, beginning.role) == ("memory", "previous_memory")
    assert all(abs(w.points[0].y - w.points[-1].y) < scene.size[1] / 2 for w in scene.wires)
    assert graph.node("2:c[t]'").value == "c[t]"


def marks(scene: Scene) -> list[Label]:
    return [label for label in scene.labels if label.role == "continued"]


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "slstm"])
def test_a_mark_leads_from_the_end_of_a_row_to_the_beginning_of_the_next(name: str) -> None:
    scene, graph = chained(name, 5, columns=2)
    found = marks(scene)
    beside: dict[int, list[str]] = {1: [], -1: []}
    for n in (n for n in scene.nodes if n.kind in ("previous", "next")):
        for side in beside:
            edge = n.at.x + side * n.width / 2
            near = [m for m in found if abs(m.at.y - n.at.y) < 0.01 and 5 < side * (m.at.x - edge) < 20]
            beside[side] += [n.of or n.id for _ in near]
    carried = [n.id.partition(":")[2] for n in graph.nodes if n.id.startswith("5:") and n.id.endswith("'")]
    handed = [id for id in carried if any(e.source.endswith(id) for e in graph.edges)]
    assert sorted(beside[1]) == sorted(beside[-1]) == sorted(f"{k}:{id}" for k in (2, 4) for id in handed)
    assert len(found) == 4 * len(handed)
    for m in found:
        box = label_box(m)
        assert box.left >= 0
        assert box.right <= scene.size[0]


def test_marks_are_explained_and_stand_in_a_terminal() -> None:
    whole = with_legend(chained("lstm", 5, columns=3)[0])
    assert any("goes on in the next row" in x.text for group in whole.legend for x in legend_labels(group))
    assert draw_text(replace(whole, legend=())).count("→") == 4


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_one_row_needs_no_mark(steps: int) -> None:
    assert marks(chained("lstm", steps)[0]) == []


@pytest.mark.parametrize(
    ("name", "steps", "rows"),
    [
        ("lstm", 5, [3, 2]),
        ("lstm", 12, [4, 4, 4]),
        ("rnn", 30, [8, 8, 8, 6]),
        ("rnn", 6, [3, 3]),  # 4 and 2 would be nearer to the shape of a page
        ("rnn", 11, [6, 5]),  # and so would 5, 5 and 1
    ],
)
def test_the_last_row_is_well_filled(name: str, steps: int, rows: list[int]) -> None:
    tops = [round(f.top) for f in chained(name, steps)[0].frames]
    assert list(Counter(tops).values()) == rows


@pytest.mark.parametrize(("steps", "times"), [(1, ["t"]), (2, ["t", "t+1"]), (3, ["t-1", "t", "t+1"])])
def test_the_middle_step_is_t(steps: int, times: list[str]) -> None:
    scene, graph = chained("lstm", steps)
    inputs = [n.label.text for n in scene.nodes if n.kind == "input" and n.label]
    assert inputs == [f"x_{{{time}}}" for time in times]
    assert [n.value for n in graph.nodes if n.kind == "input"] == [f"x[{time}]" for time in times]
    gates = [x for x in scene.labels if x.of.endswith(":f")]
    assert [x.text for x in gates] == [f"f_{{{time}}}" for time in times]


def test_titles_say_the_time_of_their_step() -> None:
    scene, _ = chained("lstm", 3)
    assert {n.title for n in scene.nodes if n.id == "3:x[t]"} == {"x[t+1]"}
    assert next(w.title for w in scene.wires if w.id == "1:h[t-1]>f.1.1") == "h[t-2], scaled by U_f, to f[t-1]"


def test_only_the_middle_step_in_detail() -> None:
    scene, graph = chained("lstm", 5, detailed="middle")
    boxes = [n for n in scene.nodes if n.operation == "step"]
    assert [n.id for n in boxes] == ["1:step", "2:step", "4:step", "5:step"]
    assert len(scene.frames) == 1
    assert all(n.label and n.label.text == r"\mathrm{A}" for n in boxes)
    assert {e.target for e in graph.edges if e.source == "2:step"} == {"2:c[t]'", "2:h[t]'"}
    assert len({(n.at.y, n.height) for n in boxes[:2]}) == 1


@pytest.mark.parametrize("name", ["lstm", "rnn", "slstm", "gru"])
@pytest.mark.parametrize("steps", [12, 30, 100])
def test_a_long_chain_has_the_shape_of_a_page(name: str, steps: int) -> None:
    scene, _ = chained(name, steps)
    assert 1.0 <= scene.size[0] / scene.size[1] <= 2.1


def test_a_short_chain_is_one_line() -> None:
    scene, _ = chained("lstm", 4)
    assert len({f.top for f in scene.frames}) == 1


def test_the_text_of_a_long_chain_is_that_of_one_step() -> None:
    assert len(chained("lstm", 100)[0].description) < 2 * len(one_step("lstm")[0].description) + 200


def test_twice_the_steps_are_twice_the_work(calls: Callable[[Callable[[], object]], int]) -> None:
    """How long they take: benchmarks/unroll.py."""

    def work(steps: int) -> int:
        return calls(lambda: write_svg(chained("lstm", steps)[0], load_theme("default")))

    assert work(10) > 0  # the step itself is laid out once
    assert work(100) < 2.5 * work(50)


def test_labels_of_many_digits_are_set_like_others() -> None:
    scene, _ = chained("rnn", 40)
    texts = {plain_text(n.label.text) for n in scene.nodes if n.kind == "input" and n.label}
    assert {"x_(t-19)", "x_t", "x_(t+20)"} <= texts


def test_no_steps_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least 1 step"):
        chained("rnn", 0)


def test_the_legend_of_a_chain_says_what_is_true_of_every_step() -> None:
    """c[t+3] is no "memory of this step"."""
    for name in ("lstm", "gru"):
        legend = lstmgraph.load(name).draw(unroll=5).scene.legend
        words = [e.words for group in legend if group.title in ("Inputs", "Outputs") for e in group.entries]
        assert words[0] == "input"
        assert all(w.endswith(("that enters a step", "that leaves a step")) for w in words[1:])
