"""The PyTorch module over the compiled C: on the CPU, in float32 and float64, its sequences are one call each way.

It is the module of the generated PyTorch file, whose sequences `OverC` runs in the place of `Derived`: the same
arguments, the same results.  Where the C functions cannot run (another device or type, vmap, what is being traced), and
where gradients are to be differentiated once more, the file's own `Derived` does.

`Texts` is all that a module is made of, as plain data: by it a module is pickled, and made again in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from lstmgraph.algebra.names import name_of
from lstmgraph.codegen.compiled import Library, checks_text
from lstmgraph.codegen.compiler import compiled, compiler
from lstmgraph.codegen.executed import executed, pickled_by
from lstmgraph.codegen.identifiers import class_name
from lstmgraph.codegen.loops.layout import Options
from lstmgraph.codegen.plan import Plan
from lstmgraph.codegen.targets.c import DTYPES, File

Tensor = Any  # torch.Tensor


def plain(tensor: Tensor) -> Tensor:
    """As C reads it: its numbers one after the other, none of them marked as negative."""
    return tensor.resolve_neg().contiguous()


class Texts(NamedTuple):
    """The texts of the PyTorch file, of the C files for each type, and of what reads sizes; and names in their order.

    `output` is the state that the output is, if it is one; `packs` names the C functions that take packed parameters.
    """

    source: str
    module: str
    prefix: str
    files: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    checks: str
    inputs: tuple[str, ...]
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    output: str | None
    packs: frozenset[str]

    def library(self, dtype: str) -> Library:
        return Library(self.prefix, compiled(self.prefix, dict(dict(self.files)[dtype])))


def namespace(plan: Plan, about: Sequence[str], source: str) -> dict[str, Any]:
    """What the PyTorch file defines.  Raises MissingExtra where there is no compiler."""
    compiler()
    return made(texts([File(plan, Options(dtype)) for dtype in DTYPES], about, source))


def texts(files: Sequence[File], about: Sequence[str], source: str) -> Texts:
    """Of the C files for each type, and the text of the PyTorch file."""
    file, cell = files[0], files[0].cell
    states = tuple(s.name for s in cell.states)
    return Texts(
        source,
        class_name(cell.name),
        file.prefix,
        tuple((f.options.dtype, tuple(f.named_texts(about).items())) for f in files),
        checks_text(cell),
        tuple(name_of(x).base for x in cell.inputs),
        states,
        tuple(p.name for p in cell.parameters),
        cell.output if cell.output in states else None,
        file.packs,
    )


@cache
def made(found: Texts) -> dict[str, Any]:
    """What the PyTorch file defines: the same classes each time, so that copies of a module are of its class."""
    own = over_c(found, lru_cache(found.library))
    pickled_by(own[found.module], made, found)
    return own


def over_c(found: Texts, libraries: Callable[[str], Library]) -> dict[str, Any]:
    """The same over libraries that are there: `libraries` gives that for a type."""
    own = executed(found.source, f"torch {found.module} over C")
    over = function(Calls(found, libraries), own["Derived"], own["_is_batched"])
    runs_sequences(own[found.module], over)
    return {**own, "Derived": over}


def runs_sequences(module: Any, over: Any) -> None:
    """Let what runs a sequence of the module be `over`, but not under torch.compile: its operators are the file's."""
    import torch

    sequence = module._sequence

    def _sequence(self: Any) -> Any:
        return over.apply if self.derived and not torch.compiler.is_compiling() else sequence(self)

    module._sequence = _sequence


# ── the function ──


def function(calls: Calls, derived: Any, is_batched: Callable[[Tensor], bool]) -> Any:
    """`derived`, a `torch.autograd.Function`, over C."""
    import torch

    count = 1 + len(calls.texts.states)  # of what a sequence returns; what backward takes comes after that

    class OverC(derived):
        """`reference` with its derived gradients, by compiled C."""

        @classmethod
        def apply(cls, *given: Any) -> Any:
            return super().apply(*given) if calls.fit(given) else derived.apply(*given)

        @staticmethod
        def forward(*given: Any) -> Any:
            return calls.forward(given)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            derived.setup_context(ctx, inputs, output)
            ctx.over_c = len(output) > count  # else it is under vmap, which has the equations
            if ctx.over_c:
                own = [] if calls.texts.output else output[:1]
                ctx.save_for_backward(*calls.tensors(inputs), *own, *output[count:])
                ctx.mark_non_differentiable(*output[count:])

        @staticmethod
        def backward(ctx: Any, *d: Any) -> Any:
            if torch.is_grad_enabled() or not ctx.over_c or any(is_batched(a) for a in d if a is not None):
                return derived.backward(ctx, *d)
            return calls.backward(ctx, d)

    return OverC


@dataclass
class Given:
    """The arguments of `reference` as the C functions take them, and the numbers that go with them."""

    library: Library
    sizes: tuple[int, ...]
    axes: tuple[int, ...]
    T: int
    B: int
    xs: list[Tensor]
    states: dict[str, Tensor]
    params: dict[str, Tensor]
    like: Tensor

    def __call__(self, name: str, *arguments: Any) -> None:
        self.library(name, self.sizes, self.T, self.B, *arguments)


@dataclass
class Calls:
    """The C functions on the arguments of `reference`: inputs with the time first or the steps, states, parameters."""

    texts: Texts
    libraries: Callable[[str], Library]

    def __post_init__(self) -> None:
        self.checks = executed(self.texts.checks, f"checks of {self.texts.prefix}")

    def tensors(self, given: Sequence[Any]) -> Sequence[Tensor]:
        return given if self.texts.inputs else given[1:]

    def fit(self, given: Sequence[Any]) -> bool:
        """Whether C can have them: plain tensors of one type, and nobody who looks on at what is computed."""
        import torch
        from torch.utils._python_dispatch import _get_current_dispatch_mode

        tensors = self.tensors(given)
        kinds = {(type(a) in {torch.Tensor, torch.nn.Parameter}, a.device.type, a.layout, a.dtype) for a in tensors}
        if not kinds <= {(True, "cpu", torch.strided, getattr(torch, d)) for d in DTYPES} or len(kinds) != 1:
            return False
        return not torch.jit.is_tracing() and _get_current_dispatch_mode() is None

    def given(self, tensors: Sequence[Tensor], steps: int = 0) -> Given:
        arrays = map(plain, tensors)
        xs, states, params = ({n: next(arrays) for n in names} for names in self.texts[5:8])
        first = next(iter(xs.values()), None)
        numbers = self.checks["read_sizes"](params, xs if len(xs) > 1 else first, states, 2)
        T, B = first.shape[:2] if first is not None else (steps, len(next(iter(states.values()), [0])))
        library = self.libraries(str(tensors[0].dtype).removeprefix("torch."))
        axes = tuple(self.checks["output_axes"](*numbers))
        return Given(library, tuple(numbers), axes, T, B, [*xs.values()], states, params, tensors[0])

    def forward(self, inputs: Sequence[Any]) -> tuple[Tensor, ...]:
        """What `reference` gives, and what else backward takes."""
        g, output = self.given(self.tensors(inputs), inputs[0]), self.texts.output
        new = g.like.new_empty
        trace = {name: new(g.T + 1, *state.shape) for name, state in g.states.items()}
        for name, state in g.states.items():
            trace[name][0] = state
        own = [] if output else [new(g.T, g.B, *g.axes)]
        work = new(g.library.count("work_size", g.sizes, g.T, g.B))
        pack = self.packed(g)
        g("forward", g.params, *pack, *g.xs, trace, *own, work)
        outputs = trace[output][1:] if output else own[0]
        return outputs, *(a[-1].clone() for a in trace.values()), *trace.values(), work, *pack

    def packed(self, g: Given) -> list[Tensor]:
        """The parameters as the products take them, if there is anything to be packed."""
        if not self.texts.packs:
            return []
        pack = g.like.new_empty(g.library.count("pack_size", g.sizes))
        g.library("pack", g.sizes, g.params, pack)
        return [pack]

    def backward(self, ctx: Any, d: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients of all arguments, back through time."""
        t, saved = self.texts, iter(ctx.saved_tensors)
        tensors = [next(saved) for _ in (*t.inputs, *t.states, *t.parameters)]
        g = self.given(tensors, getattr(ctx, "T", 0))
        own = [] if t.output else [next(saved)]
        trace = {name: next(saved) for name in t.states}
        work, *pack = saved
        d_outputs = g.like.new_zeros(g.T, g.B, *g.axes) if d[0] is None else plain(d[0])
        carry = {name: state.new_zeros(state.shape) for name, state in g.states.items()}
        for d_state, last in zip(carry.values(), d[1:], strict=False):
            if last is not None:
                d_state.copy_(last)
        grads = {name: p.new_empty(p.shape) for name, p in g.params.items()}
        d_xs = [x.new_empty(x.shape) for x in g.xs]
        pack = pack if "backward" in t.packs else []
        g("backward", g.params, *pack, *g.xs, trace, *own, d_outputs, carry, grads, *d_xs, work)
        return *(d_xs or [None]), *carry.values(), *grads.values()
