# How tensors and nodes come to be and go: pools of their memory, which also know every object that the
# cyclic collector does not.
#
# Note [Collection]
# Registering each tensor and node with CPython's collector costs a graph twice: each object is
# walked by young collections, and graphs of 10**6 nodes drive full ones.  Yet a cycle can lead
# through any of them (a hook that closes over its own tensor, through plain nodes), and to track
# some of them only is unsound: a tracked tensor behind an untracked node is never found unreachable.
# So none is tracked when made.  A pool has the addresses of all its untracked objects, dead ones
# that wait for reuse among them, so making and freeing an object does nothing for it.  `_offer` -
# called by the collector before a full collection, or before a middle one if something that can
# close a cycle was made since the last - hands all that live over.  An object that was handed over
# stays tracked, and leaves the pool for good.

cdef struct Link:               # what an object has for its pool; the objects of Python classes are in none
    PyObject *following         # in the free list, or the chain of dead nodes
    uint32_t place              # where its pool has its address, while it is untracked
    bint tracked

# Something that can close a cycle came into being: a hook, a context, an attribute, a graph in .grad.
cdef bint cycle_maker_seen = False

# Batches whose gradients have no memory yet, Note [Batches]: nobody may find them.
cdef int put_down_batches = 0


cdef class Tracked:
    """Base of Tensor and Node: memory from a pool."""
    cdef Link link


cdef inline Link *link_of(PyObject *o) noexcept:
    # Not through a Tracked reference: o may be dead, and Cython might count it.
    return <Link *>(<char *>o + sizeof(PyObject))


cdef inline void note_cycle_maker() noexcept:
    global cycle_maker_seen
    cycle_maker_seen = True


cdef struct Pool:
    allocfunc alloc             # tp_alloc of the classes that it serves
    PyObject *first             # of those that wait for reuse: dead, with no references
    Py_ssize_t free
    PyObject **all              # all untracked objects
    Py_ssize_t count
    Py_ssize_t room

cdef enum:
    FREE_KEPT = 1 << 16         # objects kept for reuse, about 12 MB

cdef Pool tensor_pool, node_pool


cdef inline PyObject *pooled(Pool *pool, PyTypeObject *cls) noexcept:
    """An object that waited for reuse, its fields as its deallocator left them; NULL where there is none."""
    cdef PyObject *o = pool.first
    if o != NULL:
        pool.first = link_of(o).following
        pool.free -= 1
        ag_revive(o, cls)
    return o


cdef PyObject *fresh(Pool *pool, PyTypeObject *cls) except NULL:
    """An object in new memory, all zeros."""
    cdef PyObject *o
    cdef PyObject **all
    cdef Py_ssize_t room
    if pool.count == pool.room:
        room = max(1024, 2 * pool.room)
        all = <PyObject **>PyMem_RawRealloc(pool.all, room * sizeof(PyObject *))
        if all == NULL:
            raise MemoryError()
        pool.all = all
        pool.room = room
    o = PyType_GenericAlloc(cls, 0)
    PyObject_GC_UnTrack(o)
    link_of(o).place = <uint32_t>pool.count
    pool.all[pool.count] = o
    pool.count += 1
    return o


cdef PyObject *fresh_or_drop(Pool *pool, PyTypeObject *cls, PyObject *a, PyObject *b) except NULL:
    """The same; where there is no memory, two references that the object was to take over are dropped."""
    try:
        return fresh(pool, cls)
    except MemoryError:
        let_go(a)
        let_go(b)
        raise


cdef PyObject *tensor_alloc(PyTypeObject *cls, Py_ssize_t n) except NULL:
    cdef PyObject *o = pooled(&tensor_pool, cls)
    return o if o != NULL else fresh(&tensor_pool, cls)


cdef PyObject *node_alloc(PyTypeObject *cls, Py_ssize_t n) except NULL:
    cdef PyObject *o = pooled(&node_pool, cls)
    return o if o != NULL else fresh(&node_pool, cls)


# Note [Dying objects]
# tp_dealloc of Tensor and Node is ours.  A tracked object leaves the collector first, since what runs
# while the fields go (a callback of a weak reference, a collection) must not meet a dying object there;
# `_offer` passes over what has no references.  It counts the Nones of all fields at once, Note
# [New objects]; and it never recurses deeper than DEEP nodes:
# beyond, dead nodes wait in a chain until the stack is flat again.  Objects of classes derived in
# Python come here from Python's own deallocator, which has its own such chain, and go back to it.

cdef enum:
    DEEP = 40

cdef int dying = 0             # node_dealloc's on the stack
cdef PyObject *waiting = NULL  # dead nodes, chained through Link.following


cdef inline void let_go(PyObject *o) noexcept:
    """Drop a reference that a field had; None is not counted."""
    if o != <PyObject *>None:
        ag_decref(o)


cdef inline void let_go_counted(PyObject *o, Py_ssize_t *nones) noexcept:
    """The same of one of several fields; what is left of `nones` at the end are the Nones among them."""
    if o != <PyObject *>None:
        nones[0] -= 1
        ag_decref(o)


cdef inline bint is_pooled(Pool *pool, PyObject *o) noexcept:
    """Whether the object is of a class of ours, not of one that Python code derived."""
    return ag_type(o).tp_alloc == pool.alloc


cdef inline bint hidden(Pool *pool, PyObject *o) noexcept:
    """Take a dying object out of the collector's sight; whether its pool never let it be seen."""
    if is_pooled(pool, o) and not link_of(o).tracked:
        return True
    PyObject_GC_UnTrack(o)
    return False


cdef inline void give_back(Pool *pool, PyObject *o, bint is_inside) noexcept:
    cdef PyObject *last
    if not is_inside:
        ag_type(o).tp_free(o)
        return
    if AUTOGRAD_C_SANITIZE or pool.free >= FREE_KEPT:
        pool.count -= 1
        last = pool.all[pool.count]
        pool.all[link_of(o).place] = last
        link_of(last).place = link_of(o).place
        ag_type(o).tp_free(o)
        return
    link_of(o).following = pool.first
    pool.first = o
    pool.free += 1


cdef inline void drop_attributes(PyObject *o) noexcept:
    cdef PyObject *attributes = (<Tensor>o).attributes
    if attributes != NULL:
        (<Tensor>o).attributes = NULL
        ag_decref(attributes)


cdef void tensor_dealloc(PyObject *o) noexcept:
    # The casts below make no reference: the count is 0.
    cdef Py_ssize_t nones = 4
    cdef bint is_inside = hidden(&tensor_pool, o)
    if AG_TENSOR_HAS_WEAK_REFERENCES(<Tensor>o):
        PyObject_ClearWeakRefs(o)
    if (<Tensor>o).accumulator != NULL:
        drop_accumulator((<Tensor>o).accumulator)
        (<Tensor>o).accumulator = NULL
    drop_attributes(o)
    ag_decref(<PyObject *>(<Tensor>o).form)
    let_go_counted(<PyObject *>(<Tensor>o).storage, &nones)
    let_go_of_node(<PyObject *>(<Tensor>o).node, &nones)
    let_go_counted(<PyObject *>(<Tensor>o).grad_, &nones)
    let_go_counted(<PyObject *>(<Tensor>o).meta, &nones)
    ag_nones(-nones)
    (<Tensor>o).version = 0
    (<Tensor>o).flags = 0
    (<Tensor>o).nr = 0
    give_back(&tensor_pool, o, is_inside)


cdef inline void let_go_of_node(PyObject *o, Py_ssize_t *nones) noexcept:
    """The same for a grad_fn, without the detour through its class where it dies."""
    if o == <PyObject *>None:
        return
    nones[0] -= 1
    if Py_REFCNT(o) == 1 and is_pooled(&node_pool, o):
        ag_kill(o)
        node_dealloc(o)
    else:
        ag_decref(o)


cdef void node_dealloc(PyObject *o) noexcept:
    global dying, waiting
    cdef bint is_inside = hidden(&node_pool, o)
    if AG_HAS_WEAK_REFERENCES(<Node>o):
        PyObject_ClearWeakRefs(o)
    if dying >= DEEP and is_pooled(&node_pool, o):
        link_of(o).following = waiting
        waiting = o
        return
    dying += 1
    take_apart(o, is_inside)
    while dying == 1 and waiting != NULL:
        o = waiting
        waiting = link_of(o).following
        take_apart(o, not link_of(o).tracked)
    dying -= 1


cdef inline void take_apart(PyObject *o, bint is_inside) noexcept:
    cdef Py_ssize_t nones = 7
    let_go_counted(<PyObject *>(<Node>o).next0, &nones)
    let_go_counted(<PyObject *>(<Node>o).next1, &nones)
    let_go_counted(<PyObject *>(<Node>o).a, &nones)
    let_go_counted(<PyObject *>(<Node>o).b, &nones)
    let_go_counted(<PyObject *>(<Node>o).form, &nones)
    let_go_counted(<PyObject *>(<Node>o).extra, &nones)
    let_go_counted(<PyObject *>(<Node>o).args, &nones)
    ag_nones(-nones)
    (<Node>o).nr0 = 0
    (<Node>o).nr1 = 0
    (<Node>o).inputs = 0
    (<Node>o).flags = 0
    if (<Node>o).code != NULL:
        ag_decref((<Node>o).code)
        (<Node>o).code = NULL
    (<Node>o).op = NULL
    (<Node>o).state.task = 0
    give_back(&node_pool, o, is_inside)


def _offer(str phase, dict info):
    """Hand the untracked tensors and nodes to the collector (a gc callback, Note [Collection])."""
    global cycle_maker_seen
    cdef int generation
    if phase != "start":
        return
    generation = info["generation"]
    if generation == 0 or put_down_batches or (generation == 1 and not cycle_maker_seen):
        return
    cycle_maker_seen = False
    hand_over(&tensor_pool)
    hand_over(&node_pool)


cdef void hand_over(Pool *pool) noexcept:
    """Track all living objects of a pool, and leave it the dead ones."""
    cdef PyObject *o
    cdef Py_ssize_t i, kept = 0
    for i in range(pool.count):
        o = pool.all[i]
        if Py_REFCNT(o) > 0:
            link_of(o).tracked = True
            PyObject_GC_Track(o)
        else:
            link_of(o).place = <uint32_t>kept
            pool.all[kept] = o
            kept += 1
    pool.count = kept


# Note [Attributes of tensors]
# The dict of a tensor's attributes is CPython's own affair, by tp_dictoffset, but made with the first
# attribute: a `cdef dict __dict__` would come with each tensor.  With a `__getattr__` instead, CPython
# would make a bound method for each call of one (30 ns of 90).

cdef traverseproc traverse_fields = NULL       # Cython's, of what it knows to be objects

cdef int tensor_traverse(PyObject *o, visitproc visit, void *arg) noexcept:
    cdef int stop = 0
    if (<Tensor>o).attributes != NULL:
        stop = visit((<Tensor>o).attributes, arg)
    return stop if stop else traverse_fields(o, visit, arg)


cdef int set_up_objects() except -1:
    """Install the slots that Cython has no word for.  Called once, at the end of the module."""
    global bare_new, traverse_fields, forget_storage
    cdef Tensor sample = new_scalar(F64)
    import gc
    cdef PyTypeObject *t = <PyTypeObject *>Tensor
    bare_new = t.tp_new
    t.tp_alloc = tensor_pool.alloc = tensor_alloc
    t.tp_dealloc = tensor_dealloc
    traverse_fields = t.tp_traverse
    t.tp_traverse = tensor_traverse
    t.tp_clear = tensor_clear
    t.tp_dictoffset = <char *>&sample.attributes - <char *><PyObject *>sample
    t.tp_new = public_new
    PyType_Modified(t)
    t = <PyTypeObject *>Storage
    forget_storage = t.tp_dealloc
    t.tp_dealloc = storage_dealloc
    node_pool.alloc = node_alloc
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
