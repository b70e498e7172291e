"""Activations as modules; see the functions of `functional` for what they compute."""

from . import functional
from .module import Module


class _InPlace(Module):
    """Base of activations that can work in place."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self):
        """The arguments; `inplace` if it is set."""
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """``max(x, 0)``.

    Parameters
    ----------
    inplace : bool
        Change the input.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.ReLU()(torch.tensor([-1., 2.]))
    tensor([0., 2.])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.relu(input, inplace=self.inplace)


class LeakyReLU(_InPlace):
    """x, multiplied by a slope where it is negative.

    Parameters
    ----------
    negative_slope : float
    inplace : bool
        Change the input.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.LeakyReLU(0.1)(torch.tensor([-1., 2.]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input):
        """The activation of `input`."""
        return functional.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        """The arguments."""
        return f"negative_slope={self.negative_slope}{', inplace=True' if self.inplace else ''}"


class ELU(_InPlace):
    """x, and ``alpha * (exp(x) - 1)`` where it is negative.

    Parameters
    ----------
    alpha : float
    inplace : bool
        Change the input.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.ELU()(torch.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input):
        """The activation of `input`."""
        return functional.elu(input, self.alpha, self.inplace)

    def extra_repr(self):
        """The arguments."""
        return f"alpha={self.alpha}{', inplace=True' if self.inplace else ''}"


class SiLU(_InPlace):
    """``x * sigmoid(x)``.

    Parameters
    ----------
    inplace : bool
        Change the input.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.SiLU()(torch.tensor([-1., 2.]))
    tensor([-0.2689,  1.7616])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.silu(input, inplace=self.inplace)


class GELU(Module):
    """x times the normal distribution's cumulative probability at x.

    Parameters
    ----------
    approximate : {"none", "tanh"}

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.GELU()(torch.tensor([-1., 2.]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        """The activation of `input`."""
        return functional.gelu(input, approximate=self.approximate)

    def extra_repr(self):
        """The arguments."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``.

    Parameters
    ----------
    beta : float
    threshold : float
        x itself where ``beta * x`` is above.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Softplus()(torch.tensor([0., 2.]))
    tensor([0.6931, 2.1269])
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input):
        """The activation of `input`."""
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        """The arguments."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Sigmoid()(torch.tensor([0., 2.]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.sigmoid(input)


class LogSigmoid(Module):
    """The logarithm of the sigmoid.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.LogSigmoid()(torch.tensor([0., 2.]))
    tensor([-0.6931, -0.1269])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.logsigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Tanh()(torch.tensor([0., 2.]))
    tensor([0.0000, 0.9640])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.tanh(input)


class _AlongDim(Module):
    """Base of what works along a dimension."""

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def extra_repr(self):
        """The arguments."""
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """Exponentials, scaled so that they sum to 1.

    Parameters
    ----------
    dim : int
        Along which they do.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Softmax(dim=0)(torch.tensor([0., 1.]))
    tensor([0.2689, 0.7311])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """The logarithm of the softmax.

    Parameters
    ----------
    dim : int
        Along which the exponentials sum to 1.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.LogSoftmax(dim=0)(torch.tensor([0., 1.]))
    tensor([-1.3133, -0.3133])
    """

    def forward(self, input):
        """The activation of `input`."""
        return functional.log_softmax(input, self.dim, _stacklevel=5)
