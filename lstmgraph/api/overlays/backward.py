"""The backward pass: the cotangents against the arrows, and their equations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from sympy import MatrixSymbol

from lstmgraph.algebra.names import name_of, symbol
from lstmgraph.algebra.spoken import spoken, spoken_name
from lstmgraph.api.cotangents import Cotangents
from lstmgraph.api.overlays.equations import COLUMNS, begun, formulas
from lstmgraph.api.overlays.laid import Laid
from lstmgraph.diagram import backward as back
from lstmgraph.diagram.asked import Asked
from lstmgraph.diagram.caption import HEADED, Paragraph, captioned, formula, sentence, table, words
from lstmgraph.notation import Notation
from lstmgraph.printing import print_expr
from lstmgraph.printing.breaking import broken
from lstmgraph.printing.dialects import DIALECTS
from lstmgraph.printing.expressions import Printer
from lstmgraph.printing.sections import shown
from lstmgraph.program import Equation


def backward(laid: Laid) -> Laid:
    """The cotangents against the arrows, and their equations in the order in which they are computed."""
    cotangents = Cotangents(laid.cell, laid.graph)
    flow = _flow(cotangents, laid.names)
    drawn = back.backward(laid.scene, flow)
    caption = [*_notes(cotangents, laid.names), *_equations(cotangents, laid.names)]
    if laid.choices.equations:
        caption = [words("the step", role=HEADED), *formulas(laid.cell, laid.names), *caption]
    title = f"{laid.title}: the backward pass"
    told = f"{_told(cotangents)} The step: {drawn.description}" if laid.choices.equations else _told(cotangents)
    scene = captioned(replace(drawn, description=told), title, caption)
    return replace(laid, scene=scene, title=title, asked=_asked(laid, cotangents, flow), whole=True)


def _asked(laid: Laid, cotangents: Cotangents, flow: back.Flow) -> Asked:
    """The names of the cotangents and the equations of those that are printed by name."""
    view = shown(cotangents.program, "backward")
    targets = [e.target for e in cotangents.program.stage("backward") if e.target not in view.inlined]
    step = begun(laid.cell, laid.names) if laid.choices.equations else ()
    equations = (*step, *(print_expr(target, "latex", laid.names) for target in targets))
    return replace(laid.asked, cotangents=flow.names, equations=equations)


def _told(cotangents: Cotangents) -> str:
    """The backward pass for those who cannot see it: where cotangents come in, and the equation of each."""
    view = shown(cotangents.program, "backward")
    entering = [name_of(s) for s in cotangents.program.inputs if name_of(s).marks[:1] == ("bar",)]
    told = [(x, spoken_name(replace(x, marks=("seed", *x.marks[1:])))) for x in entering]
    equations = [e for section in view.sections for e in section.equations]
    told += [(name_of(e.target), spoken(e.value, view.inlined)) for e in equations]
    begun = ((spoken_name(name), text) for name, text in told)
    lines = (f"{name[0].upper()}{name[1:]} is {text}." for name, text in begun)
    return " ".join(["Cotangents run against the arrows, and where a value forked they are added.", *lines])


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
    """The backward equations in groups, each under its heading; the gradients of one gate's parameters in a row."""
    view = shown(cotangents.program, "backward")
    printer = Printer(DIALECTS["latex"], names, inlined=view.inlined)

    def text(e: Equation) -> str:
        return f"{printer.text(e.target)} = {printer.text(e.value)}"

    order = {e.target: k for k, e in enumerate(cotangents.program.stage("backward"))}

    def latest(e: Equation) -> int:
        """When the last cotangent is computed that a gradient needs; one that needs none is 0 and comes last."""
        return max((order.get(s, -1) for s in e.value.atoms(MatrixSymbol)), default=len(order))

    for section in view.sections:
        yield words(section.title, role=HEADED)
        if any(name_of(e.target).lag is not None for e in section.equations):
            yield from (formula(broken(text(e), COLUMNS)) for e in section.equations)
        else:
            rows = groupby(sorted(section.equations, key=latest), key=latest)
            yield from table([[text(e) for e in row] for _, row in rows])


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
