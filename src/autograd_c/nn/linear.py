"""Layers without a convention of their own: Linear, Identity, Flatten, Unflatten."""

from math import sqrt

from .. import _core
from . import functional, init
from .module import Module
from .parameter import Parameter


class Identity(Module):
    """Its input, whatever the arguments.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Identity(54, unused=0.1)(torch.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        """`input` itself."""
        return input


class Linear(Module):
    """``x @ weight.T + bias``, with both uniform in ±1/sqrt(in_features) at first.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last dimension of input and output.
    bias : bool
    device, dtype : optional
        As for `torch.empty`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> layer = torch.nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        empty = _core.__functions__["empty"]
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(self.in_features) if self.in_features else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        """``input @ weight.T + bias``."""
        return functional.linear(input, self.weight, self.bias)

    def extra_repr(self):
        """The arguments."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Module):
    """Dimensions made one.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of them.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Flatten()(torch.zeros(2, 3, 4)).shape
    torch.Size([2, 12])
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input):
        """The flattened input."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self):
        """The arguments."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """A dimension made several.

    Parameters
    ----------
    dim : int
    unflattened_size : tuple of int
        The new sizes; one may be -1.

    Raises
    ------
    RuntimeError
        In the call, if the new sizes do not multiply up to the old.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.Unflatten(1, (3, -1))(torch.zeros(2, 12)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for i, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {i}"
                )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input):
        """A view of the input with the new sizes."""
        total = input.size(self.dim)  # raises for a dimension that is not there
        before = self.dim % input.dim()
        sizes = list(self.unflattened_size)
        known = 1
        for size in sizes:
            known *= size if size != -1 else 1
        if sizes.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        if -1 in sizes and known:
            sizes[sizes.index(-1)] = total // known
            known *= total // known
        if known != total:
            raise RuntimeError(
                f"unflatten: Provided sizes {list(self.unflattened_size)} don't multiply up to the size of dim "
                f"{before} ({total}) in the input tensor"
            )
        shape = list(input.shape)
        return input.view(*shape[:before], *sizes, *shape[before + 1 :])

    def extra_repr(self):
        """The arguments."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
