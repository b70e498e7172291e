# What users call: Tensor.backward, autograd.backward and autograd.grad end here.

cdef Tensor first_gradient(Layout form, object given, Py_ssize_t index):
    """The gradient to start from, checked against the sizes of its output."""
    cdef Tensor g
    if given is None:
        if form.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if form is SCALAR:
            return scalar_f64(1.0)
        return filled(F64, fresh_layout(form), 1.0)
    if not isinstance(given, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    g = given
    if not same_sizes(g.form, form):
        raise errors().gradient_mismatch(index, sizes_text(g.form), sizes_text(form))
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
    cdef bint keep = create_graph if retain_graph is None else retain_graph
    if inputs is not None or isinstance(gradient, (tuple, list)):
        _backward((y,), gradient[:1] if isinstance(gradient, (tuple, list)) else (gradient,), keep, create_graph,
                  inputs)
        return
    n = gradient_node(y)
    if n is None:
        raise errors().not_in_graph(0)
    backward_from(n, y.nr if y.node is not None else 0, first_gradient(y.form, gradient, 0), keep, create_graph)


cdef bint is_edge(object o):
    """Whether o is a `GradientEdge`, which is a tuple as well."""
    return isinstance(o, tuple) and hasattr(o, "output_nr") and isinstance(getattr(o, "node", None), Node)


cdef tuple as_tuple(object tensors):
    """A tensor or edge, or several, as a tuple."""
    return (tensors,) if isinstance(tensors, Tensor) or is_edge(tensors) else tuple(tensors)


cdef Layout output_form(Node n, int nr):
    """The sizes of an output of a node."""
    if not n.flags & MANY:
        return n.form
    return n.extra.forms[nr]


def _backward(outputs, grad_outputs, bint keep, bint create_graph, wanted, bint accumulate=True,
              bint allow_unused=True):
    """Run the graphs of `outputs`.

    Without inputs that are `wanted` (None) or with `accumulate`, gradients go to `.grad`, and None is
    returned; else those of the inputs are returned, None for one that the outputs do not depend on.
    """
    cdef tuple tensors = as_tuple(outputs), inputs = None if wanted is None else as_tuple(wanted)
    cdef tuple gradients = (None,) * len(tensors) if grad_outputs is None else as_tuple(grad_outputs)
    cdef Captures captures = None
    cdef list roots = [], numbers = [], firsts = []
    cdef Tensor y
    cdef Node n
    cdef Py_ssize_t i
    if inputs is not None and not inputs:
        raise RuntimeError(f"`inputs` argument to `{'backward' if accumulate else 'grad'}()` cannot be empty.")
    if len(gradients) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")
    for i in range(len(tensors)):
        if is_edge(tensors[i]):
            n = tensors[i].node
            roots.append(n)
            numbers.append(<int>tensors[i].output_nr)
            firsts.append(first_gradient(output_form(n, numbers[i]), gradients[i], i))
            continue
        y = tensor_arg(tensors[i], "backward", "tensors", 1)
        n = gradient_node(y)
        if n is None:
            raise errors().not_in_graph(i)
        roots.append(n)
        numbers.append(y.nr if y.node is not None else 0)
        firsts.append(first_gradient(y.form, gradients[i], i))
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
    cdef int nr
    captures.accumulate = accumulate
    captures.places = {}
    captures.order = []
    captures.gradients = []
    for i in range(len(inputs)):
        if is_edge(inputs[i]):
            n = inputs[i].node
            nr = inputs[i].output_nr
        elif isinstance(inputs[i], Tensor):
            x = inputs[i]
            if accumulate:
                retain_grad(x)
            n = gradient_node(x)
            if n is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            nr = x.nr if x.node is not None else 0
        else:
            raise RuntimeError("all inputs have to be Tensors or GradientEdges, but got "
                               f"{type(inputs[i]).__name__}")
        # The same tensor may stand twice among the inputs: the first place counts.
        captures.order.append(captures.places.setdefault((<uintptr_t><PyObject *>n, nr), i))
        captures.gradients.append(None)
    return captures


cdef tuple gather_captured(Captures captures, bint allow_unused):
    cdef list found = [captures.gradients[i] for i in captures.order]
    cdef Py_ssize_t i
    for i in range(len(found)):
        if found[i] is None and not allow_unused:
            raise errors().unused_input(i)
    return tuple(found)


def _edge(Tensor tensor):
    """The node that a gradient of a tensor goes to, and which of its outputs the tensor is; None outside of graphs."""
    cdef Node n = gradient_node(tensor)
    return None if n is None else (n, tensor.nr if tensor.node is not None else 0)


def _increment_version(Tensor tensor):
    """Count a change in place that was made elsewhere."""
    if not tensor.flags & INFERENCE:
        begin_write(tensor)
        bump(tensor)
