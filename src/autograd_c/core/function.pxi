# Custom functions: the node of a user's `autograd.Function`, which is also its `ctx`.
#
# For each Function class a node class is derived in Python once (its name is what the graph prints),
# so its instances have a __dict__ for what users put on ctx.

cdef class FunctionNode(Node):
    """The context of one call of a custom Function, and the node that runs its backward."""

    needs_input_grad = ()
    materialize_grads = True
    _to_save = ()
    _non_differentiable = ()

    def save_for_backward(self, *tensors):
        """Keep tensors for backward, where `saved_tensors` has them.  To be called in forward, once."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type "
                                f"{type(t).__name__}")
        self._to_save = tensors

    def mark_non_differentiable(self, *tensors):
        """Say that these outputs have no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value):
        """Whether a missing gradient of an output comes as zeros (the default) or as None."""
        self.materialize_grads = bool(value)

    @property
    def saved_tensors(self):
        """The tensors that forward saved."""
        cdef int i
        if self.flags & RELEASED:
            raise errors().second_backward(self.name())
        if self.extra is None or self.extra.saved is None:
            return tuple(self._to_save)
        return tuple([function_saved(self, i) for i in range(len(self.extra.saved))])

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        cdef object function = type(self)._function
        cdef Layout form
        cdef tuple kinds = self.args
        cdef list given = []
        cdef int i
        for i in range(len(gs)):
            if gs[i] is None and self.materialize_grads and self.extra.forms[i] is not None:
                given.append(zeros_form(self.extra.forms[i]))
            else:
                given.append(gs[i])
        result = function._backward(self, given)
        if not isinstance(result, tuple):
            result = (result,)
        if len(result) > self.inputs and all([r is None for r in result[self.inputs:]]):
            result = result[:self.inputs]
        if len(result) != self.inputs:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected "
                               f"{self.inputs}, got {len(result)})")
        for i in range(self.inputs):
            r = result[i]
            if r is None:
                continue
            if not isinstance(r, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(r).__name__})")
            if not kinds[i]:
                raise RuntimeError(f"function {self.name()} returned a gradient different from None at position "
                                   f"{i + 1}, but the corresponding forward input was not a Variable")
            if edge_node(self, i) is not None:
                give(grads, i, r)
        return 0


cdef object function_saved(FunctionNode n, int i):
    """A saved tensor; an output of the function as a tensor whose grad_fn is n."""
    cdef Tensor x, y
    cdef tuple entry = n.extra.saved[i]
    if len(entry) == 2:
        return saved_more(n, i)
    x = entry[0]
    if version_of(x) != <uint32_t>entry[1]:
        raise errors().stale_saved(scalar_type_name(x.kind), sizes_text(x.form), f", which is output {entry[2]} of "
                                   f"{n.name()},", version_of(x), entry[1])
    y = alias(x)
    y.node = n
    y.nr = entry[2]
    y.flags |= REQUIRES
    return y


def _call_function(function, tuple args):
    """Run a custom Function's forward and record it."""
    cdef object cls = function._node_class()
    cdef FunctionNode n = cls.__new__(cls)
    cdef list needs = []
    cdef bint recorded = False
    cdef int no_grad = ag_tls.no_grad
    cdef Py_ssize_t i
    for a in args:
        if isinstance(a, Tensor):
            if tangent_of(a) is not None:
                raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use "
                                          "it with forward mode AD.")
            needs.append(bool(needs_grad(a)))
        else:
            needs.append(False)
    recorded = recording() and True in needs
    n.needs_input_grad = tuple(needs)
    n.sequence = take_sequence()
    if anomaly_mode and recorded:
        remember_stack(n)
    if recorded:                               # before forward can change an input's history
        for a in args:
            add_edge(n, a if isinstance(a, Tensor) else None)
    ag_tls.no_grad = 1
    try:
        result = function._forward(n, args)
    finally:
        ag_tls.no_grad = no_grad
    outputs = result if isinstance(result, tuple) else (result,)
    if recorded:
        note_cycle_maker()
        outputs = tuple(record_function(n, args, list(outputs)))
    elif any([isinstance(o, Tensor) and needs_grad(o) for o in outputs]):
        outputs = tuple([detach(o) if isinstance(o, Tensor) else o for o in outputs])
    return outputs if isinstance(result, tuple) else outputs[0]


cdef list record_function(FunctionNode n, tuple args, list outputs):
    """Make n the history of the outputs."""
    cdef Tensor x, y
    cdef Py_ssize_t i
    n.flags |= MANY
    n.args = tuple([isinstance(a, Tensor) for a in args])
    extra_of(n).forms = []
    for i in range(len(outputs)):
        if not isinstance(outputs[i], Tensor):
            n.extra.forms.append(None)
            continue
        y = outputs[i]
        n.extra.forms.append(y.form)
        if y.kind != F64 or any([y is m for m in n._non_differentiable]):
            outputs[i] = detach(y) if needs_grad(y) else y
            continue
        if any([y is a for a in args]):          # an input returned as it is: a view of it
            x = y
            y = alias(x)
            record_view(x, y, FUNCTION_VIEW)
        elif y.flags & REQUIRES and y.node is None:
            y = alias(y)
        if y.flags & VIEW:
            y.meta.creation = FUNCTION_VIEW
            y.meta.seen = version_of(y)
        y.node = n
        y.nr = i
        y.flags |= REQUIRES
        save_outputs(n, outputs[i], y, i)
        outputs[i] = y
    save_function(n)
    return outputs


cdef int save_outputs(FunctionNode n, Tensor before, Tensor y, Py_ssize_t nr) except -1:
    """Where an output was saved, note which one: the node must not own it."""
    n._to_save = tuple([(y, nr) if t is before and not isinstance(t, tuple) else t for t in n._to_save])
    return 0


cdef int save_function(FunctionNode n) except -1:
    cdef Tensor x
    cdef list saved = []
    for t in n._to_save:
        if isinstance(t, tuple):
            x = alias(t[0])
            saved.append((x, version_of(x), t[1]))
        else:
            x = t
            if x is not None and x.flags & INFERENCE:
                raise errors().inference_saved()
            saved.append((x, version_of(x) if x is not None else 0))
    n._to_save = ()
    extra_of(n).saved = saved
    if saved:
        n.flags |= SAVES
    return 0
