"""The command line is a contract: names, streams, exit codes, messages, and what is left when something goes wrong."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lstmgraph
from lstmgraph import __version__
from lstmgraph.algebra.nodes import OneMinus, Tanh
from lstmgraph.algebra.rules import RULES
from lstmgraph.api import scenes
from lstmgraph.cli import COMMANDS, main
from lstmgraph.cli.listing import TOPICS
from lstmgraph.reading import library
from lstmgraph.weights.files import WRITERS

HEAVY = ("sympy", "numpy", "graphviz", "ziamath", "jinja2", "torch", "lstmgraph.api.cell")

CELL = """
name = "tiny"
equations = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"
[sizes]
x = "X"
h = "H"
"""


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as a user runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lstmgraph", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


class Result:
    """What a command printed and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a command in this process: (arguments) -> Result."""

    def call(*arguments: str) -> Result:
        code = main(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.toml"
    path.write_text(CELL)
    return str(path)


# ── help ──


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["-h"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = f"""
import sys
from lstmgraph.cli import main
code = main({arguments!r})
print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert done.stdout.startswith(("Usage: ", f"lstmgraph {__version__}"))


def test_help_lists_every_command_and_each_explains_itself(command: Callable[..., Result]) -> None:
    overview = command("--help").out
    for name, (_, words) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(words)}$", overview, re.MULTILINE), name
        assert command(name, "--help").out.startswith(f"Usage: lstmgraph {name} ")


def test_no_command_is_a_usage_error_that_helps() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


# ── did you mean ──


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["drw", "lstm"], "did you mean 'draw'?"),
        (["frobnicate"], "known: check, code, "),
        (["show", "lstmm"], "did you mean 'lstm'?"),
        (["show", "qqqqqq"], "known: cifg, gru, "),
        (["draw", "lstm", "--stile", "pipe"], "--style"),
        (["list", "cell"], "did you mean 'cells'?"),
        (["list", "zzz"], "known: cells, "),
        (["show", "lstm", "--notation", "gama"], "did you mean 'gamma'?"),
        (["grad", "lstm", "--wrt", "Wf"], "did you mean 'W_f'?"),
        (["grad", "lstm", "-f", "latx"], "did you mean 'latex'?"),
        (["grad", "lstm", "--through-time", "--loss", "lats"], "did you mean 'last'?"),
        (["grad", "lstm", "--unroll", "two"], "not a whole number: say how many steps"),
        (["grad", "lstm", "--unroll", "0"], "a whole number from 1, got 0"),
        (["grad", "lstm", "--unroll", "100000"], "100000 steps are too many to write out: at most 200"),
        (["grad", "lstm", "--through-time", "--truncate", "-2"], "a whole number from 1, got -2"),
        (["grad", "lstm", "--loss", "last"], "add --through-time, or --unroll T"),
        (["grad", "lstm", "--unroll", "2", "--truncate", "2"], "add --through-time"),
        (["grad", "lstm", "--through-time", "--unroll", "2"], "do not go together"),
        (["grad", "lstm", "--through-time", "--wrt", "W_q"], "there is no parameter, state or input 'W_q' in lstm"),
        (["grad", "lstm", "--final"], "--final is about several steps"),
        (["code", "lstm", "--target", "numpi"], "did you mean 'numpy'?"),
        (["draw", "lstm", "--style", "pip"], "did you mean 'pipe'?"),
        (["draw", "lstm", "--theme", "olha"], "did you mean 'olah'?"),
        (["draw", "lstm", "--walk", "step"], "did you mean 'steps'?"),
        (["draw", "lstm", "--mode", "drak"], "did you mean 'dark'?"),
        (["draw", "lstm", "-f", "sgv"], "did you mean 'svg'?"),
        (["draw", "lstm", "--step", "99"], "1 to "),
        (["draw", "lstm", "--step", "0"], "1 to "),
        (["draw", "lstm", "--step", "two"], "not a whole number from 1 on"),
        (["draw", "lstm", "-o", "a.gif"], "svg (.svg)"),
        (["draw", "lstm", "-o", "a"], "no suffix"),
        (["draw", "lstm", "-o", "a.svg", "-f", "dot"], "leave one of them out"),
        (["grad", "lstm", "-o", "a.svg"], "latex (.tex)"),
        (["code", "lstm", "-o", "a.rs"], "numpy (.py)"),
        (["check", "lstm", "--target", "torhc"], "did you mean 'torch'?"),
        (["code", "lstm", "--target", "c", "-o", "a.py"], "'a.py' is a file of target numpy, not c"),
        (["code", "lstm", "--target", "c", "-o", "a.py"], "or name it a.c"),
        (["code", "lstm", "--target", "c", "-o", "a.h"], "a file of target c ends in .c, not 'a.h'\nhint: -o a.c"),
        (["code", "lstm", "--target", "c", "-o", "a.txt"], "ends in .c"),
        (["code", "lstm", "--target", "torch", "-o", "a"], "a file of target torch ends in .py, not 'a'"),
        (["code", "lstm", "--target", "c", "--size", "H=3", "--size", "H=4"], "size H is given twice: 3 and 4"),
        (["code", "lstm", "--target", "c", "--size", "H=x"], "a name and a whole number, not 'H=x'"),
        (
            ["code", "lstm", "--size", "H=3"],
            "the target 'numpy' has no option --size\nhint: targets that have it: c, onnx",
        ),
        (["code", "lstm", "--target", "torch", "--dtype", "float64"], "'torch' has no option --dtype"),
        (["code", "lstm", "--passes", "--size", "H=3"], "which --size does not change"),
        (["code", "lstm", "--passes", "--params", "a.npz"], "which --params does not change"),
        (["code", "lstm", "--passes", "--name", "a"], "which --name does not change"),
        (["code", "lstm", "--name", "4x"], "'4x' is not a name for a cell"),
        (
            ["code", "lstm", "--passes", "-o", "p.py"],
            "a text about the code, which 'p.py' is no name for\nhint: -o p.txt",
        ),
        (["show"], "CELL"),
        (["tour", "lstm"], "-o"),
        (["show", "lstm", "gru"], "extra argument"),
        (["show", ""], "no cell"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors_exit_with_2_and_say_what_to_do(
    command: Callable[..., Result], arguments: list[str], words: str
) -> None:
    result = command(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert words in result.err


# ── cells ──


def test_a_cell_is_a_name_a_file_or_standard_input(command: Callable[..., Result], tiny: str) -> None:
    assert command("show", "lstm").out.startswith("lstm: ")
    assert command("show", tiny).out.startswith("tiny\n")
    assert run("show", "-", stdin=CELL).stdout == command("show", tiny).out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there are no equations"),
        ("equations = ", "bad.toml:1:"),
        ('equations = "h[t] = tanh(W @ x[t] + q"', "bad.toml:1:"),
        ('equations = "h[t] = __import__(1)"', "bad.toml:1:"),
        ('equations = "h[t] = 9**9**9**9 * x[t]"', "bad.toml:1:"),
        ('equations = "h[t] = W @ x[t] + V @ x[t-1]"', "x[t]"),
        ("x" * 300_000, "too large"),
        ("\0", "binary"),
    ],
    ids=["empty", "toml", "equation", "hostile", "power", "name", "huge", "binary"],
)
def test_a_bad_cell_file_exits_with_3(command: Callable[..., Result], tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    result = command("show", str(path))
    assert (result.code, result.out) == (3, "")
    assert words in result.err


def test_empty_standard_input_is_a_bad_cell_file() -> None:
    assert run("show", "-").returncode == 3


@pytest.mark.onnx
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "; missing: W, U, b\nhint: they are W, U, b\n"),
        ("W U b V", "; unknown: V\nhint: they are W, U, b\n"),
        ("W w b", "; missing: U; unknown: w\nhint: they are W, U, b\n"),
    ],
)
def test_a_file_of_other_parameters_is_a_usage_error(
    command: Callable[..., Result], tiny: str, tmp_path: Path, given: str, words: str
) -> None:
    path, arrays = tmp_path / "weights.npz", dict.fromkeys(given.split(), np.ones(1))
    savez: Callable[..., None] = np.savez
    savez(path, **arrays)
    result = command("code", tiny, "--params", str(path), "-o", str(tmp_path / "a.onnx"))
    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: '{path}' does not hold the parameters{words}"
    assert not (tmp_path / "a.onnx").exists()


def test_a_wrong_type_is_said_before_what_else_there_is_to_say(command: Callable[..., Result]) -> None:
    result = command("code", "peephole_lstm", "--target", "onnx", "--dtype", "float16")
    assert result.err.startswith("error: there is no dtype 'float16'")


def test_a_missing_file_is_a_usage_error(command: Callable[..., Result], tmp_path: Path) -> None:
    assert command("show", str(tmp_path / "no.toml")).code == 2


def test_a_folder_is_a_usage_error(command: Callable[..., Result], tmp_path: Path) -> None:
    result = command("draw", str(tmp_path))
    assert (result.code, result.out) == (2, "")
    assert f"{tmp_path} is a directory, not a cell file" in result.err


# ── results ──


def test_list_without_a_topic_shows_them_all(command: Callable[..., Result]) -> None:
    out = command("list").out
    for topic in TOPICS:
        assert re.search(rf"^{topic}\b", out, re.MULTILINE)
    assert "peephole_lstm" in out
    assert "cell-block" in out


@pytest.mark.parametrize("topic", TOPICS)
def test_list_is_a_name_and_words_a_line(command: Callable[..., Result], topic: str) -> None:
    lines = command("list", topic).out.splitlines()
    assert lines
    assert all(re.fullmatch(r"[\w-]+ +\S.*", line) for line in lines)
    starts = {re.match(r"[\w-]+ +", line).end() for line in lines}  # type: ignore[union-attr]
    assert len(starts) == 1
    if topic == "cells":
        assert tuple(line.split()[0] for line in lines) == library()


def test_show_has_everything(command: Callable[..., Result]) -> None:
    out = command("show", "peephole_lstm").out
    sections = ["equations", "sizes", "values", "parameters", "walks", "notations", "sources"]
    assert [line for line in out.splitlines() if line in sections] == sections
    assert "f[t] = σ(W_f x[t] + U_f h[t-1] + p_f ⊙ c[t-1] + b_f)" in out
    assert "15 parameters, 4·H² + 4·H·X + 7·H numbers" in out
    assert re.search(r"c\[t\] +\(H, 1\) +memory, state", out)


@pytest.mark.parametrize(
    ("format", "sign"),
    [("unicode", "∂L/∂W_f = δ_f x[t]ᵀ"), ("latex", r"\begin{align*}"), ("markdown", "$$"), ("html", "<mtable ")],
)
def test_grad_in_every_format(command: Callable[..., Result], tmp_path: Path, format: str, sign: str) -> None:
    out = command("grad", "lstm", "-f", format).out
    assert sign in out
    suffix = {"unicode": "txt", "latex": "tex", "markdown": "md", "html": "html"}[format]
    path = tmp_path / f"g.{suffix}"
    result = command("grad", "lstm", "-o", str(path))
    assert (result.code, result.out, result.err) == (0, "", "")
    assert path.read_text(encoding="utf-8") == out
    numbered = command("grad", "lstm", "--numbered", "-f", format).out
    assert numbered != out
    explained = command("grad", "lstm", "--explain", "-f", format).out
    assert "product rule" in explained
    assert "product rule" not in out


def test_what_is_not_of_one_step_is_not_explained(command: Callable[..., Result]) -> None:
    result = command("grad", "rnn", "--unroll", "2", "--explain")
    assert (result.code, result.out) == (2, "")
    assert "--explain is for the gradients of one step" in result.err


def test_grad_through_time(command: Callable[..., Result]) -> None:
    out = command("grad", "lstm", "--through-time", "--loss", "last", "--truncate", "4", "--start", "zero").out
    assert "h̄[T] = ∂ℓ[T]/∂h[T]" in out
    assert "[t mod 4 ≠ 0] (U_fᵀ" in out
    assert "∂L/∂U_f = Σ[t=2…T] δ_f[t] h[t-1]ᵀ" in out
    unrolled = command("grad", "lstm", "--unroll", "2", "--wrt", "U_f", "--wrt", "x").out
    assert "∂L/∂U_f = δ_f[1] h[0]ᵀ + δ_f[2] h[1]ᵀ" in unrolled
    assert "x̄[2] = " in unrolled
    assert "∂L/∂W_f" not in unrolled


def test_grad_with_respect_to_names(command: Callable[..., Result]) -> None:
    out = command("grad", "lstm", "--wrt", "W_f", "--wrt", "h").out
    assert "∂L/∂W_f" in out
    assert "h̄[t-1]" in out
    assert "∂L/∂W_i" not in out


def test_dash_as_output_is_standard_output(command: Callable[..., Result]) -> None:
    assert command("grad", "rnn", "-o", "-").out == command("grad", "rnn").out


def test_code_runs(command: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "lstm.py"
    assert command("code", "lstm", "-o", str(path)).out == ""
    assert command("code", "lstm").out == path.read_text(encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", "import lstm; lstm.forward, lstm.backward, lstm.step"], cwd=tmp_path, check=True
    )


@pytest.mark.parametrize("style", ["pipe", "cell-block"])
@pytest.mark.parametrize("format", ["svg", "dot"])
def test_draw(command: Callable[..., Result], tmp_path: Path, style: str, format: str) -> None:
    path = tmp_path / f"d.{format}"
    result = command("draw", "lstm", "--style", style, "-o", str(path))
    assert (result.code, result.out, result.err) == (0, "", "")
    assert command("draw", "lstm", "--style", style, "-f", format).out == path.read_text(encoding="utf-8")


def test_a_step_without_a_walk_is_of_the_first_walk(command: Callable[..., Result]) -> None:
    first = re.search(r"^walks\n  (\w+):", command("show", "peephole_lstm").out, re.MULTILINE)
    assert first
    assert (
        command("draw", "peephole_lstm", "--step", "2").out
        == command("draw", "peephole_lstm", "--walk", first[1], "--step", "2").out
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("code", "lstm", "--target", "onnx", "--params", "FILE"),
        ("weights", "lstm", "FILE", "--to", "keras"),
        ("flow", "lstm", "--weights", "FILE"),
    ],
)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda matrix: matrix.T, "must be (2, 3), as all others say H=2, X=3, got (3, 2)"),
        (lambda matrix: matrix * np.nan, "has entries that are not finite"),
        (lambda matrix: matrix * 1j, "is no array of real numbers"),
        (lambda matrix: matrix.astype(str), "is no array of real numbers"),
    ],
)
def test_a_file_with_a_wrong_array_is_named(
    command: Callable[..., Result], tmp_path: Path, arguments: tuple[str, ...], wrong: Callable[..., object], said: str
) -> None:
    params = lstmgraph.load("lstm").lambdify().init(0, X=3, H=2)
    path = tmp_path / "params.npz"
    np.savez(path, **params | {"W_f": wrong(params["W_f"])})
    result = command(*(str(path) if a == "FILE" else a for a in arguments))
    assert (result.code, result.err) == (2, f"error: {path}: W_f {said}\n")


def test_help_lists_the_files_that_parameters_can_be_in(command: Callable[..., Result]) -> None:
    told = command("code", "--help").out
    assert [suffix for suffix in WRITERS if suffix not in told] == []


def test_check_prints_a_table_and_passes(command: Callable[..., Result]) -> None:
    result = command("check", "rnn")
    assert (result.code, result.err) == (0, "")
    assert "passed" in result.out


TARGETS_RUN = {"c": "cc", "torch": "torch", "jax": "jax", "onnx": "onnx"}


@pytest.mark.parametrize("target", [pytest.param(t, marks=getattr(pytest.mark, m)) for t, m in TARGETS_RUN.items()])
def test_check_runs_the_code_of_a_target(command: Callable[..., Result], target: str) -> None:
    result = command("check", "rnn", "--target", target)
    assert (result.code, result.err) == (0, "")
    assert f"\n{target} code = equations " in result.out
    assert (f"\n{target} code gradients = derived " in result.out) == (target != "onnx")
    assert "numpy" not in result.out


def test_check_of_a_target_that_is_not_installed(
    command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstmgraph.codegen.functions.find_spec", lambda name: None)
    result = command("check", "rnn", "--target", "torch")
    assert (result.code, result.out) == (2, "")
    assert "need torch, which is not installed\nhint: pip install 'lstmgraph[torch]'" in result.err


def test_a_failed_check_exits_with_1(command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["lstmgraph.numeric.check"], "DIFFERENCES_BOUND", 1e-30)
    result = command("check", "rnn")
    assert result.code == 1
    assert "FAILED" in result.out


def test_prove_prints_a_certificate(command: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    assert command("prove", "indrnn", "-o", str(file)).code == 0
    assert '"passed": true' in file.read_text(encoding="utf-8")
    assert command("prove", "indrnn", "-o", "proof.tex").err.startswith(
        "error: there is no format with the suffix '.tex'"
    )


def test_what_grad_derives_is_proven_with_the_same_options(command: Callable[..., Result]) -> None:
    cut = command("prove", "indrnn", "--through-time", "--truncate", "2", "--loss", "last", "--start", "zero")
    assert (cut.code, cut.err) == (0, "")
    assert "for gradients that are cut between blocks of 2 steps" in cut.out
    assert "for a loss that sees h[3] alone" in cut.out
    assert command("prove", "indrnn", "--jacobian").out.startswith("Certificate: Jacobians of")
    assert "as W change." in command("prove", "indrnn", "--tangent", "--wrt", "W", "--seed", "3").out
    alone = command("prove", "indrnn", "--truncate", "2")
    assert (alone.code, alone.err) == (2, "error: --truncate is about a recurrence\nhint: add --through-time\n")
    assert command("prove", "indrnn", "--jacobian", "--wrt", "W").err.startswith(
        "error: --jacobian and --wrt do not go"
    )


def test_what_is_not_proven_exits_with_1(command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, Tanh, RULES[Tanh]._replace(slope=lambda _, y: OneMinus(y)))
    result = command("prove", "rnn")
    assert (result.code, result.err) == (1, "")
    assert "grad(W), entry (1, 1): off by" in result.out
    assert "NOT PROVEN" in result.out


def test_tour_is_complete(command: Callable[..., Result], tmp_path: Path) -> None:
    result = command("tour", "rnn", "-o", str(tmp_path / "t"))
    assert (result.code, result.out) == (0, f"{tmp_path / 't' / 'index.html'}\n")
    names = {str(p.relative_to(tmp_path / "t")) for p in (tmp_path / "t").rglob("*") if p.is_file()}
    assert names >= {
        "index.html", "cell.toml", "pipe.svg", "pipe.dot", "cell-block.svg", "gradients.tex", "gradients.md",
        "gradients.txt", "gradients-explained.html", "gradients-through-time.html", "rnn_numpy.py", "check.txt",
        "frames/steps-1-pipe.svg", "frames/steps-1-cell-block.svg",
    }  # fmt: skip


def test_doctor(command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    result = command("doctor")
    assert result.code == 0
    assert f"lstmgraph  {__version__}" in re.sub(" +", "  ", result.out)
    monkeypatch.setenv("PATH", "")
    result = command("doctor")
    assert result.code == 0
    assert re.search(r"missing +dot .*\n +get it: apt install graphviz", result.out)
    assert re.search(r"missing +C compiler .*\n +get it: install gcc or clang", result.out)
    monkeypatch.setitem(sys.modules, "ziamath", None)
    result = command("doctor")
    assert result.code == 1
    assert "get it: pip install ziamath" in result.out


# ── streams and terminals ──


def test_results_are_utf_8_wherever_they_go(tiny: str) -> None:
    done = run("show", tiny, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert "H²" in done.stdout


def in_terminal(*arguments: str, **environment: str) -> str:
    """What a command writes to a terminal, all streams together."""
    control, terminal = pty.openpty()
    variables = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "TERM"}} | {"TERM": "xterm"} | environment
    process = subprocess.Popen(
        [sys.executable, "-m", "lstmgraph", *arguments], stdin=terminal, stdout=terminal, stderr=terminal, env=variables
    )
    os.close(terminal)
    written = b"".join(chunks(control))
    process.wait(timeout=60)
    os.close(control)
    return written.decode()


def chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # EIO: how Linux says that the other end is closed
            return
        if not data:
            return
        yield data


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    assert "\x1b[" in in_terminal("list", "cells")
    assert "\x1b[" not in in_terminal("list", "cells", NO_COLOR="1")
    assert "\x1b[" not in in_terminal("list", "cells", TERM="dumb")
    assert "\x1b[" not in run("list", "cells").stdout
    assert "\x1b[31m" in in_terminal("show", "nosuch")
    assert "\x1b[" not in in_terminal("show", "nosuch", NO_COLOR="1")


def test_progress_on_a_terminal_and_nowhere_else() -> None:
    assert "\r" in in_terminal("check", "rnn", "--target", "numpy").replace("\r\n", "")
    assert "\r" in in_terminal("prove", "indrnn").replace("\r\n", "")
    assert run("check", "rnn", "--target", "numpy").stderr == ""


# ── what goes wrong ──


def test_a_closed_pipe_ends_quietly() -> None:
    done = subprocess.run(
        f"{sys.executable} -m lstmgraph show lstm | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("lstm: ")
    assert done.stderr == ""
    reader, writer = os.pipe()
    os.close(reader)
    closed = subprocess.run(
        [sys.executable, "-m", "lstmgraph", "grad", "lstm"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (closed.returncode, closed.stderr) == (141, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that can close a stream")
@pytest.mark.parametrize(
    "arguments",
    ["draw lstm", "draw rnn -f png", "show lstm", "list", "grad rnn", "code rnn", "--version", "draw --help"],
)
def test_a_closed_standard_output_is_said(arguments: str) -> None:
    """Nothing is shown, so it must not look as if all were well; and a result in a file needs no standard output."""
    program = f"{sys.executable} -m lstmgraph {arguments} >&-"
    done = subprocess.run(program, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: cannot write to standard output: it is closed\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that can close a stream")
def test_a_file_needs_no_standard_output(tmp_path: Path) -> None:
    program = f"{sys.executable} -m lstmgraph draw rnn -o {tmp_path}/rnn.svg >&-"
    done = subprocess.run(program, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "rnn.svg").read_text(encoding="utf-8").endswith("</svg>\n")


def test_full_standard_output_is_one_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lstmgraph", "list", "cells"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "error: cannot write to standard output: no space left on device\n"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("no/such/a.txt", "mkdir -p"),
        ("tiny.toml/a.txt", "not a directory"),
        ("folder.txt", "it is a folder"),
        ("", "the name of the output is empty"),
        ("/proc/a.txt", "cannot write"),
        ("/dev/full", "no space left"),
    ],
)
def test_an_output_that_cannot_be_written(
    command: Callable[..., Result], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.txt").mkdir()
    result = command("grad", tiny, "-o", output)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.txt", "tiny.toml"]


def test_the_table_of_quality_is_the_result_and_a_drawing_beside_it_stays_whole(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "a.svg"
    alone = command("draw", "rnn", "--quality")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out.startswith("Plain recurrent network\nrule")
    assert command("draw", "rnn", "--quality", "-o", str(path)).out == alone.out
    for more in (("-o", "-"), ("-f", "svg")):
        both = command("draw", "rnn", "--quality", *more)
        assert (both.out, both.err) == (path.read_text(encoding="utf-8"), alone.out)


def test_an_animation_goes_to_standard_output_too(command: Callable[..., Result]) -> None:
    for where in ((), ("-o", "-"), ("-f", "svg")):
        result = command("draw", "rnn", "--animate", *where)
        assert (result.code, result.out[:4], result.err) == (0, "<svg", "")


def test_a_gate_that_is_broken_is_an_exit_code(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstmgraph.diagram.quality import RULES, Gate

    impossible = tuple(replace(r, gates=(Gate(high=-1),)) if r.name == "most_bends" else r for r in RULES)
    monkeypatch.setattr(sys.modules["lstmgraph.diagram.quality.report"], "RULES", impossible)
    path = tmp_path / "a.svg"
    result = command("draw", "rnn", "--quality", "-o", str(path))
    assert (result.code, result.err, path.exists()) == (1, "", True)
    assert [line for line in result.out.splitlines() if line.endswith("NO")]
    assert result.out.splitlines()[-1].startswith("  most_bends: ")


def test_a_tour_into_a_file_or_over_other_files_is_refused(
    command: Callable[..., Result], tiny: str, tmp_path: Path
) -> None:
    assert "not a folder" in command("tour", tiny, "-o", tiny).err
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine")
    result = command("tour", tiny, "-o", str(tmp_path / "site"))
    assert result.code == 2
    assert "index.html that lstmgraph did not write" in result.err
    assert (tmp_path / "site" / "index.html").read_text() == "mine"


@pytest.fixture
def heard() -> Iterator[None]:
    """What is started hears interrupts, also where pytest runs in the background of a shell, which ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing(tmp_path: Path, number: signal.Signals, code: int) -> None:
    screen, terminal = pty.openpty()  # progress is for terminals
    process = subprocess.Popen(
        [sys.executable, "-m", "lstmgraph", "tour", "rnn", "-o", str(tmp_path / "t")],
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(terminal)
    try:
        _wait_for(b"drawing", screen)
        process.send_signal(number)
        assert process.wait(timeout=60) == code
    finally:
        process.kill()
    assert b"Traceback" not in _rest(screen)
    assert list(tmp_path.iterdir()) == []


def _wait_for(words: bytes, screen: int) -> None:
    """Read what a program shows until it shows these words."""
    seen = b""
    while words not in seen:
        assert select.select([screen], [], [], 60)[0], seen
        seen += os.read(screen, 1000)


def _rest(screen: int) -> bytes:
    """What a program that has ended has shown."""
    seen = b""
    with suppress(OSError):  # how a terminal says that nobody writes to it any more
        while more := os.read(screen, 10_000):
            seen += more
    return seen


# Sends Ctrl-C to itself in the middle of importing a module, then goes on as `python -m lstmgraph`.  It comes while a
# text is executed, as where a dataclass is made: Python keeps a note of that and ends by the signal, caught or not.
INTERRUPTED_AT = """
import os, runpy, signal, sys
place, *sys.argv[1:] = sys.argv[1:]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == place:
            sys.meta_path.remove(self)
            exec("os.kill(os.getpid(), signal.SIGINT)")
sys.meta_path.insert(0, Finder())
runpy.run_module("lstmgraph", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def interrupted_at(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`lstmgraph list cells` with a Ctrl-C where a module is imported."""
    (tmp_path / "interrupted_at.py").write_text(INTERRUPTED_AT)

    def run(place: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        program = [*before, sys.executable, "-m", "interrupted_at", place, "list", "cells"]
        return subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    "place",
    ["lstmgraph.cli", "click", "lstmgraph.cli.failures", "lstmgraph.errors", "lstmgraph.cli.listing", "tomllib"],
)
def test_an_interrupt_while_starting_is_quiet(
    interrupted_at: Callable[..., subprocess.CompletedProcess[str]], place: str
) -> None:
    done = interrupted_at(place)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted; nothing half-written is left\n"


def test_an_ignored_interrupt_stays_ignored(
    interrupted_at: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = interrupted_at("click", before=["sh", "-c", 'trap "" INT; exec "$@"', "sh"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "peephole_lstm" in done.stdout


def test_a_fault_of_ours_is_one_message_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr("lstmgraph.api.overview.overview", fail)
    monkeypatch.delenv("LSTMGRAPH_DEBUG", raising=False)
    assert main(["show", "lstm"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("internal error: ZeroDivisionError: broken on purpose\n")
    assert "report it" in err
    assert "Traceback" not in err
    monkeypatch.setenv("LSTMGRAPH_DEBUG", "1")
    assert main(["show", "lstm"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_debug_shows_the_traceback_of_any_error() -> None:
    done = run("--debug", "show", "nosuch")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "error: there is no cell 'nosuch'" in done.stderr


def test_a_tour_without_graphviz_leaves_out_one_drawing(
    command: Callable[..., Result], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    scenes._dag.cache_clear()  # another test may have drawn the same cell
    result = command("tour", tiny, "-o", str(tmp_path / "t"))
    assert result.code == 0
    assert "Expression graph is left out" in result.err
    names = {p.name for p in (tmp_path / "t").iterdir()}
    assert names >= {"index.html", "pipe.svg", "cell-block.svg"}
    assert "dag.svg" not in names
    assert "Expression graph is left out" in (tmp_path / "t" / "index.html").read_text(encoding="utf-8")
