"""The cases: one function each, that takes a module and returns what is timed.

A function that is to run on the API of other peers joins its case by the same title:

    @case("scalar", "mul", per=LOOP, api="jax")
    def mul_jax(jax): ...
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat

LOOP = 1000
IMPORT_BUDGET = 8e-3  # seconds over a bare interpreter


@dataclass
class Case:
    """What is timed, and how many times faster than the reference it has to be."""

    group: str
    title: str
    per: int  # operations in a call: times are given per operation
    budget: float | None
    setups: dict[str, Callable] = field(default_factory=dict)  # by API


CASES: dict[str, Case] = {}  # by title


def case(group, title, per=1, budget=None, api="torch"):
    """Return a decorator that makes a function the setup of a case, for the peers with this API."""

    def register(setup):
        CASES.setdefault(title, Case(group, title, per, budget)).setups[api] = setup
        return setup

    return register


# ------------------------------------------------------------------ scalar: recording
@case("scalar", "w * x, recorded", per=LOOP, budget=30)
def mul(m):
    w, x = m.tensor(1.5, requires_grad=True), m.tensor(2.0)

    def work():
        for _ in repeat(None, LOOP):
            w * x

    return work


@case("scalar", "w * 2.0, recorded", per=LOOP, budget=30)
def mul_number(m):
    w = m.tensor(1.5, requires_grad=True)

    def work():
        for _ in repeat(None, LOOP):
            w * 2.0

    return work


@case("scalar", "sin(w), recorded", per=LOOP, budget=30)
def sin(m):
    w = m.tensor(1.5, requires_grad=True)

    def work():
        for _ in repeat(None, LOOP):
            m.sin(w)

    return work


@case("scalar", "tensor(3.0, requires_grad=True)", per=LOOP, budget=20)
def create(m):
    def work():
        for _ in repeat(None, LOOP):
            m.tensor(3.0, requires_grad=True)

    return work


# ------------------------------------------------------------------ scalar: forward and backward
@case("scalar", "chain of 1000 y * w, with gradient", per=LOOP, budget=50)
def chain_mul(m):
    x, w = m.tensor(1.5, requires_grad=True), m.tensor(1.0001)

    def work():
        y = x
        for _ in repeat(None, LOOP):
            y = y * w
        y.backward()
        x.grad = None

    return work


@case("scalar", "chain of 1000 sin(y), with gradient", per=LOOP, budget=50)
def chain_sin(m):
    x = m.tensor(1.5, requires_grad=True)

    def work():
        y = x
        for _ in repeat(None, LOOP):
            y = m.sin(y)
        y.backward()
        x.grad = None

    return work


@case("scalar", "sin(x**2), with gradient", budget=80)
def example_2(m):
    def work():
        x = m.tensor(3.0, requires_grad=True)
        y = x**2
        z = m.sin(y)
        z.backward()

    return work


# ------------------------------------------------------------------ vector
def vector(size, budget):
    """A case of the group: a few elementwise operations and a reduction, forward and backward."""

    @case("vector", f"tanh(exp(a)*b + a).mean(), {size} elements", budget=budget)
    def setup(m):
        generator = random.Random(0)
        a, b = (m.tensor([generator.uniform(-1, 1) for _ in range(size)], requires_grad=True) for _ in "ab")

        def work():
            m.tanh(m.exp(a) * b + a).mean().backward()
            a.grad = b.grad = None

        return work


# The budget is for both ends; between them, what it asks for at the end of less overhead.
vector(10, budget=20)
vector(100, budget=3)
vector(1_000, budget=3)
vector(10_000, budget=3)
