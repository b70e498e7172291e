# Hooks: functions of the user's that backward calls, on tensors and on nodes.
#
# PyTorch's order is kept.  On the result of a node: the hooks on the tensor as registered, then its
# `retain_grad`, the hooks before the node, those after it.  On a leaf: the hooks on the tensor, those
# before its AccumulateGrad, the ones after accumulation, those after the AccumulateGrad.
# engine.pxi calls them; what they may write to, nobody else has (`private`).

cdef int64_t next_hook = 0


cdef class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook back; also a context manager."""

    cdef dict hooks
    cdef int64_t key

    def remove(self):
        """Take the hook back; a second call does nothing."""
        if self.hooks is not None:
            self.hooks.pop(self.key, None)
            self.hooks = None

    @property
    def id(self):
        """Number of the hook in the order of registration."""
        return self.key

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


cdef RemovableHandle add_hook(dict hooks, object hook):
    global next_hook
    cdef RemovableHandle handle = RemovableHandle.__new__(RemovableHandle)
    handle.hooks = hooks
    handle.key = next_hook
    hooks[next_hook] = hook
    next_hook += 1
    note_cycle_maker()
    return handle


@method
def register_hook(self, hook):
    """Call `hook(grad)` when backward has computed the gradient of this tensor.

    Parameters
    ----------
    hook : callable
        Takes the gradient; what it returns, if not None, replaces it.  It must not change the
        gradient in place.

    Returns
    -------
    RemovableHandle

    Raises
    ------
    RuntimeError
        If the tensor does not require a gradient.
    """
    cdef Tensor x = own(self)
    cdef NodeExtra extra
    if not needs_grad(x):
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if x.node is None:
        if meta_of(x).hooks is None:
            x.meta.hooks = {}
        x.flags |= HOOKED
        return add_hook(x.meta.hooks, hook)
    extra = extra_of(x.node)
    if extra.hooks is None:
        extra.hooks = {}
    x.node.flags |= ATTACHED
    return add_hook(extra.hooks.setdefault(x.nr, {}), hook)


@method
def register_post_accumulate_grad_hook(self, hook):
    """Call `hook(tensor)` after backward has accumulated into the `.grad` of this leaf.

    Raises
    ------
    RuntimeError
        If the tensor is not a leaf, or does not require a gradient.
    """
    cdef Tensor x = own(self)
    if not needs_grad(x):
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if x.node is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if meta_of(x).post_hooks is None:
        x.meta.post_hooks = {}
    x.flags |= HOOKED
    return add_hook(x.meta.post_hooks, hook)


@node_method
@renamed("register_hook")
def register_node_hook(self, fn):
    """Call `fn(grad_inputs, grad_outputs)` after backward has run this node.

    Parameters
    ----------
    fn : callable
        Takes two tuples, of Tensors or None: the gradients that the node has made, one for each input, and
        those that it was given.  What it returns, if not None, is a tuple that replaces the former.

    Returns
    -------
    RemovableHandle
    """
    cdef Node n = self
    cdef NodeExtra extra = extra_of(n)
    if extra.after is None:
        extra.after = {}
    n.flags |= ATTACHED
    return add_hook(extra.after, fn)


@node_method
@renamed("register_prehook")
def register_node_prehook(self, fn):
    """Call `fn(grad_outputs)` before backward runs this node.

    Parameters
    ----------
    fn : callable
        Takes a tuple of Tensors or None, the gradients of the node's outputs after all hooks on tensors.  What
        it returns, if not None, is a tuple that replaces it.

    Returns
    -------
    RemovableHandle
    """
    cdef Node n = self
    cdef NodeExtra extra = extra_of(n)
    if extra.before is None:
        extra.before = {}
    n.flags |= ATTACHED
    return add_hook(extra.before, fn)


# --------------------------------------------------------------------------------------- what they return

cdef str hook_name(object hook):
    return getattr(hook, "__name__", None) or type(hook).__name__


cdef int check_replacement(object hook, Tensor old, object result) except -1:
    """Raise unless what a hook returned can take the place of a gradient."""
    cdef Tensor new
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    new = result
    if old is None:
        raise RuntimeError(f"can't replace a None gradient with a non-None value (hook '{hook_name(hook)}')")
    if new.kind != old.kind:
        raise RuntimeError(f"hook '{hook_name(hook)}' has changed the type of value (was torch."
                           f"{scalar_type_name(old.kind)}Tensor got torch.{scalar_type_name(new.kind)}Tensor)")
    if not same_sizes(new.form, old.form):
        raise RuntimeError(f"hook '{hook_name(hook)}' has changed the size of value")
    return 0


cdef Tensor private(Tensor g):
    """g, or a copy: for a hook, which may write to its argument and must not reach another gradient."""
    if owned_alone(g):
        return g
    return c_clone(g) if g.flags & REQUIRES else copy_like(g, g.form)


cdef Tensor run_hooks(dict hooks, Tensor g):
    """The gradient after a tensor's hooks, as registered."""
    for hook in list(hooks.values()):
        g = private(g)
        result = hook(g)
        if result is not None:
            check_replacement(hook, g, result)
            g = result
    return g


cdef tuple hook_result(object hook, object result, tuple values):
    """The gradients after a hook on a node."""
    cdef Py_ssize_t k
    if result is None:
        return values
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    if len(result) != len(values):
        raise RuntimeError(f"hook '{hook_name(hook)}' has returned an incorrect number of values (got {len(result)}, "
                           f"but expected {len(values)})")
    for k in range(len(values)):
        if result[k] is not None:
            check_replacement(hook, values[k], result[k])
    return result
