"""What is derived from a cell's equations: methods of `Cell`, each here with its signature and what it raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from lstmgraph.api.against import GradientDifference
    from lstmgraph.api.cell import Cell
    from lstmgraph.api.counts import OperationCounts
    from lstmgraph.api.flow import GradientFlow
    from lstmgraph.api.gradient import Gradient
    from lstmgraph.api.jacobian import Jacobian
    from lstmgraph.api.tangents import HessianVector, Tangent
    from lstmgraph.api.time import ThroughTime, Unrolled


def gradient(self: Cell, wrt: str | Sequence[str] | None = None, notation: str | None = None) -> Gradient:
    """The gradients of one step with respect to parameters ("W_f"), inputs ("x"), previous states ("h").

    All by default.  The result is a Program that prints; `notation` is how its names are typeset.

    Raises UnknownName for a name that does not exist, UsageError for what is no name.
    """
    from lstmgraph.api.gradient import derived

    return derived(self, [wrt] if isinstance(wrt, str) else wrt, notation)


def tangent(self: Cell, wrt: str | Sequence[str] | None = None, notation: str | None = None) -> Tangent:
    """Forward mode: how the outputs of one step change while the names in `wrt` change, all by default.

    The result is a Program that prints: dot(h)[t] from the direction dot(W_f), dot(x)[t], dot(h)[t-1].

    Raises UnknownName for a name that does not exist, UsageError for what is no name.
    """
    from lstmgraph.api.tangents import tangent

    return tangent(self, [wrt] if isinstance(wrt, str) else wrt, notation)


def hessian_vector(
    self: Cell, wrt: str | Sequence[str] | None = None, notation: str | None = None, curved: bool = False
) -> HessianVector:
    """The Hessian of one step's loss in the names of `wrt`, all by default, times a direction in them.

    The loss is L = <cotangents that arrive, outputs>, these cotangents held fixed; with `curved` they have tangents
    of their own, which add the term of a loss that is curved in the outputs.  The result is a Program that prints.

    Raises UnknownName for a name that does not exist, UsageError for what is no name.
    """
    from lstmgraph.api.tangents import hessian_vector

    return hessian_vector(self, [wrt] if isinstance(wrt, str) else wrt, notation, curved)


def counts(self: Cell, steps: int | str | None = None, batch: int | str | None = None) -> OperationCounts:
    """How many multiplies, adds, divisions and transcendentals a step and its gradients take, in the cell's sizes.

    `steps` and `batch` make it those of sequences: a number, or a letter that stands for one.  `print` shows a
    table; `.at({"H": 128, "X": 64})` has numbers.  Raises UsageError for a number below 1.
    """
    from lstmgraph.api.counts import counted

    return counted(self, steps, batch)


def through_time(
    self: Cell,
    loss: str = "every",
    truncate: int | None = None,
    notation: str | None = None,
    start: str = "given",
    wrt: str | Sequence[str] | None = None,
    final: bool = False,
) -> ThroughTime:
    """The gradients of a sequence of any length, as a recurrence from step t + 1 to step t and sums over t.

    `loss` is "every" where each step has one, of its output, or "last"; with `final` that of the last step sees
    the states after it too.  `truncate` cuts the way back between blocks of so many steps.  `start` is "zero" where
    the initial states are, and are not learnt.  `wrt` chooses names, a state's for its initial value.

    Raises UnknownName for a loss, start, notation or name that does not exist, UsageError for a block of no length.
    """
    from lstmgraph.api.time import recurrence

    names = [wrt] if isinstance(wrt, str) else wrt
    return recurrence(self, loss, truncate, start, notation, names, final)


def gradient_unrolled(
    self: Cell,
    steps: int,
    wrt: str | Sequence[str] | None = None,
    loss: str = "every",
    notation: str | None = None,
    start: str = "given",
    final: bool = False,
) -> Unrolled:
    """The gradients of steps 1 to `steps`, every line of every step written out; options as in `gradient` and
    `through_time`.

    A state's name in `wrt` stands for its initial value.  Raises what these raise, UsageError also for a number of
    steps that is none.
    """
    from lstmgraph.api.time import unrolled

    return unrolled(self, steps, [wrt] if isinstance(wrt, str) else wrt, loss, start, notation, final)


def jacobian(
    self: Cell,
    of: str | Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
    *,
    steps: int | str = 1,
    direct: bool = False,
    open: str | Mapping[str, float] | None = None,
    notation: str | None = None,
) -> Jacobian:
    """The Jacobians of a step: ∂s[t]/∂r[t-1] for all states s and r, and all of them as one matrix.

    `of` and `by` choose some: `of` any values of the step, `by` states (their previous values) and inputs.
    `steps` asks for products over so many steps, or over k for a letter "k": of all states, and through each state
    alone, the others held.
    `direct` holds all other values of the step, so that only a value's own equation counts; `open` holds gates:
    {"f": 1, "i": 0}, or "f=1,i=0".  The result is a Program that prints; a matrix state is taken as vec(S), its
    columns one below the other.

    Raises UnknownName for a name that does not exist, UsageError for steps out of range, for a cell without states
    and for what is no gate.
    """
    from lstmgraph.api.jacobian import derived

    one, other = ([names] if isinstance(names, str) else names for names in (of, by))
    return derived(self, one, other, steps, direct, open, notation)


def flow(
    self: Cell,
    steps: int = 100,
    of: str | Sequence[str] = (),
    *,
    alone: bool = False,
    seed: int = 0,
    scale: float = 1.0,
    samples: int = 8,
    sizes: Mapping[str, int] | None = None,
    values: Mapping[str, str | float] | None = None,
    weights: str | Path | Mapping[str, Any] | None = None,
    open: str | Mapping[str, float] | None = None,
    label: str = "",
    notation: str | None = None,
) -> GradientFlow:
    """How much of a gradient is left after k = 1, ..., `steps` steps back: the spectral norm of ∂s[t]/∂s[t-k].

    Measured for random weights and inputs, `samples` of them from `seed`; `scale` is about the spectral radius of
    the recurrent matrices.  `values` sets parameters ({"b_f": 3}, {"U": "1.2I"}), `weights` takes them from a file
    (.npz or .json) or a mapping, `sizes` sets sizes, `open` holds gates.  `of` says which states are drawn, by
    default the memory, or the output; "all" is all states in one vector; `alone` holds the others.

    Flows add up: (a.flow() + b.flow()).save("flow.svg").  Raises UnknownName for a name that does not exist,
    UsageError for numbers that cannot be meant, files that cannot be read, and values that are not finite.
    """
    from lstmgraph.api.flow import Settings, followed

    asked = (of,) if isinstance(of, str) else tuple(of)
    settings = Settings(steps, asked, alone, seed, scale, samples, sizes, values, weights, open, label, notation)
    return followed(self, settings)


def gradient_against(self: Cell, other: str | Cell, notation: str | None = None) -> GradientDifference:
    """The backward passes of this cell and of another one, term by term: which terms only one of them has.

    Equations are matched by name, and by structure and role where names fail; the result prints in the names of
    this cell.  Raises UnknownName for a cell or a notation that does not exist.
    """
    from lstmgraph.api.against import against
    from lstmgraph.api.cell import Cell, load

    return against(self, other if isinstance(other, Cell) else load(other), notation)
