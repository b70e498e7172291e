"""Elementwise operations on operands that lie in every way in memory, around the sizes of tiles and strips."""

import itertools

import numpy as np
import pytest
from module import ac, to_numpy

SIZES = [1, 7, 8, 9, 127, 128, 129, 300]


def array(shape, kind):
    generator = np.random.default_rng(sum(shape))
    values = generator.integers(-9, 10, shape)
    return values > 0 if kind == "bool" else values * 1.25 if kind == "float64" else values


@pytest.mark.parametrize("kinds", list(itertools.product(("float64", "int64", "bool"), repeat=2)), ids="-".join)
def test_sum_with_a_transposed_matrix(kinds):
    for rows, columns in itertools.product(SIZES, repeat=2):
        a, b = array((rows, columns), kinds[0]), array((columns, rows), kinds[1])
        x, y = ac.tensor(a), ac.tensor(b)
        np.testing.assert_array_equal(to_numpy(x + y.t()), a + b.T)
        np.testing.assert_array_equal(to_numpy(y.t() + x), a + b.T)
        np.testing.assert_array_equal(to_numpy(y.t().contiguous()), b.T)
        np.testing.assert_array_equal(to_numpy(y.t().double()), b.T.astype(float))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("shape", [(9, 10, 130), (130, 9, 8), (8, 140, 17), (3, 20, 140)], ids=str)
def test_three_dimensions(shape, order):
    a = array(shape, "float64")
    b = array(tuple(np.array(shape)[np.argsort(order)]), "float64")
    x, y = ac.tensor(a), ac.tensor(b).permute(order)
    expected = b.transpose(order)
    np.testing.assert_array_equal(to_numpy(x * y), a * expected)
    np.testing.assert_array_equal(to_numpy(x * y[:, :1]), a * expected[:, :1])
    np.testing.assert_array_equal(to_numpy(x[..., :1] * y), a[..., :1] * expected)
    np.testing.assert_array_equal(to_numpy(ac.where(y > x, y, x)), np.maximum(expected, a))
    np.testing.assert_array_equal(to_numpy(x[::2] - y[::2]), a[::2] - expected[::2])


@pytest.mark.parametrize("shape", [(9, 130), (130, 9), (64, 300), (300, 17)], ids=str)
def test_changes_in_place_of_transposed_matrices(shape):
    a, b = array(shape, "float64"), array(shape[::-1], "float64")
    x, y = ac.tensor(a), ac.tensor(b)
    x += y.t()
    np.testing.assert_array_equal(to_numpy(x), a + b.T)
    y.t().mul_(x)
    np.testing.assert_array_equal(to_numpy(y), b * (a + b.T).T)
    view = y[::2].t()
    view.copy_(x[:, ::2])
    np.testing.assert_array_equal(to_numpy(y[::2]), (a + b.T).T[::2])
    np.testing.assert_array_equal(to_numpy(y[1::2]), (b * (a + b.T).T)[1::2])


@pytest.mark.parametrize("shape", [(9, 130), (130, 12)], ids=str)
def test_gradients_of_transposed_matrices(shape):
    a, b = array(shape, "float64"), array(shape[::-1], "float64")
    x, y = ac.tensor(a, requires_grad=True), ac.tensor(b, requires_grad=True)
    ((x * y.t()) ** 2).sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), 2.0 * a * b.T**2, rtol=1e-14)
    np.testing.assert_allclose(to_numpy(y.grad), 2.0 * (a**2 * b.T).T, rtol=1e-14)
