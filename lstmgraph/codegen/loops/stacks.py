"""Which values are computed in their place in a stack, and need no copy there.

    parts     x and y of a = concat(x, y) are computed where a holds them
    columns   δ hᵀ and δ xᵀ are computed where the gradient of W has them, of W [h; x]
    stacks    b = concat(y, z) is rows of a = concat(x, y, z), which is then concat(x, b)

A stack within another one is there as soon as its own rows are, whatever of the other one is still to come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.codegen.loops.flat import is_entrywise, is_flipped_stack
from lstmgraph.codegen.loops.nests import Kinds, Member, is_sum_product
from lstmgraph.codegen.passes.rows import rows, start_of_run, used_in
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep, in_order
from lstmgraph.program import Equation

Members = dict[MatrixSymbol, Member]
Stacks = dict[MatrixSymbol, tuple[MatrixExpr, ...]]


def members_of(sweep: Sweep, fixed: Collection[MatrixSymbol]) -> Members:
    """The values that can be computed in their place in a stack, each in one.

    That is one of its own phase, or of a later one, if all steps of it are kept.
    """
    found: Members = {}
    used, early = sweep.phases_of(), set[MatrixSymbol]()
    for phase in PHASES[1:]:
        own = {e.target for e in sweep[phase] if not isinstance(e.value, n.Concat)} - {*fixed}
        for e in sorted(sweep[phase], key=lambda e: -len(e.value.args)):
            for part, place in rows(e.target, e.value.args) if isinstance(e.value, n.Concat) else ():
                there = part in own or (part in early and used[e.target] != {"loop"})
                if there and part not in found:
                    found[part] = Member(e.target, place.args[1])
        early |= own
    return found


def columns_of(sweep: Sweep, kinds: Kinds) -> Members:
    """The products over all samples that are columns of a gradient, and computed where it has them."""
    own = {e.target for e in sweep["after"] if is_entrywise(e.value) and is_sum_product(e.value, kinds)}
    uses = used_in(sweep)
    return {
        part.args[0]: Member(e.target, place.args[1], flipped=True)
        for e in sweep["after"]
        if is_flipped_stack(e.value)
        for part, place in rows(e.target, e.value.args[0].args)
        if isinstance(part, Transpose) and part.args[0] in own and uses[part.args[0]] == 1
    }


def within(sweep: Sweep, kinds: Kinds, fixed: Collection[MatrixSymbol]) -> tuple[Sweep, Members]:
    """A flat sweep in which stacks that are runs of longer ones are parts of these, and where they are.

    Those in `fixed` stay what they are; so does one that is kept of all steps, if the longer one is not.
    """
    made = {e.target: p for p in PHASES[1:] for e in sweep[p] if isinstance(e.value, n.Concat)}
    stacks: Stacks = {e.target: e.value.args for e in sweep.equations if e.target in made and e.target not in fixed}
    used = sweep.phases_of()
    for s, place in members_of(sweep, fixed).items():  # what a stack holds is kept as long as its parts are
        used[place.stack] |= used[s]

    def holds(whole: MatrixSymbol, part: MatrixSymbol) -> bool:
        in_time = PHASES.index(made[part]) <= PHASES.index(made[whole])
        as_long = used[part] == {"loop"} or used[whole] != {"loop"}
        return in_time and as_long and kinds.batched[part] == kinds.batched[whole]

    found: dict[MatrixSymbol, MatrixSymbol] = {}
    for part in sorted(stacks, key=lambda s: -len(stacks[s])):
        wholes = (s for s, members in stacks.items() if len(members) > len(stacks[part]) and holds(s, part))
        whole = next((s for s in wholes if start_of_run(stacks[part], stacks[s]) is not None), None)
        if whole is not None:
            stacks[whole], found[part] = _nested(part, stacks[part], stacks[whole]), whole
    places = {part: dict(rows(whole, stacks[whole]))[part] for part, whole in found.items()}
    return _with(sweep, stacks), {part: Member(place.args[0], place.args[1]) for part, place in places.items()}


def located(members: Mapping[MatrixSymbol, Member]) -> Members:
    """Where values are: in what is itself no part of another one."""

    def at(member: Member) -> Member:
        outer = members.get(member.stack)
        return member if outer is None else at(Member(outer.stack, outer.start + member.start))

    return {s: at(member) for s, member in members.items()}


def _nested(part: MatrixSymbol, members: tuple[MatrixExpr, ...], of: tuple[MatrixExpr, ...]) -> tuple[MatrixExpr, ...]:
    """Some values with one in the place of a run of them."""
    first = start_of_run(members, of)
    assert first is not None
    return (*of[:first], part, *of[first + len(members) :])


def _with(sweep: Sweep, stacks: Stacks) -> Sweep:
    """With these values one below the other."""
    phases: dict[Phase, list[Equation]] = {
        p: in_order(replace(e, value=n.Concat(*stacks[e.target])) if e.target in stacks else e for e in sweep[p])
        for p in PHASES[1:]
    }
    return sweep.changed(phases)
