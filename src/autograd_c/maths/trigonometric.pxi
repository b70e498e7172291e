# Sine and cosine, Note [Elementary functions].
#
# Note [Near and far angles]
# An angle is reduced by a multiple of pi/2 that is written as three numbers.  That holds up to LIMIT:
# beyond, C's own function is taken.  Loops should not ask for each element, so those of loops.pxi
# (`map1_near`) ask once for a block, and pass the address NEAR for `c` where all of it is near.
# Inlined into the loop, `c == NEAR` is true when the compiler reads it: the call is gone, and what
# is left is vectorised.  Everywhere else c is something else, and each angle is looked at.

cdef enum:
    LIMIT = 1 << 20            # of near angles

cdef double NEAR[1]            # the address is all that matters

cdef struct Angle:
    double r                   # x less the multiple of pi/2, in [-pi/4, pi/4]
    double less                # what is to be taken off r still
    int64_t quarter            # the last bits are those of the multiple


cdef inline bint is_far(double x) noexcept nogil:
    """Whether C's own function is to be called; not for a nan."""
    return cmath.fabs(x) > LIMIT


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


# On [-pi/4, pi/4] sin and cos are the polynomials of FreeBSD's msun, k_sin.c and k_cos.c (Sun
# Microsystems, 1993), off by 2**-58.  `less` goes in to first order, as in k_cos.c.  Each is a large part
# minus a small one, which the callers put together.

cdef inline double sine_less(double r, double less) noexcept nogil:
    """r - sin(r - less); cos(r) times `less` would be right, and is within a sixth of an ulp of it."""
    cdef double z = r * r
    cdef double p = mad(z, -1.58969099521155010221e-10, 2.50507602534068634195e-08)
    p = mad(z, p, -2.75573137070700676789e-06)
    p = mad(z, p, 1.98412698298579493134e-04)
    p = mad(z, p, -8.33333333332248946124e-03)
    p = mad(z, p, 1.66666666666666324348e-01)
    return mad(z * r, p, less)


cdef inline double cosine_less(double r, double less, double w) noexcept nogil:
    """w - cos(r - less), where w is 1 - r*r/2 rounded."""
    cdef double z = r * r
    cdef double p = mad(z, 1.13596475577881948265e-11, -2.08757232129817482790e-09)
    p = mad(z, p, 2.75573143513906633035e-07)
    p = mad(z, p, -2.48015872894767294178e-05)
    p = mad(z, p, 1.38888888888741095749e-03)
    p = mad(z, p, -4.16666666666666019037e-02)
    return mad(z * z, p, mad(-r, less, mad(0.5, z, w - 1.0)))


cdef inline int64_t chosen_bits(int64_t q, double odd, double even) noexcept nogil:
    """The bits of one or the other.  The baseline has no 64-bit compare: an `if` would not be vectorised."""
    return bits_of(even) ^ ((bits_of(even) ^ bits_of(odd)) & -(q & 1))


cdef inline double sine_of_angle(Angle a, int64_t quarters, const double *c) noexcept nogil:
    """sin(a + quarters pi/2)."""
    cdef int64_t q = a.quarter + quarters, y
    cdef int64_t sign = <int64_t>(<uint64_t>q << 62) & bits_of(-0.0)
    cdef double w = mad(-0.5, a.r * a.r, 1.0)
    if c == NEAR:
        y = chosen_bits(q, w - cosine_less(a.r, a.less, w), a.r - sine_less(a.r, a.less))
    elif q & 1:                # one alone: computing both costs more than the branch
        y = bits_of(w - cosine_less(a.r, a.less, w))
    else:
        y = bits_of(a.r - sine_less(a.r, a.less))
    return double_of(y ^ sign)


cdef inline double sin_value(double x, const double *c) noexcept nogil:
    """sin(x); see Note [Near and far angles] for c."""
    if c != NEAR and is_far(x):
        return cmath.sin(x)
    return sine_of_angle(reduced_angle(x), 0, c)


cdef inline double cos_value(double x, const double *c) noexcept nogil:
    """cos(x); see Note [Near and far angles] for c."""
    if c != NEAR and is_far(x):
        return cmath.cos(x)
    return sine_of_angle(reduced_angle(x), 1, c)
