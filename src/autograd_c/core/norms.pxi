# The reductions that need several passes: norms, variances, logarithms of sums of exponentials.

# --------------------------------------------------------------------------------- moments and norms
# Note [Powers that overflow]
# Sums of powers are taken plainly first.  Where such a sum is 0, infinite or near the smallest
# numbers, two more passes take the element that is largest (for a negative exponent smallest) in
# magnitude, and the sum of the powers relative to it, which lies between 1 and n.
#
# Note [Variance]
# Sums of the differences from a centre and of their squares; the first, nearly 0 where the centre is
# the mean, corrects the second (T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing
# the sample variance", The American Statistician 37, 1983).  The centre is the mean of the first
# block.  Where that is so far from the mean of all that the correction would cancel more than a
# little of the squares, another pass is made around the mean.

cdef enum:                     # Fold.stage
    GUESSED = 0                # moments only: norms begin with the powers
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


cdef double block_squares(Py_ssize_t n, const double *x) noexcept:
    return block_fold(n, x, <OfSquares *>NULL)


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
    if p == 2.0 and fold.stage != RELATIVE:
        carry(fold, block_squares(n, x))
        return
    magnitudes(room, n, x, 0.0)
    if fold.stage == RELATIVE:
        for i in range(n):
            room[i] /= fold.f
    if p == 2.0:
        carry(fold, block_squares(n, room))
        return
    if p == 3.0:
        for i in range(n):
            room[i] = room[i] * room[i] * room[i]
    elif p != 1.0:
        pow_run(n, room, room, 1, &p, 0)
    carry(fold, block_sum(n, room))


cdef void magnitude_columns(double *room, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step) noexcept:
    """The magnitudes of TILE columns, packed."""
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(TILE):
            room[i * TILE + j] = cmath.fabs(x[i * s + j * step])


cdef bint norm_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                       Py_ssize_t step) noexcept:
    """norm_feed of columns: sums of powers only."""
    cdef double room[BLOCK * TILE]
    cdef double total[WIDE]
    cdef double p = folds[0].c[0]
    cdef Py_ssize_t i, j = 0
    if folds[0].stage == EXTREME or folds[0].stage == RELATIVE:
        return False
    if p == 2.0:
        columns_fold(total, lines, n, x, s, step, <OfSquares *>NULL)
        j = lines
    while j < lines:
        magnitude_columns(room, n, x + j * step, s, step)
        if p == 3.0:
            for i in range(n * TILE):
                room[i] = room[i] * room[i] * room[i]
        elif p != 1.0:
            pow_run(n * TILE, room, room, 1, &p, 0)
        columns_fold(total + j, TILE, n, room, TILE, 1, <OfSum *>NULL)
        j += TILE
    for j in range(lines):
        carry(&folds[j], total[j])
    return True


cdef Py_ssize_t norm_lines(Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                           const double *c, double *y) noexcept:
    cdef Py_ssize_t j
    if c[0] != 2.0:
        return 0
    if s == 1:
        rows_fold(y, lines, n, x, step, <OfSquares *>NULL)
    else:
        lines -= lines % TILE
        columns_fold(y, lines, n, x, s, step, <OfSquares *>NULL)
    for j in range(lines):
        if not in_range(y[j]):
            return j
        y[j] = cmath.sqrt(y[j])
    return lines


cdef void norm_merge(Fold *fold, const Fold *part) noexcept:
    if fold.stage != EXTREME:
        merge_sums(fold, part)
    elif fold.c[0] > 0.0:
        merge_max(fold, part)
    else:
        merge_min(fold, part)


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
    cdef double sum, all
    cdef Py_ssize_t i
    if fold.stage == EXTREME:
        extreme_feed(fold, n, x, True)
        return
    if fold.seen == 0:
        fold.rest = fold.rest_low = 0.0
        if fold.stage == GUESSED:
            fold.centre = block_sum(n, x) / n
    for i in range(n):
        room[i] = x[i] - fold.centre
    if fold.stage == RELATIVE:
        for i in range(n):
            room[i] /= fold.f
    sum = block_sum(n, room)
    all = fold.rest + sum
    fold.rest_low += two_sum_error(fold.rest, sum, all)
    fold.rest = all
    carry(fold, block_squares(n, room))


cdef inline double mean_rest(const Fold *fold) noexcept:
    """The mean of the differences from the centre; what an infinite sum has rounded off is a nan."""
    return (fold.rest + (fold.rest_low if fold.rest_low == fold.rest_low else 0.0)) / <double>fold.seen


cdef double squares(const Fold *fold) noexcept:
    """The sum of the squares, Note [Variance], over the degrees of freedom."""
    cdef double freedom = <double>fold.seen - fold.c[0]
    cdef double total = sum_total(fold)
    if fold.rest == fold.rest and total < cmath.INFINITY:
        total -= fold.rest * mean_rest(fold)
    if total < 0.0:
        total = 0.0
    return total / (freedom if freedom > 0.0 else 0.0)


cdef bint is_centred(Fold *fold) noexcept:
    """Whether the squares are good, Note [Variance]; the centre becomes the mean in any case."""
    cdef double mean = fold.centre + mean_rest(fold), total = sum_total(fold)
    cdef bint good = fold.stage == POWERS or 32.0 * fold.rest * mean_rest(fold) <= total < cmath.INFINITY
    fold.stage = POWERS
    if mean == mean:                            # else the sum has overflowed, and the variance will
        fold.centre = mean
    return good


cdef bint var_turn(Fold *fold) noexcept:
    if fold.seen == 0:
        return False
    fold.f = squares(fold)
    return not is_centred(fold)


cdef bint std_turn(Fold *fold) noexcept:
    """Note [Powers that overflow]"""
    if fold.seen == 0:
        return False
    if fold.stage == GUESSED or fold.stage == POWERS:
        fold.f = cmath.sqrt(squares(fold))
        if not is_centred(fold):
            return True
        fold.stage = EXTREME
        return not in_range(sum_total(fold))
    if fold.stage == EXTREME:
        fold.stage = RELATIVE
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
        room[i] = x[i] - fold.centre
    exp_run(n, room)
    carry(fold, block_sum(n, room))


cdef bint logsumexp_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                            Py_ssize_t step) noexcept:
    """logsumexp_feed of columns."""
    cdef double room[BLOCK * TILE]
    cdef double total[TILE]
    cdef double centre[TILE]
    cdef Py_ssize_t i, j, line = 0
    if folds[0].stage == 0:
        return max_columns(folds, lines, n, x, s, step)
    while line < lines:
        for j in range(TILE):
            centre[j] = folds[line + j].centre
        for i in range(n):
            for j in range(TILE):
                room[i * TILE + j] = x[i * s + (line + j) * step] - centre[j]
        exp_run(n * TILE, room)
        columns_fold(total, TILE, n, room, TILE, 1, <OfSum *>NULL)
        for j in range(TILE):
            carry(&folds[line + j], total[j])
        line += TILE
    return True


cdef Py_ssize_t logsumexp_lines(Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                                const double *c, double *y) noexcept:
    cdef double room[BLOCK]
    cdef double centre
    cdef Py_ssize_t i, j
    if n <= SHORT or s != 1:                    # columns are faster
        return 0
    for j in range(lines):
        centre = largest_value(n, x)
        if not -cmath.INFINITY < centre < cmath.INFINITY:
            return j
        for i in range(n):
            room[i] = x[i] - centre
        exp_run(n, room)
        y[j] = log_value(block_sum(n, room), NULL) + centre
        x += step
    return lines


cdef void logsumexp_merge(Fold *fold, const Fold *part) noexcept:
    if fold.stage == 0:
        merge_max(fold, part)
    else:
        merge_sums(fold, part)


cdef bint logsumexp_turn(Fold *fold) noexcept:
    if fold.stage == 0:
        fold.centre = fold.f if fold.seen and -cmath.INFINITY < fold.f < cmath.INFINITY else 0.0
        fold.stage = 1
        return True
    fold.f = log_value(sum_total(fold), NULL) + fold.centre
    return False


cdef void double_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = fold.f


cdef Reducer VAR = reducer_in_passes(moment_feed, var_turn, moment_finish)
cdef Reducer STD = reducer_in_passes(moment_feed, std_turn, moment_finish)
cdef Reducer NORM = with_lines(mergeable(
    with_columns(reducer_in_passes(norm_feed, norm_turn, norm_finish), norm_columns), norm_merge), norm_lines)
cdef Reducer COUNT = reducer(count_feed, count_finish)
cdef Reducer LARGEST = mergeable(reducer(largest_feed, double_finish), merge_max)
cdef Reducer SMALLEST = mergeable(reducer(smallest_feed, double_finish), merge_min)
cdef Reducer LOGSUMEXP = with_lines(mergeable(
    with_columns(reducer_in_passes(logsumexp_feed, logsumexp_turn, double_finish), logsumexp_columns),
    logsumexp_merge), logsumexp_lines)
