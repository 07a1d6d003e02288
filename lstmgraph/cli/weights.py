"""`lstmgraph weights`: parameters of a cell from the weights of another library, and as them."""

from __future__ import annotations

import click

from lstmgraph.cli.options import STANDARD_OUTPUT, WholeNumber, cell_argument, deliver, load_cell
from lstmgraph.errors import LstmgraphError, UsageError

# The options for the arguments that a hint names.
OPTIONS = {"`layer`": "--layer N", "`reverse`": "--reverse or --forward", "`at`": "--at NAME"}


@click.command("weights")
@cell_argument
@click.argument("file")
@click.option("--from", "source", metavar="LAYOUT", help="Whose weights FILE has.  [default: parameters of the cell]")
@click.option("--to", "target", metavar="LAYOUT", help="Whose weights to write.  [default: parameters of the cell]")
@click.option("--at", default="", metavar="NAME", help="The layer's name in a larger model.")
@click.option("--layer", type=WholeNumber(""), metavar="N", help="Which one of several torch layers, from 0.")
@click.option("--reverse/--forward", default=None, help="The direction through time of a bidirectional layer.")
@click.option("-o", "--output", metavar="FILE", help="Where to.  [default: list names and shapes]")
def command(
    name: str,
    file: str,
    source: str | None,
    target: str | None,
    at: str,
    layer: int | None,
    reverse: bool | None,
    output: str | None,
) -> None:
    """Convert the weights of an LSTM, GRU or plain recurrent layer.

    FILE and -o are .npz, .pt, .pth or .safetensors; FILE may be .onnx.  Layouts: lstmgraph list layouts.

    \b
    lstmgraph weights lstm model.pt --from torch -o params.npz
    lstmgraph weights lstm params.npz --to keras -o keras.npz
    lstmgraph weights gru_reset_after model.pt --from torch --at encoder.rnn --layer 1 --to flax -o flax.npz
    """
    from lstmgraph.api.weights import converted
    from lstmgraph.weights.files import written

    if source is None and target is None:
        raise UsageError("nothing is to be converted", hint="--from LAYOUT, --to LAYOUT, or both")
    cell = load_cell(name)
    try:
        arrays = converted(cell, file, source, target, at, layer, reverse)
    except LstmgraphError as error:
        for argument, option in OPTIONS.items():
            error.hint = error.hint.replace(argument, option)
        raise
    if output is not None and output != STANDARD_OUTPUT:
        deliver(written(output, arrays), output)
        return
    width = max(map(len, arrays), default=0)
    deliver("\n".join(f"{name.ljust(width)}  {array.dtype}  {array.shape}" for name, array in arrays.items()), None)
