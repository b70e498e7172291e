"""Products of matrices of any sizes, strides and batches, against numpy: small ones have loops of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from module import ac, assert_same, fixed_cotangent, to_numpy
from test_hypothesis import CLOSE, backward, placed, sum_to

SIZES = st.one_of(st.integers(0, 3), st.sampled_from([4, 5, 7, 8, 9, 12]))  # on both sides of each loop's width
BATCHES = st.sampled_from([((), ()), ((2,), (2,)), ((3,), (1,)), ((1,), (3,)), ((2, 1), (3,)), ((0,), (1,))])


@given(st.data())
def test_matmul(data):
    """Value and both gradients, operands laid out and broadcast at random."""
    n, k, m = (data.draw(SIZES) for _ in range(3))
    left, right = data.draw(BATCHES)
    a, x = data.draw(placed((*left, n, k)))
    b, y = data.draw(placed((*right, k, m), 1))
    product = x @ y
    assert_same(to_numpy(product), np.asarray(a @ b), **CLOSE)
    weights, (gx, gy) = backward(product, [x, y])
    assert_same(gx, sum_to(weights @ b.swapaxes(-1, -2), a.shape), **CLOSE)
    assert_same(gy, sum_to(a.swapaxes(-1, -2) @ weights, b.shape), **CLOSE)


@given(st.data())
def test_vectors(data):
    n, k = data.draw(SIZES), data.draw(SIZES)
    a, x = data.draw(placed((n, k)))
    v, y = data.draw(placed((k,), 1))
    assert_same(to_numpy(ac.mv(x, y)), np.asarray(a @ v), **CLOSE)
    assert_same(to_numpy(ac.dot(y, y)), np.asarray(v @ v), **CLOSE)
    weights, (gx, gy) = backward(ac.mv(x, y), [x, y])
    assert_same(gx, np.outer(weights, v), **CLOSE)
    assert_same(gy, a.T @ weights, **CLOSE)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 8, 9])
def test_inf_and_nan_stay_in_their_row_and_column(size):
    """What fills a vector up to its width does not show."""
    a, b = fixed_cotangent((size, size), 1), fixed_cotangent((size, size), 2)
    a[0, size - 1], b[0, size - 1] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        expected = np.array([[sum(a[i, k] * b[k, j] for k in range(size)) for j in range(size)] for i in range(size)])
    assert_same(to_numpy(ac.tensor(a) @ ac.tensor(b)), expected, **CLOSE)


@pytest.mark.parametrize("size", [2, 4, 8, 9])
def test_expanded_operand_and_second_order(size):
    """Strides of 0, and the gradient of a gradient."""
    row = ac.tensor(fixed_cotangent((1, size), 1), requires_grad=True)
    y = ac.tensor(fixed_cotangent((size, size), 2), requires_grad=True)
    x = row.expand(size, size)
    r, b = to_numpy(row.detach()), to_numpy(y.detach())
    (gx,) = ac.autograd.grad((x @ y).sum(), row, create_graph=True)
    assert_same(to_numpy(gx.detach()), size * b.sum(1)[None], **CLOSE)
    (gy,) = ac.autograd.grad((gx * gx).sum(), y)
    assert_same(to_numpy(gy), np.tile(2 * size * size * b.sum(1)[:, None], (1, size)), **CLOSE)
    assert_same(to_numpy((x @ y).detach()), np.tile(r @ b, (size, 1)), **CLOSE)
