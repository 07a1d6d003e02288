"""The reference of the cell file says what is true: its files load, its code runs, its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstmgraph.algebra.rules import FUNCTIONS
from lstmgraph.reading import loads
from lstmgraph.reading.toml import _KEYS
from lstmgraph.roles import ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "cell-file.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("toml"))
def test_a_file_on_the_page_loads(block: str) -> None:
    assert loads(block).equations


@pytest.mark.parametrize("block", blocks("python"))
def test_code_on_the_page_runs(block: str) -> None:
    exec(compile(block, "docs/cell-file.md", "exec"), {})


@pytest.mark.parametrize("word", [*FUNCTIONS, *ROLES, *_KEYS])
def test_the_page_names_every_function_role_and_key(word: str) -> None:
    assert re.search(rf"`[^`]*\b{word}\b[^`]*`", PAGE)
