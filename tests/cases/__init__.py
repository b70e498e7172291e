"""One row per op: what test_ops.py and test_derivatives.py know about it. Adding an op to the tests is adding its row.

A row names the op, an independent numpy reference, the node torch records, the samples the op is called with and the
calls that must raise; rows of elementwise ops have an mpmath function and the hard points at which its derivatives
are taken. In a sample ``T(3, 4)`` is a float tensor of that shape, drawn from the row's domain unless it says
otherwise (the same T twice is the same tensor twice); ``L(0, 2)`` is a tensor of just that; anything else is itself.

A row never repeats our formula: its references are numpy and mpmath functions, and torch judges the rest.
"""

from cases.elementwise import ACTIVATIONS, BINARY, UNARY
from cases.indexing import INDEXING
from cases.losses import LOSSES
from cases.making import COPYING, CREATION
from cases.products import PRODUCTS
from cases.reductions import REDUCTIONS
from cases.shapes import JOINS, VIEWS

CASES = (*UNARY, *ACTIVATIONS, *BINARY, *REDUCTIONS, *VIEWS, *JOINS, *INDEXING, *PRODUCTS, *LOSSES, *COPYING, *CREATION)
