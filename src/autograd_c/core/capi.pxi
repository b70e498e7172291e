# The C interface for other libraries, whose declarations are in __init__.pxd.
#
# Note [Registered operations]
# An operation of another library is a table like those of ops/, made at run time, and a node class of
# its own: derived in Python without fields, so that its nodes are those of the pool, and given the C
# slots of its base, since Python's would look for a __dict__ and count references to the class.  Both
# live for ever.

from autograd_c cimport ABI, Backward, Formula1, Formula2, Table
from autograd_c cimport Kernel as ForeignKernel
from cpython.pycapsule cimport PyCapsule_New

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
    registered.append(cls)
    return t


cdef void *forever(const void *table, size_t size) except NULL:
    cdef void *kept = PyMem_RawMalloc(size)
    if kept == NULL:
        raise MemoryError()
    memcpy(kept, table, size)
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
    x.kind = F64
    x.form = form
    x.storage = foreign_storage(owner, <char *>data, form.numel * 8, False)
    x.ptr = <char *>data
    return x


cdef object api_contiguous(object x):
    cdef Tensor t = to_kind(alias(api_tensor(x)), F64)
    return contiguous(t)


cdef double *api_data(object x) except NULL:
    cdef Tensor t = api_doubles(x)
    return <double *>t.ptr


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
    bump(api_tensor(x))
    return 0


# -------------------------------------------------------------------------------------------- operations

cdef object no_second_derivative():
    return RuntimeError("an operation that was registered without a formula has no second derivative, and none in "
                        "forward mode")


cdef Tensor no_formula1(Tensor g, Tensor x, Tensor y, const double *c):
    raise no_second_derivative()


cdef Tensor no_formula2(Tensor g, Tensor a, Tensor b):
    raise no_second_derivative()


cdef void *api_register_unary(str name, ForeignKernel forward, int reads, ForeignKernel backward,
                              Formula1 formula) except NULL:
    cdef UnaryOp t = SINH                      # whose table of methods is that of its base
    if forward == NULL or backward == NULL:
        raise ValueError(f"{name}: the kernels of an operation must not be NULL")
    t.node = registered_class(name, UnaryNode)
    t.name = kept_name(name)
    t.forward = <Kernel>forward
    t.reads = reads
    t.backward = <Kernel>backward
    t.formula = <TensorChain1>formula if formula != NULL else no_formula1
    return forever(&t, sizeof(UnaryOp))


cdef void *api_register_binary(str name, ForeignKernel forward, int reads_a, ForeignKernel backward_a,
                               Formula2 formula_a, int reads_b, ForeignKernel backward_b,
                               Formula2 formula_b) except NULL:
    cdef BinaryOp t = ATAN2
    if forward == NULL or backward_a == NULL or backward_b == NULL:
        raise ValueError(f"{name}: the kernels of an operation must not be NULL")
    t.node = registered_class(name, BinaryNode)
    t.number_node = NULL
    t.name = kept_name(name)
    t.forward = <Kernel>forward
    t.integer = NULL
    t.treats = TO_FLOAT
    t.reads_a = reads_a
    t.reads_b = reads_b
    t.backward_a = <Kernel>backward_a
    t.backward_b = <Kernel>backward_b
    t.formula_a = <TensorChain2>formula_a if formula_a != NULL else no_formula2
    t.formula_b = <TensorChain2>formula_b if formula_b != NULL else no_formula2
    return forever(&t, sizeof(BinaryOp))


cdef object api_unary(const void *op, object x, double c0, double c1):
    return unary_with(<const UnaryOp *>op, api_tensor(x), c0, c1)


cdef Tensor api_operand(object x):
    cdef Tensor t
    if isinstance(x, Tensor):
        return x
    if not isinstance(x, (int, float)):
        raise TypeError(f"expected a Tensor or a number, but got {type_name(x)}")
    t = new_scalar(F64)
    t.value.f = x
    return t


cdef object api_binary(const void *op, object a, object b):
    return binary(<const BinaryOp *>op, api_operand(a), api_operand(b))


cdef struct RegisteredOp:
    Backward backward
    PyTypeObject *node
    bint differentiable


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
            saved.append(registered_saved(self, i))
        if not op.differentiable and recording() and (needs_grad(g) or any([needs_grad(t) for t in saved])):
            raise RuntimeError(f"{self.name()} has no second derivative: its backward is not made of operations that "
                               "can be recorded")
        found = op.backward(g, tuple(saved), self.args)
        if not isinstance(found, tuple) or len(<tuple>found) != self.inputs:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected "
                               f"{self.inputs}, got {len(found) if isinstance(found, tuple) else 1})")
        results = found
        for i in range(self.inputs):
            if results[i] is None or edge_pointer(self, i) == <PyObject *>None:
                continue
            if not isinstance(results[i], Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(results[i]).__name__})")
            give(grads, i, results[i])
        return 0


cdef object registered_saved(Node n, int i):
    """A saved tensor; the result as one whose grad_fn is n."""
    cdef Tensor x
    if n.flags & PACKED and is_packed(n, i):
        return unpacked(n, i)
    if len(n.extra.saved[i]) == 2:
        return saved_more(n, i)
    x = n.extra.saved[i][0]
    if version_of(x) != <uint32_t>n.extra.saved[i][1]:
        raise stale_result(n)
    x = alias(x)
    x.node = n
    x.flags |= REQUIRES
    return x


cdef void *api_register_op(str name, Backward backward, bint differentiable) except NULL:
    cdef RegisteredOp t
    if backward == NULL:
        raise ValueError(f"{name}: the backward of an operation must not be NULL")
    t.backward = backward
    t.node = registered_class(name, RegisteredNode)
    t.differentiable = differentiable
    return forever(&t, sizeof(RegisteredOp))


cdef object api_record(const void *op, object y, tuple inputs, tuple saved, object extra):
    cdef Tensor result = api_doubles(y), x
    cdef Node n
    cdef bint wanted = False
    for i in inputs:
        if isinstance(i, Tensor):
            x = i
            wanted = wanted or needs_grad(x)
            if tangent_of(x) is not None:
                raise no_second_derivative()
    if result.node is not None or result.flags & (REQUIRES | VIEW):
        raise ValueError("record: the result must be a new tensor, without history")
    for s in saved:
        api_tensor(s)
    if not wanted or not recording():
        return y
    n = new_node((<const RegisteredOp *>op).node)
    n.op = op
    n.args = extra
    for i in inputs:
        add_edge(n, i if isinstance(i, Tensor) else None)
    note_cycle_maker()                         # `extra` may be anything
    set_result(n, result)
    for s in saved:
        if s is not y:
            save_more(n, s)
        elif ag_tls.packing:
            save_more(n, None)
            pack_output(n, len(n.extra.saved) - 1, result, 0)
        else:
            save_more(n, None)
            x = alias(result)
            n.extra.saved[len(n.extra.saved) - 1] = (x, version_of(x), 0)
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
