# Saved-tensor hooks: what the user's functions make of the tensors that nodes save.
#
# Note [Packed tensors]
# Under saved_tensors_hooks a node keeps, instead of a tensor, what the hook `pack` made of it, in
# extra.packed by its place: an index of extra.saved, or one of those below.  The fields that would
# hold the tensor stay empty.  What `unpack` returns takes the place of the tensor in the graph; for
# a leaf that is its AccumulateGrad.  Kernels trust the sizes of saved tensors, so these may not change.

cdef enum:
    PLACE_A = -1
    PLACE_B = -2
    PLACE_RESULT = -3

cdef object hooks_of_threads = None            # threading.local: `stack` of pairs (pack, unpack), `disabled`, `watcher`


cdef object thread_hooks():
    global hooks_of_threads
    if hooks_of_threads is None:
        import threading
        hooks_of_threads = threading.local()
    if not hasattr(hooks_of_threads, "stack"):
        hooks_of_threads.stack = []
        hooks_of_threads.disabled = None
        hooks_of_threads.watcher = None
    return hooks_of_threads


def _push_saved_tensors_hooks(pack, unpack):
    """Let `pack` and `unpack` handle the tensors that operations of this thread save."""
    hooks = thread_hooks()
    if hooks.disabled is not None:
        raise RuntimeError(hooks.disabled)
    if not callable(pack) or not callable(unpack):
        raise TypeError("saved_tensors_hooks: pack_hook and unpack_hook must be callable")
    hooks.stack.append((pack, unpack))
    ag_tls.packing = 1


def _pop_saved_tensors_hooks():
    """Take back the last pair of hooks of this thread."""
    hooks = thread_hooks()
    hooks.stack.pop()
    ag_tls.packing = len(hooks.stack) > 0


def _saved_tensors_hooks():
    """The pairs of hooks of this thread, the innermost last."""
    return tuple(thread_hooks().stack)


def _disable_saved_tensors_hooks(message):
    """Forbid hooks in this thread with this message, or (None) allow them; the previous one is returned."""
    hooks = thread_hooks()
    if message is not None and hooks.stack:
        raise RuntimeError(message)
    before = hooks.disabled
    hooks.disabled = message
    return before


cdef int pack_input(Node n, int place, Tensor x) except -1:
    """Save x, an input; a Python number is no tensor of the user's, and is kept as it is."""
    cdef Node to
    if x.flags & NUMBER:
        if place == PLACE_A:
            n.a = x
            n.version_a = version_of(x)
        elif place == PLACE_B:
            n.b = x
            n.version_b = version_of(x)
        else:
            n.extra.saved[place] = (x, version_of(x))
        n.flags |= SAVES
        return 0
    to = gradient_node(x)
    return pack(n, place, x, to, x.nr if x.node is not None else 0)


cdef int pack_output(Node n, int place, Tensor y, int nr) except -1:
    """Save output nr of n; the hook sees a tensor whose grad_fn is n."""
    cdef Tensor seen = alias(y)
    seen.node = n
    seen.nr = nr
    seen.flags |= REQUIRES
    return pack(n, place, seen, None, nr)


cdef int pack(Node n, int place, Tensor x, Node to, int nr) except -1:
    cdef list stack = thread_hooks().stack
    return pack_with(n, place, x, to, nr, stack[len(stack) - 1])   # (the core does not wrap indices around)


cdef int pack_with(Node n, int place, Tensor x, Node to, int nr, tuple hooks) except -1:
    cdef uint32_t before = version_of(x)
    cdef int no_grad = ag_tls.no_grad
    ag_tls.no_grad = 1
    try:
        packed = hooks[0](x)
    finally:
        ag_tls.no_grad = no_grad
    if version_of(x) != before:
        raise RuntimeError("A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
                           "pack hook cannot be modified by in-place operations as this can lead to unexpected "
                           "side-effects.")
    if extra_of(n).packed is None:
        n.extra.packed = {}
    n.extra.packed[place] = (hooks[1], packed, x.node is n, to, nr, tangent_of(x), x.form, x.kind)
    n.flags |= PACKED | SAVES
    note_cycle_maker()
    return 0


cdef int packed_tangent(Node n, int place, Tensor tangent) except -1:
    """Note the tangent that a packed output has got."""
    cdef tuple entry
    if n.flags & PACKED and n.extra.packed is not None and place in n.extra.packed:
        entry = n.extra.packed[place]
        n.extra.packed[place] = entry[:5] + (tangent,) + entry[6:]
    return 0


cdef PyObject *packed_node(PyObject *n, PyObject *a, PyObject *b) except NULL:
    """Pack the inputs that a node is to save; takes over its reference, and returns it."""
    cdef Node held = own_node(n)
    if b != <PyObject *>None:
        pack_input(held, PLACE_B, <Tensor>b)
    if a != <PyObject *>None:
        pack_input(held, PLACE_A, <Tensor>a)
    return ag_held(<PyObject *>held)


cdef bint is_packed(Node n, int place) except -1:
    if n.flags & RELEASED:
        raise errors().second_backward(n.name())
    return n.extra.packed is not None and place in n.extra.packed


cdef Tensor unpacked(Node n, int place):
    """What the hook `unpack` returns, in the place of what was saved."""
    cdef tuple entry = n.extra.packed[place]
    cdef Layout form = entry[6]
    cdef Tensor found, x
    result = entry[0](entry[1])
    if not isinstance(result, Tensor):
        raise TypeError("Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                        f"{type(result).__name__}")
    found = result
    if found.kind != <int>entry[7] or not same_sizes(found.form, form):
        raise RuntimeError("saved tensor unpack_hook returned a tensor of size "
                           f"{sizes_text(found.form)} and dtype {c_name(found.kind)}, but {sizes_text(form)} and "
                           f"{c_name(entry[7])} were saved")
    x = alias(found)
    x.node = n if entry[2] else entry[3]
    x.nr = entry[4]
    if x.node is not None:
        x.flags |= REQUIRES
    if entry[5] is not None:
        set_tangent(x, entry[5])
    return x


cdef Tensor saved_in(Node n, int place):
    """What is saved in a place, or None."""
    cdef bint packed = n.flags & (RELEASED | PACKED) and is_packed(n, place)
    if place == PLACE_A:
        return saved_a(n) if packed or n.a is not None else None
    if place == PLACE_B:
        return saved_b(n) if packed or (n.b is not None and not n.flags & RESULT_IN_B) else None
    if place == PLACE_RESULT:
        return saved_result(n) if packed or n.flags & (SCALAR_RESULT | RESULT_IN_B) else None
    if isinstance(n, FunctionNode):
        return function_saved(n, place)
    if n.extra is None or n.extra.saved is None or place >= len(n.extra.saved):
        return None
    return saved_more(n, place)


cdef int repack(Node n, int place, tuple hooks) except -1:
    """Pack what is saved in a place."""
    cdef Tensor x
    cdef Node to
    if n.flags & RELEASED:
        raise RuntimeError("Calling register_hooks on a saved tensor after it has been freed. Saved intermediate "
                           "values of the graph are freed when you call .backward() or autograd.grad(). Specify "
                           "retain_graph=True if you need to backward through the graph a second time or if you need "
                           "to access saved variables after calling backward.")
    if n.flags & PACKED and is_packed(n, place):
        raise RuntimeError("Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only "
                           "one pair of hooks is allowed at a time.")
    x = saved_in(n, place)
    if x is None:
        raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
    to = gradient_node(x)
    pack_with(n, place, x, None if to is n else to, x.nr if x.node is not None else 0, hooks)
    if place == PLACE_A:
        n.a = None
    elif place >= 0:
        n.extra.saved[place] = (None, 0)
    else:
        n.b = None
        n.flags &= ~(SCALAR_RESULT | RESULT_IN_B)
    return 0


def _register_saved_hooks(Node node, int place, pack, unpack):
    """Let `pack` and `unpack` handle one tensor that a node has saved."""
    if not callable(pack) or not callable(unpack):
        raise TypeError("register_hooks(): pack_hook and unpack_hook must be callable")
    repack(node, place, (pack, unpack))


def _packed(Node node, int place):
    """What a hook made of the tensor saved in a place, or the tensor."""
    if node.flags & PACKED and is_packed(node, place):
        return node.extra.packed[place][1]
    return node._kept(place)
