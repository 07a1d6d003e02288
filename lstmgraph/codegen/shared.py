"""What is the same for all steps: multiples written in their stacks, sums over the steps, vectors for every sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import is_number
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import symbols_in, walk
from lstmgraph.codegen.passes.rows import replaced, used_in
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.program import Equation


def inlined(sweep: Sweep) -> list[Equation]:
    """What is done once, multiples of parameters that one stack takes, and nothing else, written in it."""
    uses = used_in(sweep)
    inner = {s for e in sweep["once"] if isinstance(e.value, n.Concat) for s in e.value.args}
    light = {
        e.target: e.value
        for e in sweep["once"]
        if isinstance(e.value, n.Hadamard) and is_number(e.value.args[0]) and uses[e.target] == 1 and e.target in inner
    }
    rest = (e for e in sweep["once"] if e.target not in light)
    return [replace(e, value=replaced(e.value, light)) for e in rest]


@dataclass(frozen=True)
class Run:
    """Rows of a stack that are the same multiple of what they are made of."""

    number: MatrixExpr
    start: Expr
    count: Expr


def multiples_apart(value: MatrixExpr) -> tuple[MatrixExpr, list[Run]]:
    """A stack of which several neighbours, and no others, are the same multiple: without the number, and their rows."""
    members = value.args if isinstance(value, n.Concat) else ()
    numbers = [_number(m) for m in members]
    known = [k for k, number in enumerate(numbers) if number is not None]
    number = numbers[known[0]] if known else None
    if number is None or len(known) < 2 or numbers[known[0] : known[-1] + 1] != [number] * len(known):
        return value, []
    start, count = (
        sum((m.shape[0] for m in part), Integer(0)) for part in (members[: known[0]], members[known[0] : known[-1] + 1])
    )
    return n.Concat(*(m if k is None else m.args[1] for m, k in zip(members, numbers, strict=True))), [
        Run(number, start, count)
    ]


def _number(member: MatrixExpr) -> MatrixExpr | None:
    """The number that a value is multiplied by: as one entry."""
    if isinstance(member, n.Hadamard) and len(member.args) == 2 and is_number(member.args[0]):
        return n.Fill(member.args[0].args[0], 1, 1)
    return None


def are_columns(expr: MatrixExpr) -> bool:
    """Whether a value is some of the columns of a matrix, W[:, :H]."""
    return isinstance(expr, Transpose) and isinstance(expr.args[0], n.Slice) and 1 not in expr.shape


def is_entrywise(expr: MatrixExpr) -> bool:
    """Whether each entry of a value is made of the same entry of others."""
    return all(isinstance(part, (*n.ENTRYWISE, MatrixSymbol, n.Fill)) for part in walk(expr))


def sums_at_hand(sweep: Sweep, found: frozenset[MatrixSymbol]) -> list[Equation]:
    """Those of the sums over all steps that the loop can add up: of vectors that are made for them alone.

    They are made entry by entry of what the loop has.  The sum of what is kept of all steps anyway takes one run
    through it, and no less in the loop.
    """
    made = {*sweep.recurrent, *(e.target for e in sweep["loop"])}
    early = (*sweep.shared, *sweep.inputs, *(e.target for e in (*sweep["once"], *sweep["before"])))
    there = {*made, *early} - found
    return [
        e
        for e in sweep["after"]
        if e.target in found
        and e.target.shape[0] != 1 == e.target.shape[1]
        and not isinstance(e.value, MatrixSymbol)
        and is_entrywise(e.value)
        and symbols_in(e.value) <= there
        and symbols_in(e.value) & made
    ]


def repeated(sweep: Sweep, summed: Iterable[MatrixSymbol]) -> frozenset[MatrixSymbol]:
    """The shared vectors that are only ever met entry by entry, and by values of which each sample has its own.

    Repeated once for each sample they are met by a run through memory, which is faster than a run for each row.
    `summed` are the values of which only the sum over all steps is computed.
    """
    shared = [s for s in sweep.constant() if s.shape[1] == 1 and s.shape[0] != 1]
    taken = {*sweep.wanted, *sweep.carried.values(), *(s for e in sweep["once"] for s in symbols_in(e.value))}
    met: set[MatrixExpr] = set()
    for e in (e for phase in PHASES[1:] for e in sweep[phase]):
        entries = [] if e.target in summed else list(_entries(e.value))
        met |= {*entries}
        taken |= symbols_in(e.value) - {*entries}
        taken |= {s for s in entries if s in shared and list(walk(e.value)).count(s) > entries.count(s)}
    return frozenset(s for s in shared if s in met - taken)


def _entries(expr: MatrixExpr) -> Iterator[MatrixExpr]:
    """The symbols of which an operation takes the entry that it makes."""
    if isinstance(expr, n.ENTRYWISE):
        for o in operands(expr):
            yield from [o] if isinstance(o, MatrixSymbol) else _entries(o)
