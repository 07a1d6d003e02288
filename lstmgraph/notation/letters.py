"""A typeset name: its head with subscripts and superscripts, as LaTeX and as terminal text.

A `Letter` comes from a snippet of LaTeX (`letter`) or from an author's identifier (`plain`).  To teach it a new
command or accent, add it to a table below.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Literal

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "ϕ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ",
    "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
}  # fmt: skip
# What authors call a letter otherwise than LaTeX does: ε is meant, the round one.
_AUTHORS = {"eps": "varepsilon", "epsilon": "varepsilon"}
_FROM_GREEK = {character: command for command, character in GREEK.items()}
_ACCENTS = {
    "bar": "\u0304", "overline": "\u0304", "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303",
    "widetilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "mathring": "\u030a", "check": "\u030c", "vec": "\u20d7",
    "breve": "\u0306", "acute": "\u0301", "grave": "\u0300",
}  # fmt: skip
ACCENTED = re.compile(rf"\\({'|'.join(_ACCENTS)})\{{")  # how LaTeX begins that has an accent
_LINE = "\u0305"  # a bar that joins the one over the next letter
_CLUSTER = re.compile(r".[\u0300-\u036f\u20d7]*", re.DOTALL)  # a character with its accents
_DOTTED = frozenset("ij")  # whose own dot makes room for an accent: a dot over them would not be seen
_FONTS = {"mathrm", "mathbf", "mathit", "mathcal", "boldsymbol", "text", "textrm", "operatorname"}
_SIGNS = {
    "partial": "∂", "nabla": "∇",
    "langle": "⟨", "rangle": "⟩", "prime": "′", "star": "⋆", "ast": "∗", "top": "ᵀ", "infty": "∞",
    "times": "×", "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "cdot": "·", "sum": "Σ", "div": "÷", "surd": "√",
    ",": " ", ";": " ", "bullet": "•", "circ": "∘", "oslash": "⊘", "le": "≤", "ge": "≥", "neq": "≠", "approx": "≈",
    "to": "→", "in": "∈", "mid": "∣", "lvert": "|", "rvert": "|", "ell": "ℓ",
}  # fmt: skip
_STRUCTURE = {"frac", "sqrt", "left", "right", "lvert", "rvert"}
_LOW = dict(zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True))
_HIGH = dict(zip("0123456789+-′∗⋆ᵀ", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻′*⋆ᵀ", strict=True))
# What an identifier may end with (c_tilde, htilde) and the accent that it asks for, over one letter and over several.
_ENDINGS = {
    "tilde": ("tilde", "widetilde"),
    "hat": ("hat", "widehat"),
    "bar": ("bar", "overline"),
    "dot": ("dot", "dot"),
}
# The accent over one letter and the same over a word.
WIDE = dict(_ENDINGS.values())


IDENTIFIER = re.compile(r"[^\W\d]\w*")

# ── letters: a head with scripts ──


@dataclass(frozen=True)
class Letter:
    """A typeset name: `head` with subscripts and superscripts, all LaTeX; `entry` is one more subscript, of indices."""

    head: str
    sub: tuple[str, ...] = ()
    sup: tuple[str, ...] = ()
    entry: str = ""

    def latex(self) -> str:
        subs = (*self.sub, self.entry) if self.entry else self.sub
        sub = f"_{{{','.join(subs)}}}" if subs else ""
        sup = f"^{{{' '.join(self.sup)}}}" if self.sup else ""
        return self.head + sub + sup

    def unicode(self) -> str:
        sup = "".join(unicode_of(s) for s in self.sup)
        subs = [unicode_of(s) for s in self.sub]
        if self.entry:  # beside a comma, and around more than a letter, with braces
            subs = [*subs, unicode_of(self.entry)]
            low = f"_{{{','.join(subs)}}}" if len(subs) > 1 or len(subs[0]) > 1 else _low(subs[0])
            return unicode_of(self.head) + low + _high(sup)
        return unicode_of(self.head) + "".join(map(_low, subs)) + _high(sup)


def letter(snippet: str) -> Letter:
    r"""The letter that LaTeX such as `\tilde{C}` or `\Gamma_f` stands for.  Raises ValueError on unbalanced braces."""
    text = "".join(f"\\{_FROM_GREEK[c]} " if c in _FROM_GREEK else c for c in snippet.strip())
    parts: dict[str, list[str]] = {"": [], "_": [], "^": []}
    script = ""
    for token in _tokens(text):
        if token in {"_", "^"}:
            script = token
        elif token == "'":
            parts["^"].append("\\prime")
        else:
            parts[script].append(_bare(token) if script else token)
            script = ""
    if script:
        raise ValueError(f"nothing after {script} in {snippet!r}")
    head = "".join(parts[""]).strip()
    if not head and not snippet.startswith(("_", "^")):
        raise ValueError(f"nothing to print in {snippet!r}")
    return Letter(head, tuple(parts["_"]), tuple(parts["^"]))


_TOKEN = re.compile(r"\\(?:[A-Za-z]+\s*|.)|[^\\{}]")


def _tokens(text: str) -> Iterator[str]:
    """Commands, characters and balanced groups, in order; their concatenation is `text`."""
    at = 0
    while at < len(text):
        if text[at] == "{":
            end = _closing(text, at)
        elif match := _TOKEN.match(text, at):
            end = match.end()
        else:
            raise ValueError(f"unbalanced braces in {text!r}")
        yield text[at:end]
        at = end


def _closing(text: str, start: int) -> int:
    depth = 0
    for match in re.finditer(r"\\.|[{}]", text[start:]):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return start + match.end()
    raise ValueError(f"unbalanced braces in {text!r}")


def _bare(group: str) -> str:
    return group[1:-1].strip() if group.startswith("{") else group.strip()


def _low(text: str) -> str:
    """A subscript in a terminal: digits are set low, letters follow an underscore (Unicode has no low f)."""
    text = text.replace(" ", "")
    if set(text) <= set(_LOW):
        return "".join(_LOW[c] for c in text)
    return f"_({text})" if set(text) & set("+-") else f"_{text}"


def _high(text: str) -> str:
    text = text.replace(" ", "")
    if set(text) <= set(_HIGH):
        return "".join(_HIGH[c] for c in text)
    return text if text.startswith("⟨") else f"^{text}"


@lru_cache(maxsize=4096)
def unicode_of(latex: str, spaced: bool = False) -> str:
    """A snippet of LaTeX as terminal text: Greek, accents and scripts; a command that is not known leaves its name.

    `spaced`: it is a formula, whose factors and signs stand apart where the LaTeX has spaces; a name has none.
    """
    out, pending = "", [t for t in _tokens(latex) if spaced or t.strip()]
    while pending:
        token = pending.pop(0)
        command = token[1:].strip() if token.startswith("\\") else ""
        if token in {"_", "^"} and pending:
            out += (_low if token == "_" else _high)(unicode_of(_bare(pending.pop(0))))
        elif command == "frac" and len(pending) > 1:
            out += "/".join(_closed(unicode_of(_bare(pending.pop(0)), spaced)) for _ in range(2))
        elif command == "sqrt" and pending:
            out += "√" + _closed(unicode_of(_bare(pending.pop(0)), spaced))
        elif command in _ACCENTS and pending:
            out += _accented(unicode_of(_bare(pending.pop(0))), _ACCENTS[command])
        elif command in _FONTS and pending:  # only a text keeps its spaces
            out += unicode_of(_bare(pending.pop(0)), spaced and command.startswith("text"))
        elif command not in ("left", "right"):
            known = GREEK.get(command) or _SIGNS.get(command) or (command if command.isalnum() else "")
            out += known if command else unicode_of(_bare(token), spaced) if token.startswith("{") else token
            out += " " if spaced and token[-1:].isspace() and command and command != "partial" else ""
    return unicodedata.normalize("NFC", re.sub(" +", " ", out).strip() if spaced else out)


def _accented(word: str, accent: str) -> str:
    """The accent on a letter, over those that it has; on every letter of a word, where bars join to a line."""
    clusters = [c[0] for c in re.finditer(_CLUSTER, unicodedata.normalize("NFD", word))]
    letters = sum(1 for _ in takewhile(str.isalpha, (c[0] for c in clusters))) or 1
    over = _LINE if letters > 1 and accent == _ACCENTS["bar"] else accent
    return "".join(c + (over * _dots(c, over) if k < letters else "") for k, c in enumerate(clusters))


def _dots(cluster: str, accent: str) -> int:
    return 2 if cluster[0] in _DOTTED and accent == _ACCENTS["dot"] else 1


def _closed(text: str) -> str:
    """A part of a fraction, or what is under a root, in parentheses where it is more than a factor."""
    return f"({text})" if " " in text else text


# What a factor is to its neighbour in TeX: a letter or a bracket, a name of several letters, or an operator's name.
Joint = Literal["letter", "word", "operator"]


def run_together(left: str, right: str) -> bool:
    """Whether two factors in LaTeX need a space of their own: where a name of several letters would run into the other.

    The name of an operator (tanh) has a thin space beside it from TeX, but for one before a bracket.
    """
    before, after = _joint(left, -1), _joint(right, 0)
    if before == "operator":
        return right.startswith(("(", "["))
    return after != "operator" and "word" in (before, after)


def juxtaposed(left: str, right: str) -> str:
    """Two factors in LaTeX with a thin space between them, which before an operator's name is TeX's own."""
    return left + (" " if _joint(right, 0) == "operator" else r"\,") + right


def _joint(latex: str, at: int) -> Joint:
    """What the first part of some LaTeX is (`at` 0) or the last (-1), without its scripts."""
    head = (_heads(latex) or [""])[at]
    command = _command(head)
    if command in _ACCENTS or head.startswith("{"):
        inner = _joint(_bare(head[len(command) + bool(command) :]), at)
        return "word" if inner == "operator" else inner  # what is under an accent or in a group is none to TeX
    if command in _FONTS:
        several = len(head) > len(command) + len("\\{x}")
        return "operator" if command == "operatorname" else "word" if several else "letter"
    name = command.isalpha() and len(unicode_of(head)) > 1 and command not in _STRUCTURE
    return "operator" if name else "letter"


def _heads(latex: str) -> list[str]:
    """The parts of some LaTeX in order, without scripts."""
    heads: list[str] = []
    script = False
    for token in filter(str.strip, _tokens(latex)):
        if token in {"_", "^"}:
            script = True
        elif script:
            script = False
        elif heads and _command(heads[-1]) in {*_FONTS, *_ACCENTS} and token.startswith("{"):
            heads[-1] += token
        else:
            heads.append(token.strip())
    return heads


def split_head(latex: str) -> tuple[str, str]:
    r"""The first part of some LaTeX, and the rest: of `\delta c` the delta."""
    first = (_heads(latex) or [""])[0]
    rest = latex[len(first) :] if latex.startswith(first) else ""
    return (first, rest) if rest else (latex, "")


def _command(token: str) -> str:
    found = re.match(r"\\([A-Za-z]+)", token)
    return found[1] if found else ""


# ── the author's identifiers ──


def plain(identifier: str, index: Callable[[str], str] | None = None) -> Letter:
    """The letter that an identifier spells: `gate_in`, `W_f`, `x1`, `alpha`, `lambda_`, `c_tilde`, `htilde`, `f_prime`.

    `index` spells a part after an underscore.
    """
    words = [w for w in identifier.split("_") if w] or [identifier]
    accents = [w for w in words[1:] if w in _ENDINGS]
    primes = (r"\prime",) * words[1:].count("prime")
    stem, *rest = [words[0], *(w for w in words[1:] if w not in _ENDINGS and w != "prime")]
    ending = next((e for e in _ENDINGS if stem.endswith(e) and _is_letter(stem[: -len(e)])), None)
    if ending:
        stem, accents = stem[: -len(ending)], [ending, *accents]
    stem, digits = _split_digits(stem)
    head = _word(stem)
    for accent in accents:
        head = f"\\{_ENDINGS[accent][not _is_letter(stem)]}{{{head}}}"
    return Letter(head, (*([digits] if digits else []), *map(index or subscript, rest)), primes)


def subscript(text: str) -> str:
    stem, digits = _split_digits(text)
    return _word(stem) + digits


def _split_digits(text: str) -> tuple[str, str]:
    stem = text.rstrip("0123456789")
    return (stem, text[len(stem) :]) if stem else (text, "")


def _is_letter(text: str) -> bool:
    return len(text) == 1 or text in GREEK or text in _AUTHORS


def _word(text: str) -> str:
    text = _AUTHORS.get(text, text)
    if text in GREEK:
        return f"\\{text}"
    if text in _FROM_GREEK:
        return f"\\{_FROM_GREEK[text]}"
    return text if len(text) == 1 or text.isdigit() else f"\\mathrm{{{text}}}"
