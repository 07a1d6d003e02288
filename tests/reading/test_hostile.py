"""Hostile and huge input is refused quickly, and nothing but a CellError ever comes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmgraph.errors import CellError, UsageError
from lstmgraph.reading import from_equations, load, loads

Calls = Callable[[Callable[[], object]], int]
SIZES = '[sizes]\nx = "X"\nh = "H"\n'
RNN = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"


def cell_file(equations: str, rest: str = SIZES) -> str:
    return f'equations = """\n{equations}\n"""\n{rest}'


HOSTILE = {
    "deep brackets": cell_file("h[t] = " + "(" * 3000 + "x[t]" + ")" * 3000),
    "deep calls": cell_file("h[t] = " + "tanh(" * 1000 + "x[t]" + ")" * 1000),
    "many signs": cell_file("h[t] = " + "-" * 7000 + "x[t]"),
    "powers of powers": cell_file("h[t] = " + "x[t]**" * 1000 + "2"),
    "a huge power": cell_file("h[t] = 9**9**9 * x[t]"),
    "a huge power in steps": cell_file("h[t] = ((((2**64)**64)**64)**64) * x[t]"),
    "a huge product": cell_file("h[t] = " + "1e299 * " * 500 + "x[t]"),
    "a huge whole number": cell_file("h[t] = " + "9" * 5000 + " * x[t]"),
    "a huge hexadecimal number": cell_file("h[t] = 0x" + "f" * 5000 + " * x[t]"),
    "a tiny number": cell_file("h[t] = 1e-99999999 * x[t]"),
    "a long product": cell_file("h[t] = " + " @ ".join(["W"] * 900)),
    "an endless sum": cell_file("h[t] = " + "+".join(["x"] * 3900)),
    "many operands": cell_file("h[t] = maximum(" + ",".join(["x[t]"] * 900) + ")"),
    "a megabyte of a name": cell_file("a" * 1_000_000),
    "a megabyte of equations": cell_file("h[t] = x[t]\n" * 90_000),
    "thousands of equations": cell_file("\n".join(f"h{k}[t] = tanh(h{k}[t-1] + x[t])" for k in range(3000))),
    "a long equation": cell_file("h[t] = " + " + ".join(["tanh(x[t])"] * 2000)),
    "a null byte": cell_file("h[t] = x[t]\0"),
    "a lone surrogate": cell_file("h[t] = \ud800 * x[t]"),
    "an import": cell_file("h[t] = __import__('os').system('true')"),
    "a lambda": cell_file("h[t] = (lambda: h)()"),
    "a comprehension": cell_file("h[t] = sum(x for x in y)"),
    "attributes": cell_file("h[t] = x[t].__class__.__bases__"),
    "a star": cell_file("h[t] = maximum(*x)"),
    "an assignment": cell_file("h[t] = (a := x[t])"),
    "TOML nested deeply": "a = " + "[" * 5000 + "]" * 5000,
    "TOML tables nested deeply": "a = " + "{b=" * 3000 + "1" + "}" * 3000,
    "TOML with a long key": ".".join("a" * 3000) + " = 1",
    "TOML with a huge number": "a = " + "9" * 5000,
    "a size that is a formula": cell_file(RNN, '[sizes]\nx = "9**9**9"\nh = "H"'),
    "a size that is nested": cell_file(RNN, '[sizes]\nx = "' + "(" * 70 + '"\nh = "H"'),
    "a size that is huge": cell_file(RNN, '[sizes]\nx = 99999999999999999999\nh = "H"'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_with_little_work(name: str, calls: Calls) -> None:
    refused: list[str] = []
    work = calls(lambda: refused.append(outcome(loads, HOSTILE[name], "f.toml")))
    assert 0 < len(refused[0]) < 2000
    assert work < 3000 + 10 * len(HOSTILE[name])


def chain(length: int) -> str:
    lines = [f"h{k}[t] = a{k} * h{k + 1}[t] + W{k} @ h{k + 1}[t-1]" for k in range(length)]
    return "\n".join([*lines, f"h{length}[t] = x[t]"])


def test_large_but_honest_cells_are_read(calls: Calls) -> None:
    cell = from_equations(chain(120), sizes={"x": "X"})
    assert len(cell.equations) == 121
    assert {p.shape[1] for p in cell.parameters} == {1, cell.inputs[0].shape[0]}
    short, long = (calls(partial(from_equations, chain(length), sizes={"x": "X"})) for length in (40, 80))
    assert long < 3 * short  # the square would be 4


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    for data in (b"\x7fELF\0\0", b"\xff\xfe\x00", b"equations = '\xe4'", b"x" * 2_000_000):
        path = tmp_path / "cell.toml"
        path.write_bytes(data)
        with pytest.raises(CellError):
            load(str(path))
    with pytest.raises(UsageError, match="directory"):
        load(str(tmp_path))


def outcome(function: Callable[..., object], *args: object, **options: object) -> str:
    """The message of the CellError that comes out, or ""; any other error fails the test."""
    try:
        function(*args, **options)
    except CellError as error:
        return str(error)
    return ""


PIECES = r"""
h[t] x[t] h[t-1] h[ t ] x[ -1 W @ U b ( ) [ ] + - * / ** . .T , = == : 1 2.5 9e9 0 tanh( sigmoid ( maximum( sum( concat(
softmax( lambda if else for in not and # \ ' " { } ; ^ ~ ! σ ⊙ − · é _ __x h_t x1[t-1] True None ... @@
"""
pieces = st.sampled_from([*PIECES.split(), "\n", " ", "\n\n", "h[t] = ", "\t", "\r\n", "\x00", "\u200b"])


@settings(max_examples=400)
@given(st.lists(pieces, max_size=25).map("".join))
def test_no_equations_escape_with_another_error(text: str) -> None:
    outcome(from_equations, text, sizes={"h": "H"})


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_no_text_escapes_with_another_error(text: str) -> None:
    for whole in (text, f"h[t] = {text}", f'equations = """{text}"""', cell_file(RNN, text)):
        outcome(loads, whole)


values = st.recursive(
    st.one_of(
        st.integers(-2, 5), st.booleans(), st.floats(), st.sampled_from(["H", "X", "", "h", "h[t]", "gate", "1"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("hxWq"), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["sizes", "constants", "roles", "notation", "walks", "name", "output"]), values))
def test_no_table_escapes_with_another_error(tables: dict[str, object]) -> None:
    lines = [f"{key} = {_toml(value)}" for key, value in tables.items()]
    outcome(loads, "\n".join(lines) + f'\nequations = "{RNN}"\n')


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
        case str():
            return f'"{value}"'
    return str(value)
