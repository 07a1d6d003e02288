"""Themes: what colour each role has, and the look.  A theme is a TOML file in this folder; to add one, add a file.

A file has a table `light` and may have a table `dark` (where it has none, the light one serves both).  Each gives the
background, the text, the container, the dimmed tone of what a step leaves in the background, and a paint for every role
of a node and of a wire; `dashes` may give wires a second cue.  No layout and no writer knows a colour.  A table `look`
may change the forms of operations and how much is shown: see `diagram.look`.  `walk` names the walk whose steps go
with the theme, in cells that have it.  `like = "print"` takes all that a file does not say from another theme.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from lstmgraph.diagram.graph import ValueKind
from lstmgraph.diagram.look import DEFAULT_LOOK, Look, read_look
from lstmgraph.diagram.scene import UNSET
from lstmgraph.errors import UnknownName

FOLDER = Path(__file__).parent

Mode = Literal["light", "dark"]

WIRE_ROLES: tuple[str, ...] = (*get_args(ValueKind), "trunk")
NODE_ROLES = (
    *(*WIRE_ROLES, "sum", "network", "sigmoid", "tanh", "function", "operator", "cell"),
    *("step", "pipe", "valve", "old_water", "new_water"),  # a step as one box; plumbing
)
# Roles that a theme may paint in a way of their own, and the role that they are painted as where it does not.
FAMILY = {
    "add": "operator",
    "sigmoid_network": "network",
    "tanh_network": "network",
    "memory_and_output": "memory",
    "previous_memory_and_output": "previous_memory",
}


class Paint(NamedTuple):
    """Inside, outline, and what is written on it."""

    fill: str
    stroke: str
    text: str


@dataclass(frozen=True)
class Palette:
    """The colours of one mode."""

    background: str
    text: str
    container: Paint
    dimmed: Paint
    nodes: Mapping[str, Paint]
    wires: Mapping[str, str]

    def node(self, role: str, lit: bool = True) -> Paint:
        """A role that the theme does not know is painted as its family, or as a function."""
        family = self.nodes.get(FAMILY.get(role, "function"), self.nodes["function"])
        return self.nodes.get(role, family) if lit else self.dimmed

    def wire(self, role: str, lit: bool = True) -> str:
        """A role that the theme does not know is drawn as an internal value."""
        return self.wires.get(role, self.wires["internal"]) if lit else self.dimmed.stroke

    def words(self, role: str) -> str:
        """The colour of a label: plain, or grey if it is dimmed or of second rank."""
        return self.dimmed.text if role in ("dimmed", "heading", UNSET) else self.text


@dataclass(frozen=True)
class Theme:
    name: str
    title: str
    light: Palette
    dark: Palette
    dashes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    look: Look = DEFAULT_LOOK
    walk: str = ""  # the walk that is taken where none is asked for and the cell has it

    @property
    def patterns(self) -> Mapping[str, str]:
        """What the dashes of each kind of wire are called: dots are shorter than the gaps between them."""
        return {role: "dotted" if dash[0] < dash[1] else "dashed" for role, dash in self.dashes.items()}

    def palette(self, mode: Mode) -> Palette:
        return self.dark if mode == "dark" else self.light


def theme_names() -> tuple[str, ...]:
    return tuple(sorted(p.stem for p in FOLDER.glob("*.toml")))


@cache
def load_theme(name: str) -> Theme:
    """The theme of that name."""
    data = _read(name)
    light = _palette(data["light"])
    dark = _palette(data["dark"]) if "dark" in data else light
    dashes = {role: tuple(float(n) for n in dash) for role, dash in data.get("dashes", {}).items()}
    return Theme(name, data["title"], light, dark, dashes, read_look(data.get("look", {})), data.get("walk", ""))


def _read(name: str) -> dict[str, Any]:
    if name not in theme_names():
        raise UnknownName("theme", name, theme_names())
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return _over(_read(data["like"]), data) if "like" in data else data


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One table over another, and so with the tables in them."""
    both = {k: _over(below[k], v) for k, v in above.items() if isinstance(v, dict) and isinstance(below.get(k), dict)}
    return {**below, **above, **both}


def _palette(table: Mapping[str, Any]) -> Palette:
    """Every role must be there: a missing one is a mistake in the file, and shows at once."""
    paints = table["nodes"]
    nodes = {role: Paint(**paints[role]) for role in (*NODE_ROLES, *(r for r in FAMILY if r in paints))}
    wires = {role: str(table["wires"][role]) for role in WIRE_ROLES}
    container = Paint(text=table["text"], **table["container"])
    return Palette(table["background"], table["text"], container, Paint(**table["dimmed"]), nodes, wires)
