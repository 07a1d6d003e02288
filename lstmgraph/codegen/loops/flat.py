"""The flat form of a sweep: what is no formula of entries stands alone and has a name.

Products of matrices, sums of entries, softmaxes and stacks are equations of their own, of operands that are values, or
rows or the transpose of one.  All else is *entrywise*: an entry of it is a formula of entries.  A product of which the
inner length is 1 (an outer product, a scalar times a row) is entrywise too.

A weight is laid out as its product takes it, so that the product runs along rows: W x of a batch is X Wᵀ, and Wᵀ is
made once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.build import flipped
from lstmgraph.algebra.names import name_of
from lstmgraph.algebra.nodes import operands
from lstmgraph.algebra.traverse import rebuild, symbols_in, walk
from lstmgraph.codegen.passes.rows import fresh, replaced
from lstmgraph.codegen.sums import added_up
from lstmgraph.codegen.sweep import PHASES, Delay, Phase, Sweep
from lstmgraph.program import Equation

_CHEAP = (MatAdd, n.Hadamard, n.Slice, n.Fill, n.OneMinus, n.Negative, MatrixSymbol)


def flat(sweep: Sweep, batched: Iterable[MatrixSymbol]) -> Sweep:
    """The same values in flat form.  Those in `batched` are computed for each sample, even if all are the same."""
    apart = _apart(sweep, frozenset(batched))
    named = _Naming(apart).run()
    return _inlined(named, _kept(named)).pruned()


def is_outer(expr: MatrixExpr) -> bool:
    """Whether a product has one term in each entry."""
    return bool(expr.args[0].shape[1] == 1)


def is_added_up(expr: MatrixExpr) -> bool:
    """Whether a product can be added to what is there: one of vectors for a matrix, or of matrices."""
    return is_outer(expr) or 1 not in {*expr.args[0].shape, *expr.args[1].shape}


def is_entrywise(expr: MatrixExpr) -> bool:
    """Whether an entry of it is a formula of entries of its operands, at the root."""
    if isinstance(expr, MatMul):
        return is_outer(expr)
    return not isinstance(expr, (n.Sum, n.Softmax, n.Concat, Delay)) and not is_flipped_stack(expr)


def is_flipped_stack(expr: MatrixExpr) -> bool:
    return isinstance(expr, Transpose) and isinstance(expr.args[0], n.Concat)


def is_simple(expr: MatrixExpr) -> bool:
    """A value, rows of one, or the transpose of these: what a product takes as it is."""
    inner = expr.args[0] if isinstance(expr, Transpose) else expr
    inner = inner.args[0] if isinstance(inner, n.Slice) else inner
    return isinstance(inner, MatrixSymbol)


def _apart(sweep: Sweep, batched: frozenset[MatrixSymbol]) -> Sweep:
    """With what is the same for all samples, and yet handed out for each of them, copied to each."""
    taken = {e.target for e in sweep.equations}
    new: dict[MatrixExpr, MatrixExpr] = {}
    for e in sweep["once"]:
        if e.target in batched:
            new[e.target] = fresh(name_of(e.target).marked("part"), e.target.shape, taken)
    phases: dict[Phase, list[Equation]] = {
        p: [
            e
            if isinstance(e.value, Delay)
            else Equation(_symbol(new.get(e.target, e.target)), replaced(e.value, new), stage=e.stage)
            for e in sweep[p]
        ]
        for p in PHASES
    }
    copies = [Equation(_symbol(target), one) for target, one in new.items()]
    return sweep.changed({**phases, "before": [*copies, *phases["before"]]})


def _symbol(expr: MatrixExpr) -> MatrixSymbol:
    assert isinstance(expr, MatrixSymbol)
    return expr


def _kept(sweep: Sweep) -> frozenset[MatrixSymbol]:
    return frozenset((*sweep.wanted, *sweep.carried.values(), *added_up(sweep)))


# ── names for what is not entrywise ──


@dataclass
class _Naming:
    """`known` are the names of the values of a phase, and of those that depend on parameters only.

    `new` are the equations that come before the one at hand, `once` those that come after all that is made once, and
    `early` says that this is what is at hand.
    """

    sweep: Sweep
    known: dict[MatrixExpr, MatrixSymbol] = field(default_factory=dict)
    new: list[Equation] = field(default_factory=list)
    once: list[Equation] = field(default_factory=list)
    early: bool = True

    def __post_init__(self) -> None:
        self.taken = {e.target for e in self.sweep.equations}
        self.constant = {*self.sweep.constant()}
        self.definitions: dict[MatrixSymbol, MatrixExpr] = {}
        self.sums = added_up(self.sweep)

    def run(self) -> Sweep:
        phases: dict[Phase, list[Equation]] = {}
        for phase in PHASES:
            self.known = {expr: name for expr, name in self.known.items() if name in self.constant}
            self.early, phases[phase] = phase == "once", []
            for e in self.sweep[phase]:
                self.owner = e
                value = self.sum(e.value) if e.target in self.sums else self.root(e.value)
                phases[phase] += [*self.new, replace(e, value=value)]
                self.new = []
                if self.early:
                    self.definitions[e.target] = value
        phases["once"] += self.once
        return self.sweep.changed(phases)

    def root(self, expr: MatrixExpr) -> MatrixExpr:
        if isinstance(expr, MatMul) and not is_outer(expr):
            return self.product(*(self.simple(o) for o in expr.args))
        if isinstance(expr, n.Softmax):
            return n.Softmax(self.named(expr.args[0]))
        if is_flipped_stack(expr):
            return Transpose(self.root(expr.args[0]))
        if isinstance(expr, (n.Sum, n.Concat, Delay)):
            return rebuild(expr, [self.entrywise(o) for o in operands(expr)])
        return self.entrywise(expr)

    def sum(self, expr: MatrixExpr) -> MatrixExpr:
        """What is summed over the samples: of a bᵀ that is one product of matrices, of A B one for each."""
        if isinstance(expr, MatAdd):
            return rebuild(expr, [self.sum(o) for o in expr.args])
        if isinstance(expr, MatMul) and is_outer(expr):
            return MatMul(*map(self.simple, expr.args))
        if (
            isinstance(expr, MatMul)
            and is_added_up(expr)
            and not any(symbols_in(o) <= self.constant for o in expr.args)
        ):
            return self.product(*map(self.simple, expr.args))
        return self.entrywise(expr)

    def entrywise(self, expr: MatrixExpr) -> MatrixExpr:
        if isinstance(expr, MatrixSymbol):
            return expr
        if not is_entrywise(expr):
            return self.named(expr)
        return rebuild(expr, [self.entrywise(o) for o in operands(expr)])

    def simple(self, expr: MatrixExpr) -> MatrixExpr:
        """An operand of a product."""
        if is_simple(expr):
            return expr
        if isinstance(expr, Transpose):
            return Transpose(self.named(expr.args[0]))
        return self.named(expr)

    def named(self, expr: MatrixExpr) -> MatrixSymbol:
        if isinstance(expr, MatrixSymbol):
            return expr
        if expr not in self.known:
            self.make(expr, self.root(expr))
        return self.known[expr]

    def make(self, expr: MatrixExpr, value: MatrixExpr) -> None:
        """An equation for a value; what depends on parameters only is made once, and is a weight to a product."""
        name = name_of(self.owner.target)
        symbol = fresh(name if name.marks[:1] == ("part",) else name.marked("part"), expr.shape, self.taken)
        self.known[expr] = symbol
        constant = symbols_in(expr) <= self.constant
        (self.once if constant and not self.early else self.new).append(Equation(symbol, value, stage=self.owner.stage))
        if constant:
            self.constant.add(symbol)
            self.definitions[symbol] = value

    def product(self, left: MatrixExpr, right: MatrixExpr) -> MatrixExpr:
        """A product whose matrices are laid out as it takes them: along rows."""
        weight, other = symbols_in(left) <= self.constant, symbols_in(right) <= self.constant
        if weight and not other and right.shape[1] == 1 and not isinstance(left, Transpose):
            return MatMul(Transpose(self.turned(left)), right)
        if other and left.shape[0] == 1 and isinstance(right, Transpose) and not weight:
            return MatMul(left, self.turned(right.args[0]))
        if right.shape[1] != 1 and left.shape[0] != 1 and isinstance(right, Transpose):
            return MatMul(left, self.transposed(right))
        return MatMul(left, right)

    def turned(self, weight: MatrixExpr) -> MatrixSymbol:
        """The transpose of a weight, made once."""
        turned = Transpose(weight)
        if turned not in self.known:
            symbol = next(iter(symbols_in(weight)))
            value = self.definitions.get(symbol) if symbol == weight else None
            source = value if isinstance(value, (n.Concat, Transpose)) else weight
            self.known[turned] = fresh(name_of(symbol).marked("term"), turned.shape, self.taken)
            self.once.append(Equation(self.known[turned], flipped(source)))
            self.constant.add(self.known[turned])
        return self.known[turned]

    def transposed(self, expr: MatrixExpr) -> MatrixSymbol:
        if expr not in self.known:
            self.make(expr, expr)
        return self.known[expr]


# ── what needs no name ──


def _inlined(sweep: Sweep, kept: frozenset[MatrixSymbol]) -> Sweep:
    """Rows of values, pre-activations and early sums that are used once written where they are used."""
    uses = Counter(s for e in sweep.equations for s in walk(e.value) if isinstance(s, MatrixSymbol))
    sums = added_up(sweep)
    alone = [e.value for e in sweep.equations if e.target in sums or not is_entrywise(e.value)]
    apart = {s for value in alone for s in symbols_in(value)}
    inner: dict[MatrixExpr, MatrixExpr] = {}
    phases: dict[Phase, list[Equation]] = {}
    for phase in PHASES:
        phases[phase] = []
        for e in sweep[phase]:
            value = replaced(e.value, inner)
            view = isinstance(value, n.Slice) and is_simple(value)
            once = uses[e.target] == 1 and e.target not in apart and _is_light(e.target, value)
            if e.target not in kept and (view or once):
                inner[e.target] = value
            else:
                phases[phase].append(replace(e, value=value))
    return sweep.changed(phases)


def _is_light(target: MatrixSymbol, value: MatrixExpr) -> bool:
    mark = name_of(target).marks[:1]
    cheap = all(isinstance(p, _CHEAP) or (isinstance(p, (MatMul, Transpose)) and is_entrywise(p)) for p in walk(value))
    return mark in {("pre",), ("proj",)} and cheap
