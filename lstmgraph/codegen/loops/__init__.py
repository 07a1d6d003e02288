"""A sweep as loops over entries and products of matrices: for languages that have no arrays.

    flat      every product, sum of entries, softmax and stack has a name; all else is computed entry by entry
    nests     what is computed entry by entry in as few loops as can be, in an order of evaluation
    places    where each value is kept, and for how long
    entries   the code for an entry of a value, and for a loop of them

Nothing here knows a cell; of the language only `entries` knows, which spells C.
"""
