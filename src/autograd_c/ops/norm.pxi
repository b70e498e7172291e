# norm: that of vectors stands in moments.pxi, here the nuclear norm, the sum of the singular values.
#
# x = u diag(s) vh, with k values in s: u is m x k, vh k x n.  numpy's LAPACK computes them; numpy is
# imported at the first use.  The vectors are computed only where a derivative needs them.

# ------------------------------------------------------------------------------------ singular values

cdef list svd_of_elements(Tensor x, bint vectors):
    """u, s and vh, new; without the vectors s alone stands between two Nones."""
    import numpy as np
    from ._interop import shared_array
    array = shared_array(x)
    try:
        if vectors:
            parts = np.linalg.svd(array, full_matrices=False)
        else:
            parts = None, np.linalg.svd(array, compute_uv=False), None
    except np.linalg.LinAlgError:
        why = ("is ill-conditioned or has too many repeated singular values" if np.isfinite(array).all() else
               "contained non-finite values")
        raise RuntimeError(f"linalg.svd: The algorithm failed to converge because the input matrix {why}.") from None
    return [None if part is None else tensor_from_data(part, F64) for part in parts]


cdef Tensor singular_values(Tensor x):
    cdef Node n = None
    cdef Tensor part, t = tangent_of(x)
    cdef bint recorded = recording() and needs_grad(x)
    cdef list parts = svd_of_elements(x, recorded or t is not None)
    cdef int i
    if recorded:
        n = new_node(<PyTypeObject *>LinalgSvdBackward0)
        n.flags |= MANY
        add_edge(n, x)
        for part in parts:
            save_more(n, alias(part))
        extra_of(n).forms = [part.form for part in parts]
        for i in range(3):
            part = parts[i]
            set_result(n, part)
            part.nr = i
    if t is not None:
        tangents = svd_tangents(parts[0], parts[1], parts[2], t)
        for i in range(3):
            set_tangent(parts[i], tangents[i])
            if n is not None:
                if n.extra.saved[i][0] is not None:
                    set_tangent(n.extra.saved[i][0], tangents[i])
                packed_tangent(n, i, tangents[i])
    return parts[1]


cdef Tensor saved_part(Node n, int i):
    """u, s or vh as a tensor whose grad_fn is n."""
    cdef Tensor kept = saved_more(n, i), y = alias(kept)
    set_tangent(y, tangent_of(kept))
    y.node = n
    y.nr = i
    y.flags |= REQUIRES
    return y


cdef Tensor swapped(Tensor x):
    return c_transpose(x, x.form.ndim - 2, x.form.ndim - 1)


cdef Tensor as_column(Tensor s):
    return c_unsqueeze(s, s.form.ndim)


cdef Tensor as_row(Tensor s):
    return c_unsqueeze(s, s.form.ndim - 1)


cdef Tensor identity_of(Tensor s):
    """The unit matrix with a row for each singular value."""
    cdef Tensor places = c_arange(s.form.sizes[s.form.ndim - 1])
    return to_kind(compare(Py_EQ, c_unsqueeze(places, 1), places), F64)


cdef Tensor gaps(Tensor s):
    """s[j]**2 - s[i]**2 at (i, j), and 1 on the diagonal."""
    cdef Tensor row = as_row(s), column = as_column(s)
    return (row - column) * (row + column) + identity_of(s)


@cython.final
cdef class LinalgSvdBackward0(Node):
    """x = u diag(s) vh; s: u diag(g) vh; u, vh: what turns them, divided by differences of squares of s"""

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        return give(grads, 0, svd_gradient(saved_part(self, 0), saved_part(self, 1), saved_part(self, 2),
                                           gs[0], gs[1], gs[2]))


cdef Tensor svd_gradient(Tensor u, Tensor s, Tensor vh, Tensor gu, Tensor gs, Tensor gvh):
    cdef Tensor turn, inner = None, beside = None, row = as_row(s), column = as_column(s)
    cdef int last = s.form.ndim
    if gu is None and gvh is None:
        return None if gs is None else (u * as_row(gs)) @ vh
    if gu is not None:
        turn = swapped(u) @ gu
        inner = (turn - swapped(turn)) * row
        if u.form.sizes[last - 1] > u.form.sizes[last]:      # a part of gu is beside the columns of u
            turn = gu / row
            beside = (turn - u @ (swapped(u) @ turn)) @ vh
    if gvh is not None:
        turn = vh @ swapped(gvh)
        inner = added(inner, column * (turn - swapped(turn)))
        if vh.form.sizes[last] > vh.form.sizes[last - 1]:
            turn = gvh / column
            beside = added(beside, u @ (turn - (turn @ swapped(vh)) @ vh))
    inner = inner / gaps(s)
    if gs is not None:
        inner = inner + identity_of(s) * as_row(gs)
    return added(u @ inner @ vh, beside)


cdef tuple svd_tangents(Tensor u, Tensor s, Tensor vh, Tensor t):
    cdef Tensor change, side, tu, tvh, row = as_row(s), column = as_column(s)
    cdef int last = s.form.ndim
    change = swapped(u) @ t @ swapped(vh)
    side = change * (1.0 - identity_of(s))
    tu = u @ ((side * row + column * swapped(side)) / gaps(s))
    tvh = -((column * side + swapped(side) * row) / gaps(s)) @ vh
    if u.form.sizes[last - 1] > u.form.sizes[last]:
        side = t @ swapped(vh) / row
        tu = tu + side - u @ (swapped(u) @ side)
    if vh.form.sizes[last] > vh.form.sizes[last - 1]:
        side = swapped(u) @ t / column
        tvh = tvh + side - (side @ swapped(vh)) @ vh
    return tu, c_diagonal(change, 0, last - 1, last), tvh


# ---------------------------------------------------------------------------------------------- norm

cdef tuple matrix_dims(Tensor x, str p, object dim):
    """The two dimensions of a norm of matrices."""
    if p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    if x.form.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if x.kind != F64:
        raise RuntimeError("linalg.matrix_norm: Expected a floating point or complex tensor as input. Got "
                           f"{scalar_type_name(x.kind)}")
    dims = tuple(range(x.form.ndim)) if dim is None else tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join([str(d) for d in dims])}")
    wrapped = wrap_dim(dims[0], x.form.ndim), wrap_dim(dims[1], x.form.ndim)
    if wrapped[0] == wrapped[1]:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got {wrapped}")
    return wrapped


cdef Tensor nuclear_norm(Tensor x, tuple dims, bint keepdim):
    """The sum of the singular values of the matrices in two dimensions."""
    cdef int ndim = x.form.ndim
    cdef tuple order = tuple([d for d in range(ndim) if d not in dims]) + dims
    cdef Tensor y = c_sum(singular_values(c_permute(x, order)), <uint64_t>1 << (ndim - 2), keepdim, True)
    if keepdim:
        y = c_permute(c_unsqueeze(y, ndim - 1), tuple([order.index(d) for d in range(ndim)]))
    return y


cdef double order_number(object p) except? -1.0:
    """The exponent; 'fro' is 2 once its dimensions are checked."""
    if p is None:
        return 2.0
    if not isinstance(p, Tensor) and not hasattr(p, "__float__") or isinstance(p, Tensor) and (<Tensor>p).form.ndim:
        raise TypeError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type_name(p)}")
    return float(p)


@op
def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """The p-norm of all elements or along dimensions, as of one vector; or the nuclear norm of matrices.

    Parameters
    ----------
    input : Tensor
        Of dtype float64.
    p : number, "fro" or "nuc"
        Exponent: ``sum(abs(x)**p)**(1/p)``; inf is the largest magnitude, -inf the smallest, 0 counts what is not 0.
        "fro" is 2; "nuc" is the sum of the singular values.
    dim : int or sequence of int, optional
        Dimensions to fold; all by default. Two for "nuc".
    keepdim : bool
        Keep folded dimensions with size 1.
    dtype : dtype, optional
        float64.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For integers and bools; for no elements, where p < 0 or p = inf.

    Notes
    -----
    The powers may overflow or underflow, the result does not.  The derivative is 0 where the norm is 0;
    p = inf shares it evenly among elements of that magnitude.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.norm(torch.tensor([3., -4.]))
    tensor(5.)
    >>> torch.norm(torch.tensor([[3., -4.], [6., 8.]]), float("inf"), dim=1)
    tensor([4., 8.])
    """
    cdef Tensor x = tensor_arg(input, "norm", "input", 1)
    cdef int kind = dtype_number(dtype, F64)
    cdef str what = "matrix" if isinstance(p, str) and p != "fro" else "vector"
    cdef bint keep = flag_arg(keepdim, None, "norm")
    if kind != F64:
        raise RuntimeError(f"linalg.{what}_norm: dtype should be floating point or complex, but got "
                           f"{scalar_type_name(kind)}")
    if isinstance(p, str):
        if p != "fro" or (isinstance(dim, (tuple, list)) and len(dim) > 2):
            return nuclear_norm(x, matrix_dims(x, p, dim), keep)
        p = 2.0
    return c_norm(x, order_number(p), dim, keep)
