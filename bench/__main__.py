"""Time the cases on all peers that are installed, each in its turn; the exit status tells if all budgets were kept.

What the peers compute is compared first. A line of times comes as soon as it is known, the ratios at the end.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from bench.peers import OURS, REFERENCE
from bench.run import GROUPS, measured, table

THREADED = ("large", "model")  # groups where a second thread has something to do


def main(arguments=None):
    """Measure what was asked for, each number of threads in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"what to run (default: all): {', '.join(GROUPS)}")
    parser.add_argument("-k", metavar="TEXT", default="", help="only the cases whose title contains this")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="(default: 1, and 2 for large and model)")
    parser.add_argument("--rounds", type=int, default=25, help="samples of each time, of which the median is shown")
    parser.add_argument("--cpu-time", action="store_true", help="not wall time: for one thread on a busy machine")
    parser.add_argument("--markdown", metavar="FILE", help="write the ratios to a file, too")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    if any(threads < 1 for threads in options.threads or ()):
        parser.error(f"no number of threads: {min(options.threads)}")
    wanted = options.groups or GROUPS
    plan = {1: wanted, 2: [group for group in wanted if group in THREADED]}
    if options.threads:
        plan = dict.fromkeys(options.threads, wanted)
    if options.cpu_time:
        if options.threads and set(options.threads) != {1}:
            parser.error("with more than one thread, CPU time tells what all threads take together")
        plan = {1: wanted}

    rows, description = [], ""
    for threads, groups in plan.items():
        if groups:
            # The libraries look at the number of threads when they are loaded.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                run = process.submit(measured, threads, groups, options.k, options.rounds, options.cpu_time)
                description, names, more = run.result()
                rows += more
    if not rows:
        parser.error(f"no title contains {options.k!r}")
    summary = table(names).summary(rows)
    print(*summary, sep="\n")
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            print(description, *summary, sep="\n", file=file)
    return sum(row.budget(OURS.name, REFERENCE.name)[1] is False for row in rows)


if __name__ == "__main__":
    sys.exit(main() > 0)
