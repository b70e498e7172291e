"""Functions of neural networks, on the core's operations."""

from .. import _core
from .._core import (
    binary_cross_entropy,
    elu,
    elu_,
    gelu,
    leaky_relu,
    leaky_relu_,
    logsigmoid,
    mse_loss,
    relu_,
    silu,
    softplus,
)
from .._core import relu_either_way as relu

__all__ = [
    "binary_cross_entropy",
    "elu",
    "elu_",
    "gelu",
    "leaky_relu",
    "leaky_relu_",
    "logsigmoid",
    "mse_loss",
    "relu",
    "relu_",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]

sigmoid = _core.__functions__["sigmoid"]
tanh = _core.__functions__["tanh"]
