"""The functions of a generated C file in Python, on batch-first NumPy arrays, as those of the NumPy file.

The C functions have the time first.  A library for float32 or float64 is compiled when it is first needed, by the type
of what a function is given.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from sympy import Expr, MatrixSymbol

from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.block import Block, Shapes
from lstmgraph.codegen.calling import Given, Rows, Setting
from lstmgraph.codegen.entry import entry_checks, size_checks, untold
from lstmgraph.codegen.executed import executed
from lstmgraph.codegen.identifiers import size_text, whole_text
from lstmgraph.codegen.interface import DTYPES, shape_text, tuple_text
from lstmgraph.codegen.stream import Stream
from lstmgraph.templates import render

Array = Any  # numpy.ndarray, and in a `Library` torch.Tensor, too


@dataclass
class Library:
    """The functions of a library: of numbers, of arrays of its type, and of dicts of arrays, which are its structs.

    A struct of nothing it does not take.
    """

    prefix: str
    path: Path
    known: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def library(self) -> ctypes.CDLL:
        return ctypes.CDLL(str(self.path))

    def __call__(self, name: str, sizes: Sequence[int], *arguments: Any) -> None:
        self.bound(name, sizes, *arguments)()

    def bound(self, name: str, sizes: Sequence[int], *arguments: Any) -> Callable[[], None]:
        """A call that can be made again and again, of the same arrays."""
        given = [_sizes_type(len(sizes))(*sizes)] if sizes else []
        call = partial(self.function(name), *given, *(_argument(a) for a in arguments if not isinstance(a, dict) or a))
        call.arguments = arguments  # type: ignore[attr-defined]
        return call

    def told(self, name: str, sizes: Sequence[int], *arguments: Any) -> Callable[[], None]:
        """The same in less time: of `told_NAME`, which takes one pointer to all arguments of a function."""
        given = [_argument(a) for a in arguments]
        words = (ctypes.c_size_t * (len(sizes) + len(given)))(*sizes, *map(_word, given))
        call = partial(self.function(f"told_{name}"), ctypes.c_void_p(ctypes.addressof(words)))
        call.arguments = (words, given, arguments)  # type: ignore[attr-defined]
        return call

    def count(self, name: str, sizes: Sequence[int], *numbers: int) -> int:
        """What one of the functions says that tell how much memory is needed."""
        function = self.function(name)
        function.restype = ctypes.c_size_t
        given = [_sizes_type(len(sizes))(*sizes)] if sizes else []
        return int(function(*given, *map(ctypes.c_size_t, numbers)))

    def function(self, name: str) -> Any:
        if name not in self.known:
            found = self.library[f"{self.prefix}_{name}"]  # an object of its own, also where threads look at once
            found.restype = None
            self.known[name] = found
        return self.known[name]


@lru_cache
def _sizes_type(count: int) -> type[ctypes.Structure]:
    return type("Sizes", (ctypes.Structure,), {"_fields_": [(f"n{k}", ctypes.c_size_t) for k in range(count)]})


def _argument(value: Any) -> Any:
    if isinstance(value, int):
        return ctypes.c_size_t(value)
    if hasattr(value, "block"):  # whose pointer it is
        return value
    if isinstance(value, Mapping):
        return (ctypes.c_void_p * len(value))(*(address(a).value for a in value.values()))
    return address(value)


def _word(argument: Any) -> Any:
    """A number, or the address of numbers or pointers."""
    return ctypes.addressof(argument) if isinstance(argument, ctypes.Array) else argument.value


def address(array: Array) -> ctypes.c_void_p:
    """Where the numbers of an array are, or those of a tensor."""
    return ctypes.c_void_p(array.data_ptr() if hasattr(array, "data_ptr") else array.ctypes.data)


@dataclass
class Compiled:
    """step, forward and backward of a cell; `libraries` gives the library for a type, `dtype` is the only one if given.

    `fixed` are the sizes that the C functions do not take, `packs` names those that take packed parameters.  All that
    is given is copied: it may be of any type and order in memory, and may be written over before `backward`.
    """

    cell: Cell
    libraries: Callable[[str], Library]
    dtype: str | None
    fixed: Mapping[str, int]
    packs: frozenset[str]

    def __post_init__(self) -> None:
        self.checks = checks_of(self.cell)
        self.output_is_state = self.cell.output in {s.name for s in self.cell.states}
        self.inputs = tuple(name_of(x).base for x in self.cell.inputs)
        self.size_names = tuple(map(str, self.cell.sizes))
        self.setting = lru_cache(self._setting)

    # ── the functions ──

    def step(self, params: Any, x: Any, states: Any = None) -> tuple[Array, dict[str, Array]]:
        """One step of a batch: the output and the new states."""
        given = self.prepared(params, x, states, "x", "B")
        given.block.fill("states", given.states)
        found = Block(given.setting.found)
        before_after = [*given.block.struct("states"), *found.struct("states")]
        given.run("step", *given.ahead(), *before_after, *given.behind(found))
        new = found.arrays("states")
        return self.output_of(found, new), new

    def stream(self, params: Any, states: Any = None) -> Stream:
        """A function of one step, for the price of little more than itself, that keeps the states in `states`.

        `params` are arrays by name, of the shapes that `shapes` gives.  `states`, by name, are those before the first
        step, (B, n) for a vector of n in B samples; zeros if none are given.  The function takes an input (B, n), or
        several in the order of the equations, and returns the output, which the step after the next one writes over.

        Raises ValueError where a name is wrong or shapes do not fit together; the function does so for inputs, and
        TypeError where these are too few or too many.
        """
        return Stream(self, params, states)

    def forward(self, params: Any, xs: Any, states: Any = None) -> tuple[Array, dict[str, Array], Any]:
        """A batch of sequences: the outputs, the states after every step, and the cache that backward takes."""
        given = self.prepared(params, xs, states, "xs", "B", "T")
        found = Block(given.setting.found)
        trace = found.arrays("states")
        for name, array in trace.items():
            array[0] = given.states[name]
        given.run("forward", *given.ahead(), *found.struct("states"), *given.behind(found))
        after = {name: array[1:].swapaxes(0, 1) for name, array in trace.items()}
        outputs = after[self.cell.output] if self.output_is_state else self.output_of(found, {}).swapaxes(0, 1)
        return outputs, after, (given, found)

    def backward(self, params: Any, cache: Any, d_outputs: Any, d_states: Any = None) -> tuple[Any, Any, Any]:
        """The gradients of a loss, back through time: of the parameters, of the inputs, of the initial states.

        `params` are those that forward had, and `cache` is the third of what it gave.
        """
        if not isinstance(cache, tuple) or not cache or not isinstance(cache[0], Given):
            raise TypeError(f"cache must be the third of what forward gives, got {type(cache).__name__}")
        given, trace = cache
        setting, block = given.setting, given.block
        back, found = Block(setting.back_given), Block(setting.back_found)
        back.fill("params", self._fitting("params", params, setting.rows.params, setting, "{}"))
        back.fill("d_output", {"": self._d_outputs(setting, d_outputs).swapaxes(0, 1)})
        found.fill("d_states", self._d_states(setting, d_states))
        pack = block.pointers("pack") if "backward" in self.packs else []
        steps = [*block.pointers("xs"), *trace.struct("states"), *trace.pointers("output"), *back.pointers("d_output")]
        behind = [*found.struct("d_states"), *found.struct("grads"), *found.pointers("d_xs"), *block.pointers("work")]
        given.run("backward", *back.struct("params"), *pack, *steps, *behind)
        d_xs = {name: d.swapaxes(0, 1) for name, d in found.arrays("d_xs").items()}
        d_inputs = d_xs if len(d_xs) > 1 else next(iter(d_xs.values()), None)
        return found.arrays("grads"), d_inputs, found.arrays("d_states")

    def output_of(self, found: Block, states: Mapping[str, Array]) -> Array:
        """The output among the results: one of the states, or an array of its own."""
        return states[self.cell.output] if self.output_is_state else found.arrays("output")[""]

    # ── what they are given ──

    def prepared(self, params: Any, xs: Any, states: Any, what: str, *lead: str) -> Given:
        """Memory with all that is given, and packed parameters.  Raises ValueError where something does not fit."""
        sequence = "T" in lead
        params, xs, states = self.checks["prepare"](params, xs, states, what, *lead)
        numbers = self.checks["read_sizes"](params, xs, states, len(lead))
        inputs = xs if len(self.inputs) > 1 else dict.fromkeys(self.inputs, xs)
        first = next(iter([*inputs.values(), *states.values()]), None)
        B = 1 if first is None else len(first)
        T: Any = None if not sequence else inputs[self.inputs[0]].shape[1] if inputs else xs
        if sequence and T < 1:
            raise ValueError("there must be at least one step")
        setting = self.setting(self._type([*params.values(), *inputs.values(), *states.values()]), numbers, B, T)
        given = Given(setting, Block(setting.given), states)
        given.block.fill("params", params)
        given.block.fill("xs", {name: x.swapaxes(0, 1) for name, x in inputs.items()} if sequence else inputs)
        if self.packs:
            given.pack()
        return given

    def _type(self, arrays: Sequence[Array]) -> str:
        return self.dtype or type_of(arrays)

    def _setting(self, dtype: str, numbers: tuple[int, ...], B: int, T: int | None) -> Setting:
        """Raises ValueError where a size is fixed to another number."""
        np, library, sizes = self.checks["np"], self.libraries(dtype), self.sizes(numbers)
        inputs, states, output = self.checks["rows"](*numbers)
        own = {} if self.output_is_state else {"": output}
        pack = {"": (library.count("pack_size", sizes),)} if self.packs else {}
        rows = Rows(self.checks["shapes"](*numbers), inputs, states, output, own, pack)
        return Setting(np, np.dtype(dtype), library, sizes, rows, B, T)

    def sizes(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """The sizes that the C functions take.  Raises ValueError where one is fixed."""
        for name, number in zip(self.size_names, numbers, strict=True):
            if self.fixed.get(name, number) != number:
                raise ValueError(f"{name} is fixed: {self.fixed[name]}, not {number}")
        return tuple(n for name, n in zip(self.size_names, numbers, strict=True) if name not in self.fixed)

    # ── what backward is given ──

    def _d_outputs(self, setting: Setting, d_outputs: Any) -> Array:
        d_outputs = self.checks["_arrays"]("d_outputs", {"": d_outputs}, ("",), setting.dtype)[""]
        T, B, *axes = setting.back_given.shape("d_output", "")
        if d_outputs.shape != (B, T, *axes):
            raise ValueError(f"d_outputs must be {(B, T, *axes)}, as the outputs are, got {d_outputs.shape}")
        return d_outputs

    def _d_states(self, setting: Setting, d_states: Any) -> dict[str, Array]:
        """Zeros where none are given."""
        shapes = {name: shape for name, (shape, _) in setting.back_found.groups["d_states"].items()}
        zeros = {name: self.checks["np"].zeros(shape, setting.dtype) for name, shape in shapes.items()}
        if d_states is None or hasattr(d_states, "keys"):
            d_states = zeros | (d_states or {})
        return self._fitting("d_states", d_states, shapes, setting, "d_states['{}']")

    def _fitting(self, what: str, given: Any, shapes: Shapes, setting: Setting, label: str) -> dict[str, Array]:
        """Arrays of these shapes and names."""
        arrays: dict[str, Array] = self.checks["_arrays"](what, given, tuple(shapes), setting.dtype)
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                self.checks["_shape"](label.format(name), arrays[name], *shape)
        return arrays


def type_of(arrays: Sequence[Array]) -> str:
    """That of the first array.  Raises TypeError where there is no code for it."""
    name = str(arrays[0].dtype.name) if arrays else "float64"
    if name not in DTYPES:
        raise TypeError(f"there is code for {' and '.join(DTYPES)}, not for {name}: give arrays of these, or a dtype")
    return name


def checks_of(cell: Cell) -> dict[str, Any]:
    """The functions that look at what a function of (params, xs, states) is given: `prepare`, `init`, `shapes`, ..."""
    return executed(checks_text(cell), f"checks of {cell.name}")


def checks_text(cell: Cell) -> str:
    """Their text."""
    sizes = ", ".join(map(size_text, cell.sizes))
    return render(
        "c.py.j2",
        sizes=sizes,
        init_checks=size_checks(cell),
        shapes=[f'        "{p.name}": {shape_text(p)},' for p in cell.parameters],
        init_arguments=", ".join(filter(None, ["rng", sizes, "dtype=np.float64"])),
        prepare=entry_checks(cell),
        read=_read(cell),
        inputs=len(cell.inputs),
        input_rows=_rows((name_of(x).base, x) for x in cell.inputs),
        state_rows=_rows((s.name, s.next) for s in cell.states),
        axes=_row(cell.values[cell.output]),
    )


def _row(symbol: MatrixSymbol) -> str:
    return tuple_text([size_text(a) for a in array_axes(symbol.shape, batched=True)])


def _rows(symbols: Iterable[tuple[str, MatrixSymbol]]) -> str:
    parts = [f'"{name}": {_row(symbol)}' for name, symbol in symbols]
    return f"{{{', '.join(parts)}}}"


def _read(cell: Cell) -> str:
    """The code for the sizes of arrays that fit one another."""
    places = [(side, f'params["{p.name}"].shape[{k}]') for p in cell.parameters for k, side in _axes(p, False)]
    for x in cell.inputs:
        array = f'xs["{name_of(x).base}"]' if len(cell.inputs) > 1 else "xs"
        places += [(side, f"{array}.shape[lead + {k}]") for k, side in _axes(x, True)]
    places += [(side, f'states["{s.name}"].shape[{k + 1}]') for s in cell.states for k, side in _axes(s.next, True)]
    found = solve_sizes([side for side, _ in places])
    texts = {axis(k): text for k, (_, text) in enumerate(places)}
    for z in cell.sizes:
        if z not in found:
            raise untold(cell, z)
    return tuple_text([whole_text(found[z], texts) for z in cell.sizes])


def _axes(symbol: MatrixSymbol, batched: bool) -> Iterable[tuple[int, Expr]]:
    return enumerate(array_axes(symbol.shape, batched))
