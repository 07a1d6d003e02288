"""The public `Cell`: the core cell with a method for every view.

A wing is imported when a method needs it: `lstmgraph grad` does not wait for the typesetter of the drawings.

Long because: every view is a method here, with its signature and what it raises, for editors and `help`; none has more
in it than a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Self

from sympy import MatrixSymbol

from lstmgraph import cell as core
from lstmgraph.api.catalogue import check_name, chosen_options, code_targets
from lstmgraph.cell import WalkStep
from lstmgraph.errors import WrongType
from lstmgraph.notation import get_notation
from lstmgraph.program import Equation, Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lstmgraph.api.against import GradientDifference
    from lstmgraph.api.animation import Animation
    from lstmgraph.api.counts import OperationCounts
    from lstmgraph.api.drawing import Drawing
    from lstmgraph.api.flow import GradientFlow
    from lstmgraph.api.gradient import Gradient
    from lstmgraph.api.jacobian import Jacobian
    from lstmgraph.api.tangents import HessianVector, Tangent
    from lstmgraph.api.time import ThroughTime, Unrolled
    from lstmgraph.codegen import Functions
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

    def gradient(self, wrt: str | Sequence[str] | None = None, notation: str | None = None) -> Gradient:
        """The gradients of one step with respect to parameters ("W_f"), inputs ("x"), previous states ("h").

        All by default.  The result is a Program that prints; `notation` is how its names are typeset.

        Raises UnknownName for a name that does not exist, UsageError for what is no name.
        """
        from lstmgraph.api.gradient import derived

        return derived(self, [wrt] if isinstance(wrt, str) else wrt, notation)

    def tangent(self, wrt: str | Sequence[str] | None = None, notation: str | None = None) -> Tangent:
        """Forward mode: how the outputs of one step change while the names in `wrt` change, all by default.

        The result is a Program that prints: dot(h)[t] from the direction dot(W_f), dot(x)[t], dot(h)[t-1].

        Raises UnknownName for a name that does not exist, UsageError for what is no name.
        """
        from lstmgraph.api.tangents import tangent

        return tangent(self, [wrt] if isinstance(wrt, str) else wrt, notation)

    def hessian_vector(
        self, wrt: str | Sequence[str] | None = None, notation: str | None = None, curved: bool = False
    ) -> HessianVector:
        """The Hessian of one step's loss in the names of `wrt`, all by default, times a direction in them.

        The loss is L = <cotangents that arrive, outputs>, these cotangents held fixed; with `curved` they have tangents
        of their own, which add the term of a loss that is curved in the outputs.  The result is a Program that prints.

        Raises UnknownName for a name that does not exist, UsageError for what is no name.
        """
        from lstmgraph.api.tangents import hessian_vector

        return hessian_vector(self, [wrt] if isinstance(wrt, str) else wrt, notation, curved)

    def counts(self, steps: int | str | None = None, batch: int | str | None = None) -> OperationCounts:
        """How many multiplies, adds, divisions and transcendentals a step and its gradients take, in the cell's sizes.

        `steps` and `batch` make it those of sequences: a number, or a letter that stands for one.  `print` shows a
        table; `.at({"H": 128, "X": 64})` has numbers.  Raises UsageError for a number below 1.
        """
        from lstmgraph.api.counts import counted

        return counted(self, steps, batch)

    def through_time(
        self,
        loss: str = "every",
        truncate: int | None = None,
        notation: str | None = None,
        start: str = "given",
        wrt: str | Sequence[str] | None = None,
        final: bool = False,
    ) -> ThroughTime:
        """The gradients of a sequence of any length, as a recurrence from step t + 1 to step t and sums over t.

        `loss` is "every" where each step has one, of its output, or "last"; with `final` that of the last step sees
        the states after it too.  `truncate` cuts the way back between blocks of so many steps.  `start` is "zero" where
        the initial states are, and are not learnt.  `wrt` chooses names, a state's for its initial value.

        Raises UnknownName for a loss, start, notation or name that does not exist, UsageError for a block of no length.
        """
        from lstmgraph.api.time import recurrence

        names = [wrt] if isinstance(wrt, str) else wrt
        return recurrence(self, loss, truncate, start, notation, names, final)

    def gradient_unrolled(
        self,
        steps: int,
        wrt: str | Sequence[str] | None = None,
        loss: str = "every",
        notation: str | None = None,
        start: str = "given",
        final: bool = False,
    ) -> Unrolled:
        """The gradients of steps 1 to `steps`, every line of every step written out; options as in `gradient` and
        `through_time`.

        A state's name in `wrt` stands for its initial value.  Raises what these raise, UsageError also for a number of
        steps that is none.
        """
        from lstmgraph.api.time import unrolled

        return unrolled(self, steps, [wrt] if isinstance(wrt, str) else wrt, loss, start, notation, final)

    def jacobian(
        self,
        of: str | Sequence[str] | None = None,
        by: str | Sequence[str] | None = None,
        *,
        steps: int | str = 1,
        direct: bool = False,
        open: str | Mapping[str, float] | None = None,
        notation: str | None = None,
    ) -> Jacobian:
        """The Jacobians of a step: ∂s[t]/∂r[t-1] for all states s and r, and all of them as one matrix.

        `of` and `by` choose some: `of` any values of the step, `by` states (their previous values) and inputs.
        `steps` asks for products over so many steps, or over k for a letter "k": of all states, and through each state
        alone, the others held.
        `direct` holds all other values of the step, so that only a value's own equation counts; `open` holds gates:
        {"f": 1, "i": 0}, or "f=1,i=0".  The result is a Program that prints; a matrix state is taken as vec(S), its
        columns one below the other.

        Raises UnknownName for a name that does not exist, UsageError for steps out of range, for a cell without states
        and for what is no gate.
        """
        from lstmgraph.api.jacobian import derived

        one, other = ([names] if isinstance(names, str) else names for names in (of, by))
        return derived(self, one, other, steps, direct, open, notation)

    def flow(
        self,
        steps: int = 100,
        of: str | Sequence[str] = (),
        *,
        alone: bool = False,
        seed: int = 0,
        scale: float = 1.0,
        samples: int = 8,
        sizes: Mapping[str, int] | None = None,
        values: Mapping[str, str | float] | None = None,
        weights: str | Path | Mapping[str, Any] | None = None,
        open: str | Mapping[str, float] | None = None,
        label: str = "",
        notation: str | None = None,
    ) -> GradientFlow:
        """How much of a gradient is left after k = 1, ..., `steps` steps back: the spectral norm of ∂s[t]/∂s[t-k].

        Measured for random weights and inputs, `samples` of them from `seed`; `scale` is about the spectral radius of
        the recurrent matrices.  `values` sets parameters ({"b_f": 3}, {"U": "1.2I"}), `weights` takes them from a file
        (.npz or .json) or a mapping, `sizes` sets sizes, `open` holds gates.  `of` says which states are drawn, by
        default the memory, or the output; "all" is all states in one vector; `alone` holds the others.

        Flows add up: (a.flow() + b.flow()).save("flow.svg").  Raises UnknownName for a name that does not exist,
        UsageError for numbers that cannot be meant, files that cannot be read, and values that are not finite.
        """
        from lstmgraph.api.flow import Settings, followed

        asked = (of,) if isinstance(of, str) else tuple(of)
        settings = Settings(steps, asked, alone, seed, scale, samples, sizes, values, weights, open, label, notation)
        return followed(self, settings)

    def gradient_against(self, other: str | Cell, notation: str | None = None) -> GradientDifference:
        """The backward passes of this cell and of another one, term by term: which terms only one of them has.

        Equations are matched by name, and by structure and role where names fail; the result prints in the names of
        this cell.  Raises UnknownName for a cell or a notation that does not exist.
        """
        from lstmgraph.api.against import against

        return against(self, other if isinstance(other, Cell) else load(other), notation)

    def lambdify(
        self,
        target: str = "numpy",
        *,
        dtype: str | None = None,
        sizes: Mapping[str, int] | None = None,
        compiled: bool = False,
    ) -> Functions:
        """Callables `step`, `forward` (a batch of sequences) and `backward` (all gradients through time), with
        docstrings.

        Those of the target "c" are compiled, for the type of what they are given, or for one `dtype` ("float32",
        "float64"); `sizes` fixes some when it is compiled: {"H": 16}.  Those of "onnx" run a model in
        onnxruntime, forward.  With `compiled` the module of "torch" runs its sequences on the CPU by that C, forward
        and back.

        Raises UnknownName for a target, a type or a size that does not exist, UsageError for an option that the target
        does not have, MissingExtra where what the target needs is not installed.
        """
        from lstmgraph import codegen

        check_name("target", target, code_targets())
        options = chosen_options(dtype=dtype, sizes=sizes, compiled=compiled or None)
        cell, gradient = self._computed()
        return codegen.lambdify(cell, gradient, target, self._source_of, **options)

    def code(
        self,
        target: str = "numpy",
        *,
        dtype: str | None = None,
        sizes: Mapping[str, int] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> str:
        """The text of a standalone file with what `lambdify` returns.

        That of the targets "c" and "onnx" is for the type `dtype`, by default "float32", and for sizes that are given
        at run time, or here: {"H": 16, "X": 8}.  A model of the target "onnx" holds the values of the parameters where
        `params` gives them, by name, as arrays of NumPy; else they are inputs.  Raises UnknownName, UsageError and
        MissingExtra, as lambdify.
        """
        from lstmgraph import codegen

        check_name("target", target, code_targets())
        from lstmgraph.api.selftest import file_options

        options = file_options(self, target, dtype, sizes, params)
        cell, gradient = self._computed()
        return codegen.generate(cell, gradient, target, self._source_of, **options)

    def code_files(
        self,
        target: str = "numpy",
        stem: str = "",
        *,
        dtype: str | None = None,
        sizes: Mapping[str, int] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The files of a target, from names to texts: `stem`, by default the cell's name, with suffixes.

        That is one file, or two where the target is "c": a source and a header.  That of the target "onnx" is bytes.
        Options as of `code`.  Raises UnknownName, UsageError and MissingExtra, as lambdify.
        """
        from lstmgraph import codegen

        check_name("target", target, code_targets())
        from lstmgraph.api.selftest import file_options

        options = file_options(self, target, dtype, sizes, params)
        cell, gradient = self._computed()
        return codegen.generate_files(cell, gradient, target, stem or self.name, self._source_of, **options)

    def weights_from(
        self, layout: str, weights: object, *, at: str = "", layer: int = 0, reverse: bool = False
    ) -> dict[str, NDArray[Any]]:
        """The parameters of this cell, as generated code takes them, from the weights of a library's layer.

        `layout` says how that library keeps them: "torch", "torch-cell", "keras", "flax", "nnx", "nnx-optimized",
        "onnx".  `weights` are what it hands out (a state dict, get_weights(), the params or the state of a flax cell, a
        model of ONNX or its arrays by name), or a file of them.  `at` is the name of the layer in a larger model,
        `layer` and `reverse` choose from a deeper or bidirectional one.  Biases that are merely added become one.

        Raises UsageError where the cell is no LSTM, GRU or plain recurrent network by its equations, or cannot hold
        something that is not zero in the weights, and where there are no such arrays; UnknownName for a layout or a
        name that does not exist, ShapeError for arrays that do not fit, MissingExtra where what reads a file is not
        installed.
        """
        from lstmgraph.api.weights import loaded

        return loaded(self, layout, weights, at, layer, reverse)

    def weights_to(self, layout: str, params: Mapping[str, Any], *, layer: int = 0, reverse: bool = False) -> Any:
        """The weights of a library's layer, as NumPy arrays, from parameters of this cell: the inverse of weights_from.

        A list for "keras", nested mappings for flax, else a mapping from names to arrays.  Where a library has two
        biases and the cell has one, the second is zero.  Raises as weights_from; UsageError too for what is not zero
        and has no place in the library, such as peepholes.
        """
        from lstmgraph.api.weights import as_handed_out, stored

        return as_handed_out(layout, stored(self, layout, params, layer, reverse))

    def code_warnings(
        self,
        target: str,
        *,
        dtype: str | None = None,
        sizes: Mapping[str, int] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """What whoever takes such a file should know: of the target "onnx", what importers may do wrong."""
        from lstmgraph import codegen

        check_name("target", target, code_targets())
        return codegen.warnings(self, target, **chosen_options(dtype=dtype, sizes=sizes, params=params))

    def passes(self, target: str = "numpy") -> str:
        """What each pass of a target does to the equations of a sequence, forward and backward, as text.

        Raises UnknownName for a target that does not exist, UsageError for one that has no passes.
        """
        from lstmgraph.codegen.shown import passes_text

        return passes_text(*self._computed(), target)

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

    def _computed(self) -> tuple[Cell, Gradient]:
        """The cell as code computes it, with its gradient."""
        from lstmgraph.codegen.computed import computed

        cell = Cell.of(computed(self))
        return cell, cell.gradient()

    def _source_of(self, equation: Equation) -> str:
        """The author's equation of a value in the cell language, for the top of a generated file."""
        from lstmgraph.printing import print_equation

        written = next(e for e in self.equations if e.target == equation.target)
        return print_equation(written, "source", get_notation(self))

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
