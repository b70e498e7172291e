"""Selective checkpoints: what a policy keeps is not computed again.

torch asks its policies about operators that autograd_c does not have (torch.ops.aten.mm.default); where its names are
compared, they are taken apart.
"""

from functools import partial
from threading import Thread

import numpy as np
import pytest
from cases import CASES
from module import IS_TORCH, Inputs, ac, tensors_in, to_numpy
from runs import Run, has_gradient, vjp
from support import raises

if IS_TORCH:
    pytest.skip("torch's policies are about operators that autograd_c does not have", allow_module_level=True)
from autograd_c.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

F = ac.nn.functional


def matrix(module=ac):
    return module.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, dtype=module.float64)


def program(x):
    return ((x @ x).sin() @ x).exp()


def expected():
    x = matrix()
    program(x).sum().backward()
    return to_numpy(x.grad)


def keeping(policy, **options):
    return partial(create_selective_checkpoint_contexts, policy, **options)


def selective(function, x, policy, **options):
    return checkpoint(function, x, use_reentrant=False, context_fn=keeping(policy, **options))


@pytest.mark.parametrize("answer", [*CheckpointPolicy, True, False])
def test_gradient_and_what_is_asked(answer):
    asked = []

    def policy(ctx, op, *operands):
        assert to_numpy(ctx.op_output).shape == (2, 2)
        asked.append((ctx.is_recompute, op, [tuple(a.shape) for a in operands]))
        return answer

    x = matrix()
    y = selective(program, x, policy)
    of_two = [(2, 2), (2, 2)]
    called = [(False, ac.mm, of_two), (False, ac.sin, [(2, 2)]), (False, ac.mm, of_two), (False, ac.exp, [(2, 2)])]
    assert asked == called
    y.sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), expected())
    assert asked == called


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("op", "function"),
    [
        (ac.mm, lambda x, s: x @ (s * np.eye(2))),
        (ac.mv, lambda x, s: x @ ac.tensor([s, s])),
        (ac.dot, lambda x, s: x[0] @ ac.tensor([s, s])),
        (ac.bmm, lambda x, s: ac.stack([x, x]) @ ac.full((2, 2, 2), s)),
        (ac.addmm, lambda x, s: F.linear(x, ac.full((2, 2), s), x[0])),
        (ac.sin, lambda x, s: (x * 1.0).mul_(s).sin()),
        (ac.mul, lambda x, s: x * s),
        (ac.atan2, lambda x, s: ac.atan2(x, ac.tensor(s))),
        (ac.sum, lambda x, s: (x * s).sum(0)),
        (ac.mean, lambda x, s: (x * s).mean()),
        (ac.prod, lambda x, s: (x * s).prod()),
        (ac.amax, lambda x, s: (x * s).amax(1)),
        (ac.max, lambda x, s: (x * s).max()),
        (ac.std, lambda x, s: (x * s).std()),
        (ac.norm, lambda x, s: (x * s).norm(3.0)),
        (ac.logsumexp, lambda x, s: (x * s).logsumexp(1)),
        (ac.softmax, lambda x, s: (x * s).softmax(1)),
        (ac.log_softmax, lambda x, s: (x * s).log_softmax(0)),
        (ac.cumprod, lambda x, s: (x * s).cumprod(0)),
        (F.softplus, lambda x, s: F.softplus(x * s)),
        (F.mse_loss, lambda x, s: F.mse_loss(x * s, ac.zeros(2, 2))),
        (F.nll_loss, lambda x, s: F.nll_loss(x * s, ac.tensor([0, 1]))),
    ],
)
def test_what_is_kept_is_not_computed_again(op, function, keep):
    """A kept result is taken as it is, even where computing it would give something else.

    The derivative of exp reads its result, which is of the second run.
    """
    left = [1.0, 2.0]
    x = matrix()
    y = selective(lambda t: function(t, left.pop(0)).exp(), x, [op] if keep else [])
    result = to_numpy(y.grad_fn._saved_result)
    assert not left
    once, twice = (np.exp(to_numpy(function(matrix().detach(), s))) for s in (1.0, 2.0))
    np.testing.assert_allclose(result, once if keep else twice, rtol=1e-15)
    assert keep or not np.allclose(once, twice)


# What a policy is asked about, by the names of its operations; test_every_case fills it.
ASKED: set = set()


@pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in CASES])
def test_every_case(case):
    """Whatever is kept, the gradients are the same."""

    def keep(ctx, op, *operands):
        ASKED.add(op)
        return True

    for sample in case.samples:
        plain = sample.draw(case)
        plainly = Run(ac, case, plain)
        inputs = Inputs(ac, *plain)
        outputs = checkpoint(
            lambda *leaves, inputs=inputs: tensors_in(case.run(ac, inputs.args, inputs.kwargs)),
            *inputs.leaves,
            use_reentrant=False,
            context_fn=keeping(keep),
        )
        if not has_gradient(case):
            continue
        for a, b in zip(vjp(ac, outputs, inputs.leaves), plainly.gradients(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_every_operation_of_the_list():
    """Nothing can be named that a policy is never asked about."""
    if len(ASKED) < 60:
        pytest.skip("needs all of test_every_case")
    from autograd_c.utils._selective import _operation

    internal = {"leaky_relu_slope", "one_minus_square", "threshold_backward"}  # of second derivatives
    assert {_operation(name) for name in ac._core.__watched__} - ASKED - internal == set()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x @ x[0],
        lambda x: ac.stack([x, x]) @ x,
        lambda x: ac.einsum("ij,kj->ik", x, x.sin()),
        lambda x: F.linear(x, x, x[0]),
        lambda x: ac.dot(x[0], x[1]),
        lambda x: ac.addmm(x, x, x),
        lambda x: F.cross_entropy(x, x.softmax(1).argmax(1)),
        lambda x: (x / x.norm()).var(0) % 0.25 + 2.0 ** x[0],
    ],
)
@pytest.mark.parametrize("answer", [True, False])
def test_gradients(function, answer):
    x, z = matrix(), matrix()
    selective(lambda t: function(t).exp(), x, lambda *operation: answer).sum().backward()
    function(z).exp().sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), to_numpy(z.grad), rtol=1e-14)


def test_second_backward():
    y = selective(program, matrix(), [ac.mm]).sum()
    y.backward(retain_graph=True)
    with raises(RuntimeError, "Trying to backward an extra time. You are only allowed to backward once on any region"):
        y.backward()


def test_second_backward_where_nothing_is_kept():
    x = matrix()
    y = selective(program, x, []).sum()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(to_numpy(x.grad), 2.0 * expected())


def changing(x):
    y = x @ x
    z = (y * 1.0).sin()
    y.mul_(2.0)
    return (z @ x).exp()


def test_a_change_in_place_of_what_is_kept():
    with raises(RuntimeError, "Tensor cached during selective activation checkpoint has been mutated"):
        selective(changing, matrix(), [ac.mm]).sum().backward()
    x = matrix()
    selective(changing, x, [ac.sin]).sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), expected())


def test_allowed_change_in_place():
    x = matrix()
    y = selective(lambda t: (t * 2.0).mul_(3.0).exp(), x, [ac.mul], allow_cache_entry_mutation=True)
    y.sum().backward()
    # The second run begins with what the first one has made of it.
    np.testing.assert_allclose(to_numpy(x.grad), 6.0 * np.exp(18.0 * to_numpy(x.detach())))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda x: x.cos().exp(), "cos encountered during backward but not found in storage. This can happen if"),
        (
            lambda x: (x.detach().sin() + x.sin()).exp(),
            "sin invocation index 1 encountered during backward but not found in storage.",
        ),
        (lambda x: x.sum(0).sin().exp(), "sum encountered during backward but not found in storage."),
        (
            lambda x: x[0].sin().exp(),
            "sin has a result of Double with sizes [2], and had one of Double with sizes [2, 2]",
        ),
    ],
)
def test_another_second_run(second, message):
    runs = [lambda x: x.sin().exp(), second]
    y = selective(lambda x: runs.pop(0)(x), matrix(), [ac.sin])
    with raises(RuntimeError, message):
        y.sum().backward()
    assert to_numpy((matrix() @ matrix()).sin()).shape == (2, 2)  # nobody watches any more


@pytest.mark.parametrize(
    "function",
    [
        lambda x, k: x[:k].logsumexp(1),
        lambda x, k: x[:1].sum(k - 1),
        lambda x, k: x.sum(0, keepdim=k > 1),
        lambda x, k: x.mean(0, keepdim=k > 1),
        lambda x, k: x[:1].amax(k - 1),
        lambda x, k: x[:1].std(k - 1, correction=0),
        lambda x, k: x[:1].norm(2.0, k - 1),
        lambda x, k: x[:k].softmax(1),
        lambda x, k: x[:k].cumsum(1),
        lambda x, k: x[:k] @ x,
        lambda x, k: x[:k] @ x[0],
        lambda x, k: ac.addmm(x[:1], x[:k], x),
        lambda x, k: ac.stack([x] * k) @ ac.ones(k, 2, 1),
        lambda x, k: F.mse_loss(x, x.detach() + 1.0, reduction="sum" if k > 1 else "none"),
        lambda x, k: F.nll_loss(x, ac.tensor([0, 1]), reduction="sum" if k > 1 else "none"),
        lambda x, k: x[:k].sin(),
        lambda x, k: x[:k] / 2.0,
    ],
)
def test_another_result_in_the_second_run(function):
    """Backward would trust the sizes of what was kept, whether or not the determinism of runs is checked."""
    ks = [2, 1]
    y = checkpoint(
        lambda x: function(x, ks.pop(0)).exp(),
        matrix(),
        use_reentrant=False,
        context_fn=keeping(lambda *operation: True),
        determinism_check="none",
    )
    with raises(RuntimeError, contains="when it was kept by a selective checkpoint"):
        y.sum().backward()
    assert not ks


def test_numbers_are_operands():
    seen = []
    selective(lambda x: 2.0 * x + 3, matrix(), lambda ctx, op, *operands: seen.append((op, operands[1])))
    assert seen == [(ac.mul, 2.0), (ac.add, 3)]


def test_exceptions_leave_no_watcher():
    def failing(ctx, op, *operands):
        raise KeyError("policy")

    x = matrix()
    with pytest.raises(KeyError):
        checkpoint(program, x, use_reentrant=False, context_fn=keeping(failing))
    np.testing.assert_array_equal(to_numpy(x @ x), to_numpy(x) @ to_numpy(x))


def test_a_policy_may_calculate():
    """It is not asked about its own operations."""
    x = matrix()
    y = selective(program, x, lambda ctx, op, *operands: bool((ctx.op_output * 2.0).sum() > 0.0))
    y.sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), expected())


def test_other_threads_are_not_asked():
    seen = []

    def policy(ctx, op, *operands):
        seen.append(op)
        worker = Thread(target=lambda: program(matrix()))
        worker.start()
        worker.join()
        return True

    selective(program, matrix(), policy)
    assert len(seen) == 4


def test_kept_results_are_shared_not_copied():
    x = ac.ones(1000, requires_grad=True)
    before = ac.memory.stats().in_use
    y = selective(lambda t: t.exp(), x, [ac.exp])
    assert ac.memory.stats().in_use - before < 2 * 8000
    y.sum().backward()


# What torch is asked about under another name, or in other steps.
NAMES = {"exp": "exp", "sin": "sin", "mm": "mm", "mul": "mul", "softmax": "_softmax", "sum": "sum", "mean": "mean"}


@pytest.mark.parametrize(
    "function",
    [
        program,
        lambda x: (x * x).sum(0) * x.mean(),
        lambda x: x.softmax(1) @ x,
        lambda x: (x @ x) * 2.0,
    ],
)
def test_torch_asks_about_the_same(function):
    torch = pytest.importorskip("torch")
    from torch.utils.checkpoint import checkpoint as torch_checkpoint
    from torch.utils.checkpoint import create_selective_checkpoint_contexts as torch_contexts

    ours, theirs = [], []
    selective(function, matrix(), lambda ctx, op, *operands: bool(ours.append(NAMES[op.__name__])))
    torch_checkpoint(
        function,
        matrix(torch),
        use_reentrant=False,
        context_fn=partial(
            torch_contexts, lambda ctx, op, *a, **k: bool(theirs.append(op.name().partition("::")[2].partition(".")[0]))
        ),
    )
    assert ours == [name for name in theirs if name in NAMES.values()]


def test_refused():
    with raises(TypeError, "policy_fn_or_list must be either a function or a list of ops."):
        create_selective_checkpoint_contexts(3)
    for wrong in (3, ac.matmul, ac.transpose, ac.randn):
        with raises(ValueError, "Expected op in `op_list` to be an operation that calculates but got: "):
            create_selective_checkpoint_contexts([ac.mm, wrong])
