"""The generated JAX file: right for every cell and type, and at home in what JAX does with a function."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from lstmgraph import load
from lstmgraph.calculus import gradient
from lstmgraph.codegen import functions, generate, lambdify
from lstmgraph.errors import MissingExtra
from lstmgraph.numeric.xla import quick
from lstmgraph.reading import from_equations
from tests.codegen.equality import CELLS, cell_of
from tests.codegen.equality import functions_of as of_target

jax = pytest.importorskip("jax")
jnp = jax.numpy

pytestmark = pytest.mark.jax
functions_of = partial(of_target, target="jax")


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


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


def once(function: Any, *given: Any) -> Any:
    return quick(jax.jit(function), *given)(*given)


def same(found: Any, wanted: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", NEW)
def test_jit_and_grad_of_all_that_goes_in(name: str) -> None:
    f = functions_of(name)
    same(*(once(jax.value_and_grad(loss_of(way), (0, 1, 2)), *small(name)) for way in (f.forward, f.reference)))


def test_vmap_over_sequences_and_over_parameters() -> None:
    params, xs, states = small("peephole_lstm")
    f = functions_of("peephole_lstm")
    many = jnp.stack([xs, 2 * xs, -xs])
    found = once(jax.vmap(jax.grad(loss_of(f.forward)), (None, 0, None)), params, many, states)
    one = quick(jax.jit(jax.grad(loss_of(f.reference))), params, xs, states)
    same(jax.tree.map(lambda a: a[2], found), one(params, many[2], states))
    stacked = jax.tree.map(lambda a: jnp.stack([a, a / 2]), params)
    found = once(jax.vmap(jax.grad(loss_of(f.forward)), (0, None, None)), stacked, xs, states)
    same(jax.tree.map(lambda a: a[1], found), one(jax.tree.map(lambda a: a / 2, params), xs, states))


@pytest.mark.parametrize("outer", ["grad", "jvp"])
def test_derivatives_of_gradients(outer: str) -> None:

    def derived(forward: Any, params: Any, xs: Any, states: Any) -> Any:
        inner = jax.grad(loss_of(forward), 1)
        if outer == "jvp":
            return jax.jvp(lambda xs: inner(params, xs, states), (xs,), (jnp.ones_like(xs),))[1]
        return jax.grad(lambda params: jnp.sum(inner(params, xs, states) ** 2))(params)

    f = functions_of("gru")
    same(*(once(partial(derived, way), *small("gru")) for way in (f.forward, f.reference)))


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


@pytest.mark.parametrize("name", NEW)
def test_a_turn_of_the_loop_is_four_steps_of_one_sample(name: str) -> None:
    """Also where the steps are no multiple of four."""
    params, xs, states = small(name)
    f = functions_of(name)
    xs, states = jnp.concatenate([xs, xs, -xs], 1)[:1], {name: s[:1] for name, s in states.items()}
    assert xs.shape == (1, 9, X)
    given = (params, xs, states)
    same(*(once(jax.value_and_grad(loss_of(way), (0, 1, 2)), *given) for way in (f.forward, f.reference)))
    assert "unroll=4" in str(jax.make_jaxpr(f.forward)(*given))
    assert "unroll=4" not in str(jax.make_jaxpr(f.forward)(*small(name)))


def test_parameters_are_within_their_bounds() -> None:
    f = functions_of("lstm")
    params = f.init(jax.random.key(1), 100, 50, dtype=jnp.float32)
    assert {name: p.shape for name, p in params.items()} == f.shapes(100, 50)
    for p in params.values():
        assert p.dtype == jnp.float32
        assert 0.8 * p.shape[-1] ** -0.5 < jnp.abs(p).max() <= p.shape[-1] ** -0.5


SHARDED = """
import json, re, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from lstmgraph.numeric.xla import quick

mesh = jax.make_mesh((2,), ("samples",), axis_types=(AxisType.Auto,))
xs = jax.random.normal(jax.random.key(1), (6, 5, 4))
for cell, (source, names) in json.load(sys.stdin).items():
    namespace = {"__name__": "generated"}
    exec(source, namespace)
    params = namespace["init"](jax.random.key(0), 4, 8)
    given = (jax.device_put(params, NamedSharding(mesh, PartitionSpec())),
             jax.device_put(xs, NamedSharding(mesh, PartitionSpec("samples"))))
    for name in names:
        gradient = jax.jit(jax.grad(lambda params, xs: jnp.sum(namespace[name](params, xs)[0] ** 2)))
        compiled = quick(gradient, *given)
        alone, both = jax.device_get((quick(gradient, params, xs)(params, xs), compiled(*given)))
        assert all(np.allclose(both[k], d, rtol=1e-4, atol=1e-5) for k, d in alone.items())
        for part in re.split(r"\\n(?=\\S)", compiled.as_text()):
            for word in re.findall(r" (all-\\S+|collective-permute|reduce-scatter)\\(", part):
                print(cell, name, "in the program" if part.startswith("ENTRY") else "in a loop", word)
"""
MESHES = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
from lstmgraph.numeric.xla import quick

auto, explicit = (jax.make_mesh((2,), ("samples",), axis_types=(kind,)) for kind in (AxisType.Auto, AxisType.Explicit))
xs = jax.random.normal(jax.random.key(1), (6, 5, 4))
given = {"no states": None, "states": {"h": jax.random.normal(jax.random.key(2), (6, 8))}}

def put(arrays, spec):
    return jax.device_put(arrays, NamedSharding(explicit, spec))

def gradients(loss, params, states, kind):
    if kind == "explicit":
        with jax.set_mesh(explicit):
            return quick(jax.jit(jax.grad(loss)), put(params, P()), put(xs, P("samples")), put(states, P("samples")))
    inside = jax.grad(loss) if kind == "inside" else lambda *given: jax.lax.psum(loss(*given), "samples")
    spread = jax.shard_map(inside, mesh=auto, in_specs=(P(), P("samples"), P("samples")), out_specs=P())
    return quick(jax.jit(spread if kind == "inside" else jax.grad(spread)), params, xs, states)

for cell, source in json.load(sys.stdin).items():
    namespace = {"__name__": "generated"}
    exec(source, namespace)
    params = namespace["init"](jax.random.key(0), 4, 8)
    for name in ("forward", "reference"):
        loss = lambda *given: jnp.sum(namespace[name](*given)[0] ** 2)
        for what, states in given.items():
            alone = jax.device_get(quick(jax.jit(jax.grad(loss)), params, xs, states)(params, xs, states))
            for kind in ("inside", "around", "explicit"):
                compiled = gradients(loss, params, states, kind)
                rows = (put(params, P()), put(xs, P("samples")), put(states, P("samples")))
                both = jax.device_get(compiled(*(rows if kind == "explicit" else (params, xs, states))))
                assert all(np.allclose(both[k], d, rtol=1e-4, atol=1e-5) for k, d in alone.items())
                sums = compiled.as_text().count(" all-reduce(")
                print(cell, name, what, kind, sums)
"""
SPREAD = ["peephole_lstm", "gru"]  # of which the second has a product amid its step


def over_two_devices(script: str, given: Any) -> list[str]:
    """What a script prints where JAX has two devices."""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(given),
        text=True,
        capture_output=True,
        check=False,
        env=os.environ | flags,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_samples_over_two_devices_take_one_collective_for_all_gradients() -> None:
    """Outside the loop; the gradients of a plain scan take one in every step."""
    sources = {name: (functions_of(name).source, ["forward"]) for name in SPREAD}
    sources["rnn"] = (functions_of("rnn").source, ["forward", "reference"])
    found = over_two_devices(SHARDED, sources)
    for name in sources:
        own = [line for line in found if line.startswith(f"{name} forward")]
        assert own == [f"{name} forward in the program all-reduce"]
    assert "rnn reference in a loop all-reduce" in found


def test_in_shard_map_and_on_a_mesh_with_explicit_axes_gradients_are_those_of_one_device() -> None:
    """With one sum over the devices for all parameters."""
    found = over_two_devices(MESHES, {"gru": functions_of("gru").source})
    assert len(found) == 2 * 2 * 3
    assert not [line for line in found if " forward " in line and not line.endswith(" 1")]


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


@pytest.mark.parametrize(
    ("name", "there", "back"),
    [
        ("rnn", "h, h", "d_h_prev, delta_h"),
        ("gru", "h, (r, z, g, h)", "d_h_prev, delta_gzr"),
        ("peephole_lstm", "(c, h), (f, i, g, c, o, h)", "(d_c_prev, d_h_prev, d_p_f, d_p_i, d_p_o), delta_ogif"),
    ],
)
def test_what_can_be_had_again_is_not_kept(name: str, there: str, back: str) -> None:
    """Not what is made of kept values entry by entry, as tanh(c), and not the rows of what is kept."""
    source = functions_of(name).source
    ends = [part.partition("return ")[2].partition("\n")[0] for part in source.split("    def one_step(")[2:]]
    assert ends == [there, back]


def test_a_sum_of_products_over_all_steps_turns_its_narrower_factor() -> None:
    """Its parts are then columns; one that has no parts is as it is."""
    source = functions_of("gru").source
    assert "d_W_gzr_T = flat(xs).T @ flat(delta_gzrs)" in source
    assert '"W_z": d_W_gzr_T[:, H:2*H].T' in source
    assert "d_U_g = flat(delta_gs).T @ flat(g_1s)" in source


def test_sums_of_vectors_that_a_step_makes_for_them_alone_are_added_up_in_the_loop() -> None:
    """Of each sample, so that samples of several devices meet after it; what is kept anyway is summed after it."""
    back = functions_of("peephole_lstm").source.partition("def _backward(")[2]
    loop, _, after = back.partition("def one_step(")[2].partition("reverse=True")
    assert [line.strip() for line in loop.splitlines() if "+=" in line] == [
        "d_p_f += delta_f * c_prev",
        "d_p_i += delta_i * c_prev",
        "d_p_o += delta_o * c",
    ]
    assert "d_p_f = d_p_i = d_p_o = jnp.zeros_like(d_outputs, shape=(B, H))" in loop
    sums = dict(re.findall(r"(\w+) = jnp.sum\((.*)\)", after))
    assert sums == {"d_b_ogif": "delta_ogifs, axis=(0, 1)"} | {f"d_p_{gate}": f"d_p_{gate}, axis=0" for gate in "fio"}
    assert "delta_fs" not in back


def test_sums_of_matrices_of_a_step_are_added_up_in_the_loop() -> None:
    """So none but the state and what costs a function is kept of all steps, and none that is summed there is stored."""
    source = functions_of("decays").source
    back = source.partition("def _backward(")[2]
    loop = back.partition("def one_step(")[2].partition("reverse=True")[0]
    added = [line.split(" += ")[0].strip() for line in loop.splitlines() if "+=" in line]
    assert added == ["d_gamma", "d_A_sum", "d_ones", "d_u"]
    assert "d_A_sum = jnp.zeros_like(d_outputs, shape=(B, H, N))" in loop
    assert "return (d_M_prev, d_gamma, d_A_sum, d_ones, d_u), (d_k, d_d)" in loop
    assert "M_2s" not in back


def test_terms_of_a_sum_that_the_loop_adds_up_are_those_of_one_step() -> None:
    """None of them is a sum over all steps, which the loop would add as often as there are steps."""
    back = functions_of("both_terms").source.partition("def _backward(")[2]
    assert 'd_b += jnp.einsum("...ij,...j->...i", d_M, x) + d_y_1 + d_y_3' in back
    assert "proj_d_b" not in back


@pytest.mark.parametrize("name", CELLS)
def test_the_text_is_standalone_python(name: str) -> None:
    source = functions_of(name).source
    tree = ast.parse(source)
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    own = [] if cell_of(name).inputs else ["from functools import partial"]
    assert imports == [*own, "import jax", "import jax.numpy as jnp"]
    assert all(ast.get_docstring(part) for part in tree.body if isinstance(part, ast.FunctionDef))
    assert max(map(len, source.splitlines())) <= 120
    assert not [line for line in source.splitlines() if line != line.rstrip()]
    assert source.endswith("\n")
    assert "\n\n\n\n" not in source


def test_the_same_text_each_time(golden: Callable[[str, str], None]) -> None:
    golden("code/lstm.jax.py", functions_of("lstm").source)


@pytest.mark.parametrize(
    ("value", "a", "b", "wanted"),
    [("a ** 0.5", -1.0, 0.0, np.nan), ("1 / (a - b)", 1.0, 1.0, np.inf), ("a ** b", 10.0, 400.0, np.inf)],
)
def test_constants_are_no_numbers_of_python(value: str, a: float, b: float, wanted: float) -> None:
    """Of which a power may be complex, and a quotient an exception."""
    constants = {name: number for name, number in (("a", a), ("b", b)) if name in value}
    cell = from_equations(f"h[t] = {value} * x[t]", sizes={"x": "H", "h": "H"}, constants=constants)
    f = lambdify(cell, gradient(cell), "jax")
    for outputs in (f.forward({}, jnp.ones((1, 1, 1)))[0], f.step({}, jnp.ones((1, 1)))[0]):
        assert outputs.dtype == jnp.ones(1).dtype
        np.testing.assert_array_equal(outputs.ravel(), [wanted])


@pytest.mark.parametrize("key", [0, None, "0", np.random.default_rng(0)])
def test_what_is_no_key_is_told(key: object) -> None:
    with pytest.raises(TypeError, match=r"^key must be such as jax\.random\.key\(0\), got "):
        functions_of("lstm").init(key, X=2, H=3)


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
        (lambda f, p, xs: f.forward(p, {"x": xs}), "xs must be an array, got a dict"),
        (lambda f, p, xs: f.reference({}, xs), "the names in params are wrong; missing: W_f, .*, b_o$"),
        (lambda f, p, xs: f.forward(p | {"W_f": p["W_f"].T}, xs), r"U_f is \(3, 3\), .* W_f \(2, 3\): one is wrong"),
        (lambda f, p, xs: f.forward(p, xs, {"c": jnp.ones((B, H))}), "the names in states are wrong; missing: h$"),
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
