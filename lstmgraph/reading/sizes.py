"""The sizes of all values, inferred by unification, and then the equations as SymPy nodes.

What `[sizes]` says and the signature of every operation (`m k, k n -> m n`) are hard: they are unified first.  An
operation that works entry by entry is soft: its operands have one shape, but a scalar may stand for any of them.  Soft
ones are settled as soon as enough is known; where nothing more follows, the first one left in the file takes all its
operands to have one shape, sums before products.  A value of which nothing says how many columns it has is a vector.
Scalars are broadcast by an explicit `Fill`, so that in the nodes every shape is strict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from sympy import Expr, Integer, MatMul, MatrixExpr

from lstmgraph.algebra.names import symbol
from lstmgraph.algebra.nodes import Divide, Fill, Hadamard, signature_of
from lstmgraph.algebra.shapes import Open, Shape, Size, Unifier, parse_signature, show_shape
from lstmgraph.errors import CellError, Place, ShapeError
from lstmgraph.program import Equation
from lstmgraph.reading.mistakes import near
from lstmgraph.reading.tree import Apply, Definition, Number, Ref, Tree, broadcasts, references, spelling

ONE = Integer(1)
SCALING = (Hadamard, Divide)
_SIDES = ("rows", "columns")
Form = tuple[Size, Size]


class Sizes:
    """The shapes of all names and all parts of `definitions`.  Raises ShapeError where they contradict or stay open."""

    def __init__(self, definitions: Sequence[Definition], given: Mapping[str, Shape], constants: Sequence[str]) -> None:
        self.definitions = definitions
        self.unifier = Unifier()
        self.names: dict[str, Form] = {**given, **dict.fromkeys(constants, (ONE, ONE))}
        self.forms: dict[Tree, Form] = {}
        self.numbers: list[Number] = []
        self.soft: dict[Apply, None] = {}  # in the order of the file
        self.due: dict[Apply, None] = {}  # those to be looked at (again)
        self.watchers: defaultdict[Open, dict[Apply, None]] = defaultdict(dict)
        self.seen = 0
        self.run()

    def run(self) -> None:
        for definition in self.definitions:
            for tree in (definition.target, definition.value):
                self.visit(tree)
            self.same(definition.value, definition.target, definition)
        self.solve()
        for number in self.numbers:
            for side in self.forms[number]:
                if isinstance(self.unifier.find(side), Open):
                    self.unifier.equal(side, ONE)
        self.settle_all()
        self.take_vectors()
        self.refuse_open()

    def take_vectors(self) -> None:
        """Where nothing says how many columns there are, and no other value has as many rows, there is one."""
        waiting = [s for total in self.unifier.sums for s in (total.whole, *total.parts)]
        taken = {self.unifier.find(s) for s in (*waiting, *(rows for rows, _ in self.names.values()))}
        for rows, columns in list(self.names.values()):
            if not self.is_open(rows) and self.is_open(columns) and self.unifier.find(columns) not in taken:
                self.unifier.equal(columns, ONE)
                self.settle_all()

    # ── what is given ──

    def visit(self, tree: Tree) -> None:
        """Give every part a form, and unify what is hard."""
        if isinstance(tree, Number):
            self.numbers.append(tree)
            self.forms[tree] = (Open("rows of a number"), Open("columns of a number"))
        elif isinstance(tree, Ref):
            base = tree.name.base
            self.forms[tree] = self.names.setdefault(base, (Open(f"rows of {base}"), Open(f"columns of {base}")))
        else:
            for arg in tree.args:
                self.visit(arg)
            self.forms[tree] = (Open("rows"), Open("columns"))
            if broadcasts(tree.operation):
                self.soft[tree] = None
                self.due[tree] = None
            else:
                self.unify(tree)

    def unify(self, node: Apply) -> None:
        """Apply the signature of an operation."""
        signature = parse_signature(signature_of(node.operation))
        self.unifier.reason = node.place
        sizes: dict[str, Size] = {"1": ONE}
        holders: dict[str, tuple[Tree, int]] = {}
        for arg, letters in zip(node.args, signature.spread(len(node.args)), strict=True):
            for side, letter in enumerate(letters):
                size = self.forms[arg][side]
                if not self.unifier.equal(sizes.setdefault(letter, size), size):
                    raise self.misfit(node, arg, side, holders.get(letter))
                holders.setdefault(letter, (arg, side))
        for side, letter in enumerate(signature.result):
            if letter.startswith("+"):
                parts = [s for name, s in sizes.items() if name.startswith("*" + letter[1:])]
                self.unifier.add_sum(self.forms[node][side], parts)
            else:
                self.unifier.equal(self.forms[node][side], sizes[letter])

    # ── what works entry by entry ──

    def solve(self) -> None:
        """Settle everything.  What nothing settles is decided: sums before products, in the order of the file."""
        self.settle_all()
        for scaling in (False, True):
            if scaling:
                self.take_vectors()
            while first := next((node for node in self.soft if (node.operation in SCALING) is scaling), None):
                del self.soft[first]
                self.force(first)
                self.settle_all()

    def settle_all(self) -> None:
        """Settle what follows from what is known, until nothing more does."""
        while True:
            self.check_sums()
            while self.due:
                node = next(iter(self.due))
                del self.due[node]
                if self.settle(node):
                    self.soft.pop(node, None)
                else:
                    self.watch(node)
            learnt = list(islice(self.unifier.bound, self.seen, None))
            self.seen += len(learnt)
            if not learnt:
                return
            for size in learnt:
                self.due.update(self.watchers.pop(size, {}))

    def watch(self, node: Apply) -> None:
        """Have a node settled again when one of its open sizes is learnt."""
        for tree in (node, *node.args):
            for side in self.forms[tree]:
                found = self.unifier.find(side)
                if isinstance(found, Open):
                    self.watchers[found][node] = None

    def settle(self, node: Apply) -> bool:
        """Unify the operands that cannot be broadcast scalars; whether that is all there was to do."""
        self.unifier.reason = node.place
        operands = [a for a in node.args if not isinstance(a, Number)]
        if self.is_scalar(node):
            for arg in operands:
                self.same(arg, node, node)
            return True
        if node.operation in SCALING and not node.loose:
            self.find_scalars(operands, node)
        rest = [a for a in operands if not self.is_scalar(a)]
        wide = [a for a in rest if self.is_wide(a)]
        if wide or len(rest) == 1:
            for arg in wide or rest:
                self.same(arg, node, node)
        elif not rest and operands:
            self.same(operands[0], node, node)
        elif not operands:
            return False
        return all(self.is_scalar(a) or a in wide or len(rest) == 1 for a in operands)

    def find_scalars(self, operands: Sequence[Tree], node: Apply) -> None:
        """What looks like a column and scales a matrix can only be a scalar."""
        for arg in operands:
            if not self.is_wide(arg) and self.clashes(arg, node):
                for side in self.forms[arg]:
                    self.unifier.equal(side, ONE)

    def clashes(self, tree: Tree, node: Apply) -> bool:
        """Whether what is known of two shapes shows that they differ."""
        pairs = zip(self.forms[tree], self.forms[node], strict=True)
        found = [(self.unifier.find(a), self.unifier.find(b)) for a, b in pairs]
        return any(a != b for a, b in found if not isinstance(a, Open) and not isinstance(b, Open))

    def force(self, node: Apply) -> None:
        """Nothing tells which operands are scalars: none of those that are open is."""
        self.unifier.reason = node.place
        for arg in node.args:
            if isinstance(arg, Number) and len(node.args) > 1 and not all(isinstance(a, Number) for a in node.args):
                continue
            if not self.is_scalar(arg):
                self.same(arg, node, node)

    def sides(self, tree: Tree) -> tuple[Size, ...]:
        return tuple(self.unifier.find(s) for s in self.forms[tree])

    def is_scalar(self, tree: Tree) -> bool:
        return all(s is ONE for s in self.sides(tree))

    def is_wide(self, tree: Tree) -> bool:
        """Whether it is known not to be a scalar."""
        return any(not isinstance(s, Open) and s is not ONE for s in self.sides(tree))

    def same(self, tree: Tree, other: Tree, cause: Apply | Definition) -> None:
        self.unifier.reason = cause.place
        for a, b in zip(self.forms[tree], self.forms[other], strict=True):
            if not self.unifier.equal(a, b):
                raise self.unequal(tree, cause)

    def check_sums(self) -> None:
        failed = self.unifier.settle_sums()
        if failed is not None:
            place = failed.reason if isinstance(failed.reason, Place) else None
            parts = " + ".join(self.shown(p) for p in failed.parts[:6]) + (" + ..." if len(failed.parts) > 6 else "")
            raise ShapeError(f"concat has {parts} rows, but {self.shown(failed.whole)} are wanted here", place=place)

    # ── errors ──

    def shown(self, size: Size) -> str:
        found = self.unifier.find(size)
        return "?" if isinstance(found, Open) else str(found)

    def form(self, tree: Tree) -> str:
        """The shape for people, as far as it is known."""
        return show_shape([self.shown(s) for s in self.forms[tree]])

    def origin(self, *trees: Tree) -> str:
        """Where the shapes of the names in those trees come from."""
        found: dict[str, str] = {}
        for ref in (r for tree in trees for r in references(tree)):
            reasons = [self.unifier.why(s) for s in self.forms[ref]]
            place = next((r for r in reasons if isinstance(r, Place)), None)
            if place is not None and "?" not in self.form(ref) and len(found) < 4:
                found.setdefault(ref.name.base, f"{ref.name.base} is {self.form(ref)} because of line {place.line}")
        return "; ".join(found.values())

    def misfit(self, node: Apply, arg: Tree, side: int, holder: tuple[Tree, int] | None) -> ShapeError:
        """An operand that does not fit the signature of its operation."""
        sign, size = spelling(node.operation), self.shown(self.forms[arg][side])
        if holder is None:
            message = f"{sign} takes a vector: {quote(arg)} is {self.form(arg)}"
            return ShapeError(message, place=arg.place, hint=self.origin(arg))
        first, first_side = holder
        first_size = self.shown(self.forms[first][first_side])
        message = (
            f"{quote(first)} is {self.form(first)} and {quote(arg)} is {self.form(arg)}: "
            f"for {sign} the {_SIDES[first_side]} of the first ({first_size}) "
            f"must be the {_SIDES[side]} of the second ({size})"
        )
        return ShapeError(message, place=arg.place, hint=self.product_hint(first, arg) or self.origin(first, arg))

    def product_hint(self, left: Tree, right: Tree) -> str:
        if all(self.sides(tree)[1] == ONE for tree in (left, right)):
            return f"* is the elementwise product of vectors, {quote(left)}.T @ {quote(right)} the inner one"
        return ""

    def unequal(self, tree: Tree, cause: Apply | Definition) -> ShapeError:
        """Operands, or the two sides of an equation, that have not one shape."""
        if isinstance(cause, Definition):
            message = f"{quote(cause.target)} is {self.form(cause.target)}, but its value is {self.form(cause.value)}"
            return ShapeError(message, place=cause.value.place, hint=self.origin(cause.target, cause.value))
        others = [
            a for a in cause.args if self.is_wide(a) and "?" not in self.form(a) and self.form(a) != self.form(tree)
        ]
        other = next(iter(others), cause)
        sign = spelling(cause.operation)
        message = (
            f"{sign} works entry by entry: {quote(tree)} is {self.form(tree)}, but {quote(other)} is {self.form(other)}"
        )
        return ShapeError(
            message, place=tree.place, hint=self.elementwise_hint(cause, tree, other) or self.origin(tree, other)
        )

    def elementwise_hint(self, cause: Apply, tree: Tree, other: Tree) -> str:
        columns = {str(self.unifier.find(self.forms[a][1])) for a in (tree, other)}
        named = [a.name for a in (tree, other) if isinstance(a, Ref)]
        if spelling(cause.operation) == "*" and "1" in columns and len(columns) == 2:
            column = next(a for a in (tree, other) if self.unifier.find(self.forms[a][1]) == ONE)
            bases = {ref.name.base for ref in references(column)}
            scalar = "".join(f"; if {b} is a scalar, add a line to [sizes]: {b} = 1" for b in bases if len(bases) == 1)
            return f"the matrix product is @; it binds as * does, from the left: write f[t] * (W @ x[t]){scalar}"
        if product := next(filter(None, map(_product_meant, (tree, other))), ""):
            return product
        parameter = next((name for name in named if name.lag is None), None)
        return f"if {parameter} is a scalar, add a line to [sizes]: {parameter} = 1" if parameter else ""

    def refuse_open(self) -> None:
        """Raise for the name whose size would settle the most: a state before other values, those before parameters."""
        first: dict[str, Ref] = {}
        for ref in self.in_file():
            if any(self.is_open(s) for s in self.forms[ref]):
                first.setdefault(ref.name.base, ref)
        if not first:
            return
        carried = {r.name.base for r in self.in_file() if r.name.lag == -1}
        stacks = {self.unifier.find(total.whole) for total in self.unifier.sums}  # their parts settle them
        stacked = {b for b, r in first.items() if not stacks.isdisjoint(self.sides(r))}
        rank = {b: (not self.misspelt(r), b in stacked, b not in carried, r.name.lag is None) for b, r in first.items()}
        base, ref = min(first.items(), key=lambda item: rank[item[0]])
        alike = [b for b in first if b != base and self.linked(base, b)]
        settled = f"  (settles {', '.join(alike[:8])} too)" if alike else ""
        raise ShapeError(
            f"the size of {base!r} stays open: it is {self.form(ref)}",
            place=ref.place,
            hint=f"{self.misspelt(ref)}add a line to [sizes]: {self.proposal(ref)}{settled}",
        )

    def misspelt(self, ref: Ref) -> str:
        """For an input that looks like a value that is computed."""
        defined = {d.target.name.base for d in self.definitions}
        if ref.name.lag != 0 or ref.name.base in defined:
            return ""
        guess = near(ref.name.base, defined)
        return f"no equation defines {ref.name}, so it is an input: {guess}  Otherwise " if guess else ""

    def in_file(self) -> Iterator[Ref]:
        for definition in self.definitions:
            yield definition.target
            yield from references(definition.value)

    def is_open(self, size: Size) -> bool:
        return isinstance(self.unifier.find(size), Open)

    def linked(self, one: str, other: str) -> bool:
        found = [{self.unifier.find(s) for s in self.names[base] if self.is_open(s)} for base in (one, other)]
        return found[1] <= found[0]

    def proposal(self, ref: Ref) -> str:
        """A line for [sizes] that would settle the size of a name."""
        base = ref.name.base
        rows, columns = sides = self.sides(ref)
        taken = {
            str(s) for form in self.names.values() for s in map(self.unifier.find, form) if not isinstance(s, Open)
        }
        letters = [x for x in dict.fromkeys([base[0].upper(), *"HMKNPQR"]) if x.isascii() and x not in taken]
        shown = []
        for side in sides:
            text = letters.pop(0) if isinstance(side, Open) else str(side)
            shown.append(text if text.isdigit() else f'"{text}"')
        vector = columns == ONE or (isinstance(rows, Open) and isinstance(columns, Open))
        if not vector:
            return f"{base} = [{', '.join(shown)}]"
        return f"{base} = {shown[0]}" + (f" (or {base} = 1, a scalar)" if isinstance(columns, Open) else "")

    # ── the nodes ──

    def shape(self, tree: Tree) -> tuple[Expr, Expr]:
        rows, columns = self.sides(tree)
        if isinstance(rows, Open) or isinstance(columns, Open):
            raise ShapeError(
                f"the size of {quote(tree)} stays open", place=tree.place, hint="give its names in [sizes]"
            )
        return rows, columns

    def build(self, tree: Tree) -> MatrixExpr:
        """The tree as SymPy nodes, every scalar broadcast by a Fill."""
        if isinstance(tree, Number):
            return Fill(tree.value, *self.shape(tree))
        if isinstance(tree, Ref):
            return symbol(tree.name, self.shape(tree))
        if not broadcasts(tree.operation):
            return tree.operation(*(self.build(a) for a in tree.args))
        return tree.operation(*(self.spread(a, self.shape(tree)) for a in tree.args))

    def spread(self, tree: Tree, shape: Shape) -> MatrixExpr:
        if isinstance(tree, Number):
            return Fill(tree.value, *shape)
        return self.build(tree) if self.shape(tree) == shape else Fill(self.build(tree), *shape)

    def equations(self) -> tuple[Equation, ...]:
        built = []
        for d in self.definitions:
            target = symbol(d.target.name, self.shape(d.target))
            built.append(Equation(target, self.build(d.value), d.note, d.place))
        return tuple(built)

    def expression(self, tree: Tree) -> MatrixExpr:
        """One more expression in the names of the equations, as the node that it is there.  Raises CellError."""
        for ref in references(tree):
            if ref.name.base not in self.names:
                raise CellError(f"no equation has {ref.name}", place=ref.place)
        self.visit(tree)
        self.solve()
        return self.build(tree)


def _product_meant(tree: Tree) -> str:
    """A way out for W * x[t] and x[t] @ W, where W @ x[t] is meant."""
    match tree:
        case Apply(operation, (Ref() as first, Ref() as second)) if operation in (Hadamard, MatMul):
            elementwise, learnt_first = operation is Hadamard, first.name.lag is None
            if elementwise and learnt_first and second.name.lag is not None:
                return f"* works entry by entry; the matrix product is {quote(first)} @ {quote(second)}"
            if not elementwise and not learnt_first and second.name.lag is None:
                return f"values are columns, so the matrix stands first: {quote(second)} @ {quote(first)}"
    return ""


def quote(tree: Tree) -> str:
    """The tree's own text, shortened."""
    place = tree.place
    text = " ".join(place.text[place.column - 1 : place.column - 1 + place.width].split())
    return text if len(text) <= 40 else text[:37] + "..."
