"""NumPy's functions for the interpreter, on arrays of numbers that count what is done with them: `xp=counting`.

Sigmoid, silu, softplus and softmax are written out here by the conventions of `calculus/counts.py`; the interpreter's
own guard against overflow.  All else is the interpreter's own arithmetic.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy import amax, broadcast_to, concatenate, maximum, minimum, swapaxes  # noqa: F401 - the interpreter's xp

from lstmgraph.algebra import nodes as n

TALLY: Counter[str] = Counter()
float64 = np.float64


class Number:
    """A number that adds what is done with it to TALLY."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __add__(self, other: Any) -> Number:
        return self._done("adds", self.value + _plain(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Number:
        return self._done("adds", self.value - _plain(other))

    def __rsub__(self, other: Any) -> Number:
        return self._done("adds", _plain(other) - self.value)

    def __mul__(self, other: Any) -> Number:
        return self._done("multiplies", self.value * _plain(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Number:
        return self._done("divisions", self.value / _plain(other))

    def __rtruediv__(self, other: Any) -> Number:
        return self._done("divisions", _plain(other) / self.value)

    def __pow__(self, exponent: Any) -> Number:
        if isinstance(exponent, Number) or exponent != int(exponent):
            return self._done("transcendentals", self.value ** _plain(exponent))
        return 1 / self.to_whole(-int(exponent)) if exponent < 0 else self.to_whole(int(exponent))

    def to_whole(self, exponent: int) -> Number:
        """By repeated squaring."""
        result, square = None, self
        while True:
            if exponent & 1:
                result = square if result is None else result * square
            exponent >>= 1
            if not exponent:
                return result or Number(1.0)
            square = square * square

    def __rpow__(self, base: float) -> Number:
        return self._done("transcendentals", base**self.value)

    def __neg__(self) -> Number:
        return Number(-self.value)

    def __abs__(self) -> Number:
        return Number(abs(self.value))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > _plain(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= _plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= _plain(other))

    def _done(self, what: str, value: float) -> Number:
        TALLY[what] += 1
        return Number(value)


def _plain(other: Any) -> Any:
    return other.value if isinstance(other, Number) else other


def _unit(function: Callable[[float], float]) -> Callable[[Any], Any]:
    counted: Callable[[Any], Any] = np.frompyfunc(lambda a: a._done("transcendentals", function(a.value)), 1, 1)
    return counted


numbers = np.frompyfunc(Number, 1, 1)
exp, log, tanh, sin, cos, sqrt = map(_unit, (math.exp, math.log, math.tanh, math.sin, math.cos, math.sqrt))
sigmoid = _unit(lambda a: 1 / (1 + math.exp(-a)))
softplus = _unit(lambda a: math.log1p(math.exp(a)))
sign = np.frompyfunc(lambda a: Number(math.copysign(1.0, a.value)), 1, 1)
abs = np.abs


def where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.asarray(condition, dtype=bool), a, b)


def full(shape: tuple[int, ...], value: float, dtype: Any = None) -> Any:
    return np.full(shape, value, dtype=object)


def ones_like(a: Any) -> Any:
    return numbers(np.ones(a.shape))


def zeros_like(a: Any) -> Any:
    return numbers(np.zeros(a.shape))


def sum(a: Any, axis: Any, keepdims: bool) -> Any:
    return np.sum(a, axis=axis, keepdims=keepdims)


def _softmax(xp: ModuleType, a: Any) -> Any:
    powers = exp(a)
    return powers / sum(powers, axis=-2, keepdims=True)


# Rows for the interpreter's table.
UNITS: dict[type, Callable[..., Any]] = {
    n.Sigmoid: lambda _, a: sigmoid(a),
    n.Softplus: lambda _, a: softplus(a),
    n.Silu: lambda _, a: a * sigmoid(a),
    n.Softmax: _softmax,
}
