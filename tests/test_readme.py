"""README.md and docs/*.md do what they say: their blocks are executed, in order, in an empty folder per file.

- ```python blocks run in one namespace per file.
- ```console blocks: each `$ command` runs in a shell; the lines below it must be what it prints; `...` is anything.
- ```sh blocks: each line runs, nothing is compared.  A line that sets up a virtual environment is not run here: CI runs
  it, from the same text.  `pip install 'lstmgraph[...]'` is checked against the extras that exist.
- a block whose fence says `file=NAME` (```toml file=cell.toml) becomes that file, for the blocks below it.

Any other block (a diff, a listing) is only shown.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
SET_UP = "python3 -m venv"


@dataclass(frozen=True)
class Block:
    """One fenced block: its fence's first word, the file that it is to become, its text and its line in the page."""

    language: str
    file: str | None
    body: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        language, *options = match["info"].split() or [""]
        file = next((option.removeprefix("file=") for option in options if option.startswith("file=")), None)
        yield Block(language, file, match["body"], text.count("\n", 0, match.start("body")) + 1)


def set_up_commands(readme: str) -> list[str]:
    return [line for block in blocks(readme) for line in block.body.splitlines() if line.startswith(SET_UP)]


def execute(page: str, name: str, folder: Path) -> None:
    """Run every block of a page's text, in `folder`."""
    namespace: dict[str, Any] = {"__name__": "__page__"}
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.body, encoding="utf-8")
        elif block.language == "python":
            # The newlines make a traceback name the line of the page.
            exec(compile("\n" * (block.line - 1) + block.body, name, "exec"), namespace)
        elif block.language == "console":
            for command, expected in dialogue(block.body):
                compare(command, expected, run(command, folder))
        elif block.language == "sh":
            for command in filter(None, block.body.splitlines()):
                run_or_check(command, folder)


def dialogue(body: str) -> Iterator[tuple[str, str]]:
    """(command, what it prints) of a console block; a backslash continues a command."""
    first, *parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    assert not first.strip(), f"a console block starts with a command: {first!r}"
    for part in parts:
        command, _, expected = re.sub(r"\\\n>? *", "", part).partition("\n")
        yield command, expected


def compare(command: str, expected: str, printed: str) -> None:
    """Assert that `printed` is what the page shows; nothing shown is nothing claimed."""
    if expected.strip():
        pattern = ".*".join(re.escape(piece) for piece in tidy(expected).split("..."))
        assert re.fullmatch(pattern, tidy(printed), re.DOTALL), (
            f"$ {command}\n{printed}\n--- but the page says ---\n{expected}"
        )


def tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def run(command: str, folder: Path) -> str:
    """What a shell command prints on both streams, with this environment's programs first on the path."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        check=False,
        cwd=folder,
        env=environment,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}\nexit code {done.returncode}"
    return done.stdout


def run_or_check(command: str, folder: Path) -> None:
    if command.startswith(("pip install", "python3 -m pip install")):
        wanted = {extra for group in re.findall(r"lstmgraph\[([\w,-]+)\]", command) for extra in group.split(",")}
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert wanted <= set(project["optional-dependencies"]), f"{command}: no such extra"
    elif not command.startswith((SET_UP, "#", "git clone", "cd ")):
        run(command, folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    execute(page.read_text(encoding="utf-8"), str(page), tmp_path)


def test_ci_runs_the_two_commands_as_readme_spells_them() -> None:
    first, second = set_up_commands((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [line.strip() for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]
    assert "lstmgraph tour peephole_lstm" in first
    assert "pytest" in second
    assert lines.count(first) == 1
    assert lines.count(second) == 1


@pytest.mark.parametrize(
    "page",
    [
        "```python\nassert False\n```\n",
        "```python\na = 1\n```\n\n```python\nassert a == 2\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ printf 'one\\ntwo\\n'\none\n```\n",
        "```console\n$ exit 3\n```\n",
        "```console\nno command\n```\n",
        "```sh\nexit 3\n```\n",
        "```sh\npip install 'lstmgraph[nonsense]'\n```\n",
    ],
)
def test_a_page_that_is_wrong_is_seen(page: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        execute(page, "page.md", tmp_path)


def test_a_page_that_is_right_passes(tmp_path: Path) -> None:
    page = """
```toml file=cell.toml
name = "a"
```
```console
$ cat cell.toml
name = "a"
$ printf 'one\\ntwo\\nthree\\nfour\\n' \\
> | head -n 3
one
...
three
$ echo 'not compared'
```
```python
b = 2
```
```python
assert b == 2
```
```diff
+ not executed
```
"""
    execute(page, "page.md", tmp_path)
    assert (tmp_path / "cell.toml").read_text() == 'name = "a"\n'
