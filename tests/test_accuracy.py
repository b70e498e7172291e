"""How accurate the elementary functions are: the errors of docs/accuracy.md, measured against mpmath.

Each row of the table is a function with the largest error it may have, at points that are hard for it, and its values
where they are known exactly. ``python tests/test_accuracy.py`` prints the errors found, for docs/accuracy.md.
"""

import math
from dataclasses import dataclass, field

import mpmath as mp
import numpy as np
import pytest
from module import IS_TORCH, ac, bits, to_numpy
from ulps import (
    LARGEST,
    SMALLEST,
    SMALLEST_NORMAL,
    every_exponent,
    log_uniform,
    multiples,
    near,
    random_bits,
    same,
    uniform,
    worst,
)

INF, NAN = math.inf, math.nan


@dataclass
class Row:
    """A function under test.

    ``allowed`` is the largest error in ulp over ``points`` (numbers, or tuples of arguments); ``exact`` are pairs of
    arguments and the value that has to come out, to the bit; ``beyond_torch`` are more of them, which torch misses.
    """

    name: str
    reference: object
    allowed: float
    points: list
    exact: list = field(default_factory=list)
    call: object = None
    beyond_torch: list = field(default_factory=list)

    def __call__(self, *arrays):
        """The function over numpy arrays."""
        call = self.call or getattr(ac, self.name)
        return to_numpy(call(*map(ac.tensor, arrays)))


with mp.workprec(300):
    HALF_LN2 = mp.ln2 / 2
    QUARTER = mp.pi / 2  # turn

# What is worth a try for any function of one argument, and of a positive one.
POSITIVE = [
    *near(SMALLEST, SMALLEST_NORMAL, 2.0**-54, 2.0**-28, 2.0**-27, 1.0, 2.0**60, LARGEST),
    *random_bits(200, 0.0),
    *log_uniform(2.0**-60, 2.0**60, 200, (1.0,)),
]
REAL = [x for positive in POSITIVE for x in (positive, -positive)][::2] + POSITIVE[1::2]
# Where exponents of e change, and where they stop.
STEPS = multiples(HALF_LN2, -752.0, 752.0)[::5]
ENDS = near(709.782712893384, -745.1332191019412, -708.3964185322641)
FAR = [*uniform(-745.2, 709.8, 300), *uniform(-745.2, -707.0, 100)]
CLOSE = uniform(-3.0, 3.0, 400)
# Where the exponents of logarithms change, sqrt(2) times a power of 2, and the neighbourhood of 1.
ROOTS = near(*(2.0 ** (k + 0.5) for k in range(-1074, 1024, 31)), 0.5**0.5, 2.0**0.5, steps=(-1, 0, 1))
NEAR_ONE = [1.0 + x for x in log_uniform(2.0**-52, 0.4, 300)]
LOG_POINTS = [*POSITIVE, *every_exponent(signs=(1.0,))[::4], *ROOTS, *NEAR_ONE]
LOG_ENDS = [(INF, INF), (0.0, -INF), (-0.0, -INF), (-SMALLEST, NAN), (-1.0, NAN), (-INF, NAN), (NAN, NAN), (1.0, 0.0)]
ODD = [(0.0, 0.0), (-0.0, -0.0), (SMALLEST, SMALLEST), (-SMALLEST, -SMALLEST), (NAN, NAN)]


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x))


ANYWHERE = [*near(SMALLEST, SMALLEST_NORMAL, 2.0**-54, 2.0**-27, 1.0), *random_bits(200)]
NEAR_ANGLES = 2.0**20  # up to here angles are reduced in doubles, beyond in integers


def nearest_to_quarters(exponents, multiples=(1, 2, 3)):
    """The doubles m * 2**e that come nearest to a multiple of pi/2, by continued fractions."""
    found = []
    with mp.workprec(1300):
        for e in exponents:
            rest = mp.ldexp(1, e) / (mp.pi / 2)
            before, m = 1, 0
            while m < 2**53:
                if m:
                    found += [math.ldexp(k * m, e) for k in {*multiples, (2**53 - 1) // m} if k * m < 2**53]
                a = int(mp.floor(rest))
                before, m = m, a * m + before
                rest = 1 / (rest - a)
    return found


ANGLES = [
    *ANYWHERE, *nearest_to_quarters(range(-52, -32)), *nearest_to_quarters(range(-32, 972, 17), (1,)),
    # The nearest of all, to a multiple of pi/2 by 4.7e-19, and one at which glibc's cos is far off.
    6381956970095103 * 2.0**797, 6.004779142530142e29, *log_uniform(NEAR_ANGLES, 1.7e308, 300, (1.0, -1.0)),
    *multiples(QUARTER, -40.0, 40.0), *multiples(QUARTER, 1e6, 1e6 + 100),
    *multiples(QUARTER / 2, -10.0, 10.0), *every_exponent(2.0**-80, 2.0**25), *every_exponent(2.0**980),
    *near(NEAR_ANGLES, -NEAR_ANGLES), *uniform(-1.6, 1.6, 500), *uniform(-30.0, 30.0, 500),
    *uniform(-NEAR_ANGLES, NEAR_ANGLES, 300),
]  # fmt: skip
UNIT = [
    *(x for x in ANYWHERE if abs(x) <= 1.0), *every_exponent(2.0**-80, 1.0), *uniform(-1.0, 1.0, 1000),
    *(1.0 - x for x in every_exponent(2.0**-53, 0.5, signs=(1.0,))),
    *(x - 1.0 for x in every_exponent(2.0**-53, 0.5, signs=(1.0,))), *near(0.5, -0.5),
]  # fmt: skip
OUTSIDE_UNIT = [(1.0000000000000002, NAN), (-2.0, NAN), (INF, NAN), (-INF, NAN), (NAN, NAN)]
CORNERS = [math.sqrt(2.0) - 1.0, 1.0, math.sqrt(2.0) + 1.0]  # where atan changes the angle it starts from
AXES = [0.0, -0.0, 1.0, -1.0, 2.0**-1074, 1e308, INF, -INF, NAN]


POWERS = [-3.5, -2.0, -1.5, -1.0, -0.5, 0.1, 1 / 3, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0, 100.3]
WHOLE = [(float(a), float(e)) for a in range(2, 60) for e in range(2, 53) if a**e < 2**53]
POW_POINTS = [
    *zip(random_bits(400, 0.0), uniform(-1.0, 1.0, 400), strict=True),
    *zip(log_uniform(0.1, 10.0, 400, (1.0,)), uniform(-300.0, 300.0, 400), strict=True),
    *((x, y) for x in NEAR_ONE[::3] for y in (1e5, -3e12)), *((x, y) for x in ROOTS[::2] for y in (0.7, -1.3, 11.0)),
    *((x, y) for y in POWERS for x in (*uniform(0.0, 4.0, 20), *log_uniform(2.0**-60, 2.0**60, 10, (1.0,)), SMALLEST)),
    *((-x, y) for x, y in zip(uniform(0.5, 3.0, 60), range(-30, 30), strict=True)),
    *((x, e / math.log(x)) for x in uniform(1.1, 50.0, 20) for e in (709.7, -707.9, -744.9)),
]  # fmt: skip
AXES_OF_POW = [sign * x for x in (0.0, 0.5, 1.0, 1.5, 3.0, 2.0**53, 2.0**53 - 1.0, 1e300, INF, NAN) for sign in (1, -1)]


def pow_in_c(x, y):
    """Python's ** without its exceptions."""
    if x == 0.0 and y < 0.0:
        return math.copysign(INF, x) if y % 2 == 1 else INF
    try:
        return math.pow(x, y)
    except ValueError:
        return NAN
    except OverflowError:
        return -INF if x < 0.0 and y % 2 == 1 else INF


def power(x, y):
    """x**y, real for a negative x and a whole y."""
    return mp.power(x, y) if x >= 0 else (-1) ** int(y) * mp.power(-x, y)


def erfc(x):
    """mpmath's own fails at huge numbers."""
    return mp.erfc(min(max(x, -1000), 1000))


def lgamma(x):
    return mp.re(mp.loggamma(x))


def trigamma(x):
    """mpmath's own takes steps from a negative x to 0."""
    return mp.psi(1, x) if x > 0 else (mp.pi / mp.sinpi(x)) ** 2 - mp.psi(1, 1 - x)


def far_from_zeros(function, points):
    """The points on the negative axis where what the reflection formula adds to function(1 - x) does not cancel it."""
    return [x for x in points if abs(function(mp.mpf(x))) >= abs(function(1 - mp.mpf(x)))]


def gamma_points(function):
    """For log gamma and digamma, their ranges and roots, and the negative axis."""
    with mp.workprec(100):
        negative = far_from_zeros(function, [*uniform(-0.5, 0.0, 150), *uniform(-3.0, 0.0, 300), *LEFT_OF_0])
    roots = [root * x for root in (1.0, 1.4616321449683622, 2.0) for x in NEAR_ONE]
    return [*RIGHT_OF_0, *roots, *negative]


LEFT_OF_0 = [
    *uniform(-40.0, 0.0, 300), *(-x for x in log_uniform(2.0**-1074, 0.1, 200, (1.0,))),
    *(-x for x in log_uniform(40.0, 2.0**40, 60, (1.0,))),
    *(k + x for k in (-1.0, -2.0, -3.0, -20.0) for x in log_uniform(2.0**-30, 0.1, 25)),
]  # fmt: skip
RIGHT_OF_0 = [
    *(x for x in POSITIVE[::2] if x), *every_exponent(signs=(1.0,))[::6], *uniform(0.0, 1.0, 250),
    *uniform(1.0, 4.0, 400), *uniform(4.0, 12.0, 200), *uniform(12.0, 200.0, 100),
    *near(1.4616321449683622, 2.0, 4.0, steps=range(-4, 5)),
]  # fmt: skip
POLES = [0.0, -0.0, -1.0, -2.0, -33.0, -(2.0**51) - 1.0, -(2.0**53), -1e300]
ORDERS = (2, 3, 6, 25, 101)
ORDER_POINTS = [
    *uniform(0.05, 3.0, 80), *uniform(3.0, 60.0, 80), *uniform(60.0, 200.0, 40), *uniform(-0.4, 0.0, 20),
    *uniform(-30.4, -30.0, 20), *uniform(-5.0, -4.6, 20),
]  # fmt: skip

ROWS = [
    Row("exp", mp.exp, 1.0, [*REAL, *every_exponent(2.0**-80, 2.0**12), *STEPS, *FAR, *CLOSE, *ENDS],
        [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (1e300, INF), (-1e300, 0.0),
         (709.7827128933841, INF), (-745.13, SMALLEST), (-745.14, 0.0)]),
    Row("exp2", lambda x: mp.mpf(2)**x, 1.5,
        [*REAL, *uniform(-1075.0, 1024.0, 500), *CLOSE, *multiples(mp.mpf(0.5), -1076, 1025)[::7]],
        [*((float(k), math.ldexp(1.0, k)) for k in range(-1074, 1024)), (-0.0, 1.0), (1024.0, INF), (-1075.5, 0.0),
         (INF, INF), (-INF, 0.0), (NAN, NAN), (1e300, INF), (-1e300, 0.0)]),
    Row("expm1", mp.expm1, 1.5,
        [*REAL, *every_exponent(2.0**-80, 2.0**12), *STEPS[::2], *uniform(-40.0, 709.8, 300), *CLOSE, *ENDS],
        [*ODD, (INF, INF), (-INF, -1.0), (-1e300, -1.0), (1e300, INF), (709.7827128933841, INF)]),
    Row("log", mp.log, 1.0, LOG_POINTS, LOG_ENDS),
    Row("log2", lambda x: mp.log(x, 2), 1.0, LOG_POINTS,
        [*LOG_ENDS, *((math.ldexp(1.0, k), float(k)) for k in range(-1074, 1024))]),
    Row("log10", mp.log10, 1.0, LOG_POINTS, [*LOG_ENDS, *((10.0**k, float(k)) for k in range(23))]),
    Row("log1p", mp.log1p, 1.5,
        [*POSITIVE, *every_exponent(signs=(1.0,))[::4], *ROOTS, *(x - 1.0 for x in ROOTS if 0.01 < x < 1e15),
         *(-x for x in POSITIVE if x < 1.0), *uniform(-1.0, 1.0, 400), *near(-1.0, steps=(-1, -2, -3))],
        [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-1.0000000000000002, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)],
        beyond_torch=[(SMALLEST, SMALLEST), (-SMALLEST, -SMALLEST)]),
    Row("sinh", mp.sinh, 1.5, [*REAL, *STEPS, *FAR, *CLOSE, *near(710.4758600739439)],
        [*ODD, (INF, INF), (-INF, -INF), (710.5, INF), (-710.5, -INF), (1e300, INF)]),
    Row("cosh", mp.cosh, 1.5, [*REAL, *STEPS, *FAR, *CLOSE, *near(710.4758600739439)],
        [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (710.5, INF), (-1e300, INF), (NAN, NAN)]),
    Row("tanh", mp.tanh, 2.0, [*REAL, *uniform(-22.0, 22.0, 400), *CLOSE, *multiples(mp.ln2 / 4, -20, 20)],
        [*ODD, (INF, 1.0), (-INF, -1.0), (22.0, 1.0), (-1e300, -1.0)]),
    Row("asinh", mp.asinh, 2.0, [*REAL, *every_exponent()[::4], *uniform(-10.0, 10.0, 400), *CLOSE],
        [*ODD, (INF, INF), (-INF, -INF)]),
    Row("acosh", mp.acosh, 2.0,
        [*(x for x in POSITIVE if x >= 1.0), *every_exponent(1.0, signs=(1.0,))[::2], *uniform(1.0, 3.0, 400),
         *(1.0 + x for x in log_uniform(2.0**-52, 1.0, 400, (1.0,)))],
        [(1.0, 0.0), (INF, INF), (0.9999999999999999, NAN), (0.0, NAN), (-INF, NAN), (NAN, NAN)]),
    Row("atanh", mp.atanh, 2.0,
        [*(x for x in REAL if abs(x) < 1.0), *uniform(-1.0, 1.0, 800), *near(-1.0, 1.0, steps=(-1, -2, -3))],
        [*ODD, (1.0, INF), (-1.0, -INF), (1.0000000000000002, NAN), (-2.0, NAN), (INF, NAN)]),
    Row("sigmoid", sigmoid, 2.0, [*REAL, *STEPS[::2], *FAR, *CLOSE, *uniform(-40.0, 40.0, 300), *ENDS],
        [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e300, 1.0), (-1e300, 0.0), (NAN, NAN)],
        beyond_torch=[(-745.0, SMALLEST)]),
    Row("silu", lambda x: x * sigmoid(x), 2.0,
        [*REAL, *STEPS[::2], *FAR, *CLOSE, *uniform(-40.0, 40.0, 300), *uniform(-752.0, -745.0, 50)],
        [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, NAN), (LARGEST, LARGEST), (-1e300, -0.0), (NAN, NAN)],
        lambda x: ac.nn.functional.silu(x)),
    Row("softplus", softplus, 2.0, [*REAL, *STEPS[::2], *FAR, *CLOSE, *uniform(-40.0, 40.0, 300)],
        [(INF, INF), (-INF, 0.0), (NAN, NAN)], lambda x: ac.nn.functional.softplus(x, threshold=INF)),
    Row("logsigmoid", lambda x: -softplus(-x), 2.0, [*REAL, *STEPS[::2], *FAR, *CLOSE, *uniform(-40.0, 40.0, 300)],
        [(INF, 0.0), (-INF, -INF), (NAN, NAN)], lambda x: ac.nn.functional.logsigmoid(x)),
    Row("sqrt", mp.sqrt, 0.5, LOG_POINTS, [(-0.0, -0.0), (0.0, 0.0), (INF, INF), (-1.0, NAN), (NAN, NAN)]),
    Row("rsqrt", lambda x: 1 / mp.sqrt(x) if x else mp.inf, 1.5, LOG_POINTS,
        [(0.0, INF), (INF, 0.0), (-1.0, NAN), (NAN, NAN)]),
    Row("tan", mp.tan, 2.0, ANGLES, [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    Row("asin", mp.asin, 2.0, UNIT,
        [(0.0, 0.0), (-0.0, -0.0), (1.0, math.pi / 2), (-1.0, -math.pi / 2), *OUTSIDE_UNIT]),
    Row("acos", mp.acos, 2.0, UNIT,
        [(0.0, math.pi / 2), (-0.0, math.pi / 2), (1.0, 0.0), (-1.0, math.pi), *OUTSIDE_UNIT]),
    Row("atan", mp.atan, 2.0,
        [*ANYWHERE, *every_exponent(), *uniform(-3.0, 3.0, 1000), *near(*CORNERS, *(-x for x in CORNERS))],
        [(0.0, 0.0), (-0.0, -0.0), (INF, math.pi / 2), (-INF, -math.pi / 2), (NAN, NAN), (1.0, math.pi / 4)]),
    Row("atan2", mp.atan2, 2.0,
        [*zip(uniform(-1.0, 1.0, 800), uniform(-1.0, 1.0, 800, seed=5), strict=True),
         *zip(random_bits(500), random_bits(500, seed=6), strict=True),
         *((y, 1.0) for y in near(*CORNERS)), *((y, -1.0) for y in near(*CORNERS)),
         *zip(every_exponent(seed=7), every_exponent(signs=(1.0, 1.0, -1.0, -1.0)), strict=True),
         (LARGEST, LARGEST), (-LARGEST, LARGEST / 2), (SMALLEST, SMALLEST), (SMALLEST, -2 * SMALLEST)],
        [((y, x), math.atan2(y, x)) for y in AXES for x in AXES]),
    Row("pow", power, 4.0, POW_POINTS,
        [*(((x, y), x**y) for x, y in WHOLE), ((-3.0, 3.0), -27.0), ((-1.0, INF), 1.0), ((1.0, NAN), 1.0),
         *(((x * x, 1.5), x**3) for x in map(float, range(2, 60))),
         *(((x, y), z) for x in AXES_OF_POW for y in AXES_OF_POW if not 0.0 < abs(z := pow_in_c(x, y)) < INF)]),
    Row("erf", mp.erf, 4.0,
        [*ANYWHERE, *every_exponent(2.0**-1074, 2.0**4), *uniform(-1.0, 1.0, 500), *uniform(-6.5, 6.5, 500),
         *near(0.75, -0.75)],
        [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (7.0, 1.0), (-1e300, -1.0)]),
    Row("erfc", erfc, 4.0,
        [*ANYWHERE, *every_exponent(2.0**-60, 2.0**4), *uniform(-1.0, 1.0, 500), *uniform(-6.5, 27.3, 1000),
         *uniform(26.0, 27.3, 200), *near(0.5, -0.5, 26.543258454250976, 27.226017111108366)],
        [(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (28.0, 0.0), (-7.0, 2.0), (1e300, 0.0)]),
    Row("lgamma", lgamma, 4.0, [*gamma_points(lgamma), *near(2.5563481638716906e305)],
        [(1.0, 0.0), (2.0, 0.0), *((x, INF) for x in POLES), (INF, INF), (-INF, INF), (NAN, NAN), (2.6e305, INF),
         (-1e307, INF)]),
    Row("digamma", mp.digamma, 4.0, gamma_points(mp.digamma),
        [(0.0, -INF), (-0.0, INF), (SMALLEST, -INF), (-SMALLEST, INF), *((x, NAN) for x in POLES if x),
         (INF, INF), (-INF, NAN), (NAN, NAN)]),
    Row("trigamma", trigamma, 4.0, [*RIGHT_OF_0, *NEAR_ONE, *LEFT_OF_0, *uniform(-3.0, 0.0, 300)],
        [(0.0, INF), (-0.0, INF), (SMALLEST, INF), (1e-160, INF), (INF, 0.0), (-INF, NAN), (NAN, NAN)],
        lambda x: ac.polygamma(1, x), beyond_torch=[*((x, INF) for x in POLES), (-1e-160, INF), (-SMALLEST, INF)]),
    *(Row(f"polygamma({n})", lambda x, n=n: mp.psi(n, x), 4.0, ORDER_POINTS,
          [*((x, -INF if n % 2 == 0 else INF) for x in (*POLES, -INF, SMALLEST)), (NAN, NAN),
           (-SMALLEST, INF), (1e300, -0.0 if n % 2 == 0 else 0.0)],
          lambda x, n=n: ac.polygamma(n, x), beyond_torch=[(INF, -0.0 if n % 2 == 0 else 0.0)])
      for n in ORDERS),
    Row("sin", mp.sin, 1.0, ANGLES, [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    Row("cos", mp.cos, 1.0, ANGLES, [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
]  # fmt: skip

by_name = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@by_name
@pytest.mark.skipif(IS_TORCH, reason="the bounds are autograd_c's")
def test_error(row):
    found, where = worst(row, row.reference, row.points)
    assert found <= row.allowed, f"{row.name}{where} is {found:.3f} ulp off"


@by_name
def test_exact_values(row):
    for arguments, expected in row.exact + ([] if IS_TORCH else row.beyond_torch):
        arguments = arguments if isinstance(arguments, tuple) else (arguments,)
        for copies in 1, 9:  # 0-d's path, and that of vectors with a remainder
            values = row(*(np.full(copies, x) for x in arguments)).tolist()
            assert all(same(value, expected) for value in values), f"{row.name}{arguments} = {values[0]}"


@by_name
@pytest.mark.skipif(IS_TORCH, reason="torch's do, at its vectors' ends")
def test_bits_do_not_depend_on_layout(row):
    """Alone, in a vector's body, in its remainder, strided or broadcast, a number has one result."""
    points = [point if isinstance(point, tuple) else (point,) for point in row.points[:: len(row.points) // 250]]
    columns = [np.array(column) for column in zip(*points, strict=True)]
    expected = bits(row(*columns))
    call = row.call or getattr(ac, row.name)

    def check(found, expected, how):
        assert (bits(to_numpy(found)) == expected).all(), f"{row.name}: {how}"

    for i, point in enumerate(points):
        check(call(*map(ac.tensor, point)), expected[i], f"{point}, 0-d")
        check(call(*(ac.tensor([x]) for x in point)), expected[i], f"{point}, one element")
    for n in 2, 3, 7, 8, 13:
        check(call(*(ac.tensor(column[:n]) for column in columns)), expected[:n], f"{n} elements")
    large = np.resize(expected, 1000)
    tensors = [ac.tensor(np.resize(column, 1000)) for column in columns]
    check(call(*tensors), large, "1000 elements")
    check(call(*(t.reshape(250, 4)[:, 1] for t in tensors)), large.reshape(250, 4)[:, 1], "strided")
    check(call(*(t.reshape(40, 25).t() for t in tensors)), large.reshape(40, 25).T, "transposed")
    check(call(*(t[0].expand(5) for t in tensors)), np.full(5, large[0]), "stride 0")


if __name__ == "__main__":
    for row in ROWS:
        found, where = worst(row, row.reference, row.points)
        print(f"| `{row.name}` | {found:.2f} | {row.allowed:.1f} | {', '.join(map(repr, where))} |")
