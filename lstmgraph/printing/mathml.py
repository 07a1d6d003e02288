"""LaTeX as MathML, which a browser sets without a script; only elements and attributes that are MathML get through.

A cell's file may spell its names as it likes, and the converter lets markup through: what is not in the two lists
below never reaches a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import escape, unescape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from lstmgraph.printing.programs import Row

_SPACE = "http://www.w3.org/1998/Math/MathML"
_ELEMENTS = frozenset(
    [
        *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "mpadded"),
        *("mphantom", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mtable", "mtr"),
        *("mtd", "menclose", "merror", "semantics"),
    ]
)
_ATTRIBUTES = frozenset(
    [
        *("display", "stretchy", "fence", "form", "mathvariant", "accent", "accentunder", "displaystyle"),
        *("scriptlevel", "width", "height", "depth", "columnalign", "rowspacing", "columnspacing", "linethickness"),
        *("lspace", "rspace", "minsize", "maxsize", "separator", "movablelimits", "largeop", "symmetric", "notation"),
    ]
)
# What the converter writes that browsers set otherwise than TeX does, and what they set alike.
_LETTERS = r"(<mrow>(?:<m[in][^>]*>[^<]*</m[in]>)+</mrow>)"
_WORD = rf"<mrow>{_LETTERS}</mrow>"
_FACTOR = r"</(?:m[in]|mrow|msu[bp]|msubsup|mfrac|msqrt|mover)>|&#x00029;</mo>"  # where one ends
_LINE = '<mo accent="true">&#x02015;</mo></mover>'
# Where the bold italic letters of Latin and Greek begin in Unicode.
_BOLD_ITALIC = {"A": 0x1D468, "a": 0x1D482, "Α": 0x1D71C, "α": 0x1D736}
_ALPHABETS = {"A": "Z", "a": "z", "Α": "Ω", "α": "ω"}


def _bold(match: re.Match[str]) -> str:
    """A letter that is bold and italic by itself, as Chromium knows no variants; any other character in bold type."""
    character = unescape(match[1])
    for first, last in _ALPHABETS.items():
        if first <= character <= last:
            return f"<mi>{chr(_BOLD_ITALIC[first] + ord(character) - ord(first))}</mi>"
    return f'<mi style="font-weight: bold">{match[1]}</mi>'


_TIDY: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (  # a bar over a word, which Chromium does not make longer than over a letter
        re.compile(rf"<mover>(?:{_WORD}|{_LETTERS}){_LINE}"),
        lambda m: f'<mrow style="border-top: 0.06em solid; padding-top: 0.08em">{m[1] or m[2]}</mrow>',
    ),
    (re.compile(r'<mi mathvariant="bold-italic">([^<]*)</mi>'), _bold),
    (re.compile(r"<mo>(?=&#x02299;)"), '<mo largeop="false">'),  # alone in its line a circled dot may be large
    (  # between a factor and a function as wide a space as TeX leaves there
        re.compile(rf"({_FACTOR})(?=(?:<msu[bp]>)?<m[io]>[A-Za-z]{{2,}}</m[io]>(?!</m))"),
        r'\1<mspace width="0.167em" />',
    ),
    (re.compile(r"<mo>([A-Za-z]{2,})</mo>"), r"<mi>\1</mi>"),  # a function is no sign with space around it
    (re.compile(r'<mn mathvariant="bold">1</mn>'), "<mn>&#x1D7CF;</mn>"),  # Chromium knows no variants
)
_OPENING = re.compile(r"^<math[^>]*>|</math>$")


def mathml(latex: str, display: str = "block") -> str:
    """LaTeX as a MathML element; as code where it cannot be converted."""
    return _converted(latex, display) or f"<code>{escape(latex)}</code>"


def inline(latex: str) -> str:
    """A formula among words."""
    return mathml(latex, "inline")


def mathml_table(rows: Iterable[Row]) -> str:
    """Equations as one MathML block, aligned at their equal signs; numbers, where there are some, stand in front.

    A numbered equation has an id to link to: `eq-7`.
    """
    rows = list(rows)
    numbered = any(row.number or row.mark for row in rows)
    body = "".join(line for row in rows for line in _lines(row, numbered))
    return f'<math xmlns="{_SPACE}" display="block"><mtable displaystyle="true">{body}</mtable></math>'


def _lines(row: Row, numbered: bool) -> Iterator[str]:
    first, *more = row.right
    equals = f"{{}} = {first}" if row.left else rf"\quad {{}} {first}"
    cells = [_cell(_inner(row.left) if row.left else "", "right"), _cell(_inner(equals), "left")]
    number = row.number.strip("()")
    anchor = f' id="eq-{number}"' if number else ""
    yield f"<mtr{anchor}>{_number(row.mark or row.number) if numbered else ''}{''.join(cells)}</mtr>"
    for line in more:
        cells = [_cell("", "right"), _cell(_inner(rf"\quad {{}} {line}"), "left")]
        yield f"<mtr>{_cell('', 'left') if numbered else ''}{''.join(cells)}</mtr>"


def _number(text: str) -> str:
    return _cell(f"<mtext>{escape(text)}</mtext><mspace width='0.8em'/>", "left")


def _cell(content: str, align: str) -> str:
    """Chromium has a value of its own for what is not text."""
    return f'<mtd style="text-align: {align}; text-align: -webkit-{align}; padding-inline: 0">{content}</mtd>'


def _inner(latex: str) -> str:
    """The elements of a formula without the element around them."""
    found = _converted(latex, "block")
    return _OPENING.sub("", found) if found else f"<mtext>{escape(latex)}</mtext>"


@lru_cache(maxsize=4096)
def _converted(latex: str, display: str) -> str | None:
    from latex2mathml.converter import convert

    try:
        text = str(convert(_paired(latex), display=display))
        tree = ElementTree.fromstring(text)
    except Exception:  # noqa: BLE001 - the converter raises many things, and a page without this formula is still a page
        return None
    return _tidied(text) if all(_is_mathml(element) for element in tree.iter()) else None


def _paired(latex: str) -> str:
    """Bars that are brackets told as such; the converter takes them for operators."""
    return latex.replace(r"\lvert", r"\left|").replace(r"\rvert", r"\right|")


def _tidied(text: str) -> str:
    for pattern, new in _TIDY:
        text = pattern.sub(new, text)
    return text


def _is_mathml(element: ElementTree.Element) -> bool:
    name = element.tag.removeprefix(f"{{{_SPACE}}}")
    return name in _ELEMENTS and set(element.attrib) <= _ATTRIBUTES
