"""In-place operations: every ``foo_`` and setitem.

Two judges: the out-of-place operation (same values, same gradients, same node) and numpy (setitem over an array of
positions says where each gradient goes). What a change does to views and saved tensors is in test_inplace_graph.py,
what is refused in test_inplace_refused.py.
"""

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    VALUES,
    gradient,
    leaf,
    name,
    node_name,
    raises,
    tracked,
    weights,
)

MASK = [[True, False, True], [False, True, False]]


# ------------------------------------------------------------------ every foo_
OPERAND = [[1.5, 0.5, 2.0], [0.25, 1.0, 3.0]]
IN_PLACE = {
    **dict.fromkeys(
        (
            "neg",
            "abs",
            "sign",
            "exp",
            "expm1",
            "log",
            "log2",
            "log10",
            "log1p",
            "sqrt",
            "rsqrt",
            "reciprocal",
            "square",
        ),
        (),
    ),
    **dict.fromkeys(("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "erf", "erfc", "sigmoid", "relu"), ()),
    **dict.fromkeys(("add", "sub", "mul", "div", "pow", "remainder"), (2.5,)),
    "clamp": (0.6, 1.4),
    "masked_fill": (MASK, 9.0),
}
BINARY = ("add", "sub", "mul", "div", "pow", "atan2")


def operands(args):
    """The arguments of a row as tensors where they are lists."""
    return [ac.tensor(arg) if isinstance(arg, list) else arg for arg in args]


@pytest.mark.parametrize(("op", "args"), IN_PLACE.items(), ids=IN_PLACE.keys())
class TestAgainstOutOfPlace:
    def test_same_values_object_version_and_node(self, op, args):
        _, b = tracked()
        expected = getattr(b, op)(*operands(args))
        assert getattr(b, op + "_")(*operands(args)) is b
        assert b._version == 1
        assert b.tolist() == expected.tolist()
        assert name(b) == name(expected)
        assert not b.is_leaf

    def test_same_gradient(self, op, args):
        w = ac.tensor(weights((2, 3)))
        a, b = tracked()
        expected = gradient((getattr(b, op)(*operands(args)) * w).sum(), a)
        a, b = tracked()
        getattr(b, op + "_")(*operands(args))
        np.testing.assert_array_equal(gradient((b * w).sum(), a), expected)

    def test_on_a_view(self, op, args):
        """Through CopySlices: the changed rows have the op's gradient, the others the identity."""
        w = ac.tensor(weights((2, 3)))
        args = operands([arg[1:] if isinstance(arg, list) else arg for arg in args])
        a = leaf(VALUES)
        changed = ac.cat([a[:1], getattr(a[1:], op)(*args)])
        expected = gradient((changed * w).sum(), a)
        a, b = tracked()
        getattr(b[1:], op + "_")(*args)
        assert b.tolist() == changed.tolist()
        assert name(b) == "CopySlices"
        np.testing.assert_array_equal(gradient((b * w).sum(), a), expected)

    def test_second_gradient(self, op, args):
        def second(change):
            a, b = tracked()
            (first,) = ac.autograd.grad((change(b) ** 2).sum(), a, create_graph=True)
            return gradient((first * a).sum(), a)

        expected = second(lambda b: getattr(b, op)(*operands(args)))
        np.testing.assert_array_equal(second(lambda b: getattr(b, op + "_")(*operands(args))), expected)

    def test_no_grad_records_nothing(self, op, args):
        b = leaf(VALUES)
        with ac.no_grad():
            getattr(b, op + "_")(*operands(args))
        assert b.is_leaf
        assert b._version == 1


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("other", [OPERAND, OPERAND[0], 2.0], ids=["tensor", "row", "scalar_tensor"])
def test_binary_with_a_tracked_operand(op, other):
    def gradients(change):
        a, b = tracked()
        c = leaf(other)
        return gradient((change(b, c * 1.0) * ac.tensor(weights((2, 3)))).sum(), a, c)

    expected = gradients(lambda b, c: getattr(b, op)(c))
    found = gradients(lambda b, c: getattr(b, op + "_")(c))
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


@pytest.mark.parametrize(
    ("operator", "op", "node"),
    [
        ("__iadd__", "add", "AddBackward0"),
        ("__isub__", "sub", "SubBackward0"),
        ("__imul__", "mul", "MulBackward0"),
        ("__itruediv__", "div", "DivBackward0"),
        ("__ipow__", "pow", "PowBackward0"),
        ("__imod__", "remainder", "RemainderBackward0"),
    ],
)
def test_augmented_assignment(operator, op, node):
    _, b = tracked()
    expected = getattr(b, op)(2.0)
    assert getattr(b, operator)(2.0) is b
    assert b.tolist() == expected.tolist()
    assert name(b) == node


@pytest.mark.parametrize(
    ("op", "start", "args", "expected"),
    [
        ("add_", [1, 2], (2,), [3, 4]),
        ("sub_", [1, 2], (2,), [-1, 0]),
        ("mul_", [1, 2], (3,), [3, 6]),
        ("floor_divide_", [7, -7], (2,), [3, -4]),
        ("remainder_", [7, -7], (3,), [1, 2]),
        ("pow_", [7, -7], (2,), [49, 49]),
        ("neg_", [7, -7], (), [-7, 7]),
        ("abs_", [7, -7], (), [7, 7]),
        ("sign_", [7, -7], (), [1, -1]),
        ("square_", [7, -7], (), [49, 49]),
        ("relu_", [7, -7], (), [7, 0]),
        ("clamp_", [7, -7], (0, 3), [3, 0]),
        ("bitwise_and_", [5, 6], (3,), [1, 2]),
        ("bitwise_or_", [5, 6], (8,), [13, 14]),
        ("bitwise_xor_", [5, 6], (3,), [6, 5]),
        ("bitwise_not_", [5, -6], (), [-6, 5]),
        ("bitwise_and_", [True, False], (True,), [True, False]),
        ("bitwise_not_", [True, False], (), [False, True]),
        ("add_", [True, False], (True,), [True, True]),
        ("floor_divide_", [7.5, -7.5], (2,), [3.0, -4.0]),
        ("fill_", [7, -7], (2.9,), [2, 2]),
        ("fill_", [True, False], (2,), [True, True]),
        ("zero_", [7, -7], (), [0, 0]),
        ("masked_fill_", [7, -7], ([True, False], 1), [1, -7]),
        ("copy_", [7, -7], ([1.5, -2.5],), [1, -2]),
        ("copy_", [True, False], ([0.0, 0.5],), [False, True]),
        ("copy_", [1.0, 2.0], ([True, False],), [1.0, 0.0]),
    ],
)
def test_without_gradients(op, start, args, expected):
    t = ac.tensor(start)
    dtype = t.dtype
    assert getattr(t, op)(*operands(args)) is t
    assert t.tolist() == expected
    assert t.dtype == dtype
    assert t._version == 1


class TestCopyFillZero:
    def test_copy_takes_over_the_gradient(self):
        a, b = tracked()
        c = leaf(OPERAND)
        b.copy_(c * 2.0)
        assert name(b) == "CopyBackwards"
        found = gradient(b.sum(), a, c)
        np.testing.assert_array_equal(found[0], np.zeros((2, 3)))
        np.testing.assert_array_equal(found[1], np.full((2, 3), 2.0))

    def test_copy_broadcasts(self):
        b, row = ac.zeros(2, 3), leaf([1.0, 2.0, 3.0])
        b.copy_(row)
        assert b.tolist() == [[1.0, 2.0, 3.0]] * 2
        np.testing.assert_array_equal(gradient(b.sum(), row), [2.0] * 3)

    def test_copy_of_another_layout(self):
        b = ac.zeros(2, 3)
        b.copy_(ac.arange(6.0).view(3, 2).t())
        assert b.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]

    def test_fill_with_a_tracked_scalar(self):
        a, s = leaf(), leaf(5.0)
        b = a * 1.0
        b.fill_(s * 1.0)
        found = gradient(b.sum(), a, s)
        np.testing.assert_array_equal(found[0], np.zeros(3))
        assert found[1] == 3.0

    def test_zero_cuts_the_gradient(self):
        a, b = tracked()
        b.zero_()
        assert name(b) == "ZeroBackward0"
        np.testing.assert_array_equal(gradient(b.sum(), a), np.zeros((2, 3)))

    def test_index_put(self):
        a, v = leaf(), leaf([10.0, 20.0, 30.0])
        b = a * 1.0
        b.index_put_((ac.tensor([0, 0, 2]),), v, accumulate=True)
        assert b.tolist() == [31.0, 2.0, 33.0]
        w = ac.tensor([1.0, 2.0, 3.0])
        found = gradient((b * w).sum(), a, v)
        np.testing.assert_array_equal(found[0], [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(found[1], [1.0, 1.0, 3.0])

    def test_scatter_add(self):
        a, v = leaf(), leaf([10.0, 20.0, 30.0])
        b = a * 1.0
        b.scatter_add_(0, ac.tensor([2, 2, 0]), v)
        assert b.tolist() == [31.0, 2.0, 33.0]
        found = gradient((b * ac.tensor([1.0, 2.0, 3.0])).sum(), a, v)
        np.testing.assert_array_equal(found[0], [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(found[1], [3.0, 3.0, 1.0])


@pytest.mark.parametrize(
    ("op", "args", "shape", "stride", "node"),
    [
        ("t_", (), (3, 2), (1, 3), "TBackward1"),
        ("transpose_", (0, 1), (3, 2), (1, 3), "TransposeBackward1"),
        ("unsqueeze_", (0,), (1, 2, 3), (6, 3, 1), "UnsqueezeBackward1"),
        ("squeeze_", (), (2, 3), (3, 1), "SqueezeBackward3"),
    ],
)
def test_geometry_in_place(op, args, shape, stride, node):
    a, b = tracked()
    assert getattr(b, op)(*args) is b
    assert (tuple(b.shape), b.stride(), name(b)) == (shape, stride, node)
    np.testing.assert_array_equal(gradient((b * b).sum(), a), 2 * np.array(VALUES))


# ------------------------------------------------------------------ setitem
# index (T makes a tensor or an array of a list), and the shape of the value
SET = {
    "int": (lambda T: 1, (3,)),
    "int_negative": (lambda T: (-1, -1), ()),
    "colon": (lambda T: slice(None), (2, 3)),
    "ellipsis": (lambda T: ..., (2, 3)),
    "slice": (lambda T: slice(1, None), (1, 3)),
    "slice_step": (lambda T: (slice(None), slice(0, 3, 2)), (2, 2)),
    "slice_broadcast": (lambda T: (slice(None), slice(1, None)), (2,)),
    "slice_scalar": (lambda T: (slice(None), 1), ()),
    "empty": (lambda T: slice(2, 2), (0, 3)),
    "none": (lambda T: (None, 0), (3,)),
    "none_leading_ones": (lambda T: 0, (1, 1, 3)),
    "list": (lambda T: [1], (1, 3)),
    "tensor": (lambda T: T([1, 0]), (2, 3)),
    "tensor_broadcast": (lambda T: T([1, 0]), (3,)),
    "pairs": (lambda T: (T([1, 0]), T([2, 0])), (2,)),
    "after_slice": (lambda T: (slice(1, 2), T([2, 0])), (1, 2)),
    "after_int": (lambda T: (1, T([2, 0])), (2,)),
    "mask": (lambda T: T(MASK), (3,)),
    "mask_scalar": (lambda T: T(MASK), ()),
    "mask_rows": (lambda T: T([False, True]), (1, 3)),
    "mask_nothing": (lambda T: T([False, False]), (0, 3)),
    "True": (lambda T: True, (2, 3)),
}


@pytest.mark.parametrize(("make", "shape"), SET.values(), ids=SET.keys())
class TestSetitem:
    def expected(self, make, shape):
        """Which position of the base (0 to 5) or of the value (from 100) each element holds afterwards."""
        held = np.arange(6).reshape(2, 3)
        held[make(np.array)] = 100 + np.arange(int(np.prod(shape)), dtype=int).reshape(shape)
        return held

    def test_values(self, make, shape):
        b = ac.arange(6.0).view(2, 3).clone()
        b[make(ac.tensor)] = 100 + ac.arange(float(np.prod(shape))).view(shape)
        np.testing.assert_array_equal(to_numpy(b), self.expected(make, shape))
        assert b._version == 1

    def test_gradients(self, make, shape):
        a, b = tracked()
        v = leaf(np.arange(float(np.prod(shape))).reshape(shape))
        b[make(ac.tensor)] = v * 1.0
        w = weights((2, 3))
        held = self.expected(make, shape).ravel()
        sums = np.bincount(held, w.ravel(), 100 + v.numel())
        to_base, to_value = gradient((b * ac.tensor(w)).sum(), a, v)
        np.testing.assert_array_equal(to_base.ravel(), sums[:6])
        np.testing.assert_allclose(to_value.ravel(), sums[100:], rtol=1e-15)

    def test_into_a_plain_tensor(self, make, shape):
        """A tensor without gradients has them once something with gradients was written into it."""
        b, v = ac.zeros(2, 3), leaf(np.ones(shape))
        b[make(ac.tensor)] = v
        assert b.requires_grad
        assert gradient(b.sum(), v).sum() == (self.expected(make, shape) >= 100).sum()

    def test_of_a_number(self, make, shape):
        a, b = tracked()
        b[make(ac.tensor)] = 7.0
        changed = self.expected(make, shape) >= 100
        np.testing.assert_array_equal(to_numpy(b), np.where(changed, 7.0, VALUES))
        np.testing.assert_array_equal(gradient(b.sum(), a), np.where(changed, 0.0, 1.0))

    def test_through_a_view(self, make, shape):
        a = leaf(VALUES)
        base = (a * 1.0).t().contiguous()
        base.t()[make(ac.tensor)] = 7.0
        changed = self.expected(make, shape) >= 100
        np.testing.assert_array_equal(to_numpy(base.t()), np.where(changed, 7.0, VALUES))
        np.testing.assert_array_equal(gradient(base.sum(), a), np.where(changed, 0.0, 1.0))


@pytest.mark.parametrize(
    ("index", "node"),
    [
        (0, "CopySlices"),
        (slice(0, 1), "CopySlices"),
        ((..., 0), "CopySlices"),
        ((None, 0), "CopySlices"),
        (..., "CopyBackwards"),
        ([0], "IndexPutBackward0"),
    ],
)
def test_setitem_node(index, node):
    _, b = tracked()
    b[index] = b[index].detach().clone() * 2.0
    assert name(b) == node


def test_mask_setitem_node():
    _, b = tracked()
    b[b > 1.0] = 0.0
    assert name(b) == "IndexPutBackward0"


@pytest.mark.parametrize(
    ("start", "value", "expected"),
    [([0, 1, 2], 1.7, 1), ([0, 1, 2], True, 1), ([True, False], 0, False), ([0.0, 1.0], 3, 3.0)],
)
def test_setitem_casts_numbers(start, value, expected):
    t = ac.tensor(start)
    t[0] = value
    assert t[0].item() == expected
    assert t.dtype == ac.tensor(start).dtype


def test_setitem_casts_tensors():
    i = ac.tensor([0, 1, 2])
    i[1:] = ac.tensor([1.5, 2.5])
    assert i.tolist() == [0, 1, 2]
    assert i.dtype == ac.int64
    f = ac.zeros(3)
    f[1:] = ac.tensor([1, 2])
    assert f.tolist() == [0.0, 1.0, 2.0]


def test_gradient_of_an_in_place_op_is_that_of_its_history():
    """A tensor changed in place is a new value: hooks and retained gradients belong to the value at their time."""
    a = leaf()
    b = a * 2.0
    b.retain_grad()
    b.mul_(3.0)
    b.sum().backward()
    assert b.grad.tolist() == [1.0] * 3
    assert a.grad.tolist() == [6.0] * 3


def test_floor_divide_in_place_is_no_silent_constant():
    _, b = tracked()
    b.floor_divide_(2.0)
    assert node_name(b.grad_fn) is not None
    with raises(RuntimeError, "derivative for aten::floor_divide_ is not implemented"):
        b.sum().backward()


@pytest.mark.parametrize(
    "bounds", [lambda: (None, ac.ones(4)), lambda: (ac.zeros(4), None), lambda: (ac.zeros(4), ac.ones(1))]
)
def test_clamp_between_tensors(bounds):
    """At a bound the gradient is the tensor's; nothing that is overwritten was saved."""
    low, high = bounds()
    x = ac.tensor([-1.0, 0.0, 1.0, 2.0], dtype=ac.float64, requires_grad=True)
    for result in (ac.clamp(x, low, high), x.clone().clamp_(low, high)):
        (gradient,) = ac.autograd.grad(result.sum(), x)
        expected = [float(low is None or v >= 0) * float(high is None or v <= 1) for v in (-1.0, 0.0, 1.0, 2.0)]
        assert gradient.tolist() == expected
