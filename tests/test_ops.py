"""Every row of cases/, through everything an op must do.

Values are judged by numpy, gradients by finite differences of the values (elementwise ones by mpmath, in
test_derivatives.py), and both by torch where it is installed; never by a re-derived formula.
"""

import gc
import itertools
import re
import weakref

import numpy as np
import pytest
from cases import CASES
from module import (
    IS_TORCH,
    OWN_WORDS,
    Inputs,
    Raised,
    ac,
    arrays,
    assert_all_same,
    assert_same,
    assert_same_outcome,
    bits,
    differentiable,
    fixed_cotangent,
    geometry,
    map_leaves,
    outcome,
    tensors_in,
    to_numpy,
    vjp,
)
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

DIFFERENCES = dict(rtol=2e-7, atol=2e-8)  # finite differences


# ------------------------------------------------------------------ the table itself
ours = pytest.mark.skipif(IS_TORCH, reason="torch has no registry of its ops, nor a docstring for each")


@ours
def test_every_op_has_a_row():
    """An op without a row is an op without tests."""
    tested = {case.op.removesuffix("_") for case in CASES} | {name for name, _, _ in ANSWERS}
    assert {name for name in ac._core.__ops__ if name.removesuffix("_") not in tested} == set()


# What an op that returns no tensor answers.
ANSWERS = [
    ("numel", np.zeros((2, 3)), 6),
    ("numel", np.zeros((2, 0)), 0),
    ("numel", np.array(1), 1),
    ("is_floating_point", np.array(1.5), True),
    ("is_floating_point", np.array([1, 2]), False),
    ("is_floating_point", np.array([True]), False),
]


@pytest.mark.parametrize(("name", "array", "expected"), ANSWERS)
def test_answer(name, array, expected):
    tensor = ac.tensor(array)
    for answer in (getattr(ac, name)(tensor), getattr(tensor, name)()):
        assert answer == expected
        assert type(answer) is type(expected)


@ours
@ops(lambda case: case.function)
def test_docstring(case):
    assert case.public(ac).__doc__.strip()


@ours
@ops(lambda case: case.method)
def test_method_docstring(case):
    assert getattr(ac.Tensor, case.op).__doc__.strip()


@ours
@ops(lambda case: case.inplace)
def test_inplace_docstring(case):
    assert getattr(ac.Tensor, case.op + "_").__doc__.strip()


# ------------------------------------------------------------------ forward
@rows(lambda case: case.reference)
def test_forward(case, sample):
    args, kwargs = sample.draw(case)
    run = Run(ac, case, (args, kwargs))
    with np.errstate(all="ignore"):
        expected = case.reference(*args, **kwargs)
    expected = [np.asarray(array) for array in (expected if isinstance(expected, tuple | list) else [expected])]
    assert_all_same(run.values(), expected, **(like_torch(case, VALUES) if IS_TORCH else VALUES))
    for output in run.outputs:
        is_recorded = case.node is not None and run.leaves and output.dtype is ac.float64
        assert output.requires_grad is bool(is_recorded)
        assert output.is_leaf is not output.requires_grad or any(output is leaf for leaf in run.leaves)


@rows()
def test_forward_like_torch(case, sample, torch):
    plain = sample.draw(case)
    actual, expected = Run(ac, case, plain), Run(torch, case, plain)
    assert_all_same(actual.values(), expected.values(), **like_torch(case, VALUES))
    for a, e in zip(actual.outputs, expected.outputs, strict=True):
        assert (a.requires_grad, a.is_leaf) == (e.requires_grad, e.is_leaf)
        if case.elementwise or case.view is not False:
            assert_same(geometry(a), geometry(e))
            assert a._version == e._version
    assert type(actual.result).__name__ == type(expected.result).__name__


@rows()
def test_inputs_unchanged(case, sample):
    """Neither forward nor backward writes to an input."""
    plain = sample.draw(case)
    run = Run(ac, case, plain)
    if has_gradient(case):
        run.gradients()
    flat = []
    map_leaves(plain, lambda value: flat.append(value) if isinstance(value, np.ndarray) else None)
    for tensor, array in zip(run.inputs.tensors, flat, strict=True):
        assert_same(to_numpy(tensor), array)
        assert tensor._version == 0


@rows(lambda case: case.view is False)
def test_result_is_fresh(case, sample):
    """The result of an op that is no view shares no memory with an input."""
    run = Run(ac, case, sample.draw(case))
    for output, tensor in itertools.product(run.outputs, run.inputs.tensors):
        assert not np.may_share_memory(to_numpy(output), to_numpy(tensor))


@rows(lambda case: case.function and case.method)
def test_method(case, sample):
    """The method is the function."""
    inputs = Inputs(ac, *sample.draw(case))
    by_method = tensors_in(getattr(inputs.args[0], case.op)(*inputs.args[1:], **inputs.kwargs))
    by_function = tensors_in(case.run(ac, inputs.args, inputs.kwargs))
    assert_all_same(arrays(by_method), arrays(by_function))
    assert [type(t.grad_fn) for t in by_method] == [type(t.grad_fn) for t in by_function]


@pytest.mark.skipif(IS_TORCH, reason="torch has different code for a scalar and for a vector")
@rows(lambda case: case.elementwise)
def test_scalars_and_vectors_same_bits(case, sample):
    """Element i of the result, and of the gradients, has the bits of the op on elements i alone."""
    plain = sample.draw(case)
    run = Run(ac, case, plain)
    value = run.values()[0]
    weights = fixed_cotangent(value.shape)
    recorded = has_gradient(case) and run.outputs[0].requires_grad

    def gradients(run, cotangent):
        return arrays(ac.autograd.grad(run.outputs[0], run.leaves, ac.tensor(cotangent))) if recorded else []

    vectors = gradients(run, weights)
    whole = all(array.shape == value.shape for array in floats_in(plain))  # else the gradients are sums
    for place in np.ndindex(value.shape):
        scalars = map_leaves(
            plain,
            lambda v, at=place: np.asarray(np.broadcast_to(v, value.shape)[at]) if isinstance(v, np.ndarray) else v,
        )
        one = Run(ac, case, scalars)
        assert bits(value[place]) == bits(one.values()[0])
        if whole:
            for vector, scalar in zip(vectors, gradients(one, np.asarray(weights[place])), strict=True):
                assert bits(vector[place]) == bits(scalar)


# ------------------------------------------------------------------ backward


def assert_same_or_zero(actual, expected, **tolerances):
    """Like `assert_all_same`, but a derivative that is 0 everywhere may be known as that (None) or computed."""
    for a, e in itertools.zip_longest(actual, expected):
        if a is None or e is None:
            np.testing.assert_allclose(0.0 if a is None else a, 0.0 if e is None else e, **tolerances)
        else:
            assert_same(a, e, **tolerances)


@rows(has_gradient, inputs=1)
def test_node(case, sample):
    """The recorded node has torch's name, and the input requiring grad decides whether there is one."""
    plain = sample.draw(case)
    run = Run(ac, case, plain)
    node = case.node if sample.node is None else sample.node
    for output in run.outputs:
        if output.requires_grad and output.grad_fn is not None and node:
            assert type(output.grad_fn).__name__ == node
            assert output.grad_fn.name().removeprefix("torch::autograd::") == node
    assert all(not o.requires_grad and o.grad_fn is None for o in Run(ac, case, plain, without_grad(ac)).outputs)
    with ac.no_grad():
        assert all(o.grad_fn is None for o in Run(ac, case, plain).outputs)


@rows(has_gradient, inputs=1)
def test_backward_like_torch(case, sample, torch):
    plain = sample.draw(case)
    actual, expected = Run(ac, case, plain), Run(torch, case, plain)
    assert_all_same(arrays(actual.gradients()), arrays(expected.gradients()), **like_torch(case, GRADIENTS))
    assert type(actual.outputs[0].grad_fn).__name__ == type(expected.outputs[0].grad_fn).__name__


def directional(case, plain, index, function):
    """A fixed direction of the index-th float input, and the central difference of ``function(run)`` along it."""
    step = 1e-5
    direction = fixed_cotangent(floats_in(plain)[index].shape, 50 + index)
    moved = [
        function(Run(ac, case, replaced(plain, lambda a, i, s=sign: a + s * step * direction if i == index else a)))
        for sign in (1.0, -1.0)
    ]
    return direction, [(up - down) / (2.0 * step) for up, down in zip(*moved, strict=True)]


def weighted(values, kept, first_cotangent=0):
    """The values at the places ``kept``, weighted as `vjp` weights them, and summed."""
    return sum(np.sum(values[i] * fixed_cotangent(values[i].shape, first_cotangent + i)) for i in kept)


@rows(lambda case: has_gradient(case) and not case.formulas, inputs=1)
def test_backward_by_differences(case, sample):
    plain = sample.draw(case)
    run = Run(ac, case, plain)
    if not differentiable(run.outputs):
        return
    kept = [i for i, output in enumerate(run.outputs) if output.requires_grad]
    for index, gradient in enumerate(arrays(run.gradients())):
        if not to_numpy(run.leaves[index]).size:
            continue
        direction, change = directional(case, plain, index, lambda r: [np.asarray(weighted(r.values(), kept))])
        along = 0.0 if gradient is None else np.sum(gradient * direction)
        np.testing.assert_allclose(along, change[0], **DIFFERENCES)


@rows(has_gradient, inputs=1)
def test_recorded_backward_is_the_same(case, sample):
    """create_graph computes by the differentiable form of the formula what the fused kernel computes."""
    plain = sample.draw(case)
    fused = arrays(Run(ac, case, plain).gradients())
    assert_all_same(arrays(Run(ac, case, plain).gradients(create_graph=True)), fused, rtol=1e-14, atol=1e-300)


def second(module, case, plain):
    """The gradient of the weighted gradient, for the inputs and for the first cotangent."""
    run = Run(module, case, plain)
    outputs = differentiable(run.outputs)
    if not outputs:
        return []
    cotangent = module.tensor(fixed_cotangent(tuple(outputs[0].shape))).requires_grad_()
    wanted = [leaf for leaf in run.leaves if leaf.requires_grad]
    first = module.autograd.grad(outputs[0], wanted, cotangent, create_graph=True, allow_unused=True)
    return vjp(module, first, [*wanted, cotangent], first_cotangent=100)


# Absolute, of second derivatives that torch has less exactly: it adds 1e-12 to a denominator.
SECOND_ATOL = {"binary_cross_entropy": 1e-10, "BCELoss": 1e-10}


@rows(has_gradient, inputs=1)
def test_double_backward_like_torch(case, sample, torch):
    plain = sample.draw(case)
    actual, expected = arrays(second(ac, case, plain)), arrays(second(torch, case, plain))
    assert_same_or_zero(actual, expected, rtol=1e-9, atol=SECOND_ATOL.get(case.op, 1e-12))


@rows(lambda case: has_gradient(case) and not case.formulas, inputs=1)
def test_double_backward_by_differences(case, sample):
    """Differences of the gradient along each input."""
    plain = sample.draw(case)
    run = Run(ac, case, plain)
    outputs = differentiable(run.outputs)
    if not outputs or any(leaf is output for leaf in run.leaves for output in outputs):
        return
    seconds = arrays(second(ac, case, plain))

    def gradient(r):
        found = arrays(vjp(ac, differentiable(r.outputs)[:1], r.leaves))
        return [np.zeros(()) if g is None else g for g in found]

    for index in range(len(run.leaves)):
        direction, change = directional(case, plain, index, gradient)
        expected = weighted(change, range(len(change)), 100)
        found = seconds[index] if seconds else None
        np.testing.assert_allclose(0.0 if found is None else np.sum(found * direction), expected, **DIFFERENCES)


@rows(lambda case: has_gradient(case) and case.op != "kl_div", inputs=1)  # (which torch composes otherwise)
def test_saved_attributes_like_torch(case, sample, torch):
    """What a node shows of its saved tensors is what torch's shows, but for the dtype of numbers and expansion.

    Arguments that are no tensors: test_node_attributes.py.
    """
    plain = sample.draw(case)
    for actual, expected in zip(Run(ac, case, plain).outputs, Run(torch, case, plain).outputs, strict=True):
        node, other = actual.grad_fn, expected.grad_fn
        for attribute in dir(node) if node is not None and type(node).__name__ == type(other).__name__ else ():
            found = getattr(node, attribute) if attribute.startswith("_saved_") else None
            if isinstance(found, ac.Tensor):
                pair = to_numpy(found.detach()), to_numpy(getattr(other, attribute).detach())
                np.testing.assert_allclose(*np.broadcast_arrays(*pair), **VALUES)


def copied(array, index):
    """A ``make`` for Inputs: tensors that are no leaves, so that only a node would keep them."""
    return ac.tensor(array, requires_grad=True) * 1.0


@rows(has_gradient, inputs=1)
def test_saved_tensors_hooks(case, sample):
    """Whatever an op saves goes through the hooks, which make new tensors of it: same gradients, of both orders."""
    plain = sample.draw(case)
    kept = []

    def pack(tensor):
        kept.append((to_numpy(tensor).copy(), tensor.dtype, weakref.ref(tensor)))
        return len(kept) - 1

    def unpack(handle):
        array, dtype, _ = kept[handle]
        return ac.tensor(array, dtype=dtype)

    expected = arrays(Run(ac, case, plain).gradients()), arrays(second(ac, case, plain))
    with ac.autograd.graph.saved_tensors_hooks(pack, unpack):
        run = Run(ac, case, plain)
        found = arrays(run.gradients()), arrays(second(ac, case, plain))
    assert_all_same(found[0], expected[0], rtol=1e-14, atol=1e-300)
    assert_all_same(found[1], expected[1], rtol=1e-13, atol=1e-300)


@ours
@ops(lambda case: has_gradient(case) and any(sample.float_inputs(case) for sample in case.samples))
def test_nothing_is_saved_past_the_hooks(case):
    """Packed tensors live no longer than their other owners."""
    sample = next(sample for sample in case.samples if sample.float_inputs(case))
    kept = []
    with ac.autograd.graph.saved_tensors_hooks(lambda t: kept.append(weakref.ref(t)), lambda _: None):
        run = Run(ac, case, sample.draw(case), copied)
    nodes = [output.grad_fn for output in run.outputs]
    del run
    gc.collect()
    assert all(ref() is None for ref in kept), nodes


@rows(has_gradient, inputs=2)
def test_each_input_alone(case, sample):
    """An input's gradient does not depend on which others require one."""
    plain = sample.draw(case)
    together = Run(ac, case, plain)
    expected = arrays(together.gradients())
    for alone in range(len(together.leaves)):
        run = Run(ac, case, plain, lambda a, i, alone=alone: ac.tensor(a).requires_grad_(i == alone))
        assert_all_same(run.values(), together.values())
        if expected[alone] is not None and differentiable(run.outputs):
            assert_same(arrays(run.gradients())[alone], expected[alone])


FREED = "Trying to backward through the graph a second time"
STALE = "one of the variables needed for gradient computation has been modified by an inplace operation"


@rows(has_gradient, inputs=1)
def test_second_backward(case, sample, torch):
    """Works where torch's does; else it is refused, or a node that needs no more than numbers does it again."""

    def twice(module):
        run = Run(module, case, sample.draw(case))
        first = run.gradients()
        return [*first, *run.gradients()]

    actual, expected = outcome(lambda: twice(ac)), outcome(lambda: twice(torch))
    if isinstance(expected, Raised) and not isinstance(actual, Raised):
        half = len(actual) // 2
        assert_all_same(actual[half:], actual[:half])
    else:
        assert_same_outcome(actual, expected, **GRADIENTS)


@rows(lambda case: has_gradient(case) and case.view is False, inputs=1)
def test_stale_saved_tensor(case, sample):
    """After a change of an input or of the result, backward is refused or right: as if nothing had been changed."""
    plain = sample.draw(case)
    expected = outcome(lambda: stale(ac, case, plain, None))
    for which in range(len(floats_in(plain)) + 1):
        actual = outcome(lambda w=which: stale(ac, case, plain, w))
        if isinstance(actual, Raised):
            assert actual.message.startswith(STALE)
        else:
            assert_same_outcome(actual, expected, what=f"changed {which}")


@rows(lambda case: has_gradient(case) and case.view is False, inputs=1)
def test_stale_saved_tensor_like_torch(case, sample, torch):
    """No script that runs on torch is refused."""
    plain = sample.draw(case)
    for which in range(len(floats_in(plain)) + 1):
        if not isinstance(outcome(lambda w=which: stale(torch, case, plain, w)), Raised):
            stale(ac, case, plain, which)


def stale(module, case, plain, which):
    """Gradients after a change of the input ``which``, or of the result if that is one more than there are inputs."""
    leaves = []

    def make(array, index):
        leaves.append(module.tensor(array).requires_grad_())
        return leaves[-1] * 1.0  # not a leaf: those cannot be changed in place

    run = Run(module, case, plain, make)
    if which is not None:
        with module.no_grad():
            (run.leaves + run.outputs[:1])[which].add_(1)
    return vjp(module, run.outputs, leaves)


@rows(has_gradient, inputs=1)
def test_any_layout_of_the_cotangent(case, sample):
    """Gradients do not depend on the strides of the incoming gradient."""
    run = Run(ac, case, sample.draw(case))
    outputs = [output for output in differentiable(run.outputs) if not output.is_leaf]
    if not outputs:
        return
    output = outputs[0]
    plain = fixed_cotangent(tuple(output.shape))
    wanted = [leaf for leaf in run.leaves if leaf.requires_grad]

    def gradients(cotangent):
        found = ac.autograd.grad(output, wanted, cotangent, retain_graph=True, allow_unused=True)
        return arrays(found)

    expected = gradients(ac.tensor(plain))
    for layout in LAYOUTS:
        assert_all_same(gradients(lay_out(ac, plain, layout)), expected, **GRADIENTS, what=layout)
    constant = np.full(plain.shape, 0.75)
    expanded = ac.tensor(0.75).expand(plain.shape)
    assert_all_same(gradients(expanded), gradients(ac.tensor(constant)), **GRADIENTS)


# ------------------------------------------------------------------ forward mode
@rows(has_gradient, inputs=1)
def test_forward_mode(case, sample):
    """The tangent agrees with the gradients: <w, J t> == <J' w, t>; and with the op itself, if that is linear."""
    plain = sample.draw(case)
    found = outcome(lambda: [value for part in jvp(ac, case, plain) for value in part])
    if torch_lacks_forward_mode(found):
        pytest.skip("torch has no forward mode here")
    assert not isinstance(found, Raised), found
    primals, tangents = found[: len(found) // 2], found[len(found) // 2 :]
    run = Run(ac, case, plain)
    assert_all_same(primals, run.values())
    kept = [i for i, output in enumerate(run.outputs) if output.requires_grad]
    if not kept or not any(to_numpy(leaf).size for leaf in run.leaves):
        return
    forward = sum(np.sum(tangents[i] * fixed_cotangent(tangents[i].shape, i)) for i in kept if tangents[i] is not None)
    backward = sum(
        np.sum(gradient * fixed_cotangent(gradient.shape, 50 + i))
        for i, gradient in enumerate(arrays(run.gradients()))
        if gradient is not None
    )
    np.testing.assert_allclose(forward, backward, rtol=1e-11, atol=1e-12)
    if case.linear:
        itself = Run(ac, case, replaced(plain, lambda a, i: fixed_cotangent(a.shape, 50 + i))).values()
        numbers = any(isinstance(a, int | float) for a in plain[0][1:]) and case.elementwise
        if not numbers:  # x + 2 is affine
            assert_all_same(tangents, itself, rtol=1e-15)


@rows(has_gradient, inputs=1)
def test_forward_mode_like_torch(case, sample, torch):
    plain = sample.draw(case)
    expected = outcome(lambda: [value for part in jvp(torch, case, plain) for value in part])
    if isinstance(expected, Raised):
        pytest.skip(f"torch has no forward mode here: {expected.sentence}")
    actual = [value for part in jvp(ac, case, plain) for value in part]
    assert_same_or_zero(actual, expected, **like_torch(case, GRADIENTS))


@rows(lambda case: has_gradient(case) and case.elementwise, inputs=2)
def test_forward_over_one_input(case, sample):
    """A tangent on one input alone gives its part of the whole tangent."""
    plain = sample.draw(case)
    number = len(floats_in(plain))
    whole = outcome(lambda: jvp(ac, case, plain)[1])
    if torch_lacks_forward_mode(whole):
        return
    total = 0.0
    for alone in range(number):
        forward_ad = ac.autograd.forward_ad
        with forward_ad.dual_level():

            def make(array, index, alone=alone):
                tensor = ac.tensor(array)
                if index != alone:
                    return tensor
                return forward_ad.make_dual(tensor, ac.tensor(fixed_cotangent(array.shape, 50 + index)))

            tangent = forward_ad.unpack_dual(Run(ac, case, plain, make).outputs[0]).tangent
            total = total + (0.0 if tangent is None else to_numpy(tangent))
    np.testing.assert_allclose(total, 0.0 if whole[0] is None else whole[0], rtol=1e-12, atol=1e-12)


# ------------------------------------------------------------------ errors
@pytest.mark.parametrize(
    ("case", "wrong"),
    [pytest.param(c, e, id=f"{c.name}({e.sample})-{i}") for c in CASES for i, e in enumerate(c.errors)],
)
def test_error(case, wrong):
    """Torch's exception and first sentence; inputs and their versions as before."""
    plain = wrong.sample.draw(case)
    inputs = Inputs(ac, *plain)
    with pytest.raises(wrong.type) as caught:
        case.run(ac, inputs.args, inputs.kwargs)
    function = case.public(ac).__name__ if case.function else case.op  # of which the op may be another name
    message = str(wrong.message).replace(f"{case.op}()", f"{function}()")
    found, expected = (Raised(wrong.type.__name__, str(text)) for text in (caught.value, message))
    unparsed = " positional argument" in found.sentence and function in found.sentence
    if wrong.message is None or unparsed or any(re.search(pattern, expected.sentence) for pattern, _ in OWN_WORDS):
        # Torch's parser of arguments has no words worth repeating, but the function is named.
        named = function in found.message or "new(): invalid data type" in found.message
        assert named or wrong.type is not TypeError
    else:
        assert found.agrees_with(expected), f"{found}, expected {expected}"
    flat = []
    map_leaves(plain, lambda value: flat.append(value) if isinstance(value, np.ndarray) else None)
    for tensor, array in zip(inputs.tensors, flat, strict=True):
        assert_same(to_numpy(tensor), array)
        assert tensor._version == 0
