"""copy and pickle of tensors.

A tensor reduces to its storage and the place that it takes in it, so that pickle's and deepcopy's own memory of what
they met keeps aliases, and copy.copy, which passes the storage on as it is, shares memory.  A pickle holds numbers and
names only; `rebuild_tensor` checks them against the storage, so that no pickle makes a tensor that reaches out of it.
"""

import copyreg
from copy import deepcopy

from . import _core

_Storage = type(_core.__functions__["empty"](0).untyped_storage())
_KINDS = {"torch.float64": "f", "torch.int64": "i", "torch.bool": "b"}


def rebuild_storage(elements):
    """A storage that holds `elements`, a bytes object."""
    storage = _core.__functions__["empty"](len(elements), dtype=bool).untyped_storage()
    memoryview(storage)[:] = elements
    return storage


copyreg.pickle(_Storage, lambda storage: (rebuild_storage, (bytes(memoryview(storage)),)))


def rebuild_tensor(cls, storage, offset, sizes, strides, dtype, requires_grad):
    """The tensor of `reduce_tensor`."""
    if not (issubclass(cls, _core.Tensor) and isinstance(storage, _Storage) and isinstance(dtype, _core.dtype)):
        raise TypeError("not the parts of a tensor")
    count = storage.nbytes() // dtype.itemsize
    whole = _core._from_memory(
        storage,
        storage.data_ptr(),
        storage.nbytes(),
        (count,),
        (1,),
        _KINDS[str(dtype)],
        memoryview(storage).readonly,
    )
    x = whole.as_strided(sizes, strides, offset).detach()  # raises where this is not inside the storage
    if cls is not _core.Tensor:
        x = _core.Tensor.__new__(cls, x)
    return x.requires_grad_() if requires_grad else x


def _parts(x):
    return type(x), x.untyped_storage(), x.storage_offset(), tuple(x.shape), x.stride(), x.dtype, x.requires_grad


def _attributes(x):
    """What users set on a tensor, by name."""
    if hasattr(x, "__dict__"):
        return dict(vars(x))
    known = set(dir(type(x)))
    return {name: getattr(x, name) for name in dir(x) if name not in known}


def reduce_tensor(x):
    """What pickle and copy.copy go by: a leaf, whatever `x` is, without gradient and hooks."""
    # As a pair, the state is set with setattr.
    return rebuild_tensor, _parts(x), (None, _attributes(x))


def deepcopy_tensor(x, memo):
    """A copy of a leaf with memory, gradient and attributes of its own."""
    if not x.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
            "Use detach() first, or copy.copy() for a leaf with the same values."
        )
    if id(x) in memo:
        return memo[id(x)]
    cls, storage, *place = _parts(x)
    new = memo[id(x)] = rebuild_tensor(cls, deepcopy(storage, memo), *place)
    if x.grad is not None:
        new.grad = deepcopy(x.grad, memo)
    for name, value in _attributes(x).items():
        setattr(new, name, deepcopy(value, memo))
    return new
