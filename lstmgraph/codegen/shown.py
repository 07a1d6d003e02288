"""What each pass of a target does: the equations of every phase that it changes, in the identifiers of its files.

Samples are columns here, W @ x is a product of matrices and * is by entries, and a value that is summed over all steps
is written as the term of one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sympy import MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import Dialect
from lstmgraph.codegen.columns import Columns
from lstmgraph.codegen.identifiers import identifiers, size_text
from lstmgraph.codegen.passes import Passes
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import PHASES, Sweep
from lstmgraph.codegen.targets import TARGETS, module_of
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.program import Program

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
    both = sequence(cell, gradient)
    stages = {
        "forward": _stages(both.forward, passes["forward"]),
        "backward": _stages(both.backward, passes["backward"]),
    }
    names = _names(cell, [list(found.values()) for found in stages.values()])
    lines: list[str] = []
    dialect = getattr(
        module_of(target), "COLUMNS", module_of("numpy").COLUMNS
    )  # of one without arrays, in NumPy's words
    for direction, found in stages.items():
        lines += [direction, "=" * len(direction), "", *_told(found, names, dialect)]
    return "\n".join(lines[:-1]) + "\n"


def _stages(sweep: Sweep, passes: Passes) -> dict[str, Sweep]:
    """The sweep before and after each pass, by what is to be said of it."""
    stages = {"the equations": sweep}
    for change in passes:
        sweep = change(sweep)
        said = (change.__doc__ or "").splitlines()[0]
        stages[f"{len(stages)}. {change.__name__}: {said}"] = sweep
    return stages


def operations(sweep: Sweep) -> int:
    """How many operations on arrays a step takes in the loop: a sum or a product of three is two."""
    parts = [p for e in sweep["loop"] for p in walk(e.value) if not isinstance(p, _FREE)]
    return sum(max(1, len(operands(p)) - 1) for p in parts)


def _told(stages: Mapping[str, Sweep], names: Mapping[MatrixSymbol, str], dialect: Dialect) -> Iterator[str]:
    speller = Columns(dialect, names, dict.fromkeys(names, False), "np.zeros(1)")
    before: Sweep | None = None
    for words, sweep in stages.items():
        yield words
        count = f"{operations(before)} -> " if before is not None else ""
        yield f"array operations in the loop: {count}{operations(sweep)}"
        for phase in PHASES:
            if sweep[phase] and (before is None or before[phase] != sweep[phase]):
                yield f"  {phase}"
                yield from (f"    {names[e.target]} = {speller.spell(e.value).text}" for e in sweep[phase])
        yield ""
        before = sweep


def _names(cell: Cell, stages: Iterable[Sequence[Sweep]]) -> dict[MatrixSymbol, str]:
    """Those of the file: who is in what the passes end with comes first."""
    own = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
    sweeps = [*(found[-1] for found in stages), *(sweep for found in stages for sweep in found)]
    symbols = [s for sweep in sweeps for s in (*sweep.program.inputs, *(e.target for e in sweep.equations))]
    definitions = {e.target: e for sweep in sweeps for e in sweep.equations}
    return identifiers(dict.fromkeys((*own, *symbols)), definitions, map(size_text, cell.sizes))
