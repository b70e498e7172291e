"""Custom functions: a forward and a backward of the user's own."""

from .. import _core
from ..grad_mode import no_grad

TYPE_CHECKING = False

FunctionCtx = _core.FunctionNode


class Function:
    """Base of functions whose derivative the user writes.

    A subclass defines static methods ``forward(ctx, *args)`` and ``backward(ctx, *gradients)`` - or
    ``forward(*args)`` with ``setup_context(ctx, inputs, output)`` - and is called as
    ``Subclass.apply(*args)``.

    Examples
    --------
    >>> import autograd_c as torch
    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return 2 * g
    >>> Double.apply(torch.tensor(3., requires_grad=True))
    tensor(6., grad_fn=<DoubleBackward>)
    """

    _backward_cls: type  # of a subclass: the class of its nodes

    # Whether PyTorch's vmap may derive its rule; kept for those who read it.
    generate_vmap_rule = False

    def __init__(self, *args, **kwargs):
        import warnings

        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    @staticmethod
    def forward(*args):
        """Compute the outputs; `ctx` comes first unless `setup_context` is defined."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep on `ctx` what backward needs, for a `forward` that takes none."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradients of the inputs, one (or None) for each argument of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    # PyTorch's other name for backward.
    vjp = backward

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """The tangents of the outputs from those of the inputs, for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info, in_dims, *args):
        """PyTorch's rule for a batch of arguments; kept for those who call it."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    if TYPE_CHECKING:

        @classmethod
        def apply(cls, *args, **kwargs):
            """Run forward on the arguments, and record it; keywords take the places of their parameters."""

    else:
        apply = classmethod(_core._apply)

    @classmethod
    def _in_order(cls, args, kwargs):
        """All arguments of forward by position, defaults filled in."""
        from inspect import signature

        context = () if cls._has_setup_context() else (None,)
        try:
            bound = signature(cls.forward).bind(*context, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}.forward() {error}") from None
        if bound.kwargs:
            raise TypeError(
                f"{cls.__name__}.forward(): keyword-only parameters have no gradient ({list(bound.kwargs)})"
            )
        bound.apply_defaults()
        return bound.args[len(context) :]

    @classmethod
    def _node_class(cls):
        node = cls.__dict__.get("_backward_cls")
        if node is None:
            node = type(cls.__name__ + "Backward", (_core.FunctionNode,), {"_function": cls, "__module__": __name__})
            cls._backward_cls = node
        return node

    @classmethod
    def _has_setup_context(cls):
        return cls.setup_context is not Function.setup_context


_core._set_function_base(Function.backward, Function.setup_context)


def once_differentiable(fn):
    """Decorator of a `backward` that is not itself differentiable, such as one that computes with numpy.

    It runs with recording off. Its results, where they would have a history, raise when they are differentiated.
    """
    from functools import wraps

    @wraps(fn)
    def backward(ctx, *gradients):
        with no_grad():
            results = fn(ctx, *gradients)
        if not _core.is_grad_enabled() or not any(_requires_grad(g) for g in gradients):
            return results
        several = results if isinstance(results, tuple) else (results,)
        delayed = tuple(r if r is None else _OnceDifferentiated.apply(r.detach().requires_grad_()) for r in several)
        return delayed if isinstance(results, tuple) else delayed[0]

    return backward


def _requires_grad(value):
    return isinstance(value, _core.Tensor) and value.requires_grad


class _OnceDifferentiated(Function):
    """The identity, with an error for a derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
