"""What the names of one cell are in another: by name, by structure, as drawings of differences find it, or by role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lstmgraph.algebra.names import name_of
from lstmgraph.cell import Cell
from lstmgraph.notation import get_notation
from lstmgraph.roles import roles


def matched(cell: Cell, other: Cell) -> dict[str, str]:
    """For names of `other` what they are called in `cell`, one to one: states, other values, inputs, parameters.

    Equal names come first, where they are names of the same kind; then what the drawing of both cells pairs, whatever
    it is called; then the only value of a role that is left in each; then parameters of values that were found, by
    their subscripts.
    """
    ours, theirs = _kinds(cell), _kinds(other)
    found = {name: name for name, kind in theirs.items() if ours.get(name) == kind}
    options = [*_by_structure(cell, other), *_by_role(cell, other, found)]
    _add(found, options, ours, theirs)
    _add(found, _by_subscript(theirs, found), ours, theirs)
    return found


def _add(
    found: dict[str, str],
    options: list[tuple[str, str]] | Iterator[tuple[str, str]],
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
) -> None:
    for their, our in options:
        if their not in found and our not in found.values() and ours.get(our) == theirs.get(their):
            found[their] = our


def _kinds(cell: Cell) -> dict[str, str]:
    states = {s.name for s in cell.states}
    kinds = {base: "state" if base in states else "value" for base in cell.values}
    kinds |= {name_of(x).base: "input" for x in cell.inputs}
    return kinds | {p.name: "parameter" for p in cell.parameters} | dict.fromkeys(cell.constants, "constant")


def _by_structure(cell: Cell, other: Cell) -> list[tuple[str, str]]:
    from lstmgraph.api.scenes import graph_of
    from lstmgraph.diagram.compare import both
    from lstmgraph.diagram.graph import base_of

    notations = [get_notation(c) for c in (cell, other)]
    latex = [{names.latex(p): p.name for p in c.parameters} for c, names in zip((cell, other), notations, strict=True)]
    graphs = [graph_of(c, names) for c, names in zip((cell, other), notations, strict=True)]
    nodes, edges = both(graphs[0], graphs[1], roles(cell), roles(other))
    values = [(base_of(theirs), base_of(ours)) for ours, theirs in nodes if ours.value and theirs.value]
    spelt = [(theirs.via or "", ours.via or "") for ours, theirs in edges]
    spelt += [(theirs.glyph, ours.glyph) for ours, theirs in nodes if ours.kind == "bias"]
    return values + [(latex[1][b], latex[0][a]) for b, a in spelt if b in latex[1] and a in latex[0]]


def _by_role(cell: Cell, other: Cell, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for role in dict.fromkeys(roles(other).values()):
        theirs = [b for b, r in roles(other).items() if r == role and b not in found]
        ours = [b for b, r in roles(cell).items() if r == role and b not in found.values()]
        if len(ours) == len(theirs) == 1:
            yield theirs[0], ours[0]


def _by_subscript(theirs: Mapping[str, str], found: Mapping[str, str]) -> list[tuple[str, str]]:
    """W_n is W_g where n is g."""
    named = [(name, base) for name in theirs for base in found if name.endswith(f"_{base}")]
    return [(name, name.removesuffix(base) + found[base]) for name, base in named]
