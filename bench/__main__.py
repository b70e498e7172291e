"""Time the cases on all peers that are installed, each in its turn; the exit status tells if all budgets were kept.

What the peers compute is compared first. A line of times comes as soon as it is known, the ratios at the end.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from bench import document, memory
from bench.peers import OURS, PEERS, REFERENCE
from bench.run import GROUPS, KERNEL_GROUP, measured, table

THREADED = ("large", "model", KERNEL_GROUP)  # groups where a second thread has something to do
MEMORY_GROUP = "memory"
ALL = (*GROUPS, MEMORY_GROUP)
USUAL = [group for group in GROUPS if group != KERNEL_GROUP]


HELP = f"what to run, of {', '.join(ALL)} (default: all but {KERNEL_GROUP}, which includes {MEMORY_GROUP})"


def main(arguments=None):
    """Measure what was asked for, each number of threads in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=HELP)
    parser.add_argument("-k", metavar="TEXT", default="", help="only the cases whose title contains this")
    parser.add_argument(
        "--threads", type=int, nargs="+", metavar="N", help=f"(default: 1, and 2 for {', '.join(THREADED)})"
    )
    parser.add_argument("--rounds", type=int, default=25, help="samples of each time, of which the median is shown")
    parser.add_argument("--cpu-time", action="store_true", help="not wall time: for one thread on a busy machine")
    parser.add_argument("--markdown", metavar="FILE", help="write the ratios to a file, too")
    parser.add_argument("--plot", metavar="FOLDER", help="write figures, and the tables of the page that is there")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - set(ALL):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    if any(threads < 1 for threads in options.threads or ()):
        parser.error(f"no number of threads: {min(options.threads)}")
    if options.plot:
        # Not after minutes of measuring.
        if find_spec("matplotlib") is None:
            parser.error("the figures need matplotlib: it comes with the extra `bench`")
        if not (Path(options.plot) / document.PAGE).is_file():
            parser.error(f"no {document.PAGE} in {options.plot}")
    wanted = [group for group in options.groups or USUAL if group != MEMORY_GROUP]
    wants_memory = not {MEMORY_GROUP, KERNEL_GROUP}.isdisjoint(options.groups)
    plan = {1: wanted, 2: [group for group in wanted if group in THREADED]}
    if options.threads:
        plan = dict.fromkeys(options.threads, wanted)
    if options.cpu_time:
        if options.threads and set(options.threads) != {1}:
            parser.error("with more than one thread, CPU time tells what all threads take together")
        plan = {1: wanted}

    rows, description, names = [], "", [peer.name for peer in PEERS]
    for threads, groups in plan.items():
        if groups:
            # The libraries look at the number of threads when they are loaded.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                run = process.submit(measured, threads, groups, options.k, options.rounds, options.cpu_time)
                description, names, more = run.result()
                rows += more
    peaks = []
    if wants_memory and (found := memory.peaks(options.k)):
        peaks = memory.lines_of(
            found, [peer.name for peer in PEERS if any(peer.name in peak for peak in found.values())]
        )
    if not rows and not peaks:
        parser.error(f"no title contains {options.k!r}")
    summary = (table(names).summary(rows) if rows else []) + (["", *peaks] if peaks else [])
    print(*summary, sep="\n")
    if options.plot:
        for path in document.write(options.plot, description, rows, table(names), peaks):
            print(f"wrote {path}")
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            print(description, *summary, sep="\n", file=file)
    return sum(row.budget(OURS.name, REFERENCE.name)[1] is False for row in rows)


if __name__ == "__main__":
    sys.exit(main() > 0)
