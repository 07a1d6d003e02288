"""Targets: what code can be generated for.

To add a target: a module here with a function that has the face of `Generate`, and a row in `TARGETS`.  The module is
imported when code is generated for its target: to list the targets takes no SymPy.

A target of more than one file has a function `files(plan, about, stem, ...)` besides, from names to texts, and one that
is not Python `lambdify(plan, about, ...)`; one whose functions can run the compiled C has `compiled(plan, about,
source)`, which gives what the file defines, over C.  Its row says so (`own`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from lstmgraph.codegen.plan import Plan


class Generate(Protocol):
    """Every target's `generate`: the text of a file, from a plan and the lines of its docstring.

    Of a target with options it takes these as well.
    """

    def __call__(self, plan: Plan, about: Sequence[str]) -> str: ...


FUNCTIONS = {name: name for name in ("step", "forward", "backward", "init", "shapes")}


class Target(NamedTuple):
    """A line about it, the suffix of its files, and its module in this package.

    `options` are the keywords that its functions take besides, `own` those of `files`, `lambdify`, `compiled` that it
    has; "reference" where its file tests itself with numbers that somebody who can compute a cell has to bring.
    Its files need `package` to run, and `writer` to be written; both come with the extra of the target's name.
    `binary`: its files are not the text that `generate` gives.  `gives` says of each name of `Functions` what that is
    in a file, where {cell} is the cell's name as that of a class.
    """

    words: str
    suffix: str
    module: str
    options: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    package: str = "numpy"
    writer: str = ""
    binary: bool = False
    gives: Mapping[str, str] = FUNCTIONS


TARGETS: Mapping[str, Target] = {
    "numpy": Target("a standalone NumPy file: step, forward, backward", ".py", "numpy"),
    "c": Target("C99, a source and a header", ".c", "c", ("dtype", "sizes"), ("files", "lambdify", "reference")),
    "torch": Target(
        "a standalone PyTorch module with derived gradients",
        ".py",
        "torch",
        own=("compiled",),
        package="torch",
        gives={"Module": "{cell}", "step": "step", "reference": "reference", "Derived": "Derived"},
    ),
    "jax": Target(
        "a standalone JAX file: a scan with derived gradients",
        ".py",
        "jax",
        package="jax",
        gives={name: name for name in ("step", "forward", "reference", "init", "shapes")},
    ),
    "onnx": Target(
        "an ONNX model, forward: the operator LSTM, GRU or RNN where the cell is one, else a Scan",
        ".onnx",
        "onnx",
        ("dtype", "sizes", "params"),
        ("files", "lambdify", "warnings"),
        package="onnxruntime",
        writer="onnx",
        binary=True,
        gives={name: name for name in ("step", "forward", "init", "shapes")},
    ),
}


def module_of(target: str) -> Any:
    """The module of one of the `TARGETS`."""
    return import_module(f"{__name__}.{TARGETS[target].module}")
