# Views, and changes in place, as autograd sees them.
#
# Note [Views and changes in place]
# A differentiable view remembers its base, which is never itself a view, and the version of the
# shared memory at which its grad_fn was right.  A change in place of a view is a change of the base:
# CopySlices becomes the base's grad_fn, and every view, the changed one included, finds at its next
# use that the version moved on, and takes AsStridedBackward0 of the base as its grad_fn
# (`sync_view`).  A change of the base does the same to its views.  So the graph is rebuilt where it
# is asked for, and writing costs nothing for views that nobody uses again.

cdef Tensor record_view(Tensor x, Tensor v, int creation):
    """Make v, which shares x's memory, a differentiable view of x."""
    cdef Meta m
    if x.flags & INFERENCE:
        return v
    m = Meta.__new__(Meta)
    m.creation = INFERENCE_VIEW if ag_tls.inference else creation if recording() else NO_GRAD_VIEW
    m.base = x
    if x.flags & VIEW:
        m.base = x.meta.base
        if m.creation == PLAIN_VIEW:
            m.creation = x.meta.creation
    m.seen = version_of(v)
    v.meta = m
    v.flags |= VIEW
    return v


cdef int sync_view(Tensor v) except -1:
    """Rebuild the grad_fn of a view whose memory was changed through another tensor."""
    cdef Meta m = v.meta
    cdef uint32_t now = version_of(v)
    if m.seen == now:
        return 0
    if v.node is None and not m.base.flags & REQUIRES:
        return 0
    if m.creation != PLAIN_VIEW:
        raise view_error(v, m, True)
    attach_view(v, m)
    return 0


cdef int attach_view(Tensor v, Meta m) except -1:
    """Make v a fresh strided view of its base in the graph."""
    cdef Node n
    if m.base.flags & REQUIRES:
        n = as_strided_node(m.base, v.form, storage_shift(v))
        set_result(n, v)
        if v.flags & RETAIN:
            attach_retained(v)
    m.seen = version_of(v)
    return 0


cdef object view_error(Tensor v, Meta m, bint indirect):
    kinds = {MULTI_VIEW: "multi", NO_GRAD_VIEW: "no_grad", FUNCTION_VIEW: "function", INFERENCE_VIEW: "inference"}
    operation = operation_name(v.node) if v.node is not None else None
    return errors().view_in_place(kinds[m.creation], v.nr, operation, indirect)


cdef int check_rebase(Tensor x) except -1:
    """Raise where a recorded change in place of x is not allowed."""
    cdef Meta m = x.meta
    if x.flags & VIEW:
        if m.creation != PLAIN_VIEW:
            raise view_error(x, m, False)
        if (m.base.flags & REQUIRES and m.base.node is None) or (x.flags & REQUIRES and x.node is None):
            raise errors().leaf_view_in_place()
    if x.flags & REQUIRES and x.node is None:
        raise errors().leaf_in_place()
    return 0


cdef int rebase(Tensor x, Node n) except -1:
    """x was changed in place by the operation of n, whose input 0 was x."""
    note_cycle_maker()                         # n may have saved x, whose grad_fn it now is
    if x.flags & VIEW:
        return rebase_view(x, n, 0)
    set_result(n, x)
    if x.flags & RETAIN:
        attach_retained(x)
    return 0


cdef int rebase_view(Tensor x, Node n, int which) except -1:
    """The same for a view, which was that input of n."""
    cdef Meta m = x.meta
    set_result(copy_slices(m.base, x, n, which), m.base)
    if m.base.flags & RETAIN:
        attach_retained(m.base)
    return attach_view(x, m)


# ---------------------------------------------------------------------------------------- CopySlices
# The base after one of its views was changed in place by an operation, whose node this one runs.

@cython.final
cdef class CopySlices(Node):
    """outside the view g passes; inside goes what the operation on the view makes of it"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Node inner
        cdef Layout base_form, view_form
        cdef Py_ssize_t shift
        cdef int which
        cdef Tensor base, part
        if self.flags & RELEASED:
            raise errors().second_backward(self.name())
        inner, base_form, view_form, shift, which = self.args
        base = clone_as(g, base_form)
        part = c_as_strided(base, view_form, shift)
        inner.apply(c_clone(part), grads)
        if grads[which] == NULL:
            zero_in_place(part)
        else:
            copy_in_place(part, <Tensor>grads[which])
            Py_DECREF(<Tensor>grads[which])
            grads[which] = NULL
        if edge_pointer(self, which) != <PyObject *>None:
            give(grads, which, base)
        return 0


cdef Node copy_slices(Tensor base, Tensor view, Node inner, int which):
    """The node of `base` after the operation of `inner` changed `view`, which was that input of it."""
    cdef Node n = new_node(<PyTypeObject *>CopySlices)
    cdef int i
    n.args = (inner, base.form, view.form, storage_shift(view) - storage_shift(base), which)
    n.flags |= SAVES | HOLDS_NODE
    for i in range(inner.inputs):
        if i == which:
            add_edge(n, base)
        else:
            copy_edge(n, inner, i)
    return n
