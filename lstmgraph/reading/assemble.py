"""Parsed equations and what belongs to them -> a checked `Cell`.

The rules about names that hold between equations are here: defined once, used with or without a time, inputs, and what
[sizes], [constants], [roles], notations and walks may speak of.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, MatMul, MatrixExpr, MatrixSymbol

from lstmgraph.algebra.names import Shape, size
from lstmgraph.algebra.traverse import walk
from lstmgraph.cell import Cell, WalkStep
from lstmgraph.errors import CellError, CellNameError, CellSyntaxError, Place, suggestion
from lstmgraph.notation.letters import letter
from lstmgraph.reading import mistakes
from lstmgraph.reading.expressions import parse, parse_expression
from lstmgraph.reading.sizes import Sizes
from lstmgraph.reading.text import Text
from lstmgraph.reading.tree import Definition, Ref, references
from lstmgraph.roles import ROLES

Where = Callable[..., Place | None]


def nowhere(*_path: object) -> Place | None:
    """The place of an entry of a cell that has no file."""
    return None


@dataclass(frozen=True)
class Parts:
    """A cell as its file has it.  `where(*path)` is the place of an entry: where("sizes", "h")."""

    text: Text
    name: str
    output: str | None = None
    title: str = ""
    sources: tuple[str, ...] = ()
    sizes: Mapping[str, object] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    notations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    walks: Mapping[str, Sequence[WalkStep]] = field(default_factory=dict)
    where: Where = nowhere


def assemble(parts: Parts) -> Cell:
    """The cell.  Raises CellError with the place of what is wrong."""
    definitions = parse(parts.text)
    if not definitions:
        raise CellSyntaxError(
            f"{parts.text.source}: there are no equations", hint="h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"
        )
    uses = [r for d in definitions for r in (d.target, *references(d.value))]
    known = {r.name.base for r in uses}
    _check_definitions(definitions, uses)
    _check_times(definitions, uses, parts.constants)
    shapes = {name: _shape(name, text, parts.where("sizes", name)) for name, text in parts.sizes.items()}
    constants = {
        name: _constant(name, value, parts.where("constants", name)) for name, value in parts.constants.items()
    }
    for table, names in (("sizes", shapes), ("constants", constants), ("roles", parts.roles)):
        _check_known(table, names, known, parts.where)
    for name, entries in parts.notations.items():
        _check_known("notation", entries, known, parts.where, name)
        _check_latex(name, entries, parts.where)
    _check_constants(constants, shapes, uses, parts.where)
    _check_roles(parts.roles, parts.where)
    sizes = Sizes(definitions, shapes, list(constants))
    _check_size_names(sizes, uses)
    return Cell(
        parts.name,
        sizes.equations(),
        _output(parts, definitions),
        title=parts.title,
        sources=parts.sources,
        constants=constants,
        roles_given=dict(parts.roles),
        notations={name: dict(entries) for name, entries in parts.notations.items()},
        walks=_walks(parts, sizes),
        sizes_given=dict(parts.sizes),
    )


# ── names ──


def _check_definitions(definitions: Sequence[Definition], uses: Sequence[Ref]) -> None:
    seen: dict[str, Definition] = {}
    for d in definitions:
        first = seen.setdefault(d.target.name.base, d)
        if first is not d:
            message = f"{d.target.name} is defined twice (first in line {first.place.line})"
            raise CellNameError(message, place=d.target.place)
    timed = {r.name.base for r in uses if r.name.lag is not None}
    for ref in uses:
        base = ref.name.base
        if ref.name.lag is None and base in timed:
            hint = f"write {base}[t] or {base}[t-1]; a parameter needs a name of its own"
            raise CellNameError(
                f"{base!r} is used without a time, but {base}[t] is a value of the step", place=ref.place, hint=hint
            )
        if ref.name.lag == -1 and base not in seen:
            raise CellNameError(
                f"{ref.name} is used, but no equation defines {base}[t]",
                place=ref.place,
                hint=_previous_hint(base, seen, base in {r.name.base for r in uses if r.name.lag == 0}),
            )


def _previous_hint(base: str, defined: Iterable[str], is_input: bool) -> str:
    guess = "" if is_input else mistakes.near(base, defined)
    return (
        guess or f"to use the previous input, carry it in a state: {base}1[t] = identity({base}[t]), then {base}1[t-1]"
    )


_STEP_SUFFIX = re.compile(r"_(t|t_?1|tm1|t_prev|prev|prev_t|old)$")


def _check_times(definitions: Sequence[Definition], uses: Sequence[Ref], constants: Iterable[str]) -> None:
    """Refuse x_t and h_prev where x[t] and h[t-1] are meant: they would silently be parameters."""
    timed = {r.name.base for r in uses if r.name.lag is not None}
    defined = {d.target.name.base for d in definitions}
    for ref in uses:
        if ref.name.base == "x" and ref.name.lag is None and "x" not in constants:
            raise CellNameError("'x' has no time, so it is a parameter", place=ref.place, hint="write x[t]")
        match = _STEP_SUFFIX.search(ref.name.base)
        if match is None or ref.name.lag is not None or ref.name.base in constants:
            continue
        base = ref.name.base[: match.start()]
        if base in timed or (timed == defined and len(base) == 1 and base.islower()):
            written = f"{base}[t]" if match[1] == "t" else f"{base}[t-1]"
            raise CellNameError(
                f"{ref.name.base!r} has no time, so it is a parameter", place=ref.place, hint=f"write {written}"
            )


def _check_known(table: str, names: Iterable[str], known: Iterable[str], where: Where, *path: str) -> None:
    every = set(known)
    shown = ".".join((table, *path))
    for name in names:
        if name not in every:
            place = where(table, *path, name)
            raise CellNameError(
                f"[{shown}] speaks of {name!r}, which no equation uses", place=place, hint=suggestion(name, every)
            )


def _check_latex(notation: str, entries: Mapping[str, str], where: Where) -> None:
    for name, latex in entries.items():
        try:
            letter(latex)
        except ValueError as error:
            place = where("notation", notation, name)
            raise CellSyntaxError(
                f"{latex!r:.60} is no LaTeX: {error}", place=place, hint=r"such as \tilde{c}"
            ) from None


def _check_constants(constants: Iterable[str], shapes: Iterable[str], uses: Sequence[Ref], where: Where) -> None:
    timed = {r.name.base: r for r in uses if r.name.lag is not None}
    for name in constants:
        if name in timed:
            hint = f"a constant is used without a time: {name}"
            raise CellNameError(
                f"{name!r} is a constant, but is used as {timed[name].name}", place=timed[name].place, hint=hint
            )
        if name in set(shapes):
            raise CellNameError(f"{name!r} is a constant, a number: it has no size", place=where("sizes", name))


def _check_roles(roles: Mapping[str, str], where: Where) -> None:
    for name, role in roles.items():
        if role not in ROLES:
            place = where("roles", name)
            raise CellNameError(f"there is no role {role!r:.40}", place=place, hint=suggestion(role, ROLES))


def _check_size_names(sizes: Sizes, uses: Sequence[Ref]) -> None:
    """Refuse identity(H) and 1 / H: a size has no value in an equation, and would silently be a parameter."""
    equations = sizes.equations()
    letters = {str(s) for e in equations for x in walk(e.value) for side in x.shape for s in side.free_symbols}
    matrices = {
        s.name for e in equations for x in walk(e.value) if isinstance(x, MatMul) for s in x.args if s.is_symbol
    }
    for ref in uses:
        if ref.name.lag is None and ref.name.base in letters - matrices:
            hint = "if a parameter is meant, call it something else; if a number is, give it in [constants]"
            raise CellNameError(f"{ref.name.base!r} is a size, not a value", place=ref.place, hint=hint)


def _output(parts: Parts, definitions: Sequence[Definition]) -> str:
    bases = [d.target.name.base for d in definitions]
    output = bases[-1] if parts.output is None else parts.output.removesuffix("[t]")
    if output not in bases:
        message = f"the output {output!r} is not defined by any equation"
        raise CellNameError(message, place=parts.where("output"), hint=suggestion(output, bases))
    return output


# ── sizes and constants ──


def _shape(name: str, given: object, place: Place | None) -> Shape:
    """A vector "H", a matrix ["H", "X"], a scalar 1."""
    sides = given if isinstance(given, (list, tuple)) else [given]
    if len(sides) not in (1, 2):
        message = f"the size of {name!r} has {len(sides)} parts"
        raise CellSyntaxError(message, place=place, hint='a vector is "H", a matrix ["H", "X"], a scalar 1')
    rows, columns = (*sides, 1)[:2]
    return _side(name, rows, place), _side(name, columns, place)


def _side(name: str, given: object, place: Place | None) -> Expr:
    if isinstance(given, Expr):
        return given
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 10**9:
        return size(given)
    if isinstance(given, str) and len(given) <= 80:
        try:
            return _arithmetic(ast.parse(given.strip(), mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    hint = 'a size is a name or a positive number, or a sum of such: "H", 3, "H + X"'
    raise CellSyntaxError(f"{given!r:.60} is not a size for {name!r}", place=place, hint=hint)


def _arithmetic(node: ast.expr) -> Expr:
    """H, 3, H + X, 2*H."""
    match node:
        case ast.Name(text) if not mistakes.identifier_fault(text) or text == "t":
            return size(text)
        case ast.Constant(int(value)) if not isinstance(value, bool) and 0 < value < 10**9:
            return size(value)
        case ast.BinOp(left, ast.Add(), right):
            return _arithmetic(left) + _arithmetic(right)
        case ast.BinOp(left, ast.Mult(), right):
            return _arithmetic(left) * _arithmetic(right)
    raise ValueError


def _constant(name: str, value: object, place: Place | None) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value):
        return float(value)
    raise CellSyntaxError(
        f"the constant {name!r} is {value!r:.40}, not a number below 1e300", place=place, hint=f"{name} = 0.5"
    )


# ── walks ──


def _walks(parts: Parts, sizes: Sizes) -> dict[str, tuple[WalkStep, ...]]:
    nodes = {node for d in sizes.equations() for node in (d.target, *walk(d.value))}
    found = {}
    for name, steps in parts.walks.items():
        resolved = []
        for k, step in enumerate(steps):
            computed, shown = (
                tuple(_resolve(text, sizes, nodes, parts.where("walks", name, k, key)) for text in texts)
                for key, texts in (("computes", step.computes), ("shows", step.shows))
            )
            resolved.append(WalkStep(step.title, step.computes, step.shows, computed, shown))
        found[name] = tuple(resolved)
    return found


def _resolve(text: str, sizes: Sizes, nodes: set[MatrixExpr], place: Place | None) -> MatrixExpr:
    """The node that a step of a walk names: `f`, `c[t-1]`, `tanh(c[t])`."""
    values = {d.target.name.base: d.target for d in sizes.definitions}
    try:
        tree = parse_expression(text, "walk")
        if isinstance(tree, Ref) and tree.name.lag is None and tree.name.base in values:
            tree = values[tree.name.base]
        node = sizes.expression(tree)
    except CellError as error:
        known = values if text.isidentifier() else ()
        hint = mistakes.near(text, known) or error.hint
        raise CellNameError(f"a step of a walk names {text!r:.60}: {error.message}", place=place, hint=hint) from None
    if node not in nodes:
        values_only = [s for s in nodes if isinstance(s, MatrixSymbol)]
        hint = (
            suggestion(text, [s.name for s in values_only])
            if text.isidentifier()
            else "it must stand in an equation as it is"
        )
        raise CellNameError(
            f"a step of a walk names {text!r:.60}, which is no part of an equation", place=place, hint=hint
        )
    return node
