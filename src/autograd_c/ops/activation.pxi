# Activations of neural networks.
#
# x input, y result, g the gradient that comes in, c the operation's numbers.  What PyTorch has in
# nn.functional only is published there (nn/functional.py).  In place, leaky_relu and elu keep the
# result and not a copy of the input, which tells as much unless the slope is negative.

# ------------------------------------------------------------------------------------------ sigmoid

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

# Where the gradient is itself recorded: an operation on it and on the result, whose derivative for the
# second is 0, and not none.

cdef inline double threshold_backward_value(double g, double y) noexcept:
    return if_positive(y, g)

cdef inline num threshold_backward_da(num g, num a, num b) noexcept:
    return if_positive(b, g)

cdef inline num threshold_backward_db(num g, num a, num b) noexcept:
    return zero_of(g)

cdef void threshold_backward_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(threshold_backward_value, n, p, s)

cdef void threshold_backward_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(threshold_backward_da[double], n, p, s)

cdef void threshold_backward_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(threshold_backward_db[double], n, p, s)

cdef class ThresholdBackwardBackward0(BinaryNode):
    """grad_output: g where the result is > 0, else 0; result: 0"""

cdef BinaryOp THRESHOLD_BACKWARD = differentiable(
    binary_op("threshold_backward", KEEP, threshold_backward_forward, NULL), ThresholdBackwardBackward0, None,
    READS_B, threshold_backward_backward_a, threshold_backward_da[Tensor],
    READS_NOTHING, threshold_backward_backward_b, threshold_backward_db[Tensor])

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


@renamed("relu")
def relu_either_way(input, inplace=False):
    """max(x, 0) of each element.

    Parameters
    ----------
    input : Tensor
    inplace : bool
        Write the result to `input`.

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
    >>> torch.nn.functional.relu(torch.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    cdef Tensor x = no_bools(tensor_arg(input, "relu", "input", 1))
    return unary_in_place(&RELU, x) if inplace else unary(&RELU, x)


# ---------------------------------------------------------------------------------------- arguments

cdef Tensor float_arg(object o, str function, str kernel):
    """The input of a function that takes float64 only."""
    cdef Tensor x = tensor_arg(o, function, "input", 1)
    if x.kind != F64:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type_name(x.kind)}'")
    return x


cdef double number_arg(object o, str function, str argument, int position) except? -1:
    """An argument that must be a number, or a 0-d tensor that requires no gradient."""
    cdef Tensor t = operand(o)
    if t is None or t.form.ndim or needs_grad(t):
        raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be Number, "
                        f"not {type_name(o)}")
    return (<double *>converted(t, F64).ptr)[0]


# --------------------------------------------------------------------------------------- leaky_relu

cdef inline double leaky_relu_value(double x, const double *c) noexcept:
    return x if x > 0.0 else x * c[0]

cdef inline double leaky_relu_slope(double x, const double *c) noexcept:
    return 1.0 if x > 0.0 else c[0]

cdef inline num leaky_relu_slope_of(num x, const double *c) noexcept:
    if num is double:
        return leaky_relu_slope(x, c)
    else:
        return unary_with(&LEAKY_RELU_SLOPE, x, c[0], 0.0)

cdef inline num leaky_relu_slope_dx(num g, num x, num y, const double *c) noexcept:
    return zero_of(g)

cdef inline num leaky_relu_dx(num g, num x, num y, const double *c) noexcept:
    return g * leaky_relu_slope_of[num](x, c)

cdef inline num leaky_relu_result_dx(num g, num x, num y, const double *c) noexcept:
    return g * leaky_relu_slope_of[num](y, c)

cdef void leaky_relu_slope_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1c(leaky_relu_slope, n, p, s, c)

cdef void leaky_relu_slope_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(leaky_relu_slope_dx[double], n, p, s, c)

cdef void leaky_relu_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1c(leaky_relu_value, n, p, s, c)

cdef void leaky_relu_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(leaky_relu_dx[double], n, p, s, c)

cdef void leaky_relu_result_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(leaky_relu_result_dx[double], n, p, s, c)

cdef class LeakyReluBackward0(UnaryNode):
    """g where x > 0, else slope g"""

cdef class LeakyReluBackward1(UnaryNode):
    """g where the result is > 0, else slope g; in place"""

cdef class LeakyReluBackwardBackward0(UnaryNode):
    """0: the slope is constant, and recorded so that it has this derivative and not none"""

cdef UnaryOp LEAKY_RELU_SLOPE = unary_op("leaky_relu_slope", leaky_relu_slope_forward, LeakyReluBackwardBackward0,
                                         READS_NOTHING, leaky_relu_slope_backward, leaky_relu_slope_dx[Tensor])
cdef UnaryOp LEAKY_RELU = unary_op("leaky_relu", leaky_relu_forward, LeakyReluBackward0,
                                   READS_X, leaky_relu_backward, leaky_relu_dx[Tensor])
cdef UnaryOp LEAKY_RELU_RESULT = unary_op("leaky_relu", leaky_relu_forward, LeakyReluBackward1,
                                          READS_Y, leaky_relu_result_backward, leaky_relu_result_dx[Tensor])


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x where x > 0, else negative_slope * x.

    Parameters
    ----------
    input : Tensor
        float64.
    negative_slope : float
    inplace : bool
        Write the result to `input`.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        If `input` is not float64.

    Notes
    -----
    The derivative at 0, and at a nan, is negative_slope.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1., 2.]))
    tensor([-0.0100,  2.0000])
    """
    cdef Tensor x = float_arg(input, "leaky_relu", "leaky_relu_cpu")
    cdef double slope = number_arg(negative_slope, "leaky_relu_" if inplace else "leaky_relu", "negative_slope", 2)
    if not inplace:
        return unary_with(&LEAKY_RELU, x, slope, 0.0)
    return unary_in_place_with(&LEAKY_RELU_RESULT if slope >= 0.0 else &LEAKY_RELU, x, slope, 0.0)


def leaky_relu_(input, negative_slope=0.01):
    """In-place version of `leaky_relu`."""
    return leaky_relu(input, negative_slope, True)


# ---------------------------------------------------------------------------------------------- elu
# The derivative at 0 is alpha and the second one 0, hence three cases.

cdef inline double elu_value(double x, const double *c) noexcept:
    return c[0] * expm1_value(x) if x < 0.0 else x

cdef inline num elu_dx(num g, num x, num y, const double *c) noexcept:
    # exp only of what is negative: an inf that is not chosen would come back as a nan.
    cdef num e = exp_of[num](if_above[num](-x, 0.0, x, zero_of(x)))
    return if_above[num](-x, 0.0, g * c[0] * e, if_zero[num](x, g * c[0], g))

cdef inline num elu_result_dx(num g, num x, num y, const double *c) noexcept:
    return if_above[num](-y, 0.0, g * (y + c[0]), if_zero[num](y, g * c[0], g))

cdef void elu_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1c(elu_value, n, p, s, c)

cdef void elu_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(elu_dx[double], n, p, s, c)

cdef void elu_result_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(elu_result_dx[double], n, p, s, c)

cdef class EluBackward0(UnaryNode):
    """g where x > 0, else alpha g exp(x)"""

cdef class EluBackward1(UnaryNode):
    """g where the result is > 0, else g (result + alpha); in place"""

cdef UnaryOp ELU = unary_op("elu", elu_forward, EluBackward0, READS_X, elu_backward, elu_dx[Tensor])
cdef UnaryOp ELU_RESULT = unary_op("elu", elu_forward, EluBackward1,
                                   READS_Y, elu_result_backward, elu_result_dx[Tensor])


def elu(input, alpha=1.0, inplace=False):
    """x where x > 0, else alpha * (exp(x) - 1).

    Parameters
    ----------
    input : Tensor
        float64.
    alpha : float
    inplace : bool
        Write the result to `input`.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        If `input` is not float64.

    Notes
    -----
    The derivative at 0 is alpha, and that at a nan 1.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.elu(torch.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """
    cdef Tensor x = float_arg(input, "elu", "elu_cpu")
    cdef double a = number_arg(alpha, "elu_" if inplace else "elu", "alpha", 2)
    if not inplace:
        return unary_with(&ELU, x, a, 0.0)
    return unary_in_place_with(&ELU_RESULT if a >= 0.0 else &ELU, x, a, 0.0)


def elu_(input, alpha=1.0):
    """In-place version of `elu`."""
    return elu(input, alpha, True)


# ----------------------------------------------------------------------------------------- logistic
# sigmoid again, for the formulas below: its derivative, made of two values, is right where 1 - y has
# cancelled.

cdef inline num logistic_of(num x) noexcept:
    if num is double:
        return sigmoid_value(x)
    else:
        return unary(&LOGISTIC, x)

cdef inline num logistic_dx(num g, num x, num y, const double *c) noexcept:
    return g * logistic_of(x) * logistic_of[num](-x)

cdef void logistic_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(sigmoid_value, n, p, s)

cdef void logistic_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(logistic_dx[double], n, p, s, c)

cdef UnaryOp LOGISTIC = unary_op("sigmoid", logistic_forward, SigmoidBackward0,
                                 READS_X, logistic_backward, logistic_dx[Tensor])


# --------------------------------------------------------------------------------------------- silu

cdef inline num silu_dx(num g, num x, num y, const double *c) noexcept:
    return g * logistic_of(x) * (1.0 + x * logistic_of[num](-x))

cdef void silu_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(silu_value, n, p, s)

cdef void silu_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(silu_dx[double], n, p, s, c)

cdef class SiluBackward0(UnaryNode):
    """g s (1 + x (1 - s)), s = sigmoid(x)"""

cdef UnaryOp SILU = unary_op("silu", silu_forward, SiluBackward0, READS_X, silu_backward, silu_dx[Tensor])


def silu(input, inplace=False):
    """x sigmoid(x) of each element.

    Parameters
    ----------
    input : Tensor
        float64.
    inplace : bool
        Write the result to `input`.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        If `input` is not float64.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.silu(torch.tensor([-1., 2.]))
    tensor([-0.2689,  1.7616])
    """
    cdef Tensor x = float_arg(input, "silu", "silu_cpu")
    return unary_in_place(&SILU, x) if inplace else unary(&SILU, x)


# --------------------------------------------------------------------------------------------- gelu

cdef inline num normal_cdf_of(num x) noexcept:
    if num is double:
        return normal_cdf(x)
    else:
        return 0.5 * unary(&ERFC, x * -0.7071067811865476)

cdef inline double gelu_value(double x) noexcept:
    return x * normal_cdf(x)

cdef inline num gelu_dx(num g, num x, num y, const double *c) noexcept:
    # The constant is 1 / sqrt(2 pi).
    return g * (normal_cdf_of(x) + x * (0.3989422804014327 * exp_of[num](-0.5 * x * x)))

# With "tanh", (1 + tanh(u)) / 2 is sigmoid(2 u), which does not cancel.

cdef inline num gelu_tanh_2u(num x) noexcept:
    # The constant is 2 sqrt(2 / pi).
    return 1.5957691216057308 * x * (1.0 + 0.044715 * x * x)

cdef inline double gelu_tanh_value(double x) noexcept:
    return x * sigmoid_value(gelu_tanh_2u(x))

cdef inline num gelu_tanh_dx(num g, num x, num y, const double *c) noexcept:
    cdef num u = gelu_tanh_2u(x)
    cdef num s = logistic_of(u)
    cdef num t = 1.5957691216057308 * x * s * logistic_of[num](-u)
    return g * (s + t + 0.134145 * t * x * x)   # t first: it is 0 where x * x overflows

cdef void gelu_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(gelu_value, n, p, s)

cdef void gelu_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(gelu_dx[double], n, p, s, c)

cdef void gelu_tanh_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(gelu_tanh_value, n, p, s)

cdef void gelu_tanh_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(gelu_tanh_dx[double], n, p, s, c)

cdef class GeluBackward0(UnaryNode):
    """g (P(x) + x p(x)), P and p the normal distribution and its density, or their approximations"""

cdef UnaryOp GELU = unary_op("gelu", gelu_forward, GeluBackward0, READS_X, gelu_backward, gelu_dx[Tensor])
cdef UnaryOp GELU_TANH = unary_op("gelu_tanh", gelu_tanh_forward, GeluBackward0,
                                  READS_X, gelu_tanh_backward, gelu_tanh_dx[Tensor])


def gelu(input, *, approximate="none"):
    """x P(X <= x) of each element, X standard normal.

    Parameters
    ----------
    input : Tensor
        float64.
    approximate : {"none", "tanh"}
        With "tanh" P is (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x**3).

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        If `input` is not float64.
    RuntimeError
        If `approximate` is neither.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1., 2.]))
    tensor([-0.1587,  1.9545])
    """
    cdef Tensor x = tensor_arg(input, "gelu", "input", 1)
    if not isinstance(approximate, str):
        raise TypeError(f"gelu(): argument 'approximate' must be str, not {type_name(approximate)}")
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    x = float_arg(x, "gelu", "GeluKernelImpl")
    return unary(&GELU if approximate == "none" else &GELU_TANH, x)


# ----------------------------------------------------------------------------------------- softplus
# The second derivative is 0 from the threshold on, where the first is still sigmoid's: the constant.

cdef inline double softplus_scaled(double x, const double *c) noexcept:
    cdef double bx = x * c[0], y = softplus_value(bx) / c[0]
    return x if bx > c[1] else y

cdef inline num softplus_dx(num g, num x, num y, const double *c) noexcept:
    cdef num bx = x * c[0]
    cdef num curve = if_zero[num](bx - c[1], g * sigmoid_value(c[1]), g * logistic_of(bx))
    return if_above[num](bx, c[1], g, curve)

cdef void softplus_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1c(softplus_scaled, n, p, s, c)

cdef void softplus_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(softplus_dx[double], n, p, s, c)

cdef class SoftplusBackward0(UnaryNode):
    """g where beta x > threshold, else g sigmoid(beta x)"""

cdef UnaryOp SOFTPLUS = unary_op("softplus", softplus_forward, SoftplusBackward0,
                                 READS_X, softplus_backward, softplus_dx[Tensor])


def softplus(input, beta=1, threshold=20):
    """log(1 + exp(beta x)) / beta of each element, without overflow on the way.

    Parameters
    ----------
    input : Tensor
        float64.
    beta : float
    threshold : float
        Where beta x is larger the result is x.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        If `input` is not float64.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.softplus(torch.tensor([-1., 30.]))
    tensor([ 0.3133, 30.0000])
    """
    cdef Tensor x = tensor_arg(input, "softplus", "input", 1)
    cdef double b = number_arg(beta, "softplus", "beta", 2)
    cdef double t = number_arg(threshold, "softplus", "threshold", 3)
    return unary_with(&SOFTPLUS, float_arg(x, "softplus", "softplus_cpu"), b, t)


# --------------------------------------------------------------------------------------- logsigmoid

cdef inline num logsigmoid_dx(num g, num x, num y, const double *c) noexcept:
    return g * logistic_of[num](-x)

cdef void logsigmoid_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1(logsigmoid_value, n, p, s)

cdef void logsigmoid_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(logsigmoid_dx[double], n, p, s, c)

cdef class LogSigmoidBackward0(UnaryNode):
    """g sigmoid(-x)"""

cdef UnaryOp LOGSIGMOID = unary_op("log_sigmoid", logsigmoid_forward, LogSigmoidBackward0,
                                   READS_X, logsigmoid_backward, logsigmoid_dx[Tensor])


def logsigmoid(input):
    """log(sigmoid(x)) of each element, without overflow on the way.

    Parameters
    ----------
    input : Tensor
        float64.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        If `input` is not float64.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.logsigmoid(torch.tensor([-1., 2.]))
    tensor([-1.3133, -0.1269])
    """
    return unary(&LOGSIGMOID, float_arg(input, "log_sigmoid", "log_sigmoid_cpu"))
