# The team: the threads that share large jobs.
#
# Note [Jobs]
# A job is a C function and a number of units; whoever is free takes the next few units.  Each unit
# writes what no other one does, and what a unit computes depends on its number alone: so the bits are
# the same for any number of threads, and for any way in which the units are shared out.
#
# A. There is one team, reserved (`reserve_team`) while the interpreter's lock is held.  Who finds it
#    taken, or has too little to share, works alone: so no worker waits for another's job, and a kernel
#    that runs on a worker has no team.  BLAS has threads of its own, and is called by nobody's worker.
# B. Workers are started at the first shared job and sleep on a lock of their own between jobs.  They
#    know nothing of Python.  A job does not wait for a worker that is slow to wake: one that comes when
#    all units are taken goes back to sleep, as does one from a time when more threads were wanted.
# C. The locks are CPython's, which are there on every platform.  `turn` guards all of the team but
#    `busy`, which the interpreter's lock guards, and what a job points to.
# D. After a fork the child has no workers, and forgets those of its parent: the next job starts its own.

cdef extern from "pythread.h":
    ctypedef void *PyThread_type_lock
    PyThread_type_lock PyThread_allocate_lock() noexcept
    int PyThread_acquire_lock(PyThread_type_lock, int) noexcept
    void PyThread_release_lock(PyThread_type_lock) noexcept
    unsigned long PyThread_start_new_thread(void (*)(void *) noexcept, void *) noexcept
    const unsigned long PYTHREAD_INVALID_THREAD_ID
    const int WAIT_LOCK

ctypedef void (*Job)(void *context, Py_ssize_t start, Py_ssize_t stop, int thread) noexcept

cdef enum:
    MOST_THREADS = 64
    # Elements that are worth the waking of a worker (some microseconds).
    GRAIN = 1 << 15
    # From so many elements on, a kernel runs without the interpreter's lock.
    UNLOCK = 1 << 14

cdef struct Worker:
    PyThread_type_lock wake
    bint asleep
    int number

cdef struct Team:
    int wanted                 # threads, the caller's own among them; 0: not asked for yet
    bint busy
    int workers                # that have been started
    int members                # threads that may take part in the job: the caller's, and the first workers
    PyThread_type_lock turn
    PyThread_type_lock idle    # the caller waits here for the workers to finish
    Job job
    void *context
    Py_ssize_t next            # unit that nobody has taken
    Py_ssize_t stop
    Py_ssize_t share           # units that are taken together
    int active                 # workers that have taken some
    bint awaited
    Worker worker[MOST_THREADS]

cdef Team team


cdef void take_shares(int thread) noexcept:
    """Do what is left of the job.  `turn` is held at both ends, and let go of meanwhile."""
    cdef Py_ssize_t start, stop
    while team.next < team.stop:
        start = team.next
        stop = min(start + team.share, team.stop)
        team.next = stop
        PyThread_release_lock(team.turn)
        team.job(team.context, start, stop, thread)
        PyThread_acquire_lock(team.turn, WAIT_LOCK)


cdef void be_worker(void *argument) noexcept:
    """The life of a worker."""
    cdef Worker *self = <Worker *>argument
    PyThread_acquire_lock(team.turn, WAIT_LOCK)
    while True:
        if team.next < team.stop and self.number < team.members:
            team.active += 1
            take_shares(self.number)
            team.active -= 1
            if team.active == 0 and team.awaited:
                team.awaited = False
                PyThread_release_lock(team.idle)
        self.asleep = True
        PyThread_release_lock(team.turn)
        PyThread_acquire_lock(self.wake, WAIT_LOCK)
        PyThread_acquire_lock(team.turn, WAIT_LOCK)


cdef PyThread_type_lock held_lock() noexcept:
    """A new lock that is held; NULL where there is none."""
    cdef PyThread_type_lock lock = PyThread_allocate_lock()
    if lock != NULL:
        PyThread_acquire_lock(lock, WAIT_LOCK)
    return lock


cdef void start_workers(int count) noexcept:
    """Start those that are missing, as far as the system has them.  `busy` is set, and there is no job."""
    cdef Worker *w
    while team.workers < count:
        w = &team.worker[team.workers]
        w.number = team.workers + 1
        w.asleep = False
        w.wake = held_lock()
        if w.wake == NULL or PyThread_start_new_thread(be_worker, w) == PYTHREAD_INVALID_THREAD_ID:
            return
        team.workers += 1


def _forget_workers():
    """In the child of a fork: the workers, and whoever held a lock, are not there."""
    team.workers = 0
    team.busy = False
    team.turn = team.idle = NULL
    team.active = 0
    team.awaited = False
    team.next = team.stop = 0


cdef bint set_up_team() noexcept:
    """Make the locks; False where the system has none."""
    if team.turn != NULL and team.idle != NULL:
        return True
    team.turn = PyThread_allocate_lock()
    team.idle = held_lock()
    return team.turn != NULL and team.idle != NULL


cdef bint reserve_team(Py_ssize_t elements) noexcept:
    """Take the team for a job of so many elements, if it is worth it and the team is free."""
    if elements < 2 * GRAIN or team.busy or number_of_threads() < 2 or not set_up_team():
        return False
    team.busy = True
    start_workers(team.wanted - 1)
    team.members = min(team.wanted, team.workers + 1)
    if team.members < 2:
        team.busy = False
    return team.busy


cdef void leave_team(bint reserved) noexcept:
    """End what `reserve_team` began."""
    if reserved:
        team.busy = False


cdef void share_out(Job job, void *context, Py_ssize_t units, Py_ssize_t least) noexcept:
    """Do a job with the reserved team, without the interpreter's lock; at least so many units at a time.

    The job is told the number of the thread, which is less than `team.members`.
    """
    cdef int wanted, k
    PyThread_acquire_lock(team.turn, WAIT_LOCK)
    team.job = job
    team.context = context
    team.next = 0
    team.stop = units
    # Some more shares than threads: one that is held up by something else then takes fewer.
    team.share = max(least, (units + 4 * team.members - 1) // (4 * team.members))
    team.share = (team.share + least - 1) // least * least
    wanted = <int>min((units + team.share - 1) // team.share, <Py_ssize_t>team.members) - 1
    for k in range(wanted):
        if team.worker[k].asleep:
            team.worker[k].asleep = False
            PyThread_release_lock(team.worker[k].wake)
    take_shares(0)
    team.awaited = team.active > 0
    if team.awaited:
        PyThread_release_lock(team.turn)
        PyThread_acquire_lock(team.idle, WAIT_LOCK)
        PyThread_acquire_lock(team.turn, WAIT_LOCK)
    team.next = team.stop = 0
    PyThread_release_lock(team.turn)


cdef int number_of_threads() noexcept:
    """How many threads a job may have."""
    if team.wanted == 0:
        team.wanted = 1                        # should the next line fail
        try:
            from ._threads import default_number, when_forked
            when_forked(_forget_workers)
            team.wanted = min(max(<int>default_number(), 1), <int>MOST_THREADS)
        except Exception:
            team.wanted = 1
    return team.wanted


@function
def get_num_threads():
    """How many threads an operation on a large tensor may use, the caller's own among them.

    Returns
    -------
    int
        At first the number of processors that the process may run on, or what the environment variable
        OMP_NUM_THREADS says where that is less.
    """
    return number_of_threads()


@function
def set_num_threads(num):
    """Say how many threads an operation on a large tensor may use.

    Results do not depend on it, to the last bit, but for products of matrices: those are numpy's, whose
    BLAS has threads of its own, which this does not change.

    Parameters
    ----------
    num : int
        At least 1; more than 64 are not used.

    Raises
    ------
    RuntimeError
        If it is not a positive integer.
    """
    if isinstance(num, bool) or not isinstance(num, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    number_of_threads()                        # so that forks are looked after
    team.wanted = min(num, <int>MOST_THREADS)
