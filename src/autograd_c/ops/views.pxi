# Views: other sizes and strides on the same memory.
#
# Each is recorded as a view (Note [Views and changes in place]) and, where a gradient is required, as
# a node whose derivative is the inverse view, or the view's place in a tensor of zeros.  A view is
# linear, so its tangent is the same view of the tangent.

cdef Tensor make_view(Tensor x, Layout form, Py_ssize_t shift, object node, object args):
    """The view of x with a layout, `shift` elements after its first, recorded."""
    cdef Tensor v = strided_alias(x, form, shift)
    cdef Node n
    record_view(x, v, PLAIN_VIEW)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>node)
        n.args = args
        add_edge(n, x)
        set_result(n, v)
    return v


cdef tuple sizes_arg(tuple sizes):
    """Sizes given as separate arguments or as one sequence."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        return tuple(sizes[0])
    return sizes


# -------------------------------------------------------------------------------------- view, reshape

cdef class ViewBackward0(Node):
    """g with the sizes of x"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, c_reshape(g, self.args))

cdef class UnsafeViewBackward0(ViewBackward0):
    """g with the sizes of x"""


cdef Layout resolve_sizes(Tensor x, object sizes):
    """The contiguous layout of `sizes` for x's elements, -1 replaced."""
    cdef Py_ssize_t buffer[MAX_DIMS]
    cdef Py_ssize_t known = 1
    cdef int n = read_sizes(sizes, buffer), d, open_ = -1
    cdef bint fits
    for d in range(n):
        if buffer[d] == -1:
            if open_ >= 0:
                raise RuntimeError("only one dimension can be inferred")
            open_ = d
        elif buffer[d] < 0:
            raise RuntimeError(f"invalid shape dimension {buffer[d]} at index {d} of shape {list(sizes)}")
        else:
            if buffer[d] and known > PY_SSIZE_T_MAX // buffer[d]:
                raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {x.form.numel}")
            known *= buffer[d]
    if open_ >= 0 and known == 0 and x.form.numel == 0:
        raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the unspecified "
                           "dimension size -1 can be any value and is ambiguous")
    fits = known == x.form.numel if open_ < 0 else known != 0 and x.form.numel % known == 0
    if not fits:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {x.form.numel}")
    if open_ >= 0:
        buffer[open_] = x.form.numel // known
    return layout_contiguous(n, buffer)


cdef Layout view_layout(Layout old, Layout new):
    """The layout that shows old's memory with new's sizes, or None if strides cannot."""
    cdef Layout layout
    cdef int d = new.ndim - 1, k
    cdef Py_ssize_t chunk_numel = 1, view_numel = 1, step
    if old.contiguous or old.numel == 0:
        return contiguous_layout(new)
    layout = layout_new(new.ndim)
    memcpy(layout.sizes, new.sizes, new.ndim * sizeof(Py_ssize_t))
    step = old.strides[old.ndim - 1]
    for k in range(old.ndim - 1, -1, -1):
        chunk_numel *= old.sizes[k]
        # The end of a run of dimensions that lie in memory as one.
        if k == 0 or (old.sizes[k - 1] != 1 and old.strides[k - 1] != chunk_numel * step):
            while d >= 0 and (view_numel < chunk_numel or new.sizes[d] == 1):
                layout.strides[d] = view_numel * step
                view_numel *= new.sizes[d]
                d -= 1
            if view_numel != chunk_numel:
                return None
            if k > 0:
                step = old.strides[k - 1]
                chunk_numel = 1
                view_numel = 1
    if d != -1:
        return None
    return layout_settle(layout)


cdef Tensor c_view(Tensor x, Layout form):
    cdef Layout shown = view_layout(x.form, form)
    cdef Tensor v
    if shown is None:
        raise errors().not_a_view_size(sizes_text(form))
    v = make_view(x, shown, 0, ViewBackward0, x.form)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_reshape(tangent_of(x), form))
    return v


cdef Tensor c_reshape(Tensor x, Layout form):
    cdef Tensor v
    if same_sizes(x.form, form):
        return x
    if view_layout(x.form, form) is not None:
        return c_view(x, form)
    return unsafe_view(contiguous(x), form)


cdef Tensor unsafe_view(Tensor x, Layout form):
    """Other sizes for a contiguous tensor that nobody else will see: not recorded as a view."""
    cdef Tensor v = strided_alias(x, contiguous_layout(form), 0)
    cdef Node n
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>UnsafeViewBackward0)
        n.args = x.form
        add_edge(n, x)
        set_result(n, v)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_reshape(tangent_of(x), form))
    return v


@method
def view(self, *shape):
    """The same memory with other sizes; -1 stands for what is left.

    Raises
    ------
    RuntimeError
        If the sizes do not fit, or strides cannot express them (`reshape` then copies).

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.arange(4.).view(2, 2)
    tensor([[0., 1.],
            [2., 3.]])
    """
    cdef Tensor x = own(self)
    return c_view(x, resolve_sizes(x, sizes_arg(shape)))


@method
def view_as(self, other):
    """A view with the sizes of `other`."""
    cdef Tensor x = own(self)
    return c_view(x, resolve_sizes(x, size_of(tensor_arg(other, "view_as", "other", 1).form)))


cdef Tensor reshaped(Tensor x, object sizes):
    cdef Layout form = resolve_sizes(x, sizes)
    # Even for the same sizes a view, as in PyTorch.
    return c_view(x, form) if same_sizes(x.form, form) else c_reshape(x, form)


@op
def reshape(input, *shape):
    """Other sizes for the same elements: a view where strides can express it, else a copy.

    Parameters
    ----------
    input : Tensor
    *shape : int or sequence of int
        -1 stands for what is left.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If the sizes do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.reshape(torch.arange(4.), (2, 2))
    tensor([[0., 1.],
            [2., 3.]])
    """
    return reshaped(tensor_arg(input, "reshape", "input", 1), sizes_arg(shape))


@op
def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from start_dim to end_dim made one.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.flatten(torch.tensor([[1., 2.], [3., 4.]]))
    tensor([1., 2., 3., 4.])
    """
    cdef Tensor x = tensor_arg(input, "flatten", "input", 1)
    cdef int first = wrap_dim(start_dim, x.form.ndim), last = wrap_dim(end_dim, x.form.ndim), d
    cdef list sizes = []
    cdef Py_ssize_t joined = 1
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if x.form.ndim == 0:
        return c_view(x, layout_of_sequence((1,)))
    if first == last:
        return x
    for d in range(x.form.ndim):
        if first <= d <= last:
            joined *= x.form.sizes[d]
            if d == last:
                sizes.append(joined)
        else:
            sizes.append(x.form.sizes[d])
    return reshaped(x, sizes)


# -------------------------------------------------------------------------------------------- expand

@cython.final
cdef class ExpandBackward0(Node):
    """g summed over what was expanded"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Layout form = self.args
        return give(grads, 0, g if same_sizes(g.form, form) else sum_to(g, form))


cdef Tensor expand_view(Tensor x, Layout form):
    """x with stride 0 where its size 1 meets another; its sizes must broadcast to form's."""
    cdef Layout layout = layout_new(form.ndim)
    cdef int d, shift = form.ndim - x.form.ndim
    cdef Tensor v
    for d in range(form.ndim):
        layout.sizes[d] = form.sizes[d]
        if d < shift:
            layout.strides[d] = 0
        elif x.form.sizes[d - shift] == 1 and form.sizes[d] != 1:
            layout.strides[d] = 0
        else:
            layout.strides[d] = x.form.strides[d - shift]
    v = make_view(x, layout_settle(layout) if form.ndim else SCALAR, 0, ExpandBackward0, x.form)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, expand_view(tangent_of(x), form))
    return v


cdef Tensor c_expand(Tensor x, Layout form):
    return x if same_sizes(x.form, form) else expand_view(x, form)


@method
def expand(self, *size):
    """A view in which dimensions of size 1 repeat; -1 keeps a size.

    Raises
    ------
    RuntimeError
        If a size that is not 1 would change.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.tensor([1., 2.]).expand(2, 2)
    tensor([[1., 2.],
            [1., 2.]])
    """
    cdef Tensor x = own(self)
    cdef Py_ssize_t buffer[MAX_DIMS]
    cdef object sizes = sizes_arg(size)
    cdef Layout form
    cdef int n = read_sizes(sizes, buffer), d, shift = n - x.form.ndim
    if shift < 0:
        raise RuntimeError(f"expand(torch.DoubleTensor{{{sizes_text(x.form)}}}, size={list(sizes)}): the number of "
                           f"sizes provided ({n}) must be greater or equal to the number of dimensions in the tensor "
                           f"({x.form.ndim})")
    for d in range(n):
        if buffer[d] == -1:
            if d < shift:
                raise RuntimeError(f"The expanded size of the tensor ({buffer[d]}) isn't allowed in a leading, "
                                   f"non-existing dimension {d}")
            buffer[d] = x.form.sizes[d - shift]
    form = layout_contiguous(n, buffer)
    check_expand(x.form, form)
    return expand_view(x, form)


cdef int check_expand(Layout form, Layout target) except -1:
    """Raise where sizes cannot be expanded to others."""
    cdef int d, shift = target.ndim - form.ndim
    if shift < 0:
        raise RuntimeError(f"expand(torch.DoubleTensor{{{sizes_text(form)}}}, size={sizes_text(target)}): the number "
                           f"of sizes provided ({target.ndim}) must be greater or equal to the number of dimensions in "
                           f"the tensor ({form.ndim})")
    for d in range(form.ndim - 1, -1, -1):
        if form.sizes[d] != 1 and form.sizes[d] != target.sizes[d + shift]:
            raise RuntimeError(f"The expanded size of the tensor ({target.sizes[d + shift]}) must match the existing "
                               f"size ({form.sizes[d]}) at non-singleton dimension {d + shift}.  Target sizes: "
                               f"{sizes_text(target)}.  Tensor sizes: {sizes_text(form)}")
    return 0


@method
def expand_as(self, other):
    """The view of `expand` with the sizes of `other`."""
    return expand(self, size_of(tensor_arg(other, "expand_as", "other", 1).form))


# -------------------------------------------------------------------------- permute, transpose, t, T

cdef class PermuteBackward0(Node):
    """g permuted back"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, c_permute(g, self.args))


cdef Tensor c_permute(Tensor x, tuple dims):
    """Dimension i of the result is dims[i] of x."""
    cdef Layout layout = layout_new(x.form.ndim)
    cdef list inverse = [0] * x.form.ndim
    cdef Tensor v
    cdef int d, k
    for d in range(x.form.ndim):
        k = dims[d]
        inverse[k] = d
        layout.sizes[d] = x.form.sizes[k]
        layout.strides[d] = x.form.strides[k]
    v = make_view(x, layout_settle(layout) if x.form.ndim else SCALAR, 0, PermuteBackward0, tuple(inverse))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_permute(tangent_of(x), dims))
    return v


cdef Tensor c_permute_reversed(Tensor x):
    return c_permute(x, tuple(range(x.form.ndim - 1, -1, -1)))


@op
def permute(input, *dims):
    """A view with the dimensions in another order.

    Raises
    ------
    RuntimeError
        If `dims` does not name each dimension once.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.permute(torch.zeros(2, 3), (1, 0)).shape
    torch.Size([3, 2])
    """
    cdef Tensor x = tensor_arg(input, "permute", "input", 1)
    cdef list order = []
    dims = sizes_arg(dims)
    if len(dims) != x.form.ndim:
        raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not match the length "
                           f"of the desired ordering of dimensions i.e. input.dim() = {x.form.ndim} is not equal to "
                           f"len(dims) = {len(dims)}")
    for k in dims:
        order.append(wrap_dim(k, x.form.ndim))
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return c_permute(x, tuple(order))


cdef class TransposeBackward0(Node):
    """g transposed back"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple dims = self.args
        return give(grads, 0, c_transpose(g, dims[0], dims[1]))

cdef class TBackward0(TransposeBackward0):
    """g transposed back"""


cdef Tensor transposed(Tensor x, int p, int q, object node):
    cdef Layout layout = layout_new(x.form.ndim)
    cdef Tensor v
    memcpy(layout.sizes, x.form.sizes, x.form.ndim * sizeof(Py_ssize_t))
    memcpy(layout.strides, x.form.strides, x.form.ndim * sizeof(Py_ssize_t))
    if x.form.ndim:
        layout.sizes[p], layout.sizes[q] = layout.sizes[q], layout.sizes[p]
        layout.strides[p], layout.strides[q] = layout.strides[q], layout.strides[p]
    v = make_view(x, layout_settle(layout) if x.form.ndim else SCALAR, 0, node, (p, q))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, transposed(tangent_of(x), p, q, node))
    return v


cdef Tensor c_transpose(Tensor x, int p, int q):
    return transposed(x, p, q, TransposeBackward0)


@op
def transpose(input, dim0, dim1):
    """A view with two dimensions exchanged.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.transpose(torch.zeros(2, 3, 4), 0, 2).shape
    torch.Size([4, 3, 2])
    """
    cdef Tensor x = tensor_arg(input, "transpose", "input", 1)
    return c_transpose(x, wrap_dim(dim0, x.form.ndim), wrap_dim(dim1, x.form.ndim))


cdef Tensor c_t(Tensor x):
    if x.form.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.form.ndim}D")
    return transposed(x, 0, 1 if x.form.ndim == 2 else 0, TBackward0)


@op
def t(input):
    """The transpose of a matrix; a tensor of fewer dimensions as it is.

    Raises
    ------
    RuntimeError
        For more than two dimensions.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.t(torch.tensor([[1., 2.], [3., 4.]]))
    tensor([[1., 3.],
            [2., 4.]])
    """
    return c_t(tensor_arg(input, "t", "input", 1))


# -------------------------------------------------------------------------------- squeeze, unsqueeze

cdef class SqueezeBackward0(Node):
    """g with the sizes of x"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, c_reshape(g, self.args))

cdef class SqueezeBackward1(SqueezeBackward0):
    """g with the sizes of x"""

cdef class SqueezeBackward2(SqueezeBackward0):
    """g with the sizes of x"""

cdef class SqueezeBackward4(SqueezeBackward0):
    """g with the sizes of x, where a product took the dimension away"""


cdef Tensor squeezed(Tensor x, uint64_t mask, object node):
    """x without those dimensions of the mask that have size 1."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef int d, n = 0
    cdef Tensor v
    for d in range(x.form.ndim):
        if x.form.sizes[d] != 1 or not (mask >> d) & 1:
            sizes[n] = x.form.sizes[d]
            strides[n] = x.form.strides[d]
            n += 1
    v = make_view(x, layout_strided(n, sizes, strides) if n else SCALAR, 0, node, x.form)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, squeezed(tangent_of(x), mask, node))
    return v


cdef Tensor c_squeeze(Tensor x, uint64_t mask):
    return squeezed(x, mask, SqueezeBackward1)


@op
def squeeze(input, dim=None):
    """A view without dimensions of size 1: all, or those of `dim` that have it.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.squeeze(torch.zeros(1, 3, 1)).shape
    torch.Size([3])
    """
    cdef Tensor x = tensor_arg(input, "squeeze", "input", 1)
    if dim is None:
        return squeezed(x, every_dim(x), SqueezeBackward0)
    if isinstance(dim, (tuple, list)):
        return squeezed(x, dim_mask(dim, x.form.ndim) if dim else 0, SqueezeBackward2)
    return squeezed(x, dim_mask(dim, x.form.ndim), SqueezeBackward1)


@cython.final
cdef class UnsqueezeBackward0(Node):
    """g without the new dimension"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, c_squeeze(g, <uint64_t>1 << <int>self.args))


cdef Tensor c_unsqueeze(Tensor x, int dim):
    """x with a dimension of size 1 before `dim`."""
    cdef Layout layout = layout_new(x.form.ndim + 1)
    cdef int d
    cdef Tensor v
    for d in range(dim):
        layout.sizes[d] = x.form.sizes[d]
        layout.strides[d] = x.form.strides[d]
    layout.sizes[dim] = 1
    layout.strides[dim] = x.form.sizes[dim] * x.form.strides[dim] if dim < x.form.ndim else 1
    for d in range(dim, x.form.ndim):
        layout.sizes[d + 1] = x.form.sizes[d]
        layout.strides[d + 1] = x.form.strides[d]
    v = make_view(x, layout_settle(layout), 0, UnsqueezeBackward0, dim)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_unsqueeze(tangent_of(x), dim))
    return v


@op
def unsqueeze(input, dim):
    """A view with a dimension of size 1 inserted at `dim`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.unsqueeze(torch.zeros(3), 0).shape
    torch.Size([1, 3])
    """
    cdef Tensor x = tensor_arg(input, "unsqueeze", "input", 1)
    return c_unsqueeze(x, wrap_dim(dim, x.form.ndim + 1))


# --------------------------------------------------------------------------------------------- alias

@cython.final
cdef class AliasBackward0(Node):
    """g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, g)


cdef Tensor c_alias(Tensor x):
    cdef Tensor v = make_view(x, x.form, 0, AliasBackward0, None)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_alias(tangent_of(x)))
    return v


@op
def detach(self):
    """The same memory without history; changes in place of either are seen by both, and by autograd."""
    return alias(own(self))


@method
def detach_(self):
    """Take this tensor out of its graph and make it a leaf that requires no gradient.

    Raises
    ------
    RuntimeError
        For a view.
    """
    cdef Tensor x = own(self)
    if x.flags & VIEW:
        raise RuntimeError("Can't detach views in-place. Use detach() instead. If you are using "
                           "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, "
                           "gradients are views of DDP buckets, and hence detach_() cannot be called on these "
                           "gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
                           "torch/optim/optimizer.py as a solution.")
    if x.node is not None:
        begin_write(x)                         # the node must not lose sight of a scalar it saved
    x.node = None
    x.nr = 0
    x.flags &= ~(REQUIRES | RETAIN)
    return x


# ---------------------------------------------------------------------------- changes of the form itself

cdef class TBackward1(TransposeBackward0):
    """g transposed back"""

cdef class TransposeBackward1(TransposeBackward0):
    """g transposed back"""

cdef class UnsqueezeBackward1(SqueezeBackward0):
    """g with the sizes of x"""

cdef class SqueezeBackward3(SqueezeBackward0):
    """g with the sizes of x"""


cdef Tensor take_form(Tensor x, Tensor shown, object node, object args):
    """Let x be seen as `shown`, an unrecorded view of it, from now on."""
    cdef Node n
    cdef bint recorded = recording() and needs_grad(x)
    check_in_place(x, recorded)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        raise RuntimeError("the form of a tensor with a tangent cannot be changed in place")
    if recorded:
        n = new_node(<PyTypeObject *>node)
        n.args = args
        add_edge(n, x)
    begin_write(x)
    x.form = shown.form
    x.ptr = shown.ptr
    bump(x)
    if recorded and x.flags & VIEW:
        attach_view(x, x.meta)
    elif recorded:
        set_result(n, x)
    return x


@method
def t_(self):
    """In-place version of `t`."""
    cdef Tensor x = own(self)
    return take_form(x, t(alias(x)), TBackward1, (0, 1 if x.form.ndim == 2 else 0))


@method
def transpose_(self, dim0, dim1):
    """In-place version of `transpose`."""
    cdef Tensor x = own(self)
    cdef int p = wrap_dim(dim0, x.form.ndim), q = wrap_dim(dim1, x.form.ndim)
    return take_form(x, c_transpose(alias(x), p, q), TransposeBackward1, (p, q))


@method
def unsqueeze_(self, dim):
    """In-place version of `unsqueeze`."""
    cdef Tensor x = own(self)
    return take_form(x, c_unsqueeze(alias(x), wrap_dim(dim, x.form.ndim + 1)), UnsqueezeBackward1, x.form)


@method
def squeeze_(self, dim=None):
    """In-place version of `squeeze`."""
    cdef Tensor x = own(self)
    return take_form(x, squeeze(alias(x), dim), SqueezeBackward3, x.form)
