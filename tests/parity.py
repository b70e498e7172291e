"""The same program on autograd_c and on torch: what it returns must agree, tensors, texts and errors alike."""

import re

import numpy as np
from module import IS_TORCH, ac, assert_same, to_numpy


def attempt(function):
    """What a call returns, or the error it raises as a text."""
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def plain(value):
    """A result made of arrays, tuples and what compares with ==; texts without the modules' own names."""
    if hasattr(value, "detach"):
        return np.array(to_numpy(value))
    if isinstance(value, dict):
        return plain(list(value.items()))
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, str):
        text = re.sub(r"autograd_c\.(_core|nn|optim)\.(\w+\.)*", "", value)
        return re.sub(r"torch\.(nn|optim)\.(\w+\.)*|torch\.(?=Tensor)", "", text)
    return value


def assert_alike(actual, expected, rtol, where="result"):
    """Two plain results agree, numbers to `rtol`, or to the bit if that is 0."""
    assert type(actual) is type(expected), f"{where}: {actual!r}, torch has {expected!r}"
    if isinstance(expected, tuple):
        assert len(actual) == len(expected), f"{where}: {actual!r}, torch has {expected!r}"
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            assert_alike(a, e, rtol, f"{where}[{i}]")
    elif isinstance(expected, np.ndarray):
        assert_same(actual, expected, rtol, rtol, where)
    elif isinstance(expected, float):
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=0, err_msg=where)
    else:
        assert actual == expected, f"{where}: {actual!r}, torch has {expected!r}"


def assert_parity(program, torch, rtol=0.0):
    """`program`, a function of the module, does on both what it does on torch."""
    expected = plain(program(torch))
    if not IS_TORCH:
        assert_alike(plain(program(ac)), expected, rtol)
