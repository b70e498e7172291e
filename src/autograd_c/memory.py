"""What the pool holds that the memory of tensors comes from.

Memory that tensors no longer use is kept, by size, for those to come: a loop that has run once takes nothing more from
the system. 0-d tensors need none of it until something aliases them, and memory of others (numpy's arrays) is not
counted.
"""

from dataclasses import dataclass

from . import _core

__all__ = ["SizeClass", "Stats", "empty_cache", "get_limit", "reset_peak", "set_limit", "stats"]

_UNLIMITED = _core._memory_stats()[4]  # nothing has set a limit before this module is there


@dataclass(frozen=True)
class SizeClass:
    """Blocks of one size: there are four sizes to each power of two.

    Attributes
    ----------
    size : int
        Bytes of a block.
    in_use, cached : int
        How many blocks tensors have, and how many wait for reuse.
    """

    size: int
    in_use: int
    cached: int


@dataclass(frozen=True)
class Stats:
    """What `stats` tells; sizes in bytes.

    Attributes
    ----------
    in_use : int
        What tensors have.
    cached : int
        What is kept for reuse.
    peak : int
        The most that was in use since the start, or since `reset_peak`.
    system_allocations : int
        How many blocks were taken from the system since the start.
    limit : int or None
        See `set_limit`.
    by_size : tuple of SizeClass
        The sizes of which there are blocks, smallest first.
    """

    in_use: int
    cached: int
    peak: int
    system_allocations: int
    limit: int | None
    by_size: tuple[SizeClass, ...]


def stats():
    """The state of the pool.

    Returns
    -------
    Stats

    Examples
    --------
    >>> import autograd_c as torch
    >>> before = torch.memory.stats()
    >>> x = torch.zeros(1024)
    >>> torch.memory.stats().in_use - before.in_use
    8192
    """
    in_use, cached, peak, taken, limit, classes = _core._memory_stats()
    by_size = tuple(SizeClass(*numbers) for numbers in classes)
    return Stats(in_use, cached, peak, taken, None if limit == _UNLIMITED else limit, by_size)


def empty_cache():
    """Give the memory that is kept for reuse back to the system."""
    _core._empty_cache()


def reset_peak():
    """Let `Stats.peak` begin anew, with what is in use now."""
    _core._reset_peak()


def set_limit(nbytes):
    """Bound the memory that the pool takes from the system.

    Where an operation would go beyond, what is cached is given back first; if that is not enough the operation raises
    MemoryError, and nothing has changed. What is in use already stays.

    Parameters
    ----------
    nbytes : int or None
        Bytes in use and cached together; None for no limit.

    Raises
    ------
    ValueError
        If it is negative.
    """
    if nbytes is not None and nbytes < 0:
        raise ValueError(f"memory limit must not be negative, but got {nbytes}")
    _core._set_memory_limit(-1 if nbytes is None else nbytes)


def get_limit():
    """The limit that was set.

    Returns
    -------
    int or None
    """
    return stats().limit
