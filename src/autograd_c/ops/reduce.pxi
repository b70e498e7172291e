# Reductions: sum, mean, extrema, any and all, logsumexp.
#
# The dimensions to fold come as a set of bits (`dim_mask`).  A gradient goes back through `spread`:
# an expanded view of it, never a copy.

cdef inline uint64_t every_dim(Tensor x) noexcept:
    return ~<uint64_t>0 if x.form.ndim >= 64 else (<uint64_t>1 << x.form.ndim) - 1


cdef Tensor spread(Tensor g, Layout form, uint64_t mask, bint keepdim):
    """g, the gradient of a reduction, with the sizes `form` of what was reduced."""
    if not keepdim and g.form.ndim != form.ndim:
        g = keep_dims(g, form, mask)
    return c_expand(g, form)


cdef Tensor keep_dims(Tensor y, Layout form, uint64_t mask):
    """The result of a reduction of `form` without keepdim, as the one with it."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int d
    for d in range(form.ndim):
        sizes[d] = 1 if (mask >> d) & 1 else form.sizes[d]
    return c_view(y, layout_contiguous(form.ndim, sizes)) if y.form.ndim != form.ndim else y


cdef Tensor dtype_cast(Tensor x, object dtype):
    return x if dtype is None else to_kind(x, dtype_number(dtype, x.kind))


# ----------------------------------------------------------------------------------------------- sum

cdef class SumBackward0(Node):
    """g, expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        return give(grads, 0, spread(g, <Layout>kept[0], kept[1], kept[2]))

cdef class SumBackward1(SumBackward0):
    """g, expanded"""


cdef Tensor sum_values(Tensor x, uint64_t mask, bint keepdim):
    cdef int kind = F64 if x.kind == F64 else I64
    cdef Tensor y = new_tensor(kind, reduced_layout(x.form, mask, keepdim))
    reduce_into(&SUM_F64 if kind == F64 else &SUM_I64, y, None, x, mask, kind)
    return y


cdef Tensor c_sum(Tensor x, uint64_t mask, bint keepdim, bint named):
    """The sum over dimensions; `named`: they were given, which PyTorch's node names tell."""
    cdef Tensor y = sum_values(x, mask, keepdim)
    cdef Node n
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>(SumBackward1 if named else SumBackward0))
        n.args = (x.form, mask, keepdim)
        add_edge(n, x)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_sum(tangent_of(x), mask, keepdim, named))
    return y


cdef Tensor c_sum_all(Tensor x):
    return c_sum(x, every_dim(x), False, False)


cdef Tensor sum_to(Tensor g, Layout form):
    """g summed over what was broadcast from `form`."""
    cdef uint64_t mask = 0
    cdef int d, shift = g.form.ndim - form.ndim
    for d in range(g.form.ndim):
        if d < shift or (form.sizes[d - shift] == 1 and g.form.sizes[d] != 1):
            mask |= <uint64_t>1 << d
    if mask == every_dim(g) and form is SCALAR:
        return c_sum(g, mask, False, False)
    g = c_sum(g, mask, True, True)
    return c_view(g, layout_contiguous(form.ndim, form.sizes)) if shift else g


@op
@renamed("sum")
def sum_op(input, dim=ABSENT, keepdim=False, *, dtype=None):
    """Sum over all elements or along dimensions.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Dimensions to fold; all by default.
    keepdim : bool
        Keep folded dimensions with size 1.
    dtype : dtype, optional
        Convert to this dtype first; integers and bools sum as int64.

    Returns
    -------
    Tensor

    Notes
    -----
    Summed pairwise in blocks, so the error grows with the logarithm of the number of elements.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.sum(torch.tensor([[1., 2.], [3., 4.]]), dim=0)
    tensor([4., 6.])
    """
    cdef Tensor x = dtype_cast(tensor_arg(input, "sum", "input", 1), dtype)
    return c_sum(x, dim_mask(None if dim is ABSENT else dim, x.form.ndim), keepdim, dim is not ABSENT)


# ---------------------------------------------------------------------------------------------- mean

cdef class MeanBackward0(Node):
    """g / n, expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Layout form = kept[0]
        if self.c[0]:                          # of no elements there is nothing to divide
            g = binary(&DIV, g, scalar_number(self.c[0]))
        return give(grads, 0, spread(g, form, kept[1], kept[2]))

cdef class MeanBackward1(MeanBackward0):
    """g / n, expanded"""


cdef Tensor c_mean(Tensor x, uint64_t mask, bint keepdim, bint named):
    cdef Tensor y
    cdef Node n
    cdef double count
    if x.kind != F64:
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating point or "
                           f"complex dtype. Got: {scalar_type_name(x.kind)}")
    y = sum_values(x, mask, keepdim)
    count = count_folded(x.form, mask)
    binary_into(&DIV, y, y, scalar_f64(count), F64)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>(MeanBackward1 if named else MeanBackward0))
        n.args = (x.form, mask, keepdim)
        n.c[0] = count
        add_edge(n, x)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_mean(tangent_of(x), mask, keepdim, named))
    return y


cdef Py_ssize_t count_folded(Layout form, uint64_t mask) noexcept:
    cdef Py_ssize_t n = 1
    cdef int d
    for d in range(form.ndim):
        if (mask >> d) & 1:
            n *= form.sizes[d]
    return n


@op
def mean(input, dim=ABSENT, keepdim=False, *, dtype=None):
    """Arithmetic mean over all elements or along dimensions.

    Parameters
    ----------
    input : Tensor
        Of dtype float64, unless `dtype` says so.
    dim : int or sequence of int, optional
        Dimensions to fold; all by default.
    keepdim : bool
        Keep folded dimensions with size 1.
    dtype : dtype, optional
        Convert to this dtype first.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.mean(torch.tensor([[1., 2.], [3., 4.]]))
    tensor(2.5000)
    """
    cdef Tensor x = dtype_cast(tensor_arg(input, "mean", "input", 1), dtype)
    return c_mean(x, dim_mask(None if dim is ABSENT else dim, x.form.ndim), keepdim, dim is not ABSENT)


# ------------------------------------------------------------------------------------------- extrema
# max() shares the gradient among equal elements, nans included; amax shares it among elements equal
# to the maximum, which no nan is, so that a nan makes all of it 0 / 0; max(dim) gives it to the
# element whose index it returns.

cdef class AmaxBackward0(Node):
    """g / count where x is the extremum, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef uint64_t mask = kept[0]
        cdef bint keepdim = kept[1]
        cdef Tensor x = saved_a(self), y = saved_result(self), chosen, count
        if not keepdim:
            g = keep_dims(g, x.form, mask)
            y = keep_dims(y, x.form, mask)
        chosen = compare(Py_EQ, x, y)
        count = to_kind(c_sum(chosen, mask, True, True), F64)
        return give(grads, 0, binary(&DIV, binary(&MUL, g, to_kind(chosen, F64)), count))

cdef class AminBackward0(AmaxBackward0):
    """g / count where x is the extremum, else 0"""


cdef class MaxBackward1(Node):
    """g / count where x is the extremum (a nan is if the extremum is nan), else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor x = saved_a(self), y = saved_result(self), chosen, count
        chosen = unary(&ISNAN, x) if truth(unary(&ISNAN, y)) else compare(Py_EQ, x, y)
        count = to_kind(c_sum_all(chosen), F64)
        return give(grads, 0, choose(chosen, binary(&DIV, g, count), scalar_number(0.0)))

cdef class MinBackward1(MaxBackward1):
    """g / count where x is the extremum (a nan is if the extremum is nan), else 0"""


cdef class MaxBackward0(Node):
    """g at the element that was chosen, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Layout form = kept[0]
        cdef int dim = kept[1]
        cdef Tensor index = saved_a(self)
        if not kept[2] and form.ndim:
            g = c_unsqueeze(g, dim)
            index = c_unsqueeze(index, dim)
        return give(grads, 0, c_scatter_add(zeros_form(form), dim, index, g))

cdef class MinBackward0(MaxBackward0):
    """g at the element that was chosen, else 0"""


cdef Tensor extremum_values(Tensor x, uint64_t mask, bint keepdim, bint largest, Tensor index):
    cdef int want = F64 if x.kind == F64 else I64
    cdef Tensor y = new_tensor(want, reduced_layout(x.form, mask, keepdim))
    if want == F64:
        reduce_into(&MAX_F64 if largest else &MIN_F64, y, index, x, mask, want)
    else:
        reduce_into(&MAX_I64 if largest else &MIN_I64, y, index, x, mask, want)
    return converted(y, x.kind)


cdef Tensor c_amax(Tensor x, object dim, bint keepdim, bint largest):
    cdef uint64_t mask = dim_mask(dim, x.form.ndim)
    cdef str name = "amax" if largest else "amin"
    cdef Tensor y
    cdef Node n
    cdef int d
    if mask == every_dim(x) and x.form.numel == 0 and (dim is None or dim == () or dim == []):
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                           "reduction dim with the 'dim' argument.")
    for d in range(x.form.ndim):
        if (mask >> d) & 1 and x.form.sizes[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
    y = extremum_values(x, mask, keepdim, largest, None)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>(AmaxBackward0 if largest else AminBackward0))
        n.args = (mask, keepdim)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, extremum_tangent(x, y, mask, keepdim))
    return y


cdef Tensor extremum_tangent(Tensor x, Tensor y, uint64_t mask, bint keepdim):
    """The mean of the tangents of the elements that are the extremum."""
    cdef Tensor chosen, count, p = bare(x), wide = y if keepdim else keep_dims(y, x.form, mask)
    chosen = compare(Py_EQ, p, wide)
    if mask == every_dim(x) and truth(c_any(unary(&ISNAN, y))):
        chosen = unary(&ISNAN, p)
    count = to_kind(c_sum(chosen, mask, keepdim, True), F64)
    return binary(&DIV, c_sum(choose(chosen, tangent_of(x), scalar_number(0.0)), mask, keepdim, True), count)


cdef Tensor c_extremum(Tensor x, bint largest):
    """max() and min() of all elements."""
    cdef Tensor y
    cdef Node n
    cdef str name = "max" if largest else "min"
    if x.form.numel == 0:
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                           "reduction dim with the 'dim' argument.")
    y = extremum_values(x, every_dim(x), False, largest, None)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>(MaxBackward1 if largest else MinBackward1))
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, extremum_tangent(x, y, every_dim(x), False))
    return y


cdef tuple c_extremum_along(Tensor x, object dim, bint keepdim, bint largest):
    """Values and indices along a dimension."""
    cdef int d = wrap_dim(dim, x.form.ndim)
    cdef uint64_t mask = <uint64_t>1 << d if x.form.ndim else 0
    cdef Tensor y, index, t
    cdef Node n
    if x.form.ndim and x.form.sizes[d] == 0:
        raise IndexError(f"{'max' if largest else 'min'}(): Expected reduction dim {d} to have non-zero size.")
    index = new_tensor(I64, reduced_layout(x.form, mask, keepdim))
    y = extremum_values(x, mask, keepdim, largest, index)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>(MaxBackward0 if largest else MinBackward0))
        n.args = (x.form, d, keepdim)
        add_edge(n, x)
        save_a(n, index)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        t = index if keepdim or not x.form.ndim else c_unsqueeze(index, d)
        t = c_gather(tangent_of(x), d, t)
        set_tangent(y, t if keepdim or not x.form.ndim else c_squeeze(t, mask))
    return y, index


cdef object extremum_result(object kind, tuple pair):
    from . import _return_types
    return getattr(_return_types, kind)(pair)


cdef object max_or_min(object input, object dim, object keepdim, bint largest):
    cdef Tensor x = tensor_arg(input, "max" if largest else "min", "input", 1)
    if dim is None:
        return c_extremum(x, largest)
    if isinstance(dim, Tensor):
        return binary(&MAXIMUM if largest else &MINIMUM, x, dim)
    return extremum_result("max" if largest else "min", c_extremum_along(x, dim, keepdim, largest))


@op
@renamed("max")
def max_op(input, dim=None, keepdim=False):
    """The largest element, of all or along a dimension; with a second tensor, `maximum`.

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        Dimension to fold, or the tensor to compare with.
    keepdim : bool
        Keep the folded dimension with size 1.

    Returns
    -------
    Tensor or (values, indices)
        With a dimension a named tuple; `indices` has the first of equal elements.

    Raises
    ------
    RuntimeError
        If there is no element.

    Notes
    -----
    Without `dim` the gradient is shared evenly among equal elements.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.max(torch.tensor([[1., 4.], [3., 2.]]))
    tensor(4.)
    >>> torch.max(torch.tensor([[1., 4.], [3., 2.]]), 1).indices
    tensor([1, 0])
    """
    return max_or_min(input, dim, keepdim, True)


@op
@renamed("min")
def min_op(input, dim=None, keepdim=False):
    """The smallest element, of all or along a dimension; with a second tensor, `minimum`.

    See `max`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.min(torch.tensor([[1., 4.], [3., 2.]]))
    tensor(1.)
    """
    return max_or_min(input, dim, keepdim, False)


@op
def amax(input, dim=(), keepdim=False):
    """The largest element along dimensions.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int
        Dimensions to fold; all by default.
    keepdim : bool
        Keep folded dimensions with size 1.

    Returns
    -------
    Tensor

    Notes
    -----
    The gradient is shared evenly among equal elements.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.amax(torch.tensor([[1., 4.], [3., 2.]]), 1)
    tensor([4., 3.])
    """
    return c_amax(tensor_arg(input, "amax", "input", 1), dim, keepdim, True)


@op
def amin(input, dim=(), keepdim=False):
    """The smallest element along dimensions.  See `amax`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.amin(torch.tensor([[1., 4.], [3., 2.]]), 1)
    tensor([1., 2.])
    """
    return c_amax(tensor_arg(input, "amin", "input", 1), dim, keepdim, False)


cdef Tensor c_argmax(Tensor x, object dim, bint keepdim, bint largest):
    cdef Tensor index
    cdef uint64_t mask
    cdef int d = 0
    cdef str name = "argmax" if largest else "argmin"
    if x.kind == BOOL:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        if x.form.numel == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        mask = every_dim(x)
        index = new_tensor(I64, reduced_layout(x.form, mask, keepdim))
        x = contiguous(x)
        extremum_values(strided_alias(x, layout_of_sequence((x.form.numel,)), 0), 1, False, largest, index)
        return index
    d = wrap_dim(dim, x.form.ndim)
    mask = <uint64_t>1 << d if x.form.ndim else 0
    if x.form.ndim and x.form.sizes[d] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
    index = new_tensor(I64, reduced_layout(x.form, mask, keepdim))
    extremum_values(x, mask, keepdim, largest, index)
    return index


@op
def argmax(input, dim=None, keepdim=False):
    """Index of the largest element, the first of equal ones: in the flattened tensor or along a dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.argmax(torch.tensor([1., 4., 2.]))
    tensor(1)
    """
    return c_argmax(tensor_arg(input, "argmax", "input", 1), dim, keepdim, True)


@op
def argmin(input, dim=None, keepdim=False):
    """Index of the smallest element, the first of equal ones: in the flattened tensor or along a dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.argmin(torch.tensor([1., 4., 2.]))
    tensor(0)
    """
    return c_argmax(tensor_arg(input, "argmin", "input", 1), dim, keepdim, False)


# --------------------------------------------------------------------------------------- any and all

cdef Tensor test_along(const Reducer *reducer, Tensor x, object dim, bint keepdim):
    cdef uint64_t mask = dim_mask(dim, x.form.ndim)
    cdef Tensor y
    if isinstance(dim, (tuple, list)) and not dim:      # of no dimension at all, unlike in a sum
        y = new_tensor(BOOL, contiguous_layout(x.form))
        copy_elements(y, x)
        return y
    y = new_tensor(BOOL, reduced_layout(x.form, mask, keepdim))
    reduce_into(reducer, y, None, x, mask, TRUTH)
    return y


cdef Tensor c_any(Tensor x):
    return test_along(&ANY, x, None, False)


@op
@renamed("any")
def any_op(input, dim=None, keepdim=False):
    """Whether any element is not zero, of all or along dimensions.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.any(torch.tensor([False, True]))
    tensor(True)
    """
    return test_along(&ANY, tensor_arg(input, "any", "input", 1), dim, keepdim)


@op
@renamed("all")
def all_op(input, dim=None, keepdim=False):
    """Whether no element is zero, of all or along dimensions.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.all(torch.tensor([False, True]))
    tensor(False)
    """
    return test_along(&ALL, tensor_arg(input, "all", "input", 1), dim, keepdim)


# ----------------------------------------------------------------------------------------- logsumexp

@cython.final
cdef class LogsumexpBackward0(Node):
    """g exp(x - y)"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef uint64_t mask = kept[0]
        cdef Tensor x = saved_a(self), y = saved_result(self)
        if not kept[1]:
            g = keep_dims(g, x.form, mask)
            y = keep_dims(y, x.form, mask)
        return give(grads, 0, binary(&MUL, g, unary(&EXP, binary(&SUB, x, y))))


cdef Tensor c_logsumexp(Tensor x, uint64_t mask, bint keepdim):
    """log(sum(exp(x))), shifted by the maximum where that is finite."""
    cdef Tensor m, e, y, t, wide, p
    cdef Node n
    cdef int no_grad = ag_tls.no_grad
    cdef Tensor z = alias(x)
    ag_tls.no_grad = 1
    try:
        z = to_kind(z, F64)
        if x.form.numel:
            m = extremum_values(z, mask, True, True, None)
            m = choose(unary(&ISFINITE, m), m, scalar_number(0.0))
            e = sum_values(unary(&EXP, binary(&SUB, z, m)), mask, True)
            y = binary(&ADD, unary(&LOG, e), m)
        else:
            y = unary(&LOG, sum_values(z, mask, True))
        y = y if keepdim else strided_alias(y, reduced_layout(x.form, mask, False), 0)
    finally:
        ag_tls.no_grad = no_grad
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>LogsumexpBackward0)
        n.args = (mask, keepdim)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        p = bare(x)
        wide = bare(y) if keepdim else keep_dims(bare(y), x.form, mask)
        t = binary(&MUL, tangent_of(x), unary(&EXP, binary(&SUB, p, wide)))
        give_tangent(y, c_sum(t, mask, keepdim, True))
    return y


@op
def logsumexp(input, dim, keepdim=False):
    """log(sum(exp(input))) along dimensions, without overflow.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int
        Dimensions to fold.
    keepdim : bool
        Keep folded dimensions with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logsumexp(torch.tensor([1000., 1000.]), 0)
    tensor(1000.6931)
    """
    cdef Tensor x = tensor_arg(input, "logsumexp", "input", 1)
    return c_logsumexp(x, dim_mask(dim, x.form.ndim), keepdim)
