"""The program: `lstmgraph`, and `python -m lstmgraph`.

It starts here and not in `lstmgraph.cli`, so that Ctrl-C is quiet from the first line on: importing click takes longer
than some people wait.
"""

import gc
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
GARBAGE = 1_000_000  # allocations between two searches for it: loading finds none, and a tenth of it was searching


def _leave(_: int = signal.SIGINT, __: FrameType | None = None) -> None:
    """End at once: before a command runs, and after it, there is nothing to tidy up."""
    os.write(2, b"interrupted; nothing half-written is left\n")
    os._exit(INTERRUPTED)


def main() -> int:
    """Run the command line and return its exit code."""
    gc.set_threshold(GARBAGE, 10, 10)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as by nohup and its like
        signal.signal(signal.SIGINT, _leave)
    try:
        from lstmgraph.cli import main as run

        code = run()
    except KeyboardInterrupt:  # a second one, while the first was being reported
        code = INTERRUPTED
    finally:
        gc.freeze()  # else Python searches all of SymPy for garbage as it leaves, a fifth of the time of a drawing
    if code == INTERRUPTED:  # at once: after an `exec` that was interrupted, `python -m` else ends by the signal itself
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
