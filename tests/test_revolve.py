"""Binomial checkpoints of a loop: gradients of the plain tape, recomputation by the theory. torch has none."""

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
