"""How long it takes to draw an unrolled chain, and how large it gets: python benchmarks/unroll.py [CELL]

For each length the processor time of laying out one step, of making the chain from it, and of writing it as SVG, no
label having been set before.  Exits with 1 where 100 steps take longer than the bound.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from itertools import pairwise

from lstmgraph.cell import Cell
from lstmgraph.diagram import typeset
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.themes import load_theme
from lstmgraph.diagram.typeset import outlines, setting
from lstmgraph.diagram.writers.svg import write_svg
from lstmgraph.errors import LstmgraphError
from lstmgraph.notation import get_notation
from lstmgraph.reading import load

BOUND_S = 2.0
LENGTHS = (1, 3, 10, 30, 100)


def forget() -> None:
    """No label has been set."""
    for module in (typeset, outlines, setting):
        for cached in vars(module).values():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()


def drawn(cell: Cell, steps: int, detailed: str) -> tuple[list[float], int]:
    """Seconds for the layout, the chain and the file, and the file's size in bytes."""
    names = get_notation(cell, None)
    labels = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
    forget()
    times = [time.process_time()]
    graph = extract(cell, names.latex)
    scene = layout_pipe(graph, cell.title, labels)
    times.append(time.process_time())
    whole, _ = chain(scene, graph, steps, names.latex, detailed="middle" if detailed == "middle" else "all")
    times.append(time.process_time())
    size = len(write_svg(whole, load_theme("default")))
    times.append(time.process_time())
    return [b - a for a, b in pairwise(times)], size


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cell", nargs="?", default="lstm", help="of the library, or a file [%(default)s]")
    name, late = parser.parse_args().cell, False
    try:
        cell = load(name)
    except LstmgraphError as error:
        parser.error(str(error))
    print(f"{name}, Python {platform.python_version()}, {platform.machine()}; 100 steps within {BOUND_S:g} s")
    print("steps  detailed  layout   chain     SVG   total s      KB")
    drawn(cell, 1, "all")  # imports
    for steps in LENGTHS:
        for detailed in ("all", "middle"):
            times, size = drawn(cell, steps, detailed)
            late = late or sum(times) > BOUND_S
            parts = "  ".join(f"{t:6.2f}" for t in (*times, sum(times)))
            print(f"{steps:>5}  {detailed:<8}  {parts}  {size / 1024:>9.0f}")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
