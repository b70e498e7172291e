# Sine, cosine, tangent and their inverses, Note [Elementary functions].
#
# An angle is reduced by a multiple of pi/2 that is written as three numbers.  That holds up to
# ANGLE_LIMIT: beyond, `far_angle` does it in integers, Note [Near arguments].  Where each angle is
# looked at, one alone is also saved the work that it does not need.

cdef extern from *:
    """
    /* 2/pi in digits of 32 bits; before it two that are 0, so that every far angle begins in here. */
    static const uint32_t ag_two_over_pi[] = {
        0, 0, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041,
        0xFE5163AB, 0xDEBBC561, 0xB7246E3A, 0x424DD2E0, 0x06492EEA, 0x09D1921C, 0xFE1DEB1C, 0xB129A73E,
        0xE88235F5, 0x2EBB4484, 0xE99C7026, 0xB45F7E41, 0x3991D639, 0x835339F4, 0x9C845F8B, 0xBDF9283B,
        0x1FF897FF, 0xDE05980F, 0xEF2F118B, 0x5A0A6D1F, 0x6D367ECF, 0x27CB09B7, 0x4F463F66, 0x9E5FEA2D,
        0x7527BAC7, 0xEBE5F17B, 0x3D0739F7, 0x8A5292EA, 0x6BFB5FB1, 0x1F8D5D08, 0x56033046, 0xFC7B6BAB,
    };
    """
    const uint32_t *TWO_OVER_PI "ag_two_over_pi"

cdef enum:
    ANGLE_LIMIT = 1 << 20      # of near angles
    DIGITS = 7                 # of 2/pi that are multiplied: 190 bits after the binary point or more

cdef struct Angle:
    double r                   # x less the multiple of pi/2, in [-pi/4, pi/4]
    double less                # what is to be taken off r still
    int64_t quarter            # the last bits are those of the multiple


cdef inline bint is_far(double x) noexcept nogil:
    """Whether an angle is beyond what `reduced_angle` takes; not for a nan."""
    return cmath.fabs(x) > ANGLE_LIMIT


cdef inline int64_t angle_room(double x) noexcept nogil:
    """Negative for a far angle, Note [Near arguments]."""
    return bits_of(ANGLE_LIMIT - cmath.fabs(x))


cdef inline Angle reduced_angle(double x) noexcept nogil:
    """A near angle less the nearest multiple n of pi/2.

    After Cody and Waite, Software Manual for the Elementary Functions, 1980: pi/2 is P1 + P2 + P3, of
    53, 32 and 53 bits.  n P1 comes off x without rounding: both are multiples of 2**-53, and the
    difference is below 1.  n P2 has less than 53 bits, and comes off either without rounding or from
    something larger, so that (r - t) + n P2 is the error.  In all pi/2 is right to 2**-138, and the
    nearest that a near double comes to a multiple is 2**-60.

    -0 stays -0: everything is arranged to subtract +0 from it.
    """
    cdef Angle a
    cdef double k = mad(x, 0.6366197723675814, 6755399441055744.0), n = k - 6755399441055744.0, t
    t = mad(-n, 1.5707963267948966, x) if AG_FMA else (x - n * 1.5707963267341256) - n * 6.077094383272197e-11
    a.r = mad(-n, 6.12323399409214e-17, t)
    a.less = mad(n, 1.6446256936324258e-26, mad(n, 6.12323399409214e-17, a.r - t))
    a.quarter = bits_of(k)
    return a


cdef inline uint64_t bits_from(const uint64_t *digits, int start) noexcept nogil:
    """64 bits of a number that is written in digits of 32, the lowest first."""
    cdef int d = start >> 5, shift = start & 31
    cdef uint64_t low = digits[d] | digits[d + 1] << 32
    return low >> shift | digits[d + 2] << 1 << (63 - shift) if shift else low


cdef Angle far_angle(double x) noexcept nogil:
    """An angle of any size less the nearest multiple of pi/2; nan for an infinity.

    M. H. Payne and R. N. Hanek, Radian reduction for trigonometric functions, SIGNUM Newsletter 18, 1983:
    x is an integer times a power of 2, and of its product with 2/pi only the digits are computed that
    are neither multiples of 4 nor too small to matter.  No double is nearer to a multiple of pi/2 than
    2**-62, so 128 bits after the point leave 66.
    """
    cdef uint64_t product[DIGITS + 2]
    cdef uint64_t m, part, carry, high, low
    cdef int64_t sign = 1
    cdef int e = <int>(<uint64_t>bits_of(x) >> 52 & 2047) - 1011, point, zeros = 0, half, k
    cdef const uint32_t *digits
    cdef double a, b, hi, lo, scale
    cdef Angle angle
    if e == 1036:
        angle.r = x - x
        angle.less = 0.0
        angle.quarter = 0
        return angle
    m = <uint64_t>bits_of(x) << 12 >> 12 | <uint64_t>1 << 52       # |x| is m 2**(e - 64)
    digits = TWO_OVER_PI + ((e - 2) >> 5)
    for k in range(DIGITS + 2):
        product[k] = 0
    for half in range(2):
        carry = 0
        for k in range(DIGITS):
            part = <uint64_t>digits[DIGITS - 1 - k] * <uint32_t>(m >> 32 * half) + product[k + half] + carry
            product[k + half] = <uint32_t>part
            carry = part >> 32
        product[DIGITS + half] = carry
    point = 32 * DIGITS - 2 - (e - 2) % 32         # the last bit of the integral part
    angle.quarter = <int64_t>(bits_from(product, point) & 3)
    high = bits_from(product, point - 64)
    low = bits_from(product, point - 128)
    if high >> 63:                                 # the next multiple is nearer
        angle.quarter += 1
        sign = -1
        low = ~low + 1
        high = ~high + (low == 0)
    while not high >> 63:
        high = high << 1 | low >> 63
        low <<= 1
        zeros += 1
    a = <double>(high >> 11)                       # the first 53 bits, and the next
    b = <double>((high & 2047) << 42 | low >> 22) * 1.1102230246251565e-16
    hi = a * 1.5707963267948966
    lo = product_error(a, 1.5707963267948966, hi) + (a * 6.123233995736766e-17 + b * 1.5707963267948966)
    scale = cmath.copysign(power_of_2(-53 - zeros), x) * sign
    angle.r = hi + lo
    angle.less = (angle.r - hi) - lo
    angle.r *= scale
    angle.less *= scale
    if x < 0.0:
        angle.quarter = -angle.quarter
    return angle


# On [-pi/4, pi/4] sin and cos are the polynomials of FreeBSD's msun, k_sin.c and k_cos.c (Sun
# Microsystems, 1993), off by 2**-58.  `less` goes in to first order, as in k_cos.c.  Each is a large part
# minus a small one, which the callers put together.

cdef inline double sine_less(double r, double less) noexcept nogil:
    """r - sin(r - less); cos(r) times `less` would be right, and is within a sixth of an ulp of it."""
    cdef double z = r * r, zz = z * z
    cdef double p = mad(z, -1.58969099521155010221e-10, 2.50507602534068634195e-08)
    p = mad(zz, p, mad(z, -2.75573137070700676789e-06, 1.98412698298579493134e-04))
    p = mad(zz, p, mad(z, -8.33333333332248946124e-03, 1.66666666666666324348e-01))
    return mad(z * r, p, less)


cdef inline double cosine_less(double r, double less, double w) noexcept nogil:
    """w - cos(r - less), where w is 1 - r*r/2 rounded."""
    cdef double z = r * r, zz = z * z
    cdef double p = mad(z, 1.13596475577881948265e-11, -2.08757232129817482790e-09)
    p = mad(zz, p, mad(z, 2.75573143513906633035e-07, -2.48015872894767294178e-05))
    p = mad(zz, p, mad(z, 1.38888888888741095749e-03, -4.16666666666666019037e-02))
    return mad(zz, p, mad(-r, less, mad(0.5, z, w - 1.0)))


cdef inline int64_t chosen_bits(int64_t q, double odd, double even) noexcept nogil:
    """The bits of one or the other.  The baseline has no 64-bit compare: an `if` would not be vectorised."""
    return bits_of(even) ^ ((bits_of(even) ^ bits_of(odd)) & -(q & 1))


cdef inline double sine_of_near(double x, int64_t quarters) noexcept nogil:
    """sin(x + quarters pi/2) of a near angle: both polynomials, and the right one chosen."""
    cdef Angle a = reduced_angle(x)
    cdef int64_t q = a.quarter + quarters
    cdef double w = mad(-0.5, a.r * a.r, 1.0)
    cdef int64_t y = chosen_bits(q, w - cosine_less(a.r, a.less, w), a.r - sine_less(a.r, a.less))
    return double_of(y ^ <int64_t>(<uint64_t>q << 62) & bits_of(-0.0))


cdef double sine_alone(double x, int64_t quarters) noexcept nogil:
    """The same of any angle, with branches instead: nobody waits for a step that it does without."""
    cdef Angle a
    cdef int64_t q
    cdef double w, y
    if cmath.fabs(x) < 0.785:      # below pi/4 there is nothing to take off
        a.r = x
        a.less = 0.0
        a.quarter = 0
    elif is_far(x):
        a = far_angle(x)
    else:
        a = reduced_angle(x)
    q = a.quarter + quarters
    if q & 1:
        w = mad(-0.5, a.r * a.r, 1.0)
        y = w - cosine_less(a.r, a.less, w)
    else:
        y = a.r - sine_less(a.r, a.less)
    return -y if q & 2 else y


cdef inline double sin_value(double x, const double *c) noexcept nogil:
    """sin(x); see Note [Near arguments] for c."""
    return sine_of_near(x, 0) if c == NEAR else sine_alone(x, 0)


cdef inline double cos_value(double x, const double *c) noexcept nogil:
    """cos(x); see Note [Near arguments] for c."""
    return sine_of_near(x, 1) if c == NEAR else sine_alone(x, 1)


cdef inline double tan_value(double x, const double *c) noexcept nogil:
    """tan(x), a quotient of sine and cosine with what each was rounded by; see Note [Near arguments] for c."""
    cdef Angle a = far_angle(x) if c != NEAR and is_far(x) else reduced_angle(x)
    cdef double w, above, below, above_less, below_less, s, s_less, k, k_less, y
    w = mad(-0.5, a.r * a.r, 1.0)
    s_less = sine_less(a.r, a.less)
    s = a.r - s_less
    s_less = s_less - (a.r - s)
    k_less = cosine_less(a.r, a.less, w)
    k = w - k_less
    k_less = k_less - (w - k)
    above = double_of(chosen_bits(a.quarter, k, s))
    above_less = double_of(chosen_bits(a.quarter, k_less, s_less))
    below = double_of(chosen_bits(a.quarter, s, k))
    below_less = double_of(chosen_bits(a.quarter, s_less, k_less))
    y = above / below
    y = y - mad(-y, below_less, above_less) / below
    return double_of(bits_of(y) ^ <int64_t>(<uint64_t>a.quarter << 63))


# ------------------------------------------------------------------------------------ asin and acos
# Up to 1/2 a polynomial, found with the Remez algorithm, off by 2**-59.  Beyond, asin(x) is
# pi/2 - 2 asin(s), s = sqrt((1 - x) / 2), and f + c is s to twice the precision, as in FreeBSD's msun,
# e_asin.c and e_acos.c (Sun Microsystems, 1993).

cdef struct Arc:
    bint large                 # whether x is beyond 1/2
    double f                   # s, but for its last 32 bits
    double e                   # asin(s) - f, for s = |x| or of the other angle


cdef inline Arc arc_of(double x) noexcept nogil:
    cdef Arc a
    cdef double m = cmath.fabs(x), z, s, p
    a.large = m > 0.5
    z = 0.5 - 0.5 * m if a.large else m * m
    s = cmath.sqrt(z) if a.large else m
    p = mad(z, 0.03270177636594555, -0.021116121947321428)
    p = mad(z, p, 0.021790238372651222)
    p = mad(z, p, 0.0036723478854707356)
    p = mad(z, p, 0.010789279293751735)
    p = mad(z, p, 0.01139730033780041)
    p = mad(z, p, 0.01398101765694014)
    p = mad(z, p, 0.017351595573765016)
    p = mad(z, p, 0.022372215901655508)
    p = mad(z, p, 0.030381942675442284)
    p = mad(z, p, 0.04464285717528223)
    p = mad(z, p, 0.07499999999970103)
    p = s * z * mad(z, p, 0.16666666666666763)
    a.f = double_of(<int64_t>(<uint64_t>bits_of(s) >> 32 << 32)) if a.large else s
    # The sum is never 0 because of its last term.
    a.e = mad(-a.f, a.f, z) / (s + a.f + 1e-300) + p if a.large else p
    return a


cdef inline double asin_value(double x) noexcept nogil:
    cdef Arc a = arc_of(x)
    cdef double large = 0.7853981633974483 - ((2.0 * a.e - 6.123233995736766e-17) - (0.7853981633974483 - 2.0 * a.f))
    return cmath.copysign(large if a.large else a.f + a.e, x)


cdef inline double acos_value(double x) noexcept nogil:
    cdef Arc a = arc_of(x)
    cdef double small = 1.5707963267948966 - (x - (6.123233995736766e-17 - cmath.copysign(a.e, x)))
    cdef double low = 2.0 * (a.f + a.e)
    cdef double high = 3.141592653589793 - 2.0 * (a.f + (a.e - 6.123233995736766e-17))
    return (low if x > 0.0 else high) if a.large else small


# ----------------------------------------------------------------------------------- atan and atan2
# atan(v) is k pi/4 + atan(t) with |t| up to tan(pi/8), as in Moshier's Cephes, atan.c (1984); the
# polynomial was found with the Remez algorithm, and is off by 2**-59.

cdef inline double eighths(double k, double t) noexcept nogil:
    """k pi/4 + atan(t), for k from 0 to 4; pi/4 is two numbers, the first of 51 bits."""
    cdef double z = t * t, p, high = k * 0.7853981633974483, sum
    p = mad(z, -0.017921745864551544, 0.038077850602618875)
    p = mad(z, p, -0.05039827711673976)
    p = mad(z, p, 0.05848005137627678)
    p = mad(z, p, -0.06663119890243613)
    p = mad(z, p, 0.0769206159614194)
    p = mad(z, p, -0.09090897834295399)
    p = mad(z, p, 0.1111111078606861)
    p = mad(z, p, -0.1428571428024725)
    p = mad(z, p, 0.1999999999995407)
    p = mad(z, p, -0.333333333333332)
    sum = high + t
    return sum + (sum_error(high, t, sum) + mad(t * z, p, k * 3.061616997868383e-17))


cdef inline double atan_value(double x) noexcept nogil:
    cdef double m = cmath.fabs(x)
    cdef bint steep = m > 2.414213562373095, mid = m > 0.41421356237309503
    cdef double above = -1.0 if steep else m - 1.0 if mid else m
    cdef double below = m if steep else m + 1.0 if mid else 1.0
    cdef double k = 2.0 if steep else 1.0 if mid else 0.0
    return cmath.copysign(eighths(k, above / below), x)


cdef inline double atan2_value(double a, double b) noexcept nogil:
    """The angle of the point (b, a): that of the larger coordinate over the smaller, reflected.

    The reflections are products with 1 or -1.  Chosen with `if`, the compiler would follow each way
    to its end, and have a loop with branches.
    """
    cdef double y = cmath.fabs(a), x = cmath.fabs(b), small, large, k, t, scale
    cdef double steep = cmath.copysign(1.0, x - y), left = cmath.copysign(1.0, b)
    small = y if y < x else x
    large = x if y < x else y
    # By 2**-100 or 2**100: no sum overflows, and the quotient is compared without a loss.
    scale = 7.888609052210118e-31 if large > 1e300 else 1.2676506002282294e30 if large < 1e-290 else 1.0
    small = small * scale
    large = large * scale
    k = 1.0 if small >= 0.41421356237309503 * large + 5e-324 else 0.0    # two infinities too, but no two zeros
    t = (small - k * large) / (large + k * small)
    t = 0.0 if t != t else t
    k = (1.0 - steep) + steep * k
    k = 2.0 * (1.0 - left) + left * k
    t = cmath.copysign(eighths(k, steep * left * t), a)
    t = t if a == a else a
    return t if b == b else b
