# Custom functions: the node of a user's `autograd.Function`, which is also its `ctx`.
#
# For each Function class a node class is derived in Python once (its name is what the graph prints),
# so its instances have a __dict__ for what users put on ctx.  What the context itself keeps stands in
# a Call, the node's extra, since no class of nodes may add fields.
#
# Note [Custom functions in forward mode]
# forward sees its inputs without their tangents, which `jvp` gets afterwards, with recording on.  What
# it returns becomes the tangents of the outputs; where an output shares memory with an input, its
# tangent must share memory with the input's, since changes in place go through either.

cdef class Call(NodeExtra):
    """The state of one call."""

    cdef tuple needs               # for each argument whether it needs a gradient
    cdef tuple is_tensor           # ... and whether it is one
    cdef tuple to_save             # what forward wants saved; (tensor, number) for an output
    cdef tuple for_forward
    cdef tuple dirty
    cdef tuple constant            # outputs that have no gradient
    cdef bint no_zeros             # a missing gradient is None


cdef class FunctionNode(Node):
    """The context of one call of a custom Function, and the node that runs its backward."""

    def save_for_backward(self, *tensors):
        """Keep tensors for backward, where `saved_tensors` has them.  To be called in forward, once."""
        cdef Py_ssize_t i
        for i in range(len(tensors)):
            if tensors[i] is not None and not isinstance(tensors[i], Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type "
                                f"{type(tensors[i]).__name__}")
        call_of(self).to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`, where `saved_tensors` has them instead of those saved for backward."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise AssertionError("save_for_forward expects all arguments to be tensors; you should save "
                                     "non-tensors as attributes on ctx.")
        call_of(self).for_forward = tensors

    def mark_dirty(self, *args):
        """Say that forward changed these inputs in place.  Each must be an output too."""
        for i, t in enumerate(args):
            if not isinstance(t, Tensor):
                raise RuntimeError(f"mark_dirty can only accept variables, but argument {i} is of type "
                                   f"{type(t).__name__}")
        call_of(self).dirty = args

    def mark_non_differentiable(self, *args):
        """Say that these outputs have no gradient."""
        for t in args:
            if not isinstance(t, Tensor):
                raise RuntimeError("mark_non_differentiable only accepts variable arguments, but got "
                                   f"{type(t).__name__}")
        call_of(self).constant = args

    def set_materialize_grads(self, value):
        """Whether a missing gradient of an output comes as zeros (the default) or as None."""
        call_of(self).no_zeros = not value

    @property
    def materialize_grads(self):
        """What `set_materialize_grads` set."""
        return not call_of(self).no_zeros

    @materialize_grads.setter
    def materialize_grads(self, value):
        call_of(self).no_zeros = not value

    @property
    def needs_input_grad(self):
        """For each argument of forward, whether it needs a gradient."""
        return call_of(self).needs or ()

    @needs_input_grad.setter
    def needs_input_grad(self, value):
        call_of(self).needs = tuple(value)

    @property
    def saved_tensors(self):
        """The tensors that forward saved."""
        cdef Call call = call_of(self)
        cdef int i
        if self.flags & RELEASED:
            raise errors().second_backward(self.name())
        if call.for_forward is not None:
            return call.for_forward
        if call.saved is None:
            return tuple([t[0] if isinstance(t, tuple) else t for t in call.to_save or ()])
        if len(call.saved) == 1:
            return (function_saved(self, 0),)
        return tuple([function_saved(self, i) for i in range(len(call.saved))])

    @property
    def _raw_saved_tensors(self):
        """The same as objects that take hooks."""
        from .autograd._node_attributes import SavedTensor
        if self.flags & RELEASED:
            raise errors().second_backward(self.name())
        return tuple([SavedTensor(self, i) for i in range(len(call_of(self).saved or ()))])

    @property
    def saved_variables(self):
        """`saved_tensors` by its old name."""
        import warnings
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    def maybe_clear_saved_tensors(self):
        """Free what was saved."""
        release(self)

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        return self.apply_many([g], grads)     # inside CopySlices

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        cdef Call call = call_of(self)
        cdef list given = gs
        cdef tuple results
        cdef int i
        if not call.no_zeros and None in gs:
            given = [zeros_form(call.forms[i]) if gs[i] is None and call.forms[i] is not None else gs[i]
                     for i in range(len(gs))]
        found = backward_of(type(self)._function)(self, *given)
        results = found if isinstance(found, tuple) else (found,)
        if len(results) > self.inputs and all([r is None for r in results[self.inputs:]]):
            results = results[:self.inputs]
        if len(results) != self.inputs:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected "
                               f"{self.inputs}, got {len(results)})")
        for i in range(self.inputs):
            r = results[i]
            if r is None:
                continue
            if not isinstance(r, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(r).__name__})")
            if not call.is_tensor[i]:
                raise RuntimeError(f"function {self.name()} returned a gradient different than None at position "
                                   f"{i + 1}, but the corresponding forward input was not a Variable")
            if edge_pointer(self, i) != <PyObject *>None:
                give(grads, i, r)
        return 0


cdef Call call_of(Node n):
    if n.extra is None:
        n.extra = Call.__new__(Call)
    return <Call>n.extra


cdef object backward_of(function):
    """The derivative that a Function class defines, under either name."""
    backward = function.backward
    vjp = function.vjp
    if vjp is BASE_BACKWARD:
        return backward
    if backward is not BASE_BACKWARD:
        raise RuntimeError("Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                           "only implement one of them.")
    return vjp


cdef object BASE_BACKWARD = None, BASE_SETUP = None


def _set_function_base(backward, setup_context):
    """Make known what a Function class inherits where it defines nothing."""
    global BASE_BACKWARD, BASE_SETUP
    BASE_BACKWARD = backward
    BASE_SETUP = setup_context


cdef object function_saved(Node n, int i):
    """A saved tensor of a Function, or of what `record` recorded; an output of it as a tensor whose grad_fn is n."""
    cdef Tensor x, y
    cdef tuple entry
    if n.flags & PACKED and is_packed(n, i):
        return unpacked(n, i)
    entry = n.extra.saved[i]
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
    set_tangent(y, tangent_of(x))
    return y


# ----------------------------------------------------------------------------------------- one call

cdef object node_class(function):
    """The class of the nodes of a Function class."""
    found = getattr(function, "_backward_cls", None)
    return found if found is not None and found._function is function else function._node_class()


def _apply(cls, *args, **kwargs):
    """Run forward on the arguments, and record it; keywords take the places of their parameters."""
    if kwargs or (cls.setup_context is not BASE_SETUP and getattr(cls.forward, "__defaults__", None)):
        return call_function(cls, cls._in_order(args, kwargs))
    return call_function(cls, args)


cdef object call_function(function, tuple args):
    """Run a custom Function's forward and record it."""
    cdef object cls = node_class(function)
    cdef FunctionNode n = <FunctionNode>ag_tp_new(<PyTypeObject *>cls)
    cdef Call call = call_of(n)
    cdef list needs = [], tangents = None
    cdef list outputs
    cdef bint any_needs = False, recorded, needed
    cdef int no_grad = ag_tls.no_grad
    for a in args:
        needed = isinstance(a, Tensor) and needs_grad(<Tensor>a)
        any_needs = any_needs or needed
        needs.append(needed)
        if isinstance(a, Tensor) and tangent_of(<Tensor>a) is not None:
            tangents = []
    recorded = recording() and any_needs
    call.needs = tuple(needs)
    n.sequence = take_sequence()
    if recorded:                               # before forward can change an input's history
        if remembers:
            remember(n)
        for a in args:
            add_edge(n, a if isinstance(a, Tensor) else None)
    if tangents is not None:
        tangents = take_tangents(args)
    ag_tls.no_grad = 1
    try:
        if function.setup_context is BASE_SETUP:
            result = function.forward(n, *args)
        else:
            result = function.forward(*args)
            function.setup_context(n, args, result)
    finally:
        ag_tls.no_grad = no_grad
        if tangents is not None:
            return_tangents(args, tangents)
    outputs = list(<tuple>result) if isinstance(result, tuple) else [result]
    if call.dirty is not None:
        note_dirty(call.dirty, args, outputs)
    if recorded:
        note_cycle_maker()
        record_function(n, call, args, outputs)
        save_function(n, call)
    else:
        call.forms = None
        for i in range(len(outputs)):
            y = outputs[i]
            if isinstance(y, Tensor) and needs_grad(<Tensor>y):
                outputs[i] = detach(y)
    if tangents is not None:
        record_tangents(function, n, call, args, tangents, outputs)
    call.for_forward = None
    return tuple(outputs) if isinstance(result, tuple) else outputs[0]


cdef bint is_in(object x, tuple objects) noexcept:
    """Whether the object itself is among these."""
    if objects is not None:
        for o in objects:
            if o is x:
                return True
    return False


cdef int note_dirty(tuple dirty, tuple args, list outputs) except -1:
    for t in dirty:
        if not is_in(t, args):
            import warnings
            warnings.warn("ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have "
                          "been mutated should be passed to ctx.mark_dirty().", UserWarning, stacklevel=3)
        bump(<Tensor>t)
    for t in dirty:
        if not is_in(t, tuple(outputs)):
            raise RuntimeError("Some elements marked as dirty during the forward method were not returned as output. "
                               "The inputs that are modified inplace must all be outputs of the Function.")
    return 0


cdef int record_function(FunctionNode n, Call call, tuple args, list outputs) except -1:
    """Make n the history of the outputs."""
    cdef Tensor y
    cdef int i, differentiable = 0
    n.flags |= MANY
    call.is_tensor = tuple([isinstance(a, Tensor) for a in args])
    call.forms = [(<Tensor>o).form if isinstance(o, Tensor) else None for o in outputs]
    for i in range(len(outputs)):
        if not isinstance(outputs[i], Tensor):
            continue
        y = outputs[i]
        if y.kind != F64 or is_in(y, call.constant):
            outputs[i] = detach(y) if needs_grad(y) else y
            continue
        if is_in(y, call.dirty) and is_in(y, args):
            note_output(call, y, y, i)
            record_dirty(n, args, y, i, len(outputs))
            continue
        if is_in(y, args):                     # an input returned as it is: a view of it
            y = alias(y)
            record_view(outputs[i], y, FUNCTION_VIEW)
        elif y.flags & REQUIRES and y.node is None:
            y = alias(y)
        if y.flags & VIEW:
            y.meta.creation = FUNCTION_VIEW
            y.meta.seen = version_of(y)
        y.node = n
        y.nr = i
        y.flags |= REQUIRES
        note_output(call, outputs[i], y, i)
        outputs[i] = y
        differentiable += 1
    if differentiable > 1:
        for o in outputs:
            if isinstance(o, Tensor) and (<Tensor>o).node is n and (<Tensor>o).flags & VIEW:
                (<Tensor>o).meta.creation = MULTI_VIEW
    return 0


cdef int record_dirty(FunctionNode n, tuple args, Tensor x, int nr, Py_ssize_t outputs) except -1:
    """Make n the history of an input that was changed in place."""
    cdef int which = 0
    while args[which] is not x:
        which += 1
    if x.flags & REQUIRES and x.node is None and not x.flags & VIEW:
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
    if x.flags & VIEW:
        if outputs > 1:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot "
                "return more than one Tensor. This is not supported by the current autograd engine. You should "
                "either make sure the input is not a view (using .clone() for example) or make your Function only "
                "return one Tensor (potentially splitting it into two Functions: one doing the inplace that returns "
                "a single Tensor and a second one that does the other operations). You can ask on the forum "
                "https://discuss.pytorch.org/ if you need help to do this change.")
        check_rebase(x)
        rebase_view(x, n, which)
        return 0
    x.node = n
    x.nr = nr
    x.flags |= REQUIRES
    if x.flags & RETAIN:
        attach_retained(x)
    return 0


cdef int note_output(Call call, Tensor before, Tensor y, int nr) except -1:
    """Where an output was saved, note which one: the node must not own it."""
    if is_in(before, call.to_save):
        call.to_save = tuple([(y, nr) if t is before else t for t in call.to_save])
    return 0


cdef int save_function(FunctionNode n, Call call) except -1:
    """Save what forward asked to save."""
    cdef Tensor x
    cdef list saved = []
    if call.to_save is None:
        return 0
    call.saved = saved
    for t in call.to_save:
        if isinstance(t, tuple):
            x = t[0]
            if ag_tls.packing:
                saved.append((None, 0))
                pack_output(n, len(saved) - 1, x, t[1])
            else:
                saved.append((alias(x), version_of(x), t[1]))
            continue
        x = t
        if x is not None and x.flags & INFERENCE:
            raise errors().inference_saved()
        if ag_tls.packing and x is not None:
            saved.append((None, 0))
            pack_input(n, len(saved) - 1, x)
        else:
            saved.append((x, version_of(x) if x is not None else 0))
    call.to_save = None
    if saved:
        n.flags |= SAVES
    return 0


# --------------------------------------------------------------- Note [Custom functions in forward mode]

cdef list take_tangents(tuple args):
    """The tangents of the arguments, which have none until `return_tangents`."""
    cdef list found = []
    for a in args:
        found.append(tangent_of(<Tensor>a) if isinstance(a, Tensor) else None)
    for a in args:
        if isinstance(a, Tensor):
            (<Tensor>a).flags &= ~DUAL
    return found


cdef int return_tangents(tuple args, list tangents) except -1:
    cdef Py_ssize_t i
    for i in range(len(args)):
        if tangents[i] is not None:
            set_tangent(args[i], tangents[i])
    return 0


cdef Tensor base_of(Tensor x):
    return x.meta.base if x.flags & VIEW else x


cdef int record_tangents(function, FunctionNode n, Call call, tuple args, list tangents, list outputs) except -1:
    """Give the outputs the tangents that `jvp` computes."""
    cdef list given = []
    cdef tuple results
    cdef Tensor y, t
    cdef Py_ssize_t i
    for i in range(len(args)):
        if tangents[i] is None and not call.no_zeros and isinstance(args[i], Tensor) and (<Tensor>args[i]).kind == F64:
            given.append(zeros_of(args[i]))
        else:
            given.append(tangents[i])
    found = function.jvp(n, *given)
    results = found if isinstance(found, tuple) else (found,)
    if len(results) != len(outputs):
        raise RuntimeError(f"Function's jvp returned an invalid number of forward gradients (expected {len(outputs)} "
                           f"but got {len(results)})")
    for i in range(len(outputs)):
        if results[i] is None:
            continue
        if not isinstance(results[i], Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(results[i]).__name__}) for grad output {i}.")
        t = results[i]
        if not isinstance(outputs[i], Tensor) or (<Tensor>outputs[i]).kind != F64 or is_in(outputs[i], call.constant):
            raise RuntimeError(f"Function's jvp returned a gradient at position {i}, but  the corresponding forward "
                               "output is not a differentiable Tensor.You should return None at that position "
                               "instead.")
        y = outputs[i]
        if not same_sizes(y.form, t.form):
            raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original "
                               f"Tensor, this is not supported. Tensor is of size {sizes_text(y.form)} while the "
                               f"given forward gradient is of size {sizes_text(t.form)}.")
        if is_in(y, call.dirty):
            if tangent_of(y) is not None and t is not tangent_of(y):
                raise RuntimeError("An inplace custom Function is not modifying the forward mode gradients inplace. "
                                   "If the forward is modifying an input inplace, then the jvp function must modify "
                                   "the corresponding gradient inplace.")
        elif y.flags & VIEW:
            check_tangent_view(base_of(y), t, args, tangents)
        set_tangent(y, t)
        if call.saved is not None:
            note_saved_tangent(n, call, i, t)
    return 0


cdef int check_tangent_view(Tensor base, Tensor t, tuple args, list tangents) except -1:
    """t is the tangent of a view of `base`."""
    cdef Py_ssize_t i
    for i in range(len(args)):
        if tangents[i] is None or base_of(args[i]) is not base:
            continue
        if not t.flags & VIEW:
            raise RuntimeError("A custom Function's forward is returning a view (or an input as-is) but the jvp is "
                               "not returning a view.")
        if base_of(t) is not base_of(tangents[i]):
            raise RuntimeError("A custom Function is returning a view but the jvp is not returning a view of the "
                               "given grad input.")
    return 0


cdef int note_saved_tangent(FunctionNode n, Call call, Py_ssize_t nr, Tensor t) except -1:
    """Where output nr is saved, its copy has the tangent too."""
    cdef int k
    for k in range(len(call.saved)):
        if len(call.saved[k]) == 3 and call.saved[k][2] == nr:
            set_tangent(call.saved[k][0], t)
    return 0
