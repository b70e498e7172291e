# Arithmetic on two tensors.
#
# Each block: the derivatives for a and b as formulas, the kernels, the node, the table, the functions.
# a and b the operands, g the gradient that comes in; what was broadcast is summed by the engine.

cdef int check_one_tensor(object a, object b, str function) except -1:
    """Not every function takes two numbers where it takes a number in either place."""
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        raise errors().no_overload(function, (a, b), {})
    return 0


# ---------------------------------------------------------------------------------------------- add

cdef inline double add_value(double a, double b) noexcept:
    return a + b

cdef inline int64_t add_value_int(int64_t a, int64_t b) noexcept:
    return <int64_t>(<uint64_t>a + <uint64_t>b)   # wraps, as numpy's does

cdef inline num add_da(num g, num a, num b) noexcept:
    return g

cdef inline num add_db(num g, num a, num b) noexcept:
    return g

cdef void add_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(add_value, n, p, s)

cdef void add_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(add_value_int, n, p, s)

cdef class AddBackward0(BinaryNode):
    """a: g; b: g"""

cdef BinaryOp ADD = binary_op("add", KEEP, add_forward, add_integer)
ADD = differentiable(ADD, AddBackward0, None,
                     READS_NOTHING, NULL, add_da[Tensor],
                     READS_NOTHING, NULL, add_db[Tensor])


@op
def add(input, other, *, alpha=1):
    """input + alpha * other.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other.
    alpha : number
        Factor of `other`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.add(torch.tensor([1., 2.]), 10, alpha=2)
    tensor([21., 22.])
    """
    cdef Tensor a = operand_arg(input, "add", "input", 1)
    return binary(&ADD, a, scaled(operand_arg(other, "add", "other", 2), alpha, a, "add"))


@method
def add_(self, other, *, alpha=1):
    """In-place version of `add`."""
    cdef Tensor a = own(self)
    return binary_in_place(&ADD, a, scaled(operand_arg(other, "add_", "other", 1), alpha, a, "add_"))


# alpha * other, which saves nothing: alpha is a static argument.

cdef inline num scale_dx(num g, num x, num y, const double *c) noexcept:
    return g * c[0]

cdef inline double scale_value(double x, const double *c) noexcept:
    return x * c[0]

cdef void scale_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map1c(scale_value, n, p, s, c)

cdef void scale_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(scale_dx[double], n, p, s, c)

cdef class ScaleBackward0(UnaryNode):
    """g alpha"""

cdef UnaryOp SCALE = unary_op("mul", scale_forward, ScaleBackward0, READS_NOTHING, scale_backward, scale_dx[Tensor])


cdef Tensor scaled(Tensor b, object alpha, Tensor a, str function):
    """alpha * b, to be combined with a."""
    if alpha is 1:
        return b
    if isinstance(alpha, Tensor) and (<Tensor>alpha).form.ndim == 0:
        alpha = single_element(alpha)
    if not isinstance(alpha, (int, float)):
        raise TypeError(f"{function}(): argument 'alpha' must be Number, not {type_name(alpha)}")
    wrong = None
    if isinstance(alpha, bool) and max_kind(a, b) != BOOL:
        wrong = "Boolean alpha only supported for Boolean results."
    elif isinstance(alpha, float) and max_kind(a, b) != F64:
        wrong = "For integral input tensors, argument alpha must not be a floating point number."
    if wrong is not None:
        if function.endswith("_"):               # sizes and dtypes are refused first
            check_broadcast_into(a, b)
            check_castable(max_kind(a, b), a.kind)
        raise RuntimeError(wrong)
    if alpha == 1:
        return b
    if b.kind == F64:
        return unary_with(&SCALE, b, alpha, 0.0)
    if isinstance(alpha, int):
        return to_kind(binary(&MUL, b, number_tensor(alpha)), b.kind)
    return binary(&MUL, b, number_tensor(alpha))


cdef double factor_arg(object factor, str function, str name, int kind) except? -1:
    """A number that scales tensors of a dtype: that of integers is cut to an integer."""
    if isinstance(factor, Tensor) and (<Tensor>factor).form.ndim == 0:
        factor = single_element(<Tensor>factor)
    if not isinstance(factor, (int, float)):
        raise TypeError(f"{function}(): argument '{name}' must be Number, not {type_name(factor)}")
    return factor if kind == F64 else int(factor)


cdef Tensor c_add(Tensor a, Tensor b):
    return binary(&ADD, a, b)


cdef int add_into(Tensor a, Tensor b) except -1:
    """a += b where nothing is recorded and nothing of a is saved: for gradients."""
    binary_into(&ADD, a, a, b, F64)
    bump(a)
    return 0


# ---------------------------------------------------------------------------------------------- sub

cdef inline double sub_value(double a, double b) noexcept:
    return a - b

cdef inline int64_t sub_value_int(int64_t a, int64_t b) noexcept:
    return <int64_t>(<uint64_t>a - <uint64_t>b)

cdef inline num sub_da(num g, num a, num b) noexcept:
    return g

cdef inline num sub_db(num g, num a, num b) noexcept:
    return -g

cdef void sub_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(sub_value, n, p, s)

cdef void sub_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(sub_value_int, n, p, s)

cdef void sub_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(sub_db[double], n, p, s)

cdef class SubBackward0(BinaryNode):
    """a: g; b: -g"""

cdef BinaryOp SUB = binary_op("sub", NO_BOOL, sub_forward, sub_integer)
SUB = differentiable(SUB, SubBackward0, None,
                     READS_NOTHING, NULL, sub_da[Tensor],
                     READS_NOTHING, sub_backward_b, sub_db[Tensor])


@op
def sub(input, other, *, alpha=1):
    """input - alpha * other.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other.
    alpha : number
        Factor of `other`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.sub(torch.tensor([1., 2.]), 1)
    tensor([0., 1.])
    """
    cdef Tensor a = operand_arg(input, "sub", "input", 1), b = operand_arg(other, "sub", "other", 2)
    refuse_bools(a, b)
    return binary(&SUB, a, scaled(b, alpha, a, "sub"))


@method
def sub_(self, other, *, alpha=1):
    """In-place version of `sub`."""
    cdef Tensor a = own(self), b = operand_arg(other, "sub_", "other", 1)
    refuse_bools(a, b)
    return binary_in_place(&SUB, a, scaled(b, alpha, a, "sub_"))


cdef int refuse_bools(Tensor a, Tensor b) except -1:
    """Raise for a bool operand of a subtraction, before `alpha` makes it something else."""
    cdef int want, kind
    return binary_kinds(&SUB, a.kind, b.kind, &want, &kind)


# --------------------------------------------------------------------------------------------- rsub

cdef inline double rsub_value(double a, double b) noexcept:
    return b - a

cdef inline int64_t rsub_value_int(int64_t a, int64_t b) noexcept:
    return <int64_t>(<uint64_t>b - <uint64_t>a)

cdef inline num rsub_da(num g, num a, num b) noexcept:
    return -g

cdef inline num rsub_db(num g, num a, num b) noexcept:
    return g

cdef void rsub_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(rsub_value, n, p, s)

cdef void rsub_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(rsub_value_int, n, p, s)

cdef void rsub_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(rsub_da[double], n, p, s)

cdef class RsubBackward0(BinaryNode):
    """a: -g; b: g"""

cdef class RsubBackward1(BinaryNode):
    """-g, where b is a number"""

cdef BinaryOp RSUB = binary_op("rsub", NO_BOOL, rsub_forward, rsub_integer)
RSUB = differentiable(RSUB, RsubBackward0, RsubBackward1,
                      READS_NOTHING, rsub_backward_a, rsub_da[Tensor],
                      READS_NOTHING, NULL, rsub_db[Tensor])


@op
def rsub(input, other, *, alpha=1):
    """other - alpha * input.

    Parameters
    ----------
    input : Tensor
    other : Tensor or number
        Broadcast against each other.
    alpha : number
        Factor of `input`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.rsub(torch.tensor([1., 2.]), 10)
    tensor([9., 8.])
    """
    cdef Tensor a = tensor_arg(input, "rsub", "input", 1), b = operand_arg(other, "rsub", "other", 2)
    refuse_bools(a, b)
    if not same_sizes(a.form, b.form):
        broadcast_layouts(b.form, a.form)        # raises as of `other - input`
    return binary(&RSUB, scaled(a, alpha, b, "rsub"), b)


# ---------------------------------------------------------------------------------------------- mul

cdef inline double mul_value(double a, double b) noexcept:
    return a * b

cdef inline int64_t mul_value_int(int64_t a, int64_t b) noexcept:
    return <int64_t>(<uint64_t>a * <uint64_t>b)

cdef inline num mul_da(num g, num a, num b) noexcept:
    return g * b

cdef inline num mul_db(num g, num a, num b) noexcept:
    return g * a

cdef void mul_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(mul_value, n, p, s)

cdef void mul_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(mul_value_int, n, p, s)

cdef void mul_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(mul_da[double], n, p, s)

cdef void mul_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(mul_db[double], n, p, s)

cdef class MulBackward0(BinaryNode):
    """a: g b; b: g a"""

cdef BinaryOp MUL = binary_op("mul", KEEP, mul_forward, mul_integer)
MUL = differentiable(MUL, MulBackward0, None,
                     READS_B, mul_backward_a, mul_da[Tensor],
                     READS_A, mul_backward_b, mul_db[Tensor])


@op
def mul(input, other):
    """input * other.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.mul(torch.tensor([1., 2.]), 10)
    tensor([10., 20.])
    """
    return binary(&MUL, operand_arg(input, "mul", "input", 1), operand_arg(other, "mul", "other", 2))


@method
def mul_(self, other):
    """In-place version of `mul`."""
    return binary_in_place(&MUL, own(self), operand_arg(other, "mul_", "other", 1))


# ---------------------------------------------------------------------------------------------- div

cdef inline double div_value(double a, double b) noexcept:
    return a / b

cdef inline num div_da(num g, num a, num b) noexcept:
    return g / b

cdef inline num div_db(num g, num a, num b) noexcept:
    return -g * ((a / b) / b)

cdef void div_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(div_value, n, p, s)

cdef void div_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(div_da[double], n, p, s)

cdef void div_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(div_db[double], n, p, s)

cdef class DivBackward0(BinaryNode):
    """a: g / b; b: -g a / b**2"""

cdef BinaryOp DIV = binary_op("div", TO_FLOAT, div_forward, NULL)
DIV = differentiable(DIV, DivBackward0, None,
                     READS_B, div_backward_a, div_da[Tensor],
                     READS_A | READS_B, div_backward_b, div_db[Tensor])


@op
def div(input, other, *, rounding_mode=ABSENT):
    """input / other, always in float64 unless rounded.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other.
    rounding_mode : {None, "trunc", "floor"}
        How to round the quotient; a rounded one has derivative 0, and integers stay integers.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.div(torch.tensor([1., 2.]), 4)
    tensor([0.2500, 0.5000])
    """
    return binary(division(rounding_mode), operand_arg(input, "div", "input", 1), operand_arg(other, "div", "other", 2))


@method
def div_(self, other, *, rounding_mode=ABSENT):
    """In-place version of `div`."""
    return binary_in_place(division(rounding_mode), own(self), operand_arg(other, "div_", "other", 1))


cdef const BinaryOp *division(object rounding_mode) except NULL:
    if rounding_mode is ABSENT:
        return &DIV
    if rounding_mode is None:
        return &DIV_UNROUNDED
    if not isinstance(rounding_mode, str):
        raise TypeError(f"div(): argument 'rounding_mode' must be str, not {type_name(rounding_mode)}")
    if rounding_mode == "floor":
        return &DIV_FLOOR
    if rounding_mode == "trunc":
        return &DIV_TRUNC
    raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' "
                       f"but found '{rounding_mode}'")


cdef Tensor divide_into(Tensor b, Tensor a):
    """b / a for the operator with a number or an array on the left; a number goes through 1 / a."""
    if b.flags & NUMBER:
        return binary(&MUL, unary(&RECIPROCAL, a), b)
    return binary(&DIV, b, a)


# ------------------------------------------------------------------------- quotients that are rounded
# Python's conventions for signs.  From the remainder, not by rounding a / b: so a quotient near an
# integer is right, and so are infinities.

cdef double FAR_QUOTIENT = 4503599627370496.0          # 2**52


cdef inline double fmod_near(double a, double b) noexcept:
    """The exact a - trunc(a / b) b, with the sign of a, for quotients below 2**52.

    With q the truncated quotient, which may have been rounded to one too many, a - q b needs no more digits than b
    has: a fused multiply-add gives it exactly.
    """
    cdef double q = a / b
    cdef double r = mad(-cmath.trunc(q), b, a)
    r = r + cmath.copysign(b, a) if r != 0.0 and (r < 0.0) != (a < 0.0) else r
    return a if cmath.fabs(q) < 1.0 else cmath.copysign(r, a)


cdef inline double fmod_value(double a, double b) noexcept:
    """The same for all numbers."""
    return fmod_near(a, b) if AG_FMA and cmath.fabs(a / b) < FAR_QUOTIENT else cmath.fmod(a, b)


cdef inline void map2_near(Formula2 near, Formula2 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """map2 of f; in vectors of `near`, which is the same, for blocks without a far quotient."""
    cdef char *q[3]
    cdef const double *a
    cdef const double *b
    cdef Py_ssize_t start = 0, m, i
    cdef int64_t far
    while start < n:
        m = min(n - start, <Py_ssize_t>BLOCK)
        q[0] = p[0] + start * sizeof(double)
        q[1] = p[1] + start * s[1] * sizeof(double)
        q[2] = p[2] + start * s[2] * sizeof(double)
        a = <const double *>q[1]
        b = <const double *>q[2]
        far = not AG_FMA
        if s[1] and s[2]:
            for i in range(m):
                far |= not cmath.fabs(a[i] / b[i]) < FAR_QUOTIENT
        else:
            for i in range(m):
                far |= not cmath.fabs(a[s[1] * i] / b[s[2] * i]) < FAR_QUOTIENT
        if far:
            map2(f, m, q, s)
        else:
            map2(near, m, q, s)
        start += m


cdef inline double floored(double a, double b, double r) noexcept:
    """floor(a / b) with the sign of a / b, from what the truncated quotient leaves."""
    cdef double q = (a - r) / b, whole
    q = q - 1.0 if r != 0.0 and (b < 0.0) != (r < 0.0) else q
    whole = cmath.floor(q)
    whole = whole + 1.0 if q - whole > 0.5 else whole
    return cmath.copysign(0.0, a / b) if q == 0.0 else whole

cdef inline double floor_divide_value(double a, double b) noexcept:
    return floored(a, b, fmod_value(a, b)) if b != 0.0 else a / b

cdef inline double floor_divide_near(double a, double b) noexcept:
    return floored(a, b, fmod_near(a, b))

cdef inline int64_t floor_divide_value_int(int64_t a, int64_t b) noexcept:
    cdef int64_t q
    if b == -1:
        return <int64_t>(-<uint64_t>a)           # also right for the one quotient that overflows
    q = a // b if b != 0 else 0
    return q - 1 if b != 0 and q * b != a and (a < 0) != (b < 0) else q

cdef inline double trunc_divide_value(double a, double b) noexcept:
    return cmath.trunc(a / b)

cdef inline int64_t trunc_divide_value_int(int64_t a, int64_t b) noexcept:
    if b == -1:
        return <int64_t>(-<uint64_t>a)
    return a // b if b != 0 else 0               # C's division truncates

cdef inline num rounded_dx(num g, num a, num b) noexcept:
    return zero_of[num](g)

cdef void floor_divide_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_near(floor_divide_near, floor_divide_value, n, p, s)

cdef void floor_divide_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(floor_divide_value_int, n, p, s)

cdef void trunc_divide_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2(trunc_divide_value, n, p, s)

cdef void trunc_divide_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(trunc_divide_value_int, n, p, s)

cdef void rounded_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(rounded_dx[double], n, p, s)

cdef class DivBackward2(BinaryNode):
    """a: 0; b: 0 (with rounding_mode=None in so many words, what DivBackward0 gives)"""

cdef BinaryOp DIV_UNROUNDED = DIV
DIV_UNROUNDED.node = <PyTypeObject *>DivBackward2

cdef class FloorDivideBackward0(BinaryNode):
    """not differentiable"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef str name = "floor_divide_" if self.op == &FLOOR_DIVIDE_IN_PLACE else "floor_divide"
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

cdef BinaryOp DIV_FLOOR = differentiable(
    binary_op("div_floor", INTEGER_DIVISION, floor_divide_forward, floor_divide_integer), DivBackward2, None,
    READS_NOTHING, rounded_backward, rounded_dx[Tensor], READS_NOTHING, rounded_backward, rounded_dx[Tensor])
cdef BinaryOp DIV_TRUNC = differentiable(
    binary_op("div_trunc", INTEGER_DIVISION, trunc_divide_forward, trunc_divide_integer), DivBackward2, None,
    READS_NOTHING, rounded_backward, rounded_dx[Tensor], READS_NOTHING, rounded_backward, rounded_dx[Tensor])
cdef BinaryOp FLOOR_DIVIDE = differentiable(
    binary_op("div_floor", INTEGER_DIVISION, floor_divide_forward, floor_divide_integer), FloorDivideBackward0, None,
    READS_NOTHING, NULL, NULL, READS_NOTHING, NULL, NULL)
cdef BinaryOp FLOOR_DIVIDE_IN_PLACE = FLOOR_DIVIDE    # another table, by which the node knows its name


@op
def floor_divide(input, other):
    """The largest integers not above input / other; not differentiable, as in PyTorch.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.floor_divide(torch.tensor([7., -7.]), 2)
    tensor([ 3., -4.])
    """
    return binary(&FLOOR_DIVIDE, operand_arg(input, "floor_divide", "input", 1),
                  operand_arg(other, "floor_divide", "other", 2))


@method
def floor_divide_(self, other):
    """In-place version of `floor_divide`."""
    return binary_in_place(&FLOOR_DIVIDE_IN_PLACE, own(self), operand_arg(other, "floor_divide_", "other", 1))


# ---------------------------------------------------------------------------------------- remainder

cdef inline double with_sign_of_divisor(double r, double b) noexcept:
    return r + b if r != 0.0 and (b < 0.0) != (r < 0.0) else r

cdef inline double remainder_value(double a, double b) noexcept:
    return with_sign_of_divisor(fmod_value(a, b), b)

cdef inline double remainder_near(double a, double b) noexcept:
    return with_sign_of_divisor(fmod_near(a, b), b)

cdef inline int64_t remainder_value_int(int64_t a, int64_t b) noexcept:
    cdef int64_t r
    if b == 0 or b == -1:
        return 0
    r = a % b
    return r + b if r != 0 and (b < 0) != (r < 0) else r

cdef inline num floor_of_quotient(num a, num b) noexcept:
    if num is double:
        return floor_divide_value(a, b)
    else:
        return binary(&DIV_FLOOR, a, b)

cdef inline num remainder_da(num g, num a, num b) noexcept:
    return g

cdef inline num remainder_db(num g, num a, num b) noexcept:
    return -g * floor_of_quotient[num](a, b)

cdef void remainder_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_near(remainder_near, remainder_value, n, p, s)

cdef void remainder_integer(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    map2_int(remainder_value_int, n, p, s)

cdef void remainder_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain2(remainder_db[double], n, p, s)

cdef class RemainderBackward1(BinaryNode):
    """a: g; b: -g floor(a / b)"""

cdef class RemainderBackward0(BinaryNode):
    """g, where b is a number"""

cdef BinaryOp REMAINDER = binary_op("remainder", INTEGER_DIVISION, remainder_forward, remainder_integer)
REMAINDER = differentiable(REMAINDER, RemainderBackward1, RemainderBackward0,
                           READS_NOTHING, NULL, remainder_da[Tensor],
                           READS_A | READS_B, remainder_backward_b, remainder_db[Tensor])


@op
def remainder(input, other):
    """input - floor(input / other) * other: Python's remainder, with the sign of other.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.remainder(torch.tensor([7., -7.]), 4)
    tensor([3., 1.])
    """
    check_one_tensor(input, other, "remainder")
    return binary(&REMAINDER, operand_arg(input, "remainder", "input", 1), operand_arg(other, "remainder", "other", 2))


@method
def remainder_(self, other):
    """In-place version of `remainder`."""
    return binary_in_place(&REMAINDER, own(self), operand_arg(other, "remainder_", "other", 1))
