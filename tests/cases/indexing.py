"""Rows of basic and advanced indexing, gathering and scattering."""

import numpy as np
import references as ref
from rows import (
    BOOL,
    INT,
    SPECIAL,
    L,
    S,
    T,
    index_error,
    method,
    not_tensor,
    op,
    records,
    runtime_error,
    type_error,
    value_error,
)

from cases.shared import A_MASK, COL, COLON, CUBE, EMPTY, MASK, OUT_OF_RANGE, ROW, V_MASK, A, B, V, W, X, Y


# fmt: off
def getitem(ac, x, index):
    return x[index]


def setitem(ac, x, index, value):
    out = x.clone()
    out[index] = value
    return out


FIRST_LAST = L(0, 2)
ROWS, COLUMNS = L(True, False, True), L(True, False, True, False)
MASK_SHAPE = "The shape of the mask [4] at index 0 does not match the shape of the indexed tensor [3, 4] at index 0"
NO_BROADCAST = "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]"
LOWER = ("expand(torch.DoubleTensor{[2, 4]}, size=[4]): the number of sizes provided (1) must be greater or equal to "
         "the number of dimensions in the tensor (2)")
TOO_LONG = "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 0"
NO_FIT = "shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [2, 4]"
NO_SOURCE = ("source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
             "[3, 4] source.shape = [2, 3]")
ONE_FILL = "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)."
INDEXING = (
    method("getitem", ref.getitem, "SelectBackward0",
           [S(X, 1), S(X, -1), S(X, (0, 2)), S(X, (..., 1)), S(V, 2), S(X, L(1).reshape(())),
            *records("SliceBackward0", S(X, slice(1, None)), S(X, COLON), S(X, (COLON, slice(None, None, 2))),
                     S(X, slice(5, 9)), S(T(5), slice(-3, -1)), S(X, (1, None, slice(0, 2)))),
            *records("UnsqueezeBackward0", S(X, None), S(A, None), S(X, (COLON, None))),
            *records("AliasBackward0", S(X, ...), S(A, ...), S(A, ()))],
           call=getitem, view=True, linear=True,
           errors=[index_error("index 5 is out of bounds for dimension 0 with size 3", X, 5), index_error(None, V, 0.5),
                   index_error("too many indices for tensor of dimension 2", X, (0, 0, 0)),
                   index_error("invalid index of a 0-dim tensor", A, 0),
                   value_error("step must be greater than zero", X, slice(None, None, -1))]),
    method("getitem:advanced", ref.getitem, "IndexBackward0",
           [S(X, FIRST_LAST), S(X, [2, 0]), S(X, (FIRST_LAST, L(1, 3))), S(X, (COLON, L(3, 3, 0))), S(X, ROWS),
            S(X, (COLON, COLUMNS)), S(X, MASK), S(X, (None, L(0, 1))), S(X, np.zeros(0, np.int64)),
            S(X, (slice(1, None), L(0, 0, 3))), S(CUBE, (L(0, 1), COLON, L(2, 3))), S(CUBE, (L([0], [1]), L(0, 2))),
            S(CUBE, (1, L(0, 2))), S(CUBE, (..., L(-1, 0))), S(CUBE, (L(1, 0), None, L(0, 2))),
            S(T(5), L([0, 1], [4, 0]))],
           call=getitem, linear=True,
           errors=[index_error("index 9 is out of bounds for dimension 0 with size 3", X, L(0, 9)),
                   index_error("index -4 is out of bounds for dimension 0 with size 3", X, L(0, -4)),
                   index_error(MASK_SHAPE, X, COLUMNS), index_error(NO_BROADCAST, X, (L(0, 1), L(0, 1, 2))),
                   index_error("tensors used as indices must be long, int, byte or bool tensors", X, L(0.0, 1.0))]),
    method("setitem", ref.setitem, "CopySlices",
           [S(X, 1, ROW), S(X, 1, 2.5), S(X, (COLON, 1), V), S(X, (0, 2), A), S(X, slice(1, None), T(2, 4)),
            S(X, slice(1, None), ROW), S(X, (..., slice(None, None, 2)), COL), S(X, (1, None), T(1, 4)),
            S(X, slice(3, 3), T(0, 4)), S(X, 1, T(1, 1, 4)),
            S(X, ..., 7.0).records("FillBackward3"), S(A, ..., B).records("CopyBackwards")],
           call=setitem,
           errors=[index_error("index 5 is out of bounds for dimension 0 with size 3", X, 5, 1.0),
                   runtime_error(LOWER, X, 0, T(2, 4)), runtime_error(TOO_LONG, X, 0, V)]),
    method("setitem:advanced", ref.setitem, "IndexPutBackward0",
           [S(X, FIRST_LAST, T(2, 4)), S(X, FIRST_LAST, ROW), S(X, (FIRST_LAST, L(1, 3)), T(2)),
            S(X, (COLON, L(3, 0)), T(3, 2)), S(X, ROWS, T(2, 4)), S(CUBE, (L(0, 1), COLON, L(2, 3)), T(2, 3)),
            S(T(5), L([0, 1], [4, 2]), T(2, 2)), S(X, L(1, 2), A),
            *records("CopySlices", S(CUBE, (1, L(0, 2)), T(2, 4)), S(X, (slice(1, None), L(0, 3)), T(2, 2)))],
           call=setitem,
           errors=[index_error("index 9 is out of bounds for dimension 0 with size 3", X, L(0, 9), 1.0),
                   runtime_error(NO_FIT, X, FIRST_LAST, V)]),
    op("index_put", ref.index_put, "IndexPutBackward0",
       [S(X, (FIRST_LAST,), T(2, 4)), S(X, (FIRST_LAST, L(1, 3)), T(2)), S(T(5), (L(0, 0, 3),), V, accumulate=True),
        S(X, (ROWS,), ROW), S(X, (FIRST_LAST,), A)],
       inplace=True, errors=[index_error("index 9 is out of bounds for dimension 0 with size 3", X, (L(9),), A)]),
    op("masked_fill", lambda x, mask, value: np.where(mask, value, x), "MaskedFillBackward0",
       [S(X, MASK, 2.5), S(X, T(4, of=BOOL), -1), S(A, A_MASK, 2.5), S(EMPTY, T(0, of=BOOL), 1.0),
        *records("MaskedFillBackward1", S(X, T(3, 1, of=BOOL), A))], inplace=True,
       errors=[runtime_error(ONE_FILL, V, V_MASK, W),
               runtime_error("masked_fill_ only supports boolean masks, but got mask with dtype double", V, W, 2.5)]),
    op("gather", ref.gather, "GatherBackward0",
       [S(X, 0, L([0, 2, 1, 0], [1, 1, 1, 1])), S(X, 1, L([0, 3], [2, 2])), S(T(5), 0, L(4, 0, 0)),
        S(X, -1, np.zeros((3, 0), np.int64)), S(A, 0, L(0).reshape(())), S(V, 0, L(2).reshape(())), S(A, -1, L(0, 0)),
        S(V, 0, np.zeros((2, 0))), S(EMPTY, 0, np.zeros((0, 2), np.int64))], linear=True,
       errors=[runtime_error("index 5 is out of bounds for dimension 0 with size 3", X, 0, L([0, 5])),
               runtime_error("index 0 is out of bounds for dimension 0 with size 0", EMPTY, 0, L(0, 0)),
               runtime_error("Index tensor must have the same number of dimensions as input tensor", X, 0, L(0, 9)),
               runtime_error("Index tensor must have the same number of dimensions as input tensor", A, 0, L([0])),
               runtime_error("Size does not match at dimension 1 expected index [1, 5] to be no larger than self "
                             "[3, 4] apart from dimension 0", X, 0, L([9, 0, 0, 0, 0])),
               runtime_error("gather(): Expected dtype int32/int64 for index", V, 0, L(0.0))]),
    op("nonzero", lambda x: np.argwhere(x), None,
       [S(X), S(T(3, 4, of=SPECIAL)), S(MASK), S(T(5, of=INT)), S(EMPTY), S(T(2, 0)), S(A)],
       errors=[type_error(not_tensor("nonzero", 2.5), 2.5)]),
    op("scatter_add", ref.scatter_add, "ScatterAddBackward0",
       [S(X, 0, L([0, 2, 1, 0], [1, 1, 1, 1]), T(2, 4)), S(X, 1, L([0, 3], [2, 2]), T(2, 2)),
        S(T(5), 0, L(4, 0, 0), V), S(A, 0, L(0, 0), T(2)), S(A, 0, L(0).reshape(()), B), S(V, 0, L(1), A),
        S(V, 0, np.zeros((0, 2)), T(0, 2))],
       inplace=True,
       errors=[runtime_error("index 5 is out of bounds for dimension 0 with size 3", X, 0, L([0, 5]), Y),
               runtime_error("scatter(): Expected dtype int32/int64 for index", V, 0, L(0.0), V),
               runtime_error("scatter(): Expected self.dtype to be equal to src.dtype", V, 0, L(9), T(1, of=INT)),
               runtime_error("Index tensor must have the same number of dimensions as self tensor", X, 0, L(9), V),
               runtime_error("Index tensor must have the same number of dimensions as src tensor", V, 0, L(9), X),
               runtime_error("Expected index [1, 5] to be no larger than self [3, 4] apart from dimension 0 and to be "
                             "no larger size than src [3, 4]", X, 0, L([9, 0, 0, 0, 0]), Y),
               runtime_error("Expected index [] to be no larger than self [3] apart from dimension 0 and to be no "
                             "larger size than src [0]", V, 0, L(9).reshape(()), EMPTY),
               runtime_error("Expected index [4] to be no larger than self [3] apart from dimension 0 and to be no "
                             "larger size than src [3]", V, 0, L(9, 0, 0, 0), W)]),
    op("index_add", ref.index_add, "IndexAddBackward0",
       [S(X, 0, FIRST_LAST, T(2, 4)), S(X, 1, L(3, 3, 0), T(3, 3)), S(CUBE, -2, L(1), T(2, 1, 4), alpha=-2.5),
        S(T(5), 0, L(4, 0, 0), V, alpha=2), S(X, 0, np.zeros(0, np.int64), T(0, 4)), S(A, 0, L(0), B),
        S(X, 0, L(1).reshape(()), T(1, 4))],
       inplace=True,
       errors=[runtime_error("index 5 is out of bounds for dimension 0 with size 3", X, 0, L(0, 5), T(2, 4)),
               runtime_error("index -1 is out of bounds for dimension 0 with size 3", X, 0, L(0, -1), T(2, 4)),
               index_error(OUT_OF_RANGE, X, 2, FIRST_LAST, T(2, 4)),
               runtime_error("index_add_(): Expected dtype int32/int64 for index but got: Double", X, 0, V, Y),
               index_error("index_add_(): Index is supposed to be a vector, but got dim: 2 with type: Long and size: "
                           "[1, 2]", X, 0, L([0, 1]), T(2, 4)),
               runtime_error("index_add_(): Number of indices (2) should be equal to source.size(dim): (3), for dim: 0",
                             X, 0, FIRST_LAST, Y),
               runtime_error(NO_SOURCE, X, 0, FIRST_LAST, T(2, 3)),
               runtime_error("index_add_(): self (Double) and source (Long) must have the same scalar type",
                             V, 0, FIRST_LAST, L(1, 2)),
               type_error(not_tensor("index_add", 2.5, "source", 4), V, 0, FIRST_LAST, 2.5),
               type_error("index_add(): argument 'alpha' must be Number, not str", V, 0, L(1), T(1), alpha="a")]),
    op("index_select", ref.index_select, "IndexSelectBackward0",
       [S(X, 0, FIRST_LAST), S(X, 1, L(3, 3, 0)), S(T(5), 0, L(4)), S(X, -1, np.zeros(0, np.int64)),
        S(A, 0, L(0)), S(A, -1, np.array(0)), S(X, 1, np.array(2))], linear=True,
       errors=[runtime_error("index_select(): Index to scalar can have only 1 value, got 2 value(s)", A, 0, L(0, 0)),
               index_error("index out of range in self", X, 0, L(0, 5)), index_error(OUT_OF_RANGE, X, 2, L(0)),
               runtime_error("index_select(): Expected dtype int32 or int64 for index", X, 0, L(0.0, 1.0))]),
)
