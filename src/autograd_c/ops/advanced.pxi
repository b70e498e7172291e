# Reading and writing at positions that index tensors and masks name: index, index_put, nonzero.
#
# All come down to one Plan, and so do gather and its kin (gather.pxi): the offset in x of each
# position, and what lies at each position (the dimensions that are not indexed).  `plan_run` reads,
# overwrites or adds there.

cdef enum:
    READ = 0
    OVERWRITE = 1
    ADD_TO = 2


cdef class Plan:
    """Where an index leads: into a tensor of one layout."""

    cdef list indices          # for each dimension of x an int64 tensor, or None; gather's plans have no list
    cdef Tensor offsets        # int64, contiguous: the first element of each position
    cdef Layout inner          # of what lies at a position, in x
    cdef Layout result         # of all that is indexed
    cdef Py_ssize_t step       # between positions in a contiguous result, in elements
    cdef Layout inner_result   # of what lies at a position, in a contiguous result
    cdef int before            # how many dimensions that are not indexed stand before the positions


cdef Plan make_plan(Layout form, list given):
    """The plan of indices, int64 or bool tensors or None, one for each dimension they cover."""
    cdef Plan plan = Plan.__new__(Plan)
    cdef Layout wide = SCALAR
    cdef Tensor index
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t inner_sizes[MAX_DIMS]
    cdef Py_ssize_t inner_strides[MAX_DIMS]
    cdef int d, k, n = 0, inner = 0, first = -1, last = -1, count = 0, before
    plan.indices = masks_as_indices(form, given)
    for d in range(form.ndim):
        index = plan.indices[d]
        if index is not None:
            wide = broadcast_indices(wide, index.form, plan.indices)
            if first < 0:
                first = d
            last = d
            count += 1
    # Indexed dimensions that stand together leave their place to the positions; else those come first.
    plan.before = before = first if last - first + 1 == count and count else 0
    for d in range(form.ndim):
        if plan.indices[d] is None:
            inner_sizes[inner] = form.sizes[d]
            inner_strides[inner] = form.strides[d]
            inner += 1
    for k in range(before):
        sizes[n] = inner_sizes[k]
        n += 1
    for d in range(wide.ndim):
        sizes[n] = wide.sizes[d]
        n += 1
    for k in range(before, inner):
        sizes[n] = inner_sizes[k]
        n += 1
    plan.result = layout_contiguous(n, sizes)
    plan.inner = layout_strided(inner, inner_sizes, inner_strides)
    plan.step = 1
    for k in range(before, inner):
        plan.step *= inner_sizes[k]
    for k in range(inner):
        inner_strides[k] = plan.result.strides[k if k < before else k + wide.ndim]
    plan.inner_result = layout_strided(inner, inner_sizes, inner_strides)
    plan.offsets = index_offsets(form, plan.indices, wide)
    return plan


cdef list masks_as_indices(Layout form, list given):
    """One index or None for each dimension: a mask becomes the indices of its true elements."""
    cdef list indices = []
    cdef Tensor index
    cdef int d
    for index in given:
        if index is None or index.kind == I64:
            indices.append(index)
            continue
        if index.kind == F64:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        for d in range(index.form.ndim):
            if len(indices) + d >= form.ndim or index.form.sizes[d] != form.sizes[len(indices) + d]:
                raise IndexError(f"The shape of the mask {sizes_text(index.form)} at index {d} does not match the "
                                 f"shape of the indexed tensor {sizes_text(form)} at index {len(indices) + d}")
        indices.extend(true_positions(index))
    if len(indices) > form.ndim:
        raise IndexError(f"too many indices for tensor of dimension {form.ndim}")
    indices.extend([None] * (form.ndim - len(indices)))
    return indices


cdef list true_positions(Tensor mask):
    """For each dimension the indices of the elements that are not zero, in row-major order."""
    cdef Tensor m = converted(contiguous_values(mask), BOOL)
    cdef list found = []
    cdef Tensor index
    cdef int64_t *to[MAX_DIMS]
    cdef Py_ssize_t at[MAX_DIMS]
    cdef const char *row = m.ptr
    cdef Py_ssize_t i, n = 0, k = 0, begin, size
    cdef int d, last = m.form.ndim - 1
    for i in range(m.form.numel):
        n += m.ptr[i] != 0
    for d in range(m.form.ndim):
        index = new_tensor(I64, layout_contiguous(1, &n))
        to[d] = <int64_t *>index.ptr
        at[d] = 0
        found.append(index)
    if last < 0:
        return found
    size = m.form.sizes[last]
    while k < n:
        begin = k
        for i in range(size):
            if k == n:
                break
            to[last][k] = i                     # written again, where the element is zero
            k += row[i] != 0
        row += size
        for d in range(last):
            for i in range(begin, k):
                to[d][i] = at[d]
        d = last - 1
        while d >= 0:
            at[d] += 1
            if at[d] < m.form.sizes[d]:
                break
            at[d] = 0
            d -= 1
    return found


cdef Tensor contiguous_values(Tensor x):
    """x's elements in row-major order, unknown to autograd."""
    cdef Tensor y
    if x.form.contiguous:
        return x
    y = new_tensor(x.kind, layout_contiguous(x.form.ndim, x.form.sizes))
    copy_elements(y, x)
    return y


cdef Layout broadcast_indices(Layout wide, Layout form, list indices):
    try:
        return broadcast_layouts(wide, form)
    except RuntimeError:
        shapes = ", ".join([sizes_text((<Tensor>i).form) for i in indices if i is not None])
        raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes "
                         f"{shapes}") from None


cdef Tensor index_offsets(Layout form, list indices, Layout wide):
    """The sum of index * stride over the indexed dimensions, checked against their sizes."""
    cdef Tensor total = new_tensor(I64, layout_contiguous(wide.ndim, wide.sizes)), index
    cdef int64_t *sums = <int64_t *>total.ptr
    cdef const int64_t *at
    cdef int64_t i
    cdef Py_ssize_t k, size
    cdef int d
    memset(sums, 0, 8 * total.form.numel)
    for d in range(form.ndim):
        if indices[d] is None:
            continue
        if form.sizes[d] == 0 and total.form.numel:
            raise IndexError("index is out of bounds for dimension with size 0")
        index = copy_like(indices[d], total.form)
        at = <const int64_t *>index.ptr
        size = form.sizes[d]
        for k in range(total.form.numel):
            i = at[k]
            if i < -size or i >= size:
                raise IndexError(f"index {i} is out of bounds for dimension {d} with size {size}")
            sums[k] += (i + size if i < 0 else i) * form.strides[d]
    return total


cdef list spelled_out(Plan plan, Layout form):
    """The indices of a plan with one for each dimension: elements at one place are then met one after the other."""
    cdef list indices = []
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Layout wide = plan.offsets.form
    cdef Tensor index
    cdef int d, k, at, n = plan.result.ndim, inner = 0, before = plan.before
    for d in range(form.ndim):
        for k in range(n):
            sizes[k] = 1
        index = plan.indices[d]
        if index is None:
            at = inner if inner < before else inner + wide.ndim
            inner += 1
            sizes[at] = form.sizes[d]
            index = c_arange(form.sizes[d])
        else:
            for k in range(index.form.ndim):
                sizes[before + wide.ndim - index.form.ndim + k] = index.form.sizes[k]
            index = contiguous_values(index)
        indices.append(strided_alias(index, layout_contiguous(n, sizes), 0))
    return indices


cdef inline void single_elements(Py_ssize_t n, stored *x, const int64_t *offsets, stored *flat, int action) noexcept:
    """plan_run where one element lies at each position."""
    cdef Py_ssize_t k
    if action == READ:
        for k in range(n):
            flat[k] = x[offsets[k]]
    elif action == OVERWRITE:
        for k in range(n):
            x[offsets[k]] = flat[k]
    else:
        for k in range(n):
            if stored is int64_t:
                x[offsets[k]] = <int64_t>(<uint64_t>x[offsets[k]] + <uint64_t>flat[k])
            elif stored is char:
                x[offsets[k]] |= flat[k]
            else:
                x[offsets[k]] += flat[k]


cdef int plan_run(Plan plan, Tensor x, Tensor flat, int action) except -1:
    """Move elements between x and `flat`, which is contiguous and has the result's sizes."""
    cdef Walk w
    cdef Kernel kernel = copy_run_1 if x.kind == BOOL else copy_run_8
    cdef const int64_t *offsets = <const int64_t *>plan.offsets.ptr
    cdef Py_ssize_t item = item_size(x.kind), k
    cdef int want = x.kind
    cdef char *there
    cdef char *here
    cdef PyThreadState *unlocked = NULL
    if plan.result.numel == 0:
        return 0
    walk_start(&w, plan.inner)
    if action == READ:
        walk_add(&w, NULL, plan.inner_result, x.kind, x.kind)
        walk_add(&w, NULL, plan.inner, x.kind, x.kind)
    elif action == OVERWRITE:
        walk_add(&w, NULL, plan.inner, x.kind, x.kind)
        walk_add(&w, NULL, plan.inner_result, x.kind, x.kind)
    else:
        kernel = add_forward if x.kind == F64 else add_integer
        want = F64 if x.kind == F64 else I64
        walk_add(&w, NULL, plan.inner, x.kind, want)
        walk_add(&w, NULL, plan.inner, x.kind, want)
        walk_add(&w, NULL, plan.inner_result, x.kind, want)
    walk_simplify(&w)
    if plan.result.numel >= UNLOCK:
        unlocked = PyEval_SaveThread()
    if plan.inner.numel != 1:
        for k in range(plan.offsets.form.numel):
            here = flat.ptr + k * plan.step * item
            there = x.ptr + offsets[k] * item
            w.p[0] = here if action == READ else there
            w.p[1] = here if action == OVERWRITE else there
            w.p[2] = here
            walk_runs(&w, kernel, NULL)
    elif x.kind == F64:
        single_elements(plan.offsets.form.numel, <double *>x.ptr, offsets, <double *>flat.ptr, action)
    elif x.kind == I64:
        single_elements(plan.offsets.form.numel, <int64_t *>x.ptr, offsets, <int64_t *>flat.ptr, action)
    else:
        single_elements(plan.offsets.form.numel, x.ptr, offsets, flat.ptr, action)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)
    return 0


# --------------------------------------------------------------------------------------------- index

cdef int save_indices(Node n, list indices) except -1:
    cdef Tensor index
    for index in indices:
        save_more(n, index)
    return 0


cdef list saved_indices(Node n):
    return [saved_more(n, i) for i in range(len(n.extra.saved) if n.extra.saved is not None else 1)]


@cython.final
cdef class IndexBackward0(Node):
    """g added at the indices, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, c_index_put(zeros_form(self.args), saved_indices(self), g, True))


cdef Tensor c_index(Tensor x, list given):
    cdef Plan plan = make_plan(x.form, given)
    cdef Tensor y = new_tensor(x.kind, plan.result)
    cdef Node n
    plan_run(plan, x, y, READ)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>IndexBackward0)
        n.args = x.form
        add_edge(n, x)
        save_indices(n, given)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_index(tangent_of(x), given))
    return y


# ----------------------------------------------------------------------------------------- index_put

@cython.final
cdef class IndexPutBackward0(Node):
    """input: g, but 0 where overwritten; values: g at the indices"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef list indices = saved_indices(self)
        cdef bint accumulate = self.args
        if self.next0 is not None:
            give(grads, 0, g if accumulate else c_index_put(g, indices, scalar_f64(0.0), False))
        if self.next1 is not None:
            give(grads, 1, c_index(g, indices))
        return 0


cdef Tensor values_for(Plan plan, Tensor x, Tensor values):
    """The values as contiguous elements of x's dtype with the sizes of what is indexed."""
    cdef Tensor flat
    if not expandable(values.form, plan.result):
        raise RuntimeError(f"shape mismatch: value tensor of shape {sizes_text(values.form)} cannot be broadcast to "
                           f"indexing result of shape {sizes_text(plan.result)}")
    if values.kind != x.kind:
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got "
                           f"{scalar_type_name(x.kind)} for the destination and {scalar_type_name(values.kind)} for "
                           "the source.")
    if same_sizes(values.form, plan.result) and values.form.contiguous and values.kind == x.kind:
        return values
    flat = new_tensor(x.kind, plan.result)
    copy_elements(flat, values)
    return flat


cdef Node index_put_node(Tensor x, list given, Tensor values, bint accumulate):
    cdef Node n = new_node(<PyTypeObject *>IndexPutBackward0)
    n.args = accumulate
    add_edge(n, x)
    add_edge(n, values)
    save_indices(n, given)
    return n


cdef Tensor c_index_put(Tensor x, list given, Tensor values, bint accumulate):
    """A copy of x with values at the indices; `accumulate` adds them."""
    cdef Plan plan
    cdef Tensor y = new_tensor(x.kind, contiguous_layout(x.form)), flat
    copy_elements(y, x)
    plan = make_plan(y.form, given)
    flat = values_for(plan, x, values)
    plan_run(plan, y, flat, ADD_TO if accumulate else OVERWRITE)
    if recording() and needs_grad(x) | needs_grad(values):
        set_result(index_put_node(x, given, values, accumulate), y)
    if (x.flags | values.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(values) is not None):
        set_tangent(y, c_index_put(tangent_or_zeros(x), given, tangent_or_zeros(values), accumulate))
    return y


cdef Tensor index_put_in_place(Tensor x, list given, Tensor values, bint accumulate):
    """x[indices] = values, or += with `accumulate`, recorded."""
    cdef Node n = None
    cdef bint recorded = recording() and x.kind == F64 and bool(target_needs_grad(x) | needs_grad(values))
    cdef Plan plan
    cdef Tensor flat
    check_in_place(x, recorded)
    if is_expanded(x.form):
        errors().warn_expanded("index_put_", "tensor[indices] = tensor")
    plan = make_plan(x.form, given)
    flat = values_for(plan, x, values)
    if overlaps_itself(x.form):
        plan = make_plan(x.form, spelled_out(plan, x.form))
    if may_overlap(x, flat):
        flat = copy_like(flat, plan.result)
    if recorded:
        n = index_put_node(x, given, values, accumulate)
    begin_write(x)
    plan_run(plan, x, flat, ADD_TO if accumulate else OVERWRITE)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if (x.flags | values.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(values) is not None):
        give_tangent(x, c_index_put(tangent_or_zeros(x), given, tangent_or_zeros(values), accumulate))
    return x


cdef list indices_arg(object indices):
    cdef list given = []
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put(): argument 'indices' (position 2) must be tuple of Tensors, not "
                        f"{type(indices).__name__}")
    for i in indices:
        given.append(None if i is None else tensor_arg(i, "index_put", "indices", 2))
    return given


@op
def index_put(input, indices, values, accumulate=False):
    """A copy of `input` with `values` at the positions that `indices` name.

    Parameters
    ----------
    input : Tensor
    indices : sequence of Tensor
        int64 or bool, one for each dimension they cover, broadcast against each other.
    values : Tensor
        Broadcast to what is indexed.
    accumulate : bool
        Add instead of overwriting; an index that occurs twice then counts twice.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.index_put(torch.zeros(3), (torch.tensor([0, 2]),), torch.tensor(1.))
    tensor([1., 0., 1.])
    """
    return c_index_put(tensor_arg(input, "index_put", "input", 1), indices_arg(indices),
                       tensor_arg(values, "index_put", "values", 3), accumulate)


@method
def index_put_(self, indices, values, accumulate=False):
    """In-place version of `index_put`."""
    return index_put_in_place(own(self), indices_arg(indices), tensor_arg(values, "index_put_", "values", 2),
                              accumulate)


# ------------------------------------------------------------------------------------------- nonzero

@query
def nonzero(input, *, as_tuple=False):
    """The positions of the elements that are not zero, a row each; `as_tuple` gives a tensor a dimension.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nonzero(torch.tensor([0., 5., 0., 7.]))
    tensor([[1],
            [3]])
    """
    cdef Tensor x = tensor_arg(input, "nonzero", "input", 1)
    cdef list found
    if as_tuple and x.form.ndim == 0:
        x = strided_alias(x, layout_of_sequence((1,)), 0)
    found = true_positions(x)
    if as_tuple:
        return tuple(found)
    if not found:
        return new_tensor(I64, layout_of_sequence((1 if truth(x) else 0, 0)))
    return c_stack(found, 1)
