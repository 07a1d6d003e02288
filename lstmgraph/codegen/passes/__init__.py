"""Passes: from a sweep to one that computes the same values in another way.

    hoist_terms, hoist_factors    what waits for no other step goes out of the loop
    stack                         products that share a factor, or are terms of one sum, become one product
    pack                          equations of one form become one over their stacked operands

Which of them a target takes, and in which order, is data of the target.  Each holds for any equations: none knows a
cell, and `tests/codegen/test_passes.py` evaluates every cell before and after each.
"""
