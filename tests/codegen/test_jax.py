"""The generated JAX file: right for every cell and type, and at home in what JAX does with a function."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmgraph import library, load
from lstmgraph.algebra.names import name_of
from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.codegen import Functions, functions, generate, lambdify
from lstmgraph.errors import MissingExtra
from lstmgraph.numeric.check import largest_error, reference_rows
from lstmgraph.numeric.rows import batch_rows, parameter_rows, sequence_rows
from lstmgraph.numeric.sample import Sample, draw
from lstmgraph.reading import loads
from tests.codegen.test_numpy import OWN

jax = pytest.importorskip("jax")
jnp = jax.numpy

pytestmark = pytest.mark.jax
PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
TWICE = """
name = "twice"
output = "h"
equations = '''
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + V_f @ k[t-1])
g[t] = tanh(W_g @ x[t] + U_g @ h[t-1] + V_g @ k[t-1])
h[t] = f[t] * h[t-1] + (1 - f[t]) * g[t]
k[t] = identity(x[t])
'''
sizes = {x = "X", h = "H"}
"""
KEPT = 'name = "kept"\noutput = "h"\nequations = """\nk[t] = identity(k[t-1])\nh[t] = tanh(W @ x[t]) * k[t-1]\n"""\n'
KEPT += '[sizes]\nx = "X"\nh = "H"\nk = "H"\n'
MORE = OWN | {"twice": TWICE, "kept": KEPT}
CELLS = [*library(), *MORE, *PAPERS]


@lru_cache
def cell_of(name: str) -> Cell:
    return loads(MORE[name]) if name in MORE else load(name)


@lru_cache
def functions_of(name: str) -> Functions:
    return lambdify(cell_of(name), gradient(cell_of(name)), "jax")


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def ran(cell: Cell, forward: Any, sample: Sample, dtype: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values and gradients that a function computes from a sample, by name: of states, those at either end."""

    def array(rows: Any) -> Any:
        return jnp.asarray(np.array(rows, dtype))

    params = {p.name: array(parameter_rows(p, sample.parameters[p.name])) for p in cell.parameters}
    states = {s.name: array(batch_rows(s.next, sample.states[s.name])) for s in cell.states}
    own = {name_of(x).base: array(sequence_rows(x, sample.inputs[name_of(x).base])) for x in cell.inputs}
    d_output = array(sequence_rows(cell.values[cell.output], sample.d_output))
    d_states = {s.name: array(batch_rows(s.next, sample.d_states[s.name])) for s in cell.states}

    def sequence(params: Any, own: Any, states: Any) -> Any:
        return forward(params, own if len(own) > 1 else next(iter(own.values()), sample.steps), states)

    (outputs, last), back = jax.vjp(sequence, params, own, states)
    d_params, d_own, d_start = back((d_output, d_states))
    values, starts = {"the output": outputs, **last}, {f"{name}[0]": d for name, d in d_start.items()}
    arrays = {k: np.asarray(v) for k, v in {**d_params, **d_own, **starts}.items()}
    return {k: np.asarray(v) for k, v in values.items()}, arrays


RUNS = [("forward", np.float64, 1e-12), ("forward", np.float32, 5e-6), ("reference", np.float64, 1e-12)]


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("case", [(1, 1, (1,)), (3, 4, (2, 5, 3))], ids=str)
def test_values_and_gradients_are_the_interpreters(name: str, case: tuple[int, int, tuple[int, ...]]) -> None:
    cell, (batch, steps, numbers) = cell_of(name), case
    sizes = {z: numbers[k % len(numbers)] for k, z in enumerate(cell.sizes)}
    sample = draw(cell, sizes, batch, steps, seed=3)
    assert sample is not None
    values, gradients = reference_rows(cell, gradient(cell), sample)
    values = {k: v if k == "the output" else v[:, -1] for k, v in values.items()}
    for which, dtype, bound in RUNS if steps > 1 and name in library() else RUNS[:1]:
        with jax.disable_jit():
            both = ran(cell, getattr(functions_of(name), which), sample, dtype)
        for found, wanted in zip(both, (values, gradients), strict=True):
            assert found.keys() == wanted.keys()
            assert {a.dtype for a in found.values()} == {np.dtype(dtype)}
            error, worst = largest_error(found, wanted, floor=0.1)
            assert error < bound, (which, dtype, worst)


# ── what JAX does with a function ──

T, B, X, H = 3, 2, 2, 3
NEW = ["gru", "peephole_lstm"]


def small(name: str) -> tuple[Any, Any, Any]:
    """Parameters, a sequence and states."""
    keys = jax.random.split(jax.random.key(0), 3)
    params = functions_of(name).init(keys[0], X, H)
    states = {s.name: jax.random.uniform(keys[1], (B, H)) + 0.5 for s in cell_of(name).states}
    return params, jax.random.normal(keys[2], (B, T, X)), states


def loss_of(forward: Any) -> Callable[..., Any]:
    def loss(params: Any, xs: Any, states: Any) -> Any:
        outputs, last = forward(params, xs, states)
        return jnp.sum(outputs**2) + sum(jnp.sum(jnp.sin(s)) for s in last.values())

    return loss


def same(found: Any, wanted: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", NEW)
def test_jit_and_grad_of_all_that_goes_in(name: str) -> None:
    given = small(name)
    derived, plain = (
        jax.jit(jax.value_and_grad(loss_of(f), (0, 1, 2)))
        for f in (functions_of(name).forward, functions_of(name).reference)
    )
    same(derived(*given), plain(*given))


def test_vmap_over_sequences_and_over_parameters() -> None:
    params, xs, states = small("peephole_lstm")
    f = functions_of("peephole_lstm")
    many = jnp.stack([xs, 2 * xs, -xs])
    found = jax.jit(jax.vmap(jax.grad(loss_of(f.forward)), (None, 0, None)))(params, many, states)
    one = jax.grad(loss_of(f.reference))
    same(jax.tree.map(lambda a: a[2], found), one(params, many[2], states))
    stacked = jax.tree.map(lambda a: jnp.stack([a, a / 2]), params)
    found = jax.jit(jax.vmap(jax.grad(loss_of(f.forward)), (0, None, None)))(stacked, xs, states)
    same(jax.tree.map(lambda a: a[1], found), one(jax.tree.map(lambda a: a / 2, params), xs, states))


@pytest.mark.parametrize("outer", ["grad", "jvp"])
def test_derivatives_of_gradients(outer: str) -> None:
    params, xs, states = small("gru")

    def derived(forward: Any) -> Any:
        inner = jax.grad(loss_of(forward), 1)
        if outer == "jvp":
            return jax.jvp(lambda xs: inner(params, xs, states), (xs,), (jnp.ones_like(xs),))[1]
        return jax.grad(lambda params: jnp.sum(inner(params, xs, states) ** 2))(params)

    f = functions_of("gru")
    same(derived(f.forward), derived(f.reference))


def test_forward_mode_is_that_of_the_reference() -> None:
    params, xs, states = small("peephole_lstm")
    f = functions_of("peephole_lstm")
    _, found = jax.jvp(lambda xs: f.reference(params, xs, states)[0], (xs,), (jnp.ones_like(xs),))
    step = 1e-6
    difference = (f.forward(params, xs + step, states)[0] - f.forward(params, xs - step, states)[0]) / (2 * step)
    np.testing.assert_allclose(found, difference, rtol=1e-6, atol=1e-8)
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda xs: f.forward(params, xs, states)[0], (xs,), (jnp.ones_like(xs),))


@pytest.mark.parametrize("name", NEW)
def test_steps_one_by_one_are_the_sequence(name: str) -> None:
    params, xs, _ = small(name)
    f = functions_of(name)
    outputs, last = f.forward(params, xs)
    states: Any = None
    for t in range(T):
        output, states = f.step(params, xs[:, t], states)
        same(output, outputs[:, t])
    same(states, last)


def test_parameters_are_within_their_bounds() -> None:
    f = functions_of("lstm")
    params = f.init(jax.random.key(1), 100, 50, dtype=jnp.float32)
    assert {name: p.shape for name, p in params.items()} == f.shapes(100, 50)
    for p in params.values():
        assert p.dtype == jnp.float32
        assert 0.8 * p.shape[-1] ** -0.5 < jnp.abs(p).max() <= p.shape[-1] ** -0.5


SHARDED = """
import re, sys
import jax, jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec
namespace = {"__name__": "generated"}
exec(sys.stdin.read(), namespace)
params = namespace["init"](jax.random.key(0), 4, 8)
mesh = jax.make_mesh((2,), ("samples",), axis_types=(AxisType.Auto,))
xs = jax.random.normal(jax.random.key(1), (6, 5, 4))
given = (jax.device_put(params, NamedSharding(mesh, PartitionSpec())),
         jax.device_put(xs, NamedSharding(mesh, PartitionSpec("samples"))))
for name in ("forward", "reference"):
    gradient = jax.jit(jax.grad(lambda params, xs: jnp.sum(namespace[name](params, xs)[0] ** 2)))
    compiled = gradient.lower(*given).compile()
    alone, both = gradient(params, xs), compiled(*given)
    assert all(jnp.allclose(both[k], d, rtol=1e-4, atol=1e-5) for k, d in alone.items())
    for part in re.split(r"\\n(?=\\S)", compiled.as_text()):
        for word in re.findall(r" (all-\\S+|collective-permute|reduce-scatter)\\(", part):
            print(name, "in the program" if part.startswith("ENTRY") else "in a loop", word)
"""


def test_samples_over_two_devices_take_one_collective_for_all_gradients() -> None:
    """Outside the loop; the gradients of a plain scan take one in every step."""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    source = functions_of("peephole_lstm").source
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        input=source,
        text=True,
        capture_output=True,
        check=False,
        env=os.environ | flags,
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    assert [line for line in found if line.startswith("forward")] == ["forward in the program all-reduce"]
    assert "reference in a loop all-reduce" in found


# ── what comes out ──


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "gru", "gru_reset_after"])
def test_no_product_with_a_weight_is_summed_in_the_loop(name: str) -> None:
    """A step has the products with the recurrent weights only."""
    source = functions_of(name).source
    there, back = (part.partition("\n\n\n")[0] for part in re.split(r"def _(?:forward|backward)\(", source)[1:])
    for part in (there, back):
        loop = part.partition("def one_step(")[2].partition("return ")[0]
        assert 1 <= loop.count(" @ ") <= 2
        assert "einsum" not in loop
        assert "W_" not in loop


@pytest.mark.parametrize("name", CELLS)
def test_the_text_is_standalone_python(name: str) -> None:
    source = functions_of(name).source
    tree = ast.parse(source)
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    own = [] if cell_of(name).inputs else ["from functools import partial"]
    assert imports == [*own, "import jax", "import jax.numpy as jnp"]
    assert all(ast.get_docstring(part) for part in tree.body if isinstance(part, ast.FunctionDef))
    assert max(map(len, source.partition('"""\n\n')[2].splitlines())) <= 120  # an equation may be long
    assert not [line for line in source.splitlines() if line != line.rstrip()]
    assert source.endswith("\n")
    assert "\n\n\n\n" not in source


def test_the_same_text_each_time(golden: Callable[[str, str], None]) -> None:
    golden("code/lstm.jax.py", functions_of("lstm").source)


def test_without_jax_the_text_is_there_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "find_spec", lambda name: None)
    message = r"of the target 'jax' need jax, which is not installed\nhint: pip install 'lstmgraph\[jax\]'"
    with pytest.raises(MissingExtra, match=message):
        lambdify(load("rnn"), gradient(load("rnn")), "jax")
    assert "def forward" in generate(load("rnn"), gradient(load("rnn")), "jax")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, p, xs: f.forward(p, xs[..., :1]), r"xs must be \(B, T, X=2\), got \(2, 3, 1\)"),
        (lambda f, p, xs: f.forward(p, xs[0]), r"xs must be \(B, T, X=2\), got \(3, 2\)"),
        (lambda f, p, xs: f.forward(p, xs[:, :0]), "at least one step"),
        (lambda f, p, xs: f.step(p, xs), r"x must be \(B, X=2\), got \(2, 3, 2\)"),
        (lambda f, p, xs: f.reference({}, xs), "params must be a dict of W_f, .*, got nothing"),
        (lambda f, p, xs: f.forward(p, xs, {"c": jnp.ones((B, H))}), "states must be a dict of c, h, got c$"),
        (
            lambda f, p, xs: jax.jit(f.forward)(p, xs, {"c": jnp.ones((B, H)), "h": jnp.ones((1, H))}),
            r"states\['h'\] must be \(B=2, H=3\), got \(1, 3\)",
        ),
    ],
)
def test_what_is_wrong_is_named(call: Any, message: str) -> None:
    params, xs, _ = small("lstm")
    with pytest.raises(ValueError, match=message):
        call(functions_of("lstm"), params, xs)
