"""What a call of the functions of a C file needs: blocks of memory, and the arguments that lie there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lstmgraph.codegen.block import Array, Block, BlockLayout, Shapes

if TYPE_CHECKING:
    from lstmgraph.codegen.compiled import Library


@dataclass(frozen=True)
class Rows:
    """The shapes of one sample; `own` has that of the output if this is no state, `pack` that of packed parameters."""

    params: Shapes
    inputs: Shapes
    states: Shapes
    output: tuple[int, ...]
    own: Shapes
    pack: Shapes


@dataclass(frozen=True)
class Setting:
    """What is the same for all calls of one type, with as many samples (and steps, if `T` is any) of the same sizes."""

    np: Any
    dtype: Any
    library: Library
    sizes: tuple[int, ...]
    rows: Rows
    B: int
    T: int | None = None

    @property
    def lead(self) -> tuple[int, ...]:
        """The axes in front of a sample's, which the C functions take."""
        return (self.B,) if self.T is None else (self.T, self.B)

    @cached_property
    def given(self) -> BlockLayout:
        """What is given to a step or a sequence, and what they work in."""
        rows = self.rows
        groups = {"params": rows.params, "xs": self._each(rows.inputs), "pack": rows.pack}
        if self.T is None:
            groups["states"] = self._each(rows.states)
        name = "step_size" if self.T is None else "work_size"
        return self._layout(**groups, work={"": (self.library.count(name, self.sizes, *self.lead),)})

    @cached_property
    def found(self) -> BlockLayout:
        """What comes out of them; before the states after each step of a sequence are those before the first."""
        before = () if self.T is None else (self.T + 1, self.B)
        return self._layout(states=self._each(self.rows.states, *before), output=self._each(self.rows.own))

    @cached_property
    def back_given(self) -> BlockLayout:
        return self._layout(params=self.rows.params, d_output=self._each({"": self.rows.output}))

    @cached_property
    def back_found(self) -> BlockLayout:
        """`d_states` go in as those of the last step."""
        rows = self.rows
        return self._layout(d_states=self._each(rows.states, self.B), grads=rows.params, d_xs=self._each(rows.inputs))

    def _each(self, shapes: Shapes, *lead: int) -> Shapes:
        return {name: (*(lead or self.lead), *shape) for name, shape in shapes.items()}

    def _layout(self, **groups: Shapes) -> BlockLayout:
        return BlockLayout(self.np, self.dtype, groups)


@dataclass(frozen=True)
class Given:
    """A block with copies of what a function is given; `states` are the initial ones."""

    setting: Setting
    block: Block
    states: Mapping[str, Array]

    def run(self, name: str, *arguments: Any) -> None:
        setting = self.setting
        setting.library(name, setting.sizes, *setting.lead, *arguments)

    def told(self, name: str, *arguments: Any) -> Callable[[], None]:
        setting = self.setting
        return setting.library.told(name, setting.sizes, *setting.lead, *arguments)

    def pack(self) -> None:
        self.setting.library("pack", self.setting.sizes, *self.block.struct("params"), *self.block.pointers("pack"))

    def ahead(self) -> list[Any]:
        """The first arguments of step and forward."""
        block = self.block
        return [*block.struct("params"), *block.pointers("pack"), *block.pointers("xs")]

    def behind(self, found: Block) -> list[Any]:
        """The last ones."""
        return [*found.pointers("output"), *self.block.pointers("work")]
