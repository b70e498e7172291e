# The team: the threads that share large jobs.
#
# Note [Jobs]
# A job is a C function and a number of units.  Each unit writes what no other one does, and what a unit
# computes depends on its number alone: so the bits are the same for any number of threads, and for any
# way in which the units are shared out.
#
# A. There is one team, reserved (`reserve_team`) while the interpreter's lock is held.  Who finds it
#    taken, or has too little to share, works alone: so no worker waits for another's job, and a kernel
#    that runs on a worker has no team.  BLAS has threads of its own, and is called by nobody's worker.
# B. Each thread has a section of the units, of which it takes some at a time; who is through with it
#    takes of the others'.  In the next operation on tensors of that size it will have the same elements,
#    which are in its processor's cache then.
# C. Workers are started at the first shared job and sleep on a lock of their own between jobs.  They
#    know nothing of Python.  A job does not wait for a worker that is slow to wake: one that comes when
#    all units are taken goes back to sleep, as does one from a time when more threads were wanted.
# D. To wake a thread takes some microseconds, and up to 50 on a virtual machine.  So a worker looks for
#    the next job for a while (PATIENCE) before it sleeps, and the caller does so for the end of the last
#    unit, unless BLAS has come by meanwhile (`rest_team`), whose threads need the processors.
# E. The locks are CPython's, which are there on every platform.  `turn` guards all of the team but
#    `busy`, which the interpreter's lock guards, and what a job points to; `jobs`, `active` and `resting`
#    are also looked at without it, where a stale value does no harm.
# F. After a fork the child has no workers, and forgets those of its parent: the next job starts its own.

cdef extern from "pythread.h":
    ctypedef void *PyThread_type_lock
    PyThread_type_lock PyThread_allocate_lock() noexcept
    int PyThread_acquire_lock(PyThread_type_lock, int) noexcept
    void PyThread_release_lock(PyThread_type_lock) noexcept
    unsigned long PyThread_start_new_thread(void (*)(void *) noexcept, void *) noexcept
    const unsigned long PYTHREAD_INVALID_THREAD_ID
    const int WAIT_LOCK
    const int NOWAIT_LOCK

cdef extern from *:
    """
    #include <time.h>

    /* Another thread's int, read once and now, whatever it may be. */
    #if defined(__GNUC__)
      #define AG_LOOK(p) __atomic_load_n(p, __ATOMIC_RELAXED)
      #define AG_SHOW(p, value) __atomic_store_n(p, value, __ATOMIC_RELAXED)
    #else
      #define AG_LOOK(p) (*(volatile int *)(p))
      #define AG_SHOW(p, value) (*(volatile int *)(p) = (value))
    #endif

    /* Tell the processor that this is a loop that waits. */
    #if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
      #define AG_PAUSE() __builtin_ia32_pause()
    #elif defined(__GNUC__) && defined(__aarch64__)
      #define AG_PAUSE() __asm__ volatile("isb" ::: "memory")
    #elif defined(_MSC_VER)
      #include <intrin.h>
      #if defined(_M_ARM64)
        #define AG_PAUSE() __isb(_ARM64_BARRIER_SY)
      #else
        #define AG_PAUSE() _mm_pause()
      #endif
    #else
      #define AG_PAUSE() ((void)0)
    #endif

    static long long ag_nanoseconds(void) {
        struct timespec t;
    #ifdef _WIN32
        timespec_get(&t, TIME_UTC);
    #else
        clock_gettime(CLOCK_MONOTONIC, &t);
    #endif
        return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    """
    int AG_LOOK(int *) noexcept
    void AG_SHOW(int *, int) noexcept
    void AG_PAUSE() noexcept
    long long ag_nanoseconds() noexcept

ctypedef void (*Job)(void *context, Py_ssize_t start, Py_ssize_t stop, int thread) noexcept

cdef enum:
    MOST_THREADS = 64
    # Elements that are worth the waking of a worker (some microseconds).
    GRAIN = 1 << 15
    # Elements that are worth taking at a time (a tenth of a microsecond).
    SHARE = 1 << 13
    # From so many elements on, a kernel runs without the interpreter's lock.
    UNLOCK = 1 << 14
    # Nanoseconds of looking for what is about to come, before sleeping.
    PATIENCE = 100_000

cdef struct Worker:
    PyThread_type_lock wake
    bint asleep
    int number

cdef struct Section:
    Py_ssize_t next            # unit that nobody has taken
    Py_ssize_t stop

cdef struct Team:
    int wanted                 # threads, the caller's own among them; 0: not asked for yet
    bint busy
    int workers                # that have been started
    int members                # threads that may take part in the job: the caller's, and the first workers
    PyThread_type_lock turn
    PyThread_type_lock idle    # the caller waits here for the workers to finish
    Job job
    void *context
    int jobs                   # that there have been
    Section section[MOST_THREADS]
    Py_ssize_t left            # units that nobody has taken
    Py_ssize_t share           # units that are taken together
    int active                 # workers that have taken some
    bint awaited
    int resting                # who looks for a job is to sleep
    Worker worker[MOST_THREADS]

cdef Team team


cdef bint changes(int *watched, int value) noexcept:
    """Look at what other threads write for a while: whether it is something else than the value."""
    cdef long long until = ag_nanoseconds() + PATIENCE, now
    cdef int k
    while True:
        for k in range(32):
            if AG_LOOK(watched) != value:
                return True
            if AG_LOOK(&team.resting):
                return False
            AG_PAUSE()
        now = ag_nanoseconds()
        if now >= until or now < until - PATIENCE:  # a clock that was set back
            return False


cdef void take_turn() noexcept:
    """Acquire `turn`, which others hold for some nanoseconds, if they are not interrupted."""
    cdef int k
    for k in range(64):
        if PyThread_acquire_lock(team.turn, NOWAIT_LOCK):
            return
        AG_PAUSE()
    PyThread_acquire_lock(team.turn, WAIT_LOCK)


cdef void take_shares(int thread) noexcept:
    """Do what is left of the job, one's own section first.  `turn` is held at both ends, and let go of meanwhile."""
    cdef Section *section
    cdef Py_ssize_t start, stop
    cdef int k
    for k in range(team.members):
        section = &team.section[(thread + k) % team.members]
        while section.next < section.stop:
            start = section.next
            stop = min(start + team.share, section.stop)
            section.next = stop
            team.left -= stop - start
            PyThread_release_lock(team.turn)
            team.job(team.context, start, stop, thread)
            take_turn()


cdef void be_worker(void *argument) noexcept:
    """The life of a worker."""
    cdef Worker *self = <Worker *>argument
    cdef int seen
    take_turn()
    while True:
        seen = team.jobs
        if team.left and self.number < team.members:
            AG_SHOW(&team.active, team.active + 1)
            take_shares(self.number)
            AG_SHOW(&team.active, team.active - 1)
            if team.active == 0 and team.awaited:
                team.awaited = False
                PyThread_release_lock(team.idle)
        PyThread_release_lock(team.turn)
        changes(&team.jobs, seen)
        take_turn()
        if team.jobs == seen:
            self.asleep = True
            PyThread_release_lock(team.turn)
            PyThread_acquire_lock(self.wake, WAIT_LOCK)
            take_turn()


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
    team.left = 0


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


cdef void rest_team() noexcept:
    """Have workers without a job sleep at once."""
    AG_SHOW(&team.resting, True)


cdef void share_out(Job job, void *context, Py_ssize_t units, Py_ssize_t least) noexcept:
    """Do a job with the reserved team, without the interpreter's lock; at least so many units at a time.

    The job is told the number of the thread, which is less than `team.members`.
    """
    cdef bint asleep[MOST_THREADS]
    cdef Py_ssize_t begin = 0
    cdef int k, wanted
    take_turn()
    team.job = job
    team.context = context
    # Some more shares than threads: one that is held up by something else then takes fewer.
    team.share = max(least, (units + 4 * team.members - 1) // (4 * team.members))
    team.share = (team.share + least - 1) // least * least
    for k in range(team.members):
        team.section[k].next = begin
        begin = min((units * (k + 1) // team.members + least - 1) // least * least, units)
        team.section[k].stop = begin
    team.left = units
    wanted = <int>min((units + team.share - 1) // team.share, <Py_ssize_t>team.members) - 1
    for k in range(wanted):
        asleep[k] = team.worker[k].asleep
        team.worker[k].asleep = False
    AG_SHOW(&team.resting, False)
    AG_SHOW(&team.jobs, (team.jobs + 1) & 0xFFFF)
    PyThread_release_lock(team.turn)
    for k in range(wanted):
        if asleep[k]:
            PyThread_release_lock(team.worker[k].wake)
    take_turn()
    take_shares(0)
    while team.active > 0:
        PyThread_release_lock(team.turn)
        k = changes(&team.active, AG_LOOK(&team.active))
        take_turn()
        team.awaited = not k and team.active > 0
        if team.awaited:
            PyThread_release_lock(team.turn)
            PyThread_acquire_lock(team.idle, WAIT_LOCK)
            take_turn()
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
