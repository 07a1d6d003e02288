"""How good the drawings are, measured: python benchmarks/gates.py [--matrix] [--all] [--theme THEME] [CELL_OR_FILE ...]

Without arguments, the table of all rules: ours for the cells that were drawn by hand before, beside the gates and what
those drawings reach, and then the matrix.  `--matrix` prints only the matrix: for each cell and style the crossings
beside those of Graphviz's `dot` on the same graph, bends, the aspect of the border, how many gates are broken and the
first of them; "!" is outside of a gate.  `--all` adds the cells of papers that the tests read.

Exits with 1 where a gate is broken that is not known to be: `SHORT` has those, and the tests hold the
drawings to the rest.  A layout that gets there leaves `SHORT`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lstmgraph import load
from lstmgraph.diagram.quality import Case, Report, aligned, beside, report, shortfalls
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import LstmgraphError
from lstmgraph.reading import library

STYLES = ("pipe", "cell-block")
PAPERS = Path(__file__).parents[1] / "tests" / "reading" / "papers"
DRAWN = (  # what the references are drawings of
    ("lstm", "pipe"),
    ("peephole_lstm", "pipe"),
    ("gru", "pipe"),
    ("lstm", "cell-block"),
    ("peephole_lstm", "cell-block"),
)
# (theme, kind of drawing, cell): the rules that the layout does not reach yet, in some notation: of the library in all
# themes and kinds, of cells from papers in the theme default, whole, in the two styles.  Others may fall short of more.
#
# Mean bends where a network is one box: an input that joins a state on a rail turns there and into each network, twice,
# and the straight lines from sums to their nonlinearities and from biases, which make up for that elsewhere, are inside
# the boxes.
SHORT: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("default", "pipe", "mgu"): ("dot",),
    ("shiyan", "pipe", "mgu"): ("dot",),
    ("olah", "pipe", "gru"): ("mean_bends",),
    ("olah", "pipe", "gru_reset_after"): ("mean_bends",),
    ("olah", "pipe", "peephole_lstm"): ("mean_bends",),
    ("olah", "pipe", "peephole_lstm_full"): ("mean_bends",),
    ("olah", "pipe", "slstm"): ("dot", "mean_bends"),
    # networks as boxes, and every product and sum a node
    ("default", "pipe gates", "gru"): ("mean_bends",),
    ("default", "pipe gates", "gru_reset_after"): ("mean_bends",),
    ("default", "pipe gates", "peephole_lstm"): ("mean_bends",),
    ("default", "pipe gates", "peephole_lstm_full"): ("mean_bends",),
    ("default", "pipe gates", "slstm"): ("dot", "mean_bends"),
    ("default", "pipe full", "cifg"): ("dot",),
    ("default", "pipe full", "gru_reset_after"): ("dot",),
    ("default", "pipe full", "lstm97"): ("dot",),
    ("default", "pipe full", "mgu"): ("dot",),
    ("default", "pipe full", "slstm"): ("dot",),
    # chains, of what their step falls short
    # (and a value's name, longer by the step's number, that has no room on a short line in some notation)
    ("default", "unrolled", "cifg"): ("misspelt",),
    ("default", "unrolled", "gru_reset_after"): ("misspelt",),
    ("default", "unrolled", "lstm"): ("misspelt",),
    ("default", "unrolled", "lstm97"): ("misspelt",),
    ("default", "unrolled", "peephole_lstm"): ("misspelt",),
    ("default", "unrolled", "peephole_lstm_full"): ("misspelt",),
    ("default", "unrolled", "slstm"): ("misspelt",),
    ("shiyan", "unrolled", "cifg"): ("misspelt",),
    ("shiyan", "unrolled", "gru_reset_after"): ("misspelt",),
    ("shiyan", "unrolled", "lstm"): ("misspelt",),
    ("shiyan", "unrolled", "lstm97"): ("misspelt",),
    ("shiyan", "unrolled", "peephole_lstm"): ("misspelt",),
    ("shiyan", "unrolled", "peephole_lstm_full"): ("misspelt",),
    ("shiyan", "unrolled", "slstm"): ("misspelt",),
    ("olah", "unrolled", "gru"): ("mean_bends",),
    ("olah", "unrolled", "gru_reset_after"): ("mean_bends",),
    ("olah", "unrolled", "peephole_lstm"): ("mean_bends",),
    ("olah", "unrolled", "peephole_lstm_full"): ("mean_bends",),
    ("olah", "unrolled", "slstm"): ("mean_bends",),
    # the backward pass over the same lines, less the output that is shown again
    ("default", "pipe backward", "mgu"): ("dot",),
    ("shiyan", "pipe backward", "mgu"): ("dot",),
    ("shiyan", "pipe backward", "slstm"): ("sharp",),  # a corner at a former fork, right before a tip
    ("olah", "pipe backward", "gru"): ("mean_bends",),
    ("olah", "pipe backward", "gru_reset_after"): ("mean_bends",),
    ("olah", "pipe backward", "lstm"): ("mean_bends",),
    ("olah", "pipe backward", "lstm97"): ("mean_bends",),
    ("olah", "pipe backward", "peephole_lstm"): ("mean_bends",),
    ("olah", "pipe backward", "peephole_lstm_full"): ("mean_bends",),
    ("olah", "pipe backward", "slstm"): ("dot", "mean_bends"),
    # cells of papers; that attn, cornn, delta, scrn, and mgu above, cannot have less than dot is proven by `bounds.py`
    ("default", "pipe", "attn"): ("dot",),
    ("default", "pipe", "cornn"): ("dot",),
    ("default", "pipe", "delta"): ("dot",),
    ("default", "pipe", "mlstm"): ("dot", "mean_bends"),
    ("default", "pipe", "mogrifier"): ("most_bends", "mean_bends", "off_line"),
    ("default", "pipe", "scrn"): ("dot", "mean_bends"),
    ("default", "pipe", "sru"): ("most_bends",),
    ("default", "cell-block", "attn"): ("upside_down",),  # the old memory at the left for a network at the right
    ("default", "cell-block", "mlstm"): ("enclosed", "loopless"),
    ("default", "cell-block", "mogrifier"): ("enclosed", "loopless"),
}
HEAD = ("cell", "style", "crossings", "dot", "bends", "mean", "aspect", "broken")
WIDTHS = (18, 11, 9, 4, 6, 6, 6, 6)
ONCE = "import sys, lstmgraph; print(lstmgraph.load(sys.argv[1]).draw(sys.argv[2], theme=sys.argv[3]).svg)"


def scores(name: str, style: str, theme: str) -> Report:
    """All of the table for one drawing: its frames too, and what two processes with other hash seeds write."""
    cell = load(name)
    drawing = cell.draw(style, theme=theme)
    assert drawing.graph is not None
    frames = [
        cell.draw(style, walk=walk, step=k, theme=theme, notation="plain").scene  # not each walk in its own
        for walk, steps in cell.all_walks.items()
        for k in range(1, len(steps) + 1)
    ]
    files = [written(name, style, theme, seed) for seed in ("1", "2")]
    title = f"{style} {name}"
    return report(drawing.scene, drawing.graph, load_theme(theme), style, frames, files, title, drawing.asked)


def written(name: str, style: str, theme: str, seed: str) -> str:
    """The SVG as another process writes it."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", ONCE, name, style, theme]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def row(name: str, style: str, theme: str) -> tuple[tuple[str, ...], list[str]]:
    """A line of the matrix, and what is broken."""
    drawing = load(name).draw(style, theme=theme)
    assert drawing.graph is not None
    case = Case(drawing.scene, drawing.graph, load_theme(theme), style, asked=drawing.asked)
    broken, q = shortfalls(case), case.quality
    out = {complaint.partition(":")[0] for complaint in broken}

    def mark(text: str, *rules: str) -> str:
        return text + ("!" if out & {*rules} else " ")

    figures = (
        mark(str(q.crossings), "crossings", "dot"),
        "no" if case.rival is None else str(case.rival),
        mark(str(q.most_bends), "most_bends"),
        mark(f"{q.mean_bends:.2f}", "mean_bends"),
        mark(f"{q.aspect:.2f}", "aspect"),
        str(len(broken)),
    )
    return (Path(name).stem, style, *figures), broken


def line(cells: Sequence[str]) -> str:
    return "  ".join(c.ljust(w) if k < 2 else c.rjust(w) for k, (c, w) in enumerate(zip(cells, WIDTHS, strict=True)))


def matrix(cells: Sequence[str], theme: str) -> bool:
    """Print it, line by line as it is measured; whether all is inside the gates, but for what is known."""
    print(line(HEAD))
    good = True
    for name in cells:
        for style in STYLES:
            figures, broken = row(name, style, theme)
            print(f"{line(figures)}  {'; '.join(broken[:2])}".rstrip(), flush=True)
            good = good and known(theme, style, name, (complaint.partition(":")[0] for complaint in broken))
    return good


def known(theme: str, style: str, name: str, broken: Iterable[str]) -> bool:
    """Whether only such rules are broken as the layout is known not to reach yet."""
    return set(broken) <= set(SHORT.get((theme, style, Path(name).stem), ()))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="Exits with 1 where a gate is broken that SHORT, in this file, does not list as not reached yet.",
    )
    parser.add_argument("--matrix", action="store_true", help="only a line for each cell and style")
    parser.add_argument("--all", action="store_true", help="the cells of papers too")
    parser.add_argument("--theme", default="default", help="whose colours are measured")
    parser.add_argument("cells", nargs="*", help="cells of the library, or files; all of the library if none")
    given = parser.parse_args(arguments)
    try:
        load_theme(given.theme)
        _ = [load(name) for name in given.cells]
    except LstmgraphError as error:
        parser.error(str(error))
    good = True
    if not given.matrix and not given.cells:
        reports = [scores(name, style, given.theme) for name, style in DRAWN]
        print(aligned(beside(reports)), end="\n\n")
        scored = zip(DRAWN, reports, strict=True)
        good = all(known(given.theme, style, name, (s.rule.name for s in r.broken)) for (name, style), r in scored)
    cells = given.cells or list(library())
    cells += [str(path) for path in sorted(PAPERS.glob("*.toml"))] if given.all else []
    return 0 if matrix(cells, given.theme) and good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
