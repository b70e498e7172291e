# Elementwise operations: from an operation's table of kernels (tables.pxi) to a recorded result.
#
# Everything that they share - promotion, broadcasting, recording, writing in place, the tangent - is here
# and in gradients.pxi, once.

cdef inline bint needs_grad(Tensor x) except -1:
    """Whether an operation on x must be recorded (where recording is on at all)."""
    if x.flags & VIEW:
        sync_view(x)
        return ((x.flags | x.meta.base.flags) & REQUIRES) != 0
    return (x.flags & REQUIRES) != 0


# --------------------------------------------------------------------------------------------- unary

cdef int unary_kinds(const UnaryOp *op, int kind, int *want, int *result) except -1:
    """Which dtype is computed in, and which one results."""
    if op.treats == INTEGRAL and kind == F64:
        raise NotImplementedError(f"\"{op.name.decode()}_cpu\" not implemented for 'Double'")
    if op.treats == NO_BOOL and kind == BOOL:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert "
                           "a mask, use the `~` or `logical_not()` operator instead.")
    if op.treats == NUMERIC and kind == BOOL:
        raise NotImplementedError(f"\"{op.name.decode()}_cpu\" not implemented for 'Bool'")
    want[0] = F64 if kind == F64 or op.integer == NULL else I64
    result[0] = op.result_kind if op.result_kind != SAME else F64 if want[0] == F64 else kind
    return 0


cdef inline int unary_into(const UnaryOp *op, Tensor y, Tensor x, int want, const double *c) except -1:
    """y[...] = op(x); y has x's sizes."""
    cdef char *p[2]
    cdef Py_ssize_t s[2]
    cdef Kernel kernel = op.forward if want == F64 else op.integer
    cdef int made = want if op.result_kind == SAME else op.result_kind
    if x.form is not y.form or not x.form.dense or x.kind != want or y.kind != made or x.form.numel >= UNLOCK:
        return walk_unary(kernel, y, made, x, want, c)
    p[0] = y.ptr
    p[1] = x.ptr
    s[0] = s[1] = 1
    kernel(x.form.numel, p, s, c)
    return 0


cdef int walk_unary(Kernel kernel, Tensor y, int made, Tensor x, int want, const double *c) except -1:
    cdef Walk w
    walk_start(&w, y.form)
    walk_add(&w, y.ptr, y.form, y.kind, made)
    walk_add(&w, x.ptr, x.form, x.kind, want)
    walk_run(&w, kernel, c)
    return 0


cdef inline Tensor unary(const UnaryOp *op, Tensor x):
    """The operation without static arguments."""
    return unary_with(op, x, 0.0, 0.0)


cdef Tensor unary_with(const UnaryOp *op, Tensor x, double c0, double c1):
    cdef Tensor y
    cdef Layout form
    cdef PyObject *node = <PyObject *>None
    cdef double c[2]
    cdef int want = F64, kind = F64
    c[0] = c0
    c[1] = c1
    if is_plain(x) and takes_plain(op.treats, op.result_kind) and in_no_mode():
        return plain_unary(op, x, c)
    if x.kind != F64 or not takes_plain(op.treats, op.result_kind):
        unary_kinds(op, x.kind, &want, &kind)
    form = fresh_layout(x.form)
    if recording() and op.node != NULL and needs_grad(x):
        node = record_unary(op, x, x, form, c)
    y = own_tensor(make_tensor(kind, form, node))
    if not recalled(op.name, y):
        unary_into(op, y, x, want, c)
        computed(op.name, y, x)
    if node != <PyObject *>None and op.reads & READS_Y:
        save_result(y.node, y)
    if x.flags & SPECIAL:
        unary_tangent(op, x, y, c)
    return y


cdef PyObject *record_unary(const UnaryOp *op, Tensor x, Tensor old_x, Layout form, const double *c) except NULL:
    """The node, a new reference; old_x is what x was before a change in place."""
    cdef PyObject *none = <PyObject *>None
    cdef PyObject *saved = <PyObject *>old_x if op.reads & READS_X else none
    cdef PyObject *n
    cdef PyObject *to
    cdef int nr = 0
    if op.reads & READS_X and old_x.flags & INFERENCE:
        raise errors().inference_saved()
    to = edge_to(x, &nr)
    n = unary_node(op, to, nr, none if ag_tls.packing else saved, form, c)
    return packed_node(n, saved, none) if ag_tls.packing else n


cdef Tensor unary_in_place(const UnaryOp *op, Tensor x):
    return unary_in_place_with(op, x, 0.0, 0.0)


cdef Tensor unary_in_place_with(const UnaryOp *op, Tensor x, double c0, double c1):
    """x[...] = op(x), recorded."""
    cdef Node n = None
    cdef Tensor old = x
    cdef double c[2]
    cdef int want = F64, kind = F64
    cdef bint recorded = recording() and op.node != NULL and target_needs_grad(x)
    c[0] = c0
    c[1] = c1
    check_in_place(x, recorded)
    check_overlap(x)
    unary_kinds(op, x.kind, &want, &kind)
    check_castable(kind, x.kind)
    if recorded and op.reads & READS_X or x.flags & SPECIAL:
        old = before_change(x)
    if recorded:
        n = own_node(record_unary(op, x, old, x.form, c))
    begin_write(x)
    unary_into(op, x, x, want, c)
    bump(x)
    if recorded:
        if op.reads & READS_Y:
            save_changed(n, x)
        rebase(x, n)
    if x.flags & SPECIAL:
        unary_tangent(op, old, x, c)
    return x


# -------------------------------------------------------------------------------------------- binary

cdef int binary_kinds(const BinaryOp *op, int a, int b, int *want, int *result) except -1:
    """Which dtype is computed in, and which one results (PyTorch's promotion)."""
    cdef int kind = max(a, b)
    if op.treats == TO_FLOAT:
        kind = F64
    elif op.treats == NO_BOOL and kind != BOOL and (a == BOOL or b == BOOL):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
                           "invert a mask, use the `~` or `logical_not()` operator instead.")
    elif op.treats == NO_BOOL and kind == BOOL:
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
                           "`logical_xor()` operator instead.")
    want[0] = F64 if kind == F64 or op.integer == NULL else I64
    if want[0] == F64:
        kind = F64
    result[0] = op.result_kind if op.result_kind != SAME else kind
    return 0


cdef int check_operands(const BinaryOp *op, Tensor a, Tensor b, int want) except -1:
    """Raise for what the kernel does not do, after other sizes than it can take; integers are not divided by 0."""
    cdef int kind = a.kind if a.kind > b.kind else b.kind
    if op.treats == KEEP or op.treats == TO_FLOAT or op.treats == NO_BOOL:
        return 0
    broadcast_layouts(a.form, b.form)
    if op.treats == NUMERIC and kind == BOOL:
        raise NotImplementedError(f"\"{op.name.decode()}\" not implemented for 'Bool'")
    if op.treats == FLOAT_ONLY and kind != F64:
        raise NotImplementedError(f"\"{op.name.decode()}_cpu\" not implemented for '{scalar_type_name(kind)}'")
    if op.treats == INTEGRAL and kind == F64:
        raise NotImplementedError(f"\"{op.name.decode()}_cpu\" not implemented for 'Double'")
    if op.treats != INTEGER_DIVISION or want != I64:
        return 0
    if a.kind == BOOL and b.kind == BOOL:
        raise NotImplementedError(f"\"{op.name.decode()}_cpu\" not implemented for 'Bool'")
    if a.form.numel and b.form.numel and truth(c_any(compare(Py_EQ, b, scalar_i64(0)))):
        raise RuntimeError("ZeroDivisionError")
    return 0


cdef inline int binary_into(const BinaryOp *op, Tensor y, Tensor a, Tensor b, int want) except -1:
    """y[...] = op(a, b), broadcast to y's sizes."""
    cdef char *p[3]
    cdef Py_ssize_t s[3]
    cdef Kernel kernel = op.forward if want == F64 else op.integer
    cdef int made = want if op.result_kind == SAME else op.result_kind
    s[0] = 1
    s[1] = a.form is y.form
    s[2] = b.form is y.form
    if (not y.form.dense or not (s[1] or a.form is SCALAR) or not (s[2] or b.form is SCALAR)
            or a.kind != want or b.kind != want or y.kind != made or y.form.numel >= UNLOCK):
        return walk_binary(kernel, y, made, a, b, want)
    p[0] = y.ptr
    p[1] = a.ptr
    p[2] = b.ptr
    kernel(y.form.numel, p, s, NULL)
    return 0


cdef int walk_binary(Kernel kernel, Tensor y, int made, Tensor a, Tensor b, int want) except -1:
    cdef Walk w
    walk_start(&w, y.form)
    walk_add(&w, y.ptr, y.form, y.kind, made)
    walk_add(&w, a.ptr, a.form, a.kind, want)
    walk_add(&w, b.ptr, b.form, b.kind, want)
    walk_run(&w, kernel, NULL)
    return 0


cdef Tensor binary(const BinaryOp *op, Tensor a, Tensor b):
    cdef Tensor y
    cdef Layout form
    cdef PyObject *node = <PyObject *>None
    cdef int want = F64, kind = F64
    if is_plain(a) and is_plain(b) and takes_plain(op.treats, op.result_kind) and in_no_mode():
        return plain_binary(op, a, b)
    if a.kind != F64 or b.kind != F64 or not takes_plain(op.treats, op.result_kind):
        binary_kinds(op, a.kind, b.kind, &want, &kind)
        check_operands(op, a, b, want)
        if b.flags & NUMBER and b.kind == I64 and want == F64 and b.storage is None:
            b.value.f = <double>b.value.i      # nobody else has it: now, rather than on each way
            b.kind = F64
    if b.form is SCALAR or a.form is b.form:
        form = fresh_layout(a.form)
    elif a.form is SCALAR:
        form = fresh_layout(b.form)
    else:
        form = broadcast_layouts(a.form, b.form)
    if recording() and op.node != NULL and ((a.flags | b.flags) & (REQUIRES | VIEW)):
        if needs_grad(a) | needs_grad(b):
            node = record_binary(op, a, b, a, form)
    y = own_tensor(make_tensor(kind, form, node))
    if not recalled(op.name, y):
        binary_into(op, y, a, b, want)
        computed(op.name, y, a, b)
    if (a.flags | b.flags) & SPECIAL:
        binary_tangent(op, a, b, y)
    return y


cdef PyObject *record_binary(const BinaryOp *op, Tensor a, Tensor b, Tensor old_a, Layout form) except NULL:
    """The node, a new reference; old_a is what a was before a change in place."""
    cdef PyObject *none = <PyObject *>None
    cdef bint number = takes_number(op, b)
    cdef int nr0 = 0, nr1 = 0
    cdef PyObject *to0 = edge_to(a, &nr0)
    cdef PyObject *to1 = none if number else second_edge_to(b, &nr1, to0)
    cdef int reads = read_by(op, to0, to1)
    cdef PyObject *a_saved = <PyObject *>old_a if reads & READS_A else none
    cdef PyObject *b_saved = <PyObject *>b if reads & READS_B else none
    cdef PyObject *n
    if (reads & READS_A and old_a.flags & INFERENCE) or (reads & READS_B and b.flags & INFERENCE):
        let_go(to0)
        let_go(to1)
        raise errors().inference_saved()
    if not ag_tls.packing:
        return binary_node(op, number, to0, nr0, to1, nr1, a_saved, b_saved, form)
    n = binary_node(op, number, to0, nr0, to1, nr1, none, none, form)
    return packed_node(n, a_saved, b_saved)


cdef Tensor binary_in_place(const BinaryOp *op, Tensor a, Tensor b):
    """a[...] = op(a, b), recorded."""
    cdef Node n = None
    cdef Tensor old = a
    cdef int want = F64, kind = F64
    cdef bint recorded = recording() and op.node != NULL and bool(target_needs_grad(a) | needs_grad(b))
    check_in_place(a, recorded)
    check_overlap(a)
    binary_kinds(op, a.kind, b.kind, &want, &kind)
    check_broadcast_into(a, b)
    check_castable(kind, a.kind)
    check_operands(op, a, b, want)
    if may_overlap(a, b) and not (a.ptr == b.ptr and same_strides(a.form, b.form)):
        b = before_change(b)
    if recorded and (op.reads_a | op.reads_b) & READS_A or a.flags & SPECIAL or b is a:
        old = before_change(a)
        if b is a:
            b = old
    if recorded:
        n = own_node(record_binary(op, a, b, old, a.form))
    begin_write(a)
    binary_into(op, a, a, b, want)
    bump(a)
    if recorded:
        rebase(a, n)
    if (a.flags | b.flags) & SPECIAL:
        binary_tangent(op, old, b, a)
    return a


# ------------------------------------------------------------------------- rules of changes in place

cdef inline bint target_needs_grad(Tensor x) except -1:
    """`needs_grad` of what shall change in place: that it must not comes before that it is out of date."""
    if x.flags & VIEW and x.meta.creation != PLAIN_VIEW and recording() and (x.flags | x.meta.base.flags) & REQUIRES:
        raise view_error(x, x.meta, False)
    return needs_grad(x)


cdef int check_in_place(Tensor x, bint recorded) except -1:
    """Raise where x must not be written to; `recorded`: the change would be recorded."""
    if x.flags & INFERENCE and not ag_tls.inference:
        raise errors().inference_in_place()
    if x.storage is not None and x.storage.readonly:
        raise RuntimeError("the tensor's memory is read-only; clone() it before writing to it")
    if recorded:
        check_rebase(x)
    return 0


cdef int check_overlap(Tensor x) except -1:
    """Raise where elements of x that would get different values lie at one place."""
    if not x.form.dense and overlaps_itself(x.form):
        raise errors().internal_overlap()
    return 0


cdef int check_expanded(Tensor x) except -1:
    """Raise for an expanded x, as PyTorch does, before a write that other overlaps leave well defined."""
    if is_expanded(x.form):
        raise errors().internal_overlap()
    return 0


cdef int check_castable(int kind, int to) except -1:
    if kind > to:
        raise RuntimeError(f"result type {scalar_type_name(kind)} can't be cast to the desired output type "
                           f"{scalar_type_name(to)}")
    return 0


cdef int check_broadcast_into(Tensor a, Tensor b) except -1:
    cdef Layout both
    if b.form is a.form or b.form is SCALAR:
        return 0
    both = broadcast_layouts(a.form, b.form)
    if not same_sizes(both, a.form):
        raise RuntimeError(f"output with shape {sizes_text(a.form)} doesn't match the broadcast shape "
                           f"{sizes_text(both)}")
    return 0


cdef inline int begin_write(Tensor x) except -1:
    """Before a change in place: a scalar that its node saved must not change in its object."""
    if x.storage is None and x.node is not None and x.node.flags & SCALAR_RESULT:
        spill(x)
    return 0


cdef Tensor before_change(Tensor x):
    """A copy of x as it is, with x's place in the graph: for what must survive a change of x."""
    cdef Tensor old = copy_like(x, x.form)
    inherit(old, x)
    return old


cdef inline bint same_strides(Layout a, Layout b) noexcept:
    return a is b or (same_sizes(a, b) and not memcmp(a.strides, b.strides, a.ndim * sizeof(Py_ssize_t)))


cdef int inherit(Tensor t, Tensor x) except -1:
    """Give t the history and the tangent of x."""
    cdef Node to = gradient_node(x)
    t.node = to
    t.nr = x.nr if x.node is not None else 0
    t.flags |= x.flags & (REQUIRES | NUMBER)
    if x.flags & DUAL and tangent_of(x) is not None:
        set_tangent(t, c_clone(tangent_of(x)))
    return 0
