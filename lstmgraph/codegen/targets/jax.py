"""The target "jax": a standalone file of JAX functions, a scan with its derived gradients and one with JAX's own.

What stands in every such file is in `templates/jax.py.j2`; here is what depends on the cell.  PASSES are the passes
that the two directions of a sequence go through: what a step takes are whole arrays, one for each gate, since XLA for
the CPU vectorises no loop that reads several parts of a slice of all steps.  To spell an operation in JAX's own words,
add a row to FUNCTIONS; without one it is spelled by its scalar formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sympy import MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen import numpy_words
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.bundles import row, unbundled
from lstmgraph.codegen.code import assignment, unpacked
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.entry import entry_checks, size_checks
from lstmgraph.codegen.identifiers import RESERVED, Names, identifiers, size_text, whole_text
from lstmgraph.codegen.interface import dict_lines, inputs_of, notes, shape_text
from lstmgraph.codegen.passes import (
    Ways,
    add_up,
    bias,
    broadcast,
    hoist_products,
    hoist_terms,
    inline,
    outside,
    passed_both,
    recompute,
    rest,
    sink,
    split,
    stack,
    stack_late,
    turn,
)
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.scanned import Rows, Scan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.templates import render

FUNCTIONS: dict[type, str] = {
    n.Sigmoid: "jax.nn.sigmoid({})",
    n.Softplus: "jax.nn.softplus({})",
    n.Silu: "jax.nn.silu({})",
    n.Tanh: "jnp.tanh({})",
    n.Exp: "jnp.exp({})",
    n.Log: "jnp.log({})",
    n.Sqrt: "jnp.sqrt({})",
    n.Abs: "jnp.abs({})",
    n.Sin: "jnp.sin({})",
    n.Cos: "jnp.cos({})",
    n.Sign: "jnp.sign({})",
    n.Relu: "jax.nn.relu({})",
    n.Step: "jnp.heaviside({}, 0)",
}

HELPERS: dict[str, str] = {
    "flat": '''\
def flat(a):
    """The rows of all samples and steps, (B * T, n), of (T, B, n).  Samples that are on several devices stay there."""
    return a.swapaxes(0, 1).reshape(-1, a.shape[-1])
''',
    "softmax": '''\
def softmax(a):
    """exp(a) / sum(exp(a)) along the last axis, without overflow."""
    return jax.nn.softmax(a, axis=-1)
''',
}

ARRAYS: dict[str, str] = {
    "type": "jnp.asarray({a}, {like}.dtype)",
    "zeros": "jnp.zeros_like({like}, shape={axes})",
    "ones": "jnp.ones_like({like}, shape={axes})",
    "full": "jnp.full_like({like}, {a}, shape={axes})",
    "broadcast": "jnp.broadcast_to({a}, {axes})",
    "reshape": "jnp.reshape({a}, 1)",
    "concatenate": "jnp.concatenate({a}, axis={axis})",
    "maximum": "jnp.maximum({a}, {b})",
    "minimum": "jnp.minimum({a}, {b})",
    "contraction": 'jnp.einsum("tb{axes[0]},tb{axes[1]}->ik", {a}, {b})',
    "kept": "jnp.where({b}, {a}, 0)",
    "sum_all": "jnp.sum({a})",
    "sum_samples": "jnp.sum({a}, axis=0)",
    "sum_batch": "jnp.sum({a}, axis=(0, 1))",
    "sum_batch_row": "jnp.sum({a}, axis=(0, 1))[None]",
    "sum_outer": "flat({a}).T @ flat({b})",
    "sum_vector": "jnp.sum({a}, axis=-1, keepdims=True)",
    "sum_matrix": "jnp.sum({a}, axis=(-2, -1))[..., None]",
    "matvec": 'jnp.einsum("...ij,...j->...i", {a}, {b})',
    "vecmat": 'jnp.einsum("...i,...ij->...j", {a}, {b})',
    "swap": "{a}.mT",
    "joined": "jnp.concatenate({a})",
    "scan": "jax.lax.scan",
}

DIALECT = Dialect(
    "jax",
    FUNCTIONS,
    HELPERS,
    ARRAYS,
    lambda formula: numpy_words.DIALECT.scalar_printer(formula).replace("np.", "jnp."),
    batch="...",
)

# What the file calls its own where a cell's names may stand beside them.
TEMPLATE = frozenset({"jax", "jnp", "reference", "one_step", "carry", "now", "key", "_step", "_run", "_plain"})
TEMPLATE |= {"_sequence", "function", "_over_devices", "gradients", "last"}

PASSES: Ways = {
    "both": (split, add_up, recompute),
    "forward": (bias, hoist_products, sink, stack_late, turn, broadcast, inline),
    "backward": (outside, hoist_terms, rest, sink, stack, broadcast, inline),
}


def generate(plan: Plan, about: Sequence[str]) -> str:
    """The text of the file; `about` are the lines of its docstring."""
    return _File(plan).text(about)


class _File:
    """The lines of one generated file, function by function."""

    def __init__(self, plan: Plan) -> None:
        cell = self.cell = plan.cell
        both = passed_both(sequence(cell, plan.gradient), PASSES)
        self.plan, self.saved = plan, both.saved
        self.sweeps = {"forward": both.forward.settled(), "backward": both.backward.settled()}
        self.names = self.identifiers()
        self.helpers: dict[str, str] = {}
        self.inputs = inputs_of(cell, self.names)
        self.starts = {s.previous: f'states["{s.name}"]' for s in cell.states}
        given = [*(self.names.plural(x) for x in cell.inputs), *self.starts.values(), *self.parameters().values()]
        self.like = [*given, "jnp.zeros(1)"][0]

    def identifiers(self) -> Names:
        cell, own = self.cell, self.plan.step
        given = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
        computed = (s for w in self.sweeps.values() for s in (*w.program.inputs, *(e.target for e in w.equations)))
        symbols = dict.fromkeys((*given, *(e.target for e in own), *computed))
        reserved = {*TEMPLATE, *HELPERS, *map(size_text, cell.sizes)}
        names = Names(identifiers(symbols, {e.target: e for e in own}, reserved), reserved | RESERVED)
        for loss in (s for s in self.sweeps["backward"].inputs if name_of(s).marks[:1] == ("loss",)):
            names[loss] = names.fresh("d_output", loss)
            names.made["plural", loss] = "d_outputs"
        if len(cell.inputs) == 1:
            names.made["plural", cell.inputs[0]] = "xs"
            names.made["plural", like(cell.inputs[0], "bar")] = "d_xs"
        return names

    def parameters(self) -> dict[MatrixSymbol, str]:
        return {p: f'params["{p.name}"]' for p in self.cell.parameters}

    def text(self, about: Sequence[str]) -> str:
        sizes = ", ".join(map(size_text, self.cell.sizes))
        lines = {"step": self.step(), "forward": self.forward(), "backward": self.backward()}
        return render(
            "jax.py.j2",
            title=about[0],
            about=[*about[1:], *self.usage()],
            helpers=[self.helpers[k] for k in sorted(self.helpers)],
            sizes=sizes,
            init_checks=size_checks(self.cell),
            shapes=[f'        "{p.name}": {shape_text(p)},' for p in self.cell.parameters],
            init_arguments=", ".join(filter(None, ["key", sizes, "dtype=float"])),
            step_notes=notes(self.cell, "B", self.inputs.x),
            forward_notes=notes(self.cell, "B, T", self.inputs.xs),
            prepare=entry_checks(self.cell, "jnp"),
            inputs=len(self.cell.inputs),
            x=self.inputs.x,
            xs=self.inputs.xs,
            length=self.inputs.length,
            **{way: "\n".join(part).splitlines() for way, part in lines.items()},
        )

    def usage(self) -> list[str]:
        own = ", ".join(["jax.random.key(0)", *(f"{size_text(z)}=..." for z in self.cell.sizes)])
        return [
            "",
            "The equations are those of one sample.  Here B samples are the rows of an array, so W @ x is x @ W.T.",
            "Generated by lstmgraph from the equations; needs JAX only.  Usage:",
            "",
            f"    params = init({own})",
            f"    outputs, states = forward(params, {self.inputs.xs})",
        ]

    # ── one step ──

    def step(self) -> list[str]:
        """The equations, for the rows of a batch."""
        cell = self.cell
        speller = Rows(DIALECT, self.names, self.plan.batched, self.like_of_step(), helpers=self.helpers)
        code = {e.target: speller.value(e.value, self.plan.batched[e.target]) for e in self.plan.step}
        body = [assignment(self.names[s], value) for s, value in code.items()]
        results = {o: speller.full(speller.spell(o), batched=True).text for o in cell.outputs}
        states = [f'"{s.name}": {results[s.next]}' for s in cell.states]
        result = [*dict_lines("states", states), f"    return {results[cell.values[cell.output]]}, states"]
        constants = self.constants([*body, *result], self.like_of_step())
        head = [*self.unpacked([*body, *result]), *self.inputs_of_step([*constants, *body, *result]), *constants]
        arrays = [(x, text, 1) for x, text in self.one_input().items()]
        return [*head, *self.sizes([*body, *result], arrays, "states"), *body, *result]

    def like_of_step(self) -> str:
        return [*self.one_input().values(), *self.starts.values(), *self.parameters().values(), "jnp.zeros(1)"][0]

    def one_input(self) -> dict[MatrixSymbol, str]:
        return {x: self.names[x] for x in self.cell.inputs}

    def inputs_of_step(self, lines: Iterable[str]) -> list[str]:
        text, cell = "\n".join(lines), self.cell
        own = [(self.names[x], name_of(x).base) for x in cell.inputs] if len(cell.inputs) > 1 else []
        states = [(self.names[s.previous], s.name) for s in cell.states if _has(text, self.names[s.previous])]
        lines = [*unpacked(own, "inputs", ""), *unpacked(states, "states", "")]
        return [*lines, *self.batch(text, [*self.one_input().values()], 0)]

    # ── what both directions read ──

    def unpacked(self, lines: Iterable[str]) -> list[str]:
        """The parameters that some lines use."""
        text = "\n".join(lines)
        return unpacked(
            [(self.names[p], p.name) for p in self.cell.parameters if _has(text, self.names[p])], "params", ""
        )

    def constants(self, lines: Iterable[str], like: str) -> list[str]:
        """Those that some lines use, of the type of an array: Python's own powers may be complex, or an exception."""
        text = "\n".join(lines)
        used = [c for c in self.cell.constant_symbols if _has(text, self.names[c])]
        return [f"    {self.names[c]} = jnp.asarray({self.cell.constants[c.name]!r}, {like}.dtype)" for c in used]

    def batch(self, text: str, arrays: Sequence[str], at: int) -> list[str]:
        """The number of samples, where lines need it, which is an axis of arrays, else of states."""
        if not _has(text, "B"):
            return []
        if arrays:
            return [f"    B = {arrays[0]}.shape[{at}]"]
        return [f"    B = {next(iter(self.starts.values()))}.shape[0]" if self.starts else "    B = 1"]

    def sizes(self, lines: Iterable[str], arrays: Sequence[tuple[MatrixSymbol, str, int]], states: str) -> list[str]:
        """Where the sizes that lines use can be read; an array has so many axes in front of a value's."""
        text = "\n".join(lines)
        given = [*((p, code, 0) for p, code in self.parameters().items()), *arrays]
        given += [(s.next, f'{states}["{s.name}"]', 1) for s in self.cell.states]
        places = [
            (side, f"{code}.shape[{k + lead}]")
            for s, code, lead in given
            for k, side in enumerate(array_axes(s.shape, lead > 0))
        ]
        solved = solve_sizes([side for side, _ in places])
        texts = {axis(k): code for k, (_, code) in enumerate(places)}
        wanted = [z for z in self.cell.sizes if z in solved and _has(text, size_text(z))]
        return [f"    {size_text(z)} = {whole_text(solved[z], texts)}" for z in wanted]

    # ── a sequence, and back ──

    def forward(self) -> list[str]:
        cell, sweep = self.cell, self.sweeps["forward"]
        output, constant = cell.values[cell.output], sweep.constant()
        kept = [s for s in (output, *self.saved) if s not in constant]
        there = self.there = self.scan("forward", self.starts, kept, self.like)
        body = there.lines()
        more, outputs = there.outward(output)
        lasts = {s.name: there.final(s.previous) for s in cell.states}
        states = [f'"{name}": {text}' for name, (_, text) in lasts.items()]
        self.kept = self.roots()
        saved = ["params", *(["xs"] if cell.inputs else []), "states", *self.kept]
        tail = [*more, *(line for extra, _ in lasts.values() for line in extra), *dict_lines("last", states)]
        tail += row("return ", [f"({outputs}, last)", f"({', '.join(saved)})"])
        lines = [*body, *tail]
        arrays = [(x, self.names.plural(x), 2) for x in cell.inputs]
        sizes = self.sizes(lines, arrays, "states")
        lengths = self.lengths(lines)
        constants = self.constants(lines, self.like)
        head = [*self.unpacked(lines), *self.unpacked_inputs([*lengths, *sizes, *constants, *lines]), *constants]
        return [*head, *lengths, *sizes, *body, *tail]

    def scan(self, way: str, first: Mapping[MatrixSymbol, str], kept: Sequence[MatrixSymbol], array: str) -> Scan:
        back = way == "backward"
        return Scan(self.sweeps[way], DIALECT, self.names, first, kept, array, back, helpers=self.helpers)

    def roots(self) -> list[str]:
        """What backward takes: the arrays of which all saved values are parts, and what is computed once."""
        sweep, there = self.sweeps["forward"], self.there
        once, made = {e.target for e in sweep["once"]}, self.whole()
        found = dict.fromkeys(self.names[s] for s in self.saved if s in once)
        waiting = list(self.saved)
        while waiting:
            s = waiting.pop(0)
            if s in sweep.carried:
                waiting.append(sweep.carried[s])
            elif (part := there.part(s)) is not None:
                waiting += sorted(symbols_in(part), key=str)
            elif s in once or s in made or s in there.stored:
                found[there.all_steps(s)] = None
        return list(found)

    def whole(self) -> set[MatrixSymbol]:
        """What is computed for all steps at once, on the way there."""
        sweep = self.sweeps["forward"]
        return {e.target for e in (*sweep["before"], *sweep["after"])} - self.there.views.keys()

    def unpacked_inputs(self, lines: Iterable[str]) -> list[str]:
        own = [(self.names.plural(x), name_of(x).base) for x in self.cell.inputs]
        text = "\n".join(lines)
        return unpacked([pair for pair in own if _has(text, pair[0])], "xs", "") if len(own) > 1 else []

    def lengths(self, lines: Iterable[str], array: str = "") -> list[str]:
        """T and B, as far as lines use them."""
        text, own = "\n".join(lines), [self.names.plural(x) for x in self.cell.inputs]
        own = [array] if array else own
        steps = [f"    T = {f'len({own[0]})' if own else 'length'}"] if _has(text, "T") else []
        return [*steps, *self.batch(text, own, 1)]

    def backward(self) -> list[str]:
        cell = self.cell
        first = {like(s.next, "carry"): f'd_states["{s.name}"]' for s in cell.states}
        kept = [like(x, "bar") for x in cell.inputs]
        self.take_what_is_kept()
        back = self.scan("backward", first, kept, "d_outputs")
        body = back.lines()
        inner, d_xs = self.d_inputs(back)
        lasts = {s.name: back.final(like(s.next, "carry")) for s in cell.states}
        tail = [*inner, *(line for extra, _ in lasts.values() for line in extra)]
        tail += dict_lines("d_params", [f'"{p.name}": {back.gradient(like(p, "grad"))}' for p in cell.parameters])
        tail += dict_lines("d_states", [f'"{name}": {text}' for name, (_, text) in lasts.items()])
        tail += [*d_xs, f"    return d_params, {'d_xs, ' if cell.inputs else ''}d_states"]
        lines = [*body, *tail]
        views = self.views(lines)
        lines = [*views, *lines]
        arrays = [(cell.values[cell.output], "d_outputs", 2), *((x, self.names.plural(x), 2) for x in cell.inputs)]
        saved = ["params", *(["xs"] if cell.inputs else []), "states", *self.kept]
        head = [*unbundled(saved, "saved"), "    d_outputs, d_states = gradients", *self.unpacked(lines)]
        sizes = self.sizes(lines, arrays, "states")
        head += [*self.unpacked_inputs([*sizes, *lines]), *self.lengths(lines, "d_outputs")]
        return [*head, *sizes, *self.constants(lines, "d_outputs"), *views, *body, *tail]

    def take_what_is_kept(self) -> None:
        """What was to be computed again may be kept all the same, for what is made of it: then it is taken."""
        sweep = self.sweeps["backward"]
        again = [
            e for e in sweep["before"] if e.target in self.there.stored and self.names.plural(e.target) in self.kept
        ]
        left = [e for e in sweep["before"] if e not in again]
        inputs = (*sweep.inputs, *(e.target for e in again))
        self.sweeps["backward"] = replace(sweep.changed({"before": left}), inputs=inputs) if again else sweep

    def views(self, lines: Iterable[str]) -> list[str]:
        """The lines that name the saved values that are parts of others, as far as lines use them."""
        text = "\n".join(lines)
        self.there.shown = {*self.sweeps["forward"].inputs, *self.there.stored, *self.whole()}
        return self.there.named([s for s in self.saved if _has(text, self.there.all_steps(s))])

    def d_inputs(self, back: Scan) -> tuple[list[str], list[str]]:
        found = {name_of(x).base: back.outward(like(x, "bar")) for x in self.cell.inputs}
        lines = [line for extra, _ in found.values() for line in extra]
        if len(found) == 1:
            ((_, text),) = found.values()
            return lines, [f"    d_xs = {text}"] if text != "d_xs" else []
        return lines, dict_lines("d_xs", [f'"{name}": {text}' for name, (_, text) in found.items()]) if found else []


def _has(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w\".]){re.escape(word)}(?![\w\"])", text) is not None
