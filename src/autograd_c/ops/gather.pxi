# Reading and adding along one dimension: index_select, index_add, gather, scatter_add.
#
# The positions become a Plan of advanced.pxi.

# -------------------------------------------------------------------------------------- index_select

@cython.final
cdef class IndexSelectBackward0(Node):
    """g added at the indices of the dimension, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        return give(grads, 0, c_index_add(zeros_form(kept[0]), kept[1], saved_a(self), g, 1.0))


@op
def index_select(input, dim, index):
    """The elements of a dimension at the positions of a 1-d int64 tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.index_select(torch.tensor([1., 2., 3.]), 0, torch.tensor([2, 0]))
    tensor([3., 1.])
    """
    cdef Tensor x = tensor_arg(input, "index_select", "input", 1), i = tensor_arg(index, "index_select", "index", 3)
    return c_index_select(x, wrap_dim(dim, x.form.ndim), i)


cdef Tensor c_index_select(Tensor x, int d, Tensor i):
    cdef Tensor y
    cdef Plan plan
    cdef Node n
    if i.kind != I64:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if i.form.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if outside(i, size_along(x.form, d)) is not None:
        raise IndexError("index out of range in self")
    if x.form.ndim == 0:
        if i.form.numel != 1:
            raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {i.form.numel} value(s)")
        y = new_tensor(x.kind, SCALAR)
        copy_elements(y, x)
    else:
        plan = make_plan(x.form, [None] * d + [as_vector(i)])
        y = new_tensor(x.kind, plan.result)
        plan_run(plan, x, y, READ)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>IndexSelectBackward0)
        n.args = (x.form, d)
        add_edge(n, x)
        save_a(n, i)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_index_select(tangent_of(x), d, i))
    return y


cdef Tensor as_vector(Tensor x):
    """A 0-d tensor as a vector on its memory: along a dimension they are alike."""
    return strided_alias(x, layout_of_sequence((1,)), 0) if x.form.ndim == 0 else x


cdef object outside(Tensor index, Py_ssize_t size):
    """The first index that is not in [0, size), or None: gather and its kin do not count from the end."""
    cdef Tensor flat = contiguous_values(index)
    cdef const int64_t *at = <const int64_t *>flat.ptr
    cdef Py_ssize_t k
    cdef bint any_outside = False
    for k in range(flat.form.numel):
        any_outside |= <uint64_t>at[k] >= <uint64_t>size
    if any_outside:
        for k in range(flat.form.numel):
            if <uint64_t>at[k] >= <uint64_t>size:
                return at[k]
    return None


cdef inline Py_ssize_t size_along(Layout form, int d) noexcept:
    return form.sizes[d] if form.ndim else 1


cdef int check_within(Tensor index, Layout form, int d) except -1:
    cdef Py_ssize_t size = size_along(form, d)
    wrong = outside(index, size)
    if wrong is not None:
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {d} with size {size}")
    return 0


# ----------------------------------------------------------------------------------------- index_add

@cython.final
cdef class IndexAddBackward0(Node):
    """input: g; source: alpha times g at the indices of the dimension"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Tensor picked
        if self.next0 is not None:
            give(grads, 0, g)
        if self.next1 is not None:
            picked = c_reshape(c_index_select(g, kept[1], saved_a(self)), kept[0])
            give(grads, 1, unary_with(&SCALE, picked, self.c[0], 0.0) if self.c[0] != 1.0 else picked)
        return 0


cdef int check_index_add(Tensor x, int dim, Tensor index, Tensor source) except -1:
    cdef Py_ssize_t n
    cdef int d
    cdef bint fits = x.form.ndim == source.form.ndim
    if index.form.ndim > 1:
        raise IndexError(f"index_add_(): Index is supposed to be a vector, but got dim: {index.form.ndim} with type: "
                         f"{scalar_type_name(index.kind)} and size: {sizes_text(index.form)}")
    if index.kind != I64:
        raise RuntimeError("index_add_(): Expected dtype int32/int64 for index but got: "
                           f"{scalar_type_name(index.kind)}")
    if x.kind != source.kind:
        raise RuntimeError(f"index_add_(): self ({scalar_type_name(x.kind)}) and source "
                           f"({scalar_type_name(source.kind)}) must have the same scalar type")
    if dim and dim >= source.form.ndim:
        raise RuntimeError(f"index_add_(): Indexing dim {dim} is out of bounds of the source tensor with dim "
                           f"{source.form.ndim}")
    n = size_along(source.form, dim)
    if index.form.numel != n and source.form.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if index.form.numel != n:
        raise RuntimeError(f"index_add_(): Number of indices ({index.form.numel}) should be equal to "
                           f"source.size(dim): ({n}), for dim: {dim}")
    for d in range(x.form.ndim if fits else 0):
        if d != dim and x.form.sizes[d] != source.form.sizes[d]:
            fits = False
    if not fits:
        raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified dimension. Got "
                           f"self.shape = {sizes_text(x.form)} source.shape = {sizes_text(source.form)}")
    if x.form.numel:
        check_within(index, x.form, dim)
    return 0


cdef int index_add_into(Tensor y, int dim, Tensor index, Tensor source, double alpha) except -1:
    cdef Tensor part
    if y.form.numel == 0 or source.form.numel == 0:
        return 0
    # A copy where it is scaled or shares y's memory.
    part = contiguous_values(copy_like(source, source.form) if may_overlap(y, source) else source)
    if alpha != 1.0:
        part = new_tensor(source.kind, layout_contiguous(source.form.ndim, source.form.sizes))
        binary_into(&MUL, part, source, scalar_f64(alpha) if y.kind == F64 else scalar_i64(<int64_t>alpha),
                    F64 if y.kind == F64 else I64)
    if y.form.ndim == 0:
        binary_into(&ADD, y, y, part, F64 if y.kind == F64 else I64)
        return 0
    index = strided_alias(contiguous_values(index), layout_of_sequence((index.form.numel,)), 0)
    plan_run(make_plan(y.form, [None] * dim + [index]), y, part, ADD_TO)
    return 0


cdef Node index_add_node(Tensor x, int dim, Tensor index, Tensor source, double alpha):
    cdef Node n = new_node(<PyTypeObject *>IndexAddBackward0)
    n.args = (source.form, dim)
    n.c[0] = alpha
    add_edge(n, x)
    add_edge(n, source)
    save_a(n, index)
    return n


cdef Tensor c_index_add(Tensor x, int dim, Tensor index, Tensor source, double alpha):
    cdef Tensor y
    check_index_add(x, dim, index, source)
    y = new_tensor(x.kind, contiguous_layout(x.form))
    copy_elements(y, x)
    index_add_into(y, dim, index, source, alpha)
    if recording() and needs_grad(x) | needs_grad(source):
        set_result(index_add_node(x, dim, index, source, alpha), y)
    if (x.flags | source.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(source) is not None):
        set_tangent(y, c_index_add(tangent_or_zeros(x), dim, index, tangent_or_zeros(source), alpha))
    return y


@op
def index_add(input, dim, index, source, *, alpha=1):
    """A copy of `input` to which alpha * source is added at positions of a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor
        A vector of int64; a position that occurs twice counts twice.
    source : Tensor
        With the sizes of `input`, but as many along `dim` as there are positions.
    alpha : float
        An integer for tensors of integers.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If sizes or dtypes do not fit, or a position is not there.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.index_add(torch.zeros(3), 0, torch.tensor([0, 2, 0]), torch.tensor([1., 2., 3.]), alpha=10)
    tensor([40.,  0., 20.])
    """
    cdef Tensor x = tensor_arg(input, "index_add", "input", 1), i = tensor_arg(index, "index_add", "index", 3)
    cdef Tensor s = tensor_arg(source, "index_add", "source", 4)
    return c_index_add(x, wrap_dim(dim, x.form.ndim), i, s, factor_arg(alpha, "index_add", "alpha", x.kind))


@method
def index_add_(self, dim, index, source, *, alpha=1):
    """In-place version of `index_add`."""
    cdef Tensor x = own(self), i = tensor_arg(index, "index_add_", "index", 2)
    cdef Tensor s = tensor_arg(source, "index_add_", "source", 3), t
    cdef int d = wrap_dim(dim, x.form.ndim)
    cdef double times = factor_arg(alpha, "index_add_", "alpha", x.kind)
    cdef Node n = None
    cdef bint recorded = recording() and x.kind == F64 and bool(target_needs_grad(x) | needs_grad(s))
    check_in_place(x, recorded)
    check_expanded(x)
    check_index_add(x, d, i, s)
    if may_overlap(x, i):
        i = copy_like(i, i.form)
    if recorded:
        n = index_add_node(x, d, i, s, times)
    t = c_index_add(tangent_or_zeros(x), d, i, tangent_or_zeros(s), times) if (
        (x.flags | s.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(s) is not None)) else None
    begin_write(x)
    index_add_into(x, d, i, s, times)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if t is not None:
        give_tangent(x, t)
    return x


# -------------------------------------------------------------------------------- gather, scatter_add
# An index without elements may have any sizes and any dtype.

cdef int check_depth(Tensor index, Tensor x, str name) except -1:
    if max(index.form.ndim, 1) != max(x.form.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {name} tensor")
    return 0


cdef int larger_at(Layout index, Layout form, int dim) noexcept:
    """The first dimension other than `dim` along which the index is larger, or -1."""
    cdef int d
    for d in range(max(index.ndim, 1)):
        if d != dim and size_along(index, d) > size_along(form, d):
            return d
    return -1


cdef int check_gather(Tensor x, int dim, Tensor index) except -1:
    cdef int d
    if index.form.numel == 0:
        return 0
    if index.kind != I64:
        raise RuntimeError("gather(): Expected dtype int32/int64 for index")
    check_depth(index, x, "input")
    d = larger_at(index.form, x.form, dim)
    if d >= 0:
        raise RuntimeError(f"Size does not match at dimension {d} expected index {sizes_text(index.form)} to be no "
                           f"larger than self {sizes_text(x.form)} apart from dimension {dim}")
    return check_within(index, x.form, dim)


cdef int check_scatter(Tensor x, int dim, Tensor index, Tensor source) except -1:
    if index.form.numel and index.kind != I64:
        raise RuntimeError("scatter(): Expected dtype int32/int64 for index")
    if x.kind != source.kind:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.form.numel == 0:
        return 0
    check_depth(index, x, "self")
    check_depth(index, source, "src")
    if larger_at(index.form, x.form, dim) >= 0 or larger_at(index.form, source.form, -1) >= 0:
        raise RuntimeError(f"Expected index {sizes_text(index.form)} to be no larger than self {sizes_text(x.form)} "
                           f"apart from dimension {dim} and to be no larger size than src {sizes_text(source.form)}")
    return check_within(index, x.form, dim)


cdef Plan gather_plan(Layout form, int dim, Tensor index):
    """gather's index, which is within bounds: where each element is, with the position in all dimensions but one."""
    cdef Plan plan = Plan.__new__(Plan)
    cdef Tensor values = contiguous_values(index)
    cdef const int64_t *at = <const int64_t *>values.ptr
    cdef int64_t *offsets
    cdef Py_ssize_t position[MAX_DIMS]
    cdef int last = form.ndim - 1, d
    cdef Py_ssize_t i, begin = 0, size = index.form.sizes[last], along = form.strides[dim]
    cdef Py_ssize_t step = 0 if last == dim else form.strides[last]
    plan.inner = plan.inner_result = SCALAR
    plan.step = 1
    plan.result = layout_contiguous(index.form.ndim, index.form.sizes)
    plan.offsets = new_tensor(I64, plan.result)
    offsets = <int64_t *>plan.offsets.ptr
    for d in range(last):
        position[d] = 0
    while at < <const int64_t *>values.ptr + plan.result.numel:
        for i in range(size):
            offsets[i] = begin + at[i] * along + i * step
        at += size
        offsets += size
        for d in range(last - 1, -1, -1):
            position[d] += 1
            if d != dim:
                begin += form.strides[d]
            if position[d] < index.form.sizes[d]:
                break
            if d != dim:
                begin -= form.strides[d] * position[d]
            position[d] = 0
    return plan


@cython.final
cdef class GatherBackward0(Node):
    """g added at the positions, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        return give(grads, 0, c_scatter_add(zeros_form(kept[0]), kept[1], saved_a(self), g))


cdef Tensor c_gather(Tensor x, int dim, Tensor index):
    cdef Tensor y = new_tensor(x.kind, contiguous_layout(index.form)), line = as_vector(x)
    cdef Node n
    if index.form.numel:
        plan_run(gather_plan(line.form, dim, as_vector(index)), line, as_vector(y), READ)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>GatherBackward0)
        n.args = (x.form, dim)
        add_edge(n, x)
        save_a(n, index)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_gather(tangent_of(x), dim, index))
    return y


@op
def gather(input, dim, index):
    """Elements picked along a dimension: for dim 0 of three, ``input[index[i, j, k], j, k]``.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor
        int64, of as many dimensions as `input`.

    Returns
    -------
    Tensor
        With the sizes of `index`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.gather(torch.tensor([[1., 2.], [3., 4.]]), 1, torch.tensor([[0], [1]]))
    tensor([[1.],
            [4.]])
    """
    cdef Tensor x = tensor_arg(input, "gather", "input", 1), i = tensor_arg(index, "gather", "index", 3)
    cdef int d = wrap_dim(dim, x.form.ndim)
    check_gather(x, d, i)
    return c_gather(x, d, i)


@cython.final
cdef class ScatterAddBackward0(Node):
    """input: g; src: g at the positions"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor index = saved_a(self)
        if self.next0 is not None:
            give(grads, 0, g)
        if self.next1 is not None:
            give(grads, 1, embed_like(c_gather(g, self.args[1], index), self.args[0]))
        return 0


cdef Tensor embed_like(Tensor g, Layout form):
    """g in the corner of a tensor of zeros, where the source was larger than the index."""
    cdef Tensor z, place
    cdef int d
    if g.form.numel == form.numel:
        return c_reshape(g, form)               # a vector of one where the source is 0-d
    z = zeros_form(form)
    if g.form.numel == 0:
        return z
    place = z
    for d in range(form.ndim):
        place = c_slice(place, d, 0, g.form.sizes[d], 1)
    return embed(g, z, place)


cdef Tensor corner_of(Tensor x, Layout form):
    """The first elements of x, as many along each dimension as `form` has."""
    cdef int d
    for d in range(form.ndim):
        x = part_of(x, d, 0, form.sizes[d])
    return x


cdef Node scatter_node(Tensor x, int dim, Tensor index, Tensor source):
    cdef Node n = new_node(<PyTypeObject *>ScatterAddBackward0)
    n.args = (source.form, dim)
    add_edge(n, x)
    add_edge(n, source)
    save_a(n, index)
    return n


cdef int scatter_into(Tensor y, int dim, Tensor index, Tensor source) except -1:
    cdef Tensor line
    if index.form.numel:
        line = as_vector(y)
        source = contiguous_values(corner_of(as_vector(source), index.form))
        plan_run(gather_plan(line.form, dim, index), line, source, ADD_TO)
    return 0


cdef Tensor c_scatter_add(Tensor x, int dim, Tensor index, Tensor source):
    cdef Tensor y = new_tensor(x.kind, contiguous_layout(x.form))
    index = as_vector(index)
    copy_elements(y, x)
    scatter_into(y, dim, index, source)
    if recording() and needs_grad(x) | needs_grad(source):
        set_result(scatter_node(x, dim, index, source), y)
    if (x.flags | source.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(source) is not None):
        set_tangent(y, c_scatter_add(tangent_or_zeros(x), dim, index, tangent_or_zeros(source)))
    return y


@op
def scatter_add(input, dim, index, src):
    """A copy of `input` to which `src` is added at the positions that `gather` would read.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor
        int64, of as many dimensions as `input`.
    src : Tensor
        At least as large as `index` in each dimension.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([0, 0, 2]), torch.tensor([1., 2., 3.]))
    tensor([3., 0., 3.])
    """
    cdef Tensor x = tensor_arg(input, "scatter_add", "input", 1), i = tensor_arg(index, "scatter_add", "index", 3)
    cdef Tensor s = tensor_arg(src, "scatter_add", "src", 4)
    cdef int d = wrap_dim(dim, x.form.ndim)
    check_scatter(x, d, i, s)
    return c_scatter_add(x, d, i, s)


@method
def scatter_add_(self, dim, index, src):
    """In-place version of `scatter_add`."""
    cdef Tensor x = own(self), i = tensor_arg(index, "scatter_add_", "index", 2)
    cdef Tensor s = tensor_arg(src, "scatter_add_", "src", 3)
    cdef int d = wrap_dim(dim, x.form.ndim)
    cdef Node n = None
    cdef bint recorded = recording() and x.kind == F64 and bool(target_needs_grad(x) | needs_grad(s))
    check_in_place(x, recorded)
    check_expanded(x)                           # other overlaps are added to one after the other
    check_scatter(x, d, i, s)
    i = as_vector(i)
    if recorded:
        n = scatter_node(x, d, i, s)
    begin_write(x)
    scatter_into(x, d, i, copy_like(s, s.form) if may_overlap(x, s) else s)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if (x.flags | s.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(s) is not None):
        give_tangent(x, c_scatter_add(tangent_or_zeros(x), d, i, tangent_or_zeros(s)))
    return x
