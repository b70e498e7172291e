"""Rows of sums, extremes, moments, norms, scans and softmaxes."""

from dataclasses import replace

import numpy as np
import references as ref
from rows import (
    FLOAT64,
    INT64,
    MISMATCH,
    REAL,
    SPECIAL,
    ZEROS,
    Domain,
    L,
    S,
    T,
    bad,
    index_error,
    not_tensor,
    op,
    records,
    reduction,
    runtime_error,
    type_error,
)

from cases.shared import BELOW_RANGE, CUBE, EMPTY, MASK, OUT_OF_RANGE, ROW, A, B, V, X

# fmt: off
ALL_DIMS = (S(X), S(A), S(V), S(CUBE), S(T(1, 1)))
ONE_DIM = (S(X, dim=0), S(X, dim=1), S(X, dim=-1, keepdim=True), S(CUBE, dim=1), S(A, dim=0), S(V, dim=0))
SOME_DIMS = (S(X, dim=(0, 1)), S(CUBE, dim=(0, 2)), S(CUBE, dim=(-1, 0), keepdim=True), S(X, dim=(1,)))
NO_COLUMNS, OVER_NOTHING = S(T(2, 0), dim=0), S(T(2, 0), dim=1)
BAD_DIM = (index_error(OUT_OF_RANGE, X, dim=2), index_error(BELOW_RANGE, X, dim=-3))
BAD_DIMS = (*BAD_DIM, index_error(OUT_OF_RANGE, X, dim=(0, 2)),
            runtime_error("dim 0 appears multiple times in the list of dims", X, dim=(0, 0)))


def of_nothing(name, error=runtime_error):
    """What has no value for no elements raises."""
    return (error(f"{name}(): Expected reduction dim to be specified for input.numel() == 0", EMPTY),
            index_error(f"{name}(): Expected reduction dim 0 to have non-zero size", T(0, 3), dim=0))


def softmax_row(name, node, **more):
    """softmax or its logarithm."""
    reference = ref.softmax if node == "SoftmaxBackward0" else ref.log_softmax
    long_first = bad(NotImplementedError, f"\"{name}_kernel_impl\" not implemented for 'Long'", L([1, 2], [3, 4]), 0)
    integers = (long_first, bad(NotImplementedError, f"\"{name}_lastdim_kernel_impl\" not implemented for 'Long'",
                                L(1, 2), 0))
    return op(name, reference, node, [*ONE_DIM_ALONE, *LINES, S(X, 1, dtype=FLOAT64)],
              errors=[*BAD_DIM, type_error(not_tensor(name, 2.5), 2.5, 0), type_error(None, X, (0,)), *integers], **more)


ONE_DIM_ALONE = (S(X, 0), S(X, dim=1), S(X, -1), S(CUBE, 1), S(CUBE, dim=0), S(A, 0), S(V, 0), S(T(1), 0))
LINES = (S(EMPTY, 0), S(T(2, 0), 0), S(T(2, 0), 1), S(T(700), 0), S(T(2, 600), 0), S(T(600, 2), 0))
PRODUCTS_OF = [*ALL_DIMS, S(EMPTY), S(T(2, 0)), S(V, dtype=FLOAT64), S(T(40)),
               *records("ProdBackward1", *ONE_DIM, NO_COLUMNS, OVER_NOTHING, S(X, 0, True), S(X, dim=1, dtype=FLOAT64))]
MOMENTS_OF = [S(X), S(V), S(CUBE), S(X, 0), S(X, dim=1), S(X, dim=-1, keepdim=True), S(CUBE, 1), *SOME_DIMS,
              S(X, False), S(X, True), S(X, unbiased=False), S(X, 0, False), S(X, 0, True, True), S(X, (0, 1), False),
              S(X, correction=0), S(X, correction=2), S(X, 1, correction=0.5, keepdim=True), S(A, correction=0),
              S(T(700)), S(T(2, 3), None, correction=0), S(T(0, 3), dim=1, correction=-1)]
NOT_BOTH = (type_error(None, X, 0, True, correction=1), type_error(None, X, 0, 1), type_error(None, X, 1.5))
NORMS_OF = [*ALL_DIMS, *ONE_DIM, *SOME_DIMS, S(EMPTY), S(T(2, 0), dim=0), S(T(2, 0), dim=1), S(X, dtype=FLOAT64),
            S(X, "fro", 0), S(X, "fro", (0, 1), True), S(X, None), S(T(700)),
            *(S(X, p) for p in (1, 2, 3, 1.5, 2.5, 0.5, -1, -2.5, np.inf, -np.inf)),
            *(S(CUBE, p, (0, 2), True) for p in (1, 2, 3, 2.5, np.inf, -np.inf)),
            *(S(X, p, 1) for p in (1, 2, 3, 0.5, -1, np.inf, -np.inf)), S(A, 3), S(A, np.inf), S(T(0, 2), np.inf, dim=1)]
INT_NORM = "linalg.vector_norm: Expected a floating point or complex tensor as input. Got Long"
INT_MOMENT = "std and var only support floating point and complex dtypes"
INT_DTYPE = runtime_error("Autograd not support dtype: Long", X, 0, dtype=INT64)

REDUCTIONS = (
    reduction("sum", ref.over(np.sum), "SumBackward0",
              [*ALL_DIMS, S(EMPTY), S(T(2, 0)), S(V, dtype=FLOAT64),
               *records("SumBackward1", *ONE_DIM, *SOME_DIMS, NO_COLUMNS, OVER_NOTHING, S(X, dim=()), S(X, dim=None),
                        S(X, dim=None, keepdim=True), S(X, dim=0, dtype=FLOAT64))],
              linear=True, errors=BAD_DIMS),
    reduction("mean", ref.over(np.mean), "MeanBackward0",
              [*ALL_DIMS, S(EMPTY), S(V, dtype=FLOAT64),
               *records("MeanBackward1", *ONE_DIM, *SOME_DIMS, NO_COLUMNS, OVER_NOTHING, S(X, dim=None))],
              linear=True, errors=[*BAD_DIMS, runtime_error("mean(): could not infer output dtype", L(1, 2))]),
    reduction("prod", ref.over(np.prod), "ProdBackward0", PRODUCTS_OF,
              errors=[*BAD_DIM, type_error(None, X, (0, 1)), type_error(None, X, keepdim=True),
                      runtime_error("Autograd not support dtype: Long", X, dtype=INT64)]),
    reduction("prod:zeros", ref.over(np.prod), "ProdBackward0",
              [S(X), S(A), S(V), S(T(2)), *records("ProdBackward1", *ONE_DIM, S(X, 0, True))], domain=ZEROS),
    *(reduction(name, ref.moments(function), node, MOMENTS_OF, overloaded=True,
                errors=[*BAD_DIMS, *NOT_BOTH, runtime_error(INT_MOMENT, L(1, 2))])
      for name, function, node in (("var", np.var, "VarBackward0"), ("std", np.std, "StdBackward0"))),
    *(reduction(name, ref.moments(function, np.mean), node, MOMENTS_OF, overloaded=True, method=False,
                errors=[*BAD_DIMS, *NOT_BOTH,
                        runtime_error(f"{name} only support floating point and complex dtypes", L(1, 2))])
      for name, function, node in (("var_mean", np.var, "VarMeanBackward0"), ("std_mean", np.std, "StdMeanBackward0"))),
    op("norm", ref.norm, "LinalgVectorNormBackward0", NORMS_OF,
       errors=[*(replace(e, sample=replace(e.sample, args=(X, 2))) for e in BAD_DIMS), runtime_error(INT_NORM, L(1, 2)),
               runtime_error("linalg.vector_norm cannot compute the inf norm on an empty tensor because the operation "
                             "does not have an identity", EMPTY, np.inf),
               runtime_error("linalg.vector_norm cannot compute the -1 norm on the dimension 0because this dimension is "
                             "empty and the operation does not have an identity", T(0, 3), -1, 0),
               runtime_error("linalg.vector_norm: dtype should be floating point or complex, but got Long", X,
                             dtype=INT64),
               runtime_error("linalg.matrix_norm: Order abc not supported.", X, "abc"),
               runtime_error("linalg.matrix_norm: dim must be a 2-tuple. Got 0 1 2", CUBE, "fro", (0, 1, 2)),
               runtime_error("linalg.matrix_norm: dim must be a 2-tuple. Got 0", X, "nuc", 0), type_error(None, X, [2])]),
    op("norm:nuclear", ref.norm, "SumBackward1",
       [S(X, "nuc"), S(T(4, 3), "nuc"), S(T(3, 3), "nuc"), S(T(1, 1), "nuc"), S(T(0, 2), "nuc"), S(T(3, 4), "nuc", (1, 0)),
        S(CUBE, "nuc", (0, 2)), S(CUBE, "nuc", [-1, 1]), S(T(0, 2, 2), "nuc", (1, 2)),
        *records("PermuteBackward0", S(X, "nuc", None, True), S(CUBE, "nuc", (2, 0), True))],
       errors=[runtime_error("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.", V, "nuc"),
               runtime_error("linalg.matrix_norm: Expected a floating point or complex tensor as input. Got Long",
                             L([1, 2]), "nuc", 0),
               runtime_error("linalg.matrix_norm: dim must be a 2-tuple. Got 0 1 2", CUBE, "nuc"),
               runtime_error("linalg.matrix_norm: dims must be different. Got (1, 1)", X, "nuc", (1, -1)),
               index_error(OUT_OF_RANGE, X, "nuc", (0, 2))]),
    op("norm:count", ref.norm, None, [S(X, 0), S(X, 0, 1), S(A, 0), S(EMPTY, 0)], domain=Domain("counted", ZEROS.floats),
       call=lambda ac, x, *more: ac.norm(x.detach(), *more), function=False, method=False),
    op("cumsum", ref.scan(np.cumsum), "CumsumBackward0", [*ONE_DIM_ALONE, *LINES, S(X, 0, dtype=FLOAT64)],
       inplace=True, linear=True,
       errors=[*BAD_DIM, INT_DTYPE, type_error(not_tensor("cumsum", 2.5), 2.5, 0), type_error(None, X, (0,)),
               type_error(None, X)]),
    *(op(name, ref.scan(np.cumprod), "CumprodBackward0", [*ONE_DIM_ALONE, *LINES[:3], S(T(12, 9), 0), S(T(9, 12), 1)],
         inplace=True, domain=domain, errors=[*BAD_DIM, INT_DTYPE, type_error(None, X, (0,)), type_error(None, X)])
      for name, domain in (("cumprod", REAL), ("cumprod:zeros", ZEROS))),
    softmax_row("softmax", "SoftmaxBackward0"),
    softmax_row("log_softmax", "LogSoftmaxBackward0"),
    *(op(name, reference, node, [S(X, 0), S(CUBE, dim=1), S(A, 0), S(X, 1, dtype=FLOAT64)], method=False,
         path="nn.functional", errors=BAD_DIM)
      for name, reference, node in (("softmax:functional", ref.softmax, "SoftmaxBackward0"),
                                    ("log_softmax:functional", ref.log_softmax, "LogSoftmaxBackward0"),
                                    ("softmin", lambda x, dim, dtype=None: ref.softmax(-x, dim), "SoftmaxBackward0"))),
    *(reduction(name, ref.over(function), node, [*ALL_DIMS, *ONE_DIM, *SOME_DIMS, NO_COLUMNS, S(X, dim=())],
                errors=[*BAD_DIMS, *of_nothing(name)])
      for name, function, node in (("amax", np.max, "AmaxBackward0"), ("amin", np.min, "AminBackward0"))),
    reduction("max", ref.over(np.max), "MaxBackward1", ALL_DIMS, errors=of_nothing("max")),
    reduction("min", ref.over(np.min), "MinBackward1", ALL_DIMS, errors=of_nothing("min")),
    reduction("max:dim", ref.with_index(np.max, np.argmax), "MaxBackward0", [S(X, 0), *ONE_DIM, NO_COLUMNS],
              errors=BAD_DIM),
    reduction("min:dim", ref.with_index(np.min, np.argmin), "MinBackward0", [S(X, 0), *ONE_DIM, NO_COLUMNS],
              errors=BAD_DIM),
    op("max:two", np.maximum, "MaximumBackward0", [S(X, ROW), S(A, B)], elementwise=True,
       errors=[runtime_error(MISMATCH + "0", T(3), T(4))]),
    op("min:two", np.minimum, "MinimumBackward0", [S(X, ROW), S(A, B)], elementwise=True,
       errors=[runtime_error(MISMATCH + "0", T(3), T(4))]),
    reduction("argmax", ref.over(np.argmax), None, [*ALL_DIMS, *ONE_DIM, NO_COLUMNS],
              errors=[*BAD_DIM, *of_nothing("argmax", index_error)]),
    reduction("argmin", ref.over(np.argmin), None, [*ALL_DIMS, *ONE_DIM, NO_COLUMNS],
              errors=[*BAD_DIM, *of_nothing("argmin", index_error)]),
    *(reduction(name, ref.over(function), None,
                [*ALL_DIMS, *ONE_DIM, *SOME_DIMS, S(EMPTY), NO_COLUMNS, OVER_NOTHING, S(MASK), S(MASK, dim=0)],
                domain=SPECIAL, overloaded=True, errors=BAD_DIM)
      for name, function in (("any", np.any), ("all", np.all))),
    reduction("logsumexp", ref.logsumexp, "LogsumexpBackward0",
              [*ONE_DIM, *SOME_DIMS, S(X, 0), S(X, 1, True), NO_COLUMNS], errors=BAD_DIM),
)
