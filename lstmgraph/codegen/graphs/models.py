"""A graph as an ONNX model, with the values of parameters in it where these are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from sympy import Expr, Integer, Symbol

from lstmgraph.codegen.graphs.forward import Draft
from lstmgraph.codegen.graphs.parts import BATCH, STEPS, Graph, Node, Value, used_by
from lstmgraph.codegen.identifiers import size_text
from lstmgraph.errors import UsageError

# What runtimes of 2022 and later load: onnxruntime 1.12, opset 17.
OPSET, IR_VERSION = 17, 8

Array = Any  # numpy.ndarray


def model(draft: Draft, dtype: str, about: Sequence[str], params: Mapping[str, Array] | None = None) -> onnx.ModelProto:
    """The model of a graph of that floating type; `about` is its text.

    With `params`, by their names in the graph, these are no inputs: what depends on them alone is computed here.
    Raises RuntimeError where the model would not be valid: a fault of ours.
    """
    writer, graph, initial = _Writer(numpy.dtype(dtype), draft.sizes), draft.graph, {}
    _check(writer.numbered(graph).model(graph))
    if params is not None:
        initial = writer.folded(draft, params)
        inputs = [value for value in graph.inputs if value.name not in params]
        graph = replace(graph, inputs=inputs, nodes=graph.nodes[draft.once :])
    found = writer.model(graph, initial)
    found.doc_string = "\n".join(about)
    _check(found)
    return found


def _check(made: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(made, full_check=True)  # infer_shapes with data_prop calls an outer product wrong
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        said = f"the ONNX model of {made.graph.name} is not valid, a fault of lstmgraph and not of the cell"
        raise RuntimeError(f"{said}; please report it with the cell: {error}") from error


class _Writer:
    """Makes ONNX's messages, in which numbers are of one floating type."""

    def __init__(
        self, dtype: numpy.dtype[Any], sizes: Mapping[Symbol, Expr], lengths: Mapping[str, int] | None = None
    ) -> None:
        real = helper.np_dtype_to_tensor_dtype(dtype)
        self.sizes, self.lengths = sizes, lengths or {}
        self.dtype, self.kinds = dtype, {"real": real, "whole": TensorProto.INT64, "truth": TensorProto.BOOL}

    def numbered(self, graph: Graph) -> _Writer:
        """One that has numbers for what is open, of which onnx can tell little: they differ, and can be divided."""
        sides = {a: None for value in graph.inputs for a in value.axes if isinstance(a, Expr)}
        opened = dict.fromkeys(z for a in sides for z in sorted(a.free_symbols, key=str))
        numbers = {z: Integer(60 * 7**k) for k, z in enumerate(opened)}
        return _Writer(self.dtype, {**numbers, **self.sizes}, {BATCH: 11, STEPS: 13})

    def model(self, graph: Graph, initial: Mapping[str, Array] | None = None) -> onnx.ModelProto:
        """`initial` are arrays that the graph takes and that are no inputs."""
        used, arrays = used_by(graph.nodes), {**self.constants(graph), **(initial or {})}
        made = helper.make_graph(
            [self.node(node) for node in graph.nodes],
            graph.name,
            [self.value(value) for value in graph.inputs],
            [self.value(value) for value in graph.outputs],
            [numpy_helper.from_array(array, name) for name, array in arrays.items() if name in used],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(made, producer_name="lstmgraph", opset_imports=opsets, ir_version=IR_VERSION)

    def node(self, node: Node) -> onnx.NodeProto:
        how = {k: self.body(v) if isinstance(v, Graph) else v for k, v in node.attributes.items()}
        return helper.make_node(node.op, node.inputs, node.outputs, name=node.outputs[0], **how)

    def body(self, graph: Graph) -> onnx.GraphProto:
        inputs, outputs = ([self.value(value) for value in values] for values in (graph.inputs, graph.outputs))
        return helper.make_graph([self.node(node) for node in graph.nodes], graph.name, inputs, outputs)

    def value(self, value: Value) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(value.name, self.kinds[value.kind], [*map(self.axis, value.axes)])

    def axis(self, axis: Expr | str) -> str | int:
        """A number, or the name of one that is open."""
        if isinstance(axis, str):
            return self.lengths.get(axis, axis)
        fixed = axis.xreplace(self.sizes)
        return int(fixed) if fixed.is_Integer else size_text(fixed)

    def constants(self, graph: Graph) -> dict[str, Array]:
        with numpy.errstate(over="ignore"):  # a number that the type does not have is infinite
            return {
                name: numpy.array(number, self.dtype if isinstance(number, float) else numpy.int64)
                for name, number in graph.constants.items()
            }

    def array(self, name: str, value: Array) -> Array:
        """Values of a parameter in the model's type.  Raises UsageError where that cannot hold them."""
        with numpy.errstate(over="ignore"):
            array = numpy.asarray(value, self.dtype)
        if not numpy.all(numpy.isfinite(array)):
            raise UsageError(f"{name} has entries that {self.dtype} cannot hold", hint="dtype float64")
        return array

    def folded(self, draft: Draft, params: Mapping[str, Array]) -> dict[str, Array]:
        """The parameters, and what depends on them alone, by ONNX's own reference."""
        graph = draft.graph
        arrays = {name: self.array(name, array) for name, array in params.items()}
        if not draft.once:
            return arrays
        nodes = graph.nodes[: draft.once]
        wanted = _made(nodes) & used_by(graph.nodes[draft.once :])
        part = helper.make_graph(
            [self.node(node) for node in nodes],
            graph.name,
            [self.value(value) for value in graph.inputs if value.name in params],
            [helper.make_empty_tensor_value_info(name) for name in sorted(wanted)],
            [numpy_helper.from_array(array, name) for name, array in self.constants(graph).items()],
        )
        whole = helper.make_model(part, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        found = ReferenceEvaluator(whole).run(None, arrays)
        return arrays | dict(zip(sorted(wanted), found, strict=True))


def _made(nodes: Iterable[Node]) -> set[str]:
    return {name for node in nodes for name in node.outputs}
