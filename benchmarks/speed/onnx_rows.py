"""Rows of ONNX Runtime: its own operator, in a model that is put together here, and the generated model.

ONNX Runtime has no LSTM and no GRU in float64, and computes no gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks.speed.problem import Array, Problem, Runs
from lstmgraph.codegen.graphs.running import Runner


class Operator(NamedTuple):
    """An operator of ONNX: the order of its gates, and of its peepholes; its states."""

    name: str
    gates: str
    peepholes: str = ""
    states: tuple[str, ...] = ("h",)


OPERATORS: Mapping[str, Operator] = {
    "lstm": Operator("LSTM", "iofg", "", ("h", "c")),
    "peephole_lstm": Operator("LSTM", "iofg", "iof", ("h", "c")),
    "gru": Operator("GRU", "zrg"),
}


def operator(p: Problem) -> Runs | None:
    """The operator that is this cell, over a sequence."""
    own = OPERATORS.get(p.cell.name)
    if own is None or p.double:
        return None
    session = session_of(p, own)
    _, B, _, H = p.sizes
    given = {"X": p.xs.swapaxes(0, 1).copy()} | {f"{s}_0": np.zeros((1, B, H), np.float32) for s in own.states}
    return Runs(lambda: session.run(["Y"], given), outputs=lambda found: found[0][:, 0].swapaxes(0, 1))


def session_of(p: Problem, own: Operator) -> Any:
    """A session of a model with one node; weights are part of it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = p.threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # in no other row's turn
    return onnxruntime.InferenceSession(model(p, own), options, providers=["CPUExecutionProvider"])


def model(p: Problem, own: Operator) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, *shape: Any) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    _, B, X, H = p.sizes
    starts = [f"{s}_0" for s in own.states]
    inputs = ["X", "W", "R", "B", "", *starts, *["P"] * bool(own.peepholes)]
    outputs = ["Y", *(f"{s}_T" for s in own.states)]
    node = helper.make_node(own.name, inputs, outputs, hidden_size=H)
    ins = [value("X", "T", B, X), *(value(s, 1, B, H) for s in starts)]
    outs = [value("Y", "T", 1, B, H), *(value(s, 1, B, H) for s in outputs[1:])]
    weights = [numpy_helper.from_array(array, name) for name, array in weights_of(p, own).items()]
    graph = helper.make_graph([node], p.cell.name, ins, outs, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def weights_of(p: Problem, own: Operator) -> dict[str, Array]:
    """The initialisers, each for one direction; a second bias is zero."""
    W, U, b = (np.concatenate([p.params[f"{kind}_{gate}"] for gate in own.gates]) for kind in "WUb")
    found = {"W": W[None], "R": U[None], "B": np.concatenate([b, np.zeros_like(b)])[None]}
    peepholes = [p.params[f"p_{gate}"] for gate in own.peepholes]
    return found | ({"P": np.concatenate(peepholes)[None]} if peepholes else {})


def generated(p: Problem) -> Runs:
    """Forward only."""
    forward = runner(p).forward
    return Runs(lambda: forward(p.params, p.xs), outputs=lambda found: found[0])


def runner(p: Problem) -> Runner:
    """The functions of the generated model, with so many threads: onnxruntime's own would spin in other rows' turns."""
    forward: Any = p.cell.lambdify("onnx").forward
    found: Runner = forward.__self__
    return replace(found, threads=p.threads)
