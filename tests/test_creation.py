"""Making tensors: tensor and as_tensor from any data, zeros ... linspace, the `*_like` functions; Size and dtypes."""

import array
import copy
import math
import pickle

import numpy as np
import pytest
from module import ac, to_numpy
from mpmath import mp
from support import deviation, leaf, quiet, raises

NOT_FLOAT = "Only Tensors of floating point and complex dtype can require gradients"


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


FILLED = {
    "zeros": (lambda *size, **kw: ac.zeros(*size, **kw), 0.0),
    "ones": (lambda *size, **kw: ac.ones(*size, **kw), 1.0),
    "empty": (lambda *size, **kw: ac.empty(*size, **kw), None),
}


@pytest.mark.parametrize(("make", "value"), FILLED.values(), ids=FILLED.keys())
class TestFilled:
    @pytest.mark.parametrize("size", [(), (0,), (3,), (2, 3), (2, 0, 3), (1, 1, 1)])
    def test_sizes(self, make, value, size):
        made = [make(size), make(list(size)), make(ac.Size(size))] + ([make(*size)] if size else [])
        for t in made:
            assert tuple(t.shape) == size
            assert t.dtype is ac.float64
            assert t.is_contiguous()
            if value is not None:
                assert (to_numpy(t) == value).all()

    def test_dtype_and_grad(self, make, value):
        for dtype in (ac.float64, ac.int64, ac.bool):
            t = make(2, dtype=dtype)
            assert t.dtype is dtype
            assert value is None or t.tolist() == [value] * 2
        assert make(2, requires_grad=True).requires_grad

    def test_refused(self, make, value):
        with raises(RuntimeError):
            make(-1)
        with raises(RuntimeError):
            make(2, -3)
        for bad in (2.0, "a", None):
            with raises(
                TypeError, contains=f"argument 'size' (position 1) must be tuple of ints, not {type(bad).__name__}"
            ):
                make(bad)
        with raises(TypeError, contains="must be tuple of ints, but found element of type float at pos 0"):
            make((2.0,))
        with raises(TypeError, contains='missing 1 required positional arguments: "size"'):
            make()

    def test_memory_is_new(self, make, value):
        a, b = make(3), make(3)
        a.fill_(7.0)
        b.fill_(8.0)
        assert a.tolist() == [7.0] * 3


class TestFull:
    @pytest.mark.parametrize(("fill", "dtype"), [(3, "int64"), (3.0, "float64"), (True, "bool")])
    def test_dtype_is_that_of_the_value(self, fill, dtype):
        t = ac.full((2,), fill)
        assert t.dtype is getattr(ac, dtype)
        assert t.tolist() == [fill] * 2

    def test_given_dtype(self):
        assert ac.full((2,), 3, dtype=ac.float64).tolist() == [3.0, 3.0]
        assert ac.full([], 2.5).item() == 2.5

    def test_arguments(self):
        with raises(TypeError, "full(): argument 'size' (position 1) must be tuple of ints, not int"):
            ac.full(2, 3)
        with raises(TypeError, "full()"):
            ac.full((2,))


class TestEye:
    @pytest.mark.parametrize("size", [(0,), (1,), (3,), (2, 3), (3, 2)])
    def test_values(self, size):
        np.testing.assert_array_equal(to_numpy(ac.eye(*size)), np.eye(*size))

    def test_options(self):
        assert ac.eye(2, dtype=ac.int64).tolist() == [[1, 0], [0, 1]]
        assert ac.eye(2, requires_grad=True).requires_grad

    def test_negative(self):
        with raises(RuntimeError, "n must be greater or equal to 0, got -1"):
            ac.eye(-1)


class TestArange:
    @pytest.mark.parametrize(
        "args",
        [
            (5,),
            (0,),
            (1, 5),
            (1, 6, 2),
            (5, 0, -2),
            (-3, 3),
            (5.0,),
            (0, 1, 0.25),
            (0, 1, 0.1),
            (0, 0.3, 0.1),
            (1, 2, 0.3),
            (1.5, -1.5, -0.5),
            (0, 1e6, 1e5),
        ],
    )
    def test_values(self, args):
        t = ac.arange(*args)
        assert t.dtype is (ac.int64 if all(isinstance(arg, int) for arg in args) else ac.float64)
        np.testing.assert_allclose(to_numpy(t), np.arange(*args), rtol=1e-15, atol=1e-16)

    def test_options(self):
        assert ac.arange(end=3).tolist() == [0, 1, 2]
        assert ac.arange(start=1, end=3).tolist() == [1, 2]
        assert ac.arange(1, 7, step=3).tolist() == [1, 4]
        assert ac.arange(3, dtype=ac.float64).tolist() == [0.0, 1.0, 2.0]
        assert ac.arange(3.0, requires_grad=True).requires_grad
        assert ac.arange(ac.tensor(3)).tolist() == [0, 1, 2]

    def test_elements_are_start_plus_multiples(self):
        """Not a running sum: no error builds up."""
        found = to_numpy(ac.arange(0, 1, 1e-5))
        np.testing.assert_allclose(found, np.arange(100_000) * 1e-5, rtol=5e-16)

    @pytest.mark.parametrize(
        ("args", "sentence"),
        [
            ((5, 0), "upper bound and lower bound inconsistent with step sign"),
            ((0, 5, -1), "upper bound and lower bound inconsistent with step sign"),
            ((0, 5, 0), "step must be nonzero"),
            ((0, math.inf), "unsupported range: 0 -> inf"),
            ((math.nan,), "unsupported range: 0 -> nan"),
        ],
    )
    def test_refused(self, args, sentence):
        with raises(RuntimeError, sentence):
            ac.arange(*args)

    def test_arguments(self):
        with raises(TypeError):
            ac.arange()
        with raises(RuntimeError, NOT_FLOAT):
            ac.arange(3, requires_grad=True)


class TestLinspace:
    @pytest.mark.parametrize(
        "args", [(0, 1, 5), (0, 1, 1), (0, 1, 0), (1, 0, 3), (-1, 1, 4), (2.5, 2.5, 3), (0, 1, 2), (-1e300, 1e300, 7)]
    )
    def test_values(self, args):
        t = ac.linspace(*args)
        assert t.dtype is ac.float64
        np.testing.assert_allclose(to_numpy(t), np.linspace(*args), rtol=1e-14, atol=1e-16)

    def test_ends_are_exact(self):
        t = ac.linspace(0.1, 0.7, 1001)
        assert (t[0].item(), t[-1].item()) == (0.1, 0.7)

    def test_symmetric(self):
        t = ac.linspace(-1, 1, 1000)
        np.testing.assert_array_equal(to_numpy(t), -to_numpy(t)[::-1])

    def test_options(self):
        assert ac.linspace(0, 1, steps=3).tolist() == [0.0, 0.5, 1.0]
        assert ac.linspace(0, 1, 3, requires_grad=True).requires_grad

    def test_refused(self):
        with raises(RuntimeError, "number of steps must be non-negative"):
            ac.linspace(0, 1, -1)
        with raises(TypeError):
            ac.linspace(0, 1)


LIKE = {
    "zeros_like": (lambda t, **kw: ac.zeros_like(t, **kw), 0),
    "ones_like": (lambda t, **kw: ac.ones_like(t, **kw), 1),
    "full_like": (lambda t, **kw: ac.full_like(t, 1, **kw), 1),
    "empty_like": (lambda t, **kw: ac.empty_like(t, **kw), None),
}


@pytest.mark.parametrize(("make", "value"), LIKE.values(), ids=LIKE.keys())
class TestLike:
    @pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
    @pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
    def test_shape_and_dtype(self, make, value, shape, dtype):
        t = make(ac.zeros(shape, dtype=getattr(ac, dtype)))
        assert tuple(t.shape) == shape
        assert t.dtype is getattr(ac, dtype)
        assert value is None or (to_numpy(t) == value).all()

    def test_options(self, make, value):
        a = leaf()
        assert not make(a).requires_grad
        assert make(a, requires_grad=True).requires_grad
        assert make(a, dtype=ac.int64).dtype is ac.int64

    def test_layout(self, make, value):
        """Dense layouts are kept, others made dense."""
        assert make(ac.ones(2, 3).t()).stride() == (1, 3)
        assert make(ac.ones(2, 3, 4).permute(2, 0, 1)).stride() == (1, 12, 4)
        assert make(ac.ones(2, 1).expand(2, 3)).stride() == (3, 1)
        assert make(ac.ones(4, 4)[::2]).stride() == (4, 1)

    def test_only_tensors(self, make, value):
        for bad in (3, [1, 2], np.ones(2)):
            with raises(TypeError, contains="must be Tensor, not"):
                make(bad)


def test_full_like_casts():
    assert ac.full_like(ac.arange(2), 3.7).tolist() == [3, 3]


# ------------------------------------------------------------------ the arguments that all have
# By name: the call, the positional arguments as torch's messages show them (None: they show none).
WITH_OPTIONS = {
    "tensor": (lambda **kw: ac.tensor(1.0, **kw), None),
    "new_tensor": (lambda **kw: ac.ones(2).new_tensor(1.0, **kw), None),
    "zeros": (lambda **kw: ac.zeros(2, **kw), None),
    "ones": (lambda **kw: ac.ones(2, **kw), None),
    "empty": (lambda **kw: ac.empty(2, **kw), None),
    "full": (lambda **kw: ac.full((2,), 1.0, **kw), None),
    "zeros_like": (lambda **kw: ac.zeros_like(ac.ones(2), **kw), None),
    "ones_like": (lambda **kw: ac.ones_like(ac.ones(2), **kw), None),
    "empty_like": (lambda **kw: ac.empty_like(ac.ones(2), **kw), None),
    "full_like": (lambda **kw: ac.full_like(ac.ones(2), 1.0, **kw), None),
    "new_zeros": (lambda **kw: ac.ones(2).new_zeros(2, **kw), None),
    "new_ones": (lambda **kw: ac.ones(2).new_ones(2, **kw), None),
    "new_empty": (lambda **kw: ac.ones(2).new_empty(2, **kw), None),
    "new_full": (lambda **kw: ac.ones(2).new_full((2,), 1.0, **kw), None),
    "eye": (lambda **kw: ac.eye(2, **kw), "int"),
    "arange": (lambda **kw: ac.arange(3.0, **kw), "float"),
    "linspace": (lambda **kw: ac.linspace(0, 1, 3, **kw), "int, int, int"),
    "logspace": (lambda **kw: ac.logspace(0, 1, 3, **kw), "int, int, int"),
}


@pytest.mark.parametrize(
    ("function", "make", "shown"), [(n, *row) for n, row in WITH_OPTIONS.items()], ids=list(WITH_OPTIONS)
)
class TestOptions:
    def test_wrong_types(self, function, make, shown):
        """In torch's words, which depend on whether it has several forms of the function."""
        wrong = [("requires_grad", 3, "bool", "int"), ("requires_grad", "a", "bool", "str"),
                 ("dtype", 3, "torch.dtype", "int"),
                 ("device", 2.5, "torch.device", "float")]  # fmt: skip
        if "tensor" in function:
            wrong.append(("requires_grad", None, "bool", "NoneType"))
        else:
            wrong += [("layout", "a", "torch.layout", "str"), ("pin_memory", 1, "bool", "int")]
        for argument, value, wanted, got in wrong:
            sentence = f"{function}(): argument '{argument}' must be {wanted}, not {got}"
            if shown:
                sentence = (
                    f"{function}() received an invalid combination of arguments - got ({shown}, {argument}={got})"
                )
            with raises(TypeError, sentence):
                make(**{argument: value})

    def test_right_types(self, function, make, shown):
        layout = {} if "tensor" in function else {"layout": ac.strided, "pin_memory": False}
        t = make(dtype=ac.float64, device="cpu", requires_grad=True, **layout)
        assert t.requires_grad
        assert t.is_leaf
        assert make(dtype=None, device=None, requires_grad=False).requires_grad is False
        assert make(dtype=float).dtype is ac.float64
        assert make(dtype=int, device=ac.device("cpu")).dtype is ac.int64

    def test_only_floats_require_grad(self, function, make, shown):
        with raises(RuntimeError, NOT_FLOAT):
            make(dtype=ac.int64, requires_grad=True)

    def test_unknown(self, function, make, shown):
        with pytest.raises(TypeError):
            make(foo=1)


@pytest.mark.parametrize("function", ["zeros", "ones", "empty", "new_zeros", "new_ones", "new_empty"])
class TestSizes:
    def make(self, function, *sizes, **kw):
        return getattr(ac.ones(1) if function.startswith("new") else ac, function)(*sizes, **kw)

    def test_by_name(self, function):
        assert self.make(function, size=(2, 3)).shape == (2, 3)
        assert self.make(function, ac.tensor(2), 3).shape == (2, 3)

    @pytest.mark.parametrize(
        ("sizes", "sentence"),
        [
            ((), 'missing 1 required positional arguments: "size"'),
            (("a",), "must be tuple of ints, not str"),
            ((2.5,), "must be tuple of ints, not float"),
            ((True,), "must be tuple of ints, not bool"),
            (((2.5, 3),), "must be tuple of ints, but found element of type float at pos 0"),
            (((2, 3.5),), 'unpack the object at pos 2 with error "type must be tuple of ints,but got float"'),
            ((2, "a"), 'unpack the object at pos 2 with error "type must be tuple of ints,but got str"'),
        ],
    )
    def test_refused(self, function, sizes, sentence):
        with raises(TypeError, function + "()", contains=sentence):
            self.make(function, *sizes)


class TestNew:
    """new_zeros and its kin: the dtype is the tensor's own."""

    @pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
    def test_dtype(self, dtype):
        own = getattr(ac, dtype)
        x = ac.zeros(3, dtype=own)
        made = (x.new_zeros(2), x.new_ones(2), x.new_empty(2), x.new_full((2,), 1), x.new_tensor([1, 0]))
        for t in made:
            assert t.dtype is own
            assert t.shape == (2,)
        assert made[0].tolist() == [0, 0]
        assert made[1].tolist() == made[3].tolist() == [1, 1]
        assert made[4].tolist() == [1, 0]
        assert x.new_zeros(2, dtype=ac.int64).dtype is ac.int64
        assert x.new_tensor([1, 0], dtype=ac.float64).dtype is ac.float64

    def test_values_are_cast(self):
        assert ac.arange(2).new_full((2,), 2.5).tolist() == [2, 2]
        assert ac.arange(2).new_tensor([1.5, -2.5]).tolist() == [1, -2]
        assert ac.ones(1).new_full((2,), ac.tensor(3)).tolist() == [3.0, 3.0]

    def test_has_no_history(self):
        a = leaf()
        for t in ((a * 2).new_zeros(2), a.new_ones(2), a.new_full((2,), 1.0), a.new_empty(2), a.new_tensor(1.0)):
            assert not t.requires_grad

    def test_tensor_is_a_copy(self):
        data = np.ones(2)
        t = ac.ones(1).new_tensor(data)
        data[0] = 5.0
        assert t.tolist() == [1.0, 1.0]

    def test_refused(self):
        x = ac.ones(1)
        with raises(TypeError, "new_full(): argument 'size' (position 1) must be tuple of ints, not int"):
            x.new_full(2, 3)
        for bad in (ac.ones(2), "a", ac.tensor(1.0, requires_grad=True)):
            with raises(TypeError, "new_full(): argument 'fill_value' (position 2) must be Number, not "):
                x.new_full((2,), bad)
            with raises(TypeError, "full_like(): argument 'fill_value' (position 2) must be Number, not "):
                ac.full_like(x, bad)
            with raises(TypeError, "full(): argument 'fill_value' (position 2) must be Number, not "):
                ac.full((2,), bad)
        with raises(TypeError, "new(): invalid data type 'str'"):
            x.new_tensor("a")


class TestLogspace:
    @pytest.mark.parametrize(("args", "kw"), [((0, 3, 7), {}), ((-2.5, 1.5, 9), {}), ((3, -3, 13), {"base": 2.0})])
    def test_values(self, args, kw):
        base = mp.mpf(kw.get("base", 10.0))
        start, end, n = args
        exact = [base ** (mp.mpf(start) + (mp.mpf(end) - start) * i / (n - 1)) for i in range(n)]
        np.testing.assert_allclose(to_numpy(ac.logspace(*args, **kw)), [float(e) for e in exact], rtol=1e-15)

    def test_negative_base(self):
        assert ac.logspace(0, 2, 3, base=-2.0).tolist() == [1.0, -2.0, 4.0]

    def test_beyond_the_range(self):
        assert ac.logspace(0, 400, 3).tolist()[2] == math.inf

    def test_integers(self):
        """The exponents' ends are converted first, then the powers cut off."""
        assert ac.logspace(0, 2, 4, dtype=ac.int64).tolist() == [1, 4, 21, 100]
        assert ac.logspace(0.5, 2, 4, base=2, dtype=ac.int64).tolist() == [1, 1, 2, 4]
        assert ac.linspace(0.7, 3.2, 4, dtype=ac.int64).tolist() == [0, 1, 2, 3]
        assert ac.linspace(-0.7, -3.7, 4, dtype=ac.int64).tolist() == [0, -1, -2, -3]

    @pytest.mark.parametrize("function", ["linspace", "logspace"])
    def test_arguments(self, function):
        make = getattr(ac, function)
        assert make(ac.tensor(0.0), ac.tensor(2.0), 3).tolist() == make(0, 2, 3).tolist()
        with raises(
            RuntimeError, f"{function} only supports 0-dimensional start and end tensors, but got start with 1"
        ):
            make(ac.zeros(1), 2, 3)
        with raises(NotImplementedError, f"\"{function}_cpu\" not implemented for 'Bool'"):
            make(0, 1, 3, dtype=ac.bool)
        for bad in ((0, 1, 2.5), (0, 1, True), ("a", 1, 3)):
            with raises(TypeError, f"{function}() received an invalid combination of arguments - got ("):
                make(*bad)


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


class TestMemoryFormat:
    IMAGES = (2, 3, 4, 5)

    def test_names(self):
        names = ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
        formats = [getattr(ac, n) for n in names]
        assert [repr(f) for f in formats] == [f"torch.{n}" for n in names]
        assert len({*formats}) == 4
        assert {type(f) for f in formats} == {ac.memory_format}
        with raises(TypeError, "cannot create 'torch.memory_format' instances"):
            ac.memory_format()
        assert copy.deepcopy(ac.channels_last) is ac.channels_last

    @pytest.mark.parametrize(
        "make",
        [
            lambda x, f: x.clone(memory_format=f),
            lambda x, f: ac.clone(x, memory_format=f),
            lambda x, f: ac.zeros_like(x, memory_format=f),
            lambda x, f: ac.ones_like(x, memory_format=f),
            lambda x, f: ac.full_like(x, 2.0, memory_format=f),
            lambda x, f: ac.empty_like(x, memory_format=f),
            lambda x, f: x.to(ac.int64, memory_format=f),
            lambda x, f: x.to(ac.float64, copy=True, memory_format=f),
            lambda x, f: x.long(memory_format=f),
            lambda x, f: x.bool(memory_format=f),
        ],
    )
    def test_results(self, make):
        x = ac.ones(2, 3).t()
        assert make(x, ac.contiguous_format).stride() == (2, 1)
        assert make(x, ac.preserve_format).stride() == (1, 3)
        assert make(x, None).stride() == (1, 3)
        images = ac.ones(*self.IMAGES)
        assert make(images, ac.channels_last).stride() == (60, 1, 15, 3)
        assert make(ac.ones(2, 3, 4, 5, 6), ac.channels_last_3d).stride() == (360, 1, 90, 18, 3)
        with raises(RuntimeError, "required rank 4 tensor to use channels_last format"):
            make(x, ac.channels_last)
        with pytest.raises(TypeError):
            make(x, 3)

    def test_clone_keeps_values_and_history(self):
        a = ac.arange(120.0).view(self.IMAGES).requires_grad_()
        b = a.clone(memory_format=ac.channels_last)
        assert b.tolist() == a.tolist()
        assert type(b.grad_fn).__name__ == "CloneBackward0"
        w = ac.arange(1.0, 121.0).view(self.IMAGES)
        (gradient,) = ac.autograd.grad((b * w).sum(), a)
        assert gradient.tolist() == w.tolist()

    def test_contiguous(self):
        x, images = ac.ones(2, 3), ac.ones(*self.IMAGES)
        assert x.contiguous(memory_format=ac.contiguous_format) is x
        assert x.contiguous(memory_format=ac.preserve_format) is x
        last = images.contiguous(memory_format=ac.channels_last)
        assert last.stride() == (60, 1, 15, 3)
        assert last.contiguous(memory_format=ac.channels_last) is last
        assert last.contiguous().stride() == images.stride()
        with raises(RuntimeError, "preserve memory format is unsupported by the contiguous operator"):
            x.t().contiguous(memory_format=ac.preserve_format)
        with raises(TypeError, "contiguous(): argument 'memory_format' must be torch.memory_format, not int"):
            x.contiguous(memory_format=3)

    def test_is_contiguous(self):
        images = ac.ones(*self.IMAGES)
        last = images.clone(memory_format=ac.channels_last)
        for x in (images, last, ac.ones(2, 1, 4, 5), ac.ones(2, 3, 1, 1), ac.ones(2, 3), ac.ones(2, 3).t()):
            expected = {
                "contiguous_format": x is not last and x.stride() != (1, 3),
                "channels_last": x is last or x.shape in ((2, 1, 4, 5), (2, 3, 1, 1)),
            }
            for f, answer in expected.items():
                assert x.is_contiguous(memory_format=getattr(ac, f)) is answer
        with raises(TypeError, "is_contiguous(): argument 'memory_format' must be torch.memory_format, not NoneType"):
            images.is_contiguous(memory_format=None)

    def test_to(self):
        """Strides that are not in order of channels count as contiguous."""
        x, images = ac.ones(2, 3).t(), ac.ones(*self.IMAGES)
        assert x.to(ac.float64, memory_format=ac.contiguous_format) is x
        assert x.to(memory_format=ac.preserve_format) is x
        last = images.to(memory_format=ac.channels_last)
        assert last.stride() == (60, 1, 15, 3)
        assert last.to(memory_format=ac.channels_last) is last
        assert last.to(memory_format=ac.contiguous_format).stride() == images.stride()
        with raises(TypeError, "to() received an invalid combination of arguments - got (memory_format=int, )"):
            x.to(memory_format=3)

    def test_empty(self):
        assert ac.empty(*self.IMAGES, memory_format=ac.channels_last).stride() == (60, 1, 15, 3)
        assert ac.empty(2, 3, memory_format=ac.contiguous_format).stride() == (3, 1)
        with raises(RuntimeError, "unsupported memory format Preserve"):
            ac.empty(2, memory_format=ac.preserve_format)
        with raises(TypeError, "empty(): argument 'memory_format' must be torch.memory_format, not int"):
            ac.empty(2, memory_format=3)

    def test_resize(self):
        assert ac.ones(4).resize_(2, memory_format=ac.contiguous_format).shape == (2,)
        with raises(TypeError, "resize_(): argument 'memory_format' must be torch.memory_format, not int"):
            ac.ones(4).resize_(2, memory_format=3)


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
