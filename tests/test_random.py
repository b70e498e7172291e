"""Random numbers: distributions, seeds and states, arguments, what autograd sees; threads and forks.

The distributions are judged by tests of fixed seeds: the distance between the empirical and the true distribution
function (Kolmogorov), and chi-square for counts. A threshold lies where one right generator in 10,000 would fail, so
that a wrong distribution is found and a right one, with its seed, passes for good.
"""

import itertools
import math

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    deviation,
    leaf,
    raises,
)


@pytest.fixture(autouse=True)
def _seed():
    ac.manual_seed(20240607)


N = 20_000


# ------------------------------------------------------------------ judges
def kolmogorov(sample, cdf):
    """Asserts that a sample comes from a continuous distribution; the limit is exceeded once in 10,000 times."""
    x = np.sort(np.ravel(sample))
    n = len(x)
    expected = np.array([cdf(v) for v in x])
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    assert distance < math.sqrt(math.log(2 / 1e-4) / 2 / n)


def chi_square(counts, probabilities):
    """Asserts that counts come from these probabilities (Wilson and Hilferty's approximation at 1 in 10,000)."""
    counts, probabilities = np.asarray(counts, float), np.asarray(probabilities, float)
    assert math.isclose(probabilities.sum(), 1.0)
    expected = counts.sum() * probabilities
    assert expected.min() > 5
    k = len(counts) - 1
    limit = k * (1 - 2 / (9 * k) + 3.719 * math.sqrt(2 / (9 * k))) ** 3
    assert np.sum((counts - expected) ** 2 / expected) < limit


def normal_cdf(mean=0.0, std=1.0):
    return lambda x: 0.5 * math.erfc((mean - x) / (std * math.sqrt(2.0)))


def uniform_cdf(low=0.0, high=1.0):
    return lambda x: (x - low) / (high - low)


def log_normal_cdf(x):
    return normal_cdf(0.5, 0.7)(math.log(x))


DISTRIBUTIONS = {
    "rand": (lambda: ac.rand(N), uniform_cdf()),
    "rand_like": (lambda: ac.rand_like(ac.empty(N // 100, 100).t()), uniform_cdf()),
    "uniform_": (lambda: ac.empty(N).uniform_(), uniform_cdf()),
    "uniform_ range": (lambda: ac.empty(N).uniform_(-3.0, 5.5), uniform_cdf(-3.0, 5.5)),
    "randn": (lambda: ac.randn(N), normal_cdf()),
    "randn_like": (lambda: ac.randn_like(ac.empty(N)), normal_cdf()),
    "normal_": (lambda: ac.empty(N).normal_(2.0, 3.0), normal_cdf(2.0, 3.0)),
    "normal": (lambda: ac.normal(2.0, 3.0, (N,)), normal_cdf(2.0, 3.0)),
    "normal mean": (lambda: ac.normal(ac.full((N,), 2.0), 3.0), normal_cdf(2.0, 3.0)),
    "normal std": (lambda: ac.normal(2.0, ac.full((N,), 3.0)), normal_cdf(2.0, 3.0)),
    "normal both": (lambda: ac.normal(ac.full((N // 100, 1), 2.0), ac.full((100,), 3.0)), normal_cdf(2.0, 3.0)),
    "exponential_": (lambda: ac.empty(N).exponential_(2.5), lambda x: -math.expm1(-2.5 * x)),
    "log_normal_": (lambda: ac.empty(N).log_normal_(0.5, 0.7), log_normal_cdf),
    "cauchy_": (lambda: ac.empty(N).cauchy_(1.0, 2.0), lambda x: 0.5 + math.atan((x - 1.0) / 2.0) / math.pi),
}


@pytest.mark.parametrize(("draw", "cdf"), DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
class TestContinuous:
    def test_distribution(self, draw, cdf):
        kolmogorov(to_numpy(draw()), cdf)

    def test_neighbours_are_independent(self, draw, cdf):
        """The probabilities of neighbours fill the unit square evenly."""
        u = np.array([cdf(v) for v in to_numpy(draw()).ravel()])
        places = np.minimum((u * 5).astype(int), 4)
        pairs = places[0::2] * 5 + places[1::2]
        chi_square(np.bincount(pairs, minlength=25), np.full(25, 1 / 25))


def test_moments():
    """Mean and variance to within 4 standard deviations of what such a sample has."""
    z = to_numpy(ac.randn(100, 1000))
    assert abs(z.mean()) < 4 / math.sqrt(z.size)
    assert abs(z.var() - 1) < 4 * math.sqrt(2 / z.size)
    assert abs((z**4).mean() - 3) < 4 * math.sqrt(96 / z.size)
    u = to_numpy(ac.rand(100, 1000))
    assert abs(u.mean() - 0.5) < 4 / math.sqrt(12 * u.size)


def test_each_parameter_belongs_to_its_element():
    means, stds = ac.tensor([[-100.0], [0.0], [100.0]]), ac.tensor([1e-3, 1.0])
    z = np.stack([to_numpy(ac.normal(means, stds)) for _ in range(2000)])
    assert z.shape == (2000, 3, 2)
    np.testing.assert_allclose(z.mean(0), np.broadcast_to([[-100.0], [0.0], [100.0]], (3, 2)), atol=4 / math.sqrt(2000))
    np.testing.assert_allclose(z.std(0), np.broadcast_to([1e-3, 1.0], (3, 2)), rtol=0.1)


class TestUniformRange:
    def test_ends(self):
        u = to_numpy(ac.rand(100_000))
        assert u.min() >= 0.0
        assert u.max() < 1.0

    def test_the_upper_end_is_excluded_where_rounding_would_reach_it(self):
        low = 1.0
        assert set(ac.empty(1000).uniform_(low, math.nextafter(low, 2.0)).tolist()) == {low}
        assert max(ac.empty(10_000).uniform_(1e16, 1e16 + 4).tolist()) < 1e16 + 4

    def test_empty_range(self):
        assert ac.empty(3).uniform_(2.5, 2.5).tolist() == [2.5] * 3

    def test_widest_range(self):
        u = to_numpy(ac.empty(1000).uniform_(-8e307, 8e307))
        assert np.isfinite(u).all()
        kolmogorov(u, uniform_cdf(-8e307, 8e307))


# ------------------------------------------------------------------ integers
class TestIntegers:
    @pytest.mark.parametrize(
        ("draw", "low", "high"),
        [
            (lambda: ac.randint(7, (N,)), 0, 7),
            (lambda: ac.randint(-3, 4, (N,)), -3, 4),
            (lambda: ac.randint(7, (N // 10, 10), dtype=ac.float64), 0, 7),
            (lambda: ac.randint(2, (N,), dtype=ac.bool), 0, 2),
            (lambda: ac.randint_like(ac.empty(N), -3, 4), -3, 4),
            (lambda: ac.randint_like(ac.empty(N, dtype=ac.int64), 7), 0, 7),
            (lambda: ac.empty(N).random_(7), 0, 7),
            (lambda: ac.empty(N, dtype=ac.int64).random_(-3, 4), -3, 4),
            (lambda: ac.empty(N, dtype=ac.bool).random_(), 0, 2),
        ],
    )
    def test_each_as_likely(self, draw, low, high):
        drawn = to_numpy(draw()).ravel().astype(np.int64)
        chi_square(np.bincount(drawn - low, minlength=high - low), np.full(high - low, 1 / (high - low)))

    def test_ends(self):
        assert set(ac.randint(-1, 2, (1000,)).tolist()) == {-1, 0, 1}
        assert ac.randint(5, 6, (3,)).tolist() == [5, 5, 5]
        assert ac.empty(3).random_(1, 2).tolist() == [1.0] * 3

    def test_largest_ranges(self):
        x = to_numpy(ac.empty(N, dtype=ac.int64).random_())
        assert x.min() >= 0
        kolmogorov(x, uniform_cdf(0, 2**63))
        x = to_numpy(ac.empty(N, dtype=ac.int64).random_(-(2**63), None))
        kolmogorov(x.astype(float), uniform_cdf(-(2**63), 2**63))
        x = to_numpy(ac.empty(N).random_())
        assert x.max() <= 2**53
        assert (x == np.floor(x)).all()
        kolmogorov(x, uniform_cdf(0, 2**53))
        assert (to_numpy(ac.randint(2**62, 2**63 - 1, (100,))) >= 2**62).all()

    @deviation("torch rounds out of the range")
    def test_a_float64_that_cannot_hold_each_integer(self):
        x = ac.empty(1000).random_(2**60 + 1, 2**60 + 1000)
        assert (to_numpy(x) > 2**60).all()
        assert (to_numpy(x) < 2**60 + 1000).all()
        with raises(RuntimeError, "random_ expects 'from' casted to dtype to be less than"):
            ac.empty(2).random_(2**53 + 1, 2**53 + 2)

    def test_arguments(self):
        assert ac.randint(high=5, size=(2,)).shape == (2,)
        assert ac.randint(low=2, high=5, size=[2, 3]).shape == (2, 3)
        assert ac.randint(2, 5, size=(2,)).dtype is ac.int64
        assert ac.randint(5, ()).shape == ()
        assert ac.randint(ac.tensor(5), (2,)).shape == (2,)
        assert ac.randint(5, (2,), dtype=ac.float64, requires_grad=True).requires_grad
        assert ac.empty(3).random_(**{"from": 3, "to": 4}).tolist() == [3.0] * 3


class TestPermutations:
    @pytest.mark.parametrize("n", [0, 1, 2, 17, 1000])
    def test_is_one(self, n):
        p = ac.randperm(n)
        assert p.dtype is ac.int64
        assert sorted(p.tolist()) == list(range(n))

    def test_each_as_likely(self):
        orders = {order: i for i, order in enumerate(itertools.permutations(range(4)))}
        counts = np.zeros(24)
        for _ in range(5000):
            counts[orders[tuple(ac.randperm(4).tolist())]] += 1
        chi_square(counts, np.full(24, 1 / 24))

    def test_options(self):
        assert ac.randperm(4, dtype=ac.float64).sum().item() == 6.0
        assert ac.randperm(4, dtype=ac.float64, requires_grad=True).requires_grad


# ------------------------------------------------------------------ coins and counts
class TestBernoulli:
    @pytest.mark.parametrize("p", [0.03, 0.5, 0.8])
    @pytest.mark.parametrize(
        "draw",
        [
            lambda p: ac.bernoulli(ac.full((N,), p)),
            lambda p: ac.bernoulli(ac.empty(N), p),
            lambda p: ac.empty(N).bernoulli(p=p),
            lambda p: ac.full((N,), p).bernoulli(),
            lambda p: ac.empty(N).bernoulli_(p),
            lambda p: ac.empty(N, dtype=ac.int64).bernoulli_(p),
            lambda p: ac.empty(N, dtype=ac.bool).bernoulli_(p),
            lambda p: ac.empty(N // 100, 100).bernoulli_(ac.full((100,), p)),
        ],
    )
    def test_probability(self, draw, p):
        drawn = to_numpy(draw(p)).ravel().astype(np.int64)
        chi_square(np.bincount(drawn, minlength=2), [1 - p, p])

    def test_certainties(self):
        assert ac.bernoulli(ac.tensor([0.0, 1.0] * 50)).tolist() == [0.0, 1.0] * 50
        assert ac.empty(50).bernoulli_(0.0).sum().item() == 0.0
        assert ac.empty(50).bernoulli_(1.0).sum().item() == 50.0
        assert ac.empty(3).bernoulli_(ac.tensor([0.0, 1.0, 1.0])).tolist() == [0.0, 1.0, 1.0]

    def test_a_tensor_of_its_own_probabilities(self):
        """What is overwritten is read first."""
        x = ac.tensor([0.0, 1.0] * 500)
        x.bernoulli_(x)
        assert x.tolist() == [0.0, 1.0] * 500

    def test_strides_of_probabilities(self):
        p = ac.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        assert ac.bernoulli(p.t()).tolist() == p.t().tolist()
        assert ac.empty(2, 3).bernoulli_(p[:, :1]).tolist() == [[0.0] * 3, [1.0] * 3]


@pytest.mark.parametrize("p", [0.05, 0.4, 0.95])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_geometric(p, dtype):
    drawn = to_numpy(ac.empty(N, dtype=getattr(ac, dtype)).geometric_(p))
    assert drawn.min() == 1
    assert (drawn == np.floor(drawn)).all()
    most = max(2, int(math.log(10 / N / p) / math.log1p(-p)))
    probabilities = [p * (1 - p) ** k for k in range(most - 1)]
    probabilities.append(1 - sum(probabilities))
    chi_square(np.bincount(np.minimum(drawn, most).astype(int) - 1, minlength=most), probabilities)


class TestMultinomial:
    WEIGHTS = (0.0, 1.0, 0.0, 3.0, 4.0, 0.0)

    def test_with_replacement(self):
        drawn = to_numpy(ac.multinomial(ac.tensor(self.WEIGHTS), N, replacement=True))
        assert drawn.dtype == np.int64
        counts = np.bincount(drawn, minlength=6)
        assert (counts[[0, 2, 5]] == 0).all()
        chi_square(counts[[1, 3, 4]], [1 / 8, 3 / 8, 4 / 8])

    def test_without_replacement(self):
        """Pairs have the probabilities of two draws, one after the other."""
        p = np.array([1.0, 3.0, 4.0]) / 8
        rows = to_numpy(ac.multinomial(ac.tensor([[1.0, 3.0, 4.0]] * N), 2))
        assert rows.shape == (N, 2)
        pairs = list(itertools.permutations(range(3), 2))
        counts = [np.sum((rows == pair).all(1)) for pair in pairs]
        chi_square(counts, [p[i] * p[j] / (1 - p[i]) for i, j in pairs])

    def test_rows_have_weights_of_their_own(self):
        weights = ac.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
        assert ac.multinomial(weights, 3, True).tolist() == [[0] * 3, [2] * 3]
        assert ac.multinomial(weights, 1).tolist() == [[0], [2]]
        assert ac.multinomial(weights.t()[:, :1].t(), 1).tolist() == [[0]]

    def test_what_has_no_weight_comes_last(self):
        assert {tuple(ac.multinomial(ac.tensor([0.0, 1.0]), 2).tolist()) for _ in range(50)} == {(1, 0)}

    @deviation("torch's sums overflow")
    def test_extreme_weights(self):
        assert ac.multinomial(ac.tensor([0.0, 5e-324, 0.0]), 4, True).tolist() == [1] * 4
        counts = np.bincount(to_numpy(ac.multinomial(ac.tensor([1.5e308, 0.5e308]), N, True)), minlength=2)
        chi_square(counts, [0.75, 0.25])

    def test_all_of_them(self):
        assert sorted(ac.ones(6).multinomial(6).tolist()) == list(range(6))
        assert ac.multinomial(ac.ones(0, 2), 1).shape == (0, 1)

    def test_has_no_history(self):
        assert not ac.multinomial(leaf(), 1).requires_grad
