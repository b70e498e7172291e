"""The engine: what backward and grad compute, in which order, on how deep a graph, in how many threads.

Formulas are not the subject here (cases.py has them): the graphs are made of products and sums.
"""

import functools
import gc
import signal
import threading
import time
import weakref

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    NO_GRAPH,
    SECOND_BACKWARD,
    Token,
    all_in_threads,
    collected,
    deviation,
    freed_by_counting,
    gradient,
    in_threads,
    leaf,
    next_names,
    node_name,
    quiet,
    raises,
    run_script,
    script_output,
    unchanged,
)

grad = ac.autograd.grad


def chain(start, length):
    """``start`` through ``length`` additions."""
    for _ in range(length):
        start = start + 1.0
    return start


def order_of(**tensors):
    """A list that fills with the names of ``tensors`` as their gradients become known."""
    order = []
    for key, tensor in tensors.items():
        tensor.register_hook(lambda g, key=key: order.append(key))
    return order


# ------------------------------------------------------------------ backward and grad
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


# ------------------------------------------------------------------ order
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


# ------------------------------------------------------------------ deep and wide
class TestDeepAndWide:
    def test_chain_of_1_000_000_operations(self):
        """Recorded, differentiated and freed without recursion."""
        a = leaf(1.0)
        result = chain(a, 1_000_000)
        result.backward()
        assert a.grad.item() == 1.0
        assert result.item() == 1_000_001.0
        del result
        gc.collect()

    def test_one_leaf_used_100_000_times(self):
        a = leaf(1.0)
        result = ac.zeros(())
        for _ in range(100_000):
            result = result + a
        result.backward()
        assert a.grad.item() == 100_000.0

    def test_60_level_diamond(self):
        """2^60 paths, each counted once, exactly."""
        a = leaf(1.0)
        result = a
        for _ in range(60):
            result = result + result
        result.backward()
        assert a.grad.item() == 2.0**60

    def test_deep_in_place_chain(self):
        a = leaf([1.0, 1.0])
        b = a * 1.0
        for i in range(20_000):
            b[i % 2].mul_(1.0)
        b.sum().backward()
        assert a.grad.tolist() == [1.0, 1.0]

    def test_deep_chain_of_views(self):
        a = leaf([1.0])
        b = a
        for _ in range(20_000):
            b = b.view(1)
        b.backward(ac.ones(1))
        assert a.grad.tolist() == [1.0]

    def test_deep_chain_of_python_functions(self):
        class Twice(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1.0

            @staticmethod
            def backward(ctx, g):
                return g

        a = leaf(1.0)
        result = a
        for _ in range(20_000):
            result = Twice.apply(result)
        result.backward()
        assert a.grad.item() == 1.0

    def test_deep_chain_of_hooks_that_hold_tensors(self):
        a = leaf(1.0)
        result = a
        for _ in range(20_000):
            result = result * 1.0
            result.register_hook(lambda g, held=result: None)
        result.backward()
        assert a.grad.item() == 1.0

    def test_deep_double_backward(self):
        a = leaf(1.0)
        result = a
        for _ in range(2_000):
            result = result * a
        (first,) = grad(result, a, create_graph=True)
        assert first.item() == 2_001.0
        assert gradient(first, a) == 2_001.0 * 2_000.0

    def test_wide_cat(self):
        leaves = [leaf([1.0]) for _ in range(5_000)]
        (ac.cat(leaves) * ac.arange(5_000.0)).sum().backward()
        assert [part.grad.item() for part in leaves] == list(range(5_000))


# ------------------------------------------------------------------ re-entrance
class Nested(ac.autograd.Function):
    """Its backward runs the backward of the next level, down to 0."""

    @staticmethod
    def forward(ctx, x, level):
        ctx.level = level
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        if ctx.level > 0:
            with ac.enable_grad():
                inner = leaf([1.0])
                Nested.apply(inner, ctx.level - 1).sum().backward()
            g = g + inner.grad
        return g, None


class TestReentrance:
    def test_100_levels(self):
        a = leaf([1.0])
        Nested.apply(a, 100).sum().backward()
        assert a.grad.tolist() == [101.0]

    def test_5_000_levels(self):
        """Works, or RecursionError; never a C-stack overflow, and the interpreter is sound afterwards."""
        done = run_script(
            "from test_engine import Nested\n"
            "a = leaf([1.0])\n"
            "try:\n"
            "    Nested.apply(a, 5_000).sum().backward()\n"
            "    print(a.grad.item())\n"
            "except RecursionError:\n"
            "    print('RecursionError')\n"
            "b = leaf([1.0]); Nested.apply(b, 3).sum().backward(); print(b.grad.item(), ac.is_grad_enabled())\n"
        )
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.split("\n")[:2]
        assert first in ("5001.0", "RecursionError")
        assert second == "4.0 True"

    @deviation("torch takes one thread more for every level, until there are no more")
    def test_without_end(self):
        """A hook on a root runs again in the backward it starts: RecursionError, and all is sound afterwards."""
        printed = script_output(
            "a = leaf(3.0)\n"
            "b = a * a\n"
            "handle = b.register_hook(lambda g: b.backward(retain_graph=True))\n"
            "try:\n"
            "    b.backward(retain_graph=True)\n"
            "except RecursionError:\n"
            "    handle.remove()\n"
            "    a.grad = None\n"
            "    b.backward()\n"
            "    print(a.grad.item(), ac.is_grad_enabled())\n"
        )
        assert printed == "6.0 True"

    def test_through_the_same_graph(self):
        """A hook that differentiates, while it is being differentiated, the graph it sits in."""
        a = leaf(3.0)
        b = a * a
        result = b * 2.0
        found = []

        def hook(g):
            found.append(g.item())
            if len(found) == 1:
                found.append(gradient(b, a, retain_graph=True).item())

        b.register_hook(hook)
        result.backward()
        assert found == [2.0, 1.0, 6.0]
        assert a.grad.item() == 12.0

    def test_through_nodes_that_wait(self):
        """The inner backward passes nodes whose gradients from the outer one are not complete yet."""
        a = leaf(3.0)
        shared = a * a
        late = shared * 5.0
        early = shared * 7.0
        inner = []
        early.register_hook(lambda g: inner.append(gradient(late, a, retain_graph=True).item()))
        (late + early).backward()
        assert inner == [30.0]
        assert a.grad.item() == 72.0

    def test_backward_in_a_hook_accumulates(self):
        a = leaf(3.0)

        def hook(g):
            with ac.enable_grad():
                (a * 100.0).backward()

        b = a * 2.0
        b.register_hook(hook)
        b.backward()
        assert a.grad.item() == 102.0

    def test_an_inner_failure_is_the_hook_s_own(self):
        a = leaf(3.0)
        b = a * a
        result = b * 2.0

        def hook(g):
            with raises(RuntimeError, NO_GRAPH):
                ac.ones(()).backward()

        b.register_hook(hook)
        result.backward()
        assert a.grad.item() == 12.0


# ------------------------------------------------------------------ failures
class Boom(Exception):
    """What a hook or a Function raises here."""


def boom(*args):
    """Raises, as a hook or a backward."""
    raise Boom("here")


class TestFailures:
    def test_the_original_exception(self):
        a = leaf()
        b = a * a
        b.register_hook(boom)
        with raises(Boom, "here") as info:
            (b * b).sum().backward()
        assert info.traceback[-1].name == "boom"

    @pytest.mark.parametrize("mode", [ac.enable_grad, ac.no_grad])
    def test_grad_mode_is_restored(self, mode):
        a = leaf()
        result = (a * a).sum()
        a.register_hook(boom)
        with mode():
            before = ac.is_grad_enabled()
            with raises(Boom):
                grad(result, a, create_graph=True)
            assert ac.is_grad_enabled() == before
        assert ac.is_grad_enabled()

    def test_gradients_are_whole_or_absent(self):
        a, b = leaf(), leaf()
        (a * b).register_hook(boom)
        c = a * b
        c.register_hook(boom)
        with raises(Boom):
            (c.sum() + (b * 3.0).sum()).backward()
        assert a.grad is None
        assert b.grad is None or b.grad.tolist() == [3.0] * 3

    def test_the_graph_may_be_used_again_if_it_was_retained(self):
        """What the failed pass had claimed (counts, slots) is cleared."""
        a = leaf(3.0)
        b = a * a
        handle = b.register_hook(boom)
        result = b * a + b
        for _ in range(3):
            with raises(Boom):
                result.backward(retain_graph=True)
        handle.remove()
        a.grad = None
        result.backward()
        assert a.grad.item() == 3 * 9.0 + 6.0

    def test_another_graph_over_the_same_part(self):
        a = leaf(3.0)
        b = a + 1.0
        handle = b.register_hook(boom)
        with raises(Boom):
            (b * 2.0).backward()
        handle.remove()
        (b * 5.0).backward()
        assert a.grad.item() == 5.0

    def test_failure_deep_inside(self):
        a = leaf(1.0)
        middle = chain(a, 1_000)
        middle.register_hook(boom)
        result = chain(middle, 1_000)
        with raises(Boom):
            result.backward()
        assert a.grad is None

    def test_failure_of_an_op_in_backward(self):
        """A gradient that no longer fits, because .data was replaced, is refused and not written anywhere."""
        a = leaf()
        result = a.sum()
        a.data = ac.ones(4)
        with raises(RuntimeError):
            result.backward()
        assert a.grad is None

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
    @deviation("torch looks at signals after the backward has ended")
    def test_keyboard_interrupt_in_a_backward_of_400_000_nodes(self):
        """The leaf comes last: it has no gradient yet when the exception arrives, and the graph can run again."""
        a = leaf(1.0)
        result = chain(a, 400_000)
        durations = []
        for _ in range(3):
            started = time.perf_counter()
            result.backward(retain_graph=True)
            durations.append(time.perf_counter() - started)
        a.grad = None
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, min(durations) / 10)
            with raises(KeyboardInterrupt):
                result.backward(retain_graph=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert a.grad is None
        assert ac.is_grad_enabled()
        result.backward()
        assert a.grad.item() == 1.0


# ------------------------------------------------------------------ threads
class TestThreads:
    def test_8_threads_accumulate_in_one_leaf(self):
        a = leaf(np.ones(1_000))

        def work():
            for _ in range(100):
                (a * 2.0).sum().backward()

        all_in_threads(*[work] * 8)
        assert to_numpy(a.grad).tolist() == [8 * 100 * 2.0] * 1_000

    def test_8_threads_over_shared_parameters(self):
        """Each builds its own graph over the same leaves and an already recorded common part."""
        a, b = leaf(2.0), leaf(3.0)
        common = a * b

        def work(i):
            def run():
                for _ in range(50):
                    (common * float(i)).backward(retain_graph=True)
                    assert gradient(common * a, a, retain_graph=True) == 12.0

            return run

        all_in_threads(*[work(i) for i in range(8)])
        assert a.grad.item() == 50 * sum(range(8)) * 3.0
        assert b.grad.item() == 50 * sum(range(8)) * 2.0

    def test_8_threads_through_one_retained_graph(self):
        a = leaf([1.0, 2.0])
        result = chain((a * a).sum() * 3.0, 300)
        all_in_threads(*[lambda: result.backward(retain_graph=True)] * 8)
        assert a.grad.tolist() == [8 * 6.0, 8 * 12.0]

    def test_4_threads_through_one_graph_without_retain_graph(self):
        """One succeeds, three are told; never a double free."""
        for _ in range(20):
            a = leaf()
            result = a
            for _ in range(100):
                result = result * 1.0
            result = (result * result).sum()
            outcomes = in_threads(*[result.backward] * 4)
            assert outcomes.count(None) == 1
            failures = [outcome for outcome in outcomes if outcome is not None]
            assert all(type(failure) is RuntimeError for failure in failures)
            assert all(str(failure).startswith(SECOND_BACKWARD) for failure in failures)
            assert a.grad.tolist() == [2.0, 4.0, 6.0]

    def test_threads_with_hooks_and_failures(self):
        a = leaf(3.0)

        def work(i):
            def run():
                for _ in range(30):
                    b = a * a
                    if i % 2:
                        b.register_hook(boom)
                        with raises(Boom):
                            (b * 2.0).backward()
                    else:
                        (b * 2.0).backward()

            return run

        all_in_threads(*[work(i) for i in range(8)])
        assert a.grad.item() == 4 * 30 * 12.0

    def test_backward_in_a_thread_of_a_graph_made_here(self):
        a = leaf(3.0)
        result = a * a
        all_in_threads(result.backward)
        assert a.grad.item() == 6.0

    def test_freeing_a_graph_in_another_thread(self):
        a = leaf(1.0)
        holder = [chain(a, 100_000)]
        thread = threading.Thread(target=holder.clear)
        thread.start()
        thread.join()
        assert holder == []
        a.backward()
        assert a.grad.item() == 1.0


# ------------------------------------------------------------------ what is freed, and when
COUNTED, COLLECTED, COLLECTED_HERE = [], [], []  # by reference counts; by the collector; by the collector, not in torch


def listed(registry):
    """Puts a function that builds something around a token into ``registry``."""

    def add(build):
        registry.append(build)
        return build

    return add


@listed(COUNTED)
def saves_its_output(token):
    leaf().exp().token = token


@listed(COUNTED)
def saves_its_output_in_place(token):
    b = leaf() * 1.0
    b.exp_()
    b.token = token


@listed(COUNTED)
def in_place_through_a_view(token):
    b = leaf() * 1.0
    b[:2].exp_()
    b.token = token


@listed(COUNTED)
def view_of_a_changed_base(token):
    v = (leaf() * 1.0)[:2]
    v.exp_()
    v.token = token


@listed(COUNTED)
def retained_gradient(token):
    b = leaf() * 2.0
    b.retain_grad()
    b.sum().backward()
    b.token = token


@listed(COUNTED)
def used_graph(token):
    a = leaf()
    (a * a).sum().backward()
    a.token = token


@listed(COUNTED)
def unused_graph(token):
    a = leaf()
    a.token = token
    chain(a * a, 10)


@listed(COUNTED)
def double_backward(token):
    a = leaf()
    a.token = token
    grad(grad((a**3).sum(), a, create_graph=True)[0].sum(), a)


@listed(COUNTED)
def view_and_base(token):
    b = leaf() * 1.0
    b.token = token
    b[1:][:1].sum()


@listed(COUNTED)
def long_chain(token):
    a = leaf(1.0)
    a.token = token
    chain(a, 200_000)


@pytest.mark.parametrize("build", COUNTED, ids=lambda build: build.__name__)
def test_freed_by_reference_counts(build):
    assert freed_by_counting(build)


@listed(COLLECTED)
def attribute_of_a_tensor(token):
    a = leaf()
    a.me, a.token = a, token


@listed(COLLECTED)
def hook_of_a_leaf_over_itself(token):
    a = leaf()
    a.register_hook(lambda g, held=(a, token): None)


@listed(COLLECTED)
def context_holds_the_output(token):
    class Keep(ac.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.output = x * 2.0
            ctx.token = token
            return ctx.output

        @staticmethod
        def backward(ctx, g):
            return g

    Keep.apply(leaf())


@listed(COLLECTED_HERE)
def hook_over_its_own_tensor(token):
    b = leaf() * 2.0
    b.register_hook(lambda g, held=(b, token): None)


@listed(COLLECTED_HERE)
def hook_over_a_result_through_plain_nodes(token):
    b = leaf() * 2.0
    result = chain(b, 10)
    b.register_hook(lambda g, held=(result, token): None)


@listed(COLLECTED_HERE)
def hook_through_plain_nodes_after_backward(token):
    b = leaf() * 2.0
    result = chain(b, 10)
    b.register_hook(lambda g, held=(result, token): None)
    result.sum().backward(retain_graph=True)


@listed(COLLECTED_HERE)
def hook_through_a_long_chain(token):
    b = leaf(1.0) * 2.0
    result = chain(b, 10_000)
    b.register_hook(lambda g, held=(result, token): None)


@listed(COLLECTED_HERE)
def two_hooks_over_each_other(token):
    a = leaf()
    b, c = chain(a * 2.0, 3), chain(a * 3.0, 3)
    after_b, after_c = chain(b, 3), chain(c, 3)
    b.register_hook(lambda g, held=(after_c, token): None)
    c.register_hook(lambda g, held=after_b: None)


@listed(COLLECTED_HERE)
def create_graph_on_a_leaf(token):
    a = leaf()
    a.token = token
    with quiet():
        (a * a).sum().backward(create_graph=True)


@listed(COLLECTED_HERE)
def create_graph_twice_on_a_leaf(token):
    a = leaf()
    a.token = token
    for _ in range(2):
        with quiet():
            chain(a * a, 5).sum().backward(create_graph=True)


@listed(COLLECTED_HERE)
def gradient_that_holds_its_leaf(token):
    a = leaf()
    a.token = token
    a.grad = ac.ones(3)
    a.grad.owner = a


@listed(COLLECTED_HERE)
def attribute_that_is_a_result(token):
    a = leaf()
    a.result = chain(a * 2.0, 5)
    a.token = token


@listed(COLLECTED_HERE)
def context_holds_a_later_result(token):
    class Keep(ac.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.token = token
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            return g

    result = Keep.apply(leaf())
    result.grad_fn.later = chain(result, 5)


@listed(COLLECTED_HERE)
def in_place_with_a_view_of_itself(token):
    b = leaf() * 1.0
    b.mul_(b.view(3))
    b.token = token


@listed(COLLECTED_HERE)
def setitem_from_itself(token):
    b = leaf() * 1.0
    b[0] = b[1] * b[2]
    b.token = token


@pytest.mark.parametrize("build", COLLECTED, ids=lambda build: build.__name__)
def test_cycle_is_collected(build):
    assert collected(build)


@deviation("torch leaks these cycles")
@pytest.mark.parametrize("build", COLLECTED_HERE, ids=lambda build: build.__name__)
def test_cycle_that_torch_leaks_is_collected(build):
    assert collected(build)


class TestCollectorLeavesTheLivingAlone:
    def test_a_hook_still_works_after_collections(self):
        a = leaf()
        b = a * 2.0
        token = Token()
        alive = weakref.ref(token)
        b.register_hook(lambda g, held=(b, token): g * 10.0)
        del token
        result = chain(b, 100).sum()
        del b
        for _ in range(3):
            gc.collect()
        assert alive() is not None
        result.backward()
        assert a.grad.tolist() == [20.0] * 3

    def test_collections_during_backward(self):
        def hook(g, held):
            gc.collect()

        a = leaf(1.0)
        b = a
        for _ in range(5):
            b = chain(b * 1.0, 3)
            b.register_hook(functools.partial(hook, held=b))
        b.backward()
        assert a.grad.item() == 1.0

    def test_collections_while_graphs_are_built(self):
        """Thousands of live nodes, some with hooks, and a collection at every step."""
        a = leaf(1.0)
        b = chain(a, 1_000)
        for _ in range(5):
            b = b + 1.0
            b.register_hook(lambda g, held=b: None)
            gc.collect()
        b.backward()
        assert a.grad.item() == 1.0

    def test_a_finalizer_that_uses_the_graph(self):
        """What the collector breaks up may still be looked at by a finalizer: never a crash."""

        class Last:
            def __init__(self, tensor):
                self.tensor = tensor

            def __del__(self):
                seen.append(self.tensor.sum().item())

        seen = []
        a = leaf()
        a.last = Last(a)
        del a
        gc.collect()
        assert seen == [6.0]


@pytest.mark.parametrize("join", [ac.cat, ac.stack])
def test_inputs_behind_a_view_that_was_out_of_date(join):
    """A view whose graph is rebuilt only when it is joined still leads to the inputs of `grad`."""
    x, w = leaf([1.0, 2.0, 3.0]), leaf([4.0, 5.0])
    b = x * 2.0
    v = b[:2]
    b.mul_(3.0)
    np.testing.assert_array_equal(gradient(join([w, v]).sum(), x), [6.0, 6.0, 0.0])
