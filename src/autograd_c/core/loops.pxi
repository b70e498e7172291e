# Kernels, and the loops that make them of a formula.
#
# A kernel is a C function over one run of n elements: operand 0 is written, the others are read, each
# with stride 1, or 0 for an input that does not move.  It sees double, int64 or bool only; what brings
# everything else to it is the walk (walk.pxi).  `map1` ... `chain2` take the formula as a constant: it
# is inlined, and the loop vectorised.
#
# Note [Streams]
# Before a processor writes to memory that no cache has, it reads it.  Results that are larger than most
# caches (STREAM) are therefore made a block at a time, and written past the caches (`stream`): a quarter
# of the traffic of a product less.  Not what is changed in place, for that has just been read, nor lines
# that a kernel needs whole.  Such writes are seen by other threads after a fence only.

ctypedef void (*Kernel)(Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept

cdef enum:
    MAX_OPERANDS = 6
    BLOCK = 512                # elements of a block: 4 kB for each operand
    TILE = 8                   # lines that are packed together: as many elements as a cache line has
    STREAM = 1 << 22           # elements of a result that is written past the caches: 32 MB


cdef extern from *:
    """
    /* A block of elements for a kernel, each vector of it in one cache line: elsewhere it costs a seventh
       of a pass. */
    #if defined(_MSC_VER) && !defined(__clang__)
      typedef __declspec(align(64)) struct { double of[512]; } ag_room;
    #else
      typedef struct { double of[512]; } __attribute__((aligned(64))) ag_room;
    #endif
    """
    ctypedef struct BlockRoom "ag_room":
        double of[BLOCK]


cdef extern from *:
    """
    #if defined(__GNUC__) && defined(__x86_64__)
      #include <immintrin.h>
      #define AG_STREAMS 1
      #if defined(__AVX512F__)
        #define AG_STREAM(y, x) _mm512_stream_pd(y, _mm512_loadu_pd(x))
        #define AG_STREAM_WIDTH 8
      #elif defined(__AVX__)
        #define AG_STREAM(y, x) _mm256_stream_pd(y, _mm256_loadu_pd(x))
        #define AG_STREAM_WIDTH 4
      #else
        #define AG_STREAM(y, x) _mm_stream_pd(y, _mm_loadu_pd(x))
        #define AG_STREAM_WIDTH 2
      #endif
      static void ag_stream(double *y, const double *x, Py_ssize_t n) {
          Py_ssize_t i = 0;
          for (; i < n && ((uintptr_t)(y + i) & 63); i++) y[i] = x[i];
          for (; i + AG_STREAM_WIDTH <= n; i += AG_STREAM_WIDTH) AG_STREAM(y + i, x + i);
          for (; i < n; i++) y[i] = x[i];
      }
      #define AG_FENCE() _mm_sfence()
    #else
      #define AG_STREAMS 0
      #define ag_stream(y, x, n) ((void)0)
      #define AG_FENCE() ((void)0)
    #endif
    """
    const bint AG_STREAMS
    void stream "ag_stream"(double *y, const double *x, Py_ssize_t n) noexcept
    void AG_FENCE() noexcept

# ------------------------------------------------------------------------- loops over a formula

ctypedef double (*Formula1)(double) noexcept
ctypedef double (*Formula2)(double, double) noexcept
ctypedef double (*Formula1C)(double, const double *) noexcept
ctypedef int64_t (*Room)(double) noexcept
ctypedef int64_t (*Integer1)(int64_t) noexcept
ctypedef int64_t (*Integer2)(int64_t, int64_t) noexcept
ctypedef bint (*Test1)(double) noexcept
ctypedef bint (*Test2)(double, double) noexcept
ctypedef bint (*IntegerTest2)(int64_t, int64_t) noexcept
ctypedef double (*Chain1)(double g, double x, double y, const double *c) noexcept
ctypedef double (*Chain2)(double g, double a, double b) noexcept


cdef inline void map1(Formula1 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef Py_ssize_t i
    cdef double value
    if n == 1 or s[1] == 0:
        value = f(x[0])
        for i in range(n):
            y[i] = value
    elif x == y:                                # in place: what two pointers could overlap in is not vectorised
        for i in range(n):
            y[i] = f(y[i])
    else:
        for i in range(n):
            y[i] = f(x[i])


cdef inline void map1c(Formula1C f, Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef Py_ssize_t i
    cdef double value
    cdef double d[2]                            # no result is written over these
    d[0] = c[0]
    d[1] = c[1]
    if n == 1 or s[1] == 0:
        value = f(x[0], d)
        for i in range(n):
            y[i] = value
    elif x == y:
        for i in range(n):
            y[i] = f(y[i], d)
    else:
        for i in range(n):
            y[i] = f(x[i], d)


cdef inline bint all_near(Room room, Py_ssize_t n, const double *x) noexcept:
    """Whether n arguments are near, Note [Near arguments]."""
    cdef int64_t signs = 0
    cdef Py_ssize_t i
    for i in range(n):
        signs |= room(x[i])
    return signs >= 0


cdef inline void map1_near(Formula1C f, Room room, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """map1 for a formula that has a short way, Note [Near arguments]."""
    cdef double *y = <double *>p[0]
    cdef const double *x = <const double *>p[1]
    cdef double value
    cdef int64_t signs
    cdef Py_ssize_t i, m
    if n == 1 or s[1] == 0:
        value = f(x[0], NULL)
        for i in range(n):
            y[i] = value
        return
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        if x == y:                              # as in map1; what is overwritten has to be asked about before
            if all_near(room, m, x):
                for i in range(m):
                    y[i] = f(y[i], NEAR)
            else:
                for i in range(m):
                    y[i] = f(y[i], NULL)
        else:
            signs = -(m < 16)                   # a few are not worth the question
            if signs == 0:
                for i in range(m):
                    y[i] = f(x[i], NEAR)
                    signs |= room(x[i])
            if signs < 0:
                for i in range(m):
                    y[i] = f(x[i], NULL)
        y += m
        x += m
        n -= m


cdef void exp_run(Py_ssize_t n, double *y) noexcept:
    """y = exp(y)"""
    cdef char *p[2]
    cdef Py_ssize_t s[2]
    p[0] = p[1] = <char *>y
    s[0] = s[1] = 1
    map1_near(exp_value, exp_room, n, p, s)


cdef inline void map1_int(Integer1 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef int64_t *y = <int64_t *>p[0]
    cdef const int64_t *x = <const int64_t *>p[1]
    cdef Py_ssize_t i, k = s[1]                 # copied, as a result may lie where the compiler thinks s does
    for i in range(n):
        y[i] = f(x[k * i])


cdef inline void test1(Test1 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef char *y = p[0]
    cdef const double *x = <const double *>p[1]
    cdef Py_ssize_t i, k = s[1]
    for i in range(n):
        y[i] = f(x[k * i])


cdef inline void map2(Formula2 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef double *y = <double *>p[0]
    cdef const double *a = <const double *>p[1]
    cdef const double *b = <const double *>p[2]
    cdef Py_ssize_t i
    cdef double fixed
    if n == 1:
        y[0] = f(a[0], b[0])
    elif s[1] and s[2]:
        for i in range(n):
            y[i] = f(a[i], b[i])
    elif s[1]:
        fixed = b[0]
        for i in range(n):
            y[i] = f(a[i], fixed)
    else:
        fixed = a[0]
        for i in range(n):
            y[i] = f(fixed, b[s[2] * i])


cdef inline void map2_int(Integer2 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef int64_t *y = <int64_t *>p[0]
    cdef const int64_t *a = <const int64_t *>p[1]
    cdef const int64_t *b = <const int64_t *>p[2]
    cdef Py_ssize_t i, j = s[1], k = s[2]
    if j and k:
        for i in range(n):
            y[i] = f(a[i], b[i])
    else:
        for i in range(n):
            y[i] = f(a[j * i], b[k * i])


cdef inline void test2(Test2 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef char *y = p[0]
    cdef const double *a = <const double *>p[1]
    cdef const double *b = <const double *>p[2]
    cdef Py_ssize_t i, j = s[1], k = s[2]
    cdef double fixed
    if j and k:
        for i in range(n):
            y[i] = f(a[i], b[i])
    elif j:
        fixed = b[0]
        for i in range(n):
            y[i] = f(a[i], fixed)
    else:
        fixed = a[0]
        for i in range(n):
            y[i] = f(fixed, b[k * i])


cdef inline void test2_int(IntegerTest2 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    cdef char *y = p[0]
    cdef const int64_t *a = <const int64_t *>p[1]
    cdef const int64_t *b = <const int64_t *>p[2]
    cdef Py_ssize_t i, j = s[1], k = s[2]
    if j and k:
        for i in range(n):
            y[i] = f(a[i], b[i])
    else:
        for i in range(n):
            y[i] = f(a[j * i], b[k * i])


# Operands of a backward kernel all move, or n is 1: the walk and `take_turns` spread over a block what
# does not, above all the gradient of a sum.  So there is one loop, which is vectorised.

cdef inline void chain1(Chain1 f, Py_ssize_t n, char **p, const Py_ssize_t *s, const double *c) noexcept:
    """dx from (g, x, y); an operand that the formula does not name is never read."""
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef const double *y = <const double *>p[3]
    cdef Py_ssize_t i
    if n == 1:
        r[0] = f(g[0], x[0], y[0], c)
    else:
        for i in range(n):
            r[i] = f(g[i], x[i], y[i], c)


cdef inline void chain1_near(Chain1 f, Room room, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """chain1 where x has a short way, Note [Near arguments], and no static arguments."""
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *x = <const double *>p[2]
    cdef const double *y = <const double *>p[3]
    cdef Py_ssize_t i, m
    if n == 1:
        r[0] = f(g[0], x[0], y[0], NULL)
        return
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        if all_near(room, m, x):
            for i in range(m):
                r[i] = f(g[i], x[i], y[i], NEAR)
        else:
            for i in range(m):
                r[i] = f(g[i], x[i], y[i], NULL)
        r += m
        g += m
        x += m
        y += m
        n -= m


cdef inline void chain2(Chain2 f, Py_ssize_t n, char **p, const Py_ssize_t *s) noexcept:
    """da or db from (g, a, b)."""
    cdef double *r = <double *>p[0]
    cdef const double *g = <const double *>p[1]
    cdef const double *a = <const double *>p[2]
    cdef const double *b = <const double *>p[3]
    cdef Py_ssize_t i
    if n == 1:
        r[0] = f(g[0], a[0], b[0])
    else:
        for i in range(n):
            r[i] = f(g[i], a[i], b[i])
