"""lstmgraph: a recurrent cell is defined once, by its equations; from them come diagrams, symbolic gradients and code.

    import lstmgraph

    cell = lstmgraph.load("peephole_lstm")     # a name of the library, a file, or "-" for standard input
    cell.draw(style="pipe").save("lstm.svg")   # or "cell-block"; walk=..., step=..., theme=..., notation=...
    print(cell.gradient(wrt=["W_f"]))          # unicode; .latex, .markdown
    step = cell.lambdify("numpy").step         # callables; .step, .forward, .backward

`import lstmgraph` loads nothing else (SymPy takes a quarter of a second): a public name is fetched when it is first
used. To add one: a row of `_PLACES`, and the same import under TYPE_CHECKING.
"""

TYPE_CHECKING = False  # as `typing` has it, which is slow to load

if TYPE_CHECKING:
    from lstmgraph.api.cell import Cell, library, load, loads
    from lstmgraph.api.drawing import Drawing
    from lstmgraph.api.flow import GradientFlow
    from lstmgraph.api.gradient import Gradient
    from lstmgraph.api.jacobian import Jacobian
    from lstmgraph.errors import LstmgraphError

__version__ = "0.1.0"

__all__ = [
    "Cell",
    "Drawing",
    "Gradient",
    "GradientFlow",
    "Jacobian",
    "LstmgraphError",
    "__version__",
    "library",
    "load",
    "loads",
]

_PLACES = {
    "Cell": "lstmgraph.api.cell",
    "Drawing": "lstmgraph.api.drawing",
    "Gradient": "lstmgraph.api.gradient",
    "GradientFlow": "lstmgraph.api.flow",
    "Jacobian": "lstmgraph.api.jacobian",
    "LstmgraphError": "lstmgraph.errors",
    "library": "lstmgraph.api.cell",
    "load": "lstmgraph.api.cell",
    "loads": "lstmgraph.api.cell",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
