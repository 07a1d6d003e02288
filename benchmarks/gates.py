"""How good the drawings are, cell by cell: python benchmarks/gates.py --matrix [--all] [CELL_OR_FILE ...]

The matrix has a line for each cell and style: crossings beside those of Graphviz's `dot` on the same graph, bends of
the wires, the aspect of the border, and the faults.  `--all` adds the cells of papers that the tests read.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout import layout_cell_block, layout_pipe
from lstmgraph.diagram.quality import faults, measure
from lstmgraph.diagram.quality.rival import rival_crossings
from lstmgraph.diagram.scene import Scene
from lstmgraph.errors import MissingExtra
from lstmgraph.notation import get_notation
from lstmgraph.reading import library, load

STYLES = {"pipe": layout_pipe, "cell-block": layout_cell_block}
PAPERS = Path(__file__).parents[1] / "tests" / "reading" / "papers"
HEAD = f"{'cell':18} {'style':11} {'crossings':>9} {'dot':>4} {'bends':>6} {'mean':>5} {'aspect':>6} {'s':>5}  faults"


def drawn(name: str, style: str) -> tuple[Scene, Graph]:
    cell = load(name)
    names = get_notation(cell, None)
    graph = extract(cell, names.latex)
    labels = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
    return STYLES[style](graph, cell.title or cell.name, labels), graph


def line(name: str, style: str) -> str:
    start = time.process_time()
    scene, graph = drawn(name, style)
    spent = time.process_time() - start
    quality, found = measure(scene, graph), faults(scene, graph)
    try:
        rival = rival_crossings(graph)
    except MissingExtra:
        rival = None
    worse = rival is not None and not (quality.crossings < rival or quality.crossings == rival == 0)
    marks = (
        f"{quality.crossings}{'!' if worse else ' '}",
        "no" if rival is None else str(rival),
        f"{quality.most_bends}{'!' if quality.most_bends > 2 else ' '}",
        f"{quality.mean_bends:.2f}{'!' if quality.mean_bends > 0.7 else ' '}",
    )
    told = f"{len(found)}: {'; '.join(found[:2])}" if found else "0"
    crossed, dot, most, mean = marks
    return (
        f"{Path(name).stem:18} {style:11} {crossed:>9} {dot:>4} {most:>6} {mean:>5} {quality.aspect:>6.2f}"
        f" {spent:>5.2f}  {told}"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--matrix", action="store_true", help="a line for each cell and style")
    parser.add_argument("--all", action="store_true", help="the cells of papers too")
    parser.add_argument("cells", nargs="*", help="cells of the library, or files; all of the library if none")
    given = parser.parse_args(arguments)
    cells = given.cells or list(library())
    cells += [str(path) for path in sorted(PAPERS.glob("*.toml"))] if given.all else []
    print(HEAD)
    for name in cells:
        for style in STYLES:
            print(line(name, style), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
