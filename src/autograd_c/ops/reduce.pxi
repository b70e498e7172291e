# Reductions: sum, mean, prod, any and all, and what every reduction needs.
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


cdef Tensor spread_over(Tensor g, Layout form, double count):
    """g / count, the gradient of a number that was made of all elements, with their sizes `form`."""
    if recording() or g.form is not SCALAR or g.flags & SPECIAL:
        return c_expand(g if count == 1.0 else binary(&DIV, g, scalar_number(count)), form)
    return repeated((<double *>g.ptr)[0] / count, form)


cdef Tensor keep_dims(Tensor y, Layout form, uint64_t mask):
    """The result of a reduction of `form` without keepdim, as the one with it."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int d
    for d in range(form.ndim):
        sizes[d] = 1 if (mask >> d) & 1 else form.sizes[d]
    return c_view(y, layout_contiguous(form.ndim, sizes)) if y.form.ndim != form.ndim else y


cdef Tensor spread_gradient(Kernel kernel, TensorChain1 formula, Tensor g, Tensor x, Tensor y, const double *c):
    """The derivative of a reduction of x by its formula, from g and y with the folded dimensions kept."""
    cdef Tensor dx
    cdef Walk w
    if recording() or (g.flags | x.flags | y.flags) & SPECIAL:
        return formula(g, x, y, c)
    dx = new_tensor(F64, fresh_layout(x.form))
    walk_start(&w, dx.form)
    w.spreads = True
    walk_add(&w, dx.ptr, dx.form, F64, F64)
    walk_add(&w, g.ptr, g.form, F64, F64)
    walk_add(&w, x.ptr, x.form, F64, F64)
    walk_add(&w, y.ptr, y.form, F64, F64)
    walk_run(&w, kernel, c)
    return dx


cdef Tensor dtype_cast(Tensor x, object dtype):
    cdef int kind
    if dtype is None:
        return x
    kind = dtype_number(dtype, x.kind)
    if kind != F64 and recording() and needs_grad(x):
        raise RuntimeError(f"Autograd not support dtype: {scalar_type_name(kind)}")
    return to_kind(x, kind)


# PyTorch takes numpy's `axis` and `keepdims` for `dim` and `keepdim`, and a bool for neither number.

cdef object dim_arg(object dim, object axis, str name):
    if axis is None:
        return dim
    if dim is not None and dim is not ABSENT and dim != ():
        raise TypeError(f"{name}() got both 'dim' and 'axis'")
    return axis


cdef bint flag_arg(object keepdim, object keepdims, str name) except -1:
    if keepdims is not None:
        keepdim = keepdims
    if not isinstance(keepdim, bool):
        raise TypeError(f"{name}(): argument 'keepdim' must be bool, not {type_name(keepdim)}")
    return keepdim


cdef int dim_number(object dim, int ndim, str name) except -1:
    """The one dimension of an argument that must be an int."""
    if isinstance(dim, (bool, float)) or not hasattr(dim, "__index__"):
        raise TypeError(f"{name}(): argument 'dim' must be int, not {type_name(dim)}")
    return wrap_dim(dim, ndim)


# ----------------------------------------------------------------------------------------------- sum

cdef class SumBackward0(Node):
    """g, expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, spread_over(g, self.args, 1.0))

cdef void *SUM_METHODS = vtable_of(SumBackward0)

cdef class SumBackward1(Node):
    """g, expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        return give(grads, 0, spread(g, <Layout>kept[0], kept[1], kept[2]))


cdef Node record_whole(PyTypeObject *cls, void *methods, Tensor x, Tensor y):
    """Record y as made of all elements of x; the node keeps the layout alone."""
    cdef int nr = 0
    cdef PyObject *to = edge_to(x, &nr)
    cdef Node n = own_node(filled_node(cls, methods, to, <PyObject *>None, <PyObject *>None, <PyObject *>None,
                                       y.form, 0))
    n.inputs = 1
    n.nr0 = nr
    n.args = x.form
    set_result(n, y)
    return n


cdef inline Tensor sum_result(Tensor x, uint64_t mask, bint keepdim):
    """A tensor for a sum or a product."""
    return new_tensor(F64 if x.kind == F64 else I64, reduced_layout(x.form, mask, keepdim))


cdef void sum_into(Tensor y, Tensor x, uint64_t mask) noexcept:
    reduce_into(&SUM_F64 if y.kind == F64 else &SUM_I64, y, None, x, mask, y.kind)


cdef Tensor sum_of_all(Tensor x):
    """The sum, unknown to autograd."""
    cdef Tensor y = sum_result(x, every_dim(x), False)
    sum_into(y, x, every_dim(x))
    return y


cdef Tensor c_sum(Tensor x, uint64_t mask, bint keepdim, bint named):
    """The sum over dimensions; `named`: they were given, which PyTorch's node names tell."""
    cdef Tensor y = sum_result(x, mask, keepdim)
    cdef Node n
    if not recalled("sum", y):
        sum_into(y, x, mask)
        computed("sum", y, x)
    if recording() and needs_grad(x):
        if named:
            n = new_node(<PyTypeObject *>SumBackward1)
            n.args = (x.form, mask, keepdim)
            add_edge(n, x)
            set_result(n, y)
        else:
            record_whole(<PyTypeObject *>SumBackward0, SUM_METHODS, x, y)
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
def sum_op(input, dim=ABSENT, keepdim=False, *, dtype=None, axis=None, keepdims=None):
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
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

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
    dim = dim_arg(dim, axis, "sum")
    y = c_sum(x, dim_mask(None if dim is ABSENT else dim, x.form.ndim), flag_arg(keepdim, keepdims, "sum"),
              dim is not ABSENT)
    return y if dtype is None else to_kind(y, x.kind)


# ---------------------------------------------------------------------------------------------- mean

cdef class MeanBackward0(Node):
    """g / n, expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, spread_over(g, self.args, self.c[0] if self.c[0] else 1.0))     # of none, as torch

cdef void *MEAN_METHODS = vtable_of(MeanBackward0)

cdef class MeanBackward1(Node):
    """g / n, expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Layout form = kept[0]
        if self.c[0]:                          # of no elements there is nothing to divide
            g = binary(&DIV, g, scalar_number(self.c[0]))
        return give(grads, 0, spread(g, form, kept[1], kept[2]))


cdef Tensor c_mean(Tensor x, uint64_t mask, bint keepdim, bint named):
    cdef Tensor y
    cdef Node n
    cdef double count
    check_mean(x.kind, "Input")
    count = count_folded(x.form, mask)
    y = sum_result(x, mask, keepdim)
    if not recalled("mean", y):
        sum_into(y, x, mask)
        binary_into(&DIV, y, y, scalar_f64(count), F64)
        computed("mean", y, x)
    if recording() and needs_grad(x):
        if named:
            n = new_node(<PyTypeObject *>MeanBackward1)
            n.args = (x.form, mask, keepdim)
            add_edge(n, x)
            set_result(n, y)
        else:
            n = record_whole(<PyTypeObject *>MeanBackward0, MEAN_METHODS, x, y)
        n.c[0] = count
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_mean(tangent_of(x), mask, keepdim, named))
    return y


cdef int check_mean(int kind, str what) except -1:
    if kind != F64:
        raise RuntimeError(f"mean(): could not infer output dtype. {what} dtype must be either a floating point or "
                           f"complex dtype. Got: {scalar_type_name(kind)}")
    return 0


cdef Py_ssize_t count_folded(Layout form, uint64_t mask) noexcept:
    cdef Py_ssize_t n = 1
    cdef int d
    for d in range(form.ndim):
        if (mask >> d) & 1:
            n *= form.sizes[d]
    return n


@op
def mean(input, dim=ABSENT, keepdim=False, *, dtype=None, axis=None, keepdims=None):
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
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.mean(torch.tensor([[1., 2.], [3., 4.]]))
    tensor(2.5000)
    """
    cdef Tensor x = tensor_arg(input, "mean", "input", 1)
    if dtype is not None:
        check_mean(dtype_number(dtype, F64), "Optional")
        x = dtype_cast(x, dtype)
    dim = dim_arg(dim, axis, "mean")
    return c_mean(x, dim_mask(None if dim is ABSENT else dim, x.form.ndim), flag_arg(keepdim, keepdims, "mean"),
                  dim is not ABSENT)


# ---------------------------------------------------------------------------------------------- prod
# The derivative multiplies what stands before an element by what stands after it, without dividing:
# it is right where elements are 0, and where the product overflows.

cdef void prod_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *dx = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef double part = 1.0
    cdef Py_ssize_t i
    for i in range(n):
        dx[i] = part
        part *= x[s[2] * i]
    part = 1.0
    for i in range(n - 1, -1, -1):
        dx[i] = g[s[1] * i] * (dx[i] * part)
        part *= x[s[2] * i]


cdef Tensor prod_dx(Tensor g, Tensor x, int d):
    """g times the product of the others along a dimension; g broadcasts to x."""
    cdef Tensor dx
    if recording() or (g.flags | x.flags) & SPECIAL:
        return binary(&MUL, g, binary(&MUL, product_before(x, d, FORWARD), product_before(x, d, BACKWARD)))
    dx = new_tensor(F64, fresh_layout(x.form))
    lines_into(prod_backward, d, dx, g, x, None, F64, NULL)
    return dx


cdef Tensor flattened(Tensor x):
    return c_reshape(x, layout_contiguous(1, &x.form.numel))


cdef class ProdBackward0(Node):
    """g times the product of the other elements"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor x = saved_a(self)
        cdef Tensor dx = prod_dx(g, flattened(x), 0)
        return give(grads, 0, c_reshape(dx, layout_contiguous(x.form.ndim, x.form.sizes)))


cdef class ProdBackward1(Node):
    """g times the product of the other elements along the dimension"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Tensor x = saved_a(self)
        cdef int d = kept[0]
        if not kept[1] and x.form.ndim:
            g = c_unsqueeze(g, d)
        return give(grads, 0, prod_dx(g, x, d))


cdef Tensor prod_values(Tensor x, uint64_t mask, bint keepdim):
    cdef Tensor y = sum_result(x, mask, keepdim)
    if not recalled("prod", y):
        reduce_into(&PROD_F64 if y.kind == F64 else &PROD_I64, y, None, x, mask, y.kind)
        computed("prod", y, x)
    return y


cdef Tensor c_prod_all(Tensor x):
    cdef Tensor y = prod_values(x, every_dim(x), False)
    cdef Node n
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>ProdBackward0)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_sum_all(prod_dx(flattened(tangent_of(x)), flattened(bare(x)), 0)))
    return y


cdef Tensor c_prod(Tensor x, int d, bint keepdim):
    """The product along one dimension."""
    cdef uint64_t mask = <uint64_t>1 << d if x.form.ndim else 0
    cdef Tensor y = prod_values(x, mask, keepdim)
    cdef Node n
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>ProdBackward1)
        n.args = (d, keepdim)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_sum(prod_dx(tangent_of(x), bare(x), d), mask, keepdim, True))
    return y


@op
def prod(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=None):
    """Product of all elements or along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Dimension to fold; all by default.
    keepdim : bool
        Keep the folded dimension with size 1.
    dtype : dtype, optional
        Convert to this dtype first; integers and bools multiply as int64.
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Notes
    -----
    The gradient of an element is the product of the others, whether or not some are 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.prod(torch.tensor([[1., 2.], [3., 4.]]), 1)
    tensor([ 2., 12.])
    """
    cdef Tensor x = dtype_cast(tensor_arg(input, "prod", "input", 1), dtype)
    cdef bint keep = flag_arg(keepdim, keepdims, "prod")
    dim = dim_arg(dim, axis, "prod")
    if dim is not None:
        y = c_prod(x, dim_number(dim, x.form.ndim, "prod"), keep)
    elif keep:
        raise TypeError("prod(): argument 'keepdim' needs argument 'dim'")
    else:
        y = c_prod_all(x)
    return y if dtype is None else to_kind(y, x.kind)


# --------------------------------------------------------------------------------------- any and all

cdef Tensor test_along(const Reducer *reducer, Tensor x, object dim, bint keepdim):
    cdef uint64_t mask = 0                     # an empty sequence names no dimension here, not all
    cdef Tensor y
    if dim is None or not isinstance(dim, (tuple, list)) or dim:
        mask = dim_mask(dim, x.form.ndim)
    y = new_tensor(BOOL, reduced_layout(x.form, mask, keepdim))
    reduce_into(reducer, y, None, x, mask, BOOL)
    return y


cdef Tensor c_any(Tensor x):
    return test_along(&ANY, x, None, False)


@op
@renamed("any")
def any_op(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """Whether any element is not zero, of all or along dimensions.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.any(torch.tensor([False, True]))
    tensor(True)
    """
    cdef Tensor x = tensor_arg(input, "any", "input", 1)
    return test_along(&ANY, x, dim_arg(dim, axis, "any"), flag_arg(keepdim, keepdims, "any"))


@op
@renamed("all")
def all_op(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """Whether no element is zero, of all or along dimensions.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.all(torch.tensor([False, True]))
    tensor(False)
    """
    cdef Tensor x = tensor_arg(input, "all", "input", 1)
    return test_along(&ALL, x, dim_arg(dim, axis, "all"), flag_arg(keepdim, keepdims, "all"))
