"""The lines of generated Python that look at what a function is given: sizes are read off, and every shape is checked.

They stand in a function of (params, xs, states, what, *lead), where `what` is the name under which the caller knows the
inputs and `lead` the axes in front of a sample's ("B", or "B" and "T"), and call the file's own `_shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.identifiers import size_text


@dataclass(frozen=True)
class _Given:
    """Something given: `what` and `array` are the code for its name in messages and for itself."""

    symbol: MatrixSymbol
    what: str
    array: str

    @property
    def axes(self) -> tuple[Expr, ...]:
        return array_axes(self.symbol.shape, batched=True)

    @property
    def wanted(self) -> str:
        """The axes as arguments of `_shape`, once the sizes are known."""
        return ", ".join(str(a) if a.is_Integer else f'("{a}", {size_text(a)})' for a in self.axes)


def entry_checks(cell: Cell) -> list[str]:
    """The whole body: it raises ValueError where a shape is wrong, and returns the states, zeros if none are given."""
    inputs = [_Given(x, f"f\"{{what}}['{b}']\"", f'xs["{b}"]') for x in cell.inputs for b in [name_of(x).base]]
    if len(inputs) == 1:
        inputs = [_Given(cell.inputs[0], "what", "xs")]
    states = [_Given(s.next, f"\"states['{s.name}']\"", f'states["{s.name}"]') for s in cell.states]
    return [*_sizes(cell, inputs, states), *_check_inputs(inputs, states), *_check_states(cell, inputs, states)]


def _sizes(cell: Cell, inputs: Sequence[_Given], states: Sequence[_Given]) -> list[str]:
    """Reads every size off the first thing that has it; then the parameters must fit."""
    known: set[Symbol] = set()
    lines: list[str] = []
    for p in cell.parameters:
        lines += _read(array_axes(p.shape, batched=False), known, f'"{p.name}", params["{p.name}"]')
    for x in inputs:
        lines += _read(x.axes, known, f"{x.what}, {x.array}, *lead", before="*_, ")
    from_states = [line for s in states for line in _read(s.axes, known, f'{s.what}, {s.array}, "B"', before="_, ")]
    if from_states:
        lines += [
            "    if states is None:",
            '        raise ValueError("states must be given: only they tell their sizes")',
        ]
    if cell.parameters:
        loop = f"    for name, shape in shapes({', '.join(map(size_text, cell.sizes))}).items():"
        return [*lines, *from_states, loop, "        _shape(name, params[name], *shape)"]
    return [*lines, *from_states]


def _read(axes: Sequence[Expr], known: set[Symbol], array: str, before: str = "") -> list[str]:
    """`H, X = _shape("W", params["W"], "H", "X")`, if that tells a size that is not known yet."""
    waiting = [a for a in dict.fromkeys(axes) if isinstance(a, Symbol) and a not in known]
    if not waiting:
        return []
    known.update(waiting)
    targets = [size_text(waiting.pop(0)) if a in waiting[:1] else "_" for a in axes]
    comma = "," if len(targets) == 1 and not before else ""
    names = ", ".join(f'"{a}"' for a in axes)
    return [f"    {before}{', '.join(targets)}{comma} = _shape({array}, {names})"]


def _check_inputs(inputs: Sequence[_Given], states: Sequence[_Given]) -> list[str]:
    """Finds the number of samples B, which the inputs must agree on."""
    if not inputs:
        return [f"    B = {f'1 if states is None else len({states[0].array})' if states else '1'}"]
    first, *rest = inputs
    if not rest:
        return [f"    B = _shape({first.what}, {first.array}, *lead, {first.wanted})[0]"]
    lines = [f"    axes = _shape({first.what}, {first.array}, *lead, {first.wanted})"]
    lines += [f"    _shape({x.what}, {x.array}, *zip(lead, axes), {x.wanted})" for x in rest]
    return [*lines, "    B = axes[0]"]


def _check_states(cell: Cell, inputs: Sequence[_Given], states: Sequence[_Given]) -> list[str]:
    if not states:
        return ["    return {}"]
    arrays = [x.array for x in inputs] or [f'params["{p.name}"]' for p in cell.parameters]
    dtype = f"{arrays[0]}.dtype" if arrays else "float"
    zeros = [
        f'            "{s.name}": np.zeros(({", ".join(["B", *map(size_text, given.axes)])}), {dtype}),'
        for s, given in zip(cell.states, states, strict=True)
    ]
    checks = [f'    _shape({s.what}, {s.array}, ("B", B), {s.wanted})' for s in states]
    return ["    if states is None:", "        return {", *zeros, "        }", *checks, "    return states"]
