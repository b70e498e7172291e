# Grad modes and what a user may ask of a tensor's place in the graph: requires_grad, grad, data, hooks.

# -------------------------------------------------------------------------------------- thread state

def is_grad_enabled():
    """Whether operations are recorded in this thread."""
    return not ag_tls.no_grad


def is_inference_mode_enabled():
    """Whether inference mode is on in this thread."""
    return ag_tls.inference != 0


def _set_grad_enabled(bint mode):
    """Turn recording on or off in this thread; the previous mode is returned."""
    cdef bint before = not ag_tls.no_grad
    ag_tls.no_grad = not mode
    return before


def _set_inference_mode(bint mode):
    """Turn inference mode on or off in this thread; the previous mode is returned."""
    cdef bint before = ag_tls.inference != 0
    ag_tls.inference = INFERENCE if mode else 0
    return before


# ------------------------------------------------------------------------------ requires_grad and grad

cdef Node grad_fn_of(Tensor x):
    if x.flags & VIEW:
        sync_view(x)
    return x.node


cdef bint requires_grad(Tensor x) except -1:
    return needs_grad(x)


cdef int set_requires_grad(Tensor x, bint value) except -1:
    if grad_fn_of(x) is not None:
        if not value:
            raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a "
                               "computed variable in a subgraph that doesn't require differentiation use "
                               "var_no_grad = var.detach().")
        return 0
    if value and x.kind != F64:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if value and x.flags & INFERENCE and not ag_tls.inference:
        raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
    if value:
        x.flags |= REQUIRES
    else:
        x.flags &= ~REQUIRES
    return 0


def warn_non_leaf_grad():
    import warnings
    warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                  "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated "
                  "for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf "
                  "Tensor by mistake, make sure you access the leaf Tensor instead. See "
                  "github.com/pytorch/pytorch/pull/30531 for more informations.", UserWarning, stacklevel=2)


cdef int set_grad(Tensor x, object value) except -1:
    cdef Tensor g
    if value is None:
        x.grad_ = None
        return 0
    if not isinstance(value, Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
    g = value
    if g is x:
        raise RuntimeError("can't assign Variable as its own grad")
    if g.kind != x.kind:
        raise RuntimeError(f"attempting to assign a gradient with dtype '{c_name(g.kind)}' to a tensor with "
                           f"dtype '{c_name(x.kind)}'. Please ensure that the gradient and the tensor have the "
                           "same dtype")
    if not same_sizes(g.form, x.form):
        raise RuntimeError(f"attempting to assign a gradient of size '{sizes_text(g.form)}' to a tensor of size "
                           f"'{sizes_text(x.form)}'. Please ensure that the gradient and the tensor are the same size")
    x.grad_ = g
    note_cycle_maker()
    return 0


cdef Storage second_storage(Storage of):
    """The same memory with a version counter of its own."""
    cdef Storage s = Storage.__new__(Storage)
    s.data = of.data
    s.size = of.size
    s.readonly = of.readonly
    s.owner = of
    return s


cdef Tensor data_of(Tensor x):
    """The values without history and with a version counter of their own."""
    cdef Tensor v
    spill(x)
    v = Tensor.__new__(Tensor)
    v.form = x.form
    v.storage = second_storage(x.storage)
    v.ptr = x.ptr
    v.kind = x.kind
    return v


cdef int set_data(Tensor x, Tensor new) except -1:
    cdef Layout form
    if new.kind != x.kind:
        raise RuntimeError("incompatible tensor type: the dtypes of `data` and of the tensor differ")
    if x.accumulator != NULL and not same_sizes(x.form, new.form):
        form = x.form
        (<Node>x.accumulator).form = new.form
    spill(new)
    spill(x)
    x.form = new.form
    x.storage = new.storage
    x.ptr = new.ptr
    return 0


@method
def requires_grad_(self, requires_grad=True):
    """Change whether operations on the tensor are recorded, in place.

    Raises
    ------
    RuntimeError
        If the tensor is not a leaf and `requires_grad` is False, or is not of floating point.
    """
    if not isinstance(requires_grad, bool):
        raise TypeError("requires_grad_(): argument 'requires_grad' (position 1) must be bool, not "
                        f"{type_name(requires_grad)}")
    set_requires_grad(own(self), requires_grad)
    return self


@method
def retain_grad(self):
    """Let backward keep the gradient of a non-leaf in its `.grad`."""
    cdef Tensor x = own(self)
    cdef Node n
    if not needs_grad(x):
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if x.node is None or x.flags & RETAIN:
        return
    x.flags |= RETAIN
    attach_retained(x)


cdef int attach_retained(Tensor x) except -1:
    """Tell the node of x that x keeps its gradient."""
    cdef NodeExtra extra = extra_of(x.node)
    if extra.retained is None:
        extra.retained = {}
    extra.retained[x.nr] = PyWeakref_NewRef(x, None)
    x.node.flags |= ATTACHED
    return 0


# ------------------------------------------------------------------------------------------ anomaly mode

@function
def is_anomaly_enabled():
    """Whether `autograd.set_detect_anomaly` is on."""
    return remembers & STACKS != 0


@function
def is_anomaly_check_nan_enabled():
    """Whether backward looks for nans, see `autograd.set_detect_anomaly`."""
    return anomaly_checks_nan
