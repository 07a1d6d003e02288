"""Where nodes are added to: once, for all steps at once, or to the body of a loop.

What depends on nothing but parameters goes among the nodes that are there once, from wherever it is needed, and is made
only one time; so does what is known of sizes.  A size that the model leaves open is read off a tensor that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Expr, MatrixExpr, MatrixSymbol, Number, Symbol

from lstmgraph.algebra.names import Shape
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.codegen.graphs.parts import Node, Tensor
from lstmgraph.codegen.identifiers import Names
from lstmgraph.errors import UsageError

NUMBERS = {0.0: "zero", 1.0: "one", 2.0: "two"}
Part = tuple[MatrixExpr, Expr, Expr]  # rows of a value: from where, how many


@dataclass
class Whole:
    """What all scopes of a model share: names, numbers, sizes, and the nodes that are there once.

    `sizes` are those that are fixed; `given` are tensors, by their names and axes, off which others are read; `steps`
    and `batch` are the names of tensors with these two numbers, `times` that of one with an entry for each step.
    """

    names: Names
    sizes: Mapping[Symbol, Expr]
    given: Sequence[tuple[str, Sequence[Expr]]]
    dtype: str
    steps: str = ""
    batch: str = ""
    times: str = ""
    once: list[Node] = field(default_factory=list)
    constants: dict[str, float | int | list[int]] = field(default_factory=dict)
    known: dict[object, str] = field(default_factory=dict)
    nameless: set[str] = field(default_factory=set)  # parts of formulas

    def part(self, owner: str) -> str:
        """A name for a part of the formula of another value."""
        name, count = f"{owner}_part", 1
        while name in self.names.taken:
            count += 1
            name = f"{owner}_part_{count}"
        self.nameless.add(name)
        return self.fresh(name)

    def fresh(self, wish: str) -> str:
        return self.names.fresh(wish, object())

    def number(self, value: float) -> str:
        """The name of a floating number."""
        return self.constant(("number", value), NUMBERS.get(value) or _word(value), value)

    def whole(self, *values: int) -> str:
        """The name of a list of whole numbers."""
        return self.constant(("whole", values), "_".join(["at", *map(_word, values)]), list(values))

    def constant(self, key: object, wish: str, value: float | list[int]) -> str:
        if key not in self.known:
            self.known[key] = self.fresh(wish)
            self.constants[self.known[key]] = value
        return self.known[key]

    def shared(self, op: str, inputs: Sequence[str], wish: str = "", owner: str = "", **attributes: Any) -> str:
        """The name of what one node gives, which is there once; without a wish, a part of its owner's formula."""
        key = (op, *inputs, *sorted(attributes.items()))
        if key not in self.known:
            self.known[key] = self.fresh(wish) if wish else self.part(owner)
            self.once.append(Node(op, tuple(inputs), (self.known[key],), attributes))
        return self.known[key]

    # ── sizes ──

    def fixed(self, side: Expr) -> int | None:
        """A size, if the model fixes it."""
        number = side.xreplace(self.sizes)
        return int(number) if number.is_Integer else None

    def size(self, side: Expr) -> str:
        """The name of a tensor with one size in it."""
        number = self.fixed(side)
        if number is not None:
            return self.constant(("size", number), f"size_{number}", [number])
        place = next(((name, k) for name, axes in self.given for k, a in enumerate(axes) if a == side), None)
        if place is not None:
            return self.shared("Shape", place[:1], f"size_{_plain(side)}", start=place[1], end=place[1] + 1)
        return self.formula(side)

    def formula(self, side: Expr) -> str:
        """A size that no axis has: a sum of multiples of others."""
        places = [(a, name, k) for name, axes in self.given for k, a in enumerate(axes)]
        solved = solve_sizes([a for a, _, _ in places])
        if not side.free_symbols <= solved.keys():
            raise UsageError(f"no tensor tells the size {side}", hint="give the sizes")
        lengths = {axis(k): place for k, place in enumerate(places)}
        above, below = side.xreplace(solved).expand().together().as_numer_denom()
        wish, total = f"size_{_plain(side)}", ""
        for length, factor in sorted(above.expand().as_coefficients_dict().items(), key=str):
            if length in lengths:
                _, name, k = lengths[length]
                part = self.shared("Shape", [name], f"length_{name}", start=k, end=k + 1)
                part = part if factor == 1 else self.shared("Mul", [part, self.size(factor)], f"{part}_by_{factor}")
            else:
                part = self.size(factor)
            total = self.shared("Add", [total, part], wish) if total else part
        return total if below == 1 else self.shared("Div", [total, self.size(below)], wish)

    def joined(self, pieces: Sequence[str], wish: str, batched: bool) -> Callable[[Scope], str]:
        """The name of several numbers in one list."""
        if len(pieces) == 1:
            return lambda _: pieces[0]
        values = [self.constants.get(piece) for piece in pieces]
        if all(isinstance(v, list) for v in values):
            return lambda _: self.whole(*(v[0] for v in values if isinstance(v, list)))
        if not batched:
            return lambda _: self.shared("Concat", pieces, wish, axis=0)
        return lambda scope: scope.node("Concat", pieces, self.fresh(wish), axis=0)


@dataclass
class Scope:
    """The nodes of a graph, or of a part of it, and what its values are.

    `lead` are the axes in front of a batched value's own: none, samples, or steps and samples.  `starts` are what some
    values were before the first step.
    """

    whole: Whole
    lead: int
    values: dict[MatrixSymbol, Tensor]
    nodes: list[Node] = field(default_factory=list)
    owner: str = "part"
    splits: dict[MatrixExpr, list[Part]] = field(default_factory=dict)
    rows: dict[Part, Tensor] = field(default_factory=dict)
    starts: dict[MatrixSymbol, Tensor] = field(default_factory=dict)

    def node(self, op: str, inputs: Iterable[str], *outputs: str, **attributes: Any) -> str:
        self.nodes.append(Node(op, tuple(inputs), outputs, attributes))
        return outputs[0]

    def op(
        self,
        op: str,
        parts: Sequence[Tensor],
        shape: Shape,
        more: Iterable[str] = (),
        thin: bool | None = None,
        **how: Any,
    ) -> Tensor:
        """The value of one node; where nothing of it differs from sample to sample, it is there once."""
        batched = any(p.batched for p in parts)
        thin = all(p.thin for p in parts) if thin is None else thin
        inputs = [*(p.name for p in parts), *more]
        if not batched:
            return Tensor(self.whole.shared(op, inputs, owner=self.owner, **how), shape, batched, thin)
        return Tensor(self.node(op, inputs, self.whole.part(self.owner), **how), shape, batched, thin)

    def number(self, value: Number | float, shape: Shape) -> Tensor:
        return Tensor(self.whole.number(float(value)), shape, thin=True)

    def full(self, tensor: Tensor, batched: bool | None = None) -> Tensor:
        """With all entries there, and one value for each sample if `batched`."""
        batched = tensor.batched if batched is None else batched
        if not tensor.thin and tensor.batched == batched:
            return tensor
        found = replace(tensor, batched=batched, thin=False)
        lead = [self.whole.steps, self.whole.batch][2 - self.lead :] if batched else []
        pieces = [*lead, *map(self.whole.size, found.axes)]
        if not pieces:
            return found
        wish = "_".join(["shape", *(str(a) for a in found.axes if a.is_Symbol)])
        shape = self.whole.joined(pieces, wish, batched)(self)
        if batched:
            return replace(found, name=self.node("Expand", [tensor.name, shape], self.whole.part(self.owner)))
        return replace(found, name=self.whole.shared("Expand", [tensor.name, shape], owner=self.owner))

    def thin(self, tensor: Tensor, shape: Shape) -> Tensor:
        """The one entry of a tensor in the place of all those of a shape.  A scalar has one anyway."""
        found = replace(tensor, shape=shape, thin=shape != (1, 1))
        if not tensor.batched or (tensor.form == "M") == (found.form == "M"):
            return found
        return self.unsqueezed(found, -1) if found.form == "M" else self.squeezed(found, -1)

    def unsqueezed(self, tensor: Tensor, at: int, shape: Shape | None = None) -> Tensor:
        return self.op("Unsqueeze", [tensor], shape or tensor.shape, [self.whole.whole(at)])

    def squeezed(self, tensor: Tensor, at: int, shape: Shape | None = None) -> Tensor:
        return self.op("Squeeze", [tensor], shape or tensor.shape, [self.whole.whole(at)])

    def assign(self, target: MatrixSymbol, tensor: Tensor) -> None:
        """Gives a value its name, where it has none yet."""
        if tensor.name in self.whole.nameless:
            name = self.name(target, tensor.batched)
            self.rename(tensor.name, name)
            tensor = replace(tensor, name=name)
        self.values[target] = tensor

    def called(self, tensor: Tensor, wish: str) -> Tensor:
        """Under a name of its own, where it has none yet."""
        if tensor.name not in self.whole.nameless:
            return tensor
        name = self.whole.fresh(wish)
        self.rename(tensor.name, name)
        return replace(tensor, name=name)

    def name(self, target: MatrixSymbol, batched: bool = True) -> str:
        """What a value is called here: that of all steps has an s."""
        names = self.whole.names
        return names.plural(target) if self.lead == 2 and batched else names[target]

    def rename(self, old: str, new: str) -> None:
        whole = self.whole
        whole.nameless.discard(old)
        whole.names.taken.discard(old)
        self.nodes[:] = [node.renamed(old, new) for node in self.nodes]
        whole.once[:] = [node.renamed(old, new) for node in whole.once]
        self.rows = {part: replace(t, name=new) if t.name == old else t for part, t in self.rows.items()}
        whole.known = {key: new if name == old else name for key, name in whole.known.items()}


def _word(value: float) -> str:
    """A number in a name: minus_1, 0_5."""
    return f"{value:g}".replace("-", "minus_").replace(".", "_").replace("+", "")


def _plain(side: Expr) -> str:
    """A size in a name: 2H, H_plus_X."""
    words: dict[str, str | int | None] = {" ": "", "*": "", "+": "_plus_", "-": "_minus_", "/": "_by_"}
    return str(side).translate(str.maketrans(words))
