# Data in and out: Python numbers and nested lists, single elements, foreign memory.

@cython.final
cdef class device_type:
    """Where tensors live: the CPU."""

    @property
    def type(self):
        """Always 'cpu'."""
        return "cpu"

    @property
    def index(self):
        """Always None."""
        return None

    def __repr__(self):
        return "device(type='cpu')"

    def __str__(self):
        return "cpu"

    def __eq__(self, other):
        return isinstance(other, device_type) or other == "cpu"

    def __hash__(self):
        return hash("cpu")

    def __reduce__(self):
        return device, ("cpu",)


@cython.final
cdef class layout_type:
    """How elements lie in memory: with strides."""

    def __repr__(self):
        return "torch.strided"

    def __reduce__(self):
        return "strided"


@cython.final
cdef class memory_format:
    """In what order elements lie in memory."""

    cdef str name

    def __init__(self):
        raise TypeError("cannot create 'torch.memory_format' instances")

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name


cdef memory_format make_format(str name):
    cdef memory_format f = memory_format.__new__(memory_format)
    f.name = name
    return f


cpu_device = device_type()
strided = layout_type()
contiguous_format = make_format("contiguous_format")
preserve_format = make_format("preserve_format")
channels_last = make_format("channels_last")
channels_last_3d = make_format("channels_last_3d")


cdef Layout formatted(Layout form, str name, object wanted):
    """The layout of a new tensor of these sizes; None and preserve_format keep the order."""
    cdef Py_ssize_t strides[MAX_DIMS]
    if wanted is None or wanted is preserve_format:
        return fresh_layout(form)
    check_format(name, wanted)
    if wanted is contiguous_format:
        return contiguous_layout(form)
    check_channels(form, wanted)
    channel_strides(form, strides)
    return layout_strided(form.ndim, form.sizes, strides)


cdef bint is_format(object f):
    return isinstance(f, memory_format)


cdef int check_format(str name, object wanted) except -1:
    if not is_format(wanted):
        raise TypeError(f"{name}(): argument 'memory_format' must be torch.memory_format, not {type_name(wanted)}")
    return 0


cdef int check_channels(Layout form, object wanted) except -1:
    cdef int rank = 4 if wanted is channels_last else 5
    if form.ndim != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {(<memory_format>wanted).name} format")
    return 0


cdef void channel_strides(Layout form, Py_ssize_t *strides) noexcept:
    """The strides with the channels, dimension 1, last."""
    cdef int d
    cdef Py_ssize_t step = max(form.sizes[1], 1)
    strides[1] = 1
    for d in range(form.ndim - 1, 1, -1):
        strides[d] = step
        step *= max(form.sizes[d], 1)
    strides[0] = step


cdef bint in_format(Layout form, object wanted) except -1:
    """Whether elements lie as a memory format says."""
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef int d
    if wanted is contiguous_format or wanted is preserve_format:
        return form.contiguous
    if form.ndim != (4 if wanted is channels_last else 5):
        return False
    channel_strides(form, strides)
    for d in range(form.ndim):
        if form.sizes[d] != 1 and form.strides[d] != strides[d]:
            return False
    return True


@function
def device(type):
    """The device of a name; there is only "cpu".

    Raises
    ------
    RuntimeError
        For any other device.
    """
    check_device(type)
    return cpu_device


cdef int check_device(object name) except -1:
    if name is None or isinstance(name, device_type) or name == "cpu" or name == "cpu:0":
        return 0
    raise RuntimeError(f"autograd_c computes on the CPU only, there is no device {name!r}")


# --------------------------------------------------------------------------------------- nested lists

cdef bint is_sequence(object data):
    """Whether `data` nests: lists and what else has a length and items, but no array, tensor or text."""
    if isinstance(data, (list, tuple)):
        return True
    return (hasattr(data, "__len__") and hasattr(data, "__getitem__")
            and not isinstance(data, (str, bytes, dict, set)) and not hasattr(data, "shape"))


cdef int measure(object data, list sizes, int depth) except -1:
    """Find the sizes of nested sequences from their first elements."""
    while is_sequence(data):
        sizes.append(len(data))
        if len(sizes) > MAX_DIMS:
            raise ValueError(f"too many dimensions '{type_name(data)}': more than {MAX_DIMS}")
        if not data:
            return 0
        data = data[0]
    if sizes and isinstance(data, (str, bytes)):
        raise ValueError(f"too many dimensions '{type_name(data)}'")
    if hasattr(data, "shape"):
        sizes.extend(data.shape)
    return 0


cdef int leaf_kind(object item) except -1:
    """The dtype that a number asks for."""
    if isinstance(item, bool):
        return BOOL
    if isinstance(item, float):
        return F64
    if isinstance(item, int):
        return I64
    if isinstance(item, Tensor):
        return (<Tensor>item).kind
    if isinstance(item, complex):
        raise TypeError("complex numbers are not supported: autograd_c computes in float64")
    if hasattr(item, "dtype"):
        kind = item.dtype.kind
        if kind in "fiub":
            return F64 if kind == "f" else BOOL if kind == "b" else I64
    if isinstance(item, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type_name(item)}'")
    raise RuntimeError(f"Could not infer dtype of {type_name(item)}")


cdef int find_kind(object data, int depth) except -1:
    """The largest dtype of all elements."""
    cdef int kind = BOOL
    if not is_sequence(data):
        return leaf_kind(data)
    if depth > MAX_DIMS:
        raise ValueError(f"too many dimensions '{type_name(data)}': more than {MAX_DIMS}")
    for item in data:
        kind = max(kind, find_kind(item, depth + 1))
        if kind == F64:
            break
    return kind if data else F64


cdef char *store(object data, char *p, int kind, Layout form, int depth) except NULL:
    """Write nested sequences in row-major order; returns where it ended."""
    cdef Py_ssize_t expected
    if depth == form.ndim:
        store_element(data, p, kind, depth)
        return p + item_size(kind)
    expected = form.sizes[depth]
    if not hasattr(data, "__len__") or isinstance(data, str) or (isinstance(data, Tensor) and not data.ndim):
        raise TypeError(f"not a sequence: element of type {type(data).__name__} at dim {depth}")
    if len(data) != expected:
        raise ValueError(f"expected sequence of length {expected} at dim {depth} (got {len(data)})")
    for item in data:
        p = store(item, p, kind, form, depth + 1)
    return p


cdef int store_element(object item, char *p, int kind, int depth) except -1:
    if isinstance(item, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(item, (list, tuple)):
        raise TypeError(f"must be real number, not {type_name(item)}" if kind == F64 else
                        f"'{type_name(item)}' object cannot be interpreted as an integer")
    if kind == F64:
        (<double *>p)[0] = item
    elif kind == I64:
        try:
            (<int64_t *>p)[0] = int(item)
        except OverflowError:
            raise ValueError("Overflow when unpacking long long") from None
    else:
        p[0] = 1 if item else 0
    return 0


cdef Tensor tensor_from_data(object data, int kind):
    """A new tensor with the elements of `data`; kind -1 stands for what they ask for."""
    cdef Tensor y
    cdef list sizes
    cdef Layout form
    if isinstance(data, Tensor):
        y = <Tensor>data
        if kind >= 0 and kind != y.kind:
            return converted(y, kind)
        return copy_like(y, y.form)
    if isinstance(data, float):
        y = scalar_f64(data)
        return y if kind < 0 or kind == F64 else converted(y, kind)
    if hasattr(data, "__array_interface__"):
        from ._interop import from_array
        y = from_array(data)
        return y if kind < 0 else converted(y, kind)
    sizes = []
    measure(data, sizes, 0)
    form = layout_of_sequence(sizes)
    if kind < 0:
        kind = find_kind(data, 0) if form.numel else F64
    y = new_tensor(kind, form)
    if form.numel:
        store(data, y.ptr, kind, form, 0)
    else:
        check_empty(data, form, 0)
    return y


cdef int check_empty(object data, Layout form, int depth) except -1:
    """Nested sequences without elements must still be even."""
    if depth == form.ndim:
        return 0
    if len(data) != form.sizes[depth]:
        raise ValueError(f"expected sequence of length {form.sizes[depth]} at dim {depth} (got {len(data)})")
    for item in data:
        check_empty(item, form, depth + 1)
    return 0


# --------------------------------------------------------------------------------------- elements out

cdef object load_element(const char *p, int kind):
    if kind == F64:
        return (<const double *>p)[0]
    if kind == I64:
        return (<const int64_t *>p)[0]
    return p[0] != 0


cdef object single_element(Tensor x):
    if x.form.numel != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return load_element(x.ptr, x.kind)


cdef bint truth(Tensor x) except -1:
    if x.form.numel != 1:
        if x.form.numel == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(load_element(x.ptr, x.kind))


cdef list nested_list(const char *p, Layout form, int kind, int depth):
    cdef Py_ssize_t i
    cdef Py_ssize_t step = form.strides[depth] * item_size(kind)
    if depth == form.ndim - 1:
        return [load_element(p + i * step, kind) for i in range(form.sizes[depth])]
    return [nested_list(p + i * step, form, kind, depth + 1) for i in range(form.sizes[depth])]


@method
def item(self):
    """The only element as a Python number.

    Raises
    ------
    RuntimeError
        If there is not exactly one.
    """
    cdef Tensor x = own(self)
    if x.form.numel != 1:
        raise RuntimeError(f"a Tensor with {x.form.numel} elements cannot be converted to Scalar")
    return load_element(x.ptr, x.kind)


@method
def tolist(self):
    """The elements as nested lists of Python numbers; a number for a 0-d tensor."""
    cdef Tensor x = own(self)
    if x.form.ndim == 0:
        return load_element(x.ptr, x.kind)
    return nested_list(x.ptr, x.form, x.kind, 0)


@method
def numpy(self, *, force=False):
    """The tensor as a numpy array on the same memory.

    Parameters
    ----------
    force : bool
        Detach first instead of refusing.

    Raises
    ------
    RuntimeError
        If the tensor requires a gradient.
    """
    cdef Tensor x = own(self)
    from ._interop import shared_array
    if needs_grad(x) and not force:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    return shared_array(x)


# -------------------------------------------------------------------------------------- form and memory

@method
def dim(self):
    """Number of dimensions."""
    return own(self).form.ndim


@method
def size(self, dim=None):
    """The sizes, or that of one dimension."""
    cdef Tensor x = own(self)
    if dim is None:
        return size_of(x.form)
    if x.form.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return x.form.sizes[wrap_dim(dim, x.form.ndim)]


@method
def stride(self, dim=None):
    """The strides in elements, or that of one dimension."""
    cdef Tensor x = own(self)
    if dim is None:
        return tuple([x.form.strides[d] for d in range(x.form.ndim)])
    if x.form.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return x.form.strides[wrap_dim(dim, x.form.ndim)]


@query
def numel(input):
    """Number of elements.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.numel(torch.zeros(2, 3))
    6
    """
    return tensor_arg(input, "numel", "input", 1).form.numel


@method
def nelement(self):
    """Number of elements."""
    return own(self).form.numel


@method
def element_size(self):
    """Bytes of an element."""
    return item_size(own(self).kind)


@method
def storage_offset(self):
    """Place of the first element in the storage, in elements."""
    return storage_shift(own(self))


@method
def data_ptr(self):
    """Address of the first element."""
    cdef Tensor x = own(self)
    spill(x)                                    # what lies in the object could not be shared
    return <uintptr_t>x.ptr if x.form.numel else 0


@method
def untyped_storage(self):
    """The storage behind the tensor."""
    cdef Tensor x = own(self)
    spill(x)
    return x.storage


@method
def is_contiguous(self, *, memory_format=contiguous_format):
    """Whether the elements lie in row-major order without gaps, or as another memory format says."""
    check_format("is_contiguous", memory_format)
    return in_format(own(self).form, memory_format)


@query
def is_floating_point(input):
    """Whether the dtype is float64."""
    return tensor_arg(input, "is_floating_point", "input", 1).kind == F64


@method
def is_inference(self):
    """Whether the tensor was made in inference mode."""
    return (own(self).flags & INFERENCE) != 0


@method
def cpu(self, *, memory_format=None):
    """The tensor itself: it is on the CPU."""
    if memory_format is not None:
        check_format("cpu", memory_format)
    return self


@function
def is_tensor(obj):
    """Whether an object is a Tensor."""
    return isinstance(obj, Tensor)


@method
def resize_(self, *sizes, memory_format=contiguous_format):
    """Change the sizes in place; elements beyond the old ones are uninitialised.

    The elements lie in row-major order afterwards, the only `memory_format` that there is here.

    Raises
    ------
    RuntimeError
        If the tensor requires a gradient, or more memory is needed while a buffer of the old is exported.
    """
    cdef Tensor x = own(self)
    cdef Layout form = layout_of_sequence(sizes_arg(sizes))
    cdef Py_ssize_t needed
    cdef Storage s
    if memory_format is not contiguous_format:
        check_format("resize_", memory_format)
        raise RuntimeError(f"resize_ knows torch.contiguous_format only, not {memory_format!r}")
    if needs_grad(x):
        raise RuntimeError("cannot resize variables that require grad")
    check_in_place(x, False)
    spill(x)
    s = x.storage
    needed = (storage_shift(x) + form.numel) * item_size(x.kind)
    if needed > s.size:
        if s.owner is not None or s.exports:
            raise RuntimeError("Trying to resize storage that is not resizable")
        if needed > block_room(s.data):
            move_block(s, take_tensors(s, x), needed)
        s.size = needed
    x.form = form
    bump(x)
    return x


cdef class SetBackward0(Node):
    """not differentiable"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        raise RuntimeError("derivative for set_ is not implemented")


@method
def set_(self, source=None):
    """Take another tensor's memory, sizes and strides in place of the own; not differentiable.

    Both share that memory from then on, but not the version counter, nor a history.

    Parameters
    ----------
    source : Tensor, optional
        Of the same dtype; without it the tensor becomes empty.

    Raises
    ------
    RuntimeError
        If the dtypes differ, or this is a leaf that requires a gradient.
    """
    cdef Tensor x = own(self), y
    cdef Node n = None
    cdef Storage s
    if source is None:
        y = new_tensor(x.kind, layout_of_sequence((0,)))
    elif isinstance(source, Tensor):
        y = source
    else:
        raise errors().no_overload("set_", (source,), {})
    if y.kind != x.kind:
        raise RuntimeError(f"Could not set tensor of type {c_name(y.kind)} to a tensor of type {c_name(x.kind)}")
    if recording() and (needs_grad(x) or needs_grad(y)):
        check_in_place(x, True)
        n = new_node(<PyTypeObject *>SetBackward0)
        add_edge(n, x)
        add_edge(n, y)
    else:
        check_in_place(x, False)
    begin_write(x)
    spill(y)
    s = second_storage(y.storage)
    s.version = version_of(x) + 1
    x.form = y.form
    x.storage = s
    x.ptr = y.ptr
    if x.flags & VIEW:
        x.flags &= ~VIEW
        x.meta.base = None
    if n is not None:
        set_result(n, x)
    return x


cdef Py_ssize_t block_room(char *data) noexcept:
    return (<Block *>(data - ALIGN)).size


# Tensors point into their storage by address, so a block moves with all of them or not at all.  Nobody
# keeps a list of them: they are looked for among all objects, and counted against the references that
# the storage has.

cdef list take_tensors(Storage s, Tensor x):
    """All tensors on a storage, or on one that `.data` made of it; raises where somebody else knows it."""
    cdef list found = [x]
    cdef dict known = {}                       # id of a storage: references to it that are accounted for
    cdef Storage d
    cdef PyObject *o
    cdef Py_ssize_t i
    if Py_REFCNT(<PyObject *>s) == 2:          # x and the caller
        return found
    import gc
    found.clear()
    for i in range(tensor_pool.count):
        o = tensor_pool.all[i]
        if Py_REFCNT(o) > 0 and is_on(<Tensor>o, s):
            found.append(<object>o)
    for other in gc.get_objects():
        if isinstance(other, Tensor) and is_on(<Tensor>other, s):
            found.append(other)
    for t in found:
        d = (<Tensor>t).storage
        while id(d) not in known:
            known[id(d)] = 0
            if d is not s:
                d = d.owner
    for t in found:
        known[id((<Tensor>t).storage)] += 1
    counted = set()
    for t in found:
        d = (<Tensor>t).storage
        while d is not s and id(d) not in counted:
            counted.add(id(d))
            d = d.owner
            known[id(d)] += 1
    for t in found:
        d = (<Tensor>t).storage
        while True:
            # beyond those accounted for: d here, and the caller's s
            if d.exports or Py_REFCNT(<PyObject *>d) != <Py_ssize_t>known[id(d)] + 1 + (d is s):
                raise RuntimeError("Trying to resize storage that is not resizable: more than tensors share it")
            if d is s:
                break
            d = d.owner
    return found


cdef bint is_on(Tensor t, Storage s) noexcept:
    cdef Storage d = t.storage
    while d is not None and d is not s and isinstance(d.owner, Storage):
        d = d.owner
    return d is s


cdef int move_block(Storage s, list tensors, Py_ssize_t needed) except -1:
    """Give a storage a larger block, and take along the tensors, which are all that point into it."""
    cdef char *old = s.data
    cdef char *moved = take_block(needed)
    cdef Storage d
    memcpy(moved, old, s.size)
    for t in tensors:
        (<Tensor>t).ptr = moved + ((<Tensor>t).ptr - old)
        d = (<Tensor>t).storage
        while d is not s:
            d.data = moved
            d.size = needed
            d = d.owner
    s.data = moved
    give_block(old)
    return 0


# ------------------------------------------------------------------------------------- foreign memory

def _from_memory(object owner, uintptr_t address, Py_ssize_t nbytes, tuple sizes, tuple strides, str kind,
                 bint readonly):
    """A tensor on memory that `owner` keeps alive; strides in elements, kind 'f', 'i' or 'b'."""
    cdef Py_ssize_t s[MAX_DIMS]
    cdef Py_ssize_t t[MAX_DIMS]
    cdef Tensor x = Tensor.__new__(Tensor)
    cdef int n = read_sizes(sizes, s)
    read_sizes(strides, t)
    x.kind = F64 if kind == "f" else I64 if kind == "i" else BOOL
    x.form = layout_strided(n, s, t) if n else SCALAR
    x.storage = foreign_storage(owner, <char *>address, nbytes, readonly)
    x.ptr = <char *>address
    return x
