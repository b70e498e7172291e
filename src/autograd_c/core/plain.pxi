# Elementwise operations on plain scalars.
#
# Note [Plain scalars]
# Most of the time of an operation on two numbers goes into asking for what does not apply.  An operand
# is plain that is a float64 scalar and has no more to it than its graph; a thread is plain that is in
# no mode but no_grad.  Where all is plain, what elementwise.pxi does comes down to this: a node, a
# tensor in the pool's memory, one call of the kernel.  Everything else takes the way there.  So it is
# with the gradients of two numbers, see gradients.pxi.

cdef Py_ssize_t ONE_EACH[4]    # strides
ONE_EACH[0] = ONE_EACH[1] = ONE_EACH[2] = ONE_EACH[3] = 1


cdef inline bint is_plain(Tensor x) noexcept:
    return x.form is SCALAR and x.kind == F64 and not x.flags & (VIEW | SPECIAL | INFERENCE)


cdef inline bint in_no_mode() noexcept:
    return not (ag_tls.inference | ag_tls.packing | ag_tls.watching)


cdef inline bint takes_plain(int treats, int result_kind) noexcept:
    """Whether an operation makes float64 of float64."""
    return result_kind == SAME and treats != INTEGRAL


cdef inline Tensor plain_unary(const UnaryOp *op, Tensor x, const double *c):
    cdef PyObject *none = <PyObject *>None
    cdef PyObject *node = none
    cdef PyObject *to
    cdef PyObject *y
    cdef char *p[2]
    cdef int nr = 0
    p[1] = x.ptr                   # early: the kernel shall not have to wait for it
    if x.flags & REQUIRES and not ag_tls.no_grad and op.node != NULL:
        to = plain_edge_to(x, &nr)
        node = unary_node(op, to, nr, <PyObject *>x if op.reads & READS_X else none, SCALAR, c)
    y = make_scalar(F64, node)
    if op.alone != NULL:
        (<Tensor>y).value.f = op.alone((<double *>x.ptr)[0], c)
    else:
        p[0] = <char *>&(<Tensor>y).value
        op.forward(1, p, ONE_EACH, c)
    if op.reads & READS_Y and node != none:
        (<Node>node).y = (<Tensor>y).value.f       # Note [Saved outputs]
        (<Node>node).flags |= SAVES | SCALAR_RESULT
    return own_tensor(y)


cdef inline Tensor plain_binary(const BinaryOp *op, Tensor a, Tensor b):
    cdef PyObject *none = <PyObject *>None
    cdef PyObject *node = none
    cdef PyObject *to0
    cdef PyObject *to1 = none
    cdef PyObject *y
    cdef char *p[3]
    cdef int nr0 = 0, nr1 = 0, reads
    cdef bint number
    p[1] = a.ptr
    p[2] = b.ptr
    if (a.flags | b.flags) & REQUIRES and not ag_tls.no_grad and op.node != NULL:
        number = takes_number(op, b)
        to0 = plain_edge_to(a, &nr0)
        if not number:
            to1 = plain_edge_to(b, &nr1)
        reads = read_by(op, to0, to1)
        node = binary_node(op, number, to0, nr0, to1, nr1, <PyObject *>a if reads & READS_A else none,
                           <PyObject *>b if reads & READS_B else none, SCALAR)
    y = make_scalar(F64, node)
    p[0] = <char *>&(<Tensor>y).value
    op.forward(1, p, ONE_EACH, NULL)
    return own_tensor(y)
