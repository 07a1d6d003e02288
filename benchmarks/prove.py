"""How long `lstmgraph prove` takes, and how far it gets: python benchmarks/prove.py [CELL ...]

For each cell: seconds of the processor for its certificate, in this process, after imports; the largest sizes at which
one step and several steps were proven exactly; the largest probability of an error at random points; and the verdict.
Without a name all cells of the library.  Exits with 1 where something is not proven or a cell takes longer than its
bound.
"""

from __future__ import annotations

import argparse
import sys
import time

import lstmgraph
from lstmgraph.errors import LstmgraphError
from lstmgraph.numeric.proof import Certificate

BOUND_S = 20.0
HEAD = ("cell", "seconds", "exact, one step", "exact, more steps", "error", "verdict")
WIDTHS = (20, 8, 16, 32, 8, 0)


def largest(certificate: Certificate, one_step: bool) -> str:
    """The last sizes at which something was proven exactly; of several steps, for the longest form."""
    rows = [r for r in certificate.level("exact") if r.verdict == "proven" and "tangents" not in r.what]
    found = [r for r in rows if (r.what == "one step") == one_step]
    if not found:
        return "-"
    return found[-1].sizes if one_step else f"{found[-1].what}: {found[-1].sizes}"


def line(texts: tuple[str, ...]) -> str:
    return "".join(text.ljust(width) for text, width in zip(texts, WIDTHS, strict=True)).rstrip()


def prove(name: str) -> bool:
    """Prints the line of a cell; whether it is proven, and in time."""
    cell = lstmgraph.load(name)
    start = time.process_time()
    certificate = cell.prove()
    spent = time.process_time() - start
    errors = [int(r.data["log10_error"]) for r in certificate.level("random") if r.verdict == "holds"]
    worst = f"10^{max(errors)}" if errors else "-"
    sizes = (largest(certificate, True), largest(certificate, False))
    print(line((cell.name, f"{spent:.1f}", *sizes, worst, certificate.summary)), flush=True)
    return certificate.passed and spent < BOUND_S


def main() -> int:
    parser = argparse.ArgumentParser(description="The time that proofs take.")
    parser.add_argument("cells", nargs="*", metavar="CELL")
    names = parser.parse_args().cells or lstmgraph.library()
    try:
        for name in names:
            lstmgraph.load(name)
        print(line(HEAD))
        good = [prove(name) for name in names]
    except LstmgraphError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
