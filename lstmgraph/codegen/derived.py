"""Both directions of a sequence as the two methods of a `torch.autograd.Function`: what stands in a generated file.

`forward` returns what the gradients take besides its inputs; `backward` calls the function that finds them, and goes to
autograd where they are to be differentiated, or are those of many at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sympy import MatrixSymbol, Symbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.codegen.code import WIDTH, listed
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.entry import untold
from lstmgraph.codegen.identifiers import Names, identifiers, size_text, whole_text
from lstmgraph.codegen.passes import Ways, passed_both
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import Sweep, needed_by
from lstmgraph.codegen.unrolled import Body
from lstmgraph.program import Equation

MOST_ARGUMENTS = 64  # of an operator of PyTorch

Given = tuple[MatrixSymbol, str, int]  # an array: its value, the code for it, how many axes stand before a sample's


class Function:
    """`passes` are those of both directions, `reserved` names that the file has itself."""

    def __init__(self, plan: Plan, dialect: Dialect, passes: Ways, reserved: Iterable[str]) -> None:
        cell = self.cell = plan.cell
        both = passed_both(sequence(cell, plan.gradient), passes)
        self.plan, self.dialect, self.saved = plan, dialect, both.saved
        self.forward, back = both.forward.settled(), both.backward.settled()
        self.for_inputs = self.only_for_inputs(back)
        after = [e for e in back["after"] if e not in self.for_inputs]
        self.backward = back.changed({"after": [*after, *self.for_inputs]})
        self.names = self.identifiers({*reserved, *dialect.helpers, *map(size_text, cell.sizes)})
        self.helpers: dict[str, str] = {}
        self.output = cell.values[cell.output]
        self.starts = {s.previous: self.names.fresh(f"{self.names[s.next]}_0", s.previous) for s in cell.states}
        self.inputs = [self.names.plural(x) for x in cell.inputs] or ["T"]
        self.parameters = [self.names[p] for p in cell.parameters]
        self.arguments = [*self.inputs, *self.starts.values(), *self.parameters]
        self.bodies()

    def identifiers(self, reserved: set[str]) -> Names:
        sweeps = (self.forward.program, self.backward.program)
        cell, forward = self.cell, self.plan.step
        given = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
        computed = (*(e.target for e in forward), *(s for p in sweeps for s in (*p.inputs, *(e.target for e in p))))
        symbols, definitions = (*given, *computed), {e.target: e for e in forward}
        names = Names(identifiers(dict.fromkeys(symbols), definitions, reserved), reserved)
        for loss in (s for s in self.backward.inputs if name_of(s).marks[:1] == ("loss",)):
            names[loss] = names.fresh("d_output", loss)
        return names

    # ── both directions of a sequence ──

    def bodies(self) -> None:
        cell, sweep = self.cell, self.forward
        computed = {e.target for e in sweep.equations if e not in sweep["once"]}
        nexts = [sweep.carried[s] for s in self.saved if s in self.starts]
        kept = [s for s in (*self.saved, *nexts) if s in computed]
        there = self.body(sweep, [self.output, *kept], self.starts)
        lines = self.lines_of(there)
        self.both = [there]
        whole = dict.fromkeys(there.at(s).root for s in kept)
        self.own = there.at(self.output).root if there.is_whole(self.output) else None
        bases = [b for b in whole if b not in sweep.inputs and b != self.own]
        saved = [there.name_of_base(b) for b in bases]
        self.extra = len(saved)
        self.keeps_output = self.own in whole
        output = there.outputs(self.output, bool(there.copied([self.output])))
        results = [output, *(there.last(s.previous) for s in cell.states), *saved]
        self.lines_there = [*self.head(there, [*lines, *results]), *lines, *row("return ", results)]
        self.lines_back = self.back(there, saved)

    def body(self, sweep: Sweep, wanted: Iterable[MatrixSymbol], first: Mapping[MatrixSymbol, str]) -> Body:
        arrays = [a for a in self.arguments if a != "T"] or ["torch.zeros(1)"]
        return Body(
            sweep, self.dialect, self.names, self.helpers, arrays[0], first, wanted, reverse=sweep is self.backward
        )

    def lines_of(self, body: Body) -> list[str]:
        sweep = body.sweep
        before, loop = body.sequences(sweep["before"]), body.loop()
        return [*body.once(), *before, *loop, *body.sequences([e for e in sweep["after"] if e not in self.for_inputs])]

    def lines_for_inputs(self, body: Body) -> list[str]:
        """What only those who ask for it have to wait for; nothing where it is all there already, by other names."""
        lines = body.sequences(self.for_inputs)
        self.for_inputs = self.for_inputs if lines else []
        return ["    if of_inputs:", *(f"    {line}" for line in lines)] if lines else []

    def only_for_inputs(self, back: Sweep) -> list[Equation]:
        """What is done, after all steps, for nothing but gradients of the inputs, which are seldom asked for."""
        inputs = {like(x, "bar") for x in self.cell.inputs}
        needed = needed_by(back.equations, {*back.wanted, *back.carried.values()} - inputs)
        return [e for e in back["after"] if e.target not in needed]

    def head(self, body: Body, lines: Sequence[str]) -> list[str]:
        """Lengths, sizes, constants, and the inputs as rows."""
        text = "\n".join(lines)
        arrays = [(x, xs, 2) for x, xs in zip(self.cell.inputs, self.inputs, strict=False)]
        arrays += [(s, first, 1) for s, first in self.starts.items()]
        if self.cell.inputs:
            found = [f"    T, B = {self.inputs[0]}.shape[:2]"]
        else:
            found = [f"    B = len({next(iter(self.starts.values()))})" if self.starts else "    B = 1"]
        found += [self.size_line(z, arrays) for z in sorted(body.sizes, key=str)]
        found += self.constants([c for c in self.cell.constant_symbols if has(text, self.names[c])])
        return found + [
            f"    {xs} = {xs}.flatten(0, 1)" for x, xs, _ in arrays if x in self.cell.inputs and has(text, xs)
        ]

    def setup(self) -> list[str]:
        count = 1 + len(self.cell.states)
        inputs = "*inputs" if self.cell.inputs else "*inputs[1:]"
        outputs = ["output[0]"] * self.keeps_output + [f"*output[{count}:]"] * bool(self.extra)
        return [
            *([] if self.cell.inputs else ["    ctx.T = inputs[0]"]),
            f"    ctx.save_for_backward({', '.join([inputs, *outputs])})",
            *([f"    ctx.mark_non_differentiable(*output[{count}:])"] * bool(self.extra)),
            f"    ctx.shapes = [a.shape for a in output[:{count}]]",
            "    ctx.set_materialize_grads(False)",
        ]

    def back(self, there: Body, saved: Sequence[str]) -> list[str]:
        """The body of `gradients`."""
        sweep, cell = self.backward, self.cell
        firsts = {
            c: self.names.fresh(f"d_{self.names[s.next]}_T", c) for c, s in zip(sweep.carried, cell.states, strict=True)
        }
        body = self.body(sweep, [s for s in sweep.wanted if s not in sweep.carried.values()], firsts)
        self.both.append(body)
        lines = [*self.lines_of(body), *self.lines_for_inputs(body)]
        d = self.gradients(body)
        there.sizes = body.sizes
        text = "\n".join([*lines, *d])
        views = there.saved([s for s in self.saved if has(text, there.handed_on(s))])
        own = [there.name_of_base(self.own)] if self.keeps_output else []
        given = [self.d_outputs(), *firsts.values()]
        text = "\n".join([*views, text])
        once = self.once_more(there, text)
        text = "\n".join([*once, text])
        lines = [line for line in lines if line not in once]  # both ways may make the same once
        flat = [f"    {a} = {a}.flatten(0, 1)" for a in [*own, given[0]] if has(text, a)]
        self.entry = self.way_out()
        choice = ["of_inputs=True"] if self.for_inputs else []
        self.back_arguments = [*self.arguments, *own, *saved, *given, *choice]
        head = [*self.head(body, [text]), *flat, *once]
        return [*head, *views, *lines, *(row("return ", d) if d else ["    return ()"])]

    def once_more(self, there: Body, text: str) -> list[str]:
        """What the forward pass makes once, as far as it is used here."""
        own = self.forward["once"]
        used = needed_by(own, [e.target for e in own if has(text, self.names[e.target])])
        return there.once([e for e in own if e.target in used])

    def gradients(self, body: Body) -> list[str]:
        """The gradients of the inputs, of the initial states and of the parameters, each in memory of its own."""
        inputs, parameters = [like(x, "bar") for x in self.cell.inputs], [like(p, "grad") for p in self.cell.parameters]
        copied = body.copied([*inputs, *parameters])
        late = {e.target for e in self.for_inputs}
        return [
            *(f"{body.outputs(s, s in copied)}{' if of_inputs else None' * (s in late)}" for s in inputs),
            *map(body.last, self.backward.carried),
            *(f"{body.flat[s]}{'.clone()' * (s in copied)}" for s in parameters),
        ]

    def way_out(self) -> list[str]:
        """The body of `Derived.backward`: zeros for what the loss does not depend on, and who finds the gradients."""
        count = len([a for a in self.arguments if a != "T"])
        by_vjp = "torch.func.vjp(reference, *inputs)[1](d)"
        if not self.cell.inputs:
            by_vjp = "None, *torch.func.vjp(lambda *inputs: reference(ctx.T, *inputs), *inputs)[1](d)"
        zeros = "inputs[0].new_zeros(shape)"
        kept = self.extra + self.keeps_output
        few = f"len(saved) < {kept} or " if self.extra else ""  # of many at once, `vmap` gives nothing to be saved
        return [
            "    saved = ctx.saved_tensors",
            f"    inputs, saved = saved[:{count}], saved[{count}:]",
            f"    d = tuple({zeros} if given is None else given for given, shape in zip(d, ctx.shapes))",
            f"    if torch.is_grad_enabled() or {few}any(map(_is_batched, (*inputs, *d))):",
            f"        return {by_vjp}",
            *self.found(),
        ]

    def found(self) -> list[str]:
        """By whom: where it is compiled, by the operator, which gives all; else those of inputs only if asked for."""
        head, given = ("", "") if self.cell.inputs else ("None, *", "ctx.T, ")
        given, count = f"{given}*inputs, *saved, *d", len(self.inputs)
        compiled = ["    if torch.compiler.is_compiling():", f"        return {head}_gradients({given})"]
        asked = "ctx.needs_input_grad[0]" if count == 1 else f"any(ctx.needs_input_grad[:{count}])"
        asked = f", of_inputs={asked}" if self.for_inputs else ""
        return [*(compiled * self.has_operators), f"    return {head}gradients({given}{asked})"]

    @property
    def has_operators(self) -> bool:
        """Whether each direction gives more than one array, as PyTorch's operators that give several have to.

        And takes no more than they can.
        """
        tensors = len([a for a in self.arguments if a != "T"])
        return len(self.cell.states) + self.extra > 0 and tensors > 1 and self.takes_back <= MOST_ARGUMENTS

    @property
    def takes_back(self) -> int:
        """How many arguments the way back has: those of the way there, what is kept, and the cotangents."""
        return len(self.arguments) + self.extra + self.keeps_output + 1 + len(self.cell.states)

    def d_outputs(self) -> str:
        loss = next((s for s in self.backward.inputs if name_of(s).marks[:1] == ("loss",)), None)
        return self.names.plural(loss) if loss is not None else "_"

    def constants(self, used: Iterable[MatrixSymbol]) -> list[str]:
        return [
            f"    {self.names[c]} = {self.cell.constants[c.name]!r}" for c in self.cell.constant_symbols if c in used
        ]

    def size_line(self, size: Symbol, arrays: Sequence[Given]) -> str:
        """Where a size can be read, or be solved for: off parameters, else other arrays with so many axes in front."""
        every = [*((p, self.names[p], 0) for p in self.cell.parameters), *arrays]
        places = [
            (side, f"{text}.shape[{k + lead}]")
            for s, text, lead in every
            for k, side in enumerate(array_axes(s.shape, lead > 0))
        ]
        formula = solve_sizes([side for side, _ in places]).get(size)
        if formula is None:
            raise untold(self.cell, size)
        return f"    {size_text(size)} = {whole_text(formula, {axis(k): text for k, (_, text) in enumerate(places)})}"


def row(head: str, parts: Sequence[str], tail: str = "") -> list[str]:
    """`head` a, b, c `tail`, in parentheses where it takes several lines."""
    line = f"    {head}{', '.join(parts)}{',' * (len(parts) == 1)}{tail}"
    return [line] if len(line) <= WIDTH else listed(f"{head}(", parts, f"){tail}")


def has(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None
