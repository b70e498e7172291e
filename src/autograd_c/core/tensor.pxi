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
# why the rare ones stand in a Meta.  No `cdef dict __dict__` and no `__dealloc__`: 13 and 7 ns a tensor.

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
    cdef PyObject *attributes  # the dict of the user's, NULL before the first: Note [Attributes of tensors]
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

    def __setattr__(self, name, value):
        PyObject_GenericSetAttr(self, name, <PyObject *>value)
        if self.attributes != NULL:
            note_cycle_maker()

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
        note_cycle_maker()
        return PyObject_GenericGetDict(self, NULL)

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
