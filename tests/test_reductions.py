"""Reductions of elements that lie in every way: the same bits, the first of equals, a nan before anything else."""

import math
from fractions import Fraction

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy

SHAPES = [(n, m) for n in (1, 2, 7, 15, 16, 17, 40, 511, 513, 1300) for m in (1, 5, 8, 9, 20)]
SHAPES += [(9, 64), (40, 65), (24, 300), (520, 270)]  # as wide as what is folded together, and wider
REDUCTIONS = ["sum", "mean", "prod", "amax", "amin", "argmax", "argmin", "max", "min", "var", "std", "norm",
              "logsumexp"]  # fmt: skip


def matrix(shape, special=False):
    """Numbers of many magnitudes, with ties; ``special`` ones among them where asked for."""
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    values = np.round(rng.standard_normal(shape), 1) * np.exp2(rng.integers(-30, 30, shape) / 30.0)
    if special:
        values.flat[rng.integers(0, values.size, max(1, values.size // 50))] = np.inf
        values.flat[rng.integers(0, values.size, max(1, values.size // 60))] = -np.inf
        values.flat[rng.integers(0, values.size, max(1, values.size // 70))] = np.nan
        values.flat[rng.integers(0, values.size, max(1, values.size // 5))] = -0.0
    return values


def parts(result):
    """The tensors of a result as arrays of their bits, with one nan for all."""
    result = result if isinstance(result, tuple) else (result,)
    arrays = [to_numpy(part) for part in result]
    return [np.where(array == array, array, np.nan).view(np.int64)
            if array.dtype == np.float64 else array for array in arrays]  # fmt: skip


@pytest.mark.skipif(IS_TORCH, reason="torch's sums depend on the layout")
@pytest.mark.parametrize("special", [False, True], ids=["finite", "special"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_bits_do_not_depend_on_the_layout(name, special):
    """Columns, rows, every second element and a transposed copy: the elements of a result come in one order."""
    for shape in SHAPES:
        if shape[0] == 1 and name in ("var", "std"):
            continue
        columns = ac.tensor(matrix(shape, special))
        rows = columns.t().contiguous()
        wide = ac.zeros(shape[0], 2 * shape[1])
        wide[:, ::2] = columns
        expected = parts(getattr(rows, name)(dim=1))
        for x in (columns, rows.t(), wide[:, ::2]):
            for actual, bits in zip(parts(getattr(x, name)(dim=0)), expected, strict=True):
                np.testing.assert_array_equal(actual, bits, err_msg=f"{name} of {shape}")
        one_by_one = [parts(getattr(row, name)(dim=0)) for row in rows]
        for k, bits in enumerate(expected):
            np.testing.assert_array_equal([part[k] for part in one_by_one], bits, err_msg=f"{name} of {shape}")


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_and_products_against_exact_ones(shape, dim):
    values = matrix(shape) + 1.0
    x = ac.tensor(values)
    lines = values.T if dim == 0 else values
    exact = np.array([math.fsum(line) for line in lines])
    size = np.array([math.fsum(np.abs(line)) for line in lines])
    assert (np.abs(to_numpy(x.sum(dim)) - exact) <= 12 * 2.0**-53 * size).all()  # pairwise: a bound that grows slowly
    np.testing.assert_allclose(to_numpy((1.0 + 1e-3 * x).prod(dim)), np.prod(1.0 + 1e-3 * lines, axis=1), rtol=1e-12)


@pytest.mark.parametrize("count", [1, 3, 700])
def test_columns_of_many_blocks(count):
    """Two dimensions that do not lie as one: each step of the outer one begins a block, and each column counts them."""
    values = matrix((count * 5, 300)).reshape(count, 5, 300)
    x = ac.tensor(values)[:, :3]
    folded = values[:, :3].reshape(-1, 300)
    exact = np.array([math.fsum(line) for line in folded.T])
    assert (np.abs(to_numpy(x.sum((0, 1))) - exact) <= 12 * 2.0**-53 * np.abs(folded).sum(0)).all()
    np.testing.assert_allclose(to_numpy(x.norm(2, (0, 1))), np.sqrt((folded**2).sum(0)), rtol=1e-14)
    np.testing.assert_array_equal(to_numpy(x.amax((0, 1))), folded.max(0))


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_extremes_against_numpy(shape, dim):
    """numpy's argmax takes the first of equals, and a nan before anything else."""
    for special in (False, True):
        values = matrix(shape, special)
        x = ac.tensor(values)
        for name, by_numpy, where in (("max", np.max, np.argmax), ("min", np.min, np.argmin)):
            value, index = getattr(x, name)(dim)
            np.testing.assert_array_equal(to_numpy(index), where(values, axis=dim))
            np.testing.assert_array_equal(to_numpy(value), by_numpy(values, axis=dim))
            np.testing.assert_array_equal(to_numpy(getattr(x, "a" + name)(dim)), by_numpy(values, axis=dim))
        np.testing.assert_array_equal(to_numpy(x.argmax()), np.argmax(values))
        np.testing.assert_array_equal(to_numpy(x.max()), np.max(values))


@pytest.mark.parametrize("position", [0, 3, 15, 16, 600, 1299])
@pytest.mark.parametrize("extreme", [np.nan, np.inf, 1e300, -np.inf])
def test_one_element_among_many(position, extreme):
    values = np.linspace(-1.0, 1.0, 1300)[::-1].copy()
    values[position] = extreme
    x = ac.tensor(values)
    for name, where in (("argmax", np.argmax), ("argmin", np.argmin)):
        assert getattr(x, name)().item() == where(values)
        columns = ac.stack([x] * 9, 1)
        assert getattr(columns, name)(0).tolist() == [where(values)] * 9


def test_zeros_of_both_signs_are_equal():
    for size in (3, 40, 700):
        x = ac.zeros(size)
        x[1:] = -0.0
        assert x.max(0).indices.item() == 0
        assert x.min(0).indices.item() == 0
        columns = ac.stack([x] * 8, 1)
        assert columns.argmax(0).tolist() == [0] * 8


DEVIATIONS = {
    "noise": lambda x: x,
    "noise on a large number": lambda x: 1e6 + x,
    "a trend": lambda x: x + np.arange(len(x)),
    "a first block far from the rest": lambda x: x + 1e8 * (np.arange(len(x)) < 512),
    "a last element far from the rest": lambda x: x + 1e8 * (np.arange(len(x)) == len(x) - 1),
    "equal but for one": lambda x: 0.1 + 1e-9 * (np.arange(len(x)) == 700),
}


@pytest.mark.skipif(IS_TORCH, reason="torch's variances are less accurate")
@pytest.mark.parametrize("kind", DEVIATIONS)
@pytest.mark.parametrize("size", [511, 512, 513, 1300, 5000])
def test_variances_against_exact_ones(kind, size):
    """Where the first block's mean is a good centre, and where another pass has to be made around that of all."""
    values = DEVIATIONS[kind](np.random.default_rng(size).standard_normal(size))
    exact = [Fraction(x) for x in values.tolist()]
    mean = sum(exact) / size
    variance = float(sum((x - mean) ** 2 for x in exact) / (size - 1))
    x = ac.tensor(values)
    found, centre = ac.var_mean(x, 0)
    np.testing.assert_allclose(found.item(), variance, rtol=2e-14, atol=1e-300)
    np.testing.assert_allclose(x.std().item(), math.sqrt(variance), rtol=2e-14, atol=1e-150)
    np.testing.assert_allclose(centre.item(), float(mean), rtol=1e-15, atol=1e-16 * np.abs(values).max())
    columns = ac.stack([x] * 9, 1)
    np.testing.assert_allclose(to_numpy(columns.var(0)), [variance] * 9, rtol=2e-14, atol=1e-300)


@pytest.mark.skipif(IS_TORCH, reason="torch's deviations overflow")
@pytest.mark.parametrize("size", [600, 1300])
def test_variances_that_overflow_or_are_none(size):
    generator = np.random.default_rng(size)
    signs = ac.tensor(generator.choice([-1.0, 1.0], size))
    assert (1e200 * signs).var().item() == math.inf
    np.testing.assert_allclose((1e200 * signs).std().item(), 1e200 * float(signs.std()), rtol=1e-14)
    for odd in (math.inf, -math.inf, math.nan):
        for place in (0, size - 1):
            x = ac.tensor(generator.standard_normal(size))
            x[place] = odd
            assert math.isnan(x.var().item())
            assert math.isnan(x.std().item())


@pytest.mark.parametrize("size", [1, 10, 300, 600])
def test_norms_of_neighbours_of_any_magnitude(size):
    """Each row's norm is right where the squares of some over- or underflow, and those of their neighbours do not."""
    scales = [1.0, 1e-200, 1e200, 5e-324, 0.0, np.inf, np.nan, -3.0, 1e-160, 2.0]
    values = np.outer(scales, np.linspace(1.0, 2.0, size))
    expected = [math.hypot(*row) for row in values]
    np.testing.assert_allclose(to_numpy(ac.tensor(values).norm(dim=1)), expected, rtol=1e-14)
    np.testing.assert_allclose(to_numpy(ac.tensor(values.T.copy()).norm(dim=0)), expected, rtol=1e-14)


@pytest.mark.parametrize("length", [15, 16, 17, 31, 32, 33, 63, 64, 511, 512, 513, 1024, 1100])
@pytest.mark.parametrize("odd", [0.0, math.inf, -math.inf, math.nan])
def test_extremes_of_every_remainder_of_the_lanes(length, odd):
    generator = np.random.default_rng(length)
    for _ in range(5):
        x = generator.integers(-3, 4, length) * 0.5
        x[generator.integers(length)] = odd
        t = ac.tensor(x.tolist())
        np.testing.assert_array_equal(to_numpy(ac.amax(t)), x.max())
        np.testing.assert_array_equal(to_numpy(ac.amin(t)), x.min())
        assert (int(t.argmax()), int(t.argmin())) == (int(x.argmax()), int(x.argmin()))
