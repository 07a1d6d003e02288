"""The PyTorch module over the compiled C: the same module, wherever C can run and where it cannot.

That it is right for every cell is in `test_equality.py`.
"""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lstmgraph.calculus import gradient
from lstmgraph.codegen import lambdify
from lstmgraph.codegen.arrays import array_axes
from lstmgraph.errors import MissingExtra, UsageError
from tests.codegen.equality import cell_of, functions_of, torch_over_c

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.cc,
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),  # PyTorch's own
]

T, B, X, H = 3, 2, 2, 3
DELTA = "delta"  # its state is a matrix
SOME = ["gru", "peephole_lstm", DELTA]


def pair(name: str, **options: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
    """A module over C and the plain one with the same parameters, a sequence and states."""
    torch.manual_seed(0)
    cell = cell_of(name)
    sizes = dict(zip(cell.sizes, (X, H), strict=False))
    own, plain = (
        file(name).Module(*sizes.values(), **{"dtype": torch.float64} | options)
        for file in (torch_over_c, lambda name: functions_of(name, "torch"))
    )
    plain.load_state_dict(own.state_dict())

    def random(s: Any, *front: int) -> Any:
        return torch.randn(*front, *(int(a.subs(sizes)) for a in array_axes(s.shape, True)), dtype=torch.float64)

    return own, plain, random(cell.inputs[0], T, B), {s.name: random(s.next, B) for s in cell.states}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the C functions that are called."""
    from lstmgraph.codegen import over_c

    found: list[str] = []
    real = over_c.Given.__call__

    def call(self: Any, name: str, *arguments: Any) -> None:
        found.append(name)
        real(self, name, *arguments)

    monkeypatch.setattr(over_c.Given, "__call__", call)
    return found


def same(found: Any, wanted: Any, error: float = 1e-12) -> None:
    torch.testing.assert_close(found, wanted, rtol=error, atol=error)


def gradients(module: Any, xs: Any, states: Any = None) -> dict[str, Any]:
    xs = xs.detach().requires_grad_()
    outputs, last = module(xs, states)
    loss = outputs.pow(2).sum() + sum(s.sum() for s in last.values())
    names, leaves = zip(("xs", xs), *module.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, leaves), strict=True))


# ── where C runs ──


@pytest.mark.parametrize("name", SOME)
def test_gradcheck_and_gradgradcheck(name: str) -> None:
    module, _, xs, states = pair(name)
    given = [a[:, :1] if k == 0 else a[:1] for k, a in enumerate((xs, *states.values()))]
    given = [a.detach().clone().requires_grad_() for a in (*given, *module.parameters())]
    count = 1 + len(states)
    assert torch.autograd.gradcheck(lambda *a: torch_over_c(name).Derived.apply(*a)[:count], given)
    assert torch.autograd.gradgradcheck(lambda *a: torch_over_c(name).Derived.apply(*a)[:count], given, fast_mode=True)


def test_c_is_what_runs(calls: list[str]) -> None:
    """Forward only where no gradient is wanted; back, too, where one is, for parameters alone as well."""
    module, _, xs, states = pair("peephole_lstm")
    with torch.no_grad():
        module(xs, states)
    assert calls == ["forward"]
    module(xs, states)[0].sum().backward()
    assert calls == ["forward", "forward", "backward"]
    module.derived = False
    module(xs, states)
    assert len(calls) == 3


@pytest.mark.parametrize("name", SOME)
def test_going_back_twice_finds_the_same(name: str) -> None:
    """Nothing that is saved, given or returned is written to."""
    module, _, xs, states = pair(name)
    given = [a.detach().clone().requires_grad_() for a in (xs, *states.values(), *module.parameters())]
    before = [a.detach().clone() for a in given]
    outputs, *rest = torch_over_c(name).Derived.apply(*given)
    kept, found = outputs.detach().clone(), (outputs, *rest[: len(states)])
    d = [torch.ones_like(a) for a in found]
    back = [torch.autograd.grad(found, given, d, retain_graph=True) for _ in range(2)]
    same(back[0], back[1], 0)
    same([outputs, *given, *d], [kept, *before, *map(torch.ones_like, found)], 0)


def test_part_of_the_gradients() -> None:
    """Of what only some of the results depend on, with some of the arguments frozen, and none at all."""
    module, plain, xs, states = pair("peephole_lstm")
    for m in (module, plain):
        m.W_f.requires_grad_(False)
    found, wanted = (torch.autograd.grad(m(xs, states)[1]["c"].sum(), m.U_f)[0] for m in (module, plain))
    same(found, wanted)
    module.requires_grad_(False)
    assert not module(xs, states)[0].requires_grad


@pytest.mark.parametrize("turn", [lambda a: a[:, :, ::2], lambda a: a.transpose(0, 1), lambda a: (1j * a).conj().imag])
def test_inputs_in_any_order_in_memory(turn: Callable[[Any], Any], calls: list[str]) -> None:
    module, plain, _, _ = pair("gru")
    xs = turn(torch.randn(3, 3, 2 * X, dtype=torch.float64))[..., :X]
    same(gradients(module, xs), gradients(plain, xs))
    assert calls == ["forward", "backward"]


def test_threads() -> None:
    module, _, _, _ = pair("gru")
    inputs = [torch.randn(20, 4, X, dtype=torch.float64) for _ in range(4)]
    wanted, found = [gradients(module, xs) for xs in inputs], {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: gradients(module, inputs[k])})) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same([found[k] for k in range(4)], wanted, 0)


# ── where it does not ──


def mapped(module: Any, xs: Any, states: Any) -> Any:
    return torch.func.vmap(lambda xs: module(xs, states)[0])(torch.stack([xs, 2 * xs]))


def per_sample(module: Any, xs: Any, states: Any) -> Any:
    def loss(p: Any, xs: Any) -> Any:
        return torch.func.functional_call(module, p, (xs, states))[0].pow(2).sum()

    parameters = {k: p.detach() for k, p in module.named_parameters()}
    return torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, torch.stack([xs, 2 * xs]))


def autocast(module: Any, xs: Any, states: Any) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):  # which leaves float64 alone
        return module.float()(xs.float(), {k: s.float() for k, s in states.items()})


def as_one_graph(module: Any, xs: Any, states: Any) -> Any:
    return torch.compile(module, fullgraph=True, backend="aot_eager")(xs, states)


def exported(module: Any, xs: Any, states: Any) -> Any:
    return torch.export.export(module, (xs, states)).module()(xs, states)


def counted(module: Any, xs: Any, states: Any) -> Any:
    """Somebody looks on at what PyTorch computes."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        outputs, _ = module(xs, states)
    return outputs, counter.get_total_flops()


def half(module: Any, xs: Any, states: Any) -> Any:
    return module.to(torch.bfloat16)(xs.bfloat16(), {k: s.bfloat16() for k, s in states.items()})


ELSEWHERE: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    f.__name__: f for f in (mapped, per_sample, autocast, as_one_graph, exported, counted, half)
}


@pytest.mark.parametrize("way", ELSEWHERE)
def test_elsewhere_it_is_the_plain_module(way: str, calls: list[str]) -> None:
    module, plain, xs, states = pair("peephole_lstm")
    found, wanted = (ELSEWHERE[way](m, xs, states) for m in (module, plain))
    same(found, wanted)
    assert not calls


# ── the module ──


def test_copies_are_of_its_class() -> None:
    module = lambdify(cell_of("rnn"), gradient(cell_of("rnn")), "torch", compiled=True).Module(X, H)
    xs = torch.randn(T, B, X)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert type(other) is type(module)
        same(gradients(other, xs), gradients(module, xs), 0)
        assert other.W.data_ptr() != module.W.data_ptr()
    plain = lambdify(cell_of("rnn"), gradient(cell_of("rnn")), "torch").Module(X, H)
    plain.load_state_dict(module.state_dict())
    same(plain(xs), module(xs), 1e-6)
    assert str(plain) == str(module)


class Reading:
    """A data set that another process makes, by a module."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __len__(self) -> int:
        return 2

    def __getitem__(self, k: int) -> Any:
        return self.module(torch.full((T, B, X), float(k)))[0].detach()


def over_processes(rank: int, module: Any, xs: Any, rendezvous: str) -> None:
    """One of two processes: each has half of the samples, and together they find the gradients of all."""
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2, init_method=f"file://{rendezvous}")
    other = torch.nn.parallel.DistributedDataParallel(copy.deepcopy(module))
    module(xs)[0].pow(2).mean().backward()
    other(xs[:, 2 * rank : 2 * rank + 2])[0].pow(2).mean().backward()
    for mine, theirs in zip(module.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(theirs.grad, mine.grad, rtol=1e-5, atol=1e-6)
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX's own, where another test has imported it
def test_in_other_processes(tmp_path: Path) -> None:
    """Forked for what reads data, and begun anew for parallel training, where the module comes as it is pickled."""
    module = lambdify(cell_of("rnn"), gradient(cell_of("rnn")), "torch", compiled=True).Module(X, H)
    wanted = [module(torch.full((T, B, X), float(k)))[0] for k in range(2)]
    found = list(torch.utils.data.DataLoader(Reading(module), num_workers=1, multiprocessing_context="fork"))
    same([a[0] for a in found], wanted, 0)
    given = (module, torch.randn(T, 4, X), str(tmp_path / "rendezvous"))
    torch.multiprocessing.spawn(over_processes, given, nprocs=2)


# ── misuse ──


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingExtra, match=r"no C compiler on the path\nhint: install gcc or clang"):
        lambdify(cell_of("rnn"), gradient(cell_of("rnn")), "torch", compiled=True)


def test_only_pytorch_goes_over_c() -> None:
    with pytest.raises(UsageError, match=r"'numpy' has no option 'compiled'\nhint: targets that have it: torch$"):
        lambdify(cell_of("rnn"), gradient(cell_of("rnn")), "numpy", compiled=True)
