"""Load the build of the core that suits this CPU, as ``autograd_c._core``.

On x86-64 the core is compiled for the baseline and for the psABI levels v3 (AVX2, FMA) and v4 (AVX-512), elsewhere
once. The package imports this module before anything else: it picks a file ``_core_<level>``, loads it and enters it in
``sys.modules`` under the one name by which types and pickles know it. ``AUTOGRAD_C_CPU=base|v3|v4`` forces a level.

Only modules that every interpreter has loaded by then are imported here (importlib.util alone costs 5 ms).
"""

import os
import sys
from _frozen_importlib import _load  # type: ignore[attr-defined]
from _frozen_importlib_external import ExtensionFileLoader, spec_from_file_location
from _imp import extension_suffixes

LEVELS = ("base", "v3", "v4")  # ascending: each includes the ones before
_NAME = "autograd_c._core"
_FOLDER = os.path.dirname(__file__)
# The first suffix is the full one, with the version and the platform.
_PATHS = {name: os.path.join(_FOLDER, f"_core_{name}{extension_suffixes()[0]}") for name in LEVELS}

built = tuple([name for name in LEVELS if os.path.exists(_PATHS[name])])
if not built:
    raise ImportError(f"autograd_c is not compiled for this Python ({sys.implementation.cache_tag}) in {_FOLDER}")

from . import _cpu  # noqa: E402 (compiled too: not before it is known that anything is)


def _choose():
    """Return the level to load and why, or raise ImportError."""
    usable = LEVELS[: LEVELS.index(supported) + 1]
    forced = os.environ.get("AUTOGRAD_C_CPU")
    if not forced:
        for name in reversed(usable):
            if name in built:
                return name, "detected"
        raise ImportError(f"no build of autograd_c suits this machine: it has {supported}, built: {' '.join(built)}")
    if forced not in LEVELS:
        raise ImportError(f"AUTOGRAD_C_CPU={forced}: no such level, expected one of {' '.join(LEVELS)}")
    if forced not in built:
        raise ImportError(f"AUTOGRAD_C_CPU={forced}: not among the levels that were built ({' '.join(built)})")
    if forced not in usable:
        raise ImportError(f"AUTOGRAD_C_CPU={forced}: this machine supports only {' '.join(usable)}")
    return forced, "forced by AUTOGRAD_C_CPU"


def _load_core():
    """Return the core, loaded under its one name as the import statement would have done."""
    module = sys.modules.get(_NAME)
    if module is None:
        path = _PATHS[level]
        module = _load(spec_from_file_location(_NAME, path, loader=ExtensionFileLoader(_NAME, path)))
    vars(sys.modules["autograd_c"])["_core"] = module
    return module


def show_config():
    """Return a text that tells the level in use, why, the levels that were built and the compiler.

    Examples
    --------
    >>> print(autograd_c.show_config())  # doctest: +SKIP
    autograd_c 0.1.0
    CPU level: v4, detected (supported here: v4, built: base v3 v4)
    compiler: gcc 12.2.0
    core: /usr/lib/python3/site-packages/autograd_c/_core_v4.cpython-311-x86_64-linux-gnu.so
    """
    package = sys.modules["autograd_c"]
    return (
        f"autograd_c {package.__version__}\n"
        f"CPU level: {level}, {why} (supported here: {supported}, built: {' '.join(built)})\n"
        f"compiler: {_cpu.compiler()}\n"
        f"core: {core.__file__}"
    )


supported = _cpu.level()
level, why = _choose()
core = _load_core()
