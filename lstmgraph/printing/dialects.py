"""The dialects as data: how each spells operators, functions and numbers.

To add a dialect, write one more `Dialect` and a row of DIALECTS.  An operation that a dialect does not mention is
spelt by its name in the table of rules, so a new operation prints everywhere; to spell it better, add a row to
`functions` (a name before parentheses) or to `forms` (a template).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sympy import Transpose

from lstmgraph.algebra import maps as m
from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Name
from lstmgraph.notation import Notation, Time

# How tightly a piece of text holds together.  ANY is what stands alone or between brackets.
ANY, SUM, PRODUCT, TIGHT, SCRIPTED, ATOM = range(6)


class Form(NamedTuple):
    """A template for an operation's operands, the level of the whole, and the level that each operand must have."""

    template: str
    level: int
    needs: tuple[int, ...]


class Infix(NamedTuple):
    """An operator between operands, the level of the whole, and what the first and the other operands must have."""

    sign: str
    level: int
    first: int
    rest: int


class Dialect(NamedTuple):
    name: str
    symbol: Callable[[Notation, Name, Time], str]
    transposed: Callable[[Notation, Name], str] | None  # a name's transpose, where it shares the name's superscripts
    scripted: Callable[[Notation, Name], bool]  # whether a name ends in a superscript
    minus: str
    plus: Infix
    over: str  # before what is summed over the index {0} from 1 to {1}
    hadamard: Infix
    matmul: Infix
    scale: str  # between a number or scalar and what it scales
    beside_word: str  # in the place of a space between factors, where a name of several letters is one
    times: str  # between a vector and a scalar after it, and between two numbers
    ones: str  # a matrix of ones as a factor of a matrix product
    forms: Mapping[type, Form]
    functions: Mapping[type, str]
    word: Callable[[str], str]  # any other function, from its name in the table of rules
    squared_names: tuple[type, ...]  # functions that take a power after their name: tanh²(c)
    strict: bool  # whether the text must mean the same tree, not only the same value
    fraction: Form  # a rational number
    parentheses: tuple[str, str]
    tall: tuple[str, str]  # around what is higher than a line
    concat: tuple[str, str, str]
    blocks: tuple[str, str, str, str]  # a matrix of blocks: left, between blocks, between rows, right
    chain: str  # the product of {2} up to the step {0}, from j = {1}
    sized: Callable[[str, str], str]  # a letter with its sizes: K with m, n
    rows: str  # of {0}: rows {1} to {2}
    from_row: int  # what the first row is called
    time_sum: Form  # of {0}, over the steps {1} to {2}
    exponent: Callable[[str], str]
    number: Callable[[float], str]


# ── numbers ──

_HIGH = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _unicode_exponent(text: str) -> str:
    plain = text.replace("−", "-")
    if plain.lstrip("-").isdigit():
        return plain.translate(_HIGH)
    return f"^{text}" if text.isalnum() else f"^({text})"


def decimal(value: float) -> str:
    """The shortest decimal that is this number."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _latex_decimal(value: float) -> str:
    mantissa, _, exponent = decimal(value).partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else f"{mantissa} \\cdot {power}"


# ── the tables ──

UNICODE = Dialect(
    name="unicode",
    symbol=lambda notation, name, time: notation.unicode(str(name), time),
    transposed=None,
    scripted=lambda notation, name: notation.has_superscript(str(name), "unicode"),
    minus="−",
    plus=Infix(" + ", SUM, SUM, SUM),
    over="Σ_{0} ",
    hadamard=Infix(" ⊙ ", PRODUCT, PRODUCT, PRODUCT),
    matmul=Infix(" ", TIGHT, TIGHT, TIGHT),
    scale=" ",
    beside_word=" ",
    times=" · ",
    ones="1",
    forms={
        n.OneMinus: Form("1 − {0}", SUM, (PRODUCT,)),
        n.Negative: Form("−{0}", SUM, (PRODUCT,)),
        n.Reciprocal: Form("1 / {0}", PRODUCT, (SCRIPTED,)),
        n.Divide: Form("{0} / {1}", PRODUCT, (PRODUCT, SCRIPTED)),
        Transpose: Form("{0}ᵀ", SCRIPTED, (ATOM,)),
        n.Abs: Form("|{0}|", ATOM, (ANY,)),
        n.Sqrt: Form("√{0}", SCRIPTED, (ATOM,)),
        m.Kron: Form("{0} ⊗ {1}", PRODUCT, (TIGHT, TIGHT)),
        m.Eye: Form("I", ATOM, ()),
        m.Ones: Form("1", ATOM, ()),
    },
    functions={n.Fill: "1", n.Sigmoid: "σ", n.Sign: "sgn", n.Maximum: "max", n.Minimum: "min", n.Identity: "id"},
    word=str,
    squared_names=(n.Tanh, n.Sin, n.Cos),
    strict=False,
    fraction=Form("{0}/{1}", PRODUCT, (ATOM, ATOM)),
    parentheses=("(", ")"),
    tall=("(", ")"),
    concat=("[", "; ", "]"),
    blocks=("[", ", ", " ; ", "]"),
    chain="∏({1}…{0}) {2}",
    sized=lambda letter, sizes: f"{letter}_{sizes}" if "," not in sizes else f"{letter}_({sizes})",
    rows="{0}[{1}:{2}]",
    from_row=1,
    time_sum=Form("Σ[t={1}…{2}] {0}", PRODUCT, (PRODUCT,)),
    exponent=_unicode_exponent,
    number=decimal,
)

LATEX = Dialect(
    name="latex",
    symbol=lambda notation, name, _: notation.latex(str(name)),
    transposed=lambda notation, name: notation.latex(str(name), r"\top"),
    scripted=lambda notation, name: notation.has_superscript(str(name), "latex"),
    minus="-",
    plus=Infix(" + ", SUM, SUM, SUM),
    over=r"\sum_{{{0}=1}}^{{{1}}} ",
    hadamard=Infix(r" \odot ", PRODUCT, PRODUCT, PRODUCT),
    matmul=Infix(" ", TIGHT, TIGHT, TIGHT),
    scale=" ",
    beside_word=r" \, ",
    times=r" \cdot ",
    ones=r"\mathbf{1}",
    forms={
        n.OneMinus: Form("1 - {0}", SUM, (PRODUCT,)),
        n.Negative: Form("-{0}", SUM, (PRODUCT,)),
        n.Reciprocal: Form(r"\frac{{1}}{{{0}}}", TIGHT, (ANY,)),
        n.Divide: Form(r"\frac{{{0}}}{{{1}}}", TIGHT, (ANY, ANY)),
        Transpose: Form(r"{0}^{{\top}}", SCRIPTED, (ATOM,)),
        n.Abs: Form(r"\lvert {0} \rvert", ATOM, (ANY,)),
        n.Sqrt: Form(r"\sqrt{{{0}}}", ATOM, (ANY,)),
        m.Kron: Form(r"{0} \otimes {1}", PRODUCT, (TIGHT, TIGHT)),
        m.Eye: Form("I", ATOM, ()),
        m.Ones: Form(r"\mathbf{{1}}", ATOM, ()),
    },
    functions={
        n.Fill: r"\mathbf{1}",
        n.Sigmoid: r"\sigma",
        n.Tanh: r"\tanh",
        n.Exp: r"\exp",
        n.Log: r"\log",
        n.Sin: r"\sin",
        n.Cos: r"\cos",
        n.Sign: r"\operatorname{sgn}",
        n.Maximum: r"\max",
        n.Minimum: r"\min",
        n.Identity: r"\operatorname{id}",
    },
    word=lambda name: rf"\operatorname{{{name.replace('_', '')}}}",
    squared_names=(n.Tanh, n.Sin, n.Cos),
    strict=False,
    fraction=Form(r"\frac{{{0}}}{{{1}}}", TIGHT, (ANY, ANY)),
    parentheses=("(", ")"),
    tall=(r"\left( ", r" \right)"),
    concat=("[", "; ", "]"),
    blocks=(r"\begin{pmatrix} ", " & ", r" \cr ", r" \end{pmatrix}"),
    chain=r"\prod_{{{1}}}^{{{0}}} {2}",
    sized=lambda letter, sizes: f"{letter}_{{{sizes}}}",
    rows="{0}[{1}{{:}}{2}]",
    from_row=1,
    time_sum=Form(r"\sum_{{t={1}}}^{{{2}}} {0}", PRODUCT, (PRODUCT,)),
    exponent=lambda text: f"^{{{text}}}",
    number=_latex_decimal,
)

# GitHub refuses the macro for a function's name; a name in upright letters has the same look, without TeX's spaces.
MARKDOWN = LATEX._replace(
    functions={operation: name.replace(r"\operatorname", r"\mathrm") for operation, name in LATEX.functions.items()},
    word=lambda name: rf"\mathrm{{{name.replace('_', '')}}}",
)

# The cell language: Python's operators and precedence.  Right operands are strict: the text means the same tree.
SOURCE = Dialect(
    name="source",
    symbol=lambda _, name, __: str(name),
    transposed=None,
    scripted=lambda _, __: False,
    minus="-",
    plus=Infix(" + ", SUM, SUM, PRODUCT),
    over="sum over {0} to {1}: ",
    hadamard=Infix(" * ", PRODUCT, PRODUCT, TIGHT),
    matmul=Infix(" @ ", PRODUCT, PRODUCT, TIGHT),
    scale=" * ",
    beside_word=" ",
    times=" * ",
    ones="1",
    forms={
        n.OneMinus: Form("1 - {0}", SUM, (PRODUCT,)),
        n.Negative: Form("-{0}", SUM, (TIGHT,)),
        n.Reciprocal: Form("1 / {0}", PRODUCT, (TIGHT,)),
        n.Divide: Form("{0} / {1}", PRODUCT, (PRODUCT, TIGHT)),
        Transpose: Form("{0}.T", ATOM, (ATOM,)),
        n.Power: Form("{0} ** {1}", SCRIPTED, (ATOM, ATOM)),
        m.Eye: Form("eye", ATOM, ()),
        m.Ones: Form("ones", ATOM, ()),
    },
    functions={},
    word=str,
    squared_names=(),
    strict=True,
    fraction=Form("{0} / {1}", PRODUCT, (ATOM, ATOM)),
    parentheses=("(", ")"),
    tall=("(", ")"),
    concat=("concat(", ", ", ")"),
    blocks=("blocks(", ", ", ", ", ")"),
    chain="chain({0}, {1}, {2})",
    sized=lambda letter, sizes: f"{letter}({sizes})",
    rows="{0}[{1}:{2}]",
    from_row=0,
    time_sum=Form("sum_over_time({0}, {1}, {2})", ATOM, (ANY,)),
    exponent=lambda text: text,
    number=decimal,
)

# The formulas of HTML are LaTeX until they become MathML; what stands around them is the business of `programs.py`.
DIALECTS: Mapping[str, Dialect] = {
    "unicode": UNICODE,
    "latex": LATEX,
    "markdown": MARKDOWN,
    "html": LATEX,
    "source": SOURCE,
}
