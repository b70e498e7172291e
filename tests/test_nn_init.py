"""nn.init and nn.utils, against torch."""

import numpy as np
import pytest
from module import ac, to_numpy
from nn_programs import nn, tensor
from parity import assert_parity, attempt

# ------------------------------------------------------------------ initial values
INITS = {
    "constant": lambda m, x: m.nn.init.constant_(x, 3.5),
    "ones": lambda m, x: m.nn.init.ones_(x),
    "zeros": lambda m, x: m.nn.init.zeros_(x),
    "eye": lambda m, x: m.nn.init.eye_(x),
}


@pytest.mark.parametrize("what", INITS)
def test_fixed_values(what, torch):
    def program(m):
        x = m.nn.Parameter(m.full((2, 3), 7.0))
        return INITS[what](m, x) is x, x, x.requires_grad, x.is_leaf

    assert_parity(program, torch)


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "nothing"])
@pytest.mark.parametrize("param", [None, 0.3, 2, True, "a"])
def test_calculate_gain(name, param, torch):
    assert_parity(lambda m: attempt(lambda: m.nn.init.calculate_gain(name, param)), torch, 1e-15)


def test_errors_of_initial_values(torch):
    def program(m):
        init = m.nn.init
        return [
            attempt(lambda: init.eye_(m.ones(2))),
            attempt(lambda: init.xavier_uniform_(m.ones(2))),
            attempt(lambda: init.kaiming_normal_(m.ones(2))),
            attempt(lambda: init.kaiming_uniform_(m.ones(2, 2), mode="fan")),
            attempt(lambda: init.kaiming_uniform_(m.ones(2, 2), nonlinearity="what")),
            attempt(lambda: init.orthogonal_(m.ones(2))),
        ]

    assert_parity(program, torch)


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_nothing_to_initialise_warns(name):
    x = ac.ones(0, 2)
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        assert getattr(nn.init, name)(x) is x


INITIALISED = (80, 40, 3)  # fan_in 120, fan_out 240
UNIFORM = {  # arguments, bound
    "uniform_": (dict(a=-2.0, b=2.0), 2.0),
    "xavier_uniform_": (dict(gain=2.0), 2 * np.sqrt(6 / 360)),
    "kaiming_uniform_": (dict(a=1.0), np.sqrt(3 / 120)),
    "kaiming_uniform_, out": (dict(mode="fan_out", nonlinearity="relu"), np.sqrt(6 / 240)),
}
NORMAL = {  # arguments, standard deviation
    "normal_": (dict(mean=0.0, std=3.0), 3.0),
    "xavier_normal_": (dict(), np.sqrt(2 / 360)),
    "kaiming_normal_": (dict(nonlinearity="tanh"), 5 / 3 / np.sqrt(120)),
}


@pytest.mark.parametrize("what", UNIFORM)
def test_uniform_values(what):
    """All within the bound, and some near to it."""
    options, bound = UNIFORM[what]
    x = nn.Parameter(ac.zeros(*INITIALISED))
    assert getattr(nn.init, what.split(",")[0])(x, **options) is x
    values = to_numpy(x)
    assert 0.99 * bound < np.abs(values).max() <= bound
    assert abs(values.mean()) < 0.05 * bound
    np.testing.assert_allclose(values.std(), bound / np.sqrt(3), rtol=0.03)


@pytest.mark.parametrize("what", NORMAL)
def test_normal_values(what):
    options, std = NORMAL[what]
    x = nn.Parameter(ac.zeros(*INITIALISED))
    assert getattr(nn.init, what)(x, **options) is x
    values = to_numpy(x)
    np.testing.assert_allclose(values.std(), std, rtol=0.03)
    assert abs(values.mean()) < 0.05 * std
    assert np.abs(values).max() > 2.5 * std


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-0.5, 1.0), (1.5, 3.0), (-0.1, 0.1)])
def test_truncated_normal_values(low, high):
    """Moments of the truncated distribution, by numerical integration."""
    x = nn.Parameter(ac.zeros(200, 100))
    assert nn.init.trunc_normal_(x, a=low, b=high) is x
    values = to_numpy(x)
    assert low <= values.min() <= values.max() <= high
    grid = np.linspace(low, high, 10001)
    density = np.exp(-(grid**2) / 2)
    mean = (grid * density).sum() / density.sum()
    std = np.sqrt(((grid - mean) ** 2 * density).sum() / density.sum())
    assert abs(values.mean() - mean) < 5 * std / np.sqrt(values.size)
    np.testing.assert_allclose(values.std(), std, rtol=0.03)


def test_truncation_far_from_the_mean_warns():
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        nn.init.trunc_normal_(ac.zeros(2), mean=9.0)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (4, 2, 3)])
def test_orthogonal_values(shape):
    x = nn.Parameter(ac.zeros(*shape))
    assert nn.init.orthogonal_(x, gain=2.0) is x
    matrix = to_numpy(x).reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


# ------------------------------------------------------------------ utils
@pytest.mark.parametrize("norm", [2.0, 1, 3, float("inf")])
@pytest.mark.parametrize("bound", [0.5, 100.0])
def test_clip_grad_norm(norm, bound, torch):
    def program(m):
        parameters = [m.nn.Parameter(tensor(m, shape)) for shape in [(2, 3), (4,), ()]]
        for i, p in enumerate(parameters[:2]):
            p.grad = tensor(m, tuple(p.shape), i + 5)
        total = m.nn.utils.clip_grad_norm_(iter(parameters), bound, norm)
        return total, [p.grad for p in parameters]

    assert_parity(program, torch, 1e-13)


def test_clip_grad_norm_of_what_cannot_be(torch):
    def program(m):
        clip = m.nn.utils.clip_grad_norm_
        p = m.nn.Parameter(m.ones(2))
        nothing = clip(p, 1.0)
        with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
            empty = clip((x for x in ()), 1.0)
        p.grad = m.tensor([1.0, float("inf")])
        refused = attempt(lambda: clip(p, 1.0, error_if_nonfinite=True))
        return nothing, empty, refused, p.grad, clip([p], 1.0), p.grad

    assert_parity(program, torch)


def test_clip_grad_value(torch):
    def program(m):
        p = m.nn.Parameter(m.ones(3))
        p.grad = m.tensor([-5.0, 0.5, 7.0])
        m.nn.utils.clip_grad_value_([p, m.nn.Parameter(m.ones(1))], 2)
        first = p.grad.clone()
        m.nn.utils.clip_grad_value_(p, 0.1)
        return first, p.grad

    assert_parity(program, torch)


def test_parameters_and_vector(torch):
    def program(m):
        parameters = [m.nn.Parameter(tensor(m, shape, i)) for i, shape in enumerate([(2, 3), (4,), ()])]
        vector = m.nn.utils.parameters_to_vector(parameters)
        (vector**2).sum().backward()
        new = m.arange(11.0)
        m.nn.utils.vector_to_parameters(new, parameters)
        new[0] = 50.0
        refused = attempt(lambda: m.nn.utils.vector_to_parameters([1.0], parameters))
        return vector, [p.grad for p in parameters], parameters, [p.is_leaf for p in parameters], refused

    assert_parity(program, torch)
