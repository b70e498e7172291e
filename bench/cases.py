"""The cases: one function each, of a module and of arrays.

The module is torch, autograd_c, jax.numpy, autograd.numpy, mlx.core or numpy. A function uses what they share:
operators, ``m.exp`` and its kin, the methods ``sum`` and ``mean`` with the axis as the first argument, ``T``. It makes
no arrays and changes none, since jax could not. What is asked of it is its mode:

=========  ====================================================================================================
create     make an array of a number; what a gradient can be asked for, where the library asks that it be said
record     compute the value, and record what its gradient will need
value      compute the value; nothing is recorded
gradient   compute the value and the gradient
anew       the same, the arguments being Python's numbers: what a first example does
train      a step of gradient descent, as one does it with the library: in place, or with new parameters
=========  ====================================================================================================

How a peer does it stands in peers.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from itertools import repeat
from typing import Any

LOOP = 1000
IMPORT_BUDGET = 8e-3  # seconds over a bare interpreter
RATE = 1e-3  # of a step of training: small, so that any number of steps leaves numbers of the same kind


@dataclass(frozen=True)
class Case:
    """What is timed, and how many times faster than the reference it has to be with one thread."""

    group: str
    title: str
    mode: str
    function: Callable
    inputs: Callable  # a numpy Generator to the arguments
    wrt: int  # how many of the arguments, from the first on, the gradient is asked for
    per: int  # operations in a call: times are given per operation
    budget: float | None
    plain: Callable | None = None  # the value as numpy has to compute it, where it lacks what the function calls
    peers: tuple[str, ...] | None = None  # the names of the only peers that have what the function calls
    # Of the cases that are one function at many sizes:
    family: str = ""  # of functions, which share a figure
    label: str = ""  # the title without the size
    exponent: int = 0  # of 10, about the size
    size: int = 0  # the number of elements of the first argument

    @property
    def with_numpy(self) -> Callable:
        """The function of a module and of arrays, as numpy computes it."""
        return self.plain or self.function

    def arguments(self) -> tuple[Any, ...]:
        """Return the arguments as numpy's arrays, the same ones at each call."""
        return arrays_of(self.inputs)


@lru_cache(maxsize=1)  # all peers of a case ask, and ten million random numbers take a while
def arrays_of(inputs):
    """Make the arguments of a case."""
    import numpy as np  # not before it is known how many threads it may have

    return tuple(np.asarray(x, dtype=np.float64) for x in inputs(np.random.default_rng(0)))


CASES: dict[str, Case] = {}  # by title


def case(group, title, mode, inputs, *, wrt=1, per=1, budget=None, **more):
    """Return a decorator that makes a function a case."""

    def register(function):
        assert title not in CASES
        CASES[title] = Case(group, title, mode, function, inputs, wrt, per, budget, **more)
        return function

    return register


def numbers(*values):
    """The inputs that are always these."""
    return lambda generator: values


def uniform(*shapes):
    """Inputs of these shapes, between -1 and 1."""
    return lambda generator: [generator.uniform(-1, 1, shape) for shape in shapes]


# ------------------------------------------------------------------ scalar
# What repeats an operation in one call stands in the function, but for `create` and `anew`.
@case("scalar", "`w * x`, recorded", "record", numbers(1.5, 2.0), per=LOOP, budget=30)
def mul(m, w, x):
    for _ in repeat(None, LOOP):
        y = w * x
    return y


@case("scalar", "`w * 2.0`, recorded", "record", numbers(1.5), per=LOOP, budget=30)
def mul_number(m, w):
    for _ in repeat(None, LOOP):
        y = w * 2.0
    return y


@case("scalar", "`sin(w)`, recorded", "record", numbers(1.5), per=LOOP, budget=30)
def sin(m, w):
    for _ in repeat(None, LOOP):
        y = m.sin(w)
    return y


@case("scalar", "`tensor(3.0, requires_grad=True)`", "create", numbers(3.0), per=LOOP, budget=20)
def create(m, x):
    return x


@case("scalar", "chain of 1000 `y * w`, no gradient", "value", numbers(1.5, 1.0001), per=LOOP)
@case("scalar", "chain of 1000 `y * w`, with gradient", "gradient", numbers(1.5, 1.0001), per=LOOP, budget=50)
def chain_mul(m, y, w):
    for _ in repeat(None, LOOP):
        y = y * w
    return y


@case("scalar", "chain of 1000 `sin(y)`, with gradient", "gradient", numbers(1.5), per=LOOP, budget=50)
def chain_sin(m, y):
    for _ in repeat(None, LOOP):
        y = m.sin(y)
    return y


@case("scalar", "`sin(x**2)`, with gradient", "anew", numbers(3.0), per=100, budget=80)
def example_2(m, x):
    y = x**2
    z = m.sin(y)
    return z


# ------------------------------------------------------------------ vector, large: the same at several sizes
def tanh_mean(group, size, budget=None):
    """A few elementwise operations and a reduction."""
    title = f"`tanh(exp(a)*b + a).mean()`, {size} elements"

    @case(group, title, "gradient", uniform(size, size), wrt=2, budget=budget)
    def function(m, a, b):
        return m.tanh(m.exp(a) * b + a).mean()


def product_sum(group, size):
    """A dot product, written out."""

    @case(group, f"`(a*b).sum()`, {size} elements", "gradient", uniform(size, size), wrt=2)
    def function(m, a, b):
        return (a * b).sum()


def matrix_product(group, size):
    """Three products of matrices: one forward, two backward."""

    @case(group, f"`((a @ b)**2).mean()`, {size} x {size}", "gradient", uniform((size, size), (size, size)), wrt=2)
    def function(m, a, b):
        return ((a @ b) ** 2).mean()


# The budget is for both ends; between them, what it asks for at the end of less overhead.
tanh_mean("vector", 10, budget=20)
tanh_mean("vector", 100, budget=3)
tanh_mean("vector", 1_000, budget=3)
tanh_mean("vector", 10_000, budget=3)
product_sum("vector", 100)
matrix_product("vector", 8)


@case("vector", "`exp(a)*b + a`, no gradient, 1000 elements", "value", uniform(1000, 1000))
def exp_value(m, a, b):
    return m.exp(a) * b + a


tanh_mean("large", 100_000)
tanh_mean("large", 1_000_000, budget=3)
product_sum("large", 1_000_000)
matrix_product("large", 256)
matrix_product("large", 512)


@case("large", "`a*b + a`, no gradient, 1000000 elements", "value", uniform(1_000_000, 1_000_000))
def mul_add_value(m, a, b):
    return a * b + a


@case("large", "`exp(a)`, no gradient, 1000000 elements", "value", uniform(1_000_000))
def exp_large_value(m, a):
    return m.exp(a)


@case("large", "`sin(a)`, no gradient, 1000000 elements", "value", uniform(1_000_000))
def sin_large_value(m, a):
    return m.sin(a)


@case("large", "`a.sum(0)`, no gradient, 1000 x 1000", "value", uniform((1000, 1000)))
def sum_rows_value(m, a):
    return a.sum(0)


@case("large", "`a.sum(1)`, no gradient, 1000 x 1000", "value", uniform((1000, 1000)))
def sum_columns_value(m, a):
    return a.sum(1)


@case("large", "`(a.mean(0)**2).sum() + (a.mean(1)**2).sum()`, 1000 x 1000", "gradient", uniform((1000, 1000)))
def means(m, a):
    return (a.mean(0) ** 2).sum() + (a.mean(1) ** 2).sum()


@case(
    "large", "`((a*row + column)**2).mean()`, 1000 x 1000", "gradient", uniform((1000, 1000), (1000,), (1000, 1)), wrt=3
)
def broadcast(m, a, row, column):
    return ((a * row + column) ** 2).mean()


@case("large", "`(a * b.T).sum()`, 1000 x 1000", "gradient", uniform((1000, 1000), (1000, 1000)), wrt=2)
def transposed(m, a, b):
    return (a * b.T).sum()


# ------------------------------------------------------------------ model: perceptrons
def perceptron(batch, features, hidden, outputs):
    """Parameters of two layers, a batch, and targets of which each row sums to 1."""

    def inputs(generator):
        labels = generator.integers(outputs, size=(batch, 1))
        return [
            generator.normal(size=(features, hidden)) / features**0.5,
            generator.normal(size=hidden),
            generator.normal(size=(hidden, outputs)) / hidden**0.5,
            generator.normal(size=outputs),
            generator.normal(size=(batch, features)),
            labels == range(outputs),
        ]

    return inputs


SMALL = perceptron(32, 64, 64, 10)
IMAGES = perceptron(128, 784, 256, 10)  # of 28 x 28


@case("model", "training step, 32 x 64 x 64, squares", "train", SMALL, wrt=4, budget=4)
def regress(m, w1, b1, w2, b2, x, target):
    y = m.tanh(x @ w1 + b1) @ w2 + b2
    return ((y - target) ** 2).mean()


@case("model", "training step, 32 x 64 x 64, cross entropy", "train", SMALL, wrt=4)
@case("model", "training step, 128 x 784 x 256, cross entropy", "train", IMAGES, wrt=4, budget=1.2)
def classify(m, w1, b1, w2, b2, x, target):
    y = m.tanh(x @ w1 + b1) @ w2 + b2
    return (m.log(m.exp(y).sum(1)) - (y * target).sum(1)).mean()


# ------------------------------------------------------------------ model: others
def logistic_inputs(generator):
    """Weights, bias, 200 observations of 10 variables, and a class of each."""
    return [
        generator.normal(size=10),
        0.5,
        generator.normal(size=(200, 10)),
        generator.integers(2, size=200),
    ]


@case("model", "logistic regression step, 200 x 10", "train", logistic_inputs, wrt=2)
def logistic(m, weights, bias, x, target):
    p = 1.0 / (1.0 + m.exp(-(x @ weights + bias)))
    return -(target * m.log(p) + (1.0 - target) * m.log(1.0 - p)).mean()


@case("model", "Gaussian log-likelihood, 1000 x 4", "gradient", uniform(4, 4, (1000, 4)), wrt=2)
def gaussian(m, mean, log_sigma, x):
    return -(0.5 * ((x - mean) * m.exp(-log_sigma)) ** 2 + log_sigma).sum()


@case("model", "control of 4 states, 100 steps", "gradient", uniform((2, 4), 4, (4, 4), (4, 2)), wrt=2)
def control(m, gain, state, drift, push):
    cost = 0.0
    for _ in repeat(None, 100):
        force = m.tanh(gain @ state)
        state = state + 0.02 * (drift @ state + push @ force)
        cost = cost + (state * state).sum()
    return cost


# ------------------------------------------------------------------ kernels: one function at sizes from 10 to 10**7
TENSORS = ("autograd_c", "torch")  # PyTorch's API
KERNEL_PEERS = (*TENSORS, "numpy")
EXPONENTS = range(1, 8)


def flat(count):
    """So many arrays with one dimension."""
    return lambda exponent: [10**exponent] * count


def matrix(exponent):
    """A matrix, as many rows as columns or a tenth."""
    return [(10 ** (exponent // 2), 10 ** (exponent - exponent // 2))]


def kernel(family, label, shapes, *, mode="value", exponents=EXPONENTS, low=-1.0, budgets=None, plain=None):
    """Return a decorator that makes a function a case at each size.

    Parameters
    ----------
    family, label, mode, plain
        As of Case.
    shapes : callable
        The exponent of the size to the shapes of the arguments. A gradient is asked for all of them.
    exponents : iterable of int
    low : float
        The arguments are between this and 1.
    budgets : dict, optional
        By exponent, for those where it is more than not to be slower.
    """

    def register(function):
        for exponent in exponents:
            parts = shapes(exponent)
            first = parts[0]
            case(
                "kernels",
                f"{label}, 10^{exponent}",
                mode,
                lambda generator, parts=parts: [generator.uniform(low, 1, shape) for shape in parts],
                wrt=len(parts),
                budget=(budgets or {}).get(exponent, 1),
                plain=plain,
                peers=KERNEL_PEERS,
                family=family,
                label=label,
                exponent=exponent,
                size=math.prod(first) if isinstance(first, tuple) else first,
            )(function)
        return function

    return register


kernel("unary", "`exp(a)`", flat(1))(lambda m, a: m.exp(a))
kernel("unary", "`log(a)`", flat(1), low=0.1)(lambda m, a: m.log(a))
kernel("unary", "`sin(a)`", flat(1))(lambda m, a: m.sin(a))
kernel("unary", "`tanh(a)`", flat(1))(lambda m, a: m.tanh(a))

kernel("binary", "`a * b`", flat(2))(lambda m, a, b: a * b)
kernel("binary", "`a / b`", flat(2), low=0.1)(lambda m, a, b: a / b)


def softmax(m, a):
    """As numpy has to."""
    y = m.exp(a - a.max(1, keepdims=True))
    return y / y.sum(1, keepdims=True)


def logsumexp(m, a):
    """As numpy has to."""
    top = a.max(1)
    return top + m.log(m.exp(a - top[:, None]).sum(1))


kernel("reductions", "`a.sum()`", flat(1))(lambda m, a: a.sum())
kernel("reductions", "`a.sum(0)`", matrix)(lambda m, a: a.sum(0))
kernel("reductions", "`a.sum(1)`", matrix)(lambda m, a: a.sum(1))
kernel("reductions", "`softmax(a, 1)`", matrix, plain=softmax)(lambda m, a: m.softmax(a, 1))
kernel("reductions", "`logsumexp(a, 1)`", matrix, plain=logsumexp)(lambda m, a: m.logsumexp(a, 1))
kernel("reductions", "`a.norm(2, 1)`", matrix, plain=lambda m, a: m.sqrt((a * a).sum(1)))(lambda m, a: a.norm(2, 1))
kernel("reductions", "`a.var()`", flat(1), plain=lambda m, a: a.var(ddof=1))(lambda m, a: a.var())

# The budgets: most at little work, where the overhead counts.
kernel("gradients", "`tanh(exp(a)*b + a).mean()`", flat(2), mode="gradient", budgets={1: 20, 4: 3, 6: 3})(
    lambda m, a, b: m.tanh(m.exp(a) * b + a).mean()
)
kernel("gradients", "`(a*b).sum()`", flat(2), mode="gradient", budgets={1: 20, 4: 3, 6: 2, 7: 2})(
    lambda m, a, b: (a * b).sum()
)


def squares(exponent):
    """Two square matrices."""
    n = round(10 ** (exponent / 2))
    return [(n, n)] * 2


def stacks(exponent):
    """Two stacks of matrices of 4 x 4."""
    return [(max(1, 10**exponent // 16), 4, 4)] * 2


def matrix_and_vector(exponent):
    """A matrix, and a vector for it."""
    ((rows, columns),) = matrix(exponent)
    return [(rows, columns), columns]


# Of 10**7 elements a product takes seconds.
kernel("products", "`a @ b`, n x n", squares, exponents=range(1, 7))(lambda m, a, b: a @ b)
kernel("products", "`a @ b`, stacks of 4 x 4", stacks)(lambda m, a, b: a @ b)
kernel("products", "`a @ x`", matrix_and_vector)(lambda m, a, x: a @ x)

kernel("copies", "`a.clone()`", flat(1), plain=lambda m, a: a.copy())(lambda m, a: a.clone())
kernel("copies", "`a + b.T`", lambda exponent: [*matrix(exponent), matrix(exponent)[0][::-1]])(lambda m, a, b: a + b.T)


# ------------------------------------------------------------------ autograd: what costs more than an operation
STEPS = 100


@cache
def sine(m):
    """A module's custom Function."""

    class Sine(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return m.sin(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * m.cos(x)

    return Sine


def plain_sines(m, x):
    """As many sines as the functions below take."""
    for _ in repeat(None, STEPS):
        x = m.sin(x)
    return x.sum()


@case("autograd", "custom Function", "gradient", numbers(1.5), per=STEPS, budget=5, plain=plain_sines, peers=TENSORS)
def custom_function(m, x):
    apply = sine(m).apply
    for _ in repeat(None, STEPS):
        x = apply(x)
    return x


@case(
    "autograd", "operation with a hook", "gradient", numbers(1.5), per=STEPS, budget=5, plain=plain_sines, peers=TENSORS
)
def hooked(m, x):
    for _ in repeat(None, STEPS):  # an even number: the signs cancel
        x = m.sin(x)
        x.register_hook(lambda g: -g)
    return x


@case(
    "autograd",
    "`grad` with `create_graph`, and the gradient of the result",
    "gradient",
    uniform(10),
    budget=5,
    plain=lambda m, x: ((m.sin(x) + x * m.cos(x)) ** 2).sum(),
    peers=TENSORS,
)
def second_order(m, x):
    (gradient,) = m.autograd.grad((m.sin(x) * x).sum(), x, create_graph=True)
    return (gradient**2).sum()


@case(
    "autograd",
    "chain of 10 checkpoints of 10 operations",
    "gradient",
    uniform(10),
    budget=5,
    plain=plain_sines,
    peers=TENSORS,
)
def checkpointed(m, x):
    def segment(x):
        for _ in repeat(None, STEPS // 10):
            x = m.sin(x)
        return x

    checkpoint = import_module(f"{m.__name__}.utils.checkpoint").checkpoint
    for _ in repeat(None, 10):
        x = checkpoint(segment, x, use_reentrant=False)
    return x.sum()
