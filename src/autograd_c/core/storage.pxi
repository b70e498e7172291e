# Storage: the memory behind tensors, and the pool that it comes from.
#
# A storage is one 64-byte aligned buffer, shared by all tensors that alias it, with the version
# counter that they share.  Freed buffers are kept by size class and handed out again, so that a
# steady loop takes nothing from the operating system.  The sanitizers see each buffer come and go:
# that build keeps none.

cdef enum:
    ALIGN = 64
    CLASSES = 256
    # Kept, but unused, memory beyond what is in use and this slack goes back to the system.
    SLACK = 256 << 20

cdef struct Block:              # stands in the ALIGN bytes before the buffer
    void *raw
    Block *next
    Py_ssize_t size
    int kind

cdef char *BYTE_FORMAT = "B"
cdef Block *free_blocks[CLASSES]
cdef Py_ssize_t blocks_in_use[CLASSES]
cdef Py_ssize_t bytes_in_use = 0
cdef Py_ssize_t bytes_kept = 0
cdef Py_ssize_t peak = 0                 # of bytes_in_use
cdef Py_ssize_t taken = 0                # blocks that came from the system
cdef Py_ssize_t limit = PY_SSIZE_T_MAX   # of bytes in use and kept


cdef inline int size_class(Py_ssize_t n, Py_ssize_t *rounded) noexcept:
    """Class of a request of n bytes: four classes to each power of two, at least 64 bytes."""
    cdef int shift = 4
    cdef Py_ssize_t quarter
    if n <= 64:
        rounded[0] = 64
        return 0
    while (n - 1) >> (shift + 3):
        shift += 1
    # now 4 <= (n - 1) >> shift <= 7: the upper bits tell the quarter
    quarter = ((n - 1) >> shift) + 1
    rounded[0] = quarter << shift
    return (shift - 4) * 4 + <int>quarter - 4


cdef Py_ssize_t class_size(int kind) noexcept:
    """Size of the blocks of a class."""
    return 64 if kind == 0 else <Py_ssize_t>((kind - 1) % 4 + 5) << ((kind - 1) // 4 + 4)


cdef void drop_kept_blocks() noexcept:
    """Give all unused blocks back to the system."""
    global bytes_kept
    cdef int k
    cdef Block *b
    for k in range(CLASSES):
        while free_blocks[k] != NULL:
            b = free_blocks[k]
            free_blocks[k] = b.next
            bytes_kept -= b.size
            ag_free(b.raw, b.size)


cdef char *take_block(Py_ssize_t n) except NULL:
    global bytes_in_use, bytes_kept, peak
    cdef Py_ssize_t size
    cdef int kind = size_class(n, &size)
    cdef Block *b = free_blocks[kind]
    if b != NULL:
        free_blocks[kind] = b.next
        bytes_kept -= size
    else:
        b = new_block(n, size, kind)
    bytes_in_use += b.size
    blocks_in_use[kind] += 1
    if bytes_in_use > peak:
        peak = bytes_in_use
    return <char *>b + ALIGN


cdef Block *new_block(Py_ssize_t n, Py_ssize_t size, int kind) except NULL:
    """A block from the system, for n bytes of a class with this size."""
    global taken
    cdef Block *b
    cdef void *raw = NULL
    if bytes_kept > bytes_in_use + SLACK:
        drop_kept_blocks()
    if AUTOGRAD_C_SANITIZE:
        size = n                         # so that the byte past the end is not ours
    if size > limit - bytes_in_use - bytes_kept:
        drop_kept_blocks()
        if size > limit - bytes_in_use:
            raise MemoryError(f"autograd_c: memory limit reached: you tried to allocate {n} bytes, "
                              f"and {bytes_in_use} of {limit} are in use")
    if size <= PY_SSIZE_T_MAX - 2 * ALIGN:
        raw = ag_alloc(size, n)
        if raw == NULL and bytes_kept:
            drop_kept_blocks()
            raw = ag_alloc(size, n)
    if raw == NULL:
        raise MemoryError(f"autograd_c: not enough memory: you tried to allocate {n} bytes")
    b = <Block *>(<uintptr_t>raw + 2 * ALIGN - 1 - (<uintptr_t>raw + 2 * ALIGN - 1) % ALIGN - ALIGN)
    if AUTOGRAD_C_SANITIZE:
        b = <Block *>raw
    b.raw = raw
    b.size = size
    b.kind = kind
    taken += 1
    return b


cdef void give_block(char *data) noexcept:
    global bytes_in_use, bytes_kept
    cdef Block *b = <Block *>(data - ALIGN)
    bytes_in_use -= b.size
    blocks_in_use[b.kind] -= 1
    if AUTOGRAD_C_SANITIZE:
        ag_free(b.raw, b.size)
        return
    b.next = free_blocks[b.kind]
    free_blocks[b.kind] = b
    bytes_kept += b.size


@cython.final
@cython.no_gc
@cython.freelist(1024)
cdef class Storage:
    """The memory of one or more tensors.

    Exports a buffer of bytes (a Tensor itself does not: see docs/conventions.md), through which
    numpy shares the memory.
    """

    cdef char *data
    cdef Py_ssize_t size
    cdef uint32_t version
    cdef bint readonly
    cdef int exports            # buffers held by others: the memory must not move
    cdef int pins               # references that a batch holds, Note [Batches]
    cdef object owner           # of foreign memory, else None

    def __getbuffer__(self, Py_buffer *view, int flags):
        if self.readonly and flags & PyBUF_WRITABLE:
            raise BufferError("the storage is read-only")
        view.buf = self.data
        view.obj = self
        view.len = self.size
        view.readonly = self.readonly
        view.itemsize = 1
        view.format = BYTE_FORMAT if flags & PyBUF_FORMAT else NULL
        view.ndim = 1
        view.shape = &self.size if flags & PyBUF_ND else NULL
        view.strides = &view.itemsize if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL
        self.exports += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.exports -= 1

    def nbytes(self):
        """Size in bytes."""
        return self.size

    def data_ptr(self):
        """Address of the first byte."""
        return <uintptr_t>self.data

    def __len__(self):
        return self.size


# Not a `__dealloc__`: around that Cython saves and restores whatever exception there may be.
cdef destructor forget_storage = NULL          # Cython's, set by set_up_objects

cdef void storage_dealloc(PyObject *o) noexcept:
    """tp_dealloc of Storage: gives the memory back, and goes on to Cython's."""
    if (<Storage>o).data != NULL and <PyObject *>(<Storage>o).owner == <PyObject *>None:
        give_block((<Storage>o).data)
    forget_storage(o)


cdef Storage new_storage(Py_ssize_t nbytes):
    cdef Storage s
    cdef char *data = take_block(nbytes)
    s = Storage.__new__(Storage)
    s.data = data
    s.size = nbytes
    return s


cdef Storage foreign_storage(object owner, char *data, Py_ssize_t nbytes, bint readonly):
    """Memory that `owner` keeps alive."""
    cdef Storage s = Storage.__new__(Storage)
    s.data = data
    s.size = nbytes
    s.owner = owner
    s.readonly = readonly
    return s


def live_bytes():
    """Bytes of the pool's memory that storages hold now."""
    return bytes_in_use


def kept_bytes():
    """Bytes of freed memory that the pool keeps for reuse."""
    return bytes_kept


def _memory_stats():
    """Bytes in use and kept, the peak, blocks from the system, the limit; and (size, in use, kept) by class."""
    cdef list classes = []
    cdef Block *b
    cdef Py_ssize_t kept
    cdef int k
    for k in range(CLASSES):
        kept = 0
        b = free_blocks[k]
        while b != NULL:
            kept += 1
            b = b.next
        if kept or blocks_in_use[k]:
            classes.append((class_size(k), blocks_in_use[k], kept))
    return bytes_in_use, bytes_kept, peak, taken, limit, classes


def _empty_cache():
    """Give the memory that is kept for reuse back to the system."""
    drop_kept_blocks()


def _reset_peak():
    """Let the peak begin with what is in use now."""
    global peak
    peak = bytes_in_use


def _set_memory_limit(Py_ssize_t nbytes):
    """Bound the bytes in use and kept; a negative number is no bound."""
    global limit
    limit = nbytes if nbytes >= 0 else PY_SSIZE_T_MAX
    if bytes_in_use + bytes_kept > limit:
        drop_kept_blocks()
