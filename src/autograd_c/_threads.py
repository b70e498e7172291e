"""What the core's threads have to know of the system; imported when the first large job asks how many there may be."""

import os


def default_number():
    """The number of threads to begin with: of the processors that this process may use, or fewer if the user says so.

    Returns
    -------
    int
        At least 1.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # a list has one for each level of nesting
    return min(processors, int(asked)) if asked.isdecimal() and int(asked) > 0 else processors


def when_forked(forget):
    """Have a function called in the child of each fork, where there is such a thing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)
