"""What training needs beside layers: gradients kept within bounds, parameters as one vector."""

from .. import _core
from ..errors import qualified_name
from ..grad_mode import no_grad

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def _as_list(parameters):
    return [parameters] if isinstance(parameters, _core.Tensor) else list(parameters)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale the gradients, in place, so that their norm as one vector is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
    max_norm : float
    norm_type : float
        Which norm; inf for the largest element.
    error_if_nonfinite : bool
        Raise where the norm is nan or inf.
    foreach : bool, optional
        Accepted; there is one implementation.

    Returns
    -------
    Tensor
        The norm before.

    Raises
    ------
    RuntimeError
        See `error_if_nonfinite`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> p = torch.nn.Parameter(torch.zeros(2))
    >>> p.grad = torch.tensor([3., 4.])
    >>> torch.nn.utils.clip_grad_norm_(p, max_norm=1.)
    tensor(5.)
    >>> p.grad
    tensor([0.6000, 0.8000])
    """
    generator = type(parameters).__name__ == "generator"
    parameters = _as_list(parameters)
    if generator and not parameters:
        import warnings

        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm_type, max_norm = float(norm_type), float(max_norm)
    functions = _core.__functions__
    if not gradients:
        return functions["tensor"](0.0)
    with no_grad():
        total = functions["stack"]([g.norm(norm_type) for g in gradients]).norm(norm_type)
        if error_if_nonfinite and not total.isfinite():
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
                "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            )
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in gradients:
            g.mul_(factor)
    return total


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Clamp the gradients, in place, to ``[-clip_value, clip_value]``.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
    clip_value : float
    foreach : bool, optional
        Accepted; there is one implementation.

    Examples
    --------
    >>> import autograd_c as torch
    >>> p = torch.nn.Parameter(torch.zeros(2))
    >>> p.grad = torch.tensor([3., -0.5])
    >>> torch.nn.utils.clip_grad_value_(p, 1.)
    >>> p.grad
    tensor([ 1.0000, -0.5000])
    """
    clip_value = float(clip_value)
    with no_grad():
        for p in _as_list(parameters):
            if p.grad is not None:
                p.grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters):
    """All elements of the parameters, one after the other, as a vector; recorded.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.utils.parameters_to_vector([torch.ones(2), torch.zeros(1, 2)])
    tensor([1., 1., 0., 0.])
    """
    return _core.__functions__["cat"]([p.view(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Let the parameters' values be parts of a vector, one after the other; they then share its memory.

    Raises
    ------
    TypeError
        If `vec` is not a tensor.
    """
    if not isinstance(vec, _core.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {qualified_name(vec)}")
    start = 0
    for p in parameters:
        p.data = vec[start : start + p.numel()].view_as(p).data
        start += p.numel()
