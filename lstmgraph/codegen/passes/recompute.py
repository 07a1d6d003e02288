"""What the way back computes again in the place of keeping it for all steps.

    f = 1 - i        the way back needs f and i: i is kept, f is 1 - i again
    P = v kᵀ         an outer product: H² numbers a step from 2 H that are kept anyway

Such a value is computed by the same operation of the same operands, so it is the same to the last digit.  It is one for
which all of this holds; what may be computed again is CHEAP, to which an operation is added by its name.

    everything that it is made of is there anyway: kept, a parameter, or a state whose steps are kept
    it takes no product but an outer one, and no function that costs more than a run through memory
    it has no place anyway: it is no output, and no state
    no product of matrices takes it: a product reads its factors from arrays, so it would be written again
    it is a matrix, or one operation: keeping an entry writes it once and reads it once, and so do two operations

A matrix of a step that the loop alone takes is made there, where it stays in the cache, in the place of T B H² numbers
outside of it.  A column is made for all steps at once, which is one call, or in the loop, for a target in which a loop
over the entries costs nothing more (`recompute_in_loop`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.sequence import Sequence
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation

VIEWS = (MatrixSymbol, Transpose, n.Fill, n.Slice, n.Identity)
OPERATIONS = (MatAdd, n.Hadamard, n.OneMinus, n.Negative, n.Relu, n.Abs, n.Sign, n.Step, n.Maximum, n.Minimum)
CHEAP = (*VIEWS, *OPERATIONS, MatMul)
LIMIT = 1  # operations of a column: keeping an entry is a write and a read, and so is each of them


def recompute(both: Sequence) -> Sequence:
    """What is cheap to compute again of what is kept is not kept: a matrix in the loop, a column before it."""
    return _again(both, columns=False)


def recompute_in_loop(both: Sequence) -> Sequence:
    """What is cheap to compute again of what is kept is not kept: it is computed in the loop that takes it."""
    return _again(both, columns=True)


def _again(both: Sequence, columns: bool) -> Sequence:
    again = [e for e in both.forward.equations if is_cheap(e, both)]
    dropped = {e.target for e in again}
    in_loop = _in_loop(again, columns, both.backward)
    before = [replace(e, stage="backward") for e in again if e not in in_loop]
    back = both.backward
    used = sorted({s for e in again for s in symbols_in(e.value)}, key=str)
    once = tuple(s for s in used if s in both.forward.constant() and s not in back.shared)
    more = (*once, *(s for s in used if s in _free(both)))
    saved = tuple(s for s in dict.fromkeys((*both.saved, *more)) if s not in dropped)
    wanted = (*(s for s in both.forward.wanted if s not in dropped), *once)
    back = replace(back, shared=(*back.shared, *once))
    inputs = (*back.inputs, *(s for s in saved if s not in (*back.shared, *back.inputs)))
    loop = [*(replace(e, stage="backward") for e in in_loop), *back["loop"]]
    backward = replace(back, inputs=tuple(s for s in inputs if s not in dropped)).changed(
        {"before": [*before, *back["before"]], "loop": loop}
    )
    return replace(both, forward=replace(both.forward, wanted=wanted), backward=backward, saved=saved)


def _in_loop(again: list[Equation], columns: bool, backward: Sweep) -> list[Equation]:
    """Those that the loop alone takes: of what is there before it nothing is made of them."""
    found: list[Equation] = []
    outside: set[MatrixSymbol] = set()
    for e in reversed(again):
        alone = used_in_loop_only(e.target, backward) and e.target not in outside
        if alone and (columns or is_matrix(e.target)):
            found.insert(0, e)
        else:
            outside |= symbols_in(e.value)
    return found


def is_cheap(e: Equation, both: Sequence) -> bool:
    """Whether a kept value is one of those."""
    constant = both.forward.constant()
    if e.target not in both.saved or e.target in constant or e.target in both.cell.outputs:
        return False
    there = {*both.saved, *constant, *_free(both)}
    parts = list(walk(e.value))
    cheap = symbols_in(e.value) <= there and all(isinstance(p, CHEAP) for p in parts)
    if not cheap or any(isinstance(p, MatMul) and p.args[0].shape[1] != 1 for p in parts):
        return False
    if is_matrix(e.target):
        return used_in_loop_only(e.target, both.backward)
    return operations(e.value) <= LIMIT and not _is_factor(e.target, both.backward.equations)


def operations(value: MatrixExpr) -> int:
    """How many there are: a sum or a product of three is two."""
    parts = (p for p in walk(value) if not isinstance(p, VIEWS))
    return sum(max(1, len(operands(p)) - 1) for p in parts)


def is_matrix(value: MatrixExpr) -> bool:
    """Whether a step has a matrix of it."""
    return 1 not in value.shape


def used_in_loop_only(symbol: MatrixSymbol, sweep: Sweep) -> bool:
    """Whether no phase but the loop takes a value."""
    return not any(symbol in symbols_in(e.value) for phase in PHASES if phase != "loop" for e in sweep[phase])


def _free(both: Sequence) -> set[MatrixSymbol]:
    """The states whose values of all steps are kept, since those of the step before are."""
    return {s.next for s in both.cell.states if s.previous in both.saved}


def _is_factor(symbol: MatrixSymbol, equations: Iterable[Equation]) -> bool:
    products = (p for e in equations for p in walk(e.value) if isinstance(p, MatMul))
    return any(symbol in symbols_in(p) for p in products)
