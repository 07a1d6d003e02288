"""Wires on the lattice: the cheapest with two bends, any way where there is none, and what none may do."""

from __future__ import annotations

from lstmgraph.diagram.layout import maze, patterns
from lstmgraph.diagram.layout.budget import Budget
from lstmgraph.diagram.layout.lattice import Demand, Lattice
from lstmgraph.diagram.layout.router import route_all
from lstmgraph.diagram.layout.shapes import DOWN, LEFT, RIGHT, UP, Port
from lstmgraph.diagram.scene import Point


def port(name: str, x: int, y: int, out: int) -> tuple[Port, int]:
    return Port((name, out, 0), Point(0, 0), (x, y), out), 0


def wire(id: str, net: int, start: tuple[Port, int], *goals: tuple[Port, int]) -> Demand:
    return Demand(id, net, (start,), goals)


def lattice(*covered: tuple[tuple[int, int], tuple[int, int]]) -> Lattice:
    found = Lattice(30, 20, Budget())
    for at, reach in covered:
        found.cover(at, reach)
    return found


def test_the_fewest_bends() -> None:
    board = lattice()
    assert patterns.route(board, wire("a", 1, port("s", 3, 3, RIGHT), port("t", 20, 3, LEFT)))
    assert board.path(1, "a") == [(3, 3), (20, 3)]
    assert patterns.route(board, wire("b", 2, port("u", 3, 6, RIGHT), port("v", 20, 12, UP)))
    assert board.path(2, "b") == [(3, 6), (20, 6), (20, 12)]
    assert patterns.route(board, wire("c", 3, port("w", 3, 15, RIGHT), port("z", 20, 17, LEFT)))
    assert [board.nets[n].ends[w].bends for n, w in ((1, "a"), (2, "b"), (3, "c"))] == [0, 1, 2]


def test_what_needs_three_bends_is_left_to_the_maze() -> None:
    board = lattice(((12, 3), (0, 2)), ((12, 9), (0, 9)))
    demand = wire("a", 1, port("s", 3, 3, RIGHT), port("t", 20, 3, LEFT))
    assert not patterns.route(board, demand)
    assert not maze.route(board, demand)
    board = lattice(((12, 8), (0, 7)))
    assert not patterns.route(board, demand)
    assert maze.route(board, demand)
    assert board.nets[1].ends["a"].bends > 2


def test_values_cross_at_right_angles_and_never_share_a_line() -> None:
    board = lattice()
    assert patterns.route(board, wire("a", 1, port("s", 3, 8, RIGHT), port("t", 25, 8, LEFT)))
    assert patterns.route(board, wire("b", 2, port("u", 10, 3, DOWN), port("v", 10, 15, UP)))
    assert board.cost() == (1, 0, 0, 34)
    assert [board.cost_of(net) for net in (1, 2)] == [(1, 0, 0, 22), (1, 0, 0, 12)]
    assert not patterns.route(board, wire("c", 3, port("w", 5, 8, RIGHT), port("z", 20, 8, LEFT)))


def test_a_value_forks_but_not_under_an_arrowhead() -> None:
    board = lattice()
    start = port("s", 3, 8, RIGHT)
    assert patterns.route(board, wire("a", 1, start, port("t", 20, 8, LEFT)))
    assert not patterns.route(board, wire("b", 1, start, port("u", 20, 15, UP)))  # only from where "a" ends
    assert patterns.route(board, wire("c", 1, start, port("v", 20, 15, LEFT)))
    assert board.nets[1].ends["c"].bends == 2


def test_what_is_lifted_leaves_nothing_and_is_put_back_whole() -> None:
    board = lattice()
    demand = wire("a", 1, port("s", 3, 8, RIGHT), port("t", 20, 12, UP))
    assert patterns.route(board, demand)
    before = board.path(1, "a"), [layer.rows[:] for layer in board.along]
    net = board.lift(1)
    assert not any(any(layer.rows) or any(layer.cols) for layer in board.along)
    assert net is not None
    board.put_back(net)
    assert (board.path(1, "a"), [layer.rows[:] for layer in board.along]) == before


def test_a_sketch_loses_what_a_drawing_finds() -> None:
    demand = wire("a", 1, port("s", 3, 3, RIGHT), port("t", 20, 3, LEFT))
    board = lattice(((12, 8), (0, 7)))
    route_all(board, [demand], sketch=True)
    assert not board.laid(demand)
    route_all(board, [demand])
    assert board.laid(demand)
