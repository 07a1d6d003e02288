"""Forward mode and Hessian-vector products: their form, and their numbers against what shares no rule with them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.names import Name, like, name_of, symbol
from lstmgraph.algebra.traverse import walk
from lstmgraph.calculus import gradient, hessian_vector, jvp, tangent, unroll, vjp
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName
from lstmgraph.normal import normal_form
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import step_values
from lstmgraph.program import Program
from lstmgraph.reading import library, load, loads

PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
CELLS = [*library(), *PAPERS]
Values = dict[str, Any]

every_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)


@lru_cache(maxsize=64)
def values_of(cell: Cell) -> Values:
    """What one step of a cell takes, away from kinks and poles, and what it computes."""
    sample = draw(cell, {z: (3, 2, 4)[k % 3] for k, z in enumerate(cell.sizes)}, 1, 1, seed=4)
    assert sample is not None
    given = step_values(cell, sample.parameters, sample.inputs, sample.states, 0)
    values = {name: np.reshape(v, np.shape(v)[-2:] or (1, 1)) for name, v in given.items()}
    return evaluate(cell.step, values)


def arriving(program: Program, values: Values, seed: int) -> Values:
    """Random numbers for the inputs of a program that are no values: directions, cotangents."""
    rng = np.random.default_rng(seed)
    marked = [s for s in program.inputs if name_of(s).marks]
    return {s.name: rng.uniform(-1, 1, values[str(replace(name_of(s), marks=()))].shape) for s in marked}


def along(values: Values, direction: Values, step: float) -> Values:
    """The values that go in, moved a step along a direction."""
    still = {str(replace(Name.parse(k), marks=())): d for k, d in direction.items()}
    return values | {k: values[k] + step * d for k, d in still.items()}


def inner(a: list[Any], b: list[Any]) -> float:
    return float(sum((x * y).sum() for x, y in zip(a, b, strict=True)))


def results(program: Program, values: Values, xp: ModuleType = np) -> list[Any]:
    found = evaluate(program, values, xp)
    return [found[o.name] for o in program.outputs]


def differences(program: Program, values: Values, direction: Values) -> list[Any]:
    """The derivative of a program's outputs along a direction, by central differences of sixth order."""
    h, weights = 2e-3, {-3: -1, -2: 9, -1: -45, 1: 45, 2: -9, 3: 1}
    moved = {k: results(program, along(values, direction, k * h)) for k in weights}
    return [sum(w * moved[k][n] for k, w in weights.items()) / (60 * h) for n in range(len(program.outputs))]


def close(found: list[Any], wanted: list[Any], bound: float) -> None:
    scale = max([1.0, *(float(abs(w).max()) for w in wanted)])
    for f, w in zip(found, wanted, strict=True):
        assert float(abs(f - w).max()) < bound * scale


# ── numbers ──


@every_cell
def test_forward_and_reverse_mode_are_transposes(name: str) -> None:
    """<ct, J v> = <Jᵀ ct, v>"""
    cell = load(name)
    forward, reverse, values = tangent(cell).check(), gradient(cell), values_of(cell)
    direction, seeds = arriving(forward, values, 1), arriving(reverse, values, 2)
    pushed = results(forward, values | direction)
    pulled = results(reverse, values | seeds)
    ct = [seeds[reverse.seed(o).name] for o in cell.outputs]
    v = [direction[like(s, "dot").name] for s in (*cell.parameters, *cell.previous, *cell.inputs)]
    assert inner(ct, pushed) == pytest.approx(inner(pulled, v), rel=1e-12, abs=1e-12)


@every_cell
def test_tangents_are_those_of_differences(name: str) -> None:
    cell = load(name)
    program, values = tangent(cell), values_of(cell)
    direction = arriving(program, values, 1)
    close(results(program, values | direction), differences(cell.step, values, direction), 1e-8)


@every_cell
def test_a_hessian_is_symmetric_and_that_of_differences(name: str) -> None:
    """<u, H v> = <v, H u>; H v = d/de gradient(values + e v)"""
    cell = load(name)
    program, values = hessian_vector(cell).check(), values_of(cell)
    seeds = arriving(gradient(cell), values, 2)
    u, v = ({k: d for k, d in arriving(program, values, s).items() if k.startswith("dot")} for s in (3, 4))
    order = [like(s, "dot").name for s in (*cell.parameters, *cell.previous, *cell.inputs)]
    by_u, by_v = (results(program, values | seeds | w) for w in (u, v))
    one, other = inner([u[k] for k in order], by_v), inner([v[k] for k in order], by_u)
    assert one == pytest.approx(other, rel=1e-11, abs=1e-11)
    close(by_v, differences(gradient(cell), values | seeds, v), 1e-7)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")  # torch's own, when torch.func is loaded
@every_cell
def test_torch_finds_the_same(name: str) -> None:
    """torch.func.jvp, and autograd twice, through the reference interpreter; the loss is linear, or sum(y²) / 2."""
    import torch

    cell = load(name)
    values = {k: torch.tensor(v) for k, v in values_of(cell).items()}
    symbols = (*cell.parameters, *cell.previous, *cell.inputs)
    moving = {s.name: values[s.name] for s in symbols}
    forward, product = tangent(cell), hessian_vector(cell, curved=True)
    direction = {k: torch.tensor(d) for k, d in arriving(forward, values_of(cell), 5).items()}
    v = {s.name: direction[like(s, "dot").name] for s in symbols}

    def outputs(inputs: Values) -> list[Any]:
        return results(cell.step, values | inputs, torch)

    y, dots = torch.func.jvp(outputs, (moving,), (v,))
    close(results(forward, values | direction, torch), dots, 1e-12)
    leaves = {k: m.clone().requires_grad_() for k, m in moving.items()}
    for curved in (False, True):
        ct = [o.detach() for o in y]
        losses = [(o * o / 2 if curved else o * c).sum() for o, c in zip(outputs(leaves), ct, strict=True)]
        first = torch.autograd.grad(sum(losses), list(leaves.values()), create_graph=True, materialize_grads=True)
        slope = sum((g * v[k]).sum() for k, g in zip(leaves, first, strict=True))
        second = torch.autograd.grad(slope, list(leaves.values()), materialize_grads=True)
        seeds = {product.seed(o).name: c for o, c in zip(cell.outputs, ct, strict=True)}
        moved = {like(product.seed(o), "dot").name: d * curved for o, d in zip(cell.outputs, dots, strict=True)}
        close(results(product, values | direction | seeds | moved, torch), list(second), 1e-11)


def test_through_unrolled_steps() -> None:
    """Forward mode through three steps is the transpose of back-propagation through them."""
    cell = load("gru")
    steps = normal_form(unroll(cell, 3))
    forward, reverse = jvp(steps, cell.parameters).check(), vjp(steps, steps.outputs, cell.parameters)
    rng = np.random.default_rng(0)
    values = {s.name: rng.uniform(-1, 1, [{"X": 2, "H": 3}.get(str(z), 1) for z in s.shape]) for s in reverse.inputs}
    direction = {like(p, "dot").name: rng.uniform(-1, 1, values[p.name].shape) for p in cell.parameters}
    pushed, pulled = results(forward, values | direction), results(reverse, values)
    ct = [values[reverse.seed(o).name] for o in steps.outputs]
    assert inner(ct, pushed) == pytest.approx(inner(pulled, list(direction.values())), rel=1e-12)


# ── form ──


def lines(program: Program) -> dict[str, str]:
    return {e.target.name: str(e.value) for e in program.stage("tangent")}


def test_every_value_has_its_tangent_behind_it() -> None:
    program = tangent(load("lstm")).check()
    order = [e.target.name for e in program]
    for name in ("pre(f)[t]", "f[t]", "part(h.1)[t]", "c[t]"):
        assert order[order.index(name) + 1] == str(Name.parse(name).marked("dot"))


def test_what_stands_still_has_no_tangent() -> None:
    program = tangent(load("lstm"), ["W_o"])
    assert set(lines(program)) == {"dot(pre(o))[t]", "dot(o)[t]", "dot(h)[t]", "dot(c)[t]"}
    zero = next(e.value for e in program if e.target.name == "dot(c)[t]")
    assert is_number(zero, 0)


def test_only_what_the_outputs_need() -> None:
    cell = load("lstm")
    program = jvp(normal_form(cell.step), cell.previous, [cell.values["c"]]).check()
    assert "dot(o)[t]" not in lines(program)
    assert "o[t]" not in {e.target.name for e in program}


def test_each_sweep_has_names_of_its_own() -> None:
    program = hessian_vector(load("lstm"), ["W_f", "x"]).check()
    assert {"f[t]", "bar(pre(f))[t]", "dot(pre(f))[t]", "dot(bar(pre(f)))[t]"} <= {e.target.name for e in program}
    assert [o.name for o in program.outputs] == ["dot(grad(W_f))", "dot(bar(x))[t]"]
    seeds = [s.name for s in program.inputs if s.name.startswith(("bar", "seed"))]
    assert seeds == ["seed(c)[t]", "bar(h)[t]"]


def test_a_curved_loss_has_seeds_that_move() -> None:
    curved = {s.name for s in hessian_vector(load("lstm"), ["W_f"], curved=True).inputs}
    assert curved - {s.name for s in hessian_vector(load("lstm"), ["W_f"]).inputs} == {
        "dot(seed(c))[t]",
        "dot(bar(h))[t]",
    }


def test_the_hessian_of_what_is_linear_is_zero() -> None:
    cell = loads('equations = "h[t] = a * h[t-1] + x[t]"\nsizes = {x = "H"}\nconstants = {a = 0.5}')
    program = hessian_vector(cell).check()
    assert all(is_number(e.value, 0) for e in program.stage("tangent"))


def test_what_does_not_go_in_has_no_direction() -> None:
    cell = load("lstm")
    with pytest.raises(UnknownName, match="did you mean 'W_f'"):
        tangent(cell, ["Wf"])
    with pytest.raises(UnknownName, match=r"no input '.*' in lstm"):
        jvp(cell.step, [cell.values["f"]])


@every_cell
def test_growth_is_bounded(name: str) -> None:
    """One tangent a value, of a size that its own equation bounds: nothing is inlined."""
    cell = load(name)
    program = tangent(cell)
    assert len(program.stage("tangent")) <= len(normal_form(cell.step)) + len(program.outputs)
    sizes = {e.target: sum(1 for _ in walk(e.value)) for e in normal_form(cell.step)}
    for e in program.stage("tangent"):
        of = symbol(replace(name_of(e.target), marks=name_of(e.target).marks[1:]), e.target.shape)
        assert sum(1 for _ in walk(e.value)) <= sizes[of] ** 2 + 20
