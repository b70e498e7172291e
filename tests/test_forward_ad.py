"""Forward mode: dual levels, duals and their tangents, in place, over views, together with reverse mode.

That every op's tangent is right is tested row by row elsewhere; here an op stands for its kind, and is checked against
reverse mode: for any direction, the tangent is the gradient times the direction.
"""

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import all_in_threads, deviation, gradient, leaf, quiet, raises, unchanged, weights

fw = ac.autograd.forward_ad


@pytest.fixture(scope="module", autouse=True)
def warm():
    """torch compiles its decompositions, with deprecation warnings, when the first dual is unpacked."""
    if IS_TORCH:
        with quiet(), fw.dual_level():
            fw.unpack_dual(ac.ones(1))


@pytest.fixture
def level():
    """Inside a dual level."""
    with fw.dual_level():
        yield


def dual(primal=(1.0, 2.0, 3.0), tangent=(10.0, 20.0, 30.0)):
    """A dual tensor of two lists."""
    return fw.make_dual(ac.tensor(primal), ac.tensor(tangent))


def tangent(tensor):
    """The tangent of a dual as a list, or None."""
    found = fw.unpack_dual(tensor).tangent
    return None if found is None else found.tolist()


class TestLevels:
    def test_number(self):
        with fw.dual_level() as number:
            assert number == 0

    def test_enter_and_exit(self):
        assert fw.enter_dual_level() == 0
        assert tangent(dual()) == [10.0, 20.0, 30.0]
        fw.exit_dual_level()
        with raises(RuntimeError, "Trying to create a dual Tensor for forward AD but no level exists"):
            dual()

    def test_not_nested(self, level):
        with raises(RuntimeError, "Nested forward mode AD is not supported at the moment"):
            fw.enter_dual_level()

    def test_usable_after_a_refused_level(self):
        with fw.dual_level():
            with pytest.raises(RuntimeError):
                fw.enter_dual_level()
            assert tangent(dual()) == [10.0, 20.0, 30.0]
        with fw.dual_level():
            assert tangent(dual()) == [10.0, 20.0, 30.0]

    def test_exit_without_level(self):
        with raises(RuntimeError, "Dual level must be a positive number."):
            fw.exit_dual_level()

    def test_tangents_end_with_their_level(self):
        with fw.dual_level():
            d = dual()
            doubled = d * 2.0
        assert fw.unpack_dual(d).tangent is None
        assert doubled.tolist() == [2.0, 4.0, 6.0]
        with fw.dual_level():
            assert fw.unpack_dual(d).tangent is None
            assert fw.unpack_dual(doubled * 2.0).tangent is None

    def test_ended_by_an_exception(self):
        made = []

        def fails():
            with fw.dual_level():
                made.append(dual())
                raise KeyError

        with pytest.raises(KeyError):
            fails()
        (d,) = made
        assert fw.unpack_dual(d).tangent is None
        with fw.dual_level():
            assert tangent(dual()) == [10.0, 20.0, 30.0]


class TestDuals:
    def test_make_and_unpack(self, level):
        d = dual()
        unpacked = fw.unpack_dual(d)
        primal, found = unpacked
        assert unpacked.primal is primal
        assert unpacked.tangent is found
        assert type(unpacked).__name__ == "UnpackedDualTensor"
        assert primal.tolist() == d.tolist() == [1.0, 2.0, 3.0]
        assert found.tolist() == [10.0, 20.0, 30.0]
        assert fw.unpack_dual(primal).tangent is None

    def test_memory_is_shared(self, level):
        p, t = ac.ones(2), ac.ones(2)
        d = fw.make_dual(p, t)
        assert d is not p
        assert d.data_ptr() == p.data_ptr()
        assert fw.unpack_dual(d).tangent.data_ptr() == t.data_ptr()
        assert fw.unpack_dual(p).tangent is None

    def test_of_a_plain_tensor(self, level):
        unpacked = fw.unpack_dual(ac.ones(2))
        assert unpacked.tangent is None
        assert unpacked.primal.tolist() == [1.0, 1.0]

    def test_tangent_of_another_layout(self, level):
        d = fw.make_dual(ac.ones(2, 3).t(), ac.arange(6.0).view(3, 2))
        assert tangent(d) == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
        d = fw.make_dual(ac.ones(3), ac.ones(1).expand(3))
        assert tangent(d * 2.0) == [2.0, 2.0, 2.0]

    def test_duals_are_not_recorded(self, level):
        assert not dual().requires_grad
        assert not (dual() * 2.0).requires_grad

    def test_printed(self, level):
        assert repr(dual()) == "tensor([1., 2., 3.], tangent=tensor([10., 20., 30.]))"
        assert repr(dual()[0]) == "tensor(1., tangent=10.0)"

    @pytest.mark.parametrize(
        ("primal", "given", "kind", "sentence"),
        [
            (
                [1.0, 2.0],
                [1.0, 2.0, 3.0],
                RuntimeError,
                "Trying to set a forward gradient that has a different size than",
            ),
            ([1.0, 2.0], 1.0, RuntimeError, "Trying to set a forward gradient that has a different size than"),
            ([1.0, 2.0], [1, 2], ValueError, "Expected tangent to be floating point or complex, but got: torch.int64"),
            ([1, 2], [1.0, 2.0], ValueError, "Expected primal to be floating point or complex, but got: torch.int64"),
        ],
    )
    def test_refused(self, level, primal, given, kind, sentence):
        p, t = ac.tensor(primal), ac.tensor(given)
        with unchanged(p, t), raises(kind, sentence):
            fw.make_dual(p, t)
        assert fw.unpack_dual(p).tangent is None

    def test_no_dual_of_a_dual(self, level):
        d = dual()
        with raises(
            RuntimeError,
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not "
            "supported.",
        ):
            fw.make_dual(d, ac.ones(3))
        assert tangent(d) == [10.0, 20.0, 30.0]

    @pytest.mark.parametrize("bad", [3.0, None, [1.0]])
    def test_only_tensors(self, level, bad):
        for args in ((bad, ac.ones(2)), (ac.ones(2), bad)):
            with pytest.raises((TypeError, AttributeError, ValueError)):
                fw.make_dual(*args)


# One op of every kind, from a (2, 3) tensor.
VECTOR, MATRIX = (0.5, 1.5, -2.0), ((1.0, -1.0), (0.5, 2.0), (0.25, 3.0))
OPS = {
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "abs": lambda x: x.abs(),
    "relu": lambda x: ac.relu(x - 1.0),
    "add_scalar": lambda x: x + 3.0,
    "rsub": lambda x: 3.0 - x,
    "div_broadcast": lambda x: x / ac.tensor(VECTOR),
    "rdiv": lambda x: 2.0 / x,
    "mul_by_itself": lambda x: x * x,
    "pow": lambda x: x**3,
    "pow_tensor": lambda x: x ** (x * 0.5),
    "rpow": lambda x: 2.0**x,
    "atan2": lambda x: ac.atan2(x, ac.tensor(VECTOR)),
    "maximum": lambda x: ac.maximum(x, ac.ones(2, 3)),
    "where": lambda x: ac.where(x > 1.0, x * 2.0, ac.zeros(())),
    "clamp": lambda x: x.clamp(0.5, 1.5),
    "sum": lambda x: x.sum(),
    "sum_dim": lambda x: x.sum(1, keepdim=True) * x,
    "mean": lambda x: x.mean(0),
    "amax": lambda x: x.amax(1),
    "max_dim": lambda x: x.max(1)[0],
    "logsumexp": lambda x: x.logsumexp(1),
    "view": lambda x: x.view(3, 2),
    "permute": lambda x: x.permute(1, 0),
    "expand": lambda x: x.expand(4, 2, 3),
    "diagonal": lambda x: x.diagonal(),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "as_strided": lambda x: x.as_strided((2, 2), (1, 2)),
    "split": lambda x: x.split([1, 2], 1)[1],
    "getitem": lambda x: x[1, 1:],
    "index": lambda x: x[:, [2, 0, 2]],
    "mask": lambda x: x[x > 1.0],
    "gather": lambda x: x.gather(1, ac.tensor([[0, 0], [2, 1]])),
    "scatter_add": lambda x: ac.zeros(2, 3).scatter_add(1, ac.tensor([[0, 0, 1], [2, 1, 0]]), x),
    "cat": lambda x: ac.cat([x, ac.ones(1, 3), x]),
    "stack": lambda x: ac.stack([x, ac.ones(2, 3)], 2),
    "matmul": lambda x: x @ ac.tensor(MATRIX),
    "matmul_both": lambda x: x @ x.t(),
    "mv": lambda x: x.mv(ac.tensor(VECTOR)),
    "clone": lambda x: x.clone(),
    "reshape": lambda x: x.t().reshape(-1),
    "masked_fill": lambda x: x.masked_fill(x > 1.0, 0.0),
    "mse_loss": lambda x: ac.nn.functional.mse_loss(x, ac.zeros(2, 3)),
    "bce": lambda x: ac.nn.functional.binary_cross_entropy(x.sigmoid(), ac.full((2, 3), 0.3)),
    "setitem": lambda x: _with_item(x),
    "in_place": lambda x: (x * 1.0).sin_().mul_(ac.tensor(VECTOR)),
    "in_place_view": lambda x: _changed_row(x),
    "copy_into_plain": lambda x: ac.zeros(2, 3).copy_(x * 2.0),
}


def _with_item(x):
    result = ac.zeros(2, 3)
    result[1, 1:] = x[0, :2] * 3.0
    return result


def _changed_row(x):
    result = x * 1.0
    result[1].mul_(2.0)
    return result


VALUES = ((0.8, 1.7, 0.3), (1.2, 2.1, 0.9))


@pytest.mark.parametrize("op", OPS.values(), ids=OPS.keys())
class TestEveryKindOfOp:
    def test_agrees_with_reverse_mode(self, op, level):
        direction = weights((2, 3))
        x = leaf(VALUES)
        result = op(x)
        w = weights(tuple(result.shape), seed=1)
        pulled = gradient((result * ac.tensor(w)).sum(), x)
        pushed = fw.unpack_dual(op(fw.make_dual(ac.tensor(VALUES), ac.tensor(direction))))
        np.testing.assert_array_equal(to_numpy(pushed.primal), to_numpy(result))
        assert pushed.tangent.shape == result.shape
        np.testing.assert_allclose((to_numpy(pushed.tangent) * w).sum(), (pulled * direction).sum(), rtol=1e-12)

    def test_forward_over_reverse(self, op, level):
        """A Hessian times a direction, both ways."""
        if IS_TORCH and op is OPS["mse_loss"]:
            pytest.skip("deviation: torch raises 'ZeroTensors are immutable'")
        x = leaf(VALUES)
        direction = ac.tensor(weights((2, 3)))

        def first(point):
            result = (op(point) * op(point)).sum()
            return ac.autograd.grad(result, point, create_graph=True)[0]

        expected = gradient((first(x) * direction).sum(), x, allow_unused=True, materialize_grads=True)
        pushed = fw.unpack_dual(first(fw.make_dual(x, direction))).tangent
        found = np.zeros((2, 3)) if pushed is None else to_numpy(pushed)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)

    def test_reverse_over_forward(self, op, level):
        """The tangent is recorded like anything else; its gradient for a direction is that of the pullback."""
        x = leaf(VALUES)
        direction = leaf(weights((2, 3)))
        pushed = fw.unpack_dual(op(fw.make_dual(x, direction))).tangent
        assert pushed.requires_grad
        w = ac.tensor(weights(tuple(pushed.shape), seed=1))
        expected = gradient((op(x) * w).sum(), x)
        np.testing.assert_allclose(gradient((pushed * w).sum(), direction), expected, rtol=1e-10)


class TestPropagation:
    def test_second_operand(self, level):
        a, b = ac.tensor([1.0, 2.0]), dual([3.0, 4.0], [5.0, 6.0])
        assert tangent(a * b) == [5.0, 12.0]
        assert tangent(a / b) == pytest.approx([-5.0 / 9.0, -12.0 / 16.0], rel=1e-15)

    def test_both_operands(self, level):
        a, b = dual([1.0, 2.0], [3.0, 4.0]), dual([5.0, 6.0], [7.0, 8.0])
        assert tangent(a * b) == [1 * 7 + 3 * 5.0, 2 * 8 + 4 * 6.0]
        assert tangent(a @ b) == 22.0 + 40.0

    def test_broadcast(self, level):
        assert tangent(dual([1.0, 2.0], [3.0, 4.0]) + ac.ones(2, 2)) == [[3.0, 4.0]] * 2

    def test_stops_at_constants(self, level):
        d = dual()
        for constant in (d.detach(), d.data, d > 1.0, d.long(), d.argmax(), d.isnan(), ac.ones_like(d)):
            assert fw.unpack_dual(constant).tangent is None
        assert fw.unpack_dual(d.detach() * 2.0).tangent is None
        assert d.sum().item() == 6.0

    def test_through_sign_is_zero(self, level):
        assert tangent(dual().sign()) == [0.0] * 3

    def test_under_no_grad(self, level):
        """no_grad is about reverse mode."""
        with ac.no_grad():
            assert tangent(dual() * 2.0) == [20.0, 40.0, 60.0]

    def test_under_inference_mode(self, level):
        d = dual()
        with ac.inference_mode():
            assert (d * 2.0).tolist() == [2.0, 4.0, 6.0]

    def test_in_other_threads(self, level):
        """A level belongs to the process, as in torch: its duals keep their tangents wherever they are used."""
        d = dual()
        assert all_in_threads(*[lambda: tangent(d * 2.0)] * 4) == [[20.0, 40.0, 60.0]] * 4

    def test_numpy_sees_the_primal(self, level):
        assert dual().numpy().tolist() == [1.0, 2.0, 3.0]


class TestInPlace:
    def test_op(self, level):
        d = dual([1.0, 2.0], [3.0, 4.0])
        assert d.mul_(ac.tensor([5.0, 6.0])) is d
        assert d.tolist() == [5.0, 12.0]
        assert tangent(d) == [15.0, 24.0]
        d.square_()
        assert tangent(d) == [150.0, 576.0]

    @deviation("torch takes the new primal for the old one and answers [6, 24]")
    def test_op_on_itself(self, level):
        d = dual([1.0, 2.0], [3.0, 4.0])
        d.mul_(d)
        assert d.tolist() == [1.0, 4.0]
        assert tangent(d) == [6.0, 16.0]

    def test_a_constant_takes_the_tangent_away(self, level):
        d = dual()
        d[1] = 5.0
        assert tangent(d) == [10.0, 0.0, 30.0]
        d.zero_()
        assert tangent(d) == [0.0, 0.0, 0.0]

    def test_a_dual_written_into_a_plain_tensor(self, level):
        b = ac.zeros(3)
        b.add_(dual())
        assert tangent(b) == [10.0, 20.0, 30.0]

    def test_a_dual_written_into_a_view_of_a_plain_tensor(self, level):
        b = ac.zeros(4)
        b[1:].add_(dual())
        assert tangent(b) == [0.0, 10.0, 20.0, 30.0]

    def test_a_dual_item(self, level):
        d = dual()
        d[0] = fw.make_dual(ac.tensor(9.0), ac.tensor(8.0))
        assert d.tolist() == [9.0, 2.0, 3.0]
        assert tangent(d) == [8.0, 20.0, 30.0]

    def test_write_through_a_view(self, level):
        d = dual()
        d[1:].mul_(2.0)
        assert tangent(d) == [10.0, 40.0, 60.0]

    def test_view_sees_a_later_write(self, level):
        d = dual()
        v = d[1:]
        d.mul_(2.0)
        assert v.tolist() == [4.0, 6.0]
        assert tangent(v) == [40.0, 60.0]


class TestWithReverseMode:
    def test_dual_of_a_leaf_is_recorded(self, level):
        x = leaf([1.0, 2.0])
        d = fw.make_dual(x, ac.tensor([3.0, 4.0]))
        assert d.requires_grad
        pushed = fw.unpack_dual((d**3).sum()).tangent
        assert pushed.item() == 57.0
        assert gradient(pushed, x).tolist() == [18.0, 48.0]

    def test_backward_of_a_dual_graph(self, level):
        x = leaf([1.0, 2.0])
        d = fw.make_dual(x, ac.tensor([3.0, 4.0]))
        (d * d).sum().backward()
        assert x.grad.tolist() == [2.0, 4.0]

    def test_directional_derivative_of_a_gradient_norm(self, level):
        x, v = leaf([0.5, -1.0]), ac.tensor([1.0, 2.0])
        d = fw.make_dual(x, v)
        (first,) = ac.autograd.grad((d**4).sum(), d, create_graph=True)
        np.testing.assert_allclose(tangent(first), 12 * np.array([0.25, 1.0]) * [1.0, 2.0], rtol=1e-14)
