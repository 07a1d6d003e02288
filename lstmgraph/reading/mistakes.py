"""What people write instead of what the language has, and the way out: tables of hints, guesses about broken syntax.

A new hint is a row here.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable

from lstmgraph.algebra.rules import FUNCTIONS
from lstmgraph.errors import suggestion

LANGUAGE = f"an equation is made of + - * / ** @ .T, numbers, names, and {', '.join(sorted(FUNCTIONS))}"

# Typographic signs that can mean only one thing are read as that.
ACCEPTED = str.maketrans({"⊙": "*", "∘": "*", "−": "-", "\u00a0": " ", "\u2009": " "})

SPLIT = "give the parts names of their own, each in an equation"
NO_EQUATION = "this is not an equation: NAME[t] = ..."

_PRODUCTS = "write @ for a matrix product and * for an elementwise one"

CHARACTERS: dict[str, str] = {
    "^": "a power is written **",
    "·": _PRODUCTS,
    "⋅": _PRODUCTS,
    "×": _PRODUCTS,
    "•": _PRODUCTS,
    "⊗": _PRODUCTS,
    "ᵀ": "a transpose is written .T",
    "⊤": "a transpose is written .T",
    "'": "a transpose is written .T; there are no strings in an equation",
    '"': "there are no strings in an equation",
    "²": "a square is written ** 2",
    "³": "a cube is written ** 3",
    "√": "write sqrt(...)",
    "∑": "write sum(...)",
    "÷": "write /",
    "–": "this is a dash: the minus sign is -",
    "—": "this is a dash: the minus sign is -",
    "⊕": "write +",
    "←": "write =",
    "≔": "write =",
    ";": "one equation a line; vectors are put together with concat(a, b)",
    "{": "there are only round brackets, and [t] or [t-1] after a name",
    "}": "there are only round brackets, and [t] or [t-1] after a name",
    "|": "write abs(...), or concat(a, b)",
    "%": "a comment begins with #",
    "\\": "this is not LaTeX (see [notation.NAME]); an equation continues in the next line inside brackets",
    "$": "the language is not LaTeX: how a name is typeset is said in [notation.NAME]",
}

FUNCTION_HINTS: dict[str, str] = {
    **dict.fromkeys(["σ", "sigma", "logistic", "sigm", "sig", "expit"], "write sigmoid"),
    **dict.fromkeys(["swish", "SiLU"], "write silu"),
    **dict.fromkeys(["max", "fmax"], "write maximum"),
    **dict.fromkeys(["min", "fmin", "clip", "clamp"], "write minimum and maximum"),
    **dict.fromkeys(["hard_sigmoid", "hardsigmoid"], "write maximum(0, minimum(1, 0.2 * a + 0.5))"),
    **dict.fromkeys(["ln", "log_e"], "write log"),
    **dict.fromkeys(["φ", "ϕ", "phi", "g", "act", "f", "activation"], "write the function that is meant, such as tanh"),
    **dict.fromkeys(["diag", "Diag"], "diag(p) @ c is p * c"),
    **dict.fromkeys(["dot", "matmul", "mm", "linear", "Linear"], "a matrix product is written W @ x[t] (+ b)"),
    **dict.fromkeys(["mul", "multiply", "hadamard"], "an elementwise product is written a * b"),
    **dict.fromkeys(["pow", "power", "square"], "a power is written a ** 2"),
    **dict.fromkeys(["transpose", "t"], "a transpose is written a.T"),
    **dict.fromkeys(["cat", "concatenate", "stack", "vstack", "hstack"], "write concat(a, b)"),
    **dict.fromkeys(["norm"], "write sqrt(sum(a ** 2))"),
    **dict.fromkeys(["mean"], "write sum(a) divided by the size, given in [constants]"),
    **dict.fromkeys(["outer"], "write a @ b.T"),
    **dict.fromkeys(["inner"], "write a.T @ b"),
    **dict.fromkeys(
        ["ones", "zeros", "ones_like", "zeros_like", "eye"], "write the number: it takes the shape that is needed"
    ),
    **dict.fromkeys(
        ["LayerNorm", "layernorm", "layer_norm", "norm_layer"],
        "write it out with sum, sqrt and the size in [constants]",
    ),
}

# What a parsed thing is called that has no place in an equation.
NODES: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("a lambda", LANGUAGE),
    ast.ListComp: ("a comprehension", LANGUAGE),
    ast.SetComp: ("a comprehension", LANGUAGE),
    ast.DictComp: ("a comprehension", LANGUAGE),
    ast.GeneratorExp: ("a comprehension", LANGUAGE),
    ast.IfExp: ("a condition", LANGUAGE),
    ast.Compare: ("a comparison", LANGUAGE),
    ast.BoolOp: ("a condition", LANGUAGE),
    ast.List: ("a list", "vectors are put together with concat(a, b)"),
    ast.Tuple: ("a tuple", "vectors are put together with concat(a, b)"),
    ast.Dict: ("a dict", LANGUAGE),
    ast.Set: ("a set", LANGUAGE),
    ast.JoinedStr: ("a string", LANGUAGE),
    ast.NamedExpr: ("an assignment inside an expression", LANGUAGE),
    ast.Starred: ("a star", LANGUAGE),
    ast.Slice: ("a slice", LANGUAGE),
}

OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.BitXor: ("^", "a power is written **"),
    ast.FloorDiv: ("//", "a quotient is written /"),
    ast.Mod: ("%", "a comment begins with #"),
    ast.BitOr: ("|", "vectors are put together with concat(a, b)"),
    ast.BitAnd: ("&", LANGUAGE),
    ast.LShift: ("<<", LANGUAGE),
    ast.RShift: (">>", LANGUAGE),
    ast.Invert: ("~", "one minus is written 1 - a"),
    ast.Not: ("not", "one minus is written 1 - a"),
}

STATEMENTS: dict[type[ast.AST], tuple[str, str]] = {
    ast.AugAssign: ("an equation has a single =", "write h[t] = h[t-1] + ..."),
    ast.AnnAssign: ("an equation is written NAME[t] = ...", "sizes are given in [sizes]"),
    ast.Import: ("an import is not an equation", LANGUAGE),
    ast.ImportFrom: ("an import is not an equation", LANGUAGE),
}

IN_BRACKETS = "a right-hand side that goes on in the next line needs brackets around it: h[t] = (... + ...)"


def function_hint(name: str) -> str:
    return FUNCTION_HINTS.get(name) or suggestion(name, FUNCTIONS)


def identifier_fault(name: str) -> str:
    """Why an identifier cannot name a value, or ""."""
    if name == "t":
        return "t is the step: it stands only in [t] and [t-1]"
    if name.startswith("_"):
        return "a name begins with a letter"
    return "" if name.replace("_", "a").isalnum() else "a name is made of letters, digits and _"


def explain_syntax(source: str, error: SyntaxError) -> tuple[int, int, str, str]:
    """For an equation that Python cannot parse: offset and width of the fault, what it is, and a way out."""
    for pattern, message, hint in _GUESSES:
        found = pattern.search(source)
        if found:
            return found.start("at"), 1, message, hint
    word = next((m for m in re.finditer(r"[A-Za-z]+", source) if keyword.iskeyword(m[0])), None)
    if word:
        return word.start(), len(word[0]), f"{word[0]!r} is a reserved word and cannot be a name", f"try {word[0]}_"
    lines = source.split("\n")
    row = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
    column = min(max((error.offset or 1) - 1, 0), len(lines[row]))
    return sum(len(line) + 1 for line in lines[:row]) + column, 1, f"cannot be read: {error.msg}", LANGUAGE


_GUESSES: list[tuple[re.Pattern[str], str, str]] = [
    (re.compile(r"\A\w+\s*(?P<at>\()\s*t\s*\)\s*="), "a value is written with square brackets", "write h[t] = ..."),
    (re.compile(r"(?P<at>=)\s*\Z"), "nothing follows the =", IN_BRACKETS),
    (re.compile(r"(?P<at>[+\-*/@])\s*\Z"), "the equation ends with an operator", IN_BRACKETS),
    (
        re.compile(r"(?P<at>(?<![\w.])\d+[^\W\d_eE]\w*)"),
        "a name cannot begin with a digit",
        "a product needs its sign: 2 * x[t]",
    ),
    (re.compile(r"[\w\])][ \t]+(?P<at>\w)(?<!\bin)"), "two operands with no operator between them", _PRODUCTS),
    (re.compile(r"[\])][ \t]*(?P<at>[(\w])"), "two operands with no operator between them", _PRODUCTS),
    (re.compile(r"(?P<at>[+*/@=,(]\s*[*/@=,)])"), "an operand is missing", LANGUAGE),
]


def near(name: str, known: Iterable[str]) -> str:
    """'did you mean ...?' if there is something near, else ''."""
    hint = suggestion(name, known)
    return hint if hint.startswith("did you mean") else ""
