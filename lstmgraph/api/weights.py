"""`cell.weights_from` and `cell.weights_to`: equations say which form a cell is, a layout where its parts are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from lstmgraph.api.catalogue import check_name
from lstmgraph.errors import UsageError, WrongType
from lstmgraph.standard import Form, Standard, differences, standard
from lstmgraph.weights.blocks import Place, to_arrays, to_parts, without_place
from lstmgraph.weights.files import naming, read
from lstmgraph.weights.given import as_array, chosen, nested
from lstmgraph.weights.layouts import FORMS, LAYOUTS, Functions
from lstmgraph.weights.operators import operator_weights
from lstmgraph.weights.parameters import from_parameters, places, spoken, to_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lstmgraph.api.cell import Cell


def loaded(
    cell: Cell, layout: str, weights: object, at: str = "", layer: int | None = None, reverse: bool | None = None
) -> dict[str, NDArray[Any]]:
    """The parameters of a cell from a library's weights, or from a file of them."""
    found, place = _placed(cell, layout, layer, reverse)
    path = Path(weights) if isinstance(weights, (str, PurePath)) else None
    given = weights if path is None else read(path)
    with naming(path):
        if hasattr(given, "graph") and LAYOUTS[layout].directions:
            given, at = operator_weights(given, place.form, _functions(found), at, bool(reverse)), ""
        return to_parameters(cell, found, to_parts(place, chosen(place, given, at)))


def stored(
    cell: Cell, layout: str, params: Mapping[str, Any], layer: int | None = None, reverse: bool | None = None
) -> dict[str, NDArray[Any]]:
    """A library's arrays, by their names, from the parameters of a cell."""
    found, place = _placed(cell, layout, layer, reverse)
    if not isinstance(params, Mapping):
        raise WrongType("params", params, ["a mapping from names to arrays"])
    parts = from_parameters(cell, found, {name: as_array(name, value) for name, value in params.items()})
    if lost := without_place(place, parts):
        names = dict.fromkeys(b.parameter.name for part in lost for b in places(found)[part])
        raise UsageError(
            f"the layout {layout} has no {', no '.join(map(spoken, lost))}, and {', '.join(names)} of {cell.name} "
            f"{'is' if len(names) == 1 else 'are'} not zero",
            hint="set to zero what it lacks, or choose another layout",
        )
    return to_arrays(place, parts)


def converted(
    cell: Cell,
    file: str,
    source: str | None,
    target: str | None,
    at: str = "",
    layer: int | None = None,
    reverse: bool | None = None,
) -> dict[str, NDArray[Any]]:
    """The arrays of one layout from a file of another one; None is the cell's own parameters.

    `at`, `layer` and `reverse` are about the file where it is a library's, else about what is made.
    """
    if source is None:
        return _stored_from(cell, file, target, layer, reverse) if target else dict(read(file))
    params = loaded(cell, source, file, at, layer, reverse)
    return stored(cell, target, params) if target else params


def _stored_from(
    cell: Cell, file: str, target: str, layer: int | None, reverse: bool | None
) -> dict[str, NDArray[Any]]:
    params = read(file)
    with naming(file):
        return stored(cell, target, params, layer, reverse)


def as_handed_out(layout: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """As the library itself hands them out: a list, a nested mapping, or a flat one."""
    row = LAYOUTS[layout]
    return list(arrays.values()) if row.listed else nested(arrays) if row.nested else dict(arrays)


def _placed(cell: Cell, layout: str, layer: int | None, reverse: bool | None) -> tuple[Standard, Place]:
    """Which form a cell is, and where its weights are in a layout."""
    check_name("layout", layout, LAYOUTS)
    row = LAYOUTS[layout]
    if layer is not None and (isinstance(layer, bool) or not hasattr(layer, "__index__")):
        raise WrongType("layer", layer, ["a whole number"])
    if layer is not None and layer < 0:
        raise UsageError(f"layers are counted from 0, so there is none of number {layer}")
    if not row.place and layer:
        raise UsageError(f"the layout {layout} is that of one layer", hint="give that layer's weights alone")
    if not (row.place or row.directions) and reverse:
        raise UsageError(f"the layout {layout} is that of one direction", hint="give that direction's weights alone")
    found = standard(cell)
    if found is None:
        raise _no_standard(cell)
    place = Place(layout, f"{found.form}_reset_after" if found.reset_after else found.form, layer, reverse)
    _ = place.arrays
    _check_functions(cell, found, place)
    return found, place


def _no_standard(cell: Cell) -> UsageError:
    """Names the difference from the form that carries as many states."""
    reasons = differences(cell)
    form: Form = "lstm" if len(cell.states) != 1 else "gru" if len(cell.parameters) > 4 else "rnn"
    return UsageError(
        f"libraries have LSTMs, GRUs and plain recurrent networks; {cell.name} is none of them by its equations",
        hint=f"it differs from {FORMS[form].words.partition(' that')[0]}: {reasons[form]}",
    )


def _functions(found: Standard) -> Functions:
    """The functions of a cell's gates, of its candidate, of its memory in the output."""
    first = {"lstm": "ig", "gru": "rn", "rnn": "h"}[found.form]
    functions = [found.gates[name].activation.__name__ for name in first]
    return tuple(functions if found.squash is None else [*functions, found.squash.__name__])


def _check_functions(cell: Cell, found: Standard, place: Place) -> None:
    """Raises UsageError where no layer of a library has the functions of a cell."""
    row, functions = LAYOUTS[place.layout], _functions(found)
    allowed = row.functions is None or functions in row.functions[place.form]
    if not allowed or (row.shared and len(set(functions[1:])) > 1):
        raise UsageError(
            f"the layout {place.layout} has no layer with the functions of {cell.name}, "
            f"which are {', '.join(f.lower() for f in functions)}"
        )
