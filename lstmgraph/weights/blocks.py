"""From the arrays of a library to the parts of a standard form, and back: one function each way, for all layouts.

Parts are NumPy arrays as the equations have them: W of (H, X), R of (H, H), vectors of (H,).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy
from numpy.typing import NDArray

from lstmgraph.errors import ArrayShapeError, UsageError
from lstmgraph.weights.layouts import FORMS, LAYOUTS, Array, Part

Arrays = Mapping[str, NDArray[Any]]
Parts = dict[Part, NDArray[Any]]


BACK = "_reverse"  # in names of arrays: of the direction back through time


class Place(NamedTuple):
    """In which layout, of which form, which layer and which direction.

    A layer or a direction that is None was not chosen: it is the first one.
    """

    layout: str
    form: str
    layer: int | None = None
    reverse: bool | None = None

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays by the names that they have there, in the library's order; raises UsageError."""
        row = LAYOUTS[self.layout]
        if self.form not in row.arrays:
            having = ", ".join(name for name, other in LAYOUTS.items() if self.form in other.arrays)
            words = FORMS[self.form].words.split(" ", 1)[1]
            raise UsageError(f"the layout {self.layout} has no {words}", hint=f"layouts that have it: {having}")
        return {f"{array.name}{self.behind}": array for array in row.arrays[self.form]}

    @property
    def behind(self) -> str:
        """What stands behind the name of every array."""
        return LAYOUTS[self.layout].place.format(layer=self.layer or 0, reverse=BACK if self.reverse else "")

    def parts(self, array: Array) -> list[Part]:
        """The parts that an array holds, in its order."""
        return [FORMS[self.form].part(kind, gate) for kind in array.kinds for gate in array.gates]

    @property
    def directions(self) -> bool:
        """Whether the first axis of an array is the direction."""
        return LAYOUTS[self.layout].directions


def to_parts(place: Place, arrays: Arrays) -> Parts:
    """The parts that a library's arrays hold; biases and peepholes may be missing.

    Two biases of which only the sum matters are added.  Raises UsageError where W or R is missing, ArrayShapeError
    where shapes do not fit.
    """
    rows = place.arrays
    for name, array in rows.items():
        if name not in arrays and not array.optional:
            raise UsageError(f"there is no array {name!r}", hint=f"there are: {', '.join(arrays)}")
    straight = {name: _straight(name, rows[name], place, arrays[name]) for name in rows if name in arrays}
    sizes = _sizes({rows[name]: given for name, given in straight.items()})
    found: Parts = {}
    for name, given in straight.items():
        parts = place.parts(rows[name])
        wanted = _shape(rows[name], len(parts), sizes)
        if given.shape != wanted:
            shown = _as_kept(rows[name], place, wanted)
            raise ArrayShapeError(
                f"{name} has the shape {arrays[name].shape}; of {FORMS[place.form].words} it has {shown}"
            )
        for part, block in zip(parts, numpy.split(given, len(parts)), strict=True):
            found[part] = found[part] + block if part in found else block
    return found


def to_arrays(place: Place, parts: Parts) -> dict[str, NDArray[Any]]:
    """The arrays of a library that hold these parts, those that are missing being zero.

    Of two biases of which only the sum matters the second one is zero.  Peepholes are left out where there are none.
    """
    sizes = {kind: next(a.shape[1] for (k, _), a in parts.items() if k == kind) for kind in ("W", "R")}
    dtype = numpy.result_type(*parts.values())
    waiting = dict(parts)
    found = {}
    for name, array in place.arrays.items():
        if array.kinds == ("P",) and not waiting.keys() & set(place.parts(array)):
            continue
        zero = numpy.zeros(_shape(array, 1, sizes), dtype)
        straight = numpy.concatenate([waiting.pop(part, zero) for part in place.parts(array)])
        found[name] = _kept(array, place, straight)
    return found


def without_place(place: Place, parts: Parts) -> list[Part]:
    """The parts that are not zero and for which the layout has no array."""
    known = {part for array in place.arrays.values() for part in place.parts(array)}
    return [part for part, array in parts.items() if part not in known and numpy.any(array)]


# ── one array ──


def _straight(name: str, array: Array, place: Place, given: NDArray[Any]) -> NDArray[Any]:
    """Gates one below the other, in one direction; vectors as vectors."""
    wanted = place.directions + (2 if not array.optional or array.rows else 1)
    if given.ndim != wanted or not all(given.shape):
        raise ArrayShapeError(f"{name} has the shape {given.shape}; it must have {wanted} axes, and entries")
    if place.directions:
        given = given[-1 if place.reverse else 0]
    if array.rows:
        given = given.reshape(-1)
    return given.T if array.transposed else given


def _kept(array: Array, place: Place, straight: NDArray[Any]) -> NDArray[Any]:
    """The inverse: an array as the library keeps it, of its own memory."""
    return numpy.ascontiguousarray(straight.T if array.transposed else straight).reshape(
        _as_kept(array, place, straight.shape)
    )


def _as_kept(array: Array, place: Place, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an array as the library keeps it, from that of the straight one."""
    if array.transposed:
        shape = shape[::-1]
    if array.rows:
        shape = (array.rows, shape[0] // array.rows)
    return (1, *shape) if place.directions else shape


def _shape(array: Array, blocks: int, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of so many straight blocks of an array; `sizes` are the columns of W and of R."""
    rows = blocks * sizes["R"]
    return (rows,) if array.optional else (rows, sizes[array.kinds[0]])


def _sizes(straight: Mapping[Array, NDArray[Any]]) -> dict[str, int]:
    """The columns of W and of R."""
    return {kind: next(v.shape[1] for a, v in straight.items() if kind in a.kinds) for kind in ("W", "R")}
