"""What loads at its first use: submodules, and names of submodules that are slow to import.

A `__getattr__` of the package would do as well, but the interpreter caches no look-up in a module that has one: each
`torch.sin` would take 25 ns longer, a quarter of the operation.
"""

import sys
from _thread import get_ident

_Module: type = type(sys)
_late: dict = {}  # by its full name, the module that a submodule is to be loaded into
_loading: dict = {}  # by such a module, the thread that is executing it


class _Lazy(_Module):
    """A submodule that its package has and nobody has imported yet; importing it makes it a plain module.

    It is not in `sys.modules`: the importer would take what it finds there for loaded, ask that for its `__path__`, and
    execute again the submodule of it that this had loaded.
    """

    def __getattr__(self, name):
        if _loading.get(self) != get_ident():
            from importlib import import_module

            import_module(self.__name__)  # waits where another thread is at it
        return _Module.__getattribute__(self, name)  # type: ignore[call-arg]

    def __dir__(self):
        self.__getattr__("__file__")
        return dir(self)


class _Finder:
    """What the importer asks first: the file of a late submodule, to be executed in the module that there is."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        module = _late.get(name)
        if module is None:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def create_module(spec):
            _loading[module] = get_ident()
            return module

        def exec_module(module):
            try:
                execute(module)
                module.__class__ = _Module
            finally:
                _loading.pop(module, None)  # a reload created nothing

        spec.loader.create_module, spec.loader.exec_module = create_module, exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Finder)


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
        module = _late[f"{package}.{name}"] = _Lazy(f"{package}.{name}")
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
