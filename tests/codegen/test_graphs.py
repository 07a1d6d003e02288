"""The lowering from equations to nodes: every operation, in every form, for one step and for all steps at once.

Each operand is one for all samples or one for each, and thin or with all its entries.  What a graph gives in onnx's own
evaluator is compared with the interpreter, sample by sample, and has the axes that its tensor promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from sympy import Integer, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.codegen.graphs.forward import Draft
from lstmgraph.codegen.graphs.lowering import add
from lstmgraph.codegen.graphs.parts import Graph, Tensor, Value
from lstmgraph.codegen.graphs.scope import Scope, Whole
from lstmgraph.codegen.identifiers import Names
from lstmgraph.numeric.rows import batch_rows, parameter_rows
from lstmgraph.program import Equation
from tests.codegen.test_lowering import NUMBERS, ONE, B, M, N, examples, meaning

onnx = pytest.importorskip("onnx")

pytestmark = pytest.mark.onnx

T = 2
SIZES = {size(k): Integer(number) for k, number in NUMBERS.items()}
LEADS = {"a step": 1, "all steps": 2}
Tensors = dict[MatrixSymbol, Tensor]
Array = Any  # numpy.ndarray

A, U, V, S = (symbol(name, shape) for name, shape in zip("AUVS", ((M, N), (N, ONE), (M, ONE), (ONE, ONE)), strict=True))
K = size("K")
JOINED, THREE = ([symbol("J", (rows, N)), symbol("j", (rows, ONE))] for rows in (M + K, Integer(3)))
# What is lowered otherwise than operation by operation: products in a sum, and all rows of a value.
FORMULAS: dict[str, list[MatrixExpr]] = {
    "a product and a term": [MatAdd(MatMul(A, U), V)],
    "a product less a term": [MatAdd(MatMul(A, U), n.Negative(V))],
    "a product and a scalar": [MatAdd(n.Fill(S, M, ONE), MatMul(A, U), n.Negative(V))],
    "a transposed weight": [MatAdd(MatMul(Transpose(A), V), U)],
    "a product of three": [MatMul(Transpose(MatMul(A, U)), V)],
    "an outer product": [MatMul(V, Transpose(U))],
    "rows": [n.Slice(j, start, count) for j in JOINED for start, count in ((0, M), (M, K))],
    "rows that overlap": [n.Slice(j, start, count) for j in JOINED for start, count in ((0, M), (0, M + K), (1, K))],
    "rows of a formula": [n.Slice(n.Tanh(j), start, 1) for j in JOINED for start in (0, 1)],
    "rows of one": [n.Slice(j, k, 1) for j in THREE for k in range(3)],
}


def tensors(nodes: Sequence[MatrixExpr]) -> Iterator[Tensors]:
    """The operands as all the kinds of tensors that there are.  A scalar has one entry anyway."""
    symbols = dict.fromkeys(s for node in nodes for s in sorted(node.atoms(MatrixSymbol), key=str))
    kinds = [product((False, True), (False, True) if s.shape != (1, 1) else (False,)) for s in symbols]
    for found in product(*kinds):
        yield {s: Tensor(s.name, s.shape, *kind) for s, kind in zip(symbols, found, strict=True)}


def number_of(side: Any) -> int:
    return int(side.xreplace(SIZES))


def samples_of(tensor: Tensor, lead: int) -> tuple[int, ...]:
    return (T, B)[2 - lead :] if tensor.batched else ()


def axes_of(tensor: Tensor, lead: int) -> tuple[int, ...]:
    """How long the axes of a tensor's array are."""
    return (*samples_of(tensor, lead), *map(number_of, tensor.axes))


def drawn(given: Tensors, lead: int) -> tuple[dict[MatrixSymbol, Array], dict[str, Array]]:
    """What the interpreter is given, (..., m, n), and the arrays of the tensors."""
    rng = np.random.default_rng(1)
    values, feeds = {}, {}
    for s, tensor in given.items():
        shape = [number_of(side) for side in s.shape]
        samples = samples_of(tensor, lead)
        array = rng.uniform(0.2, 1.5, (*samples, *([1, 1] if tensor.thin else shape)))
        values[s] = np.broadcast_to(array, (*samples, *shape))
        feeds[tensor.name] = array.reshape(axes_of(tensor, lead))
    return values, feeds


def run(nodes: Sequence[MatrixExpr], given: Tensors, lead: int, feeds: Mapping[str, Array]) -> list[Any]:
    """Of each value the tensor that it is, and its array.  The model has all sizes in it, and is checked."""
    from lstmgraph.codegen.graphs.models import model

    targets = [symbol(f"y{k}", node.shape) for k, node in enumerate(nodes)]
    names = Names({s: s.name for s in (*given, *targets)})
    whole = Whole(names, SIZES, [], "float64", names.fresh("steps", "steps"), names.fresh("batch", "batch"))
    whole.constants |= {whole.steps: [T], whole.batch: [B]}
    scope = Scope(whole, lead, dict(given))
    add(scope, [Equation(y, node) for y, node in zip(targets, nodes, strict=True)])
    found = [scope.values[y] for y in targets]
    results = [scope.node("Identity", [t.name], f"result_{k}") for k, t in enumerate(found)]
    inputs = [Value(t.name, (*map(Integer, axes_of(t, lead)),)) for t in given.values()]
    outputs = [Value(name, (*map(Integer, axes_of(t, lead)),)) for name, t in zip(results, found, strict=True)]
    graph = Graph("test", inputs, outputs, [*whole.once, *scope.nodes], whole.constants)
    made = model(Draft(graph, SIZES, 0), "float64", [])
    return list(zip(found, onnx.reference.ReferenceEvaluator(made).run(None, dict(feeds)), strict=True))


def hold(nodes: Sequence[MatrixExpr], lead: int) -> None:
    """What the graph computes is what is meant, whatever tensors it is given."""
    for given in tensors(nodes):
        values, feeds = drawn(given, lead)
        for node, (tensor, array) in zip(nodes, run(nodes, given, lead, feeds), strict=True):
            own = {s: values[s] for s in given if node.has(s)}
            wanted = meaning(node, own)
            rows = batch_rows(node, wanted) if tensor.batched else parameter_rows(node, wanted)
            assert tensor.shape == node.shape
            assert not (tensor.thin and tensor.form == "S")  # else a node would fill its one entry
            assert tensor.batched == any(given[s].batched for s in own)
            assert array.shape == axes_of(tensor, lead), (node, given)
            np.testing.assert_allclose(np.broadcast_to(array, rows.shape), rows, rtol=1e-12, err_msg=f"{node} {given}")


@pytest.mark.parametrize("lead", LEADS.values(), ids=LEADS)
@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_a_graph_computes_what_is_meant(cls: type, lead: int) -> None:
    for node in examples(cls):
        hold([node], lead)


@pytest.mark.parametrize("lead", LEADS.values(), ids=LEADS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_in_a_graph_compute_what_is_meant(formula: str, lead: int) -> None:
    hold(FORMULAS[formula], lead)
