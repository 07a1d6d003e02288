"""How long deriving takes, and how the result grows when a cell is unrolled: python benchmarks/derive.py [CELL]

The time is that of a first and of repeated derivations, after imports and after the cell is loaded, with SymPy's cache
emptied before each; that of printing is the shortest of five.  The number of equations is that of all gradients of T
unrolled steps (forward and backward); it must grow by the same number from each T to the next.  Exits with 1 where one
of them is out of bounds.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
import timeit
from itertools import pairwise

from sympy.core.cache import clear_cache

from lstmgraph.calculus import gradient, unroll, vjp
from lstmgraph.cell import Cell
from lstmgraph.errors import LstmgraphError
from lstmgraph.notation import get_notation
from lstmgraph.printing import print_program
from lstmgraph.reading import load

BOUND_MS = 20.0
PRINT_BOUND_MS = 30.0
LENGTHS = (1, 2, 4, 8, 16, 32)


def derive_ms(cell: Cell) -> float:
    clear_cache()
    start = time.perf_counter()
    gradient(cell)
    return 1e3 * (time.perf_counter() - start)


def print_ms(cell: Cell, dialect: str) -> float:
    """The shortest of five times of printing all gradients."""
    program, notation = gradient(cell), get_notation(cell)
    return 1e3 * min(timeit.repeat(lambda: print_program(program, dialect, notation), number=1, repeat=5))


def unrolled(cell: Cell, steps: int) -> tuple[int, int, float]:
    """(forward equations, backward equations, milliseconds) of all gradients of that many steps."""
    start = time.perf_counter()
    program = unroll(cell, steps)
    wrt = [s for s in program.inputs if s not in cell.constant_symbols]
    derived = vjp(program, program.outputs, wrt)
    spent = 1e3 * (time.perf_counter() - start)
    return len(derived.stage("forward")), len(derived.stage("backward")), spent


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cell", nargs="?", default="peephole_lstm", help="of the library, or a file [%(default)s]")
    name = parser.parse_args().cell
    try:
        cell = load(name)
    except LstmgraphError as error:
        parser.error(str(error))
    first, *again = [derive_ms(cell) for _ in range(21)]
    median = statistics.median(again)
    print(f"{name}, Python {platform.python_version()}, {platform.machine()}")
    print(
        f"all {len(cell.parameters) + len(cell.states) + len(cell.inputs)} gradients of one step, bound {BOUND_MS} ms:"
    )
    print(f"  first {first:.1f} ms, median of {len(again)} more {median:.1f} ms")
    printed = {dialect: print_ms(cell, dialect) for dialect in ("unicode", "latex", "markdown")}
    print(f"printing them, bound {PRINT_BOUND_MS} ms: {', '.join(f'{d} {ms:.1f} ms' for d, ms in printed.items())}")
    print("equations of T unrolled steps:")
    print("   T  forward  backward  total      ms")
    totals = {}
    for steps in LENGTHS:
        forward, backward, spent = unrolled(cell, steps)
        totals[steps] = forward + backward
        print(f"{steps:>4}  {forward:>7}  {backward:>8}  {totals[steps]:>5}  {spent:>6.1f}")
    slopes = {(totals[b] - totals[a]) / (b - a) for a, b in pairwise(LENGTHS)}
    linear = len(slopes) == 1
    print(f"growth per step: {', '.join(f'{s:g}' for s in sorted(slopes))}: {'linear' if linear else 'NOT linear'}")
    return 0 if linear and first < BOUND_MS and max(printed.values()) < PRINT_BOUND_MS else 1


if __name__ == "__main__":
    sys.exit(main())
