# sinh, cosh, tanh and their inverses: of |x|, then with the sign of x.

cdef inline double hyperbolic_parts(double a, double *sum, double *difference, double *r, double *r_low,
                                    double *c) noexcept nogil:
    """What sinh and cosh of a, from 0 to 710.6, are made of: a = k log(2) + r + r_low.

    sum and difference are (2**k +- 2**-k) / 4: half of what is wanted, since 2**1024 is no double.
    c = cosh(r) - 1, the result sinh(r) - r; minimax polynomials of our own, by Remez' algorithm, off by
    2**-57 and 2**-61.  So cosh(a) / 2 = sum (1 + c) + difference (r + result), and with sum and
    difference exchanged sinh(a) / 2: no division, and nothing cancels near 0, where difference is 0.
    """
    cdef double t = mad(a, LOG2_E, SHIFT), k = t - SHIFT
    cdef double high = mad(k, -LN2_HIGH, a), low = k * LN2_LOW, z, p, q, s, i
    r[0] = high - low
    r_low[0] = (high - r[0]) - low
    z = r[0] * r[0]
    p = mad(z, 2.5109021989418977e-08, 2.755724426331273e-06)
    p = mad(z, p, 0.000198412698860581)
    p = mad(z, p, 0.008333333333321665)
    p = mad(z, p, 0.16666666666666677)
    q = mad(z, 2.762533885335846e-07, 2.480150831101672e-05)
    q = mad(z, q, 0.0013888888927077563)
    q = mad(z, q, 0.041666666666603326)
    c[0] = z * mad(z, q, 0.5)
    s = power_in_bits(t, -2)
    i = 0.0 if a > 40.0 else power_in_bits(SHIFT - k, -2)
    sum[0] = s + i
    difference[0] = s - i
    return mad(z * r[0], p, r_low[0])


cdef inline double sinh_value(double x) noexcept nogil:
    """(e**x - e**-x) / 2."""
    cdef double a = cmath.fabs(x), sum, difference, r, r_low, c, d, b, y
    d = hyperbolic_parts(710.6 if a > 710.6 else a, &sum, &difference, &r, &r_low, &c)
    b = sum * r
    y = difference + b
    y += sum_error(difference, b, y) + mad(difference, c, sum * d)
    return x if a < 3.725290298461914e-09 else cmath.copysign(y + y, x)    # 2**-28


cdef inline double cosh_value(double x) noexcept nogil:
    """(e**x + e**-x) / 2."""
    cdef double a = cmath.fabs(x), sum, difference, r, r_low, c, d, b, y
    d = hyperbolic_parts(710.6 if a > 710.6 else a, &sum, &difference, &r, &r_low, &c)
    b = difference * r
    y = sum + b
    y += sum_error(sum, b, y) + mad(sum, c, difference * d)
    return y + y


cdef inline double tanh_value(double x) noexcept nogil:
    """m / (m + 2), m = e**(2 |x|) - 1 (fdlibm, s_tanh.c), corrected for what was rounded off.

    For q = m / (m + 2), 1 / (m + 2) is (1 - q) / 2: the correction needs no division.  Where what m + 2
    rounds off would no longer be a double, m above 2**54, the result is 1 to an ulp.
    """
    cdef double a = cmath.fabs(x), t, k, r, s, p, b, y, m, low, d
    a = 22.0 if a > 18.71 else a
    a += a
    t = mad(a, LOG2_E, SHIFT)
    k = t - SHIFT
    r = mad(k, -LN2_LOW, mad(k, -LN2_HIGH, a))
    s = power_in_bits(t, 0)
    p = s - 1.0
    b = s * r
    y = p + b
    low = mad(s, exp_rest(r), sum_error(p, b, y))           # |p| >= |b|, or p is 0
    m = y + low
    low = sum_error(y, low, m)
    d = m + 2.0
    y = m / d
    p = 1.0 - y
    y = mad(mad(p, low, -y * sum_error(2.0, m, d)), 0.5 * p, y)
    return cmath.copysign(y, x)


# The inverses are logarithms of 1 + a sum (fdlibm, s_asinh.c, e_acosh.c, e_atanh.c), the rounding of
# which is kept.  Beyond 2**60 a square could overflow, and asinh and acosh are log(2 x).

cdef inline double asinh_value(double x) noexcept nogil:
    """log(|x| + sqrt(x**2 + 1)), as log(1 + |x| + x**2 / (1 + sqrt(x**2 + 1)))."""
    cdef double a = cmath.fabs(x), q = a * a, y
    cdef bint large = a > 1.152921504606847e+18
    q = q / (1.0 + cmath.sqrt(1.0 + q))
    q = 0.0 if large else q
    y = a + q
    y = log1p_of_sum(y, two_sum_error(a, q, y), 1.0 if large else 0.0)
    y = y if a < cmath.INFINITY else a
    return x if a < 3.725290298461914e-09 else cmath.copysign(y, x)        # 2**-28


cdef inline double acosh_value(double x) noexcept nogil:
    """log(x + sqrt(x**2 - 1)), as log(1 + t + sqrt(t**2 + 2 t)), t = x - 1; nan below 1.

    The root makes up most of the result near 1, so its rounding is made up for by a step of Newton's.
    """
    cdef double t = x - 1.0, v, q, p, low, y
    cdef bint large = x > 1.152921504606847e+18
    v = mad(t, t, t + t)
    q = cmath.sqrt(v)
    p = q * q
    low = ((v - p) - product_error(q, q, p)) / (q + q + 1e-300)             # no 0 / 0 where x is 1
    q = 0.0 if large else q
    low = 0.0 if large else low
    y = t + q
    y = log1p_of_sum(y, two_sum_error(t, q, y) + low, 1.0 if large else 0.0)
    y = y if x < cmath.INFINITY else x
    return y if x + 0.0 >= 1.0 else cmath.NAN


cdef inline double atanh_value(double x) noexcept nogil:
    """log((1 + |x|) / (1 - |x|)) / 2, as log(1 + 2 |x| + 2 x**2 / (1 - |x|)) / 2; nan beyond 1."""
    cdef double a = cmath.fabs(x), b = a + a, q = b * a / (1.0 - a), y
    y = b + q
    y = 0.5 * log1p_of_sum(y, two_sum_error(b, q, y), 0.0)
    y = y if a < 1.0 else (cmath.INFINITY if a == 1.0 else cmath.NAN)
    return x if a < 3.725290298461914e-09 else cmath.copysign(y, x)        # 2**-28
