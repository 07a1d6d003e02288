"""Gradient flow: measured norms against direct products, against what is known in closed form, and its words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import lstmgraph
from docs import make_flow
from lstmgraph.api.flow import GradientFlow, Settings, compared
from lstmgraph.api.flowtext import decimal
from lstmgraph.errors import LstmgraphError
from lstmgraph.numeric.evaluate import evaluate
from lstmgraph.numeric.flow import WARM_UP, Curve
from lstmgraph.numeric.flow import Path as Way
from lstmgraph.numeric.weights import Draw, recurrent

PAPERS = Path(__file__).parents[1] / "reading" / "papers"
SMALL: dict[str, int] = {"H": 3, "X": 2}


def by_torch(name: str, steps: int, torch: object) -> dict[str, float]:
    """The norms of ∂s[t]/∂s[t-k] for k = steps, by torch's jacrev through the whole sequence."""
    import torch as t

    cell = lstmgraph.load(name)
    draw = Draw(cell, {z: SMALL[str(z)] for z in cell.sizes}, samples=1)
    states = {s.name: t.tensor(v[0]) for s, v in zip(cell.states, draw.states.values(), strict=True)}
    parameters = {k: t.tensor(v[0]) for k, v in draw.parameters.items()}

    def step(states: dict[str, object], at: int) -> dict[str, object]:
        inputs = {k: t.tensor(v[0]) for k, v in draw.inputs(at).items()}
        previous = {s.previous.name: states[s.name] for s in cell.states}
        found = evaluate(cell.step, {**parameters, **inputs, **previous}, t)
        return {s.name: found[s.next.name] for s in cell.states}

    for at in range(WARM_UP):
        states = step(states, at)

    def last(start: dict[str, object]) -> dict[str, object]:
        for at in range(WARM_UP, WARM_UP + steps):
            start = step(start, at)
        return start

    blocks = t.func.jacrev(last)(states)
    square = {a: {b: m.squeeze().numpy() for b, m in row.items()} for a, row in blocks.items()}
    whole = np.block([[square[a.name][b.name] for b in cell.states] for a in cell.states])
    norms = {s.name: float(np.linalg.norm(square[s.name][s.name], 2)) for s in cell.states}
    return {**norms, "all": float(np.linalg.norm(whole, 2))}


@pytest.mark.torch
@pytest.mark.parametrize("name", ["lstm", "gru", "peephole_lstm", "slstm"])
def test_norms_are_those_of_torch_through_the_sequence(name: str, torch: object) -> None:
    flow = lstmgraph.load(name).flow(steps=7, samples=1, sizes=SMALL)
    for state, norm in by_torch(name, 7, torch).items():
        if state != "all" or len(flow.tracks[0].cell.states) > 1:
            assert np.exp(flow.curve(state).median[-1]) == pytest.approx(norm, rel=1e-10, abs=1e-300)


def test_a_linear_network_has_the_powers_of_its_matrix() -> None:
    """h stays at 0, where the slope of tanh is 1: a rotation and stretch by 1.5, over hundreds of steps."""
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    for factor in (0.25, 1.0, 1.5):
        given = {"U": factor * turn, "W": np.zeros((2, 1)), "b": np.zeros((2, 1))}
        curve = lstmgraph.load("rnn").flow(steps=800, samples=1, weights=given).curve()
        assert curve.rate == pytest.approx(np.log(factor), abs=1e-9)
        np.testing.assert_allclose(curve.median, curve.steps * np.log(factor), rtol=1e-9, atol=1e-9)
        assert curve.verdict == ("vanishes" if factor < 1 else "explodes" if factor > 1 else "is kept")


def test_the_identity_of_the_lstm_is_exact() -> None:
    flow = lstmgraph.load("lstm").flow(steps=400, samples=2, sizes=SMALL, open="f=1,i=0")
    assert not flow.curve("c").logs.any()
    assert not flow.curve("c", alone=True).logs.any()
    assert flow.curve("h", alone=True).rate == -np.inf
    assert "its Jacobian is the identity" in str(flow)


def test_alone_is_the_product_of_forget_gates() -> None:
    """With the gate's network set to its bias, f = σ(1): the norm of the product is that to the power k."""
    values = {"W_f": 0, "U_f": 0, "b_f": 1}
    flow = lstmgraph.load("lstm").flow(steps=50, samples=2, sizes={"H": 2, "X": 2}, values=values)
    curve = flow.curve("c", alone=True)
    np.testing.assert_allclose(curve.median, -curve.steps * np.log1p(np.exp(-1)), rtol=1e-12)


@pytest.mark.parametrize(
    "name", [*lstmgraph.library(), *map(str, sorted(PAPERS.glob("*.toml")))], ids=lambda n: Path(n).stem
)
def test_every_cell_flows(name: str) -> None:
    flow = lstmgraph.load(name).flow(steps=3, samples=1, sizes=None)
    assert all(np.all(curve.logs < np.inf) for curve in flow.tracks[0].flow.curves)
    assert str(flow).count("\n") > 10
    assert "largest term" in str(flow) or "identity" in str(flow) or "zero" in str(flow)


def test_the_claims_of_the_page_hold_at_a_small_size() -> None:
    for figure in make_flow.FIGURES.values():
        assert figure.holds(make_flow.measured(figure, steps=40, samples=2)), figure.claim


def test_every_figure_has_its_picture() -> None:
    assert {path.stem for path in make_flow.FOLDER.iterdir()} == set(make_flow.FIGURES)
    page = (make_flow.FOLDER.parent / "gradient-flow.md").read_text(encoding="utf-8")
    assert all(f"flow/{name}.svg" in page for name in make_flow.FIGURES)


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    one, same, other = (lstmgraph.load("gru").flow(steps=4, samples=2, sizes=SMALL, seed=s) for s in (1, 1, 2))
    assert one.rows == same.rows
    assert one.rows != other.rows


def test_recurrent_matrices_are_those_on_the_way_from_the_past() -> None:
    assert {p.name for p in recurrent(lstmgraph.load("lstm"))} == {"U_f", "U_i", "U_g", "U_o"}
    cell = lstmgraph.loads('equations = "h[t] = tanh(V @ concat(h[t-1], x[t]) + W @ x[t])"\nsizes = {x = "X", h = "H"}')
    assert {p.name for p in recurrent(cell)} == {"V"}


def test_a_curve_in_words() -> None:
    def curve(*logs: float) -> Curve:
        return Curve(Way("h"), np.arange(1, len(logs) + 1), np.array(logs)[:, None])

    half = np.log(0.5)
    assert curve(half, 2 * half, 3 * half, 4 * half, 5 * half).pace == "halves every 1 steps"
    assert curve(1.0, 2.0, 3.0, 4.0, 5.0).pace == "doubles every 0.693 steps"
    assert curve(0.5, -np.inf, -np.inf).pace == "is exactly zero from 2 steps back"
    assert curve(0.0, 0.0, 0.0, 0.0).verdict == "is kept"


@pytest.mark.parametrize(
    ("natural", "text"),
    [
        (0.0, "1"),
        (-np.inf, "0"),
        (np.log(0.25), "0.25"),
        (-1000 * np.log(10), "1.0e-1000"),
        (np.log(9.96e9), "1.0e+10"),
    ],
)
def test_a_norm_of_any_size_is_written(natural: float, text: str) -> None:
    assert decimal(natural) == text


# ── weights and settings ──


def test_weights_from_files_and_by_hand(tmp_path: Path) -> None:
    cell = lstmgraph.load("rnn")
    np.savez(tmp_path / "w.npz", U=0.5 * np.eye(4), W=np.zeros((4, 2)), b=np.zeros(4))
    (tmp_path / "w.json").write_text(json.dumps({"U": (0.5 * np.eye(4)).tolist(), "W": [[0, 0]] * 4, "b": [0] * 4}))
    by_hand = cell.flow(steps=5, samples=1, sizes={"H": 4, "X": 2}, values={"U": "0.5I", "W": 0, "b": 0})
    for file in ("w.npz", "w.json"):
        flow = cell.flow(steps=5, samples=1, weights=tmp_path / file)
        assert flow.tracks[0].flow.sizes == {"X": 2, "H": 4}
        np.testing.assert_array_equal(flow.curve().logs, by_hand.curve().logs)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"V": [[1]]}', "there is no parameter 'V' in rnn; .*json has one"),
        ('{"U": "x"}', "json: U is no array of real numbers"),
        ('{"U": [[1, 2], [3, 4]], "b": [1, 2, 3]}', "H"),
        ('{"U": [[NaN]]}', "json: U has entries that are not finite"),
        ('{"U": [[1], [1, 2]]}', "json: U is no array of real numbers"),
        ("[1]", "it holds no names"),
        ("{", "cannot read weights"),
    ],
)
def test_a_file_of_weights_that_does_not_fit(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "w.json").write_text(content)
    with pytest.raises(LstmgraphError, match=said):
        lstmgraph.load("rnn").flow(steps=2, samples=1, weights=tmp_path / "w.json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 0}, "the number of steps is a whole number from 1"),
        ({"samples": True}, "the number of samples"),
        ({"seed": -1}, "a seed is a whole number"),
        ({"scale": -1.0}, "a scale is a number from 0 on"),
        ({"sizes": {"H": 0}}, "the size H is a whole number"),
        ({"sizes": {"Z": 3}}, "there is no size 'Z' in lstm"),
        ({"values": {"b": 3}}, "there is no parameter 'b' in lstm"),
        ({"values": {"b_f": "x"}}, "b_f=x does not set a parameter"),
        ({"values": {"b_f": "3I"}}, "stands for a matrix"),
        ({"values": {"W_f": 2}, "sizes": {"H": 3, "X": 2}}, "no square matrix"),
        ({"of": "d"}, "there is no state 'd' in lstm"),
        ({"open": "g=1"}, "there is no gate 'g' in lstm"),
        ({"weights": "nowhere.npz"}, "cannot read weights from nowhere.npz"),
        ({"weights": "weights.txt"}, "is no file of weights"),
    ],
)
def test_what_cannot_be_measured(options: dict[str, object], said: str) -> None:
    with pytest.raises(LstmgraphError, match=said):
        lstmgraph.load("lstm").flow(**{"steps": 2, "samples": 1, **options})  # type: ignore[arg-type]


def test_values_that_are_not_finite_are_told() -> None:
    cell = lstmgraph.loads('equations = "h[t] = exp(h[t-1]) + x[t]"\nsizes = {x = "H"}', source="cell")
    with pytest.raises(LstmgraphError, match=r"h is not finite after \d+ steps"):
        cell.flow(steps=50, samples=1)


# ── pictures and data ──


@pytest.fixture(scope="module")
def several() -> GradientFlow:
    cells = [lstmgraph.load(name) for name in ("rnn", "lstm")]
    asked = Settings(steps=12, samples=2, sizes=SMALL)
    return compared(cells, asked, scales=(0.5, 2.0), values={"b_f": ("0", "3")})


def test_several_cells_and_weights_side_by_side(several: GradientFlow) -> None:
    assert [t.name for t in several.tracks] == [
        "Plain recurrent network, scale 0.5",
        "Plain recurrent network, scale 2",
        "LSTM, scale 0.5, b_f = 0",
        "LSTM, scale 0.5, b_f = 3",
        "LSTM, scale 2, b_f = 0",
        "LSTM, scale 2, b_f = 3",
    ]


def test_the_data_are_those_of_the_curves(several: GradientFlow) -> None:
    rows = list(csv.DictReader(several.data("csv").decode().splitlines()))
    assert len(rows) == sum(len(c.steps) for t in several.tracks for c in t.flow.curves)
    first = several.curve(track=0)
    assert float(rows[0]["log10_norm"]) == pytest.approx(first.median[0] / np.log(10))
    found = json.loads(several.data("json"))
    assert found["rates"][0]["verdict"] == first.verdict
    assert found["rates"][0]["rate"] == pytest.approx(first.rate)


def test_it_is_saved_by_its_suffix(several: GradientFlow, tmp_path: Path) -> None:
    for suffix in ("svg", "csv", "json", "txt"):
        assert several.save(tmp_path / f"flow.{suffix}").stat().st_size > 500
    with pytest.raises(LstmgraphError, match=r"no format has the suffix '.pdf'"):
        several.save(tmp_path / "flow.pdf")
