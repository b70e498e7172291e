# The C interface for other libraries: `cimport autograd_c` in their .pyx files; docs/cython-api.md explains it.
#
# A Tensor is a Python object here, with functions instead of fields: so a library that was compiled once runs with
# every version of the package that has the same ABI number.  `import_autograd_c()` comes first, at the end of a module
# or wherever it starts; it gets the table of functions from the package, and compares the numbers.

from cpython.pycapsule cimport PyCapsule_GetPointer

cdef enum:
    ABI = 1

# Dtypes.
cdef enum:
    BOOL = 0
    INT64 = 1
    FLOAT64 = 2

# What a derivative reads, to be saved: the operand x and the result y of an operation on one tensor, the operands a
# and b of one on two.
cdef enum:
    READS_NOTHING = 0
    READS_X = 1
    READS_Y = 2
    READS_A = 1
    READS_B = 2

# An elementwise loop over n doubles: p[0] is what it writes, p[1] and on what it reads; s[k] is 1, or 0 for an operand
# of one element.  c are the operation's two static arguments, or NULL.  It may run without the interpreter's lock, and
# in several threads, on parts.
ctypedef void (*Kernel)(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept

# A derivative made of operations on Tensors, for second derivatives and forward mode; it must return a Tensor of
# float64 with the sizes of g.  What was not declared to be read is None here, and nan for kernels.
ctypedef object (*Formula1)(object g, object x, object y, const double *c)
ctypedef object (*Formula2)(object g, object a, object b)

# Backward of any operation: a tuple of gradients (or None), one for each input, from that of the result, the tensors
# that were saved, and what else was given to `record`.
ctypedef object (*Backward)(object g, tuple saved, object extra)

ctypedef struct Table:
    int abi
    bint (*is_tensor)(object x) noexcept
    object (*empty)(int ndim, const Py_ssize_t *sizes)
    object (*from_memory)(double *data, int ndim, const Py_ssize_t *sizes, object owner)
    object (*contiguous)(object x)
    double *(*data)(object x) except NULL
    int (*ndim)(object x) except -1
    const Py_ssize_t *(*sizes)(object x) except NULL
    const Py_ssize_t *(*strides)(object x) except NULL
    Py_ssize_t (*numel)(object x) except -1
    int (*dtype)(object x) except -1
    int (*is_contiguous)(object x) except -1
    int (*requires_grad)(object x) except -1
    int (*changed)(object x) except -1
    void *(*register_unary)(str name, Kernel forward, int reads, Kernel backward, Formula1 formula) except NULL
    void *(*register_binary)(str name, Kernel forward, int reads_a, Kernel backward_a, Formula2 formula_a,
                             int reads_b, Kernel backward_b, Formula2 formula_b) except NULL
    void *(*register_op)(str name, Backward backward, bint differentiable) except NULL
    object (*unary)(const void *op, object x, double c0, double c1)
    object (*binary)(const void *op, object a, object b)
    object (*record)(const void *op, object y, tuple inputs, tuple saved, object extra)

cdef extern from *:
    """
    #ifndef AUTOGRAD_C_TABLE
    #define AUTOGRAD_C_TABLE
    static const void *autograd_c_table = NULL;
    #define autograd_c_set_table(p) (autograd_c_table = (p))
    #endif
    """
    const void *autograd_c_table
    void autograd_c_set_table(const void *) noexcept


cdef inline int import_autograd_c() except -1:
    """Load the package; ImportError if it has another ABI than this file."""
    from autograd_c import _core
    cdef const Table *found = <const Table *>PyCapsule_GetPointer(_core._c_api, "autograd_c._core._c_api")
    if found.abi != ABI:
        raise ImportError(f"compiled for the ABI {ABI} of autograd_c, and the one that is installed has {found.abi}: "
                          "compile it again")
    autograd_c_set_table(found)
    return 0


cdef inline const Table *table() except NULL:
    if autograd_c_table == NULL:
        raise ImportError("autograd_c: import_autograd_c() has not been called")
    return <const Table *>autograd_c_table


# ----------------------------------------------------------------------------------------------- tensors

cdef inline bint is_tensor(object x) except -1:
    return table().is_tensor(x)

cdef inline object empty(int ndim, const Py_ssize_t *sizes):
    """A new tensor of doubles, contiguous, its elements uninitialised."""
    return table().empty(ndim, sizes)

cdef inline object from_memory(double *data, int ndim, const Py_ssize_t *sizes, object owner):
    """A tensor on contiguous doubles that `owner` keeps alive; None for what lives as long as the process."""
    return table().from_memory(data, ndim, sizes, owner)

cdef inline object contiguous(object x):
    """A tensor of doubles, contiguous and without history: on the memory of x if that is so, else a copy."""
    return table().contiguous(x)

cdef inline double *data(object x) except NULL:
    """The address of the first element of a tensor of doubles; it must not be written to but in a new tensor."""
    return table().data(x)

cdef inline int ndim(object x) except -1:
    return table().ndim(x)

cdef inline const Py_ssize_t *sizes(object x) except NULL:
    """`ndim` sizes; they live as long as x."""
    return table().sizes(x)

cdef inline const Py_ssize_t *strides(object x) except NULL:
    """`ndim` strides, in elements."""
    return table().strides(x)

cdef inline Py_ssize_t numel(object x) except -1:
    return table().numel(x)

cdef inline int dtype(object x) except -1:
    """BOOL, INT64 or FLOAT64."""
    return table().dtype(x)

cdef inline bint is_contiguous(object x) except -1:
    return table().is_contiguous(x)

cdef inline bint requires_grad(object x) except -1:
    return table().requires_grad(x)

cdef inline int changed(object x) except -1:
    """Say that the memory of x was written to, so that graphs that saved it refuse to use it."""
    return table().changed(x)


# -------------------------------------------------------------------------------------------- operations

cdef inline void *register_unary(str name, Kernel forward, int reads, Kernel backward,
                                 Formula1 formula) except NULL:
    """An elementwise operation on one tensor; `name` is that of its nodes, such as "SoftabsBackward0".

    backward(n, (dx, g, x, y), s, c); formula(g, x, y, c), or NULL: no second derivative.
    """
    return table().register_unary(name, forward, reads, backward, formula)

cdef inline void *register_binary(str name, Kernel forward, int reads_a, Kernel backward_a, Formula2 formula_a,
                                  int reads_b, Kernel backward_b, Formula2 formula_b) except NULL:
    """The same on two tensors, which are broadcast: backward_a(n, (da, g, a, b), s, NULL) and formula_a(g, a, b)."""
    return table().register_binary(name, forward, reads_a, backward_a, formula_a, reads_b, backward_b, formula_b)

cdef inline void *register_op(str name, Backward backward, bint differentiable) except NULL:
    """Any operation.  `differentiable`: backward is made of operations on Tensors, which can be recorded."""
    return table().register_op(name, backward, differentiable)

cdef inline object unary(const void *op, object x, double c0=0.0, double c1=0.0):
    """The operation on a tensor, recorded."""
    return table().unary(op, x, c0, c1)

cdef inline object binary(const void *op, object a, object b):
    """The operation on two tensors or a tensor and a number, recorded."""
    return table().binary(op, a, b)

cdef inline object record(const void *op, object y, tuple inputs, tuple saved, object extra):
    """Make an operation the history of its result y, a new tensor, if it is to be recorded; returns y.

    `inputs` may have objects that are no tensors; `saved` are tensors, y among them if wanted.
    """
    return table().record(op, y, inputs, saved, extra)
