"""The parts of a generated `nn.Module`: what it looks at, and one step as equations; a sequence is in `derived`.

`Module.parts` fills a template.  The words are those of a dialect; which passes the two directions have gone through is
said by the target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from textwrap import wrap

from sympy import MatrixSymbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.cell import State
from lstmgraph.codegen.arrays import Speller, array_axes
from lstmgraph.codegen.code import WIDTH, Level, assignment, listed
from lstmgraph.codegen.derived import Function
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.entry import NO_SAMPLE, size_checks
from lstmgraph.codegen.identifiers import attributes, class_name, size_text
from lstmgraph.codegen.passes import Ways
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.regions import copied_as_spelled


class Module(Function):
    """The module around the function: what it is called with, and its equations; a parameter has no name of `own`."""

    def __init__(
        self, plan: Plan, dialect: Dialect, passes: Ways, reserved: Iterable[str], own: Collection[str]
    ) -> None:
        super().__init__(plan, dialect, passes, reserved)
        self.attributes = attributes([p.name for p in self.cell.parameters], own)

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
            "size_checks": size_checks(cell),
            "parameters": [
                (self.attributes[p.name], ", ".join(self.axes(p, batched=False)) or "()") for p in cell.parameters
            ],
            "inputs": [name_of(x).base for x in cell.inputs],
            "xs": self.inputs[0] if len(cell.inputs) == 1 else "xs",
            "x": self.names[cell.inputs[0]] if len(cell.inputs) == 1 else "xs",
            "checks": self.checks(),
            "given": listed("given = [", self.given(), "]"),
            "like": (self.given() or [""])[-1].replace('"', "'").removeprefix("self."),
            "alike": listed("_check_alike(", ["given", "autocast", *self.given_names()], ")"),
            "results": results,
            "states": ", ".join(f'"{name}": {word}' for name, word in states),
            "step_head": _dedented(listed("def step(", self.step_arguments(), "):")),
            "step": _split(self.step()),
            "reference_head": _dedented(listed("def reference(", self.arguments, "):")),
            "forward_head": listed("def forward(", self.arguments, "):"),
            "reference": self.reference(),
            "there": _split(self.lines_there),
            "setup": self.setup(),
            "entry": self.entry,
            "back_head": _dedented(listed("def gradients(", self.back_arguments, "):")),
            "back": _split(self.lines_back),
            "of_inputs": self.not_always(),
            **self.operators(),
            "has_names": bool(cell.states) or len(cell.inputs) > 1,
            "uses_steps": any("_steps(" in line for line in (*self.lines_there, *self.lines_back)),
            "uses_blocks": any(body.uses_blocks for body in self.both),
            "helpers": [self.helpers[k] for k in sorted(self.helpers)],
        }

    def not_always(self) -> str:
        """The inputs whose gradients are computed only where they are asked for."""
        late = {e.target for e in self.for_inputs}
        return ", ".join(xs for x, xs in zip(self.cell.inputs, self.inputs, strict=False) if like(x, "bar") in late)

    def operators(self) -> dict[str, object]:
        """What the two operators for torch.compile take and give, each of which has to give more than one array."""
        timed = bool(self.cell.inputs)
        tensors, results = len(self.arguments) - (not timed), 1 + len(self.cell.states)
        back = self.takes_back - (not timed)
        first = '["SymInt"] + ' * (not timed)
        return {
            "operators": self.has_operators,
            "xs_list": ", ".join(self.inputs),
            "first_steps": ", ".join(f"{xs}[:1]" for xs in self.inputs) if timed else "1",
            "steps": f"{self.inputs[0]}.shape[0]" if timed else "T",
            "takes": f'{first}["Tensor"] * {tensors}',
            "takes_back": f'{first}["Tensor"] * {back}',
            "likes": f"given[:{tensors}]" if timed else f"given[1:{tensors + 1}]",
            "tensors": tensors,
            "count": results,
            "extra": self.extra,
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
        said.append(f"states is a dict: {states}; zeros if None." if states else "There are no states.")
        renamed = ", ".join(f"{name} is {word}" for name, word in self.attributes.items() if name != word)
        if renamed:
            said.append(f"Parameters with names that a module or Python has itself: {renamed}, in the state_dict, too.")
        return [line for text in said for line in wrap(text, WIDTH)]

    def checks(self) -> list[str]:
        """What is looked at before anything is computed; from there on the time is the first axis."""
        cell = self.cell
        sizes = [size_text(z) for z in cell.sizes] if cell.inputs or cell.states else []
        head = [f"    {', '.join(sizes)}{',' * (len(sizes) == 1)} = self.sizes"] if sizes else []
        inputs = [*self.input_checks(), *self.turned_inputs()] if cell.inputs else []
        return [*head, *inputs, *(self.state_checks() if cell.states else [])]

    def input_checks(self) -> list[str]:
        """Of inputs; several are taken out of a dict, and the others have the lengths of the first one."""
        names, lines = [name_of(x).base for x in self.cell.inputs], []
        if len(names) > 1:
            known = ", ".join(f'"{name}"' for name in names)
            lines.append(f'    _check_names("xs", xs, {known})')
            lines.append(f"    {', '.join(self.inputs)} = (xs[name] for name in ({known}))")
        for k, (x, xs) in enumerate(zip(self.cell.inputs, self.inputs, strict=True)):
            lead = f"*{self.inputs[0]}.shape[:len(lead)]" if k else "*lead"
            what = self.input_names()[k]
            lines.append(f"    _check({', '.join([what, xs, lead, *self.axes(x)])})")
        lines.append(f"    if 0 in {self.inputs[0]}.shape[:len(lead)]:")
        return [*lines, '        raise ValueError("there must be at least one step and one sample")']

    def input_names(self) -> list[str]:
        """The code for what messages call the inputs: one alone is that of a sequence or of a step."""
        names = [name_of(x).base for x in self.cell.inputs]
        return [f"\"xs['{name}']\"" for name in names] if len(names) > 1 else ["what"] * len(names)

    def given_names(self) -> list[str]:
        """And the states: all that is given to a call."""
        return [*self.input_names(), *(f"\"states['{s.name}']\"" for s in self.cell.states)]

    def turned_inputs(self) -> list[str]:
        xs = ", ".join(self.inputs)
        turned = f"(a.transpose(0, 1) for a in ({xs}))" if len(self.inputs) > 1 else f"{xs}.transpose(0, 1)"
        return ['    if lead == ("B", "T"):', f"        {xs} = {turned}"]

    def state_checks(self) -> list[str]:
        """Of states, which are zeros where none are given; without inputs the first one has the number of samples."""
        first, timed = self.cell.states[0], bool(self.cell.inputs)
        like = [*(f"self.{p}" for p in [*self.attributes.values()][:1]), *(self.inputs if timed else [])]
        zeros = f"{like[0]}.new_zeros" if like else "torch.zeros"
        axes = {s.name: ", ".join(["B" if timed else "1", *self.axes(s.next)]) for s in self.cell.states}
        made = listed("states = {", [f'"{name}": {zeros}({found})' for name, found in axes.items()], "}")
        known = ", ".join(f'"{name}"' for name in axes)
        batch = [] if timed else [self.state_check(first, '"B"'), f'    B = len(states["{first.name}"])', *NO_SAMPLE]
        return [
            *([f"    B = {self.inputs[0]}.shape[len(lead) - 1]"] if timed else []),
            "    if states is None:",
            *(f"    {line}" for line in made),
            f'    _check_names("states", states, {known})',
            *batch,
            *(self.state_check(s, "B") for s in self.cell.states if timed or s != first),
        ]

    def state_check(self, state: State, batch: str) -> str:
        axes = ", ".join([batch, *self.axes(state.next)])
        return f'    _check("states[\'{state.name}\']", states["{state.name}"], {axes})'

    def given(self) -> list[str]:
        """The arguments of `reference` and `step`."""
        return [
            *(self.inputs if self.cell.inputs else []),
            *(f'states["{s.name}"]' for s in self.cell.states),
            *(f"self.{self.attributes[p.name]}" for p in self.cell.parameters),
        ]

    # ── the equations of one step ──

    def step_arguments(self) -> list[str]:
        return [self.names[s] for s in (*self.cell.inputs, *self.cell.previous, *self.cell.parameters)]

    def step(self) -> list[str]:
        cell, plan = self.cell, self.plan
        first = (self.step_arguments() or ["torch.zeros(1)"])[0]
        numbers = {s: cell.constants[s.name] for s in cell.constant_symbols}
        speller = Speller(self.dialect, self.names, plan.batched, first, helpers=self.helpers, numbers=numbers)
        given = (*cell.inputs, *cell.previous, *cell.parameters)
        copied = copied_as_spelled(cell.outputs, {e.target: e.value for e in plan.step}, given, speller)
        codes = {e.target: speller.value(e.value, plan.batched[e.target]) for e in plan.step}
        codes |= {s: code.respell(f"{code.at(Level.ATOM)}.clone()") for s, code in codes.items() if s in copied}
        body = [assignment(self.names[s], code) for s, code in codes.items()]
        results = [self.names[self.output], *(self.names[s.next] for s in cell.states)]
        head = self.constants(speller.used)
        head += [f"    B = len({first})" if cell.inputs or cell.states else "    B = 1"] * speller.needs_batch
        arrays = [(s, self.names[s], 1) for s in (*cell.inputs, *cell.previous)]
        head += [self.size_line(z, arrays) for z in speller.sizes]
        return [*head, *body, f"    return {', '.join(results)}{',' * (len(results) == 1)}"]

    def reference(self) -> list[str]:
        """The loop over `step`."""
        carried = [self.names[s.next] for s in self.cell.states]
        starts = [*self.starts.values()]
        own = [self.names[x] for x in self.cell.inputs]
        rows = [f"{xs}.unbind()" for xs in self.inputs]
        head = [f"    for {own[0]} in {rows[0]}:"] if own else ["    for _ in range(T):"]
        if len(own) > 1:
            head = listed(f"for {', '.join(own)} in zip(", rows, "):")
        results = ", ".join(["output", *carried]) + ("," if not carried else "")
        return [
            *([f"    {', '.join(carried)} = {', '.join(starts)}"] if carried else []),
            "    outputs = []",
            *head,
            *(f"    {line}" for line in listed(f"{results} = step(", [*own, *carried, *self.parameters], ")")),
            "        outputs.append(output)",
            f"    return {', '.join(['torch.stack(outputs)', *carried])}{',' * (not carried)}",
        ]


def _dedented(lines: Iterable[str]) -> list[str]:
    return [line[4:] for line in lines]


def _split(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in line.split("\n")]
