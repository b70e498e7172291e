"""What loads at its first use: submodules, and names of submodules that are slow to import.

A `__getattr__` of the package would do as well, but the interpreter caches no look-up in a module that has one: each
`torch.sin` would take 25 ns longer, a quarter of the operation.
"""

import sys
from _thread import RLock

_Module: type = type(sys)
_lock = RLock()  # one for all: loading is rare
_loading: set = set()


class _Lazy(_Module):
    """A submodule in `sys.modules` and in its package that is not loaded yet; loading makes it a plain module."""

    def __getattr__(self, name):
        with _lock:
            if self in _loading:  # it asks for a name of its own that it has not got to
                raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' (yet: it is being imported)")
            if type(self) is _Lazy:  # no other thread was faster
                _load(self)
        return getattr(self, name)

    def __dir__(self):
        self.__getattr__("__file__")
        return dir(self)


def _load(module):
    from importlib.machinery import PathFinder

    package, _, _ = module.__name__.rpartition(".")
    spec = PathFinder.find_spec(module.__name__, sys.modules[package].__path__)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named '{module.__name__}'", name=module.__name__)
    before = dict(vars(module))
    _loading.add(module)
    try:
        module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
        module.__package__ = package
        if spec.submodule_search_locations is not None:
            module.__path__, module.__package__ = spec.submodule_search_locations, module.__name__
        spec.loader.exec_module(module)
        module.__class__ = _Module
    except BaseException:
        vars(module).clear()
        vars(module).update(before)
        raise
    finally:
        _loading.discard(module)


def submodules(package, names):
    """Make submodules of a package that load at their first use.

    Parameters
    ----------
    package : str
        The full name of the package, which is being imported.
    names : iterable of str
        The names of the submodules in it.
    """
    for name in names:
        module = _Lazy(f"{package}.{name}")
        sys.modules[module.__name__] = module
        setattr(sys.modules[package], name, module)


class Late:
    """A function, class or object of a submodule; its first use loads that, and enters the thing itself in the package.

    Until then, and for those who took it with `from ... import`, it does all that is asked of it by asking the thing.

    Parameters
    ----------
    package : str
        The full name of the package.
    module : str
        The name of the submodule in it.
    name : str
        The name that the thing has in both.
    """

    def __init__(self, package, module, name):
        vars(self)["_place"] = package, module, name

    def _thing(self):
        from importlib import import_module

        package, module, name = vars(self)["_place"]
        namespace, loaded = vars(sys.modules[package]), import_module(f"{package}.{module}")
        for other, value in list(namespace.items()):
            if type(value) is Late and vars(value)["_place"][1] == module:
                namespace[other] = getattr(loaded, other)
        return getattr(loaded, name)

    def __call__(self, *args, **kwargs):
        return self._thing()(*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self._thing(), name)

    def __instancecheck__(self, x):
        return isinstance(x, self._thing())

    def __repr__(self):
        return repr(self._thing())

    @property  # type: ignore[misc]
    def __class__(self):
        return type(self._thing())

    @property
    def __doc__(self):  # type: ignore[override]
        return self._thing().__doc__
