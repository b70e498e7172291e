"""What a row of cases/ is made of: domains, samples, formulas, cases, and the families rows belong to."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np


# ------------------------------------------------------------------ domains: where an op's data come from
@dataclass(frozen=True)
class Domain:
    """Random floats where an op is smooth, and random int64 where it is defined."""

    name: str
    floats: Callable
    low: int = -4
    high: int = 4

    def ints(self, rng, shape):
        return rng.integers(self.low, self.high + 1, shape)


def _signed(low, high):
    return lambda rng, shape: rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def _special(rng, shape):
    return rng.choice([0.0, -0.0, 1.5, -2.5, np.nan, np.inf, -np.inf], shape)


REAL = Domain("real", _signed(0.3, 2.5))
ZEROS = Domain("zeros", lambda rng, shape: rng.choice([0.0, 0.7, -1.5, 2.0], shape))
POSITIVE = Domain("positive", lambda rng, shape: rng.uniform(0.3, 4.0, shape), 1, 5)
RIGHT = Domain("right", lambda rng, shape: rng.uniform(1.2, 4.0, shape), 1, 5)
UNIT = Domain("unit", lambda rng, shape: rng.uniform(0.05, 0.95, shape), 0, 1)
SPECIAL = Domain("special", _special, 0, 2)
BOOL = Domain("bool", lambda rng, shape: rng.random(shape) < 0.5)
INT = Domain("int", lambda rng, shape: rng.integers(-4, 5, shape))


# ------------------------------------------------------------------ samples
class T:
    """Stands for a tensor of this shape; the same object twice in a sample is the same tensor twice."""

    def __init__(self, *shape, of=None, constant=False):
        self.shape, self.of, self.constant = shape, of, constant

    def draw(self, rng, default):
        array = np.asarray((self.of or default).floats(rng, self.shape))
        return array.view(Constant) if self.constant else array

    def __repr__(self):
        kind = "constant" if self.constant else self.of.name if self.of else ""
        return kind + "[" + "x".join(map(str, self.shape)) + "]"


class Constant(np.ndarray):
    """Values of a float tensor that never requires gradients."""


def L(*values):
    """A tensor of just these values."""
    return np.array(values)


@dataclass(frozen=True)
class Dtype:
    """Stands for a module's dtype: rows are data, and know no module."""

    name: str

    def __repr__(self):
        return self.name


FLOAT64, INT64, BOOLEAN = Dtype("float64"), Dtype("int64"), Dtype("bool")


@dataclass(frozen=True)
class Sample:
    """One call of an op, its tensors still to be drawn."""

    args: tuple
    kwargs: dict = field(default_factory=dict)
    node: str | None = None  # name of the recorded node, where it is not the row's

    def float_inputs(self, case):
        """How many different tensors of floats there are that may require gradients."""
        found = set()

        def walk(value):
            if isinstance(value, tuple | list):
                for part in value:
                    walk(part)
            elif isinstance(value, T) and not value.constant and (value.of or case.domain) not in (BOOL, INT):
                found.add(value)

        walk((self.args, list(self.kwargs.values())))
        return len(found)

    def records(self, node):
        return replace(self, node=node)

    def draw(self, case):
        """``args, kwargs`` with every T drawn; the same arrays in every run, whatever other rows there are."""
        rng = np.random.default_rng(zlib.crc32(f"{case.name}{self}".encode()))
        seen = {}

        def walk(value):
            if isinstance(value, tuple | list):
                return type(value)(map(walk, value))
            if not isinstance(value, T):
                return value
            if value not in seen:
                seen[value] = value.draw(rng, case.domain)
            return seen[value]

        return walk(self.args), {key: walk(value) for key, value in self.kwargs.items()}

    def __str__(self):
        def show(value):
            if isinstance(value, np.ndarray):
                return f"{value.dtype}{value.tolist()}".replace(" ", "")
            if isinstance(value, tuple | list):
                inner = ",".join(map(show, value))
                return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
            if isinstance(value, slice):
                return ":".join("" if part is None else str(part) for part in (value.start, value.stop, value.step))
            return "..." if value is ... else repr(value)

        return ",".join([*map(show, self.args), *(f"{key}={show(value)}" for key, value in self.kwargs.items())])


def S(*args, **kwargs):
    return Sample(args, kwargs)


@dataclass(frozen=True)
class Bad:
    """A call that raises ``type`` with ``message`` (its first sentence; None: any), and changes nothing."""

    type: type
    message: str | None
    sample: Sample


def bad(type, message, *args, **kwargs):
    return Bad(type, message, Sample(args, kwargs))


type_error, value_error = partial(bad, TypeError), partial(bad, ValueError)
index_error, runtime_error = partial(bad, IndexError), partial(bad, RuntimeError)


# ------------------------------------------------------------------ a row
@dataclass(frozen=True)
class Formula:
    """An elementwise function to differentiate: as called, as mpmath knows it, and where.

    ``saturated`` points are those where the derivative, written with the result (1 - y*y, as torch has it), has
    cancelled: there it is right to 1e-15 absolutely. ``second_atol`` is the same for second derivatives.
    """

    mp: Callable
    points: tuple
    label: str = ""
    call: Callable | None = None  # call(ac, *tensors); default: the row's
    saturated: tuple = ()
    second_atol: float = 0.0
    beyond_torch: tuple = ()  # points at which torch's own derivative has cancelled or overflowed on the way
    torch_second: str = ""  # why torch's own second derivative is not good enough for the test


@dataclass(frozen=True)
class Case:
    """A row of the table; `unary`, `binary` and the like fill in what a family has in common."""

    name: str  # the op's public name, or "op:variant" where an op has several rows
    samples: tuple = ()
    reference: Callable | None = None  # the same function of numpy arrays
    node: str | None = None  # type(result.grad_fn).__name__; None: not differentiable
    domain: Domain = REAL
    call: Callable | None = None  # call(ac, *args); default: the public function, or the method
    function: bool = True  # ac.<op> exists
    method: bool = True  # Tensor.<op> exists, with the function's first argument as self
    inplace: bool = False  # Tensor.<op>_ exists
    elementwise: bool = False  # element i of the result depends on elements i alone
    linear: bool = False  # the tangent of the result is the op itself on the tangent
    view: bool | None = False  # the result shares memory with its first argument (None: sometimes)
    layout_matters: bool = False  # the result depends on the input's strides
    formulas: tuple = ()
    errors: tuple = ()
    path: str = ""  # where in the namespace the function is, "nn.functional" say

    @property
    def op(self):
        """The public name."""
        return self.name.partition(":")[0]

    def public(self, module):
        """The public function."""
        for part in filter(None, self.path.split(".")):
            module = getattr(module, part)
        return getattr(module, self.op)

    def run(self, module, args, kwargs):
        """Call the op as the row says."""
        if self.call:
            return self.call(module, *args, **kwargs)
        if self.function:
            return self.public(module)(*args, **kwargs)
        return getattr(args[0], self.op)(*args[1:], **kwargs)


# ------------------------------------------------------------------ families of rows
SHAPES = ((3, 4), (), (17,), (2, 3, 4), (0, 3))
BROADCASTS = (
    ((3, 4), (3, 4)), ((), ()), ((), (3,)), ((3,), ()), ((4,), (3, 4)), ((3, 1), (1, 4)), ((2, 3, 4), (3, 1)),
    ((1,), (3, 1)), ((2, 1, 3), (1, 2, 1)), ((0, 3), (1, 3)), ((0,), ()),
)  # fmt: skip
MISMATCH = "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension "


def not_tensor(op, got, arg="input", position=1):
    return f"{op}(): argument '{arg}' (position {position}) must be Tensor, not {type(got).__name__}"


def no_overload(op, got):
    return f"{op}() received an invalid combination of arguments - got ({got}), but expected one of:"


def unary(name, reference, mpf=None, domain=REAL, points=(), node=None, *, inplace=True, saturated=(),
          second_atol=0.0, beyond_torch=(), errors=(), **more):  # fmt: skip
    """An elementwise op of one tensor."""
    accuracy = dict(saturated=saturated, second_atol=second_atol, beyond_torch=beyond_torch)
    formulas = (Formula(mpf, points, **accuracy),) if mpf else ()
    samples = tuple(S(T(*shape)) for shape in SHAPES)
    errors = (
        type_error(not_tensor(name, 2.5), 2.5),
        type_error(not_tensor(name, [1.0]), [1.0]),
        type_error(None),
        type_error(None, T(3), foo=1),
        *errors,
    )
    return Case(name, samples, reference, node, domain, inplace=inplace, elementwise=True, formulas=formulas,
                errors=errors, **more)  # fmt: skip


def binary(name, reference, mpf=None, domain=REAL, points=(), node=None, *, numbers=(), inplace=True, samples=(),
           second=None, overloaded=False, errors=(), **more):  # fmt: skip
    """An elementwise op of two tensors that broadcast; ``numbers`` may stand for the second one.

    ``second`` is the second operand's domain; ``overloaded``: torch has variants with numbers in several places, and
    so another message for a wrong type.
    """
    formulas = (Formula(mpf, points),) if mpf else ()
    pairs = tuple(S(T(*a), T(*b, of=second)) for a, b in BROADCASTS)
    twice = () if second else (S(*[T(3)] * 2),)
    with_number = tuple(S(T(*shape), number) for number in numbers for shape in ((3,), ()))
    if overloaded:
        wrong_types = (type_error(no_overload(name, "str, Tensor"), "a", T(3)),)
    else:
        wrong = "a" if numbers else 2.5
        wrong_types = (
            type_error(not_tensor(name, "a"), "a", T(3)),
            type_error(not_tensor(name, wrong, "other", 2), T(3), wrong),
        )
    errors = (
        *wrong_types,
        type_error(None, T(3)),
        runtime_error(MISMATCH + "0", T(3), T(4)),
        runtime_error(MISMATCH + "1", T(3, 3, 1), T(4, 1)),
        runtime_error(MISMATCH + "2", T(2, 2, 3), T(4)),
        *errors,
    )
    return Case(name, (*pairs, *twice, *with_number, *samples), reference, node, domain, inplace=inplace,
                elementwise=True, formulas=formulas, errors=errors, **more)  # fmt: skip


def op(name, reference, node, samples, **more):
    """A row of no family."""
    return Case(name, tuple(samples), reference, node, **more)


def reduction(name, reference, node, samples, *, errors=(), overloaded=False, **more):
    """A function of all elements, or of those along some dims."""
    wrong = no_overload(name, "float") if overloaded else not_tensor(name.partition(":")[0], 2.5)
    return op(name, reference, node, samples, errors=(type_error(wrong, 2.5), *errors), **more)


def view(name, reference, node, samples, **more):
    """An op whose result is a view of its first argument."""
    return op(name, reference, node, samples, **{"linear": True, "view": True, **more})


def method(name, reference, node, samples, **more):
    """An op that is a method alone, or is written otherwise (``call``)."""
    return op(name, reference, node, samples, **{"function": False, "method": False, **more})


def create(name, reference, samples, **more):
    """A function that makes tensors."""
    return op(name, reference, None, samples, method=False, **more)


def records(node, *samples):
    """Samples that record another node than their row's."""
    return tuple(sample.records(node) for sample in samples)
