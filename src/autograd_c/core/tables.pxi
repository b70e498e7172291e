# The tables of elementwise operations, and the nodes that they describe.
#
# An operation is a table (UnaryOp, BinaryOp) that its block in ops/ fills: the kernels, the class of
# its node, what its derivative reads.
#
# Note [Two forms of a formula]
# A derivative is written once, over the fused type `num`.  Its double form is compiled into a kernel
# that makes a gradient in one pass; its Tensor form runs where the gradient must itself be recorded
# (create_graph) or carries a tangent.  In the Tensor form an `if` on an operand would ask an object
# for its truth, so formulas choose with the helpers of formula.pxi only.

ctypedef fused num:
    double
    Tensor

ctypedef Tensor (*TensorChain1)(Tensor g, Tensor x, Tensor y, const double *c)
ctypedef Tensor (*TensorChain2)(Tensor g, Tensor a, Tensor b)

# What a derivative reads.
cdef enum:
    READS_NOTHING = 0
    READS_X = 1
    READS_Y = 2
    READS_A = 1
    READS_B = 2

# How operands that are not float64 are treated.
cdef enum:
    KEEP = 0                   # computed in the promoted dtype
    TO_FLOAT = 1               # always computed in float64
    NO_BOOL = 2                # KEEP, but refuses bools: for the operator `-`
    INTEGRAL = 3               # int64 and bool only
    INTEGER_DIVISION = 4       # KEEP, but an integer divisor must not be 0, nor both be bools
    NUMERIC = 5                # KEEP, but refuses bools
    FLOAT_ONLY = 6             # one operand must be float64

cdef enum:
    SAME = -1                  # result_kind: the dtype that was computed in

cdef struct UnaryOp:
    const char *name
    int treats
    int result_kind
    Kernel forward             # double
    Kernel integer             # int64, NULL where there is none
    PyTypeObject *node         # NULL: not differentiable
    void *vtable               # of that class
    int reads
    Formula1C alone            # forward of one double, where to enter the kernel's loop costs much; else NULL
    Kernel backward
    TensorChain1 formula
    const void *registered     # of another library, Note [Registered operations]; else NULL

cdef struct BinaryOp:
    const char *name
    int treats
    int result_kind
    Kernel forward
    Kernel integer
    PyTypeObject *node         # NULL: not differentiable
    PyTypeObject *number_node  # the class when b is a Python number, where PyTorch has another name
    void *vtable               # of both classes
    int reads_a                # what the derivative for a reads
    int reads_b
    Kernel backward_a
    Kernel backward_b
    TensorChain2 formula_a
    TensorChain2 formula_b
    const void *registered     # as above


cdef void *vtable_of(object node) except NULL:
    """The C methods of a node class; classes that add none of their own share their base's meaning."""
    cdef Node sample = node.__new__(node)
    return AG_VTABLE(sample)


cdef UnaryOp unary_op(const char *name, Kernel forward, object node, int reads, Kernel backward, TensorChain1 formula):
    """The table of an operation on one tensor; integers are computed in float64 unless `integer` is set."""
    cdef UnaryOp t
    __watched__.add(name.decode())
    t.name = name
    t.treats = KEEP
    t.result_kind = SAME
    t.forward = forward
    t.integer = NULL
    t.node = <PyTypeObject *>node
    t.vtable = vtable_of(node)
    t.reads = reads
    t.alone = NULL
    t.backward = backward
    t.formula = formula
    t.registered = NULL
    return t


cdef UnaryOp unary_test(const char *name, Kernel forward, Kernel integer):
    """The table of a test of each element, which is not differentiable."""
    cdef UnaryOp t = unary_op(name, forward, Node, READS_NOTHING, NULL, NULL)
    t.node = NULL
    t.integer = integer
    t.result_kind = BOOL
    return t


cdef BinaryOp binary_op(const char *name, int treats, Kernel forward, Kernel integer):
    """The table of an operation on two tensors that is not differentiable; `differentiable` adds the rest."""
    cdef BinaryOp t
    __watched__.add(name.decode())
    t.name = name
    t.treats = treats
    t.result_kind = SAME
    t.forward = forward
    t.integer = integer
    t.node = t.number_node = NULL
    t.reads_a = t.reads_b = READS_NOTHING
    t.backward_a = t.backward_b = NULL
    t.formula_a = t.formula_b = NULL
    t.registered = NULL
    return t


cdef BinaryOp binary_test(const char *name, Kernel forward, Kernel integer):
    """The table of a comparison, which makes bools."""
    cdef BinaryOp t = binary_op(name, KEEP, forward, integer)
    t.result_kind = BOOL
    return t


cdef BinaryOp differentiable(BinaryOp t, object node, object number_node,
                             int reads_a, Kernel backward_a, TensorChain2 formula_a,
                             int reads_b, Kernel backward_b, TensorChain2 formula_b):
    """The table with its derivatives; a kernel NULL passes the gradient on."""
    t.node = <PyTypeObject *>node
    t.vtable = vtable_of(node)
    t.number_node = <PyTypeObject *>number_node if number_node is not None else NULL
    t.reads_a = reads_a
    t.backward_a = backward_a
    t.formula_a = formula_a
    t.reads_b = reads_b
    t.backward_b = backward_b
    t.formula_b = formula_b
    return t


# --------------------------------------------------------------------------------------------- nodes

cdef inline PyObject *unary_node(const UnaryOp *op, PyObject *to, int nr, PyObject *saved, Layout form,
                                 const double *c) except NULL:
    """The node of a result with this layout, a new reference; takes over that to the edge. `saved` may be None."""
    cdef PyObject *n = filled_node(op.node, op.vtable, to, <PyObject *>None, saved, <PyObject *>None, form, ADDS)
    (<Node>n).op = op
    (<Node>n).inputs = 1
    (<Node>n).nr0 = nr
    (<Node>n).c[0] = c[0]
    (<Node>n).c[1] = c[1]
    return n


cdef inline PyObject *binary_node(const BinaryOp *op, bint number, PyObject *to0, int nr0, PyObject *to1, int nr1,
                                  PyObject *a, PyObject *b, Layout form) except NULL:
    """The same for two operands; `number`: the second is a Python number, and no input."""
    cdef PyObject *n = filled_node(op.number_node if number else op.node, op.vtable, to0, to1, a, b, form, ADDS)
    (<Node>n).op = op
    (<Node>n).inputs = 1 if number else 2
    (<Node>n).nr0 = nr0
    (<Node>n).nr1 = nr1
    return n


cdef inline bint takes_number(const BinaryOp *op, Tensor b) noexcept:
    """Whether the second operand is a Python number for the node, too."""
    return b.flags & NUMBER and op.number_node != NULL


cdef inline int read_by(const BinaryOp *op, PyObject *to0, PyObject *to1) noexcept:
    """What the derivatives for the inputs that have an edge read."""
    return ((op.reads_a if to0 != <PyObject *>None else READS_NOTHING)
            | (op.reads_b if to1 != <PyObject *>None else READS_NOTHING))
