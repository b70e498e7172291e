# The logarithm of the gamma function and its derivatives.
#
# Each block: the derivative, its kernels, its node, its table, its functions.
# x input, y result, g the gradient that comes in.
#
# Compilers inline functions as large as these in one place and not in ten.  So there is one loop over
# digamma and one over trigamma, from and to blocks, which are vectorised; and a gradient is a block of
# these, multiplied.

cdef void digamma_run(Py_ssize_t n, double *y, const double *x) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = digamma_value(x[i])

cdef void trigamma_run(Py_ssize_t n, double *y, const double *x) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = trigamma_value(x[i])

ctypedef void (*GammaRun)(Py_ssize_t n, double *y, const double *x) noexcept nogil

cdef void map_run(GammaRun run, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """y from x."""
    cdef double from_[BLOCK]
    cdef double to[BLOCK]
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef Py_ssize_t i, m
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        for i in range(m):
            from_[i] = x[s[1] * i]
        run(m, to, from_)
        memcpy(y, to, m * sizeof(double))
        y += m
        x += s[1] * m
        n -= m

cdef void chain_run(GammaRun run, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """g times that of x, from (g, x)."""
    cdef double from_[BLOCK]
    cdef double to[BLOCK]
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef Py_ssize_t i, m
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        for i in range(m):
            from_[i] = x[s[2] * i]
        run(m, to, from_)
        for i in range(m):
            r[i] = g[s[1] * i] * to[i]
        r += m
        g += s[1] * m
        x += s[2] * m
        n -= m


# ------------------------------------------------------------------------------------------- lgamma

cdef Tensor lgamma_dx(Tensor g, Tensor x, Tensor y, const double *c):
    return g * unary(&DIGAMMA, x)

cdef void lgamma_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(lgamma_value, n, p, s)

cdef void lgamma_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_run(digamma_run, n, p, s)

cdef class LgammaBackward0(UnaryNode):
    """g digamma(x)"""

cdef UnaryOp LGAMMA = unary_op("lgamma", lgamma_forward, LgammaBackward0, READS_X, lgamma_backward, lgamma_dx)


@op
def lgamma(input):
    """log|gamma(x)| of each element; inf at 0 and the negative integers.

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
    >>> torch.lgamma(torch.tensor([0.5, 1., 5.]))
    tensor([0.5724, 0.0000, 3.1781])
    """
    return unary(&LGAMMA, tensor_arg(input, "lgamma", "input", 1))


@method
def lgamma_(self):
    """In-place version of `lgamma`."""
    return unary_in_place(&LGAMMA, own(self))


# ------------------------------------------------------------------------------------------ digamma

cdef Tensor digamma_dx(Tensor g, Tensor x, Tensor y, const double *c):
    return g * unary_with(&POLYGAMMA, x, 1.0, 0.0)

cdef void digamma_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_run(digamma_run, n, p, s)

cdef void digamma_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_run(trigamma_run, n, p, s)

cdef class DigammaBackward0(UnaryNode):
    """g polygamma(1, x)"""

cdef UnaryOp DIGAMMA = unary_op("digamma", digamma_forward, DigammaBackward0, READS_X, digamma_backward,
                                digamma_dx)


@op
def digamma(input):
    """The derivative of `lgamma` at each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Notes
    -----
    It is -inf at 0, inf at -0 and nan at the negative integers.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.digamma(torch.tensor([0.5, 1.]))
    tensor([-1.9635, -0.5772])
    """
    return unary(&DIGAMMA, tensor_arg(input, "digamma", "input", 1))


@method
def digamma_(self):
    """In-place version of `digamma`."""
    return unary_in_place(&DIGAMMA, own(self))


# ---------------------------------------------------------------------------------------- polygamma
# c[0] is n.  Orders from 2 on are not vectorised, as maths/gamma.pxi says; what belongs to the order
# alone is made once for a block.

cdef Tensor polygamma_dx(Tensor g, Tensor x, Tensor y, const double *c):
    return g * unary_with(&POLYGAMMA, x, c[0] + 1.0, 0.0)

cdef void polygamma_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef Order order
    cdef Py_ssize_t i
    if c[0] == 0.0:
        digamma_forward(n, p, s, c)
    elif c[0] == 1.0:
        map_run(trigamma_run, n, p, s)
    else:
        order = order_of(c[0])
        for i in range(n):
            y[i] = polygamma_by_order(&order, x[s[1] * i])

cdef void polygamma_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef Order order
    cdef Py_ssize_t i
    if c[0] == 0.0:
        digamma_backward(n, p, s, c)
    else:
        order = order_of(c[0] + 1.0)
        for i in range(n):
            r[i] = g[s[1] * i] * polygamma_by_order(&order, x[s[2] * i])

cdef class PolygammaBackward0(UnaryNode):
    """g polygamma(n + 1, x)"""

cdef class PolygammaBackward1(UnaryNode):
    """g polygamma(n + 1, x); in place"""

cdef UnaryOp POLYGAMMA = unary_op("polygamma", polygamma_forward, PolygammaBackward0, READS_X, polygamma_backward,
                                  polygamma_dx)
cdef UnaryOp POLYGAMMA_IN_PLACE = unary_op("polygamma", polygamma_forward, PolygammaBackward1, READS_X,
                                           polygamma_backward, polygamma_dx)


cdef double order_arg(object n, str function) except? -1.0:
    """The order as a number, which may be negative: the types of all arguments come first."""
    if not is_int(n):
        raise TypeError(f"{function}(): argument 'n' (position 1) must be int, not {type_name(n)}")
    try:
        return <double><int64_t>n.__index__()
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None


cdef double checked_order(double n) except -1.0:
    if n < 0.0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return n


@op_function
def polygamma(n, input):
    """The n-th derivative of `digamma` at each element.

    Parameters
    ----------
    n : int
        0 or more.
    input : Tensor

    Returns
    -------
    Tensor
        float64, with the sizes of `input`.

    Raises
    ------
    RuntimeError
        If `n` is negative.

    Notes
    -----
    From n = 1 on it is infinite at 0 and the negative integers, with the sign of (-1)**(n + 1).

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.polygamma(1, torch.tensor([0.5, 1.]))
    tensor([4.9348, 1.6449])
    """
    cdef double order = order_arg(n, "polygamma")
    return unary_with(&POLYGAMMA, tensor_arg(input, "polygamma", "input", 2), checked_order(order), 0.0)


@method
@renamed("polygamma")
def polygamma_method(self, n):
    """The n-th derivative of `digamma` at each element; see `polygamma`."""
    return unary_with(&POLYGAMMA, own(self), checked_order(order_arg(n, "polygamma")), 0.0)


@method
def polygamma_(self, n):
    """In-place version of `polygamma`."""
    return unary_in_place_with(&POLYGAMMA_IN_PLACE, own(self), checked_order(order_arg(n, "polygamma_")), 0.0)
