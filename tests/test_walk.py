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


# Runs that are short are taken some at a time: around how many that are, and how long they may be.
ROWS, NARROW = [1, 7, 8, 9, 250], [1, 2, 5, 127, 128, 129]


@pytest.mark.parametrize("kinds", list(itertools.product(("float64", "int64", "bool"), repeat=2)), ids="-".join)
def test_narrow_matrices(kinds):
    for rows, columns in itertools.product(ROWS, NARROW):
        a = array((rows, columns), kinds[0])
        x = ac.tensor(a)
        for shape in [(columns,), (rows, 1), (1, 1), (rows, columns + 3), (2 * rows, columns)]:
            b = array(shape, kinds[1])
            y = ac.tensor(b)[:rows, :columns] if shape[-1] > columns or len(shape) == 2 else ac.tensor(b)
            b = b[:rows, :columns] if shape[-1] > columns or len(shape) == 2 else b
            np.testing.assert_array_equal(to_numpy(x + y), a + b)
            np.testing.assert_array_equal(to_numpy(y * x), b * a)
            np.testing.assert_array_equal(to_numpy(x < y), a < b)
            np.testing.assert_array_equal(to_numpy(ac.where(x > y, x, y).double()), np.maximum(a, b))


@pytest.mark.parametrize("columns", [2, 5, 100])
def test_narrow_results_that_have_gaps(columns):
    a, b = array((3, 40, 2 * columns), "float64"), array((40, 1), "float64")
    x, y = ac.tensor(a), ac.tensor(b)
    np.testing.assert_array_equal(to_numpy(x[:, :, ::2] * y), a[:, :, ::2] * b)
    x[:, :, 1::2] += y
    a[:, :, 1::2] += b
    np.testing.assert_array_equal(to_numpy(x), a)
    x[:, ::2, :columns].mul_(y[::2])
    a[:, ::2, :columns] *= b[::2]
    np.testing.assert_array_equal(to_numpy(x), a)
    integers = ac.zeros(3, 40, columns, dtype=ac.int64)
    integers.copy_(y > 0)
    np.testing.assert_array_equal(to_numpy(integers), np.broadcast_to(b > 0, (3, 40, columns)))


@pytest.mark.parametrize("columns", [1, 3, 10, 128, 129, 600])
def test_gradients_of_what_is_broadcast(columns):
    # Each gradient comes with the sizes of the result, and g, a or b does not move along its runs.
    a, b, c = array((90, columns), "float64"), array((90, 1), "float64") + 20.0, array((columns,), "float64") + 30.0
    x, y, z = (ac.tensor(t, requires_grad=True) for t in (a, b, c))
    weight = array((90,), "float64")
    ((x * y / z).sum(1) * ac.tensor(weight)).sum().backward()
    g = np.broadcast_to(weight[:, None], a.shape)
    np.testing.assert_allclose(to_numpy(x.grad), g * b / c, rtol=1e-14)
    np.testing.assert_allclose(to_numpy(y.grad), (g * a / c).sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(to_numpy(z.grad), (-g * a * b / c**2).sum(0), atol=1e-12)
    x.grad = None
    (ac.sin(x).sum(1) * ac.tensor(weight)).sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), g * np.cos(a), rtol=1e-14)


@pytest.mark.parametrize("loss", ["mse_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"])
def test_gradients_of_losses_with_one_gradient_for_a_row(loss):
    a, b, weight = array((50, 30), "float64"), array((50, 30), "bool") * 1.0, array((50,), "float64")
    function = getattr(ac.nn.functional, loss)
    x = ac.tensor(a, requires_grad=True)
    (function(x, ac.tensor(b), reduction="none").sum(1) * ac.tensor(weight)).sum().backward()
    alone = ac.tensor(a, requires_grad=True)
    (function(alone, ac.tensor(b), reduction="none") * ac.tensor(np.repeat(weight[:, None], 30, 1))).sum().backward()
    np.testing.assert_array_equal(to_numpy(x.grad), to_numpy(alone.grad))
