"""What is laid over a picture or put beside it: equations, the steps of a walk, what another cell lacks.

`picture` calls one of these for each kind of drawing; they share its layouts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sympy import MatrixSymbol

from lstmgraph.algebra.names import Name, name_of, symbol
from lstmgraph.api.choices import Choices
from lstmgraph.api.cotangents import Cotangents
from lstmgraph.api.scenes import drawn
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.diagram import backward as back
from lstmgraph.diagram.caption import Paragraph, Piece, captioned, captioned_alike, formula, sentence, words
from lstmgraph.diagram.chain import chain
from lstmgraph.diagram.compare import Part, only
from lstmgraph.diagram.compose import best_columns, grid, headed
from lstmgraph.diagram.difference import items, strong
from lstmgraph.diagram.frames import frame
from lstmgraph.diagram.graph import Graph
from lstmgraph.diagram.layout.steps import light
from lstmgraph.diagram.order import numbered
from lstmgraph.diagram.scene import Scene
from lstmgraph.limits import remaining, settled
from lstmgraph.notation import Notation, get_notation
from lstmgraph.printing import print_equation, print_expr
from lstmgraph.printing.breaking import broken
from lstmgraph.printing.dialects import DIALECTS
from lstmgraph.printing.expressions import Printer
from lstmgraph.printing.sections import shown
from lstmgraph.roles import roles

COLUMNS = 64  # of a formula: longer ones go on in the next line
UNDER = 0.5  # a shape so high that a caption comes under its picture


def overlaid(
    cell: Cell, names: Notation, choices: Choices, steps: Sequence[int], graph: Graph, scene: Scene
) -> tuple[Graph, Scene]:
    """The picture as the options want it, and the graph that it shows; `steps` are those of the walk that are lit."""
    walk = choices.walk
    if choices.against is not None:
        return graph, against(cell, choices.against, choices)
    if choices.sheet and walk:
        return graph, sheet(scene, graph, cell, names, walk)
    if choices.backward:
        return graph, backward(scene, graph, cell, names, choices)
    title = scene.title
    if walk:
        scene = lit(scene, graph, cell, walk, steps)
    if walk and choices.step:
        title = step_title(title, choices.step, cell.all_walks[walk][choices.step - 1])
    if choices.unroll is not None:
        scene, graph = chain(scene, graph, choices.unroll, lambda value: names.latex(_at_time(cell, value)))
        title = f"{title}, {choices.unroll} steps"
    if choices.order:
        scene = numbered(scene, graph)
    if choices.open is not None:
        scene = with_limits(scene, cell, names, dict(choices.open))
    if choices.equations:
        scene = with_equations(scene, cell, names, walk, choices.step, title)
    return graph, replace(scene, title=title)


def _at_time(cell: Cell, value: str) -> MatrixSymbol:
    """The symbol of a value at any time: "h[t+2]"."""
    symbols = (*cell.inputs, *cell.previous, *cell.values.values())
    shape = next(s.shape for s in symbols if name_of(s).base == Name.parse(value).base)
    return symbol(value, shape)


# ── formulas ──


def formulas(cell: Cell, names: Notation, steps: Sequence[WalkStep] | None = None) -> list[Paragraph]:
    """The equations of a cell, or of what some steps of a walk compute, for a caption."""
    equations = {e.target: e for e in cell.step}
    wanted = equations if steps is None else dict.fromkeys(item for step in steps for item in step.computed)
    texts = [
        print_equation(equations[w], "latex", names) if isinstance(w, MatrixSymbol) else print_expr(w, "latex", names)
        for w in wanted
    ]
    return [formula(broken(text, COLUMNS)) for text in texts]


# ── steps ──


def lit(scene: Scene, graph: Graph, cell: Cell, walk: str, steps: Sequence[int]) -> Scene:
    """The scene with the steps' part of it lit; nothing moves."""
    frames = [frame(graph, cell, walk, step) for step in steps]
    computed: set[str] = set().union(*(f.computed for f in frames))
    return light(scene, computed, set().union(*(f.shown for f in frames)))


def with_equations(scene: Scene, cell: Cell, names: Notation, walk: str | None, step: int | None, title: str) -> Scene:
    """The scene captioned with the equations of a step, of all steps of a walk, or of the cell.

    Every step of a walk is as large, and its picture where it is in the others.
    """
    if walk is None or step is None:
        steps = None if walk is None else cell.all_walks[walk]
        return captioned(scene, title, formulas(cell, names, steps))
    each = cell.all_walks[walk]
    titles = [step_title(scene.title, k, s) for k, s in enumerate(each, 1)]
    return captioned_alike([scene] * len(each), titles, [formulas(cell, names, [s]) for s in each])[step - 1]


def with_limits(scene: Scene, cell: Cell, names: Notation, opened: Mapping[str, float]) -> Scene:
    """The scene captioned with the equations that are left when gates stand open so far."""
    left = [formula(broken(print_equation(e, "latex", names), COLUMNS)) for e in remaining(cell, opened)]
    held = ", ".join(f"{names.latex(cell.values[base])} = {value:g}" for base, value in settled(cell, opened).items())
    return captioned(scene, "", [sentence([("With ", False), (held, True), (" there is left", False)]), *left])


def step_title(title: str, number: int, step: WalkStep) -> str:
    return f"{title}, step {number}: {step.title}"


def sheet(scene: Scene, graph: Graph, cell: Cell, names: Notation, walk: str) -> Scene:
    """All steps of a walk in a grid, each with its number, its title and its equations."""
    steps = cell.all_walks[walk]
    pictures = [lit(scene, graph, cell, walk, [k]) for k in range(1, len(steps) + 1)]
    titles = [f"{k}. {step.title}" for k, step in enumerate(steps, 1)]
    frames = captioned_alike(pictures, titles, [formulas(cell, names, [step]) for step in steps], UNDER)
    return replace(grid(frames, best_columns(frames)), title=f"{scene.title}, the walk {walk}")


# ── the difference of two cells ──


def against(cell: Cell, other: Cell, choices: Choices) -> Scene:
    """What only one of two cells has, strong, the rest dimmed: in the larger one where that has all of the other."""
    cells = (cell, other)
    names = [get_notation(c, choices.notation) for c in cells]
    graphs, scenes = zip(*(drawn(c, n, choices) for c, n in zip(cells, names, strict=True)), strict=True)
    parts = only(graphs[0], graphs[1], roles(cell), roles(other))
    remarks = [_remark(cells[k], graphs[k], parts[k], names[k]) for k in (0, 1)]
    title = f"{scenes[0].title} against {scenes[1].title}"
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
    return replace(whole, title=title, description=f"{told_plainly} {scenes[kept[0]].description}".strip())


def _remark(cell: Cell, graph: Graph, part: Part, names: Notation) -> Paragraph:
    """What only this cell has, in words."""
    if not part:
        return sentence([(f"Nothing is only in {cell.name}.", False)])
    latex = {v.name: names.latex(v) for v in (*cell.inputs, *cell.previous, *cell.values.values())}
    equations = {name_of(e.target).base: print_equation(e, "latex", names) for e in cell.step}
    found = items(graph, part, latex, equations, lambda expr: print_expr(expr, "latex", names))
    ended = [_ended(item, "." if k == len(found) else ",") for k, item in enumerate(found, 1)]
    return sentence([(f"Only in {cell.name}:", False), *(piece for item in ended for piece in item)])


def _ended(item: Sequence[Piece], mark: str) -> list[Piece]:
    *before, (text, math) = item
    return [*before, (text + mark, math)]


def _same(cell: Cell, other: Cell) -> Paragraph:
    same = "the same cell" if cell.name == other.name else "the same but for names"
    return sentence([(f"{cell.name} and {other.name} are {same}: nothing is only in one of them.", False)])


def _plain(paragraph: Paragraph) -> str:
    from lstmgraph.diagram.typeset import plain_text

    return " ".join(plain_text(text) if math else text for line in paragraph.lines for text, math in line)


# ── the backward pass ──


def backward(scene: Scene, graph: Graph, cell: Cell, names: Notation, choices: Choices) -> Scene:
    """The cotangents against the arrows, and their equations."""
    cotangents = Cotangents(cell, graph)
    drawn = back.backward(scene, _flow(cotangents, names))
    caption = [*_notes(cotangents, names), *_equations(cotangents, names)]
    if choices.equations:
        caption = [words("the step", role="heading"), *formulas(cell, names), *caption]
    title = f"{scene.title}: the backward pass"
    return replace(captioned(drawn, title, caption), title=title)


def _flow(cotangents: Cotangents, names: Notation) -> back.Flow:
    """What the drawing has to know, in LaTeX and in words."""
    latex, told = {}, {}
    for node in cotangents.graph.nodes:
        name, value = cotangents.name(node), cotangents.formula(node)
        if name is not None:
            latex[node.id] = names.latex(_as_bar(name))
        if node.kind == "next":
            told[node.id] = f"what reaches {node.value} from the loss and from the next step"
        elif value is not None:
            text = print_expr(value, "unicode", names)
            told[node.id] = f"{print_expr(name, 'unicode', names)} = {text}" if name is not None else text
    sent = {e.id: cotangents.share(e) for e in cotangents.graph.edges}
    shares = {id: print_expr(s, "unicode", names) for id, s in sent.items() if s is not None}
    return back.Flow(latex, told, shares)


def _as_bar(name: MatrixSymbol) -> MatrixSymbol:
    """The gradient of a bias as a small circle can show it: with a bar, as all other cotangents."""
    parsed = name_of(name)
    return symbol(replace(parsed, marks=("bar", *parsed.marks[1:])), name.shape) if parsed.lag is None else name


def _equations(cotangents: Cotangents, names: Notation) -> Iterator[Paragraph]:
    """The backward equations in groups, each under its heading."""
    view = shown(cotangents.program, "backward")
    printer = Printer(DIALECTS["latex"], names, inlined=view.inlined)
    for section in view.sections:
        yield words(section.title, role="heading")
        before: set[MatrixSymbol] = set()
        for e in section.equations:
            sent = {s for s in e.value.atoms(MatrixSymbol) if name_of(s).marks}
            follows = name_of(e.target).lag is None and sent == before  # the parameters of one gate
            yield formula(broken(f"{printer.text(e.target)} = {printer.text(e.value)}", COLUMNS), follows)
            before = sent


def _notes(cotangents: Cotangents, names: Notation) -> Iterator[Paragraph]:
    """What the names mean."""
    view = shown(cotangents.program, "backward")
    printer = Printer(DIALECTS["latex"], names, inlined=view.inlined)
    for note in view.notes:
        about = [printer.function_name(x) if isinstance(x, type) else printer.text(x) for x in note.about]
        before, _, after = note.words.partition("{}")
        of = [(printer.text(x) + mark, True) for x, mark in zip(note.of, _commas(len(note.of)), strict=True)]
        listed = [(text + mark, True) for text, mark in zip(about, _commas(len(about), ":"), strict=True)]
        yield sentence([*listed, (before, False), *of, (after, False)])


def _commas(count: int, end: str = "") -> list[str]:
    return [","] * (count - 1) + [end] * (count > 0)
