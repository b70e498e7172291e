"""Functions that make tensors of random numbers, and those of the default generator.

The bits and the distributions are numpy's, which is imported with this module: at the first use of any name here.
numpy writes into the memory of the tensor itself. The numbers go into a tensor in row-major order whatever its strides,
so that a seed gives the same numbers in every layout.
"""

from typing import Any

import numpy as np

from . import _core
from ._distributions import (
    TYPES,
    bool_,
    coins,
    deviation,
    filled,
    float64,
    form,
    gaussian,
    int64,
    integer,
    integers,
    is_integer,
    is_number,
    memory,
    only_floats,
    probabilities,
    probability,
    range_of,
    source_of,
    uniform,
    whole,
)
from ._generator import default_generator
from .errors import no_overload, type_name

Tensor = _core.Tensor


def rand(
    *sizes,
    size=None,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
) -> Tensor:
    """Numbers uniformly distributed in [0, 1).

    Parameters
    ----------
    *sizes : int, or one sequence of them
    generator : Generator, optional
        Where the numbers come from; the default one by default.
    dtype : dtype, optional
        Only float64.
    layout, device, pin_memory
        Accepted where they ask for what there is.
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    NotImplementedError
        For a dtype that is not of floating point.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.rand(2, 3).shape
    torch.Size([2, 3])
    """
    if not sizes and size is None:
        raise no_overload("rand", (), {})
    y = _core._blank("rand", sizes, 1, sizes, size, dtype, None, layout, device, pin_memory, requires_grad)
    source = default_generator._numpy if generator is None else source_of(generator, "rand", sizes)
    if y.dtype is not float64:
        only_floats(y, "check_uniform_bounds")
    source.random(out=whole(y))
    return y


def randn(
    *sizes,
    size=None,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
) -> Tensor:
    """Numbers normally distributed with mean 0 and standard deviation 1; the arguments are those of `rand`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.randn(2, 3).shape
    torch.Size([2, 3])
    """
    if not sizes and size is None:
        raise no_overload("randn", (), {})
    y = _core._blank("randn", sizes, 1, sizes, size, dtype, None, layout, device, pin_memory, requires_grad)
    source = default_generator._numpy if generator is None else source_of(generator, "randn", sizes)
    if y.dtype is not float64:
        only_floats(y, "normal_kernel_cpu")
    source.standard_normal(out=whole(y))
    return y


def randint(
    *args,
    low=None,
    high=None,
    size=None,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
) -> Tensor:
    """Integers uniformly distributed: ``randint(high, size)`` from 0, ``randint(low, high, size)`` from `low`.

    Parameters
    ----------
    low : int
        The least; 0 if not given.
    high : int
        One more than the largest.
    size : sequence of int
    generator : Generator, optional
    dtype : dtype, optional
        int64 by default.
    layout, device, pin_memory
        Accepted where they ask for what there is.
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If there is no integer to draw, or the dtype cannot hold it.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.randint(5, 6, (3,))
    tensor([5, 5, 5])
    """
    if len(args) in (2, 3) and low is high is size is None:
        given = dict(zip(_RANDINT[len(args) - 2], args, strict=True))
    else:
        given = form("randint", _RANDINT, args, dict(low=low, high=high, size=size))
    position = len(given)
    if position == 3 and not (is_integer(given["low"]) and is_integer(given["high"])):
        raise no_overload("randint", args, {})
    low = integer(given.get("low", 0), "randint", "low", 1)
    high = integer(given["high"], "randint", "high", position - 1)
    size = given["size"]
    if not isinstance(size, tuple | list):
        raise TypeError(
            f"randint(): argument 'size' (position {position}) must be tuple of ints, not {type_name(size)}"
        )
    y = _core._blank("randint", args, position, (size,), None, dtype, int64, layout, device, pin_memory, requires_grad)
    source = source_of(generator, "randint", args)
    return filled(y, integers(source, y, *range_of(y, low, high)))


_RANDINT = ("high", "size"), ("low", "high", "size")


def randperm(
    n, *, generator=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
) -> Tensor:
    """The integers from 0 to n - 1 in random order, each order as likely as any other.

    Parameters
    ----------
    n : int
    generator : Generator, optional
    dtype : dtype, optional
        int64 by default.
    layout, device, pin_memory
        Accepted where they ask for what there is.
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.randperm(4).sum()
    tensor(6)
    """
    n = integer(n, "randperm", "n", 1)
    y = _core._blank("randperm", (n,), 1, (n,), None, dtype, int64, layout, device, pin_memory, requires_grad)
    source = source_of(generator, "randperm", (n,))
    if y.dtype is bool_:
        raise NotImplementedError("\"randperm\" not implemented for 'Bool'")
    out = memory(y)
    out[:] = np.arange(n)
    source.shuffle(out)
    return y


def rand_like(
    input,
    *,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    memory_format=None,
) -> Tensor:
    """As `rand`, with the sizes and the dtype of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.rand_like(torch.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    got = (input,)
    y = _core._blank_like("rand_like", got, input, dtype, layout, device, pin_memory, requires_grad, memory_format)
    source = source_of(generator, "rand_like", got)
    only_floats(y, "check_uniform_bounds")
    return filled(y, uniform(source, 0.0, 1.0))


def randn_like(
    input,
    *,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    memory_format=None,
) -> Tensor:
    """As `randn`, with the sizes and the dtype of `input`.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.randn_like(torch.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    got = (input,)
    y = _core._blank_like("randn_like", got, input, dtype, layout, device, pin_memory, requires_grad, memory_format)
    source = source_of(generator, "randn_like", got)
    only_floats(y, "normal_kernel_cpu")
    return filled(y, gaussian(source, 0.0, 1.0))


def randint_like(
    input,
    *args,
    low=None,
    high=None,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    memory_format=None,
) -> Tensor:
    """As `randint`, with the sizes and the dtype of `input`: ``randint_like(x, high)``, ``randint_like(x, low, high)``.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.randint_like(torch.zeros(3), 5, 6)
    tensor([5., 5., 5.])
    """
    got = (input, *args)
    if not args and low is None and high is None:
        raise no_overload("randint_like", got, {})
    given = form("randint_like", _RANDINT_LIKE, args, dict(low=low, high=high))
    if not isinstance(input, Tensor) or not all(map(is_integer, given.values())):
        raise no_overload("randint_like", got, {})
    low = integer(given.get("low", 0), "randint_like", "low", 2)
    high = integer(given["high"], "randint_like", "high", 1 + len(given))
    y = _core._blank_like("randint_like", got, input, dtype, layout, device, pin_memory, requires_grad, memory_format)
    source = source_of(generator, "randint_like", got)
    return filled(y, integers(source, y, *range_of(y, low, high)))


_RANDINT_LIKE = ("high",), ("low", "high")


def normal(
    mean=None,
    std=None,
    size=None,
    *,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
) -> Tensor:
    """Numbers normally distributed, each with a mean and a standard deviation of its own, or all with the same.

    ``normal(mean, std)`` with tensors, or a tensor and a number, has the sizes to which these are broadcast;
    ``normal(mean, std, size)`` takes two numbers. The gradients of `mean` and `std` are 0.

    Parameters
    ----------
    mean : Tensor or float
    std : Tensor or float
        1 by default if `mean` is a tensor.
    size : sequence of int, optional
    generator : Generator, optional
    dtype, layout, device, pin_memory, requires_grad
        As for `rand`, if `size` is given.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        If a standard deviation is negative.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.normal(torch.tensor([1., 2.]), 0.)
    tensor([1., 2.])
    """
    got = tuple(value for value in (mean, std, size) if value is not None)
    source = source_of(generator, "normal", got)
    if size is not None:
        if not (is_number(mean) and is_number(std) and isinstance(size, tuple | list)):
            raise no_overload("normal", got, {})
        y = _core._blank("normal", got, 3, (size,), None, dtype, None, layout, device, pin_memory, requires_grad)
        only_floats(y, "normal_kernel_cpu")
        return filled(y, gaussian(source, float(mean), deviation(float(std))))
    options = dict(dtype=dtype, layout=layout, device=device)
    options = {name: value for name, value in options.items() if value is not None}
    for name, value in (("pin_memory", pin_memory), ("requires_grad", requires_grad)):
        if value is not False:
            options[name] = value
    if options:
        raise no_overload("normal", got, options)
    return _normal_of_tensors(mean, std, got, source)


def _normal_of_tensors(mean, std, got, source):
    tensors = [value for value in (mean, std) if isinstance(value, Tensor)]
    if mean is None and tensors:
        raise TypeError('normal() missing 1 required positional arguments: "mean"')
    if len(got) == 1 and not tensors:
        raise TypeError(f"normal(): argument 'mean' (position 1) must be Tensor, not {type_name(mean)}")
    if not tensors or not all(isinstance(value, Tensor) or is_number(value) for value in got):
        raise no_overload("normal", got, {})
    std = 1.0 if std is None else std
    only_floats(tensors[0], "normal_kernel_cpu")
    plain: list[Any] = [value.detach() if isinstance(value, Tensor) else float(value) for value in (mean, std)]
    sizes = (plain[0] + plain[1]).shape if len(tensors) == 2 else tensors[0].shape  # raises as an operator does
    if isinstance(std, Tensor):
        if not bool((plain[1] >= 0).all()):
            raise RuntimeError("normal expects all elements of std >= 0.0")
    else:
        deviation(plain[1])
    y = _core.empty(sizes)
    out = memory(y)
    source.standard_normal(out=out)
    out = out.reshape(sizes)
    with np.errstate(all="ignore"):
        out *= plain[1].numpy() if isinstance(std, Tensor) else plain[1]
        out += plain[0].numpy() if isinstance(mean, Tensor) else plain[0]
    node = (_core.NormalBackward3 if len(tensors) == 2 else
            _core.NormalBackward1 if isinstance(mean, Tensor) else _core.NormalBackward2)  # fmt: skip
    return _core._drawn(y, node, mean, std)


def bernoulli(input, p=None, *, generator=None) -> Tensor:
    """Ones and zeros: each element of `input` is the probability of a one; or, if given, p for all.

    The gradient of `input` is 0.

    Parameters
    ----------
    input : Tensor
    p : float, optional
    generator : Generator, optional

    Returns
    -------
    Tensor
        With the sizes and the dtype of `input`.

    Raises
    ------
    RuntimeError
        If a probability is not between 0 and 1.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.bernoulli(torch.tensor([0., 1.]))
    tensor([0., 1.])
    """
    got = (input,) if p is None else (input, p)
    if not isinstance(input, Tensor):
        raise TypeError(f"bernoulli(): argument 'input' (position 1) must be Tensor, not {type_name(input)}")
    source = source_of(generator, "bernoulli", got)
    if p is None:
        y = _core.empty(input.shape, dtype=input.dtype)
        return _core._drawn(filled(y, coins(source, probabilities(input))), _core.BernoulliBackward0, input)
    if not is_number(p):
        raise no_overload("bernoulli", got, {})
    p = probability(float(p))
    if input._tangent() is not None:
        raise NotImplementedError("Trying to use forward AD with aten::bernoulli that does not support it.")
    y = _core.empty_like(input)
    return _core._drawn(filled(y, coins(source, p)), _core.BernoulliBackward3, input if y.dtype is float64 else None)


def multinomial(input, num_samples, replacement=False, *, generator=None) -> Tensor:
    """Indexes drawn with the elements of `input` as weights, which need not add up to 1.

    Parameters
    ----------
    input : Tensor
        One row of weights, or several.
    num_samples : int
        How many indexes are drawn from each row.
    replacement : bool
        Whether an index may be drawn again.
    generator : Generator, optional

    Returns
    -------
    Tensor
        int64, of shape (num_samples,), or (rows, num_samples).

    Raises
    ------
    RuntimeError
        If there are too few weights, or one is negative, infinite or nan, or all in a row are 0.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.multinomial(torch.tensor([0., 3., 0.]), 2, replacement=True)
    tensor([1, 1])
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"multinomial(): argument 'input' (position 1) must be Tensor, not {type_name(input)}")
    n = integer(num_samples, "multinomial", "num_samples", 2)
    if not isinstance(replacement, bool):
        raise TypeError(
            f"multinomial(): argument 'replacement' (position 3) must be bool, not {type_name(replacement)}"
        )
    source = source_of(generator, "multinomial")
    weights = _weights(input, n, replacement)
    draw = _with_replacement if replacement else _without_replacement
    drawn = draw(source, weights, n)
    return _core.tensor(drawn.reshape((*input.shape[:-1], n)))


def _weights(input, n, replacement):
    """The weights as rows, the largest of each 1, or RuntimeError."""
    if input.dtype is not float64:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {TYPES[input.dtype][0]}")
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if n <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if n > input.shape[-1] and not (replacement and input.shape[-1]):
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    rows = np.atleast_2d(input.detach().numpy())
    if not (np.isfinite(rows) & (rows >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    most = rows.max(axis=1, keepdims=True)
    if not most.all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    return rows / most  # so that no sum overflows, and no weight is lost


def _with_replacement(source, weights, n):
    drawn = np.empty((len(weights), n), np.int64)
    for row, into in zip(weights, drawn, strict=True):
        bounds = np.cumsum(row)
        bounds /= bounds[-1]  # which makes the last exactly 1, above all that is drawn
        into[:] = np.searchsorted(bounds, source.random(n), side="right")
    return drawn


def _without_replacement(source, weights, n):
    # The first n of clocks that ring after exponential times with these rates. What has no weight never rings.
    with np.errstate(all="ignore"):
        times = np.where(weights > 0, source.standard_exponential(weights.shape) / weights, np.inf)
    first = np.argpartition(times, n - 1, axis=1)[:, :n]
    order = np.argsort(np.take_along_axis(times, first, axis=1), axis=1, kind="stable")
    return np.take_along_axis(first, order, axis=1)
