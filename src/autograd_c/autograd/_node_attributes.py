"""The attributes of nodes that show what they saved: `_saved_self`, `_raw_saved_result`, `_saved_dim` and such, as
PyTorch's.
"""

from functools import partial

from .. import _core

# Where nodes save tensors, as core/packing.pxi numbers it.
A, B, RESULT = -1, -2, -3

_SELF = """Abs Acos Acosh Asin Asinh Atan Atanh Cos Cosh Digamma Erf Erfc Gelu LeakyRelu Lgamma Log Log10 Log1P Log2
LogSigmoid Polygamma Pow Silu Sin Sinh Softplus Var VarMean"""
_RESULT = "Exp Exp2 Expm1 LogSoftmax Reciprocal Relu Rsqrt Sigmoid Softmax Sqrt Tan Tanh"
_SELF_RESULT = "Amax Amin Cumprod LinalgVectorNorm Logsumexp Std"
_SELF_OTHER = "Atan2 Div Maximum Minimum Mul"
_SELF_TARGET = "HuberLoss MseLoss SmoothL1Loss"


def _table():
    names: dict[str, dict[str, int]] = {}
    for words, attributes in (
        (_SELF, {"self": A}),
        (_RESULT, {"result": RESULT}),
        (_SELF_RESULT, {"self": A, "result": RESULT}),
        (_SELF_OTHER, {"self": A, "other": B}),
        (_SELF_TARGET, {"self": A, "target": B}),
    ):
        names.update((f"{word}Backward0", attributes) for word in words.split())
    names |= {
        "AddmmBackward0": {"mat1": A, "mat2": B},
        "BinaryCrossEntropyBackward0": {"self": A, "target": B, "weight": 0},
        "BinaryCrossEntropyWithLogitsBackward0": {"self": A, "target": B, "weight": 0, "pos_weight": 1},
        "BmmBackward0": {"self": A, "mat2": B},
        "ClampBackward1": {"self": A},
        "DivBackward2": {"self": A, "other": B},
        "DotBackward0": {"self": A, "tensor": B},
        "EluBackward0": {"self": A},
        "EluBackward1": {"result": RESULT},
        "GatherBackward0": {"index": A},
        "IndexAddBackward0": {"index": A},
        "IndexSelectBackward0": {"index": A},
        "LeakyReluBackward1": {"result": RESULT},
        "MaskedFillBackward0": {"mask": A},
        "MaskedFillBackward1": {"mask": A},
        "MaxBackward0": {"indices": A},
        "MaxBackward1": {"self": A, "result": RESULT},
        "MinBackward0": {"indices": A},
        "MinBackward1": {"self": A, "result": RESULT},
        "MmBackward0": {"self": A, "mat2": B},
        "MvBackward0": {"self": A, "vec": B},
        "NllLoss2DBackward0": {"self": B, "target": A, "weight": 0},
        "NllLossBackward0": {"self": B, "target": A, "weight": 0},
        "PolygammaBackward1": {"self": A},
        "PowBackward1": {"self": A, "exponent": B},
        "PowBackward2": {"exponent": B},
        "ProdBackward0": {"self": A},
        "ProdBackward1": {"self": A},
        "RemainderBackward1": {"self": A, "other": B},
        "ScatterAddBackward0": {"index": A},
        "StdMeanBackward0": {"self": A, "result0": RESULT},
        "LinalgSvdBackward0": {"U": 0, "S": 1, "Vh": 2},
        "WhereBackward0": {"condition": A},
        "XlogyBackward0": {"self": A, "other": B},
    }
    return names


# The arguments that are no tensors: an attribute and where its value stands. `arg` is what the node keeps, `argK`
# a part of it, `numK` a number that its kernels get, `intK` an integral one, `maskK` a part whose bits are dimensions,
# `itemA` and `itemB` an operand that was a number, `indices` the saved indices; _READERS has these and what is of one
# node only.
_ARGUMENTS = """
AmaxBackward0 dim:mask0 keepdim:arg1
AminBackward0 dim:mask0 keepdim:arg1
AddmmBackward0 beta:num0 alpha:num1
AsStridedBackward0 size:arg1
BinaryCrossEntropyBackward0 reduction:int0
BinaryCrossEntropyWithLogitsBackward0 reduction:int0
CatBackward0 dim:arg0
ClampBackward1 min:bound0 max:bound1
CumprodBackward0 dim:arg
CumsumBackward0 dim:arg
DiagonalBackward0 self_sym_sizes:arg0 offset:arg1 dim1:arg2 dim2:arg3
DivBackward1 other:itemB
DivBackward2 rounding_mode:rounding
EluBackward0 alpha:num0 scale:one input_scale:one
EluBackward1 alpha:num0 scale:one input_scale:one
ExpandBackward0 self_sym_sizes:arg
GatherBackward0 dim:arg1 sparse_grad:no
GeluBackward0 approximate:approximation
HuberLossBackward0 reduction:int0 delta:num1
IndexAddBackward0 dim:arg1 source_dim:rank0 alpha:num0
IndexBackward0 self_sym_sizes:arg indices:indices
IndexPutBackward0 accumulate:arg indices:indices
IndexSelectBackward0 self_sym_sizes:arg0 dim:arg1
LeakyReluBackward0 negative_slope:num0
LeakyReluBackward1 negative_slope:num0
LinalgSvdBackward0 full_matrices:no
LinalgVectorNormBackward0 ord:num0 dim:mask0 keepdim:arg1
LogSoftmaxBackward0 dim:arg
LogsumexpBackward0 dim:mask0 keepdim:arg1
MaxBackward0 self_sym_sizes:arg0 dim:arg1 keepdim:arg2
MeanBackward0 self_sym_sizes:arg self_sym_numel:count
MeanBackward1 self_sym_sizes:arg0 self_sym_numel:count0 dim:mask1 keepdim:arg2
MinBackward0 self_sym_sizes:arg0 dim:arg1 keepdim:arg2
MseLossBackward0 reduction:int0
MulBackward1 other:itemB
NllLoss2DBackward0 reduction:int0 ignore_index:int1
NllLossBackward0 reduction:int0 ignore_index:int1
PermuteBackward0 dims:inverse
PolygammaBackward0 n:int0
PolygammaBackward1 n:int0
PowBackward0 exponent:num0
PowBackward2 self:itemA
ProdBackward1 dim:arg0 keepdim:arg1
ScatterAddBackward0 dim:arg1
SelectBackward0 self_sym_sizes:arg0 dim:arg1 index:arg2
SliceBackward0 self_sym_sizes:arg0 dim:arg1 start:arg2 end:arg3 step:arg4
SmoothL1LossBackward0 reduction:int0 beta:num1
SoftmaxBackward0 dim:arg
SoftplusBackward0 beta:num0 threshold:num1
SplitBackward0 self_sym_sizes:input dim:arg
SplitWithSizesBackward0 self_sym_sizes:input dim:arg split_sizes:parts
SqueezeBackward0 self_sym_sizes:arg
SqueezeBackward1 self_sym_sizes:arg
SqueezeBackward2 self_sym_sizes:arg
SqueezeBackward4 self_sym_sizes:arg
StackBackward0 dim:arg
StdBackward0 dim:named keepdim:arg1 correction:arg2
StdMeanBackward0 dim:named keepdim:arg1 correction:arg2
SumBackward0 self_sym_sizes:arg
SumBackward1 self_sym_sizes:arg0 dim:mask1 keepdim:arg2
TransposeBackward0 dim0:arg0 dim1:arg1
UnbindBackward0 dim:arg
UnfoldBackward0 self_sym_sizes:arg0 dimension:arg1 size:arg2 step:arg3
UnsafeViewBackward0 self_sym_sizes:arg
UnsqueezeBackward0 dim:arg
VarBackward0 dim:named keepdim:arg1 correction:arg2
VarMeanBackward0 dim:named keepdim:arg1 correction:arg2
ViewBackward0 self_sym_sizes:arg
"""


def _dims(mask):
    return tuple(d for d in range(mask.bit_length()) if mask >> d & 1)


def _finite(x):
    return None if abs(x) == float("inf") else x


def _argument(node, k):
    """What `args` hold, or part k of it."""
    arguments = node._arguments()[1]
    return arguments if k is None else arguments[k]


def _numel(sizes):
    return sizes[0] * _numel(sizes[1:]) if sizes else 1


def _input_sizes(node):
    """The sizes of the first input: those of the output that the edge leads to."""
    (to, number), *_ = node.next_functions
    return to._output_sizes()[number]


def _inverse(permutation):
    return tuple(permutation.index(d) for d in range(len(permutation)))


def _indices(node):
    """The saved indices; a dimension that has none has None.  After they were freed it raises."""
    return tuple(node._kept(place) for place in range(max(node._kept_count(), 1)))


_READERS = {
    "arg": _argument,
    "num": lambda node, k: node._arguments()[0][k],
    "int": lambda node, k: int(node._arguments()[0][k]),
    "bound": lambda node, k: _finite(node._arguments()[0][k]),
    "mask": lambda node, k: _dims(node._arguments()[1][k]),
    "named": lambda node, k: _dims(node._arguments()[1][0]) if node._arguments()[1][3] else None,
    "rank": lambda node, k: len(node._arguments()[1][k]),
    "count": lambda node, k: _numel(_argument(node, k)),
    "itemA": lambda node, k: node._kept(A).item(),
    "itemB": lambda node, k: node._kept(B).item(),
    "inverse": lambda node, k: _inverse(node._arguments()[1]),
    "indices": lambda node, k: _indices(node),
    "input": lambda node, k: _input_sizes(node),
    "parts": lambda node, k: tuple(sizes[node._arguments()[1]] for sizes in node._output_sizes()),
    "rounding": lambda node, k: node._operation().removeprefix("div_"),
    "approximation": lambda node, k: "tanh" if node._operation() == "gelu_tanh" else "none",
    "one": lambda node, k: 1,
    "no": lambda node, k: False,
}


def _readers():
    """node -> attribute -> a function of the node."""
    table: dict[str, dict[str, partial]] = {}
    for line in _ARGUMENTS.split("\n")[1:-1]:
        name, *entries = line.split()
        table[name] = {}
        for entry in entries:
            attribute, where = entry.split(":")
            kind = where.rstrip("0123456789")
            table[name][attribute] = partial(_READERS[kind], k=int(where[len(kind) :]) if where != kind else None)
    return table


SAVED = _table()
ARGUMENTS = _readers()


class SavedTensor:
    """One tensor that a node has saved for backward."""

    __slots__ = ("_node", "_place")

    def __init__(self, node, place):
        self._node = node
        self._place = place

    @property
    def data(self):
        """The tensor, or what a hook made of it."""
        return _core._packed(self._node, self._place)

    def register_hooks(self, pack_hook, unpack_hook):
        """Replace the tensor by what `pack_hook` makes of it, at once; backward uses what `unpack_hook` returns.

        Raises
        ------
        RuntimeError
            If there are hooks already, nothing is saved here, or it was freed.
        """
        _core._register_saved_hooks(self._node, self._place, pack_hook, unpack_hook)


def saved_names(node):
    """The attributes that tell what a node saved."""
    name = type(node).__name__
    tensors = [f"{start}_{place}" for start in ("_saved", "_raw_saved") for place in SAVED.get(name, ())]
    return tensors + [f"_saved_{argument}" for argument in ARGUMENTS.get(name, ())]


def saved_attribute(node, attribute):
    """The value of one of them: a tensor or None, an argument that was none, or for a `_raw_saved_` the SavedTensor."""
    raw = attribute.startswith("_raw_")
    name = attribute.removeprefix("_raw_saved_" if raw else "_saved_")
    argument = ARGUMENTS.get(type(node).__name__, {}).get(name)
    if argument is not None and not raw:
        return argument(node)
    place = SAVED.get(type(node).__name__, {}).get(name)
    if place is None:
        raise AttributeError(f"'{type(node).__name__}' object has no attribute '{attribute}'")
    value = node._kept(place)
    return SavedTensor(node, place) if raw else value
