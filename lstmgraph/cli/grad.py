"""`lstmgraph grad`: the gradients of a cell, as formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from lstmgraph.cli.options import cell_argument, choose_format, deliver, load_cell, notation_option
from lstmgraph.cli.through_time import THROUGH_TIME, through_time_arguments, through_time_options
from lstmgraph.errors import UsageError

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell
    from lstmgraph.api.formulas import Formulas


@click.command("grad")
@cell_argument
@click.option("-f", "--format", metavar="FORMAT", help="unicode, latex, markdown or html.  [default: unicode]")
@click.option(
    "--wrt",
    multiple=True,
    metavar="NAME",
    help="A parameter, input or state (its previous value); repeatable.  [default: all]",
)
@click.option("--tangent", is_flag=True, help="Forward mode: how the outputs change along a direction in --wrt.")
@click.option("--hessian", is_flag=True, help="The Hessian in --wrt times a direction, by forward over reverse mode.")
@click.option("--reuse", is_flag=True, help="With fewer multiplies: products of the forward pass are reused.")
@click.option("--stacked", is_flag=True, help="With the weights of gates that share an operand in one matrix.")
@click.option(
    "--against", metavar="CELL", help="Term by term: what only this cell has (−), and what only CELL has (+)."
)
@notation_option
@click.option("--explain", is_flag=True, help="Every line with the rule that gives it and the equation it comes from.")
@click.option("--index", is_flag=True, help="Each equation also entry by entry, with indices and sums.")
@click.option("--numbered", is_flag=True, help="Number the equations.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to; .txt, .tex, .md or .html chooses the format.  [default: standard output]",
)
@through_time_options
def command(
    name: str,
    format: str | None,
    wrt: tuple[str, ...],
    tangent: bool,
    hessian: bool,
    reuse: bool,
    stacked: bool,
    against: str | None,
    notation: str | None,
    explain: bool,
    index: bool,
    numbered: bool,
    output: str | None,
    **options: Any,
) -> None:
    """Derive the gradients of one step of a cell, or through time, or other derivatives of it.

    \b
    lstmgraph grad lstm
    lstmgraph grad lstm --wrt W_f --wrt h -f latex
    lstmgraph grad lstm --explain -o lstm.html
    lstmgraph grad gru --wrt h --hessian
    lstmgraph grad lstm --through-time --loss last
    lstmgraph grad lstm --against peephole_lstm
    """
    from lstmgraph.api.catalogue import FORMULAS

    chosen = choose_format(output, format, FORMULAS, "unicode")
    if against is not None:
        forms = {"tangent": tangent, "hessian": hessian, "reuse": reuse, "stacked": stacked, "wrt": wrt, **options}
        alone("against", {**forms, "explain": explain, "index": index, "numbered": numbered})
        deliver(load_cell(name).gradient_against(load_cell(against), notation).text(chosen), output)
        return
    derived = derived_by(load_cell(name), wrt, notation, {"tangent": tangent, "hessian": hessian, **options})
    derived = in_form(derived, {"reuse": reuse, "stacked": stacked}, explain)
    deliver(_explanation(derived, chosen, index) if explain else derived.text(chosen, numbered, index), output)


def alone(option: str, others: Mapping[str, Any]) -> None:
    """Raises UsageError where something is asked for that the option does not go together with."""
    given = next((name for name, value in others.items() if value not in (None, False, ())), None)
    if given:
        other = given.replace("_", "-")
        raise UsageError(f"--{option} and --{other} do not go together", hint="ask for one after the other")


def _explanation(derived: Formulas, format: str, index: bool) -> str:
    from lstmgraph.api.gradient import Gradient
    from lstmgraph.api.time import ThroughTime

    if index:
        raise UsageError("--explain and --index do not go together", hint="ask for one after the other")
    if not isinstance(derived, Gradient | ThroughTime):
        raise UsageError(
            "--explain is for the gradients of one step, or --through-time",
            hint="ask for what else is derived without it",
        )
    return derived.explain(format)


# What is made of the gradients of one step: the option that asks for it, and the method.
FORMS = {"reuse": "reusing", "stacked": "stacked"}


def in_form(derived: Formulas, given: Mapping[str, bool], explain: bool = False) -> Formulas:
    """What is derived, in the form that the options ask for.  Raises UsageError where there is none."""
    from lstmgraph.api.gradient import Gradient

    asked = [option for option in FORMS if given[option]]
    if asked and explain:
        raise UsageError(
            f"--explain and --{asked[0]} do not go together", hint="what is explained is the textbook form"
        )
    for option in asked:
        if not isinstance(derived, Gradient):
            raise UsageError(
                f"--{option} is for the gradients of one step", hint="ask for what else is derived without it"
            )
        derived = getattr(derived, FORMS[option])()
    return derived


# What is derived: the option that asks for it, and the method of a cell.  To add a kind, add a row and its option.
KINDS = {
    "tangent": "tangent",
    "hessian": "hessian_vector",
    "through_time": "through_time",
    "unroll": "gradient_unrolled",
}


def derived_by(cell: Cell, wrt: tuple[str, ...], notation: str | None, options: dict[str, Any]) -> Formulas:
    """What the options choose to derive.  Raises UsageError where they do not go together."""
    asked = [option for option in KINDS if options[option] is not None and options[option] is not False]
    if len(asked) > 1:
        first, second = (f"--{option.replace('_', '-')}" for option in asked[:2])
        raise UsageError(f"{first} and {second} do not go together", hint="ask for one after the other")
    more = through_time_arguments(**{name: options[name] for name in THROUGH_TIME})
    derive = getattr(cell, KINDS[asked[0]] if asked else "gradient")
    found: Formulas = derive(wrt=wrt or None, notation=notation, **more)
    return found
