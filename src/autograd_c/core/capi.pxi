# The C interface for other libraries, whose declarations are in __init__.pxd.
#
# Note [Registered operations]
# An operation of another library is a table like those of ops/, made at run time, and a node class of
# its own: derived in Python without fields, so that its nodes are those of the pool, and given the C
# slots of its base, since Python's would look for a __dict__ and count references to the class.  Both
# live for ever.
#
# What comes from there is not trusted.  A pointer to an operation begins with its kind.  What a
# derivative did not declare to read comes to kernels as nan and to formulas as None, so a forgotten
# READS is seen; and what formulas and backwards return is looked at before it is used.

from autograd_c cimport ABI, Backward, Formula1, Formula2, Table
from autograd_c cimport Kernel as ForeignKernel
from cpython.pycapsule cimport PyCapsule_New

cdef extern from *:
    """
    /* Neither attributes nor classes of objects can be set, and nobody derives. */
    #define AG_SEAL(t) ((t)->tp_flags = ((t)->tp_flags | Py_TPFLAGS_IMMUTABLETYPE) & ~Py_TPFLAGS_BASETYPE)
    """
    void AG_SEAL(PyTypeObject *) noexcept

cdef list registered = []      # classes and names: never freed


cdef PyTypeObject *registered_class(str name, object base) except NULL:
    """A node class of that name."""
    cdef PyTypeObject *t
    cdef PyTypeObject *b = <PyTypeObject *>base
    if not name.isidentifier():
        raise ValueError(f"{name!r} cannot be the name of a node: it is no identifier")
    cls = type(name, (base,), {"__slots__": (), "__module__": "autograd_c._core"})
    t = <PyTypeObject *>cls
    if t.tp_basicsize != b.tp_basicsize:
        raise SystemError(f"{name} adds fields to Node")
    t.tp_new = b.tp_new
    t.tp_alloc = b.tp_alloc
    t.tp_dealloc = b.tp_dealloc
    t.tp_clear = b.tp_clear
    t.tp_traverse = b.tp_traverse
    PyType_Modified(t)
    AG_SEAL(t)
    registered.append(cls)
    return t


cdef void *forever(size_t size) except NULL:
    cdef void *kept = PyMem_RawMalloc(size)
    if kept == NULL:
        raise MemoryError()
    return kept


cdef const char *kept_name(str name) except NULL:
    registered.append(name)
    return PyUnicode_AsUTF8(name)


cdef Tensor api_tensor(object x):
    if not isinstance(x, Tensor):
        raise TypeError(f"expected a Tensor, but got {type_name(x)}")
    return x


cdef Tensor api_doubles(object x):
    cdef Tensor t = api_tensor(x)
    if t.kind != F64:
        raise TypeError(f"expected a Tensor of float64, but got one of {dtype_object(t.kind)}")
    return t


# ----------------------------------------------------------------------------------------------- tensors

cdef Layout api_layout(int ndim, const Py_ssize_t *sizes):
    cdef int d
    if not 0 <= ndim <= MAX_DIMS:
        raise ValueError(f"a tensor has from 0 to {MAX_DIMS} dimensions, not {ndim}")
    if ndim and sizes == NULL:
        raise ValueError("no sizes were given")
    for d in range(ndim):
        if sizes[d] < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {sizes[d]}")
    return layout_contiguous(ndim, sizes) if ndim else SCALAR


cdef bint api_is_tensor(object x) noexcept:
    return isinstance(x, Tensor)


cdef object api_empty(int ndim, const Py_ssize_t *sizes):
    return new_tensor(F64, api_layout(ndim, sizes))


cdef object api_from_memory(double *data, int ndim, const Py_ssize_t *sizes, object owner):
    cdef Layout form = api_layout(ndim, sizes)
    cdef Tensor x = Tensor.__new__(Tensor)
    if data == NULL and form.numel:
        raise ValueError("from_memory: no memory was given")
    if <uintptr_t>data % sizeof(double):
        raise ValueError("from_memory: the memory is not aligned as doubles are")
    x.kind = F64
    x.form = form
    # An owner tells a storage that the memory is not the pool's; static memory needs none.
    x.storage = foreign_storage(owner if owner is not None else form, <char *>data, form.numel * 8, False)
    x.ptr = <char *>data
    return x


cdef object api_contiguous(object x):
    cdef Tensor t = to_kind(alias(api_tensor(x)), F64)
    return contiguous(t)


cdef double no_element


cdef double *api_data(object x) except NULL:
    cdef Tensor t = api_doubles(x)
    spill(t)                                   # a scalar's place in its object is not its last one
    return <double *>t.ptr if t.ptr != NULL else &no_element


cdef int api_ndim(object x) except -1:
    return api_tensor(x).form.ndim


cdef const Py_ssize_t *api_sizes(object x) except NULL:
    return api_tensor(x).form.sizes


cdef const Py_ssize_t *api_strides(object x) except NULL:
    return api_tensor(x).form.strides


cdef Py_ssize_t api_numel(object x) except -1:
    return api_tensor(x).form.numel


cdef int api_dtype(object x) except -1:
    return api_tensor(x).kind


cdef int api_is_contiguous(object x) except -1:
    return api_tensor(x).form.contiguous


cdef int api_requires_grad(object x) except -1:
    return needs_grad(api_tensor(x))


cdef int api_changed(object x) except -1:
    cdef Tensor t = api_tensor(x)
    begin_write(t)
    bump(t)
    return 0


# -------------------------------------------------------------------------------------------- operations

cdef enum:                      # kinds of operations, as numbers that nothing else is likely to begin with
    OF_ONE = 0x6f6e6501
    OF_TWO = 0x74776f02
    OF_ANY = 0x616e7903

cdef struct RegisteredUnary:
    int kind
    UnaryOp table
    Formula1 formula

cdef struct RegisteredBinary:
    int kind
    BinaryOp table
    Formula2 formula_a
    Formula2 formula_b

cdef struct RegisteredOp:
    int kind
    Backward backward
    PyTypeObject *node
    bint differentiable

cdef Tensor NOT_READ = scalar_f64(cmath.NAN)


cdef int check_kind(const void *op, int kind, str made_by) except -1:
    if op == NULL or (<const int *>op)[0] != kind:
        raise ValueError(f"this is not an operation that {made_by} returned")
    return 0


cdef int check_reads(str name, int reads) except -1:
    if reads & ~(READS_X | READS_Y):
        raise ValueError(f"{name}: a derivative cannot read {reads}, only what the READS_ constants name")
    return 0


cdef object no_second_derivative(str name):
    return RuntimeError(f"{name} has no second derivative, and none in forward mode: it was registered without a "
                        "formula")


cdef Tensor as_double(Tensor x, bint wanted):
    """An operand for a formula; None if it did not declare to read it."""
    return to_kind(x, F64) if wanted else None


cdef Tensor checked_result(const char *name, object found, Layout form, bint expand):
    """What a formula returned, with the sizes of `form`; `expand`: it may broadcast to them."""
    cdef Tensor t
    if not isinstance(found, Tensor):
        raise TypeError(f"the formula of {name.decode()} must return a Tensor, not {type_name(found)}")
    t = found
    if t.kind != F64:
        raise TypeError(f"the formula of {name.decode()} must return a Tensor of float64, not of "
                        f"{dtype_object(t.kind)}")
    if same_sizes(t.form, form):
        return t
    if expand and expandable(t.form, form):
        return c_expand(t, form)
    raise RuntimeError(f"the formula of {name.decode()} returned sizes {sizes_text(t.form)}, and {sizes_text(form)} "
                       "are those of the gradient that it was given")


cdef Tensor registered_chain1(const UnaryOp *op, Tensor g, Tensor x, Tensor y, const double *c):
    cdef Formula1 formula = (<const RegisteredUnary *>op.registered).formula
    if formula == NULL:
        raise no_second_derivative(op.name.decode())
    return checked_result(op.name, formula(g, as_double(x, op.reads & READS_X), as_double(y, op.reads & READS_Y), c),
                          g.form, False)


cdef Tensor registered_chain2(const BinaryOp *op, bint first, Tensor g, Tensor a, Tensor b, Layout form):
    cdef const RegisteredBinary *r = <const RegisteredBinary *>op.registered
    cdef Formula2 formula = r.formula_a if first else r.formula_b
    cdef int reads = op.reads_a if first else op.reads_b
    if formula == NULL:
        raise no_second_derivative(op.name.decode())
    # A tangent has the sizes of its operand, which may be fewer.
    return checked_result(op.name, formula(g, as_double(a, reads & READS_A), as_double(b, reads & READS_B)),
                          form, not same_sizes(g.form, form))


cdef void *api_register_unary(str name, ForeignKernel forward, int reads, ForeignKernel backward,
                              Formula1 formula) except NULL:
    cdef RegisteredUnary *r
    if forward == NULL or backward == NULL:
        raise ValueError(f"{name}: the kernels of an operation must not be NULL")
    check_reads(name, reads)
    node = registered_class(name, UnaryNode)
    r = <RegisteredUnary *>forever(sizeof(RegisteredUnary))
    r.kind = OF_ONE
    r.formula = formula
    r.table = SINH                             # for what is alike, the table of the base's methods among it
    r.table.name = kept_name(name)
    r.table.forward = <Kernel>forward
    r.table.node = node
    r.table.reads = reads
    r.table.backward = <Kernel>backward
    r.table.registered = r
    return r


cdef void *api_register_binary(str name, ForeignKernel forward, int reads_a, ForeignKernel backward_a,
                               Formula2 formula_a, int reads_b, ForeignKernel backward_b,
                               Formula2 formula_b) except NULL:
    cdef RegisteredBinary *r
    if forward == NULL or backward_a == NULL or backward_b == NULL:
        raise ValueError(f"{name}: the kernels of an operation must not be NULL")
    check_reads(name, reads_a)
    check_reads(name, reads_b)
    node = registered_class(name, BinaryNode)
    r = <RegisteredBinary *>forever(sizeof(RegisteredBinary))
    r.kind = OF_TWO
    r.formula_a = formula_a
    r.formula_b = formula_b
    r.table = ATAN2
    r.table.name = kept_name(name)
    r.table.treats = TO_FLOAT
    r.table.forward = <Kernel>forward
    r.table.node = node
    r.table.number_node = NULL
    r.table.reads_a = reads_a
    r.table.backward_a = <Kernel>backward_a
    r.table.reads_b = reads_b
    r.table.backward_b = <Kernel>backward_b
    r.table.registered = r
    return r


cdef object api_unary(const void *op, object x, double c0, double c1):
    check_kind(op, OF_ONE, "register_unary")
    return unary_with(&(<const RegisteredUnary *>op).table, api_tensor(x), c0, c1)


cdef Tensor api_operand(object x):
    cdef Tensor t = operand(x)
    if t is None:
        raise TypeError(f"expected a Tensor or a number, but got {type_name(x)}")
    return t


cdef object api_binary(const void *op, object a, object b):
    check_kind(op, OF_TWO, "register_binary")
    return binary(&(<const RegisteredBinary *>op).table, api_operand(a), api_operand(b))


cdef class RegisteredNode(Node):
    """Base of the nodes of operations that `record` records."""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef const RegisteredOp *op = <const RegisteredOp *>self.op
        cdef list saved = []
        cdef tuple results
        cdef int i, count = len(self.extra.saved) if self.extra is not None and self.extra.saved is not None else 0
        if self.flags & RELEASED:
            raise errors().second_backward(self.name())
        for i in range(count):
            saved.append(function_saved(self, i))
        if not op.differentiable:
            check_first(self, g, saved)
        found = op.backward(g, tuple(saved), self.args)
        if not isinstance(found, tuple):
            raise TypeError(f"the backward of {self.name()} must return a tuple of gradients, not {type_name(found)}")
        results = found
        if len(results) != self.inputs:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected "
                               f"{self.inputs}, got {len(results)})")
        for i in range(self.inputs):
            if results[i] is None:
                continue
            if not isinstance(results[i], Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(results[i]).__name__})")
            if edge_pointer(self, i) != <PyObject *>None:
                give(grads, i, results[i])
        return 0


cdef int check_first(Node n, Tensor g, list saved) except -1:
    """Raise where the gradient that n computes would itself be differentiated."""
    cdef Tensor t
    for t in [g, *saved]:
        if recording() and needs_grad(t) or tangent_of(t) is not None:
            raise RuntimeError(f"{n.name()} has no second derivative: its backward is not made of operations that "
                               "can be recorded")
    return 0


cdef void *api_register_op(str name, Backward backward, bint differentiable) except NULL:
    cdef RegisteredOp *r
    if backward == NULL:
        raise ValueError(f"{name}: the backward of an operation must not be NULL")
    node = registered_class(name, RegisteredNode)
    r = <RegisteredOp *>forever(sizeof(RegisteredOp))
    r.kind = OF_ANY
    r.backward = backward
    r.node = node
    r.differentiable = differentiable
    return r


cdef int check_new(Tensor y, tuple inputs) except -1:
    """Raise where y cannot become the result of an operation on these."""
    cdef Tensor x
    if y.node is not None or y.flags & (REQUIRES | VIEW) or tangent_of(y) is not None:
        raise ValueError("record: the result must be a new tensor, without history")
    for i in inputs:
        if not isinstance(i, Tensor):
            continue
        x = i
        if x is y or (y.storage is not None and x.storage is y.storage):
            raise ValueError("record: the result must be a new tensor, and not lie in the memory of an input")
    return 0


cdef object api_record(const void *op, object y, tuple inputs, tuple saved, object extra):
    cdef Tensor result = api_doubles(y), x
    cdef Node n
    cdef bint wanted = False
    check_kind(op, OF_ANY, "register_op")
    for s in saved:
        api_tensor(s)
    for i in inputs:
        if isinstance(i, Tensor):
            x = i
            wanted = wanted or needs_grad(x)
            if tangent_of(x) is not None:
                raise RuntimeError(f"{(<type>(<const RegisteredOp *>op).node).__name__} has no derivative in forward "
                                   "mode")
    check_new(result, inputs)
    if not wanted or not recording():
        return y
    if result.flags & INFERENCE:
        raise errors().inference_saved()
    n = new_node((<const RegisteredOp *>op).node)
    n.op = op
    n.args = extra
    n.form = result.form
    for i in inputs:
        add_edge(n, i if isinstance(i, Tensor) else None)
    note_cycle_maker()                         # `extra` may be anything
    for s in saved:
        save_more(n, s if s is not y else None)
        if s is not y:
            continue
        if ag_tls.packing:
            pack_output(n, len(n.extra.saved) - 1, result, 0)
        else:
            x = alias(result)
            n.extra.saved[len(n.extra.saved) - 1] = (x, version_of(x), 0)
    set_result(n, result)                      # last: whatever raises leaves y as it was
    return y


cdef Table api_table


cdef object c_api():
    """The capsule that `import_autograd_c` looks for."""
    api_table.abi = ABI
    api_table.is_tensor = api_is_tensor
    api_table.empty = api_empty
    api_table.from_memory = api_from_memory
    api_table.contiguous = api_contiguous
    api_table.data = api_data
    api_table.ndim = api_ndim
    api_table.sizes = api_sizes
    api_table.strides = api_strides
    api_table.numel = api_numel
    api_table.dtype = api_dtype
    api_table.is_contiguous = api_is_contiguous
    api_table.requires_grad = api_requires_grad
    api_table.changed = api_changed
    api_table.register_unary = api_register_unary
    api_table.register_binary = api_register_binary
    api_table.register_op = api_register_op
    api_table.unary = api_unary
    api_table.binary = api_binary
    api_table.record = api_record
    return PyCapsule_New(&api_table, "autograd_c._core._c_api", NULL)
