# Extrema: max, min, amax, amin, argmax, argmin.
#
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


cdef Tensor extremum_values(const char *name, Tensor x, uint64_t mask, bint keepdim, bint largest, Tensor index):
    """The values, and unless None the indices; name is NULL where a selective checkpoint does not ask."""
    cdef int want = F64 if x.kind == F64 else I64
    cdef Tensor y = new_tensor(want, reduced_layout(x.form, mask, keepdim))
    if name == NULL or not recalled(name, y):
        if want == F64 and index is not None:
            reduce_into(&MAX_PLACE_F64 if largest else &MIN_PLACE_F64, y, index, x, mask, want)
        elif want == F64:
            reduce_into(&MAX_F64 if largest else &MIN_F64, y, None, x, mask, want)
        else:
            reduce_into(&MAX_I64 if largest else &MIN_I64, y, index, x, mask, want)
        if name != NULL:
            computed(name, y, x)
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
    y = extremum_values("amax" if largest else "amin", x, mask, keepdim, largest, None)
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
    y = extremum_values("max" if largest else "min", x, every_dim(x), False, largest, None)
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
    cdef int d = dim_number(dim, x.form.ndim, "max" if largest else "min")
    cdef uint64_t mask = <uint64_t>1 << d if x.form.ndim else 0
    cdef Tensor y, index, t
    cdef Node n
    if x.form.ndim and x.form.sizes[d] == 0:
        raise IndexError(f"{'max' if largest else 'min'}(): Expected reduction dim {d} to have non-zero size.")
    index = new_tensor(I64, reduced_layout(x.form, mask, keepdim))
    y = extremum_values(NULL, x, mask, keepdim, largest, index)
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
    cdef str name = "max" if largest else "min"
    cdef Tensor x = tensor_arg(input, name, "input", 1)
    if dim is None:
        if keepdim:
            raise TypeError(f"{name}(): argument 'keepdim' needs argument 'dim'")
        return c_extremum(x, largest)
    if isinstance(dim, Tensor):
        return binary(&MAXIMUM if largest else &MINIMUM, x, dim)
    return extremum_result("max" if largest else "min", c_extremum_along(x, dim, keepdim, largest))


@op
@renamed("max")
def max_op(input, dim=None, keepdim=False, *, other=None, axis=None, keepdims=None):
    """The largest element, of all or along a dimension; with a second tensor, `maximum`.

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        Dimension to fold, or the tensor to compare with.
    keepdim : bool
        Keep the folded dimension with size 1.
    other : Tensor, optional
        The tensor to compare with.
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

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
    dim = dim_arg(dim, axis, "max") if other is None else tensor_arg(other, "max", "other", 2)
    return max_or_min(input, dim, flag_arg(keepdim, keepdims, "max"), True)


@op
@renamed("min")
def min_op(input, dim=None, keepdim=False, *, other=None, axis=None, keepdims=None):
    """The smallest element, of all or along a dimension; with a second tensor, `minimum`.

    See `max`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.min(torch.tensor([[1., 4.], [3., 2.]]))
    tensor(1.)
    """
    dim = dim_arg(dim, axis, "min") if other is None else tensor_arg(other, "min", "other", 2)
    return max_or_min(input, dim, flag_arg(keepdim, keepdims, "min"), False)


@op
def amax(input, dim=(), keepdim=False, *, axis=None, keepdims=None):
    """The largest element along dimensions.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int
        Dimensions to fold; all by default.
    keepdim : bool
        Keep folded dimensions with size 1.
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

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
    cdef Tensor x = tensor_arg(input, "amax", "input", 1)
    return c_amax(x, dim_arg(dim, axis, "amax"), flag_arg(keepdim, keepdims, "amax"), True)


@op
def amin(input, dim=(), keepdim=False, *, axis=None, keepdims=None):
    """The smallest element along dimensions.  See `amax`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.amin(torch.tensor([[1., 4.], [3., 2.]]), 1)
    tensor([1., 2.])
    """
    cdef Tensor x = tensor_arg(input, "amin", "input", 1)
    return c_amax(x, dim_arg(dim, axis, "amin"), flag_arg(keepdim, keepdims, "amin"), False)


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
        extremum_values(NULL, strided_alias(x, layout_of_sequence((x.form.numel,)), 0), 1, False, largest, index)
        return index
    d = dim_number(dim, x.form.ndim, name)
    mask = <uint64_t>1 << d if x.form.ndim else 0
    if x.form.ndim and x.form.sizes[d] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
    index = new_tensor(I64, reduced_layout(x.form, mask, keepdim))
    extremum_values(NULL, x, mask, keepdim, largest, index)
    return index


@op
def argmax(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """Index of the largest element, the first of equal ones: in the flattened tensor or along a dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.argmax(torch.tensor([1., 4., 2.]))
    tensor(1)
    """
    cdef Tensor x = tensor_arg(input, "argmax", "input", 1)
    return c_argmax(x, dim_arg(dim, axis, "argmax"), flag_arg(keepdim, keepdims, "argmax"), True)


@op
def argmin(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """Index of the smallest element, the first of equal ones: in the flattened tensor or along a dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.argmin(torch.tensor([1., 4., 2.]))
    tensor(0)
    """
    cdef Tensor x = tensor_arg(input, "argmin", "input", 1)
    return c_argmax(x, dim_arg(dim, axis, "argmin"), flag_arg(keepdim, keepdims, "argmin"), False)
