"""SGD, step by step as PyTorch's loop over single tensors."""

from .. import _core
from ..grad_mode import set_grad_enabled
from .optimizer import Optimizer, as_scalar, check_implementation, plus_multiple


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    Parameters
    ----------
    params : iterable of Tensor or dict
        See `Optimizer`.
    lr : float or Tensor
        Learning rate.
    momentum : float
    dampening : float
        How much of a gradient, from the second on, does not enter the momentum.
    weight_decay : float
        This times the parameter is added to its gradient.
    nesterov : bool
        Nesterov's momentum: look ahead by one step.
    maximize : bool
        Go up instead of down.
    foreach, fused : bool, optional
        Accepted; there is one implementation.
    differentiable : bool
        Record the steps.

    Raises
    ------
    ValueError
        For a negative option, or nesterov without momentum or with dampening.

    Examples
    --------
    >>> import autograd_c as torch
    >>> p = torch.tensor([1.], requires_grad=True)
    >>> optimizer = torch.optim.SGD([p], lr=0.1)
    >>> (p * p).backward(torch.ones(1))
    >>> optimizer.step()
    >>> p
    tensor([0.8000], requires_grad=True)
    """

    _options_since = (
        ("nesterov", False),
        ("maximize", False),
        ("foreach", None),
        ("differentiable", False),
        ("fused", False),
    )

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        if isinstance(lr, _core.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(fused, foreach, differentiable)

    def step(self, closure=None):
        """Change the parameters that have a gradient once; see `Optimizer.step`."""
        loss = self._loss(closure)
        with set_grad_enabled(self.defaults["differentiable"]):
            for group in self.param_groups:
                for p, g in self._descents(group):
                    self._update(p, g, group)
        return loss

    def _update(self, p, g, group):
        weight_decay, momentum, lr = group["weight_decay"], group["momentum"], as_scalar(group["lr"])
        if weight_decay != 0:
            g = plus_multiple(g, p, weight_decay)
        if momentum != 0:
            state = self.state[p]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = g.detach().clone()
            else:
                buffer.mul_(momentum).add_(g, alpha=1 - group["dampening"])
            g = g.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        if isinstance(lr, _core.Tensor):
            p.sub_(g * lr)
        else:
            p.add_(g, alpha=-lr)
