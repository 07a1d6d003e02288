"""Code for a cell, as text and as callables.  What it can be generated for: `targets`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from textwrap import wrap
from types import SimpleNamespace
from typing import Any

from lstmgraph.cell import Cell
from lstmgraph.codegen.code import WIDTH
from lstmgraph.codegen.executed import executed, with_class
from lstmgraph.codegen.identifiers import class_name
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.targets import TARGETS, module_of
from lstmgraph.codegen.wrap import python, wrapped
from lstmgraph.errors import MissingExtra, UnknownName, UnknownOption
from lstmgraph.program import Equation, Program


class Functions(SimpleNamespace):
    """What a generated file gives, by the names of its target (`gives` in `TARGETS`): see the docstrings of each.

    Of NumPy: `step(params, x, states)` is one step of a batch, `forward(params, xs, states)` a batch of sequences, and
    `backward(params, cache, d_outputs, d_states)` gives all gradients, back through time; `init(rng, ...)` draws
    parameters of the `shapes(...)`.  Of C the same, and `stream(params, states)`, which makes a function of one step
    that keeps the states.  Of PyTorch: `Module`, the class; `step` and `reference`, its equations as
    functions; `Derived`, the sequence with its derived gradients, `compiled` or not.  Of ONNX: `step` and `forward`,
    which gives the outputs and the last states.  Of JAX: `step`, `forward`, and `reference`, which is
    `forward` with JAX's own gradients; `init(key, ...)` and `shapes`.  `source` is the text of the file, which
    `inspect.getsource` and tracebacks also show.
    """

    step: Callable[..., Any]
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    init: Callable[..., Any]
    shapes: Callable[..., Any]
    Module: Callable[..., Any]
    reference: Callable[..., Any]
    Derived: Any
    source: str
    stream: Callable[..., Any]

    def __repr__(self) -> str:
        return f"Functions({', '.join(vars(self))})"  # their names: the source is pages


def generate(
    cell: Cell,
    gradient: Program,
    target: str = "numpy",
    describe: Callable[[Equation], str] = str,
    **options: Any,
) -> str:
    """The text of a standalone file.  `describe` spells an equation for its docstring; `options` are the target's own.

    Raises UnknownName for a target that does not exist, UsageError where it cannot spell an operation, and for an
    option that it does not have.
    """
    options = known_options(target, options)
    check_writer(target)
    generated: str = module_of(target).generate(Plan(cell, gradient), _lines(cell, describe, target), **options)
    if TARGETS[target].suffix != ".py":
        return generated
    text = python(generated)
    compile(text, f"<{target} {cell.name}>", "exec")  # what cannot be read is a fault of ours, and no file
    return text


def generate_files(
    cell: Cell,
    gradient: Program,
    target: str,
    stem: str,
    describe: Callable[[Equation], str] = str,
    **options: Any,
) -> dict[str, Any]:
    """The files of a target by their names: `stem` with its suffix, and what belongs to it.  Raises as generate.

    A file is a text, or bytes where its format is binary.
    """
    options = known_options(target, options)
    check_writer(target)
    if "files" not in TARGETS[target].own:
        return {f"{stem}{TARGETS[target].suffix}": generate(cell, gradient, target, describe, **options)}
    found: dict[str, Any] = module_of(target).files(
        Plan(cell, gradient), _lines(cell, describe, target), stem=stem, **options
    )
    return found


def known_options(target: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a target, of which `dtype` may be a type: of NumPy, PyTorch, ...

    Raises UnknownName for a target that does not exist, UsageError for an option that it does not have.
    """
    if target not in TARGETS:
        raise UnknownName("target", target, TARGETS)
    known = (*TARGETS[target].options, *TARGETS[target].own)
    for option in options:
        if option not in known:
            having = [name for name, row in TARGETS.items() if option in (*row.options, *row.own)]
            raise UnknownOption(target, option, having)
    return {name: _type_name(value) if name == "dtype" else value for name, value in options.items()}


def _type_name(dtype: Any) -> str:
    """numpy.float32, numpy.dtype("float32") and torch.float32 are "float32"."""
    return str(getattr(dtype, "__name__", dtype)).removeprefix("torch.")


def lambdify(
    cell: Cell,
    gradient: Program,
    target: str = "numpy",
    describe: Callable[[Equation], str] = str,
    **options: Any,
) -> Functions:
    """What the generated file gives; with the option `compiled` of the target "torch", over the compiled C.

    Raises as generate, MissingExtra where what runs it is missing.
    """
    options = known_options(target, options)
    check_installed(target)
    if "lambdify" in TARGETS[target].own:
        about = _lines(cell, describe, target)
        return Functions(**module_of(target).lambdify(Plan(cell, gradient), about, **options))
    over_c = options.pop("compiled", False)
    source = generate(cell, gradient, target, describe, **options)
    names = {word: theirs.format(cell=class_name(cell.name)) for word, theirs in TARGETS[target].gives.items()}
    words = f"{target} {cell.name}"
    if over_c:
        namespace = module_of(target).compiled(Plan(cell, gradient), _lines(cell, describe, "c"), source)
    else:
        namespace = with_class(source, words, names["Module"]) if "Module" in names else executed(source, words)
    return Functions(**{word: namespace[theirs] for word, theirs in names.items()}, source=source)


def check_installed(target: str) -> None:
    """Raises MissingExtra unless what the target's files need is there."""
    check_writer(target)
    package = TARGETS[target].package
    if find_spec(package) is None:
        hint = f"pip install 'lstmgraph[{target}]'; the text of the file needs no {package}"
        raise MissingExtra(f"callables of the target {target!r} need {package}, which is not installed", hint=hint)


def check_writer(target: str) -> None:
    """Raises MissingExtra unless what writes the target's files is there."""
    package = TARGETS[target].writer
    if package and find_spec(package) is None:
        hint = f"pip install 'lstmgraph[{target}]'"
        raise MissingExtra(f"files of the target {target!r} need {package}, which is not installed", hint=hint)


def warnings(cell: Cell, target: str, **options: Any) -> list[str]:
    """What whoever takes the files of a target should know of them."""
    if "warnings" not in TARGETS[target].own:
        return []
    found: list[str] = module_of(target).warnings(cell, **known_options(target, options))
    return found


def _in_docstring(text: str) -> str:
    """A line that cannot end the docstring, whatever the cell's file says."""
    return " ".join(text.replace("\\", "\\\\").replace('"', '\\"').splitlines())


def _lines(cell: Cell, describe: Callable[[Equation], str], target: str) -> list[str]:
    """What stands on top of a file."""
    lines = _described(cell, describe)
    return lines if TARGETS[target].suffix != ".py" else [_in_docstring(line) for line in lines]


def _described(cell: Cell, describe: Callable[[Equation], str]) -> list[str]:
    """The title, the equations and their sources."""
    equations = [line for e in cell.equations for line in wrapped(f"    {describe(e)}")]
    sources = ["", *(line for s in cell.sources for line in wrap(s, WIDTH, subsequent_indent="    "))]
    return [cell.title or cell.name, "", *equations, *(sources if cell.sources else [])]
