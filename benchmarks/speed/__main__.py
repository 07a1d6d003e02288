"""Generated code beside what else computes the same, checked, timed, and held to bounds.

    python -m benchmarks.speed [--cell NAME] [--case A] [--dtype f32] [--threads 1] [--row NAME] [--seconds S]
                               [--keep FILE] [--write]

The first five may be given several times; without any it is a whole run of about ten minutes, which --write puts into
docs/speed.md.  --keep adds the figures to those in a file after each process, so that a whole run may be several short
ones, or one that was broken off, and prints all of them.  Exits with 1 where a bound is missed, or a row computes
something else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.speed.bounds import judged
from benchmarks.speed.figures import THREADS, Figure, Found, Setting, settings
from benchmarks.speed.machine import machine
from benchmarks.speed.problem import DTYPES, SIZES, check_sizes
from benchmarks.speed.rows import ROWS, STEPS
from benchmarks.speed.tables import text_of
from lstmgraph import load
from lstmgraph.errors import LstmgraphError

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
START, END = "<!-- python -m benchmarks.speed -->", "<!-- end -->"
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main() -> int:
    given = options().parse_args()
    chosen = any([given.cell, given.case, given.dtype, given.threads, given.row])
    if given.write and chosen and not given.keep:
        options().error("--write takes a whole run: nothing that chooses a part, unless with --keep")
    try:
        for cell in given.cell:
            check_sizes(load(cell))
    except LstmgraphError as error:
        options().error(str(error))
    found = Found()
    for setting in settings(given):
        run(setting, found)
        if given.keep:
            found = kept(given.keep, found)
    text = f"{machine()}.\n\n{text_of(found)}"
    print(text, end="")
    if given.write:
        write(text)
    return 1 if found.wrong or any(line.missed for line in judged(found.figures)) else 0


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=(__doc__ or "").partition("\n")[0])
    several = partial(parser.add_argument, action="append", default=[])
    several("--cell", help="of the library, or a file, with an input x of X and states of H [four of the library]")
    several("--case", choices=SIZES, help="[all]")
    several("--dtype", choices=DTYPES, help="[f32, and f64 of the first cell in one thread]")
    several("--threads", choices=THREADS, type=int, help="[1, and 2 of the first cell in f32]")
    several("--row", choices=dict.fromkeys([*ROWS, *STEPS]), help="[all]")
    parser.add_argument("--seconds", type=float, default=1.0, help="of rounds, at least, for each table's case [1]")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="what has been measured, and will be")
    parser.add_argument("--write", action="store_true", help=f"put the tables of a whole run into {PAGE.name}")
    return parser


def run(setting: Setting, found: Found) -> None:
    """A process of its own, on as many processors as it has threads."""
    processors = sorted(os.sched_getaffinity(0))
    if setting.threads > len(processors):
        found.left_out.append(f"{setting.threads} threads, of {len(processors)} processors that there are for us")
        return
    command = [sys.executable, "-m", "benchmarks.speed.worker", json.dumps(setting)]
    environment = os.environ | dict.fromkeys(POOLS, str(setting.threads))
    os.sched_setaffinity(0, processors[-setting.threads :])
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        os.sched_setaffinity(0, processors)
        collect(process.stdout or (), found)
    if process.returncode:
        found.wrong.append(
            f"{' '.join(command[1:])} ended with {process.returncode}: figures after its last are missing"
        )


def collect(lines: Iterable[str], found: Found) -> None:
    """What a worker says; on standard error, where it is."""
    for line in lines:
        kind, what = json.loads(line)
        if kind == "figure":
            found.figures.append(Figure(*what))
            print(*what[:5], sep=", ", end="  \r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
        else:
            {"left out": found.left_out, "wrong": found.wrong}[kind].append(what)


def kept(path: Path, found: Found) -> Found:
    """All that the file holds, and what was found now; both are in the file then."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else [[], [], []]
    whole = found.merged(Found([Figure(*figure) for figure in before[0]], *before[1:]))
    whole.left_out, whole.wrong = ([*dict.fromkeys(words)] for words in (whole.left_out, whole.wrong))
    put(path, json.dumps([whole.figures, whole.left_out, whole.wrong]))
    return whole


def write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(START)[0], page.partition(END)[2]
    put(PAGE, f"{before}{START}\n\n{text}\n{END}{after}")


def put(path: Path, text: str) -> None:
    """All of it, or what was there stays."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
