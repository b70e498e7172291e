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
    allocfunc alloc             # tp_alloc of the classes that it serves
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


cdef inline PyObject *pooled(FreeList *pool, PyTypeObject *cls) noexcept:
    """An object from a free list, its fields as its deallocator left them; NULL where there is none."""
    cdef PyObject *o = pool.first
    if o != NULL:
        pool.first = <PyObject *>link_of(o).next
        pool.count -= 1
        ag_revive(o, cls)
        enter_list(link_of(o))
    return o


cdef PyObject *fresh(PyTypeObject *cls) except NULL:
    """An object in new memory, all zeros."""
    cdef PyObject *o = PyType_GenericAlloc(cls, 0)
    PyObject_GC_UnTrack(o)
    enter_list(link_of(o))
    return o


cdef PyObject *fresh_or_drop(PyTypeObject *cls, PyObject *a, PyObject *b) except NULL:
    """The same; where there is no memory, two references that the object was to take over are dropped."""
    try:
        return fresh(cls)
    except MemoryError:
        let_go(a)
        let_go(b)
        raise


cdef PyObject *tensor_alloc(PyTypeObject *cls, Py_ssize_t n) except NULL:
    cdef PyObject *o = pooled(&free_tensors, cls)
    return o if o != NULL else fresh(cls)


cdef PyObject *node_alloc(PyTypeObject *cls, Py_ssize_t n) except NULL:
    cdef PyObject *o = pooled(&free_nodes, cls)
    return o if o != NULL else fresh(cls)


# Note [Dying objects]
# tp_dealloc of Tensor and Node is ours.  It leaves the list first, since what runs while the fields
# go (a callback of a weak reference, a collection) must not meet a dying object there; it counts
# the Nones of all fields at once, Note [New objects]; and it never recurses deeper than DEEP nodes:
# beyond, dead nodes wait in a chain until the stack is flat again.  Objects of classes derived in
# Python come here from Python's own deallocator, which has its own such chain, and go back to it.

cdef enum:
    DEEP = 40

cdef int dying = 0             # node_dealloc's on the stack
cdef Link *waiting = NULL      # dead nodes, chained through Link.next


cdef inline Py_ssize_t let_go(PyObject *o) noexcept:
    """Drop a reference; returns 1 for None, which nobody has counted down yet."""
    if o == <PyObject *>None:
        return 1
    ag_decref(o)
    return 0


cdef inline void hide(PyObject *o) noexcept:
    """Take a dying object out of the collector's sight."""
    if link_of(o).next != NULL:
        leave_list(link_of(o))
        link_of(o).next = NULL
    else:
        PyObject_GC_UnTrack(o)


cdef inline bint is_pooled(FreeList *pool, PyObject *o) noexcept:
    """Whether the object is of a class of ours, not of one that Python code derived."""
    return ag_type(o).tp_alloc == pool.alloc


cdef inline void give_back(FreeList *pool, PyObject *o) noexcept:
    if AUTOGRAD_C_SANITIZE or pool.count >= FREE_KEPT or not is_pooled(pool, o):
        ag_type(o).tp_free(o)
        return
    link_of(o).next = <Link *>pool.first
    pool.first = o
    pool.count += 1


cdef void tensor_dealloc(PyObject *o) noexcept:
    # The casts below make no reference: the count is 0.
    cdef Py_ssize_t nones
    hide(o)
    if AG_TENSOR_HAS_WEAK_REFERENCES(<Tensor>o):
        PyObject_ClearWeakRefs(o)
    if (<Tensor>o).accumulator != NULL:
        drop_accumulator((<Tensor>o).accumulator)
        (<Tensor>o).accumulator = NULL
    ag_decref(<PyObject *>(<Tensor>o).form)
    nones = let_go(<PyObject *>(<Tensor>o).storage)
    nones += let_go(<PyObject *>(<Tensor>o).node)
    nones += let_go(<PyObject *>(<Tensor>o).grad_)
    nones += let_go(<PyObject *>(<Tensor>o).meta)
    ag_nones(-nones)
    (<Tensor>o).version = 0
    (<Tensor>o).flags = 0
    (<Tensor>o).nr = 0
    give_back(&free_tensors, o)


cdef void node_dealloc(PyObject *o) noexcept:
    global dying, waiting
    hide(o)
    if AG_HAS_WEAK_REFERENCES(<Node>o):
        PyObject_ClearWeakRefs(o)
    if dying >= DEEP and is_pooled(&free_nodes, o):
        link_of(o).next = waiting
        waiting = link_of(o)
        return
    dying += 1
    take_apart(o)
    while dying == 1 and waiting != NULL:
        o = <PyObject *>(<char *>waiting - sizeof(PyObject))
        waiting = waiting.next
        take_apart(o)
    dying -= 1


cdef inline void take_apart(PyObject *o) noexcept:
    cdef Py_ssize_t nones
    nones = let_go(<PyObject *>(<Node>o).next0)
    nones += let_go(<PyObject *>(<Node>o).next1)
    nones += let_go(<PyObject *>(<Node>o).a)
    nones += let_go(<PyObject *>(<Node>o).b)
    nones += let_go(<PyObject *>(<Node>o).form)
    nones += let_go(<PyObject *>(<Node>o).extra)
    nones += let_go(<PyObject *>(<Node>o).args)
    ag_nones(-nones)
    (<Node>o).nr0 = 0
    (<Node>o).nr1 = 0
    (<Node>o).inputs = 0
    (<Node>o).flags = 0
    (<Node>o).op = NULL
    (<Node>o).state.task = 0
    give_back(&free_nodes, o)


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
    t.tp_alloc = free_tensors.alloc = tensor_alloc
    t.tp_dealloc = tensor_dealloc
    t.tp_clear = tensor_clear
    t.tp_new = public_new
    PyType_Modified(t)
    free_nodes.alloc = node_alloc
    adopt_node_types(Node)
    gc.callbacks.append(_offer)
    return 0


def _refuse_new(cls, *args, **kwargs):
    """`__new__` of the node classes: only operations make nodes, and not through this."""
    raise TypeError(f"cannot create '{cls.__name__}' instances")


cdef int adopt_node_types(object cls) except -1:
    """Give the node classes, which were readied before, the pooled memory."""
    cdef PyTypeObject *t = <PyTypeObject *>cls
    if t.tp_basicsize != (<PyTypeObject *>Node).tp_basicsize:
        raise SystemError(f"{cls.__name__} adds fields to Node")
    t.tp_alloc = node_alloc
    t.tp_dealloc = node_dealloc
    t.tp_clear = node_clear
    if cls is AccumulateGrad:
        t.tp_clear = NULL                      # it knows its leaf until it dies
        t.tp_dealloc = rest_accumulator
    if cls is not FunctionNode:                # of which `autograd.Function` makes one for each call
        (<dict>t.tp_dict)["__new__"] = staticmethod(_refuse_new)
    PyType_Modified(t)
    for derived in cls.__subclasses__():
        adopt_node_types(derived)
    return 0
