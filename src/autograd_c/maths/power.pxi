# Powers, Note [Elementary functions].
#
# x**y is exp(y log(x)).  y log(x) goes up to 745, and what it is off by is the relative error of the
# result: so the logarithm is made, and multiplied, as the sum of two doubles.  Without fused
# multiply-add their products take so long that C's pow is faster.

cdef enum:
    POW_BLOCK = 256


cdef inline double log_sum(double x, double *low) noexcept nogil:
    """log(x) for a finite x > 0, as the sum of two numbers: off by about 2**-65 of it.

    x is 2**k (1 + f), and log(1 + f) is 2 s + 2/3 s**3 + ... with s = f / (2 + f), as in FreeBSD's
    msun, e_log.c (Sun Microsystems, 1993).  The polynomial for the rest of that series was found with
    the Remez algorithm, and is off by 2**-73.
    """
    cdef double k, f = log_reduced_any(x, &k), d = 2.0 + f
    cdef double s, s_low, z, z_low, q, w, w_low, v, v_low, b, b_low, p, h, y
    s = f / d
    p = s * d
    s_low = ((f - p) - product_error(s, d, p) - s * (f - (d - 2.0))) / d
    z = s * s
    z_low = product_error(s, s, z) + 2.0 * s * s_low
    q = mad(z, 0.11989008952647162, 0.11674819008079161)
    q = mad(z, q, 0.13336317393765723)
    q = mad(z, q, 0.15384556871709415)
    q = mad(z, q, 0.18181818870302388)
    q = mad(z, q, 0.22222222217536594)
    q = mad(z, q, 0.2857142857144511)
    q = mad(z, q, 0.3999999999999998)
    q = z * q
    w = 0.6666666666666666 + q
    w_low = sum_error(0.6666666666666666, q, w) + 3.700743415417188e-17
    v = z * w
    v_low = product_error(z, w, v) + (z * w_low + z_low * w)
    b = s * v
    b_low = product_error(s, v, b) + (s * v_low + s_low * v)
    h = 2.0 * s + b
    b_low = sum_error(2.0 * s, b, h) + (b_low + 2.0 * s_low)
    p = k * LN2_HIGH
    y = p + h
    low[0] = sum_error(p, h, y) + (b_low + k * LN2_LOW)
    return y


cdef inline double pow_by_sums(double x, double y) noexcept nogil:
    cdef double a = cmath.fabs(x), e = cmath.fabs(y), n, high, low, r, half
    cdef double sign, large, fraction, log_low
    cdef double log_high = log_sum(a, &log_low)
    # Beyond 2**65 all is 0, 1 or infinite.
    n = cmath.copysign(3.6893488147419103e19 if e > 3.6893488147419103e19 else e, y)
    high = n * log_high
    low = product_error(n, log_high, high) + n * log_low
    low = low if cmath.fabs(high) < 800.0 else 0.0
    high = high if high < 800.0 else 800.0
    high = high if high > -800.0 else -800.0
    r = exp_of_sum(high, low, 1.0)
    # Whether y, and whether y / 2, is an integer: from 2**52 on all numbers are.
    e = e if e < 9007199254740992.0 else 9007199254740992.0
    half = 0.5 * e
    sign = 1.0 if (half + 4503599627370496.0) - 4503599627370496.0 == half else -1.0
    e = e if e < 4503599627370496.0 else 4503599627370496.0
    e = (e + 4503599627370496.0) - 4503599627370496.0 - e
    sign = sign if e == 0.0 else 1.0
    fraction = 0.0 if e == 0.0 else cmath.NAN
    sign = 1.0 if cmath.copysign(1.0, x) > 0.0 else sign
    fraction = fraction if x < 0.0 else 0.0
    r = r * sign if fraction == 0.0 else fraction
    # 0 and infinity as the base.
    large = sign * (cmath.INFINITY if cmath.copysign(1.0, y) * (a - 1.0) > 0.0 else 0.0)
    r = large if a == 0.0 else r
    r = large if a == cmath.INFINITY else r
    r = r if x == x else x
    r = r if y == y else y
    r = 1.0 if x == 1.0 else r
    return 1.0 if y == 0.0 else r


cdef void pow_run(Py_ssize_t n, double *y, const double *x, Py_ssize_t sx, const double *e,
                  Py_ssize_t se) noexcept nogil:
    """y = x**e for n elements, with the special values of C's pow; strides are 1 or 0, and y may be x or e.

    This is the only loop over powers, for compilers inline so large a function in one place and not in
    ten.  What stands still is copied, and results wait in a block, so that it is vectorised in any case.
    """
    cdef double base[POW_BLOCK]
    cdef double exponent[POW_BLOCK]
    cdef double result[POW_BLOCK]
    cdef const double *a = x
    cdef const double *b = e
    cdef Py_ssize_t m = min(n, <Py_ssize_t>POW_BLOCK), i
    if not AG_FMA:
        for i in range(n):
            y[i] = cmath.pow(x[sx * i], e[se * i])
        return
    if sx == 0:
        for i in range(m):
            base[i] = x[0]
        a = base
    if se == 0:
        for i in range(m):
            exponent[i] = e[0]
        b = exponent
    while n > 0:
        m = min(n, <Py_ssize_t>POW_BLOCK)
        for i in range(m):
            result[i] = pow_by_sums(a[i], b[i])
        memcpy(y, result, m * sizeof(double))
        y += m
        a += sx * m
        b += se * m
        n -= m


cdef double pow_value(double x, double e) noexcept nogil:
    cdef double y
    pow_run(1, &y, &x, 1, &e, 1)
    return y
