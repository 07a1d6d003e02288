"""The difference of two cells: what only one of them has, in its picture and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lstmgraph.algebra.names import name_of
from lstmgraph.api.overlays.equations import formulas
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.api.overlays.walks import UNDER
from lstmgraph.api.scenes import drawn
from lstmgraph.cell import Cell
from lstmgraph.diagram.caption import Paragraph, Piece, captioned, sentence
from lstmgraph.diagram.compare import Part, only
from lstmgraph.diagram.compose import best_columns, grid, headed
from lstmgraph.diagram.difference import items, strong
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.typeset import plain_text
from lstmgraph.notation import Notation, get_notation
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.roles import roles


def against(laid: Laid) -> Laid:
    """What only one of two cells has, strong, the rest dimmed: in the larger one where that has all of the other."""
    cell, other, choices = laid.cell, laid.choices.against, laid.choices
    assert other is not None
    cells = (cell, other)
    names = [get_notation(c, choices.notation) for c in cells]
    graphs, scenes = zip(*(drawn(c, n, choices) for c, n in zip(cells, names, strict=True)), strict=True)
    parts = only(graphs[0], graphs[1], roles(cell), roles(other))
    called = _called(cell, other)
    remarks = [_remark(cells[k], called[k], graphs[k], parts[k], names[k]) for k in (0, 1)]
    kept = [k for k in (0, 1) if parts[k]] or [0]
    panels = []
    for k in kept:
        told = [remarks[k], remarks[1 - k]] if len(kept) == 1 else [remarks[k]]
        text = told if any(parts) else [_same(cell, other)]
        caption = [*text, *(formulas(cells[k], names[k]) if choices.equations else [])]
        panel = headed(strong(scenes[k], parts[k]), scenes[k].title)
        panels.append(captioned(panel, "", caption, UNDER))
    whole = panels[0] if len(panels) == 1 else grid(panels, best_columns(panels))
    told_plainly = " ".join(_plain(r) for r in (remarks if any(parts) else [_same(cell, other)]))
    described = replace(whole, description=f"{told_plainly} {scenes[kept[0]].description}".strip())
    return replace(laid, scene=described, title=f"{scenes[0].title} against {scenes[1].title}", whole=True)


def _called(cell: Cell, other: Cell) -> tuple[str, str]:
    """What two cells are called, so that one knows which is meant."""
    if cell.name == other.name and cell != other:
        return f"the first {cell.name}", f"the second {other.name}"
    return cell.name, other.name


def _remark(cell: Cell, called: str, graph: Graph, part: Part, names: Notation) -> Paragraph:
    """What only this cell has, in words."""
    if not part:
        return sentence([(f"Nothing is only in {called}.", False)])
    latex = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
    equations = {name_of(e.target).base: print_equation(e, "latex", names) for e in cell.step}
    found = items(graph, part, latex, equations, lambda expr: print_expr(expr, "latex", names))
    ended = [_ended(item, "." if k == len(found) else ",") for k, item in enumerate(found, 1)]
    return sentence([(f"Only in {called}:", False), *(piece for item in ended for piece in item)])


def _ended(item: Sequence[Piece], mark: str) -> list[Piece]:
    *before, (text, math) = item
    return [*before, (text + mark, math)]


def _same(cell: Cell, other: Cell) -> Paragraph:
    if cell == other:
        return sentence([(f"This is the same cell twice: {cell.name}.", False)])
    one, two = _called(cell, other)
    return sentence([(f"{one[:1].upper()}{one[1:]} and {two} are the same but for names.", False)])


def _plain(paragraph: Paragraph) -> str:
    return " ".join(plain_text(text) if math else text for line in paragraph.lines for text, math in line)
