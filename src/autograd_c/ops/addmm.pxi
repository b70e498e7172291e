# Products with a sum or a broadcast: addmm, outer, linear.

# --------------------------------------------------------------------------------------------- addmm

@cython.final
cdef class AddmmBackward0(Node):
    """input: beta g; mat1: alpha g mat2^T; mat2: alpha mat1^T g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef double beta = self.c[0], alpha = self.c[1]
        if self.next0 is not None:
            give(grads, 0, multiple(g, beta))
        if self.next1 is not None:
            give(grads, 1, multiple(c_mm(g, c_transpose(saved_b(self), 0, 1)), alpha))
        if edge_node(self, 2) is not None:
            give(grads, 2, multiple(c_mm(c_transpose(saved_a(self), 0, 1), g), alpha))
        return 0


cdef Tensor multiple(Tensor x, double factor):
    return x if factor == 1.0 else unary_with(&SCALE, x, factor, 0.0)


cdef int check_addmm(Tensor x, Tensor a, Tensor b) except -1:
    if x.kind != b.kind:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {scalar_type_name(x.kind)} and "
                           f"{scalar_type_name(b.kind)}")
    if a.kind != b.kind:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {scalar_type_name(a.kind)} and "
                           f"{scalar_type_name(b.kind)}")
    if a.form.ndim != 2:
        raise RuntimeError(f"mat1 must be a matrix, got {a.form.ndim}-D tensor")
    if b.form.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix, got {b.form.ndim}-D tensor")
    check_matrices(a, b)
    return check_product(a, b, "m1", "m2", "addmm_impl_cpu_")


cdef Tensor addmm_result(Tensor x, Tensor a, Tensor b):
    """A tensor for the result."""
    cdef Py_ssize_t sizes[2]
    cdef Tensor y
    sizes[0] = a.form.sizes[0]
    sizes[1] = b.form.sizes[1]
    y = new_tensor(x.kind, layout_contiguous(2, sizes))
    check_expand(x.form, y.form)
    return y


cdef int addmm_into(Tensor y, Tensor x, Tensor a, Tensor b, double beta, double alpha) except -1:
    """y = beta x + alpha a @ b; a factor of 0 hides what is nan."""
    cdef int want = x.kind
    if alpha == 0.0:
        memset(y.ptr, 0, y.form.numel * item_size(y.kind))
    else:
        product_into(as_stack(y), as_stack(a), as_stack(b))
        if alpha != 1.0:
            binary_into(&MUL, y, y, factor_of(alpha, want), want)
    if beta != 0.0:
        if beta != 1.0:
            x = bare_product(x, factor_of(beta, want))
        binary_into(&ADD, y, y, x, want)
    return 0


cdef inline Tensor factor_of(double factor, int kind):
    return scalar_f64(factor) if kind == F64 else scalar_i64(<int64_t>factor)


cdef Tensor bare_product(Tensor x, Tensor factor):
    """x times a number, unknown to autograd."""
    cdef Tensor y = new_tensor(x.kind, fresh_layout(x.form))
    binary_into(&MUL, y, x, factor, x.kind)
    return y


cdef Node addmm_node(Tensor x, Tensor a, Tensor b, double beta, double alpha):
    cdef Node n = new_node(<PyTypeObject *>AddmmBackward0)
    n.c[0] = beta
    n.c[1] = alpha
    add_edge(n, x)
    add_edge(n, a)
    add_edge(n, b)
    if edge_node(n, 2) is not None:
        save_a(n, a)
    if n.next1 is not None:
        save_b(n, b)
    return n


cdef Tensor addmm_tangent(Tensor x, Tensor a, Tensor b, double beta, double alpha):
    cdef Tensor tx = tangent_of(x), ta = tangent_of(a), tb = tangent_of(b), p = None
    if ta is not None:
        p = c_mm(ta, bare(b))
    if tb is not None:
        p = added(p, c_mm(bare(a), tb))
    if p is not None:
        p = multiple(p, alpha)
    return added(multiple(tx, beta) if tx is not None else None, p)


cdef Tensor c_addmm(Tensor x, Tensor a, Tensor b, double beta, double alpha):
    cdef Tensor y
    check_addmm(x, a, b)
    y = addmm_result(x, a, b)
    if not recalled("addmm", y):
        addmm_into(y, x, a, b, beta, alpha)
        computed("addmm", y, x, a, b)
    if recording() and needs_grad(x) | needs_grad(a) | needs_grad(b):
        set_result(addmm_node(x, a, b, beta, alpha), y)
    if (x.flags | a.flags | b.flags) & SPECIAL:
        set_tangent(y, fitted(addmm_tangent(x, a, b, beta, alpha), y.form))
    return y


@op
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta * input + alpha * (mat1 @ mat2).

    Parameters
    ----------
    input : Tensor
        Expanded to the sizes of the product.
    mat1, mat2 : Tensor
        Matrices.
    beta, alpha : float
        With beta 0 a nan in `input` does not count; integers for tensors of integers.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If sizes or dtypes do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.addmm(torch.tensor([1.]), torch.tensor([[1., 2.]]), torch.tensor([[3.], [4.]]), alpha=2)
    tensor([[23.]])
    """
    cdef Tensor x = tensor_arg(input, "addmm", "input", 1), a = tensor_arg(mat1, "addmm", "mat1", 2)
    cdef Tensor b = tensor_arg(mat2, "addmm", "mat2", 3)
    return c_addmm(x, a, b, factor_arg(beta, "addmm", "beta", x.kind), factor_arg(alpha, "addmm", "alpha", x.kind))


@method
def addmm_(self, mat1, mat2, *, beta=1, alpha=1):
    """In-place version of `addmm`."""
    cdef Tensor x = own(self), a = tensor_arg(mat1, "addmm_", "mat1", 1), b = tensor_arg(mat2, "addmm_", "mat2", 2)
    cdef Tensor y, old = x
    cdef double by = factor_arg(beta, "addmm_", "beta", x.kind), times = factor_arg(alpha, "addmm_", "alpha", x.kind)
    cdef Node n = None
    cdef bint recorded = recording() and bool(target_needs_grad(x) | needs_grad(a) | needs_grad(b))
    check_addmm(x, a, b)
    if x.form.ndim != 2 or x.form.sizes[0] != a.form.sizes[0] or x.form.sizes[1] != b.form.sizes[1]:
        raise RuntimeError(f"Bad in-place call: input tensor size {sizes_text(x.form)} and output tensor size "
                           f"[{a.form.sizes[0]}, {b.form.sizes[1]}] should match")
    check_in_place(x, recorded)
    check_overlap(x)
    if (x.flags | a.flags | b.flags) & SPECIAL:
        old = before_change(x)
        a = before_change(a) if a is x else a
        b = before_change(b) if b is x else b
    y = addmm_result(x, a, b)
    addmm_into(y, x, a, b, by, times)
    if recorded:
        n = addmm_node(x, a, b, by, times)
    begin_write(x)
    copy_elements(x, y)
    bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if (old.flags | a.flags | b.flags) & SPECIAL:
        give_tangent(x, addmm_tangent(old, a, b, by, times))
    return x


# --------------------------------------------------------------------------------------------- outer

cdef Tensor c_outer(Tensor a, Tensor b):
    cdef Py_ssize_t sizes[2]
    if a.form.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {a.form.ndim}-D")
    if b.form.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument vec2, but got {b.form.ndim}-D")
    sizes[0] = a.form.sizes[0]
    sizes[1] = 1
    return binary(&MUL, c_reshape(a, layout_contiguous(2, sizes)), b)


@op
def outer(input, vec2):
    """The products of each element of `input` with each of `vec2`, as a matrix.

    Parameters
    ----------
    input, vec2 : Tensor
        Vectors.

    Returns
    -------
    Tensor
        A row for each element of `input`.

    Raises
    ------
    RuntimeError
        If one is not 1-d.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.outer(torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return c_outer(tensor_arg(input, "outer", "input", 1), tensor_arg(vec2, "outer", "vec2", 2))


@op
def ger(input, vec2):
    """Alias of `outer`."""
    return c_outer(tensor_arg(input, "ger", "input", 1), tensor_arg(vec2, "ger", "vec2", 2))


# -------------------------------------------------------------------------------------------- linear

cdef Tensor c_linear(Tensor x, Tensor w, Tensor b):
    """As PyTorch composes it, which the graph shows: with the bias one addmm where the rows of x lie in order."""
    cdef Tensor y, turned
    cdef Layout form
    if x.form.ndim == 0 or w.form.ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.form.ndim}D and "
                           f"{w.form.ndim}D")
    turned = c_t(w)
    if b is None:
        return c_matmul(x, turned)
    if x.form.ndim == 2:
        return c_addmm(b, x, turned, 1.0, 1.0)
    if x.form.contiguous and (b.form.ndim == 1 or (b.form.ndim == 2 and b.form.sizes[0] == 1)):
        y = c_addmm(b, rows_of(x), turned, 1.0, 1.0)
        return c_view(y, with_last(x.form, 1, y.form.sizes[1]))
    y = c_matmul(x, turned)
    form = broadcast_layouts(y.form, b.form)
    if not same_sizes(form, y.form):
        raise RuntimeError(f"output with shape {sizes_text(y.form)} doesn't match the broadcast shape "
                           f"{sizes_text(form)}")
    return binary(&ADD, y, b)


def linear(input, weight, bias=None):
    """input @ weight^T + bias.

    Parameters
    ----------
    input : Tensor
        Rows of `in_features` elements, with any dimensions before.
    weight : Tensor
        Of sizes (out_features, in_features), or (in_features).
    bias : Tensor, optional
        Of size (out_features), or () for a 1-d weight.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If the sizes do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.linear(torch.tensor([1., 2.]), torch.tensor([[3., 4.]]), torch.tensor([1.]))
    tensor([12.])
    """
    cdef Tensor x = tensor_arg(input, "linear", "input", 1), w = tensor_arg(weight, "linear", "weight", 2)
    return c_linear(x, w, None if bias is None else tensor_arg(bias, "linear", "bias", 3))
