"""Binomial checkpoints of a loop: gradients of the plain tape, recomputation by the theory. torch has none."""

import gc
import weakref
from functools import cache

import pytest
from module import IS_TORCH, ac
from support import raises

if IS_TORCH:
    pytest.skip("torch has no checkpoint_loop", allow_module_level=True)
from autograd_c.utils.checkpoint import checkpoint_loop, checkpoint_loop_steps


@cache
def least(n, k):
    """The least number of advances, by trying every place of the next snapshot."""
    if n <= 1:
        return 0
    if k == 1:
        return n * (n - 1) // 2
    return min(m + least(m, k) + least(n - m, k - 1) for m in range(1, n))


def test_formula_is_the_minimum():
    assert all(checkpoint_loop_steps(n, k) == least(n, k) for n in range(1, 60) for k in range(1, 9))


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (7, 2), (40, 3), (60, 8), (10000, 20)])
def test_gradients_and_count(n, k, given):
    w, calls = ac.tensor(0.3, requires_grad=True), []

    def step(i, x):
        calls.append(i)
        return x + 0.001 * (w * x).sin()

    x = ac.tensor([1.0, 2.0], requires_grad=True)
    y = checkpoint_loop(step, x, n, snapshots=k, params=[w] if given else None)
    found = ac.autograd.grad(y.sum(), [x, w])
    assert len(calls) - n == checkpoint_loop_steps(n, k) + 1
    z = x
    for i in range(n):
        z = step(i, z)
    assert y.tolist() == z.tolist()
    assert [g.tolist() for g in found] == [g.tolist() for g in ac.autograd.grad(z.sum(), [x, w])]


def test_double_backward_is_refused():
    x = ac.tensor(1.0, requires_grad=True)
    y = checkpoint_loop(lambda i, x: x * x, x, 3, snapshots=2)
    with raises(RuntimeError, "checkpoint_loop: its gradient cannot be differentiated"):
        ac.autograd.grad(y, x, create_graph=True)


def test_state_changed_in_place_is_refused():
    with raises(RuntimeError, "checkpoint_loop: step 0 modified its state by an inplace operation"):
        checkpoint_loop(lambda i, x: x.mul_(2.0), ac.tensor(1.0), 3, snapshots=2)


@pytest.mark.parametrize(("n", "k"), [(50, 3), (400, 5)])
def test_few_states_live(n, k):
    """The snapshots, the state before the step at hand, and what the step itself makes."""
    states, most = [], 0

    def step(i, x):
        nonlocal most
        states[:] = [ref for ref in states if ref() is not None]
        most = max(most, len(states))
        y = x + 0.01 * x.sin()
        states.append(weakref.ref(y))
        return y

    x = ac.tensor([1.0, 2.0], requires_grad=True)
    y = checkpoint_loop(step, x, n, snapshots=k, params=[])
    y.sum().backward()
    assert most <= k + 3


def test_exception_in_a_step_leaves_everything_as_it_was():
    runs, x = [], ac.tensor(1.0, requires_grad=True)

    def step(i, x):
        runs.append(i)
        if len(runs) == 25:
            raise KeyError("step")
        return x * 1.5 + ac.rand(())

    ac.manual_seed(3)
    y = checkpoint_loop(step, x, 10, snapshots=2)
    state = ac.get_rng_state()
    with pytest.raises(KeyError):
        y.backward()
    assert ac.is_grad_enabled()
    assert x.grad is None
    assert bool((ac.get_rng_state() == state).all())
    y.backward()  # from the first state again
    assert x.grad.item() == pytest.approx(1.5**10)


def test_nothing_stays():
    class Marker:
        pass

    marker = Marker()
    gone = weakref.ref(marker)
    x = ac.tensor(1.0, requires_grad=True)
    y = checkpoint_loop(lambda i, x, marker=marker: x.sin(), x, 20, snapshots=3)
    marker = None
    y.backward()
    del y
    gc.collect()
    assert gone() is None


def test_pendulum():
    """10,000 steps of a symplectic integrator: as the plain tape, and by differences."""
    g = ac.tensor(9.81, requires_grad=True)
    length = ac.tensor(1.3, requires_grad=True)

    def step(i, angle, speed):
        speed = speed - 0.001 * g / length * angle.sin()
        return angle + 0.001 * speed, speed

    def final(n=10_000, loop=True):
        state = ac.tensor(0.9), ac.tensor(0.0)
        if loop:
            return checkpoint_loop(step, state, n, snapshots=12)[0]
        for i in range(n):
            state = step(i, *state)
        return state[0]

    found = [d.item() for d in ac.autograd.grad(final(), [g, length])]
    assert found == [d.item() for d in ac.autograd.grad(final(loop=False), [g, length])]
    h = 1e-6
    with ac.no_grad():
        g += h
        above = final().item()
        g -= 2 * h
        below = final().item()
        g += h
    assert found[0] == pytest.approx((above - below) / (2 * h), rel=1e-6)
