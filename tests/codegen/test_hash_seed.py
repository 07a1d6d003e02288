"""A file is the same whatever the seed of Python's hashes is, by which sets are in another order."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lstmgraph.codegen.targets import TARGETS
from tests.codegen.equality import ODD, PAPERS, WAYS

CELLS = ("slstm", "gru_reset_after", PAPERS["mlstm"], PAPERS["attn"], ODD["two_layers"], ODD["far_shares"])
CODE = """
import sys
import lstmgraph

for name in sys.argv[2:]:
    for name, file in lstmgraph.load(name).code_files(sys.argv[1], "cell").items():
        sys.stdout.buffer.write(file if isinstance(file, bytes) else file.encode())
"""


def written(target: str, seed: str) -> bytes:
    command = [sys.executable, "-c", CODE, target, *map(str, CELLS)]
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    "target", [pytest.param(t, marks=[getattr(pytest.mark, mark) for mark in WAYS[t].mark]) for t in TARGETS]
)
def test_a_file_is_the_same_under_any_hash_seed(target: str) -> None:
    first, second = (written(target, seed) for seed in "12")
    assert first == second
    assert len(first) > 1000 * len(CELLS)
