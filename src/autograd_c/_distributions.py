"""What fills tensors with random numbers, and the methods of Tensor that do so in place.

A distribution is a ``fill``: a function that writes into a contiguous tensor unknown to autograd. It is made from
parameters that have been checked, so that nothing is changed where they are refused. The rest - what may be written to,
the history, the tangent - is the core's (ops/random.pxi).
"""

import math

import numpy as np

from . import _core
from ._generator import Generator, default_generator
from .errors import no_overload, type_name

Tensor = _core.Tensor

float64, int64, bool_ = _core._float64, _core._int64, _core._bool
TYPES = {float64: ("Double", np.float64), int64: ("Long", np.int64), bool_: ("Bool", np.bool_)}
_LARGEST = {float64: 2**53, int64: 2**63 - 1, bool_: 1}  # what random_ draws up to


# ----------------------------------------------------------------------------------------------- arguments
def source_of(generator, function, args=None):
    """numpy's generator behind a `generator=` argument; `args` are given where torch has several forms."""
    if generator is None:
        return default_generator._numpy
    if isinstance(generator, Generator):
        return generator._numpy
    if args is not None:
        raise no_overload(function, args, {"generator": generator})
    raise TypeError(f"{function}(): argument 'generator' must be torch.Generator, not {type_name(generator)}")


def is_number(value):
    """Whether a value will do as a float: a 0-d tensor will if it requires no gradient."""
    if isinstance(value, Tensor):
        return value.ndim == 0 and not value.requires_grad
    return isinstance(value, int | float | np.number)


def _number(value, function, argument, position):
    if type(value) is not float and not is_number(value):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be float, not {type_name(value)}"
        )
    return float(value)


def is_integer(value):
    if isinstance(value, Tensor):
        return value.ndim == 0 and value.dtype is int64
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def integer(value, function, argument, position):
    if type(value) is not int and not is_integer(value):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be int, not {type_name(value)}"
        )
    value = int(value)
    if not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return value


def _named(function, names, args, keywords):
    """Values by name of arguments of which some are called as no parameter of Python's can be (`from`)."""
    if len(args) > len(names):
        raise TypeError(f"{function}() takes from 0 to {len(names)} positional arguments but {len(args)} were given")
    values = dict(zip(names, args, strict=False))
    for name in keywords:
        if name not in names:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
        if name in values:
            raise TypeError(f"{function}() got multiple values for argument '{name}'")
    return values | keywords


def form(function, forms, args, keywords):
    """Values by name for the one of several forms that takes so many arguments."""
    given = {name: value for name, value in keywords.items() if value is not None}
    for names in forms:
        if len(names) == len(args) + len(given):
            values = dict(zip(names, args, strict=False)) | given
            if values.keys() == set(names):
                return values
    raise no_overload(function, args, given)


# ----------------------------------------------------------------------------------------------- filling
def memory(x):
    """The elements of a contiguous tensor as an array of one dimension."""
    storage = x.untyped_storage()
    kind = TYPES[x.dtype][1]
    if not x.numel():
        return np.empty(0, kind)
    return np.frombuffer(storage, kind, x.numel(), x.storage_offset() * x.itemsize)


def whole(x):
    """The same for a new tensor of float64, which has its storage to itself."""
    storage = x.untyped_storage()
    return np.frombuffer(storage) if storage else np.empty(0)


def filled(y, fill):
    """A new tensor after `fill`."""
    if y.is_contiguous():
        fill(y)
    else:
        z = _core.empty(y.shape, dtype=y.dtype)
        fill(z)
        y.data.copy_(z)  # .data: a new tensor has version 0
    return y


def only_floats(x, operation):
    if x.dtype is not float64:
        raise NotImplementedError(f"\"{operation}\" not implemented for '{TYPES[x.dtype][0]}'")


def _is_continuous(x, distribution, name):
    if x.dtype is not float64:
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be a floating point "
            f"but you specified {name[x.dtype]}"
        )


def uniform(source, low, high):
    def fill(x):
        out = memory(x)
        source.random(out=out)
        if (low, high) != (0.0, 1.0):
            out *= high - low
            out += low
            if low < high:  # rounding may reach what is excluded
                np.minimum(out, math.nextafter(high, low), out=out)

    return fill


def gaussian(source, mean, std):
    def fill(x):
        out = memory(x)
        source.standard_normal(out=out)
        with np.errstate(all="ignore"):
            if std != 1.0:
                out *= std
            if mean != 0.0:
                out += mean

    return fill


def integers(source, x, low, last):
    """Integers from low to last, both included, as x's dtype holds them."""
    if x.dtype is float64 and max(-low, last) > 2**53:
        return _wide_integers(source, low, last)

    def fill(x):
        memory(x)[:] = source.integers(low, last, x.numel(), np.int64, endpoint=True)

    return fill


def _wide_integers(source, low, last):
    """The same for float64 where not each integer is one: rounded, but never out of the range."""
    least, most = float(low), float(last)
    if least < low:
        least = math.nextafter(least, math.inf)
    if most > last:
        most = math.nextafter(most, -math.inf)
    if least > most:
        raise RuntimeError(
            "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but there is no float64 "
            f"from {low} to before {last + 1}"
        )

    def fill(x):
        out = memory(x)
        out[:] = source.integers(low, last, out.size, np.int64, endpoint=True)
        np.clip(out, least, most, out=out)

    return fill


def coins(source, p):
    """Ones with probability p, a number or a tensor of the sizes, and zeros."""

    def fill(x):
        out = memory(x)
        # Not drawn into `out`, which p may lie on.
        np.less(source.random(out.size), np.ascontiguousarray(p).reshape(-1), out=out)

    return fill


def _exponential(source, rate):
    def fill(x):
        out = memory(x)
        source.standard_exponential(out=out)
        out /= rate

    return fill


def _log_normal(source, mean, std):
    normal = gaussian(source, mean, std)

    def fill(x):
        normal(x)
        out = memory(x)
        with np.errstate(all="ignore"):
            np.exp(out, out=out)

    return fill


def _geometric(source, p):
    def fill(x):
        out = memory(x)
        if x.dtype is int64:
            out[:] = source.geometric(p, out.size)
            return
        # The number of whole steps of -log(1 - p) that an exponential number takes.
        source.standard_exponential(out=out)
        out /= -math.log1p(-p)
        np.ceil(out, out=out)
        np.maximum(out, 1.0, out=out)

    return fill


def _cauchy(source, median, sigma):
    def fill(x):
        out = memory(x)
        with np.errstate(all="ignore"):
            np.multiply(source.standard_cauchy(out.size), sigma, out=out)
            out += median

    return fill


def range_of(x, low, high):
    """The least and the largest of the integers from low to before high, which x's dtype must hold."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if x.dtype is bool_:
        if low not in (0, 1):
            raise RuntimeError("from is out of bounds for bool")
        if high - 1 > 1:
            raise RuntimeError("to - 1 is out of bounds for bool")
    return low, high - 1


# ---------------------------------------------------------------------------------------------- in place
# What the methods of Tensor call; x is the tensor.
def deviation(std):
    if not std >= 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    return std


def probability(p):
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return p


def probabilities(p):
    """The elements of a tensor of probabilities."""
    only_floats(p, "bernoulli_tensor_cpu_p_")
    array = p.detach().numpy()
    if not ((array >= 0.0) & (array <= 1.0)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false. Probabilities lie between 0 and 1."
        )
    return array


def uniform_(x, *args, generator=None, **keywords):
    """`Tensor.uniform_`."""
    given = _named("uniform_", ("from", "to"), args, keywords)
    low = _number(given.get("from", 0.0), "uniform_", "from", 1)
    high = _number(given.get("to", 1.0), "uniform_", "to", 2)
    source = source_of(generator, "uniform_")
    only_floats(x, "check_uniform_bounds")
    for name, value in (("from", low), ("to", high)):
        if not math.isfinite(value):
            raise RuntimeError(f"{name} is out of bounds for double")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if math.isinf(high - low):
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<Double>::max(), but found to={high:g} and from={low:g} "
            "which result in to-from to exceed the limit"
        )
    return _core._overwrite(x, _core.UniformBackward0, None, uniform(source, low, high))


def normal_(x, mean, std, generator):
    """`Tensor.normal_`."""
    mean, std = _number(mean, "normal_", "mean", 1), _number(std, "normal_", "std", 2)
    source = source_of(generator, "normal_")
    only_floats(x, "normal_kernel_cpu")
    return _core._overwrite(x, _core.NormalBackward0, None, gaussian(source, mean, deviation(std)))


def random_(x, *args, generator=None, **keywords):
    """`Tensor.random_`."""
    if len(args) == 1 and "to" not in keywords:
        given = _named("random_", ("to", "from"), args, keywords)  # random_(to)
    else:
        given = _named("random_", ("from", "to"), args, keywords)
    low, high = given.get("from", 0), given.get("to")
    if ("from" in given) > ("to" in given) or not (is_integer(low) and (high is None or is_integer(high))):
        raise no_overload("random_", args, keywords)
    source = source_of(generator, "random_", args)
    low = integer(low, "random_", "from", 1)
    if high is not None:
        low, last = range_of(x, low, integer(high, "random_", "to", 2))
    else:
        last = _LARGEST[x.dtype]
        if low > last:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got "
                f"from={low} > to_inc={last}"
            )
    node = (_core.RandomBackward0 if "from" in given else _core.RandomBackward1 if "to" in given else
            _core.RandomBackward2)  # fmt: skip
    return _core._overwrite(x, node, None, integers(source, x, low, last))


def bernoulli_(x, p, generator):
    """`Tensor.bernoulli_`."""
    source = source_of(generator, "bernoulli_", (p,))
    if isinstance(p, Tensor):
        array = probabilities(p.detach().expand(x.shape))
        return _core._overwrite(x, _core.BernoulliBackward1, p, coins(source, array))
    if not is_number(p):
        raise no_overload("bernoulli_", (p,), {})
    return _core._overwrite(x, _core.BernoulliBackward2, None, coins(source, probability(float(p))))


def exponential_(x, lambd, generator):
    """`Tensor.exponential_`."""
    lambd = _number(lambd, "exponential_", "lambd", 1)
    source = source_of(generator, "exponential_")
    _is_continuous(x, "Exponential", {int64: "Long", bool_: "Bool"})
    if not lambd > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    return _core._overwrite(x, _core.ExponentialBackward0, None, _exponential(source, lambd))


def log_normal_(x, mean, std, generator):
    """`Tensor.log_normal_`."""
    mean, std = _number(mean, "log_normal_", "mean", 1), _number(std, "log_normal_", "std", 2)
    source = source_of(generator, "log_normal_")
    only_floats(x, "log_normal_cpu")
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    return _core._overwrite(x, _core.LogNormalBackward0, None, _log_normal(source, mean, std))


def geometric_(x, p, generator):
    """`Tensor.geometric_`."""
    p = _number(p, "geometric_", "p", 1)
    source = source_of(generator, "geometric_")
    if x.dtype is bool_:
        raise NotImplementedError("\"geometric_cpu\" not implemented for 'Bool'")
    if not 0.0 < p < 1.0:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    return _core._overwrite(x, _core.GeometricBackward0, None, _geometric(source, p))


def cauchy_(x, median, sigma, generator):
    """`Tensor.cauchy_`."""
    median, sigma = _number(median, "cauchy_", "median", 1), _number(sigma, "cauchy_", "sigma", 2)
    source = source_of(generator, "cauchy_")
    _is_continuous(x, "Cauchy", {int64: "long int", bool_: "bool"})
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    return _core._overwrite(x, _core.CauchyBackward0, None, _cauchy(source, median, sigma))
