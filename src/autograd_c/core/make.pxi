# Making tensors: of C values, of what Python code passes as one, of the memory of another.

cdef PyObject *make_tensor(int dtype, Layout form, PyObject *node) except NULL:
    """A tensor of these sizes whose elements the caller writes, the result of `node` (or None).

    Returns a new reference, and takes over that to the node; Note [New objects].
    """
    return make_scalar(dtype, node) if form is SCALAR else make_stored(dtype, form, node)


cdef inline PyObject *make_scalar(int dtype, PyObject *node) except NULL:
    """The same for a single element, which lies in the object."""
    cdef PyObject *o = pooled(&tensor_pool, <PyTypeObject *>Tensor)
    if o == NULL:
        o = fresh_or_drop(&tensor_pool, <PyTypeObject *>Tensor, node, <PyObject *>None)
    fill_scalar(o, dtype, node)
    return o


cdef inline void fill_scalar(PyObject *o, int dtype, PyObject *node) noexcept:
    # Apart from `make_scalar`: as one function it is too large for the compiler to inline both.
    AG_FILL_TENSOR(<Tensor>o, SCALAR, node)
    (<Tensor>o).ptr = <char *>&(<Tensor>o).value
    (<Tensor>o).kind = dtype
    (<Tensor>o).flags = ag_tls.inference | REQUIRES * (node != <PyObject *>None)


ctypedef PyObject *(*NewStorage)(Py_ssize_t) noexcept

cdef PyObject *make_stored(int dtype, Layout form, PyObject *node) except NULL:
    """The same where the elements lie in a storage."""
    cdef PyObject *o
    cdef Storage s
    # Asked for a reference as if it could not fail: a `try` costs 4 ns.
    cdef PyObject *new = (<NewStorage><void *>new_storage)(form.numel * item_size(dtype))
    if new == NULL:
        let_go(node)
        return NULL
    s = own_storage(new)
    o = pooled(&tensor_pool, <PyTypeObject *>Tensor)
    if o == NULL:
        o = fresh_or_drop(&tensor_pool, <PyTypeObject *>Tensor, node, <PyObject *>None)
    AG_FILL_TENSOR(<Tensor>o, form, node)
    (<Tensor>o).storage = s
    (<Tensor>o).ptr = s.data
    (<Tensor>o).kind = dtype
    (<Tensor>o).flags = ag_tls.inference | REQUIRES * (node != <PyObject *>None)
    return o


cdef inline Tensor new_tensor(int dtype, Layout form):
    """A tensor of these sizes whose elements the caller writes."""
    return own_tensor(make_tensor(dtype, form, <PyObject *>None))


cdef Tensor new_scalar(int dtype):
    """A 0-d tensor; the caller writes `value`."""
    return own_tensor(make_scalar(dtype, <PyObject *>None))


cdef Tensor scalar_f64(double v):
    cdef Tensor t = new_scalar(F64)
    t.value.f = v
    return t


cdef Tensor scalar_i64(int64_t v):
    cdef Tensor t = new_scalar(I64)
    t.value.i = v
    return t


cdef inline Tensor scalar_bool(bint v):
    cdef Tensor t = new_scalar(BOOL)
    t.value.b = v
    return t


cdef Tensor number_tensor(object o):
    """The 0-d tensor that stands for a Python number; None for anything else."""
    cdef Tensor t
    if isinstance(o, bool):
        t = scalar_bool(o)
    elif isinstance(o, float):
        t = scalar_f64(o)
    elif isinstance(o, int):
        t = scalar_i64(o)
    else:
        return None
    t.flags = NUMBER
    return t


cdef inline Tensor operand(object o):
    """The tensor that an operator's other side stands for, or None."""
    if isinstance(o, Tensor):
        return <Tensor>o
    if type(o) is float:
        t = scalar_f64(<double>o)
        (<Tensor>t).flags = NUMBER
        return t
    return other_operand(o)


cdef Tensor other_operand(object o):
    cdef Tensor t = number_tensor(o)
    if t is None and hasattr(o, "__array_interface__"):
        from ._interop import from_array
        t = from_array(o)
        if t.form is SCALAR and not hasattr(o, "__setitem__"):
            t.flags |= NUMBER                  # numpy's scalars are numbers too
            t.value = (<Value *>t.ptr)[0]
    return t


cdef inline Tensor tensor_arg(object o, str function, str argument, int position):
    """An argument that must be a Tensor."""
    if isinstance(o, Tensor):
        return <Tensor>o
    raise not_a_tensor(o, function, argument, position)


cdef object not_a_tensor(object o, str function, str argument, int position):
    where = f" (position {position})" if position else ""
    return TypeError(f"{function}(): argument '{argument}'{where} must be Tensor, not {type_name(o)}")


cdef inline Tensor own(object self):
    """The tensor that a method was called on; methods can be called with anything."""
    if not isinstance(self, Tensor):
        raise TypeError(f"a method of Tensor needs a Tensor, not {type_name(self)}")
    return <Tensor>self


cdef Tensor operand_arg(object o, str function, str argument, int position):
    """An argument that must be a Tensor or a number."""
    cdef Tensor t
    if isinstance(o, Tensor):
        return <Tensor>o
    t = number_tensor(o)
    if t is None:
        raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be Tensor, "
                        f"not {type_name(o)}")
    return t


cdef str type_name(object o):
    """The type's name as C knows it: with its module for a type that is not Python's own."""
    cdef object cls = type(o)
    return (<PyTypeObject *>cls).tp_name.decode().removeprefix("autograd_c._core.")


# Cython's own tp_new leaves the fields None; it serves the core, which fills them at once.
cdef newfunc bare_new = NULL


cdef PyObject *public_new(PyTypeObject *cls, PyObject *args, PyObject *kwargs) except NULL:
    """`Tensor(...)` and `Tensor.__new__`: an object in order, whoever asks."""
    cdef Tensor t = construct_tensor(<object>cls, <tuple>args)
    Py_INCREF(t)
    return <PyObject *>t


cdef Tensor construct_tensor(object cls, tuple args):
    cdef Tensor source
    if not args:
        source = new_tensor(F64, layout_of_sequence((0,)))
    elif len(args) == 1 and isinstance(args[0], Tensor):
        source = alias(args[0])
    elif len(args) == 1 and not isinstance(args[0], (int, Size)):
        source = tensor_from_data(args[0], F64)
    else:
        source = new_tensor(F64, layout_of_sequence(args[0] if isinstance(args[0], Size) else args))
    return source if cls is Tensor else as_subclass(source, cls)


cdef Tensor as_subclass(Tensor source, object cls):
    """A tensor of a class that Python code derived from Tensor, on the memory of `source`."""
    cdef PyObject *o = bare_new(<PyTypeObject *>cls, NULL, NULL)
    cdef Tensor t = <Tensor>o
    Py_DECREF(t)                       # the reference that bare_new gave
    share(t, source, source.form)
    return t


# ------------------------------------------------------------------------------ storage and versions

cdef inline uint32_t version_of(Tensor t) noexcept:
    return t.version if t.storage is None else t.storage.version


cdef inline void bump(Tensor t) noexcept:
    """The memory of t was changed in place."""
    if t.storage is None:
        t.version += 1
    else:
        t.storage.version += 1


cdef int spill(Tensor t) except -1:
    """Move a scalar that lies in its object to a storage, Note [Scalars in the object]."""
    cdef Storage s
    if t.storage is not None:
        return 0
    s = new_storage(8)
    memcpy(s.data, &t.value, 8)
    s.version = t.version
    t.storage = s
    t.ptr = s.data
    if t.node is not None and t.node.flags & SCALAR_RESULT:
        save_alias(t.node, t)
    return 0


cdef inline int share(Tensor v, Tensor x, Layout form) except -1:
    """Make v a tensor on x's memory."""
    spill(x)
    v.form = form
    v.storage = x.storage
    v.ptr = x.ptr
    v.kind = x.kind
    v.flags = x.flags & INFERENCE
    return 0


cdef Tensor alias(Tensor x):
    """A tensor on the same memory, unknown to autograd."""
    cdef Tensor v = Tensor.__new__(Tensor)
    share(v, x, x.form)
    return v


cdef Tensor strided_alias(Tensor x, Layout form, Py_ssize_t shift):
    """A tensor on x's memory with another layout, `shift` elements after x's first."""
    cdef Tensor v = Tensor.__new__(Tensor)
    share(v, x, form)
    v.ptr += shift * item_size(x.kind)
    return v


cdef Tensor repeated(double v, Layout form):
    """A tensor of form's sizes whose elements are all one number, which lies in the object like a scalar's."""
    cdef Tensor t = new_scalar(F64)
    t.value.f = v
    if form is not SCALAR:
        t.form = repeating_layout(form)
    return t


cdef inline Py_ssize_t storage_shift(Tensor x) noexcept:
    """Offset of the first element in the storage, in elements."""
    return (x.ptr - x.storage.data) // item_size(x.kind) if x.storage is not None else 0


cdef Meta meta_of(Tensor t):
    if t.meta is None:
        t.meta = Meta.__new__(Meta)
    return t.meta


cdef int tensor_clear(PyObject *o) noexcept:
    # Of a tensor in a dead cycle.  Storage and layout stay: a finalizer may still use the tensor.
    cdef Tensor t = <Tensor>o
    t.node = None
    t.grad_ = None
    t.meta = None
    drop_attributes(o)
    t.flags &= ~(VIEW | DUAL | HOOKED | RETAIN)
    return 0
