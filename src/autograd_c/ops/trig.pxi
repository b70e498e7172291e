# Trigonometric and hyperbolic functions.
#
# x input, y result, g the gradient that comes in.

# ---------------------------------------------------------------------------------------------- sin

cdef inline num sin_dx(num g, num x, num y, const double *c) noexcept:
    return g * cos_of(x)

cdef void sin_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cmath.sin, n, p, s)

cdef void sin_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(sin_dx[double], n, p, s, c)

cdef class SinBackward0(UnaryNode):
    """g cos(x)"""

cdef UnaryOp SIN = unary_op("sin", sin_forward, SinBackward0, READS_X, sin_backward, sin_dx[Tensor])


@op
def sin(input):
    """Sine of each element, in radians.

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
    >>> torch.sin(torch.tensor([0., 1.]))
    tensor([0.0000, 0.8415])
    """
    return unary(&SIN, tensor_arg(input, "sin", "input", 1))


@method
def sin_(self):
    """In-place version of `sin`."""
    return unary_in_place(&SIN, own(self))


# ---------------------------------------------------------------------------------------------- cos

cdef inline num cos_dx(num g, num x, num y, const double *c) noexcept:
    return g * -sin_of(x)

cdef void cos_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cmath.cos, n, p, s)

cdef void cos_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(cos_dx[double], n, p, s, c)

cdef class CosBackward0(UnaryNode):
    """-g sin(x)"""

cdef UnaryOp COS = unary_op("cos", cos_forward, CosBackward0, READS_X, cos_backward, cos_dx[Tensor])


@op
def cos(input):
    """Cosine of each element, in radians.

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
    >>> torch.cos(torch.tensor([0., 1.]))
    tensor([1.0000, 0.5403])
    """
    return unary(&COS, tensor_arg(input, "cos", "input", 1))


@method
def cos_(self):
    """In-place version of `cos`."""
    return unary_in_place(&COS, own(self))


# ---------------------------------------------------------------------------------------------- tan

cdef inline num tan_dx(num g, num x, num y, const double *c) noexcept:
    return g * (1.0 + y * y)

cdef void tan_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cmath.tan, n, p, s)

cdef void tan_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(tan_dx[double], n, p, s, c)

cdef class TanBackward0(UnaryNode):
    """g (1 + tan(x)**2)"""

cdef UnaryOp TAN = unary_op("tan", tan_forward, TanBackward0, READS_Y, tan_backward, tan_dx[Tensor])


@op
def tan(input):
    """Tangent of each element, in radians.

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
    >>> torch.tan(torch.tensor([0., 1.]))
    tensor([0.0000, 1.5574])
    """
    return unary(&TAN, tensor_arg(input, "tan", "input", 1))


@method
def tan_(self):
    """In-place version of `tan`."""
    return unary_in_place(&TAN, own(self))


# --------------------------------------------------------------------------------------------- tanh

cdef inline num tanh_dx(num g, num x, num y, const double *c) noexcept:
    return g * (1.0 - y * y)

cdef void tanh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(cmath.tanh, n, p, s)

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
