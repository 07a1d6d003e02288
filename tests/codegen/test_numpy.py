"""The generated NumPy file: right for every cell and type, clear where it is misused, pleasant where it is read."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lstmgraph
from lstmgraph import Cell
from lstmgraph.calculus import gradient
from lstmgraph.codegen import TARGETS, Functions, generate, lambdify
from lstmgraph.codegen.compiled import checks_of
from lstmgraph.codegen.shown import passes_text
from lstmgraph.codegen.targets import numpy as numpy_target
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.numeric.calls import by_backward
from lstmgraph.numeric.rows import parameter_rows, sequence_rows
from lstmgraph.numeric.sample import draw
from lstmgraph.reading import library, load, loads
from tests.codegen.equality import ODD, cell_of, functions_of

CELLS = (*library(), *ODD)


@pytest.mark.parametrize("name", ["peephole_lstm", "gru_reset_after", "matrix", "two", "shared"])
def test_nothing_that_is_given_is_written_to(name: str) -> None:
    """Not even the cache: backward gives the same twice."""
    cell, f = cell_of(name), functions_of(name)
    sample = draw(cell, {z: 2 + k for k, z in enumerate(cell.sizes)}, 1, 3, seed=5)
    assert sample is not None
    first = by_backward(cell, f, sample)
    params = {p.name: parameter_rows(p, sample.parameters[p.name]) for p in cell.parameters}
    inputs = {str(x)[:-3]: sequence_rows(x, sample.inputs[str(x)[:-3]]).copy() for x in cell.inputs}
    xs: Any = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    outputs, _, cache = f.forward(params, xs)
    d_outputs = np.ones_like(outputs)
    given = [a.copy() for a in (*params.values(), *inputs.values(), d_outputs, outputs)]
    both = [f.backward(params, cache, d_outputs)[0] for _ in range(2)]
    for k, d in both[0].items():
        np.testing.assert_array_equal(d, both[1][k])
    for a, copy in zip((*params.values(), *inputs.values(), d_outputs, outputs), given, strict=True):
        np.testing.assert_array_equal(a, copy)
    for found, again in zip(first, by_backward(cell, f, sample), strict=True):
        for k, array in found.items():
            np.testing.assert_array_equal(array, again[k])


def test_far_out_there_are_no_warnings() -> None:
    f = functions_of("peephole_lstm")
    params = f.init(np.random.default_rng(0), 2, 3)
    params = {k: 1e4 * p for k, p in params.items()}
    with np.errstate(all="raise", under="ignore"):
        outputs, _, cache = f.forward(params, np.random.default_rng(1).normal(size=(2, 3, 2)))
        d_params, _, _ = f.backward(params, cache, outputs)
    assert all(np.all(np.isfinite(d)) for d in d_params.values())


def test_the_logarithm_of_a_sigmoid_keeps_its_digits() -> None:
    text = "m[t] = sigmoid(W @ x[t])\\nh[t] = log(m[t]) + h[t-1]"
    sizes = "x = 'X'\nh = 'H'"
    cell = loads(f'name = "logs"\noutput = "h"\nequations = "{text}"\n[sizes]\n{sizes}')
    f = lambdify(cell, gradient(cell))
    outputs, _, _ = f.forward({"W": np.eye(2)}, np.full((1, 1, 2), -100.0))
    np.testing.assert_allclose(outputs, -100, rtol=1e-15)


@pytest.mark.parametrize("candidate", ["V @ x[t]", "relu(V @ x[t])", "tanh(V @ x[t])"])
def test_an_open_gate_lets_through_what_it_gates_beside_a_large_value(candidate: str) -> None:
    text = f"z[t] = sigmoid(W @ x[t])\\ng[t] = {candidate}\\nh[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]"
    cell = loads(f'name = "mixed"\noutput = "h"\nequations = "{text}"\n[sizes]\nx = "X"\nh = "H"')
    one = np.ones((1, 1), np.float32)
    outputs, _, _ = lambdify(cell, gradient(cell)).forward(
        {"W": one, "V": one}, np.full((1, 1, 1), 1e9), {"h": 3 * one}
    )
    assert outputs.item() == 3


# ── misuse ──


def lstm() -> tuple[Functions, dict[str, np.ndarray]]:
    f = functions_of("lstm")
    return f, f.init(np.random.default_rng(0), 8, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, p: f.forward(p, np.ones((4, 5, 7))), r"xs must be \(B, T, X=8\), got \(4, 5, 7\)"),
        (lambda f, p: f.forward(p, np.ones((4, 8))), r"xs must be \(B, T, X=8\), got \(4, 8\)"),
        (lambda f, p: f.step(p, np.ones((4, 5, 8))), r"x must be \(B, X=8\), got \(4, 5, 8\)"),
        (
            lambda f, p: f.forward(p, np.ones((4, 5, 8)), {"c": np.ones((4, 5)), "h": np.ones((3, 5))}),
            r"states\['h'\] must be \(B=4, H=5\), got \(3, 5\)",
        ),
        (
            lambda f, p: f.forward(p | {"U_f": np.ones((5, 4))}, np.ones((4, 5, 8))),
            r"U_f is \(5, 4\), but must be \(5, 5\) with X=8, H=5 as in W_f \(5, 8\): one is wrong",
        ),
        (lambda f, p: f.forward(p | {"W_f": np.ones(5)}, np.ones((4, 5, 8))), r"W_f must be \(H, X\), got \(5,\)"),
        (lambda f, p: f.forward(p, np.ones((4, 0, 8))), "at least one step"),
        (lambda f, p: f.forward(p, np.ones((0, 3, 8))), "at least one sample"),
        (lambda f, p: f.step(p, np.ones((0, 8))), "at least one sample"),
        (lambda f, p: f.init(np.random.default_rng(0), X=0, H=5), "a whole number, 1 at least, got X=0, H=5"),
        (
            lambda f, p: f.forward(p | {"W_f": p["W_f"].T}, np.ones((4, 5, 8))),
            r"U_f is \(5, 5\), but must be \(8, 8\) with X=5, H=8 as in W_f \(8, 5\): one is wrong",
        ),
        (
            lambda f, p: f.forward(p | {"b_f": np.ones((5, 1))}, np.ones((4, 5, 8))),
            r"b_f is \(5, 1\), but must be \(5,\) with",
        ),
        (
            lambda f, p: f.backward(
                p | {"U_f": np.ones((6, 6))}, f.forward(p, np.ones((4, 3, 8)))[2], np.ones((4, 3, 5))
            ),
            r"U_f must be \(5, 5\), got \(6, 6\)",
        ),
        (lambda f, p: f.forward(p, np.ones((4, 5, 8)) * 1j), "xs must be real numbers, got complex128"),
        (lambda f, p: f.forward({k: a * 1j for k, a in p.items()}, np.ones((4, 5, 8))), "params must be real numbers"),
        (
            lambda f, p: f.backward(p, f.forward(p, np.ones((4, 3, 8)))[2], np.ones((4, 2, 5))),
            r"d_outputs must be \(4, 3, 5\), as the outputs are, got \(4, 2, 5\)",
        ),
    ],
)
def test_a_wrong_shape_is_named(call: Callable[..., object], message: str) -> None:
    f, params = lstm()
    with pytest.raises(ValueError, match=message):
        call(f, params)


@pytest.mark.parametrize("cache", [None, (), "outputs"])
def test_what_is_no_cache_is_named(cache: Any) -> None:
    f, params = lstm()
    outputs = f.forward(params, np.ones((4, 3, 8)))[0]
    with pytest.raises(TypeError, match=r"cache must be the third of what forward gives, got (NoneType|tuple|ndarray)"):
        f.backward(params, outputs if cache == "outputs" else cache, outputs)


def test_arrays_of_another_order_of_bytes() -> None:
    f, params = lstm()
    xs = np.random.default_rng(1).normal(size=(2, 3, 8))
    found = f.forward({k: a.astype(">f8") for k, a in params.items()}, xs.astype(">f8"))[0]
    np.testing.assert_array_equal(found, f.forward(params, xs)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, p, x: f.forward(p, x, {"c": np.ones((4, 5))}), "the names in states are wrong; missing: h$"),
        (lambda f, p, x: f.step(p, x[:, 0], np.ones((4, 5))), r"states must be a dict of c, h, got ndarray"),
        (lambda f, p, x: f.forward({}, x), "the names in params are wrong; missing: W_f, U_f, [^;]*, b_o$"),
        (lambda f, p, x: f.forward(p | {"W": 0}, x), "the names in params are wrong; unknown: W$"),
        (lambda f, p, x: f.forward({"1": 0, "2": 0}, x), "missing: W_f, .*, b_o; unknown: 1, 2$"),
        (
            lambda f, p, x: f.forward({0 if k == "U_f" else k: v for k, v in p.items()}, x),
            "the names in params are wrong; missing: U_f; unknown: 0$",
        ),
        (lambda f, p, x: f.forward(p["W_f"], x), "params must be a dict of W_f, .*, got ndarray"),
        (
            lambda f, p, x: f.backward(p, f.forward(p, x)[2], x[..., :5], {"z": 0}),
            "the names in d_states are wrong; unknown: z$",
        ),
        (
            lambda f, p, x: f.backward(p, f.forward(p, x)[2], x[..., :5], (0, 0)),
            r"d_states must be .* c, h, got tuple",
        ),
        (
            lambda f, p, x: f.backward({k: p[k] for k in p if k != "b_f"}, f.forward(p, x)[2], x[..., :5]),
            "the names in params are wrong; missing: b_f$",
        ),
        (
            lambda f, p, x: f.backward(p, f.forward(p, x)[2], x[..., :5], {"c": np.ones((5, 4))}),
            r"d_states\['c'\] must be \(4, 5\), got \(5, 4\)",
        ),
    ],
)
def test_a_wrong_name_is_named(call: Callable[..., object], message: str) -> None:
    f, params = lstm()
    with pytest.raises(ValueError, match=message):
        call(f, params, np.ones((4, 3, 8)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lists_and_whole_numbers_get_the_type_of_the_parameters(dtype: type) -> None:
    f, params = lstm()
    params = {k: np.rint(4 * p).astype(dtype) for k, p in params.items()}
    xs, d = np.arange(96).reshape(4, 3, 8) % 5, np.arange(60).reshape(4, 3, 5) % 7
    states = {k: np.ones((4, 5), int) for k in "ch"}
    wanted = f.forward(params, xs.astype(dtype), {k: s.astype(dtype) for k, s in states.items()})
    found = f.forward(params, xs.tolist(), {k: s.tolist() for k, s in states.items()})
    np.testing.assert_array_equal(found[0], wanted[0])
    backward = f.backward(params, found[2], d.tolist(), {"c": states["c"].tolist()})
    for part, other in zip(backward, f.backward(params, wanted[2], d.astype(dtype), {"c": states["c"]}), strict=True):
        for k, array in part.items() if isinstance(part, dict) else [("", part)]:
            assert array.dtype == dtype
            np.testing.assert_array_equal(array, other[k] if k else other)


def test_whole_numbers_as_parameters_are_computed_as_floats() -> None:
    f, params = lstm()
    params = {k: np.rint(4 * p) for k, p in params.items()}
    whole = {k: p.astype(int).tolist() for k, p in params.items()}
    xs = np.ones((4, 3, 8))
    (y, _, cache), (z, _, other) = f.forward(params, xs), f.forward(whole, xs)
    np.testing.assert_array_equal(z, y)
    np.testing.assert_array_equal(f.backward(whole, other, z)[0]["U_f"], f.backward(params, cache, y)[0]["U_f"])
    layer = functions_of("no_parameters")
    assert layer.forward({}, [[[1, 2]]])[0].dtype == np.float64


def test_a_size_that_is_an_expression_is_checked() -> None:
    f = functions_of("sized")
    params = f.init(np.random.default_rng(0), 3, 2)
    assert params["W"].shape == (4, 3)
    with pytest.raises(ValueError, match=r"states\['h'\] must be \(B=2, 2\*H \+ X=7\), got \(2, 6\)"):
        f.step(params, np.ones((2, 3)), {"k": np.ones((2, 4)), "h": np.ones((2, 6)), "y": np.ones((2, 3))})
    with pytest.raises(ValueError, match=r"W is \(5, 3\), but must be \(4, 3\) with X=3, H=2"):
        f.step(params | {"W": np.ones((5, 3))}, np.ones((2, 3)))


def test_a_size_that_no_array_tells() -> None:
    cell = loads('name = "open"\noutput = "h"\nequations = "h[t] = h[t-1] * x[t]"\n[sizes]\nx = "H + X"')
    with pytest.raises(UsageError, match=r"open: no array tells the size [HX]\nhint: the lengths of the arrays do not"):
        generate(cell, gradient(cell))


@pytest.mark.parametrize("wrong", [["1"] * 5, [b"1"] * 5, [1.0, None, 2.0, 3.0, 4.0], [1j] * 5])
def test_what_is_no_number_is_named_and_not_read_as_one(wrong: list[object]) -> None:
    f, params = lstm()
    with pytest.raises(ValueError, match="params must be real numbers, got "):
        f.forward(params | {"b_f": np.array(wrong)}, np.ones((4, 3, 8)))


def test_a_dict_is_no_array() -> None:
    f, params = lstm()
    with pytest.raises(ValueError, match="x must be an array, got a dict"):
        f.step(params, {"x": np.ones((4, 8))})
    with pytest.raises(ValueError, match="params must be arrays, got a dict"):
        f.forward(params | {"b_f": params}, np.ones((4, 3, 8)))


@pytest.mark.parametrize("wrong", [int, bool, np.uint8, complex, str])
def test_init_refuses_types_that_would_make_zeros(wrong: type) -> None:
    for init in (functions_of("lstm").init, checks_of(cell_of("lstm"))["init"]):
        with pytest.raises(ValueError, match="dtype must be a floating type, as float32, got "):
            init(7, 8, 5, dtype=wrong)
        assert init(7, 8, 5, dtype=np.float16)["b_f"].dtype == np.float16


def test_init_takes_a_seed_or_a_generator() -> None:
    """Those of the compiled functions as well."""
    for init in (functions_of("lstm").init, checks_of(cell_of("lstm"))["init"]):
        drawn = init(np.random.default_rng(7), X=8, H=5)
        for name, array in init(7, 8, 5).items():
            np.testing.assert_array_equal(array, drawn[name])


def test_a_text_is_kept_once_for_tracebacks() -> None:
    cell = load("rnn")
    lambdify(cell, gradient(cell))
    kept = len(linecache.cache)
    lambdify(cell, gradient(cell))
    assert len(linecache.cache) == kept


# ── ties and edges ──


def test_ties_and_kinks() -> None:
    """What counts as larger (or smaller) of two equals is the second; relu is flat at 0."""
    f = functions_of("ties")
    params = {k: np.zeros(2) for k in "abcdr"}
    outputs, _, cache = f.forward(params, 1)
    found, _, _ = f.backward(params, cache, np.ones_like(outputs))
    assert {k: d.tolist() for k, d in found.items()} == {
        "a": [0, 0],
        "b": [1, 1],
        "c": [0, 0],
        "d": [1, 1],
        "r": [0, 0],
    }
    assert outputs.tolist() == [[[0, 0]]]


def test_zero_to_the_power_of_zero_has_gradients() -> None:
    """As in PyTorch: 0 for both, and no warning on the way."""
    f = functions_of("power")
    params = {"p": np.array([0.0, 0.0, 2.0, 1.0]), "q": np.array([0.0, 2.0, 0.0, 0.0])}
    outputs, _, cache = f.forward(params, 1)
    with np.errstate(all="raise"):
        found, _, _ = f.backward(params, cache, np.ones_like(outputs))
    assert found["q"].tolist() == [0, 0, 0, 1]
    assert found["p"].tolist() == [0, np.log(2.0), 0, 0]


def test_the_gradient_of_an_exponent_is_0_where_the_base_is() -> None:
    f = functions_of("power")
    params = {"p": np.array([2.0, 0.5, 3.0]), "q": np.array([0.0, 0.0, 2.0])}
    outputs, _, cache = f.forward(params, 1)
    with np.errstate(divide="ignore"):  # of q: its gradient is infinite below the root
        found, _, _ = f.backward(params, cache, np.ones_like(outputs))
    np.testing.assert_allclose(found["p"], [0, 0, 8 * np.log(2)], rtol=1e-15)


def test_inputs_of_different_lengths_are_named() -> None:
    f = functions_of("two")
    params = f.init(np.random.default_rng(0), *range(2, 2 + len(cell_of("two").sizes)))
    shapes = {"x": params["W"].shape[1], "z": params["V"].shape[1], "k": len(params["W"])}
    xs = {k: np.ones((2, 3 + (k == "z"), size)) for k, size in shapes.items()}
    with pytest.raises(ValueError, match=r"xs\['z'\] must be \(B=2, T=3, Z=\d\), got \(2, 4, \d\)"):
        f.forward(params, xs)


def test_what_the_passes_do_is_shown() -> None:
    """From the equations to what stands in the file, in its identifiers."""
    text = passes_text(load("lstm"), gradient(load("lstm")), "numpy")
    assert text.startswith("both directions\n===============\n\nthe equations: 7*H + X numbers per step and sample")
    table = text.partition("forward\n=======\n\n")[2].partition("\n\n")[0].splitlines()[1:]
    rows = {line[:18].strip().rpartition(" ")[2]: line[18:].split() for line in table}
    assert rows["equations"] == ["25", "8", "4*H**2", "+", "4*H*X", "0", "0"]
    assert rows["halve"][0] == "31", "a half, a tanh, one half and a half more"
    assert rows["hoist_terms"] == ["23", "4", "4*H**2", "4", "0"], "what is done to x has left the loop"
    assert rows["stack"] == ["20", "1", "4*H**2", "1", "0"], "one product of all gates, and one before"
    assert "\nbackward\n========\n" in text
    assert ". collect: Every sum in the loop" in text
    last = text.partition("\nbackward\n")[0].rpartition("  loop\n")[2]
    shown = {line.split(" = ")[0].strip() for line in last.splitlines()}
    written = {node.id for node in ast.walk(ast.parse(functions_of("lstm").source)) if isinstance(node, ast.Name)}
    assert shown & written >= {"f", "i", "o", "g", "c", "tanh_c", "h"}


def test_what_is_done_before_all_passes_is_shown() -> None:
    text = "z[t] = tanh(h[t-1])\nh[t] = log(exp(W @ x[t]) + exp(2 * z[t])) / (1 + 1)"
    cell = Cell.from_equations(text, name="sum", sizes={"x": "X", "h": "H"}, output="h")
    head, _, rest = cell.passes().partition("both directions\n")
    assert (
        "h[t] = log(exp(W @ x[t]) + exp(2 * z[t])) / 2\n      is  (2 * z[t] + softplus(W @ x[t] - 2 * z[t])) / 2\n"
        in head
    )
    assert "z[t] =" not in head
    assert rest
    assert lstmgraph.load("lstm").passes().startswith("both directions\n")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_shows_its_passes(target: str) -> None:
    text = passes_text(load("lstm"), gradient(load("lstm")), target)
    assert "forward\n=======" in text
    assert ". hoist_terms: " in text
    assert ("backward\n========" in text) == (target != "onnx"), "which has no way back"


def test_passes_of_what_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(numpy_target, "PASSES")
    with pytest.raises(UsageError, match="the target 'numpy' has no passes to show"):
        passes_text(load("rnn"), gradient(load("rnn")), "numpy")
    with pytest.raises(UnknownName, match="there is no target 'nunpy'"):
        passes_text(load("rnn"), gradient(load("rnn")), "nunpy")


def test_an_unknown_target() -> None:
    with pytest.raises(UnknownName, match=r"there is no target 'nunpy'\nhint: did you mean 'numpy'\?"):
        generate(load("rnn"), gradient(load("rnn")), "nunpy")


def test_part_of_the_gradient_is_not_enough() -> None:
    with pytest.raises(UsageError, match=r"rnn: the gradient with respect to \S+ is missing"):
        generate(load("rnn"), gradient(load("rnn"), ["h"]))
