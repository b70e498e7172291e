# cython: language_level=3
"""Operations of another library, with C forward and backward."""

from libc.math cimport sqrt
from libc.stdlib cimport free, malloc

cimport autograd_c

import autograd_c as torch

autograd_c.import_autograd_c()


# ------------------------------------------------ elementwise, one operand: sqrt(x**2 + c0**2)
cdef void softabs_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = sqrt(x[i * s[1]] * x[i * s[1]] + c[0] * c[0])

cdef void softabs_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *dx = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef const double *y = <const double *>p[3]
    cdef Py_ssize_t i
    for i in range(n):
        dx[i] = g[i * s[1]] * x[i * s[2]] / y[i * s[3]]

cdef object softabs_formula(object g, object x, object y, const double *c):
    return g * x / y

cdef void *SOFTABS = autograd_c.register_unary(
    "SoftabsBackward0", softabs_forward, autograd_c.READS_X | autograd_c.READS_Y, softabs_backward, softabs_formula)


def softabs(x, double width):
    return autograd_c.unary(SOFTABS, x, width)


# The same without a formula, and an operation that costs nothing, for measuring.
cdef void *PLAIN = autograd_c.register_unary(
    "PlainBackward0", softabs_forward, autograd_c.READS_X | autograd_c.READS_Y, softabs_backward, NULL)


def plain(x, double width):
    return autograd_c.unary(PLAIN, x, width)


cdef void twice_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        (<double *>p[0])[i] = 2.0 * (<const double *>p[1])[i * s[1]]

cdef void *TWICE = autograd_c.register_unary(
    "TwiceBackward0", twice_forward, autograd_c.READS_NOTHING, twice_forward, NULL)


def twice(x):
    return autograd_c.unary(TWICE, x)


# ------------------------------------------------ elementwise, two operands: sqrt(a**2 + b**2)
cdef void hypot_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef const double *a = <const double *>p[1]
    cdef const double *b = <const double *>p[2]
    cdef Py_ssize_t i
    for i in range(n):
        (<double *>p[0])[i] = sqrt(a[i * s[1]] * a[i * s[1]] + b[i * s[2]] * b[i * s[2]])

cdef inline double ratio(double g, double of, double a, double b) noexcept:
    return g * of / sqrt(a * a + b * b)

cdef void hypot_backward_a(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double **q = <double **>p
    cdef Py_ssize_t i
    for i in range(n):
        q[0][i] = ratio(q[1][i * s[1]], q[2][i * s[2]], q[2][i * s[2]], q[3][i * s[3]])

cdef void hypot_backward_b(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double **q = <double **>p
    cdef Py_ssize_t i
    for i in range(n):
        q[0][i] = ratio(q[1][i * s[1]], q[3][i * s[3]], q[2][i * s[2]], q[3][i * s[3]])

cdef object hypot_formula_a(object g, object a, object b):
    return g * a / (a * a + b * b).sqrt()

cdef object hypot_formula_b(object g, object a, object b):
    return g * b / (a * a + b * b).sqrt()

cdef enum:
    BOTH = autograd_c.READS_A | autograd_c.READS_B

cdef void *HYPOT = autograd_c.register_binary("HypotBackward0", hypot_forward, BOTH, hypot_backward_a, hypot_formula_a,
                                              BOTH, hypot_backward_b, hypot_formula_b)


def hypot(a, b):
    return autograd_c.binary(HYPOT, a, b)


# ------------------------------------------------ any operation: a tridiagonal system
cdef void solve(Py_ssize_t n, const double *low, const double *mid, const double *up, const double *d,
                double *x, double *room) noexcept nogil:
    """Thomas' algorithm."""
    cdef Py_ssize_t i
    cdef double pivot = mid[0]
    x[0] = d[0] / pivot
    for i in range(1, n):
        room[i] = up[i - 1] / pivot
        pivot = mid[i] - low[i - 1] * room[i]
        x[i] = (d[i] - low[i - 1] * x[i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        x[i] -= room[i + 1] * x[i + 1]


cdef object solved(object low, object mid, object up, object d):
    cdef Py_ssize_t n = autograd_c.numel(mid)
    cdef double *room = <double *>malloc(max(n, 1) * sizeof(double))
    cdef object x
    if room == NULL:
        raise MemoryError()
    try:
        low, mid, up, d = [autograd_c.contiguous(t) for t in (low, mid, up, d)]
        x = autograd_c.empty(1, &n)
        if n:
            solve(n, autograd_c.data(low) if n > 1 else NULL, autograd_c.data(mid),
                  autograd_c.data(up) if n > 1 else NULL, autograd_c.data(d), autograd_c.data(x), room)
    finally:
        free(room)
    return x


cdef object tridiagonal_backward(object g, tuple saved, object extra):
    """With A x = d: d's gradient solves the transposed system, and A's is minus its product with x."""
    low, mid, up, x = saved
    gd = solved(up, mid, low, g)
    return -gd[1:] * x[:-1], -gd * x, -gd[:-1] * x[1:], gd

cdef void *TRIDIAGONAL = autograd_c.register_op("TridiagonalBackward0", tridiagonal_backward, False)


def tridiagonal(low, mid, up, d):
    """The solution of a tridiagonal system, given its three diagonals and the right-hand side."""
    x = solved(low, mid, up, d)
    return autograd_c.record(TRIDIAGONAL, x, (low, mid, up, d), (low, mid, up, x), None)


cdef object cube_backward(object g, tuple saved, object extra):
    (x,) = saved
    return (extra * g * x * x,)

cdef void *CUBE = autograd_c.register_op("CubeBackward0", cube_backward, True)


def cube(x):
    """x**3, whose backward is made of operations that can be recorded."""
    with torch.no_grad():
        y = x * x * x
    return autograd_c.record(CUBE, y, (x,), (x,), 3.0)


# ------------------------------------------------ operations that go wrong, in ways that the tests choose
cdef void sum_forward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        (<double *>p[0])[i] = (<const double *>p[1])[i * s[1]] + (<const double *>p[2])[i * s[2]]

cdef void third_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    """g times the operand after it."""
    cdef Py_ssize_t i
    for i in range(n):
        (<double *>p[0])[i] = (<const double *>p[1])[i * s[1]] * (<const double *>p[2])[i * s[2]]

cdef void fourth_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        (<double *>p[0])[i] = (<const double *>p[1])[i * s[1]] * (<const double *>p[3])[i * s[3]]

answer = None              # what the formulas and the backward below call

cdef object answered1(object g, object x, object y, const double *c):
    return answer(g, x, y)

cdef object answered2(object g, object a, object b):
    return answer(g, a, b)

cdef object answered(object g, tuple saved, object extra):
    return answer(g, saved, extra)

cdef void *FORGETS_X = autograd_c.register_unary(
    "ForgetsXBackward0", twice_forward, autograd_c.READS_Y, third_backward, answered1)
cdef void *FORGETS_Y = autograd_c.register_unary(
    "ForgetsYBackward0", twice_forward, autograd_c.READS_X, fourth_backward, answered1)
cdef void *FORGETS_B = autograd_c.register_binary(
    "ForgetsBBackward0", sum_forward, autograd_c.READS_NOTHING, fourth_backward, answered2,
    autograd_c.READS_A, third_backward, answered2)
cdef void *ANSWERED = autograd_c.register_op("AnsweredBackward0", answered, True)
cdef void *ANSWERED_ONCE = autograd_c.register_op("AnsweredOnceBackward0", answered, False)


def forgets(str what, x, y=None):
    if what == "b":
        return autograd_c.binary(FORGETS_B, x, y)
    return autograd_c.unary(FORGETS_X if what == "x" else FORGETS_Y, x)


def recorded(y, tuple inputs, tuple saved, bint once=False):
    return autograd_c.record(ANSWERED_ONCE if once else ANSWERED, y, inputs, saved, None)


def mistaken(str what, x):
    """An operation used as one of another kind, or registered with nonsense."""
    if what == "unary":
        return autograd_c.unary(HYPOT, x)
    if what == "binary":
        return autograd_c.binary(SOFTABS, x, x)
    if what == "record":
        return autograd_c.record(HYPOT, x, (), (), None)
    if what == "null":
        return autograd_c.unary(NULL, x)
    if what == "reads":
        autograd_c.register_unary("MistakenBackward0", twice_forward, 4, twice_forward, NULL)
    elif what == "kernel":
        autograd_c.register_unary("MistakenBackward0", twice_forward, 0, NULL, NULL)
    elif what == "backward":
        autograd_c.register_op("MistakenBackward0", NULL, True)
    elif what == "name":
        autograd_c.register_op("mistaken name", answered, True)


# ------------------------------------------------ tensors
cdef class Owner:
    cdef double values[6]


def six():
    """A tensor on memory of this library."""
    cdef Owner owner = Owner()
    cdef Py_ssize_t sizes[2]
    cdef int i
    for i in range(6):
        owner.values[i] = i
    sizes[0], sizes[1] = 2, 3
    return autograd_c.from_memory(owner.values, 2, sizes, owner)


cdef double STATIC[2]
STATIC[:] = [1.0, 2.0]


def from_static(Py_ssize_t n, int shift=0):
    """A tensor on memory that lives as long as the process; none at all for n = 0."""
    cdef double *p = <double *>(<char *>STATIC + shift) if n else NULL
    return autograd_c.from_memory(p, 1, &n, None)


def from_nowhere(Py_ssize_t n):
    return autograd_c.from_memory(NULL, 1, &n, None)


def without_sizes(int ndim):
    return autograd_c.empty(ndim, NULL)


def stays(x, change):
    """Whether the data of x are where they were after change(x)."""
    cdef double *before = autograd_c.data(x)
    change(x)
    return before == autograd_c.data(x)


def identity(x):
    """What shares the memory of x, as if it were a new result."""
    return autograd_c.record(CUBE, autograd_c.contiguous(x), (x,), (), None)


def describe(x):
    cdef int d
    if not autograd_c.is_tensor(x):
        return None
    return (
        autograd_c.dtype(x),
        tuple([autograd_c.sizes(x)[d] for d in range(autograd_c.ndim(x))]),
        tuple([autograd_c.strides(x)[d] for d in range(autograd_c.ndim(x))]),
        autograd_c.numel(x),
        bool(autograd_c.is_contiguous(x)),
        bool(autograd_c.requires_grad(x)),
    )


def add_one(x):
    """In place, unseen but for the version."""
    cdef double *p = autograd_c.data(x)
    cdef Py_ssize_t i
    if not autograd_c.is_contiguous(x):
        raise ValueError("a contiguous tensor is wanted")
    for i in range(autograd_c.numel(x)):
        p[i] += 1.0
    autograd_c.changed(x)
    return x


def empty(*sizes):
    cdef Py_ssize_t s[100]
    cdef int i
    for i in range(len(sizes)):
        s[i] = sizes[i]
    return autograd_c.empty(<int>len(sizes), s)
