# Copies: clone, contiguous, copy_, fill_, zero_, and conversion between dtypes.

# --------------------------------------------------------------------------------------------- clone

@cython.final
cdef class CloneBackward0(Node):
    """g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, g)


cdef Tensor clone_into(Tensor y, Tensor x):
    """y, new and of x's sizes, as the clone of x."""
    cdef Node n
    copy_elements(y, x)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>CloneBackward0)
        add_edge(n, x)
        set_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        set_tangent(y, c_clone(tangent_of(x)))
    return y


cdef Tensor c_clone(Tensor x):
    return clone_into(new_tensor(x.kind, fresh_layout(x.form)), x)


cdef Tensor clone_as(Tensor x, Layout form):
    """A clone of x with exactly the strides of a layout, gaps included, in a storage of its own."""
    cdef Tensor y
    cdef Storage s
    if form is SCALAR:
        return c_clone(x)
    s = new_storage(layout_extent(form) * item_size(x.kind))
    y = Tensor.__new__(Tensor)
    y.form = form
    y.storage = s
    y.ptr = s.data
    y.kind = x.kind
    y.flags = ag_tls.inference
    return clone_into(y, x)


cdef Tensor contiguous(Tensor x):
    """x itself, or a row-major clone of it."""
    if x.form.contiguous:
        return x
    return clone_into(new_tensor(x.kind, layout_contiguous(x.form.ndim, x.form.sizes)), x)


@op
def clone(input, *, memory_format=None):
    """A copy of the tensor; gradients pass through it.

    Parameters
    ----------
    input : Tensor
    memory_format : memory_format, optional
        The order of the elements in memory; that of `input` by default, without gaps.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.clone(torch.tensor([1., 2.]))
    tensor([1., 2.])
    """
    cdef Tensor x = tensor_arg(input, "clone", "input", 1)
    return clone_into(new_tensor(x.kind, formatted(x.form, "clone", memory_format)), x)


@method
@renamed("contiguous")
def contiguous_method(self, *, memory_format=contiguous_format):
    """The tensor itself if its elements lie in row-major order, or as `memory_format` says; else a clone that does."""
    cdef Tensor x = own(self)
    if memory_format is contiguous_format:
        return contiguous(x)
    check_format("contiguous", memory_format)
    if in_format(x.form, memory_format):
        return x
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return clone_into(new_tensor(x.kind, formatted(x.form, "contiguous", memory_format)), x)


# --------------------------------------------------------------------------------------------- copy_

@cython.final
cdef class CopyBackwards(Node):
    """what was overwritten: 0; source: g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, zeros_of(g))
        if self.next1 is not None:
            give(grads, 1, g)
        return 0


cdef Tensor copy_in_place(Tensor x, Tensor source):
    """x[...] = source, broadcast and converted, recorded."""
    cdef Node n = None
    cdef bint recorded = recording() and x.kind == F64 and bool(target_needs_grad(x) | needs_grad(source))
    cdef Tensor from_ = source
    check_in_place(x, recorded)
    if source.form.numel == 1:
        check_expanded(x)
    else:
        check_overlap(x)
    check_broadcast_into(x, source)
    if may_overlap(x, source):
        from_ = copy_like(source, source.form)
    if recorded:
        n = new_node(<PyTypeObject *>CopyBackwards)
        add_edge(n, x)
        add_edge(n, source)
    begin_write(x)
    copy_elements(x, from_)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if (x.flags | source.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(source) is not None):
        give_tangent(x, c_expand(c_clone(tangent_or_zeros(source)), x.form))
    return x


@method
def copy_(self, other, non_blocking=False):
    """Overwrite the elements with those of `other`, broadcast and converted to this dtype."""
    return copy_in_place(own(self), tensor_arg(other, "copy_", "other", 1))


# ------------------------------------------------------------------------------------- fill_ and zero_

cdef class FillBackward2(Node):
    """0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, zeros_of(g))
        if self.next1 is not None:
            give(grads, 1, c_sum_all(g))
        return 0

cdef class FillBackward3(FillBackward2):
    """what was overwritten: 0; value: the sum of g"""

cdef class ZeroBackward0(FillBackward2):
    """0"""


cdef Tensor fill_in_place(Tensor x, Tensor value, object node):
    cdef Node n = None
    cdef bint recorded = recording() and x.kind == F64 and bool(target_needs_grad(x) | needs_grad(value))
    check_in_place(x, recorded)
    if value.form.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.form.ndim} "
                           "dimensions.")
    if not value.flags & NUMBER:
        check_expanded(x)
    if recorded:
        n = new_node(<PyTypeObject *>node)
        add_edge(n, x)
        if not value.flags & NUMBER:
            add_edge(n, value)
    begin_write(x)
    if may_overlap(x, value):
        value = copy_like(value, SCALAR)
    copy_elements(x, value)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if (x.flags | value.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(value) is not None):
        give_tangent(x, c_expand(c_clone(tangent_or_zeros(value)), x.form))
    return x


cdef Tensor zero_in_place(Tensor x):
    return fill_in_place(x, scalar_number(0.0), ZeroBackward0)


@method
def fill_(self, value):
    """Set every element to a number or a 0-d tensor."""
    cdef Tensor v = operand_arg(value, "fill_", "value", 1)
    return fill_in_place(own(self), v, FillBackward2 if v.flags & NUMBER else FillBackward3)


@method
def zero_(self):
    """Set every element to zero."""
    return zero_in_place(own(self))


# -------------------------------------------------------------------------------------- dtype conversion

# There is one floating dtype, so a conversion that changes anything has no derivative.

cdef Tensor to_kind(Tensor x, int kind):
    return converted(x, kind)


cdef Tensor cast_arg(object self, int kind, object format):
    return cast(own(self), kind, False, format)


cdef Tensor cast(Tensor x, int kind, bint copy, object format):
    """x with a dtype and a memory format; x itself where that is its own, as PyTorch has it."""
    cdef Tensor y
    cdef Layout form
    if format is None or format is preserve_format:
        y = converted(x, kind)
        return c_clone(x) if copy and y is x else y
    form = formatted(x.form, "to", format)
    if kind != x.kind:
        y = new_tensor(kind, form)
        copy_elements(y, x)
        return y
    # What is not in order of channels counts as contiguous: a transposed matrix stays one.
    if not copy and format is (channels_last if channels_lead(x.form) else contiguous_format):
        return x
    return clone_into(new_tensor(kind, form), x)


cdef bint channels_lead(Layout form) noexcept:
    """Whether the strides of a batch of images suggest channels_last; PyTorch's rule, ambiguous ones do not."""
    cdef int order[4]
    cdef int k, d
    cdef Py_ssize_t least = 0
    if form.ndim != 4 or form.strides[1] == 0:
        return False
    order[0], order[1], order[2], order[3] = 1, 3, 2, 0
    for k in range(4):
        d = order[k]
        if form.sizes[d] == 0 or form.strides[d] < least or (d == 0 and least == form.strides[1]):
            return False
        least = form.strides[d] * (form.sizes[d] if form.sizes[d] > 1 else 1)
    return True


@method
def to(self, *args, dtype=None, device=None, copy=False, non_blocking=False, memory_format=None):
    """The tensor with another dtype; itself where nothing changes.

    Parameters
    ----------
    *args : dtype, device or Tensor
        A tensor stands for its dtype.
    dtype : dtype, optional
    device : device or str, optional
        Only the CPU.
    copy : bool
        Copy even if nothing changes.
    memory_format : memory_format, optional
        The order of the elements in memory; the present one by default.

    Raises
    ------
    RuntimeError
        For a device that is not there.
    """
    cdef Tensor x = own(self)
    if memory_format is not None and not is_format(memory_format):
        raise errors().no_overload("to", args, {"memory_format": memory_format})
    for a in args:
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, (str, device_type)):
            device = a
        elif isinstance(a, bool):
            copy = copy or a
        elif a is not None:
            dtype = a
    check_device(device)
    return cast(x, dtype_number(dtype, x.kind), copy, memory_format)


cdef Tensor stand_in(object self, int kind, object format):
    """The tensor as what stands for a dtype that is not there."""
    meet_stand_in()
    return cast_arg(self, kind, format)


@method
@renamed("float")
def float_method(self, *, memory_format=None):
    """The tensor as float64, which stands for float32."""
    return stand_in(self, F64, memory_format)


@method
@renamed("half")
def half_method(self, *, memory_format=None):
    """The tensor as float64, which stands for float16."""
    return stand_in(self, F64, memory_format)


@method
@renamed("int")
def int_method(self, *, memory_format=None):
    """The tensor as int64, which stands for int32."""
    return stand_in(self, I64, memory_format)


@method
@renamed("type")
def type_method(self):
    """The name of PyTorch's class for this dtype, such as 'torch.DoubleTensor'."""
    return f"torch.{scalar_type_name(own(self).kind)}Tensor"


@method
def double(self, *, memory_format=None):
    """The tensor as float64."""
    return cast_arg(self, F64, memory_format)


@method
def long(self, *, memory_format=None):
    """The tensor as int64; fractions are cut off."""
    return cast_arg(self, I64, memory_format)


@method
@renamed("bool")
def bool_method(self, *, memory_format=None):
    """The tensor as bool: whether each element is not zero."""
    return cast_arg(self, BOOL, memory_format)


@method
@renamed("type_as")
def type_as_method(self, other):
    """The tensor with the dtype of `other`."""
    return cast_arg(self, tensor_arg(other, "type_as", "other", 1).kind, None)
