"""Functions of neural networks, on the core's operations."""

import warnings

from .. import _core
from .._core import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    elu,
    elu_,
    gelu,
    huber_loss,
    kl_div,
    l1_loss,
    leaky_relu,
    leaky_relu_,
    linear,
    logsigmoid,
    mse_loss,
    nll_loss,
    relu_,
    silu,
    smooth_l1_loss,
    softplus,
)
from .._core import relu_either_way as relu

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "elu",
    "elu_",
    "gelu",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "relu",
    "relu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "tanh",
]

sigmoid = _core.__functions__["sigmoid"]
tanh = _core.__functions__["tanh"]


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(input) divided by its sum along a dimension; see `autograd_c.softmax`.

    Parameters
    ----------
    input : Tensor
    dim : int
        Without it, PyTorch's old choice, with a warning: 0 for 0, 1 and 3 dimensions, else 1.
    dtype : dtype, optional
        Convert to this dtype first.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.softmax(torch.tensor([1000., 1000.]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return input.softmax(_dim("softmax", input, dim, _stacklevel), dtype=dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """The softmax of -input, with the parameters of `softmax`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.softmin(torch.tensor([1000., 1000.]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return (-input).softmax(_dim("softmin", input, dim, _stacklevel), dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """The logarithm of `softmax`, with its parameters; see `autograd_c.log_softmax`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.functional.log_softmax(torch.tensor([1000., 0.]), dim=0)
    tensor([    0., -1000.])
    """
    return input.log_softmax(_dim("log_softmax", input, dim, _stacklevel), dtype=dtype)


def _dim(name, input, dim, stacklevel):
    """The dimension, or the one that PyTorch chooses where there is none."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.ndim in (0, 1, 3) else 1
