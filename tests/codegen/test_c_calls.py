"""The generated C files called from Python: as streams and as sequences, and clear where they are misused."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstmgraph
from lstmgraph.calculus import gradient
from lstmgraph.codegen import generate, lambdify
from lstmgraph.codegen.compiler import compiled, compiles_for
from lstmgraph.codegen.functions import Functions
from lstmgraph.errors import MissingExtra, UnknownName, UsageError
from lstmgraph.reading import load
from tests.codegen.equality import c_functions, cell_of

pytestmark = pytest.mark.cc


@lru_cache
def optimised(name: str) -> Functions:
    return lambdify(cell_of(name), gradient(cell_of(name)), "c")


# ── streams ──


def test_a_stream_is_the_steps() -> None:
    """The states that it told of a step stay what they were, whatever comes after."""
    f, params = lstm()
    stream, states, told = f.stream(params), None, []
    for x in np.random.default_rng(1).normal(size=(5, 2, 8)):
        output, states = f.step(params, x, states)
        np.testing.assert_array_equal(stream(x), output)
        told += [(stream.states[name], state) for name, state in states.items()]
    for found, wanted in told:
        np.testing.assert_array_equal(found, wanted)


def test_a_stream_leaves_the_states_that_it_starts_from() -> None:
    f, params = lstm()
    states = {name: np.zeros(26)[start : start + 10].reshape(2, 5) for name, start in (("c", 0), ("h", 0))}
    stream = f.stream(params, states)
    for _ in range(2):
        stream(np.ones((2, 8)))
    assert not any(state.any() for state in states.values())


def test_a_stream_of_what_is_no_array_of_its_type() -> None:
    f, params = lstm()
    x = np.arange(8.0)[None]
    for given in (x, x.tolist(), x.astype(int), x.astype(">f8"), x.astype(np.float32)):
        stream = f.stream(params)
        stream(-x)
        np.testing.assert_array_equal(stream(given), f.step(params, x, f.step(params, -x)[1])[0])


# ── misuse ──


def lstm() -> tuple[Functions, dict[str, np.ndarray]]:
    f = optimised("lstm")
    return f, f.init(np.random.default_rng(0), 8, 5)


def of_size(functions: Functions, H: int) -> dict[str, np.ndarray]:
    """Parameters of another cell than that of `lstm`: memory for them is too small."""
    params: dict[str, np.ndarray] = functions.init(np.random.default_rng(0), X=8, H=H)
    return params


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, p: f.forward(p, np.ones((4, 5, 7))), r"xs must be \(B, T, X=8\), got \(4, 5, 7\)"),
        (lambda f, p: f.step(p, np.ones((4, 5, 8))), r"x must be \(B, X=8\), got \(4, 5, 8\)"),
        (lambda f, p: f.forward(p, np.ones((4, 0, 8))), "at least one step"),
        (lambda f, p: f.forward({}, np.ones((4, 5, 8))), "the names in params are wrong; missing: W_f, .*, b_o$"),
        (
            lambda f, p: f.forward(p | {"W_f": p["W_f"].T}, np.ones((4, 5, 8))),
            r"U_f is \(5, 5\), .* W_f \(8, 5\): one is wrong",
        ),
        (lambda f, p: f.stream({**p, "W": 0}), "the names in params are wrong; unknown: W$"),
        (lambda f, p: f.stream(p, {"q": 1}), "the names in states are wrong; missing: c, h; unknown: q$"),
        (lambda f, p: f.stream(p, {"c": 1, "h": 1}), r"states\['c'\] must be \(B, H\), got \(\)"),
        (
            lambda f, p: f.stream(p | {"W_f": p["W_f"].T}),
            r"W_f must be \(5, 8\), as all others say H=5, X=8, got \(8, 5\)",
        ),
        (
            lambda f, p: f.stream(p, {"c": np.ones((4, 6)), "h": np.ones((4, 5))}),
            r"states\['c'\] must be \(4, 5\), as all others say B=4, H=5, got \(4, 6\)",
        ),
        (
            lambda f, p: f.forward(p, np.ones((4, 5, 8)), {"c": np.ones((4, 5)), "h": np.ones((3, 5))}),
            r"states\['h'\] must be \(B=4, H=5\), got \(3, 5\)",
        ),
        (
            lambda f, p: f.backward(p, f.forward(p, np.ones((4, 3, 8)))[2], np.ones((4, 2, 5))),
            r"d_outputs must be \(4, 3, 5\), as the outputs are, got \(4, 2, 5\)",
        ),
        (
            lambda f, p: f.backward(p, f.forward(p, np.ones((4, 3, 8)))[2], np.ones((4, 3, 5)), {"z": 0}),
            "the names in d_states are wrong; unknown: z$",
        ),
        (
            lambda f, p: f.backward(p, f.forward(p, np.ones((4, 3, 8)))[2], np.ones((4, 3, 5)), (0, 0)),
            r"d_states must be .* c, h, got tuple",
        ),
        (lambda f, p: f.forward(p, np.ones((4, 5, 8)) * 1j), r"xs must be real numbers, got complex128"),
        (lambda f, p: f.init(np.random.default_rng(0), X=0, H=5), "a whole number, 1 at least, got X=0, H=5"),
        (
            lambda f, p: f.backward(of_size(f, 2), f.forward(p, np.ones((4, 3, 8)))[2], np.ones((4, 3, 5))),
            r"W_f must be \(5, 8\), got \(2, 8\)",
        ),
    ],
)
def test_a_wrong_shape_or_name_is_named(call: Callable[..., object], message: str) -> None:
    f, params = lstm()
    with pytest.raises(ValueError, match=message):
        call(f, params)


@pytest.mark.parametrize("cache", [None, (), "outputs"])
def test_what_is_no_cache_is_named(cache: Any) -> None:
    f, params = lstm()
    outputs = f.forward(params, np.ones((4, 3, 8)))[0]
    with pytest.raises(TypeError, match=r"cache must be the third of what forward gives, got (NoneType|tuple|ndarray)"):
        f.backward(params, outputs if cache == "outputs" else cache, outputs)


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize(
    ("name", "xs", "error", "message"),
    [
        ("lstm", (np.ones((2, 7)),), ValueError, r"x must be \((B, X=8|B=2, X=8)\), got \(2, 7\)"),
        ("lstm", (np.ones(8),), ValueError, r"x must be \(B.*, X=8\), got \(8,\)"),
        ("lstm", (np.float64(1),), ValueError, r"x must be \(B.*, X=8\), got \(\)"),
        ("lstm", (None,), ValueError, "x must be real numbers, got object"),
        ("lstm", (["1"],), ValueError, "x must be real numbers, got <U1"),
        ("lstm", (np.ones((2, 8)) * 1j,), ValueError, "x must be real numbers, got complex128"),
        ("lstm", (), TypeError, "a step of lstm takes 1 input: x; 0 given"),
        ("lstm", (np.ones((2, 8)),) * 2, TypeError, "a step of lstm takes 1 input: x; 2 given"),
        ("two", (np.ones((2, 8)),), TypeError, "a step of two takes 3 inputs: x, z, k; 1 given"),
        ("two", (np.ones((2, 8)),) * 3, ValueError, r"x\['z'\] must be \(B=2, Z=5\), got \(2, 8\)"),
        ("autonomous", (np.ones((2, 8)),), TypeError, "a step of autonomous takes 0 inputs; 1 given"),
    ],
)
def test_what_a_step_of_a_stream_cannot_be(
    name: str, before: int, xs: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    """Neither as the first step nor as a later one."""
    f, cell, sizes = optimised(name), cell_of(name), {"X": 8, "Z": 5, "H": 5, "N": 4, "1": 1}
    params = f.init(np.random.default_rng(0), **{str(z): sizes[str(z)] for z in cell.sizes})
    stream = f.stream(params, {s.name: np.ones((2, sizes[str(s.next.shape[0])])) for s in cell.states})
    for _ in range(before):
        stream(*(np.ones((2, sizes[str(x.shape[0])])) for x in cell.inputs))
    with pytest.raises(error, match=message):
        stream(*xs)


def test_a_stream_has_as_many_samples_as_its_first_step() -> None:
    f, params = lstm()
    stream = f.stream(params)
    stream(np.ones((2, 8)))
    with pytest.raises(ValueError, match=r"x must be \(B=2, X=8\), got \(1, 8\)"):
        stream(np.ones((1, 8)))


def test_the_type_is_that_of_what_is_given() -> None:
    f, params = lstm()
    xs = np.random.default_rng(1).normal(size=(2, 3, 8))
    y, _, cache = f.forward(params, xs)
    assert y.dtype == np.float64
    single = {k: p.astype(np.float32) for k, p in params.items()}
    z, _, other = f.forward(single, xs.tolist())
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, y, atol=1e-6)
    a, b = f.backward(params, cache, y)[0], f.backward(single, other, z)[0]
    assert b["U_f"].dtype == np.float32
    np.testing.assert_allclose(b["U_f"], a["U_f"], atol=1e-5)
    again = f.backward(params, cache, y)[0]
    np.testing.assert_array_equal(again["U_f"], a["U_f"], err_msg="a cache can be used twice")


@pytest.mark.parametrize("start", [1, 6])
def test_c_reads_parameters_from_the_beginning_of_a_line_of_the_cache(start: int) -> None:
    """Wherever those are that it is given."""
    functions = optimised("lstm")
    params = functions.init(np.random.default_rng(0), 3, 4, dtype=np.float32)
    moved = {name: np.empty(a.size + 16, np.float32)[start : start + a.size] for name, a in params.items()}
    moved = {name: a.reshape(params[name].shape) for name, a in moved.items()}
    for name, a in moved.items():
        a[...] = params[name]
    xs = np.ones((1, 2, 3), np.float32)
    outputs, _, cache = functions.forward(moved, xs)
    assert all(a.ctypes.data % 64 == 0 for a in cache[0].block.arrays("params").values())
    np.testing.assert_array_equal(outputs, functions.forward(params, xs)[0])


def test_sizes_can_be_fixed() -> None:
    cell = cell_of("gru")
    f = lambdify(cell, gradient(cell), "c", dtype="float64", sizes={"H": 3, "X": 2})
    assert re.search(r"enum { GRU_. = ., GRU_. = . };", f.source)
    assert "gru_sizes" not in f.source
    params = f.init(np.random.default_rng(0), H=3, X=2)
    xs = np.random.default_rng(1).normal(size=(2, 4, 2))
    np.testing.assert_allclose(f.forward(params, xs)[0], c_functions("gru").forward(params, xs)[0], rtol=1e-12)
    with pytest.raises(ValueError, match="H is fixed: 3, not 5"):
        f.forward(f.init(np.random.default_rng(0), H=5, X=2), xs)


def test_a_size_may_be_named_by_its_symbol() -> None:
    cell = lstmgraph.load("gru")
    assert cell.code("c", sizes=dict.fromkeys(cell.sizes, 3)) == cell.code("c", sizes={"H": 3, "X": 3})


@pytest.mark.parametrize("target", ["c", pytest.param("onnx", marks=pytest.mark.onnx)])
def test_a_type_may_be_that_of_numpy(target: str) -> None:
    cell = lstmgraph.load("rnn")
    for dtype in ("float32", "float64"):
        texts = [cell.code(target, dtype=d) for d in (dtype, np.dtype(dtype), np.dtype(dtype).type)]
        assert texts[0] == texts[1] == texts[2]
    with pytest.raises(UnknownName, match="there is no dtype 'float16'"):
        cell.code(target, dtype=np.float16)


@pytest.mark.parametrize("target", ["c", pytest.param("onnx", marks=pytest.mark.onnx)])
def test_a_size_may_have_the_name_that_functions_give_it(target: str) -> None:
    """B is what they call the number of samples, so that `init` and `shapes` call a size B_."""
    cell = lstmgraph.loads("equations = 'h[t] = tanh(W @ x[t] + U @ h[t-1])'\noutput = 'h'\nsizes = {x = 'B', h = 'H'}")
    texts = [cell.code(target, sizes=sizes) for sizes in ({"B": 3}, {"B_": 3}, {})]
    assert texts[0] == texts[1] != texts[2]
    assert cell.lambdify(target, sizes={"B_": 3}).shapes(B_=3, H=2)["W"] == (2, 3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dtype": "float"}, UnknownName, "there is no dtype 'float'"),
        ({"sizes": {"K": 3}}, UnknownName, "there is no size 'K' in lstm"),
        ({"sizes": {"H": 0}}, UsageError, "the size H must be 1 at least, not 0"),
        ({"sizes": {"H": 4.5}}, UsageError, r"the size H must be a whole number, not 4\.5"),
        ({"sizes": {"H": True}}, UsageError, "the size H must be a whole number, not True"),
        ({"sizes": {"H": "4"}}, UsageError, "the size H must be a whole number, not '4'"),
        ({"sizes": {"H": 20000, "X": 20000}}, UsageError, "H=20000, X=20000 is too large: 3200220000 numbers"),
        ({"colour": "red"}, UsageError, "the target 'c' has no option 'colour'"),
    ],
)
def test_an_option_that_cannot_be_meant(options: Mapping[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        generate(load("lstm"), gradient(load("lstm")), "c", **options)


def test_another_target_does_not_take_them() -> None:
    with pytest.raises(
        UsageError,
        match=r"the target 'numpy' has no option 'dtype'\nhint: targets that have it: c, onnx; code of",
    ):
        generate(load("lstm"), gradient(load("lstm")), "numpy", dtype="float32")


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingExtra, match=r"there is no C compiler on the path\nhint: install gcc or clang"):
        lambdify(load("rnn"), gradient(load("rnn")), "c")


@pytest.mark.parametrize(("text", "word"), [("gcc-99", "gcc-99"), ("no-cache gcc -m64", "no-cache"), ("'cc", "'cc")])
def test_a_compiler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, text: str, word: str) -> None:
    monkeypatch.setenv("CC", text)
    with pytest.raises(MissingExtra, match=re.escape(f"CC is {text!r}, and there is no program {word!r}\nhint: ")):
        lambdify(load("rnn"), gradient(load("rnn")), "c")


def test_a_compiler_with_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for command in ("cc -DWORD=7", "env 'cc' -DWORD=7"):
        monkeypatch.setenv("CC", command)
        assert ctypes.CDLL(str(compiled("word", {"word.c": "int f(void) { return WORD; }"}))).f() == 7


def test_another_version_compiles_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own, text = tmp_path / "own cc", {"one.c": "int f(void) { return 1; }"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", str(own))
    found = []
    for version in (1, 1, 2):
        own.write_text(f'#!/bin/sh\ncase "$*" in *-###*) echo version {version};; *) cc "$@";; esac\n')
        own.chmod(0o700)
        monkeypatch.setattr("lstmgraph.codegen.compiler.compiles_for", compiles_for.__wrapped__)
        found.append(compiled("one", text))
    assert found[0] == found[1] != found[2]


def test_what_cannot_be_compiled_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Exception, match=r"(?s)cc.* failed:.*error"):
        compiled("wrong", {"wrong.c": "int f(void) { return x; }"})
    assert not list((tmp_path / "lstmgraph").iterdir())


def test_what_a_sequence_was_given_may_be_written_over_before_the_way_back() -> None:
    f, params = lstm()
    xs = np.random.default_rng(1).normal(size=(1, 3, 8))
    y, _, cache = f.forward(params, xs)
    wanted = f.backward(params, cache, y)[0]
    xs[...] = 0
    for name, found in f.backward(params, cache, y)[0].items():
        np.testing.assert_array_equal(found, wanted[name])
