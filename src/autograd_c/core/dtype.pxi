# The three dtypes.  Their numbers order them for promotion; float32 and the other names that
# PyTorch has are objects that stand for one of the three and are equal to it (see docs/conventions.md).

@cython.final
@cython.no_gc
cdef class dtype:
    """Type of the elements of a tensor: float64, int64 or bool."""

    cdef int number
    cdef bint stands_in        # for a dtype that is not there

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

    def __eq__(self, other):
        return isinstance(other, dtype) and self.number == (<dtype>other).number

    def __hash__(self):
        return self.number

    def __repr__(self):
        return DTYPE_NAMES[self.number].decode()

    def __reduce__(self):
        return "_" + repr(self)[6:]


cdef dtype make_dtype(int number, bint stands_in):
    cdef dtype d = dtype.__new__(dtype)
    d.number = number
    d.stands_in = stands_in
    return d


cdef dtype float64 = make_dtype(F64, False)
cdef dtype int64 = make_dtype(I64, False)
cdef dtype bool_ = make_dtype(BOOL, False)
_float64, _int64, _bool = float64, int64, bool_
_float_stand_in, _int_stand_in = make_dtype(F64, True), make_dtype(I64, True)

cdef bint stand_in_seen = False


cdef int meet_stand_in() except -1:
    """A dtype was asked for that is not there: warn the first time."""
    global stand_in_seen
    if not stand_in_seen:
        stand_in_seen = True
        errors().warn_precision()
    return 0


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
        if (<dtype>d).stands_in:
            meet_stand_in()
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
