# Hyperbolic functions and their inverses.
#
# x input, y result, g the gradient that comes in.

# --------------------------------------------------------------------------------------------- sinh

cdef inline num sinh_dx(num g, num x, num y, const double *c) noexcept:
    return g * cosh_of(x)

cdef void sinh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(sinh_value, n, p, s)

cdef void sinh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(sinh_dx[double], n, p, s, c)

cdef class SinhBackward0(UnaryNode):
    """g cosh(x)"""

cdef UnaryOp SINH = unary_op("sinh", sinh_forward, SinhBackward0, READS_X, sinh_backward, sinh_dx[Tensor])


@op
def sinh(input):
    """Hyperbolic sine of each element.

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
    >>> torch.sinh(torch.tensor([0., 1.]))
    tensor([0.0000, 1.1752])
    """
    return unary(&SINH, tensor_arg(input, "sinh", "input", 1))


@method
def sinh_(self):
    """In-place version of `sinh`."""
    return unary_in_place(&SINH, own(self))


# --------------------------------------------------------------------------------------------- cosh

cdef inline num cosh_dx(num g, num x, num y, const double *c) noexcept:
    return g * sinh_of(x)

cdef void cosh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cosh_value, n, p, s)

cdef void cosh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(cosh_dx[double], n, p, s, c)

cdef class CoshBackward0(UnaryNode):
    """g sinh(x)"""

cdef UnaryOp COSH = unary_op("cosh", cosh_forward, CoshBackward0, READS_X, cosh_backward, cosh_dx[Tensor])


@op
def cosh(input):
    """Hyperbolic cosine of each element.

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
    >>> torch.cosh(torch.tensor([0., 1.]))
    tensor([1.0000, 1.5431])
    """
    return unary(&COSH, tensor_arg(input, "cosh", "input", 1))


@method
def cosh_(self):
    """In-place version of `cosh`."""
    return unary_in_place(&COSH, own(self))


# --------------------------------------------------------------------------------------------- tanh

cdef inline num tanh_dx(num g, num x, num y, const double *c) noexcept:
    return g * (1.0 - y * y)

cdef void tanh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(tanh_value, n, p, s)

cdef void tanh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(tanh_dx[double], n, p, s, c)

cdef class TanhBackward0(UnaryNode):
    """g (1 - tanh(x)**2)"""

cdef UnaryOp TANH = unary_op("tanh", tanh_forward, TanhBackward0, READS_Y, tanh_backward, tanh_dx[Tensor])


@op
def tanh(input):
    """Hyperbolic tangent of each element.

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
    >>> torch.tanh(torch.tensor([0., 1.]))
    tensor([0.0000, 0.7616])
    """
    return unary(&TANH, tensor_arg(input, "tanh", "input", 1))


@method
def tanh_(self):
    """In-place version of `tanh`."""
    return unary_in_place(&TANH, own(self))


# -------------------------------------------------------------------------------------------- asinh

# The square of what is large is left alone: x**2 + 1 and x**2 - 1 could overflow, and their roots are |x|.

cdef inline num root_of_square(num x, num square) noexcept:
    """The root of x**2 + 1 or x**2 - 1."""
    return if_above[num](abs_of(x), 1e9, abs_of(x), sqrt_of(square))

cdef inline num asinh_dx(num g, num x, num y, const double *c) noexcept:
    return g / root_of_square[num](x, x * x + 1.0)

cdef void asinh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(asinh_value, n, p, s)

cdef void asinh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(asinh_dx[double], n, p, s, c)

cdef class AsinhBackward0(UnaryNode):
    """g / sqrt(x**2 + 1)"""

cdef UnaryOp ASINH = unary_op("asinh", asinh_forward, AsinhBackward0, READS_X, asinh_backward, asinh_dx[Tensor])


@also("arcsinh")
@op
def asinh(input):
    """Inverse hyperbolic sine of each element.

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
    >>> torch.asinh(torch.tensor([0., 1.]))
    tensor([0.0000, 0.8814])
    """
    return unary(&ASINH, tensor_arg(input, "asinh", "input", 1))


@also("arcsinh_")
@method
def asinh_(self):
    """In-place version of `asinh`."""
    return unary_in_place(&ASINH, own(self))


# -------------------------------------------------------------------------------------------- acosh

cdef inline num acosh_dx(num g, num x, num y, const double *c) noexcept:
    return g / root_of_square[num](x, -one_minus_square_of(x))

cdef void acosh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(acosh_value, n, p, s)

cdef void acosh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(acosh_dx[double], n, p, s, c)

cdef class AcoshBackward0(UnaryNode):
    """g / sqrt(x**2 - 1)"""

cdef UnaryOp ACOSH = unary_op("acosh", acosh_forward, AcoshBackward0, READS_X, acosh_backward, acosh_dx[Tensor])


@also("arccosh")
@op
def acosh(input):
    """Inverse hyperbolic cosine of each element; nan below 1.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Notes
    -----
    The derivative at 1 is inf.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.acosh(torch.tensor([1., 2.]))
    tensor([0.0000, 1.3170])
    """
    return unary(&ACOSH, tensor_arg(input, "acosh", "input", 1))


@also("arccosh_")
@method
def acosh_(self):
    """In-place version of `acosh`."""
    return unary_in_place(&ACOSH, own(self))


# -------------------------------------------------------------------------------------------- atanh

cdef inline num atanh_dx(num g, num x, num y, const double *c) noexcept:
    return g / one_minus_square_of(x)

cdef void atanh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(atanh_value, n, p, s)

cdef void atanh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(atanh_dx[double], n, p, s, c)

cdef class AtanhBackward0(UnaryNode):
    """g / (1 - x**2)"""

cdef UnaryOp ATANH = unary_op("atanh", atanh_forward, AtanhBackward0, READS_X, atanh_backward, atanh_dx[Tensor])


@also("arctanh")
@op
def atanh(input):
    """Inverse hyperbolic tangent of each element; nan outside [-1, 1].

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Notes
    -----
    The derivative at -1 and 1 is inf.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.atanh(torch.tensor([0., 0.5]))
    tensor([0.0000, 0.5493])
    """
    return unary(&ATANH, tensor_arg(input, "atanh", "input", 1))


@also("arctanh_")
@method
def atanh_(self):
    """In-place version of `atanh`."""
    return unary_in_place(&ATANH, own(self))
