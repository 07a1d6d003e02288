"""What GitHub takes of a formula: its Markdown goes first, then its list of macros."""

from __future__ import annotations

import re

# "The following macros are not allowed", since May 2023: what names an operator, defines another macro, hides text, or
# leads out of the formula.
REFUSED = (
    *("operatorname", "DeclareMathOperator", "mbox", "phantom", "hphantom", "vphantom", "newcommand", "renewcommand"),
    *("providecommand", "newenvironment", "renewenvironment", "def", "gdef", "edef", "xdef", "let", "require", "href"),
    *("url", "class", "cssId", "style", "html", "unicode", "includegraphics", "input", "include"),
)


def assert_github(text: str) -> None:
    blocks = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == text.count("$$") / 2 >= 1
    for line in "\n".join(blocks).splitlines():
        assert not re.search(r"\\[^A-Za-z]", line.removesuffix(r"\\"))
        assert not re.search(r"\S_", line)
        assert not line.startswith(("+", "-", "=", "#", " "))
    between = re.sub(r"^\$\$\n.*?\n\$\$$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert between.count("$") % 2 == 0
    for formula in re.findall(r"\$([^$\n]+)\$", between):
        assert not re.search(r"\S_|\\[^A-Za-z]", formula)
    used = set(re.findall(r"\\([A-Za-z]+)", text))
    assert not used & {*REFUSED}
