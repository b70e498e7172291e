"""Losses beyond their rows in cases/: old arguments, warnings, and what torch gets wrong."""

import warnings

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import deviation, gradient, leaf, next_names, raises

X, T = [0.2, 0.7, 0.4], [0.3, 0.1, 0.9]


def functional(name):
    return getattr(ac.nn.functional, name)


def caught(function):
    """What a call returns, and the warnings it gave."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        return function(), [str(warning.message) for warning in found]


# ------------------------------------------------------------------ size_average and reduce
LEGACY = [
    ({"size_average": True}, "mean"),
    ({"size_average": False}, "sum"),
    ({"reduce": False}, "none"),
    ({"reduce": True}, "mean"),
    ({"size_average": False, "reduce": True}, "sum"),
    ({"size_average": True, "reduce": False}, "none"),
]
ELEMENTWISE = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "l1_loss", "mse_loss",
               "smooth_l1_loss")  # fmt: skip


@pytest.mark.parametrize(("old", "reduction"), LEGACY, ids=[str(old) for old, _ in LEGACY])
@pytest.mark.parametrize("name", [*ELEMENTWISE, "nll_loss", "cross_entropy"])
def test_legacy_arguments(name, old, reduction):
    """They overrule the reduction that is given, with one warning."""
    if name in ELEMENTWISE:
        x, t = ac.tensor(X), ac.tensor(T)
    else:
        x, t = ac.tensor([X, T]), ac.tensor([2, 0])
    other = "none" if reduction == "sum" else "sum"
    actual, messages = caught(lambda: functional(name)(x, t, reduction=other, **old))
    expected, _ = caught(lambda: functional(name)(x, t, reduction=reduction))
    np.testing.assert_array_equal(to_numpy(actual), to_numpy(expected))
    assert messages == [f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead."]


def test_elementwise_mean():
    actual, messages = caught(lambda: functional("binary_cross_entropy")(ac.tensor(X), ac.tensor(T), None, None, None,
                                                                         "elementwise_mean"))  # fmt: skip
    assert actual.ndim == 0
    assert messages == ["reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead."]


# ------------------------------------------------------------------ warnings
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_broadcast_warns(name):
    """And gradients are summed over what was broadcast."""
    x, t = leaf([X, T]), leaf([0.5])
    loss, messages = caught(lambda: functional(name)(x, t, reduction="sum"))
    assert messages == [
        "Using a target size (torch.Size([1])) that is different to the input size (torch.Size([2, 3])). This will "
        "likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
    ]
    dx, dt = gradient(loss, x, t)
    assert dx.shape == (2, 3)
    np.testing.assert_allclose(dt, [-dx.sum()])


def test_broadcast_is_in_the_graph():
    loss, _ = caught(lambda: functional("mse_loss")(leaf([X, T]), leaf([0.5])))
    assert next_names(loss.grad_fn) == ["AccumulateGrad", "ExpandBackward0"]


def test_kl_div_warns_of_mean():
    loss, messages = caught(lambda: functional("kl_div")(ac.tensor([X, T]), ac.tensor([T, X])))
    expected = functional("kl_div")(ac.tensor([X, T]), ac.tensor([T, X]), reduction="batchmean")
    np.testing.assert_allclose(to_numpy(loss), to_numpy(expected) / 3)
    (message,) = messages
    assert message.startswith("reduction: 'mean' divides the total loss by both the batch size and the support size.")


@pytest.mark.skipif(IS_TORCH, reason="torch points into its own module")
def test_warning_points_to_the_caller():
    with pytest.warns(UserWarning, match="Using a target size") as found:
        functional("mse_loss")(ac.tensor(X), ac.tensor([0.5]))
    assert found[0].filename == __file__


# ------------------------------------------------------------------ weights
@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_weight_that_requires_grad(name):
    """Refused while operations are recorded only."""
    x, t, weight = leaf(X), ac.tensor(T), leaf([1.0, 2.0, 3.0])
    with raises(RuntimeError, f"The function '{name}' is not differentiable with respect to argument 'weight'."):
        functional(name)(x, t, weight)
    with ac.no_grad():
        assert functional(name)(x, t, weight).ndim == 0


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weight_gradient(name):
    """The losses that compose their weight differentiate by it; a weight of ones changes nothing."""
    x, t, weight = leaf(X), leaf(T), leaf([1.0, 1.0, 1.0])
    plain = functional(name)(x, t)
    loss = functional(name)(x, t, weight=weight)
    np.testing.assert_allclose(to_numpy(loss), to_numpy(plain), rtol=1e-15)
    for actual, expected in zip(gradient(loss, x, t), gradient(plain, x, t), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-15)
    step = 1e-6
    changed = [to_numpy(functional(name)(x, t, weight=ac.tensor([1.0 + s, 1.0, 1.0]))) for s in (step, -step)]
    (dw,) = ac.autograd.grad(functional(name)(x, t, weight=weight), [weight])
    np.testing.assert_allclose(to_numpy(dw)[0], (changed[0] - changed[1]) / (2 * step), rtol=1e-7, atol=1e-12)


# ------------------------------------------------------------------ classes
@pytest.mark.parametrize("name", ["nll_loss", "cross_entropy"])
def test_changed_target(name):
    """A target that was changed after the loss was computed is noticed."""
    x, t = leaf([X, T]), ac.tensor([2, 0])
    loss = functional(name)(x, t)
    t[0] = 1
    with raises(RuntimeError, contains="modified by an inplace operation"):
        loss.backward()


@deviation("backward says size mismatch, or the forward cannot broadcast")
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}])
def test_one_row_of_classes_with_a_vector_target(options):
    rows = [leaf(X), leaf([X])]
    losses = [functional("cross_entropy")(x, ac.tensor([2]), **options) for x in rows]
    assert losses[0].shape == ()
    np.testing.assert_allclose(to_numpy(losses[0]), to_numpy(losses[1]), rtol=1e-15)
    np.testing.assert_allclose(gradient(losses[0], rows[0]), gradient(losses[1], rows[1])[0], rtol=1e-15)


def test_empty_probabilities():
    x = leaf(np.zeros((0, 3)))
    loss = functional("cross_entropy")(x, ac.tensor(np.zeros((0, 3))))
    assert np.isnan(to_numpy(loss))
    assert gradient(loss, x).shape == (0, 3)


def test_third_derivative():
    x, t = leaf([X]), ac.tensor([1])

    def second(x):
        (g,) = ac.autograd.grad(functional("cross_entropy")(x, t), [x], create_graph=True)
        (h,) = ac.autograd.grad((g * g).sum(), [x], create_graph=True)
        return h

    third = gradient(second(x).sum(), x)
    step = 1e-5
    for k in range(3):
        moves = [np.array([X]) + sign * step * np.eye(3)[k] for sign in (1, -1)]
        ends = [to_numpy(second(leaf(moved))).sum() for moved in moves]
        np.testing.assert_allclose(third[0, k], (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------ accuracy
@deviation("cancels: (1 - t) x - log(sigmoid(x))")
@pytest.mark.parametrize("x", [-20.0, -36.0, -40.0, -700.0])
def test_logits_of_a_sure_answer(x):
    loss = functional("binary_cross_entropy_with_logits")(ac.tensor(x), ac.tensor(0.0))
    np.testing.assert_allclose(to_numpy(loss), np.log1p(np.exp(x)), rtol=4e-16)


@deviation("squares before it divides")
def test_smooth_l1_does_not_overflow():
    loss = functional("smooth_l1_loss")(ac.tensor([1e200]), ac.tensor([0.0]), beta=1e250)
    np.testing.assert_allclose(to_numpy(loss), 0.5e150, rtol=1e-15)
