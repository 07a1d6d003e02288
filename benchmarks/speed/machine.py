"""The machine and the software that figures are of, in words."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from lstmgraph.codegen.compiler import compiler
from lstmgraph.errors import MissingExtra

PACKAGES = ("torch", "jax", "onnxruntime", "onnx", "numba")


def machine() -> str:
    blas: Any = np.show_config(mode="dicts")
    library = blas["Build Dependencies"]["blas"]
    software = [
        f"Python {platform.python_version()}",
        f"NumPy {np.__version__} with {library['name']} {library['version']}",
        *filter(None, map(versioned, PACKAGES)),
        c_compiler(),
    ]
    return f"{processor()}, {os.cpu_count()} processors; {platform.system()}; {', '.join(filter(None, software))}"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def versioned(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def c_compiler() -> str:
    try:
        done = subprocess.run([*compiler(), "--version"], capture_output=True, text=True, check=False)
    except MissingExtra:
        return ""
    return done.stdout.partition("\n")[0]
