# Gradients of large tensors that are computed together.
#
# Note [Batches]
# Backward through elementwise operations would write each gradient to memory and read it again, which
# takes longer than to compute it.  So where tensors are too large for the nearest caches (BATCHED), the
# engine has the runs of such nodes put down only (`put_down`), and they are worked off together
# (`work_off`), a block of elements at a time: what one run makes, the next finds in the first-level
# cache.
#
# A gradient that was put down is a tensor without memory (`promised`).  One that has died when the batch
# is worked off, as what lies between two nodes has, never gets any: it is made in a block of the batch.
# The others take over the memory of saved tensors that only the batch has any more and that no later run
# reads, which is in a cache, or get new.
#
# Nobody may see a tensor without memory, nor change what is to be read.  So a batch ends before any node
# that is not of this kind, has hooks or is watched (`prepared` in engine.pxi), before gradients are added
# or copied in other ways, and with the pass, however that ends; leaves that no hook looks at take their
# gradients after it.  No code of a user's runs meanwhile but what the collector calls, to which `_offer`
# shows no tensor then, and the interpreter's lock is let go of for the computation only.  A batch holds
# what it reads and makes, and is short, so that this is little: a Storage tells how many of its references
# are such (`pins`).  Tensors beyond the caches (STREAM) are computed one node after the other, for memory
# is what counts there.

cdef enum:
    BATCHED = 1 << 16          # elements
    STAGES = 8                 # runs of a batch
    PLACES = 12                # results and numbers: a block of each is in a near cache
    HELD = 4 * STAGES
    LEAVES = 8                 # that wait

cdef struct Operand:
    int place                  # among the results and numbers of the batch, or -1
    char *p                    # else in memory

cdef struct Stage:
    Kernel kernel
    bint adds
    Operand to
    Operand reads[3]
    double c[2]

cdef struct Place:             # a result or a number
    bint is_number
    double number
    PyObject *storage          # of a result, owned while anybody else has it, else NULL
    PyObject *tensor           # ... which is this one, borrowed
    char *p                    # ... and where its memory is, when it is worked off
    int stage                  # ... that makes it

cdef struct Kept:              # memory that is read, or added to
    PyObject *storage          # owned
    bint whole                 # read from its begin on, always
    int last                   # stage that reads it

cdef struct Batch:
    Py_ssize_t n
    int stages
    int places
    int held
    int waiting
    Stage stage[STAGES]
    Place place[PLACES]
    Kept kept[HELD]
    PyObject *leaves[LEAVES]   # AccumulateGrads, borrowed: the pass keeps them alive


cdef inline Batch *open_batch() noexcept:
    """The batch of the node that is being run, NULL where it is computed at once."""
    return <Batch *>ag_tls.batch


cdef PyObject *promised(Layout form) except NULL:
    """A float64 tensor without memory, for `put_down`; a new reference."""
    cdef Tensor t = Tensor.__new__(Tensor)
    cdef Storage s = Storage.__new__(Storage)
    s.size = form.numel * sizeof(double)
    t.form = form
    t.storage = s
    t.kind = F64
    t.flags = ag_tls.inference
    return ag_held(<PyObject *>t)


cdef inline void hold(PyObject **place, PyObject *storage) noexcept:
    place[0] = ag_held(storage)
    (<Storage>storage).pins += 1


cdef inline void let_storage_go(PyObject **place) noexcept:
    cdef PyObject *s = place[0]
    place[0] = NULL
    if s != NULL:
        (<Storage>s).pins -= 1
        ag_decref(s)


cdef inline bint is_held_alone(PyObject *storage) noexcept:
    """Whether only a batch has a storage, which it holds once."""
    return Py_REFCNT(storage) == 1


cdef void forget_dead(Batch *b) noexcept:
    """Let go of results that nobody else has."""
    cdef int k
    for k in range(b.places):
        if b.place[k].storage != NULL and is_held_alone(b.place[k].storage):
            let_storage_go(&b.place[k].storage)


cdef Operand operand_of(Batch *b, PyObject *t, Py_ssize_t stride) noexcept:
    """An operand of the next stage: a result of the batch, a number, or memory, which is held."""
    cdef PyObject *storage = <PyObject *>(<Tensor>t).storage
    cdef Operand found
    cdef int k
    found.p = (<Tensor>t).ptr
    for k in range(b.places):
        if (b.place[k].is_number and not memcmp(&b.place[k].number, found.p, sizeof(double)) if stride == 0
                else b.place[k].storage == storage):
            found.place = k
            return found
    if stride == 0:
        found.place = b.places
        memset(&b.place[b.places], 0, sizeof(Place))
        b.place[b.places].is_number = True
        b.place[b.places].number = (<double *>found.p)[0]
        b.places += 1
        return found
    found.place = -1
    for k in range(b.held):
        if b.kept[k].storage == storage:
            break
    else:
        k = b.held
        hold(&b.kept[k].storage, storage)
        b.kept[k].whole = True
        b.held += 1
    b.kept[k].last = b.stages
    b.kept[k].whole = b.kept[k].whole and found.p == (<Storage>storage).data
    return found


cdef int put_down(Kernel kernel, Layout form, PyObject **place, Tensor g, PyObject *x, PyObject *y,
                  const Py_ssize_t *strides, const double *c) except -1:
    """Add a run to the open batch: the gradient of this layout that a kernel makes of three float64 tensors.

    It comes into the place, or is added to what is there.  The tensors' strides, 1 or 0, are strides[1] to [3].
    """
    global put_down_batches
    cdef Batch *b = open_batch()
    cdef Stage *stage
    cdef bint adds = place[0] != NULL
    if not adds:
        place[0] = promised(form)
    forget_dead(b)
    if b.stages == STAGES or b.places + 4 > PLACES or b.n != form.numel:
        work_off(b)
    put_down_batches += b.stages == 0
    b.n = form.numel
    stage = &b.stage[b.stages]
    stage.kernel = kernel
    stage.adds = adds
    stage.reads[0] = operand_of(b, <PyObject *>g, strides[1])
    stage.reads[1] = operand_of(b, x, strides[2])
    stage.reads[2] = operand_of(b, y, strides[3])
    if adds:
        stage.to = operand_of(b, place[0], 1)
    else:
        stage.to.place = b.places
        memset(&b.place[b.places], 0, sizeof(Place))
        hold(&b.place[b.places].storage, <PyObject *>(<Tensor>place[0]).storage)
        b.place[b.places].tensor = place[0]
        b.place[b.places].stage = b.stages
        b.places += 1
    if c != NULL:
        memcpy(stage.c, c, sizeof(stage.c))
    b.stages += 1
    return 0


cdef int give_memory(Batch *b, Place *place) except -1:
    """Memory for a result: that of what is not read any more when it is made, or new."""
    cdef Storage s = <Storage>place.storage, old
    cdef int k
    for k in range(b.held):
        old = <Storage>b.kept[k].storage
        if (b.kept[k].whole and b.kept[k].last < place.stage and old.size == s.size and old.owner is None
                and old.data != NULL and Py_REFCNT(<PyObject *>old) == 2):      # ours, and this variable's
            s.data = old.data
            old.data = NULL
            break
    else:
        s.data = take_block(s.size)
    place.p = (<Tensor>place.tensor).ptr = s.data
    return 0


cdef int work_off(Batch *b) except -1:
    """Compute what was put down."""
    global put_down_batches
    cdef PyThreadState *unlocked
    cdef bint reserved
    cdef int k
    if b.stages == 0:
        return 0
    try:
        forget_dead(b)
        for k in range(b.places):
            if b.place[k].storage != NULL:
                give_memory(b, &b.place[k])
        reserved = reserve_team(b.n)
        unlocked = PyEval_SaveThread()
        if reserved:
            share_out(batch_part, b, b.n, SHARE)
        else:
            batch_part(b, 0, b.n, 0)
        PyEval_RestoreThread(unlocked)
        leave_team(reserved)
    except MemoryError:
        b.waiting = 0                          # what they wait for will not be
        raise
    finally:
        for k in range(b.places):
            let_storage_go(&b.place[k].storage)
        for k in range(b.held):
            let_storage_go(&b.kept[k].storage)
        b.stages = b.places = b.held = 0
        put_down_batches -= 1
    return 0


cdef inline int settle_batch() except -1:
    """Compute what was put down before something looks at a gradient."""
    return work_off(open_batch()) if open_batch() != NULL else 0


cdef inline double *block_of(Batch *b, const Operand *o, BlockRoom *room, Py_ssize_t start) noexcept:
    """An operand's elements from `start` on: in memory, or in its block."""
    if o.place < 0:
        return <double *>o.p + start
    if b.place[o.place].storage == NULL:
        return room[o.place].of
    return <double *>b.place[o.place].p + start


cdef void batch_part(void *context, Py_ssize_t start, Py_ssize_t stop, int thread) noexcept:
    """Some elements of all runs."""
    cdef Batch *b = <Batch *>context
    cdef BlockRoom room[PLACES]
    cdef BlockRoom added
    cdef Py_ssize_t each[4]
    cdef char *p[4]
    cdef Stage *stage
    cdef double *to
    cdef Py_ssize_t m, i
    cdef int j, k
    for k in range(4):
        each[k] = 1
    for k in range(b.places):
        if b.place[k].is_number:
            for i in range(BLOCK):
                room[k].of[i] = b.place[k].number
    while start < stop:
        m = min(stop - start, <Py_ssize_t>BLOCK)
        for j in range(b.stages):
            stage = &b.stage[j]
            for k in range(3):
                p[k + 1] = <char *>block_of(b, &stage.reads[k], room, start)
            to = block_of(b, &stage.to, room, start)
            p[0] = <char *>added.of if stage.adds else <char *>to
            stage.kernel(m, p, each, stage.c)
            if stage.adds:
                for i in range(m):
                    to[i] += added.of[i]
        start += m
