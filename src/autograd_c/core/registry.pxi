# Publication: an operation is a `def` with one of these decorators, nothing else names it.
#
# `op` makes a function of the package and a method of Tensor, `method` and `function` one of them.
# The published name is the function's; `renamed` gives another where that name is Python's own
# (sum, max ...) and the core still needs it; `also` adds a name (arcsin for asin).  The stubs and the
# documentation are made from what is published here.

__ops__ = {}                   # what is a function and differentiates or computes: name -> function
__functions__ = {}             # all functions of the package
__methods__ = {}               # all methods of Tensor that are not in its class body


@cython.final
cdef class Absent:
    """The default of an argument whose node PyTorch names by whether it was passed; it shows as None."""

    def __repr__(self):
        return "None"

cdef Absent ABSENT = Absent()


def function(f):
    """Publish f as a function of the package."""
    __functions__[f.__name__] = f
    return f


def query(f):
    """Publish, as a function and a method, what only tells about a tensor."""
    return method(function(f))


def op_function(f):
    """Publish an operation that is a function only, or whose method has other arguments."""
    __ops__[f.__name__] = f
    return function(f)


def method(f):
    """Publish f as a method of Tensor."""
    publish_method(f.__name__, f)
    return f


cdef int publish_method(str name, f) except -1:
    cdef PyTypeObject *t = <PyTypeObject *>Tensor
    __methods__[name] = f
    # The type is static, so its dict takes no new key through setattr.
    (<dict>t.tp_dict)[name] = f
    PyType_Modified(t)
    return 0


def op(f):
    """Publish an operation, as a function and a method."""
    __ops__[f.__name__] = f
    return method(function(f))


def renamed(name):
    """For `op` and its kin: publish under another name."""
    def rename(f):
        f.__name__ = f.__qualname__ = name
        return f
    return rename


def also(name):
    """Above `op` and its kin: publish under a second name as well."""
    def publish(f):
        if __functions__.get(f.__name__) is f:
            __functions__[name] = f
        if __methods__.get(f.__name__) is f:
            publish_method(name, f)
        return f
    return publish
