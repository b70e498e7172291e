"""Rows of the losses."""

from itertools import product

import mpmath as mp
import numpy as np
import references as ref
from rows import (
    MISMATCH,
    UNIT,
    Formula,
    L,
    S,
    T,
    bad,
    index_error,
    method,
    not_tensor,
    op,
    records,
    runtime_error,
    type_error,
    value_error,
)

from cases.shared import BCE_POINTS, EMPTY, PAIRS, A, B, V, W, X, Y

# fmt: off
REDUCTION_NAMES = ("mean", "sum", "none")
REDUCED = [S(X, Y, reduction=reduction) for reduction in REDUCTION_NAMES]
WEIGHTS = T(3, 4, constant=True)
WEIGHTED = [S(X, Y, weight=WEIGHTS, reduction=reduction) for reduction in REDUCTION_NAMES]
OUTSIDE = "all elements of input should be between 0 and 1"
TARGET_SIZE = ("Using a target size (torch.Size([3])) that is different to the input size (torch.Size([3, 4])) is "
               "deprecated. Please ensure they have the same size.")
NO_REDUCTION = value_error("most is not a valid value for reduction", V, W, reduction="most")
NO_WEIGHT_GRADIENT = "The function '{}' is not differentiable with respect to argument '{}'"
TOO_WIDE = "output with shape [3] doesn't match the broadcast shape [2, 3]"
LOGITS = (0.0, -0.0, 1e-9, 0.3, -0.7, 2.0, -3.1, 9.9, -20.0, 40.0, -40.0, 100.5, -100.5, 700.0, -700.0)
LOGIT_POINTS = tuple(product(LOGITS, (0.0, 0.2, 1.0)))
BENT_POINTS = (*PAIRS, (0.3, 0.2), (-0.3, 0.2), (1e-9, 2e-9), (2.0, 0.6), (1e-200, 0.0), (1e200, -1e200), (0.7, -0.74))
LIKELIHOODS = tuple(product((-1e-9, -0.3, -2.5, -40.0, -700.0), (1e-300, 1e-9, 0.2, 0.9999, 1.0)))


def functional(name, **options):
    """An elementwise loss, unreduced."""
    def call(ac, *tensors):
        return getattr(ac.nn.functional, name)(*tensors, reduction="none", **options)
    return call


def unreduced(name, mpf, points, label="none", **options):
    return Formula(mpf, points, label, functional(name, **options))


def weighted_logits(ac, x, t):
    return ac.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none", pos_weight=ac.tensor(3.0))


def loss(name, reference, node, samples, **more):
    """A function of nn.functional."""
    return op(name, reference, node, samples, path="nn.functional", method=False, **more)


CLASSES, TARGETS, CLASS_WEIGHT = T(3, 5), L(1, 0, 4), T(5, constant=True)
PLANES, PLANE_TARGETS = T(2, 5, 3, 2), L([[0, 4], [1, 1], [3, 2]], [[2, 2], [0, 0], [4, 1]])
SHEETS, SHEET_TARGETS = T(2, 5, 3), L([0, 4, 1], [2, 2, 3])
BLOCKS, BLOCK_TARGETS = T(2, 3, 2, 1, 2), L([[[0, 1]], [[2, 2]]], [[[1, 0]], [[0, 2]]])
INDEX_SAMPLES = [S(x, t, reduction=reduction) for reduction in REDUCTION_NAMES for x, t in
                 ((CLASSES, TARGETS), (T(5), L(2).reshape(())), (PLANES, PLANE_TARGETS), (SHEETS, SHEET_TARGETS),
                  (BLOCKS, BLOCK_TARGETS))]
INDEX_SAMPLES += [S(CLASSES, TARGETS, CLASS_WEIGHT, reduction=reduction) for reduction in REDUCTION_NAMES]
INDEX_SAMPLES += [
    S(PLANES, PLANE_TARGETS, CLASS_WEIGHT), S(CLASSES, TARGETS, ignore_index=0),
    S(CLASSES, L(1, -100, 4), CLASS_WEIGHT), S(PLANES, PLANE_TARGETS, CLASS_WEIGHT, ignore_index=1),
    S(CLASSES, L(1, 77, 4), ignore_index=77, reduction="none"), S(T(1, 5), L(3)),
    S(T(0, 5), np.zeros(0, np.int64), reduction="sum"), S(T(0, 5, 2), np.zeros((0, 2), np.int64), reduction="none")]
EMPTY_MEAN = S(T(0, 5), np.zeros(0, np.int64))


def class_nodes(flat, samples):
    """The samples with the node of their number of dimensions and reduction."""
    for sample in samples:
        ndim = len(sample.args[0].shape)
        unreduced = sample.kwargs.get("reduction") == "none" and ndim in (3, 5)
        yield sample.records("ViewBackward0" if unreduced else flat if ndim < 3 else "NllLoss2DBackward0")


CLASS_ERRORS = (
    index_error("Target 5 is out of bounds.", CLASSES, L(1, 5, 0)),
    index_error("Target -1 is out of bounds.", CLASSES, L(1, -1, 0)),
    index_error("Target 7 is out of bounds.", T(5), L(7).reshape(())),
    index_error("Target 5 is out of bounds.", SHEETS, L([0, 5, 1], [2, 2, 7])),
    value_error("Expected input batch_size (3) to match target batch_size (2).", CLASSES, L(0, 1)),
    value_error("Expected input batch_size (3) to match target batch_size (0).", CLASSES, L(1).reshape(())),
    value_error("For 1D input, 1D target must have size 1, but got target size: 3", T(5), L(0, 1, 2)),
    runtime_error("0D or 1D target tensor expected, multi-target not supported", CLASSES, L([0], [1], [2])),
    runtime_error("expected target dtype to be Long or Byte, but got Double", CLASSES, V),
    runtime_error("Expected target size [2, 3], got [2, 2]", SHEETS, L([0, 4], [1, 2])),
    runtime_error("only batches of spatial targets supported (3D tensors) but got targets of dimension: 2",
                  PLANES, SHEET_TARGETS),
    runtime_error("size mismatch (got input: [2, 5, 3, 2] , target: [2, 1, 3]", PLANES, L([[0, 1, 2]], [[0, 1, 2]])),
    runtime_error("weight tensor should be defined either for all 5 classes or no classes but got weight tensor of "
                  "shape: [4]", CLASSES, TARGETS, T(4, constant=True)),
    runtime_error("weight tensor should be defined either for all or no classes", PLANES, PLANE_TARGETS,
                  T(4, constant=True)),
    runtime_error("expected scalar type Double but found Long", CLASSES, TARGETS, L(1, 1, 1, 1, 1)),
    runtime_error(NO_WEIGHT_GRADIENT.format("nll_loss_forward", "weight"), CLASSES, TARGETS, T(5)),
    runtime_error(NO_WEIGHT_GRADIENT.format("nll_loss2d_forward", "weight"), PLANES, PLANE_TARGETS, T(5)),
    value_error("most is not a valid value for reduction", CLASSES, TARGETS, reduction="most"),
)
SHARES = T(3, 5, of=UNIT)
SMOOTHED = [S(CLASSES, TARGETS, label_smoothing=0.2, reduction=reduction) for reduction in REDUCTION_NAMES]
SMOOTHED += [S(CLASSES, L(1, -100, 4), CLASS_WEIGHT, label_smoothing=0.2, reduction=reduction)
             for reduction in REDUCTION_NAMES]
SMOOTHED += [S(PLANES, PLANE_TARGETS, CLASS_WEIGHT, label_smoothing=1.0), S(T(5), L(2).reshape(()), label_smoothing=0.1),
             S(SHEETS, SHEET_TARGETS, ignore_index=2, label_smoothing=0.1)]
LOSSES = (
    loss("binary_cross_entropy", ref.bce, "BinaryCrossEntropyBackward0",
         [*REDUCED, *WEIGHTED, S(A, B), S(X, Y, WEIGHTS), S(X, Y, weight=T(4, constant=True), reduction="none"),
          S(EMPTY, T(0)), S(V, V)],
         domain=UNIT,
         formulas=[Formula(ref.mp_bce, BCE_POINTS, "none", functional("binary_cross_entropy"),
                           second_atol=1e-4,  # (1 - t) / (1 - p)**2 is what 1e11 - 1e11 leaves
                           torch_second="torch adds 1e-12 to a denominator")],
         errors=[runtime_error(OUTSIDE, L(1.5, 0.5), L(1.0, 0.0)), runtime_error(OUTSIDE, L(-0.5, 0.5), L(1.0, 0.0)),
                 runtime_error("all elements of target should be between 0 and 1", L(0.5), L(1.5)),
                 runtime_error("Found dtype Long but expected Double", L(0.5, 0.5), L(1, 0)),
                 runtime_error("Found dtype Double but expected Long", L(1, 0), L(0.5, 0.5)),
                 runtime_error(TOO_WIDE, V, W, T(2, 3, constant=True)),
                 runtime_error("Attempting to broadcast a dimension of length 4 at -1! Mismatching argument at index 1 "
                               "had torch.Size([4]); but expected shape should be broadcastable to [3]",
                               V, W, T(4, constant=True)),
                 runtime_error(NO_WEIGHT_GRADIENT.format("binary_cross_entropy", "weight"), V, W, T(3)),
                 value_error(TARGET_SIZE, X, V), NO_REDUCTION]),
    method("BCELoss", ref.bce, "BinaryCrossEntropyBackward0", REDUCED, domain=UNIT,
           call=lambda ac, p, t, **kw: ac.nn.BCELoss(**kw)(p, t)),
    loss("binary_cross_entropy_with_logits", ref.bce_logits, "BinaryCrossEntropyWithLogitsBackward0",
         [*REDUCED, *WEIGHTED, S(A, B), S(X, Y, T(4, constant=True)), S(EMPTY, T(0)), S(V, V),
          *(S(X, Y, pos_weight=T(4, constant=True), reduction=reduction) for reduction in REDUCTION_NAMES),
          S(X, Y, WEIGHTS, pos_weight=T(constant=True)), S(X, Y, pos_weight=T(3, 1, constant=True))],
         formulas=[Formula(ref.mp_bce_logits, LOGIT_POINTS, "none", functional("binary_cross_entropy_with_logits"),
                           second_atol=1e-15),  # the derivative of the sigmoid saturates
                   Formula(lambda x, t: ref.mp_bce_logits(x, t, 3), LOGIT_POINTS, "pos_weight", weighted_logits,
                           second_atol=1e-14)],
         errors=[value_error("Target size (torch.Size([3])) must be the same as input size (torch.Size([3, 4]))", X, V),
                 runtime_error(TOO_WIDE, V, W, T(2, 3, constant=True)),
                 runtime_error(TOO_WIDE, V, W, pos_weight=T(2, 3, constant=True)),
                 runtime_error(MISMATCH + "0", V, W, pos_weight=T(4, constant=True)),
                 runtime_error(NO_WEIGHT_GRADIENT.format("binary_cross_entropy_with_logits", "weight"), V, W, T(3)),
                 runtime_error(NO_WEIGHT_GRADIENT.format("binary_cross_entropy_with_logits", "pos_weight"),
                               V, W, pos_weight=T(3)),
                 bad(NotImplementedError, "\"log_sigmoid_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 runtime_error("result type Double can't be cast to the desired output type Long", V, L(1, 0, 1)),
                 NO_REDUCTION]),
    loss("mse_loss", ref.mse, "MseLossBackward0",
         [*REDUCED, S(A, B), S(EMPTY, T(0)), S(V, V),
          *(s.records(node) for s, node in zip(WEIGHTED, ("DivBackward0", "SumBackward0", "MulBackward0"),
                                               strict=True))],
         formulas=[unreduced("mse_loss", lambda x, y: (x - y) ** 2, PAIRS)],
         errors=[bad(NotImplementedError, "\"mse_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 value_error("Weights and input must have the same size.", V, W, weight=A), NO_REDUCTION]),
    loss("l1_loss", ref.l1, "MeanBackward0",
         [S(X, Y), S(A, B), S(EMPTY, T(0)), S(X, Y, reduction="sum").records("SumBackward0"),
          S(X, Y, reduction="none").records("AbsBackward0"),
          *(s.records(node) for s, node in zip(WEIGHTED, ("DivBackward0", "SumBackward0", "MulBackward0"),
                                               strict=True)),
          S(X, Y, weight=T(3, 4)).records("DivBackward0")],
         formulas=[unreduced("l1_loss", lambda x, y: mp.fabs(x - y), BENT_POINTS)],
         errors=[value_error("Weights and input must have the same size.", V, W, weight=A), NO_REDUCTION]),
    loss("smooth_l1_loss", ref.smooth_l1, "SmoothL1LossBackward0",
         [*REDUCED, S(A, B), S(EMPTY, T(0)), S(V, V), S(X, Y, beta=0.5), S(X, Y, beta=2, reduction="none"),
          S(X, Y, beta=0.0).records("MeanBackward0")],
         formulas=[Formula(lambda x, y, b=b: ref.mp_smooth_l1(x, y, b), BENT_POINTS, str(b),
                           functional("smooth_l1_loss", beta=b)) for b in (1.0, 0.01, 1e9)],
         errors=[runtime_error("smooth_l1_loss does not support negative values for beta.", V, W, beta=-1.0),
                 type_error("smooth_l1_loss(): argument 'beta' (position 4) must be float, not str", V, W, beta="a"),
                 bad(NotImplementedError, "\"smooth_l1_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 NO_REDUCTION]),
    loss("huber_loss", ref.huber, "HuberLossBackward0",
         [*REDUCED, S(A, B), S(EMPTY, T(0)), S(V, V), S(X, Y, delta=0.5), S(X, Y, delta=2, reduction="none"),
          *(s.records(node) for s, node in zip(WEIGHTED, ("MeanBackward0", "SumBackward0", "MulBackward0"),
                                               strict=True))],
         formulas=[Formula(lambda x, y, d=d: ref.mp_huber(x, y, d), BENT_POINTS, str(d),
                           functional("huber_loss", delta=d)) for d in (1.0, 0.01, 1e9)],
         errors=[runtime_error("huber_loss does not support non-positive values for delta.", V, W, delta=0.0),
                 type_error("huber_loss(): argument 'delta' (position 4) must be float, not str", V, W, delta="a"),
                 value_error("Weights and input must have the same size.", V, W, weight=A),
                 value_error("Invalid reduction mode: most. Expected one of 'none', 'mean', 'sum'.", V, W, weight=V,
                             reduction="most"),
                 bad(NotImplementedError, "\"huber_cpu\" not implemented for 'Long'", L(1, 0), L(1, 0)),
                 NO_REDUCTION]),
    loss("nll_loss", ref.nll, "NllLossBackward0", class_nodes("NllLossBackward0", [*INDEX_SAMPLES, EMPTY_MEAN]),
         linear=True,
         errors=[*CLASS_ERRORS, type_error(not_tensor("nll_loss_nd", 2.5), 2.5, TARGETS),
                 value_error("Expected 1 or more dimensions (got 0)", A, L(0).reshape(())),
                 type_error("nll_loss_nd(): argument 'ignore_index' (position 5) must be int, not float",
                            CLASSES, TARGETS, ignore_index=1.5),
                 bad(NotImplementedError, "\"nll_loss_out_frame\" not implemented for 'Long'", L([1, 2]), L(0))]),
    loss("cross_entropy", ref.cross_entropy, "NllLossBackward0",
         [*class_nodes("NllLossBackward0", [*INDEX_SAMPLES, EMPTY_MEAN]),
          *(s.records("AddBackward0") for s in SMOOTHED)],
         errors=[*CLASS_ERRORS,
                 runtime_error("label_smoothing must be between 0.0 and 1.0. Got: 1.5", CLASSES, TARGETS,
                               label_smoothing=1.5),
                 type_error("cross_entropy_loss(): argument 'label_smoothing' (position 6) must be float, not str",
                            CLASSES, TARGETS, label_smoothing="a")]),
    loss("cross_entropy:probabilities", ref.cross_entropy_of, "DivBackward1",
         [S(CLASSES, SHARES), S(T(5), T(5, of=UNIT)), S(SHEETS, T(2, 5, 3, of=UNIT), label_smoothing=0.3),
          S(CLASSES, SHARES, CLASS_WEIGHT), S(CLASSES, SHARES, T(5)), S(PLANES, T(2, 5, 3, 2, of=UNIT), CLASS_WEIGHT),
          *records("NegBackward0", S(CLASSES, SHARES, reduction="sum"), S(CLASSES, SHARES, reduction="none"),
                   S(SHEETS, T(2, 5, 3, of=UNIT), CLASS_WEIGHT, reduction="none", label_smoothing=1.0))],
         errors=[runtime_error("Expected floating point type for target with class probabilities, got Long",
                               T(2), L(0, 1)),
                 runtime_error("ignore_index is not supported for floating point target", CLASSES, SHARES,
                               ignore_index=1),
                 runtime_error("cross_entropy: weight tensor should be defined either for all 5 classes or no classes "
                               "but got weight tensor of shape: [4]", CLASSES, SHARES, T(4))]),
    loss("kl_div", ref.kl_div, "SubBackward0",
         [*records("DivBackward0", S(X, T(3, 4, of=UNIT), reduction="batchmean"),
                   S(X, Y, reduction="batchmean", log_target=True)),
          *records("SumBackward0", S(X, T(3, 4, of=UNIT), reduction="sum"), S(A, T(of=UNIT), reduction="batchmean")),
          S(X, T(3, 4, of=UNIT), reduction="none"), S(X, T(4, of=UNIT), reduction="none"),
          S(X, Y, reduction="none", log_target=True).records("MulBackward0")],
         formulas=[unreduced("kl_div", lambda x, t: t * (mp.log(t) - x), LIKELIHOODS),
                   unreduced("kl_div", lambda x, t: mp.exp(t) * (t - x), tuple(product(LOGITS[:9], (-700.0, -0.3, 0.1))),
                               "log_target", log_target=True)],
         errors=[runtime_error("kl_div: Integral inputs not supported.", V, L(1, 0, 1), reduction="sum"),
                 value_error("most is not a valid value for reduction", V, W, reduction="most")]),
)
