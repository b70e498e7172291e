# Joining tensors: cat, stack.

cdef list tensors_arg(object tensors, str name):
    cdef list xs
    cdef int i = 0
    if isinstance(tensors, Tensor) or not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
                        f"{type(tensors).__name__}")
    xs = list(tensors)
    if not xs and name == "stack":
        raise RuntimeError("stack expects a non-empty TensorList")
    if not xs:
        raise ValueError(f"torch.{name}(): expected a non-empty list of Tensors")
    for i in range(len(xs)):
        if not isinstance(xs[i], Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(xs[i]).__name__}")
    return xs


cdef int joined_kind(list xs) except -1:
    cdef Tensor x
    cdef int kind = BOOL
    for x in xs:
        kind = max(kind, x.kind)
    return kind


cdef bint any_needs_grad(list xs) except -1:
    cdef Tensor x
    cdef bint found = False
    for x in xs:                               # all of them: each view is brought up to date
        if needs_grad(x):
            found = True
    return found


cdef bint any_tangent(list xs) except -1:
    cdef Tensor x
    for x in xs:
        if x.flags & SPECIAL and tangent_of(x) is not None:
            return True
    return False


cdef Node joining_node(object cls, list xs, object args):
    cdef Node n = new_node(<PyTypeObject *>cls)
    cdef Tensor x
    n.args = args
    for x in xs:
        add_edge(n, x)
    return n


# ----------------------------------------------------------------------------------------------- cat

@cython.final
cdef class CatBackward0(Node):
    """the part of g that each input filled"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef int dim = self.args[0], i
        cdef list lengths = self.args[1]
        cdef Py_ssize_t start = 0, length
        for i in range(self.inputs):
            length = lengths[i]
            if edge_node(self, i) is not None:
                if length < 0:                 # a 1-d tensor without elements, which any other may meet
                    give(grads, i, zeros_form(layout_of_sequence((0,))))
                else:
                    give(grads, i, c_slice(g, dim, start, start + length, 1))
            start += max(length, 0)
        return 0


cdef bint skipped(Tensor x) noexcept:
    return x.form.ndim == 1 and x.form.numel == 0


cdef Layout cat_layout(list xs, int dim, list lengths):
    """The layout of the joined tensor; `lengths` takes each input's share, -1 for one that is skipped."""
    cdef Tensor x, first = None
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t total = 0
    cdef int d, i
    for x in xs:
        if first is None or (skipped(first) and not skipped(x)):
            first = x
    for i in range(len(xs)):
        x = xs[i]
        if x.form.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
        if skipped(x) and first.form.ndim != 1:
            lengths.append(-1)
            continue
        if x.form.ndim != first.form.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.form.ndim} and {x.form.ndim}")
        for d in range(x.form.ndim):
            if d != dim and x.form.sizes[d] != first.form.sizes[d]:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size "
                                   f"{first.form.sizes[d]} but got size {x.form.sizes[d]} for tensor number {i} in "
                                   "the list.")
        lengths.append(x.form.sizes[dim])
        total += x.form.sizes[dim]
    for d in range(first.form.ndim):
        sizes[d] = total if d == dim else first.form.sizes[d]
    return layout_contiguous(first.form.ndim, sizes)


cdef Tensor part_of(Tensor y, int dim, Py_ssize_t start, Py_ssize_t length):
    """Elements start to start + length of a dimension, unknown to autograd."""
    cdef Layout layout = layout_new(y.form.ndim)
    memcpy(layout.sizes, y.form.sizes, y.form.ndim * sizeof(Py_ssize_t))
    memcpy(layout.strides, y.form.strides, y.form.ndim * sizeof(Py_ssize_t))
    layout.sizes[dim] = length
    return strided_alias(y, layout_settle(layout), start * y.form.strides[dim])


cdef Tensor c_cat(list xs, int dim):
    cdef list lengths = []
    cdef Tensor x, y = new_tensor(joined_kind(xs), cat_layout(xs, dim, lengths))
    cdef Py_ssize_t start = 0, length
    cdef int i
    for i in range(len(xs)):
        length = lengths[i]
        if length > 0:
            copy_elements(part_of(y, dim, start, length), xs[i])
            start += length
    if recording() and any_needs_grad(xs):
        set_result(joining_node(CatBackward0, xs, (dim, lengths)), y)
    if any_tangent(xs):
        set_tangent(y, c_cat([tangent_or_zeros(x) for x in xs], dim))
    return y


@op_function
def cat(tensors, dim=0):
    """Tensors joined along a dimension.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of equal sizes but in `dim`.
    dim : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.cat([torch.tensor([1.]), torch.tensor([2., 3.])])
    tensor([1., 2., 3.])
    """
    cdef list xs = tensors_arg(tensors, "cat")
    cdef Tensor x
    cdef int ndim = 1
    for x in xs:
        ndim = max(ndim, x.form.ndim)
    return c_cat(xs, wrap_dim(dim, ndim))


# --------------------------------------------------------------------------------------------- stack

@cython.final
cdef class StackBackward0(Node):
    """g at each input's index"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef int i
        for i in range(self.inputs):
            if edge_node(self, i) is not None:
                give(grads, i, c_select(g, self.args, i))
        return 0


cdef Tensor c_stack(list xs, int dim):
    cdef Tensor x, y, first = xs[0], place
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int d, i, n = first.form.ndim + 1
    for d in range(n):
        sizes[d] = len(xs) if d == dim else first.form.sizes[d if d < dim else d - 1]
    y = new_tensor(joined_kind(xs), layout_contiguous(n, sizes))
    for i in range(len(xs)):
        place = part_of(y, dim, i, 1)
        x = xs[i]
        place.form = x.form if x.form.ndim == 0 else without_dim(place.form, dim)
        copy_elements(place, x)
    if recording() and any_needs_grad(xs):
        set_result(joining_node(StackBackward0, xs, dim), y)
    if any_tangent(xs):
        set_tangent(y, c_stack([tangent_or_zeros(x) for x in xs], dim))
    return y


cdef Layout without_dim(Layout form, int dim):
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef int d, n = 0
    for d in range(form.ndim):
        if d != dim:
            sizes[n] = form.sizes[d]
            strides[n] = form.strides[d]
            n += 1
    return layout_strided(n, sizes, strides)


@op_function
def stack(tensors, dim=0):
    """Tensors of one size joined along a new dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.stack([torch.tensor([1., 2.]), torch.tensor([3., 4.])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    cdef list xs = tensors_arg(tensors, "stack")
    cdef Tensor x, first = xs[0]
    cdef int i
    for i in range(len(xs)):
        x = xs[i]
        if not same_sizes(x.form, first.form):
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {sizes_text(first.form)} at "
                               f"entry 0 and {sizes_text(x.form)} at entry {i}")
    return c_stack(xs, wrap_dim(dim, first.form.ndim + 1))
