# Classes that refer to each other.

cdef class Tracked
cdef class Tensor(Tracked)
cdef class Node(Tracked)
cdef class Storage
cdef class Layout
cdef class Meta
cdef class NodeExtra
