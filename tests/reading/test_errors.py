"""What is wrong in a cell file is said with its place, to the column, and with a way out."""

from __future__ import annotations

import pytest

from lstmgraph.cell import Cell
from lstmgraph.errors import CellError, CellNameError, CellSyntaxError, Place, ShapeError
from lstmgraph.reading import loads
from lstmgraph.reading.expressions import MAX_DEPTH

SIZES = '[sizes]\nx = "X"\nh = "H"\n'
RNN = "h[t] = tanh(W @ x[t] + U @ h[t-1] + b)"


def cell_file(equations: str, rest: str = SIZES) -> str:
    return f'equations = """\n{equations}\n"""\n{rest}'


def error_of(text: str) -> CellError:
    with pytest.raises(CellError) as caught:
        loads(text, "f.toml")
    return caught.value


def place_of(error: CellError) -> Place:
    assert error.place is not None
    return error.place


# (the equations, part of the message, part of the hint); « » stand around what the caret must mark, and are taken out
EQUATIONS = [
    ("h[t] «==» tanh(W @ x[t])", "single =", ""),
    ("h[t] = tanh(W @ «x(t)» + U @ h[t-1])", "square brackets: x[t]", ""),
    ("h[t] = tanh(W @ x[t] + U @ «h(t-1)»)", "square brackets: h[t-1]", ""),
    ("h[t] = tanh(W @ «x_t» + U @ h[t-1] + x[t])", "has no time", "write x[t]"),
    ("h[t] = tanh(W @ «x_t» + U @ h[t-1])", "has no time", "write x[t]"),
    ("h[t] = tanh(W @ x[t] + U @ «h_prev»)", "has no time", "write h[t-1]"),
    ("h[t] = tanh(W @ «x» + U @ h[t-1])", "has no time", "write x[t]"),
    ("h[t] = tanh(W @ x[t] + identity(«H») @ h[t-1])", "is a size", "call it something else"),
    ("h[t] = tanh(W @ «[h[t-1], x[t]]»)", "a list is not", "concat(a, b)"),
    ("h[t] = tanh(«W * x[t]» + U * h[t-1])", "entry by entry", "the matrix product is"),
    ("h[t] = tanh(«x[t] @ W» + U @ h[t-1])", "entry by entry", "the matrix stands first: W @ x[t]"),
    ("h[t] = tanh(W @ x[t] + U @ h_«{»t-1})", "not in the language", "[t-1]"),
    ("h[t] = x[t] «^» 2", "not in the language", "**"),
    ("h[t] = x[t]«²»", "not in the language", "** 2"),
    ("h[t] = W «·» x[t]", "not in the language", "@ for a matrix product"),
    ("h[t] = W «×» x[t]", "not in the language", "@ for a matrix product"),
    ("h[t] = q[t]«ᵀ» @ x[t]", "not in the language", ".T"),
    ("h[t] = «σ»(W @ x[t])", "no function 'σ'", "sigmoid"),
    ("h[t] = «tanhh»(W @ x[t])", "no function 'tanhh'", "did you mean 'tanh'"),
    ("h[t] = «max»(x[t], 0)", "no function 'max'", "maximum"),
    ("h[t] = «np.tanh»(W @ x[t])", "module or object", "tanh"),
    ("h[t] = «torch.nn.functional.elu»(W @ x[t])", "module or object", ""),
    ("h[t] = tanh«(»W @ x[t]\nc[t] = h[t]", "never closed", "a ')' is missing"),
    ("h[t] = tanh«(»W @ x[t]", "never closed", "a ')' is missing"),
    ("h[t] = tanh(W @ x«[»t", "never closed", "a ']' is missing"),
    ("h[t] = tanh(W @ x[t])«)»", "closes nothing", ""),
    ("h[t] = tanh(W @ x[t«)»]", "closes nothing", ""),
    ("h[t] = W @ h[«t+1»]", "later step", "h[t-1]"),
    ("h[t] = W @ h[«t-2»]", "only the previous step", "h1[t] = identity(h[t-1])"),
    ("h[t] = W @ x[t] + U @ «x[t-1]»", "no equation defines x[t]", "x1[t] = identity(x[t])"),
    ("hidden[t] = W @ x[t] + U @ «hiden[t-1]»", "no equation defines hiden[t]", "did you mean 'hidden'"),
    ("h[t] = W @ x[«0»]", "entries cannot be picked", "name"),
    ("h[t] = W @ x[«1:2»]", "entries cannot be picked", "name"),
    ("h[t] = W @ x[«i»]", "t or t-1", ""),
    ("h[t] = tanh(W @ x[t] + «h»)", "without a time", "h[t-1]"),
    ("h[t] = W @ x[t]\n«h[t]» = U @ x[t]", "defined twice (first in line 2)", ""),
    ("«h[t] = g[t]»\ng[t] = tanh(h[t] + W @ x[t])", "cycle", "[t-1]"),
    ("«h» = tanh(W @ x[t])", "without a time", "h[t]"),
    ("«h_t» = tanh(W @ x[t])", "without a time", "h[t]"),
    ("h«(»t) = tanh(W @ x[t])", "square brackets", "h[t]"),
    ("h[«t+1»] = tanh(W @ x[t])", "later step", ""),
    ("«h[t-1]» = tanh(W @ x[t])", "cannot be defined", "h[t]"),
    ("h[t] «=»", "nothing follows", "brackets"),
    ("h[t] = W @ x[t] «+»", "ends with an operator", "brackets"),
    ("h[t] = W @ x[t]\n  «+ b»", "not an equation", "brackets"),
    ("h[t] = «2»x[t]", "begin with a digit", "2 * x[t]"),
    ("h[t] = W «x»[t]", "no operator between", "@ for a matrix product"),
    ("h[t] = («a + b»)(x[t])", "only a function", "@"),
    ("h[t] = «x[t] if x[t] else h[t-1]»", "a condition", ""),
    ("h[t] = «[x[t]]»", "a list", ""),
    ("h[t] = «x[t] < 1»", "a comparison", ""),
    ("h[t] = «x[t].__class__»", "only attribute is .T", ""),
    ("h[t] = «__import__»(os)", "no function", ""),
    ("h[t] = («lambda: 1»)()", "only a function", ""),
    ("h[t] = W @ x[t]«;» c[t] = 1", "not in the language", "one equation a line"),
    ("h[t] = «9**9**9» * x[t]", "too large", ""),
    ("h[t] = x[t] / «0»", "division by zero", ""),
    ("h[t] = «True»", "not a number", ""),
    ("h[t] = «1e999» * x[t]", "out of range", ""),
    ("h[t] = «1e-300» * x[t]", "out of range", "above 1e-300"),
    ("h[t] = «2» @ x[t]", "cannot be an operand of @", "*"),
    ("h[t] = «tanh(a, b)»", "takes 1 operand, got 2", ""),
    ("h[t] = «maximum(x[t])»", "takes 2 operands, got 1", ""),
    ("h[t] = «tanh()»", "needs an operand", ""),
    ("h[t] = «tanh»", "is a function", "tanh(...)"),
    ("h[t] = tanh(x[t], axis=«0»)", "keyword", ""),
    ("h[t] = «t» * x[t]", "cannot be a name", "the step"),
    ("h[t] = «_a» * x[t]", "cannot be a name", "letter"),
    ("h[t] = «lambda»[t] * x[t]", "reserved word", "lambda_"),
    ("«h[t] += x[t]»", "single =", ""),
    ("h[t] = «y[t]» = x[t]", "single =", ""),
    ("«a, b» = x[t]", "one name", ""),
    ("h[t] = «a[t]»[t-1]", "only a name has a time", ""),
    ("h[t] = x[t] «'»", "not in the language", ""),
    # the caret counts characters, not bytes, and stands right after tabs
    ("h[t] = σσ * x[t] + ééé * «zzz»(x[t])", "no function", ""),
    ("\t h[t] =\tW\t@\t«x(t)»", "square brackets", ""),
    ("h[t] = (W @ x[t]  # ünïcödé\n   + «x(t)»)", "square brackets", ""),
    ("# a comment\n\nh[t] = «q»(x[t])", "no function", ""),
]


@pytest.mark.parametrize(("marked", "message", "hint"), EQUATIONS, ids=[e[0] for e in EQUATIONS])
def test_a_mistake_in_an_equation_is_marked_exactly(marked: str, message: str, hint: str) -> None:
    start, end = marked.index("«"), marked.index("»") - 1
    equations = marked.replace("«", "").replace("»", "")
    error = error_of(cell_file(equations))
    place = place_of(error)
    before = equations[:start].split("\n")
    assert (place.source, place.line, place.column) == ("f.toml", 1 + len(before), 1 + len(before[-1]))
    assert place.text == equations.split("\n")[len(before) - 1]
    assert place.text[place.column - 1 : place.column - 1 + place.width] == equations[start:end]
    assert message in error.message
    assert hint in error.hint
    assert error.exit_code == 3


def test_a_long_line_shows_where_it_is_cut() -> None:
    shown = str(error_of(cell_file(f"h[t] = {'a + ' * 50}q(x){' + b' * 50}"))).split("\n")
    assert shown[1].startswith("    …")
    assert shown[1].endswith("…")
    assert shown[1][shown[2].index("^") :].startswith("q(x)")


def test_the_whole_message() -> None:
    assert str(error_of(cell_file("h[t] = tanh(W @ x(t))"))) == (
        "f.toml:2:17: a value is written with square brackets: x[t]\n"
        "    h[t] = tanh(W @ x(t))\n"
        "                    ^~~~"
    )


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('equations = "h[t] = W @ x(t)"', 1, 25),
        ("equations = '''h[t] = W @ x(t)'''", 1, 27),
        ('equations = "h[t] = \\u0057 @ x(t)"', 1, 30),
        ('equations = """\\\n   h[t] = tanh(\\\n W @ x(t))"""', 3, 6),
        ('title = """\nequations = 3 # [sizes]\n"""\n"equations" = """h[t] = x(t)"""', 4, 25),
        ('name = "a" # "\nsources = [\n  "b",  # ]\n]\nequations = """h[t] = x(t)"""', 5, 23),
        ('equations = """\r\nh[t] = W @ x(t)\r\n"""', 2, 12),
        ("\ufeffequations = '''\nh[t] = W @ x(t)'''", 2, 12),
    ],
)
def test_the_place_is_that_in_the_file_however_the_text_is_quoted(text: str, line: int, column: int) -> None:
    place = place_of(error_of(text))
    assert (place.line, place.column) == (line, column)


# (text, line, column, part of the message, part of the hint)
FILES = [
    ('nmae = "x"\n' + cell_file(RNN), 1, 1, "no 'nmae'", "did you mean 'name'"),
    (cell_file(RNN, '[size]\nx = "X"'), 4, 2, "no 'size'", "did you mean 'sizes'"),
    (cell_file(RNN, "[parameters]\nW = 1"), 4, 2, "no 'parameters'", "how names are used"),
    ("name = lstm\n" + cell_file(RNN), 1, 8, "not valid TOML", "quoted"),
    ('equations = """\n' + RNN, 2, 39, "not valid TOML", '""" ends with """'),
    (RNN, 1, 2, "not valid TOML", "equations are text"),
    ('name = "a"\nname = "b"\n' + cell_file(RNN), 2, 11, "not valid TOML", ""),
    ("equations = 3", 1, 1, "must be text", ""),
    ("sources = [1]\n" + cell_file(RNN), 1, 1, "list of texts", ""),
    ('output = "c"\n' + cell_file(RNN), 1, 1, "output 'c' is not defined", "known: h"),
    (
        'output = "hidde"\n' + cell_file("hidden[t] = x[t]", 'sizes.x = "X"'),
        1,
        1,
        "not defined",
        "did you mean 'hidden'",
    ),
    ('name = "a/b"\n' + cell_file(RNN), 1, 1, "not a name for a cell", ""),
    (cell_file(RNN, SIZES + "q = 1"), 7, 1, "[sizes] speaks of 'q'", "known"),
    (cell_file(RNN, SIZES + "[constants]\nalpha = 1"), 8, 1, "[constants] speaks of 'alpha'", "known"),
    (cell_file(RNN, SIZES + "[constants]\nb = nan"), 8, 1, "not a number", ""),
    (cell_file(RNN, SIZES + '[constants]\nb = "1"'), 8, 1, "not a number", ""),
    (cell_file(RNN, SIZES + "[constants]\nx = 1"), 2, 17, "is a constant, but is used as x[t]", "x"),
    (cell_file(RNN, SIZES + '[roles]\nh = "gaet"'), 8, 1, "no role 'gaet'", "did you mean 'gate'"),
    (cell_file(RNN, SIZES + '[roles]\nq = "gate"'), 8, 1, "[roles] speaks of 'q'", ""),
    (cell_file(RNN, SIZES + '[notation.olah]\nc = "C"'), 8, 1, "[notation.olah] speaks of 'c'", "known"),
    (cell_file(RNN, SIZES + '[notation]\nh = "a"'), 8, 1, "a notation has a name", "[notation.mine]"),
    (cell_file(RNN, SIZES + '[[walks.a]]\ntitle = "x"\ncomputes = ["c"]'), 9, 1, "names 'c'", ""),
    (cell_file(RNN, SIZES + '[[walks.a]]\ntitle = "x"\ncompute = ["h"]'), 9, 1, "no 'compute'", "'computes'"),
    (cell_file(RNN, SIZES + '[[walks.a]]\ntitle = "x"'), 7, 3, "neither computes nor shows", ""),
    (cell_file(RNN, SIZES + '[[walks.a]]\ncomputes = ["tanh(x[t])"]'), 8, 1, "no part of an equation", ""),
    (cell_file(RNN, SIZES + '[[walks.a]]\ncomputes = ["h["]'), 8, 1, "never closed", ""),
    (cell_file(RNN, '[sizes]\nx = "X**2"\nh = "H"'), 5, 1, "not a size for 'x'", ""),
    (cell_file(RNN, '[sizes]\nx = ["X", "Y", "Z"]\nh = "H"'), 5, 1, "3 parts", ""),
    (cell_file(RNN, '[sizes]\nx = 0\nh = "H"'), 5, 1, "not a size for 'x'", ""),
    (cell_file(RNN, '[sizes]\nx = true\nh = "H"'), 5, 1, "not a size for 'x'", ""),
]


@pytest.mark.parametrize(("text", "line", "column", "message", "hint"), FILES)
def test_a_mistake_in_the_file_is_marked(text: str, line: int, column: int, message: str, hint: str) -> None:
    error = error_of(text)
    assert message in error.message
    assert hint in error.hint
    assert (place_of(error).line, place_of(error).column) == (line, column)


@pytest.mark.parametrize("text", ["", 'name = "a"', cell_file("# nothing")])
def test_a_file_without_equations(text: str) -> None:
    assert "there are no equations" in error_of(text).message


def test_the_kinds_of_errors() -> None:
    assert isinstance(error_of(cell_file("h[t] = [x[t]]")), CellSyntaxError)
    assert isinstance(error_of(cell_file("h[t] = x[t-1]")), CellNameError)
    assert isinstance(error_of(cell_file("h[t] = x[t]")), ShapeError)


def test_a_table_in_an_array_of_tables_belongs_to_its_latest_element() -> None:
    step = '[[walks.a]]\ncomputes = ["h"]\n'
    text = cell_file(RNN, SIZES + step + step + "[walks.a.title]\nx = 1")
    with pytest.raises(CellError) as caught:
        loads(text)
    assert caught.value.place is not None
    assert caught.value.place.text == "[walks.a.title]"


def test_a_function_takes_so_many_operands() -> None:
    def read(number: int) -> Cell:
        return loads(cell_file(f"h[t] = maximum({', '.join(['x[t]'] * number)})", '[sizes]\nx = "X"'))

    assert read(MAX_DEPTH).inputs
    with pytest.raises(CellError, match=f"more than {MAX_DEPTH} operands"):
        read(MAX_DEPTH + 1)


def test_of_many_cycles_always_the_same_one_is_told() -> None:
    others = "klmnabcdefg"
    text = "\n".join([f"h[t] = {' + '.join(f'{o}[t]' for o in others)}", *(f"{o}[t] = tanh(h[t])" for o in others)])
    with pytest.raises(CellError, match=r"h\[t\] needs a\[t\] needs h\[t\]: a cycle"):
        loads(cell_file(text, '[sizes]\nh = "H"'))


@pytest.mark.parametrize(("written", "usual"), [("\ufb01", "fi"), ("µ", "μ"), ("ｈ1", "h1")])
def test_a_letter_that_python_reads_as_another_one_is_refused(written: str, usual: str) -> None:
    with pytest.raises(CellError, match=f"another way to write {usual}") as caught:
        loads(cell_file(f"y[t] = x[t] * tanh({written})", '[sizes]\nx = "X"'))
    assert caught.value.place is not None
    assert caught.value.place.column == 20


def test_latex_that_cannot_be_is_refused_where_it_stands() -> None:
    text = cell_file(RNN, SIZES + '[notation.mine]\nx = "a"\nh = "\\\\tilde{c"\n')
    error = error_of(text)
    assert "unbalanced braces" in error.message
    assert place_of(error).line == 1 + text[: text.index("\\tilde")].count("\n")
