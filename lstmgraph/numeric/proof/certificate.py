"""What was proven of a cell's gradients, what with which error probability, and what was only tested: a certificate.

A row says one thing at one choice of sizes.  `Certificate.text` writes it as text, Markdown or JSON; to add a format, a
row of `FORMATS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from lstmgraph.errors import UnknownName

WIDTH = 100  # of lines of text

Level = Literal["exact", "random", "numbers"]
Verdict = Literal["proven", "holds", "passed", "FAILED", "not done"]

LEVELS: Mapping[Level, str] = {
    "exact": "Proven: identities of polynomials in all indeterminates",
    "random": "Proven but for an error probability: at random points modulo a prime",
    "numbers": "Tested only: float64, at random numbers",
}


@dataclass(frozen=True)
class Row:
    """One finding: `what` ("one step") at `sizes` ("X=2 H=3"), `details` in words, the same as `data`.

    `differences` names the entries that are wrong.
    """

    level: Level
    what: str
    sizes: str
    verdict: Verdict
    details: str
    data: Mapping[str, int | float | str] = field(default_factory=dict)
    differences: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether sides of kinks were left untried."""
        return int(self.data.get("sides_tried", 1)) < 1 << int(self.data.get("kinks", 0))


@dataclass(frozen=True)
class Certificate:
    """All findings about one Program of gradients."""

    title: str
    claim: str
    rows: tuple[Row, ...]
    treated: Mapping[str, list[str]]
    limits: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether something was proven of every form, exactly or at random points, and nothing failed."""
        return bool(self.forms) and not self.failed and not self.open

    @property
    def failed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.verdict == "FAILED")

    @property
    def forms(self) -> list[str]:
        """What there is a finding of at all."""
        return list(dict.fromkeys(row.what for row in self.rows if row.level != "numbers"))

    def of(self, verdict: Verdict) -> list[str]:
        """The forms with a finding that says so."""
        found = {row.what for row in self.rows if row.verdict == verdict}
        return [what for what in self.forms if what in found]

    @property
    def open(self) -> list[str]:
        """The forms of which nothing is proven."""
        return [what for what in self.forms if what not in {*self.of("proven"), *self.of("holds")}]

    @property
    def summary(self) -> str:
        if self.failed:
            return self._failure()
        if not self.passed:
            return f"NOT PROVEN: nothing could be decided of {', '.join(self.open) or 'it'}"
        exact = self.of("proven")
        random = [what for what in self.forms if what not in exact]
        if not random:
            larger = self._but("at larger ones", exact) if self.of("holds") else ""
            return "proven exactly at small sizes" + (f", and {larger}" if larger else "")
        return f"proven exactly: {', '.join(exact) or 'nothing'}; only {self._but('', random)}: {', '.join(random)}"

    def _but(self, where: str, forms: Sequence[str]) -> str:
        """What the findings at random points leave open."""
        partial = any(row.what in forms and row.verdict == "holds" and row.partial for row in self.rows)
        parts = ["but for the error probability that is stated", where, "on the sides of kinks that were tried"]
        return " ".join(part for part in (parts if partial else parts[:2]) if part)

    def _failure(self) -> str:
        agree = "; the numbers agree: it may be right by a relation that a proof does not use"
        tested = any(row.verdict == "passed" for row in self.rows) and not any(
            row.level == "numbers" for row in self.failed
        )
        return f"NOT PROVEN: {len(self.failed)} of {len(self.rows)} findings failed{agree if tested else ''}"

    def text(self, format: str = "text") -> str:
        """The certificate as "text", "markdown" or "json".  Raises UnknownName."""
        if format not in FORMATS:
            raise UnknownName("format of a certificate", format, FORMATS)
        return FORMATS[format](self)

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_markdown_(self) -> str:
        return self.text("markdown")

    def level(self, level: Level) -> list[Row]:
        return [row for row in self.rows if row.level == level]


def _text(certificate: Certificate) -> str:
    return (
        "\n".join([certificate.title, "", certificate.claim, "", *_table(certificate), *_footing(certificate)]) + "\n"
    )


def _table(certificate: Certificate) -> Iterator[str]:
    columns = [(row.what, row.sizes, row.verdict) for row in certificate.rows]
    widths = [max((len(line[k]) for line in columns), default=0) for k in range(3)]
    for level, words in LEVELS.items():
        rows = certificate.level(level)
        if rows:
            yield words
        for row in rows:
            shown = "  ".join(text.ljust(w) for text, w in zip((row.what, row.sizes, row.verdict), widths, strict=True))
            yield f"  {shown}  {row.details}".rstrip()
            yield from (f"      {difference}" for difference in row.differences)
        if rows:
            yield ""


def _footing(certificate: Certificate) -> Iterator[str]:
    yield "What operations are taken for"
    yield from (f"  {', '.join(names)}: {words}" for words, names in certificate.treated.items())
    if certificate.limits:
        yield "What is proven holds"
        yield from (f"  {words}" for words in certificate.limits)
    yield ""
    yield certificate.summary


def _markdown(certificate: Certificate) -> str:
    lines = [f"# {certificate.title}", "", certificate.claim, ""]
    for level, words in LEVELS.items():
        rows = certificate.level(level)
        if rows:
            lines += [f"## {words}", "", "| of | sizes | verdict | |", "|---|---|---|---|"]
            lines += [f"| {row.what} | {row.sizes} | {row.verdict} | {_cell(row)} |" for row in rows]
            lines += [""]
    lines += ["## What operations are taken for", ""]
    lines += [f"- {', '.join(names)}: {words}" for words, names in certificate.treated.items()]
    if certificate.limits:
        lines += ["", "What is proven holds:", "", *(f"- {words}" for words in certificate.limits)]
    return "\n".join([*lines, "", f"**{certificate.summary}**"]) + "\n"


def _cell(row: Row) -> str:
    return "<br>".join([row.details, *(f"`{d}`" for d in row.differences)]).replace("|", "\\|")


def _json(certificate: Certificate) -> str:
    whole = asdict(certificate) | {"passed": certificate.passed, "summary": certificate.summary}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Callable[[Certificate], str]] = {"text": _text, "markdown": _markdown, "json": _json}
