"""Every elementwise formula of cases/ against derivatives taken by mpmath, at hard points.

Finite differences in double precision let a quarter of the wrong formulas pass; differences at hundreds of digits,
compared at 1e-11, let none. The function differentiated is mpmath's own, so no formula of ours is repeated here.
"""

import functools
import itertools

import mpmath as mp
import numpy as np
import pytest
from cases import CASES
from module import IS_TORCH, ac, to_numpy

RTOL, SATURATED_ATOL = 1e-11, 1e-15
RTOL_SECOND = 1e-9
SECOND_RANGE = 1e-60, 1e60  # beyond it x**5 and the like overflow on the way to a derivative that does not
SMALLEST = 5e-324  # a few units of it are all a subnormal can be right to
FORMULAS = [
    pytest.param(case, formula, id=f"{case.name}{formula.label and '-' + formula.label}")
    for case in CASES
    for formula in case.formulas
]
every_formula = pytest.mark.parametrize(("case", "formula"), FORMULAS)


# ------------------------------------------------------------------ derivatives by mpmath
def partial(function, point, orders):
    """The partial derivative of ``orders`` (one number a variable, 2 in all at most), as a float.

    Central differences, with a step far below the point's own scale and digits to spare: the result is right when
    twice the digits give it again. At the most digits what is below the rounding errors is 0.
    """
    scale = min([1.0, *(abs(x) for x in point if x)])
    largest = max([1.0, *map(abs, point)])
    digits = int(80 + 2 * (mp.log10(largest) - mp.log10(scale)))
    previous = None
    while True:
        with mp.workdps(digits):
            point, step = [mp.mpf(x) for x in point], mp.mpf(scale) * mp.mpf(10) ** -25
            value = difference(function, point, orders, step)
            rounding = abs(function(*point)) * mp.mpf(10) ** (5 - digits) / step ** sum(orders)
            if abs(value) <= rounding:
                if digits > 1500:
                    return 0.0
            elif previous is not None and abs(value - previous) <= 1e-18 * abs(value):
                return float(value)
        previous, digits = value, 2 * digits


def difference(function, point, orders, step):
    """A nested central difference."""
    steps = [index for index, order in enumerate(orders) for _ in range(order)]
    total = mp.mpf(0)
    for signs in itertools.product((1, -1), repeat=len(steps)):
        moved = list(point)
        for index, sign in zip(steps, signs, strict=True):
            moved[index] += sign * step
        total += mp.fprod(signs) * function(*moved)
    return total / (2 * step) ** len(steps)


@functools.cache
def expected(formula, points, orders):
    return np.array([partial(formula.mp, point, orders) for point in points])


# ------------------------------------------------------------------ derivatives by the module
def points_of(formula):
    points = formula.points + (() if IS_TORCH else formula.beyond_torch)
    if not points:
        pytest.skip("torch's derivative is not good enough anywhere")
    return as_tuples(points)


def as_tuples(points):
    return tuple(point if isinstance(point, tuple) else (point,) for point in points)


def call(case, formula, tensors):
    return formula.call(ac, *tensors) if formula.call else case.run(ac, tensors, {})


def operands(points):
    """One tensor an operand, of all points."""
    return [ac.tensor(column).requires_grad_() for column in np.array(points).T]


def upstream(number):
    """Incoming gradients: powers of 2, of both signs, so that dividing by them is exact."""
    return np.resize([1.0, -2.0, 0.5], number)


def fused(case, formula, points):
    """The gradients of a plain backward."""
    leaves = operands(points)
    call(case, formula, leaves).backward(ac.tensor(upstream(len(points))))
    return [to_numpy(leaf.grad) for leaf in leaves]


def recorded(case, formula, points):
    """The gradients as computed when they are differentiable themselves."""
    leaves = operands(points)
    result = call(case, formula, leaves)
    found = ac.autograd.grad(result, leaves, ac.tensor(upstream(len(points))), create_graph=True)
    return [to_numpy(gradient) for gradient in found]


def tangents(case, formula, points):
    """Forward mode, one operand at a time."""
    forward_ad = ac.autograd.forward_ad
    found = []
    for index in range(len(points[0])):
        with forward_ad.dual_level():
            inputs = [leaf.detach() for leaf in operands(points)]
            inputs[index] = forward_ad.make_dual(inputs[index], ac.tensor(upstream(len(points))))
            tangent = forward_ad.unpack_dual(call(case, formula, inputs)).tangent
            found.append(np.zeros(len(points)) if tangent is None else to_numpy(tangent))
    return found


def scalars(case, formula, points):
    """A plain backward of each point alone."""
    found = []
    for point, g in zip(points, upstream(len(points)), strict=True):
        leaves = [ac.tensor(x, requires_grad=True) for x in point]
        call(case, formula, leaves).backward(ac.tensor(g))
        found.append([leaf.grad.item() for leaf in leaves])
    return list(np.array(found).T)


def check(actual, exact, points, what, rtol, atol=0.0):
    """Compare, and show the point where they differ most."""
    with np.errstate(all="ignore"):
        error = np.abs(actual - exact) / (rtol * np.abs(exact) + atol + 16 * SMALLEST)
    error[(actual == exact) | (np.isnan(actual) & np.isnan(exact))] = 0.0
    error[np.isnan(error)] = np.inf
    worst = int(np.argmax(error))
    assert error[worst] <= 1.0, (
        f"{what} at {points[worst]}: {actual[worst]!r}, expected {exact[worst]!r}; {(error > 1.0).sum()} points are off"
    )


# ------------------------------------------------------------------ tests
@every_formula
@pytest.mark.parametrize("path", [fused, recorded, tangents, scalars])
def test_first_derivative(case, formula, path):
    points = points_of(formula)
    for index, actual in enumerate(path(case, formula, points)):
        exact = expected(formula, points, unit(index, len(points[0])))
        check(actual / upstream(len(points)), exact, points, f"d/dx{index}", RTOL)


@pytest.mark.parametrize(("case", "formula"), [p for p in FORMULAS if p.values[1].saturated])
@pytest.mark.parametrize("path", [fused, recorded, tangents, scalars])
def test_first_derivative_where_saturated(case, formula, path):
    """Where 1 - y*y has cancelled the derivative is right absolutely."""
    points = as_tuples(formula.saturated)
    (actual,) = path(case, formula, points)
    check(actual / upstream(len(points)), expected(formula, points, (1,)), points, "d/dx", 0.0, SATURATED_ATOL)


@every_formula
def test_second_derivative(case, formula):
    """All second partial derivatives, and the first ones again, as derivatives by the incoming gradient."""
    if IS_TORCH and formula.torch_second:
        pytest.skip(formula.torch_second)
    low, high = SECOND_RANGE
    points = tuple(p for p in points_of(formula) if all(low <= abs(x) <= high or not x for x in p))
    leaves = operands(points)
    g = ac.tensor(upstream(len(points))).requires_grad_()
    gradients = ac.autograd.grad(call(case, formula, leaves), leaves, g, create_graph=True)
    for i, gradient in enumerate(gradients):
        wanted = [*leaves, g]
        if gradient.requires_grad:
            ones = ac.tensor(np.ones(len(points)))
            found = ac.autograd.grad(gradient, wanted, ones, retain_graph=True, allow_unused=True)
        else:
            found = [None] * len(wanted)
        *seconds, first = [np.zeros(len(points)) if f is None else to_numpy(f) for f in found]
        if gradient.requires_grad:
            check(first, expected(formula, points, unit(i, len(leaves))), points, f"d/dg d/dx{i}", RTOL)
        for j, actual in enumerate(seconds):
            orders = tuple(a + b for a, b in zip(unit(i, len(leaves)), unit(j, len(leaves)), strict=True))
            exact = expected(formula, points, orders)
            what = f"d/dx{i} d/dx{j}"
            check(actual / upstream(len(points)), exact, points, what, RTOL_SECOND, formula.second_atol)


def unit(index, number):
    return tuple(int(i == index) for i in range(number))
