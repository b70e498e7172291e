"""Custom functions: a forward and a backward of the user's own."""

from .. import _core


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

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward on the arguments, and record it; keywords take the places of their parameters."""
        if kwargs or (cls._has_setup_context() and getattr(cls.forward, "__defaults__", None)):
            args = cls._in_order(args, kwargs)
        return _core._call_function(cls, args)

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
            node = type(cls.__name__ + "Backward", (_core.FunctionNode,), {"_function": cls})
            cls._backward_cls = node
        return node

    @classmethod
    def _has_setup_context(cls):
        return cls.setup_context is not Function.setup_context

    @classmethod
    def _forward(cls, ctx, args):
        if not cls._has_setup_context():
            return cls.forward(ctx, *args)
        output = cls.forward(*args)
        cls.setup_context(ctx, args, output)
        return output

    @classmethod
    def _backward(cls, ctx, gradients):
        chosen = cls.backward
        if cls.vjp is not Function.vjp:
            if chosen is not Function.backward:
                raise RuntimeError(
                    "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                    "implement one of them."
                )
            chosen = cls.vjp
        return chosen(ctx, *gradients)
