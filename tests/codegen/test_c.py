"""The generated C files: compiled without a warning, right for every cell and type, clear where they are misused."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import lstmgraph
from lstmgraph.calculus import gradient
from lstmgraph.codegen import generate, generate_files, lambdify
from lstmgraph.codegen.compiler import FLAGS, compiled, compiler, compiles_for
from lstmgraph.codegen.functions import Functions
from lstmgraph.codegen.loops.helpers import helper_texts
from lstmgraph.codegen.loops.names import identifier
from lstmgraph.codegen.loops.reserved import is_keyword
from lstmgraph.errors import MissingExtra, UnknownName, UsageError
from lstmgraph.files import OutputError, write_together
from lstmgraph.reading import load, loads
from lstmgraph.templates import render
from tests.codegen.equality import CELLS, FILES, WARNINGS, c_file, c_functions, cell_of

pytestmark = pytest.mark.cc


@lru_cache
def optimised(name: str) -> Functions:
    return lambdify(cell_of(name), gradient(cell_of(name)), "c")


# ── the functions of the file ──

WRAPPED = {
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "hyperbolic_tangent": mpmath.tanh,
    "exponential": mpmath.exp,
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
}


NO_VECTORS = "defined(__GNUC__)", "0"  # as a compiler reads the text that has no vectors of its own


@lru_cache
def helpers(dtype: str, vectors: bool = True) -> ctypes.CDLL:
    single = dtype == "float32"
    real = "float" if single else "double"
    head = "".join(f"#include <{name}.h>\n" for name in ("math", "stddef", "stdint", "string"))
    head += f"#define SIMD\ntypedef {real} real;\n"
    loops = "".join(
        f"void each_{w}(size_t n, const real *a, real *y) {{ for (size_t j = 0; j < n; ++j) y[j] = {w}(a[j]); }}\n"
        for w in WRAPPED
    )
    multiply = render("c_multiply.c.j2", macro="X", blas="").replace("static void multiply", "void multiply")
    text = head + "".join(helper_texts([*WRAPPED, "dots"], single)) + loops + multiply
    text = text.replace("static void dots", "void dots")
    text = text if vectors else text.replace(*NO_VECTORS)
    return ctypes.CDLL(str(compiled("helpers", {"helpers.c": text}, (*FLAGS, "-Wall", "-Wextra"))))


def address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def apply(word: str, a: np.ndarray) -> np.ndarray:
    y = np.empty_like(a)
    getattr(helpers(str(a.dtype)), f"each_{word}")(ctypes.c_size_t(a.size), address(a), address(y))
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("word", WRAPPED)
def test_functions_are_right_to_a_few_units_in_the_last_place(word: str, dtype: str) -> None:
    """Wherever the value is a normal number; where it is a smaller one, to that smallest."""
    of = np.finfo(dtype)
    least, most = float(mpmath.log(float(of.tiny))), float(mpmath.log(float(of.max)))
    small = 10.0 ** np.arange(np.ceil(np.log10(of.tiny)), 1, 1 if dtype == "float32" else 7)
    near = np.concatenate([small, np.linspace(0.01, 8, 300), np.linspace(9, most, 200)])
    ends = np.concatenate([edge + np.linspace(-width, width, 41) for edge in (least, most) for width in (1, 0.03)])
    a = np.concatenate([-near, [0], near, ends, -ends]).astype(dtype)
    with mpmath.workdps(40):
        wanted = [WRAPPED[word](mpmath.mpf(float(x))) for x in a]
        kept = [
            k for k, y in enumerate(wanted) if abs(y) <= float(of.max) and not lost_in_part(word, float(a[k]), most)
        ]
        y, units = apply(word, a), np.zeros(len(a))
        for k in kept:
            unit = max(float(np.spacing(np.abs(y.dtype.type(wanted[k])))), float(of.tiny) * float(of.eps))
            error = abs(mpmath.mpf(float(y[k])) - wanted[k])
            units[k] = 0 if error <= float(of.tiny) > abs(wanted[k]) else float(error / unit)
        assert units.max() < 3, (a[units.argmax()], units.max())
        assert all(np.isinf(y[k]) for k, right in enumerate(wanted) if right > float(of.max))


def lost_in_part(word: str, a: float, most: float) -> bool:
    """Where exp(-a) is infinite, silu is 0."""
    return word == "silu" and a < -most


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_far_out_and_of_what_is_no_number(dtype: str) -> None:
    big = np.array([-np.inf, -1e30, -2000, 2000, 1e30, np.inf], dtype)
    assert apply("sigmoid", big).tolist() == [0, 0, 0, 1, 1, 1]
    assert apply("hyperbolic_tangent", big).tolist() == [-1, -1, -1, 1, 1, 1]
    assert apply("exponential", big).tolist() == [0, 0, 0, np.inf, np.inf, np.inf]
    for word in WRAPPED:
        none = np.array([np.nan, -np.nan], dtype)
        none = np.concatenate([none, (none.view(f"u{none.itemsize}") + 257).view(dtype)])  # such as hold something
        assert np.isnan(apply(word, none)).all()
    assert np.signbit(apply("hyperbolic_tangent", np.array([-0.0], dtype))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 3, 4, 9, 140])
@pytest.mark.parametrize("n", [1, 7, 8, 16, 40, 131])
@pytest.mark.parametrize("vectors", [True, False])
def test_products(dtype: str, m: int, n: int, vectors: bool) -> None:
    rng = np.random.default_rng(0)
    for k in (0, 1, 3, 21, 131):
        a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
        c = rng.normal(size=(m, n)).astype(dtype)
        for left, row, column in ((a, k, 1), (np.ascontiguousarray(a.T), 1, m)):
            for add in (0, 1):
                y = c.copy()
                first, *rest = (ctypes.c_size_t(x) for x in (m, n, k, row, column, n, n))
                given = (first, *rest[:2], address(left), *rest[2:4], address(b), rest[4], address(y), rest[5], add)
                helpers(dtype, vectors).multiply(*given)
                np.testing.assert_allclose(y, a @ b + add * c, rtol=2e-5 if dtype == "float32" else 1e-12, atol=1e-5)


# ── what a file says of itself ──

FAKE_CBLAS = """
enum { CblasRowMajor = 101, CblasNoTrans = 111, CblasTrans = 112 };
static void cblas_gemm(int ta, int m, int n, int k, const lstm_real *a, int ra, const lstm_real *b, int rb,
                       lstm_real add, lstm_real *c, int rc)
{
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            lstm_real sum = add != 0 ? c[i * rc + j] : 0;
            for (int l = 0; l < k; ++l) sum += (ta == CblasTrans ? a[l * ra + i] : a[i * ra + l]) * b[l * rb + j];
            c[i * rc + j] = sum;
        }
}
#define cblas_sgemm(order, ta, tb, m, n, k, alpha, a, ra, b, rb, add, c, rc) \\
    cblas_gemm(ta, m, n, k, a, ra, b, rb, add, c, rc)
#define cblas_dgemm cblas_sgemm
"""
SANITIZED_CELLS = ("slstm", "two", "sized", "shared", "mlstm", "attention", "words_of_c")
SANITIZED = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover")


def ran(
    folder: Path,
    name: str,
    dtype: str,
    *flags: str,
    sizes: Mapping[str, int] | None = None,
    changed: tuple[str, str] = ("\n", "\n"),
) -> str:
    """What a file's test of itself says; the compiler and what it puts into the code have nothing to say."""
    cell = lstmgraph.load(FILES.get(name, name))
    texts = cell.code_files("c", "cell", dtype=dtype, sizes=sizes) | {"cblas.h": FAKE_CBLAS}
    assert changed[0] in texts["cell.c"]
    for file, text in texts.items():
        (folder / file).write_text(text.replace(*changed), encoding="utf-8")
    macro = f"-D{identifier(cell.name).upper()}_SELFTEST"
    command = [*compiler(), *WARNINGS, *flags, macro, "-I.", "cell.c", "-o", "test", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([folder / "test"], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "dtype"), [("lstm", "float64"), *((name, "float32") for name in SANITIZED_CELLS)])
def test_a_file_tests_itself_and_touches_no_memory_but_its_own(name: str, dtype: str, tmp_path: Path) -> None:
    assert re.fullmatch(r"\w+: 0 of \d+ sums are wrong\n", ran(tmp_path, name, dtype, *SANITIZED))


def test_a_file_of_fixed_sizes_tests_itself(tmp_path: Path) -> None:
    assert ran(tmp_path, "lstm", "float32", *SANITIZED, sizes={"H": 16, "X": 8}) == "lstm: 0 of 19 sums are wrong\n"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_a_compiler_without_vectors(dtype: str, level: str, tmp_path: Path) -> None:
    """One number is then what a vector is elsewhere: a file has no warning and no loop that does not end."""
    assert ran(tmp_path, "rnn", dtype, level, changed=NO_VECTORS).startswith("rnn: 0 of ")


LOSES = """output = "y"
equations = "z[t] = tanh(W @ x[t])\\ny[t] = (big + z[t]) ** 2 - 2 * big * z[t] - big ** 2"
constants = { big = 50.0 }
sizes = { x = "X", z = "H", y = "H" }
"""


@pytest.mark.parametrize(("dtype", "least"), [("float32", 1e-5), ("float64", 1e-12)])
def test_a_file_expects_no_more_digits_than_rounding_leaves(dtype: str, least: float, tmp_path: Path) -> None:
    """And all of them where it costs none: y has lost as many as its terms are larger than it, and z has not."""
    path = tmp_path / "loses.toml"
    path.write_text(LOSES)
    assert ran(tmp_path, str(path), dtype, "-O2").startswith("loses: 0 of ")
    cells = {"loses": lstmgraph.load(str(path)), "lstm": lstmgraph.load("lstm")}
    texts = {name: cell.code("c", dtype=dtype) for name, cell in cells.items()}
    allowed = {name: [float(found) for found in re.findall(r"= wrong\([^;]* (\S+)\);", t)] for name, t in texts.items()}
    assert allowed["loses"][0] > 2 * least
    assert set(allowed["lstm"]) == {least}


def test_a_file_of_large_fixed_sizes_has_no_test_of_itself() -> None:
    """What comes out would have to be computed to write it."""
    cell = lstmgraph.load("lstm")
    assert "SELFTEST" in cell.code("c", sizes={"H": 4})
    large = cell.code("c", sizes={"H": 1000})
    assert "SELFTEST" not in large
    assert " * It has no test of itself: its parameters are more than 100000 numbers.\n" in large
    assert "no test of itself" not in cell.code("c")


def test_a_file_of_a_cell_that_is_not_finite_has_no_test_of_itself() -> None:
    text = lstmgraph.loads("output = 'y'\nequations = 'y[t] = log(x[t] - 5)'\n[sizes]\nx = 'X'\ny = 'X'").code("c")
    assert "SELFTEST" not in text
    assert " * It has no test of itself: its results are not finite at the numbers of the test.\n" in text


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_by_cblas(dtype: str, tmp_path: Path) -> None:
    assert ran(tmp_path, "lstm", dtype, "-DLSTM_CBLAS", "-Wno-unused-function").endswith("0 of 19 sums are wrong\n")


@pytest.mark.parametrize(
    ("right", "wrong", "name"), [("c = f * cs", "c = i * cs", "h"), ("next->h[", "next->c[", "h of a step")]
)
def test_a_wrong_file_says_so(right: str, wrong: str, name: str, tmp_path: Path) -> None:
    """Be it the sequence that is wrong or the step alone."""
    cell = lstmgraph.load("lstm")
    text = cell.code("c").replace(right, wrong)
    assert text != cell.code("c")
    (tmp_path / "cell.c").write_text(text, encoding="utf-8")
    subprocess.run([*compiler(), "-DLSTM_SELFTEST", "cell.c", "-o", "test", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "test"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(rf"^{name}: -?[\d.]+, and not -?[\d.]+\n", done.stdout, re.MULTILINE)


def test_sums_of_many_steps_keep_their_digits() -> None:
    """In loops over entries as in products of one row: of equal terms, whose rounding adds up."""
    text = "equations = 'h[t] = tanh(W @ x[t] + u * h[t-1] + p * q + b)'\noutput = 'h'\n"
    cell = lstmgraph.loads(f"{text}[sizes]\nx = 2\nh = 1\nq = 1")
    drawn = np.full((1, 20_000, 2), 0.3, "float32")
    found = {}
    for dtype in ("float32", "float64"):
        f, xs = cell.lambdify("c", dtype=dtype), drawn.astype(dtype)
        params = {name: np.full((1, 2) if name == "W" else (), 0.25, dtype) for name in "Wupqb"}
        outputs, _, cache = f.forward(params, xs)
        found[dtype] = f.backward(params, cache, np.ones_like(outputs))[0]
    for name, right in found["float64"].items():
        assert abs(found["float32"][name] / right - 1).max() < 5e-6, name


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast", "-funsafe-math-optimizations"])
def test_a_compiler_that_may_round_as_it_likes_is_told_not_to(flag: str, tmp_path: Path) -> None:
    (tmp_path / "cell.c").write_text(lstmgraph.load("rnn").code("c"), encoding="utf-8")
    done = subprocess.run(
        [*compiler(), flag, "-c", "cell.c"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "without -ffast-math" in done.stderr


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


# ── reading it ──


def test_one_text_and_two_files_are_the_same_code() -> None:
    cell = load("lstm")
    text = generate(cell, gradient(cell), "c")
    files = generate_files(cell, gradient(cell), "c", "my")
    assert list(files) == ["my.c", "my.h"]
    assert text.startswith(files["my.h"])
    assert '#include "my.h"' in files["my.c"]
    assert files["my.c"].partition('#include "my.h"')[2] in text


@pytest.mark.parametrize("name", CELLS)
def test_lines_have_no_loose_ends(name: str) -> None:
    text = c_file(name, "float32").joined_text([name])
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "\n\n\n" not in text
    assert max(map(len, text.splitlines())) <= 120
    assert text.endswith("}\n")


@pytest.mark.parametrize("name", ["lstm", "two", "matrix"])
def test_the_same_text_each_time(name: str) -> None:
    texts = [generate(cell_of(name), gradient(cell_of(name)), "c") for _ in range(2)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(("name", "word"), [("gru", "total_d_hs"), ("cifg", "iogs"), ("indrnn", "pre_hs")])
def test_an_array_is_called_as_what_it_holds(name: str, word: str) -> None:
    """And not as another one, but for an underscore: d_hs is an argument."""
    found = set(re.findall(r"real \*(\w+) = ", c_file(name, "float32").joined_text([name])))
    assert word in found
    assert not [w for w in found if w.endswith("_")]


def test_nothing_can_leave_the_comment(tmp_path: Path) -> None:
    cell = loads("name = 'sly'\ntitle = '*/ int x; /* \\'\noutput = 'h'\nequations = 'h[t] = x[t]'\n[sizes]\nx = 'X'")
    compiled("sly", {"sly.c": generate(cell, gradient(cell), "c")}, (*WARNINGS, "-O0"))


@pytest.mark.parametrize(("dtype", "wanted"), [("float32", (0, -np.inf, np.inf)), ("float64", (2e-99, -4e99, np.inf))])
def test_a_number_beyond_the_type_is_what_the_type_makes_of_it(
    dtype: str, wanted: Sequence[float], tmp_path: Path
) -> None:
    """0 or infinite: a literal that the type does not have is a warning."""
    file = tmp_path / "beyond.toml"
    equations = "h[t] = concat(1e-99 * x[t] + least * x[t], -3e99 * x[t] + most * x[t], 1e200 * x[t] * 1e200)"
    constants = "[constants]\nleast = 1e-99\nmost = -1e99"
    file.write_text(f'name = "beyond"\noutput = "h"\nequations = "{equations}"\n[sizes]\nx = 1\n{constants}')
    outputs, _, _ = c_functions(str(file)).forward({}, np.ones((1, 1, 1), dtype))
    np.testing.assert_allclose(outputs[0, 0], wanted, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "word"), [("α", "alpha"), ("ĉ", "c"), ("a.b c", "a_b_c"), ("2nd", "_2nd"), ("h", "h")]
)
def test_identifiers(text: str, word: str) -> None:
    assert identifier(text) == word


HEADERS = "".join(f"#include <{name}.h>\n" for name in ("limits", "math", "stddef", "stdint", "stdio", "string"))
UNNAMEABLE = "SIMD M_PI I NAN INFINITY EOF errno unix linux int NULL INT_MAX stdin isnan template operator new delete"
UNNAMEABLE += " namespace virtual typename private protected friend bool xor nullptr constexpr typeof catch"
UNNAMEABLE += " NAMES_HEADER NAMES_CBLAS"  # of the file itself


@pytest.mark.parametrize("standard", ["c99", "gnu17"])
def test_no_name_is_a_macro_of_a_header_or_of_the_compiler(standard: str) -> None:
    command = [*compiler(), f"-std={standard}", "-dM", "-E", "-"]
    done = subprocess.run(command, input=HEADERS, capture_output=True, text=True, check=True)
    macros = {re.split(r"[\s(]", line)[1] for line in done.stdout.splitlines()}
    assert "EOF" in macros
    assert [word for word in macros if not word.startswith("_") and not is_keyword(word)] == []


def cell_of_names(words: Sequence[str]) -> lstmgraph.Cell:
    """Its parameters are called so, its state and its constants as functions of the headers, its sizes as macros."""
    terms = "".join(f" + {word}" for word in words)
    sizes = "\n".join(f"{word} = 'BUFSIZ'" for word in words)
    equation = f"public[t] = tanh(W @ this[t] + remainder * sinf * public[t-1]{terms})"
    text = f"name = 'names'\noutput = 'public'\nequations = '{equation}'\n"
    text += f"[sizes]\nthis = 'M_E'\npublic = 'BUFSIZ'\n{sizes}\n[constants]\nremainder = 0.5\nsinf = 2.0"
    return lstmgraph.loads(text)


@pytest.mark.parametrize("sizes", [None, {"M_E": 3, "BUFSIZ": 2}])
def test_a_file_of_names_that_c_has(sizes: Mapping[str, int] | None, tmp_path: Path) -> None:
    """The header, in C++ too where there is one, after what others include; the source as any compiler takes it."""
    cell = cell_of_names(UNNAMEABLE.split())
    for file, text in cell.code_files("c", "cell", sizes=sizes).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    (tmp_path / "user.c").write_text(f'{HEADERS}#include "cell.h"\n', encoding="utf-8")
    (tmp_path / "test.c").write_text('#include <complex.h>\n#include "cell.c"\n', encoding="utf-8")
    for flags in (["-x", "c"], ["-x", "c++"])[: 1 + has_cplusplus()]:
        subprocess.run([*compiler(), *flags, "-Wall", "-Werror", "-fsyntax-only", "user.c"], cwd=tmp_path, check=True)
    command = [*compiler(), "-Wall", "-Wextra", "-Werror", "-DNAMES_SELFTEST", "test.c", "-o", "test", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "test"], check=True)


def has_cplusplus() -> bool:
    """Of GCC the compiler proper is a program of its own, which has a path where it is there."""
    found = subprocess.run([*compiler(), "-print-prog-name=cc1plus"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip()).is_absolute()


def test_passes_are_shown() -> None:
    text = lstmgraph.load("lstm").passes("c")
    assert "1. hoist_terms: " in text
    assert "3. stack: " in text


def test_the_lstm_as_a_golden(golden: Callable[[str, str], None]) -> None:
    for name, text in lstmgraph.load("lstm").code_files("c", "lstm").items():
        golden(f"code/{name}", text)


def test_files_that_belong_together_are_written_together(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_bytes(b"old")
    (tmp_path / "a.h").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        write_together({tmp_path / "a.c": b"new", tmp_path / "b.c": b"new", tmp_path / "a.h": b"new"})
    assert (tmp_path / "a.c").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.c", "a.h"]
    write_together({tmp_path / "a.c": b"new", tmp_path / "c.h": b"new"})
    assert (tmp_path / "a.c").read_bytes() == (tmp_path / "c.h").read_bytes() == b"new"


def test_what_a_sequence_was_given_may_be_written_over_before_the_way_back() -> None:
    f, params = lstm()
    xs = np.random.default_rng(1).normal(size=(1, 3, 8))
    y, _, cache = f.forward(params, xs)
    wanted = f.backward(params, cache, y)[0]
    xs[...] = 0
    for name, found in f.backward(params, cache, y)[0].items():
        np.testing.assert_array_equal(found, wanted[name])


@pytest.mark.parametrize("target", ["c", pytest.param("onnx", marks=pytest.mark.onnx)])
def test_parameters_of_a_type_without_code_are_named(target: str) -> None:
    cell = lstmgraph.load("rnn")
    params = cell.lambdify().init(0, X=2, H=3, dtype=np.float16)
    with pytest.raises(
        TypeError, match="code for float32 and float64, not for float16: give arrays of these, or a dty"
    ):
        cell.lambdify(target).forward(params, np.ones((1, 2, 2)))
    assert cell.lambdify(target, dtype="float32").forward(params, np.ones((1, 2, 2)))[0].dtype == np.float32
