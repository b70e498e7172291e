"""Parameter and Buffer: tensors that a module owns; the first an optimizer changes."""

from .._core import Tensor, __functions__


class Parameter(Tensor):
    """A tensor to be learned: a leaf that requires a gradient, on the memory of `data`.

    Parameters
    ----------
    data : Tensor, optional
        The values; none by default.
    requires_grad : bool

    Raises
    ------
    RuntimeError
        If a gradient is required of a dtype other than float64.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data=None, requires_grad=True):
        data = __functions__["empty"](0) if data is None else data.detach()
        if requires_grad and not data.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return super().__new__(cls, data).requires_grad_(requires_grad)

    def __deepcopy__(self, memo):
        # The values only: a copied model starts without gradients, and its parameters share no memory.
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self):
        from .._format import parameter_repr

        return parameter_repr(self)


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    """A buffer is known by an attribute, since it prints and computes as a plain tensor."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a module registers as a buffer when it is set as an attribute, on the memory of `data`.

    Parameters
    ----------
    data : Tensor, optional
        The values; none by default.
    persistent : bool
        Whether it is part of the module's `state_dict`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> module = torch.nn.Module()
    >>> module.mean = torch.nn.Buffer(torch.zeros(2))
    >>> dict(module.named_buffers())
    {'mean': tensor([0., 0.])}
    """

    persistent: bool

    def __new__(cls, data=None, *, persistent=True):
        data = __functions__["empty"](0) if data is None else data
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def zero_gradients(tensors, set_to_none):
    """Forget the gradients of leaves, or set them to zeros that belong to no graph."""
    for x in tensors:
        if x.grad is not None:
            if set_to_none:
                x.grad = None
            else:
                if x.grad.grad_fn is not None:
                    x.grad.detach_()
                else:
                    x.grad.requires_grad_(False)
                x.grad.zero_()
