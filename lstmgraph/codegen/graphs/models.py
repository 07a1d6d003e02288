"""A graph as an ONNX model, with the values of parameters in it where these are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from sympy import Expr, Symbol

from lstmgraph.codegen.graphs.forward import Draft
from lstmgraph.codegen.graphs.parts import Graph, Node, Value, used_by
from lstmgraph.codegen.identifiers import size_text
from lstmgraph.errors import UsageError

# What runtimes of 2022 and later load: onnxruntime 1.12, opset 17.
OPSET, IR_VERSION = 17, 8

Array = Any  # numpy.ndarray


def model(draft: Draft, dtype: str, about: Sequence[str], params: Mapping[str, Array] | None = None) -> onnx.ModelProto:
    """The model of a graph of that floating type; `about` is its text.

    With `params`, by their names in the graph, these are no inputs: what depends on them alone is computed here.
    """
    writer = _Writer(numpy.dtype(dtype), draft.sizes)
    graph, initial = draft.graph, {}
    nodes = list(graph.nodes)
    if params is not None:
        initial = writer.folded(draft, params)
        nodes = nodes[draft.once :]
    inputs = [value for value in graph.inputs if params is None or value.name not in params]
    used = used_by(nodes)
    arrays = writer.constants(graph) | initial
    made = helper.make_graph(
        [writer.node(node) for node in nodes],
        graph.name,
        [writer.value(value) for value in inputs],
        [writer.value(value) for value in graph.outputs],
        [numpy_helper.from_array(array, name) for name, array in arrays.items() if name in used],
    )
    found = helper.make_model(
        made,
        producer_name="lstmgraph",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        doc_string="\n".join(about),
    )
    onnx.checker.check_model(found, full_check=True)
    return found


class _Writer:
    """Makes ONNX's messages, in which numbers are of one floating type."""

    def __init__(self, dtype: numpy.dtype[Any], sizes: Mapping[Symbol, Expr]) -> None:
        real = helper.np_dtype_to_tensor_dtype(dtype)
        self.sizes = sizes
        self.dtype, self.kinds = dtype, {"real": real, "whole": TensorProto.INT64, "truth": TensorProto.BOOL}

    def node(self, node: Node) -> onnx.NodeProto:
        how = {k: self.body(v) if isinstance(v, Graph) else v for k, v in node.attributes.items()}
        return helper.make_node(node.op, node.inputs, node.outputs, name=node.outputs[0], **how)

    def body(self, graph: Graph) -> onnx.GraphProto:
        inputs, outputs = ([self.value(value) for value in values] for values in (graph.inputs, graph.outputs))
        return helper.make_graph([self.node(node) for node in graph.nodes], graph.name, inputs, outputs)

    def value(self, value: Value) -> onnx.ValueInfoProto:
        fixed = [a if isinstance(a, (int, str)) else a.xreplace(self.sizes) for a in value.axes]
        axes = [a if isinstance(a, (int, str)) else int(a) if a.is_Integer else size_text(a) for a in fixed]
        return helper.make_tensor_value_info(value.name, self.kinds[value.kind], axes)

    def constants(self, graph: Graph) -> dict[str, Array]:
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
