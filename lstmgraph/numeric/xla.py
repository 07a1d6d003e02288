"""XLA for what runs once: it need not be fast, and is compiled in a fourth of the time."""

from __future__ import annotations

from typing import Any

QUICK = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


def quick(function: Any, *given: Any) -> Any:
    """What `jax.jit` gives, compiled for arrays as these."""
    import jax

    lowered = function.lower(*given)
    try:
        return lowered.compile(QUICK)
    except jax.errors.JaxRuntimeError:  # a version of XLA without one of these
        return lowered.compile()
