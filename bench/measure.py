"""Timing that is fair: everything that is compared takes turns, and medians count.

A ratio is the median of the ratios of each round: the clock of a shared machine may be another one in the next round,
and the median of one's times would then meet another clock than that of the other's.

The garbage collector stays on, since its visits are part of what a graph costs; but what exists when a case starts,
most of it the peers' own modules, is frozen out of its sight: its size is nobody's merit or fault.
"""

import gc
import statistics
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from functools import partial

SAMPLE = 2e-3  # seconds that a sample takes at least: far more than the clock's resolution
THREADED_SAMPLE = 20e-3  # the same where threads have to wake up, which can take 50 us
LEAST_ROUNDS = 5


class Times(dict):
    """The median time of a call in seconds, by name.

    Attributes
    ----------
    samples : dict
        The times of each, in the order of the rounds.
    """

    def __init__(self, samples, scale=1.0):
        self.samples = {name: [value / scale for value in values] for name, values in samples.items()}
        super().__init__({name: statistics.median(values) for name, values in self.samples.items()})

    def ratio(self, ours, other):
        """How many times as long the other takes."""
        pairs = zip(self.samples[ours], self.samples[other], strict=True)
        return statistics.median(theirs / our for our, theirs in pairs)

    def per(self, count):
        """The times of one of so many things that each call does."""
        return Times(self.samples, count)


def interleaved(works, rounds=25, clock=time.perf_counter, patience=4.0, pause=0.0, least=SAMPLE):
    """Time functions in turn.

    Parameters
    ----------
    works : dict
        Functions without arguments, by name.
    rounds : int
        How many samples to take of each.
    clock : callable
        What tells the time in seconds.
    patience : float
        After how many seconds to be content with fewer rounds, the same number for all.
    pause : float
        How many seconds to wait before a sample, so that threads of the one before have gone to rest.
    least : float
        How many seconds a sample takes at least, with as many calls as that needs.

    Returns
    -------
    Times
        The median time of a call in seconds, by name.
    """
    with _frozen():
        samplers = {
            name: partial(_sample, work, _calibrate(work, clock, least), clock, pause) for name, work in works.items()
        }
        start = time.perf_counter()
        for sample in samplers.values():
            sample()
        affordable = int(patience / (time.perf_counter() - start))
        return _medians(samplers, min(rounds, max(LEAST_ROUNDS, affordable)))


def import_times(modules, rounds=25, slow_rounds=5, slow=0.2, clock=time.perf_counter):
    """Time the start of an interpreter that imports a module, over the start of one that does not.

    Parameters
    ----------
    modules : iterable of str
        The names of the modules.
    rounds, slow_rounds : int
        How many interpreters to start for each module, and for each that takes longer than `slow` seconds.
    clock : callable
        What tells the time in seconds: of the wall, or of child processes.

    Returns
    -------
    dict
        The median time in seconds, by name.
    """
    starts = {name: partial(_start, f"import {name}", clock) for name in modules}
    starts[""] = partial(_start, "pass", clock)
    # The first start also writes the byte code.
    is_slow = {name: start() > slow for name, start in starts.items()}
    medians = _medians({name: start for name, start in starts.items() if not is_slow[name]}, rounds)
    medians.update(_medians({name: start for name, start in starts.items() if is_slow[name]}, slow_rounds))
    return {name: medians[name] - medians[""] for name in modules}


def time_of_children():
    """Return the CPU time in seconds of all child processes that have ended."""
    import resource  # Unix only

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _medians(samplers, rounds):
    """The times of each sampler's samples, taken in turn, each round beginning with another one."""
    samples = {name: [] for name in samplers}
    order = deque(samplers)
    for _ in range(rounds):
        for name in order:
            samples[name].append(samplers[name]())
        order.rotate()
    return Times(samples)


def _sample(work, calls, clock, pause=0.0):
    """The time of a call, averaged over some."""
    if pause:
        time.sleep(pause)
    start = clock()
    for _ in range(calls):
        work()
    return (clock() - start) / calls


def _calibrate(work, clock, least):
    """How many calls fill a sample; also warms up."""
    work()  # the first call may compile
    calls = 1
    while _sample(work, calls, clock) * calls < least:
        calls *= 2
    return calls


def _start(program, clock):
    """The time that an interpreter takes for a program, start and end included."""
    start = clock()
    subprocess.run([sys.executable, "-c", program], check=True)
    return clock() - start


@contextmanager
def _frozen():
    """Within, the collector looks only at objects made within."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
