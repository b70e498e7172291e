"""Losses as callable objects that keep their options."""

from . import functional


class _Loss:
    """Base: a loss with a reduction."""

    def __init__(self, reduction):
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        self.reduction = reduction

    def __call__(self, input, target):
        return self.forward(input, target)

    def forward(self, input, target):
        """The loss of `input` against `target`."""
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}()"


class BCELoss(_Loss):
    """Binary cross entropy of probabilities; see `functional.binary_cross_entropy`.

    Parameters
    ----------
    weight : Tensor, optional
        Factor of each element, broadcast.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.BCELoss()(torch.tensor([0.5]), torch.tensor([1.]))
    tensor(0.6931)
    """

    def __init__(self, weight=None, reduction="mean"):
        super().__init__(reduction)
        self.weight = weight

    def forward(self, input, target):
        """The loss of `input` against `target`."""
        return functional.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class MSELoss(_Loss):
    """Squared error; see `functional.mse_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.MSELoss()(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(2.)
    """

    def __init__(self, reduction="mean"):
        super().__init__(reduction)

    def forward(self, input, target):
        """The loss of `input` against `target`."""
        return functional.mse_loss(input, target, reduction=self.reduction)
