import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmgraph.algebra.names import MARKS, Name, like, name_of, size, symbol
from lstmgraph.algebra.nodes import Sigmoid

names = st.builds(
    Name,
    base=st.from_regex(r"[A-Za-z_]\w{0,5}(\.[1-9])?", fullmatch=True),
    lag=st.sampled_from([None, -1, 0, 1]),
    marks=st.lists(st.sampled_from(MARKS), max_size=3).map(tuple),
)


@given(names)
def test_text_form_round_trips(name: Name) -> None:
    assert Name.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", "h[t", "h[s]", "bar(h", "bar()", "h t", "h[t-]", "h)"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        Name.parse(text)


def test_marks_keep_shape_and_step() -> None:
    h = symbol("h[t-1]", (size("H"), size(1)))
    assert like(h, "bar").name == "bar(h)[t-1]"
    assert like(like(h, "pre"), "bar").name == "bar(pre(h))[t-1]"
    assert like(h, "bar").shape == h.shape
    assert name_of(h) == Name("h", -1)


def test_nodes_are_plain_sympy() -> None:
    h = symbol("h[t]", (size("H"), size(1)))
    g = symbol("g[t]", h.shape)
    node = Sigmoid(h)
    assert node.func(*node.args) == node == pickle.loads(pickle.dumps(node))
    assert node.xreplace({h: g}) == Sigmoid(g) != node
    assert node.free_symbols == {h}
