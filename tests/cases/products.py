"""Rows of the products of matrices and vectors."""

import numpy as np
import references as ref
from rows import L, S, T, method, not_tensor, op, records, runtime_error, type_error, value_error

from cases.shared import COL, CUBE, EMPTY, ROW, A, B, V, W, X, Y

# fmt: off
NO_PRODUCT = "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)"
NO_MV = "size mismatch, got input (3), mat (3x4), vec (3)"
NO_BATCH = "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"
NO_DOT = ("inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements, but got 3 "
          "and 4 elements respectively")
NO_BMM = "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4]."
NO_EXPAND = "The expanded size of the tensor (2) must match the existing size (3) at non-singleton dimension 1"
SQUARE = T(3, 3)
WEIGHT = T(5, 4)
TWO = ("einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts "
       "list")


def einsum_error(message, *args):
    return runtime_error(f"einsum(): {message}", *args)


PRODUCTS = (
    op("matmul", np.matmul, "UnsafeViewBackward0",
       [S(CUBE, T(2, 4, 5)), S(CUBE, T(4, 5)), S(CUBE, ROW), S(ROW, T(2, 4, 5)), S(T(2, 1, 3, 4), T(5, 4, 2)),
        *records("MmBackward0", S(X, T(4, 2)), S(T(1, 1), T(1, 1)), S(T(3, 0), T(0, 2)), S(SQUARE, SQUARE)),
        S(ROW, T(4)).records("DotBackward0"), S(X, ROW).records("MvBackward0"),
        S(ROW, T(4, 2)).records("SqueezeBackward4"), S(X, T(2, 4, 5)).records("CloneBackward0")],
       errors=[runtime_error(NO_PRODUCT, X, Y), runtime_error(NO_MV, X, V), runtime_error(NO_BATCH, CUBE, T(3, 4, 3)),
               runtime_error(NO_DOT, V, T(4)), type_error(not_tensor("matmul", 2, "other", 2), X, 2),
               runtime_error("both arguments to matmul need to be at least 1D, but they are 0D and 2D", A, X)]),
    method("matmul:operator", np.matmul, "MmBackward0", [S(X, T(4, 2)), S(X, ROW).records("MvBackward0")],
           call=lambda ac, a, b: a @ b,
           errors=[type_error("unsupported operand type(s) for @: 'Tensor' and 'int'", X, 2)]),
    op("mm", np.matmul, "MmBackward0", [S(X, T(4, 2)), S(T(3, 0), T(0, 2)), S(T(0, 4), T(4, 2))],
       errors=[runtime_error(NO_PRODUCT, X, Y), runtime_error("mat2 must be a matrix", X, ROW),
               runtime_error("self must be a matrix", V, X)]),
    op("mv", np.matmul, "MvBackward0", [S(X, ROW), S(T(3, 0), EMPTY), S(T(0, 4), ROW)],
       errors=[runtime_error(NO_MV, X, V),
               runtime_error("vector + matrix @ vector expected, got 1, 2, 2", X, T(4, 2))]),
    op("dot", np.dot, "DotBackward0", [S(ROW, T(4)), S(EMPTY, T(0)), S(V, V)],
       errors=[runtime_error("1D tensors expected, but got 1D and 2D tensors", V, X)]),
    op("bmm", np.matmul, "BmmBackward0", [S(CUBE, T(2, 4, 5)), S(T(0, 3, 4), T(0, 4, 5)), S(T(2, 3, 0), T(2, 0, 5))],
       errors=[runtime_error("batch1 must be a 3D tensor", X, Y), runtime_error(NO_BMM, CUBE, T(3, 4, 3))]),
    op("addmm", ref.addmm, "AddmmBackward0",
       [S(T(3, 2), X, T(4, 2)), S(T(3, 2), X, T(4, 2), beta=-0.5, alpha=2), S(T(3, 2), X, T(4, 2), beta=0),
        S(T(3, 2), X, T(4, 2), alpha=0), S(T(3, 2), T(3, 0), T(0, 2), beta=2), S(T(0, 2), T(0, 4), T(4, 2))],
       inplace=True,
       errors=[runtime_error(NO_PRODUCT, T(3, 3), X, Y), runtime_error("mat1 must be a matrix, got 1-D tensor", X, V, X),
               runtime_error("mat2 must be a matrix, got 1-D tensor", X, X, ROW),
               runtime_error("self and mat2 must have the same dtype, but got Long and Double", L(1, 2), X, T(4, 2)),
               type_error(not_tensor("addmm", 2.5, "mat2", 3), X, X, 2.5)]),
    op("addmm:broadcast", ref.addmm, "AddmmBackward0",
       [S(T(2), X, T(4, 2)), S(COL, X, T(4, 2), beta=3), S(A, X, T(4, 2), alpha=-1),
        S(SQUARE, SQUARE, SQUARE)],
       errors=[runtime_error(NO_EXPAND, V, X, T(4, 2))]),
    op("outer", np.outer, "MulBackward0", [S(V, ROW), S(EMPTY, V), S(V, EMPTY), S(V, V)],
       errors=[runtime_error("outer: Expected 1-D argument self, but got 2-D", X, V),
               runtime_error("outer: Expected 1-D argument vec2, but got 0-D", V, A),
               type_error(not_tensor("outer", 2.5, "vec2", 2), V, 2.5)]),
    op("ger", np.outer, "MulBackward0", [S(V, ROW)], errors=[type_error(not_tensor("ger", 2.5), 2.5, V)]),
    op("linear", ref.linear, "AddmmBackward0",
       [S(X, WEIGHT, T(5)), S(T(0, 4), WEIGHT, T(5)), S(X, WEIGHT, T(1, 5)), S(X, WEIGHT, A),
        *records("ViewBackward0", S(ROW, WEIGHT, T(5)), S(CUBE, WEIGHT, T(5)), S(T(2, 0, 4), WEIGHT, T(5)),
                 S(T(2, 1, 3, 4), WEIGHT, T(1))),
        *records("AddBackward0", S(CUBE, WEIGHT, T(3, 5)), S(ROW, T(4), A), S(CUBE, ROW, A)),
        *records("MmBackward0", S(X, WEIGHT), S(X, X)), S(ROW, WEIGHT).records("SqueezeBackward4"),
        S(CUBE, WEIGHT).records("UnsafeViewBackward0"), S(ROW, T(4)).records("DotBackward0"),
        S(X, ROW).records("MvBackward0")],
       path="nn.functional", method=False,
       errors=[runtime_error("mat1 and mat2 shapes cannot be multiplied (3x4 and 3x5)", X, T(5, 3)),
               runtime_error("mat1 and mat2 shapes cannot be multiplied (6x4 and 3x5)", CUBE, T(5, 3), T(5)),
               runtime_error("both arguments to linear need to be at least 1D, but they are 0D and 2D", A, WEIGHT),
               runtime_error("t() expects a tensor with <= 2 dimensions, but self is 3D", X, CUBE),
               runtime_error("The expanded size of the tensor (5) must match the existing size (3) at non-singleton "
                             "dimension 1", X, WEIGHT, V),
               runtime_error("output with shape [5] doesn't match the broadcast shape [3, 5]", ROW, WEIGHT, T(3, 5)),
               runtime_error("mat2 must be a matrix, got 1-D tensor", X, ROW, A),
               type_error(not_tensor("linear", 2.5, "bias", 3), X, WEIGHT, 2.5)]),
    op("einsum", ref.einsum, "ViewBackward0",
       [S("ij,jk->ik", X, T(4, 2)), S("ij,jk", X, T(4, 2)), S("bij,bjk->bik", CUBE, T(2, 4, 5)), S("i,i", V, W),
        S("...ij,...jk->...ik", CUBE, T(4, 2)), S("bij,bij->b", CUBE, T(2, 3, 4)), S("i,ij->j", V, X),
        S("ij,kl->", X, T(2, 5)), S("ij,jk,kl->il", X, T(4, 2), T(2, 5)), S("ijk,jil,kl->l", CUBE, T(3, 2, 5), T(4, 5)),
        S("ij,jk->ik", T(3, 0), T(0, 2)), S("ij,jk->ik", COL, T(4, 2)), S("i,i,i->", V, W, V), S("i,i", V, V),
        S(" i j , j k -> k i ", X, T(4, 2)), S("ii,ij->j", SQUARE, X), S("aA,Ab->ab", X, T(4, 2)),
        *records("MulBackward0", S("i,j", V, ROW), S("i,i->i", V, W), S("ij,ij->ji", X, Y), S(",ij->ij", A, X),
                 S("...,...->...", X, ROW), S(",", A, B)),
        *records("SumBackward1", S("ij->", X), S("ij->i", X), S("ii", SQUARE), S("i...->...", CUBE),
                 S("...i->i", CUBE), S("ij->j", T(0, 3)))],
       method=False,
       errors=[value_error(TWO), value_error(TWO, "ij"),
               type_error("expected Tensor as element 0 in argument 1, but got float", "i", 2.5),
               type_error("einsum(): argument 'equation' (position 1) must be str, not int", 2, X),
               einsum_error("more operands were provided than specified in the equation", "ij", X, X),
               einsum_error("fewer operands were provided than specified in the equation", "ij,jk", X),
               einsum_error("invalid subscript given at index 1 in the equation string, subscripts must be in [a-zA-Z]",
                            "i1", X),
               einsum_error("invalid subscript given at index 5 in the equation string, subscripts must be in [a-zA-Z]",
                            "ij->j1", X),
               einsum_error("found '.' for operand 0 that is not part of any ellipsis", "i..j", X),
               einsum_error("found '.' for operand 0 for which an ellipsis was already found", "...i...", X),
               einsum_error("found '.' for output that is not part of any ellipsis (...)", "ij->.", X),
               einsum_error("found '.' for output but an ellipsis (...) was already found", "...->......", X),
               einsum_error("the number of subscripts in the equation (3) does not match the number of dimensions (2) "
                            "for operand 0 and no ellipsis was given", "ijk", X),
               einsum_error("the number of subscripts in the equation (3) is more than the number of dimensions (2) "
                            "for operand 0", "ijk...", X),
               einsum_error("output subscript i appears more than once in the output", "ij->ii", X),
               einsum_error("output subscript k does not appear in the equation for any input operand", "ij->k", X),
               einsum_error("subscript j has size 3 for operand 1 which does not broadcast with previously seen size 4",
                            "ij,jk", X, X),
               einsum_error("subscript i is repeated for operand 0 but the sizes don't match, 4 != 3", "ii", X),
               einsum_error("dimension 0 covered by ellipsis in operand 1has size 5 which does not broadcast with "
                            "previously seen ellipsis with size 3 for the respective dimension",
                            "...i,...i", X, T(5, 4))]),
    op("einsum:view", ref.einsum, "PermuteBackward0",
       [S("ij->ji", X), S("ji", X), S("ii->i", SQUARE), S("i...j->ij...", CUBE), S("...", X), S("", A),
        S("iji->ij", T(3, 2, 3)), S(X, [26, 0]), S(X, [26, 0], [26, 0]), S(SQUARE, [3, 3], [3])],
       method=False, view=None),
    op("einsum:sublist", ref.einsum, "ViewBackward0",
       [S(X, [0, 1], T(4, 2), [1, 2], [0, 2]), S(X, [0, 1], T(4, 2), [1, 2]), S(CUBE, [..., 0, 1], T(4, 2), [1, 51]),
        S("ij,jk->ik", [X, T(4, 2)])],
       method=False,
       errors=[value_error("einsum(): subscript in subscript list is not within the valid range [0, 52)", X, [0, 52]),
               value_error("einsum(): subscript in subscript list is not within the valid range [0, 52)", X, [0, -1]),
               type_error("'float' object cannot be interpreted as an integer", X, [0.5, 1])]),
)
