# Reductions: how a tensor's dimensions are folded.
#
# A reduction is a table (Reducer): `feed` takes contiguous elements of the dtype that it wants, up to
# BLOCK and any number of times, `finish` writes the result.  Between them `turn`, where there is one,
# may ask for another pass over the elements: for the squares after the mean, say.  The driver here
# brings the elements, in the order of memory, through the same packing as the elementwise walk; where
# neighbouring results have their elements side by side, it packs for several of them at once.
#
# Note [Sums]
# A block is summed in eight interleaved lanes, which the compiler keeps in vector registers, and the
# blocks' sums are combined pairwise as a binary counter carries: the error grows with the logarithm
# of the number of elements, and where a block begins depends on sizes alone.
#
# Note [Columns]
# Where neighbouring results have their elements side by side (a sum over rows), or few each, `columns`
# feeds them together, a multiple of TILE: as many elements in a vector.  Each result still gets its
# elements in the order, and in the lanes, in which `feed` would have taken them, so the bits are the
# same.  Side by side they are many, so that rows are read along as far as can be before the next ones
# are: up to WIDE, and LEVEL_ROOM for the levels of their sums.  What has no such function, or another
# dtype, is packed for `feed`, some results at a time; so are results that are not all in the same pass,
# and passes that `columns` declines.
#
# Note [Lines]
# A result of a block of elements or less is not worth a Fold: `lines` makes as many at once as it can, of
# rows or of columns, with the same bits.  What is `of_any_length` does so for any rows, and its `feed`
# takes any number of blocks at once.
#
# Note [Parts]
# Threads share the results.  Of a single long one they share the elements, where `merge` can put
# together what was folded of a part and of all before it, to the bit that folding on would have given:
# a part has PART blocks, a power of two, so that the binary counter carries its sum like that of a block.

cdef enum:
    SHORT = 16                 # so few elements are fed together wherever they lie
    LEVELS = 48                # of a counter, at most: 2**48 blocks
    PART_LEVEL = 6
    PART = BLOCK << PART_LEVEL  # elements of a part: as many as are worth a thread
    PARTS = 32                 # that are folded before they are put together
    WIDE = 32 * TILE           # columns side by side, Note [Columns]
    LEAST_WIDE = 8 * TILE      # fewer are not worth a thread of their own
    LEVEL_ROOM = 8 * WIDE

cdef struct Fold:
    Py_ssize_t seen            # elements so far
    uint64_t blocks
    int64_t i                  # result for int64; the position of what was found
    double f
    int stage                  # what the pass computes, where there are several
    double centre              # what is subtracted from each element
    double rest                # the sum of what is left then, and what that has rounded off
    double rest_low
    const double *c            # static arguments
    double *level              # as many as the number of blocks has binary digits

ctypedef void (*Feed)(Fold *fold, Py_ssize_t n, const char *x) noexcept
ctypedef bint (*FeedColumns)(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                             Py_ssize_t step) noexcept
ctypedef bint (*Turn)(Fold *fold) noexcept
ctypedef void (*Finish)(Fold *fold, char *y, char *index) noexcept
ctypedef void (*Merge)(Fold *fold, const Fold *part) noexcept
ctypedef Py_ssize_t (*Lines)(Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                             const double *c, double *y) noexcept

cdef struct Reducer:
    Feed feed
    Turn turn                  # after a pass: whether another follows; NULL for one pass
    Finish finish
    FeedColumns columns        # or NULL, see Note [Columns]
    Merge merge                # or NULL, see Note [Parts]
    Lines lines                # how many results it has made, from the first on; or NULL, see Note [Lines]
    Py_ssize_t longest         # elements that `feed` and `lines` take at once, where they lie side by side


cdef Reducer reducer(Feed feed, Finish finish):
    return reducer_in_passes(feed, NULL, finish)


cdef Reducer reducer_in_passes(Feed feed, Turn turn, Finish finish):
    cdef Reducer r
    r.feed = feed
    r.turn = turn
    r.finish = finish
    r.columns = NULL
    r.merge = NULL
    r.lines = NULL
    r.longest = BLOCK
    return r


cdef Reducer with_columns(Reducer r, FeedColumns columns):
    r.columns = columns
    return r


cdef Reducer with_lines(Reducer r, Lines lines):
    r.lines = lines
    return r


cdef Reducer of_any_length(Reducer r):
    r.longest = PY_SSIZE_T_MAX
    return r


cdef Reducer mergeable(Reducer r, Merge merge):
    r.merge = merge
    return r


cdef void reduce_into(const Reducer *op, Tensor y, Tensor index, Tensor x, uint64_t mask, int want) noexcept:
    """Fold the dimensions in `mask` of x; y and index, the second result unless None, are contiguous."""
    reduce_with(op, y, index, x, mask, want, NULL)


cdef void reduce_with(const Reducer *op, Tensor y, Tensor index, Tensor x, uint64_t mask, int want,
                      const double *c) noexcept:
    """The same with static arguments."""
    cdef Reduction r
    cdef Layout form = x.form
    cdef Py_ssize_t units = y.form.numel, each
    cdef PyThreadState *unlocked = NULL
    cdef bint reserved = False
    cdef int d
    if y.form.numel == 0:
        return
    if (y.form.numel == 1 and form.dense and 0 < form.numel < UNLOCK and form.numel <= op.longest and index is None
            and x.kind == F64 and want == F64 and op.lines != NULL
            and op.lines(1, form.numel, <const double *>x.ptr, 1, 0, c, <double *>y.ptr)):
        return                                  # as below, without the way there
    r.op = op
    r.c = c
    r.p = x.ptr
    r.item = item_size(x.kind)
    r.out = y.ptr
    r.out_item = item_size(y.kind)
    r.out_index = index.ptr if index is not None else NULL
    r.kept = 0
    r.walk.ndim = 0
    r.walk.operands = 1
    r.walk.numel = 1
    r.walk.kind[0] = x.kind
    r.walk.want[0] = want
    for d in range(form.ndim):
        if (mask >> d) & 1:
            r.walk.sizes[r.walk.ndim] = form.sizes[d]
            r.walk.strides[0][r.walk.ndim] = form.strides[d]
            r.walk.numel *= form.sizes[d]
            r.walk.ndim += 1
        else:
            r.sizes[r.kept] = form.sizes[d]
            r.strides[r.kept] = form.strides[d]
            r.kept += 1
    if r.kept == 0:                             # one result, along a dimension of its own
        r.sizes[0] = 1
        r.strides[0] = 0
        r.kept = 1
    walk_simplify(&r.walk)
    r.in_lines = op.lines != NULL and index is None and is_short(&r.walk, op.longest)
    r.levels = levels_needed(&r.walk)
    if form.numel >= UNLOCK:
        reserved = reserve_team(form.numel)
    r.tile = TILE
    if is_fed_directly(&r.walk) and not r.in_lines and not (op.columns != NULL and r.walk.numel <= SHORT):
        r.tile = 1
    elif op.columns != NULL and r.strides[r.kept - 1] == 1 and x.kind == F64 and want == F64:
        r.tile = columns_together(r.sizes[r.kept - 1], r.levels, team.members if reserved else 1)
    r.tiles = (r.sizes[r.kept - 1] + r.tile - 1) // r.tile
    units = y.form.numel // r.sizes[r.kept - 1] * r.tiles
    if form.numel >= UNLOCK:
        unlocked = PyEval_SaveThread()
    r.shares_elements = reserved and units == 1
    r.in_lines = r.in_lines and not r.shares_elements
    r.alone = not reserved or units == 1
    if r.alone:
        reduce_part(&r, 0, units, 0)
    else:
        each = max(form.numel // units, <Py_ssize_t>1)
        share_out(reduce_part, &r, units, (SHARE + each - 1) // each)
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)
    leave_team(reserved)


cdef struct Reduction:
    const Reducer *op
    const double *c
    Walk walk                  # over the elements of a result
    char *p
    Py_ssize_t item
    char *out
    Py_ssize_t out_item
    char *out_index            # or NULL
    int kept                   # the dimensions that stay
    Py_ssize_t tile            # neighbouring results that are folded together: a unit of the job
    Py_ssize_t tiles           # along the last dimension that stays
    int levels                 # of the counter of each result's blocks
    bint alone
    bint shares_elements
    bint in_lines
    Py_ssize_t sizes[MAX_DIMS]
    Py_ssize_t strides[MAX_DIMS]


cdef void reduce_part(void *context, Py_ssize_t unit, Py_ssize_t stop, int thread) noexcept:
    """Some of the results."""
    cdef Reduction *r = <Reduction *>context
    cdef Walk copied
    cdef Walk *w = &r.walk
    cdef Py_ssize_t at[MAX_DIMS]
    cdef int last = r.kept - 1, d
    cdef Py_ssize_t row = unit // r.tiles, start = unit % r.tiles * r.tile, m
    cdef Py_ssize_t result = row * r.sizes[last] + start
    cdef char *p = r.p
    if not r.alone:
        memcpy(&copied, w, sizeof(Walk))
        w = &copied
    for d in range(last - 1, -1, -1):
        at[d] = row % r.sizes[d]
        row //= r.sizes[d]
        p += at[d] * r.strides[d] * r.item
    while True:
        while start < r.sizes[last]:
            m = min(r.sizes[last] - start, r.tile)
            w.p[0] = p + start * r.strides[last] * r.item
            fold_lines(r, w, m, r.out + result * r.out_item,
                       r.out_index + 8 * result if r.out_index != NULL else NULL)
            result += m
            start += m
            unit += 1
            if unit == stop:
                return
        start = 0
        d = last - 1
        while d >= 0:
            at[d] += 1
            p += r.strides[d] * r.item
            if at[d] < r.sizes[d]:
                break
            p -= r.strides[d] * r.sizes[d] * r.item
            at[d] = 0
            d -= 1


cdef inline bint is_fed_directly(const Walk *w) noexcept:
    """Whether `feed` can have the elements where they lie."""
    cdef int last = w.ndim - 1
    return w.kind[0] == w.want[0] and (last < 0 or w.strides[0][last] == 1 or w.sizes[last] == 1)


cdef inline bint is_short(const Walk *w, Py_ssize_t longest) noexcept:
    """Whether the elements of a result are few doubles: a block, a stride apart, or `longest` side by side."""
    return (w.ndim <= 1 and w.kind[0] == F64 and w.want[0] == F64
            and 0 < w.numel <= (longest if is_fed_directly(w) else <Py_ssize_t>BLOCK))


cdef int levels_needed(const Walk *w) noexcept:
    """The binary digits of the number of blocks that a result is folded from."""
    cdef Py_ssize_t blocks = 1
    cdef int last = w.ndim - 1, levels = 1, d
    if w.numel <= BLOCK and last <= 0:
        return 1
    if last >= 0:
        blocks = (w.sizes[last] + BLOCK - 1) // BLOCK
    for d in range(last):
        blocks *= w.sizes[d]
    while blocks >> levels:
        levels += 1
    return levels


cdef Py_ssize_t columns_together(Py_ssize_t columns, int levels, int threads) noexcept:
    """How many columns side by side are fed together, Note [Columns]: about as many each time."""
    cdef Py_ssize_t most = WIDE, times
    if threads > 1:
        most = min(max(columns // threads, <Py_ssize_t>LEAST_WIDE), most)
    most = min(most, <Py_ssize_t>(LEVEL_ROOM // levels))
    most -= most % TILE
    times = (columns + most - 1) // most
    columns = (columns + times - 1) // times
    return (columns + TILE - 1) // TILE * TILE


cdef void fold_lines(const Reduction *r, Walk *w, Py_ssize_t lines, char *y, char *index) noexcept:
    """Up to WIDE neighbouring results, for whose levels there is LEVEL_ROOM."""
    cdef const Reducer *op = r.op
    cdef Py_ssize_t step = r.strides[r.kept - 1]    # from the elements of one result to those of the next
    cdef Fold folds[WIDE]
    cdef double level[LEVEL_ROOM]
    cdef bint going[WIDE]                       # not finished yet
    cdef Py_ssize_t left = lines, j = 0
    if r.in_lines:
        j = op.lines(lines, w.numel, <const double *>w.p[0], 1 if is_fed_directly(w) else w.strides[0][0], step, r.c,
                     <double *>y)
        left -= j
        if left == 0:
            return
        lines = left
        y += j * r.out_item
        w.p[0] += j * step * r.item
    for j in range(lines):
        folds[j].c = r.c
        folds[j].stage = 0
        folds[j].level = level + j * r.levels
        going[j] = True
    while left:
        for j in range(lines):
            if going[j]:
                folds[j].seen = 0
                folds[j].blocks = 0
        if r.shares_elements and op.merge != NULL and lines == 1 and is_one_run(w):
            feed_in_parts(op, w.sizes[0], w.p[0], &folds[0])
        elif w.numel:
            feed_lines(op, w, lines, step, folds, going)
        for j in range(lines):
            if going[j] and (op.turn == NULL or not op.turn(&folds[j])):
                going[j] = False
                left -= 1
    for j in range(lines):
        op.finish(&folds[j], y + j * r.out_item, index + 8 * j if index != NULL else NULL)


cdef void feed_lines(const Reducer *op, Walk *w, Py_ssize_t lines, Py_ssize_t step, Fold *folds,
                     const bint *going) noexcept:
    """One pass over the elements."""
    cdef Py_ssize_t at[MAX_DIMS]
    cdef Py_ssize_t together = lines - lines % TILE if op.columns != NULL and w.kind[0] == w.want[0] == F64 else 0
    cdef int last = w.ndim - 1, d
    cdef Py_ssize_t n = w.sizes[last] if last >= 0 else 1
    cdef Py_ssize_t s = w.strides[0][last] if last >= 0 else 1
    cdef Py_ssize_t longest = op.longest if lines == 1 and is_fed_directly(w) else <Py_ssize_t>BLOCK
    cdef Py_ssize_t item = item_size(w.kind[0]), start, m, j
    cdef char *p = w.p[0]
    for j in range(together):
        if not going[j] or folds[j].stage != folds[0].stage:
            together = 0
    for d in range(last):
        at[d] = 0
    while True:
        start = 0
        while start < n:
            m = min(n - start, longest)
            j = 0
            if together and op.columns(folds, together, m, <const double *>p + start * s, s, step):
                j = together
            while j < lines:
                feed_packed(op, w, min(lines - j, <Py_ssize_t>TILE), m, p + (start * s + j * step) * item, s, step,
                            folds + j, going + j)
                j += TILE
            for j in range(lines):
                if going[j]:
                    folds[j].seen += m
            start += m
        d = last - 1
        while d >= 0:
            at[d] += 1
            p += w.strides[0][d] * item
            if at[d] < w.sizes[d]:
                break
            p -= w.strides[0][d] * w.sizes[d] * item
            at[d] = 0
            d -= 1
        if d < 0:
            return


cdef void feed_packed(const Reducer *op, const Walk *w, Py_ssize_t lines, Py_ssize_t n, char *p, Py_ssize_t s,
                      Py_ssize_t step, Fold *folds, const bint *going) noexcept:
    """A block of n elements of each of up to TILE results; what cannot be fed directly is packed."""
    cdef int64_t room[TILE][BLOCK + 8]          # no multiple of 4 kB apart: the lines share no cache set
    cdef Py_ssize_t item = item_size(w.kind[0]), j
    cdef Py_ssize_t apart = sizeof(room[0]) // item_size(w.want[0])     # from packed line to packed line
    cdef bint direct = is_fed_directly(w)
    if not direct:
        move_tile(n, lines, p, s, step, w.kind[0], <char *>room, 1, apart, w.want[0])
    for j in range(lines):
        if going[j]:
            op.feed(&folds[j], n, p + j * step * item if direct else <char *>room[j])


cdef inline bint is_one_run(const Walk *w) noexcept:
    """Whether all elements of a result lie side by side, and are many."""
    return w.ndim == 1 and w.sizes[0] >= 2 * PART and is_fed_directly(w)


cdef struct PartsJob:
    const Reducer *op
    const char *p
    Py_ssize_t n
    Fold *parts


cdef void fold_parts(void *context, Py_ssize_t start, Py_ssize_t stop, int thread) noexcept:
    cdef PartsJob *job = <PartsJob *>context
    cdef Py_ssize_t k, i, m, end
    for k in range(start, stop):
        i = k * PART
        end = min(i + PART, job.n)
        while i < end:
            m = min(end - i, job.op.longest)
            job.op.feed(&job.parts[k], m, job.p + i * sizeof(double))
            job.parts[k].seen += m
            i += m


cdef void feed_in_parts(const Reducer *op, Py_ssize_t n, const char *p, Fold *fold) noexcept:
    """One pass over the elements of a single result, which threads share, Note [Parts]."""
    cdef Fold parts[PARTS]
    cdef double level[PARTS][PART_LEVEL + 1]
    cdef PartsJob job
    cdef Py_ssize_t start = 0, count, k
    job.op = op
    job.parts = parts
    while start < n:
        job.n = min(n - start, <Py_ssize_t>PARTS * PART)
        job.p = p + start * sizeof(double)
        count = (job.n + PART - 1) // PART
        for k in range(count):
            memcpy(&parts[k], fold, sizeof(Fold))
            parts[k].level = level[k]
            parts[k].seen = 0
            parts[k].blocks = 0
        share_out(fold_parts, &job, count, 1)
        for k in range(count):
            op.merge(fold, &parts[k])
            fold.seen += parts[k].seen
        start += job.n
