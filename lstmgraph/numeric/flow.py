"""Gradient flow in numbers: the norm of ∂s[t]/∂s[t-k] against k, by accumulated products of a step's Jacobians.

A sequence is run forward by the interpreter; from its last step back the Jacobians are multiplied up, J[t] J[t-1] ...,
and after each factor the product is scaled to entries of about 1 while the power of two is kept, so that
hundreds of steps neither overflow nor underflow.  Norms are spectral: the largest factor by which a small change grows.
Several samples, each with weights and inputs of its own, run side by side.

The slope of the logarithm of the norm per step is the rate: of the whole state an estimate of the largest Lyapunov
exponent (Engelken, Wolf, Abbott, Lyapunov spectra of chaotic recurrent neural networks, 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy

from lstmgraph.algebra.names import Name, jacobian_name, name_of
from lstmgraph.cell import Cell
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import Array, evaluate, number_of
from lstmgraph.numeric.weights import Draw
from lstmgraph.program import Program

WARM_UP = 20  # steps from the initial state, of which nothing is measured
SHOWN = 120  # at most so many numbers of steps back are measured
EVEN = 0.01  # a rate between -EVEN and EVEN keeps a gradient: it changes by a factor of e in 100 steps or more
SATURATED = 0.1  # a slope below this lets little through


class Path(NamedTuple):
    """What is followed back: a state (or "" for all of them), and whether through this state alone, others held."""

    state: str
    alone: bool = False


@dataclass(frozen=True)
class Curve:
    """Natural logarithms of the norm of ∂s[t]/∂s[t-k], a row for each of `steps`, a column for each sample."""

    path: Path
    steps: Array
    logs: Array

    @cached_property
    def median(self) -> Array:
        return numpy.median(self.logs, axis=1)

    def quantile(self, part: float) -> Array:
        """Of the samples; minus infinity where a product is exactly zero in so many of them."""
        return numpy.quantile(self.logs, part, axis=1, method="nearest")

    @cached_property
    def rate(self) -> float:
        """The slope of the median's logarithm per step, by least squares over the second half; -inf where it ends."""
        if not numpy.all(numpy.isfinite(self.median)):
            return -numpy.inf
        half = len(self.steps) // 2 if len(self.steps) > 3 else 0
        return float(numpy.polyfit(self.steps[half:], self.median[half:], 1)[0])

    @property
    def verdict(self) -> str:
        """What becomes of a gradient: "vanishes", "explodes" or "is kept"."""
        return "vanishes" if self.rate < -EVEN else "explodes" if self.rate > EVEN else "is kept"

    @property
    def pace(self) -> str:
        """The rate in words: halves every 3.2 steps."""
        if self.rate == -numpy.inf:
            ends = self.steps[numpy.argmax(~numpy.isfinite(self.median))]
            return f"is exactly zero from {ends} step{'' if ends == 1 else 's'} back"
        if abs(self.rate) <= EVEN:
            return f"a factor of {numpy.exp(self.rate):.4f} a step"
        return f"{'halves' if self.rate < 0 else 'doubles'} every {numpy.log(2) / abs(self.rate):.3g} steps"

    def at(self, steps: int) -> float:
        """The median's logarithm at a number of steps that was measured, the nearest one."""
        return float(self.median[numpy.argmin(numpy.abs(self.steps - steps))])


class Probe(NamedTuple):
    """A value of the Jacobian's program to be looked at in every step, by its name there: the entries of a diagonal, or
    a matrix; `term` says to which term of the Jacobian it belongs."""

    name: str
    label: str
    term: int
    diagonal: bool


class Seen(NamedTuple):
    """What a probe saw: the median size of the entries of a diagonal and which share of them is nearly zero, or the
    median spectral norm of a matrix."""

    probe: Probe
    size: float
    small: float


@dataclass(frozen=True)
class Flow:
    """The curves of one cell, what its probes saw, and by what sizes and with which seed."""

    curves: tuple[Curve, ...]
    seen: tuple[Seen, ...]
    sizes: Mapping[str, int]
    samples: int

    def curve(self, path: Path) -> Curve:
        return next(c for c in self.curves if c.path == path)


def measure(
    cell: Cell,
    step: Program,
    jacobian: Program,
    draw: Draw,
    steps: int,
    probes: Sequence[Probe] = (),
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Flow:
    """Follow all states of a cell back over so many steps.

    `step` computes the states, `jacobian` their Jacobians from what a step takes, and the probes' values under their
    labels.  Raises UsageError where values are not finite.
    """
    taken = list(_forward(cell, step, draw, steps + WARM_UP))[WARM_UP:]
    chains, looks, wanted = _Chains(cell, draw), _Looks(probes), _spread(steps)
    for k, values in enumerate(reversed(taken), start=1):
        progress(f"{cell.name}: {k} steps back", k - 1, steps)
        with numpy.errstate(all="ignore"):
            found = evaluate(jacobian, {s.name: values[s.name] for s in jacobian.inputs})
        looks.add(found)
        chains.multiply(found, k if k in wanted else None)
    progress("", steps, steps)
    return Flow(chains.curves(), looks.seen(), {str(z): n for z, n in draw.sizes.items()}, draw.samples)


def _spread(steps: int) -> set[int]:
    return {round(k) for k in numpy.linspace(1, steps, min(steps, SHOWN))}


def _forward(cell: Cell, step: Program, draw: Draw, steps: int) -> Iterator[dict[str, Array]]:
    """What every step takes."""
    states = draw.states
    with numpy.errstate(all="ignore"):
        for t in range(steps):
            values = {**draw.parameters, **draw.inputs(t), **{s.previous.name: states[s.name] for s in cell.states}}
            values |= dict(cell.constants)
            yield values
            after = evaluate(step, {s.name: values[s.name] for s in step.inputs})
            states = {s.name: after[s.next.name] for s in cell.states}
            for name, value in states.items():
                if not numpy.all(numpy.isfinite(value)):
                    raise UsageError(
                        f"{cell.name}: {name} is not finite after {t + 1} steps", hint="smaller weights: a scale of 0.5"
                    )


class _Product:
    """A product of matrices for each sample, scaled by a power of two to entries of about 1, and that power.

    Such a scale changes no digit: the identity stays the identity, and its norm is 1 exactly.
    """

    def __init__(self, samples: int, size: int) -> None:
        self.matrix = numpy.broadcast_to(numpy.eye(size), (samples, size, size))
        self.power = numpy.zeros(samples)

    def multiply(self, factor: Array) -> None:
        matrix = self.matrix @ factor
        largest = numpy.max(numpy.abs(matrix), axis=(-2, -1))
        power = numpy.where(largest > 0, numpy.frexp(largest)[1], 0)
        self.matrix, self.power = numpy.ldexp(matrix, -power[:, None, None]), self.power + power

    def log_norm(self, place: slice) -> Array:
        """Of the block of one state, or of all."""
        with numpy.errstate(divide="ignore"):
            logs = numpy.log2(numpy.linalg.norm(self.matrix[:, place, place], ord=2, axis=(-2, -1)))
        return (logs + self.power) * numpy.log(2)


class _Chains:
    """The products of all paths: one for all states, of which a state's own is a block, one for each state alone."""

    def __init__(self, cell: Cell, draw: Draw) -> None:
        self.cell, self.samples = cell, draw.samples
        self.places: dict[str, slice] = {}
        end = 0
        for state in cell.states:
            start, end = end, end + prod(number_of(side, draw.sizes) for side in state.next.shape)
            self.places[state.name] = slice(start, end)
        self.everything = slice(0, end)
        paths = [Path(s) for s in self.places]
        if len(paths) > 1:
            paths += [Path("")] + [Path(s, alone=True) for s in self.places]
        self.logs: dict[Path, list[Array]] = {path: [] for path in paths}
        self.steps: list[int] = []
        self.whole = _Product(self.samples, end)
        self.alone = {p.state: _Product(self.samples, self.size(p.state)) for p in paths if p.alone}

    def size(self, state: str) -> int:
        place = self.places[state]
        return int(place.stop - place.start)

    def multiply(self, found: Mapping[str, Array], steps: int | None) -> None:
        """One step further back; `steps` where the norms are wanted there."""
        factor = self.factor(found)
        self.whole.multiply(factor)
        for state, product in self.alone.items():
            product.multiply(factor[:, self.places[state], self.places[state]])
        if steps is not None:
            self.steps.append(steps)
            for path, logs in self.logs.items():
                logs.append(self.log_norm(path))

    def factor(self, found: Mapping[str, Array]) -> Array:
        """The Jacobian of all states in one step."""
        only = name_of(self.cell.states[0].next)
        name = jacobian_name(Name("", 0), "") if len(self.places) > 1 else jacobian_name(only, only.base)
        whole = found[str(name)]
        if not numpy.all(numpy.isfinite(whole)):
            raise UsageError(f"{self.cell.name}: its Jacobian is not finite", hint="other weights, or another seed")
        return numpy.broadcast_to(whole, (self.samples, *whole.shape[-2:]))

    def log_norm(self, path: Path) -> Array:
        if path.alone:
            return self.alone[path.state].log_norm(slice(None))
        return self.whole.log_norm(self.places.get(path.state, self.everything))

    def curves(self) -> tuple[Curve, ...]:
        return tuple(Curve(path, numpy.array(self.steps), numpy.stack(logs)) for path, logs in self.logs.items())


class _Looks:
    """What the probes see, step by step."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.probes = probes
        self.values: dict[Probe, list[Array]] = {probe: [] for probe in probes}

    def add(self, found: Mapping[str, Array]) -> None:
        for probe, values in self.values.items():
            values.append(numpy.abs(found[probe.name]) if probe.diagonal else found[probe.name])

    def seen(self) -> tuple[Seen, ...]:
        return tuple(_seen(probe, values) for probe, values in self.values.items())


def _seen(probe: Probe, values: list[Array]) -> Seen:
    if probe.diagonal:
        entries = numpy.concatenate([v.ravel() for v in values])
        return Seen(probe, float(numpy.median(entries)), float(numpy.mean(entries < SATURATED)))
    some = values[:: max(1, len(values) // 10)]  # a norm is dear, and its median needs few
    return Seen(probe, float(numpy.median([numpy.linalg.norm(v, ord=2, axis=(-2, -1)) for v in some])), 0.0)
