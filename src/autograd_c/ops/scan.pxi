# Along an axis, each element from those before it: cumsum, cumprod.
#
# Note [Recurrences]
# The derivative of a product along a line, taken without dividing by elements that may be 0, is made
# of r[i] = a[i] + w[i] r[i - 1].  The derivative of such a recurrence is another one, run the other
# way.  So `recurrence` is an operation itself, and any order of derivative takes one pass over the
# line.  In the direction of the run, w[i] is x[i] (OWN) or x[i - 1] (BEFORE).

cdef enum:
    FORWARD = 1
    BACKWARD = -1
    OWN = 1
    BEFORE = 0


cdef void recurrence_run(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *r = <double *>p[0]
    cdef const double *a = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef Py_ssize_t k, step = FORWARD if c[0] > 0.0 else BACKWARD
    cdef Py_ssize_t i = 0 if step == FORWARD else n - 1
    cdef Py_ssize_t shift = 0 if c[1] == OWN else step
    cdef double last = a[s[1] * i]
    r[i] = last
    for k in range(1, n):
        i += step
        last = a[s[1] * i] + x[s[2] * (i - shift)] * last
        r[i] = last


cdef Tensor moved(Tensor v, int d, int direction):
    """v one place on along a dimension; a 0 comes in."""
    cdef Py_ssize_t n
    cdef Tensor edge
    if v.form.ndim == 0 or v.form.numel == 0:
        return zeros_of(v)
    n = v.form.sizes[d]
    edge = zeros_of(c_slice(alias(v), d, 0, 1, 1))
    if direction == FORWARD:
        return c_cat([edge, c_slice(v, d, 0, n - 1, 1)], d)
    return c_cat([c_slice(v, d, 1, n, 1), edge], d)


@cython.final
cdef class RecurrenceBackward0(Node):
    """a: the recurrence of g the other way; x: that times the result, one place apart"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef int d = kept[0], direction = kept[1], own = kept[2]
        cdef Tensor x = saved_a(self), r, da
        da = recurrence(g, x, d, -direction, BEFORE if own == OWN else OWN)
        if self.next0 is not None:
            give(grads, 0, da)
        if self.next1 is not None:
            r = saved_result(self)
            if own == OWN:
                give(grads, 1, binary(&MUL, da, moved(r, d, direction)))
            else:
                give(grads, 1, binary(&MUL, r, moved(da, d, -direction)))
        return 0


cdef Tensor recurrence(Tensor a, Tensor x, int d, int direction, int own):
    """r[i] = a[i] + w[i] r[i - 1] along a dimension, Note [Recurrences]; a broadcasts to x."""
    cdef Tensor r = new_tensor(F64, fresh_layout(x.form)), t, w
    cdef Node n
    cdef double c[2]
    c[0] = direction
    c[1] = own
    lines_into(recurrence_run, d, r, a, x, None, F64, c)
    if recording() and needs_grad(a) | needs_grad(x):
        n = new_node(<PyTypeObject *>RecurrenceBackward0)
        n.args = (d, direction, own)
        add_edge(n, a)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, r)
        save_result(n, r)
    if (a.flags | x.flags) & SPECIAL and (tangent_of(a) is not None or tangent_of(x) is not None):
        t = tangent_of(a)
        w = tangent_of(x)
        if w is not None:
            w = w if own == OWN else moved(w, d, direction)
            t = added(t, binary(&MUL, w, moved(bare(r), d, direction)))
        give_tangent(r, recurrence(t, bare(x), d, direction, own))
    return r


cdef Tensor product_before(Tensor x, int d, int direction):
    """The product of the elements before each one, in a direction."""
    cdef Tensor first = zeros_form(layout_along(x.form, d))
    if first.form.numel:
        (<double *>first.ptr)[0 if direction == FORWARD else first.form.numel - 1] = 1.0
    return recurrence(first, x, d, direction, BEFORE)


cdef Layout layout_along(Layout form, int d):
    """The layout of one line along a dimension, which broadcasts to `form`."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int k
    for k in range(form.ndim):
        sizes[k] = form.sizes[k] if k == d else 1
    return layout_contiguous(form.ndim, sizes)


# ------------------------------------------------------------------------------------ cumsum, cumprod

cdef struct Scan:
    const char *name
    Kernel forward
    Kernel integer
    PyTypeObject *node
    bint saves                 # whether the derivative needs operand and result


cdef Tensor scan(const Scan *op, Tensor x, int d):
    cdef int kind = F64 if x.kind == F64 else I64
    cdef Tensor y = new_tensor(kind, fresh_layout(x.form))
    cdef Node n
    if not recalled(op.name, y):
        lines_into(op.forward if kind == F64 else op.integer, d, y, x, None, None, kind, NULL)
        computed(op.name, y, x)
    if recording() and needs_grad(x):
        n = scan_node(op, x, x, d)
        set_result(n, y)
        if op.saves:
            save_result(n, y)
    if x.flags & SPECIAL:
        scan_tangent(op, x, y, d)
    return y


cdef Node scan_node(const Scan *op, Tensor x, Tensor old, int d):
    """The node with its edge; old is what x was before a change in place."""
    cdef Node n = new_node(op.node)
    n.args = d
    add_edge(n, x)
    if op.saves:
        save_a(n, old)
    return n


cdef int scan_tangent(const Scan *op, Tensor x, Tensor y, int d) except -1:
    cdef Tensor t = tangent_of(x), p
    if t is None:
        return 0
    if op.saves:
        p = bare(x)
        t = recurrence(binary(&MUL, t, product_before(p, d, FORWARD)), p, d, FORWARD, OWN)
    else:
        t = scan(op, t, d)
    give_tangent(y, t)
    return 0


cdef Tensor scan_in_place(const Scan *op, Tensor x, object dim, object dtype, str name):
    cdef int d = dim_number(dim, x.form.ndim, name)
    cdef int kind = dtype_number(dtype, x.kind)
    cdef Node n = None
    cdef Tensor old = x
    cdef bint recorded = recording() and bool(needs_grad(x))
    if kind != x.kind:
        raise RuntimeError(f"Bad in-place call: input tensor dtype {c_type_name(x.kind)} and output tensor dtype "
                           f"{c_type_name(kind)} should match")
    check_scanned(op, kind, x.form)
    check_in_place(x, recorded)
    check_overlap(x)
    if recorded and op.saves or x.flags & SPECIAL:
        old = before_change(x)
    if recorded:
        n = scan_node(op, x, old, d)
    begin_write(x)
    lines_into(op.forward if kind == F64 else op.integer, d, x, x, None, None, kind, NULL)
    bump(x)
    if recorded:
        n.form = x.form
        if op.saves:
            save_changed(n, x)
        rebase(x, n)
    if x.flags & SPECIAL:
        scan_tangent(op, old, x, d)
    return x


cdef int check_scanned(const Scan *op, int kind, Layout form) except -1:
    if kind == BOOL and form.ndim and form.numel:
        raise NotImplementedError(f"\"{op.name.decode()}_out_cpu\" not implemented for 'Bool'")
    return 0


cdef str c_type_name(int kind):
    return "double" if kind == F64 else "long int" if kind == I64 else "bool"


cdef Tensor scan_arg(const Scan *op, object input, object dim, object dtype, str name):
    """The operation with the arguments that users give."""
    cdef Tensor x = tensor_arg(input, name, "input", 1)
    cdef int d = dim_number(dim, x.form.ndim, name)
    if dtype is None:
        return scan(op, x, d)
    check_scanned(op, dtype_number(dtype, x.kind), x.form)
    x = dtype_cast(x, dtype)
    return to_kind(scan(op, x, d), x.kind)


cdef object scanned_dim(object dim, object axis, str name):
    if dim is None and axis is None:
        raise TypeError(f"{name}() missing 1 required positional arguments: \"dim\"")
    return dim_arg(dim, axis, name)


cdef void cumsum_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef double total = 0.0
    cdef Py_ssize_t i
    for i in range(n):
        total += x[s[1] * i]
        y[i] = total

cdef void cumsum_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef int64_t *y = <int64_t *>p[0]
    cdef const int64_t *x = <const int64_t *>p[1]
    cdef uint64_t total = 0
    cdef Py_ssize_t i
    for i in range(n):
        total += <uint64_t>x[s[1] * i]
        y[i] = <int64_t>total

cdef void cumsum_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *dx = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef double total = 0.0
    cdef Py_ssize_t i
    for i in range(n - 1, -1, -1):
        total += g[s[1] * i]
        dx[i] = total


@cython.final
cdef class CumsumBackward0(Node):
    """the sum of g from each place on"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, scan(&CUMSUM_BACK, g, self.args))


# The derivative of cumsum is the same the other way, and so on.
@cython.final
cdef class CumsumBackward1(Node):
    """the sum of g up to each place"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, scan(&CUMSUM, g, self.args))

cdef Scan CUMSUM
CUMSUM.name = "cumsum"
CUMSUM.forward = cumsum_forward
CUMSUM.integer = cumsum_integer
CUMSUM.node = <PyTypeObject *>CumsumBackward0
CUMSUM.saves = False
cdef Scan CUMSUM_BACK = CUMSUM
CUMSUM_BACK.forward = cumsum_backward
CUMSUM_BACK.node = <PyTypeObject *>CumsumBackward1


@op
def cumsum(input, dim=None, *, dtype=None, axis=None):
    """The sum of all elements up to each one, along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    dtype : dtype, optional
        Convert to this dtype first; integers and bools sum as int64.
    axis
        numpy's name of `dim`.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.cumsum(torch.tensor([1., 2., 3.]), 0)
    tensor([1., 3., 6.])
    """
    return scan_arg(&CUMSUM, input, scanned_dim(dim, axis, "cumsum"), dtype, "cumsum")


@method
def cumsum_(self, dim=None, *, dtype=None, axis=None):
    """In-place version of `cumsum`."""
    return scan_in_place(&CUMSUM, own(self), scanned_dim(dim, axis, "cumsum_"), dtype, "cumsum_")


cdef void cumprod_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef double total = 1.0
    cdef Py_ssize_t i
    for i in range(n):
        total *= x[s[1] * i]
        y[i] = total

cdef void cumprod_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef int64_t *y = <int64_t *>p[0]
    cdef const int64_t *x = <const int64_t *>p[1]
    cdef uint64_t total = 1
    cdef Py_ssize_t i
    for i in range(n):
        total *= <uint64_t>x[s[1] * i]
        y[i] = <int64_t>total

# The recurrence and the product before each element in one pass; y[i - 1] is that product.
cdef void cumprod_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *dx = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef const double *y = <const double *>p[3]
    cdef double last = g[s[1] * (n - 1)]
    cdef Py_ssize_t i
    for i in range(n - 1, 0, -1):
        dx[i] = last * y[s[3] * (i - 1)]
        last = g[s[1] * (i - 1)] + x[s[2] * i] * last
    dx[0] = last


@cython.final
cdef class CumprodBackward0(Node):
    """the product before each place times the sum of g, each times the product from there on"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor x = saved_a(self), y = saved_result(self), dx
        cdef int d = self.args
        if recording() or (g.flags | x.flags | y.flags) & SPECIAL:
            dx = binary(&MUL, recurrence(g, x, d, BACKWARD, BEFORE), product_before(x, d, FORWARD))
        else:
            dx = new_tensor(F64, fresh_layout(x.form))
            lines_into(cumprod_backward, d, dx, g, x, y, F64, NULL)
        return give(grads, 0, dx)

cdef Scan CUMPROD
CUMPROD.name = "cumprod"
CUMPROD.forward = cumprod_forward
CUMPROD.integer = cumprod_integer
CUMPROD.node = <PyTypeObject *>CumprodBackward0
CUMPROD.saves = True


@op
def cumprod(input, dim=None, *, dtype=None, axis=None):
    """The product of all elements up to each one, along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    dtype : dtype, optional
        Convert to this dtype first; integers and bools multiply as int64.
    axis
        numpy's name of `dim`.

    Returns
    -------
    Tensor
        With the sizes of `input`.

    Notes
    -----
    The gradient is taken without a division, in one pass, and is right where elements are 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.cumprod(torch.tensor([1., 2., 3.]), 0)
    tensor([1., 2., 6.])
    """
    return scan_arg(&CUMPROD, input, scanned_dim(dim, axis, "cumprod"), dtype, "cumprod")


@method
def cumprod_(self, dim=None, *, dtype=None, axis=None):
    """In-place version of `cumprod`."""
    return scan_in_place(&CUMPROD, own(self), scanned_dim(dim, axis, "cumprod_"), dtype, "cumprod_")
