"""A gradient flow in words: a table of norms, a chart in characters, and why it vanishes, explodes or is kept."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

from lstmgraph.numeric.flow import EVEN, SATURATED, Curve, Path, Seen

if TYPE_CHECKING:
    from lstmgraph.api.flow import GradientFlow, Track

WIDE, HIGH = 60, 11  # of the chart, in characters
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DEEPEST, HIGHEST = -16.0, 16.0  # decades


def decimal(natural: float) -> str:
    """The exponential of a natural logarithm, however small or large, in two digits."""
    if not math.isfinite(natural):
        return "0" if natural < 0 else "inf"
    decades = natural / math.log(10)
    if abs(decades) < 3:
        return f"{10**decades:.3g}"
    whole = math.floor(decades)
    mantissa = round(10 ** (decades - whole), 1)
    mantissa, whole = (1.0, whole + 1) if mantissa == 10 else (mantissa, whole)
    return f"{mantissa:.1f}e{whole:+d}"


# ── the table ──


def table(flow: GradientFlow) -> str:
    """A row for each curve: its norm after some numbers of steps, its rate, and what becomes of a gradient."""
    marks = sorted({1, max(1, flow.steps // 10), max(1, flow.steps // 2), flow.steps})
    head = ["", "cell", "of", *(f"k={k}" for k in marks), "rate", "so a gradient"]
    cells = [head]
    drawn = iter(LETTERS)
    for track in flow.tracks:
        for curve in track.flow.curves:
            letter = next(drawn, "?") if curve.path in track.shown else ""
            norms = [decimal(curve.at(k)) for k in marks]
            rate = f"{curve.rate:+.4f}" if math.isfinite(curve.rate) else "−∞"
            verdict = f"{curve.verdict}: {curve.pace}"
            cells.append([letter, track.name, track.unicode_of(curve.path), *norms, rate, verdict])
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    right = range(3, len(head) - 1)
    lines = [
        "  ".join(
            text.rjust(w) if k in right else text.ljust(w) for k, (text, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


# ── the chart ──


def text_chart(flow: GradientFlow) -> str:
    """The curves that are drawn, by their letters; decades are the rows."""
    curves = [track.flow.curve(way) for track in flow.tracks for way in track.shown]
    ends = [c.median[k] / math.log(10) for c in curves for k in range(len(c.steps)) if math.isfinite(c.median[k])]
    low = max(min([*ends, 0.0]), DEEPEST)
    high = min(max([*ends, 0.0]), HIGHEST)
    low, high = (low, high) if high - low >= 1 else (min(low, -1.0), max(high, 1.0) if low >= 0 else high)
    grid = [[" "] * WIDE for _ in range(HIGH)]
    one = round((high - 0) / (high - low) * (HIGH - 1))
    grid[one] = ["·"] * WIDE
    for letter, curve in reversed(list(zip(LETTERS, curves, strict=False))):
        for x in range(WIDE):
            decade = curve.at(1 + round(x * (flow.steps - 1) / (WIDE - 1))) / math.log(10)
            if low - 1e-9 <= decade <= high + 1e-9:
                grid[round((high - decade) / (high - low) * (HIGH - 1))][x] = letter
    labels = {0: f"{high:.3g}", HIGH - 1: f"{low:.3g}", one: "0"}
    wide = max(map(len, labels.values()))
    rows = [f"{('10^' + labels[k]).rjust(wide + 3) if k in labels else ' ' * (wide + 3)} │{''.join(r).rstrip()}"
            for k, r in enumerate(grid)]  # fmt: skip
    foot = f"{' ' * (wide + 4)}└{'─' * WIDE}\n{' ' * (wide + 5)}k = 1{str(flow.steps).rjust(WIDE - 5)}"
    return "\n".join([*rows, foot])


# ── why ──


def explained(flow: GradientFlow) -> str:
    """For each curve that is drawn what becomes of a gradient and why: the largest term of the Jacobian."""
    letters = iter(LETTERS)
    lines = []
    for track in flow.tracks:
        for way in track.shown:
            curve = track.flow.curve(way)
            lines.append(f"{next(letters, '?')}  {track.name}: {track.unicode_of(way)} {curve.verdict}, {curve.pace}")
            lines += [f"   {reason}" for reason in reasons(track, way, curve)]
    return "\n".join(lines)


def reasons(track: Track, way: Path, curve: Curve) -> list[str]:
    """What the factors of one step are: the largest term first, others that count after it."""
    if way.state == "" or not track.flow.seen:
        return _of_rate(curve) if way.state == "" else [_plain(curve)]
    terms = [list(group) for _, group in groupby(track.flow.seen, key=lambda seen: seen.probe.term)]
    terms.sort(key=lambda term: -strength(term))
    first = strength(terms[0])
    told = [term for term in terms if strength(term) >= first / 10][:3]
    return [f"{'largest term' if k == 0 else 'then'}: {_said(term)}" for k, term in enumerate(told)]


def strength(term: list[Seen]) -> float:
    """About how much a term passes on: the product of the sizes of its factors."""
    return math.prod(seen.size for seen in term)


def _said(term: list[Seen]) -> str:
    said = []
    for seen in term:
        if not seen.probe.diagonal:
            said.append(f"‖{seen.probe.label}‖ = {seen.size:.3g}")
        elif seen.small >= 0.05:
            said.append(f"{seen.probe.label} ≈ {seen.size:.3g} ({seen.small:.0%} of it below {SATURATED})")
        else:
            said.append(f"{seen.probe.label} ≈ {seen.size:.3g}")
    return ", times ".join(said) + f": together about {strength(term):.3g}" if len(said) > 1 else said[0]


def _plain(curve: Curve) -> str:
    """Of a Jacobian without factors: it is zero, or the identity."""
    return "its Jacobian is the identity" if math.isfinite(curve.rate) else "its Jacobian is zero"


def _of_rate(curve: Curve) -> list[str]:
    if not math.isfinite(curve.rate):
        return []
    word = "about 0" if abs(curve.rate) <= EVEN else "negative" if curve.rate < 0 else "positive"
    return [f"the largest Lyapunov exponent is {word}: {curve.rate:+.4f} a step"]
