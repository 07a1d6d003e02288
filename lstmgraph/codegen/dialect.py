"""What differs between array languages: the names of their functions, and how they spell what is done to arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sympy import Expr


@dataclass(frozen=True)
class Dialect:
    """A target's own words: `functions` are calls such as "np.tanh({})", `helpers` functions to define in the file.

    `arrays` spells what is done to whole arrays, such as "np.reshape({a}, 1)": see `WORDS` for what is needed.
    `limits`, where the larger and the smaller of two take arrays only, are the arguments of a `clamp` by a number.
    """

    name: str
    functions: Mapping[type, str]
    helpers: Mapping[str, str]
    arrays: Mapping[str, str]
    scalar_printer: Callable[[Expr], str]
    limits: Mapping[type, str] = field(default_factory=dict)
    batch: str = ":"  # the axes in front of a value's, in an index

    def word(self, word: str, **parts: object) -> str:
        return self.arrays[word].format(**parts)


# What `Dialect.arrays` must spell, of an array `a`: `axes` is a tuple of lengths, `like` an array of the wanted type.
WORDS = (
    *("type", "zeros", "ones", "full", "broadcast", "reshape", "concatenate", "maximum", "minimum", "kept"),
    *("contraction", "sum_all", "sum_batch", "sum_batch_row", "sum_vector", "sum_matrix", "matvec", "vecmat", "swap"),
)
