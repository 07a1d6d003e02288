"""One direction over a sequence as the body of a NumPy function: what is done once, before, in and after the loop.

Values of one step have the identifiers of the equations, arrays of all steps these with an s, as in
`for c, h in zip(cs, hs)`.
Every array of the loop is made before it, and so is every view of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from sympy import Expr, MatrixExpr, MatrixSymbol, Symbol

from lstmgraph.algebra import nodes as n
from lstmgraph.algebra.names import Shape, name_of
from lstmgraph.algebra.sizes import axis, solve_sizes
from lstmgraph.algebra.traverse import symbols_in
from lstmgraph.codegen.beforehand import fixed, folded, ones, scratch
from lstmgraph.codegen.code import WIDTH, Code, Level, assignment, call, wrapped
from lstmgraph.codegen.columns import Columns
from lstmgraph.codegen.dialect import Dialect
from lstmgraph.codegen.handing import hand_over, handed_on, is_renamed, rename
from lstmgraph.codegen.identifiers import size_text, whole_text
from lstmgraph.codegen.lines import Array, Lines
from lstmgraph.codegen.places import Place, Places
from lstmgraph.codegen.shared import are_columns, inlined, multiples_apart, repeated
from lstmgraph.codegen.sums import totals
from lstmgraph.codegen.sweep import Sweep
from lstmgraph.program import Equation

Side = tuple[Expr, str]  # the size of an axis, and the code for its length
REPEATED = ".repeat(B, axis=1)"


@dataclass
class Direction:
    """`arrays` has the code of what is given for all steps, `starts` that of what is carried into the first step.

    `parameters` are those of `sweep.shared` that are made ready before it.  `kept` are wanted for all steps.
    `back`: the last step comes first.
    """

    sweep: Sweep
    dialect: Dialect
    names: Mapping[MatrixSymbol, str]
    arrays: Mapping[MatrixSymbol, str]
    starts: Mapping[MatrixSymbol, str]
    kept: frozenset[MatrixSymbol]
    parameters: frozenset[MatrixSymbol]
    like: str
    back: bool = False
    helpers: dict[str, str] = field(default_factory=dict)
    sizes: dict[Symbol, None] = field(default_factory=dict)
    used: dict[MatrixSymbol, None] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)  # of one step: the name, and the array of all steps
    fixed: dict[str, str] = field(default_factory=dict)  # arrays that all steps use, and views of them
    taken: dict[str, object] = field(default_factory=dict)
    needs_batch: bool = False

    def __post_init__(self) -> None:
        sweep = self.sweep
        self.totals = totals(sweep)
        self.needed = {s for e in sweep.equations for s in symbols_in(e.value)}
        self.gradients = {e.target: self.names[e.target] for e in sweep["once"]}
        shared = sweep.constant() | self.totals
        every = (*sweep.inputs, *sweep.carried, *(e.target for e in sweep.equations))
        self.batched = {s: s not in shared for s in (*sweep.shared, *every)}
        self.batched |= dict.fromkeys(sweep.carried, True)
        given = frozenset(s for s in sweep.inputs if self.batched[s])
        batched = frozenset(s for s, flag in self.batched.items() if flag)
        self.places = Places(sweep, given, self.kept, batched)
        self.later = {new: prev for prev, new in self.places.traced.items()}
        passing = ((prev, self.places.place(prev)) for prev in sweep.carried if prev not in self.places.traced)
        self.first = {place: self.starts[prev] for prev, place in passing if place is not None}
        own = self.parameters | {e.target for e in sweep["once"]}
        taken = {s for phase in ("loop", "after") for e in sweep[phase] for s in symbols_in(e.value)}
        self.gone = {e.target for e in sweep["before"]} - taken - {*sweep.wanted, *sweep.carried.values()}
        self.repeated = repeated(sweep, self.totals) & own - self.kept

    # ── the names of places ──

    def name(self, place: Place) -> str:
        """The identifier of one step's values there: the shortest of theirs.

        What is gone before the loop names it only if that is of what stays: d names no slope that is written over it.
        """
        there = [s for s in self.places.occupants(place.root) if self.places.place(s) == place]
        stay = {_subject(s) for s in there if s not in self.gone}
        known = [s for s in there if _subject(s) in stay] or there
        wishes = sorted((self.names[s] for s in known), key=lambda word: (len(word), word))
        if wishes:
            return wishes[0]
        return self.new_name(f"{self.name(self.whole_of(place.root))}_part", place)

    def whole_of(self, root: MatrixSymbol) -> Place:
        place = self.places.place(root)
        assert place is not None
        return place

    def new_name(self, word: str, owner: object) -> str:
        """A name of its own for what has no symbol."""
        return unused(word, owner, self.taken)

    def sequence(self, root: MatrixSymbol) -> str:
        """The identifier of an array of all steps."""
        if root in self.arrays:
            return self.arrays[root]
        new = self.places.traced.get(root)
        step = self.whole_of(new if new is not None and self.batched[new] else root)
        return self.new_name(f"{self.name(step)}s", root)

    def all_steps(self, place: Place, reverse: bool = False) -> str:
        """The code for a value of all steps."""
        text = self.sequence(place.root)
        first = ""
        if place.root in self.places.traced:
            first = "1:" if place.later != self.back else ":-1"
            if reverse:
                first = ":0:-1" if first == "1:" else "-2::-1"
        elif reverse:
            first = "::-1"
        if first and "[:, " in text:  # rows of what is given
            return text.replace("[:, ", f"[{first}, ", 1)
        rows = self.rows(place)
        if rows:
            return f"{text}[{first or ':'}, {rows}]"
        return f"{text}[{first}]" if first else text

    def rows(self, place: Place) -> str:
        height = place.root.shape[0]
        if place.start == 0 and place.count == height:
            return ""
        first = "" if place.start == 0 else self.size(place.start)
        return f"{first}:{'' if place.start + place.count == height else self.size(place.start + place.count)}"

    def size(self, side: Expr) -> str:
        self.sizes |= dict.fromkeys(sorted(side.free_symbols, key=str))
        return size_text(side)

    def of_step(self, place: Place) -> str:
        """The code for a value of one step: a view that the loop goes through, or an array that all steps use."""
        name = self.name(place)
        if self.places.is_whole(place.root):
            self.views[name] = self.all_steps(place, reverse=self.back)
        elif place == self.whole_of(place.root):
            first = self.first.get(place)
            self.fixed.setdefault(name, self.empty(place.root.shape) if first is None else f"{first}.copy()")
        else:
            whole = self.of_step(self.whole_of(place.root))
            self.fixed.setdefault(name, f"{whole}[{self.rows(place)}]")
        return name

    def empty(self, shape: Shape, lead: str = "") -> str:
        axes = ", ".join([*([lead] if lead else []), *self.step_speller.axes(shape, True)])
        return f"np.empty(({axes}), {self.like}.dtype)"

    # ── the body ──

    def body(self, result: list[str]) -> list[str]:
        """All lines but those that unpack what is given."""
        self.step_speller = self.speller(whole=False)
        self.all_speller = self.speller(whole=True)
        once = self.once()
        traces = [line for prev, new in self.places.traced.items() for line in self.trace(prev, new)]
        before = [line for e in self.sweep["before"] for line in self.at_once(e)]
        loop = self.loop()
        after = self.after()
        parts = (once, [*traces, *before], loop, [*after, *result])
        return [line for part in parts if part for line in ("", *(f"    {text}" for text in part))]

    def speller(self, whole: bool) -> Columns:
        return Columns(
            self.dialect,
            self.names,
            self.batched,
            self.like,
            used=self.used,
            sizes=self.sizes,
            helpers=self.helpers,
            whole=whole,
            view=self.view_all if whole else self.view_step,
            new_name=lambda text: self.new_name(f"flat_{''.join(c for c in text if c.isalnum() or c == '_')}", text),
        )

    def view_all(self, expr: MatrixExpr) -> str | None:
        place = self.places.place(expr)
        return None if place is None else self.all_steps(place)

    def view_step(self, expr: MatrixExpr) -> str | None:
        place = self.places.place(expr)
        return None if place is None else self.of_step(place)

    def once(self) -> list[str]:
        speller = self.speller(whole=False)
        in_loop = {s for e in self.sweep["loop"] for s in symbols_in(e.value)}
        lines = []
        for e in inlined(self.sweep):
            value, runs = multiples_apart(e.value)
            code = self.for_samples(e.target, speller.full(speller.spell(value)))
            if are_columns(value) and e.target in in_loop:  # `dot` would copy what is not in one piece in every step
                code = call("", code, ".copy()")
            lines += self.shared(e, code)
            for run in runs:
                rows = self.rows(Place(e.target, run.start, run.count))
                lines.append(f"{self.names[e.target]}{f'[{rows}]' * bool(rows)} *= {speller.spell(run.number).text}")
        return lines

    def for_samples(self, target: MatrixSymbol, code: Code) -> Code:
        """A vector, repeated for every sample if that is how it is met."""
        if target not in self.repeated:
            return code
        self.needs_batch = True
        return call("", code.respell(code.at(Level.ATOM)), REPEATED)

    def after(self) -> list[str]:
        """What several products take flat is made flat once: found by a first attempt."""
        there, made = set(self.there), set(self.made)
        self.all_speller.flattening = True
        for e in self.sweep["after"]:
            self.at_once(e)
        self.there, self.made = there, made
        self.all_speller.flats = self.all_speller.shared_flats()
        lines = []
        for e in self.sweep["after"]:
            own = self.at_once(e)
            lines += self.with_flats(own)
            place = self.places.place(e.target)
            if own and place is not None and e.target not in self.totals:
                self.named_flats -= set(self.all_speller.written(self.sequence(place.root)))
        return lines

    def with_flats(self, lines: list[str]) -> list[str]:
        """With what these lines take flat, if nothing before has."""
        flats = self.all_speller.flats
        new = {text: name for text, name in flats.items() if name and name not in self.named_flats}
        self.named_flats |= {*new.values()}
        return [*(f"{name} = flat({text})" for text, name in new.items()), *lines]

    def shared(self, e: Equation, code: Code) -> list[str]:
        line = assignment(self.names[e.target], code, indent=0)
        return line.splitlines()

    def trace(self, prev: MatrixSymbol, new: MatrixSymbol) -> list[str]:
        """The array of a carried value that is kept, with what the first step starts from."""
        text = self.sequence(prev)
        lines = [
            f"{text} = {self.empty(prev.shape, 'T + 1')}",
            f"{text}[{-1 if self.back else 0}] = {self.starts[prev]}",
        ]
        if not self.batched.get(new, True):
            lines.append(f"{text}[{':-1' if self.back else '1:'}] = {self.names[new]}")
        return lines

    def at_once(self, e: Equation) -> list[str]:
        """An equation of which all steps are computed at once, or the sum of all steps."""
        speller = self.all_speller
        if e.target in self.totals:
            code = speller.total(e.value)
            rows = isinstance(e.value, n.Slice) and e.value.args[0] in self.totals
            self.gradients[e.target] = code.text if rows else self.names[e.target]
            return [] if rows and e.target not in self.needed else self.shared(e, code)
        place = self.places.place(e.target)
        assert place is not None
        if self.places.is_view(e):
            return []
        fresh = place == self.whole_of(place.root) and not self.is_there(place.root)
        lines = self.lines(speller)
        if not fresh and not self.is_there(place.root):
            lines.emit(f"{self.sequence(place.root)} = {self.empty(place.root.shape, 'T')}")
        self.there.add(place.root)
        lines.equation(Array(self.all_steps(place), e.target.shape, place, fresh), e.value)
        return lines.lines

    there: set[MatrixSymbol] = field(default_factory=set)
    named_flats: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def is_there(self, root: MatrixSymbol) -> bool:
        return root in self.there or root in self.places.traced or root in self.arrays

    def loop(self) -> list[str]:
        """The loop over the steps, and before it the arrays and names that it takes."""
        lines = self.lines(self.step_speller)
        made = self.in_loop(lines)
        if not lines.lines:
            return []
        rows = {self.of_step(place): text for place, text in self.first.items() if place != self.whole_of(place.root)}
        made += [f"{name} = {value}" for name, value in self.fixed.items()]
        made += [f"{name}[...] = {text}" for name, text in rows.items()]
        handed = handed_on(self)
        used = set(re.findall(r"\w+", " ".join([*lines.lines, *(after for _, _, after in handed)])))
        self.views = {name: array for name, array in self.views.items() if name in used}
        if handed:
            names, firsts, lasts = (", ".join(words) for words in zip(*handed, strict=True))
            made.append(f"{names} = {firsts}")
            lines.emit(f"{names} = {lasts}")
        return [*made, *self.header(), *(f"    {line}" for line in lines.lines)]

    def in_loop(self, lines: Lines) -> list[str]:
        """Writes the lines of one step; the arrays of all steps that these fill are made before the loop."""
        made: list[str] = []
        renamed: dict[Place, Place] = {}
        for e in self.sweep["loop"]:
            place, source = self.places.place(e.target), self.places.place(e.value)
            assert place is not None
            if self.places.is_view(e):
                continue
            if source is not None and is_renamed(self, e, source):
                renamed[place] = source
                continue
            if self.places.is_whole(place.root) and not self.is_there(place.root):
                made.append(f"{self.sequence(place.root)} = {self.empty(place.root.shape, 'T')}")
                self.there.add(place.root)
            lines.equation(Array(self.of_step(place), e.target.shape, place), e.value)
        hand_over(self, lines)
        rename(self, lines, renamed)
        return made

    def header(self) -> list[str]:
        if not self.views:
            return ["for _ in range(T):"]
        if len(self.views) == 1:
            ((name, array),) = self.views.items()
            return [f"for {name} in {array}:"]
        names, arrays = ", ".join(self.views), ", ".join(self.views.values())
        if len(names) + len(arrays) + len("    for  in zip():") <= WIDTH:
            return [f"for {names} in zip({arrays}):"]
        return ["for (", *wrapped(self.views), ") in zip(", *wrapped(self.views.values()), "):"]

    def lines(self, speller: Columns) -> Lines:
        rows = self.all_steps if speller.whole else self.of_step
        return Lines(
            speller,
            self.places.place,
            rows,
            partial(scratch, self, speller.whole),
            partial(folded, self, speller.whole),
            partial(fixed, self),
            partial(ones, self),
            self.made,
            self.back,
        )

    # ── sizes ──

    def size_lines(self, sides: list[Side]) -> list[str]:
        """Where the sizes that are used can be read."""
        solved = solve_sizes([side for side, _ in sides])
        texts = {axis(k): text for k, (_, text) in enumerate(sides)}
        return [f"    {size_text(z)} = {whole_text(solved[z], texts)}" for z in self.sizes if z in solved]

    def untold(self, sides: list[Side]) -> list[Symbol]:
        """The sizes that are used and can be read nowhere."""
        solved = solve_sizes([side for side, _ in sides])
        return [z for z in self.sizes if z not in solved]


def unused(word: str, owner: object, taken: dict[str, object]) -> str:
    """The name, or another one if it is somebody else's; it is the owner's then."""
    count, found = 1, word
    while found in taken and taken[found] != owner:
        count += 1
        found = f"{word}_{count}"
    taken[found] = owner
    return found


def _subject(symbol: MatrixSymbol) -> tuple[str, bool]:
    """Of which value something is (c.2 of c), and whether of its cotangent."""
    name = name_of(symbol)
    return re.sub(r"\.\d+$", "", name.base), "bar" in name.marks
