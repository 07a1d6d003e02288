"""Steps of a compiled cell one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sympy import Expr, Symbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.sizes import misfit
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.block import Array, Block

if TYPE_CHECKING:
    from lstmgraph.codegen.compiled import Compiled

_SAMPLES = Symbol("B")


class Stream:
    """Steps one by one: parameters are packed once, memory is made by the first step, and used again by the others.

    A call takes the input of a step, or several in the order of the equations, and returns the output, which the step
    after the next one writes over.  All inputs are of the shapes of the first ones.  Raises TypeError where there are
    too few or too many, ValueError where a shape is another.  `states` are those after the last step, (B, n) each.

    Raises ValueError where the names or the shapes of parameters or of the first states are wrong.
    """

    def __init__(self, compiled: Compiled, params: Any, states: Any) -> None:
        self._compiled = compiled
        cell = compiled.cell
        axes = {p.name: array_axes(p.shape, False) for p in cell.parameters}
        carried = {s.name: (_SAMPLES, *array_axes(s.next.shape, True)) for s in cell.states}
        known = self._shapes("params", "{}", params if axes else {}, axes)
        known |= self._shapes("states", "states['{}']", states, carried) if states is not None else {}
        if wrong := misfit(known):
            raise ValueError(wrong)
        self._start = (params, states)
        self._turn = 0
        self._xs: list[Array] = []
        self._shape, self._dtype = None, None  # of an input that is the only one
        self._calls: list[Callable[[], None]] = []
        self._outputs: list[Array] = []
        self._states: list[dict[str, Array]] = []

    def __call__(self, *xs: Any) -> Array:
        if not self._calls:
            self._make(xs)
        try:
            (x,) = xs
            usual = x.shape == self._shape and x.dtype == self._dtype
        except (AttributeError, ValueError):
            usual = False
        if usual:
            self._xs[0][...] = x  # without what it costs to look closer
        else:
            for mine, x in zip(self._xs, self._fitted(xs), strict=True):
                mine[...] = x
        turn = self._turn
        self._calls[turn]()
        self._turn = 1 - turn
        return self._outputs[turn]

    @property
    def states(self) -> dict[str, Array]:
        return {name: array.copy() for name, array in self._states[self._turn].items()} if self._states else {}

    def _shapes(
        self, what: str, label: str, given: Any, wanted: Mapping[str, Sequence[Expr]]
    ) -> dict[str, tuple[Sequence[Expr], tuple[int, ...]]]:
        """What the arrays of a dict should be and are, by what they are called.  Raises ValueError for a wrong name."""
        arrays = self._compiled.checks["_arrays"](what, given, tuple(wanted))
        return {label.format(name): (axes, arrays[name].shape) for name, axes in wanted.items()}

    def _named(self, xs: Sequence[Any]) -> dict[str, Any]:
        names = [name_of(x).base for x in self._compiled.cell.inputs]
        if len(xs) != len(names):
            wanted = f"{len(names)} input{'s' * (len(names) != 1)}{': ' * bool(names)}{', '.join(names)}"
            raise TypeError(f"a step of {self._compiled.cell.name} takes {wanted}; {len(xs)} given")
        return dict(zip(names, xs, strict=True))

    def _fitted(self, xs: Sequence[Any]) -> list[Array]:
        """Inputs that are as the first ones were."""
        checks, cell, given = self._compiled.checks, self._compiled.cell, self._named(xs)
        given = checks["_arrays"]("x", given, tuple(given))
        for (name, array), x, mine in zip(given.items(), cell.inputs, self._xs, strict=True):
            axes = zip(("B", *array_axes(x.shape, batched=True)), mine.shape, strict=True)
            wanted = [n if str(a) == str(n) else (str(a), n) for a, n in axes]
            checks["_shape"]("x" if len(given) == 1 else f"x['{name}']", array, *wanted)
        return list(given.values())

    def _make(self, xs: Sequence[Any]) -> None:
        """All memory; the states before a step and after it change places."""
        compiled, (params, states), named = self._compiled, self._start, self._named(xs)
        x: Any = named if len(named) > 1 else next(iter(named.values()), None)
        given = compiled.prepared(params, x, states, "x", "B")
        given.block.fill("states", given.states)
        found = Block(given.setting.found)
        self._xs, self._states = (
            list(given.block.arrays("xs").values()),
            [given.block.arrays("states"), found.arrays("states")],
        )
        if len(named) == 1:
            self._shape, self._dtype = self._xs[0].shape, given.setting.dtype
        pair, end = [given.block, found], given.behind(found)
        for before, after in ((0, 1), (1, 0)):
            states = [*pair[before].struct("states"), *pair[after].struct("states")]
            self._calls.append(given.told("step", *given.ahead(), *states, *end))
            self._outputs.append(compiled.output_of(found, self._states[after]))
