import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmgraph.algebra.names import MARKS, Name, later, like, name_of, size, symbol
from lstmgraph.algebra.nodes import Sigmoid

bases = st.from_regex(r"[A-Za-z_]\w{0,5}(\.[1-9])?", fullmatch=True)
marks = st.lists(st.sampled_from(MARKS), max_size=3).map(tuple)
relative = st.builds(Name, bases, st.sampled_from([None, -1, 0, 1]), marks)
counted = st.builds(Name, bases, st.sampled_from([0, 1, 12]), marks, st.sampled_from(["", "T"]))
names = st.one_of(relative, counted)


@given(names)
def test_text_form_round_trips(name: Name) -> None:
    assert Name.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", "h[t", "h[s]", "bar(h", "bar()", "h t", "h[t-]", "h)", "h[-1]", "h[T1]"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        Name.parse(text)


def test_marks_keep_shape_and_step() -> None:
    h = symbol("h[t-1]", (size("H"), size(1)))
    assert like(h, "bar").name == "bar(h)[t-1]"
    assert like(like(h, "pre"), "bar").name == "bar(pre(h))[t-1]"
    assert like(h, "bar").shape == h.shape
    assert name_of(h) == Name("h", -1)


def test_a_step_can_be_counted_from_the_beginning_or_from_the_end() -> None:
    h = symbol("h[t-1]", (size("H"), size(1)))
    found = [later(h, 1), later(h, 1, ""), later(h, 3, ""), later(h, 1, "T"), later(h, 2, "T")]
    assert [s.name for s in found] == ["h[t]", "h[0]", "h[2]", "h[T]", "h[T+1]"]
    assert name_of(later(h, 2, "T")) == Name("h", 1, (), "T")
    W = symbol("W", (size("H"), size("H")))
    assert later(W, 3) is W, "a parameter is the same at all times"


def test_nodes_are_plain_sympy() -> None:
    h = symbol("h[t]", (size("H"), size(1)))
    g = symbol("g[t]", h.shape)
    node = Sigmoid(h)
    assert node.func(*node.args) == node == pickle.loads(pickle.dumps(node))
    assert node.xreplace({h: g}) == Sigmoid(g) != node
    assert node.free_symbols == {h}
