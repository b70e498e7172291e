# Arithmetic on one tensor.
#
# x input, y result, g the gradient that comes in.

# ---------------------------------------------------------------------------------------------- neg

cdef inline double neg_value(double x) noexcept:
    return -x

cdef inline int64_t neg_value_int(int64_t x) noexcept:
    return <int64_t>(-<uint64_t>x)               # wraps, as numpy's does

cdef inline num neg_dx(num g, num x, num y, const double *c) noexcept:
    return -g

cdef void neg_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(neg_value, n, p, s)

cdef void neg_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_int(neg_value_int, n, p, s)

cdef void neg_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(neg_dx[double], n, p, s, c)

cdef class NegBackward0(UnaryNode):
    """-g"""

cdef UnaryOp NEG = unary_op("neg", neg_forward, NegBackward0, READS_NOTHING, neg_backward, neg_dx[Tensor])
NEG.treats = NO_BOOL
NEG.integer = neg_integer


@op
def neg(input):
    """-x of each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64 (the dtype of `input` for an integer one), with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.neg(torch.tensor([1., -2.]))
    tensor([-1.,  2.])
    """
    return unary(&NEG, tensor_arg(input, "neg", "input", 1))


@method
def neg_(self):
    """In-place version of `neg`."""
    return unary_in_place(&NEG, own(self))


# ---------------------------------------------------------------------------------------------- abs

cdef inline int64_t abs_value_int(int64_t x) noexcept:
    return <int64_t>(-<uint64_t>x) if x < 0 else x

cdef inline num abs_dx(num g, num x, num y, const double *c) noexcept:
    return g * sign_of(x)

cdef void abs_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cmath.fabs, n, p, s)

cdef void abs_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_int(abs_value_int, n, p, s)

cdef void abs_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(abs_dx[double], n, p, s, c)

cdef class AbsBackward0(UnaryNode):
    """g sign(x)"""

cdef UnaryOp ABS = unary_op("abs", abs_forward, AbsBackward0, READS_X, abs_backward, abs_dx[Tensor])
ABS.integer = abs_integer
ABS.treats = NUMERIC


@op
@renamed("abs")
def abs_op(input):
    """Absolute value of each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64 (the dtype of `input` for an integer one), with the sizes of `input`.

    Notes
    -----
    The derivative at 0 is 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.abs(torch.tensor([1., -2.]))
    tensor([1., 2.])
    """
    return unary(&ABS, tensor_arg(input, "abs", "input", 1))


@method
def abs_(self):
    """In-place version of `abs`."""
    return unary_in_place(&ABS, own(self))


# --------------------------------------------------------------------------------------------- sign

cdef inline int64_t sign_value_int(int64_t x) noexcept:
    return (x > 0) - (x < 0)

cdef inline num sign_dx(num g, num x, num y, const double *c) noexcept:
    return zero_of(g)

cdef void sign_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(sign_value, n, p, s)

cdef void sign_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_int(sign_value_int, n, p, s)

cdef void sign_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(sign_dx[double], n, p, s, c)

cdef class SignBackward0(UnaryNode):
    """0"""

cdef UnaryOp SIGN = unary_op("sign", sign_forward, SignBackward0, READS_NOTHING, sign_backward, sign_dx[Tensor])
SIGN.integer = sign_integer


@op
def sign(input):
    """-1, 0 or 1 as x is below, at or above 0.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64 (the dtype of `input` for an integer one), with the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.sign(torch.tensor([3., -2.]))
    tensor([ 1., -1.])
    """
    return unary(&SIGN, tensor_arg(input, "sign", "input", 1))


@method
def sign_(self):
    """In-place version of `sign`."""
    return unary_in_place(&SIGN, own(self))


# --------------------------------------------------------------------------------------- reciprocal

cdef inline double reciprocal_value(double x) noexcept:
    return 1.0 / x

cdef inline num reciprocal_dx(num g, num x, num y, const double *c) noexcept:
    return -g * (y * y)

cdef void reciprocal_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(reciprocal_value, n, p, s)

cdef void reciprocal_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(reciprocal_dx[double], n, p, s, c)

cdef class ReciprocalBackward0(UnaryNode):
    """-g / x**2"""

cdef UnaryOp RECIPROCAL = unary_op("reciprocal", reciprocal_forward, ReciprocalBackward0,
                                   READS_Y, reciprocal_backward, reciprocal_dx[Tensor])


@op
def reciprocal(input):
    """1 / x of each element.

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
    >>> torch.reciprocal(torch.tensor([1., 4.]))
    tensor([1.0000, 0.2500])
    """
    return unary(&RECIPROCAL, tensor_arg(input, "reciprocal", "input", 1))


@method
def reciprocal_(self):
    """In-place version of `reciprocal`."""
    return unary_in_place(&RECIPROCAL, own(self))
