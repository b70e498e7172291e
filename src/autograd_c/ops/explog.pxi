# Exponentials, logarithms, roots.
#
# Each block: the derivative as a formula, its kernels, its node, its table, its functions.
# x input, y result, g the gradient that comes in.  Formulas divide g where the textbook multiplies by
# a reciprocal: g / x is right where g * (1 / x) overflows.

# ---------------------------------------------------------------------------------------------- exp

cdef inline num exp_dx(num g, num x, num y, const double *c) noexcept:
    return g * y

cdef void exp_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_near(exp_value, exp_room, n, p, s)

cdef void exp_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(exp_dx[double], n, p, s, c)

cdef class ExpBackward0(UnaryNode):
    """g exp(x)"""

cdef UnaryOp EXP = unary_op("exp", exp_forward, ExpBackward0, READS_Y, exp_backward, exp_dx[Tensor])


@op
def exp(input):
    """Exponential of each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.exp(torch.tensor([0., 1.]))
    tensor([1.0000, 2.7183])
    """
    return unary(&EXP, tensor_arg(input, "exp", "input", 1))


@method
def exp_(self):
    """In-place version of `exp`."""
    return unary_in_place(&EXP, own(self))


# --------------------------------------------------------------------------------------------- exp2

cdef inline num exp2_dx(num g, num x, num y, const double *c) noexcept:
    return g * y * 0.6931471805599453             # log(2)

cdef void exp2_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(exp2_value, n, p, s)

cdef void exp2_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(exp2_dx[double], n, p, s, c)

cdef class Exp2Backward0(UnaryNode):
    """g 2**x log(2)"""

cdef UnaryOp EXP2 = unary_op("exp2", exp2_forward, Exp2Backward0, READS_Y, exp2_backward, exp2_dx[Tensor])


@op
def exp2(input):
    """2 to the power of each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.exp2(torch.tensor([3., 0.5]))
    tensor([8.0000, 1.4142])
    """
    return unary(&EXP2, tensor_arg(input, "exp2", "input", 1))


@method
def exp2_(self):
    """In-place version of `exp2`."""
    return unary_in_place(&EXP2, own(self))


# -------------------------------------------------------------------------------------------- expm1

cdef inline num expm1_dx(num g, num x, num y, const double *c) noexcept:
    return g * (y + 1.0)

cdef void expm1_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(expm1_value, n, p, s)

cdef void expm1_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(expm1_dx[double], n, p, s, c)

cdef class Expm1Backward0(UnaryNode):
    """g exp(x)"""

cdef UnaryOp EXPM1 = unary_op("expm1", expm1_forward, Expm1Backward0, READS_Y, expm1_backward, expm1_dx[Tensor])


@op
def expm1(input):
    """exp(x) - 1 of each element, accurate near 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.expm1(torch.tensor([0., 1.]))
    tensor([0.0000, 1.7183])
    """
    return unary(&EXPM1, tensor_arg(input, "expm1", "input", 1))


@method
def expm1_(self):
    """In-place version of `expm1`."""
    return unary_in_place(&EXPM1, own(self))


# ---------------------------------------------------------------------------------------------- log

cdef inline num log_dx(num g, num x, num y, const double *c) noexcept:
    return g / x

cdef void log_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_near(log_value, log_room, n, p, s)

cdef void log_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(log_dx[double], n, p, s, c)

cdef class LogBackward0(UnaryNode):
    """g / x"""

cdef UnaryOp LOG = unary_op("log", log_forward, LogBackward0, READS_X, log_backward, log_dx[Tensor])


@op
def log(input):
    """Natural logarithm of each element; nan below 0, -inf at 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.log(torch.tensor([1., 2.]))
    tensor([0.0000, 0.6931])
    """
    return unary(&LOG, tensor_arg(input, "log", "input", 1))


@method
def log_(self):
    """In-place version of `log`."""
    return unary_in_place(&LOG, own(self))


# --------------------------------------------------------------------------------------------- log2

cdef inline num log2_dx(num g, num x, num y, const double *c) noexcept:
    return g / x * 1.4426950408889634             # 1 / log(2)

cdef void log2_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_near(log2_value, log_room, n, p, s)

cdef void log2_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(log2_dx[double], n, p, s, c)

cdef class Log2Backward0(UnaryNode):
    """g / (x log(2))"""

cdef UnaryOp LOG2 = unary_op("log2", log2_forward, Log2Backward0, READS_X, log2_backward, log2_dx[Tensor])


@op
def log2(input):
    """Logarithm to base 2 of each element; nan below 0, -inf at 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.log2(torch.tensor([1., 8.]))
    tensor([0., 3.])
    """
    return unary(&LOG2, tensor_arg(input, "log2", "input", 1))


@method
def log2_(self):
    """In-place version of `log2`."""
    return unary_in_place(&LOG2, own(self))


# -------------------------------------------------------------------------------------------- log10

cdef inline num log10_dx(num g, num x, num y, const double *c) noexcept:
    return g * 0.4342944819032518 / x             # 1 / log(10)

cdef void log10_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_near(log10_value, log_room, n, p, s)

cdef void log10_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(log10_dx[double], n, p, s, c)

cdef class Log10Backward0(UnaryNode):
    """g / (x log(10))"""

cdef UnaryOp LOG10 = unary_op("log10", log10_forward, Log10Backward0, READS_X, log10_backward, log10_dx[Tensor])


@op
def log10(input):
    """Logarithm to base 10 of each element; nan below 0, -inf at 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.log10(torch.tensor([1., 1000.]))
    tensor([0., 3.])
    """
    return unary(&LOG10, tensor_arg(input, "log10", "input", 1))


@method
def log10_(self):
    """In-place version of `log10`."""
    return unary_in_place(&LOG10, own(self))


# -------------------------------------------------------------------------------------------- log1p

cdef inline num log1p_dx(num g, num x, num y, const double *c) noexcept:
    return g / (x + 1.0)

cdef void log1p_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(log1p_value, n, p, s)

cdef void log1p_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(log1p_dx[double], n, p, s, c)

cdef class Log1PBackward0(UnaryNode):
    """g / (x + 1)"""

cdef UnaryOp LOG1P = unary_op("log1p", log1p_forward, Log1PBackward0, READS_X, log1p_backward, log1p_dx[Tensor])


@op
def log1p(input):
    """log(1 + x) of each element, accurate near 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.log1p(torch.tensor([0., 1.]))
    tensor([0.0000, 0.6931])
    """
    return unary(&LOG1P, tensor_arg(input, "log1p", "input", 1))


@method
def log1p_(self):
    """In-place version of `log1p`."""
    return unary_in_place(&LOG1P, own(self))


# --------------------------------------------------------------------------------------------- sqrt

cdef inline num sqrt_dx(num g, num x, num y, const double *c) noexcept:
    return g / (2.0 * y)

cdef void sqrt_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cmath.sqrt, n, p, s)

cdef void sqrt_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(sqrt_dx[double], n, p, s, c)

cdef class SqrtBackward0(UnaryNode):
    """g / (2 sqrt(x))"""

cdef UnaryOp SQRT = unary_op("sqrt", sqrt_forward, SqrtBackward0, READS_Y, sqrt_backward, sqrt_dx[Tensor])


@op
def sqrt(input):
    """Square root of each element; nan below 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Notes
    -----
    The derivative at 0 is inf.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.sqrt(torch.tensor([1., 4.]))
    tensor([1., 2.])
    """
    return unary(&SQRT, tensor_arg(input, "sqrt", "input", 1))


@method
def sqrt_(self):
    """In-place version of `sqrt`."""
    return unary_in_place(&SQRT, own(self))


# -------------------------------------------------------------------------------------------- rsqrt

cdef inline double rsqrt_value(double x) noexcept:
    return 1.0 / cmath.sqrt(x)

cdef inline num rsqrt_dx(num g, num x, num y, const double *c) noexcept:
    return -0.5 * g * (y * y * y)

cdef void rsqrt_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(rsqrt_value, n, p, s)

cdef void rsqrt_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(rsqrt_dx[double], n, p, s, c)

cdef class RsqrtBackward0(UnaryNode):
    """-g x**-1.5 / 2"""

cdef UnaryOp RSQRT = unary_op("rsqrt", rsqrt_forward, RsqrtBackward0, READS_Y, rsqrt_backward, rsqrt_dx[Tensor])


@op
def rsqrt(input):
    """1 / sqrt(x) of each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.rsqrt(torch.tensor([1., 4.]))
    tensor([1.0000, 0.5000])
    """
    return unary(&RSQRT, tensor_arg(input, "rsqrt", "input", 1))


@method
def rsqrt_(self):
    """In-place version of `rsqrt`."""
    return unary_in_place(&RSQRT, own(self))
