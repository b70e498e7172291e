"""A run: the cases of some groups on all peers, with a number of threads, in a process that has loaded none of them."""

import os
import platform
import time

from bench.cases import CASES, IMPORT_BUDGET
from bench.check import arrays, check
from bench.measure import SAMPLE, THREADED_SAMPLE, import_times, interleaved, time_of_children
from bench.peers import OURS, REFERENCE, limit_threads, load_peers
from bench.table import Row, Table

IMPORT_GROUP, KERNEL_GROUP = "import", "kernels"
GROUPS = (*dict.fromkeys(case.group for case in CASES.values()), IMPORT_GROUP)
PATIENCE = {KERNEL_GROUP: 0.5}  # seconds for a case: there are many, and what counts is their course
PAUSE = 5e-3  # seconds between samples, where threads may still be spinning


def measured(threads, groups, text, rounds, cpu_time):
    """Return what the numbers depend on, the names of the peers, and a row for each case; print all that on the way."""
    clock = child_clock = time.perf_counter
    if cpu_time:
        clock, child_clock = time.process_time, time_of_children
    limit_threads(threads)
    cases = [case for case in CASES.values() if case.group in groups and text in case.title.replace("`", "")]
    wanted = None  # all peers, unless no case has a use for some
    if IMPORT_GROUP not in groups and all(case.peers is not None for case in cases):
        wanted = {OURS.name, *(name for case in cases for name in case.peers)}
    peers, missing = load_peers(threads, wanted)
    description = describe(peers)
    names = [peer.name for peer in peers]
    lines = table(names)
    print(f"\n{description}\nnumber of threads: {threads}")
    for name, why in missing.items():
        print(f"without {name}: {why}")
    print(f"\n{lines.head()}", flush=True)

    rows = []
    options = dict(pause=PAUSE, least=THREADED_SAMPLE) if threads > 1 else dict(least=SAMPLE)
    for case in cases:
        works = {peer: work for peer in peers if (work := peer.work(case)) is not None}
        check(case, {peer: arrays(peer, work()) for peer, work in works.items()})
        works = {peer.name: work for peer, work in works.items()}
        times = interleaved(works, rounds, clock, PATIENCE.get(case.group, 4.0), **options).per(case.per)
        # The budgets are for one thread.
        rows.append(Row(case.group, case.title, threads, times, case.budget if threads == 1 else None))
        print(lines.times(rows[-1]), flush=True)
    if IMPORT_GROUP in groups and text in IMPORT_GROUP:
        modules = {peer.name: peer.module for peer in peers if peer.name == peer.distribution}  # jax once
        seconds = import_times(modules.values(), rounds, clock=child_clock)
        times = {name: seconds[module] for name, module in modules.items()}
        rows.append(Row(IMPORT_GROUP, "import", threads, times, limit=IMPORT_BUDGET))
        print(lines.times(rows[-1]), flush=True)
    return description, names, rows


def table(names):
    """Return the layout for these peers."""
    return Table(names, max(map(len, CASES)), REFERENCE.name)


def describe(peers):
    """Return what the numbers depend on: versions, interpreter, CPU level, and what else the machine was doing."""
    versions = ", ".join(f"{peer.name} {peer.version}" for peer in peers if peer.name == peer.distribution)
    level = OURS.m.show_config().splitlines()[1]
    load = f"; load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{versions}, Python {platform.python_version()}, {os.cpu_count()} CPUs; {level.strip()}{load}"
