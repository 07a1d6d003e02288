"""What a generated file is told besides: the options, and for one that tests itself what the interpreter computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lstmgraph.api.catalogue import chosen_options

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sympy import MatrixSymbol, Symbol

    from lstmgraph.api.cell import Cell
    from lstmgraph.codegen.loops.selftest import Expected

# Where what goes in lies: of both signs, or positive for a cell that takes logarithms or roots.
RANGES = ((-0.75, 1.5), (0.25, 0.75))


def file_options(
    cell: Cell, target: str, dtype: str | None, sizes: Mapping[str, int] | None, params: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The options that are given, with a reference for a target that takes one."""
    from lstmgraph import codegen

    options: dict[str, Any] = chosen_options(dtype=dtype, sizes=sizes, params=params)
    if "reference" in codegen.TARGETS[target].own:
        options["reference"] = lambda sizes, steps, batch: expected(cell, sizes, steps, batch)
    return options


def expected(cell: Cell, sizes: Mapping[Symbol, int], steps: int, batch: int) -> Expected:
    """The sums of all results, of the first range in which they are finite."""
    import numpy

    from lstmgraph.codegen.loops.selftest import Expected

    for low, span in RANGES:
        with numpy.errstate(all="ignore"):
            sums = _sums(cell, sizes, steps, batch, low, span)
        if all(map(numpy.isfinite, sums.values())):
            break
    return Expected(low, span, sums)


def _sums(cell: Cell, sizes: Mapping[Symbol, int], steps: int, batch: int, low: float, span: float) -> dict[str, float]:
    import numpy

    from lstmgraph.algebra.names import name_of
    from lstmgraph.numeric.evaluate import number_of
    from lstmgraph.numeric.sequence import run_backward, run_sequence

    numbers = _numbers(low, span)

    def filled(symbol: MatrixSymbol, *lead: int) -> NDArray[numpy.float64]:
        shape = (*lead, *(number_of(side, sizes) for side in symbol.shape))
        return numpy.array([next(numbers) for _ in range(int(numpy.prod(shape)))]).reshape(shape)

    parameters = {p.name: filled(p) for p in cell.parameters}
    xs = {name_of(x).base: filled(x, steps, batch) for x in cell.inputs}
    states = {s.name: filled(s.next, batch) for s in cell.states}
    d_output = filled(cell.values[cell.output], steps, batch)
    d_states = {s.name: filled(s.next, batch) for s in cell.states}
    forward = run_sequence(cell, parameters, xs, states, steps)
    back = run_backward(cell, cell.gradient(), forward, list(d_output), d_states)
    values = {name: cell.values[name] for name in dict.fromkeys([*states, cell.output])}
    found = {name: numpy.stack([_each(step[s.name], batch) for step in forward]) for name, s in values.items()}
    found |= {f"bar({name})": d for name, d in back.states.items()} | {f"bar({k})": d for k, d in back.inputs.items()}
    found |= {f"grad({name})": d for name, d in back.parameters.items()}
    return {name: _sum(array) for name, array in found.items()}


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


def _sum(array: Any) -> float:
    flat = array.ravel()
    return float(sum(float(a) * (k % 5 + 1) for k, a in enumerate(flat)))
