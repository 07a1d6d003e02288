"""Routes: what finish does with corners, forks, crossings and ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import dist, hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmgraph.diagram import path
from lstmgraph.diagram.path import HEAD_LENGTH, HEAD_NOTCH, HEAD_WIDTH, HOP, RADIUS, STRAIGHT, STROKE
from lstmgraph.diagram.scene import Point, Wire
from tests.diagram.demo import lstm


def wire(source: str, *points: tuple[float, float], role: str = "internal", **changes: bool) -> Wire:
    made = Wire(f"{source}>{points[-1]}", source, str(points[-1]), role, tuple(Point(*p) for p in points), ())
    return replace(made, **changes)  # type: ignore[arg-type]


def bezier(piece: tuple[Point, ...], t: float) -> Point:
    s = 1 - t
    weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
    return Point(*(sum(w * p[k] for w, p in zip(weights, piece, strict=True)) for k in (0, 1)))


def sampled(route: path.Route, steps: int = 12) -> list[Point]:
    pieces = [route[k : k + 4] for k in range(0, len(route) - 1, 3)]
    return [bezier(piece, t / steps) for piece in pieces for t in range(steps + 1)]


def off(point: Point, points: tuple[Point, ...]) -> float:
    """How far a point is from a polyline."""

    def from_segment(a: Point, b: Point) -> float:
        t = ((point.x - a.x) * (b.x - a.x) + (point.y - a.y) * (b.y - a.y)) / (dist(a, b) ** 2 or 1)
        t = min(1.0, max(0.0, t))
        return dist(point, (a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)))

    return min(from_segment(a, b) for a, b in pairwise(points))


def bumps(made: Wire) -> list[Point]:
    """Points of the route that are further from the polyline than a rounded corner gets."""
    return [p for p in sampled(made.route) if off(p, made.points) > 0.6 * HOP]


def test_a_straight_wire_ends_in_the_notch_of_its_head() -> None:
    (made,) = path.finish([wire("a", (0, 0), (100, 0))])
    assert made.route[0] == (0, 0)
    assert made.route[-1] == pytest.approx((100 - HEAD_LENGTH + HEAD_NOTCH, 0))
    assert made.points[-1] == (100, 0)
    tip, left, notch, right = path.arrowhead(made)
    assert tip == (100, 0)
    assert notch == pytest.approx(made.route[-1])
    assert dist(left, right) == pytest.approx(HEAD_WIDTH)
    assert dist(tip, ((left.x + right.x) / 2, (left.y + right.y) / 2)) == pytest.approx(HEAD_LENGTH)
    assert 3 * STROKE <= HEAD_WIDTH <= 5.4 * STROKE
    assert 3 * STROKE <= HEAD_LENGTH <= 5.4 * STROKE


def test_without_a_head_it_ends_at_the_end() -> None:
    (made,) = path.finish([wire("a", (0, 0), (0, 50), arrow=False)])
    assert made.route[-1] == (0, 50)


@pytest.mark.parametrize(("away", "radius"), [(20, RADIUS), (8, 8 - HOP), (4, 0)])
def test_a_line_does_not_turn_under_a_bridge(away: float, radius: float) -> None:
    """Else nobody sees which line goes where."""
    turning, crossing = wire("a", (0, 0), (60, 0), (60, 80)), wire("b", (60 - away, -40), (60 - away, 40))
    made, _ = path.finish([turning, crossing])
    assert any(p == pytest.approx((60 - radius, 0)) for p in made.route)
    assert any(p == pytest.approx((60, radius)) for p in made.route)


def test_corners_are_rounded_by_the_radius() -> None:
    (made,) = path.finish([wire("a", (0, 0), (60, 0), (60, 80))])
    assert len(made.route) % 3 == 1
    assert any(p == pytest.approx((60 - RADIUS, 0)) for p in made.route)
    assert any(p == pytest.approx((60, RADIUS)) for p in made.route)
    arc = [p for p in sampled(made.route) if p.x > 60 - RADIUS + 0.01 and p.y < RADIUS - 0.01]
    centre = (60 - RADIUS, RADIUS)
    assert all(dist(p, centre) == pytest.approx(RADIUS, rel=1e-3) for p in arc)


def test_short_segments_clamp_the_radius_and_keep_the_last_piece_straight() -> None:
    (made,) = path.finish([wire("a", (0, 0), (40, 0), (40, 6), (80, 6), (80, 6 + STRAIGHT + 2))])
    assert all(p.x <= 80.001 for p in made.route)
    assert any(p == pytest.approx((37, 0)) for p in made.route)  # half of 6
    assert any(p == pytest.approx((80, 8)) for p in made.route)  # what is left of the last segment


def test_wires_that_turn_together_turn_alike() -> None:
    wires = [wire("a", (0, 0), (40, 0), (40, 90)), wire("a", (0, 0), (40, 0), (40, 8), (90, 8))]
    for order in (wires, wires[::-1]):
        made = path.finish(order)
        turns = [{p for p in map(path.rounded, w.route) if p.y == 0} for w in made]
        assert turns[0] == turns[1]
        assert all(Point(36, 0) in w.route for w in made)  # half of the shorter one's 8


def test_a_fork_stays_square_and_gets_one_dot() -> None:
    wires = [wire("a", (0, 0), (100, 0)), wire("a", (0, 0), (40, 0), (40, 60)), wire("a", (0, 0), (40, 0), (40, -60))]
    made = path.finish(wires)
    assert Point(40, 0) in made[1].route
    assert [d.at for d in path.junctions(wires)] == [(40, 0)]


def test_a_common_corner_is_no_fork() -> None:
    wires = [wire("a", (0, 0), (40, 0), (40, 60)), wire("a", (0, 0), (40, 0), (40, 90))]
    assert path.junctions(wires) == ()


def test_a_dot_is_lit_with_what_passes_it() -> None:
    wires = [wire("a", (0, 0), (100, 0), lit=False), wire("a", (0, 0), (40, 0), (40, 60), lit=False)]
    assert [d.lit for d in path.junctions(wires)] == [False]
    assert [d.lit for d in path.junctions([replace(wires[0], lit=True), wires[1]])] == [True]


def test_the_horizontal_hops_upwards() -> None:
    across, along = path.finish([wire("a", (0, 0), (100, 0)), wire("b", (50, -40), (50, 60))])
    assert not bumps(along)
    assert min(p.y for p in bumps(across)) == pytest.approx(-HOP)
    assert path.crossings([across, along]) == ((50, 0),)


@pytest.mark.parametrize(
    "change", [{"dashed": True}, {"role": "memory"}, {"role": "previous_output"}], ids=["dashed", "memory", "previous"]
)
def test_the_calm_one_stays_straight(change: dict[str, object]) -> None:
    across = replace(wire("a", (0, 0), (100, 0)), **change)  # type: ignore[arg-type]
    across, along = path.finish([across, wire("b", (50, -40), (50, 60))])
    assert not bumps(across)
    assert max(p.x for p in bumps(along)) == pytest.approx(50 + HOP)


def test_a_dashed_memory_hops_for_nobody_but_a_solid_memory_hops_over_it() -> None:
    across, along = path.finish(
        [wire("a", (0, 0), (100, 0), role="memory"), wire("b", (50, -40), (50, 60), role="memory", dashed=True)]
    )
    assert bumps(across)
    assert not bumps(along)


def test_who_has_no_room_does_not_hop() -> None:
    across, along = path.finish([wire("a", (46, 0), (100, 0)), wire("b", (50, -40), (50, 60))])
    assert not bumps(across)
    assert bumps(along)


def test_neighbouring_crossings_share_a_flat_hop() -> None:
    wires = [wire("a", (0, 0), (100, 0)), wire("b", (50, -40), (50, 60)), wire("c", (56, -40), (56, 60))]
    across = path.finish(wires)[0]
    lifted = [p for p in bumps(across) if p.y == pytest.approx(-HOP)]
    assert min(p.x for p in lifted) == pytest.approx(50)
    assert max(p.x for p in lifted) == pytest.approx(56)


def test_wires_of_one_value_neither_cross_nor_hop() -> None:
    made = path.finish([wire("a", (0, 0), (100, 0)), wire("a", (50, -40), (50, 60))])
    assert not any(bumps(w) for w in made)
    assert path.crossings(made) == ()


def test_wires_of_one_trunk_hop_alike() -> None:
    wires = [wire("a", (0, 0), (100, 0)), wire("a", (0, 0), (70, 0), (70, 50)), wire("b", (40, -40), (40, 60))]
    first, second, _ = path.finish(wires)
    assert {p for p in bumps(first) if p.x < 60} == set(bumps(second)) != set()


def test_the_value_decides_what_belongs_together() -> None:
    wires = [wire("a", (0, 0), (100, 0)), wire("b", (50, -40), (50, 60))]
    assert path.crossings(wires, value=lambda w: "same") == ()


def test_every_crossing_of_the_demo_is_bridged() -> None:
    scene = lstm()
    met = path.crossings(scene.wires)
    assert len(met) == 5
    hops = [p for w in scene.wires for p in bumps(w)]
    assert all(any(dist(p, at) < 2 * HOP for p in hops) for at in met)


def test_points_in_a_row_are_one_segment() -> None:
    assert path.simplify([Point(0, 0), Point(5, 0), Point(5, 0), Point(9, 0), Point(9, 4)]) == ((0, 0), (9, 0), (9, 4))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=7, unique=True))
def test_a_route_stays_by_its_polyline(corners: list[tuple[int, int]]) -> None:
    """Whatever the lengths, a route is no further from its polyline than a rounded corner is."""
    points = [Point(8 * corners[0][0], 8 * corners[0][1])]
    for x, y in corners[1:]:
        points += [Point(8 * x, points[-1].y), Point(8 * x, 8 * y)]
    points = list(path.simplify(points))
    if len(points) < 2:
        return
    (made,) = path.finish([wire("a", *points)])
    assert len(made.route) % 3 == 1
    assert made.route[0] == points[0]
    assert all(off(p, made.points) <= RADIUS * (2**0.5 - 1) + 1e-6 for p in sampled(made.route))
    for a, b in pairwise(sampled(made.route)):
        assert hypot(b.x - a.x, b.y - a.y) < 30
