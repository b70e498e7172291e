"""Module: what has parameters, buffers and other modules, found by walking its attributes.

PyTorch's own bookkeeping, under its names: users' classes override and call the methods that begin with an underscore
as well (`_load_from_state_dict`, `_apply`). Saving and loading is in state.py, what hooks do in a call in hooks.py.
"""

from collections import OrderedDict

from .. import _core
from ..errors import qualified_name
from ..grad_mode import no_grad
from . import hooks, state
from .parameter import Buffer, Parameter, zero_gradients

_Tensor = _core.Tensor


def _unimplemented(self, *input):
    """Compute the result; a class derived from Module defines it."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


def indented(text, count=2):
    """`text` with all its lines but the first moved right, empty ones left empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *[" " * count + line if line.strip() else "" for line in rest]])


class Module:
    """Base of all layers, losses and models.

    A derived class calls ``super().__init__()``, sets parameters and other modules as attributes, which registers
    them, and defines `forward`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> class Scale(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = torch.nn.Parameter(torch.tensor(2.))
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> model = Scale()
    >>> model(torch.tensor(3.))
    tensor(6., grad_fn=<MulBackward0>)
    >>> [name for name, _ in model.named_parameters()]
    ['factor']
    """

    dump_patches = False
    call_super_init = False
    _version = 1

    def __init__(self, *args, **kwargs):
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _backward_pre_hooks=OrderedDict(),
            _backward_hooks=OrderedDict(),
            _forward_hooks=OrderedDict(),
            _forward_hooks_with_kwargs=OrderedDict(),
            _forward_hooks_always_called=OrderedDict(),
            _forward_pre_hooks=OrderedDict(),
            _forward_pre_hooks_with_kwargs=OrderedDict(),
            _state_dict_hooks=OrderedDict(),
            _state_dict_pre_hooks=OrderedDict(),
            _load_state_dict_pre_hooks=OrderedDict(),
            _load_state_dict_post_hooks=OrderedDict(),
            _modules={},
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward = _unimplemented

    def __call__(self, *args, **kwargs):
        if self._backward_hooks or self._backward_pre_hooks or self._forward_hooks or self._forward_pre_hooks:
            return hooks.call(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # ------------------------------------------------------------------ registration

    def _check_name(self, kind, name, registered):
        """Raise if `name` cannot become that of a parameter or buffer; `registered` has those there are."""
        if registered not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {qualified_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[registered]:
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(self, name, tensor, persistent=True):
        """Register a tensor that belongs to the module and is no parameter; None for one that is not there.

        Parameters
        ----------
        name : str
        tensor : Tensor or None
        persistent : bool
            Whether it is part of the `state_dict`.
        """
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, _Tensor):
            raise TypeError(
                f"cannot assign '{qualified_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_parameter(self, name, param):
        """Register a parameter; None for one that is not there."""
        self._check_name("parameter", name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{qualified_name(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def add_module(self, name, module):
        """Register a module; None for one that is not there."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{qualified_name(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {qualified_name(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = module

    def register_module(self, name, module):
        """Register a module, as `add_module` does."""
        self.add_module(name, module)

    def __getattr__(self, name):
        # Reached when the name is not an ordinary attribute.
        for kind in ("_parameters", "_buffers", "_modules"):
            registered = self.__dict__.get(kind)
            if registered is not None and name in registered:
                return registered[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _forget(self, name, *places):
        """Take `name` out of these dicts and sets."""
        for place in places:
            if name in place:
                place.pop(name) if isinstance(place, dict) else place.discard(name)

    def __setattr__(self, name, value):
        own = self.__dict__
        parameters, modules, buffers = own.get("_parameters"), own.get("_modules"), own.get("_buffers")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, own, buffers, modules, self._non_persistent_buffers_set)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{qualified_name(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, own, parameters, buffers, self._non_persistent_buffers_set)
            modules[name] = value
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{qualified_name(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            modules[name] = value
        elif isinstance(value, Buffer) or (buffers is not None and name in buffers):
            if value is not None and not isinstance(value, _Tensor):
                raise TypeError(
                    f"cannot assign '{qualified_name(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
            # An overriding method may know of no `persistent`.
            self.register_buffer(name, value, **({} if persistent else {"persistent": False}))
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name):
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            object.__delattr__(self, name)

    def __dir__(self):
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted([name for name in names if not name[0].isdigit()])

    def __getstate__(self):
        return self.__dict__.copy()

    def __setstate__(self, state):
        self.__dict__.update(state)

    # ------------------------------------------------------------------ by path

    def get_submodule(self, target):
        """The module at a path such as ``"layers.0"``; itself for an empty one."""
        module = self
        for name in target.split(".") if target else ():
            module = module._member(name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Set the module at a path; with `strict` there must be one."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if (strict or hasattr(parent, name)) and not isinstance(parent._member(name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at a path such as ``"layers.0.weight"``."""
        path, _, name = target.rpartition(".")
        found = self.get_submodule(path)._member(name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target):
        """The buffer at a path such as ``"layers.0.mean"``."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = module._member(name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    def _member(self, name):
        if not hasattr(self, name):
            raise AttributeError(f"{self._get_name()} has no attribute `{name}`")
        return getattr(self, name)

    # ------------------------------------------------------------------ iterators

    def _named_members(self, get_members_fn, prefix="", recurse=True, remove_duplicate=True):
        """Names and members of the module and, with `recurse`, of those in it."""
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Iterate over names and parameters.

        Parameters
        ----------
        prefix : str
            What all names begin with, before a point.
        recurse : bool
            Also those of the modules in this one.
        remove_duplicate : bool
            A parameter that has several names only under the first.
        """
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """Iterate over the parameters, each once; see `named_parameters`."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Iterate over names and buffers; see `named_parameters`."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """Iterate over the buffers, each once; see `named_parameters`."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_children(self):
        """Iterate over names and modules that are attributes of this one, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """Iterate over the modules that are attributes of this one, each once."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Iterate over names and modules: this one and all inside, each once unless `remove_duplicate` is False."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """Iterate over this module and all inside; see `named_modules`."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    # ------------------------------------------------------------------ changing all

    def apply(self, fn):
        """Call `fn` with each module, the inner ones first; the module itself is returned.

        Examples
        --------
        >>> import autograd_c as torch
        >>> names = []
        >>> model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Tanh())
        >>> _ = model.apply(lambda module: names.append(type(module).__name__))
        >>> names
        ['ReLU', 'Tanh', 'Sequential']
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        """Set parameters, their gradients and buffers to what `fn` makes of them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                with no_grad():
                    _set_data(parameter, fn)
                    if parameter.grad is not None:
                        _set_data(parameter.grad, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Convert parameters and buffers of floating point, in place; takes what `Tensor.to` takes.

        There is one such dtype and one device, so this checks its arguments and changes no values.

        Raises
        ------
        TypeError
            For a dtype that is not of floating point.
        RuntimeError
            For a device that is not there.
        """
        dtype = _core.__functions__["empty"](0).to(*args, **kwargs).dtype  # Tensor.to's own reading of its arguments
        if not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        return self._to_floating("to", *args, **kwargs)

    def _to_floating(self, method, *args, **kwargs):
        return self._apply(lambda x: getattr(x, method)(*args, **kwargs) if x.is_floating_point() else x)

    def double(self):
        """Convert parameters and buffers of floating point to float64, which they are."""
        return self._to_floating("double")

    def float(self):
        """Convert to float64, which stands for float32."""
        return self._to_floating("float")

    def half(self):
        """Convert to float64, which stands for float16."""
        return self._to_floating("half")

    def cpu(self):
        """Move to the CPU, which is where everything is."""
        return self._apply(lambda x: x.cpu())

    def cuda(self, device=None):
        """Raise RuntimeError: there is no such device."""
        return self.to("cuda")

    def train(self, mode=True):
        """Set training mode, which some modules ask for, or, with False, evaluation mode."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Set evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Change whether operations on the parameters are recorded."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the parameters' gradients or, with `set_to_none` False, set them to zeros."""
        zero_gradients(self.parameters(), set_to_none)

    # ------------------------------------------------------------------ hooks

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call ``hook(module, args)`` before forward; what it returns, if not None, replaces the arguments.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Before those registered earlier.
        with_kwargs : bool
            Call ``hook(module, args, kwargs)``, which returns None or a pair.

        Returns
        -------
        RemovableHandle
        """
        options = [(self._forward_pre_hooks_with_kwargs, with_kwargs)]
        return hooks.register(self._forward_pre_hooks, hook, prepend, options)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call ``hook(module, args, output)`` after forward; what it returns, if not None, replaces the output.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Before those registered earlier.
        with_kwargs : bool
            Call ``hook(module, args, kwargs, output)``.
        always_call : bool
            Also when forward, or a hook before, raised.

        Returns
        -------
        RemovableHandle

        Examples
        --------
        >>> import autograd_c as torch
        >>> layer = torch.nn.ReLU()
        >>> with layer.register_forward_hook(lambda module, args, output: output + 1):
        ...     layer(torch.tensor(2.))
        tensor(3.)
        """
        options = [(self._forward_hooks_with_kwargs, with_kwargs), (self._forward_hooks_always_called, always_call)]
        return hooks.register(self._forward_hooks, hook, prepend, options)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call ``hook(module, grad_output)`` when the gradients of the outputs are there; it may return others."""
        return hooks.register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are there.

        Both are tuples, with None for what is not a tensor. The hook may return other gradients of the inputs. The
        module's inputs and outputs become views that must not be changed in place.
        """
        return hooks.register(self._backward_hooks, hook, prepend)

    def register_state_dict_pre_hook(self, hook):
        """Call ``hook(module, prefix, keep_vars)`` before `state_dict`."""
        return hooks.register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict`, which it may change."""
        hook._from_public_api = True
        return hooks.register(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook):
        """As `register_state_dict_post_hook`, and what the hook returns replaces the result."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return hooks.register(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Call ``hook(module, state_dict, prefix, ...)``, with the arguments of `_load_from_state_dict`, before it."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        bound = hooks.BoundHook(hook, self) if with_module else hook
        return hooks.register(self._load_state_dict_pre_hooks, bound)

    def register_load_state_dict_post_hook(self, hook):
        """Call ``hook(module, incompatible_keys)`` after `load_state_dict`; it may change the lists in place."""
        return hooks.register(self._load_state_dict_post_hooks, hook)

    # ------------------------------------------------------------------ saving and loading

    def get_extra_state(self):
        """What a derived class wants in the `state_dict` beside tensors."""
        raise RuntimeError("Module.get_extra_state(): a class that has extra state defines it")

    def set_extra_state(self, state):
        """Take what `get_extra_state` gave."""
        raise RuntimeError("Module.set_extra_state(): a class that has extra state defines it")

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """Parameters and persistent buffers, by name, sharing their memory.

        Parameters
        ----------
        destination : dict, optional
            Where they are entered; a new OrderedDict by default.
        prefix : str
            What all names begin with.
        keep_vars : bool
            The tensors themselves, not detached.

        Examples
        --------
        >>> import autograd_c as torch
        >>> layer = torch.nn.BCELoss(weight=torch.tensor([1., 2.]))
        >>> dict(layer.state_dict())
        {'weight': tensor([1., 2.])}
        """
        if args:
            import warnings

            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        return state.save(self, destination, prefix, keep_vars)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Enter what this module has, without those in it."""
        state.save_own(self, destination, prefix, keep_vars)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the values of a `state_dict` into parameters and buffers.

        Parameters
        ----------
        state_dict : dict
        strict : bool
            Raise unless the names are exactly those of this module's `state_dict`.
        assign : bool
            Take the tensors of `state_dict` over instead of copying their values.

        Returns
        -------
        IncompatibleKeys
            Named tuple of the lists `missing_keys` and `unexpected_keys`.

        Raises
        ------
        RuntimeError
            For sizes that differ, and with `strict` for names that do; what can be copied is.
        """
        return state.load(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Copy what belongs to this module, without those in it; names and errors go to the lists."""
        arguments = state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        for hook in self._load_state_dict_pre_hooks.values():
            hook(*arguments)
        state.load_own(self, *arguments)

    # ------------------------------------------------------------------ printing

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the parentheses of the printed form, for derived classes to define."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        lines = extra_lines + [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if len(lines) == 1 and extra_lines:
            return f"{self._get_name()}({lines[0]})"
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


def _set_data(x, fn):
    """Give x the values of ``fn(x)``, unless that is x itself."""
    new = fn(x)
    if new is not x:
        x.data = new
