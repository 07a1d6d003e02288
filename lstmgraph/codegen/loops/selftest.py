"""The test that a generated C file holds of itself: a `main` that runs a few steps and compares sums of the results.

It runs a sequence there and back, and the step alone, which must give what the sequence's first step gives.

What goes in follows a rule, `filled`, so that the file need not hold it; what comes out is told by one number for each
array.  The numbers are those of a `Reference`, which this package is given: it does not compute cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.codegen.code import WIDTH
from lstmgraph.codegen.loops.functions import Functions
from lstmgraph.codegen.loops.memory import Memory
from lstmgraph.codegen.loops.places import ALL, NEXT, SHARED, STEP
from lstmgraph.codegen.wrap import wrapped
from lstmgraph.templates import render

T, B = 3, 2
COUNTS = {SHARED: 1, ALL: T * B, STEP: B, NEXT: (T + 1) * B}

MARGIN = 4.0  # how many times what rounding costs: code rounds elsewhere, and may round oftener
UNIT = 2.0**-29  # that of double precision, in those of single precision

# So many numbers of parameters has a file that tests itself at most: what comes out is computed at its own sizes.
LARGEST = 100_000

Counted = tuple[str, int]  # an array's name, and how many entries it has


@dataclass(frozen=True)
class Expected:
    """`sums` has for the name of each result Σ weight(k) times its entry k; what went in was in [low, low + span).

    `lost` says what rounding costs each sum in single precision, as a part of the sum of what is added, and of 1.
    """

    low: float
    span: float
    sums: Mapping[str, float]
    lost: Mapping[str, float]


# From the numbers of sizes, steps and samples; nothing where the results are not finite.
Reference = Callable[[Mapping[Symbol, int], int, int], Expected | None]


def sizes_of(functions: Functions) -> dict[Symbol, int]:
    """The sizes of the test: those that are fixed, else 2, 3, ..."""
    given = functions.options.sizes
    return {z: given.get(str(z), 2 + k % 4) for k, z in enumerate(functions.cell.sizes)}


def is_small(functions: Functions) -> bool:
    """Whether the file can test itself in little time."""
    test = _Test(functions, sizes_of(functions))
    return sum(map(test.entries, functions.cell.parameters)) <= LARGEST


def expected_of(functions: Functions, reference: Reference) -> Expected | None:
    """What comes out of the test."""
    return reference(sizes_of(functions), T, B)


def selftest(functions: Functions, expected: Expected) -> str:
    """The `main` of a file, within its #ifdef."""
    writer = _Test(functions, sizes_of(functions))
    lines = [part for line in writer.lines(expected) for part in wrapped(line, WIDTH - 4)]
    number = functions.words.number
    return render(
        "c_selftest.c.j2",
        macro=functions.prefix.upper(),
        prefix=functions.prefix,
        span=number(expected.span),
        shift=number(-expected.low),
        lines=lines,
        count=len(expected.sums) + len(list(writer.step_results())),
    )


@dataclass
class _Test:
    functions: Functions
    sizes: Mapping[Symbol, int]

    def count(self, size: Expr) -> int:
        return int(size.subs(self.sizes)) if size.free_symbols else int(size)

    def entries(self, symbol: MatrixSymbol) -> int:
        return self.count(symbol.shape[0] * symbol.shape[1])

    def amount(self, *memories: Memory) -> int:
        return max(1, sum(self.count(e) * COUNTS[s] for m in memories for s, e in m.arrays.values()))

    def lines(self, expected: Expected) -> Iterator[str]:
        f, cell = self.functions, self.functions.cell
        output = cell.values[cell.output]
        yield f"enum {{ T = {T}, B = {B} }};"
        yield "int failures = 0;"
        if f.open_sizes:
            yield f"const {f.prefix}_sizes sizes = {{{', '.join(str(self.sizes[z]) for z in f.open_sizes)}}};"
        yield from self.structs()
        arrays = [(f.arrays[x], T * B * self.entries(x)) for x in cell.inputs]
        d_output = (f.arrays[like(output, "loss")], T * B * self.entries(output))
        d_inputs = [(f.arrays[like(x, "bar")], n) for x, (_, n) in zip(cell.inputs, arrays, strict=True)]
        outputs = [] if f.output_is_state else [(f.arrays[output], T * B * self.entries(output))]
        one = [] if f.output_is_state else [("next_output", self.entries(output))]
        packed = [("pack", self.amount(f.pack))] if f.pack.arrays else []
        own = max(self.amount(f.forward_memory), self.amount(f.backward_memory))
        work = [("work", max(self.amount(f.tape) + own, self.amount(f.step_memory)))]
        for name, n in [*arrays, d_output, *d_inputs, *outputs, *one, *packed, *work]:
            yield f"static real {name}[{n}];"
        yield from self.filling(arrays, d_output)
        yield from self.calls()
        for name, pointer, n in self.results(d_inputs, outputs):
            allowed = self.tolerance(expected.lost[name])
            yield f'failures += wrong("{name}", {n}, {pointer}, {expected.sums[name]!r}, {allowed});'
        for name, pointer, n, same in self.step_results():
            allowed = self.tolerance(expected.lost[name])
            yield f'failures += wrong("{name} of a step", {n}, {pointer}, weighted({n}, {same}), {allowed});'

    def tolerance(self, lost: float) -> str:
        """As a part of the sum of what is added: more than usual only where rounding costs more."""
        least, unit = (1e-5, 1.0) if self.functions.options.single else (1e-12, UNIT)
        return f"{max(least, MARGIN * unit * lost):.0e}".replace("e-0", "e-")

    def calls(self) -> Iterator[str]:
        """Of all functions that compute: the step is that of the sequence's first sample."""
        f = self.functions
        step = {"B": "1", "prev": "&states", "next": "&next"}
        if not f.output_is_state:
            step[f.arrays[f.cell.values[f.cell.output]]] = "next_output"
        for called in f.functions:
            short = called.name[len(f.prefix) + 1 :]
            if called.type == "void":
                own = step if short == "step" else {}
                given = (own.get(a.name, _by_reference(a.declaration, a.name, f.prefix)) for a in called.arguments)
                yield f"{called.name}({', '.join(given)});"

    def structs(self) -> Iterator[str]:
        f, cell = self.functions, self.functions.cell
        rows = [("params", [(p, self.entries(p)) for p in cell.parameters], "param_")]
        rows += [("grads", [(p, self.entries(p)) for p in cell.parameters], "grad_")]
        named = [(s.next, self.entries(s.next)) for s in cell.states]
        rows += [("states", [(s, (T + 1) * B * n) for s, n in named], "state_")]
        rows += [("d_states", [(s, B * n) for s, n in named], "d_state_"), ("next", named, "next_")]
        for name, members, mark in rows:
            words = [f"{mark}{self.functions.members[name_of(s).base]}" for s, _ in members]
            for word, (_, n) in zip(words, members, strict=True):
                yield f"static real {word}[{n}];"
            if words:
                kind = "states" if name in {"d_states", "next"} else name
                yield f"const {f.prefix}_{kind} {name} = {{{', '.join(words)}}};"

    def filling(self, arrays: list[Counted], d_output: Counted) -> Iterator[str]:
        """In the order of `Sample`: parameters, inputs, states, what arrives at the output and at the last states."""
        cell = self.functions.cell
        states = [(self.functions.members[s.name], B * self.entries(s.next)) for s in cell.states]
        given = [(f"param_{self.functions.members[p.name]}", self.entries(p)) for p in cell.parameters] + arrays
        given += [(f"state_{name}", n) for name, n in states]
        given += [d_output, *((f"d_state_{name}", n) for name, n in states)]
        for name, n in given:
            yield f"fill({n}, {name});"

    def results(
        self, d_inputs: list[tuple[str, int]], outputs: list[tuple[str, int]]
    ) -> Iterator[tuple[str, str, int]]:
        """The name of each result, where it is, and how long."""
        cell = self.functions.cell
        for s in cell.states:
            n, name = B * self.entries(s.next), self.functions.members[s.name]
            yield s.name, f"state_{name} + {n}", T * n
            yield f"bar({s.name})", f"d_state_{name}", n
        for name, n in outputs:
            yield cell.output, name, n
        for p in cell.parameters:
            yield f"grad({p.name})", f"grad_{self.functions.members[p.name]}", self.entries(p)
        for x, (name, n) in zip(cell.inputs, d_inputs, strict=True):
            yield f"bar({name_of(x).base})", name, n

    def step_results(self) -> Iterator[tuple[str, str, int, str]]:
        """The name of each result of the step, where it is, how long, and where the sequence has the same."""
        f, cell = self.functions, self.functions.cell
        for s in cell.states:
            n, name = self.entries(s.next), self.functions.members[s.name]
            yield s.name, f"next_{name}", n, f"state_{name} + {B * n}"
        if not f.output_is_state:
            output = cell.values[cell.output]
            yield cell.output, "next_output", self.entries(output), f.arrays[output]


def _by_reference(declaration: str, name: str, prefix: str) -> str:
    """An argument: a struct that a function takes by its address."""
    return f"&{name}" if "*" in declaration and f"{prefix}_real" not in declaration else name
