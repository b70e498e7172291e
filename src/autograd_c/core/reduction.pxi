# Reductions: how a tensor's dimensions are folded.
#
# A reduction is a table (Reducer): `feed` takes up to BLOCK contiguous elements of the dtype that it
# wants, any number of times, `finish` writes the result.  Between them `turn`, where there is one,
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
# feeds TILE of them together: as many elements in a vector.  Each result still gets its elements in the
# order, and in the lanes, in which `feed` would have taken them, so the bits are the same.  What has no
# such function, or another dtype, is packed for `feed`, some results at a time.

cdef enum:
    SHORT = 16                 # so few elements are fed together wherever they lie
    LEVELS = 48                # of the binary counter: 2**48 blocks

cdef struct Fold:
    Py_ssize_t seen            # elements so far
    uint64_t blocks
    int64_t i                  # result for int64; the position of what was found
    double f
    int stage                  # what the pass computes, where there are several
    double centre              # what is subtracted from each element
    double rest                # the sum of what is left then
    const double *c            # static arguments
    double level[LEVELS]

ctypedef void (*Feed)(Fold *fold, Py_ssize_t n, const char *x) noexcept
ctypedef void (*FeedColumns)(Fold *folds, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step) noexcept
ctypedef bint (*Turn)(Fold *fold) noexcept
ctypedef void (*Finish)(Fold *fold, char *y, char *index) noexcept

cdef struct Reducer:
    Feed feed
    Turn turn                  # after a pass: whether another follows; NULL for one pass
    Finish finish
    FeedColumns columns        # or NULL, see Note [Columns]


cdef Reducer reducer(Feed feed, Finish finish):
    return reducer_in_passes(feed, NULL, finish)


cdef Reducer reducer_in_passes(Feed feed, Turn turn, Finish finish):
    cdef Reducer r
    r.feed = feed
    r.turn = turn
    r.finish = finish
    r.columns = NULL
    return r


cdef Reducer reducer_with_columns(Feed feed, FeedColumns columns, Finish finish):
    cdef Reducer r = reducer(feed, finish)
    r.columns = columns
    return r


cdef void reduce_into(const Reducer *op, Tensor y, Tensor index, Tensor x, uint64_t mask, int want) noexcept:
    """Fold the dimensions in `mask` of x; y and index, the second result unless None, are contiguous."""
    reduce_with(op, y, index, x, mask, want, NULL)


cdef void reduce_with(const Reducer *op, Tensor y, Tensor index, Tensor x, uint64_t mask, int want,
                      const double *c) noexcept:
    """The same with static arguments."""
    cdef Walk w
    cdef Py_ssize_t at[MAX_DIMS]
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef Layout form = x.form
    cdef char *out = y.ptr
    cdef char *out_index = index.ptr if index is not None else NULL
    cdef char *p = x.ptr
    cdef int kept = 0, d
    cdef Py_ssize_t results = y.form.numel, start, m, tile
    cdef Py_ssize_t item = item_size(x.kind)
    cdef PyThreadState *unlocked = NULL
    w.ndim = 0
    w.operands = 1
    w.numel = 1
    w.kind[0] = x.kind
    w.want[0] = want
    for d in range(form.ndim):
        if (mask >> d) & 1:
            w.sizes[w.ndim] = form.sizes[d]
            w.strides[0][w.ndim] = form.strides[d]
            w.numel *= form.sizes[d]
            w.ndim += 1
        else:
            sizes[kept] = form.sizes[d]
            strides[kept] = form.strides[d]
            at[kept] = 0
            kept += 1
    if results == 0:
        return
    if kept == 0:                               # one result, along a dimension of its own
        sizes[0] = 1
        strides[0] = 0
        kept = 1
    walk_simplify(&w)
    tile = 1 if is_fed_directly(&w) and not (op.columns != NULL and w.numel <= SHORT) else TILE
    if form.numel >= UNLOCK:
        unlocked = PyEval_SaveThread()
    while results:
        start = 0
        while start < sizes[kept - 1]:
            m = min(sizes[kept - 1] - start, tile)
            w.p[0] = p + start * strides[kept - 1] * item
            fold_lines(op, &w, m, strides[kept - 1], out, item_size(y.kind), out_index, c)
            out += m * item_size(y.kind)
            if out_index != NULL:
                out_index += 8 * m
            results -= m
            start += m
        d = kept - 2
        while d >= 0:
            at[d] += 1
            p += strides[d] * item
            if at[d] < sizes[d]:
                break
            p -= strides[d] * sizes[d] * item
            at[d] = 0
            d -= 1
    if unlocked != NULL:
        PyEval_RestoreThread(unlocked)


cdef inline bint is_fed_directly(const Walk *w) noexcept:
    """Whether `feed` can have the elements where they lie."""
    cdef int last = w.ndim - 1
    return w.kind[0] == w.want[0] and (last < 0 or w.strides[0][last] == 1 or w.sizes[last] == 1)


cdef void fold_lines(const Reducer *op, Walk *w, Py_ssize_t lines, Py_ssize_t step, char *y, Py_ssize_t item,
                     char *index, const double *c) noexcept:
    """Up to TILE neighbouring results; the elements of each lie `step` after those of the one before."""
    cdef Fold folds[TILE]
    cdef bint going[TILE]                       # not finished yet
    cdef Py_ssize_t left = lines, j
    for j in range(lines):
        folds[j].c = c
        folds[j].stage = 0
        going[j] = True
    while left:
        for j in range(lines):
            if going[j]:
                folds[j].seen = 0
                folds[j].blocks = 0
        if w.numel:
            feed_lines(op, w, lines, step, folds, going)
        for j in range(lines):
            if going[j] and (op.turn == NULL or not op.turn(&folds[j])):
                going[j] = False
                left -= 1
    for j in range(lines):
        op.finish(&folds[j], y + j * item, index + 8 * j if index != NULL else NULL)


cdef void feed_lines(const Reducer *op, Walk *w, Py_ssize_t lines, Py_ssize_t step, Fold *folds,
                     const bint *going) noexcept:
    """One pass over the elements; what is not fed directly is packed, some lines at a time."""
    cdef Py_ssize_t at[MAX_DIMS]
    cdef int64_t room[TILE][BLOCK + 8]          # no multiple of 4 kB apart: the lines share no cache set
    cdef int last = w.ndim - 1, d
    cdef Py_ssize_t n = w.sizes[last] if last >= 0 else 1
    cdef Py_ssize_t s = w.strides[0][last] if last >= 0 else 1
    cdef Py_ssize_t item = item_size(w.kind[0]), start, m, j
    cdef char *p = w.p[0]
    cdef bint direct = is_fed_directly(w)
    cdef Py_ssize_t apart = sizeof(room[0]) // item_size(w.want[0])     # from packed line to packed line
    cdef bint columns = op.columns != NULL and lines == TILE and w.kind[0] == F64 and w.want[0] == F64
    for d in range(last):
        at[d] = 0
    while True:
        start = 0
        while start < n:
            m = min(n - start, <Py_ssize_t>BLOCK)
            if columns:
                op.columns(folds, m, <const double *>p + start * s, s, step)
                for j in range(lines):
                    folds[j].seen += m
                start += m
                continue
            if not direct:
                move_tile(m, lines, p + start * s * item, s, step, w.kind[0], <char *>room, 1, apart, w.want[0])
            for j in range(lines):
                if going[j]:
                    op.feed(&folds[j], m, p + (start * s + j * step) * item if direct else <char *>room[j])
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
