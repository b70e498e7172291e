"""Rows of the views and of the joining of tensors."""

import numpy as np
import references as ref
from rows import L, S, T, index_error, method, not_tensor, op, records, runtime_error, type_error, value_error, view

from cases.shared import COL, CUBE, EMPTY, OUT_OF_RANGE, ROW, A, B, V, W, X, Y

# fmt: off
# ------------------------------------------------------------------ views
INVALID = "shape '{}' is invalid for input of size 12"
NO_VIEW = ("view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
           "contiguous subspaces)")
WIDER = "The expanded size of the tensor (5) must match the existing size (3) at non-singleton dimension 0"
FEWER = ("expand(torch.DoubleTensor{[3, 4]}, size=[4]): the number of sizes provided (1) must be greater or equal to "
         "the number of dimensions in the tensor (2)")
SPLIT_SUM = ("split_with_sizes expects split_sizes to sum exactly to 3 (input tensor's size at dimension 0), but got "
             "split_sizes=[1, 1]")
BEYOND = ("setStorage: sizes [20, 2], strides [1, 1], storage offset 0, and itemsize 8 requiring a storage size of 168 "
          "are out of bounds for storage of size 96")
VIEWS = (
    #    op          numpy                                        node
    view("view",      lambda x, *s: x.reshape(ref.sizes(s)),      "ViewBackward0",
         [S(X, 12), S(X, 2, -1), S(X, (4, 3)), S(A, 1), S(T(1), ()), S(T(0, 3), 3, 0), S(CUBE, 6, 4)],
         function=False, layout_matters=True,
         errors=[runtime_error(INVALID.format("[5]"), X, 5), runtime_error(INVALID.format("[-1, 5]"), X, -1, 5),
                 runtime_error("only one dimension can be inferred", X, -1, -1)]),
    method("view:transposed", None, None, [], call=lambda ac, x, *s: x.t().view(*s),
           errors=[runtime_error(NO_VIEW, X, 12)]),
    view("reshape",   lambda x, s: x.reshape(s),                  "ViewBackward0",
         [S(X, (12,)), S(X, (2, -1)), S(A, (1, 1)), S(T(1), ()), S(T(0, 3), (3, 0))],
         layout_matters=True, errors=[runtime_error(INVALID.format("[5]"), X, (5,))]),
    view("reshape:copy", lambda x, *s: x.T.reshape(s), "UnsafeViewBackward0", [S(X, 12), S(X, 2, -1)],
         view=False, layout_matters=True, method=False, call=lambda ac, x, *s: x.t().reshape(*s)),
    view("view_as",   lambda x, y: x.reshape(y.shape),            "ViewBackward0", [S(X, T(2, 6))],
         function=False, layout_matters=True, linear=False,
         errors=[type_error(not_tensor("view_as", 3, "other"), X, 3)]),
    view("flatten",   ref.flatten,                                "ViewBackward0",
         [S(X), S(CUBE, 1), S(CUBE, 0, 1), S(T(0, 3))], layout_matters=True,
         errors=[runtime_error("flatten() has invalid args: start_dim cannot come after end_dim", X, 1, 0),
                 index_error(OUT_OF_RANGE, X, 2)]),
    view("expand",    ref.expand,                                 "ExpandBackward0",
         [S(COL, 3, 4), S(ROW, 3, 4), S(COL, 2, -1, 4), S(A, 3), S(T(1), 0), S(X, (2, 3, 4)), S(V, 3)],
         function=False, errors=[runtime_error(WIDER, X, 5, 4), runtime_error(FEWER, X, 4)]),
    view("expand_as", lambda x, y: np.broadcast_to(x, y.shape),   "ExpandBackward0", [S(COL, X), S(ROW, X)],
         function=False, linear=False, errors=[type_error(not_tensor("expand_as", 3, "other"), X, 3)]),
    view("permute",   np.transpose,                               "PermuteBackward0",
         [S(X, (1, 0)), S(CUBE, (2, 0, 1)), S(CUBE, (-1, 0, -2)), S(A, ())],
         errors=[runtime_error("permute(): duplicate dims are not allowed.", X, (0, 0)),
                 index_error(OUT_OF_RANGE, X, (2, 0))]),
    view("permute:numbers", lambda x, *dims: np.transpose(x, dims), "PermuteBackward0", [S(CUBE, 2, 0, 1)],
         method=False, call=lambda ac, x, *dims: x.permute(*dims)),
    view("transpose", ref.transpose,                              "TransposeBackward0",
         [S(X, 0, 1), S(CUBE, -1, 0), S(X, 1, 1), S(A, 0, 0)], errors=[index_error(OUT_OF_RANGE, X, 0, 2)]),
    view("t",         np.transpose,                               "TBackward0", [S(X), S(V), S(A), S(T(0, 3))],
         errors=[runtime_error("t() expects a tensor with <= 2 dimensions, but self is 3D", CUBE)]),
    view("T",         np.transpose,                               "PermuteBackward0", [S(X), S(T(0, 3))],
         function=False, method=False, call=lambda ac, x: x.T),
    view("mT",        lambda x: np.swapaxes(x, -1, -2),           "TransposeBackward0", [S(X), S(CUBE)],
         function=False, method=False, call=lambda ac, x: x.mT,
         errors=[runtime_error("tensor.mT is only supported on matrices or batches of matrices", V)]),
    view("squeeze",   ref.squeeze,                                "SqueezeBackward0",
         [S(T(3, 1, 4, 1)), S(V), S(T(1)), S(A),
          *records("SqueezeBackward1", S(COL, 1), S(COL, 0), S(COL, -1), S(A, 0)),
          *records("SqueezeBackward2", S(T(1, 3, 1), (0, 2)))], errors=[index_error(OUT_OF_RANGE, X, 2)]),
    view("unsqueeze", np.expand_dims,                             "UnsqueezeBackward0",
         [S(X, 0), S(X, 2), S(X, -1), S(A, 0)],
         errors=[index_error("Dimension out of range (expected to be in range of [-3, 2], but got 3)", X, 3)]),
    view("select",    lambda x, dim, i: np.take(x, i, axis=dim),  "SelectBackward0",
         [S(X, 0, 1), S(X, 1, -1), S(V, 0, 2)],
         errors=[index_error("select(): index 5 out of range for tensor of size [3, 4] at dimension 0", X, 0, 5),
                 index_error(OUT_OF_RANGE, X, 2, 0)]),
    view("narrow",    ref.narrow,                                 "SliceBackward0",
         [S(X, 0, 1, 2), S(X, 1, -3, 2), S(X, 1, 4, 0)],
         errors=[runtime_error("start (1) + length (3) exceeds dimension size (3)", X, 0, 1, 3),
                 runtime_error("narrow(): length must be non-negative", X, 0, 1, -3),
                 runtime_error("start must be an 0-dim integral Tensor.", X, 0, L(1), 2),
                 runtime_error("start must be an 0-dim integral Tensor.", X, 0, L(True).reshape(()), 2)]),
    view("diagonal",  ref.diagonal,                               "DiagonalBackward0",
         [S(X), S(X, 1), S(X, -1), S(CUBE, 0, 1, 2), S(CUBE, offset=1, dim1=0, dim2=2), S(X, 9)],
         errors=[runtime_error("diagonal dimensions cannot be identical 0, 0", X, 0, 0, 0)]),
    view("unfold",    ref.unfold,                                 "UnfoldBackward0",
         [S(T(7), 0, 3, 2), S(X, 1, 2, 1), S(X, 0, 3, 1), S(X, -1, 1, 3)], function=False,
         errors=[runtime_error("maximum size for tensor at dimension 0 is 3 but size is 5", X, 0, 5, 1),
                 runtime_error("step is 0 but must be > 0", X, 0, 2, 0)]),
    view("unbind",    ref.unbind,                                 "UnbindBackward0", [S(X), S(X, 1), S(V)],
         errors=[index_error(OUT_OF_RANGE, X, 2)]),
    view("split",     ref.split,                                  "SplitBackward0",
         [S(T(5, 2), 2), S(T(5), 5), S(T(5), 7), S(T(2, 5), 3, dim=1),
          *records("SplitWithSizesBackward0", S(T(5, 2), [1, 4]), S(T(2, 5), [2, 0, 3], 1))],
         errors=[runtime_error(SPLIT_SUM, X, [1, 1]),
                 runtime_error("split expects split_size be non-negative, but got split_size=-1", X, -1)]),
    view("chunk",     ref.chunk,                                  "SplitBackward0",
         [S(T(5, 2), 2), S(T(5), 3), S(T(2, 5), 2, 1), S(V, 5)],
         errors=[runtime_error("chunk expects `chunks` to be greater than 0, got: 0", X, 0)]),
    view("as_strided", ref.as_strided,                            "AsStridedBackward0",
         [S(X, (2, 2), (1, 2)), S(X, (3,), (4,), 1), S(X, (4, 3), (1, 4)), S(X, (3, 3), (1, 1)), S(X, (), ())],
         layout_matters=True, errors=[runtime_error(BEYOND, X, (20, 2), (1, 1))]),
    view("detach",    np.asarray,                                 None, [S(X), S(A)]),
)


# ------------------------------------------------------------------ joining
JOINS = (
    op("cat", ref.cat, "CatBackward0",
       [S([X, T(2, 4)]), S([X, T(3, 2)], 1), S((V, T(2), T(1)), dim=-1), S([X]), S([EMPTY, V]), S([T(0, 4), X]),
        S([V, V])],
       method=False, linear=True,
       errors=[runtime_error("Tensors must have same number of dimensions: got 2 and 1", [X, V]),
               runtime_error("Sizes of tensors must match except in dimension 0", [X, T(3, 5)]),
               value_error("torch.cat(): expected a non-empty list of Tensors", []),
               type_error("expected Tensor as element 1 in argument 0, but got int", [X, 2]),
               index_error(OUT_OF_RANGE, [X, Y], 2)]),
    op("stack", ref.stack, "StackBackward0",
       [S([X, Y]), S([X, Y], 1), S((A, B, T())), S([V, W], dim=-1), S([V, V]), S([EMPTY, T(0)])],
       method=False, linear=True,
       errors=[runtime_error("stack expects each tensor to be equal size, but got [3, 4] at entry 0 and [3] at entry 1",
                             [X, V]),
               runtime_error("stack expects a non-empty TensorList", []), index_error(OUT_OF_RANGE, [V, W], 2)]),
)
