"""Names in generated Python: none is two things, whatever words of the file an author takes for a cell's own."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import pytest

from lstmgraph.calculus import gradient
from lstmgraph.codegen import generate
from lstmgraph.codegen.identifiers import together
from lstmgraph.errors import LstmgraphError
from lstmgraph.reading import library, loads
from tests.codegen.equality import ODD, WAYS, Case, functions_of
from tests.codegen.hunt import forget, wrong

CELLS = (*library(), *ODD)
LAYER = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"
# Where words of the author's stand beside those of the file.
BODIES = {
    "numpy": {"_forward", "_backward"},
    "torch": {"step", "reference", "forward", "gradients"},
    "jax": {"_step", "_forward", "_backward", "one_step"},
}
TARGETS = [pytest.param(t, marks=[getattr(pytest.mark, mark) for mark in WAYS[t].mark]) for t in BODIES]
SEVERAL = 8  # states or inputs of a cell
CASE = Case(2, 3, (2, 4, 3))


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """Of the cells that are made here."""
    yield
    forget()


def text_of(equations: Iterable[str], output: str, sizes: Mapping[str, str]) -> str:
    given = "\n".join(f'{name} = "{size}"' for name, size in sizes.items())
    lines = "\n".join(equations)
    return f'name = "cell"\noutput = "{output}"\nequations = """\n{lines}\n"""\n[sizes]\n{given}\n'


def with_words(role: str, words: tuple[str, ...]) -> str:
    """A cell with the words as its parameters, its sizes, its states or its inputs."""
    sizes, terms, equations = {"x": "X", "h": "H"}, [], [LAYER]
    match role:
        case "parameters":
            terms = [f"tanh({word} * h[t])" for word in words]  # of which both ways take all
        case "sizes":
            terms = [f"sum(q{k})" for k in range(len(words))]
            sizes |= {f"q{k}": word for k, word in enumerate(words)}
        case "states":
            terms = [f"{word}[t]" for word in words]
            equations += [f"{word}[t] = tanh(V{k} @ x[t] + {word}[t-1])" for k, word in enumerate(words)]
            sizes |= dict.fromkeys(words, "H")
        case "inputs":
            terms = [f"V{k} @ {word}[t]" for k, word in enumerate(words)]
            sizes |= {word: f"N{k}" for k, word in enumerate(words)}
    return text_of([*equations, f"y[t] = h[t] * ({' + '.join(terms)})"], "y", sizes)


@lru_cache
def words_of(target: str) -> tuple[str, ...]:
    """All names in a target's file for a layer, of those that an author can take."""
    cell = loads(text_of([LAYER], "h", {"x": "X", "h": "H"}))
    found = set()
    for node in ast.walk(ast.parse(generate(cell, gradient(cell), target))):
        match node:
            case ast.Name(id=word) | ast.arg(arg=word) | ast.alias(asname=str(word)) | ast.FunctionDef(name=word):
                found.add(word)
    return tuple(word for word in sorted(found) if is_name(word))


def is_name(word: str) -> bool:
    """Whether an author can call a parameter, a value of a step or a size so, beside the layer."""
    if word in {"W", "U", "b", "X", "H"}:
        return False
    try:
        return all(loads(with_words(role, (word,))) for role in ("parameters", "states", "sizes"))
    except LstmgraphError:
        return False


# ── what is bound twice ──


class Bound(NamedTuple):
    """A name that a function binds: `value` is what to, None of an argument."""

    name: str
    value: ast.expr | None
    looping: bool = False


def bound(function: ast.FunctionDef) -> list[Bound]:
    """All that a function binds, but in functions within."""
    arguments = [Bound(a.arg, None) for a in ast.walk(function.args) if isinstance(a, ast.arg)]
    return [*arguments, *bound_by(function.body, looping=False)]


def bound_by(lines: Iterable[ast.stmt], looping: bool) -> Iterator[Bound]:
    for line in lines:
        match line:
            case ast.Assign(targets=targets, value=value):
                yield from (Bound(name, value, looping) for name in stored(*targets))
            case ast.For(target=target, iter=value, body=body):
                yield from (Bound(name, value, looping=True) for name in stored(target))
                yield from bound_by(body, looping=True)
            case ast.FunctionDef(name=name):
                yield Bound(name, None, looping)


def stored(*targets: ast.expr) -> list[str]:
    names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return [node.id for node in names if isinstance(node.ctx, ast.Store) and node.id != "_"]


def twice(function: ast.FunctionDef) -> list[str]:
    """What is bound twice outside of a loop, or twice in one: two things with one name.

    Not counted are an argument that is turned, or the gradient of one, a file's own result by the name of an argument,
    what is made flat again once it has changed, and the sum of what is there of each sample.
    """
    every = bound(function)
    arguments = {b.name for b in every if b.value is None}

    def is_meant(b: Bound) -> bool:
        text = ast.unparse(b.value) if b.value else ""
        itself = re.search(rf"\b{b.name}\b", text) is not None
        turned = itself and b.name in {*arguments, "d_xs"}
        summed = itself and text.startswith(("jnp.sum(", "jax.lax.scan("))
        return turned or summed or b.name in {"states", "d_states"} or b.name.startswith("flat_")

    counts = Counter((b.name, b.looping) for b in every if not is_meant(b))
    return [name for (name, _), count in counts.items() if count > 1]


def two_things(target: str, source: str) -> list[str]:
    functions = [f for f in ast.walk(ast.parse(source)) if isinstance(f, ast.FunctionDef) and f.name in BODIES[target]]
    assert {f.name for f in functions} >= BODIES[target] - {"one_step"}
    return [f"{name} in {f.name}" for f in functions for name in twice(f)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CELLS)
def test_no_name_is_two_things(name: str, target: str) -> None:
    assert not two_things(target, functions_of(name, target).source)


@pytest.mark.usefixtures("nothing_remembered")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("role", ["parameters", "sizes", "states", "inputs"])
def test_an_author_takes_the_words_of_the_file(role: str, target: str, tmp_path: Path) -> None:
    """Each of them, those that are made of the names of the equations as well: what is computed is right."""
    words = words_of(target)
    assert len(words) > 50
    several = SEVERAL if role in {"states", "inputs"} else len(words)
    for first in range(0, len(words), several):
        some = words[first : first + several]
        path = tmp_path / f"{first}.toml"
        path.write_text(with_words(role, some))
        assert not wrong(target, path, CASE), some
        assert not two_things(target, functions_of(str(path), target).source)


@pytest.mark.torch
@pytest.mark.usefixtures("nothing_remembered")
def test_an_input_alone_is_an_argument_in_the_plural(tmp_path: Path) -> None:
    """An input called `state` is the argument `states` of a module, which has such a one already."""
    words = [word.removesuffix("s") for word in words_of("torch") if word.endswith("s")]
    assert "state" in words
    for word in filter(is_name, words):
        path = tmp_path / f"{word}.toml"
        path.write_text(text_of([LAYER.replace("x[t]", f"{word}[t]")], "h", {word: "X", "h": "H"}))
        assert not wrong("torch", path, CASE), word


def test_a_joint_name_begins_with_no_digit() -> None:
    assert together("a_x.a_y.b") == "xyb"
    assert together("a_1s.a_x.b") == "a_1s_a_x_b"
    names = ("W", "W_2", "W_1", "Wx", "W_x_1", "f", "f_1", "f_2", "A1", "A_1f", "f_1_a", "W_2a")
    for some in (*permutations(names, 2), *permutations(names, 3)):
        assert together(".".join(some)).isidentifier(), some
