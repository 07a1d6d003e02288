"""Generated Python made into what it defines."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from types import ModuleType
from typing import Any


def executed(source: str, words: str) -> dict[str, Any]:
    """All that a text of our own defines, which `inspect.getsource` and tracebacks also show.

    It is a module that can be imported by its name, as `torch.compile` does with that of a function in a user's model.
    """
    # A name of its own for each text, or tracebacks would show another's; the same text is kept once.
    name = f"<lstmgraph {words} {sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = ModuleType(name)
    exec(compile(source, name, "exec"), vars(module))  # noqa: S102 - our own text, from typed equations
    sys.modules[name] = module
    return vars(module)


@cache
def with_class(source: str, words: str, name: str) -> dict[str, Any]:
    """What a text defines, whose class of that name has objects that can be pickled; the same class each time."""
    found = executed(source, words)
    pickled_by(found[name], with_class, source, words, name)
    return found


def pickled_by(own: Any, made: Callable[..., dict[str, Any]], *given: Any) -> None:
    """A generated class has no place to be imported from: where an object is unpickled, `made(*given)` has it again.

    Classes that inherit from it have a place.
    """

    def reduced(self: Any, protocol: Any) -> Any:
        again = (restored, (own.__name__, made, *given), vars(self))
        return again if type(self) is own else super(own, self).__reduce_ex__(protocol)

    own.__reduce_ex__ = reduced


def restored(name: str, made: Callable[..., dict[str, Any]], *given: Any) -> Any:
    """An object of a generated class without its contents."""
    own = made(*given)[name]
    return own.__new__(own)
