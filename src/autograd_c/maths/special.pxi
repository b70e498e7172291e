# The error function, its complement and the normal distribution, Note [Elementary functions].
#
# All are exp(-x**2) times the scaled complement erfc(x) exp(x**2), which varies slowly; only next to 0
# erf is a polynomial in x**2.

cdef inline double scaled_erfc(double x) noexcept nogil:
    """erfc(x) exp(x**2) for x from 0 to 28.

    After Shepherd and Laframboise, Chebyshev approximation of (1 + 2x) exp(x**2) erfc x in
    0 <= x < inf, Mathematics of Computation 36, 1981: a polynomial in (x - 4) / (x + 4) for that
    product.  Ours was found with the Remez algorithm, and is off by 2**-59; it is summed up in two halves.
    """
    cdef double t = (x - 4.0) / (x + 4.0), z = t * t, even, odd
    even = mad(z, 1.6773388985169888e-09, -1.7469815820523884e-08)
    even = mad(z, even, 7.410547078821332e-08)
    even = mad(z, even, 2.941617712383163e-07)
    even = mad(z, even, -1.122218302859632e-05)
    even = mad(z, even, 0.00015062172348901968)
    even = mad(z, even, -0.0007577732992476218)
    even = mad(z, even, -0.016197734056206985)
    even = mad(z, even, -0.0663303658123602)
    even = mad(z, even, -0.10103906603629771)
    even = mad(z, even, 0.015379652102619622)
    even = mad(z, even, 1.2329951186255526)
    odd = mad(z, 1.1981503978382215e-09, -1.4070530406257381e-08)
    odd = mad(z, odd, 1.103327485792613e-07)
    odd = mad(z, odd, -8.259662268595575e-07)
    odd = mad(z, odd, 5.7101965812394225e-06)
    odd = mad(z, odd, -2.439944213649888e-05)
    odd = mad(z, odd, -0.0001992566255585323)
    odd = mad(z, odd, 0.005031969964891477)
    odd = mad(z, odd, 0.03716751553897664)
    odd = mad(z, odd, 0.09373283499825631)
    odd = mad(z, odd, 0.06809705425469532)
    odd = mad(z, odd, -0.13962111684056253)
    return mad(t, odd, even) / (1.0 + 2.0 * x)


cdef inline double two_to(double n) noexcept nogil:
    """2**n for an integer n from -1022 to 1023."""
    return double_of(<int64_t>((<uint64_t>bits_of(shifted(n)) + 1023) << 52))


cdef inline double exp_of_sum(double high, double low, double y) noexcept nogil:
    """y exp(high + low), for a sum between -1000 and 1000.

    The polynomial was found with the Remez algorithm.  2**n is multiplied in two steps, since the
    result may be subnormal.
    """
    cdef double n = rounded(high * 1.4426950408889634), r, p, half
    # ln 2 in two numbers as in FreeBSD's msun, e_exp.c: n times the first is exact.
    r = mad(-n, 6.93147180369123816490e-01, high) + mad(-n, 1.90821492927058770002e-10, low)
    p = mad(r, 2.5000351699859863e-08, 2.7630287407759595e-07)
    p = mad(r, p, 2.7557585914004994e-06)
    p = mad(r, p, 2.4801493002180307e-05)
    p = mad(r, p, 0.00019841269506467226)
    p = mad(r, p, 0.0013888888943708265)
    p = mad(r, p, 0.008333333333494881)
    p = mad(r, p, 0.04166666666652994)
    p = mad(r, p, 0.1666666666666641)
    p = mad(r, p, 0.5000000000000011)
    p = 1.0 + mad(r * r, p, r)
    half = rounded(0.5 * n)
    return y * p * two_to(half) * two_to(n - half)


cdef inline double exp_of_square(double x, double f, double y) noexcept nogil:
    """y exp(f x**2) for an f that is minus a power of 2; the square's error would be 50 ulp of it at x = 26."""
    cdef double h = x * x
    return exp_of_sum(f * h, f * product_error(x, x, h), y)


cdef inline double near_erf(double x) noexcept nogil:
    """erf(x) for |x| < 3/4: a polynomial that was found with the Remez algorithm, off by 2**-60."""
    cdef double z = x * x, p
    p = mad(z, 1.1463255090998478e-08, -1.593746556059273e-07)
    p = mad(z, p, 1.6430372976899709e-06)
    p = mad(z, p, -1.4924175684380404e-05)
    p = mad(z, p, 0.00012055288741380774)
    p = mad(z, p, -0.0008548326168261666)
    p = mad(z, p, 0.00522397761511069)
    p = mad(z, p, -0.026866170644401558)
    p = mad(z, p, 0.11283791670952477)
    p = mad(z, p, -0.37612638903183715)
    return x + x * mad(z, p, 0.1283791670955126)


cdef inline double far_erfc(double x) noexcept nogil:
    """erfc(|x|)"""
    cdef double m = cmath.fabs(x)
    m = 28.0 if m > 28.0 else m                  # already 0
    return exp_of_square(m, -1.0, scaled_erfc(m))


cdef inline double erf_value(double x) noexcept nogil:
    return near_erf(x) if cmath.fabs(x) < 0.75 else cmath.copysign(1.0 - far_erfc(x), x)


cdef inline double erfc_value(double x) noexcept nogil:
    cdef double y = far_erfc(x)
    y = 2.0 - y if x < 0.0 else y
    return 1.0 - near_erf(x) if cmath.fabs(x) < 0.5 else y


cdef inline double normal_cdf(double x) noexcept nogil:
    """P(X <= x) for a standard normal X: erfc(-x / sqrt(2)) / 2, but the square is that of x itself."""
    cdef double m = cmath.fabs(x), y
    m = 39.5 if m > 39.5 else m                  # already 0
    y = exp_of_square(m, -0.5, 0.5 * scaled_erfc(m * 0.7071067811865476))
    y = 1.0 - y if x > 0.0 else y
    return 0.5 + 0.5 * near_erf(x * 0.7071067811865476) if cmath.fabs(x) < 0.75 else y
