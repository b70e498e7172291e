# Selective checkpoints: results that are kept, and taken instead of being computed again.
#
# Note [Selective checkpoints]
# What computes a result asks the watcher of the thread, if there is one, for that result by its
# operation's name, and else computes it and offers it.  In the first run of a checkpoint a watcher
# takes what its policy wants to keep; in the second run another gives it back, in the same order.
# Operations ask that calculate: copies, views and random numbers do not, nor changes in place.

# The names; the tables of elementwise.pxi add theirs.
__watched__ = set("""mm mv dot bmm addmm sum mean prod amax amin max min var std norm logsumexp softmax
log_softmax cumsum cumprod mse_loss smooth_l1_loss huber_loss binary_cross_entropy
binary_cross_entropy_with_logits nll_loss""".split())


cdef inline Tensor recalled(const char *name, Tensor a, Tensor b=None, Tensor c=None):
    """The result of the operation that comes next, on a (and b and c unless None), if it was kept; else None."""
    return asked_watcher(name, a, b, c) if ag_tls.watching else None


cdef inline int computed(const char *name, Tensor y, Tensor a, Tensor b=None, Tensor c=None) except -1:
    """Offer the result y of an operation on a, and on b and c unless None."""
    return offer(name, y, a, b, c) if ag_tls.watching else 0


cdef tuple sizes_of_operands(Tensor a, Tensor b, Tensor c):
    """What must be the same in both runs: the result's sizes follow from it, and backward trusts them."""
    cdef Tensor x
    return tuple([(size_of(x.form), x.kind) for x in (a, b, c) if x is not None])


cdef Tensor asked_watcher(const char *name, Tensor a, Tensor b, Tensor c):
    cdef object watcher = thread_hooks().watcher
    ag_tls.watching = 0
    try:
        return watcher.recall(name.decode(), sizes_of_operands(a, b, c))
    finally:
        ag_tls.watching = 1


cdef bint recalled_into(const char *name, Tensor y, Tensor a, Tensor b=None) except -1:
    """Whether the result was kept; y has it then."""
    cdef Tensor kept = recalled(name, a, b)
    if kept is None:
        return False
    copy_elements(y, kept)
    return True


cdef int offer(const char *name, Tensor y, Tensor a, Tensor b, Tensor c) except -1:
    cdef object watcher = thread_hooks().watcher
    cdef Tensor x
    operands = tuple([x.item() if x.flags & NUMBER else x for x in (a, b, c) if x is not None])
    ag_tls.watching = 0
    try:
        watcher.offer(name.decode(), strided_alias(y, y.form, 0), operands, sizes_of_operands(a, b, c))
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
