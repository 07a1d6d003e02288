"""Generated code beside what else computes the same: sequences forward and with all gradients, and single steps.

    problem     the cells, the cases, and the numbers that every row must find
    *_rows      rows: each makes from a `Problem` what it runs
    steps       rows of another table: one step at a time
    rows        all of them by name
    measuring   every row is checked, then timed, in rounds that go through all of them in turn
    worker      one process: a number of threads and a type
    figures     what is measured, and how it is chosen
    bounds      what the figures are held to
    tables      the figures as text and as Markdown
    machine     what they were measured on

To add a row: a function from a `Problem` to `Runs`, and its name in `ROWS`, or in `STEPS`.  To hold one to a bound: a
line of `BOUNDS`.
"""
