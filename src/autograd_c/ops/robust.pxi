# Losses that grow linearly with the difference of input and target: l1, smooth l1, Huber.

# ------------------------------------------------------------------------------------------- l1 loss

cdef Tensor c_l1_loss(Tensor x, Tensor t, int reduction):
    return reduced(unary(&ABS, binary(&SUB, x, t)), None, reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """abs(x - t), reduced.

    Parameters
    ----------
    input, target : Tensor
        Broadcast against each other, with a warning where their sizes differ.
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, optional
        Factor of each element, of the sizes of `input`; the mean is divided by its sum.

    Returns
    -------
    Tensor

    Notes
    -----
    The derivative is 0 where x == t.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(1.)
    """
    cdef Tensor x = tensor_arg(input, "l1_loss", "input", 1), t = tensor_arg(target, "l1_loss", "target", 2)
    cdef Tensor w = weight_arg(weight, "l1_loss", "weight", 6)
    cdef str name
    cdef Layout form
    warn_of_sizes(x, t)
    name = reduction_name(reduction, size_average, reduce)
    form = broadcast_layouts(x.form, t.form)
    if w is not None:
        return weighted(unary(&ABS, binary(&SUB, c_expand(x, form), c_expand(t, form))), w, x, name, True)
    return c_l1_loss(c_expand(x, form), c_expand(t, form), reduction_number(name))


# ------------------------------------------------------------------------------- smooth l1 and Huber
# From |d| = beta on the derivative is that of the straight part, so that the second one is 0 there.

cdef inline num bent(num d, double bound, double divisor, double slope) noexcept:
    """d / divisor within the bound, from there on +-slope; a nan stays, as a constant."""
    if num is double:
        return slope * sign_value(d) if cmath.fabs(d) >= bound else d / divisor
    else:
        return choose(compare(Py_LT, unary(&ABS, d), scalar_number(bound)), d / divisor,
                      choose(unary(&ISNAN, d), scalar_number(float("nan")),
                             unary_with(&SCALE, unary(&SIGN, d), slope, 0.0)))

cdef inline num smooth_l1_dx(num g, num x, num t, num w, const double *c) noexcept:
    return g * bent[num](x - t, c[0], c[0], 1.0)

cdef inline num smooth_l1_dt(num g, num x, num t, num w, const double *c) noexcept:
    return g * bent[num](t - x, c[0], c[0], 1.0)

cdef inline double smooth_l1_value(double x, double t, double w, const double *c) noexcept:
    cdef double d = cmath.fabs(x - t)
    return 0.5 * d * (d / c[0]) if d < c[0] else d - 0.5 * c[0]

cdef void smooth_l1_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_loss(smooth_l1_value, n, p, s, c)

cdef void smooth_l1_backward_x(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(smooth_l1_dx[double], n, p, s, c)

cdef void smooth_l1_backward_t(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(smooth_l1_dt[double], n, p, s, c)

cdef class SmoothL1LossBackward0(LossNode):
    """d = x - t; input: g d / beta within beta, else g sign(d); target: the same of -d"""

cdef LossOp SMOOTH_L1 = loss_op(
    "smooth_l1_loss", SmoothL1LossBackward0, smooth_l1_forward,
    smooth_l1_backward_x, smooth_l1_dx[Tensor], smooth_l1_backward_t, smooth_l1_dt[Tensor])


cdef double double_arg(object value, str function, str name, int position) except? -1:
    if isinstance(value, Tensor) and (<Tensor>value).form.ndim == 0:
        value = single_element(<Tensor>value)
    if not isinstance(value, (int, float)):
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be float, not {type_name(value)}")
    return value


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """(x - t)**2 / (2 beta) where abs(x - t) < beta, else abs(x - t) - beta / 2; reduced.

    Parameters
    ----------
    input, target : Tensor
        Broadcast against each other, with a warning where their sizes differ.
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
    reduction : {"mean", "sum", "none"}
    beta : float
        Where the parabola becomes straight; for 0 it is the l1 loss.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If beta is negative.

    Notes
    -----
    Where abs(x - t) == beta the second derivative is 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.smooth_l1_loss(torch.tensor([1., 2.]), torch.tensor([1.5, 4.]), reduction="none")
    tensor([0.1250, 1.5000])
    """
    cdef Tensor x = tensor_arg(input, "smooth_l1_loss", "input", 1)
    cdef Tensor t = tensor_arg(target, "smooth_l1_loss", "target", 2)
    cdef double bound = double_arg(beta, "smooth_l1_loss", "beta", 4)
    cdef int number
    cdef Layout form
    warn_of_sizes(x, t)
    number = reduction_number(reduction_name(reduction, size_average, reduce))
    form = broadcast_layouts(x.form, t.form)
    x = c_expand(x, form)
    t = c_expand(t, form)
    if bound == 0.0:
        return c_l1_loss(x, t, number)
    if not bound > 0.0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    check_floats("smooth_l1_cpu", x, t)
    return loss(&SMOOTH_L1, x, t, None, bound, None, number)


cdef inline num huber_dx(num g, num x, num t, num w, const double *c) noexcept:
    return g * bent[num](x - t, c[0], 1.0, c[0])

cdef inline num huber_dt(num g, num x, num t, num w, const double *c) noexcept:
    return g * bent[num](t - x, c[0], 1.0, c[0])

cdef inline double huber_value(double x, double t, double w, const double *c) noexcept:
    cdef double d = cmath.fabs(x - t)
    return 0.5 * d * d if d < c[0] else c[0] * (d - 0.5 * c[0])

cdef void huber_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_loss(huber_value, n, p, s, c)

cdef void huber_backward_x(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(huber_dx[double], n, p, s, c)

cdef void huber_backward_t(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(huber_dt[double], n, p, s, c)

cdef class HuberLossBackward0(LossNode):
    """d = x - t; input: g d within delta, else g delta sign(d); target: the same of -d"""

cdef LossOp HUBER = loss_op(
    "huber_loss", HuberLossBackward0, huber_forward,
    huber_backward_x, huber_dx[Tensor], huber_backward_t, huber_dt[Tensor])


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """(x - t)**2 / 2 where abs(x - t) < delta, else delta (abs(x - t) - delta / 2); reduced.

    Parameters
    ----------
    input, target : Tensor
        Broadcast against each other, with a warning where their sizes differ.
    reduction : {"mean", "sum", "none"}
    delta : float
        Where the parabola becomes straight.
    weight : Tensor, optional
        Factor of each element, of the sizes of `input`.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If delta is not positive.

    Notes
    -----
    Where abs(x - t) == delta the second derivative is 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.huber_loss(torch.tensor([1., 2.]), torch.tensor([1.5, 4.]), reduction="none", delta=2.)
    tensor([0.1250, 2.0000])
    """
    cdef Tensor x = tensor_arg(input, "huber_loss", "input", 1), t = tensor_arg(target, "huber_loss", "target", 2)
    cdef Tensor w = weight_arg(weight, "huber_loss", "weight", 5), y
    cdef double bound = double_arg(delta, "huber_loss", "delta", 4)
    cdef str name = str(reduction)
    cdef int number
    cdef Layout form
    warn_of_sizes(x, t)
    form = broadcast_layouts(x.form, t.form)
    number = NONE if w is not None else reduction_number(name)
    if not bound > 0.0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    check_castable(max(x.kind, t.kind), x.kind)
    check_floats("huber_cpu", x, t)
    y = loss(&HUBER, c_expand(x, form), c_expand(t, form), None, bound, None, number)
    return y if w is None else weighted(y, w, x, name, False)
