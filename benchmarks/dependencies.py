"""What the packages that lstmgraph needs cost: python benchmarks/dependencies.py

Those that every user gets, then the optional ones, then the total of the former.  For each its version, what its files
take on disk without compiled bytecode, and what importing it adds to a bare interpreter: the least of some fresh
processes.  docs/dependencies.md shows what this printed; there is no bound.
To add a package: a row of `NEEDED` or `OPTIONAL`.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

ROUNDS = 7

# distribution: (the module that is imported, the distributions that it brings along)
Packages = dict[str, tuple[str, tuple[str, ...]]]

NEEDED: Packages = {
    "sympy": ("sympy", ("mpmath",)),
    "numpy": ("numpy", ()),
    "click": ("click", ()),
    "jinja2": ("jinja2", ("markupsafe",)),
    "graphviz": ("graphviz", ()),
    "ziamath": ("ziamath", ("ziafont",)),
    "latex2mathml": ("latex2mathml.converter", ()),
}
OPTIONAL: Packages = {
    "pygraphviz": ("pygraphviz", ()),
    "resvg-py": ("resvg_py", ()),
    "fpdf2": ("fpdf", ("fonttools", "pillow", "defusedxml")),
}


def megabytes(distribution: str) -> float:
    """The size of the files that pip unpacked."""
    files = [Path(str(f.locate())) for f in metadata.files(distribution) or () if f.suffix != ".pyc"]
    return sum(f.stat().st_size for f in files if f.is_file()) / 1e6


def least_ms(statement: str) -> float:
    """The least time of a fresh process that runs the statement."""
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
        spent.append(time.perf_counter() - start)
    return 1e3 * min(spent)


def row(distribution: str, bare: float) -> str:
    module, brought = {**NEEDED, **OPTIONAL}[distribution]
    sizes = [f"{megabytes(distribution):.1f} MB", *(f"{name} {megabytes(name):.1f} MB" for name in brought)]
    added = least_ms(f"import {module}") - bare
    return f"| {distribution} {metadata.version(distribution)} | {' + '.join(sizes)} | {added:.0f} ms |"


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    bare = least_ms("pass")
    print(f"Python {platform.python_version()}, {platform.machine()}; a bare interpreter takes {bare:.0f} ms\n")
    print("| package | size | import |\n|---|---|---|")
    for distribution in (*NEEDED, *OPTIONAL):
        try:
            print(row(distribution, bare), flush=True)
        except metadata.PackageNotFoundError:
            print(f"| {distribution} | not installed | |")
    total = sum(megabytes(name) for distribution, (_, brought) in NEEDED.items() for name in (distribution, *brought))
    print(f"\n{total:.0f} MB in all for what every user gets")


if __name__ == "__main__":
    main()
