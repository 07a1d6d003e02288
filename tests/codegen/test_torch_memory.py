"""Where the results of generated PyTorch lie, and what becomes of what is not asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.codegen.equality import CASES, CELLS, Case, cell_of, sample_of
from tests.codegen.memory import gradients, leaves_of, not_their_own, results
from tests.codegen.modules import DELTA, functions_of, small

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")]  # PyTorch's own


@pytest.mark.parametrize("case", [CASES[0], CASES[1]], ids=["one of each", "several"])
@pytest.mark.parametrize("name", CELLS)
def test_memory_of_their_own(name: str, case: Case) -> None:
    """Of outputs, last states and gradients, which may be written to; the output may be one of a step's states."""
    cell, sample = cell_of(name), sample_of(name, case, "float64")
    module = functions_of(name).Module(*sample.sizes.values(), batch_first=True, dtype=torch.float64)
    xs, states, leaves = leaves_of(module, cell, sample)
    found = results(module(xs, states))
    assert not_their_own(found, leaves) == []
    assert not_their_own(*gradients(found, leaves)) == []
    module.derived = False
    assert not_their_own(results(module(xs, states)), leaves) == []
    now = [x[:, 0] if torch.is_tensor(x) else {k: a[:, 0] for k, a in x.items()} for x in [xs] if x is not sample.steps]
    found = results(module.step(*now, states))
    both = {f"last {cell.output}"} & found.keys()
    assert not_their_own({k: a for k, a in found.items() if k not in both}, leaves) == []
    assert not_their_own({k: a for k, a in found.items() if k != "output"}, leaves) == []


@pytest.mark.parametrize("name", CELLS)
def test_the_same_gradients_where_inputs_are_data(name: str) -> None:
    cell, sample = cell_of(name), sample_of(name, CASES[1], "float64")
    module = functions_of(name).Module(*sample.sizes.values(), batch_first=True, dtype=torch.float64)
    xs, states, leaves = leaves_of(module, cell, sample)
    rest = {k: a for k, a in leaves.items() if not k.startswith("input")}
    wanted, _ = gradients(results(module(xs, states)), rest)
    for data in leaves.keys() - rest.keys():
        leaves[data].requires_grad_(False)
    found, _ = gradients(results(module(xs, states)), rest)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["kept", "handed_on", "rnn", DELTA])
def test_gradients_of_every_sample_and_its_states(name: str) -> None:
    """Also where a state is handed on as it is, which is given and given back."""
    cell, sample = cell_of(name), sample_of(name, CASES[1], "float64")
    module = functions_of(name).Module(*sample.sizes.values(), batch_first=True, dtype=torch.float64)
    parameters = {k: p.detach() for k, p in module.named_parameters()}
    xs, states, _ = leaves_of(module, cell, sample)

    def loss(p: Any, states: Any) -> Any:
        return sum(a.pow(3).sum() for a in results(torch.func.functional_call(module, p, (xs, states))).values())

    many = {k: torch.stack([a, 2 * a]).detach() for k, a in states.items()}
    found = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1)), in_dims=(None, 0))(parameters, many)
    wanted = torch.func.grad(loss, argnums=(0, 1))(parameters, {k: a[1] for k, a in many.items()})
    for own, right in zip(found, wanted, strict=True):
        torch.testing.assert_close({k: a[1] for k, a in own.items()}, right, rtol=1e-12, atol=1e-12)


def test_outputs_are_changed_in_a_copy() -> None:
    """They are kept for the way back, as those of torch.nn.LSTM are."""
    module, xs, states = small("lstm")
    outputs, _ = module(xs, states)
    with pytest.raises(RuntimeError, match="inplace operation by an out-of-place one"):
        outputs.mul_(2)
    outputs.clone().mul_(2).sum().backward()
    with torch.no_grad():
        outputs, _ = module(xs, states)
        outputs.mul_(2)
