"""What happens when something goes wrong: one clear message on standard error, and the exit code that the contract
promises.

Every way out of a command ends here, so that no user ever meets a traceback without asking for it.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import click

from lstmgraph.cli.terminal import echo_error
from lstmgraph.errors import LstmgraphError

PROGRAM, COMPLETE = "lstmgraph", "_LSTMGRAPH_COMPLETE"  # the latter is how click's completion scripts ask

INTERNAL = 70  # as in sysexits.h: a fault of ours
INTERRUPTED = 128 + 2  # as a shell reports a process that ended by SIGINT, ...
TERMINATED = 128 + 15
CLOSED_PIPE = 128 + 13

Handler = Callable[[int, FrameType | None], Any] | int | None


class Terminated(BaseException):
    """SIGTERM came: end as after Ctrl-C, so that temporary files are removed."""


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a click command to its exit code, whatever happens in it."""
    _prepare_streams()
    before: dict[int, Handler] = {}
    try:
        before = _handle({signal.SIGTERM: _terminate, signal.SIGINT: signal.default_int_handler})
        code = _invoke(command, list(sys.argv[1:] if arguments is None else arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BaseException as error:  # noqa: BLE001 - the last resort is the whole point
        _show_traceback(error)
        return _report(error)
    finally:
        _handle(before)


def _invoke(command: click.Command, arguments: list[str]) -> int:
    """Not `command.main`, which reports a closed pipe with 1, as if a check had failed."""
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(command, {}, PROGRAM, COMPLETE, instruction)
    with command.make_context(PROGRAM, arguments) as context:
        return int(command.invoke(context) or 0)


def _report(error: BaseException) -> int:
    """Say what happened; the exit code for it."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else 0
        case click.Abort() | KeyboardInterrupt() | EOFError():
            echo_error("interrupted; nothing half-written is left", label="")
            return INTERRUPTED
        case Terminated():
            return TERMINATED
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.ctx.get_help(), err=True)
            return error.exit_code
        case click.UsageError():
            _report_usage(error)
            return error.exit_code
        case click.ClickException():
            echo_error(error.format_message())
            return error.exit_code
        case LstmgraphError():
            echo_error(str(error))
            return error.exit_code
        case OSError() if _is_about_output(error):
            return _report_output(error)
    return _report_internal(error)


def _report_usage(error: click.UsageError) -> None:
    """Click's own message, its usage line included, in the form of all others."""
    echo_error(error.format_message())
    if error.ctx is not None:
        click.echo(f"usage: {error.ctx.get_usage().removeprefix('Usage: ')}", err=True)
        click.echo(f"       {error.ctx.command_path} --help says more", err=True)


def _is_about_output(error: OSError) -> bool:
    """Writing to standard output failed: such an error names no file."""
    return error.filename is None and error.errno in {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF, errno.EINVAL}


def _report_output(error: OSError) -> int:
    """A closed pipe is nobody's fault and ends quietly; what Python still holds back must not fail again at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno in {errno.EPIPE, errno.EINVAL}:  # EINVAL: Windows
        return CLOSED_PIPE
    why = "it is closed" if error.errno == errno.EBADF else (error.strerror or str(error)).lower()
    echo_error(f"cannot write to standard output: {why}")
    return 2


def _report_internal(error: BaseException) -> int:
    what = " ".join(str(error).split())[:300]
    echo_error(
        f"{type(error).__name__}: {what}\n"
        "this is a fault of lstmgraph, not yours; please report it with the command, the cell file and the output of\n"
        "`lstmgraph doctor`; LSTMGRAPH_DEBUG=1 in the environment shows where it happened",
        label="internal error: ",
    )
    return INTERNAL


def _show_traceback(error: BaseException) -> None:
    if os.environ.get("LSTMGRAPH_DEBUG") and not isinstance(error, (click.exceptions.Exit, SystemExit)):
        import traceback

        traceback.print_exception(error)


def _prepare_streams() -> None:
    """Our text is UTF-8 in files and pipes; a terminal that cannot show a letter shows its code instead of failing.

    Where standard output is closed something stands in for it that cannot be written, so that a result is not lost in
    silence, and no file that is opened later is taken for it.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):  # replaced by something simpler, or closed
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


def _handle(handlers: Mapping[int, Handler]) -> dict[int, Handler]:
    """Set what signals do, except those that are ignored; what they did before.  Only the main thread may."""
    before: dict[int, Handler] = {}
    with suppress(ValueError):
        for number, handler in handlers.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    return before


def _terminate(_: int, __: FrameType | None) -> None:
    raise Terminated
