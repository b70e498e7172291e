"""state_dict and load_state_dict of modules."""

from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from .. import _core
from ..grad_mode import no_grad
from .parameter import Parameter

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found no use for, or nothing for."""

    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


def _defines(module, name):
    """Whether the class of a module overrides a method of Module."""
    from .module import Module

    return getattr(type(module), name) is not getattr(Module, name)


# ---------------------------------------------------------------------------------------------- saving


def save(module, destination, prefix, keep_vars):
    """`Module.state_dict`."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = metadata
    for hook in module._state_dict_pre_hooks.values():
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in module._state_dict_hooks.values():
        new = hook(module, destination, prefix, metadata)
        if new is not None:
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = new
    return destination


def save_own(module, destination, prefix, keep_vars):
    """`Module._save_to_state_dict`."""
    for name, x in own_state(module):
        destination[prefix + name] = x if keep_vars else x.detach()
    if _defines(module, "get_extra_state"):
        destination[prefix + _EXTRA_STATE] = module.get_extra_state()


def own_state(module):
    """Names and tensors of a module that a state_dict holds."""
    transient = module._non_persistent_buffers_set
    members = [
        *module._parameters.items(),
        *[(name, buffer) for name, buffer in module._buffers.items() if name not in transient],
    ]
    return [(name, x) for name, x in members if x is not None]


# --------------------------------------------------------------------------------------------- loading


def load(module, state_dict, strict, assign):
    """`Module.load_state_dict`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    metadata = getattr(state_dict, "_metadata", None)
    state_dict = OrderedDict(state_dict)  # a hook may change it
    if metadata is not None:
        state_dict._metadata = metadata
    _load_all(module, state_dict, "", metadata or {}, assign, (missing, unexpected, errors))
    if strict and missing:
        _report(errors, "Missing", missing, 0)
    if strict and unexpected:
        _report(errors, "Unexpected", unexpected, 1 if missing else 0)
    if errors:
        text = "\n\t".join(errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{text}")
    return _IncompatibleKeys(missing, unexpected)


def _report(errors, what, keys, place):
    quoted = ", ".join([f'"{key}"' for key in keys])
    errors.insert(place, f"{what} key(s) in state_dict: {quoted}. ")


def _load_all(module, state_dict, prefix, metadata, assign, lists):
    """Load into a module and all inside; `lists` are those of missing names, unexpected names and errors."""
    local = metadata.get(prefix[:-1], {})
    if assign:
        local["assign_to_params_buffers"] = assign
    module._load_from_state_dict(state_dict, prefix, local, True, *lists)
    for name, child in module._modules.items():
        if child is not None:
            inner = f"{prefix}{name}."
            part = {key: value for key, value in state_dict.items() if key.startswith(inner)}
            _load_all(child, part, inner, metadata, assign, lists)
    keys = _IncompatibleKeys(lists[0], lists[1])
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, "
                "if incompatible_keys need to be modified, it should be done inplace."
            )


def load_own(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
    """`Module._load_from_state_dict`, without its hooks."""
    assign = local_metadata.get("assign_to_params_buffers", False)
    own = dict(own_state(module))
    for name, x in own.items():
        key = prefix + name
        if key in state_dict:
            error = _load_one(module, name, x, key, state_dict[key], assign)
            if error:
                error_msgs.append(error)
        elif strict:
            missing_keys.append(key)
    extra = prefix + _EXTRA_STATE
    if _defines(module, "set_extra_state"):
        if extra in state_dict:
            module.set_extra_state(state_dict[extra])
        elif strict:
            missing_keys.append(extra)
    elif strict and extra in state_dict:
        unexpected_keys.append(extra)
    if strict:
        for key in state_dict:
            if key.startswith(prefix) and key != extra:
                name, *inner = key[len(prefix) :].split(".", 1)
                if name not in (module._modules if inner else own):
                    unexpected_keys.append(key)


def _load_one(module, name, x, key, new, assign):
    """Load one tensor; what is wrong with it, or None."""
    if not isinstance(new, _core.Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(new)}"
        )
    if x.dim() == 0 and tuple(new.shape) == (1,):  # as 0-d tensors were saved before they were known
        new = new[0]
    if new.shape != x.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {new.shape} from checkpoint, the shape in current "
            f"model is {x.shape}."
        )
    try:
        with no_grad():
            if assign:
                if isinstance(x, Parameter):
                    parameter = isinstance(new, Parameter)
                    new = new.requires_grad_(x.requires_grad) if parameter else Parameter(new, x.requires_grad)
                setattr(module, name, new)
            else:
                x.copy_(new)
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {x.size()} and whose '
            f"dimensions in the checkpoint are {new.size()}, an exception occurred : {error.args}."
        )
    return None
