"""The target "numpy": a standalone file of NumPy functions, batch-first, for sequences and gradients through time.

What stands in every such file is in `templates/numpy.py.j2`; here is what depends on the cell: the lines of one step
and of its gradients.  To spell an operation in NumPy's own words, add a row to FUNCTIONS; without one it is spelled by
its scalar formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby

from sympy import Expr, MatrixSymbol
from sympy.printing.numpy import NumPyPrinter

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import like, name_of
from lstmgraph.cell import Cell
from lstmgraph.codegen.arrays import Dialect, array_axes
from lstmgraph.codegen.code import WIDTH, listed
from lstmgraph.codegen.direction import Direction, Side, unused
from lstmgraph.codegen.entry import entry_checks
from lstmgraph.codegen.identifiers import RESERVED, identifiers, size_text
from lstmgraph.codegen.passes import (
    Passes,
    collect,
    gather,
    halve,
    hoist_factors,
    hoist_terms,
    passed,
    place,
    stack,
    widen,
)
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.templates import render

FUNCTIONS: dict[type, str] = {
    n.Sigmoid: "sigmoid({})",
    n.Softplus: "np.logaddexp({}, 0)",
    n.Silu: "silu({})",
    n.Tanh: "np.tanh({})",
    n.Exp: "np.exp({})",
    n.Log: "np.log({})",
    n.Sqrt: "np.sqrt({})",
    n.Abs: "np.abs({})",
    n.Sin: "np.sin({})",
    n.Cos: "np.cos({})",
    n.Sign: "np.sign({})",
    n.Relu: "np.maximum({}, 0)",
    n.Step: "np.heaviside({}, 0)",
}

HELPERS: dict[str, str] = {
    "sigmoid": '''\
def sigmoid(a):
    """1 / (1 + exp(-a)), without overflow."""
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, small) / (1 + small)
''',
    "silu": '''\
def silu(a):
    """a / (1 + exp(-a)), without overflow."""
    small = np.exp(-np.abs(a))
    return a * np.where(a >= 0, 1, small) / (1 + small)
''',
    "softmax": '''\
def softmax(a):
    """exp(a) / sum(exp(a)) along the last axis, without overflow."""
    powers = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)
''',
}

ARRAYS: dict[str, str] = {
    "type": "{like}.dtype.type({a})",
    "zeros": "np.zeros({axes}, {like}.dtype)",
    "ones": "np.ones({axes}, {like}.dtype)",
    "full": "np.full({axes}, {a}, {like}.dtype)",
    "broadcast": "np.broadcast_to({a}, {axes})",
    "reshape": "np.reshape({a}, 1)",
    "concatenate": "np.concatenate({a}, axis={axis})",
    "maximum": "np.maximum({a}, {b})",
    "minimum": "np.minimum({a}, {b})",
    "sum_all": "np.sum({a})",
    "sum_batch": "np.sum({a}, axis=0)",
    "sum_batch_row": "np.sum({a}, axis=0, keepdims=True)",
    "sum_vector": "np.sum({a}, axis=1, keepdims=True)",
    "sum_matrix": "np.sum({a}, axis=(1, 2))[:, None]",
    "matvec": 'np.einsum("bij,bj->bi", {a}, {b})',
    "vecmat": 'np.einsum("bi,bij->bj", {a}, {b})',
    "swap": "{a}.swapaxes(1, 2)",
}


class _Formula(NumPyPrinter):
    """A scalar formula in NumPy, its module called np, and without the detours that SymPy takes for these."""

    def _print_Max(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return self._pairwise("np.maximum", expr.args)

    def _print_Min(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return self._pairwise("np.minimum", expr.args)

    def _print_Abs(self, expr: Expr) -> str:  # noqa: N802
        return f"np.abs({self._print(expr.args[0])})"

    def _print_Heaviside(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return f"np.heaviside({self._print(expr.args[0])}, {self._print(expr.args[1])})"

    def _pairwise(self, function: str, args: Sequence[Expr]) -> str:
        spelled: list[str] = [self._print(a) for a in reversed(args)]
        return reduce(lambda a, b: f"{function}({a}, {b})", spelled)


DIALECT = Dialect(
    "numpy", FUNCTIONS, HELPERS, ARRAYS, lambda formula: str(_Formula().doprint(formula)).replace("numpy.", "np.")
)


COLUMNS = replace(
    DIALECT,
    helpers=HELPERS
    | {
        "softmax": HELPERS["softmax"].replace("last axis", "rows").replace("axis=-1", "axis=-2"),
        "each": '''\
def each(W, a):
    """W @ a of every step; one product where there is one sample only."""
    return W @ a if a.shape[2] > 1 else (a[:, :, 0] @ W.T)[:, :, None]
''',
        "flat": '''\
def flat(a):
    """The columns of all steps beside one another: (n, T * B)."""
    return a.swapaxes(0, 1).reshape(a.shape[1], -1)
''',
        "unflat": '''\
def unflat(a, T):
    """The steps one after the other again: (T, n, B)."""
    return a.reshape(len(a), T, -1).swapaxes(0, 1)
''',
    },
)

# A function of one operand as lines that need no other array: y is where its value goes.
IN_PLACE: dict[type, tuple[str, ...]] = {
    n.Sigmoid: ("np.multiply({a}, 0.5, out={y})", "np.tanh({y}, out={y})", "{y} *= 0.5", "{y} += 0.5"),
}

PASSES: Mapping[str, Passes] = {
    "forward": (halve, hoist_terms, stack, place, gather, widen),
    "backward": (halve, hoist_terms, hoist_factors, collect, hoist_factors, stack, place, gather, widen),
}


def generate(plan: Plan, about: Sequence[str]) -> str:
    """The text of the file; `about` are the lines of its docstring."""
    return _File(plan).text(about)


@dataclass(frozen=True)
class _Inputs:
    """How the template speaks of a cell's inputs: none, one or several."""

    x: str
    xs: str
    given: str
    length: str
    one_step: str
    xs_gradient: str


class _File:
    """The lines of one generated file, function by function."""

    def __init__(self, plan: Plan) -> None:
        self.cell = plan.cell
        both = sequence(plan.cell, plan.gradient)
        self.saved = both.saved
        self.sweeps = {
            "forward": passed(both.forward, PASSES["forward"]),
            "backward": passed(both.backward, PASSES["backward"]),
        }
        symbols = [*self.own_symbols(), *(s for w in self.sweeps.values() for s in (*w.program.inputs, *_targets(w)))]
        definitions = {e.target: e for w in self.sweeps.values() for e in w.equations}
        self.names = identifiers(dict.fromkeys(symbols), definitions, map(size_text, self.cell.sizes))
        self.helpers: dict[str, str] = {}
        self.taken: dict[str, object] = dict.fromkeys([*self.names.values(), *RESERVED - {"xs"}])
        self.inputs = self._inputs()

    def own_symbols(self) -> list[MatrixSymbol]:
        cell = self.cell
        own = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
        return list(dict.fromkeys(own))

    def usage(self) -> list[str]:
        sizes = ", ".join(f"{size_text(z)}=..." for z in self.cell.sizes)
        return [
            "",
            "The equations are those of one sample.  Here B samples are the rows of an array, so W @ x is x @ W.T.",
            "Generated by lstmgraph from the equations; needs NumPy only.  Usage:",
            "",
            f"    params = init(np.random.default_rng(0){', ' + sizes if sizes else ''})",
            "    outputs, states, cache = forward(params, xs)",
            "    d_params, d_xs, d_states = backward(params, cache, d_outputs)",
        ]

    def text(self, about: Sequence[str]) -> str:
        sizes = ", ".join(map(size_text, self.cell.sizes))
        forward = self.forward()
        lines = {"forward": forward, "backward": self.backward(), "prepare": entry_checks(self.cell)}
        return render(
            "numpy.py.j2",
            title=about[0],
            about=[*about[1:], *self.usage()],
            helpers=[self.helpers[k] for k in sorted(self.helpers)],
            sizes=sizes,
            shapes=[f'        "{p.name}": {_shape_of(p)},' for p in self.cell.parameters],
            init_arguments=", ".join(filter(None, ["rng", sizes, "dtype=np.float64"])),
            step_notes=self.notes("B", self.inputs.x),
            forward_notes=self.notes("B, T", self.inputs.xs),
            **lines,
            **vars(self.inputs),
        )

    def _inputs(self) -> _Inputs:
        names = [name_of(x).base for x in self.cell.inputs]
        if not names:
            return _Inputs("inputs", "length", "length", "length", "1", "nothing else")
        if len(names) == 1:
            x = self.names[self.cell.inputs[0]]
            return _Inputs(x, "xs", "xs", "xs.shape[1]", f"{x}[:, None]", "xs")
        one = "{name: x[:, None] for name, x in inputs.items()}"
        return _Inputs("inputs", "xs", "inputs", f'xs["{names[0]}"].shape[1]', one, "xs")

    def notes(self, lead: str, xs: str) -> list[str]:
        """What a docstring says of the arrays."""
        shapes = {name_of(s).base: _axes_text(lead, s) for s in (*self.cell.inputs, *self.cell.outputs)}
        own = [name_of(x).base for x in self.cell.inputs]
        if not own:
            said = [f"{xs} is the number of steps; the cell has no inputs." if lead != "B" else f"{xs} is ignored."]
        elif len(own) == 1:
            said = [f"{xs} is {shapes[own[0]]}."]
        else:
            said = [f"{xs} is a dict: {', '.join(f'{name} {shapes[name]}' for name in own)}."]
        said.append(f"The output is {self.cell.output}, {shapes[self.cell.output]}.")
        states = ", ".join(f"{s.name} {_axes_text('B', s.next)}" for s in self.cell.states)
        return [*said, f"states is a dict: {states}; zeros if None." if states else "There are no states."]

    # ── forward ──

    def forward(self) -> list[str]:
        cell, sweep = self.cell, self.sweeps["forward"]
        given = self.given_inputs()
        starts = {s.previous: _inward(s.previous, f'states["{s.name}"]') for s in cell.states}
        kept = {*self.saved, *cell.outputs} & {*_targets(sweep), *sweep.inputs, *sweep.carried}
        states = (f'states["{s.name}"]' for s in cell.states)
        like = [*given.values(), *(f'params["{p.name}"]' for p in cell.parameters), *states, "np.zeros(1)"][0]
        self.there = Direction(
            sweep,
            COLUMNS,
            IN_PLACE,
            self.names,
            given,
            starts,
            frozenset(kept),
            like,
            helpers=self.helpers,
            taken=self.taken,
        )
        body = self.there.body([])
        output = self.outward(self.there, cell.values[cell.output])
        trace = [f'"{s.name}": {self.outward(self.there, s.next)}' for s in cell.states]
        saved = self.cached()
        result = [f"    outputs = {output}"]
        result += _dict("trace", trace)
        result.append(f"    return outputs, trace, (states, outputs, {_tuple(saved)})")
        if len(result[-1]) > WIDTH:
            result[-1:] = [*listed("saved = (", saved, ")"), "    return outputs, trace, (states, outputs, saved)"]
        return [*self.preamble(self.there, given), *body, *result]

    def given_inputs(self) -> dict[MatrixSymbol, str]:
        """The arrays of the inputs, steps in front."""
        inputs = self.cell.inputs
        if len(inputs) == 1:
            self.taken["xs"] = inputs[0]
            return {inputs[0]: "xs"}
        return {x: unused(f"{self.names[x]}s", x, self.taken) for x in inputs}

    def preamble(self, side: Direction, given: Mapping[MatrixSymbol, str]) -> list[str]:
        """Parameters and constants, the lengths of all axes, and the inputs with the steps in front."""
        cell = self.cell
        sides = [*_state_sides(cell, "states"), *_parameter_sides(cell), *_sides(given)]
        return [
            *self.parameters(side),
            *self.lengths(side),
            *self.turned(given),
            *self.constants(side),
            *side.size_lines(sides),
        ]

    def parameters(self, side: Direction) -> list[str]:
        lines = []
        for turn in ("", "[:, None]", ".T"):
            pairs = [(self.names[p], p.name) for p in self.cell.parameters if p in side.used and _turned(p) == turn]
            lines += _unpack(pairs, "params", turn)
        return lines

    def constants(self, side: Direction) -> list[str]:
        used = [c for c in self.cell.constant_symbols if c in side.used]
        numbers = {c: self.cell.constants[c.name] for c in used}
        return [f"    {self.names[c]} = {side.like}.dtype.type({number!r})" for c, number in numbers.items()]

    def lengths(self, side: Direction) -> list[str]:
        cell = self.cell
        if side.back:
            return ["    B, T = d_outputs.shape[:2]"]
        if not cell.inputs:
            batch = f'len(states["{cell.states[0].name}"])' if cell.states else "1"
            return [f"    B, T = {batch}, length"]
        first = "xs" if len(cell.inputs) == 1 else f'inputs["{name_of(cell.inputs[0]).base}"]'
        return [f"    B, T = {first}.shape[:2]"]

    def turned(self, given: Mapping[MatrixSymbol, str]) -> list[str]:
        lines = []
        for x, name in given.items():
            source = "xs" if len(given) == 1 else f'inputs["{name_of(x).base}"]'
            lines.append(f"    {name} = np.ascontiguousarray({source}.{_turn(x)})")
        return lines

    def outward(self, side: Direction, symbol: MatrixSymbol) -> str:
        """A value of all steps as the caller gets it: samples first."""
        matrix = 1 not in symbol.shape
        if not side.batched[symbol] and symbol not in side.later:
            shape = ", ".join(["B", "T", *map(side.size, array_axes(symbol.shape, True))])
            inner = side.names[symbol] if matrix or symbol.shape == (1, 1) else f"{side.names[symbol]}[:, 0]"
            return f"np.array(np.broadcast_to({inner}, ({shape})))"
        place = side.places.homes[symbol] if symbol in side.later else side.places.place(symbol)
        assert place is not None
        return f"{side.all_steps(place)}.{'swapaxes(0, 1)' if matrix else 'transpose(2, 0, 1)'}"

    def cached(self) -> list[str]:
        """What the backward function takes: arrays of all steps, and what is computed once."""
        self.roots: dict[str, MatrixSymbol] = {}
        for s in self.saved:
            if s in self.cell.parameters or s in self.cell.constant_symbols:
                continue
            place = self.there.places.place(s)
            self.roots.setdefault(self.names[s] if place is None else self.there.sequence(place.root), s)
        return list(self.roots)

    # ── backward ──

    def backward(self) -> list[str]:
        cell, sweep = self.cell, self.sweeps["backward"]
        loss = {s: "d_outputs" for s in sweep.inputs if name_of(s).marks[:1] == ("loss",)}
        starts = {like(s.next, "carry"): _inward(s.next, f'd_states["{s.name}"]') for s in cell.states}
        seen: dict[MatrixSymbol, str] = {}
        inputs = [s for s in sweep.inputs if s not in loss]
        for s in inputs:
            place = self.there.places.place(s)
            assert place is not None
            seen[s] = self.there.all_steps(place)
        kept = frozenset(like(x, "bar") for x in cell.inputs) & {*_targets(sweep)}
        side = Direction(
            sweep,
            COLUMNS,
            IN_PLACE,
            self.names,
            {**loss, **seen},
            starts,
            kept,
            "d_outputs",
            back=True,
            helpers=self.helpers,
            taken=self.taken,
        )
        body = side.body([])
        found = {p: _outer(p, side.gradients[like(p, "grad")]) for p in cell.parameters}
        grads = [f'        "{p.name}": {text},' for p, text in found.items()]
        gradients = ["    d_params = {", *grads, "    }"] if grads else ["    d_params = {}"]
        result = self.backward_result(side)
        turned = [f"    d_outputs = np.ascontiguousarray(d_outputs.{_turn(s)})" for s in loss]
        names = list(self.roots)
        saved = [f"    {', '.join(names)}{',' * (len(names) == 1)} = saved"] if names else []
        saved = listed("(", names, ") = saved") if saved and len(saved[0]) > WIDTH else saved
        cached = [(a, f"{text}.shape[{k}]") for text, root in self.roots.items() for a, k in self._root_sides(root)]
        sides = [*_state_sides(cell, "d_states"), *_parameter_sides(cell), *_sides(loss), *cached]
        return [
            *saved,
            *self.parameters(side),
            *self.lengths(side),
            *turned,
            *self.constants(side),
            *side.size_lines(sides),
            *body,
            *gradients,
            *result,
        ]

    def _root_sides(self, s: MatrixSymbol) -> list[tuple[Expr, int]]:
        place = self.there.places.place(s)
        if place is None:
            return [(a, k) for k, a in enumerate(s.shape)] if 1 not in s.shape else []
        root = place.root
        if 1 not in root.shape:
            return [(root.shape[0], 2), (root.shape[1], 3)]
        return [(root.shape[0] if root.shape[1] == 1 else root.shape[1], 1)]

    def backward_result(self, side: Direction) -> list[str]:
        d_xs = [f'"{name_of(x).base}": {self.outward(side, like(x, "bar"))}' for x in self.cell.inputs]
        lines = _dict("d_xs", d_xs) if len(d_xs) != 1 else [f"    d_xs = {d_xs[0].partition(': ')[2]}"]
        lines = lines if d_xs else ["    d_xs = None"]
        states = [f'"{s.name}": {self.first(side, like(s.previous, "bar"))}' for s in self.cell.states]
        return [*lines, *_dict("d_states", states), "    return d_params, d_xs, d_states"]

    def first(self, side: Direction, symbol: MatrixSymbol) -> str:
        """What the first step hands back, samples first."""
        turn = "" if 1 not in symbol.shape else ".T"
        if symbol in side.later:
            return f"{side.sequence(side.later[symbol])}[0]{turn}"
        place = side.places.place(symbol)
        assert place is not None
        carry = next(prev for prev, new in side.sweep.carried.items() if new == symbol)
        place = side.places.place(carry)
        assert place is not None
        return f"{side.of_step(place)}{turn}"


def _targets(sweep: Sweep) -> tuple[MatrixSymbol, ...]:
    return tuple(e.target for e in sweep.equations)


def _dict(target: str, entries: Sequence[str]) -> list[str]:
    """`target = {...}`, one entry to a line if it is long."""
    line = f"    {target} = {{{', '.join(entries)}}}"
    return [line] if len(line) <= WIDTH else [f"    {target} = {{", *(f"        {e}," for e in entries), "    }"]


def _inward(symbol: MatrixSymbol, text: str) -> str:
    """A batch as columns."""
    return text if 1 not in symbol.shape else f"{text}.T"


def _turn(symbol: MatrixSymbol) -> str:
    """What puts the steps of an array in front, and the samples last."""
    return "swapaxes(0, 1)" if 1 not in symbol.shape else "transpose(1, 2, 0)"


def _turned(parameter: MatrixSymbol) -> str:
    """What makes a column of a vector or a row as the caller has it."""
    if 1 not in parameter.shape or parameter.shape == (1, 1):
        return ""
    return "[:, None]" if parameter.shape[1] == 1 else ".T"


def _outer(parameter: MatrixSymbol, text: str) -> str:
    if parameter.shape[1] == 1 and parameter.shape[0] != 1:
        return f"{text}[:, 0]"
    return f"{text}.T" if parameter.shape[0] == 1 and parameter.shape[1] != 1 else text


def _parameter_sides(cell: Cell) -> list[Side]:
    given = ((p, k, a) for p in cell.parameters for k, a in enumerate(array_axes(p.shape, False)))
    return [(a, f'params["{p.name}"].shape[{k}]') for p, k, a in given]


def _sides(given: Mapping[MatrixSymbol, str]) -> list[Side]:
    return [(a, f"{text}.shape[{k}]") for s, text in given.items() for a, k in _all_axes(s)]


def _all_axes(s: MatrixSymbol) -> list[tuple[Expr, int]]:
    if 1 not in s.shape:
        return [(s.shape[0], 2), (s.shape[1], 3)]
    return [(s.shape[0] if s.shape[1] == 1 else s.shape[1], 1)]


def _state_sides(cell: Cell, source: str) -> list[Side]:
    return [
        (a, f'{source}["{s.name}"].shape[{k + 1}]')
        for s in cell.states
        for k, a in enumerate(array_axes(s.next.shape, True))
    ]


def _unpack(pairs: Sequence[tuple[str, str]], source: str, turn: str) -> list[str]:
    """`W_f, U_f = (params[name] for name in ("W_f", "U_f"))`; what belongs to one gate stays on one line."""
    lines: list[str] = []
    waiting: list[tuple[str, str]] = []
    for _, group in groupby(pairs, key=lambda pair: pair[1].rpartition("_")[2]):
        more = [*waiting, *group]
        if waiting and len(_unpack_line(more, source, turn)) > WIDTH:
            lines.append(_unpack_line(waiting, source, turn))
            more = more[len(waiting) :]
        waiting = more
    return [*lines, _unpack_line(waiting, source, turn)] if waiting else lines


def _unpack_line(pairs: Sequence[tuple[str, str]], source: str, turn: str) -> str:
    names, keys = zip(*pairs, strict=True)
    if len(names) == 1:
        return f'    {names[0]} = {source}["{keys[0]}"]{turn}'
    quoted = ", ".join(f'"{key}"' for key in keys)
    return f"    {', '.join(names)} = ({source}[name]{turn} for name in ({quoted}))"


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _shape_of(parameter: MatrixSymbol) -> str:
    return _tuple([size_text(a) for a in array_axes(parameter.shape, False)])


def _axes_text(lead: str, symbol: MatrixSymbol) -> str:
    return f"({', '.join([lead, *map(size_text, array_axes(symbol.shape, True))])})"
