"""The generated PyTorch file: right for every cell and type, and at home in what PyTorch does with a module."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmgraph import library, load
from lstmgraph.calculus import gradient
from lstmgraph.cell import Cell
from lstmgraph.codegen import Functions, functions, generate, lambdify
from lstmgraph.codegen.identifiers import RESERVED
from lstmgraph.codegen.targets.torch import MODULE
from lstmgraph.errors import MissingExtra
from lstmgraph.numeric.check import largest_error, reference_rows
from lstmgraph.numeric.rows import batch_rows, parameter_rows, sequence_rows
from lstmgraph.numeric.sample import Sample, draw
from lstmgraph.reading import loads
from tests.codegen.test_numpy import OWN

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")]  # PyTorch's own
PAPERS = sorted(map(str, (Path(__file__).parents[1] / "reading" / "papers").glob("*.toml")))
CELLS = [*library(), *OWN, *PAPERS]


@lru_cache
def cell_of(name: str) -> Cell:
    return loads(OWN[name]) if name in OWN else load(name)


@lru_cache
def functions_of(name: str) -> Functions:
    return lambdify(cell_of(name), gradient(cell_of(name)), "torch")


@lru_cache
def sample_of(name: str, case: tuple[int, int, tuple[int, ...]]) -> tuple[Sample, Any]:
    cell = cell_of(name)
    batch, steps, numbers = case
    sizes = {z: numbers[k % len(numbers)] for k, z in enumerate(cell.sizes)}
    sample = draw(cell, sizes, batch, steps, seed=3)
    assert sample is not None
    return sample, reference_rows(cell, gradient(cell), sample)


def module_of(name: str, sample: Sample, **options: Any) -> Any:
    """The module with a sample's parameters, which have the author's names, but for those that Python has."""
    cell = cell_of(name)
    module = functions_of(name).Module(*sample.sizes.values(), **options)
    dtype = options.get("dtype")
    own = dict(module.named_parameters())
    assert len(own) == len(cell.parameters)
    with torch.no_grad():
        for p, mine in zip(cell.parameters, own, strict=True):
            assert mine.rstrip("_") == p.name.rstrip("_")
            own[mine].copy_(torch.tensor(parameter_rows(p, sample.parameters[p.name]), dtype=dtype))
    return module


def ran(name: str, sample: Sample, dtype: Any, derived: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values and gradients that the module computes from a sample, by name: of states, those at either end."""
    cell = cell_of(name)
    module = module_of(name, sample, batch_first=True, derived=derived, dtype=dtype)

    def leaf(array: Any) -> Any:
        return torch.tensor(np.array(array), dtype=dtype, requires_grad=True)

    inputs = {str(x)[:-3]: leaf(sequence_rows(x, sample.inputs[str(x)[:-3]])) for x in cell.inputs}
    states = {s.name: leaf(batch_rows(s.next, sample.states[s.name])) for s in cell.states}
    xs = inputs if len(inputs) > 1 else next(iter(inputs.values()), sample.steps)
    outputs, last = module(xs, states)
    loss = torch.sum(outputs * leaf(sequence_rows(cell.values[cell.output], sample.d_output)))
    for s in cell.states:
        loss = loss + torch.sum(last[s.name] * leaf(batch_rows(s.next, sample.d_states[s.name])))
    if loss.requires_grad:
        loss.backward()
    parameters = {p.name: own for p, own in zip(cell.parameters, module.parameters(), strict=True)}
    leaves = {**parameters, **inputs, **{f"{k}[0]": s for k, s in states.items()}}
    values = {"the output": outputs, **last}
    return (
        {k: v.detach().numpy() for k, v in values.items()},
        {k: (torch.zeros_like(v) if v.grad is None else v.grad).numpy() for k, v in leaves.items()},
    )


@pytest.mark.parametrize("derived", [True, False], ids=["derived", "eager"])
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("case", [(1, 1, (1,)), (3, 4, (2, 5, 3)), (2, 1, (3, 2))])
def test_values_and_gradients_are_the_interpreters(
    name: str, case: tuple[int, int, tuple[int, ...]], derived: bool
) -> None:
    sample, (values, gradients) = sample_of(name, case)
    values = {k: v if k == "the output" else v[:, -1] for k, v in values.items()}
    for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 5e-6)):
        for found, wanted in zip(ran(name, sample, dtype, derived), (values, gradients), strict=True):
            assert found.keys() == wanted.keys()
            assert {str(array.dtype) for array in found.values()} == {str(dtype).removeprefix("torch.")}
            error, worst = largest_error(found, wanted, floor=0.1)
            assert error < bound, worst


# ── what PyTorch does with a module ──

T, B, X, H = 3, 2, 2, 3
NEW = ["lstm", "gru", "slstm", "peephole_lstm"]


def small(name: str, **options: Any) -> tuple[Any, Any, Any]:
    """A module, a sequence and states."""
    torch.manual_seed(0)
    module = functions_of(name).Module(X, H, dtype=torch.float64, **options)
    states = {s.name: torch.rand(B, H, dtype=torch.float64) + 0.5 for s in cell_of(name).states}
    return module, torch.randn(T, B, X, dtype=torch.float64), states


def arguments(module: Any, xs: Any, states: Any) -> list[Any]:
    return [a.detach().clone().requires_grad_() for a in (xs, *states.values(), *module.parameters())]


@pytest.mark.parametrize("name", NEW)
def test_gradcheck_and_gradgradcheck(name: str) -> None:
    module, xs, states = small(name)
    xs, states = xs[:2, :1], {k: s[:1] for k, s in states.items()}
    f, given = functions_of(name), arguments(module, xs, states)
    count = 1 + len(states)
    assert torch.autograd.gradcheck(lambda *a: f.Derived.apply(*a)[:count], given)
    assert torch.autograd.gradgradcheck(lambda *a: f.Derived.apply(*a)[:count], given, fast_mode=True)


@pytest.mark.parametrize("name", NEW)
def test_steps_one_by_one_are_the_sequence(name: str) -> None:
    module, xs, _ = small(name)
    outputs, last = module(xs)
    states: Any = None
    for t in range(T):
        output, states = module.step(xs[t], states)
        torch.testing.assert_close(output, outputs[t], rtol=1e-13, atol=1e-13)
    assert states.keys() == last.keys()
    for k, state in states.items():
        torch.testing.assert_close(state, last[k], rtol=1e-13, atol=1e-13)


def test_only_what_is_asked_for_has_a_gradient() -> None:
    module, xs, states = small("lstm")
    xs.requires_grad_()
    _, last = module(xs, states)
    (found,) = torch.autograd.grad(last["c"].sum(), xs)
    module.derived = False
    (wanted,) = torch.autograd.grad(module(xs, states)[1]["c"].sum(), xs)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["gru", "peephole_lstm"])
def test_compiled_as_one_graph(name: str) -> None:
    module, xs, states = small(name)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    own = xs.clone().requires_grad_()
    xs.requires_grad_()
    (outputs, last), (wanted, last_wanted) = compiled(own, states), module(xs, states)
    torch.testing.assert_close(outputs, wanted, rtol=1e-12, atol=1e-12)
    (outputs.sum() + last["h"].pow(2).sum()).backward()
    (wanted.sum() + last_wanted["h"].pow(2).sum()).backward()
    torch.testing.assert_close(own.grad, xs.grad, rtol=1e-12, atol=1e-12)


def test_exported_for_any_batch() -> None:
    module, xs, states = small("peephole_lstm")
    batch = torch.export.Dim("B")
    program = torch.export.export(module, (xs, states), dynamic_shapes=({1: batch}, {"c": {0: batch}, "h": {0: batch}}))
    more = torch.randn(T, 5, X, dtype=torch.float64)
    states = {k: torch.randn(5, H, dtype=torch.float64) for k in states}
    torch.testing.assert_close(program.module()(more, states), module(more, states), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("derived", [True, False])
def test_autocast_computes_in_its_type(derived: bool) -> None:
    module, xs, _ = small("peephole_lstm", derived=derived)
    module, xs = module.float(), xs.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, states = module(xs)
        output, _ = module.step(xs[0])
    assert {outputs.dtype, output.dtype, *(s.dtype for s in states.values())} == {torch.bfloat16}
    torch.testing.assert_close(outputs.float(), module(xs)[0], rtol=0.05, atol=0.05)
    outputs.float().sum().backward()
    assert {p.grad.dtype for p in module.parameters()} == {torch.float32}


def test_vmap_over_sequences_and_over_modules() -> None:
    module, _, states = small("peephole_lstm")
    many = torch.randn(4, T, B, X, dtype=torch.float64)
    found = torch.func.vmap(lambda xs: module(xs, states)[0])(many)
    torch.testing.assert_close(found[2], module(many[2], states)[0], rtol=1e-12, atol=1e-12)
    modules = [functions_of("peephole_lstm").Module(X, H, dtype=torch.float64) for _ in range(3)]
    stacked, _ = torch.func.stack_module_state(modules)
    found = torch.func.vmap(lambda p: torch.func.functional_call(module, p, (many[0],))[0])(stacked)
    torch.testing.assert_close(found[1], modules[1](many[0])[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "peephole_lstm"])
def test_gradients_of_every_sample(name: str) -> None:
    module, _, _ = small(name)
    many = torch.randn(4, T, B, X, dtype=torch.float64)
    parameters = {k: p.detach() for k, p in module.named_parameters()}

    def loss(p: Any, xs: Any) -> Any:
        return torch.func.functional_call(module, p, (xs,))[0].pow(2).sum()

    found = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, many)
    wanted = torch.func.grad(loss)(parameters, many[3])
    for k, d in wanted.items():
        torch.testing.assert_close(found[k][3], d, rtol=1e-12, atol=1e-12)


def test_forward_mode_by_the_equations() -> None:
    module, xs, _ = small("peephole_lstm", derived=False)
    _, found = torch.func.jvp(lambda xs: module(xs)[0], (xs,), (torch.ones_like(xs),))
    step = 1e-6
    difference = (module(xs + step)[0] - module(xs - step)[0]) / (2 * step)
    torch.testing.assert_close(found, difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing(reentrant: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    module, xs, states = small("peephole_lstm")
    own = xs.clone().requires_grad_()
    xs.requires_grad_()
    checkpoint(module, own, states, use_reentrant=reentrant)[0].pow(2).sum().backward()
    module(xs, states)[0].pow(2).sum().backward()
    torch.testing.assert_close(own.grad, xs.grad, rtol=1e-12, atol=1e-12)


def test_a_state_dict_has_the_authors_names() -> None:
    module, xs, _ = small("peephole_lstm")
    assert [*module.state_dict()] == [p.name for p in cell_of("peephole_lstm").parameters]
    other = functions_of("peephole_lstm").Module(X, H, dtype=torch.float64)
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(xs)[0], module(xs)[0], rtol=0, atol=0)
    assert str(module) == "PeepholeLstm(X=2, H=3, batch_first=False)"


def test_parameters_are_within_their_bounds() -> None:
    module = functions_of("lstm").Module(100, 50)
    for name, p in module.named_parameters():
        bound = p.shape[-1] ** -0.5
        assert 0.8 * bound < p.abs().max() <= bound, name
    before = module.W_f.clone()
    module.reset_parameters()
    assert not torch.equal(before, module.W_f)


def test_made_without_memory_and_filled_later() -> None:
    module = functions_of("peephole_lstm").Module(X, H, device="meta")
    assert {p.device.type for p in module.parameters()} == {"meta"}
    module = module.to_empty(device="cpu")
    module.reset_parameters()
    outputs, states = module(torch.ones(T, B, X))
    assert {outputs.device.type, *(s.device.type for s in states.values())} == {"cpu"}
    assert all(torch.isfinite(a).all() for a in (outputs, *states.values()))


# ── over processes ──


def over_processes(rank: int, source: str, rendezvous: str) -> None:
    """One of two processes: each has half of the samples, and together they find the gradients of all."""
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2, init_method=f"file://{rendezvous}")
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(source, namespace)
    torch.manual_seed(0)
    modules = [namespace["PeepholeLstm"](X, 4, dtype=torch.float64) for _ in range(3)]
    for module in modules[1:]:
        module.load_state_dict(modules[0].state_dict())
    xs = torch.randn(T, 4, X, dtype=torch.float64)
    alone, other, sharded = modules
    fully_shard(sharded, mesh=init_device_mesh("cpu", (2,)))
    half = xs[:, 2 * rank : 2 * rank + 2]
    for module, given in ((alone, xs), (DistributedDataParallel(other), half), (sharded, half)):
        module(given)[0].pow(2).mean().backward()
    for name, p in alone.named_parameters():
        torch.testing.assert_close(other.get_parameter(name).grad, p.grad, rtol=1e-12, atol=1e-12)
        found = sharded.get_parameter(name).grad.full_tensor()
        torch.testing.assert_close(found, p.grad, rtol=1e-12, atol=1e-12)
    dist.destroy_process_group()


def test_data_parallel_and_fully_sharded(tmp_path: Path) -> None:
    source = functions_of("peephole_lstm").source
    torch.multiprocessing.spawn(over_processes, (source, str(tmp_path / "rendezvous")), nprocs=2)


# ── reading it ──


@pytest.mark.parametrize("name", CELLS)
def test_the_text_is_standalone_python(name: str) -> None:
    source = functions_of(name).source
    tree = ast.parse(source)
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports == ["import torch", "from torch import nn"]
    assert all(ast.get_docstring(part) for part in tree.body if isinstance(part, (ast.FunctionDef, ast.ClassDef)))
    assert max(map(len, source[source.index("import torch") :].splitlines())) <= 120
    assert not [line for line in source.splitlines() if line != line.rstrip()]
    assert source.endswith("\n")
    assert not source.endswith("\n\n")


def test_the_same_text_each_time(golden: Callable[[str, str], None]) -> None:
    golden("code/lstm.torch.py", functions_of("lstm").source)


def test_a_parameter_hides_nothing_of_a_module() -> None:
    public = {name for name in dir(torch.nn.Module()) if not name.startswith("_")}
    assert public <= MODULE | RESERVED


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
        (lambda m, xs: m.step(xs), r"xs must be \(B, 2\), got \(3, 2, 2\)"),
        (lambda m, xs: m(xs[:0]), "at least one step"),
        (lambda m, xs: m(xs, {"c": torch.ones(B, H)}), "states must be a dict of c, h, got c$"),
        (lambda m, xs: m(xs, torch.ones(B, H)), "states must be a dict of c, h, got Tensor"),
        (
            lambda m, xs: m(xs, {"c": torch.ones(B, H), "h": torch.ones(1, H)}),
            r"states\['h'\] must be \(2, 3\), got \(1, 3\)",
        ),
    ],
)
def test_what_is_wrong_is_named(call: Any, message: str) -> None:
    module, xs, _ = small("lstm")
    with pytest.raises(ValueError, match=message):
        call(module, xs)
