# What derivative formulas may call: functions of the fused type `num`.
#
# Each has the plain C form and the Tensor form, Note [Two forms of a formula].  A choice between two
# values is a function here, never an `if` in a formula.

cdef inline num exp_of(num x) noexcept:
    if num is double:
        return exp_value(x, NULL)
    else:
        return unary(&EXP, x)


cdef inline num log_of(num x) noexcept:
    if num is double:
        return log_value(x, NULL)
    else:
        return unary(&LOG, x)


# c as in Note [Near arguments].

cdef inline num sin_of(num x, const double *c) noexcept:
    if num is double:
        return sin_value(x, c)
    else:
        return unary(&SIN, x)


cdef inline num cos_of(num x, const double *c) noexcept:
    if num is double:
        return cos_value(x, c)
    else:
        return unary(&COS, x)


cdef inline num sinh_of(num x) noexcept:
    if num is double:
        return sinh_value(x)
    else:
        return unary(&SINH, x)


cdef inline num cosh_of(num x) noexcept:
    if num is double:
        return cosh_value(x)
    else:
        return unary(&COSH, x)


cdef inline num sqrt_of(num x) noexcept:
    if num is double:
        return cmath.sqrt(x)
    else:
        return unary(&SQRT, x)


cdef inline num sign_of(num x) noexcept:
    if num is double:
        return sign_value(x)
    else:
        return unary(&SIGN, x)


cdef inline num abs_of(num x) noexcept:
    if num is double:
        return cmath.fabs(x)
    else:
        return unary(&ABS, x)


cdef inline num pow_of(num x, double e) noexcept:
    if num is double:
        return power_value(x, e)
    else:
        return power(x, scalar_number(e))


cdef inline num static_power_of(num x, num ready, const double *c) noexcept:
    """x**c[0]; for doubles c[1] says whether the exponent has a short cut, else the power is ready."""
    if num is double:
        return power_value(x, c[0]) if c[1] != 0.0 else ready
    else:
        return power(x, scalar_number(c[0]))


cdef inline num zero_of(num g) noexcept:
    """A zero of g's sizes, whatever g is."""
    if num is double:
        return 0.0
    else:
        return zeros_of(g)


cdef inline num if_positive(num x, num yes) noexcept:
    """yes where x is not <= 0 (so a nan chooses yes), else 0."""
    if num is double:
        return 0.0 if x <= 0.0 else yes
    else:
        return binary(&THRESHOLD_BACKWARD, yes, x)


cdef inline num if_above(num x, double bound, num yes, num no) noexcept:
    """yes where x > bound, else no (for a nan x too)."""
    if num is double:
        return yes if x > bound else no
    else:
        return choose(compare(Py_GT, x, scalar_number(bound)), yes, no)


cdef inline num if_within(num x, double low, double high, num yes) noexcept:
    """yes where low <= x <= high, else 0 (for a nan x too)."""
    if num is double:
        return yes if low <= x and x <= high else 0.0
    else:
        return choose(binary(&BITWISE_AND, compare(Py_GE, x, scalar_number(low)),
                             compare(Py_LE, x, scalar_number(high))), yes, scalar_number(0.0))


cdef inline num if_zero(num x, num yes, num no) noexcept:
    """yes where x == 0, else no."""
    if num is double:
        return yes if x == 0.0 else no
    else:
        return choose(compare(Py_EQ, x, scalar_number(0.0)), yes, no)


cdef inline num one_if_zero(num x) noexcept:
    """1 where x == 0, else x: a divisor for a 0."""
    if num is double:
        return 1.0 if x == 0.0 else x
    else:
        return choose(compare(Py_EQ, x, scalar_number(0.0)), scalar_number(1.0), x)


cdef inline num if_equal(num a, num b, num yes, num no) noexcept:
    """yes where a == b, else no."""
    if num is double:
        return yes if a == b else no
    else:
        return choose(compare(Py_EQ, a, b), yes, no)


cdef inline num if_less(num a, num b, num yes, num no) noexcept:
    """yes where a < b, else no."""
    if num is double:
        return yes if a < b else no
    else:
        return choose(compare(Py_LT, a, b), yes, no)


cdef inline Tensor scalar_number(double v):
    """The 0-d tensor that stands for a Python float."""
    cdef Tensor t = scalar_f64(v)
    t.flags = NUMBER
    return t


cdef inline double power_value(double x, double e) noexcept:
    """x**e, with PyTorch's short cuts for the exponents that it writes out."""
    if e == 2.0:
        return x * x
    if e == 1.0:
        return x
    if e == 3.0:
        return x * x * x
    if e == 0.5:
        return cmath.sqrt(x)
    if e == -1.0:
        return 1.0 / x
    if e == -0.5:
        return 1.0 / cmath.sqrt(x)
    if e == -2.0:
        return 1.0 / (x * x)
    return cmath.pow(x, e)


cdef inline double sign_value(double x) noexcept:
    """-1, 0 or 1; 0 for a nan, as in PyTorch."""
    return (x > 0.0) - (x < 0.0)
