"""What `cell.flow()` returns: how much of a gradient is left after k steps back, measured, in words and as a picture.

Several cells, or one cell with several weights, stand side by side: flows add up.  How it is measured: `numeric.flow`;
how it is drawn: `diagram.chart`; the table and the text chart: `api.flowtext`.
"""

from __future__ import annotations

import csv
import io
import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import product
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy
from sympy import MatAdd, MatrixExpr

from lstmgraph.algebra.maps import Diag, is_eye, parts
from lstmgraph.algebra.names import Name, jacobian_name, name_of, symbol
from lstmgraph.algebra.nodes import Negative
from lstmgraph.algebra.traverse import walk
from lstmgraph.api.catalogue import check_name
from lstmgraph.api.choices import MODES
from lstmgraph.api.flowtext import explained, table, text_chart
from lstmgraph.api.jacobian import Jacobian, gates_opened
from lstmgraph.diagram.themes import load_theme
from lstmgraph.errors import UnknownName, UsageError
from lstmgraph.files import write_bytes
from lstmgraph.notation import Notation, get_notation, letter
from lstmgraph.numeric.flow import Curve, Flow, Probe, measure
from lstmgraph.numeric.flow import Path as Way
from lstmgraph.numeric.weights import Draw, read_weights, settle, sizes_of
from lstmgraph.printing import print_expr
from lstmgraph.program import Equation, Program
from lstmgraph.roles import memories

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell

# What a flow can be written as, and the suffixes of such files.
FLOWS: Mapping[str, tuple[str, ...]] = {
    "text": (".txt",),
    "svg": (".svg",),
    "png": (".png",),
    "csv": (".csv",),
    "json": (".json",),
}
MOST_STEPS, MOST_SAMPLES = 5000, 1000
EVERYTHING = "all"  # in the place of a state's name


@dataclass(frozen=True)
class Track:
    """One cell with its weights, followed back; `shown` are the ways drawn.

    `words` is what it is called, `with_` what was set, as terminal text and as LaTeX: they tell it from other tracks.
    """

    cell: Cell
    words: str
    with_: tuple[tuple[str, str], ...]
    flow: Flow
    shown: tuple[Way, ...]
    notation: str | None = None

    @property
    def name(self) -> str:
        """What it is called, with what was set: LSTM, b_f = 3."""
        return ", ".join([self.words, *(text for text, _ in self.with_)])

    def math_of(self, way: Way) -> str:
        """∂c_t/∂c_{t-k} in the cell's notation."""
        style = get_notation(self.cell, self.notation)
        now, then = (_at(style, way.state, time) for time in ("t", "t-k"))
        alone = rf" |_{{{','.join(_held(style, self.cell, way))}}}" if way.alone else ""
        return rf"\partial {now} / \partial {then}{alone}"

    def unicode_of(self, way: Way) -> str:
        style = get_notation(self.cell, self.notation)
        found = style.letter(Name(way.state)) if way.state else style.all_states
        now, then = (found.unicode() + style.style.text_time.replace("#", time) for time in ("t", "t-k"))
        return f"∂{now}/∂{then}" + (f" |{', '.join(_held(style, self.cell, way, plain=True))}" if way.alone else "")


def _at(style: Notation, state: str, time: str) -> str:
    found = style.letter(Name(state)) if state else style.all_states
    return style.style.apply(letter(style.style.time.replace("#", time)), found).latex()


def _held(style: Notation, cell: Cell, way: Way, plain: bool = False) -> list[str]:
    others = [style.letter(Name(s.name)) for s in cell.states if s.name != way.state]
    return [found.unicode() if plain else found.latex() for found in others]


@dataclass(frozen=True)
class GradientFlow:
    """Measured norms of ∂s[t]/∂s[t-k]; `print` shows a table, a chart and reasons, a notebook the picture."""

    tracks: tuple[Track, ...]
    steps: int
    theme: str = "default"
    mode: str = "auto"

    def __add__(self, other: GradientFlow) -> GradientFlow:
        """Both in one picture."""
        return replace(self, tracks=(*self.tracks, *other.tracks), steps=max(self.steps, other.steps))

    def curve(self, state: str | None = None, *, alone: bool = False, track: int = 0) -> Curve:
        """The curve of a state, of all states ("all"), or of the one that is drawn; `track` counts the cells.

        Raises UnknownName for a state that there is not.
        """
        found = self.tracks[track]
        way = found.shown[0] if state is None else Way("" if state == EVERYTHING else state, alone)
        known = {c.path: c for c in found.flow.curves}
        if way not in known:
            raise UnknownName("state", state or "", [p.state or EVERYTHING for p in known], of=found.cell.name)
        return known[way]

    # ── in words ──

    def __str__(self) -> str:
        return "\n\n".join([self.heading, table(self), text_chart(self), explained(self)])

    @property
    def heading(self) -> str:
        return "Gradient flow: the norm of ∂s[t]/∂s[t-k] after k steps back (spectral; median of the samples)"

    # ── as a picture ──

    @cached_property
    def svg(self) -> str:
        """The picture as a standalone SVG file."""
        return self._svg(self.mode)

    def _svg(self, mode: str, prefix: str = "flow") -> str:
        from lstmgraph.api.flowchart import chart_of
        from lstmgraph.diagram.chart import write_chart

        return write_chart(chart_of(self), load_theme(self.theme), mode, prefix)

    @property
    def rows(self) -> list[dict[str, object]]:
        """The data: for each curve and number of steps the decimal logarithm of the norm, median and quantiles."""
        return [
            {
                "cell": track.cell.name, "what": track.name, "of": curve.path.state or EVERYTHING,
                "alone": curve.path.alone, "k": int(k), "log10_norm": _finite(m), "log10_low": _finite(a),
                "log10_high": _finite(b),
            }
            for track in self.tracks
            for curve in track.flow.curves
            for k, m, a, b in zip(curve.steps, curve.median, curve.quantile(0.1), curve.quantile(0.9), strict=True)
        ]  # fmt: skip

    def data(self, format: str) -> bytes:
        """The flow as "text", "svg", "png", "csv" or "json".  Raises UnknownName, MissingExtra for a PNG."""
        check_name("format", format, FLOWS)
        if format == "png":
            from lstmgraph.diagram.writers.png import pixels

            return pixels(self._svg("dark" if self.mode == "dark" else "light"))
        text = {"text": self.__str__, "svg": lambda: self.svg, "csv": self._csv, "json": self._json}[format]()
        return (text if text.endswith("\n") else text + "\n").encode()

    def _csv(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    def _json(self) -> str:
        rates = [
            {"cell": t.cell.name, "what": t.name, "of": c.path.state or EVERYTHING, "alone": c.path.alone,
             "rate": _finite(c.rate * numpy.log(10)), "verdict": c.verdict, "sizes": dict(t.flow.sizes)}
            for t in self.tracks for c in t.flow.curves
        ]  # fmt: skip
        return json.dumps({"steps": self.steps, "rates": rates, "rows": self.rows}, indent=1, ensure_ascii=False)

    def save(self, path: str | Path) -> Path:
        """Write it to a file whose suffix names the format.  Raises UsageError for another suffix, OutputError."""
        suffix = PurePath(path).suffix.lower()
        format = next((name for name, suffixes in FLOWS.items() if suffix in suffixes), None)
        if format is None:
            raise UsageError(
                f"no format has the suffix {suffix!r}", hint=f"known: {', '.join(s for x in FLOWS.values() for s in x)}"
            )
        return write_bytes(path, self.data(format))

    def __repr__(self) -> str:
        return f"<GradientFlow of {', '.join(t.name for t in self.tracks)}: {self.steps} steps>"

    def _repr_svg_(self) -> str:
        """For a page with other pictures: no id of theirs is one of ours."""
        from lstmgraph.api.drawing import digest

        return self._svg(self.mode, f"flow-{digest(self.svg)}")


def _finite(natural: float) -> float | None:
    """A natural logarithm as a decimal one; nothing for that of zero."""
    return float(natural / numpy.log(10)) if numpy.isfinite(natural) else None


# ── measuring ──


@dataclass(frozen=True)
class Settings:
    """How a cell is followed back; see `Cell.flow`."""

    steps: int = 100
    of: tuple[str, ...] = ()
    alone: bool = False
    seed: int = 0
    scale: float = 1.0
    samples: int = 8
    sizes: Mapping[str, int] | None = None
    values: Mapping[str, str | float] | None = None
    weights: str | Path | Mapping[str, numpy.ndarray] | None = None
    open: str | Mapping[str, float] | None = None
    words: str = ""
    notation: str | None = None


def followed(
    cell: Cell, settings: Settings, progress: Callable[[str, int, int], None] = lambda *_: None
) -> GradientFlow:
    """One cell followed back."""
    from lstmgraph.limits import held

    check(settings)
    jacobian = cell.jacobian(open=settings.open, notation=settings.notation)
    shown = ways(cell, settings.of, settings.alone)
    draw = _draw(cell, settings)
    step = held(cell, gates_opened(settings.open)) if settings.open else cell.step
    program, probes = _probed(cell, jacobian, shown[0].state)
    flow = measure(cell, step, program, draw, settings.steps, probes, progress)
    words = settings.words or cell.title or cell.name
    track = Track(cell, words, () if settings.words else _set(cell, settings), flow, shown, settings.notation)
    return GradientFlow((track,), settings.steps)


def compared(
    cells: Sequence[Cell],
    settings: Settings,
    scales: Sequence[float] = (1.0,),
    values: Mapping[str, Sequence[str]] | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    theme: str = "default",
    mode: str = "auto",
) -> GradientFlow:
    """Several cells side by side, each with every scale and every choice of the values that are its parameters.

    Raises UnknownName for a state, a parameter or a size that none of the cells has.
    """
    theme, mode = load_theme(theme).name, check_name("mode", mode, MODES)
    _check_some("state", settings.of, [s.name for c in cells for s in c.states], EVERYTHING)
    _check_some("parameter", values or {}, [p.name for c in cells for p in c.parameters])
    _check_some("size", settings.sizes or {}, [str(z) for c in cells for z in c.sizes])
    if len(cells) > 1:
        _check_some("gate", gates_opened(settings.open or {}), [g for c in cells for g in _gates(c)])
    if settings.weights is not None and len(cells) > 1:
        raise UsageError(
            "a file of weights is that of one cell", hint="measure one cell, or add up the flows of several"
        )
    flows = []
    for cell in cells:
        own = {name: v for name, v in (values or {}).items() if name in {p.name for p in cell.parameters}}
        for scale, chosen in product(scales, product(*own.values())):
            one = replace(settings, scale=scale, values=dict(zip(own, chosen, strict=True)))
            flows.append(followed(cell, _of_cell(cell, one) if cells[1:] else one, progress))
    return replace(reduce(operator.add, flows), theme=theme, mode=mode)


def _check_some(kind: str, names: Iterable[str], known: Sequence[str], *more: str) -> None:
    for name in names:
        if name not in (*known, *more):
            raise UnknownName(kind, name, {*known, *more}, of="these cells")


def _of_cell(cell: Cell, settings: Settings) -> Settings:
    """What concerns this cell of what was asked for several."""
    states, sizes = {EVERYTHING, *(s.name for s in cell.states)}, {str(z) for z in cell.sizes}
    of = tuple(name for name in settings.of if name in states)
    opened = {g: v for g, v in gates_opened(settings.open or {}).items() if g in _gates(cell)}
    sizes_asked = {k: v for k, v in (settings.sizes or {}).items() if k in sizes}
    return replace(settings, of=of, sizes=sizes_asked, open=opened or None)


def _gates(cell: Cell) -> tuple[str, ...]:
    """The gates that can be held; none where no state is a memory."""
    from lstmgraph.limits import gates

    return gates(cell) if memories(cell) else ()


def _set(cell: Cell, settings: Settings) -> tuple[tuple[str, str], ...]:
    """What was set, as terminal text and as LaTeX."""
    style = get_notation(cell, settings.notation)
    scale = f"{settings.scale:g}"
    found = [(f"scale {scale}", rf"\mathrm{{scale}}\,{scale}")] if settings.scale != 1 else []
    given = gates_opened(settings.open) if settings.open else {}
    shown = {**{name: str(v) for name, v in (settings.values or {}).items()}, **{g: f"{v:g}" for g, v in given.items()}}
    for name, value in shown.items():
        spelt = style.letter(Name(name))
        found.append((f"{spelt.unicode()} = {value}", f"{spelt.latex()} = {value}"))
    return (*found, *([("given weights", r"\mathrm{given}")] if settings.weights is not None else []))


def check(settings: Settings) -> None:
    """Raises UsageError for numbers that cannot be meant."""
    for what, value, most in (("steps", settings.steps, MOST_STEPS), ("samples", settings.samples, MOST_SAMPLES)):
        if not _is_whole(value, 1, most):
            raise UsageError(f"the number of {what} is a whole number from 1 to {most}, not {value!r}")
    if not _is_whole(settings.seed, 0, 2**63):
        raise UsageError(f"a seed is a whole number from 0 on, not {settings.seed!r}")
    scale: object = settings.scale
    if not isinstance(scale, int | float) or not 0 <= scale < 1e6:
        raise UsageError(f"a scale is a number from 0 on, not {settings.scale!r}", hint="1 is usual")
    for name, number in (settings.sizes or {}).items():
        if not _is_whole(number, 1, 4096):
            raise UsageError(f"the size {name} is a whole number from 1 to 4096, not {number!r}")


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def ways(cell: Cell, of: Sequence[str], alone: bool) -> tuple[Way, ...]:
    """The ways that are drawn: of the states asked for, else of the cell's memory, or its output."""
    states = [s.name for s in cell.states]
    for name in of:
        if name not in (*states, EVERYTHING):
            raise UnknownName("state", name, [*states, EVERYTHING], of=cell.name)
    usual = next(iter(memories(cell)), cell.output if cell.output in states else states[0])
    several = len(states) > 1
    return tuple(
        Way("" if name == EVERYTHING and several else states[0] if name == EVERYTHING else name, alone and several)
        for name in (of or (usual,))
    )


def _draw(cell: Cell, settings: Settings) -> Draw:
    weights = settings.weights
    read = read_weights(cell, weights) if isinstance(weights, str | PurePath) else dict(weights or {})
    sizes = sizes_of(cell, settings.sizes or {}, read)
    given = {**read, **settle(cell, settings.values or {}, sizes)}
    return Draw(cell, sizes, settings.seed, settings.scale, settings.samples, given)


def _probed(cell: Cell, jacobian: Jacobian, state: str) -> tuple[Program, list[Probe]]:
    """The Jacobian's program with the factors of each term of ∂s/∂s as values of their own, and what to look at."""
    style = get_notation(cell, jacobian.notation)
    of = cell.state(state or next(iter(memories(cell)), cell.states[0].name)).next
    target = str(jacobian_name(name_of(of), name_of(of).base))
    value = next(e.value for e in jacobian.equations if e.target.name == target)
    inlined = {e.target: e.value for e in jacobian if name_of(e.target).marks == ("part",)}
    extra: list[Equation] = []
    probes: list[Probe] = []
    for k, factors in enumerate(_terms(value)):
        for factor in factors:
            diagonal = isinstance(factor, Diag) or factor.shape == (1, 1)
            shown = factor.args[0] if isinstance(factor, Diag) else factor
            named = symbol(f"part(flow.{len(extra)})", shown.shape)
            extra.append(Equation(named, shown, stage="jacobian"))
            label = print_expr(shown.xreplace(inlined) if _short(shown) else shown, "unicode", style, time="implicit")
            probes.append(Probe(named.name, label, k, diagonal))
    program = Program(jacobian.name, jacobian.inputs, (*jacobian.equations, *extra), jacobian.outputs)
    return program, probes


def _short(expr: MatrixExpr) -> bool:
    return sum(1 for _ in walk(expr)) < 12


def _terms(value: MatrixExpr) -> list[list[MatrixExpr]]:
    """The factors of each term; the terms on one diagonal one by one."""
    found = []
    for term in value.args if isinstance(value, MatAdd) else (value,):
        inner = term.args[0] if isinstance(term, Negative) else term
        if isinstance(inner, Diag) and isinstance(inner.args[0], MatAdd):
            found += [[Diag(_positive(v))] for v in inner.args[0].args]
        else:
            _, scalars, factors = parts(inner)
            found.append([f for f in (*scalars, *factors) if not is_eye(f)])
    return found


def _positive(value: MatrixExpr) -> MatrixExpr:
    return value.args[0] if isinstance(value, Negative) else value
