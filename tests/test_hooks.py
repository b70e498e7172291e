"""Hooks on tensors, retained gradients, and the rules of ``.grad``."""

import gc
import sys

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    deviation,
    freed_by_counting,
    gradient,
    leaf,
    raises,
    unchanged,
)


class TestWhatAHookSees:
    @pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
    def test_the_gradient(self, shape):
        a = leaf(np.ones(shape))
        b = a * 2.0
        seen = []
        b.register_hook(lambda g: seen.append(g.clone()))
        b.backward(ac.full(shape, 5.0))
        assert [tuple(g.shape) for g in seen] == [shape]
        np.testing.assert_array_equal(to_numpy(seen[0]), np.full(shape, 5.0))

    def test_the_sum_over_all_uses(self):
        a = leaf(2.0)
        b = a * 1.0
        seen = []
        b.register_hook(lambda g: seen.append(g.item()))
        (b * 3.0 + b * 4.0 + b).backward()
        assert seen == [8.0]

    def test_on_a_leaf(self):
        a = leaf()
        seen = []
        a.register_hook(lambda g: seen.append(g.tolist()))
        (a * 2.0).sum().backward()
        (a * 3.0).sum().backward()
        assert seen == [[2.0] * 3, [3.0] * 3]
        assert a.grad.tolist() == [5.0] * 3

    def test_grad_mode_is_that_of_the_pass(self):
        a = leaf()
        b = a * a
        modes = []
        b.register_hook(lambda g: modes.append((ac.is_grad_enabled(), g.requires_grad)))
        ac.autograd.grad((b * b).sum(), a, create_graph=True)
        (b * b).sum().backward()
        assert modes == [(True, True), (False, False)]

    def test_through_grad(self):
        """autograd.grad returns what the hooks made of it."""
        a = leaf()
        b = a * 2.0
        a.register_hook(lambda g: g * 10.0)
        b.register_hook(lambda g: g * 3.0)
        np.testing.assert_array_equal(gradient(b.sum(), b), [3.0] * 3)
        np.testing.assert_array_equal(gradient(b.sum(), a), [60.0] * 3)

    def test_with_inputs(self):
        a = leaf()
        a.register_hook(lambda g: g * 10.0)
        a.sum().backward(inputs=[a])
        assert a.grad.tolist() == [10.0] * 3

    def test_registered_after_recording(self):
        a = leaf()
        result = (a * 2.0).sum()
        a.register_hook(lambda g: g * 3.0)
        result.backward()
        assert a.grad.tolist() == [6.0] * 3


class TestWhatAHookReturns:
    def test_replaces_the_gradient(self):
        a = leaf()
        b = a * 2.0
        b.register_hook(lambda g: g * 5.0)
        b.sum().backward()
        assert a.grad.tolist() == [10.0] * 3

    def test_none_keeps_it(self):
        a = leaf()
        a.register_hook(lambda g: None)
        a.sum().backward()
        assert a.grad.tolist() == [1.0] * 3

    def test_in_order_of_registration(self):
        a = leaf(1.0)
        a.register_hook(lambda g: g + 1.0)
        a.register_hook(lambda g: g * 10.0)
        a.register_hook(lambda g: None)
        a.register_hook(lambda g: g + 3.0)
        (a * 1.0).backward()
        assert a.grad.item() == 23.0

    def test_another_tensor_altogether(self):
        a = leaf()
        other = ac.tensor([7.0, 8.0, 9.0])
        a.register_hook(lambda g: other)
        for _ in range(2):
            a.sum().backward()
        assert a.grad.tolist() == [14.0, 16.0, 18.0]
        assert other.tolist() == [7.0, 8.0, 9.0]

    def test_a_result_with_a_graph_is_cut_without_create_graph(self):
        a, scale = leaf(), leaf(5.0)
        a.register_hook(lambda g: scale.detach() * g)
        a.sum().backward()
        assert not a.grad.requires_grad
        assert a.grad.tolist() == [5.0] * 3

    def test_differentiable_with_create_graph(self):
        a, scale = leaf(), leaf(5.0)
        b = a * a
        b.register_hook(lambda g: g * scale)
        (first,) = ac.autograd.grad(b.sum(), a, create_graph=True)
        assert first.tolist() == [10.0, 20.0, 30.0]
        assert gradient(first.sum(), scale) == 12.0

    @pytest.mark.parametrize(
        ("value", "kind", "sentence"),
        [
            (lambda: ac.ones(4), RuntimeError, "hook '<lambda>' has changed the size of value"),
            (lambda: ac.ones(1), RuntimeError, "hook '<lambda>' has changed the size of value"),
            (lambda: ac.ones(1, 3), RuntimeError, "hook '<lambda>' has changed the size of value"),
            (lambda: ac.ones(3).long(), RuntimeError, "hook '<lambda>' has changed the type of value"),
            (lambda: 3, TypeError, "expected Variable, but hook returned 'int'"),
            (lambda: [ac.ones(3)], TypeError, "expected Variable, but hook returned 'list'"),
        ],
    )
    @pytest.mark.parametrize("on", ["leaf", "result"])
    def test_wrong_results(self, value, kind, sentence, on):
        a = leaf()
        b = a * 2.0
        (a if on == "leaf" else b).register_hook(lambda g: value())
        with unchanged(a, b), raises(kind, sentence):
            b.sum().backward()

    def test_a_named_hook_is_named(self):
        def grows(g):
            return ac.ones(9)

        a = leaf()
        a.register_hook(grows)
        with raises(RuntimeError, "hook 'grows' has changed the size of value"):
            a.sum().backward()


class TestWritingIntoTheGradient:
    """A hook may write into what it is given only where that harms nobody."""

    @pytest.mark.parametrize("write", [lambda g: g.mul_(2.0), lambda g: g.add_(1.0)])
    def test_an_expanded_gradient_is_never_corrupted(self, write):
        a, b = leaf(), leaf()
        c = a + b
        a.register_hook(lambda g: write(g) and None)
        refused = False
        try:
            c.sum().backward()
        except RuntimeError:
            refused = True
        assert b.grad is None or b.grad.tolist() == [1.0] * 3
        assert refused or a.grad.tolist() == write(ac.ones(3)).tolist()

    @deviation("torch passes one gradient to both branches: the write reaches the other")
    def test_a_gradient_of_two_branches(self):
        a, b = leaf(), leaf()
        a.register_hook(lambda g: g.mul_(2.0))
        given = ac.ones(3)
        (a + b).backward(given)
        assert given.tolist() == [1.0] * 3
        assert b.grad.tolist() == [1.0] * 3
        assert a.grad.tolist() == [2.0] * 3


class TestHandles:
    def test_remove(self):
        a = leaf()
        handle = a.register_hook(lambda g: g * 10.0)
        handle.remove()
        handle.remove()
        a.sum().backward()
        assert a.grad.tolist() == [1.0] * 3

    def test_remove_one_of_several(self):
        a = leaf(1.0)
        a.register_hook(lambda g: g + 1.0)
        middle = a.register_hook(lambda g: g * 10.0)
        a.register_hook(lambda g: g + 3.0)
        middle.remove()
        a.backward()
        assert a.grad.item() == 5.0

    def test_as_context_manager(self):
        a = leaf()
        with a.register_hook(lambda g: g * 10.0):
            a.sum().backward()
        a.sum().backward()
        assert a.grad.tolist() == [11.0] * 3

    def test_a_hook_that_removes_itself(self):
        a = leaf()
        handle = a.register_hook(lambda g: (handle.remove(), g * 2.0)[1])
        for _ in range(2):
            a.sum().backward()
        assert a.grad.tolist() == [3.0] * 3

    def test_a_hook_that_removes_the_next(self):
        a = leaf(1.0)
        a.register_hook(lambda g: second.remove())
        second = a.register_hook(lambda g: g * 10.0)
        for _ in range(2):
            a.backward()
        assert a.grad.item() in (2.0, 11.0)  # whether the running pass still has it is not said
        a.grad = None
        a.backward()
        assert a.grad.item() == 1.0

    def test_a_hook_that_adds_a_hook(self):
        a = leaf(1.0)
        handle = a.register_hook(lambda g: (handle.remove(), a.register_hook(lambda g: g * 10.0))[0])
        a.backward()
        a.grad = None
        a.backward()
        assert a.grad.item() == 10.0

    def test_a_handle_may_outlive_its_tensor(self):
        b = leaf() * 2.0
        handle = b.register_hook(lambda g: None)
        del b
        gc.collect()
        handle.remove()

    def test_hook_is_released_by_remove(self):
        def build(token):
            a = leaf()
            handle = a.register_hook(lambda g, held=token: None)
            handle.remove()
            kept.append(a)

        kept = []
        assert freed_by_counting(build)

    def test_hook_is_released_with_its_tensor(self):
        def build(token):
            leaf().register_hook(lambda g, held=token: None)
            (leaf() * 2.0).register_hook(lambda g, held=token: None)

        assert freed_by_counting(build)

    def test_any_callable(self):
        class Scale:
            def __call__(self, g):
                return g * 4.0

            def method(self, g):
                return g * 5.0

        a = leaf(1.0)
        a.register_hook(Scale())
        a.register_hook(Scale().method)
        a.backward()
        assert a.grad.item() == 20.0


class TestHooksAndInPlace:
    def test_a_hook_belongs_to_the_value_of_its_time(self):
        a = leaf()
        b = a * 2.0
        b.register_hook(lambda g: g * 10.0)
        b.add_(1.0)
        b.register_hook(lambda g: g * 100.0)
        b.sum().backward()
        assert a.grad.tolist() == [2000.0] * 3

    def test_the_hook_of_the_earlier_value_sees_the_earlier_gradient(self):
        a = leaf()
        b = a * 2.0
        seen = []
        b.register_hook(lambda g: seen.append(("before", g.tolist())))
        b.mul_(3.0)
        b.register_hook(lambda g: seen.append(("after", g.tolist())))
        b.sum().backward()
        assert seen == [("after", [1.0] * 3), ("before", [3.0] * 3)]

    def test_of_a_view_and_its_base(self):
        a = leaf()
        b = a * 2.0
        v = b[1:]
        seen = []
        b.register_hook(lambda g: seen.append(("base", g.tolist())))
        v.register_hook(lambda g: seen.append(("view", g.tolist())))
        (v.sum() * 5.0).backward()
        assert seen == [("view", [5.0, 5.0]), ("base", [0.0, 5.0, 5.0])]

    def test_hooks_survive_a_detour_through_requires_grad(self):
        a = leaf()
        a.register_hook(lambda g: g * 2.0)
        a.requires_grad_(False)
        a.requires_grad_(True)
        a.sum().backward()
        assert a.grad.tolist() == [2.0] * 3


class TestRetainGrad:
    def test_keeps_the_gradient_of_a_result(self):
        a = leaf()
        b = a * 2.0
        assert not b.retains_grad
        b.retain_grad()
        b.retain_grad()
        assert b.retains_grad
        (b * 3.0).sum().backward(retain_graph=True)
        assert b.grad.tolist() == [3.0] * 3
        (b * 3.0).sum().backward()
        assert b.grad.tolist() == [6.0] * 3

    def test_on_a_leaf_does_nothing(self):
        a = leaf()
        a.retain_grad()
        assert not a.retains_grad

    @pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
    def test_sees_the_final_value(self, before):
        """All hooks run first, whenever they were registered."""
        b = leaf() * 1.0
        if before:
            b.retain_grad()
        b.register_hook(lambda g: g * 10.0)
        b.retain_grad()
        b.register_hook(lambda g: g * 10.0)
        b.sum().backward()
        assert b.grad.tolist() == [100.0] * 3

    def test_refused_without_grad(self):
        with raises(RuntimeError, "can't retain_grad on Tensor that has requires_grad=False"):
            ac.ones(2).retain_grad()

    def test_with_create_graph(self):
        a = leaf(3.0)
        b = a * a
        b.retain_grad()
        (b * b).backward(create_graph=False, retain_graph=True)
        assert not b.grad.requires_grad
        assert b.grad.item() == 18.0

    def test_is_no_alias_of_the_leaf_s_gradient(self):
        a = leaf()
        b = a + 1.0
        b.retain_grad()
        b.backward(ac.ones(3))
        b.grad.mul_(5.0)
        assert a.grad.tolist() == [1.0] * 3


class TestGradAttribute:
    def test_starts_as_none(self):
        assert leaf().grad is None

    def test_can_be_assigned_and_deleted(self):
        a = leaf()
        a.grad = ac.ones(3)
        assert a.grad.tolist() == [1.0] * 3
        a.grad = None
        assert a.grad is None
        a.grad = ac.ones(3)
        del a.grad
        assert a.grad is None

    def test_zeroing(self):
        a = leaf()
        a.sum().backward()
        assert a.grad.zero_() is a.grad
        assert a.grad.tolist() == [0.0] * 3

    def test_on_a_tensor_without_grad(self):
        a = ac.ones(3)
        a.grad = ac.zeros(3)
        assert a.grad.tolist() == [0.0] * 3

    @pytest.mark.parametrize(
        ("value", "kind", "sentence"),
        [
            (
                lambda a: ac.ones(4),
                RuntimeError,
                "attempting to assign a gradient of size '[4]' to a tensor of size '[3]'. "
                "Please ensure that the gradient and the tensor are the same size",
            ),
            (lambda a: 3, TypeError, "assigned grad expected to be a Tensor or None but got grad of type int"),
            (lambda a: a, RuntimeError, "can't assign Variable as its own grad"),
            (lambda a: ac.arange(3), RuntimeError, "attempting to assign a gradient with dtype 'long int' to a tensor"),
        ],
        ids=["size", "type", "itself", "dtype"],
    )
    def test_checks(self, value, kind, sentence):
        a = leaf()
        a.grad = ac.ones(3)
        with unchanged(a), raises(kind, sentence):
            a.grad = value(a)

    def test_of_a_result_warns(self):
        b = leaf() * 2.0
        sentence = "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed."
        with pytest.warns(UserWarning, match=sentence):
            assert b.grad is None

    def test_of_a_result_that_retains_it_does_not_warn(self):
        b = leaf() * 2.0
        b.retain_grad()
        assert b.grad is None


class TestRegistration:
    def test_refused_without_grad(self):
        with raises(RuntimeError, "cannot register a hook on a tensor that doesn't require gradient"):
            ac.ones(2).register_hook(lambda g: g)

    def test_not_called_where_no_gradient_flows(self):
        a, b = leaf(), leaf()
        b.register_hook(lambda g: pytest.fail("b got a gradient"))
        (a.sum() + b.detach().sum()).backward()
        assert a.grad.tolist() == [1.0] * 3

    def test_many(self):
        a = leaf(1.0)
        for _ in range(1_000):
            a.register_hook(lambda g: g + 1.0)
        a.backward()
        assert a.grad.item() == 1_001.0

    def test_references_are_balanced(self):
        def hook(g):
            return None

        before = sys.getrefcount(hook)
        a = leaf()
        handles = [a.register_hook(hook) for _ in range(10)]
        a.sum().backward()
        for handle in handles:
            handle.remove()
        del handles, handle, a
        gc.collect()
        assert sys.getrefcount(hook) == before
