"""The multiplies of ten cells, ours beside those of PyTorch: python benchmarks/counts.py [--write] [CELL ...]

PyTorch's graph is that of a step and its gradients by autograd, traced by `make_fx` at concrete sizes down to its core
operations, without dead code.  It is counted by the conventions of `lstmgraph/calculus/counts.py`: a multiply for each
entry of `mul` and of a square, m k n for `mm`.  The polynomials are fitted to the numbers at several sizes, exactly.
Exits with 1 where a reusing form has more multiplies than the textbook form, or no polynomial fits.

`--write` puts the table into docs/counts.md.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sympy import Add, Expr, Integer, Mul, Symbol

from lstmgraph import Cell, load
from lstmgraph.algebra import nodes as n
from lstmgraph.errors import LstmgraphError
from lstmgraph.numeric.evaluate import OPERATIONS, evaluate, number_of
from lstmgraph.printing.polynomials import polynomial

CELLS = (
    "rnn",
    "lstm",
    "peephole_lstm",
    "peephole_lstm_full",
    "lstm97",
    "cifg",
    "gru",
    "gru_reset_after",
    "mgu",
    "slstm",
)
PAGE = Path(__file__).parents[1] / "docs" / "counts.md"
START, END = "<!-- benchmarks/counts.py -->", "<!-- end -->"
DEGREE = 2


# ── PyTorch's joint graph ──


def joint_graph(cell: Cell, sizes: Mapping[Symbol, int]) -> Any:
    """The traced graph of a step and all its gradients, given what arrives at its outputs."""
    import torch
    from torch._decomp import core_aten_decompositions
    from torch.fx.experimental.proxy_tensor import make_fx

    inputs = [s for s in cell.step.inputs if s not in cell.constant_symbols]
    names = [s.name for s in inputs]

    def joint(values: list[Any], seeds: list[Any]) -> tuple[Any, ...]:
        given = dict(zip(names, values, strict=True)) | dict(cell.constants)
        found = evaluate(cell.step, given, torch)
        outputs = [found[o.name] for o in cell.outputs]
        return (*outputs, *torch.autograd.grad(outputs, values, seeds, allow_unused=True))

    def tensors(symbols: Any) -> list[Any]:
        shapes = [[number_of(side, sizes) for side in s.shape] for s in symbols]
        return [torch.rand(shape, dtype=torch.float64).add(0.2).requires_grad_() for shape in shapes]

    with native():
        traced = make_fx(joint, core_aten_decompositions())(tensors(inputs), tensors(cell.outputs))
    traced.graph.eliminate_dead_code()
    return traced.graph


@contextmanager
def native() -> Iterator[None]:
    """The interpreter with PyTorch's own activations, not with the guarded formulas that it has for NumPy."""
    import torch

    own: dict[type, Callable[..., Any]] = {
        n.Sigmoid: lambda _, a: torch.sigmoid(a),
        n.Softplus: lambda _, a: torch.nn.functional.softplus(a),
        n.Silu: lambda _, a: torch.nn.functional.silu(a),
        n.Softmax: lambda _, a: torch.softmax(a, -2),
    }
    before = {cls: OPERATIONS[cls] for cls in own}
    OPERATIONS.update(own)
    try:
        yield
    finally:
        OPERATIONS.update(before)


def multiplies_of(graph: Any) -> int:
    """The multiplies of a graph, in entries."""
    total = 0
    for node in graph.nodes:
        kind = str(node.target).split(".")[1] if node.op == "call_function" else ""
        if kind in ("mm", "bmm"):
            total += node.meta["val"].numel() * node.args[0].meta["val"].shape[-1]
        elif kind == "mul":
            total += node.meta["val"].numel()
        elif kind == "pow":
            total += node.meta["val"].numel() * (int(node.args[1]).bit_length() - 1)
    return total


# ── polynomials from numbers ──


def fitted(cell: Cell, measure: Callable[[Mapping[Symbol, int]], int]) -> Expr | None:
    """The polynomial in the cell's sizes that has these values; None where none of low degree has."""
    powers = [p for p in itertools.product(range(DEGREE + 1), repeat=len(cell.sizes)) if sum(p) <= DEGREE]
    rng = np.random.default_rng(0)
    points = [tuple(rng.integers(2, 12, len(cell.sizes))) for _ in range(len(powers) + 3)]
    values = [measure({z: int(k) for z, k in zip(cell.sizes, point, strict=True)}) for point in points]
    table = [
        [float(np.prod([float(k) ** e for k, e in zip(point, p, strict=True)])) for p in powers] for point in points
    ]
    solution = np.linalg.lstsq(np.array(table), np.array(values, dtype=float), rcond=None)[0]
    whole = [round(c) for c in solution]
    if not np.array_equal(np.array(table) @ whole, values):
        return None
    return Add(
        *(
            Integer(c) * Mul(*(z**e for z, e in zip(cell.sizes, p, strict=True)))
            for c, p in zip(whole, powers, strict=True)
        )
    )


# ── the table ──


def row(name: str) -> tuple[list[str], bool]:
    cell = load(name)
    counts = cell.counts()
    forward, backward, reusing = (c.multiplies for c in counts.columns.values())
    theirs = fitted(cell, lambda sizes: multiplies_of(joint_graph(cell, sizes)))
    both = [forward + backward, forward + reusing]
    fine = theirs is not None and all(c >= 0 for c in (backward - reusing).expand().as_coefficients_dict().values())
    numbers = [polynomial(number.expand()) for number in (forward, backward, reusing, *both)]
    return [cell.name, *numbers, polynomial(theirs.expand()) if theirs is not None else "no polynomial"], fine


TITLES = (
    "cell",
    "forward",
    "textbook backward",
    "reusing products",
    "forward and textbook",
    "forward and reusing",
    "PyTorch's joint graph",
)


def markdown(rows: list[list[str]]) -> str:
    lines = [TITLES, ["---"] + ["---:"] * (len(TITLES) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cells", nargs="*", metavar="CELL", help="of the library, or a file [ten of the library]")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    given = parser.parse_args()
    try:
        rows = [row(name) for name in given.cells or CELLS]
    except LstmgraphError as error:
        parser.error(str(error))
    text = markdown([cells for cells, _ in rows])
    print(text, end="")
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.partition(START)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{START}\n\n{text}\n{END}{after}", encoding="utf-8")
    return 0 if all(fine for _, fine in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
