"""The product of two values as an array language whose batches are rows spells it: see the forms in `arrays.py`."""

from __future__ import annotations

from lstmgraph.algebra.names import Shape
from lstmgraph.codegen.code import Code, Level, joined, transposed
from lstmgraph.codegen.dialect import Dialect


def matmul_of(dialect: Dialect, a: Code, b: Code, shape: Shape) -> Code:
    """The product of two values, by their forms and by which of them is batched."""
    if "S" in (a.form, b.form):
        return joined(" * ", Level.PRODUCT, [a, b], shape)
    if (a.form, b.form) == ("V", "R"):
        return joined(" * ", Level.PRODUCT, [*outer_factors(dialect, a, b)], shape)
    if (a.form, b.form) == ("R", "V"):
        return _dot(dialect, a, b, shape)
    x, y = a.at(Level.POWER), b.at(Level.POWER)
    text, level = f"{x} @ {y}", Level.MATMUL
    if b.form == "V" and b.batched:
        text = f"{y} @ {flip(a)}"
        if a.batched:
            text, level = dialect.word("matvec", a=a.text, b=b.text), Level.ATOM
    elif a.form == "R" and b.batched:
        text, level = f"({x} @ {y})[{dialect.batch}, 0, :]", Level.ATOM
        if a.batched:
            text = dialect.word("vecmat", a=a.text, b=b.text)
    return Code(text, level, shape, a.batched or b.batched)


def outer_factors(dialect: Dialect, a: Code, b: Code) -> tuple[Code, Code]:
    """A column and a row with the axes by which the one times the other, entry by entry, is their product."""
    left = f"{a.at(Level.ATOM)}[{dialect.batch}, :, None]" if a.batched else f"{a.at(Level.ATOM)}[:, None]"
    right = b.respell(f"{b.at(Level.ATOM)}[{dialect.batch}, None, :]") if b.batched else b
    return a.respell(left), right


def _dot(dialect: Dialect, a: Code, b: Code, shape: Shape) -> Code:
    if not a.batched and not b.batched:
        return Code(f"({a.at(Level.POWER)} @ {b.at(Level.POWER)})[0]", Level.ATOM, shape)
    if not a.batched:
        return Code(f"{b.at(Level.POWER)} @ {flip(a)}", Level.MATMUL, shape, batched=True)
    product = joined(" * ", Level.PRODUCT, [a, b], shape)
    return product.respell(dialect.word("sum_vector", a=product.text))


def flip(code: Code) -> str:
    """The transpose of a shared array of two axes."""
    text = code.at(Level.ATOM)
    return text.removesuffix("[None, :]") + "[:, None]" if text.endswith("[None, :]") else transposed(text)
