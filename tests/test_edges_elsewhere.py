"""Edges without gradients: values, overlapping memory, overflow on the way, warnings, scans in place."""

import math
from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from edge_tables import LOWEST, evaluate, float_tensor
from module import IS_TORCH, ac, assert_same, outcome, to_numpy
from support import deviation

# ------------------------------------------------------------------ values without gradients
TORCH_DIES = pytest.mark.skipif(IS_TORCH, reason="torch dies of SIGFPE")
VALUES = [
    # expression, value; Python's bool, int and float stand for the dtypes
    # a nan is the maximum and the minimum; of equals the first counts
    ("argmax(t(1.0, nan, 3.0, nan))", 1),
    ("argmin(t(1.0, nan, 3.0))", 1),
    ("argmax(t(3.0, 3.0, 1.0))", 0),
    ("argmin(t(1.0, 3.0, 1.0))", 0),
    ("argmax(t(inf, inf, -inf))", 0),
    ("argmax(t([3.0, 3.0], [1.0, 5.0]), dim=0)", [0, 1]),
    ("max(t([1.0, nan, nan]), 1).indices", [1]),
    ("min(t([inf, -inf, -inf]), 1).indices", [1]),
    ("max(t(3, 1))", 3),
    ("max(t(True, False))", True),
    # truth
    ("any(t(nan))", True),
    ("any(t(0.0, -0.0))", False),
    ("all(t(nan, 0.0))", False),
    ("all(t())", True),
    ("any(t())", False),
    ("logical_not(t(nan, 0.0, -0.0, 2.0))", [False, True, True, False]),
    ("t(nan, 0.0, -0.0, 0.1).bool()", [True, False, False, True]),
    # comparisons
    ("t(1.0, nan) == t(1.0, nan)", [True, False]),
    ("t(1.0, nan) != t(1.0, nan)", [False, True]),
    ("t(1.0, nan) <= t(1.0, nan)", [True, False]),
    ("t(0.0) == t(-0.0)", [True]),
    ("t(2**53 + 1) == t(2.0**53)", [True]),
    ("isnan(t(nan, inf, 1.0))", [True, False, False]),
    ("isinf(t(nan, inf, -inf))", [False, True, True]),
    ("isfinite(t(nan, inf, 1.0))", [False, False, True]),
    # integers: floor division, wrapping, powers
    ("t(7, -7, 7, -7) // t(2, 2, -2, -2)", [3, -4, -4, 3]),
    ("t(7, -7, 7, -7) % t(2, 2, -2, -2)", [1, 1, -1, -1]),
    ("div(t(7, -7), t(2, 2), rounding_mode='trunc')", [3, -3]),
    ("t(7, -7) / 2", [3.5, -3.5]),
    ("t(LOWEST) * 2", [0]),
    ("-t(LOWEST)", [LOWEST]),
    ("abs(t(LOWEST))", [LOWEST]),
    ("t(2**62) + t(2**62)", [LOWEST]),
    ("t(LOWEST) // t(-1)", [LOWEST]),
    ("t(LOWEST) % t(-1)", [0]),
    pytest.param("div(t(LOWEST), -1, rounding_mode='trunc')", [LOWEST], marks=TORCH_DIES),
    ("t(2, 3, -2) ** t(3, 0, 3)", [8, 1, -8]),
    ("t(-1, 1, 2) ** t(-3, -1, -1)", [-1, 1, 0]),
    ("t(3) ** 0.5", [3**0.5]),
    ("t(0) ** -1.0", [inf]),
    ("t(2.7, -2.7).long()", [2, -2]),
    ("clamp(t(1, 5), 0, 2)", [1, 2]),
    ("clamp(t(1, 5), 0, 2.5)", [1.0, 2.5]),
    # promotion: dtypes of tensors, kinds of numbers
    ("t(True, False) + t(True, True)", [True, True]),
    ("t(True, False) * t(True, True)", [True, False]),
    ("t(True, False) / t(True, True)", [1.0, 0.0]),
    ("t(True) + 1", [2]),
    ("t(True) + 1.5", [2.5]),
    ("t(1) + 1.5", [2.5]),
    ("t(1) * True", [1]),
    ("t(1) + tensor(1.5)", [2.5]),
    ("t(1.0) + t(1)", [2.0]),
    ("t(True, True).sum()", 2),
    ("where(t(True), 1, 2.5)", [1.0]),
    ("maximum(t(1), t(2.5))", [2.5]),
    # floats at the ends of their range
    ("t(1.0, -1.0, 0.0, 5.0) // t(0.0, 0.0, 0.0, inf)", [inf, -inf, nan, 0.0]),
    ("t(1.5, -1.5, 0.5, -0.5) // 1", [1.0, -2.0, 0.0, -1.0]),
    ("t(5.0, -5.0) % inf", [5.0, inf]),
    ("t(5e-324) / 2", [0.0]),
    ("t(1e308, 1e308, -1e308).sum()", inf),
    ("t(1.7e308, 1.7e308).mean()", inf),
    ("logsumexp(t([], []), 1)", [-inf, -inf]),
    # numpy's names of arguments, and an empty sequence of dimensions
    ("t([1.0, 2.0], [3.0, 4.0]).sum(axis=0)", [4.0, 6.0]),
    ("t([1.0, 2.0], [3.0, 4.0]).prod(axis=1, keepdims=True)", [[2.0], [12.0]]),
    ("t([1.0, 2.0], [3.0, 4.0]).amax(axis=1)", [2.0, 4.0]),
    ("t([1.0, 2.0], [3.0, 4.0]).argmin(axis=0)", [0, 0]),
    ("t([1.0, 2.0], [3.0, 5.0]).std(axis=1, correction=0)", [0.5, 1.0]),
    ("t([1.0, 2.0], [3.0, 4.0]).cumsum(axis=0)", [[1.0, 2.0], [4.0, 6.0]]),
    ("any(t(0.0, 2.0), ())", [False, True]),
    ("all(t(0.0, 2.0), [])", [False, True]),
    ("max(t(1.0, 4.0), other=t(2.0, 3.0))", [2.0, 4.0]),
    ("t(True, True).sum(dtype=bool)", True),
    ("t(2, 0).prod(dtype=bool)", False),
    # cancellation, and powers beyond the range of numbers
    ("var(t(1e9 + 1, 1e9 + 2, 1e9 + 3))", 1.0),
    ("std(t(1e9 + 1, 1e9 + 2, 1e9 + 3), correction=0)", (2 / 3) ** 0.5),
    ("norm(t(nan, 0.0, 1.0), 0)", 2.0),
    ("norm(t(inf, nan), inf)", nan),
    ("norm(t(1e200, 0.0, 0.0, 1e-200).view(2, 2), 'nuc')", 1e200),
    # creation: the length of a range with rounded steps, both ends of a linspace
    ("arange(1.0, 1.3, 0.1)", [1.0, 1.1, 1.2000000000000002, 1.3]),
    ("arange(0, 1, 0.25)", [0.0, 0.25, 0.5, 0.75]),
    ("linspace(0, 1, 11)[-1]", 1.0),
    ("linspace(-0.1, 0.3, 3)", [-0.1, 0.1, 0.3]),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_value(expression, expected):
    actual = to_numpy(evaluate(expression))
    np.testing.assert_allclose(actual, expected, rtol=1e-15)
    assert actual.dtype == np.array(expected).dtype


@pytest.mark.parametrize("x", [nan, inf, -inf, 1e300])
def test_float_to_int_is_defined(x):
    """What no int64 can hold becomes some int64, with no undefined behaviour on the way."""
    assert ac.tensor([x]).long().dtype is ac.int64


# ------------------------------------------------------------------ in-place ops on overlapping memory
OVERLAP = "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory"
SELF_OVERLAP = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location"
)


@pytest.mark.parametrize(
    ("change", "right"),
    [
        (lambda a: a.add_(a.t()), [[0.0, 3.0], [3.0, 6.0]]),
        (lambda a: a.view(4)[1:].add_(a.view(4)[:-1]), [[0.0, 1.0], [3.0, 5.0]]),
        (lambda a: a.view(4)[1:].copy_(a.view(4)[:-1]), [[0.0, 0.0], [1.0, 2.0]]),
        (lambda a: a.mul_(a[0]), [[0.0, 1.0], [0.0, 3.0]]),
    ],
    ids=["transposed", "shifted", "copied", "row"],
)
def test_overlap(change, right):
    """Refused in torch's words, or right through a temporary; never half done."""
    a = ac.arange(4.0).view(2, 2)
    found = outcome(lambda: change(a))
    if isinstance(found, list):
        np.testing.assert_array_equal(to_numpy(a), right)
    else:
        assert found.type == "RuntimeError"
        assert OVERLAP in found.sentence
        np.testing.assert_array_equal(to_numpy(a), [[0.0, 1.0], [2.0, 3.0]])


def test_write_to_expanded():
    row = ac.zeros(1)
    with pytest.raises(RuntimeError, match=SELF_OVERLAP):
        row.expand(3).add_(1)
    assert row.item() == 0.0


def test_inplace_with_itself():
    """x.add_(x) doubles; x.mul_(x) needs x as it was, so backward is refused, or right from a copy."""
    x = ac.tensor([2.0, 3.0], requires_grad=True)
    y = x.clone()
    y.add_(y)
    y.sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), [2.0, 2.0])
    z = x.clone()
    z.mul_(z)
    np.testing.assert_array_equal(to_numpy(z), [4.0, 9.0])
    found = outcome(lambda: ac.autograd.grad(z.sum(), x))
    if isinstance(found, list):
        np.testing.assert_array_equal(found[0], [4.0, 6.0])
    else:
        assert "modified by an inplace operation" in found.message


@deviation("torch gives nan where the quotient overflows")
def test_remainder_is_exact():
    """As Python's, to the bit: quotients near integers, huge ones, subnormals, zeros, infinities, signs."""
    rng = np.random.default_rng(0)
    b = np.ldexp(rng.uniform(0.5, 1.0, 20_000), rng.integers(-1080, 1000, 20_000))
    with np.errstate(over="ignore"):  # beyond 2**52 the C library takes over
        a = b * rng.integers(0, 1 << 60, b.size) / 2.0 ** rng.integers(0, 60, b.size)
        a = np.concatenate([a, np.nextafter(a[:5000], np.inf), np.nextafter(a[:5000], 0.0)])
    b = np.concatenate([b, b[:5000], b[:5000]])
    special = [0.0, -0.0, 1.0, -3.0, 5e-324, -5e-324, 1.7976931348623157e308, inf, -inf, nan]
    a = np.concatenate([a * rng.choice([-1, 1], a.size), np.repeat(special, len(special))])
    b = np.concatenate([b * rng.choice([-1, 1], b.size), np.tile(special, len(special))])
    with np.errstate(all="ignore"):
        exact = np.fmod(a, b)
        expected = np.where((exact != 0) & ((b < 0) != (exact < 0)), exact + b, exact)
        by_quotient = np.argsort(np.abs(a / b))  # blocks have near ones alone, far ones alone, both
    for order in (slice(None), by_quotient):
        found = to_numpy(ac.remainder(ac.tensor(a[order]), ac.tensor(b[order])))
        np.testing.assert_array_equal(found, expected[order])
        np.testing.assert_array_equal(np.signbit(found[found == 0.0]), np.signbit(expected[order][found == 0.0]))


@pytest.mark.parametrize("divisor", [None, 3.0, -0.1, 6.283185307179586, 1e-300])
def test_floored_quotients_are_exact(divisor):
    """Of quotients below 2**52, against fractions; those near an integer are where rounding the quotient errs."""
    rng = np.random.default_rng(1)
    b = np.full(1200, divisor) if divisor is not None else rng.uniform(-9, 9, 1200)
    a = b * rng.integers(-(1 << 40), 1 << 40, b.size) / 2.0 ** rng.integers(0, 40, b.size)
    a[:400] = np.nextafter(b[:400] * np.rint(a[:400] / b[:400]), rng.choice([-inf, inf], 400))
    expected = [float(math.floor(Fraction(x) / Fraction(y))) for x, y in zip(a, b, strict=True)]
    other = ac.tensor(b) if divisor is None else divisor
    np.testing.assert_array_equal(to_numpy(ac.floor_divide(ac.tensor(a), other)), expected)


@pytest.mark.parametrize("kind", ["float", "int", "bool"])
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "every second"])
def test_positions_of_many_elements(kind, layout):
    """Elements that masks, index tensors and gather name, one at a time, read and written, against numpy."""
    rng = np.random.default_rng(0)
    a = (rng.uniform(-9, 9, (14, 12, 11)) > 0) if kind == "bool" else rng.permutation(14 * 12 * 11).reshape(14, 12, 11)
    a = a.astype({"float": float, "int": np.int64, "bool": bool}[kind])
    x = ac.tensor(a)
    if layout == "transposed":
        a, x = a.transpose(2, 0, 1), x.permute(2, 0, 1)
    elif layout == "every second":
        a, x = a[::2, :, ::2], x[::2, :, ::2]
    for fraction in 0.0, 0.3, 1.0:
        mask = rng.uniform(0, 1, a.shape) < fraction
        m = ac.tensor(mask)
        np.testing.assert_array_equal(to_numpy(m.nonzero()), np.argwhere(mask))
        np.testing.assert_array_equal(to_numpy(x[m]), a[mask])
        np.testing.assert_array_equal(to_numpy(x[:, m[0]]), a[:, mask[0]])
        changed, y = a.copy(), x.clone()
        changed[mask], y[m] = a[mask][::-1], ac.tensor(a[mask][::-1].copy())
        np.testing.assert_array_equal(to_numpy(y), changed)
    for dim in range(3):
        index = rng.integers(0, a.shape[dim], [n if d == dim else n - 2 for d, n in enumerate(a.shape)])
        corner = a[tuple(slice(None) if d == dim else slice(n - 2) for d, n in enumerate(a.shape))]
        found = x.gather(dim, ac.tensor(index.transpose(1, 2, 0)).permute(2, 0, 1))
        np.testing.assert_array_equal(to_numpy(found), np.take_along_axis(corner, index, dim))
        if kind != "bool":
            changed, y = a.copy(), x.clone()
            where = list(np.indices(index.shape))
            where[dim] = index
            np.add.at(changed, tuple(where), np.take_along_axis(corner, index, dim))
            np.testing.assert_array_equal(to_numpy(y.scatter_add(dim, ac.tensor(index), found)), changed)


@pytest.mark.skipif(not hasattr(ac, "from_numpy"), reason="no memory of others")
def test_mask_of_any_bytes():
    """numpy can make a bool of a byte that is neither 0 nor 1."""
    mask = ac.from_numpy(np.array([[0, 2, 1, 0], [255, 0, 0, 7]], np.uint8).view(bool))
    assert mask.nonzero().tolist() == [[0, 1], [0, 2], [1, 0], [1, 3]]
    assert ac.arange(8.0).reshape(2, 4)[mask].tolist() == [1.0, 2.0, 4.0, 7.0]


def test_mask_with_a_stride_of_zero():
    """The stride of a dimension of size 1 may be anything: it is no step between elements."""
    x = ac.arange(3.0).as_strided((1, 3), (0, 1))
    assert (x > 0.5).nonzero().tolist() == [[0, 1], [0, 2]]
    x[x > 0.5] = 7.0
    assert x.tolist() == [[0.0, 7.0, 7.0]]


@pytest.mark.parametrize("name", ["any", "all"])
def test_any_and_all_of_no_dimension(name):
    """An empty `dim` means every dimension for sum, but none for these."""
    for shape in ((2, 2), (0, 2), ()):
        found = getattr(ac, name)(ac.ones(shape), dim=())
        assert tuple(found.shape) == shape
        assert found.dtype is ac.bool
    assert getattr(ac, name)(ac.tensor([0.0, 2.0]), dim=[]).tolist() == [False, True]


@pytest.mark.parametrize("op", ["add", "sub", "rsub"])
def test_alpha(op):
    """A number, or a 0-d tensor in its place; a bool for bools alone."""
    function, x, i = getattr(ac, op), ac.tensor([1.0, 2.0]), ac.tensor([1, 2])
    assert_same(to_numpy(function(x, x, alpha=ac.tensor(2.0))), to_numpy(function(x, x, alpha=2.0)))
    with pytest.raises(TypeError, match=r"'alpha' must be Number, not Tensor|invalid combination"):
        function(x, x, alpha=x)
    with pytest.raises(RuntimeError, match="Boolean alpha only supported for Boolean results"):
        function(x, x, alpha=True)
    with pytest.raises(RuntimeError, match="argument alpha must not be a floating point number"):
        function(i, i, alpha=1.0)


# ------------------------------------------------------------------ powers that overflow or underflow on the way
@deviation("torch gives inf or 0")
@pytest.mark.parametrize("scale", [1e200, 1.5e-200, 5e-324, 1e307])
def test_norm_of_huge_and_tiny(scale):
    """The value to rounding, the gradient as of numbers of ordinary size."""
    for p, expected in (
        (2, 5.0),
        (3, 91 ** (1 / 3)),
        (2.5, (3**2.5 + 4**2.5) ** 0.4),
        (-1, 12 / 7),
        (0.5, 7 + 48**0.5),
    ):
        x = float_tensor([3.0 * scale, -4.0 * scale]).requires_grad_()
        value = x.norm(p)
        np.testing.assert_allclose(value.item() / scale, expected, rtol=0.5 if scale < 1e-300 else 1e-14)
        (gradient,) = ac.autograd.grad(value, x)
        exact = np.sign([3, -4]) * (np.array([3.0, 4.0]) / expected) ** (p - 1)
        np.testing.assert_allclose(to_numpy(gradient), exact, rtol=0.5 if scale < 1e-300 else 1e-13)


@deviation("torch gives inf or 0")
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e307])
def test_std_of_huge_and_tiny(scale):
    x = float_tensor([1.0 * scale, 2.0 * scale, 4.0 * scale]).requires_grad_()
    value = x.std()
    np.testing.assert_allclose(value.item() / scale, (7 / 3) ** 0.5, rtol=1e-14)
    (gradient,) = ac.autograd.grad(value, x)
    np.testing.assert_allclose(to_numpy(gradient), np.array([-4, -1, 5]) / 6 / (7 / 3) ** 0.5, rtol=1e-13)


@deviation("torch divides the product by the element")
def test_prod_of_what_overflows():
    """The product of the others where all of them overflow, underflow, or hold an inf or a nan."""
    for values, expected in (
        ([1e200, 1e200, 1e-300], [1e-100, 1e-100, inf]),
        ([1e-200, 1e-200, 1e100], [1e-100, 1e-100, 0.0]),
        ([inf, 2.0], [2.0, inf]),
        ([nan, 2.0], [2.0, nan]),
    ):
        for create_graph in (False, True):
            x = float_tensor(values).requires_grad_()
            (gradient,) = ac.autograd.grad(x.prod(), x, create_graph=create_graph)
            np.testing.assert_allclose(to_numpy(gradient), expected, rtol=1e-14)


def test_log_softmax_near_zero():
    """log(1 / (1 + exp(-40))) is not 0, though 1 + exp(-40) is 1; torch's is."""
    if not IS_TORCH:
        np.testing.assert_allclose(ac.log_softmax(ac.tensor([0.0, -40.0]), 0)[0].item(), -np.exp(-40.0), rtol=1e-15)


# ------------------------------------------------------------------ warnings
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
@pytest.mark.parametrize("values", [[], [1.0], 1.0, [[1.0], [2.0]]])
def test_too_few_elements_warn(name, values):
    with pytest.warns(
        UserWarning, match=rf"^{name}\(\): degrees of freedom is <= 0. Correction should be strictly less"
    ):
        getattr(ac, name)(float_tensor(values), -1)


def test_count_norm_has_no_gradient():
    x = float_tensor([0.0, 2.0]).requires_grad_()
    value = x.norm(0)
    assert type(value.grad_fn).__name__ == "LinalgVectorNormBackward0"
    assert ac.autograd.grad(value, x, allow_unused=True) == (None,)


def test_implicit_softmax_dimension():
    """0 for 0, 1 and 3 dimensions, else 1."""
    functional = ac.nn.functional
    for name in ("softmax", "log_softmax", "softmin"):
        for shape, dim in (((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 2), 0), ((2, 1, 3, 2), 1)):
            x = float_tensor(np.arange(np.prod(shape)).reshape(shape) * 0.3)
            with pytest.warns(
                UserWarning, match=f"Implicit dimension choice for {name} has been deprecated. Change the"
            ):
                implicit = getattr(functional, name)(x)
            assert_same(to_numpy(implicit), to_numpy(getattr(functional, name)(x, dim)))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(True),
        lambda x: x.sum(0, 1),
        lambda x: x.prod(0.5),
        lambda x: x.max(True),
        lambda x: x.cumsum(True),
        lambda x: x.sum(dim=0, axis=0),
        lambda x: x.mean(0, keepdim=1),
    ],
)
def test_bools_and_numbers_are_not_interchanged(call):
    with pytest.raises(TypeError):
        call(float_tensor([[1.0, 2.0]]))


# ------------------------------------------------------------------ in-place scans
@pytest.mark.parametrize("name", ["cumsum_", "cumprod_"])
def test_scan_in_place_keeps_the_dtype(name):
    for values in ([1, 2, 3], [True, False]):
        x = ac.tensor(values)
        with pytest.raises(
            RuntimeError, match=r"Bad in-place call: input tensor dtype (long int|bool) and output tensor"
        ):
            getattr(x, name)(0, dtype=ac.float64)
        assert x._version == 0
    with pytest.raises(NotImplementedError, match=rf'"{name}out_cpu" not implemented for \'Bool\''):
        getattr(ac.tensor([True]), name)(0)
