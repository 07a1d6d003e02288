"""The test that a generated C file holds of itself: a `main` that runs a few steps and compares sums of the results.

It runs a sequence there and back, and the step alone, which must give what the sequence's first step gives: of few
numbers, and where sizes are given at run time of so many that loops have whole vectors and sums more than one part.
Products of matrices have shapes of their own beside, by which all of `multiply` runs, whatever the cell's are.

What goes in follows a rule, `filled`, so that the file need not hold it; what comes out is told by one number for each
array.  The numbers are those of a `Reference`, which this package is given: it does not compute cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import like, name_of
from lstmgraph.codegen.code import WIDTH, Level
from lstmgraph.codegen.loops.entries import size_code
from lstmgraph.codegen.loops.functions import Argument, Functions
from lstmgraph.codegen.loops.layout import count
from lstmgraph.codegen.loops.memory import Memory
from lstmgraph.codegen.loops.places import ALL, NEXT, SHARED, STEP
from lstmgraph.codegen.wrap import wrapped
from lstmgraph.templates import render

MARGIN = 4.0  # how many times what rounding costs: code rounds elsewhere, and may round oftener
UNIT = 2.0**-29  # that of double precision, in those of single precision

# So many numbers of parameters has a file that tests itself at most: what comes out is computed at its own sizes.
LARGEST = 100_000
MOST = 2_000_000  # and so many in `work`, where it runs a second time


@dataclass(frozen=True)
class Expected:
    """`sums` has for the name of each result Σ weight(k) times its entry k; what went in was in [low, low + span).

    `lost` says what rounding costs each sum in single precision, as a part of the sum of what is added, and of 1.
    """

    low: float
    span: float
    sums: Mapping[str, float]
    lost: Mapping[str, float]


Counted = tuple[str, str]  # an array's name, and how many entries it has, in C

# From the numbers of sizes, steps and samples; nothing where the results are not finite.
Reference = Callable[[Mapping[Symbol, int], int, int], Expected | None]


@dataclass(frozen=True)
class Run:
    """T steps of B samples, of sizes that are given there."""

    name: str
    steps: int
    batch: int
    sizes: Mapping[Symbol, int]

    def entries(self, size: Expr) -> int:
        return int(size.subs(self.sizes)) if size.free_symbols else int(size)

    def amount(self, *memories: Memory) -> int:
        """How many numbers are in some memories."""
        each = {SHARED: 1, ALL: self.steps * self.batch, STEP: self.batch, NEXT: (self.steps + 1) * self.batch}
        return sum(self.entries(e) * each[s] for m in memories for s, e in m.arrays.values())


def few(functions: Functions) -> Run:
    """Sizes that are open are 2, 3, ..."""
    return _run(functions, "few", 3, 2, 2)


def many(functions: Functions) -> Run:
    """More entries than a vector of any machine has, and samples in all than one part of a sum has: 128."""
    return _run(functions, "many", 3, 45, 17)


def _run(functions: Functions, name: str, steps: int, batch: int, least: int) -> Run:
    given = functions.options.sizes
    return Run(name, steps, batch, {z: given.get(str(z), least + k % 4) for k, z in enumerate(functions.cell.sizes)})


def is_small(functions: Functions, run: Run) -> bool:
    """Whether what comes out is computed in little time."""
    return sum(run.entries(count(p)) for p in functions.cell.parameters) <= LARGEST


def _works_in_little(functions: Functions, run: Run) -> bool:
    f = functions
    return run.amount(f.tape) + max(run.amount(f.forward_memory), run.amount(f.backward_memory)) <= MOST


def expected_of(functions: Functions, reference: Reference) -> list[tuple[Run, Expected]]:
    """What comes out of the runs of the test: none where it cannot be told of few numbers."""
    runs = [few(functions)]
    if functions.open_sizes and _works_in_little(functions, many(functions)):
        runs.append(many(functions))
    found = []
    for run in runs:
        expected = reference(run.sizes, run.steps, run.batch) if is_small(functions, run) else None
        if expected is None:
            break
        found.append((run, expected))
    return found


def selftest(functions: Functions, expected: Sequence[tuple[Run, Expected]]) -> str:
    """The `main` of a file, within its #ifdef."""
    writer = _Test(functions)
    lines = [part for line in writer.main(expected) for part in wrapped(line, WIDTH - 4)]
    return render(
        "c_selftest.c.j2",
        macro=functions.prefix.upper(),
        prefix=functions.prefix,
        several=len(expected) > 1,
        multiplies="multiply" in functions.helpers,
        least=writer.tolerance(0),
        arrays=sum(1 for _ in writer.arrays()) if functions.open_sizes else 0,
        tested=writer.tested(),
        lines=lines,
    )


@dataclass
class _Test:
    """Writes the parts: in C all amounts are products of the names that the file has for numbers."""

    functions: Functions

    # ── what is expected ──

    def main(self, expected: Sequence[tuple[Run, Expected]]) -> Iterator[str]:
        """A table of sums for each run, and the runs."""
        f, digits = self.functions, "9g" if self.functions.options.single else "17g"
        for run, found in expected:
            names = [name for name, _, _ in self.results()]
            rows = ", ".join(f"{{{found.sums[n]:.{digits}}, {self.tolerance(found.lost[n])}}}" for n in names)
            yield f"static const answer {run.name}[] = {{{rows}}};"
        yield "int failures = 0;"
        for run, found in expected:
            yield f"low = {f.words.number(found.low)}, span = {f.words.number(found.span)};"
            given = ", ".join(str(run.sizes[z]) for z in f.open_sizes)
            sizes = f"({f.prefix}_sizes){{{given}}}, {run.steps}, {run.batch}, " if given else ""
            yield f"failures += {f.prefix}_tested({sizes}{run.name});"
        if "multiply" in f.helpers:
            yield "failures += wrong_products();"

    def tolerance(self, lost: float) -> str:
        """As a part of the sum of what is added: more than usual only where rounding costs more."""
        least, unit = (1e-5, 1.0) if self.functions.options.single else (1e-12, UNIT)
        return f"{max(least, MARGIN * unit * lost):.0e}".replace("e-0", "e-")

    # ── what is computed ──

    def tested(self) -> str:
        """The function that runs once: with sizes of its own, or those that are fixed in memory that is fixed too."""
        f, run = self.functions, few(self.functions)
        given = [Argument("size_t ", "T"), Argument("size_t ", "B")] if f.open_sizes else []
        lines = [
            *([] if f.open_sizes else [f"enum {{ T = {run.steps}, B = {run.batch} }};"]),
            "int failures = 0;",
            *(self.array(name, n) for name, n in self.arrays()),
            *self.structs(),
            "seed = 1;",
            *(f"fill({n}, {name});" for name, n in self.filled()),
            *self.calls(),
            *self.compared(),
            *(["for (; arrays > 0; arrays -= 1) free(taken[arrays - 1]);"] if f.open_sizes else []),
            "return failures;",
        ]
        return f.function([], "static int", "tested", [*given, Argument("const answer *", "expected")], lines).text

    def amount(self, symbol: MatrixSymbol, *lead: str) -> str:
        """How many entries so many of a value have."""
        entries = size_code(count(symbol), self.functions.names.sizes)
        words = [*lead, entries.at(Level.PRODUCT) if lead else entries.text]
        return " * ".join(words[:-1] if lead and entries.text == "1" else words)

    def array(self, name: str, n: str) -> str:
        return f"real *{name} = numbers({n});" if self.functions.open_sizes else f"static real {name}[{n}];"

    def arrays(self) -> Iterator[Counted]:
        for _, _, members in self.members():
            yield from members
        f, cell = self.functions, self.functions.cell
        yield from self.inputs()
        yield self.d_output()
        yield from self.d_inputs()
        if not f.output_is_state:
            output = cell.values[cell.output]
            yield f.arrays[output], self.amount(output, "T", "B")
            yield "next_output", self.amount(output)
        if f.pack.arrays:
            yield "pack", self.size_of("pack")
        yield "work", self.size_of("work", "T", "B")
        yield "step_work", self.size_of("step", "1")

    def size_of(self, name: str, *arguments: str) -> str:
        """How much memory there has to be, as the file says it."""
        f = self.functions
        if f.open_sizes:
            return f"{f.prefix}_{name}_size({', '.join(['sizes', *arguments])})"
        return f"{f.prefix}_{name}_size".upper() + f"({', '.join(arguments)})" * bool(arguments)

    def inputs(self) -> list[Counted]:
        return [(self.functions.arrays[x], self.amount(x, "T", "B")) for x in self.functions.cell.inputs]

    def d_inputs(self) -> list[Counted]:
        inputs = self.functions.cell.inputs
        return [(self.functions.arrays[like(x, "bar")], self.amount(x, "T", "B")) for x in inputs]

    def d_output(self) -> Counted:
        output = self.functions.cell.values[self.functions.cell.output]
        return self.functions.arrays[like(output, "loss")], self.amount(output, "T", "B")

    def members(self) -> Iterator[tuple[str, str, list[Counted]]]:
        """The structs: what each is called, its type, and its arrays."""
        words, cell = self.functions.members, self.functions.cell
        for name, mark in (("params", "param"), ("grads", "grad")):
            yield name, name, [(f"{mark}_{words[p.name]}", self.amount(p)) for p in cell.parameters]
        for name, mark, lead in (
            ("states", "state", ("(T + 1)", "B")),
            ("d_states", "d_state", ("B",)),
            ("next", "next", ()),
        ):
            yield name, "states", [(f"{mark}_{words[s.name]}", self.amount(s.next, *lead)) for s in cell.states]

    def structs(self) -> Iterator[str]:
        for name, kind, members in self.members():
            if members:
                yield f"const {self.functions.prefix}_{kind} {name} = {{{', '.join(word for word, _ in members)}}};"

    def filled(self) -> Iterator[Counted]:
        """In the order of `Sample`: parameters, inputs, states, what arrives at the output and at the last states."""
        words, cell = self.functions.members, self.functions.cell
        states = [(words[s.name], self.amount(s.next, "B")) for s in cell.states]
        yield from ((f"param_{words[p.name]}", self.amount(p)) for p in cell.parameters)
        yield from self.inputs()
        yield from ((f"state_{name}", n) for name, n in states)
        yield self.d_output()
        yield from ((f"d_state_{name}", n) for name, n in states)

    def calls(self) -> Iterator[str]:
        """Of all functions that compute: the step is that of the sequence's first sample."""
        f = self.functions
        step = {"B": "1", "prev": "&states", "next": "&next", "work": "step_work"}
        if not f.output_is_state:
            step[f.arrays[f.cell.values[f.cell.output]]] = "next_output"
        for called in f.functions:
            short = called.name[len(f.prefix) + 1 :]
            if called.type == "void":
                own = step if short == "step" else {}
                given = (own.get(a.name, _by_reference(a.declaration, a.name, f.prefix)) for a in called.arguments)
                yield f"{called.name}({', '.join(given)});"

    # ── what is compared ──

    def compared(self) -> Iterator[str]:
        rows = {}
        for row, (name, pointer, n) in enumerate(self.results()):
            rows[name] = row
            yield f'failures += wrong("{name}", {n}, {pointer}, expected[{row}]);'
        for name, pointer, n, same in self.step_results():
            answer = f"(answer){{weighted({n}, {same}), expected[{rows[name]}].tolerance}}"
            yield f'failures += wrong("{name} of a step", {n}, {pointer}, {answer});'

    def results(self) -> Iterator[tuple[str, str, str]]:
        """The name of each result, where it is, and how long."""
        f, cell = self.functions, self.functions.cell
        for s in cell.states:
            name = f.members[s.name]
            yield s.name, f"state_{name} + {self.amount(s.next, 'B')}", self.amount(s.next, "T", "B")
            yield f"bar({s.name})", f"d_state_{name}", self.amount(s.next, "B")
        if not f.output_is_state:
            output = cell.values[cell.output]
            yield cell.output, f.arrays[output], self.amount(output, "T", "B")
        for p in cell.parameters:
            yield f"grad({p.name})", f"grad_{f.members[p.name]}", self.amount(p)
        for x, (name, n) in zip(cell.inputs, self.d_inputs(), strict=True):
            yield f"bar({name_of(x).base})", name, n

    def step_results(self) -> Iterator[tuple[str, str, str, str]]:
        """The name of each result of the step, where it is, how long, and where the sequence has the same."""
        f, cell = self.functions, self.functions.cell
        for s in cell.states:
            name = f.members[s.name]
            yield s.name, f"next_{name}", self.amount(s.next), f"state_{name} + {self.amount(s.next, 'B')}"
        if not f.output_is_state:
            output = cell.values[cell.output]
            yield cell.output, "next_output", self.amount(output), f.arrays[output]


def _by_reference(declaration: str, name: str, prefix: str) -> str:
    """An argument: a struct that a function takes by its address."""
    return f"&{name}" if "*" in declaration and f"{prefix}_real" not in declaration else name
