"""A gradient that multiplies less: products of the forward pass, and products that several lines need, are reused.

The textbook form of a gradient multiplies out what the forward pass has multiplied already.  With f ⊙ c[t-1] at hand,
c̄ ⊙ c[t-1] ⊙ f ⊙ (1 - f) is (c̄ ⊙ f) ⊙ (c[t-1] - f ⊙ c[t-1]), and c̄ ⊙ f is needed anyway; c̄ ⊙ i ⊙ (1 - g²) is
c̄ ⊙ (i - (i ⊙ g) ⊙ g).  Nothing changes but by rounding; docs/counts.md says by how much.

The search knows no cell and no function.  A backward pass is a system of sums of elementwise products (`monomials.py`),
which two *moves* rewrite:

- some of the factors before a sum in brackets go into it: a (1 - f) r to a (r - f r);
- what several terms of a sum have in common comes before a bracket: h̄ n - h̄ h to h̄ (n - h).

Neither loses digits that are there: where f is near 1, 1 - f has as few as r - f r.  A third one would save more in
some cells and is not made: z g as g - (1 - z) g, where the forward pass has (1 - z) g, has no digits left where z is
near 0.

A system costs the multiplies of its monomials, each put together from as few known products as possible: those of the
forward pass, those that other lines need, and common parts of them.  Moves are made as long as one lowers that cost, in
a fixed order, so the result is deterministic, and has at no size more multiplies than the textbook form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from sympy import MatAdd, MatrixExpr, MatrixSymbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Shape
from lstmgraph.calculus.counts import Counts, count
from lstmgraph.calculus.monomials import (
    Atoms,
    Sum,
    Sums,
    Term,
    common,
    degree,
    monomial,
    multiplied,
    parts_of,
    without,
)
from lstmgraph.calculus.sharing import Sharing
from lstmgraph.normal import normal_form
from lstmgraph.program import Equation, Program

WIDEST = 4  # so many terms at most has a sum in brackets that factors go into
Cost = tuple[int, int, int, int]  # multiplies, adds; of equals the fewer names, the fewer sums that were rewritten


def reusing(program: Program, step: Program) -> Program:
    """The gradient `program` of a `step` with fewer multiplies; itself where its backward stage has none to save.

    What the step computes may be used, also what the gradient has no use for so far.  Products with several uses get
    names, `term(c.1)[t]`, in the stage in which they are computed.
    """
    forward = normal_form(step).equations
    own = {e.target for e in forward}
    more = (e for e in program if e.stage != "forward" or e.target not in own)
    whole = replace(program, equations=(*forward, *more))
    system = System.of(whole)
    system.improve()
    found = Sharing(whole, system.atoms, system.known, system.named_sums(), system.pieces()).run()
    before, after = (count(p.stage("backward")) for p in (program, found))
    return found if _is_less(after, before) else program


def _is_less(a: Counts, b: Counts) -> bool:
    """Whether there are fewer multiplies, divisions and functions in all, and at no size more multiplies."""
    saved = (b.multiplies - a.multiplies).expand()
    fewer = (saved + b.divisions - a.divisions + b.transcendentals - a.transcendentals).expand()
    return fewer != 0 and all(c >= 0 for p in (saved, fewer) for c in p.as_coefficients_dict().values())


@dataclass
class System:
    """The backward equations as sums of products, and the products that the forward pass has.

    Sums are held by the number of the atom that they define.  `known` says of a monomial which forward value it is, or
    of which forward equation it is a part.
    """

    atoms: Atoms
    known: dict[int, tuple[MatrixSymbol, MatrixExpr | None]]
    sums: dict[int, Sum]
    outputs: tuple[int, ...]
    helpers: tuple[int, ...] = ()
    textbook: dict[int, Sum] = field(default_factory=dict)

    @staticmethod
    def of(program: Program) -> System:
        atoms = Atoms()
        system = System(atoms, {}, {}, tuple(map(atoms.leaf, program.outputs)))
        for equation in program.stage("forward"):
            system.remember(equation)
        backward = {e.target: atoms.read(e.value) for e in program.stage("backward")}
        system.sums = system.expanded({atoms.leaf(s): v for s, v in (backward | atoms.apart).items()})
        system.textbook = system.sums
        return system

    def named_sums(self) -> Sums:
        found = {self.atoms[k].value: terms for k, terms in self.sums.items()}
        return {symbol: terms for symbol, terms in found.items() if isinstance(symbol, MatrixSymbol)}

    def remember(self, equation: Equation) -> None:
        """The products of a forward equation; and what is one minus something."""
        target, value = equation.target, equation.value
        for part in value.args if isinstance(value, MatAdd) else (value,):
            inner = part.args[0] if isinstance(part, n.Negative) else part
            if isinstance(inner, (n.Hadamard, n.Power, n.Divide)):
                self.remember_product(target, inner, inner is value)
        if isinstance(value, n.OneMinus):
            self.atoms.name(target, self.atoms.read(value))

    def remember_product(self, target: MatrixSymbol, product: MatrixExpr, whole: bool) -> None:
        """A product, and those of its first factors, which it is made of."""
        args = product.args if isinstance(product, n.Hadamard) else ()
        for part in (product, *(n.Hadamard(*args[:k]) for k in range(2, len(args)))):
            term = self.atoms.product(part)
            if term.sign > 0 and len(term.factors) > 1:
                is_target = whole and part is product
                self.known.setdefault(monomial(term.factors), (target, None if is_target else part))
                if is_target:
                    self.atoms.expanded[target] = term

    # ── a value that is one product is read as that product ──

    def expanded(self, sums: dict[int, Sum]) -> dict[int, Sum]:
        """The sums with products in the places of the values that are nothing else."""
        uses = self.uses(sums)
        table: dict[int, Term] = {}
        found: dict[int, Sum] = {}
        for k in self.in_order(sums):
            found[k] = tuple(self.substituted(t, table) for t in sums[k])
            if self.is_plain(found[k], uses[k]):
                table[k] = found[k][0]
        return {k: found[k] for k in sums}

    def in_order(self, sums: dict[int, Sum]) -> list[int]:
        """The sums, each after those that it uses."""
        done: dict[int, None] = {}

        def visit(k: int) -> None:
            if k not in done:
                for other in self.used_by(sums[k]):
                    if other in sums:
                        visit(other)
                done[k] = None

        for k in sums:
            visit(k)
        return list(done)

    def uses(self, sums: dict[int, Sum]) -> Counter[int]:
        return Counter(k for terms in sums.values() for k in self.used_by(terms))

    def is_plain(self, terms: Sum, uses: int) -> bool:
        """One product, of named values unless there is one use only: no move changes it here and not there."""
        return len(terms) == 1 and (uses == 1 or all(self.atoms[k].value is not None for k in terms[0].factors))

    def substituted(self, term: Term, table: Mapping[int, Term]) -> Term:
        new = multiplied(self.replaced(k, table) for k in term.factors)
        return Term(term.sign * new.sign, new.factors)

    def replaced(self, k: int, table: Mapping[int, Term]) -> Term:
        atom = self.atoms[k]
        if k in table or atom.value is not None:
            return table.get(k, Term(1, (k,)))
        terms = tuple(self.substituted(t, table) for t in atom.sum)
        return Term(1, (self.atoms.group(terms, atom.shape),))

    def used_by(self, terms: Sum) -> Iterator[int]:
        """The values that some terms use, each time, in order."""
        for term in terms:
            for k in term.factors:
                atom = self.atoms[k]
                if atom.value is None:
                    yield from self.used_by(atom.sum)
                else:
                    yield from self.atoms.inside(k)

    # ── what a system costs ──

    def reached(self, sums: dict[int, Sum]) -> tuple[Counter[int], int]:
        """How often the outputs need which monomials, and how many adds they take."""
        needed: Counter[int] = Counter()
        seen: set[int] = set()
        adds = 0
        waiting = list(reversed(self.outputs))
        while waiting:
            k = waiting.pop()
            terms = self.atoms[k].sum if self.atoms[k].value is None else sums.get(k, ())
            if k in seen:
                continue
            seen.add(k)
            adds += max(0, len(terms) - 1)
            for term in terms:
                needed[monomial(term.factors)] += len(term.factors) > 1
                waiting += [x for f in term.factors for x in self.atoms.inside(f)]
        return +needed, adds

    def pieces(self) -> tuple[int, ...]:
        """All that monomials are put together from."""
        return (*self.known, *(m for m in self.reached(self.sums)[0] if m not in self.known), *self.helpers)

    def cost(self, sums: dict[int, Sum], helpers: tuple[int, ...] = ()) -> Cost:
        uses, adds = self.reached(sums)
        own = [m for m in uses if m not in self.known]
        pieces = (*self.known, *own, *helpers)
        multiplies, paid = 0, set(own)
        while own:
            found = parts_of(own.pop(), pieces)
            multiplies += len(found) - 1
            uses.update(found)
            own += [p for p in found if p in helpers and p not in paid]
            paid.update(own)
        names = sum(uses[m] > 1 for m in paid)
        return multiplies, adds, names, sum(terms != self.textbook[k] for k, terms in sums.items())

    # ── the search ──

    def improve(self) -> None:
        """Make moves, and find the common parts that pay (`helpers`), until nothing is left to gain."""
        best = self.cost(self.sums)
        while (better := self.with_helper(self.climb(best))) < best:
            best = better

    def climb(self, best: Cost) -> Cost:
        """Rewrite one sum after the other, each time in the way that saves most, until nothing does."""
        changed = True
        while changed:
            changed = False
            for k in list(self.sums):
                options = [(self.cost(new, self.helpers), j, new) for j, new in enumerate(self.moves(k))]
                cost, _, sums = min(options, key=lambda o: o[:2], default=(best, 0, self.sums))
                if cost < best:
                    best, self.sums, changed = cost, sums, True
        return best

    def moves(self, k: int) -> Iterator[dict[int, Sum]]:
        """The system after each move in one of its sums."""
        uses = self.uses(self.sums)
        once = {j for j in self.sums if uses[j] == 1 and j not in self.outputs}
        for terms in (self.textbook[k], *self.rewritten(self.sums[k], self.atoms[k].shape, once)):
            if terms != self.sums[k]:
                new = {**self.sums, k: terms}
                yield self.expanded(new) if uses[k] and len(terms) == 1 else new

    def with_helper(self, best: Cost) -> Cost:
        """Add the common part of two monomials that saves most, if one does."""
        needed = [m for m in self.reached(self.sums)[0] if m not in self.known]
        found = {common(a, b): None for a, b in combinations((*needed, *self.helpers), 2)}
        new = [m for m in found if degree(m) > 1 and m not in (*needed, *self.known, *self.helpers)]
        options = [(self.cost(self.sums, (*self.helpers, m)), k, m) for k, m in enumerate(new)]
        cost, _, helper = min(options, default=(best, 0, 0))
        if cost < best:
            self.helpers = (*self.helpers, helper)
            return cost
        return best

    # ── moves ──

    def rewritten(self, terms: Sum, shape: Shape, once: set[int]) -> Iterator[Sum]:
        """A sum after each of the moves."""
        for k, term in enumerate(terms):
            for new in (*self.distributed(term, once), *self.inner(term, once)):
                yield (*terms[:k], *new, *terms[k + 1 :])
        for k in dict.fromkeys(k for term in terms for k in term.factors):
            yield from self.bracketed(terms, k, shape)

    def inner(self, term: Term, once: set[int]) -> Iterator[Sum]:
        """The moves within a sum in brackets."""
        for k in dict.fromkeys(term.factors):
            atom = self.atoms[k]
            if atom.value is None:
                at = term.factors.index(k)
                for new in self.rewritten(atom.sum, atom.shape, once):
                    yield (self.in_place(term, at, new, atom.shape),)

    def in_place(self, term: Term, at: int, new: Sum, shape: Shape) -> Term:
        """A term with another sum in the place of one of its factors."""
        middle = new[0] if len(new) == 1 else Term(1, (self.atoms.group(new, shape),))
        factors = (*term.factors[:at], *middle.factors, *term.factors[at + 1 :])
        return Term(term.sign * middle.sign, factors)

    def distributed(self, term: Term, once: set[int]) -> Iterator[Sum]:
        """Some of the other factors go into a sum in brackets, or into a value that is a sum and used once."""
        for k in dict.fromkeys(term.factors):
            content = self.content(k, once)
            others = without(term.factors, (k,))[::-1]  # the last ones first: they are of the forward pass
            for size in range(1, len(others) + 1) if 1 < len(content) <= WIDEST else ():
                for some in dict.fromkeys(combinations(others, size)):
                    new = tuple(Term(t.sign, (*some[::-1], *t.factors)) for t in content)
                    yield self.around(term, k, some, new)

    def content(self, k: int, once: set[int]) -> Sum:
        return self.sums[k] if k in once else self.atoms[k].sum

    def around(self, term: Term, k: int, some: tuple[int, ...], new: Sum) -> Sum:
        """The term in which `some` of the factors have gone into the sum that was its factor k."""
        left = without(term.factors, some)
        if left == (k,):
            return tuple(Term(term.sign * t.sign, t.factors) for t in new)
        return (self.in_place(Term(term.sign, left), left.index(k), new, self.atoms[k].shape),)

    def bracketed(self, terms: Sum, k: int, shape: Shape) -> Iterator[Sum]:
        """What all terms with the factor k have in common comes before a bracket; also the factor k alone."""
        inside = [term for term in terms if k in term.factors]
        if len(inside) < 2:
            return
        shared_part = inside[0].factors
        for term in inside[1:]:
            shared_part = tuple(_meet(shared_part, term.factors))
        for front in dict.fromkeys([shared_part, (k,)]):
            sign = inside[0].sign
            rest = tuple(Term(t.sign * sign, without(t.factors, front)) for t in inside)
            new = Term(sign, (*front, self.atoms.group(rest, shape)))
            at = terms.index(inside[0])
            yield tuple(new if j == at else t for j, t in enumerate(terms) if j == at or k not in t.factors)


def _meet(a: tuple[int, ...], b: tuple[int, ...]) -> list[int]:
    left, found = list(b), []
    for k in a:
        if k in left:
            left.remove(k)
            found.append(k)
    return found
