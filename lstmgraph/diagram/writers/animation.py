"""Animated SVG: the steps of a walk in one file, one after the other, by CSS alone.

Nothing moves between the frames of a walk, so the picture is drawn once, dimmed, and over it once more what is lit, in
groups of what is lit in the same frames; an animation of each group's opacity shows it in its turn.  Without animation
(a converter, or a reader who prefers reduced motion) all groups are seen: the whole cell, under its title.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement

from lstmgraph.diagram.compose import HEADING, MARGIN
from lstmgraph.diagram.scene import Dot, Label, Node, Point, Scene, Wire, moved
from lstmgraph.diagram.themes import Theme
from lstmgraph.diagram.typeset import measure, number
from lstmgraph.diagram.writers.svg import SvgWriter
from lstmgraph.errors import UsageError

SECONDS = 2.0  # of a frame
FADE = 0.25  # of its beginning, in which it appears

Frames = tuple[int, ...]  # the numbers, from 0, of the frames in which something is lit
Part = TypeVar("Part", Node, Wire, Dot)


def animate(scenes: Sequence[Scene], captions: Sequence[str], theme: Theme, mode: str = "auto") -> str:
    """One SVG that shows the scenes in turn, two seconds each, with their captions over them, again and again.

    The scenes are the frames of one walk: they differ in what is lit, and in labels; the first one's id, title and
    description are the file's.  `captions`: one line of words for each, or none at all.  `mode` as for a still SVG.
    Raises UsageError where there is not a caption for each scene, or no scene.
    """
    if not scenes or (captions and len(captions) != len(scenes)):
        raise UsageError(f"{len(scenes)} scenes cannot have {len(captions)} captions: give one for each")
    return _Animation(_under_captions(scenes, captions), captions, theme, mode).write()


def _under_captions(scenes: Sequence[Scene], captions: Sequence[str]) -> list[Scene]:
    """The scenes on pages of one size, with room for a line above."""
    down = 2 * MARGIN + HEADING if captions else 0.0
    wide = [measure(_caption(words, 0))[0] + 2 * MARGIN for words in (*captions, scenes[0].title)] if captions else [0]
    size = max([*wide, *(s.size[0] for s in scenes)]), max(s.size[1] for s in scenes) + down
    return [replace(moved(s, 0, down), size=size) for s in scenes]


def _caption(words: str, wide: float) -> Label:
    return Label(words, Point(wide / 2, MARGIN + HEADING / 2), HEADING, math=False)


class _Animation(SvgWriter):
    """One file being written, and the groups of frames that it shows together."""

    def __init__(self, scenes: Sequence[Scene], captions: Sequence[str], theme: Theme, mode: str) -> None:
        steps = f" Shown in turn: {'; '.join(captions)}." if captions else ""
        legend = tuple(
            replace(g, entries=tuple(replace(e, sample=replace(e.sample, lit=True)) for e in g.entries))
            for g in scenes[0].legend
        )
        whole = replace(scenes[0], description=scenes[0].description + steps, legend=legend)
        super().__init__(whole, theme, mode)
        self.scenes, self.captions = scenes, captions
        self.always = tuple(range(len(scenes)))
        self.shown: dict[Frames, None] = {}  # those that have a rule, in order

    def write(self) -> str:
        root = self.begin()
        self._draw_steps(root)
        self._draw_captions(root)
        self.legend(root)
        return self.end(root, self._rules())

    def _draw_steps(self, root: Element) -> None:
        """Everything dimmed, except for what every frame lights; then what some light, by the frames that do."""
        nodes = _times([s.nodes for s in self.scenes], lambda n: n.id)
        wires = _times([s.wires for s in self.scenes], lambda w: w.id)
        trunks = _times([s.trunks for s in self.scenes], lambda w: w.id)
        dots = _times([s.dots for s in self.scenes], lambda d: (d.at, d.role))
        labels = self._label_times()

        def part(wanted: Frames) -> Scene:
            return replace(
                self.scene,
                nodes=_lit(nodes, wanted), wires=_lit(wires, wanted), trunks=_lit(trunks, wanted),
                dots=_lit(dots, wanted), labels=tuple(x for x, frames in labels if frames == wanted),
            )  # fmt: skip

        dimmed = tuple(replace(x, role="dimmed") for x, frames in labels if frames != self.always)
        base = replace(
            self.scene,
            nodes=_all(nodes, self.always), wires=_all(wires, self.always), trunks=_all(trunks, self.always),
            dots=_all(dots, self.always), labels=(*part(self.always).labels, *dimmed),
        )  # fmt: skip
        self.draw(root, base)
        found = {frames for row in (nodes, wires, trunks, dots, labels) for _, frames in row}
        for frames in sorted(found - {(), self.always}):
            group = SubElement(root, "g", self._shown_in(frames))
            self.draw(group, part(frames))
            _bare(group)

    def _label_times(self) -> list[tuple[Label, Frames]]:
        """The labels that every frame has, and the frames in which they are not dimmed."""
        bright: dict[Label, list[int]] = {}
        for k, scene in enumerate(self.scenes):
            for label in scene.labels:
                bright.setdefault(_undimmed(label), []).extend([k] * (label.role != "dimmed"))
        return [(label, tuple(frames)) for label, frames in bright.items() if self._frames_with(label) == self.always]

    def _frames_with(self, label: Label) -> Frames:
        return tuple(k for k, scene in enumerate(self.scenes) if label in map(_undimmed, scene.labels))

    def _draw_captions(self, root: Element) -> None:
        """The words of each frame: those given, and labels that other frames lack.  A still picture has its title."""
        own: dict[Frames, list[Label]] = {}
        for label in dict.fromkeys(_undimmed(x) for scene in self.scenes for x in scene.labels):
            frames = self._frames_with(label)
            if frames != self.always:
                own.setdefault(frames, []).append(label)
        for k, words in enumerate(self.captions):
            own.setdefault((k,), []).append(_caption(words, self.scene.size[0]))
        for frames, labels in own.items():
            group = SubElement(root, "g", self._shown_in(frames) | {"opacity": "0"})
            for label in labels:
                self.words(group, label)
            _bare(group)
        if self.captions:
            group = SubElement(root, "g", {"class": f"{self.prefix}-still", "aria-hidden": "true"})
            self.words(group, _caption(self.scene.title, self.scene.size[0]))
            _bare(group)

    # ── the animation ──

    def _shown_in(self, frames: Frames) -> dict[str, str]:
        self.shown[frames] = None
        return {"class": self._name(frames), "aria-hidden": "true", "pointer-events": "none"}

    def _name(self, frames: Frames) -> str:
        return "-".join([self.prefix, "steps", *(str(k + 1) for k in frames)])

    def _rules(self) -> str:
        """Only where motion is welcome; each group's opacity over all frames."""
        count = len(self.scenes)
        rules = [f".{self.prefix}-still{{opacity:0}}"]
        for frames in self.shown:
            name = self._name(frames)
            rules.append(f".{name}{{animation:{name} {number(SECONDS * count)}s linear infinite}}")
            rules.append(f"@keyframes {name}{{{_keyframes(frames, count)}}}")
        return f"@media (prefers-reduced-motion: no-preference){{{''.join(rules)}}}"


def _keyframes(frames: Frames, count: int) -> str:
    """The opacity where it begins to change, and where it has changed; the first frame follows on the last."""
    found = []
    for k in range(count):
        before, here = (k - 1) % count in frames, k in frames
        start, changed = 100 * k / count, 100 * (k + FADE / SECONDS) / count
        if k == 0 or before != here:
            found.append(f"{number(start)}%{{opacity:{int(before)}}}{number(changed)}%{{opacity:{int(here)}}}")
    return "".join(found) + f"100%{{opacity:{int(count - 1 in frames)}}}"


def _times(rows: Sequence[Sequence[Part]], key: Callable[[Part], Hashable]) -> list[tuple[Part, Frames]]:
    """Each part of the first frame, and the frames in which it is lit."""
    lit = [{key(part) for part in row if part.lit} for row in rows]
    return [(part, tuple(k for k, found in enumerate(lit) if key(part) in found)) for part in rows[0]]


def _lit(times: Sequence[tuple[Part, Frames]], wanted: Frames) -> tuple[Part, ...]:
    """What is lit in just these frames."""
    return tuple(replace(part, lit=True) for part, frames in times if frames == wanted)


def _all(times: Sequence[tuple[Part, Frames]], always: Frames) -> tuple[Part, ...]:
    """Everything, lit where that is so in every frame."""
    return tuple(replace(part, lit=frames == always) for part, frames in times)


def _undimmed(label: Label) -> Label:
    return replace(label, role="text") if label.role == "dimmed" else label


def _bare(group: Element) -> None:
    """A copy that is only looked at: what is under it has the ids, the tooltips and the text."""
    for parent in list(group.iter()):
        for child in list(parent):
            if child.tag in ("title", "text") or child.get("pointer-events"):
                parent.remove(child)
        for name in ("id", "data-from", "data-to", "data-node"):
            if parent is not group:
                parent.attrib.pop(name, None)
