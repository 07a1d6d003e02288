"""Which standard operator a cell is by its equations, and which of its parameters stands for which part of it.

Frameworks have three recurrent layers, and their files of weights are made for these.  With σ and tanh for whatever
functions a cell has there, and ⊙ for the elementwise product:

    rnn     h = tanh(W x + U h' + b)
    lstm    i, f, o = σ(W x + U h' + p ⊙ c + b),  g = tanh(W x + U h' + b),  c = f ⊙ c' + i ⊙ g,  h = o ⊙ tanh(c)
            where a peephole p, if there is one, sees c' (i, f) or c (o)
    gru     r, z = σ(W x + U h' + b),  h = z ⊙ h' + (1 − z) ⊙ n
            n = tanh(W x + U (r ⊙ h') + b), or, reset after, tanh(W x + b + r ⊙ (U h' + b'))

`standard` finds it whatever the names, the order of terms, the way of writing (one product with [x; h'], all gates in
one product, h' + z ⊙ (n − h')) and the convention (z or 1 − z, by a change of sign).  A part may be missing, which is a
zero there, and a parameter may stand for several parts: a coupled gate 1 − i is that of −W_i.  A cell that differs in
anything else is none of them, and `differences` says in what.

To add a form: a row in `_FORMS`, a function that takes a cell apart, raising `Differs` where it cannot.
The order of gates in ONNX's operators is in `ONNX`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from sympy import MatrixExpr, MatrixSymbol

from lstmgraph.cell import Cell
from lstmgraph.standard.forms import ONNX, SINGLE, Block, Form, Gate, Operator, Standard
from lstmgraph.standard.polynomial import MOST, ONE, Polynomial, atom, complement, split, times
from lstmgraph.standard.reader import Differs, Reader, Sees, Term, is_layer

__all__ = ["ONNX", "SINGLE", "Block", "Form", "Gate", "Operator", "Standard", "differences", "standard"]


def standard(cell: Cell) -> Standard | None:
    """The standard form that a cell is exactly, if it is one."""
    return next((found for found in _tried(cell).values() if isinstance(found, Standard)), None)


def differences(cell: Cell) -> Mapping[Form, str]:
    """Of each form that the cell is not, in what it differs first."""
    return {form: found for form, found in _tried(cell).items() if isinstance(found, str)}


@lru_cache(maxsize=128)
def _tried(cell: Cell) -> Mapping[Form, Standard | str]:
    found: dict[Form, Standard | str] = {}
    for form, match in _FORMS.items():
        try:
            found[form] = match(Reader(cell))
        except Differs as difference:
            found[form] = str(difference)
    return found


def _rnn(reader: Reader) -> Standard:
    """h = tanh(W x + U h' + b)"""
    x, (h, _) = reader.only_input(), reader.states_of(1)
    gate = reader.gate(reader.defined(h), 1, Sees(x, atom(h.previous)))
    return Standard("rnn", {"h": gate}, x, h)


def _lstm(reader: Reader) -> Standard:
    """c = f ⊙ c' + i ⊙ g,  h = o ⊙ tanh(c)"""
    x, (h, c) = reader.only_input(), reader.states_of(2)
    memory, output = reader.polynomial(reader.defined(c)), reader.polynomial(reader.defined(h))
    keep, added = split(memory, c.previous)
    squashed = next((a for m in output for a in m if _is_of(reader, a, (atom(c.next), memory))), None)
    shown, others = split(output, squashed) if squashed is not None else ({}, output)
    if squashed is None or others:
        raise Differs(f"its output {h.name} is no gate times a function of {c.name}")
    plain = Sees(x, atom(h.previous))
    early, late = replace(plain, memory=c.previous), replace(plain, memory=c.next)
    f, o = reader.gate(*reader.gate_in(keep), early), reader.gate(*reader.gate_in(shown), late)
    if f.activation is not o.activation:
        raise Differs("its gates have several functions")
    i, g = _addition(reader, added, f.activation, (early, plain))
    return Standard("lstm", {"i": i, "f": f, "g": g, "o": o}, x, h, c, squashed.func)


def _addition(
    reader: Reader, added: Polynomial, activation: type[MatrixExpr], sees: tuple[Sees, Sees]
) -> tuple[Gate, Gate]:
    """The gate with that activation, and the layer, of which what is added to a memory is the product."""
    reason = Differs("what is added to its memory is no gate times a layer")
    for layer in dict.fromkeys(a for m in added for a in m):
        factor, rest = split(added, layer)
        try:
            gate, sign = reader.gate_in(factor)
            if gate.func is activation and not rest:
                return reader.gate(gate, sign, sees[0]), reader.gate(layer, 1, sees[1])
        except Differs as difference:
            reason = difference
    raise reason


def _gru(reader: Reader) -> Standard:
    """h = z ⊙ h' + (1 − z) ⊙ n"""
    x, (h, _) = reader.only_input(), reader.states_of(1)
    keep, added = split(reader.polynomial(reader.defined(h)), h.previous)
    update = reader.gate_in(keep)
    layers = dict.fromkeys(a for m in added for a in m)
    candidate = next((a for a in layers if added == times(complement(keep), atom(a))), None)
    if candidate is None or not is_layer(candidate):
        raise Differs(f"its state {h.name} is no mean of what it was and of a layer")
    previous = atom(h.previous)
    after, reset = _reset(reader, islice(reader.terms(candidate.args[0]), MOST), h.previous)
    sees = Sees(x, None, reset=reset) if after else Sees(x, times(reset, previous))
    gates = {
        "r": reader.gate(*reader.gate_in(reset), Sees(x, previous)),
        "z": reader.gate(*update, Sees(x, previous)),
        "n": reader.gate(candidate, 1, sees),
    }
    if gates["r"].activation is not gates["z"].activation:
        raise Differs("its gates have several functions")
    return Standard("gru", gates, x, h, reset_after=after)


def _reset(reader: Reader, terms: Iterable[Term], previous: MatrixSymbol) -> tuple[bool, Polynomial]:
    """Whether a candidate's reset is after its product, and the reset."""
    for term in terms:
        if term.kind == "reset":
            return True, reader.polynomial(term.operand)
        if term.kind == "product":
            factor, _ = split(reader.polynomial(term.operand), previous)
            if factor and factor != {(): ONE}:
                return False, factor
    raise Differs("its candidate has no reset gate")


def _is_of(reader: Reader, layer: MatrixExpr, operands: tuple[Polynomial, ...]) -> bool:
    return is_layer(layer) and reader.polynomial(layer.args[0]) in operands


_FORMS: dict[Form, Callable[[Reader], Standard]] = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}
