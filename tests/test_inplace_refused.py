"""In-place operations that are refused, by the graph or by the memory, and change nothing then."""

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    LEAF_IN_PLACE,
    LEAF_VIEW_IN_PLACE,
    OVERLAPPING_READ,
    OVERLAPPING_WRITE,
    deviation,
    gradient,
    leaf,
    name,
    raises,
    unchanged,
)

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

    def test_strides_that_miss_each_other(self):
        """Strides of 2 and 3 interleave, but no two of these elements are one."""
        base = ac.arange(12.0)
        view = base.as_strided((3, 3), (2, 3))
        view.mul_(2.0)
        assert view.tolist() == [[0.0, 6.0, 12.0], [4.0, 10.0, 16.0], [8.0, 14.0, 20.0]]
        assert base[[1, 9, 11]].tolist() == [1.0, 9.0, 11.0]

    @pytest.mark.parametrize(
        ("write", "expected"),
        [
            (lambda t: t.zero_(), [0.0, 0.0, 0.0, 0.0, 0.0]),
            (lambda t: t.fill_(ac.tensor(2.0)), [2.0, 2.0, 2.0, 2.0, 2.0]),
            (lambda t: t.copy_(ac.tensor(3.0)), [3.0, 3.0, 3.0, 3.0, 3.0]),
            (
                lambda t: t.masked_fill_(ac.tensor([[0, 0, 1], [0, 0, 0], [0, 0, 0]]).bool(), 9.0),
                [0.0, 1.0, 9.0, 3.0, 4.0],
            ),
            (lambda t: t.masked_fill_(t > 2.5, 9.0), [0.0, 1.0, 2.0, 9.0, 9.0]),
            (lambda t: t.__setitem__(ac.tensor([0]), 7.0), [7.0, 7.0, 7.0, 3.0, 4.0]),
            (lambda t: t.__setitem__((slice(None), ac.tensor([1])), 7.0), [0.0, 7.0, 7.0, 7.0, 4.0]),
            (lambda t: t.index_put_((ac.tensor([0, 1]),), ac.tensor(1.0), accumulate=True), [1.0, 3.0, 4.0, 4.0, 4.0]),
            (
                lambda t: t.index_put_((ac.tensor([0]), ac.tensor([0, 2])), ac.tensor(1.0), accumulate=True),
                [1.0, 1.0, 3.0, 3.0, 4.0],
            ),
            (lambda t: t.scatter_add_(0, ac.tensor([[0, 0, 0], [1, 0, 0]]), ac.ones(2, 3)), [1.0, 4.0, 4.0, 3.0, 4.0]),
        ],
    )
    def test_windows(self, write, expected):
        """What is well defined where elements are one: one value for all, what a mask chose, sums."""
        base = ac.arange(5.0)
        write(base.unfold(0, 3, 1))
        assert base.tolist() == expected

    @pytest.mark.parametrize(
        ("write", "expected"),
        [
            (lambda t: t.masked_fill_(ac.tensor([[False, True], [False, False]]), 9.0), [9.0, 1.0]),
            (lambda t: t.masked_fill_(ac.tensor([[True, False], [False, True]]), 9.0), [9.0, 9.0]),
            (lambda t: t.__setitem__(t > 0.5, 9.0), [0.0, 9.0]),
            (lambda t: t.index_put_((ac.tensor([0]),), ac.tensor(1.0)), [1.0, 1.0]),
            (lambda t: t.index_put_((ac.tensor([0]),), ac.tensor(1.0), accumulate=True), [2.0, 1.0]),
        ],
    )
    def test_deprecated_writes_to_expanded(self, write, expected):
        base = ac.arange(2.0)
        with pytest.warns(UserWarning, match="on expanded tensors is deprecated. Please clone"):
            write(base.unsqueeze(1).expand(2, 2))
        assert base.tolist() == expected

    @deviation("torch writes several times to an element that windows share, each time to what is there by then")
    def test_windows_are_refused_where_the_order_matters(self):
        base = ac.arange(5.0)
        for write in (lambda t: t.mul_(2.0), lambda t: t.sin_(), lambda t: t.copy_(ac.ones(3, 3))):
            with unchanged(base), raises(RuntimeError, OVERLAPPING_WRITE):
                write(base.unfold(0, 3, 1))

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
