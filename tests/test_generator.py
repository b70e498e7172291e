"""Random numbers: seeds, states, generators; processes and threads."""

import copy
import pickle
import sys

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import (
    all_in_threads,
    deviation,
    raises,
    script_output,
)


@pytest.fixture(autouse=True)
def _seed():
    ac.manual_seed(20240607)


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
