# What one backward pass keeps: the nodes that it has claimed, their states, and the heap of those that are ready.

cdef enum:                     # NodeState.marks
    NEEDED = 1                 # must run: leads to an input of the pass
    CAPTURED = 2               # an output of the node is an input of the pass
    QUEUED = 4                 # a root that is in the heap

cdef enum:
    FIRST_ROOM = 64            # nodes that a pass handles without allocating
    SIGNALS = 4096             # nodes between two looks for signals

cdef int64_t last_pass = 0


cdef struct Pass:
    int64_t number
    void *outer                # the pass that it is nested in, or NULL
    int no_grad                # the grad mode to return to
    bint keep                  # the graph stays usable
    PyObject *captures         # a Captures, borrowed, or NULL
    PyObject *side             # a SideTable, owned, or NULL
    Batch *batch               # or NULL, Note [Batches]
    void *outer_batch          # of the node that the pass is nested in
    PyObject **claimed         # every node of the pass, borrowed: the roots keep them alive
    Py_ssize_t count
    Py_ssize_t room
    PyObject **heap            # ready nodes
    Py_ssize_t ready
    Py_ssize_t heap_room
    PyObject *claimed_room[FIRST_ROOM]
    PyObject *heap_first[FIRST_ROOM]


cdef class SideTable:
    """States of nodes that another pass has claimed."""

    cdef dict index

    cdef NodeState *find(self, Node n, bint make) except? NULL:
        cdef SideState s = self.index.get(<uintptr_t><PyObject *>n)
        if s is None:
            if not make:
                return NULL
            s = SideState.__new__(SideState)
            self.index[<uintptr_t><PyObject *>n] = s
        return &s.state


cdef class SideState:
    cdef NodeState state

    def __dealloc__(self):
        drop_slot(&self.state)


cdef class Captures:
    """The inputs of a pass: where their gradients are taken from."""

    cdef dict places           # (id of node, output number) -> index in gradients
    cdef list order            # for each input its index in gradients
    cdef list gradients
    cdef bint accumulate       # inputs take their gradients in .grad instead


cdef inline void drop_slot(NodeState *s) noexcept:
    cdef PyObject *slot = s.slot
    s.slot = NULL
    if slot != NULL:
        Py_DECREF(<object>slot)


cdef void *grown(void *old, void *first, Py_ssize_t *room) except NULL:
    """Twice the room for pointers."""
    cdef Py_ssize_t size = room[0] * sizeof(void *)
    cdef void *new
    if old == first:
        new = PyMem_RawMalloc(2 * size)
        if new != NULL:
            memcpy(new, old, size)
    else:
        new = PyMem_RawRealloc(old, 2 * size)
    if new == NULL:
        raise MemoryError()
    room[0] *= 2
    return new


cdef NodeState *side_state(Pass *ps, Node n) except NULL:
    return (<SideTable>ps.side).find(n, True)


cdef inline NodeState *state_of(Pass *ps, Node n) except NULL:
    """The state of a node that is part of the pass."""
    if n.state.task == ps.number:
        return &n.state
    return side_state(ps, n)


cdef inline NodeState *claim(Pass *ps, Node n) except NULL:
    """The state of a node, which becomes part of the pass."""
    cdef NodeState *s = &n.state
    if s.task == ps.number:
        return s
    if s.task != 0:
        s = claim_aside(ps, n)
        if s.task == ps.number:
            return s
    if ps.count == ps.room:
        ps.claimed = <PyObject **>grown(ps.claimed, ps.claimed_room, &ps.room)
    ps.claimed[ps.count] = <PyObject *>n
    ps.count += 1
    s.task = ps.number
    s.pending = 0
    s.marks = 0
    s.slot = NULL
    return s


cdef NodeState *claim_aside(Pass *ps, Node n) except NULL:
    """A state for a node that another living pass has claimed."""
    cdef SideTable side
    if ps.side == NULL:
        side = SideTable.__new__(SideTable)
        side.index = {}
        Py_INCREF(side)
        ps.side = <PyObject *>side
    return (<SideTable>ps.side).find(n, True)


cdef inline bint runs_before(PyObject *a, PyObject *b) noexcept:
    return (<Node>a).sequence > (<Node>b).sequence


cdef int push_ready(Pass *ps, Node n) except -1:
    cdef Py_ssize_t i = ps.ready, up
    if ps.ready == ps.heap_room:
        ps.heap = <PyObject **>grown(ps.heap, ps.heap_first, &ps.heap_room)
    ps.ready += 1
    while i > 0:
        up = (i - 1) >> 1
        if not runs_before(<PyObject *>n, ps.heap[up]):
            break
        ps.heap[i] = ps.heap[up]
        i = up
    ps.heap[i] = <PyObject *>n
    return 0


cdef PyObject *pop_ready(Pass *ps) noexcept:
    cdef PyObject *top = ps.heap[0]
    cdef PyObject *last
    cdef Py_ssize_t i = 0, down
    ps.ready -= 1
    if ps.ready:
        last = ps.heap[ps.ready]
        while True:
            down = 2 * i + 1
            if down >= ps.ready:
                break
            if down + 1 < ps.ready and runs_before(ps.heap[down + 1], ps.heap[down]):
                down += 1
            if not runs_before(ps.heap[down], last):
                break
            ps.heap[i] = ps.heap[down]
            i = down
        ps.heap[i] = last
    return top
