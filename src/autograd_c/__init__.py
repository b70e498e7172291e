"""PyTorch's eager autograd for dense CPU doubles.

``import autograd_c as torch`` runs a script written for PyTorch: the same names, semantics, printed
form and error messages, in double precision.  docs/conventions.md lists what differs.
"""

__version__ = "0.1.0"

from . import _levels  # first: it loads _core
from ._core import Size, Tensor, dtype, is_grad_enabled, is_inference_mode_enabled
from ._levels import show_config
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

_core = _levels.core
globals().update(_core.__functions__)
float64 = double = _core._float64
int64 = long = _core._int64
bool = _core._bool
strided = _core.strided
memory_format = _core.memory_format
contiguous_format, preserve_format = _core.contiguous_format, _core.preserve_format
channels_last, channels_last_3d = _core.channels_last, _core.channels_last_3d
pi, e, inf, nan = 3.141592653589793, 2.718281828459045, float("inf"), float("nan")
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
    "preserve_format",
    "set_default_dtype",
    "set_grad_enabled",
    "show_config",
    "strided",
    *_core.__functions__,
]

# What _random has: with numpy, so at the first use.
_RANDOM = (
    "Generator",
    "bernoulli",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
)
__all__ += _RANDOM

# The names of dtypes that are not there, and what they mean here.
_STAND_INS = {
    "float64": ("float", "float32", "half", "float16", "bfloat16"),
    "int64": ("int", "int32", "short", "int16", "int8", "uint8"),
}


class PrecisionWarning(UserWarning):
    """A dtype was asked for that is not there; a wider one took its place."""


# What is slow to import: modules, and where the rest comes from.
_MODULES = ("autograd", "nn", "tutorial")
_FROM = {"get_printoptions": "_format", "printoptions": "_format", "set_printoptions": "_format"}
_FROM |= dict.fromkeys(_RANDOM, "_random")


def __getattr__(name):
    # Entered in the module once found, so that this runs once for each name.
    if name in _MODULES or name in _FROM:
        import importlib

        module = importlib.import_module(f"{__name__}.{_FROM.get(name, name)}")
        found = globals()[name] = getattr(module, name) if name in _FROM else module
        return found
    for real, names in _STAND_INS.items():
        if name in names:
            return _stand_in(name, real)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *_MODULES, *_FROM, *[name for names in _STAND_INS.values() for name in names]})


def _stand_in(name, real):
    """The dtype that `name` means here, with a warning the first time."""
    global _warned
    if not _warned:
        import warnings

        _warned = True
        warnings.warn(
            f"autograd_c computes in float64 and int64: torch.{name} means torch.{real}", PrecisionWarning, stacklevel=3
        )
    return globals()[real]


_warned = False


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
    if d is not float64:
        what = "" if isinstance(d, dtype) else "invalid dtype object: "
        raise TypeError(f"{what}only floating-point types are supported as the default type")
