"""A sweep as loops over entries and products of matrices: for languages that have no arrays.

    flat      every product, sum of entries, softmax and stack has a name; all else is computed entry by entry
    stacks    which values are computed in their place in a stack
    homes     what is computed in the place of a value that nobody needs any more
    nests     what is computed entry by entry in as few loops as can be, in an order of evaluation
    places    where each value is kept, and for how long; memory: arrays one after the other
    names     identifiers; reserved: words that are none
    entries   the code for an entry of a value, in C; helpers: the functions that it calls
    calls     the lines for a loop over entries, a product, a sum
    layout    the names and places of a whole file
    functions the functions of a file; comments: what its header says of them; selftest: its own test

Nothing here knows a cell.
"""
