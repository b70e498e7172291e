# What the elementary functions of this folder are made of: the bits of a double, fused
# multiply-add, sums and products that keep their rounding error.
#
# Note [Elementary functions]
# Each function here is one straight line of arithmetic and choices over doubles: no call, no table,
# no branch, so the compiler turns a loop over it into vector instructions at every CPU level.  Ranges
# are all computed and the right one chosen; an `if` is allowed only where both sides are cheap and
# have no side effects, for then it becomes a blend.  The errors of each are measured against mpmath
# by tests/test_accuracy.py, and listed in docs/accuracy.md.
#
# Note [Near arguments]
# Some functions have a short way that holds for most arguments: an angle up to a limit, what has no
# subnormal or infinite exponential, what is positive and normal for a logarithm.  Loops should not ask
# for each element, so those of loops.pxi (`map1_near`) ask once for a block, with a function that is
# negative for other arguments (`angle_room` ...), and pass the address NEAR for `c` where it is for none.
# Inlined into the loop, `c == NEAR` is true when the compiler reads it: the other way is gone, and
# what is left is vectorised.  Everywhere else c is something else, and the function holds for every
# argument; the bits are the same.

cdef extern from *:
    """
    /* The bits of a double as a signed integer, and back: the compiler's move, not a conversion. */
    static CYTHON_INLINE int64_t ag_bits(double x) { int64_t i; memcpy(&i, &x, 8); return i; }
    static CYTHON_INLINE double ag_double(int64_t i) { double x; memcpy(&x, &i, 8); return x; }

    /* a * b + c: in one rounding where the CPU level has such an instruction.  Elsewhere in two, and
       a function's error bound holds for both. */
    #if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__)
      #define AG_FMA 1
      #define ag_mad(a, b, c) __builtin_fma(a, b, c)
    #elif defined(_MSC_VER) && defined(__AVX2__)
      #define AG_FMA 1
      #define ag_mad(a, b, c) fma(a, b, c)
    #else
      #define AG_FMA 0
      #define ag_mad(a, b, c) ((a) * (b) + (c))
    #endif

    /* The rounding error of p = a * b: exact while neither a, b nor p is near the ends of the range. */
    static CYTHON_INLINE double ag_product_error(double a, double b, double p) {
    #if AG_FMA
        return ag_mad(a, b, -p);
    #else  /* Dekker, A floating-point technique for extending the available precision, 1971 */
        double c = 134217729.0 * a, ah = c - (c - a), al = a - ah;
        double d = 134217729.0 * b, bh = d - (d - b), bl = b - bh;
        return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
    #endif
    }
    """
    const bint AG_FMA
    int64_t bits_of "ag_bits"(double) noexcept nogil
    double double_of "ag_double"(int64_t) noexcept nogil
    double mad "ag_mad"(double, double, double) noexcept nogil
    double product_error "ag_product_error"(double, double, double) noexcept nogil

cdef double NEAR[1]            # the address is all that matters


cdef inline double sum_error(double a, double b, double s) noexcept nogil:
    """The rounding error of s = a + b where |a| >= |b| (Dekker 1971)."""
    return b - (s - a)


cdef inline double two_sum_error(double a, double b, double s) noexcept nogil:
    """The rounding error of s = a + b, whichever is larger (Knuth, The Art of Computer Programming, 4.2.2)."""
    cdef double v = s - a
    return (a - (s - v)) + (b - v)


cdef inline double quotient(double a, double b, double reciprocal) noexcept nogil:
    """a / b of many a, where no power of 2 that comes up leaves the range.

    A fused multiply-add tells what the product with 1 / b is off by (P. W. Markstein, "Computation of
    elementary functions on the IBM RISC System/6000 processor", 1990), at a fifth of a division.
    """
    cdef double q = a * reciprocal
    return mad(mad(-q, b, a), reciprocal, q) if AG_FMA else a / b


cdef inline double rounded(double x) noexcept nogil:
    """x rounded to an integer, ties to even, for |x| < 2**51; the low bits of `shifted(x)` are that integer."""
    return shifted(x) - 6755399441055744.0


cdef inline double shifted(double x) noexcept nogil:
    """x + 1.5 * 2**52: its last bits are the integer nearest to x."""
    return x + 6755399441055744.0


cdef inline double power_of_2(int64_t k) noexcept nogil:
    """2**k for -1022 <= k <= 1023."""
    return double_of((k + 1023) << 52)
