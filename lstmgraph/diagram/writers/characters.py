"""Characters of a terminal: how wide they are, what lines are made of, and what ASCII has for those it lacks.

To add a set of characters: a `Charset`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

from lstmgraph.diagram.scene import Label
from lstmgraph.diagram.typeset import plain_text

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8


@dataclass(frozen=True)
class Charset:
    """`lines` by style ("light", "heavy", each "dashed" or not): sixteen characters, by the sum of the directions.

    `box` and `frame`: the sides, level and upright, and the corners, clockwise from the upper left.
    """

    lines: dict[tuple[bool, bool], str]  # (lit among dimmed ones, dashed)
    heads: dict[int, str]
    dot: str
    box: str
    frame: str


def _directions(text: str) -> str:
    """From level, upright, four corners, four tees and a cross to the sums of directions, 0 to 15; an end is a line."""
    by = dict(zip((10, 5, 6, 12, 3, 9, 7, 13, 14, 11, 15), text, strict=True))
    ends = {0: " ", NORTH: by[5], SOUTH: by[5], EAST: by[10], WEST: by[10]}
    return "".join((by | ends)[k] for k in range(16))


UNICODE = Charset(
    {
        (False, False): _directions("─│╭╮╰╯├┤┬┴┼"),
        (False, True): _directions("┄┆╭╮╰╯├┤┬┴┼"),
        (True, False): _directions("━┃┏┓┗┛┣┫┳┻╋"),
        (True, True): _directions("┅┇┏┓┗┛┣┫┳┻╋"),
    },
    {NORTH: "▲", EAST: "▶", SOUTH: "▼", WEST: "◀"},
    "●",
    "─│╭╮╯╰",
    "═║╔╗╝╚",
)
ASCII = Charset(
    {
        (False, False): _directions("-|+++++++++"),
        (False, True): _directions("~:+++++++++"),
        (True, False): _directions("=#+++++++++"),
        (True, True): _directions("~:+++++++++"),
    },
    {NORTH: "^", EAST: ">", SOUTH: "v", WEST: "<"},
    "*",
    "-|++++",
    "..::::",
)
STYLES = {  # the terminal's own sixteen colours, which are legible on its own background
    "previous_memory": "36",
    "memory": "34",
    "previous_memory_and_output": "36",
    "memory_and_output": "34",
    "cell": "34",
    "previous_output": "33",
    "output": "31",
    "bias": "32",
    "sigmoid": "33",
    "tanh": "35",
    "function": "36",
    "frame": "2",
}
DIMMED = "2"
SPELT = {
    "×": "x",
    "·": ".",
    "⋅": ".",
    "⊙": "*",
    "⊗": "ox",
    "⊕": "o+",
    "•": "@",
    "∘": "o",
    "∂": "d",
    "ℓ": "l",
    "≈": "~=",
    "∣": "|",
    "∈": "in",
    "⋆": "*",
    "∗": "*",
    "⋈": "><",
    "−": "-",
    "√": "sqrt",
    "∑": "sum",
    "→": "->",
    "⊤": "T",
    "′": "'",
    "⟨": "<",
    "⟩": ">",
    "‖": "||",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "∞": "inf",
    "–": "-",
    "—": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "…": "...",
}
MARKS = {"\N{COMBINING TILDE}": "~", "\N{COMBINING CIRCUMFLEX ACCENT}": "_hat", "\N{COMBINING MACRON}": "_bar"}
MARKS |= {"\N{COMBINING OVERLINE}": "_bar", "\N{COMBINING DOT ABOVE}": "_dot", "\N{COMBINING CARON}": "_check"}
LOWS = "₀-ₜᵢ-ᵪⱼ"
MARKED = re.compile(
    f"([^\\W\\d_])([{''.join(MARKS)}]+)([^\\W_ᵀ⁰-⁹¹²³{LOWS}]*)"
)  # a word has its mark on its first letter
LOWERED = re.compile(f"[{LOWS}]+(?:,[{LOWS}]+)*")
INDEX = re.compile(r"_(?:\(([^()]+)\)|([^\W_ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:,[^\W_ᵀ]+)*))")
LOW = str.maketrans("0123456789+-−=()aehijklmnoprstuvxβγρφχ,", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ,")


def style_of(role: str, lit: bool) -> str:
    """The parameters of the ANSI sequence for a role; empty for the terminal's own colour."""
    return STYLES.get(role, "") if lit else DIMMED


def cells(text: str) -> list[str]:
    """The text cell by cell: combining marks go with their letter, and a wide character takes a second, empty cell."""
    found: list[str] = []
    for letter in text:
        if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
            if found:
                found[-1 if found[-1] else -2] += letter
        elif unicodedata.category(letter) != "Cc":
            found += [letter, ""] if unicodedata.east_asian_width(letter) in "WF" else [letter]
    return found


def lowered(text: str) -> str:
    """Indices as Unicode has them: cₜ₋₁ for c_(t-1); one with a letter that is not among them stays."""

    def low(found: re.Match[str]) -> str:
        index = found[1] or found[2]
        return index.translate(LOW) if all(ord(c) in LOW for c in index) else found[0]

    return INDEX.sub(low, text)


def text_of(label: Label | None, charset: Charset) -> str:
    """What a label is in characters."""
    if label is None:
        return ""
    text = lowered(plain_text(label.text)) if label.math else label.text
    return ascii_of(text) if charset is ASCII else text


def columns_of(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(cells(text))


def ascii_of(text: str) -> str:
    """The text in ASCII: c_{t-1} for cₜ₋₁, sigma for σ, c~ for c̃, c_bar for c̄; "?" for what has no spelling."""
    letters = MARKED.sub(r"\1\3\2", unicodedata.normalize("NFD", text))
    letters = LOWERED.sub(lambda found: _script("_", found[0]), letters)
    return "".join(_script("^" if high else "", "".join(run)) for high, run in groupby(letters, _is_high))


def _is_high(letter: str) -> bool:
    return unicodedata.decomposition(letter).startswith("<super> ")


def _script(sign: str, letters: str) -> str:
    """Letters of one height, in braces where they are a sum."""
    if not sign:
        return _spelt(letters)
    spelt = _spelt(unicodedata.normalize("NFKD", letters))
    return sign + (f"{{{spelt}}}" if re.search(r"\w[+-]", spelt) else spelt)


def _spelt(letters: str) -> str:
    return "".join(c if c.isascii() else SPELT.get(c) or MARKS.get(c) or _named(c) for c in letters)


def _named(letter: str) -> str:
    if unicodedata.combining(letter):
        return ""
    plain = unicodedata.normalize("NFKD", letter)
    if unicodedata.decomposition(letter).startswith("<circle>"):
        return f"({plain})"
    name = unicodedata.name(plain[0], "").split()
    if name[:1] == ["GREEK"] and "LETTER" in name:
        word = {"lamda": "lambda"}.get(name[-1].lower(), name[-1].lower())
        return word.capitalize() if "CAPITAL" in name else word
    return plain if plain.isascii() else "?"
