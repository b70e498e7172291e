"""Adam, step by step as PyTorch's loop over single tensors."""

from .. import _core
from ..grad_mode import set_grad_enabled
from .optimizer import Optimizer, as_scalar, check_implementation, plus_multiple

_Tensor = _core.Tensor
_functions = _core.__functions__


class Adam(Optimizer):
    """Adam: gradients averaged over time, scaled by the root of their averaged squares.

    Parameters
    ----------
    params : iterable of Tensor or dict
        See `Optimizer`.
    lr : float or Tensor
        Learning rate.
    betas : pair of float
        How much of the averages is kept at a step.
    eps : float
        Added to the root.
    weight_decay : float
        This times the parameter is added to its gradient.
    amsgrad : bool
        Scale by the largest averaged square so far.
    foreach, fused : bool, optional
        Accepted; there is one implementation.
    maximize : bool
        Go up instead of down.
    capturable : bool
        For other devices; a step raises.
    differentiable : bool
        Record the steps.
    decoupled_weight_decay : bool
        Shrink the parameter itself instead, as AdamW does.

    Raises
    ------
    ValueError
        For an option out of its range.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015.
    S. Reddi, S. Kale and S. Kumar, "On the convergence of Adam and beyond", 2018.

    Examples
    --------
    >>> import autograd_c as torch
    >>> p = torch.tensor([1.], requires_grad=True)
    >>> optimizer = torch.optim.Adam([p], lr=0.1)
    >>> (p * p).backward(torch.ones(1))
    >>> optimizer.step()
    >>> p
    tensor([0.9000], requires_grad=True)
    """

    _options_since = (
        ("amsgrad", False),
        ("maximize", False),
        ("foreach", None),
        ("capturable", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
        ("fused", None),
    )

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        if isinstance(lr, _Tensor):
            if foreach and not capturable:
                raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
            if lr.numel() != 1:
                raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i in (0, 1):
            if not 0.0 <= betas[i] < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if not any(isinstance(betas[0], kind) and isinstance(betas[1], kind) for kind in (float, _Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        for i in (0, 1):
            if isinstance(betas[i], _Tensor):
                if foreach and not capturable:
                    raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
                if betas[i].numel() != 1:
                    raise ValueError(f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": tuple(map(as_scalar, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_implementation(fused, foreach, differentiable)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for p in group["params"]:
                step = self.state[p]["step"] if self.state.get(p) else None
                if step is not None and not isinstance(step, _Tensor):
                    self.state[p]["step"] = _functions["tensor"](float(step))

    def step(self, closure=None):
        """Change the parameters that have a gradient once; see `Optimizer.step`."""
        loss = self._loss(closure)
        with set_grad_enabled(self.defaults["differentiable"]):
            for group in self.param_groups:
                if group["capturable"]:
                    raise AssertionError(
                        "If capturable=True, params and state_steps must be on supported devices: "
                        "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']."
                    )
                for p, g in self._descents(group):
                    state = self.state[p]
                    if not state:
                        _begin(p, state, group)
                    _update(p, g, state, group)
        return loss


def _begin(p, state, group):
    """What is remembered of a parameter before its first step."""
    state["step"] = _functions["tensor"](0.0)
    for name in ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])):
        state[name] = _functions["zeros_like"](p)


def _update(p, g, state, group):
    lr, (beta1, beta2) = as_scalar(group["lr"]), map(as_scalar, group["betas"])
    weight_decay, differentiable = group["weight_decay"], group["differentiable"]
    average, square = state["exp_avg"], state["exp_avg_sq"]
    state["step"] += 1
    if weight_decay != 0:
        if group["decoupled_weight_decay"]:
            p.mul_(1 - lr * weight_decay)
        else:
            g = plus_multiple(g, p, weight_decay)
    _lerp(average, g, 1 - beta1)
    square.mul_(beta2).add_(g * (1 - beta2) * g)
    step = state["step"].item()
    if differentiable:  # what is saved here must not change in the next step
        step, average, square = state["step"].clone(), average.clone(), square.clone()
    step_size = lr / (1 - beta1**step)
    root = (1 - beta2**step) ** 0.5
    if group["amsgrad"]:
        largest = _functions["maximum"](state["max_exp_avg_sq"].clone(), square)
        square = state["max_exp_avg_sq"].copy_(largest).clone()
    p.sub_(average * step_size / (square.sqrt() / root).add_(group["eps"]))


def _lerp(x, end, weight):
    """Move x towards `end`, in place, by the rounding of torch's lerp: from the nearer of the two."""
    if isinstance(weight, _Tensor) or weight < 0.5:
        x.add_((end - x) * weight)
    else:
        x.copy_((end - x) * (weight - 1) + end)
