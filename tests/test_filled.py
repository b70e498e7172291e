"""Making tensors of sizes: zeros ... logspace, the `*_like` functions, `new_*`, and the arguments that all have."""

import math

import numpy as np
import pytest
from module import ac, to_numpy
from mpmath import mp
from support import NOT_FLOAT, leaf, raises

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
