"""In-place operations: every ``foo_``, setitem, views of what changes, versions, saved tensors, and what is forbidden.

Three judges: the out-of-place operation (same values, same gradients, same node), numpy (setitem over an array of
positions says where each gradient goes), and the complex step through numpy, which has the same views and writes.
"""

import random

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    LEAF_IN_PLACE,
    LEAF_VIEW_IN_PLACE,
    OVERLAPPING_READ,
    OVERLAPPING_WRITE,
    STALE,
    gradient,
    leaf,
    name,
    next_names,
    node_name,
    raises,
    unchanged,
    weights,
)

MASK = [[True, False, True], [False, True, False]]
VALUES = [[0.5, 1.25, 0.75], [2.0, 0.25, 1.5]]


def tracked(values=VALUES):
    """A leaf and a tensor computed from it, which may be changed in place."""
    a = leaf(values)
    return a, a * 1.0


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


# ------------------------------------------------------------------ views of what changes
class TestViewsAndTheirGraph:
    def test_change_of_the_base_rebuilds_the_view(self):
        a = leaf()
        b = a * 2.0
        v = b[1:]
        before = v.grad_fn
        b.mul_(3.0)
        assert v._version == b._version == 1
        assert name(v) == "AsStridedBackward0"
        assert v.grad_fn is not before
        assert v.grad_fn is v.grad_fn
        assert v.grad_fn.next_functions[0][0] is b.grad_fn
        np.testing.assert_array_equal(gradient(v.sum(), a), [0.0, 6.0, 6.0])

    def test_change_of_a_view_rebuilds_the_base_and_its_other_views(self):
        a = leaf()
        b = a * 2.0
        v, w = b[1:], b[:2]
        v.mul_(3.0)
        assert name(b) == "CopySlices"
        assert next_names(b.grad_fn) == ["MulBackward0", None]
        assert name(v) == name(w) == "AsStridedBackward0"
        assert v.grad_fn.next_functions[0][0] is b.grad_fn
        assert w.grad_fn.next_functions[0][0] is b.grad_fn
        assert v._base is b
        np.testing.assert_array_equal(gradient(b.sum(), a, retain_graph=True), [2.0, 6.0, 6.0])
        np.testing.assert_array_equal(gradient(v.sum(), a, retain_graph=True), [0.0, 6.0, 6.0])
        np.testing.assert_array_equal(gradient(w.sum(), a), [2.0, 6.0, 0.0])

    def test_copy_slices_of_a_plain_base(self):
        b, a = ac.zeros(3), leaf([1.0, 2.0])
        v = b[1:]
        v.add_(a)
        assert name(b) == "CopySlices"
        assert next_names(b.grad_fn) == [None, "AccumulateGrad"]
        assert b.tolist() == [0.0, 1.0, 2.0]
        np.testing.assert_array_equal(gradient((b * b).sum(), a), [2.0, 4.0])

    def test_a_plain_base_becomes_tracked(self):
        b, a = ac.ones(3), leaf()
        v = b[1:]
        assert not v.requires_grad
        b.mul_(a)
        assert b.requires_grad
        assert v.requires_grad
        assert not b.is_leaf
        assert not v.is_leaf
        np.testing.assert_array_equal(gradient(v.sum(), a), [0.0, 1.0, 1.0])

    def test_what_was_computed_before_the_change_keeps_its_graph(self):
        a = leaf()
        b = a * 2.0
        v = b[1:]
        s = v * 5.0
        b.mul_(3.0)
        np.testing.assert_array_equal(gradient(s.sum(), a), [0.0, 10.0, 10.0])

    def test_views_of_views(self):
        a = leaf([[1.0, 2.0], [3.0, 4.0]])
        b = a * 1.0
        v = b.t()
        w = v[1]
        w.mul_(10.0)
        assert b.tolist() == [[1.0, 20.0], [3.0, 40.0]]
        assert w._base is b
        assert [name(t) for t in (b, v, w)] == ["CopySlices", "AsStridedBackward0", "AsStridedBackward0"]
        np.testing.assert_array_equal(gradient(v.sum(), a), [[1.0, 10.0], [1.0, 10.0]])

    def test_chain_of_changes_through_different_views(self):
        a = leaf()
        b = a * 1.0
        b[:2].mul_(2.0)
        b.view(3, 1)[1:].add_(b.detach()[1:, None].clone())
        b[1:].sin_()
        b.neg_()
        # b = [-2 a, -sin(2 a + 4), -sin(a + 3)]: what was added is a constant
        found = gradient(b.sum(), a)
        np.testing.assert_allclose(found, [-2.0, -2.0 * np.cos(8.0), -np.cos(6.0)], rtol=1e-14)

    def test_whole_view_in_place(self):
        a, b = tracked()
        b.view(6).mul_(3.0)
        assert name(b) == "CopySlices"
        np.testing.assert_array_equal(gradient(b.sum(), a), np.full((2, 3), 3.0))

    def test_saved_output_of_an_in_place_op_on_a_view(self):
        """The gradient of exp_ needs its result, which is part of the base."""
        a, b = tracked()
        b[0].exp_()
        np.testing.assert_allclose(gradient(b.sum(), a)[0], np.exp(VALUES[0]), rtol=1e-15)

    def test_second_order_through_copy_slices(self):
        a = leaf()
        b = a * a
        b[:2].mul_(b.detach()[:2].clone() * 0.0 + 3.0)
        b[1:].pow_(2)
        # b = [3 a^2, 9 a^4, a^4]
        (first,) = ac.autograd.grad(b.sum(), a, create_graph=True)
        np.testing.assert_array_equal(to_numpy(first), [6.0, 288.0, 108.0])
        np.testing.assert_array_equal(gradient(first.sum(), a), [6.0, 432.0, 108.0])

    def test_detach_in_place_of_the_base_leaves_its_view(self):
        a = leaf()
        b = a * 2.0
        v = b[1:]
        b.detach_()
        assert b.is_leaf
        assert not b.requires_grad
        assert name(v) == "SliceBackward0"
        np.testing.assert_array_equal(gradient(v.sum(), a), [0.0, 2.0, 2.0])

    def test_view_of_a_plain_base_may_be_a_leaf(self):
        b = ac.ones(3)
        v = b[1:].requires_grad_()
        assert v.is_leaf
        assert v._base is b
        assert not b.requires_grad
        b.add_(1.0)
        (v * 2.0).sum().backward()
        assert v.grad.tolist() == [2.0, 2.0]

    def test_view_made_before_the_base_requires_grad(self):
        b = ac.ones(3)
        v = b[1:]
        b.requires_grad_()
        assert v.requires_grad
        with unchanged(b), raises(RuntimeError, LEAF_VIEW_IN_PLACE):
            v.add_(1.0)


# ------------------------------------------------------------------ random programs
SHAPES_2D = [
    (lambda t: t.t(), lambda n: n.T),
    (lambda t: t[0], lambda n: n[0]),
    (lambda t: t[:, 1], lambda n: n[:, 1]),
    (lambda t: t[1:], lambda n: n[1:]),
    (lambda t: t[:, ::2], lambda n: n[:, ::2]),
    (lambda t: t.unsqueeze(1).squeeze(1), lambda n: n[:, None][:, 0]),
    (lambda t: t[-1:, :2], lambda n: n[-1:, :2]),
]
SHAPES_1D = [
    (lambda t: t[1:], lambda n: n[1:]),
    (lambda t: t[::2], lambda n: n[::2]),
    (lambda t: t[0], lambda n: n[0, ...]),
    (lambda t: t[None], lambda n: n[None]),
    (lambda t: t.unsqueeze(1), lambda n: n[:, None]),
]
# dst changed in place by a scalar that depends on everything before, or on itself
CHANGES = [
    (lambda t, s: t.mul_(s), lambda n, s: np.multiply(n, s, out=n)),
    (lambda t, s: t.add_(s), lambda n, s: np.add(n, s, out=n)),
    (lambda t, s: t.copy_(s), lambda n, s: np.copyto(n, s)),
    (lambda t, s: t.sub_(t.clone() * s), lambda n, s: np.subtract(n, n * s, out=n)),
    (lambda t, s: t.sin_(), lambda n, s: np.sin(n, out=n)),
    (lambda t, s: t.square_(), lambda n, s: np.square(n, out=n)),
    (lambda t, s: t.copy_(t.clone().exp().mul(0.1)), lambda n, s: np.copyto(n, np.exp(n) * 0.1)),
    (lambda t, s: t.__setitem__(..., s * 2.0), lambda n, s: n.__setitem__(..., s * 2.0)),
]


def program(seed):
    """A random list of views and writes: ``run(start, side)`` with side 0 for tensors, 1 for arrays."""

    def run(start, side, sine, total):
        rng = random.Random(seed)
        alive = [start]
        for _ in range(12):
            source = rng.choice(alive)
            views = {0: [], 1: SHAPES_1D, 2: SHAPES_2D}[min(source.ndim, 2)] if source.ndim < 3 else []
            view = rng.choice(views) if views else None
            if view is not None and min(source.shape) >= 2 and rng.random() < 0.5:
                alive.append(view[side](source))
            else:
                operand = rng.choice(alive)
                # a fresh scalar, so that nothing saved for backward is what a later step overwrites
                scalar = sine(total(operand * 1.0)) * 0.3 + 0.9
                rng.choice(CHANGES)[side](source, scalar)
            if rng.random() < 0.2:
                alive.append(rng.choice(alive) * 1.5)
        return sum(total(t * (1.0 + 0.1 * i)) for i, t in enumerate(alive))

    return run


@pytest.mark.parametrize("seed", range(60))
def test_random_program(seed):
    """Views and writes in any order, against the complex step through the same program in numpy."""
    run = program(seed)
    values = np.array([[0.3, -0.4, 0.7], [0.9, 0.2, -0.6]])
    a = leaf(values)
    result = run(a * 1.0, 0, ac.sin, lambda t: t.sum())
    found = gradient(result, a)
    expected = np.empty((2, 3))
    for at in np.ndindex(2, 3):
        point = values.astype(complex)
        point[at] += 1e-40j
        outcome = run(point, 1, np.sin, np.sum)
        expected[at] = outcome.imag / 1e-40
    np.testing.assert_allclose(result.item(), outcome.real, rtol=1e-11)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


# ------------------------------------------------------------------ versions, .data, detach_
class TestVersions:
    def test_every_write_counts_and_every_alias_sees_it(self):
        _, b = tracked()
        aliases = [b, b.view(6), b[0], b.t().t(), b.detach(), b[0].detach()[1:]]
        for count, write in enumerate(
            [
                lambda: b.add_(1.0),
                lambda: b[0].mul_(2.0),
                lambda: b.detach().fill_(1.0),
                lambda: b.__setitem__(0, 3.0),
                lambda: b.view(6).zero_(),
                lambda: b.__setitem__(b > 0, 1.0),
            ],
            start=1,
        ):
            write()
            assert {alias._version for alias in aliases} == {count}

    def test_scalars_share_versions_too(self):
        s = leaf(2.0) * 1.0
        alias = s.detach()
        s.add_(1.0)
        assert alias._version == 1
        assert alias.item() == 3.0
        alias.add_(1.0)
        assert s._version == 2
        assert s.item() == 4.0

    def test_new_memory_has_a_new_count(self):
        _, b = tracked()
        b.add_(1.0)
        assert b.clone()._version == 0
        assert (b * 1.0)._version == 0

    def test_no_grad_counts(self):
        a = leaf()
        with ac.no_grad():
            a.add_(1.0)
        assert a._version == 1

    def test_reads_do_not_count(self):
        b = ac.ones(3)
        b.sum(), b.numpy(), b.tolist(), b.detach(), b.view(3, 1), b.data
        assert b._version == 0

    def test_version_is_read_only(self):
        with raises(AttributeError):
            ac.ones(1)._version = 3


class TestData:
    def test_data_has_a_count_of_its_own(self):
        _, b = tracked()
        b.add_(1.0)
        d = b.data
        assert d._version == 0
        assert not d.requires_grad
        d.add_(1.0)
        assert b._version == 1
        assert b.tolist() == [[v + 2.0 for v in row] for row in VALUES]

    def test_write_through_data_is_not_seen_by_saved_tensors(self):
        """Documented: the gradient is that of the values at the time of backward."""
        a = leaf()
        b = a * 1.0
        z = b.sin()
        b.data.mul_(2.0)
        np.testing.assert_allclose(gradient(z.sum(), a), np.cos([2.0, 4.0, 6.0]), rtol=1e-15)

    def test_assigning_data(self):
        a = leaf()
        new = ac.tensor([4.0, 5.0])
        a.data = new
        assert a.tolist() == [4.0, 5.0]
        assert a.requires_grad
        assert a.data_ptr() == new.data_ptr()
        a.data.add_(1.0)
        assert new.tolist() == [5.0, 6.0]

    def test_assigning_data_keeps_the_graph(self):
        a = leaf()
        b = a * 2.0
        b.data = ac.zeros(3)
        assert name(b) == "MulBackward0"
        np.testing.assert_array_equal(gradient(b.sum(), a), [2.0] * 3)

    def test_update_step_through_data(self):
        a = leaf()
        (a * a).sum().backward()
        a.data -= 0.5 * a.grad
        assert a.tolist() == [0.0, 0.0, 0.0]
        assert a.is_leaf


class TestDetach:
    def test_detach_in_place(self):
        a = leaf()
        b = a * 2.0
        assert b.detach_() is b
        assert b.is_leaf
        assert not b.requires_grad
        assert b._version == 0
        b.requires_grad_()
        b.sum().backward()
        assert b.grad.tolist() == [1.0] * 3
        assert a.grad is None

    def test_detach_in_place_of_a_leaf(self):
        a = leaf()
        a.detach_()
        assert not a.requires_grad

    def test_write_through_a_detached_alias(self):
        a = leaf()
        b = a * 2.0
        b.detach().mul_(3.0)
        assert b.tolist() == [6.0, 12.0, 18.0]
        assert name(b) == "MulBackward0"
        np.testing.assert_array_equal(gradient(b.sum(), a), [2.0] * 3)


# ------------------------------------------------------------------ stale saved tensors
def stale(shape, node, found, expected):
    """The start of torch's message about a saved tensor that has changed since."""
    return (
        f"{STALE}[torch.DoubleTensor {shape}], which is output 0 of {node}, is at version {found}; "
        f"expected version {expected} instead"
    )


class TestStale:
    def check(self, result, sentence):
        with raises(RuntimeError, sentence):
            result.sum().backward()

    def test_saved_input(self):
        b = leaf() * 1.0
        z = b.sin()
        b.add_(1.0)
        self.check(z, stale("[3]", "Add", 1, 0))

    def test_saved_output(self):
        z = leaf().exp()
        z.add_(1.0)
        self.check(z, stale("[3]", "Exp", 1, 0))

    def test_saved_operand_of_a_product(self):
        b, c = leaf() * 1.0, leaf()
        z = b * c
        b.add_(1.0)
        self.check(z, stale("[3]", "Add", 1, 0))

    def test_through_a_view(self):
        b = leaf() * 1.0
        z = b.sin()
        b[0].zero_()
        self.check(z, STALE)

    def test_through_a_detached_alias(self):
        z = leaf().exp()
        s = z.sum()
        z.detach().add_(1.0)
        self.check(s, stale("[3]", "Exp", 1, 0))

    def test_through_a_detached_alias_after_the_output_died(self):
        z = leaf().exp()
        alias, s = z.detach(), z.sum()
        del z
        alias.add_(1.0)
        self.check(s, stale("[3]", "Exp", 1, 0))

    def test_scalar_output_through_a_detached_alias_after_it_died(self):
        z = leaf(1.5).exp()
        alias, s = z.detach(), z + 1.0
        del z
        alias.add_(1.0)
        self.check(s, stale("[]", "Exp", 1, 0))

    def test_scalar_input(self):
        b = leaf(1.5) * 1.0
        z = b.sin()
        b.mul_(2.0)
        self.check(z, stale("[]", "Mul", 1, 0))

    def test_scalar_input_through_a_view(self):
        b = leaf(1.5) * 1.0
        z = b.sin()
        b.view(1).mul_(2.0)
        self.check(z, STALE)

    def test_no_grad_write_to_a_leaf(self):
        a = leaf()
        z = a.sin()
        with ac.no_grad():
            a.add_(1.0)
        self.check(z, STALE)

    def test_saved_version_is_the_one_at_the_time(self):
        b = leaf() * 1.0
        b.add_(1.0)
        z = b.sin()
        b.add_(1.0)
        self.check(z, stale("[3]", "Add", 2, 1))

    def test_saved_index(self):
        a, index = leaf(), ac.tensor([0, 1])
        z = a[index]
        index.add_(1)
        with raises(RuntimeError, STALE + "[torch.LongTensor [2]]"):
            z.sum().backward()

    def test_nothing_changed_by_the_failure(self):
        a = leaf()
        z = a.exp()
        z.add_(1.0)
        with unchanged(a, z), pytest.raises(RuntimeError):
            z.sum().backward()
        (a * 2.0).sum().backward()
        assert a.grad.tolist() == [2.0] * 3

    @pytest.mark.parametrize("op", ["add", "sub", "neg", "sum", "clone", "t"])
    def test_what_saves_nothing_does_not_mind(self, op):
        a = leaf([[1.0, 2.0], [3.0, 4.0]])
        b = a * 1.0
        z = getattr(b, op)(*[1.0] * (op in ("add", "sub")))
        (b.detach() if op == "t" else b).mul_(5.0)
        np.testing.assert_array_equal(np.abs(gradient(z.sum(), a)), np.ones((2, 2)))

    def test_shapes_alone_are_saved_by_reductions(self):
        a = leaf()
        b = a * 1.0
        z = b.mean()
        b.mul_(2.0)
        np.testing.assert_allclose(gradient(z, a), [1 / 3] * 3)

    @pytest.mark.parametrize("op", ["mul", "pow", "atan2"])
    def test_operand_that_is_itself(self, op):
        """b.mul_(b) overwrites what its own gradient needs: that is told, or was kept."""
        a = leaf()
        expected = gradient(getattr(a, op)(a).sum(), a)
        b = a * 1.0
        getattr(b, op + "_")(b)
        try:
            found = gradient(b.sum(), a)
        except RuntimeError as error:
            found = expected if str(error).startswith(STALE) else error
        np.testing.assert_array_equal(found, expected)

    def test_adding_itself_is_fine(self):
        a = leaf()
        b = a * 1.0
        b.add_(b)
        np.testing.assert_array_equal(gradient(b.sum(), a), [2.0] * 3)


# ------------------------------------------------------------------ what is forbidden
NO_GRAD_VIEW = "A view was created in no_grad mode and is being modified inplace with grad mode enabled."
NO_GRAD_VIEW_BASE = (
    "A view was created in no_grad mode and its base or another view of its base has been modified inplace with grad "
    "mode enabled."
)
WRITES = {
    "add_": lambda t: t.add_(1.0),
    "mul_": lambda t: t.mul_(2.0),
    "zero_": lambda t: t.zero_(),
    "fill_": lambda t: t.fill_(1.0),
    "copy_": lambda t: t.copy_(ac.zeros(1)),
    "exp_": lambda t: t.exp_(),
    "iadd": lambda t: t.__iadd__(1.0),
    "add_tracked": lambda t: t.add_(leaf([1.0])),
    "masked_fill_": lambda t: t.masked_fill_(t > 0, 1.0),
    "index_put_": lambda t: t.index_put_((ac.tensor([0]),), ac.tensor(1.0)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
class TestBans:
    def test_leaf(self, write):
        a = leaf()
        with unchanged(a), raises(RuntimeError, LEAF_IN_PLACE):
            write(a)

    @pytest.mark.parametrize(
        "view", [lambda a: a[1:], lambda a: a.view(3, 1), lambda a: a.detach().requires_grad_()[1:]]
    )
    def test_view_of_a_leaf(self, write, view):
        v = view(leaf())
        with unchanged(v), raises(RuntimeError, LEAF_VIEW_IN_PLACE):
            write(v)

    @pytest.mark.parametrize(
        ("split", "output", "node"),
        [
            (lambda b: b.unbind(), 0, "Unbind"),
            (lambda b: b.split(1), 2, "Split"),
            (lambda b: b.chunk(3), 1, "Split"),
            (lambda b: b.split([1, 2]), 1, "SplitWithSizes"),
        ],
    )
    def test_output_of_a_multi_output_view(self, write, split, output, node):
        b = leaf([[1.0], [2.0], [3.0]]) * 1.0
        part = split(b)[output]
        sentence = f"Output {output} of {node} is a view and is being modified inplace."
        with unchanged(b, part), raises(RuntimeError, sentence):
            write(part)

    def test_view_made_under_no_grad(self, write):
        b = leaf() * 1.0
        with ac.no_grad():
            v = b[1:]
        with unchanged(b), raises(RuntimeError, NO_GRAD_VIEW):
            write(v)


class TestMoreBans:
    def test_setitem_on_a_leaf(self):
        a = leaf()
        for index in (0, slice(1, 2)):
            with unchanged(a), raises(RuntimeError, LEAF_VIEW_IN_PLACE):
                a[index] = 5.0
        for index in ([0], ...):
            with unchanged(a), raises(RuntimeError, LEAF_IN_PLACE):
                a[index] = 5.0

    def test_no_grad_lifts_the_ban_on_leaves(self):
        a = leaf()
        with ac.no_grad():
            a.add_(1.0)
            a[0].mul_(2.0)
            a[2] = 9.0
        assert a.tolist() == [4.0, 3.0, 9.0]
        assert a.is_leaf
        assert a._version == 3

    def test_view_made_under_no_grad_after_its_base_changed(self):
        b = leaf() * 1.0
        with ac.no_grad():
            v = b[1:]
        b.add_(1.0)
        with raises(RuntimeError, NO_GRAD_VIEW_BASE):
            v.grad_fn  # noqa: B018 - rebuilding the graph is what must fail

    def test_view_of_a_view_made_under_no_grad(self):
        b = leaf() * 1.0
        with ac.no_grad():
            v = b[1:]
        w = v[:]
        sentence = "Output 0 of Slice is a view of a view which was created in no_grad mode"
        with unchanged(b), raises(RuntimeError, sentence):
            w.add_(1.0)

    def test_view_made_under_no_grad_of_a_plain_base(self):
        b = ac.ones(3)
        with ac.no_grad():
            v = b[1:]
        v.add_(1.0)
        assert b.tolist() == [1.0, 2.0, 2.0]
        with raises(RuntimeError, NO_GRAD_VIEW):
            v.add_(leaf([1.0, 1.0]))

    def test_write_under_no_grad_through_a_recorded_view(self):
        a = leaf()
        b = a * 2.0
        v = b[1:]
        with ac.no_grad():
            v.add_(1.0)
        assert b.tolist() == [2.0, 5.0, 7.0]
        assert name(b) == "MulBackward0"
        np.testing.assert_array_equal(gradient(v.sum(), a), [0.0, 2.0, 2.0])

    def test_multi_output_view_after_its_base_changed(self):
        b = leaf() * 1.0
        part = b.unbind()[0]
        b.add_(1.0)
        sentence = "Output 0 of Unbind is a view and its base or another view of its base has been modified inplace."
        with raises(RuntimeError, sentence):
            part.grad_fn  # noqa: B018

    def test_multi_output_view_of_a_plain_base(self):
        b = ac.ones(3)
        b.unbind()[0].add_(1.0)
        b.split(1)[1].add_(2.0)
        assert b.tolist() == [2.0, 3.0, 1.0]

    def test_detach_in_place_of_a_view(self):
        v = (leaf() * 1.0)[1:]
        with raises(RuntimeError, "Can't detach views in-place. Use detach() instead."):
            v.detach_()

    def test_requires_grad_of_a_result(self):
        b = leaf() * 1.0
        for refuse in (lambda: b.requires_grad_(False), lambda: setattr(b, "requires_grad", False)):
            with unchanged(b), raises(RuntimeError, "you can only change requires_grad flags of leaf variables."):
                refuse()
        assert b.requires_grad_(True) is b


# ------------------------------------------------------------------ failures change nothing
SIZE_MISMATCH = "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0"
BROADCAST = "output with shape [3] doesn't match the broadcast shape [2, 3]"
FAILURES = {
    "shape": (lambda t: t.add_(ac.zeros(4)), SIZE_MISMATCH),
    "copy_shape": (lambda t: t.copy_(ac.zeros(4)), SIZE_MISMATCH),
    "broadcast": (lambda t: t.add_(ac.zeros(2, 3)), BROADCAST),
    "mul_broadcast": (lambda t: t.mul_(ac.zeros(2, 3)), BROADCAST),
    "mask_shape": (lambda t: t.masked_fill_(ac.ones(2, 3) > 0, 1.0), BROADCAST),
    "fill_vector": (
        lambda t: t.fill_(ac.ones(2)),
        "fill_ only supports 0-dimension value tensor but got tensor with 1",
    ),
    "set_shape": (lambda t: t.__setitem__(slice(0, 2), ac.zeros(3)), "The expanded size of the tensor (2) must match"),
    "resize": (lambda t: t.resize_(2), "cannot resize variables that require grad"),
}


@pytest.mark.parametrize(("write", "sentence"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_write_changes_nothing(write, sentence):
    a = leaf()
    b = a * 1.0
    with unchanged(a, b), raises(RuntimeError, sentence):
        write(b)
    np.testing.assert_array_equal(gradient(b.sum(), a), [1.0] * 3)


DOUBLE_TO_LONG = "result type Double can't be cast to the desired output type Long"


@pytest.mark.parametrize(
    ("start", "write", "kind", "sentence"),
    [
        ([1, 2], lambda t: t.add_(1.5), RuntimeError, DOUBLE_TO_LONG),
        ([1, 2], lambda t: t.div_(2), RuntimeError, DOUBLE_TO_LONG),
        ([1, 2], lambda t: t.add_(ac.ones(2)), RuntimeError, DOUBLE_TO_LONG),
        ([1, 2], lambda t: t.exp_(), RuntimeError, DOUBLE_TO_LONG),
        ([1, 2], lambda t: t.pow_(-1), RuntimeError, "Integers to negative integer powers are not allowed."),
        ([True], lambda t: t.add_(1), RuntimeError, "result type Long can't be cast to the desired output type Bool"),
        ([1.0], lambda t: t.bitwise_and_(1), NotImplementedError, "\"bitwise_and_cpu\" not implemented for 'Double'"),
        ([1.0], lambda t: t.add_("a"), TypeError, "add_(): argument 'other' (position 1) must be Tensor, not str"),
        ([1.0], lambda t: t.__setitem__(5, 1.0), IndexError, "index 5 is out of bounds for dimension 0 with size 1"),
        ([1.0], lambda t: t.__setitem__(0, "a"), TypeError, "can't assign a str to a torch.DoubleTensor"),
        ([1.0], lambda t: t.__setitem__(0, [1.0]), TypeError, "can't assign a list to a torch.DoubleTensor"),
    ],
)
def test_a_write_of_the_wrong_type_changes_nothing(start, write, kind, sentence):
    t = ac.tensor(start)
    with unchanged(t), raises(kind, sentence):
        write(t)


class TestOverlap:
    """Writes where memory is shared with an operand, or with other elements of the target."""

    @pytest.mark.parametrize("write", [lambda t: t.add_(1.0), lambda t: t.mul_(2.0), lambda t: t.copy_(ac.ones(3))])
    def test_expanded_target(self, write):
        b = ac.zeros(1).expand(3)
        with unchanged(b), raises(RuntimeError, OVERLAPPING_WRITE):
            write(b)

    @pytest.mark.parametrize(("write", "value"), [(lambda t: t.zero_(), 0.0), (lambda t: t.fill_(2.0), 2.0)])
    def test_expanded_target_of_a_constant(self, write, value):
        """Every element gets the same value, so sharing does no harm."""
        b = ac.ones(1).expand(3)
        write(b)
        assert b.tolist() == [value] * 3

    @pytest.mark.parametrize(
        ("write", "expected"),
        [
            (lambda b: b.add_(b.t()), lambda n: n + n.T),
            (lambda b: b.copy_(b.t()), lambda n: n.T),
            (lambda b: b[1:].add_(b[:-1]), lambda n: np.concatenate([n[:1], n[1:] + n[:-1]])),
            (lambda b: b[:-1].add_(b[1:]), lambda n: np.concatenate([n[:-1] + n[1:], n[-1:]])),
            (lambda b: b[1:].copy_(b[:-1]), lambda n: np.concatenate([n[:1], n[:-1]])),
            (lambda b: b.mul_(b.t()), lambda n: n * n.T),
        ],
        ids=["add_transposed", "copy_transposed", "shift_down", "shift_up", "copy_shift", "mul_transposed"],
    )
    def test_partly_shared_operand_is_refused_or_read_first(self, write, expected):
        b = ac.arange(9.0).view(3, 3).clone()
        n = np.arange(9.0).reshape(3, 3)
        refused = None
        try:
            write(b)
        except RuntimeError as error:
            refused = error
        np.testing.assert_array_equal(to_numpy(b), expected(n) if refused is None else n)
        assert refused is None or str(refused).startswith(OVERLAPPING_READ)
        assert b._version == (refused is None)

    def test_exactly_shared_operand(self):
        b = ac.arange(4.0)
        b.add_(b)
        b.view(2, 2).add_(b.view(2, 2))
        assert b.tolist() == [0.0, 4.0, 8.0, 12.0]

    @pytest.mark.parametrize(
        "write",
        [
            lambda b: b.__setitem__(slice(1, None), b[:-1].clone()),
            lambda b: b.__setitem__(ac.tensor([1, 2]), b[:2].clone()),
            lambda b: b.index_put_((ac.tensor([1, 2]),), b[:2].clone()),
        ],
    )
    def test_copies_are_always_right(self, write):
        b = ac.tensor([1.0, 2.0, 3.0])
        write(b)
        assert b.tolist() == [1.0, 1.0, 2.0]

    def test_scatter_of_itself(self):
        b = ac.tensor([1.0, 2.0])
        b.scatter_add_(0, ac.tensor([1, 0]), b.clone())
        assert b.tolist() == [3.0, 3.0]


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
