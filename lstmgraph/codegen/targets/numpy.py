"""The target "numpy": a standalone file of NumPy functions, batch-first, for sequences and gradients through time.

What stands in every such file is in `templates/numpy.py.j2`; here is what depends on the cell: the lines of one step
and of its gradients.  To spell an operation in NumPy's own words, add a row to FUNCTIONS; without one it is spelled by
its scalar formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby

from sympy import Expr, MatrixSymbol, Symbol
from sympy.printing.numpy import NumPyPrinter

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.codegen.arrays import Dialect, Speller, array_axes
from lstmgraph.codegen.code import WIDTH, assignment, listed
from lstmgraph.codegen.entry import entry_checks, untold
from lstmgraph.codegen.identifiers import identifiers, size_text, whole_text
from lstmgraph.codegen.plan import Plan
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


def generate(plan: Plan, about: Sequence[str]) -> str:
    """The text of the file; `about` are the lines of its docstring."""
    return _File(plan).text(about)


@dataclass(frozen=True)
class _Inputs:
    """How the template speaks of a cell's inputs: none, one or several."""

    x: str
    xs: str
    length: str
    x_at_t: str
    d_xs: str
    xs_gradient: str


class _File:
    """The lines of one generated file, function by function."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.cell = plan, plan.cell
        reserved = map(size_text, self.cell.sizes)
        self.names = identifiers(plan.symbols, plan.definitions, reserved)
        self.helpers: dict[str, str] = {}
        self.saved = list(plan.saved)

    def text(self, about: Sequence[str]) -> str:
        inputs = self.inputs()
        sizes = ", ".join(map(size_text, self.cell.sizes))
        backward = self.step_backward()  # first: it may ask for more to be saved
        lines = {"step": self.step(inputs.x), "step_backward": backward, "prepare": entry_checks(self.cell)}
        return render(
            "numpy.py.j2",
            title=about[0],
            about=about[1:],
            helpers=[self.helpers[k] for k in sorted(self.helpers)],
            sizes=sizes,
            shapes=[f'        "{p.name}": {_shape_of(p)},' for p in self.cell.parameters],
            init_arguments=", ".join(filter(None, ["rng", sizes, "dtype=np.float64"])),
            step_notes=self.notes("B", inputs.x),
            forward_notes=self.notes("B, T", inputs.xs),
            **lines,
            **vars(inputs),
        )

    def inputs(self) -> _Inputs:
        names = [name_of(x).base for x in self.cell.inputs]
        if not names:
            return _Inputs("inputs", "length", "length", "None", "None", "nothing else")
        if len(names) == 1:
            x = self.names[self.cell.inputs[0]]
            return _Inputs(x, "xs", "xs.shape[1]", "xs[:, t]", "np.stack(d_xs[::-1], axis=1)", "xs")
        stacks = "{name: np.stack([d[name] for d in d_xs[::-1]], axis=1) for name in d_xs[0]}"
        at_t = "{name: x[:, t] for name, x in xs.items()}"
        return _Inputs("inputs", "xs", f'xs["{names[0]}"].shape[1]', at_t, stacks, "xs")

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

    # ── one step ──

    def step(self, x: str) -> list[str]:
        cell, batched = self.cell, self.plan.batched
        given = (*cell.inputs, *cell.previous)
        speller = self.speller([*given, *cell.parameters])
        body = [assignment(self.names[e.target], speller.value(e.value, batched[e.target])) for e in self.plan.forward]
        unpacked = []
        if len(cell.inputs) > 1:
            unpacked += _unpack([(self.names[i], name_of(i).base) for i in cell.inputs], x)
        unpacked += _unpack([(self.names[s.previous], s.name) for s in cell.states], "states")
        output = self.names[cell.values[cell.output]]
        states = [f'"{s.name}": {self.names[s.next]}' for s in self.cell.states]
        result = [f"    return {output}, {{{', '.join(states)}}}, {_tuple(self.saved_names())}"]
        if len(result[0]) > WIDTH:
            kept = [*listed("states = {", states, "}"), *listed("saved = (", self.saved_names(), ")")]
            result = [*kept, f"    return {output}, states, saved"]
        return [*_block(*unpacked, *self.preamble(speller, given)), *body, *result]

    def step_backward(self) -> list[str]:
        plan, cell = self.plan, self.cell
        speller = self.speller(list(plan.seeds.values()))
        grads = {like(p, "grad"): p for p in cell.parameters}
        body, entries = [], []
        for e in plan.backward:
            code = speller.value(e.value, plan.batched[e.target])
            if e.target in grads:
                entries.append(assignment(f'"{grads[e.target].name}"', code, indent=8, sign=": ", end=","))
            else:
                body.append(assignment(self.names[e.target], code))
        gradients = ["    d_params = {", *entries, "    }"] if entries else ["    d_params = {}"]
        preamble = self.preamble(speller, (*plan.seeds.values(), *plan.saved))
        names = self.saved_names()
        line = f"    {', '.join(names)}{',' if len(names) == 1 else ''} = saved"
        saved = listed("(", names, ") = saved") if len(line) > WIDTH else [line] * bool(names)
        return [*_block(*saved, *self.seeds(), *preamble), *body, *gradients, self.backward_result()]

    def seeds(self) -> list[str]:
        """What arrives at each output of a step: from the loss and from the step after it."""
        states = {s.next: s.name for s in self.cell.states}
        lines = []
        for output, seed in self.plan.seeds.items():
            parts = ["d_output"] if output == self.cell.values[self.cell.output] else []
            parts += [f'd_states["{states[output]}"]'] if output in states else []
            lines.append(f"    {self.names[seed]} = {' + '.join(parts)}")
        return lines

    def backward_result(self) -> str:
        d = {s: self.names[like(s, "bar")] for s in (*self.cell.inputs, *self.cell.previous)}
        d_xs = [f'"{name_of(x).base}": {d[x]}' for x in self.cell.inputs]
        d_x = d[self.cell.inputs[0]] if len(d_xs) == 1 else f"{{{', '.join(d_xs)}}}" if d_xs else "None"
        states = ", ".join(f'"{s.name}": {d[s.previous]}' for s in self.cell.states)
        return f"    return d_params, {d_x}, {{{states}}}"

    def speller(self, sources: Sequence[MatrixSymbol]) -> Speller:
        like_this = self.names[sources[0]] if sources else "np.zeros(1)"
        return Speller(DIALECT, self.names, self.plan.batched, like_this, helpers=self.helpers)

    def saved_names(self) -> list[str]:
        return [self.names[s] for s in self.saved]

    def preamble(self, speller: Speller, arrays: Sequence[MatrixSymbol]) -> list[str]:
        """The parameters, constants and sizes that a function uses."""
        used = [p for p in self.cell.parameters if p in speller.used]
        lines = _unpack([(self.names[p], p.name) for p in used], "params")
        for constant in (c for c in self.cell.constant_symbols if c in speller.used):
            lines.append(
                f"    {self.names[constant]} = {speller.like}.dtype.type({self.cell.constants[constant.name]!r})"
            )
        if speller.needs_batch:
            lines.append(f"    B = len({speller.like})" if arrays else "    B = 1")
        return lines + [self.size_line(z, [*arrays, *used]) for z in speller.sizes]

    def size_line(self, size: Symbol, arrays: Iterable[MatrixSymbol]) -> str:
        """Where a size can be read: off arrays of the function, else parameters, else something more to be saved."""
        places = [place for s in arrays for place in self.axes(s, self.names[s])]
        places += [place for p in self.cell.parameters for place in self.axes(p, f'params["{p.name}"]')]
        more = [place for s in (*self.cell.inputs, *self.cell.previous) for place in self.axes(s, self.names[s])]
        for found in (places, [*places, *more]):
            formula = solve_sizes([side for _, side, _ in found]).get(size)
            if formula is not None:
                used = {axis(k): place for k, place in enumerate(found) if axis(k) in formula.free_symbols}
                self.saved += dict.fromkeys(
                    place[0] for place in used.values() if place in more and place not in places
                )
                text = whole_text(formula, {a: text for a, (_, _, text) in used.items()})
                return f"    {size_text(size)} = {text}"
        raise untold(self.cell, size)

    def axes(self, symbol: MatrixSymbol, text: str) -> list[tuple[MatrixSymbol, Expr, str]]:
        """For each axis of an array: whose it is, its size, and the code for its length."""
        batched = self.plan.batched[symbol]
        sides = array_axes(symbol.shape, batched)
        return [(symbol, side, f"{text}.shape[{k + batched}]") for k, side in enumerate(sides)]


def _block(*lines: str) -> list[str]:
    """Lines with an empty one after them, if there are any."""
    return [*lines, ""] if lines else []


def _unpack(pairs: Sequence[tuple[str, str]], source: str) -> list[str]:
    """`W_f, b_f = (params[name] for name in ("W_f", "b_f"))`; what belongs to one gate stays on one line."""
    lines: list[str] = []
    waiting: list[tuple[str, str]] = []
    for _, group in groupby(pairs, key=lambda pair: pair[1].rpartition("_")[2]):
        more = [*waiting, *group]
        if waiting and len(_unpack_line(more, source)) > WIDTH:
            lines.append(_unpack_line(waiting, source))
            more = more[len(waiting) :]
        waiting = more
    return [*lines, _unpack_line(waiting, source)] if waiting else lines


def _unpack_line(pairs: Sequence[tuple[str, str]], source: str) -> str:
    names, keys = zip(*pairs, strict=True)
    if len(names) == 1:
        return f'    {names[0]} = {source}["{keys[0]}"]'
    quoted = ", ".join(f'"{key}"' for key in keys)
    return f"    {', '.join(names)} = ({source}[name] for name in ({quoted}))"


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _shape_of(parameter: MatrixSymbol) -> str:
    return _tuple([size_text(a) for a in array_axes(parameter.shape, False)])


def _axes_text(lead: str, symbol: MatrixSymbol) -> str:
    return f"({', '.join([lead, *map(size_text, array_axes(symbol.shape, True))])})"
