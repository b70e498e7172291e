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


# Note [Functions of the package]
# Cython's function objects can be methods, have names that can be set, and defaults that are objects.
# CPython's builtins can none of that, but the interpreter calls them 8 ns sooner.  So what is
# published as a function is a builtin on the same C code, where its defaults allow that; a method is
# the function object itself.  As PyTorch's own functions it has no `inspect.signature`; the stubs do.

__originals__ = {}             # builtin -> the function object that it was made from


cdef object as_builtin(f):
    """A builtin that does what the function object f does; f itself where the C code reads defaults from it."""
    cdef PyMethodDef *definition = AG_DEFINITION(f)
    cdef PyMethodDef *copied
    cdef str name = f.__name__
    if not AG_HAS_CONSTANT_DEFAULTS(f):
        return f
    if definition.ml_name != name.encode():
        copied = <PyMethodDef *>PyMem_RawMalloc(sizeof(PyMethodDef))
        if copied == NULL:
            raise MemoryError()
        copied[0] = definition[0]
        Py_INCREF(name)                        # the builtin points into it
        copied.ml_name = PyUnicode_AsUTF8(name)
        definition = copied
    builtin = PyCFunction_NewEx(definition, NULL, "autograd_c")
    __originals__[builtin] = f
    return builtin


def function(f):
    """Publish f as a function of the package."""
    builtin = as_builtin(f)
    __functions__[f.__name__] = builtin
    return builtin


def query(f):
    """Publish, as a function and a method, what only tells about a tensor."""
    method(f)
    return function(f)


def op_function(f):
    """Publish an operation that is a function only, or whose method has other arguments."""
    builtin = function(f)
    __ops__[f.__name__] = builtin
    return builtin


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


def node_method(f):
    """Publish f as a method of Node, and so of the nodes of all operations."""
    cdef PyTypeObject *t = <PyTypeObject *>Node
    (<dict>t.tp_dict)[f.__name__] = f
    PyType_Modified(t)
    return f


def op(f):
    """Publish an operation, as a function and a method."""
    method(f)
    return op_function(f)


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
        original = __originals__.get(f, f)
        if __methods__.get(f.__name__) is original:
            publish_method(name, original)
        return f
    return publish
