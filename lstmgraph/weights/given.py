"""What a library hands out as flat names and NumPy arrays: nested mappings, lists, tensors.

Nothing of a library is imported here: a tensor of PyTorch is known by what it can do, all else is what NumPy takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from lstmgraph.errors import ArrayError, UnknownName, UsageError, WrongType
from lstmgraph.weights.blocks import BACK, Place
from lstmgraph.weights.layouts import LAYOUTS

Arrays = dict[str, NDArray[Any]]

# Of what holds no arrays by name, but has such an attribute: what is meant.
MEANT = {"state_dict": "give its .state_dict()", "graph": "the layout of a model of ONNX is onnx"}


def chosen(place: Place, weights: object, at: str = "") -> Arrays:
    """The arrays of one layer by the names of its layout; `at` says where in a larger model they are.

    Raises WrongType for what holds no arrays, UsageError where there are none of such names, or several that could be
    meant (layers, directions), or one too many.
    """
    flat = _flat(place, weights)
    prefix = _prefix(place, flat, at.replace("/", "."))
    mine = {name.removeprefix(prefix): value for name, value in flat.items() if name.startswith(prefix)}
    known = place.arrays
    depth = {name.count(".") for name in known}
    for name in mine:
        if name not in known and name.endswith(place.behind) and name.count(".") in depth:
            raise UsageError(f"{prefix}{name} is an array that no {place.layout} layer of this form has")
    _check_chosen(place, mine)
    return {name: as_array(name, mine[name]) for name in known if name in mine}


def as_array(name: str, value: Any) -> NDArray[Any]:
    """An array of floating numbers.  Raises ArrayError."""
    if getattr(value, "is_meta", False):
        raise ArrayError(f"{name} is a tensor without numbers, on the device meta: load it first")
    if hasattr(value, "detach"):  # a tensor of PyTorch: with a gradient, on a device, of 16 bits
        value = value.detach().cpu()
        value = (value.float() if value.itemsize < 4 else value).numpy()
    array = numpy.asarray(value)
    if array.dtype.name == "bfloat16":  # a type of JAX, which NumPy does not know
        array = array.astype(numpy.float32)
    if array.dtype.kind not in "iuf":
        raise ArrayError(f"{name} is no array of real numbers")
    if not numpy.all(numpy.isfinite(array)):
        raise ArrayError(f"{name} has entries that are not finite")
    return array.astype(numpy.promote_types(array.dtype, numpy.float32))


def nested(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Names with a point as mappings in a mapping."""
    tree: dict[str, Any] = {}
    for name, array in arrays.items():
        *path, last = name.split(".")
        inner = tree
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = array
    return tree


def _flat(place: Place, weights: object) -> dict[str, Any]:
    if isinstance(weights, Mapping):
        flat = dict(_leaves(weights, ""))
        if not flat or list(flat) != [f"arr_{k}" for k in range(len(flat))]:
            return flat
        weights = list(flat.values())  # what numpy.savez calls a list
    if LAYOUTS[place.layout].listed and isinstance(weights, Sequence) and not isinstance(weights, str):
        return _named(place, weights)
    takes = ["a list of arrays"] if LAYOUTS[place.layout].listed else []
    hint = next((hint for has, hint in MEANT.items() if hasattr(weights, has)), "")
    raise WrongType(f"the layout {place.layout}", weights, [*takes, "a mapping from names to arrays"], hint=hint)


def _leaves(weights: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in weights.items():
        full = f"{prefix}{name}".replace("/", ".")
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{full}.")
        else:
            yield full, value


def _named(place: Place, weights: Sequence[Any]) -> dict[str, Any]:
    """A list in the order of the layout, from which a layer without biases leaves out the last."""
    names = list(place.arrays)
    least = sum(not array.optional for array in place.arrays.values())
    if not least <= len(weights) <= len(names):
        raise UsageError(
            f"a layer has {least} to {len(names)} arrays ({', '.join(names)}), not {len(weights)}",
            hint="those of one layer; of Bidirectional its forward_layer or its backward_layer",
        )
    return dict(zip(names, weights, strict=False))


def _check_chosen(place: Place, mine: Mapping[str, Any]) -> None:
    """Raises UsageError where there are several layers or directions, and nobody said which one is meant."""
    there = _there(place, mine)
    layers, directions = (sorted(set(side)) for side in zip(*there, strict=True)) if there else ([], [])
    opened = {
        "layer": len(layers) > 1 and place.layer is None,
        "reverse": len(directions) > 1 and place.reverse is None,
    }
    if any(opened.values()):
        listed = f"layer{'s' * (len(layers) > 1)} {', '.join(map(str, layers))}"
        ways = " and ".join("backward" if back else "forward" for back in directions)
        wanted = " and ".join(f"`{what}`" for what, is_open in opened.items() if is_open)
        raise UsageError(f"these weights are of {listed}, {ways}", hint=f"say which by {wanted}")


def _there(place: Place, mine: Mapping[str, Any]) -> list[tuple[int, bool]]:
    """Each layer in each direction of which there are arrays; empty for a layout that has one of each."""
    row, first = LAYOUTS[place.layout], LAYOUTS[place.layout].arrays[place.form][0].name
    if place.directions:
        return [(0, bool(k)) for k in range(len(as_array(first, mine[first])))]
    pattern = re.escape(first) + row.place.format(layer=r"(\d+)", reverse=f"({BACK})?")
    found = [re.fullmatch(pattern, name) for name in mine] if row.place else []
    return [(int(match[1]), match[2] is not None) for match in found if match]


def _prefix(place: Place, flat: Mapping[str, Any], at: str) -> str:
    """What stands before the names of the layout, found by the first of them."""
    first = next(iter(place.arrays))
    ends = [name for name in flat if f".{name}".endswith(f".{first}")]
    found = [name.removesuffix(first) for name in ends]
    if at and found:
        if f"{at}." not in found:
            raise _no_such(place, at, found)
        return f"{at}."
    if len(found) > 1:
        listed = ", ".join(prefix[:-1] or "(the top)" for prefix in found)
        raise UsageError(f"there are several layers: {listed}", hint="say which by `at`")
    if not found:
        raise _none(place, flat, first)
    return found[0]


def _no_such(place: Place, at: str, prefixes: Sequence[str]) -> UsageError:
    """The error for a name before the arrays that none of these is."""
    if not any(prefixes):
        message = f"there is no {place.layout} layer {at!r}: no name stands before those of the arrays"
        return UsageError(message, hint="leave out `at`")
    return UnknownName(f"{place.layout} layer", at, [prefix[:-1] for prefix in prefixes if prefix])


def _none(place: Place, flat: Mapping[str, Any], first: str) -> UsageError:
    """The error for weights in which the layout's first array is not."""
    others = [Place(name, place.form) for name, row in LAYOUTS.items() if place.form in row.arrays]
    others = [o for o in others if o.layout != place.layout]
    meant = [o.layout for o in others if any(f".{n}".endswith(f".{next(iter(o.arrays))}") for n in flat)]
    some = ", ".join([*list(flat)[:8], "..."][: len(flat)]) if flat else "none"
    hint = f"the names are those of {meant[0]}" if meant else f"there are: {some}"
    return UsageError(f"there is no array {first!r} in these weights", hint=hint)
