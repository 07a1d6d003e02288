"""The lines of generated Python that look at what a function is given: sizes are read off, and every shape is checked.

Names are checked and everything becomes arrays of one floating type before.  The lines stand in a function of (params,
xs, states, what, *lead), where `what` is the name under which the caller knows the inputs and `lead` the axes in front
of a sample's ("B", or "B" and "T"), and call the file's own `_shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.code import WIDTH, filled, listed
from lstmgraph.codegen.identifiers import size_text, whole_text
from lstmgraph.errors import UsageError

NO_SAMPLE = ("    if B < 1:", '        raise ValueError("there must be at least one sample")')


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


def entry_checks(cell: Cell, xp: str = "np") -> list[str]:
    """The whole body: it raises ValueError where a name or a shape is wrong; the states are zeros if none are given.

    `xp` is what the file calls the package of its arrays.
    """
    inputs = [_Given(x, f"f\"{{what}}['{b}']\"", f'xs["{b}"]') for x in cell.inputs for b in [name_of(x).base]]
    if len(inputs) == 1:
        inputs = [_Given(cell.inputs[0], "what", "xs")]
    states = [_Given(s.next, f"\"states['{s.name}']\"", f'states["{s.name}"]') for s in cell.states]
    parts = (
        _types(cell),
        _sizes(cell, inputs, states),
        _check_inputs(inputs, states),
        _check_states(cell, states, xp),
    )
    return [line for part in parts for line in part]


def _types(cell: Cell) -> list[str]:
    """Everything becomes arrays of one floating type: that of what is given first, the parameters if there are any."""
    dtype = _dtype(cell)
    names = [name_of(x).base for x in cell.inputs]
    lines: list[str] = []
    if cell.parameters:
        lines += _arrays("params", '"params", params', [p.name for p in cell.parameters])
    if len(names) == 1:
        lines.append(f'    xs = _arrays(what, {{"": xs}}, ("",){f", {dtype}" if lines else ""})[""]')
    elif names:
        lines += _arrays("xs", "what, xs", names, dtype if lines else "")
    if not cell.states:
        return [*lines, '    _arrays("states", states or {}, ())']
    given = _arrays("states", '"states", states', [s.name for s in cell.states], dtype if lines else "")
    return [*lines, "    if states is not None:", *(f"    {line}" for line in given)]


def _dtype(cell: Cell) -> str:
    """The code for the floating type of everything."""
    arrays = [f'params["{p.name}"]' for p in cell.parameters]
    arrays += [f'xs["{name_of(x).base}"]' if len(cell.inputs) > 1 else "xs" for x in cell.inputs]
    return f"{arrays[0]}.dtype" if arrays else "float"


def _arrays(target: str, given: str, names: Sequence[str], dtype: str = "") -> list[str]:
    return listed(f"{target} = _arrays({given}, (", [f'"{name}"' for name in names], f"){', ' * bool(dtype)}{dtype})")


def _sizes(cell: Cell, inputs: Sequence[_Given], states: Sequence[_Given]) -> list[str]:
    """Reads every size off the first thing that has it, or solves for it; then the parameters must fit."""
    known: set[Symbol] = set()
    sources = [_Source(array_axes(p.shape, batched=False), f'"{p.name}", params["{p.name}"]') for p in cell.parameters]
    sources += [_Source(x.axes, f"{x.what}, {x.array}, *lead", "*_, ") for x in inputs]
    lines = [*_read(sources, known), *_solved(sources, known)]
    told = [
        p.name for p, source in zip(cell.parameters, sources, strict=False) if any(source.shape in x for x in lines)
    ]
    more = [_Source(s.axes, f'{s.what}, {s.array}, "B"', "_, ") for s in states]
    from_states = [*_read(more, known), *_solved([*sources, *more], known)]
    for size in (z for z in cell.sizes if z not in known):
        raise untold(cell, size)
    if from_states:
        lines += [
            "    if states is None:",
            '        raise ValueError("states must be given: only they tell their sizes")',
        ]
    if cell.parameters:
        loop = f"    for name, shape in shapes({', '.join(map(size_text, cell.sizes))}).items():"
        return [*lines, *from_states, loop, *_wrong_parameter(cell, told)]
    return [*lines, *from_states]


def _wrong_parameter(cell: Cell, told: Sequence[str]) -> list[str]:
    """What is not as long as others say; `told` are the parameters that the sizes were read off, one may be wrong."""
    sizes = ", ".join(f"{z}={{{z}}}" for z in map(size_text, cell.sizes))
    texts = ["{name} must be {shape}, got {params[name].shape}" + f": {sizes}" * bool(sizes)]
    if told:
        shown = ", ".join(f"{name} {{params['{name}'].shape}}" for name in told)
        rest = filled(f"with {sizes} as in {shown}: one is wrong", WIDTH - 20)
        texts = ["{name} is {params[name].shape}, but must be {shape}", *(f" {line}" for line in rest)]
    return [
        "        if params[name].shape != shape:",
        "            raise ValueError(",
        *(f'                f"{text}"' for text in texts),
        "            )",
    ]


@dataclass(frozen=True)
class _Source:
    """An array that tells sizes: its axes, the first arguments of `_shape`, and the targets for the axes before."""

    axes: tuple[Expr, ...]
    array: str
    before: str = ""

    @property
    def shape(self) -> str:
        return f"_shape({', '.join([self.array, *(chr(34) + str(a) + chr(34) for a in self.axes)])})"


def _read(sources: Sequence[_Source], known: set[Symbol]) -> list[str]:
    """`H, X = _shape("W", params["W"], "H", "X")` for each array that tells a size that is not known yet."""
    lines = []
    for source in sources:
        waiting = [a for a in dict.fromkeys(source.axes) if isinstance(a, Symbol) and a not in known]
        if not waiting:
            continue
        known.update(waiting)
        targets = [size_text(waiting.pop(0)) if a in waiting[:1] else "_" for a in source.axes]
        comma = "," if len(targets) == 1 and not source.before else ""
        lines.append(f"    {source.before}{', '.join(targets)}{comma} = {source.shape}")
    return lines


def _solved(sources: Sequence[_Source], known: set[Symbol]) -> list[str]:
    """`H = _shape("b", params["b"], "2*H")[-1] // 2` for each size that is told as a part of another only."""
    places = [(a, f"{s.shape}[{k - len(s.axes)}]") for s in sources for k, a in enumerate(s.axes)]
    found = solve_sizes([side for side, _ in places], known)
    known.update(found)
    texts = {axis(k): text for k, (_, text) in enumerate(places)}
    return [f"    {size_text(size)} = {whole_text(formula, texts)}" for size, formula in found.items()]


def size_checks(cell: Cell) -> list[str]:
    """The lines that refuse sizes of which there are no arrays."""
    sizes = [size_text(z) for z in cell.sizes]
    if not sizes:
        return []
    shown = ", ".join(f"{{{z}=}}" for z in sizes)
    given = f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"
    return [
        f'    if not all(hasattr(length, "__index__") and length > 0 for length in {given}):',
        f'        raise ValueError(f"every size must be a whole number, 1 at least, got {shown}")',
    ]


def untold(cell: Cell, size: Symbol) -> UsageError:
    return UsageError(
        f"{cell.name}: no array tells the size {size}",
        hint="the lengths of the arrays do not determine it: give something that size itself, or another size",
    )


def _check_inputs(inputs: Sequence[_Given], states: Sequence[_Given]) -> list[str]:
    """Finds the number of samples B, which the inputs must agree on, and at least one; without inputs xs is T."""
    if not inputs:
        samples = [f"    B = 1 if states is None else len({states[0].array})", *NO_SAMPLE] if states else ["    B = 1"]
        return ['    if "T" in lead:', "        xs = _length(xs)", *samples]
    first, *rest = inputs
    if not rest:
        return [f"    B = _shape({first.what}, {first.array}, *lead, {first.wanted})[0]", *NO_SAMPLE]
    lines = [f"    axes = _shape({first.what}, {first.array}, *lead, {first.wanted})"]
    lines += [f"    _shape({x.what}, {x.array}, *zip(lead, axes), {x.wanted})" for x in rest]
    return [*lines, "    B = axes[0]", *NO_SAMPLE]


def _check_states(cell: Cell, states: Sequence[_Given], xp: str) -> list[str]:
    if not states:
        return ["    return params, xs, {}"]
    zeros = [
        f'            "{s.name}": {xp}.zeros(({", ".join(["B", *map(size_text, given.axes)])}), {_dtype(cell)}),'
        for s, given in zip(cell.states, states, strict=True)
    ]
    checks = [f'        _shape({s.what}, {s.array}, ("B", B), {s.wanted})' for s in states]
    made = ["    if states is None:", "        states = {", *zeros, "        }"]
    return [*made, "    else:", *checks, "    return params, xs, states"]
