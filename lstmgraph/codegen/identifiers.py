"""Python identifiers for the symbols of a Program: `h[t-1]` is h_prev, `bar(pre(f))[t]` delta_f, `grad(W_f)` d_W_f.

An identifier never hides a keyword, a builtin or a name that the template uses, and no two symbols share one.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, MatrixSymbol, Symbol

from lstmgraph.algebra.names import Name, name_of
from lstmgraph.algebra.nodes import Elementwise
from lstmgraph.algebra.rules import RULES
from lstmgraph.program import Equation

PYTHON = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})
# The template's own words where a cell's may stand beside them: its functions, and what _forward, _backward, shapes,
# init and _prepare call their arguments and variables.  tests/codegen/test_names.py finds what lacks here.
TEMPLATE = frozenset(
    [
        "np",
        "shapes",
        "init",
        "step",
        "forward",
        "backward",
        "_forward",
        "_backward",
        "_prepare",
        "_shape",
        "_arrays",
        "_length",
        "params",
        "states",
        "saved",
        "outputs",
        "trace",
        "d_outputs",
        "d_states",
        "d_params",
        "d_xs",
        "inputs",
        "xs",
        "length",
        "what",
        "lead",
        "rng",
        "dtype",
        "name",
        "shape",
        "bound",
        "axes",
        "B",
        "T",
    ]
)
FUNCTIONS = frozenset(
    ["each", "flat", "unflat", *(rule.name for rule in RULES.values())]
)  # of which a file may define some as helpers
# What the files of PyTorch and JAX have beside a size; a size is called the same in the files of all targets.
BESIDE_SIZES = frozenset(
    {"torch", "nn", "self", "batch_first", "derived", "device", "function", "autocast", "given", "of_inputs"}
)
BESIDE_SIZES |= {"jax", "jnp", "key", "own", "one_step", "carry", "now", "last", "gradients"}
CLASSES = frozenset({"Derived", *(word for word in PYTHON if word[:1].isupper())})  # which a file has already
RESERVED = PYTHON | TEMPLATE | FUNCTIONS
MOST = 4  # names in the name of what stands for all of them


def identifiers(
    symbols: Iterable[MatrixSymbol],
    definitions: Mapping[MatrixSymbol, Equation],
    reserved: Iterable[str],
    avoiding: Iterable[str] = RESERVED,
) -> dict[MatrixSymbol, str]:
    """An identifier for every symbol; who comes first gets the plain one.  `avoiding` are words of a Python file."""
    avoided = {*avoiding, *reserved}
    taken = set(avoided)
    found: dict[MatrixSymbol, str] = {}
    for symbol in symbols:
        wish = unicodedata.normalize("NFKC", _wish(name_of(symbol), definitions))
        found[symbol] = _free(wish, taken, avoided)
        taken.add(found[symbol])
    return found


def attributes(names: Sequence[str], own: Collection[str]) -> dict[str, str]:
    """An attribute for each of an author's names: that name where Python keeps it and it is none of `own`."""
    avoided = {*own, *keyword.kwlist}
    wishes = {name: unicodedata.normalize("NFKC", name) for name in names}
    wishes |= {
        name: wish.lstrip("_") for name, wish in wishes.items() if wish.startswith("__")
    }  # a class changes these
    found = {name: name for name, wish in wishes.items() if name == wish and name not in avoided}
    for name in (n for n in names if n not in found):
        found[name] = _free(wishes[name], {*avoided, *names, *found.values()}, avoided)
    return {name: found[name] for name in names}


def _free(wish: str, taken: Collection[str], avoided: Collection[str]) -> str:
    """A word that nothing else has: lambda_ for a word of the language or of the file, else c_2."""
    word, count = wish, 1
    while word in taken:
        count += 1
        word = f"{word}_" if wish in avoided else f"{wish}_{count}"
    return word


class Names(dict[MatrixSymbol, str]):
    """Identifiers, with more that are made of them; each is found again by its key."""

    def __init__(self, found: Mapping[MatrixSymbol, str], reserved: Iterable[str] = ()) -> None:
        super().__init__(found)
        self.avoided = {*PYTHON, *FUNCTIONS, *reserved}
        self.taken = {*self.avoided, *found.values()}
        self.made: dict[object, str] = {}

    def plural(self, symbol: MatrixSymbol) -> str:
        """The name for the values of all steps."""
        return self.fresh(f"{self[symbol]}s", ("plural", symbol))

    def fresh(self, wish: str, key: object) -> str:
        """A name that nothing else has, the same for the same key."""
        if key not in self.made:
            self.made[key] = _free(wish, self.taken, self.avoided)
            self.taken.add(self.made[key])
        return self.made[key]


def class_name(name: str) -> str:
    """The name of a class for a cell: PeepholeLstm for peephole_lstm."""
    word = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", name))
    return word if word[:1].isalpha() and word not in CLASSES else f"Cell{word}"


def size_text(size: Expr) -> str:
    """A size in code: H, 3, H + X; one that would hide something that the code needs gets another name."""
    hidden = [z for z in size.free_symbols if str(z) in RESERVED | BESIDE_SIZES]
    return str(size.xreplace({z: Symbol(f"{z}_") for z in hidden}))


def whole_text(formula: Expr, texts: Mapping[Symbol, str]) -> str:
    """The code for a whole number: a linear formula of sizes, and of symbols that `texts` spells."""
    above, below = formula.together().as_numer_denom()
    words = {a: Symbol(text) for a, text in texts.items()}
    words |= {z: Symbol(size_text(z)) for z in above.free_symbols - words.keys()}
    text = str(above.xreplace(words))
    if below == 1:
        return text
    return f"({text}) // {below}" if above.is_Add or above.is_Mul else f"{text} // {below}"


def _wish(name: Name, definitions: Mapping[MatrixSymbol, Equation]) -> str:
    return by_marks(name, MARKS, lambda inner: _part(inner, definitions))


@dataclass(frozen=True)
class Mark:
    """What a mark puts before and after a name, which is without its time if it is not `timed`."""

    before: str = ""
    after: str = ""
    timed: bool = True


Marks = Mapping[tuple[str, ...], Mark]

MARKS: Marks = {
    ("bar", "pre"): Mark("delta_"),
    ("bar",): Mark("d_"),
    ("grad",): Mark("d_"),
    ("loss",): Mark("d_", "_loss", timed=False),
    **dict.fromkeys([("seed",), ("carry",)], Mark("d_", "_next", timed=False)),
    **{(word,): Mark(f"{word}_") for word in ("pre", "proj", "bias", "slope", "gain", "scale", "half", "share")},
    **{(word,): Mark(f"{word}_") for word in ("rest", "sigmoid", "tanh", "minus")},
    ("turned",): Mark(after="_T"),
    ("sum",): Mark(after="_sum"),
}


def by_marks(name: Name, marks: Marks, other: Callable[[Name], str]) -> str:
    """A name for a value by what it is of which one; by `other` where a mark of it is in no row."""
    if not name.marks:
        return name.base.replace(".", "_") + _time(name.lag)
    if name.marks[0] == "some":
        return by_marks(replace(name, base=together(name.base), marks=name.marks[1:]), marks, other)
    found = next((key for key in (name.marks[:2], name.marks[:1]) if key in marks), None)
    if found is None:
        return other(name)
    mark = marks[found]
    inner = replace(name, lag=name.lag if mark.timed else None, marks=name.marks[len(found) :])
    return mark.before + by_marks(inner, marks, other) + mark.after


def together(base: str) -> str:
    """Of W_f.W_i.W_g it is W_fig, of f.i.g fig, of z.i_tilde.f zif; where letters would meet, the names."""
    words = [word for word in base.split(".") if not word.isdigit()]  # a count belongs to the name before it
    heads, _, tails = zip(*(word.partition("_") for word in words), strict=True)
    if len({head.lower() for head in heads}) == 1 and all(tails):
        return f"{heads[0]}_{_joined(tails)}"
    return _joined(words)


def _joined(words: Sequence[str]) -> str:
    """The first letters if they tell the names apart, or those of what they are of: Qfi for Q.U_f.U_i."""
    for letters in ([word[0] for word in words], [word.rpartition("_")[2][:1] for word in words]):
        whole = "".join(letters)
        if len({*letters}) == len(words) and all(letters) and whole.isidentifier():
            return whole if whole not in PYTHON else "_".join(letters)
    return in_full(words)


def in_full(words: Sequence[str]) -> str:
    """All of the names, of many the first and the last: l1_to_l8."""
    return "_".join(words) if len(words) <= MOST else f"{words[0]}_to_{words[-1]}"


def _part(name: Name, definitions: Mapping[MatrixSymbol, Equation]) -> str:
    """A part of the author's formula: tanh_c where it is the tanh of c, else h_1 for h's first."""
    value = next((e.value for s, e in definitions.items() if s.name == str(name)), None)
    if isinstance(value, Elementwise) and isinstance(value.args[0], MatrixSymbol):
        operand = name_of(value.args[0])
        if not operand.marks:
            return f"{RULES[value.func].name}_{_wish(operand, definitions)}"
    return name.base.replace(".", "_") + _time(name.lag)


def _time(lag: int | None) -> str:
    return {None: "", 0: "", -1: "_prev"}.get(lag, f"_at_{lag}".replace("-", "minus"))
