"""Benchmarks and the gallery's maker, told of something that does not exist, say so without a traceback; what they say
beside is what they mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.microcontroller import deepest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["benchmarks/derive.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["benchmarks/prove.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["benchmarks/unroll.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["benchmarks/gates.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["benchmarks/bounds.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["benchmarks/gates.py", "--theme", "prnit"], "error: there is no theme 'prnit'\nhint: did you mean 'print'?"),
        (["benchmarks/counts.py", "lsmt"], "error: there is no cell 'lsmt'\nhint: did you mean 'lstm'?"),
        (["benchmarks/saturation.py", "lstm"], "unrecognized arguments: lstm"),
        (["benchmarks/outlines.py", "nosuchfolder"], "there is no folder 'nosuchfolder'"),
        (["benchmarks/outlines.py", "--check", __file__], f"there is no folder {__file__!r}"),
        (["benchmarks/draw.py", "0"], "'0' is not a whole number from 1 on"),
        (["benchmarks/draw.py", "x"], "'x' is not a whole number from 1 on"),
        (["benchmarks/dependencies.py", "numpy"], "unrecognized arguments: numpy"),
        (["docs/make_gallery.py", "--chekc"], "unrecognized arguments: --chekc"),
    ],
)
def test_what_does_not_exist_is_one_message(arguments: list[str], said: str) -> None:
    command = [sys.executable, str(ROOT / arguments[0]), *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_stack_is_that_of_the_deepest_calls() -> None:
    """Of the graph that GCC writes; what has no size there is of another library."""
    sizes = {"step": 100, "a.c:product": 30, "a.c:part": 7, "a.c:tanh": 36}
    nodes = [f'node: {{ title: "{name}" label: "f\\na.c:1:2\\n{n} bytes (static)" }}' for name, n in sizes.items()]
    calls = [("step", "a.c:product"), ("a.c:product", "a.c:part"), ("step", "a.c:tanh"), ("step", "memcpy")]
    edges = [f'edge: {{ sourcename: "{of}" targetname: "{to}" label: "a.c:3:4" }}' for of, to in calls]
    assert deepest("\n".join([*nodes, *edges]), "step") == 137
