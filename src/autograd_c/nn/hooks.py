"""Hooks of modules: the handles that take them back, and a call with all of them.

A module without hooks never comes here.
"""

from collections import OrderedDict
from weakref import ref

from .. import _core
from ..autograd import Function

_Tensor = _core.Tensor


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook back; also a context manager.

    Parameters
    ----------
    hooks_dict : OrderedDict
        Where the hook is entered, under ``handle.id``; held weakly.
    extra_dict : OrderedDict or list of OrderedDict, optional
        Options of hooks, from which it is taken out as well.
    """

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=None):
        extra = [] if extra_dict is None else extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self._refs = tuple([ref(each) for each in (hooks_dict, *extra)])
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self):
        """Take the hook back; a second call does nothing."""
        for each in self._refs:
            hooks = each()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self):
        return self.id, [each() for each in self._refs]

    def __setstate__(self, state):
        self.id, found = state
        self._refs = tuple([ref(OrderedDict() if hooks is None else hooks) for hooks in found])
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


def register(hooks, hook, prepend=False, options=()):
    """Enter `hook` last or, with `prepend`, first; `options` are pairs of a dict and whether it is to have the hook."""
    handle = RemovableHandle(hooks, extra_dict=[option for option, _ in options])
    hooks[handle.id] = hook
    for option, value in options:
        if value:
            option[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class BoundHook:
    """A hook that gets its module first, without keeping it alive."""

    def __init__(self, hook, module):
        self.hook = hook
        self.module = ref(module)

    def __call__(self, *args, **kwargs):
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self):
        return self.hook, self.module()

    def __setstate__(self, state):
        self.hook, module = state
        if module is None:
            raise RuntimeError("You are trying to revive the hook of a dead Module!")
        self.module = ref(module)


# ------------------------------------------------------------------------------------ backward hooks


class BackwardHookFunction(Function):
    """The identity on some tensors; `on_backward` is called with their gradients and may replace them."""

    @staticmethod
    def forward(ctx, on_backward, materialize, *tensors):
        ctx.on_backward = on_backward
        ctx.set_materialize_grads(materialize)
        ctx.mark_non_differentiable(*[x for x in tensors if not x.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx, *gradients):
        return None, None, *ctx.on_backward(gradients)


class _BackwardHooks:
    """The full backward hooks of one call: identities around forward, which see the gradients pass."""

    def __init__(self, module, hooks, pre_hooks):
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs = None
        # Which of the arguments and results are tensors; none where nothing is recorded.
        self.inputs: list = []
        self.outputs: list = []
        self.input_count = self.output_count = 0

    def _around(self, values, on_backward, materialize):
        """The tensors among `values` through the identity, and where they are."""
        places = [i for i, value in enumerate(values) if isinstance(value, _Tensor)]
        if not (any(values[i].requires_grad for i in places) and _core.is_grad_enabled()):
            return values, []
        passed = BackwardHookFunction.apply(on_backward, materialize, *[values[i] for i in places])
        new = list(values)
        for i, x in zip(places, passed, strict=True):
            new[i] = x
        return tuple(new) if type(values) is tuple else type(values)(*new), places

    def on_inputs(self, args):
        self.input_count = len(args)
        args, self.inputs = self._around(args, self._inputs_arrived, True)
        return args

    def on_output(self, result):
        values = result if isinstance(result, tuple) else (result,)
        self.output_count = len(values)
        values, self.outputs = self._around(values, self._outputs_arrived, False)
        return values if isinstance(result, tuple) else values[0]

    def _outputs_arrived(self, gradients):
        given = _spread(gradients, self.outputs, self.output_count)
        for hook in self.pre_hooks:
            new = hook(self.module, given)
            if new is not None:
                if len(new) != len(given):
                    raise RuntimeError(
                        f"Backward pre hook returned an invalid number of grad_output, got {len(new)}, but expected "
                        f"{len(given)}"
                    )
                given = new
        if not self.inputs:
            self._without_inputs(given)
        else:
            self.grad_outputs = given
        return tuple([given[i] for i in self.outputs])

    def _without_inputs(self, given):
        import warnings

        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=6,
        )
        for hook in self.hooks:
            new = hook(self.module, (None,) * self.input_count, given)
            if new is not None and not (isinstance(new, tuple) and all(g is None for g in new)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )

    def _inputs_arrived(self, gradients):
        if self.grad_outputs is None:  # the outputs were not reached
            return gradients
        found = _spread(gradients, self.inputs, self.input_count)
        for hook in self.hooks:
            new = hook(self.module, found, self.grad_outputs)
            if new is not None:
                if len(new) != len(found):
                    raise RuntimeError(
                        f"Backward hook returned an invalid number of grad_input, got {len(new)}, but expected "
                        f"{len(found)}"
                    )
                found = new
        self.grad_outputs = None
        return tuple([found[i] for i in self.inputs])


def _spread(values, places, count):
    """A tuple of `count`, with the values at their places and None elsewhere."""
    spread = [None] * count
    for i, value in zip(places, values, strict=True):
        spread[i] = value
    return tuple(spread)


# --------------------------------------------------------------------------------------- forward hooks


def call(module, args, kwargs):
    """``module.forward(*args, **kwargs)`` with the module's hooks around it."""
    hooks, result, called = module._forward_hooks, None, set()
    try:
        for key, hook in list(module._forward_pre_hooks.items()):
            args, kwargs = _before(module, hook, args, kwargs, key in module._forward_pre_hooks_with_kwargs)
        backward = None
        if module._backward_hooks or module._backward_pre_hooks:
            pre_hooks = list(module._backward_pre_hooks.values())
            backward = _BackwardHooks(module, list(module._backward_hooks.values()), pre_hooks)
            args = backward.on_inputs(args)
        result = module.forward(*args, **kwargs)
        for key, hook in list(hooks.items()):
            called.add(key)
            new = _after(module, key, hook, args, kwargs, result)
            result = result if new is None else new
        if backward is None:
            return result
        if not isinstance(result, (_Tensor, tuple)):
            _warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}"
            )
        return backward.on_output(result)
    except Exception:
        for key, hook in list(hooks.items()):
            if key in module._forward_hooks_always_called and key not in called:
                try:
                    new = _after(module, key, hook, args, kwargs, result)
                    result = result if new is None else new
                except Exception as error:
                    _warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}"
                    )
        raise


def _before(module, hook, args, kwargs, with_kwargs):
    if with_kwargs:
        new = hook(module, args, kwargs)
        if new is None:
            return args, kwargs
        if not (isinstance(new, tuple) and len(new) == 2):
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {new}."
            )
        return new
    new = hook(module, args)
    if new is None:
        return args, kwargs
    return new if isinstance(new, tuple) else (new,), kwargs


def _after(module, key, hook, args, kwargs, result):
    if key in module._forward_hooks_with_kwargs:
        return hook(module, args, kwargs, result)
    return hook(module, args, result)


def _warn(text):
    import warnings

    warnings.warn(text, stacklevel=4)
