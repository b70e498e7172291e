"""Making tensors from data: tensor, as_tensor, asarray; Size and dtypes."""

import array
import math
import pickle

import numpy as np
import pytest
from module import ac, to_numpy
from support import NOT_FLOAT, deviation, leaf, quiet, raises


class TestTensor:
    @pytest.mark.parametrize(
        ("data", "dtype", "shape"),
        [
            (3.5, "float64", ()),
            (3, "int64", ()),
            (True, "bool", ()),
            ([], "float64", (0,)),
            ([[], []], "float64", (2, 0)),
            ([1, 2], "int64", (2,)),
            ([1, 2.5], "float64", (2,)),
            ([True, False], "bool", (2,)),
            ([True, 2], "int64", (2,)),
            ([True, 2.5], "float64", (2,)),
            ((1, (2)), "int64", (2,)),
            (((1.0, 2.0), [3, 4]), "float64", (2, 2)),
            ([[[1.0]]], "float64", (1, 1, 1)),
            (range(3), "int64", (3,)),
            (array.array("d", [1.0, 2.0]), "float64", (2,)),
            (np.float64(3.5), "float64", ()),
            (np.int64(3), "int64", ()),
            (np.bool_(True), "bool", ()),
            ([np.float64(1.0), np.int64(2)], "float64", (2,)),
            ([np.int64(1), 2], "int64", (2,)),
            (np.ones((2, 3)), "float64", (2, 3)),
            (np.arange(3), "int64", (3,)),
            (np.array([True]), "bool", (1,)),
            (np.array(2.5), "float64", ()),
            (np.zeros((0, 2)), "float64", (0, 2)),
            (-(2**63), "int64", ()),
            (float(10**30), "float64", ()),
        ],
    )
    def test_dtype_shape_and_values(self, data, dtype, shape):
        t = ac.tensor(data)
        assert t.dtype is getattr(ac, dtype)
        assert tuple(t.shape) == shape
        assert t.is_leaf
        assert not t.requires_grad
        assert t.is_contiguous()
        np.testing.assert_array_equal(to_numpy(t), np.array(data))

    def test_special_floats(self):
        values = [math.inf, -math.inf, math.nan, -0.0, 5e-324]
        np.testing.assert_array_equal(to_numpy(ac.tensor(values)).view(np.int64), np.array(values).view(np.int64))

    @pytest.mark.parametrize(
        ("data", "dtype", "expected"),
        [
            (3, "float64", 3.0),
            (3.7, "int64", 3),
            (-3.7, "int64", -3),
            ([0.0, 2.0], "bool", [False, True]),
            ([True, False], "float64", [1.0, 0.0]),
            (np.array([1.7, -1.7]), "int64", [1, -1]),
            (np.array([1, 2]), "float64", [1.0, 2.0]),
        ],
    )
    def test_given_dtype(self, data, dtype, expected):
        t = ac.tensor(data, dtype=getattr(ac, dtype))
        assert t.dtype is getattr(ac, dtype)
        assert t.tolist() == expected
        assert [type(x) for x in np.ravel(t.tolist()).tolist()] == [type(x) for x in np.ravel(expected).tolist()]

    def test_requires_grad(self):
        t = ac.tensor([1.0, 2.0], requires_grad=True)
        assert t.requires_grad
        assert t.is_leaf

    def test_always_copies(self):
        data = np.ones(3)
        t = ac.tensor(data)
        data[0] = 5.0
        assert t.tolist() == [1.0] * 3
        with quiet():
            again = ac.tensor(t)
        t.zero_()
        assert again.tolist() == [1.0] * 3

    def test_of_a_tensor_warns_and_detaches(self):
        a = leaf()
        with pytest.warns(UserWarning, match="To copy construct from a tensor, it is recommended to use"):
            b = ac.tensor(a)
        assert not b.requires_grad
        assert b.tolist() == a.tolist()

    def test_of_scalar_tensors(self):
        assert ac.tensor([ac.tensor(1.0), ac.tensor(2.0)]).tolist() == [1.0, 2.0]

    def test_of_arrays(self):
        with quiet():
            assert ac.tensor([np.array([1.0, 2.0]), np.array([3.0, 4.0])]).tolist() == [[1.0, 2.0], [3.0, 4.0]]

    def test_deeply_nested(self):
        data = 1.0
        for _ in range(20):
            data = [data]
        assert ac.tensor(data).ndim == 20

    def test_cpu(self):
        assert str(ac.tensor(1.0).device) == "cpu"
        assert ac.tensor(1.0, device="cpu").item() == 1.0

    @pytest.mark.parametrize(
        ("data", "kind", "sentence"),
        [
            ([[1, 2], [3]], ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
            ([[1.0], []], ValueError, "expected sequence of length 1 at dim 1 (got 0)"),
            ([[[1, 2]], [[3]]], ValueError, "expected sequence of length 2 at dim 2 (got 1)"),
            ([[1], 2], TypeError, "not a sequence"),
            ([1, [2]], TypeError, "'list' object cannot be interpreted as an integer"),
            ([1.0, [2]], TypeError, "must be real number, not list"),
            ("a", TypeError, "new(): invalid data type 'str'"),
            (["a"], ValueError, "too many dimensions 'str'"),
            (b"ab", TypeError, "new(): invalid data type 'bytes'"),
            (None, RuntimeError, "Could not infer dtype of NoneType"),
            ([None], RuntimeError, "Could not infer dtype of NoneType"),
            ({}, RuntimeError, "Could not infer dtype of dict"),
            (object(), RuntimeError, "Could not infer dtype of object"),
            ((x for x in [1]), RuntimeError, "Could not infer dtype of generator"),
            (2**63, ValueError, "Overflow when unpacking long long"),
            ([10**30], ValueError, "Overflow when unpacking long long"),
        ],
    )
    def test_refused(self, data, kind, sentence):
        with raises(kind, sentence):
            ac.tensor(data)

    def test_a_list_in_itself(self):
        data = []
        data.append(data)
        with raises(ValueError, "too many dimensions 'list'"):
            ac.tensor(data)

    def test_a_list_that_changes_while_it_is_read(self):
        class Shrinking(float):
            def __float__(self):
                data.clear()
                return 1.0

            __index__ = __int__ = __float__

        data = [1.0, Shrinking(), 2.0, 3.0]
        try:
            t = ac.tensor(data)
        except (RuntimeError, ValueError, TypeError, IndexError):
            return
        assert t.shape == (4,)

    @pytest.mark.parametrize("dtype", ["int64", "bool"])
    def test_only_floats_require_grad(self, dtype):
        for make in (
            lambda: ac.tensor([1], dtype=getattr(ac, dtype), requires_grad=True),
            lambda: ac.zeros(2, dtype=getattr(ac, dtype), requires_grad=True),
            lambda: ac.ones_like(ac.ones(2), dtype=getattr(ac, dtype), requires_grad=True),
        ):
            with raises(RuntimeError, NOT_FLOAT):
                make()

    def test_arguments(self):
        with raises(TypeError, "tensor() "):  # Python's own words
            ac.tensor()
        with raises(TypeError, "tensor() takes"):
            ac.tensor(1.0, 2.0)
        with raises(TypeError, contains="must be torch.dtype, not str"):
            ac.tensor(1.0, dtype="f")
        assert ac.tensor(data=3.0).item() == 3.0

    @deviation("complex numbers and other devices are not there")
    def test_what_is_not_there_is_said_clearly(self):
        for make in (lambda: ac.tensor(1j), lambda: ac.tensor([1j]), lambda: ac.tensor(np.array([1j]))):
            with pytest.raises((TypeError, NotImplementedError, RuntimeError), match="complex"):
                make()
        with pytest.raises((AssertionError, RuntimeError, NotImplementedError)):
            ac.tensor(1.0, device="cuda")


class TestAsTensor:
    def test_a_tensor_is_itself(self):
        a = leaf()
        assert ac.as_tensor(a) is a
        assert ac.as_tensor(a, dtype=ac.float64) is a

    def test_another_dtype_is_a_copy(self):
        a = ac.tensor([1.5, 2.5])
        b = ac.as_tensor(a, dtype=ac.int64)
        assert b.tolist() == [1, 2]
        assert a.tolist() == [1.5, 2.5]

    def test_an_array_is_shared(self):
        data = np.ones(3)
        t = ac.as_tensor(data)
        data[0] = 5.0
        assert t.tolist() == [5.0, 1.0, 1.0]

    def test_a_list_is_copied(self):
        data = [1, 2]
        t = ac.as_tensor(data)
        data[0] = 5
        assert t.tolist() == [1, 2]


class TestAsarray:
    def test_a_tensor_is_itself(self):
        with quiet():  # torch warns that it once was otherwise
            for a in (ac.ones(2), leaf(), leaf() * 2):
                assert ac.asarray(a) is a
                assert ac.asarray(a, copy=False) is a
                assert ac.asarray(a, dtype=ac.float64) is a

    def test_copy(self):
        a = leaf()
        b = ac.asarray(a, copy=True)
        assert type(b.grad_fn).__name__ == "CloneBackward0"
        assert b.data_ptr() != a.data_ptr()
        data = np.ones(2)
        shared, copied = ac.asarray(data), ac.asarray(data, copy=True)
        data[0] = 5.0
        assert (shared.tolist(), copied.tolist()) == ([5.0, 1.0], [1.0, 1.0])

    def test_requires_grad(self):
        a = leaf()
        b = a * 2
        assert not ac.asarray(b, requires_grad=False).requires_grad
        assert ac.asarray(b, requires_grad=False).data_ptr() == b.data_ptr()
        assert ac.asarray(b, requires_grad=True) is b
        assert ac.asarray(a, requires_grad=False) is a
        assert not a.requires_grad
        assert ac.asarray([1.0], requires_grad=True).is_leaf
        assert ac.asarray(np.ones(2), requires_grad=True).requires_grad
        assert ac.asarray([1, 2], dtype=ac.float64, requires_grad=True).requires_grad
        assert not ac.asarray(b, copy=True, requires_grad=False).requires_grad

    def test_conversion(self):
        assert ac.asarray(ac.tensor([1.5]), dtype=ac.int64).tolist() == [1]
        assert ac.asarray(3.5, dtype=ac.int64).item() == 3
        assert ac.asarray(leaf(), dtype=ac.int64, requires_grad=False).dtype is ac.int64

    def test_buffers(self):
        """Their bytes are taken for elements of the dtype."""
        numbers = np.array([1.5, 2.5])
        assert ac.asarray(array.array("d", numbers)).tolist() == [1.5, 2.5]
        with quiet():  # torch warns of read-only memory
            assert ac.asarray(numbers.tobytes()).tolist() == [1.5, 2.5]
        memory = bytearray(np.array([3, 4]).tobytes())
        t = ac.asarray(memory, dtype=ac.int64, copy=False)
        memory[0] = 7
        assert t.tolist() == [7, 4]

    @pytest.mark.parametrize(
        ("make", "kind", "sentence"),
        [
            (lambda: ac.asarray([3], copy=False), ValueError, "can't alias arbitrary sequence into a tensor."),
            (lambda: ac.asarray(3, copy=False), ValueError, "can't alias arbitrary sequence into a tensor."),
            (lambda: ac.asarray(ac.ones(2), dtype=ac.int64, copy=False), ValueError,
             "can't alias tensor with dtype 'Double' into dtype 'Long'."),
            (lambda: ac.asarray(np.ones(2), dtype=ac.int64, copy=False), ValueError,
             "can't alias tensor with dtype 'Double' into dtype 'Long'."),
            (lambda: ac.asarray(np.float64(3), copy=False), RuntimeError, "can't alias NumPy scalars."),
            (lambda: ac.asarray(np.ones(2)[::-1], copy=False), ValueError, "At least one stride in the given numpy"),
            (lambda: ac.asarray(leaf(), dtype=ac.int64), RuntimeError, NOT_FLOAT),
            (lambda: ac.asarray(3, requires_grad=True), RuntimeError, NOT_FLOAT),
            (lambda: ac.asarray(bytearray(7), dtype=ac.int64), ValueError, "buffer length (7 bytes) after offset"),
            (lambda: ac.asarray("a"), TypeError, "new(): invalid data type 'str'"),
            (lambda: ac.asarray(None), RuntimeError, "Could not infer dtype of NoneType"),
            (lambda: ac.asarray(ac.ones(2), copy=3), TypeError, "asarray(): argument 'copy' must be bool, not int"),
            (lambda: ac.asarray(1.0, requires_grad=3), TypeError,
             "asarray(): argument 'requires_grad' must be bool, not int"),
        ],
    )  # fmt: skip
    def test_refused(self, make, kind, sentence):
        with raises(kind, sentence):
            make()


class TestTensorClass:
    def test_type(self):
        assert type(ac.ones(1)) is ac.Tensor
        assert isinstance(ac.ones(1), ac.Tensor)
        assert ac.is_tensor(ac.ones(1))
        assert not ac.is_tensor(3.0)

    def test_called_with_data(self):
        assert ac.Tensor([1, 2]).tolist() == [1.0, 2.0]
        assert ac.Tensor([1, 2]).dtype is ac.float64

    def test_called_with_sizes(self):
        assert tuple(ac.Tensor(2, 3).shape) == (2, 3)
        assert tuple(ac.Tensor(3).shape) == (3,)
        assert tuple(ac.Tensor().shape) == (0,)


class TestSize:
    def test_is_a_tuple(self):
        size = ac.zeros(2, 3).shape
        assert isinstance(size, tuple)
        assert type(size) is ac.Size
        assert size == (2, 3)
        assert hash(size) == hash((2, 3))
        assert size[0] == 2
        assert list(size) == [2, 3]
        assert repr(size) == str(size) == "torch.Size([2, 3])"
        assert repr(ac.Size()) == "torch.Size([])"

    def test_numel(self):
        assert ac.Size([2, 3]).numel() == 6
        assert ac.Size([]).numel() == 1
        assert ac.Size([2, 0]).numel() == 0

    def test_stays_a_size(self):
        size = ac.Size([1, 2, 3])
        for made in (size[1:], size + (4,), size + ac.Size([4]), size * 2):
            assert type(made) is ac.Size
        assert size[1:] == (2, 3)
        assert size + (4,) == (1, 2, 3, 4)
        assert size * 2 == (1, 2, 3, 1, 2, 3)

    def test_pickles(self):
        again = pickle.loads(pickle.dumps(ac.Size([1, 2])))
        assert again == (1, 2)
        assert type(again) is ac.Size

    def test_refused(self):
        with raises(TypeError, contains="takes an iterable of 'int' (item 0 is 'float')"):
            ac.Size([1.5])
        with raises(TypeError):
            ac.Size(3)


class TestDtypes:
    def test_names(self):
        assert [repr(d) for d in (ac.float64, ac.int64, ac.bool)] == ["torch.float64", "torch.int64", "torch.bool"]
        assert ac.double is ac.float64
        assert ac.long is ac.int64

    def test_properties(self):
        assert [d.is_floating_point for d in (ac.float64, ac.int64, ac.bool)] == [True, False, False]
        assert [d.itemsize for d in (ac.float64, ac.int64, ac.bool)] == [8, 8, 1]
        assert [d.is_complex for d in (ac.float64, ac.int64, ac.bool)] == [False] * 3
        assert [d.is_signed for d in (ac.float64, ac.int64, ac.bool)] == [True, True, False]
        assert len({ac.float64, ac.int64, ac.bool}) == 3

    def test_default(self):
        assert ac.get_default_dtype() is ac.float64

    def test_pickle(self):
        for dtype in (ac.float64, ac.int64, ac.bool):
            assert pickle.loads(pickle.dumps(dtype)) is dtype

    def test_type_names(self):
        assert ac.ones(1).type() == "torch.DoubleTensor"
        assert ac.arange(1).type() == "torch.LongTensor"
        assert ac.ones(1).bool().type() == "torch.BoolTensor"

    def test_conversions(self):
        f = ac.tensor([1.7, -1.7, 0.0])
        assert f.long().tolist() == [1, -1, 0]
        assert f.bool().tolist() == [True, True, False]
        assert f.to(ac.int64).dtype is ac.int64
        assert f.to(ac.arange(1)).dtype is ac.int64
        assert f.to("cpu") is f
        assert f.cpu() is f
        assert ac.tensor([3, 0]).double().tolist() == [3.0, 0.0]
        assert ac.tensor([3, 0]).bool().tolist() == [True, False]
        assert ac.tensor([True, False]).long().tolist() == [1, 0]
        assert ac.tensor([0.0, -0.0, math.nan, 5e-324]).bool().tolist() == [False, False, True, True]

    def test_conversion_to_double_is_differentiable_to_long_is_not(self):
        a = leaf()
        assert a.double() is a
        assert a.to(ac.float64, copy=True).requires_grad
        assert not a.long().requires_grad

    @deviation("32- and 16-bit names mean 64 bits, with one warning")
    def test_narrower_names_mean_64_bits(self):
        for kind in ("float32", "float", "float16", "half", "bfloat16"):
            with quiet():
                assert ac.ones(2, dtype=getattr(ac, kind)).dtype is ac.float64
        for kind in ("int32", "int", "int16", "short", "int8", "uint8"):
            with quiet():
                assert ac.ones(2, dtype=getattr(ac, kind)).dtype is ac.int64
        with quiet():
            assert ac.arange(2).float().dtype is ac.float64
            assert ac.ones(2).int().dtype is ac.int64


def test_constants():
    assert (ac.pi, ac.e, ac.inf) == (math.pi, math.e, math.inf)
    assert math.isnan(ac.nan)
    assert ac.newaxis is None
