"""What all tests share: goldens, the optional tools, and the rule that in CI nothing is skipped.

- `golden("NAME", text)` compares with tests/golden/NAME; `pytest --update-goldens` rewrites those files instead.
- `calls(FUNCTION)` counts the calls of Python functions that FUNCTION makes.  Tests bound work with it: seconds depend
  on the machine and on what else it does, and are measured in benchmarks/.
- `dot`, `chromium`, `firefox`, `tex`, `cc`, `jax`, `torch`: ask for the fixture, or mark the test, and it is skipped
  where it is missing; in CI every skip is a failure.  To add an optional tool, add a row to `TOOLS` and a marker to
  pyproject.toml.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

# Files that share what one of them has made: drawings, the code of all cells for a target.
SHARING = {
    "drawings": [f"diagram/test_{name}.py" for name in ("backward", "quality_matrix", "text")],
    "torch": [f"codegen/test_{name}.py" for name in ("torch", "torch_files", "torch_memory")],
    "numpy": [f"codegen/test_{name}.py" for name in ("numpy", "numpy_text")],
    "c": [f"codegen/test_{name}.py" for name in ("c", "c_calls", "c_text")],
}
GROUPS = {f"tests/{file}": group for group, files in SHARING.items() for file in files}
GOLDEN = Path(__file__).parent / "golden"
# Drawings, programs, and modules stay until the end: to look through all of them for garbage was a third of the time.
gc.set_threshold(200_000, 20, 100)
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# The same examples in every run: what fails then is what has changed, and nobody's work is turned away by chance.  New
# ones are tried by `pytest --hypothesis-profile=new`; what fails is printed to be run again: @reproduce_failure(...).
hypothesis.settings.register_profile("lstmgraph", derandomize=True, print_blob=True, deadline=None)
hypothesis.settings.register_profile("new", derandomize=False, print_blob=True, deadline=None)
hypothesis.settings.load_profile("lstmgraph")


def _program(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


CHROMIUM, FIREFOX = ("chromium", "chromium-browser", "google-chrome"), ("firefox", "firefox-esr")

# marker: (whether it is here, how to get it)
TOOLS: dict[str, tuple[bool, str]] = {
    "dot": (_program("dot") is not None, "Graphviz's dot is not on the path: apt install graphviz"),
    "chromium": (_program(*CHROMIUM) is not None, "no Chromium: apt install chromium"),
    "firefox": (_program(*FIREFOX) is not None, "no Firefox: apt install firefox-esr"),
    "tex": (
        bool(_program("pdflatex") and _program("lualatex")),
        "no pdflatex or lualatex: apt install --no-install-recommends texlive-latex-base texlive-pictures",
    ),
    "cc": (_program("cc", "gcc", "clang") is not None, "there is no C compiler on the path: apt install gcc"),
    "jax": (importlib.util.find_spec("jax") is not None, "JAX is not installed: pip install 'lstmgraph[jax]'"),
    "torch": (importlib.util.find_spec("torch") is not None, "PyTorch is not installed: pip install torch"),
    "keras": (importlib.util.find_spec("keras") is not None, "Keras is not installed: pip install keras"),
    "onnx": (importlib.util.find_spec("onnx") is not None, "ONNX is not installed: pip install 'lstmgraph[onnx]'"),
    "flax": (importlib.util.find_spec("flax") is not None, "flax is not installed: pip install flax"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="rewrite the files of tests/golden instead of comparing with them"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several workers a file's tests stay with one, which has by then what they derived, drew and compiled.

    The plugin's own groups, by a mark, are lost with pytest 9.2: pytest-xdist 3.8 sets a name that is no longer read.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return str(GROUPS.get(file, file))

    return ByGroup(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (present, remedy) in TOOLS.items():
        if item.get_closest_marker(marker) and not present:
            pytest.skip(remedy)


def no_skip_in_ci(report: pytest.TestReport | pytest.CollectReport, in_ci: bool = IN_CI) -> None:
    """Turn a skip into a failure: what CI did not run it did not show.  An xfail is reported as a skip, but is none."""
    if in_ci and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but CI must run everything: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    no_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    no_skip_in_ci(report)
    return report


def need(marker: str) -> None:
    present, remedy = TOOLS[marker]
    if not present:
        pytest.skip(remedy)


@pytest.fixture(scope="session")
def dot() -> str:
    """The path of Graphviz's `dot`."""
    need("dot")
    return str(_program("dot"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that runs headless."""
    need("chromium")
    return str(_program(*CHROMIUM))


@pytest.fixture(scope="session")
def firefox() -> str:
    """The path of a Firefox that runs headless."""
    need("firefox")
    return str(_program(*FIREFOX))


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch."""
    need("torch")
    return importlib.import_module("torch")


@pytest.fixture
def calls() -> Callable[[Callable[[], object]], int]:
    """A function that runs a function and says how many calls of Python functions that took."""
    return count_calls


def count_calls(function: Callable[[], object]) -> int:
    events: list[str] = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: events.append(event))
    try:
        function()
    finally:
        sys.setprofile(before)
    return events.count("call")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A function (name, text) that compares with tests/golden/NAME, or rewrites it under --update-goldens."""
    update = bool(request.config.getoption("--update-goldens"))
    return lambda name, text: compare_golden(GOLDEN / name, text, update)


def compare_golden(path: Path, text: str, update: bool) -> None:
    """Assert that the file holds exactly this text, or make it so."""
    __tracebackhide__ = True
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    assert path.is_file(), f"there is no golden {path.name}; look at the text, then run: pytest --update-goldens"
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} differs; if that is meant, run: pytest --update-goldens"
    )
