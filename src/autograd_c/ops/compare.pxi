# Comparisons, logic, tests, and choosing by a condition.
#
# Comparisons and tests make bool tensors and are not differentiable; `where` and `masked_fill` are.

# --------------------------------------------------------------------------------------- comparisons

cdef inline bint lt_value(double a, double b) noexcept:
    return a < b

cdef inline bint lt_value_int(int64_t a, int64_t b) noexcept:
    return a < b

cdef void lt_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(lt_value, n, p, s)

cdef void lt_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2_int(lt_value_int, n, p, s)

cdef inline bint le_value(double a, double b) noexcept:
    return a <= b

cdef inline bint le_value_int(int64_t a, int64_t b) noexcept:
    return a <= b

cdef void le_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(le_value, n, p, s)

cdef void le_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2_int(le_value_int, n, p, s)

cdef inline bint eq_value(double a, double b) noexcept:
    return a == b

cdef inline bint eq_value_int(int64_t a, int64_t b) noexcept:
    return a == b

cdef void eq_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(eq_value, n, p, s)

cdef void eq_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2_int(eq_value_int, n, p, s)

cdef inline bint ne_value(double a, double b) noexcept:
    return a != b

cdef inline bint ne_value_int(int64_t a, int64_t b) noexcept:
    return a != b

cdef void ne_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(ne_value, n, p, s)

cdef void ne_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2_int(ne_value_int, n, p, s)

cdef inline bint gt_value(double a, double b) noexcept:
    return a > b

cdef inline bint gt_value_int(int64_t a, int64_t b) noexcept:
    return a > b

cdef void gt_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(gt_value, n, p, s)

cdef void gt_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2_int(gt_value_int, n, p, s)

cdef inline bint ge_value(double a, double b) noexcept:
    return a >= b

cdef inline bint ge_value_int(int64_t a, int64_t b) noexcept:
    return a >= b

cdef void ge_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(ge_value, n, p, s)

cdef void ge_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2_int(ge_value_int, n, p, s)

cdef BinaryOp COMPARISONS[6]
COMPARISONS[Py_LT] = binary_test("lt", lt_forward, lt_integer)
COMPARISONS[Py_LE] = binary_test("le", le_forward, le_integer)
COMPARISONS[Py_EQ] = binary_test("eq", eq_forward, eq_integer)
COMPARISONS[Py_NE] = binary_test("ne", ne_forward, ne_integer)
COMPARISONS[Py_GT] = binary_test("gt", gt_forward, gt_integer)
COMPARISONS[Py_GE] = binary_test("ge", ge_forward, ge_integer)


cdef Tensor compare(int kind, Tensor a, Tensor b):
    return binary(&COMPARISONS[kind], a, b)


@op
def lt(input, other):
    """Whether each element is less than that of other, as a bool tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.lt(torch.tensor([1., 2., 3.]), 2)
    tensor([ True, False, False])
    """
    return compare(Py_LT, tensor_arg(input, "lt", "input", 1), operand_arg(other, "lt", "other", 2))


@op
def le(input, other):
    """Whether each element is at most that of other, as a bool tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.le(torch.tensor([1., 2., 3.]), 2)
    tensor([ True,  True, False])
    """
    return compare(Py_LE, tensor_arg(input, "le", "input", 1), operand_arg(other, "le", "other", 2))


@op
def eq(input, other):
    """Whether each element is equal to that of other, as a bool tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.eq(torch.tensor([1., 2., 3.]), 2)
    tensor([False,  True, False])
    """
    return compare(Py_EQ, tensor_arg(input, "eq", "input", 1), operand_arg(other, "eq", "other", 2))


@op
def ne(input, other):
    """Whether each element is not equal to that of other, as a bool tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.ne(torch.tensor([1., 2., 3.]), 2)
    tensor([ True, False,  True])
    """
    return compare(Py_NE, tensor_arg(input, "ne", "input", 1), operand_arg(other, "ne", "other", 2))


@op
def gt(input, other):
    """Whether each element is greater than that of other, as a bool tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.gt(torch.tensor([1., 2., 3.]), 2)
    tensor([False, False,  True])
    """
    return compare(Py_GT, tensor_arg(input, "gt", "input", 1), operand_arg(other, "gt", "other", 2))


@op
def ge(input, other):
    """Whether each element is at least that of other, as a bool tensor.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.ge(torch.tensor([1., 2., 3.]), 2)
    tensor([False,  True,  True])
    """
    return compare(Py_GE, tensor_arg(input, "ge", "input", 1), operand_arg(other, "ge", "other", 2))


# --------------------------------------------------------------------------------------------- tests

cdef inline bint isnan_value(double x) noexcept:
    return x != x

cdef void isnan_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test1(isnan_value, n, p, s)

cdef UnaryOp ISNAN = unary_test("isnan", isnan_forward, NULL)


@op
def isnan(input):
    """Whether each element is nan.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.isnan(torch.tensor([1., float("inf"), float("nan")]))
    tensor([False, False,  True])
    """
    return unary(&ISNAN, tensor_arg(input, "isnan", "input", 1))


cdef inline bint isinf_value(double x) noexcept:
    return x - x != x - x and x == x

cdef void isinf_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test1(isinf_value, n, p, s)

cdef UnaryOp ISINF = unary_test("isinf", isinf_forward, NULL)


@op
def isinf(input):
    """Whether each element is inf or -inf.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.isinf(torch.tensor([1., float("inf"), float("nan")]))
    tensor([False,  True, False])
    """
    return unary(&ISINF, tensor_arg(input, "isinf", "input", 1))


cdef inline bint isfinite_value(double x) noexcept:
    return x - x == x - x

cdef void isfinite_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test1(isfinite_value, n, p, s)

cdef UnaryOp ISFINITE = unary_test("isfinite", isfinite_forward, NULL)


@op
def isfinite(input):
    """Whether each element is neither infinite nor nan.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.isfinite(torch.tensor([1., float("inf"), float("nan")]))
    tensor([ True, False, False])
    """
    return unary(&ISFINITE, tensor_arg(input, "isfinite", "input", 1))


# --------------------------------------------------------------------------------------------- logic

cdef inline bint logical_not_value(double x) noexcept:
    return x == 0.0

cdef void logical_not_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test1(logical_not_value, n, p, s)

cdef UnaryOp LOGICAL_NOT = unary_test("logical_not", logical_not_forward, NULL)


@op
def logical_not(input):
    """Whether each element is zero.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logical_not(torch.tensor([0., 2.]))
    tensor([ True, False])
    """
    return unary(&LOGICAL_NOT, tensor_arg(input, "logical_not", "input", 1))


cdef inline bint logical_and_value(double a, double b) noexcept:
    return (a != 0.0) & (b != 0.0)

cdef void logical_and_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(logical_and_value, n, p, s)

cdef BinaryOp LOGICAL_AND = binary_test("logical_and", logical_and_forward, NULL)


@op
def logical_and(input, other):
    """Logical and of the truth of each element.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logical_and(torch.tensor([True, True, False]), torch.tensor([True, False, False]))
    tensor([ True, False, False])
    """
    return binary(&LOGICAL_AND, tensor_arg(input, "logical_and", "input", 1),
                  tensor_arg(other, "logical_and", "other", 2))


cdef inline bint logical_or_value(double a, double b) noexcept:
    return (a != 0.0) | (b != 0.0)

cdef void logical_or_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(logical_or_value, n, p, s)

cdef BinaryOp LOGICAL_OR = binary_test("logical_or", logical_or_forward, NULL)


@op
def logical_or(input, other):
    """Logical or of the truth of each element.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logical_or(torch.tensor([True, True, False]), torch.tensor([True, False, False]))
    tensor([ True,  True, False])
    """
    return binary(&LOGICAL_OR, tensor_arg(input, "logical_or", "input", 1), tensor_arg(other, "logical_or", "other", 2))


cdef inline bint logical_xor_value(double a, double b) noexcept:
    return (a != 0.0) != (b != 0.0)

cdef void logical_xor_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    test2(logical_xor_value, n, p, s)

cdef BinaryOp LOGICAL_XOR = binary_test("logical_xor", logical_xor_forward, NULL)


@op
def logical_xor(input, other):
    """Logical either-or of the truth of each element.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logical_xor(torch.tensor([True, True, False]), torch.tensor([True, False, False]))
    tensor([False,  True, False])
    """
    return binary(&LOGICAL_XOR, tensor_arg(input, "logical_xor", "input", 1),
                  tensor_arg(other, "logical_xor", "other", 2))


# -------------------------------------------------------------------------------------------- bitwise

cdef inline int64_t invert_value(int64_t x) noexcept:
    return ~x

cdef void invert_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1_int(invert_value, n, p, s)

cdef UnaryOp INVERT = unary_op("bitwise_not", NULL, Node, READS_NOTHING, NULL, NULL)
INVERT.node = NULL
INVERT.integer = invert_integer
INVERT.treats = INTEGRAL


cdef Tensor invert(Tensor x):
    """~x: the complement of integers, the negation of bools."""
    return unary(&LOGICAL_NOT if x.kind == BOOL else &INVERT, x)


@method
def bitwise_not_(self):
    """In-place version of `bitwise_not`."""
    return unary_in_place(&LOGICAL_NOT if own(self).kind == BOOL else &INVERT, own(self))


@op
def bitwise_not(input):
    """~input: the complement of integers, the negation of bools.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.bitwise_not(torch.tensor([0, 5]))
    tensor([-1, -6])
    """
    return invert(tensor_arg(input, "bitwise_not", "input", 1))


cdef inline int64_t bitwise_and_value(int64_t a, int64_t b) noexcept:
    return a & b

cdef void bitwise_and_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(bitwise_and_value, n, p, s)

cdef BinaryOp BITWISE_AND = binary_op("bitwise_and", INTEGRAL, NULL, bitwise_and_integer)


@op
def bitwise_and(input, other):
    """input & other, for integers and bools.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.bitwise_and(torch.tensor([6]), torch.tensor([5]))
    tensor([4])
    """
    check_one_tensor(input, other, "bitwise_and")
    return binary(&BITWISE_AND, operand_arg(input, "bitwise_and", "input", 1),
                  operand_arg(other, "bitwise_and", "other", 2))


@method
def bitwise_and_(self, other):
    """In-place version of `bitwise_and`."""
    return binary_in_place(&BITWISE_AND, own(self), operand_arg(other, "bitwise_and_", "other", 1))


cdef inline int64_t bitwise_or_value(int64_t a, int64_t b) noexcept:
    return a | b

cdef void bitwise_or_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(bitwise_or_value, n, p, s)

cdef BinaryOp BITWISE_OR = binary_op("bitwise_or", INTEGRAL, NULL, bitwise_or_integer)


@op
def bitwise_or(input, other):
    """input | other, for integers and bools.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.bitwise_or(torch.tensor([6]), torch.tensor([5]))
    tensor([7])
    """
    check_one_tensor(input, other, "bitwise_or")
    return binary(&BITWISE_OR, operand_arg(input, "bitwise_or", "input", 1),
                  operand_arg(other, "bitwise_or", "other", 2))


@method
def bitwise_or_(self, other):
    """In-place version of `bitwise_or`."""
    return binary_in_place(&BITWISE_OR, own(self), operand_arg(other, "bitwise_or_", "other", 1))


cdef inline int64_t bitwise_xor_value(int64_t a, int64_t b) noexcept:
    return a ^ b

cdef void bitwise_xor_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(bitwise_xor_value, n, p, s)

cdef BinaryOp BITWISE_XOR = binary_op("bitwise_xor", INTEGRAL, NULL, bitwise_xor_integer)


@op
def bitwise_xor(input, other):
    """input ^ other, for integers and bools.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.bitwise_xor(torch.tensor([6]), torch.tensor([5]))
    tensor([3])
    """
    check_one_tensor(input, other, "bitwise_xor")
    return binary(&BITWISE_XOR, operand_arg(input, "bitwise_xor", "input", 1),
                  operand_arg(other, "bitwise_xor", "other", 2))


@method
def bitwise_xor_(self, other):
    """In-place version of `bitwise_xor`."""
    return binary_in_place(&BITWISE_XOR, own(self), operand_arg(other, "bitwise_xor_", "other", 1))


# --------------------------------------------------------------------------------------------- where
# A choice moves elements and computes nothing, so that a nan in what was not chosen does no harm.

cdef inline void choose_elements(Py_ssize_t n, stored *y, const char *condition, Py_ssize_t k, const stored *a,
                                 Py_ssize_t ka, const stored *b, Py_ssize_t kb) noexcept:
    cdef stored yes, no
    cdef Py_ssize_t i
    for i in range(n):
        yes = a[ka * i]                          # both are read, so that the choice needs no branch
        no = b[kb * i]
        y[i] = yes if condition[k * i] else no


cdef inline void choose_run(Py_ssize_t n, stored *y, const char *condition, Py_ssize_t k, const stored *a,
                            Py_ssize_t ka, const stored *b, Py_ssize_t kb) noexcept:
    """With constants for the common strides, the elements that stand still copied, and y told from b."""
    cdef stored yes, no
    if n == 0:
        return
    yes = a[0]
    no = b[0]
    if k and ka and kb:
        choose_elements(n, y, condition, 1, a, 1, b, 1)
    elif k and ka:
        choose_elements(n, y, condition, 1, a, 1, &no, 0)
    elif k and kb and b == y:
        choose_elements(n, y, condition, 1, &yes, 0, y, 1)
    elif k and kb:
        choose_elements(n, y, condition, 1, &yes, 0, b, 1)
    else:
        choose_elements(n, y, condition, k, a, ka, b, kb)


cdef void choose_run_8(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    choose_run[int64_t](n, <int64_t *>p[0], p[1], s[1], <const int64_t *>p[2], s[2], <const int64_t *>p[3], s[3])


cdef void choose_run_1(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    choose_run[char](n, p[0], p[1], s[1], p[2], s[2], p[3], s[3])


cdef int choose_into(Tensor y, Tensor condition, Tensor a, Tensor b) except -1:
    """y[...] = a where condition, else b."""
    cdef Walk w
    walk_start(&w, y.form)
    walk_add(&w, y.ptr, y.form, y.kind, y.kind)
    walk_add(&w, condition.ptr, condition.form, condition.kind, BOOL)
    walk_add(&w, a.ptr, a.form, a.kind, y.kind)
    walk_add(&w, b.ptr, b.form, b.kind, y.kind)
    walk_run(&w, choose_run_1 if y.kind == BOOL else choose_run_8, NULL)
    return 0


@cython.final
cdef class WhereBackward0(Node):
    """a: g where condition, else 0; b: 0 where condition, else g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor condition = saved_a(self)
        if self.next0 is not None:
            give(grads, 0, choose(condition, g, scalar_number(0.0)))
        if self.next1 is not None:
            give(grads, 1, choose(condition, scalar_number(0.0), g))
        return 0


cdef Tensor choose(Tensor condition, Tensor a, Tensor b):
    cdef Tensor y
    cdef Node n
    cdef Layout form = broadcast_layouts(broadcast_layouts(condition.form, a.form), b.form)
    y = new_tensor(max_kind(a, b), fresh_layout(form))
    choose_into(y, condition, a, b)
    if recording() and needs_grad(a) | needs_grad(b):
        n = new_node(<PyTypeObject *>WhereBackward0)
        add_edge(n, a)
        add_edge(n, b)
        save_a(n, condition)
        set_result(n, y)
    if (a.flags | b.flags) & SPECIAL and (tangent_of(a) is not None or tangent_of(b) is not None):
        set_tangent(y, choose(condition, tangent_or_zeros(a), tangent_or_zeros(b)))
    return y


@op_function
def where(condition, input=None, other=None):
    """Elements of `input` where `condition` holds, else of `other`.

    Parameters
    ----------
    condition : Tensor
        Of dtype bool.
    input, other : Tensor or number
        All three are broadcast against each other.

    Returns
    -------
    Tensor

    Notes
    -----
    The gradient of what is not chosen is 0; a nan computed before, in log(x) say, still comes back
    as 0 * inf from the derivative of log.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.where(torch.tensor([True, False]), torch.tensor([1., 2.]), 0.)
    tensor([1., 0.])
    """
    cdef Tensor condition_ = tensor_arg(condition, "where", "condition", 1)
    if input is None and other is None:
        return nonzero(condition_, as_tuple=True)
    if condition_.kind != BOOL:
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{scalar_type_name(condition_.kind)}")
    return choose(condition_, operand_arg(input, "where", "input", 2), operand_arg(other, "where", "other", 3))


@method
@renamed("where")
def where_method(self, condition, other):
    """Elements of this tensor where `condition` holds, else of `other`; see the function."""
    return where(condition, self, other)


# --------------------------------------------------------------------------------------- masked_fill

cdef class MaskedFillBackward0(Node):
    """g where not mask, else 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor mask = saved_a(self)
        if self.next0 is not None:
            give(grads, 0, choose(mask, scalar_number(0.0), g))
        if self.next1 is not None:
            give(grads, 1, c_sum_all(choose(mask, g, scalar_number(0.0))))
        return 0

cdef class MaskedFillBackward1(MaskedFillBackward0):
    """input: g where not mask, else 0; value: sum of g where mask"""


cdef Node masked_fill_node(Tensor x, Tensor mask, Tensor value):
    cdef Node n = new_node(<PyTypeObject *>(MaskedFillBackward0 if value.flags & NUMBER else MaskedFillBackward1))
    add_edge(n, x)
    if not value.flags & NUMBER:
        add_edge(n, value)
    save_a(n, mask)
    return n


cdef int check_masked_fill(Tensor x, Tensor mask, Tensor value) except -1:
    if mask.kind != BOOL:
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype "
                           f"{'long' if mask.kind == I64 else 'double'}")
    if value.form.ndim:
        raise RuntimeError("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                           f"{value.form.ndim} dimension(s).")
    return 0


@op
def masked_fill(input, mask, value):
    """A copy of `input` with `value` where `mask` holds.

    Parameters
    ----------
    input : Tensor
    mask : Tensor
        Of dtype bool; broadcast against `input`.
    value : number or 0-d Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.masked_fill(torch.tensor([1., 2.]), torch.tensor([True, False]), 0.)
    tensor([0., 2.])
    """
    cdef Tensor x = tensor_arg(input, "masked_fill", "input", 1)
    cdef Tensor m = tensor_arg(mask, "masked_fill", "mask", 2)
    cdef Tensor v = operand_arg(value, "masked_fill", "value", 3), y
    check_masked_fill(x, m, v)
    y = new_tensor(x.kind, fresh_layout(broadcast_layouts(x.form, m.form)))
    choose_into(y, m, v, x)
    if recording() and needs_grad(x) | needs_grad(v):
        set_result(masked_fill_node(x, m, v), y)
    if (x.flags | v.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(v) is not None):
        set_tangent(y, choose(m, tangent_or_zeros(v), tangent_or_zeros(x)))
    return y


cdef int fill_at(Tensor x, Tensor m, Tensor v) except -1:
    """x[m] = v where elements of x lie at one place: one that is filled stays so."""
    cdef Plan plan = make_plan(x.form, [c_expand(m, layout_contiguous(x.form.ndim, x.form.sizes))])
    cdef Tensor flat = new_tensor(x.kind, plan.result)
    copy_elements(flat, v)
    plan_run(plan, x, flat, OVERWRITE)
    return 0


@method
def masked_fill_(self, mask, value):
    """In-place version of `masked_fill`."""
    cdef Tensor x = own(self), m = tensor_arg(mask, "masked_fill_", "mask", 1)
    cdef Tensor v = operand_arg(value, "masked_fill_", "value", 2)
    cdef Node n = None
    cdef bint recorded = recording() and bool(target_needs_grad(x) | needs_grad(v))
    check_masked_fill(x, m, v)
    check_in_place(x, recorded)
    if is_expanded(x.form):
        errors().warn_expanded("masked_fill_", "tensor[mask] = scalar")
    check_broadcast_into(x, m)
    if recorded:
        n = masked_fill_node(x, m, v)
    begin_write(x)
    if may_overlap(x, m):
        m = copy_like(m, m.form)
    if overlaps_itself(x.form):
        fill_at(x, m, v)
    else:
        choose_into(x, m, v, x)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if (x.flags | v.flags) & SPECIAL and (tangent_of(x) is not None or tangent_of(v) is not None):
        give_tangent(x, choose(m, tangent_or_zeros(v), tangent_or_zeros(x)))
    return x
