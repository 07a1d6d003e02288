"""The generated NumPy file as it is read: standalone, deterministic, no line that a loop could do without."""

from __future__ import annotations

import ast
import inspect
import re
import traceback
from collections.abc import Callable
from itertools import combinations
from types import ModuleType
from typing import Any, TypeGuard

import numpy as np
import pytest

from lstmgraph import Cell
from lstmgraph.algebra.names import size, symbol
from lstmgraph.calculus import gradient
from lstmgraph.codegen import TARGETS, generate
from lstmgraph.codegen.identifiers import FUNCTIONS, PYTHON, TEMPLATE, identifiers, size_text
from lstmgraph.codegen.sequence import sequence
from lstmgraph.codegen.shared import repeated
from lstmgraph.codegen.targets import numpy as numpy_target
from lstmgraph.numeric.calls import given_rows
from lstmgraph.reading import from_equations, library, load, loads
from tests.codegen.equality import CASES, HERE, ODD, WAYS, Case, cell_of, faults, functions_of, sample_of
from tests.codegen.test_numpy import lstm

CELLS = (*library(), *ODD)


def test_what_cannot_be_read_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_target, "generate", lambda plan, about: "2U = 1\n")
    with pytest.raises(SyntaxError):
        generate(load("rnn"), gradient(load("rnn")))


@pytest.mark.parametrize("name", CELLS)
def test_the_text_is_standalone_python(name: str) -> None:
    source = functions_of(name).source
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    assert all(ast.get_docstring(f) for f in tree.body if isinstance(f, ast.FunctionDef))
    assert max(map(len, source.splitlines())) <= 120
    assert not [line for line in source.splitlines() if line != line.rstrip()]
    assert source.endswith("\n")
    assert not source.endswith("\n\n")


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("name", CELLS)
def test_gradients_have_memory_of_their_own(name: str, samples: int) -> None:
    """Who takes them may write to them, also where turning one sample's axes copies nothing."""
    case = next(c for c in CASES if c.batch == samples)
    f, given = functions_of(name), given_rows(cell_of(name), sample_of(name, case, "float64"), "float64")
    outputs, _, cache = f.forward(given.params, given.xs, given.states)
    d_params, d_xs, d_states = f.backward(given.params, cache, given.d_output, given.d_states)
    inputs = d_xs.values() if isinstance(d_xs, dict) else [] if d_xs is None else [d_xs]
    found = [*d_params.values(), *inputs, *d_states.values()]
    others = [*given.params.values(), *given.inputs.values(), *given.states.values(), given.d_output, outputs]
    assert not any(np.shares_memory(a, b) for a, b in combinations(found, 2))
    assert not any(np.shares_memory(a, b) for a in found for b in others)
    assert all(isinstance(a, np.ndarray) and a.flags.writeable for a in found)


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_of_a_weight_by_matrices_of_a_step_no_gradient_of_a_step_is_kept(target: str) -> None:
    source = functions_of("weights_of_matrices", target).source
    assert source.count("->ik") == 3
    assert not re.search(r"d_[WVA] = .*sum\(.*@", source)


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_a_long_name_stays_whole(target: str) -> None:
    long = ["".join([letter, "_", "long" * 25]) for letter in "abc"]
    equation = " + ".join(f"{name} * x[t]" for name in long)
    cell = from_equations(f"h[t] = tanh({equation} + r * h[t-1])", sizes={"h": "H", "x": "H"})
    source = generate(cell, gradient(cell), target)
    compile(source, target, "exec")
    assert all(name in source for name in long)


@pytest.mark.parametrize("name", CELLS)
def test_no_name_hides_another(name: str) -> None:
    """All that a file's functions call their own is in TEMPLATE or the cell's; nothing has the name of a builtin."""
    tree = ast.parse(functions_of(name).source)
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    assert functions.keys() <= TEMPLATE | FUNCTIONS
    cell = cell_of(name)
    own = (*cell.inputs, *cell.parameters, *cell.constant_symbols, *cell.previous, *cell.values.values())
    taken = identifiers(dict.fromkeys(own), {}, ()).values()
    for scope in ("_forward", "_backward", "shapes", "init", "_prepare"):
        args = {a.arg for a in ast.walk(functions[scope]) if isinstance(a, ast.arg)}
        stored = {a.id for a in ast.walk(functions[scope]) if isinstance(a, ast.Name) and isinstance(a.ctx, ast.Store)}
        assert not (args | stored) & PYTHON - {"_", "match"}
        assert not stored & functions.keys()
        if scope in {"shapes", "init", "_prepare"}:
            assert args | stored <= TEMPLATE | {size_text(z) for z in cell.sizes} | {"_"} | {*taken}


@pytest.mark.parametrize("word", ["lambda", "class", "len", "zip", "match", "np", "_shape", "B", "sigmoid"])
def test_an_identifier_hides_nothing(word: str) -> None:
    one = size(1)
    assert identifiers([symbol(word, (one, one))], {}, ()) == {symbol(word, (one, one)): f"{word}_"}
    assert size_text(size(word)) == f"{word}_"


def test_nothing_can_leave_the_docstring() -> None:
    title = 'Title\\" """; import os; """ \\'
    cell = loads(f"name = 'sly'\ntitle = '{title}'\noutput = 'h'\nequations = 'h[t] = x[t]'\n[sizes]\nx = 'X'")
    tree = ast.parse(generate(cell, gradient(cell)))
    assert (ast.get_docstring(tree) or "").startswith(title)
    assert not any(isinstance(node, ast.Import) and node.names[0].name == "os" for node in tree.body)


def test_the_docstring_has_the_equations_as_they_are_described() -> None:
    cell = load("rnn")
    source = generate(cell, gradient(cell), describe=lambda e: f"<{e.target}>")
    assert (ast.get_docstring(ast.parse(source)) or "").count("<h[t]>") == 1


def test_source_and_traceback_show_the_generated_lines() -> None:
    f, params = lstm()
    assert inspect.getsource(f.forward) in f.source
    assert f.step.__doc__
    assert "x is (B, X)." in f.step.__doc__
    with pytest.raises(ValueError, match="xs must be") as caught:
        f.forward(params, np.ones((1, 1, 1)))
    assert "raise ValueError(f" in "".join(traceback.format_exception(caught.value))


def test_the_lstm_as_a_golden(golden: Callable[[str, str], None]) -> None:
    golden("code/lstm.numpy.py", functions_of("lstm").source)


def loop_of(source: str) -> list[str]:
    """What the loop of the forward direction does, line by line."""
    tree = ast.parse(source)
    forward = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "_forward")
    return [ast.unparse(line) for node in forward.body if isinstance(node, ast.For) for line in node.body]


@pytest.mark.parametrize("name", library())
def test_a_loop_takes_no_python_numbers_and_no_view_of_the_step_before(name: str) -> None:
    source = functions_of(name).source
    lines = loop_of(source)
    assert lines
    numbers = [part for line in lines for part in ast.walk(ast.parse(line)) if isinstance(part, ast.Constant)]
    assert not [part.value for part in numbers if part.value is not Ellipsis]
    assert "[:-1], " not in source.partition("def _backward")[0]


@pytest.mark.parametrize("name", ["layer_norm", "folded_made"])
def test_every_line_of_a_loop_is_one_call_of_what_is_there(name: str) -> None:
    """Sums, one value beside several, and what is the same for all steps make no array in the loop."""
    for line in map(ast.parse, loop_of(functions_of(name).source)):
        made = [part for part in ast.walk(line) if isinstance(part, (ast.BinOp, ast.UnaryOp, ast.Subscript))]
        assert not [ast.unparse(part) for part in made]
        assert sum(isinstance(part, ast.Call) for part in ast.walk(line)) <= 1, ast.unparse(line)


def test_nothing_is_negated_from_rows_into_rows() -> None:
    """np.negative takes other entries of a column that has 64 bytes between its entries (NumPy 2.4, with AVX-512)."""
    names = [*CELLS, "mlstm"]
    calls = [node for name in names for node in ast.walk(ast.parse(functions_of(name).source)) if is_negative(node)]
    assert calls
    assert not [ast.unparse(call) for call in calls if len(call.args) + len(call.keywords) > 1]
    delta = str(HERE.parent / "reading" / "papers" / "delta.toml")
    for case, dtype in (
        (Case(1, 4, (3, 1)), "float64"),
        (Case(1, 4, (1, 1)), "float32"),
    ):  # stacks of 8, 4 rows
        found = WAYS["numpy"].run(delta, sample_of(delta, case, dtype), dtype)
        assert not faults(found, delta, case, dtype, WAYS["numpy"].gives)


def is_negative(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "np.negative"


def test_gates_that_are_normalised_each_for_itself_are_so_in_one_call() -> None:
    lines = loop_of(functions_of("layer_norm").source)
    assert sum("np.matmul(ones" in line for line in lines) == 2
    assert not [line for line in lines if "sigmoid" in line], "a square takes no small number for a large one"
    assert [line for line in lines if "_by_3 /=" in line] == ["fig_by_3 /= fig_6_by_3"]
    assert [line for line in lines if "_by_3 -=" in line] == ["a_fig_by_3 -= m_fig_by_3"]


def test_numbers_and_the_step_before_have_names() -> None:
    lines = loop_of(functions_of("lstm").source)
    assert "fio *= half" in lines
    assert lines[-1] == "c_prev, h_prev = (c, h)"
    assert "half = np.array(0.5, xs.dtype)" in functions_of("lstm").source


@pytest.mark.parametrize(
    ("equation", "vectors"),
    [
        ("h[t] = tanh(W @ x[t] + p * h[t-1] + b)", {"p", "b"}),
        ("h[t] = p * tanh(W @ (p * x[t])) + h[t-1] * b", {"p", "b"}),
        ("h[t] = tanh(W @ x[t] + h[t-1] * sum(p)) + b", {"b"}),
        ("h[t] = tanh(W @ p + h[t-1]) * softmax(b) + x[t]", set()),
        ("h[t] = tanh(p * h[t-1] + x[t] * (p.T @ h[t-1])) + b", {"b"}),
        ("h[t] = (p.T @ x[t]) * h[t-1] + (x[t] @ b.T) @ h[t-1]", set()),
    ],
)
def test_vectors_that_are_met_entry_by_entry_are_repeated(equation: str, vectors: set[str]) -> None:
    cell = loads(f'name = "cell"\noutput = "h"\nequations = "{equation}"\n[sizes]\nx = 3\nh = 3\np = 3\nb = 3')
    sweep = sequence(cell, gradient(cell)).forward
    assert {str(s) for s in repeated(sweep, ())} & {"p", "b"} == vectors


def test_a_vector_that_a_product_takes_in_the_same_sum_is_not_repeated() -> None:
    """d_u = d_A p + d_h * p: of p for every sample that product would be B times as long."""
    text = "u[t] = tanh(W @ h[t-1]) + x[t]\nA[t] = tanh(A[t-1]) + u[t] @ p.T\nh[t] = A[t] @ x[t] + u[t] * p"
    cell = Cell.from_equations(text, name="cell", sizes={"x": "H", "u": "H", "A": ["H", "H"]}, output="h")
    assert repeated(sequence(cell, gradient(cell)).backward, ()) == set()


def test_targets_say_what_they_are() -> None:
    assert all(target.words and target.suffix.startswith(".") for target in TARGETS.values())


# ── PyTorch's own modules ──


def from_torch(name: str, module: Any) -> dict[str, np.ndarray]:
    """PyTorch's weights under our names: gates stacked i, f, g, o and r, z, n, each with two biases."""
    W, U, b, d = (p.detach().numpy() for p in module.parameters())
    if name == "rnn":
        return {"W": W, "U": U, "b": b + d}
    gates = "ifgo" if name == "lstm" else "rzn"
    found: dict[str, np.ndarray] = {}
    for k, gate in enumerate(gates):
        rows = slice(k * module.hidden_size, (k + 1) * module.hidden_size)
        found |= {f"W_{gate}": W[rows], f"U_{gate}": U[rows], f"b_{gate}": b[rows] + d[rows]}
        if name != "lstm" and gate == "n":
            found |= {"b_in": b[rows], "b_hn": d[rows]}
            del found["b_n"]
    return found


@pytest.mark.torch
@pytest.mark.parametrize(("name", "kind"), [("rnn", "RNN"), ("lstm", "LSTM"), ("gru_reset_after", "GRU")])
@pytest.mark.parametrize(("B", "T", "X", "H"), [(1, 1, 1, 1), (3, 5, 4, 2), (2, 7, 3, 6)])
def test_the_same_as_torch_nn(torch: ModuleType, name: str, kind: str, B: int, T: int, X: int, H: int) -> None:
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(X, H, batch_first=True, dtype=torch.float64)
    f = functions_of(name)
    params = from_torch(name, module)
    assert params.keys() == f.shapes(X, H).keys()
    names = ["h", "c"] if name == "lstm" else ["h"]
    start = {k: torch.randn(1, B, H, dtype=torch.float64, requires_grad=True) for k in names}
    xs = torch.randn(B, T, X, dtype=torch.float64, requires_grad=True)
    y, last = module(xs, tuple(start.values()) if len(names) > 1 else start["h"])
    seeds = {k: torch.randn(B, H, dtype=torch.float64) for k in names}
    d_y = torch.randn(B, T, H, dtype=torch.float64)
    finals = dict(zip(names, last if len(names) > 1 else [last], strict=True))
    ((y * d_y).sum() + sum((finals[k][0] * seeds[k]).sum() for k in names)).backward()

    outputs, trace, cache = f.forward(params, xs.detach().numpy(), {k: s.detach().numpy()[0] for k, s in start.items()})
    d_params, d_xs, d_start = f.backward(params, cache, d_y.numpy(), {k: s.numpy() for k, s in seeds.items()})
    np.testing.assert_allclose(outputs, y.detach().numpy(), atol=1e-10)
    for k in names:
        np.testing.assert_allclose(trace[k][:, -1], finals[k].detach().numpy()[0], atol=1e-10)
        np.testing.assert_allclose(d_start[k], start[k].grad.numpy()[0], atol=1e-10)
    np.testing.assert_allclose(d_xs, xs.grad.numpy(), atol=1e-10)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(p.grad)
    wanted = from_torch(name, module)
    for k, d in d_params.items():
        twice = 2 if k.startswith("b") and k not in {"b_in", "b_hn"} else 1  # both of torch's biases have this gradient
        np.testing.assert_allclose(d * twice, wanted[k], atol=1e-10, err_msg=k)


def test_nothing_of_a_step_is_made_to_be_copied() -> None:
    """A softmax and a column times a scalar go where they belong; columns of a weight are one piece for `dot`."""
    sums = "s[t] = softmax(K @ h[t-1] + q[t])\nq[t] = W @ x[t]\nk[t] = w.T @ h[t-1]"
    text = f"{sums}\nh[t] = tanh(V @ concat(s[t], x[t]) + p @ k[t])"
    cell = from_equations(text, sizes={"x": "X", "h": "H", "p": "H", "s": "S"}, output="h")
    source = generate(cell, gradient(cell))
    for line in ("V_1 = V[:, :S].copy()", "V_1.dot(s, part)", "softmax(pre_s, s)", "np.multiply(p, k, part)"):
        assert f"    {line}\n" in source
