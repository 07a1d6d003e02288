"""Where a proof computes: a ring of numbers that stand for real ones, and the few functions that are not rational.

What a domain needs is `number`, `unknown`, `add`, `mul`, `inverse`, `key` and `is_zero`; the rest follows here.  A
value of a function (exp, tanh, log, ...) is a new unknown for each argument, remembered by it, so that the same
function of the same argument is the same unknown wherever it is computed.  That an identity holds with independent
unknowns says more than that it holds for the functions, so nothing false can be proven so; see `treatment.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from sympy import Rational

E = TypeVar("E")

NEAR = (0, 1, -1, 2, -2)  # exponents that differ by these whole numbers are powers of one another's


class TooLarge(Exception):
    """The computation takes more than it was allowed, as its words say; nothing was decided."""


class Redraw(Exception):
    """At this point something is divided by zero; another one will do."""


class Domain(ABC, Generic[E]):
    """`zero` and `one` are elements; an element does not change."""

    zero: E
    one: E

    def __init__(self) -> None:
        self.known: dict[Hashable, E] = {}
        self.roots = 0  # how many roots were taken

    @abstractmethod
    def number(self, value: Rational) -> E: ...

    @abstractmethod
    def unknown(self, label: str) -> E:
        """An element that no relation binds."""

    def share(self, label: str) -> E:
        """An unknown for a direction; with or without any of these all other unknowns are the same."""
        return self.unknown(label)

    @abstractmethod
    def add(self, a: E, b: E) -> E: ...

    @abstractmethod
    def mul(self, a: E, b: E) -> E: ...

    @abstractmethod
    def inverse(self, a: E) -> E:
        """1 / a.  Raises Redraw where a is zero."""

    @abstractmethod
    def key(self, a: E) -> Hashable:
        """The same for equal elements."""

    @abstractmethod
    def is_zero(self, a: E) -> bool:
        """Whether an element is zero wherever it has a value."""

    @abstractmethod
    def sign(self, a: E) -> int | None:
        """-1, 0 or 1 for a number, None for what has no sign of its own."""

    def reduce(self, a: E) -> E:
        """The same element, written shorter where that can be."""
        return a

    def size(self, a: E) -> int:  # noqa: ARG002 - of an element that has terms
        """How many terms an element has."""
        return 1

    def call(self, a: E, label: str) -> None:
        """What an element is called from then on, where it has no name yet."""

    def settled(self, a: E) -> E:
        """What the value of a named equation is from then on: itself, or an unknown for it."""
        return a

    # ── what follows ──

    def total(self, terms: Iterable[E]) -> E:
        result = self.zero
        for term in terms:
            result = self.add(result, term)
        return result

    def product(self, factors: Iterable[E]) -> E:
        result = self.one
        for factor in factors:
            result = self.mul(result, factor)
        return result

    def integer(self, value: int) -> E:
        return self.number(Rational(value))

    def negative(self, a: E) -> E:
        return self.mul(self.integer(-1), a)

    def subtract(self, a: E, b: E) -> E:
        return self.add(a, self.negative(b))

    def power(self, a: E, exponent: int) -> E:
        """By squares, so that a large exponent takes few products."""
        base, result = a if exponent > 0 else self.inverse(a), self.one
        for bit in f"{abs(exponent):b}":
            result = self.mul(result, result)
            result = self.mul(result, base) if bit == "1" else result
        return result

    # ── functions ──

    def function(self, name: str, *arguments: E) -> E:
        """A function's value: an unknown for each argument; exp(-a) is 1 / exp(a)."""
        reduced = [self.reduce(a) for a in arguments]
        key = (name, *map(self.key, reduced))
        if name == "exp" and key not in self.known:
            opposite = (name, self.key(self.negative(reduced[0])))
            if opposite in self.known:
                self.known[key] = self.inverse(self.known[opposite])
        if key not in self.known:
            self.known[key] = self.unknown(f"{name}.{len(self.known)}")
        return self.known[key]

    def raised(self, base: E, exponent: E) -> E:
        """base ** exponent for an exponent that is no number: an unknown, and base times it for one more.

        Raises Redraw for the base 0.
        """
        if self.is_zero(base):
            raise Redraw
        for more in NEAR:
            near = self.reduce(self.add(exponent, self.integer(more)))
            key = ("power", self.key(self.reduce(base)), self.key(near))
            if key in self.known:
                return self.mul(self.known[key], self.power(base, -more))
        return self.function("power", base, exponent)

    def root(self, base: E, degree: int) -> E:
        """The root of `base`: an unknown of which `related_root` may know more."""
        key = ("root", degree, self.key(self.reduce(base)))
        if key not in self.known:
            self.roots += 1
            self.known[key] = self.related_root(self.reduce(base), degree)
        return self.known[key]

    def related_root(self, base: E, degree: int) -> E:  # noqa: ARG002 - for domains that know the relation
        return self.unknown(f"root{degree}.{len(self.known)}")

    def step(self, a: E) -> E:
        """1 where a is positive, else 0; a or -a is positive but for a number that is zero."""
        a = self.reduce(a)
        sign = self.sign(a)
        if sign is not None:
            return self.one if sign > 0 else self.zero
        return self.related_step(a)

    def related_step(self, a: E) -> E:
        """The step of what has no sign of its own: of a and -a one is 1 and the other 0."""
        key, opposite = ("step", self.key(a)), ("step", self.key(self.negative(a)))
        if key not in self.known:
            self.known[key] = self.bit(f"step.{len(self.known)}")
            self.known[opposite] = self.subtract(self.one, self.known[key])
        return self.known[key]

    @abstractmethod
    def bit(self, label: str) -> E:
        """An element that is 0 or 1."""
