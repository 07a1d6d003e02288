"""`lstmgraph doctor`: versions and engines, what is missing and how to get it.

To add something that can be missing: a row of `PARTS`.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Literal

import click

from lstmgraph.cli.terminal import style


@dataclass(frozen=True)
class Part:
    """`module` is imported to see that it works; `distribution` is what pip calls it; `use` is what it is for."""

    module: str
    distribution: str
    use: str
    extra: str = ""  # the extra of lstmgraph that brings it; empty: lstmgraph cannot do without


PARTS = (
    Part("sympy", "sympy", "cells and gradients"),
    Part("numpy", "numpy", "generated code and checks"),
    Part("click", "click", "the command line"),
    Part("jinja2", "jinja2", "generated files"),
    Part("ziamath", "ziamath", "typeset mathematics in drawings"),
    Part("latex2mathml", "latex2mathml", "mathematics in web pages"),
    Part("graphviz", "graphviz", "DOT files"),
    Part("pygraphviz", "pygraphviz", "the dag style where there is no dot", "dag"),
    Part("resvg_py", "resvg-py", "PNG", "images"),
    Part("fpdf", "fpdf2", "PDF", "images"),
    Part("jax", "jax", "generated scans, checks against its autograd", "jax"),
    Part("onnx", "onnx", "ONNX models", "onnx"),
    Part("onnxruntime", "onnxruntime", "callables of ONNX models", "onnx"),
    Part("safetensors", "safetensors", "files of weights", "safetensors"),
    Part("torch", "torch", "generated modules, checks against its autograd", "torch"),
)

State = Literal["ok", "missing", "broken"]
_COLOURS = {"ok": "green", "missing": "yellow", "broken": "red"}


@dataclass(frozen=True)
class Finding:
    """One line of the report.  `vital`: without it nothing works."""

    state: State
    name: str
    words: str
    remedy: str = ""
    vital: bool = False


@click.command("doctor")
def command() -> int:
    """Show versions and engines, and say what is missing and how to get it.

    Exits with 1 only when a part is broken that lstmgraph cannot do without.
    """
    findings = [_lstmgraph(), _python(), *map(_package, PARTS), _dot(), _compiler(), *_self_test()]
    width = max(len(f.name) for f in findings)
    for found in findings:
        click.echo(f"{style(found.state.ljust(7), fg=_COLOURS[found.state])}  {found.name.ljust(width)}  {found.words}")
        if found.remedy:
            click.echo(f"{'':7}  {'':{width}}  get it: {found.remedy}")
    broken = [f.name for f in findings if f.vital and f.state != "ok"]
    click.echo(f"\nbroken: {', '.join(broken)}" if broken else "\neverything that lstmgraph needs is here")
    return 1 if broken else 0


def _lstmgraph() -> Finding:
    from lstmgraph import __file__ as place
    from lstmgraph import __version__

    return Finding("ok", "lstmgraph", f"{__version__}  {place.removesuffix('/__init__.py')}")


def _python() -> Finding:
    return Finding(
        "ok", "python", f"{platform.python_version()}  {platform.platform(terse=True)}, {platform.machine()}"
    )


def _package(part: Part) -> Finding:
    remedy = f"pip install 'lstmgraph[{part.extra}]'" if part.extra else f"pip install {part.distribution}"
    try:
        with warnings.catch_warnings(action="ignore"):
            import_module(part.module)
        version = metadata.version(part.distribution)
    except ModuleNotFoundError as error:
        if error.name == part.module:
            return Finding("missing", part.distribution, f"for {part.use}", remedy, not part.extra)
        return Finding("broken", part.distribution, f"it needs {error.name}, which is not here", remedy, not part.extra)
    except Exception as error:  # noqa: BLE001 - a broken package may raise anything, and this command is there to say so
        return Finding("broken", part.distribution, f"{type(error).__name__}: {error}", remedy, not part.extra)
    return Finding("ok", part.distribution, f"{version}  for {part.use}")


def _dot() -> Finding:
    """Graphviz's program; pygraphviz can stand in for it."""
    use = "for the dag style and pictures from DOT"
    remedy = "apt install graphviz, brew install graphviz, or https://graphviz.org/download"
    path = shutil.which("dot")
    if path is None:
        return Finding("missing", "dot", use, remedy)
    try:
        done = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("broken", "dot", f"{path}: {error}", remedy)
    version = (done.stderr or done.stdout).strip().removeprefix("dot - graphviz version ").split()
    return Finding("ok", "dot", f"{version[0] if version else 'of unknown version'}  {use}")


def _compiler() -> Finding:
    """The C compiler: the one that generated code is compiled by, whoever chose it."""
    from lstmgraph.codegen.compiler import compiler
    from lstmgraph.errors import MissingExtra

    use = "for callables of C files, and PyTorch's step in C"
    try:
        return Finding("ok", "C compiler", f"{' '.join(compiler())}  {use}")
    except MissingExtra as error:
        return Finding("missing", "C compiler", use, error.hint)


def _self_test() -> Iterator[Finding]:
    """The library can be read, and a drawing made of it."""
    try:
        from lstmgraph import library, load
        from lstmgraph.templates import folder

        names = library()
        yield Finding("ok", "library", f"{len(names)} cells")
        load("lstm").draw()
        yield Finding("ok", "templates", str(folder()))
    except Exception as error:  # noqa: BLE001 - as above
        yield Finding(
            "broken",
            "lstmgraph",
            f"{type(error).__name__}: {error}",
            "pip install --force-reinstall lstmgraph",
            vital=True,
        )
