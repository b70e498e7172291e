# Reductions: how a tensor's dimensions are folded.
#
# A reduction is a table (Reducer): `feed` takes up to BLOCK contiguous elements of the dtype that it
# wants, any number of times, `finish` writes the result.  The driver here brings the elements, in the
# order of memory, through the same packing as the elementwise walk.
#
# Note [Sums]
# A block is summed in eight interleaved lanes, which the compiler keeps in vector registers, and the
# blocks' sums are combined pairwise as a binary counter carries: the error grows with the logarithm
# of the number of elements, and where a block begins depends on sizes alone.

cdef enum:
    LEVELS = 48                # of the binary counter: 2**48 blocks

cdef struct Fold:
    Py_ssize_t seen            # elements so far
    uint64_t blocks
    int64_t i                  # result for int64; the position of what was found
    double f
    double level[LEVELS]

ctypedef void (*Feed)(Fold *fold, Py_ssize_t n, const char *x) noexcept
ctypedef void (*Finish)(Fold *fold, char *y, char *index) noexcept

cdef struct Reducer:
    Feed feed
    Finish finish


cdef void reduce_into(const Reducer *op, Tensor y, Tensor index, Tensor x, uint64_t mask, int want) noexcept:
    """Fold the dimensions in `mask` of x; y (and index, unless None) are contiguous."""
    cdef Walk w
    cdef Py_ssize_t at[MAX_DIMS]
    cdef Py_ssize_t sizes[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef Layout form = x.form
    cdef char *out = y.ptr
    cdef char *out_index = index.ptr if index is not None else NULL
    cdef char *p = x.ptr
    cdef int kept = 0, d
    cdef Py_ssize_t left = y.form.numel
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
    walk_simplify(&w)
    if form.numel >= UNLOCK:
        unlocked = PyEval_SaveThread()
    while left:
        w.p[0] = p
        fold_one(op, &w, out, out_index)
        out += item_size(y.kind)
        if out_index != NULL:
            out_index += 8
        left -= 1
        d = kept - 1
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


cdef void fold_one(const Reducer *op, Walk *w, char *y, char *index) noexcept:
    """One result."""
    cdef Fold fold
    cdef Py_ssize_t at[MAX_DIMS]
    cdef int64_t room[BLOCK]
    cdef int last = w.ndim - 1, d
    cdef Py_ssize_t n = w.sizes[last] if last >= 0 else 1
    cdef Py_ssize_t s = w.strides[0][last] if last >= 0 else 1
    cdef Py_ssize_t item = item_size(w.kind[0]), start, m
    cdef char *p = w.p[0]
    fold.seen = 0
    fold.blocks = 0
    if w.numel == 0:
        op.finish(&fold, y, index)
        return
    for d in range(last):
        at[d] = 0
    while True:
        start = 0
        while start < n:
            m = min(n - start, <Py_ssize_t>BLOCK)
            if (s == 1 or n == 1) and w.kind[0] == w.want[0]:
                op.feed(&fold, m, p + start * item)
            else:
                convert(m, p + start * s * item, s, w.kind[0], <char *>room, 1, w.want[0])
                op.feed(&fold, m, <char *>room)
            fold.seen += m
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
            break
    op.finish(&fold, y, index)


# ----------------------------------------------------------------------------------------------- sum

cdef void sum_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const double *x = <const double *>data
    cdef double lane[8]
    cdef double total
    cdef Py_ssize_t i = 0
    cdef int k
    cdef uint64_t blocks = fold.blocks
    if n >= 16:
        for k in range(8):
            lane[k] = x[k]
        i = 8
        while i + 8 <= n:
            for k in range(8):
                lane[k] += x[i + k]
            i += 8
        total = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))
    else:
        total = x[0]
        i = 1
    while i < n:
        total += x[i]
        i += 1
    k = 0
    while blocks & 1:
        total = fold.level[k] + total
        blocks >>= 1
        k += 1
    fold.level[k] = total
    fold.blocks += 1


cdef void sum_finish(Fold *fold, char *y, char *index) noexcept:
    cdef uint64_t blocks = fold.blocks
    cdef double total = 0.0
    cdef bint first = True
    cdef int k = 0
    while blocks:
        if blocks & 1:
            total = fold.level[k] if first else fold.level[k] + total
            first = False
        blocks >>= 1
        k += 1
    (<double *>y)[0] = total


cdef void sum_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef uint64_t total = 0 if fold.seen == 0 else <uint64_t>fold.i
    cdef Py_ssize_t i
    for i in range(n):
        total += <uint64_t>x[i]
    fold.i = <int64_t>total


cdef void sum_finish_int(Fold *fold, char *y, char *index) noexcept:
    (<int64_t *>y)[0] = fold.i if fold.seen else 0


# ------------------------------------------------------------------------------------------- extrema
# The first of equal elements is found, and a nan before anything else.

cdef void max_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const double *x = <const double *>data
    cdef Py_ssize_t i
    for i in range(n):
        if (i == 0 and fold.seen == 0) or (fold.f == fold.f and not x[i] <= fold.f):
            fold.f = x[i]
            fold.i = fold.seen + i


cdef void min_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const double *x = <const double *>data
    cdef Py_ssize_t i
    for i in range(n):
        if (i == 0 and fold.seen == 0) or (fold.f == fold.f and not x[i] >= fold.f):
            fold.f = x[i]
            fold.i = fold.seen + i


cdef void extremum_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = fold.f
    if index != NULL:
        (<int64_t *>index)[0] = fold.i


# Integers: the value goes where the sum's counter is not in use.

cdef void max_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef int64_t best = <int64_t>fold.blocks
    cdef Py_ssize_t i
    for i in range(n):
        if (i == 0 and fold.seen == 0) or x[i] > best:
            best = x[i]
            fold.i = fold.seen + i
    fold.blocks = <uint64_t>best


cdef void min_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef int64_t best = <int64_t>fold.blocks
    cdef Py_ssize_t i
    for i in range(n):
        if (i == 0 and fold.seen == 0) or x[i] < best:
            best = x[i]
            fold.i = fold.seen + i
    fold.blocks = <uint64_t>best


cdef void extremum_finish_int(Fold *fold, char *y, char *index) noexcept:
    (<int64_t *>y)[0] = <int64_t>fold.blocks
    if index != NULL:
        (<int64_t *>index)[0] = fold.i


# --------------------------------------------------------------------------------------- any and all
# Of elements that were made 0 or 1.

cdef void any_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef Py_ssize_t i
    for i in range(n):
        fold.blocks |= x[i] != 0


cdef void any_finish(Fold *fold, char *y, char *index) noexcept:
    y[0] = fold.blocks != 0


cdef void all_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef Py_ssize_t i
    for i in range(n):
        fold.blocks |= x[i] == 0


cdef void all_finish(Fold *fold, char *y, char *index) noexcept:
    y[0] = fold.blocks == 0


cdef Reducer reducer(Feed feed, Finish finish):
    cdef Reducer r
    r.feed = feed
    r.finish = finish
    return r

cdef Reducer SUM_F64 = reducer(sum_feed, sum_finish)
cdef Reducer SUM_I64 = reducer(sum_feed_int, sum_finish_int)
cdef Reducer MAX_F64 = reducer(max_feed, extremum_finish)
cdef Reducer MAX_I64 = reducer(max_feed_int, extremum_finish_int)
cdef Reducer MIN_F64 = reducer(min_feed, extremum_finish)
cdef Reducer MIN_I64 = reducer(min_feed_int, extremum_finish_int)
cdef Reducer ANY = reducer(any_feed, any_finish)
cdef Reducer ALL = reducer(all_feed, all_finish)
