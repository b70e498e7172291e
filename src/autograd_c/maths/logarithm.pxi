# log, log2, log10, log1p, and log(1 + e**-a), of which softplus and logsigmoid are made.
#
# After fdlibm (Sun Microsystems, 1993, e_log.c and s_log1p.c) and, for log2 and log10, FreeBSD's
# e_log2.c and e_log10.c: x = 2**k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and with
# s = f / (2 + f), log(1 + f) = 2 s + s**3 R(s**2) = f - f**2 / 2 + s (f**2 / 2 + s**2 R(s**2)).
# R is a minimax polynomial of our own, by Remez' algorithm, off by 2**-58.

cdef extern from *:
    """
    #define AG_ONE_BITS ((uint64_t)0x3ff0000000000000)
    #define AG_SQRT_HALF_BITS ((uint64_t)0x3fe6a09e667f3bcd)
    #define AG_MANTISSA ((uint64_t)0xfffffffffffff)
    #define AG_2_52_BITS ((uint64_t)0x4330000000000000)
    #define AG_HIGH_HALF ((uint64_t)0xffffffff00000000)
    #define AG_SMALLEST_BITS ((uint64_t)0x0010000000000000)     /* 2**-1022, and the number of doubles from there on */
    #define AG_NORMALS ((uint64_t)0x7fe0000000000000)
    """
    const uint64_t ONE_BITS "AG_ONE_BITS"
    const uint64_t SQRT_HALF_BITS "AG_SQRT_HALF_BITS"
    const uint64_t MANTISSA "AG_MANTISSA"
    const uint64_t POWER_52_BITS "AG_2_52_BITS"
    const uint64_t HIGH_HALF "AG_HIGH_HALF"
    const uint64_t SMALLEST_BITS "AG_SMALLEST_BITS"
    const uint64_t NORMALS "AG_NORMALS"


cdef inline double log_rest(double f, double *half_square) noexcept nogil:
    """log(1 + f) - f + f**2 / 2, and f**2 / 2."""
    cdef double s = f / (2.0 + f), z = s * s
    cdef double q = mad(z, 0.14795058125816532, 0.15314186293758336)
    q = mad(z, q, 0.18183556868650455)
    q = mad(z, q, 0.22222198767389253)
    q = mad(z, q, 0.2857142873985685)
    q = mad(z, q, 0.3999999999943008)
    q = mad(z, q, 0.6666666666666731)
    half_square[0] = 0.5 * f * f
    return s * (half_square[0] + z * q)


cdef inline double log_reduced(double x, double *k) noexcept nogil:
    """f and k, such that x = 2**k (1 + f), of a positive normal number."""
    cdef uint64_t u = <uint64_t>bits_of(x) + (ONE_BITS - SQRT_HALF_BITS)
    # As the last bits of 2**52 an integer is a double without a conversion.
    k[0] = double_of((u >> 52) | POWER_52_BITS) - 4503599627371519.0       # 2**52 + 1023
    return double_of((u & MANTISSA) + SQRT_HALF_BITS) - 1.0


cdef inline double log_reduced_any(double x, double *k) noexcept nogil:
    """The same for subnormal numbers too."""
    cdef bint subnormal = x < 2.2250738585072014e-308
    cdef double f = log_reduced(x * (18014398509481984.0 if subnormal else 1.0), k)      # 2**54
    k[0] -= 54.0 if subnormal else 0.0
    return f


cdef inline double log_joined(double k, double f) noexcept nogil:
    """log(2**k (1 + f))."""
    cdef double h
    cdef double t = log_rest(f, &h)
    return k * LN2_HIGH - ((h - (t + k * LN2_LOW)) - f)


cdef inline double log_ends(double x, double y) noexcept nogil:
    """y, but for a logarithm's values where x is not positive and finite."""
    y = y if x < cmath.INFINITY else x
    x = x + 0.0                                # as in `within`
    return y if x > 0.0 else (-cmath.INFINITY if x == 0.0 else cmath.NAN)


cdef inline int64_t log_room(double x) noexcept nogil:
    """Negative for all but positive normal numbers, Note [Near arguments]."""
    cdef uint64_t u = <uint64_t>bits_of(x) - SMALLEST_BITS
    return <int64_t>(u | (NORMALS - 1 - u))


cdef inline double log_value(double x, const double *c) noexcept nogil:
    """The natural logarithm; see Note [Near arguments] for c."""
    cdef double k, f
    if c == NEAR:
        f = log_reduced(x, &k)
        return log_joined(k, f)
    f = log_reduced_any(x, &k)
    return log_ends(x, log_joined(k, f))


cdef inline double log_to_base(double x, double unit_high, double unit_low, double two_high,
                               double two_low, const double *c) noexcept nogil:
    """A logarithm whose unit, that of e, and that of 2 come in two parts; with two_high k is exact.

    log(1 + f) is taken apart too, its first part cut to 32 bits or less, so that the large products
    are exact.
    """
    cdef double k, f, h, t, high, low, y, a
    f = log_reduced(x, &k) if c == NEAR else log_reduced_any(x, &k)
    t = log_rest(f, &h)
    high = double_of(<uint64_t>bits_of(f - h) & HIGH_HALF)
    low = ((f - high) - h) + t
    t = mad(low + high, unit_low, low * unit_high) + k * two_low
    high *= unit_high
    a = k * two_high
    y = a + high
    y += t + two_sum_error(a, high, y)
    return y if c == NEAR else log_ends(x, y)


cdef inline double log2_value(double x, const double *c) noexcept nogil:
    """The logarithm to base 2, exact for its powers; see Note [Near arguments] for c."""
    return log_to_base(x, 1.4426950407214463, 1.6751713164886512e-10, 1.0, 0.0, c)


cdef inline double log10_value(double x, const double *c) noexcept nogil:
    """The logarithm to base 10; see Note [Near arguments] for c."""
    return log_to_base(x, 0.4342944818781689, 2.5082946711645275e-11, 0.30102999566361177, 3.694239077158931e-13,
                       c)


cdef inline double log1p_of_sum(double x, double low, double more) noexcept nogil:
    """log(1 + x + low) + more log(2), for x > -1.

    What 1 + x has rounded off goes, divided by 2**k, into f; where k is 0 that makes f = x.
    """
    cdef double k, scale
    cdef double u = 1.0 + x, error = two_sum_error(1.0, x, u) + low
    cdef double f = log_reduced(u, &k)
    # 2**-k; beyond 2**60 there is nothing to scale.
    scale = 0.0 if x > 1.152921504606847e+18 else power_in_bits(SHIFT - k, 0)
    return log_joined(k + more, f + error * scale)


cdef inline double log1p_value(double x) noexcept nogil:
    """log(1 + x)."""
    cdef double y = log1p_of_sum(x, 0.0, 0.0)
    y = y if x < cmath.INFINITY else x
    y = y if x + 0.0 > -1.0 else (-cmath.INFINITY if x == -1.0 else cmath.NAN)
    return x if cmath.fabs(x) < 5.551115123125783e-17 else y               # 2**-54


cdef inline double log1p_exp_minus(double a) noexcept nogil:
    """log(1 + e**-a) for a >= 0."""
    cdef double low, first, second, u, f
    cdef double e = exp_of_minus(a, &low, &first, &second) * first * second
    cdef bint upper
    u = 1.0 + e
    f = u - 1.0 + sum_error(1.0, e, u)
    upper = u > 1.4142135623730951
    f = (0.5 * u - 1.0) + 0.5 * sum_error(1.0, e, u) if upper else f
    u = log_joined(1.0 if upper else 0.0, f)
    return e if e < 5.551115123125783e-17 else u                           # 2**-54


cdef inline double logsigmoid_value(double x) noexcept nogil:
    """log(1 / (1 + e**-x))."""
    return (x if x < 0.0 else 0.0) - log1p_exp_minus(cmath.fabs(x))


cdef inline double softplus_value(double x) noexcept nogil:
    """log(1 + e**x)."""
    return (x if x > 0.0 else 0.0) + log1p_exp_minus(cmath.fabs(x))
