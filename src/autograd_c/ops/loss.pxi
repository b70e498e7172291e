# Losses: an elementwise function of input and target, weighted and reduced, as one node.
#
# A loss is a table (LossOp): the value and the two derivatives of an element, from the input x, the
# target t, and what a few have besides: a third operand w (a tensor) and constants c.  `loss` adds the
# weight and the reduction.  Backward spreads the incoming gradient over the elements by stride 0 and
# runs the elementwise derivative on that.  Losses that PyTorch composes of other operations, so that
# its graph shows them, are composed here too.

cdef enum:
    NONE = 0
    MEAN = 1
    SUM = 2

ctypedef double (*LossValue)(double x, double t, double w, const double *c) noexcept
ctypedef double (*LossChain)(double g, double x, double t, double w, const double *c) noexcept
ctypedef Tensor (*LossFormula)(Tensor g, Tensor x, Tensor t, Tensor w, const double *c)

cdef struct LossOp:
    const char *name
    Kernel forward             # y from x, t, w
    PyTypeObject *node
    Kernel backward_x          # from g, x, t, w
    Kernel backward_t
    LossFormula formula_x
    LossFormula formula_t


cdef LossOp loss_op(const char *name, object node, Kernel forward, Kernel backward_x, LossFormula formula_x,
                    Kernel backward_t, LossFormula formula_t):
    cdef LossOp op
    op.name = name
    op.node = <PyTypeObject *>node
    op.forward = forward
    op.backward_x = backward_x
    op.formula_x = formula_x
    op.backward_t = backward_t
    op.formula_t = formula_t
    return op


cdef inline void map_loss(LossValue f, Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef const double *t = <const double *>p[2]
    cdef const double *w = <const double *>p[3]
    cdef Py_ssize_t i
    if s[1] and s[2] and s[3]:
        for i in range(n):
            y[i] = f(x[i], t[i], w[i], c)
    else:
        for i in range(n):
            y[i] = f(x[s[1] * i], t[s[2] * i], w[s[3] * i], c)


cdef inline void chain_loss(LossChain f, Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef const double *t = <const double *>p[3]
    cdef const double *w = <const double *>p[4]
    cdef Py_ssize_t i
    for i in range(n):                          # all move, as in `chain1`
        r[i] = f(g[i], x[i], t[i], w[i], c)


cdef Tensor loss_elements(const LossOp *op, Tensor x, Tensor t, Tensor w, const double *c):
    """The loss of each element; x and t have the same sizes."""
    cdef Tensor y = new_tensor(F64, fresh_layout(x.form))
    cdef Walk walk
    if w is None:
        w = x                                   # not read
    walk_start(&walk, y.form)
    walk_add(&walk, y.ptr, y.form, F64, F64)
    walk_add(&walk, x.ptr, x.form, x.kind, F64)
    walk_add(&walk, t.ptr, t.form, t.kind, F64)
    walk_add(&walk, w.ptr, w.form, w.kind, F64)
    walk_run(&walk, op.forward, c)
    return y


cdef Tensor loss_gradient(Kernel kernel, Tensor g, Tensor x, Tensor t, Tensor w, const double *c):
    """The double form of a derivative in one pass."""
    cdef Tensor d = new_tensor(F64, fresh_layout(x.form))
    cdef Walk walk
    if w is None:
        w = x
    walk_start(&walk, d.form)
    walk.spreads = True
    walk_add(&walk, d.ptr, d.form, F64, F64)
    walk_add(&walk, g.ptr, g.form, F64, F64)
    walk_add(&walk, x.ptr, x.form, x.kind, F64)
    walk_add(&walk, t.ptr, t.form, t.kind, F64)
    walk_add(&walk, w.ptr, w.form, w.kind, F64)
    walk_run(&walk, kernel, c)
    return d


cdef class LossNode(Node):
    """Base of the nodes of losses; c[0] is the reduction, c[1] the constant of the formulas."""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef const LossOp *op = <const LossOp *>self.op
        cdef Tensor x = saved_a(self), t = saved_b(self), weight = saved_more(self, 0), w = saved_more(self, 1)
        cdef bint recorded = recording() or ((g.flags | x.flags | t.flags) & SPECIAL) != 0
        if self.c[0] == MEAN and x.form.numel:
            g = binary(&DIV, g, scalar_number(x.form.numel))
        g = c_expand(g, x.form)
        if weight is not None:
            g = binary(&MUL, g, weight)
        if self.next0 is not None:
            give(grads, 0, op.formula_x(g, x, t, w, &self.c[1]) if recorded
                 else loss_gradient(op.backward_x, g, x, t, w, &self.c[1]))
        if self.next1 is not None:
            give(grads, 1, op.formula_t(g, x, t, w, &self.c[1]) if recorded
                 else loss_gradient(op.backward_t, g, x, t, w, &self.c[1]))
        return 0


cdef Tensor reduced(Tensor y, Tensor weight, int reduction):
    if weight is not None:
        y = binary(&MUL, y, weight)
    if reduction == MEAN:
        return c_mean(y, every_dim(y), False, False)
    return c_sum_all(y) if reduction == SUM else y


cdef Tensor loss_values(const LossOp *op, Tensor x, Tensor t, Tensor w, double constant, Tensor weight, int reduction):
    """The loss, unknown to autograd; a policy is not asked about its steps."""
    cdef int no_grad = ag_tls.no_grad, watching = ag_tls.watching
    ag_tls.no_grad = 1
    ag_tls.watching = 0
    try:
        return reduced(loss_elements(op, x, t, w, &constant), weight, reduction)
    finally:
        ag_tls.no_grad = no_grad
        ag_tls.watching = watching


cdef Tensor loss(const LossOp *op, Tensor x, Tensor t, Tensor w, double constant, Tensor weight, int reduction):
    """The loss of x and t, of the same sizes, with gradients for both."""
    cdef Tensor y, tx = tangent_of(x), tt = tangent_of(t), p = None, q = None
    cdef Node n
    y = recalled_result(op.name, x.form if reduction == NONE else SCALAR)
    if y is None:
        y = loss_values(op, x, t, w, constant, weight, reduction)
        computed(op.name, y, x, t)
    if recording() and needs_grad(x) | needs_grad(t):
        n = new_node(op.node)
        n.op = op
        n.c[0] = reduction
        n.c[1] = constant
        add_edge(n, x)
        add_edge(n, t)
        save_a(n, x)
        save_b(n, t)
        save_more(n, weight)
        save_more(n, w)
        set_result(n, y)
    if tx is not None:
        p = op.formula_x(tx, bare(x), bare(t), w, &constant)
    if tt is not None:
        q = op.formula_t(tt, bare(x), bare(t), w, &constant)
    if p is not None or q is not None:
        set_tangent(y, reduced(added(p, q), weight, reduction))
    return y


# ----------------------------------------------------------------------------------------- arguments

cdef object warn(str text):
    import warnings
    warnings.warn(text, UserWarning, stacklevel=1)


cdef str reduction_name(object reduction, object size_average, object reduce):
    """The reduction, where it is not said in the words that were used before there was one."""
    if size_average is None and reduce is None:
        return str(reduction)
    if reduce is not None and not reduce:
        name = "none"
    else:
        name = "mean" if size_average is None or size_average else "sum"
    warn(f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.")
    return name


cdef int reduction_number(str name) except -1:
    if name == "mean":
        return MEAN
    if name == "sum":
        return SUM
    if name == "none":
        return NONE
    if name == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        return MEAN
    raise ValueError(f"{name} is not a valid value for reduction")


cdef int warn_of_sizes(Tensor x, Tensor t) except -1:
    if not same_sizes(x.form, t.form):
        warn(f"Using a target size ({size_of(t.form)}) that is different to the input size ({size_of(x.form)}). This "
             "will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.")
    return 0


cdef int check_constant_weight(Tensor w, str function, str name) except -1:
    """Raise where a gradient would be wanted for what is not differentiated by."""
    if w is not None and recording() and needs_grad(w):
        raise RuntimeError(f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
                           "input cannot have requires_grad True.")
    return 0


cdef Tensor weight_arg(object weight, str function, str name, int position):
    return None if weight is None else tensor_arg(weight, function, name, position)


cdef int check_floats(str name, Tensor x, Tensor t) except -1:
    if x.kind != F64 and t.kind != F64:
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_type_name(max(x.kind, t.kind))}'")
    return 0


cdef Tensor weighted(Tensor elements, Tensor weight, Tensor x, str reduction, bint mean_by_weight):
    """What the losses of differences do with a weight, in operations that the graph shows."""
    if not same_sizes(weight.form, x.form):
        raise ValueError("Weights and input must have the same size.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    elements = binary(&MUL, elements, weight)
    if reduction == "none":
        return elements
    if reduction == "sum":
        return c_sum_all(elements)
    if mean_by_weight:
        return binary(&DIV, c_sum_all(elements), c_sum_all(weight))
    return c_mean(elements, every_dim(elements), False, False)


# ------------------------------------------------------------------------------- binary cross entropy

cdef inline num at_least(num x, double low) noexcept:
    if num is double:
        return low if x < low else x
    else:
        return c_clamp(x, low, None, False)

cdef inline num log1p_of(num x) noexcept:
    if num is double:
        return log1p_value(x)
    else:
        return unary(&LOG1P, x)

cdef inline num bce_dx(num g, num x, num t, num w, const double *c) noexcept:
    return g * (x - t) / at_least[num]((1.0 - x) * x, 1e-12)

cdef inline num bce_dt(num g, num x, num t, num w, const double *c) noexcept:
    return -g * (log_of[num](x) - log1p_of[num](-x))

cdef inline double bce_value(double x, double t, double w, const double *c) noexcept:
    return (t - 1.0) * at_least(log1p_value(-x), -100.0) - t * at_least(log_value(x, NULL), -100.0)

cdef void bce_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_loss(bce_value, n, p, s, c)

cdef void bce_backward_x(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(bce_dx[double], n, p, s, c)

cdef void bce_backward_t(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(bce_dt[double], n, p, s, c)

cdef class BinaryCrossEntropyBackward0(LossNode):
    """input: g (x - t) / (x (1 - x)); target: g (log(1 - x) - log(x))"""

cdef LossOp BCE = loss_op(
    "binary_cross_entropy", BinaryCrossEntropyBackward0, bce_forward,
    bce_backward_x, bce_dx[Tensor], bce_backward_t, bce_dt[Tensor])


cdef int check_probabilities(Tensor x, str name) except -1:
    cdef Tensor inside
    inside = binary(&BITWISE_AND, compare(Py_GE, x, scalar_number(0.0)), compare(Py_LE, x, scalar_number(1.0)))
    if not truth(test_along(&ALL, inside, None, False)):
        raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    return 0


cdef int check_weight_sizes(Layout weight, Layout form) except -1:
    """Raise where a weight does not broadcast to the sizes of the elements."""
    cdef int k
    cdef Py_ssize_t p, q
    for k in range(1, min(weight.ndim, form.ndim) + 1):
        p = weight.sizes[weight.ndim - k]
        q = form.sizes[form.ndim - k]
        if p != q and p != 1 and q != 1:
            raise RuntimeError(f"Attempting to broadcast a dimension of length {p} at {-k}! Mismatching argument at "
                               f"index 1 had {size_of(weight)}; but expected shape should be broadcastable to "
                               f"{sizes_text(form)}")
    return check_weight_fits(weight, form)


cdef int check_weight_fits(Layout weight, Layout form) except -1:
    cdef Layout both = broadcast_layouts(form, weight)
    if not same_sizes(both, form):
        raise RuntimeError(f"output with shape {sizes_text(form)} doesn't match the broadcast shape "
                           f"{sizes_text(both)}")
    return 0


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(t log(x) + (1 - t) log(1 - x)), with the logarithms cut off at -100.

    Parameters
    ----------
    input : Tensor
        Probabilities x, in [0, 1].
    target : Tensor
        The t, of the same sizes.
    weight : Tensor, optional
        Factor of each element, broadcast.
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
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
    cdef Tensor w = weight_arg(weight, "binary_cross_entropy", "weight", 3)
    cdef int number = reduction_number(reduction_name(reduction, size_average, reduce))
    if not same_sizes(x.form, t.form):
        raise ValueError(f"Using a target size ({size_of(t.form)}) that is different to the input size "
                         f"({size_of(x.form)}) is deprecated. Please ensure they have the same size.")
    check_constant_weight(w, "binary_cross_entropy", "weight")
    if w is not None:
        check_weight_sizes(w.form, x.form)
    if x.kind == t.kind:
        check_floats("binary_cross_entropy", x, t)
    else:
        raise RuntimeError(f"Found dtype {scalar_type_name(t.kind)} but expected {scalar_type_name(x.kind)}")
    check_probabilities(x, "input")
    check_probabilities(t, "target")
    return loss(&BCE, x, t, None, 0.0, w, number)


# ------------------------------------------------------------------- binary cross entropy with logits
# With s the sigmoid: -(w t log(s(x)) + (1 - t) log(s(-x))), where w is the weight of the positives.
# The logarithms are those of terms of one sign, so that nothing cancels and nothing overflows.

cdef inline num logsigmoid_of(num x) noexcept:
    if num is double:
        return logsigmoid_value(x)
    else:
        return unary(&LOGSIGMOID, x)

cdef inline num logits_dx(num g, num x, num t, num w, const double *c) noexcept:
    return g * ((1.0 - t) * logistic_of(x) - t * logistic_of[num](-x))

cdef inline num logits_dt(num g, num x, num t, num w, const double *c) noexcept:
    return -g * x

cdef inline double logits_value(double x, double t, double w, const double *c) noexcept:
    return ((1.0 - t) * x if x > 0.0 else -t * x) + log1p_exp_minus(cmath.fabs(x))

cdef void logits_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_loss(logits_value, n, p, s, c)

cdef void logits_backward_x(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(logits_dx[double], n, p, s, c)

cdef void logits_backward_t(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(logits_dt[double], n, p, s, c)

cdef inline num weighted_logits_dx(num g, num x, num t, num w, const double *c) noexcept:
    return g * ((1.0 - t) * logistic_of(x) - t * w * logistic_of[num](-x))

cdef inline num weighted_logits_dt(num g, num x, num t, num w, const double *c) noexcept:
    return g * ((1.0 - w) * logsigmoid_of(x) - x)

cdef inline double weighted_logits_value(double x, double t, double w, const double *c) noexcept:
    cdef double tail = log1p_exp_minus(cmath.fabs(x))
    return ((1.0 - t) * x if x > 0.0 else -t * w * x) + (1.0 - t + t * w) * tail

cdef void weighted_logits_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_loss(weighted_logits_value, n, p, s, c)

cdef void weighted_logits_backward_x(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(weighted_logits_dx[double], n, p, s, c)

cdef void weighted_logits_backward_t(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(weighted_logits_dt[double], n, p, s, c)

cdef class BinaryCrossEntropyWithLogitsBackward0(LossNode):
    """input: g (sigmoid(x) - t); target: -g x; with pos_weight w: g ((1 - t) s(x) - t w s(-x))"""

cdef LossOp LOGITS = loss_op(
    "binary_cross_entropy_with_logits", BinaryCrossEntropyWithLogitsBackward0, logits_forward,
    logits_backward_x, logits_dx[Tensor], logits_backward_t, logits_dt[Tensor])
cdef LossOp WEIGHTED_LOGITS = loss_op(
    "binary_cross_entropy_with_logits", BinaryCrossEntropyWithLogitsBackward0, weighted_logits_forward,
    weighted_logits_backward_x, weighted_logits_dx[Tensor], weighted_logits_backward_t, weighted_logits_dt[Tensor])


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean",
                                     pos_weight=None):
    """Binary cross entropy of sigmoid(x), accurate and finite for any finite x.

    Parameters
    ----------
    input : Tensor
        Logits x.
    target : Tensor
        The t, of the same sizes, in [0, 1].
    weight : Tensor, optional
        Factor of each element, broadcast.
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor, optional
        Factor of the positive part, t log(sigmoid(x)); broadcast.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the sizes differ.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor([0., 800.]), torch.tensor([1., 0.]))
    tensor(400.3466)
    """
    cdef str name = "binary_cross_entropy_with_logits"
    cdef Tensor x = tensor_arg(input, name, "input", 1), t = tensor_arg(target, name, "target", 2)
    cdef Tensor w = weight_arg(weight, name, "weight", 3), p = weight_arg(pos_weight, name, "pos_weight", 4)
    cdef int number = reduction_number(reduction_name(reduction, size_average, reduce))
    if not same_sizes(x.form, t.form):
        raise ValueError(f"Target size ({size_of(t.form)}) must be the same as input size ({size_of(x.form)})")
    check_constant_weight(w, name, "weight")
    check_constant_weight(p, name, "pos_weight")
    if p is not None:
        check_weight_fits(p.form, x.form)
    if w is not None:
        check_weight_fits(w.form, x.form)
    if x.kind != F64:
        raise NotImplementedError(f"\"log_sigmoid_cpu\" not implemented for '{scalar_type_name(x.kind)}'")
    refuse_bools(t, t)                          # in 1 - t
    check_castable(F64, t.kind)
    if p is None:
        return loss(&LOGITS, x, t, None, 0.0, w, number)
    return loss(&WEIGHTED_LOGITS, x, t, p, 0.0, w, number)


# -------------------------------------------------------------------------------------- squared error

cdef inline num mse_dx(num g, num x, num t, num w, const double *c) noexcept:
    return g * (2.0 * (x - t))

cdef inline num mse_dt(num g, num x, num t, num w, const double *c) noexcept:
    return g * (2.0 * (t - x))

cdef inline double mse_value(double x, double t, double w, const double *c) noexcept:
    return (x - t) * (x - t)

cdef void mse_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map_loss(mse_value, n, p, s, c)

cdef void mse_backward_x(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(mse_dx[double], n, p, s, c)

cdef void mse_backward_t(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain_loss(mse_dt[double], n, p, s, c)

cdef class MseLossBackward0(LossNode):
    """input: 2 g (x - t); target: 2 g (t - x)"""

cdef LossOp MSE = loss_op(
    "mse_loss", MseLossBackward0, mse_forward,
    mse_backward_x, mse_dx[Tensor], mse_backward_t, mse_dt[Tensor])


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(x - t)**2, reduced.

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

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(2.)
    """
    cdef Tensor x = tensor_arg(input, "mse_loss", "input", 1), t = tensor_arg(target, "mse_loss", "target", 2)
    cdef Tensor w = weight_arg(weight, "mse_loss", "weight", 6)
    cdef str name
    cdef Layout form
    warn_of_sizes(x, t)
    name = reduction_name(reduction, size_average, reduce)
    form = broadcast_layouts(x.form, t.form)
    if w is not None:
        return weighted(power(binary(&SUB, c_expand(x, form), c_expand(t, form)), scalar_number(2.0)), w, x, name, True)
    check_floats("mse_cpu", x, t)
    return loss(&MSE, c_expand(x, form), c_expand(t, form), None, 0.0, None, reduction_number(name))
