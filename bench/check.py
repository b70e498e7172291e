"""What the peers of a case compute is the same: a benchmark that times the wrong thing is worse than none."""

from bench.peers import Numpy


def check(case, results):
    """Raise AssertionError unless peers agree.

    Parameters
    ----------
    case : Case
    results : dict
        What the first call returned, as `arrays`, by peer. The value, which comes first, is compared with numpy's, too.
    """
    import numpy as np

    value = [np.asarray(case.with_numpy(np, *case.arguments()))]
    (first, expected), *others = results.items()
    pairs = [(first, expected[:1], Numpy, value), *((peer, result, first, expected) for peer, result in others)]
    for peer, result, other, wanted in pairs:
        assert len(result) == len(wanted), f"{case.title}: {len(result)} results of {peer.name}, {len(wanted)} wanted"
        for number, (x, y) in enumerate(zip(result, wanted, strict=True)):
            what = f"{case.title}: result {number} of {peer.name} and {other.name}"
            assert x.shape == y.shape, f"{what} have the shapes {x.shape} and {y.shape}"
            assert x.dtype == y.dtype == np.float64, f"{what} have the dtypes {x.dtype} and {y.dtype}"
            apart, allowed = np.abs(x - y).max(), max(peer.tolerance, other.tolerance) * np.abs(y).max()
            assert apart <= allowed, f"{what} are {apart:.3g} apart, {allowed:.3g} allowed"


def arrays(peer, result):
    """The numbers of a result, which may be nested, as a list of new arrays of numpy."""
    if isinstance(result, list | tuple):
        return [x for part in result for x in arrays(peer, part)]
    return [peer.numpy(result)]
