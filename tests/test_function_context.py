"""Custom functions beyond forward and backward: changes in place, forward mode, one derivative only, errors."""

import gc
import weakref

import numpy as np
import pytest
from module import ac, to_numpy
from support import deviation, gradient, leaf, name, raises

Function = ac.autograd.Function
forward_ad = ac.autograd.forward_ad
once_differentiable = __import__(ac.__name__ + ".autograd.function", fromlist=["x"]).once_differentiable


def function(forward, backward=lambda ctx, g: g * 2.0, **methods):
    """A Function made of callables."""
    members = {"forward": forward, "backward": backward, **methods}
    return type("Custom", (Function,), {key: staticmethod(value) for key, value in members.items()})


def tangent_of(custom, *inputs):
    """The tangents of the results; `inputs` are tensors or pairs (tensor, tangent)."""
    with forward_ad.dual_level():
        result = custom.apply(*(forward_ad.make_dual(*x) if isinstance(x, tuple) else x for x in inputs))
        results = result if isinstance(result, tuple) else (result,)
        tangents = [forward_ad.unpack_dual(r).tangent for r in results]
        return [t if t is None else to_numpy(t.detach()).copy() for t in tangents]


def doubled(ctx, x, *others):
    x.mul_(2.0)
    ctx.mark_dirty(x)
    return (x, *[y * 1.0 for y in others]) if others else x


class TestDirty:
    def test_result_is_the_input(self):
        a = leaf()
        b = a * 1.0
        version = b._version
        assert function(doubled).apply(b) is b
        assert name(b) == "CustomBackward"
        assert b._version > version
        np.testing.assert_array_equal(gradient(b.sum(), a), [2.0] * 3)

    def test_leaf(self):
        with raises(RuntimeError, "a leaf Variable that requires grad has been used in an in-place operation."):
            function(doubled).apply(leaf())

    def test_constant(self):
        c = ac.ones(2)
        version = c._version
        assert function(doubled).apply(c) is c
        assert c.tolist() == [2.0, 2.0]
        assert not c.requires_grad
        assert c._version > version

    def test_view(self):
        a = leaf()
        b = a * 1.0
        v = b[:1]
        assert function(doubled).apply(v) is v
        assert name(v) == "AsStridedBackward0"
        assert name(b) == "CopySlices"
        np.testing.assert_array_equal(gradient((b * ac.tensor([1.0, 10.0, 100.0])).sum(), a), [2.0, 10.0, 100.0])

    @deviation("torch takes the gradient of the first input for that of the view, whichever was changed")
    def test_view_that_is_not_the_first_input(self):
        def forward(ctx, factor, x):
            ctx.save_for_backward(factor, x.clone())
            x.mul_(factor)
            ctx.mark_dirty(x)
            return x

        def backward(ctx, g):
            factor, x = ctx.saved_tensors
            return (g * x).sum(), g * factor

        a, factor = leaf(), leaf(3.0)
        b = a * 1.0
        function(forward, backward).apply(factor, b[1:])
        np.testing.assert_array_equal(gradient(b.sum(), a, retain_graph=True), [1.0, 3.0, 3.0])
        np.testing.assert_array_equal(gradient(b.sum(), factor), 5.0)

    def test_view_with_several_results(self):
        with raises(RuntimeError, "If your Function modifies inplace an input that is a view of another Tensor"):
            function(doubled, lambda ctx, g, h: (g, h)).apply((leaf() * 1.0)[:1], leaf())

    def test_several_results(self):
        a, other = leaf(), leaf()
        b = a * 1.0
        first, second = function(doubled, lambda ctx, g, h: (g * 2.0, h * 5.0)).apply(b, other)
        assert first is b
        found = gradient((first + second).sum(), a, other)
        np.testing.assert_array_equal(found, [[2.0] * 3, [5.0] * 3])

    def test_not_returned(self):
        def forward(ctx, x):
            return doubled(ctx, x) * 1.0

        with raises(RuntimeError, "Some elements marked as dirty during the forward method were not returned as"):
            function(forward).apply(leaf() * 1.0)

    def test_not_an_input(self):
        def forward(ctx, x):
            y = x * 2.0
            ctx.mark_dirty(y)
            return y

        with pytest.warns(UserWarning, match="received a tensor that was not an input"):
            function(forward).apply(leaf() * 1.0)

    def test_saved_too(self):
        def forward(ctx, x):
            x.exp_()
            ctx.mark_dirty(x)
            ctx.save_for_backward(x)
            return x

        a = leaf()
        y = function(forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(a * 1.0)
        first = ac.autograd.grad(y.sum(), a, create_graph=True)[0]
        np.testing.assert_allclose(to_numpy(first.detach()), np.exp([1.0, 2.0, 3.0]))
        np.testing.assert_allclose(gradient(first.sum(), a), np.exp([1.0, 2.0, 3.0]))

    def test_with_setup_context(self):
        custom = function(lambda x: x.mul_(2.0), setup_context=lambda ctx, inputs, output: ctx.mark_dirty(inputs[0]))
        a = leaf()
        b = a * 1.0
        assert custom.apply(b) is b
        np.testing.assert_array_equal(gradient(b.sum(), a), [2.0] * 3)


X, T = [1.0, 2.0], [3.0, 4.0]


def dual():
    return ac.tensor(X, dtype=ac.float64), ac.tensor(T, dtype=ac.float64)


def squared(ctx, x):
    ctx.save_for_forward(x)
    ctx.save_for_backward(x)
    return x * x


def squared_jvp(ctx, t):
    (x,) = ctx.saved_tensors
    return 2.0 * x * t


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
class TestForwardMode:
    def test_jvp(self):
        np.testing.assert_array_equal(tangent_of(function(squared, jvp=squared_jvp), dual())[0], [6.0, 16.0])

    def test_without_jvp(self):
        with raises(NotImplementedError, "You must implement the jvp function for custom autograd.Function"):
            tangent_of(function(squared), dual())

    @pytest.mark.parametrize("zeros", [True, False])
    def test_missing_tangents(self, zeros):
        def forward(ctx, x, y, number):
            ctx.set_materialize_grads(zeros)
            return x * y

        seen = []
        custom = function(forward, jvp=lambda ctx, *ts: seen.append(ts) or ts[0])
        tangent_of(custom, dual(), ac.ones(2, dtype=ac.float64), 3)
        ((first, second, third),) = seen
        assert first.tolist() == T
        assert third is None
        assert second.tolist() == [0.0, 0.0] if zeros else second is None

    def test_forward_sees_no_tangents(self):
        def forward(ctx, x):
            assert forward_ad.unpack_dual(x).tangent is None
            return x.sin()

        assert tangent_of(function(forward, jvp=lambda ctx, t: t * 7.0), dual())[0].tolist() == [21.0, 28.0]

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (lambda t: (t, t), "Function's jvp returned an invalid number of forward gradients (expected 1 but got 2)"),
            (lambda t: 3, "expected Variable or None (got int) for grad output 0."),
            (lambda t: t.sum(), "Trying to set a forward gradient that has a different size than that of the original"),
        ],
    )
    def test_wrong_results(self, result, message):
        with raises(RuntimeError, message):
            tangent_of(function(squared, jvp=lambda ctx, t: result(t)), dual())

    def test_no_derivative(self):
        def forward(ctx, x):
            y = x * 2.0
            ctx.mark_non_differentiable(y)
            return y

        assert tangent_of(function(forward, jvp=lambda ctx, t: None), dual()) == [None]
        with raises(RuntimeError, "Function's jvp returned a gradient at position 0, but"):
            tangent_of(function(forward, jvp=lambda ctx, t: t), dual())

    def test_in_place(self):
        custom = function(doubled, jvp=lambda ctx, t: t.mul_(2.0))
        assert tangent_of(custom, dual())[0].tolist() == [6.0, 8.0]
        with raises(RuntimeError, "An inplace custom Function is not modifying the forward mode gradients inplace."):
            tangent_of(function(doubled, jvp=lambda ctx, t: t * 2.0), dual())

    def test_views(self):
        def forward(ctx, x):
            return x.view(2, 1)

        assert tangent_of(function(forward, jvp=lambda ctx, t: t.view(2, 1)), dual())[0].tolist() == [[3.0], [4.0]]
        with raises(RuntimeError, "A custom Function is returning a view but the jvp is not returning a view of the"):
            tangent_of(function(forward, jvp=lambda ctx, t: (t * 1.0).view(2, 1)), dual())
        with raises(RuntimeError, "A custom Function's forward is returning a view (or an input as-is) but the jvp"):
            tangent_of(function(lambda ctx, x: x, jvp=lambda ctx, t: t * 1.0), dual())

    def test_forward_over_reverse_and_back(self):
        custom = function(squared, lambda ctx, g: 2.0 * g * ctx.saved_tensors[0], jvp=squared_jvp)
        x = leaf(X)
        with forward_ad.dual_level():
            primal, tangent = forward_ad.unpack_dual(custom.apply(forward_ad.make_dual(x, dual()[1])))
            np.testing.assert_array_equal(gradient(primal.sum(), x, retain_graph=True), [2.0, 4.0])
            np.testing.assert_array_equal(gradient(tangent.sum(), x), [6.0, 8.0])

    def test_an_exception_leaves_the_tangents(self):
        def forward(ctx, x):
            raise KeyError("forward")

        with forward_ad.dual_level():
            x = forward_ad.make_dual(*dual())
            with pytest.raises(KeyError):
                function(forward).apply(x)
            assert forward_ad.unpack_dual(x).tangent.tolist() == T


class TestOnceDifferentiable:
    def custom(self):
        return function(lambda ctx, x: x * x, once_differentiable(lambda ctx, g: g * ac.ones(3, dtype=ac.float64)))

    def test_first_derivative(self):
        x = leaf()
        (found,) = ac.autograd.grad(self.custom().apply(x).sum(), x, create_graph=True)
        assert found.tolist() == [1.0] * 3

    def test_second_derivative(self):
        x, weight = leaf(), leaf()
        (found,) = ac.autograd.grad((self.custom().apply(x) * weight).sum(), x, create_graph=True)
        assert found.requires_grad
        with raises(RuntimeError, "trying to differentiate twice a function that was marked with @once_differentiable"):
            found.sum().backward()


class TestRefused:
    @pytest.mark.parametrize("method", ["mark_dirty", "mark_non_differentiable", "save_for_backward"])
    def test_no_tensor(self, method):
        def forward(ctx, x):
            getattr(ctx, method)(3)

        with pytest.raises((RuntimeError, TypeError), match=r"can only|only accepts"):
            function(forward).apply(leaf())

    def test_save_for_forward(self):
        with raises(AssertionError, "save_for_forward expects all arguments to be tensors"):
            function(lambda ctx, x: ctx.save_for_forward(3)).apply(leaf())

    def test_call_of_an_instance(self):
        with pytest.warns(DeprecationWarning, match="should not be instantiated"):
            instance = function(squared)()
        with raises(RuntimeError, "Legacy autograd function with non-static forward method is deprecated."):
            instance(leaf())

    def test_both_names_of_the_derivative(self):
        y = function(lambda ctx, x: x * 1.0, vjp=lambda ctx, g: g).apply(leaf())
        with raises(RuntimeError, "Implementing both 'backward' and 'vjp' for a custom Function is not allowed."):
            y.sum().backward()

    def test_vmap(self):
        assert Function.generate_vmap_rule is False
        with raises(NotImplementedError, "To use autograd.Function with vmap, you must either override the vmap"):
            Function.vmap(None, None)

    @pytest.mark.parametrize("returned", [lambda x: [x * 2.0], lambda x: {"y": x * 2.0}])
    def test_tensors_in_other_containers_have_no_history(self, returned):
        found = function(lambda ctx, x: returned(x)).apply(leaf())
        (y,) = found.values() if isinstance(found, dict) else found
        assert not y.requires_grad


def test_several_views_may_not_be_changed():
    both = function(lambda ctx, x: (x.view(3), x[:1]), lambda ctx, g, h: g)
    with raises(RuntimeError, "Output 0 of Custom", contains="is the output of a function that returns multiple views"):
        both.apply(leaf() * 1.0)[0].add_(1.0)


def test_raw_saved_tensors():
    y = function(squared, lambda ctx, g: 2.0 * g * ctx.saved_tensors[0]).apply(leaf())
    (raw,) = y.grad_fn._raw_saved_tensors
    raw.register_hooks(lambda t: t.detach() * 10.0, lambda t: t)
    assert y.grad_fn.saved_tensors[0].tolist() == [10.0, 20.0, 30.0]


@pytest.mark.parametrize("method", ["mark_dirty", "save_for_backward", "attribute"])
def test_a_context_that_refers_to_its_results_is_collected(method):
    class Marker:
        pass

    def forward(ctx, x):
        ctx.marker = marker
        x.mul_(2.0)
        ctx.mark_dirty(x)
        if method == "save_for_backward":
            ctx.save_for_backward(x)
        elif method == "attribute":
            ctx.kept = x
        return x

    marker = Marker()
    gone = weakref.ref(marker)
    function(forward).apply(leaf() * 1.0)
    marker = forward = None
    gc.collect()
    assert gone() is None
