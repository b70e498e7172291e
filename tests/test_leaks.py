"""Leaks: every op, hook, view, in-place operation, Function, dual, cycle and error, called until a leak would show.

The finder itself is tested first, on functions that do leak.
"""

import copy
import ctypes
import gc
import itertools
import pickle
import sys

import numpy as np
import pytest
import refleak
from cases import CASES
from module import IS_TORCH, Inputs, ac, differentiable, tensors_in
from support import in_threads, leaf, quiet

fw = ac.autograd.forward_ad


@pytest.fixture(scope="module", autouse=True)
def unfreeze():
    """The collector sees everything again in the end."""
    gc.collect()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def freeze():
    """All that exists by now is out of the collector's sight: its many passes here are then short."""
    gc.freeze()


def live_bytes():
    """The bytes of tensor data in use, as the storage pool counts them."""
    return 0 if IS_TORCH else ac._core.live_bytes()


def assert_no_leak(function, watch=(), calls=20, rounds=4):
    """Nothing grows; and what is in use at the end is what was in use at the start."""
    function()
    gc.collect()
    before = live_bytes()
    complaints = refleak.check(function, (None, True, ac.Tensor, ac.float64, *watch), calls, rounds, live_bytes)
    assert complaints == []
    gc.collect()
    assert live_bytes() == before


class TestTheFinder:
    def test_objects(self):
        kept = []
        assert "objects" in str(refleak.check(lambda: kept.append([])))

    def test_references(self):
        kept, watched = [], object()
        assert "references to object" in str(refleak.check(lambda: kept.append(watched), [watched]))

    def test_references_that_are_lost(self):
        watched, calls = object(), itertools.count()
        one_more, one_less = (
            ctypes.PYFUNCTYPE(None, ctypes.py_object)((name, ctypes.pythonapi)) for name in ("Py_IncRef", "Py_DecRef")
        )
        for _ in range(1000):
            one_more(watched)

        def lose():
            next(calls)
            one_less(watched)

        complaints = refleak.check(lose, [watched], calls=5, rounds=2)
        for _ in range(1000 - next(calls)):
            one_less(watched)
        assert "-1.00 more" in str(complaints)

    def test_a_counter(self):
        kept = []
        assert "own count" in str(refleak.check(lambda: kept.append(1), counter=lambda: len(kept)))

    @pytest.mark.skipif(refleak._heap_in_use() == 0, reason="the C library does not tell")
    def test_bytes_of_the_heap(self):
        kept = []
        assert "C heap" in str(refleak.check(lambda: kept.append(np.empty(100))))

    def test_tensors(self):
        kept = []
        assert refleak.check(lambda: kept.append(ac.ones(100)))

    def test_what_is_clean(self):
        assert refleak.check(lambda: [object() for _ in range(100)]) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_op(case):
    """Forward, backward, double backward and refused calls of every row."""
    drawn = [sample.draw(case) for sample in case.samples[:3]]
    refused = [error.sample.draw(case) for error in case.errors[:2]]

    def run():
        for plain in drawn:
            inputs = Inputs(ac, *plain)
            outputs = differentiable(tensors_in(case.run(ac, inputs.args, inputs.kwargs)))
            leaves = [each for each in inputs.leaves if each.requires_grad]
            if not outputs or not leaves or case.node == "NotImplemented":
                continue
            total = sum((output * output).sum() for output in outputs)
            first = ac.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
            again = [
                (gradient * gradient).sum() for gradient in first if gradient is not None and gradient.requires_grad
            ]
            if again:
                ac.autograd.grad(sum(again), leaves, allow_unused=True)
        for plain in refused:
            inputs = Inputs(ac, *plain)
            try:
                case.run(ac, inputs.args, inputs.kwargs)
            except Exception:
                pass
            else:
                pytest.fail("not refused")

    with quiet():
        assert_no_leak(run, calls=5)


# ------------------------------------------------------------------ everything else, by name
SCENARIOS = {}


def scenario(build):
    """Adds a function to the table."""
    SCENARIOS[build.__name__] = build
    return build


class Double(ac.autograd.Function):
    """Saves its input and its output."""

    @staticmethod
    def forward(ctx, x, k):
        y = x * k
        ctx.save_for_backward(x, y, None)
        ctx.k = k
        return y

    @staticmethod
    def backward(ctx, g):
        ctx.saved_tensors  # noqa: B018
        return g * ctx.k, None


class Boom(Exception):
    """What hooks and Functions raise here."""


def boom(*args):
    """Raises, as a hook, a forward or a backward."""
    raise Boom


@scenario
def creation():
    for made in (
        ac.tensor(1.5),
        ac.tensor([[1, 2], [3, 4]]),
        ac.tensor([True, False]),
        ac.zeros(3, 4),
        ac.ones(1000),
        ac.full((2,), 3.0),
        ac.eye(3),
        ac.arange(10),
        ac.linspace(0, 1, 7),
        ac.zeros_like(ac.ones(2, 3).t()),
        ac.empty(0, 3),
        ac.Tensor([1, 2]),
    ):
        made.shape, made.stride(), made.dtype, made.tolist(), made.numel()


@scenario
def conversions():
    t = leaf()
    float(t.detach()[0]), int(ac.tensor(3)), bool(ac.tensor(1.0)), len(t), list(t), hash(t), 2.0 in t.detach()
    t.long(), t.bool(), t.to(ac.int64), t.item if False else t.tolist(), f"{ac.tensor(1.5):.2f}", [0, 1][ac.tensor(1)]


@scenario
def printing():
    repr(leaf()), str(ac.arange(2000.0)), repr(leaf() * 2.0), repr(ac.tensor([[1e-8, float("nan")], [1.0, 2.0]]))


@scenario
def arithmetic_with_numbers():
    a = leaf()
    for result in (
        1 + a,
        2 - a,
        3 * a,
        4 / a,
        2**a,
        a**2,
        a // 2,
        7 % a.detach(),
        -a,
        abs(a),
        np.float64(2) * a,
        a > 1,
    ):
        del result
    a = ac.ones(3)
    a += 1
    a *= 2.0
    a -= a
    a /= 3


@scenario
def deep_graph():
    b = a = leaf(1.0)
    for _ in range(200):
        b = b * 1.01 + 0.5
    b.backward(retain_graph=True)
    b.backward()
    a.grad = None


@scenario
def graph_without_backward():
    a = leaf()
    (a.exp() * a.sin() + a.mean()).sum()


@scenario
def accumulation():
    a = leaf()
    for _ in range(3):
        (a * a).sum().backward()
    a.grad.zero_()
    a.grad = ac.ones(3)
    (a * 2.0).sum().backward()
    del a.grad


@scenario
def grad_and_inputs():
    a, b = leaf(), leaf()
    c = a * b
    ac.autograd.grad((c * c).sum(), [a, c], retain_graph=True)
    ac.autograd.grad(c.sum(), [a, leaf()], allow_unused=True, retain_graph=True)
    c.sum().backward(inputs=[a])
    ac.autograd.backward([a.sum(), (b * b).sum()])


@scenario
def higher_order():
    a = leaf()
    value = (a**4).sum()
    for _ in range(3):
        value = ac.autograd.grad(value, a, create_graph=True)[0].sum()


@scenario
def graph_inspection():
    b = leaf() * 2.0
    node = b.sum().grad_fn
    while node is not None:
        node.name(), node.next_functions, repr(node), hash(node)
        following = [n for n, _ in node.next_functions if n is not None]
        node = following[0] if following else None
    b.is_leaf, b._version, b._base, b._is_view(), b.retains_grad, b.requires_grad


@scenario
def hooks():
    a = leaf()
    b = a * 2.0
    a.register_hook(lambda g: g * 2.0)
    handle = b.register_hook(lambda g: None)
    b.register_hook(lambda g: g * 1.0)
    b.retain_grad()
    b.sum().backward(retain_graph=True)
    handle.remove()
    b.sum().backward()
    with b.register_hook(lambda g: g):
        pass


@scenario
def hook_cycles():
    a = leaf()
    a.register_hook(lambda g, held=a: None)


@scenario
def views():
    a = leaf([[1.0, 2.0], [3.0, 4.0]])
    b = a * 1.0
    for view in (
        b.view(4),
        b.t(),
        b[0],
        b[:, 1:],
        b[None, ...],
        b.expand(3, 2, 2),
        b.diagonal(),
        b.as_strided((2,), (1,), 1),
        b.unfold(0, 2, 1),
        *b.unbind(),
        *b.split(1),
        *b.chunk(2, 1),
        b.detach()[0],
        b.flatten(),
    ):
        view.sum().backward(retain_graph=True) if view.requires_grad else view.sum()


@scenario
def indexing():
    a = leaf([[1.0, 2.0], [3.0, 4.0]])
    for index in ([0, 1], ac.tensor([1, 0]), a > 2.0, (slice(None), [0]), (ac.tensor([0]), ac.tensor([1])), True):
        a[index].sum().backward()


@scenario
def in_place():
    a = leaf()
    b = a * 1.0
    b.add_(1.0).mul_(2.0).sin_()
    b[0] = 5.0
    b[b > 1.0] = 0.0
    b[[1]] = a[:1]
    b[1:].mul_(a[1:])
    b.view(3, 1)[2].zero_()
    b.copy_(a.exp())
    b.sum().backward()
    b.detach_()


@scenario
def rebuilt_views():
    a = leaf()
    b = a * 1.0
    v, w = b[1:], b[:2].view(2, 1)
    b.mul_(2.0)
    v.add_(1.0)
    v.grad_fn, w.grad_fn, w.grad_fn.next_functions  # noqa: B018
    (v.sum() + w.sum()).backward()


@scenario
def data_and_resize():
    a = leaf()
    a.data.add_(1.0)
    a.data = ac.ones(3)
    t = ac.ones(3)
    t.resize_(1000)
    t.resize_(2)


@scenario
def stale_saved_tensors():
    b = leaf() * 1.0
    result = b.exp().sum() + b.sin().sum()
    b.add_(1.0)
    with pytest.raises(RuntimeError):
        result.backward()


@scenario
def bans():
    a = leaf()
    b = a * 1.0
    with ac.no_grad():
        v = b[1:]
    for write in (
        lambda: a.add_(1.0),
        lambda: a[0].add_(1.0),
        lambda: b.unbind()[0].add_(1.0),
        lambda: v.add_(1.0),
        lambda: b[:1].detach_(),
        lambda: a.__setitem__(0, 1.0),
        lambda: b.add_(ac.ones(4)),
        lambda: b.requires_grad_(False),
    ):
        with pytest.raises(RuntimeError):
            write()


@scenario
def errors_of_the_engine():
    a = leaf()
    b = (a * a).sum()
    b.backward()
    for call in (
        b.backward,
        a.backward,
        ac.ones(()).backward,
        lambda: a.sum().backward(ac.ones(2)),
        lambda: ac.autograd.grad(a.sum(), leaf()),
        lambda: ac.autograd.grad(a.sum(), []),
        lambda: ac.autograd.backward([a.sum()], [3]),
        lambda: a.numpy(),
        lambda: setattr(a, "grad", ac.ones(4)),
        lambda: copy.deepcopy(a * 1.0),
    ):
        with pytest.raises((RuntimeError, TypeError)):
            call()


@scenario
def errors_of_arguments():
    for call in (
        lambda: ac.tensor([[1.0], [2.0, 3.0]]),
        lambda: ac.tensor([None]),
        lambda: ac.tensor([1.0, "a"]),
        lambda: ac.zeros(-1),
        lambda: ac.zeros(2**62),
        lambda: ac.sin(3.0),
        lambda: ac.ones(3).view(4),
        lambda: ac.ones(3)[5],
        lambda: ac.ones(3)[[5]],
        lambda: ac.ones(3)["a":],
        lambda: ac.cat([ac.ones(2), 3]),
        lambda: ac.stack([ac.ones(2), ac.ones(3)]),
        lambda: ac.ones(3).sum(dim=4),
        lambda: ac.ones(3) + "a",
        lambda: ac.from_numpy(np.zeros(3)[::-1]),
        lambda: ac.frombuffer(bytearray(7), dtype=ac.float64),
        lambda: ac.ones(2, foo=3),
        lambda: float(ac.ones(2)),
    ):
        with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)):
            call()


@scenario
def hooks_that_fail():
    for bad in (boom, lambda g: 3, lambda g: ac.ones(7)):
        a = leaf()
        b = a * a
        b.register_hook(bad)
        with pytest.raises((Boom, TypeError, RuntimeError)):
            (b * b).sum().backward()


@scenario
def function():
    a = leaf()
    y = Double.apply(a, 3.0)
    y.grad_fn.saved_tensors, y.grad_fn.needs_input_grad  # noqa: B018
    ac.autograd.grad(y.sum(), a, create_graph=True)
    y.sum().backward()
    Double.apply(ac.ones(3), 2.0)


@scenario
def functions_that_fail():
    a = leaf()
    for members in (
        {"forward": boom},
        {"forward": lambda ctx, x: x * 1.0, "backward": boom},
        {"forward": lambda ctx, x: x * 1.0, "backward": lambda ctx, g: (g, g)},
        {"forward": lambda ctx, x: x * 1.0, "backward": lambda ctx, g: ac.ones(7)},
        {"forward": lambda ctx, x: x * 1.0},
        {},
    ):
        broken = type("Broken", (ac.autograd.Function,), {key: staticmethod(value) for key, value in members.items()})
        with pytest.raises((Boom, RuntimeError, NotImplementedError)):
            broken.apply(a).sum().backward()


@scenario
def context_cycles():
    class Keep(ac.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.output = x * 2.0
            return ctx.output

        @staticmethod
        def backward(ctx, g):
            return g

    Keep.apply(leaf()).sum()


@scenario
def grad_modes():
    @ac.no_grad()
    def decorated(x):
        return x * 2.0

    with ac.no_grad(), ac.enable_grad(), ac.set_grad_enabled(False):
        decorated(leaf())
    with ac.inference_mode():
        t = leaf() * 2.0
    with pytest.raises(RuntimeError):
        t.add_(1.0)
    with pytest.raises(Boom), ac.no_grad():
        boom()


@scenario
def forward_mode():
    with fw.dual_level():
        d = fw.make_dual(leaf(), ac.ones(3))
        e = (d.exp() * d).sum()
        fw.unpack_dual(e).tangent.backward()
        d2 = fw.make_dual(ac.ones(3), ac.ones(3))
        d2.mul_(ac.ones(3))
        d2[0] = 1.0
        fw.unpack_dual(d2[1:])
        with pytest.raises(RuntimeError):
            fw.make_dual(ac.ones(2), ac.ones(3))
    with pytest.raises(RuntimeError):
        fw.make_dual(ac.ones(2), ac.ones(2))


@scenario
def duals_that_outlive_their_level():
    with fw.dual_level():
        d = fw.make_dual(ac.ones(100), ac.ones(100)) * 2.0
    d * 3.0


@scenario
def numpy_both_ways():
    n = np.ones(5)
    t = ac.from_numpy(n)
    t[1:].numpy(), np.asarray(t), (t * 2.0).numpy(), ac.as_tensor(n), ac.tensor(n), ac.tensor(2.0).numpy()
    ac.frombuffer(bytearray(16), dtype=ac.float64)[1:]


@scenario
def pickles_and_copies():
    a = leaf()
    a.note = "mine"
    a.grad = ac.ones(3)
    pickle.loads(pickle.dumps(a))
    copy.deepcopy(a)
    copy.copy(a)
    pickle.loads(pickle.dumps(ac.arange(6).view(2, 3).t()))


@scenario
def attributes():
    a = leaf()
    a.note = [1, 2, 3]
    vars(a)
    del a.note
    a.me = a


@scenario
def user_subgraphs():
    """Re-entrance: a backward in a hook, in a backward."""
    a = leaf()
    b = a * 2.0

    def hook(g):
        with ac.enable_grad():
            inner = leaf()
            (inner * inner).sum().backward()
        return g + inner.grad

    b.register_hook(hook)
    b.sum().backward()


@scenario
def losses():
    a = leaf([0.2, 0.7, 0.4])
    ac.nn.BCELoss()(a, ac.ones(3)).backward()
    ac.nn.functional.mse_loss(a, ac.zeros(3)).backward()
    with pytest.raises(RuntimeError):
        ac.nn.functional.binary_cross_entropy(a * 10.0, ac.ones(3))


@scenario
def large_tensors():
    a = leaf(np.ones(100_000))
    (a.exp() * a).sum().backward()


@pytest.mark.parametrize("run", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_scenario(run):
    with quiet():
        assert_no_leak(run, calls=10)


# ------------------------------------------------------------------ cycles that torch leaks
@pytest.mark.skipif(IS_TORCH, reason="deviation: torch leaks these cycles")
class TestCycles:
    def test_hook_over_its_own_tensor(self):
        def run():
            b = result = leaf() * 2.0
            for _ in range(5):
                result = result + 1.0
            b.register_hook(lambda g, held=result: None)

        assert_no_leak(run)

    def test_create_graph_on_a_leaf(self):
        def run():
            a = leaf()
            (a * a).sum().backward(create_graph=True)

        with quiet():
            assert_no_leak(run)

    def test_in_place_with_itself(self):
        def run():
            b = leaf() * 1.0
            b[0] = b[1] * b[2]
            c = leaf() * 1.0
            c.mul_(c.view(3))

        assert_no_leak(run)

    def test_results_as_attributes(self):
        def run():
            a = leaf()
            a.result = (a * 2.0) + 1.0
            a.grad = ac.ones(3)
            a.grad.owner = a

        assert_no_leak(run)


# ------------------------------------------------------------------ references and threads
def test_references_of_arguments():
    """No call keeps or loses a reference to what it was given."""
    array, sequence, hook, number = np.ones(3), [1.0, 2.0, 3.0], lambda g: None, 12345.678
    size, index, t = (3, 1), slice(0, 2), ac.ones(3)

    def run():
        ac.tensor(array), ac.from_numpy(array), ac.as_tensor(array)
        a = leaf(sequence)
        a.register_hook(hook).remove()
        b = (a * t + number).view(size)
        b[index].sum().backward()
        t.view(size)[index].add_(number)
        for call in (lambda: t.view(hook), lambda: t + sequence, lambda: t[hook], lambda: ac.cat([t, sequence])):
            with pytest.raises((TypeError, IndexError)):
                call()

    with quiet():
        assert_no_leak(run, watch=(array, sequence, hook, number, size, index, t))


def test_threads():
    a = leaf(np.ones(50))

    def work():
        for _ in range(5):
            (a * 2.0).sum().backward()
            b = a.exp()
            b.register_hook(boom)
            with pytest.raises(Boom):
                b.sum().backward()

    assert_no_leak(lambda: in_threads(work, work), calls=8)


def test_memory_of_a_steady_loop_is_reused():
    """A training step allocates what the last one has freed: the pool does not grow."""
    a = leaf(np.ones(10_000))

    def step():
        a.grad = None
        ((a * a).exp() * 1e-3).mean().backward()
        with ac.no_grad():
            a.sub_(a.grad * 1e-3)

    for _ in range(20):
        step()
    gc.collect()
    before, blocks = live_bytes(), sys.getallocatedblocks()
    for _ in range(200):
        step()
    gc.collect()
    assert live_bytes() == before
    assert sys.getallocatedblocks() - blocks < 200
