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
from lstmgraph.codegen.entry import entry_checks, size_checks, untold
from lstmgraph.codegen.executed import executed
from lstmgraph.codegen.identifiers import size_text, whole_text
from lstmgraph.templates import render

Array = Any  # numpy.ndarray, and in a `Library` torch.Tensor, too
LINE = 64  # bytes


@dataclass
class Library:
    """The functions of a library: of numbers, of arrays of its type, and of dicts of arrays, which are its structs."""

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
        call = partial(self.function(name), *given, *map(_argument, arguments))
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

    `fixed` are the sizes that the C functions do not take, `packs` names those that take packed parameters.
    """

    cell: Cell
    libraries: Callable[[str], Library]
    dtype: str | None
    fixed: Mapping[str, int]
    packs: frozenset[str]

    def __post_init__(self) -> None:
        self.checks = checks_of(self.cell)
        self.output_is_state = self.cell.output in {s.name for s in self.cell.states}

    # ── the functions ──

    def step(self, params: Any, x: Any, states: Any = None) -> tuple[Array, dict[str, Array]]:
        """One step of a batch: the output and the new states."""
        given = self.prepared(params, x, states, "x", "B")
        run, B, params, xs, states = given.library, given.B, given.params, given.xs, given.states
        pack = self.packed(given)
        new = {name: given.empty(array.shape) for name, array in states.items()}
        output = [] if self.output_is_state else [given.empty((B, *given.axes))]
        work = given.empty(run.count("step_size", given.sizes, B))
        before_after = [states, new] if states else []
        run("step", given.sizes, B, *_some(params), *pack, *xs, *before_after, *output, work)
        return (new[self.cell.output] if self.output_is_state else output[0]), new

    def stream(self, params: Any, states: Any = None) -> Stream:
        """Steps one by one, each for the price of little more than itself: see `Stream`."""
        return Stream(self, params, states)

    def forward(self, params: Any, xs: Any, states: Any = None) -> tuple[Array, dict[str, Array], Any]:
        """A batch of sequences: the outputs, the states after every step, and the cache that backward takes."""
        given = self.prepared(params, xs, states, "xs", "B", "T")
        if given.T < 1:
            raise ValueError("there must be at least one step")
        trace = {name: given.empty((given.T + 1, *array.shape)) for name, array in given.states.items()}
        for name, array in given.states.items():
            trace[name][0] = array
        output = [] if self.output_is_state else [given.empty((given.T, given.B, *given.axes))]
        work = given.empty(given.library.count("work_size", given.sizes, given.T, given.B))
        pack = self.packed(given)
        arguments = [*_some(given.params), *pack, *given.xs, *_some(trace)]
        given.library("forward", given.sizes, given.T, given.B, *arguments, *output, work)
        states = {name: array[1:].swapaxes(0, 1) for name, array in trace.items()}
        outputs = states[self.cell.output] if self.output_is_state else output[0].swapaxes(0, 1)
        return outputs, states, (given, pack, trace, output, work)

    def backward(self, params: Any, cache: Any, d_outputs: Any, d_states: Any = None) -> tuple[Any, Any, Any]:
        """The gradients of a loss, back through time: of the parameters, of the inputs, of the initial states."""
        given, pack, trace, output, work = cache
        np, T, B = self.checks["np"], given.T, given.B
        shape = (B, T, *given.axes)
        d_outputs = self.checks["_arrays"]("d_outputs", {"": d_outputs}, ("",), given.dtype)[""]
        if d_outputs.shape != shape:
            raise ValueError(f"d_outputs must be {shape}, as the outputs are, got {d_outputs.shape}")
        zeros = {name: np.zeros_like(state) for name, state in given.states.items()}
        if d_states is None or hasattr(d_states, "keys"):
            d_states = zeros | (d_states or {})
        carry = self.checks["_arrays"]("d_states", d_states, tuple(zeros), given.dtype)
        for name, state in given.states.items():
            self.checks["_shape"](f"d_states['{name}']", carry[name], *state.shape)
        carry = {name: np.array(array, order="C") for name, array in carry.items()}
        params = given.fitted(self.checks["_arrays"]("params", params, tuple(given.params), given.dtype))
        for name, array in given.params.items():
            self.checks["_shape"](name, params[name], *array.shape)
        grads = {name: given.empty(array.shape) for name, array in params.items()}
        d_xs = [np.empty_like(x) for x in given.xs]
        pack = pack if "backward" in self.packs else []
        arguments = [*_some(params), *pack, *given.xs, *_some(trace), *output, given.timed(d_outputs)]
        given.library("backward", given.sizes, T, B, *arguments, *_some(carry), *_some(grads), *d_xs, work)
        back = [d.swapaxes(0, 1) for d in d_xs]
        names = [name_of(x).base for x in self.cell.inputs]
        d_inputs = dict(zip(names, back, strict=True)) if len(back) > 1 else back[0] if back else None
        return grads, d_inputs, carry

    # ── what they are given ──

    def prepared(self, params: Any, xs: Any, states: Any, what: str, *lead: str) -> _Given:
        steps = xs if not self.cell.inputs and "T" in lead else 1
        params, xs, states = self.checks["prepare"](params, xs, states, what, *lead)
        np = self.checks["np"]
        arrays = [*params.values(), *(xs.values() if isinstance(xs, dict) else [xs]), *states.values()]
        first = next((a for a in arrays if hasattr(a, "dtype")), None)
        dtype = np.dtype(self.dtype or ("float32" if first is not None and first.dtype == np.float32 else "float64"))
        sizes = self.sizes(self.checks["read_sizes"](params, xs, states, len(lead)))
        inputs = list(xs.values()) if len(self.cell.inputs) > 1 else [xs] if self.cell.inputs else []
        if len(self.cell.inputs) > 1:
            inputs = [xs[name_of(x).base] for x in self.cell.inputs]
        given = _Given(np, self.libraries(str(dtype)), dtype, *sizes)
        given.B = len(next(iter([*inputs, *states.values()]), [0]))
        given.T = inputs[0].shape[1] if inputs and "T" in lead else steps
        given.params = given.fitted({p.name: params[p.name] for p in self.cell.parameters})
        given.states = given.fitted({s.name: states[s.name] for s in self.cell.states})
        given.xs = [given.timed(x) if "T" in lead else given.fit(x) for x in inputs]
        return given

    def packed(self, given: _Given) -> list[Array]:
        """The parameters as the products take them, in one array, if there is anything to be packed."""
        if not self.packs:
            return []
        pack = given.empty(given.library.count("pack_size", given.sizes))
        given.library("pack", given.sizes, given.params, pack)
        return [pack]

    def sizes(self, numbers: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes that the C functions take, and the axes of the output.  Raises ValueError where one is fixed."""
        names = [str(z) for z in self.cell.sizes]
        for name, number in zip(names, numbers, strict=True):
            if self.fixed.get(name, number) != number:
                raise ValueError(f"{name} is fixed: {self.fixed[name]}, not {number}")
        taken = tuple(n for name, n in zip(names, numbers, strict=True) if name not in self.fixed)
        return taken, tuple(self.checks["output_axes"](*numbers))


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
        shapes=[f'        "{p.name}": {_shape_text(p)},' for p in cell.parameters],
        init_arguments=", ".join(filter(None, ["rng", sizes, "dtype=np.float64"])),
        prepare=entry_checks(cell),
        read=_read(cell),
        axes=_tuple(map(size_text, array_axes(cell.values[cell.output].shape, batched=True))),
    )


class Stream:
    """Steps one by one: parameters are packed once, memory is made by the first step, and used again by the others.

    A call takes the input of a step, or several in the order of the equations, and returns the output, which the step
    after the next one writes over.  All inputs are of the shapes of the first ones.  Raises TypeError where there are
    too few or too many, ValueError where a shape is another.  `states` are those after the last step.
    """

    def __init__(self, compiled: Compiled, params: Any, states: Any) -> None:
        self._compiled = compiled
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
        new = {name: given.empty(array.shape) for name, array in given.states.items()}
        self._states = [{name: array.copy() for name, array in given.states.items()}, new]
        self._xs = [given.empty(x.shape) for x in given.xs]
        if len(named) == 1:
            self._shape, self._dtype = self._xs[0].shape, given.dtype
        output = [] if compiled.output_is_state else [given.empty((given.B, *given.axes))]
        work = given.empty(given.library.count("step_size", given.sizes, given.B))
        head = [given.B, *_some(given.params), *compiled.packed(given), *self._xs]
        for before, after in ((0, 1), (1, 0)):
            pair = [self._states[before], self._states[after]] if new else []
            self._calls.append(given.library.told("step", given.sizes, *head, *pair, *output, work))
            self._outputs.append(output[0] if output else self._states[after][compiled.cell.output])


@dataclass
class _Given:
    """Arrays of one type as the C functions take them, and the numbers that go with them."""

    np: Any
    library: Library
    dtype: Any
    sizes: Sequence[int]
    axes: tuple[int, ...]
    B: int = 1
    T: int = 1
    params: dict[str, Array] = field(default_factory=dict)
    states: dict[str, Array] = field(default_factory=dict)
    xs: list[Array] = field(default_factory=list)

    def empty(self, shape: int | tuple[int, ...]) -> Array:
        """An array that begins where a line of the cache does: none of its vectors lies across two."""
        count = int(self.np.prod(shape)) * self.dtype.itemsize
        memory = self.np.empty(count + LINE, self.np.uint8)
        start = -memory.ctypes.data % LINE
        return memory[start : start + count].view(self.dtype).reshape(shape)

    def fit(self, array: Array) -> Array:
        return self.np.ascontiguousarray(array, self.dtype).reshape(self.np.shape(array))

    def fitted(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Likewise at lines of the cache: a step without a batch waits for its weights, of which each is read once."""
        return {name: self.lined_up(self.fit(array)) for name, array in arrays.items()}

    def lined_up(self, array: Array) -> Array:
        if array.ctypes.data % LINE == 0:
            return array
        found = self.empty(array.shape)
        found[...] = array
        return found

    def timed(self, array: Array) -> Array:
        """With the time first."""
        return self.fit(self.np.swapaxes(array, 0, 1))


def _some(arrays: Mapping[str, Array]) -> list[Mapping[str, Array]]:
    return [arrays] if arrays else []


def _tuple(parts: Iterable[str]) -> str:
    words = list(parts)
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def _shape_text(symbol: MatrixSymbol) -> str:
    return _tuple(map(size_text, array_axes(symbol.shape, batched=False)))


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
    return _tuple(whole_text(found[z], texts) for z in cell.sizes)


def _axes(symbol: MatrixSymbol, batched: bool) -> Iterable[tuple[int, Expr]]:
    return enumerate(array_axes(symbol.shape, batched))
