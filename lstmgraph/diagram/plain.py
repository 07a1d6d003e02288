r"""LaTeX labels as plain Unicode: for search, screen readers, DOT labels and where typesetting fails.

`plain(r"\tilde{C}_{t-1}")` is "C̃ₜ₋₁".  To teach it a command, add a row to `SYMBOLS` or `ACCENTS`.
"""

from __future__ import annotations

import re
from functools import cache

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "varepsilon": "ε", "varphi": "φ",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω",
}  # fmt: skip
SYMBOLS = GREEK | {
    "times": "×", "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "cdot": "·", "sum": "Σ", "prod": "∏", "div": "÷", "pm": "±",
    "langle": "⟨", "rangle": "⟩", "lvert": "|", "rvert": "|", "top": "ᵀ", "partial": "∂", "sqrt": "√", "infty": "∞",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "le": "≤", "ge": "≥", "neq": "≠", "in": "∈", "prime": "′",
    "ell": "ℓ", "dots": "…", "ldots": "…", "cdots": "⋯", "quad": " ", "qquad": " ", ",": " ", ";": " ", ":": " ",
    " ": " ", "!": "", "left": "", "right": "", "mathrm": "", "mathbf": "", "mathit": "", "mathsf": "", "mathcal": "",
    "text": "", "textrm": "", "operatorname": "", "displaystyle": "", "textstyle": "",
}  # fmt: skip
ACCENTS = {"tilde": "\u0303", "widetilde": "\u0303", "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304",
           "overline": "\u0304", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7"}  # fmt: skip
RAISED = str.maketrans("0123456789+-−=()nit", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱᵗ")
LOWERED = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
TOKEN = re.compile(r"\\([A-Za-z]+|.)[ ]*|([{}^_])|(\s+)|(.)", re.DOTALL)


@cache
def plain(latex: str) -> str:
    """The label in plain Unicode.  Never fails: what it does not know stays as it is written."""
    return _Reader(latex).group().strip()


class _Reader:
    """Reads the tokens of one label from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens = [m.group(0).strip() or " " for m in TOKEN.finditer(latex)]
        self.at = 0

    def group(self) -> str:
        """Everything up to the brace that closes, or the end."""
        text = ""
        while self.at < len(self.tokens) and self.tokens[self.at] != "}":
            if self.tokens[self.at] in ("^", "_"):
                mark = self.tokens[self.at]
                self.at += 1
                text += _script(mark, self.one())
            else:
                text += self.one()
        self.at += 1
        return text

    def one(self) -> str:
        """The next token with its argument, or the next group."""
        while self.at < len(self.tokens) and self.tokens[self.at] == " ":
            self.at += 1
            if self.at < len(self.tokens) and self.tokens[self.at] not in "^_":
                return " "
        if self.at >= len(self.tokens):
            return ""
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":
            return self.group()
        name = token[1:]
        if not token.startswith("\\"):
            return token
        if name in ACCENTS:
            base = self.one().strip()
            return base[:1] + ACCENTS[name] + base[1:]
        return SYMBOLS.get(name, name)


def _script(mark: str, text: str) -> str:
    """Raised or lowered characters where Unicode has all of them; <t> keeps its brackets; else the mark stays."""
    text = text.strip()
    if text.startswith("⟨"):
        return text
    table = RAISED if mark == "^" else LOWERED
    moved = text.replace(" ", "").translate(table)
    if all(a != b for a, b in zip(text.replace(" ", ""), moved, strict=True)):
        return moved
    return mark + (text if len(text) == 1 else f"({text})")
