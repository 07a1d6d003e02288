"""With several workers, tests that share what they derived, drew and compiled are with one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("tests/algebra/test_build.py", "tests/algebra/test_shapes.py")


def test_a_files_tests_stay_with_one_worker() -> None:
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", *FILES]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    workers = defaultdict(set)
    for worker, file in re.findall(r"\[(gw\d)\].* (tests/\S+?)::", done.stdout):
        workers[file].add(worker)
    assert sorted(workers) == sorted(FILES), done.stdout
    assert sorted(map(sorted, workers.values())) == [["gw0"], ["gw1"]]
