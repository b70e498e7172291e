"""How far a double is from the truth, and the points at which functions are most likely to be far.

An ulp is the distance of neighbouring doubles at the true value: 2**-1074 among the subnormals. Of two neighbours the
nearer one is within half an ulp, either is within one.
"""

import math
import struct

import mpmath as mp
import numpy as np

PRECISION = 200  # bits of the reference: what cancels in a formula of two or three steps leaves enough
LARGEST = 1.7976931348623157e308
SMALLEST_NORMAL = 2.0**-1022
SMALLEST = 2.0**-1074


# ------------------------------------------------------------------ distance
def ulps(value, exact):
    """The distance of a double from an mpmath number, in ulp of the latter; infinity counts as 2**1024."""
    if mp.isnan(exact) or mp.isinf(exact):
        return 0.0 if same(value, float(exact)) else math.inf
    if math.isnan(value):
        return math.inf
    if exact == 0:
        return 0.0 if value == 0 else math.inf
    overflow = mp.ldexp(1, 1024)
    value = math.copysign(1.0, value) * overflow if math.isinf(value) else mp.mpf(value)
    exact = min(max(exact, -overflow), overflow)
    exponent = min(max(mp.frexp(exact)[1] - 53, -1074), 971)
    return float(abs(mp.ldexp(value - exact, -exponent)))


def worst(function, reference, points):
    """The largest distance of ``function`` (arrays to an array) from ``reference`` (mpmath numbers to one), and where.

    A point is a number, or a tuple of several arguments.
    """
    points = [point if isinstance(point, tuple) else (point,) for point in points]
    values = function(*(np.array(column) for column in zip(*points, strict=True))).tolist()
    with mp.workprec(PRECISION):
        distances = [ulps(value, reference(*map(mp.mpf, point))) for value, point in zip(values, points, strict=True)]
    at = max(range(len(points)), key=distances.__getitem__)
    return distances[at], points[at]


def same(a, b):
    """Whether two doubles are the same, signs of zeros too; any nan is like another."""
    return (a == b and math.copysign(1.0, a) == math.copysign(1.0, b)) or (a != a and b != b)


# ------------------------------------------------------------------ points
def every_exponent(low=SMALLEST, high=LARGEST, signs=(1.0, -1.0), seed=1):
    """A number of each binary exponent from low to high, subnormals too; the signs take turns."""
    rng = np.random.default_rng(seed)
    exponents = range(math.frexp(low)[1], math.frexp(high)[1] + 1)
    found = [math.ldexp(rng.uniform(0.5, 1.0), e) for e in exponents]
    return [signs[i % len(signs)] * x for i, x in enumerate(found) if low <= x <= high]


def near(*centres, steps=(-2, -1, 0, 1, 2)):
    """Numbers so many doubles away from each centre; towards larger magnitude if positive."""
    return [double for x in centres for step in steps if not math.isnan(double := from_bits(to_bits(x) + step))]


def multiples(step, low, high):
    """The doubles nearest to the multiples of ``step`` (an mpmath number) from low to high, and their neighbours."""
    first, last = math.ceil(low / float(step)), math.floor(high / float(step))
    with mp.workprec(PRECISION):
        return near(*(float(k * step) for k in range(first, last + 1) if k), steps=(-1, 0, 1))


def uniform(low, high, count, seed=2):
    """Random numbers of equal density."""
    return np.random.default_rng(seed).uniform(low, high, count).tolist()


def log_uniform(low, high, count, signs=(1.0, -1.0), seed=3):
    """Random numbers of equal density for each exponent; the signs take turns."""
    exponents = uniform(math.log2(low), math.log2(high), count, seed)
    return [signs[i % len(signs)] * min(max(2.0**e, low), high) for i, e in enumerate(exponents)]


def random_bits(count, low=-LARGEST, high=LARGEST, seed=4):
    """Numbers whose bits are random: every pattern that lies between low and high is as likely as any other."""
    rng = np.random.default_rng(seed)
    ranks = rng.integers(rank(low), rank(high), count, endpoint=True)
    return [from_bits(r) if r >= 0 else -from_bits(-r) for r in ranks.tolist()]


def rank(x):
    """The number of doubles from 0 to x, negative below."""
    return int(math.copysign(to_bits(abs(x)), x))


def to_bits(x):
    return struct.unpack("<q", struct.pack("<d", x))[0]


def from_bits(i):
    """The double with these bits; what lies before 0 or after infinity is those."""
    if 0 <= i < 2**63:
        i = min(i, to_bits(math.inf))
    return struct.unpack("<d", struct.pack("<q", i))[0]
