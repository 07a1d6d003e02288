"""What a Program of derivatives is to be compared with, by the names of what it computes and takes.

A recurrence through time is written out for some steps; numbers as times (`bar(x)[2]`, `bar(h)[0]`) say how many steps
of the cell are meant, t+1, t+2 likewise; `dot(grad(W))` is the tangent of the gradient of a step; the name of a
Jacobian says over how many steps it leads, and what is held meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sympy import MatrixSymbol

from lstmgraph.algebra.names import later, name_of, quotient_of
from lstmgraph.algebra.nodes import TimeSum
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.numeric.proof import Claim, Cotangents, Jacobians, Parts, Tangents, kind_of, seeds_of
from lstmgraph.program import Program

if TYPE_CHECKING:
    from lstmgraph.cell import Cell

STEPS = 3  # for which a recurrence that is given is written out, at least
Held = Mapping[MatrixSymbol, Sequence[MatrixSymbol]]


def claims_of(cell: Cell, program: Program, of: Sequence[str] | None = None) -> list[Claim]:
    """The claims that a Program makes: one, or for each kind of Jacobian that it holds.

    `of` are the outputs that the loss sees, by default all.  Raises UsageError where it claims nothing that is known.
    """
    kind = kind_of(program)
    if kind is Jacobians:
        return list(_jacobians(cell, program))
    if kind is Tangents:
        return [_tangents(cell, program)]
    return [cotangents(cell, program, of)]


# ── forward mode ──


def _tangents(cell: Cell, program: Program) -> Claim:
    from lstmgraph import calculus

    second = any(len(name_of(o).marks) > 1 for o in program.outputs)
    forward = calculus.gradient(cell) if second else cell.step
    claim = Tangents(forward, program)
    constant = {*cell.constant_symbols, *claim.moving}
    still = [s.name for s in forward.inputs if s not in constant]
    return replace(claim, limits=(f"while {', '.join(still)} do not change",)) if still else claim


# ── reverse mode ──


def cotangents(cell: Cell, program: Program, of: Sequence[str] | None = None) -> Cotangents:
    """The claim of a Program of gradients: of a step, of a recurrence, or of several steps."""
    if any(e.stage == "through time" for e in program) or _sums(program):
        return recurrence(cell, program, of=of)
    from lstmgraph import calculus
    from lstmgraph.calculus.unroll import unrolled

    names = map(name_of, (*program.inputs, *program.outputs))
    times = [(name.lag, name.since) for name in names if name.lag is not None]
    numbered = [lag for lag, since in times if not since]
    if numbered:
        return _seen(cell, Cotangents(unrolled(cell, max(1, *numbered)), program), of)
    last = max((lag for lag, _ in times), default=0)
    return _seen(cell, Cotangents(calculus.unroll(cell, last + 1) if last > 0 else cell.step, program), of)


def recurrence(cell: Cell, program: Program, steps: int = STEPS, of: Sequence[str] | None = None) -> Cotangents:
    """The claim of a recurrence, written out for so many steps, or as many as it takes to see where it is cut.

    Where it says what the states are before the first step, or leaves that step out of a sum, it starts from zeros.
    """
    from lstmgraph.calculus.unroll import truncated, unrolled
    from lstmgraph.calculus.written_out import blocks_in, written_out

    block = max(blocks_in(program), default=None)
    steps = max(steps, block + 1) if block else steps
    starts = {later(s, 1, "") for s in cell.previous}
    zeros = any(e.target in starts for e in program) or any(node.args[1] != 1 for node in _sums(program))
    start = "zero" if zeros else "given"
    cut = f"for gradients that are cut between blocks of {block} steps" if block else ""
    zero = "where what a sequence starts from is zero" if start == "zero" else ""
    forward, held = unrolled(cell, steps, start), truncated(cell, steps, block) if block else {}
    limits = tuple(words for words in (cut, zero) if words)
    return _seen(cell, Cotangents(forward, written_out(program, steps), held, limits), of)


def _sums(program: Program) -> list[TimeSum]:
    return [node for e in program for node in walk(e.value) if isinstance(node, TimeSum)]


def _seen(cell: Cell, claim: Cotangents, of: Sequence[str] | None) -> Cotangents:
    """The claim for a loss of what the Program's names say: of all outputs, or, if it takes `loss(h)[2]`, of the cell's
    output, of the last step alone if it takes no other, and of all last states if it takes one.

    What it does not take is 0 only where that is said.
    """
    outputs = claim.forward.outputs
    output = name_of(cell.values[cell.output]).base
    if of is not None:
        known = {name_of(o).base for o in outputs}
        if unknown := [name for name in of if name not in known]:
            raise UnknownName("output", unknown[0], sorted(known), of=cell.name)
        return _limited(claim, [o for o in outputs if name_of(o).base in of])
    if not any(name_of(s).marks == ("loss",) for s in claim.program.inputs):
        return claim
    taken = [o for o in outputs if any(s in claim.program.inputs for s in seeds_of(o))]
    last = name_of(outputs[-1]).lag
    final = [later(s.next, last or 0, "") for s in cell.states if name_of(s.next).base != output]
    final = final if any(s in taken for s in final) else []
    steps = [o for o in outputs if name_of(o).base == output]
    seen = steps[-1:] if [o for o in taken if o in steps] == steps[-1:] else steps
    return _limited(claim, [*seen, *final], [*steps, *final])


def _limited(claim: Cotangents, seen: Sequence[MatrixSymbol], all_of: Sequence[MatrixSymbol] = ()) -> Cotangents:
    """With a word about it where the loss does not see all that it could."""
    limits = claim.limits
    if len(seen) < len(all_of or claim.forward.outputs):
        limits += (f"for a loss that sees {', '.join(s.name for s in seen)} alone",)
    return replace(claim, of=tuple(seen), limits=limits)


# ── Jacobians ──


def _jacobians(cell: Cell, program: Program) -> Iterator[Claim]:
    """A claim for each number of steps, and for what is held meanwhile."""
    groups: dict[tuple[str, int, str], list[MatrixSymbol]] = {}
    for output in program.outputs:
        name = name_of(output)
        asked = quotient_of(name)
        if isinstance(asked.steps, str):
            raise UsageError("a product over a letter has no entries", hint="a number of steps, such as steps=3")
        own = asked.by if name.marks[0] == "alone" else ""
        groups.setdefault((name.marks[0], max(asked.steps, 1), own), []).append(output)
    for (mark, steps, own), outputs in groups.items():
        forward = _steps_back(cell, steps)
        first = tuple(later(s.previous, 1 - steps) for s in cell.states)
        states = Parts(tuple(s.next for s in cell.states), first)
        held, limit = _held(cell, mark, steps, own)
        yield Jacobians(forward, _part(program, forward, outputs), held, (limit,) if limit else (), states)


def _steps_back(cell: Cell, steps: int) -> Program:
    """The last steps up to step t."""
    from lstmgraph import calculus

    if steps == 1:
        return cell.step
    whole = calculus.unroll(cell, steps)
    inputs, outputs = ([later(s, 1 - steps) for s in symbols] for symbols in (whole.inputs, whole.outputs))
    return Program(whole.name, tuple(inputs), tuple(e.later(1 - steps) for e in whole), tuple(outputs))


def _held(cell: Cell, mark: str, steps: int, own: str) -> tuple[Held, str]:
    """What does not change in which equations, and words for it."""
    if mark == "direct":
        values = [e.target for e in cell.step]
        return dict.fromkeys(values, values), "for each value's own equation, all other values of the step held"
    if mark == "alone":
        others = [s.previous for s in cell.states if s.name != own]
        back = range(1 - steps, 1)
        held = {later(e.target, j): [later(s, j) for s in others] for j in back for e in cell.step}
        return held, f"through {own} alone, all other states held"
    return {}, ""


def _part(program: Program, forward: Program, outputs: Sequence[MatrixSymbol]) -> Program:
    """What computes some of the outputs from inputs of the forward equations."""
    given = set(forward.inputs)
    part = replace(program, equations=tuple(e for e in program if e.target not in given)).needed_for(outputs)
    computed = {e.target for e in part}
    used = {s for e in part for s in symbols_in(e.value)} - computed
    return replace(part, inputs=tuple(s for s in (*program.inputs, *forward.inputs) if s in used))
