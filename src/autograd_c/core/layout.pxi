# Layout: the sizes and strides of a tensor, immutable and shared.
#
# Tensors of one shape point to one Layout: the result of an elementwise operation takes its input's,
# and "same shape?" is mostly "same pointer?".  Strides count elements, as in PyTorch.

cdef enum:
    INLINE_DIMS = 5             # sizes and strides of so many dimensions lie in the object


class Size(tuple):
    """The sizes of a tensor: a tuple of int that prints as PyTorch's.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.zeros(2, 3).shape
    torch.Size([2, 3])
    """

    __slots__ = ()

    def __repr__(self):
        return "torch.Size([" + ", ".join([str(n) for n in self]) + "])"

    def __getitem__(self, item):
        got = tuple.__getitem__(self, item)
        return Size(got) if isinstance(item, slice) else got

    def __new__(cls, sizes=()):
        sizes = tuple(sizes)
        for i, n in enumerate(sizes):
            if not hasattr(n, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')")
        return tuple.__new__(cls, sizes)

    def __add__(self, other):
        return Size(tuple.__add__(self, other))

    def __mul__(self, count):
        return Size(tuple.__mul__(self, count))

    __rmul__ = __mul__

    def __reduce__(self):
        return Size, (tuple(self),)

    def numel(self):
        """Number of elements of a tensor of this size."""
        n = 1
        for k in self:
            n *= k
        return n


@cython.final
@cython.no_gc
@cython.freelist(1024)
cdef class Layout:
    cdef int ndim
    cdef bint contiguous        # row-major without gaps
    cdef bint dense             # a permutation of the dimensions makes it contiguous
    cdef Py_ssize_t numel
    cdef Py_ssize_t *sizes
    cdef Py_ssize_t *strides
    cdef Py_ssize_t room[2 * INLINE_DIMS]
    cdef object size            # the Size, made when asked for

    def __dealloc__(self):
        if self.sizes != self.room:
            PyMem_RawFree(self.sizes)


cdef Layout layout_new(int ndim):
    """A Layout with room for ndim dimensions; the caller fills sizes and strides, then settles it."""
    cdef Layout layout = Layout.__new__(Layout)
    layout.ndim = ndim
    layout.sizes = layout.room
    if ndim > INLINE_DIMS:
        if ndim > MAX_DIMS:
            layout.sizes = NULL
            raise RuntimeError(f"tensors of more than {MAX_DIMS} dimensions are not supported, got {ndim}")
        layout.sizes = <Py_ssize_t *>PyMem_RawMalloc(2 * ndim * sizeof(Py_ssize_t))
        if layout.sizes == NULL:
            raise MemoryError()
    layout.strides = layout.sizes + (ndim if ndim > INLINE_DIMS else INLINE_DIMS)
    return layout


cdef int layout_count(Layout layout, Py_ssize_t most) except -1:
    """Set numel, or raise where it would exceed `most`."""
    cdef int d
    cdef Py_ssize_t n = 1
    cdef bint empty = False
    for d in range(layout.ndim):
        if layout.sizes[d] < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {layout.sizes[d]}: "
                               f"{[layout.sizes[k] for k in range(layout.ndim)]}")
        if layout.sizes[d] == 0:
            empty = True
    if empty:
        layout.numel = 0
        return 0
    for d in range(layout.ndim):
        if n > most // layout.sizes[d]:
            raise RuntimeError("Storage size calculation overflowed with sizes="
                               f"{[layout.sizes[k] for k in range(layout.ndim)]}")
        n *= layout.sizes[d]
    layout.numel = n
    return 0


# Note [Layouts that are met again]
# Two tensors that lie alike have one Layout even where neither was made of the other, for each layout
# is remembered, in the place that its numbers give, until another one takes that place.  So "same
# shape?" is a comparison of pointers for the tensors of two arrays, too, and a loop makes the layouts
# of its views once.  It is no promise: where pointers differ, the sizes tell.

cdef enum:
    MET = 256                   # places, a power of two

cdef PyObject *met[MET]         # owned, or NULL
memset(met, 0, sizeof(met))


cdef inline PyObject **place_of(int ndim, const Py_ssize_t *sizes, const Py_ssize_t *strides) noexcept:
    """Where a layout with these numbers is remembered."""
    cdef uint64_t h = <uint64_t>ndim
    cdef int d
    for d in range(ndim):                       # by the golden ratio: Knuth, TAOCP 3, section 6.4
        h = (h ^ <uint64_t>sizes[d] ^ (<uint64_t>strides[d] << 32)) * <uint64_t>0x9E3779B97F4A7C15
        h ^= h >> 32
    return &met[h & (MET - 1)]


cdef inline bint has_numbers(PyObject *o, int ndim, const Py_ssize_t *sizes, const Py_ssize_t *strides) noexcept:
    """Whether o, which may be NULL, is the layout with these numbers."""
    cdef int d
    if o == NULL or (<Layout>o).ndim != ndim:
        return False
    for d in range(ndim):                       # few: not worth two calls of memcmp
        if (<Layout>o).sizes[d] != sizes[d] or (<Layout>o).strides[d] != strides[d]:
            return False
    return True


cdef Layout remembered(PyObject **place, Layout layout):
    """The layout, which takes its place."""
    cdef PyObject *before = place[0]
    place[0] = ag_held(<PyObject *>layout)
    if before != NULL:
        ag_decref(before)
    return layout


cdef Layout layout_contiguous(int ndim, const Py_ssize_t *sizes):
    """The row-major layout of these sizes."""
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef PyObject **place
    cdef Layout layout
    cdef int d
    cdef size_t step = 1                        # may overflow: then the sizes are not there, and refused
    if ndim == 0:
        return SCALAR
    for d in range(ndim - 1, -1, -1):
        strides[d] = <Py_ssize_t>step
        step *= <size_t>max(sizes[d], <Py_ssize_t>1)
    place = place_of(ndim, sizes, strides)
    if has_numbers(place[0], ndim, sizes, strides):
        return <Layout>place[0]
    layout = layout_new(ndim)
    memcpy(layout.sizes, sizes, ndim * sizeof(Py_ssize_t))
    memcpy(layout.strides, strides, ndim * sizeof(Py_ssize_t))
    layout_count(layout, PY_SSIZE_T_MAX // 8)       # of bytes: it is to be allocated
    layout.contiguous = layout.dense = True
    return remembered(place, layout)


cdef Layout layout_settle(Layout layout):
    """Finish a layout whose sizes and strides are set, or return the one with these numbers that there is."""
    cdef PyObject **place = place_of(layout.ndim, layout.sizes, layout.strides)
    cdef int d
    cdef Py_ssize_t step = 1
    if has_numbers(place[0], layout.ndim, layout.sizes, layout.strides):
        return <Layout>place[0]
    layout_count(layout, PY_SSIZE_T_MAX)
    layout.contiguous = True
    if layout.numel:
        for d in range(layout.ndim - 1, -1, -1):
            if layout.sizes[d] != 1:
                if layout.strides[d] != step:
                    layout.contiguous = False
                    break
                step *= layout.sizes[d]
    layout.dense = layout.contiguous or layout_is_dense(layout)
    return remembered(place, layout)


cdef bint layout_is_dense(Layout layout) noexcept:
    cdef int order[MAX_DIMS]
    cdef int d, k, n = 0
    cdef Py_ssize_t step = 1
    for d in range(layout.ndim):                     # insertion sort of the real dimensions by stride
        if layout.sizes[d] == 1:
            continue
        k = n
        while k > 0 and layout.strides[order[k - 1]] > layout.strides[d]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = d
        n += 1
    for k in range(n):
        if layout.strides[order[k]] != step:
            return False
        step *= layout.sizes[order[k]]
    return True


cdef Layout layout_strided(int ndim, const Py_ssize_t *sizes, const Py_ssize_t *strides):
    cdef PyObject **place = place_of(ndim, sizes, strides)
    cdef Layout layout
    if has_numbers(place[0], ndim, sizes, strides):
        return <Layout>place[0]
    layout = layout_new(ndim)
    memcpy(layout.sizes, sizes, ndim * sizeof(Py_ssize_t))
    memcpy(layout.strides, strides, ndim * sizeof(Py_ssize_t))
    return layout_settle(layout)


cdef Layout repeating_layout(Layout layout):
    """The layout of these sizes in which no dimension moves."""
    cdef Py_ssize_t strides[MAX_DIMS]
    memset(strides, 0, layout.ndim * sizeof(Py_ssize_t))
    return layout_strided(layout.ndim, layout.sizes, strides)


cdef Layout layout_of_sequence(object sizes):
    """The contiguous layout of a sequence of int."""
    cdef Py_ssize_t buffer[MAX_DIMS]
    cdef int n = read_sizes(sizes, buffer)
    return layout_contiguous(n, buffer)


cdef int read_sizes(object sizes, Py_ssize_t *into) except -1:
    """Copy a sequence of int; the count is returned."""
    cdef int n = 0
    for k in sizes:
        if n == MAX_DIMS:
            raise RuntimeError(f"tensors of more than {MAX_DIMS} dimensions are not supported")
        into[n] = as_index(k)
        n += 1
    return n


cdef Py_ssize_t as_index(object k) except? -1:
    if isinstance(k, Tensor) and (<Tensor>k).kind == F64:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return k


# The layout of every 0-d tensor.
cdef Layout SCALAR = layout_new(0)
SCALAR.numel = 1
SCALAR.contiguous = SCALAR.dense = True


cdef object size_of(Layout layout):
    if layout.size is None:
        layout.size = Size([layout.sizes[d] for d in range(layout.ndim)])
    return layout.size


cdef str sizes_text(Layout layout):
    return str([layout.sizes[d] for d in range(layout.ndim)])


cdef inline bint same_sizes(Layout a, Layout b) noexcept:
    return a is b or (a.ndim == b.ndim
                      and not memcmp(a.sizes, b.sizes, a.ndim * sizeof(Py_ssize_t)))


cdef inline Layout fresh_layout(Layout layout):
    """The layout of a new tensor of l's sizes: l's own strides where they leave no gap."""
    if layout.dense and layout.numel:
        return layout
    return layout_contiguous(layout.ndim, layout.sizes)


cdef inline Layout contiguous_layout(Layout layout):
    return layout if layout.contiguous else layout_contiguous(layout.ndim, layout.sizes)


cdef Layout broadcast_layouts(Layout a, Layout b):
    """The layout of an elementwise result of a and b; a full-sized dense operand gives its strides."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int n = max(a.ndim, b.ndim), d
    cdef Py_ssize_t p, q
    if same_sizes(a, b):
        return a if a.dense else fresh_layout(b)
    for d in range(n - 1, -1, -1):
        p = a.sizes[d - n + a.ndim] if d >= n - a.ndim else 1
        q = b.sizes[d - n + b.ndim] if d >= n - b.ndim else 1
        if p != q and p != 1 and q != 1:
            raise RuntimeError(f"The size of tensor a ({p}) must match the size of tensor b ({q}) "
                               f"at non-singleton dimension {d}. The shapes are {sizes_text(a)} and {sizes_text(b)}.")
        sizes[d] = q if p == 1 else p
    if a.ndim == n and a.dense and not memcmp(a.sizes, sizes, n * sizeof(Py_ssize_t)):
        return a
    if b.ndim == n and b.dense and not memcmp(b.sizes, sizes, n * sizeof(Py_ssize_t)):
        return b
    return layout_contiguous(n, sizes)


cdef bint expandable(Layout small, Layout big) noexcept:
    """Whether small's sizes broadcast to big's."""
    cdef int d, shift = big.ndim - small.ndim
    if shift < 0:
        return False
    for d in range(small.ndim):
        if small.sizes[d] != 1 and small.sizes[d] != big.sizes[d + shift]:
            return False
    return True


cdef bint is_expanded(Layout layout) noexcept:
    """Whether elements lie at one place because a dimension does not move."""
    cdef int d
    if layout.dense or layout.numel <= 1:
        return False
    for d in range(layout.ndim):
        if layout.strides[d] == 0 and layout.sizes[d] > 1:
            return True
    return False


cdef bint overlaps_itself(Layout layout) noexcept:
    """Whether two elements lie at one place (an expanded or a sliding-window view)."""
    cdef int order[MAX_DIMS]
    cdef int d, k, n = 0
    cdef Py_ssize_t reach = 0
    if layout.dense or layout.numel <= 1:
        return False
    if is_expanded(layout):
        return True
    for d in range(layout.ndim):
        if layout.sizes[d] == 1:
            continue
        k = n
        while k > 0 and layout.strides[order[k - 1]] > layout.strides[d]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = d
        n += 1
    for k in range(n):
        if layout.strides[order[k]] <= reach:
            return meets_itself(layout)
        reach += (layout.sizes[order[k]] - 1) * layout.strides[order[k]]
    return False


cdef bint meets_itself(Layout layout) noexcept:
    """The same of strides that interleave, by a look at each element: strides of 2 and 3 may miss each other."""
    cdef Py_ssize_t at[MAX_DIMS]
    cdef Py_ssize_t extent = layout_extent(layout), place = 0, i
    cdef unsigned char *taken
    cdef bint met = False
    cdef int d
    if layout.numel > extent:
        return True
    taken = <unsigned char *>PyMem_RawMalloc(extent // 8 + 1)
    if taken == NULL:
        return True
    memset(taken, 0, extent // 8 + 1)
    memset(at, 0, layout.ndim * sizeof(Py_ssize_t))
    for i in range(layout.numel):
        if taken[place // 8] >> (place % 8) & 1:
            met = True
            break
        taken[place // 8] |= <unsigned char>(1 << (place % 8))
        for d in range(layout.ndim - 1, -1, -1):
            at[d] += 1
            place += layout.strides[d]
            if at[d] < layout.sizes[d]:
                break
            place -= at[d] * layout.strides[d]
            at[d] = 0
    PyMem_RawFree(taken)
    return met


cdef Py_ssize_t layout_extent(Layout layout) noexcept:
    """Number of elements from the first to one past the last."""
    cdef int d
    cdef Py_ssize_t n = 1
    if layout.numel == 0:
        return 0
    for d in range(layout.ndim):
        n += (layout.sizes[d] - 1) * layout.strides[d]
    return n


cdef int wrap_dim(Py_ssize_t dim, int ndim) except -1:
    """A dimension's number from 0; a 0-d tensor counts as having one."""
    cdef int n = ndim if ndim else 1
    if dim < -n or dim >= n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim + n if dim < 0 else dim


cdef uint64_t dim_mask(object dims, int ndim) except? 0:
    """The set of dimensions that a `dim` argument (None, int or sequence) names; empty means all."""
    cdef uint64_t mask = 0, bit
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        return (<uint64_t>1 << ndim) - 1 if ndim < 64 else ~<uint64_t>0
    if not isinstance(dims, (tuple, list)):
        dims = (dims,)
    for k in dims:
        if isinstance(k, bool):
            raise TypeError("argument 'dim' must be tuple of ints, not bool")
        bit = <uint64_t>1 << wrap_dim(k, ndim)
        if mask & bit:
            raise RuntimeError(f"dim {k} appears multiple times in the list of dims")
        mask |= bit
    return mask


cdef Layout reduced_layout(Layout layout, uint64_t mask, bint keepdim):
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int d, n = 0
    for d in range(layout.ndim):
        if (mask >> d) & 1:
            if keepdim:
                sizes[n] = 1
                n += 1
        else:
            sizes[n] = layout.sizes[d]
            n += 1
    return layout_contiguous(n, sizes)
