"""The weights of an operator in an ONNX model.

`onnx` is imported to unpack what it has packed; a model is whatever has a `graph`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lstmgraph.errors import LstmgraphError, UnknownName, UsageError
from lstmgraph.weights.layouts import FORMS, Functions

# Of each form: the operator, its functions unless it says others, the names of its inputs from the second one on, and
# the attributes that must be these (None: not there).
INPUTS = ("W", "R", "B", "", "", "", "P")
_OPERATORS: Mapping[str, tuple[str, Functions, Mapping[str, Any]]] = {
    "lstm": ("LSTM", ("Sigmoid", "Tanh", "Tanh"), {"input_forget": 0, "clip": None}),
    "gru": ("GRU", ("Sigmoid", "Tanh"), {"linear_before_reset": 0, "clip": None}),
    "gru_reset_after": ("GRU", ("Sigmoid", "Tanh"), {"linear_before_reset": 1, "clip": None}),
    "rnn": ("RNN", ("Tanh",), {"clip": None}),
}


def operator_weights(model: Any, form: str, functions: Functions, at: str, reverse: bool) -> dict[str, Any]:
    """The inputs W, R, B, P of the operator of that form in a model; `at` is its name where there are several.

    Raises UsageError where there is none, where it computes something else, where its weights are no constants, or
    where the model is broken, UnknownName where none has that name.
    """
    with _unbroken():
        return _weights(model, form, functions, at, reverse)


@contextmanager
def _unbroken() -> Iterator[None]:
    """A model that could be parsed may still say what cannot be: a type that is none, a shape that its bytes lack."""
    try:
        yield
    except LstmgraphError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever onnx and NumPy make of it
        why = str(error).partition("\n")[0]
        raise UsageError(f"the model is broken: {why or type(error).__name__}") from None


def _weights(model: Any, form: str, functions: Functions, at: str, reverse: bool) -> dict[str, Any]:
    from onnx import helper

    name, usual, attributes = _OPERATORS[form]
    node = _node(model, name, at)
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    for attribute, wanted in attributes.items():
        if given.get(attribute, wanted) != wanted:
            raise UsageError(
                f"the operator {name} has {attribute} = {given[attribute]}, which {FORMS[form].words} has not"
            )
    activations = [a.decode() for a in given.get("activations", [])]
    mine = tuple(activations[-len(usual) :] if reverse else activations[: len(usual)]) or usual
    if tuple(a.lower() for a in mine) != tuple(f.lower() for f in functions):
        raise UsageError(f"the operator {name} has the functions {', '.join(mine)}, the cell {', '.join(functions)}")
    constants = _constants(model)
    named = {array: source for array, source in zip(INPUTS, node.input[1:], strict=False) if array and source}
    for array, source in named.items():
        if source not in constants:
            raise UsageError(f"{array} of the operator {name}, which is {source!r}, is no constant of the model")
    return {array: constants[source] for array, source in named.items()}


def _node(model: Any, operator: str, at: str) -> Any:
    nodes = {node.name or node.output[0]: node for node in model.graph.node if node.op_type == operator}
    if at and at not in nodes:
        raise UnknownName(f"operator {operator}", at, nodes)
    if not nodes:
        others = sorted({node.op_type for node in model.graph.node})
        raise UsageError(f"there is no operator {operator} in this model", hint=f"there are: {', '.join(others)}")
    if len(nodes) > 1 and not at:
        raise UsageError(f"there are several operators {operator}: {', '.join(nodes)}", hint="say which by `at`")
    return nodes[at] if at else next(iter(nodes.values()))


def _constants(model: Any) -> dict[str, Any]:
    """Initialisers, and what nodes named Constant give."""
    from onnx import numpy_helper

    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in (n for n in model.graph.node if n.op_type == "Constant"):
        for attribute in (a for a in node.attribute if a.name == "value"):
            found[node.output[0]] = numpy_helper.to_array(attribute.t)
    return found
