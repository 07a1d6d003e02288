"""The parts of a generated `nn.Module`: what it looks at, one step as equations, a sequence in both directions.

`Module.parts` fills a template.  The words are those of a dialect; which passes the two directions have gone through is
said by the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.codegen.arrays import Dialect, Speller, array_axes
from lstmgraph.codegen.code import WIDTH, assignment, listed
from lstmgraph.codegen.entry import untold
from lstmgraph.codegen.identifiers import Names, class_name, identifiers, size_text, whole_text
from lstmgraph.codegen.passes import Passes, passed
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import Sweep, needed_by
from lstmgraph.codegen.unrolled import Body

Given = tuple[MatrixSymbol, str, int]  # an array: its value, the code for it, how many axes stand before a sample's


class Module:
    """`passes` are those of the forward and of the backward direction, `reserved` names that the file has itself."""

    def __init__(self, plan: Plan, dialect: Dialect, passes: tuple[Passes, Passes], reserved: Iterable[str]) -> None:
        cell = self.cell = plan.cell
        both = sequence(cell, plan.gradient)
        self.plan, self.dialect, self.saved = plan, dialect, both.saved
        self.forward, self.backward = passed(both.forward, passes[0]), passed(both.backward, passes[1])
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

    def parts(self) -> dict[str, object]:
        """The values of the template's variables."""
        cell = self.cell
        states = [(s.name, self.names[s.next]) for s in cell.states]
        results = ", ".join([*(word for _, word in states), "*_"]) if states else "*_"
        return {
            "usage": self.usage(),
            "module": class_name(cell.name),
            "notes": self.notes(),
            "sizes": [size_text(z) for z in cell.sizes],
            "parameters": [(self.names[p], ", ".join(self.axes(p, batched=False)) or "()") for p in cell.parameters],
            "inputs": [name_of(x).base for x in cell.inputs],
            "xs": self.inputs[0] if len(cell.inputs) == 1 else "xs",
            "x": self.names[cell.inputs[0]] if len(cell.inputs) == 1 else "xs",
            "checks": self.checks(),
            "device": f"self.{self.parameters[0]}.device" if self.parameters else "given[-1].device",
            "given": listed("given = [", self.given(), "]"),
            "results": results,
            "states": ", ".join(f'"{name}": {word}' for name, word in states),
            "step_head": _dedented(listed("def step(", self.step_arguments(), "):")),
            "step": _split(self.step()),
            "reference_head": _dedented(listed("def reference(", self.arguments, "):")),
            "forward_head": listed("def forward(", self.arguments, "):"),
            "reference": self.reference(),
            "there": _split(self.lines_there),
            "setup": self.setup(),
            "back": _split(self.lines_back),
            "has_names": bool(cell.states) or len(cell.inputs) > 1,
            "uses_steps": any("_steps(" in line for line in (*self.lines_there, *self.lines_back)),
            "helpers": [self.helpers[k] for k in sorted(self.helpers)],
        }

    def axes(self, symbol: MatrixSymbol, batched: bool = True) -> list[str]:
        return [size_text(a) for a in array_axes(symbol.shape, batched)]

    def usage(self) -> list[str]:
        sizes = ", ".join(f"{size_text(z)}=..." for z in self.cell.sizes)
        return [
            "",
            "The equations are those of one sample.  Here B samples are the rows of an array, so W @ x is x @ W.T.",
            "Generated by lstmgraph from the equations; needs PyTorch only.  Usage:",
            "",
            f"    cell = {class_name(self.cell.name)}({sizes})",
            f"    outputs, states = cell({'xs' if self.cell.inputs else 'length'})",
        ]

    # ── the module ──

    def notes(self) -> list[str]:
        """What the class says of its arrays."""

        def shape(lead: str, s: MatrixSymbol) -> str:
            return f"({', '.join([lead, *self.axes(s)])})"

        own = [(name_of(x).base, shape("T, B", x)) for x in self.cell.inputs]
        if not own:
            said = ["It is called with the number of steps; the cell has no inputs."]
        elif len(own) == 1:
            said = [f"xs is {own[0][1]}, with batch_first {shape('B, T', self.cell.inputs[0])}."]
        else:
            listed_ = ", ".join(f"{name} {axes}" for name, axes in own)
            said = [f"xs is a dict: {listed_}; with batch_first the axes T and B change places."]
        said.append(f"The output is {self.cell.output}, {shape('T, B', self.output)}.")
        states = ", ".join(f"{s.name} {shape('B', s.next)}" for s in self.cell.states)
        return [*said, f"states is a dict: {states}; zeros if None." if states else "There are no states."]

    def checks(self) -> list[str]:
        """What is looked at before anything is computed."""
        cell, lines = self.cell, []
        if cell.sizes and (cell.inputs or cell.states):
            sizes = ", ".join(size_text(z) for z in cell.sizes)
            lines.append(f"    {sizes}{',' * (len(cell.sizes) == 1)} = self.sizes")
        names = [name_of(x).base for x in cell.inputs]
        if len(names) > 1:
            known = "".join(f', "{name}"' for name in names)
            lines.append(f'    _check_names("xs", xs{known})')
            lines.append(
                f"    {', '.join(self.inputs)} = (xs[name] for name in ({', '.join(map(repr, names))}))".replace(
                    "'", '"'
                )
            )
        for k, (x, xs) in enumerate(zip(cell.inputs, self.inputs, strict=False)):
            lead = f"*{self.inputs[0]}.shape[:len(lead)]" if k else "*lead"
            what = f"xs['{names[k]}']" if len(names) > 1 else xs
            lines.append(f"    _check({', '.join([chr(34) + what + chr(34), xs, lead, *self.axes(x)])})")
        if not cell.states:
            return lines
        batch = (
            f"{self.inputs[0]}.shape[len(lead) - 1]"
            if names
            else f'1 if states is None else len(states["{cell.states[0].name}"])'
        )
        lines.append(f"    B = {batch}")
        like = f"self.{self.parameters[0]}" if self.parameters else self.inputs[0] if names else "torch"
        zeros = [
            f'"{s.name}": {like}.{"new_zeros" if like != "torch" else "zeros"}({", ".join(["B", *self.axes(s.next)])})'
            for s in cell.states
        ]
        known = "".join(f', "{s.name}"' for s in cell.states)
        lines += ["    if states is None:", *(f"    {line}" for line in listed("states = {", zeros, "}"))]
        lines.append(f'    _check_names("states", states{known})')
        for s in cell.states:
            lines.append(
                f'    _check("states[\'{s.name}\']", states["{s.name}"], {", ".join(["B", *self.axes(s.next)])})'
            )
        return lines

    def given(self) -> list[str]:
        """The arguments of `reference` and `step`."""
        return [
            *(self.inputs if self.cell.inputs else []),
            *(f'states["{s.name}"]' for s in self.cell.states),
            *(f"self.{p}" for p in self.parameters),
        ]

    # ── the equations of one step ──

    def step_arguments(self) -> list[str]:
        return [self.names[s] for s in (*self.cell.inputs, *self.cell.previous, *self.cell.parameters)]

    def step(self) -> list[str]:
        cell, plan = self.cell, self.plan
        first = (self.step_arguments() or ["torch.zeros(1)"])[0]
        speller = Speller(self.dialect, self.names, plan.batched, first, helpers=self.helpers)
        body = [assignment(self.names[e.target], speller.value(e.value, plan.batched[e.target])) for e in plan.step]
        results = [self.names[self.output], *(self.names[s.next] for s in cell.states)]
        head = self.constants(speller.used, first)
        head += [f"    B = len({first})" if cell.inputs or cell.states else "    B = 1"] * speller.needs_batch
        arrays = [(s, self.names[s], 1) for s in (*cell.inputs, *cell.previous)]
        head += [self.size_line(z, arrays) for z in speller.sizes]
        return [*head, *body, f"    return {', '.join(results)}{',' * (len(results) == 1)}"]

    def reference(self) -> list[str]:
        """The loop over `step`."""
        carried = [self.names[s.next] for s in self.cell.states]
        starts = [*self.starts.values()]
        own = [self.names[x] for x in self.cell.inputs]
        rows = (
            f"{self.inputs[0]}.unbind()"
            if len(own) == 1
            else f"zip({', '.join(f'{xs}.unbind()' for xs in self.inputs)})"
        )
        head = f"for {', '.join(own)} in {rows}:" if own else "for _ in range(T):"
        results = ", ".join(["output", *carried]) + ("," if not carried else "")
        return [
            *([f"    {', '.join(carried)} = {', '.join(starts)}"] if carried else []),
            "    outputs = []",
            f"    {head}",
            *(f"    {line}" for line in listed(f"{results} = step(", [*own, *carried, *self.parameters], ")")),
            "        outputs.append(output)",
            f"    return {', '.join(['torch.stack(outputs)', *carried])}{',' * (not carried)}",
        ]

    # ── both directions of a sequence ──

    def bodies(self) -> None:
        cell, sweep = self.cell, self.forward
        computed = {e.target for e in sweep.equations if e not in sweep["once"]}
        nexts = [sweep.carried[s] for s in self.saved if s in self.starts]
        kept = [s for s in (*self.saved, *nexts) if s in computed]
        there = self.body(sweep, [self.output, *kept], self.starts)
        lines = self.lines_of(there)
        whole = dict.fromkeys(there.storage.places[s].base for s in kept)
        self.own = there.storage.places[self.output].base if there.is_whole(self.output) else None
        bases = [b for b in whole if b not in sweep.inputs and b != self.own]
        saved = [there.name_of_base(b) for b in bases]
        self.extra = len(saved)
        self.keeps_output = self.own in whole
        results = [there.outputs(self.output), *(there.last(s.previous) for s in cell.states), *saved]
        self.lines_there = [*self.head(there, lines), *lines, *_row("return ", results)]
        self.lines_back = self.back(there, saved)

    def body(self, sweep: Sweep, wanted: Iterable[MatrixSymbol], first: Mapping[MatrixSymbol, str]) -> Body:
        arrays = [a for a in self.arguments if a != "T"] or ["torch.zeros(1)"]
        return Body(
            sweep, self.dialect, self.names, self.helpers, arrays[0], first, wanted, reverse=sweep is self.backward
        )

    def lines_of(self, body: Body) -> list[str]:
        sweep = body.sweep
        before, loop = body.sequences(sweep["before"]), body.loop()
        return [*body.once(), *before, *loop, *body.sequences(sweep["after"])]

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
        found += self.constants([c for c in self.cell.constant_symbols if _has(text, self.names[c])], body.like)
        return found + [
            f"    {xs} = {xs}.flatten(0, 1)" for x, xs, _ in arrays if x in self.cell.inputs and _has(text, xs)
        ]

    def setup(self) -> list[str]:
        count = 1 + len(self.cell.states)
        inputs = "*inputs" if self.cell.inputs else "*inputs[1:]"
        outputs = ["outputs[0]"] * self.keeps_output + [f"*outputs[{count}:]"] * bool(self.extra)
        return [
            *([] if self.cell.inputs else ["    ctx.T = inputs[0]"]),
            f"    ctx.save_for_backward({', '.join([inputs, *outputs])})",
            *([f"    ctx.mark_non_differentiable(*outputs[{count}:])"] * bool(self.extra)),
            "    ctx.set_materialize_grads(False)",
        ]

    def back(self, there: Body, saved: Sequence[str]) -> list[str]:
        """The body of `Derived.backward`."""
        cell, sweep = self.cell, self.backward
        firsts = {
            c: self.names.fresh(f"d_{self.names[s.next]}_T", c) for c, s in zip(sweep.carried, cell.states, strict=True)
        }
        wanted = [s for s in sweep.wanted if s not in sweep.carried.values()]
        body = self.body(sweep, wanted, firsts)
        lines = self.lines_of(body)
        text = "\n".join(lines)
        once = needed_by(self.forward["once"], [s for s in sweep.shared if _has(text, self.names[s])])
        lines = [*there.once([e for e in self.forward["once"] if e.target in once]), *lines]
        d = [body.outputs(like(x, "bar")) for x in cell.inputs] or ["None"]
        d += [*(body.last(c) for c in firsts), *(body.flat[like(p, "grad")] for p in cell.parameters)]
        text = "\n".join([*lines, *d])
        there.sizes = body.sizes
        views = there.saved([s for s in self.saved if _has(text, there.flat[s])])
        own = [there.name_of_base(self.own)] if self.keeps_output else []
        shapes = [f"({', '.join(map(body.size_of, axes))})" for axes in self.shapes()]
        d_names = [self.d_outputs(), *firsts.values()]
        flat = [f"    {a} = {a}.flatten(0, 1)" for a in [*own, d_names[0]] if _has("\n".join([*views, text]), a)]
        head = self.head(body, [*views, text])
        unflat = [line for line in head if ".flatten(0, 1)" not in line]
        used = "\n".join([*head, *views, text, *shapes])
        count = len(self.arguments) - (not cell.inputs)
        arguments = [a if _has(used, a) else "_" for a in self.arguments if a != "T"]
        by_vjp = "torch.func.vjp(reference, *inputs)[1](d)"
        if not cell.inputs:
            by_vjp = "(None, *torch.func.vjp(lambda *inputs: reference(T, *inputs), *inputs)[1](d))"
        zeros = f"{body.like}.new_zeros(shape)"
        few = f" or len(saved) < {len(own) + len(saved)}" if saved else ""
        return [
            "    saved = ctx.saved_tensors",
            f"    inputs, saved = saved[:{count}], saved[{count}:]",
            *(["    T = ctx.T"] * (not cell.inputs)),
            *(_row("", arguments, " = inputs") if arguments else []),
            *unflat,
            *_row("shapes = ", shapes),
            f"    d = tuple({zeros} if gradient is None else gradient for gradient, shape in zip(d, shapes))",
            f"    if torch.is_grad_enabled(){few}:  # to be differentiated once more{', or under vmap' if few else ''}",
            f"        return {by_vjp}",
            *(_row("", [*own, *saved], " = saved") if own or saved else []),
            *_row("", d_names, " = d"),
            *(line for line in head if line not in unflat),
            *flat,
            *views,
            *lines,
            *_row("return ", d),
        ]

    def d_outputs(self) -> str:
        loss = next((s for s in self.backward.inputs if name_of(s).marks[:1] == ("loss",)), None)
        return self.names.plural(loss) if loss is not None else "_"

    def shapes(self) -> list[list[str | Expr]]:
        """The axes of what `reference` returns."""
        outputs = ["T", "B", *array_axes(self.output.shape, batched=True)]
        return [outputs, *(["B", *array_axes(s.next.shape, batched=True)] for s in self.cell.states)]

    def constants(self, used: Iterable[MatrixSymbol], first: str) -> list[str]:
        return [
            f"    {self.names[c]} = {first}.new_tensor({self.cell.constants[c.name]!r})"
            for c in self.cell.constant_symbols
            if c in used
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


def _dedented(lines: Iterable[str]) -> list[str]:
    return [line[4:] for line in lines]


def _split(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in line.split("\n")]


def _row(head: str, parts: Sequence[str], tail: str = "") -> list[str]:
    """`head` a, b, c `tail`, in parentheses where it takes several lines."""
    line = f"    {head}{', '.join(parts)}{',' * (len(parts) == 1)}{tail}"
    return [line] if len(line) <= WIDTH else listed(f"{head}(", parts, f"){tail}")


def _has(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None
