"""The target "torch": a standalone file with an `nn.Module`, its equations under autograd, and their derived gradients.

What stands in every such file is in `templates/torch.py.j2`; what depends on the cell is in `codegen/module.py`.
PASSES are those that the two directions of a sequence go through.  To spell an operation in PyTorch's own words, add a
row to FUNCTIONS; without one it is spelled by its scalar formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from sympy import Expr
from sympy.printing.numpy import NumPyPrinter

from lstmgraph.algebra import nodes as n
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.module import Module
from lstmgraph.codegen.passes import (
    Ways,
    blend,
    broadcast,
    collect,
    divide,
    even,
    gather,
    hoist_factors,
    hoist_terms,
    inline,
    outside,
    pack,
    place,
    recompute,
    rest,
    sink,
    split,
    spread,
    stack,
)
from lstmgraph.codegen.plan import Plan
from lstmgraph.errors import UsageError
from lstmgraph.templates import render

FUNCTIONS: dict[type, str] = {
    n.Sigmoid: "torch.sigmoid({})",
    n.Softplus: "softplus({})",
    n.Silu: "nn.functional.silu({})",
    n.Tanh: "torch.tanh({})",
    n.Exp: "torch.exp({})",
    n.Log: "torch.log({})",
    n.Sqrt: "torch.sqrt({})",
    n.Abs: "torch.abs({})",
    n.Sin: "torch.sin({})",
    n.Cos: "torch.cos({})",
    n.Sign: "torch.sign({})",
    n.Relu: "torch.relu({})",
    n.Step: "torch.relu(torch.sign({}))",
}

HELPERS: dict[str, str] = {
    "softplus": '''\
def softplus(a):
    """log(1 + exp(a)), without overflow."""
    return torch.logaddexp(a, torch.zeros_like(a))
''',
    "softmax": '''\
def softmax(a):
    """exp(a) / sum(exp(a)) along the last axis, without overflow."""
    return torch.softmax(a, dim=-1)
''',
}

ARRAYS: dict[str, str] = {
    "type": "{like}.new_tensor({a})",
    "zeros": "{like}.new_zeros({axes})",
    "ones": "{like}.new_ones({axes})",
    "full": "{like}.new_full({axes}, {a})",
    "broadcast": "torch.broadcast_to({a}, {axes})",
    "reshape": "torch.reshape({a}, (1,))",
    "concatenate": "torch.cat({a}, dim={axis})",
    "maximum": "torch.maximum({a}, {b})",
    "minimum": "torch.minimum({a}, {b})",
    "clamp": "torch.clamp({a}, {b})",
    "contraction": 'torch.einsum("b{axes[0]},b{axes[1]}->ik", {a}, {b})',
    "kept": "torch.where({b}, {a}, 0)",
    "sum_all": "torch.sum({a})",
    "sum_batch": "torch.sum({a}, dim=0)",
    "sum_batch_row": "torch.sum({a}, dim=0, keepdim=True)",
    "sum_vector": "torch.sum({a}, dim=1, keepdim=True)",
    "sum_matrix": "torch.sum({a}, dim=(1, 2))[:, None]",
    "matvec": "torch.bmm({a}, torch.unsqueeze({b}, 2)).squeeze(2)",
    "vecmat": "torch.bmm(torch.unsqueeze({a}, 1), {b}).squeeze(1)",
    "swap": "{a}.transpose(1, 2)",
}


class _Formula(NumPyPrinter):
    """A scalar formula in PyTorch, whose functions take no numbers."""

    def _print(self, expr: Expr, **kwargs: object) -> str:
        if getattr(expr, "is_number", False) and not expr.is_Rational:
            return repr(float(expr))
        return str(super()._print(expr, **kwargs))

    def _print_Max(self, expr: Expr) -> str:  # noqa: N802 - SymPy's name
        return self._pairwise("torch.maximum", expr.args)

    def _print_Min(self, expr: Expr) -> str:  # noqa: N802
        return self._pairwise("torch.minimum", expr.args)

    def _print_Abs(self, expr: Expr) -> str:  # noqa: N802
        return f"torch.abs({self._print(expr.args[0])})"

    def _print_Heaviside(self, expr: Expr) -> str:  # noqa: N802
        return f"torch.heaviside({self._print(expr.args[0])}, {self._array(expr.args[1])})"

    def _pairwise(self, function: str, args: Sequence[Expr]) -> str:
        spelled = [self._array(a) for a in reversed(args)]
        return reduce(lambda a, b: f"{function}({a}, {b})", spelled)

    def _array(self, expr: Expr) -> str:
        return f"torch.full_like(a, {self._print(expr)})" if expr.is_number else self._print(expr)


DIALECT = Dialect(
    "torch",
    FUNCTIONS,
    HELPERS,
    ARRAYS,
    lambda formula: str(_Formula().doprint(formula)).replace("numpy.", "torch."),
    limits={n.Maximum: "min={}", n.Minimum: "max={}"},
)

# What the file calls its own where a cell's names may stand beside it.
TEMPLATE = frozenset(
    """
    torch nn ctx T given saved outputs output states run reference sizes self d info in_dims inputs shapes gradient
    shape function device of_inputs
    """.split()  # noqa: SIM905 - a list of these would fill a page
)
# What a module has itself, of PyTorch and of the file, which a parameter cannot be called.
MODULE = frozenset(
    """
    T_destination add_module apply batch_first bfloat16 buffers call_super_init children compile cpu cuda derived
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half
    ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ reset_parameters set_extra_state set_submodule share_memory sizes
    state_dict step to to_empty train training type xpu zero_grad _apply _backward_hooks _backward_pre_hooks
    _buffers _call_impl _compiled_call_impl _forward_hooks _forward_hooks_always_called
    _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks
    _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict _load_state_dict_post_hooks
    _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
    _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
    _replicate_for_data_parallel _run _save_to_state_dict _sequence _slow_forward _state_dict_hooks
    _state_dict_pre_hooks _version _wrapped_call_impl
    """.split()  # noqa: SIM905 - a list of these would fill a page
)


PASSES: Ways = {
    "both": (split, recompute),
    "forward": (even, blend, hoist_terms, hoist_factors, sink, stack, pack, gather, broadcast, inline),
    "backward": (
        *(outside, hoist_terms, rest, divide, spread, hoist_factors, collect, hoist_factors),
        *(sink, stack, place, gather, broadcast, inline),
    ),
}


def generate(plan: Plan, about: Sequence[str]) -> str:
    """The text of the file for a cell.  Raises UsageError where an operation cannot be spelled, or nothing goes in."""
    cell = plan.cell
    if not (cell.parameters or cell.inputs or cell.states):
        hint = "the targets numpy, jax and c have its code"
        raise UsageError(f"{cell.name}: a module has the type of its arrays, and this cell has none", hint=hint)
    parts = Module(plan, DIALECT, PASSES, TEMPLATE, MODULE).parts()
    return render("torch.py.j2", title=about[0], about=[*about[1:]], **parts)


def compiled(plan: Plan, about: Sequence[str], source: str) -> dict[str, Any]:
    """What the file defines, its sequences over the compiled C, whose lines on top are `about`.

    Raises MissingExtra where there is no compiler.
    """
    from lstmgraph.codegen import over_c  # only who asks for it loads what makes C

    return over_c.namespace(plan, about, source)
