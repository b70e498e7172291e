"""Forward mode: dual tensors, which carry a tangent through every operation.

Examples
--------
>>> import autograd_c as torch
>>> import autograd_c.autograd.forward_ad as fwAD
>>> with fwAD.dual_level():
...     x = fwAD.make_dual(torch.tensor(2.), torch.tensor(1.))
...     fwAD.unpack_dual(x ** 3).tangent
tensor(12.)
"""

from collections import namedtuple

from .. import _core

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ["primal", "tangent"])


def enter_dual_level():
    """Open the level, and return its number, 0; `exit_dual_level` closes it.

    Raises
    ------
    RuntimeError
        If it is open: there is one.
    """
    _core._enter_dual_level()
    return 0


def exit_dual_level(*, level=None):
    """Close the level; the tangents of its duals are forgotten.

    Raises
    ------
    RuntimeError
        If it is not open.
    """
    if level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _core._exit_dual_level()


class dual_level:
    """Context manager of the level at which tensors can carry tangents."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *exception):
        exit_dual_level()


def make_dual(tensor, tangent, *, level=None):
    """A view of `tensor` that carries `tangent`.

    Parameters
    ----------
    tensor, tangent : Tensor
        Of floating point and the same sizes.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If no level is open, `tensor` has a tangent, or the sizes differ.
    """
    return _core._make_dual(tensor, tangent)


def unpack_dual(tensor, *, level=None):
    """The pair (primal, tangent) of a dual tensor; the tangent is None where there is none."""
    return UnpackedDualTensor(*_core._unpack_dual(tensor))
