"""The generated PyTorch file: right for every cell and type, and at home in what PyTorch does with a module."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lstmgraph import Cell
from tests.codegen.equality import cell_of
from tests.codegen.modules import DELTA, B, H, T, X, arguments, functions_of, small

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")]  # PyTorch's own


NEW = ["lstm", "gru", "slstm", "peephole_lstm", DELTA]
SOME = ["gru", "peephole_lstm", DELTA]


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


@pytest.mark.parametrize("name", SOME)
def test_going_back_twice_finds_the_same(name: str) -> None:
    """Nothing that is saved, given or returned is written to."""
    module, xs, states = small(name)
    given = arguments(module, xs, states)
    before = [a.detach().clone() for a in given]
    outputs, *rest = functions_of(name).Derived.apply(*given)
    kept = outputs.detach().clone()
    found = (outputs, *rest[: len(states)])
    d = [torch.ones_like(a) for a in found]
    back = [torch.autograd.grad(found, given, d, retain_graph=True) for _ in range(2)]
    torch.testing.assert_close(back[0], back[1], rtol=0, atol=0)
    torch.testing.assert_close([outputs, *given, d[0]], [kept, *before, torch.ones_like(outputs)], rtol=0, atol=0)


def test_only_what_is_asked_for_has_a_gradient() -> None:
    module, xs, states = small("lstm")
    xs.requires_grad_()
    _, last = module(xs, states)
    (found,) = torch.autograd.grad(last["c"].sum(), xs)
    module.derived = False
    (wanted,) = torch.autograd.grad(module(xs, states)[1]["c"].sum(), xs)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_no_product_is_done_for_inputs_that_are_data() -> None:
    module, xs, _ = small("lstm")
    from torch.utils.flop_counter import FlopCounterMode

    done, found = {}, {}
    for asked in (True, False):
        with FlopCounterMode(display=False) as counter:
            outputs, _ = module(xs.clone().requires_grad_(asked))
            found[asked] = torch.autograd.grad(outputs.sum(), [*module.parameters()])
        done[asked] = counter.get_total_flops()
    assert done[True] - done[False] == 2 * (T * B) * (4 * H) * X
    torch.testing.assert_close(found[True], found[False], rtol=0, atol=0)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(name: str, dtype: Any) -> None:
    """A module of 16 bits gives what it gives in 64, as nearly as can be, and gradients of its type."""
    module, xs, states = small(name)
    wanted, _ = module(xs, states)
    wanted.sum().backward()
    exact = {k: p.grad.clone() for k, p in module.named_parameters()}
    module.zero_grad()
    half = module.to(dtype)
    outputs, last = half(xs.to(dtype), {k: s.to(dtype) for k, s in states.items()})
    outputs.sum().backward()
    assert {outputs.dtype, *(s.dtype for s in last.values()), *(p.grad.dtype for p in half.parameters())} == {dtype}
    torch.testing.assert_close(outputs.double(), wanted, rtol=0.1, atol=0.1)
    for k, p in half.named_parameters():
        torch.testing.assert_close(p.grad.double(), exact[k], rtol=0.2, atol=0.2)


@pytest.mark.parametrize("name", SOME)
def test_shapes_without_memory(name: str) -> None:
    """On meta, where there is no autocast: the shapes and types of what is computed on the CPU."""
    module, xs, states = small(name)
    wanted, last = module(xs, states)
    module, xs = module.to("meta", torch.float32), xs.to("meta", torch.float32)
    states = {k: s.to("meta", torch.float32) for k, s in states.items()}
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
            outputs, found = module(xs, states)
        assert (outputs.device.type, outputs.dtype, outputs.shape) == ("meta", dtype, wanted.shape)
        assert {k: s.shape for k, s in found.items()} == {k: s.shape for k, s in last.items()}


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("derived", [True, False])
def test_autocast_computes_in_its_type(name: str, derived: bool) -> None:
    module, xs, _ = small(name, derived=derived)
    module, xs = module.float(), xs.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, states = module(xs)
        output, _ = module.step(xs[0])
    assert {outputs.dtype, output.dtype, *(s.dtype for s in states.values())} == {torch.bfloat16}
    torch.testing.assert_close(outputs.float(), module(xs)[0], rtol=0.05, atol=0.05)
    outputs.float().sum().backward()
    assert {p.grad.dtype for p in module.parameters()} == {torch.float32}


def test_autocast_leaves_float64_alone() -> None:
    """As it does with every layer of PyTorch."""
    module, xs, states = small("lstm")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.nn.Linear(X, H, dtype=torch.float64)(xs).dtype == torch.float64
        torch.testing.assert_close(module(xs, states), module(xs, states), rtol=0, atol=0)
        assert module(xs, states)[0].dtype == torch.float64


def test_a_large_silu_has_the_slope_1_in_every_type() -> None:
    """y + s (1 - y) was what is left of 1 beside y."""
    cell = Cell.from_equations("h[t] = silu(w * x[t])", sizes={"x": "H", "h": "H"})
    for dtype, value in ((torch.bfloat16, 300.0), (torch.float32, 3e8)):
        module = cell.lambdify("torch").Module(1).to(dtype)
        torch.nn.init.ones_(module.w)
        x = torch.full((1, 1, 1), value, dtype=dtype, requires_grad=True)
        module(x)[0].sum().backward()
        assert (x.grad.item(), module.w.grad.item()) == (1, x.item())


@pytest.mark.parametrize("name", SOME)
def test_vmap_over_sequences_and_over_modules(name: str) -> None:
    module, xs, states = small(name)
    many = torch.randn(4, *xs.shape, dtype=torch.float64)
    found = torch.func.vmap(lambda xs: module(xs, states)[0])(many)
    torch.testing.assert_close(found[2], module(many[2], states)[0], rtol=1e-12, atol=1e-12)
    modules = [functions_of(name).Module(*module.sizes, dtype=torch.float64) for _ in range(3)]
    stacked, _ = torch.func.stack_module_state(modules)
    found = torch.func.vmap(lambda p: torch.func.functional_call(module, p, (many[0],))[0])(stacked)
    torch.testing.assert_close(found[1], modules[1](many[0])[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["rnn", *SOME])
def test_gradients_of_every_sample(name: str) -> None:
    module, xs, _ = small(name)
    many = torch.randn(4, *xs.shape, dtype=torch.float64)
    parameters = {k: p.detach() for k, p in module.named_parameters()}

    def loss(p: Any, xs: Any) -> Any:
        return torch.func.functional_call(module, p, (xs,))[0].pow(2).sum()

    found = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, many)
    wanted = torch.func.grad(loss)(parameters, many[3])
    for k, d in wanted.items():
        torch.testing.assert_close(found[k][3], d, rtol=1e-12, atol=1e-12)


def rows_by_grads_batched(f: Any, xs: Any) -> Any:
    outputs = f(xs)
    rows = torch.eye(outputs.numel(), dtype=outputs.dtype).unflatten(1, outputs.shape)
    return torch.autograd.grad(outputs, xs, rows, is_grads_batched=True)[0].unflatten(0, outputs.shape)


def rows_without_more(f: Any, xs: Any) -> Any:
    with torch.no_grad():
        return torch.func.jacrev(f)(xs)


def rows_of_many(f: Any, xs: Any) -> Any:
    with torch.no_grad():
        return torch.func.vmap(torch.func.jacrev(f))(torch.stack([xs, xs]))[1]


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize(
    "rows",
    [
        rows_by_grads_batched,
        rows_without_more,
        rows_of_many,
        partial(torch.autograd.functional.jacobian, vectorize=True),
    ],
)
def test_many_gradients_at_once(name: str, rows: Any) -> None:
    module, xs, states = small(name)
    xs.requires_grad_()
    found = rows(lambda xs: module(xs, states)[0], xs)
    wanted = torch.autograd.functional.jacobian(lambda xs: module(xs, states)[0], xs)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_many_gradients_of_samples_for_one_gradient() -> None:
    """Only what was given forward is many, and it is not to be differentiated once more."""
    module, xs, states = small("gru")
    d, last = module(xs, states)

    def back(xs: Any) -> Any:
        return torch.func.vjp(lambda xs: module(xs, states), xs)[1]((d, last))[0]

    with torch.no_grad():
        found = torch.func.vmap(back)(torch.stack([xs, 2 * xs]))
        torch.testing.assert_close(found[1], back(2 * xs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SOME)
def test_forward_mode_by_the_equations(name: str) -> None:
    module, xs, _ = small(name, derived=False)
    _, found = torch.func.jvp(lambda xs: module(xs)[0], (xs,), (torch.ones_like(xs),))
    step = 1e-6
    difference = (module(xs + step)[0] - module(xs - step)[0]) / (2 * step)
    torch.testing.assert_close(found, difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing(name: str, reentrant: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    module, xs, states = small(name)
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


@pytest.mark.parametrize("name", SOME)
def test_made_without_memory_and_filled_later(name: str) -> None:
    module, xs, _ = small(name, device="meta", dtype=torch.float32)
    assert {p.device.type for p in module.parameters()} == {"meta"}
    module = module.to_empty(device="cpu")
    module.reset_parameters()
    outputs, states = module(xs.float())
    assert {outputs.device.type, *(s.device.type for s in states.values())} == {"cpu"}
    assert all(torch.isfinite(a).all() for a in (outputs, *states.values()))


# ── over processes ──


def test_copies_are_of_its_class() -> None:
    module, xs, states = small("peephole_lstm", batch_first=True)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert type(other) is type(module)
        assert other.batch_first
        assert other.W_f.data_ptr() != module.W_f.data_ptr()
        torch.testing.assert_close(other.step(xs[0], states)[0], module.step(xs[0], states)[0], rtol=0, atol=0)


LOADING = """
import sys, torch
module, xs, wanted = torch.load(sys.argv[1], weights_only=False)
found, _ = module(xs)
found.sum().backward()
assert torch.equal(found, wanted)
torch.save([p.grad for p in module.parameters()], sys.argv[1])
"""


def test_saved_whole_and_loaded_in_another_process(tmp_path: Path) -> None:
    module, xs, _ = small("gru")
    outputs, path = module(xs)[0], tmp_path / "module.pt"
    torch.save((module, xs, outputs.detach()), path)
    ran = subprocess.run([sys.executable, "-c", LOADING, str(path)], capture_output=True, text=True, check=False)
    assert not ran.returncode, ran.stderr
    outputs.sum().backward()
    for found, p in zip(torch.load(path), module.parameters(), strict=True):
        torch.testing.assert_close(found, p.grad, rtol=1e-12, atol=1e-12)


def over_processes(rank: int, cells: list[tuple[str, str, list[int], list[int]]], rendezvous: str) -> None:
    """One of two processes: each has half of the samples, and together they find the gradients of all."""
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2, init_method=f"file://{rendezvous}")
    mesh = init_device_mesh("cpu", (2,))
    for source, cell, sizes, axes in cells:
        namespace: dict[str, Any] = {"__name__": "generated"}
        exec(source, namespace)
        torch.manual_seed(0)
        modules = [namespace[cell](*sizes, dtype=torch.float64) for _ in range(3)]
        for module in modules[1:]:
            module.load_state_dict(modules[0].state_dict())
        xs = torch.randn(T, 4, *axes, dtype=torch.float64)
        alone, other, sharded = modules
        fully_shard(sharded, mesh=mesh)
        half = xs[:, 2 * rank : 2 * rank + 2]
        for module, given in ((alone, xs), (DistributedDataParallel(other), half), (sharded, half)):
            module(given)[0].pow(2).mean().backward()
        for name, p in alone.named_parameters():
            torch.testing.assert_close(other.get_parameter(name).grad, p.grad, rtol=1e-12, atol=1e-12)
            found = sharded.get_parameter(name).grad.full_tensor()
            torch.testing.assert_close(found, p.grad, rtol=1e-12, atol=1e-12)
    dist.destroy_process_group()


def test_data_parallel_and_fully_sharded(tmp_path: Path) -> None:
    cells = []
    for name in ("gru", "peephole_lstm", "matrix"):  # FSDP takes no parameter that is a scalar, which delta has
        module, xs, _ = small(name)
        cells.append((functions_of(name).source, type(module).__name__, [*module.sizes], [*xs.shape[2:]]))
    torch.multiprocessing.spawn(over_processes, (cells, str(tmp_path / "rendezvous")), nprocs=2)
