"""Gates stacked: weights that meet the same operand one below the other, so that one product serves them all.

With W = [W_f; W_i; W_g; W_o] and δ = [δ_f; δ_i; δ_g; δ_o] the sum W_fᵀ δ_f + W_iᵀ δ_i + ... is Wᵀ δ, and the gradients
δ_f xᵀ, δ_i xᵀ, ... are the parts of δ xᵀ.  Which belong together is read off a gradient's equations: parameters whose
gradients have the same second factor.  Biases are stacked along where their gradients are those δ themselves.

The result has the outputs of the gradient that it is made from: the gradient of a part is the rows of its stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra.build import transpose
from lstmgraph.algebra.names import name_of, stack_name, symbol
from lstmgraph.algebra.nodes import Concat, Slice
from lstmgraph.program import Equation, Program


@dataclass(frozen=True)
class Stack:
    """Parameters, the cotangents that their gradients are made of, and the operand; None for biases.

    Where the gradients are not asked for, the operand's own cotangent stands for it.
    """

    parameters: tuple[MatrixSymbol, ...]
    deltas: tuple[MatrixSymbol, ...]
    operand: MatrixExpr | None


def stacked(program: Program) -> Program:
    """The gradient with the weights of gates that share an operand stacked; itself where none do."""
    stacks = tuple(_stacks(program))
    return _Stacking(program, stacks).run() if stacks else program


def _stacks(program: Program) -> Iterator[Stack]:
    """The parameters of each operand, in the order of their gradients; then biases, by the cotangents of these."""
    found: dict[MatrixExpr | None, dict[MatrixSymbol, MatrixSymbol]] = {}
    parameters = {str(name_of(p).marked("grad")): p for p in program.inputs if name_of(p).lag is None}
    for equation in program.stage("backward"):
        parameter = parameters.get(equation.target.name)
        delta, operand = _outer(equation.value)
        if parameter is not None and delta is not None and delta not in found.setdefault(operand, {}):
            found[operand][delta] = parameter
    asked = {e.target.name for e in program.stage("backward")}
    unasked = {p for target, p in parameters.items() if target not in asked}
    for equation in program.stage("backward"):
        for parameter, delta in _products(equation.value):
            if parameter in unasked and delta not in found.setdefault(equation.target, {}):
                found[equation.target][delta] = parameter
                unasked.remove(parameter)
    biases = found.pop(None, {})
    stacks = [Stack(tuple(f.values()), tuple(f), operand) for operand, f in found.items() if len(f) > 1]
    stacks = [s for s in stacks if len({p.shape[1] for p in s.parameters}) == 1]
    yield from stacks
    for deltas in dict.fromkeys(s.deltas for s in stacks):
        if all(delta in biases for delta in deltas):
            yield Stack(tuple(biases.pop(delta) for delta in deltas), deltas, None)


def _outer(value: MatrixExpr) -> tuple[MatrixSymbol | None, MatrixExpr | None]:
    """δ and x of δ xᵀ; δ and None of δ."""
    delta = value.args[0] if isinstance(value, MatMul) else value
    if not isinstance(delta, MatrixSymbol) or name_of(delta).marks[:1] not in (("bar",), ("seed",)):
        return None, None
    return delta, transpose(value.args[1]) if isinstance(value, MatMul) else None


def _products(value: MatrixExpr) -> Iterator[tuple[MatrixSymbol, MatrixSymbol]]:
    """W_f and δ_f of a sum of Wᵀ δ."""
    for term in value.args if isinstance(value, MatAdd) else ():
        if isinstance(term, MatMul) and isinstance(term.args[0], Transpose):
            left, right = term.args[0].args[0], term.args[1]
            if isinstance(left, MatrixSymbol) and isinstance(right, MatrixSymbol):
                yield left, right


class _Stacking:
    def __init__(self, program: Program, stacks: tuple[Stack, ...]) -> None:
        self.program, self.stacks = program, stacks
        self.of = {p: s for s in stacks for p in s.parameters}
        cotangents = list(dict.fromkeys(s.deltas for s in stacks))
        longest = max(cotangents, key=len)
        self.deltas = {d: self.named(d, d == longest, k) for k, d in enumerate(cotangents, start=1)}
        self.weights = {s: self.named(s.parameters, self.is_alone(s), k) for k, s in enumerate(stacks, start=1)}

    def named(self, parts: tuple[MatrixSymbol, ...], whole: bool, number: int) -> MatrixSymbol:
        """The symbol of a stack; `whole` where a letter without an index says which it is."""
        shape = (sum((p.shape[0] for p in parts[1:]), parts[0].shape[0]), parts[0].shape[1])
        return symbol(stack_name([name_of(p) for p in parts], "stack" if whole else "some", number), shape)

    def is_alone(self, stack: Stack) -> bool:
        """Whether the parameters in the stack are all that begin with one letter."""
        stems = {_stem(p) for p in stack.parameters}
        others = (s for s in self.program.inputs if s not in stack.parameters)
        return len(stems) == 1 and not any(_stem(s) in stems for s in others)

    def run(self) -> Program:
        weights = [Equation(self.weights[s], Concat(*s.parameters)) for s in self.stacks if s.operand is not None]
        equations = (*self.program.stage("forward"), *weights, *self.backward())
        return replace(self.program, equations=equations).needed_for(self.program.outputs)

    def backward(self) -> Iterator[Equation]:
        """The backward stage, each stack after the last of its parts."""
        missing = dict(self.deltas)
        known = {*self.program.inputs}
        slices = dict(self.slices())
        done: set[MatrixSymbol] = set()
        for equation in self.program.stage("backward"):
            for deltas in [d for d in missing if known.issuperset(d)]:
                yield Equation(missing.pop(deltas), Concat(*deltas), stage="backward")
            known.add(equation.target)
            if equation.target in slices:
                whole, rows = slices[equation.target]
                if whole.target not in done:
                    yield whole
                    done.add(whole.target)
                yield replace(equation, value=rows)
            else:
                yield replace(equation, value=self.merged(equation.value))

    def slices(self) -> Iterator[tuple[MatrixSymbol, tuple[Equation, Slice]]]:
        """For each gradient of a stacked parameter that of the stack, and which rows of it."""
        for stack, weight in self.weights.items():
            target = symbol(name_of(weight).marked("grad"), weight.shape)
            delta = self.deltas[stack.deltas]
            value = delta if stack.operand is None else MatMul(delta, transpose(stack.operand))
            whole = Equation(target, value, stage="backward")
            start = stack.parameters[0].shape[0] * 0
            for parameter in stack.parameters:
                rows = Slice(target, start, parameter.shape[0])
                yield symbol(name_of(parameter).marked("grad"), parameter.shape), (whole, rows)
                start = start + parameter.shape[0]

    def merged(self, value: MatrixExpr) -> MatrixExpr:
        """A sum with the product of each stack in the place of those of its parts, where all of them are there."""
        terms = list(value.args) if isinstance(value, MatAdd) else [value]
        for stack in (s for s in self.stacks if s.operand is not None):
            products = [MatMul(Transpose(p), d) for p, d in zip(stack.parameters, stack.deltas, strict=True)]
            if all(p in terms for p in products):
                whole = MatMul(Transpose(self.weights[stack]), self.deltas[stack.deltas])
                at = min(terms.index(p) for p in products)
                terms = [whole if k == at else t for k, t in enumerate(terms) if k == at or t not in products]
        return value if terms == [value] else MatAdd(*terms) if len(terms) > 1 else terms[0]


def _stem(parameter: MatrixSymbol) -> str:
    return name_of(parameter).base.partition("_")[0]
