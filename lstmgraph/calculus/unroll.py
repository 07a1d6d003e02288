"""Several steps written out, one after another, as one Program, and the gradients of all of them.

Step k is the cell's own step with k added to every time: h[t-1] and h[t] of the first step are h[t] and h[t+1] of the
second. Parameters are shared.  Reverse mode over the result is back-propagation through time, written out; its length
grows with the number of steps and not faster, because every value keeps its name.

`gradient_unrolled` calls the steps 1, ..., T, and what they start from 0, as `through_time` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sympy import Integer, MatrixSymbol

from lstmgraph.algebra.build import fill
from lstmgraph.algebra.names import later, like, name_of
from lstmgraph.algebra.traverse import renamed, symbols_in
from lstmgraph.calculus.losses import LOSSES, STARTS, check_choice, check_count
from lstmgraph.calculus.vjp import chosen, vjp
from lstmgraph.cell import Cell
from lstmgraph.errors import UsageError
from lstmgraph.program import Equation, Program

LONGEST = 200  # steps whose gradients are written out: nobody reads more, and their text takes seconds


def unroll(cell: Cell, steps: int) -> Program:
    """`steps` steps of a cell; the outputs are the cell's outputs after each of them."""
    if steps < 1:
        raise ValueError(f"the number of steps is at least 1, got {steps}")
    equations = tuple(e.later(k) for k in range(steps) for e in cell.step)
    inputs = tuple(later(x, k) for k in range(steps) for x in cell.inputs)
    outputs = tuple(later(o, k) for k in range(steps) for o in cell.outputs)
    shared = (*cell.previous, *cell.parameters, *cell.constant_symbols)
    return Program(f"{cell.name}_{steps}_steps", (*inputs, *shared), equations, outputs)


def unrolled(cell: Cell, steps: int, start: str = "given") -> Program:
    """`steps` steps of a cell, called 1, ..., `steps`, with all outputs of each; what they start from is step 0.

    With the start "zero" that is no input but zero.
    """
    check_choice("start", start, STARTS)
    check_count("the number of steps", steps)
    equations = tuple(e.later(k, "") for k in range(1, steps + 1) for e in cell.step)
    inputs = tuple(later(x, k, "") for k in range(1, steps + 1) for x in cell.inputs)
    starts = tuple(later(s, 1, "") for s in cell.previous)
    outputs = tuple(later(o, k, "") for k in range(1, steps + 1) for o in cell.outputs)
    given = (*inputs, *(starts if start == "given" else ()), *cell.parameters, *cell.constant_symbols)
    zero = () if start == "given" else tuple(Equation(s, fill(Integer(0), s.shape)) for s in starts)
    return Program(f"{cell.name}_{steps}_steps", given, (*zero, *equations), outputs)


def truncated(cell: Cell, steps: int, block: int) -> Mapping[MatrixSymbol, Sequence[MatrixSymbol]]:
    """What `unrolled` steps take from the last step of a block before, by the target of the equation that takes it."""
    first = [k for k in range(2, steps + 1) if (k - 1) % block == 0]
    return {later(e.target, k, ""): [later(s, k, "") for s in cell.previous] for k in first for e in cell.step}


def gradient_unrolled(
    cell: Cell,
    steps: int,
    loss: str = "every",
    wrt: Sequence[str] | None = None,
    start: str = "given",
    final: bool = False,
) -> Program:
    """The gradients of steps 1, ..., `steps`, every line of every step written out, in the stage "unrolled".

    The loss is a sum over the steps, each of the cell's output there, or that of the last step alone; `loss(h)[k]` is
    its derivative; with `final` the last one sees the states after the last step too.  A name in `wrt` is a parameter,
    an input (all steps of it) or a state, which stands for its initial value.  Of initial states that are "zero" there
    is none unless it is asked for.  Raises UnknownName and UsageError as `through_time` does.
    """
    check_choice("loss", loss, LOSSES)
    check_choice("start", start, STARTS)
    check_count("the number of steps", steps)
    if steps > LONGEST:
        raise UsageError(
            f"{steps} steps are too many to write out: at most {LONGEST}",
            hint="the recurrence through time says it for any number of steps",
        )
    times = range(1, steps + 1)
    of = [later(cell.values[cell.output], k, "") for k in times][0 if loss == "every" else -1 :]
    of += [s for x in cell.states if final and (s := later(x.next, steps, "")) not in of]
    ask = [s for s in chosen(cell, wrt) if wrt is not None or start == "given" or s not in cell.previous]
    asked = [later(s, k, "") for s in ask for k in (times if s in cell.inputs else (1,))]
    return _with_losses(vjp(unrolled(cell, steps), of, asked), of, f"{cell.name}_{steps}_steps_gradient")


def _with_losses(program: Program, of: Sequence[MatrixSymbol], name: str) -> Program:
    """The same with the losses called so, and the rest in the stage "unrolled"."""
    losses = {program.seed(o): like(o, "loss") for o in of}
    alone = {s: loss for s, loss in losses.items() if name_of(s).marks[0] == "bar"}  # nothing else reaches that output
    parts = {s: loss for s, loss in losses.items() if s not in alone}
    own: list[Equation] = []
    used = set(program.outputs)
    for e in program.stage("backward"):
        inside = symbols_in(e.value)
        used |= inside & alone.keys()
        own.append(replace(e, value=renamed(e.value, lambda s: parts.get(s, s))) if inside & parts.keys() else e)
    given = (Equation(s, loss) for s, loss in alone.items() if s in used)
    lines = (replace(e, stage="unrolled", origin=()) for e in (*given, *own))
    inputs = tuple(losses.get(s, s) for s in program.inputs)
    return Program(name, inputs, (*program.stage("forward"), *lines), program.outputs)
