"""Random numbers: distributions, seeds and states, arguments, what autograd sees; threads and forks.

The distributions are judged by tests of fixed seeds: the distance between the empirical and the true distribution
function (Kolmogorov), and chi-square for counts. A threshold lies where one right generator in 10,000 would fail, so
that a wrong distribution is found and a right one, with its seed, passes for good.
"""

import copy
import itertools
import math
import pickle
import sys

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import (
    LEAF_IN_PLACE,
    LEAF_VIEW_IN_PLACE,
    OVERLAPPING_WRITE,
    all_in_threads,
    deviation,
    leaf,
    name,
    raises,
    script_output,
    unchanged,
)

N = 20_000
NO_INTEGER = "random_ expects 'from' to be less than 'to', but got from={} >= to={}"


@pytest.fixture(autouse=True)
def _seed():
    ac.manual_seed(20240607)


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


# ------------------------------------------------------------------ seeds and states
DRAWS = {
    "rand": lambda **kw: ac.rand(3, **kw),
    "rand 0-d": lambda **kw: ac.rand((), **kw),
    "randn": lambda **kw: ac.randn(2, 3, **kw),
    "randint": lambda **kw: ac.randint(10**6, (5,), **kw),
    "randperm": lambda **kw: ac.randperm(30, **kw),
    "normal": lambda **kw: ac.normal(0.0, 1.0, (4,), **kw),
    "normal tensors": lambda **kw: ac.normal(ac.zeros(2, 1), ac.ones(3), **kw),
    "bernoulli": lambda **kw: ac.bernoulli(ac.full((64,), 0.5), **kw),
    "bernoulli p": lambda **kw: ac.bernoulli(ac.empty(64), 0.5, **kw),
    "multinomial": lambda **kw: ac.multinomial(ac.ones(100), 9, **kw),
    "multinomial replacement": lambda **kw: ac.multinomial(ac.ones(100), 9, replacement=True, **kw),
    "rand_like": lambda **kw: ac.rand_like(ac.ones(3), **kw),
    "randn_like": lambda **kw: ac.randn_like(ac.ones(3), **kw),
    "randint_like": lambda **kw: ac.randint_like(ac.ones(5), 10**6, **kw),
    "uniform_": lambda **kw: ac.empty(3).uniform_(**kw),
    "uniform_ range": lambda **kw: ac.empty(3).uniform_(1.0, 2.0, **kw),
    "normal_": lambda **kw: ac.empty(3).normal_(**kw),
    "random_": lambda **kw: ac.empty(3).random_(**kw),
    "random_ to": lambda **kw: ac.empty(5, dtype=ac.int64).random_(10**6, **kw),
    "bernoulli_": lambda **kw: ac.empty(64).bernoulli_(**kw),
    "bernoulli_ tensor": lambda **kw: ac.empty(64).bernoulli_(ac.full((64,), 0.5), **kw),
    "exponential_": lambda **kw: ac.empty(3).exponential_(**kw),
    "log_normal_": lambda **kw: ac.empty(3).log_normal_(**kw),
    "geometric_": lambda **kw: ac.empty(30).geometric_(0.1, **kw),
    "cauchy_": lambda **kw: ac.empty(3).cauchy_(**kw),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
class TestReproducible:
    def test_seed(self, draw):
        ac.manual_seed(5)
        first, second = draw().tolist(), draw().tolist()
        assert first != second
        ac.manual_seed(5)
        assert [draw().tolist(), draw().tolist()] == [first, second]
        ac.manual_seed(6)
        assert draw().tolist() != first

    def test_generator(self, draw):
        """It is used, and the default one is not."""
        ac.manual_seed(5)
        expected = draw().tolist()
        before = ac.get_rng_state().tolist()
        g = ac.Generator().manual_seed(5)
        found = draw(generator=g).tolist()
        assert found == expected
        assert ac.get_rng_state().tolist() == before
        assert g.get_state().tolist() == before

    def test_state(self, draw):
        draw()
        state = ac.get_rng_state()
        expected = [draw().tolist() for _ in range(3)]
        ac.set_rng_state(state)
        assert [draw().tolist() for _ in range(3)] == expected

    def test_none_is_the_default(self, draw):
        ac.manual_seed(5)
        expected = draw().tolist()
        ac.manual_seed(5)
        assert draw(generator=None).tolist() == expected


@deviation("torch's bits are its own")
def test_the_numbers_of_a_seed():
    """The same on all platforms: no floating-point function is involved, whose last bit may differ."""
    ac.manual_seed(0)
    assert ac.rand(3).tolist() == [0.8495832729381353, 0.5546033266790702, 0.07552235432853116]
    ac.manual_seed(2**64 - 1)
    assert ac.rand(1).tolist() == np.random.Generator(np.random.PCG64DXSM(2**64 - 1)).random(1).tolist()


@deviation("torch fills according to the strides")
@pytest.mark.parametrize(
    "make",
    [
        lambda: ac.zeros(3, 4),
        lambda: ac.zeros(4, 3).t(),
        lambda: ac.zeros(6, 8)[::2, ::2],
        lambda: ac.zeros(20)[5:17].view(3, 4),
        lambda: ac.from_numpy(np.zeros((3, 4))),
    ],
)
def test_the_numbers_do_not_depend_on_strides(make):
    """In row-major order, in place and nowhere else."""
    expected = [ac.manual_seed(1), ac.randn(3, 4)][1]
    ac.manual_seed(1)
    x = make()
    base = x._base if x._base is not None else x
    assert x.normal_() is x
    assert x.tolist() == expected.tolist()
    assert int((base != 0).sum()) == 12
    like = [ac.manual_seed(1), ac.randn_like(x)][1]
    assert like.tolist() == expected.tolist()


class TestSeeds:
    def test_manual_seed_gives_the_default_generator(self):
        assert ac.manual_seed(3) is ac.default_generator
        assert ac.initial_seed() == ac.default_generator.initial_seed() == 3

    @pytest.mark.parametrize(
        ("seed", "expected"),
        [(0, 0), (2**64 - 1, 2**64 - 1), (-1, 2**64 - 1), (-(2**63), 2**63), (2.5, 2), ("3", 3), (True, 1)],
    )
    def test_range(self, seed, expected):
        assert ac.manual_seed(seed).initial_seed() == expected

    @pytest.mark.parametrize(
        ("seed", "kind", "sentence"),
        [
            (2**64, ValueError, "Overflow when unpacking long long"),
            (-(2**63) - 1, ValueError, "Overflow when unpacking long long"),
            ("a", ValueError, "invalid literal for int() with base 10: 'a'"),
            (None, TypeError, "int() argument must be a string"),
        ],
    )
    def test_refused(self, seed, kind, sentence):
        before = ac.get_rng_state().tolist()
        with raises(kind, sentence):
            ac.manual_seed(seed)
        assert ac.get_rng_state().tolist() == before

    def test_seed(self):
        seeds = {ac.seed() for _ in range(5)}
        assert len(seeds) == 5
        assert ac.initial_seed() in seeds
        assert all(0 <= s < 2**64 for s in seeds)


@pytest.mark.skipif(IS_TORCH, reason="slow to import")
def test_without_a_seed_each_run_draws_other_numbers():
    assert len({script_output("print(ac.randint(2**62, (1,)).item())") for _ in range(3)}) == 3


class TestGenerator:
    def test_starts_with_a_fixed_seed(self):
        a, b = ac.Generator(), ac.Generator("cpu")
        assert a.initial_seed() == b.initial_seed() == 67280421310721
        assert ac.rand(3, generator=a).tolist() == ac.rand(3, generator=b).tolist()
        assert str(a.device) == "cpu"
        assert repr(a).startswith("<torch._C.Generator object at 0x")

    def test_are_independent(self):
        a, b = ac.Generator().manual_seed(1), ac.Generator().manual_seed(1)
        ac.rand(5, generator=a)
        expected = ac.rand(5, generator=b).tolist()
        a.manual_seed(1)
        assert ac.rand(5, generator=a).tolist() == expected

    def test_manual_seed(self):
        g = ac.Generator()
        assert g.manual_seed(4) is g
        assert g.initial_seed() == 4
        assert g.manual_seed(-1).initial_seed() == 2**64 - 1
        for bad in ("a", 2.5, True, ac.tensor(3)):
            with raises(RuntimeError, "manual_seed expected a long, but got " + type(bad).__name__):
                g.manual_seed(bad)
        for bad in (2**64, -(2**64)):
            with raises(ValueError, "Overflow when unpacking long long"):
                g.manual_seed(bad)
        assert g.seed() == g.initial_seed()

    @pytest.mark.parametrize(
        "clone",
        [
            lambda g: g.clone_state(),
            copy.copy,
            copy.deepcopy,
            lambda g: pickle.loads(pickle.dumps(g)),
            lambda g: ac.Generator().set_state(g.get_state()),
        ],
    )
    def test_copies(self, clone):
        g = ac.Generator().manual_seed(3)
        ac.randint(2**31, (3,), generator=g)
        other = clone(g)
        assert other is not g
        assert other.initial_seed() == 3
        assert ac.randn(7, generator=other).tolist() == ac.randn(7, generator=g).tolist()
        ac.rand(1, generator=other)
        assert other.get_state().tolist() != g.get_state().tolist()

    def test_a_state_is_of_bytes(self):
        state = ac.get_rng_state()
        assert state.ndim == 1
        assert all(0 <= byte < 256 for byte in state.tolist())

    def test_a_state_is_a_copy(self):
        state = ac.get_rng_state()
        before = state.tolist()
        ac.rand(3)
        assert state.tolist() == before

    @pytest.mark.parametrize(
        ("state", "kind", "sentence"),
        [
            (lambda: 3, TypeError, "expected a torch.ByteTensor, but got int"),
            (lambda: ac.zeros(3), TypeError, "RNG state must be a torch.ByteTensor"),
            (lambda: ac.get_rng_state()[:-1], RuntimeError, "Expected a CPUGeneratorImplState of size"),
            (lambda: ac.zeros_like(ac.get_rng_state()), RuntimeError, "Invalid "),
        ],
    )
    def test_states_that_are_none(self, state, kind, sentence):
        before = ac.get_rng_state().tolist()
        with raises(kind, sentence):
            ac.set_rng_state(state())
        with raises(kind, sentence):
            ac.default_generator.set_state(state())
        assert ac.get_rng_state().tolist() == before

    @deviation("of our own state")
    def test_a_state_with_a_wrong_byte(self):
        state = ac.get_rng_state()
        for place, value in ((0, 1), (20, 256), (20, -1), (32, 2)):
            wrong = state.clone()
            wrong[place] = value
            with raises(RuntimeError, "Invalid pcg64 state"):
                ac.set_rng_state(wrong)

    def test_has_no_other_attributes(self):
        with pytest.raises(AttributeError):
            ac.Generator().foo = 3

    def test_no_other_device(self):
        with pytest.raises(RuntimeError):
            ac.Generator("cuda")


# ------------------------------------------------------------------ arguments
NEW = {
    "rand": lambda *size, **kw: ac.rand(*size, **kw),
    "randn": lambda *size, **kw: ac.randn(*size, **kw),
}


@pytest.mark.parametrize(("function", "make"), NEW.items(), ids=NEW)
class TestNew:
    def test_sizes(self, function, make):
        for size in ((), (0,), (3,), (2, 3), (2, 0, 3)):
            for t in (make(size), make(list(size)), make(size=size), *([make(*size)] if size else [])):
                assert tuple(t.shape) == size
                assert t.dtype is ac.float64
                assert t.is_contiguous()
                assert (t._version, t.is_leaf, t.requires_grad) == (0, True, False)

    def test_options(self, function, make):
        t = make(2, dtype=ac.float64, layout=ac.strided, device="cpu", pin_memory=False, requires_grad=True)
        assert t.requires_grad
        assert t.is_leaf
        assert not make(2, requires_grad=None).requires_grad

    def test_refused(self, function, make):
        overload = f"{function}() received an invalid combination of arguments - got ("
        with raises(TypeError, overload + "), but expected one of:"):
            make()
        for key, value, kind in (
            ("requires_grad", 3, "int"), ("generator", 3, "int"), ("dtype", 3, "int"), ("layout", "a", "str"),
            ("pin_memory", 1, "int"),
        ):  # fmt: skip
            with raises(TypeError, f"{overload}int, {key}={kind}), but expected one of:"):
                make(2, **{key: value})
        with raises(TypeError, f"{function}(): argument 'size' (position 1) must be tuple of ints, not str"):
            make("a")
        with raises(TypeError, f"{function}(): argument 'size' (position 1) must be tuple of ints, not float"):
            make(2.5)
        with raises(RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"):
            make(-1)
        with raises(RuntimeError, "Storage size calculation overflowed with sizes=[4611686018427387904, 4]"):
            make(2**62, 4)
        operation = {"rand": "check_uniform_bounds", "randn": "normal_kernel_cpu"}[function]
        for dtype, what in ((ac.int64, "Long"), (ac.bool, "Bool")):
            with raises(NotImplementedError, f"\"{operation}\" not implemented for '{what}'"):
                make(2, dtype=dtype)


@pytest.mark.parametrize("function", ["rand_like", "randn_like", "randint_like"])
class TestLike:
    def make(self, function, x, **kw):
        return getattr(ac, function)(x, *((5,) if function == "randint_like" else ()), **kw)

    def test_layout(self, function):
        x = ac.ones(2, 3).t()
        assert self.make(function, x).stride() == (1, 3)
        assert self.make(function, x, memory_format=ac.contiguous_format).stride() == (2, 1)
        assert self.make(function, ac.empty(0, 3)).shape == (0, 3)
        assert self.make(function, ac.tensor(1.0)).shape == ()

    def test_options(self, function):
        t = self.make(function, leaf())
        assert (t.requires_grad, t._version, t.is_leaf) == (False, 0, True)
        assert self.make(function, leaf(), requires_grad=True).requires_grad
        assert self.make(function, ac.arange(3), dtype=ac.float64).dtype is ac.float64

    def test_refused(self, function):
        with raises(TypeError, f"{function}() received an invalid combination of arguments - got (Tensor"):
            self.make(function, ac.ones(2), requires_grad=3)
        with pytest.raises(TypeError):
            self.make(function, 3)


# fmt: off
ERRORS = {
    "normal std": (lambda x: x.normal_(0.0, -1.0), RuntimeError, "normal expects std >= 0.0, but found std -1"),
    "normal nan": (lambda x: x.normal_(0.0, math.nan), RuntimeError, "normal expects std >= 0.0, but found std nan"),
    "normal text": (lambda x: x.normal_("a"), TypeError, "normal_(): argument 'mean' (position 1) must be float"),
    "normal int": (lambda x: ac.ones(3).long().normal_(), NotImplementedError,
                   "\"normal_kernel_cpu\" not implemented for 'Long'"),
    "uniform order": (lambda x: x.uniform_(2.0, 1.0), RuntimeError,
                      "uniform_ expects to return a [from, to) range, but found from=2 > to=1"),
    "uniform nan": (lambda x: x.uniform_(math.nan, 1.0), RuntimeError, "from is out of bounds for double"),
    "uniform inf": (lambda x: x.uniform_(0.0, math.inf), RuntimeError, "to is out of bounds for double"),
    "uniform wide": (lambda x: x.uniform_(-1e308, 1e308), RuntimeError,
                     "uniform_ expects to-from <= std::numeric_limits<Double>::max(), but found to=1e+308 and "
                     "from=-1e+308 which result in to-from to exceed the limit"),
    "uniform text": (lambda x: x.uniform_(0.0, "a"), TypeError, "uniform_(): argument 'to' (position 2) must be float"),
    "uniform grad": (lambda x: x.uniform_(ac.tensor(0.0, requires_grad=True)), TypeError,
                     "uniform_(): argument 'from' (position 1) must be float, not Tensor"),
    "uniform name": (lambda x: x.uniform_(a=1), TypeError, "uniform_() got an unexpected keyword argument 'a'"),
    "uniform int": (lambda x: ac.ones(3).bool().uniform_(), NotImplementedError,
                    "\"check_uniform_bounds\" not implemented for 'Bool'"),
    "uniform generator": (lambda x: x.uniform_(generator=3), TypeError,
                          "uniform_(): argument 'generator' must be torch.Generator, not int"),
    "random order": (lambda x: x.random_(2, 1), RuntimeError, NO_INTEGER.format(2, 1)),
    "random zero": (lambda x: x.random_(0), RuntimeError, NO_INTEGER.format(0, 0)),
    "random float": (lambda x: x.random_(1.5), TypeError,
                     "random_() received an invalid combination of arguments - got (float), but expected one of:"),
    "random from": (lambda x: x.random_(**{"from": 1}), TypeError,
                    "random_() received an invalid combination of arguments - got (from=int, ), but expected one of:"),
    "random large": (lambda x: x.random_(2**63), ValueError, "Overflow when unpacking long long"),
    "random beyond": (lambda x: x.random_(2**55, None), RuntimeError, "random_ expects 'from' casted to dtype to be "
                      "less than or equal to 'to_inc' casted to dtype, but got from=36028797018963968 > "
                      "to_inc=9007199254740992"),
    "random bool": (lambda x: x.bool().random_(0, 3), RuntimeError, "to - 1 is out of bounds for bool"),
    "randint bool": (lambda x: ac.randint(-1, 2, (2,), dtype=ac.bool), RuntimeError, "from is out of bounds for bool"),
    "randint order": (lambda x: ac.randint(5, 2, (2,)), RuntimeError, NO_INTEGER.format(5, 2)),
    "randint float": (lambda x: ac.randint(5.5, (2,)), TypeError,
                      "randint(): argument 'high' (position 1) must be int, not float"),
    "randint size": (lambda x: ac.randint(5, 2), TypeError,
                     "randint(): argument 'size' (position 2) must be tuple of ints, not int"),
    "randint none": (lambda x: ac.randint(5), TypeError,
                     "randint() received an invalid combination of arguments - got (int), but expected one of:"),
    "randint large": (lambda x: ac.randint(2**63, (2,)), ValueError, "Overflow when unpacking long long"),
    "randint grad": (lambda x: ac.randint(5, (2,), requires_grad=True), RuntimeError,
                     "Only Tensors of floating point and complex dtype can require gradients"),
    "randint_like": (lambda x: ac.randint_like(x), TypeError,
                     "randint_like() received an invalid combination of arguments - got (Tensor), but expected"),
    "randperm negative": (lambda x: ac.randperm(-1), RuntimeError,
                          "Trying to create tensor with negative dimension -1: [-1]"),
    "randperm float": (lambda x: ac.randperm(2.5), TypeError,
                       "randperm(): argument 'n' (position 1) must be int, not float"),
    "randperm bool": (lambda x: ac.randperm(4, dtype=ac.bool), NotImplementedError,
                      "\"randperm\" not implemented for 'Bool'"),
    "randperm generator": (lambda x: ac.randperm(4, generator=3), TypeError,
                           "randperm() received an invalid combination of arguments - got (int, generator=int), but "),
    "bernoulli p": (lambda x: x.bernoulli_(2.0), RuntimeError, "bernoulli_ expects p to be in [0, 1], but got p=2"),
    "bernoulli nan": (lambda x: x.bernoulli_(math.nan), RuntimeError,
                      "bernoulli_ expects p to be in [0, 1], but got p=nan"),
    "bernoulli tensor": (lambda x: x.bernoulli_(ac.tensor([0.0, 1.0, 3.0])), RuntimeError,
                         "Expected p_in >= 0 && p_in <= 1 to be true, but got false."),
    "bernoulli text": (lambda x: x.bernoulli_("a"), TypeError,
                       "bernoulli_() received an invalid combination of arguments - got (str), but expected one of:"),
    "bernoulli int": (lambda x: x.bernoulli_(ac.tensor([0, 1, 1])), NotImplementedError,
                      "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'"),
    "bernoulli sizes": (lambda x: x.bernoulli_(ac.zeros(2)), RuntimeError,
                        "The expanded size of the tensor (3) must match the existing size (2) at non-singleton"),
    "bernoulli out": (lambda x: ac.bernoulli(x), RuntimeError,
                      "Expected p_in >= 0 && p_in <= 1 to be true, but got false."),
    "bernoulli of int": (lambda x: ac.bernoulli(x.long()), NotImplementedError,
                         "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'"),
    "bernoulli number": (lambda x: ac.bernoulli(0.5), TypeError,
                         "bernoulli(): argument 'input' (position 1) must be Tensor, not float"),
    "exponential": (lambda x: x.exponential_(0.0), RuntimeError,
                    "exponential_ expects lambda > 0.0, but found lambda=0"),
    "exponential int": (lambda x: x.long().exponential_(), RuntimeError, "Exponential distribution is a continuous "
                        "probability distribution. dtype must be a floating point but you specified Long"),
    "log_normal": (lambda x: x.log_normal_(1.0, 0.0), RuntimeError, "log_normal_ expects std > 0.0, but found std=0"),
    "log_normal int": (lambda x: x.long().log_normal_(), NotImplementedError,
                       "\"log_normal_cpu\" not implemented for 'Long'"),
    "geometric 0": (lambda x: x.geometric_(0.0), RuntimeError, "geometric_ expects p to be in (0, 1), but got p=0"),
    "geometric 1": (lambda x: x.geometric_(1.0), RuntimeError, "geometric_ expects p to be in (0, 1), but got p=1"),
    "geometric bool": (lambda x: x.bool().geometric_(0.5), NotImplementedError,
                       "\"geometric_cpu\" not implemented for 'Bool'"),
    "cauchy": (lambda x: x.cauchy_(1.0, 0.0), RuntimeError, "cauchy_ expects sigma > 0.0, but found sigma=0"),
    "cauchy int": (lambda x: x.long().cauchy_(), RuntimeError, "Cauchy distribution is a continuous probability "
                   "distribution. dtype must be a floating point but you specified long int"),
    "normal of none": (lambda x: ac.normal(), TypeError,
                       "normal() received an invalid combination of arguments - got (), but expected one of:"),
    "normal of one": (lambda x: ac.normal(0.0), TypeError, "normal(): argument 'mean' (position 1) must be Tensor"),
    "normal of numbers": (lambda x: ac.normal(0.0, 1.0), TypeError, "normal() received an invalid combination of "
                          "arguments - got (float, float), but expected one of:"),
    "normal grad": (lambda x: ac.normal(x, requires_grad=True), TypeError, "normal() received an invalid combination "
                    "of arguments - got (Tensor, requires_grad=bool), but expected one of:"),
    "normal stds": (lambda x: ac.normal(x, ac.tensor([1.0, -1.0, 1.0])), RuntimeError,
                    "normal expects all elements of std >= 0.0"),
    "normal nans": (lambda x: ac.normal(0.0, ac.tensor([math.nan])), RuntimeError,
                    "normal expects all elements of std >= 0.0"),
    "normal sizes": (lambda x: ac.normal(x, ac.ones(4)), RuntimeError,
                     "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0"),
    "normal ints": (lambda x: ac.normal(x.long(), 1.0), NotImplementedError,
                    "\"normal_kernel_cpu\" not implemented for 'Long'"),
    "multinomial int": (lambda x: ac.multinomial(x.long(), 1), RuntimeError,
                        "multinomial only supports floating-point dtypes for input, got: Long"),
    "multinomial 0-d": (lambda x: ac.multinomial(ac.tensor(1.0), 1), RuntimeError, "prob_dist must be 1 or 2 dim"),
    "multinomial 3-d": (lambda x: ac.multinomial(ac.ones(1, 2, 3), 1), RuntimeError, "prob_dist must be 1 or 2 dim"),
    "multinomial none": (lambda x: ac.multinomial(x, 0), RuntimeError, "cannot sample n_sample <= 0 samples"),
    "multinomial many": (lambda x: ac.multinomial(x, 4), RuntimeError,
                         "cannot sample n_sample > prob_dist.size(-1) samples without replacement"),
    "multinomial negative": (lambda x: ac.multinomial(-x, 1), RuntimeError,
                             "probability tensor contains either `inf`, `nan` or element < 0"),
    "multinomial nan": (lambda x: ac.multinomial(x / 0 * 0, 1), RuntimeError,
                        "probability tensor contains either `inf`, `nan` or element < 0"),
    "multinomial zero": (lambda x: ac.multinomial(x * 0, 1), RuntimeError,
                         "invalid multinomial distribution (sum of probabilities <= 0)"),
    "multinomial float": (lambda x: ac.multinomial(x, 1.5), TypeError,
                          "multinomial(): argument 'num_samples' (position 2) must be int, not float"),
    "multinomial replacement": (lambda x: ac.multinomial(x, 1, 3), TypeError,
                                "multinomial(): argument 'replacement' (position 3) must be bool, not int"),
}
# fmt: on


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS)
def test_refused(call, kind, sentence):
    """In torch's words, before anything is changed: neither the tensor nor the state of the generator."""
    x = ac.tensor([1.0, 2.0, 3.0])
    before = ac.get_rng_state().tolist()
    if IS_TORCH:  # which has drawn some numbers by the time it finds a wrong probability
        with raises(kind, sentence):
            call(x)
        return
    with unchanged(x), raises(kind, sentence):
        call(x)
    assert ac.get_rng_state().tolist() == before


def test_parameters_are_checked_for_empty_tensors():
    with raises(RuntimeError, "normal expects std"):
        ac.empty(0).normal_(0.0, -1.0)
    with raises(RuntimeError, "random_ expects"):
        ac.randint(0, (0,))


# ------------------------------------------------------------------ autograd
IN_PLACE = {
    "uniform_": (lambda x: x.uniform_(), "UniformBackward0"),
    "normal_": (lambda x: x.normal_(), "NormalBackward0"),
    "random_": (lambda x: x.random_(), "RandomBackward2"),
    "random_ to": (lambda x: x.random_(2), "RandomBackward1"),
    "random_ from": (lambda x: x.random_(1, 2), "RandomBackward0"),
    "exponential_": (lambda x: x.exponential_(), "ExponentialBackward0"),
    "log_normal_": (lambda x: x.log_normal_(), "LogNormalBackward0"),
    "geometric_": (lambda x: x.geometric_(0.5), "GeometricBackward0"),
    "cauchy_": (lambda x: x.cauchy_(), "CauchyBackward0"),
    "bernoulli_": (lambda x: x.bernoulli_(0.5), "BernoulliBackward2"),
    "bernoulli_ tensor": (lambda x: x.bernoulli_(ac.full((3,), 0.5)), "BernoulliBackward1"),
}


@pytest.mark.parametrize(("change", "node"), IN_PLACE.values(), ids=IN_PLACE)
class TestInPlace:
    def test_gradient_is_zero(self, change, node):
        a = leaf()
        y = a * 2
        assert change(y) is y
        assert name(y) == node
        assert y._version == 1
        (gradient,) = ac.autograd.grad(y.sum(), a)
        assert gradient.tolist() == [0.0] * 3

    def test_what_was_there_is_stale(self, change, node):
        y = (leaf() * 2).exp()
        change(y)
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            y.sum().backward()
        x = ac.ones(3)
        z = leaf() * x
        change(x)
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            z.sum().backward()

    def test_view(self, change, node):
        a = leaf((1.0, 2.0, 3.0, 4.0, 5.0))
        y = a * 2
        change(y[1:4])
        assert name(y) == "CopySlices"
        (gradient,) = ac.autograd.grad(y.sum(), a)
        assert gradient.tolist() == [2.0, 0.0, 0.0, 0.0, 2.0]

    def test_scalar_of_its_own_result(self, change, node):
        if node == "BernoulliBackward1":  # its probabilities are 3
            return
        a = ac.tensor(0.5, requires_grad=True)
        y = a.exp()
        z = y * 1
        change(y)
        assert y.grad_fn is not None
        assert name(y) == node
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            z.backward()

    def test_leaf(self, change, node):
        a = leaf()
        with unchanged(a), raises(RuntimeError, LEAF_IN_PLACE):
            change(a)
        with unchanged(a), raises(RuntimeError, LEAF_VIEW_IN_PLACE):
            change(a.view(3))
        with ac.no_grad():
            change(a)
        assert a.is_leaf
        assert a._version == 1

    def test_overlap(self, change, node):
        x = ac.ones(1)
        with unchanged(x), raises(RuntimeError, OVERLAPPING_WRITE):
            change(x.expand(3))

    def test_inference(self, change, node):
        with ac.inference_mode():
            x = ac.ones(3)
            change(x)
        with raises(RuntimeError, "Inplace update to inference tensor outside InferenceMode is not allowed"):
            change(x)

    def test_tangent_is_zero(self, change, node):
        forward = ac.autograd.forward_ad
        with forward.dual_level():
            d = forward.make_dual(ac.ones(3), ac.ones(3))
            assert forward.unpack_dual(change(d)).tangent.tolist() == [0.0] * 3

    def test_empty(self, change, node):
        if node != "BernoulliBackward1":
            assert change(ac.empty(0, 3)).shape == (0, 3)

    def test_frees_what_it_no_longer_needs(self, change, node):
        y = leaf() * 2
        change(y)
        y.sum().backward()


OUT_OF_PLACE = {
    "bernoulli": (lambda a, b: ac.bernoulli(a), "BernoulliBackward0", (0,)),
    "normal mean": (lambda a, b: ac.normal(a, 1.0), "NormalBackward1", (0,)),
    "normal default": (lambda a, b: ac.normal(a), "NormalBackward1", (0,)),
    "normal std": (lambda a, b: ac.normal(0.0, b), "NormalBackward2", (1,)),
    "normal both": (lambda a, b: ac.normal(a, b), "NormalBackward3", (0, 1)),
}


@pytest.mark.parametrize(("draw", "node", "inputs"), OUT_OF_PLACE.values(), ids=OUT_OF_PLACE)
class TestOutOfPlace:
    def test_gradient_is_zero(self, draw, node, inputs):
        tensors = ac.full((2, 1), 0.5, requires_grad=True), ac.full((3,), 0.25, requires_grad=True)
        y = draw(*tensors)
        assert name(y) == node
        assert (y._version, y.is_contiguous()) == (0, True)
        assert len(y.grad_fn.next_functions) == len(inputs)
        wanted = [tensors[i] for i in inputs]
        for gradient, tensor in zip(ac.autograd.grad(y.sum(), wanted), wanted, strict=True):
            assert gradient.shape == tensor.shape
            assert not gradient.any()

    def test_without_recording(self, draw, node, inputs):
        tensors = leaf((0.5, 0.5)), leaf((0.5, 0.5))
        with ac.no_grad():
            assert not draw(*tensors).requires_grad
        assert not draw(*(t.detach() for t in tensors)).requires_grad

    def test_tangent_is_zero(self, draw, node, inputs):
        forward = ac.autograd.forward_ad
        with forward.dual_level():
            d = forward.make_dual(ac.full((2,), 0.5), ac.ones(2))
            assert forward.unpack_dual(draw(d, d)).tangent.tolist() == [0.0] * 2


def test_probabilities_that_require_grad():
    p = ac.full((3,), 0.5, requires_grad=True)
    y = ac.ones(2, 3).bernoulli_(p)
    assert name(y) == "BernoulliBackward1"
    (gradient,) = ac.autograd.grad(y.sum(), p)
    assert gradient.tolist() == [0.0] * 3


def test_bernoulli_with_one_p_is_not_differentiable():
    y = ac.bernoulli(leaf(), 0.5)
    assert y.requires_grad
    with raises(RuntimeError, "derivative for aten::bernoulli is not implemented"):
        y.sum().backward()
    forward = ac.autograd.forward_ad
    with forward.dual_level(), raises(NotImplementedError, "Trying to use forward AD with aten::bernoulli that does"):
        ac.bernoulli(forward.make_dual(ac.ones(2), ac.ones(2)), 0.5)
    assert ac.bernoulli(ac.tensor([3, 4]), 1.0).tolist() == [1, 1]


@deviation("torch writes to read-only memory")
def test_read_only_memory():
    array = np.ones(3)
    array.flags.writeable = False
    with raises(RuntimeError, "the tensor's memory is read-only"):
        ac.from_numpy(array).normal_()
    assert array.tolist() == [1.0] * 3


def test_shared_memory_is_filled_where_it_lies():
    array = np.zeros((4, 6))
    ac.from_numpy(array)[1:3, ::2].uniform_(1.0, 2.0)
    assert ((array >= 1.0) == np.outer([0, 1, 1, 0], [1, 0, 1, 0, 1, 0]).astype(bool)).all()


# ------------------------------------------------------------------ processes and threads
@deviation("torch imports numpy with itself")
def test_numpy_is_imported_at_the_first_use():
    script = """
import autograd_c as ac
before = "numpy" in sys.modules
ac.rand(2)
print(before, "numpy" in sys.modules)
"""
    assert script_output(script, prelude="import sys\n") == "False True"


@pytest.mark.parametrize("make", [lambda: ac.default_generator, lambda: ac.Generator()])
def test_threads_share_a_generator(make):
    """Together they draw what one would draw: nothing twice, nothing lost."""
    g = make()
    threads, rounds, n = 4, 50, 1000
    drawn = all_in_threads(*[
        lambda: [ac.randint(2**62, (n,), generator=g).tolist() for _ in range(rounds)] for _ in range(threads)
    ])  # fmt: skip
    numbers = np.array(drawn).ravel()
    assert len(np.unique(numbers)) == threads * rounds * n


def test_a_seed_in_another_thread_is_harmless():
    g = ac.Generator()

    def draw():
        for _ in range(300):
            u = to_numpy(ac.rand(500, generator=g))
            assert ((u >= 0) & (u < 1)).all()

    def meddle():
        for i in range(300):
            g.manual_seed(i)
            g.set_state(g.get_state())

    all_in_threads(draw, draw, meddle)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@deviation("a thread of torch's may hold the lock for good")
def test_fork_while_another_thread_draws():
    script = """
x = ac.empty(2_000_000).normal_()  # imports all: Python's own import locks do not survive a fork
stop = False

def work():
    while not stop:
        x.normal_()

thread = threading.Thread(target=work)
thread.start()
results = []
for _ in range(10):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        y = ac.rand(100)
        ac.manual_seed(3)
        os.write(write, b"%d" % (0 <= float(y.min()) < float(y.max()) < 1 and ac.initial_seed() == 3))
        os._exit(0)
    os.waitpid(child, 0)
    results.append(os.read(read, 10))
stop = True
thread.join()
print(results == [b"1"] * 10)
"""
    assert script_output(script) == "True"


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="reference counts")
def test_nothing_is_left_behind():
    g = ac.Generator()
    before = sys.getrefcount(g)
    for draw in DRAWS.values():
        draw(generator=g)
    assert sys.getrefcount(g) == before
