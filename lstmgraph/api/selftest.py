"""What a generated file is told besides: the options, and for one that tests itself what the interpreter computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lstmgraph.api.catalogue import chosen_options

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from sympy import MatrixSymbol, Symbol

    from lstmgraph.api.cell import Cell
    from lstmgraph.cell import Cell as Core
    from lstmgraph.codegen.loops.selftest import Expected
    from lstmgraph.numeric.sample import Sample
    from lstmgraph.program import Program

# Where what goes in lies: of both signs, or positive for a cell that takes logarithms or roots.
RANGES = ((-0.75, 1.5), (0.25, 0.75))


def file_options(
    cell: Cell, target: str, dtype: DTypeLike | None, sizes: Mapping[str, int] | None, params: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The options that are given, with a reference for a target that takes one."""
    from lstmgraph import codegen

    options: dict[str, Any] = chosen_options(dtype=dtype, sizes=sizes, params=params)
    if "reference" in codegen.TARGETS[target].own:
        options["reference"] = lambda sizes, steps, batch: expected(cell, sizes, steps, batch)
    return options


def expected(cell: Cell, sizes: Mapping[Symbol, int], steps: int, batch: int) -> Expected | None:
    """The sums of all results, of the first range in which they are finite, and what rounding costs them."""
    import numpy

    from lstmgraph.codegen.loops.selftest import Expected
    from lstmgraph.numeric.rounding import lost

    gradient = cell.gradient()
    for low, span in RANGES:
        given = _given(cell, sizes, steps, batch, _numbers(low, span))
        with numpy.errstate(all="ignore"):
            results = _results(cell, gradient, given)
            off = lost(cell, gradient, given, "float32", _sums)
        sums = {name: float(_sum(a)) for name, a in results.items()}
        if all(map(numpy.isfinite, [*sums.values(), *off.values()])):
            lost_of = {name: off[name] / (1 + float(_sum(abs(a)))) for name, a in results.items()}
            return Expected(low, span, sums, lost_of)
    return None


def _given(cell: Cell, sizes: Mapping[Symbol, int], steps: int, batch: int, numbers: Iterator[float]) -> Sample:
    import numpy

    from lstmgraph.algebra.names import name_of
    from lstmgraph.numeric.evaluate import number_of
    from lstmgraph.numeric.sample import Sample

    def filled(symbol: MatrixSymbol, *lead: int) -> NDArray[numpy.float64]:
        shape = (*lead, *(number_of(side, sizes) for side in symbol.shape))
        return numpy.array([next(numbers) for _ in range(int(numpy.prod(shape)))]).reshape(shape)

    return Sample(
        sizes,
        batch,
        steps,
        parameters={p.name: filled(p) for p in cell.parameters},
        inputs={name_of(x).base: filled(x, steps, batch) for x in cell.inputs},
        states={s.name: filled(s.next, batch) for s in cell.states},
        d_output=filled(cell.values[cell.output], steps, batch),
        d_states={s.name: filled(s.next, batch) for s in cell.states},
    )


def _results(cell: Core, gradient: Program, given: Sample) -> dict[str, Any]:
    """Values and gradients, by the names that the test gives them."""
    import numpy

    from lstmgraph.numeric.sequence import run_backward, run_sequence

    forward = run_sequence(cell, given.parameters, given.inputs, given.states, given.steps)
    back = run_backward(cell, gradient, forward, list(given.d_output), given.d_states)
    values = {name: cell.values[name] for name in dict.fromkeys([*given.states, cell.output])}
    found = {name: numpy.stack([_each(step[s.name], given.batch) for step in forward]) for name, s in values.items()}
    found |= {f"bar({name})": d for name, d in back.states.items()} | {f"bar({k})": d for k, d in back.inputs.items()}
    return found | {f"grad({name})": d for name, d in back.parameters.items()}


def _sums(cell: Core, gradient: Program, given: Sample) -> dict[str, Any]:
    return {name: _sum(array) for name, array in _results(cell, gradient, given).items()}


def _each(array: Any, batch: int) -> Any:
    """With one value for each sample, where there is one for all."""
    import numpy

    return numpy.broadcast_to(array, (batch, *array.shape[-2:]))


def _numbers(low: float, span: float) -> Iterator[float]:
    """The rule of `fill` in templates/c_selftest.c.j2; its numbers are exact in single precision too."""
    seed = 1
    while True:
        seed = (seed * 1664525 + 1013904223) % 2**32
        yield (seed >> 16) / 65536 * span + low


def _sum(array: Any) -> Any:
    """As `weighted` has it there."""
    import numpy

    weights = (numpy.arange(array.size, dtype=numpy.uint64) * 2654435761 % 2**32 >> 28) + 1
    return (array.ravel().astype(float) * weights).sum()
