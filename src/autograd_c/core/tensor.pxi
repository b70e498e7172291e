# Tensor: storage + offset + layout, and what differentiation hangs on it.
#
# The one exception to "a file uses only what is above it": Tensor's operators call the operations
# in ops/, and its properties call views and the engine.
#
# Note [Scalars in the object]
# A 0-d tensor holds its element and its version counter itself (storage is None) until something
# aliases or exports it; then `spill` moves both into a storage.  A change in place of a scalar whose
# node saved it spills first, Note [Saved outputs].
#
# Note [Fields]
# Each field of object type costs two changes of None's reference count in a tensor's life, which is
# why the rare ones stand in a Meta.  No `__dict__` and no `__dealloc__`: 13 and 7 ns a tensor.

cdef union Value:
    double f
    int64_t i
    char b

# How a differentiable view came to be: what forbids to change it in place.
cdef enum:
    PLAIN_VIEW = 0
    MULTI_VIEW = 1             # one of several outputs of an operation
    NO_GRAD_VIEW = 2           # made under no_grad
    FUNCTION_VIEW = 3          # returned by a custom Function
    INFERENCE_VIEW = 4         # made in inference mode of a normal tensor


cdef class Meta:
    """What few tensors have."""

    cdef Tensor base           # of a differentiable view: never itself one
    cdef int creation
    cdef uint32_t seen         # of a view: the shared version at which its grad_fn was right
    cdef dict hooks            # of a leaf
    cdef dict post_hooks       # of a leaf, after accumulation
    cdef dict attributes       # set by users
    cdef Tensor tangent
    cdef int64_t level         # the dual level that the tangent belongs to


@cython.no_gc_clear
cdef class Tensor(Tracked):
    """A multi-dimensional array that operations can be recorded on.

    Made by `tensor`, `zeros` and the other functions that create; see the documentation of PyTorch's
    class of this name, which this one follows.

    Parameters
    ----------
    *data : sizes, or a sequence
        ``Tensor(2, 3)`` is uninitialised, ``Tensor([1, 2])`` has these elements; always float64.
    """

    cdef char *ptr             # the first element: in the storage, or `value`
    cdef Storage storage
    cdef Layout form
    cdef Node node             # grad_fn
    cdef Tensor grad_
    cdef Meta meta
    cdef PyObject *accumulator  # of a leaf: its AccumulateGrad while there is one, not owned
    cdef Value value
    cdef uint32_t version      # while the element lies in the object
    cdef int flags
    cdef int nr                # which output of node it is
    cdef int kind              # number of the dtype
    cdef object __weakref__

    __array_priority__ = 1000
    # numpy's operators then leave `ndarray * Tensor` to Tensor.
    __array_ufunc__ = None

    # ------------------------------------------------------------------ differentiation

    @property
    def requires_grad(self):
        """Whether operations on the tensor are recorded."""
        return requires_grad(self)

    @requires_grad.setter
    def requires_grad(self, value):
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if value and self.kind != F64:
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        set_requires_grad(self, value)

    @property
    def is_leaf(self):
        """Whether the tensor is not the result of a recorded operation."""
        return not requires_grad(self) or grad_fn_of(self) is None

    @property
    def grad_fn(self):
        """The node of the operation that made the tensor, None for a leaf."""
        return grad_fn_of(self)

    @property
    def output_nr(self):
        """Which output of `grad_fn` the tensor is."""
        return self.nr

    @property
    def grad(self):
        """The gradient that backward accumulated, or None."""
        if self.grad_ is None and self.node is not None and not self.flags & RETAIN:
            warn_non_leaf_grad()
        return self.grad_

    @grad.setter
    def grad(self, value):
        set_grad(self, value)

    @grad.deleter
    def grad(self):
        self.grad_ = None

    @property
    def retains_grad(self):
        """Whether a non-leaf keeps its gradient in `.grad`."""
        return (self.flags & RETAIN) != 0

    @property
    def data(self):
        """The values without their history; changes through it are not seen by autograd."""
        return data_of(self)

    @data.setter
    def data(self, value):
        set_data(self, tensor_arg(value, "data", "new_data", 0))

    @property
    def _version(self):
        """How often the memory was changed in place; shared by all that alias it."""
        if self.flags & INFERENCE:
            raise RuntimeError("Inference tensors do not track version counter.")
        return version_of(self)

    @property
    def _base(self):
        """The tensor that a view is a view of, or None."""
        return self.meta.base if self.flags & VIEW else None

    def _is_view(self):
        """Whether the tensor is a differentiable view."""
        return (self.flags & VIEW) != 0

    # ------------------------------------------------------------------ form

    @property
    def shape(self):
        """The sizes, as `torch.Size`."""
        return size_of(self.form)

    @property
    def ndim(self):
        """Number of dimensions."""
        return self.form.ndim

    @property
    def dtype(self):
        """Type of the elements."""
        return dtype_object(self.kind)

    @property
    def device(self):
        """Always the CPU."""
        return cpu_device

    @property
    def layout(self):
        """Always strided."""
        return strided

    @property
    def itemsize(self):
        """Bytes of an element."""
        return item_size(self.kind)

    @property
    def nbytes(self):
        """Bytes of all elements."""
        return self.form.numel * item_size(self.kind)

    @property
    def is_cpu(self):
        """Always True."""
        return True

    @property
    def is_cuda(self):
        """Always False."""
        return False

    @property
    def is_sparse(self):
        """Always False."""
        return False

    @property
    def T(self):
        """The dimensions reversed."""
        return c_permute_reversed(self)

    @property
    def mT(self):
        """The last two dimensions exchanged."""
        if self.form.ndim < 2:
            raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. "
                               f"Got {self.form.ndim}-D tensor.")
        return c_transpose(self, self.form.ndim - 2, self.form.ndim - 1)

    # ------------------------------------------------------------------ Python's protocols

    def __repr__(self):
        from ._format import tensor_repr
        return tensor_repr(self)

    def __format__(self, spec):
        from ._format import tensor_format
        return tensor_format(self, spec)

    def __hash__(self):
        return <Py_hash_t>(<uintptr_t><PyObject *>self >> 4)

    def __len__(self):
        if self.form.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.form.sizes[0]

    def __iter__(self):
        if self.form.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(c_unbind(self, 0))

    def __contains__(self, item):
        if operand(item) is None:
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(item)}.")
        return truth(c_any(compare(Py_EQ, self, operand(item))))

    def __getitem__(self, index):
        return get_item(self, index)

    def __setitem__(self, index, value):
        set_item(self, index, value)

    def __bool__(self):
        return truth(self)

    def __float__(self):
        return float(single_element(self))

    def __int__(self):
        return int(single_element(self))

    def __complex__(self):
        return complex(single_element(self))

    def __index__(self):
        if self.form.numel != 1 or self.kind == F64:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(single_element(self))

    def __getattr__(self, name):
        # Reached when nothing else has the name.
        if self.meta is not None and self.meta.attributes is not None:
            try:
                return self.meta.attributes[name]
            except KeyError:
                pass
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        set_attribute(self, name, value)

    def __delattr__(self, name):
        if self.meta is not None and self.meta.attributes is not None and name in self.meta.attributes:
            del self.meta.attributes[name]
        else:
            PyObject_GenericSetAttr(self, name, NULL)

    def __reduce_ex__(self, protocol):
        from ._copy import reduce_tensor
        return reduce_tensor(self)

    def __deepcopy__(self, memo):
        from ._copy import deepcopy_tensor
        return deepcopy_tensor(self, memo)

    def __array__(self, dtype=None, copy=None):
        from ._interop import as_array
        return as_array(self, dtype, copy)

    @property
    def __dict__(self):
        """The attributes that users set."""
        if meta_of(self).attributes is None:
            self.meta.attributes = {}
            note_cycle_maker()
        return self.meta.attributes

    # ------------------------------------------------------------------ operators

    def __neg__(self):
        return unary(&NEG, self)

    def __pos__(self):
        if self.kind == BOOL:
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return self

    def __abs__(self):
        return unary(&ABS, self)

    def __invert__(self):
        if self.kind == F64:
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return invert(self)

    def __reversed__(self):
        cdef Py_ssize_t n
        if self.form.ndim == 0:
            return self
        n = self.form.sizes[0]
        return c_index(self, [binary(&RSUB, c_arange(n), scalar_i64(n - 1))])

    def __add__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&ADD, self, b)

    def __radd__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&ADD, self, b)

    def __iadd__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&ADD, self, b)

    def __sub__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&SUB, self, b)

    def __rsub__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&RSUB, self, b)

    def __isub__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&SUB, self, b)

    def __mul__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&MUL, self, b)

    def __rmul__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&MUL, self, b)

    def __imul__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&MUL, self, b)

    def __truediv__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&DIV, self, b)

    def __rtruediv__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else divide_into(b, self)

    def __itruediv__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&DIV, self, b)

    def __floordiv__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&FLOOR_DIVIDE, self, b)

    def __rfloordiv__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&FLOOR_DIVIDE, b, self)

    def __ifloordiv__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&FLOOR_DIVIDE_IN_PLACE, self, b)

    def __mod__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&REMAINDER, self, b)

    def __rmod__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&REMAINDER, b, self)

    def __imod__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&REMAINDER, self, b)

    def __divmod__(self, other):
        cdef Tensor b = operand(other)
        if b is None:
            return NotImplemented
        return binary(&FLOOR_DIVIDE, self, b), binary(&REMAINDER, self, b)

    def __rdivmod__(self, other):
        cdef Tensor b = operand(other)
        if b is None:
            return NotImplemented
        return binary(&FLOOR_DIVIDE, b, self), binary(&REMAINDER, b, self)

    def __pow__(self, other, modulo):
        cdef Tensor b = operand(other)
        if b is None or modulo is not None:
            return NotImplemented
        return power(self, b)

    def __rpow__(self, other, modulo):
        cdef Tensor b = operand(other)
        if b is None or modulo is not None:
            return NotImplemented
        return power(b, self)

    def __ipow__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else power_in_place(self, b)

    def __matmul__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None or b.flags & NUMBER else c_matmul(self, b)

    def __rmatmul__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None or b.flags & NUMBER else c_matmul(b, self)

    def __and__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&BITWISE_AND, self, b)

    def __rand__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&BITWISE_AND, self, b)

    def __iand__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&BITWISE_AND, self, b)

    def __or__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&BITWISE_OR, self, b)

    def __ror__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&BITWISE_OR, self, b)

    def __ior__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&BITWISE_OR, self, b)

    def __xor__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&BITWISE_XOR, self, b)

    def __rxor__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary(&BITWISE_XOR, self, b)

    def __ixor__(self, other):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else binary_in_place(&BITWISE_XOR, self, b)

    def __richcmp__(self, other, int kind):
        cdef Tensor b = operand(other)
        return NotImplemented if b is None else compare(kind, self, b)


# ----------------------------------------------------------------------------------- making tensors

cdef inline PyObject *make_tensor(int dtype, Layout form, PyObject *node) except NULL:
    """A tensor of these sizes whose elements the caller writes, the result of `node` (or None).

    Returns a new reference, and takes over that to the node; Note [New objects].
    """
    cdef PyObject *o
    if form is not SCALAR:
        return make_stored(dtype, form, node)
    o = pooled(&free_tensors, <PyTypeObject *>Tensor)
    if o == NULL:
        o = fresh_or_drop(<PyTypeObject *>Tensor, node, <PyObject *>None)
    AG_FILL_TENSOR(<Tensor>o, form, node)
    (<Tensor>o).ptr = <char *>&(<Tensor>o).value
    (<Tensor>o).kind = dtype
    (<Tensor>o).flags = ag_tls.inference | REQUIRES * (node != <PyObject *>None)
    return o


cdef PyObject *make_stored(int dtype, Layout form, PyObject *node) except NULL:
    """The same where the elements lie in a storage."""
    cdef PyObject *o
    cdef Storage s
    try:
        s = new_storage(form.numel * item_size(dtype))
    except MemoryError:
        let_go(node)
        raise
    o = pooled(&free_tensors, <PyTypeObject *>Tensor)
    if o == NULL:
        o = fresh_or_drop(<PyTypeObject *>Tensor, node, <PyObject *>None)
    AG_FILL_TENSOR(<Tensor>o, form, node)
    (<Tensor>o).storage = s
    (<Tensor>o).ptr = s.data
    (<Tensor>o).kind = dtype
    (<Tensor>o).flags = ag_tls.inference | REQUIRES * (node != <PyObject *>None)
    return o


cdef inline Tensor new_tensor(int dtype, Layout form):
    """A tensor of these sizes whose elements the caller writes."""
    return own_tensor(make_tensor(dtype, form, <PyObject *>None))


cdef inline Tensor new_scalar(int dtype):
    """A 0-d tensor; the caller writes `value`."""
    return own_tensor(make_tensor(dtype, SCALAR, <PyObject *>None))


cdef inline Tensor scalar_f64(double v):
    cdef Tensor t = new_scalar(F64)
    t.value.f = v
    return t


cdef inline Tensor scalar_i64(int64_t v):
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
        return o
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


cdef Tensor tensor_arg(object o, str function, str argument, int position):
    """An argument that must be a Tensor."""
    if isinstance(o, Tensor):
        return <Tensor>o
    where = f" (position {position})" if position else ""
    raise TypeError(f"{function}(): argument '{argument}'{where} must be Tensor, not {type_name(o)}")


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


cdef inline Tensor alias(Tensor x):
    """A tensor on the same memory, unknown to autograd."""
    cdef Tensor v = Tensor.__new__(Tensor)
    share(v, x, x.form)
    return v


cdef inline Tensor strided_alias(Tensor x, Layout form, Py_ssize_t shift):
    """A tensor on x's memory with another layout, `shift` elements after x's first."""
    cdef Tensor v = Tensor.__new__(Tensor)
    share(v, x, form)
    v.ptr += shift * item_size(x.kind)
    return v


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
    t.flags &= ~(VIEW | DUAL | HOOKED | RETAIN)
    return 0


cdef int set_attribute(Tensor t, object name, object value) except -1:
    """`t.name = value`: a property, a slot of a subclass, or an attribute of the user's."""
    if hasattr(type(t), name) or type(t) is not Tensor:
        PyObject_GenericSetAttr(t, name, <PyObject *>value)
        return 0
    if meta_of(t).attributes is None:
        t.meta.attributes = {}
    t.meta.attributes[name] = value
    note_cycle_maker()
    return 0
