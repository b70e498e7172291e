# The three dtypes.  Their numbers order them for promotion; float32 and the other names that
# PyTorch has are mapped by the Python layer (see docs/conventions.md).

@cython.final
@cython.no_gc
cdef class dtype:
    """Type of the elements of a tensor: float64, int64 or bool."""

    cdef int number

    def __init__(self):
        raise TypeError("cannot create 'torch.dtype' instances")

    @property
    def is_floating_point(self):
        """Whether it is float64."""
        return self.number == F64

    @property
    def is_complex(self):
        """Always False: there are no complex tensors."""
        return False

    @property
    def is_signed(self):
        """Whether it has negative numbers."""
        return self.number != BOOL

    @property
    def itemsize(self):
        """Bytes of an element."""
        return item_size(self.number)

    def __repr__(self):
        return DTYPE_NAMES[self.number].decode()

    def __reduce__(self):
        return "_" + repr(self)[6:]


cdef dtype make_dtype(int number):
    cdef dtype d = dtype.__new__(dtype)
    d.number = number
    return d


cdef dtype float64 = make_dtype(F64)
cdef dtype int64 = make_dtype(I64)
cdef dtype bool_ = make_dtype(BOOL)
_float64, _int64, _bool = float64, int64, bool_


cdef inline dtype dtype_object(int number):
    return float64 if number == F64 else int64 if number == I64 else bool_


cdef bint is_dtype(object d):
    """Whether d will do as a `dtype` argument."""
    return isinstance(d, dtype) or d is float or d is int or d is bool


cdef int dtype_number(object d, int otherwise) except -2:
    """The number of a `dtype` argument: a dtype, or Python's float, int or bool."""
    if d is None:
        return otherwise
    if isinstance(d, dtype):
        return (<dtype>d).number
    if d is float:
        return F64
    if d is int:
        return I64
    if d is bool:
        return BOOL
    raise TypeError(f"dtype must be torch.dtype, not {type(d).__name__}")


cdef str scalar_type_name(int number):
    """The name that PyTorch's messages use."""
    return "Double" if number == F64 else "Long" if number == I64 else "Bool"
