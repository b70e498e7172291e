# Exponentials weighed against each other: logsumexp.

# ----------------------------------------------------------------------------------------- logsumexp

@cython.final
cdef class LogsumexpBackward0(Node):
    """g exp(x - y)"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef tuple kept = self.args
        cdef uint64_t mask = kept[0]
        cdef Tensor x = saved_a(self), y = saved_result(self)
        if not kept[1]:
            g = keep_dims(g, x.form, mask)
            y = keep_dims(y, x.form, mask)
        return give(grads, 0, binary(&MUL, g, unary(&EXP, binary(&SUB, x, y))))


cdef Tensor c_logsumexp(Tensor x, uint64_t mask, bint keepdim):
    """log(sum(exp(x))), shifted by the maximum where that is finite."""
    cdef Tensor m, e, y, t, wide, p
    cdef Node n
    cdef int no_grad = ag_tls.no_grad
    cdef Tensor z = alias(x)
    ag_tls.no_grad = 1
    try:
        z = to_kind(z, F64)
        if x.form.numel:
            m = extremum_values(z, mask, True, True, None)
            m = choose(unary(&ISFINITE, m), m, scalar_number(0.0))
            e = sum_values(unary(&EXP, binary(&SUB, z, m)), mask, True)
            y = binary(&ADD, unary(&LOG, e), m)
        else:
            y = unary(&LOG, sum_values(z, mask, True))
        y = y if keepdim else strided_alias(y, reduced_layout(x.form, mask, False), 0)
    finally:
        ag_tls.no_grad = no_grad
    if recording() and needs_grad(x):
        n = new_node(<PyTypeObject *>LogsumexpBackward0)
        n.args = (mask, keepdim)
        add_edge(n, x)
        save_a(n, x)
        set_result(n, y)
        save_result(n, y)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        p = bare(x)
        wide = bare(y) if keepdim else keep_dims(bare(y), x.form, mask)
        t = binary(&MUL, tangent_of(x), unary(&EXP, binary(&SUB, p, wide)))
        give_tangent(y, c_sum(t, mask, keepdim, True))
    return y


@op
def logsumexp(input, dim, keepdim=False):
    """log(sum(exp(input))) along dimensions, without overflow.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int
        Dimensions to fold.
    keepdim : bool
        Keep folded dimensions with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.logsumexp(torch.tensor([1000., 1000.]), 0)
    tensor(1000.6931)
    """
    cdef Tensor x = tensor_arg(input, "logsumexp", "input", 1)
    return c_logsumexp(x, dim_mask(dim, x.form.ndim), keepdim)
