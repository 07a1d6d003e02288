"""How wide a line of Unicode text becomes, at most, in common fonts: for a writer whose fonts are not known.

The widest of them is DejaVu; its letters are told apart by a few kinds, which a line has several of.
"""

from __future__ import annotations

from unicodedata import category, combining, decomposition, normalize

NARROW, USUAL, WIDE, SCRIPT = 0.4, 0.64, 0.86, 0.42  # of the size
LETTERS = dict.fromkeys("fijlrtıIJ", NARROW) | dict.fromkeys("mwMW@", 1.0) | {"_": 0.5}


def widest(text: str) -> float:
    """The width of a text of the size 1; never 0."""
    return max(NARROW, sum(map(_width, normalize("NFD", text))))


def _width(letter: str) -> float:
    kind = category(letter)
    if letter in LETTERS:
        return LETTERS[letter]
    if combining(letter):
        return 0.0
    if decomposition(letter).startswith(("<sub>", "<super>")):
        return SCRIPT
    if kind in ("Lu", "Sm", "So", "No"):  # capitals, signs, numbers in circles
        return WIDE
    return NARROW if kind[0] in "PZ" else USUAL  # punctuation and spaces
