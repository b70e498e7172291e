# Reductions: how a tensor's dimensions are folded.
#
# A reduction is a table (Reducer): `feed` takes up to BLOCK contiguous elements of the dtype that it
# wants, any number of times, `finish` writes the result.  Between them `turn`, where there is one,
# may ask for another pass over the elements: for the squares after the mean, say.  The driver here
# brings the elements, in the order of memory, through the same packing as the elementwise walk.
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
    int stage                  # what the pass computes, where there are several
    double centre              # what is subtracted from each element
    double rest                # the sum of what is left then
    const double *c            # static arguments
    double level[LEVELS]

ctypedef void (*Feed)(Fold *fold, Py_ssize_t n, const char *x) noexcept
ctypedef bint (*Turn)(Fold *fold) noexcept
ctypedef void (*Finish)(Fold *fold, char *y, char *index) noexcept

cdef struct Reducer:
    Feed feed
    Turn turn                  # after a pass: whether another follows; NULL for one pass
    Finish finish


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
        fold_one(op, &w, out, out_index, c)
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


cdef void fold_one(const Reducer *op, Walk *w, char *y, char *index, const double *c) noexcept:
    """One result."""
    cdef Fold fold
    fold.c = c
    fold.stage = 0
    while True:
        fold.seen = 0
        fold.blocks = 0
        if w.numel:
            feed_all(op, w, &fold)
        if op.turn == NULL or not op.turn(&fold):
            break
    op.finish(&fold, y, index)


cdef void feed_all(const Reducer *op, Walk *w, Fold *fold) noexcept:
    """One pass over the elements."""
    cdef Py_ssize_t at[MAX_DIMS]
    cdef int64_t room[BLOCK]
    cdef int last = w.ndim - 1, d
    cdef Py_ssize_t n = w.sizes[last] if last >= 0 else 1
    cdef Py_ssize_t s = w.strides[0][last] if last >= 0 else 1
    cdef Py_ssize_t item = item_size(w.kind[0]), start, m
    cdef char *p = w.p[0]
    for d in range(last):
        at[d] = 0
    while True:
        start = 0
        while start < n:
            m = min(n - start, <Py_ssize_t>BLOCK)
            if (s == 1 or n == 1) and w.kind[0] == w.want[0]:
                op.feed(fold, m, p + start * item)
            else:
                convert(m, p + start * s * item, s, w.kind[0], <char *>room, 1, w.want[0])
                op.feed(fold, m, <char *>room)
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
            return


# ----------------------------------------------------------------------------------------------- sum

cdef double block_sum(Py_ssize_t n, const double *x) noexcept:
    """The sum of a block, n > 0."""
    cdef double lane[8]
    cdef double total
    cdef Py_ssize_t i = 0
    cdef int k
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
    return total


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
    cdef const double *x = <const double *>data
    cdef double lane[8]
    cdef double total = 1.0 if fold.seen == 0 else fold.f
    cdef Py_ssize_t i = 0
    cdef int k
    if n >= 16:
        for k in range(8):
            lane[k] = x[k]
        i = 8
        while i + 8 <= n:
            for k in range(8):
                lane[k] *= x[i + k]
            i += 8
        total *= ((lane[0] * lane[4]) * (lane[2] * lane[6])) * ((lane[1] * lane[5]) * (lane[3] * lane[7]))
    while i < n:
        total *= x[i]
        i += 1
    fold.f = total


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

cdef double norm_power(double x, double p) noexcept:
    return x if p == 1.0 else x * x if p == 2.0 else x * x * x if p == 3.0 else cmath.pow(x, p)


cdef double norm_root(double total, double p) noexcept:
    return total if p == 1.0 else cmath.sqrt(total) if p == 2.0 else cmath.pow(total, 1.0 / p)


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
    elif p != 1.0:
        for i in range(n):
            room[i] = norm_power(room[i], p)
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
    return reducer_in_passes(feed, NULL, finish)


cdef Reducer reducer_in_passes(Feed feed, Turn turn, Finish finish):
    cdef Reducer r
    r.feed = feed
    r.turn = turn
    r.finish = finish
    return r

cdef Reducer SUM_F64 = reducer(sum_feed, sum_finish)
cdef Reducer SUM_I64 = reducer(sum_feed_int, sum_finish_int)
cdef Reducer PROD_F64 = reducer(prod_feed, prod_finish)
cdef Reducer PROD_I64 = reducer(prod_feed_int, prod_finish_int)
cdef Reducer VAR = reducer_in_passes(moment_feed, var_turn, moment_finish)
cdef Reducer STD = reducer_in_passes(moment_feed, std_turn, moment_finish)
cdef Reducer NORM = reducer_in_passes(norm_feed, norm_turn, norm_finish)
cdef Reducer COUNT = reducer(count_feed, count_finish)
cdef Reducer LARGEST = reducer(largest_feed, double_finish)
cdef Reducer SMALLEST = reducer(smallest_feed, double_finish)
cdef Reducer LOGSUMEXP = reducer_in_passes(logsumexp_feed, logsumexp_turn, double_finish)
cdef Reducer MAX_F64 = reducer(max_feed, extremum_finish)
cdef Reducer MAX_I64 = reducer(max_feed_int, extremum_finish_int)
cdef Reducer MIN_F64 = reducer(min_feed, extremum_finish)
cdef Reducer MIN_I64 = reducer(min_feed_int, extremum_finish_int)
cdef Reducer ANY = reducer(any_feed, any_finish)
cdef Reducer ALL = reducer(all_feed, all_finish)
