"""What graphs keep for backward, handed to functions of the user: the public part is in `autograd.graph`."""

from contextlib import contextmanager as _contextmanager
from weakref import WeakKeyDictionary as _WeakKeyDictionary

from .. import _core
from ..grad_mode import _Mode


class saved_tensors_hooks(_Mode):
    """Context manager and decorator: what operations in this thread save for backward goes through two functions.

    Parameters
    ----------
    pack_hook : callable
        Takes a tensor that is to be saved, and returns what is kept instead. It must not change the tensor in place.
    unpack_hook : callable
        Takes what `pack_hook` returned, and returns a tensor of the same sizes and dtype for backward to use.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor([1., 2.], requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 4.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def clone(self):
        """A fresh manager with the same hooks, for one call of a decorated function."""
        return saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __enter__(self):
        _core._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exception):
        _core._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """PyTorch's way to keep saved tensors in main memory, where ours are anyway.

    Parameters
    ----------
    pin_memory : bool
        Without effect if False; if True, the saved tensors are copied, as PyTorch does.
    device_type : str
        Without effect.
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__((lambda t: t.detach().clone()) if pin_memory else (lambda t: t), lambda t: t)


@_contextmanager
def disable_saved_tensors_hooks(error_message):
    """Context manager, and decorator: to set saved-tensor hooks in this thread raises.

    Parameters
    ----------
    error_message : str
        Of the RuntimeError.
    """
    before = _core._disable_saved_tensors_hooks(error_message)
    try:
        yield
    finally:
        _core._disable_saved_tensors_hooks(before)


class _Handle:
    """Stands in a node for a saved tensor."""


class _Copies:
    """The copies of what was saved in one `allow_mutation_on_saved_tensors`."""

    def __init__(self):
        self.cloned: _WeakKeyDictionary = _WeakKeyDictionary()

    def pack(self, tensor):
        handle = _Handle()
        self.cloned[handle] = tensor.detach().clone()
        return handle

    def unpack(self, handle):
        copy = self.cloned.get(handle)
        if copy is None:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        return copy

    def clear(self):
        """Drop the copies: no backward is possible any more."""
        self.cloned.clear()


@_contextmanager
def allow_mutation_on_saved_tensors():
    """Context manager: tensors may be changed in place after they were saved, and backward has their former values.

    PyTorch copies a saved tensor when it is about to be changed; here each is copied when it is saved, so this costs
    memory and time for tensors that are never changed too.

    Yields
    ------
    object
        `clear()` frees the copies. They are freed at the end of the context, within which backward must run.

    Raises
    ------
    RuntimeError
        If such a context is active in this thread.

    Examples
    --------
    >>> import autograd_c as torch
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     a = torch.tensor([1., 2.], requires_grad=True)
    ...     b = a.clone()
    ...     y = (b * b).sum()
    ...     b.zero_()
    ...     y.backward()
    tensor([0., 0.], grad_fn=<ZeroBackward0>)
    >>> a.grad
    tensor([2., 4.])
    """
    copies = _Copies()
    if any(isinstance(getattr(pack, "__self__", None), _Copies) for pack, _ in _core._saved_tensors_hooks()):
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    try:
        with saved_tensors_hooks(copies.pack, copies.unpack):
            yield copies
    finally:
        copies.clear()
