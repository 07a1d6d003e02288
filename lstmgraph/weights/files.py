"""Files of arrays: what they are read from and written to.

Nothing that a file holds is run: .npz is read without pickles, a file of PyTorch with `weights_only`.  To add a kind of
file: a row of `READERS`, and one of `WRITERS` if it is written too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from lstmgraph.errors import LstmgraphError, MissingExtra, UsageError


def _read_npz(path: Path) -> Any:
    with path.open("rb") as stream:
        try:
            file = numpy.load(stream, allow_pickle=False)
        except ValueError:  # NumPy's own message is about how to run what is in there
            raise ValueError("it is no file of numpy.savez") from None
        if not hasattr(file, "files"):
            raise ValueError("it holds one array, without a name")
        try:
            return {name: file[name] for name in file.files}
        except ValueError:
            raise ValueError("it holds objects that are no arrays of numbers") from None


def _read_torch(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - whatever the bytes happen to mean; the messages are as NumPy's
        raise ValueError("it is no file of torch.save(model.state_dict(), FILE)") from None


def _read_safetensors(path: Path) -> Any:
    from safetensors.numpy import load_file

    return load_file(path)


def _read_onnx(path: Path) -> Any:
    import onnx

    return onnx.load(path)


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    save: Callable[..., None] = numpy.savez
    save(buffer, **arrays)
    return buffer.getvalue()


def _torch(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, buffer)
    return buffer.getvalue()


def _safetensors(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    from safetensors.numpy import save

    written: bytes = save(dict(arrays))
    return written


READERS: Mapping[str, Callable[[Path], Any]] = {
    ".npz": _read_npz,
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".safetensors": _read_safetensors,
    ".onnx": _read_onnx,
}
WRITERS: Mapping[str, Callable[[Mapping[str, NDArray[Any]]], bytes]] = {
    ".npz": _npz,
    ".pt": _torch,
    ".pth": _torch,
    ".safetensors": _safetensors,
}
# What must be installed for a suffix, which is an extra of the same name.
PACKAGES = {".pt": "torch", ".pth": "torch", ".safetensors": "safetensors", ".onnx": "onnx"}


def read(path: str | Path) -> Any:
    """What a file holds: a mapping from names to arrays, maybe nested, or a model of ONNX.

    Raises UsageError where it cannot be read, MissingExtra where what reads it is not installed.
    """
    path = Path(path)
    suffix = _suffix(path, READERS)
    try:
        path.open("rb").close()  # what reads it need not be installed to say that it is not there
        _check_installed(suffix)
        return READERS[suffix](path)
    except MissingExtra:
        raise
    except Exception as error:  # noqa: BLE001 - each library has errors of its own for a file that is none
        why = (error.strerror if isinstance(error, OSError) else "") or str(error).partition("\n")[0]
        raise UsageError(f"cannot read weights from {path}: {why or type(error).__name__}") from None


@contextmanager
def naming(path: str | Path | None) -> Iterator[None]:
    """What is wrong with arrays names the file that they are of, if they are of one."""
    try:
        yield
    except LstmgraphError as error:
        if path is not None:
            error.message = f"{path}: {error.message}"
        raise


def written(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A file's content.  Raises UsageError for a suffix that is not known, MissingExtra as `read`."""
    suffix = _suffix(Path(path), WRITERS)
    _check_installed(suffix)
    return WRITERS[suffix](arrays)


def _suffix(path: Path, known: Mapping[str, object]) -> str:
    suffix = path.suffix.lower()
    if suffix not in known:
        raise UsageError(f"{str(path)!r} is no file of weights", hint=f"known: {', '.join(known)}")
    return suffix


def _check_installed(suffix: str) -> None:
    package = PACKAGES.get(suffix)
    if package is not None and find_spec(package) is None:
        raise MissingExtra(
            f"files {suffix} need {package}, which is not installed", hint=f"pip install 'lstmgraph[{package}]'"
        )
