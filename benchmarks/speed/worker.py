"""One process of the benchmark: what a `Setting` says, with so many threads; every figure or word is a line of JSON.

    python -m benchmarks.speed.worker SETTING

Whoever starts it says how many threads there are, by its environment and by the processors that it may run on.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.speed.figures import Figure, Setting
from benchmarks.speed.measuring import prepared, timed, wrong
from benchmarks.speed.problem import SIZES, problem, wanted
from benchmarks.speed.rows import rows_of


def main() -> None:
    setting = Setting(*json.loads(sys.argv[1]))
    for cell in setting.cells:
        for case in setting.cases:
            measure(setting, cell, case)


def measure(setting: Setting, cell: str, case: str) -> None:
    """All rows in one case, each direction by itself."""
    p = problem(cell, SIZES[case], setting.dtype, setting.threads)
    chosen = {name: row for name, row in rows_of(case).items() if not setting.rows or name in setting.rows}
    rows = prepared(p, chosen, lambda words: say("left out", words))
    for error in wrong(p, rows, wanted(cell, SIZES[case])):
        del rows[error.row]
        say("wrong", f"{cell} {case} {setting.dtype}: {error}")
    for direction in dict.fromkeys(direction for row in rows.values() for direction in row.calls()):
        calls = {name: row.calls()[direction] for name, row in rows.items() if direction in row.calls()}
        for name, seconds in timed(calls, setting.seconds).items():
            where = (cell, setting.dtype, setting.threads, case, direction)
            say("figure", Figure(*where, name, seconds / rows[name].per_call, rows[name].note))


def say(kind: str, what: Any) -> None:
    print(json.dumps([kind, what]), flush=True)


if __name__ == "__main__":
    main()
