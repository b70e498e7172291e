"""Optimizer: groups of parameters, each with its options, and what is remembered of each parameter."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from copy import deepcopy
from functools import wraps

from .. import _core
from ..errors import qualified_name
from ..grad_mode import enable_grad
from ..nn.hooks import register
from ..nn.parameter import zero_gradients

_Tensor = _core.Tensor
_global_pre_hooks: OrderedDict = OrderedDict()
_global_post_hooks: OrderedDict = OrderedDict()


class _Required:
    """The default of an option that every group has to give."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()


def register_optimizer_step_pre_hook(hook):
    """Call ``hook(optimizer, args, kwargs)`` before a step of any optimizer; see `Optimizer.register_step_pre_hook`."""
    return register(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Call ``hook(optimizer, args, kwargs)`` after a step of any optimizer."""
    return register(_global_post_hooks, hook)


def _hooked(step):
    """A class's `step` with the hooks before and after it."""

    @wraps(step)
    def call(*args, **kwargs):
        self = args[0]
        for hook in (*_global_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
            new = hook(self, args, kwargs)
            if new is not None:
                if not (isinstance(new, tuple) and len(new) == 2):
                    raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {new}.")
                args, kwargs = new
        result = step(*args, **kwargs)
        for hook in (*self._optimizer_step_post_hooks.values(), *_global_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    call.hooked = True  # type: ignore[attr-defined]
    return call


class Optimizer:
    """Base of the optimizers; a derived class defines `step`.

    Parameters
    ----------
    params : iterable of Tensor, of pairs of a name and a Tensor, or of dicts
        A dict is a group: ``"params"``, and what is to differ from `defaults`.
    defaults : dict
        The options of groups that do not give them.

    Raises
    ------
    TypeError, ValueError
        For what is no tensor, no leaf, in two groups, or if there is nothing at all.
    """

    state: defaultdict
    param_groups: list[dict]
    _options_since: tuple[tuple[str, bool | None], ...] = ()  # with defaults: what an old pickle may lack
    _optimizer_step_pre_hooks: OrderedDict
    _optimizer_step_post_hooks: OrderedDict
    _optimizer_state_dict_pre_hooks: OrderedDict
    _optimizer_state_dict_post_hooks: OrderedDict
    _optimizer_load_state_dict_pre_hooks: OrderedDict
    _optimizer_load_state_dict_post_hooks: OrderedDict

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._prepare()
        if isinstance(params, _Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + qualified_name(params)
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _prepare(self):
        """What neither a pickle nor a derived class brings: the dicts of hooks, and a `step` that calls them."""
        for name in Optimizer.__annotations__:
            if name.endswith("_hooks"):
                self.__dict__.setdefault(name, OrderedDict())
        cls = type(self)
        if not getattr(cls.step, "hooked", False):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._prepare()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            for name, default in self._options_since:
                group.setdefault(name, default)

    def __repr__(self):
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join([f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"])
        return text + ")"

    # ------------------------------------------------------------------ steps

    def step(self, closure=None):
        """Change the parameters once; a derived class defines it.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients anew and returns the loss.

        Returns
        -------
        object
            What `closure` returned, or None.
        """
        raise NotImplementedError

    def _loss(self, closure):
        """What `closure` returns, recorded whatever the grad mode is."""
        if closure is None:
            return None
        with enable_grad():
            return closure()

    def _descents(self, group):
        """The parameters that have a gradient, each with what to go against: minus the gradient to maximize."""
        for p in group["params"]:
            if p.grad is not None:
                yield p, -p.grad if group["maximize"] else p.grad

    def zero_grad(self, set_to_none=True):
        """Forget the parameters' gradients or, with `set_to_none` False, set them to zeros."""
        zero_gradients([p for group in self.param_groups for p in group["params"]], set_to_none)

    # ------------------------------------------------------------------ groups

    def add_param_group(self, param_group):
        """Add parameters with options of their own.

        Parameters
        ----------
        param_group : dict
            ``"params"``, a tensor or an ordered iterable, and options.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, _Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if names:
            param_group["param_names"] = names
            params = [p[1] for p in params]
        param_group["params"] = params
        for p in params:
            self._check_parameter(p)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self._check_group(param_group)
        self.param_groups.append(param_group)

    def _check_parameter(self, p):
        if not isinstance(p, _Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {qualified_name(p)}")
        if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")

    def _check_group(self, new):
        """Raise if a group does not go with those that there are."""
        params = set(new["params"])
        if len(params) != len(new["params"]):
            import warnings

            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        for group in self.param_groups:
            if ("param_names" in new) != ("param_names" in group):
                how = "with names" if "param_names" in new else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{how} to the optimizer"
                )
        if any(not params.isdisjoint(group["params"]) for group in self.param_groups):
            raise ValueError("some parameters appear in more than one parameter group")

    # ------------------------------------------------------------------ saving and loading

    def state_dict(self):
        """Options and state, with numbers in the place of the parameters.

        Returns
        -------
        dict
            ``"state"``: what is remembered of each parameter, by its number; ``"param_groups"``: the groups. The
            tensors in it are the optimizer's own.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        start, groups = 0, []
        for group in self.param_groups:
            new = {id(p): i for i, p in enumerate(group["params"], start) if id(p) not in numbers}
            numbers.update(new)  # of a parameter that is there twice, the last number
            start += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            groups.append({**packed, "params": [numbers[id(p)] for p in group["params"]]})
        state = {numbers[id(key)] if isinstance(key, _Tensor) else key: value for key, value in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            new = hook(self, result)
            result = result if new is None else new
        return result

    def load_state_dict(self, state_dict):
        """Take the options and state of a `state_dict`, parameter by parameter in the order of the groups.

        Raises
        ------
        ValueError
            If it has other groups.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            new = hook(self, state_dict)
            state_dict = state_dict if new is None else new
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(group["params"]) != len(new["params"]) for group, new in zip(groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        parameters: dict = {}
        for group, new in zip(groups, saved, strict=True):
            parameters.update(zip(new["params"], group["params"], strict=True))
            new["params"] = group["params"]
            if "param_names" in group:
                new.setdefault("param_names", group["param_names"])
        state: defaultdict = defaultdict(dict)
        for key, value in state_dict["state"].items():
            state[parameters.get(key, key)] = _converted(parameters[key], value) if key in parameters else value
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # ------------------------------------------------------------------ hooks

    def register_step_pre_hook(self, hook):
        """Call ``hook(optimizer, args, kwargs)`` before `step`.

        It returns None, or the pair of arguments to take instead; the optimizer is the first of `args`.
        """
        return register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call ``hook(optimizer, args, kwargs)`` after `step`."""
        return register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call ``hook(optimizer)`` before `state_dict`."""
        return register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call ``hook(optimizer, state_dict)`` after `state_dict`; it may return another."""
        return register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call ``hook(optimizer, state_dict)`` before `load_state_dict`; it may return another."""
        return register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call ``hook(optimizer)`` after `load_state_dict`."""
        return register(self._optimizer_load_state_dict_post_hooks, hook, prepend)


def _converted(parameter, value, key=None):
    """A loaded value with the dtype of its parameter, in containers as well."""
    if isinstance(value, _Tensor):
        floating = key != "step" and parameter.is_floating_point()
        return value.to(parameter.dtype) if floating else value
    if isinstance(value, dict):
        return {name: _converted(parameter, part, name) for name, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return type(value)(_converted(parameter, part) for part in value)  # type: ignore[call-arg]
    return value


def as_scalar(x):
    """A tensor of one element as a 0-d tensor; the rest as it is."""
    return x.squeeze() if isinstance(x, _Tensor) and x.dim() != 0 else x


def plus_multiple(g, p, factor):
    """``g + factor * p``, for a factor that is a number or a tensor."""
    return g + p * factor if isinstance(factor, _Tensor) else g.add(p, alpha=factor)


def check_implementation(fused, foreach, differentiable):
    """Raise for options that exclude each other; all name the one implementation that there is."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
