"""One row per op: what test_ops.py and test_derivatives.py know about it. Adding an op to the tests is adding its row.

A row names the op, an independent numpy reference, the node torch records, the samples the op is called with and the
calls that must raise; rows of elementwise ops have an mpmath function and the hard points at which its derivatives
are taken. In a sample ``T(3, 4)`` is a float tensor of that shape, drawn from the row's domain unless it says
otherwise (the same T twice is the same tensor twice); ``L(0, 2)`` is a tensor of just that; anything else is itself.

A row never repeats our formula: its references are numpy and mpmath functions, and torch judges the rest.
"""

from dataclasses import replace
from itertools import product

import mpmath as mp
import numpy as np
import references as ref
from rows import (
    BOOL,
    FLOAT64,
    INT,
    INT64,
    MISMATCH,
    POSITIVE,
    REAL,
    SHAPES,
    SPECIAL,
    UNIT,
    ZEROS,
    Domain,
    Dtype,
    Formula,
    L,
    S,
    T,
    bad,
    binary,
    create,
    index_error,
    method,
    no_overload,
    not_tensor,
    op,
    records,
    reduction,
    runtime_error,
    type_error,
    unary,
    value_error,
    view,
)

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
NEAR_ONE = both((1 - 1e-9, 1 - 2.0**-52, 1 - 2.0**-53))
HYPERBOLIC = both(TINY + MIDDLE + (7.3, 9.9, 20.0, 100.5, 700.0, 709.0, 720.0, 1e4))
GAUSSIAN = both(TINY + MIDDLE + (7.3, 9.9, 20.0, 26.5, 30.0))  # further out mpmath takes minutes, for a 0
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

# ------------------------------------------------------------------ elementwise, one tensor
UNARY = (
    #     op             numpy           mpmath                domain    hard points      node
    unary("neg",         np.negative,    lambda x: -x,         REAL,     LINE,            "NegBackward0", linear=True,
          errors=[runtime_error(NO_BOOL_NEG, L(True))]),
    unary("abs",         np.abs,         mp.fabs,              REAL,     LINE,            "AbsBackward0"),
    unary("sign",        np.sign,        mp.sign,              REAL,     LINE,            "SignBackward0",
          inplace=False),
    unary("exp",         np.exp,         mp.exp,               REAL,     EXPONENTS,       "ExpBackward0"),
    unary("expm1",       np.expm1,       mp.expm1,             REAL,     BOUNDED + (20.0, 100.5, 709.0, 710.0),
          "Expm1Backward0", saturated=(-20.0, -40.0, -740.0, -1e300)),
    unary("log",         np.log,         mp.log,               POSITIVE, HALF_LINE,       "LogBackward0"),
    unary("log2",        np.log2,        lambda x: mp.log(x, 2), POSITIVE, HALF_LINE,     "Log2Backward0"),
    unary("log10",       np.log10,       mp.log10,             POSITIVE, HALF_LINE[:-1],  "Log10Backward0",
          beyond_torch=HALF_LINE[-1:]),
    unary("log1p",       np.log1p,       mp.log1p,             POSITIVE, ABOVE_MINUS_ONE, "Log1PBackward0"),
    unary("sqrt",        np.sqrt,        mp.sqrt,              POSITIVE, HALF_LINE,       "SqrtBackward0"),
    unary("rsqrt",       lambda x: x**-0.5, lambda x: 1 / mp.sqrt(x), POSITIVE, HALF_LINE, "RsqrtBackward0"),
    unary("reciprocal",  np.reciprocal,  lambda x: 1 / x,      REAL,     LINE,            "ReciprocalBackward0"),
    unary("square",      np.square,      lambda x: x * x,      REAL,     LINE,            "PowBackward0"),
    unary("sin",         np.sin,         mp.sin,               REAL,     ANGLES,          "SinBackward0"),
    unary("cos",         np.cos,         mp.cos,               REAL,     ANGLES,          "CosBackward0"),
    unary("tan",         np.tan,         mp.tan,               REAL,     ANGLES,          "TanBackward0"),
    unary("asin",        np.arcsin,      mp.asin,              UNIT,     INSIDE_UNIT,     "AsinBackward0",
          beyond_torch=NEAR_ONE),
    unary("acos",        np.arccos,      mp.acos,              UNIT,     INSIDE_UNIT,     "AcosBackward0",
          beyond_torch=NEAR_ONE),
    unary("atan",        np.arctan,      mp.atan,              REAL,     LINE,            "AtanBackward0"),
    unary("arcsin",      np.arcsin,      domain=UNIT,          node="AsinBackward0"),
    unary("arccos",      np.arccos,      domain=UNIT,          node="AcosBackward0"),
    unary("arctan",      np.arctan,      domain=REAL,          node="AtanBackward0"),
    unary("sinh",        np.sinh,        mp.sinh,              REAL,     HYPERBOLIC,      "SinhBackward0"),
    unary("cosh",        np.cosh,        mp.cosh,              REAL,     HYPERBOLIC,      "CoshBackward0"),
    unary("tanh",        np.tanh,        mp.tanh,              REAL,     BOUNDED,         "TanhBackward0",
          saturated=both((9.9, 20.0, 700.0, 1e300))),
    unary("erf",         ref.erf,        mp.erf,               REAL,     GAUSSIAN,        "ErfBackward0"),
    unary("erfc",        ref.erfc,       mp.erfc,              REAL,     GAUSSIAN,        "ErfcBackward0"),
    unary("sigmoid",     ref.sigmoid,    ref.mp_sigmoid,       REAL,     BOUNDED + (7.3, 9.9, -20.0, -100.5, -700.0),
          "SigmoidBackward0", saturated=(20.0, 40.0, 700.0, 1e300, -740.0, -1e300), second_atol=1e-15),
    unary("relu",        ref.relu,       ref.mp_relu,          REAL,     LINE,            "ReluBackward0",
          errors=[runtime_error("Boolean inputs not supported for relu", L(True))]),
    unary("isnan",       np.isnan,       domain=SPECIAL, inplace=False),
    unary("isinf",       np.isinf,       domain=SPECIAL, inplace=False),
    unary("isfinite",    np.isfinite,    domain=SPECIAL, inplace=False),
    unary("logical_not", np.logical_not, domain=SPECIAL, inplace=False),
    op("bitwise_not", np.invert, None, [S(T(*shape, of=of)) for shape in ((3, 4), (), (0,)) for of in (INT, BOOL)],
       elementwise=True,
       errors=[type_error(not_tensor("bitwise_not", 2.5), 2.5),
               bad(NotImplementedError, "\"bitwise_not_cpu\" not implemented for 'Double'", V)]),
)

# ------------------------------------------------------------------ activations
CANCELLED = "torch's 1 - sigmoid(x) or 1 + erf(x) has cancelled far out"
BELL = tuple(x for x in TAILS if -700.0 < x < 1e8 and x not in (-4.9, *LEFT))
ANY_SHAPE = [T(*shape) for shape in SHAPES]


def activation(name, reference, mpf, points, node, options=(), error=None, in_place=None, **more):
    """The rows of an activation: the function, with each of its options, and its in-place form.

    ``in_place`` is what that one records. ``error`` is the name torch has for the function in messages, and for the
    kernel that has no integers.
    """
    function, kernel = error or (name, name + "_cpu")
    options = [{}, *options]
    formulas = [
        Formula(lambda x, kw=kw: mpf(x, *kw.values()), points, "-".join(map(str, kw.values())),
                lambda ac, x, kw=kw: getattr(ac.nn.functional, name)(x, **kw), **more)
        for kw in options]
    errors = [type_error(not_tensor(function, 2.5), 2.5), type_error(not_tensor(function, [1.0]), [1.0]),
              type_error(None), type_error(None, V, foo=1),
              bad(NotImplementedError, f"\"{kernel}\" not implemented for 'Long'", L(1, 2)),
              bad(NotImplementedError, f"\"{kernel}\" not implemented for 'Bool'", L(True))]
    yield op(name, reference, node, [S(x, **kw) for x in ANY_SHAPE for kw in options], path="nn.functional",
             method=False, elementwise=True, formulas=formulas, errors=errors)
    if in_place:
        yield method(f"{name}:inplace", reference, in_place, [S(x, **kw) for x in ANY_SHAPE for kw in options],
                     call=lambda ac, x, **kw: getattr(ac.nn.functional, name)(x.clone(), inplace=True, **kw),
                     errors=[bad(NotImplementedError, errors[-1].message, L(True))])


def wrong_number(name, argument, position):
    """What is no number, as an activation's option."""
    message = f"{name}(): argument '{argument}' (position {position}) must be Number, not "
    return [type_error(message + kind, V, value) for kind, value in (("str", "a"), ("Tensor", V), ("Tensor", A))]


ACTIVATIONS = (
    *activation("leaky_relu", ref.leaky_relu, ref.mp_leaky_relu, LINE, "LeakyReluBackward0",
                [dict(negative_slope=0.25), dict(negative_slope=0)], in_place="LeakyReluBackward1"),
    *activation("elu", ref.elu, ref.mp_elu, BOUNDED + both((7.3, 9.9, 20.0, 100.5, 700.0)) + (1e300,), "EluBackward0",
                [dict(alpha=2.5), dict(alpha=0)], in_place="EluBackward1"),
    *activation("gelu", ref.gelu, ref.mp_gelu, BELL, "GeluBackward0",
                error=("gelu", "GeluKernelImpl"), beyond_torch=(-4.9, *LEFT), torch_second=CANCELLED),
    *activation("silu", ref.silu, ref.mp_silu, TAILS, "SiluBackward0", in_place="SiluBackward0",
                torch_second=CANCELLED),
    *activation("softplus", ref.softplus, ref.mp_softplus, TAILS, "SoftplusBackward0",
                [dict(beta=2.0), dict(beta=2, threshold=0.7), dict(beta=-1.5, threshold=3.3)], torch_second=CANCELLED),
    *activation("logsigmoid", ref.logsigmoid, ref.mp_logsigmoid, TAILS, "LogSigmoidBackward0",
                error=("log_sigmoid", "log_sigmoid_cpu"), torch_second=CANCELLED),
    op("gelu:tanh", ref.gelu, "GeluBackward0", [S(x, approximate="tanh") for x in ANY_SHAPE], path="nn.functional",
       method=False, elementwise=True,
       formulas=[Formula(ref.mp_gelu_tanh, BELL, "", lambda ac, x: ac.nn.functional.gelu(x, approximate="tanh"),
                         beyond_torch=(-4.9, *LEFT), torch_second=CANCELLED)],
       errors=[runtime_error("approximate argument must be either none or tanh.", V, approximate="sigmoid"),
               type_error("gelu(): argument 'approximate' must be str, not NoneType", V, approximate=None),
               type_error(None, V, "tanh")]),
    op("leaky_relu_", ref.leaky_relu, "LeakyReluBackward1", [S(V), S(V, 0.25)], path="nn.functional", method=False,
       call=lambda ac, x, *args: ac.nn.functional.leaky_relu_(x.clone(), *args),
       errors=wrong_number("leaky_relu_", "negative_slope", 2)),
    op("elu_", ref.elu, "EluBackward1", [S(V), S(V, 0.25)], path="nn.functional", method=False,
       call=lambda ac, x, *args: ac.nn.functional.elu_(x.clone(), *args), errors=wrong_number("elu_", "alpha", 2)),
    *(method(f"{name}:options", reference, node, [S(V, *args), S(V, *args[:1])],
             call=lambda ac, x, *args, name=name: getattr(ac.nn.functional, name)(x, *args),
             errors=wrong_number(name, argument, 2))
      for name, reference, node, argument, args in (
          ("leaky_relu", ref.leaky_relu, "LeakyReluBackward0", "negative_slope", (T(constant=True),)),
          ("elu", ref.elu, "EluBackward0", "alpha", (True,)),
          ("softplus", ref.softplus, "SoftplusBackward0", "beta", (2, 0.7)))),
    method("relu:functional", lambda x: np.maximum(x, 0), "ReluBackward0", [S(X), S(A), S(T(3, of=INT))],
           call=lambda ac, x: ac.nn.functional.relu(x),
           errors=[type_error(not_tensor("relu", 2.5), 2.5),
                   runtime_error("Boolean inputs not supported for relu", L(True))]),
    method("relu:inplace", lambda x: np.maximum(x, 0), "ReluBackward0", [S(X), S(A), S(T(3, of=INT))],
           call=lambda ac, x: ac.nn.functional.relu(x.clone(), inplace=True)),
    *(method(f"{name}:functional", reference, node, [S(X), S(A)],
             call=lambda ac, x, name=name: getattr(ac.nn.functional, name)(x))
      for name, reference, node in (("sigmoid", ref.sigmoid, "SigmoidBackward0"), ("tanh", np.tanh, "TanhBackward0"))),
)

# ------------------------------------------------------------------ elementwise, two tensors
NUMBERS = (2.5, -3, True)
ALPHAS = (S(X, ROW, alpha=-2.5), S(V, A, alpha=2), S(V, 1.5, alpha=2))
FRACTIONAL_ALPHA = runtime_error(INTEGER_ALPHA, L(1, 2), L(3, 4), alpha=0.5)
BY_ZERO = runtime_error("ZeroDivisionError", L(1, 2), L(0, 1))
INT_PAIRS = [(T(3, 4, of=INT), T(3, 4, of=INT)), (T(3, 1, of=INT), T(4, of=INT)), (T(of=INT), T(of=INT)),
             (V_MASK, T(3, of=BOOL)), (V_MASK, T(3, of=INT)), (V_MASK, A_MASK),
             (T(3, of=INT), 6), (V_MASK, True), (T(0, of=INT), T(0, of=INT))]
NO_CONDITION = "where expected condition to be a boolean tensor, but got a tensor with dtype Double"
COMPARED = dict(domain=SPECIAL, inplace=False, overloaded=True, numbers=(1.5, 0, True))
BINARY = (
    #      op              numpy            mpmath               domain    hard points       node
    binary("add",          ref.add,         lambda a, b: a + b,  REAL,     PAIRS + EXTREME,  "AddBackward0",
           numbers=NUMBERS, samples=ALPHAS, linear=True, errors=[FRACTIONAL_ALPHA]),
    binary("sub",          ref.sub,         lambda a, b: a - b,  REAL,     PAIRS + EXTREME,  "SubBackward0",
           numbers=(2.5, -3), samples=ALPHAS, linear=True,
           errors=[FRACTIONAL_ALPHA, runtime_error(NO_BOOLS_SUB, L(True), L(False)),
                   runtime_error(NO_BOOL_SUB, V, True)]),
    op("rsub", ref.rsub, "RsubBackward0", [S(X, Y), S(COL, ROW), S(A, B), S(EMPTY, A), S(X, ROW, alpha=-2.5)],
       method=False, elementwise=True, linear=True, formulas=[Formula(lambda a, b: b - a, PAIRS)],
       errors=[FRACTIONAL_ALPHA, runtime_error(NO_BOOLS_SUB, L(True), L(False)),
               runtime_error(MISMATCH + "0", T(4), T(3))]),
    op("rsub:number", ref.rsub, "RsubBackward1", [S(V, 2.5), S(A, -3), S(EMPTY, 1), S(X, 1.5, alpha=2)],
       method=False, elementwise=True),
    binary("mul",          np.multiply,     lambda a, b: a * b,  REAL,     PAIRS + EXTREME,  "MulBackward0",
           numbers=NUMBERS),
    binary("div",          np.true_divide,  lambda a, b: a / b,  REAL,     PAIRS,            "DivBackward0",
           numbers=NUMBERS),
    op("div:rounded", ref.div, "DivBackward2",
       [S(a, b, rounding_mode=mode) for a, b in ((X, Y), (COL, ROW), (A, B), (V, 0.7), (EMPTY, A))
        for mode in ("trunc", "floor")] + [S(V, W, rounding_mode=None)],
       inplace=True, elementwise=True,
       errors=[runtime_error("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'up'",
                             V, W, rounding_mode="up"),
               runtime_error("ZeroDivisionError", L(1, 2), L(0, 1), rounding_mode="floor")]),
    binary("pow",          np.power,        mp.power,            POSITIVE, POWERS,           "PowBackward1",
           second=REAL, overloaded=True,
           errors=[type_error(no_overload("pow", "Tensor, str"), V, "a"),
                   runtime_error("Integers to negative integer powers are not allowed.", L(2, 3), -1)]),
    op("pow:number", np.float_power, "PowBackward0",
       [S(X, n) for n in (0, 1, 2, 3, -1, -2, 0.5, 2.5, -2.5)] + [S(A, 2), S(A, 0.5), S(EMPTY, 2), S(T(2, 0), -1.5)],
       domain=POSITIVE, inplace=True, elementwise=True,
       formulas=[Formula(lambda x, n=n: x**n, points, str(n), lambda ac, x, n=n: ac.pow(x, n))
                 for n, points in RAISED]),
    op("pow:base", lambda base, x: np.power(float(base), x), "PowBackward2",
       [S(2, X), S(0.5, X), S(10.0, X), S(2, A), S(2.0, EMPTY)], method=False, elementwise=True,
       formulas=[Formula(lambda x, b=b: mp.power(b, x), EXPONENTS, str(b), lambda ac, x, b=b: ac.pow(b, x))
                 for b in (2, 0.5, 1.5)]),
    binary("remainder",    np.remainder,    node="RemainderBackward1", overloaded=True, errors=[BY_ZERO]),
    op("remainder:number", np.remainder, "RemainderBackward0", [S(X, 0.7), S(A, -0.7), S(V, 2), S(EMPTY, 2)],
       inplace=True, elementwise=True),
    binary("floor_divide", np.floor_divide, node="NotImplemented", numbers=NUMBERS, inplace=False, overloaded=True,
           errors=[BY_ZERO]),
    binary("maximum",      np.maximum,      max,                 REAL,     PAIRS + UNEQUAL,  "MaximumBackward0",
           inplace=False),
    binary("minimum",      np.minimum,      min,                 REAL,     PAIRS + UNEQUAL,  "MinimumBackward0",
           inplace=False),
    binary("atan2",        np.arctan2,      mp.atan2,            REAL,     PAIRS,            "Atan2Backward0",
           inplace=False),
    binary("eq",           np.equal,         **COMPARED),
    binary("ne",           np.not_equal,     **COMPARED),
    binary("lt",           np.less,          **COMPARED),
    binary("le",           np.less_equal,    **COMPARED),
    binary("gt",           np.greater,       **COMPARED),
    binary("ge",           np.greater_equal, **COMPARED),
    binary("logical_and",  np.logical_and,   domain=SPECIAL, inplace=False),
    binary("logical_or",   np.logical_or,    domain=SPECIAL, inplace=False),
    binary("logical_xor",  np.logical_xor,   domain=SPECIAL, inplace=False),
    *(op(name, function, None, [S(*pair) for pair in INT_PAIRS], elementwise=True,
         errors=[bad(NotImplementedError, f"\"{name}_cpu\" not implemented for 'Double'", V, W),
                 runtime_error(MISMATCH + "0", T(3, of=INT), T(4, of=INT))])
      for name, function in (("bitwise_and", np.bitwise_and), ("bitwise_or", np.bitwise_or),
                             ("bitwise_xor", np.bitwise_xor))),
    op("where", np.where, "WhereBackward0",
       [S(MASK, X, Y), S(T(4, of=BOOL), X, A), S(T(3, 1, of=BOOL), ROW, X), S(A_MASK, A, B), S(V_MASK, V, 2.5),
        S(V_MASK, -1, V), S(T(0, of=BOOL), EMPTY, T(1)), S(V_MASK, V, V)],
       method=False, elementwise=True,
       errors=[runtime_error(NO_CONDITION, V, V, V), runtime_error(MISMATCH + "0", V_MASK, T(4), T(1))]),
    op("where:method", np.where, "WhereBackward0", [S(V_MASK, V, W), S(V_MASK, V, 2.5)],
       method=False, elementwise=True, call=lambda ac, condition, x, y: x.where(condition, y)),
    op("clamp", ref.clamp, "ClampBackward1",
       [*(S(T(*shape), -0.7, 0.9) for shape in SHAPES),
        S(V, 0), S(V, min=0.5), S(V, max=0.5), S(V, None, 1), S(A, 0, 1)],
       inplace=True, elementwise=True,
       formulas=[Formula(lambda x: min(max(x, -0.75), 0.9), LINE, "both", lambda ac, x: ac.clamp(x, -0.75, 0.9)),
                 Formula(lambda x: max(x, 2.5), LINE, "min", lambda ac, x: ac.clamp(x, min=2.5))],
       errors=[type_error(no_overload("clamp", "float, int, int"), 2.5, 0, 1),
               type_error(no_overload("clamp", "Tensor, str"), V, "a"),
               runtime_error("torch.clamp: At least one of 'min' or 'max' must not be None", V)]),
)

# ------------------------------------------------------------------ reductions
ALL_DIMS = (S(X), S(A), S(V), S(CUBE), S(T(1, 1)))
ONE_DIM = (S(X, dim=0), S(X, dim=1), S(X, dim=-1, keepdim=True), S(CUBE, dim=1), S(A, dim=0), S(V, dim=0))
SOME_DIMS = (S(X, dim=(0, 1)), S(CUBE, dim=(0, 2)), S(CUBE, dim=(-1, 0), keepdim=True), S(X, dim=(1,)))
NO_COLUMNS, OVER_NOTHING = S(T(2, 0), dim=0), S(T(2, 0), dim=1)
BAD_DIM = (index_error(OUT_OF_RANGE, X, dim=2), index_error(BELOW_RANGE, X, dim=-3))
BAD_DIMS = (*BAD_DIM, index_error(OUT_OF_RANGE, X, dim=(0, 2)),
            runtime_error("dim 0 appears multiple times in the list of dims", X, dim=(0, 0)))


def of_nothing(name, error=runtime_error):
    """What has no value for no elements raises."""
    return (error(f"{name}(): Expected reduction dim to be specified for input.numel() == 0", EMPTY),
            index_error(f"{name}(): Expected reduction dim 0 to have non-zero size", T(0, 3), dim=0))


def softmax_row(name, node, **more):
    """softmax or its logarithm."""
    reference = ref.softmax if node == "SoftmaxBackward0" else ref.log_softmax
    long_first = bad(NotImplementedError, f"\"{name}_kernel_impl\" not implemented for 'Long'", L([1, 2], [3, 4]), 0)
    integers = (long_first, bad(NotImplementedError, f"\"{name}_lastdim_kernel_impl\" not implemented for 'Long'",
                                L(1, 2), 0))
    return op(name, reference, node, [*ONE_DIM_ALONE, *LINES, S(X, 1, dtype=FLOAT64)],
              errors=[*BAD_DIM, type_error(not_tensor(name, 2.5), 2.5, 0), type_error(None, X, (0,)), *integers], **more)


ONE_DIM_ALONE = (S(X, 0), S(X, dim=1), S(X, -1), S(CUBE, 1), S(CUBE, dim=0), S(A, 0), S(V, 0), S(T(1), 0))
LINES = (S(EMPTY, 0), S(T(2, 0), 0), S(T(2, 0), 1), S(T(700), 0), S(T(2, 600), 0), S(T(600, 2), 0))
PRODUCTS_OF = [*ALL_DIMS, S(EMPTY), S(T(2, 0)), S(V, dtype=FLOAT64), S(T(40)),
               *records("ProdBackward1", *ONE_DIM, NO_COLUMNS, OVER_NOTHING, S(X, 0, True), S(X, dim=1, dtype=FLOAT64))]
MOMENTS_OF = [S(X), S(V), S(CUBE), S(X, 0), S(X, dim=1), S(X, dim=-1, keepdim=True), S(CUBE, 1), *SOME_DIMS,
              S(X, False), S(X, True), S(X, unbiased=False), S(X, 0, False), S(X, 0, True, True), S(X, (0, 1), False),
              S(X, correction=0), S(X, correction=2), S(X, 1, correction=0.5, keepdim=True), S(A, correction=0),
              S(T(700)), S(T(2, 3), None, correction=0), S(T(0, 3), dim=1, correction=-1)]
NOT_BOTH = (type_error(None, X, 0, True, correction=1), type_error(None, X, 0, 1), type_error(None, X, 1.5))
NORMS_OF = [*ALL_DIMS, *ONE_DIM, *SOME_DIMS, S(EMPTY), S(T(2, 0), dim=0), S(T(2, 0), dim=1), S(X, dtype=FLOAT64),
            S(X, "fro", 0), S(X, "fro", (0, 1), True), S(X, None), S(T(700)),
            *(S(X, p) for p in (1, 2, 3, 1.5, 2.5, 0.5, -1, -2.5, np.inf, -np.inf)),
            *(S(CUBE, p, (0, 2), True) for p in (1, 2, 3, 2.5, np.inf, -np.inf)),
            *(S(X, p, 1) for p in (1, 2, 3, 0.5, -1, np.inf, -np.inf)), S(A, 3), S(A, np.inf), S(T(0, 2), np.inf, dim=1)]
NO_IDENTITY = "operation does not have an identity"
INT_NORM = "linalg.vector_norm: Expected a floating point or complex tensor as input. Got Long"
INT_MOMENT = "std and var only support floating point and complex dtypes"
INT_DTYPE = runtime_error("Autograd not support dtype: Long", X, 0, dtype=INT64)

REDUCTIONS = (
    reduction("sum", ref.over(np.sum), "SumBackward0",
              [*ALL_DIMS, S(EMPTY), S(T(2, 0)), S(V, dtype=FLOAT64),
               *records("SumBackward1", *ONE_DIM, *SOME_DIMS, NO_COLUMNS, OVER_NOTHING, S(X, dim=()), S(X, dim=None),
                        S(X, dim=None, keepdim=True), S(X, dim=0, dtype=FLOAT64))],
              linear=True, errors=BAD_DIMS),
    reduction("mean", ref.over(np.mean), "MeanBackward0",
              [*ALL_DIMS, S(EMPTY), S(V, dtype=FLOAT64),
               *records("MeanBackward1", *ONE_DIM, *SOME_DIMS, NO_COLUMNS, OVER_NOTHING, S(X, dim=None))],
              linear=True, errors=[*BAD_DIMS, runtime_error("mean(): could not infer output dtype", L(1, 2))]),
    reduction("prod", ref.over(np.prod), "ProdBackward0", PRODUCTS_OF,
              errors=[*BAD_DIM, type_error(None, X, (0, 1)), type_error(None, X, keepdim=True),
                      runtime_error("Autograd not support dtype: Long", X, dtype=INT64)]),
    reduction("prod:zeros", ref.over(np.prod), "ProdBackward0",
              [S(X), S(A), S(V), S(T(2)), *records("ProdBackward1", *ONE_DIM, S(X, 0, True))], domain=ZEROS),
    *(reduction(name, ref.moments(function), node, MOMENTS_OF, overloaded=True,
                errors=[*BAD_DIMS, *NOT_BOTH, runtime_error(INT_MOMENT, L(1, 2))])
      for name, function, node in (("var", np.var, "VarBackward0"), ("std", np.std, "StdBackward0"))),
    *(reduction(name, ref.moments(function, np.mean), node, MOMENTS_OF, overloaded=True, method=False,
                errors=[*BAD_DIMS, *NOT_BOTH,
                        runtime_error(f"{name} only support floating point and complex dtypes", L(1, 2))])
      for name, function, node in (("var_mean", np.var, "VarMeanBackward0"), ("std_mean", np.std, "StdMeanBackward0"))),
    op("norm", ref.norm, "LinalgVectorNormBackward0", NORMS_OF,
       errors=[*(replace(e, sample=replace(e.sample, args=(X, 2))) for e in BAD_DIMS), runtime_error(INT_NORM, L(1, 2)),
               runtime_error("linalg.vector_norm cannot compute the inf norm on an empty tensor because the operation "
                             "does not have an identity", EMPTY, np.inf),
               runtime_error("linalg.vector_norm cannot compute the -1 norm on the dimension 0because this dimension is "
                             "empty and the operation does not have an identity", T(0, 3), -1, 0),
               runtime_error("linalg.vector_norm: dtype should be floating point or complex, but got Long", X,
                             dtype=INT64),
               runtime_error("linalg.matrix_norm: Order abc not supported.", X, "abc"),
               runtime_error("linalg.matrix_norm: dim must be a 2-tuple. Got 0 1 2", CUBE, "fro", (0, 1, 2)),
               runtime_error("linalg.matrix_norm: dim must be a 2-tuple. Got 0", X, "nuc", 0), type_error(None, X, [2])]),
    op("norm:count", ref.norm, None, [S(X, 0), S(X, 0, 1), S(A, 0), S(EMPTY, 0)], domain=Domain("counted", ZEROS.floats),
       call=lambda ac, x, *more: ac.norm(x.detach(), *more), function=False, method=False),
    op("cumsum", ref.scan(np.cumsum), "CumsumBackward0", [*ONE_DIM_ALONE, *LINES, S(X, 0, dtype=FLOAT64)],
       inplace=True, linear=True,
       errors=[*BAD_DIM, INT_DTYPE, type_error(not_tensor("cumsum", 2.5), 2.5, 0), type_error(None, X, (0,)),
               type_error(None, X)]),
    *(op(name, ref.scan(np.cumprod), "CumprodBackward0", [*ONE_DIM_ALONE, *LINES[:3], S(T(12, 9), 0), S(T(9, 12), 1)],
         inplace=True, domain=domain, errors=[*BAD_DIM, INT_DTYPE, type_error(None, X, (0,)), type_error(None, X)])
      for name, domain in (("cumprod", REAL), ("cumprod:zeros", ZEROS))),
    softmax_row("softmax", "SoftmaxBackward0"),
    softmax_row("log_softmax", "LogSoftmaxBackward0"),
    *(op(name, reference, node, [S(X, 0), S(CUBE, dim=1), S(A, 0), S(X, 1, dtype=FLOAT64)], method=False,
         path="nn.functional", errors=BAD_DIM)
      for name, reference, node in (("softmax:functional", ref.softmax, "SoftmaxBackward0"),
                                    ("log_softmax:functional", ref.log_softmax, "LogSoftmaxBackward0"),
                                    ("softmin", lambda x, dim, dtype=None: ref.softmax(-x, dim), "SoftmaxBackward0"))),
    *(reduction(name, ref.over(function), node, [*ALL_DIMS, *ONE_DIM, *SOME_DIMS, NO_COLUMNS, S(X, dim=())],
                errors=[*BAD_DIMS, *of_nothing(name)])
      for name, function, node in (("amax", np.max, "AmaxBackward0"), ("amin", np.min, "AminBackward0"))),
    reduction("max", ref.over(np.max), "MaxBackward1", ALL_DIMS, errors=of_nothing("max")),
    reduction("min", ref.over(np.min), "MinBackward1", ALL_DIMS, errors=of_nothing("min")),
    reduction("max:dim", ref.with_index(np.max, np.argmax), "MaxBackward0", [S(X, 0), *ONE_DIM, NO_COLUMNS],
              errors=BAD_DIM),
    reduction("min:dim", ref.with_index(np.min, np.argmin), "MinBackward0", [S(X, 0), *ONE_DIM, NO_COLUMNS],
              errors=BAD_DIM),
    op("max:two", np.maximum, "MaximumBackward0", [S(X, ROW), S(A, B)], elementwise=True,
       errors=[runtime_error(MISMATCH + "0", T(3), T(4))]),
    op("min:two", np.minimum, "MinimumBackward0", [S(X, ROW), S(A, B)], elementwise=True,
       errors=[runtime_error(MISMATCH + "0", T(3), T(4))]),
    reduction("argmax", ref.over(np.argmax), None, [*ALL_DIMS, *ONE_DIM, NO_COLUMNS],
              errors=[*BAD_DIM, *of_nothing("argmax", index_error)]),
    reduction("argmin", ref.over(np.argmin), None, [*ALL_DIMS, *ONE_DIM, NO_COLUMNS],
              errors=[*BAD_DIM, *of_nothing("argmin", index_error)]),
    *(reduction(name, ref.over(function), None,
                [*ALL_DIMS, *ONE_DIM, *SOME_DIMS, S(EMPTY), NO_COLUMNS, OVER_NOTHING, S(MASK), S(MASK, dim=0)],
                domain=SPECIAL, overloaded=True, errors=BAD_DIM)
      for name, function in (("any", np.any), ("all", np.all))),
    reduction("logsumexp", ref.logsumexp, "LogsumexpBackward0",
              [*ONE_DIM, *SOME_DIMS, S(X, 0), S(X, 1, True), NO_COLUMNS], errors=BAD_DIM),
)

# ------------------------------------------------------------------ views
INVALID = "shape '{}' is invalid for input of size 12"
NO_VIEW = ("view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
           "contiguous subspaces)")
WIDER = "The expanded size of the tensor (5) must match the existing size (3) at non-singleton dimension 0"
FEWER = ("expand(torch.DoubleTensor{[3, 4]}, size=[4]): the number of sizes provided (1) must be greater or equal to "
         "the number of dimensions in the tensor (2)")
SPLIT_SUM = ("split_with_sizes expects split_sizes to sum exactly to 3 (input tensor's size at dimension 0), but got "
             "split_sizes=[1, 1]")
BEYOND = ("setStorage: sizes [20, 2], strides [1, 1], storage offset 0, and itemsize 8 requiring a storage size of 168 "
          "are out of bounds for storage of size 96")
VIEWS = (
    #    op          numpy                                        node
    view("view",      lambda x, *s: x.reshape(ref.sizes(s)),      "ViewBackward0",
         [S(X, 12), S(X, 2, -1), S(X, (4, 3)), S(A, 1), S(T(1), ()), S(T(0, 3), 3, 0), S(CUBE, 6, 4)],
         function=False, layout_matters=True,
         errors=[runtime_error(INVALID.format("[5]"), X, 5), runtime_error(INVALID.format("[-1, 5]"), X, -1, 5),
                 runtime_error("only one dimension can be inferred", X, -1, -1)]),
    method("view:transposed", None, None, [], call=lambda ac, x, *s: x.t().view(*s),
           errors=[runtime_error(NO_VIEW, X, 12)]),
    view("reshape",   lambda x, s: x.reshape(s),                  "ViewBackward0",
         [S(X, (12,)), S(X, (2, -1)), S(A, (1, 1)), S(T(1), ()), S(T(0, 3), (3, 0))],
         layout_matters=True, errors=[runtime_error(INVALID.format("[5]"), X, (5,))]),
    view("reshape:copy", lambda x, *s: x.T.reshape(s), "UnsafeViewBackward0", [S(X, 12), S(X, 2, -1)],
         view=False, layout_matters=True, method=False, call=lambda ac, x, *s: x.t().reshape(*s)),
    view("view_as",   lambda x, y: x.reshape(y.shape),            "ViewBackward0", [S(X, T(2, 6))],
         function=False, layout_matters=True, linear=False,
         errors=[type_error(not_tensor("view_as", 3, "other"), X, 3)]),
    view("flatten",   ref.flatten,                                "ViewBackward0",
         [S(X), S(CUBE, 1), S(CUBE, 0, 1), S(T(0, 3))], layout_matters=True,
         errors=[runtime_error("flatten() has invalid args: start_dim cannot come after end_dim", X, 1, 0),
                 index_error(OUT_OF_RANGE, X, 2)]),
    view("expand",    ref.expand,                                 "ExpandBackward0",
         [S(COL, 3, 4), S(ROW, 3, 4), S(COL, 2, -1, 4), S(A, 3), S(T(1), 0), S(X, (2, 3, 4)), S(V, 3)],
         function=False, errors=[runtime_error(WIDER, X, 5, 4), runtime_error(FEWER, X, 4)]),
    view("expand_as", lambda x, y: np.broadcast_to(x, y.shape),   "ExpandBackward0", [S(COL, X), S(ROW, X)],
         function=False, linear=False, errors=[type_error(not_tensor("expand_as", 3, "other"), X, 3)]),
    view("permute",   np.transpose,                               "PermuteBackward0",
         [S(X, (1, 0)), S(CUBE, (2, 0, 1)), S(CUBE, (-1, 0, -2)), S(A, ())],
         errors=[runtime_error("permute(): duplicate dims are not allowed.", X, (0, 0)),
                 index_error(OUT_OF_RANGE, X, (2, 0))]),
    view("permute:numbers", lambda x, *dims: np.transpose(x, dims), "PermuteBackward0", [S(CUBE, 2, 0, 1)],
         method=False, call=lambda ac, x, *dims: x.permute(*dims)),
    view("transpose", ref.transpose,                              "TransposeBackward0",
         [S(X, 0, 1), S(CUBE, -1, 0), S(X, 1, 1), S(A, 0, 0)], errors=[index_error(OUT_OF_RANGE, X, 0, 2)]),
    view("t",         np.transpose,                               "TBackward0", [S(X), S(V), S(A), S(T(0, 3))],
         errors=[runtime_error("t() expects a tensor with <= 2 dimensions, but self is 3D", CUBE)]),
    view("T",         np.transpose,                               "PermuteBackward0", [S(X), S(T(0, 3))],
         function=False, method=False, call=lambda ac, x: x.T),
    view("mT",        lambda x: np.swapaxes(x, -1, -2),           "TransposeBackward0", [S(X), S(CUBE)],
         function=False, method=False, call=lambda ac, x: x.mT,
         errors=[runtime_error("tensor.mT is only supported on matrices or batches of matrices", V)]),
    view("squeeze",   ref.squeeze,                                "SqueezeBackward0",
         [S(T(3, 1, 4, 1)), S(V), S(T(1)), S(A),
          *records("SqueezeBackward1", S(COL, 1), S(COL, 0), S(COL, -1), S(A, 0)),
          *records("SqueezeBackward2", S(T(1, 3, 1), (0, 2)))], errors=[index_error(OUT_OF_RANGE, X, 2)]),
    view("unsqueeze", np.expand_dims,                             "UnsqueezeBackward0",
         [S(X, 0), S(X, 2), S(X, -1), S(A, 0)],
         errors=[index_error("Dimension out of range (expected to be in range of [-3, 2], but got 3)", X, 3)]),
    view("select",    lambda x, dim, i: np.take(x, i, axis=dim),  "SelectBackward0",
         [S(X, 0, 1), S(X, 1, -1), S(V, 0, 2)],
         errors=[index_error("select(): index 5 out of range for tensor of size [3, 4] at dimension 0", X, 0, 5),
                 index_error(OUT_OF_RANGE, X, 2, 0)]),
    view("narrow",    ref.narrow,                                 "SliceBackward0",
         [S(X, 0, 1, 2), S(X, 1, -3, 2), S(X, 1, 4, 0)],
         errors=[runtime_error("start (1) + length (3) exceeds dimension size (3)", X, 0, 1, 3),
                 runtime_error("narrow(): length must be non-negative", X, 0, 1, -3)]),
    view("diagonal",  ref.diagonal,                               "DiagonalBackward0",
         [S(X), S(X, 1), S(X, -1), S(CUBE, 0, 1, 2), S(CUBE, offset=1, dim1=0, dim2=2), S(X, 9)],
         errors=[runtime_error("diagonal dimensions cannot be identical 0, 0", X, 0, 0, 0)]),
    view("unfold",    ref.unfold,                                 "UnfoldBackward0",
         [S(T(7), 0, 3, 2), S(X, 1, 2, 1), S(X, 0, 3, 1), S(X, -1, 1, 3)], function=False,
         errors=[runtime_error("maximum size for tensor at dimension 0 is 3 but size is 5", X, 0, 5, 1),
                 runtime_error("step is 0 but must be > 0", X, 0, 2, 0)]),
    view("unbind",    ref.unbind,                                 "UnbindBackward0", [S(X), S(X, 1), S(V)],
         errors=[index_error(OUT_OF_RANGE, X, 2)]),
    view("split",     ref.split,                                  "SplitBackward0",
         [S(T(5, 2), 2), S(T(5), 5), S(T(5), 7), S(T(2, 5), 3, dim=1),
          *records("SplitWithSizesBackward0", S(T(5, 2), [1, 4]), S(T(2, 5), [2, 0, 3], 1))],
         errors=[runtime_error(SPLIT_SUM, X, [1, 1]),
                 runtime_error("split expects split_size be non-negative, but got split_size=-1", X, -1)]),
    view("chunk",     ref.chunk,                                  "SplitBackward0",
         [S(T(5, 2), 2), S(T(5), 3), S(T(2, 5), 2, 1), S(V, 5)],
         errors=[runtime_error("chunk expects `chunks` to be greater than 0, got: 0", X, 0)]),
    view("as_strided", ref.as_strided,                            "AsStridedBackward0",
         [S(X, (2, 2), (1, 2)), S(X, (3,), (4,), 1), S(X, (4, 3), (1, 4)), S(X, (3, 3), (1, 1)), S(X, (), ())],
         layout_matters=True, errors=[runtime_error(BEYOND, X, (20, 2), (1, 1))]),
    view("detach",    np.asarray,                                 None, [S(X), S(A)]),
)

# ------------------------------------------------------------------ joining
JOINS = (
    op("cat", ref.cat, "CatBackward0",
       [S([X, T(2, 4)]), S([X, T(3, 2)], 1), S((V, T(2), T(1)), dim=-1), S([X]), S([EMPTY, V]), S([T(0, 4), X]),
        S([V, V])],
       method=False, linear=True,
       errors=[runtime_error("Tensors must have same number of dimensions: got 2 and 1", [X, V]),
               runtime_error("Sizes of tensors must match except in dimension 0", [X, T(3, 5)]),
               value_error("torch.cat(): expected a non-empty list of Tensors", []),
               type_error("expected Tensor as element 1 in argument 0, but got int", [X, 2]),
               index_error(OUT_OF_RANGE, [X, Y], 2)]),
    op("stack", ref.stack, "StackBackward0",
       [S([X, Y]), S([X, Y], 1), S((A, B, T())), S([V, W], dim=-1), S([V, V]), S([EMPTY, T(0)])],
       method=False, linear=True,
       errors=[runtime_error("stack expects each tensor to be equal size, but got [3, 4] at entry 0 and [3] at entry 1",
                             [X, V]),
               runtime_error("stack expects a non-empty TensorList", []), index_error(OUT_OF_RANGE, [V, W], 2)]),
)


# ------------------------------------------------------------------ indexing
def getitem(ac, x, index):
    return x[index]


def setitem(ac, x, index, value):
    out = x.clone()
    out[index] = value
    return out


FIRST_LAST = L(0, 2)
ROWS, COLUMNS = L(True, False, True), L(True, False, True, False)
MASK_SHAPE = "The shape of the mask [4] at index 0 does not match the shape of the indexed tensor [3, 4] at index 0"
NO_BROADCAST = "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]"
LOWER = ("expand(torch.DoubleTensor{[2, 4]}, size=[4]): the number of sizes provided (1) must be greater or equal to "
         "the number of dimensions in the tensor (2)")
TOO_LONG = "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 0"
NO_FIT = "shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [2, 4]"
NO_SOURCE = ("source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
             "[3, 4] source.shape = [2, 3]")
ONE_FILL = "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)."
INDEXING = (
    method("getitem", ref.getitem, "SelectBackward0",
           [S(X, 1), S(X, -1), S(X, (0, 2)), S(X, (..., 1)), S(V, 2), S(X, L(1).reshape(())),
            *records("SliceBackward0", S(X, slice(1, None)), S(X, COLON), S(X, (COLON, slice(None, None, 2))),
                     S(X, slice(5, 9)), S(T(5), slice(-3, -1)), S(X, (1, None, slice(0, 2)))),
            *records("UnsqueezeBackward0", S(X, None), S(A, None), S(X, (COLON, None))),
            *records("AliasBackward0", S(X, ...), S(A, ...), S(A, ()))],
           call=getitem, view=True, linear=True,
           errors=[index_error("index 5 is out of bounds for dimension 0 with size 3", X, 5), index_error(None, V, 0.5),
                   index_error("too many indices for tensor of dimension 2", X, (0, 0, 0)),
                   index_error("invalid index of a 0-dim tensor", A, 0),
                   value_error("step must be greater than zero", X, slice(None, None, -1))]),
    method("getitem:advanced", ref.getitem, "IndexBackward0",
           [S(X, FIRST_LAST), S(X, [2, 0]), S(X, (FIRST_LAST, L(1, 3))), S(X, (COLON, L(3, 3, 0))), S(X, ROWS),
            S(X, (COLON, COLUMNS)), S(X, MASK), S(X, (None, L(0, 1))), S(X, np.zeros(0, np.int64)),
            S(X, (slice(1, None), L(0, 0, 3))), S(CUBE, (L(0, 1), COLON, L(2, 3))), S(CUBE, (L([0], [1]), L(0, 2))),
            S(CUBE, (1, L(0, 2))), S(CUBE, (..., L(-1, 0))), S(CUBE, (L(1, 0), None, L(0, 2))),
            S(T(5), L([0, 1], [4, 0]))],
           call=getitem, linear=True,
           errors=[index_error("index 9 is out of bounds for dimension 0 with size 3", X, L(0, 9)),
                   index_error("index -4 is out of bounds for dimension 0 with size 3", X, L(0, -4)),
                   index_error(MASK_SHAPE, X, COLUMNS), index_error(NO_BROADCAST, X, (L(0, 1), L(0, 1, 2))),
                   index_error("tensors used as indices must be long, int, byte or bool tensors", X, L(0.0, 1.0))]),
    method("setitem", ref.setitem, "CopySlices",
           [S(X, 1, ROW), S(X, 1, 2.5), S(X, (COLON, 1), V), S(X, (0, 2), A), S(X, slice(1, None), T(2, 4)),
            S(X, slice(1, None), ROW), S(X, (..., slice(None, None, 2)), COL), S(X, (1, None), T(1, 4)),
            S(X, slice(3, 3), T(0, 4)), S(X, 1, T(1, 1, 4)),
            S(X, ..., 7.0).records("FillBackward3"), S(A, ..., B).records("CopyBackwards")],
           call=setitem,
           errors=[index_error("index 5 is out of bounds for dimension 0 with size 3", X, 5, 1.0),
                   runtime_error(LOWER, X, 0, T(2, 4)), runtime_error(TOO_LONG, X, 0, V)]),
    method("setitem:advanced", ref.setitem, "IndexPutBackward0",
           [S(X, FIRST_LAST, T(2, 4)), S(X, FIRST_LAST, ROW), S(X, (FIRST_LAST, L(1, 3)), T(2)),
            S(X, (COLON, L(3, 0)), T(3, 2)), S(X, ROWS, T(2, 4)), S(CUBE, (L(0, 1), COLON, L(2, 3)), T(2, 3)),
            S(T(5), L([0, 1], [4, 2]), T(2, 2)), S(X, L(1, 2), A),
            *records("CopySlices", S(CUBE, (1, L(0, 2)), T(2, 4)), S(X, (slice(1, None), L(0, 3)), T(2, 2)))],
           call=setitem,
           errors=[index_error("index 9 is out of bounds for dimension 0 with size 3", X, L(0, 9), 1.0),
                   runtime_error(NO_FIT, X, FIRST_LAST, V)]),
    op("index_put", ref.index_put, "IndexPutBackward0",
       [S(X, (FIRST_LAST,), T(2, 4)), S(X, (FIRST_LAST, L(1, 3)), T(2)), S(T(5), (L(0, 0, 3),), V, accumulate=True),
        S(X, (ROWS,), ROW), S(X, (FIRST_LAST,), A)],
       inplace=True, errors=[index_error("index 9 is out of bounds for dimension 0 with size 3", X, (L(9),), A)]),
    op("masked_fill", lambda x, mask, value: np.where(mask, value, x), "MaskedFillBackward0",
       [S(X, MASK, 2.5), S(X, T(4, of=BOOL), -1), S(A, A_MASK, 2.5), S(EMPTY, T(0, of=BOOL), 1.0),
        *records("MaskedFillBackward1", S(X, T(3, 1, of=BOOL), A))], inplace=True,
       errors=[runtime_error(ONE_FILL, V, V_MASK, W),
               runtime_error("masked_fill_ only supports boolean masks, but got mask with dtype double", V, W, 2.5)]),
    op("gather", ref.gather, "GatherBackward0",
       [S(X, 0, L([0, 2, 1, 0], [1, 1, 1, 1])), S(X, 1, L([0, 3], [2, 2])), S(T(5), 0, L(4, 0, 0)),
        S(X, -1, np.zeros((3, 0), np.int64)), S(A, 0, L(0).reshape(()))], linear=True,
       errors=[runtime_error("index 5 is out of bounds for dimension 0 with size 3", X, 0, L([0, 5])),
               runtime_error("Index tensor must have the same number of dimensions as input tensor", X, 0, L(0, 1)),
               runtime_error("gather(): Expected dtype int32/int64 for index", V, 0, L(0.0))]),
    op("nonzero", lambda x: np.argwhere(x), None,
       [S(X), S(T(3, 4, of=SPECIAL)), S(MASK), S(T(5, of=INT)), S(EMPTY), S(T(2, 0)), S(A)],
       errors=[type_error(not_tensor("nonzero", 2.5), 2.5)]),
    op("scatter_add", ref.scatter_add, "ScatterAddBackward0",
       [S(X, 0, L([0, 2, 1, 0], [1, 1, 1, 1]), T(2, 4)), S(X, 1, L([0, 3], [2, 2]), T(2, 2)),
        S(T(5), 0, L(4, 0, 0), V)],
       inplace=True,
       errors=[runtime_error("index 5 is out of bounds for dimension 0 with size 3", X, 0, L([0, 5]), Y)]),
    op("index_add", ref.index_add, "IndexAddBackward0",
       [S(X, 0, FIRST_LAST, T(2, 4)), S(X, 1, L(3, 3, 0), T(3, 3)), S(CUBE, -2, L(1), T(2, 1, 4), alpha=-2.5),
        S(T(5), 0, L(4, 0, 0), V, alpha=2), S(X, 0, np.zeros(0, np.int64), T(0, 4)), S(A, 0, L(0), B),
        S(X, 0, L(1).reshape(()), T(1, 4))],
       inplace=True,
       errors=[runtime_error("index 5 is out of bounds for dimension 0 with size 3", X, 0, L(0, 5), T(2, 4)),
               runtime_error("index -1 is out of bounds for dimension 0 with size 3", X, 0, L(0, -1), T(2, 4)),
               index_error(OUT_OF_RANGE, X, 2, FIRST_LAST, T(2, 4)),
               runtime_error("index_add_(): Expected dtype int32/int64 for index but got: Double", X, 0, V, Y),
               index_error("index_add_(): Index is supposed to be a vector, but got dim: 2 with type: Long and size: "
                           "[1, 2]", X, 0, L([0, 1]), T(2, 4)),
               runtime_error("index_add_(): Number of indices (2) should be equal to source.size(dim): (3), for dim: 0",
                             X, 0, FIRST_LAST, Y),
               runtime_error(NO_SOURCE, X, 0, FIRST_LAST, T(2, 3)),
               runtime_error("index_add_(): self (Double) and source (Long) must have the same scalar type",
                             V, 0, FIRST_LAST, L(1, 2)),
               type_error(not_tensor("index_add", 2.5, "source", 4), V, 0, FIRST_LAST, 2.5),
               type_error("index_add(): argument 'alpha' must be Number, not str", V, 0, L(1), T(1), alpha="a")]),
    op("index_select", ref.index_select, "IndexSelectBackward0",
       [S(X, 0, FIRST_LAST), S(X, 1, L(3, 3, 0)), S(T(5), 0, L(4)), S(X, -1, np.zeros(0, np.int64)),
        S(A, 0, L(0)), S(A, -1, np.array(0)), S(X, 1, np.array(2))], linear=True,
       errors=[runtime_error("index_select(): Index to scalar can have only 1 value, got 2 value(s)", A, 0, L(0, 0)),
               index_error("index out of range in self", X, 0, L(0, 5)), index_error(OUT_OF_RANGE, X, 2, L(0)),
               runtime_error("index_select(): Expected dtype int32 or int64 for index", X, 0, L(0.0, 1.0))]),
)

# ------------------------------------------------------------------ products
NO_PRODUCT = "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)"
NO_MV = "size mismatch, got input (3), mat (3x4), vec (3)"
NO_BATCH = "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"
NO_DOT = ("inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements, but got 3 "
          "and 4 elements respectively")
NO_BMM = "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4]."
NO_EXPAND = "The expanded size of the tensor (2) must match the existing size (3) at non-singleton dimension 1"
SQUARE = T(3, 3)
WEIGHT = T(5, 4)
TWO = ("einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts "
       "list")


def einsum_error(message, *args):
    return runtime_error(f"einsum(): {message}", *args)


PRODUCTS = (
    op("matmul", np.matmul, "UnsafeViewBackward0",
       [S(CUBE, T(2, 4, 5)), S(CUBE, T(4, 5)), S(CUBE, ROW), S(ROW, T(2, 4, 5)), S(T(2, 1, 3, 4), T(5, 4, 2)),
        *records("MmBackward0", S(X, T(4, 2)), S(T(1, 1), T(1, 1)), S(T(3, 0), T(0, 2)), S(SQUARE, SQUARE)),
        S(ROW, T(4)).records("DotBackward0"), S(X, ROW).records("MvBackward0"),
        S(ROW, T(4, 2)).records("SqueezeBackward4"), S(X, T(2, 4, 5)).records("CloneBackward0")],
       errors=[runtime_error(NO_PRODUCT, X, Y), runtime_error(NO_MV, X, V), runtime_error(NO_BATCH, CUBE, T(3, 4, 3)),
               runtime_error(NO_DOT, V, T(4)), type_error(not_tensor("matmul", 2, "other", 2), X, 2),
               runtime_error("both arguments to matmul need to be at least 1D, but they are 0D and 2D", A, X)]),
    method("matmul:operator", np.matmul, "MmBackward0", [S(X, T(4, 2)), S(X, ROW).records("MvBackward0")],
           call=lambda ac, a, b: a @ b,
           errors=[type_error("unsupported operand type(s) for @: 'Tensor' and 'int'", X, 2)]),
    op("mm", np.matmul, "MmBackward0", [S(X, T(4, 2)), S(T(3, 0), T(0, 2)), S(T(0, 4), T(4, 2))],
       errors=[runtime_error(NO_PRODUCT, X, Y), runtime_error("mat2 must be a matrix", X, ROW),
               runtime_error("self must be a matrix", V, X)]),
    op("mv", np.matmul, "MvBackward0", [S(X, ROW), S(T(3, 0), EMPTY), S(T(0, 4), ROW)],
       errors=[runtime_error(NO_MV, X, V),
               runtime_error("vector + matrix @ vector expected, got 1, 2, 2", X, T(4, 2))]),
    op("dot", np.dot, "DotBackward0", [S(ROW, T(4)), S(EMPTY, T(0)), S(V, V)],
       errors=[runtime_error("1D tensors expected, but got 1D and 2D tensors", V, X)]),
    op("bmm", np.matmul, "BmmBackward0", [S(CUBE, T(2, 4, 5)), S(T(0, 3, 4), T(0, 4, 5)), S(T(2, 3, 0), T(2, 0, 5))],
       errors=[runtime_error("batch1 must be a 3D tensor", X, Y), runtime_error(NO_BMM, CUBE, T(3, 4, 3))]),
    op("addmm", ref.addmm, "AddmmBackward0",
       [S(T(3, 2), X, T(4, 2)), S(T(3, 2), X, T(4, 2), beta=-0.5, alpha=2), S(T(3, 2), X, T(4, 2), beta=0),
        S(T(3, 2), X, T(4, 2), alpha=0), S(T(3, 2), T(3, 0), T(0, 2), beta=2), S(T(0, 2), T(0, 4), T(4, 2))],
       inplace=True,
       errors=[runtime_error(NO_PRODUCT, T(3, 3), X, Y), runtime_error("mat1 must be a matrix, got 1-D tensor", X, V, X),
               runtime_error("mat2 must be a matrix, got 1-D tensor", X, X, ROW),
               runtime_error("self and mat2 must have the same dtype, but got Long and Double", L(1, 2), X, T(4, 2)),
               type_error(not_tensor("addmm", 2.5, "mat2", 3), X, X, 2.5)]),
    op("addmm:broadcast", ref.addmm, "AddmmBackward0",
       [S(T(2), X, T(4, 2)), S(COL, X, T(4, 2), beta=3), S(A, X, T(4, 2), alpha=-1),
        S(SQUARE, SQUARE, SQUARE)],
       errors=[runtime_error(NO_EXPAND, V, X, T(4, 2))]),
    op("outer", np.outer, "MulBackward0", [S(V, ROW), S(EMPTY, V), S(V, EMPTY), S(V, V)],
       errors=[runtime_error("outer: Expected 1-D argument self, but got 2-D", X, V),
               runtime_error("outer: Expected 1-D argument vec2, but got 0-D", V, A),
               type_error(not_tensor("outer", 2.5, "vec2", 2), V, 2.5)]),
    op("ger", np.outer, "MulBackward0", [S(V, ROW)], errors=[type_error(not_tensor("ger", 2.5), 2.5, V)]),
    op("linear", ref.linear, "AddmmBackward0",
       [S(X, WEIGHT, T(5)), S(T(0, 4), WEIGHT, T(5)), S(X, WEIGHT, T(1, 5)), S(X, WEIGHT, A),
        *records("ViewBackward0", S(ROW, WEIGHT, T(5)), S(CUBE, WEIGHT, T(5)), S(T(2, 0, 4), WEIGHT, T(5)),
                 S(T(2, 1, 3, 4), WEIGHT, T(1))),
        *records("AddBackward0", S(CUBE, WEIGHT, T(3, 5)), S(ROW, T(4), A), S(CUBE, ROW, A)),
        *records("MmBackward0", S(X, WEIGHT), S(X, X)), S(ROW, WEIGHT).records("SqueezeBackward4"),
        S(CUBE, WEIGHT).records("UnsafeViewBackward0"), S(ROW, T(4)).records("DotBackward0"),
        S(X, ROW).records("MvBackward0")],
       path="nn.functional", method=False,
       errors=[runtime_error("mat1 and mat2 shapes cannot be multiplied (3x4 and 3x5)", X, T(5, 3)),
               runtime_error("mat1 and mat2 shapes cannot be multiplied (6x4 and 3x5)", CUBE, T(5, 3), T(5)),
               runtime_error("both arguments to linear need to be at least 1D, but they are 0D and 2D", A, WEIGHT),
               runtime_error("t() expects a tensor with <= 2 dimensions, but self is 3D", X, CUBE),
               runtime_error("The expanded size of the tensor (5) must match the existing size (3) at non-singleton "
                             "dimension 1", X, WEIGHT, V),
               runtime_error("output with shape [5] doesn't match the broadcast shape [3, 5]", ROW, WEIGHT, T(3, 5)),
               runtime_error("mat2 must be a matrix, got 1-D tensor", X, ROW, A),
               type_error(not_tensor("linear", 2.5, "bias", 3), X, WEIGHT, 2.5)]),
    op("einsum", ref.einsum, "ViewBackward0",
       [S("ij,jk->ik", X, T(4, 2)), S("ij,jk", X, T(4, 2)), S("bij,bjk->bik", CUBE, T(2, 4, 5)), S("i,i", V, W),
        S("...ij,...jk->...ik", CUBE, T(4, 2)), S("bij,bij->b", CUBE, T(2, 3, 4)), S("i,ij->j", V, X),
        S("ij,kl->", X, T(2, 5)), S("ij,jk,kl->il", X, T(4, 2), T(2, 5)), S("ijk,jil,kl->l", CUBE, T(3, 2, 5), T(4, 5)),
        S("ij,jk->ik", T(3, 0), T(0, 2)), S("ij,jk->ik", COL, T(4, 2)), S("i,i,i->", V, W, V), S("i,i", V, V),
        S(" i j , j k -> k i ", X, T(4, 2)), S("ii,ij->j", SQUARE, X), S("aA,Ab->ab", X, T(4, 2)),
        *records("MulBackward0", S("i,j", V, ROW), S("i,i->i", V, W), S("ij,ij->ji", X, Y), S(",ij->ij", A, X),
                 S("...,...->...", X, ROW), S(",", A, B)),
        *records("SumBackward1", S("ij->", X), S("ij->i", X), S("ii", SQUARE), S("i...->...", CUBE),
                 S("...i->i", CUBE), S("ij->j", T(0, 3)))],
       method=False,
       errors=[value_error(TWO), value_error(TWO, "ij"),
               type_error("expected Tensor as element 0 in argument 1, but got float", "i", 2.5),
               type_error("einsum(): argument 'equation' (position 1) must be str, not int", 2, X),
               einsum_error("more operands were provided than specified in the equation", "ij", X, X),
               einsum_error("fewer operands were provided than specified in the equation", "ij,jk", X),
               einsum_error("invalid subscript given at index 1 in the equation string, subscripts must be in [a-zA-Z]",
                            "i1", X),
               einsum_error("invalid subscript given at index 5 in the equation string, subscripts must be in [a-zA-Z]",
                            "ij->j1", X),
               einsum_error("found '.' for operand 0 that is not part of any ellipsis", "i..j", X),
               einsum_error("found '.' for operand 0 for which an ellipsis was already found", "...i...", X),
               einsum_error("found '.' for output that is not part of any ellipsis (...)", "ij->.", X),
               einsum_error("found '.' for output but an ellipsis (...) was already found", "...->......", X),
               einsum_error("the number of subscripts in the equation (3) does not match the number of dimensions (2) "
                            "for operand 0 and no ellipsis was given", "ijk", X),
               einsum_error("the number of subscripts in the equation (3) is more than the number of dimensions (2) "
                            "for operand 0", "ijk...", X),
               einsum_error("output subscript i appears more than once in the output", "ij->ii", X),
               einsum_error("output subscript k does not appear in the equation for any input operand", "ij->k", X),
               einsum_error("subscript j has size 3 for operand 1 which does not broadcast with previously seen size 4",
                            "ij,jk", X, X),
               einsum_error("subscript i is repeated for operand 0 but the sizes don't match, 4 != 3", "ii", X),
               einsum_error("dimension 0 covered by ellipsis in operand 1has size 5 which does not broadcast with "
                            "previously seen ellipsis with size 3 for the respective dimension",
                            "...i,...i", X, T(5, 4))]),
    op("einsum:view", ref.einsum, "PermuteBackward0",
       [S("ij->ji", X), S("ji", X), S("ii->i", SQUARE), S("i...j->ij...", CUBE), S("...", X), S("", A),
        S("iji->ij", T(3, 2, 3)), S(X, [26, 0]), S(X, [26, 0], [26, 0]), S(SQUARE, [3, 3], [3])],
       method=False, view=None),
    op("einsum:sublist", ref.einsum, "ViewBackward0",
       [S(X, [0, 1], T(4, 2), [1, 2], [0, 2]), S(X, [0, 1], T(4, 2), [1, 2]), S(CUBE, [..., 0, 1], T(4, 2), [1, 51]),
        S("ij,jk->ik", [X, T(4, 2)])],
       method=False,
       errors=[value_error("einsum(): subscript in subscript list is not within the valid range [0, 52)", X, [0, 52]),
               value_error("einsum(): subscript in subscript list is not within the valid range [0, 52)", X, [0, -1]),
               type_error("'float' object cannot be interpreted as an integer", X, [0.5, 1])]),
)

# ------------------------------------------------------------------ losses
REDUCTION_NAMES = ("mean", "sum", "none")
REDUCED = [S(X, Y, reduction=reduction) for reduction in REDUCTION_NAMES]
WEIGHTS = T(3, 4, constant=True)
WEIGHTED = [S(X, Y, weight=WEIGHTS, reduction=reduction) for reduction in REDUCTION_NAMES]
OUTSIDE = "all elements of input should be between 0 and 1"
TARGET_SIZE = ("Using a target size (torch.Size([3])) that is different to the input size (torch.Size([3, 4])) is "
               "deprecated. Please ensure they have the same size.")
NO_REDUCTION = value_error("most is not a valid value for reduction", V, W, reduction="most")
NO_WEIGHT_GRADIENT = "The function '{}' is not differentiable with respect to argument '{}'"
TOO_WIDE = "output with shape [3] doesn't match the broadcast shape [2, 3]"
LOGITS = (0.0, -0.0, 1e-9, 0.3, -0.7, 2.0, -3.1, 9.9, -20.0, 40.0, -40.0, 100.5, -100.5, 700.0, -700.0)
LOGIT_POINTS = tuple(product(LOGITS, (0.0, 0.2, 1.0)))
BENT_POINTS = (*PAIRS, (0.3, 0.2), (-0.3, 0.2), (1e-9, 2e-9), (2.0, 0.6), (1e-200, 0.0), (1e200, -1e200), (0.7, -0.74))
LIKELIHOODS = tuple(product((-1e-9, -0.3, -2.5, -40.0, -700.0), (1e-300, 1e-9, 0.2, 0.9999, 1.0)))


def functional(name, **options):
    """An elementwise loss, unreduced."""
    def call(ac, *tensors):
        return getattr(ac.nn.functional, name)(*tensors, reduction="none", **options)
    return call


def unreduced(name, mpf, points, label="none", **options):
    return Formula(mpf, points, label, functional(name, **options))


def weighted_logits(ac, x, t):
    return ac.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none", pos_weight=ac.tensor(3.0))


def loss(name, reference, node, samples, **more):
    """A function of nn.functional."""
    return op(name, reference, node, samples, path="nn.functional", method=False, **more)


CLASSES, TARGETS, CLASS_WEIGHT = T(3, 5), L(1, 0, 4), T(5, constant=True)
PLANES, PLANE_TARGETS = T(2, 5, 3, 2), L([[0, 4], [1, 1], [3, 2]], [[2, 2], [0, 0], [4, 1]])
SHEETS, SHEET_TARGETS = T(2, 5, 3), L([0, 4, 1], [2, 2, 3])
BLOCKS, BLOCK_TARGETS = T(2, 3, 2, 1, 2), L([[[0, 1]], [[2, 2]]], [[[1, 0]], [[0, 2]]])
INDEX_SAMPLES = [S(x, t, reduction=reduction) for reduction in REDUCTION_NAMES for x, t in
                 ((CLASSES, TARGETS), (T(5), L(2).reshape(())), (PLANES, PLANE_TARGETS), (SHEETS, SHEET_TARGETS),
                  (BLOCKS, BLOCK_TARGETS))]
INDEX_SAMPLES += [S(CLASSES, TARGETS, CLASS_WEIGHT, reduction=reduction) for reduction in REDUCTION_NAMES]
INDEX_SAMPLES += [
    S(PLANES, PLANE_TARGETS, CLASS_WEIGHT), S(CLASSES, TARGETS, ignore_index=0),
    S(CLASSES, L(1, -100, 4), CLASS_WEIGHT), S(PLANES, PLANE_TARGETS, CLASS_WEIGHT, ignore_index=1),
    S(CLASSES, L(1, 77, 4), ignore_index=77, reduction="none"), S(T(1, 5), L(3)),
    S(T(0, 5), np.zeros(0, np.int64), reduction="sum"), S(T(0, 5, 2), np.zeros((0, 2), np.int64), reduction="none")]
EMPTY_MEAN = S(T(0, 5), np.zeros(0, np.int64))


def class_nodes(flat, samples):
    """The samples with the node of their number of dimensions and reduction."""
    for sample in samples:
        ndim = len(sample.args[0].shape)
        unreduced = sample.kwargs.get("reduction") == "none" and ndim in (3, 5)
        yield sample.records("ViewBackward0" if unreduced else flat if ndim < 3 else "NllLoss2DBackward0")


CLASS_ERRORS = (
    index_error("Target 5 is out of bounds.", CLASSES, L(1, 5, 0)),
    index_error("Target -1 is out of bounds.", CLASSES, L(1, -1, 0)),
    index_error("Target 7 is out of bounds.", T(5), L(7).reshape(())),
    index_error("Target 5 is out of bounds.", SHEETS, L([0, 5, 1], [2, 2, 7])),
    value_error("Expected input batch_size (3) to match target batch_size (2).", CLASSES, L(0, 1)),
    value_error("Expected input batch_size (3) to match target batch_size (0).", CLASSES, L(1).reshape(())),
    value_error("For 1D input, 1D target must have size 1, but got target size: 3", T(5), L(0, 1, 2)),
    runtime_error("0D or 1D target tensor expected, multi-target not supported", CLASSES, L([0], [1], [2])),
    runtime_error("expected target dtype to be Long or Byte, but got Double", CLASSES, V),
    runtime_error("Expected target size [2, 3], got [2, 2]", SHEETS, L([0, 4], [1, 2])),
    runtime_error("only batches of spatial targets supported (3D tensors) but got targets of dimension: 2",
                  PLANES, SHEET_TARGETS),
    runtime_error("size mismatch (got input: [2, 5, 3, 2] , target: [2, 1, 3]", PLANES, L([[0, 1, 2]], [[0, 1, 2]])),
    runtime_error("weight tensor should be defined either for all 5 classes or no classes but got weight tensor of "
                  "shape: [4]", CLASSES, TARGETS, T(4, constant=True)),
    runtime_error("weight tensor should be defined either for all or no classes", PLANES, PLANE_TARGETS,
                  T(4, constant=True)),
    runtime_error("expected scalar type Double but found Long", CLASSES, TARGETS, L(1, 1, 1, 1, 1)),
    runtime_error(NO_WEIGHT_GRADIENT.format("nll_loss_forward", "weight"), CLASSES, TARGETS, T(5)),
    runtime_error(NO_WEIGHT_GRADIENT.format("nll_loss2d_forward", "weight"), PLANES, PLANE_TARGETS, T(5)),
    value_error("most is not a valid value for reduction", CLASSES, TARGETS, reduction="most"),
)
SHARES = T(3, 5, of=UNIT)
SMOOTHED = [S(CLASSES, TARGETS, label_smoothing=0.2, reduction=reduction) for reduction in REDUCTION_NAMES]
SMOOTHED += [S(CLASSES, L(1, -100, 4), CLASS_WEIGHT, label_smoothing=0.2, reduction=reduction)
             for reduction in REDUCTION_NAMES]
SMOOTHED += [S(PLANES, PLANE_TARGETS, CLASS_WEIGHT, label_smoothing=1.0), S(T(5), L(2).reshape(()), label_smoothing=0.1),
             S(SHEETS, SHEET_TARGETS, ignore_index=2, label_smoothing=0.1)]
LOSSES = (
    loss("binary_cross_entropy", ref.bce, "BinaryCrossEntropyBackward0",
         [*REDUCED, *WEIGHTED, S(A, B), S(X, Y, WEIGHTS), S(X, Y, weight=T(4, constant=True), reduction="none"),
          S(EMPTY, T(0)), S(V, V)],
         domain=UNIT,
         formulas=[Formula(ref.mp_bce, BCE_POINTS, "none", functional("binary_cross_entropy"),
                           second_atol=1e-4,  # (1 - t) / (1 - p)**2 is what 1e11 - 1e11 leaves
                           torch_second="torch adds 1e-12 to a denominator")],
         errors=[runtime_error(OUTSIDE, L(1.5, 0.5), L(1.0, 0.0)), runtime_error(OUTSIDE, L(-0.5, 0.5), L(1.0, 0.0)),
                 runtime_error("all elements of target should be between 0 and 1", L(0.5), L(1.5)),
                 runtime_error("Found dtype Long but expected Double", L(0.5, 0.5), L(1, 0)),
                 runtime_error("Found dtype Double but expected Long", L(1, 0), L(0.5, 0.5)),
                 runtime_error(TOO_WIDE, V, W, T(2, 3, constant=True)),
                 runtime_error("Attempting to broadcast a dimension of length 4 at -1! Mismatching argument at index 1 "
                               "had torch.Size([4]); but expected shape should be broadcastable to [3]",
                               V, W, T(4, constant=True)),
                 runtime_error(NO_WEIGHT_GRADIENT.format("binary_cross_entropy", "weight"), V, W, T(3)),
                 value_error(TARGET_SIZE, X, V), NO_REDUCTION]),
    method("BCELoss", ref.bce, "BinaryCrossEntropyBackward0", REDUCED, domain=UNIT,
           call=lambda ac, p, t, **kw: ac.nn.BCELoss(**kw)(p, t)),
    loss("binary_cross_entropy_with_logits", ref.bce_logits, "BinaryCrossEntropyWithLogitsBackward0",
         [*REDUCED, *WEIGHTED, S(A, B), S(X, Y, T(4, constant=True)), S(EMPTY, T(0)), S(V, V),
          *(S(X, Y, pos_weight=T(4, constant=True), reduction=reduction) for reduction in REDUCTION_NAMES),
          S(X, Y, WEIGHTS, pos_weight=T(constant=True)), S(X, Y, pos_weight=T(3, 1, constant=True))],
         formulas=[Formula(ref.mp_bce_logits, LOGIT_POINTS, "none", functional("binary_cross_entropy_with_logits"),
                           second_atol=1e-15),  # the derivative of the sigmoid saturates
                   Formula(lambda x, t: ref.mp_bce_logits(x, t, 3), LOGIT_POINTS, "pos_weight", weighted_logits,
                           second_atol=1e-14)],
         errors=[value_error("Target size (torch.Size([3])) must be the same as input size (torch.Size([3, 4]))", X, V),
                 runtime_error(TOO_WIDE, V, W, T(2, 3, constant=True)),
                 runtime_error(TOO_WIDE, V, W, pos_weight=T(2, 3, constant=True)),
                 runtime_error(MISMATCH + "0", V, W, pos_weight=T(4, constant=True)),
                 runtime_error(NO_WEIGHT_GRADIENT.format("binary_cross_entropy_with_logits", "weight"), V, W, T(3)),
                 runtime_error(NO_WEIGHT_GRADIENT.format("binary_cross_entropy_with_logits", "pos_weight"),
                               V, W, pos_weight=T(3)),
                 bad(NotImplementedError, "\"log_sigmoid_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 runtime_error("result type Double can't be cast to the desired output type Long", V, L(1, 0, 1)),
                 NO_REDUCTION]),
    loss("mse_loss", ref.mse, "MseLossBackward0",
         [*REDUCED, S(A, B), S(EMPTY, T(0)), S(V, V),
          *(s.records(node) for s, node in zip(WEIGHTED, ("DivBackward0", "SumBackward0", "MulBackward0"),
                                               strict=True))],
         formulas=[unreduced("mse_loss", lambda x, y: (x - y) ** 2, PAIRS)],
         errors=[bad(NotImplementedError, "\"mse_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 value_error("Weights and input must have the same size.", V, W, weight=A), NO_REDUCTION]),
    loss("l1_loss", ref.l1, "MeanBackward0",
         [S(X, Y), S(A, B), S(EMPTY, T(0)), S(X, Y, reduction="sum").records("SumBackward0"),
          S(X, Y, reduction="none").records("AbsBackward0"),
          *(s.records(node) for s, node in zip(WEIGHTED, ("DivBackward0", "SumBackward0", "MulBackward0"),
                                               strict=True)),
          S(X, Y, weight=T(3, 4)).records("DivBackward0")],
         formulas=[unreduced("l1_loss", lambda x, y: mp.fabs(x - y), BENT_POINTS)],
         errors=[value_error("Weights and input must have the same size.", V, W, weight=A), NO_REDUCTION]),
    loss("smooth_l1_loss", ref.smooth_l1, "SmoothL1LossBackward0",
         [*REDUCED, S(A, B), S(EMPTY, T(0)), S(V, V), S(X, Y, beta=0.5), S(X, Y, beta=2, reduction="none"),
          S(X, Y, beta=0.0).records("MeanBackward0")],
         formulas=[Formula(lambda x, y, b=b: ref.mp_smooth_l1(x, y, b), BENT_POINTS, str(b),
                           functional("smooth_l1_loss", beta=b)) for b in (1.0, 0.01, 1e9)],
         errors=[runtime_error("smooth_l1_loss does not support negative values for beta.", V, W, beta=-1.0),
                 type_error("smooth_l1_loss(): argument 'beta' (position 4) must be float, not str", V, W, beta="a"),
                 bad(NotImplementedError, "\"smooth_l1_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 NO_REDUCTION]),
    loss("huber_loss", ref.huber, "HuberLossBackward0",
         [*REDUCED, S(A, B), S(EMPTY, T(0)), S(V, V), S(X, Y, delta=0.5), S(X, Y, delta=2, reduction="none"),
          *(s.records(node) for s, node in zip(WEIGHTED, ("MeanBackward0", "SumBackward0", "MulBackward0"),
                                               strict=True))],
         formulas=[Formula(lambda x, y, d=d: ref.mp_huber(x, y, d), BENT_POINTS, str(d),
                           functional("huber_loss", delta=d)) for d in (1.0, 0.01, 1e9)],
         errors=[runtime_error("huber_loss does not support non-positive values for delta.", V, W, delta=0.0),
                 type_error("huber_loss(): argument 'delta' (position 4) must be float, not str", V, W, delta="a"),
                 value_error("Weights and input must have the same size.", V, W, weight=A),
                 value_error("Invalid reduction mode: most. Expected one of 'none', 'mean', 'sum'.", V, W, weight=V,
                             reduction="most"),
                 bad(NotImplementedError, "\"huber_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 NO_REDUCTION]),
    loss("nll_loss", ref.nll, "NllLossBackward0", class_nodes("NllLossBackward0", [*INDEX_SAMPLES, EMPTY_MEAN]),
         linear=True,
         errors=[*CLASS_ERRORS, type_error(not_tensor("nll_loss_nd", 2.5), 2.5, TARGETS),
                 value_error("Expected 1 or more dimensions (got 0)", A, L(0).reshape(())),
                 type_error("nll_loss_nd(): argument 'ignore_index' (position 5) must be int, not float",
                            CLASSES, TARGETS, ignore_index=1.5),
                 bad(NotImplementedError, "\"nll_loss_out_frame\" not implemented for 'Long'", L([1, 2]), L(0))]),
    loss("cross_entropy", ref.cross_entropy, "NllLossBackward0",
         [*class_nodes("NllLossBackward0", [*INDEX_SAMPLES, EMPTY_MEAN]),
          *(s.records("AddBackward0") for s in SMOOTHED)],
         errors=[*CLASS_ERRORS,
                 runtime_error("label_smoothing must be between 0.0 and 1.0. Got: 1.5", CLASSES, TARGETS,
                               label_smoothing=1.5),
                 type_error("cross_entropy_loss(): argument 'label_smoothing' (position 6) must be float, not str",
                            CLASSES, TARGETS, label_smoothing="a")]),
    loss("cross_entropy:probabilities", ref.cross_entropy_of, "DivBackward1",
         [S(CLASSES, SHARES), S(T(5), T(5, of=UNIT)), S(SHEETS, T(2, 5, 3, of=UNIT), label_smoothing=0.3),
          S(CLASSES, SHARES, CLASS_WEIGHT), S(CLASSES, SHARES, T(5)), S(PLANES, T(2, 5, 3, 2, of=UNIT), CLASS_WEIGHT),
          *records("NegBackward0", S(CLASSES, SHARES, reduction="sum"), S(CLASSES, SHARES, reduction="none"),
                   S(SHEETS, T(2, 5, 3, of=UNIT), CLASS_WEIGHT, reduction="none", label_smoothing=1.0))],
         errors=[runtime_error("Expected floating point type for target with class probabilities, got Long",
                               T(2), L(0, 1)),
                 runtime_error("ignore_index is not supported for floating point target", CLASSES, SHARES,
                               ignore_index=1),
                 runtime_error("cross_entropy: weight tensor should be defined either for all 5 classes or no classes "
                               "but got weight tensor of shape: [4]", CLASSES, SHARES, T(4))]),
    loss("kl_div", ref.kl_div, "SubBackward0",
         [*records("DivBackward0", S(X, T(3, 4, of=UNIT), reduction="batchmean"),
                   S(X, Y, reduction="batchmean", log_target=True)),
          *records("SumBackward0", S(X, T(3, 4, of=UNIT), reduction="sum"), S(A, T(of=UNIT), reduction="batchmean")),
          S(X, T(3, 4, of=UNIT), reduction="none"), S(X, T(4, of=UNIT), reduction="none"),
          S(X, Y, reduction="none", log_target=True).records("MulBackward0")],
         formulas=[unreduced("kl_div", lambda x, t: t * (mp.log(t) - x), LIKELIHOODS),
                   unreduced("kl_div", lambda x, t: mp.exp(t) * (t - x), tuple(product(LOGITS[:9], (-700.0, -0.3, 0.1))),
                               "log_target", log_target=True)],
         errors=[runtime_error("kl_div: Integral inputs not supported.", V, L(1, 0, 1), reduction="sum"),
                 value_error("most is not a valid value for reduction", V, W, reduction="most")]),
)


# ------------------------------------------------------------------ copying, converting
def in_place(name):
    """An in-place op as a function of its arguments."""
    return lambda ac, x, *args: getattr(x.clone(), name)(*args)


def cast(name):
    return lambda x, *_: x.astype(name)


OF_ANY = [S(X), S(A), S(T(of=INT)), S(V_MASK)]
ONE_VALUE = "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions"
COPYING = (
    op("clone", np.asarray, "CloneBackward0", [S(X), S(A), S(EMPTY)], linear=True,
       errors=[type_error(not_tensor("clone", 2.5), 2.5)]),
    method("contiguous", np.asarray, "", [S(X), S(A)], view=None, linear=True),
    method("contiguous:transposed", np.transpose, "CloneBackward0", [S(X)], call=lambda ac, x: x.t().contiguous(),
           linear=True),
    method("copy_", lambda x, y: np.broadcast_to(y, x.shape), "CopyBackwards", [S(X, Y), S(X, ROW), S(A, B), S(V, A)],
           call=in_place("copy_"), errors=[runtime_error(MISMATCH + "0", T(3), T(4)), type_error(None, V, "a")]),
    method("fill_", np.full_like, "FillBackward2", [S(X, 2.5), S(A, 1), S(V, True), S(V, B).records("FillBackward3")],
           call=in_place("fill_"), errors=[runtime_error(ONE_VALUE, V, W)]),
    method("zero_", np.zeros_like, "ZeroBackward0", [S(X), S(A), S(EMPTY)], call=in_place("zero_")),
    method("to", lambda x, dtype: x.astype(dtype.name), "",
           [S(X, FLOAT64), S(X, INT64), S(X, Dtype("bool")), S(T(3, of=INT), FLOAT64), S(V_MASK, INT64)], view=None),
    method("to:tensor", lambda x, y: x.astype(y.dtype), None, [S(T(3, of=INT), T(2)), S(T(3, of=INT), L(True))],
           call=lambda ac, x, y: x.to(y), view=None),
    method("double", cast("float64"), "", OF_ANY, view=None),
    method("long", cast("int64"), None, OF_ANY, view=None),
    method("bool", cast("bool"), None, [*OF_ANY, S(T(3, 4, of=SPECIAL))], view=None),
)

# ------------------------------------------------------------------ making tensors
NEGATIVE = runtime_error("Trying to create tensor with negative dimension -1: [-1]", -1)
SHAPED = [S(3, 4), S((3, 4)), S([2]), S(0), S(()), S(2, dtype=INT64), S(2, dtype=Dtype("bool"))]
LIKE = [S(X), S(A), S(T(3, of=INT)), S(V_MASK), S(V, dtype=INT64)]
CREATION = (
    create("tensor", lambda v: np.array(v, dtype=None if v != [] else float),
           [S(2.5), S(3), S(True), S([1, 2.5]), S([[1, 2], [3, 4]]), S([]), S([True, False]), S((1.0, (2)))],
           errors=[value_error("expected sequence of length 2 at dim 1 (got 1)", [[1, 2], [3]]), type_error(None, "a"),
                   type_error(None, [1, "a"])]),
    create("tensor:dtype", lambda v, dtype: np.array(v).astype(dtype.name),
           [S([1, 2.7], dtype=INT64), S([0, 2], dtype=Dtype("bool")), S([1, 2], dtype=FLOAT64)]),
    create("as_tensor", np.array, [S(2.5), S([1, 2]), S(T(3, 4, constant=True))], view=None),
    create("from_numpy", np.array, [S([1.0, 2.5]), S([1, 2]), S([[True, False]])],
           call=lambda ac, v: ac.from_numpy(np.array(v))),
    create("frombuffer", lambda v: np.array(v, dtype=float), [S([1.0, 2.5]), S([3.0])],
           call=lambda ac, v: ac.frombuffer(bytearray(np.array(v).tobytes()), dtype=ac.float64)),
    create("zeros", lambda *s, dtype=FLOAT64: np.zeros(ref.sizes(s), dtype.name), SHAPED,
           errors=[runtime_error("zeros: Dimension size must be non-negative.", -1)]),
    create("ones", lambda *s, dtype=FLOAT64: np.ones(ref.sizes(s), dtype.name), SHAPED, errors=[NEGATIVE]),
    create("full", lambda s, v, dtype=None: np.full(s, v, ref.named(dtype)),
           [S((3, 4), 2.5), S((2,), 3), S((), True), S((2,), 3, dtype=FLOAT64)],
           errors=[runtime_error("Trying to create tensor with negative dimension -1: [-1]", (-1,), 1.0)]),
    create("empty", lambda *s, dtype=FLOAT64: np.ones(ref.sizes(s), dtype.name), SHAPED,
           call=lambda ac, *s, **kw: ac.empty(*s, **kw).fill_(1), errors=[NEGATIVE]),
    create("eye", lambda n, m=None, dtype=FLOAT64: np.eye(n, m, dtype=dtype.name),
           [S(3), S(2, 3), S(0), S(3, dtype=INT64)],
           errors=[runtime_error("n must be greater or equal to 0, got -1", -1)]),
    create("arange", lambda *a, dtype=None: np.arange(*a, dtype=ref.named(dtype)),
           [S(5), S(2, 7), S(2, 7, 2), S(0.5, 3.0, 0.25), S(5, 2, -1), S(2.5), S(0), S(4, dtype=FLOAT64)],
           errors=[runtime_error("upper bound and lower bound inconsistent with step sign", 2, 7, -1),
                   runtime_error("step must be nonzero", 2, 7, 0)]),
    create("linspace", lambda start, end, steps: np.linspace(start, end, steps),
           [S(0, 1, 5), S(-1.0, 2.5, 4), S(3, 3, 1), S(0, 1, 0), S(5, 1, steps=3)],
           errors=[runtime_error("number of steps must be non-negative", 0, 1, -1)]),
    create("logspace", lambda start, end, steps, base=10.0: np.logspace(start, end, steps, base=base),
           [S(0, 2, 3), S(-1.5, 2.5, 7), S(3, 3, 1), S(0, 1, 0), S(2, -2, 5, 2.0), S(0, 3, steps=4, base=0.5)],
           errors=[runtime_error("number of steps must be non-negative", 0, 1, -1),
                   type_error(no_overload("logspace", "int, int, float"), 0, 1, 2.5)]),
    create("asarray", np.array, [S(2.5), S([1, 2]), S([[True, False]]), S(T(3, 4, constant=True))], view=None),
    create("zeros_like", lambda x, dtype=None: np.zeros_like(x, ref.named(dtype)), LIKE,
           errors=[type_error(not_tensor("zeros_like", 2.5), 2.5)]),
    create("ones_like", lambda x, dtype=None: np.ones_like(x, ref.named(dtype)), LIKE),
    create("full_like", lambda x, v, dtype=None: np.full_like(x, v, ref.named(dtype)),
           [S(X, 2.5), S(T(3, of=INT), 7), S(V, 2, dtype=INT64)]),
    create("empty_like", np.ones_like, [S(X), S(T(3, of=INT))], call=lambda ac, x: ac.empty_like(x).fill_(1)),
)

CASES = (*UNARY, *ACTIVATIONS, *BINARY, *REDUCTIONS, *VIEWS, *JOINS, *INDEXING, *PRODUCTS, *LOSSES, *COPYING, *CREATION)
# fmt: on
