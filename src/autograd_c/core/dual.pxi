# Forward mode: tangents.
#
# A dual tensor carries its tangent in its Meta.  An operation computes its result as ever - so a
# graph is recorded as well, and forward over reverse works - and adds the tangent of the result
# last: for an elementwise operation from its formula with the tangent for g, for a linear one by
# the operation itself on the tangent.  Formulas work on `bare` operands: the same place in the graph
# and no tangent, so that there is one level, as in PyTorch.

# The level belongs to the process, as in PyTorch: a worker thread's operations carry tangents too.
cdef int64_t open_level = 0
cdef int64_t last_level = 0


cdef Tensor tangent_of(Tensor x):
    """The tangent of x, or None; one of a level that has ended is forgotten."""
    if not x.flags & DUAL:
        return None
    if x.meta.level != open_level:
        x.meta.tangent = None
        x.flags &= ~DUAL
        return None
    return x.meta.tangent


cdef int set_tangent(Tensor x, Tensor t) except -1:
    cdef Meta m
    if t is None or open_level == 0:
        return 0
    m = meta_of(x)
    m.tangent = t
    m.level = open_level
    x.flags |= DUAL
    return 0


cdef Tensor bare(Tensor x):
    """x without its tangent, at the same place in the graph."""
    cdef Tensor p
    if not x.flags & DUAL:
        return x
    p = alias(x)
    p.node = gradient_node(x)
    p.nr = x.nr
    p.flags |= x.flags & (REQUIRES | NUMBER)
    return p


cdef Tensor added(Tensor p, Tensor q):
    """p + q where either may be missing."""
    if p is None:
        return q
    if q is None:
        return p
    return binary(&ADD, p, q)


cdef int unary_tangent(const UnaryOp *op, Tensor x, Tensor y, const double *c) except -1:
    """Give y = op(x) its tangent."""
    cdef Tensor t = tangent_of(x)
    if t is None or op.formula == NULL:
        return 0
    give_tangent(y, formula_of(op, t, bare(x), bare(y), c))
    return 0


cdef int binary_tangent(const BinaryOp *op, Tensor a, Tensor b, Tensor y) except -1:
    """Give y = op(a, b) its tangent."""
    cdef Tensor ta = tangent_of(a), tb = tangent_of(b), p = None, q = None
    if (ta is None and tb is None) or op.formula_a == NULL:
        return 0
    a = bare(a)
    b = bare(b)
    if ta is not None:
        p = formula_of_a(op, ta, a, b, y.form)
    if tb is not None:
        q = formula_of_b(op, tb, a, b, y.form)
    give_tangent(y, fitted(added(p, q), y.form))
    return 0


cdef Tensor fitted(Tensor t, Layout form):
    """A tangent with the sizes of the tensor that it belongs to."""
    return t if t is None or same_sizes(t.form, form) else c_expand(t, form)


cdef int give_tangent(Tensor y, Tensor t) except -1:
    """Make t the tangent of y, which an operation has just made or changed."""
    cdef Tensor base
    if t is None or open_level == 0:
        return 0
    if y.flags & VIEW and not (y.flags & DUAL and tangent_of(y) is not None):
        # A view changed in place: its tangent must be a view of the base's.
        base = y.meta.base
        if tangent_of(base) is None:
            set_tangent(base, zeros_of(base))
        set_tangent(y, c_as_strided(tangent_of(base), y.form, storage_shift(y) - storage_shift(base)))
    if y.flags & DUAL and tangent_of(y) is not None:
        copy_in_place(tangent_of(y), t)
    else:
        set_tangent(y, t)
    if y.node is not None:                     # what the node saved of y has the tangent too
        if y.node.flags & SCALAR_RESULT:
            spill(y)
        if y.node.flags & RESULT_IN_B:
            set_tangent(y.node.b, tangent_of(y))
        packed_tangent(y.node, PLACE_RESULT, tangent_of(y))
    return 0


cdef Tensor tangent_or_zeros(Tensor x):
    cdef Tensor t = tangent_of(x)
    return zeros_of(x) if t is None else t


def _enter_dual_level():
    """Open the dual level; there is one at a time."""
    global last_level, open_level
    if open_level:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    last_level += 1
    open_level = last_level


def _exit_dual_level():
    """Close the level; tangents that belong to it are forgotten."""
    global open_level
    if not open_level:
        raise RuntimeError("Dual level must be a positive number.")
    open_level = 0


def _make_dual(tensor, tangent):
    """A view of a tensor with a tangent."""
    cdef Tensor x, y, t
    if not open_level:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to "
                           "enter_dual_level() first.")
    x = tensor_arg(tensor, "make_dual", "tensor", 1)
    t = tensor_arg(tangent, "make_dual", "tangent", 2)
    if x.kind != F64:
        raise ValueError(f"Expected primal to be floating point or complex, but got: {dtype_object(x.kind)}")
    if t.kind != F64:
        raise ValueError(f"Expected tangent to be floating point or complex, but got: {dtype_object(t.kind)}")
    if tangent_of(x) is not None:
        raise RuntimeError("Making a dual Tensor based on a Tensor that already has a forward gradient at the same "
                           "level 0 is not supported.")
    if not same_sizes(x.form, t.form):
        raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original "
                           f"Tensor, this is not supported. Tensor is of size {sizes_text(x.form)} while the given "
                           f"forward gradient is of size {sizes_text(t.form)}.")
    y = c_alias(x)
    set_tangent(y, t)
    return y


def _unpack_dual(tensor):
    """The pair (primal, tangent); the tangent is None where there is none."""
    cdef Tensor x = tensor_arg(tensor, "unpack_dual", "tensor", 1), t = tangent_of(x)
    if t is None:
        return x, None
    return c_alias(bare(x)), t


@method
def _tangent(self):
    """The tangent at the open level, or None."""
    return tangent_of(own(self))
