"""Variable: what a tensor that takes part in differentiation was called before PyTorch 0.4."""

from .._core import Tensor


class _TensorLike(type):
    def __instancecheck__(cls, x):
        return isinstance(x, Tensor)


class Variable(metaclass=_TensorLike):
    """Any Tensor; ``Variable(data, requires_grad)`` is a leaf on the memory of `data`."""

    def __new__(cls, data, requires_grad=False):
        return data.detach().requires_grad_(requires_grad)
