# What every later file uses: C declarations, the thread's state, flags, dtypes' numbers.
#
# Nothing here knows a Tensor.  C that Cython cannot say (thread-local variables, the aligned
# allocator's casts) stands in one verbatim block, so that there is one place to look for it.

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.weakref cimport PyWeakref_NewRef
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport qsort
from libc.string cimport memcmp, memcpy, memset
from libc cimport math as cmath

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    ctypedef struct PyThreadState
    ctypedef PyObject *(*allocfunc)(PyTypeObject *, Py_ssize_t) except NULL
    ctypedef PyObject *(*newfunc)(PyTypeObject *, PyObject *, PyObject *) except NULL
    ctypedef void (*freefunc)(void *) noexcept
    ctypedef int (*inquiry)(PyObject *) noexcept
    ctypedef void (*destructor)(PyObject *) noexcept
    ctypedef int (*visitproc)(PyObject *, void *) noexcept
    ctypedef int (*traverseproc)(PyObject *, visitproc, void *) noexcept
    ctypedef struct PyTypeObject:
        const char *tp_name
        Py_ssize_t tp_basicsize
        PyObject *tp_dict
        allocfunc tp_alloc
        newfunc tp_new
        freefunc tp_free
        inquiry tp_clear
        traverseproc tp_traverse
        Py_ssize_t tp_dictoffset
        destructor tp_dealloc
    PyTypeObject *ag_type "Py_TYPE"(PyObject *) noexcept
    PyThreadState *PyEval_SaveThread() nogil
    void PyEval_RestoreThread(PyThreadState *) nogil
    Py_ssize_t Py_REFCNT(PyObject *) noexcept
    PyObject *PyType_GenericAlloc(PyTypeObject *, Py_ssize_t) except NULL
    PyObject *PyObject_Init(PyObject *, PyTypeObject *) noexcept
    void PyObject_GC_Track(PyObject *) noexcept
    void PyObject_GC_UnTrack(PyObject *) noexcept
    void PyObject_GC_Del(void *) noexcept
    void PyObject_ClearWeakRefs(PyObject *) noexcept
    void PyType_Modified(PyTypeObject *) noexcept
    int PyObject_GenericSetAttr(object, object, PyObject *) except -1
    object PyObject_GenericGetDict(object, void *)
    void *PyMem_RawMalloc(size_t) noexcept nogil
    void *PyMem_RawCalloc(size_t, size_t) noexcept nogil
    void *PyMem_RawRealloc(void *, size_t) noexcept nogil
    void PyMem_RawFree(void *) noexcept nogil
    ctypedef struct PyMethodDef:
        const char *ml_name
    object PyCFunction_NewEx(PyMethodDef *, PyObject *, object)
    const char *PyUnicode_AsUTF8(str) except NULL
    int Py_EnterRecursiveCall(const char *) except -1
    void Py_LeaveRecursiveCall() noexcept

cdef extern from *:
    r"""
    #include <stddef.h>
    #include <stdint.h>

    /* Note [Thread state]
       Grad mode and its kin are read on each operation.  Under glibc the initial-exec model makes
       that one instruction; a library loaded with dlopen may use it for a few bytes only, and other
       C libraries refuse it. */
    #if defined(_MSC_VER)
      #define AG_THREAD static __declspec(thread)
    #elif defined(__GLIBC__)
      #define AG_THREAD static __thread __attribute__((tls_model("initial-exec")))
    #else
      #define AG_THREAD static __thread
    #endif

    typedef struct {
        int no_grad;            /* recording is off (zero, so that a new thread records) */
        int inference;          /* flags that new tensors are born with */
        void *pass;             /* the innermost backward of the thread */
        void *batch;            /* of the node that is being run, Note [Batches] */
        int packing;            /* saved-tensor hooks are set */
        int watching;           /* results are kept or recalled, Note [Selective checkpoints] */
    } ag_state;
    AG_THREAD ag_state ag_tls;

    /* Note [Source lines]
       The Python code that is being executed and the offset of its instruction, without making a frame
       object: 3.12 and later have functions for it, and 3.11 will not change any more.  NULL for none. */
    #if PY_VERSION_HEX < 0x030C0000
      typedef struct {
          void *function, *globals, *builtins, *locals;
          PyCodeObject *code;
          void *object, *previous;
          _Py_CODEUNIT *instruction;
      } ag_frame;
      static CYTHON_INLINE PyObject *ag_code(int *at) {
          ag_frame *frame = (ag_frame *)_PyThreadState_UncheckedGet()->cframe->current_frame;
          if (frame == NULL) return NULL;
          *at = (int)((char *)frame->instruction - (char *)frame->code->co_code_adaptive);
          Py_INCREF(frame->code);
          return (PyObject *)frame->code;
      }
    #elif PY_VERSION_HEX < 0x030F0000
      #if PY_VERSION_HEX < 0x030D0000
        #define AG_FRAME _PyThreadState_UncheckedGet()->cframe->current_frame
      #else
        #define AG_FRAME PyThreadState_GetUnchecked()->current_frame
      #endif
      static CYTHON_INLINE PyObject *ag_code(int *at) {
          struct _PyInterpreterFrame *frame = AG_FRAME;
          PyObject *code;
          if (frame == NULL) return NULL;
          *at = PyUnstable_InterpreterFrame_GetLasti(frame);
          code = PyUnstable_InterpreterFrame_GetCode(frame);
          if (PyCode_Check(code)) return code;
          Py_DECREF(code);      /* a frame of the interpreter's own */
          return NULL;
      }
    #else
      static CYTHON_INLINE PyObject *ag_code(int *at) { return NULL; }
    #endif
    static int ag_line(PyObject *code, int at) { return PyCode_Addr2Line((PyCodeObject *)code, at); }

    /* Memory from a free list as an object again. */
    static CYTHON_INLINE void ag_revive(PyObject *o, PyTypeObject *cls) {
        Py_SET_TYPE(o, cls);
        Py_SET_REFCNT(o, 1);
    }

    static CYTHON_INLINE void ag_decref(PyObject *o) { Py_DECREF(o); }

    /* Take the last reference from an object whose deallocator the caller calls. */
    static CYTHON_INLINE void ag_kill(PyObject *o) { Py_SET_REFCNT(o, 0); }

    /* A new reference. */
    static CYTHON_INLINE PyObject *ag_held(PyObject *o) { Py_INCREF(o); return o; }

    /* A reference that C code owns becomes Cython's. */
    #define AG_OWN(o) ((void *)(o))

    /* Note [New objects]
       Cython fills the object fields of a new object with None, one reference each; before Python
       3.12 each is a write to one address, and the writes wait for each other.  The two classes made
       by the million get theirs at once, and the fields that are known go in directly: a tensor's
       layout and node, a node's edges, saved tensors and layout.  The references to edges and node
       are taken over; None among them has none. */
    static CYTHON_INLINE void ag_nones(Py_ssize_t k) {
    #if PY_VERSION_HEX < 0x030C0000
        Py_SET_REFCNT(Py_None, Py_REFCNT(Py_None) + k);
    #else
        (void)k;
    #endif
    }
    static CYTHON_INLINE int ag_hold(PyObject *o) {
        if (o == Py_None) return 1;
        Py_INCREF(o);
        return 0;
    }
    #define AG_FILL_TENSOR(t, f, n) (ag_nones(3 + ((n) == Py_None)), Py_INCREF(f), (t)->form = (f), \
        (t)->storage = (void *)Py_None, (t)->node = (void *)(n), (t)->grad_ = (void *)Py_None, \
        (t)->meta = (void *)Py_None)
    #define AG_FILL_NODE(n, v, to0, to1, x, y, f) \
        (ag_nones(2 + ((to0) == Py_None) + ((to1) == Py_None) + ag_hold(x) + ag_hold(y)), Py_INCREF(f), \
        (n)->__pyx_vtab = (v), (n)->next0 = (void *)(to0), (n)->next1 = (void *)(to1), (n)->a = (void *)(x), \
        (n)->b = (void *)(y), (n)->form = (f), (n)->extra = (void *)Py_None, (n)->args = (void *)Py_None)
    #define AG_VTABLE(n) ((void *)(n)->__pyx_vtab)
    #define AG_HAS_WEAK_REFERENCES(n) ((n)->__weakref__ != NULL)

    /* The field a of a node, whose reference somebody else has taken over, becomes None. */
    #define AG_FORGET_A(n) (Py_INCREF(Py_None), (n)->a = (void *)Py_None)

    /* A new object of a class known at run time; no class of ours looks at the arguments. */
    static CYTHON_INLINE PyObject *ag_tp_new(PyTypeObject *cls) { return cls->tp_new(cls, NULL, NULL); }

    /* Of Cython's function objects, which begin as CPython's builtins do. */
    #define AG_DEFINITION(f) (((PyCFunctionObject *)(f))->m_ml)
    #define AG_HAS_CONSTANT_DEFAULTS(f) (((__pyx_CyFunctionObject *)(f))->defaults_getter == NULL)

    #ifndef AUTOGRAD_C_SANITIZE
      #define AUTOGRAD_C_SANITIZE 0
    #endif

    /* Have memory brought into the cache, if it is there at all. */
    #if defined(__GNUC__)
      #define AG_PREFETCH(p) __builtin_prefetch(p)
    #else
      #define AG_PREFETCH(p) ((void)0)
    #endif

    /* Raw memory for a buffer and the block in front of it.  The sanitizers get an allocation that
       ends where the buffer ends. */
    #if AUTOGRAD_C_SANITIZE
      #include <stdlib.h>
      static void *ag_alloc(Py_ssize_t n, Py_ssize_t used) {
          void *p;
          (void)used;
          return posix_memalign(&p, 64, (size_t)n + 64) ? NULL : p;
      }
      static void ag_free(void *p, Py_ssize_t n) { (void)n; free(p); }
    #elif defined(__linux__)
      /* Large memory begins at a boundary of 2 MB and is advised to be in pages of that size, as numpy's
         is: fewer of them fit better into the processor's table of pages.  Only those that will be used
         whole: the rest is in small pages, which the system gives when they are touched. */
      #include <stdlib.h>
      #include <sys/mman.h>
      #define AG_HUGE_PAGE ((size_t)2 << 20)
      #define AG_IS_LARGE(n) ((size_t)(n) >= 2 * AG_HUGE_PAGE)
      static void *ag_alloc(Py_ssize_t n, Py_ssize_t used) {
          void *p;
          if (!AG_IS_LARGE(n)) return PyMem_RawMalloc((size_t)n + 128);
          if (posix_memalign(&p, AG_HUGE_PAGE, (size_t)n + 128)) return NULL;
      #ifdef MADV_HUGEPAGE
          (void)madvise(p, ((size_t)used + 128) & ~(AG_HUGE_PAGE - 1), MADV_HUGEPAGE);
      #endif
          return p;
      }
      static void ag_free(void *p, Py_ssize_t n) { AG_IS_LARGE(n) ? free(p) : PyMem_RawFree(p); }
    #else
      static void *ag_alloc(Py_ssize_t n, Py_ssize_t used) { (void)used; return PyMem_RawMalloc((size_t)n + 128); }
      static void ag_free(void *p, Py_ssize_t n) { (void)n; PyMem_RawFree(p); }
    #endif
    """
    ctypedef struct ag_state:
        int no_grad
        int inference
        void *current "pass"
        void *batch
        int packing
        int watching
    ag_state ag_tls
    PyObject *ag_code(int *) noexcept
    int ag_line(PyObject *, int) noexcept
    object ag_tp_new(PyTypeObject *)
    void ag_revive(PyObject *, PyTypeObject *) noexcept
    void ag_decref(PyObject *) noexcept
    void ag_kill(PyObject *) noexcept
    void AG_FORGET_A(Node) noexcept
    PyObject *ag_held(PyObject *) noexcept
    Tensor own_tensor "AG_OWN"(PyObject *)
    Node own_node "AG_OWN"(PyObject *)
    Storage own_storage "AG_OWN"(PyObject *)
    list own_list "AG_OWN"(PyObject *)
    object own_object "AG_OWN"(PyObject *)
    void ag_nones(Py_ssize_t) noexcept
    void AG_FILL_TENSOR(Tensor, Layout, PyObject *) noexcept
    void AG_FILL_NODE(Node, void *, PyObject *, PyObject *, PyObject *, PyObject *, Layout) noexcept
    void *AG_VTABLE(Node) noexcept
    bint AG_HAS_WEAK_REFERENCES "AG_HAS_WEAK_REFERENCES"(Node) noexcept
    bint AG_TENSOR_HAS_WEAK_REFERENCES "AG_HAS_WEAK_REFERENCES"(Tensor) noexcept
    PyMethodDef *AG_DEFINITION(object) noexcept
    bint AG_HAS_CONSTANT_DEFAULTS(object) noexcept
    const int AUTOGRAD_C_SANITIZE
    void AG_PREFETCH(const void *) noexcept
    void *ag_alloc(Py_ssize_t, Py_ssize_t) noexcept
    void ag_free(void *, Py_ssize_t) noexcept

# Numbers of the dtypes, in the order of PyTorch's promotion: the larger one wins.
cdef enum:
    BOOL = 0
    I64 = 1
    F64 = 2

# Tensor.flags
cdef enum:
    REQUIRES = 1       # takes part in differentiation: a leaf that asks for it, or has a grad_fn
    VIEW = 2           # differentiable view: meta.base is set and grad_fn may be stale
    DUAL = 4           # carries a tangent
    INFERENCE = 8      # made in inference_mode
    NUMBER = 16        # stands for a Python number
    RETAIN = 32        # retain_grad() was called on a non-leaf
    HOOKED = 64        # a leaf with hooks, see meta
    # What leaves the straight path of every operation.
    SPECIAL = DUAL

cdef enum:
    MAX_DIMS = 64      # numpy's limit; PyTorch's reductions have the same

cdef const char *DTYPE_NAMES[3]
DTYPE_NAMES[BOOL] = "torch.bool"
DTYPE_NAMES[I64] = "torch.int64"
DTYPE_NAMES[F64] = "torch.float64"


cdef inline Py_ssize_t item_size(int dtype) noexcept:
    return 1 if dtype == BOOL else 8


cdef inline bint recording() noexcept:
    """Whether operations are recorded: grad mode is on, and not overruled by inference mode."""
    return not (ag_tls.no_grad | ag_tls.inference)
