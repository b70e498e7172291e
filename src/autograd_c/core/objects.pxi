# How tensors and nodes come to be and go: a free list for their memory, and a list of those that
# the cyclic collector does not know.
#
# Note [Collection]
# Registering each tensor and node with CPython's collector costs a graph twice: each object is
# walked by young collections, and graphs of 10**6 nodes drive full ones.  Yet a cycle can lead
# through any of them (a hook that closes over its own tensor, through plain nodes), and to track
# some of them only is unsound: a tracked tensor behind an untracked node is never found unreachable.
# So none is tracked when made.  All untracked ones hang in a list, and `_offer` - called by the
# collector before a full collection, or before a middle one if something that can close a cycle was
# made since the last - hands the whole list over.  An object that was handed over stays tracked.

cdef struct Link:
    Link *prev
    Link *next                  # NULL: not in the list (known to the collector)

cdef Link untracked
untracked.prev = untracked.next = &untracked

# Something that can close a cycle came into being: a hook, a context, an attribute, a graph in .grad.
cdef bint cycle_maker_seen = False


cdef class Tracked:
    """Base of Tensor and Node: memory from a free list, a place in the list of the untracked."""
    cdef Link link


cdef inline Link *link_of(PyObject *o) noexcept:
    # Not through a Tracked reference: o may be dead, and Cython might count it.
    return <Link *>(<char *>o + sizeof(PyObject))


cdef inline void note_cycle_maker() noexcept:
    global cycle_maker_seen
    cycle_maker_seen = True


cdef struct FreeList:
    Py_ssize_t size             # tp_basicsize of what it holds
    Py_ssize_t count
    PyObject *first             # chained through Link.next

cdef enum:
    FREE_KEPT = 1 << 16         # objects kept for reuse, about 12 MB

cdef FreeList free_tensors, free_nodes


cdef inline void leave_list(Link *link) noexcept:
    if link.next != NULL:
        link.prev.next = link.next
        link.next.prev = link.prev


cdef inline void enter_list(Link *link) noexcept:
    link.prev = &untracked
    link.next = untracked.next
    untracked.next.prev = link
    untracked.next = link


cdef inline PyObject *pooled_alloc(FreeList *pool, PyTypeObject *cls) except NULL:
    cdef PyObject *o = pool.first
    if o != NULL:                              # its fields are as `tensor_free` and `node_free` left them
        pool.first = <PyObject *>link_of(o).next
        pool.count -= 1
        ag_revive(o, cls)
    else:
        o = PyType_GenericAlloc(cls, 0)
        PyObject_GC_UnTrack(o)
    enter_list(link_of(o))
    return o


cdef inline void pooled_free(FreeList *pool, PyObject *o) noexcept:
    cdef Link *link = link_of(o)
    leave_list(link)
    if AUTOGRAD_C_SANITIZE or pool.count >= FREE_KEPT:
        PyObject_GC_Del(o)
        return
    link.next = <Link *>pool.first
    pool.first = o
    pool.count += 1


cdef PyObject *tensor_alloc(PyTypeObject *cls, Py_ssize_t n) except NULL:
    return pooled_alloc(&free_tensors, cls)


cdef void tensor_free(void *o) noexcept:
    # The object fields are NULL by now; the others get the values of a new object.  The casts below
    # make no reference: the count is 0.
    (<Tensor>o).version = 0
    (<Tensor>o).flags = 0
    (<Tensor>o).nr = 0
    if (<Tensor>o).accumulator != NULL:
        drop_accumulator((<Tensor>o).accumulator)
        (<Tensor>o).accumulator = NULL
    pooled_free(&free_tensors, <PyObject *>o)


cdef PyObject *node_alloc(PyTypeObject *cls, Py_ssize_t n) except NULL:
    return pooled_alloc(&free_nodes, cls)


cdef void node_free(void *o) noexcept:
    (<Node>o).nr0 = 0
    (<Node>o).nr1 = 0
    (<Node>o).inputs = 0
    (<Node>o).flags = 0
    (<Node>o).state.task = 0
    pooled_free(&free_nodes, <PyObject *>o)


def _offer(str phase, dict info):
    """Hand the untracked tensors and nodes to the collector (a gc callback, Note [Collection])."""
    global cycle_maker_seen
    cdef int generation
    cdef Link *link
    cdef Link *following
    if phase != "start":
        return
    generation = info["generation"]
    if generation == 0 or (generation == 1 and not cycle_maker_seen):
        return
    cycle_maker_seen = False
    link = untracked.next
    untracked.prev = untracked.next = &untracked
    while link != &untracked:
        following = link.next
        link.prev = link.next = NULL
        PyObject_GC_Track(<PyObject *>(<char *>link - sizeof(PyObject)))
        link = following


cdef int set_up_objects() except -1:
    """Install the slots that Cython has no word for.  Called once, at the end of the module."""
    global bare_new
    import gc
    cdef PyTypeObject *t = <PyTypeObject *>Tensor
    bare_new = t.tp_new
    free_tensors.size = t.tp_basicsize
    t.tp_alloc = tensor_alloc
    t.tp_free = tensor_free
    t.tp_clear = tensor_clear
    t.tp_new = public_new
    PyType_Modified(t)
    free_nodes.size = (<PyTypeObject *>Node).tp_basicsize
    adopt_node_types(Node)
    gc.callbacks.append(_offer)
    return 0


def _refuse_new(cls, *args, **kwargs):
    """`__new__` of the node classes: only operations make nodes, and not through this."""
    raise TypeError(f"cannot create '{cls.__name__}' instances")


cdef int adopt_node_types(object cls) except -1:
    """Give the node classes, which were readied before, the pooled memory."""
    global full_node_dealloc
    cdef PyTypeObject *t = <PyTypeObject *>cls
    if t.tp_basicsize != free_nodes.size:
        raise SystemError(f"{cls.__name__} adds fields to Node")
    t.tp_alloc = node_alloc
    t.tp_free = node_free
    t.tp_clear = node_clear
    if cls is AccumulateGrad:
        t.tp_clear = NULL                      # it knows its leaf until it dies
        full_node_dealloc = t.tp_dealloc
        t.tp_dealloc = rest_accumulator
    if cls is not FunctionNode:                # of which `autograd.Function` makes one for each call
        (<dict>t.tp_dict)["__new__"] = staticmethod(_refuse_new)
    PyType_Modified(t)
    for derived in cls.__subclasses__():
        adopt_node_types(derived)
    return 0
