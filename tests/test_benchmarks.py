"""Benchmarks that are told of something that does not exist say so, without a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["derive.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["unroll.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["gates.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["bounds.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["gates.py", "--theme", "prnit"], "error: there is no theme 'prnit'\nhint: did you mean 'print'?"),
    ],
)
def test_what_does_not_exist_is_one_message(arguments: list[str], said: str) -> None:
    command = [sys.executable, str(FOLDER / arguments[0]), *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
