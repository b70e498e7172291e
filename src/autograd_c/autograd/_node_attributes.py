"""The attributes of nodes that show what they saved: `_saved_self`, `_raw_saved_result` and such, as PyTorch's."""

from .. import _core

# Where nodes save tensors, as core/packing.pxi numbers it.
A, B, RESULT = -1, -2, -3

_SELF = """Abs Acos Acosh Asin Asinh Atan Atanh Cos Cosh Erf Erfc Gelu LeakyRelu Log Log10 Log1P Log2 LogSigmoid Pow
Silu Sin Sinh Softplus Var VarMean"""
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
        "NllLoss2DBackward0": {"target": A, "weight": 0},
        "NllLossBackward0": {"target": A, "weight": 0},
        "PowBackward1": {"self": A, "exponent": B},
        "PowBackward2": {"exponent": B},
        "ProdBackward0": {"self": A},
        "ProdBackward1": {"self": A},
        "RemainderBackward1": {"self": A, "other": B},
        "ScatterAddBackward0": {"index": A},
        "StdMeanBackward0": {"self": A, "result0": RESULT},
        "WhereBackward0": {"condition": A},
    }
    return names


SAVED = _table()


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
    return [f"{start}_{name}" for start in ("_saved", "_raw_saved") for name in SAVED.get(type(node).__name__, ())]


def saved_attribute(node, attribute):
    """The value of one of them: a tensor or None, or for a `_raw_saved_` the SavedTensor."""
    raw = attribute.startswith("_raw_")
    place = SAVED.get(type(node).__name__, {}).get(attribute.removeprefix("_raw_saved_" if raw else "_saved_"))
    if place is None:
        raise AttributeError(f"'{type(node).__name__}' object has no attribute '{attribute}'")
    value = node._kept(place)
    return SavedTensor(node, place) if raw else value
