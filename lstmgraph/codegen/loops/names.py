"""C identifiers for the symbols of a sweep: one for a value's entry in a loop, one for the array of all of them.

`f[t]` is f, and fs in an array; `bar(pre(f))[t]` is delta_f; a stack of W_f, W_i, ... is W_fi..., and W x of it Wx.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from sympy import MatMul, MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import Elementwise
from lstmgraph.algebra.rules import RULES
from lstmgraph.algebra.traverse import walk
from lstmgraph.codegen import identifiers
from lstmgraph.codegen.identifiers import Mark, Marks, by_marks, in_full
from lstmgraph.codegen.loops.reserved import is_keyword, is_reserved


def identifier(text: str) -> str:
    """The text as an identifier in ASCII: α is alpha."""
    word = "".join(c if c.isascii() else _spelled(c) for c in unicodedata.normalize("NFKD", text))
    word = re.sub(r"\W+", "_", word)
    return f"_{word}" if word[:1].isdigit() else word


def _spelled(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    return unicodedata.name(character, "_").lower().split()[-1].split("-")[-1]


def members(names: Iterable[str]) -> dict[str, str]:
    """A name in a struct for each of an author's names: its own, where C keeps that and no other has it."""
    words = {name: identifier(name) for name in names}
    found = {name: name for name, word in words.items() if name == word and not is_keyword(word)}
    for name in (n for n in words if n not in found):
        word = words[name]
        while is_keyword(word) or word in found.values():
            word += "_"
        found[name] = word
    return found


class CNames:
    """Identifiers, none of them twice."""

    def __init__(self, sizes: Iterable[Symbol]) -> None:
        self.taken: set[str] = set()
        self.sizes = {z: self.new(identifier(str(z))) for z in sizes}

    def new(self, wish: str) -> str:
        word, count = wish, 1
        while word in self.taken or is_reserved(word):
            count += 1
            word = f"{wish}_" if count == 2 else f"{wish}_{count}"
        self.taken.add(word)
        return word


def wish(symbol: MatrixSymbol, value: MatrixExpr | None) -> str:
    """What a value would be called."""
    name = name_of(symbol)
    if name.marks[:1] in {("some",), ("part",), ("term",)} and value is not None:
        short = _of_value(value)
        if short:
            return identifier(short)
    return identifier(_by_name(name))


def _of_value(value: MatrixExpr) -> str:
    """Wx for the product of W and x, tanh_c for the tanh of c."""
    if isinstance(value, MatMul):
        words = [_letter(next(s for s in walk(a) if isinstance(s, MatrixSymbol))) for a in value.args]
        return "".join(words) if all(len(w) < 4 for w in words) else ""
    if isinstance(value, Elementwise) and isinstance(value.args[0], MatrixSymbol):
        operand = name_of(value.args[0])
        if not operand.marks:
            return f"{RULES[value.func].name}_{_by_name(operand)}"
    return ""


def _letter(symbol: MatrixSymbol) -> str:
    """W of W_f, or of a stack of W_f, W_i, ...; h of h[t-1]."""
    name = name_of(symbol)
    stems = {b.partition("_")[0] for b in name.base.split(".")}
    return stems.pop() if len(stems) == 1 and not {"bar", "grad", "carry"} & {*name.marks} else "____"


MARKS: Marks = {**identifiers.MARKS, **{(word,): Mark(f"{word}_") for word in ("loss", "carry")}}


def _by_name(name: Name) -> str:
    return by_marks(name, MARKS, lambda other: _by_name(replace(other, marks=other.marks[1:])))


def joined(words: Iterable[str]) -> str:
    """figo for f, i, g and o."""
    parts = list(words)
    return "".join(parts) if all(len(p) == 1 for p in parts) else in_full(parts)
