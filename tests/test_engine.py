"""The engine: what backward and grad compute, on how deep a graph, in how many threads (the order: test_engine_order).

Formulas are not the subject here (cases/ has them): the graphs are made of products and sums.
"""

import gc

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    SECOND_BACKWARD,
    gradient,
    leaf,
    next_names,
    node_name,
    order_of,
    quiet,
    raises,
    unchanged,
)

grad = ac.autograd.grad


class TestBackward:
    def test_accumulates_in_place(self):
        a = leaf()
        (a * 2.0).sum().backward()
        first = a.grad
        assert a.grad is first
        (a * 3.0).sum().backward()
        assert a.grad is first
        assert first.tolist() == [5.0] * 3
        assert not first.requires_grad
        assert first.is_leaf

    def test_accumulates_into_an_assigned_gradient(self):
        a = leaf()
        mine = ac.ones(3)
        a.grad = mine
        a.sum().backward()
        assert mine.tolist() == [2.0] * 3

    def test_scalar_gradients_that_hooks_keep_stay_as_they_were(self):
        """A 0-d gradient may be overwritten by the next one, but not before everybody else's eyes."""
        kept, seen, results = [], [], []
        for keep in (True, False):
            x = ac.tensor(0.7, requires_grad=True)
            y = x
            for _ in range(4):
                y = (y * 3.0).sin() * x
                y.register_hook(lambda g, keep=keep: kept.append(g) if keep else None)
                y.register_hook(lambda g, keep=keep: seen.append(g.item()) if keep else None)
            (y * y).backward()
            results.append(x.grad.item())
        assert [g.item() for g in kept] == seen
        assert results[0] == results[1]

    @pytest.mark.parametrize("wanted", [("a",), ("b",), ("a", "b"), ("c", "a"), ("c", "b", "a")])
    def test_scalar_gradients_on_all_ways_through_a_graph(self, wanted):
        """Each order in which gradients are made from another, added to others and handed out."""
        leaves = {name: ac.tensor(value, requires_grad=True) for name, value in zip("ab", (0.8, -1.3), strict=True)}
        a, b = leaves["a"], leaves["b"]
        leaves["c"] = c = a * b
        y = c * c - (c / b) * (a - 2) * 3 + c.exp() * (2 - c)
        found = grad(y, [leaves[name] for name in wanted], retain_graph=True)
        p, q = 0.8, -1.3
        dc = 2 * p * q - (p - 2) * 3 / q + np.exp(p * q) * (1 - p * q)
        exact = {"c": dc, "a": dc * q - 3 * p, "b": dc * p + 3 * p * (p - 2) / q}
        for name, value in zip(wanted, found, strict=True):
            assert value.item() == pytest.approx(exact[name], rel=1e-13)
        assert grad(y, [leaves[name] for name in wanted])[0].item() == found[0].item()

    def test_never_writes_into_the_gradient_it_was_given(self):
        a, b = leaf(), leaf()
        given = ac.ones(3)
        for _ in range(2):
            (a + b).backward(given)
            a.backward(given)
        assert given.tolist() == [1.0] * 3
        assert a.grad.tolist() == [4.0] * 3
        assert b.grad.tolist() == [2.0] * 3

    def test_two_leaves_never_share_a_gradient(self):
        a, b = leaf(), leaf()
        (a + b).sum().backward()
        assert a.grad.data_ptr() != b.grad.data_ptr()
        a.grad.add_(1.0)
        assert b.grad.tolist() == [1.0] * 3

    def test_gradient_of_an_expanded_result_is_dense(self):
        a = leaf()
        a.sum().backward()
        assert a.grad.stride() == (1,)
        a.grad.mul_(2.0)
        assert a.grad.tolist() == [2.0] * 3

    @pytest.mark.parametrize("given", [(1.0, 2.0, 3.0), None])
    def test_gradient_argument(self, given):
        a = leaf()
        result = a * 2.0 if given else (a * 2.0).sum()
        result.backward(gradient=None if given is None else ac.tensor(given))
        assert a.grad.tolist() == [2.0 * g for g in given or (1.0, 1.0, 1.0)]

    def test_gradient_of_another_layout(self):
        a = leaf([[1.0, 2.0], [3.0, 4.0]])
        (a * 2.0).backward(ac.tensor([[1.0, 2.0], [3.0, 4.0]]).t())
        assert a.grad.tolist() == [[2.0, 6.0], [4.0, 8.0]]
        a.grad = None
        (a * 2.0).backward(ac.ones(1).expand(2, 2))
        assert a.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]

    def test_on_a_leaf(self):
        a = leaf(2.0)
        a.backward()
        assert a.grad.item() == 1.0
        a.backward(ac.tensor(5.0))
        assert a.grad.item() == 6.0

    def test_on_nothing(self):
        a = leaf([])
        a.sum().backward()
        assert tuple(a.grad.shape) == (0,)

    def test_several_roots(self):
        a, b = leaf(2.0), leaf(3.0)
        ac.autograd.backward([a * b, a * a], [ac.tensor(10.0), None])
        assert a.grad.item() == 34.0
        assert b.grad.item() == 20.0

    def test_a_root_inside_the_graph_of_another(self):
        a = leaf(2.0)
        b = a * a
        c = b * a
        ac.autograd.backward([c, b])
        assert a.grad.item() == 3 * 4.0 + 2 * 2.0

    def test_the_same_root_twice(self):
        a = leaf(2.0)
        b = a * a
        ac.autograd.backward([b, b], [ac.tensor(1.0), ac.tensor(10.0)])
        assert a.grad.item() == 44.0

    def test_no_roots(self):
        ac.autograd.backward([])

    def test_constants_get_nothing(self):
        a, constant = leaf(), ac.ones(3)
        (a * constant).sum().backward()
        assert constant.grad is None

    def test_a_leaf_that_no_longer_requires_grad_gets_nothing(self):
        a = leaf()
        b = a * 2.0
        a.requires_grad_(False)
        b.sum().backward()
        assert a.grad is None

    def test_a_graph_outlives_its_tensors(self):
        b = leaf().exp()
        accumulate = b.grad_fn.next_functions[0][0]
        gc.collect()
        b.sum().backward()
        np.testing.assert_allclose(to_numpy(accumulate.variable.grad), np.exp([1.0, 2.0, 3.0]), rtol=1e-15)

    def test_broadcast_gradients_are_summed(self):
        a, b = leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), leaf()
        (a * b).sum().backward()
        assert a.grad.tolist() == [[1.0, 2.0, 3.0]] * 2
        assert b.grad.tolist() == [5.0, 7.0, 9.0]


class TestGrad:
    def test_returns_a_tuple_and_leaves_grad_alone(self):
        a = leaf()
        found = grad((a * a).sum(), a)
        assert isinstance(found, tuple)
        assert found[0].tolist() == [2.0, 4.0, 6.0]
        assert a.grad is None

    def test_intermediate_and_leaf(self):
        a = leaf()
        b = a * a
        found = gradient((b * b).sum(), b, a)
        np.testing.assert_array_equal(found[0], [2.0, 8.0, 18.0])
        np.testing.assert_array_equal(found[1], [4.0, 32.0, 108.0])

    def test_the_same_input_twice(self):
        a = leaf(3.0)
        assert [g.item() for g in grad(a * a, [a, a])] == [6.0, 6.0]

    def test_input_is_the_output(self):
        a = leaf(3.0)
        b = a * a
        assert grad(b, b)[0].item() == 1.0
        assert grad(a, a)[0].item() == 1.0
        assert [g.item() for g in grad(b, [a, b])] == [6.0, 1.0]

    def test_several_outputs(self):
        a = leaf()
        np.testing.assert_array_equal(
            gradient([a * 2.0, (a * a).sum()], a, grad_outputs=(ac.ones(3), None)), [4.0, 6.0, 8.0]
        )

    def test_unused(self):
        a, b = leaf(), leaf()
        sentence = "The differentiated Tensor at index 1 appears to not have been used in the graph."
        with unchanged(a, b), raises(RuntimeError, sentence):
            grad(a.sum(), [a, b])
        assert grad(a.sum(), [a, b], allow_unused=True)[1] is None
        assert grad(a.sum(), b, materialize_grads=True)[0].tolist() == [0.0] * 3
        with raises(ValueError, "Expected allow_unused to be True or not passed when materialize_grads=True"):
            grad(a.sum(), b, materialize_grads=True, allow_unused=False)

    def test_reverse_of_reverse(self):
        """The gradient is linear in grad_outputs, and differentiable in it."""
        a, v = leaf(), leaf([1.0, 1.0, 1.0])
        (pulled,) = grad(a * a, a, v, create_graph=True)
        found = gradient(pulled, v, grad_outputs=ac.tensor([1.0, 10.0, 100.0]))
        np.testing.assert_array_equal(found, [2.0, 40.0, 600.0])

    def test_does_not_run_what_it_does_not_need(self):
        a, b = leaf(), leaf()
        order = order_of(b=b)
        shared = a * 2.0
        unneeded = b * 3.0
        grad((shared + unneeded).sum(), a)
        assert order == []

    def test_stops_at_the_input(self):
        a = leaf()
        b = a * 2.0
        order = order_of(a=a)
        grad((b * b).sum(), b)
        assert order == []


class TestTheGradientOfASum:
    """It is expanded: one number with strides of 0, which can be used, viewed, kept and exported like any tensor."""

    @pytest.fixture(params=[(3,), (2, 3), (1, 4)], ids=str)
    def gradient_of_sum(self, request):
        b = leaf(np.ones(request.param)) * 2.0
        (g,) = grad(b.sum(), b, grad_outputs=ac.tensor(6.0))
        assert g.stride() == (0,) * len(request.param)
        return g

    def test_value(self, gradient_of_sum):
        g = gradient_of_sum
        expected = np.full(tuple(g.shape), 6.0)
        np.testing.assert_array_equal(to_numpy(g), expected)
        assert g.tolist() == g.clone().tolist() == g.contiguous().tolist() == expected.tolist()
        assert not g.is_contiguous()
        assert g.contiguous().is_contiguous()
        assert repr(g) == repr(ac.tensor(expected.tolist()))

    def test_operations(self, gradient_of_sum):
        g = gradient_of_sum
        expected = np.full(tuple(g.shape), 6.0)
        assert (g + g.clone()).tolist() == (expected + expected).tolist()
        assert (g * 2.0).tolist() == (2.0 * expected).tolist()
        assert ac.exp(g).tolist() == ac.exp(g.clone()).tolist()
        assert g.sum().item() == expected.sum()

    def test_views(self, gradient_of_sum):
        g = gradient_of_sum
        part = g[..., 1:]
        assert part.tolist() == np.full(tuple(part.shape), 6.0).tolist()
        assert g.unsqueeze(0).tolist() == [g.tolist()]
        assert part.data_ptr() == g.data_ptr()
        assert g.tolist() == np.full(tuple(g.shape), 6.0).tolist()

    def test_is_not_written_to(self, gradient_of_sum):
        with raises(RuntimeError, contains="single memory location"):
            gradient_of_sum.mul_(2.0)

    def test_of_no_elements(self):
        x = leaf(np.ones((0, 3)))
        assert gradient(x.sum(), x).shape == gradient(x.mean(), x).shape == (0, 3)


class TestInputs:
    def test_only_these_leaves(self):
        a, b = leaf(2.0), leaf(3.0)
        (a * b).backward(inputs=[a])
        assert a.grad.item() == 3.0
        assert b.grad is None

    @pytest.mark.parametrize("wrap", [lambda t: t, lambda t: [t], lambda t: (t, t)])
    def test_one_tensor_or_a_sequence(self, wrap):
        a = leaf(2.0)
        (a * a).backward(inputs=wrap(a))
        assert a.grad.item() == 4.0

    def test_a_result_is_given_a_gradient(self):
        a = leaf(2.0)
        b = a * a
        (b * b).backward(inputs=[b])
        assert b.grad.item() == 8.0
        assert b.retains_grad
        assert a.grad is None

    def test_unused_input_is_ignored(self):
        a, b = leaf(2.0), leaf(3.0)
        (a * a).backward(inputs=[b])
        assert a.grad is None
        assert b.grad is None

    def test_intermediate_and_leaf(self):
        a = leaf(2.0)
        b = a * a
        (b * b).backward(inputs=[a, b])
        assert (a.grad.item(), b.grad.item()) == (32.0, 8.0)


class TestRetainGraph:
    @pytest.mark.parametrize(
        "op",
        [
            lambda a: a * a,
            lambda a: a / 2.0,
            lambda a: a.sin(),
            lambda a: a.exp(),
            lambda a: a**2,
            lambda a: a.tanh(),
            lambda a: a @ a,
            lambda a: a.clamp(0.0, 1.0),
            lambda a: ac.maximum(a, a),
        ],
    )
    def test_saved_values_are_freed(self, op):
        a = leaf()
        result = op(a).sum()
        result.backward()
        before = a.grad.tolist()
        with raises(RuntimeError, SECOND_BACKWARD):
            result.backward()
        assert a.grad.tolist() == before

    @pytest.mark.parametrize(
        "op",
        [
            lambda a: a + a,
            lambda a: a - 1.0,
            lambda a: -a,
            lambda a: a.sum(),
            lambda a: a.mean(),
            lambda a: a.clone(),
            lambda a: a.view(3, 1),
            lambda a: a[1:],
            lambda a: a.expand(2, 3),
            lambda a: ac.cat([a, a]),
            lambda a: ac.stack([a, a]),
        ],
    )
    def test_what_saves_nothing_can_run_again(self, op):
        a = leaf()
        result = op(a).sum()
        result.backward()
        first = a.grad.clone()
        result.backward()
        np.testing.assert_array_equal(to_numpy(a.grad), 2 * to_numpy(first))

    def test_retained(self):
        a = leaf(3.0)
        result = a * a
        for count in (1, 2, 3):
            result.backward(retain_graph=True)
            assert a.grad.item() == 6.0 * count
        result.backward()
        with raises(RuntimeError, SECOND_BACKWARD):
            result.backward()

    def test_freeing_a_shared_part(self):
        a = leaf(3.0)
        b = a * a
        one, two = b * 1.0, b + 1.0
        one.backward()
        with raises(RuntimeError, SECOND_BACKWARD):
            two.backward()

    def test_a_shared_part_that_saves_nothing(self):
        a = leaf(3.0)
        b = a + 1.0
        one, two = b * b, b * 3.0
        one.backward()
        two.backward()
        assert a.grad.item() == 11.0

    def test_grad_frees_only_what_it_runs(self):
        a = leaf(3.0)
        b = a * a
        result = b * b
        assert grad(result, b)[0].item() == 18.0
        assert grad(b, a)[0].item() == 6.0
        with raises(RuntimeError, SECOND_BACKWARD):
            grad(result, b)

    def test_failing_second_backward_changes_nothing(self):
        a, b = leaf(3.0), leaf(4.0)
        result = (a * a) * b
        result.backward()
        with unchanged(a, b), raises(RuntimeError, SECOND_BACKWARD):
            result.backward()


class TestCreateGraph:
    def test_orders_one_to_five(self):
        a = leaf([1.0, 2.0, 3.0])
        value = (a**4).sum()
        for formula in (lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x, lambda x: 24 + 0 * x):
            (found,) = grad(value, a, create_graph=True)
            np.testing.assert_allclose(to_numpy(found), formula(np.array([1.0, 2.0, 3.0])), rtol=1e-14)
            value = found.sum()
        np.testing.assert_array_equal(gradient(value, a), [0.0] * 3)

    def test_third_order_of_a_transcendental_function(self):
        a = leaf([0.3, 0.7])
        value = (a.sin() * a.exp()).sum()
        for _ in range(3):
            (found,) = grad(value, a, create_graph=True)
            value = found.sum()
        x = np.array([0.3, 0.7])
        np.testing.assert_allclose(to_numpy(found), 2 * np.exp(x) * (np.cos(x) - np.sin(x)), rtol=1e-13)

    def test_implies_retain_graph(self):
        a = leaf(3.0)
        result = a * a
        grad(result, a, create_graph=True)
        assert grad(result, a)[0].item() == 6.0

    def test_may_be_told_not_to_retain(self):
        a = leaf(3.0)
        result = a * a
        grad(result, a, retain_graph=False, create_graph=True)
        with raises(RuntimeError, SECOND_BACKWARD):
            grad(result, a)

    def test_without_it_the_result_is_constant(self):
        a = leaf(3.0)
        assert not grad(a * a * a, a)[0].requires_grad

    def test_backward_accumulates_differentiably(self):
        a = leaf(3.0)
        with quiet():
            (a**3).backward(create_graph=True)
        assert a.grad.requires_grad
        assert gradient(a.grad, a) == 18.0

    def test_accumulation_with_a_graph_is_out_of_place(self):
        a = leaf(3.0)
        a.grad = ac.tensor(1.0)
        before = a.grad
        with quiet():
            (a**3).backward(create_graph=True)
        assert before.item() == 1.0
        assert a.grad.item() == 28.0

    def test_mixed_derivative(self):
        a, b = leaf(2.0), leaf(3.0)
        (da,) = grad(a * a * b, a, create_graph=True)
        assert gradient(da, b) == 4.0

    def test_gradient_penalty(self):
        a, w = leaf(), leaf([0.5, -1.0, 2.0])
        (slope,) = grad((a * a * w).sum(), a, create_graph=True)
        (slope * slope).sum().backward()
        np.testing.assert_allclose(to_numpy(w.grad), 8 * np.array([0.5, -1.0, 2.0]) * np.array([1.0, 4.0, 9.0]))
        np.testing.assert_allclose(to_numpy(a.grad), 8 * np.array([0.25, 1.0, 4.0]) * np.array([1.0, 2.0, 3.0]))


# ------------------------------------------------------------------ the graph
class TestGraph:
    def test_leaves(self):
        a = leaf()
        b = a * a
        assert a.is_leaf
        assert a.grad_fn is None
        assert not b.is_leaf
        assert b.grad_fn is b.grad_fn
        assert ac.ones(1).is_leaf
        assert b.detach().is_leaf

    def test_edges(self):
        a = leaf()
        b = a * a
        (first, zero), (second, _) = b.grad_fn.next_functions
        assert first is second
        assert zero == 0
        assert first.variable is a
        assert first.next_functions == ()
        assert next_names((a + 1.0).grad_fn) == ["AccumulateGrad", None]
        assert next_names((a + ac.ones(3)).grad_fn) == ["AccumulateGrad", None]
        assert b.sum().grad_fn.next_functions[0][0] is b.grad_fn

    def test_a_leaf_has_one_accumulator(self):
        a = leaf()
        one, two = (a * 2.0).grad_fn, (a + 1.0).grad_fn
        assert one.next_functions[0][0] is two.next_functions[0][0]

    def test_output_numbers(self):
        a = leaf()
        parts = a.unbind()
        assert [part.sum().grad_fn.next_functions[0][1] for part in parts] == [0, 1, 2]

    def test_names(self):
        b = leaf() * 2.0
        assert b.grad_fn.name() == type(b.grad_fn).__name__ == "MulBackward0"
        accumulate = b.grad_fn.next_functions[0][0]
        assert accumulate.name() == "torch::autograd::AccumulateGrad"
        assert node_name(accumulate) == "AccumulateGrad"

    def test_requires_grad_spreads(self):
        a, b = leaf(), ac.ones(3)
        assert (a + b).requires_grad
        assert not (b + b).requires_grad
        for constant in (a > 1, a.argmax(), a.isnan(), a.detach() * 2.0, a.long()):
            assert not constant.requires_grad

    def test_attributes_are_read_only(self):
        a = leaf()
        for attribute in ("is_leaf", "grad_fn", "shape"):
            with raises(AttributeError):
                setattr(a, attribute, None)


@pytest.mark.parametrize("join", [ac.cat, ac.stack])
def test_inputs_behind_a_view_that_was_out_of_date(join):
    """A view whose graph is rebuilt only when it is joined still leads to the inputs of `grad`."""
    x, w = leaf([1.0, 2.0, 3.0]), leaf([4.0, 5.0])
    b = x * 2.0
    v = b[:2]
    b.mul_(3.0)
    np.testing.assert_array_equal(gradient(join([w, v]).sum(), x), [6.0, 6.0, 0.0])


# ------------------------------------------------------------------ order
