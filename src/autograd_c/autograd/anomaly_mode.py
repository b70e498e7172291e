"""Anomaly mode: find the operation that a wrong gradient, or an error in backward, comes from."""

import warnings as _warnings

from .. import _core

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Turn anomaly mode on or off, for good or as a context manager.

    While it is on, each recorded operation remembers the stack that recorded it. An exception in backward then has that
    traceback as a note, and a backward that makes a nan raises. All of that takes time: it is for debugging.

    Parameters
    ----------
    mode : bool
        Whether it shall be on, in all threads.
    check_nan : bool
        Whether backward shall look for nans.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor(0., requires_grad=True)
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     try:
    ...         (x * 0).sqrt().backward()
    ...     except RuntimeError as error:
    ...         print(error)
    Function 'MulBackward0' returned nan values in its 0th output.
    """

    def __init__(self, mode, check_nan=True):
        self.before = _core._anomaly_mode()
        _core._set_anomaly_mode(mode, check_nan)

    def __enter__(self):
        return None

    def __exit__(self, *exception):
        _core._set_anomaly_mode(*self.before)


class detect_anomaly:
    """Turn anomaly mode on within a context, with a warning that it is slow; see `set_detect_anomaly`.

    Parameters
    ----------
    check_nan : bool
        Whether backward shall look for nans.
    """

    def __init__(self, check_nan=True):
        self.check_nan = check_nan
        _warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self):
        self.before = _core._anomaly_mode()
        _core._set_anomaly_mode(True, self.check_nan)

    def __exit__(self, *exception):
        _core._set_anomaly_mode(*self.before)
