# Selective checkpoints: results that are kept, and taken instead of being computed again.
#
# Note [Selective checkpoints]
# What computes a result asks the watcher of the thread, if there is one, for that result by its
# operation's name, and else computes it and offers it.  In the first run of a checkpoint a watcher
# takes what its policy wants to keep; in the second run another gives it back, in the same order.
# Operations ask that calculate: copies, views and random numbers do not, nor changes in place.

# The names; elementwise operations add theirs where their tables are made (tables.pxi).
__watched__ = set("""mm mv dot bmm addmm sum mean prod amax amin max min var std norm logsumexp softmax
log_softmax cumsum cumprod mse_loss smooth_l1_loss huber_loss binary_cross_entropy
binary_cross_entropy_with_logits nll_loss""".split())


cdef inline bint recalled(const char *name, Tensor y) except -1:
    """Whether y, made for the result of an operation, has it from the first run."""
    return ag_tls.watching and recall(name, y)


cdef Tensor recalled_result(const char *name, Layout form):
    """The same for a float64 result whose computation makes its tensor: that of the first run, or None."""
    cdef Tensor y = new_tensor(F64, fresh_layout(form)) if ag_tls.watching else None
    return y if y is not None and recall(name, y) else None


cdef inline int computed(const char *name, Tensor y, Tensor a, Tensor b=None, Tensor c=None) except -1:
    """Offer the result y of an operation on a, and on b and c unless None."""
    return offer(name, y, a, b, c) if ag_tls.watching else 0


cdef bint recall(const char *name, Tensor y) except -1:
    cdef object watcher = thread_hooks().watcher
    cdef Tensor kept
    ag_tls.watching = 0
    try:
        kept = watcher.recall(name.decode())
    finally:
        ag_tls.watching = 1
    if kept is None:
        return False
    if not same_sizes(kept.form, y.form) or kept.kind != y.kind:     # backward trusts the sizes
        raise RuntimeError(f"{name.decode()} has a result of {scalar_type_name(y.kind)} with sizes "
                           f"{sizes_text(y.form)}, and had one of {scalar_type_name(kept.kind)} with sizes "
                           f"{sizes_text(kept.form)} when it was kept by a selective checkpoint")
    copy_elements(y, kept)
    return True


cdef int offer(const char *name, Tensor y, Tensor a, Tensor b, Tensor c) except -1:
    cdef object watcher = thread_hooks().watcher
    cdef Tensor x
    operands = tuple([x.item() if x.flags & NUMBER else x for x in (a, b, c) if x is not None])
    ag_tls.watching = 0
    try:
        watcher.offer(name.decode(), strided_alias(y, y.form, 0), operands)
    finally:
        ag_tls.watching = 1
    return 0


def _watch(watcher):
    """Ask this object, or none, about results in this thread; the one before is returned."""
    hooks = thread_hooks()
    before = hooks.watcher
    hooks.watcher = watcher
    ag_tls.watching = watcher is not None
    return before
