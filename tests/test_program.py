import pytest
from sympy import MatAdd, MatMul

from lstmgraph.algebra.names import size, symbol
from lstmgraph.algebra.nodes import Hadamard, OneMinus, Sigmoid, Tanh
from lstmgraph.algebra.traverse import walk
from lstmgraph.errors import CellNameError, ShapeError
from lstmgraph.normal import is_light, normal_form
from lstmgraph.program import Equation, Program
from lstmgraph.reading import library, load

v = (size("H"), size(1))
x, y, z = (symbol(f"{n}[t]", v) for n in "xyz")
W = symbol("W", (size("H"), size("H")))


def program(*equations: Equation) -> Program:
    return Program("p", (x, W), equations, (equations[-1].target,))


def test_a_good_program_passes() -> None:
    good = program(Equation(y, Tanh(x)), Equation(z, Hadamard(x, y)))
    assert good.check() is good


@pytest.mark.parametrize(
    ("equations", "error", "says"),
    [
        ([Equation(y, Tanh(x)), Equation(y, Tanh(x))], CellNameError, "assigned twice"),
        ([Equation(y, Tanh(z)), Equation(z, Tanh(x))], CellNameError, "used before"),
        ([Equation(y, MatMul(W, W))], ShapeError, "has shape"),
        ([Equation(y, Hadamard(x, W))], ShapeError, "hadamard"),
    ],
)
def test_a_bad_program_is_refused(equations: list[Equation], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        program(*equations).check()


def test_an_output_that_is_never_computed() -> None:
    with pytest.raises(CellNameError, match="never computed"):
        Program("p", (x,), (Equation(y, Tanh(x)),), (z,)).check()


def test_an_equation_is_one_of_sympy_too() -> None:
    equation = Equation(y, Tanh(x))
    assert (equation.as_eq().lhs, equation.as_eq().rhs) == (y, Tanh(x))


def test_needed_for_drops_the_rest() -> None:
    whole = program(Equation(y, Tanh(x)), Equation(z, Sigmoid(x)))
    assert [e.target for e in whole.needed_for([y])] == [y]


@pytest.mark.parametrize("name", library())
def test_normal_form_keeps_values_and_names_every_operand(name: str) -> None:
    step = load(name).step
    normal = normal_form(step).check()
    assert {e.target for e in step} <= {e.target for e in normal}
    for equation in normal:
        terms = equation.value.args if isinstance(equation.value, MatAdd) else (equation.value,)
        for term in terms:
            assert all(is_light(o) for node in walk(term) if node is term for o in node.args if hasattr(o, "shape"))


def test_normal_form_takes_the_name_that_an_equal_part_has() -> None:
    h = symbol("h[t]", v)
    normal = normal_form(program(Equation(y, Tanh(x)), Equation(h, Hadamard(x, Tanh(x)))))
    assert normal.equations[1].value == Hadamard(x, y)


def test_an_input_listed_twice() -> None:
    with pytest.raises(CellNameError, match="listed twice"):
        Program("p", (x, x), (), (x,)).check()


def test_normal_form_names_pre_activations_and_shares_parts() -> None:
    h = symbol("h[t]", v)
    both = MatAdd(Tanh(x), Hadamard(OneMinus(x), Tanh(x)))
    normal = normal_form(program(Equation(y, Sigmoid(MatMul(W, x))), Equation(h, both)))
    assert [e.target.name for e in normal] == ["pre(y)[t]", "y[t]", "part(h.1)[t]", "h[t]"]
