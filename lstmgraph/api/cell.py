"""The public `Cell`: the core cell with a method for every view.

What is derived from the equations is in `deriving`, code and weights in `coding`: their functions are methods here.
A wing is imported when a method needs it: `lstmgraph grad` does not wait for the typesetter of the drawings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Self

from sympy import MatrixSymbol

from lstmgraph import cell as core
from lstmgraph.api import coding, deriving
from lstmgraph.cell import WalkStep
from lstmgraph.errors import WrongType
from lstmgraph.notation import get_notation
from lstmgraph.program import Equation, Program

if TYPE_CHECKING:
    from lstmgraph.api.animation import Animation
    from lstmgraph.api.drawing import Drawing
    from lstmgraph.numeric import Report
    from lstmgraph.numeric.proof import Certificate


@dataclass(frozen=True, eq=False, repr=False)
class Cell(core.Cell):
    """One step of a recurrent network, defined by its equations, and every view of it.

    Get one by `lstmgraph.load("lstm")`, `Cell.from_equations(text)` or `Cell.from_sympy(equations)`.
    `cell.equations` are SymPy expressions; `cell.inputs`, `cell.states`, `cell.parameters` and `cell.sizes` are found
    from them.  A cell does not change.
    """

    # ── making ──

    @classmethod
    def of(cls, other: core.Cell) -> Self:
        """The public cell of a core cell."""
        return other if isinstance(other, cls) else cls(**{f.name: getattr(other, f.name) for f in fields(other)})

    @classmethod
    def from_equations(
        cls,
        text: str,
        *,
        name: str = "cell",
        sizes: Mapping[str, object] | None = None,
        output: str | None = None,
        constants: Mapping[str, float] | None = None,
        title: str = "",
        sources: Sequence[str] = (),
        roles: Mapping[str, str] | None = None,
        notations: Mapping[str, Mapping[str, str]] | None = None,
        walks: Mapping[str, Sequence[WalkStep]] | None = None,
    ) -> Self:
        """A cell from equations as text, one a line: `h[t] = tanh(W @ x[t] + U @ h[t-1] + b)`.

        `sizes` settles what the equations leave open: {"x": "X", "h": "H"}, a matrix ("H", "X"), a number.
        `output` is the value that a sequence returns, by default the last one.  Raises CellError, with line and column,
        for text that is no cell.
        """
        from lstmgraph import reading

        return cls.of(
            reading.from_equations(
                text,
                name=name,
                sizes=sizes,
                output=output,
                constants=constants,
                title=title,
                sources=sources,
                roles=roles,
                notations=notations,
                walks=walks,
            )
        )

    @classmethod
    def from_sympy(
        cls,
        equations: Mapping[Any, Any] | Iterable[Any],
        *,
        name: str = "cell",
        output: str | None = None,
        constants: Mapping[str, float] | None = None,
        title: str = "",
        sources: Sequence[str] = (),
        notes: Mapping[str, str] | None = None,
    ) -> Self:
        """A cell from SymPy: {left: right}, or a list of `sympy.Eq` or pairs, of matrix expressions.

        Symbols are MatrixSymbols named "x[t]", "h[t-1]" and "W"; their shapes are the cell's.  Raises CellError for
        what is no cell.
        """
        from lstmgraph import reading

        return cls.of(
            reading.from_sympy(
                equations, name=name, output=output, constants=constants, title=title, sources=sources, notes=notes
            )
        )

    # ── views ──

    def draw(
        self,
        style: str = "pipe",
        walk: str | None = None,
        step: int | None = None,
        theme: str = "default",
        notation: str | None = None,
        mode: str = "auto",
        legend: bool = True,
        equations: bool = False,
        detail: str | None = None,
        show: str | Sequence[str] | None = None,
        order: bool = False,
        unroll: int | None = None,
        against: core.Cell | str | None = None,
        sheet: bool = False,
        backward: bool = False,
        open: str | Mapping[str, float] | None = None,
    ) -> Drawing:
        """The drawing of the cell in a style; of one step of a walk where `step` (from 1) is given: all else is dimmed.

        `step` without `walk` takes the cell's first walk, or that of the theme where the cell has it; `walk` without
        `step` lights all of it.  `mode` is "light", "dark", or "auto" for what the reader's screen prefers;
        `legend=False` leaves the legend out; `equations=True` writes the equations beside or under the picture, those
        of the step where there is one; `sheet=True` draws all steps of the walk in a grid, each with its title and its
        equations.

        `detail` is "gates" (one box a network), "sums" (its weighted sum and its nonlinearity) or "full" (every product
        with a weight and every sum); by default the theme's own.  `show` names what is written beside the symbols, all
        of it: any of "values" (f[t] on its wire), "weights" (W_f at the arrow that it scales), "shapes" and "bias", or
        "all", or "none"; by default values, and biases as the theme has them.  `order=True` numbers the operations by
        stage of evaluation.  `unroll` draws that many steps side by side (style "pipe"), a long chain folded into rows;
        the middle one is the step t.

        `against` is another cell, or its name: what only one of the two has is drawn strong, the rest dimmed, and told
        in words; in one picture where one cell has all that the other has, else in two.

        `backward=True` draws the backward pass: the cotangents against the arrows, with their equations.

        `open` says how far gates stand open in the style "plumbing", from 0 to 1: {"f": 1, "i": 0}, or "f=1,i=0"; the
        equations that this leaves are written under the picture.

        Raises UnknownName for a style, theme, walk, notation, detail or part that does not exist, UsageError for a
        value of the wrong type, a step out of range or options that do not go together, MissingExtra for style "dag"
        without Graphviz.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        from lstmgraph.api.choices import chosen
        from lstmgraph.api.picture import picture

        return picture(self, chosen(given))

    def animate(self, walk: str | None = None, **options: Any) -> Animation:
        """The steps of a walk one after the other as an animated SVG; without `walk` of that which `draw` takes.

        `options` are those of `draw`.  Raises what `draw` raises, UsageError also for `step` and `sheet`.
        """
        from lstmgraph.api.animation import animated

        return animated(self, walk, options)

    gradient = deriving.gradient
    tangent = deriving.tangent
    hessian_vector = deriving.hessian_vector
    counts = deriving.counts
    through_time = deriving.through_time
    gradient_unrolled = deriving.gradient_unrolled
    jacobian = deriving.jacobian
    flow = deriving.flow
    gradient_against = deriving.gradient_against

    lambdify = coding.lambdify
    code = coding.code
    code_files = coding.code_files
    code_warnings = coding.code_warnings
    passes = coding.passes
    weights_from = coding.weights_from
    weights_to = coding.weights_to

    def check(self, progress: Callable[[str, int, int], None] = lambda *_: None, *, target: str = "numpy") -> Report:
        """Compare a target's code and the gradients, of a step and through time, with independent computations.

        `report.passed` says whether all differences are within bounds; `print(report)` shows the table.  Raises
        UnknownName for a target that does not exist, MissingExtra where what it needs is not installed.
        """
        from functools import partial

        from lstmgraph import numeric
        from lstmgraph.calculus.written_out import written_out

        functions, recurrence = self.lambdify(target), partial(written_out, self.through_time())
        return numeric.check(self, self.gradient(), functions, target=target, recurrence=recurrence, progress=progress)

    def prove(
        self,
        program: Program | None = None,
        progress: Callable[[str, int, int], None] = lambda *_: None,
        *,
        of: str | Sequence[str] | None = None,
        seed: int = 0,
    ) -> Certificate:
        """Prove the gradients of one step, and through unrolled steps, or the derivatives that another `program` has.

        `certificate.passed` says whether all was proven; `print(certificate)` says what was, at which sizes, and what
        was only tested.  A `program` takes the step's inputs (or any of its values) and the cotangents of outputs
        (`bar(h)[t]`), and computes `grad(W)`, `bar(x)[t]`, `bar(h)[t-1]`, all or some of them; or tangents, or
        Jacobians.  Every output has a cotangent, whether the program takes it or not, unless `of` names those that the
        loss sees.  `seed` is that of the random points.

        Raises UsageError for a program that computes nothing, or something else, or holds an operation that a proof
        cannot compute; UnknownName for a name in `of` that is no output.
        """
        from lstmgraph.api.proof import proven

        return proven(self, program, [of] if isinstance(of, str) else of, seed, progress)

    def show(self, notation: str | None = None) -> str:
        """Equations, shapes, roles, walks, notations and sources, as text.  Raises UnknownName."""
        from lstmgraph.api.choices import check_option
        from lstmgraph.api.overview import overview

        check_option("notation", notation)
        return overview(self, notation)

    def to_toml(self) -> str:
        """The cell as the text of a cell file: `lstmgraph.loads(cell.to_toml())` is the same cell."""
        from lstmgraph import reading

        return reading.dumps(self)

    def latex_of(self, what: Equation | MatrixSymbol, notation: str | None = None) -> str:
        """One of the cell's equations, or one of its symbols, as LaTeX.  Raises UnknownName for an unknown notation."""
        from lstmgraph.api.choices import check_option
        from lstmgraph.printing import print_equation

        check_option("notation", notation)
        style = get_notation(self, notation)
        return style.latex(what) if isinstance(what, MatrixSymbol) else print_equation(what, "latex", style)

    # ── printing ──

    def __str__(self) -> str:
        return self.show()

    def __repr__(self) -> str:
        states = ", ".join(s.name for s in self.states) or "no states"
        return f"<Cell {self.name}: {states}; {len(self.equations)} equations, {len(self.parameters)} parameters>"

    def _repr_latex_(self) -> str:
        from lstmgraph.printing import print_program

        return print_program(self.step, "latex", get_notation(self), stage="forward", legend=False)


def load(name: str | Path) -> Cell:
    """A cell of the library by name ("lstm"), a cell file by its path, or "-" for standard input.

    Raises UnknownName for a name that is neither, CellError (with file, line and column) for a file that is wrong,
    WrongType for what is neither text nor a path.
    """
    from lstmgraph import reading

    if not isinstance(name, (str, PurePath)):
        raise WrongType("a cell", name, ["a name", "a path"])
    return Cell.of(reading.load(str(name)))


def loads(text: str, source: str = "<text>") -> Cell:
    """A cell from the text of a cell file; `source` names it in errors.  Raises CellError."""
    from lstmgraph import reading

    return Cell.of(reading.loads(text, source))


def library() -> tuple[str, ...]:
    """The names of the library's cells."""
    from lstmgraph import reading

    return reading.library()
