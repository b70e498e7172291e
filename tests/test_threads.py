"""The threads that share large operations: the same bits for any number of them, and no trouble around them."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import raises

pytestmark = pytest.mark.skipif(IS_TORCH, reason="these are autograd_c's own ways")

SEVERAL = 4  # more than any job gets shares for on a small machine, and than it has processors


@pytest.fixture(autouse=True)
def number_restored():
    before = ac.get_num_threads()
    yield
    ac.set_num_threads(before)


def uniform(*sizes, seed=0):
    return ac.tensor(np.random.default_rng(seed).uniform(-2, 2, sizes))


# ------------------------------------------------------------------ the same bits
A, B = uniform(300_001), uniform(300_001, seed=1)  # a multiple of no block
M, N = uniform(601, 501), uniform(601, 501, seed=1)
CUBE = uniform(7, 130, 333)
COUNTS = ac.tensor(np.random.default_rng(2).integers(-9, 9, (500, 401)))
WITH_NAN = uniform(400_000)
WITH_NAN[333_333] = float("nan")
WITH_NAN[150_000] = float("inf")


def gradients(function, *leaves):
    leaves = [x.detach().clone().requires_grad_() for x in leaves]
    return ac.autograd.grad(function(*leaves), leaves)


PROGRAMS = {
    "exp": lambda: A.exp(),
    "sin of far angles": lambda: (A * 1e9).sin(),
    "mul": lambda: A * B,
    "mul by a number": lambda: A * 2.5,
    "compare": lambda: A > B,
    "where": lambda: ac.where(A > B, A, B),
    "in place": lambda: A.clone().mul_(B).exp_(),
    "transposed": lambda: M.t() + N.t().contiguous(),
    "every other": lambda: A[:-1:2] * B[1::2],
    "backwards": lambda: M.t() * M.t(),
    "broadcast": lambda: M * N[0] + N[:, :1],
    "broadcast to a cube": lambda: CUBE + M[:130, :333],
    "ints": lambda: COUNTS * COUNTS + 3,
    "ints and doubles": lambda: COUNTS * 0.5,
    "copy": lambda: CUBE.permute(2, 0, 1).contiguous(),
    "to int": lambda: (A * 100).long(),
    "sum": lambda: A.sum(),
    "sum of a part": lambda: A[5:-3].sum(),
    "sum of a view": lambda: A[::3].sum(),
    "sum of ints": lambda: COUNTS.sum(),
    "sum of rows": lambda: M.sum(0),
    "sum of columns": lambda: M.sum(1),
    "sum of long rows": lambda: A[:300_000].view(750, 400).sum(0),
    "extremes of long rows": lambda: A[:300_000].view(300, 1000).max(0),
    "sum over a cube": lambda: CUBE.sum((0, 2)),
    "sum of few long rows": lambda: A[:300_000].view(2, 150_000).sum(1),
    "mean": lambda: A.mean(),
    "prod": lambda: (1 + A * 1e-6).prod(),
    "max": lambda: A.max(),
    "argmax": lambda: A.argmax(),
    "min along": lambda: CUBE.min(1),
    "max with nan": lambda: WITH_NAN.max(),
    "argmax with nan": lambda: WITH_NAN.argmax(),
    "amin with infinities": lambda: (-WITH_NAN[200_000:]).amin(),
    "any": lambda: (A > 1.99999).any(),
    "var": lambda: A.var(),
    "std along": lambda: M.std(0),
    "norm": lambda: A.norm(),
    "norm that overflows": lambda: (A * 1e300).norm(),
    "3-norm": lambda: A.norm(3),
    "inf-norm": lambda: A.norm(float("inf")),
    "negative norm": lambda: (A.abs() + 1e-300).norm(-2),
    "logsumexp": lambda: A.logsumexp(0),
    "logsumexp along": lambda: CUBE.logsumexp(1),
    "softmax": lambda: M.softmax(1),
    "softmax along outer": lambda: M.softmax(0),
    "log_softmax along the middle": lambda: CUBE.log_softmax(1),
    "cumsum": lambda: M.cumsum(0),
    "cumprod of lines": lambda: M.cumprod(1),
    "gradient of a product": lambda: gradients(lambda a, b: (a * b).sum(), A, B),
    "gradient of a chain": lambda: gradients(lambda a, b: (a.exp() * b + a).tanh().mean(), A, B),
    "gradient of a broadcast": lambda: gradients(lambda m, row: ((m * row) ** 2).mean(), M, N[0]),
    "gradient through a transpose": lambda: gradients(lambda m, n: (m * n.t()).sum(), M, N.t()),
    "gradient of reductions": lambda: gradients(lambda m: m.std(0).sum() + m.logsumexp(1).sum() + m.norm(), M),
    "gradient of softmax": lambda: gradients(lambda m: (m.softmax(0) ** 2).sum(), M),
    "indices": lambda: A[ac.arange(299_999)],
}


def bits(result):
    parts = result if isinstance(result, tuple | list) else (result,)
    return [to_numpy(part).tobytes() for part in parts]


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_bits(name):
    ac.set_num_threads(1)
    expected = bits(PROGRAMS[name]())
    for number in (2, 3, SEVERAL, 2):
        ac.set_num_threads(number)
        assert bits(PROGRAMS[name]()) == expected, f"{number} threads"


def test_a_late_worker_stays_within_its_room():
    """One that wakes up for a job of fewer threads than it was started for (an address sanitizer sees more)."""
    ac.set_num_threads(1)
    expected = bits(M.softmax(0))
    for _ in range(20):
        for number in (SEVERAL, 2):
            ac.set_num_threads(number)
            assert bits(M.softmax(0)) == expected


@pytest.mark.parametrize("name", ["sum", "max with nan", "argmax with nan", "3-norm", "logsumexp"])
def test_parts_are_folded_as_a_whole(name):
    """A single result, whose elements threads share, against numpy."""
    ac.set_num_threads(SEVERAL)
    a, w = to_numpy(A), to_numpy(WITH_NAN)
    expected = {
        "sum": a.sum(),
        "max with nan": w.max(),
        "argmax with nan": w.argmax(),
        "3-norm": (np.abs(a) ** 3).sum() ** (1 / 3),
        "logsumexp": np.log(np.exp(a).sum()),
    }
    np.testing.assert_allclose(to_numpy(PROGRAMS[name]()), expected[name], rtol=1e-12)


@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 1, 3 * (1 << 15) - 1, (1 << 20) + 511, 2_500_001])
def test_sums_of_sizes_around_parts(size):
    x = uniform(size)
    found = []
    for number in (1, SEVERAL):
        ac.set_num_threads(number)
        found.append([x.sum().item(), x.norm().item(), x.logsumexp(0).item(), x.argmin().item()])
    assert found[0] == found[1]


@pytest.mark.parametrize("number", [1, 2])
def test_results_that_are_written_past_the_caches(number):
    """Of more than 32 MB, with parts before and behind whole cache lines: what its pieces give, to the bit."""
    ac.set_num_threads(number)
    size = (1 << 22) + 1000
    a, b = uniform(size), uniform(size, seed=1)
    begin, stop = 3, size - 5
    x, y = a[begin:stop], b[begin + 1 : stop + 1]
    pieces = [(k, min(k + 10_000, stop - begin)) for k in range(0, stop - begin, 10_000)]

    def assert_as_in_pieces(found, function, *args):
        found = to_numpy(found)
        for k, end in [*pieces[:3], *pieces[200:203], *pieces[-3:]]:
            piece = to_numpy(function(*(arg[k:end] for arg in args)))
            assert found[k:end].tobytes() == piece.tobytes()

    for function in (lambda x, y: x * y, lambda x, y: (x / y).tanh(), lambda x, y: x.exp(), lambda x, y: x.clone()):
        assert_as_in_pieces(function(x, y), function, x, y)
    view, before = a.clone()[begin:stop], x.clone()
    view.mul_(y)
    assert_as_in_pieces(view, lambda x, y: x * y, before, y)
    view.copy_(x + 1.0)
    assert_as_in_pieces(view, lambda x: x + 1.0, x)

    def both(x, y):
        x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
        return ac.autograd.grad((x * y + (x / y).sin()).sum(), (x, y))

    for k in range(2):
        assert_as_in_pieces(both(x, y)[k], lambda x, y, k=k: both(x, y)[k], x, y)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "cumsum", "cumprod", "sum", "logsumexp"])
@pytest.mark.parametrize("shape", [(3000, 1500), (4, 1_100_000)])
def test_long_lines_stay_whole(name, shape):
    """More than 32 MB of lines of more than a block: each line as it is alone, to the bit."""
    ac.set_num_threads(2)
    x = ac.tensor(np.random.default_rng(0).uniform(0.9, 1.1, shape))
    whole = to_numpy(getattr(x, name)(1))
    weights = uniform(*whole.shape)

    def gradient(x, weights):
        x = x.detach().requires_grad_()
        return ac.autograd.grad((getattr(x, name)(1) * weights).sum(), x)[0]

    gradients = to_numpy(gradient(x, weights))
    for k in 0, 1, shape[0] - 1:
        assert whole[k].tobytes() == to_numpy(getattr(x[k : k + 1], name)(1)).tobytes()
        assert gradients[k].tobytes() == to_numpy(gradient(x[k : k + 1], weights[k : k + 1])).tobytes()


# ------------------------------------------------------------------ how many
class TestNumber:
    def test_is_what_was_set(self):
        for number in (1, 2, SEVERAL):
            ac.set_num_threads(number)
            assert ac.get_num_threads() == number

    @pytest.mark.parametrize("number", [0, -1])
    def test_must_be_positive(self, number):
        with raises(RuntimeError, "set_num_threads expects a positive integer"):
            ac.set_num_threads(number)

    @pytest.mark.parametrize(("number", "kind"), [(1.5, "float"), (True, "bool"), ("2", "str")])
    def test_must_be_an_int(self, number, kind):
        with raises(RuntimeError, f"set_num_threads expects an int, but got {kind}"):
            ac.set_num_threads(number)

    @pytest.mark.parametrize("asked", ["1", "1,2", "", "nonsense", "100000"])
    def test_begins_with_the_processors_or_less(self, asked):
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        found = run("print(torch.get_num_threads())", OMP_NUM_THREADS=asked)
        assert int(found) == (1 if asked.startswith("1") and not asked.startswith("10") else available)


def run(program, **environment):
    """What a program prints in a fresh interpreter."""
    path = str(Path(ac.__file__).parents[1])
    program = f"import sys\nsys.path.insert(0, {path!r})\nimport autograd_c as torch\n{program}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert not done.stderr, done.stderr
    assert done.returncode == 0
    return done.stdout


# ------------------------------------------------------------------ what is around them
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")


@needs_proc
def test_threads_are_few_and_start_late():
    found = run(
        "import os\n"
        "def count(): return len(os.listdir('/proc/self/task'))\n"
        "torch.set_num_threads(3)\n"
        "(torch.ones(1000) * 2).sum()\n"
        "before = count()\n"
        "for _ in range(20): (torch.ones(500_000) * 2).exp().sum()\n"
        "print(before, count())"
    )
    assert found.split() == ["1", "3"]


def test_idle_threads_take_no_time():
    ac.set_num_threads(SEVERAL)
    (A * B).sum()
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.05


def test_products_and_shared_jobs_take_turns():
    """BLAS sends the team to sleep; whoever is awake or asleep, the next job is done whole."""
    ac.set_num_threads(2)
    small, expected = uniform(96, 96), None
    for pause in [0.0, 0.0, 2e-4] * 30:
        found = bits((small @ small).sum() + (A * B).exp().sum())
        expected = expected or found
        assert found == expected
        time.sleep(pause)


def test_callers_in_several_threads_do_not_wait_for_each_other_nor_mix():
    ac.set_num_threads(2)
    expected = bits(PROGRAMS["gradient of a chain"]())
    wrong = []

    def work():
        for _ in range(5):
            if bits(PROGRAMS["gradient of a chain"]()) != expected:
                wrong.append(True)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
        assert not caller.is_alive()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestFork:
    def test_child_starts_its_own(self):
        found = run(
            "import os, warnings\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"  # of a fork with threads
            "torch.set_num_threads(2)\n"
            "x = torch.ones(500_000)\n"
            "(x * 2).sum()\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    ok = (x * 2).exp().sum().item() > 0 and len(os.listdir('/proc/self/task')) == 2\n"
            "    os._exit(0 if ok else 1)\n"
            "_, status = os.waitpid(child, 0)\n"
            "print(status, (x * 3).sum().item())"
        )
        assert found.split() == ["0", "1500000.0"]

    def test_while_the_team_is_at_work_elsewhere(self):
        found = run(
            "import os, threading\n"
            "torch.set_num_threads(2)\n"
            "x = torch.ones(2_000_000)\n"
            "going = True\n"
            "def work():\n"
            "    while going: x.exp().sin().sum()\n"
            "other = threading.Thread(target=work); other.start()\n"
            "states = []\n"
            "for _ in range(20):\n"
            "    child = os.fork()\n"
            "    if child == 0:\n"
            "        import signal; signal.alarm(20)\n"
            "        os._exit(0 if (x * 2).sum().item() == 4_000_000 else 1)\n"
            "    states.append(os.waitpid(child, 0)[1])\n"
            "going = False; other.join()\n"
            "print(set(states))",
            PYTHONWARNINGS="ignore",
        )
        assert found.strip() == "{0}"


def test_a_failed_allocation_leaves_them_free():
    ac.set_num_threads(2)
    small = uniform(100_000)
    with pytest.raises((MemoryError, RuntimeError)):
        small.expand(10**9, 100_000) * 2.0
    assert bits(small * 2.0) == [(to_numpy(small) * 2.0).tobytes()]
