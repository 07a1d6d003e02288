"""Whether a picture tells in words what it shows: titles and a description for those who cannot see it, and the
equations that were asked for beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lstmgraph.diagram.quality.picture import Picture


def untold(picture: Picture) -> Iterator[str]:
    """A picture without title or description, values of which it says nothing, nodes and lines without a title."""
    scene = picture.scene
    if not scene.title:
        yield "the picture has no title"
    if not scene.description:
        yield "the picture has no description"
    elif not picture.asked.cotangents:
        values = (name for name in picture.graph.equations if f"{name} is " not in scene.description)
        yield from (f"the description does not say what {name} is" for name in values)
    yield from (f"{n.id} has no title" for n in scene.nodes if not n.title)
    yield from (f"{w.id} has no title" for w in (*scene.wires, *scene.trunks) if not w.title)


def uncaptioned(picture: Picture) -> Iterator[str]:
    """Equations that were asked for and do not stand beside the picture."""
    said = [x.text for x in picture.scene.labels if x.math and x.caption[0]]
    for begun in picture.asked.equations:
        if not any(text.startswith(begun) for text in said):
            yield f"no equation of {begun}"
