# Trigonometric functions and the error function.
#
# x input, y result, g the gradient that comes in.

# ---------------------------------------------------------------------------------------------- sin

cdef inline num sin_dx(num g, num x, num y, const double *c) noexcept:
    return g * cos_of(x, c)

cdef void sin_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_near(sin_value, angle_room, n, p, s)

cdef void sin_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1_near(sin_dx[double], angle_room, n, p, s)

cdef class SinBackward0(UnaryNode):
    """g cos(x)"""

cdef UnaryOp SIN = unary_op("sin", sin_forward, SinBackward0, READS_X, sin_backward, sin_dx[Tensor])
SIN.alone = sin_value


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
    return g * -sin_of(x, c)

cdef void cos_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_near(cos_value, angle_room, n, p, s)

cdef void cos_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1_near(cos_dx[double], angle_room, n, p, s)

cdef class CosBackward0(UnaryNode):
    """-g sin(x)"""

cdef UnaryOp COS = unary_op("cos", cos_forward, CosBackward0, READS_X, cos_backward, cos_dx[Tensor])
COS.alone = cos_value


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
    map1_near(tan_value, angle_room, n, p, s)

cdef void tan_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(tan_dx[double], n, p, s, c)

cdef class TanBackward0(UnaryNode):
    """g (1 + tan(x)**2)"""

cdef UnaryOp TAN = unary_op("tan", tan_forward, TanBackward0, READS_Y, tan_backward, tan_dx[Tensor])
TAN.alone = tan_value


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


# --------------------------------------------------------------------------------------------- asin

# 1 - x*x, which loses near 1 what (1 - x)(1 + x) keeps; the derivative of the latter loses it near 0,
# so this is an operation of its own.

cdef inline double one_minus_square(double x) noexcept:
    return (1.0 - x) * (1.0 + x)

cdef inline num one_minus_square_of(num x) noexcept:
    if num is double:
        return one_minus_square(x)
    else:
        return unary(&ONE_MINUS_SQUARE, x)

cdef inline num one_minus_square_dx(num g, num x, num y, const double *c) noexcept:
    return g * (-2.0 * x)

cdef void one_minus_square_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(one_minus_square, n, p, s)

cdef void one_minus_square_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(one_minus_square_dx[double], n, p, s, c)

cdef class OneMinusSquareBackward0(UnaryNode):
    """-2 g x"""

cdef UnaryOp ONE_MINUS_SQUARE = unary_op("one_minus_square", one_minus_square_forward, OneMinusSquareBackward0,
                                         READS_X, one_minus_square_backward, one_minus_square_dx[Tensor])


cdef inline num asin_dx(num g, num x, num y, const double *c) noexcept:
    return g / sqrt_of[num](one_minus_square_of(x))

cdef void asin_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(asin_value, n, p, s)

cdef void asin_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(asin_dx[double], n, p, s, c)

cdef class AsinBackward0(UnaryNode):
    """g / sqrt(1 - x**2)"""

cdef UnaryOp ASIN = unary_op("asin", asin_forward, AsinBackward0, READS_X, asin_backward, asin_dx[Tensor])


@also("arcsin")
@op
def asin(input):
    """Inverse sine of each element, in radians; nan outside [-1, 1].

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
    >>> torch.asin(torch.tensor([0., 1.]))
    tensor([0.0000, 1.5708])
    """
    return unary(&ASIN, tensor_arg(input, "asin", "input", 1))


@also("arcsin_")
@method
def asin_(self):
    """In-place version of `asin`."""
    return unary_in_place(&ASIN, own(self))


# --------------------------------------------------------------------------------------------- acos

cdef inline num acos_dx(num g, num x, num y, const double *c) noexcept:
    return -g / sqrt_of[num](one_minus_square_of(x))

cdef void acos_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(acos_value, n, p, s)

cdef void acos_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(acos_dx[double], n, p, s, c)

cdef class AcosBackward0(UnaryNode):
    """-g / sqrt(1 - x**2)"""

cdef UnaryOp ACOS = unary_op("acos", acos_forward, AcosBackward0, READS_X, acos_backward, acos_dx[Tensor])


@also("arccos")
@op
def acos(input):
    """Inverse cosine of each element, in radians; nan outside [-1, 1].

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Notes
    -----
    The derivative at -1 and 1 is -inf.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.acos(torch.tensor([0., 1.]))
    tensor([1.5708, 0.0000])
    """
    return unary(&ACOS, tensor_arg(input, "acos", "input", 1))


@also("arccos_")
@method
def acos_(self):
    """In-place version of `acos`."""
    return unary_in_place(&ACOS, own(self))


# --------------------------------------------------------------------------------------------- atan

cdef inline num atan_dx(num g, num x, num y, const double *c) noexcept:
    return g / (1.0 + x * x)

cdef void atan_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(atan_value, n, p, s)

cdef void atan_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(atan_dx[double], n, p, s, c)

cdef class AtanBackward0(UnaryNode):
    """g / (1 + x**2)"""

cdef UnaryOp ATAN = unary_op("atan", atan_forward, AtanBackward0, READS_X, atan_backward, atan_dx[Tensor])


@also("arctan")
@op
def atan(input):
    """Inverse tangent of each element, in radians.

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
    >>> torch.atan(torch.tensor([0., 1.]))
    tensor([0.0000, 0.7854])
    """
    return unary(&ATAN, tensor_arg(input, "atan", "input", 1))


@also("arctan_")
@method
def atan_(self):
    """In-place version of `atan`."""
    return unary_in_place(&ATAN, own(self))


# ---------------------------------------------------------------------------------------------- erf

cdef inline num erf_dx(num g, num x, num y, const double *c) noexcept:
    return g * (1.1283791670955126 * exp_of[num](-(x * x)))     # 2 / sqrt(pi)

cdef void erf_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(erf_value, n, p, s)

cdef void erf_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(erf_dx[double], n, p, s, c)

cdef class ErfBackward0(UnaryNode):
    """2 g exp(-x**2) / sqrt(pi)"""

cdef UnaryOp ERF = unary_op("erf", erf_forward, ErfBackward0, READS_X, erf_backward, erf_dx[Tensor])


@op
def erf(input):
    """Error function of each element.

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
    >>> torch.erf(torch.tensor([0., 1.]))
    tensor([0.0000, 0.8427])
    """
    return unary(&ERF, tensor_arg(input, "erf", "input", 1))


@method
def erf_(self):
    """In-place version of `erf`."""
    return unary_in_place(&ERF, own(self))


# --------------------------------------------------------------------------------------------- erfc

cdef inline num erfc_dx(num g, num x, num y, const double *c) noexcept:
    return -g * (1.1283791670955126 * exp_of[num](-(x * x)))

cdef void erfc_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(erfc_value, n, p, s)

cdef void erfc_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(erfc_dx[double], n, p, s, c)

cdef class ErfcBackward0(UnaryNode):
    """-2 g exp(-x**2) / sqrt(pi)"""

cdef UnaryOp ERFC = unary_op("erfc", erfc_forward, ErfcBackward0, READS_X, erfc_backward, erfc_dx[Tensor])


@op
def erfc(input):
    """1 - erf(x) of each element, accurate where erf(x) is near 1.

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
    >>> torch.erfc(torch.tensor([0., 1.]))
    tensor([1.0000, 0.1573])
    """
    return unary(&ERFC, tensor_arg(input, "erfc", "input", 1))


@method
def erfc_(self):
    """In-place version of `erfc`."""
    return unary_in_place(&ERFC, own(self))
