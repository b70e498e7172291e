# Moving elements: tiles and rows from one stride to another, from one dtype to another, whole tensors.
#
# The walk packs with these what a kernel cannot be given as it lies in memory, and puts back what it made of it.

cdef enum:
    AHEAD = 32                 # steps along lines of a tile after which an element is asked for: they are pages apart


cdef extern from *:
    """
    #if defined(__AVX__)
      #include <immintrin.h>
    #endif
    /* y[c * sy + r] = x[r * sx + c] for four rows and columns of 8 bytes, in registers where there are such: a store
       for each element would take longer than all else. */
    static inline void ag_transpose_4(const int64_t *x, Py_ssize_t sx, int64_t *y, Py_ssize_t sy) {
    #if defined(__AVX__)
        const double *p = (const double *)x;
        double *q = (double *)y;
        __m256d a = _mm256_loadu_pd(p), b = _mm256_loadu_pd(p + sx);
        __m256d c = _mm256_loadu_pd(p + 2 * sx), d = _mm256_loadu_pd(p + 3 * sx);
        __m256d even_ab = _mm256_unpacklo_pd(a, b), odd_ab = _mm256_unpackhi_pd(a, b);
        __m256d even_cd = _mm256_unpacklo_pd(c, d), odd_cd = _mm256_unpackhi_pd(c, d);
        _mm256_storeu_pd(q, _mm256_permute2f128_pd(even_ab, even_cd, 0x20));
        _mm256_storeu_pd(q + sy, _mm256_permute2f128_pd(odd_ab, odd_cd, 0x20));
        _mm256_storeu_pd(q + 2 * sy, _mm256_permute2f128_pd(even_ab, even_cd, 0x31));
        _mm256_storeu_pd(q + 3 * sy, _mm256_permute2f128_pd(odd_ab, odd_cd, 0x31));
    #else
        int r, c;
        for (c = 0; c < 4; c++)
            for (r = 0; r < 4; r++)
                y[c * sy + r] = x[r * sx + c];
    #endif
    }
    """
    void transpose_4 "ag_transpose_4"(const int64_t *x, Py_ssize_t sx, int64_t *y, Py_ssize_t sy) noexcept


cdef void move_tile(Py_ssize_t n, Py_ssize_t m, char *x, Py_ssize_t sx, Py_ssize_t lx, int kind,
                    char *y, Py_ssize_t sy, Py_ssize_t ly, int to) noexcept:
    """Copy m lines of n elements: s is the stride along a line, l the one from line to line."""
    cdef Py_ssize_t i = 0, j, k, from_item = item_size(kind), to_item = item_size(to)
    cdef const int64_t *source = <const int64_t *>x
    cdef int64_t *target = <int64_t *>y
    if m == 1:
        convert(n, x, sx, kind, y, sy, to)
    elif kind == to and kind != BOOL and m == TILE:
        while lx == 1 and sy == 1 and i + 4 <= n:           # packed, or ...
            for k in range(4):
                AG_PREFETCH(source + (i + k + AHEAD) * sx)
            transpose_4(source + i * sx, sx, target + i, ly)
            transpose_4(source + i * sx + 4, sx, target + i + 4 * ly, ly)
            i += 4
        while sx == 1 and ly == 1 and i + 4 <= n:           # ... unpacked
            transpose_4(source + i, lx, target + i * sy, sy)
            transpose_4(source + i + 4 * lx, lx, target + i * sy + 4, sy)
            i += 4
        while i < n:
            AG_PREFETCH(source + (i + AHEAD) * sx)
            for j in range(TILE):               # a number of steps that the compiler knows
                target[i * sy + j * ly] = source[i * sx + j * lx]
            i += 1
    elif kind == to and kind != BOOL:
        for i in range(n):
            for j in range(m):
                target[i * sy + j * ly] = source[i * sx + j * lx]
    elif kind == to and m == TILE:
        for i in range(n):
            for j in range(TILE):
                y[i * sy + j * ly] = x[i * sx + j * lx]
    elif (lx if sy == 1 else ly) < (sx if sy == 1 else sy):
        for i in range(n):
            convert(m, x + i * sx * from_item, lx, kind, y + i * sy * to_item, ly, to)
    else:
        for i in range(m):
            convert(n, x + i * lx * from_item, sx, kind, y + i * ly * to_item, sy, to)


cdef void move_rows(Py_ssize_t m, Py_ssize_t n, const char *x, Py_ssize_t lx, Py_ssize_t sx, int kind,
                    char *y, Py_ssize_t ly, Py_ssize_t sy, int to) noexcept:
    """Copy m short runs of n elements: l is from run to run, s the stride."""
    cdef Py_ssize_t i, j
    cdef const int64_t *source = <const int64_t *>x
    cdef int64_t *target = <int64_t *>y
    cdef int64_t value
    if kind != to or kind == BOOL:
        for j in range(m):
            convert(n, x + j * lx * item_size(kind), sx, kind, y + j * ly * item_size(to), sy, to)
    elif sx == 0 and sy == 1:
        for j in range(m):
            value = source[j * lx]
            for i in range(n):
                target[j * ly + i] = value
    else:
        for j in range(m):
            for i in range(n):
                target[j * ly + i * sy] = source[j * lx + i * sx]


# ---------------------------------------------------------------------------------------- converting

ctypedef fused stored:
    char
    int64_t
    double

ctypedef fused wanted:
    char
    int64_t
    double


cdef inline void convert_steps(Py_ssize_t n, const stored *x, Py_ssize_t sx, wanted *y, Py_ssize_t sy) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        if wanted is char:
            y[sy * i] = x[sx * i] != 0
        elif stored is double and wanted is int64_t:
            y[sy * i] = truncate(x[sx * i])
        else:
            y[sy * i] = <wanted>x[sx * i]


cdef inline void convert_elements(Py_ssize_t n, const stored *x, Py_ssize_t sx, wanted *y, Py_ssize_t sy) noexcept:
    cdef Py_ssize_t i
    if sx == 1 and sy == 1:
        convert_steps(n, x, 1, y, 1)
    elif sx == 0 and sy == 1 and n > 1:
        convert_steps(1, x, 0, y, 1)
        for i in range(1, n):
            y[i] = y[0]
    else:
        convert_steps(n, x, sx, y, sy)


cdef inline int64_t truncate(double x) noexcept:
    # The conversion of what int64 cannot hold is undefined in C; the processor's answer is INT64_MIN.
    if -9223372036854775808.0 <= x < 9223372036854775808.0:
        return <int64_t>x
    return -0x7fffffffffffffff - 1


cdef void convert_from(stored *x, Py_ssize_t n, Py_ssize_t sx, char *y, Py_ssize_t sy, int to) noexcept:
    if to == F64:
        convert_elements[stored, double](n, x, sx, <double *>y, sy)
    elif to == I64:
        convert_elements[stored, int64_t](n, x, sx, <int64_t *>y, sy)
    else:
        convert_elements[stored, char](n, x, sx, y, sy)


cdef void convert(Py_ssize_t n, const char *x, Py_ssize_t sx, int kind, char *y, Py_ssize_t sy, int to) noexcept:
    """Copy n elements with strides from one dtype to another."""
    if kind == F64:
        convert_from[double](<double *>x, n, sx, y, sy, to)
    elif kind == I64:
        convert_from[int64_t](<int64_t *>x, n, sx, y, sy, to)
    else:
        convert_from[char](<char *>x, n, sx, y, sy, to)


# ------------------------------------------------------------------------------------------- copying

cdef void copy_run_8(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef int64_t *y = <int64_t *>p[0]
    cdef const int64_t *x = <const int64_t *>p[1]
    cdef Py_ssize_t i
    if s[1]:
        memcpy(y, x, 8 * n)
    else:
        for i in range(n):
            y[i] = x[0]


cdef void copy_run_1(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    if s[1]:
        memcpy(p[0], p[1], n)
    else:
        memset(p[0], p[1][0], n)


cdef void copy_elements(Tensor y, Tensor x) noexcept:
    """y[...] = x, broadcast and converted; the memory must not overlap."""
    cdef Walk w
    if y.form is x.form and y.form.dense and y.kind == x.kind and y.form.numel < UNLOCK:
        memcpy(y.ptr, x.ptr, y.form.numel * item_size(y.kind))
        return
    walk_start(&w, y.form)
    walk_add(&w, y.ptr, y.form, y.kind, y.kind)
    walk_add(&w, x.ptr, x.form, x.kind, y.kind)
    walk_run(&w, copy_run_1 if y.kind == BOOL else copy_run_8, NULL)


cdef Tensor copy_like(Tensor x, Layout form):
    """A copy of x's elements, broadcast to a layout, unknown to autograd."""
    cdef Tensor y = new_tensor(x.kind, fresh_layout(form))
    copy_elements(y, x)
    return y


cdef Tensor converted(Tensor x, int kind):
    """x's elements as another dtype, unknown to autograd; x itself where that is its own."""
    cdef Tensor y
    if x.kind == kind:
        return x
    y = new_tensor(kind, fresh_layout(x.form))
    copy_elements(y, x)
    return y


cdef bint owned_alone(Tensor t) noexcept:
    """Whether nobody but the caller knows t or its memory."""
    if Py_REFCNT(<PyObject *>t) != 1 or t.flags & (REQUIRES | VIEW | SPECIAL):
        return False
    return t.storage is None or (Py_REFCNT(<PyObject *>t.storage) == 1 + t.storage.pins and t.storage.owner is None)


cdef bint may_overlap(Tensor a, Tensor b) noexcept:
    """Whether a and b may share memory."""
    if a.storage is not b.storage or a.storage is None:
        return a is b
    return (a.ptr < b.ptr + layout_extent(b.form) * item_size(b.kind)
            and b.ptr < a.ptr + layout_extent(a.form) * item_size(a.kind))
