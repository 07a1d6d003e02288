"""The floors: a module imports from lower floors only, and the seven wings do not import one another.

A new top-level module needs a place in FLOORS before this passes.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lstmgraph"
WINGS = ("reading", "calculus", "numeric", "diagram", "printing", "codegen", "weights")
FLOORS = (
    ("errors",),
    ("files", "templates"),  # helpers, which know nothing of cells
    ("algebra",),
    ("program",),
    ("normal", "entries"),
    ("cell", "poles"),
    ("roles",),
    ("notation",),
    ("limits", "standard"),
    WINGS,
    ("api",),
    ("tour",),
    ("__init__",),  # the public face: reaches down to api, but only when something is used
    ("cli",),
    ("__main__",),
)
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
FRAMEWORKS = {"torch", "jax", "safetensors"}
HEAVY = {"sympy", "numpy", "jinja2", "ziamath", "graphviz", "torch"}


def imported(node: ast.AST, package: list[str]) -> list[str]:
    """The dotted names that a statement imports: `from a import b` is a.b, relative names are resolved in `package`."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            base = [*(package[: len(package) - level + 1] if level else []), *(module.split(".") if module else [])]
            return [".".join([*base, alias.name]) for alias in names]
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]):
            return [name] if called in {"import_module", "__import__"} else []
    return []


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: not inside functions, and not what only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from at_import(node)


def violations(root: Path) -> Iterator[str]:
    """Everything under the package folder `root` that breaks the floors, one line each."""
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root)
        own = path.parts[0].removesuffix(".py")
        if own not in FLOOR:
            yield f"{path}: {own} has no place in FLOORS"
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        eager = {id(node) for node in at_import(tree)}
        for node in ast.walk(tree):
            for name in imported(node, ["lstmgraph", *path.parts[:-1]]):
                if reason := objection(own, name.split("."), id(node) in eager):
                    yield f"{path}:{node.lineno}: {own} imports {name}: {reason}"  # type: ignore[attr-defined]


def objection(own: str, name: list[str], eager: bool) -> str | None:
    """Why the module `own` must not import the dotted name, if it must not."""
    if name[0] in FRAMEWORKS and eager:
        return "only inside a function that needs it"
    if name[0] != "lstmgraph" or name[1:] == ["__version__"]:
        return None
    target = name[1] if len(name) > 1 and name[1] in FLOOR else "__init__"
    if target == own:
        return None
    if own == "__init__" and eager:
        return "the public face is lazy"
    return None if FLOOR[target] < FLOOR[own] else "not a lower floor"


def test_the_package_keeps_its_floors() -> None:
    assert not list(violations(PACKAGE))


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("algebra/nodes.py", "from lstmgraph.program import Program", "not a lower floor"),
        ("algebra/nodes.py", "def f():\n    import lstmgraph.cell", "not a lower floor"),
        ("program.py", "from . import cell", "not a lower floor"),
        ("program.py", "from lstmgraph import load", "not a lower floor"),
        ("diagram/writers/svg.py", "from ...printing import notation", "not a lower floor"),
        ("codegen/targets/numpy.py", "from lstmgraph.calculus.vjp import vjp", "not a lower floor"),
        ("cell.py", "import_module('lstmgraph.api')", "not a lower floor"),
        ("numeric/checks.py", "try:\n    import torch.nn\nexcept ImportError:\n    pass", "only inside a function"),
        ("numeric/checks.py", "class A:\n    from jax import numpy", "only inside a function"),
        ("__init__.py", "from lstmgraph.api import Cell", "the public face is lazy"),
        ("novel.py", "", "no place in FLOORS"),
    ],
)
def test_a_violation_is_seen(tmp_path: Path, path: str, source: str, reason: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    (found,) = violations(tmp_path)
    assert reason in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("api.py", "from lstmgraph.diagram import graph\nfrom lstmgraph.calculus.vjp import vjp"),
        ("cell.py", "from .program import Program"),
        ("diagram/writers/svg.py", "from lstmgraph.diagram.scene import Scene\nfrom ..graph import Graph"),
        ("numeric/checks.py", "def f():\n    import torch"),
        ("__init__.py", "def __getattr__(name):\n    from lstmgraph import api"),
        ("__init__.py", "if TYPE_CHECKING:\n    from lstmgraph.api import Cell"),
        ("cli.py", "import lstmgraph, click"),
        ("codegen/header.py", "from lstmgraph import __version__"),
    ],
)
def test_what_is_allowed(tmp_path: Path, path: str, source: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    assert not list(violations(tmp_path))


@pytest.mark.parametrize("module", ["lstmgraph", "lstmgraph.errors", "lstmgraph.templates", "lstmgraph.cli"])
def test_start_up_loads_nothing_heavy(module: str) -> None:
    program = f"import {module}, sys; print(*{HEAVY} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
