"""Modules that hold modules or parameters, like lists and dicts."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from operator import index as as_index

from .. import _core
from ..errors import qualified_name
from .module import Module, indented
from .parameter import Parameter


def _require_iterable(values, where):
    if not isinstance(values, Iterable):
        raise TypeError(f"{where}, but got {type(values).__name__}")


def _pairs(values, where):
    """The pairs of an iterable of pairs."""
    for i, pair in enumerate(values):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{where} update sequence element #{i} should be Iterable; is{type(pair).__name__}")
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(f"{where} update sequence element #{i} has length {len(pair)}; 2 is required")
        yield pair


class _Numbered(Module):
    """Base of what holds modules under the names "0", "1" ..."""

    _modules: dict

    def __getitem__(self, idx):
        raise NotImplementedError

    def _name_at(self, index):
        """The name of the module at a place, counted from the end if negative."""
        index = as_index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def _number_anew(self):
        self._modules = dict(zip(map(str, range(len(self))), self._modules.values(), strict=True))

    def __setitem__(self, index, module):
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index):
        for name in list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]:
            delattr(self, name)
        self._number_anew()

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def append(self, module):
        """Add a module at the end; the container is returned."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key):
        """Remove and return the module at a place, or a container of those of a slice."""
        found = self[key]
        del self[key]
        return found

    def _insert(self, index, module):
        for i in range(len(self), index, -1):
            self._modules[str(i)] = self._modules[str(i - 1)]
        self._modules[str(index)] = module


class Sequential(_Numbered):
    """Modules applied one after the other.

    Parameters
    ----------
    *args : Module, or one OrderedDict
        The modules; the OrderedDict gives them names.

    Examples
    --------
    >>> import autograd_c as torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.ReLU())
    >>> model
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): ReLU()
    )
    >>> model(torch.tensor([[[1., -1.]]]))
    tensor([[1., 0.]])
    """

    def __init__(self, *args):
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], OrderedDict)
        for name, module in args[0].items() if named else enumerate(args):
            self.add_module(name if named else str(name), module)

    def forward(self, input):
        """The result of the last module."""
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return type(self)(OrderedDict(list(self._modules.items())[idx]))
        return self._modules[self._name_at(idx)]

    def __add__(self, other):
        self._require_sequential(other)
        return Sequential().extend(self).extend(other)

    def __iadd__(self, other):
        self._require_sequential(other)
        return self.extend(list(other))

    def _require_sequential(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")

    def _require_count(self, count):
        if not isinstance(count, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(count)}")
        if count <= 0:
            raise ValueError(f"Non-positive multiplication factor {count} for {type(self)}")

    def __mul__(self, other):
        self._require_count(other)
        return Sequential(*list(self) * other)

    def __rmul__(self, other):
        return self * other

    def __imul__(self, other):
        self._require_count(other)
        return self.extend(list(self) * (other - 1))

    def insert(self, index, module):
        """Add a module at a place; the container is returned."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        count = len(self)
        if not -count <= index <= count:
            raise IndexError(f"Index out of range: {index}")
        self._insert(index + count if index < 0 else index, module)
        return self

    def extend(self, sequential):
        """Add modules at the end; the container is returned."""
        for module in sequential:
            self.append(module)
        return self


class ModuleList(_Numbered):
    """A list of modules, which it registers.

    Parameters
    ----------
    modules : iterable of Module, optional

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.ReLU()])
    ModuleList(
      (0-1): 2 x ReLU()
    )
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return type(self)(list(self._modules.values())[idx])
        return self._modules[self._name_at(idx)]

    def __iadd__(self, modules):
        return self.extend(modules)

    def __add__(self, other):
        return ModuleList(self).extend(other)

    def insert(self, index, module):
        """Add a module at a place."""
        self._insert(index, module)

    def extend(self, modules):
        """Add modules at the end; the container is returned."""
        _require_iterable(modules, "ModuleList.extend should be called with an iterable")
        start = len(self)
        for i, module in enumerate(modules, start):
            self.add_module(str(i), module)
        return self

    def __repr__(self):
        """Equal ones in a row are counted."""
        blocks: list[list] = []  # first, last, text
        for i, module in enumerate(self):
            text = repr(module)
            if blocks and blocks[-1][2] == text:
                blocks[-1][1] = i
            else:
                blocks.append([i, i, text])
        lines = [
            indented(f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}")
            for first, last, text in blocks
        ]
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


class ModuleDict(Module):
    """A dict of modules, which it registers.

    Parameters
    ----------
    modules : mapping or iterable of pairs, optional

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.ModuleDict({"relu": torch.nn.ReLU()})
    ModuleDict(
      (relu): ReLU()
    )
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key):
        """Remove and return a module."""
        return self._modules.pop(key)

    def keys(self):
        """The names."""
        return self._modules.keys()

    def items(self):
        """Names and modules."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules):
        """Add the modules of a mapping or of pairs."""
        _require_iterable(modules, "ModuleDict.update should be called with an iterable of key/value pairs")
        mapping = isinstance(modules, (ModuleDict, Mapping))
        for key, module in modules.items() if mapping else _pairs(modules, "ModuleDict"):
            self[key] = module


def _as_parameter(value):
    return Parameter(value) if isinstance(value, _core.Tensor) and not isinstance(value, Parameter) else value


def _described(items, kind):
    """The lines that ParameterList and ParameterDict print; `kind` tells a tensor's type."""
    lines = []
    for key, value in items:
        text = f"Object of type: {type(value).__name__}"
        if isinstance(value, _core.Tensor):
            name = "Parameter" if isinstance(value, Parameter) else "Tensor"
            text = f"{name} containing: [{kind(value)} of size {'x'.join(map(str, value.shape))}]"
        lines.append(f"  ({key}): {text}")
    return "\n".join(lines)


class ParameterList(Module):
    """A list of parameters, which it registers; tensors become parameters, the rest stays what it is.

    Parameters
    ----------
    values : iterable, optional

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.ParameterList([torch.zeros(2, 3)])
    ParameterList(  (0): Parameter containing: [torch.float64 of size 2x3])
    """

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name_at(self, index):
        index = as_index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return str(index + len(self) if index < 0 else index)

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return type(self)([self[i] for i in range(*idx.indices(len(self)))])
        return getattr(self, self._name_at(idx))

    def __setitem__(self, idx, param):
        setattr(self, self._name_at(idx), _as_parameter(param))

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter([self[i] for i in range(len(self))])

    def __iadd__(self, parameters):
        return self.extend(parameters)

    def append(self, value):
        """Add a value at the end; the list is returned."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values):
        """Add values at the end; the list is returned."""
        if not isinstance(values, Iterable) or isinstance(values, _core.Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    def extra_repr(self):
        """The parameters, one in a line."""
        return _described(enumerate(self), lambda x: x.dtype)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dict of parameters, which it registers; tensors become parameters, the rest stays what it is.

    Parameters
    ----------
    parameters : mapping or iterable of pairs, optional

    Examples
    --------
    >>> import autograd_c as torch
    >>> values = torch.nn.ParameterDict({"scale": torch.ones(2)})
    >>> values["scale"]
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def _attribute(self, key):
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                f"'{type(key).__name__}'). Open an issue on github if you need non-string keys."
            )
        return key

    def __getitem__(self, key):
        return getattr(self, self._attribute(key))

    def __setitem__(self, key, value):
        self._keys[key] = None
        setattr(self, self._attribute(key), _as_parameter(value))

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, self._attribute(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(self._keys)

    def __contains__(self, key):
        return key in self._keys

    def copy(self):
        """A dict of its own, of the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key, default=None):
        """The value of a key, which becomes `default` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self):
        """Remove all."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key):
        """Remove and return a value."""
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Remove and return the last key and its value."""
        key = next(reversed(self._keys), None)
        if key is None:
            raise KeyError("popitem(): dictionary is empty")
        return key, self.pop(key)

    def get(self, key, default=None):
        """The value of a key, or `default`."""
        return getattr(self, key) if key in self else default

    def fromkeys(self, keys, default=None):
        """A new dict with `default` under each of the keys."""
        return ParameterDict([(key, default) for key in keys])

    def keys(self):
        """The keys."""
        return self._keys.keys()

    def items(self):
        """Keys and values."""
        return ((key, self[key]) for key in self._keys)

    def values(self):
        """The values."""
        return (self[key] for key in self._keys)

    def update(self, parameters):
        """Add the values of a mapping, sorted by key unless it is an OrderedDict, or of pairs."""
        _require_iterable(parameters, "ParametersDict.update should be called with an iterable of key/value pairs")
        if isinstance(parameters, (OrderedDict, ParameterDict)):
            pairs = parameters.items()
        elif isinstance(parameters, Mapping):
            pairs = sorted(parameters.items())
        else:
            pairs = _pairs(parameters, "ParameterDict")
        for key, value in pairs:
            self[key] = value

    def extra_repr(self):
        """The parameters, one in a line."""
        return _described(self.items(), qualified_name)

    def __call__(self, input):
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other):
        copy = self.copy()
        copy.update(other)
        return copy

    def __ror__(self, other):
        copy = other.copy()
        copy.update(self)
        return copy

    def __ior__(self, other):
        self.update(other)
        return self
