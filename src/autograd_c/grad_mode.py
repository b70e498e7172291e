"""Grad modes: context managers that are also decorators, over the core's flags of the thread."""

from . import _core


class _Mode:
    """Base: a context manager that decorates functions, generator functions and classes' methods too."""

    def __call__(self, function):
        return _decorated(function, self.clone)

    def clone(self):
        """A fresh manager of the same kind, for one call of a decorated function."""
        return type(self)()


def _decorated(function, make):
    """`function` run inside a manager from make(); a generator, between its yields, too."""
    from functools import wraps
    from inspect import isgeneratorfunction

    if isgeneratorfunction(function):

        @wraps(function)
        def generator(*args, **kwargs):
            inner = function(*args, **kwargs)
            try:
                with make():
                    value = next(inner)
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        with make():
                            inner.close()
                        raise
                    except BaseException as error:
                        with make():
                            value = inner.throw(error)
                    else:
                        with make():
                            value = inner.send(sent)
            except StopIteration as stop:
                return stop.value

        return generator

    @wraps(function)
    def call(*args, **kwargs):
        with make():
            return function(*args, **kwargs)

    return call


class no_grad(_Mode):
    """Context manager and decorator: operations in this thread are not recorded.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor(2., requires_grad=True)
    >>> with torch.no_grad():
    ...     (x * x).requires_grad
    False
    """

    def __new__(cls, function=None):
        self = object.__new__(cls)
        return self if function is None else _decorated(function, cls)

    def __enter__(self):
        self.before = _core._set_grad_enabled(False)

    def __exit__(self, *exception):
        _core._set_grad_enabled(self.before)


class enable_grad(_Mode):
    """Context manager and decorator: operations in this thread are recorded, inside `no_grad` too."""

    def __new__(cls, function=None):
        self = object.__new__(cls)
        return self if function is None else _decorated(function, cls)

    def __enter__(self):
        self.before = _core._set_grad_enabled(True)

    def __exit__(self, *exception):
        _core._set_grad_enabled(self.before)


class set_grad_enabled(_Mode):
    """Turn recording on or off: at once, and as a context manager until its end.

    Parameters
    ----------
    mode : bool

    Raises
    ------
    TypeError
        If `mode` is anything but True or False.
    """

    def __init__(self, mode):
        if not isinstance(mode, bool):
            from .errors import type_name

            raise TypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type_name(mode)}")
        self.mode = mode
        self.before = _core._set_grad_enabled(mode)

    def __call__(self, function):
        _core._set_grad_enabled(self.before)  # as a decorator it acts in the calls only
        return _decorated(function, self.clone)

    def __enter__(self):
        _core._set_grad_enabled(self.mode)

    def __exit__(self, *exception):
        _core._set_grad_enabled(self.before)

    def clone(self):
        return type(self)(self.mode)


class inference_mode(_Mode):
    """Context manager and decorator: nothing is recorded, and new tensors can never be saved for backward.

    Parameters
    ----------
    mode : bool
        False switches back to normal mode.
    """

    mode: bool

    def __new__(cls, mode=True):
        self = object.__new__(cls)
        if not isinstance(mode, bool):
            return _decorated(mode, cls)
        self.mode = mode
        return self

    def __enter__(self):
        self.before = _core._set_inference_mode(self.mode), _core._set_grad_enabled(not self.mode)

    def __exit__(self, *exception):
        inference, grad = self.before
        _core._set_inference_mode(inference)
        _core._set_grad_enabled(grad)

    def clone(self):
        return type(self)(self.mode)
