"""Custom functions: forward, backward, save_for_backward, needs_input_grad, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import (
    NO_GRAPH,
    SECOND_BACKWARD,
    STALE,
    gradient,
    leaf,
    name,
    next_names,
    raises,
    unchanged,
)

Function = ac.autograd.Function


class Multiply(Function):
    """a * b, the long way."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        ctx.needed = ctx.needs_input_grad
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b, g * a


class Exp(Function):
    """Saves its own output."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


def function(forward=lambda ctx, x: x * 1.0, backward=lambda ctx, g: g, name="Custom"):
    """A Function made of two callables."""
    return type(name, (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


class TestForward:
    def test_result_and_graph(self):
        a, b = leaf(), ac.ones(3) * 2.0
        result = Multiply.apply(a, b)
        assert result.tolist() == [2.0, 4.0, 6.0]
        assert result.requires_grad
        assert not result.is_leaf
        assert result.grad_fn.name() == name(result) == "MultiplyBackward"
        assert next_names(result.grad_fn) == ["AccumulateGrad", None]
        assert repr(result) == "tensor([2., 4., 6.], grad_fn=<MultiplyBackward>)"

    def test_the_node_is_the_context(self):
        result = Multiply.apply(leaf(), ac.ones(3))
        assert result.grad_fn.needed == (True, False)
        assert result.grad_fn.saved_tensors[1].tolist() == [1.0] * 3

    def test_forward_does_not_record(self):
        modes = []
        function(lambda ctx, x: (modes.append(ac.is_grad_enabled()), x * 2.0)[1]).apply(leaf())
        assert modes == [False]
        assert ac.is_grad_enabled()

    def test_without_grad(self):
        result = Multiply.apply(ac.ones(2), ac.ones(2))
        assert not result.requires_grad
        assert result.grad_fn is None

    def test_under_no_grad(self):
        with ac.no_grad():
            result = Multiply.apply(leaf(), leaf())
        assert not result.requires_grad

    @pytest.mark.parametrize("value", [None, "text", 3])
    def test_results_that_are_no_tensors(self, value):
        assert function(lambda ctx, x: value).apply(leaf()) == value

    def test_several_results(self):
        both = function(lambda ctx, x: (x * 2.0, 7, x + 1.0), lambda ctx, g, none, h: g * 2.0 + h)
        a = leaf()
        first, number, second = both.apply(a)
        assert number == 7
        assert first.grad_fn is second.grad_fn
        np.testing.assert_array_equal(gradient((first * 3.0 + second).sum(), a), [7.0] * 3)

    def test_tuple_of_one(self):
        result = function(lambda ctx, x: (x * 2.0,)).apply(leaf())
        assert isinstance(result, tuple)
        assert name(result[0]) == "CustomBackward"

    def test_results_of_other_dtypes_need_no_gradient(self):
        result = function(lambda ctx, x: (x > 1, x.long()), lambda ctx, g, h: None).apply(leaf())
        assert [r.requires_grad for r in result] == [False, False]

    def test_the_input_itself(self):
        """Returned as it is, it becomes a new tensor with the Function's history."""
        a = leaf()
        result = function(lambda ctx, x: x, lambda ctx, g: g * 5.0).apply(a)
        assert result is not a
        assert result.data_ptr() == a.data_ptr()
        assert a.is_leaf
        np.testing.assert_array_equal(gradient(result.sum(), a), [5.0] * 3)

    def test_a_view_of_the_input(self):
        a = leaf()
        tail = function(lambda ctx, x: x[1:], lambda ctx, g: ac.cat([ac.zeros(1), g * 3.0]))
        result = tail.apply(a * 1.0)
        assert result._is_view()
        with raises(RuntimeError, "Output 0 of Custom", contains="is a view and is being modified inplace."):
            result.add_(1.0)
        np.testing.assert_array_equal(gradient(tail.apply(a).sum(), a), [0.0, 3.0, 3.0])

    def test_result_may_be_changed_in_place(self):
        a = leaf()
        result = function(lambda ctx, x: x * 2.0, lambda ctx, g: g * 2.0).apply(a)
        result.mul_(3.0)
        np.testing.assert_array_equal(gradient(result.sum(), a), [6.0] * 3)

    def test_attributes_of_the_context(self):
        def forward(ctx, x, factor):
            ctx.factor = factor
            return x * factor

        a = leaf()
        scale = function(forward, lambda ctx, g: (g * ctx.factor, None))
        np.testing.assert_array_equal(gradient(scale.apply(a, 4.0).sum(), a), [4.0] * 3)

    def test_keywords_are_inputs_too(self):
        """A tensor given by name gets its gradient in the place of its parameter."""
        a, b = leaf(), leaf([4.0, 5.0, 6.0])
        found = gradient(Multiply.apply(a, b=b).sum(), a, b)
        np.testing.assert_array_equal(found[0], [4.0, 5.0, 6.0])
        np.testing.assert_array_equal(found[1], [1.0, 2.0, 3.0])
        with raises(TypeError):
            Multiply.apply(a, b, c=a)

    def test_setup_context(self):
        class Scale(Function):
            @staticmethod
            def forward(x, factor):
                return x * factor

            @staticmethod
            def setup_context(ctx, inputs, output):
                x, ctx.factor = inputs
                ctx.save_for_backward(x, output)

            @staticmethod
            def backward(ctx, g):
                x, output = ctx.saved_tensors
                np.testing.assert_array_equal(to_numpy(output), to_numpy(x) * ctx.factor)
                return g * ctx.factor, None

        a = leaf()
        np.testing.assert_array_equal(gradient(Scale.apply(a, 4.0).sum(), a), [4.0] * 3)


class TestBackward:
    def test_gradients(self):
        a, b = leaf(), leaf([4.0, 5.0, 6.0])
        found = gradient(Multiply.apply(a, b).sum(), a, b)
        np.testing.assert_array_equal(found[0], [4.0, 5.0, 6.0])
        np.testing.assert_array_equal(found[1], [1.0, 2.0, 3.0])

    def test_double_backward(self):
        a = leaf()
        (first,) = ac.autograd.grad(Exp.apply(a).sum(), a, create_graph=True)
        np.testing.assert_array_equal(gradient(first.sum(), a), to_numpy(a.exp()))

    def test_third_order(self):
        a = leaf(2.0)
        value = Multiply.apply(Multiply.apply(a, a), a)
        for expected in (12.0, 12.0, 6.0):
            (value,) = ac.autograd.grad(value, a, create_graph=True)
            assert value.item() == expected

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_grad_mode(self, create_graph):
        modes = []
        a = leaf()
        watched = function(backward=lambda ctx, g: (modes.append(ac.is_grad_enabled()), g)[1])
        ac.autograd.grad(watched.apply(a).sum(), a, create_graph=create_graph)
        assert modes == [create_graph]

    def test_unused_results_get_zeros(self):
        """Missing gradients are materialised, except for results that are no tensors."""
        seen = []

        def backward(ctx, *gradients):
            seen.extend(gradients)
            return gradients[0]

        a = leaf()
        _, result, _ = function(lambda ctx, x: (x * 1.0, x * 2.0, 3), backward).apply(a)
        result.sum().backward()
        assert [g if g is None else g.tolist() for g in seen] == [[0.0] * 3, [1.0] * 3, None]

    def test_none_is_no_gradient(self):
        a = leaf()
        silent = function(backward=lambda ctx, g: None)
        silent.apply(a).sum().backward()
        assert a.grad is None
        assert ac.autograd.grad(silent.apply(a).sum(), a, allow_unused=True) == (None,)
        with raises(RuntimeError, "The differentiated Tensor at index 0 appears to not have been used in the graph."):
            ac.autograd.grad(silent.apply(a).sum(), a)

    def test_none_for_one_of_two(self):
        a, b = leaf(), leaf()
        left = function(lambda ctx, x, y: x * y, lambda ctx, g: (g * 9.0, None))
        left.apply(a, b).sum().backward()
        assert a.grad.tolist() == [9.0] * 3
        assert b.grad is None

    def test_none_deep_in_a_graph(self):
        """A node that gets no gradient at all from one side still gets the other side's."""
        a = leaf()
        b = a * 2.0
        cut = function(backward=lambda ctx, g: None).apply(b)
        np.testing.assert_array_equal(gradient((cut + b * 3.0).sum(), a), [6.0] * 3)

    def test_trailing_nones_may_be_extra(self):
        a = leaf()
        function(backward=lambda ctx, g: (g, None, None)).apply(a).sum().backward()
        assert a.grad.tolist() == [1.0] * 3

    def test_needs_input_grad(self):
        seen = []

        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            return g, g, None

        three = function(lambda ctx, x, y, k: x * y, backward)
        a, b = leaf(), leaf()
        three.apply(a, b, 3).sum().backward()
        three.apply(a, ac.ones(3), 3).sum().backward()
        ac.autograd.grad(three.apply(a, b, "k").sum(), b)
        assert seen == [(True, True, False), (True, False, False), (True, True, False)]

    @pytest.mark.parametrize(
        ("shape", "returned"),
        [((3,), (2, 3)), ((1, 3), (4, 3)), ((), (5,)), ((2, 1), (2, 4))],
    )
    def test_a_broadcast_gradient_is_summed(self, shape, returned):
        a = leaf(np.ones(shape))
        function(backward=lambda ctx, g: ac.ones(returned)).apply(a).sum().backward()
        assert tuple(a.grad.shape) == shape
        assert a.grad.sum().item() == np.prod(returned)

    def test_gradient_of_another_layout(self):
        a = leaf([[1.0, 2.0], [3.0, 4.0]])
        given = ac.tensor([[1.0, 2.0], [3.0, 4.0]])
        function(backward=lambda ctx, g: given.t()).apply(a).sum().backward()
        assert a.grad.tolist() == [[1.0, 3.0], [2.0, 4.0]]
        a.grad.zero_()
        assert given.tolist() == [[1.0, 2.0], [3.0, 4.0]]

    def test_the_same_gradient_for_two_inputs(self):
        a, b = leaf(), leaf()
        function(lambda ctx, x, y: x + y, lambda ctx, g: (g, g)).apply(a, b).backward(ac.ones(3))
        a.grad.add_(1.0)
        assert b.grad.tolist() == [1.0] * 3

    def test_an_input_used_twice(self):
        a = leaf()
        np.testing.assert_array_equal(gradient(Multiply.apply(a, a).sum(), a), [2.0, 4.0, 6.0])

    def test_vjp_is_another_name(self):
        class Scale(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1.0

            @staticmethod
            def vjp(ctx, g):
                return g * 7.0

        a = leaf()
        np.testing.assert_array_equal(gradient(Scale.apply(a).sum(), a), [7.0] * 3)

    def test_hooks_on_results(self):
        a = leaf()
        result = Multiply.apply(a, ac.ones(3))
        result.register_hook(lambda g: g * 10.0)
        np.testing.assert_array_equal(gradient(result.sum(), a), [10.0] * 3)


class TestSavedTensors:
    def test_are_the_inputs(self):
        a = leaf()
        saved = Multiply.apply(a, ac.ones(3)).grad_fn.saved_tensors
        assert isinstance(saved, tuple)
        assert saved[0] is a

    def test_output_has_the_node_as_its_history(self):
        result = Exp.apply(leaf())
        assert result.grad_fn.saved_tensors[0].grad_fn is result.grad_fn

    def test_none_may_be_saved(self):
        def forward(ctx, x):
            ctx.save_for_backward(x, None)
            return x * 1.0

        result = function(forward).apply(leaf())
        assert result.grad_fn.saved_tensors[1] is None

    def test_nothing_saved(self):
        assert function().apply(leaf()).grad_fn.saved_tensors == ()

    def test_freed_after_backward(self):
        a = leaf()
        result = Multiply.apply(a, a).sum()
        node = result.grad_fn.next_functions[0][0]
        result.backward()
        with raises(RuntimeError, SECOND_BACKWARD):
            result.backward()
        with raises(RuntimeError, SECOND_BACKWARD):
            node.saved_tensors  # noqa: B018

    def test_retained(self):
        a = leaf()
        result = Multiply.apply(a, a).sum()
        result.backward(retain_graph=True)
        result.backward()
        assert a.grad.tolist() == [4.0, 8.0, 12.0]

    def test_stale_input(self):
        a = leaf() * 1.0
        result = Multiply.apply(a, ac.ones(3))
        a.add_(1.0)
        with raises(RuntimeError, STALE):
            result.sum().backward()

    def test_stale_output(self):
        result = Exp.apply(leaf())
        result.add_(1.0)
        with raises(RuntimeError, f"{STALE}[torch.DoubleTensor [3]], which is output 0 of Exp"):
            result.sum().backward()

    def test_only_tensors(self):
        def forward(ctx, x):
            ctx.save_for_backward(x, 3)
            return x * 1.0

        with raises(TypeError, "save_for_backward can only save variables, but argument 1 is of type int"):
            function(forward).apply(leaf())


class Boom(Exception):
    """What a Function raises here."""


def boom(*args):
    """Raises, as forward or backward."""
    raise Boom("here")


INVALID_GRADIENT = "Function CustomBackward returned an invalid gradient at index 0 -"


class TestErrors:
    @pytest.mark.parametrize(
        ("returned", "sentence"),
        [
            (lambda g: (g, g), "function CustomBackward returned an incorrect number of gradients (expected 1, got 2)"),
            (lambda g: (), "function CustomBackward returned an incorrect number of gradients (expected 1, got 0)"),
            (lambda g: 3, "expected Variable or None (got int)"),
            (lambda g: (g.tolist(),), "expected Variable or None (got list)"),
            (lambda g: ac.ones(4), f"{INVALID_GRADIENT} got [4] but expected shape compatible with [3]"),
            (lambda g: g.sum(), f"{INVALID_GRADIENT} got [] but expected shape compatible with [3]"),
        ],
        ids=["too_many", "none_at_all", "number", "list", "shape", "too_small"],
    )
    def test_wrong_gradients(self, returned, sentence):
        a = leaf()
        result = function(backward=lambda ctx, g: returned(g)).apply(a).sum()
        with unchanged(a), raises(RuntimeError, sentence):
            result.backward()

    def test_too_few_gradients(self):
        a = leaf()
        result = function(lambda ctx, x, y: x * y).apply(a, a).sum()
        sentence = "function CustomBackward returned an incorrect number of gradients (expected 2, got 1)"
        with raises(RuntimeError, sentence):
            result.backward()

    def test_exception_in_forward(self):
        a = leaf()
        with unchanged(a), raises(Boom):
            function(forward=boom).apply(a)
        assert ac.is_grad_enabled()

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_exception_in_backward(self, create_graph):
        a = leaf()
        result = function(backward=boom).apply(a * a).sum()
        with unchanged(a), raises(Boom) as info:
            result.backward(create_graph=create_graph, retain_graph=True)
        assert info.traceback[-1].name == "boom"
        assert ac.is_grad_enabled()
        (a * 2.0).sum().backward()
        assert a.grad.tolist() == [2.0] * 3

    def test_no_forward(self):
        class Empty(Function):
            pass

        with raises(NotImplementedError, "You must implement the forward function for custom autograd.Function."):
            Empty.apply(leaf())

    def test_no_backward(self):
        class Half(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2.0

        result = Half.apply(leaf()).sum()
        sentence = "You must implement either the backward or vjp method for your custom autograd.Function to use it"
        with raises(NotImplementedError, sentence):
            result.backward()

    def test_backward_and_vjp(self):
        class Both(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2.0

            @staticmethod
            def backward(ctx, g):
                return g

            vjp = backward

        with raises(RuntimeError, "Implementing both 'backward' and 'vjp' for a custom Function is not allowed."):
            Both.apply(leaf()).sum().backward()

    def test_arguments_of_forward(self):
        a = leaf()
        with raises(TypeError, "Multiply.forward() missing 1 required positional argument: 'b'"):
            Multiply.apply(a)
        with raises(TypeError, "Multiply.forward() takes 3 positional arguments but 4 were given"):
            Multiply.apply(a, a, a)

    def test_a_plain_result_has_no_graph(self):
        with raises(RuntimeError, NO_GRAPH):
            function().apply(ac.ones(())).backward()

    def test_tensors_in_lists_are_not_tracked(self):
        a = leaf()
        result = function(lambda ctx, tensors: tensors[0] * 2.0).apply([a])
        assert not result.requires_grad


def test_a_function_after_a_module_has_been_made_first():
    """What loads late loads once: in a process of its own, where nn is the first to ask for autograd."""
    if IS_TORCH:
        pytest.skip("nothing loads late")
    code = """
import autograd_c as ac
ac.nn.Linear(2, 2)
class Double(ac.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2.0 * x
    @staticmethod
    def backward(ctx, g):
        return 2.0 * g
x = ac.ones(2, requires_grad=True)
Double.apply(x).sum().backward()
print(x.grad.tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[2.0, 2.0]"
