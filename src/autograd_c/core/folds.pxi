# The reductions that need one pass: sums, products, extrema, any and all.

# ----------------------------------------------------------------------------------------------- sum

# What is folded is a type, not a constant: of a constant gcc makes an argument where it does not inline.

cdef struct OfSum:
    char unused

cdef struct OfProduct:
    char unused

cdef struct OfSquares:
    char unused

ctypedef fused folding:
    OfSum
    OfProduct
    OfSquares


# A vector register of doubles: what is folded in eight lanes is so many of them.  Written out, for of
# sixteen doubles in an array gcc makes variables before it looks for vectors.

cdef extern from *:
    """
    #if !defined(__GNUC__)
      #define AG_WIDTH 1
      typedef double ag_vector;
    #else
      #if defined(__AVX512F__)
        #define AG_WIDTH 8
      #elif defined(__AVX__)
        #define AG_WIDTH 4
      #else
        #define AG_WIDTH 2
      #endif
      typedef double ag_vector __attribute__((vector_size(8 * AG_WIDTH), aligned(8), may_alias));
    #endif
    #define AG_VECTORS (8 / AG_WIDTH)
    """
    ctypedef float Vector "ag_vector"          # to Cython another number than a double: it has + and *
    enum:
        VECTORS "AG_VECTORS"                   # of eight lanes

ctypedef fused element:
    double
    Vector


cdef inline element joined(element a, element b, folding *what) noexcept:
    """What was folded so far, and the element b."""
    if folding is OfProduct:
        return a * b
    elif folding is OfSquares:
        return a + b * b
    else:
        return a + b


cdef inline double merged(double a, double b, folding *what) noexcept:
    """What two lanes have folded."""
    if folding is OfProduct:
        return a * b
    else:
        return a + b


cdef inline element begun(element x, folding *what) noexcept:
    """What one element is folded to."""
    if folding is OfSquares:
        return x * x
    else:
        return x


cdef inline double with_rest(Vector *vectors, Py_ssize_t i, Py_ssize_t n, const double *x, folding *what) noexcept:
    """What eight lanes have folded, and the elements from i on."""
    cdef double lane[8]
    cdef Py_ssize_t k, half = 4
    memcpy(lane, vectors, sizeof(lane))
    while half:
        for k in range(half):
            lane[k] = merged(lane[k], lane[k + half], what)
        half >>= 1
    while i < n:
        lane[0] = joined(lane[0], x[i], what)
        i += 1
    return lane[0]


cdef double block_fold(Py_ssize_t n, const double *x, folding *what) noexcept:
    """The sum, product or sum of squares of a block, n > 0."""
    cdef Vector lane[VECTORS]
    cdef const Vector *v = <const Vector *>x
    cdef double total
    cdef Py_ssize_t i, k
    if n < 16:
        total = begun(x[0], what)
        for i in range(1, n):
            total = joined(total, x[i], what)
        return total
    for k in range(VECTORS):
        lane[k] = begun(v[k], what)
    i = 8
    while i + 8 <= n:
        v += VECTORS
        for k in range(VECTORS):
            lane[k] = joined(lane[k], v[k], what)
        i += 8
    return with_rest(lane, i, n, x, what)


cdef void two_folds(double *total, Py_ssize_t n, const double *x, Py_ssize_t apart, folding *what) noexcept:
    """block_fold of the n elements at x and of those `apart` from there: neither waits for its own last sum."""
    cdef Vector lane[VECTORS]
    cdef Vector other[VECTORS]
    cdef const Vector *v = <const Vector *>x
    cdef const Vector *w = <const Vector *>(x + apart)
    cdef Py_ssize_t i, k
    if n < 16:
        total[0] = block_fold(n, x, what)
        total[1] = block_fold(n, x + apart, what)
        return
    for k in range(VECTORS):
        lane[k] = begun(v[k], what)
        other[k] = begun(w[k], what)
    i = 8
    while i + 8 <= n:
        v += VECTORS
        w += VECTORS
        for k in range(VECTORS):
            lane[k] = joined(lane[k], v[k], what)
            other[k] = joined(other[k], w[k], what)
        i += 8
    total[0] = with_rest(lane, i, n, x, what)
    total[1] = with_rest(other, i, n, x + apart, what)


cdef double block_sum(Py_ssize_t n, const double *x) noexcept:
    return block_fold(n, x, <OfSum *>NULL)


cdef void spaced_columns(double *total, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                         folding *what) noexcept:
    """block_fold of TILE columns: n elements each, s apart; the columns are `step` apart."""
    cdef double lane[8][TILE]
    cdef Py_ssize_t i = 1, k, j, half
    if n >= 16:
        for k in range(8):
            for j in range(TILE):
                lane[k][j] = begun(x[k * s + j * step], what)
        i = 8
        while i + 8 <= n:
            for k in range(8):
                for j in range(TILE):
                    lane[k][j] = joined(lane[k][j], x[(i + k) * s + j * step], what)
            i += 8
        half = 4
        while half:
            for k in range(half):
                for j in range(TILE):
                    lane[k][j] = merged(lane[k][j], lane[k + half][j], what)
            half >>= 1
        for j in range(TILE):
            total[j] = lane[0][j]
    else:
        for j in range(TILE):
            total[j] = begun(x[j * step], what)
    while i < n:
        for j in range(TILE):
            total[j] = joined(total[j], x[i * s + j * step], what)
        i += 1


cdef void adjacent_columns(double *total, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                           folding *what) noexcept:
    """block_fold of columns side by side, a multiple of TILE and at most WIDE: n elements each, s apart.

    Rows are read along, sixteen at a time: each is a stream that the processor reads ahead, and two of them are
    joined for each time that a lane is fetched and put back (four of 32 are better in the caches, and worse beyond).
    """
    cdef double room[8 * WIDE]                  # the lanes of TILE columns, then those of the next
    cdef double *lane
    cdef const double *p
    cdef Py_ssize_t i = 1, j, t, k, c, half, tiles = lines // TILE
    if n >= 16:
        for t in range(tiles):
            lane = room + 8 * TILE * t
            p = x + TILE * t
            for k in range(8):
                for c in range(TILE):
                    lane[k * TILE + c] = begun(p[k * s + c], what)
        i = 8
        while i + 16 <= n:
            for t in range(tiles):
                lane = room + 8 * TILE * t
                p = x + i * s + TILE * t
                for k in range(8):
                    for c in range(TILE):
                        lane[k * TILE + c] = joined(joined(lane[k * TILE + c], p[k * s + c], what),
                                                    p[(k + 8) * s + c], what)
            i += 16
        if i + 8 <= n:
            for t in range(tiles):
                lane = room + 8 * TILE * t
                p = x + i * s + TILE * t
                for k in range(8):
                    for c in range(TILE):
                        lane[k * TILE + c] = joined(lane[k * TILE + c], p[k * s + c], what)
            i += 8
        for t in range(tiles):
            lane = room + 8 * TILE * t
            half = 4
            while half:
                for k in range(half):
                    for c in range(TILE):
                        lane[k * TILE + c] = merged(lane[k * TILE + c], lane[(k + half) * TILE + c], what)
                half >>= 1
            for c in range(TILE):
                total[TILE * t + c] = lane[c]
    else:
        for j in range(lines):
            total[j] = begun(x[j], what)
    while i < n:
        for j in range(lines):
            total[j] = joined(total[j], x[i * s + j], what)
        i += 1


cdef void columns_fold(double *total, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                       Py_ssize_t step, folding *what) noexcept:
    """block_fold of columns, a multiple of TILE and at most WIDE, which are `step` apart."""
    cdef Py_ssize_t j = 0
    if step == 1:
        adjacent_columns(total, lines, n, x, s, what)
        return
    while j < lines:
        spaced_columns(total + j, n, x + j * step, s, step, what)
        j += TILE


cdef inline void carry_at(Fold *fold, double total, int k) noexcept:
    """Count the sum of 2**k more blocks in, where the number so far is a multiple of that."""
    cdef uint64_t blocks = fold.blocks >> k
    fold.blocks += <uint64_t>1 << k
    while blocks & 1:
        total = fold.level[k] + total
        blocks >>= 1
        k += 1
    fold.level[k] = total


cdef inline void carry(Fold *fold, double total) noexcept:
    """Count the sum of one more block in."""
    carry_at(fold, total, 0)


cdef void merge_sums(Fold *fold, const Fold *part) noexcept:
    """Count in what a part has counted, Note [Parts]."""
    cdef int k
    for k in range(PART_LEVEL, -1, -1):
        if (part.blocks >> k) & 1:
            carry_at(fold, part.level[k], k)


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


cdef inline void carry_run(Fold *fold, Py_ssize_t n, const double *x, folding *what) noexcept:
    """Count the blocks of a run in."""
    cdef double total[2]
    cdef Py_ssize_t start = 0
    while start + 2 * BLOCK <= n:
        two_folds(total, BLOCK, x + start, BLOCK, what)
        carry(fold, total[0])
        carry(fold, total[1])
        start += 2 * BLOCK
    while start < n:
        carry(fold, block_fold(min(n - start, <Py_ssize_t>BLOCK), x + start, what))
        start += BLOCK


cdef inline double run_fold(Py_ssize_t n, const double *x, folding *what) noexcept:
    """The sum of contiguous elements, or of their squares."""
    cdef Fold fold
    cdef double level[LEVELS]
    if 0 < n <= BLOCK:
        return block_fold(n, x, what)
    fold.blocks = 0
    fold.level = level
    carry_run(&fold, n, x, what)
    return sum_total(&fold)


cdef double line_sum(Py_ssize_t n, const double *x) noexcept:
    return run_fold(n, x, <OfSum *>NULL)


cdef void rows_fold(double *y, Py_ssize_t rows, Py_ssize_t n, const double *x, Py_ssize_t step, folding *what) noexcept:
    """run_fold of rows that are `step` apart."""
    cdef Fold fold[2]
    cdef double level[2][LEVELS]
    cdef double total[2]
    cdef Py_ssize_t j = 0, start
    while j + 2 <= rows:
        if n <= BLOCK:
            two_folds(y + j, n, x + j * step, step, what)
        else:
            fold[0].blocks = fold[1].blocks = 0
            fold[0].level = level[0]
            fold[1].level = level[1]
            start = 0
            while start < n:
                two_folds(total, min(n - start, <Py_ssize_t>BLOCK), x + j * step + start, step, what)
                carry(&fold[0], total[0])
                carry(&fold[1], total[1])
                start += BLOCK
            y[j] = sum_total(&fold[0])
            y[j + 1] = sum_total(&fold[1])
        j += 2
    if j < rows:
        y[j] = run_fold(n, x + j * step, what)


cdef void sum_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    carry_run(fold, n, <const double *>data, <OfSum *>NULL)


cdef bint sum_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                      Py_ssize_t step) noexcept:
    cdef double total[WIDE]
    cdef int j
    columns_fold(total, lines, n, x, s, step, <OfSum *>NULL)
    for j in range(lines):
        carry(&folds[j], total[j])
    return True


cdef Py_ssize_t sum_lines(Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s, Py_ssize_t step,
                          const double *c, double *y) noexcept:
    if s == 1:
        rows_fold(y, lines, n, x, step, <OfSum *>NULL)
        return lines
    lines -= lines % TILE
    columns_fold(y, lines, n, x, s, step, <OfSum *>NULL)
    return lines


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


cdef Reducer SUM_F64 = of_any_length(with_lines(
    mergeable(with_columns(reducer(sum_feed, sum_finish), sum_columns), merge_sums), sum_lines))
cdef Reducer SUM_I64 = reducer(sum_feed_int, sum_finish_int)


# ------------------------------------------------------------------------------------------- product

cdef void prod_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    cdef double total = block_fold(n, <const double *>data, <OfProduct *>NULL)
    fold.f = total if fold.seen == 0 else fold.f * total


cdef bint prod_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                       Py_ssize_t step) noexcept:
    cdef double total[WIDE]
    cdef int j
    columns_fold(total, lines, n, x, s, step, <OfProduct *>NULL)
    for j in range(lines):
        folds[j].f = total[j] if folds[j].seen == 0 else folds[j].f * total[j]
    return True


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


cdef Reducer PROD_F64 = with_columns(reducer(prod_feed, prod_finish), prod_columns)
cdef Reducer PROD_I64 = reducer(prod_feed_int, prod_finish_int)


# ------------------------------------------------------------------------------------------- extrema
# The first of equal elements is found, and a nan before anything else.  A block is first only asked
# for its extreme value, in vectors; few blocks then have anything to be looked for, and where nobody
# wants to know the place, only those with a nan or with zeros, which may differ in sign.

cdef enum:
    EXTREMUM_LANES = 32        # fewer, and gcc makes them variables before it looks for vectors

cdef extern from "math.h":
    int isunordered(double, double) noexcept


cdef inline int64_t nan_sign(double x) noexcept:
    """Negative for a nan, whose bits are more than those of infinity."""
    return bits_of(cmath.INFINITY) - bits_of(cmath.fabs(x))


ctypedef fused number:
    double
    int64_t


cdef inline number further(number found, number x, bint largest) noexcept:
    """The larger of two, or the smaller; the first of equals, and a nan if that is first."""
    if largest:
        return x if x > found else found
    return x if x < found else found


cdef inline double furthest(double found, const double *x, Py_ssize_t s, bint largest) noexcept:
    """The same of one and four more."""
    found = further(further(found, x[0], largest), x[s], largest)
    return further(further(found, x[2 * s], largest), x[3 * s], largest)


cdef inline double nan_found(double before, const double *x, Py_ssize_t s) noexcept:
    """1 if there is a nan among four, or what it was before; a select of doubles is vectorised at each level."""
    before = 1.0 if isunordered(x[0], x[s]) else before
    return 1.0 if isunordered(x[2 * s], x[3 * s]) else before


cdef inline number extreme_value(Py_ssize_t n, const number *x, bint largest) noexcept:
    """The extreme of a block; nan if there is one."""
    cdef number lane[EXTREMUM_LANES]
    cdef int64_t signs = 0
    cdef Py_ssize_t i = 0, k, half = EXTREMUM_LANES // 2
    for k in range(EXTREMUM_LANES):
        lane[k] = x[0]
    while i + EXTREMUM_LANES <= n:
        for k in range(EXTREMUM_LANES):
            lane[k] = further(lane[k], x[i + k], largest)
            if number is double:
                signs |= nan_sign(x[i + k])
        i += EXTREMUM_LANES
    for k in range(n - i):
        lane[k] = further(lane[k], x[i + k], largest)
        if number is double:
            signs |= nan_sign(x[i + k])
    if number is double:
        if signs < 0:
            return cmath.NAN
    while half:
        for k in range(half):
            lane[k] = further(lane[k], lane[k + half], largest)
        half >>= 1
    return lane[0]


cdef double largest_value(Py_ssize_t n, const double *x) noexcept:
    return extreme_value(n, x, True)


cdef double smallest_value(Py_ssize_t n, const double *x) noexcept:
    return extreme_value(n, x, False)


cdef inline void extreme_values(double *found, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                                Py_ssize_t step, bint largest) noexcept:
    """extreme_value of columns: n elements each, s apart; the columns are `step` apart."""
    cdef double nans[WIDE]
    cdef const double *p
    cdef Py_ssize_t i = 0, j
    for j in range(lines):
        found[j] = x[j * step]
        nans[j] = 0.0
    while i + 8 <= n:                           # along the rows, as sums are
        for j in range(lines):
            p = x + i * s + j * step
            found[j] = furthest(furthest(found[j], p, s, largest), p + 4 * s, s, largest)
            nans[j] = nan_found(nan_found(nans[j], p, s), p + 4 * s, s)
        i += 8
    while i < n:
        for j in range(lines):
            found[j] = further(found[j], x[i * s + j * step], largest)
            nans[j] = 1.0 if x[i * s + j * step] != x[i * s + j * step] else nans[j]
        i += 1
    for j in range(lines):
        found[j] = cmath.NAN if nans[j] != 0.0 else found[j]


cdef inline bint no_further(double x, double found, bint largest) noexcept:
    """Whether x is neither further than what was found, nor a nan."""
    return x <= found if largest else x >= found


cdef void settle(Fold *fold, const double *x, Py_ssize_t s, double found, bint largest, bint placed) noexcept:
    """Count in a block whose extreme value is `found`; where that is, if `placed`."""
    cdef Py_ssize_t i = 0
    if fold.seen and (fold.f != fold.f or no_further(found, fold.f, largest)):
        return
    if found != found:
        while x[i * s] == x[i * s]:
            i += 1
        found = x[i * s]
    elif placed or found == 0.0:
        while x[i * s] != found:
            i += 1
        found = x[i * s]
    fold.f = found
    fold.i = fold.seen + i


cdef void extremum_feed(Fold *fold, Py_ssize_t n, const double *x, bint largest, bint placed) noexcept:
    """The largest element, or the smallest; and, if `placed`, where it is."""
    cdef Py_ssize_t i
    if n >= 16:
        settle(fold, x, 1, largest_value(n, x) if largest else smallest_value(n, x), largest, placed)
        return
    for i in range(n):
        if (i == 0 and fold.seen == 0) or (fold.f == fold.f and not no_further(x[i], fold.f, largest)):
            fold.f = x[i]
            fold.i = fold.seen + i


cdef inline bint extremum_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                                  Py_ssize_t step, bint largest, bint placed) noexcept:
    cdef double found[WIDE]
    cdef int j
    if step == 1:
        extreme_values(found, lines, n, x, s, 1, largest)
    else:
        extreme_values(found, lines, n, x, s, step, largest)
    for j in range(lines):
        settle(&folds[j], x + j * step, s, found[j], largest, placed)
    return True


cdef bint max_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                      Py_ssize_t step) noexcept:
    return extremum_columns(folds, lines, n, x, s, step, True, False)


cdef bint min_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                      Py_ssize_t step) noexcept:
    return extremum_columns(folds, lines, n, x, s, step, False, False)


cdef bint max_place_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                            Py_ssize_t step) noexcept:
    return extremum_columns(folds, lines, n, x, s, step, True, True)


cdef bint min_place_columns(Fold *folds, Py_ssize_t lines, Py_ssize_t n, const double *x, Py_ssize_t s,
                            Py_ssize_t step) noexcept:
    return extremum_columns(folds, lines, n, x, s, step, False, True)


cdef void max_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed(fold, n, <const double *>data, True, False)


cdef void min_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed(fold, n, <const double *>data, False, False)


cdef void max_place_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed(fold, n, <const double *>data, True, True)


cdef void min_place_feed(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed(fold, n, <const double *>data, False, True)


cdef void extremum_finish(Fold *fold, char *y, char *index) noexcept:
    (<double *>y)[0] = fold.f
    if index != NULL:
        (<int64_t *>index)[0] = fold.i


cdef inline void merge_extrema(Fold *fold, const Fold *part, bint largest) noexcept:
    if fold.seen == 0 or (fold.f == fold.f and not no_further(part.f, fold.f, largest)):
        fold.f = part.f
        fold.i = fold.seen + part.i


cdef void merge_max(Fold *fold, const Fold *part) noexcept:
    merge_extrema(fold, part, True)


cdef void merge_min(Fold *fold, const Fold *part) noexcept:
    merge_extrema(fold, part, False)


# Integers: the value goes where the sum's counter is not in use.

cdef inline void extremum_feed_int(Fold *fold, Py_ssize_t n, const int64_t *x, bint largest) noexcept:
    cdef int64_t found = extreme_value(n, x, largest), before = <int64_t>fold.blocks
    cdef Py_ssize_t i = 0
    if fold.seen and further(before, found, largest) == before:
        return
    while x[i] != found:
        i += 1
    fold.blocks = <uint64_t>found
    fold.i = fold.seen + i


cdef void max_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed_int(fold, n, <const int64_t *>data, True)


cdef void min_feed_int(Fold *fold, Py_ssize_t n, const char *data) noexcept:
    extremum_feed_int(fold, n, <const int64_t *>data, False)


cdef void extremum_finish_int(Fold *fold, char *y, char *index) noexcept:
    (<int64_t *>y)[0] = <int64_t>fold.blocks
    if index != NULL:
        (<int64_t *>index)[0] = fold.i


cdef Reducer MAX_F64 = mergeable(with_columns(reducer(max_feed, extremum_finish), max_columns), merge_max)
cdef Reducer MAX_PLACE_F64 = mergeable(
    with_columns(reducer(max_place_feed, extremum_finish), max_place_columns), merge_max)
cdef Reducer MAX_I64 = reducer(max_feed_int, extremum_finish_int)
cdef Reducer MIN_F64 = mergeable(with_columns(reducer(min_feed, extremum_finish), min_columns), merge_min)
cdef Reducer MIN_PLACE_F64 = mergeable(
    with_columns(reducer(min_place_feed, extremum_finish), min_place_columns), merge_min)
cdef Reducer MIN_I64 = reducer(min_feed_int, extremum_finish_int)


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


cdef Reducer ANY = reducer(any_feed, any_finish)
cdef Reducer ALL = reducer(all_feed, all_finish)
