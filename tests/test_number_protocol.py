"""Python's number protocol, both ways, with Python and numpy numbers: values, dtypes, gradients, refusals.

Floats are judged by Python's own arithmetic on the elements (which for // and % is torch's), dtypes by tables.
"""

import math
import operator

import numpy as np
import pytest
from module import ac, to_numpy
from support import deviation, gradient, leaf, name, quiet, raises, unchanged

FLOATS, INTS, BOOLS = [1.5, -2.0, 3.25, 0.5], [1, -2, 7, 3], [True, False, True, True]
ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
BITWISE = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
NUMBERS = {
    "int": 2,
    "negative_int": -3,
    "float": 2.5,
    "np.float64": np.float64(2.5),
    "np.int64": np.int64(2),
    "np.float32": np.float32(1.5),
}


def each(op, values, number):
    """``op`` of every value and the number, in Python."""
    plain = number.item() if isinstance(number, np.generic) else number
    return [op(value, plain) for value in values]


def each_reflected(op, number, values):
    plain = number.item() if isinstance(number, np.generic) else number
    return [op(plain, value) for value in values]


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS.keys())
class TestFloatAndNumber:
    @pytest.mark.parametrize("op", ARITHMETIC.values(), ids=ARITHMETIC.keys())
    def test_arithmetic(self, op, number):
        found = op(ac.tensor(FLOATS), number)
        assert type(found) is ac.Tensor
        assert found.dtype is ac.float64
        assert found.tolist() == each(op, FLOATS, number)

    @pytest.mark.parametrize("op", ARITHMETIC.values(), ids=ARITHMETIC.keys())
    def test_reflected_arithmetic(self, op, number):
        found = op(number, ac.tensor(FLOATS))
        assert type(found) is ac.Tensor
        assert found.dtype is ac.float64
        np.testing.assert_allclose(to_numpy(found), each_reflected(op, number, FLOATS), rtol=3e-16)

    @pytest.mark.parametrize("op", COMPARISONS.values(), ids=COMPARISONS.keys())
    def test_comparisons(self, op, number):
        for found, expected in (
            (op(ac.tensor(FLOATS), number), each(op, FLOATS, number)),
            (op(number, ac.tensor(FLOATS)), each_reflected(op, number, FLOATS)),
        ):
            assert type(found) is ac.Tensor
            assert found.dtype is ac.bool
            assert found.tolist() == expected

    def test_power(self, number):
        plain = float(number)
        positive = [1.5, 2.0, 3.25]
        np.testing.assert_allclose((ac.tensor(positive) ** number).tolist(), [x**plain for x in positive], rtol=1e-15)
        if plain > 0:
            np.testing.assert_allclose((number ** ac.tensor(FLOATS)).tolist(), [plain**x for x in FLOATS], rtol=1e-15)

    @pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv])
    def test_gradients(self, op, number):
        plain = float(number)
        a = leaf(FLOATS)
        x = np.array(FLOATS)
        slope, reflected = {
            operator.add: (1 + 0 * x, 1 + 0 * x),
            operator.sub: (1 + 0 * x, -1 + 0 * x),
            operator.mul: (plain + 0 * x, plain + 0 * x),
            operator.truediv: (1 / plain + 0 * x, -plain / x**2),
        }[op]
        np.testing.assert_allclose(gradient(op(a, number).sum(), a), slope, rtol=1e-15)
        np.testing.assert_allclose(gradient(op(number, a).sum(), a), reflected, rtol=1e-15)


class TestTwoTensors:
    @pytest.mark.parametrize("op", [*ARITHMETIC.values(), *COMPARISONS.values()])
    @pytest.mark.parametrize("other", [[2.0, -3.0, 0.25, 0.5], 2.0], ids=["same_shape", "scalar"])
    def test_floats(self, op, other):
        values = other if isinstance(other, list) else [other] * 4
        assert op(ac.tensor(FLOATS), ac.tensor(other)).tolist() == [
            op(x, y) for x, y in zip(FLOATS, values, strict=True)
        ]

    @pytest.mark.parametrize("op", [*ARITHMETIC.values(), *COMPARISONS.values()])
    def test_ints(self, op):
        other = [3, -3, 2, -1]
        found = op(ac.tensor(INTS), ac.tensor(other))
        assert found.tolist() == [op(x, y) for x, y in zip(INTS, other, strict=True)]

    def test_matmul(self):
        a, b = ac.tensor([[1.0, 2.0], [3.0, 4.0]]), ac.tensor([5.0, 6.0])
        assert (a @ b).tolist() == [17.0, 39.0]
        assert (b @ a).tolist() == [23.0, 34.0]
        assert (b @ b).item() == 61.0
        assert (a @ a).tolist() == [[7.0, 10.0], [15.0, 22.0]]
        assert a.__rmatmul__(b).tolist() == [23.0, 34.0]

    def test_broadcasting(self):
        column, row = ac.tensor([[1.0], [2.0]]), ac.tensor([10.0, 20.0, 30.0])
        assert (column + row).tolist() == [[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]]
        assert (column < row).all().item()


# The dtype of a result: float64 if anything is a float or the op divides, else int64 if anything is an int, else bool.
PROMOTION = [
    (operator.add, INTS, 2, "int64"),
    (operator.add, INTS, 2.0, "float64"),
    (operator.add, INTS, True, "int64"),
    (operator.mul, INTS, FLOATS, "float64"),
    (operator.mul, INTS, BOOLS, "int64"),
    (operator.mul, BOOLS, BOOLS, "bool"),
    (operator.add, BOOLS, BOOLS, "bool"),
    (operator.add, BOOLS, 1, "int64"),
    (operator.mul, BOOLS, 2.0, "float64"),
    (operator.truediv, INTS, 2, "float64"),
    (operator.truediv, INTS, INTS, "float64"),
    (operator.truediv, BOOLS, BOOLS, "float64"),
    (operator.floordiv, INTS, 2, "int64"),
    (operator.floordiv, INTS, 2.0, "float64"),
    (operator.mod, INTS, 2, "int64"),
    (operator.sub, INTS, 1.5, "float64"),
    (operator.pow, INTS, 2, "int64"),
    (operator.pow, INTS, 2.0, "float64"),
    (operator.add, FLOATS, INTS, "float64"),
    (operator.add, FLOATS, BOOLS, "float64"),
    (operator.lt, INTS, 2.5, "bool"),
    (operator.eq, INTS, FLOATS, "bool"),
    (operator.add, 5, INTS, "int64"),
    (operator.add, INTS, ac.tensor(1.5), "float64"),
    (operator.add, FLOATS, ac.tensor(1), "float64"),
    (operator.add, BOOLS, ac.tensor(1), "int64"),
]


@pytest.mark.parametrize(("op", "left", "right", "dtype"), PROMOTION)
def test_promotion(op, left, right, dtype):
    def operand(value):
        return ac.tensor(value) if isinstance(value, list) else value

    found = op(operand(left), operand(right))
    assert found.dtype is getattr(ac, dtype)
    with np.errstate(all="ignore"):
        plain = [
            np.array(value) if isinstance(value, list) else to_numpy(value) if ac.is_tensor(value) else value
            for value in (left, right)
        ]
        np.testing.assert_array_equal(to_numpy(found), op(*plain))


class TestUnary:
    def test_floats(self):
        a = ac.tensor([1.5, -2.0, -0.0])
        assert (-a).tolist() == [-1.5, 2.0, 0.0]
        assert math.copysign(1.0, (-a)[2].item()) == 1.0
        assert (+a).tolist() == a.tolist()
        assert abs(a).tolist() == [1.5, 2.0, 0.0]

    def test_ints_and_bools(self):
        i, b = ac.tensor(INTS), ac.tensor(BOOLS)
        assert (-i).tolist() == [-1, 2, -7, -3]
        assert abs(i).tolist() == [1, 2, 7, 3]
        assert (~i).tolist() == [-2, 1, -8, -4]
        assert (~b).tolist() == [False, True, False, False]

    def test_gradients(self):
        a = leaf([1.5, -2.0])
        assert gradient((-a).sum(), a).tolist() == [-1.0, -1.0]
        assert gradient(abs(a).sum(), a).tolist() == [1.0, -1.0]
        assert gradient((+a).sum(), a).tolist() == [1.0, 1.0]


class TestPower:
    def test_forms(self):
        a = ac.tensor([1.5, 2.0])
        assert (a**2).tolist() == pow(a, 2).tolist() == a.__pow__(2).tolist() == [2.25, 4.0]
        assert (2**a).tolist() == a.__rpow__(2).tolist() == pytest.approx([2**1.5, 4.0], rel=1e-15)
        assert (a ** ac.tensor([2.0, 3.0])).tolist() == [2.25, 8.0]

    def test_ints(self):
        i = ac.tensor([2, -3])
        assert (i**3).tolist() == [8, -27]
        assert (2 ** ac.tensor([0, 3])).tolist() == [1, 8]
        assert (i**2).dtype is ac.int64

    def test_no_modulus(self):
        with pytest.raises((TypeError, RuntimeError, NotImplementedError)):
            pow(ac.tensor(2.0), 2, 3)


class TestDivisionAndRemainder:
    """torch's // and %: the floor, and the remainder with the divisor's sign, as Python's."""

    @pytest.mark.parametrize("x", [7.5, -7.5, 0.0, -0.0, 6.0, -6.0, 1e300])
    @pytest.mark.parametrize("y", [2.0, -2.0, 0.3, -0.3, 1e-3])
    def test_as_python(self, x, y):
        for left, right in ((ac.tensor(x), y), (x, ac.tensor(y)), (ac.tensor(x), ac.tensor(y))):
            assert (left % right).item() == x % y
            assert (left // right).item() == x // y

    @pytest.mark.parametrize("x", [7, -7, 0, 6, 2**62])
    @pytest.mark.parametrize("y", [2, -2, 3, -5, 2**40])
    def test_ints_as_python(self, x, y):
        for left, right in ((ac.tensor(x), y), (x, ac.tensor(y)), (ac.tensor(x), ac.tensor(y))):
            assert (left % right).item() == x % y
            assert (left // right).item() == x // y

    def test_by_zero(self):
        a = ac.tensor([1.0, -1.0, 0.0])
        assert (a / 0).tolist()[:2] == [math.inf, -math.inf]
        assert (a // 0).tolist()[:2] == [math.inf, -math.inf]
        assert (a % 0).isnan().all().item()
        assert (ac.tensor(1) / 0).item() == math.inf
        for op in (operator.floordiv, operator.mod):
            with raises(RuntimeError, "ZeroDivisionError"):
                op(ac.tensor([1, 2]), 0)
            with raises(RuntimeError, "ZeroDivisionError"):
                op(1, ac.tensor(0))

    @deviation("torch has no divmod")
    def test_divmod(self):
        a = ac.tensor([7.5, -7.5])
        for left, right in (
            (a, 2.0),
            (a, ac.tensor([2.0, 4.0])),
            (2.0, a),
            (ac.tensor([7, -7]), 2),
            (7, ac.tensor([2, -2])),
        ):
            quotient, remainder = divmod(left, right)
            assert quotient.tolist() == (left // right).tolist()
            assert remainder.tolist() == (left % right).tolist()
        quotient, remainder = divmod(leaf([7.5]), 2.0)
        assert remainder.requires_grad


class TestBitwise:
    @pytest.mark.parametrize("op", BITWISE.values(), ids=BITWISE.keys())
    def test_ints(self, op):
        other = [3, 5, -1, 8]
        assert op(ac.tensor(INTS), ac.tensor(other)).tolist() == [op(x, y) for x, y in zip(INTS, other, strict=True)]
        assert op(ac.tensor(INTS), 6).tolist() == [op(x, 6) for x in INTS]
        assert op(6, ac.tensor(INTS)).tolist() == [op(6, x) for x in INTS]

    @pytest.mark.parametrize("op", BITWISE.values(), ids=BITWISE.keys())
    def test_bools(self, op):
        other = [True, True, False, False]
        found = op(ac.tensor(BOOLS), ac.tensor(other))
        assert found.dtype is ac.bool
        assert found.tolist() == [op(x, y) for x, y in zip(BOOLS, other, strict=True)]
        assert op(ac.tensor(BOOLS), True).tolist() == [op(x, True) for x in BOOLS]
        assert op(True, ac.tensor(BOOLS)).tolist() == [op(True, x) for x in BOOLS]

    def test_refused_for_floats(self):
        for op in BITWISE.values():
            with raises(NotImplementedError):
                op(ac.tensor(1.5), 1)
        with raises(TypeError, "~ (operator.invert) is only implemented on integer and Boolean-type tensors"):
            ~ac.tensor(1.5)


class TestConversion:
    @pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
    @pytest.mark.parametrize("value", [2.5, -2.9, 0.0, 7, True, False])
    def test_one_element(self, value, shape):
        t = ac.full(shape, value)
        assert t.item() == value
        assert type(t.item()) is type(value)
        assert float(t) == float(value)
        assert int(t) == int(value)
        assert bool(t) == bool(value)
        assert complex(t) == complex(value)

    def test_of_a_tensor_that_requires_grad(self):
        a = leaf(2.5)
        assert a.item() == 2.5
        with quiet():
            assert float(a) == 2.5
            assert int(a) == 2
        assert bool(a)

    def test_nan_is_true(self):
        assert bool(ac.tensor(math.nan))
        assert not bool(ac.tensor(-0.0))

    def test_large(self):
        assert int(ac.tensor(2.0**80)) == 2**80
        assert int(ac.tensor(-(2**63))) == -(2**63)
        assert float(ac.tensor(2**53 + 1)) == float(2**53 + 1)

    def test_index(self):
        three = ac.tensor(3)
        assert operator.index(three) == 3
        assert [10, 20, 30, 40][three] == 40
        assert list(range(three)) == [0, 1, 2]
        assert "ab" * ac.tensor(2) == "abab"
        assert operator.index(ac.tensor([[5]])) == 5
        assert operator.index(ac.tensor(True)) == 1
        for bad in (ac.tensor(3.0), ac.tensor([1, 2])):
            with raises(TypeError, "only integer tensors of a single element can be converted to an index"):
                operator.index(bad)

    def test_tolist(self):
        assert ac.tensor(2.5).tolist() == 2.5
        assert ac.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
        assert ac.zeros(2, 0).tolist() == [[], []]
        assert ac.tensor([[1.0, 2.0], [3.0, 4.0]]).t().tolist() == [[1.0, 3.0], [2.0, 4.0]]
        assert [type(x) for x in ac.tensor([1.0]).tolist() + ac.tensor([1]).tolist() + ac.tensor([True]).tolist()] == [
            float,
            int,
            bool,
        ]

    def test_format(self):
        assert f"{ac.tensor(2.5):.2f}" == "2.50"
        assert f"{ac.tensor(7):d}" == "7"
        assert f"{ac.tensor([1.0, -2.0])}" == str(ac.tensor([1.0, -2.0])) == "tensor([ 1., -2.])"

    def test_truth_in_statements(self):
        assert (ac.tensor(0.0) or "else") == "else"
        assert (not ac.tensor(1.0)) is False
        assert "yes" if ac.tensor([True]) else "no"
        with raises(RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"):
            if ac.tensor([True, False]):
                pass


class TestContainer:
    def test_len(self):
        assert (len(ac.ones(3)), len(ac.ones(2, 5)), len(ac.ones(0, 3))) == (3, 2, 0)

    def test_iteration(self):
        assert [x.item() for x in ac.tensor([1.0, 2.0])] == [1.0, 2.0]
        assert [tuple(row.shape) for row in ac.ones(2, 3)] == [(3,)] * 2
        assert list(ac.ones(0)) == []
        first, second = ac.tensor([1.0, 2.0])
        assert (first.item(), second.item()) == (1.0, 2.0)

    def test_iteration_is_differentiable(self):
        a = leaf()
        total = sum(x * (i + 1.0) for i, x in enumerate(a))
        assert gradient(total, a).tolist() == [1.0, 2.0, 3.0]

    def test_contains(self):
        a = ac.tensor([[1.0, 2.0], [3.0, 4.0]])
        assert 3 in a
        assert 3.0 in a
        assert ac.tensor(4.0) in a
        assert 5 not in a
        assert ac.tensor([3.0, 9.0]) in a
        assert ac.tensor([9.0, 9.0]) not in a
        for bad in ("x", None, [1.0]):
            with raises(RuntimeError, "Tensor.__contains__ only supports Tensor or scalar, but you passed in a <class"):
                bad in a  # noqa: B015

    def test_reversed(self):
        assert reversed(ac.tensor([1.0, 2.0])).tolist() == [2.0, 1.0]
        assert reversed(ac.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[3.0, 4.0], [1.0, 2.0]]

    def test_builtins(self):
        a = ac.tensor([3.0, 1.0, 2.0])
        assert sum(a).item() == 6.0
        assert (max(a).item(), min(a).item()) == (3.0, 1.0)
        assert [x.item() for x in sorted(a)] == [1.0, 2.0, 3.0]
        assert sum([a, a]).tolist() == [6.0, 2.0, 4.0]

    def test_hash_is_identity(self):
        a, b = ac.tensor([1.0]), ac.tensor([1.0])
        assert hash(a) == hash(a)
        assert {a: "a", b: "b"}[a] == "a"
        assert len({a, b, a}) == 2

    def test_equality_of_others(self):
        a = ac.tensor([1.0])
        assert (a == None) is False  # noqa: E711
        assert (a != None) is True  # noqa: E711
        assert (a == "x") is False


class TestRefused:
    @pytest.mark.parametrize("other", ["x", None, [1.0, 2.0], (1.0,), {}, object()])
    @pytest.mark.parametrize("op", [*ARITHMETIC.values(), operator.matmul, operator.and_, operator.pow])
    def test_other_types(self, op, other):
        a = ac.ones(2)
        with unchanged(a):
            with raises(TypeError):
                op(a, other)
            # sequences and % of a str answer for themselves on their left side
            if not isinstance(other, str) and not (op is operator.mul and isinstance(other, list | tuple)):
                with raises(TypeError):
                    op(other, a)

    @pytest.mark.parametrize("op", [operator.lt, operator.ge])
    @pytest.mark.parametrize("other", ["x", None])
    def test_order(self, op, other):
        for left, right in ((ac.ones(2), other), (other, ac.ones(2))):
            with raises(TypeError, contains="not supported between instances of"):
                op(left, right)

    def test_matmul_with_a_number(self):
        with raises(TypeError):
            ac.ones(2) @ 2
        with raises(TypeError):
            2 @ ac.ones(2)

    def test_subtraction_of_bools(self):
        b = ac.tensor(BOOLS)
        for call in (lambda: b - b, lambda: ac.tensor(INTS) - b, lambda: 1.5 - b):
            with raises(RuntimeError, "Subtraction, the `-` operator, with "):
                call()

    def test_ints_that_are_too_large(self):
        for call in (lambda: ac.tensor([1]) * 10**30, lambda: ac.tensor([1.0]) + 10**30):
            with raises(OverflowError):
                call()

    def test_python_s_turn_comes(self):
        """NotImplemented, not an exception: the other operand may know better."""

        class Knows:
            def __radd__(self, other):
                return "radd"

            def __rmul__(self, other):
                return "rmul"

            def __rmatmul__(self, other):
                return "rmatmul"

            def __rpow__(self, other):
                return "rpow"

            def __eq__(self, other):
                return "eq"

            __hash__ = None

        a = ac.ones(2)
        assert a + Knows() == "radd"
        assert a * Knows() == "rmul"
        assert a @ Knows() == "rmatmul"
        assert a ** Knows() == "rpow"
        assert (a == Knows()) == "eq"


@pytest.mark.parametrize(
    ("expression", "node"),
    [
        (lambda a: a + 1, "AddBackward0"),
        (lambda a: 1 + a, "AddBackward0"),
        (lambda a: a + a, "AddBackward0"),
        (lambda a: a - 1, "SubBackward0"),
        (lambda a: 1 - a, "RsubBackward1"),
        (lambda a: a * 2, "MulBackward0"),
        (lambda a: 2 * a, "MulBackward0"),
        (lambda a: a / 2, "DivBackward0"),
        (lambda a: 2 / a, "MulBackward0"),
        (lambda a: a**2, "PowBackward0"),
        (lambda a: a**a, "PowBackward1"),
        (lambda a: 2**a, "PowBackward2"),
        (lambda a: a % 2, "RemainderBackward0"),
        (lambda a: -a, "NegBackward0"),
        (lambda a: abs(a), "AbsBackward0"),
        (lambda a: a @ a, "DotBackward0"),
        (lambda a: np.float64(2.0) * a, "MulBackward0"),
        (lambda a: np.float64(2.0) - a, "RsubBackward1"),
        (lambda a: np.int64(2) / a, "MulBackward0"),
        (lambda a: a > 1, None),
        (lambda a: a == a, None),
    ],
)
def test_nodes(expression, node):
    assert name(expression(leaf())) == node


class TestNumpyNumbers:
    """numpy's scalars would try to make arrays of us; they must not."""

    @pytest.mark.parametrize("number", [np.float64(2.0), np.int64(2), np.float32(2.0), np.bool_(True)])
    @pytest.mark.parametrize("op", [operator.add, operator.mul, operator.truediv])
    def test_give_tensors(self, op, number):
        for t in (leaf(FLOATS), leaf(2.0)):
            for found, expected in ((op(number, t), op(number.item(), t)), (op(t, number), op(t, number.item()))):
                assert type(found) is ac.Tensor
                assert found.requires_grad
                assert found.tolist() == expected.tolist()

    def test_zero_dimensional_arrays(self):
        with quiet():
            found = ac.tensor(FLOATS) * np.array(2.0)
        assert type(found) is ac.Tensor
        assert found.tolist() == [x * 2.0 for x in FLOATS]
