"""What the rows of many ops share: tensors, words of errors, and the hard points of derivatives."""

from itertools import product

import numpy as np
from rows import BOOL, T

# fmt: off
# ------------------------------------------------------------------ tensors and words many rows share
A, B = T(), T()
V, W = T(3), T(3)
ROW, COL = T(4), T(3, 1)
X, Y = T(3, 4), T(3, 4)
CUBE = T(2, 3, 4)
EMPTY = T(0)
MASK, V_MASK, A_MASK = T(3, 4, of=BOOL), T(3, of=BOOL), T(of=BOOL)
COLON = slice(None)
OUT_OF_RANGE = "Dimension out of range (expected to be in range of [-2, 1], but got 2)"
BELOW_RANGE = "Dimension out of range (expected to be in range of [-2, 1], but got -3)"
NO_BOOL_NEG = "Negation, the `-` operator, on a bool tensor is not supported"
NO_BOOL_SUB = "Subtraction, the `-` operator, with a bool tensor is not supported"
NO_BOOLS_SUB = "Subtraction, the `-` operator, with two bool tensors is not supported"
INTEGER_ALPHA = "For integral input tensors, argument alpha must not be a floating point number"


# ------------------------------------------------------------------ hard points
def both(points):
    """The points and their mirror images."""
    return tuple(points) + tuple(-x for x in points)


TINY = (5e-324, 3e-310, 1e-300, 1e-150, 1e-20, 1e-9)
MIDDLE = (1e-4, 0.01, 0.125, 0.3, 0.5, 0.7, 0.999, 1.0, 1.001, 1.5, 2.0, 3.1, 4.9)
LARGE = (7.3, 9.9, 20.0, 100.5, 1e4, 1e8, 1e16, 1e60, 1e150, 1e300, 1.7e308)
HALF_LINE = TINY + MIDDLE + LARGE
LINE = both(HALF_LINE)
ANGLES = both(TINY + MIDDLE + tuple(k * np.pi / 4 for k in (1, 2, 3, 4, 6)) + (9.9, 100.5, 1e4, 1e8, 1e22, 1e300))
EXPONENTS = both(TINY + MIDDLE + (7.3, 9.9, 20.0, 100.5)) + (300.25, 700.0, 709.0, 710.0, 1e10, -700.0, -740.0, -800.0)
BOUNDED = both(TINY + MIDDLE)  # where 1 - tanh(x)**2 has not cancelled yet
ABOVE_MINUS_ONE = HALF_LINE + tuple(-x for x in TINY + MIDDLE[:7]) + (-1 + 1e-9, -1 + 2.0**-52, -1 + 2.0**-53)
INSIDE_UNIT = both(TINY + MIDDLE[:7] + (1 - 1e-5,))
ABOVE_ONE = (1.001, 1.5, 2.0, 3.1, 4.9, *LARGE)
NEAR_ONE = both((1 - 1e-9, 1 - 2.0**-52, 1 - 2.0**-53))
HYPERBOLIC = both(TINY + MIDDLE + (7.3, 9.9, 20.0, 100.5, 700.0, 709.0, 720.0, 1e4))
GAUSSIAN = both(TINY + MIDDLE + (7.3, 9.9, 20.0, 26.5, 30.0))  # further out mpmath takes minutes, for a 0
# Of the gamma function and its derivatives, first digamma's root; torch has the derivatives there to some digits.
GAMMAS = (1.4616321449683622,) + TINY[3:] + MIDDLE + (7.3, 9.9, 20.0, 100.5, 1e4, 1e8) + (
    -1e-9, -0.01, -0.3, -0.5, -0.999, -1.001, -1.5, -2.0001, -2.7, -3.1, -4.9, -20.3, -100.5)
LEFT = (-7.3, -9.9, -20.5, -36.9)
TAILS = BOUNDED + both((7.3, 9.9, 20.5, 36.9, 100.5, 700.0)) + (1e4, 1e8, 1e150, -1e4)
# From 1e-11 on: nearer to 0 and 1 torch, and so we, bound the denominator of the derivative by 1e-12.
PROBABILITIES = (1e-11, 1e-9, 1e-4, 0.01, 0.25, 0.5, 0.7, 0.99, 0.9999, 1 - 1e-9, 1 - 1e-11)
PAIRS = tuple(product((1e-8, 0.3, -0.7, 1.0, -2.5, 1e5, -1e12), (1e-9, -0.2, 0.9, 3.0, -1e4, 1e11)))
UNEQUAL = ((1e-300, -1e-299), (1e150, -1e150), (-1e150, 1e149), (1e-320, 2.0), (1e300, -0.5))
EXTREME = (*UNEQUAL, (1e-300, 1e-300), (1e150, 1e150))
POWERS = tuple(product((1e-20, 1e-8, 0.3, 0.999, 1.0, 1.001, 2.5, 1e5), (-3.0, -0.5, 0.7, 1.0, 2.0)))
RAISED = ((0, LINE), (1, LINE), (2, LINE), (3, LINE), (-1, LINE), (-2, LINE), (0.5, HALF_LINE), (1.5, HALF_LINE),
          (-0.5, HALF_LINE), (2.5, HALF_LINE))
BCE_POINTS = tuple(product(PROBABILITIES, (0.0, 0.3, 1.0)))
