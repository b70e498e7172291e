# x[...] and x[...] = value: an index expression as a chain of views and one index operation.
#
# As in PyTorch: integers select, slices slice, None unsqueezes, `...` stands for the dimensions that
# are left; tensors, lists and masks are collected and go to `c_index` together.

cdef class Subscript:
    """What an index expression comes to."""

    cdef Tensor view           # after the integers, slices and Nones
    cdef list tensors          # for each dimension of view an index tensor or None; None: there is none


cdef bint is_integer(object i):
    if isinstance(i, bool):
        return False
    if isinstance(i, int):
        return True
    if isinstance(i, Tensor):
        return (<Tensor>i).form.ndim == 0 and (<Tensor>i).kind == I64
    return hasattr(i, "__index__") and not hasattr(i, "__len__") and not hasattr(i, "__array_interface__") or (
        hasattr(i, "dtype") and getattr(i, "ndim", 1) == 0 and i.dtype.kind in "iu")


cdef Tensor index_tensor(object i):
    """An index that is not a view's."""
    cdef Tensor x
    if isinstance(i, Tensor):
        x = <Tensor>i
    elif isinstance(i, bool):
        return scalar_bool(i)
    elif isinstance(i, (list, tuple, range)) or hasattr(i, "__array_interface__"):
        x = tensor_from_data(i, -1)
        if x.form.numel == 0 and x.kind == F64 and not hasattr(i, "dtype"):
            x = converted(x, I64)                # an empty list names no position
    else:
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                         f"indices (got {type(i).__name__})")
    if x.kind == F64:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return x


cdef int dims_covered(object i) except -1:
    """How many dimensions an entry of an index expression uses up."""
    if i is None or i is Ellipsis or isinstance(i, bool):
        return 0
    if isinstance(i, Tensor) and (<Tensor>i).kind == BOOL:
        return (<Tensor>i).form.ndim
    if hasattr(i, "dtype") and hasattr(i, "ndim") and not isinstance(i, Tensor) and i.dtype.kind == "b":
        return i.ndim
    if isinstance(i, list) and i and not is_integer(i):
        x = index_tensor(i)
        return (<Tensor>x).form.ndim if (<Tensor>x).kind == BOOL else 1
    return 1


cdef Tensor apply_slice(Tensor x, int dim, slice s, bint always):
    cdef Py_ssize_t size = x.form.sizes[dim], start, stop, step
    step = 1 if s.step is None else as_index(s.step)
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step < 0:
        raise ValueError("step must be greater than zero")
    start, stop, _ = slice(s.start, s.stop, None).indices(size)
    stop = max(start, stop)
    # As written, not as cut to the size: PyTorch makes a view of x[1:] even where there is nothing.
    if not always and step == 1 and s.start in (None, 0) and (s.stop is None or as_index(s.stop) >= size):
        return x
    return c_slice(x, dim, start, stop, step)


cdef Subscript read_subscript(Tensor x, object index):
    cdef Subscript sub = Subscript.__new__(Subscript)
    cdef tuple parts = index if isinstance(index, tuple) else (index,)
    cdef Tensor v = x, t
    cdef list tensors = []
    cdef int covered = 0, dim = 0, gone = 0, k
    cdef Py_ssize_t at
    cdef bint open_ = False
    for i in parts:
        covered += dims_covered(i)
    if covered > x.form.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.form.ndim}")
    for i in parts:
        if i is Ellipsis:
            if open_:
                raise IndexError("an index can only have a single ellipsis ('...')")
            open_ = True
            for k in range(x.form.ndim - covered):
                tensors.append(None)
            dim += x.form.ndim - covered
        elif i is None:
            v = c_unsqueeze(v, dim)
            tensors.append(None)
            dim += 1
        elif isinstance(i, slice):
            v = apply_slice(v, dim, i, i is index)
            tensors.append(None)
            dim += 1
        elif is_integer(i):
            at = i
            if at < -v.form.sizes[dim] or at >= v.form.sizes[dim]:
                raise IndexError(f"index {at} is out of bounds for dimension {dim + gone} with size "
                                 f"{v.form.sizes[dim]}")
            v = c_select(v, dim, at)
            gone += 1
        else:
            t = index_tensor(i)
            if t.kind == BOOL and t.form.ndim == 0:
                v = c_unsqueeze(v, dim)          # a bool keeps all or nothing, along a dimension of its own
                t = strided_alias(t, layout_of_sequence((1,)), 0)
            tensors.append(t)
            for k in range(1, t.form.ndim if t.kind == BOOL else 1):
                tensors.append(MASK_GOES_ON)
            dim += t.form.ndim if t.kind == BOOL else 1
            sub.tensors = tensors
    sub.view = v
    if sub.tensors is not None:
        sub.tensors = [t for t in tensors if t is not MASK_GOES_ON]
    return sub

MASK_GOES_ON = scalar_bool(False)     # stands for a further dimension of a mask


cdef int check_scalar_index(object index) except -1:
    """Raise for an index that a 0-d tensor has no dimension for, in PyTorch's several words."""
    if isinstance(index, slice):
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if isinstance(index, Tensor) or not is_integer(index):
        return 0
    if index:
        raise IndexError(f"index {index} is out of bounds for dimension 0 with size 0")
    raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
                     "C++ to convert a 0-dim tensor to a number")


cdef object get_item(Tensor x, object index):
    cdef Subscript sub
    cdef Py_ssize_t at
    if type(index) is int and x.form.ndim:
        at = index
        if at < -x.form.sizes[0] or at >= x.form.sizes[0]:
            raise IndexError(f"index {at} is out of bounds for dimension 0 with size {x.form.sizes[0]}")
        return c_select(x, 0, at)
    if x.form.ndim == 0:
        check_scalar_index(index)
    sub = read_subscript(x, index)
    if sub.tensors is None:
        return c_alias(x) if sub.view is x else sub.view
    return c_index(sub.view, sub.tensors)


cdef int set_item(Tensor x, object index, object value) except -1:
    cdef Subscript sub
    cdef Tensor v, place
    if isinstance(value, Tensor):
        v = <Tensor>value
    else:
        v = other_operand(value)
        if v is None:
            raise TypeError(f"can't assign a {type_name(value)} to a torch.{scalar_type_name(x.kind)}Tensor")
        v.flags &= ~NUMBER
        if v.kind > x.kind:
            v = converted(v, x.kind)
    if x.form.ndim == 0:
        check_scalar_index(index)
    sub = read_subscript(x, index)
    place = sub.view
    if sub.tensors is not None:
        if not isinstance(value, Tensor):
            v = to_kind(v, place.kind)
        index_put_in_place(place, sub.tensors, v, False)
    elif v.form.ndim == 0 and place.form.ndim:
        fill_in_place(place, v, FillBackward3)
    else:
        v = without_leading_ones(v, place.form.ndim)
        check_expand(v.form, place.form)
        copy_in_place(place, v)
    return 0


cdef Tensor without_leading_ones(Tensor v, int ndim):
    """v without dimensions of size 1 in front, where it has too many."""
    cdef uint64_t mask = 0
    cdef int d = 0
    while v.form.ndim - d > ndim and v.form.sizes[d] == 1:
        mask |= <uint64_t>1 << d
        d += 1
    return c_squeeze(v, mask) if mask else v
