"""A hunt for cells whose generated code is wrong: random ones until the time is over.

    python -m tests.codegen.hunt --way torch --minutes 20

What fails is printed; put it, made as small as it gets, into `odd/`, where every target is tried with it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import traceback
from itertools import count
from pathlib import Path

from tests.codegen import equality
from tests.codegen.changed_cells import changed_text
from tests.codegen.equality import BOUNDS, WAYS, Case, faults, sample_of
from tests.codegen.made_cells import made_text
from tests.codegen.random_cells import cell_text
from tests.codegen.spelled_cells import spelled_text
from tests.codegen.stacked_cells import stacked_text

KINDS = {
    "plain": cell_text,
    "changed": changed_text,
    "made": made_text,
    "spelled": spelled_text,
    "stacked": stacked_text,
}


def case_of(number: int) -> Case:
    """The sizes that a number makes, small ones and such that rows are 16, 32 or 64 bytes apart."""
    rng = random.Random(number)
    return Case(rng.choice((1, 1, 2, 3)), rng.choice((1, 2, 4)), tuple(rng.choices((1, 1, 2, 3, 4, 5, 8), k=4)))


def wrong(way: str, path: Path, case: Case, dtype: str = "float64") -> list[str]:
    """What a target computes otherwise than the interpreter, of the cell in a file."""
    row, name = WAYS[way], str(path)
    found = row.run(name, sample_of(name, case, dtype), dtype)
    return faults(found, name, case, dtype, row.gives)


def forget() -> None:
    """Each cell is met once."""
    for name in ("cell_of", "functions_of", "sample_of", "wanted_of", "lost", "c_file", "c_functions", "torch_over_c"):
        getattr(equality, name).cache_clear()


def hunt(way: str, dtype: str, kind: str, first: int, until: float) -> tuple[int, int]:
    """How many cells were tried until then, and how many of them fail, which are printed."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in count(first):
            if time.monotonic() > until:
                return number - first, failed
            path = Path(folder) / f"{number}.toml"
            path.write_text(KINDS[kind](number))
            case = case_of(number)
            if said := _said(way, path, case, dtype):
                failed += 1
                print(f"# {kind} {number}, {way}, {case}, {dtype}\n{said}\n{path.read_text()}\n", flush=True)
            forget()
    raise AssertionError


def _said(way: str, path: Path, case: Case, dtype: str) -> str:
    """What is wrong, as comments."""
    try:
        said = "\n".join(wrong(way, path, case, dtype))
    except Exception:  # noqa: BLE001  whatever goes wrong is found
        said = traceback.format_exc(limit=-3)
    return "\n".join(f"# {line}" for line in said.splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description="Try random cells until the time is over; what fails is printed.")
    parser.add_argument("--way", choices=WAYS, required=True, help="how the generated code is run")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--dtype", choices=BOUNDS, default="float64", help="in which type (default: float64)")
    parser.add_argument("--kind", choices=KINDS, default="changed", help="of which cells (default: changed)")
    parser.add_argument("--seed", type=int, help="the number of the first cell (default: a random one)")
    given = parser.parse_args()
    first = random.randrange(10**6, 10**12) if given.seed is None else given.seed
    tried, failed = hunt(given.way, given.dtype, given.kind, first, time.monotonic() + 60 * given.minutes)
    print(f"# {tried} {given.kind} cells from {first}, {failed} wrong")


if __name__ == "__main__":
    main()
