"""Every row of cases/ in other surroundings: on any layout, on other dtypes, in place, as an operator.

What an op computes is judged in test_ops.py; here, that it does the same elsewhere, and is refused where torch's is.
"""

import itertools
import operator
import re

import numpy as np
import pytest
from cases import CASES
from module import (
    IS_TORCH,
    Inputs,
    Raised,
    ac,
    arrays,
    assert_all_same,
    assert_same,
    assert_same_outcome,
    fixed_cotangent,
    geometry,
    map_leaves,
    outcome,
    to_numpy,
    vjp,
)
from rows import S, T
from runs import (
    GRADIENTS,
    LAYOUTS,
    VALUES,
    Run,
    floats_in,
    has_gradient,
    jvp,
    lay_out,
    like_torch,
    ops,
    replaced,
    rows,
    torch_lacks_forward_mode,
    without_grad,
)

# ------------------------------------------------------------------ layouts
SELF_OVERLAP = "unsupported operation: more than one element of the written-to tensor refers to a single memory"


def constant_rows(array):
    """The array with its first column everywhere: what can be laid out as an expanded tensor."""
    return np.broadcast_to(array[..., :1], array.shape).copy() if array.ndim and array.size else array


@rows(lambda case: not case.layout_matters, inputs=1)
def test_layouts(case, sample):
    """The strides of the inputs change neither values nor gradients."""
    plain = sample.draw(case)
    rows_alike = replaced(plain, lambda a, i: constant_rows(a))
    can_expand = all(a.ndim and a.size for a in floats_in(plain))
    exact = case.elementwise and not IS_TORCH
    for data, layouts in ((plain, LAYOUTS), (rows_alike, ("expanded",) if can_expand else ())):
        expected = Run(ac, case, data)
        gradients = arrays(expected.gradients()) if has_gradient(case) else None
        for layout in layouts:
            actual = Run(ac, case, data, lambda a, i, how=layout: lay_out(ac, a, how, requires_grad=True))
            assert_all_same(actual.values(), expected.values(), **({} if exact else VALUES), what=layout)
            if gradients is not None:
                assert_all_same(arrays(actual.gradients()), gradients, **GRADIENTS, what=layout)


@rows(lambda case: case.view is not False or case.layout_matters)
def test_layouts_like_torch(case, sample, torch):
    """Views of views: the same strides as torch's, the same refusals."""

    def look(module, layout):
        run = Run(module, case, sample.draw(case), lambda a, i: lay_out(module, a, layout, requires_grad=True))
        return (
            run.values() + [geometry(o) for o in run.outputs] + (arrays(run.gradients()) if has_gradient(case) else [])
        )

    for layout in LAYOUTS:
        actual, expected = (outcome(lambda m=module: look(m, layout)) for module in (ac, torch))
        assert_same_outcome(actual, expected, **GRADIENTS, what=layout)


def overlaps(array):
    """Whether two elements are one in memory."""
    if not array.size:
        return False
    offsets = sum(np.ix_(*(np.arange(n) * stride for n, stride in zip(array.shape, array.strides, strict=True))), 0)
    return len(np.unique(offsets)) < array.size


@rows(lambda case: case.view is True)
def test_view_shares_memory(case, sample):
    """A write through the view is seen in its base, and counted in the version they share."""
    run = Run(ac, case, sample.draw(case), without_grad(ac))
    base = run.inputs.args[0]
    if not base.numel():
        return
    for output in run.outputs:
        if output.numel() and not overlaps(to_numpy(output)):
            before = base._version
            output.fill_(41.5)
            assert np.shares_memory(to_numpy(output), to_numpy(base))
            assert (to_numpy(base) == 41.5).sum() >= 1
            assert output._version == base._version == before + 1
            base.fill_(0.5)
            assert (to_numpy(output) == 0.5).all()


@rows(lambda case: case.view is True)
def test_inplace_through_a_view_like_torch(case, sample, torch):
    """An in-place op on a view is recorded in its base, or refused, as in torch.

    Except that elements which windows share are written several times by torch, each time to what is there by then;
    its documentation calls that incorrect, and it is refused here.
    """

    def write(module):
        leaf = []

        def make(array, index):
            leaf.append(module.tensor(array).requires_grad_())
            return leaf[-1] * 2.0

        run = Run(module, case, sample.draw(case), make)
        run.outputs[0].mul_(3.0)
        base = run.inputs.args[0]
        nodes = [type(t.grad_fn).__name__ for t in (base, run.outputs[0])]
        results = [to_numpy(base), *run.values(), *vjp(module, [base, *run.outputs], leaf)]
        return results + [np.array([ord(c) for c in "/".join(nodes)])]

    actual, expected = outcome(lambda: write(ac)), outcome(lambda: write(torch))
    if isinstance(actual, Raised) and not isinstance(expected, Raised):
        assert actual.message.startswith(SELF_OVERLAP)
        output = Run(ac, case, sample.draw(case)).outputs[0]
        assert overlaps(to_numpy(output))
        assert 0 not in geometry(output)[: output.ndim][np.array(output.shape) > 1]  # torch refuses those too
        return
    assert_same_outcome(actual, expected, **GRADIENTS)


# ------------------------------------------------------------------ dtypes
def retyped(plain, kinds, case):
    """The plain inputs, the index-th float array of the kind f(loat), i(nt) or b(ool), as the op is defined for."""

    def change(array, index):
        if kinds[index] == "f":
            return array
        rng = np.random.default_rng(index)
        ints = np.asarray(case.domain.ints(rng, array.shape)) if hasattr(case.domain, "ints") else array
        return ints.astype(np.int64) if kinds[index] == "i" else ints % 2 == 1

    return replaced(plain, change)


@rows()
def test_dtypes_like_torch(case, sample, torch):
    """int64 and bool inputs: torch's promotion, values and refusals; also of the in-place variant."""
    plain = sample.draw(case)
    number = len(floats_in(plain))
    combinations = itertools.product("fib", repeat=number) if number <= 2 else ["i" * number, "b" * number]
    for kinds in combinations:
        typed = retyped(plain, kinds, case)
        expected = outcome(lambda: Run(torch, case, typed, without_grad(torch)).outputs)
        actual = outcome(lambda: Run(ac, case, typed, without_grad(ac)).outputs)
        assert_same_promotion(actual, expected, typed, f"dtypes {kinds}", like_torch(case, VALUES))
        if case.inplace and number:
            expected = outcome(lambda: run_inplace(torch, case, typed))
            actual = outcome(lambda: run_inplace(ac, case, typed))
            assert_same_promotion(actual, expected, typed, f"in place, {kinds}", like_torch(case, VALUES))


# What a product of stacks says of dtypes tells which of its products torch made of it, and is of either type.
PRODUCT = r"expected scalar type|addmv input tensors|expected m1 and m2|\"(bmm|addm[mv]_impl_cpu_?)\" not implemented"


def assert_same_promotion(actual, expected, plain, what, tolerances=VALUES):
    """The same values and dtypes, or the same error."""
    flat = []
    map_leaves(plain, lambda value: flat.append(value) if isinstance(value, np.ndarray) else None)
    if isinstance(actual, Raised) and isinstance(expected, Raised) and re.search(PRODUCT, expected.message):
        types = [raised.type.replace("NotImplemented", "Runtime") for raised in (actual, expected)]
        assert types[0] == types[1], f"{what}: {actual}, expected {expected}"
    elif isinstance(actual, Raised) and re.search(PRODUCT, actual.message) and any(array.size == 0 for array in flat):
        return  # torch forgets to check dtypes where there is nothing to compute
    else:
        assert_same_outcome(actual, expected, **tolerances, what=what)


def run_inplace(module, case, plain):
    inputs = Inputs(module, *plain, without_grad(module))
    return getattr(inputs.args[0], case.op + "_")(*inputs.args[1:], **inputs.kwargs)


# ------------------------------------------------------------------ in place
@rows(lambda case: case.inplace)
def test_inplace(case, sample):
    """``x.op_(...)`` is ``x.op(...)`` in x's memory: values, gradients, node, one version more, x itself returned."""
    plain = sample.draw(case)
    apart = Run(ac, case, plain)
    target_shape = tuple(apart.inputs.args[0].shape) if isinstance(apart.inputs.args[0], ac.Tensor) else None
    inputs = Inputs(ac, *plain)
    target = inputs.args[0].clone()
    memory = to_numpy(target)
    rest = [target if arg is inputs.args[0] else arg for arg in inputs.args[1:]]
    change = getattr(target, case.op + "_")
    if target_shape != tuple(apart.outputs[0].shape):
        before = memory.copy()
        with pytest.raises(RuntimeError, match=r"output with shape .* doesn't match the broadcast shape"):
            change(*rest, **inputs.kwargs)
        assert_same(to_numpy(target), before)
        assert target._version == 0
        return
    if any(arg is target for arg in rest):
        return  # x.mul_(x) differentiates at values that are gone; test_edges.py has its cases
    result = change(*rest, **inputs.kwargs)
    assert result is target
    assert np.may_share_memory(to_numpy(target), memory) or not memory.size
    assert target._version == 1
    assert_same(to_numpy(target), apart.values()[0])
    if has_gradient(case):
        assert type(target.grad_fn).__name__ == type(apart.outputs[0].grad_fn).__name__
        assert_all_same(arrays(vjp(ac, [target], inputs.leaves)), arrays(apart.gradients()), rtol=1e-14, atol=1e-300)


@ops(lambda case: case.inplace)
def test_inplace_on_a_leaf(case):
    inputs = Inputs(ac, *case.samples[0].draw(case))
    target = inputs.args[0]
    before = to_numpy(target).copy()
    message = "a leaf Variable that requires grad is being used in an in-place operation"
    with pytest.raises(RuntimeError, match=message):
        getattr(target, case.op + "_")(*inputs.args[1:], **inputs.kwargs)
    assert_same(to_numpy(target), before)
    assert target._version == 0


@rows(lambda case: case.inplace)
def test_inplace_forward_mode(case, sample):
    """The in-place variant carries tangents as the other does."""
    plain = sample.draw(case)
    whole = outcome(lambda: jvp(ac, case, plain))
    forward_ad = ac.autograd.forward_ad
    if torch_lacks_forward_mode(whole):
        return
    with forward_ad.dual_level():

        def make(array, index):
            tangent = ac.tensor(fixed_cotangent(array.shape, 50 + index))
            return forward_ad.make_dual(ac.tensor(array), tangent)

        inputs = Inputs(ac, *plain, make)
        if tuple(inputs.args[0].shape) != whole[0].shape or any(a is inputs.args[0] for a in inputs.args[1:]):
            return
        result = forward_ad.unpack_dual(getattr(inputs.args[0], case.op + "_")(*inputs.args[1:], **inputs.kwargs))
        assert_same(to_numpy(result.primal), whole[0])
        np.testing.assert_allclose(to_numpy(result.tangent), 0.0 if whole[1] is None else whole[1], rtol=1e-12)


# ------------------------------------------------------------------ operators
COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.floordiv, operator.mod)
LOGIC = (operator.and_, operator.or_, operator.xor)
INPLACE = (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow)


def operands():
    """Both sides of an operator: tensors of every dtype and shape, and numbers on either side."""
    floats, ints, bools = T(3), np.array([2, -1, 3]), np.array([True, False, True])
    tensors = (floats, ints, bools, T(2, 3), T())
    numbers = (2.5, 3, True)
    yield from ((a, b) for a, b in itertools.product(tensors, tensors) if a is not b)
    yield from itertools.product(tensors, numbers)
    yield from itertools.product(numbers, tensors)


# Torch's derivative of a**b fails where the number a is True, and subtracts 1 from b where that is a tensor of bools.
FAILING_POWER = "INTERNAL ASSERT|with a bool tensor"


@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISONS, *LOGIC, *INPLACE, operator.matmul])
def test_operator_like_torch(op, torch):
    """Python's operators, numbers on either side: values, dtypes, nodes, gradients and errors."""
    case = CASES[0]
    for a, b in operands():
        bools = [v for v in (a, b) if np.asarray(v).dtype == bool]
        if bools and op in (operator.floordiv, operator.mod):
            continue  # division by False

        def run(module, a=a, b=b):
            inputs = Inputs(module, *S(a, b).draw(case), lambda x, i: module.tensor(abs(x)).requires_grad_())
            left, right = inputs.args
            result = op(left.clone() if op in INPLACE and isinstance(left, module.Tensor) else left, right)
            node = type(result.grad_fn).__name__
            has_one = result.requires_grad and op is not operator.floordiv
            gradients = vjp(module, [result], inputs.leaves) if has_one else []
            return [result, *gradients, *([np.array([ord(c) for c in node])] if has_one else [])]

        actual, expected = outcome(lambda: run(ac)), outcome(lambda: run(torch))
        if isinstance(expected, Raised) and expected.message.startswith("derivative for"):
            continue  # of number % tensor, which torch does not differentiate
        power = op in (operator.pow, operator.ipow)
        if power and isinstance(expected, Raised) and re.search(FAILING_POWER, expected.message):
            assert IS_TORCH or not isinstance(actual, Raised)
            continue
        assert_same_outcome(actual, expected, **GRADIENTS, what=f"{a} {op} {b}")


@pytest.mark.parametrize("op", [operator.neg, operator.pos, operator.abs, operator.invert])
def test_unary_operator_like_torch(op, torch):
    for array in (np.array([1.5, -2.0]), np.array([2, -3]), np.array([True, False]), np.array(-1.5)):

        def run(module, array=array):
            inputs = Inputs(module, (array,), {})
            result = op(inputs.args[0])
            return [result, *(vjp(module, [result], inputs.leaves) if inputs.leaves else [])]

        assert_same_outcome(outcome(lambda: run(ac)), outcome(lambda: run(torch)), **GRADIENTS)
