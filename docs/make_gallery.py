"""The gallery, made anew by one command: python docs/make_gallery.py

Draws every picture of gallery.toml into docs/gallery/ and writes docs/gallery.md around them.  With `--check` it writes
nothing, names what is not as it would be drawn now, and exits with 1 if there is such a file.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lstmgraph import load
from lstmgraph.diagram.quality import Case, piped, shortfalls
from lstmgraph.diagram.themes import load_theme
from lstmgraph.reading import library
from lstmgraph.roles import memories

HERE = Path(__file__).parent
WITHOUT_LEGEND = ("dag",)  # styles that have none
Table = Mapping[str, Any]

TOP = """# Gallery

Every picture is drawn from a cell's equations by the command under it. All of them, and this page, are made by
`python docs/make_gallery.py`."""
MEASURED = """## Measured

The rules of a good drawing as numbers; `lstmgraph draw CELL --quality` prints all of them, and
`python benchmarks/gates.py` prints them beside what drawings by hand reach. By hand the pipe of an LSTM has 1 crossing
(Olah) or, with peepholes, 5 (Shi Yan), and 0.68 bends a line. Graphviz's `dot` draws the same graphs with as many
crossings as the fourth column says."""
HEAD = ("cell", "style", "crossings", "of dot", "most bends", "mean bends", "outside of a gate")


def sections() -> list[Table]:
    return list(tomllib.loads((HERE / "gallery.toml").read_text(encoding="utf-8"))["section"])


def pictures(section: Table) -> Iterator[Table]:
    """The pictures of a section; `every_cell` stands for each cell of the library with these options."""
    for name in library() if "every_cell" in section else ():
        for chosen in section["every_cell"]:
            picture = {"file": "-".join([name, *map(str, chosen.values())]), "words": name, "cell": name, **chosen}
            if chosen.get("style") != "plumbing" or has_memory(name):
                yield picture if chosen.get("style") in WITHOUT_LEGEND else {**picture, "legend": False}
    yield from section.get("picture", ())


def has_memory(name: str) -> bool:
    """Whether a state reaches its next value without passing through a network: only such a cell has plumbing."""
    return bool(memories(load(name)))


def is_ours(path: Path) -> bool:
    """Whether the same equations give the same picture everywhere: Graphviz's layout differs with its version."""
    return not path.stem.endswith("-dag")


def options(picture: Table) -> dict[str, Any]:
    return {key: value for key, value in picture.items() if key not in ("file", "words", "cell")}


def svg(picture: Table) -> str:
    """The file of a picture."""
    cell, chosen = load(picture["cell"]), options(picture)
    return cell.animate(**chosen).svg if chosen.pop("animate", False) else cell.draw(**chosen).svg


def command(picture: Table) -> str:
    """What draws a picture on the command line."""
    spelt = [
        f"--{k}" if v is True else f"--no-{k}" if v is False else f"--{k} {v}" for k, v in options(picture).items()
    ]
    return " ".join(["lstmgraph draw", picture["cell"], *spelt, "-o", f"{picture['file']}.svg"])


def page() -> str:
    """The text of gallery.md."""
    blocks = [TOP]
    for section in sections():
        blocks += [f"## {section['title']}", section["words"].strip()]
        blocks += [terminal(t) for t in section.get("terminal", ())]
        blocks += [shown(section)] if any(pictures(section)) else []
    return "\n\n".join([*blocks, MEASURED, piped(list(scores()))]) + "\n"


def shown(section: Table) -> str:
    """The pictures of a section in a table, with their captions and commands."""
    columns = section.get("columns", 1)
    cells = [
        f'<td width="{100 // columns}%"><img src="gallery/{p["file"]}.svg" alt="{p["words"]}" width="100%"><br>'
        f"{p['words']}<br><code>{command(p)}</code></td>"
        for p in pictures(section)
    ]
    rows = ["\n".join(cells[k : k + columns]) for k in range(0, len(cells), columns)]
    return "<table>\n" + "\n".join(f"<tr>\n{row}\n</tr>" for row in rows) + "\n</table>"


def terminal(text: Table) -> str:
    """A drawing as a terminal shows it, under its command."""
    shown = load(text["cell"]).draw(text["style"]).terminal(colour=False)
    return f"```console\n$ lstmgraph draw {text['cell']} --style {text['style']} --format text\n{shown.rstrip()}\n```"


def scores() -> Iterator[tuple[str, ...]]:
    """The matrix of the library: a row for each cell and style."""
    yield HEAD
    for name in library():
        for style in ("pipe", "cell-block"):
            drawing = load(name).draw(style)
            assert drawing.graph is not None
            case = Case(drawing.scene, drawing.graph, load_theme("default"), style)
            q, broken = case.quality, [complaint.partition(":")[0] for complaint in shortfalls(case)]
            figures = (str(q.crossings), str(case.rival), str(q.most_bends), f"{q.mean_bends:.2f}")
            yield name, style, *figures, ", ".join(broken) or "none"


def files() -> dict[Path, str]:
    """Everything that the gallery consists of."""
    drawn = {HERE / "gallery" / f"{p['file']}.svg": svg(p) for section in sections() for p in pictures(section)}
    return {**drawn, HERE / "gallery.md": page()}


def is_current(path: Path, text: str, check: bool) -> bool:
    """Whether a file is as it would be drawn; of what Graphviz lays out a check asks only whether it is there."""
    return path.is_file() and ((check and not is_ours(path)) or path.read_text(encoding="utf-8") == text)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where something is not current"
    )
    check = parser.parse_args(arguments).check
    made = files()
    stale = [path for path, text in made.items() if not is_current(path, text, check)]
    extra = [path for path in sorted((HERE / "gallery").glob("*")) if path not in made]
    for path in (*stale, *extra):
        print(path.relative_to(HERE.parent))
    if check:
        return 1 if stale or extra else 0
    (HERE / "gallery").mkdir(exist_ok=True)
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    for path in extra:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
