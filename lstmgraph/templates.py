"""Where the templates are, and how one is filled in.

`templates/` is a folder at the top of the checkout, so that whoever wants another look for a generated file finds it
there.  A wheel carries the same files inside the package, as `lstmgraph/_templates/`.  So an installed package finds
them beside this module; a checkout, an unpacked sdist and an editable install find them beside the package.

To add a template: put a file `NAME.j2` into `templates/`.  Templates hold text and loops, no logic.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lstmgraph.errors import LstmgraphError

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).resolve().parent
# In this order: a wheel's neighbour `site-packages/templates` would be somebody else's.
_PLACES = (_PACKAGE / "_templates", _PACKAGE.parent / "templates")


def folder() -> Path:
    """The folder of templates of this installation."""
    for place in _PLACES:
        if place.is_dir():
            return place
    looked = " nor ".join(str(place) for place in _PLACES)
    raise LstmgraphError(f"no templates: neither {looked} exists", hint="reinstall lstmgraph; its files are incomplete")


def render(name: str, **values: object) -> str:
    """The text of template `name` with `values` filled in; a value that the template misses is an error."""
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 60 ms that only generated files need to pay

    return Environment(
        loader=FileSystemLoader(folder()),
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".svg.j2", ".xml.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
