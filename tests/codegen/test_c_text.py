"""The generated C files as they are read: no loose ends, no name of C's own, and nothing half-written."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstmgraph
from lstmgraph.calculus import gradient
from lstmgraph.codegen import generate, generate_files
from lstmgraph.codegen.compiler import FLAGS, compiled, compiler
from lstmgraph.codegen.loops.names import identifier
from lstmgraph.codegen.loops.reserved import is_keyword
from lstmgraph.files import OutputError, write_together
from lstmgraph.reading import load, loads
from tests.codegen.equality import CELLS, WARNINGS, c_file, c_functions

pytestmark = pytest.mark.cc


def test_one_text_and_two_files_are_the_same_code() -> None:
    cell = load("lstm")
    text = generate(cell, gradient(cell), "c")
    files = generate_files(cell, gradient(cell), "c", "my")
    assert list(files) == ["my.c", "my.h"]
    assert text.startswith(files["my.h"])
    assert '#include "my.h"' in files["my.c"]
    assert files["my.c"].partition('#include "my.h"')[2] in text


def test_the_file_and_the_page_have_the_flags_that_libraries_are_compiled_with() -> None:
    page = (Path(__file__).parents[2] / "docs" / "c.md").read_text(encoding="utf-8")
    command = f"cc {' '.join(FLAGS)} "
    assert command in c_file("lstm", "float32").joined_text(["lstm"])
    assert f"$ {command}" in page
    assert {*re.findall("^- `(.*?)`", page, re.MULTILINE)} == {*FLAGS} - {"-std=c99", "-O3"}  # what each is for


@pytest.mark.parametrize("name", CELLS)
def test_lines_have_no_loose_ends(name: str) -> None:
    text = c_file(name, "float32").joined_text([name])
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert not re.search(r"for \(.*\+\+\w+\) \w.*[^;]\n", text)  # a loop of one line
    assert "\n\n\n" not in text
    assert not re.search(r"^ *(?:for \(.*\) )?(\S.*) = \1;$", text, re.MULTILINE)  # what is there already
    assert max(map(len, text.splitlines())) <= 120
    assert text.endswith("}\n")


def test_the_gradient_of_a_weight_by_matrices_of_a_step_is_added_up_in_its_place() -> None:
    text = c_file("weights_of_matrices", "float32").joined_text(["title"])
    for name in "WVA":
        assert re.search(rf"multiply\(.*, grads->{name}, \w, 1\);", text)


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
UNNAMEABLE += " NAMES_HEADER NAMES_CBLAS NAMES_PACK_SIZE"  # of the file itself


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
    text += f"[sizes]\nthis = 'PACK_SIZE'\npublic = 'BUFSIZ'\n{sizes}\n[constants]\nremainder = 0.5\nsinf = 2.0"
    return lstmgraph.loads(text)


@pytest.mark.parametrize("sizes", [None, {"PACK_SIZE": 3, "BUFSIZ": 2}])
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
    assert "4. hoist_terms: " in text
    assert "6. stack: " in text


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


@pytest.mark.parametrize("target", ["c", pytest.param("onnx", marks=pytest.mark.onnx)])
def test_parameters_of_a_type_without_code_are_named(target: str) -> None:
    cell = lstmgraph.load("rnn")
    params = cell.lambdify().init(0, X=2, H=3, dtype=np.float16)
    with pytest.raises(
        TypeError, match="code for float32 and float64, not for float16: give arrays of these, or a dty"
    ):
        cell.lambdify(target).forward(params, np.ones((1, 2, 2)))
    assert cell.lambdify(target, dtype="float32").forward(params, np.ones((1, 2, 2)))[0].dtype == np.float32


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        ({"sizes": {"H": 4}}, {"sizes": {"H": 8}}, "RNN_H"),
        ({"dtype": "float32"}, {"dtype": "float64"}, "rnn_real"),
        ({}, {}, ""),
        ({"sizes": {"H": 4}}, {"sizes": {"H": 8}, "name": "large_rnn"}, ""),
    ],
)
def test_headers_of_one_name_for_two_sizes_or_types_clash(
    one: dict[str, Any], other: dict[str, Any], error: str, tmp_path: Path
) -> None:
    for stem, options in (("one", one), ("other", dict(other))):
        cell = replace(lstmgraph.load("rnn"), name=options.pop("name", "rnn"))
        write_together({tmp_path / name: text.encode() for name, text in cell.code_files("c", stem, **options).items()})
    (tmp_path / "both.c").write_text('#include "one.h"\n#include "other.h"\n', encoding="utf-8")
    done = subprocess.run(
        [*compiler(), "-fsyntax-only", "both.c"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == bool(error)
    assert error in done.stderr
