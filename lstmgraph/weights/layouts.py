"""Where each library keeps the weights of an LSTM, a GRU and a plain recurrent network.

The parts of a form are named by what they do and in which gate, ("W", "i"): W multiplies the input, R the previous
output, P the memory entry by entry (a peephole); b is the bias.  Where a form has two biases in one gate that are not
merely summed, as the candidate of a GRU that resets after the product, Rb is the one that stands with R.

An array holds parts, gate after gate.  The gates are i, f, g, o; r, z, n, where z keeps the old output; and h.
To add a library, or a class of one: an entry of `LAYOUTS`.

Sources: the documentation of torch.nn.LSTM, GRU and RNN; keras.layers.LSTM, GRU and SimpleRNN; flax.linen and flax.nnx,
module `recurrent`; the ONNX operators LSTM, GRU and RNN.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

Part = tuple[str, str]  # what it does, in which gate
Functions = tuple[str, ...]


class Form(NamedTuple):
    """A standard form: its name in a sentence, its gates, those with a peephole, those with two biases apart."""

    words: str
    gates: str
    peepholes: str = ""
    apart: str = ""

    def part(self, kind: str, gate: str) -> Part:
        """The part that a block of an array stands for: a second bias is added to the first one, unless it is apart."""
        return ("b" if kind == "Rb" and gate not in self.apart else kind, gate)


FORMS: Mapping[str, Form] = {
    "lstm": Form("an LSTM", "ifgo", peepholes="ifo"),
    "gru": Form("a GRU that resets before the product", "rzn"),
    "gru_reset_after": Form("a GRU that resets after the product", "rzn", apart="n"),
    "rnn": Form("a plain recurrent network", "h"),
}


class Array(NamedTuple):
    """An array of a library: its name, what it does, in which gates.

    Of two `kinds` all gates of the first come before those of the second.  `transposed`: gates are columns, not rows.
    `rows`: a vector that is kept as so many rows.
    """

    name: str
    kinds: tuple[str, ...]
    gates: str
    transposed: bool = False
    rows: int = 0

    @property
    def optional(self) -> bool:
        """Whether a library leaves it out where it is not wanted: biases and peepholes, never W and R."""
        return not {"W", "R"} & set(self.kinds)


class Layout(NamedTuple):
    """How a library keeps weights: a line about it, and the arrays of each form that it has, in their order.

    `place` stands behind each name and says which layer and direction; `nested`: names with a point are mappings in a
    mapping; `listed`: the library hands out a list; `directions`: the first axis of an array is the direction.

    Weights do not say which functions a layer has: `functions` are those that it can have, of the gates, of the
    candidate, of the memory in the output, in each form.  Where they are not there it can have any; `shared`: the last
    two are one.
    """

    words: str
    arrays: Mapping[str, tuple[Array, ...]]
    place: str = ""
    nested: bool = False
    listed: bool = False
    directions: bool = False
    functions: Mapping[str, Collection[Functions]] | None = None
    shared: bool = True


def _torch(gates: str) -> tuple[Array, ...]:
    return (
        Array("weight_ih", ("W",), gates),
        Array("weight_hh", ("R",), gates),
        Array("bias_ih", ("b",), gates),
        Array("bias_hh", ("Rb",), gates),
    )


def _keras(gates: str, *biases: str, rows: int = 0) -> tuple[Array, ...]:
    return (
        Array("kernel", ("W",), gates, transposed=True),
        Array("recurrent_kernel", ("R",), gates, transposed=True),
        Array("bias", biases or ("b",), gates, rows=rows),
    )


def _onnx(gates: str) -> tuple[Array, ...]:
    return (Array("W", ("W",), gates), Array("R", ("R",), gates), Array("B", ("b", "Rb"), gates))


def _kernel(name: str, kind: str, gates: str, bias: str = "") -> tuple[Array, ...]:
    """A layer of flax, with the kind of its bias if it has one."""
    kernel = Array(f"{name}.kernel", (kind,), gates, transposed=True)
    return (kernel, Array(f"{name}.bias", (bias,), gates)) if bias else (kernel,)


_TORCH = {"lstm": _torch("ifgo"), "gru_reset_after": _torch("rzn"), "rnn": _torch("h")}
_TORCH_FUNCTIONS: Mapping[str, Collection[Functions]] = {
    "lstm": [("Sigmoid", "Tanh", "Tanh")],
    "gru_reset_after": [("Sigmoid", "Tanh")],
    "rnn": [("Tanh",), ("Relu",)],
}
_FLAX_LSTM = tuple(a for g in "ifgo" for a in (*_kernel(f"i{g}", "W", g), *_kernel(f"h{g}", "R", g, "Rb")))

LAYOUTS: Mapping[str, Layout] = {
    "torch": Layout(
        "torch.nn.LSTM, GRU, RNN: a layer and direction of a state dict",
        _TORCH,
        place="_l{layer}{reverse}",
        functions=_TORCH_FUNCTIONS,
    ),
    "torch-cell": Layout("torch.nn.LSTMCell, GRUCell, RNNCell: a state dict", _TORCH, functions=_TORCH_FUNCTIONS),
    "keras": Layout(
        "keras.layers.LSTM, GRU (both values of reset_after), SimpleRNN: get_weights()",
        {
            "lstm": _keras("ifgo"),
            "gru": _keras("zrn"),
            "gru_reset_after": _keras("zrn", "b", "Rb", rows=2),
            "rnn": _keras("h"),
        },
        listed=True,
    ),
    "flax": Layout(
        "flax.linen LSTMCell, OptimizedLSTMCell, GRUCell, SimpleCell: the params of a cell",
        {
            "lstm": _FLAX_LSTM,
            "gru_reset_after": (
                *(a for g in "rzn" for a in _kernel(f"i{g}", "W", g, "b")),
                *(a for g in "rz" for a in _kernel(f"h{g}", "R", g)),
                *_kernel("hn", "R", "n", "Rb"),
            ),
            "rnn": (*_kernel("i", "W", "h", "b"), *_kernel("h", "R", "h")),
        },
        nested=True,
    ),
    "nnx": Layout(
        "flax.nnx LSTMCell, GRUCell, SimpleCell: the state of a cell",
        {
            # `if` is a word of Python, so that attribute is if_
            "lstm": tuple(a._replace(name=a.name.replace("if.", "if_.")) for a in _FLAX_LSTM),
            "gru_reset_after": (*_kernel("dense_i", "W", "rzn", "b"), *_kernel("dense_h", "R", "rzn")),
            "rnn": (*_kernel("dense_i", "W", "h", "b"), *_kernel("dense_h", "R", "h")),
        },
        nested=True,
    ),
    "nnx-optimized": Layout(
        "flax.nnx OptimizedLSTMCell: the state of a cell",
        {"lstm": (*_kernel("dense_i", "W", "ifgo"), *_kernel("dense_h", "R", "ifgo", "Rb"))},
        nested=True,
    ),
    "onnx": Layout(
        "the inputs W, R, B, P of the ONNX operators LSTM, GRU (both values of linear_before_reset), RNN",
        {
            "lstm": (*_onnx("iofg"), Array("P", ("P",), "iof")),
            "gru": _onnx("zrn"),
            "gru_reset_after": _onnx("zrn"),
            "rnn": _onnx("h"),
        },
        directions=True,
        shared=False,
    ),
}
