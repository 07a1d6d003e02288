"""How long a drawing takes: python benchmarks/draw.py [ROUNDS]

First the whole command `lstmgraph draw CELL -o FILE` beside `python -c "import sympy"`, which it cannot do without:
fresh processes, one of each in turn, medians; by the clock, and in time of the processor, which a busy machine disturbs
less.  Then, in this process, the layout of each cell of the library in both styles, labels known.  Exits with 1 where
drawing the LSTM takes more than `BOUND_MS` longer than SymPy, or laying it out more than `LAYOUT_MS`.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

BOUND_MS = 150.0
LAYOUT_MS = 50.0
LONGEST_MS = 1000.0  # of any cell of the library
SYMPY = (sys.executable, "-c", "import sympy")
DRAWN = (("lstm", "pipe"), ("lstm", "cell-block"), ("gru", "pipe"), ("peephole_lstm", "pipe"))
# As on most machines: Python keeps what it has compiled.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def command(cell: str, style: str, folder: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "lstmgraph", "draw", cell, "--style", style, "-o", str(Path(folder) / f"{cell}.svg"))


def spent_ms(arguments: Sequence[str]) -> tuple[float, float]:
    """By the clock, and of the processor (0 on Windows, which does not say)."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(arguments, check=True, capture_output=True, env=ENVIRONMENT)
    after, stop = os.times(), time.perf_counter()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return 1e3 * (stop - start), 1e3 * busy


def processes(rounds: int) -> float:
    """Print the table of whole commands; by how much drawing the LSTM takes longer than SymPy alone."""
    print(f"{'whole process, ms':28} {'clock':>6} {'over SymPy':>11} {'ratio':>6} {'processor':>10} {'over SymPy':>11}")
    with tempfile.TemporaryDirectory() as folder:
        rows = [SYMPY, *(command(*drawn, folder) for drawn in DRAWN)]
        for row in rows:  # Python compiles what it has not yet
            spent_ms(row)
        times = [[spent_ms(row) for row in rows] for _ in range(rounds)]
    clock, busy = ([statistics.median(t[row][k] for t in times) for row in range(len(rows))] for k in (0, 1))
    names = ["import sympy", *(f"draw {cell}, {style}" for cell, style in DRAWN)]
    for name, c, b in zip(names, clock, busy, strict=True):
        print(f"{name:28} {c:6.0f} {c - clock[0]:+11.0f} {c / clock[0]:6.2f} {b:10.0f} {b - busy[0]:+11.0f}")
    return clock[1] - clock[0]


def layouts() -> tuple[float, float]:
    """Print the table of layouts, in processor time; the longest of the LSTM's, and of any cell's."""
    from lstmgraph import library, load
    from lstmgraph.diagram.extract import extract
    from lstmgraph.diagram.layout.cell_block import layout_cell_block
    from lstmgraph.diagram.layout.pipe import layout_pipe
    from lstmgraph.diagram.layout.remembered import forget
    from lstmgraph.notation import get_notation

    print(f"\n{'layout, ms':28} {'pipe':>6} {'cell-block':>11}")
    lstm = longest = 0.0
    for name in library():
        cell = load(name)
        names = get_notation(cell)
        graph = extract(cell, names.latex)
        labels = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
        found = []
        for layout in (layout_pipe, layout_cell_block):
            layout(graph, name, labels)  # reads the outlines of labels
            forget()  # but no search is spared
            start = time.process_time()
            layout(graph, name, labels)
            found.append(1e3 * (time.process_time() - start))
        print(f"{name:28} {found[0]:6.0f} {found[1]:11.0f}", flush=True)
        lstm, longest = max(found) if name == "lstm" else lstm, max(longest, *found)
    return lstm, longest


def positive(given: str) -> int:
    """A whole number from 1 on."""
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a whole number from 1 on")
    return int(given)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=positive, default=9, help="how often each command runs [%(default)s]")
    rounds = parser.parse_args().rounds
    print(f"Python {platform.python_version()}, {platform.machine()}; bounds: LSTM {BOUND_MS:g} ms over SymPy, "
          f"laid out in {LAYOUT_MS:g} ms; any cell in {LONGEST_MS:g} ms\n")  # fmt: skip
    over, (lstm, longest) = processes(rounds), layouts()
    return 0 if over < BOUND_MS and lstm < LAYOUT_MS and longest < LONGEST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
