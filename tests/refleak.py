"""Finds leaks of objects, references and C memory on a release interpreter, after CPython's ``regrtest -R 3:3``.

A function is called many times in rounds, and counters are read between rounds: Python's allocated blocks, the objects
the collector knows, the C heap in use (it sees a kernel's bare ``malloc``), and any counter of the tested module's own.
What grows in every round, about equally, is a leak; what grows once is a cache. Of the references to what is watched,
one that is lost with every call is as bad: in the end the object is freed under those who have it.
"""

import ctypes
import gc
import sys

import numpy as np


class _MallInfo2(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names.split())


def _heap_counter():
    """A function that returns the bytes in use on the C heap; 0 for ever where the C library can't tell."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError, TypeError):
        return lambda: 0
    mallinfo2.restype = _MallInfo2

    def in_use():
        info = mallinfo2()
        return info.uordblks + info.hblkhd

    return in_use


_heap_in_use = _heap_counter()


def check(function, watch=(), calls=50, rounds=5, counter=None):
    """A list of complaints about ``function``, empty if it leaks nothing.

    watch : objects whose reference counts must not move (arguments, None, types)
    counter : ``() -> int``, the bytes or objects the tested module itself says are in use
    """
    complaints = _measure(function, watch, calls, rounds, counter)
    # Measured again at greater length: noise is gone then, and a leak is not.
    return complaints and _measure(function, watch, 5 * calls, rounds + 2, counter)


def _measure(function, watch, calls, rounds, counter):
    for _ in range(5):  # caches fill, free lists settle
        function()
    gc.collect()
    references = np.array([sys.getrefcount(each) for each in watch])
    # The table is made first: what is kept for the report must not grow while it is made.
    counts = np.zeros((rounds, 4), dtype=np.int64)
    for round_counts in counts:
        for _ in range(calls):
            function()
        gc.collect()
        gc.collect()
        round_counts[:] = (
            sys.getallocatedblocks(),
            len(gc.get_objects()),
            _heap_in_use(),
            counter() if counter else 0,
        )
    complaints = []
    least = (calls, calls, 8 * calls, 1)  # growth per round that matters
    for name, grown, enough in zip(
        ("Python blocks", "objects", "bytes of the C heap", "the module's own count"),
        np.diff(counts, axis=0).T,
        least,
        strict=True,
    ):
        if (grown[1:] >= enough).all() and grown[-1] >= 0.8 * grown.max():
            complaints.append(f"{name}: {grown[-1] / calls:.1f} more with every call (by round: {grown.tolist()})")
    moved = np.array([sys.getrefcount(each) for each in watch]) - references
    complaints += [
        f"references to {type(each).__name__} {each!r:.40}: {more / (calls * rounds):.2f} more with every call"
        for each, more in zip(watch, moved, strict=True)
        if abs(more) >= calls
    ]
    return complaints
