# Losses of classes: nll_loss, cross_entropy, kl_div.
#
# nll_loss picks an element for each target; its gradient puts one there.  Both are linear, and each is
# the other's derivative, so they differentiate to any order.  cross_entropy and kl_div are composed of
# the operations that PyTorch composes them of, so that the graph is the same.

# ------------------------------------------------------------------------------------------ nll_loss
# The input has sizes (N, C), (C) or (N, C, H, W), the target those without C.  The other numbers of
# dimensions are brought to the last one by views.

cdef class Picking:
    """What the two directions of nll_loss share."""

    cdef Layout form           # of the input
    cdef Layout picked         # of the unreduced result
    cdef int reduction
    cdef int64_t ignore
    cdef object node


cdef Tensor pick_weights(Picking how, Tensor target, Tensor weight):
    """For each target the weight of its class, 0 where it is ignored."""
    cdef Tensor q = new_tensor(F64, layout_contiguous(target.form.ndim, target.form.sizes))
    cdef Tensor t = contiguous_values(target), w = contiguous_values(weight) if weight is not None else None
    cdef const int64_t *at = <const int64_t *>t.ptr
    cdef Py_ssize_t classes = how.form.sizes[1 if how.form.ndim > 1 else 0], i
    for i in range(t.form.numel):
        if at[i] == how.ignore:
            (<double *>q.ptr)[i] = 0.0
        elif at[i] < 0 or at[i] >= classes:
            raise IndexError(f"Target {at[i]} is out of bounds.")
        else:
            (<double *>q.ptr)[i] = (<double *>w.ptr)[at[i]] if w is not None else 1.0
    return q


cdef double total_weight(Tensor q) except? -1:
    return (<double *>sum_of_all(q).ptr)[0]


cdef Py_ssize_t picked_offset(Layout form, Py_ssize_t i, int64_t k) noexcept:
    """Where class k of target i stands in contiguous elements of the input."""
    cdef Py_ssize_t inner = 1
    cdef int d
    for d in range(2, form.ndim):
        inner *= form.sizes[d]
    if form.ndim == 1:
        return k
    return (i // inner * form.sizes[1] + k) * inner + i % inner


cdef Tensor picked_values(Picking how, Tensor x, Tensor target, Tensor weight):
    """The loss, unknown to autograd."""
    cdef Tensor q = pick_weights(how, target, weight), y = new_tensor(F64, how.picked), values = contiguous_values(x)
    cdef Tensor t = contiguous_values(target)
    cdef const int64_t *at = <const int64_t *>t.ptr
    cdef Py_ssize_t i
    for i in range(t.form.numel):
        (<double *>y.ptr)[i] = 0.0 if at[i] == how.ignore else (
            -(<double *>values.ptr)[picked_offset(how.form, i, at[i])] * (<double *>q.ptr)[i])
    if how.reduction != NONE:
        y = sum_of_all(y)
    if how.reduction == MEAN:
        (<double *>y.ptr)[0] /= total_weight(q)
    return y


cdef Tensor pick(Picking how, Tensor x, Tensor target, Tensor weight):
    """The loss."""
    cdef Tensor y = recalled_result("nll_loss", how.picked if how.reduction == NONE else SCALAR)
    cdef Node n
    if y is None:
        y = picked_values(how, x, target, weight)
        computed("nll_loss", y, x, target)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>how.node)
        n.args = how
        add_edge(n, x)
        save_a(n, target)
        save_b(n, x)
        save_more(n, weight)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, pick(how, tangent_of(x), target, weight))
    return y


cdef Tensor put_back(Picking how, Tensor g, Tensor x, Tensor target, Tensor weight):
    """The gradient of `pick` for the input x: 0 but at the targets, whatever g is.

    It does not depend on x, but as in PyTorch it requires a gradient where x does, which is then 0.
    """
    cdef Node n
    cdef Tensor q = pick_weights(how, target, weight), y = new_tensor(F64, contiguous_layout(how.form))
    cdef Tensor values = contiguous_values(g), t = contiguous_values(target)
    cdef const int64_t *at = <const int64_t *>t.ptr
    cdef double total = total_weight(q) if how.reduction == MEAN else 1.0, g_i
    cdef Py_ssize_t i
    memset(y.ptr, 0, 8 * y.form.numel)
    for i in range(t.form.numel):
        if at[i] != how.ignore:
            g_i = (<double *>values.ptr)[i if how.reduction == NONE else 0]
            (<double *>y.ptr)[picked_offset(how.form, i, at[i])] = -(<double *>q.ptr)[i] * g_i / total
    if recording() and needs_grad(g) | needs_grad(x):
        n = new_node(<PyTypeObject *>NllLossBackwardBackward0)
        n.args = how
        add_edge(n, g)
        add_edge(n, x)
        save_a(n, target)
        save_more(n, weight)
        set_result(n, y)
    if g.flags & SPECIAL and tangent_of(g) is not None:
        set_tangent(y, put_back(how, tangent_of(g), bare(x), target, weight))
    return y


cdef class NllLossBackward0(Node):
    """-g weight at the target, else 0; divided by the sum of the weights for the mean"""

    def _arguments(self):
        """The reduction and the ignored index."""
        cdef Picking how = self.args
        return (how.reduction, how.ignore), None

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, put_back(self.args, g, saved_b(self), saved_a(self), saved_more(self, 0)))

cdef class NllLoss2DBackward0(NllLossBackward0):
    """-g weight at the target, else 0; divided by the sum of the weights for the mean"""


@cython.final
cdef class NllLossBackwardBackward0(Node):
    """gradient: -g weight, picked at the target; input: 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, pick(self.args, g, saved_a(self), saved_more(self, 0)))
        if self.next1 is not None:
            give(grads, 1, zeros_of(g))
        return 0


cdef int check_target_kind(Tensor x, Tensor t, Tensor w, str kernel) except -1:
    if t.kind != I64:
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {scalar_type_name(t.kind)}")
    if x.kind != F64:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type_name(x.kind)}'")
    if w is not None and w.kind != F64:
        raise RuntimeError(f"expected scalar type Double but found {scalar_type_name(w.kind)}")
    return 0


cdef Tensor nll_flat(Tensor x, Tensor t, Tensor w, int reduction, int64_t ignore):
    """nll_loss of sizes (N, C) or (C)."""
    cdef Picking how = Picking.__new__(Picking)
    cdef Py_ssize_t classes = x.form.sizes[x.form.ndim - 1]
    check_constant_weight(w, "nll_loss_forward", "weight")
    if t.form.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if x.form.ndim == 1 and t.form.numel != 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {t.form.numel}")
    if w is not None and (w.form.ndim != 1 or w.form.numel != classes):
        raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or no classes but got "
                           f"weight tensor of shape: {sizes_text(w.form)}")
    check_target_kind(x, t, w, "nll_loss_out_frame")
    how.form = x.form
    how.picked = SCALAR if x.form.ndim == 1 else contiguous_layout(t.form)
    how.reduction = reduction
    how.ignore = ignore
    how.node = NllLossBackward0
    return pick(how, x, t, w)


cdef Tensor nll_2d(Tensor x, Tensor t, Tensor w, int reduction, int64_t ignore):
    """nll_loss of sizes (N, C, H, W)."""
    cdef Picking how = Picking.__new__(Picking)
    check_constant_weight(w, "nll_loss2d_forward", "weight")
    if t.form.ndim != 3:
        raise RuntimeError("only batches of spatial targets supported (3D tensors) but got targets of dimension: "
                           f"{t.form.ndim}")
    if w is not None and w.form.numel != x.form.sizes[1]:
        raise RuntimeError("weight tensor should be defined either for all or no classes")
    if (x.form.sizes[0] != t.form.sizes[0] or x.form.sizes[2] != t.form.sizes[1]
            or x.form.sizes[3] != t.form.sizes[2]):
        # PyTorch leaves the parenthesis open.
        raise RuntimeError(f"size mismatch (got input: {sizes_text(x.form)} , target: {sizes_text(t.form)}")
    check_target_kind(x, t, w, "nll_loss2d_forward_out_frame")
    how.form = x.form
    how.picked = contiguous_layout(t.form)
    how.reduction = reduction
    how.ignore = ignore
    how.node = NllLoss2DBackward0
    return pick(how, x, t, w)


cdef Tensor nll_many(Tensor x, Tensor t, Tensor w, int reduction, int64_t ignore):
    """nll_loss of other numbers of dimensions, as views."""
    cdef Py_ssize_t n = x.form.sizes[0], classes = x.form.sizes[1], d, inner = 1
    cdef list sizes = [n]
    cdef Tensor y
    for d in range(2, x.form.ndim):
        sizes.append(x.form.sizes[d])
        inner *= x.form.sizes[d]
    if [t.form.sizes[d] for d in range(t.form.ndim)] != sizes:
        raise RuntimeError(f"Expected target size {sizes}, got {sizes_text(t.form)}")
    x = contiguous(x)
    t = contiguous(t)
    if x.form.numel and t.form.numel:
        x = c_view(x, layout_of_sequence((n, classes, 1, inner)))
        t = c_view(t, layout_of_sequence((n, 1, inner)))
    else:
        x = c_view(x, layout_of_sequence((n, classes, 0, 0)))
        t = c_view(t, layout_of_sequence((n, 0, 0)))
    y = nll_2d(x, t, w, reduction, ignore)
    return c_view(y, layout_of_sequence(sizes)) if reduction == NONE else y


cdef Tensor c_nll_loss(Tensor x, Tensor t, Tensor w, int reduction, int64_t ignore):
    if x.form.ndim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {x.form.ndim})")
    if x.form.ndim != 1 and (t.form.ndim == 0 or x.form.sizes[0] != t.form.sizes[0]):
        raise ValueError(f"Expected input batch_size ({x.form.sizes[0]}) to match target batch_size "
                         f"({t.form.sizes[0] if t.form.ndim else 0}).")
    if x.form.ndim <= 2:
        return nll_flat(x, t, w, reduction, ignore)
    if x.form.ndim == 4:
        return nll_2d(x, t, w, reduction, ignore)
    return nll_many(x, t, w, reduction, ignore)


cdef int64_t index_arg(object value, str function, str name, int position) except? -1:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be int, not {type_name(value)}")
    return value


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-weight[t] x[t] for each target class t, reduced: the negative log likelihood where x are log-probabilities.

    Parameters
    ----------
    input : Tensor
        Of sizes (C), (N, C) or (N, C, d1, d2, ...), for C classes.
    target : Tensor
        int64, the classes: of sizes (), (N) or (N, d1, d2, ...).
    weight : Tensor, optional
        Factor of each class, of size (C).
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
    ignore_index : int
        Targets of this value count for nothing.
    reduction : {"mean", "sum", "none"}
        The mean is weighted: it is divided by the sum of the weights of the targets.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If a target is no class.
    ValueError, RuntimeError
        If the sizes do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor([[-0.1, -2.], [-1., -0.5]])
    >>> torch.nn.functional.nll_loss(x, torch.tensor([0, 1]))
    tensor(0.3000)
    """
    cdef str name = reduction_name(reduction, size_average, reduce)
    cdef int number = reduction_number(name)
    cdef Tensor x = tensor_arg(input, "nll_loss_nd", "input", 1), t = tensor_arg(target, "nll_loss_nd", "target", 2)
    return c_nll_loss(x, t, weight_arg(weight, "nll_loss_nd", "weight", 3), number,
                      index_arg(ignore_index, "nll_loss_nd", "ignore_index", 5))


# ------------------------------------------------------------------------------------- cross_entropy
# Nodes of operations with a number, which PyTorch's own code, unlike a user's, records by these names.

cdef class AddBackward1(BinaryNode):
    """g"""

cdef class MulBackward1(BinaryNode):
    """g times the number"""

cdef class DivBackward1(BinaryNode):
    """g by the number"""

cdef BinaryOp with_number_node(BinaryOp op, object node):
    op.number_node = <PyTypeObject *>node
    return op

cdef BinaryOp ADD_NUMBER = with_number_node(ADD, AddBackward1)
cdef BinaryOp MUL_NUMBER = with_number_node(MUL, MulBackward1)
cdef BinaryOp DIV_NUMBER = with_number_node(DIV, DivBackward1)


cdef Tensor along_classes(Tensor weight, Tensor x, int dim):
    """The weights of classes with size 1 in all other dimensions of x."""
    cdef list sizes = [1] * x.form.ndim
    sizes[dim] = weight.form.numel
    return c_reshape(weight, layout_of_sequence(sizes))


cdef Tensor entropy_of_probabilities(Tensor x, Tensor t, Tensor w, int reduction, double smoothing):
    cdef int dim = 0 if x.form.ndim == 1 else 1
    cdef Py_ssize_t classes
    cdef Tensor y
    if dim >= x.form.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    classes = x.form.sizes[dim]
    if w is not None and (w.form.ndim != 1 or w.form.numel != classes):
        raise RuntimeError(f"cross_entropy: weight tensor should be defined either for all {classes} classes or no "
                           f"classes but got weight tensor of shape: {sizes_text(w.form)}")
    y = c_log_softmax(x, dim)
    if smoothing > 0.0:
        check_smoothing(smoothing)
        t = binary(&MUL_NUMBER, t, scalar_number(1.0 - smoothing))
        t = binary(&ADD_NUMBER, t, scalar_number(smoothing / classes))
    y = binary(&MUL, y, t)
    if w is not None:
        y = binary(&MUL, y, along_classes(w, x, dim))
    if reduction == NONE:
        return unary(&NEG, c_sum(y, <uint64_t>1 << dim, False, True))
    if reduction == MEAN and x.form.numel == 0:
        return unary(&NEG, fill_in_place(c_sum_all(y), scalar_number(float("nan")), FillBackward2))
    y = unary(&NEG, c_sum_all(y))
    if reduction == MEAN:
        y = binary(&DIV_NUMBER, y, scalar_number(x.form.numel // classes))
    return y


cdef int check_smoothing(double smoothing) except -1:
    if smoothing > 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing:g}")
    return 0


cdef Tensor entropy_smoothed(Tensor x, Tensor t, Tensor w, int reduction, int64_t ignore, double smoothing):
    """(1 - smoothing) times the loss of the targets, and smoothing times the mean of those of all classes."""
    cdef int dim = 0 if x.form.ndim == 1 else 1
    cdef Tensor y, picked, spread_out, ignored, total
    check_smoothing(smoothing)
    y = c_log_softmax(x, dim)
    picked = c_nll_loss(y, t, w, reduction, ignore)
    spread_out = y if w is None else binary(&MUL, y, along_classes(w, x, dim))
    spread_out = unary(&NEG, c_sum(spread_out, <uint64_t>1 << dim, False, True))
    ignored = compare(Py_EQ, t, scalar_i64(ignore))
    if ignored.form.ndim > spread_out.form.ndim:                # a target of size 1 for one row of classes
        ignored = c_reshape(ignored, spread_out.form)
    spread_out = masked_fill(spread_out, ignored, 0.0)
    if reduction != NONE:
        spread_out = c_sum_all(spread_out)
    if reduction == MEAN:
        spread_out = binary(&DIV, spread_out, smoothed_total(t, w, ignored, x.form.sizes[dim]))
    return binary(&ADD, binary(&MUL_NUMBER, picked, scalar_number(1.0 - smoothing)),
                  binary(&MUL_NUMBER, spread_out, scalar_number(smoothing / x.form.sizes[dim])))


cdef Tensor smoothed_total(Tensor t, Tensor w, Tensor ignored, Py_ssize_t classes):
    """The sum of the weights of the targets that count."""
    cdef Tensor counted = unary(&LOGICAL_NOT, ignored)
    if w is None:
        return c_sum_all(counted)
    return c_sum_all(choose(counted, c_index(w, [choose(counted, t, scalar_i64(0))]), scalar_f64(0.0)))


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
                  label_smoothing=0.0):
    """The cross entropy of softmax(input) and target classes or their probabilities.

    Parameters
    ----------
    input : Tensor
        Logits, of sizes (C), (N, C) or (N, C, d1, d2, ...), for C classes.
    target : Tensor
        int64, the classes: of sizes (), (N) or (N, d1, d2, ...); or probabilities, of the sizes of `input`.
    weight : Tensor, optional
        Factor of each class, of size (C).
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
    ignore_index : int
        Target classes of this value count for nothing.
    reduction : {"mean", "sum", "none"}
        The mean is divided by the sum of the weights of the target classes; of probabilities by N d1 d2 ...
    label_smoothing : float
        In [0, 1]: what part of the target is spread evenly over the classes.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If a target is no class.
    ValueError, RuntimeError
        If sizes or dtypes do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor([[2., 0.], [0., 1.]])
    >>> torch.nn.functional.cross_entropy(x, torch.tensor([0, 1]))
    tensor(0.2201)
    >>> torch.nn.functional.cross_entropy(x, torch.tensor([[0.9, 0.1], [0.5, 0.5]]))
    tensor(0.5701)
    """
    cdef str function = "cross_entropy_loss"
    cdef str name = reduction_name(reduction, size_average, reduce)
    cdef int number = reduction_number(name)
    cdef Tensor x = tensor_arg(input, function, "input", 1), t = tensor_arg(target, function, "target", 2)
    cdef Tensor w = weight_arg(weight, function, "weight", 3)
    cdef int64_t ignore = index_arg(ignore_index, function, "ignore_index", 5)
    cdef double smoothing = double_arg(label_smoothing, function, "label_smoothing", 6)
    if same_sizes(x.form, t.form):
        if t.kind != F64:
            raise RuntimeError("Expected floating point type for target with class probabilities, got "
                               f"{scalar_type_name(t.kind)}")
        if ignore >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return entropy_of_probabilities(x, t, w, number, smoothing)
    if smoothing > 0.0:
        return entropy_smoothed(x, t, w, number, ignore, smoothing)
    return c_nll_loss(c_log_softmax(x, 0 if x.form.ndim == 1 else 1), t, w, number, ignore)


# -------------------------------------------------------------------------------------------- kl_div

cdef inline num xlogy_of(num a, num b) noexcept:
    if num is double:
        return xlogy_value(a, b)
    else:
        return binary(&XLOGY, a, b)

cdef inline double xlogy_value(double a, double b) noexcept:
    if b != b:
        return b
    return 0.0 if a == 0.0 else a * log_value(b, NULL)

cdef inline num xlogy_da(num g, num a, num b) noexcept:
    return if_zero[num](a, if_positive[num](b, xlogy_of(g, b)), xlogy_of(g, b))

cdef inline num xlogy_db(num g, num a, num b) noexcept:
    return g * a / b

cdef void xlogy_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(xlogy_value, n, p, s)

cdef void xlogy_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(xlogy_da[double], n, p, s)

cdef void xlogy_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(xlogy_db[double], n, p, s)

cdef class XlogyBackward0(BinaryNode):
    """a: g log(b), 0 where a is 0 and b not positive; b: g a / b"""

# a log(b), 0 where a is.
cdef BinaryOp XLOGY = differentiable(
    binary_op("xlogy", TO_FLOAT, xlogy_forward, NULL), XlogyBackward0, None,
    READS_A | READS_B, xlogy_backward_a, xlogy_da[Tensor], READS_A | READS_B, xlogy_backward_b, xlogy_db[Tensor])


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """The Kullback-Leibler divergence t (log(t) - x) of log-probabilities x from probabilities t.

    Parameters
    ----------
    input : Tensor
        Log-probabilities.
    target : Tensor
        Probabilities, or their logarithms with `log_target`; broadcast against `input`.
    size_average, reduce : bool, optional
        Deprecated; they overrule `reduction`.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the first size of `input`, which is the divergence's definition; "mean" by the
        number of elements, with a warning.
    log_target : bool

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If one is not of floating point.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x, t = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.9, 0.1]])
    >>> torch.nn.functional.kl_div(x, t, reduction="batchmean")
    tensor(0.3681)
    """
    cdef Tensor x, t, y
    cdef int number
    if size_average is not None or reduce is not None:
        number = reduction_number(reduction_name(reduction, size_average, reduce))
    else:
        if reduction == "mean":
            warn("reduction: 'mean' divides the total loss by both the batch size and the support size."
                 "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                 "'mean' will be changed to behave the same as 'batchmean' in the next major release.")
        number = SUM if reduction == "batchmean" else reduction_number(str(reduction))
    x = tensor_arg(input, "kl_div", "input", 1)
    t = tensor_arg(target, "kl_div", "target", 2)
    if x.kind != F64 or t.kind != F64:
        raise RuntimeError("kl_div: Integral inputs not supported.")
    if log_target:
        y = binary(&MUL, unary(&EXP, t), binary(&SUB, t, x))
    else:
        y = binary(&SUB, binary(&XLOGY, t, t), binary(&MUL, t, x))
    y = reduced(y, None, number)
    if reduction == "batchmean" and x.form.ndim:
        y = binary(&DIV, y, scalar_number(x.form.sizes[0]))
    return y
