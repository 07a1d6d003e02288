"""The generated PyTorch module in graphs: compiled and exported, alone and in a model of the user's own."""

from __future__ import annotations

from typing import Any

import pytest

from lstmgraph.calculus import gradient
from lstmgraph.codegen import lambdify
from lstmgraph.codegen.executed import executed
from lstmgraph.reading import from_equations
from tests.codegen.equality import cell_of
from tests.codegen.modules import DELTA, B, H, T, X, functions_of, small

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.torch


def test_more_parameters_than_an_operator_takes() -> None:
    cell = from_equations("h[t] = h[t-1]" + "".join(f" + u{k} * x[t]" for k in range(62)), sizes={"h": "H", "x": "H"})
    module = lambdify(cell, gradient(cell), "torch").Module(H, dtype=torch.float64)
    found, wanted = (f(torch.ones(T, B, H).double())[0] for f in (torch.compile(module, backend="aot_eager"), module))
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["peephole_lstm", DELTA])
def test_compiled_as_one_graph(name: str) -> None:
    module, xs, states = small(name)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    own = xs.clone().requires_grad_()
    xs.requires_grad_()
    (outputs, last), (wanted, last_wanted) = compiled(own, states), module(xs, states)
    torch.testing.assert_close(outputs, wanted, rtol=1e-12, atol=1e-12)
    state = next(iter(states))
    (outputs.sum() + last[state].pow(2).sum()).backward()
    (wanted.sum() + last_wanted[state].pow(2).sum()).backward()
    torch.testing.assert_close(own.grad, xs.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_compiled_in_a_model_of_the_user(compiled: bool) -> None:
    """Whose code has the module's inlined: a sequence and, of a loop of the user's own, a step."""
    cell = cell_of("gru")
    module = lambdify(cell, gradient(cell), "torch", compiled=compiled).Module(X, H, dtype=torch.float64)

    class Model(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = module, torch.nn.Linear(H, 2, dtype=torch.float64)

        def forward(self, xs: Any) -> Any:
            outputs, states = self.rnn(xs)
            return self.out(outputs[-1] + self.rnn.step(xs[0], states)[0])

    model, xs = Model(), torch.ones(T, B, X, dtype=torch.float64)
    graph = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(graph(xs), model(xs), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(torch.export.export(model, (xs,), strict=True).module()(xs), model(xs))
    found, wanted = (torch.autograd.grad(f(xs).sum(), [*module.parameters()]) for f in (graph, model))
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_long_sequence_is_one_node_however_long() -> None:
    """Of each direction; another file of that name leaves it as it is."""
    from functorch.compile import make_boxed_func  # type: ignore[import-untyped]
    from torch._dynamo.backends.common import aot_autograd

    found: list[list[Any]] = []

    def keep(graph: Any, _: Any) -> Any:
        found.append([node.target for node in graph.graph.nodes if "lstmgraph" in str(node.target)])
        return make_boxed_func(graph.forward)

    module, xs, states = small("gru")
    executed(functions_of("gru").source, "gru")
    compiled = torch.compile(module, fullgraph=True, backend=aot_autograd(fw_compiler=keep, bw_compiler=keep))
    for steps in (3, 40, 50):
        long = torch.cat([xs] * 20)[:steps].requires_grad_()
        (d,) = torch.autograd.grad(compiled(long, states)[0].sum(), long)
        (wanted,) = torch.autograd.grad(module(long, states)[0].sum(), long)
        torch.testing.assert_close(d, wanted, rtol=1e-12, atol=1e-12)
    assert [len(nodes) for nodes in found] == [1, 1] * (len(found) // 2)
    assert len(found) == 4, "the third length is taken by what was compiled for the second"


@pytest.mark.parametrize("name", ["gru", "peephole_lstm", DELTA])
def test_exported_for_any_batch(name: str) -> None:
    module, xs, states = small(name)
    batch = torch.export.Dim("B")
    shapes = ({1: batch}, {k: {0: batch} for k in states})
    program = torch.export.export(module, (xs, states), dynamic_shapes=shapes)
    more = torch.randn(T, 5, *xs.shape[2:], dtype=torch.float64)
    states = {k: torch.randn(5, *s.shape[1:], dtype=torch.float64) for k, s in states.items()}
    torch.testing.assert_close(program.module()(more, states), module(more, states), rtol=1e-12, atol=1e-12)
