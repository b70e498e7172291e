"""How tensors print: literal strings for every rule, then random tensors against torch."""

import importlib
import math
import random

import pytest
from module import IS_TORCH, ac
from support import deviation, leaf, raises, unchanged

# In torch, two of the three are not public.
options_of = importlib.import_module("torch._tensor_str") if IS_TORCH else ac
get_printoptions, printoptions = options_of.get_printoptions, options_of.printoptions

inf, nan = math.inf, math.nan

# Values and what torch 2.13 prints for them when its default dtype is float64.
GOLDEN = {
    # 0-d
    "0d_integral": (3.0, "tensor(3.)"),
    "0d_fraction": (0.5, "tensor(0.5000)"),
    "0d_rounded": (3.14159265, "tensor(3.1416)"),
    "0d_zero": (0.0, "tensor(0.)"),
    "0d_negative_zero": (-0.0, "tensor(-0.)"),
    "0d_nan": (nan, "tensor(nan)"),
    "0d_inf": (-inf, "tensor(-inf)"),
    "0d_int": (-7, "tensor(-7)"),
    "0d_bool": (True, "tensor(True)"),
    "0d_largest_not_scientific": (1e8, "tensor(100000000.)"),
    "0d_beyond": (100000001.0, "tensor(1.0000e+08)"),
    "0d_smallest_not_scientific": (1e-4, "tensor(0.0001)"),
    "0d_below": (9.9e-5, "tensor(9.9000e-05)"),
    "0d_subnormal": (5e-324, "tensor(4.9407e-324)"),
    "0d_huge": (-1e300, "tensor(-1.0000e+300)"),
    # empty
    "empty": ([], "tensor([])"),
    "empty_2d": ([[], []], "tensor([], size=(2, 0))"),
    # integral: a point and no digits; nan and inf without the point
    "integral": ([1.0, 2.0, 3.0], "tensor([1., 2., 3.])"),
    "integral_width": ([1.0, -20.0, 300.0], "tensor([  1., -20., 300.])"),
    "integral_nan_inf": ([1.0, nan, inf, -inf], "tensor([1., nan, inf, -inf])"),
    "integral_max": ([1e8, 1e5], "tensor([100000000.,    100000.])"),
    # zeros, nan and inf have no say in the width
    "all_zero": ([0.0, -0.0, 0.0], "tensor([0., -0., 0.])"),
    "all_zero_wraps_at_24": (
        [0.0] * 25,
        """\
tensor([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.,
        0.])""",
    ),
    "no_finite": ([nan, inf, -inf, 0.0], "tensor([nan, inf, -inf, 0.])"),
    "nan_wider_than_the_rest": ([1.0, nan, 2.0], "tensor([1., nan, 2.])"),
    # fractions
    "fraction": ([0.5, -1.25, 100.0], "tensor([  0.5000,  -1.2500, 100.0000])"),
    "fraction_rounding": ([0.12345, 0.00015, 2.99996], "tensor([1.2345e-01, 1.5000e-04, 3.0000e+00])"),
    "fraction_nan_inf": ([0.5, nan, -inf, 0.0], "tensor([0.5000,    nan,   -inf, 0.0000])"),
    # scientific: max/min > 1000, max > 1e8 or min < 1e-4
    "ratio_1000": ([0.001, 1.0], "tensor([0.0010, 1.0000])"),
    "ratio_above_1000": ([0.001, 1.001], "tensor([1.0000e-03, 1.0010e+00])"),
    "ratio_integral": ([1.0, 1001.0], "tensor([1.0000e+00, 1.0010e+03])"),
    "ratio_ignores_zero": ([0.0, 1.0, 1000.0], "tensor([   0.,    1., 1000.])"),
    "ratio_overflows": ([5e-324, 1e300], "tensor([4.9407e-324, 1.0000e+300])"),
    "large": ([1e8 + 1, 1e8], "tensor([1.0000e+08, 1.0000e+08])"),
    "small": ([9e-5, 9e-5], "tensor([9.0000e-05, 9.0000e-05])"),
    "scientific_three_digit_exponent": (
        [1e-100, -1.0, 0.0, nan],
        "tensor([1.0000e-100, -1.0000e+00,  0.0000e+00,         nan])",
    ),
    # int64 and bool
    "ints": ([1, -200, 30], "tensor([   1, -200,   30])"),
    "int_extremes": (
        [9223372036854775807, -9223372036854775808],
        "tensor([ 9223372036854775807, -9223372036854775808])",
    ),
    "bools": ([True, False], "tensor([ True, False])"),
    "all_true": (
        [[True], [True]],
        """\
tensor([[True],
        [True]])""",
    ),
    # more dimensions
    "matrix": (
        [[1.0, 2.0], [3.0, 4.5]],
        """\
tensor([[1.0000, 2.0000],
        [3.0000, 4.5000]])""",
    ),
    "cube": (
        [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        """\
tensor([[[1, 2],
         [3, 4]],

        [[5, 6],
         [7, 8]]])""",
    ),
    "four": (
        [[[[1.0]], [[2.0]]], [[[3.0]], [[nan]]]],
        """\
tensor([[[[1.]],

         [[2.]]],


        [[[3.]],

         [[nan]]]])""",
    ),
    "column": (
        [[1.5], [2.5], [-3.5]],
        """\
tensor([[ 1.5000],
        [ 2.5000],
        [-3.5000]])""",
    ),
    # line wrapping
    "wrap_floats": (
        [i / 4 for i in range(20)],
        """\
tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000,
        2.2500, 2.5000, 2.7500, 3.0000, 3.2500, 3.5000, 3.7500, 4.0000, 4.2500,
        4.5000, 4.7500])""",
    ),
    "wrap_exactly_fits": (
        [i / 4 for i in range(9)],
        "tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000])",
    ),
    "wrap_ints": (
        list(range(30)),
        """\
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])""",
    ),
    "wrap_matrix": (
        [[float(100 * i + j) for j in range(20)] for i in range(2)],
        """\
tensor([[  0.,   1.,   2.,   3.,   4.,   5.,   6.,   7.,   8.,   9.,  10.,  11.,
          12.,  13.,  14.,  15.,  16.,  17.,  18.,  19.],
        [100., 101., 102., 103., 104., 105., 106., 107., 108., 109., 110., 111.,
         112., 113., 114., 115., 116., 117., 118., 119.]])""",
    ),
    "wrap_cube": (
        [[[i * j * 1e5 for j in range(9)]] for i in range(1, 3)],
        """\
tensor([[[      0.,  100000.,  200000.,  300000.,  400000.,  500000.,  600000.,
           700000.,  800000.]],

        [[      0.,  200000.,  400000.,  600000.,  800000., 1000000., 1200000.,
          1400000., 1600000.]]])""",
    ),
    # more than 1000 elements: three at each end, and statistics over those alone
    "summary": ([float(i) for i in range(1001)], "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])"),
    "summary_ints": (list(range(1001)), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    "summary_bools": ([False] * 1001, "tensor([False, False, False,  ..., False, False, False])"),
    "summary_statistics": ([1.0] * 500 + [1e300, 0.5] + [1.0] * 500, "tensor([1., 1., 1.,  ..., 1., 1., 1.])"),
    "summary_edge_statistics": (
        [1.0] * 1000 + [1e300],
        """\
tensor([ 1.0000e+00,  1.0000e+00,  1.0000e+00,  ...,  1.0000e+00,
         1.0000e+00, 1.0000e+300])""",
    ),
    "summary_matrix": (
        [[float(i + j) for j in range(40)] for i in range(40)],
        """\
tensor([[ 0.,  1.,  2.,  ..., 37., 38., 39.],
        [ 1.,  2.,  3.,  ..., 38., 39., 40.],
        [ 2.,  3.,  4.,  ..., 39., 40., 41.],
        ...,
        [37., 38., 39.,  ..., 74., 75., 76.],
        [38., 39., 40.,  ..., 75., 76., 77.],
        [39., 40., 41.,  ..., 76., 77., 78.]])""",
    ),
    "summary_rows": (
        [[i, -i] for i in range(600)],
        """\
tensor([[   0,    0],
        [   1,   -1],
        [   2,   -2],
        ...,
        [ 597, -597],
        [ 598, -598],
        [ 599, -599]])""",
    ),
    "summary_long_rows": (
        [list(range(501)), list(range(501, 1002))],
        """\
tensor([[   0,    1,    2,  ...,  498,  499,  500],
        [ 501,  502,  503,  ...,  999, 1000, 1001]])""",
    ),
    "summary_cube": (
        [[[1000 * i + 10 * j + k for k in range(80)] for j in range(7)] for i in range(2)],
        """\
tensor([[[   0,    1,    2,  ...,   77,   78,   79],
         [  10,   11,   12,  ...,   87,   88,   89],
         [  20,   21,   22,  ...,   97,   98,   99],
         ...,
         [  40,   41,   42,  ...,  117,  118,  119],
         [  50,   51,   52,  ...,  127,  128,  129],
         [  60,   61,   62,  ...,  137,  138,  139]],

        [[1000, 1001, 1002,  ..., 1077, 1078, 1079],
         [1010, 1011, 1012,  ..., 1087, 1088, 1089],
         [1020, 1021, 1022,  ..., 1097, 1098, 1099],
         ...,
         [1040, 1041, 1042,  ..., 1117, 1118, 1119],
         [1050, 1051, 1052,  ..., 1127, 1128, 1129],
         [1060, 1061, 1062,  ..., 1137, 1138, 1139]]])""",
    ),
    "summary_wide": (
        [[i * 1e-7 for i in range(1, 1002)]],
        """\
tensor([[1.0000e-07, 2.0000e-07, 3.0000e-07,  ..., 9.9900e-05, 1.0000e-04,
         1.0010e-04]])""",
    ),
}


@pytest.fixture(autouse=True)
def default_options():
    yield
    ac.set_printoptions(profile="default")


class DoubleIt(ac.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


# ------------------------------------------------------------------ elements and layout


@pytest.mark.parametrize(("values", "expected"), GOLDEN.values(), ids=GOLDEN.keys())
def test_golden(values, expected):
    assert repr(ac.tensor(values)) == str(ac.tensor(values)) == expected


@pytest.mark.parametrize(("values", "expected"), GOLDEN.values(), ids=GOLDEN.keys())
def test_golden_is_what_torch_prints(torch, values, expected):
    assert repr(torch.tensor(values)) == expected


def test_full_up_to_the_threshold():
    assert repr(ac.tensor([0.0] * 1000)).count("0.") == 1000


def test_strides_are_followed():
    assert repr(ac.tensor([[1, 2], [3, 4]]).t()) == "tensor([[1, 3],\n        [2, 4]])"


def test_only_the_edges_are_fetched():
    huge = ac.tensor([1.5]).expand(10**12)
    assert repr(huge) == "tensor([1.5000, 1.5000, 1.5000,  ..., 1.5000, 1.5000, 1.5000])"


# ------------------------------------------------------------------ suffixes


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: ac.zeros(2, 0, 3), "tensor([], size=(2, 0, 3))"),
        (lambda: ac.zeros(0, dtype=ac.int64), "tensor([], dtype=torch.int64)"),
        (lambda: ac.zeros(0, 2, dtype=ac.bool), "tensor([], size=(0, 2), dtype=torch.bool)"),
        (lambda: ac.zeros(2, 0, requires_grad=True), "tensor([], size=(2, 0), requires_grad=True)"),
        (lambda: leaf([]), "tensor([], requires_grad=True)"),
        (lambda: leaf([1.0, 2.5]), "tensor([1.0000, 2.5000], requires_grad=True)"),
        (lambda: leaf([1.0, 2.5]).detach(), "tensor([1.0000, 2.5000])"),
        (lambda: leaf([0.0]).exp(), "tensor([1.], grad_fn=<ExpBackward0>)"),
        (lambda: leaf([0.0, 4.0]).sum(), "tensor(4., grad_fn=<SumBackward0>)"),
        (lambda: DoubleIt.apply(leaf([1.5])), "tensor([3.], grad_fn=<DoubleItBackward>)"),
        (lambda: leaf([nan, nan, nan, *[0.0] * 9]), f"tensor([{'nan, ' * 3}{'0., ' * 8}0.], requires_grad=True)"),
        (
            lambda: leaf([nan, nan, nan, nan, *[0.0] * 8]),
            f"tensor([{'nan, ' * 4}{'0., ' * 7}0.],\n       requires_grad=True)",
        ),
        (
            lambda: ac.zeros(*[0] * 20, requires_grad=True).exp(),
            f"tensor([], size=({'0, ' * 19}0),\n       grad_fn=<ExpBackward0>)",
        ),
        (lambda: ac.tensor([[1.0], [2.0]], requires_grad=True), "tensor([[1.],\n        [2.]], requires_grad=True)"),
    ],
)
def test_suffixes(make, expected):
    assert repr(make()) == expected


def test_each_suffix_may_take_its_own_line():
    with printoptions(edgeitems=0, linewidth=35):
        expected = "tensor([0., 0., 0., 0., 0.],\n       size=(5,),\n       requires_grad=True)"
        assert repr(ac.zeros(5, requires_grad=True)) == expected


def test_a_view_whose_graph_cannot_be_rebuilt():
    base = leaf([1.0, 2.0]).clone()
    with ac.no_grad():
        view = base[:1]
        view.mul_(2.0)
    assert repr(view) == "tensor([2.], grad_fn=<Invalid>)"


def test_tangents():
    forward_ad = ac.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(ac.tensor([1.0, 2.0]), ac.tensor([0.5, 0.0]))
        assert repr(dual) == "tensor([1., 2.], tangent=tensor([0.5000, 0.0000]))"
        total = (dual * leaf([2.0, 3.0])).sum()
        assert repr(total) == "tensor(8., grad_fn=<SumBackward0>, tangent=1.0)", "a 0-d tangent prints as its number"
    assert repr(dual) == "tensor([1., 2.])"


def test_parameter():
    class Weight(ac.nn.Parameter):
        pass

    values = ac.tensor([1.0, 2.0])
    assert repr(ac.nn.Parameter(values)) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert repr(Weight(values)) == "Parameter containing:\nParameter(Weight([1., 2.], requires_grad=True))"


def test_printing_leaves_the_autograd_state_alone():
    x = leaf([1.0, 2.0])
    y = x.exp()
    node = y.grad_fn
    with unchanged(x, y):
        repr(x), repr(y), f"{y[0]}"
    assert y.grad_fn is node
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([math.e, math.e**2])


# ------------------------------------------------------------------ format()


def test_0d_formats_as_its_number():
    assert f"{ac.tensor(3.14159):.2f}" == "3.14"
    assert f"{ac.tensor(2.0, requires_grad=True):8.1e}" == " 2.0e+00"
    assert f"{ac.tensor(0.5)} {ac.tensor(7)} {ac.tensor(True)}" == "0.5 7 True"
    assert f"{ac.tensor(7):03d}" == "007"


def test_others_format_as_objects():
    assert f"{ac.tensor([1.0, 2.0])}" == "tensor([1., 2.])"
    assert f"{ac.nn.Parameter(ac.tensor(1.0))}" == "Parameter containing:\ntensor(1., requires_grad=True)"
    with pytest.raises(TypeError, match=r"unsupported format string passed to Tensor\.__format__"):
        format(ac.tensor([1.0]), ".2f")
    with pytest.raises(TypeError, match=r"unsupported format string passed to Parameter\.__format__"):
        format(ac.nn.Parameter(ac.tensor(1.0)), ".2f")


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({"precision": 2}, [1.12345, 2.0], "tensor([1.12, 2.00])"),
        ({"precision": 0}, [1.5, 2.0], "tensor([2, 2])"),
        ({"sci_mode": True}, [1.0, 0.0], "tensor([1.0000e+00, 0.0000e+00])"),
        ({"sci_mode": True}, [0.0, nan], "tensor([0., nan])"),
        ({"sci_mode": False}, [1e-9, 1e9 + 0.5], "tensor([         0.0000, 1000000000.5000])"),
        ({"threshold": 5}, [0, 1, 2, 3, 4, 5, 6], "tensor([0, 1, 2,  ..., 4, 5, 6])"),
        ({"threshold": 5}, [0, 1, 2, 3, 4, 5], "tensor([0, 1, 2, 3, 4, 5])"),
        ({"threshold": 0}, 1.0, "tensor(1.)"),
        ({"threshold": 2, "edgeitems": 1}, [[1, 2], [3, 4], [5, 6]], "tensor([[1, 2],\n        ...,\n        [5, 6]])"),
        ({"threshold": 2, "edgeitems": 0}, [1, 2, 3], "tensor([...], size=(3,))"),
        ({"threshold": 2, "edgeitems": 0}, [[1, 2, 3]], "tensor([...], size=(1, 3))"),
        ({"edgeitems": 0}, [1, 2], "tensor([1, 2], size=(2,))"),
        ({"linewidth": 12}, [1, 2, 3], "tensor([1,\n        2,\n        3])"),
        ({"linewidth": 1}, [1], "tensor([1])"),
        ({"profile": "short"}, [0.125] * 1001, "tensor([0.12, 0.12,  ..., 0.12, 0.12])"),
    ],
)
def test_options(options, values, expected):
    with printoptions(**options):
        assert repr(ac.tensor(values)) == expected


def test_full_profile_never_summarises():
    with printoptions(profile="full"):
        assert repr(ac.tensor([7] * 3000)).count("7") == 3000


def test_get_and_set():
    default = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
    assert get_printoptions() == default
    ac.set_printoptions(profile="short", precision=7, sci_mode=True)
    changed = {"precision": 7, "threshold": 1000, "edgeitems": 2, "linewidth": 80, "sci_mode": True}
    assert get_printoptions() == changed
    ac.set_printoptions()
    assert get_printoptions() == {**changed, "sci_mode": None}, "sci_mode alone is reset when left out"
    ac.set_printoptions(**default)
    assert get_printoptions() == default
    get_printoptions()["precision"] = 1
    assert get_printoptions() == default, "what is returned is a copy"


def test_options_nest_and_are_restored_after_an_error():
    before = get_printoptions()
    with printoptions(precision=1):
        with printoptions(threshold=2, sci_mode=True):
            assert get_printoptions() == {**before, "precision": 1, "threshold": 2, "sci_mode": True}
        assert get_printoptions() == {**before, "precision": 1}
        with pytest.raises(ZeroDivisionError), printoptions(precision=2):
            raise ZeroDivisionError
        assert get_printoptions() == {**before, "precision": 1}
    assert get_printoptions() == before


def test_unknown_option():
    before = get_printoptions()
    with pytest.raises(TypeError, match="digits"), printoptions(digits=1):
        pass
    assert get_printoptions() == before


@deviation("torch ignores an unknown profile")
def test_unknown_profile():
    before = get_printoptions()
    with raises(ValueError, "profile must be one of 'default', 'short', 'full', but got 'long'"):
        ac.set_printoptions(precision=1, profile="long")
    assert get_printoptions() == before


# ------------------------------------------------------------------ random tensors against torch

EDGES = [0.0, -0.0, nan, inf, -inf, 5e-324, 1e-310, 1e300, -1e300, 1e8, 1e8 + 1, 1e-4, 9.99999e-5, 1e3, 1001.0, 0.99996]

ELEMENTS = {
    "digits": lambda rng: float(rng.randint(-9, 9)),
    "integral": lambda rng: float(rng.randint(-(10**17), 10**17) // 10 ** rng.randint(0, 17)),
    "normal": lambda rng: rng.gauss(0, 1),
    "magnitudes": lambda rng: rng.gauss(0, 1) * 10.0 ** rng.randint(-6, 9),
    "all doubles": lambda rng: math.ldexp(rng.random(), rng.randint(-1074, 1023)),
    "thresholds": lambda rng: rng.choice([1e-4, 0.1, 1.0, 100.0, 1000.0, 1e8]) * rng.choice([1, -1]),
    "edges": lambda rng: rng.choice(EDGES),
    "nonfinite": lambda rng: rng.choice(EDGES[:5]),
    "int64": lambda rng: rng.randint(-(10**18), 10**18) // 10 ** rng.randint(0, 18),
    "bool": lambda rng: rng.random() < 0.5,
}

OPTIONS = {
    "precision": [0, 2, 7],
    "threshold": [0, 20, 5000, inf],
    "edgeitems": [0, 1, 2, 5],
    "linewidth": [1, 40, 100],
    "profile": ["default", "short", "full"],
    "sci_mode": [True, False],
}


def random_shape(rng):
    dim = rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5])
    longest = [0, 1500, 45, 13, 8, 5][dim]
    return [0 if rng.random() < 0.02 else rng.randint(1, rng.choice([3, longest])) for _ in range(dim)]


def assert_same(torch, rng, elements, **options):
    shape = random_shape(rng)
    values = [ELEMENTS[elements](rng) for _ in range(math.prod(shape))]
    dtype = elements if elements in ("int64", "bool") else "float64"
    swap = shape and rng.random() < 0.3

    def text(lib):
        t = lib.tensor(values, dtype=getattr(lib, dtype)).reshape(shape)
        lib.set_printoptions(**options)
        try:
            return repr(t.transpose(0, -1) if swap else t)
        finally:
            lib.set_printoptions(profile="default")

    assert text(ac) == text(torch)


@pytest.mark.parametrize("elements", ELEMENTS)
@pytest.mark.parametrize("seed", range(40))
def test_random_tensors(torch, seed, elements):
    assert_same(torch, random.Random(f"{seed} {elements}"), elements)


@pytest.mark.parametrize("elements", ELEMENTS)
@pytest.mark.parametrize("seed", range(20))
def test_random_options(torch, seed, elements):
    rng = random.Random(f"{seed} {elements} options")
    options = {name: rng.choice(choices) for name, choices in OPTIONS.items() if rng.random() < 0.4}
    assert_same(torch, rng, elements, **options)
