"""The lowering from columns to rows: every operation, in every form, with every choice of what is shared.

The spelled expression is evaluated and compared with the interpreter sample by sample, and its total over the batch
with the sum of these.  A new row of RULES is covered as it is; one without a signature needs a line in `EXAMPLES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import MatMul, MatrixExpr, MatrixSymbol, Symbol
from sympy.printing.numpy import NumPyPrinter

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Shape, size, symbol
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.shapes import parse_signature
from lstmgraph.codegen import arrays as arrays_module
from lstmgraph.codegen.arrays import Speller
from lstmgraph.codegen.code import Code
from lstmgraph.codegen.dialect import WORDS
from lstmgraph.codegen.targets.numpy import DIALECT
from lstmgraph.errors import UsageError
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.numeric.rows import batch_rows, parameter_rows
from lstmgraph.program import Equation, Program

B = 5
NUMBERS = {"M": 3, "N": 2, "K": 4, "M0": 1, "M1": 2, "M2": 3}
M, N, ONE = size("M"), size("N"), size(1)
EXAMPLES: dict[type, list[MatrixExpr]] = {
    n.Fill: [n.Fill(symbol("s", (ONE, ONE)), *shape) for shape in product((ONE, M), (ONE, N))],
    n.Slice: [
        n.Slice(symbol("a", (M, columns)), start, count)
        for columns in (ONE, N)
        for start, count in ((0, 1), (1, 1), (2, 1), (1, 2), (0, M))
    ],
}


def examples(cls: type) -> Iterator[MatrixExpr]:
    """The operation on symbols of every form that its signature allows."""
    if cls in EXAMPLES:
        yield from EXAMPLES[cls]
        return
    signature = parse_signature(n.signature_of(cls))
    spread = signature.spread(max(len(signature.operands), 3 if signature.repeats else 1))
    letters = sorted({letter.lstrip("*") for shape in spread for letter in shape} - {"1"})
    for choice in product((False, True), repeat=len(letters)):
        sizes = {k: size(k.upper()) if big else ONE for k, big in zip(letters, choice, strict=True)} | {"1": ONE}
        shapes: list[Shape] = [(sizes[r.lstrip("*")], sizes[c.lstrip("*")]) for r, c in spread]
        yield cls(*(symbol(f"a{k}", shape) for k, shape in enumerate(shapes)))


def arrays(node: MatrixExpr, batched: dict[MatrixSymbol, bool]) -> dict[MatrixSymbol, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {a: [int(z.subs({size(k): v for k, v in NUMBERS.items()})) for z in a.shape] for a in batched}
    return {a: rng.uniform(0.2, 1.5, (B, *shapes[a]) if flag else shapes[a]) for a, flag in batched.items()}


def run(speller: Speller, code: Code, given: dict[MatrixSymbol, np.ndarray]) -> Any:
    rows = {a.name: batch_rows(a, v) if speller.batched[a] else parameter_rows(a, v) for a, v in given.items()}
    namespace: dict[str, Any] = {"np": np, "B": B, "one": np.ones(B), **NUMBERS, **rows}
    for helper in speller.helpers.values():
        exec(helper, namespace)
    exec(f"result = {code.text}", namespace)
    return namespace["result"]


def cases(cls: type) -> Iterator[tuple[MatrixExpr, dict[MatrixSymbol, bool]]]:
    for node in examples(cls):
        for flags in product((False, True), repeat=len(n.operands(node))):
            yield node, dict(zip(n.operands(node), flags, strict=True))


def meaning(node: MatrixExpr, given: dict[MatrixSymbol, np.ndarray]) -> np.ndarray:
    witness = symbol("witness", (M, N))  # tells the sizes that no operand has
    target = symbol("y", node.shape)
    program = Program("test", (*given, witness), (Equation(target, node),), (target,))
    return np.asarray(evaluate(program, {a.name: v for a, v in given.items()} | {"witness": np.ones((3, 2))})["y"])


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_spelled_is_what_is_meant(cls: type) -> None:
    for node, batched in cases(cls):
        given = arrays(node, batched)
        speller = Speller(DIALECT, {a: a.name for a in given}, batched, "one")
        code = speller.full(speller.spell(node))
        wanted = meaning(node, given)
        rows = batch_rows(node, wanted) if any(batched.values()) else parameter_rows(node, wanted)
        found = run(speller, code, given)
        assert np.shape(found) == np.shape(rows), (node, code.text)
        np.testing.assert_allclose(found, rows, rtol=1e-13, err_msg=code.text)
        assert code.batched == any(batched.values())


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: RULES[cls].name)
def test_the_total_is_the_sum_over_the_batch(cls: type) -> None:
    for node, batched in cases(cls):
        given = arrays(node, batched)
        speller = Speller(DIALECT, {a: a.name for a in given}, batched, "one")
        code = speller.total(node)
        wanted = meaning(node, given)
        wanted = wanted.sum(axis=0) if any(batched.values()) else wanted
        assert not code.batched
        if any(batched.values()) and not linear(cls, batched):
            continue  # what is shared in a term would have to be counted for each sample; cotangents have no such terms
        found = run(speller, code, given)
        np.testing.assert_allclose(found, parameter_rows(node, wanted), rtol=1e-12, err_msg=code.text)


def linear(cls: type, batched: dict[MatrixSymbol, bool]) -> bool:
    return all(batched.values()) or RULES[cls].name != "add"


@pytest.mark.parametrize("cls", [c for c in RULES if issubclass(c, n.Elementwise)], ids=lambda cls: RULES[cls].name)
def test_a_function_without_a_word_is_spelled_by_its_formula(cls: type) -> None:
    rule = RULES[cls]
    a = symbol("a", (M, ONE))
    bare = replace(DIALECT, functions={})
    speller = Speller(bare, {a: "a"}, {a: True}, "one")
    code = speller.function(cls(a))
    assert code.text == f"{rule.name}(a)"
    given = arrays(cls(a), {a: True})
    np.testing.assert_allclose(run(speller, code, given), batch_rows(a, meaning(cls(a), given)), rtol=1e-13)
    assert run(speller, code, {a: given[a].astype(np.float32)}).dtype == np.float32


def test_what_cannot_be_spelled_is_named() -> None:
    class Cumulate(n.Operation):
        signature = "m n -> m n"

    a = symbol("a", (M, ONE))
    with pytest.raises(UsageError, match=r"the target 'numpy' cannot spell 'Cumulate'\nhint: it can spell abs, add,"):
        Speller(DIALECT, {a: "a"}, {a: True}, "one").spell(Cumulate(a))


def test_sympys_own_spelling_would_not_do() -> None:
    """Why `_Formula` is there: the functions it spells itself need a module more, or lose the type."""
    assert "functools" in NumPyPrinter().doprint(n.Relu.scalar(Symbol("a", real=True)))


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (lambda a, b: n.Hadamard(a, n.OneMinus(b)), "a * (1 - b)"),
        (lambda a, b: n.Negative(n.Hadamard(a, b)), "-a * b"),
        (lambda a, b: n.Divide(a, n.Hadamard(a, b)), "a / (a * b)"),
        (lambda a, b: n.Divide(a, n.Negative(n.Hadamard(a, b))), "a / (-a * b)"),
        (lambda a, b: n.Power(n.Negative(a), n.Fill(2, M, 1)), "(-a)**2"),
        (lambda a, b: n.Negative(n.Power(a, n.Fill(2, M, 1))), "-a**2"),
        (lambda a, b: n.Reciprocal(n.Hadamard(a, b)), "1 / (a * b)"),
        (lambda a, b: n.Hadamard(n.Fill(-2, M, 1), a), "-2 * a"),
        (lambda a, b: n.Power(a, n.Fill(-1, M, 1)), "a**-1"),
    ],
)
def test_parentheses(node: Any, text: str) -> None:
    a, b = symbol("a", (M, ONE)), symbol("b", (M, ONE))
    speller = Speller(DIALECT, {a: "a", b: "b"}, {a: True, b: True}, "one")
    expr = node(a, b)
    assert speller.spell(expr).text == text
    given = arrays(expr, {a: True, b: True})
    np.testing.assert_allclose(run(speller, speller.spell(expr), given), batch_rows(a, meaning(expr, given)))


@pytest.mark.parametrize("shape", [(M, ONE), (ONE, ONE)])
def test_the_total_of_an_outer_product_is_one_product_of_matrices(shape: Shape) -> None:
    a, b = symbol("a", shape), symbol("b", (ONE, N))
    speller = Speller(DIALECT, {a: "a", b: "b"}, {a: True, b: True}, "one")
    assert speller.total(MatMul(a, b)).text == "a.T @ b"


@pytest.mark.parametrize("formula", [False, True])
def test_the_unit_step_is_0_at_0(formula: bool) -> None:
    a = symbol("a", (M, ONE))
    speller = Speller(replace(DIALECT, functions={}) if formula else DIALECT, {a: "a"}, {a: True}, "one")
    given = {a: np.array([[[-1.0], [0.0], [2.0]]])}
    assert run(speller, speller.spell(n.Step(a)), given).tolist() == [[0, 0, 1]]
    assert meaning(n.Step(a), given).tolist() == [[[0], [0], [1]]]


def test_the_dialect_spells_all_that_the_lowering_says() -> None:
    assert {*DIALECT.arrays} == {*WORDS}
    source = (Path(arrays_module.__file__)).read_text(encoding="utf-8").partition('"""\n\nfrom')[2]
    code = [line for line in source.splitlines() if "np." in line and "such as" not in line]
    assert not code
