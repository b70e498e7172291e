# Powers, extrema, clamping, angles: elementwise functions of two operands that are more than arithmetic.
#
# a and b the operands (x where there is one), y result, g the gradient that comes in.

# ----------------------------------------------------------------------------------------------- pow
# Three nodes, as in PyTorch: the exponent a number (an operation on one tensor, with that number and
# the derivative's exponent as its static arguments), both tensors, the base a number.

cdef inline num pow_dx(num g, num x, num y, const double *c) noexcept:
    if c[0] == 0.0:                              # a static argument, so this asks no operand
        return zero_of[num](g)
    return g * (c[0] * static_power_of[num](x, y, c + 1))

cdef inline double pow_by(double x, const double *c) noexcept:
    return power_value(x, c[0])

cdef inline void pow_loop(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    """The values, where the exponent c[1] has a short cut."""
    map1c(pow_by, n, p, s, c + 1)

cdef inline void pow_dx_loop(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    """The gradients, where the derivative's exponent c[1] has one."""
    chain1(pow_dx[double], n, p, s, c)

cdef inline bint take_short_cut(Kernel loop, Py_ssize_t n, char **p, const Py_ssize_t *s, double factor,
                                double e) noexcept:
    """Run the loop with (factor, e, 1) if e has a short cut: a copy for each, where e is a constant."""
    cdef double c[3]
    c[0] = factor
    c[2] = 1.0
    if e == 2.0:
        c[1] = 2.0
        loop(n, p, s, c)
    elif e == 1.0:
        c[1] = 1.0
        loop(n, p, s, c)
    elif e == 3.0:
        c[1] = 3.0
        loop(n, p, s, c)
    elif e == 0.5:
        c[1] = 0.5
        loop(n, p, s, c)
    elif e == -0.5:
        c[1] = -0.5
        loop(n, p, s, c)
    elif e == -1.0:
        c[1] = -1.0
        loop(n, p, s, c)
    elif e == -2.0:
        c[1] = -2.0
        loop(n, p, s, c)
    else:
        return False
    return True

cdef inline int64_t pow_int(int64_t a, int64_t e) noexcept:
    cdef uint64_t y = 1, x = <uint64_t>a
    if e < 0:                                    # only where another element made the exponents valid
        return 1 if a == 1 else (1 if e % 2 == 0 else -1) if a == -1 else 0
    while e:
        if e & 1:
            y *= x
        x *= x
        e >>= 1
    return <int64_t>y

cdef inline int64_t square_int(int64_t x) noexcept:
    return <int64_t>(<uint64_t>x * <uint64_t>x)

cdef void pow_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    if not take_short_cut(pow_loop, n, p, s, 1.0, c[0]):
        pow_run(n, <double *>p[0], <const double *>p[1], s[1], c, 0)

cdef void pow_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double room[BLOCK]                      # the powers, in the place of the result, which is not read
    cdef char *q[4]
    cdef Py_ssize_t t[4]
    cdef double d[3]
    cdef Py_ssize_t m
    if take_short_cut(pow_dx_loop, n, p, s, c[0], c[1]):
        return
    d[0] = c[0]
    d[1] = c[1]
    d[2] = 0.0
    q[0] = p[0]
    q[1] = p[1]
    q[2] = p[2]
    q[3] = <char *>room
    t[0] = t[3] = 1
    t[1] = s[1]
    t[2] = s[2]
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        pow_run(m, room, <const double *>q[2], t[2], &d[1], 0)
        chain1(pow_dx[double], m, q, t, d)
        q[0] += m * sizeof(double)
        q[1] += t[1] * m * sizeof(double)
        q[2] += t[2] * m * sizeof(double)
        n -= m

cdef class PowBackward0(UnaryNode):
    """g e x**(e - 1) for a number e; 0 where e is 0"""

cdef UnaryOp POW_BY = unary_op("pow", pow_forward, PowBackward0, READS_X, pow_backward, pow_dx[Tensor])

# Of two tensors, the powers are an argument of the formulas.

cdef inline num power_da(num g, num a, num b, num one_less) noexcept:
    return if_zero[num](b, zero_of[num](g), g * (b * one_less))

cdef inline num power_db(num g, num a, num b, num y) noexcept:
    return if_zero_power[num](a, b, zero_of[num](g), g * (y * log_of[num](a)))

cdef Tensor power_da_tensors(Tensor g, Tensor a, Tensor b):
    return power_da[Tensor](g, a, b, power(a, b - 1.0))

cdef Tensor power_db_tensors(Tensor g, Tensor a, Tensor b):
    return power_db[Tensor](g, a, b, power(a, b))

cdef inline num if_zero_power(num a, num b, num yes, num no) noexcept:
    """yes where a**b is constant in b next to b: at 0**b for b >= 0."""
    if num is double:
        return yes if a == 0.0 and b >= 0.0 else no
    else:
        return choose(binary(&BITWISE_AND, compare(Py_EQ, a, scalar_number(0.0)),
                             compare(Py_GE, b, scalar_number(0.0))), yes, no)

ctypedef double (*ChainPower)(double g, double a, double b, double power) noexcept

cdef inline void chain_power(ChainPower f, double less, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """da or db from (g, a, b, a**(b - less))."""
    cdef double room[BLOCK]
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *a = <const double *>p[2]
    cdef const double *b = <const double *>p[3]
    cdef Py_ssize_t sg = s[1], sa = s[2], sb = s[3], i, m
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        for i in range(m):
            room[i] = b[sb * i] - less
        pow_run(m, room, a, sa, room, 1)
        if sg and sa and sb:
            for i in range(m):
                r[i] = f(g[i], a[i], b[i], room[i])
        else:
            for i in range(m):
                r[i] = f(g[sg * i], a[sa * i], b[sb * i], room[i])
        r += m
        g += sg * m
        a += sa * m
        b += sb * m
        n -= m

cdef void power_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    pow_run(n, <double *>p[0], <const double *>p[1], s[1], <const double *>p[2], s[2])

cdef void power_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(pow_int, n, p, s)

cdef void power_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_power(power_da[double], 1.0, n, p, s)

cdef void power_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_power(power_db[double], 0.0, n, p, s)

cdef class PowBackward1(BinaryNode):
    """a: g b a**(b - 1); b: g a**b log(a)"""

cdef class PowBackward2(BinaryNode):
    """g a**b log(a), where a is a number"""

cdef BinaryOp POW = differentiable(
    binary_op("pow", NUMERIC, power_forward, power_integer), PowBackward1, None,
    READS_A | READS_B, power_backward_a, power_da_tensors, READS_A | READS_B, power_backward_b, power_db_tensors)
cdef BinaryOp POW_OF_NUMBER = POW
POW_OF_NUMBER.node = <PyTypeObject *>PowBackward2


cdef Tensor power(Tensor a, Tensor b):
    check_exponent(a, b)
    if b.flags & NUMBER and max_kind(a, b) == BOOL:
        return c_clone(a) if b.value.b else filled(BOOL, fresh_layout(a.form), 1.0)
    if b.flags & NUMBER and max_kind(a, b) == F64:
        return unary_with(&POW_BY, to_kind(a, F64), number_value(b), number_value(b) - 1.0)
    return binary(&POW_OF_NUMBER if a.flags & NUMBER else &POW, a, b)


cdef Tensor power_in_place(Tensor a, Tensor b):
    check_exponent(a, b)
    if b.flags & NUMBER and max_kind(a, b) == BOOL:
        return copy_in_place(a, power(a, b))
    if b.flags & NUMBER and a.kind == F64:
        return unary_in_place_with(&POW_BY, a, number_value(b), number_value(b) - 1.0)
    return binary_in_place(&POW, a, b)


cdef inline int max_kind(Tensor a, Tensor b) noexcept:
    return a.kind if a.kind > b.kind else b.kind


cdef double number_value(Tensor b) noexcept:
    """The value of a 0-d tensor as a double."""
    return b.value.f if b.kind == F64 else <double>b.value.i if b.kind == I64 else <double>b.value.b


cdef int check_exponent(Tensor a, Tensor b) except -1:
    if b.flags & NUMBER and b.kind == I64 and b.value.i < 0 and a.kind != F64:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return 0


@op
@renamed("pow")
def pow_op(input, exponent):
    """input to the power of exponent.

    Parameters
    ----------
    input, exponent : Tensor or number
        Broadcast against each other.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For integers to a negative integer power.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.pow(torch.tensor([1., 3.]), 2)
    tensor([1., 9.])
    """
    check_one_tensor(input, exponent, "pow")
    return power(operand_arg(input, "pow", "input", 1), operand_arg(exponent, "pow", "exponent", 2))


@method
def pow_(self, exponent):
    """In-place version of `pow`."""
    return power_in_place(own(self), operand_arg(exponent, "pow_", "exponent", 1))


@op
def square(input):
    """input ** 2.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.square(torch.tensor([1., 3.]))
    tensor([1., 9.])
    """
    return power(tensor_arg(input, "square", "input", 1), number_tensor(2))


@method
def square_(self):
    """In-place version of `square`."""
    return power_in_place(own(self), number_tensor(2))


# ------------------------------------------------------------------------------------------ maximum

cdef inline double maximum_value(double a, double b) noexcept:
    cdef double y = a if a > b else b
    return a if a != a else y               # a nan on either side wins

cdef inline int64_t maximum_value_int(int64_t a, int64_t b) noexcept:
    return a if a > b else b

cdef inline num maximum_da(num g, num a, num b) noexcept:
    return if_equal[num](a, b, g * 0.5, if_less[num](a, b, zero_of[num](g), g))

cdef inline num maximum_db(num g, num a, num b) noexcept:
    return if_equal[num](a, b, g * 0.5, if_less[num](b, a, zero_of[num](g), g))

cdef void maximum_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(maximum_value, n, p, s)

cdef void maximum_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(maximum_value_int, n, p, s)

cdef void maximum_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(maximum_da[double], n, p, s)

cdef void maximum_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(maximum_db[double], n, p, s)

cdef class MaximumBackward0(BinaryNode):
    """a: g where a > b, g / 2 where equal; b: g where b > a, g / 2 where equal"""

cdef BinaryOp MAXIMUM = binary_op("maximum", KEEP, maximum_forward, maximum_integer)
MAXIMUM = differentiable(MAXIMUM, MaximumBackward0, None,
                         READS_A | READS_B, maximum_backward_a, maximum_da[Tensor],
                         READS_A | READS_B, maximum_backward_b, maximum_db[Tensor])


@op
def maximum(input, other):
    """The larger of two elements; nan if either is.

    Parameters
    ----------
    input, other : Tensor
        Broadcast against each other.

    Returns
    -------
    Tensor

    Notes
    -----
    The gradient of a tie is shared evenly.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.maximum(torch.tensor([1., 5.]), torch.tensor([3., 2.]))
    tensor([3., 5.])
    """
    return binary(&MAXIMUM, tensor_arg(input, "maximum", "input", 1), tensor_arg(other, "maximum", "other", 2))


# ------------------------------------------------------------------------------------------ minimum

cdef inline double minimum_value(double a, double b) noexcept:
    cdef double y = a if a < b else b
    return a if a != a else y               # a nan on either side wins

cdef inline int64_t minimum_value_int(int64_t a, int64_t b) noexcept:
    return a if a < b else b

cdef inline num minimum_da(num g, num a, num b) noexcept:
    return if_equal[num](a, b, g * 0.5, if_less[num](b, a, zero_of[num](g), g))

cdef inline num minimum_db(num g, num a, num b) noexcept:
    return if_equal[num](a, b, g * 0.5, if_less[num](a, b, zero_of[num](g), g))

cdef void minimum_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(minimum_value, n, p, s)

cdef void minimum_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(minimum_value_int, n, p, s)

cdef void minimum_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(minimum_da[double], n, p, s)

cdef void minimum_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(minimum_db[double], n, p, s)

cdef class MinimumBackward0(BinaryNode):
    """a: g where a < b, g / 2 where equal; b: g where b < a, g / 2 where equal"""

cdef BinaryOp MINIMUM = binary_op("minimum", KEEP, minimum_forward, minimum_integer)
MINIMUM = differentiable(MINIMUM, MinimumBackward0, None,
                         READS_A | READS_B, minimum_backward_a, minimum_da[Tensor],
                         READS_A | READS_B, minimum_backward_b, minimum_db[Tensor])


@op
def minimum(input, other):
    """The smaller of two elements; nan if either is.

    Parameters
    ----------
    input, other : Tensor
        Broadcast against each other.

    Returns
    -------
    Tensor

    Notes
    -----
    The gradient of a tie is shared evenly.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.minimum(torch.tensor([1., 5.]), torch.tensor([3., 2.]))
    tensor([1., 2.])
    """
    return binary(&MINIMUM, tensor_arg(input, "minimum", "input", 1), tensor_arg(other, "minimum", "other", 2))


# -------------------------------------------------------------------------------------------- atan2

cdef inline num inverse_square(num a, num b) noexcept:
    """1 / (a**2 + b**2), and 0 at the origin."""
    return if_zero[num](a * a + b * b, zero_of[num](a), 1.0 / (a * a + b * b))

cdef inline num atan2_da(num g, num a, num b) noexcept:
    return g * (b * inverse_square[num](a, b))

cdef inline num atan2_db(num g, num a, num b) noexcept:
    return g * (-a * inverse_square[num](a, b))

cdef void atan2_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(atan2_value, n, p, s)

cdef void atan2_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(atan2_da[double], n, p, s)

cdef void atan2_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(atan2_db[double], n, p, s)

cdef class Atan2Backward0(BinaryNode):
    """a: g b / (a**2 + b**2); b: -g a / (a**2 + b**2)"""

cdef BinaryOp ATAN2 = binary_op("atan2", TO_FLOAT, atan2_forward, NULL)
ATAN2 = differentiable(ATAN2, Atan2Backward0, None,
                       READS_A | READS_B, atan2_backward_a, atan2_da[Tensor],
                       READS_A | READS_B, atan2_backward_b, atan2_db[Tensor])


@op
def atan2(input, other):
    """The angle of the point (other, input) in radians, in (-pi, pi].

    Parameters
    ----------
    input, other : Tensor
        Broadcast against each other.

    Returns
    -------
    Tensor

    Notes
    -----
    Both derivatives at the origin are 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.atan2(torch.tensor([1., 0.]), torch.tensor([1., -1.]))
    tensor([0.7854, 3.1416])
    """
    return binary(&ATAN2, tensor_arg(input, "atan2", "input", 1), tensor_arg(other, "atan2", "other", 2))


@method
def atan2_(self, other):
    """In-place version of `atan2`."""
    return binary_in_place(&ATAN2, own(self), operand_arg(other, "atan2_", "other", 1))


# --------------------------------------------------------------------------------------------- clamp

cdef inline num clamp_dx(num g, num x, num y, const double *c) noexcept:
    return if_within[num](x, c[0], c[1], g)

cdef inline double clamp_value(double x, const double *c) noexcept:
    if not x >= c[0] and x == x:                 # a nan stays, be it the element or a bound
        x = c[0]
    return c[1] if not x <= c[1] and x == x else x   # the upper bound wins

cdef void clamp_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1c(clamp_value, n, p, s, c)

cdef void clamp_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(clamp_dx[double], n, p, s, c)

cdef class ClampBackward1(UnaryNode):
    """g where min <= x <= max, else 0"""

cdef UnaryOp CLAMP = unary_op("clamp", clamp_forward, ClampBackward1, READS_X, clamp_backward, clamp_dx[Tensor])


cdef Tensor bounded(Tensor x, Tensor bound, int inside):
    """x where it compares so with the bound, or is a nan, else the bound; where they are equal, x."""
    return choose(binary(&BITWISE_XOR, compare(inside, x, bound), compare(Py_EQ, x, x)), bound, x)


cdef Tensor c_clamp(Tensor x, object low, object high, bint in_place):
    cdef Tensor lo, hi, y
    if low is None and high is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    lo = operand_arg(low, "clamp", "min", 2) if low is not None else None
    hi = operand_arg(high, "clamp", "max", 3) if high is not None else None
    if x.kind != F64 or (lo is not None and not lo.flags & NUMBER) or (hi is not None and not hi.flags & NUMBER):
        # Bounds that are tensors, and integers: a choice, in this order.
        y = bounded(x, lo, Py_GE) if lo is not None else x
        y = bounded(y, hi, Py_LE) if hi is not None else y
        if in_place:
            if y.kind > x.kind:
                numbers = (lo is None or lo.flags & NUMBER) and (hi is None or hi.flags & NUMBER)
                raise RuntimeError(f"result type {scalar_type_name(y.kind)} can't be cast to the desired output type "
                                   f"{c_name(x.kind) if numbers else scalar_type_name(x.kind)}")
            return copy_in_place(x, y)
        return y
    if in_place:
        return unary_in_place_with(&CLAMP, x, number_value(lo) if lo is not None else -cmath.INFINITY,
                                   number_value(hi) if hi is not None else cmath.INFINITY)
    return unary_with(&CLAMP, x, number_value(lo) if lo is not None else -cmath.INFINITY,
                      number_value(hi) if hi is not None else cmath.INFINITY)


@op
def clamp(input, min=None, max=None):
    """Each element, but not below `min` nor above `max`.

    Parameters
    ----------
    input : Tensor
    min, max : number or Tensor, optional
        At least one.  Where min > max the result is max.

    Returns
    -------
    Tensor

    Notes
    -----
    The derivative at a bound is 1.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.clamp(torch.tensor([-1., 0.5, 2.]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return c_clamp(tensor_arg(input, "clamp", "input", 1), min, max, False)


@method
def clamp_(self, min=None, max=None):
    """In-place version of `clamp`."""
    return c_clamp(own(self), min, max, True)
