"""Gradients of large tensors, which the engine computes together (Note [Batches]): what anybody sees is as if they
were computed one after the other, which anomaly mode does.
"""

import gc
import weakref

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import leaf, quiet, raises, weights

SIZES = [(1 << 16,), ((1 << 16) + 1,), (300, 301)]

# A few functions of two large tensors: chains, values used twice and thrice, numbers, branches.
FUNCTIONS = {
    "chain": lambda a, b: ac.tanh(ac.exp(a) * b + a).mean(),
    "product": lambda a, b: (a * b).sum(),
    "twice": lambda a, b: (ac.sin(a * b) * ac.cos(a * b) - a * a).sum(),
    "shared": lambda a, b: (lambda t: (t * t * ac.sigmoid(t) + t / b).sum())(ac.exp(a * 0.5)),
    "long": lambda a, b: ac.log(ac.sqrt(ac.exp(ac.sin(ac.tanh(ac.cos(ac.sin(ac.exp(a * 0.1)))))) + b) * 3.0).sum(),
    "wide": lambda a, b: sum(ac.sin(a * (0.1 * k)) * ac.cos(b + k) for k in range(9)).sum(),
    "ends": lambda a, b: (ac.exp(a) * ac.cumsum(ac.sin(b), 0) + ac.cumsum(ac.exp(b), 0)).sum(),
    "broadcast": lambda a, b: (ac.exp(a) * b.sum() + a[:1] * b).sum(),
    "passed on": lambda a, b: (a + b + (a + b) + a).sum(),
    "clamped": lambda a, b: (ac.clamp(a * 2.0, 0.5, 2.0) * ac.maximum(a, b) - ac.relu(a - b)).mean(),
}


CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def arrays(shape):
    return weights(shape, 1), weights(shape, 2)


def gradients(function, shape, *, one_by_one=False):
    a, b = (leaf(values) for values in arrays(shape))
    with quiet(), ac.autograd.set_detect_anomaly(one_by_one):
        function(a, b).backward()
    return to_numpy(a.grad), to_numpy(b.grad)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_bits_are_those_of_one_after_the_other(function, shape):
    for found, expected in zip(gradients(function, shape), gradients(function, shape, one_by_one=True), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"clamped"}))  # which has kinks
def test_against_differences(name):
    """Along one direction, which tells a gradient that is wrong anywhere."""
    function, shape = FUNCTIONS[name], SIZES[0]
    a, b = arrays(shape)
    along = np.random.default_rng(3).normal(size=shape), np.random.default_rng(4).normal(size=shape)

    def value(step):
        return function(*(ac.tensor(x + step * d) for x, d in zip((a, b), along, strict=True))).item()

    slope = (8.0 * (value(1e-5) - value(-1e-5)) - (value(2e-5) - value(-2e-5))) / 12e-5
    found = sum((g * d).sum() for g, d in zip(gradients(function, shape), along, strict=True))
    assert found == pytest.approx(slope, rel=1e-5, abs=1e-4)


@pytest.mark.skipif(IS_TORCH, reason="torch's sums depend on the number of threads")
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_any_number_of_threads(function):
    before = ac.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            ac.set_num_threads(threads)
            results.append(gradients(function, (400, 401)))
    finally:
        ac.set_num_threads(before)
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(found, expected)


class TestWhoLooks:
    """Whoever looks at a gradient between two nodes, or right after the pass, sees it computed."""

    shape = SIZES[0]

    def graph(self):
        a, b = (leaf(values) for values in arrays(self.shape))
        c = ac.exp(a)
        d = c * b
        return a, b, c, d, (ac.sin(d) * c).sum()

    def expected(self):
        """The gradients of a, b, c and d."""
        x, y = arrays(self.shape)
        c = np.exp(x)
        d = np.cos(c * y) * c
        dc = np.sin(c * y) + d * y
        return dc * c, d * c, dc, d

    def test_hooks(self):
        a, b, c, d, loss = self.graph()
        seen = {}
        for name, tensor in zip("abcd", (a, b, c, d), strict=True):
            tensor.register_hook(lambda g, name=name: seen.update({name: to_numpy(g).copy()}))
        loss.backward()
        for name, expected in zip("abcd", self.expected(), strict=True):
            np.testing.assert_allclose(seen[name], expected, **CLOSE)

    def test_a_hook_that_changes_a_gradient(self):
        a, b, _, d, loss = self.graph()
        d.register_hook(lambda g: 0.0 * g)
        loss.backward()
        x, y = arrays(self.shape)
        np.testing.assert_allclose(to_numpy(a.grad), np.sin(np.exp(x) * y) * np.exp(x), **CLOSE)
        assert not b.grad.any()

    def test_a_hook_after_the_leaf(self):
        a, b, _, _, loss = self.graph()
        seen = []
        b.register_post_accumulate_grad_hook(lambda leaf: seen.append(to_numpy(leaf.grad).copy()))
        loss.backward()
        np.testing.assert_allclose(seen[0], self.expected()[1], **CLOSE)
        np.testing.assert_allclose(to_numpy(a.grad), self.expected()[0], **CLOSE)

    def test_retained_gradients(self):
        _, _, c, d, loss = self.graph()
        c.retain_grad()
        d.retain_grad()
        loss.backward()
        np.testing.assert_allclose(to_numpy(c.grad), self.expected()[2], **CLOSE)
        np.testing.assert_allclose(to_numpy(d.grad), self.expected()[3], **CLOSE)

    def test_grad_of_what_lies_between(self):
        tensors = self.graph()
        found = ac.autograd.grad(tensors[-1], tensors[:-1])
        for g, expected in zip(found, self.expected(), strict=True):
            np.testing.assert_allclose(to_numpy(g), expected, **CLOSE)

    def test_the_gradients_of_leaves_that_are_complete(self):
        """A hook finds the gradient of a leaf that was complete before, though the batch ended in another way."""
        a, row = leaf(weights(self.shape, 1)), ac.tensor(weights((1, *self.shape), 2))
        b = leaf(weights((1, *self.shape), 3))
        r = ac.exp(a)
        seen = []
        r.register_hook(lambda g: seen.append(b.grad is not None and to_numpy(b.grad).copy()))
        (ac.sin(r * row) * b).sum().backward()
        np.testing.assert_allclose(seen[0], np.sin(np.exp(weights(self.shape, 1)) * to_numpy(row)), **CLOSE)

    def test_in_inference_mode(self):
        a, b, _, _, loss = self.graph()
        with ac.inference_mode():
            loss.backward()
        assert a.grad.is_inference()
        np.testing.assert_allclose(to_numpy(a.grad), self.expected()[0], **CLOSE)
        np.testing.assert_allclose(to_numpy(b.grad), self.expected()[1], **CLOSE)

    def test_gradients_are_added_to_those_there_are(self):
        a, b, _, _, loss = self.graph()
        loss.backward(retain_graph=True)
        loss.backward()
        np.testing.assert_allclose(to_numpy(a.grad), 2.0 * self.expected()[0], **CLOSE)
        np.testing.assert_allclose(to_numpy(b.grad), 2.0 * self.expected()[1], **CLOSE)

    def test_a_backward_within(self):
        """A hook that runs another backward of this kind."""
        a, b, _, d, loss = self.graph()
        other = leaf(weights(self.shape, 7))

        def hook(g):
            with ac.enable_grad():
                (ac.exp(other) * ac.sin(other)).sum().backward()

        d.register_hook(hook)
        loss.backward()
        x = weights(self.shape, 7)
        np.testing.assert_allclose(to_numpy(other.grad), np.exp(x) * (np.sin(x) + np.cos(x)), **CLOSE)
        np.testing.assert_allclose(to_numpy(a.grad), self.expected()[0], **CLOSE)
        np.testing.assert_allclose(to_numpy(b.grad), self.expected()[1], **CLOSE)

    def test_a_custom_function_between(self):
        seen = []

        class Twice(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return 2.0 * x

            @staticmethod
            def backward(ctx, g):
                seen.append(to_numpy(g).copy())
                return 2.0 * g

        a = leaf(weights(self.shape, 1))
        ac.exp(Twice.apply(ac.sin(a))).sum().backward()
        x = weights(self.shape, 1)
        np.testing.assert_allclose(seen[0], np.exp(2.0 * np.sin(x)), **CLOSE)
        np.testing.assert_allclose(to_numpy(a.grad), 2.0 * np.exp(2.0 * np.sin(x)) * np.cos(x), **CLOSE)

    def test_the_graph_is_kept(self):
        """What was saved is as it was after a first backward, which may use dead memory again."""
        a, _, _, _, loss = self.graph()
        for _ in range(3):
            a.grad = None
            loss.backward(retain_graph=True)
            np.testing.assert_allclose(to_numpy(a.grad), self.expected()[0], **CLOSE)

    def test_the_collector(self):
        """Whoever looks at all objects when a collection comes in the middle finds none that is not computed."""
        seen = []

        def look(phase, info):
            if phase == "stop":
                tensors = [o for o in gc.get_objects() if type(o) is ac.Tensor and o.numel() == self.shape[0]]
                seen.append([float(t.detach()[-1]) for t in tensors])

        a, b, c, d, loss = self.graph()
        references = [weakref.ref(t, lambda _: gc.collect()) for t in (c, d)]
        del c, d
        gc.callbacks.append(look)
        try:
            loss.backward()
        finally:
            gc.callbacks.remove(look)
        assert seen
        assert [r() for r in references] == [None, None]
        np.testing.assert_allclose(to_numpy(a.grad), self.expected()[0], **CLOSE)
        np.testing.assert_allclose(to_numpy(b.grad), self.expected()[1], **CLOSE)

    def test_values_that_somebody_has_stay(self):
        a, b = (leaf(values) for values in arrays(self.shape))
        kept = [ac.exp(a)]
        for _ in range(6):
            kept.append(ac.sin(kept[-1]) * b)
        before = [to_numpy(t).copy() for t in kept]
        kept[-1].sum().backward()
        for tensor, values in zip(kept, before, strict=True):
            np.testing.assert_array_equal(to_numpy(tensor), values)

    def test_a_view_keeps_the_memory(self):
        a = leaf(weights(self.shape, 1))
        t = ac.exp(a)
        part, values = t.detach()[5:], np.exp(weights(self.shape, 1))[5:]
        loss = (ac.sin(ac.tanh(t)) * ac.cos(ac.sigmoid(t))).sum()
        del t
        loss.backward()
        np.testing.assert_allclose(to_numpy(part), values, **CLOSE)


class TestErrors:
    shape = SIZES[0]

    def test_a_saved_tensor_that_was_changed(self):
        a = leaf(weights(self.shape, 1))
        b = leaf(weights(self.shape, 2))
        t = ac.exp(a)
        loss = (ac.sin(t) * b).sum()
        t.mul_(2.0)
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            loss.backward()
        # What was complete before is there, and right.
        np.testing.assert_allclose(to_numpy(b.grad), np.sin(np.exp(weights(self.shape, 1))), **CLOSE)
        assert a.grad is None

    def test_a_function_that_fails(self):
        class Fails(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1.0

            @staticmethod
            def backward(ctx, g):
                raise ValueError("no")

        a, b = (leaf(values) for values in arrays(self.shape))
        with raises(ValueError, "no"):
            (ac.exp(Fails.apply(a)) * b).sum().backward()
        np.testing.assert_allclose(to_numpy(b.grad), np.exp(arrays(self.shape)[0]), **CLOSE)
        assert a.grad is None

    @pytest.mark.skipif(IS_TORCH, reason="has no limit of memory")
    def test_no_memory(self):
        a, b = (leaf(values) for values in arrays(self.shape))
        loss = (1.5 * (a * b)).sum()
        ac.memory.empty_cache()
        ac.memory.set_limit(ac.memory.stats().in_use + 1000)
        try:
            with raises(MemoryError, contains="memory limit reached"):
                loss.backward()
        finally:
            ac.memory.set_limit(None)
        assert a.grad is None
        assert b.grad is None
        found = gradients(lambda a, b: (1.5 * (a * b)).sum(), self.shape)
        np.testing.assert_array_equal(found[1], 1.5 * arrays(self.shape)[0])


@pytest.mark.skipif(IS_TORCH, reason="the pool's own figures")
def test_what_lies_between_takes_no_memory():
    """Backward of a chain takes memory for the gradient of the leaf alone, or none: that of a saved tensor."""
    a = leaf(weights((1 << 18,), 1))
    y = ac.sin(ac.tanh(ac.cos(ac.exp(ac.sigmoid(a))))).sum()
    ac.memory.empty_cache()
    before = ac.memory.stats()
    ac.memory.reset_peak()
    y.backward()
    assert ac.memory.stats().peak <= before.in_use + 8 * (1 << 18) + 4096
    np.testing.assert_array_equal(a.grad.shape, a.shape)
