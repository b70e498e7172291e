"""The options of printing, apart from `_format` so that the package can offer them without loading it."""

_INF = float("inf")

_DEFAULT: dict = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80}
_PROFILES = {
    "default": _DEFAULT,
    "short": {**_DEFAULT, "precision": 2, "edgeitems": 2},
    "full": {**_DEFAULT, "threshold": _INF},
}
_options = {**_DEFAULT, "sci_mode": None}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Set how tensors print, for the whole process.

    Parameters
    ----------
    precision : int, optional
        Digits after the decimal point; 4 at first.
    threshold : float, optional
        A tensor of more elements than this is summarised; 1000 at first.
    edgeitems : int, optional
        Items shown at each end of a summarised dimension; 3 at first.
    linewidth : int, optional
        Characters in a line; 80 at first.
    profile : {'default', 'short', 'full'}, optional
        A set of values for the four above; those given explicitly win.
    sci_mode : bool, optional
        Whether to use scientific notation; by default the values decide. Leaving it out resets it to that, as in torch.

    Raises
    ------
    ValueError
        For an unknown profile (torch ignores it).

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.12345])
    tensor([1.12])
    >>> torch.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"profile must be one of {', '.join(map(repr, _PROFILES))}, but got {profile!r}")
        _options.update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def get_printoptions():
    """Return the options in force, as a dict that `set_printoptions` takes as keywords."""
    return dict(_options)


class printoptions:
    """Context manager that changes the print options within its block; takes what `set_printoptions` takes.

    Examples
    --------
    >>> import autograd_c as torch
    >>> with torch.printoptions(precision=1, sci_mode=True):
    ...     print(torch.tensor([0.25, 1e3]))
    tensor([2.5e-01, 1.0e+03])
    """

    def __init__(self, **options):
        self._inside = options

    def __enter__(self):
        self._outside = get_printoptions()
        set_printoptions(**self._inside)

    def __exit__(self, *exc_info):
        _options.update(self._outside)
