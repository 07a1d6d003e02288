"""Several steps written out, one after another, as one Program, and the gradients of all of them.

Step k is the cell's own step with k added to every time: h[t-1] and h[t] of the first step are h[t] and h[t+1] of the
second. Parameters are shared.  Reverse mode over the result is back-propagation through time, written out; its length
grows with the number of steps and not faster, because every value keeps its name.

`gradient_unrolled` calls the steps 1, ..., T, and what they start from 0, as `through_time` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sympy import MatrixSymbol

from lstmgraph.algebra.names import Since, later, like, name_of
from lstmgraph.algebra.traverse import renamed, symbols_in
from lstmgraph.calculus.losses import LOSSES, STARTS, check_choice, check_count
from lstmgraph.calculus.vjp import chosen, vjp
from lstmgraph.cell import Cell
from lstmgraph.program import Equation, Program


def unroll(cell: Cell, steps: int) -> Program:
    """`steps` steps of a cell; the outputs are the cell's outputs after each of them."""
    if steps < 1:
        raise ValueError(f"the number of steps is at least 1, got {steps}")
    equations = tuple(shifted(e, k) for k in range(steps) for e in cell.step)
    inputs = tuple(later(x, k) for k in range(steps) for x in cell.inputs)
    outputs = tuple(later(o, k) for k in range(steps) for o in cell.outputs)
    shared = (*cell.previous, *cell.parameters, *cell.constant_symbols)
    return Program(f"{cell.name}_{steps}_steps", (*inputs, *shared), equations, outputs)


def shifted(equation: Equation, k: int, since: Since = "t") -> Equation:
    """The same equation k steps later, counted from `since` then."""
    value = renamed(equation.value, lambda s: later(s, k, since))
    return replace(equation, target=later(equation.target, k, since), value=value, origin=())


def gradient_unrolled(
    cell: Cell, steps: int, loss: str = "every", wrt: Sequence[str] | None = None, start: str = "given"
) -> Program:
    """The gradients of steps 1, ..., `steps`, every line of every step written out, in the stage "unrolled".

    The loss is a sum over the steps, each of the cell's output there, or that of the last step alone; `loss(h)[k]` is
    its derivative.  A name in `wrt` is a parameter, an input (all steps of it) or a state, which stands for its initial
    value.  Of initial states that are "zero" there is none unless it is asked for.  Raises UnknownName and UsageError
    as `through_time` does.
    """
    check_choice("loss", loss, LOSSES)
    check_choice("start", start, STARTS)
    check_count("the number of steps", steps)
    of = [later(cell.values[cell.output], k) for k in range(steps)][0 if loss == "every" else -1 :]
    ask = [s for s in chosen(cell, wrt) if wrt is not None or start == "given" or s not in cell.previous]
    asked = [later(s, k) for s in ask for k in range(steps if s in cell.inputs else 1)]
    return _in_steps(vjp(unroll(cell, steps), of, asked), of, f"{cell.name}_{steps}_steps_gradient")


def _in_steps(program: Program, of: Sequence[MatrixSymbol], name: str) -> Program:
    """The same with its steps numbered from 1, and the losses called so."""
    losses = {program.seed(o): like(o, "loss") for o in of}
    given = [Equation(s, loss, stage="backward") for s, loss in losses.items() if name_of(s).marks[0] == "bar"]
    used = {s for e in program for s in symbols_in(e.value)} | set(program.outputs)
    given = [e for e in given if e.target in used]
    whole = (*program.stage("forward"), *given, *program.stage("backward"))
    totals = {s: loss for s, loss in losses.items() if name_of(s).marks[0] == "seed"}
    equations = (replace(e, value=renamed(e.value, lambda s: totals.get(s, s))) for e in whole)
    inputs = tuple(later(losses.get(s, s), 1, "") for s in program.inputs)
    outputs = tuple(later(o, 1, "") for o in program.outputs)
    return Program(name, inputs, tuple(shifted(e, 1, "") for e in _staged(equations)), outputs)


def _staged(equations: Iterable[Equation]) -> Iterator[Equation]:
    return (replace(e, stage="unrolled") if e.stage == "backward" else e for e in equations)
