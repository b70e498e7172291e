# What users call: Tensor.backward, autograd.backward and autograd.grad end here.

cdef Tensor first_gradient(Tensor y, object given, Py_ssize_t index):
    """The gradient to start from, checked against its output."""
    cdef Tensor g
    if given is None:
        if y.form.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if y.form is SCALAR:
            return scalar_f64(1.0)
        return filled(F64, fresh_layout(y.form), 1.0)
    if not isinstance(given, Tensor):
        if isinstance(given, (tuple, list)) and given:
            return first_gradient(y, given[0], index)
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    g = given
    if not same_sizes(g.form, y.form):
        raise errors().gradient_mismatch(index, sizes_text(g.form), sizes_text(y.form))
    return g


@method
def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Compute the gradients of this tensor with respect to the leaves of its graph.

    They are added to the leaves' `.grad`.

    Parameters
    ----------
    gradient : Tensor, optional
        The gradient of something with respect to this tensor, of its sizes; 1 for a tensor of one
        element.
    retain_graph : bool, optional
        Keep what backward needs, for a second one; by default what `create_graph` is.
    create_graph : bool
        Record the gradients' own computation, for derivatives of higher order.
    inputs : Tensor or sequence of Tensor, optional
        Accumulate in these only.

    Raises
    ------
    RuntimeError
        If the tensor is not part of a graph, has more than one element and no `gradient` is given,
        or the graph was freed by an earlier call.
    """
    cdef Tensor y = own(self)
    cdef Node n
    if inputs is not None:
        _backward((y,), (gradient,), create_graph if retain_graph is None else retain_graph, create_graph,
                  inputs_tuple(inputs))
        return
    n = gradient_node(y)
    if n is None:
        raise errors().not_in_graph(0)
    backward_from(n, y.nr if y.node is not None else 0, first_gradient(y, gradient, 0),
                  create_graph if retain_graph is None else retain_graph, create_graph)


def inputs_tuple(inputs):
    """The `inputs` of backward as a tuple."""
    if isinstance(inputs, Tensor):
        return (inputs,)
    inputs = tuple(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    return inputs


def _backward(tuple tensors, tuple gradients, bint keep, bint create_graph, tuple inputs,
              bint accumulate=True, bint allow_unused=True):
    """Run the graphs of `tensors`.

    Without `inputs` (None) or with `accumulate`, gradients go to `.grad`, and None is returned; else
    the gradients of the inputs are returned, None for one that the outputs do not depend on.
    """
    cdef Captures captures = None
    cdef list roots = [], numbers = [], firsts = []
    cdef Tensor y
    cdef Node n
    cdef Py_ssize_t i
    for i in range(len(tensors)):
        y = tensor_arg(tensors[i], "backward", "tensors", 1)
        n = gradient_node(y)
        if n is None:
            raise errors().not_in_graph(i)
        roots.append(n)
        numbers.append(y.nr if y.node is not None else 0)
        firsts.append(first_gradient(y, gradients[i], i))
    if inputs is not None:
        captures = find_captures(inputs, accumulate)
    backward_from_all(roots, numbers, firsts, keep, create_graph, captures)
    if inputs is None or accumulate:
        return None
    return gather_captured(captures, allow_unused)


cdef Captures find_captures(tuple inputs, bint accumulate):
    cdef Captures captures = Captures.__new__(Captures)
    cdef Tensor x
    cdef Node n
    cdef Py_ssize_t i
    captures.accumulate = accumulate
    captures.places = {}
    captures.order = []
    captures.gradients = []
    for i in range(len(inputs)):
        if not isinstance(inputs[i], Tensor):
            raise RuntimeError("all inputs have to be Tensors or GradientEdges, but got "
                               f"{type(inputs[i]).__name__}")
        x = inputs[i]
        if accumulate:
            retain_grad(x)
        n = gradient_node(x)
        if n is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        # The same tensor may stand twice among the inputs: the first place counts.
        captures.order.append(captures.places.setdefault(
            (<uintptr_t><PyObject *>n, x.nr if x.node is not None else 0), i))
        captures.gradients.append(None)
    return captures


cdef tuple gather_captured(Captures captures, bint allow_unused):
    cdef list found = [captures.gradients[i] for i in captures.order]
    cdef Py_ssize_t i
    for i in range(len(found)):
        if found[i] is None and not allow_unused:
            raise errors().unused_input(i)
    return tuple(found)
