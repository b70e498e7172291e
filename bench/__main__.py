"""The table of cases against peers and budgets; the exit status tells whether all budgets were kept."""

import argparse
import os
import sys
import time

from bench.cases import CASES, IMPORT_BUDGET
from bench.measure import import_times, interleaved, time_of_children
from bench.peers import OURS, PEERS, REFERENCE

IMPORT_GROUP = "import"
UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def main(arguments=None):
    """Measure what was asked for, printing each row when it is known."""
    groups = list(dict.fromkeys(case.group for case in CASES.values())) + [IMPORT_GROUP]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"what to run (default: all): {', '.join(groups)}")
    parser.add_argument("--rounds", type=int, default=25, help="samples of each time, of which the median is shown")
    parser.add_argument("--cpu-time", action="store_true", help="not wall time: for a machine that is busy")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - set(groups):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    wanted = options.groups or groups

    clock = child_clock = time.perf_counter
    if options.cpu_time:
        clock, child_clock = time.process_time, time_of_children
    peers = [peer for peer in PEERS if peer.is_installed]
    modules = {peer: peer.load() for peer in peers}
    print(describe(modules))
    table = Table([peer.name for peer in peers], width=max(map(len, CASES)))
    for case in CASES.values():
        if case.group in wanted:
            setups = {peer: case.setups[peer.api] for peer in peers if peer.api in case.setups}
            works = {peer.name: setup(modules[peer]) for peer, setup in setups.items()}
            times = interleaved(works, options.rounds, clock)
            table.add(case.title, {name: seconds / case.per for name, seconds in times.items()}, case.budget)
    if IMPORT_GROUP in wanted:
        times = import_times([peer.name for peer in peers], options.rounds, clock=child_clock)
        table.add("import", times, limit=IMPORT_BUDGET)
    return table.missed


def describe(modules):
    """Return what the numbers depend on: versions, CPU level, interpreter."""
    versions = ", ".join(f"{peer.name} {module.__version__}" for peer, module in modules.items())
    level = modules[OURS].show_config().splitlines()[1]
    return f"{versions}, Python {sys.version.split()[0]}, {os.cpu_count()} CPUs\n{level}\n"


class Table:
    """A Markdown table, printed row by row."""

    def __init__(self, names, width):
        self.names = names
        self.missed = 0  # budgets
        self.widths = [width] + [max(10, len(name)) for name in names] + [7, 6, 3]
        self.print("", *names, "ratio", "budget", "ok")
        self.print("-" * width, *("-" * (other - 1) + ":" for other in self.widths[1:]))

    def print(self, first, *others):
        """Print a line, the first column to the left and the others to the right."""
        cells = [first.ljust(self.widths[0])]
        cells += [text.rjust(width) for text, width in zip(others, self.widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |", flush=True)

    def add(self, title, times, least_ratio=None, limit=None):
        """Print a row; its budget is how many times less than the reference it has to take, or a time in seconds."""
        ratio = times[REFERENCE.name] / times[OURS.name] if REFERENCE.name in times else None
        budget, is_kept = "", None  # None: nothing can be said
        if limit is not None:
            budget, is_kept = readable(limit), times[OURS.name] <= limit
        elif least_ratio is not None:
            budget, is_kept = f"{least_ratio:g}x", None if ratio is None else ratio >= least_ratio
        self.missed += is_kept is False
        texts = [readable(times[name]) if name in times else "" for name in self.names]
        verdict = {None: "", True: "yes", False: "NO"}[is_kept]
        self.print(title, *texts, "" if ratio is None else f"{ratio:.1f}x", budget, verdict)


def readable(seconds):
    """Return a time in the unit that suits it, with three digits."""
    unit, scale = next((row for row in UNITS if abs(seconds) >= row[1]), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


if __name__ == "__main__":
    sys.exit(main() > 0)
