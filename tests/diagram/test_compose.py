"""Scenes put together, and captions: where they stand, how large they are, what they never do."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from lstmgraph.diagram.caption import HEADED, LEAST, captioned, captioned_alike, formula, sentence, table, words
from lstmgraph.diagram.compose import best_columns, grid, headed
from lstmgraph.diagram.layout.pipe import layout_pipe
from lstmgraph.diagram.scene import Label, Scene, moved
from lstmgraph.diagram.typeset import measure
from tests.diagram.graphs import lstm

LONG = r"h_t = " + " + ".join(rf"W_{{{k}}} x_{{t}} \odot U_{{{k}}} h_{{t-1}}" for k in range(1, 13))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return layout_pipe(lstm())


def box(label: Label) -> tuple[float, float, float, float]:
    width, height = measure(label)
    return label.at.x - width / 2, label.at.y - height / 2, label.at.x + width / 2, label.at.y + height / 2


def added(before: Scene, after: Scene) -> list[Label]:
    return list(after.labels[len(before.labels) :])


@pytest.mark.parametrize("count", [1, 3, 8, 30])
def test_a_caption_is_inside_and_overlaps_nothing(scene: Scene, count: int) -> None:
    after = captioned(scene, "A heading", [formula([f"f_t = a_{{{k}}}", "+ b"]) for k in range(count)])
    boxes = [box(x) for x in added(scene, after)]
    assert len(boxes) == 2 * count + 1
    width, height = after.size
    assert all(a >= 0 and b >= 0 and c <= width and d <= height for a, b, c, d in boxes)
    assert all(a >= scene.size[0] or b >= scene.size[1] for a, b, *_ in boxes)  # beside the picture or under it
    for (a, b, c, d), (e, f, g, h) in combinations(boxes, 2):
        assert c <= e or g <= a or d <= f or h <= b
    assert after.nodes == scene.nodes
    assert after.wires == scene.wires


def test_a_shape_that_is_asked_for(scene: Scene) -> None:
    text = [formula([f"f_t = a_{{{k}}}"]) for k in range(6)]
    beside, under = captioned(scene, "", text, 3.0), captioned(scene, "", text, 0.5)
    assert beside.size[0] > scene.size[0]
    assert beside.size[1] == scene.size[1]
    assert under.size[0] == scene.size[0]
    assert under.size[1] > scene.size[1]


def test_rows_of_a_table_stand_under_one_another(scene: Scene) -> None:
    rows = [[f"a_{k} = b", f"c_{k} = d + e", f"f_{k} = g"] for k in range(3)]
    after = captioned(scene, "", table(rows), 0.5)
    lefts = [round(box(x)[0], 2) for x in added(scene, after)]
    assert lefts[:3] == lefts[3:6] == lefts[6:]
    assert len({x.at.y for x in added(scene, after)[:3]}) < 3
    narrow = replace(scene, size=(120.0, 900.0))
    wide = [[f"a_{k} = bbbbbb" for k in range(count)] for count in (4, 3)]
    broken = added(narrow, captioned(narrow, "", table(wide), 0.1))
    lines = [sum(abs(x.at.y - y) < 3 for x in broken) for y in sorted({round(x.at.y) for x in broken})]
    assert lines == [2, 2, 2, 1], "as the longest row"


def test_a_column_rather_begins_with_a_heading(scene: Scene) -> None:
    sizes = {"a": 6, "b": 2}
    text = [
        p for k, n in sizes.items() for p in (words(k, role=HEADED), *[formula([f"f_t = a_{j}"]) for j in range(n)])
    ]
    tops: dict[int, Label] = {}
    for label in added(scene, captioned(scene, "", text)):
        tops.setdefault(round(box(label)[0]), label)
    assert {x.role for x in tops.values()} == {HEADED}


def test_formulas_that_are_too_wide_are_smaller_all_alike(scene: Scene) -> None:
    after = captioned(scene, "", [formula(["a = b"]), formula([LONG])], 0.5)
    sizes = {x.size for x in added(scene, after)}
    assert len(sizes) == 1
    assert sizes == {round(14.0 * LEAST, 2)}


def test_sentences_wrap_between_words(scene: Scene) -> None:
    text = sentence([(" ".join(["word"] * 120), False), ("f_t", True)])
    after = captioned(scene, "", [text], 0.5)
    lines = {round(x.at.y) for x in added(scene, after) if not x.math}
    assert len(lines) > 2
    assert after.size[0] == scene.size[0]


def test_pictures_of_one_walk_are_of_one_size(scene: Scene) -> None:
    short, long_ = [formula(["a = b"])], [formula(["a = b"]) for _ in range(9)]
    one, other = captioned_alike([scene, scene], ["1", "a longer heading"], [short, long_])
    assert one.size == other.size
    assert one.nodes == other.nodes == scene.nodes


def test_a_column_does_not_end_in_a_heading(scene: Scene) -> None:
    text = [p for k in range(8) for p in (words(f"group {k}", role="heading"), formula(["a = b"]), formula(["c = d"]))]
    after = captioned(scene, "", text, 1.2)
    columns: dict[int, list[Label]] = {}
    for label in added(scene, after):
        columns.setdefault(round(box(label)[0]), []).append(label)
    assert all(max(c, key=lambda x: x.at.y).role != "heading" for c in columns.values())


def test_no_caption_changes_nothing(scene: Scene) -> None:
    assert captioned(scene, "", []) == scene


def test_a_grid_keeps_scenes_apart(scene: Scene) -> None:
    whole = grid([scene] * 5, 2)
    assert len({n.id for n in whole.nodes}) == 5 * len(scene.nodes)
    for a, b in combinations(whole.frames, 2):
        assert a.right < b.left or b.right < a.left or a.bottom < b.top or b.bottom < a.top
    assert all(f.right < whole.size[0] and f.bottom < whole.size[1] for f in whole.frames)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (6, 3), (7, 4), (9, 3), (10, 5)])
def test_the_number_of_columns(scene: Scene, count: int, columns: int) -> None:
    assert best_columns([replace(scene, size=(700.0, 530.0))] * count) == columns


def test_a_shorter_row_stands_in_the_middle(scene: Scene) -> None:
    whole = grid([scene] * 7, 4)
    rows: dict[float, list[float]] = {}
    for frame in whole.frames:
        rows.setdefault(frame.top, []).append((frame.left + frame.right) / 2)
    upper, lower = rows.values()
    assert lower == pytest.approx([(a + b) / 2 for a, b in pairwise(upper)])
    assert grid([scene] * 2, 4).size == grid([scene] * 2, 2).size


def test_a_heading_stands_over_its_picture(scene: Scene) -> None:
    after = headed(scene, "LSTM")
    (label,) = added(scene, after)
    assert box(label)[1] >= 0
    assert box(label)[3] <= min(n.at.y - n.height / 2 for n in after.nodes)
    assert after.size[1] > scene.size[1]


def test_moved_there_and_back_is_the_same(scene: Scene) -> None:
    assert moved(moved(scene, 8.0, 16.0), -8.0, -16.0).nodes == scene.nodes
