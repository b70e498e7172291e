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


cdef Tensor settle(Tensor y, object requires_grad, object device):
    """Apply the arguments that all creation functions have."""
    check_device(device)
    if requires_grad:
        if y.kind != F64:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        y.flags |= REQUIRES
    return y


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
    if type(data) is float and dtype is None and device is None:
        y = scalar_f64(<double>data)
        if requires_grad:
            y.flags |= REQUIRES
        return y
    y = tensor_from_data(data, dtype_number(dtype, -1))
    if isinstance(data, Tensor) and needs_grad(<Tensor>data):
        import warnings
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
                      UserWarning, stacklevel=2)
    return settle(y, requires_grad, device)


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
    check_device(device)
    if isinstance(data, Tensor):
        return to_kind(data, dtype_number(dtype, (<Tensor>data).kind))
    if hasattr(data, "__array_interface__") and hasattr(data, "flags"):
        from ._interop import share_or_copy
        x = share_or_copy(data)
        return to_kind(x, dtype_number(dtype, (<Tensor>x).kind))
    return tensor_from_data(data, dtype_number(dtype, -1))


@function
def from_numpy(ndarray):
    """A tensor on the memory of a numpy array.

    Raises
    ------
    TypeError
        If it is no array of a dtype that there is.
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
    return settle(share_buffer(buffer, dtype, count, offset), requires_grad, None)


cdef Layout sizes_layout(tuple size, str name):
    if not size:
        raise TypeError(f"{name}() missing 1 required positional arguments: \"size\"")
    try:
        return layout_of_sequence(sizes_arg(size))
    except (TypeError, OverflowError):
        raise errors().not_sizes(name, size) from None


@function
def zeros(*size, dtype=None, device=None, requires_grad=False):
    """A tensor of zeros.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.zeros(2)
    tensor([0., 0.])
    """
    cdef Layout form
    try:
        form = sizes_layout(size, "zeros")
    except RuntimeError as error:
        if "negative" not in str(error):
            raise
        raise RuntimeError(f"zeros: Dimension size must be non-negative. {error}") from None
    return settle(filled(dtype_number(dtype, F64), form, 0.0), requires_grad, device)


@function
def ones(*size, dtype=None, device=None, requires_grad=False):
    """A tensor of ones.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.ones(2)
    tensor([1., 1.])
    """
    return settle(filled(dtype_number(dtype, F64), sizes_layout(size, "ones"), 1.0), requires_grad, device)


@function
def empty(*size, dtype=None, device=None, requires_grad=False):
    """A tensor whose elements are uninitialised."""
    return settle(new_tensor(dtype_number(dtype, F64), sizes_layout(size, "empty")), requires_grad, device)


@function
def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor with one value everywhere, of the value's dtype by default.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.full((2,), 3.)
    tensor([3., 3.])
    """
    cdef Tensor v = fill_value_arg(fill_value, "full"), y
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type_name(size)}")
    y = new_tensor(dtype_number(dtype, v.kind), sizes_layout((size,), "full"))
    copy_elements(y, v)
    return settle(y, requires_grad, device)


cdef Tensor fill_value_arg(object o, str function):
    """An argument that must be a number, or a 0-d tensor in its place."""
    cdef Tensor t = o if isinstance(o, Tensor) else number_tensor(o)
    if t is None or t.form.ndim:
        raise TypeError(f"{function}(): argument 'fill_value' (position 2) must be Number, not {type_name(o)}")
    return t


cdef Tensor like(object input, object dtype, str name):
    cdef Tensor x = tensor_arg(input, name, "input", 1)
    return new_tensor(dtype_number(dtype, x.kind), fresh_layout(x.form))


@function
def zeros_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """Zeros with the sizes and the dtype of `input`."""
    cdef Tensor y = like(input, dtype, "zeros_like")
    copy_elements(y, scalar_f64(0.0))
    return settle(y, requires_grad, device)


@function
def ones_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """Ones with the sizes and the dtype of `input`."""
    cdef Tensor y = like(input, dtype, "ones_like")
    copy_elements(y, scalar_f64(1.0))
    return settle(y, requires_grad, device)


@function
def empty_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """An uninitialised tensor with the sizes and the dtype of `input`."""
    return settle(like(input, dtype, "empty_like"), requires_grad, device)


@function
def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """One value everywhere, with the sizes and the dtype of `input`."""
    cdef Tensor y = like(input, dtype, "full_like")
    copy_elements(y, fill_value_arg(fill_value, "full_like"))
    return settle(y, requires_grad, device)


@function
def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """A matrix with ones on the diagonal, else zeros.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    cdef Tensor y
    m = n if m is None else m
    for name, k in (("n", n), ("m", m)):
        if not hasattr(k, "__index__"):
            raise TypeError(f"eye(): argument '{name}' (position {1 + (name == 'm')}) must be int, not {type_name(k)}")
    if n < 0 or m < 0:
        raise RuntimeError(f"{'n' if n < 0 else 'm'} must be greater or equal to 0, got {n if n < 0 else m}")
    y = filled(dtype_number(dtype, F64), layout_of_sequence((n, m)), 0.0)
    copy_elements(c_diagonal(alias(y), 0, 0, 1), scalar_f64(1.0))
    return settle(y, requires_grad, device)


cdef Py_ssize_t arange_count(double start, double stop, double step) except -1:
    cdef double n
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (cmath.isfinite(start) and cmath.isfinite(stop)):
        raise RuntimeError(f"unsupported range: {start:g} -> {stop:g}")
    if (step > 0) != (stop >= start) and stop != start:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    n = cmath.ceil((stop - start) / step)
    if not 0 <= n < 1e18:
        raise RuntimeError(f"invalid size, possible overflow? {n} elements")
    return <Py_ssize_t>n


@function
def arange(start=None, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """Numbers from start to before end: int64 if all three are integers, else float64.

    Parameters
    ----------
    start : number
        0 if `end` is not given; then this is the end.
    end, step : number

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.arange(1, 4)
    tensor([1, 2, 3])
    """
    cdef Tensor y
    cdef Py_ssize_t i, n
    cdef int kind
    cdef double first, by
    cdef int64_t first_int, by_int
    if end is None:
        start, end = 0, start
    elif start is None:
        start = 0
    if end is None:
        raise TypeError("arange() received an invalid combination of arguments: it needs an end")
    start, end, step = [v.item() if isinstance(v, Tensor) else v for v in (start, end, step)]
    kind = I64 if all([isinstance(v, int) for v in (start, end, step)]) else F64
    n = arange_count(start, end, step)
    y = new_tensor(kind, layout_contiguous(1, &n))
    if kind == I64:
        first_int = start
        by_int = step
        for i in range(n):
            (<int64_t *>y.ptr)[i] = first_int + i * by_int
    else:
        first = start
        by = step
        for i in range(n):
            (<double *>y.ptr)[i] = first + i * by
    return settle(to_kind(y, dtype_number(dtype, kind)), requires_grad, device)


@function
def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers from start to end, both included, equally far apart.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    cdef Py_ssize_t n = as_index(steps), i
    cdef Tensor y
    cdef double first = start, last = end, by
    if n < 0:
        raise RuntimeError("number of steps must be non-negative")
    y = new_tensor(F64, layout_contiguous(1, &n))
    by = (last - first) / (n - 1) if n > 1 else 0.0
    for i in range(n):                          # from the nearer end, so that both are exact
        (<double *>y.ptr)[i] = first + by * i if i < n / 2 or n == 1 else last - by * (n - 1 - i)
    return settle(to_kind(y, dtype_number(dtype, F64)), requires_grad, device)
