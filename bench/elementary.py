"""The elementary functions on an array that leaves the caches, against a plain copy of it.

    python -m bench.elementary              a table: the time of an element, copies, PyTorch
    python -m bench.elementary --write docs puts it into the documentation's page, too

A copy reads the array once and writes as much, which each function has to do as well; all take turns with it, on one
thread. The table says in how many copies' time a function is done, and how many times as long PyTorch takes.
"""

import argparse
from functools import partial
from pathlib import Path

from bench.document import PAGE, write_section
from bench.measure import interleaved
from bench.peers import OURS, REFERENCE, limit_threads, load_peers
from bench.run import describe

SIZE = 4_000_000  # 32 MB each: beyond any second-level cache, and most third-level ones
LIMIT = 1.5  # copies

# By name the ends of the interval that the arguments are from, two of them where there are two arguments.
FUNCTIONS = {
    **dict.fromkeys(("exp", "exp2", "expm1"), ((-10.0, 10.0),)),
    **dict.fromkeys(("log", "log2", "log10", "log1p", "sqrt", "rsqrt"), ((0.1, 10.0),)),
    **dict.fromkeys(("sin", "cos", "tan"), ((-10.0, 10.0),)),
    **dict.fromkeys(("asin", "acos", "atanh"), ((-0.99, 0.99),)),
    "atan": ((-10.0, 10.0),),
    "atan2": ((-10.0, 10.0), (-10.0, 10.0)),
    **dict.fromkeys(("sinh", "cosh", "tanh", "asinh"), ((-10.0, 10.0),)),
    "acosh": ((1.1, 10.0),),
    **dict.fromkeys(("sigmoid", "softplus", "erf", "erfc"), ((-5.0, 5.0),)),
    **dict.fromkeys(("lgamma", "digamma"), ((0.1, 10.0),)),
    "pow": ((0.1, 10.0), (-3.0, 3.0)),
}


def function_of(module, name):
    """Return a module's function."""
    return getattr(module, name, None) or getattr(module.nn.functional, name)


def arguments_of(name, size):
    """Return the arguments of a function as numpy's arrays."""
    import numpy as np  # not before it is known how many threads it may have

    generator = np.random.default_rng(0)
    return [generator.uniform(low, high, size) for low, high in FUNCTIONS[name]]


def works_of(name, peers, size):
    """Return what is timed for a function: a copy, called "copy", and each peer's function."""
    arrays = arguments_of(name, size)
    works = {}
    for peer in peers:
        tensors = [peer.array(x) for x in arrays]
        works[peer.name] = partial(function_of(peer.m, name), *tensors)
        if peer is OURS:
            works["copy"] = tensors[0].clone
    return works


def main(arguments=None):
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.elementary", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE, help="elements of an array")
    parser.add_argument("--write", metavar="FOLDER", help=f"of {PAGE}")
    options = parser.parse_args(arguments)
    limit_threads(1)
    peers, _ = load_peers(1, {OURS.name, REFERENCE.name})
    lines = [
        describe(peers),
        "",
        f"| function | an element | copies | within {LIMIT} | torch |",
        "|---|---:|---:|---|---:|",
    ]
    for name in FUNCTIONS:
        times = interleaved(works_of(name, peers, options.size), rounds=15)
        copies = times.ratio("copy", OURS.name)
        theirs = f"{times.ratio(OURS.name, REFERENCE.name):.1f}x" if REFERENCE.name in times else ""
        verdict = "yes" if copies <= LIMIT else "no"
        nanoseconds = times[OURS.name] / options.size * 1e9
        lines.append(f"| `{name}` | {nanoseconds:.2f} ns | {copies:.2f} | {verdict} | {theirs} |")
        print(lines[-1], flush=True)
    if options.write:
        write_section(Path(options.write) / PAGE, "elementary", lines)


if __name__ == "__main__":
    main()
