# exp and what is made of it: exp2, expm1, sigmoid, silu.
#
# All reduce the argument as Cody and Waite do (Software Manual for the Elementary Functions, 1980,
# chapter 6): exp(x) = 2**k exp(r) with |r| <= log(2) / 2, k a rounded x / log(2), and log(2) in two
# parts, the first of which has so few bits that k times it is exact.  The polynomial is a minimax
# one of our own, by Remez' algorithm: 1 + r + r**2 / 2 + r**3 q(r), off by 2**-57.
#
# k comes as `shifted(k)`, for its bits are k and no conversion to an integer is needed; some levels
# have no vector instruction for that.

cdef extern from *:
    """
    #define AG_LOG2_E 1.4426950408889634
    #define AG_LN2_HIGH 0.6931471805598903       /* 42 bits */
    #define AG_LN2_LOW 5.497923018708371e-14
    #define AG_SHIFT 6755399441055744.0          /* 1.5 * 2**52, and its bits */
    #define AG_SHIFT_BITS ((uint64_t)0x4338000000000000)
    """
    const double LOG2_E "AG_LOG2_E"
    const double LN2_HIGH "AG_LN2_HIGH"
    const double LN2_LOW "AG_LN2_LOW"
    const double SHIFT "AG_SHIFT"
    const uint64_t SHIFT_BITS "AG_SHIFT_BITS"


cdef inline double exp_rest(double r) noexcept nogil:
    """exp(r) - 1 - r for |r| <= log(2) / 2."""
    cdef double z = r * r
    cdef double q = mad(z, 2.7624881494962387e-07, 2.4801509545234747e-05), p
    q = mad(z, q, 0.001388888892600905)
    q = mad(z, q, 0.041666666666606254)
    q = mad(z, q, 0.5)
    p = mad(z, 2.5114510198493188e-08, 2.7557228141947296e-06)
    p = mad(z, p, 0.00019841269902303149)
    p = mad(z, p, 0.008333333333315306)
    p = mad(z, p, 0.16666666666666685)
    q = mad(r, p, q)
    return z * q


cdef inline double exp_reduced(double x, double *t, double *rest) noexcept nogil:
    """r, `shifted(k)` and rest, such that exp(x) = 2**k (1 + r + rest), to 2**-57."""
    cdef double k, high, low, r
    t[0] = mad(x, LOG2_E, SHIFT)
    k = t[0] - SHIFT
    high = mad(k, -LN2_HIGH, x)
    low = k * LN2_LOW
    r = high - low
    rest[0] = exp_rest(r) + ((high - r) - low)
    return r


cdef inline double power_in_bits(double t, int64_t more) noexcept nogil:
    """2**(k + more), where t is `shifted(k)`; that must be a normal number."""
    return double_of((<uint64_t>bits_of(t) - SHIFT_BITS + <uint64_t>(1023 + more)) << 52)


cdef inline double half_power(double t, double *other) noexcept nogil:
    """Two factors of 2**k, |k| < 2046, where t is `shifted(k)`.

    A product with one and then the other is rounded once, where the result is subnormal.
    """
    cdef uint64_t n = <uint64_t>bits_of(t) - SHIFT_BITS + 2046, h = n >> 1
    other[0] = double_of((n - h) << 52)
    return double_of(h << 52)


cdef inline double within(double x, double low, double high) noexcept nogil:
    """x or the bound beyond which it is; a nan stays."""
    # Without the sum, which does nothing, gcc makes one choice of three, at thrice the price.
    x = (high if x > high else x) + 0.0
    return low if x < low else x


cdef inline int64_t exp_room(double x) noexcept nogil:
    """Negative where e**x or 2**k is not normal, Note [Near arguments]; not for a nan."""
    return bits_of(708.0 - cmath.fabs(x))


cdef inline double exp_value(double x, const double *c) noexcept nogil:
    """e**x; see Note [Near arguments] for c."""
    cdef double k, r, t, y, first, second
    if c != NEAR:
        x = within(x, -746.0, 710.0)
    t = mad(x, LOG2_E, SHIFT)
    k = t - SHIFT
    r = mad(k, -LN2_LOW, mad(k, -LN2_HIGH, x))
    y = 1.0 + r
    y += sum_error(1.0, r, y) + exp_rest(r)
    if c == NEAR:
        return y * power_in_bits(t, 0)
    first = half_power(t, &second)
    return y * first * second


cdef inline double exp2_value(double x) noexcept nogil:
    """2**x, exact for integers."""
    cdef double r, t, first, second
    x = within(x, -1076.0, 1025.0)
    t = shifted(x)
    r = (x - (t - SHIFT)) * 0.6931471805599453
    first = half_power(t, &second)
    return (1.0 + (r + exp_rest(r))) * first * second


cdef inline double expm1_value(double x) noexcept nogil:
    """e**x - 1: with s = 2**k, the sum of s - 1, s r and s rest, the first two added without loss.

    All is halved until the end, since 2**1024 is no double.
    """
    cdef double t, rest, r, s, a, b, y
    r = exp_reduced(within(x, -40.0, 710.0), &t, &rest)
    s = power_in_bits(t, -1)
    a = s - 0.5
    b = s * r
    y = a + b
    y += two_sum_error(a, b, y) + s * rest
    return x if cmath.fabs(x) < 5.551115123125783e-17 else y + y           # 2**-54


cdef inline double exp_of_minus(double a, double *low, double *first, double *second) noexcept nogil:
    """e**-a for a >= 0 as (result + low) * first * second, the result in [0.7, 1.5]."""
    cdef double t, rest, r, y, s
    r = exp_reduced(-(800.0 if a > 800.0 else a), &t, &rest)
    y = 1.0 + r
    rest += sum_error(1.0, r, y)
    s = y + rest
    low[0] = sum_error(y, rest, s)
    first[0] = half_power(t, second)
    return s


# 1 / (1 + e**-x) is made of e = e**-|x|, which cannot overflow: with d = 1 + e it is 1 / d or e / d.
# What d rounds off is made up for, to first order.  That needs 1 / d, and no division: it is q, or
# 1 - q.

cdef inline double sigmoid_value(double x) noexcept nogil:
    """1 / (1 + e**-x)."""
    cdef double e_low, first, second, e, d, q
    e = exp_of_minus(cmath.fabs(x), &e_low, &first, &second) * first * second
    d = 1.0 + e
    q = (e if x < 0.0 else 1.0) / d
    return q - q * sum_error(1.0, e, d) * (1.0 - q if x < 0.0 else q)


cdef inline double silu_value(double x) noexcept nogil:
    """x / (1 + e**-x); nan for -inf, as the formula has it.

    The powers of 2 come last, for the result is a larger number than e, and what e and the product
    with x round off is made up for too.
    """
    cdef double e, e_low, e_all, first, second, d, low, q, y, z
    cdef bint negative = x < 0.0
    e = exp_of_minus(cmath.fabs(x), &e_low, &first, &second)
    e_all = e * first * second
    d = 1.0 + e_all
    low = sum_error(1.0, e_all, d) + e_low * first * second
    q = (e if negative else 1.0) / d
    first = first if negative else 1.0
    second = second if negative else 1.0
    low = ((e_low if negative else 0.0) - q * low) * (1.0 - q * first * second if negative else q)
    z = mad(0.0, x, -800.0) if x < -800.0 else x
    y = z * q
    y += product_error(z, q, y) + z * low
    return x if x > 40.0 else cmath.copysign(y * first * second, x)
