"""Selective checkpoints: products that a policy keeps are not computed again; torch has policies of its own kind."""

from functools import partial

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import raises

if IS_TORCH:
    pytest.skip("torch's policies are about operators that autograd_c does not have", allow_module_level=True)
from autograd_c.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts


class Counting:
    """The products that are computed, by asking before each."""

    def __enter__(self):
        self.count = 0
        ac._core._watch_products(self)
        return self

    def __exit__(self, *exception):
        ac._core._watch_products(None)

    def __call__(self, y, a, b):
        self.count += 1
        return False


def matrix():
    return ac.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


def program(x):
    return ((x @ x).sin() @ x).exp()


def expected():
    x = matrix()
    program(x).sum().backward()
    return to_numpy(x.grad)


def keeping(policy, **options):
    return partial(create_selective_checkpoint_contexts, policy, **options)


@pytest.mark.parametrize("answer", [*CheckpointPolicy, True, False])
def test_gradient_and_count(answer):
    asked = []

    def policy(ctx, op, a, b):
        asked.append((ctx.is_recompute, op, tuple(a.shape), tuple(b.shape)))
        return answer

    x = matrix()
    y = checkpoint(program, x, use_reentrant=False, context_fn=keeping(policy))
    assert asked == [(False, ac.matmul, (1, 2, 2), (1, 2, 2))] * 2
    with Counting() as products:
        y.sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), expected())
    assert products.count == 4  # of the derivatives; the second run has a watcher of its own
    assert len(asked) == 2


@pytest.mark.parametrize("keep", [True, False])
def test_kept_products_are_not_computed_again(keep):
    """A kept product is taken as it is, even where computing it would give something else."""
    left = [ac.eye(2), 2.0 * ac.eye(2)]
    x = matrix()
    y = checkpoint(
        lambda t: (t @ left.pop(0)).exp(), x, use_reentrant=False, context_fn=keeping([ac.matmul] if keep else [])
    )
    y.sum().backward()
    # The derivative of exp reads its result, that of the product the second factor: both of the second run.
    result = np.exp(to_numpy(x.detach()) * (1.0 if keep else 2.0))
    np.testing.assert_allclose(to_numpy(x.grad), 2.0 * result)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x @ x[0],
        lambda x: ac.stack([x, x]) @ x,
        lambda x: ac.einsum("ij,kj->ik", x, x.sin()),
        lambda x: ac.nn.functional.linear(x, x, x[0]),
        lambda x: ac.dot(x[0], x[1]),
        lambda x: ac.addmm(x, x, x),
    ],
)
def test_every_product(function):
    x, z = matrix(), matrix()
    y = checkpoint(lambda t: function(t).exp(), x, use_reentrant=False, context_fn=keeping([ac.matmul]))
    y.sum().backward()
    function(z).exp().sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), to_numpy(z.grad), rtol=1e-14)


def test_second_backward():
    y = checkpoint(program, matrix(), use_reentrant=False, context_fn=keeping([ac.matmul])).sum()
    y.backward(retain_graph=True)
    with raises(RuntimeError, "Trying to backward an extra time. You are only allowed to backward once on any region"):
        y.backward()


def test_a_change_in_place_does_not_reach_what_is_kept():
    def changing(x):
        y = x @ x
        z = (y * 1.0).sin()
        y.mul_(2.0)
        return (z @ x).exp()

    x = matrix()
    checkpoint(changing, x, use_reentrant=False, context_fn=keeping([ac.matmul])).sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), expected())


def test_exceptions_leave_no_watcher():
    def failing(ctx, op, a, b):
        raise KeyError("policy")

    x = matrix()
    with pytest.raises(KeyError):
        checkpoint(program, x, use_reentrant=False, context_fn=keeping(failing))
    with Counting() as products:
        x @ x
    assert products.count == 1


def test_refused():
    with raises(TypeError, "policy_fn_or_list must be either a function or a list of ops."):
        create_selective_checkpoint_contexts(3)
    with raises(ValueError, "Expected op in `op_list` to be torch.matmul but got: 3 of type <class 'int'>."):
        create_selective_checkpoint_contexts([3])
