"""How wide a formula is and where a long one breaks: between rows of blocks, before a plus, a minus or a product sign,
as far outside as possible.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata

# Stands for a space at which no line breaks.
GLUE = "\N{NO-BREAK SPACE}"
_SHORT = 40  # columns of a formula among words that is not broken

# Before these a line may break, the loosest first.
_SIGNS = ((" ; ",), (" + ", " − ", " - "), (" ⊙ ", r" \odot ", " * "))
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")


def width_of(text: str) -> int:
    """How many columns a text takes: in a terminal exactly, in LaTeX roughly (a command counts as one letter)."""
    if "\\" in text:
        text = re.sub(r"\\(?:left|right|mathrm|operatorname|frac)\b", "", text)
        text = re.sub(r"\\[A-Za-z]+|\\.", "x", text)
        text = re.sub(r"[{}_^]", "", text)
    return sum(1 for c in text if not unicodedata.combining(c))


def broken(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, where that can be; all but the first start with their sign."""
    if width_of(text) <= width:
        return [text]
    places = _places(text)
    if not places:
        return [text]
    first, *others = (text[a:b].strip() for a, b in zip([0, *places], [*places, len(text)], strict=True))
    lines = broken(first, width)
    for piece in others:
        if width_of(f"{lines[-1]} {piece}") <= width:
            lines[-1] += f" {piece}"
        else:
            lines += broken(piece, width)
    return lines


def _places(text: str) -> list[int]:
    """Where the outermost, loosest signs are."""
    found: dict[tuple[int, int], list[int]] = {}
    depth = tied = 0
    for at, character in enumerate(text):
        if character in _OPENING:
            depth += 1
            tied += character == "{" or text.endswith(r"\left", 0, at)
        elif character in _CLOSING:
            depth -= 1
            tied -= character == "}" or text.endswith(r"\right", 0, at)
        elif character == " " and not tied:
            for looseness, signs in enumerate(_SIGNS):
                if text.startswith(signs, at):
                    found.setdefault((depth, looseness), []).append(at)
    return found[min(found)] if found else []


def glued(formula: str) -> str:
    """A formula among words: it breaks before its loosest signs only, and where it is short not at all."""
    signs = next((s for s in ("+−", "⊙") if width_of(formula) > _SHORT and re.search(rf" [{s}] ", formula)), "")
    return re.sub(rf" (?![{signs}] )" if signs else " ", GLUE, formula)


def wrapped(text: str, width: int, indent: str = "", hanging: int = 2) -> list[str]:
    """Words and glued formulas in lines of at most `width` columns, all but the first hanging in."""
    after = indent + " " * hanging
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=after, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(GLUE, " ") for line in lines]
