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

# Note [Columns]
# Where neighbouring results have their elements side by side (a sum over rows), or few each, `columns`
# feeds TILE of them together: as many elements in a vector.  Each result still gets its elements in the
# order, and in the lanes, in which `feed` would have taken them, so the bits are the same.  What has no
# such function, or another dtype, is packed for `feed`, some results at a time.

cdef enum:
    SHORT = 16                 # so few elements are fed together wherever they lie

cdef enum:
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


# ----------------------------------------------------------------------------------------------- sum

cdef inline double joined(double a, double b, bint product) noexcept:
    return a * b if product else a + b


cdef inline double block_fold(Py_ssize_t n, const double *x, bint product) noexcept:
    """The sum or product of a block, n > 0."""
    cdef double lane[8]
    cdef double total
    cdef Py_ssize_t i = 1, k, half
    if n >= 16:
        for k in range(8):
            lane[k] = x[k]
        i = 8
        while i + 8 <= n:
            for k in range(8):
                lane[k] = joined(lane[k], x[i + k], product)
            i += 8
        half = 4
        while half:
            for k in range(half):
                lane[k] = joined(lane[k], lane[k + half], product)
            half >>= 1
        total = lane[0]
    else:
        total = x[0]
    while i < n:
        total = joined(total, x[i], product)
        i += 1
    return total


cdef double block_sum(Py_ssize_t n, const double *x) noexcept:
    return block_fold(n, x, False)


cdef inline void block_columns(double *total, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                               bint product) noexcept:
    """block_fold of TILE columns: n elements each, s apart; the columns are `step` apart."""
    cdef double lane[8][TILE]
    cdef Py_ssize_t i = 1, k, j, half
    if n >= 16:
        for k in range(8):
            for j in range(TILE):
                lane[k][j] = x[k * s + j * step]
        i = 8
        while i + 8 <= n:
            for k in range(8):
                for j in range(TILE):
                    lane[k][j] = joined(lane[k][j], x[(i + k) * s + j * step], product)
            i += 8
        half = 4
        while half:
            for k in range(half):
                for j in range(TILE):
                    lane[k][j] = joined(lane[k][j], lane[k + half][j], product)
            half >>= 1
        for j in range(TILE):
            total[j] = lane[0][j]
    else:
        for j in range(TILE):
            total[j] = x[j * step]
    while i < n:
        for j in range(TILE):
            total[j] = joined(total[j], x[i * s + j * step], product)
        i += 1


cdef inline void carry(Fold *fold, double total) noexcept:
    """Count the sum of one more block in."""
    cdef uint64_t blocks = fold.blocks
    cdef int k = 0
    while blocks & 1:
        total = fold.level[k] + total
        blocks >>= 1
        k += 1
    fold.level[k] = total
    fold.blocks += 1


cdef double sum_total(const Fold *fold) noexcept:
    """The sum of all blocks so far."""
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
    return total


cdef double line_sum(Py_ssize_t n, const double *x) noexcept:
    """The sum of contiguous elements."""
    cdef Fold fold
    cdef Py_ssize_t start = 0
    if 0 < n <= BLOCK:
        return block_sum(n, x)
    fold.blocks = 0
    while start < n:
        carry(&fold, block_sum(min(n - start, <Py_ssize_t>BLOCK), x + start))
        start += BLOCK
    return sum_total(&fold)


cdef void sum_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    carry(fold, block_sum(n, <const double *>data))


cdef void sum_columns(Fold *folds, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step) noexcept:
    cdef double total[TILE]
    cdef int j
    if step == 1:
        block_columns(total, n, x, s, 1, False)
    else:
        block_columns(total, n, x, s, step, False)
    for j in range(TILE):
        carry(&folds[j], total[j])


cdef void sum_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = sum_total(fold)


cdef void sum_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef uint64_t total = 0 if fold.seen == 0 else <uint64_t>fold.i
    cdef Py_ssize_t i
    for i in range(n):
        total += <uint64_t>x[i]
    fold.i = <int64_t>total


cdef void sum_finish_int(Fold *fold, char *y, char *index) noexcept:
    (<int64_t *>y)[0] = fold.i if fold.seen else 0


# ------------------------------------------------------------------------------------------- product

cdef void prod_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef double total = block_fold(n, <const double *>data, True)
    fold.f = total if fold.seen == 0 else fold.f * total


cdef void prod_columns(Fold *folds, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step) noexcept:
    cdef double total[TILE]
    cdef int j
    if step == 1:
        block_columns(total, n, x, s, 1, True)
    else:
        block_columns(total, n, x, s, step, True)
    for j in range(TILE):
        folds[j].f = total[j] if folds[j].seen == 0 else folds[j].f * total[j]


cdef void prod_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = fold.f if fold.seen else 1.0


cdef void prod_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const int64_t *x = <const int64_t *>data
    cdef uint64_t total = 1 if fold.seen == 0 else <uint64_t>fold.i
    cdef Py_ssize_t i
    for i in range(n):
        total *= <uint64_t>x[i]
    fold.i = <int64_t>total


cdef void prod_finish_int(Fold *fold, char *y, char *index) noexcept:
    (<int64_t *>y)[0] = fold.i if fold.seen else 1


# --------------------------------------------------------------------------------- moments and norms
# Note [Powers that overflow]
# Sums of powers are taken plainly first.  Where such a sum is 0, infinite or near the smallest
# numbers, two more passes take the element that is largest (for a negative exponent smallest) in
# magnitude, and the sum of the powers relative to it, which lies between 1 and n.
#
# Note [Variance]
# Sum, then squares of the differences from the mean; the sum of those differences, 0 but for the
# rounding of the mean, corrects them (T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for
# computing the sample variance", The American Statistician 37, 1983).

cdef enum:                     # Fold.stage
    MEAN_STAGE = 0             # moments only: norms begin with the powers
    POWERS = 1
    EXTREME = 2
    RELATIVE = 3

cdef double SMALL_POWERS = 1e-270      # below, what underflowed may count


cdef inline void magnitudes(double *room, Py_ssize_t n, const double *x, double centre) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        room[i] = cmath.fabs(x[i] - centre)


cdef void extreme_feed(Fold *fold, Py_ssize_t n, const double *x, bint largest) noexcept:
    """The largest or smallest magnitude; a nan before anything else."""
    cdef double room[BLOCK]
    magnitudes(room, n, x, fold.centre)
    if largest:
        max_feed(fold, n, <char *>room)
    else:
        min_feed(fold, n, <char *>room)


cdef inline bint in_range(double total) noexcept:
    return SMALL_POWERS < total < cmath.INFINITY or total != total


# The p-norm; c[0] is p, which is neither 0 nor infinite.

cdef double norm_root(double total, double p) noexcept:
    return total if p == 1.0 else cmath.sqrt(total) if p == 2.0 else pow_value(total, 1.0 / p)


cdef void norm_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const double *x = <const double *>data
    cdef double room[BLOCK]
    cdef double p = fold.c[0]
    cdef Py_ssize_t i
    if fold.stage == EXTREME:
        extreme_feed(fold, n, x, p > 0.0)
        return
    magnitudes(room, n, x, 0.0)
    if fold.stage == RELATIVE:
        for i in range(n):
            room[i] /= fold.f
    if p == 2.0:
        for i in range(n):
            room[i] *= room[i]
    elif p == 3.0:
        for i in range(n):
            room[i] = room[i] * room[i] * room[i]
    elif p != 1.0:
        pow_run(n, room, room, 1, &p, 0)
    carry(fold, block_sum(n, room))


cdef bint norm_turn(Fold *fold) noexcept:
    cdef double total
    fold.centre = 0.0
    if fold.stage == EXTREME:
        fold.stage = RELATIVE
        return fold.f > 0.0 and fold.f < cmath.INFINITY      # else the extreme is the norm
    total = sum_total(fold)
    if fold.stage == RELATIVE:
        fold.f *= norm_root(total, fold.c[0])
        return False
    fold.f = norm_root(total, fold.c[0])
    fold.stage = EXTREME
    return fold.seen and not in_range(total)


cdef void norm_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = fold.f if fold.seen else 0.0


cdef void count_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    """How many are not 0."""
    cdef const double *x = <const double *>data
    cdef Py_ssize_t i
    for i in range(n):
        fold.blocks += x[i] != 0.0


cdef void count_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = <double>fold.blocks


cdef void largest_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    fold.centre = 0.0
    extreme_feed(fold, n, <const double *>data, True)


cdef void smallest_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    fold.centre = 0.0
    extreme_feed(fold, n, <const double *>data, False)


# Variance and standard deviation; c[0] is the correction, the second result the mean.

cdef void moment_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const double *x = <const double *>data
    cdef double room[BLOCK]
    cdef Py_ssize_t i
    if fold.stage == MEAN_STAGE:
        carry(fold, block_sum(n, x))
        return
    if fold.stage == EXTREME:
        extreme_feed(fold, n, x, True)
        return
    for i in range(n):
        room[i] = x[i] - fold.centre
    if fold.stage == RELATIVE:
        for i in range(n):
            room[i] /= fold.f
    fold.rest += block_sum(n, room)
    for i in range(n):
        room[i] *= room[i]
    carry(fold, block_sum(n, room))


cdef double squares(const Fold *fold) noexcept:
    """The sum of the squares, Note [Variance], over the degrees of freedom."""
    cdef double freedom = <double>fold.seen - fold.c[0]
    cdef double total = sum_total(fold)
    if fold.rest == fold.rest and total < cmath.INFINITY:
        total -= fold.rest * (fold.rest / <double>fold.seen)
    if total < 0.0:
        total = 0.0
    return total / (freedom if freedom > 0.0 else 0.0)


cdef bint var_turn(Fold *fold) noexcept:
    if fold.stage == POWERS:
        fold.f = squares(fold)
        return False
    fold.centre = sum_total(fold) / <double>fold.seen
    fold.rest = 0.0
    fold.stage = POWERS
    return fold.seen > 0


cdef bint std_turn(Fold *fold) noexcept:
    """Note [Powers that overflow]"""
    if fold.stage == MEAN_STAGE:
        return var_turn(fold)
    if fold.stage == POWERS:
        fold.f = cmath.sqrt(squares(fold))
        fold.stage = EXTREME
        return not in_range(sum_total(fold))
    if fold.stage == EXTREME:
        fold.stage = RELATIVE
        fold.rest = 0.0
        if fold.f > 0.0 and fold.f < cmath.INFINITY:
            return True
        fold.f = cmath.sqrt(fold.f / max(<double>fold.seen - fold.c[0], 0.0))
        return False
    fold.f *= cmath.sqrt(squares(fold))
    return False


cdef void moment_finish(Fold *fold, char *y, char *mean) noexcept:
    (<double *>y)[0] = fold.f if fold.seen else cmath.NAN
    if mean != NULL:
        (<double *>mean)[0] = fold.centre if fold.seen else cmath.NAN


# --------------------------------------------------------------------------------- sum of exponentials
# The largest element is subtracted first, unless it is infinite.

cdef void logsumexp_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef const double *x = <const double *>data
    cdef double room[BLOCK]
    cdef Py_ssize_t i
    if fold.stage == 0:
        max_feed(fold, n, data)
        return
    for i in range(n):
        room[i] = exp_value(x[i] - fold.centre)
    carry(fold, block_sum(n, room))


cdef bint logsumexp_turn(Fold *fold) noexcept:
    if fold.stage == 0:
        fold.centre = fold.f if fold.seen and -cmath.INFINITY < fold.f < cmath.INFINITY else 0.0
        fold.stage = 1
        return True
    fold.f = log_value(sum_total(fold)) + fold.centre
    return False


cdef void double_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = fold.f


# ------------------------------------------------------------------------------------------- extrema
# The first of equal elements is found, and a nan before anything else.  A block is first only asked
# for its extreme value, in vectors; few blocks then have anything to be looked for.

cdef inline void extremum_feed(Fold *fold, Py_ssize_t n, const double *x, double sign) noexcept:
    """The largest of sign * x, where sign is 1 or -1."""
    cdef double best = fold.f
    cdef double lane[8]
    cdef double nothing[8]                      # becomes nan by a nan, or an infinity
    cdef Py_ssize_t i, k
    if fold.seen and best != best:
        return
    if n >= 16:
        for k in range(8):
            lane[k] = x[0]
            nothing[k] = 0.0
        i = 0
        while i + 8 <= n:
            for k in range(8):
                lane[k] = x[i + k] if sign * x[i + k] > sign * lane[k] else lane[k]
                nothing[k] += 0.0 * x[i + k]
            i += 8
        for k in range(1, 8):
            lane[0] = lane[k] if sign * lane[k] > sign * lane[0] else lane[0]
            nothing[0] += nothing[k]
        while i < n:
            lane[0] = x[i] if sign * x[i] > sign * lane[0] else lane[0]
            nothing[0] += 0.0 * x[i]
            i += 1
        if nothing[0] == 0.0:
            if fold.seen and not sign * lane[0] > sign * best:
                return
            i = 0
            while x[i] != lane[0]:
                i += 1
            fold.f = x[i]
            fold.i = fold.seen + i
            return
    for i in range(n):
        if (i == 0 and fold.seen == 0) or (fold.f == fold.f and not sign * x[i] <= sign * fold.f):
            fold.f = x[i]
            fold.i = fold.seen + i


cdef inline void extremum_columns(Fold *folds, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                                  double sign) noexcept:
    cdef double best[TILE]
    cdef double where[TILE]                     # a double, which can be chosen in the same vectors
    cdef double seen = <double>folds[0].seen, v
    cdef Py_ssize_t i, j
    cdef bint found
    for j in range(TILE):
        best[j] = folds[j].f if seen else x[j * step]
        where[j] = <double>folds[j].i if seen else 0.0
    for i in range(n):
        for j in range(TILE):
            v = x[i * s + j * step]
            found = (best[j] == best[j]) & (not sign * v <= sign * best[j])
            best[j] = v if found else best[j]
            where[j] = seen + i if found else where[j]
    for j in range(TILE):
        folds[j].f = best[j]
        folds[j].i = <int64_t>where[j]


cdef void max_columns(Fold *folds, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step) noexcept:
    if step == 1:
        extremum_columns(folds, n, x, s, 1, 1.0)
    else:
        extremum_columns(folds, n, x, s, step, 1.0)


cdef void min_columns(Fold *folds, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step) noexcept:
    if step == 1:
        extremum_columns(folds, n, x, s, 1, -1.0)
    else:
        extremum_columns(folds, n, x, s, step, -1.0)


cdef void max_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed(fold, n, <const double *>data, 1.0)


cdef void min_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed(fold, n, <const double *>data, -1.0)


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
# Of elements that were made bools.

cdef void any_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef char found = 0
    cdef Py_ssize_t i
    for i in range(n):
        found |= data[i] != 0
    fold.blocks |= found


cdef void any_finish(Fold *fold, char *y, char *index) noexcept:
    y[0] = fold.blocks != 0


cdef void all_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef char found = 0
    cdef Py_ssize_t i
    for i in range(n):
        found |= data[i] == 0
    fold.blocks |= found


cdef void all_finish(Fold *fold, char *y, char *index) noexcept:
    y[0] = fold.blocks == 0


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


cdef Reducer SUM_F64 = reducer_with_columns(sum_feed, sum_columns, sum_finish)
cdef Reducer SUM_I64 = reducer(sum_feed_int, sum_finish_int)
cdef Reducer PROD_F64 = reducer_with_columns(prod_feed, prod_columns, prod_finish)
cdef Reducer PROD_I64 = reducer(prod_feed_int, prod_finish_int)
cdef Reducer VAR = reducer_in_passes(moment_feed, var_turn, moment_finish)
cdef Reducer STD = reducer_in_passes(moment_feed, std_turn, moment_finish)
cdef Reducer NORM = reducer_in_passes(norm_feed, norm_turn, norm_finish)
cdef Reducer COUNT = reducer(count_feed, count_finish)
cdef Reducer LARGEST = reducer(largest_feed, double_finish)
cdef Reducer SMALLEST = reducer(smallest_feed, double_finish)
cdef Reducer LOGSUMEXP = reducer_in_passes(logsumexp_feed, logsumexp_turn, double_finish)
cdef Reducer MAX_F64 = reducer_with_columns(max_feed, max_columns, extremum_finish)
cdef Reducer MAX_I64 = reducer(max_feed_int, extremum_finish_int)
cdef Reducer MIN_F64 = reducer_with_columns(min_feed, min_columns, extremum_finish)
cdef Reducer MIN_I64 = reducer(min_feed_int, extremum_finish_int)
cdef Reducer ANY = reducer(any_feed, any_finish)
cdef Reducer ALL = reducer(all_feed, all_finish)
