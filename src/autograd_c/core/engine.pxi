# The engine: backward over a recorded graph.
#
# Design
# A. One pass (`Pass`) finds the nodes reachable from its roots and counts, for each, how many
#    gradients it waits for; then it runs ready nodes from a heap, the youngest first, and adds what
#    each returns to the slots of the next.  An AccumulateGrad runs as soon as it is complete.
# B. Everything is iterative; only a hook or a custom Function that itself calls backward nests, and
#    Python's recursion limit bounds that.
# C. What a pass keeps about a node lies in the node, claimed with the number of the pass.  A node that
#    another living pass has claimed (re-entrant, or of another thread) gets its state from the pass's
#    side table instead (pass.pxi).  Whatever happens, a pass gives back what it claimed.
# D. For `inputs` a pass runs only nodes on a path to one of them.
#
# Note [Gradients that are shared]
# A node may hand the same tensor to several edges, or an expanded one.  Gradients are added in place
# only into a tensor that nobody else knows (`owned_alone`) and whose elements lie apart.

cdef inline int wait_for(Pass *ps, PyObject *to) except -1:
    """Count one gradient that a node waits for."""
    if to != <PyObject *>None:
        claim(ps, <Node>to).pending += 1
    return 0


cdef int find_nodes(Pass *ps) except -1:
    """Claim every node reachable from those claimed, and count the gradients that each waits for."""
    cdef Py_ssize_t i = 0
    cdef int k
    cdef PyObject *o
    while i < ps.count:
        o = ps.claimed[i]
        i += 1
        wait_for(ps, edge_pointer(<Node>o, 0))
        wait_for(ps, edge_pointer(<Node>o, 1))
        for k in range(2, (<Node>o).inputs):
            wait_for(ps, edge_pointer(<Node>o, k))
    return 0


cdef struct Aged:
    PyObject *node
    int64_t sequence


cdef int by_age(const void *a, const void *b) noexcept nogil:
    cdef int64_t p = (<Aged *>a).sequence, q = (<Aged *>b).sequence
    return (p > q) - (p < q)


cdef int mark_needed(Pass *ps) except -1:
    """Mark the nodes that lead to an input.

    An edge leads to an older node or to an AccumulateGrad, since it is made with its node: so one
    walk from the oldest decides each node after all that it leads to, and a second finds nothing to
    do.  That second walk is the guard: a node missed here would be a gradient lost in silence.
    """
    cdef bint changed = True
    cdef Aged *order = <Aged *>PyMem_RawMalloc(ps.count * sizeof(Aged))
    cdef Py_ssize_t i
    cdef int k
    cdef Node n, to
    if order == NULL:
        raise MemoryError()
    try:
        for i in range(ps.count):
            order[i].node = ps.claimed[i]
            order[i].sequence = (<Node>ps.claimed[i]).sequence
            if order[i].sequence == AT_ONCE:
                order[i].sequence = -1         # leads nowhere: first
        qsort(order, ps.count, sizeof(Aged), by_age)
        while changed:
            changed = False
            for i in range(ps.count):
                n = <Node>order[i].node
                if state_of(ps, n).marks & NEEDED:
                    continue
                for k in range(n.inputs):
                    to = edge_node(n, k)
                    if to is not None and state_of(ps, to).marks & (NEEDED | CAPTURED):
                        state_of(ps, n).marks |= NEEDED
                        changed = True
                        break
    finally:
        PyMem_RawFree(order)
    return 0


cdef inline int deliver(Pass *ps, Node to, int nr, PyObject *g, Node source, int index) except -1:
    """Add a gradient to the slot of an output; takes over the reference.

    `source` (None for what a pass starts from) made it for its input `index`.
    """
    cdef NodeState *s
    if (not to.flags & MANY and (<Tensor>g).kind == F64
            and ((<Tensor>g).form is to.form or (ps.batch == NULL and same_sizes((<Tensor>g).form, to.form)))):
        s = state_of(ps, to)
        if s.slot == NULL:
            s.slot = g
            return 0
    return deliver_another(ps, to, nr, own_tensor(g), source, index)


cdef int deliver_another(Pass *ps, Node to, int nr, Tensor g, Node source, int index) except -1:
    """The same where it is not the first, does not fit, or is one of many."""
    if ps.batch != NULL:
        work_off(ps.batch)
    if to.flags & MANY:
        return deliver_one_of_many(ps, to, nr, fitting(g, to.extra.forms[nr], source, index))
    if g.form is not to.form or g.kind != F64:
        g = fitting(g, to.form, source, index)
    cdef NodeState *s = state_of(ps, to)
    cdef Tensor total
    if s.slot == NULL:
        Py_INCREF(g)
        s.slot = <PyObject *>g
    elif not recording() and not g.flags & SPECIAL and owned_alone(<Tensor>s.slot) and (<Tensor>s.slot).form.dense:
        add_into(<Tensor>s.slot, g)            # Note [Gradients that are shared]
    else:
        total = c_add(<Tensor>s.slot, g)
        Py_INCREF(total)
        drop_slot(s)
        s.slot = <PyObject *>total
    return 0


cdef Tensor fitting(Tensor g, Layout form, Node source, int index):
    """The gradient with the sizes of what it belongs to: summed over what was broadcast."""
    if not same_sizes(g.form, form):
        if not expandable(form, g.form):
            raise errors().invalid_gradient(source.name() if source is not None else "backward", index,
                                            sizes_text(g.form), sizes_text(form))
        g = sum_to(g, form)
    return to_kind(g, F64)


cdef int deliver_one_of_many(Pass *ps, Node to, int nr, Tensor g) except -1:
    cdef NodeState *s = state_of(ps, to)
    cdef list slots
    if s.slot == NULL:
        slots = [None] * len(to.extra.forms)
        Py_INCREF(slots)
        s.slot = <PyObject *>slots
    slots = <list>s.slot
    slots[nr] = g if slots[nr] is None else c_add(slots[nr], g)
    return 0


cdef Tensor attached(Node n, int nr, Tensor g):
    """The gradient after the hooks on output nr, kept where a tensor retains it."""
    cdef dict hooks
    cdef Tensor t
    if n.extra.hooks is not None:
        hooks = n.extra.hooks.get(nr)
        if hooks:
            g = run_hooks(hooks, g)
    if n.extra.retained is not None:
        reference = n.extra.retained.get(nr)
        if reference is not None:
            t = reference()
            if t is not None and t.node is n:
                if t.grad_ is None:
                    t.grad_ = c_clone(g) if recording() else copy_like(g, g.form)
                else:
                    t.grad_ = c_add(t.grad_, g)
                if t.grad_.flags & REQUIRES:
                    note_cycle_maker()
    return g


cdef PyObject *attached_slot(Node n, PyObject *slot) except NULL:
    """What `attached` makes of the gradients in a slot; takes over the reference."""
    cdef list gs
    cdef Tensor g
    cdef Py_ssize_t k
    if n.flags & MANY:
        gs = own_list(slot)
        for k in range(len(gs)):
            if gs[k] is not None:
                gs[k] = attached(n, k, gs[k])
        return ag_held(<PyObject *>gs)
    g = attached(n, 0, own_tensor(slot))
    return ag_held(<PyObject *>g)


cdef Tensor leaf_hooks(Tensor leaf, Tensor g):
    if leaf.meta is not None and leaf.meta.hooks:
        g = run_hooks(leaf.meta.hooks, g)
    return g


cdef PyObject *after_prehooks(Node n, PyObject *slot) except? NULL:
    """What the hooks before n make of the gradients in its slot, NULL for none; takes over the reference."""
    cdef list gs
    cdef tuple values
    cdef Py_ssize_t k
    if n.sequence == AT_ONCE:                  # before it come those of the leaf
        gs = [leaf_hooks(n.a, own_tensor(slot))]
    elif not n.extra.before:
        return slot
    elif n.flags & MANY:
        gs = own_list(slot)
    else:
        gs = [own_tensor(slot)]
    if n.extra.before:
        for k in range(len(gs)):
            if gs[k] is not None:
                gs[k] = private(gs[k])
        values = tuple(gs)
        for hook in list(n.extra.before.values()):
            values = hook_result(hook, hook(values), values)
        gs = list(values)
    if n.flags & MANY:
        return ag_held(<PyObject *>gs)
    return ag_held(<PyObject *>gs[0]) if gs[0] is not None else NULL


cdef int call_posthooks(Node n, PyObject *slot, PyObject **grads) except -1:
    """Let the hooks after n see, and replace, the gradients of its inputs."""
    cdef tuple outputs = tuple(<list>slot) if n.flags & MANY else (<Tensor>slot,)
    cdef list gs = []
    cdef tuple values
    cdef Tensor g
    cdef int k
    for k in range(n.inputs):
        if grads[k] == NULL:
            gs.append(None)
            continue
        g = own_tensor(grads[k])
        grads[k] = NULL
        gs.append(private(g))
    values = tuple(gs)
    for hook in list(n.extra.after.values()):
        values = hook_result(hook, hook(values, outputs), values)
    for k in range(n.inputs):
        if values[k] is not None:
            grads[k] = ag_held(<PyObject *>values[k])
    return 0


cdef int capture(Captures captures, Node n, int nr, Tensor g) except -1:
    cdef object index = captures.places.get((<uintptr_t><PyObject *>n, nr))
    if index is not None:
        captures.gradients[index] = g
    return 0


cdef bint captured_only(Captures captures, NodeState *s, Node n, PyObject *slot) except -1:
    """Take the gradients of inputs of the pass from a node's slot; True if it need not run."""
    cdef Py_ssize_t k
    if s.marks & CAPTURED and slot != NULL:
        if n.flags & MANY:
            for k in range(len(<list>slot)):
                capture(captures, n, k, (<list>slot)[k])
        elif n.sequence == AT_ONCE:
            capture(captures, n, 0, leaf_hooks(n.a, <Tensor>slot))
        else:
            capture(captures, n, 0, <Tensor>slot)
    return not s.marks & NEEDED


cdef enum:
    FEW = 8                    # inputs of a node whose gradients need no allocation


cdef inline bint is_batched(Node n) noexcept:
    """Whether the gradients that n makes may be computed later, Note [Batches]."""
    return (n.flags & (ADDS | ATTACHED | PACKED) == ADDS and BATCHED <= n.form.numel < STREAM and not recording()
            and not remembers & STACKS and not anomaly_checks_nan)


cdef int prepared(Pass *ps, Node n) except -1:
    """Open the batch for n, or end it before n looks at a gradient; 0 if n, a leaf, is to wait for that."""
    cdef Batch *b = ps.batch
    ag_tls.batch = NULL
    if is_batched(n):
        if b == NULL:
            b = ps.batch = <Batch *>PyMem_RawCalloc(1, sizeof(Batch))
        ag_tls.batch = b                       # without memory: computed at once
        return 1
    if b == NULL or (b.stages == 0 and b.waiting == 0):
        return 1
    if n.sequence == AT_ONCE and not (n.flags & ATTACHED or n.a.flags & HOOKED) and b.waiting < LEAVES:
        b.leaves[b.waiting] = <PyObject *>n
        b.waiting += 1
        return 0
    end_batch(ps)
    return 1


cdef int end_batch(Pass *ps) except -1:
    """Compute the batch, and let the leaves take their gradients."""
    cdef Batch *b = ps.batch
    cdef int k, waiting = b.waiting
    work_off(b)
    b.waiting = 0
    for k in range(waiting):
        run_node(ps, <Node>b.leaves[k])
    return 0


cdef int run_node(Pass *ps, Node n) except -1:
    """Run one ready node and deliver its gradients."""
    cdef NodeState *s = state_of(ps, n)
    cdef PyObject *slot = s.slot
    cdef PyObject *few[FEW]
    cdef PyObject **grads = few
    cdef int k, inputs = n.inputs
    cdef PyObject *bare
    if (ps.batch != NULL or (n.flags & ADDS and n.form.numel >= BATCHED)) and not prepared(ps, n):
        return 0
    if inputs > FEW:
        grads = room_for(inputs)
    for k in range(inputs):
        grads[k] = NULL
    s.slot = NULL
    try:
        if n.flags & ATTACHED and slot != NULL:
            bare = slot
            slot = NULL                        # handed over
            slot = attached_slot(n, bare)
        if ps.captures != NULL and captured_only(<Captures>ps.captures, s, n, slot):
            return 0
        if n.flags & ATTACHED and slot != NULL:
            bare = slot
            slot = NULL
            slot = after_prehooks(n, bare)
        if slot != NULL:
            if n.flags & MANY:
                n.apply_many(<list>slot, grads)
            else:
                if n.flags & (ADDS | ATTACHED) == ADDS and not recording() and not remembers & STACKS:
                    offer_totals(ps, n, grads)
                n.apply(<Tensor>slot, grads)
            if n.flags & ATTACHED and n.extra.after:
                call_posthooks(n, slot, grads)
            if anomaly_checks_nan:
                check_nans(n, grads)
            ag_decref(slot)                    # now: then what passed through is its receiver's alone
            slot = NULL
        if not ps.keep:
            release(n)
        for k in range(inputs):
            send(ps, n, k, grads)
    finally:
        if slot != NULL:
            ag_decref(slot)
        for k in range(inputs):
            if grads[k] != NULL:
                ag_decref(grads[k])
        if grads != few:
            PyMem_RawFree(grads)
    return 0


cdef inline int offer_totals(Pass *ps, Node n, PyObject **grads) except -1:
    """Hand over the gradients that inputs of n already have, where n can add to them; they come back by `send`."""
    cdef NodeState *s
    cdef PyObject *to
    cdef int k
    for k in range(n.inputs):
        to = edge_pointer(n, k)
        if to == <PyObject *>None:
            continue
        s = state_of(ps, <Node>to)
        if s.slot != NULL and not (<Node>to).flags & MANY and is_total(s.slot, <PyObject *>n.form):
            grads[k] = s.slot
            s.slot = NULL
    return 0


cdef inline bint is_total(PyObject *t, PyObject *form) noexcept:
    """Whether a gradient of this layout may be added to t in place; Note [Gradients that are shared]."""
    # Bare pointers: a reference of Cython's would count.
    return <PyObject *>(<Tensor>t).form == form and (<Layout>form).dense and owned_alone(<Tensor>t)


cdef PyObject **room_for(int n) except NULL:
    cdef PyObject **p = <PyObject **>PyMem_RawMalloc(n * sizeof(PyObject *))
    if p == NULL:
        raise MemoryError()
    return p


cdef inline int send(Pass *ps, Node n, int k, PyObject **grads) except -1:
    """Deliver the gradient of input k, or the news that there is none."""
    cdef PyObject *to = edge_pointer(n, k)
    cdef PyObject *g = grads[k]
    cdef NodeState *s
    if to == <PyObject *>None:
        return 0
    if g != NULL:
        grads[k] = NULL
        deliver(ps, <Node>to, edge_nr(n, k), g, n, k)
    s = state_of(ps, <Node>to)
    s.pending -= 1
    if s.pending == 0:
        push_ready(ps, <Node>to)
    return 0


cdef int mark_captured(Pass *ps, Captures captures) except -1:
    cdef Py_ssize_t i
    cdef Node n
    cdef set wanted = {key[0] for key in captures.places}
    for i in range(ps.count):
        n = <Node>ps.claimed[i]
        if <uintptr_t><PyObject *>n in wanted:
            state_of(ps, n).marks |= NEEDED if captures.accumulate and n.sequence == AT_ONCE else CAPTURED
    return 0


cdef int start_root(Pass *ps, Node root) except -1:
    """Queue a root that waits for no gradient but the ones it was given."""
    cdef NodeState *s = state_of(ps, root)
    if s.pending == 0 and not s.marks & QUEUED:
        s.marks |= QUEUED
        push_ready(ps, root)
    return 0


cdef int note_operation(object error, Node n) except -1:
    """Let an exception tell in which operation's backward it came up, and what recorded that."""
    cdef object stack = None
    if n.extra is not None and n.extra.metadata is not None:
        stack = n.extra.metadata.get("traceback_")
    error.add_note(errors().recorded_at(n.name(), stack, n._source, remembers & STACKS != 0))
    return 0


cdef int check_nans(Node n, PyObject **grads) except -1:
    """Raise for the first gradient that has a nan."""
    cdef int k
    for k in range(n.inputs):
        if grads[k] != NULL and truth(c_any(unary(&ISNAN, <Tensor>grads[k]))):
            raise RuntimeError(f"Function '{n.name()}' returned nan values in its {k}th output.")
    return 0


def _set_anomaly_mode(bint enabled, bint check_nan):
    """Turn anomaly mode on or off, in all threads."""
    global remembers, anomaly_checks_nan
    remembers = (remembers & LINES) | (STACKS if enabled else 0)
    anomaly_checks_nan = enabled and check_nan


def _set_source_lines(bint mode):
    """Whether each node remembers the line that recorded it, in all threads; the previous mode is returned."""
    global remembers
    cdef bint before = remembers & LINES != 0
    remembers = (remembers & STACKS) | (LINES if mode else 0)
    return before


def _anomaly_mode():
    """Whether it is on, and whether it looks for nans."""
    return remembers & STACKS != 0, anomaly_checks_nan


cdef int run_ready(Pass *ps) except -1:
    cdef Py_ssize_t done = 0
    cdef PyObject *n = NULL
    try:
        while ps.ready:
            n = pop_ready(ps)
            run_node(ps, <Node>n)
            done += 1
            if done % SIGNALS == 0:
                PyErr_CheckSignals()
        if ps.batch != NULL:
            end_batch(ps)
    except BaseException as error:
        if ps.batch != NULL:
            end_batch(ps)
        note_operation(error, <Node>n)
        raise
    return 0


cdef int begin_pass(Pass *ps, bint keep, bint create_graph) except -1:
    global last_pass
    Py_EnterRecursiveCall(" in backward")
    last_pass += 1
    ps.number = last_pass
    ps.keep = keep
    ps.captures = ps.side = NULL
    ps.batch = NULL
    ps.outer_batch = ag_tls.batch
    ag_tls.batch = NULL
    ps.claimed = ps.claimed_room
    ps.heap = ps.heap_first
    ps.room = ps.heap_room = FIRST_ROOM
    ps.count = ps.ready = 0
    ps.outer = ag_tls.current
    ag_tls.current = ps
    ps.no_grad = ag_tls.no_grad
    ag_tls.no_grad = not create_graph
    return 0


cdef void end_pass(Pass *ps) noexcept:
    """Give back what the pass claimed, however it ended."""
    cdef Py_ssize_t i
    cdef NodeState *s
    ag_tls.no_grad = ps.no_grad
    ag_tls.current = ps.outer
    ag_tls.batch = ps.outer_batch
    if ps.batch != NULL:
        PyMem_RawFree(ps.batch)
    Py_LeaveRecursiveCall()
    for i in range(ps.count):
        s = &(<Node>ps.claimed[i]).state
        if s.task == ps.number:
            s.task = 0
            if s.slot != NULL:
                drop_slot(s)
    if ps.side != NULL:
        ag_decref(ps.side)
    if ps.claimed != ps.claimed_room:
        PyMem_RawFree(ps.claimed)
    if ps.heap != ps.heap_first:
        PyMem_RawFree(ps.heap)


cdef int backward_from(Node root, int nr, Tensor g, bint keep, bint create_graph) except -1:
    """Run the graph from one root; gradients go to .grad."""
    cdef Pass ps
    begin_pass(&ps, keep, create_graph)
    try:
        claim(&ps, root)
        find_nodes(&ps)
        deliver(&ps, root, nr, ag_held(<PyObject *>g), None, 0)
        start_root(&ps, root)
        run_ready(&ps)
    finally:
        end_pass(&ps)
    return 0


cdef int backward_from_all(list roots, list numbers, list gradients, bint keep, bint create_graph,
                           Captures captures) except -1:
    """Run the graph from several roots; with captures, only what leads to them."""
    cdef Pass ps
    cdef Node n
    cdef Tensor g
    cdef Py_ssize_t i
    begin_pass(&ps, keep, create_graph)
    try:
        for n in roots:
            claim(&ps, n)
        find_nodes(&ps)
        if captures is not None:
            ps.captures = <PyObject *>captures
            mark_captured(&ps, captures)
            mark_needed(&ps)
        for i in range(len(roots)):
            n = roots[i]
            g = gradients[i]
            deliver(&ps, n, numbers[i], ag_held(<PyObject *>g), None, i)
        for n in roots:
            start_root(&ps, n)
        run_ready(&ps)
    finally:
        end_pass(&ps)
    return 0


def _current_pass():
    """The number of the innermost backward of this thread, -1 outside."""
    return (<Pass *>ag_tls.current).number if ag_tls.current != NULL else -1


def _pass_has_inputs():
    """Whether the innermost backward of this thread is for certain inputs only."""
    return ag_tls.current != NULL and (<Pass *>ag_tls.current).captures != NULL


def _will_run(Node node):
    """Whether the innermost backward of this thread has a use for a node."""
    cdef Pass *ps = <Pass *>ag_tls.current
    cdef NodeState *s = NULL
    if ps == NULL:
        return False
    if node.state.task == ps.number:
        s = &node.state
    elif ps.side != NULL:
        s = (<SideTable>ps.side).find(node, False)
    return s != NULL and (ps.captures == NULL or s.marks & (NEEDED | CAPTURED) != 0)
