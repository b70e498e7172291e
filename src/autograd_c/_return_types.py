"""Named tuples that operations with several results return."""

from collections import namedtuple


def _repr(self):
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _make(base):
    members = {
        "__slots__": (),
        "__new__": lambda cls, values: base.__new__(cls, *values),  # PyTorch's take one tuple
        "__repr__": _repr,  # and print over several lines
        "__reduce__": lambda self: (type(self), (tuple(self),)),
    }
    return type(base.__name__, (base,), members)


max = _make(namedtuple("max", ["values", "indices"]))
min = _make(namedtuple("min", ["values", "indices"]))
