"""What a Program means in numbers, and whether the gradients and the generated code agree with it."""

from lstmgraph.numeric.check import check
from lstmgraph.numeric.evaluate import bind_sizes, evaluate
from lstmgraph.numeric.report import Report, Row
from lstmgraph.numeric.sequence import Steps, run_backward, run_sequence

__all__ = ["Report", "Row", "Steps", "bind_sizes", "check", "evaluate", "run_backward", "run_sequence"]
