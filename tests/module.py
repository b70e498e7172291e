"""The module under test, and the few helpers every test file shares.

The suite is written against ``ac``, whatever it is: ``autograd_c``, or (AUTOGRAD_C_TEST_MODULE=torch) PyTorch itself,
which must pass too. So a wrong expectation is found by running the suite on torch, before any of our code is blamed.
Data travels between modules as numpy arrays: an array stands for a tensor, everything else for itself.
"""

import importlib
import os
import re
import warnings
from dataclasses import dataclass

import numpy as np
from rows import Constant, Dtype

NAME = os.environ.get("AUTOGRAD_C_TEST_MODULE", "autograd_c")
IS_TORCH = NAME == "torch"


def load(name):
    """The named module; torch with our default dtype, and with whatever its import warns about silenced."""
    with warnings.catch_warnings():
        if name == "torch":
            warnings.simplefilter("ignore")
        module = importlib.import_module(name)
        if name == "torch":
            importlib.import_module("torch._decomp.decompositions_for_jvp")  # else imported, and warning, at first use
    if name == "torch":
        module.set_default_dtype(module.float64)
        module.set_num_threads(1)
    return module


ac = load(NAME)


# ------------------------------------------------------------------ numpy <-> tensors
def to_numpy(tensor):
    """A tensor's values, sharing its memory."""
    if getattr(tensor, "_is_zerotensor", bool)():  # a tangent torch knows to be 0 has no memory
        return np.zeros(tuple(tensor.shape))
    return tensor.detach().numpy()


def is_float(array):
    """Whether an array stands for a tensor that can require gradients."""
    return isinstance(array, np.ndarray) and array.dtype == np.float64 and not isinstance(array, Constant)


def map_leaves(tree, function):
    """``tree`` (tuples, lists, dicts) with ``function`` applied to the rest; an array met twice stays one."""
    seen = {}

    def walk(node):
        if isinstance(node, tuple | list):
            return type(node)(walk(child) for child in node)
        if isinstance(node, dict):
            return {key: walk(child) for key, child in node.items()}
        if not isinstance(node, np.ndarray):
            return function(node)
        if id(node) not in seen:
            seen[id(node)] = function(node)
        return seen[id(node)]

    return walk(tree)


def tensors_in(result):
    """The tensors of an op's result, flat: a tensor, a tuple or list of them, a namedtuple."""
    if isinstance(result, tuple | list):
        return [tensor for item in result for tensor in tensors_in(item)]
    return [result]


class Inputs:
    """Arrays made tensors of ``module``: ``args`` and ``kwargs`` for the call, ``leaves`` the float tensors among them.

    ``make(array, index)`` makes the index-th float tensor (default: a copy that requires grad).
    """

    def __init__(self, module, args, kwargs, make=None):
        self.tensors, self.leaves = [], []

        def convert(value):
            if isinstance(value, Dtype):
                return getattr(module, value.name)
            if not isinstance(value, np.ndarray):
                return value
            if is_float(value):
                index = len(self.leaves)
                tensor = make(value, index) if make else module.tensor(value).requires_grad_()
                self.leaves.append(tensor)
            else:
                tensor = module.tensor(np.asarray(value))
            self.tensors.append(tensor)
            return tensor

        self.args, self.kwargs = map_leaves((args, kwargs), convert)


# ------------------------------------------------------------------ comparing
def bits(array):
    """An array's bits, every nan alike."""
    array = np.array(array, order="C")
    if array.dtype != np.float64:
        return array
    return np.where(np.isnan(array), np.float64("nan"), array).view(np.int64)


def assert_same(actual, expected, rtol=0.0, atol=0.0, what=""):
    """Arrays of one dtype and shape; the same bits if ``rtol`` is 0, else close, nan equal to nan."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{what}: dtype {actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if rtol == 0.0 and atol == 0.0:
        np.testing.assert_array_equal(actual, expected, err_msg=what)  # the readable message first
        assert (bits(actual) == bits(expected)).all(), f"{what}: signs of zero differ: {actual}, expected {expected}"
    else:
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, equal_nan=True, err_msg=what)


def assert_all_same(actual, expected, rtol=0.0, atol=0.0, what=""):
    """`assert_same` over two lists, where None stands for no tensor."""
    assert len(actual) == len(expected), f"{what}: {len(actual)} results, expected {len(expected)}"
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        assert (a is None) == (e is None), f"{what}[{i}]: {a}, expected {e}"
        if a is not None:
            assert_same(a, e, rtol, atol, f"{what}[{i}]")


def geometry(tensor):
    """Strides and offset, as far as they tell where elements are."""
    strides = [stride if n > 1 else 0 for n, stride in zip(tensor.shape, tensor.stride(), strict=True)]
    return np.array([*strides, tensor.storage_offset(), tensor.is_contiguous()] if tensor.numel() else [])


# ------------------------------------------------------------------ errors
def first_sentence(message):
    """What scripts match on; the rest of a message is each project's own."""
    return re.split(r"\.\s|\n", str(message).strip(), maxsplit=1)[0].rstrip(".")


# Sentences of torch that are not ours to repeat, and why.
OWN_WORDS = [
    (r"received an invalid combination of arguments", "its parser lists C++ signatures; we name the argument"),
    (r"missing \d+ required positional arg|unexpected keyword argument|takes .* positional arg", "Python's own words"),
    (r"expected scalar type|\"(bmm|addm[mv]_impl_cpu_?)\" not implemented", "which product matmul takes for a stack"),
]


@dataclass
class Raised:
    """An exception as an outcome."""

    type: str
    message: str

    @property
    def sentence(self):
        return first_sentence(self.message)

    def agrees_with(self, expected):
        """The same type and first sentence, but for what stands in `OWN_WORDS`."""
        if self.type != expected.type:
            return False
        own = any(re.search(pattern, expected.sentence) for pattern, _ in OWN_WORDS)
        return own or self.sentence.replace("autograd_c._core.", "") == expected.sentence


def outcome(function):
    """What ``function`` does: the arrays it returns, or the error it raises."""
    try:
        result = function()
    except Exception as error:
        return Raised(type(error).__name__, str(error))
    return [to_numpy(value).copy() if hasattr(value, "detach") else value for value in tensors_in(result)]


def assert_same_outcome(actual, expected, rtol=0.0, atol=0.0, what=""):
    """Two outcomes agree: the same error, or the same arrays."""
    if isinstance(actual, Raised) or isinstance(expected, Raised):
        agree = isinstance(actual, Raised) and isinstance(expected, Raised) and actual.agrees_with(expected)
        assert agree, f"{what}: {actual}, expected {expected}"
    else:
        assert_all_same(actual, expected, rtol, atol, what)


# ------------------------------------------------------------------ derivatives
def fixed_cotangent(shape, index=0):
    """An arbitrary but fixed array, away from 0 and of both signs, to weight an output or choose a direction with."""
    rng = np.random.default_rng(977 + index)
    return np.asarray(rng.uniform(0.4, 1.6, shape) * rng.choice([-1.0, 1.0], shape))


def differentiable(tensors):
    """Those of ``tensors`` (or None) that gradients reach."""
    return [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]


def vjp(module, outputs, leaves, create_graph=False, first_cotangent=0):
    """Gradients of the outputs, the i-th weighted by the i-th `fixed_cotangent`; None where there is none."""
    weighted = [
        (output, module.tensor(fixed_cotangent(tuple(output.shape), first_cotangent + i)))
        for i, output in enumerate(outputs)
        if differentiable([output])
    ]
    if not weighted:
        return [None] * len(leaves)
    wanted = differentiable(leaves)
    outputs, cotangents = zip(*weighted, strict=True)
    found = iter(module.autograd.grad(outputs, wanted, cotangents, create_graph=create_graph, allow_unused=True))
    return [next(found) if leaf.requires_grad else None for leaf in leaves]


def arrays(tensors):
    """Tensors (or None) as numpy arrays."""
    return [None if tensor is None else to_numpy(tensor) for tensor in tensors]
