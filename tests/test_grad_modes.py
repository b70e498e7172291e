"""no_grad, enable_grad, set_grad_enabled and inference_mode: as contexts and decorators, nested, threaded, raising."""

import asyncio
import threading

import pytest
from module import ac
from support import all_in_threads, deviation, gradient, leaf, name, raises, unchanged

INFERENCE_SAVED = "Inference tensors cannot be saved for backward."
INFERENCE_WRITE = "Inplace update to inference tensor outside InferenceMode is not allowed."


def records():
    """Whether operations are recorded now, by the flag and in fact."""
    enabled = ac.is_grad_enabled()
    assert (leaf() * 2.0).requires_grad == enabled
    return enabled


MODES = {
    "no_grad": (ac.no_grad, False),
    "enable_grad": (ac.enable_grad, True),
    "set_true": (lambda: ac.set_grad_enabled(True), True),
    "set_false": (lambda: ac.set_grad_enabled(False), False),
    "inference_mode": (ac.inference_mode, False),
}


@pytest.fixture(params=MODES.values(), ids=MODES.keys())
def mode(request):
    """A mode's constructor, and whether operations are recorded under it."""
    return request.param


class TestEveryMode:
    def test_context(self, mode):
        make, recording = mode
        with make():
            assert records() == recording
        assert records()

    @pytest.mark.parametrize("outer", [ac.no_grad, ac.enable_grad, ac.inference_mode])
    def test_nested_in_another(self, mode, outer):
        make, recording = mode
        with outer():
            before = ac.is_grad_enabled()
            with make():
                assert ac.is_grad_enabled() == recording
            assert ac.is_grad_enabled() == before
        assert records()

    def test_restored_after_an_exception(self, mode):
        make, _ = mode
        with pytest.raises(KeyError), make():
            raise KeyError
        assert records()
        assert not ac.is_inference_mode_enabled()

    def test_decorator(self, mode):
        make, recording = mode

        @make()
        def function(x, *, scale=2.0):
            """Its docstring."""
            return x * scale, ac.is_grad_enabled()

        result, enabled = function(leaf(), scale=3.0)
        assert enabled == recording
        assert result.requires_grad == recording
        assert result.tolist() == [3.0, 6.0, 9.0]
        assert (function.__name__, function.__doc__) == ("function", "Its docstring.")
        assert records()

    def test_decorated_function_that_raises(self, mode):
        make, _ = mode

        @make()
        def function():
            raise KeyError

        for _ in range(2):
            with pytest.raises(KeyError):
                function()
            assert records()

    def test_decorated_method(self, mode):
        make, recording = mode

        class Thing:
            @make()
            def method(self):
                return ac.is_grad_enabled()

        assert Thing().method() == recording

    def test_decorated_recursion(self, mode):
        make, recording = mode

        @make()
        def function(depth):
            assert ac.is_grad_enabled() == recording
            with ac.enable_grad():
                return depth and function(depth - 1)

        function(5)
        assert records()

    def test_decorated_generator(self, mode):
        """Its mode holds while its body runs, and not between."""
        make, recording = mode

        @make()
        def generate():
            received = None
            for _ in range(3):
                received = yield ac.is_grad_enabled(), received
            return "end"

        generator = generate()
        assert next(generator) == (recording, None)
        assert records()
        assert generator.send("sent") == (recording, "sent")
        assert records()
        with ac.no_grad():
            assert next(generator) == (recording, None)
            assert not ac.is_grad_enabled()
        with pytest.raises(StopIteration) as stopped:
            next(generator)
        assert stopped.value.value == "end"
        assert records()

    def test_thread_local(self, mode):
        make, recording = mode
        with make():
            assert all_in_threads(ac.is_grad_enabled, ac.is_inference_mode_enabled) == [True, False]
            assert ac.is_grad_enabled() == recording

    def test_threads_do_not_disturb_each_other(self, mode):
        make, recording = mode
        barrier = threading.Barrier(2)

        def inside():
            with make():
                barrier.wait()
                found = ac.is_grad_enabled()
                barrier.wait()
            return found

        def outside():
            barrier.wait()
            found = ac.is_grad_enabled()
            barrier.wait()
            return found

        assert all_in_threads(inside, outside) == [recording, True]


@pytest.mark.parametrize("make", [ac.no_grad, ac.enable_grad, ac.inference_mode])
def test_decorator_without_parentheses(make):
    @make
    def function():
        return ac.is_grad_enabled()

    assert function() == (make is ac.enable_grad)
    assert function.__name__ == "function"
    assert records()


class TestSetGradEnabled:
    def test_as_a_function(self):
        ac.set_grad_enabled(False)
        try:
            assert not ac.is_grad_enabled()
            assert not (leaf() * 2.0).requires_grad
        finally:
            ac.set_grad_enabled(True)
        assert records()

    def test_as_a_context_restores_what_was_before_it(self):
        with ac.no_grad():
            with ac.set_grad_enabled(True):
                assert records()
            assert not ac.is_grad_enabled()

    def test_as_a_decorator_takes_effect_only_inside(self):
        @ac.set_grad_enabled(False)
        def function():
            return ac.is_grad_enabled()

        assert records()
        assert not function()
        assert records()

    @pytest.mark.parametrize("value", [None, "yes", 1.0])
    def test_takes_a_bool(self, value):
        with raises(TypeError, "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not "):
            ac.set_grad_enabled(value)
        assert records()

    def test_needs_its_argument(self):
        with raises(TypeError):
            ac.set_grad_enabled()


class TestNoGrad:
    def test_leaves_may_be_made_inside(self):
        with ac.no_grad():
            a = leaf()
        assert a.requires_grad
        assert (a * 2.0).requires_grad

    def test_results_are_leaves(self):
        with ac.no_grad():
            b = leaf() * 2.0
        assert b.is_leaf
        assert b.grad_fn is None
        assert not b.requires_grad

    def test_backward_inside(self):
        a = leaf(3.0)
        result = a * a
        with ac.no_grad():
            result.backward()
        assert a.grad.item() == 6.0

    def test_create_graph_inside_records(self):
        """The mode of the backward pass is create_graph, whatever the mode around it."""
        a = leaf(3.0)
        result = a * a * a
        with ac.no_grad():
            (first,) = ac.autograd.grad(result, a, create_graph=True)
            assert not ac.is_grad_enabled()
        assert gradient(first, a) == 18.0

    def test_mode_in_a_coroutine(self):
        """A block that is left while the coroutine waits: what runs meanwhile is that thread's business."""

        async def work():
            with ac.no_grad():
                return ac.is_grad_enabled()

        assert asyncio.run(work()) is False
        assert records()

    def test_one_object_used_twice(self):
        context = ac.no_grad()
        for _ in range(2):
            with context:
                assert not ac.is_grad_enabled()
            assert records()


OUTSIDE_WRITES = [
    lambda t: t.add_(1.0),
    lambda t: t.zero_(),
    lambda t: t.copy_(ac.zeros(3)),
    lambda t: t.__setitem__(0, 3.0),
    lambda t: t.add_(leaf()),
]


class TestInferenceMode:
    def test_what_is_made_inside(self):
        a = leaf()
        with ac.inference_mode():
            assert ac.is_inference_mode_enabled()
            made, computed, view = ac.ones(3), a * 2.0, a.view(3)
        assert not ac.is_inference_mode_enabled()
        assert made.is_inference()
        assert computed.is_inference()
        assert not computed.requires_grad
        assert not view.is_inference()
        assert not a.is_inference()
        assert not ac.ones(1).is_inference()

    @pytest.fixture
    def inferred(self):
        with ac.inference_mode():
            return ac.ones(3)

    def test_can_be_read_outside(self, inferred):
        assert (inferred * 2.0).tolist() == [2.0] * 3
        assert not (inferred * 2.0).is_inference()
        assert not inferred.clone().is_inference()
        assert inferred.detach().is_inference()
        assert inferred.is_leaf

    def test_takes_part_where_nothing_is_saved(self, inferred):
        a = leaf()
        assert gradient((inferred + a).sum(), a).tolist() == [1.0] * 3

    def test_cannot_be_saved(self, inferred):
        a = leaf()
        with unchanged(a), raises(RuntimeError, INFERENCE_SAVED):
            inferred * a
        assert gradient((inferred.clone() * a).sum(), a).tolist() == [1.0] * 3

    @pytest.mark.parametrize("write", OUTSIDE_WRITES)
    def test_cannot_be_written_outside(self, inferred, write):
        with raises(RuntimeError, INFERENCE_WRITE):
            write(inferred)

    @deviation("torch has already written when it raises")
    @pytest.mark.parametrize("write", OUTSIDE_WRITES)
    def test_a_refused_write_writes_nothing(self, inferred, write):
        with unchanged(inferred), raises(RuntimeError, INFERENCE_WRITE):
            write(inferred)

    def test_can_be_written_inside(self, inferred):
        with ac.inference_mode():
            inferred.add_(1.0)
            inferred[0:2].mul_(2.0)
        assert inferred.tolist() == [4.0, 4.0, 2.0]

    def test_has_no_version(self, inferred):
        with raises(RuntimeError, "Inference tensors do not track version counter."):
            inferred._version  # noqa: B018

    def test_cannot_require_grad_outside(self, inferred):
        with raises(
            RuntimeError, "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
        ):
            inferred.requires_grad_()

    def test_leaf_made_inside(self):
        with ac.inference_mode():
            a = leaf()
        assert a.requires_grad
        assert a.is_inference()

    def test_a_normal_tensor_written_inside(self):
        """As under no_grad: allowed, counted, not recorded."""
        a = leaf()
        saved = a.sin()
        with ac.inference_mode():
            a.add_(1.0)
        assert a.tolist() == [2.0, 3.0, 4.0]
        with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
            saved.sum().backward()

    def test_view_made_inside_and_written_outside(self):
        b = leaf() * 1.0
        with ac.inference_mode():
            v = b.view(3)
        with unchanged(b), raises(RuntimeError, "A view was created in inference mode and is being modified inplace"):
            v.add_(1.0)

    def test_switched_off(self):
        with ac.inference_mode(False):
            assert not ac.is_inference_mode_enabled()
            assert records()
        with ac.inference_mode():
            with ac.inference_mode(False):
                assert not ac.ones(1).is_inference()
                assert records()
            assert ac.is_inference_mode_enabled()

    def test_enable_grad_inside_does_not_record(self):
        with ac.inference_mode(), ac.enable_grad():
            assert ac.is_grad_enabled()
            assert not (leaf() * 2.0).requires_grad

    def test_backward_inside(self):
        a = leaf(3.0)
        result = a * a
        with ac.inference_mode():
            result.backward()
        assert a.grad.item() == 6.0

    def test_no_graph_inside(self):
        with ac.inference_mode():
            result = leaf().sum()
            with raises(RuntimeError, "element 0 of tensors does not require grad and does not have a grad_fn"):
                result.backward()

    def test_a_graph_made_before_goes_on_after(self):
        a = leaf()
        b = a * 2.0
        with ac.inference_mode():
            assert name(b) == "MulBackward0"
        assert gradient((b * 3.0).sum(), a).tolist() == [6.0] * 3
