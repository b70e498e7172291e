# The shared iterator: how every elementwise operation and reduction walks over memory.
#
# A. It broadcasts, orders and merges dimensions, and cuts the walk into runs for kernels.  What
#    has another stride (a transposed operand) or another dtype passes through a block that fits the
#    first-level cache; so promotion costs no tensor, and no kernel knows of strides.
# B. Same-shaped contiguous operands and 0-d ones never get here: see `unary_into`, `binary_into`.
#    They call the same kernels, so the bits are the same.
# C. What runs along an axis (a cumulative sum, softmax) gets whole lines, `walk_lines`: packed where
#    they are no runs, a tile of neighbouring lines at a time.  So are strips of runs where an operand
#    is transposed: one run after the other would take a double of each of its cache lines.
# D. A large walk is shared out among threads: some of one dimension's steps for each, Note [Jobs].

cdef struct Walk:
    int ndim
    int operands
    bint streams               # the result is written past the caches, Note [Streams]
    bint spreads               # the kernel wants operands that move: others are spread over a block
    bint lines                 # a run is a line, which the kernel wants whole and alone
    Py_ssize_t numel
    char *p[MAX_OPERANDS]
    int kind[MAX_OPERANDS]     # dtype in memory
    int want[MAX_OPERANDS]     # dtype that the kernel sees
    Py_ssize_t sizes[MAX_DIMS]
    Py_ssize_t strides[MAX_OPERANDS][MAX_DIMS]


cdef void walk_start(Walk *w, Layout form) noexcept:
    """Begin a walk over these sizes."""
    w.ndim = form.ndim
    w.operands = 0
    w.streams = w.spreads = w.lines = False
    w.numel = form.numel
    memcpy(w.sizes, form.sizes, form.ndim * sizeof(Py_ssize_t))


cdef void walk_add(Walk *w, char *p, Layout form, int kind, int want) noexcept:
    """Add an operand whose sizes broadcast to the walk's; the written one first."""
    cdef int k = w.operands, d, shift = w.ndim - form.ndim
    w.operands += 1
    w.p[k] = p
    w.kind[k] = kind
    w.want[k] = want
    for d in range(shift):
        w.strides[k][d] = 0
    for d in range(form.ndim):
        w.strides[k][d + shift] = form.strides[d] if form.sizes[d] != 1 else 0


cdef void walk_simplify(Walk *w) noexcept:
    """Drop dimensions of size 1, put small strides last, merge what can be walked as one."""
    cdef int d, e, k, n = 0
    cdef bint joined
    for d in range(w.ndim):
        if w.sizes[d] == 1:
            continue
        w.sizes[n] = w.sizes[d]
        for k in range(w.operands):
            w.strides[k][n] = w.strides[k][d]
        n += 1
    for d in range(1, n):                       # insertion sort: few dimensions, mostly in order
        e = d
        while e > 0 and walk_before(w, e, e - 1):
            walk_swap(w, e, e - 1)
            e -= 1
    w.ndim = 0
    for d in range(n):
        if w.ndim:
            joined = True
            for k in range(w.operands):
                if w.strides[k][w.ndim - 1] != w.strides[k][d] * w.sizes[d]:
                    joined = False
                    break
            if joined:
                w.sizes[w.ndim - 1] *= w.sizes[d]
                for k in range(w.operands):
                    w.strides[k][w.ndim - 1] = w.strides[k][d]
                continue
        w.sizes[w.ndim] = w.sizes[d]
        for k in range(w.operands):
            w.strides[k][w.ndim] = w.strides[k][d]
        w.ndim += 1


cdef bint walk_before(Walk *w, int d, int e) noexcept:
    """Whether dimension d should be walked outside of e: the first operand that can tell decides."""
    cdef int k
    for k in range(w.operands):
        if w.strides[k][d] and w.strides[k][e] and w.strides[k][d] != w.strides[k][e]:
            return w.strides[k][d] > w.strides[k][e]
    return False


cdef void walk_swap(Walk *w, int d, int e) noexcept:
    cdef int k
    w.sizes[d], w.sizes[e] = w.sizes[e], w.sizes[d]
    for k in range(w.operands):
        w.strides[k][d], w.strides[k][e] = w.strides[k][e], w.strides[k][d]


cdef void walk_run(Walk *w, Kernel kernel, const double *c) noexcept:
    """Call the kernel on every run."""
    cdef PyThreadState *unlocked
    cdef bint reserved
    cdef WalkJob job
    if w.numel == 0:
        return
    walk_simplify(w)
    if w.numel < UNLOCK:
        walk_runs(w, kernel, c)
        return
    w.streams = AG_STREAMS and w.numel >= STREAM and kernel != copy_run_8      # memcpy decides for itself
    job.walk = w
    job.kernel = kernel
    job.c = c
    job.n = 0
    reserved = shared_dimension(&job, w.ndim) and reserve_team(w.numel)
    unlocked = PyEval_SaveThread()
    if reserved:
        share_out(walk_part, &job, w.sizes[job.dimension], job.least)
    else:
        walk_runs(w, kernel, c)
    PyEval_RestoreThread(unlocked)
    leave_team(reserved)


cdef struct WalkJob:
    Walk *walk
    Kernel kernel
    const double *c
    int dimension              # the steps of which are the units
    Py_ssize_t least           # of them at a time
    Py_ssize_t n               # length of packed lines, 0 for runs
    Py_ssize_t tile
    const Py_ssize_t *along
    int64_t *room              # for each thread its own


cdef bint shared_dimension(WalkJob *job, int ndim) noexcept:
    """Choose the dimension whose steps are shared out among the first ndim, the longest; False where none can be."""
    cdef Walk *w = job.walk
    cdef int d, last = w.ndim - 1
    cdef Py_ssize_t each, whole, least
    job.dimension = -1
    for d in range(w.ndim):
        if w.sizes[d] > 1 and w.strides[0][d] == 0:
            return False                       # elements that are written again
    for d in range(ndim):
        # Blocks stay whole, and so do tiles where there are enough.
        whole = BLOCK if d == last and job.n == 0 else TILE if job.n or w.sizes[d] >= 8 * TILE else 1
        each = w.numel // w.sizes[d]
        least = (SHARE + each - 1) // each
        least = (least + whole - 1) // whole * whole
        if 2 * least <= w.sizes[d] and (job.dimension < 0 or w.sizes[d] > w.sizes[job.dimension]):
            job.dimension = d
            job.least = least
    return job.dimension >= 0


cdef void walk_part(void *context, Py_ssize_t start, Py_ssize_t stop, int thread) noexcept:
    """Some steps of the walk's shared dimension."""
    cdef WalkJob *job = <WalkJob *>context
    cdef Walk part
    cdef int k
    memcpy(&part, job.walk, sizeof(Walk))
    for k in range(part.operands):
        part.p[k] += start * part.strides[k][job.dimension] * item_size(part.kind[k])
    part.sizes[job.dimension] = stop - start
    if job.room == NULL or job.n == 0:
        walk_runs(&part, job.kernel, job.c)
    else:
        walk_tiles(&part, job.n, job.n, job.tile, job.along, job.room + thread * room_of_tiles(&part, job.n, job.tile),
                   job.kernel, job.c)


cdef int walk_lines(Walk *w, int axis, Kernel kernel, const double *c) except -1:
    """Call the kernel on every line along an axis, whole."""
    cdef PyThreadState *unlocked
    cdef Py_ssize_t n = w.sizes[axis] if w.ndim else 1
    cdef Py_ssize_t along[MAX_OPERANDS]
    cdef bint direct = True, reserved
    cdef WalkJob job
    cdef int k, others
    if w.numel == 0:
        return 0
    w.lines = True
    for k in range(w.operands):
        along[k] = w.strides[k][axis] if w.ndim else 0
        if line_is_packed(w, k, n, along[k]):
            direct = False
    if w.ndim:
        w.sizes[axis] = 1                       # the others are simplified without it
    walk_simplify(w)
    others = w.ndim
    job.walk = w
    job.kernel = kernel
    job.c = c
    job.n = n
    job.along = along
    job.room = NULL
    if direct:
        w.sizes[w.ndim] = n
        for k in range(w.operands):
            w.strides[k][w.ndim] = along[k]
        w.ndim += 1
    job.tile = min(w.sizes[others - 1], <Py_ssize_t>TILE) if others else 1
    reserved = w.numel >= UNLOCK and shared_dimension(&job, others) and reserve_team(w.numel)
    if not direct:
        job.room = <int64_t *>PyMem_RawMalloc((team.members if reserved else 1) * room_of_tiles(w, n, job.tile) * 8)
        if job.room == NULL:
            leave_team(reserved)
            raise MemoryError()
    unlocked = PyEval_SaveThread() if w.numel >= UNLOCK else NULL
    if reserved:
        share_out(walk_part, &job, w.sizes[job.dimension], job.least)
    elif direct:
        walk_runs(w, kernel, c)
    else:
        walk_tiles(w, n, n, job.tile, along, job.room, kernel, c)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)
    leave_team(reserved)
    PyMem_RawFree(job.room)
    return 0


cdef inline bint line_is_packed(Walk *w, int k, Py_ssize_t n, Py_ssize_t s) noexcept:
    """Whether a line of operand k, with stride s, cannot be given to a kernel as it lies in memory."""
    return w.kind[k] != w.want[k] or s > 1 or s < 0 or (s == 0 and n > 1 and (k == 0 or w.spreads))


cdef enum:
    ROOM = 6 * 1024            # elements that strips are packed into: a first-level cache
    APART = TILE               # between packed lines: a multiple of 4 kB would share cache sets


cdef Py_ssize_t room_of_tiles(const Walk *w, Py_ssize_t n, Py_ssize_t tile) noexcept:
    """The elements that `walk_tiles` needs room for."""
    return w.operands * tile * (n + APART)


cdef void walk_tiles(Walk *w, Py_ssize_t n, Py_ssize_t strip, Py_ssize_t tile, const Py_ssize_t *along, int64_t *room,
                     Kernel kernel, const double *c) noexcept:
    """Lines of n elements packed, so many elements of so many neighbours at a time.

    Elements next to each other in memory are then moved together.
    """
    cdef Py_ssize_t at[MAX_DIMS]
    cdef char *p[MAX_OPERANDS]
    cdef int last = w.ndim - 1, d, k
    cdef Py_ssize_t start, done, count = w.sizes[last] if last >= 0 else 1
    for k in range(w.operands):
        p[k] = w.p[k]
    for d in range(last):
        at[d] = 0
    while True:
        start = 0
        while start < count:
            done = 0
            while done < n:
                run_tile(w, min(n - done, strip), min(count - start, tile), done, start, p, along, room, kernel, c)
                done += strip
            start += tile
        d = last - 1
        while d >= 0:
            at[d] += 1
            for k in range(w.operands):
                p[k] += w.strides[k][d] * item_size(w.kind[k])
            if at[d] < w.sizes[d]:
                break
            at[d] = 0
            for k in range(w.operands):
                p[k] -= w.strides[k][d] * w.sizes[d] * item_size(w.kind[k])
            d -= 1
        if d < 0:
            return


cdef void run_tile(Walk *w, Py_ssize_t n, Py_ssize_t m, Py_ssize_t done, Py_ssize_t start, char **p,
                   const Py_ssize_t *along, int64_t *room, Kernel kernel, const double *c) noexcept:
    """n elements of m lines: the first `done` steps along it, the lines `start` along the walk's last dimension."""
    cdef char *q[MAX_OPERANDS]
    cdef Py_ssize_t s[MAX_OPERANDS]
    cdef Py_ssize_t step[MAX_OPERANDS]          # from line to line, in bytes
    cdef char *first[MAX_OPERANDS]
    cdef Py_ssize_t item, next_line, j
    cdef int64_t *result = room
    cdef int k
    for k in range(w.operands):
        item = item_size(w.kind[k])
        next_line = w.strides[k][w.ndim - 1] if w.ndim else 0
        first[k] = p[k] + (start * next_line + done * along[k]) * item
        step[k] = next_line * item
        s[k] = along[k]
        if line_is_packed(w, k, n, along[k]):
            q[k] = <char *>room
            room += m * (n + APART)
            if k:
                move_tile(n, m, first[k], along[k], next_line, w.kind[k], q[k], 1, n + APART, w.want[k])
            s[k] = 1
            step[k] = (n + APART) * item_size(w.want[k])
        else:
            q[k] = first[k]
    for j in range(m):
        kernel(n, q, s, c)
        for k in range(w.operands):
            q[k] += step[k]
    if line_is_packed(w, 0, n, along[0]):       # the first to be packed
        next_line = w.strides[0][w.ndim - 1] if w.ndim else 0
        move_tile(n, m, <char *>result, 1, n + APART, w.want[0], first[0], along[0], next_line, w.kind[0])


cdef int lines_into(Kernel kernel, int axis, Tensor y, Tensor a, Tensor b, Tensor e, int want,
                    const double *c) except -1:
    """A walk over the lines of y along an axis, with up to three operands that broadcast to it, or None."""
    cdef Walk w
    walk_start(&w, y.form)
    walk_add(&w, y.ptr, y.form, y.kind, want)
    walk_add(&w, a.ptr, a.form, a.kind, want)
    if b is not None:
        walk_add(&w, b.ptr, b.form, b.kind, want)
    if e is not None:
        walk_add(&w, e.ptr, e.form, e.kind, want)
    return walk_lines(&w, axis, kernel, c)


cdef void walk_runs(Walk *w, Kernel kernel, const double *c) noexcept:
    cdef Py_ssize_t at[MAX_DIMS]
    cdef Py_ssize_t s[MAX_OPERANDS]
    cdef char *p[MAX_OPERANDS]
    cdef Py_ssize_t n = 1
    cdef int last = w.ndim - 1, d, k
    cdef bint direct = True, streams
    for k in range(w.operands):
        p[k] = w.p[k]
        s[k] = 0
    if last >= 0:
        n = w.sizes[last]
        for k in range(w.operands):
            s[k] = w.strides[k][last]
    for k in range(w.operands):
        if line_is_packed(w, k, n, s[k]):
            direct = False
    if not direct and turn_transposed(w):
        walk_strips(w, kernel, c)
        return
    if (last > 0 and n <= NARROW and w.sizes[last - 1] >= TILE and not w.lines and kernel != copy_run_8
            and kernel != copy_run_1):
        walk_rows(w, kernel, c)
        return
    streams = w.streams and direct and n >= BLOCK and w.kind[0] == F64
    for k in range(1, w.operands):
        if p[k] == p[0]:
            streams = False
    for d in range(last):
        at[d] = 0
    while True:
        if streams:
            run_streamed(w, n, p, s, kernel, c)
        elif direct:
            kernel(n, p, s, c)
        else:
            run_packed(w, n, p, s, kernel, c)
        d = last - 1
        while d >= 0:
            at[d] += 1
            for k in range(w.operands):
                p[k] += w.strides[k][d] * item_size(w.kind[k])
            if at[d] < w.sizes[d]:
                break
            at[d] = 0
            for k in range(w.operands):
                p[k] -= w.strides[k][d] * w.sizes[d] * item_size(w.kind[k])
            d -= 1
        if d < 0:
            if streams:
                AG_FENCE()
            return


cdef enum:
    NARROW = 128               # elements of runs that are not worth a call each


cdef void walk_rows(Walk *w, Kernel kernel, const double *c) noexcept:
    """The runs where they are short: a block of some neighbours at a time, one after the other.

    An operand whose runs do not lie so is packed, and one that has the same run again is only once.
    """
    cdef BlockRoom room[MAX_OPERANDS]
    cdef Py_ssize_t at[MAX_DIMS]
    cdef Py_ssize_t t[MAX_OPERANDS]
    cdef Py_ssize_t packed[MAX_OPERANDS]        # runs that room has, where that can be
    cdef char *p[MAX_OPERANDS]
    cdef char *q[MAX_OPERANDS]
    cdef bint joined[MAX_OPERANDS]
    cdef int last = w.ndim - 1, rows = last - 1, d, k
    cdef Py_ssize_t n = w.sizes[last], most = BLOCK // n, start, m
    for k in range(w.operands):
        p[k] = w.p[k]
        t[k] = w.strides[k][last] != 0 or w.strides[k][rows] != 0 or w.spreads
        joined[k] = (w.kind[k] == w.want[k] and w.strides[k][last] == t[k]
                     and w.strides[k][rows] == n * w.strides[k][last])
    for d in range(rows):
        at[d] = 0
    while True:
        start = 0
        for k in range(w.operands):
            packed[k] = 0
        while start < w.sizes[rows]:
            m = min(w.sizes[rows] - start, most)
            for k in range(w.operands):
                q[k] = p[k] + start * w.strides[k][rows] * item_size(w.kind[k])
                if joined[k]:
                    continue
                if k and (w.strides[k][rows] or packed[k] < m):
                    move_rows(m if t[k] else 1, n if t[k] else 1, q[k], w.strides[k][rows], w.strides[k][last],
                              w.kind[k], <char *>room[k].of, n, 1, w.want[k])
                    packed[k] = m
                q[k] = <char *>room[k].of
            kernel(m * n, q, t, c)
            if not joined[0]:
                move_rows(m, n, q[0], n, 1, w.want[0], p[0] + start * w.strides[0][rows] * item_size(w.kind[0]),
                          w.strides[0][rows], w.strides[0][last], w.kind[0])
            start += m
        d = rows - 1
        while d >= 0:
            at[d] += 1
            for k in range(w.operands):
                p[k] += w.strides[k][d] * item_size(w.kind[k])
            if at[d] < w.sizes[d]:
                break
            at[d] = 0
            for k in range(w.operands):
                p[k] -= w.strides[k][d] * w.sizes[d] * item_size(w.kind[k])
            d -= 1
        if d < 0:
            return


cdef void run_streamed(Walk *w, Py_ssize_t n, char **p, const Py_ssize_t *s, Kernel kernel, const double *c) noexcept:
    """One run whose result is written past the caches, Note [Streams]."""
    cdef BlockRoom room
    cdef char *q[MAX_OPERANDS]
    cdef Py_ssize_t start = 0, m
    cdef int k
    q[0] = <char *>room.of
    while start < n:
        m = min(n - start, <Py_ssize_t>BLOCK)
        for k in range(1, w.operands):
            q[k] = p[k] + start * s[k] * item_size(w.kind[k])
        kernel(m, q, s, c)
        stream(<double *>p[0] + start, room.of, m)
        start += m


cdef bint turn_transposed(Walk *w) noexcept:
    """Whether an operand is transposed; the dimension of its neighbours becomes the last but one."""
    cdef int last = w.ndim - 1, d, near, k
    for k in range(1, w.operands):
        near = last
        for d in range(last):
            if 0 < w.strides[k][d] < w.strides[k][near] and w.sizes[d] >= TILE:
                near = d
        if near != last and w.sizes[last] >= TILE:
            if near != last - 1:
                walk_swap(w, near, last - 1)
            return True
    return False


cdef void walk_strips(Walk *w, Kernel kernel, const double *c) noexcept:
    """The runs, in strips of some neighbours, as long as there is room."""
    cdef int64_t room[ROOM]
    cdef Py_ssize_t along[MAX_OPERANDS]
    cdef Py_ssize_t n, packed = 0
    cdef int k
    w.ndim -= 1
    n = w.sizes[w.ndim]
    for k in range(w.operands):
        along[k] = w.strides[k][w.ndim]
        packed += line_is_packed(w, k, n, along[k])
    walk_tiles(w, n, min(ROOM // (packed * TILE) - APART, <Py_ssize_t>BLOCK), TILE, along, room, kernel, c)
    w.ndim += 1


cdef void run_packed(Walk *w, Py_ssize_t n, char **p, const Py_ssize_t *s, Kernel kernel, const double *c) noexcept:
    """One run with operands that need packing, a block at a time."""
    cdef BlockRoom room[MAX_OPERANDS]
    cdef char *q[MAX_OPERANDS]
    cdef Py_ssize_t t[MAX_OPERANDS]
    cdef Py_ssize_t start = 0, m
    cdef int k
    cdef bint packed_result = w.kind[0] != w.want[0] or s[0] != 1
    while start < n:
        m = min(n - start, <Py_ssize_t>BLOCK)
        for k in range(w.operands):
            q[k] = p[k] + start * s[k] * item_size(w.kind[k])
            if k == 0:
                t[k] = 1
                if packed_result:
                    q[k] = <char *>room[k].of
            elif s[k] == 0 and not w.spreads:
                t[k] = 0
                if w.kind[k] != w.want[k]:
                    convert(1, q[k], 0, w.kind[k], <char *>room[k].of, 1, w.want[k])
                    q[k] = <char *>room[k].of
            else:
                t[k] = 1
                if s[k] != 1 or w.kind[k] != w.want[k]:
                    convert(m, q[k], s[k], w.kind[k], <char *>room[k].of, 1, w.want[k])
                    q[k] = <char *>room[k].of
        kernel(m, q, t, c)
        if packed_result:
            convert(m, <char *>room[0].of, 1, w.want[0], p[0] + start * s[0] * item_size(w.kind[0]), s[0], w.kind[0])
        start += m
