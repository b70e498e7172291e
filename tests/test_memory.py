"""The pool of memory: what it tells, what it keeps, and where it ends."""

import gc
import subprocess
import sys

import numpy as np
import pytest
from module import IS_TORCH, ac
from support import raises


def keeps_memory():
    """A sanitized build keeps none."""
    x = ac.zeros(1000)
    del x
    return ac._core.kept_bytes() > 0


pytestmark = [
    pytest.mark.skipif(IS_TORCH, reason="these are autograd_c's own ways"),
    pytest.mark.skipif(not IS_TORCH and not keeps_memory(), reason="a sanitized build keeps no memory"),
]


@pytest.fixture(autouse=True)
def without_limit():
    gc.collect()
    yield
    ac.memory.set_limit(None)


class TestStats:
    def test_counts_what_tensors_have(self):
        before = ac.memory.stats()
        x = ac.zeros(1000)
        during = ac.memory.stats()
        assert during.in_use - before.in_use == 8192  # the next of four sizes to each power of two
        view, alias = x[10:], x.detach()
        assert ac.memory.stats().in_use == during.in_use
        del x, view, alias
        after = ac.memory.stats()
        assert after.in_use == before.in_use
        assert after.in_use + after.cached >= during.in_use

    def test_by_size_adds_up(self):
        tensors = [ac.zeros(n) for n in (1, 9, 100, 1000, 123_456)]
        stats = ac.memory.stats()
        assert sum(c.size * c.in_use for c in stats.by_size) == stats.in_use
        assert sum(c.size * c.cached for c in stats.by_size) == stats.cached
        sizes = [c.size for c in stats.by_size]
        assert sizes == sorted(set(sizes))
        del tensors

    def test_scalars_and_foreign_memory_take_nothing(self):
        array = np.zeros(1000)
        before = ac.memory.stats().in_use
        x, y = ac.tensor(3.0), ac.from_numpy(array)
        assert ac.memory.stats().in_use == before
        del x, y

    def test_peak(self):
        ac.memory.reset_peak()
        before = ac.memory.stats().in_use
        x = ac.zeros(1 << 17)
        del x
        stats = ac.memory.stats()
        assert stats.in_use == before
        assert stats.peak == before + (1 << 20)
        ac.memory.reset_peak()
        assert ac.memory.stats().peak == before

    def test_empty_cache(self):
        x = ac.zeros(100_000)
        del x
        assert ac.memory.stats().cached >= 800_000
        in_use = ac.memory.stats().in_use
        ac.memory.empty_cache()
        stats = ac.memory.stats()
        assert (stats.in_use, stats.cached) == (in_use, 0)


# ------------------------------------------------------------------ a steady loop
def step_of_descent(size):
    w, b, x = ac.ones(size, requires_grad=True), ac.ones(size, requires_grad=True), ac.ones(size)

    def step():
        ((w * x).exp() * b + w).tanh().mean().backward()
        with ac.no_grad():
            for p in (w, b):
                p -= 1e-3 * p.grad
                p.grad = None

    return step


def step_of_perceptron():
    optimizer_of = ac.optim.SGD
    layers = ac.nn.Sequential(ac.nn.Linear(30, 20), ac.nn.Tanh(), ac.nn.Linear(20, 5))
    optimizer = optimizer_of(layers.parameters(), lr=0.1, momentum=0.9)
    x, classes = ac.ones(64, 30), ac.arange(64) % 5

    def step():
        optimizer.zero_grad()
        ac.nn.functional.cross_entropy(layers(x), classes).backward()
        optimizer.step()

    return step


@pytest.mark.parametrize("make", [lambda: step_of_descent(10), lambda: step_of_descent(1_000_000), step_of_perceptron])
def test_a_steady_loop_takes_nothing_from_the_system(make):
    step = make()
    for _ in range(3):
        step()
    before = ac.memory.stats()
    for _ in range(20):
        step()
    after = ac.memory.stats()
    assert after.system_allocations == before.system_allocations
    assert after.in_use == before.in_use


# ------------------------------------------------------------------ the limit
class TestLimit:
    def test_is_what_was_set(self):
        assert ac.memory.get_limit() is None
        ac.memory.set_limit(1 << 30)
        assert ac.memory.get_limit() == ac.memory.stats().limit == 1 << 30
        ac.memory.set_limit(None)
        assert ac.memory.get_limit() is None
        with raises(ValueError, "memory limit must not be negative, but got -1"):
            ac.memory.set_limit(-1)

    def test_ends_in_a_memory_error_and_nothing_has_changed(self):
        x = ac.ones(1000, requires_grad=True)
        y = x * 2.0
        ac.memory.empty_cache()
        in_use = ac.memory.stats().in_use
        ac.memory.set_limit(in_use + 10_000)
        with raises(MemoryError, "autograd_c: memory limit reached: you tried to allocate 8000000 bytes, and"):
            ac.zeros(1_000_000)
        with raises(MemoryError, "autograd_c: memory limit reached"):
            y.expand(100, 1000) * 3.0
        assert ac.memory.stats().in_use == in_use
        assert x.grad is None
        ac.memory.set_limit(None)
        y.sum().backward()
        assert x.grad.tolist() == [2.0] * 1000

    def test_in_backward_leaves_the_graph_usable(self):
        x = ac.ones(100_000, requires_grad=True)
        y = (x.exp() * x).sum()
        ac.memory.empty_cache()
        ac.memory.set_limit(ac.memory.stats().in_use + 1000)
        with raises(MemoryError, "autograd_c: memory limit reached"):
            y.backward(retain_graph=True)
        assert x.grad is None
        ac.memory.set_limit(None)
        y.backward()
        assert x.grad[0].item() == pytest.approx(2 * np.e)

    def test_what_is_cached_makes_room(self):
        x = ac.zeros(1_000_000)
        del x
        stats = ac.memory.stats()
        assert stats.cached >= 8_000_000
        ac.memory.set_limit(stats.in_use + 8_500_000)
        y = ac.zeros(900_000)  # of another size than what is cached
        assert ac.memory.stats().in_use + ac.memory.stats().cached <= ac.memory.get_limit()
        del y

    def test_set_below_what_is_in_use(self):
        x = ac.zeros(100_000)
        ac.memory.set_limit(1000)
        with raises(MemoryError, "autograd_c: memory limit reached"):
            x + 1.0
        assert x.sum().item() == 0.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_tensor_takes_no_more_than_it_is():
    """What a block has beyond its tensor is in no huge page that touching the tensor would bring in."""
    resident = "import os; r = lambda: int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')"
    code = f"{resident}; import autograd_c as ac; before = r(); x = ac.ones(2_500_000); print(r() - before)"
    taken = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 20_000_000 <= taken < 20_800_000  # ten huge pages are 20_971_520; 0.4 MB is code that is run first here
