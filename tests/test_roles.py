"""What values are called is found from the equations."""

import pytest

from lstmgraph.cell import Cell
from lstmgraph.reading import from_equations, load
from lstmgraph.roles import memories, roles


def cell_of(*equations: str) -> Cell:
    return from_equations("\n".join(equations), sizes={"x": "H", "h": "H"}, output="h")


@pytest.mark.parametrize(
    ("name", "carried", "gates", "candidates"),
    [
        ("rnn", "", "", ""),
        ("lstm", "c", "fio", "g"),
        ("cifg", "c", "ifo", "g"),
        ("gru", "h", "rz", "g"),
        ("indrnn", "", "", ""),
    ],
)
def test_roles_of_the_library(name: str, carried: str, gates: str, candidates: str) -> None:
    cell = load(name)
    found = roles(cell)
    assert memories(cell) == tuple(carried)
    assert {b for b, role in found.items() if role == "gate"} == set(gates)
    assert {b for b, role in found.items() if role == "candidate"} == set(candidates)


def test_a_pre_activation_of_its_own_makes_no_difference() -> None:
    apart = cell_of("a[t] = W @ x[t] + U @ h[t-1]", "f[t] = sigmoid(a[t])", "h[t] = f[t] * h[t-1] + x[t]")
    assert roles(apart)["f"] == "gate"
    assert roles(apart)["a"] == "internal"


@pytest.mark.parametrize(
    ("equation", "carried"),
    [
        ("h[t] = h[t-1] / (1 + abs(x[t])) + x[t]", True),
        ("h[t] = 2 * h[t-1] - x[t]", True),
        ("h[t] = maximum(h[t-1], x[t])", True),
        ("h[t] = x[t] + sum(h[t-1])", False),
        ("h[t] = tanh(h[t-1]) + x[t]", False),
        ("h[t] = U @ h[t-1] + x[t]", False),
    ],
)
def test_a_memory_is_carried_elementwise(equation: str, carried: bool) -> None:
    assert memories(cell_of(equation)) == (("h",) if carried else ())


def test_the_file_has_the_last_word() -> None:
    cell = from_equations("h[t] = h[t-1] + x[t]", sizes={"x": "H"}, roles={"h": "state"})
    assert memories(cell) == ()
