"""Running the rows of cases/ on a module: what the tests of every op share."""

import itertools

import numpy as np
import pytest
from cases import CASES
from module import (
    IS_TORCH,
    Inputs,
    Raised,
    arrays,
    fixed_cotangent,
    is_float,
    map_leaves,
    tensors_in,
    vjp,
)

VALUES = dict(rtol=1e-13, atol=1e-14)  # two implementations of one function
GRADIENTS = dict(rtol=1e-11, atol=1e-12)
# Where torch is the less exact one: its trigamma is right to nine digits.
TORCH_RTOL = {"digamma": 1e-9, "polygamma": 1e-9}


def like_torch(case, tolerances):
    """The tolerances, or those that torch needs."""
    return tolerances | dict(rtol=max(tolerances["rtol"], TORCH_RTOL.get(case.op, 0.0)))


def rows(keep=lambda case: True, inputs=0):
    """Parametrize a test with samples of the rows for which ``keep(case)``, of so many float inputs at least."""
    return pytest.mark.parametrize(
        ("case", "sample"),
        [
            pytest.param(c, s, id=f"{c.name}({s})")
            for c in CASES
            if keep(c)
            for s in c.samples
            if s.float_inputs(c) >= inputs
        ],
    )


def ops(keep=lambda case: True):
    """Parametrize a test with the rows for which ``keep(case)``."""
    return pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in CASES if keep(c)])


def has_gradient(case):
    return case.node is not None and case.node != "NotImplemented"


class Run:
    """A sample run on a module: its inputs, result and the tensors in it."""

    def __init__(self, module, case, plain, make=None):
        self.inputs = Inputs(module, *plain, make)
        self.leaves = self.inputs.leaves
        self.module = module
        self.result = case.run(module, self.inputs.args, self.inputs.kwargs)
        self.outputs = tensors_in(self.result)

    def values(self):
        return arrays(self.outputs)

    def gradients(self, **more):
        return vjp(self.module, self.outputs, self.leaves, **more)


def without_grad(module):
    """A ``make`` for Inputs: plain copies."""
    return lambda array, index: module.tensor(array)


def replaced(plain, change):
    """The plain inputs with the index-th float array replaced by ``change(array, index)``."""
    counter = itertools.count()
    return map_leaves(plain, lambda value: np.asarray(change(value, next(counter))) if is_float(value) else value)


def floats_in(plain):
    """The float arrays of plain inputs, each once."""
    found = []
    map_leaves(plain, lambda value: found.append(value) if is_float(value) else None)
    return found


def jvp(module, case, plain):
    """Values and tangents of the outputs, all float inputs having tangents; None for no tangent."""
    forward_ad = module.autograd.forward_ad
    with forward_ad.dual_level():

        def make(array, index):
            tangent = module.tensor(fixed_cotangent(array.shape, 50 + index))
            return forward_ad.make_dual(module.tensor(array), tangent)

        pairs = [forward_ad.unpack_dual(output) for output in Run(module, case, plain, make).outputs]
        return arrays([p.primal for p in pairs]), arrays([p.tangent for p in pairs])


def torch_lacks_forward_mode(found):
    return IS_TORCH and isinstance(found, Raised) and "forward AD" in found.sentence


LAYOUTS = ("transposed", "strided", "offset")


def lay_out(module, array, layout, requires_grad=False):
    """A tensor of these values whose memory is laid out otherwise; never a view for autograd."""
    if layout == "transposed":
        tensor = module.tensor(array.T.copy()).permute(tuple(range(array.ndim))[::-1])
    elif layout == "strided":
        tensor = module.tensor(np.repeat(array[..., None], 2, axis=-1))[..., 0]
    elif layout == "offset":
        tensor = module.tensor(np.stack([array + 1.0, array]))[1]
    elif layout == "expanded":  # every element of the last dimension is the first one
        tensor = module.tensor(array[..., :1].copy()).expand(array.shape)
    return tensor.detach().requires_grad_(requires_grad)
