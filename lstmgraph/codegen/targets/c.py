"""The target "c": a header and a source in C99, for sequences and single steps, forward and back through time.

What stands in every such file is in `templates/c.h.j2`, `c.c.j2` and `c_multiply.c.j2`; here is what depends on the
cell.  The time is the first axis of a sequence and the sample the second, so that a step's samples are the rows of a
matrix.  Nothing is allocated: each function works in memory that it is given, and another says how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sympy import MatrixSymbol

from lstmgraph.cell import Cell
from lstmgraph.codegen.compiled import Compiled, Library
from lstmgraph.codegen.compiler import FLAGS, compiled, compiler
from lstmgraph.codegen.fixed_sizes import fixed_sizes
from lstmgraph.codegen.interface import DTYPES
from lstmgraph.codegen.loops.calls import indented, uses
from lstmgraph.codegen.loops.functions import Functions
from lstmgraph.codegen.loops.helpers import helper_texts
from lstmgraph.codegen.loops.layout import PASSES, Options
from lstmgraph.codegen.loops.selftest import LARGEST, Reference, expected_of, few, is_small, selftest
from lstmgraph.codegen.plan import Plan
from lstmgraph.errors import UnknownName
from lstmgraph.templates import render

__all__ = ["DTYPES", "PASSES", "files", "generate", "lambdify"]


def generate(
    plan: Plan,
    about: Sequence[str],
    dtype: str = "float32",
    sizes: Mapping[str, int] | None = None,
    reference: Reference | None = None,
) -> str:
    """The header and the source in one text; `about` are the lines of its comment.

    With a `reference` the file can test itself.
    """
    return File(plan, _options(plan.cell, dtype, sizes), reference).joined_text(about)


def files(
    plan: Plan,
    about: Sequence[str],
    stem: str,
    dtype: str = "float32",
    sizes: Mapping[str, int] | None = None,
    reference: Reference | None = None,
) -> dict[str, str]:
    """The source and the header."""
    header, source = File(plan, _options(plan.cell, dtype, sizes), reference).texts(about, stem)
    return {f"{stem}.c": source, f"{stem}.h": header}


def lambdify(
    plan: Plan, about: Sequence[str], dtype: str | None = None, sizes: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The functions of the compiled file; without a `dtype`, of one for each type that they are given."""
    shown = File(plan, _options(plan.cell, dtype or "float32", sizes))
    compiler()

    @lru_cache
    def library(dtype: str) -> Library:
        file = File(plan, _options(plan.cell, dtype, sizes))
        texts = {**file.named_texts(about), "told.c": file.told_text("step")}
        return Library(file.prefix, compiled(file.prefix, texts))

    source = shown.joined_text(about)
    made = Compiled(plan.cell, library, dtype, shown.options.sizes, shown.packs)
    found = {word: getattr(made, word) for word in ("step", "forward", "backward", "stream")}
    return {**found, **{word: made.checks[word] for word in ("init", "shapes")}, "source": source}


def _options(cell: Cell, dtype: str, sizes: Mapping[str, int] | None) -> Options:
    """Raises UnknownName for a type or a size that there is not, UsageError for a size that is none or too large."""
    if dtype not in DTYPES:
        raise UnknownName("dtype", dtype, DTYPES)
    return Options(dtype, fixed_sizes(cell, sizes))


class File(Functions):
    """The header and the source of one cell."""

    def __init__(self, plan: Plan, options: Options, reference: Reference | None = None) -> None:
        super().__init__(plan, options)
        self.expected = expected_of(self, reference) if reference else []
        self.untested = ""  # why not
        if reference and not self.expected:
            large = f"its parameters are more than {LARGEST} numbers"
            small = is_small(self, few(self))
            self.untested = "its results are not finite at the numbers of the test" if small else large

    # ── the files ──

    def texts(self, about: Sequence[str], stem: str) -> tuple[str, str]:
        """The header, and the source that includes it as `stem`.h."""
        values = self.values(about)
        include = [f"what {stem}.h declares.", f'#include "{stem}.h"']
        return render("c.h.j2", **values), self.source(values, *include)

    def named_texts(self, about: Sequence[str]) -> dict[str, str]:
        """Both by names of files, as they are compiled here."""
        header, source = self.texts(about, self.prefix)
        return {f"{self.prefix}.h": header, f"{self.prefix}.c": source}

    def joined_text(self, about: Sequence[str]) -> str:
        """Both in one text."""
        values = self.values(about)
        return f"{render('c.h.j2', **values)}\n{self.source(values, 'what is declared above.', '')}"

    def told_text(self, name: str) -> str:
        """A function for `Library.told`: it takes the address of the arguments of another one, of words one by one."""
        called = next(f for f in self.functions if f.name == f"{self.prefix}_{name}")
        members = [f"{a.declaration}{a.name};" for a in called.arguments]
        given = ", ".join(f"a->{a.name}" for a in called.arguments)
        head = f"void {self.prefix}_told_{name}(const arguments *a)"
        return "\n".join(
            [f'#include "{self.prefix}.h"', _struct(members, "arguments"), f"{head} {{ {called.name}({given}); }}", ""]
        )

    def source(self, values: Mapping[str, Any], what: str, include: str) -> str:
        tested = bool(self.expected)
        command = ["Compile it with", "", f"    cc {' '.join(FLAGS)} -c", ""]
        macro = self.prefix.upper()
        notes = [
            f"With -D{macro}_CBLAS products of matrices are CBLAS's; T * B must fit an int then.",
            *([f"With -D{macro}_SELFTEST there is a main, which runs a few steps and says what is wrong."] * tested),
            *([f"It has no test of itself: {self.untested}."] if self.untested else []),
        ]
        return render("c.c.j2", what=what, include=include, notes=[*command, *notes], **values)

    def values(self, about: Sequence[str]) -> dict[str, Any]:
        """What the templates say."""
        functions, single = self.functions, self.options.single
        return {
            "title": _in_comment(about[0]),
            "about": [_in_comment(line) for line in about[1:]],
            "prefix": self.prefix,
            "macro": self.prefix.upper(),
            "guard": self.guard(),
            "type": "float" if single else "double",
            "types": self.types(),
            "functions": functions,
            "fixed": ", ".join(
                f"{self.names.sizes[z]} = {self.prefix.upper()}_{self.members[str(z)]}" for z in self.fixed_sizes
            ),
            "constants": [
                f"static const real {name} = {self.words.number(self.cell.constants[c.name])};"
                for c, name in self.constants.items()
                if any(uses(f.body, name) for f in functions)
            ],
            "helpers": [*helper_texts(sorted(self.helpers - {"multiply"}), single), *self.words.defined.values()],
            "multiplies": "multiply" in self.helpers,
            "selftest": selftest(self, self.expected) if self.expected else "",
            "blas": "cblas_sgemm" if single else "cblas_dgemm",
        }

    def guard(self) -> str:
        """Says that the header was read: one of another type or other sizes is read too, and clashes."""
        fixed = [f"{self.members[str(z)]}_{self.options.sizes[str(z)]}" for z in self.fixed_sizes]
        return "_".join([self.prefix, self.options.dtype, *fixed, "header"]).upper()

    def types(self) -> list[str]:
        cell, real = self.cell, f"{self.prefix}_real"
        blocks = []
        if self.fixed_sizes:
            numbers = [(self.members[str(z)], self.options.sizes[str(z)]) for z in self.fixed_sizes]
            parts = ", ".join(f"{self.prefix.upper()}_{z} = {number}" for z, number in numbers)
            blocks.append(f"enum {{ {parts} }};")
        if self.open_sizes:
            blocks.append(
                _struct([f"size_t {', '.join(self.members[str(z)] for z in self.open_sizes)};"], f"{self.prefix}_sizes")
            )
        if cell.parameters:
            shapes = [(self.members[p.name], self.shape(p)) for p in cell.parameters]
            blocks.append(_struct([f"const {real} *{a}; /* {s} */" for a, s in shapes], f"{self.prefix}_params"))
            blocks.append(_struct([f"{real} *{a};" for a, _ in shapes], f"{self.prefix}_grads"))
        if cell.states:
            lines = [f"{real} *{self.members[s.name]}; /* {self.shape(s.next)} */" for s in cell.states]
            blocks.append(_struct(lines, f"{self.prefix}_states"))
        return blocks

    def shape(self, symbol: MatrixSymbol) -> str:
        rows, columns = symbol.shape
        return f"({rows})" if columns == 1 else f"({rows}, {columns})"


def _in_comment(text: str) -> str:
    """A line that neither ends the comment nor begins another, whatever the cell's file says."""
    return " ".join(text.splitlines()).replace("*/", "* /").replace("/*", "/ *")


def _struct(lines: Iterable[str], name: str) -> str:
    return "\n".join(["typedef struct {", *indented(lines), f"}} {name};"])
