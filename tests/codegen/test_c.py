"""The generated C files: their functions are right, they test themselves, and touch no memory but their own."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import mpmath
import numpy as np
import pytest

import lstmgraph
from lstmgraph.codegen.compiler import FLAGS, compiled, compiler
from lstmgraph.codegen.loops.helpers import helper_texts
from lstmgraph.codegen.loops.memory import Fixed, larger
from lstmgraph.codegen.loops.names import identifier
from lstmgraph.templates import render
from tests.codegen.equality import FILES, WARNINGS, c_functions

pytestmark = pytest.mark.cc


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
    assert ran(tmp_path, "lstm", "float32", *SANITIZED, sizes={"H": 16, "X": 8}) == "lstm: 0 of 39 sums are wrong\n"


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
    tables = {name: re.search(r"answer few\[\] = \{(.*?)\};", t, re.DOTALL) for name, t in texts.items()}
    allowed = {name: [float(off) for off in re.findall(r" (\S+)\}", t[1])] for name, t in tables.items() if t}
    assert allowed["loses"][0] > 2 * least
    assert set(allowed["lstm"]) == {least}


STATIC = """
#include <stdio.h>
#include "cell.h"
static float pack[CELL_PACK_SIZE], step[CELL_STEP_SIZE(2)], work[CELL_WORK_SIZE(3, 2)];
int main(void)
{
    if (cell_pack_size() * 4 != sizeof pack || cell_step_size(2) * 4 != sizeof step) return 1;
    if (cell_work_size(3, 2) * 4 != sizeof work) return 2;
    printf("%d %d %d", (int)cell_pack_size(), (int)cell_step_size(2), (int)cell_work_size(3, 2));
    return 0;
}
"""


@pytest.mark.parametrize("name", ["gru", "lstm", "slstm", "mlstm", "attention", "two"])
def test_arrays_of_fixed_sizes_need_no_allocation(name: str, tmp_path: Path) -> None:
    """And are as large as a file says that is given its sizes at run time."""
    cell = lstmgraph.load(FILES.get(name, name))
    sizes = {str(z): 3 + k for k, z in enumerate(cell.sizes)}
    texts = cell.code_files("c", "cell", sizes=sizes)
    texts["user.c"] = STATIC.replace("CELL", identifier(cell.name).upper()).replace("cell_", f"{cell.name}_")
    for file, text in texts.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    subprocess.run([*compiler(), *WARNINGS, "user.c", "cell.c", "-o", "user", "-lm"], cwd=tmp_path, check=True)
    library, given = c_functions(name).libraries("float32"), list(sizes.values())
    counts = (
        library.count("pack_size", given),
        library.count("step_size", given, 2),
        library.count("work_size", given, 3, 2),
    )
    done = subprocess.run([tmp_path / "user"], capture_output=True, text=True, check=True)
    assert done.stdout == " ".join(map(str, counts))


ONLY_BIASES = """
#include <stdio.h>
#include <string.h>
#include "cell.h"
static float w[64] = {0.5f, -0.25f, 0.125f, 1}, pack[GRU_PACK_SIZE], work[GRU_STEP_SIZE(1)], x[4] = {1, 2, 3, 4};
static float before[4] = {1, -1}, after[2][4];
int main(void)
{
    const gru_params all = {w, w, w, w, w, w, w, w, w};
    const gru_params some = {.b_z = w, .b_r = w, .b_g = w};
    const gru_states prev = {before}, next[2] = {{after[0]}, {after[1]}};
    gru_pack(&all, pack);
    gru_step(1, &all, pack, x, &prev, &next[0], work);
    gru_step(1, &some, pack, x, &prev, &next[1], work);
    return memcmp(after[0], after[1], sizeof after[0]);
}
"""


def test_a_header_says_what_a_step_reads_of_the_parameters(tmp_path: Path) -> None:
    """On a small machine weights are there once, packed."""
    texts = lstmgraph.load("gru").code_files("c", "cell", sizes={"X": 4, "H": 4})
    assert "Of params it reads b_r, b_z and b_g: the others may be null." in " ".join(texts["cell.h"].split())
    assert "Of params it reads" not in lstmgraph.load(FILES["entrywise"]).code("c")  # but all of them
    assert "It reads none of params." in lstmgraph.load("min_gru").code("c")
    for file, text in (texts | {"user.c": ONLY_BIASES}).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    command = [*compiler(), *WARNINGS, *SANITIZED, "user.c", "cell.c", "-o", "user", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "user"], check=True)


def test_a_size_of_nothing_is_an_array_of_one() -> None:
    """C has no array of none; and which of two sizes is larger may depend on T and B."""
    assert Fixed().text == "1"
    assert larger(Fixed(all=2), Fixed(all=1, step=1)) == "(size_t)(T) * (B) * 2"
    assert larger(Fixed(shared=9), Fixed(step=1)) == "9 > (size_t)(B) * 1 ? \\\n    9 : (size_t)(B) * 1"


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
    assert ran(tmp_path, "lstm", dtype, "-DLSTM_CBLAS", "-Wno-unused-function").endswith("0 of 58 sums are wrong\n")


@pytest.mark.parametrize(
    ("right", "wrong", "name"), [("c = f * cs", "c = i * cs", "h"), ("next->h[", "next->c[", "h of a step")]
)
def test_a_wrong_file_says_so(right: str, wrong: str, name: str, tmp_path: Path) -> None:
    """Be it the sequence that is wrong or the step alone."""
    said = said_of_a_wrong_file(tmp_path, right, wrong)
    assert re.search(rf"^{name}: -?[\d.]+, and not -?[\d.]+\n", said, re.MULTILINE)


MUTATIONS = [
    ("rc, add || l > 0)", "rc, add)"),
    (", c, add || l > 0)", ", c, add)"),
    ("part_of_row(8, 1, k, a, ca, b + j, rb, c + j, add)", "0"),
    ("part_of_row(4, 2, k, a, ca, b + j, rb, c + j, add)", "0"),
    ("part_of_row(2, 4, k, a, ca, b + j, rb, c + j, add)", "0"),
    ("part_of_row(1, 4, k, a, ca, b + j, rb, c + j, add)", "0"),
    ("a + l * ca, m *", "a, m *"),
    ("columns(2, m, TILE, k, a, ra, ca, b + j", "columns(2, m, TILE, k, a, ra, ca, b"),
    ("columns(1, m, n - j, k, a, ra, ca, b + j", "columns(1, m, n - j, k, a, ra, ca, b"),
    ("if (rows == ROWS) tile(ROWS, width, k, a, ra, ca, strip, to, apart, add && whole)", "if (rows == ROWS) (void)0"),
    ("c + i * rc, rc", "c, rc"),
]


@pytest.mark.parametrize(("right", "wrong"), MUTATIONS)
@pytest.mark.parametrize("flags", [["-O1"], [*FLAGS, "-O1"]])
def test_a_product_that_is_wrong_in_some_of_its_shapes_is_seen(
    right: str, wrong: str, flags: Sequence[str], tmp_path: Path
) -> None:
    """Though none of a few numbers has them: whole vectors, whole tiles, and sums longer than what is added at once."""
    assert "product of matrices: " in said_of_a_wrong_file(tmp_path, right, wrong, *flags)


def test_the_sizes_that_a_file_says_are_those_that_its_test_has(tmp_path: Path) -> None:
    """Memory that is too small is seen."""
    size = "return B * (4 * H);"
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        ran(tmp_path, "lstm", "float32", *SANITIZED, changed=(size, size.replace("4", "3")))


def said_of_a_wrong_file(folder: Path, right: str, wrong: str, *flags: str) -> str:
    """What an LSTM with some other words says."""
    text = lstm()
    assert right in text
    (folder / "cell.c").write_text(text.replace(right, wrong), encoding="utf-8")
    command = [*compiler(), *flags, "-w", "-DLSTM_SELFTEST", "cell.c", "-o", "test", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([folder / "test"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stdout


@lru_cache
def lstm() -> str:
    return lstmgraph.load("lstm").code("c")


def test_a_gradient_that_is_left_out_is_seen_though_its_columns_add_up_to_0(tmp_path: Path) -> None:
    text = lstmgraph.load(FILES["fast_weights"]).code("c")
    line = next(line for line in text.splitlines() if "grads->U_k" in line)
    (tmp_path / "cell.c").write_text(
        text.replace(line, "memset(grads->U_k, 0, sizeof(real) * K * Y);"), encoding="utf-8"
    )
    macro = "-DFAST_WEIGHTS_SELFTEST"
    subprocess.run([*compiler(), macro, "cell.c", "-o", "test", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "test"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("grad(U_k): 0, and not ")


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
