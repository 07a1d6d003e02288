"""The lowering to columns: every operation, in every form, with every choice of what is shared, of one step and of all.

The spelled expression is evaluated and compared with the interpreter sample by sample, and its total over all steps and
samples with the sum of these.  A new row of RULES is covered as it is.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.rules import RULES
from lstmgraph.codegen.columns import Columns
from lstmgraph.codegen.targets.numpy import COLUMNS
from tests.codegen.test_lowering import NUMBERS, B, cases, meaning

T = 4


def arrays(batched: dict[MatrixSymbol, bool], lead: tuple[int, ...]) -> dict[MatrixSymbol, np.ndarray]:
    """As the interpreter has them: (..., m, n)."""
    rng = np.random.default_rng(1)
    numbers = {a: [int(z.subs({s: NUMBERS[str(s)] for s in z.free_symbols})) for z in a.shape] for a in batched}
    return {a: rng.uniform(0.2, 1.5, (*lead, *numbers[a]) if flag else numbers[a]) for a, flag in batched.items()}


def columns(expr: MatrixExpr, array: np.ndarray, batched: bool) -> np.ndarray:
    """The same value with samples as columns."""
    rows, width = expr.shape
    if rows != 1 and width != 1:
        return array
    if not batched:
        return array[0, 0] if rows == width else array if width == 1 else array.T
    return np.moveaxis(array[..., 0] if width == 1 else array[..., 0, :], -1, -2)


def run(speller: Columns, text: str, given: dict[MatrixSymbol, np.ndarray]) -> Any:
    arrays = {a.name: columns(a, v, speller.batched[a]) for a, v in given.items()}
    namespace: dict[str, Any] = {"np": np, "B": B, "T": T, "one": np.ones(B), **NUMBERS, **arrays}
    for helper in speller.helpers.values():
        exec(helper, namespace)
    exec(f"result = {text}", namespace)
    return namespace["result"]


@pytest.mark.parametrize("whole", [False, True], ids=["a step", "all steps"])
@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_spelled_is_what_is_meant(cls: type, whole: bool) -> None:
    for node, batched in cases(cls):
        given = arrays(batched, (T, B) if whole else (B,))
        speller = Columns(COLUMNS, {a: a.name for a in given}, batched, "one", whole=whole)
        code = speller.full(speller.spell(node))
        assert code.batched == any(batched.values())
        wanted = columns(node, meaning(node, given), code.batched)
        found = run(speller, code.text, given)
        assert np.shape(found) == np.shape(wanted), (node, code.text)
        np.testing.assert_allclose(found, wanted, rtol=1e-13, err_msg=code.text)


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_the_total_is_the_sum_over_all_steps_and_samples(cls: type) -> None:
    for node, batched in cases(cls):
        if not any(batched.values()) or (RULES[cls].name == "add" and not all(batched.values())):
            continue  # what is shared in a term is a total already
        given = arrays(batched, (T, B))
        speller = Columns(COLUMNS, {a: a.name for a in given}, batched, "one", whole=True)
        code = speller.total(node)
        assert not code.batched
        wanted = columns(node, meaning(node, given).sum(axis=(0, 1)), False)
        found = run(speller, code.text, given)
        assert np.shape(found) == np.shape(wanted), (node, code.text)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, err_msg=code.text)


def test_one_sample_is_one_product() -> None:
    """`each` takes another way for it, to the same numbers."""
    namespace: dict[str, Any] = {"np": np}
    exec(COLUMNS.helpers["each"], namespace)
    rng = np.random.default_rng(0)
    for samples, n in product((1, 3), (1, 2)):
        W, a = rng.normal(size=(5, n)), rng.normal(size=(T, n, samples))
        np.testing.assert_allclose(namespace["each"](W, a), W @ a, rtol=1e-13, atol=1e-15)
