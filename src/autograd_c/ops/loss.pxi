# Losses: an elementwise function of input and target, weighted and reduced, as one node.
#
# A loss is a BinaryOp like any other; `loss` adds the weight and the reduction.  Backward spreads the
# incoming gradient over the elements by stride 0 and runs the elementwise derivative on that.

cdef enum:
    NONE = 0
    MEAN = 1
    SUM = 2


cdef int reduction_number(str name) except -1:
    if name == "mean":
        return MEAN
    if name == "sum":
        return SUM
    if name == "none":
        return NONE
    raise ValueError(f"{name} is not a valid value for reduction")


cdef class LossNode(BinaryNode):
    """Base of the nodes of losses; `args` is the layout of the elements."""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Layout form = self.args
        cdef Tensor weight
        if self.flags & RELEASED:
            raise errors().second_backward(self.name())
        weight = saved_more(self, 0)
        if self.c[0] == MEAN and form.numel:
            g = binary(&DIV, g, scalar_number(form.numel))
        g = c_expand(g, form)
        if weight is not None:
            g = binary(&MUL, g, weight)
        return BinaryNode.apply(self, g, grads)


cdef Tensor reduced(Tensor y, Tensor weight, int reduction):
    if weight is not None:
        y = binary(&MUL, y, weight)
    if reduction == MEAN:
        return c_mean(y, every_dim(y), False, False)
    return c_sum_all(y) if reduction == SUM else y


cdef Tensor loss(const BinaryOp *op, Tensor x, Tensor target, Tensor weight, int reduction):
    """The loss; gradients with respect to input and target."""
    cdef Tensor elements, y, tx = tangent_of(x), tt = tangent_of(target), p = None, q = None
    cdef Node n
    cdef int no_grad = ag_tls.no_grad
    ag_tls.no_grad = 1
    try:
        elements = binary(op, bare(x), bare(target))
        y = reduced(elements, weight, reduction)
    finally:
        ag_tls.no_grad = no_grad
    if recording() and needs_grad(x) | needs_grad(target):
        n = own_node(binary_node(op, x, target, x, y.form))
        n.args = elements.form
        n.c[0] = reduction
        save_more(n, weight)
        set_result(n, y)
    if tx is not None:
        p = op.formula_a(tx, bare(x), bare(target))
    if tt is not None:
        q = op.formula_b(tt, bare(x), bare(target))
    if p is not None or q is not None:
        set_tangent(y, reduced(c_expand(added(p, q), elements.form), weight, reduction))
    return y


# ------------------------------------------------------------------------------- binary cross entropy

cdef inline num at_least(num x, double low) noexcept:
    if num is double:
        return low if x < low else x
    else:
        return c_clamp(x, low, None, False)

cdef inline num log1p_of(num x) noexcept:
    if num is double:
        return cmath.log1p(x)
    else:
        return unary(&LOG1P, x)

cdef inline num bce_da(num g, num a, num b) noexcept:
    return g * (a - b) / at_least[num]((1.0 - a) * a, 1e-12)

cdef inline num bce_db(num g, num a, num b) noexcept:
    return -g * (log_of[num](a) - log1p_of[num](-a))

cdef inline double bce_value(double x, double t) noexcept:
    return (t - 1.0) * at_least(cmath.log1p(-x), -100.0) - t * at_least(cmath.log(x), -100.0)

cdef void bce_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(bce_value, n, p, s)

cdef void bce_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(bce_da[double], n, p, s)

cdef void bce_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(bce_db[double], n, p, s)

cdef class BinaryCrossEntropyBackward0(LossNode):
    """input: g (x - t) / (x (1 - x)); target: g (log(1 - x) - log(x))"""

cdef BinaryOp BCE = differentiable(
    binary_op("binary_cross_entropy", FLOAT_ONLY, bce_forward, NULL), BinaryCrossEntropyBackward0, None,
    READS_A | READS_B, bce_backward_a, bce_da[Tensor], READS_A, bce_backward_b, bce_db[Tensor])


cdef int check_probabilities(Tensor x, str name) except -1:
    cdef Tensor inside
    inside = binary(&BITWISE_AND, compare(Py_GE, x, scalar_number(0.0)), compare(Py_LE, x, scalar_number(1.0)))
    if not truth(test_along(&ALL, inside, None, False)):
        raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    return 0


def binary_cross_entropy(input, target, weight=None, reduction="mean"):
    """-(t log(x) + (1 - t) log(1 - x)), with the logarithms cut off at -100.

    Parameters
    ----------
    input : Tensor
        Probabilities x, in [0, 1].
    target : Tensor
        The t, of the same sizes.
    weight : Tensor, optional
        Factor of each element, broadcast.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the sizes differ.
    RuntimeError
        If an element of input is not in [0, 1].

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.]))
    tensor(0.6931)
    """
    cdef Tensor x = tensor_arg(input, "binary_cross_entropy", "input", 1)
    cdef Tensor t = tensor_arg(target, "binary_cross_entropy", "target", 2)
    cdef Tensor w = None if weight is None else tensor_arg(weight, "binary_cross_entropy", "weight", 3)
    cdef int number = reduction_number(reduction)
    if not same_sizes(x.form, t.form):
        raise ValueError(f"Using a target size ({size_of(t.form)}) that is different to the input size "
                         f"({size_of(x.form)}) is deprecated. Please ensure they have the same size.")
    if w is not None and not expandable(w.form, x.form):
        broadcast_layouts(w.form, x.form)
    if x.kind != t.kind:
        raise RuntimeError(f"Found dtype {scalar_type_name(t.kind)} but expected {scalar_type_name(x.kind)}")
    if x.kind != F64:
        raise NotImplementedError(f"\"binary_cross_entropy\" not implemented for '{scalar_type_name(x.kind)}'")
    check_probabilities(x, "input")
    check_probabilities(t, "target")
    return loss(&BCE, x, t, w, number)


# -------------------------------------------------------------------------------------- squared error

cdef inline num mse_da(num g, num a, num b) noexcept:
    return g * (2.0 * (a - b))

cdef inline num mse_db(num g, num a, num b) noexcept:
    return g * (2.0 * (b - a))

cdef inline double mse_value(double x, double t) noexcept:
    return (x - t) * (x - t)

cdef void mse_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(mse_value, n, p, s)

cdef void mse_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(mse_da[double], n, p, s)

cdef void mse_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(mse_db[double], n, p, s)

cdef class MseLossBackward0(LossNode):
    """input: 2 g (x - t); target: 2 g (t - x)"""

cdef BinaryOp MSE = differentiable(
    binary_op("mse", FLOAT_ONLY, mse_forward, NULL), MseLossBackward0, None,
    READS_A | READS_B, mse_backward_a, mse_da[Tensor], READS_A | READS_B, mse_backward_b, mse_db[Tensor])


def mse_loss(input, target, reduction="mean", weight=None):
    """(x - t)**2, reduced.

    Parameters
    ----------
    input, target : Tensor
        Broadcast against each other, with a warning where their sizes differ.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, optional
        Factor of each element, broadcast.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(2.)
    """
    cdef Tensor x = tensor_arg(input, "mse_loss", "input", 1), t = tensor_arg(target, "mse_loss", "target", 2)
    cdef Tensor w = None if weight is None else tensor_arg(weight, "mse_loss", "weight", 4)
    cdef int number = reduction_number(reduction)
    if not same_sizes(x.form, t.form):
        import warnings
        warnings.warn(f"Using a target size ({size_of(t.form)}) that is different to the input size "
                      f"({size_of(x.form)}). This will likely lead to incorrect results due to broadcasting. Please "
                      "ensure they have the same size.", UserWarning, stacklevel=2)
    return loss(&MSE, x, t, w, number)
