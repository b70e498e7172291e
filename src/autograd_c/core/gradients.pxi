# The gradients of elementwise operations: one pass over memory for each node.
#
# Note [Gradients in one pass]
# A backward kernel, the double form of a formula, reads each operand once and makes one gradient.
# Where a node makes two, its kernels take turns, a block at a time, so what both read comes from
# memory once.  And where an input of the node already has a gradient, from another of its uses, the
# new one is added to it a block at a time and never becomes a tensor: to nodes with ADDS the engine
# hands such totals over (`offer_totals`), in the places where the gradients are expected.  An operand
# of one value, above all the expanded gradient of a sum, is spread over one block and read from there.
#
# Note [Gradients that are overwritten]
# A 0-d gradient that comes in and that nobody else knows becomes one that goes out: the kernel that
# reads it last writes over it.  So a chain of scalars goes backward in one tensor.

cdef struct GradientRun:
    Kernel kernel
    char *to
    bint adds                  # to what is there


cdef inline int give(PyObject **grads, int i, Tensor g) except -1:
    """Put a gradient into the place of input i, or add it to what is there."""
    if g is None:
        return 0
    if grads[i] != NULL:
        g = c_add(<Tensor>grads[i], g)
        ag_decref(grads[i])
    Py_INCREF(g)
    grads[i] = <PyObject *>g
    return 0


cdef inline int pass_on(PyObject **grads, int i, Tensor g) except -1:
    """The same for the gradient that came in, where nothing is recorded."""
    if grads[i] == NULL:
        grads[i] = ag_held(<PyObject *>g)
    else:
        settle_batch()
        add_into(<Tensor>grads[i], g)
    return 0


cdef inline bint is_overwritten(Tensor g, Layout form) noexcept:
    """Whether g may become the gradient of this layout, Note [Gradients that are overwritten]."""
    return (form is SCALAR and g.form is form and Py_REFCNT(<PyObject *>g) == 1 and g.storage is None
            and not g.flags and g.meta is None and not AG_TENSOR_HAS_WEAK_REFERENCES(g))


cdef inline int begin_gradient(GradientRun *run, Kernel kernel, Layout form, PyObject **place, Tensor g,
                               bint overwrites) except -1:
    """Prepare the run of a kernel for the gradient in this place: if it is empty, a new tensor, or g overwritten."""
    run.kernel = kernel
    run.adds = place[0] != NULL
    if not run.adds:
        place[0] = ag_held(<PyObject *>g) if overwrites else make_tensor(F64, form, <PyObject *>None)
    run.to = (<Tensor>place[0]).ptr
    return 0


cdef int is_put_down(bint alike, const void *registered) except -1:
    """Whether runs of a node for which a batch is open join it; where they do not, it is worked off for them."""
    if alike and registered == NULL:
        return True
    settle_batch()
    return False


cdef inline Py_ssize_t stride_of(Layout operand, Layout form) noexcept:
    """1 for an operand that lies like the result, 0 for one of a single value, else -1."""
    cdef int d
    if operand is form:
        return 1
    for d in range(operand.ndim):
        if operand.strides[d] != 0 and operand.sizes[d] != 1:
            return -1
    return 0


cdef inline void run_gradients(const GradientRun *runs, int count, Py_ssize_t n, char **p, const Py_ssize_t *s,
                               const double *c) noexcept:
    """The runs over operands p[1] to p[3] that lie alike, the first one last; p[0] is set for each."""
    cdef double one
    cdef int k
    if n == 1:
        for k in range(count - 1, -1, -1):
            p[0] = <char *>&one if runs[k].adds else runs[k].to
            runs[k].kernel(1, p, s, c)
            if runs[k].adds:
                (<double *>runs[k].to)[0] += one
    elif n < UNLOCK:
        take_turns(runs, count, n, p, s, c, False)
    else:
        share_gradients(runs, count, n, p, s, c)


cdef struct GradientJob:
    const GradientRun *runs
    int count
    char **p
    const Py_ssize_t *s
    const double *c
    bint streams


cdef void share_gradients(const GradientRun *runs, int count, Py_ssize_t n, char **p, const Py_ssize_t *s,
                          const double *c) noexcept:
    """The same for long runs, which threads share: Note [Jobs]."""
    cdef GradientJob job
    cdef bint reserved = reserve_team(n)
    cdef PyThreadState *unlocked = PyEval_SaveThread()
    job.runs = runs
    job.count = count
    job.p = p
    job.s = s
    job.c = c
    job.streams = AG_STREAMS and n >= STREAM
    if reserved:
        share_out(gradient_part, &job, n, SHARE)
    else:
        gradient_part(&job, 0, n, 0)
    PyEval_RestoreThread(unlocked)
    leave_team(reserved)


cdef void gradient_part(void *context, Py_ssize_t start, Py_ssize_t stop, int thread) noexcept:
    cdef GradientJob *job = <GradientJob *>context
    cdef GradientRun runs[2]
    cdef char *p[4]
    cdef int k
    for k in range(job.count):
        runs[k] = job.runs[k]
        runs[k].to += start * sizeof(double)
    for k in range(1, 4):
        p[k] = job.p[k] + start * job.s[k] * sizeof(double)
    take_turns(runs, job.count, stop - start, p, job.s, job.c, job.streams)


cdef void take_turns(const GradientRun *runs, int count, Py_ssize_t n, char **p, const Py_ssize_t *s,
                     const double *c, bint streams) noexcept:
    cdef BlockRoom room[4]
    cdef double *total
    cdef Py_ssize_t moving[4]
    cdef Py_ssize_t start = 0, m, i
    cdef bint streamed[2]                       # Note [Streams]
    cdef int k
    if count == 1 and not runs[0].adds and not streams and s[1] and s[2] and s[3]:
        p[0] = runs[0].to
        runs[0].kernel(n, p, s, c)
        return
    for k in range(count):
        streamed[k] = (streams and not runs[k].adds
                       and runs[k].to != p[1] and runs[k].to != p[2] and runs[k].to != p[3])
    moving[0] = 1
    for k in range(1, 4):
        moving[k] = 1
        if s[k] == 0:
            for i in range(min(n, <Py_ssize_t>BLOCK)):
                room[k].of[i] = (<double *>p[k])[0]
            p[k] = <char *>room[k].of
    while start < n:
        m = min(n - start, <Py_ssize_t>BLOCK)
        for k in range(count):
            total = <double *>runs[k].to + start
            p[0] = <char *>room[0].of if runs[k].adds or streamed[k] else <char *>total
            runs[k].kernel(m, p, moving, c)
            if runs[k].adds:
                for i in range(m):
                    total[i] += room[0].of[i]
            elif streamed[k]:
                stream(total, room[0].of, m)
        for k in range(1, 4):
            p[k] += m * s[k] * sizeof(double)
        start += m
    if streams:
        AG_FENCE()


cdef int walk_gradient(const GradientRun *run, char **p, Layout form, Layout g, Layout a, int a_kind, Layout b,
                       int b_kind, const double *c, PyObject **place) except -1:
    """One run over operands that do not all lie alike."""
    cdef Walk w
    cdef Tensor d = own_tensor(make_tensor(F64, form, <PyObject *>None)) if run.adds else None
    walk_start(&w, form)
    w.spreads = True
    walk_add(&w, d.ptr if run.adds else run.to, form, F64, F64)
    walk_add(&w, p[1], g, F64, F64)
    walk_add(&w, p[2], a, a_kind, F64)
    walk_add(&w, p[3], b, b_kind, F64)
    walk_run(&w, run.kernel, c)
    if run.adds:
        add_into(<Tensor>place[0], d)
    return 0


# --------------------------------------------------------------------------------------------- unary

# What the formulas of another library get, and give, is checked: Note [Registered operations].

cdef inline Tensor formula_of(const UnaryOp *op, Tensor g, Tensor x, Tensor y, const double *c):
    """The Tensor form of the formula."""
    return op.formula(g, x, y, c) if op.registered == NULL else registered_chain1(op, g, x, y, c)


cdef inline Tensor formula_of_a(const BinaryOp *op, Tensor g, Tensor a, Tensor b, Layout form):
    """The Tensor form of the formula for the first operand; `form` is the result's."""
    return op.formula_a(g, a, b) if op.registered == NULL else registered_chain2(op, True, g, a, b, form)


cdef inline Tensor formula_of_b(const BinaryOp *op, Tensor g, Tensor a, Tensor b, Layout form):
    """The same for the second."""
    return op.formula_b(g, a, b) if op.registered == NULL else registered_chain2(op, False, g, a, b, form)


cdef class UnaryNode(Node):
    """Base of the nodes of elementwise operations on one tensor."""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef const UnaryOp *op = <const UnaryOp *>self.op
        cdef Tensor saved
        cdef PyObject *x = <PyObject *>g       # what is not read: any tensor of the sizes
        if self.next0 is None:
            return 0
        if op.reads & READS_X:
            saved = saved_a(self)
            x = <PyObject *>saved
        elif op.registered != NULL:
            x = <PyObject *>NOT_READ
        if recording() or (g.flags | (<Tensor>x).flags) & SPECIAL or self.flags & PACKED or (
                self.b is not None and self.b.flags & SPECIAL):
            return special_gradient(self, op, g, <Tensor>x, grads)
        return unary_gradient(self, op, g, <Tensor>x, grads)


cdef inline Tensor result_not_read(const UnaryOp *op, Tensor x):
    """What kernels get for the result where they do not read it: any tensor of the sizes."""
    return x if op.registered == NULL else NOT_READ


cdef int special_gradient(Node n, const UnaryOp *op, Tensor g, Tensor x, PyObject **grads) except -1:
    """The gradient where it is recorded, or has a tangent, or the result was packed."""
    cdef Tensor y = saved_result(n) if op.reads & READS_Y else result_not_read(op, x)
    settle_batch()
    if recording() or (g.flags | x.flags | y.flags) & SPECIAL:
        return give(grads, 0, formula_of(op, g, x, y, n.c))
    return run_unary(n, op, g, x, <PyObject *>y, y.ptr, y.form, grads)


cdef int unary_gradient(Node n, const UnaryOp *op, Tensor g, Tensor x, PyObject **grads) except -1:
    """The double form of the formula, and the result as the node has it."""
    cdef Tensor y
    if not op.reads & READS_Y:
        y = result_not_read(op, x)
        return run_unary(n, op, g, x, <PyObject *>y, y.ptr, y.form, grads)
    if n.flags & RELEASED:
        raise errors().second_backward(n.name())
    if n.flags & SCALAR_RESULT:
        return run_unary(n, op, g, x, NULL, <char *>&n.y, n.form, grads)
    if version_of(n.b) != n.version_b:
        raise stale_result(n)
    y = n.b                                    # held: a kernel may run without the interpreter's lock
    return run_unary(n, op, g, x, <PyObject *>y, y.ptr, y.form, grads)


cdef inline int run_unary(Node n, const UnaryOp *op, Tensor g, Tensor x, PyObject *y_tensor, char *y, Layout y_form,
                          PyObject **grads) except -1:
    """With the result at y; in the tensor, unless NULL."""
    cdef GradientRun run
    cdef Layout made = fresh_layout(n.form)
    cdef char *p[4]
    cdef Py_ssize_t s[4]
    cdef bint alike
    s[0] = 1
    s[1] = stride_of(g.form, made)
    s[2] = stride_of(x.form, made)
    s[3] = stride_of(y_form, made)
    alike = s[1] >= 0 and s[2] >= 0 and s[3] >= 0
    if open_batch() != NULL and is_put_down(alike, op.registered):
        return put_down(op.backward, made, grads, g, <PyObject *>x, y_tensor, s, n.c)
    begin_gradient(&run, op.backward, made, grads, g, is_overwritten(g, made))
    p[1] = g.ptr
    p[2] = x.ptr
    p[3] = y
    if alike:
        run_gradients(&run, 1, made.numel, p, s, n.c)
        return 0
    return walk_gradient(&run, p, made, g.form, x.form, F64, y_form, F64, n.c, grads)


# -------------------------------------------------------------------------------------------- binary

cdef inline int wanted_reads(Node n, const BinaryOp *op) noexcept:
    """What the formulas of the inputs that want a gradient read."""
    cdef int reads = 0
    if n.next0 is not None:
        reads = op.reads_a
    if n.next1 is not None:
        reads |= op.reads_b
    return reads


cdef inline bint is_saved_plain(PyObject *t, uint32_t version) noexcept:
    return is_plain(<Tensor>t) and (<Tensor>t).storage is None and (<Tensor>t).version == version


cdef inline int plain_gradient(Kernel kernel, char **p, PyObject **place, Tensor g, bint is_last) except -1:
    """One of them: added to what is in its place, or by the kernel that runs last written over g."""
    cdef double one
    if place[0] != NULL:
        p[0] = <char *>&one
        kernel(1, p, ONE_EACH, NULL)
        (<double *>(<Tensor>place[0]).ptr)[0] += one
        return 0
    place[0] = ag_held(<PyObject *>g) if is_last and is_overwritten(g, SCALAR) else make_scalar(F64, <PyObject *>None)
    p[0] = (<Tensor>place[0]).ptr
    kernel(1, p, ONE_EACH, NULL)
    return 0


cdef inline int plain_gradients(Node n, const BinaryOp *op, int reads, Tensor g, PyObject **grads) except -1:
    """The gradients of two numbers, if all is plain: Note [Plain scalars]."""
    cdef Tensor a_saved, b_saved               # held: to make a tensor may let a collector run, and that anything
    cdef PyObject *a = <PyObject *>g           # what is not read: any number
    cdef PyObject *b = a
    cdef char *p[4]
    if (not is_plain(g) or n.flags & (RELEASED | PACKED) or recording() or op.registered != NULL
            or op.backward_a == NULL or op.backward_b == NULL):
        return 0
    if reads & READS_A:
        a_saved = n.a
        a = <PyObject *>a_saved
        if not is_saved_plain(a, n.version_a):
            return 0
    if reads & READS_B:
        b_saved = n.b
        b = <PyObject *>b_saved
        if not is_saved_plain(b, n.version_b):
            return 0
    p[1] = g.ptr
    p[2] = (<Tensor>a).ptr
    p[3] = (<Tensor>b).ptr
    if n.next1 is not None:
        plain_gradient(op.backward_b, p, &grads[1], g, n.next0 is None)
    if n.next0 is not None:
        plain_gradient(op.backward_a, p, &grads[0], g, True)
    return 1


cdef class BinaryNode(Node):
    """Base of the nodes of elementwise operations on two tensors."""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef const BinaryOp *op = <const BinaryOp *>self.op
        cdef Tensor a_saved, b_saved
        cdef PyObject *a = <PyObject *>(g if op.registered == NULL else NOT_READ)      # what is not read: any tensor
        cdef PyObject *b = a
        cdef int reads = wanted_reads(self, op)
        if self.form is SCALAR and plain_gradients(self, op, reads, g, grads):
            return 0
        if reads & READS_A:
            a_saved = saved_a(self)
            a = <PyObject *>a_saved
        if reads & READS_B:
            b_saved = saved_b(self)
            b = <PyObject *>b_saved
        if recording() or (g.flags | (<Tensor>a).flags | (<Tensor>b).flags) & SPECIAL:
            settle_batch()
            if self.next0 is not None:
                give(grads, 0, formula_of_a(op, g, <Tensor>a, <Tensor>b, self.form))
            if self.next1 is not None:
                give(grads, 1, formula_of_b(op, g, <Tensor>a, <Tensor>b, self.form))
            return 0
        return binary_gradients(self, op, g, <Tensor>a, <Tensor>b, grads)


cdef int binary_gradients(Node n, const BinaryOp *op, Tensor g, Tensor a, Tensor b, PyObject **grads) except -1:
    """The double forms of the formulas of the inputs that want a gradient, with the sizes of the result."""
    cdef GradientRun runs[2]
    cdef int place[2]
    cdef int count = 0, k
    cdef Layout form = fresh_layout(n.form)
    # Not where g itself is passed on: to an input, or to the gradient of one that it is added to.
    cdef bint overwrites = op.backward_a != NULL and op.backward_b != NULL and is_overwritten(g, form)
    cdef bint alike
    cdef char *p[4]
    cdef Py_ssize_t s[4]
    s[0] = 1
    s[1] = stride_of(g.form, form)
    s[2] = stride_of(a.form, form)
    s[3] = stride_of(b.form, form)
    alike = s[1] >= 0 and s[2] >= 0 and s[3] >= 0 and a.kind == F64 and b.kind == F64
    if open_batch() != NULL and is_put_down(alike, op.registered):
        if n.next0 is not None:
            binary_put_down(op.backward_a, form, &grads[0], g, a, b, s)
        if n.next1 is not None:
            binary_put_down(op.backward_b, form, &grads[1], g, a, b, s)
        return 0
    if n.next0 is not None:
        if op.backward_a == NULL:
            pass_on(grads, 0, g)
        else:
            begin_gradient(&runs[0], op.backward_a, form, &grads[0], g, overwrites)
            place[0] = 0
            count = 1
    if n.next1 is not None:
        if op.backward_b == NULL:
            pass_on(grads, 1, g)
        else:
            begin_gradient(&runs[count], op.backward_b, form, &grads[1], g, overwrites and count == 0)
            place[count] = 1
            count += 1
    if count == 0:
        return 0
    p[1] = g.ptr
    p[2] = a.ptr
    p[3] = b.ptr
    if alike:
        run_gradients(runs, count, form.numel, p, s, NULL)
        return 0
    for k in range(count - 1, -1, -1):
        walk_gradient(&runs[k], p, form, g.form, a.form, a.kind, b.form, b.kind, NULL, &grads[place[k]])
    return 0


cdef int binary_put_down(Kernel kernel, Layout form, PyObject **place, Tensor g, Tensor a, Tensor b,
                         const Py_ssize_t *s) except -1:
    """One of them for the open batch."""
    if kernel == NULL:
        return pass_on(place, 0, g)
    return put_down(kernel, form, place, g, <PyObject *>a, <PyObject *>b, s, NULL)
