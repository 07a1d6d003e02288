"""What a drawing of the library's cells must not load, so that it is fast."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lstmgraph.api.catalogue import TOPICS

SLOW = ("graphviz", "jinja2", "latex2mathml", "numpy", "torch", "ziafont", "ziamath")
PROBE = f"""
import json, sys
import lstmgraph
drawn = {{}}
for name in lstmgraph.library():
    for style in ("pipe", "cell-block"):
        svg = lstmgraph.load(name).draw(style, equations=True).svg
        drawn[name, style] = [len(svg), *(m for m in {SLOW!r} if m in sys.modules)]
print(json.dumps(list(map(list, drawn.items()))))
"""


def test_no_cell_of_the_library_needs_a_typesetter_or_anything_else_that_is_slow_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    drawn = json.loads(done.stdout)
    assert len(drawn) >= 24
    for which, (length, *loaded) in drawn:
        assert length > 10_000
        assert not loaded, which


# What `lstmgraph draw CELL -o FILE.svg` has no use for.
UNUSED = {
    *SLOW,
    "fpdf",
    "importlib.resources",
    "resvg_py",
    "lstmgraph.api.animation",
    "lstmgraph.api.gradient",
    "lstmgraph.api.overlays",
    "lstmgraph.calculus",
    "lstmgraph.codegen",
    "lstmgraph.diagram.layout.cell_block",
    "lstmgraph.diagram.layout.plumbing",
    "lstmgraph.diagram.quality",
    "lstmgraph.diagram.typeset.setting",
    "lstmgraph.diagram.writers.dot",
    "lstmgraph.numeric",
    "lstmgraph.printing.programs",
    "lstmgraph.printing.sections",
    "lstmgraph.reading.sympy_input",
    "lstmgraph.tour",
}


def loaded_by(arguments: Sequence[str]) -> set[str]:
    """The modules that the command has loaded, standard output being put aside."""
    probe = f"""
import sys
from lstmgraph.cli import main
code = main({list(arguments)!r})
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_drawing_loads_only_what_it_uses(tmp_path: Path) -> None:
    loaded = loaded_by(["draw", "lstm", "-o", str(tmp_path / "lstm.svg")])
    assert "lstmgraph.diagram.layout.pipe" in loaded
    assert not loaded & (UNUSED - loaded_by_sympy())


def loaded_by_sympy() -> set[str]:
    """SymPy loads NumPy and others where it finds them, in some versions."""
    code = "import sys, sympy; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("topic", TOPICS)
def test_listing_needs_no_sympy(topic: str) -> None:
    assert "sympy" not in loaded_by(["list", topic])
