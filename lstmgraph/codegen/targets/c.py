"""The target "c": a header and a source in C99, for sequences and single steps, forward and back through time.

What stands in every such file is in `templates/c.h.j2`, `c.c.j2` and `c_multiply.c.j2`; here is what depends on the
cell.  The time is the first axis of a sequence and the sample the second, so that a step's samples are the rows of a
matrix.  Nothing is allocated: each function works in memory that it is given, and another says how much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import like, name_of
from lstmgraph.cell import Cell
from lstmgraph.codegen.loops.calls import AT_STEP, EVERY, ONE_STEP, Calls, Domain, indented
from lstmgraph.codegen.loops.entries import Entries, Words
from lstmgraph.codegen.loops.helpers import helper_texts
from lstmgraph.codegen.loops.memory import Memory
from lstmgraph.codegen.loops.names import CNames, identifier, member, wish
from lstmgraph.codegen.loops.nests import Item, Multiply, Nest
from lstmgraph.codegen.loops.places import ALL, NEXT, SHARED, STEP, Direction, Place, whole
from lstmgraph.codegen.passes.hoist import hoist_terms
from lstmgraph.codegen.passes.stack import stack
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.sweep import PHASES, Phase, Sweep
from lstmgraph.program import Program
from lstmgraph.templates import render

FUNCTIONS: dict[type, str] = {
    n.Sigmoid: "sigmoid",
    n.Tanh: "hyperbolic_tangent",
    n.Exp: "exponential",
    n.Silu: "silu",
    n.Softplus: "softplus",
    n.Relu: "rectified",
    n.Sign: "sign_of",
    n.Step: "unit_step",
}
LIBRARY: dict[type, str] = {n.Log: "log", n.Sqrt: "sqrt", n.Abs: "fabs", n.Sin: "sin", n.Cos: "cos"}


def passes(sweep: Sweep) -> Sweep:
    """What waits for no step is done before the loop; products that share a factor are one."""
    return stack(hoist_terms(sweep))


@dataclass(frozen=True)
class Options:
    """`dtype` is "float32" or "float64"; `sizes` has those that are fixed."""

    dtype: str = "float32"
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        return self.dtype == "float32"


@dataclass(frozen=True)
class Argument:
    declaration: str
    name: str


@dataclass(frozen=True)
class Function:
    """A function of the file: what its comment says, its type, arguments and lines."""

    words: tuple[str, ...]
    type: str
    name: str
    arguments: tuple[Argument, ...]
    body: tuple[str, ...]

    @property
    def prototype(self) -> str:
        parts = [f"{a.declaration}{a.name}" for a in self.arguments]
        lines, head = [f"{self.type} {self.name}("], " " * (len(self.type) + len(self.name) + 2)
        for k, part in enumerate(parts):
            text = part + (", " if k + 1 < len(parts) else ")")
            if len(lines[-1]) + len(text) > 110:
                lines[-1] = lines[-1].rstrip()
                lines.append(head)
            lines[-1] += text
        return "\n".join(lines) + ("void)" if not parts else "")

    @property
    def text(self) -> str:
        unused = [f"(void){a.name};" for a in self.arguments if not _uses(self.body, a.name)]
        return "\n".join([self.prototype, "{", *indented([*unused, *self.body]), "}", ""])


def _uses(lines: Iterable[str], name: str) -> bool:
    pattern = re.compile(rf"(?<![\w.>]){re.escape(name)}\b")
    return any(pattern.search(line) for line in lines)


class File:
    """The header and the source of one cell."""

    def __init__(self, cell: Cell, gradient: Program, options: Options) -> None:
        self.cell, self.options = cell, options
        both = sequence(cell, gradient)
        self.prefix = identifier(cell.name).lower()
        self.names = CNames(cell.sizes)
        self.words = Words("c", self._functions(), "real", options.single)
        self.helpers: set[str] = set()
        outputs = frozenset(cell.outputs)
        self.forward = Direction(passes(both.forward), outputs)
        self.step = Direction(_one_step(self.forward.sweep, cell), outputs)
        each = frozenset(s for s in both.backward.wanted if s not in both.backward.summed)
        self.backward = Direction(passes(both.backward), each, in_place=True)
        self.constants = {c: self.names.new(identifier(c.name)) for c in cell.constant_symbols}
        self.arrays = self._arrays()
        self.locals = self._locals()
        self.pack, self.tape = Memory("work", self.names.sizes), Memory("work", self.names.sizes)
        self._keep(both.saved)

    def _functions(self) -> dict[type, str]:
        return FUNCTIONS | {node: self.words_for(word) for node, word in LIBRARY.items()}

    def words_for(self, word: str) -> str:
        return f"{word}f" if self.options.single else word

    # ── names ──

    def _arrays(self) -> dict[MatrixSymbol, str]:
        """The array of each value: a state's has its values before and after every step."""
        cell, new = self.cell, self.names.new
        found = {x: new(identifier(name_of(x).base) + "s") for x in cell.inputs}
        for s in cell.states:
            found[s.previous] = found[s.next] = new(identifier(s.name) + "s")
        output = cell.values[cell.output]
        if output not in found:
            found[output] = new(identifier(cell.output) + "s")
        found[like(output, "loss")] = new(f"d_{found[output]}")
        found |= {like(x, "bar"): new(f"d_{found[x]}") for x in cell.inputs}
        for s in cell.states:
            found[like(s.next, "carry")] = found[like(s.previous, "bar")] = new(f"carry_{identifier(s.name)}")
        for d in (self.forward, self.backward):
            for e in d.sweep.equations:
                plural = "s" if d.kinds.batched[e.target] else ""
                found.setdefault(e.target, "")
                found[e.target] = found[e.target] or new(wish(e.target, e.value) + plural)
        return found

    def _locals(self) -> dict[MatrixSymbol, str]:
        """What an entry of each value is called in a loop."""
        equations = [e for d in (self.forward, self.step, self.backward) for e in d.sweep.equations]
        found: dict[MatrixSymbol, str] = {}
        for e in equations:
            if e.target not in found:
                found[e.target] = self.names.new(wish(e.target, e.value))
        return found

    # ── places ──

    def _keep(self, saved: Sequence[MatrixSymbol]) -> None:
        """What stays in the memory between forward and backward: what is made of parameters, and what is saved."""
        kept = self.forward.kept()
        for e in self.forward.sweep["once"]:
            if e.target in kept:
                self.pack.add(self.arrays[e.target], SHARED, _count(e.target))
        ours = {*self.cell.outputs, *self.cell.inputs, *self.cell.previous}
        for s in saved:
            if s not in ours and s in self.forward.sweep.program.definitions and self.arrays[s] not in self.pack.arrays:
                sample = ALL if self.forward.kinds.batched[s] else SHARED
                self.tape.add(self.arrays[s], sample, _count(s))

    def given(self, sample: str = ALL) -> dict[MatrixSymbol, Place]:
        """The places of what a caller gives: parameters, inputs, states, the output."""
        cell = self.cell
        found = {p: whole(f"params->{member(p.name)}", SHARED, p) for p in cell.parameters}
        found |= {x: whole(self.arrays[x], sample, x) for x in cell.inputs}
        output = cell.values[cell.output]
        found[output] = whole(self.arrays[output], sample, output)
        for s in cell.states:
            found[s.previous] = whole(self.arrays[s.previous], sample, s.previous)
            found[s.next] = whole(self.arrays[s.next], NEXT if sample == ALL else sample, s.next)
        return found

    def remembered(self, memory: Memory) -> dict[MatrixSymbol, Place]:
        """The places of what a memory holds."""
        by_name = {name: s for s, name in self.arrays.items()}
        return {by_name[a]: whole(a, sample, by_name[a]) for a, (sample, _) in memory.arrays.items()}

    def own(self, direction: Direction, places: dict[MatrixSymbol, Place], alone: bool = False) -> Memory:
        """Places for what a function computes for itself, and the memory that they take."""
        memory = Memory("work", self.names.sizes)
        phases = direction.used_in()
        stacks: dict[MatrixSymbol, set[Phase]] = {}
        for s, m in direction.members.items():
            stacks.setdefault(m.stack, set()).update(phases[s])
        for s in [e.target for e in direction.sweep.equations]:
            if s in direction.kept() and s not in direction.members and s not in places:
                used = phases[s] | stacks.get(s, set())
                sample = SHARED if not direction.kinds.batched[s] else STEP if alone or used == {"loop"} else ALL
                places[s] = whole(self.arrays[s], sample, s)
                memory.add(self.arrays[s], sample, _count(s))
        for s, m in direction.members.items():
            places[s] = replace(places[m.stack].rows_from(m.start))
        return memory

    # ── functions ──

    def calls(self, direction: Direction, places: Mapping[MatrixSymbol, Place]) -> Calls:
        entries = Entries(places, self.constants, self.names.sizes, self.words, helpers=self.helpers)
        return Calls(entries, direction.kinds, direction.kept(), self.locals, "real")

    def functions(self) -> list[Function]:
        found = [self.pack_size(), self.pack_function()] if self.pack.arrays else []
        own = self.forward_memory, self.backward_memory = Memory("", {}), Memory("", {})
        sequence = [self.forward_function(), self.backward_function()]
        del own
        return [*found, *self.step_functions(), self.work_size(), *sequence]

    def pack_size(self) -> Function:
        words = f"How many numbers {self.prefix}_pack writes."
        return self.function([words], "size_t", "pack_size", [], [f"return {self.pack.amount()};"])

    def pack_function(self) -> Function:
        places = self.given() | self.remembered(self.pack)
        lines = self.calls(self.forward, places).lines(self.forward.works["once"], EVERY)
        pointers = replace(self.pack, base="pack").pointers(_used(self.pack, lines), "real")
        words = ["What depends on the parameters only: weights side by side, as the products take them."]
        return self.function(words, "void", "pack", [_PARAMS, _PACK], [*pointers, *lines])

    def step_functions(self) -> list[Function]:
        places = self.given(STEP) | self.remembered(self.pack)
        for s in self.cell.states:
            name = member(s.name)
            places[s.previous] = whole(f"prev->{name}", STEP, s.previous)
            places[s.next] = whole(f"next->{name}", STEP, s.next)
        pack, work = replace(self.pack, base="pack"), self.own(self.step, places, alone=True)
        lines = self.calls(self.step, places).lines(self.step.works["loop"], ONE_STEP)
        pointers = [
            *_const(pack.pointers(_used(pack, lines), "real")),
            *work.pointers(_used(work, lines), "real"),
        ]
        arguments = [_B, *self.params(), *([_PACK_IN] if self.pack.arrays else []), *self.xs(), *self.step_states()]
        words = ["One step of B samples.  The states before it and after it are in different memory; work has", f"{self.prefix}_step_size(B) numbers."]
        size = self.function(
            [f"How much memory {self.prefix}_step works in."], "size_t", "step_size", [_B], [f"return {work.amount()};"]
        )
        return [size, self.function(words, "void", "step", [*arguments, *self.ys(), _WORK], [*pointers, *lines])]

    def forward_function(self) -> Function:
        places = self.given() | self.remembered(self.pack) | self.remembered(self.tape)
        own = self.forward_memory = self.own(self.forward, places)
        lines = self.sequence_lines(self.calls(self.forward, places), self.forward)
        packed = [f"{self.prefix}_pack({self.sizes_argument()}params, work);"] if self.pack.arrays else []
        memory = self.joined(own)
        body = [*self.state_pointers(lines, "states", ""), *memory.pointers(_used(memory, lines), "real"), *packed, *lines]
        arguments = [_T, _B, *self.params(), *self.xs(), *self.states(), *self.ys(), _WORK]
        words = [
            "T steps of B samples.  states has (T + 1, B, ...): those before the first step, which are given, and those",
            f"after each; work has {self.prefix}_work_size(T, B) numbers, of which the backward pass takes what it needs.",
        ]
        return self.function(words, "void", "forward", arguments, body)

    def backward_function(self) -> Function:
        d, cell = self.backward, self.cell
        places = self.given() | self.remembered(self.pack) | self.remembered(self.tape)
        output = cell.values[cell.output]
        loss = like(output, "loss")
        places[loss] = whole(self.arrays[loss], ALL, loss)
        places |= {like(x, "bar"): whole(self.arrays[like(x, "bar")], ALL, x) for x in cell.inputs}
        places |= {like(p, "grad"): whole(f"grads->{member(p.name)}", SHARED, p) for p in cell.parameters}
        own = Memory("work", self.names.sizes)
        for s in cell.states:
            before, after = like(s.previous, "bar"), like(s.next, "carry")
            places[before] = whole(self.arrays[before], STEP if d.in_place else ALL, before)
            places[after] = whole(self.arrays[after], STEP if d.in_place else NEXT, after)
            if not d.in_place:
                own.add(self.arrays[before], NEXT, _count(before))
        own.arrays |= self.own(d, places).arrays
        self.backward_memory = own
        calls = self.calls(d, places)
        once = calls.lines(d.works["once"], EVERY)
        lines = [*self.cleared(d, places, calls), *once, *self.carried(True), *self.sequence_lines(calls, d, back=True)]
        lines += self.carried(False)
        memory = self.joined(own)
        pointers = [
            *_const(self.state_pointers(lines, "states", "")),
            *self.state_pointers(lines, "d_states", "carry") * d.in_place,
            *memory.pointers(_used(memory, lines), "real"),
        ]
        arguments = [_T, _B, *self.params(), *self.xs(), *self.states(), *_read(self.ys()), Argument("const @_real *", self.arrays[loss])]
        arguments += [*([_D_STATES] if cell.states else []), *([_GRADS] if cell.parameters else [])]
        arguments += [Argument("@_real *", self.arrays[like(x, "bar")]) for x in cell.inputs]
        words = [
            "The gradients of a loss, back through the steps of a forward pass that was given the same arguments.",
        ]
        return self.function(words, "void", "backward", [*arguments, _WORK], [*pointers, *lines])

    def carried(self, begin: bool) -> list[str]:
        """Where what is carried has an array of all steps: its last row from the caller, its first one to the caller."""
        if self.backward.in_place:
            return []
        lines = []
        for s in self.cell.states:
            name, size = self.arrays[like(s.previous, "bar")], Memory("", self.names.sizes)
            size.add(name, STEP, _count(s.previous))
            count, d = size.amount(), f"d_states->{member(s.name)}"
            if begin:
                lines.append(f"memcpy({name} + T * {count}, {d}, {count} * sizeof(real));")
            else:
                lines.append(f"memcpy({d}, {name}, {count} * sizeof(real));")
        return lines

    def cleared(self, d: Direction, places: Mapping[MatrixSymbol, Place], calls: Calls) -> list[str]:
        """Zeros where sums over all samples begin."""
        found: dict[MatrixSymbol, None] = {}
        for _, w in d.all_works():
            for u in w.items if isinstance(w, Nest) else [w]:
                if isinstance(u, (Item, Multiply)) and u.added:
                    found[u.target] = None
        return [f"memset({places[s].array}, 0, {calls.entries.scaled('sizeof(real)', _count(s))});" for s in found]

    def work_size(self) -> Function:
        kept = Memory("", self.names.sizes, {**self.pack.arrays, **self.tape.arrays})
        lines = [
            f"const size_t kept = {kept.amount()};",
            f"const size_t forward = {self.forward_memory.amount()};",
            f"const size_t backward = {self.backward_memory.amount()};",
            "return kept + (forward > backward ? forward : backward);",
        ]
        words = [f"How much memory {self.prefix}_forward and {self.prefix}_backward work in."]
        return self.function(words, "size_t", "work_size", [_T, _B], lines)

    def joined(self, own: Memory) -> Memory:
        return Memory("work", self.names.sizes, {**self.pack.arrays, **self.tape.arrays, **own.arrays})

    def sequence_lines(self, calls: Calls, direction: Direction, back: bool = False) -> list[str]:
        """What is done for all steps, step by step, and for all steps again."""
        loop = calls.lines(direction.works["loop"], AT_STEP)
        head = "for (size_t t = T; t-- > 0;) {" if back else "for (size_t t = 0; t < T; ++t) {"
        return [
            *calls.lines(direction.works["before"], EVERY),
            *([head, *indented(loop), "}"] if loop else []),
            *calls.lines(direction.works["after"], EVERY),
        ]

    def function(
        self, words: Sequence[str], kind: str, name: str, arguments: Sequence[Argument], lines: Sequence[str]
    ) -> Function:
        """A function of the sizes that are given at run time, and of its arguments."""
        given = [Argument(f"{self.prefix}_sizes ", "sizes")] if self.open_sizes else []
        filled = [Argument(a.declaration.replace("@", self.prefix), a.name) for a in arguments]
        sizes = self.names.sizes
        used = [z for z in self.open_sizes if _uses(lines, sizes[z])]
        read = [f"const size_t {', '.join(f'{sizes[z]} = sizes.{member(str(z))}' for z in used)};"] if used else []
        return Function(tuple(words), kind, f"{self.prefix}_{name}", (*given, *filled), (*read, *lines))

    # ── arguments ──

    @property
    def open_sizes(self) -> list[Symbol]:
        return [z for z in self.cell.sizes if str(z) not in self.options.sizes]

    def sizes_argument(self) -> str:
        return "sizes, " if self.open_sizes else ""

    def params(self) -> list[Argument]:
        return [_PARAMS] if self.cell.parameters else []

    def xs(self) -> list[Argument]:
        return [Argument("const @_real *", self.arrays[x]) for x in self.cell.inputs]

    def ys(self) -> list[Argument]:
        output = self.cell.values[self.cell.output]
        return [] if self.output_is_state else [Argument("@_real *", self.arrays[output])]

    @property
    def output_is_state(self) -> bool:
        return self.cell.output in {s.name for s in self.cell.states}

    def states(self) -> list[Argument]:
        return [Argument("const @_states *", "states")] if self.cell.states else []

    def step_states(self) -> list[Argument]:
        return [Argument("const @_states *", w) for w in ("prev", "next")] if self.cell.states else []

    def state_pointers(self, lines: Sequence[str], source: str, mark: str) -> list[str]:
        names = {s: self.arrays[like(s.previous, "bar")] if mark else self.arrays[s.previous] for s in self.cell.states}
        return [f"real *{a} = {source}->{member(s.name)};" for s, a in names.items() if _uses(lines, a)]

    # ── the files ──

    def texts(self, about: Sequence[str], stem: str) -> tuple[str, str]:
        """The header and the source, which includes it as `stem`.h."""
        functions = self.functions()
        used = sorted(self.helpers - {"multiply"})
        single = self.options.single
        values = {
            "title": about[0],
            "about": about[1:],
            "prefix": self.prefix,
            "macro": self.prefix.upper(),
            "flags": [],
            "guard": f"{self.prefix.upper()}_HEADER",
            "header": f"{stem}.h",
            "include": f'#include "{stem}.h"',
            "type": "float" if single else "double",
            "types": self.types(),
            "functions": functions,
            "constants": [
                f"static const real {name} = {self.words.number(self.cell.constants[c.name])};"
                for c, name in self.constants.items()
            ],
            "helpers": [*helper_texts(used, single), *self.words.defined.values()],
            "multiplies": "multiply" in self.helpers,
            "blas": "cblas_sgemm" if single else "cblas_dgemm",
        }
        return render("c.h.j2", **values), render("c.c.j2", **values)

    def types(self) -> list[str]:
        cell, real = self.cell, f"{self.prefix}_real"
        blocks = []
        fixed = [z for z in cell.sizes if z not in self.open_sizes]
        if fixed:
            parts = ", ".join(f"{self.prefix.upper()}_{member(str(z))} = {self.options.sizes[str(z)]}" for z in fixed)
            blocks.append(f"enum {{ {parts} }};")
        if self.open_sizes:
            blocks.append(_struct([f"size_t {', '.join(member(str(z)) for z in self.open_sizes)};"], f"{self.prefix}_sizes"))
        if cell.parameters:
            shapes = [(member(p.name), self.shape(p)) for p in cell.parameters]
            blocks.append(_struct([f"const {real} *{a}; /* {s} */" for a, s in shapes], f"{self.prefix}_params"))
            blocks.append(_struct([f"{real} *{a};" for a, _ in shapes], f"{self.prefix}_grads"))
        if cell.states:
            lines = [f"{real} *{member(s.name)}; /* {self.shape(s.next)} */" for s in cell.states]
            blocks.append(_struct(lines, f"{self.prefix}_states"))
        return blocks

    def shape(self, symbol: MatrixSymbol) -> str:
        rows, columns = symbol.shape
        return f"({rows})" if columns == 1 else f"({rows}, {columns})"


def _struct(lines: Iterable[str], name: str) -> str:
    return "\n".join(["typedef struct {", *indented(lines), f"}} {name};"])


def _const(lines: Iterable[str]) -> list[str]:
    return [f"const {line}" for line in lines]


def _read(arguments: Iterable[Argument]) -> list[Argument]:
    return [Argument(f"const {a.declaration}", a.name) for a in arguments]


_T, _B = Argument("size_t ", "T"), Argument("size_t ", "B")
_PARAMS = Argument("const @_params *", "params")
_PACK, _PACK_IN = Argument("@_real *", "pack"), Argument("const @_real *", "pack")
_WORK = Argument("@_real *", "work")
_D_STATES, _GRADS = Argument("const @_states *", "d_states"), Argument("const @_grads *", "grads")


def _one_step(sweep: Sweep, cell: Cell) -> Sweep:
    """A flat sweep as one step, for the outputs alone."""
    needed = {e.target for e in sweep.program.needed_for(cell.outputs).equations}
    kept = {p: [e for e in sweep[p] if e.target in needed] for p in PHASES}
    loop = [*kept["before"], *kept["loop"], *kept["after"]]
    return replace(sweep, wanted=cell.outputs).changed({"once": kept["once"], "before": [], "loop": loop, "after": []})


def _count(symbol: MatrixSymbol) -> Expr:
    return symbol.shape[0] * symbol.shape[1]


def _used(memory: Memory, lines: Iterable[str]) -> list[str]:
    return [name for name in memory.arrays if _uses(lines, name)]
