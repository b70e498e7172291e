# Creation.

cdef Tensor filled(int kind, Layout form, double value):
    """A new tensor with one value everywhere."""
    cdef Tensor y = new_tensor(kind, form)
    copy_elements(y, scalar_f64(value))
    return y


cdef Tensor zeros_form(Layout form):
    cdef Tensor y = new_tensor(F64, contiguous_layout(form))
    memset(y.ptr, 0, y.form.numel * 8)
    return y


cdef Tensor zeros_of(Tensor x):
    return zeros_form(x.form)


cdef Tensor c_arange(Py_ssize_t n):
    """0 to n - 1 as int64."""
    cdef Tensor y = new_tensor(I64, layout_contiguous(1, &n))
    cdef Py_ssize_t i
    for i in range(n):
        (<int64_t *>y.ptr)[i] = i
    return y


# ------------------------------------------------------------------------ the arguments that all have

cdef int options(str name, tuple got, object dtype, int otherwise, object layout, object device, object pin_memory,
                 object requires_grad) except -2:
    """Check the keyword arguments of a creation function; the number of the dtype that is asked for.

    `got` are the positional arguments if PyTorch has several forms of the function, and so another message; else None.
    """
    cdef int kind
    if dtype is not None and not is_dtype(dtype):
        raise wrong_option(name, got, "dtype", "torch.dtype", dtype)
    if layout is not None and not isinstance(layout, layout_type):
        raise wrong_option(name, got, "layout", "torch.layout", layout)
    if device is not None:
        if not isinstance(device, (device_type, str, int)):
            raise wrong_option(name, got, "device", "torch.device", device)
        check_device(device)
    if pin_memory is not False and pin_memory is not True and pin_memory is not None:
        raise wrong_option(name, got, "pin_memory", "bool", pin_memory)
    if requires_grad is not False and requires_grad is not True and requires_grad is not None:
        raise wrong_option(name, got, "requires_grad", "bool", requires_grad)
    kind = dtype_number(dtype, otherwise)
    if requires_grad and kind >= 0 and kind != F64:
        raise not_float()
    return kind


cdef object wrong_option(str name, tuple got, str argument, str wanted, object value):
    if got is None:
        return TypeError(f"{name}(): argument '{argument}' must be {wanted}, not {type_name(value)}")
    return errors().no_overload(name, got, {argument: value})


cdef object not_float():
    return RuntimeError("Only Tensors of floating point and complex dtype can require gradients")


cdef inline Tensor asking(Tensor y, object requires_grad):
    """y, new, as a leaf that requires a gradient if that was asked for; `options` has checked it."""
    if requires_grad:
        y.flags |= REQUIRES
    return y


cdef Layout sizes_layout(str name, int position, tuple sizes, object size):
    """The layout of sizes given one by one, as one sequence, or by name."""
    if size is not None:
        if sizes:
            raise TypeError(f"{name}() got multiple values for argument 'size'")
        sizes = (size,)
    if not sizes:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
        check_sizes(name, position, sizes, True)
    else:
        check_sizes(name, position, sizes, False)
    return layout_of_sequence(sizes)


cdef Layout size_layout(str name, int position, object size):
    """The layout of sizes that must come as one sequence."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"{name}(): argument 'size' (position {position}) must be tuple of ints, "
                        f"not {type_name(size)}")
    return sizes_layout(name, position, (size,), None)


cdef int check_sizes(str name, int position, tuple sizes, bint sequence) except -1:
    for i, k in enumerate(sizes):
        if type(k) is int or (hasattr(k, "__index__") and not isinstance(k, bool)):
            continue
        if i:
            raise TypeError(f"{name}(): argument 'size' failed to unpack the object at pos {i + 1} with error "
                            f'"type must be tuple of ints,but got {type_name(k)}"')
        if sequence:
            raise TypeError(f"{name}(): argument 'size' (position {position}) must be tuple of ints, but found "
                            f"element of type {type_name(k)} at pos 0")
        raise TypeError(f"{name}(): argument 'size' (position {position}) must be tuple of ints, "
                        f"not {type_name(k)}")
    return 0


cdef Tensor fill_arg(object value, str name):
    """The number that a tensor is to be filled with, as a 0-d tensor."""
    if isinstance(value, Tensor) and ((<Tensor>value).form.ndim or needs_grad(<Tensor>value)):
        raise TypeError(f"{name}(): argument 'fill_value' (position 2) must be Number, not Tensor")
    cdef Tensor v = operand(value)
    if v is None or v.form.ndim:
        raise TypeError(f"{name}(): argument 'fill_value' (position 2) must be Number, not {type_name(value)}")
    return v


cdef Tensor filled_with(int kind, Layout form, Tensor value):
    cdef Tensor y = new_tensor(kind, form)
    copy_elements(y, value)
    return y


def _blank(str name, tuple got, int position, tuple sizes, size, dtype, otherwise, layout, device, pin_memory,
           requires_grad):
    """An uninitialised tensor, for what fills it by other means; the arguments are those of the functions below."""
    cdef int kind = options(name, got, dtype, dtype_number(otherwise, F64), layout, device, pin_memory, requires_grad)
    return asking(new_tensor(kind, sizes_layout(name, position, sizes, size)), requires_grad)


def _blank_like(str name, tuple got, input, dtype, layout, device, pin_memory, requires_grad, memory_format):
    """The same with the sizes of `input`."""
    return blank_like(name, got, input, dtype, layout, device, pin_memory, requires_grad, memory_format)


cdef Tensor blank_like(str name, tuple got, object input, object dtype, object layout, object device,
                       object pin_memory, object requires_grad, object memory_format):
    cdef Tensor x = tensor_arg(input, name, "input", 1)
    cdef int kind = options(name, got, dtype, x.kind, layout, device, pin_memory, requires_grad)
    return asking(new_tensor(kind, formatted(x.form, name, memory_format)), requires_grad)


# -------------------------------------------------------------------------------------- from data

@function
def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new tensor with the elements of `data`, copied.

    Parameters
    ----------
    data : number, nested sequence, numpy array or Tensor
    dtype : dtype, optional
        By default what the elements ask for: float64, int64 or bool.
    device : device or str, optional
        Only the CPU.
    requires_grad : bool
        Record operations on it.
    pin_memory : bool
        Accepted and without effect.

    Returns
    -------
    Tensor
        A leaf.

    Raises
    ------
    ValueError
        If nested sequences are ragged.
    TypeError
        If elements are not numbers.
    RuntimeError
        If a gradient is required of a dtype other than float64.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)
    tensor([[1., 2.],
            [3., 4.]], requires_grad=True)
    """
    cdef Tensor y
    cdef int kind
    if requires_grad is None or pin_memory is None:
        raise wrong_option("tensor", None, "requires_grad" if requires_grad is None else "pin_memory", "bool", None)
    kind = options("tensor", None, dtype, -1, None, device, pin_memory, requires_grad)
    if kind < 0 and type(data) is float:
        return asking(scalar_f64(<double>data), requires_grad)
    y = tensor_from_data(data, kind)
    if requires_grad and y.kind != F64:
        raise not_float()
    if isinstance(data, Tensor) and needs_grad(<Tensor>data):
        import warnings
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
                      UserWarning, stacklevel=2)
    return asking(y, requires_grad)


@function
def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor, without a copy where it is a Tensor or a numpy array that can be shared.

    Parameters
    ----------
    data : number, nested sequence, numpy array or Tensor
    dtype : dtype, optional
    device : device or str, optional

    Returns
    -------
    Tensor
    """
    cdef int kind = options("as_tensor", None, dtype, -1, None, device, False, False)
    cdef Tensor x
    if isinstance(data, Tensor):
        x = data
    elif hasattr(data, "__array_interface__") and hasattr(data, "flags"):
        from ._interop import share_or_copy
        x = share_or_copy(data)
    else:
        return tensor_from_data(data, kind)
    return to_kind(x, kind if kind >= 0 else x.kind)


@function
def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=None):
    """An object as a tensor, on its memory where it has any that can be shared.

    Parameters
    ----------
    obj : Tensor, numpy array, object with a buffer, number or nested sequence
        The bytes of a buffer are taken for elements of `dtype`.
    dtype : dtype, optional
    device : device or str, optional
        Only the CPU.
    copy : bool, optional
        True: always copy. False: raise where that is needed. By default copy where it is needed.
    requires_grad : bool, optional
        If given, what the result says; a tensor with a history is detached for False.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If a copy is needed and `copy` is False.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.asarray([1., 2.])
    tensor([1., 2.])
    """
    cdef int kind = options("asarray", None, dtype, -1, None, device, False, requires_grad)
    cdef Tensor x
    cdef bint shared = True
    if copy is not None and not isinstance(copy, bool):
        raise TypeError(f"asarray(): argument 'copy' must be bool, not {type_name(copy)}")
    if isinstance(obj, Tensor):
        x = obj
    else:
        x = shared_memory(obj, kind, copy)
        if x is None:
            shared = False
            x = tensor_from_data(obj, kind)
    if kind < 0:
        kind = x.kind
    if copy is False and not shared:
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if copy is False and kind != x.kind:
        raise ValueError(f"can't alias tensor with dtype '{scalar_type_name(x.kind)}' into dtype "
                         f"'{scalar_type_name(kind)}'.")
    if kind != F64 and (requires_grad or (requires_grad is None and needs_grad(x))):
        raise not_float()
    if kind != x.kind:
        x = converted(x, kind)
    elif copy and shared:
        x = c_clone(x)
    if requires_grad is False and grad_fn_of(x) is not None:
        return alias(x)
    if requires_grad is not None:
        set_requires_grad(x, requires_grad)
    return x


cdef Tensor shared_memory(object obj, int kind, object copy):
    """A tensor on the memory of an array or a buffer, or a copy where it cannot be; None for anything else."""
    if hasattr(obj, "__array_interface__"):
        if not hasattr(obj, "flags") or not hasattr(obj, "__setitem__"):
            if copy is False:
                raise RuntimeError("can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray.")
            return None
        from ._interop import share_or_convert
        return share_or_convert(obj, copy)
    try:
        memoryview(obj)
    except TypeError:
        return None
    from ._interop import share_buffer
    return share_buffer(obj, dtype_object(kind if kind >= 0 else F64), -1, 0)


@function
def from_numpy(ndarray):
    """A tensor on the memory of a numpy array: a write to either is seen in the other.

    An array of another numeric dtype than float64, int64 and bool is copied to the one that stands for its own, with a
    `PrecisionWarning`, since its memory cannot be shared.

    Raises
    ------
    TypeError
        If it is no array of a numeric dtype.
    ValueError
        If its strides are negative, it is not in this machine's byte order, or not aligned.
    """
    from ._interop import share_array
    return share_array(ndarray)


@function
def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A 1-d tensor on the memory of an object with a buffer; read-only memory is copied.

    Parameters
    ----------
    buffer : object with the buffer protocol
        Held while the tensor lives: a bytearray cannot be resized meanwhile.
    dtype : dtype
    count : int
        Number of elements; all by default.
    offset : int
        Bytes to skip.
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the buffer is too small, or has not a whole number of elements.
    """
    from ._interop import share_buffer
    options("frombuffer", None, dtype, -1, None, None, False, requires_grad)
    return asking(share_buffer(buffer, dtype, count, offset), requires_grad)


# -------------------------------------------------------------------------------------- filled

@function
def zeros(*sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor of zeros.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.zeros(2)
    tensor([0., 0.])
    """
    cdef int kind = options("zeros", None, dtype, F64, layout, device, pin_memory, requires_grad)
    cdef Layout form
    try:
        form = sizes_layout("zeros", 1, sizes, size)
    except RuntimeError as error:              # in which PyTorch's zeros has words of its own
        if "negative" not in str(error):
            raise
        raise RuntimeError(f"zeros: Dimension size must be non-negative. {error}") from None
    return asking(filled(kind, form, 0.0), requires_grad)


@function
def ones(*sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor of ones.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.ones(2)
    tensor([1., 1.])
    """
    cdef int kind = options("ones", None, dtype, F64, layout, device, pin_memory, requires_grad)
    return asking(filled(kind, sizes_layout("ones", 1, sizes, size), 1.0), requires_grad)


@function
def empty(*sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
          memory_format=None):
    """A tensor whose elements are uninitialised."""
    cdef int kind = options("empty", None, dtype, F64, layout, device, pin_memory, requires_grad)
    cdef Layout form = sizes_layout("empty", 1, sizes, size)
    if memory_format is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    return asking(new_tensor(kind, formatted(form, "empty", memory_format)), requires_grad)


@function
def full(size, fill_value, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor with one value everywhere, of the value's dtype by default.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.full((2,), 3.)
    tensor([3., 3.])
    """
    cdef Layout form = size_layout("full", 1, size)
    cdef Tensor v = fill_arg(fill_value, "full")
    cdef int kind = options("full", None, dtype, v.kind, layout, device, pin_memory, requires_grad)
    return asking(filled_with(kind, form, v), requires_grad)


cdef Tensor like(object input, str name, object value, object dtype, object layout, object device, object pin_memory,
                 object requires_grad, object memory_format):
    """A tensor with the sizes of another one, filled with a 0-d tensor, or uninitialised for None."""
    cdef Tensor y = blank_like(name, None, input, dtype, layout, device, pin_memory, requires_grad, memory_format)
    if value is not None:
        copy_elements(y, <Tensor>value)
    return y


@function
def zeros_like(input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
               memory_format=None):
    """Zeros with the sizes and the dtype of `input`.

    Parameters
    ----------
    input : Tensor
    dtype : dtype, optional
    layout, device, pin_memory
        Accepted where they ask for what there is.
    requires_grad : bool
    memory_format : memory_format, optional
        The order of the elements in memory; that of `input` by default, without gaps.

    Returns
    -------
    Tensor
    """
    return like(input, "zeros_like", scalar_f64(0.0), dtype, layout, device, pin_memory, requires_grad, memory_format)


@function
def ones_like(input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
              memory_format=None):
    """Ones with the sizes and the dtype of `input`; the arguments are those of `zeros_like`."""
    return like(input, "ones_like", scalar_f64(1.0), dtype, layout, device, pin_memory, requires_grad, memory_format)


@function
def empty_like(input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
               memory_format=None):
    """Uninitialised, with the sizes and the dtype of `input`; the arguments are those of `zeros_like`."""
    return like(input, "empty_like", None, dtype, layout, device, pin_memory, requires_grad, memory_format)


@function
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
              memory_format=None):
    """One value everywhere, with the sizes and the dtype of `input`; the arguments are those of `zeros_like`."""
    tensor_arg(input, "full_like", "input", 1)
    return like(input, "full_like", fill_arg(fill_value, "full_like"), dtype, layout, device, pin_memory,
                requires_grad, memory_format)


@method
def new_zeros(self, *sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Zeros of other sizes, with the dtype of this tensor unless another is given.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.arange(3).new_zeros(2)
    tensor([0, 0])
    """
    cdef int kind = options("new_zeros", None, dtype, own(self).kind, layout, device, pin_memory, requires_grad)
    return asking(filled(kind, sizes_layout("new_zeros", 1, sizes, size), 0.0), requires_grad)


@method
def new_ones(self, *sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """Ones of other sizes, with the dtype of this tensor unless another is given."""
    cdef int kind = options("new_ones", None, dtype, own(self).kind, layout, device, pin_memory, requires_grad)
    return asking(filled(kind, sizes_layout("new_ones", 1, sizes, size), 1.0), requires_grad)


@method
def new_empty(self, *sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """An uninitialised tensor of other sizes, with the dtype of this tensor unless another is given."""
    cdef int kind = options("new_empty", None, dtype, own(self).kind, layout, device, pin_memory, requires_grad)
    return asking(new_tensor(kind, sizes_layout("new_empty", 1, sizes, size)), requires_grad)


@method
def new_full(self, size, fill_value, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """One value everywhere, with the dtype of this tensor (not of the value) unless another is given."""
    cdef int kind = options("new_full", None, dtype, own(self).kind, layout, device, pin_memory, requires_grad)
    cdef Layout form = size_layout("new_full", 1, size)
    return asking(filled_with(kind, form, fill_arg(fill_value, "new_full")), requires_grad)


@method
@renamed("new_tensor")
def new_tensor_method(self, data, *, dtype=None, device=None, requires_grad=False):
    """The elements of `data`, copied, with the dtype of this tensor unless another is given.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.zeros(1).new_tensor([1, 2])
    tensor([1., 2.])
    """
    cdef int kind
    if requires_grad is None:
        raise wrong_option("new_tensor", None, "requires_grad", "bool", None)
    kind = options("new_tensor", None, dtype, own(self).kind, None, device, False, requires_grad)
    return asking(tensor_from_data(data, kind), requires_grad)
