# The logarithm of the gamma function and its derivatives, Note [Elementary functions].
#
# log|gamma|, digamma and trigamma are made alike.  From 1 to 4 each is a constant plus a quotient of
# polynomials, which is small, so that its rounding is too; and all that times the differences to the
# function's zeros, which are exact: so it is right relative to itself next to them.  From 4 on it is
# Stirling's series (Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 6.1.41, 6.3.18 and
# 6.4.12), with a polynomial in 1 / x**2 for what the series stands for.  Below 1 it comes by one step of
# the recurrence from 1 + x, and on the negative axis by the reflection formula (6.1.17, 6.3.7, 6.4.7),
# where the angle pi x is reduced, exactly, before it is multiplied by pi.
#
# Quotients and polynomials were found with mpmath, by interpolation at the Chebyshev nodes of their
# range, and are off by 2**-55 or less with their coefficients rounded.
#
# Next to its zeros on the negative axis a function is right relative to the terms of the reflection
# formula that cancel there, not to itself.

cdef inline double from_integer(double a) noexcept nogil:
    """a >= 0 less the integer nearest to it: exact."""
    return 0.0 if a >= 4503599627370496.0 else a - ((a + 4503599627370496.0) - 4503599627370496.0)


cdef inline double sine_of_turns(double r, double *low) noexcept nogil:
    """sin(pi r) / pi for |r| <= 1/2, and what it is rounded by; relative to r, which may be tiny."""
    cdef double z = r * r, p, s, y
    p = mad(z, 2.459180384815939e-07, -6.972960555564221e-06)
    p = mad(z, p, 0.00014842817816693618)
    p = mad(z, p, -0.0023460809634923995)
    p = mad(z, p, 0.026147847813078808)
    p = mad(z, p, -0.19075182412194128)
    p = mad(z, p, 0.8117424252833519)
    p = mad(z, p, -1.6449340668482264)
    p = z * p
    s = 1.0 + p
    y = r * s
    low[0] = product_error(r, s, y) + r * sum_error(1.0, p, s)
    return y


# ------------------------------------------------------------------------------------------- lgamma

cdef inline double lgamma_between(double x, double from_1, double from_2) noexcept nogil:
    """log gamma(x) for x from 1 to 4; also given is x - 1 and x - 2, without what x was rounded by."""
    cdef double p, q
    p = mad(x, -4.4088732313972336e-08, -3.7738433015260308e-06)
    p = mad(x, p, -7.61514770003154e-05)
    p = mad(x, p, -0.00048451134088840737)
    p = mad(x, p, -0.0007297951554944832)
    p = mad(x, p, 0.0017031331479632852)
    p = mad(x, p, 0.004888998182183594)
    p = mad(x, p, 0.0034142548221165977)
    p = mad(x, p, 0.0007257117472750813)
    p = mad(x, p, 3.235723778465029e-05)
    q = mad(x, 1.096554603248335e-07, 1.0513547700523787e-05)
    q = mad(x, q, 0.0002628942566751757)
    q = mad(x, q, 0.0024909298463916614)
    q = mad(x, q, 0.010290209573765976)
    q = mad(x, q, 0.019429991955970345)
    q = mad(x, q, 0.016482699030847706)
    q = mad(x, q, 0.005738988123477081)
    q = mad(x, q, 0.0006706925396287085)
    q = mad(x, q, 1.52587890625e-05)
    return mad(from_1 * from_2, 0.40625 + p / q, 0.0)                          # +0 at 1


cdef inline double lgamma_far(double x, double log_x) noexcept nogil:
    """log gamma(x) for x >= 4."""
    cdef double w = 1.0 / x, t = w * w, p
    p = mad(t, 0.03686739114470535, -0.018529842349409912)
    p = mad(t, p, 0.005842830219816524)
    p = mad(t, p, -0.0018988790775843355)
    p = mad(t, p, 0.0008413741438815142)
    p = mad(t, p, -0.0005952337085914222)
    p = mad(t, p, 0.0007936507676291937)
    p = mad(t, p, -0.0027777777777176055)
    p = mad(t, p, 0.08333333333333331)
    return mad(x - 0.5, log_x - 1.0, mad(w, p, 0.4189385332046727))            # (log(2 pi) - 1) / 2


cdef inline double lgamma_value(double x) noexcept nogil:
    """log|gamma(x)|; inf at 0 and the negative integers."""
    cdef double a = cmath.fabs(x), r = cmath.fabs(from_integer(a)), low, y, far, sine
    cdef double log_a = log_value(a, NULL)
    cdef bint below_1 = a < 1.0, below_4 = a < 4.0
    far = lgamma_far(4.0 if below_4 else a, log_a)
    y = 1.0 + a if below_1 else a
    y = lgamma_between(y if below_4 else 4.0, a if below_1 else a - 1.0, a - 1.0 if below_1 else a - 2.0)
    y = y if below_4 else far
    # gamma(a) gamma(-a) = -1 / (a sine); below 1, where the recurrence has an a too, they cancel.
    sine = sine_of_turns(r, &low)
    far = -log_value(sine if below_1 else a * sine, NULL) - y
    far = cmath.INFINITY if r == 0.0 else far
    y = y - (log_a if below_1 else 0.0)
    y = far if x < 0.0 else y
    y = y if a < cmath.INFINITY else cmath.INFINITY
    return y if x == x else x


# ------------------------------------------------------------------------------------------ digamma

cdef inline double digamma_between(double x, double from_zero) noexcept nogil:
    """digamma(x) for x from 1 to 4; also given is x less the zero, without what x was rounded by."""
    cdef double p, q
    p = mad(x, -8.049094958655703e-07, -4.248085114542657e-05)
    p = mad(x, p, -0.0006200555346022327)
    p = mad(x, p, -0.0031435240159673923)
    p = mad(x, p, -0.0036971799483301354)
    p = mad(x, p, 0.010800452730806693)
    p = mad(x, p, 0.02505489621471747)
    p = mad(x, p, 0.011373955540281677)
    q = mad(x, -4.909677406711547e-11, 1.0424042436990908e-06)
    q = mad(x, q, 6.096820746827145e-05)
    q = mad(x, q, 0.0010664078262695063)
    q = mad(x, q, 0.007643473048817284)
    q = mad(x, q, 0.024647410955465875)
    q = mad(x, q, 0.03463470788575362)
    q = mad(x, q, 0.01662453842904649)
    q = mad(x, q, 5.820766091346741e-11)
    return from_zero * (0.78125 + p / q)


cdef inline double digamma_far(double x, double log_x) noexcept nogil:
    """digamma(x) for x >= 4."""
    cdef double w = 1.0 / x, t = w * w, p
    p = mad(t, -2.7632461441771197, 1.317667749896685)
    p = mad(t, p, -0.3487583555569305)
    p = mad(t, p, 0.07978585893797804)
    p = mad(t, p, -0.021004729764303443)
    p = mad(t, p, 0.007574376314502456)
    p = mad(t, p, -0.00416665393289541)
    p = mad(t, p, 0.003968253907681641)
    p = mad(t, p, -0.00833333333322018)
    p = mad(t, p, 0.0833333333333333)
    return log_x - mad(t, p, 0.5 * w)


cdef inline double digamma_value(double x) noexcept nogil:
    """The derivative of log gamma(x); nan at the negative integers, and an infinity of -x's sign at 0."""
    cdef double a = cmath.fabs(x), r = from_integer(a), w = 1.0 / x, low, y, far, sine, cosine, cosine_low, p
    cdef bint below_1 = a < 1.0, below_4 = a < 4.0
    far = digamma_far(4.0 if below_4 else a, log_value(a, NULL))
    y = 1.0 + a if below_1 else a
    # The zero comes as two numbers; less 1 the first stays exact.
    y = digamma_between(y if below_4 else 4.0,
                        (a - (0.46163214496836225 if below_1 else 1.4616321449683622)) - 9.549995429965697e-17)
    y = y if below_4 else far
    # digamma(-a) is digamma(1 + a) + pi cot(pi a), and 1 + a is where a below 1 has come from.
    sine = sine_of_turns(r, &low)
    cosine = sine_of_turns(0.5 - cmath.fabs(r), &cosine_low)
    far = cosine / sine
    p = far * sine
    low = ((cosine - p) - product_error(far, sine, p) + cosine_low - far * low) / sine
    low = low if cmath.fabs(far) < 1e290 else 0.0
    far = mad(far, 3.141592653589793, mad(low, 3.141592653589793, y - (0.0 if below_1 else w)))
    far = cmath.NAN if r == 0.0 else far
    y = y - (w if below_1 else 0.0)
    y = far if x < 0.0 else y
    return y if x == x else x


# ---------------------------------------------------------------------------------------- polygamma

cdef inline double trigamma_between(double x) noexcept nogil:
    """trigamma(x) for x from 1 to 4."""
    cdef double p, q
    p = mad(x, -8.41440488193936e-05, -0.0005145384151223206)
    p = mad(x, p, -0.001149624417414953)
    p = mad(x, p, -0.00031587931608209174)
    p = mad(x, p, 0.003372691900514323)
    p = mad(x, p, 0.006874357778301899)
    p = mad(x, p, 0.0058223039385685025)
    p = mad(x, p, 0.002030508424350387)
    q = mad(x, 4.2372447862948154e-14, 0.0002692609541830214)
    q = mad(x, q, 0.0020773405050670463)
    q = mad(x, q, 0.007146148033234525)
    q = mad(x, q, 0.013552573701925372)
    q = mad(x, q, 0.014673995330015429)
    q = mad(x, q, 0.00848733243133704)
    q = mad(x, q, 0.002030510998533396)
    q = mad(x, q, -2.3283064365386963e-10)
    return (1.3125 + p / q) / x


cdef inline double trigamma_far(double x) noexcept nogil:
    """trigamma(x) for x >= 4."""
    cdef double w = 1.0 / x, t = w * w, p
    p = mad(t, 291.5396088214515, -137.64692782066686)
    p = mad(t, p, 33.49475609638737)
    p = mad(t, p, -6.212848416800843)
    p = mad(t, p, 1.1412585027119473)
    p = mad(t, p, -0.25261675002384304)
    p = mad(t, p, 0.07575132486512058)
    p = mad(t, p, -0.033333286478507106)
    p = mad(t, p, 0.02380952362664625)
    p = mad(t, p, -0.033333333333051524)
    p = mad(t, p, 0.1666666666666666)
    return mad(t, mad(w, p, 0.5), w)


cdef inline double trigamma_value(double x) noexcept nogil:
    """The second derivative of log gamma(x); inf at 0 and the negative integers."""
    cdef double a = cmath.fabs(x), r = from_integer(a), w = 1.0 / a, low, y, far, sine, cosecant, one
    cdef bint below_1 = a < 1.0, below_4 = a < 4.0
    far = trigamma_far(4.0 if below_4 else a)
    y = 1.0 + a if below_1 else a
    y = trigamma_between(y if below_4 else 4.0)
    y = y if below_4 else far
    # trigamma(-a) is (pi / sin(pi a))**2 - trigamma(1 + a).
    sine = sine_of_turns(r, &low)
    cosecant = 1.0 / sine
    one = sine * cosecant
    low = (1.0 - one) - product_error(sine, cosecant, one) - low * cosecant      # the cosecant's error
    far = cosecant * cosecant
    far = mad(far, 2.0 * low, far) if far < cmath.INFINITY else far
    far = far - (y - (0.0 if below_1 else w * w))
    far = cmath.INFINITY if r == 0.0 else far
    y = y + (w * w if below_1 else 0.0)
    y = far if x < 0.0 else y
    y = y if x > -cmath.INFINITY else cmath.NAN
    return y if x == x else x


# Beyond, polygamma(n, x) is (-1)**(n + 1) n! zeta(n + 1, x), with Hurwitz' zeta function, the sum of
# (x + k)**-(n + 1) over all k >= 0.  The Euler-Maclaurin formula sums it up: terms one by one as far as
# n needs, then an integral and corrections.  How many depends on both n and x, so this is plain scalar
# code.  Factorial and power overflow where their product does not: it is made as the exponential of a
# difference of logarithms, which are sums of two numbers, as in maths/power.pxi.

cdef struct Order:
    double n
    double factorial           # the logarithm of n!, in two numbers
    double factorial_low
    double less                # that of (n - 1)!
    double less_low

cdef double[12] BERNOULLI = [      # B(2j) / (2j)!
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05, -8.267195767195768e-07,
    2.08767569878681e-08, -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13,
    8.586062056277845e-15, -2.174868698558062e-16, 5.5090028283602295e-18, -1.3954464685812522e-19]


cdef Order order_of(double n) noexcept nogil:
    """What polygamma(n, x) needs to know of n >= 2."""
    cdef Order o
    cdef double high, low, y
    cdef int k
    o.n = n
    o.less = o.less_low = 0.0
    if n <= 200.0:
        for k in range(2, <int>n):
            high = log_sum(k, &low)
            y = o.less + high
            o.less_low += two_sum_error(o.less, high, y) + low
            o.less = y
    else:                      # Stirling's series for log gamma(n): (n - 1/2) log(n) - n + ...
        high = log_sum(n, &low)
        o.less = (n - 0.5) * high
        o.less_low = product_error(n - 0.5, high, o.less) + (n - 0.5) * low
        y = o.less - n
        o.less_low += two_sum_error(o.less, -n, y)
        o.less = y
        o.less_low += 0.9189385332046728 + (1.0 / 12.0 - 1.0 / (360.0 * n * n)) / n        # log(2 pi) / 2
    high = log_sum(n, &low)
    o.factorial = o.less + high
    o.factorial_low = o.less_low + (two_sum_error(o.less, high, o.factorial) + low)
    return o


cdef double scaled_power(double high, double low, double z, double z_low, double e) noexcept nogil:
    """exp(high + low) / (z + z_low)**e, without overflow on the way."""
    cdef double log_low, log_z = log_sum(z, &log_low), p = e * log_z, y = high - p
    log_low += z_low / z
    if y > 720.0:
        return cmath.INFINITY
    if y < -760.0:
        return 0.0
    return exp_of_sum(y, two_sum_error(high, -p, y) + (low - (product_error(e, log_z, p) + e * log_low)), 1.0)


cdef double scaled_zeta(const Order *o, double x) noexcept nogil:
    """n! zeta(n + 1, x) for x > 0."""
    cdef double n = o.n, z = x, z_low = 0.0, total = 0.0, low = 0.0, k = 0.0, term, y, w, p, rest
    cdef int j
    if x == cmath.INFINITY:
        return 0.0
    while z < 0.75 * n + 11.0:
        term = scaled_power(o.factorial, o.factorial_low, z, z_low, n + 1.0)
        y = total + term
        if y == cmath.INFINITY:
            return y
        low += two_sum_error(total, term, y)
        total = y
        if term * (1.0 + z / n) < 4e-19 * total:                # what is left is less than that
            return total + low
        k += 1.0
        z = x + k
        z_low = two_sum_error(x, k, z)
    w = 1.0 / z
    p = 1.0
    rest = 0.0
    for j in range(12):
        p *= ((n + 2 * j) * w) * ((n + 2 * j + 1) * w)
        rest += BERNOULLI[j] * p
        if p * cmath.fabs(BERNOULLI[j]) < 1e-19:
            break
    term = scaled_power(o.less, o.less_low, z, z_low, n)
    return total + (mad(term, 0.5 * n * w + rest, term) + low)


cdef double polygamma_by_order(const Order *o, double x) noexcept nogil:
    """polygamma(n, x); at 0 and the negative integers an infinity with the sign of (-1)**(n + 1)."""
    cdef double half = 0.5 * o.n, sign = -1.0 if cmath.floor(half) == half else 1.0, f, rest, right, left
    if x != x:
        return x
    if x > 0.0:
        return sign * scaled_zeta(o, x)
    f = x - cmath.floor(x)
    rest = 1.0 - f if x < -1.0 else -x
    if f == 0.0 or x == cmath.floor(x):
        return sign * cmath.INFINITY
    # The poles on both sides of x, less those that would be farther to the left than 0 is to the right.
    right = scaled_zeta(o, f)
    left = scaled_zeta(o, rest)
    if sign > 0.0:
        return right if right == cmath.INFINITY else (right - scaled_zeta(o, 1.0 - x)) + left
    if right == cmath.INFINITY and left == cmath.INFINITY:
        return -cmath.INFINITY if f < rest else cmath.INFINITY if rest < f else -scaled_zeta(o, 1.0 - x)
    return (left - right) - scaled_zeta(o, 1.0 - x)
