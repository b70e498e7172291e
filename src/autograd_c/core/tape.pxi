# Node: one recorded operation.
#
# A node knows the nodes that its gradients go to (edges), the tensors that its derivative needs
# (saved tensors, with the versions they had), and the layout of its output.  All operations' nodes
# share one memory layout, hence one free list; what few nodes need (hooks, more than two edges or
# saved tensors, several outputs) stands in a NodeExtra.
#
# Note [Saved outputs]
# exp saves its own result.  To keep the tensor itself would close a cycle (result -> node -> result),
# so the node keeps its data and version: a scalar that nothing aliases as a plain double, anything
# else as an internal tensor on the same storage.  A scalar can be overwritten only after it was
# spilled (make.pxi), and the spill gives the node such a tensor: so a change is always seen, even
# one through an alias after the result itself died.  Unpacking makes a tensor whose grad_fn is the
# node.
#
# Note [Saved inputs]
# An input is saved as the tensor object itself.  It may later be rebased by an operation in place;
# then its version differs and unpacking raises, so its newer grad_fn is never used.

# Node.flags
cdef enum:
    SAVES = 1              # has saved tensors, which a backward without retain_graph frees
    RELEASED = 2           # ... which were freed
    SCALAR_RESULT = 4      # the saved output is Node.y
    RESULT_IN_B = 8        # the saved output is Node.b
    MANY = 16              # several outputs: apply_many, and the slot is a list
    ATTACHED = 32          # extra has hooks, or tensors that retain their gradient
    HOLDS_NODE = 64        # args hold another node, to be freed with what was saved
    AT_REST = 128          # an AccumulateGrad that no graph holds
    ADDS = 256             # apply adds to the gradients that it is handed, Note [Gradients in one pass]
    PACKED = 512           # extra.packed has saved tensors, Note [Packed tensors]

cdef enum:
    AT_ONCE = 0x7fffffffffffffff       # sequence number of nodes that run as soon as they can

cdef enum:
    LEAF = -1              # Node.nr0, nr1: the edge still holds the leaf itself

cdef int64_t next_sequence = 0


cdef struct NodeState:
    # What one backward pass keeps about a node; see pass.pxi.
    int64_t task
    int pending
    int marks
    PyObject *slot         # the gradient so far, owned: a Tensor, or for MANY a list


cdef class NodeExtra:
    """What few nodes have."""

    cdef list edges        # (node, output number) of the third input and on
    cdef list saved        # (tensor, version) beyond a and b
    cdef dict packed       # place -> what stands for a saved tensor, Note [Packed tensors]
    cdef list forms        # of all outputs, for MANY
    cdef dict hooks        # output number -> {key: hook}
    cdef dict retained     # output number -> weak reference to the tensor that retains its gradient
    cdef dict before       # hooks on the node, which get the gradients of its outputs
    cdef dict after        # ... and, once it has run, those of its inputs
    cdef dict metadata     # the user's


@cython.no_gc_clear
cdef class Node(Tracked):
    """A recorded operation: the `grad_fn` of its results."""

    cdef int64_t sequence
    cdef object next0          # edge to the first input: a Node, its leaf (Note [Edges to leaves]) or None
    cdef object next1
    cdef int nr0               # which output of next0, or LEAF
    cdef int nr1
    cdef int inputs
    cdef int flags
    cdef uint32_t version_a
    cdef uint32_t version_b
    cdef Tensor a
    cdef Tensor b
    cdef Layout form           # of output 0
    cdef NodeExtra extra
    cdef object args           # what else the derivative needs
    cdef const void *op        # the operation's table of kernels
    cdef double y              # a scalar result, Note [Saved outputs]
    cdef double c[2]           # static arguments of the kernels
    cdef NodeState state
    cdef PyObject *code        # what recorded it, owned, or NULL; Note [Source lines]
    cdef int instruction
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        raise TypeError(f"cannot create '{type(self).__name__}' instances")

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        """Compute the gradients of the inputs from that of the output.

        grads[i] takes a new reference, or stays NULL where there is no edge or no gradient.  To a node
        with ADDS it may come with a reference to a total, which the gradient is to be added to.
        """
        raise RuntimeError(f"derivative for {self.name()} is not implemented")

    cdef int apply_many(self, list gs, PyObject **grads) except -1:
        """The same for several outputs; None in gs stands for a zero gradient."""
        raise RuntimeError(f"derivative for {self.name()} is not implemented")

    def name(self):
        """The operation's name, as PyTorch's `Node.name`."""
        return type(self).__name__

    @property
    def next_functions(self):
        """Pairs (node, number of its output), one for each input."""
        cdef list pairs = []
        cdef int i
        for i in range(self.inputs):
            pairs.append((edge_node(self, i), edge_nr(self, i)))
        return tuple(pairs)

    def _kept(self, int place):
        """What is saved in a place (Note [Packed tensors]), as backward would see it; None for nothing."""
        return saved_in(self, place)

    def _arguments(self):
        """What else the derivative knows: the two numbers that kernels get, and `args`, layouts as sizes."""
        return (self.c[0], self.c[1]), with_sizes(self.args)

    def _operation(self):
        """The name of the table of an elementwise operation."""
        if self.op == NULL or not isinstance(self, (UnaryNode, BinaryNode)):
            return None
        return (<const UnaryOp *>self.op).name.decode() if isinstance(self, UnaryNode) else (
            (<const BinaryOp *>self.op).name.decode())

    def _kept_count(self):
        """How many tensors are saved beyond two inputs and a result."""
        return len(self.extra.saved) if self.extra is not None and self.extra.saved is not None else 0

    def __getattr__(self, name):
        if name.startswith(("_saved_", "_raw_saved_")):
            from .autograd._node_attributes import saved_attribute
            return saved_attribute(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __dir__(self):
        from .autograd._node_attributes import saved_names
        return [*object.__dir__(self), *saved_names(self)]

    def _sequence_nr(self):
        """Number of the node in the order of recording."""
        return self.sequence

    @property
    def metadata(self):
        """A dict for what users want to remember of the node."""
        cdef NodeExtra extra = extra_of(self)
        if extra.metadata is None:
            extra.metadata = {}
            note_cycle_maker()
        return extra.metadata

    @property
    def _source(self):
        """The file and line that recorded the operation, or None."""
        if self.code == NULL:
            return None
        return (<object>self.code).co_filename, ag_line(self.code, self.instruction)

    def __repr__(self):
        return f"<{type(self).__name__} object at {hex(<uintptr_t><PyObject *>self)}>"

    def _output_sizes(self):
        """The sizes of each output, None for one that is no tensor."""
        cdef list forms = [self.form]
        if self.flags & MANY and self.extra is not None and self.extra.forms is not None:
            forms = self.extra.forms
        return [None if form is None else sizes_tuple(form) for form in forms]

    def _kept_storages(self):
        """(address, bytes, sizes) of every tensor that the node holds; of an AccumulateGrad, its leaf."""
        cdef list found = []
        note_saved(found, self)
        return found


cdef tuple sizes_tuple(Layout form):
    cdef int i
    return tuple([form.sizes[i] for i in range(form.ndim)])


cdef object with_sizes(object args):
    if isinstance(args, Layout):
        return sizes_tuple(args)
    return tuple([with_sizes(a) for a in args]) if isinstance(args, tuple) else args


cdef int note_saved(list found, Node n) except -1:
    note_storages(found, (n.a, n.b, n.args), 3)
    if n.extra is not None:
        note_storages(found, n.extra.saved, 3)
        if n.extra.packed is not None:
            note_storages(found, [entry[1] for entry in n.extra.packed.values()], 3)
    if n.flags & (SCALAR_RESULT | RELEASED) == SCALAR_RESULT:
        found.append((<uintptr_t>&n.y, sizeof(n.y), ()))
    if n.flags & HOLDS_NODE and n.args is not None:
        note_saved(found, n.args[0])
    note_storages(found, list(getattr(n, "__dict__", {}).values()), 2)     # what a custom Function put on ctx
    return 0


cdef int note_storages(list found, object thing, int depth) except -1:
    """Of a tensor, or those in a tuple or list, so deep: a user's list may contain itself."""
    cdef Tensor t
    if isinstance(thing, Tensor):
        t = thing
        if t.storage is None:
            found.append((<uintptr_t>t.ptr, sizeof(t.value), ()))
        else:
            found.append((<uintptr_t>t.storage.data, t.storage.size, sizes_tuple(t.form)))
    elif depth and isinstance(thing, (tuple, list)):
        for part in thing:
            note_storages(found, part, depth - 1)
    return 0


cdef inline int64_t take_sequence() noexcept:
    global next_sequence
    next_sequence += 1
    return next_sequence


# What each node remembers of who recorded it: the line, in anomaly mode the stack.
cdef enum:
    LINES = 1
    STACKS = 2

cdef int remembers = LINES      # (5 ns of the 100 that a recorded product takes)
cdef bint anomaly_checks_nan = False


cdef int remember(Node n) except -1:
    """Note where a node is recorded, as far as that is wanted."""
    if remembers & LINES:
        n.code = ag_code(&n.instruction)
    if remembers & STACKS:
        from traceback import format_stack
        n.metadata["traceback_"] = format_stack()
    return 0


cdef inline Node new_node(PyTypeObject *cls):
    """A node of an operation's class."""
    cdef Node n = <Node>ag_tp_new(cls)
    n.sequence = take_sequence()
    if remembers:
        remember(n)
    return n


cdef inline PyObject *filled_node(PyTypeObject *cls, void *vtable, PyObject *to0, PyObject *to1,
                                  PyObject *a, PyObject *b, Layout form, int flags) except NULL:
    """A node of a class whose table of methods is known, filled at once; Note [New objects].

    Returns a new reference, and takes over those to the edges `to0` and `to1`.  a and b are saved;
    each of the four may be None.
    """
    cdef PyObject *o = pooled(&node_pool, cls)
    if o == NULL:
        o = fresh_or_drop(&node_pool, cls, to0, to1)
    AG_FILL_NODE(<Node>o, vtable, to0, to1, a, b, form)
    (<Node>o).sequence = take_sequence()
    if a != <PyObject *>None:
        (<Node>o).version_a = version_of(<Tensor>a)
        flags = flags | SAVES
    if b != <PyObject *>None:
        (<Node>o).version_b = version_of(<Tensor>b)
        flags = flags | SAVES
    (<Node>o).flags = flags
    if remembers:
        remember(<Node>o)
    return o


cdef int node_clear(PyObject *o) noexcept:
    # Of a node in a dead cycle.  Its layout stays: a finalizer may still look at the node.
    cdef Node n = <Node>o
    n.nr0 = n.nr1 = n.inputs = 0
    n.next0 = None
    n.next1 = None
    n.a = None
    n.b = None
    n.extra = None
    n.args = None
    n.flags = (n.flags & ~ATTACHED) | SAVES | RELEASED
    return 0


cdef void release(Node n) noexcept:
    """Free what was saved, after a backward that does not retain the graph."""
    if n.flags & SAVES:
        n.flags |= RELEASED
        n.a = None
        n.b = None
        if n.flags & HOLDS_NODE:
            n.args = None
        if n.extra is not None:
            n.extra.saved = None
            n.extra.packed = None


# --------------------------------------------------------------------------------------------- edges

cdef inline Node gradient_node(Tensor x):
    """The node that a gradient of x goes to: its grad_fn, or what accumulates it in a leaf; or None."""
    if x.flags & VIEW:
        sync_view(x)
    if x.node is not None:
        return x.node
    if x.flags & REQUIRES or (x.flags & VIEW and x.meta.base.flags & REQUIRES):
        return accumulator(x)
    return None


# Note [Edges to leaves]
# Most graphs are recorded often and a leaf is met often, so an edge to a leaf is the leaf itself
# until somebody follows it: then `edge_pointer` puts the leaf's AccumulateGrad in its place.  Only
# the first two edges are so; and of views, whose node may be stale, none is.

cdef inline PyObject *edge_to(Tensor x, int *nr) except NULL:
    """What a new edge to x holds, a new reference, or None; and its number."""
    return edge_to_view(x, nr) if x.flags & VIEW else plain_edge_to(x, nr)


cdef inline PyObject *plain_edge_to(Tensor x, int *nr) noexcept:
    """The same for what is no view."""
    nr[0] = x.nr
    if x.node is not None:
        return ag_held(<PyObject *>x.node)
    if not x.flags & REQUIRES:
        return <PyObject *>None
    nr[0] = LEAF
    return ag_held(<PyObject *>x)


cdef PyObject *edge_to_view(Tensor x, int *nr) except NULL:
    cdef Node to = gradient_node(x)
    nr[0] = x.nr
    return ag_held(<PyObject *>to) if to is not None else <PyObject *>None


cdef PyObject *second_edge_to_view(Tensor x, int *nr, PyObject *first) except NULL:
    """The same; where it fails, the reference `first` is dropped."""
    try:
        return edge_to_view(x, nr)
    except BaseException:
        let_go(first)
        raise


cdef inline PyObject *second_edge_to(Tensor x, int *nr, PyObject *first) except NULL:
    return second_edge_to_view(x, nr, first) if x.flags & VIEW else edge_to(x, nr)


cdef inline object owned_edge(PyObject *to):
    """What `edge_to` returned, as a reference of Cython's, which also counts None."""
    return own_object(to) if to != <PyObject *>None else None


cdef inline int add_edge(Node n, Tensor x) except -1:
    """Make x the next input of n; None and what requires no gradient make an empty edge."""
    if n.inputs >= 2:
        add_further_edge(n, x)
    elif x is not None and n.inputs == 0:
        n.next0 = owned_edge(edge_to(x, &n.nr0))
    elif x is not None:
        n.next1 = owned_edge(edge_to(x, &n.nr1))
    n.inputs += 1
    return 0


cdef int add_further_edge(Node n, Tensor x) except -1:
    if extra_of(n).edges is None:
        n.extra.edges = []
    n.extra.edges.append((gradient_node(x), x.nr) if x is not None else (None, 0))
    return 0


cdef int copy_edge(Node n, Node other, int i) except -1:
    """Make the next input of n what input i of another node is."""
    if n.inputs >= 2:
        if extra_of(n).edges is None:
            n.extra.edges = []
        n.extra.edges.append((edge_node(other, i), edge_nr(other, i)))
    elif n.inputs == 0:
        n.next0 = edge_node(other, i)
        n.nr0 = edge_nr(other, i)
    else:
        n.next1 = edge_node(other, i)
        n.nr1 = edge_nr(other, i)
    n.inputs += 1
    return 0


cdef inline PyObject *edge_pointer(Node n, int i) except NULL:
    """The node that input i leads to, borrowed from n; or None."""
    if i == 0 and n.nr0 != LEAF:
        return <PyObject *>n.next0
    if i == 1 and n.nr1 != LEAF:
        return <PyObject *>n.next1
    return followed_edge(n, i)


cdef PyObject *followed_edge(Node n, int i) except NULL:
    """The same for an edge that may still hold its leaf, and for the third and on."""
    if i == 0:
        if n.nr0 == LEAF:
            n.next0 = accumulator(<Tensor>n.next0)
            n.nr0 = 0
        return <PyObject *>n.next0
    if i == 1:
        if n.nr1 == LEAF:
            n.next1 = accumulator(<Tensor>n.next1)
            n.nr1 = 0
        return <PyObject *>n.next1
    pair = <tuple>n.extra.edges[i - 2]
    return <PyObject *>pair[0]


cdef inline Node edge_node(Node n, int i):
    return <Node>edge_pointer(n, i)


cdef inline int edge_nr(Node n, int i) except -1:
    """Which of that node's outputs.  To be asked after the node."""
    if i == 0:
        return n.nr0
    if i == 1:
        return n.nr1
    return (<tuple>n.extra.edges[i - 2])[1]


cdef NodeExtra extra_of(Node n):
    if n.extra is None:
        n.extra = NodeExtra.__new__(NodeExtra)
    return n.extra


cdef inline int set_result(Node n, Tensor y) except -1:
    """Make y the (only) result of n."""
    n.form = y.form
    y.node = n
    y.nr = 0
    y.flags |= REQUIRES
    return 0


# ------------------------------------------------------------------------------------- saved tensors

cdef inline int save_a(Node n, Tensor x) except -1:
    if x.flags & INFERENCE:
        raise errors().inference_saved()
    if ag_tls.packing:
        return pack_input(n, PLACE_A, x)
    n.a = x
    n.version_a = version_of(x)
    n.flags |= SAVES
    return 0


cdef inline int save_b(Node n, Tensor x) except -1:
    if x.flags & INFERENCE:
        raise errors().inference_saved()
    if ag_tls.packing:
        return pack_input(n, PLACE_B, x)
    n.b = x
    n.version_b = version_of(x)
    n.flags |= SAVES
    return 0


cdef inline int save_result(Node n, Tensor y) except -1:
    """Save the result of n, whose layout is set; Note [Saved outputs]."""
    n.flags |= SAVES
    if ag_tls.packing:
        return pack_output(n, PLACE_RESULT, y, 0)
    if y.storage is None:
        n.y = y.value.f
        n.flags |= SCALAR_RESULT
    else:
        save_alias(n, y)
    return 0


cdef int save_changed(Node n, Tensor y) except -1:
    """Save the result of n, which was written to a tensor that had another history."""
    n.flags |= SAVES
    return pack_output(n, PLACE_RESULT, y, 0) if ag_tls.packing else save_alias(n, y)


cdef int save_alias(Node n, Tensor y) except -1:
    n.b = alias(y)
    n.version_b = version_of(y)
    n.flags = (n.flags & ~SCALAR_RESULT) | RESULT_IN_B
    return 0


cdef int save_more(Node n, Tensor x) except -1:
    """Save one of many tensors; None is kept as None."""
    if x is not None and x.flags & INFERENCE:
        raise errors().inference_saved()
    if extra_of(n).saved is None:
        n.extra.saved = []
    n.flags |= SAVES
    if ag_tls.packing and x is not None:
        n.extra.saved.append((None, 0))
        return pack_input(n, len(n.extra.saved) - 1, x)
    n.extra.saved.append((x, version_of(x) if x is not None else 0))
    return 0


cdef inline Tensor saved_a(Node n):
    if n.flags & (RELEASED | PACKED) and is_packed(n, PLACE_A):
        return unpacked(n, PLACE_A)
    if version_of(n.a) != n.version_a:
        raise stale(n.a, n.version_a)
    return n.a


cdef inline Tensor saved_b(Node n):
    if n.flags & (RELEASED | PACKED) and is_packed(n, PLACE_B):
        return unpacked(n, PLACE_B)
    if version_of(n.b) != n.version_b:
        raise stale(n.b, n.version_b)
    return n.b


cdef Tensor saved_more(Node n, int i):
    cdef Tensor x
    cdef tuple pair
    if n.flags & (RELEASED | PACKED) and is_packed(n, i):
        return unpacked(n, i)
    pair = n.extra.saved[i]
    x = pair[0]
    if x is not None and version_of(x) != <uint32_t>pair[1]:
        raise stale(x, pair[1])
    return x


cdef Tensor saved_result(Node n):
    """The result of n as a tensor whose grad_fn is n."""
    cdef Tensor y
    if n.flags & (RELEASED | PACKED) and is_packed(n, PLACE_RESULT):
        return unpacked(n, PLACE_RESULT)
    if n.flags & SCALAR_RESULT:
        y = new_scalar(F64)
        y.value.f = n.y
    else:
        if version_of(n.b) != n.version_b:
            raise stale_result(n)
        y = alias(n.b)
        if n.b.flags & DUAL and tangent_of(n.b) is not None:
            set_tangent(y, tangent_of(n.b))
    y.node = n
    y.flags |= REQUIRES
    return y


cdef str operation_name(Node n):
    """What messages call a node: its name without `Backward0` at the end."""
    cdef str name = n.name()
    return name[:name.rindex("Backward")] if "Backward" in name else name


cdef object stale(Tensor x, uint32_t expected):
    cdef str source = ""
    if x.node is not None:
        source = f", which is output {x.nr} of {operation_name(x.node)},"
    return errors().stale_saved(scalar_type_name(x.kind), sizes_text(x.form), source, version_of(x), expected)


cdef object stale_result(Node n):
    return errors().stale_saved("Double", sizes_text(n.form), f", which is output 0 of {operation_name(n)},",
                                version_of(n.b), n.version_b)


cdef object errors():
    from . import errors as module
    return module


# ------------------------------------------------------------------------------------ AccumulateGrad
# The node that ends a path: it adds what arrives to the .grad of a leaf, and owns the leaf.
#
# Note [Accumulators at rest]
# A leaf meets graph after graph, and each would make and free an AccumulateGrad.  So one that loses
# its last reference does not go: it gives up its leaf, and rests, with no references, at the leaf's
# pointer, until the next graph wakes it or the leaf dies.  The pointer is not a reference in either
# state: an awake node keeps its leaf alive, and takes the pointer to rest with it.

@cython.final
cdef class AccumulateGrad(Node):
    """x.grad += g"""

    def name(self):
        """The operation's name, as PyTorch's `Node.name`."""
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self):
        """The leaf whose `.grad` this node writes."""
        return self.a

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        cdef Tensor leaf = self.a
        if not leaf.flags & (REQUIRES | VIEW):  # it asked for no gradient any more
            return 0
        if leaf.flags & HOOKED and not self.flags & ATTACHED:      # else the engine has called them
            accumulate_grad(leaf, leaf_hooks(leaf, g))
        else:
            accumulate_grad(leaf, g)
        if leaf.flags & HOOKED and leaf.meta.post_hooks:
            for hook in list(leaf.meta.post_hooks.values()):
                hook(leaf)
        return 0


cdef void rest_accumulator(PyObject *o) noexcept:
    """tp_dealloc of AccumulateGrad: Note [Accumulators at rest]."""
    cdef PyObject *leaf = <PyObject *>(<Node>o).a
    if leaf == <PyObject *>None:               # the leaf has died: so shall the node
        node_dealloc(o)
        return
    if (<Node>o).extra is not None:
        (<Tensor>leaf).accumulator = NULL
        node_dealloc(o)
        return
    hidden(&node_pool, o)
    if AG_HAS_WEAK_REFERENCES(<Node>o):
        PyObject_ClearWeakRefs(o)
    (<Node>o).flags = AT_REST                  # (an |= would count a reference to the dead o)
    AG_FORGET_A(<Node>o)
    ag_decref(leaf)                            # may free the leaf, and o with it


cdef void drop_accumulator(PyObject *o) noexcept:
    """Free the node that rests at a dying leaf."""
    ag_revive(o, <PyTypeObject *>AccumulateGrad)
    ag_decref(o)


cdef Node accumulator(Tensor leaf):
    """The AccumulateGrad of a leaf: one as long as any graph holds it."""
    cdef AccumulateGrad n
    cdef PyObject *o = leaf.accumulator
    if o != NULL and not (<Node>o).flags & AT_REST:
        n = <AccumulateGrad>o
        if n.form is not leaf.form:            # the leaf was given another form meanwhile
            n.form = leaf.form
        return n
    if o != NULL:
        ag_revive(o, <PyTypeObject *>AccumulateGrad)
        n = <AccumulateGrad>o
        ag_decref(o)                           # n has the reference now
        n.flags &= ~AT_REST
        if link_of(o).tracked:                 # it was hidden at rest
            PyObject_GC_Track(o)
    else:
        n = AccumulateGrad.__new__(AccumulateGrad)
        n.sequence = AT_ONCE
        leaf.accumulator = <PyObject *>n
    n.a = leaf
    if n.form is not leaf.form:
        n.form = leaf.form
    return n


cdef int accumulate_grad(Tensor leaf, Tensor g) except -1:
    cdef Tensor old = leaf.grad_
    if old is None:
        if recording():
            leaf.grad_ = c_clone(g)
        elif owned_alone(g) and (g.form is leaf.form or g.form.contiguous):
            leaf.grad_ = g
        else:
            leaf.grad_ = copy_like(g, leaf.form)
    elif recording() or (old.flags & (REQUIRES | SPECIAL)) or g.flags & SPECIAL:
        leaf.grad_ = c_add(old, g)
    else:
        add_into(old, g)
    if leaf.grad_.flags & REQUIRES:
        note_cycle_maker()
    return 0
