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
def clone(input):
    """A copy of the tensor; gradients pass through it.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.clone(torch.tensor([1., 2.]))
    tensor([1., 2.])
    """
    return c_clone(tensor_arg(input, "clone", "input", 1))


@method
@renamed("contiguous")
def contiguous_method(self):
    """The tensor itself if its elements lie in row-major order, else a clone for which they do."""
    return contiguous(own(self))


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


cdef Tensor cast_arg(object self, int kind):
    return to_kind(tensor_arg(self, "to", "self", 0), kind)


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

    Raises
    ------
    RuntimeError
        For a device that is not there.
    """
    cdef Tensor x = own(self), y
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
    y = to_kind(x, dtype_number(dtype, x.kind))
    return c_clone(x) if copy and y is x else y


cdef Tensor stand_in(object self, int kind):
    """The tensor as what stands for a dtype that is not there."""
    meet_stand_in()
    return cast_arg(self, kind)


@method
@renamed("float")
def float_method(self):
    """The tensor as float64, which stands for float32."""
    return stand_in(self, F64)


@method
@renamed("half")
def half_method(self):
    """The tensor as float64, which stands for float16."""
    return stand_in(self, F64)


@method
@renamed("int")
def int_method(self):
    """The tensor as int64, which stands for int32."""
    return stand_in(self, I64)


@method
@renamed("type")
def type_method(self):
    """The name of PyTorch's class for this dtype, such as 'torch.DoubleTensor'."""
    return f"torch.{scalar_type_name(own(self).kind)}Tensor"


@method
def double(self):
    """The tensor as float64."""
    return cast_arg(self, F64)


@method
def long(self):
    """The tensor as int64; fractions are cut off."""
    return cast_arg(self, I64)


@method
@renamed("bool")
def bool_method(self):
    """The tensor as bool: whether each element is not zero."""
    return cast_arg(self, BOOL)


@method
@renamed("type_as")
def type_as_method(self, other):
    """The tensor with the dtype of `other`."""
    return cast_arg(self, tensor_arg(other, "type_as", "other", 1).kind)
