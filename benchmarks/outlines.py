"""Write the tables of outlines, so that a drawing loads no typesetter:

    python benchmarks/outlines.py            # writes the tables of lstmgraph/diagram/typeset
    python benchmarks/outlines.py --check    # exits with 1 where they are not what would be written
    python benchmarks/outlines.py FOLDER     # writes them there, or checks those with --check

- `atoms.tsv`: the pieces of which labels are composed, measured (`pieces.py` says which),
- `math.tsv`: what the cells of the library show, in any notation, and is not composed,
- `letters.tsv`: the letters of words, those in `LETTERS`,
- `shapes.tsv`: the glyphs of them all.

After a change to the library, a notation, the pieces, or of ziamath: run it again.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import string
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.pieces import pieces
from lstmgraph.algebra.rules import RULES
from lstmgraph.cell import Cell
from lstmgraph.diagram.extract import extract
from lstmgraph.diagram.order import CIRCLED
from lstmgraph.diagram.typeset.composing import composed
from lstmgraph.diagram.typeset.outlines import FOLDER, Shape
from lstmgraph.diagram.typeset.setting import set_letter, set_math
from lstmgraph.notation import Notation, get_notation, notation_names
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.reading import library, load

TABLES = ("shapes.tsv", "atoms.tsv", "math.tsv", "letters.tsv")
LETTERS = string.printable[:95] + "·×−⊙∂σΣΓαβγδλ′←→–—…’“”é°²₁₂" + CIRCLED
LAGS = range(-4, 5)


def labels() -> list[str]:
    """Every label of mathematics that the library shows and that is not composed of pieces, in order."""
    found = {rule.glyph for rule in RULES.values()}
    found |= {label for name in library() for label in cell_labels(load(name))}
    return sorted(label for label in found if label and composed(label) is None)


def cell_labels(cell: Cell) -> Iterator[str]:
    """What drawings of a cell may show: its values now, before and later, its parameters, its equations."""
    for notation in notation_names(cell):
        names = get_notation(cell, notation)
        for symbol in (*cell.inputs, *cell.previous, *cell.values.values(), *cell.parameters, *cell.constant_symbols):
            yield names.latex(symbol)
        for symbol in (*cell.inputs, *cell.previous):
            base = symbol.name.partition("[")[0]
            yield from (names.latex(f"{base}[t{lag:+d}]" if lag else f"{base}[t]") for lag in LAGS)
        yield from (print_equation(equation, "latex", names) for equation in cell.step)
        yield from glyphs(cell, names)


def glyphs(cell: Cell, names: Notation) -> Iterator[str]:
    """What stands in the nodes."""
    graph = extract(cell, names.latex, formula=lambda formula: print_expr(formula, "latex", names))
    yield from (node.glyph for node in graph.nodes)


def write(folder: Path) -> None:
    """The four tables; a shape gets its row where it first occurs."""
    shapes: dict[Shape, int] = {}
    atoms = ["\t".join((*piece[:2], *piece.fields, placed(piece.glyphs, shapes))) for piece in pieces()]
    save(folder / "atoms.tsv", atoms)
    save(folder / "shapes.tsv", drawn(shapes))  # so that `composed` knows the pieces
    math = [f"{label}\t{placed(set_math(label).shapes, shapes)}" for label in labels()]
    letters = [(letter, set_letter(letter)) for letter in sorted(set(LETTERS))]
    words = [f"{letter}\t{found.advance} {placed(found.shapes, shapes)}".rstrip(" ") for letter, found in letters]
    for table, rows in (("shapes.tsv", drawn(shapes)), ("math.tsv", math), ("letters.tsv", words)):
        save(folder / table, rows)


def save(path: Path, rows: Iterable[str]) -> None:
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")


def drawn(shapes: Iterable[Shape]) -> list[str]:
    return [f"{s.left} {s.top} {s.right} {s.bottom}\t{s.path}" for s in shapes]


def placed(found: Iterable[tuple[Shape, float, float]], shapes: dict[Shape, int]) -> str:
    """Shapes as their rows and places; a new one gets the next row."""
    return " ".join(f"{shapes.setdefault(shape, len(shapes))} {x:.8g} {y:.8g}" for shape, x, y in found)


def stale(folder: Path) -> list[str]:
    """The tables that are not what would be written, or are not there."""
    with tempfile.TemporaryDirectory() as current:
        write(Path(current))
        _, different, missing = filecmp.cmpfiles(current, folder, TABLES, shallow=False)
    return different + missing


def writable(given: str) -> Path:
    """A folder that can be written into."""
    folder = Path(given)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {given!r}")
    if not os.access(folder, os.W_OK):
        raise argparse.ArgumentTypeError(f"the folder {given!r} cannot be written into")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables of outlines, so that a drawing loads no typesetter.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the tables are stale")
    parser.add_argument("folder", nargs="?", type=writable, default=FOLDER, help="where they are [%(default)s]")
    given = parser.parse_args()
    if given.check:
        found = stale(given.folder)
        print(f"stale: {', '.join(found)}; run: python benchmarks/outlines.py" if found else "the tables are current")
        return 1 if found else 0
    write(given.folder)
    for table in TABLES:
        text = (given.folder / table).read_text(encoding="utf-8")
        print(f"{text.count(chr(10)):5} rows, {len(text.encode()) / 1e3:6.1f} kB  {given.folder / table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
