"""Values and subgradients at kinks, poles and the ends of the range: literal, and torch's.

Rows are expressions in x (and y), evaluated with the names of the tested module. A derivative multiplied by g, where
torch selects by it, shows as a nan or an inf too many.
"""

from dataclasses import dataclass
from math import inf, nan

import mpmath as mp
import numpy as np
import pytest
import references as ref
from edge_tables import evaluate, float_tensor
from module import IS_TORCH, ac, assert_same, to_numpy


# ------------------------------------------------------------------ values and gradients
@dataclass(frozen=True)
class Edge:
    """An expression, its inputs, its value and its gradients for the incoming gradient ``g`` (ones if not given).

    For two inputs ``inputs`` and ``gradient`` are pairs. nan, inf and the signs of zero count.
    """

    expression: str
    inputs: object
    value: object
    gradient: object
    g: object = None
    rtol: float = 4e-15


def edge(*args, marks=(), **kwargs):
    row = Edge(*args, **kwargs)
    return pytest.param(row, id=row.expression + (", g" if row.g is not None else ""), marks=marks)


# Of a variance of too few elements, which has a test of its own.
FREEDOM = pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")


# fmt: off
EDGES = [
    #    expression, inputs, value, gradient
    # one tensor, elementwise
    edge("abs(x)", [0.0, -0.0, nan, inf, -inf], [0.0, 0.0, nan, inf, inf], [0.0, 0.0, 0.0, 1.0, -1.0]),
    edge("abs(x)", [0.0, 0.0, -1.0, 1.0], [0.0, 0.0, 1.0, 1.0], [nan, nan, -inf, nan], g=[inf, nan, inf, nan]),
    edge("-x", [0.0, -0.0, nan, inf], [-0.0, 0.0, nan, -inf], [-1.0, -1.0, -1.0, -1.0]),
    edge("sign(x)", [0.0, -0.0, nan, -inf, 2.0], [0.0, 0.0, 0.0, -1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]),
    edge("relu(x)", [0.0, -0.0, nan, -1.0, inf, -inf], [0.0, -0.0, nan, 0.0, inf, 0.0], [0.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
    edge("relu(x)", [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, nan, -inf],
         g=[nan, inf, nan, inf, nan, -inf]),
    edge("sqrt(x)", [0.0, -0.0, -1.0, inf, nan], [0.0, -0.0, nan, inf, nan], [inf, -inf, nan, 0.0, nan]),
    edge("sqrt(x)", [0.0, inf], [0.0, inf], [nan, nan], g=[0.0, inf]),
    edge("rsqrt(x)", [0.0, -0.0, -1.0, inf], [inf, -inf, nan, 0.0], [-inf, inf, nan, -0.0]),
    edge("reciprocal(x)", [0.0, -0.0, inf, 5e-324, nan], [inf, -inf, 0.0, inf, nan], [-inf, -inf, -0.0, -inf, nan]),
    edge("square(x)", [0.0, -0.0, inf, -inf, nan], [0.0, 0.0, inf, inf, nan], [0.0, -0.0, inf, -inf, nan]),
    edge("exp(x)", [inf, -inf, nan, 710.0, -746.0, 0.0], [inf, 0.0, nan, inf, 0.0, 1.0],
         [inf, 0.0, nan, inf, 0.0, 1.0]),
    edge("exp(x)", [-inf, -800.0, 800.0], [0.0, 0.0, inf], [nan, nan, nan], g=[inf, inf, 0.0]),
    edge("expm1(x)", [inf, -inf, nan, -0.0], [inf, -1.0, nan, -0.0], [inf, 0.0, nan, 1.0]),
    edge("log(x)", [0.0, -0.0, -1.0, inf, nan, 1.0], [-inf, -inf, nan, inf, nan, 0.0],
         [inf, -inf, -1.0, 0.0, nan, 1.0]),
    edge("log(x)", [1e-310, 0.0, -1.0, inf], [-713.8013788281542, -inf, nan, inf],
         [1.000000000000003e+300, nan, 3.0, nan], g=[1e-10, 0.0, -3.0, inf]),
    edge("log2(x)", [0.0, -0.0, -1.0, inf, nan, 1.0], [-inf, -inf, nan, inf, nan, 0.0],
         [inf, -inf, -1.4426950408889634, 0.0, nan, 1.4426950408889634]),
    edge("log2(x)", [0.0, inf], [-inf, inf], [nan, nan], g=[0.0, inf]),
    edge("log10(x)", [0.0, -0.0, -1.0, inf, nan, 1.0], [-inf, -inf, nan, inf, nan, 0.0],
         [inf, -inf, -0.43429448190325187, 0.0, nan, 0.43429448190325187]),
    edge("log1p(x)", [-1.0, -2.0, inf, -0.0], [-inf, nan, inf, -0.0], [inf, -1.0, 0.0, 1.0]),
    edge("sin(x)", [0.0, -0.0, inf, nan], [0.0, -0.0, nan, nan], [1.0, 1.0, nan, nan]),
    edge("cos(x)", [0.0, -inf, nan], [1.0, nan, nan], [-0.0, nan, nan]),
    edge("tan(x)", [0.0, -0.0, inf], [0.0, -0.0, nan], [1.0, 1.0, nan]),
    edge("asin(x)", [0.0, -0.0, 1.0, -1.0, 2.0, inf, nan],
         [0.0, -0.0, 1.5707963267948966, -1.5707963267948966, nan, nan, nan],
         [1.0, 1.0, inf, inf, nan, nan, nan]),
    edge("asin(x)", [1.0, 0.0], [1.5707963267948966, 0.0], [nan, inf], g=[0.0, inf]),
    edge("acos(x)", [0.0, 1.0, -1.0, 2.0, -inf, nan], [1.5707963267948966, 0.0, 3.141592653589793, nan, nan, nan],
         [-1.0, -inf, -inf, nan, nan, nan]),
    edge("atan(x)", [0.0, -0.0, inf, -inf, nan, 1e+200],
         [0.0, -0.0, 1.5707963267948966, -1.5707963267948966, nan, 1.5707963267948966],
         [1.0, 1.0, 0.0, 0.0, nan, 0.0]),
    edge("atan(x)", [inf], [1.5707963267948966], [nan], g=[inf]),
    edge("sinh(x)", [0.0, -0.0, inf, -inf, nan, 711.0], [0.0, -0.0, inf, -inf, nan, inf],
         [1.0, 1.0, inf, inf, nan, inf]),
    edge("cosh(x)", [0.0, -0.0, inf, -inf, nan, -711.0], [1.0, 1.0, inf, inf, nan, inf],
         [0.0, -0.0, inf, -inf, nan, -inf]),
    edge("erf(x)", [0.0, -0.0, inf, -inf, nan, 30.0], [0.0, -0.0, 1.0, -1.0, nan, 1.0],
         [1.1283791670955126, 1.1283791670955126, 0.0, 0.0, nan, 0.0]),
    edge("erf(x)", [inf, 30.0], [1.0, 1.0], [nan, nan], g=[inf, inf]),
    edge("erfc(x)", [0.0, inf, -inf, nan, 30.0], [1.0, 0.0, 2.0, nan, 0.0],
         [-1.1283791670955126, -0.0, -0.0, nan, -0.0]),
    edge("lgamma(x)", [0.0, -0.0, -1.0, -2.0, inf, -inf, nan, 2e+306], [inf, inf, inf, inf, inf, inf, nan, inf],
         [-inf, inf, nan, nan, inf, nan, nan, 705.2841856367379]),
    edge("tanh(x)", [0.0, -0.0, inf, -inf, nan], [0.0, -0.0, 1.0, -1.0, nan], [1.0, 1.0, 0.0, 0.0, nan]),
    edge("tanh(x)", [inf, 30.0], [1.0, 1.0], [nan, nan], g=[inf, inf]),
    edge("sigmoid(x)", [0.0, inf, -inf, nan, -750.0], [0.5, 1.0, 0.0, nan, 0.0], [0.25, 0.0, 0.0, nan, 0.0]),
    edge("sigmoid(x)", [inf, -inf], [1.0, 0.0], [nan, nan], g=[inf, inf]),
    # activations
    edge("F.leaky_relu(x)", [0.0, -0.0, nan, inf, -inf, -2.0], [0.0, -0.0, nan, inf, -inf, -0.02],
         [0.01, 0.01, 0.01, 1.0, 0.01, 0.01]),
    edge("F.leaky_relu(x)", [-1.0, 1.0, 0.0], [-0.01, 1.0, 0.0], [inf, nan, -inf], g=[inf, nan, -inf]),
    edge("F.leaky_relu(x, 0.0)", [0.0, -2.0, 3.0, nan], [0.0, -0.0, 3.0, nan], [0.0, 0.0, 1.0, 0.0]),
    edge("F.leaky_relu(x, 0.0)", [-2.0, 3.0], [-0.0, 3.0], [nan, inf], g=[inf, inf]),
    edge("F.leaky_relu(x, -0.5)", [0.0, -2.0, 3.0, -inf], [-0.0, 1.0, 3.0, inf], [-0.5, -0.5, 1.0, -0.5]),
    edge("F.leaky_relu(x.clone(), 0.25, True)", [0.0, -0.0, nan, inf, -inf, -2.0], [0.0, -0.0, nan, inf, -inf, -0.5],
         [0.25, 0.25, 0.25, 1.0, 0.25, 0.25]),
    edge("F.elu(x)", [0.0, -0.0, nan, inf, -inf, -800.0], [0.0, -0.0, nan, inf, -1.0, -1.0],
         [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
    edge("F.elu(x)", [-inf, 0.0, 1.0, 800.0], [-1.0, 0.0, 1.0, 800.0], [nan, inf, nan, inf], g=[inf, inf, nan, inf]),
    edge("F.elu(x, 2.5)", [0.0, -0.0, nan, inf, -inf], [0.0, -0.0, nan, inf, -2.5], [2.5, 2.5, 1.0, 1.0, 0.0]),
    edge("F.elu(x, -1.5)", [0.0, -0.0, nan, -inf], [0.0, -0.0, nan, 1.5], [-1.5, -1.5, 1.0, -0.0]),
    edge("F.elu(x.clone(), 2.5, True)", [0.0, -0.0, nan, inf, -inf], [0.0, -0.0, nan, inf, -2.5],
         [2.5, 2.5, 1.0, 1.0, 0.0]),
    edge("F.gelu(x)", [0.0, -0.0, nan, inf, -inf, 50.0, -50.0, 1e+200, -1e+200],
         [0.0, -0.0, nan, inf, nan, 50.0, -0.0, 1e+200, -0.0],
         [0.5, 0.5, nan, nan, nan, 1.0, 0.0, 1.0, 0.0]),
    edge("F.gelu(x)", [0.0, -50.0], [0.0, -0.0], [inf, nan], g=[inf, inf]),
    edge("F.gelu(x, approximate='tanh')", [0.0, -0.0, nan, inf, -inf, 50.0, -50.0],
         [0.0, -0.0, nan, inf, nan, 50.0, -0.0],
         [0.5, 0.5, nan, nan, nan, 1.0, 0.0]),
    edge("F.silu(x)", [0.0, -0.0, nan, inf, -inf, 800.0, -800.0, 1e+200],
         [0.0, -0.0, nan, inf, nan, 800.0, -0.0, 1e+200],
         [0.5, 0.5, nan, nan, nan, 1.0, -0.0, 1.0]),
    edge("F.silu(x)", [0.0, -800.0], [0.0, -0.0], [inf, nan], g=[inf, inf]),
    edge("F.softplus(x)", [0.0, -0.0, nan, inf, -inf, 20.0, 20.000001, 800.0, -745.0],
         [0.6931471805599453, 0.6931471805599453, nan, inf, 0.0, 20.000000002061153, 20.000001, 800.0, 5e-324],
         [0.5, 0.5, nan, 1.0, 0.0, 0.9999999979388464, 1.0, 1.0, 5e-324]),
    edge("F.softplus(x)", [30.0, -800.0], [30.0, 0.0], [inf, nan], g=[inf, inf]),
    edge("F.softplus(x, 2.0, 1.0)", [0.5, 0.5000001, 0.0], [0.6566308437591114, 0.5000001, 0.34657359027997264],
         [0.7310585786300049, 1.0, 0.5]),
    edge("F.softplus(x, -1.0)", [0.0, inf, -inf, -30.0], [-0.6931471805599453, -0.0, -inf, -30.0],
         [0.5, 0.0, 1.0, 1.0]),
    edge("F.softplus(x, 0.0)", [0.0, 1.0, inf], [inf, inf, nan], [0.5, 0.5, nan]),
    edge("F.logsigmoid(x)", [0.0, -0.0, nan, inf, -inf, -800.0, 40.0],
         [-0.6931471805599453, -0.6931471805599453, nan, 0.0, -inf, -800.0, -4.248354255291589e-18],
         [0.5, 0.5, nan, 0.0, 1.0, 1.0, 4.248354255291589e-18]),
    edge("F.logsigmoid(x)", [inf, -inf], [0.0, -inf], [nan, inf], g=[inf, inf]),
    edge("F.relu(x)", [0.0, nan, -1.0, inf], [0.0, nan, 0.0, inf], [0.0, 1.0, 0.0, 1.0]),
    # powers
    edge("x ** 0", [0.0, nan, inf, -2.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]),
    edge("x ** 0", [0.0, 2.0], [1.0, 1.0], [0.0, 0.0], g=[inf, nan]),
    edge("x ** 1", [0.0, -2.0, inf, nan], [0.0, -2.0, inf, nan], [1.0, 1.0, 1.0, 1.0]),
    edge("x ** 2", [0.0, -0.0, -3.0, inf, -inf], [0.0, 0.0, 9.0, inf, inf], [0.0, -0.0, -6.0, inf, -inf]),
    edge("x ** 3", [0.0, -2.0, -inf], [0.0, -8.0, -inf], [0.0, 12.0, inf]),
    edge("x ** 0.5", [0.0, -0.0, -1.0, inf, -inf], [0.0, -0.0, nan, inf, nan], [inf, -inf, nan, 0.0, nan]),
    edge("x ** -1", [0.0, -0.0, inf], [inf, -inf, 0.0], [-inf, -inf, -0.0]),
    edge("x ** -2", [0.0, -0.0, inf], [inf, inf, 0.0], [-inf, inf, -0.0]),
    edge("x ** 2.5", [0.0, -1.0, inf], [0.0, nan, inf], [0.0, nan, inf]),
    edge("x ** nan", [1.0, 0.0], [1.0, nan], [nan, nan]),
    edge("x ** inf", [0.5, 1.0, 2.0], [0.0, 1.0, inf], [nan, inf, inf]),
    edge("0.0 ** x", [0.0, 1.0, -1.0, nan], [1.0, 0.0, inf, nan], [0.0, 0.0, -inf, nan]),
    edge("1.0 ** x", [nan, inf, 2.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
    edge("(-2.0) ** x", [2.0, 3.0, 0.5], [4.0, -8.0, nan], [nan, nan, nan]),
    edge("2 ** x", [inf, -inf, 1024.0], [inf, 0.0, inf], [inf, 0.0, inf]),
    edge("x ** y", ([0.0, 0.0, 0.0, 0.0, -2.0, -2.0, inf, 1.0, nan], [0.0, 2.0, -1.0, 0.5, 2.0, 0.5, -1.0, nan, 0.0]),
         [1.0, 0.0, inf, 0.0, 4.0, nan, 0.0, 1.0, 1.0], ([0.0, 0.0, -inf, inf, -4.0, nan, -0.0, nan, 0.0],
                                                         [0.0, 0.0, -inf, 0.0, nan, nan, nan, 0.0, nan])),
    edge("x ** y", ([-inf, -0.0, -inf, -0.0], [0.5, 0.5, -0.5, -0.5]), [inf, 0.0, 0.0, inf],
         ([0.0, inf, -0.0, -inf], [nan, 0.0, nan, -inf])),
    # two tensors, elementwise
    edge("x / y", ([1.0, 0.0, -1.0, inf, 1.0, 1.0], [0.0, 0.0, 0.0, inf, inf, -0.0]), [inf, nan, -inf, nan, 0.0, -inf],
         ([inf, inf, inf, 0.0, 0.0, -inf], [-inf, nan, inf, nan, -0.0, -inf])),
    edge("x * y", ([0.0, inf, nan, -0.0], [inf, 0.0, 1.0, 2.0]), [nan, nan, nan, -0.0],
         ([inf, 0.0, 1.0, 2.0], [0.0, inf, nan, -0.0])),
    edge("div(x, y, rounding_mode='trunc')", ([7.0, -7.0, 1.0, 0.0, inf], [2.0, 2.0, 0.0, 0.0, 1.0]),
         [3.0, -3.0, inf, nan, inf], ([0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0])),
    edge("div(x, y, rounding_mode='floor')", ([7.0, -7.0, 1.0, 0.0, inf, -1.0], [2.0, 2.0, 0.0, 0.0, 1.0, inf]),
         [3.0, -4.0, inf, nan, nan, -1.0], ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
    edge("remainder(x, y)", ([7.0, -7.0, 7.0, -7.0, 1.0, 6.0, -0.0, 5.0, inf],
                             [3.0, 3.0, -3.0, -3.0, 0.0, 3.0, 3.0, inf, 2.0]),
                             [1.0, 2.0, -2.0, -1.0, nan, 0.0, -0.0, 5.0, nan],
                             ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                              [-2.0, 3.0, 3.0, -2.0, -inf, -2.0, 0.0, -0.0, nan])),
    edge("maximum(x, y)", ([1.0, 2.0, 2.0, nan, 1.0, nan, inf], [2.0, 1.0, 2.0, 1.0, nan, nan, inf]),
         [2.0, 2.0, 2.0, nan, nan, nan, inf],
         ([0.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.5], [1.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5])),
    edge("maximum(x, y)", ([1.0, 2.0, 1.0, 3.0], [2.0, 1.0, 2.0, 3.0]), [2.0, 2.0, 2.0, 3.0],
         ([0.0, inf, 0.0, inf], [inf, 0.0, nan, inf]), g=[inf, inf, nan, inf]),
    edge("minimum(x, y)", ([1.0, 2.0, 2.0, nan, 1.0, -inf], [2.0, 1.0, 2.0, 1.0, nan, -inf]),
         [1.0, 1.0, 2.0, nan, nan, -inf], ([1.0, 0.0, 0.5, 1.0, 1.0, 0.5], [0.0, 1.0, 0.5, 1.0, 1.0, 0.5])),
    edge("minimum(x, y)", ([1.0, 2.0, 1.0], [2.0, 1.0, 2.0]), [1.0, 1.0, 1.0], ([inf, 0.0, nan], [0.0, inf, 0.0]),
         g=[inf, inf, nan]),
    edge("max(x, y)", ([1.0, 2.0, nan], [1.0, 1.0, 1.0]), [1.0, 2.0, nan], ([0.5, 1.0, 1.0], [0.5, 0.0, 1.0])),
    edge("atan2(x, y)", ([0.0, 0.0, -0.0, -0.0, 1.0, 0.0, -0.0], [0.0, -0.0, 0.0, -0.0, 0.0, -1.0, -1.0]),
         [0.0, 3.141592653589793, -0.0, -3.141592653589793, 1.5707963267948966, 3.141592653589793, -3.141592653589793],
         ([0.0, -0.0, 0.0, -0.0, 0.0, -1.0, -1.0], [-0.0, -0.0, 0.0, 0.0, -1.0, -0.0, 0.0])),
    edge("atan2(x, y)", ([inf, inf, 1.0, 1.0, nan], [inf, 1.0, inf, -inf, 1.0]),
         [0.7853981633974483, 1.5707963267948966, 0.0, 3.141592653589793, nan],
         ([nan, 0.0, nan, nan, nan], [nan, nan, -0.0, -0.0, nan])),
    edge("atan2(x, y)", ([0.0, 0.0], [0.0, 1.0]), [0.0, 0.0], ([nan, inf], [nan, nan]), g=[inf, inf]),
    # clamp, where, masks
    edge("clamp(x, -1, 1)", [-1.0, 1.0, -2.0, 2.0, nan, 0.0, inf], [-1.0, 1.0, -1.0, 1.0, nan, 0.0, 1.0],
         [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
    edge("clamp(x, -1, 1)", [-2.0, 2.0, -1.0, nan, 0.0], [-1.0, 1.0, -1.0, nan, 0.0], [0.0, 0.0, inf, 0.0, inf],
         g=[nan, inf, inf, 1.0, inf]),
    edge("clamp(x, 1, -1)", [-2.0, -1.0, 0.0, 1.0, 2.0, nan], [-1.0, -1.0, -1.0, -1.0, -1.0, nan],
         [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    edge("clamp(x, min=1.0)", [1.0, 0.0, nan, inf], [1.0, 1.0, nan, inf], [1.0, 0.0, 0.0, 1.0]),
    edge("clamp(x, max=1.0)", [1.0, 2.0, nan, -inf], [1.0, 1.0, nan, -inf], [1.0, 0.0, 0.0, 1.0]),
    edge("clamp(x, min=nan)", [1.0, nan], [nan, nan], [0.0, 0.0]),
    edge("where(x > 0, log(x), zeros_like(x))", [0.0, 1.0, -1.0], [0.0, 0.0, 0.0], [nan, 1.0, -0.0]),
    edge("log(where(x > 0, x, ones_like(x)))", [0.0, 2.0], [0.0, 0.6931471805599453], [0.0, 0.5]),
    edge("where(x > 0, x, y)", ([1.0, -1.0], [5.0, 6.0]), [1.0, 6.0], ([nan, 0.0], [0.0, inf]), g=[nan, inf]),
    edge("x.masked_fill(x > 0, 7.0)", [1.0, -1.0, 2.0], [7.0, -1.0, 7.0], [0.0, 2.0, 0.0], g=[nan, 2.0, inf]),
    # maxima and minima: a tie is shared by max(), amax, maximum; max(dim) takes the first
    edge("x.max()", [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
    edge("x.max()", [2.0, 2.0, 2.0, 2.0], 2.0, [0.25, 0.25, 0.25, 0.25]),
    edge("x.max()", [1.0, nan, 3.0, nan], nan, [0.0, 0.5, 0.0, 0.5]),
    edge("x.max()", [inf, 1.0, inf, -inf], inf, [0.5, 0.0, 0.5, 0.0]),
    edge("x.max()", [1.0, 3.0, 2.0], 3.0, [0.0, inf, 0.0], g=inf),
    edge("x.max()", [1.0, 3.0], 3.0, [0.0, nan], g=nan),
    edge("x.max()", [3.0, 3.0, 1.0], 3.0, [inf, inf, 0.0], g=inf),
    edge("x.min()", [1.0, 3.0, 1.0], 1.0, [0.5, 0.0, 0.5]),
    edge("x.min()", [1.0, nan, 3.0], nan, [0.0, 1.0, 0.0]),
    edge("x.min()", [1.0, 3.0, 2.0], 1.0, [inf, 0.0, 0.0], g=inf),
    edge("x.amax()", [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
    edge("x.amax()", [1.0, nan, 3.0], nan, [nan, nan, nan]),
    edge("x.amax()", [1.0, 3.0, 2.0], 3.0, [nan, inf, nan], g=inf),
    edge("x.amax()", [1.0, 3.0], 3.0, [nan, nan], g=nan),
    edge("x.amax(1)", [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, nan, 1.0]], [3.0, 2.0, nan],
         [[0.0, 0.5, 0.5], [0.3333333333333333, 0.3333333333333333, 0.3333333333333333], [nan, nan, nan]]),
    edge("x.amax((0, 1))", [[1.0, 3.0], [3.0, 3.0]], 3.0,
         [[0.0, 0.3333333333333333], [0.3333333333333333, 0.3333333333333333]]),
    edge("x.amin()", [1.0, 3.0, 1.0], 1.0, [0.5, 0.0, 0.5]),
    edge("x.amin()", [1.0, nan, 3.0], nan, [nan, nan, nan]),
    edge("x.amin()", [1.0, 3.0, 2.0], 1.0, [inf, nan, nan], g=inf),
    edge("x.max(1).values", [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, nan, nan]], [3.0, 2.0, nan],
         [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    edge("x.max(0).values", [[1.0, 3.0], [2.0, 2.0]], [2.0, 3.0], [[0.0, nan], [inf, 0.0]], g=[inf, nan]),
    edge("x.min(1).values", [[1.0, 3.0, 1.0], [2.0, 2.0, 2.0], [0.0, nan, nan]], [1.0, 2.0, nan],
         [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    # sums
    edge("logsumexp(x, 1)", [[-inf, -inf], [-inf, 0.0], [inf, 0.0], [nan, 0.0], [1000.0, -1000.0]],
         [-inf, 0.0, inf, nan, 1000.0], [[nan, nan], [0.0, 1.0], [nan, 0.0], [nan, nan], [1.0, 0.0]]),
    edge("logsumexp(x, 0)", [inf, inf], inf, [nan, nan]),
    edge("logsumexp(x, 0)", [inf, -inf], inf, [nan, 0.0]),
    edge("logsumexp(x, 0)", [0.0, -inf, -1000.0], 0.0, [inf, nan, nan], g=inf),
    # softmax: nan along a line without a finite largest element
    edge("softmax(x, 0)", [-inf, -inf], [nan, nan], [nan, nan]),
    edge("softmax(x, 1)", [[-inf, 0.0], [inf, 0.0], [nan, 0.0], [1000.0, -1000.0]],
         [[0.0, 1.0], [nan, nan], [nan, nan], [1.0, 0.0]], [[0.0, 0.0], [nan, nan], [nan, nan], [0.0, -0.0]],
         g=[[1.0, 0.0]] * 4),
    edge("softmax(x, 0)", [-inf, 0.0], [0.0, 1.0], [nan, nan], g=[inf, 0.0]),
    edge("log_softmax(x, 0)", [-inf, -inf], [nan, nan], [nan, nan]),
    edge("log_softmax(x, 1)", [[-inf, 0.0], [inf, 0.0], [nan, 0.0], [1000.0, -1000.0]],
         [[-inf, 0.0], [nan, nan], [nan, nan], [0.0, -2000.0]], [[1.0, -1.0], [nan, nan], [nan, nan], [0.0, 0.0]],
         g=[[1.0, 0.0]] * 4),
    # products: the gradient is the product of the others
    edge("x.prod()", [0.0, 3.0, 4.0], 0.0, [12.0, 0.0, 0.0]),
    edge("x.prod(0)", [0.0, 0.0, 4.0], 0.0, [0.0, 0.0, 0.0]),
    edge("x.prod(1)", [[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0]], [0.0, 0.0, 6.0],
         [[0.0, 6.0, 0.0], [0.0, 0.0, 0.0], [6.0, 3.0, 2.0]]),
    edge("x.prod()", [0.0, inf], nan, [inf, 0.0]),
    edge("x.prod()", [0.0, 2.0], 0.0, [inf, nan], g=inf),
    edge("x.prod()", [], 1.0, []),
    edge("x.cumprod(0)", [2.0, 0.0, 4.0], [2.0, 0.0, 0.0], [1.0, 10.0, 0.0]),
    edge("x.cumprod(0)", [0.0, 0.0, 4.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    edge("x.cumprod(0)", [2.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 2.0, 0.0]),
    edge("x.cumprod(0)", [0.0, inf], [0.0, nan], [inf, 0.0]),
    edge("x.cumsum(0)", [1.0, inf, 2.0], [1.0, inf, inf], [3.0, 2.0, 1.0]),
    edge("x.cumsum(0)", [1.0, 2.0, 3.0], [1.0, 3.0, 6.0], [inf, 1.0, 1.0], g=[inf, 0.0, 1.0]),
    # moments
    edge("x.std()", [1.0], nan, [nan], marks=FREEDOM),
    edge("x.std(0)", [1.0], nan, [nan], marks=FREEDOM),
    edge("x.var()", [1.0], nan, [nan], marks=FREEDOM),
    edge("x.var()", [], nan, [], marks=FREEDOM),
    edge("x.var(correction=3)", [1.0, 3.0], inf, [inf, inf], marks=FREEDOM),
    edge("x.var(0, correction=3)", [1.0, 3.0], inf, [2.0, -2.0], marks=FREEDOM),
    edge("x.std(correction=0)", [1.0], 0.0, [0.0]),
    edge("x.std()", [2.0, 2.0], 0.0, [0.0, 0.0]),
    edge("x.std()", [2.0, 2.0], 0.0, [0.0, 0.0], g=inf),
    edge("x.var()", [2.0, 2.0], 0.0, [nan, nan], g=inf),
    edge("x.var()", [inf, 1.0], nan, [nan, -inf]),
    edge("x.std()", [nan, 1.0], nan, [nan, nan]),
    # norms: 0 where the norm is 0
    *(edge(f"x.norm({p})", [0.0, 0.0], 0.0, [0.0, 0.0]) for p in ("1", "2", "3", "1.5", "0.5", "inf", "-inf", "-1")),
    *(edge(f"x.norm({p}, 1)", [[0.0, 0.0], [0.0, 1.0]], [0.0, 1.0], [[0.0, 0.0], [0.0, 1.0]])
      for p in ("1", "2", "3", "1.5", "2.5", "0.5", "inf")),
    edge("x.norm()", [nan, 1.0], nan, [nan, nan]),
    edge("x.norm()", [inf, 1.0], inf, [nan, 0.0]),
    edge("x.norm(1)", [nan, -inf], nan, [0.0, -1.0]),
    edge("x.norm(3)", [inf, 1.0], inf, [nan, 0.0]),
    edge("x.norm(0.5)", [inf, 1.0], inf, [nan, inf]),
    edge("x.norm(inf)", [nan, 1.0], nan, [0.0, 0.0]),
    edge("x.norm(inf)", [3.0, -3.0, 1.0], 3.0, [0.5, -0.5, 0.0]),
    edge("x.norm(-inf)", [3.0, 0.0], 0.0, [0.0, 0.0]),
    edge("x.norm(-1)", [0.0, 1.0], 0.0, [0.0, 0.0]),
    edge("x.norm(3)", [0.0, 0.0], 0.0, [0.0, 0.0], g=nan),
    edge("x.norm()", [0.0, 0.0], 0.0, [nan, nan], g=inf),
    edge("x.sum()", [inf, -inf], nan, [1.0, 1.0]),
    edge("x.sum()", [1.0, 2.0], 3.0, [inf, inf], g=inf),
    edge("x.sum()", [], 0.0, []),
    edge("x.mean()", [inf, 1.0], inf, [0.5, 0.5]),
    edge("x.mean()", [], nan, []),
    # losses; torch's 1e-12 in the denominator is a float32
    edge("bce(x, y)", ([0.0, 0.0, 1.0, 1.0, 0.25, 0.0], [0.0, 1.0, 0.0, 1.0, 0.5, 0.5]),
         [0.0, 100.0, 100.0, -0.0, 0.8369882167858357, 50.0],
         ([0.0, -1000000003995.8029, 1000000003995.8029, 0.0, -1.3333333333333333, -500000001997.9014],
          [inf, inf, -inf, -inf, 1.0986122886681098, inf]), rtol=1e-8),
    edge("bce(x, y, 'mean')", ([0.0, 1.0], [1.0, 0.0]), 100.0, ([-500000001997.9014, 500000001997.9014], [inf, -inf]),
         rtol=1e-8),
    edge("bce(x, y)", ([1e-300, 1e-20, 1e-09], [1.0, 1.0, 1.0]), [100.0, 46.051701859880914, 20.72326583694641],
         ([-1000000003995.8029, -1000000003995.8029, -999999999.9999999],
          [690.7755278982137, 46.051701859880914, 20.72326583594641]), rtol=1e-8),
    edge("bce(x, y, 'mean')", ([], []), nan, ([], [])),
    edge("bce(x, y)", ([0.0, 0.5], [0.0, 0.5]), [0.0, 0.6931471805599453], ([nan, nan], [inf, nan]), g=[inf, inf]),
    edge("mse(x, y)", ([inf, 1.0, nan], [inf, 1.0, 0.0]), [nan, 0.0, nan], ([nan, 0.0, nan], [nan, 0.0, nan])),
    edge("mse(x, y, 'mean')", ([], []), nan, ([], [])),
    edge("logits(x, y)", ([0.0, -0.0, 800.0, -800.0, 800.0, -800.0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
         [0.6931471805599453, 0.6931471805599453, 800.0, 0.0, 0.0, 800.0],
         ([0.5, 0.5, 1.0, 0.0, 0.0, -1.0], [-0.0, 0.0, -800.0, 800.0, -800.0, 800.0])),
    edge("logits(x, y)", ([inf, inf, inf, -inf, nan], [0.0, 1.0, 0.25, 0.0, 0.5]), [inf, nan, inf, nan, nan],
         ([1.0, 0.0, 0.75, 0.0, nan], [-inf, -inf, -inf, inf, nan])),
    edge("logits(x, y, pos_weight=3.0)", ([0.0, 800.0, -800.0, 800.0, -800.0], [1.0, 0.0, 0.0, 1.0, 1.0]),
         [2.0794415416798357, 800.0, 0.0, 0.0, 2400.0],
         ([-1.5, 1.0, 0.0, 0.0, -3.0], [1.3862943611198906, -800.0, 2400.0, -800.0, 2400.0])),
    edge("logits(x, y, 'mean')", ([], []), nan, ([], [])),
    edge("l1(x, y)", ([0.0, 1.0, nan, inf, inf, -1.0], [0.0, 1.0, 0.0, 0.0, inf, 2.0]), [0.0, 0.0, nan, inf, nan, 3.0],
         ([0.0, 0.0, 0.0, 1.0, 0.0, -1.0], [-0.0, -0.0, -0.0, -1.0, -0.0, 1.0])),
    edge("l1(x, y)", ([1.0, 2.0], [1.0, 1.0]), [0.0, 1.0], ([nan, inf], [nan, -inf]), g=[inf, inf]),
    edge("smooth_l1(x, y)", ([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, nan, inf, -inf], [0.0] * 9),
         [1.5, 0.5, 0.125, 0.0, 0.125, 0.5, nan, inf, inf],
         ([-1.0, -1.0, -0.5, 0.0, 0.5, 1.0, nan, 1.0, -1.0], [1.0, 1.0, 0.5, 0.0, -0.5, -1.0, nan, -1.0, 1.0])),
    edge("smooth_l1(x, y, 0.5)", ([-0.5, 0.25, 0.5, 1e308], [0.0] * 4), [0.25, 0.0625, 0.25, 1e308],
         ([-1.0, 0.5, 1.0, 1.0], [1.0, -0.5, -1.0, -1.0])),
    edge("smooth_l1(x, y, 0.0)", ([0.0, 2.0], [0.0, 0.0]), [0.0, 2.0], ([0.0, 1.0], [-0.0, -1.0])),
    edge("smooth_l1(x, y)", ([0.0, 1.0, -3.0], [0.0] * 3), [0.0, 0.5, 2.5], ([nan, inf, -inf], [nan, -inf, inf]),
         g=[inf, inf, inf]),
    edge("huber(x, y)", ([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, nan, inf, -inf], [0.0] * 9),
         [1.5, 0.5, 0.125, 0.0, 0.125, 0.5, nan, inf, inf],
         ([-1.0, -1.0, -0.5, 0.0, 0.5, 1.0, nan, 1.0, -1.0], [1.0, 1.0, 0.5, 0.0, -0.5, -1.0, nan, -1.0, 1.0])),
    edge("huber(x, y, 2.0)", ([-2.0, 1.0, 2.0, 3.0, 1e300], [0.0] * 5), [2.0, 0.5, 2.0, 4.0, 2e300],
         ([-2.0, 1.0, 2.0, 2.0, 2.0], [2.0, -1.0, -2.0, -2.0, -2.0])),
    edge("huber(x, y)", ([0.0, 1.0, -3.0], [0.0] * 3), [0.0, 0.5, 2.5], ([nan, inf, -inf], [nan, -inf, inf]),
         g=[inf, inf, inf]),
    edge("nll(x, 1, -100)", [[1.0, 2.0], [inf, nan]], -2.0, [[0.0, -1.0], [0.0, 0.0]]),
    edge("nll(x, 1, 0)", [[1.0, -inf], [3.0, 4.0]], inf, [[0.0, -0.5], [-0.5, 0.0]]),
    edge("nll(x, 1, 0, reduction='none')", [[1.0, 2.0], [3.0, 4.0]], [-2.0, -3.0], [[0.0, -inf], [nan, 0.0]],
         g=[inf, nan]),
    edge("nll(x, -100, -100)", [[1.0, 2.0], [3.0, 4.0]], nan, [[0.0, 0.0], [0.0, 0.0]]),
    edge("nll(x, -100, -100, reduction='sum')", [[1.0, 2.0], [3.0, 4.0]], 0.0, [[0.0, 0.0], [0.0, 0.0]], g=inf),
    edge("nll(x, 1, 0, weight=[0.0, 0.0])", [[1.0, 2.0], [3.0, 4.0]], nan, [[0.0, nan], [nan, 0.0]]),
    edge("nll(x, 1, 0, weight=[3.0, 1.0])", [[1.0, 2.0], [3.0, 4.0]], -2.75, [[0.0, -0.25], [-0.75, 0.0]]),
    edge("entropy(x, 0, 1)", [[1000.0, -1000.0], [1000.0, -1000.0]], 1000.0, [[0.0, 0.0], [0.5, -0.5]]),
    edge("kl(x, y)", ([1.0, -inf, -inf, 0.0, -1.0], [0.0, 0.5, 0.0, 1.0, -1.0]), [0.0, inf, nan, 0.0, nan],
         ([-0.0, -0.5, -0.0, -1.0, 1.0], [nan, inf, nan, 1.0, nan])),
    edge("kl(x, y, log_target=True)", ([-1.0, -inf, 0.0], [-inf, -1.0, 0.0]), [nan, inf, 0.0],
         ([-0.0, -0.36787944117144233, -1.0], [nan, inf, 1.0])),
    # products
    edge("addmm(x, y, ones(1, 1), beta=0)", ([[nan]], [[2.0]]), [[2.0]], ([[0.0]], [[1.0]])),
    edge("addmm(x, y, ones(1, 1), alpha=0)", ([[2.0]], [[nan]]), [[2.0]], ([[1.0]], [[0.0]])),
    edge("outer(x, y)", ([0.0, 1.0], [inf]), [[nan], [inf]], ([inf, inf], [1.0])),
    edge("x @ y", ([[0.0, 1.0]], [[inf], [1.0]]), [[nan]], ([[inf, 1.0]], [[0.0], [1.0]])),
    edge("x @ y", ([[], []], []), [0.0, 0.0], ([[], []], [])),
    edge("x @ y", ([], []), 0.0, ([], [])),
    # copies and selections: what was not selected, or was overwritten, gets a 0 whatever g is
    edge("x.gather(0, tensor([0, 0]))", [1.0, 2.0], [1.0, 1.0], [inf, 0.0], g=[inf, inf]),
    edge("x[1]", [1.0, 2.0], 2.0, [0.0, nan], g=nan),
    edge("x[tensor([0, 2])]", [1.0, 2.0, 3.0], [1.0, 3.0], [inf, 0.0, nan], g=[inf, nan]),
    edge("x[::2]", [1.0, 2.0, 3.0], [1.0, 3.0], [inf, 0.0, nan], g=[inf, nan]),
    edge("x.expand(2)", [1.0], [1.0, 1.0], [nan], g=[inf, -inf]),
    edge("x.scatter_add(0, tensor([1, 1]), y)", ([1.0, 2.0], [3.0, 4.0]), [1.0, 9.0], ([nan, inf], [inf, inf]),
         g=[nan, inf]),
    edge("x.index_add(0, tensor([1, 1]), y)", ([1.0, 2.0], [3.0, 4.0]), [1.0, 9.0], ([nan, inf], [inf, inf]),
         g=[nan, inf]),
    edge("x.index_put((tensor([1]),), y)", ([1.0, 2.0], [3.0]), [1.0, 3.0], ([nan, 0.0], [inf]), g=[nan, inf]),
    edge("x.clone().copy_(y)", ([1.0, 2.0], [3.0, 4.0]), [3.0, 4.0], ([0.0, 0.0], [nan, inf]), g=[nan, inf]),
    edge("x.clone().fill_(2.0)", [1.0, 2.0], [2.0, 2.0], [0.0, 0.0], g=[nan, inf]),
    edge("x * 0.0", [1.0, inf], [0.0, nan], [nan, 0.0], g=[inf, 1.0]),
    edge("add(x, y, alpha=0)", ([1.0, inf], [inf, 2.0]), [nan, inf], ([1.0, 1.0], [0.0, 0.0])),
]
# fmt: on


def as_pair(value):
    return value if isinstance(value, tuple) else (value,)


def assert_equal(actual, expected, rtol):
    """Equal to rounding; nan, inf and the signs of zero exactly."""
    expected = np.array(expected, dtype=np.float64).reshape(actual.shape)
    assert_same(actual, expected, rtol=rtol)
    zeros = actual == 0.0
    assert (np.signbit(actual[zeros]) == np.signbit(expected[zeros])).all(), f"{actual}, expected {expected}"


@pytest.mark.parametrize("row", EDGES)
@pytest.mark.parametrize("create_graph", [False, True], ids=["fused", "recorded"])
def test_edge(row, create_graph):
    inputs = [float_tensor(values).requires_grad_() for values in as_pair(row.inputs)]
    value = evaluate(row.expression, **dict(zip("xy", inputs, strict=False)))
    assert_equal(to_numpy(value), row.value, row.rtol)
    g = ac.ones_like(value) if row.g is None else float_tensor(row.g)
    gradients = ac.autograd.grad(value, inputs, g, create_graph=create_graph)
    for actual, expected in zip(gradients, as_pair(row.gradient), strict=True):
        assert_equal(to_numpy(actual), expected, row.rtol)


# ------------------------------------------------------------------ second derivatives
SECONDS = [
    # expression, x, second derivative of its sum
    ("abs(x)", [0.0, -2.0], [0.0, 0.0]),
    ("relu(x)", [0.0, 2.0], [0.0, 0.0]),
    ("sqrt(x)", [0.0, 4.0], [-inf, -0.03125]),
    ("x ** 0", [0.0, 2.0], [0.0, 0.0]),
    ("x ** 1", [0.0, 2.0], [0.0, 0.0]),
    ("x ** 2", [0.0, -0.0, 3.0], [2.0, 2.0, 2.0]),
    ("x ** 3", [0.0, 2.0], [0.0, 12.0]),
    ("square(x)", [0.0, 2.0], [2.0, 2.0]),
    ("x * x", [0.0, inf], [2.0, 2.0]),
    ("log(x)", [0.0, -1.0, inf], [-inf, -1.0, 0.0]),
    ("exp(x)", [-inf, 0.0, inf], [0.0, 1.0, inf]),
    ("reciprocal(x)", [0.0, inf], [inf, 0.0]),
    ("tanh(x)", [0.0, inf], [0.0, 0.0]),
    ("sigmoid(x)", [0.0, -inf], [0.0, 0.0]),
    ("log2(x)", [0.0, 2.0], [-inf, -0.36067376022224085]),
    ("log10(x)", [0.0, -1.0], [-inf, -0.4342944819032518]),
    ("asin(x)", [0.0, 1.0, -1.0], [0.0, inf, -inf]),
    ("acos(x)", [0.0, 1.0, -1.0], [-0.0, -inf, inf]),
    ("atan(x)", [0.0, inf], [-0.0, nan]),
    ("erf(x)", [0.0, 30.0], [-0.0, -0.0]),
    ("F.leaky_relu(x)", [0.0, -1.0, 2.0, nan], [0.0, 0.0, 0.0, 0.0]),
    ("F.leaky_relu(x.clone(), 0.5, True)", [0.0, -1.0, 2.0], [0.0, 0.0, 0.0]),
    ("F.elu(x)", [0.0, -0.0, 800.0, -800.0, nan], [0.0, 0.0, 0.0, 0.0, 0.0]),
    ("F.elu(x, 2.5)", [0.0, -1.0, 1.0], [0.0, 0.9196986029286058, 0.0]),
    ("F.elu(x.clone(), 2.5, True)", [0.0, -1.0, 1.0], [0.0, 0.9196986029286058, 0.0]),
    ("F.gelu(x)", [0.0, 50.0, -50.0], [0.7978845608028654, 0.0, 0.0]),
    ("F.gelu(x, approximate='tanh')", [0.0, 50.0, -50.0], [0.7978845608028654, 0.0, 0.0]),
    ("F.silu(x)", [0.0, 1e200, -1e200], [0.5, 0.0, 0.0]),
    ("F.softplus(x)", [0.0, 20.0, 30.0, inf], [0.25, 0.0, 0.0, 0.0]),
    ("F.softplus(x, 2.0, 1.0)", [0.0, 0.5, 0.6], [0.5, 0.0, 0.0]),
    ("F.softplus(x, threshold=0)", [0.0, 1.0], [0.0, 0.0]),
    ("F.logsigmoid(x)", [0.0, inf, -inf], [-0.25, 0.0, -0.0]),
    ("x.max() * x", [3.0, 3.0, 1.0], [2.5, 2.5, 1.0]),
    ("x.amax() * x", [3.0, 3.0, 1.0], [2.5, 2.5, 1.0]),
    ("maximum(x, 2.0 * x)", [0.0, 1.0], [0.0, 0.0]),
    ("relu(x)", [-1.0, 0.0, 2.0, nan], [0.0, 0.0, 0.0, 0.0]),
    ("clamp(x, -1, 1) ** 2", [-1.0, 1.0, 2.0, nan], [2.0, 2.0, 0.0, 0.0]),
    ("where(x > 0, x * x, x)", [0.0, 2.0], [0.0, 2.0]),
    ("x ** x", [1.0, 2.0], [2.0, 13.46698950015237]),
    ("x.prod()", [0.0, 0.0, 4.0], [4.0, 4.0, 0.0]),
    ("x.prod(0)", [0.0, 3.0, 4.0], [7.0, 4.0, 3.0]),
    ("x.cumprod(0)", [0.0, 0.0, 4.0], [5.0, 5.0, 0.0]),
    ("x.cumprod(0)", [2.0, 0.0, 4.0], [5.0, 7.0, 2.0]),
    ("x.norm()", [0.0, 1.0], [1.0, 0.0]),
    ("x.norm()", [0.0, 0.0], [nan, nan]),
    ("x.norm(3)", [0.0, 0.0], [0.0, 0.0]),
    ("x.std()", [2.0, 2.0], [0.0, 0.0]),
    ("x.var() * x", [1.0, 3.0], [-4.0, 4.0]),
    ("logsumexp(x, 0) * x", [0.0, 0.0], [2.0, 2.0]),
    ("smooth_l1(x, zeros_like(x), 2.0)", [-2.0, 1.0, 0.0, 2.0, 3.0, nan], [0.0, 0.5, 0.5, 0.0, 0.0, 0.0]),
    ("huber(x, zeros_like(x), 2.0)", [-2.0, 1.0, 0.0, 2.0, 3.0, nan], [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
    ("l1(x, zeros_like(x))", [0.0, 2.0], [0.0, 0.0]),
    ("logits(x, ones_like(x))", [0.0, 800.0, -800.0], [0.25, 0.0, 0.0]),
    ("logits(x, ones_like(x), pos_weight=3.0)", [0.0, 800.0, -800.0], [0.75, 0.0, 0.0]),
]


@pytest.mark.parametrize(("expression", "inputs", "expected"), SECONDS)
def test_second_derivative(expression, inputs, expected):
    """That a second derivative is 0 everywhere may also show as a gradient that is not recorded, or is None."""
    x = float_tensor(inputs).requires_grad_()
    (gradient,) = ac.autograd.grad(evaluate(expression, x=x).sum(), x, create_graph=True)
    found = None
    if gradient.requires_grad:
        (found,) = ac.autograd.grad(gradient.sum(), x, allow_unused=True)
    actual = np.zeros(len(inputs)) if found is None else to_numpy(found)
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


# ------------------------------------------------------------------ where torch's are worse
deviates = pytest.mark.skipif(IS_TORCH, reason="torch raises, overflows on the way, or cancels")


@deviates
@pytest.mark.parametrize(("expression", "apart"), [("F.leaky_relu(x.clone(), -0.5, True)", "F.leaky_relu(x, -0.5)"),
                                                   ("F.elu(x.clone(), -1.5, True)", "F.elu(x, -1.5)")])  # fmt: skip
def test_negative_slope_in_place(expression, apart):
    """The result does not tell the sign of x; torch refuses in backward."""
    x, y = [float_tensor([-2.0, -0.5, 0.0, 3.0]).requires_grad_() for _ in range(2)]
    evaluate(expression, x=x).sum().backward()
    evaluate(apart, x=y).sum().backward()
    assert_same(to_numpy(x.grad), to_numpy(y.grad))


@deviates
def test_gelu_tanh_does_not_overflow():
    x = float_tensor([1e155, -1e155, 1e308, -1e308]).requires_grad_()
    value = ac.nn.functional.gelu(x, approximate="tanh")
    (gradient,) = ac.autograd.grad(value.sum(), x, create_graph=True)
    np.testing.assert_array_equal(to_numpy(value), [1e155, 0.0, 1e308, 0.0])
    np.testing.assert_array_equal(to_numpy(gradient), [1.0, 0.0, 1.0, 0.0])


FAR = [-37.3, -36.9, -30.1, -20.3, -12.7, -9.9, -5.3, -3.1, -1.7, -1.1, -0.9, -0.3, 1e-9, 0.4, 2.3, 9.1]


@deviates
@pytest.mark.parametrize(
    ("expression", "exact", "ulps"),
    [
        ("F.gelu(x)", ref.mp_gelu, 6),
        ("F.silu(x)", ref.mp_silu, 4),
        ("F.softplus(x)", ref.mp_softplus, 4),
        ("F.logsigmoid(x)", ref.mp_logsigmoid, 4),
        ("erfc(-x)", lambda x: mp.erfc(-x), 4),
    ],
)
def test_accuracy_in_the_tails(expression, exact, ulps):
    points = np.concatenate([np.array(FAR) * factor for factor in (1.0, 1 / 1.37, 1 / 1.61, 1 / 3)])
    with mp.workdps(400):
        expected = np.array([float(exact(mp.mpf(x))) for x in points])
    found = to_numpy(evaluate(expression, x=float_tensor(points)))
    np.testing.assert_array_less(np.abs(found - expected), (ulps + 0.5) * np.spacing(np.abs(expected)))


@pytest.mark.skipif(IS_TORCH, reason="torch's vectors differ from its scalars")
@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "tanh", "log", "sqrt", "sigmoid", "erf"])
def test_a_scalar_has_the_bits_of_a_vectors_element(name):
    generator, function = np.random.default_rng(0), getattr(ac, name)
    special = [0.0, -0.0, inf, -inf, nan, 5e-324, 0.785, 0.7853981633974483, 2.0**20, 2.0**20 + 1.0]
    x = [*generator.normal(0, 3, 300), *10.0 ** generator.uniform(-300, 300, 300), *special]
    expected = to_numpy(function(ac.tensor(x)))
    for requires_grad in (False, True):
        found = [function(ac.tensor(float(each), requires_grad=requires_grad)).item() for each in x]
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found)[~np.isnan(expected)], np.signbit(expected)[~np.isnan(expected)])


@pytest.mark.skipif(IS_TORCH, reason="torch's vectors differ from its scalars")
@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "log", "log2", "log10"])
@pytest.mark.parametrize("odd", [None, nan, inf, -1.0, 0.0, 5e-324, 2.0**21, 1e300])
def test_near_arguments_have_the_bits_of_others(name, odd):
    """A block of arguments that all have a short way, Note [Near arguments], and one with another among them."""
    generator, function = np.random.default_rng(0), getattr(ac, name)
    for size in (15, 16, 17, 512, 1030):
        x = generator.uniform(1e-3, 700.0, size)
        if odd is not None:
            x[size // 2] = odd
        expected = [function(ac.tensor(each)).item() for each in x.tolist()]
        t = ac.tensor(x)
        np.testing.assert_array_equal(to_numpy(function(t)), expected)
        getattr(t, name + "_")()
        np.testing.assert_array_equal(to_numpy(t), expected)


@pytest.mark.parametrize("payload", [0, 1, 0x7FF, 0x800, 0xFFF, 0x7FFFFFFFFFFFF])
@pytest.mark.parametrize("sign", [0, 1])
def test_any_nan_stays_one(payload, sign):
    x = np.full(40, 0.5)
    x.view(np.uint64)[7] = (sign << 63) | 0x7FF8000000000000 | payload
    for name in ("sin", "cos", "tan", "exp", "log", "log2", "log10", "tanh", "sqrt", "expm1", "log1p"):
        found = to_numpy(getattr(ac, name)(ac.tensor(x)))
        assert np.isnan(found).tolist() == [k == 7 for k in range(40)], name


BINARY = ["add", "sub", "mul", "div", "pow", "atan2", "maximum", "minimum", "hypot", "remainder", "fmod", "logaddexp"]


@pytest.mark.skipif(IS_TORCH, reason="torch's vectors differ from its scalars")
@pytest.mark.parametrize("name", [name for name in BINARY if hasattr(ac, name)])
@pytest.mark.parametrize("wanted", ["both", "first", "second", "same", "number"])
def test_gradients_of_scalars_have_the_bits_of_a_vectors_elements(name, wanted):
    function = getattr(ac, name)
    values = np.random.default_rng(0).uniform(0.1, 3.0, (40, 2))
    values = [*values.tolist(), [0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [inf, 1.0], [nan, 1.0], [1e300, 1e-300]]

    def gradients(a, b):
        """Of an operation on its own result, so that gradients are added, and of one that keeps its graph."""
        a, b = ac.tensor(a), ac.tensor(b)
        if wanted in ("both", "first", "same", "number"):
            a.requires_grad_()
        if wanted in ("both", "second"):
            b.requires_grad_()
        if wanted == "same":
            b = a
        elif wanted == "number":
            b = ac.tensor(1.75) if name in ("atan2", "maximum", "minimum") else 1.75
        y = function(function(a, b), b)
        y.sum().backward(retain_graph=True)
        y.sum().backward()
        leaves = [a] if b is a else [x for x in (a, b) if isinstance(x, ac.Tensor)]
        return [to_numpy(x.grad) for x in leaves if x.grad is not None]

    expected = gradients(*map(list, zip(*values, strict=True)))
    found = [gradients(*pair) for pair in values]
    assert len(expected) == (2 if wanted == "both" else 1)
    for k, column in enumerate(expected):
        np.testing.assert_array_equal([each[k] for each in found], column)
