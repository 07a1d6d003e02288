"""The generated PyTorch file: pleasant to read, no name hides another, clear where it is misused."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstmgraph import Cell, load
from lstmgraph.calculus import gradient
from lstmgraph.codegen import functions, generate, lambdify
from lstmgraph.codegen.identifiers import attributes
from lstmgraph.codegen.targets.torch import MODULE
from lstmgraph.errors import MissingExtra, UsageError
from lstmgraph.reading import from_equations
from tests.codegen.equality import CELLS, ODD
from tests.codegen.modules import B, H, T, X, functions_of, small

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")]  # PyTorch's own


# ── reading it ──


@pytest.mark.parametrize("name", CELLS)
def test_a_product_with_a_number_makes_no_array_to_copy(name: str) -> None:
    """e *= 2, or a call that writes where the product goes, and not e.copy_(2 * e)."""
    source = functions_of(name).source
    assert not re.findall(r"copy_\(-?[\d.]+ \* \w+\)", source)
    assert ("            e *= 2\n" in source) == (name == "doubled")


@pytest.mark.parametrize("name", [name for name in CELLS if name != "sum_of_a_delay"])
def test_no_step_copies_what_it_hands_on(name: str) -> None:
    """A value of a step is an array that the next step takes; only one number in all entries is made one of its own."""
    loops = [part for part in ast.walk(ast.parse(functions_of(name).source)) if isinstance(part, ast.For)]
    assert not [line for loop in loops for line in loop.body if ".clone()" in ast.unparse(line)]


@pytest.mark.parametrize("name", CELLS)
def test_the_text_is_standalone_python(name: str) -> None:
    source = functions_of(name).source
    tree = ast.parse(source)
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports == ["import torch", "from torch import nn"]
    assert all(ast.get_docstring(part) for part in tree.body if isinstance(part, (ast.FunctionDef, ast.ClassDef)))
    assert max(map(len, source.splitlines())) <= 120
    assert not [line for line in source.splitlines() if line != line.rstrip()]
    assert source.endswith("\n")
    assert not source.endswith("\n\n")


def test_a_stack_within_another_is_a_part_of_it() -> None:
    """The gates of the upper of two layers are in the stack of what goes to the lower one, and one of their own."""
    text = load(ODD["two_layers"]).code("torch")
    assert "delta_ogifs = delta_ogifds[:, :4*H]" in text
    assert ".copy_(" not in text[text.index("def gradients(") : text.index("class ")]


def test_the_same_text_each_time(golden: Callable[[str, str], None]) -> None:
    golden("code/lstm.torch.py", functions_of("lstm").source)


def test_a_parameter_hides_nothing_of_a_module() -> None:
    module = functions_of("lstm").Module(X, H)
    own = {name for name in dir(module) if not name.startswith("__")}
    assert own - {name for name, _ in module.named_parameters()} <= MODULE


def test_a_state_dict_has_all_names_that_a_module_can_have() -> None:
    cell = Cell.from_equations(
        "h[t] = half * tanh(B @ x[t] + T @ h[t-1] + train + self + np * device * given) + sizes", sizes={"x": X, "h": H}
    )
    params = cell.lambdify("numpy").init(np.random.default_rng(0))
    module = cell.lambdify("torch").Module(dtype=torch.float64)
    renamed = {"half": "half_", "train": "train_", "sizes": "sizes_"}
    assert {*module.state_dict()} == {renamed.get(name, name) for name in params} >= {"B", "T", "self", "np", "device"}
    assert "half is half_, train is train_, sizes is sizes_" in " ".join(str(type(module).__doc__).split())
    module.load_state_dict({renamed.get(name, name): torch.tensor(value) for name, value in params.items()})
    xs = np.random.default_rng(1).normal(size=(B, T, X))
    outputs, _ = module(torch.tensor(xs).transpose(0, 1))
    np.testing.assert_allclose(outputs.detach().transpose(0, 1), cell.lambdify("numpy").forward(params, xs)[0], 1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module.half().train()


def test_operators_of_two_files_with_one_name() -> None:
    """What is compiled of one file is not what another file does, whose cell has the same name."""
    given = (torch.ones(T, B, X), torch.ones(B, H), torch.ones(H, X))
    files = []
    for function in ("tanh", "relu"):
        cell = Cell.from_equations(f"h[t] = {function}(W @ x[t]) + h[t-1]", sizes={"x": X, "h": H})
        files.append(vars(cell.lambdify("torch").Module)["forward"].__globals__)
    for file in files:
        for found, wanted in zip(file["_forward"](*given), file["Derived"].forward(*given), strict=True):
            assert torch.equal(found, wanted)


def test_names_that_python_would_read_as_others_are_renamed() -> None:
    names = ["lambda", "lambda_", "__W", "W", "_apply", "ﬁ", "_W"]
    assert [*attributes(names, MODULE).values()] == ["lambda__", "lambda_", "W_2", "W", "_apply_", "fi", "_W"]


# ── misuse ──


def test_without_pytorch_the_text_is_there_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "find_spec", lambda name: None)
    message = r"of the target 'torch' need torch, which is not installed\nhint: pip install 'lstmgraph\[torch\]'"
    with pytest.raises(MissingExtra, match=message):
        lambdify(load("rnn"), gradient(load("rnn")), "torch")
    assert "class Rnn" in generate(load("rnn"), gradient(load("rnn")), "torch")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, xs: m(xs[..., :1]), r"xs must be \(T, B, 2\), got \(3, 2, 1\)"),
        (lambda m, xs: m(xs[0]), r"xs must be \(T, B, 2\), got \(2, 2\)"),
        (lambda m, xs: m.step(xs), r"^x must be \(B, 2\), got \(3, 2, 2\)"),
        (lambda m, xs: m(xs[:0]), "at least one step"),
        (lambda m, xs: m(xs, {"c": torch.ones(B, H)}), "the names in states are wrong; missing: h$"),
        (lambda m, xs: m(xs, torch.ones(B, H)), "states must be a dict of c, h, got Tensor"),
        (
            lambda m, xs: m(xs, {"c": torch.ones(B, H), "h": torch.ones(1, H)}),
            r"states\['h'\] must be \(2, 3\), got \(1, 3\)",
        ),
        (lambda m, xs: m(xs, {}), "the names in states are wrong; missing: c, h$"),
        (lambda m, xs: m(xs, {0: xs}), "the names in states are wrong; missing: c, h; unknown: 0$"),
        (lambda m, xs: type(m)(2, 0), "every size must be a whole number, 1 at least, got X=2, H=0"),
        (lambda m, xs: type(m)(2, 3.0), r"whole number, 1 at least, got X=2, H=3\.0"),
        (lambda m, xs: type(m)("2", 3), "whole number, 1 at least, got X='2', H=3"),
    ],
)
def test_what_is_wrong_is_named(call: Any, message: str) -> None:
    module, xs, _ = small("lstm")
    with pytest.raises(ValueError, match=message):
        call(module, xs)


@pytest.mark.parametrize("derived", [True, False])
@pytest.mark.parametrize(
    ("turn", "message"),
    [
        (lambda a: a.float(), "must be torch.float64 as b_o is, got torch.float32"),
        (lambda a: a.to("meta"), "must be on cpu as b_o is, got meta"),
    ],
)
def test_another_type_or_device_is_named(turn: Any, message: str, derived: bool) -> None:
    module, xs, states = small("lstm", derived=derived)
    for name, call, x in (("xs", module, xs), ("x", module.step, xs[0])):
        with pytest.raises(ValueError, match=f"^{name} {message}$"):
            call(turn(x), states)
        with pytest.raises(ValueError, match=rf"^states\['c'\] {message}$"):
            call(x, {**states, "c": turn(states["c"])})
    with torch.autocast("cpu", torch.bfloat16):
        assert module.float()(xs, states)[0].dtype == torch.bfloat16
        with pytest.raises(ValueError, match=r"^xs must be on cpu as b_o is, got meta$"):
            module(xs.to("meta"), states)


@pytest.mark.parametrize("derived", [True, False])
@pytest.mark.parametrize("autocast", [True, False])
@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
def test_complex_numbers_are_refused(derived: bool, autocast: bool) -> None:
    """The derived gradients have no conjugates."""
    module, xs, _ = small("lstm", derived=derived, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        with pytest.raises(ValueError, match=r"^xs must be torch\.float32 as b_o is, got torch\.complex128$"):
            module(xs.to(torch.complex128))
        with pytest.raises(ValueError, match=r"^b_o must be of a floating type, as .*, got torch\.complex64$"):
            module.to(torch.complex64)(xs.to(torch.complex64))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.int64, "float32"])
def test_a_module_is_of_a_floating_type(dtype: Any) -> None:
    with pytest.raises(ValueError, match=rf"^dtype must be a floating type, as torch\.float32, got {dtype!r}$"):
        small("lstm", dtype=dtype)


def test_a_module_of_nothing() -> None:
    cell = from_equations("y[t] = k * k", constants={"k": 0.5}, sizes={"y": 1})
    with pytest.raises(UsageError, match="a module has the type of its arrays, and this cell has none"):
        generate(cell, gradient(cell), "torch")


def test_shapes_are_told_as_they_are_given() -> None:
    module, xs, _ = small("lstm", batch_first=True)
    with pytest.raises(ValueError, match=r"xs must be \(B, T, 2\), got \(3, 2, 1\)"):
        module(xs[..., :1])


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("given", [None, [[[0.0, 0.0]]], np.zeros((3, 2, 2))])
def test_what_is_no_tensor_is_named(given: Any, batch_first: bool) -> None:
    module, xs, _ = small("lstm", batch_first=batch_first)
    kind = type(given).__name__
    with pytest.raises(TypeError, match=f"xs must be a tensor, got {kind}"):
        module(given)
    with pytest.raises(TypeError, match=rf"states\['h'\] must be a tensor, got {kind}"):
        module(xs, {"c": xs.new_zeros(3 if batch_first else 2, H), "h": given})


def test_the_number_of_samples_without_inputs_is_that_of_the_first_state() -> None:
    module = functions_of("autonomous").Module(3)
    states = {k: torch.ones(4, 3) for k in "pq"}
    assert module(2, states)[0].shape == (2, 4, 3)
    with pytest.raises(ValueError, match=r"states\['q'\] must be \(4, 3\), got \(2, 3\)"):
        module(2, {**states, "q": torch.ones(2, 3)})
    with pytest.raises(ValueError, match="states must be a dict of p, q, got Tensor"):
        module(2, states["p"])
    with pytest.raises(ValueError, match=r"states\['p'\] must be \(B, 3\), got \(3,\)"):
        module(2, {"p": torch.ones(3), "q": torch.ones(3)})
