# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, auto_pickle=False
"""The bridge to numpy's C side: the inner loops of np.matmul.  Imported at the first product."""

from libc.stdint cimport uintptr_t

import numpy as np

cdef extern from "numpy/arrayobject.h":
    enum:
        NPY_DOUBLE
        NPY_LONGLONG
        NPY_LONG
        NPY_INT64

cdef extern from "numpy/ufuncobject.h":
    ctypedef struct PyUFuncObject:
        int nin
        int nout
        int ntypes
        void **functions
        void **data
        const char *types


cdef tuple find_loop(object ufunc, int number):
    """Addresses of the loop over one type for all operands, and of its data."""
    cdef PyUFuncObject *u = <PyUFuncObject *>ufunc
    cdef int i, k, operands = u.nin + u.nout
    for i in range(u.ntypes):
        for k in range(operands):
            if u.types[i * operands + k] != number:
                break
        else:
            return <uintptr_t>u.functions[i], <uintptr_t>(u.data[i] if u.data != NULL else NULL)
    raise RuntimeError("numpy.matmul has no inner loop for this type")


def matmul_loops():
    """(loop, data) as addresses for float64 and for int64."""
    return find_loop(np.matmul, NPY_DOUBLE), find_loop(np.matmul, NPY_INT64)
