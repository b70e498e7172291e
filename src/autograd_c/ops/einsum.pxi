# einsum: sums of products over named dimensions.
#
# The equation is read into a label for each dimension; every operand becomes a view whose dimensions
# stand in one common order, those of the result first.  The operands are then multiplied from left to
# right, each pair as a product of stacks of matrices.  Nothing here has a derivative of its own: views,
# sums and products record themselves.  The steps are PyTorch's, so that its graph is.

cdef enum:
    ELLIPSIS = 52
    NO_LABEL = -1


cdef int label_number(str c, Py_ssize_t at) except -1:
    """0 to 51 for A-Z, a-z; `at` is the place in the equation."""
    if "A" <= c <= "Z":
        return ord(c) - ord("A")
    if "a" <= c <= "z":
        return ord(c) - ord("a") + 26
    raise RuntimeError(f"einsum(): invalid subscript given at index {at} in the equation string, subscripts must be in "
                       "[a-zA-Z]")


cdef str label_name(int label):
    return chr(ord("A") + label) if label < 26 else chr(ord("a") + label - 26)


cdef list read_operand_labels(str left, Py_ssize_t operands):
    """For each operand the labels of its dimensions, with ELLIPSIS for `...`."""
    cdef list labels = [[] for _ in range(operands)]
    cdef Py_ssize_t i = 0, k = 0
    cdef bint dots = False
    while i < len(left):
        c = left[i]
        if c == ".":
            if dots:
                raise RuntimeError(f"einsum(): found '.' for operand {k} for which an ellipsis was already found")
            if left[i:i + 3] != "...":
                raise RuntimeError(f"einsum(): found '.' for operand {k} that is not part of any ellipsis")
            labels[k].append(ELLIPSIS)
            dots = True
            i += 2
        elif c == ",":
            k += 1
            if k >= operands:
                raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
            dots = False
        elif c != " ":
            labels[k].append(label_number(c, i))
        i += 1
    if k != operands - 1:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    return labels


cdef list read_result_labels(str right, Py_ssize_t before, list count):
    """The labels after the arrow, which stands `before` them; `count` is how often each occurs in an operand."""
    cdef list labels = []
    cdef Py_ssize_t i = 0
    cdef int label
    while i < len(right):
        c = right[i]
        if c == ".":
            if ELLIPSIS in labels:
                raise RuntimeError("einsum(): found '.' for output but an ellipsis (...) was already found")
            if right[i:i + 3] != "...":
                raise RuntimeError("einsum(): found '.' for output that is not part of any ellipsis (...)")
            labels.append(ELLIPSIS)
            i += 2
        elif c != " ":
            label = label_number(c, before + i)
            if label in labels:
                raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
            if not count[label]:
                raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input "
                                   "operand")
            labels.append(label)
        i += 1
    return labels


cdef class Summation:
    """What an equation says: where each label's dimension stands, and what is summed."""

    cdef list place            # of each label in the common order, or NO_LABEL
    cdef int covered           # dimensions that an ellipsis covers, at most
    cdef int ellipsis          # place of the first of them
    cdef int kept              # dimensions of the result, which come first
    cdef int ndim              # of the common order
    cdef list size             # of each label; 1 as long as only that was seen
    cdef list ellipsis_size
    cdef list users            # for each dimension: how many operands have more than one element along it


cdef Summation read_equation(str equation, list operands, list labels):
    cdef Summation s = Summation.__new__(Summation)
    cdef list count = [0] * ELLIPSIS, result
    cdef Py_ssize_t arrow = equation.find("->"), i, named, ndim
    cdef int label
    cdef bint dots
    labels.extend(read_operand_labels(equation if arrow < 0 else equation[:arrow], len(operands)))
    s.covered = 0
    for i in range(len(operands)):
        ndim = (<Tensor>operands[i]).form.ndim
        dots = ELLIPSIS in labels[i]
        named = len(labels[i]) - dots
        if named > ndim or (named < ndim and not dots):
            how = "is more than the number of dimensions" if dots else "does not match the number of dimensions"
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) {how} ({ndim}) for "
                               f"operand {i}{'' if dots else ' and no ellipsis was given'}")
        for label in labels[i]:
            if label != ELLIPSIS:
                count[label] += 1
        if dots:
            s.covered = max(s.covered, ndim - named)
    if arrow < 0:                               # what is implied: the ellipsis, and what occurs once, in order
        result = [ELLIPSIS] + [label for label in range(ELLIPSIS) if count[label] == 1]
    else:
        result = read_result_labels(equation[arrow + 2:], arrow + 2, count)
    s.place = [NO_LABEL] * ELLIPSIS
    s.ndim = 0
    take_places(s, result)
    s.kept = s.ndim
    if ELLIPSIS not in result:
        take_places(s, [ELLIPSIS])
    take_places(s, [label for label in range(ELLIPSIS) if count[label] and s.place[label] == NO_LABEL])
    s.size = [1] * ELLIPSIS
    s.ellipsis_size = [1] * s.covered
    s.users = [0] * s.ndim
    return s


cdef int take_places(Summation s, list labels) except -1:
    """Give labels the next places in the common order."""
    cdef int label
    for label in labels:
        if label == ELLIPSIS:
            s.ellipsis = s.ndim
            s.ndim += s.covered
        else:
            s.place[label] = s.ndim
            s.ndim += 1
    return 0


cdef Tensor aligned(Summation s, Tensor x, list labels, Py_ssize_t number):
    """x with its dimensions in the common order, those of missing labels with size 1; repeated ones as diagonals."""
    cdef list order = [NO_LABEL] * s.ndim
    cdef int dim = 0, label, k, first
    cdef int covered = x.form.ndim - len(labels) + 1
    for label in labels:
        if label == ELLIPSIS:
            for k in range(s.covered - covered, s.covered):
                note_ellipsis_size(s, k, x.form.sizes[dim], dim, number)
                order[s.ellipsis + k] = dim
                dim += 1
            continue
        first = order[s.place[label]]
        if first == NO_LABEL:
            note_size(s, label, x.form.sizes[dim], number)
            order[s.place[label]] = dim
            dim += 1
        elif x.form.sizes[dim] != x.form.sizes[first]:
            raise RuntimeError(f"einsum(): subscript {label_name(label)} is repeated for operand {number} but the "
                               f"sizes don't match, {x.form.sizes[dim]} != {x.form.sizes[first]}")
        else:
            x = last_to(c_diagonal(x, 0, first, dim), first)
    for k in range(s.ndim):
        if order[k] == NO_LABEL:
            x = c_unsqueeze(x, dim)
            order[k] = dim
            dim += 1
    return c_permute(x, tuple(order))


cdef Tensor last_to(Tensor x, int dim):
    """x with its last dimension moved to another place."""
    cdef list order = list(range(x.form.ndim - 1))
    order.insert(dim, x.form.ndim - 1)
    return c_permute(x, tuple(order))


cdef int note_size(Summation s, int label, Py_ssize_t size, Py_ssize_t number) except -1:
    if size == 1:
        return 0
    if s.size[label] != 1 and s.size[label] != size:
        raise RuntimeError(f"einsum(): subscript {label_name(label)} has size {size} for operand {number} which does "
                           f"not broadcast with previously seen size {s.size[label]}")
    s.size[label] = size
    s.users[s.place[label]] += 1
    return 0


cdef int note_ellipsis_size(Summation s, int k, Py_ssize_t size, int dim, Py_ssize_t number) except -1:
    if size == 1:
        return 0
    if s.ellipsis_size[k] != 1 and s.ellipsis_size[k] != size:
        # The missing blank is PyTorch's.
        raise RuntimeError(f"einsum(): dimension {dim} covered by ellipsis in operand {number}has size {size} which "
                           f"does not broadcast with previously seen ellipsis with size {s.ellipsis_size[k]} for the "
                           "respective dimension")
    s.ellipsis_size[k] = size
    s.users[s.ellipsis + k] += 1
    return 0


cdef Tensor sum_kept(Tensor x, list dims):
    """The sum over dimensions, which stay with size 1."""
    return c_sum(x, dim_mask(dims, x.form.ndim), True, True) if dims else x


cdef Tensor multiply_pair(Summation s, Tensor a, Tensor b):
    """a times b, summed over what no other operand has."""
    cdef list both = [], only_a = [], only_b = []
    cdef int d
    for d in range(s.kept, s.ndim):
        if a.form.sizes[d] != 1 and b.form.sizes[d] != 1:
            s.users[d] -= 1
            if s.users[d] == 1:
                both.append(d)
                s.users[d] = 0
        elif s.users[d] == 1 and a.form.sizes[d] != 1:
            only_a.append(d)
            s.users[d] = 0
        elif s.users[d] == 1 and b.form.sizes[d] != 1:
            only_b.append(d)
            s.users[d] = 0
    return sum_of_products(sum_kept(a, only_a), sum_kept(b, only_b), both)


cdef Tensor sum_of_products(Tensor a, Tensor b, list summed):
    """(a * b).sum(summed, keepdim=True) as one product of stacks of matrices."""
    cdef list shared = [], rows = [], columns = [], sizes, order, back
    cdef Tensor y
    cdef int d
    if not summed:
        return binary(&MUL, a, b)
    for d in range(a.form.ndim):
        if d in summed:
            continue
        if a.form.sizes[d] != 1 and b.form.sizes[d] != 1:
            shared.append(d)
        elif a.form.sizes[d] != 1:
            rows.append(d)
        else:
            columns.append(d)
    if rows and columns and rows[0] > columns[len(columns) - 1]:
        # All of b's dimensions come before a's in the result, which so lies in order.
        a, b = b, a
        rows, columns = columns, rows
    sizes = [a.form.sizes[d] for d in shared + rows] + [1] * len(summed) + [b.form.sizes[d] for d in columns]
    order = shared + rows + summed + columns
    back = [0] * len(order)
    for d in range(len(order)):
        back[order[d]] = d
    y = c_bmm(as_matrices(a, order, shared, rows, summed),
              as_matrices(b, shared + summed + columns + rows, shared, summed, columns))
    return c_permute(c_view(y, layout_of_sequence(sizes)), tuple(back))


cdef Tensor as_matrices(Tensor x, list order, list stack, list rows, list columns):
    """x with three groups of dimensions made one each."""
    cdef Py_ssize_t sizes[3]
    cdef int k, d
    for k, group in enumerate((stack, rows, columns)):
        sizes[k] = 1
        for d in group:
            sizes[k] *= x.form.sizes[d]
    return c_reshape(c_permute(x, tuple(order)), layout_contiguous(3, sizes))


cdef Tensor c_einsum(str equation, list operands):
    cdef list labels = []
    cdef Summation s = read_equation(equation, operands, labels)
    cdef list parts = []
    cdef Tensor y
    cdef Py_ssize_t i
    for i in range(len(operands)):
        parts.append(aligned(s, operands[i], labels[i], i))
    y = parts[0]
    for i in range(1, len(parts)):
        y = multiply_pair(s, y, parts[i])
    if s.ndim == s.kept:
        return y
    if len(parts) > 1:                          # all is summed, and of size 1
        return c_view(y, layout_contiguous(s.kept, y.form.sizes))
    return c_sum(y, dim_mask(tuple(range(s.kept, s.ndim)), s.ndim), False, True)


cdef str subscript_text(object n):
    """A number of the sublist form as its letter."""
    if n is Ellipsis:
        return "..."
    if n < 0 or n >= ELLIPSIS:
        raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return label_name(as_index(n))


cdef str subscripts_text(object numbers):
    return "".join([subscript_text(n) for n in numbers])


@op_function
def einsum(*args):
    """Sums of products, as an equation of Einstein's notation says.

    ``einsum(equation, *operands)`` or ``einsum(operand, subscripts, ..., [result])``.

    Parameters
    ----------
    equation : str
        A letter for each dimension of each operand, operands separated by commas, then perhaps ``->`` and the letters
        of the result.  Dimensions of one letter are multiplied along, and summed where the result lacks it; a letter
        twice in an operand stands for its diagonal; ``...`` for the dimensions without a letter, which broadcast.
        Without ``->`` the result has the ellipsis, then the letters that occur once, in alphabetical order, capitals
        first.
    *operands : Tensor
        Multiplied from left to right.

    Returns
    -------
    Tensor
        A view of the operand where nothing has to be computed.

    Raises
    ------
    RuntimeError
        If equation and operands do not fit.

    Examples
    --------
    >>> import autograd_c as torch
    >>> a, b = torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([[1., 1.], [0., 2.]])
    >>> torch.einsum("ij,jk->ik", a, b)
    tensor([[ 1.,  5.],
            [ 3., 11.]])
    >>> torch.einsum("ii", a)
    tensor(5.)
    >>> torch.einsum(a, [0, 1], b, [0, 1], [1])
    tensor([ 1., 10.])
    """
    cdef list operands
    cdef Py_ssize_t i
    if len(args) == 2 and isinstance(args[1], (list, tuple)) and not isinstance(args[0], Tensor):
        return einsum(args[0], *args[1])        # operands in one list
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand "
                         "and its subscripts list")
    if isinstance(args[0], Tensor):
        equation = ",".join([subscripts_text(numbers) for numbers in args[1::2]])
        operands = list(args[::2])
        if len(args) % 2:
            equation += "->" + subscripts_text(operands.pop())
    else:
        equation = args[0]
        operands = list(args[1:])
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type_name(equation)}")
    for i in range(len(operands)):
        if not isinstance(operands[i], Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type_name(operands[i])}")
    return c_einsum(equation, operands)
