"""Messages, colour and progress: standard error, and only as much as the terminal at the other end can take.

Colour appears on a terminal only, and never where NO_COLOR is set (no-color.org) or TERM is dumb.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

import click

# (what is being done, how many are done, how many there are)
Progress = Callable[[str, int, int], None]


def is_terminal(stream: TextIO | None) -> bool:
    return bool(stream and stream.isatty())


def can_encode(stream: TextIO | None, text: str) -> bool:
    """Whether a stream's encoding has these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def has_colour(stream: TextIO | None) -> bool:
    """Whether colour may be written to a stream."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text: str, stream: TextIO | None = None, **how: bool | str) -> str:
    """The text in colour, or as it is; `stream` is where it will go (standard output)."""
    return click.style(text, **how) if has_colour(stream or sys.stdout) else text  # type: ignore[arg-type]


def echo_error(message: str, label: str = "error: ") -> None:
    click.echo(style(label, sys.stderr, fg="red", bold=True) + message if label else message, err=True)


def note(message: str) -> None:
    """A message that is not a result."""
    click.echo(message, err=True)


def progress() -> Progress:
    """A line that tells what is being done, on a terminal; silence elsewhere."""
    if not (sys.stderr and sys.stderr.isatty()) or os.environ.get("TERM") == "dumb":
        return lambda *_: None
    return _show_progress


def _show_progress(what: str, done: int, total: int) -> None:
    line = "" if done >= total else f"{done + 1:>3}/{total}  {what}"[: _width() - 1]
    sys.stderr.write(f"\r\x1b[K{line}")
    sys.stderr.flush()


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80
