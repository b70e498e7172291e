# Views of parts: select, slices, diagonal, windows, as_strided, and those that make several at once.
#
# The gradient of a part is put into its place in a tensor of zeros (`embed`).

cdef Tensor embed(Tensor g, Tensor zeros, Tensor place):
    """`zeros` with g at `place`, which is a view of it."""
    copy_in_place(place, g)
    return zeros


# -------------------------------------------------------------------------------------------- select

@cython.final
cdef class SelectBackward0(Node):
    """g at the index, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Tensor z = zeros_form(kept[0])
        return give(grads, 0, embed(g, z, c_select(z, kept[1], kept[2])))


cdef Tensor c_select(Tensor x, int dim, Py_ssize_t index):
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef Py_ssize_t size
    cdef Tensor v
    cdef int d, n = 0
    if x.form.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    size = x.form.sizes[dim]
    if index < -size or index >= size:
        raise IndexError(f"select(): index {index} out of range for tensor of size {sizes_text(x.form)} at "
                         f"dimension {dim}")
    if index < 0:
        index += size
    for d in range(x.form.ndim):
        if d != dim:
            sizes[n] = x.form.sizes[d]
            strides[n] = x.form.strides[d]
            n += 1
    v = make_view(x, layout_strided(n, sizes, strides) if n else SCALAR, index * x.form.strides[dim],
                  SelectBackward0, (x.form, dim, index))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_select(tangent_of(x), dim, index))
    return v


@op
def select(input, dim, index):
    """A view at one index of a dimension, which goes away.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.select(torch.tensor([[1., 2.], [3., 4.]]), 0, 1)
    tensor([3., 4.])
    """
    cdef Tensor x = tensor_arg(input, "select", "input", 1)
    return c_select(x, wrap_dim(dim, x.form.ndim), as_index(index))


# -------------------------------------------------------------------------------------------- slices

@cython.final
cdef class SliceBackward0(Node):
    """g in the slice, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Tensor z = zeros_form(kept[0])
        return give(grads, 0, embed(g, z, c_slice(z, kept[1], kept[2], kept[3], kept[4])))


cdef Tensor c_slice(Tensor x, int dim, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t step):
    """Elements start to stop of a dimension, both within it, by step > 0."""
    cdef Layout layout = layout_new(x.form.ndim)
    cdef Tensor v
    memcpy(layout.sizes, x.form.sizes, x.form.ndim * sizeof(Py_ssize_t))
    memcpy(layout.strides, x.form.strides, x.form.ndim * sizeof(Py_ssize_t))
    layout.sizes[dim] = (stop - start + step - 1) // step if stop > start else 0
    layout.strides[dim] *= step
    v = make_view(x, layout_settle(layout), start * x.form.strides[dim], SliceBackward0,
                  (x.form, dim, start, stop, step))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_slice(tangent_of(x), dim, start, stop, step))
    return v


@op
def narrow(input, dim, start, length):
    """A view of `length` elements of a dimension from `start`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.narrow(torch.arange(5.), 0, 1, 3)
    tensor([1., 2., 3.])
    """
    cdef Tensor x = tensor_arg(input, "narrow", "input", 1)
    cdef int d
    cdef Py_ssize_t first, count = as_index(length), size
    if isinstance(start, Tensor) and ((<Tensor>start).form.ndim or (<Tensor>start).kind != I64):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    first = as_index(start)
    if x.form.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if count < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    d = wrap_dim(dim, x.form.ndim)
    size = x.form.sizes[d]
    if first < -size or first > size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {first})")
    if first < 0:
        first += size
    if count > size - first:
        raise RuntimeError(f"start ({first}) + length ({count}) exceeds dimension size ({size}).")
    return c_slice(x, d, first, first + count, 1)


# ------------------------------------------------------------------------------------------ diagonal

@cython.final
cdef class DiagonalBackward0(Node):
    """g on the diagonal, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Tensor z = zeros_form(kept[0])
        return give(grads, 0, embed(g, z, c_diagonal(z, kept[1], kept[2], kept[3])))


cdef Tensor c_diagonal(Tensor x, Py_ssize_t offset, int p, int q):
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef Py_ssize_t rows = x.form.sizes[p], columns = x.form.sizes[q], length, shift = 0
    cdef int d, n = 0
    cdef Tensor v
    if offset >= 0:
        length = max(min(rows, columns - offset), 0)
    else:
        length = max(min(rows + offset, columns), 0)
    if length:
        shift = offset * x.form.strides[q] if offset >= 0 else -offset * x.form.strides[p]
    for d in range(x.form.ndim):
        if d != p and d != q:
            sizes[n] = x.form.sizes[d]
            strides[n] = x.form.strides[d]
            n += 1
    sizes[n] = length
    strides[n] = x.form.strides[p] + x.form.strides[q]
    v = make_view(x, layout_strided(n + 1, sizes, strides), shift, DiagonalBackward0, (x.form, offset, p, q))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_diagonal(tangent_of(x), offset, p, q))
    return v


@op
def diagonal(input, offset=0, dim1=0, dim2=1):
    """A view of the diagonal of two dimensions, which become the last one.

    Parameters
    ----------
    input : Tensor
    offset : int
        Above (positive) or below the main diagonal.
    dim1, dim2 : int
        The two dimensions.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.diagonal(torch.tensor([[1., 2.], [3., 4.]]))
    tensor([1., 4.])
    """
    cdef Tensor x = tensor_arg(input, "diagonal", "input", 1)
    cdef int p = wrap_dim(dim1, x.form.ndim), q = wrap_dim(dim2, x.form.ndim)
    if p == q:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return c_diagonal(x, as_index(offset), p, q)


# -------------------------------------------------------------------------------------------- unfold

@cython.final
cdef class UnfoldBackward0(Node):
    """g of the windows, added where they overlap"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef int dim = kept[1]
        cdef Py_ssize_t size = kept[2], step = kept[3], windows, k
        cdef Tensor z = zeros_form(kept[0]), place
        if z.form.ndim == 0:
            return give(grads, 0, c_reshape(g, SCALAR))
        windows = g.form.sizes[dim]
        for k in range(size):                  # the k-th elements of all windows lie apart
            place = c_slice(z, dim, k, k + (windows - 1) * step + 1, step)
            binary_in_place(&ADD, place, c_select(g, g.form.ndim - 1, k))
        return give(grads, 0, z)


cdef Tensor c_unfold(Tensor x, int dim, Py_ssize_t size, Py_ssize_t step):
    cdef Layout layout = layout_new(x.form.ndim + 1)
    cdef Tensor v
    memcpy(layout.sizes, x.form.sizes, x.form.ndim * sizeof(Py_ssize_t))
    memcpy(layout.strides, x.form.strides, x.form.ndim * sizeof(Py_ssize_t))
    layout.sizes[x.form.ndim] = size
    if x.form.ndim:
        layout.strides[x.form.ndim] = x.form.strides[dim]
        layout.sizes[dim] = (x.form.sizes[dim] - size) // step + 1
        layout.strides[dim] *= step
    else:
        layout.strides[0] = 1
    v = make_view(x, layout_settle(layout), 0, UnfoldBackward0, (x.form, dim, size, step))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_unfold(tangent_of(x), dim, size, step))
    return v


@method
def unfold(self, dimension, size, step):
    """A view of all windows of `size` elements of a dimension, `step` apart, as a new last dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.arange(4.).unfold(0, 2, 1)
    tensor([[0., 1.],
            [1., 2.],
            [2., 3.]])
    """
    cdef Tensor x = own(self)
    cdef int d = wrap_dim(dimension, x.form.ndim)
    cdef Py_ssize_t length = as_index(size), stride = as_index(step)
    cdef Py_ssize_t available = x.form.sizes[d] if x.form.ndim else 1
    if length < 0 or length > available:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {available} but size is {length}")
    if stride <= 0:
        raise RuntimeError(f"step is {stride} but must be > 0")
    return c_unfold(x, d, length, stride)


# ---------------------------------------------------------------------------------------- as_strided

@cython.final
cdef class AsStridedBackward0(Node):
    """g added at the places of the memory that the view shows, seen as x"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Layout base = self.args[0], form = self.args[1]
        cdef Py_ssize_t shift = self.args[2], low = min(0, shift)
        cdef Py_ssize_t room = max(layout_extent(base), layout_extent(form) + shift) - low
        cdef Tensor memory = zeros_form(layout_of_sequence((room,))), z
        cdef Layout flat
        # Where the elements of the view lie in that memory.
        cdef Tensor places = c_as_strided(c_arange(room), form, shift - low)
        if overlaps_itself(form):
            flat = layout_of_sequence((form.numel,))
            z = c_index_put(memory, [c_reshape(places, flat)], c_reshape(g, flat), True)
        else:
            z = embed(g, memory, c_as_strided(memory, form, shift - low))
        z = c_as_strided(z, base, -low)
        if overlaps_itself(base):
            # Elements of x that lie at one place share what that place got.
            z = binary(&DIV, z, c_as_strided(place_counts(base, room, -low), base, -low))
        return give(grads, 0, z)


cdef Tensor place_counts(Layout form, Py_ssize_t room, Py_ssize_t shift):
    """How many elements of a layout lie at each place of a memory."""
    cdef Layout flat = layout_of_sequence((form.numel,))
    cdef Tensor places = c_reshape(c_as_strided(c_arange(room), form, shift), flat)
    return c_index_put(zeros_form(layout_of_sequence((room,))), [places], filled(F64, flat, 1.0), True)


cdef Node as_strided_node(Tensor x, Layout form, Py_ssize_t offset):
    """The node of the strided view of x at `offset` of the storage."""
    cdef Node n = new_node(<PyTypeObject *>AsStridedBackward0)
    n.args = (x.form, form, offset - storage_shift(x))
    add_edge(n, x)
    return n


cdef Tensor c_as_strided(Tensor x, Layout form, Py_ssize_t offset):
    """The view of x's storage with a layout at an offset; it must lie inside."""
    cdef Tensor v
    cdef Py_ssize_t shift
    spill(x)
    shift = offset - storage_shift(x)
    v = make_view(x, form, shift, AsStridedBackward0, (x.form, form, shift))
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(v, c_as_strided(contiguous_tangent(x), form, offset))
    return v


cdef Tensor contiguous_tangent(Tensor x):
    """The tangent of x, laid out in a storage as x is."""
    cdef Tensor t = tangent_of(x)
    if same_strides(t.form, x.form) and storage_shift(t) == storage_shift(x):
        return t
    if storage_shift(x) == 0 and x.form.dense:
        return clone_as(t, x.form)
    raise RuntimeError("as_strided: the tangent is laid out differently from its primal")


@op
def as_strided(input, size, stride, storage_offset=None):
    """A view of the tensor's storage with any sizes and strides.

    Parameters
    ----------
    input : Tensor
    size, stride : sequence of int
        Strides in elements, not negative.
    storage_offset : int, optional
        In elements; that of `input` by default.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If the view would reach out of the storage.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.as_strided(torch.arange(4.), (2, 2), (1, 1))
    tensor([[0., 1.],
            [1., 2.]])
    """
    cdef Tensor x = tensor_arg(input, "as_strided", "input", 1)
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef int n = read_sizes(size, sizes), d
    cdef Layout form
    cdef Py_ssize_t offset
    if read_sizes(stride, strides) != n:
        raise RuntimeError("mismatch in length of strides and shape")
    for d in range(n):
        if strides[d] < 0:
            raise RuntimeError("as_strided: Negative strides are not supported at the moment, got strides: "
                               f"{list(stride)}")
    spill(x)
    offset = storage_shift(x) if storage_offset is None else as_index(storage_offset)
    form = layout_strided(n, sizes, strides) if n else SCALAR
    if offset < 0 or not fits_storage(form, offset, x.storage.size // item_size(x.kind)):
        needed = storage_needed(sizes, strides, n, offset, x)
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and "
                           f"itemsize {item_size(x.kind)} requiring a storage size of {needed} are "
                           f"out of bounds for storage of size {x.storage.size}")
    return c_as_strided(x, form, offset)


cdef object storage_needed(const Py_ssize_t *sizes, const Py_ssize_t *strides, int n, Py_ssize_t offset, Tensor x):
    # In Python's integers: this may be what overflowed.
    return (sum([(sizes[d] - 1) * <object>strides[d] for d in range(n)]) + 1 + offset) * item_size(x.kind)


cdef bint fits_storage(Layout form, Py_ssize_t offset, Py_ssize_t room) noexcept:
    """Whether every element lies among the storage's `room`, without overflow on the way."""
    cdef Py_ssize_t left = room - 1 - offset
    cdef int d
    if form.numel == 0:
        return True
    for d in range(form.ndim):
        if form.strides[d] and form.sizes[d] > 1:
            if form.sizes[d] - 1 > left // form.strides[d]:
                return False
            left -= (form.sizes[d] - 1) * form.strides[d]
    return left >= 0


# ------------------------------------------------------------------------------ unbind, split, chunk
# One node for all outputs, which may not be changed in place while a gradient is required.

cdef tuple many_views(Tensor x, list views, object node, object args):
    """Views, made without recording, as the outputs of one operation."""
    cdef Node n = None
    cdef Tensor v
    cdef int i
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>node)
        n.args = args
        n.flags |= MANY
        add_edge(n, x)
        extra_of(n).forms = [(<Tensor>v).form for v in views]
    for i in range(len(views)):
        v = views[i]
        v.meta = None
        v.flags &= ~VIEW
        record_view(x, v, MULTI_VIEW)
        if n is not None:
            v.node = n
            v.nr = i
            v.flags |= REQUIRES
    return tuple(views)


cdef list given_or_zeros(Node n, list gs):
    """The gradients of all outputs, zeros where there is none."""
    cdef list full = []
    cdef int i
    for i in range(len(gs)):
        full.append(zeros_form(n.extra.forms[i]) if gs[i] is None else gs[i])
    return full


@cython.final
cdef class UnbindBackward0(Node):
    """the gs, stacked"""

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        return give(grads, 0, c_stack(given_or_zeros(self, gs), self.args))


cdef tuple c_unbind(Tensor x, int dim):
    cdef int no_grad = ag_tls.no_grad
    cdef list views
    cdef Py_ssize_t i
    cdef Tensor plain = alias(x)
    ag_tls.no_grad = 1
    try:
        views = [c_select(plain, dim, i) for i in range(x.form.sizes[dim])]
    finally:
        ag_tls.no_grad = no_grad
    result = many_views(x, views, UnbindBackward0, dim)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        for i in range(len(views)):
            set_tangent(views[i], c_select(tangent_of(x), dim, i))
    return result


@op
def unbind(input, dim=0):
    """Views at all indices of a dimension, as a tuple.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.unbind(torch.tensor([[1., 2.], [3., 4.]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    cdef Tensor x = tensor_arg(input, "unbind", "input", 1)
    if x.form.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return c_unbind(x, wrap_dim(dim, x.form.ndim))


cdef class SplitBackward0(Node):
    """the gs, joined"""

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        return give(grads, 0, c_cat(given_or_zeros(self, gs), self.args))

cdef class SplitWithSizesBackward0(SplitBackward0):
    """the gs, joined"""


cdef tuple c_split(Tensor x, list lengths, int dim, object node):
    cdef int no_grad = ag_tls.no_grad
    cdef list views = []
    cdef Py_ssize_t start = 0, length, i
    cdef Tensor plain = alias(x), t
    ag_tls.no_grad = 1
    try:
        for length in lengths:
            views.append(c_slice(plain, dim, start, start + length, 1))
            start += length
    finally:
        ag_tls.no_grad = no_grad
    result = many_views(x, views, node, dim)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        t = tangent_of(x)
        start = 0
        for i in range(len(views)):
            length = lengths[i]
            set_tangent(views[i], c_slice(t, dim, start, start + length, 1))
            start += length
    return result


cdef list equal_lengths(Py_ssize_t size, Py_ssize_t length):
    cdef list lengths = []
    cdef Py_ssize_t left = size
    if size == 0:
        return [0]
    while left > 0:
        lengths.append(min(left, length))
        left -= length
    return lengths


@op
def split(tensor, split_size_or_sections, dim=0):
    """Views of consecutive parts of a dimension, as a tuple.

    Parameters
    ----------
    tensor : Tensor
    split_size_or_sections : int or sequence of int
        The length of each part (the last may be shorter), or all lengths.
    dim : int

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.split(torch.arange(5.), 2)
    (tensor([0., 1.]), tensor([2., 3.]), tensor([4.]))
    """
    cdef Tensor x = tensor_arg(tensor, "split", "tensor", 1)
    cdef int d
    cdef Py_ssize_t length
    if x.form.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = wrap_dim(dim, x.form.ndim)
    if isinstance(split_size_or_sections, (tuple, list)):
        lengths = [as_index(k) for k in split_size_or_sections]
        if sum(lengths) != x.form.sizes[d] or (lengths and min(lengths) < 0):
            raise RuntimeError("split_with_sizes expects split_sizes to sum exactly to "
                               f"{x.form.sizes[d]} (input tensor's size at dimension {d}), but got "
                               f"split_sizes={lengths}")
        return c_split(x, lengths, d, SplitWithSizesBackward0)
    length = as_index(split_size_or_sections)
    if length < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={length}")
    if length == 0 and x.form.sizes[d]:
        raise RuntimeError("split_size can only be 0 if dimension size is 0, but got dimension size of "
                           f"{x.form.sizes[d]}")
    return c_split(x, equal_lengths(x.form.sizes[d], length), d, SplitBackward0)


@op
def chunk(input, chunks, dim=0):
    """Views of at most `chunks` equal parts of a dimension, as a tuple.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.chunk(torch.arange(5.), 2)
    (tensor([0., 1., 2.]), tensor([3., 4.]))
    """
    cdef Tensor x = tensor_arg(input, "chunk", "input", 1)
    cdef int d
    cdef Py_ssize_t count = as_index(chunks), length
    if x.form.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if count <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {count}")
    d = wrap_dim(dim, x.form.ndim)
    length = (x.form.sizes[d] + count - 1) // count
    if length == 0:
        return c_split(x, [0] * count, d, SplitWithSizesBackward0)
    return c_split(x, equal_lengths(x.form.sizes[d], length), d, SplitBackward0)
