# Reductions: sum, mean, any and all, and what every reduction needs.
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
def sum_op(input, dim=None, keepdim=False, *, dtype=None):
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
    return c_sum(x, dim_mask(dim, x.form.ndim), keepdim, dim is not None)


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
def mean(input, dim=None, keepdim=False, *, dtype=None):
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
    return c_mean(x, dim_mask(dim, x.form.ndim), keepdim, dim is not None)


# --------------------------------------------------------------------------------------- any and all

cdef Tensor test_along(const Reducer *reducer, Tensor x, object dim, bint keepdim):
    cdef uint64_t mask = dim_mask(dim, x.form.ndim)
    cdef Tensor y = new_tensor(BOOL, reduced_layout(x.form, mask, keepdim))
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
