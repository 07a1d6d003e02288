"""What a user gets: wheel, sdist, editable install and bare checkout all hold the same data and find their templates.

Each is tried in a virtual environment of its own, which borrows this one's dependencies: no network, few seconds.
"""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
# What an installation says of itself; the source of `files` comes before it.
PROBE = """
import json
import lstmgraph.templates as templates
package = Path(templates.__file__).parent
print(json.dumps({
    "package": str(package),
    "templates": files(templates.folder(), "*"),
    "data": files(package, "*.toml", "py.typed"),
    "modules": files(package, "*.py"),
}))
"""


def files(folder: Path, *patterns: str) -> list[str]:
    """Relative names of the files under a folder that match one of the patterns."""
    found = (file for pattern in patterns for file in folder.rglob(pattern) if file.is_file())
    return sorted(file.relative_to(folder).as_posix() for file in found)


def clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))}


def run(*command: str | Path, cwd: Path, extra: Mapping[str, str] | None = None) -> str:
    environment = {**clean_environment(), **(extra or {})}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Place:
    """A virtual environment with this one's dependencies, without this project, and an empty folder to stand in."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.cwd = folder / "elsewhere"
        self.cwd.mkdir(parents=True)
        venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
        site = run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=self.cwd).strip()
        # Read last, so that what is installed here comes first; the other environment's own .pth files are not read.
        Path(site, "zz-dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def install(self, *what: str | Path) -> None:
        pip = (
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.python),
            "--disable-pip-version-check",
            "install",
            "-q",
        )
        run(*pip, "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed", *what, cwd=self.cwd)

    def probe(self, extra: Mapping[str, str] | None = None) -> dict[str, Any]:
        program = f"from pathlib import Path\n{inspect.getsource(files)}\n{PROBE}"
        found: dict[str, Any] = json.loads(run(self.python, "-c", program, cwd=self.cwd, extra=extra))
        return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the project consists of: a build must not find caches, nor leave anything in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "lstmgraph"
    no_caches = shutil.ignore_patterns(".*cache", "__pycache__", ".git", ".venv", ".hypothesis", "dist", "tour")
    shutil.copytree(ROOT, copy, ignore=no_caches)
    return copy


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=source)
    return folder


def assert_complete(found: dict[str, Any], package: Path, source: Path) -> None:
    assert Path(found["package"]) == package
    assert found["templates"] == files(source / "templates", "*")
    assert found["data"] == files(source / "lstmgraph", "*.toml", "py.typed")
    assert found["modules"] == files(source / "lstmgraph", "*.py")
    assert {"py.typed", "cells/peephole_lstm.toml"} <= set(found["data"])


def in_site_packages(place: Place) -> Path:
    return Path(
        run(place.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place.cwd).strip(),
        "lstmgraph",
    )


def test_wheel(built: Path, source: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    place = Place(tmp_path)
    place.install(wheel)
    assert_complete(place.probe(), in_site_packages(place), source)
    assert "peephole_lstm" in run(place.python.parent / "lstmgraph", "list", "cells", cwd=place.cwd)


def test_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"lstmgraph", wheel.name.rsplit("-", 3)[0] + ".dist-info"}


def test_sdist(built: Path, source: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    run(sys.executable, "-m", "tarfile", "-e", sdist, tmp_path, cwd=tmp_path)
    (unpacked,) = tmp_path.glob("lstmgraph-*")
    assert {"LICENSE", "README.md", "pyproject.toml", "templates", "tests", "docs"} <= {
        p.name for p in unpacked.iterdir()
    }
    place = Place(tmp_path / "place")
    assert_complete(place.probe({"PYTHONPATH": str(unpacked)}), unpacked / "lstmgraph", source)
    place.install(sdist)
    assert_complete(place.probe(), in_site_packages(place), source)


def test_editable(source: Path, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.install("-e", source)
    assert_complete(place.probe(), source / "lstmgraph", source)
    assert not in_site_packages(place).exists()  # no copy of the templates that goes stale


def test_bare_checkout(source: Path, tmp_path: Path) -> None:
    assert_complete(Place(tmp_path).probe({"PYTHONPATH": str(source)}), source / "lstmgraph", source)


def test_missing_templates_are_an_error_that_says_so(source: Path, tmp_path: Path) -> None:
    shutil.copytree(source / "lstmgraph", tmp_path / "broken" / "lstmgraph")
    program = "import lstmgraph.templates as t\ntry: t.folder()\nexcept t.LstmgraphError as e: print(e)"
    said = run(Place(tmp_path).python, "-c", program, cwd=tmp_path, extra={"PYTHONPATH": str(tmp_path / "broken")})
    assert "no templates" in said
    assert "reinstall" in said


def test_a_template_that_misses_a_value_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jinja2

    from lstmgraph import templates

    (tmp_path / "page.html.j2").write_text("<p>{{ text }}</p>\n")
    monkeypatch.setattr(templates, "_PLACES", (tmp_path,))
    templates._environment.cache_clear()
    try:
        assert templates.render("page.html.j2", text="a < b") == "<p>a &lt; b</p>\n"
        with pytest.raises(jinja2.UndefinedError):
            templates.render("page.html.j2")
    finally:
        templates._environment.cache_clear()
