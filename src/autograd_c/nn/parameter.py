"""Parameter: a tensor that a module owns and an optimizer changes."""

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

    def __repr__(self):
        from .._format import parameter_repr

        return parameter_repr(self)
