"""A LaTeX document is compiled, for tests that are marked `tex`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def compiled(engine: str, folder: Path, text: str) -> str:
    """The log of a run that succeeds."""
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "paper.log").read_text(encoding="utf-8", errors="replace")
