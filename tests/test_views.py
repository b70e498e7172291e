"""Views: geometry, aliasing, gradients, names, and the rules that say when there is a view and when a copy.

Values are judged through numpy (`as_strided` over the claimed geometry, or numpy's own indexing); gradients through the
positions a view shows: the gradient of ``(view * w).sum()`` is ``w`` added up over the positions.
"""

from typing import NamedTuple

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import gradient, leaf, name, quiet, raises, weights

SHAPE = (2, 3, 4)


class View(NamedTuple):
    """A view of a contiguous (2, 3, 4) tensor and what torch makes of it."""

    make: object
    shape: tuple
    stride: tuple
    offset: int
    node: str


# fmt: off
VIEWS = {
    "view": View(lambda a: a.view(6, 4), (6, 4), (4, 1), 0, "ViewBackward0"),
    "view_infer": View(lambda a: a.view(2, -1), (2, 12), (12, 1), 0, "ViewBackward0"),
    "view_tuple": View(lambda a: a.view((4, 6)), (4, 6), (6, 1), 0, "ViewBackward0"),
    "view_as": View(lambda a: a.view_as(ac.zeros(6, 4)), (6, 4), (4, 1), 0, "ViewBackward0"),
    "reshape": View(lambda a: a.reshape(4, 6), (4, 6), (6, 1), 0, "ViewBackward0"),
    "flatten": View(lambda a: a.flatten(), (24,), (1,), 0, "ViewBackward0"),
    "flatten_from": View(lambda a: a.flatten(1), (2, 12), (12, 1), 0, "ViewBackward0"),
    "flatten_between": View(lambda a: a.flatten(0, 1), (6, 4), (4, 1), 0, "ViewBackward0"),
    "expand": View(lambda a: a.expand(5, 2, 3, 4), (5, 2, 3, 4), (0, 12, 4, 1), 0, "ExpandBackward0"),
    "expand_ones": View(lambda a: a[:, :1].expand(2, 3, -1), (2, 3, 4), (12, 0, 1), 0, "ExpandBackward0"),
    "expand_as": View(lambda a: a.expand_as(a), (2, 3, 4), (12, 4, 1), 0, "ExpandBackward0"),
    "permute": View(lambda a: a.permute(2, 0, 1), (4, 2, 3), (1, 12, 4), 0, "PermuteBackward0"),
    "permute_negative": View(lambda a: a.permute((-1, 0, 1)), (4, 2, 3), (1, 12, 4), 0, "PermuteBackward0"),
    "transpose": View(lambda a: a.transpose(0, 2), (4, 3, 2), (1, 4, 12), 0, "TransposeBackward0"),
    "transpose_negative": View(lambda a: a.transpose(-1, -2), (2, 4, 3), (12, 1, 4), 0, "TransposeBackward0"),
    "t": View(lambda a: a[1].t(), (4, 3), (1, 4), 12, "TBackward0"),
    "t_1d": View(lambda a: a[1, 2].t(), (4,), (1,), 20, "TBackward0"),
    "T": View(lambda a: a[1].T, (4, 3), (1, 4), 12, "PermuteBackward0"),
    "mT": View(lambda a: a.mT, (2, 4, 3), (12, 1, 4), 0, "TransposeBackward0"),
    "squeeze": View(lambda a: a[:1].squeeze(), (3, 4), (4, 1), 0, "SqueezeBackward0"),
    "squeeze_nothing": View(lambda a: a.squeeze(), (2, 3, 4), (12, 4, 1), 0, "SqueezeBackward0"),
    "squeeze_dim": View(lambda a: a[:, 1:2].squeeze(1), (2, 4), (12, 1), 4, "SqueezeBackward1"),
    "squeeze_dim_not_1": View(lambda a: a.squeeze(1), (2, 3, 4), (12, 4, 1), 0, "SqueezeBackward1"),
    "unsqueeze": View(lambda a: a.unsqueeze(1), (2, 1, 3, 4), (12, 12, 4, 1), 0, "UnsqueezeBackward0"),
    "unsqueeze_last": View(lambda a: a.unsqueeze(-1), (2, 3, 4, 1), (12, 4, 1, 1), 0, "UnsqueezeBackward0"),
    "select": View(lambda a: a.select(1, 2), (2, 4), (12, 1), 8, "SelectBackward0"),
    "select_negative": View(lambda a: a.select(-1, -1), (2, 3), (12, 4), 3, "SelectBackward0"),
    "narrow": View(lambda a: a.narrow(2, 1, 2), (2, 3, 2), (12, 4, 1), 1, "SliceBackward0"),
    "narrow_negative": View(lambda a: a.narrow(1, -2, 2), (2, 2, 4), (12, 4, 1), 4, "SliceBackward0"),
    "diagonal": View(lambda a: a.diagonal(), (4, 2), (1, 16), 0, "DiagonalBackward0"),
    "diagonal_above": View(lambda a: a.diagonal(1, 1, 2), (2, 3), (12, 5), 1, "DiagonalBackward0"),
    "diagonal_below": View(lambda a: a.diagonal(-1, 0, 2), (3, 1), (4, 13), 12, "DiagonalBackward0"),
    "unfold": View(lambda a: a.unfold(2, 2, 1), (2, 3, 3, 2), (12, 4, 1, 1), 0, "UnfoldBackward0"),
    "unfold_step": View(lambda a: a.unfold(1, 1, 2), (2, 2, 4, 1), (12, 8, 1, 4), 0, "UnfoldBackward0"),
    "unbind": View(lambda a: a.unbind(1)[2], (2, 4), (12, 1), 8, "UnbindBackward0"),
    "split": View(lambda a: a.split(2, 2)[1], (2, 3, 2), (12, 4, 1), 2, "SplitBackward0"),
    "split_uneven": View(lambda a: a.split(3, -1)[1], (2, 3, 1), (12, 4, 1), 3, "SplitBackward0"),
    "split_sizes": View(lambda a: a.split([1, 2], 1)[1], (2, 2, 4), (12, 4, 1), 4, "SplitWithSizesBackward0"),
    "chunk": View(lambda a: a.chunk(2, 2)[1], (2, 3, 2), (12, 4, 1), 2, "SplitBackward0"),
    "as_strided": View(lambda a: a.as_strided((2, 2), (3, 2), 1), (2, 2), (3, 2), 1, "AsStridedBackward0"),
    "as_strided_overlap": View(lambda a: a.as_strided((3, 3), (1, 1)), (3, 3), (1, 1), 0, "AsStridedBackward0"),
    "index_int": View(lambda a: a[1], (3, 4), (4, 1), 12, "SelectBackward0"),
    "index_ints": View(lambda a: a[1, 2, 3], (), (), 23, "SelectBackward0"),
    "index_numpy_int": View(lambda a: a[np.int64(1)], (3, 4), (4, 1), 12, "SelectBackward0"),
    "index_tensor_int": View(lambda a: a[ac.tensor(1)], (3, 4), (4, 1), 12, "SelectBackward0"),
    "index_negative": View(lambda a: a[-1, -1], (4,), (1,), 20, "SelectBackward0"),
    "index_colon": View(lambda a: a[:], (2, 3, 4), (12, 4, 1), 0, "SliceBackward0"),
    "index_ellipsis": View(lambda a: a[...], (2, 3, 4), (12, 4, 1), 0, "AliasBackward0"),
    "index_none": View(lambda a: a[None], (1, 2, 3, 4), (24, 12, 4, 1), 0, "UnsqueezeBackward0"),
    "index_mixed": View(lambda a: a[1, None, ..., 1::2], (1, 3, 2), (12, 4, 2), 13, "SliceBackward0"),
    "index_slice_empty": View(lambda a: a[2:1], (0, 3, 4), (12, 4, 1), 24, "SliceBackward0"),
    "index_slice_beyond": View(lambda a: a[:, 1:100], (2, 2, 4), (12, 4, 1), 4, "SliceBackward0"),
    "index_slice_negative": View(lambda a: a[..., -3:-1], (2, 3, 2), (12, 4, 1), 1, "SliceBackward0"),
    "of_view": View(lambda a: a.transpose(0, 2)[1:3].select(1, 1), (2, 2), (1, 12), 5, "SelectBackward0"),
    "view_of_noncontiguous": View(lambda a: a.transpose(0, 1).view(3, 2, 2, 2), (3, 2, 2, 2), (4, 12, 2, 1), 0,
                                  "ViewBackward0"),
}
# fmt: on
WRITABLE = [key for key, view in VIEWS.items() if 0 not in view.stride and key not in ("as_strided_overlap", "unfold")]


def base_tensor(requires_grad=False):
    """The (2, 3, 4) tensor whose values are the positions in its storage."""
    return ac.arange(24.0).view(SHAPE).clone().requires_grad_(requires_grad)


def positions(function):
    """The positions of a base's storage that ``function(base)`` shows."""
    return to_numpy(function(base_tensor())).astype(int)


def scattered(index, w, size=24):
    """``w`` added up over the positions ``index``: the gradient of what reads them, weighted by w."""
    return np.bincount(index.ravel(), w.ravel(), size)


@pytest.fixture(params=VIEWS.values(), ids=VIEWS.keys())
def view(request):
    """A row of VIEWS."""
    return request.param


class TestEveryView:
    def test_geometry(self, view):
        v = view.make(base_tensor())
        assert isinstance(v.shape, ac.Size)
        assert (tuple(v.shape), v.stride(), v.storage_offset()) == (view.shape, view.stride, view.offset)
        assert v.ndim == v.dim() == len(view.shape)
        assert v.numel() == int(np.prod(view.shape))

    def test_values_are_those_at_the_geometry(self, view):
        strides = [8 * step for step in view.stride]
        expected = np.lib.stride_tricks.as_strided(np.arange(25.0)[view.offset :], view.shape, strides)
        np.testing.assert_array_equal(to_numpy(view.make(base_tensor())), expected)

    def test_is_contiguous(self, view):
        expected = np.lib.stride_tricks.as_strided(np.empty(25), view.shape, [8 * step for step in view.stride])
        assert view.make(base_tensor()).is_contiguous() == expected.flags.c_contiguous

    def test_aliases_its_base(self, view):
        base = base_tensor()
        v = view.make(base)
        assert v._is_view()
        assert v._base is base
        assert v.data_ptr() == base.data_ptr() + 8 * view.offset or v.numel() == 0
        base.add_(100.0)
        assert v._version == base._version == 1
        np.testing.assert_array_equal(to_numpy(v), positions(view.make) + 100.0)

    def test_node(self, view):
        v = view.make(base_tensor(requires_grad=True))
        assert v.requires_grad
        assert not v.is_leaf
        assert name(v) == view.node

    def test_gradient(self, view):
        base = base_tensor(requires_grad=True)
        w = weights(view.shape)
        found = gradient((view.make(base) * ac.tensor(w)).sum(), base)
        np.testing.assert_allclose(found.ravel(), scattered(positions(view.make), w), rtol=1e-14)

    def test_second_gradient(self, view):
        base = base_tensor(requires_grad=True)
        (first,) = ac.autograd.grad((view.make(base) ** 3).sum(), base, create_graph=True)
        second = gradient(first.sum(), base)
        index = positions(view.make)
        np.testing.assert_allclose(second.ravel(), scattered(index, 6.0 * index), rtol=1e-14)

    def test_no_graph_without_grad(self, view):
        base = base_tensor(requires_grad=True)
        with ac.no_grad():
            v = view.make(base)
        assert v.grad_fn is None
        assert v._base is base


@pytest.mark.parametrize("key", WRITABLE)
def test_write_through_a_view(key):
    view, base = VIEWS[key], base_tensor()
    v = view.make(base)
    values = weights(view.shape)
    v.copy_(ac.tensor(values))
    expected = np.arange(24.0)
    expected[positions(view.make).ravel()] = values.ravel()
    np.testing.assert_array_equal(to_numpy(base).ravel(), expected)
    assert base._version == v._version == 1


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_views_of_other_dtypes(view, dtype):
    base = base_tensor().to(getattr(ac, dtype))
    v = view.make(base)
    assert v._base is base
    assert (tuple(v.shape), v.stride(), v.storage_offset()) == (view.shape, view.stride, view.offset)
    np.testing.assert_array_equal(to_numpy(v), positions(view.make).astype(to_numpy(base).dtype))


class TestBase:
    def test_base_is_the_root(self):
        a = leaf()
        assert a._base is None
        assert not a._is_view()
        v = a.view(3, 1)[1:].squeeze(1)
        assert v._base is a

    @pytest.mark.parametrize("make", [lambda a: a.detach(), lambda a: a.data], ids=["detach", "data"])
    def test_detached_alias_is_no_view(self, make):
        """It shares memory and nothing else, so it can't keep its source alive."""
        a = leaf([[1.0, 2.0], [3.0, 4.0]])
        alias = make(a.t()[1:])
        assert not alias._is_view()
        assert alias._base is None
        assert not alias.requires_grad
        assert (tuple(alias.shape), alias.stride(), alias.storage_offset()) == ((1, 2), (1, 2), 1)
        alias.fill_(7.0)
        assert a.tolist() == [[1.0, 7.0], [3.0, 7.0]]

    def test_a_view_keeps_its_base(self):
        v = base_tensor()[1]
        assert v._base.tolist() == base_tensor().tolist()

    def test_view_of_a_detached_alias(self):
        a = leaf()
        alias = a.detach()
        assert alias[1:]._base is alias


class TestCopies:
    """What returns new memory, and what returns the tensor itself."""

    @pytest.mark.parametrize(
        ("make", "node", "stride"),
        [
            (lambda a: a.clone(), "CloneBackward0", (12, 4, 1)),
            (lambda a: a.transpose(0, 2).clone(), "CloneBackward0", (1, 4, 12)),
            (lambda a: a.mT.contiguous(), "CloneBackward0", (12, 3, 1)),
            (lambda a: a.transpose(0, 2).reshape(-1), "UnsafeViewBackward0", (1,)),
            (lambda a: a.transpose(0, 2).flatten(1), "UnsafeViewBackward0", (6, 1)),
            (lambda a: a[[0, 1]], "IndexBackward0", (12, 4, 1)),
            (lambda a: a[a > 3], "IndexBackward0", (1,)),
            (lambda a: a[True], "IndexBackward0", (24, 12, 4, 1)),
            (lambda a: a.index_select(0, ac.tensor([0])), "IndexSelectBackward0", (12, 4, 1)),
        ],
        ids=["clone", "clone_permuted", "contiguous", "reshape", "flatten", "list", "mask", "True", "index_select"],
    )
    def test_a_copy_shares_nothing(self, make, node, stride):
        a = base_tensor(requires_grad=True)
        copy = make(a)
        assert not copy._is_view()
        assert name(copy) == node
        assert copy.stride() == stride
        with ac.no_grad():
            copy.zero_()
        assert a.tolist() == base_tensor().tolist()
        index = positions(make)
        w = weights(index.shape)
        found = gradient((make(a) * ac.tensor(w)).sum(), a)
        np.testing.assert_allclose(found.ravel(), scattered(index, w), rtol=1e-14)

    def test_contiguous_of_a_contiguous_tensor_is_itself(self):
        a = base_tensor()
        assert a.contiguous() is a
        assert a.view(-1)._base is a

    def test_conversions_to_what_it_is_are_itself(self):
        a = base_tensor()
        assert a.double() is a
        assert a.to(ac.float64) is a
        assert a.to(ac.float64, copy=True) is not a

    def test_detach_of_a_plain_tensor_is_another_object(self):
        a = base_tensor()
        assert a.detach() is not a
        assert a.detach().data_ptr() == a.data_ptr()


class TestShapes:
    def test_size_stride_and_friends(self):
        a = ac.zeros(2, 3)
        assert a.size() == a.shape == (2, 3)
        assert (a.size(0), a.size(-1), a.stride(0), a.stride(-1)) == (2, 3, 3, 1)
        assert (a.numel(), a.nelement(), a.dim(), a.ndim, a.element_size()) == (6, 6, 2, 2, 8)
        assert (a.itemsize, a.nbytes) == (8, 48)
        assert a.bool().element_size() == 1

    @pytest.mark.parametrize(
        ("size", "expected"),
        [((6,), (6,)), ((-1,), (6,)), ((3, -1), (3, 2)), ((1, 6, 1), (1, 6, 1)), ((2, 1, 3), (2, 1, 3))],
    )
    def test_view_sizes(self, size, expected):
        a = ac.zeros(2, 3)
        for made in (a.view(*size), a.view(size), a.view(list(size)), a.view(ac.Size(a.view(size).shape))):
            assert tuple(made.shape) == expected
        assert tuple(a.reshape(*size).shape) == tuple(a.reshape(size).shape) == expected

    def test_view_of_nothing(self):
        a = ac.zeros(0, 3)
        assert tuple(a.view(3, 0).shape) == (3, 0)
        assert tuple(a.view(-1, 3).shape) == (0, 3)
        assert tuple(a.reshape(0, 5).shape) == (0, 5)

    def test_view_of_a_scalar(self):
        s = leaf(3.0)
        assert tuple(s.view(1, 1).shape) == (1, 1)
        assert tuple(s.view(()).shape) == ()
        assert tuple(s[None].shape) == (1,)
        assert s.expand(2, 2).tolist() == [[3.0, 3.0], [3.0, 3.0]]
        assert gradient(s.expand(2, 2).sum(), s) == 4.0

    @pytest.mark.parametrize(
        ("length", "chunks", "expected"), [(7, 3, [3, 3, 1]), (5, 4, [2, 2, 1]), (4, 2, [2, 2]), (2, 5, [1, 1])]
    )
    def test_chunk_sizes(self, length, chunks, expected):
        assert [len(c) for c in ac.arange(float(length)).chunk(chunks)] == expected

    @pytest.mark.parametrize(
        ("sizes", "expected"), [(2, [2, 2, 1]), (5, [5]), (9, [5]), ([1, 4], [1, 4]), ([0, 5, 0], [0, 5, 0])]
    )
    def test_split_sizes(self, sizes, expected):
        parts = ac.arange(5.0).split(sizes)
        assert isinstance(parts, tuple)
        assert [len(part) for part in parts] == expected
        assert [x for part in parts for x in part.tolist()] == [0.0, 1.0, 2.0, 3.0, 4.0]

    def test_multi_output_views_share_one_node(self):
        a = leaf()
        parts = a.unbind()
        assert isinstance(parts, tuple)
        assert len({id(part.grad_fn) for part in parts}) == 1
        np.testing.assert_array_equal(gradient(parts[0] * parts[2], a), [3.0, 0.0, 1.0])

    def test_squeeze_of_several_dims(self):
        a = ac.zeros(1, 2, 1, 3)
        assert tuple(a.squeeze().shape) == (2, 3)
        assert tuple(a.squeeze((0, 2)).shape) == (2, 3)
        assert tuple(a.squeeze((0, 1)).shape) == (2, 1, 3)

    def test_T_of_3d_reverses(self):
        with quiet():
            assert base_tensor().T.stride() == (1, 4, 12)

    def test_empty_diagonal(self):
        assert tuple(ac.zeros(2, 3).diagonal(5).shape) == (0,)

    def test_results_keep_the_memory_format(self):
        """An elementwise result is laid out as its operand is: dense and permuted stays permuted."""
        a = ac.ones(2, 3, 4).permute(2, 0, 1)
        for result in (a * 2.0, ac.exp(a), a + a, a.clone(), ac.zeros_like(a)):
            assert result.stride() == (1, 12, 4)
        for result in (ac.ones(4, 4)[::2] * 2.0, ac.ones(2, 1).expand(2, 4).clone()):
            assert result.stride() == (4, 1)


# ------------------------------------------------------------------ indexing
# The index as a function of T, which makes a tensor (or an array, for numpy) of a nested list.
INDEXES = {
    "list": (lambda T: [1, 0, 1], "IndexBackward0"),
    "tensor": (lambda T: T([1, 0, 1]), "IndexBackward0"),
    "numpy_array": (lambda T: np.array([1, 0]), "IndexBackward0"),
    "tensor_2d": (lambda T: T([[1, 0], [0, 0]]), "IndexBackward0"),
    "tensor_empty": (lambda T: T([0])[:0], "IndexBackward0"),
    "negative": (lambda T: T([-1, -2]), "IndexBackward0"),
    "two": (lambda T: (T([1, 0]), T([2, 1])), "IndexBackward0"),
    "three": (lambda T: (T([1, 0]), T([2, 1]), T([3, 0])), "IndexBackward0"),
    "broadcast": (lambda T: (T([[1], [0]]), T([2, 1, 0])), "IndexBackward0"),
    "second_dim": (lambda T: (slice(None), T([2, 0])), "IndexBackward0"),
    "last_dim": (lambda T: (..., T([3, 0])), "IndexBackward0"),
    "after_int": (lambda T: (1, [1, 2]), "IndexBackward0"),
    "after_slice": (lambda T: (slice(0, 1), [1, 2]), "IndexBackward0"),
    "apart": (lambda T: (T([1, 0]), slice(None), T([2, 1])), "IndexBackward0"),
    "together": (lambda T: (slice(None), T([1, 0]), T([2, 1])), "IndexBackward0"),
    "with_none": (lambda T: (None, T([1, 0]), None), "IndexBackward0"),
    "none_between": (lambda T: (T([1, 0]), None, T([2, 1])), "IndexBackward0"),
    "mask": (lambda T: T([True, False]), "IndexBackward0"),
    "mask_list": (lambda T: [True, False], "IndexBackward0"),
    "mask_2d": (lambda T: T([[True, False, True], [False, True, False]]), "IndexBackward0"),
    "mask_last": (lambda T: (..., T([True, False, True, False])), "IndexBackward0"),
    "mask_and_int": (lambda T: (T([True, True]), 1), "IndexBackward0"),
    "mask_and_tensor": (lambda T: (T([True, True]), T([2, 0])), "IndexBackward0"),
    "mask_none": (lambda T: T([False, False]), "IndexBackward0"),
    "True": (lambda T: True, "IndexBackward0"),
    "False": (lambda T: False, "IndexBackward0"),
    "range": (lambda T: range(2), "IndexBackward0"),
    "tensor_slice_bounds": (lambda T: slice(T(1), None), "SliceBackward0"),
    "tuple": (lambda T: (1, 2), "SelectBackward0"),
    "empty_tuple": (lambda T: (), "AliasBackward0"),
}


@pytest.mark.parametrize("index", INDEXES.keys())
class TestIndexing:
    def test_values_and_node(self, index):
        make, node = INDEXES[index]
        a = base_tensor(requires_grad=True)
        numpy_index = make(np.array)
        numpy_index = list(numpy_index) if isinstance(numpy_index, range) else numpy_index
        found = a[make(ac.tensor)]
        np.testing.assert_array_equal(to_numpy(found), np.arange(24.0).reshape(SHAPE)[numpy_index])
        assert name(found) == node

    def test_gradient(self, index):
        make, _ = INDEXES[index]
        a = base_tensor(requires_grad=True)
        shown = positions(lambda b: b[make(ac.tensor)])
        w = weights(shown.shape)
        found = gradient((a[make(ac.tensor)] * ac.tensor(w)).sum(), a)
        np.testing.assert_allclose(found.ravel(), scattered(shown, w), rtol=1e-14)

    def test_of_a_noncontiguous_tensor(self, index):
        make, _ = INDEXES[index]
        a = base_tensor()
        view = a.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        assert not view.is_contiguous()
        assert view[make(ac.tensor)].tolist() == a[make(ac.tensor)].tolist()


def test_indexing_other_dtypes():
    i = ac.tensor([3, 4, 5])
    assert i[ac.tensor([2, 0])].tolist() == [5, 3]
    assert i[i > 3].dtype == ac.int64
    assert (i > 3)[1:].tolist() == [True, True]


def test_index_of_an_index_result():
    """The second index reads a copy: no aliasing, and gradients compose."""
    a = leaf()
    b = a[[2, 2, 0]][ac.tensor([True, False, True])]
    assert b.tolist() == [3.0, 1.0]
    np.testing.assert_array_equal(gradient(b.sum(), a), [1.0, 0.0, 1.0])


def test_iteration_gives_views():
    a = leaf([[1.0, 2.0], [3.0, 4.0]])
    rows = list(a)
    assert [row.tolist() for row in rows] == [[1.0, 2.0], [3.0, 4.0]]
    assert all(row._base is a for row in rows)


def test_slice_steps_are_positive():
    a = leaf()
    with raises(ValueError, "step must be greater than zero"):
        a[::-1]


class TestLayouts:
    """Layouts are remembered (Note [Layouts that are met again]); what is not found again is made."""

    @pytest.mark.skipif(IS_TORCH, reason="tells by an object that torch does not keep")
    def test_of_tensors_that_lie_alike(self):
        a, b, c = ac.tensor(np.ones((3, 4))), ac.zeros(3, 4), ac.zeros(4, 3).t().contiguous()
        assert a.shape is b.shape
        assert a.shape is c.shape
        assert a.t().shape is b.t().shape
        assert a.shape is not a.t().shape

    def test_of_more_than_are_remembered(self):
        shapes = [(i, j, k) for i in range(1, 13) for j in range(1, 13) for k in range(1, 5)]
        tensors = [ac.zeros(shape) for shape in shapes]
        transposed = [t.transpose(0, 2) for t in tensors]
        for shape, tensor, view in zip(shapes, tensors, transposed, strict=True):
            i, j, k = shape
            assert tuple(tensor.shape) == shape
            assert tensor.stride() == (j * k, k, 1)
            assert tuple(view.shape) == (k, j, i)
            assert view.stride() == (1, k, j * k)
            assert (tensor + ac.ones(shape)).stride() == tensor.stride()
