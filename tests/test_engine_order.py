"""The order in which the engine runs nodes, the edges that it follows, and where it adds gradients in place."""

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    chain,
    gradient,
    leaf,
    order_of,
)

grad = ac.autograd.grad


class TestOrder:
    def test_a_leaf_accumulates_as_soon_as_it_is_complete(self):
        """mul2(mul1(a, b), w): mul2, w, mul1, a, b."""
        a, b, w = leaf(3.0), leaf(5.0), leaf(2.0)
        product = a * b
        result = product * w
        order = order_of(a=a, b=b, w=w, product=product, result=result)
        result.backward()
        assert order == ["result", "w", "product", "a", "b"]

    def test_later_nodes_run_first(self):
        a = leaf()
        b = a * 2.0
        one, two = b * 3.0, b * 4.0
        result = (one + two).sum()
        order = order_of(a=a, b=b, one=one, two=two, result=result)
        result.backward()
        assert order == ["result", "two", "one", "b", "a"]

    def test_a_node_waits_for_all_its_gradients(self):
        """The short way from the result back to b is done long before the long one."""
        a = leaf(2.0)
        b = a * 3.0
        result = b * chain(b, 50)
        seen = []
        b.register_hook(lambda g: seen.append(g.item()))
        result.backward()
        assert seen == [6.0 + 56.0]
        assert a.grad.item() == 3 * 62.0

    def test_order_does_not_depend_on_the_roots(self):
        a = leaf(2.0)
        one = a * 2.0
        two = a * 3.0
        order = order_of(one=one, two=two)
        ac.autograd.backward([one, two])
        assert order == ["two", "one"]


class TestEdgesThatNobodyFollowedYet:
    """What happens to a leaf between recording and backward counts as if its node had been there all along."""

    def test_hook(self):
        a = leaf([1.0, 2.0, 3.0])
        b = (a * a).sum()
        a.register_hook(lambda g: 2.0 * g)
        b.backward()
        np.testing.assert_array_equal(to_numpy(a.grad), [4.0, 8.0, 12.0])

    def test_data_of_other_sizes(self):
        a = leaf([1.0])
        b = (a * ac.ones(3)).sum()
        a.data = ac.tensor(5.0)
        b.backward()
        np.testing.assert_array_equal(to_numpy(a.grad), 3.0)

    def test_no_gradient_asked_for_any_more(self):
        a, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        b = (a * 2.0 + w).sum()
        a.requires_grad_(False)
        b.backward()
        np.testing.assert_array_equal(to_numpy(w.grad), [1.0, 1.0])

    def test_the_leaf_is_a_result_now(self):
        a, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        b = (a + 5.0).sum()
        a.requires_grad_(False)
        a.mul_(w)
        np.testing.assert_array_equal(gradient(a.sum() + b, w), [1.0, 2.0])

    def test_the_node_of_an_older_graph_is_the_same(self):
        a, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        one, two = a * w, w * a
        one.sum().backward(retain_graph=True)
        (a1, w1), (w2, a2) = ([to for to, _ in r.grad_fn.next_functions] for r in (one, two))
        assert a1 is a2
        assert w1 is w2
        assert a1.variable is a

    def test_inputs_are_found(self):
        a, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        b = (a * w).sum()
        np.testing.assert_array_equal(gradient(b, w), [1.0, 2.0])
        assert a.grad is None


class TestGradientsAddedInPlace:
    """An elementwise node adds to the gradient that its input already has, if nobody else knows that one."""

    @staticmethod
    def values(size):
        return np.linspace(0.5, 2.0, int(np.prod(size))).reshape(size)

    @pytest.mark.parametrize("size", [(), (3,), (700,), (2, 0), (30, 41)], ids=str)
    def test_every_kind_of_use(self, size):
        """One and two tensors, what passes the gradient on, both inputs the same: on one leaf, in one graph."""
        v = self.values(size)
        a, b = leaf(v), leaf(v + 1.0)
        (a * b + a.exp() + a + b / a - a * a + (a + b) * a + ac.sin(b)).sum().backward()
        np.testing.assert_allclose(to_numpy(a.grad), 2 * v + 3 + np.exp(v) - (v + 1) / v**2, rtol=1e-14, atol=1e-14)
        np.testing.assert_allclose(to_numpy(b.grad), 2 * v + 1 / v + np.cos(v + 1), rtol=1e-14, atol=1e-14)

    def test_what_hooks_were_shown_stays(self):
        a = leaf([1.0, 2.0, 3.0])
        seen = []
        b = a * 2.0
        b.register_hook(seen.append)
        c = b * 3.0
        c.register_hook(seen.append)
        (c + b * b).sum().backward()
        assert [g.tolist() for g in seen] == [[1.0] * 3, [7.0, 11.0, 15.0]]

    def test_a_retained_gradient_stays(self):
        a = leaf([1.0, 2.0])
        b, c = a * 2.0, a * 3.0
        b.retain_grad()
        c.retain_grad()
        (b * c + c * a).sum().backward()
        assert b.grad.tolist() == [3.0, 6.0]
        assert c.grad.tolist() == [3.0, 6.0]
        assert a.grad.tolist() == [18.0, 36.0]

    def test_a_gradient_that_two_inputs_got_from_one_node_stays(self):
        class Twice(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                return x + y

            @staticmethod
            def backward(ctx, g):
                both = g * 2.0
                return both, both

        a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        p, q = a * 1.0, b * 1.0
        (p * 5.0 + Twice.apply(p, q) + q * 7.0).sum().backward()
        assert a.grad.tolist() == [7.0, 7.0]
        assert b.grad.tolist() == [9.0, 9.0]

    def test_a_gradient_that_somebody_keeps_stays(self):
        kept = []

        class Keeps(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2.0

            @staticmethod
            def backward(ctx, g):
                kept.append(g * 2.0)
                return kept[-1]

        a = leaf([1.0, 2.0])
        p = a * 1.0
        (p * 3.0 + Keeps.apply(p)).sum().backward()
        assert kept[0].tolist() == [2.0, 2.0]
        assert a.grad.tolist() == [5.0, 5.0]

    @pytest.mark.parametrize("change", [lambda t: t.t(), lambda t: t.t().contiguous().t(), lambda t: t[:, :1]])
    def test_operands_that_lie_otherwise(self, change):
        v = self.values((5, 5))
        a, w = leaf(v), ac.tensor(v + 1.0)
        (a * change(w) + a * 2.0 + a.exp() + change(a) * a).sum().backward()
        b = leaf(v)
        parts = [(b * change(w)).sum(), (b * 2.0).sum(), b.exp().sum(), (change(b) * b).sum()]
        np.testing.assert_allclose(to_numpy(a.grad), sum(gradient(p, b) for p in parts), rtol=1e-14)

    def test_second_derivatives_of_what_was_added(self):
        a = leaf([0.5, 2.0])
        (first,) = grad((a * a * a + a * a).sum(), a, create_graph=True)
        np.testing.assert_array_equal(gradient(first.sum(), a), [5.0, 14.0])

    def test_an_integer_operand(self):
        a = leaf([1.0, 2.0])
        (a * ac.tensor([2, 3]) + a * 5.0 + a * ac.tensor([True, False])).sum().backward()
        assert a.grad.tolist() == [8.0, 8.0]
