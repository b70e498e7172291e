"""What nodes show of the operation that they recorded: `_saved_*`, for each row of cases/ as torch has it."""

import numpy as np
import pytest
from cases import CASES
from module import IS_TORCH, ac
from runs import Run, has_gradient
from support import SECOND_BACKWARD, leaf, raises

# What a node does not have here, though torch's does: (node, attribute).  The reasons:
ABSENT = {
    *[
        # A multiple of an operand is a node of its own.
        (name, "alpha")
        for name in ("AddBackward0", "SubBackward0", "RsubBackward0", "RsubBackward1")
    ],
    *[
        # Sizes and strides of what the derivative does not read.
        (name, f"{operand}_sym_{what}")
        for name, operands in (("MmBackward0", ("self", "mat2")), ("AddmmBackward0", ("mat1", "mat2")))
        for operand in operands
        for what in ("sizes", "strides")
    ],
    # What the derivative does without.
    ("AsStridedBackward0", "stride"),
    ("AsStridedBackward0", "storage_offset"),
    ("GatherBackward0", "self"),
    ("IndexAddBackward0", "source"),
    ("LinalgSvdBackward0", "S_sym_argsize_minus_1"),
    ("LogSigmoidBackward0", "buffer"),
    ("NllLoss2DBackward0", "total_weight"),
    ("NllLossBackward0", "total_weight"),
    ("PowBackward1", "result"),
    ("PowBackward2", "result"),
    ("ProdBackward0", "result"),
    ("ProdBackward1", "result"),
    ("SplitBackward0", "split_size"),
    ("SqueezeBackward1", "dim"),
    ("SqueezeBackward2", "dim"),
    ("SqueezeBackward4", "dim"),
}


def signed(value):
    """torch shows a negative dimension as an unsigned number."""
    if isinstance(value, tuple):
        return tuple(signed(v) for v in value)
    return value - 2**64 if isinstance(value, int) and not isinstance(value, bool) and value >= 2**63 else value


def same_argument(name, ours, theirs, ndim, size):
    """Whether they say the same.

    A dimension is counted from the front here, and dimensions are in order; so is an index or an end of a slice of a
    dimension of this size, and no end is beyond it.
    """
    theirs = signed(theirs)
    if name in ("dim", "dim0", "dim1", "dim2", "dims", "dimension"):
        if not isinstance(theirs, tuple):
            return theirs is None or ours == theirs or ours == theirs + max(ndim, 1)
        if name == "dims":  # of a permutation
            return ours == tuple(d % len(theirs) for d in theirs)
        return not theirs or sorted(ours) == sorted(d % max(ndim, 1) for d in theirs)
    if name in ("index", "start", "end"):
        return ours == min(theirs + size if theirs < 0 else theirs, size)
    if name == "indices":
        return [i is None for i in ours] == [i is None for i in theirs]
    return ours == theirs


@pytest.mark.skipif(IS_TORCH, reason="compares with torch")
@pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in CASES if has_gradient(c)])
def test_as_torch_has_them(case):
    torch = pytest.importorskip("torch")
    for sample in case.samples:
        plain = sample.draw(case)
        try:
            theirs = Run(torch, case, plain)
        except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError):
            continue  # what torch refuses; test_ops.py looks at that
        ours = Run(ac, case, plain)
        for a, b in zip(ours.outputs, theirs.outputs, strict=True):
            if a.grad_fn is None or b.grad_fn is None or a.grad_fn.name() != b.grad_fn.name():
                continue
            node, name = a.grad_fn, a.grad_fn.name()
            sizes = getattr(b.grad_fn, "_saved_self_sym_sizes", tuple(ours.leaves[0].shape))
            ndim = len(sizes) + (name in ("StackBackward0", "UnsqueezeBackward0"))
            size = sizes[node._saved_dim] if name in ("SelectBackward0", "SliceBackward0") else None
            for attribute in dir(b.grad_fn):
                word = attribute.removeprefix("_saved_")
                if word == attribute or (name, word) in ABSENT:
                    continue
                assert attribute in dir(node), (name, attribute)
                value, expected = getattr(node, attribute), getattr(b.grad_fn, attribute)
                if isinstance(expected, torch.Tensor) or expected is None:
                    continue  # tensors: below, and in test_saved_tensors.py
                assert same_argument(word, value, expected, ndim, size), (name, attribute, sample, value, expected)


def test_absent_ones_are_absent():
    """The list above holds what is missing, and nothing else."""
    if IS_TORCH:
        pytest.skip("of ours")
    from autograd_c.autograd._node_attributes import ARGUMENTS, SAVED

    for name, word in ABSENT:
        assert word not in ARGUMENTS.get(name, {}), (name, word)
        assert word not in SAVED.get(name, {}), (name, word)


@pytest.mark.parametrize(
    ("operation", "attributes"),
    [
        (lambda x: x.sum(1), {"dim": (1,), "keepdim": False, "self_sym_sizes": (2, 3)}),
        (lambda x: x.mean(), {"self_sym_numel": 6, "self_sym_sizes": (2, 3)}),
        (lambda x: x**3, {"exponent": 3}),
        (lambda x: x.clamp(min=1.0), {"min": 1.0, "max": None}),
        (lambda x: x.expand(2, 2, 3).permute(1, 2, 0), {"dims": (1, 2, 0)}),
        (lambda x: x.transpose(0, 1), {"dim0": 0, "dim1": 1}),
        (lambda x: x[1], {"dim": 0, "index": 1, "self_sym_sizes": (2, 3)}),
        (lambda x: x.view(6), {"self_sym_sizes": (2, 3)}),
        (lambda x: x.std(0, correction=0), {"dim": (0,), "keepdim": False, "correction": 0}),
        (lambda x: x.split([1, 2], 1)[1], {"dim": 1, "split_sizes": (1, 2), "self_sym_sizes": (2, 3)}),
        (lambda x: ac.nn.functional.softplus(x, 2.0), {"beta": 2.0, "threshold": 20}),
        (lambda x: ac.div(x, 2.0, rounding_mode="floor"), {"rounding_mode": "floor"}),
        (lambda x: ac.div(x, 2.0, rounding_mode="trunc"), {"rounding_mode": "trunc"}),
        (lambda x: ac.nn.functional.gelu(x), {"approximate": "none"}),
        (lambda x: ac.nn.functional.gelu(x, approximate="tanh"), {"approximate": "tanh"}),
        (
            lambda x: ac.nn.functional.nll_loss(x, ac.tensor([0, 2]), ignore_index=2),
            {"reduction": 1, "ignore_index": 2},
        ),
    ],
)
def test_values(operation, attributes):
    node = operation(leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).grad_fn
    for name, value in attributes.items():
        assert getattr(node, f"_saved_{name}") == value
        assert f"_saved_{name}" in dir(node)
        with pytest.raises(AttributeError):
            getattr(node, f"_raw_saved_{name}")


def test_indices():
    x = leaf(np.arange(12.0).reshape(3, 4))
    y = x[:, ac.tensor([0, 2])]
    first, second = y.grad_fn._saved_indices
    assert first is None
    assert second.tolist() == [0, 2]
    y.sum().backward()
    assert y.grad_fn._saved_self_sym_sizes == (3, 4)  # no tensor, so it stays
    with raises(RuntimeError, SECOND_BACKWARD):
        y.grad_fn._saved_indices  # noqa: B018
