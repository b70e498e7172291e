"""numpy and buffers: memory shared both ways.  Imports numpy, so only what needs it imports this."""

import warnings

import numpy as np

from . import PrecisionWarning, _core
from .errors import type_name

# What can be shared as it is, by numpy's kind and item size.
_SHARED = {("f", 8): "f", ("i", 8): "i", ("b", 1): "b"}
_DTYPES = {"torch.float64": np.float64, "torch.int64": np.int64, "torch.bool": np.bool_}


def shared_array(x):
    """The numpy array on a tensor's memory; it keeps the storage alive."""
    storage = x.untyped_storage()
    strides = tuple(s * x.itemsize for s in x.stride())
    array = np.ndarray(
        tuple(x.shape),
        _DTYPES[str(x.dtype)],
        buffer=storage if len(storage) else None,
        offset=x.storage_offset() * x.itemsize if x.numel() else 0,
        strides=strides if x.numel() else None,
    )
    return array


def as_array(x, dtype=None, copy=None):
    """`np.asarray(tensor)`; see numpy's `__array__` protocol."""
    array = x.numpy()
    if dtype is None or array.dtype == dtype:
        return array.copy() if copy else array
    if copy is False:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    return array.astype(dtype)


def _why_not_converted(array):
    """The error for an array whose elements are no real numbers."""
    if array.dtype.kind == "c":
        return TypeError("complex arrays are not supported: autograd_c computes in float64")
    return TypeError(
        f"can't convert np.ndarray of type {type_name(array.dtype.type)}. The only supported types are: float64, "
        "float32, float16, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
    )


def _has_other_dtype(array):
    """Whether an array's elements are numbers of a dtype that another one stands for here."""
    return (
        isinstance(array, np.ndarray)
        and array.dtype.kind in "fiu"
        and array.dtype.itemsize <= 8
        and (array.dtype.kind, array.dtype.itemsize) not in _SHARED
    )


def _why_not_shared(array):
    """The reason why a tensor cannot lie on an array's memory, or None; the dtype is left aside where it converts."""
    if not isinstance(array, np.ndarray):
        return TypeError(f"expected np.ndarray (got {type_name(array)})")
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        return _why_not_converted(array)
    if not array.dtype.isnative:
        return ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders "
            "is currently not supported."
        )
    if any(s < 0 for s in array.strides):
        return ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array with array.copy().)"
        )
    if any(s % array.itemsize for s in array.strides) or not array.flags.aligned:
        return ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate "
            "the memory."
        )
    return None


def _on_memory(array):
    step = array.itemsize
    return _core._from_memory(
        array,
        array.__array_interface__["data"][0],
        _extent(array),
        array.shape,
        tuple(s // step for s in array.strides),
        array.dtype.kind,
        not array.flags.writeable,
    )


def _extent(array):
    """Bytes from the first element to the end of the last."""
    if array.size == 0:
        return 0
    return sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)) + array.itemsize


def share_array(array):
    """`from_numpy`: a tensor on the array's memory."""
    reason = _why_not_shared(array)
    if reason is not None:
        raise reason
    if _has_other_dtype(array):
        wide = "float64" if array.dtype.kind == "f" else "int64"
        warnings.warn(
            f"autograd_c computes in float64 and int64: from_numpy makes a {wide} copy of an array of "
            f"{array.dtype.name}, and shares no memory with it",
            PrecisionWarning,
            stacklevel=2,
        )
        return from_array(array)
    return _on_memory(array)


def share_or_copy(array):
    """`as_tensor`: share the memory if that is possible and it may be written to, else copy."""
    if _why_not_shared(array) is None and not _has_other_dtype(array) and array.flags.writeable:
        return _on_memory(array)
    return from_array(array)


def share_or_convert(array, copy):
    """`asarray`: as `share_or_copy`, but what must not be copied (`copy` is False) raises."""
    if copy is False:
        reason = _why_not_shared(array)
        if reason is not None:
            raise reason
        if _has_other_dtype(array) or not array.flags.writeable:
            raise ValueError(f"can't alias a np.ndarray of dtype {array.dtype.name}, or one that is read-only")
    return share_or_copy(array)


def from_array(data):
    """A new tensor with the elements of an array of any numeric dtype."""
    array = np.asarray(data)
    kind = array.dtype.kind
    if kind not in "fiub":
        raise _why_not_converted(array)
    wide = {"f": np.float64, "b": np.bool_}.get(kind, np.int64)
    if kind == "u" and array.dtype.itemsize == 8 and array.size and array.max() > np.iinfo(np.int64).max:
        raise OverflowError("an element does not fit int64")
    # A copy in the array's own order of dimensions, which the tensor then owns.
    return _on_memory(np.array(array, dtype=wide, copy=True, order="C")).clone()


def share_buffer(buffer, dtype, count, offset):
    """`frombuffer`: a 1-d tensor on the buffer's memory; read-only memory is copied."""
    if str(dtype) not in _DTYPES:
        raise TypeError(f"frombuffer(): argument 'dtype' must be torch.dtype, not {type_name(dtype)}")
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    view = view.cast("B")
    step = dtype.itemsize
    if len(view) == 0 or count == 0:
        raise ValueError(f"both buffer length ({len(view)}) and count ({count}) must not be 0")
    if offset < 0 or offset >= len(view):
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({len(view)} bytes) minus 1"
        )
    if count < 0:
        if (len(view) - offset) % step:
            raise ValueError(
                f"buffer length ({len(view) - offset} bytes) after offset ({offset} bytes) must be a "
                f"multiple of element size ({step})"
            )
        count = (len(view) - offset) // step
    elif offset + count * step > len(view):
        raise ValueError(
            f"requested buffer length ({count} * {step} bytes) after offset ({offset} bytes) must not be "
            f"greater than actual buffer length ({len(view)} bytes)"
        )
    array: np.ndarray = np.frombuffer(view, dtype=_DTYPES[str(dtype)], count=count, offset=offset)
    if view.readonly or not array.flags.aligned:
        return from_array(array)
    return _on_memory(array)
