# Sums of powers: var, std, norm.  How they are summed stands in core/norms.pxi.

# ------------------------------------------------------------------------------------------ var, std

cdef struct Moment:
    const char *name
    bint root                  # std
    bint pair                  # with the mean
    PyTypeObject *node


cdef inline num var_dx(num g, num x, num y, const double *c) noexcept:
    """y is the mean here; c[0] is 2 / (n - correction)."""
    return c[0] * g * (x - y)

cdef void var_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(var_dx[double], n, p, s, c)


cdef Tensor var_gradient(Tensor g, Tensor x, uint64_t mask, double correction, bint named):
    """The derivative of the variance; g has the folded dimensions."""
    cdef double freedom = <double>count_folded(x.form, mask) - correction
    cdef double c[1]
    cdef Tensor mean = c_mean(x, mask, True, True)
    if freedom <= 0.0 and (not named or x.form.ndim == 0):
        # PyTorch's limit for all elements: what equals the mean gives nan, any other infinity.
        return binary(&MUL, g, choose(compare(Py_EQ, x, mean), scalar_number(cmath.NAN),
                                      scalar_number(cmath.INFINITY)))
    c[0] = 2.0 / freedom
    return spread_gradient(var_backward, var_dx[Tensor], g, x, mean, c)


cdef inline num std_to_var(num g, num y) noexcept:
    """The gradient of the variance from that of its root y; 0 where that is 0."""
    return if_zero[num](y, zero_of[num](g), g / (y * 2.0))


cdef Tensor moment_gradient(Node n, Tensor g, bint root):
    """From the gradient of the variance, or with `root` the standard deviation."""
    cdef tuple kept = n.args
    cdef uint64_t mask = kept[0]
    cdef Tensor x = saved_a(n), y
    if not kept[1]:
        g = keep_dims(g, x.form, mask)
    if root:
        y = saved_result(n)
        g = std_to_var[Tensor](g, y if kept[1] else keep_dims(y, x.form, mask))
    return var_gradient(g, x, mask, kept[2], kept[3])


@cython.final
cdef class VarBackward0(Node):
    """2 g (x - mean) / (n - correction)"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, moment_gradient(self, g, False))


@cython.final
cdef class StdBackward0(Node):
    """g (x - mean) / (y (n - correction)), 0 where y is 0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return give(grads, 0, moment_gradient(self, g, True))


cdef class VarMeanBackward0(Node):
    """the derivatives of variance and mean, added"""

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef Tensor x = saved_a(self), p = None, q = None
        if gs[0] is not None:
            p = moment_gradient(self, gs[0], self.c[0] != 0.0)
        if gs[1] is not None:
            q = binary(&DIV, gs[1], scalar_number(count_folded(x.form, kept[0])))
            q = spread(q, x.form, kept[0], kept[1])
        return give(grads, 0, added(p, q))


@cython.final
cdef class StdMeanBackward0(VarMeanBackward0):
    """the derivatives of standard deviation and mean, added"""


cdef int warn_freedom(const Moment *op, Layout form, Layout result, double correction) except -1:
    cdef double count = <double>form.numel / <double>result.numel if result.numel else 0.0
    if count - correction <= 0.0:
        import warnings
        warnings.warn(f"{op.name.decode()}(): degrees of freedom is <= 0. Correction should be strictly less than the "
                      "reduction factor (input numel divided by output numel).", UserWarning, stacklevel=1)
    return 0


cdef object moment(const Moment *op, Tensor x, object dim, bint keepdim, double correction):
    """The result, or the pair with the mean."""
    cdef uint64_t mask = dim_mask(dim, x.form.ndim)
    cdef Layout form = reduced_layout(x.form, mask, keepdim)
    cdef Tensor y, t, wide, mean = None
    cdef Node n
    cdef bint named = dim is not None
    if x.kind != F64:
        name = op.name.decode() if op.pair else "std and var"
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    warn_freedom(op, x.form, form, correction)
    y = new_tensor(F64, form)
    if op.pair:
        mean = new_tensor(F64, form)
    if op.pair or not recalled(op.name, y):
        reduce_with(&STD if op.root else &VAR, y, mean, x, mask, F64, &correction)
        if not op.pair:
            computed(op.name, y, x)
    if recording() and needs_grad(x):
        n = new_node(op.node)
        n.args = (mask, keepdim, correction, named)
        n.c[0] = op.root
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        if op.pair:
            n.flags |= MANY
            extra_of(n).forms = [y.form, mean.form]
            set_result(n, mean)
            mean.nr = 1
        if op.root:
            save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        wide = bare(y) if keepdim else keep_dims(bare(y), x.form, mask)
        t = var_gradient(tangent_of(x), bare(x), mask, correction, named)
        t = c_sum(t, mask, keepdim, True)
        if op.root:
            t = std_to_var[Tensor](t, bare(y))
        give_tangent(y, t)
        if op.pair:
            set_tangent(mean, c_mean(tangent_of(x), mask, keepdim, True))
    return (y, mean) if op.pair else y


cdef object moment_arg(const Moment *op, object input, object dim, object unbiased, object keepdim, object correction,
                       object axis, object keepdims):
    """The operation with the arguments of any of its three forms."""
    cdef str name = op.name.decode()
    cdef Tensor x = tensor_arg(input, name, "input", 1)
    dim = dim_arg(dim, axis, name)
    if isinstance(dim, bool) and unbiased is None:         # var(unbiased)
        dim, unbiased = None, dim
    if dim is not None and not isinstance(dim, (tuple, list)) and not hasattr(dim, "__index__"):
        raise TypeError(f"{name}(): argument 'dim' must be tuple of ints, not {type_name(dim)}")
    if unbiased is not None and not isinstance(unbiased, bool):
        raise TypeError(f"{name}(): argument 'unbiased' must be bool, not {type_name(unbiased)}")
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}(): give either 'unbiased' or 'correction'")
    if correction is None:
        correction = 0.0 if unbiased is False else 1.0
    elif not hasattr(correction, "__float__"):
        raise TypeError(f"{name}(): argument 'correction' must be Number, not {type_name(correction)}")
    return moment(op, x, dim, flag_arg(keepdim, keepdims, name), float(correction))


cdef Moment moment_table(const char *name, bint root, bint pair, object node):
    cdef Moment t
    t.name = name
    t.root = root
    t.pair = pair
    t.node = <PyTypeObject *>node
    return t

cdef Moment VAR_OP = moment_table("var", False, False, VarBackward0)
cdef Moment STD_OP = moment_table("std", True, False, StdBackward0)
cdef Moment VAR_MEAN_OP = moment_table("var_mean", False, True, VarMeanBackward0)
cdef Moment STD_MEAN_OP = moment_table("std_mean", True, True, StdMeanBackward0)


@op
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None, axis=None, keepdims=None):
    """Variance of all elements or along dimensions.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Dimensions to fold; all by default.
    unbiased : bool, optional
        False for a correction of 0; may stand in the place of `dim`.
    keepdim : bool
        Keep folded dimensions with size 1.
    correction : number, optional
        What is subtracted from the number of elements, which the sum of squares is divided by; 1 by default.
    axis, keepdims
        numpy's names of `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For integers and bools.

    Notes
    -----
    Two passes, and the differences from the mean are summed pairwise [1]_.  Too few elements give a
    warning, and nan or infinity.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
       recommendations", The American Statistician 37, 1983.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.var(torch.tensor([1., 2., 3., 6.]))
    tensor(4.6667)
    >>> torch.var(torch.tensor([1., 2., 3., 6.]), correction=0)
    tensor(3.5000)
    """
    return moment_arg(&VAR_OP, input, dim, unbiased, keepdim, correction, axis, keepdims)


@op
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None, axis=None, keepdims=None):
    """Standard deviation of all elements or along dimensions: the root of `var`, with its parameters.

    Notes
    -----
    The squares may overflow or underflow, the result does not.  The gradient is 0 where the result is 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.std(torch.tensor([[1., 3.], [2., 2.]]), 1)
    tensor([1.4142, 0.0000])
    """
    return moment_arg(&STD_OP, input, dim, unbiased, keepdim, correction, axis, keepdims)


@op_function
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None, axis=None, keepdims=None):
    """Variance and mean as a pair, with the parameters of `var`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.var_mean(torch.tensor([1., 2., 3., 6.]))
    (tensor(4.6667), tensor(3.))
    """
    return moment_arg(&VAR_MEAN_OP, input, dim, unbiased, keepdim, correction, axis, keepdims)


@op_function
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None, axis=None, keepdims=None):
    """Standard deviation and mean as a pair, with the parameters of `var`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.std_mean(torch.tensor([1., 2., 3., 6.]), correction=0)
    (tensor(1.8708), tensor(3.))
    """
    return moment_arg(&STD_MEAN_OP, input, dim, unbiased, keepdim, correction, axis, keepdims)


# ---------------------------------------------------------------------------------------------- norm
# The ratio of an element to the norm is taken before the power, which then does not overflow.  y is 0
# where all x are (for p > 0): the derivative is 0 there.

cdef inline num norm_dx(num g, num x, num y, const double *c) noexcept:
    if c[0] == 1.0:                                          # static, so this asks no operand
        return sign_of[num](x) * g
    if c[0] == 2.0:
        return g * if_zero[num](y, zero_of[num](y), x / y)
    if c[0] > 1.0:
        return if_zero[num](y, zero_of[num](g),
                            g * (sign_of[num](x) * pow_of[num](abs_of[num](x) / one_if_zero[num](y), c[0] - 1.0)))
    return g * if_zero[num](x, zero_of[num](x), sign_of[num](x) * pow_of[num](y / abs_of[num](x), 1.0 - c[0]))

cdef void norm_backward(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    chain1(norm_dx[double], n, p, s, c)


cdef Tensor extreme_norm_dx(Tensor g, Tensor x, Tensor y, uint64_t mask):
    """For p = inf and -inf: shared among the elements of that magnitude, nans if it is nan."""
    cdef Tensor chosen = compare(Py_EQ, unary(&ABS, x), y), count
    chosen = binary(&BITWISE_OR, chosen, binary(&BITWISE_AND, unary(&ISNAN, x), unary(&ISNAN, y)))
    count = to_kind(c_sum(chosen, mask, True, True), F64)
    return binary(&MUL, unary(&SIGN, x), binary(&MUL, binary(&DIV, g, count), to_kind(chosen, F64)))


cdef Tensor norm_gradient(Tensor g, Tensor x, Tensor y, uint64_t mask, double p):
    """The derivative, from g and y with the folded dimensions; a tangent for g gives what is to be summed."""
    if p == cmath.INFINITY or p == -cmath.INFINITY:
        return extreme_norm_dx(g, x, y, mask)
    return spread_gradient(norm_backward, norm_dx[Tensor], g, x, y, &p)


@cython.final
cdef class LinalgVectorNormBackward0(Node):
    """g sign(x) |x / y|**(p - 1)"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef uint64_t mask = kept[0]
        cdef Tensor x = saved_a(self), y = saved_result(self)
        if self.c[0] == 0.0:                   # a count
            return 0
        if not kept[1]:
            g = keep_dims(g, x.form, mask)
            y = keep_dims(y, x.form, mask)
        return give(grads, 0, norm_gradient(g, x, y, mask, self.c[0]))


cdef int check_norm(Tensor x, object dim, uint64_t mask, double p) except -1:
    """Raise where there is no element to choose."""
    cdef int d
    cdef str order = f"{p:g}"
    if not p < 0.0 and p != cmath.INFINITY:
        return 0
    if dim is None and x.form.numel == 0:
        raise RuntimeError(f"linalg.vector_norm cannot compute the {order} norm on an empty tensor because the "
                           "operation does not have an identity")
    for d in range(x.form.ndim):
        if (mask >> d) & 1 and x.form.sizes[d] == 0:
            raise RuntimeError(f"linalg.vector_norm cannot compute the {order} norm on the dimension {d}because this "
                               "dimension is empty and the operation does not have an identity")
    return 0


cdef Tensor c_norm(Tensor x, double p, object dim, bint keepdim):
    cdef uint64_t mask = dim_mask(dim, x.form.ndim)
    cdef const Reducer *reducer = &NORM
    cdef Tensor y, t, wide
    cdef Node n
    if x.kind != F64:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{scalar_type_name(x.kind)}")
    check_norm(x, dim, mask, p)
    if p == 0.0:
        reducer = &COUNT
    elif p == cmath.INFINITY:
        reducer = &LARGEST
    elif p == -cmath.INFINITY:
        reducer = &SMALLEST
    y = new_tensor(F64, reduced_layout(x.form, mask, keepdim))
    if not recalled("norm", y):
        reduce_with(reducer, y, None, x, mask, F64, &p)
        computed("norm", y, x)
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>LinalgVectorNormBackward0)
        n.args = (mask, keepdim)
        n.c[0] = p
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        if p == 0.0:
            t = zeros_form(y.form)
        else:
            wide = bare(y) if keepdim else keep_dims(bare(y), x.form, mask)
            t = c_sum(norm_gradient(tangent_of(x), bare(x), wide, mask, p), mask, keepdim, True)
        give_tangent(y, t)
    return y
