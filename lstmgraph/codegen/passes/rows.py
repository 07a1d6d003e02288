"""What the passes share: values one below the other, the rows that each of them is, and names for what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Name, Shape, name_of, symbol
from lstmgraph.algebra.nodes import Slice, operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.sweep import PHASES, Delay, Phase, Sweep, in_order
from lstmgraph.program import Equation


def rows(whole: MatrixSymbol, members: Iterable[MatrixExpr]) -> Iterator[tuple[MatrixExpr, MatrixExpr]]:
    """Each of some values one below the other, and which rows of the whole it is."""
    start = whole.shape[0] * 0
    for member in members:
        yield member, Slice(whole, start, member.shape[0])
        start = start + member.shape[0]


def start_of_run(some: tuple[MatrixExpr, ...], of: tuple[MatrixExpr, ...]) -> int | None:
    """Where some values stand beside one another among others, in the same order, if they do."""
    starts = range(len(of) - len(some) + 1)
    return next((k for k in starts if of[k : k + len(some)] == some), None)


def fresh(name: Name, shape: Shape, taken: set[MatrixSymbol]) -> MatrixSymbol:
    """A symbol of that name, counted where it is taken: f, f.2, f.3; it is taken then."""
    found, count = symbol(name, shape), 1
    while found in taken:
        count += 1
        found = symbol(replace(name, base=f"{name.base}.{count}"), shape)
    taken.add(found)
    return found


def joint_name(members: Sequence[MatrixSymbol], mark: str = "") -> Name:
    """The name of some values one below the other; with a `mark`, of what is new for each of them.

    It is that of the first; of a minus that not all of them have nothing is said.
    """
    first = name_of(members[0])
    unlike = len({name_of(m).marks[:1] == ("minus",) for m in members}) > 1
    marks = (mark,) if mark else tuple(m for m in first.marks if not (unlike and m == "minus"))
    return replace(first, base=".".join(name_of(m).base for m in members), marks=("some", *marks))


def replaced(expr: MatrixExpr, new: Mapping[MatrixExpr, MatrixExpr]) -> MatrixExpr:
    """The expression with other parts in the place of some."""
    if expr in new:
        return new[expr]
    if isinstance(expr, MatrixSymbol):
        return expr
    return rebuild(expr, [replaced(o, new) for o in operands(expr)])


def used_in(sweep: Sweep) -> Counter[MatrixSymbol]:
    """How often each value is used; what is wanted or handed to the next step is once more."""
    uses = Counter(s for e in sweep.equations for s in walk(e.value) if isinstance(s, MatrixSymbol))
    uses.update((*sweep.wanted, *sweep.carried.values()))
    return uses


def before_use(equations: Iterable[Equation], new: Iterable[Equation]) -> list[Equation]:
    """With the new equations, each before the first that uses it."""
    waiting, result = list(new), []
    for e in equations:
        used = symbols_in(e.value)
        result += [w for w in waiting if w.target in used]
        waiting = [w for w in waiting if w.target not in used]
        result.append(e)
    return [*result, *waiting]


def with_stacks(sweep: Sweep, stacks: Collection[Equation]) -> Sweep:
    """With stacks of values: of constants once, of others right after the last of them.

    One of values that are elsewhere, as those of the step before, copies them: in the loop only if it is used there,
    else for all steps at once after it.
    """
    phases: dict[Phase, list[Equation]] = {p: list(sweep[p]) for p in PHASES}
    constant = sweep.constant()
    here = {*(e.target for e in sweep.equations if not isinstance(e.value, Delay)), *(e.target for e in stacks)}
    for made in stacks:
        members = symbols_in(made.value)
        if members <= constant:
            phases["once"].append(made)
            continue
        home: Phase = next((p for p in reversed(PHASES) if any(e.target in members for e in phases[p])), "before")
        copied = members - here
        if copied and (home == "loop" or not copied.isdisjoint(sweep.recurrent)):
            in_loop = any(made.target in symbols_in(e.value) for e in phases["loop"])
            home = "loop" if in_loop else "after"
        last = max((k for k, e in enumerate(phases[home]) if e.target in members), default=-1)
        stage = phases[home][last].stage if phases[home] else made.stage
        phases[home].insert(last + 1, replace(made, stage=stage))
    return sweep.changed({phase: in_order(equations) for phase, equations in phases.items()})
