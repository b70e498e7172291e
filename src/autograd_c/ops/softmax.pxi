# Exponentials weighed against each other: logsumexp, softmax, log_softmax.
#
# The largest element is subtracted before anything is exponentiated.

# ----------------------------------------------------------------------------------------- logsumexp

cdef inline num logsumexp_dx(num g, num x, num y, const double *c) noexcept:
    return g * exp_of[num](x - y)

cdef void logsumexp_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(logsumexp_dx[double], n, p, s, c)


@cython.final
cdef class LogsumexpBackward0(Node):
    """g exp(x - y)"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef uint64_t mask = kept[0]
        cdef Tensor x = saved_a(self), y = saved_result(self)
        if not kept[1]:
            g = keep_dims(g, x.form, mask)
            y = keep_dims(y, x.form, mask)
        return give(grads, 0, spread_gradient(logsumexp_backward, logsumexp_dx[Tensor], g, x, y, NULL))


cdef Tensor c_logsumexp(Tensor x, uint64_t mask, bint keepdim):
    cdef Tensor y = new_tensor(F64, reduced_layout(x.form, mask, keepdim)), wide
    cdef Node n
    if not recalled("logsumexp", y):
        reduce_into(&LOGSUMEXP, y, None, x, mask, F64)
        computed("logsumexp", y, x)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>LogsumexpBackward0)
        n.args = (mask, keepdim)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        wide = bare(y) if keepdim else keep_dims(bare(y), x.form, mask)
        give_tangent(y, c_sum(logsumexp_dx[Tensor](tangent_of(x), bare(x), wide, NULL), mask, keepdim, True))
    return y


@op
def logsumexp(input, dim=None, keepdim=False, *, axis=None, keepdims=None):
    """log(sum(exp(input))) along dimensions, without overflow.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int
        Dimensions to fold.
    keepdim : bool
        Keep folded dimensions with size 1.
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logsumexp(torch.tensor([1000., 1000.]), 0)
    tensor(1000.6931)
    """
    cdef Tensor x = tensor_arg(input, "logsumexp", "input", 1)
    dim = scanned_dim(dim, axis, "logsumexp")
    return c_logsumexp(x, dim_mask(dim, x.form.ndim), flag_arg(keepdim, keepdims, "logsumexp"))


# ------------------------------------------------------------------------------- softmax, log_softmax

cdef enum:
    LANES = 8

cdef double line_max(Py_ssize_t n, const double *x, Py_ssize_t s) noexcept:
    """The largest of a line, nan if the first is; several at a time, for one waits for the one before."""
    cdef double most[LANES]
    cdef double v
    cdef Py_ssize_t i = 0, j
    for j in range(LANES):
        most[j] = x[0]
    if s == 1:
        while i + LANES <= n:
            for j in range(LANES):
                v = x[i + j]
                most[j] = v if v > most[j] else most[j]
            i += LANES
    while i < n:
        most[0] = x[s * i] if x[s * i] > most[0] else most[0]
        i += 1
    for j in range(1, LANES):
        most[0] = most[j] if most[j] > most[0] else most[0]
    return most[0]

cdef inline void line_exp(Py_ssize_t n, double *y, const double *x, Py_ssize_t s, double most) noexcept:
    cdef Py_ssize_t i
    if n < 16 and s == 1:                       # a few are done at once
        for i in range(n):
            y[i] = exp_value(x[i] - most, NULL)
        return
    if s == 1:
        for i in range(n):
            y[i] = x[i] - most
    else:
        for i in range(n):
            y[i] = x[s * i] - most
    exp_run(n, y)

cdef void softmax_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef double total, reciprocal
    cdef Py_ssize_t i
    line_exp(n, y, x, s[1], line_max(n, x, s[1]))
    total = line_sum(n, y)
    reciprocal = 1.0 / total
    if n < 16:
        for i in range(n):
            y[i] /= total
    else:
        for i in range(n):
            y[i] = quotient(y[i], total, reciprocal)

# The largest element's exponential is 1: log1p of the others keeps what a sum with it would round off.
cdef void log_softmax_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef double most = line_max(n, x, s[1]), total
    cdef Py_ssize_t i, largest = 0
    if most == most:
        while x[s[1] * largest] != most:
            largest += 1
    line_exp(n, y, x, s[1], most)
    y[largest] = most - most                    # 0, or nan where it is infinite
    total = log1p_value(line_sum(n, y))
    for i in range(n):
        y[i] = (x[s[1] * i] - most) - total

cdef void softmax_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *dx = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *y = <const double *>p[2]
    cdef double total
    cdef Py_ssize_t i
    for i in range(n):
        dx[i] = g[s[1] * i] * y[s[2] * i]
    total = line_sum(n, dx)
    for i in range(n):
        dx[i] = (g[s[1] * i] - total) * y[s[2] * i]

cdef void log_softmax_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *dx = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *y = <const double *>p[2]
    cdef double total
    cdef Py_ssize_t i
    for i in range(n):
        dx[i] = g[s[1] * i]
    total = line_sum(n, dx)
    for i in range(n):
        dx[i] = y[s[2] * i]
    exp_run(n, dx)
    if s[1]:
        for i in range(n):
            dx[i] = g[i] - dx[i] * total
    else:
        for i in range(n):
            dx[i] = g[0] - dx[i] * total


cdef Tensor sum_along(Tensor x, int d):
    return c_sum(x, <uint64_t>1 << d if x.form.ndim else 0, True, True)


cdef Tensor softmax_dx(Tensor g, Tensor y, int d):
    cdef Tensor dx
    if recording() or (g.flags | y.flags) & SPECIAL:
        return binary(&MUL, binary(&SUB, g, sum_along(binary(&MUL, g, y), d)), y)
    dx = new_tensor(F64, fresh_layout(y.form))
    lines_into(softmax_backward, d, dx, g, y, None, F64, NULL)
    return dx


cdef Tensor log_softmax_dx(Tensor g, Tensor y, int d):
    cdef Tensor dx
    if recording() or (g.flags | y.flags) & SPECIAL:
        return binary(&SUB, g, binary(&MUL, unary(&EXP, y), sum_along(g, d)))
    dx = new_tensor(F64, fresh_layout(y.form))
    lines_into(log_softmax_backward, d, dx, g, y, None, F64, NULL)
    return dx


@cython.final
cdef class SoftmaxBackward0(Node):
    """y (g - sum(g y))"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, softmax_dx(g, saved_result(self), self.args))


@cython.final
cdef class LogSoftmaxBackward0(Node):
    """g - exp(y) sum(g)"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, log_softmax_dx(g, saved_result(self), self.args))


cdef Tensor c_softmax(Tensor x, int d, bint logarithm):
    cdef const char *name = "log_softmax" if logarithm else "softmax"
    cdef Tensor y = new_tensor(F64, fresh_layout(x.form)), t
    cdef Node n
    if not recalled(name, y):
        lines_into(log_softmax_forward if logarithm else softmax_forward, d, y, x, None, None, F64, NULL)
        computed(name, y, x)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>(LogSoftmaxBackward0 if logarithm else SoftmaxBackward0))
        n.args = d
        add_edge(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        t = tangent_of(x)
        if logarithm:
            t = binary(&SUB, t, sum_along(binary(&MUL, unary(&EXP, bare(y)), t), d))
        else:
            t = softmax_dx(t, bare(y), d)
        give_tangent(y, t)
    return y


cdef Tensor c_log_softmax(Tensor x, int d):
    if x.kind != F64 and x.form.numel == 0:     # PyTorch looks at dtypes only where there are elements
        return x
    if x.kind != F64:
        raise softmax_of("log_softmax", x.kind, d >= x.form.ndim - 1)
    return c_softmax(x, d, True)


cdef object softmax_of(str name, int kind, bint last):
    """The exception for a dtype that is not of floating point."""
    return NotImplementedError(f"\"{name}{'_lastdim' if last else ''}_kernel_impl\" not implemented for "
                               f"'{scalar_type_name(kind)}'")


cdef Tensor softmax_arg(object input, object dim, object axis, object dtype, bint logarithm):
    """The operation with the arguments that users give."""
    cdef str name = "log_softmax" if logarithm else "softmax"
    cdef Tensor x = tensor_arg(input, name, "input", 1)
    cdef int d = dim_number(scanned_dim(dim, axis, name), x.form.ndim, name)
    cdef int kind = dtype_number(dtype, x.kind)
    if kind != F64 and x.form.numel == 0:      # PyTorch looks at the dtype in its loop only
        return new_tensor(kind, contiguous_layout(x.form))
    if kind != F64:
        raise softmax_of(name, kind, d >= x.form.ndim - 1 and dtype is None)
    return c_softmax(to_kind(x, kind), d, logarithm)


@op
def softmax(input, dim=None, dtype=None, *, axis=None):
    """exp(input) divided by its sum along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    dtype : dtype, optional
        Convert to this dtype first.
    axis
        numpy's name of `dim`.

    Returns
    -------
    Tensor
        With the sizes of `input`; nan along a line that is all -inf.

    Raises
    ------
    NotImplementedError
        For integers, unless `dtype` converts them.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.softmax(torch.tensor([1000., 1000.]), 0)
    tensor([0.5000, 0.5000])
    """
    return softmax_arg(input, dim, axis, dtype, False)


@op
def log_softmax(input, dim=None, dtype=None, *, axis=None):
    """The logarithm of `softmax`, without underflow and right to the last digits near 0.

    Parameters
    ----------
    input : Tensor
    dim : int
    dtype : dtype, optional
        Convert to this dtype first.
    axis
        numpy's name of `dim`.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Raises
    ------
    NotImplementedError
        For integers, unless `dtype` converts them.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.log_softmax(torch.tensor([1000., 0.]), 0)
    tensor([    0., -1000.])
    """
    return softmax_arg(input, dim, axis, dtype, True)
