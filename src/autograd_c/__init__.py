"""PyTorch's eager autograd for dense CPU doubles.

``import autograd_c as torch`` runs a script written for PyTorch: the same names, semantics, printed
form and error messages, in double precision.  docs/conventions.md lists what differs.
"""

__version__ = "0.1.0"

from . import _levels  # first: it loads _core
from ._core import Size, Tensor, dtype, is_grad_enabled, is_inference_mode_enabled
from ._lazy import Late as _Late
from ._lazy import submodules as _submodules
from ._levels import show_config
from ._print_options import get_printoptions, printoptions, set_printoptions
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

_core = _levels.core
pi, e, inf, nan = 3.141592653589793, 2.718281828459045, float("inf"), float("nan")
globals().update(_core.__functions__)
float64 = double = _core._float64
int64 = long = _core._int64
bool = _core._bool
# Dtypes that are not there, and equal to what they mean here; the core warns where one is first used.
float32 = float = half = float16 = bfloat16 = _core._float_stand_in
int32 = int = short = int16 = int8 = uint8 = _core._int_stand_in
strided = _core.strided
memory_format = _core.memory_format
contiguous_format, preserve_format = _core.contiguous_format, _core.preserve_format
channels_last, channels_last_3d = _core.channels_last, _core.channels_last_3d
newaxis = None

__all__ = [
    "PrecisionWarning",
    "Size",
    "Tensor",
    "bool",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "double",
    "dtype",
    "e",
    "enable_grad",
    "float64",
    "get_default_dtype",
    "get_printoptions",
    "inf",
    "inference_mode",
    "int64",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "long",
    "memory_format",
    "nan",
    "newaxis",
    "no_grad",
    "pi",
    "printoptions",
    "preserve_format",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    "show_config",
    "strided",
    *_core.__functions__,
]

# What comes with numpy, so at the first use, by the file that has it.
_LATE = {
    "_generator": (
        "Generator",
        "default_generator",
        "get_rng_state",
        "initial_seed",
        "manual_seed",
        "seed",
        "set_rng_state",
    ),
    "_random": (
        "bernoulli",
        "multinomial",
        "normal",
        "rand",
        "rand_like",
        "randint",
        "randint_like",
        "randn",
        "randn_like",
        "randperm",
    ),
}
__all__ += [name for names in _LATE.values() for name in names]


class PrecisionWarning(UserWarning):
    """A dtype was asked for that is not there; a wider one took its place."""


_submodules(__name__, ("autograd", "memory", "nn", "optim", "utils"))
globals().update({name: _Late(__name__, file, name) for file, names in _LATE.items() for name in names})


def get_default_dtype():
    """The dtype of new tensors of floating point: float64."""
    return float64


def set_default_dtype(d):
    """Accepted for float64 and the names that stand for it.

    Raises
    ------
    TypeError
        For anything that is not a dtype of floating point.
    """
    if d != float64:
        what = "" if isinstance(d, dtype) else "invalid dtype object: "
        raise TypeError(f"{what}only floating-point types are supported as the default type")
