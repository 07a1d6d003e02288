r"""What a label is in a LaTeX document: mathematics in `$...$`, words with LaTeX's own characters escaped.

pdflatex knows the letters of Western Europe and little else, so other characters are spelled as commands: Greek letters
by their names, signs by the table `SIGNS` (to which a sign can be added), and what is left by a question mark.
"""

from __future__ import annotations

import re
import unicodedata

SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    **{c: f"\\{c}" for c in "{}$&#_%"},
}
SIGNS = {
    "×": r"\times",
    "·": r"\cdot",
    "⋅": r"\cdot",
    "⊙": r"\odot",
    "⊗": r"\otimes",
    "⊕": r"\oplus",
    "−": "-",
    "±": r"\pm",
    "√": r"\surd",
    "∑": r"\sum",
    "∏": r"\prod",
    "∂": r"\partial",
    "∞": r"\infty",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "∈": r"\in",
    "→": r"\to",
    "←": r"\leftarrow",
    "↔": r"\leftrightarrow",
    "⊤": r"\top",
    "ᵀ": r"^{\top}",
    "′": r"{}'",
    "⟨": r"\langle",
    "⟩": r"\rangle",
    "‖": r"\Vert",
    "ℝ": r"\mathrm{R}",
}
TEXT = frozenset("–—‘’“”…")  # besides Latin letters with accents
LATIN = 0x17F  # up to here (Latin Extended-A) every LaTeX has the letters
GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)")
LATIN_CAPITALS = {  # Greek capitals that look Latin and have no command
    "alpha": "A", "beta": "B", "epsilon": "E", "zeta": "Z", "eta": "H", "iota": "I", "kappa": "K", "mu": "M", "nu": "N",
    "rho": "P", "tau": "T", "chi": "X",
}  # fmt: skip


def math_of(latex: str) -> str:
    """A label of mathematics; what is not sound LaTeX (unbalanced braces, a `$` inside) is set as words."""
    text = " ".join(latex.split())
    if not _balanced(text):
        return words_of(latex)
    text = f"{text[:-1]}{{:}}" if text.endswith(":") else text  # what ends so is followed by words, and is no relation
    return f"${''.join(c if c.isascii() else _in_math(c) for c in unicodedata.normalize('NFC', text))}$" if text else ""


def words_of(words: str) -> str:
    """Words, with everything that LaTeX or pdflatex would take for something else spelled out."""
    text = " ".join(unicodedata.normalize("NFC", words).split())
    return "".join(SPECIAL.get(c) or (c if c.isascii() or _known(c) else _in_words(c)) for c in text)


def _known(letter: str) -> bool:
    return (letter.isalpha() and ord(letter) <= LATIN) or letter in TEXT


def _in_math(letter: str) -> str:
    command = _command(letter)
    if command:
        return f"{command} " if command[-1].isalpha() else command
    return f"\\mbox{{{letter if _known(letter) else _circled(letter) or '?'}}}"


def _in_words(letter: str) -> str:
    """Scripts of Unicode, such as the ₜ of cₜ, are written as scripts."""
    command = _command(letter)
    if command:
        return f"${command}$"
    decomposition = unicodedata.decomposition(letter).split()
    if decomposition[:1] in (["<sub>"], ["<super>"]):
        mark = "_" if decomposition[0] == "<sub>" else "^"
        return f"${{}}{mark}{{{''.join(_math_letter(chr(int(c, 16))) for c in decomposition[1:])}}}$"
    return _circled(letter) or "?"


def _circled(letter: str) -> str:
    """A number in a circle, such as that of a stage; nothing for other letters."""
    mark, *inside = unicodedata.decomposition(letter).split() or [""]
    size = "footnotesize" if len(inside) == 1 else "scriptsize"
    return f"\\textcircled{{\\{size} {''.join(chr(int(c, 16)) for c in inside)}}}" if mark == "<circle>" else ""


def _math_letter(letter: str) -> str:
    return letter if letter.isascii() else _in_math(letter)


def _command(letter: str) -> str:
    """The command for a sign or a Greek letter, empty for anything else."""
    if letter in SIGNS:
        return SIGNS[letter]
    greek = GREEK.fullmatch(unicodedata.name(letter, ""))
    if not greek:
        return ""
    case, name = greek[1], "lambda" if greek[2] == "LAMDA" else greek[2].lower()
    if name == "omicron":
        return "o" if case == "SMALL" else "O"
    if case == "SMALL":
        return f"\\{name}"
    if name in LATIN_CAPITALS:
        return f"\\mathrm{{{LATIN_CAPITALS[name]}}}"
    return f"\\{name.capitalize()}"


def _balanced(text: str) -> bool:
    """Whether every brace is closed and nothing leaves the mathematics."""
    depth = 0
    for token in re.findall(r"\\.|[{}$%#&]", text):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0 or token in ("$", "%", "#", "&"):
            return False
    return depth == 0 and not re.search(r"(?<!\\)(\\\\)*\\$", text)
