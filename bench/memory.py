"""How much memory a case takes at its peak, each peer in a process of its own.

The peak is that of the process over what it held when its module was loaded, the arguments were made and a small case
had run: results, gradients and everything in between. Virtual memory that is never touched does not count, memory that
a pool keeps does. Two calls are made, so that what one leaves behind for the next counts too.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context

from bench.cases import CASES
from bench.peers import PEERS, limit_threads

CALLS = 2


def largest(text=""):
    """Return the cases that are the largest of their label, and whose titles contain a text."""
    last = {case.label: case for case in CASES.values() if case.family}
    return [case for case in last.values() if text in case.title.replace("`", "")]


def peaks(text=""):
    """Return the peaks in bytes of the largest cases, a dict of peers' names for each title."""
    found = {}
    for case in largest(text):
        found[case.title] = {}
        for name in case.peers:
            # A process that has computed anything else has memory to use again.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                peak = process.submit(peak_of, case.title, name).result()
            if peak is not None:
                found[case.title][name] = peak
    return found


def peak_of(title, name):
    """Return the peak in bytes that a case takes in this process, or None if the peer is missing or cannot do it."""
    limit_threads(1)
    peer = next(peer for peer in PEERS if peer.name == name)
    try:
        peer.load(1)
    except ImportError:
        return None
    if hasattr(peer.m, "from_numpy"):
        peer.array = peer.m.from_numpy  # a copy would leave behind as much memory as the arguments take
    case = CASES[title]
    first = next(other for other in CASES.values() if other.label == case.label)
    if (small := peer.work(first)) is None:
        return None
    small()  # what is loaded or set up at a first call
    work = peer.work(case)
    forget_high_water()
    before = high_water()
    for _ in repeat(None, CALLS):
        work()
    return high_water() - before


def high_water():
    """Return how many bytes of this process have been in memory at most."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource  # Unix only

        # On Linux this would begin with what the process had that started this one.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak


def forget_high_water():
    """Begin again with what is in memory now, where the system can do that (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass  # what loading a module took for a moment hides as much of what a case takes


def lines_of(found, names):
    """Return the table of peaks, as lines."""
    lines = [f"| MB at the peak | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for title, peak in found.items():
        cells = [f"{peak[name] / 1e6:.0f}" if name in peak else "" for name in names]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines
