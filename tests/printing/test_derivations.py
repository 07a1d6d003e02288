"""Every line of an explanation is true: what it claims is derived again, by means that know no rule of ours.

A term says that it is what one place in one forward equation sends back.  Here that place is made a variable of its
own, and central differences through the reference interpreter say what it sends back.  That the terms are all, and that
each rule has the right name, is read off the equations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest
from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import like, name_of, symbol
from lstmgraph.algebra.nodes import Elementwise, operands
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import rebuild, walk
from lstmgraph.api.cell import Cell, load, loads
from lstmgraph.errors import UsageError
from lstmgraph.normal import normal_form
from lstmgraph.notation import get_notation
from lstmgraph.numeric.evaluate import evaluate, number_of
from lstmgraph.numeric.sample import draw
from lstmgraph.numeric.sequence import step_values
from lstmgraph.printing.breaking import width_of
from lstmgraph.printing.derivations import Derivation, Line, Step, derivation, sentences
from lstmgraph.printing.reasons import CHAIN, REASONS, reason
from lstmgraph.program import Equation, Program, Term, Use
from lstmgraph.reading import library

PAPERS = sorted((Path(__file__).parents[1] / "reading" / "papers").glob("*.toml"))
ODD = {
    "a scalar, a concatenation": """
        a[t] = sigmoid(v.T @ h[t-1])
        z[t] = concat(tanh(W @ x[t] + b), x[t])
        h[t] = a[t] * h[t-1] + (1 - a[t]) * (V @ z[t])
    """,
    "a matrix as state, softmax, a quotient": """
        k[t] = softmax(K @ x[t])
        M[t] = M[t-1] * 0.5 + k[t] @ (V @ x[t]).T
        h[t] = (M[t] @ k[t]) / (1 + abs(k[t] * sum(k[t])))
    """,
    "used twice, powers, the smaller": """
        g[t] = minimum(W @ x[t], h[t-1]) ** 2
        h[t] = g[t] * g[t] + exp(-g[t]) - (g[t] + h[t-1])
    """,
    "words and hats": """
        gate_in[t] = sigmoid(W_in @ x[t] + lambda_)
        c_tilde[t] = tanh(W_c_tilde @ x[t] + 2 * hidden[t-1])
        hidden[t] = gate_in[t] * c_tilde[t] + (1 - gate_in[t]) * hidden[t-1]
    """,
    "one pre-activation in two functions, and another name": """
        a[t] = tanh(W @ x[t] + U @ h[t-1])
        b[t] = sigmoid(W @ x[t] + U @ h[t-1])
        s[t] = relu(a[t] - b[t])
        y[t] = s[t]
        h[t] = silu(y[t]) + log(1 + exp(y[t]))
    """,
}
SIZES = {
    "a scalar, a concatenation": {"x": "X", "h": "H", "b": "B"},
    "words and hats": {"x": "X", "hidden": "H"},
    "a matrix as state, softmax, a quotient": {"x": "X", "k": "H"},
}


@cache
def cell_of(name: str) -> Cell:
    if name in ODD:
        return Cell.from_equations(ODD[name], sizes=SIZES.get(name, {"x": "X", "h": "H"}))
    return load(name)


CELLS = (*library(), *map(str, PAPERS), *ODD)
each_cell = pytest.mark.parametrize("name", CELLS, ids=lambda name: Path(name).stem)


@cache
def told(name: str) -> tuple[Program, Program, Derivation]:
    """The gradient of a cell, the step that it is derived from, and what is told of it."""
    cell = cell_of(name)
    gradient, forward = cell.gradient(), normal_form(cell.step)
    return gradient, forward, derivation(replace(gradient, equations=(*forward, *gradient.stage("backward"))), forward)


# ── the values are true ──

STEP = 1e-5


@cache
def numbers(name: str) -> dict[str, Any]:
    """Every value of one step and of its backward pass, by name."""
    cell = cell_of(name)
    gradient, forward, _ = told(name)
    sizes = {size: 2 + k for k, size in enumerate(sorted(cell.sizes, key=str))}
    sample = draw(cell, sizes, 1, 1, 0)
    assert sample is not None
    given = step_values(cell, sample.parameters, sample.inputs, sample.states, 0)
    values = evaluate(forward, given)
    rng = numpy.random.default_rng(1)
    for seed in gradient.inputs:
        if seed not in forward.inputs:
            values[seed.name] = rng.normal(size=[1, *(number_of(side, sizes) for side in seed.shape)])
    return {**values, **evaluate(gradient, {s.name: values[s.name] for s in gradient.inputs})}


def value_of(expr: MatrixExpr, forward: Program, values: dict[str, Any]) -> Any:
    used = {s for s in walk(expr) if isinstance(s, MatrixSymbol)}
    program = Program("one", tuple({*used, *forward.inputs}), (Equation(symbol("part(it)", expr.shape), expr),), ())
    return evaluate(program, {s.name: values[s.name] for s in program.inputs})["part(it)"]


def sent_back(use: Use, cotangent: Any, forward: Program, values: dict[str, Any]) -> Any:
    """What the place `use` sends back for a cotangent of its equation's value: all entries moved at once, both ways."""
    value = forward.definitions[use.equation].value
    place = symbol("part(place)", at(value, use.path).shape)
    opened = put(value, use.path, place)
    before = value_of(at(value, use.path), forward, values)
    shifts = STEP * numpy.eye(before.size).reshape(before.size, *before.shape)
    inputs = tuple(dict.fromkeys(s for s in (*walk(opened), *forward.inputs) if isinstance(s, MatrixSymbol)))
    program = Program("moved", inputs, (Equation(use.equation, opened),), ())
    up, down = (
        evaluate(program, {s.name: {**values, place.name: before + sign * shifts}[s.name] for s in inputs})
        for sign in (1, -1)
    )
    slopes = (up[use.equation.name] - down[use.equation.name]) / (2 * STEP)
    return (slopes * cotangent).reshape(before.size, -1).sum(axis=1).reshape(before.shape)


def at(expr: MatrixExpr, path: tuple[int, ...]) -> MatrixExpr:
    return at(operands(expr)[path[0]], path[1:]) if path else expr


def put(expr: MatrixExpr, path: tuple[int, ...], new: MatrixExpr) -> MatrixExpr:
    if not path:
        return new
    parts = list(operands(expr))
    parts[path[0]] = put(parts[path[0]], path[1:], new)
    return rebuild(expr, parts)


def derived_again(term: Term, name: str, gradient: Program, forward: Program) -> Any:
    """A term from what it claims: the cotangent of the first equation by its name, back through each place."""
    values = numbers(name)
    if term.use is None:
        return values[str(term.value)]
    if term.before is None:
        cotangent = values[name_of_cotangent(term.use.equation, gradient)]
    else:
        cotangent = derived_again(term.before, name, gradient, forward)
    return sent_back(term.use, cotangent, forward, values)


def name_of_cotangent(target: MatrixSymbol, gradient: Program) -> str:
    named = like(target, "bar")
    return str(named if named in {*gradient.definitions, *gradient.inputs} else gradient.seed(target))


def false_terms(name: str, backward: Sequence[Equation]) -> list[str]:
    """The terms that are not what they claim to be, and the cotangents that are not the sum of their terms."""
    gradient, forward, _ = told(name)
    values, wrong = numbers(name), []
    for equation in backward:
        terms = [value_of(term.value, forward, values) for term in equation.origin]
        if not close(sum(terms), values[equation.target.name]):
            wrong.append(f"{equation} is not the sum of its terms")
        wrong += [
            f"{equation}: {term.value} is not what {term.use} sends back"
            for term in (part for whole in equation.origin for part in whole.chain())
            if not close(value_of(term.value, forward, values), derived_again(term, name, gradient, forward))
        ]
    return wrong


def close(a: Any, b: Any) -> bool:
    return bool(numpy.allclose(a, b, rtol=1e-5, atol=1e-7))


@each_cell
def test_every_term_is_what_its_place_sends_back(name: str) -> None:
    assert not false_terms(name, told(name)[0].stage("backward"))


@pytest.mark.parametrize("name", ["peephole_lstm", "gru", "words and hats"])
def test_a_reason_at_the_wrong_term_is_seen(name: str) -> None:
    """Two terms of a sum change their reasons; one is left out; a reason is moved to any other place."""
    gradient, forward, _ = told(name)
    sums = [
        (e, a, b) for e in gradient.stage("backward") for a, b in pairwise(e.origin) if a.use and a.value != b.value
    ]
    for equation, a, b in sums[:3]:
        first, last = a._replace(use=b.use, before=b.before), b._replace(use=a.use, before=a.before)
        swapped = [{a: first, b: last}.get(term, term) for term in equation.origin]
        assert len(false_terms(name, [replace(equation, origin=tuple(swapped))])) >= 2
        assert len(false_terms(name, [replace(equation, origin=tuple([t for t in equation.origin if t != a]))])) == 1
    equation, term, _ = sums[0]
    others = [use for use in other_uses(term, gradient, forward) if use != term.use]
    assert len(others) > 1
    for use in others:
        moved = [t._replace(use=use, before=None) if t == term else t for t in equation.origin]
        assert len(false_terms(name, [replace(equation, origin=tuple(moved))])) == 1


def other_uses(term: Term, gradient: Program, forward: Program) -> list[Use]:
    """The places of values of the same shape in equations whose cotangent has a name."""
    symbols = {s for e in forward for s in walk(e.value) if isinstance(s, MatrixSymbol) and s.shape == term.value.shape}
    uses = [Use(e.target, path) for s in sorted(symbols, key=str) for e in forward for path in paths(e.value, s)]
    return [use for use in uses if cotangents_of(use.equation, gradient)]


@each_cell
def test_every_use_of_a_value_is_told_or_sends_nothing(name: str) -> None:
    """A place that sends something back is a term of the cotangent of what stands there, once."""
    gradient, forward, _ = told(name)
    values = numbers(name)
    for equation in gradient.stage("backward"):
        of = like_without_mark(equation.target)
        claimed = [term.use for term in equation.origin if term.use]
        assert len(set(claimed)) == len(claimed)
        for use in (Use(e.target, path) for e in forward for path in paths(e.value, of)):
            ends = cotangents_of(use.equation, gradient)
            if use not in claimed and ends is not None:
                assert close(sent_back(use, values[ends], forward, values), 0), f"{use} is missing in {equation}"


def like_without_mark(target: MatrixSymbol) -> MatrixSymbol:
    name = name_of(target)
    return symbol(replace(name, marks=name.marks[1:]), target.shape)


def paths(expr: MatrixExpr, of: MatrixSymbol) -> list[tuple[int, ...]]:
    if expr == of:
        return [()]
    return [(k, *path) for k, operand in enumerate(operands(expr)) for path in paths(operand, of)]


def cotangents_of(target: MatrixSymbol, gradient: Program) -> str | None:
    named = like(target, "bar")
    return str(named) if named in {*gradient.definitions, *gradient.inputs} else None


@each_cell
def test_a_slope_is_the_derivative_of_its_function(name: str) -> None:
    """`chain rule with σ′ = f ⊙ (1 − f)`, by differences of the function."""
    _, forward, found = told(name)
    values = numbers(name)
    parts = [part for _, section in found.sections for line in section for part in line.parts]
    for step in (step for part in parts for step in part.steps):
        slopes = [slope for _, slope in step.rules if slope]
        nodes = [at(forward.definitions[u.equation].value, u.path[:k]) for u in step.uses for k in range(len(u.path))]
        functions = [node for node in nodes if reason(node.func) is CHAIN]
        assert [slope.function for slope in slopes] == [node.func for node in functions]
        for slope, node in zip(slopes, functions, strict=True):
            place = symbol("part(place)", node.shape)
            program = Program("moved", (place,), (Equation(symbol("part(it)", node.shape), node.func(place)),), ())
            operand = value_of(node.args[0], forward, values)
            up, down = (evaluate(program, {place.name: operand + s * STEP})["part(it)"] for s in (1, -1))
            assert close(value_of(slope.value, forward, values), (up - down) / (2 * STEP))


# ── the words are true ──


@each_cell
def test_the_numbers_and_rules_of_a_line_are_those_of_its_terms(name: str) -> None:
    gradient, forward, found = told(name)
    lines = {line.equation.target: line for _, section in found.sections for line in section}
    assert set(lines) == {e.target for e in gradient.stage("backward")}
    forward_lines = {line.number: line.equation.target for line in found.forward}
    for equation in gradient.stage("backward"):
        line = lines[equation.target]
        assert [part.value for part in line.parts] == [term.value for term in equation.origin]
        for part, term in zip(line.parts, equation.origin, strict=True):
            uses = [t.use for t in term.chain() if t.use]
            assert [use for step in part.steps for use in step.uses] == uses
            for step in part.steps:
                assert_step(step, forward, forward_lines)


def assert_step(step: Step, forward: Program, numbered: dict[int, MatrixSymbol]) -> None:
    """The equation that is named computes what is used, itself or a part of it that has no name of its own."""
    assert numbered[step.line.number] == step.line.equation.target
    for use in step.uses:
        computes, todo = set(), [step.line.equation.target]
        while todo:
            computes.add(todo[-1])
            value = forward.definitions[todo.pop()].value
            todo += [s for s in walk(value) if s in forward.definitions and s not in numbered.values()]
        assert use.equation in computes
    passed = [at(forward.definitions[u.equation].value, u.path[:k]) for u in step.uses for k in range(len(u.path))]
    names = [rule.name for rule, _ in step.rules]
    wanted = [reason(node.func).name for node in passed]
    assert names == ([w for w in wanted if w != "sum rule"] or wanted[:1] or ["copy"])


@each_cell
def test_a_number_in_a_reason_is_that_of_the_equation_beside_it(name: str) -> None:
    """As it is printed: `from (5) c = f ⊙ c[t-1] + i ⊙ g`, where the forward equations have just that as their (5)."""
    text = cell_of(name).gradient().explain()
    before, _, after = text.partition("\n\nrules\n")
    lines = re.split(r"\n *(?=\(\d+\)  )", before)[1:]
    numbered = {k: " ".join(rest.split()) for k, rest in (re.split(r"\)\s+", line[1:], maxsplit=1) for line in lines)}
    flat = " ".join(after.split())
    mentions = list(re.finditer(r"(from|pre-activation of|feeds|,|and) \((\d+)\) ", flat))
    assert len(mentions) >= len(cell_of(name).parameters)
    for mention in mentions:
        equation = numbered[mention[2]]
        target, _, _ = equation.partition(" =")
        expected = equation if mention[1] in {"from", "pre-activation of"} else target
        assert flat.startswith(expected, mention.end()), flat[mention.start() : mention.end() + 60]


def test_every_operation_has_a_rule_in_words() -> None:
    for operation in RULES:
        assert operation in REASONS or issubclass(operation, Elementwise), (
            f"{operation.__name__} needs a row of REASONS"
        )
    assert set(REASONS) <= {*RULES, MatrixSymbol}
    names = [rule.name for operation, rule in REASONS.items() if not issubclass(operation, Elementwise)]
    assert len({*names, CHAIN.name}) == len(names) + 1


RULE_OF = {
    "h[t] = W @ x[t] + h[t-1]": "sum rule",
    "h[t] = W @ h[t-1]": "matrix product",
    "h[t] = x[t] * h[t-1]": "product rule",
    "h[t] = 1 - h[t-1]": "minus sign",
    "h[t] = x[t] - h[t-1]": "minus sign",
    "h[t] = h[t-1] / x[t]": "quotient rule",
    "h[t] = 1 / h[t-1]": "reciprocal rule",
    "h[t] = h[t-1] ** 3": "power rule",
    "h[t] = maximum(h[t-1], x[t])": "maximum",
    "h[t] = minimum(x[t], h[t-1])": "minimum",
    "h[t] = softmax(h[t-1])": "softmax rule",
    "h[t] = sum(h[t-1]) * x[t]": "sum of entries",
    "h[t] = W @ concat(h[t-1], x[t])": "concatenation",
    "h[t] = tanh(h[t-1])": "chain rule with tanh′ = 1 − h²",
    "h[t] = exp(h[t-1])": "chain rule with exp′ = h",
    "h[t] = relu(h[t-1])": "chain rule with relu′ = step(h[t-1])",
    "h[t] = W @ (h[t-1].T @ x[t])": "matrix product, then transpose",
}


@pytest.mark.parametrize(("equation", "words"), RULE_OF.items())
def test_the_name_of_a_rule(equation: str, words: str) -> None:
    cell = Cell.from_equations(equation, sizes={"h": 2, **({"x": 2} if "x[t]" in equation else {})})
    text = cell.gradient("h").explain()
    reasons = text.partition("cotangents of the previous states")[2]
    assert words in reasons


def test_the_line_of_the_issue() -> None:
    """Uses are listed, the seed is said to come from outside, and a peephole is told by its term."""
    text = re.sub(r"\s+", " ", load("peephole_lstm").gradient().explain())
    assert (
        "c̄ = c̄⁺ + δ_o ⊙ p_o + h̄ ⊙ o ⊙ (1 − tanh²(c))"
        " sum of uses: c feeds (5) o and (6) h; from outside c̄⁺"
        " - δ_o ⊙ p_o: product rule for p_o ⊙ c, in the pre-activation of (5) o = σ("
    ) in text
    assert "gives f̄ = c̄ ⊙ c[t-1]; then chain rule with σ′ = f ⊙ (1 − f), from (1) f = σ(" in text
    assert "product rule for f ⊙ c[t-1], from (4) c = f ⊙ c[t-1] + i ⊙ g" in text


def test_only_the_textbook_form_is_explained() -> None:
    with pytest.raises(UsageError, match="products reused are not explained"):
        load("peephole_lstm").gradient().reusing().explain()


def test_nothing_reaches_what_no_output_depends_on() -> None:
    cell = loads('output = "h"\nequations = "h[t] = x[t]\\ny[t] = V @ h[t]"\nsizes = {x = "H", y = 2}')
    assert "no output changes with V" in cell.gradient("V").explain()


@each_cell
def test_what_a_cotangent_is_named_after_is_defined(name: str) -> None:
    """Also where the value itself is not needed, and so not computed by the gradient."""
    cell = cell_of(name)
    gradient, notation = cell.gradient(), get_notation(cell)
    spelt = {e.target: notation.unicode(e.target, "implicit") for e in normal_form(cell.step)}
    named = [target for target in spelt if like(target, "bar") in gradient.definitions]
    unnamed = [spelt[target] for target in named if name_of(target).marks == ("part",)]
    for text in (str(gradient), gradient.explain()):
        assert all(re.search(rf"^ *(\(\d+\) +)?{re.escape(part)} = ", text, re.MULTILINE) for part in unnamed)


# ── what it looks like ──


@pytest.mark.parametrize(
    ("format", "suffix"), [("unicode", "txt"), ("latex", "tex"), ("markdown", "md"), ("html", "html")]
)
def test_golden(format: str, suffix: str, golden: Callable[[str, str], None]) -> None:
    golden(f"explained-gru.{suffix}", load("gru").gradient(["U_r", "h"]).explain(format))


@each_cell
def test_a_terminal_shows_it_whole(name: str) -> None:
    """No line is wider than 100 columns, and numbers are those of the lines, in order."""
    text = cell_of(name).gradient().explain()
    assert max(map(width_of, text.splitlines())) <= 100
    count = [int(n) for n in re.findall(r"^ *\((\d+)\)  ", text, re.MULTILINE)]
    assert count == list(range(1, len(count) + 1))
    backward = len(cell_of(name).gradient().stage("backward"))
    assert len(count) == backward + len(told(name)[2].forward)


def test_with_respect_to_one_name_the_forward_equations_keep_their_numbers() -> None:
    cell = load("lstm")
    forward = [text.partition("\n\nrules")[0] for text in (cell.gradient(w).explain() for w in (["W_o"], ["W_o", "c"]))]
    assert forward[0].splitlines()[-6:] == forward[1].splitlines()[-6:]
    assert sentences(Line(1, next(iter(cell.step)), cell.inputs[0]))
