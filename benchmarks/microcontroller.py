"""What one step of a cell takes on a small machine: flash for the code and the weights, memory for the rest.

The generated C file of fixed sizes is compiled with -Os, and only what a step calls is kept, as a linker does.  Its
size is that of this compiler's machine code.  The stack is that of the deepest calls, as GCC tells it (functions of the
C library are not in it, and of other compilers it is not known).  For another machine:

    CC=arm-none-eabi-gcc python -m benchmarks.microcontroller -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16

    python -m benchmarks.microcontroller [--cell NAME ...] [--size H=16 ...] [FLAG ...]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from sympy import Expr

import lstmgraph as lg
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.compiler import compiler
from lstmgraph.codegen.loops.layout import Options
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.targets.c import File

SMALL = ("-std=c99", "-Os", "-ffp-contract=fast", "-fno-math-errno", "-ffunction-sections", "-fdata-sections")
CELLS = ("lstm", "peephole_lstm", "gru")


def taken(texts: dict[str, str], keep: str, flags: list[str]) -> tuple[int, str]:
    """The bytes of code and constants that are left of a file when only one function is wanted, and of its stack."""
    cc = compiler()
    size = shutil.which(cc[0].removesuffix("gcc").removesuffix("cc") + "size") or "size"
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        source = next(name for name in texts if name.endswith(".c"))
        subprocess.run([*cc, *SMALL, *flags, "-c", source, "-o", "all.o"], cwd=folder, check=True)
        command = [*cc, *SMALL, *flags, "-fcallgraph-info=su", "-c", source, "-o", "calls.o"]
        known = subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0
        graph = (Path(folder) / "calls.ci").read_text(encoding="utf-8") if known else ""
        linked = [*cc, *flags, "-nostdlib", "-r", "-Wl,--gc-sections", f"-Wl,-u,{keep}", "-Wl,-e," + keep]
        subprocess.run([*linked, "all.o", "-o", "step.o"], cwd=folder, check=True)
        done = subprocess.run([size, "-A", "step.o"], cwd=folder, check=True, capture_output=True, text=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    code = sum(int(row[1]) for row in rows if row and row[0].startswith((".text", ".rodata")))
    return code, str(deepest(graph, keep)) if graph else "-"


def deepest(graph: str, name: str) -> int:
    """The bytes of stack that a function takes with what it calls, of GCC's call graph: none calls itself."""
    own = dict(re.findall(r'node: \{ title: "([^"]*)" label: ".*\\n(\d+) bytes', graph))
    calls = re.findall(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', graph)

    def depth(at: str) -> int:
        return int(own.get(at, 0)) + max((depth(called) for source, called in calls if source == at), default=0)

    return depth(name)


def memory(name: str, sizes: dict[str, int]) -> tuple[int, int]:
    """The bytes of the weights as a step takes them, and of all that it writes to: two sets of states, and its work."""
    cell = lg.load(name)
    file = File(Plan(cell, cell.gradient()), Options("float32", sizes))
    numbers = {z: sizes[str(z)] for z in cell.sizes}

    def count(size: Expr) -> int:
        return int(size.subs(numbers))

    packed = {s for e in file.step.sweep["once"] for s in symbols_in(e.value)}
    weights = [e for _, e in file.pack.arrays.values()]
    weights += [p.shape[0] * p.shape[1] for p in cell.parameters if p not in packed]
    states = [s.next.shape[0] * s.next.shape[1] for s in cell.states]
    written = [*states, *states, *(e for _, e in file.step_memory.arrays.values())]
    return 4 * sum(map(count, weights)), 4 * sum(map(count, written))


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", nargs="*", default=CELLS)
    parser.add_argument("--size", nargs="*", default=["X=8", "H=16"])
    given, flags = parser.parse_known_args()
    sizes = {name: int(number) for name, _, number in (text.partition("=") for text in given.size)}
    print(
        f"{' '.join([*compiler(), *SMALL, *flags])}, float32, {', '.join(given.size)}: bytes for one step of one sample"
    )
    print(f"{'cell':16}{'code':>8}{'weights':>9}{'memory':>8}{'stack':>7}")
    for name in given.cell:
        cell = lg.load(name)
        texts = cell.code_files("c", dtype="float32", sizes=sizes)
        (code, stack), (weights, written) = taken(texts, f"{cell.name}_step", flags), memory(name, sizes)
        print(f"{name:16}{code:8}{weights:9}{written:8}{stack:>7}")


if __name__ == "__main__":
    main()
