"""gradcheck and gradgradcheck: what is right passes, what is wrong is caught, in PyTorch's words."""

import importlib
from itertools import count

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import deviation, raises

gradcheck, gradgradcheck = ac.autograd.gradcheck, ac.autograd.gradgradcheck
GradcheckError = importlib.import_module(ac.__name__ + ".autograd.gradcheck").GradcheckError
Function = ac.autograd.Function

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
modes = pytest.mark.parametrize("fast_mode", [False, True])


def matrix(requires_grad=True):
    return ac.tensor([[0.5, 1.5], [2.0, 3.0]], dtype=ac.float64, requires_grad=requires_grad)


def function(forward, backward, **methods):
    members = {"forward": forward, "backward": backward, **methods}
    return type("Custom", (Function,), {key: staticmethod(value) for key, value in members.items()}).apply


def squared(ctx, x):
    ctx.save_for_backward(x)
    return x * x


wrong = function(squared, lambda ctx, g: g * 3.0 * ctx.saved_tensors[0])
wrong_tangent = function(lambda ctx, x: x * 2.0, lambda ctx, g: g * 2.0, jvp=lambda ctx, t: t * 3.0)
MISMATCH = "Jacobian mismatch for output 0 with respect to input 0,\nnumerical:"
FORWARD_MISMATCH = "Jacobian computed with forward mode mismatch for output 0 with respect to input 0,\nnumerical:"


class TestRight:
    @modes
    @pytest.mark.parametrize(
        "program",
        [
            lambda x: x.sin(),
            lambda x: (x * x, x.sum(0)),
            lambda x: [x.exp(), x.t()],
            lambda x: x,
            lambda x: x @ x,
            lambda x: x[0].prod(),
            lambda x: x.softmax(1),
            lambda x: (x > 1).long(),
            lambda x: (x * 2.0, (x > 1).long()),
            lambda x: ac.ones(2, dtype=ac.float64),
        ],
    )
    def test_programs(self, program, fast_mode):
        if IS_TORCH and "2.0, (x > 1)" in str(program.__code__.co_consts):
            pytest.skip("torch subtracts outputs of other dtypes")
        x = matrix()
        before = to_numpy(x.detach()).copy()
        assert gradcheck(program, x, fast_mode=fast_mode) is True
        np.testing.assert_array_equal(to_numpy(x.detach()), before)
        assert x.grad is None

    @modes
    def test_several_inputs(self, fast_mode):
        assert gradcheck(
            lambda a, b, n, c: (a * b**n, a + c), (matrix(), matrix(), 2, matrix(False)), fast_mode=fast_mode
        )
        assert gradcheck(lambda a: a * 2.0, [matrix()], fast_mode=fast_mode)

    @modes
    def test_every_check(self, fast_mode):
        assert gradcheck(
            lambda x: (x.sin() * x).sum(0),
            matrix(),
            check_forward_ad=True,
            check_batched_grad=True,
            check_batched_forward_grad=True,
            check_grad_dtypes=True,
            masked=True,
            fast_mode=fast_mode,
        )

    @modes
    def test_second_derivatives(self, fast_mode):
        assert gradgradcheck(lambda x: x.sin() * x, matrix(), fast_mode=fast_mode)
        assert gradgradcheck(
            lambda x: x.exp(), matrix(), ac.ones(2, 2, dtype=ac.float64, requires_grad=True), fast_mode=fast_mode
        )
        assert gradgradcheck(lambda x: x.exp(), matrix(), gen_non_contig_grad_outputs=True, fast_mode=fast_mode)
        assert gradgradcheck(lambda x: x.sin() * x, matrix(), check_fwd_over_rev=True, fast_mode=fast_mode)

    def test_scalars_and_empty_tensors(self):
        assert gradcheck(lambda x: x.prod(), matrix(), check_batched_grad=True)
        assert gradgradcheck(lambda x: x.prod(), matrix())
        assert gradcheck(lambda x: x.exp(), ac.tensor(0.5, dtype=ac.float64, requires_grad=True))
        assert gradcheck(lambda x: x.exp(), ac.zeros(0, dtype=ac.float64, requires_grad=True))

    @modes
    def test_strided_inputs(self, fast_mode):
        base = ac.tensor(np.arange(12.0).reshape(3, 4) / 7.0)
        x = base.t()[1:3].detach().requires_grad_()
        assert gradcheck(lambda t: t.exp().sum(1), x, fast_mode=fast_mode)


class TestWrong:
    @modes
    def test_value(self, fast_mode):
        with raises(GradcheckError, MISMATCH):
            gradcheck(wrong, matrix(), fast_mode=fast_mode)
        assert gradcheck(wrong, matrix(), raise_exception=False, fast_mode=fast_mode) is False

    def test_matrices_are_shown(self):
        with pytest.raises(GradcheckError) as caught:
            gradcheck(wrong, matrix())
        numerical, analytical = str(caught.value).split("analytical:")
        assert "tensor([[1.0000, 0.0000, 0.0000, 0.0000],\n        [0.0000, 3.0000," in numerical
        assert "tensor([[1.5000, 0.0000, 0.0000, 0.0000],\n        [0.0000, 4.5000," in analytical

    @modes
    def test_no_gradient(self, fast_mode):
        with raises(GradcheckError, MISMATCH):
            gradcheck(function(lambda ctx, x: x * x, lambda ctx, g: None), matrix(), fast_mode=fast_mode)

    @modes
    def test_of_the_second_input(self, fast_mode):
        with raises(GradcheckError, "Jacobian mismatch for output 0 with respect to input 1,\n"):
            gradcheck(lambda a, b: a * wrong(b), (matrix(), matrix()), fast_mode=fast_mode)

    @modes
    def test_of_the_second_output(self, fast_mode):
        with raises(GradcheckError, "Jacobian mismatch for output 1 with respect to input 0,\n"):
            gradcheck(lambda x: (x * 1.0, wrong(x)), matrix(), fast_mode=fast_mode)

    @modes
    def test_tangent(self, fast_mode):
        assert gradcheck(wrong_tangent, matrix(), fast_mode=fast_mode)
        with raises(GradcheckError, FORWARD_MISMATCH):
            gradcheck(wrong_tangent, matrix(), check_forward_ad=True, fast_mode=fast_mode)
        with raises(GradcheckError, FORWARD_MISMATCH):
            gradcheck(wrong_tangent, matrix(), check_forward_ad=True, check_backward_ad=False, fast_mode=fast_mode)

    @modes
    def test_second_derivative(self, fast_mode):
        cubed = function(
            lambda ctx, x: (ctx.save_for_backward(x), x**3.0)[1],
            lambda ctx, g: g * 3.0 * ctx.saved_tensors[0].detach() ** 2.0,
        )
        assert gradcheck(cubed, matrix(), fast_mode=fast_mode)
        with raises(GradcheckError, "Jacobian mismatch for output 0 with respect to input 0,\n"):
            gradgradcheck(cubed, matrix(), fast_mode=fast_mode)

    def test_tolerances(self):
        assert gradcheck(lambda x: x.exp(), matrix(), eps=1e-3)
        with raises(GradcheckError, MISMATCH):
            gradcheck(lambda x: x.exp(), matrix(), eps=1e-1, atol=1e-9, rtol=1e-9)
        assert gradcheck(wrong, matrix(), atol=10.0)
        assert gradcheck(wrong, matrix(), rtol=1.0)

    @pytest.mark.parametrize("tolerance", [0.0, 1e-5])
    def test_not_deterministic(self, tolerance):
        calls = count()
        drifting = function(lambda ctx, x: x * 1.0, lambda ctx, g: g * (1.0 + 1e-8 * next(calls)))
        if tolerance:
            assert gradcheck(drifting, matrix(), nondet_tol=tolerance)
            return
        message = "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times"
        for fast_mode in (False, True):
            with raises(GradcheckError, message):
                gradcheck(drifting, matrix(), fast_mode=fast_mode)

    def test_gradient_that_is_not_multiplied(self):
        ones = function(lambda ctx, x: x.sum(), lambda ctx, g: ac.ones(2, 2, dtype=ac.float64))
        assert gradcheck(lambda x: x.sum(), matrix())
        with raises(GradcheckError, "backward not multiplied by grad_output"):
            gradcheck(ones, matrix())

    @pytest.mark.filterwarnings("ignore:Backwards compatibility:UserWarning")
    @pytest.mark.parametrize("right", [True, False])
    def test_missing_gradients(self, right):
        """A Function that asks for None instead of zeros has to take it for zeros."""

        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2.0, x * 3.0

        def backward(ctx, g, h):
            if g is None and h is None:
                return None
            if g is None:
                return h * 3.0 if right else h * 5.0
            return g * 2.0 if h is None else g * 2.0 + h * 3.0

        custom = function(forward, backward)
        if right:
            assert gradcheck(custom, matrix())
            return
        with raises(GradcheckError, "Jacobian mismatch for output 1 with respect to input 0,\n"):
            gradcheck(custom, matrix())

    def test_output_that_is_cut_off(self):
        with raises(GradcheckError, "Numerical gradient for function expected to be zero"):
            gradcheck(lambda x: x.detach() * 2.0, matrix())


class TestRefused:
    @pytest.mark.parametrize("inputs", [matrix(False), (3,), {"a": 1}])
    def test_nothing_to_check(self, inputs):
        with raises(ValueError, "gradcheck expects at least one input tensor to require gradient, but none of them"):
            gradcheck(lambda x: x, inputs)

    def test_overlapping_input(self):
        with raises(RuntimeError, "The 0th input has a dimension with stride 0."):
            gradcheck(lambda x: x * 2.0, ac.ones(1, dtype=ac.float64).expand(3).requires_grad_())

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"check_backward_ad": False}, "Expected at least one of check_forward_ad or check_backward_ad to be True"),
            (
                {"check_backward_ad": False, "check_forward_ad": True, "check_batched_grad": True},
                "Setting check_batched_grad=True requires check_backward_ad to be True",
            ),
            (
                {"check_batched_forward_grad": True},
                "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
            ),
        ],
    )
    def test_options(self, options, message):
        with raises(AssertionError, message):
            gradcheck(lambda x: x.sin(), matrix(), **options)

    def test_second_derivatives_of_neither_kind(self):
        with raises(AssertionError, "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"):
            gradgradcheck(lambda x: x.sin(), matrix(), check_rev_over_rev=False)

    @pytest.mark.parametrize("raise_exception", [True, False])
    def test_errors_of_the_function_are_let_through(self, raise_exception):
        def failing(ctx, g):
            raise KeyError("backward")

        x = matrix()
        with pytest.raises(KeyError):
            gradcheck(function(squared, failing), x, raise_exception=raise_exception)
        assert to_numpy(x.detach()).tolist() == [[0.5, 1.5], [2.0, 3.0]]


@deviation("torch draws from its global generator")
def test_no_random_number_is_drawn():
    state = ac.get_rng_state()
    gradgradcheck(lambda x: x.sin(), matrix(), fast_mode=True)
    gradcheck(lambda x: x.sin(), matrix(), fast_mode=True, check_batched_grad=True)
    assert bool((ac.get_rng_state() == state).all())


def product(jvp):
    """x * y with this tangent."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        ctx.save_for_forward(x, y)
        return x * y

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x

    return function(forward, backward, jvp=jvp)


class TestTangents:
    def pair(self):
        return tuple(ac.tensor([0.5, k], dtype=ac.float64, requires_grad=True) for k in (1.5, 2.5))

    @modes
    def test_all_inputs_are_dual(self, fast_mode):
        """A tangent that is wrong only where both inputs have one is found."""

        def jvp(ctx, tx, ty):
            x, y = ctx.saved_tensors
            if tx is not None and ty is not None:
                return tx * y + 2.0 * ty * x
            return tx * y if ty is None else ty * x

        def without_zeros(ctx, x, y):
            ctx.set_materialize_grads(False)
            ctx.save_for_forward(x, y)
            return x * y

        f = function(without_zeros, lambda ctx, g: (g, g), jvp=jvp)
        with pytest.raises(GradcheckError) as info:
            gradcheck(f, self.pair(), check_forward_ad=True, check_backward_ad=False, fast_mode=fast_mode)
        assert str(info.value).startswith(FORWARD_MISMATCH.replace("input 0", "input 1"))

    def test_missing_tangents(self):
        """An input without a tangent must count like one with zeros."""

        def forward(ctx, x, y):
            ctx.set_materialize_grads(False)
            ctx.save_for_forward(x, y)
            return x * y

        def jvp(ctx, tx, ty):
            x, y = ctx.saved_tensors
            if tx is None:
                return 3.0 * ty * x
            return tx * y if ty is None else tx * y + ty * x

        f = function(forward, lambda ctx, g: (g, g), jvp=jvp)
        options = dict(check_forward_ad=True, check_backward_ad=False)
        with pytest.raises(GradcheckError) as info:
            gradcheck(f, self.pair(), **options)
        assert "Mismatch in tangent values for output with index: " in str(info.value.args[0])
        assert gradcheck(f, self.pair(), check_undefined_grad=False, **options)

    def test_right(self):
        def jvp(ctx, tx, ty):
            x, y = ctx.saved_tensors
            return tx * y + ty * x

        assert gradcheck(product(jvp), self.pair(), check_forward_ad=True)

    @modes
    def test_backward_comes_first(self, fast_mode):
        f = function(lambda ctx, x: x * 2.0, lambda ctx, g: g * 3.0, jvp=lambda ctx, t: t * 5.0)
        with pytest.raises(GradcheckError) as info:
            gradcheck(f, matrix(), check_forward_ad=True, fast_mode=fast_mode)
        assert str(info.value).startswith(MISMATCH)


@modes
def test_inputs_are_counted_among_those_that_require_gradients(fast_mode):
    def forward(ctx, constant, x):
        return constant * x

    f = function(forward, lambda ctx, g: (None, g * 7.0))
    with pytest.raises(GradcheckError) as info:
        gradcheck(f, (matrix(False), matrix()), fast_mode=fast_mode)
    assert str(info.value).startswith(MISMATCH)


def test_sizes_that_change():
    """Of the outputs, with the elements."""
    x = ac.tensor([1.0, -1.0], dtype=ac.float64, requires_grad=True)
    with pytest.raises(AssertionError) as info:
        gradcheck(lambda t: t[t >= 1.0], x)
    assert str(info.value).startswith("Expected `func` to return outputs with the same shape when inputs are perturbed")
