"""What the linters do not know: SymPy's traps, words of the command line in Python's errors, how long a module may be.

SymPy's `doit`, `cse`, `diff` and `applyfunc` are wrong or endless on matrices, and text from a file must never reach
`eval`, `exec`, `sympify` or `parse_expr`.  A use that is right all the same is a row of ALLOWED, with its reason.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lstmgraph"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 400

METHODS = {"doit", "cse", "diff", "applyfunc", "sympify", "parse_expr"}  # of anything but the modules in NUMERIC
FUNCTIONS = METHODS | {"eval", "exec"}
NUMERIC = {"np", "numpy"}  # np.diff is another thing
# (file, name): how often it may be called there
ALLOWED = {
    ("codegen/executed.py", "exec"): 1,  # our own generated text
    ("algebra/sizes.py", "diff"): 2,  # how often a size occurs in a sum of sizes: a scalar formula
    ("algebra/rules.py", "diff"): 1,  # the derivative of an elementwise function's scalar meaning, which is SymPy's job
}


def banned_calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) of every call of a banned function or method, and of every import of one, which could rename it."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                yield name, node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="builtins"), attr=name)) if name in FUNCTIONS:
                yield name, node.lineno
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in METHODS and not _is_numeric(value):
                yield name, node.lineno
            case ast.ImportFrom(names=names, lineno=line):
                yield from ((alias.name, line) for alias in names if alias.name in FUNCTIONS)


def assigned_twice(tree: ast.Module) -> list[str]:
    """Names that a module gives two values, the second of which nobody expects."""
    targets = [t for n in tree.body if isinstance(n, ast.Assign) for t in n.targets]
    targets += [n.target for n in tree.body if isinstance(n, ast.AnnAssign)]
    names = Counter(leaf.id for t in targets for leaf in ast.walk(t) if isinstance(leaf, ast.Name))
    return [name for name, count in names.items() if count > 1]


def test_a_module_gives_a_name_one_value() -> None:
    found = {str(m.relative_to(PACKAGE)): assigned_twice(ast.parse(m.read_text(encoding="utf-8"))) for m in MODULES}
    assert {module: names for module, names in found.items() if names} == {}
    assert assigned_twice(ast.parse("A = 1\nB: int = 2\nA = 3")) == ["A"]


def _is_numeric(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in NUMERIC


def test_no_banned_calls() -> None:
    found = Counter(
        (file.relative_to(PACKAGE).as_posix(), name)
        for file in MODULES
        for name, _ in banned_calls(ast.parse(file.read_text(encoding="utf-8")))
    )
    assert found == ALLOWED  # both ways: an exception that nothing needs any more must go


@pytest.mark.parametrize(
    "source",
    [
        "expr.doit()",
        "(a + b).applyfunc(f)",
        "sp.cse([a, b])",
        "loss.trace().diff(W)",
        "sympy.diff(f, x)",
        "sympify('x')",
        "sp.sympify(text)",
        "from sympy import cse as share",
        "from sympy.parsing.sympy_parser import parse_expr",
        "def f(s):\n    return eval(s)",
        "exec(code, {})",
        "builtins.exec(code)",
    ],
)
def test_a_banned_call_is_seen(source: str) -> None:
    assert len(list(banned_calls(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source", ["np.diff(a)", "model.eval()", "ast.literal_eval(s)", "doit = 1", "self.difference(b)"]
)
def test_what_is_allowed(source: str) -> None:
    assert not list(banned_calls(ast.parse(source)))


COMMANDS = "list|show|draw|grad|jacobian|count|flow|code|weights|check|prove|tour"
SHELL = re.compile(rf"(?<![\w-])--[a-z]|\blstmgraph ({COMMANDS})\b")


def shell_words(tree: ast.AST) -> Iterator[str]:
    """Texts, docstrings not among them, that name an option or a command as a shell has it."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in said and SHELL.search(text):
                yield text


def test_what_python_says_has_no_words_of_the_command_line() -> None:
    """A hint reaches those who call the command and those who call a method: "the style pipe" is plain to both."""
    places = {file.relative_to(PACKAGE).as_posix(): file for file in MODULES if file.parent.name != "cli"}
    found = {place: list(shell_words(ast.parse(file.read_text(encoding="utf-8")))) for place, file in places.items()}
    assert {place: texts for place, texts in found.items() if texts} == {}


@pytest.mark.parametrize("text", ["choose --style pipe", "lstmgraph list cells", "(--open)", "--step"])
def test_words_of_the_command_line_are_seen(text: str) -> None:
    assert list(shell_words(ast.parse(f"raise E(f'a {{b}}', hint=f'{{b}} {text}')")))
    assert not list(shell_words(ast.parse(f'"""{text}"""')))
    assert not list(shell_words(ast.parse("hint='pip install lstmgraph -- or not'")))


@pytest.mark.parametrize("page", sorted((PACKAGE.parent / "docs").glob("*.md")), ids=lambda page: page.name)
def test_no_section_of_a_document_stands_twice(page: Path) -> None:
    """As it does after two changes of one paragraph that both came in."""
    lines = page.read_text(encoding="utf-8").splitlines()
    twice = [line for line, count in Counter(lines).items() if count > 1 and line.startswith("## ")]
    assert twice == []


def length_complaint(source: str) -> str | None:
    """What is wrong with a module's length, if something is."""
    lines = source.count("\n")
    excused = "Long because:" in (ast.get_docstring(ast.parse(source)) or "")
    if lines > LONGEST and not excused:
        return f"{lines} lines, and its docstring has no line 'Long because: ...'"
    if excused and lines <= LONGEST:
        return "short enough: its 'Long because:' can go"
    return None


def test_no_module_is_long_without_a_reason() -> None:
    complaints = {
        str(file.relative_to(PACKAGE)): length_complaint(file.read_text(encoding="utf-8")) for file in MODULES
    }
    assert {name: complaint for name, complaint in complaints.items() if complaint} == {}


def test_the_length_check_sees() -> None:
    assert length_complaint('"""Doc."""\n' + "a = 1\n" * LONGEST)
    assert length_complaint('"""Doc.\n\nLong because: a table.\n"""\n' + "a = 1\n" * LONGEST) is None
    assert length_complaint('"""Doc.\n\nLong because: no.\n"""\n')
    assert length_complaint('"""Doc."""\n') is None


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_a_module_says_what_it_is(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert not source.strip() or ast.get_docstring(ast.parse(source))
