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

from collections.abc import Callable
from dataclasses import dataclass
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

    def arguments(self) -> tuple[Any, ...]:
        """Return the arguments as numpy's arrays, the same ones at each call."""
        import numpy as np  # not before it is known how many threads it may have

        return tuple(np.asarray(x, dtype=np.float64) for x in self.inputs(np.random.default_rng(0)))


CASES: dict[str, Case] = {}  # by title


def case(group, title, mode, inputs, *, wrt=1, per=1, budget=None):
    """Return a decorator that makes a function a case."""

    def register(function):
        assert title not in CASES
        CASES[title] = Case(group, title, mode, function, inputs, wrt, per, budget)
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
