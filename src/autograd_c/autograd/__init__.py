"""Differentiation: backward, grad, custom functions, forward mode."""

from .. import _core
from .._lazy import submodules as _submodules
from ..grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import forward_ad, graph

_submodules(__name__, ("forward_ad", "graph"))


def _deprecated(text):
    import warnings

    warnings.warn(text, FutureWarning, stacklevel=3)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Compute the gradients of `tensors` with respect to the leaves of their graphs.

    They are summed over `tensors` and added to the leaves' ``.grad``.

    Parameters
    ----------
    tensors : Tensor, GradientEdge, or sequence of these
    grad_tensors : Tensor or sequence of (Tensor or None), optional
        The gradient of something with respect to each tensor, of its sizes; 1 for a tensor of one element.
    retain_graph : bool, optional
        Keep what backward needs, for a second one; by default what `create_graph` is.
    create_graph : bool
        Record the gradients' own computation, for derivatives of higher order.
    inputs : Tensor, GradientEdge, or sequence of these, optional
        Accumulate in these only.

    Raises
    ------
    RuntimeError
        If a tensor is not part of a graph, has more than one element and no gradient, or its graph was freed.
    """
    if grad_variables is not None:
        _deprecated("`grad_variables` is deprecated. Use `grad_tensors` instead.")
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    keep = create_graph if retain_graph is None else retain_graph
    _core._backward(tensors, grad_tensors, keep, create_graph, inputs)


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The sum of the gradients of `outputs` with respect to `inputs`.

    Parameters
    ----------
    outputs, inputs : Tensor, GradientEdge, or sequence of these
    grad_outputs : Tensor or sequence of (Tensor or None), optional
        The gradient of something with respect to each output, of its sizes; 1 for an output of one element.
    retain_graph : bool, optional
        Keep what backward needs, for a second call; by default what `create_graph` is.
    create_graph : bool
        Record the gradients' own computation, for derivatives of higher order.
    allow_unused : bool, optional
        Return None for an input that the outputs do not depend on, instead of raising.
    is_grads_batched : bool
        The gradients of the outputs have one more dimension, the first: backward runs once for each step along it,
        and so have the results. (PyTorch computes them together.)
    materialize_grads : bool
        Return zeros for such an input.

    Returns
    -------
    tuple of Tensor
        One for each input, of its sizes.

    Raises
    ------
    RuntimeError
        If an input is not used and that is not allowed, or the graph was freed.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor(3., requires_grad=True)
    >>> torch.autograd.grad(x ** 2, x)
    (tensor(6.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    edge = not isinstance(inputs, _core.Tensor) and hasattr(inputs, "output_nr")
    inputs = (inputs,) if edge or isinstance(inputs, _core.Tensor) else tuple(inputs)
    if not only_inputs:
        _deprecated(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward."
        )
    keep = create_graph if retain_graph is None else retain_graph
    unused = bool(allow_unused or materialize_grads)
    if is_grads_batched:
        found = _batched_grad(outputs, inputs, grad_outputs, keep, create_graph, unused)
    else:
        found = _core._backward(
            outputs, grad_outputs, keep, create_graph, inputs, accumulate=False, allow_unused=unused
        )
    if materialize_grads:
        if any(g is None and not isinstance(x, _core.Tensor) for x, g in zip(inputs, found, strict=True)):
            raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
        zeros_like = _core.__functions__["zeros_like"]
        found = tuple([zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)])
    return found


def _batched_grad(outputs, inputs, grad_outputs, keep, create_graph, unused):
    """`grad` for each step along the first dimension of the gradients, stacked."""
    outputs = (outputs,) if isinstance(outputs, _core.Tensor) else tuple(outputs)
    grads = (grad_outputs,) if isinstance(grad_outputs, _core.Tensor) or grad_outputs is None else tuple(grad_outputs)
    given = [g for g in grads if g is not None]
    if not given or any(g.ndim == 0 for g in given) or len({g.shape[0] for g in given}) > 1:
        raise ValueError("is_grads_batched=True needs gradients of the outputs with a first dimension of one size")
    for i, (y, g) in enumerate(zip(outputs, grads, strict=False)):
        if g is not None and isinstance(y, _core.Tensor) and g.shape[1:] != y.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{i}] has a shape of {g.shape} and output[{i}] has "
                f"a shape of {y.shape}."
            )
    size = given[0].shape[0]
    rows = []
    for k in range(size):
        row = [None if g is None else g[k] for g in grads]
        last = k == size - 1
        rows.append(
            _core._backward(outputs, row, keep or not last, create_graph, inputs, accumulate=False, allow_unused=unused)
        )
    stack, zeros = _core.__functions__["stack"], _core.__functions__["zeros"]
    if not rows:
        return tuple([zeros((0, *x.shape)) for x in inputs])
    return tuple([None if column[0] is None else stack(column) for column in zip(*rows, strict=True)])
