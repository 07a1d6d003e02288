"""Equations from sums of products: what has several uses gets a name, before its first use.

The counterpart of `Atoms.read`: factors keep the order in which they were written, and 1 - a and squares come out as
such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import negate, power
from lstmgraph.algebra.names import Name, Shape, name_of, symbol
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.calculus.counts import Counts, cost
from lstmgraph.calculus.monomials import Atoms, Known, Sum, Sums, atoms_in, degree, monomial, parts_of
from lstmgraph.program import Equation, Program


@dataclass
class Sharing:
    """The backward equations of `program` anew, from sums of products.

    `known` are the monomials that the forward stage has, `pieces` all from which monomials are put together.
    """

    program: Program
    atoms: Atoms
    known: Known
    sums: Sums
    pieces: tuple[int, ...]
    uses: Counter[object] = field(default_factory=Counter)
    written: dict[int, tuple[int, ...]] = field(default_factory=dict)  # a monomial's factors in the author's order
    names: dict[object, MatrixSymbol] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)
    backward: dict[MatrixSymbol, Equation] = field(default_factory=dict)
    owner: MatrixSymbol | None = None

    def run(self) -> Program:
        for output in self.program.outputs:
            self.use_symbol(output)
        targets = [e.target for e in self.program.stage("backward") if self.uses[e.target]]
        self.reserve()
        for target, terms in self.sums.items():  # also of one that is needed no more as such
            if len(terms) == 1 and terms[0].sign > 0 and len(terms[0].factors) > 1 and self.may_serve(target):
                self.names.setdefault(monomial(terms[0].factors), target)
        for target in targets:
            self.emit(target)
        equations = (*self.forward(), *self.backward.values())
        return replace(self.program, equations=equations).needed_for(self.program.outputs)

    def may_serve(self, target: MatrixSymbol) -> bool:
        """Whether others may use a value: not the gradient of a parameter, of which a sequence or a batch has a sum."""
        return target not in self.atoms.apart and name_of(target).lag is not None

    def reserve(self) -> None:
        """The terms of forward sums that are used get numbers in the order in which they stand there."""
        for m, (target, product) in self.known.items():
            if self.uses[m]:
                self.names[m] = target if product is None else symbol(self.new_name(name_of(target)), target.shape)

    # ── how often each thing is used ──

    def use_symbol(self, what: MatrixSymbol) -> None:
        self.uses[what] += 1
        if self.uses[what] == 1 and what in self.sums:
            self.use_sum(self.sums[what])

    def use_sum(self, terms: Sum) -> None:
        for term in terms:
            if term.factors:
                self.written.setdefault(monomial(term.factors), term.factors)
                self.use(monomial(term.factors))

    def use(self, m: int) -> None:
        self.uses[m] += 1
        if self.uses[m] > 1 or m in self.known:
            return
        if degree(m) == 1:
            self.use_atom(next(atoms_in(m)))
            return
        for part in parts_of(m, self.pieces):
            order = tuple(k for k in self.written[m] if k in set(atoms_in(part)))
            self.written.setdefault(part, order)
            self.use(part)

    def use_atom(self, k: int) -> None:
        atom = self.atoms[k]
        if atom.value is None:
            self.use_sum(atom.sum)
        else:
            for used in sorted(symbols_in(atom.value), key=str):
                self.use_symbol(used)

    # ── equations ──

    def emit(self, target: MatrixSymbol) -> None:
        """The equation of a backward value, after those that it needs."""
        if target in self.backward or target not in self.sums or target in self.atoms.apart:
            return
        before, self.owner = self.owner, target
        old = self.program.definitions[target]
        terms = self.sums[target]
        alone = len(terms) == 1 and self.names.get(monomial(terms[0].factors)) == target
        value = self.product(self.put_together(monomial(terms[0].factors))) if alone else self.sum(terms, target.shape)
        self.backward[target] = replace(old, value=value)
        self.owner = before

    def named(self, value: MatrixExpr) -> MatrixSymbol:
        """A name for a value that has several uses: after the value whose equation needs it first.

        What the gradient of a parameter needs is called after the first value in it, or the parameter if there is none.
        """
        assert self.owner is not None
        names = (name_of(s) for s in (self.owner, *walk(value)) if isinstance(s, MatrixSymbol))
        owner = next((name for name in names if name.lag is not None), name_of(self.owner))
        target = symbol(self.new_name(owner), value.shape)
        self.backward[target] = Equation(target, value, stage="backward")
        return target

    def new_name(self, of: Name) -> Name:
        base = of.base.partition(".")[0]
        self.numbers[base] += 1
        return Name(f"{base}.{self.numbers[base]}", max(of.lag or 0, 0), ("term",))

    def forward(self) -> Iterator[Equation]:
        """The forward stage, the products in it that are used under names of their own."""
        inside: dict[MatrixSymbol, dict[MatrixExpr, MatrixSymbol]] = {}
        for m, (target, product) in self.known.items():
            if product is not None and m in self.names:
                inside.setdefault(target, {})[product] = self.names[m]
        for equation in self.program.stage("forward"):
            found = dict(sorted(inside.get(equation.target, {}).items(), key=lambda item: len(item[0].args)))
            for product, name in found.items():
                shorter = {p: s for p, s in found.items() if len(p.args) < len(product.args)}
                yield Equation(name, _with(product, shorter), place=equation.place)
            yield replace(equation, value=_with(equation.value, found)) if found else equation

    # ── values ──

    def sum(self, terms: Sum, shape: Shape) -> MatrixExpr:
        values = [self.term(t.factors, shape) for t in terms]
        if len(terms) == 2 and not terms[0].factors and (terms[0].sign, terms[1].sign) == (1, -1):
            return n.OneMinus(values[1])
        signed = [v if t.sign > 0 else negate(v) for t, v in zip(terms, values, strict=True)]
        return MatAdd(*signed) if len(signed) > 1 else signed[0] if signed else n.Fill(0, *shape)

    def term(self, factors: tuple[int, ...], shape: Shape) -> MatrixExpr:
        return self.product(self.factors(monomial(factors))) if factors else n.Fill(1, *shape)

    def factors(self, m: int) -> list[MatrixExpr]:
        """A monomial as values to multiply: its name, where it has one or several uses."""
        if m in self.names:
            self.emit(self.names[m])
        elif self.uses[m] > 1 and self.is_costly(m):
            self.names[m] = self.named(self.product(self.put_together(m)))
        else:
            return self.put_together(m)
        return [self.names[m]]

    def is_costly(self, m: int) -> bool:
        """Whether computing it twice is worse than one more name."""
        if degree(m) > 1:
            return m not in self.known
        atom = self.atoms[next(atoms_in(m))]
        if atom.value is None:
            return any(self.is_costly(monomial(t.factors)) for t in atom.sum if t.factors)
        return any(cost(node) != Counts() for node in walk(atom.value))

    def put_together(self, m: int) -> list[MatrixExpr]:
        """A monomial from its parts, in the order in which it was written."""
        if degree(m) == 1:
            return [self.atom(next(atoms_in(m)))]
        order = self.written[m]
        found = sorted(parts_of(m, self.pieces), key=lambda part: min(map(order.index, atoms_in(part))))
        return [value for part in found for value in self.factors(part)]

    def atom(self, k: int) -> MatrixExpr:
        atom = self.atoms[k]
        return self.sum(atom.sum, atom.shape) if atom.value is None else self.opaque(atom.value)

    def opaque(self, value: MatrixExpr) -> MatrixExpr:
        """A value with the sums that it takes in their places, or under their names."""
        if not isinstance(value, MatrixSymbol):
            return rebuild(value, [self.opaque(o) for o in n.operands(value)]) if n.operands(value) else value
        if value not in self.atoms.apart:
            self.emit(value)
            return value
        if value not in self.names:
            whole = self.sum(self.sums[value], value.shape)
            if self.uses[value] < 2:
                return whole
            self.names[value] = self.named(whole)
        return self.names[value]

    @staticmethod
    def product(factors: Iterable[MatrixExpr]) -> MatrixExpr:
        """Factors with equal ones as a power, and quotients."""
        every = Counter(factors)
        below = [f.args[0] for f in every.elements() if isinstance(f, n.Reciprocal)]
        above = [power(f, times) for f, times in every.items() if not isinstance(f, n.Reciprocal)]
        if not above:
            return n.Reciprocal(below[0] if len(below) == 1 else n.Hadamard(*below))
        value = above[0] if len(above) == 1 else n.Hadamard(*above)
        for divisor in below:
            value = n.Divide(value, divisor)
        return value


def _with(value: MatrixExpr, names: dict[MatrixExpr, MatrixSymbol]) -> MatrixExpr:
    """A forward value with names for some of the products in it, and for those of its first factors."""
    if value in names:
        return names[value]
    if isinstance(value, (MatAdd, n.Negative)):
        return value.func(*(_with(a, names) for a in value.args))
    if isinstance(value, n.Hadamard):
        for k in range(len(value.args) - 1, 1, -1):
            if (first := n.Hadamard(*value.args[:k])) in names:
                return n.Hadamard(names[first], *value.args[k:])
    return value
