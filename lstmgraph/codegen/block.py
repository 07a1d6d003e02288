"""Memory of several arrays in one piece, as a call from Python pays for each that is made and each address asked."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from math import prod
from typing import Any

Array = Any  # numpy.ndarray
Shapes = Mapping[str, tuple[int, ...]]
LINE = 64  # bytes


class BlockLayout:
    """Where arrays of one type lie, by the group that they are of and their names.

    Each begins where a line of the cache does: none of its vectors lies across two, and a step without a batch waits
    for its weights, of which each is read once.
    """

    def __init__(self, np: Any, dtype: Any, groups: Mapping[str, Shapes]) -> None:
        self.np, self.dtype = np, dtype
        self.groups: dict[str, dict[str, tuple[tuple[int, ...], int]]] = {}
        self.bytes = 0
        for group, shapes in groups.items():
            self.groups[group] = {}
            for name, shape in shapes.items():
                self.groups[group][name] = (shape, self.bytes)
                self.bytes += -(-prod(shape) * dtype.itemsize // LINE) * LINE
        self.structs = {group: ctypes.c_void_p * len(places) for group, places in self.groups.items()}

    def shape(self, group: str, name: str) -> tuple[int, ...]:
        return self.groups[group][name][0]


class Block:
    """Memory for a layout; the arrays and the pointers made of it keep it."""

    def __init__(self, layout: BlockLayout) -> None:
        self.layout = layout
        self.whole = layout.np.empty(layout.bytes + LINE, layout.np.uint8)
        address = self.whole.__array_interface__["data"][0]
        self.start = -address % LINE
        self.address = address + self.start
        self.structs: dict[str, list[Any]] = {}

    def arrays(self, group: str) -> dict[str, Array]:
        array, dtype, whole, start = self.layout.np.ndarray, self.layout.dtype, self.whole, self.start
        places = self.layout.groups[group]
        return {name: array(shape, dtype, whole, start + at) for name, (shape, at) in places.items()}

    def fill(self, group: str, arrays: Mapping[str, Array]) -> None:
        """With copies of arrays of any type and any order in memory."""
        for name, mine in self.arrays(group).items():
            mine[...] = arrays[name]

    def struct(self, group: str) -> list[Any]:
        """The argument that a group of arrays is, if there are any: pointers to them."""
        if group not in self.structs:
            addresses = [self.address + at for _, at in self.layout.groups[group].values()]
            self.structs[group] = [self._kept(self.layout.structs[group](*addresses))] if addresses else []
        return self.structs[group]

    def pointers(self, group: str) -> list[Any]:
        """An argument for each array of a group."""
        return [self._kept(ctypes.c_void_p(self.address + at)) for _, at in self.layout.groups[group].values()]

    def _kept(self, pointer: Any) -> Any:
        pointer.block = self.whole
        return pointer
