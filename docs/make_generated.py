"""The code on the page docs/generated.md, as it is generated now: python docs/make_generated.py [--check]

A line `<!-- CELL TARGET FUNCTION -->` in the page stands before a block with that function of the generated file; CELL
is one of the library, or a file that the page itself holds (```toml file=NAME).  To show another function write such a
line with an empty block below it, and run this.  `--check` changes nothing, and exits with 1 where the page is stale.
"""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from pathlib import Path

import lstmgraph

PAGE = Path(__file__).parent / "generated.md"
SHOWN = re.compile(
    r"^<!-- (?P<cell>\S+) (?P<target>\w+) (?P<function>\w+) -->\n```(?P<fence>\w+)\n.*?^```$", re.MULTILINE | re.DOTALL
)
OWN = re.compile(r"^```toml file=(?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def current(page: str) -> str:
    """The page with every function as it is generated now."""
    with tempfile.TemporaryDirectory() as folder:
        for own in OWN.finditer(page):
            (Path(folder) / own["name"]).write_text(own["text"], encoding="utf-8")

        def block(shown: re.Match[str]) -> str:
            file = Path(folder) / shown["cell"]
            cell = lstmgraph.load(str(file) if file.exists() else shown["cell"])
            code = function_in(cell.code(shown["target"]), shown["function"], shown["target"])
            return f"{shown[0].partition(chr(10))[0]}\n```{shown['fence']}\n{code}\n```"

        return SHOWN.sub(block, page)


def function_in(source: str, name: str, target: str) -> str:
    """The text of a function.  Raises LookupError where the file has none of that name."""
    if target == "c":
        found = re.search(rf"^(?:static )?\w+ {name}\([^;]*?\)\n{{\n.*?^}}$", source, re.MULTILINE | re.DOTALL)
        text = found and found[0]
    else:
        nodes = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name)
        text = next((ast.get_source_segment(source, node) for node in nodes), None)
    if not text:
        raise LookupError(f"the {target} file has no function {name}")
    return text


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    new = current(page)
    if "--check" in sys.argv[1:]:
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
