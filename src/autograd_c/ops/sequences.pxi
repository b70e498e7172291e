# Creation of what follows a rule: eye, arange, linspace, logspace.

@function
def eye(n, m=None, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A matrix with ones on the diagonal, else zeros.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    cdef Tensor y
    cdef int kind = options("eye", (n,) if m is None else (n, m), dtype, F64, layout, device, pin_memory, requires_grad)
    if not is_int(n):
        raise TypeError(f"eye(): argument 'n' (position 1) must be int, not {type_name(n)}")
    if m is not None and not is_int(m):
        raise errors().no_overload("eye", (n, m), {})
    m = n if m is None else m
    if n < 0 or m < 0:
        raise RuntimeError(f"{'n' if n < 0 else 'm'} must be greater or equal to 0, got {n if n < 0 else m}")
    y = filled(kind, layout_of_sequence((n, m)), 0.0)
    copy_elements(c_diagonal(alias(y), 0, 0, 1), scalar_f64(1.0))
    return asking(y, requires_grad)


cdef bint is_int(object k):
    """Whether an argument will do as an int: a bool will not, a tensor of one integer will."""
    return type(k) is int or (hasattr(k, "__index__") and not isinstance(k, bool)
                              and not (isinstance(k, Tensor) and ((<Tensor>k).kind == F64 or (<Tensor>k).form.ndim)))


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
def arange(start=None, end=None, step=1, *, dtype=None, layout=None, device=None, pin_memory=False,
           requires_grad=False):
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
    cdef int kind, wanted
    cdef double first, by
    cdef int64_t first_int, by_int
    cdef tuple got = (start,) if end is None else (start, end)
    if end is None:
        start, end = 0, start
    elif start is None:
        start = 0
    if end is None:
        raise errors().no_overload("arange", (), {})
    for v in (start, end, step):
        if not is_number(v):
            if len(got) == 1:
                raise TypeError(f"arange(): argument 'end' (position 1) must be Number, not {type_name(v)}")
            raise errors().no_overload("arange", got, {})
    wanted = options("arange", got, dtype, -1, layout, device, pin_memory, requires_grad)
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
    if requires_grad and wanted < 0 and kind != F64:
        raise not_float()
    return asking(to_kind(y, wanted if wanted >= 0 else kind), requires_grad)


cdef bint is_number(object v):
    """Whether an argument will do as a number: Python's, numpy's, or a 0-d tensor."""
    cdef Tensor t
    if isinstance(v, (int, float)):
        return True
    t = operand(v)
    return t is not None and t.form.ndim == 0


@function
def linspace(start, end, steps, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """`steps` numbers from start to end, both included, equally far apart.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    cdef tuple got = (start, end, steps)
    cdef int kind = options("linspace", got, dtype, F64, layout, device, pin_memory, requires_grad)
    return asking(to_kind(evenly("linspace", kind, got), kind), requires_grad)


@function
def logspace(start, end, steps, base=10.0, *, dtype=None, layout=None, device=None, pin_memory=False,
             requires_grad=False):
    """`steps` powers of `base`, the exponents equally far apart from start to end, both included.

    Parameters
    ----------
    start, end : number or 0-d Tensor
        The first and the last exponent.
    steps : int
    base : float

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If `steps` is negative.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    cdef tuple got = (start, end, steps)
    cdef int kind
    cdef Tensor y
    cdef double b
    if not isinstance(base, (int, float)):
        raise errors().no_overload("logspace", got, {"base": base})
    kind = options("logspace", got, dtype, F64, layout, device, pin_memory, requires_grad)
    y = evenly("logspace", kind, got)
    b = base
    pow_run(y.form.numel, <double *>y.ptr, &b, 0, <double *>y.ptr, 1)
    return asking(to_kind(y, kind), requires_grad)


cdef Tensor evenly(str name, int kind, tuple got):
    """Numbers equally far apart, as float64: for linspace and, as exponents, for logspace."""
    cdef Py_ssize_t n, i
    cdef Tensor y
    cdef double first, last, by
    start, end, steps = got
    if not is_int(steps) or operand(start) is None or operand(end) is None:
        raise errors().no_overload(name, got, {})
    if operand(start).form.ndim or operand(end).form.ndim:
        found = [f"{what} with {v.ndim} dimension(s)" for what, v in (("start", start), ("end", end))
                 if isinstance(v, Tensor)]
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {' and '.join(found)}.")
    n = steps
    first = float(start)
    last = float(end)
    if n < 0:
        raise RuntimeError("number of steps must be non-negative")
    if kind == BOOL:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")
    if kind == I64:                             # PyTorch converts the ends first
        first = cmath.trunc(first)
        last = cmath.trunc(last)
    y = new_tensor(F64, layout_contiguous(1, &n))
    by = (last - first) / (n - 1) if n > 1 else 0.0
    for i in range(n):                          # from the nearer end, so that both are exact
        (<double *>y.ptr)[i] = first + by * i if i < n / 2 or n == 1 else last - by * (n - 1 - i)
    return y
