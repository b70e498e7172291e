"""In-place operations and the graph: views of what changes, versions, `.data`, `detach_`, stale saved tensors.

Random programs are judged by the complex step through numpy, which has the same views and writes.
"""

import random

import numpy as np
import pytest
from module import ac, to_numpy
from support import (
    LEAF_VIEW_IN_PLACE,
    STALE,
    VALUES,
    gradient,
    leaf,
    name,
    next_names,
    raises,
    tracked,
    unchanged,
)


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
