"""numpy both ways, buffers, pickle and copy: what is shared, what is copied, what is refused."""

import copy
import gc
import pickle
import sys
import warnings
import weakref

import numpy as np
import pytest
from module import IS_TORCH, NAME, ac, to_numpy
from support import deviation, gradient, leaf, name, quiet, raises, script_output, unchanged

TAKEN_BY_NUMPY = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
ARRAYS = {
    "vector": np.array([1.0, 2.0, 3.0]),
    "matrix": np.arange(6.0).reshape(2, 3),
    "scalar": np.array(2.5),
    "empty": np.zeros((2, 0)),
    "ints": np.array([1, -2, 3]),
    "bools": np.array([True, False]),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "strided": np.arange(24.0).reshape(4, 6)[::2, 1::3],
    "broadcast": np.broadcast_to(np.arange(3.0), (2, 3)).copy().T,
}


@pytest.fixture(params=ARRAYS.values(), ids=ARRAYS.keys())
def data(request):
    """A fresh array, laid out as the one in ARRAYS."""
    given = request.param
    room = np.empty(64, dtype=given.dtype)
    fresh = np.lib.stride_tricks.as_strided(room, given.shape, given.strides)
    fresh[...] = given
    return fresh


class TestFromNumpy:
    def test_shares_memory(self, data):
        t = ac.from_numpy(data)
        assert tuple(t.shape) == data.shape
        if data.size:
            assert t.stride() == tuple(step // data.itemsize for step in data.strides)
            assert t.data_ptr() == data.ctypes.data
        assert t.tolist() == data.tolist()
        data[...] = 1
        assert t.tolist() == data.tolist()
        t.fill_(0)
        assert not data.any()

    def test_dtypes(self):
        assert ac.from_numpy(np.ones(1)).dtype is ac.float64
        assert ac.from_numpy(np.ones(1, dtype=np.int64)).dtype is ac.int64
        assert ac.from_numpy(np.ones(1, dtype=bool)).dtype is ac.bool

    def test_keeps_the_array_alive(self):
        array = np.ones(1000)
        alive = weakref.ref(array)
        t = ac.from_numpy(array)[10:]
        del array
        gc.collect()
        assert alive() is not None
        assert t.sum().item() == 990.0
        del t
        gc.collect()
        assert alive() is None

    def test_is_a_plain_leaf(self):
        t = ac.from_numpy(np.ones(3))
        assert t.is_leaf
        assert not t.requires_grad
        assert not t._is_view()
        t.requires_grad_()
        assert gradient((t * t).sum(), t).tolist() == [2.0] * 3

    def test_ops_over_strided_memory(self):
        array = np.arange(24.0).reshape(4, 6)
        t = ac.from_numpy(array[::2, ::3])
        assert (t + t).tolist() == (2 * array[::2, ::3]).tolist()
        assert t.sum().item() == array[::2, ::3].sum()
        assert (t @ t.t()).tolist() == (array[::2, ::3] @ array[::2, ::3].T).tolist()
        t.mul_(-1.0)
        assert array[0, 0] == 0.0
        assert array[2, 3] == -15.0
        assert array[1, 1] == 7.0

    @pytest.mark.parametrize(
        ("array", "kind", "sentence"),
        [
            (
                np.array([1.0, 2.0], dtype=">f8"),
                ValueError,
                "given numpy array has byte order different from the native",
            ),
            (np.array([1.0, 2.0])[::-1], ValueError, "At least one stride in the given numpy array is negative"),
            (np.eye(3)[:, ::-1], ValueError, "At least one stride in the given numpy array is negative"),
            (np.array(["a"]), TypeError, "can't convert np.ndarray of type numpy.str_."),
            (np.array([object()]), TypeError, "can't convert np.ndarray of type numpy.object_."),
            (np.array([1], dtype="M8[s]"), TypeError, "can't convert np.ndarray of type numpy.datetime64."),
            (np.zeros(2, dtype="f8,i8"), TypeError, "can't convert np.ndarray of type numpy.void."),
            (np.float64(3.0), TypeError, "expected np.ndarray (got numpy.float64)"),
            ([1.0], TypeError, "expected np.ndarray (got list)"),
            (ac.ones(1), TypeError, "expected np.ndarray (got Tensor)"),
        ],
        ids=["big_endian", "negative", "negative_2d", "text", "object", "date", "record", "scalar", "list", "tensor"],
    )
    def test_refused(self, array, kind, sentence):
        with raises(kind, sentence):
            ac.from_numpy(array)

    @pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
    @deviation("there is no such dtype to share memory as")
    def test_complex_arrays_cannot_be_shared(self, dtype):
        with raises(TypeError, "complex arrays are not supported"):
            ac.from_numpy(np.zeros(2, dtype=dtype))

    @pytest.mark.parametrize(
        ("dtype", "wide"),
        [(d, "float64") for d in ("f4", "f2")] + [(d, "int64") for d in ("i4", "i2", "i1", "u1", "u2", "u4", "u8")],
    )
    @deviation("other dtypes become float64 and int64")
    def test_other_dtypes_are_copied_with_a_warning(self, dtype, wide):
        data = np.array([[1, 2, 3], [4, 5, 6]], dtype=dtype)[:, ::2]
        with pytest.warns(ac.PrecisionWarning, match=f"a {wide} copy of an array of {data.dtype.name}, and shares no"):
            t = ac.from_numpy(data)
        assert t.dtype is getattr(ac, wide)
        assert t.tolist() == [[1, 3], [4, 6]]
        data[:] = 0
        assert t.tolist() == [[1, 3], [4, 6]]
        assert t.zero_().requires_grad is False

    @deviation("torch has uint64")
    def test_what_does_not_fit_is_refused(self):
        with warnings.catch_warnings(), raises(OverflowError):
            warnings.simplefilter("ignore")
            ac.from_numpy(np.array([2**64 - 1], dtype=np.uint64))

    def test_longer_floats_are_refused(self):
        if np.dtype(np.longdouble).itemsize > 8:
            with raises(TypeError, "can't convert np.ndarray of type numpy.longdouble."):
                ac.from_numpy(np.zeros(2, dtype=np.longdouble))


class TestToNumpy:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: ac.arange(6.0),
            lambda: ac.arange(6.0).view(2, 3).t(),
            lambda: ac.arange(24.0).view(4, 6)[1::2, ::3],
            lambda: ac.tensor(2.5),
            lambda: ac.zeros(2, 0),
            lambda: ac.arange(3),
            lambda: ac.tensor([True, False]),
        ],
    )
    def test_shares_memory(self, make):
        t = make()
        n = t.numpy()
        assert isinstance(n, np.ndarray)
        assert n.shape == tuple(t.shape)
        assert n.tolist() == t.tolist()
        if t.numel():
            assert n.strides == tuple(step * t.element_size() for step in t.stride())
            assert n.ctypes.data == t.data_ptr()
            t.fill_(1)
            assert n.all()
            n[...] = 0
            assert not t.bool().any().item()

    def test_expanded(self):
        n = ac.tensor([1.0, 2.0]).expand(3, 2).numpy()
        assert n.strides == (0, 8)
        assert n.tolist() == [[1.0, 2.0]] * 3

    def test_outlives_the_tensor(self):
        n = (ac.arange(1000.0) * 2.0).numpy()
        gc.collect()
        junk = [ac.ones(1000) for _ in range(50)]
        assert n.sum() == 999_000.0
        assert len(junk) == 50

    def test_a_scalar_outlives_its_tensor(self):
        arrays = [(ac.tensor(float(i)) + 0.5).numpy() for i in range(100)]
        gc.collect()
        junk = [ac.tensor(-1.0) for _ in range(200)]
        assert [float(n) for n in arrays] == [i + 0.5 for i in range(100)]
        assert len(junk) == 200

    def test_a_scalar_shares_memory(self):
        t = ac.tensor(2.0)
        n = t.numpy()
        t.add_(1.0)
        assert float(n) == 3.0
        n[()] = 7.0
        assert t.item() == 7.0
        assert (t * 2.0).item() == 14.0

    def test_of_what_requires_grad(self):
        a = leaf()
        for t in (a, a * 2.0, a[1:]):
            for take in (lambda t=t: t.numpy(), lambda t=t: np.asarray(t)):
                with raises(RuntimeError, TAKEN_BY_NUMPY):
                    take()
        assert a.detach().numpy().tolist() == [1.0, 2.0, 3.0]
        assert (a * 2.0).numpy(force=True).tolist() == [2.0, 4.0, 6.0]

    def test_protocol(self):
        t = ac.tensor([[1.0, 2.0]])
        assert np.asarray(t).tolist() == [[1.0, 2.0]]
        assert np.shares_memory(np.asarray(t), t.numpy())
        assert np.asarray(t, dtype=np.float32).dtype == np.float32
        assert t.__array__(dtype=np.int64).dtype == np.int64
        assert t.__array_priority__ == 1000

    @deviation("torch's __array__ takes no copy argument, which numpy 2 warns about")
    def test_copy_argument(self):
        t = ac.tensor([1.0, 2.0])
        assert not np.shares_memory(np.array(t), t.numpy())
        assert np.shares_memory(np.array(t, copy=False), t.numpy())
        assert not np.shares_memory(np.asarray(t, copy=True), t.numpy())
        with pytest.raises(ValueError, match="copy"):
            np.array(t, dtype=np.float32, copy=False)

    def test_numpy_functions(self):
        t = ac.tensor([3.0, 1.0])
        assert np.stack([t, t]).tolist() == [[3.0, 1.0], [3.0, 1.0]]
        assert np.sort(t.numpy()).tolist() == [1.0, 3.0]
        assert np.zeros(ac.tensor(3)).shape == (3,)
        n = np.zeros(2)
        n[0] = ac.tensor(5.0)
        assert n.tolist() == [5.0, 0.0]
        assert np.arange(5)[ac.tensor([1, 3])].tolist() == [1, 3]

    def test_no_buffer_protocol(self):
        """Others would take our bytes for float32 (seen with torch and mlx)."""
        with pytest.raises(TypeError):
            memoryview(ac.ones(2))


class TestArrayTimesTensor:
    """An operator with an array on either side gives a Tensor, differentiable on our side."""

    OPS = (
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x * y,
        lambda x, y: x / y,
        lambda x, y: x // y,
        lambda x, y: x % y,
        lambda x, y: x**y,
        lambda x, y: x @ y,
        lambda x, y: x < y,
        lambda x, y: x >= y,
        lambda x, y: x == y,
        lambda x, y: x != y,
    )

    @deviation("torch raises TypeError, or answers with a deprecation warning")
    @pytest.mark.parametrize("op", OPS)
    def test_values(self, op):
        n, t = np.array([1.5, 2.0, 3.0]), ac.tensor([2.0, 2.0, 0.5])
        for found, expected in ((op(n, t), op(n, to_numpy(t))), (op(t, n), op(to_numpy(t), n))):
            assert type(found) is ac.Tensor
            np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-15)

    @deviation("torch raises TypeError or RuntimeError")
    def test_gradients(self):
        a, n = leaf(), np.array([4.0, 5.0, 6.0])
        for expression in (n * a, a * n):
            assert expression.requires_grad
            assert gradient(expression.sum(), a).tolist() == [4.0, 5.0, 6.0]
        assert gradient((n - a).sum(), a).tolist() == [-1.0] * 3
        assert gradient(n @ a, a).tolist() == [4.0, 5.0, 6.0]
        assert gradient((np.eye(3) @ a).sum(), a).tolist() == [1.0] * 3
        assert gradient((np.ones((2, 3)) * a).sum(), a).tolist() == [2.0] * 3

    @deviation("torch lets numpy take the tensor apart")
    def test_integer_and_bool_arrays(self):
        a = leaf()
        assert (np.array([1, 2, 3]) * a).tolist() == [1.0, 4.0, 9.0]
        assert (np.array([True, False, True]) & ac.tensor([True, True, False])).tolist() == [True, False, False]
        assert (np.array(2.0) * a).requires_grad

    @deviation("torch raises TypeError")
    def test_shapes_that_do_not_match(self):
        n, a = np.ones(4), leaf()
        with unchanged(a), raises(RuntimeError, contains="must match the size of tensor"):
            n * a
        assert n.tolist() == [1.0] * 4

    @deviation("torch answers with numpy's error about concatenation")
    def test_in_place_on_an_array(self):
        """The array can't hold a tensor: whatever happens, it is either right or refused."""
        n = np.ones(3)
        try:
            n += ac.ones(3)
        except (TypeError, RuntimeError):
            assert n.tolist() == [1.0] * 3
        assert n.tolist() in ([1.0] * 3, [2.0] * 3)


class TestFromBuffer:
    def test_shares_memory(self):
        buffer = bytearray(np.arange(4.0).tobytes())
        t = ac.frombuffer(buffer, dtype=ac.float64)
        assert t.tolist() == [0.0, 1.0, 2.0, 3.0]
        t[0] = 9.0
        assert np.frombuffer(buffer)[0] == 9.0

    def test_count_and_offset(self):
        buffer = bytearray(np.arange(4.0).tobytes())
        assert ac.frombuffer(buffer, dtype=ac.float64, count=2, offset=8).tolist() == [1.0, 2.0]
        assert ac.frombuffer(buffer, dtype=ac.float64, offset=24).tolist() == [3.0]

    def test_dtypes(self):
        ints = bytearray(np.array([1, -2]).tobytes())
        assert ac.frombuffer(ints, dtype=ac.int64).tolist() == [1, -2]
        assert ac.frombuffer(bytearray(b"\0\1\1"), dtype=ac.bool).tolist() == [False, True, True]

    def test_of_an_array(self):
        array = np.arange(3.0)
        assert ac.frombuffer(array, dtype=ac.float64).tolist() == [0.0, 1.0, 2.0]

    def test_requires_grad(self):
        t = ac.frombuffer(bytearray(16), dtype=ac.float64, requires_grad=True)
        assert gradient((t * t).sum(), t).tolist() == [0.0, 0.0]
        with raises(RuntimeError, "Only Tensors of floating point and complex dtype can require gradients"):
            ac.frombuffer(bytearray(16), dtype=ac.int64, requires_grad=True)

    @pytest.mark.parametrize(
        ("size", "options", "sentence"),
        [
            (15, {}, "buffer length (15 bytes) after offset (0 bytes) must be a multiple of element size (8)"),
            (
                16,
                {"offset": 4},
                "buffer length (12 bytes) after offset (4 bytes) must be a multiple of element size (8)",
            ),
            (0, {}, "both buffer length (0) and count (-1) must not be 0"),
            (32, {"count": 0}, "both buffer length (32) and count (0) must not be 0"),
            (32, {"count": 5}, "requested buffer length (5 * 8 bytes) after offset (0 bytes) must not be greater than"),
            (32, {"count": 2**61}, "requested buffer length"),
            (32, {"offset": 40}, "offset (40 bytes) must be non-negative and no greater than buffer length (32 bytes)"),
            (32, {"offset": -1}, "offset (-1 bytes) must be non-negative and no greater than buffer length (32 bytes)"),
        ],
    )
    @pytest.mark.filterwarnings("ignore")
    def test_sizes(self, size, options, sentence):
        if IS_TORCH and options.get("count") == 2**61:
            pytest.skip("deviation: torch multiplies without a check, and reads past the buffer")
        with raises(ValueError, sentence):
            ac.frombuffer(bytearray(size), dtype=ac.float64, **options)

    def test_needs_a_buffer(self):
        with raises(ValueError, "object does not implement Python buffer protocol."):
            ac.frombuffer(3, dtype=ac.float64)
        with raises(TypeError):
            ac.frombuffer(bytearray(8))

    def test_a_misaligned_buffer(self):
        """Read right, or refused: never undefined."""
        data = np.arange(3.0)
        buffer = bytearray(b"\0" + data.tobytes())
        try:
            t = ac.frombuffer(buffer, dtype=ac.float64, offset=1)
        except ValueError:
            return
        assert t.tolist() == data.tolist()
        assert (t + t).sum().item() == 6.0


class TestPickle:
    TENSORS = (
        lambda: ac.tensor([1.0, 2.0]),
        lambda: ac.tensor(2.5),
        lambda: ac.tensor([1, 2, 3]),
        lambda: ac.tensor([[True, False]]),
        lambda: ac.zeros(0, 3),
        lambda: ac.arange(6.0).view(2, 3).t(),
        lambda: ac.arange(6.0)[::2],
        lambda: leaf(),
        lambda: leaf(2.5),
    )

    @pytest.mark.parametrize("make", TENSORS)
    @pytest.mark.parametrize("again", [lambda t: pickle.loads(pickle.dumps(t)), copy.deepcopy, copy.copy])
    def test_round_trip(self, make, again):
        t = make()
        found = again(t)
        assert type(found) is ac.Tensor
        assert found is not t
        assert found.dtype is t.dtype
        assert found.shape == t.shape
        assert found.tolist() == t.tolist()
        assert found.requires_grad == t.requires_grad
        assert found.is_leaf

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_protocols(self, protocol):
        t = ac.tensor([[1.0, -0.0], [float("nan"), float("inf")]])
        found = pickle.loads(pickle.dumps(t, protocol))
        np.testing.assert_array_equal(to_numpy(found).view(np.int64), to_numpy(t).view(np.int64))

    def test_layout(self):
        t = ac.arange(6.0).view(2, 3).t()
        assert pickle.loads(pickle.dumps(t)).stride() == (1, 3)
        assert copy.deepcopy(t).stride() == (1, 3)

    def test_new_memory(self):
        t = ac.ones(3)
        for found in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t)):
            found.zero_()
        assert t.tolist() == [1.0] * 3

    def test_shallow_copy_shares_memory(self):
        t = ac.ones(3)
        copy.copy(t).zero_()
        assert t.tolist() == [0.0] * 3

    def test_a_result_becomes_a_leaf(self):
        b = leaf() * 2.0
        for found in (pickle.loads(pickle.dumps(b)), copy.copy(b)):
            assert found.is_leaf
            assert found.requires_grad
            assert found.tolist() == [2.0, 4.0, 6.0]

    def test_deepcopy_of_a_result(self):
        b = leaf() * 2.0
        sentence = (
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
        )
        with unchanged(b), raises(RuntimeError, sentence):
            copy.deepcopy(b)
        assert copy.deepcopy(b.detach()).tolist() == [2.0, 4.0, 6.0]

    def test_deepcopy_keeps_identity_and_aliases(self):
        t = ac.ones(3)
        one, two, view = copy.deepcopy([t, t, t.view(3, 1)])
        assert one is two
        one.zero_()
        assert view.tolist() == [[0.0]] * 3
        assert t.tolist() == [1.0] * 3

    def test_pickle_keeps_identity(self):
        t = ac.ones(3)
        one, two = pickle.loads(pickle.dumps([t, t]))
        assert one is two

    def test_gradient_and_attributes(self):
        a = leaf()
        (a * a).sum().backward()
        a.note = "mine"
        for found in (copy.deepcopy(a), copy.copy(a)):
            assert found.note == "mine"
        found = copy.deepcopy(a)
        assert found.grad.tolist() == [2.0, 4.0, 6.0]
        found.grad.zero_()
        assert a.grad.tolist() == [2.0, 4.0, 6.0]

    @pytest.mark.parametrize("count", [1, 10_000])
    def test_in_another_process(self, count):
        hexed = pickle.dumps(ac.arange(float(count))).hex()
        printed = script_output(f"import pickle; t = pickle.loads(bytes.fromhex('{hexed}')); print(t.sum().item())")
        assert float(printed) == count * (count - 1) / 2

    def test_does_not_carry_the_rest_of_the_storage(self):
        t = ac.zeros(1_000_000)[:3].clone()
        assert len(pickle.dumps(t)) < 5_000


class TestAttributes:
    def test_can_be_set(self):
        t = ac.ones(3)
        t.note = "mine"
        assert t.note == "mine"
        assert vars(t) == {"note": "mine"}
        del t.note
        assert not hasattr(t, "note")

    def test_belong_to_the_object(self):
        t = ac.ones(3)
        t.note = "mine"
        for other in (t * 1.0, t.view(3), t.detach(), t.clone()):
            assert not hasattr(other, "note")
        assert t.add_(1.0).note == "mine"

    def test_of_a_function_s_node(self):
        class Keep(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2.0

            @staticmethod
            def backward(ctx, g):
                return g

        result = Keep.apply(leaf())
        result.grad_fn.note = "mine"
        assert result.grad_fn.note == "mine"

    def test_weak_references(self):
        t = ac.ones(3)
        alive = weakref.ref(t)
        assert alive() is t
        del t
        assert alive() is None

    def test_a_tensor_keeps_its_attributes_while_its_graph_lives(self):
        a = leaf()
        a.note = "mine"
        node = (a * 2.0).grad_fn
        del a
        gc.collect()
        assert node.next_functions[0][0].variable.note == "mine"


@deviation("torch is slow to import, and imports numpy")
def test_import_takes_neither_numpy_nor_much_else():
    heavy = ("numpy", "typing", "functools", "threading", "contextlib", "importlib.util", "torch")
    printed = script_output(
        f"import sys; had = set(sys.modules); import {NAME}; print(sorted((set(sys.modules) - had) & set({heavy})))",
        prelude="",
    )
    assert printed == "[]"


def test_references_of_shared_arrays_are_balanced():
    array = np.ones(10)
    before = sys.getrefcount(array)
    tensors = [ac.from_numpy(array) for _ in range(10)]
    views = [t[1:].view(3, 3) for t in tensors]
    with quiet():
        copies = [ac.tensor(t) for t in tensors]
    del tensors, views, copies
    gc.collect()
    assert sys.getrefcount(array) == before


def test_name_of_results_of_shared_memory():
    t = ac.from_numpy(np.ones(3)).requires_grad_()
    assert name(t * 2.0) == "MulBackward0"
