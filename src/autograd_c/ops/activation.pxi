# Activations of neural networks.
#
# x input, y result, g the gradient that comes in.

# ------------------------------------------------------------------------------------------ sigmoid

cdef inline double sigmoid_value(double x) noexcept:
    return 1.0 / (1.0 + cmath.exp(-x))

cdef inline num sigmoid_dx(num g, num x, num y, const double *c) noexcept:
    return g * (1.0 - y) * y

cdef void sigmoid_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(sigmoid_value, n, p, s)

cdef void sigmoid_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(sigmoid_dx[double], n, p, s, c)

cdef class SigmoidBackward0(UnaryNode):
    """g y (1 - y)"""

cdef UnaryOp SIGMOID = unary_op("sigmoid", sigmoid_forward, SigmoidBackward0,
                                READS_Y, sigmoid_backward, sigmoid_dx[Tensor])


@op
def sigmoid(input):
    """1 / (1 + exp(-x)) of each element.

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
    >>> torch.sigmoid(torch.tensor([0., 1.]))
    tensor([0.5000, 0.7311])
    """
    return unary(&SIGMOID, tensor_arg(input, "sigmoid", "input", 1))


@method
def sigmoid_(self):
    """In-place version of `sigmoid`."""
    return unary_in_place(&SIGMOID, own(self))


# --------------------------------------------------------------------------------------------- relu

cdef inline double relu_value(double x) noexcept:
    return 0.0 if x < 0.0 else x                # a nan stays

cdef inline int64_t relu_value_int(int64_t x) noexcept:
    return 0 if x < 0 else x

cdef inline num relu_dx(num g, num x, num y, const double *c) noexcept:
    return if_positive(y, g)

cdef void relu_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(relu_value, n, p, s)

cdef void relu_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_int(relu_value_int, n, p, s)

cdef void relu_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(relu_dx[double], n, p, s, c)

cdef class ReluBackward0(UnaryNode):
    """g where x > 0, else 0"""

cdef UnaryOp RELU = unary_op("relu", relu_forward, ReluBackward0, READS_Y, relu_backward, relu_dx[Tensor])
RELU.integer = relu_integer


@op
def relu(input):
    """max(x, 0) of each element.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor
        float64 (the dtype of `input` for an integer one), with the sizes of `input`.

    Notes
    -----
    The derivative at 0 is 0, and that at a nan 1.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.relu(torch.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return unary(&RELU, no_bools(tensor_arg(input, "relu", "input", 1)))


@method
def relu_(self):
    """In-place version of `relu`."""
    return unary_in_place(&RELU, no_bools(own(self)))


cdef Tensor no_bools(Tensor x):
    if x.kind == BOOL:
        raise RuntimeError("Boolean inputs not supported for relu")
    return x
