"""What a drawing of the library's cells must not load, so that it is fast."""

from __future__ import annotations

import json
import subprocess
import sys

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
