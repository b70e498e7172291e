# Products: matmul and its parts.
#
# The arithmetic is numpy's: the inner loop of np.matmul, looked up at the first product (the bridge
# _numpy.pyx), runs on our memory with our strides, so a transposed operand is not copied.  Only tiny
# matrices of doubles have loops of their own: a call of BLAS costs more than they do.

ctypedef void (*ProductLoop)(char **p, Py_ssize_t *sizes, Py_ssize_t *steps, void *data) noexcept

cdef struct Product:
    ProductLoop loop
    void *data

cdef Product PRODUCTS[3]       # by dtype; loop NULL: not looked up yet


cdef int load_products() except -1:
    from ._numpy import matmul_loops
    for kind, (loop, data) in zip((F64, I64), matmul_loops()):
        PRODUCTS[<int>kind].loop = <ProductLoop><uintptr_t>loop
        PRODUCTS[<int>kind].data = <void *><uintptr_t>data
    return 0


cdef enum:
    TINY = 8                   # rows, columns, and terms of each sum, at most


cdef inline void tiny_matrices(char **p, const Py_ssize_t *sizes, const Py_ssize_t *steps,
                               const int width) noexcept nogil:
    """y = a @ b for stacks, where b has at most `width` columns: a constant where this is inlined, for vectors."""
    cdef BlockRoom room
    cdef double sums[TINY]
    cdef bint full = sizes[3] == width
    cdef bint as_it_is = full and steps[6] == sizeof(double), in_one = full and steps[8] == sizeof(double)
    cdef Py_ssize_t next_row = steps[5] if as_it_is else width * <Py_ssize_t>sizeof(double)
    cdef const char *a
    cdef const char *b
    cdef const char *rows
    cdef const double *row
    cdef char *y
    cdef double x
    cdef Py_ssize_t s, i, k, j
    for s in range(sizes[0]):
        a = p[0] + s * steps[0]
        b = p[1] + s * steps[1]
        y = p[2] + s * steps[2]
        rows = b
        if not as_it_is:
            rows = <const char *>room.of
            for k in range(sizes[2]):
                for j in range(width):
                    room.of[k * width + j] = (
                        (<const double *>(b + k * steps[5] + j * steps[6]))[0] if j < sizes[3] else 0.0)
        for i in range(sizes[1]):
            for j in range(width):
                sums[j] = 0.0
            for k in range(sizes[2]):
                x = (<const double *>(a + i * steps[3] + k * steps[4]))[0]
                row = <const double *>(rows + k * next_row)
                for j in range(width):
                    sums[j] = mad(x, row[j], sums[j])
            if in_one:
                for j in range(width):
                    (<double *>(y + i * steps[7]))[j] = sums[j]
            else:
                for j in range(sizes[3]):
                    (<double *>(y + i * steps[7] + j * steps[8]))[0] = sums[j]


cdef void tiny_product(char **p, const Py_ssize_t *sizes, const Py_ssize_t *steps) noexcept nogil:
    """What numpy's loop does, for matrices of doubles of at most TINY rows, columns, and terms."""
    if sizes[3] == 1:
        tiny_matrices(p, sizes, steps, 1)
    elif sizes[3] <= TINY // 2:
        tiny_matrices(p, sizes, steps, TINY // 2)
    else:
        tiny_matrices(p, sizes, steps, TINY)


cdef int product_into(Tensor y, Tensor a, Tensor b) except -1:
    """y = a @ b for stacks of matrices (3-d; a stack of one may be shared by stride 0)."""
    cdef char *p[3]
    cdef Py_ssize_t sizes[4]
    cdef Py_ssize_t steps[9]
    cdef PyThreadState *unlocked = NULL
    cdef Py_ssize_t item = item_size(y.kind)
    cdef bint tiny
    if y.form.numel == 0:
        return 0
    if a.form.sizes[2] == 0:
        memset(y.ptr, 0, y.form.numel * item)
        return 0
    p[0] = a.ptr
    p[1] = b.ptr
    p[2] = y.ptr
    sizes[0] = y.form.sizes[0]
    sizes[1] = y.form.sizes[1]
    sizes[2] = a.form.sizes[2]
    sizes[3] = y.form.sizes[2]
    steps[0] = a.form.strides[0] * item if a.form.sizes[0] > 1 else 0
    steps[1] = b.form.strides[0] * item if b.form.sizes[0] > 1 else 0
    steps[2] = y.form.strides[0] * item
    steps[3] = a.form.strides[1] * item
    steps[4] = a.form.strides[2] * item
    steps[5] = b.form.strides[1] * item
    steps[6] = b.form.strides[2] * item
    steps[7] = y.form.strides[1] * item
    steps[8] = y.form.strides[2] * item
    tiny = y.kind == F64 and sizes[1] <= TINY and sizes[2] <= TINY and sizes[3] <= TINY
    if not tiny and PRODUCTS[F64].loop == NULL:
        load_products()
    if sizes[0] * sizes[1] * sizes[2] * sizes[3] >= UNLOCK:
        unlocked = PyEval_SaveThread()
    if tiny:
        tiny_product(p, sizes, steps)
    else:
        rest_team()
        PRODUCTS[y.kind].loop(p, sizes, steps, PRODUCTS[y.kind].data)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)
    return 0


cdef Tensor stacked(Tensor x, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t row_step, Py_ssize_t column_step):
    """x as a stack of one matrix, unknown to autograd."""
    cdef Layout layout = layout_new(3)
    layout.sizes[0] = 1
    layout.sizes[1] = rows
    layout.sizes[2] = columns
    layout.strides[0] = rows * columns
    layout.strides[1] = row_step
    layout.strides[2] = column_step
    return strided_alias(x, layout_settle(layout), 0)


cdef Tensor as_stack(Tensor x):
    return stacked(x, x.form.sizes[0], x.form.sizes[1], x.form.strides[0], x.form.strides[1])


cdef int check_product(Tensor a, Tensor b, str first, str second, str kernel) except -1:
    if a.kind != b.kind:
        raise RuntimeError(f"expected {first} and {second} to have the same dtype, but got: "
                           f"{c_name(a.kind)} != {c_name(b.kind)}")
    if a.kind == BOOL:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
    return 0


cdef str c_name(int kind):
    return "double" if kind == F64 else "long int" if kind == I64 else "bool"


cdef Node product_node(object cls, Tensor a, Tensor b):
    """The node of a bilinear operation, which saves for each operand the other."""
    cdef Node n = new_node(<PyTypeObject *>cls)
    add_edge(n, a)
    add_edge(n, b)
    if n.next1 is not None:
        save_a(n, a)
    if n.next0 is not None:
        save_b(n, b)
    return n


ctypedef Tensor (*Bilinear)(Tensor a, Tensor b)


cdef Tensor finish_product(Bilinear f, object cls, Tensor a, Tensor b, Tensor y):
    """Record the product y = f(a, b), and give it its tangent."""
    cdef Tensor ta, tb
    if recording() and needs_grad(a) | needs_grad(b):
        set_result(product_node(cls, a, b), y)
    if (a.flags | b.flags) & SPECIAL:
        ta = tangent_of(a)
        tb = tangent_of(b)
        if ta is not None or tb is not None:
            set_tangent(y, added(f(ta, bare(b)) if ta is not None else None,
                                 f(bare(a), tb) if tb is not None else None))
    return y


# ------------------------------------------------------------------------------------------------ mm

@cython.final
cdef class MmBackward0(Node):
    """mat1: g mat2^T; mat2: mat1^T g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, c_mm(g, c_transpose(saved_b(self), 0, 1)))
        if self.next1 is not None:
            give(grads, 1, c_mm(c_transpose(saved_a(self), 0, 1), g))
        return 0


cdef int check_matrices(Tensor a, Tensor b) except -1:
    if a.form.sizes[1] != b.form.sizes[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a.form.sizes[0]}x{a.form.sizes[1]} and "
                           f"{b.form.sizes[0]}x{b.form.sizes[1]})")
    return 0


cdef Tensor c_mm(Tensor a, Tensor b):
    cdef Py_ssize_t sizes[2]
    cdef Tensor y
    check_matrices(a, b)
    check_product(a, b, "m1", "m2", "addmm_impl_cpu_")
    sizes[0] = a.form.sizes[0]
    sizes[1] = b.form.sizes[1]
    y = new_tensor(a.kind, layout_contiguous(2, sizes))
    if not recalled("mm", y):
        product_into(as_stack(y), as_stack(a), as_stack(b))
        computed("mm", y, a, b)
    return finish_product(c_mm, MmBackward0, a, b, y)


@op
def mm(input, mat2):
    """The product of two matrices.

    Raises
    ------
    RuntimeError
        If they are no matrices, or their sizes do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.mm(torch.tensor([[1., 2.]]), torch.tensor([[3.], [4.]]))
    tensor([[11.]])
    """
    cdef Tensor a = tensor_arg(input, "mm", "input", 1), b = tensor_arg(mat2, "mm", "mat2", 2)
    if a.form.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if b.form.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    return c_mm(a, b)


# ------------------------------------------------------------------------------------------------ mv

@cython.final
cdef class MvBackward0(Node):
    """matrix: g vec^T; vec: matrix^T g"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, binary(&MUL, c_unsqueeze(g, 1), saved_b(self)))
        if self.next1 is not None:
            give(grads, 1, c_mv(c_transpose(saved_a(self), 0, 1), g))
        return 0


cdef Tensor c_mv(Tensor a, Tensor v):
    cdef Tensor y
    if a.form.sizes[1] != v.form.sizes[0]:
        raise RuntimeError(f"size mismatch, got input ({a.form.sizes[0]}), mat "
                           f"({a.form.sizes[0]}x{a.form.sizes[1]}), vec ({v.form.sizes[0]})")
    if a.kind != v.kind:
        raise RuntimeError(f"addmv input tensors must have the same dtype, but got {scalar_type_name(v.kind)}, "
                           f"{scalar_type_name(a.kind)}, and {scalar_type_name(v.kind)}")
    check_product(a, v, "mat", "vec", "addmv_impl_cpu")
    y = new_tensor(a.kind, layout_contiguous(1, a.form.sizes))
    if not recalled("mv", y):
        product_into(stacked(y, y.form.sizes[0], 1, 1, 1), as_stack(a),
                     stacked(v, v.form.sizes[0], 1, v.form.strides[0], 1))
        computed("mv", y, a, v)
    return finish_product(c_mv, MvBackward0, a, v, y)


@op
def mv(input, vec):
    """The product of a matrix and a vector.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.mv(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.]))
    tensor([3., 7.])
    """
    cdef Tensor a = tensor_arg(input, "mv", "input", 1), v = tensor_arg(vec, "mv", "vec", 2)
    if a.form.ndim != 2 or v.form.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {a.form.ndim}, {v.form.ndim}")
    return c_mv(a, v)


# ----------------------------------------------------------------------------------------------- dot

@cython.final
cdef class DotBackward0(Node):
    """input: g tensor; tensor: g input"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, binary(&MUL, g, saved_b(self)))
        if self.next1 is not None:
            give(grads, 1, binary(&MUL, g, saved_a(self)))
        return 0


cdef Tensor c_dot(Tensor a, Tensor b):
    cdef Tensor y
    if a.form.sizes[0] != b.form.sizes[0]:
        raise RuntimeError(f"inconsistent tensor size, expected tensor {sizes_text(a.form)} and src "
                           f"{sizes_text(b.form)} to have the same number of elements, but got {a.form.numel} and "
                           f"{b.form.numel} elements respectively")
    if a.kind != b.kind:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {scalar_type_name(a.kind)} and "
                           f"{scalar_type_name(b.kind)}")
    check_product(a, b, "input", "tensor", "dot")
    y = new_tensor(a.kind, SCALAR)
    if not recalled("dot", y):
        product_into(stacked(y, 1, 1, 1, 1), stacked(a, 1, a.form.sizes[0], 1, a.form.strides[0]),
                     stacked(b, b.form.sizes[0], 1, b.form.strides[0], 1))
        computed("dot", y, a, b)
    return finish_product(c_dot, DotBackward0, a, b, y)


@op
def dot(input, tensor):
    """The inner product of two vectors.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.dot(torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    tensor(11.)
    """
    cdef Tensor a = tensor_arg(input, "dot", "input", 1), b = tensor_arg(tensor, "dot", "tensor", 2)
    if a.form.ndim != 1 or b.form.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.form.ndim}D and {b.form.ndim}D tensors")
    return c_dot(a, b)


# ----------------------------------------------------------------------------------------------- bmm

@cython.final
cdef class BmmBackward0(Node):
    """input: g mat2^T; mat2: input^T g, matrix by matrix"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, c_bmm(g, c_transpose(saved_b(self), 1, 2)))
        if self.next1 is not None:
            give(grads, 1, c_bmm(c_transpose(saved_a(self), 1, 2), g))
        return 0


cdef Tensor c_bmm(Tensor a, Tensor b):
    cdef Py_ssize_t sizes[3]
    cdef Tensor y
    if a.form.sizes[0] != b.form.sizes[0] or a.form.sizes[2] != b.form.sizes[1]:
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{a.form.sizes[0]}, {a.form.sizes[2]}] but got: [{b.form.sizes[0]}, {b.form.sizes[1]}].")
    if a.kind != b.kind:
        raise RuntimeError(f"expected scalar type {scalar_type_name(a.kind)} but found {scalar_type_name(b.kind)}")
    check_product(a, b, "batch1", "batch2", "bmm")
    sizes[0] = a.form.sizes[0]
    sizes[1] = a.form.sizes[1]
    sizes[2] = b.form.sizes[2]
    y = new_tensor(a.kind, layout_contiguous(3, sizes))
    if not recalled("bmm", y):
        product_into(y, a, b)
        computed("bmm", y, a, b)
    return finish_product(c_bmm, BmmBackward0, a, b, y)


@op
def bmm(input, mat2):
    """The products of two stacks of matrices.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1)).shape
    torch.Size([2, 1, 1])
    """
    cdef Tensor a = tensor_arg(input, "bmm", "input", 1), b = tensor_arg(mat2, "bmm", "mat2", 2)
    if a.form.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if b.form.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    return c_bmm(a, b)


# -------------------------------------------------------------------------------------------- matmul

cdef Layout with_last(Layout form, int drop, Py_ssize_t last):
    """form without its last `drop` dimensions, then one of size `last` (unless negative)."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int n = form.ndim - drop
    memcpy(sizes, form.sizes, n * sizeof(Py_ssize_t))
    if last >= 0:
        sizes[n] = last
        n += 1
    return layout_contiguous(n, sizes)


cdef Tensor rows_of(Tensor x):
    """x with all dimensions but the last made one."""
    cdef Py_ssize_t sizes[2]
    sizes[1] = x.form.sizes[x.form.ndim - 1]
    sizes[0] = 1
    for d in range(x.form.ndim - 1):
        sizes[0] *= x.form.sizes[d]
    return c_reshape(x, layout_contiguous(2, sizes))


cdef Tensor c_matmul(Tensor a, Tensor b):
    cdef int p = a.form.ndim, q = b.form.ndim
    if p == 0 or q == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {p}D and {q}D")
    if p == 1 and q == 1:
        return c_dot(a, b)
    if p == 2 and q == 1:
        return c_mv(a, b)
    if p == 1 and q == 2:
        return squeezed(c_mm(c_unsqueeze(a, 0), b), 1, SqueezeBackward4)
    if p == 2 and q == 2:
        return c_mm(a, b)
    if q == 1:
        return unsafe_view(c_mv(rows_of(a), b), with_last(a.form, 1, -1))
    if q == 2:
        return unsafe_view(c_mm(rows_of(a), b), with_last(a.form, 1, b.form.sizes[1]))
    if p == 1:
        b = c_transpose(b, q - 2, q - 1)
        return unsafe_view(c_mv(rows_of(b), a), with_last(b.form, 1, -1))
    if p == 2:
        return matrix_by_stack(a, b)
    return stack_product(a, b)


cdef Tensor matrix_by_stack(Tensor a, Tensor b):
    """The product of a matrix and a stack: the transpose of the stack's transposes by the matrix's."""
    cdef int q = b.form.ndim
    cdef Tensor turned = c_transpose(b, q - 2, q - 1)
    cdef Tensor y = unsafe_view(c_mm(rows_of(turned), transposed(a, 0, 1, TBackward0)),
                                with_last(turned.form, 1, a.form.sizes[0]))
    return contiguous(c_transpose(y, q - 2, q - 1))


cdef Tensor stack_product(Tensor a, Tensor b):
    """The product of stacks of matrices whose leading dimensions broadcast."""
    cdef Layout stack_a = with_last(a.form, 2, -1), stack_b = with_last(b.form, 2, -1), both
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t rows = a.form.sizes[a.form.ndim - 2], columns = b.form.sizes[b.form.ndim - 1]
    cdef int n
    both = broadcast_layouts(stack_a, stack_b)
    n = both.ndim
    memcpy(sizes, both.sizes, n * sizeof(Py_ssize_t))
    sizes[n] = rows
    sizes[n + 1] = columns
    return unsafe_view(c_bmm(one_stack(a, both), one_stack(b, both)), layout_contiguous(n + 2, sizes))


cdef Tensor one_stack(Tensor x, Layout stack):
    """x expanded to the leading sizes `stack`, which then become one dimension."""
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef int n = stack.ndim, p = x.form.ndim
    memcpy(sizes, stack.sizes, n * sizeof(Py_ssize_t))
    sizes[n] = x.form.sizes[p - 2]
    sizes[n + 1] = x.form.sizes[p - 1]
    x = c_expand(x, layout_contiguous(n + 2, sizes))
    sizes[0] = stack.numel
    sizes[1] = x.form.sizes[n]
    sizes[2] = x.form.sizes[n + 1]
    return c_reshape(x, layout_contiguous(3, sizes))


@op
def matmul(input, other):
    """The matrix product: of vectors, matrices, and stacks of matrices, as numpy's.

    Parameters
    ----------
    input, other : Tensor
        At least 1-d.  Leading dimensions are broadcast.

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
    >>> torch.matmul(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.]))
    tensor([3., 7.])
    """
    return c_matmul(tensor_arg(input, "matmul", "input", 1), tensor_arg(other, "matmul", "other", 2))
