"""Jacobians of a step, symbolically: ∂s[t]/∂r[t-1] for all states s and r, as a Program of short named equations.

Every block is found by one sweep from its value back: what an equation's value owes to each operand is the product of
what is owed to the value and the operation's own Jacobian (`algebra/partials.py`, the one table; this module knows no
operation by name).  Sums over the ways that lead to one value are taken on the way, so ∂h/∂z of a GRU comes out as one
diagonal.  A value whose own Jacobian is a sum is not written out where it is used but named: `jac(c.h)[t]` is
∂c[t]/∂h[t-1].  Matrices are columns one below the other.

`jacobian` is the total derivative through the step, given all previous states; with `direct` that of a value's own
equation, all other values of the step held (the immediate partial derivative ∂⁺ of Pascanu, Mikolov, Bengio, On the
difficulty of training recurrent neural networks, 2013).  Over several steps it is the product of the steps' Jacobians.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sympy import Integer, MatAdd, MatrixExpr, MatrixSymbol, Symbol, expand

from lstmgraph.algebra.build import transpose
from lstmgraph.algebra.maps import Blocks, Chain, composed, entries, eye, is_zero, selector, summed, zero
from lstmgraph.algebra.names import Name, jacobian_name, later, name_of, symbol
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.partials import partials
from lstmgraph.algebra.traverse import renamed, symbols_in, walk
from lstmgraph.cell import Cell
from lstmgraph.errors import UnknownName
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program

WHOLE = Name("", 0)  # what stands for all states in the name of a Jacobian


@dataclass(frozen=True)
class Request:
    """What is asked for: the values `of` by the previous states and inputs `by` (None: all states), over `steps`, which
    may be a letter.

    `direct` holds all other values of the step.
    """

    of: tuple[str, ...] | None = None
    by: tuple[str, ...] | None = None
    steps: int | str = 1
    direct: bool = False

    @property
    def several(self) -> bool:
        return self.steps != 1


def jacobian(cell: Cell, request: Request, step: Program | None = None) -> Program:
    """The Jacobians of a cell's step (or of `step`, another Program of the same states) as a Program.

    Its outputs are `jac(c.h)[t]` for each block, and `jac(.)[t]`, all blocks in one matrix, where nothing less is asked
    for.  Raises UnknownName for a name that is no value, or no state or input.
    """
    return _Jacobians(cell, request, normal_form(step or cell.step)).run()


class _Jacobians:
    def __init__(self, cell: Cell, request: Request, step: Program) -> None:
        self.cell, self.request, self.step = cell, request, step
        self.mark = "direct" if request.direct else "jac"
        self.of = [self.value(name) for name in request.of or [s.name for s in cell.states]]
        self.by = [self.origin(name) for name in request.by or [s.name for s in cell.states]]
        self.equations: list[Equation] = []
        self.blocks: dict[tuple[MatrixSymbol, MatrixSymbol], MatrixExpr] = {}
        self.owners: dict[MatrixSymbol, MatrixSymbol] = {}
        self.several = len(cell.states) > 1

    def value(self, name: str) -> MatrixSymbol:
        if self.request.several:
            return self.cell.state(name).next  # through several steps leads what is carried
        if name not in self.cell.values:
            raise UnknownName("value", name, self.cell.values, of=self.cell.name)
        return self.cell.values[name]

    def origin(self, name: str) -> MatrixSymbol:
        if self.request.several:
            return self.cell.state(name).previous
        known = {name_of(s).base: s for s in (*self.cell.previous, *self.cell.inputs)}
        if name not in known:
            raise UnknownName("state or input", name, known, of=self.cell.name)
        return known[name]

    def run(self) -> Program:
        for by in self.wanted_origins():
            self.column(by)
        order = {e.target: k for k, e in enumerate(self.step)}
        self.equations.sort(key=lambda e: order.get(self.owners[e.target], -1))  # stable: by origin within a value
        asked = [self.name(of, by) for of in self.of for by in self.by]
        if self.everything() and self.several and not self.request.direct:
            asked.append(self.whole())
        if self.request.several:
            return self.over_steps()
        return self.program(self.equations, asked)

    def everything(self) -> bool:
        return self.request.of is None and self.request.by is None

    def wanted_origins(self) -> list[MatrixSymbol]:
        """Over several steps all states take part, whichever are asked for."""
        if not self.request.several:
            return self.by
        return list(dict.fromkeys([*self.cell.previous, *self.by]))

    def program(self, equations: Sequence[Equation], outputs: Sequence[MatrixSymbol]) -> Program:
        name = f"{self.cell.name}_jacobian"
        return self.needed(Program(name, self.step.inputs, (*self.step.equations, *equations), ()), outputs)

    def needed(self, whole: Program, outputs: Sequence[MatrixSymbol]) -> Program:
        """What the outputs need, and what the Jacobians in it are those of."""
        return replace(whole.needed_for([*outputs, *self.derived(whole, outputs)]), outputs=tuple(outputs))

    def derived(self, program: Program, outputs: Sequence[MatrixSymbol]) -> set[MatrixSymbol]:
        """What the named Jacobians are those of: a reader wants to see it, also where no number needs it."""
        kept = program.needed_for(outputs).definitions
        return {owner for named, owner in self.owners.items() if named in kept and owner in program.definitions}

    # ── one step ──

    def column(self, by: MatrixSymbol) -> None:
        """The Jacobians of all values by one origin, those that are sums or asked for under names of their own."""
        wanted = {*self.of, *(self.cell.values[s.name] for s in self.cell.states)}
        found: dict[MatrixSymbol, MatrixExpr] = {}
        for equation in self.step:
            target = equation.target
            value = _Sweep(self.step, found, self.held(target), by).run(target)
            found[target] = value
            if target in wanted or not _is_short(value):
                named = self.name(target, by)
                self.owners[named] = target
                self.equations.append(Equation(named, value, stage="jacobian"))
                if not _is_short(value):
                    found[target] = named
            if target in wanted:
                self.blocks[target, by] = self.name(target, by) if found[target] != value else value
        for target in wanted - {e.target for e in self.step}:  # a gate that is held has no equation any more
            named = self.name(target, by)
            self.owners[named] = target
            self.equations.append(Equation(named, zero(*_shape(target, by)), stage="jacobian"))

    def held(self, target: MatrixSymbol) -> Collection[MatrixSymbol]:
        """What takes no part: for the direct Jacobian all values that the author named."""
        return {*self.cell.values.values()} - {target} if self.request.direct else ()

    def name(
        self, of: MatrixSymbol, by: MatrixSymbol, steps: int | str | None = None, mark: str | None = None
    ) -> MatrixSymbol:
        origin = name_of(by)
        back = steps or -(origin.lag or 0)
        return symbol(jacobian_name(name_of(of), origin.base, back, mark or self.mark), _shape(of, by))

    def whole(self, steps: int | str = 1) -> MatrixSymbol:
        """The Jacobian of all states by all states, which for one step is defined here by its blocks."""
        states = self.cell.states
        total = expand(sum((entries(s.next.shape) for s in states), Integer(0)))
        if not self.several:
            return self.name(states[0].next, states[0].previous, steps)
        named = symbol(jacobian_name(WHOLE, "", steps), (total, total))
        if steps == 1 and named not in {e.target for e in self.equations}:
            rows = [self.block(a.next, b.previous) for a in states for b in states]
            self.equations.append(Equation(named, Blocks(*rows, len(states)), stage="jacobian"))
        return named

    def block(self, of: MatrixSymbol, by: MatrixSymbol) -> MatrixExpr:
        value = next(e.value for e in self.equations if e.target == self.name(of, by))
        return value if is_zero(value) else self.name(of, by)

    # ── several steps ──

    def over_steps(self) -> Program:
        """∂s[t]/∂r[t-k]: the product of k Jacobians, and the way through each state alone."""
        k = self.request.steps
        products = self.through_all() if self.several else []
        products += [e for s in self.cell.states if (e := self.through_one(s.next, s.previous))]
        steps = [(*self.step.equations, *self.equations)]
        count = k if isinstance(k, int) else 1  # what is said of any number of steps is said of this one
        earlier = [[_earlier(e, j) for e in steps[0]] for j in range(count - 1, 0, -1)]
        inputs = {later(x, -j) for j in range(count) for x in self.step.inputs}
        lines = (*(e for step in earlier for e in step), *steps[0], *products)
        known = {e.target for e in lines}
        ordered = sorted(inputs - known, key=lambda s: (name_of(s).lag is None, name_of(s).lag or 0, str(s)))
        program = Program(f"{self.cell.name}_jacobian_{k}_steps", tuple(ordered), lines, ())
        one = [self.name(of, by, 1) for of in self.of for by in self.by]
        return self.needed(program, [*one, *(e.target for e in products)])

    def through_all(self) -> list[Equation]:
        """The product of whole Jacobians, and the blocks of it that were asked for."""
        k = self.request.steps
        one, product = self.whole(), self.whole(k)
        found = [Equation(product, self.chain(one), stage="jacobian")]
        if not self.everything():
            for of in self.of:
                for by in self.by:
                    value = composed(transpose(self.place(of)), product, self.place(by))
                    found.append(Equation(self.name(of, by, k), value, stage="jacobian"))
        return found

    def place(self, value: MatrixSymbol) -> MatrixExpr:
        """The map of one state into all of them."""
        sizes = [entries(s.next.shape) for s in self.cell.states]
        at = next(k for k, s in enumerate(self.cell.states) if value in (s.next, s.previous))
        return selector(expand(sum(sizes[:at], Integer(0))), sizes[at], expand(sum(sizes[at + 1 :], Integer(0))))

    def through_one(self, of: MatrixSymbol, by: MatrixSymbol) -> Equation | None:
        """Through one state alone, or, in a cell with one state, through the step."""
        if self.request.of is not None and of not in self.of:
            return None
        k, mark = self.request.steps, "alone" if self.several else self.mark
        return Equation(self.name(of, by, k, mark), self.chain(self.blocks[of, by]), stage="jacobian")

    def chain(self, factor: MatrixExpr) -> Chain:
        """The product of a factor over the steps."""
        k = self.request.steps
        if isinstance(k, str):
            return Chain(factor, Symbol(k, integer=True, positive=True))
        return Chain(*(renamed(factor, partial(later, k=-j)) for j in range(k)))


def _earlier(equation: Equation, k: int) -> Equation:
    """The equation k steps earlier, no longer one of those that are shown."""
    return replace(equation.later(-k), stage="forward")


def _shape(of: MatrixSymbol, by: MatrixSymbol) -> tuple[MatrixExpr, MatrixExpr]:
    return (entries(of.shape), entries(by.shape))


def _is_short(value: MatrixExpr) -> bool:
    """Whether a Jacobian is written where it is used: one product, no sum in it."""
    return not any(isinstance(node, MatAdd) for node in walk(value))


Path = tuple[int, ...]


@dataclass
class _Share:
    """What the value that is derived owes to another one: maps, each with the place of its way in the equations."""

    terms: list[tuple[Path, MatrixExpr]] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return min(path for path, _ in self.terms)

    def total(self) -> MatrixExpr:
        return summed(*(term for _, term in sorted(self.terms, key=lambda pair: pair[0])))


class _Sweep:
    """One pass from a value back to `by`, summing the ways to each value before going on from it."""

    def __init__(
        self,
        program: Program,
        known: Mapping[MatrixSymbol, MatrixExpr],
        held: Collection[MatrixSymbol],
        by: MatrixSymbol,
    ) -> None:
        self.program, self.known, self.held, self.by = program, known, held, by
        self.shares: dict[MatrixSymbol, _Share] = {}
        self.first = True

    def run(self, target: MatrixSymbol) -> MatrixExpr:
        self.send(target, (), eye(entries(target.shape)))
        for equation in reversed(self.program.equations):
            if equation.target in self.shares and equation.target not in self.held:
                self.pull(equation)
                self.first = False
        found = self.shares.get(self.by)
        return found.total() if found else zero(*_shape(target, self.by))

    def pull(self, equation: Equation) -> None:
        share = self.shares.pop(equation.target)
        known = None if self.first else self.known.get(equation.target)
        if known is not None and isinstance(known, MatrixSymbol):
            self.send(self.by, share.path, composed(share.total(), known))
        elif known is None or not is_zero(known):
            self.spread(equation.value, equation.target, share.path, share.total())

    def spread(self, value: MatrixExpr, out: MatrixExpr, path: Path, owed: MatrixExpr) -> None:
        """Hand what is owed to a value on to the symbols in its expression."""
        if isinstance(value, MatrixSymbol):
            self.send(value, path, owed)
        elif self.by in (found := symbols_in(value)) or any(s in self.program.definitions for s in found):
            for k, (operand, map_) in enumerate(zip(operands(value), partials(value, out), strict=True)):
                self.spread(operand, operand, (*path, k), composed(owed, map_))

    def send(self, to: MatrixSymbol, path: Path, owed: MatrixExpr) -> None:
        """Add to what is owed to a value; the direct way to `by` comes first, others in the author's order."""
        way = path if self.first and to == self.by else (len(self.program), *path)
        if not is_zero(owed) and (to == self.by or to in self.program.definitions):
            self.shares.setdefault(to, _Share()).terms.append((way, owed))
