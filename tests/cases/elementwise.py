"""Rows of the elementwise ops of one tensor and of two, and of the activations."""

import mpmath as mp
import numpy as np
import references as ref
from rows import (
    BOOL,
    INT,
    MISMATCH,
    POSITIVE,
    REAL,
    RIGHT,
    SHAPES,
    SPECIAL,
    UNIT,
    Formula,
    L,
    S,
    T,
    bad,
    binary,
    method,
    no_overload,
    not_tensor,
    op,
    runtime_error,
    type_error,
    unary,
    value_error,
)

from cases.shared import (
    A_MASK,
    ABOVE_MINUS_ONE,
    ABOVE_ONE,
    ANGLES,
    BOUNDED,
    COL,
    EMPTY,
    EXPONENTS,
    EXTREME,
    GAMMAS,
    GAUSSIAN,
    HALF_LINE,
    HYPERBOLIC,
    INSIDE_UNIT,
    INTEGER_ALPHA,
    LEFT,
    LINE,
    MASK,
    NEAR_ONE,
    NO_BOOL_NEG,
    NO_BOOL_SUB,
    NO_BOOLS_SUB,
    PAIRS,
    POWERS,
    RAISED,
    ROW,
    TAILS,
    UNEQUAL,
    V_MASK,
    A,
    B,
    V,
    W,
    X,
    Y,
    both,
)

# fmt: off
# ------------------------------------------------------------------ elementwise, one tensor
NO_ORDER = "polygamma(): argument 'n' (position 1) must be int, not "
ORDERS = (0, 1, 2, 3, 7, 20)
POLYGAMMA = (
    op("polygamma", ref.polygamma, "PolygammaBackward0",
       [S(n, T(*shape)) for n in ORDERS for shape in SHAPES], domain=POSITIVE, method=False, elementwise=True,
       formulas=[Formula(lambda x, n=n: mp.psi(n, x), (), str(n), lambda ac, x, n=n: ac.polygamma(n, x),
                         beyond_torch=tuple(x for x in GAMMAS if abs(x) < 1e4 and n * abs(np.log10(abs(x))) < 40))
                 for n in ORDERS],
       errors=[*(type_error(NO_ORDER + kind, n, V) for n, kind in ((1.5, "float"), (True, "bool"), ("a", "str"),
                                                                  (None, "NoneType"), (V, "Tensor"), (A, "Tensor"))),
               type_error(not_tensor("polygamma", 2.5, position=2), 1, 2.5), type_error(None, 1), type_error(None),
               type_error(None, 1, V, 2), runtime_error("polygamma(n, x) does not support negative n.", -1, V),
               value_error("Overflow when unpacking long long", 2**70, V)]),
    method("polygamma:method", lambda x, n: ref.polygamma(n, x), "PolygammaBackward0", [S(X, 1), S(A, 2)],
           domain=POSITIVE, call=lambda ac, x, n: x.polygamma(n),
           errors=[type_error(NO_ORDER + "float", V, 1.5),
                   runtime_error("polygamma(n, x) does not support negative n.", V, -1)]),
    method("polygamma:inplace", lambda x, n: ref.polygamma(n, x), "PolygammaBackward1", [S(X, 1), S(A, 2)],
           domain=POSITIVE, call=lambda ac, x, n: x.clone().polygamma_(n),
           errors=[type_error(NO_ORDER.replace("gamma", "gamma_", 1) + "float", V, 1.5)]),
)

UNARY = (
    #     op             numpy           mpmath                domain    hard points      node
    unary("neg",         np.negative,    lambda x: -x,         REAL,     LINE,            "NegBackward0", linear=True,
          errors=[runtime_error(NO_BOOL_NEG, L(True))]),
    unary("abs",         np.abs,         mp.fabs,              REAL,     LINE,            "AbsBackward0"),
    unary("sign",        np.sign,        mp.sign,              REAL,     LINE,            "SignBackward0",
          inplace=False),
    unary("exp",         np.exp,         mp.exp,               REAL,     EXPONENTS,       "ExpBackward0"),
    unary("exp2",        np.exp2,        lambda x: mp.mpf(2)**x, REAL,   EXPONENTS,       "Exp2Backward0"),
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
    unary("asinh",       np.arcsinh,     mp.asinh,             REAL,     both(HALF_LINE[:-2]), "AsinhBackward0",
          beyond_torch=both(HALF_LINE[-2:])),
    unary("acosh",       np.arccosh,     mp.acosh,             RIGHT,    ABOVE_ONE[:-2],  "AcoshBackward0",
          beyond_torch=ABOVE_ONE[-2:] + (1 + 1e-9, 1 + 2.0**-52)),
    unary("atanh",       np.arctanh,     mp.atanh,             UNIT,     INSIDE_UNIT,     "AtanhBackward0",
          beyond_torch=NEAR_ONE),
    unary("arcsinh",     np.arcsinh,     domain=REAL,          node="AsinhBackward0"),
    unary("arccosh",     np.arccosh,     domain=RIGHT,         node="AcoshBackward0"),
    unary("arctanh",     np.arctanh,     domain=UNIT,          node="AtanhBackward0"),
    unary("erf",         ref.erf,        mp.erf,               REAL,     GAUSSIAN,        "ErfBackward0"),
    unary("erfc",        ref.erfc,       mp.erfc,              REAL,     GAUSSIAN,        "ErfcBackward0"),
    unary("lgamma",      ref.lgamma,     ref.mp_lgamma,        POSITIVE, GAMMAS[1:],      "LgammaBackward0",
          beyond_torch=GAMMAS[:1]),
    unary("digamma",     ref.digamma,    mp.digamma,           POSITIVE, (),              "DigammaBackward0",
          beyond_torch=GAMMAS),
    *POLYGAMMA,
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
               runtime_error(MISMATCH + "0", T(4), T(3)), type_error(no_overload("rsub", "int, Tensor"), 2, V)]),
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
                   type_error(no_overload("pow", "int, float"), 2, 0.5),
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
    binary("remainder",    np.remainder,    node="RemainderBackward1", overloaded=True,
           errors=[BY_ZERO, type_error(no_overload("remainder", "int, int"), 7, 4)]),
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
                 type_error(no_overload(name, "int, bool"), 6, True),
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
