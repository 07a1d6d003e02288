"""Equations as text -> small trees, by Python's `ast` and a whitelist: nothing that is read is ever evaluated.

    f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)   # forget gate

What is not in the whitelist is an error with a place and a way out (`mistakes.py`).  Sums and elementwise products are
flattened in the author's order; `1 - z` and `1 / z` are operations of their own; numbers stay exact.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sympy import Integer, MatAdd, MatMul, Rational, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name
from lstmgraph.algebra.nodes import signature_of
from lstmgraph.algebra.rules import FUNCTIONS
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.errors import CellSyntaxError, ShapeError
from lstmgraph.reading import mistakes
from lstmgraph.reading.segment import Segment
from lstmgraph.reading.text import Line, Text, split
from lstmgraph.reading.tree import Apply, Definition, Number, Ref, Tree

MAX_DEPTH = 60
MAX_PARTS = 5_000  # operations and operands of a whole cell
_MAX_BITS = 1_100  # of an exact number
_MAX_DIGITS = 40


def parse(text: Text) -> tuple[Definition, ...]:
    """The equations of a text, in its order.  Raises CellSyntaxError at the operand that is wrong."""
    definitions, parts = [], 0
    for line in list(split(text)):  # all of it is looked at before any of it is parsed
        parser = _Parser(text, line)
        definitions.append(parser.definition())
        parts += parser.parts
        if parts > MAX_PARTS:
            raise CellSyntaxError(f"more than {MAX_PARTS} operations and operands", place=text.place(line.start))
    return tuple(definitions)


def parse_expression(text: str, source: str) -> Tree:
    """One expression, such as `tanh(c[t])`."""
    whole = Text.alone(text, source)
    lines = list(split(whole))
    if len(lines) != 1:
        raise CellSyntaxError(f"{text!r} is not one expression", place=whole.place(0))
    return _Parser(whole, lines[0]).expression()


class _Parser(Segment):
    """Parses one equation.  `parts` counts what it consists of."""

    def __init__(self, text: Text, line: Line) -> None:
        super().__init__(text, line)
        self.parts = self.depth = 0

    # ── the whole equation ──

    def definition(self) -> Definition:
        statement = self.statement()
        assert isinstance(statement, ast.Assign)
        target = self.target(statement.targets[0])
        if len(statement.targets) > 1:
            raise self.error(
                statement.targets[1], "an equation has a single =", "give each value an equation of its own"
            )
        return Definition(target, self.convert(statement.value), self.line.note, self.place(statement))

    def expression(self) -> Tree:
        statement = self.parsed()
        if not isinstance(statement, ast.Expr):
            raise self.error(statement, "an expression is wanted here, not an equation")
        return self.convert(statement.value)

    def statement(self) -> ast.Assign:
        statement = self.parsed()
        if isinstance(statement, ast.Assign):
            return statement
        if isinstance(statement, ast.Expr):
            equals = self.source.find("==")
            if equals >= 0:
                raise self.error_at(equals, "an equation is written with a single =", width=2)
            goes_on = self.source.lstrip()[:1] in "+-*/@"
            raise self.error(statement, mistakes.NO_EQUATION, mistakes.IN_BRACKETS if goes_on else "")
        message, hint = mistakes.STATEMENTS.get(type(statement), (mistakes.NO_EQUATION, ""))
        raise self.error(statement, message, hint)

    def target(self, node: ast.expr) -> Ref:
        if isinstance(node, ast.Subscript):
            ref = self.reference(node)
            if ref.name.lag != 0:
                hint = f"an equation defines the value of this step, {ref.name.base}[t], from that of the previous one"
                raise self.error(node, f"{ref.name} cannot be defined", hint)
            return ref
        if isinstance(node, ast.Name):
            base = node.id.removesuffix("_t")
            hint = f"a value of the step is written {base}[t]; a number is given in [constants]: {node.id} = 0.5"
            raise self.error(node, f"{node.id!r} is defined without a time", hint)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            raise self.error(node, "a value is written with square brackets", f"write {node.func.id}[t] = ...")
        raise self.error(node, "the left-hand side of an equation is one name, NAME[t]")

    # ── expressions ──

    def convert(self, node: ast.expr) -> Tree:
        self.parts += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(node, f"nested more than {MAX_DEPTH} deep", mistakes.SPLIT)
        method = self.WHITELIST.get(type(node))
        if method is None:
            what, hint = mistakes.NODES.get(type(node), ("this", mistakes.LANGUAGE))
            raise self.error(node, f"{what} is not in the language", hint)
        tree = method(self, node)
        self.depth -= 1
        return tree

    def number(self, node: ast.Constant) -> Tree:
        return Number(self.exact(node), self.place(node))

    def exact(self, node: ast.Constant) -> Rational:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(node, f"{value!r:.40} is not a number of this language", mistakes.LANGUAGE)
        start, end = self.span(node)
        written = self.source[start:end].replace("_", "").lower()
        vanished = value == 0 and any(c in "123456789" for c in written.split("e")[0])
        if len(written) > _MAX_DIGITS or vanished or (value and not 1e-300 < abs(value) < 1e300):
            raise self.error(
                node,
                "this number is out of range",
                f"at most {_MAX_DIGITS} digits, above 1e-300 and below 1e300",
            )
        return Integer(value) if isinstance(value, int) or value == 0 else Rational(written)

    def name(self, node: ast.Name) -> Tree:
        fault = mistakes.identifier_fault(node.id)
        if node.id in FUNCTIONS and not fault:
            raise self.error(node, f"{node.id} is a function: it needs its operand", f"write {node.id}(...)")
        if fault:
            raise self.error(node, f"{node.id!r} cannot be a name here", fault)
        return Ref(Name(node.id), self.place(node))

    def subscript(self, node: ast.Subscript) -> Tree:
        return self.reference(node)

    def reference(self, node: ast.Subscript) -> Ref:
        if not isinstance(node.value, ast.Name):
            raise self.error(node.value, "only a name has a time", "write h[t] or h[t-1]")
        base = node.value.id
        fault = mistakes.identifier_fault(base)
        if fault:
            raise self.error(node.value, f"{base!r} cannot be a name", fault)
        return Ref(Name(base, self.lag(base, node.slice)), self.place(node))

    def lag(self, base: str, when: ast.expr) -> int:
        """0 for [t], -1 for [t-1]; nothing else."""
        if isinstance(when, ast.Name) and when.id == "t":
            return 0
        match when:
            case ast.BinOp(ast.Name("t"), ast.Sub(), ast.Constant(int(steps))) if not isinstance(steps, bool):
                if steps == 1:
                    return -1
                hint = f"carry it in a state of its own: {base}1[t] = identity({base}[t-1]), then {base}1[t-1]"
                raise self.error(when, f"only the previous step can be used, {base}[t-1]", hint if steps > 1 else "")
            case ast.BinOp(ast.Name("t"), ast.Add(), _):
                raise self.error(when, "a later step cannot be used", f"a step goes from {base}[t-1] to {base}[t]")
            case ast.Slice() | ast.Tuple() | ast.Constant():
                hint = "parts of a vector are values of their own: give each a name and an equation"
                raise self.error(when, f"entries cannot be picked: {base}[t] or {base}[t-1]", hint)
        raise self.error(when, f"the time is t or t-1: {base}[t] or {base}[t-1]")

    def attribute(self, node: ast.Attribute) -> Tree:
        if node.attr == "T":
            return self.apply(Transpose, node, self.operand(node.value, ".T"))
        hint = f"write {node.attr} alone" if node.attr in FUNCTIONS else mistakes.LANGUAGE
        raise self.error(node, f"the only attribute is .T, not .{node.attr:.30}", hint)

    def operand(self, node: ast.expr, sign: str) -> Tree:
        """An operand of something that is about matrices, hence not a number."""
        tree = self.convert(node)
        if isinstance(tree, Number):
            raise self.error(node, f"a number cannot be an operand of {sign}", "a number scales with *")
        return tree

    def call(self, node: ast.Call) -> Tree:
        operation = self.function(node)
        if node.keywords:
            raise self.error(node.keywords[0].value, "there are no keyword arguments")
        if not node.args:
            raise self.error(node, f"{ast.unparse(node.func)} needs an operand")
        args = [self.convert(a) for a in node.args]
        signature = parse_signature(signature_of(operation))
        if len(signature.operands) == 2 and not signature.repeats and len(args) > 2:
            first, second, *rest = args  # maximum(a, b, c) is maximum(maximum(a, b), c)
            tree: Tree = self.apply(operation, node, first, second)
            for arg in rest:
                tree = self.apply(operation, node, tree, arg)
            if len(args) > MAX_DEPTH:
                raise self.error(node, f"more than {MAX_DEPTH} operands")
            return tree
        try:
            signature.spread(len(args))
        except ShapeError as error:
            raise self.error(node, f"{ast.unparse(node.func)} {error.message}") from None
        return self.apply(operation, node, *args)

    def function(self, node: ast.Call) -> type:
        func = node.func
        if isinstance(func, ast.Attribute):
            hint = f"write {func.attr}(...) alone" if func.attr in FUNCTIONS else mistakes.function_hint(func.attr)
            raise self.error(func, "functions have no module or object before them", hint)
        if not isinstance(func, ast.Name):
            raise self.error(func, "only a function can be called", "a product needs its sign: @ or *")
        if func.id in FUNCTIONS:
            return FUNCTIONS[func.id]
        arg = ast.unparse(node.args[0]).replace(" ", "") if len(node.args) == 1 and self.is_short(node.args[0]) else ""
        if arg in ("t", "t-1"):
            raise self.error(node, f"a value is written with square brackets: {func.id}[{arg}]")
        raise self.error(func, f"there is no function {func.id!r:.60}", mistakes.function_hint(func.id))

    @staticmethod
    def is_short(node: ast.expr) -> bool:
        match node:
            case ast.Name() | ast.BinOp(ast.Name(), _, ast.Constant()):
                return True
        return False

    def unary(self, node: ast.UnaryOp) -> Tree:
        if isinstance(node.op, ast.UAdd):
            return self.convert(node.operand)
        if not isinstance(node.op, ast.USub):
            sign, hint = mistakes.OPERATORS[type(node.op)]
            raise self.error(node, f"{sign!r} is not in the language", hint)
        operand = self.convert(node.operand)
        if isinstance(operand, Number):
            return Number(-operand.value, self.place(node))
        return self.apply(n.Negative, node, operand)

    def binary(self, node: ast.BinOp) -> Tree:
        """A chain of operators of one side, without recursion along it: a sum may be long."""
        if isinstance(node.op, ast.Pow):
            base, exponent = self.convert(node.left), self.convert(node.right)
            return self.power(node, base, exponent)
        chain: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and not isinstance(first.op, ast.Pow):
            chain.append(first)
            first = first.left
        if sum(not isinstance(link.op, (ast.Add, ast.Sub, ast.Mult)) for link in chain) > MAX_DEPTH:
            raise self.error(node, f"more than {MAX_DEPTH} operators in a row", mistakes.SPLIT)
        tree = self.convert(first)
        for link in reversed(chain):
            tree = self.combine(link, tree)
        return tree

    def combine(self, link: ast.BinOp, left: Tree) -> Tree:
        match link.op:
            case ast.MatMult():
                if isinstance(left, Number):
                    raise self.error(link.left, "a number cannot be an operand of @", "a number scales with *")
                if (
                    isinstance(left, Apply)
                    and ")" not in self.source[self.span(link.left)[1] : self.span(link.right)[0]]
                ):
                    left = replace(left, loose=True)
                return self.apply(MatMul, link, left, self.operand(link.right, "@"))
            case ast.Add() | ast.Sub():
                return self.total(link, left, self.convert(link.right))
            case ast.Mult():
                return self.product(link, left, self.convert(link.right))
            case ast.Div():
                return self.quotient(link, left, self.convert(link.right))
        sign, hint = mistakes.OPERATORS[type(link.op)]
        raise self.error(link, f"{sign!r} is not in the language", hint)

    def total(self, link: ast.BinOp, left: Tree, right: Tree) -> Tree:
        minus = isinstance(link.op, ast.Sub)
        if isinstance(left, Number) and isinstance(right, Number):
            return self.small(link, left.value - right.value if minus else left.value + right.value)
        added = (self.apply(n.Negative, link.right, right),) if minus else _parts(MatAdd, right)
        terms = self.merged(link, [*_parts(MatAdd, left), *added], lambda a, b: a + b)
        first, second = terms[0], terms[1]
        if (
            isinstance(first, Number)
            and first.value == 1
            and isinstance(second, Apply)
            and second.operation is n.Negative
        ):
            terms = [self.apply(n.OneMinus, link, *second.args), *terms[2:]]
        return terms[0] if len(terms) == 1 else self.apply(MatAdd, link, *terms)

    def product(self, link: ast.BinOp, left: Tree, right: Tree) -> Tree:
        if isinstance(left, Number) and isinstance(right, Number):
            return self.small(link, left.value * right.value)
        factors = [*_parts(n.Hadamard, left), *_parts(n.Hadamard, right)]
        return self.apply(n.Hadamard, link, *self.merged(link, factors, lambda a, b: a * b))

    def quotient(self, link: ast.BinOp, left: Tree, right: Tree) -> Tree:
        if isinstance(right, Number) and right.value == 0:
            raise self.error(link.right, "a division by zero")
        if isinstance(left, Number) and isinstance(right, Number):
            return self.small(link, left.value / right.value)
        if isinstance(left, Number) and left.value == 1:
            return self.apply(n.Reciprocal, link, right)
        return self.apply(n.Divide, link, left, right)

    def power(self, node: ast.BinOp, base: Tree, exponent: Tree) -> Tree:
        if not (isinstance(base, Number) and isinstance(exponent, Number)):
            return self.apply(n.Power, node, base, exponent)
        if exponent.value.q != 1 or abs(exponent.value) > 64 or (base.value == 0 and exponent.value < 0):
            raise self.error(node, "this power is too large, or no exact number", "write its value")
        return self.small(node, base.value**exponent.value)

    def merged(self, link: ast.BinOp, parts: list[Tree], merge: Callable[[Rational, Rational], Rational]) -> list[Tree]:
        """Numbers side by side at the front as one: 2 * (3 * x) means what 2 * 3 * x does."""
        while len(parts) > 2 and isinstance(parts[0], Number) and isinstance(parts[1], Number):
            parts = [self.small(link, merge(parts[0].value, parts[1].value)), *parts[2:]]
        return parts

    def small(self, node: ast.expr, value: Rational) -> Number:
        if max(int(value.p).bit_length(), int(value.q).bit_length()) > _MAX_BITS:
            raise self.error(node, "this number is out of range")
        return Number(value, self.place(node))

    def apply(self, operation: type, node: ast.expr, *args: Tree) -> Apply:
        return Apply(operation, args, self.place(node))

    WHITELIST: ClassVar[dict[type[ast.expr], Callable[[Any, Any], Tree]]] = {
        ast.Constant: number,
        ast.Name: name,
        ast.Subscript: subscript,
        ast.Attribute: attribute,
        ast.Call: call,
        ast.UnaryOp: unary,
        ast.BinOp: binary,
    }


def _parts(operation: type, tree: Tree) -> Sequence[Tree]:
    """The operands of a sum in a sum, of a product in a product."""
    return tree.args if isinstance(tree, Apply) and tree.operation is operation else (tree,)
