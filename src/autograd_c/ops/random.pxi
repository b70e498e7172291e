# Random numbers, as the tape sees them: what draws them is _distributions.py, which imports numpy.
#
# A random number does not depend on the tensor that it overwrites, nor, for the derivative, on the
# parameters that it was drawn with: all gradients are 0, and so are all tangents.

# ---------------------------------------------------------------------------------------- the nodes

cdef class RandomNode(Node):
    """0"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        if self.next0 is not None:
            give(grads, 0, zeros_of(g))
        if self.next1 is not None:
            give(grads, 1, zeros_of(g))
        return 0

cdef class UniformBackward0(RandomNode):
    """0"""

cdef class NormalBackward0(RandomNode):
    """0"""

cdef class NormalBackward1(RandomNode):
    """mean: 0"""

cdef class NormalBackward2(RandomNode):
    """std: 0"""

cdef class NormalBackward3(RandomNode):
    """mean: 0; std: 0"""

cdef class RandomBackward0(RandomNode):
    """0"""

cdef class RandomBackward1(RandomNode):
    """0"""

cdef class RandomBackward2(RandomNode):
    """0"""

cdef class ExponentialBackward0(RandomNode):
    """0"""

cdef class LogNormalBackward0(RandomNode):
    """0"""

cdef class GeometricBackward0(RandomNode):
    """0"""

cdef class CauchyBackward0(RandomNode):
    """0"""

cdef class BernoulliBackward0(RandomNode):
    """0"""

cdef class BernoulliBackward1(RandomNode):
    """what was overwritten: 0; p: 0"""

cdef class BernoulliBackward2(RandomNode):
    """0"""

cdef class BernoulliBackward3(Node):
    """not differentiable"""

    cdef int apply(self, Tensor g, PyObject **grads) except -1:
        raise RuntimeError("derivative for aten::bernoulli is not implemented")


# -------------------------------------------------------------------------------------- the protocol

def _overwrite(Tensor x not None, node, p, fill):
    """x[...] = what `fill` draws, recorded as a node of this class.

    `fill` gets a contiguous tensor of x's sizes and dtype, unknown to autograd: where x is contiguous one on its
    memory. `p` is the parameter of the distribution if that is a tensor, else None.
    """
    cdef Node n = None
    cdef Tensor fresh, q = p
    cdef bint recorded = recording() and x.kind == F64 and bool(needs_grad(x) | (q is not None and needs_grad(q)))
    check_in_place(x, recorded)
    check_overlap(x)
    if recorded:
        n = new_node(<PyTypeObject *>node)
        add_edge(n, x)
        if q is not None:
            add_edge(n, q)
    begin_write(x)
    if x.form.contiguous and x.storage is not None:
        fresh = alias(x)
        try:
            fill(fresh)
        finally:                                # what was drawn before an exception has changed x
            bump(x)
    else:
        fresh = new_tensor(x.kind, contiguous_layout(x.form))
        fill(fresh)
        copy_elements(x, fresh)
        bump(x)
    if recorded:
        n.form = x.form
        rebase(x, n)
    if x.flags & SPECIAL and tangent_of(x) is not None:
        give_tangent(x, zeros_of(x))
    return x


def _drawn(Tensor y not None, node, *parameters):
    """y, new, as drawn from distributions with these parameters; what is no tensor among them has no gradient."""
    cdef Node n
    cdef list tensors = [p for p in parameters if isinstance(p, Tensor)]
    cdef bint recorded = False, dual = False
    for p in tensors:
        recorded = needs_grad(<Tensor>p) or recorded
        dual = dual or ((<Tensor>p).flags & SPECIAL and tangent_of(<Tensor>p) is not None)
    if recorded and recording():
        n = new_node(<PyTypeObject *>node)
        for p in tensors:
            add_edge(n, <Tensor>p)
        set_result(n, y)
    if dual:
        set_tangent(y, zeros_of(y))
    return y


cdef object draws = None


cdef object drawing(str name):
    """A function of _distributions.py, imported at the first use."""
    global draws
    if draws is None:
        from . import _distributions
        draws = _distributions
    return getattr(draws, name)


# ---------------------------------------------------------------------------------------- the methods

@method
def uniform_(self, *args, generator=None, **named):
    """Overwrite with numbers uniformly distributed in [from, to).

    Parameters
    ----------
    from, to : float
        0 and 1 by default.
    generator : Generator, optional
        Where the numbers come from; the default one by default.

    Raises
    ------
    RuntimeError
        If `from` is greater than `to`, or the numbers between them cannot be represented.
    NotImplementedError
        If the tensor is not of floating point.
    """
    return drawing("uniform_")(own(self), *args, generator=generator, **named)


@method
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrite with numbers normally distributed.

    Raises
    ------
    RuntimeError
        If `std` is negative.
    NotImplementedError
        If the tensor is not of floating point.
    """
    return drawing("normal_")(own(self), mean, std, generator)


@method
def random_(self, *args, generator=None, **named):
    """Overwrite with integers uniformly distributed.

    ``random_(to)`` draws from 0 to before `to`, ``random_(from, to)`` from `from` to before `to`, ``random_()`` from 0
    to the largest integer that the dtype holds exactly: 2**53 for float64, 2**63 - 1 for int64, 1 for bool.

    Raises
    ------
    RuntimeError
        If there is no integer to draw.
    """
    return drawing("random_")(own(self), *args, generator=generator, **named)


@method
def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrite with ones, with probability p, and zeros.

    Parameters
    ----------
    p : float or Tensor
        A tensor is broadcast to the sizes of this one.
    generator : Generator, optional

    Raises
    ------
    RuntimeError
        If a probability is not between 0 and 1.
    """
    return drawing("bernoulli_")(own(self), p, generator)


@method
def exponential_(self, lambd=1.0, *, generator=None):
    """Overwrite with numbers exponentially distributed, of mean 1 / lambd.

    Raises
    ------
    RuntimeError
        If `lambd` is not positive, or the tensor not of floating point.
    """
    return drawing("exponential_")(own(self), lambd, generator)


@method
def log_normal_(self, mean=1.0, std=2.0, *, generator=None):
    """Overwrite with the exponentials of numbers normally distributed with `mean` and `std`.

    Raises
    ------
    RuntimeError
        If `std` is not positive.
    NotImplementedError
        If the tensor is not of floating point.
    """
    return drawing("log_normal_")(own(self), mean, std, generator)


@method
def geometric_(self, p, *, generator=None):
    """Overwrite with numbers of trials up to the first success, which has probability p: 1, 2, ...

    Raises
    ------
    RuntimeError
        If p is not between 0 and 1, both excluded.
    """
    return drawing("geometric_")(own(self), p, generator)


@method
def cauchy_(self, median=0.0, sigma=1.0, *, generator=None):
    """Overwrite with numbers of a Cauchy distribution.

    Raises
    ------
    RuntimeError
        If `sigma` is not positive, or the tensor not of floating point.
    """
    return drawing("cauchy_")(own(self), median, sigma, generator)


@method
def bernoulli(self, p=None, *, generator=None):
    """Ones and zeros: with the elements as probabilities of a one, or with p for all."""
    from ._random import bernoulli
    return bernoulli(own(self), p, generator=generator)


@method
def multinomial(self, num_samples, replacement=False, *, generator=None):
    """Indexes drawn with the elements as weights; see `multinomial`."""
    from ._random import multinomial
    return multinomial(own(self), num_samples, replacement, generator=generator)
