"""Rows of copies, conversions and the making of tensors."""

import numpy as np
import references as ref
from rows import (
    FLOAT64,
    INT,
    INT64,
    MISMATCH,
    SPECIAL,
    Dtype,
    L,
    S,
    T,
    create,
    method,
    no_overload,
    not_tensor,
    op,
    runtime_error,
    type_error,
    value_error,
)

from cases.shared import EMPTY, ROW, V_MASK, A, B, V, W, X, Y


# fmt: off
# ------------------------------------------------------------------ copying, converting
def in_place(name):
    """An in-place op as a function of its arguments."""
    return lambda ac, x, *args: getattr(x.clone(), name)(*args)


def cast(name):
    return lambda x, *_: x.astype(name)


OF_ANY = [S(X), S(A), S(T(of=INT)), S(V_MASK)]
ONE_VALUE = "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions"
COPYING = (
    op("clone", np.asarray, "CloneBackward0", [S(X), S(A), S(EMPTY)], linear=True,
       errors=[type_error(not_tensor("clone", 2.5), 2.5)]),
    method("contiguous", np.asarray, "", [S(X), S(A)], view=None, linear=True),
    method("contiguous:transposed", np.transpose, "CloneBackward0", [S(X)], call=lambda ac, x: x.t().contiguous(),
           linear=True),
    method("copy_", lambda x, y: np.broadcast_to(y, x.shape), "CopyBackwards", [S(X, Y), S(X, ROW), S(A, B), S(V, A)],
           call=in_place("copy_"), errors=[runtime_error(MISMATCH + "0", T(3), T(4)), type_error(None, V, "a")]),
    method("fill_", np.full_like, "FillBackward2", [S(X, 2.5), S(A, 1), S(V, True), S(V, B).records("FillBackward3")],
           call=in_place("fill_"), errors=[runtime_error(ONE_VALUE, V, W)]),
    method("zero_", np.zeros_like, "ZeroBackward0", [S(X), S(A), S(EMPTY)], call=in_place("zero_")),
    method("to", lambda x, dtype: x.astype(dtype.name), "",
           [S(X, FLOAT64), S(X, INT64), S(X, Dtype("bool")), S(T(3, of=INT), FLOAT64), S(V_MASK, INT64)], view=None),
    method("to:tensor", lambda x, y: x.astype(y.dtype), None, [S(T(3, of=INT), T(2)), S(T(3, of=INT), L(True))],
           call=lambda ac, x, y: x.to(y), view=None),
    method("double", cast("float64"), "", OF_ANY, view=None),
    method("long", cast("int64"), None, OF_ANY, view=None),
    method("bool", cast("bool"), None, [*OF_ANY, S(T(3, 4, of=SPECIAL))], view=None),
)


# ------------------------------------------------------------------ making tensors
NEGATIVE = runtime_error("Trying to create tensor with negative dimension -1: [-1]", -1)
SHAPED = [S(3, 4), S((3, 4)), S([2]), S(0), S(()), S(2, dtype=INT64), S(2, dtype=Dtype("bool"))]
LIKE = [S(X), S(A), S(T(3, of=INT)), S(V_MASK), S(V, dtype=INT64)]
CREATION = (
    create("tensor", lambda v: np.array(v, dtype=None if v != [] else float),
           [S(2.5), S(3), S(True), S([1, 2.5]), S([[1, 2], [3, 4]]), S([]), S([True, False]), S((1.0, (2)))],
           errors=[value_error("expected sequence of length 2 at dim 1 (got 1)", [[1, 2], [3]]), type_error(None, "a"),
                   type_error(None, [1, "a"])]),
    create("tensor:dtype", lambda v, dtype: np.array(v).astype(dtype.name),
           [S([1, 2.7], dtype=INT64), S([0, 2], dtype=Dtype("bool")), S([1, 2], dtype=FLOAT64)]),
    create("as_tensor", np.array, [S(2.5), S([1, 2]), S(T(3, 4, constant=True))], view=None),
    create("from_numpy", np.array, [S([1.0, 2.5]), S([1, 2]), S([[True, False]])],
           call=lambda ac, v: ac.from_numpy(np.array(v))),
    create("frombuffer", lambda v: np.array(v, dtype=float), [S([1.0, 2.5]), S([3.0])],
           call=lambda ac, v: ac.frombuffer(bytearray(np.array(v).tobytes()), dtype=ac.float64)),
    create("zeros", lambda *s, dtype=FLOAT64: np.zeros(ref.sizes(s), dtype.name), SHAPED,
           errors=[runtime_error("zeros: Dimension size must be non-negative.", -1)]),
    create("ones", lambda *s, dtype=FLOAT64: np.ones(ref.sizes(s), dtype.name), SHAPED, errors=[NEGATIVE]),
    create("full", lambda s, v, dtype=None: np.full(s, v, ref.named(dtype)),
           [S((3, 4), 2.5), S((2,), 3), S((), True), S((2,), 3, dtype=FLOAT64)],
           errors=[runtime_error("Trying to create tensor with negative dimension -1: [-1]", (-1,), 1.0)]),
    create("empty", lambda *s, dtype=FLOAT64: np.ones(ref.sizes(s), dtype.name), SHAPED,
           call=lambda ac, *s, **kw: ac.empty(*s, **kw).fill_(1), errors=[NEGATIVE]),
    create("eye", lambda n, m=None, dtype=FLOAT64: np.eye(n, m, dtype=dtype.name),
           [S(3), S(2, 3), S(0), S(3, dtype=INT64)],
           errors=[runtime_error("n must be greater or equal to 0, got -1", -1)]),
    create("arange", lambda *a, dtype=None: np.arange(*a, dtype=ref.named(dtype)),
           [S(5), S(2, 7), S(2, 7, 2), S(0.5, 3.0, 0.25), S(5, 2, -1), S(2.5), S(0), S(4, dtype=FLOAT64)],
           errors=[runtime_error("upper bound and lower bound inconsistent with step sign", 2, 7, -1),
                   runtime_error("step must be nonzero", 2, 7, 0)]),
    create("linspace", lambda start, end, steps: np.linspace(start, end, steps),
           [S(0, 1, 5), S(-1.0, 2.5, 4), S(3, 3, 1), S(0, 1, 0), S(5, 1, steps=3)],
           errors=[runtime_error("number of steps must be non-negative", 0, 1, -1)]),
    create("logspace", lambda start, end, steps, base=10.0: np.logspace(start, end, steps, base=base),
           [S(0, 2, 3), S(-1.5, 2.5, 7), S(3, 3, 1), S(0, 1, 0), S(2, -2, 5, 2.0), S(0, 3, steps=4, base=0.5)],
           errors=[runtime_error("number of steps must be non-negative", 0, 1, -1),
                   type_error(no_overload("logspace", "int, int, float"), 0, 1, 2.5)]),
    create("asarray", np.array, [S(2.5), S([1, 2]), S([[True, False]]), S(T(3, 4, constant=True))], view=None),
    create("zeros_like", lambda x, dtype=None: np.zeros_like(x, ref.named(dtype)), LIKE,
           errors=[type_error(not_tensor("zeros_like", 2.5), 2.5)]),
    create("ones_like", lambda x, dtype=None: np.ones_like(x, ref.named(dtype)), LIKE),
    create("full_like", lambda x, v, dtype=None: np.full_like(x, v, ref.named(dtype)),
           [S(X, 2.5), S(T(3, of=INT), 7), S(V, 2, dtype=INT64)]),
    create("empty_like", np.ones_like, [S(X), S(T(3, of=INT))], call=lambda ac, x: ac.empty_like(x).fill_(1)),
)
