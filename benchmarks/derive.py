"""How long deriving takes, beside other systems, and how the result grows: python benchmarks/derive.py [CELL]

Times are of the processor, in this process, after imports and after the cell is loaded, with SymPy's cache emptied
before each: that of the first round, which finds nothing prepared, and the shortest of several, which a busy machine
disturbs least and which the bounds are for.  Printing is a row of its own.  Other systems derive the same step of the
peephole LSTM (`others.py`), in the same run; what is not installed is said to be missing.  The number of equations is
that of all gradients of T unrolled steps, forward and backward; it must grow by the same number from each T to the
next.  Exits with 1 where one of ours is out of bounds.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise

from sympy.core.cache import clear_cache

from benchmarks.others import CELL, OTHERS, Other
from lstmgraph.calculus import gradient, gradient_unrolled, through_time
from lstmgraph.cell import Cell
from lstmgraph.errors import LstmgraphError
from lstmgraph.normal import normal_form
from lstmgraph.notation import get_notation
from lstmgraph.printing import print_program
from lstmgraph.printing.explaining import print_derivation
from lstmgraph.reading import load

ROUNDS = 15
SLOW_MS = 500.0  # what takes longer is run once
STEP_MS, UNROLLED_MS, LATEX_MS = 5.0, 100.0, 30.0
LENGTHS = (1, 2, 4, 8, 16, 32)


def spent_ms(prepare: Callable[[], Callable[[], object]]) -> list[float]:
    """Milliseconds of each round; what is prepared is not measured."""
    found: list[float] = []
    while len(found) < ROUNDS and (not found or found[0] < SLOW_MS):
        run = prepare()
        clear_cache()
        start = time.process_time()
        run()
        found.append(1e3 * (time.process_time() - start))
    return found


def row(name: str, what: str, times: list[float], bound: float | None = None) -> bool:
    """Prints one line; whether it is within its bound."""
    kept = bound is None or min(times) < bound
    limit = "" if bound is None else f"  bound {bound:g}" + ("" if kept else ": OUT OF BOUNDS")
    print(f"{name:<18} {times[0]:>9.2f} {min(times):>9.2f}  {what}{limit}")
    return kept


def ours(cell: Cell) -> bool:
    """Our rows; whether all are within their bounds."""
    count = len(cell.parameters) + len(cell.states) + len(cell.inputs)
    notation, once = get_notation(cell), gradient(cell)
    kept = [
        row("lstmgraph", f"the {count} gradients, symbolic sizes", spent_ms(lambda: lambda: gradient(cell)), STEP_MS),
        row("lstmgraph", "the recurrence through time", spent_ms(lambda: lambda: through_time(cell))),
        row("lstmgraph", "32 steps unrolled", spent_ms(lambda: lambda: gradient_unrolled(cell, 32)), UNROLLED_MS),
    ]
    for dialect in ("unicode", "latex", "markdown"):
        times = spent_ms(lambda d=dialect: lambda: print_program(once, d, notation))  # type: ignore[misc]
        kept.append(
            row("lstmgraph", f"printing one step as {dialect}", times, LATEX_MS if dialect == "latex" else None)
        )
    forward = normal_form(cell.step)
    for dialect in ("unicode", "latex", "html"):
        times = spent_ms(lambda d=dialect: lambda: print_derivation(once, forward, d, notation))  # type: ignore[misc]
        row("lstmgraph", f"explaining one step as {dialect}", times)
    return all(kept)


def other(name: str, of: Other) -> None:
    try:
        found = f"{of.what}, version {version(of.package)}"
        row(name, found, spent_ms(of.prepare))
    except (ImportError, PackageNotFoundError):
        print(f"{name:<18} {'-':>9} {'-':>9}  not installed")
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        print(f"{name:<18} {'-':>9} {'-':>9}  {of.what}: fails, {type(error).__name__}: {error}")


def growth(cell: Cell) -> bool:
    """How many equations the gradients of T steps have; whether they grow by the same number everywhere."""
    print("\nequations of T unrolled steps:")
    print("   T  forward  backward  total      ms")
    totals = {}
    for steps in LENGTHS:
        program, times = gradient_unrolled(cell, steps), spent_ms(lambda s=steps: lambda: gradient_unrolled(cell, s))  # type: ignore[misc]
        forward, backward = len(program.stage("forward")), len(program.stage("unrolled"))
        totals[steps] = forward + backward
        print(f"{steps:>4}  {forward:>7}  {backward:>8}  {totals[steps]:>5}  {min(times):>6.1f}")
    slopes = {(totals[b] - totals[a]) / (b - a) for a, b in pairwise(LENGTHS)}
    linear = len(slopes) == 1
    print(f"growth per step: {', '.join(f'{s:g}' for s in sorted(slopes))}: {'linear' if linear else 'NOT linear'}")
    return linear


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cell", nargs="?", default=CELL, help="of the library, or a file [%(default)s]")
    name = parser.parse_args().cell
    try:
        cell = load(name)
    except LstmgraphError as error:
        parser.error(str(error))
    print(f"{name}, Python {platform.python_version()}, {platform.machine()}, milliseconds of the processor")
    print(f"{'':<18} {'first':>9} {'shortest':>9}")
    kept = ours(cell)
    if name == CELL:
        for system, of in OTHERS.items():
            other(system, of)
    return 0 if growth(cell) and kept else 1


if __name__ == "__main__":
    sys.exit(main())
