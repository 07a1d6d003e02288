"""The functions of a generated C file: pack, step, forward, backward, and those that tell how much memory they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import MatrixSymbol

from lstmgraph.algebra.names import like
from lstmgraph.cell import State
from lstmgraph.codegen.code import WIDTH
from lstmgraph.codegen.loops.calls import AT_STEP, EVERY, ONE_STEP, Calls, indented, uses
from lstmgraph.codegen.loops.comments import comment, in_words, sentence, shapes
from lstmgraph.codegen.loops.entries import Entries
from lstmgraph.codegen.loops.layout import Layout, Options, count
from lstmgraph.codegen.loops.memory import Memory, larger
from lstmgraph.codegen.loops.nests import Item, Multiply, Nest
from lstmgraph.codegen.loops.places import ALL, NEXT, SHARED, STEP, Direction, Place, whole
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.wrap import wrapped


@dataclass(frozen=True)
class Argument:
    declaration: str
    name: str


@dataclass(frozen=True)
class Function:
    """A function of the file: what its comment says, its type, arguments and lines.

    `macro` is of what it returns, where that is a constant but for its arguments.
    """

    words: tuple[str, ...]
    type: str
    name: str
    arguments: tuple[Argument, ...]
    body: tuple[str, ...]
    macro: str = ""

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
        unused = [f"(void){a.name};" for a in self.arguments if not uses(self.body, a.name)]
        lines = [part for line in indented([*unused, *self.body]) for part in _head_apart(line)]
        body = [part for line in lines for part in wrapped(line)]
        return "\n".join([self.prototype, "{", *body, "}"])


class Functions(Layout):
    """Those of one cell."""

    def __init__(self, plan: Plan, options: Options) -> None:
        super().__init__(plan, options)
        self.helpers: set[str] = set()
        self.step_memory = self.forward_memory = self.backward_memory = Memory("work", self.names.sizes)
        self.functions = self._functions()

    def calls(self, direction: Direction, places: Mapping[MatrixSymbol, Place]) -> Calls:
        entries = Entries(places, self.constants, self.names.sizes, self.words, helpers=self.helpers)
        return Calls(entries, direction.kinds, direction.kept(), self.locals, "real")

    def _functions(self) -> list[Function]:
        found = [self.pack_size(), self.pack_function()] if self.pack.arrays else []
        sequence = [self.forward_function(), self.backward_function()]  # the sizes come after them, and stand before
        return [*found, *self.step_functions(), self.work_size(), *sequence]

    @property
    def packs(self) -> frozenset[str]:
        """The functions that take packed parameters."""
        start = len(self.prefix) + 1
        return frozenset(f.name[start:] for f in self.functions if any(a.name == "pack" for a in f.arguments))

    def pack_size(self) -> Function:
        words = f"How many numbers {self.prefix}_pack writes."
        return self.size_function(words, "pack_size", [], [f"return {self.pack.amount()};"], self.pack)

    def pack_function(self) -> Function:
        places = self.given() | self.remembered(self.pack)
        lines = self.calls(self.forward, places).lines(self.forward.works["once"], EVERY)
        pointers = replace(self.pack, base="pack").pointers(_used(self.pack, lines), "real")
        words = ["What depends on the parameters only: weights side by side, as the products take them."]
        words = words if self.cell.parameters else ["What depends on constants only."]
        return self.function(words, "void", "pack", [*self.params(), _PACK], [*pointers, *lines])

    def step_functions(self) -> list[Function]:
        places = self.given(STEP) | self.remembered(self.pack)
        for s in self.cell.states:
            name = self.members[s.name]
            places[s.previous] = whole(f"prev->{name}", STEP, s.previous)
            places[s.next] = whole(f"next->{name}", STEP, s.next)
        pack = replace(self.pack, base="pack")
        work = self.step_memory = self.own(self.step, places, alone=True)
        lines = self.calls(self.step, places).lines(self.step.works["loop"], ONE_STEP)
        pointers = [
            *_const(pack.pointers(_used(pack, lines), "real")),
            *work.pointers(_used(work, lines), "real"),
        ]
        arguments = [_B, *self.params(), *self.packed(), *self.xs(), *self.step_states()]
        words = comment(
            "One step of B samples.",
            sentence(shapes("B", self.at_samples())),
            "Each state is (B, ...), before the step (prev) and after it (next), in different memory."
            * bool(self.cell.states),
            f"work has {self.prefix}_step_size({self.sizes_argument()}B) numbers.",
            self.read_of_params(lines),
        )
        says = f"How much memory {self.prefix}_step works in."
        size = self.size_function(says, "step_size", [_B], [f"return {work.amount()};"], work)
        return [size, self.function(words, "void", "step", [*arguments, *self.ys(), _WORK], [*pointers, *lines])]

    def read_of_params(self, lines: Sequence[str]) -> str:
        """What a caller must give of the parameters, where that is not all of them: of the others pack has all."""
        words = [self.members[p.name] for p in self.cell.parameters]
        read = [w for w in words if any(re.search(rf"\bparams->{w}\b", line) for line in lines)]
        if len(read) == len(words):
            return ""
        return f"Of params it reads {in_words(read)}: the others may be null." if read else "It reads none of params."

    def forward_function(self) -> Function:
        places = self.given() | self.remembered(self.pack) | self.taped() | self.roots()
        own = self.forward_memory = self.own(self.forward, places)
        lines = self.sequence_lines(self.calls(self.forward, places), self.forward)
        memory, pack = self.joined(own), replace(self.pack, base="pack")
        pointers = [
            *_const(pack.pointers(_used(pack, lines), "real")),
            *self.state_pointers(lines),
            *memory.pointers(_used(memory, lines), "real"),
        ]
        arguments = [_T, _B, *self.params(), *self.packed(), *self.xs(), *self.states(), *self.ys(), _WORK]
        words = comment(
            "T steps of B samples.",
            sentence(shapes("T, B", self.at_samples())),
            "Each state is (T + 1, B, ...): before the first step, which is given, and after each."
            * bool(self.cell.states),
            f"work has {self.prefix}_work_size({self.sizes_argument()}T, B) numbers; backward takes it as it is then.",
        )
        return self.function(words, "void", "forward", arguments, [*pointers, *lines])

    def backward_function(self) -> Function:
        d, places = self.backward, self.backward_places()
        own = self.backward_memory = self.backward_own(places)
        calls = replace(self.calls(d, places), parts=self.parts(d, own))
        once = calls.lines(d.works["once"], EVERY)
        lines = [*self.cleared(d, calls), *once, *self.carried(True), *self.sequence_lines(calls, d, back=True)]
        lines += self.carried(False)
        memory, pack = self.joined(own), replace(self.pack, base="pack")
        pointers = [
            *_const(pack.pointers(_used(pack, lines), "real")),
            *_const(self.state_pointers(lines)),
            *self.carry_pointers(lines),
            *memory.pointers(_used(memory, lines), "real"),
        ]
        packed = self.packed() if uses(pointers, "pack") else []
        words = self.backward_words()
        return self.function(words, "void", "backward", self.backward_arguments(packed), [*pointers, *lines])

    def backward_words(self) -> list[str]:
        cell = self.cell
        output = cell.values[cell.output]
        inputs = {self.arrays[like(x, "bar")]: x for x in cell.inputs}
        written = [*(["grads"] if cell.parameters else []), *inputs]
        return comment(
            "The gradients of a loss, back through the steps of a forward pass that was given the same arguments.",
            sentence(shapes("T, B", {self.arrays[like(output, "loss")]: output, **inputs})),
            "d_states are (B, ...): they go in as the gradients of the last states, and come out as those of the first."
            * bool(cell.states),
            sentence(f"What is in {' and '.join(written)} before is written over" * bool(written)),
        )

    def backward_places(self) -> dict[MatrixSymbol, Place]:
        """Where the way back has its values: what is given, and what it hands to the caller."""
        cell = self.cell
        places = self.given() | self.remembered(self.pack) | self.taped()
        for s in [like(cell.values[cell.output], "loss"), *(like(x, "bar") for x in cell.inputs)]:
            places[s] = whole(self.arrays[s], ALL, s)
        places |= {like(p, "grad"): whole(f"grads->{self.members[p.name]}", SHARED, p) for p in cell.parameters}
        for state in cell.states:
            before, after = like(state.previous, "bar"), like(state.next, "carry")
            placed = after in self.backward.placed
            places[before] = whole(self.arrays[before], STEP if placed else ALL, before)
            places[after] = whole(self.arrays[after], STEP if placed else NEXT, after)
        return places

    def backward_own(self, places: dict[MatrixSymbol, Place]) -> Memory:
        """Places for what the way back computes for itself, and the memory of it and of what is carried in arrays."""
        found = Memory("work", self.names.sizes)
        for s in self.kept_states():
            before = like(s.previous, "bar")
            found.add(self.arrays[before], NEXT, count(before))
        found.arrays |= self.own(self.backward, places).arrays
        return found

    def parts(self, d: Direction, memory: Memory) -> dict[MatrixSymbol, Place]:
        """Places in the memory for the sums of some samples, of what loops over entries sum over all."""
        items = [item for _, w in d.all_works() if isinstance(w, Nest) and w.batched for item in w.items if item.added]
        found = {}
        for s in dict.fromkeys(item.target for item in items):
            found[s] = whole(self.names.new(f"part_of_{self.arrays[s]}"), SHARED, s)
            memory.add(found[s].array, SHARED, count(s))
        return found

    def backward_arguments(self, packed: Sequence[Argument]) -> list[Argument]:
        cell = self.cell
        loss = like(cell.values[cell.output], "loss")
        return [
            *(_T, _B, *self.params(), *packed, *self.xs(), *self.states(), *_read(self.ys())),
            Argument("const @_real *", self.arrays[loss]),
            *([_D_STATES] if cell.states else []),
            *([_GRADS] if cell.parameters else []),
            *(Argument("@_real *", self.arrays[like(x, "bar")]) for x in cell.inputs),
            _WORK,
        ]

    def carried(self, begin: bool) -> list[str]:
        """Where what is carried has an array of all steps: the last row is the caller's, the first one goes back."""
        lines = []
        for s in self.kept_states():
            name, size = self.arrays[like(s.previous, "bar")], Memory("", self.names.sizes)
            size.add(name, STEP, count(s.previous))
            amount, d = size.amount(), f"d_states->{self.members[s.name]}"
            if begin:
                lines.append(f"memcpy({name} + T * {amount}, {d}, {amount} * sizeof(real));")
            else:
                lines.append(f"memcpy({d}, {name}, {amount} * sizeof(real));")
        return lines

    def kept_states(self) -> list[State]:
        """Those of which what is carried back is kept of all steps."""
        return [s for s in self.cell.states if like(s.next, "carry") not in self.backward.placed]

    def cleared(self, d: Direction, calls: Calls) -> list[str]:
        """Zeros where sums over samples begin."""
        found: dict[MatrixSymbol, None] = {}
        for _, w in d.all_works():
            for u in w.items if isinstance(w, Nest) else [w]:
                if isinstance(u, (Item, Multiply)) and u.added:
                    found[u.target] = None
        sums = [(s, at[s].array) for s in found for at in (calls.entries.places, calls.parts) if s in at]
        return [f"memset({array}, 0, {calls.entries.scaled('sizeof(real)', count(s))});" for s, array in sums]

    def work_size(self) -> Function:
        kept = Memory("", self.names.sizes, self.tape.arrays)
        lines = [f"const size_t kept = {kept.amount()};", f"const size_t backward = {self.backward_memory.amount()};"]
        if self.forward_memory.arrays:
            lines.insert(1, f"const size_t forward = {self.forward_memory.amount()};")
            lines.append("return kept + (forward > backward ? forward : backward);")
        else:
            lines.append("return kept + backward;")
        words = f"How much memory {self.prefix}_forward and {self.prefix}_backward work in."
        both = self.joined(self.forward_memory), self.joined(self.backward_memory)
        return self.size_function(words, "work_size", [_T, _B], lines, *both)

    def size_function(
        self, words: str, name: str, arguments: Sequence[Argument], lines: Sequence[str], *memories: Memory
    ) -> Function:
        """How much the larger of some memories is: by these lines, or where all sizes are numbers by a macro.

        Of a macro there can be an array that is not allocated.
        """
        if self.open_sizes:
            return self.function([words], "size_t", name, arguments, lines)
        numbers = {z: self.options.sizes[str(z)] for z in self.cell.sizes}
        first, *others = (m.fixed(numbers) for m in memories)
        value = larger(first, others[0]) if others else first.text
        called = f"{self.prefix}_{name}".upper() + f"({', '.join(a.name for a in arguments)})" * bool(arguments)
        unused = [f"(void){a.name};" for a in arguments if f"({a.name})" not in value]
        found = self.function([words], "size_t", name, arguments, [*unused, f"return {called};"])
        return replace(found, macro=f"#define {called} ({value})")

    def joined(self, own: Memory) -> Memory:
        return Memory("work", self.names.sizes, {**self.tape.arrays, **own.arrays})

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
        used = [z for z in self.open_sizes if uses(lines, sizes[z])]
        read = (
            [f"const size_t {', '.join(f'{sizes[z]} = sizes.{self.members[str(z)]}' for z in used)};"] if used else []
        )
        return Function(tuple(words), kind, f"{self.prefix}_{name}", (*given, *filled), (*read, *lines))

    # ── arguments ──

    def sizes_argument(self) -> str:
        return "sizes, " if self.open_sizes else ""

    def params(self) -> list[Argument]:
        return [_PARAMS] if self.cell.parameters else []

    def packed(self) -> list[Argument]:
        return [_PACK_IN] if self.pack.arrays else []

    def xs(self) -> list[Argument]:
        return [Argument("const @_real *", self.arrays[x]) for x in self.cell.inputs]

    def ys(self) -> list[Argument]:
        output = self.cell.values[self.cell.output]
        return [] if self.output_is_state else [Argument("@_real *", self.arrays[output])]

    def at_samples(self) -> dict[str, MatrixSymbol]:
        """The inputs, and the output if it is an array of its own, by the names of their arguments."""
        output = [] if self.output_is_state else [self.cell.values[self.cell.output]]
        return {self.arrays[a]: a for a in [*self.cell.inputs, *output]}

    def states(self) -> list[Argument]:
        return [Argument("const @_states *", "states")] if self.cell.states else []

    def step_states(self) -> list[Argument]:
        return [Argument("const @_states *", w) for w in ("prev", "next")] if self.cell.states else []

    def state_pointers(self, lines: Sequence[str]) -> list[str]:
        return self.pointers({s: self.arrays[s.previous] for s in self.cell.states}, lines, "states")

    def carry_pointers(self, lines: Sequence[str]) -> list[str]:
        """To what is carried back in the place of what the caller gives."""
        kept = self.kept_states()
        names = {s: self.arrays[like(s.previous, "bar")] for s in self.cell.states if s not in kept}
        return self.pointers(names, lines, "d_states")

    def pointers(self, names: Mapping[State, str], lines: Sequence[str], source: str) -> list[str]:
        return [f"real *{a} = {source}->{self.members[s.name]};" for s, a in names.items() if uses(lines, a)]


def _head_apart(line: str) -> list[str]:
    """A loop of one line as it is; where that is too long, its head and below it what it does."""
    return (
        re.sub(r"^( *)(for \(.*?\+\+\w+\)) (?=\w)", r"\1\2\n\1    ", line).split("\n") if len(line) > WIDTH else [line]
    )


def _const(lines: Iterable[str]) -> list[str]:
    return [f"const {line}" for line in lines]


def _read(arguments: Iterable[Argument]) -> list[Argument]:
    return [Argument(f"const {a.declaration}", a.name) for a in arguments]


_T, _B = Argument("size_t ", "T"), Argument("size_t ", "B")
_PARAMS = Argument("const @_params *", "params")
_PACK, _PACK_IN = Argument("@_real *", "pack"), Argument("const @_real *", "pack")
_WORK = Argument("@_real *", "work")
_D_STATES, _GRADS = Argument("const @_states *", "d_states"), Argument("const @_grads *", "grads")


def _used(memory: Memory, lines: Iterable[str]) -> list[str]:
    return [name for name in memory.arrays if uses(lines, name)]
