"""`Tensor.set_`: another tensor's memory in place of the own."""

import pytest
from module import ac
from support import STALE, leaf, raises


def plain(*values):
    return ac.tensor(values, dtype=ac.float64)


class TestMemory:
    @pytest.mark.parametrize("values", [(3.0, 4.0, 5.0), (3.0,)])
    def test_is_shared(self, values):
        x, y = plain(1.0, 2.0), plain(*values)
        assert x.set_(y) is x
        x[0] = 9.0
        assert y[0].item() == 9.0
        assert x.data_ptr() == y.data_ptr()
        assert x.shape == y.shape

    def test_sizes_and_strides(self):
        y = ac.arange(6.0, dtype=ac.float64).view(2, 3).t()[1:]
        x = plain(1.0).set_(y)
        assert x.stride() == y.stride()
        assert x.storage_offset() == y.storage_offset()
        assert x.tolist() == y.tolist()

    def test_version_counters_stay_apart(self):
        x, y = plain(1.0, 2.0), plain(3.0)
        x.set_(y)
        x[0] = 9.0
        assert x._version == 2
        assert y._version == 0

    def test_without_a_source(self):
        assert plain(1.0, 2.0).set_().shape == (0,)

    def test_scalars(self):
        x, y = ac.tensor(1.0, dtype=ac.float64), ac.tensor(2.0, dtype=ac.float64)
        x.set_(y).fill_(5.0)
        assert y.item() == 5.0

    def test_of_a_view_leaves_its_base(self):
        x = plain(1.0, 2.0)
        v = x[:1]
        v.set_(plain(3.0)).mul_(2.0)
        assert x.tolist() == [1.0, 2.0]
        assert v.tolist() == [6.0]

    def test_of_the_base_leaves_its_views(self):
        x = plain(1.0, 2.0)
        v = x[1:]
        x.set_(plain(3.0))
        assert v.tolist() == [2.0]


class TestGraph:
    def test_saved_tensor_is_stale(self):
        x, w = plain(1.0, 2.0), leaf((1.0, 1.0))
        y = x * w
        x.set_(plain(5.0, 6.0))
        with raises(RuntimeError, STALE):
            y.sum().backward()

    def test_leaf(self):
        with raises(RuntimeError, "a leaf Variable that requires grad is being used in an in-place operation."):
            leaf().set_(plain(1.0))
        x = leaf()
        with ac.no_grad():
            x.set_(plain(1.0))
        assert x.requires_grad
        assert x.tolist() == [1.0]

    @pytest.mark.parametrize("which", ["tensor", "source"])
    def test_has_no_derivative(self, which):
        x, source = (leaf() * 1.0, plain(1.0)) if which == "tensor" else (plain(1.0), leaf())
        x.set_(source)
        assert x.requires_grad
        with raises(RuntimeError, "derivative for set_ is not implemented"):
            x.sum().backward()


class TestRefused:
    def test_dtype(self):
        x = plain(1.0)
        with raises(RuntimeError, "Could not set tensor of type"):
            x.set_(ac.tensor([1, 2]))
        assert x.tolist() == [1.0]

    def test_no_tensor(self):
        with raises(TypeError, "set_() received an invalid combination of arguments - got (int), but expected one of:"):
            plain(1.0).set_(3)


def test_leaf_that_is_a_view():
    v = plain(1.0, 2.0)[:1].requires_grad_()
    (v * 2.0).sum().backward()
    assert v.grad.tolist() == [2.0]
    with raises(RuntimeError, "a view of a leaf Variable that requires grad is being used in an in-place operation."):
        v.mul_(2.0)
