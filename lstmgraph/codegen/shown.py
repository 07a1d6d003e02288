"""What each pass of a target does: a table of what it leaves in the loop, and the equations of phases that it changes.

Before them comes what is kept of each step for the way back, and what is computed again in its place.

They are in the identifiers of its files.  Samples are columns here, W @ x is a product of matrices and * is by entries,
and a value that is summed over all steps is written as the term of one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sympy import Integer, MatMul, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.codegen.columns import Columns
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.identifiers import identifiers, size_text
from lstmgraph.codegen.passes import Passes
from lstmgraph.codegen.sequence import Sequence as Both
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import PHASES, Delay, Phase, Sweep
from lstmgraph.codegen.targets import TARGETS, module_of
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.program import Equation, Program

BothPass = Callable[[Both], Both]
# What takes no operation of its own: rows of an array, an array turned, one number for all entries, and a join, whose
# members are computed where it holds them.
_FREE = (MatrixSymbol, n.Slice, n.Fill, n.Concat, n.Identity, n.TimeSum, n.Negative, Transpose)


def passes_text(cell: Cell, gradient: Program, target: str) -> str:
    """Both directions, from the derived equations to those that are written.

    Raises UnknownName for a target that does not exist, UsageError for one that has no passes.
    """
    if target not in TARGETS:
        raise UnknownName("target", target, TARGETS)
    passes = getattr(module_of(target), "PASSES", None)
    if passes is None:
        raise UsageError(f"the target {target!r} has no passes to show", hint="the target 'numpy' has some")
    ways = [sequence(cell, gradient)]
    for change in passes["both"]:
        ways.append(change(ways[-1]))
    starts = {"forward": [both.forward for both in ways], "backward": [both.backward for both in ways]}
    stages = {way: _stages(sweeps, passes["both"], passes[way]) for way, sweeps in starts.items() if passes[way]}
    names = _names(cell, [list(found.values()) for found in stages.values()])
    lines: list[str] = []
    dialect = getattr(
        module_of(target), "COLUMNS", module_of("numpy").COLUMNS
    )  # of one without arrays, in NumPy's words
    if passes["both"]:
        lines += ["both directions", "===============", "", *_kept(ways, passes["both"], names, dialect)]
    for direction, found in stages.items():
        told = _told(found, len(passes["both"]), names, dialect)
        lines += [direction, "=" * len(direction), "", *_summary(found), "", *told]
    return "\n".join(lines[:-1]) + "\n"


def _stages(starts: Sequence[Sweep], both: Sequence[BothPass], passes: Passes) -> dict[str, Sweep]:
    """The sweep before and after each pass, by what is to be said of it: after those of both directions, and others."""
    stages = {"the equations": starts[0]}
    stages |= {_said(k, change): sweep for k, (change, sweep) in enumerate(zip(both, starts[1:], strict=True), 1)}
    sweep = starts[-1]
    for change in passes:
        sweep = change(sweep)
        stages[_said(len(stages), change)] = sweep
    return stages


def _said(number: int, change: Callable[..., object]) -> str:
    return f"{number}. {change.__name__}: {(change.__doc__ or '').splitlines()[0]}"


def _kept(
    ways: Sequence[Both], passes: Iterable[BothPass], names: Mapping[MatrixSymbol, str], dialect: Dialect
) -> Iterator[str]:
    """How many numbers of a step are kept before and after each pass of both directions, what is computed again."""
    speller = Columns(dialect, names, dict.fromkeys(names, False), "np.zeros(1)")
    yield f"the equations: {ways[0].kept()} numbers per step and sample are kept for the way back"
    yield ""
    for k, (change, before, after) in enumerate(zip(passes, ways, ways[1:], strict=False), 1):
        again = [e for e in after.backward.equations if e.target in before.saved]
        said = _said(k, change)
        yield f"{said}  Nothing to do." if after == before else f"{said}  {after.kept()} numbers."
        yield from (f"    {names[e.target]} = {speller.spell(e.value).text}" for e in again)
        yield ""


def operations(sweep: Sweep) -> int:
    """How many operations on arrays a step takes in the loop: a sum or a product of three is two."""
    parts = [p for e in sweep["loop"] for p in walk(e.value) if not isinstance(p, _FREE)]
    return sum(max(1, len(operands(p)) - 1) for p in parts)


def products(sweep: Sweep, phase: Phase = "loop") -> list[MatMul]:
    """The products of matrices of a phase; of one step that of a column and a row is an operation like others."""
    found = [p for e in sweep[phase] for p in walk(e.value) if isinstance(p, MatMul)]
    return [p for p in found if phase != "loop" or p.args[0].shape[1] != 1]


def _multiplies(sweep: Sweep) -> str:
    """Those of the products in the loop, for one step of one sample."""
    counts = (p.args[0].shape[0] * p.args[0].shape[1] * p.args[1].shape[1] for p in products(sweep))
    return str(sum(counts, Integer(0)))


def _summary(stages: Mapping[str, Sweep]) -> list[str]:
    """A line for each pass: what is in the loop after it, and the products before and after the loop."""
    rows: list[tuple[str, ...]] = [
        ("", "in the loop: operations", "products", "their multiplies", "before it: products", "after it: products")
    ]
    for words, sweep in stages.items():
        outside = (str(len(products(sweep, phase))) for phase in ("before", "after"))
        inside = (str(operations(sweep)), str(len(products(sweep))), _multiplies(sweep))
        rows.append((words.partition(":")[0], *inside, *outside))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{row[0]:{widths[0]}}" + "".join(f"  {x:>{w}}" for x, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _told(stages: Mapping[str, Sweep], both: int, names: Mapping[MatrixSymbol, str], dialect: Dialect) -> Iterator[str]:
    """All of the equations, then of each pass those of the phases that it changes.

    Of those of both directions, the first ones, the other section says whether they do anything.
    """
    speller = Columns(dialect, names, dict.fromkeys(names, False), "np.zeros(1)")
    before: Sweep | None = None
    for k, (words, sweep) in enumerate(stages.items()):
        changed = [phase for phase in PHASES if sweep[phase] and (before is None or before[phase] != sweep[phase])]
        if k <= both and not changed:
            continue
        yield words if changed else f"{words}  Nothing to do."
        for phase in changed:
            yield f"  {phase}"
            yield from (f"    {names[e.target]} = {_value(e, names, speller)}" for e in sweep[phase])
        yield ""
        before = sweep


def _value(e: Equation, names: Mapping[MatrixSymbol, str], speller: Columns) -> str:
    if isinstance(e.value, Delay):
        return f"{names[e.value.args[0]]} of the step {'before' if name_of(e.target).lag else 'after'}"
    return speller.spell(e.value).text


def _names(cell: Cell, stages: Iterable[Sequence[Sweep]]) -> dict[MatrixSymbol, str]:
    """Those of the file: who is in what the passes end with comes first."""
    own = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
    sweeps = [*(found[-1] for found in stages), *(sweep for found in stages for sweep in found)]
    symbols = [s for sweep in sweeps for s in (*sweep.program.inputs, *(e.target for e in sweep.equations))]
    definitions = {e.target: e for sweep in sweeps for e in sweep.equations}
    return identifiers(dict.fromkeys((*own, *symbols)), definitions, map(size_text, cell.sizes))
