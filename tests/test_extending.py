"""docs/extending.md is true: each diff applies to the package, and the commands below it run."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_readme import ROOT, Block, blocks

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = {text.splitlines()[0]: list(blocks(text)) for text in PAGE.split("\n## ")[1:]}


@pytest.mark.parametrize("title", SECTIONS)
def test_addition(title: str, tmp_path: Path) -> None:
    for part in ("lstmgraph", "templates"):
        shutil.copytree(ROOT / part, tmp_path / part)  # with what is compiled: it knows by times what is changed
    for block in SECTIONS[title]:
        apply(block, tmp_path)
    assert any(block.language == "text" for block in SECTIONS[title])


def apply(block: Block, folder: Path) -> None:
    """Apply a diff, write a file, or run commands, in a copy of the package."""
    if block.language == "diff":
        command = ["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "-"]
        subprocess.run(command, cwd=folder, input=block.body, text=True, check=True)
    elif block.file:
        (folder / block.file).write_text(block.body, encoding="utf-8")
    for line in block.body.splitlines() if block.language == "text" else ():
        run(line, folder)


def run(line: str, folder: Path) -> None:
    prompt, program, *arguments = shlex.split(line)
    assert (prompt, program) == ("$", "lstmgraph")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-P", "-m", "lstmgraph", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr}"
