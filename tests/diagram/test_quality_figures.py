"""Figures of small scenes made by hand, each known beforehand: at a bound, and a little on either side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from lstmgraph.diagram.graph import Edge as GraphEdge
from lstmgraph.diagram.graph import Graph, NodeKind
from lstmgraph.diagram.graph import Node as GraphNode
from lstmgraph.diagram.path import HEAD_LENGTH, HOP, STROKE, Route, finish, flatten, straight
from lstmgraph.diagram.quality import colour, edges, lines, measure, overlaps, painted, places, rival
from lstmgraph.diagram.quality.inked import head_sizes
from lstmgraph.diagram.quality.picture import Picture
from lstmgraph.diagram.scene import Box, Dot, Label, Node, Point, Scene, Wire, again
from lstmgraph.diagram.themes import Mode, Theme, load_theme
from lstmgraph.diagram.writers.svg import write_svg
from tests.diagram.graphs import lstm

EMPTY = Graph((), (), (), "")


def node(id: str, x: float, y: float, width: float = 20, height: float = 20, **more: Any) -> Node:
    given = {"kind": "operator", "role": "operator", "shape": "box", "label": None, **more}
    return Node(id, given.pop("kind"), given.pop("role"), given.pop("shape"), Point(x, y), width, height, **given)


def wire(id: str, source: str, *points: tuple[float, float], target: str = "", **more: Any) -> Wire:
    given = {"role": "internal", "arrow": False, **more}
    places = tuple(Point(*p) for p in points)
    return Wire(id, source, target or f"end of {id}", given.pop("role"), places, straight(places), **given)


def picture(
    *nodes: Node,
    wires: Sequence[Wire] = (),
    frames: Sequence[Box] = (),
    dots: Sequence[Dot] = (),
    labels: Sequence[Label] = (),
    trunks: Sequence[Wire] = (),
) -> Picture:
    scene = Scene("s", "", "", (1000, 1000), tuple(frames), nodes, tuple(wires), tuple(dots), tuple(labels))
    scene = replace(scene, trunks=tuple(trunks))
    return Picture(scene, EMPTY)


def line(*points: tuple[float, float]) -> Route:
    return straight([Point(*p) for p in points])


# ── places ──


@pytest.mark.parametrize("off", [0.01, 2, 3.99, 6, 9.99])
@pytest.mark.parametrize("axis", [0, 1])
def test_nodes_of_one_kind_that_lie_side_by_side_are_on_one_line(off: float, axis: int) -> None:
    a, b = node("a", 100, 100), node("b", *((100 + off, 300) if axis == 0 else (300, 100 + off)))
    assert list(places.off_line(picture(a, b))) == [f"a and b: {('column', 'row')[axis]}"]
    # ... whatever lies between them, and in whatever order they come.
    assert list(places.off_line(picture(b, node("c", 800, 800), a))) == [f"a and b: {('column', 'row')[axis]}"]


def test_rows_apart_by_half_a_node_are_two_rows() -> None:
    assert not list(places.off_line(picture(node("a", 100, 100), node("b", 300, 110))))
    assert list(places.off_line(picture(node("a", 100, 100, height=40), node("b", 300, 110, height=22))))
    assert not list(places.off_line(picture(node("a", 100, 100, height=40), node("b", 300, 110, height=20))))


def test_nodes_of_different_kinds_are_in_one_row_where_they_nearly_are() -> None:
    for off, found in ((0.0005, 0), (3.9, 1), (2 * STROKE, 0), (8, 0)):
        pair = node("a", 100, 100), node("b", 300, 100 + off, kind="sum")
        assert len(list(places.off_line(picture(*pair)))) == found, off


def test_every_node_of_a_row_is_compared() -> None:
    row = [node("a", 100, 100), node("b", 200, 104, kind="sum"), node("c", 300, 108)]
    assert list(places.off_line(picture(*row))) == ["a and c: row"]


def test_containers_have_rows_of_their_own() -> None:
    frames = Box(0, 0, 200, 200), Box(200, 0, 400, 200)
    pair = node("a", 100, 100), node("b", 300, 102)
    assert not list(places.off_line(picture(*pair, frames=frames)))
    assert list(places.off_line(picture(*pair, frames=frames[:1]))) == ["a and b: row"]


def test_rows_end_at_a_border() -> None:
    """What stands left of a cell, in it and right of it is no row; what is as good as in one line still is one."""
    frame = (Box(200, 0, 400, 200),)
    for off, nearly in ((8, False), (3.9, True)):
        left, inner, right = node("a", 100, 100), node("b", 300, 100 + off), node("c", 500, 100)
        for pair in ((left, inner), (inner, right)):
            assert bool(list(places.off_line(picture(*pair, frames=frame)))) is nearly
    assert not list(places.off_line(picture(node("a", 100, 100), node("b", 500, 108), frames=frame)))
    beside = node("a", 100, 100), node("b", 150, 108)
    assert list(places.off_line(picture(*beside, frames=frame))) == ["a and b: row"]


def test_the_gap_is_that_of_the_nearest_two() -> None:
    assert places.smallest_gap(picture(node("a", 100, 100))) == inf
    assert places.smallest_gap(picture(node("a", 100, 100), node("b", 140, 130), node("c", 260, 100))) == 20
    assert places.smallest_gap(picture(node("a", 100, 100), node("b", 105, 126), node("c", 125, 300))) == 6


@pytest.mark.parametrize(("frame", "padding"), [(Box(83, 0, 200, 200), 7), (Box(0, 82, 200, 200), 8),
                                                (Box(0, 0, 119, 200), 9), (Box(0, 0, 200, 121), 11)])  # fmt: skip
def test_padding_is_measured_on_every_side(frame: Box, padding: float) -> None:
    assert places.smallest_padding(picture(node("a", 100, 100), frames=(frame,))) == padding
    join = node("j", 84, 84, 1, 1, kind="join")
    assert places.smallest_padding(picture(node("a", 100, 100), join, frames=(frame,))) == padding


def test_the_pitch_is_that_of_the_most_uneven_row() -> None:
    even = [node(f"a{x}", x, 100, kind="sum") for x in (100, 200, 300)]
    uneven = [node(f"b{x}", x, 300, kind="sum") for x in (100, 200, 350)]
    assert places.worst_pitch(picture(*even)) == 1
    assert places.worst_pitch(picture(*uneven, *even)) == 1.5
    assert places.worst_pitch(picture(*even[:2], *uneven[1:])) is None


@pytest.mark.parametrize("kind", ["input", "previous", "bias", "constant"])
def test_what_a_step_is_given_stands_outside_the_border(kind: str) -> None:
    frame = Box(50, 50, 300, 200)
    for x, found in ((49.9, []), (50, ["a"]), (170, ["a"]), (300.1, [])):
        assert list(places.enclosed(picture(node("a", x, 100, kind=kind), frames=[frame]))) == found
        assert not list(places.enclosed(picture(node("a", x, 100, kind="sum"), frames=[frame])))
    assert not list(places.enclosed(picture(node("a", 170, 100, kind=kind))))  # no border


def test_texts_are_compared_with_the_largest_label_of_a_node() -> None:
    nodes = [node(str(size), 100, size, label=Label("x", Point(100, size), size), kind=kind)
             for size, kind in ((10.0, "sum"), (20.0, "sum"), (40.0, "cell"))]  # fmt: skip
    assert places.text_ratio(picture(*nodes)) == 0.5
    assert places.text_ratio(picture(*nodes, labels=[Label("y", Point(0, 0), 5)])) == 0.25
    assert places.text_ratio(picture(labels=[Label("y", Point(0, 0), 5)])) == 5


def test_what_moves_is_told_with_its_frame() -> None:
    still, moved = picture(node("a", 100, 100)).scene, picture(node("a", 100, 101)).scene
    assert list(places.moved([still, still])) == []
    assert list(places.moved([still, still, moved])) == ["node a in frame 3"]
    trunk = replace(still, trunks=(wire("t", "a", (0, 0), (9, 0), target="b"),))
    assert list(places.moved([still, trunk])) == ["trunk to b in frame 2"]


# ── wires ──


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize(("apart", "found"), [(0, 1), (3 * STROKE - 0.1, 1), (3 * STROKE, 0), (3 * STROKE + 0.1, 0)])
def test_two_strokes_are_between_lines_of_different_values(apart: float, found: int, upright: bool) -> None:
    ends = [((100, 100), (200, 100)), ((150, 100 + apart), (300, 100 + apart))]
    one, other = ([(y, x) for x, y in pair] for pair in ends) if upright else ends
    assert len(list(lines.shared_lines(picture(wires=[wire("a", "a", *one), wire("b", "b", *other)])))) == found
    # One value may run beside itself, and one line may end where another begins.
    assert not list(lines.shared_lines(picture(wires=[wire("a", "a", *one), wire("b", "a", *other)])))


def test_lines_one_after_the_other_share_none() -> None:
    after = [wire("a", "a", (100, 100), (200, 100)), wire("b", "b", (200, 100), (300, 100))]
    assert not list(lines.shared_lines(picture(wires=after)))


def test_wires_that_end_in_one_join_may_run_together() -> None:
    pair = [wire(id, id, (100, 100), (200, 100), target="j") for id in "ab"]
    assert list(lines.shared_lines(picture(wires=pair)))
    assert not list(lines.shared_lines(picture(node("j", 200, 100, 1, 1, kind="join"), wires=pair)))


def test_an_oblique_piece_is_enough() -> None:
    bent = wire("a", "a", (0, 0), (50, 0), (60, 9), (60, 40))
    assert list(painted.oblique(picture(wires=[bent]))) == ["a"]
    assert not list(painted.oblique(picture(wires=[wire("a", "a", (0, 0), (50, 0), (50, 40))])))


@pytest.mark.parametrize(
    ("route", "arrow", "wrong"),
    [
        (line((0, 0), (50, 0), (50, 40)), False, False),
        (line((0, 0), (20, 0), (20, HOP), (30, HOP), (30, 0), (50, 0), (50, 40)), False, False),  # over another line
        (line((0, 0), (20, 0), (20, HOP + 0.1), (30, HOP + 0.1), (30, 0), (50, 0), (50, 40)), False, True),
        (line((0, 0), (20, 0), (25, HOP), (30, 0), (50, 0), (50, 40)), False, True),  # straight, and slanted
        (line((0, 0), (50, 40)), False, True),
        (line((0, 0), (0, 40), (50, 40)), False, True),  # the other way around
        (line((0, 0), (45, 0), (45, 4), (50, 4), (50, 40)), False, True),  # past the corner
        (line((0, 0), (48, 0), (48, 2), (50, 2), (50, 40)), False, False),
        ((*line((0, 0), (50, 0)), *map(Point._make, [(50, -20), (70, 40), (50, 40)])), False, True),  # a bulge
        (line((0, 0), (50, 0), (50, 40 - HEAD_LENGTH)), True, False),  # as far as its arrowhead
        (line((0, 0), (50, 0), (50, 40 - HEAD_LENGTH)), False, True),
        (line((0, 0), (50, 0), (50, 39.9 - HEAD_LENGTH)), True, True),
        (line((1, 0), (50, 0), (50, 40)), False, True),
    ],
)
def test_a_line_is_painted_where_it_runs(route: Route, arrow: bool, wrong: bool) -> None:
    shown = replace(wire("a", "a", (0, 0), (50, 0), (50, 40), arrow=arrow), route=route)
    assert bool(list(painted.misdrawn(picture(wires=[shown])))) == wrong
    assert bool(list(painted.misdrawn(picture(trunks=[shown])))) == wrong


@pytest.mark.parametrize(("on_the_way", "bent"), [("operator", ()), ("sum", ("c",))])
def test_a_memory_runs_through_operators_alone(on_the_way: Any, bent: tuple[str, ...]) -> None:
    ends = [("c[t-1]", "previous", "c[t-1]"), ("+", on_the_way, None), ("c'", "next", "c[t]")]
    graph = replace(EMPTY, memories=("c",), nodes=tuple(GraphNode(id, kind, "", "", value) for id, kind, value in ends))
    wires = (wire("in", "c[t-1]", (10, 0), (90, 0), target="+"), wire("out", "+", (110, 0), (190, 0), target="c'"))
    nodes = [node(id, 100 * k, 0, kind=kind) for k, (id, kind, _) in enumerate(ends)]
    assert tuple(lines.bent_pipes(Picture(picture(*nodes, wires=wires).scene, graph))) == bent


@pytest.mark.parametrize(("apart", "bent"), [(0, ()), (8, ("c",)), (-8, ("c",))])
def test_a_pipe_is_on_one_line_on_both_sides_of_an_operator(apart: float, bent: tuple[str, ...]) -> None:
    """Two straight wires at two heights of one operator are no straight pipe."""
    ends: list[tuple[str, NodeKind, str | None]] = [
        ("c[t-1]", "previous", "c[t-1]"),
        ("+", "operator", None),
        ("c'", "next", "c[t]"),
    ]
    graph = replace(EMPTY, memories=("c",), nodes=tuple(GraphNode(id, kind, "", "", value) for id, kind, value in ends))
    before = wire("in", "c[t-1]", (10, 0), (90, 0), target="+")
    after = wire("out", "+", (110, apart), (190, apart), target="c'")
    nodes = [node(id, 100 * k, 0, kind=kind, height=40) for k, (id, kind, _) in enumerate(ends)]
    assert tuple(lines.bent_pipes(Picture(picture(*nodes, wires=(before, after)).scene, graph))) == bent


@pytest.mark.parametrize("kind", ["sum", "function", "operator", "next"])
def test_what_is_shown_again_is_extra_but_on_its_way_out(kind: NodeKind) -> None:
    """An output may leave upward too; an operation takes in what it takes once."""
    ends = GraphNode("a", "function", "", ""), GraphNode("b", kind, "", "")
    graph = replace(EMPTY, nodes=ends, edges=(GraphEdge("a>b", "a", "b", 0, "internal"),))
    wires = [wire(id, "a", (0, y), (90, y), target="b") for id, y in (("a>b", 0), (again("a>b"), 50))]
    found = list(edges.extra(Picture(picture(wires=wires).scene, graph)))
    assert found == ([] if kind == "next" else ["a>b@up"])


def test_a_line_that_ends_on_another_touches_it() -> None:
    across = wire("a", "a", (0, 100), (200, 100))
    for end, found in ((100, ["b and a at (50, 100)"]), (104, []), (60, [])):
        assert list(lines.touching(picture(wires=[across, wire("b", "b", (50, 200), (50, end))]))) == found
    assert not list(lines.touching(picture(wires=[across, wire("b", "a", (50, 200), (50, 100))])))
    assert not list(lines.touching(picture(wires=[across, wire("b", "b", (0, 200), (0, 100))])))  # at one node


def test_crossings_are_of_lines_that_go_on_beyond_both() -> None:
    across = wire("a", "a", (0, 100), (200, 100))
    for top, bottom, found in ((50, 150, 1), (100, 150, 0), (50, 100, 0)):
        assert len(picture(wires=[across, wire("b", "b", (90, top), (90, bottom))]).crossings) == found
    assert not picture(wires=[across, wire("b", "a", (90, 50), (90, 150))]).crossings


def test_a_crossing_is_bridged_by_exactly_one_line() -> None:
    pair = [wire("a", "a", (0, 100), (200, 100)), wire("b", "b", (90, 0), (90, 200))]
    assert list(lines.unbridged(picture(wires=pair))) == ["a and b at (90, 100)"]
    bridged = finish(pair)
    assert not list(lines.unbridged(picture(wires=bridged)))
    hopping = next(w for w in bridged if len(w.route) > 4)
    assert list(lines.unbridged(picture(wires=[replace(w, route=hopping.route) for w in pair])))


@pytest.mark.parametrize(("aside", "bridged"), [(0.0, False), (1.9, False), (2.1, True)])
def test_a_line_is_lifted_where_its_route_keeps_a_stroke_from_the_crossing(aside: float, bridged: bool) -> None:
    lifted = replace(wire("a", "a", (0, 100), (200, 100)), route=line((0, 100 - aside), (200, 100 - aside)))
    pair = [lifted, wire("b", "b", (90, 0), (90, 200))]
    assert list(lines.unbridged(picture(wires=pair))) == ([] if bridged else ["a and b at (90, 100)"])


@pytest.mark.parametrize(("crossed", "each"), [((), 0), ((40,), 1), ((40, 90), 1), ((40, 90, 140), 2)])
def test_a_copy_has_its_share_of_the_crossings_rounded_up(crossed: tuple[int, ...], each: int) -> None:
    """One crossing in two copies is one, not none."""
    wires = [wire("1:a", "a", (0, 100), (200, 100)), wire("2:a", "a", (0, 150), (200, 150))]
    wires += [wire(f"2:b{x}", f"b{x}", (x, 80), (x, 120)) for x in crossed]
    assert measure(picture(wires=wires).scene, EMPTY).crossings == each


@pytest.mark.parametrize("away", [0.0, 0.9, 4.0])
def test_a_fork_has_its_dot_where_it_is(away: float) -> None:
    fork = [wire("a", "a", (0, 100), (200, 100)), wire("b", "a", (0, 100), (100, 100), (100, 200))]
    found = list(lines.dots_astray(picture(wires=fork, dots=[Dot(Point(100 + away, 100), "internal")])))
    gone = ["no dot where a parts at (100, 100)", f"a dot and no fork at ({100 + away:g}, 100)"]
    assert found == (gone if away > 1 else [])


def test_a_dot_at_a_crossing_would_join_what_only_crosses() -> None:
    fork = [wire("a", "a", (0, 100), (200, 100)), wire("b", "a", (0, 100), (100, 100), (100, 200))]
    near = wire("c", "c", (103, 0), (103, 200))
    found = list(lines.dots_astray(picture(wires=[*fork, near], dots=[Dot(Point(100, 100), "internal")])))
    assert found == ["a dot and a crossing at (100, 100)"]


def straight_end(wire: Wire) -> float:
    """How long a wire is straight before its tip, in points."""
    ((heads, id),) = lines.straight_ends(picture(wires=[wire]))
    assert id == wire.id
    return heads * HEAD_LENGTH


def test_a_head_is_measured_along_and_across_and_the_line_before_it() -> None:
    drawn = finish([wire("a", "a", (0, 0), (100, 0), (100, 60), arrow=True)])
    assert sorted(head_sizes(write_svg(picture(wires=drawn).scene, load_theme("default")))) == pytest.approx([3.3, 4.1])
    assert straight_end(*drawn) == pytest.approx(52)  # all but the corner


def test_a_line_counts_as_straight_as_far_as_it_goes_on_in_one_direction() -> None:
    """Its route may be in pieces: where another line hops over it, or where it is lifted itself."""
    upright = wire("a", "a", (0, 0), (0, 20), (0, 60), arrow=True)
    assert straight_end(upright) == pytest.approx(60)
    bent = wire("a", "a", (0, 0), (40, 0), (40, 30), (40, 60), arrow=True)
    assert straight_end(bent) == pytest.approx(60)


def test_a_fork_without_a_dot_is_a_curve() -> None:
    through = wire("a", "a", (0, 100), (200, 100))
    branch = wire("b", "a", (0, 100), (100, 100), (100, 200))
    (curved,) = finish([branch])
    other = wire("c", "c", (0, 0), (300, 0), (300, 50))
    assert not list(lines.dots_astray(picture(wires=[through, curved, other])))
    assert list(lines.dots_astray(picture(wires=[through, branch, other])))


# ── what lies on what ──


@pytest.mark.parametrize(("apart", "found"), [(2 * STROKE - 0.1, 1), (2 * STROKE, 0)])
def test_wires_keep_two_strokes_from_a_foreign_node(apart: float, found: int) -> None:
    foreign = node("n", 100, 100)
    y = 100 + 10 + STROKE / 2 + apart
    assert len(list(overlaps.through_nodes(picture(foreign, wires=[wire("a", "a", (0, y), (200, y))])))) == found
    assert not list(overlaps.through_nodes(picture(foreign, wires=[wire("a", "n", (110, 100), (200, 100))])))
    assert list(overlaps.through_nodes(picture(foreign, wires=[wire("a", "n", (105, 100), (200, 100))]))) == ["a and n"]


def test_a_wire_may_end_at_a_round_outline_but_not_inside() -> None:
    round_ = node("n", 100, 100, 40, 40, shape="circle")
    at = 100 + 16.0  # 3-4-5: twelve above the middle the circle is sixteen wide
    assert not list(overlaps.through_nodes(picture(round_, wires=[wire("a", "n", (at, 88), (200, 88))])))
    assert list(overlaps.through_nodes(picture(round_, wires=[wire("a", "n", (at - 1, 88), (200, 88))])))
    square = replace(round_, shape="box")
    assert list(overlaps.through_nodes(picture(square, wires=[wire("a", "n", (at, 88), (200, 88))])))


@pytest.mark.parametrize(("x", "found"), [(108.9, 0), (109.1, 1), (126.9, 1), (127.1, 0)])
def test_a_dot_is_on_a_node_or_beside_it(x: float, found: int) -> None:
    dots = [Dot(Point(x, 100), "internal")]
    box = node("n", 118, 100, 12, 20)
    assert len(list(overlaps.node_overlaps(picture(box, dots=dots)))) == found
    assert not list(overlaps.node_overlaps(picture(replace(box, kind="join"), dots=dots)))


# ── colours ──


def spoilt(mode: Mode, **what: Any) -> Theme:
    theme = load_theme("default")
    palette = replace(theme.palette(mode), **what)
    return replace(theme, light=palette) if mode == "light" else replace(theme, dark=palette)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_are_measured_in_both_modes(mode: Mode) -> None:
    own = load_theme("default").palette(mode)
    ends = [node(id, x, 100, label=Label("x", Point(x, 100), 10)) for id, x in (("a", 0), ("b", 100))]
    pair = [wire("a", "a", (0, 0), (9, 0), role="memory"), wire("b", "b", (0, 50), (9, 50), role="output")]
    scene = picture(*ends, wires=pair, labels=[Label("y", Point(5, 5), 9)]).scene
    assert colour.text_contrast(scene, spoilt(mode, text=own.background)) == 1
    assert colour.line_contrast(scene, spoilt(mode, wires={**own.wires, "memory": own.background})) == 1
    assert colour.least_difference(scene, spoilt(mode, wires={**own.wires, "memory": own.wires["output"]})) == 0
    fine = load_theme("default")
    assert colour.text_contrast(scene, fine) >= 4.5
    assert colour.line_contrast(scene, fine) >= 3
    assert colour.least_difference(scene, fine) >= 10


def alike(one: str, other: str) -> Theme:
    """The default theme, where two roles have one colour."""
    own = load_theme("default").light.wires
    return spoilt("light", wires={**own, one: own[other]})


PAIR = (
    wire("a", "a", (0, 0), (9, 0), role="memory", target="c"),
    wire("b", "b", (0, 50), (9, 50), role="output", target="d"),
)


@pytest.mark.parametrize("kind", ["input", "previous", "bias", "constant"])
def test_lines_that_leave_a_node_with_its_name_need_no_colour_of_their_own(kind: str) -> None:
    theme = alike("memory", "output")
    for kinds, least in (((kind, kind), inf), ((kind, "operator"), 0), (("operator", kind), 0)):
        ends = [node(id, 0, y, kind=k) for id, y, k in zip("ab", (0, 50), kinds, strict=True)]
        assert colour.least_difference(picture(*ends, wires=PAIR).scene, theme) == least, kinds


def test_lines_that_enter_a_next_value_or_have_a_label_need_no_colour_of_their_own() -> None:
    theme = alike("memory", "output")
    goal, name = node("c", 50, 0, kind="next"), Label("y", Point(5, 45), 9, of="b")
    assert colour.least_difference(picture(goal, wires=PAIR, labels=[name]).scene, theme) == inf
    assert colour.least_difference(picture(goal, wires=PAIR).scene, theme) == 0
    assert colour.least_difference(picture(wires=PAIR, labels=[name]).scene, theme) == 0


def test_what_is_dimmed_need_not_be_told_apart() -> None:
    theme = alike("memory", "output")
    for lit, least in (((True, True), 0), ((True, False), inf), ((False, True), inf), ((False, False), inf)):
        wires = [replace(w, lit=on) for w, on in zip(PAIR, lit, strict=True)]
        assert colour.least_difference(picture(wires=wires).scene, theme) == least, lit


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_border_of_a_container_is_a_line(mode: Mode) -> None:
    own = load_theme("default").palette(mode)
    lost = spoilt(mode, container=own.container._replace(stroke=own.background))
    assert colour.line_contrast(picture(frames=(Box(0, 0, 90, 90),)).scene, lost) == 1
    assert colour.line_contrast(picture().scene, lost) == inf  # none is drawn


# ── what Graphviz's dot would draw ──


@pytest.mark.parametrize(("apart", "count"), [(3.9, 1), (4.1, 2)])
def test_crossings_of_one_pair_of_values_at_one_place_are_one(apart: float, count: int) -> None:
    """Two edges of one value that run close together to cross another one."""
    across, once, again = (line(*ends) for ends in (((0, 0), (100, 0)), ((50, -20), (50, 20)),
                                                    ((50 + apart, -20), (50 + apart, 20))))  # fmt: skip
    assert len(rival.crossings_of([("a", across), ("b", once), ("b", again)])) == count
    assert len(rival.crossings_of([("a", across), ("b", once), ("c", again)])) == 2


def test_where_splines_cross_is_known() -> None:
    (at,) = rival.crossings_of([("a", line((0, 0), (100, 40))), ("b", line((30, 60), (70, -20)))])
    assert tuple(at) == pytest.approx((50, 20))
    assert not rival.crossings_of([("a", line((0, 0), (100, 40))), ("a", line((30, 60), (70, -20)))])
    assert not rival.crossings_of([("a", line((0, 0), (100, 40))), ("b", line((0, 10), (100, 50)))])  # parallel
    assert not rival.crossings_of([("a", line((0, 0), (100, 40))), ("b", line((90, 120), (130, 0)))])  # beyond the end
    assert not rival.crossings_of([("a", line((0, 0), (100, 40))), ("b", line((30, 60), (40, 40)))])  # before it


def test_a_spline_is_as_long_as_it_is_drawn() -> None:
    route = (Point(0, 0), Point(0, 100), Point(100, 100), Point(100, 0))
    flat = flatten(route, 4)
    assert flat[0] == (0, 0)
    assert flat[2] == (50, 75)
    assert flat[-1] == (100, 0)
    assert len(flat) == 5
    given = {"pos": "e,90,5 10,10 20,10 30,10 40,10"}
    assert rival._spline(given) == ((10, 10), (20, 10), (30, 10), (40, 10), (40, 10), (90, 5), (90, 5))


def test_dot_draws_in_both_directions_and_the_better_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for crossings in ({"BT": 9, "LR": 12}, {"BT": 12, "LR": 9}):
        drawn = {rival._source(lstm(), direction): count for direction, count in crossings.items()}
        monkeypatch.setattr(rival, "_counted", drawn.__getitem__)
        assert rival.rival_crossings(lstm()) == 9


def test_dot_is_given_the_sizes_of_our_nodes_in_inches() -> None:
    source = rival._source(lstm(), "LR")
    assert "rankdir=LR" in source
    sizes = {(n.width, n.height) for n in measured_nodes()}
    for width, height in sizes:
        assert f"height={height / 72:.4f} width={width / 72:.4f}" in source


def measured_nodes() -> Sequence[Node]:
    from lstmgraph.diagram.layout.pipe import layout_pipe

    return [n for n in layout_pipe(lstm()).nodes if n.kind == "function"]


def test_a_picture_of_many_kinds_has_all_figures() -> None:
    quality = measure(picture(node("a", 100, 100), frames=(Box(0, 0, 300, 200),)).scene, EMPTY)
    assert (quality.aspect, quality.smallest_padding, quality.most_bends) == (1.5, 90, 0)
