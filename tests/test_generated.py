"""The page with generated code shows what is generated now; `python docs/make_generated.py` writes it anew."""

from __future__ import annotations

import pytest

from docs import make_generated

PAGE = make_generated.PAGE.read_text(encoding="utf-8")


def test_the_page_shows_what_is_generated() -> None:
    assert PAGE.count("<!-- ") == len(make_generated.SHOWN.findall(PAGE)) >= 5
    assert make_generated.current(PAGE) == PAGE


def test_a_page_that_is_stale_is_seen() -> None:
    stale = PAGE.replace("jax.nn.softplus(c)", "jnp.log(1 + jnp.exp(c))")
    assert stale != PAGE
    assert make_generated.current(stale) == PAGE


def test_a_function_that_is_not_there() -> None:
    with pytest.raises(LookupError, match="the numpy file has no function _sideways"):
        make_generated.function_in("def _forward():\n    pass\n", "_sideways", "numpy")
