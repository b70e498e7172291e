"""Random numbers: what the functions take and refuse, and what autograd sees."""

import math

import numpy as np
import pytest
from module import IS_TORCH, ac
from support import (
    LEAF_IN_PLACE,
    LEAF_VIEW_IN_PLACE,
    OVERLAPPING_WRITE,
    deviation,
    leaf,
    name,
    raises,
    unchanged,
)


@pytest.fixture(autouse=True)
def _seed():
    ac.manual_seed(20240607)


NO_INTEGER = "random_ expects 'from' to be less than 'to', but got from={} >= to={}"


# ------------------------------------------------------------------ arguments
NEW = {
    "rand": lambda *size, **kw: ac.rand(*size, **kw),
    "randn": lambda *size, **kw: ac.randn(*size, **kw),
}


@pytest.mark.parametrize(("function", "make"), NEW.items(), ids=NEW)
class TestNew:
    def test_sizes(self, function, make):
        for size in ((), (0,), (3,), (2, 3), (2, 0, 3)):
            for t in (make(size), make(list(size)), make(size=size), *([make(*size)] if size else [])):
                assert tuple(t.shape) == size
                assert t.dtype is ac.float64
                assert t.is_contiguous()
                assert (t._version, t.is_leaf, t.requires_grad) == (0, True, False)

    def test_options(self, function, make):
        t = make(2, dtype=ac.float64, layout=ac.strided, device="cpu", pin_memory=False, requires_grad=True)
        assert t.requires_grad
        assert t.is_leaf
        assert not make(2, requires_grad=None).requires_grad

    def test_refused(self, function, make):
        overload = f"{function}() received an invalid combination of arguments - got ("
        with raises(TypeError, overload + "), but expected one of:"):
            make()
        for key, value, kind in (
            ("requires_grad", 3, "int"), ("generator", 3, "int"), ("dtype", 3, "int"), ("layout", "a", "str"),
            ("pin_memory", 1, "int"),
        ):  # fmt: skip
            with raises(TypeError, f"{overload}int, {key}={kind}), but expected one of:"):
                make(2, **{key: value})
        with raises(TypeError, f"{function}(): argument 'size' (position 1) must be tuple of ints, not str"):
            make("a")
        with raises(TypeError, f"{function}(): argument 'size' (position 1) must be tuple of ints, not float"):
            make(2.5)
        with raises(RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"):
            make(-1)
        with raises(RuntimeError, "Storage size calculation overflowed with sizes=[4611686018427387904, 4]"):
            make(2**62, 4)
        operation = {"rand": "check_uniform_bounds", "randn": "normal_kernel_cpu"}[function]
        for dtype, what in ((ac.int64, "Long"), (ac.bool, "Bool")):
            with raises(NotImplementedError, f"\"{operation}\" not implemented for '{what}'"):
                make(2, dtype=dtype)


@pytest.mark.parametrize("function", ["rand_like", "randn_like", "randint_like"])
class TestLike:
    def make(self, function, x, **kw):
        return getattr(ac, function)(x, *((5,) if function == "randint_like" else ()), **kw)

    def test_layout(self, function):
        x = ac.ones(2, 3).t()
        assert self.make(function, x).stride() == (1, 3)
        assert self.make(function, x, memory_format=ac.contiguous_format).stride() == (2, 1)
        assert self.make(function, ac.empty(0, 3)).shape == (0, 3)
        assert self.make(function, ac.tensor(1.0)).shape == ()

    def test_options(self, function):
        t = self.make(function, leaf())
        assert (t.requires_grad, t._version, t.is_leaf) == (False, 0, True)
        assert self.make(function, leaf(), requires_grad=True).requires_grad
        assert self.make(function, ac.arange(3), dtype=ac.float64).dtype is ac.float64

    def test_refused(self, function):
        with raises(TypeError, f"{function}() received an invalid combination of arguments - got (Tensor"):
            self.make(function, ac.ones(2), requires_grad=3)
        with pytest.raises(TypeError):
            self.make(function, 3)


# fmt: off
ERRORS = {
    "normal std": (lambda x: x.normal_(0.0, -1.0), RuntimeError, "normal expects std >= 0.0, but found std -1"),
    "normal nan": (lambda x: x.normal_(0.0, math.nan), RuntimeError, "normal expects std >= 0.0, but found std nan"),
    "normal text": (lambda x: x.normal_("a"), TypeError, "normal_(): argument 'mean' (position 1) must be float"),
    "normal int": (lambda x: ac.ones(3).long().normal_(), NotImplementedError,
                   "\"normal_kernel_cpu\" not implemented for 'Long'"),
    "uniform order": (lambda x: x.uniform_(2.0, 1.0), RuntimeError,
                      "uniform_ expects to return a [from, to) range, but found from=2 > to=1"),
    "uniform nan": (lambda x: x.uniform_(math.nan, 1.0), RuntimeError, "from is out of bounds for double"),
    "uniform inf": (lambda x: x.uniform_(0.0, math.inf), RuntimeError, "to is out of bounds for double"),
    "uniform wide": (lambda x: x.uniform_(-1e308, 1e308), RuntimeError,
                     "uniform_ expects to-from <= std::numeric_limits<Double>::max(), but found to=1e+308 and "
                     "from=-1e+308 which result in to-from to exceed the limit"),
    "uniform text": (lambda x: x.uniform_(0.0, "a"), TypeError, "uniform_(): argument 'to' (position 2) must be float"),
    "uniform grad": (lambda x: x.uniform_(ac.tensor(0.0, requires_grad=True)), TypeError,
                     "uniform_(): argument 'from' (position 1) must be float, not Tensor"),
    "uniform name": (lambda x: x.uniform_(a=1), TypeError, "uniform_() got an unexpected keyword argument 'a'"),
    "uniform int": (lambda x: ac.ones(3).bool().uniform_(), NotImplementedError,
                    "\"check_uniform_bounds\" not implemented for 'Bool'"),
    "uniform generator": (lambda x: x.uniform_(generator=3), TypeError,
                          "uniform_(): argument 'generator' must be torch.Generator, not int"),
    "random order": (lambda x: x.random_(2, 1), RuntimeError, NO_INTEGER.format(2, 1)),
    "random zero": (lambda x: x.random_(0), RuntimeError, NO_INTEGER.format(0, 0)),
    "random float": (lambda x: x.random_(1.5), TypeError,
                     "random_() received an invalid combination of arguments - got (float), but expected one of:"),
    "random from": (lambda x: x.random_(**{"from": 1}), TypeError,
                    "random_() received an invalid combination of arguments - got (from=int, ), but expected one of:"),
    "random large": (lambda x: x.random_(2**63), ValueError, "Overflow when unpacking long long"),
    "random beyond": (lambda x: x.random_(2**55, None), RuntimeError, "random_ expects 'from' casted to dtype to be "
                      "less than or equal to 'to_inc' casted to dtype, but got from=36028797018963968 > "
                      "to_inc=9007199254740992"),
    "random bool": (lambda x: x.bool().random_(0, 3), RuntimeError, "to - 1 is out of bounds for bool"),
    "randint bool": (lambda x: ac.randint(-1, 2, (2,), dtype=ac.bool), RuntimeError, "from is out of bounds for bool"),
    "randint order": (lambda x: ac.randint(5, 2, (2,)), RuntimeError, NO_INTEGER.format(5, 2)),
    "randint float": (lambda x: ac.randint(5.5, (2,)), TypeError,
                      "randint(): argument 'high' (position 1) must be int, not float"),
    "randint size": (lambda x: ac.randint(5, 2), TypeError,
                     "randint(): argument 'size' (position 2) must be tuple of ints, not int"),
    "randint none": (lambda x: ac.randint(5), TypeError,
                     "randint() received an invalid combination of arguments - got (int), but expected one of:"),
    "randint large": (lambda x: ac.randint(2**63, (2,)), ValueError, "Overflow when unpacking long long"),
    "randint grad": (lambda x: ac.randint(5, (2,), requires_grad=True), RuntimeError,
                     "Only Tensors of floating point and complex dtype can require gradients"),
    "randint_like": (lambda x: ac.randint_like(x), TypeError,
                     "randint_like() received an invalid combination of arguments - got (Tensor), but expected"),
    "randperm negative": (lambda x: ac.randperm(-1), RuntimeError,
                          "Trying to create tensor with negative dimension -1: [-1]"),
    "randperm float": (lambda x: ac.randperm(2.5), TypeError,
                       "randperm(): argument 'n' (position 1) must be int, not float"),
    "randperm bool": (lambda x: ac.randperm(4, dtype=ac.bool), NotImplementedError,
                      "\"randperm\" not implemented for 'Bool'"),
    "randperm generator": (lambda x: ac.randperm(4, generator=3), TypeError,
                           "randperm() received an invalid combination of arguments - got (int, generator=int), but "),
    "bernoulli p": (lambda x: x.bernoulli_(2.0), RuntimeError, "bernoulli_ expects p to be in [0, 1], but got p=2"),
    "bernoulli nan": (lambda x: x.bernoulli_(math.nan), RuntimeError,
                      "bernoulli_ expects p to be in [0, 1], but got p=nan"),
    "bernoulli tensor": (lambda x: x.bernoulli_(ac.tensor([0.0, 1.0, 3.0])), RuntimeError,
                         "Expected p_in >= 0 && p_in <= 1 to be true, but got false."),
    "bernoulli text": (lambda x: x.bernoulli_("a"), TypeError,
                       "bernoulli_() received an invalid combination of arguments - got (str), but expected one of:"),
    "bernoulli int": (lambda x: x.bernoulli_(ac.tensor([0, 1, 1])), NotImplementedError,
                      "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'"),
    "bernoulli sizes": (lambda x: x.bernoulli_(ac.zeros(2)), RuntimeError,
                        "The expanded size of the tensor (3) must match the existing size (2) at non-singleton"),
    "bernoulli out": (lambda x: ac.bernoulli(x), RuntimeError,
                      "Expected p_in >= 0 && p_in <= 1 to be true, but got false."),
    "bernoulli of int": (lambda x: ac.bernoulli(x.long()), NotImplementedError,
                         "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'"),
    "bernoulli number": (lambda x: ac.bernoulli(0.5), TypeError,
                         "bernoulli(): argument 'input' (position 1) must be Tensor, not float"),
    "exponential": (lambda x: x.exponential_(0.0), RuntimeError,
                    "exponential_ expects lambda > 0.0, but found lambda=0"),
    "exponential int": (lambda x: x.long().exponential_(), RuntimeError, "Exponential distribution is a continuous "
                        "probability distribution. dtype must be a floating point but you specified Long"),
    "log_normal": (lambda x: x.log_normal_(1.0, 0.0), RuntimeError, "log_normal_ expects std > 0.0, but found std=0"),
    "log_normal int": (lambda x: x.long().log_normal_(), NotImplementedError,
                       "\"log_normal_cpu\" not implemented for 'Long'"),
    "geometric 0": (lambda x: x.geometric_(0.0), RuntimeError, "geometric_ expects p to be in (0, 1), but got p=0"),
    "geometric 1": (lambda x: x.geometric_(1.0), RuntimeError, "geometric_ expects p to be in (0, 1), but got p=1"),
    "geometric bool": (lambda x: x.bool().geometric_(0.5), NotImplementedError,
                       "\"geometric_cpu\" not implemented for 'Bool'"),
    "cauchy": (lambda x: x.cauchy_(1.0, 0.0), RuntimeError, "cauchy_ expects sigma > 0.0, but found sigma=0"),
    "cauchy int": (lambda x: x.long().cauchy_(), RuntimeError, "Cauchy distribution is a continuous probability "
                   "distribution. dtype must be a floating point but you specified long int"),
    "normal of none": (lambda x: ac.normal(), TypeError,
                       "normal() received an invalid combination of arguments - got (), but expected one of:"),
    "normal of one": (lambda x: ac.normal(0.0), TypeError, "normal(): argument 'mean' (position 1) must be Tensor"),
    "normal of numbers": (lambda x: ac.normal(0.0, 1.0), TypeError, "normal() received an invalid combination of "
                          "arguments - got (float, float), but expected one of:"),
    "normal grad": (lambda x: ac.normal(x, requires_grad=True), TypeError, "normal() received an invalid combination "
                    "of arguments - got (Tensor, requires_grad=bool), but expected one of:"),
    "normal stds": (lambda x: ac.normal(x, ac.tensor([1.0, -1.0, 1.0])), RuntimeError,
                    "normal expects all elements of std >= 0.0"),
    "normal nans": (lambda x: ac.normal(0.0, ac.tensor([math.nan])), RuntimeError,
                    "normal expects all elements of std >= 0.0"),
    "normal sizes": (lambda x: ac.normal(x, ac.ones(4)), RuntimeError,
                     "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0"),
    "normal ints": (lambda x: ac.normal(x.long(), 1.0), NotImplementedError,
                    "\"normal_kernel_cpu\" not implemented for 'Long'"),
    "multinomial int": (lambda x: ac.multinomial(x.long(), 1), RuntimeError,
                        "multinomial only supports floating-point dtypes for input, got: Long"),
    "multinomial 0-d": (lambda x: ac.multinomial(ac.tensor(1.0), 1), RuntimeError, "prob_dist must be 1 or 2 dim"),
    "multinomial 3-d": (lambda x: ac.multinomial(ac.ones(1, 2, 3), 1), RuntimeError, "prob_dist must be 1 or 2 dim"),
    "multinomial none": (lambda x: ac.multinomial(x, 0), RuntimeError, "cannot sample n_sample <= 0 samples"),
    "multinomial many": (lambda x: ac.multinomial(x, 4), RuntimeError,
                         "cannot sample n_sample > prob_dist.size(-1) samples without replacement"),
    "multinomial negative": (lambda x: ac.multinomial(-x, 1), RuntimeError,
                             "probability tensor contains either `inf`, `nan` or element < 0"),
    "multinomial nan": (lambda x: ac.multinomial(x / 0 * 0, 1), RuntimeError,
                        "probability tensor contains either `inf`, `nan` or element < 0"),
    "multinomial zero": (lambda x: ac.multinomial(x * 0, 1), RuntimeError,
                         "invalid multinomial distribution (sum of probabilities <= 0)"),
    "multinomial float": (lambda x: ac.multinomial(x, 1.5), TypeError,
                          "multinomial(): argument 'num_samples' (position 2) must be int, not float"),
    "multinomial replacement": (lambda x: ac.multinomial(x, 1, 3), TypeError,
                                "multinomial(): argument 'replacement' (position 3) must be bool, not int"),
}
# fmt: on


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS)
def test_refused(call, kind, sentence):
    """In torch's words, before anything is changed: neither the tensor nor the state of the generator."""
    x = ac.tensor([1.0, 2.0, 3.0])
    before = ac.get_rng_state().tolist()
    if IS_TORCH:  # which has drawn some numbers by the time it finds a wrong probability
        with raises(kind, sentence):
            call(x)
        return
    with unchanged(x), raises(kind, sentence):
        call(x)
    assert ac.get_rng_state().tolist() == before


def test_parameters_are_checked_for_empty_tensors():
    with raises(RuntimeError, "normal expects std"):
        ac.empty(0).normal_(0.0, -1.0)
    with raises(RuntimeError, "random_ expects"):
        ac.randint(0, (0,))


# ------------------------------------------------------------------ autograd
IN_PLACE = {
    "uniform_": (lambda x: x.uniform_(), "UniformBackward0"),
    "normal_": (lambda x: x.normal_(), "NormalBackward0"),
    "random_": (lambda x: x.random_(), "RandomBackward2"),
    "random_ to": (lambda x: x.random_(2), "RandomBackward1"),
    "random_ from": (lambda x: x.random_(1, 2), "RandomBackward0"),
    "exponential_": (lambda x: x.exponential_(), "ExponentialBackward0"),
    "log_normal_": (lambda x: x.log_normal_(), "LogNormalBackward0"),
    "geometric_": (lambda x: x.geometric_(0.5), "GeometricBackward0"),
    "cauchy_": (lambda x: x.cauchy_(), "CauchyBackward0"),
    "bernoulli_": (lambda x: x.bernoulli_(0.5), "BernoulliBackward2"),
    "bernoulli_ tensor": (lambda x: x.bernoulli_(ac.full((3,), 0.5)), "BernoulliBackward1"),
}


@pytest.mark.parametrize(("change", "node"), IN_PLACE.values(), ids=IN_PLACE)
class TestInPlace:
    def test_gradient_is_zero(self, change, node):
        a = leaf()
        y = a * 2
        assert change(y) is y
        assert name(y) == node
        assert y._version == 1
        (gradient,) = ac.autograd.grad(y.sum(), a)
        assert gradient.tolist() == [0.0] * 3

    def test_what_was_there_is_stale(self, change, node):
        y = (leaf() * 2).exp()
        change(y)
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            y.sum().backward()
        x = ac.ones(3)
        z = leaf() * x
        change(x)
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            z.sum().backward()

    def test_view(self, change, node):
        a = leaf((1.0, 2.0, 3.0, 4.0, 5.0))
        y = a * 2
        change(y[1:4])
        assert name(y) == "CopySlices"
        (gradient,) = ac.autograd.grad(y.sum(), a)
        assert gradient.tolist() == [2.0, 0.0, 0.0, 0.0, 2.0]

    def test_scalar_of_its_own_result(self, change, node):
        if node == "BernoulliBackward1":  # its probabilities are 3
            return
        a = ac.tensor(0.5, requires_grad=True)
        y = a.exp()
        z = y * 1
        change(y)
        assert y.grad_fn is not None
        assert name(y) == node
        with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
            z.backward()

    def test_leaf(self, change, node):
        a = leaf()
        with unchanged(a), raises(RuntimeError, LEAF_IN_PLACE):
            change(a)
        with unchanged(a), raises(RuntimeError, LEAF_VIEW_IN_PLACE):
            change(a.view(3))
        with ac.no_grad():
            change(a)
        assert a.is_leaf
        assert a._version == 1

    def test_overlap(self, change, node):
        x = ac.ones(1)
        with unchanged(x), raises(RuntimeError, OVERLAPPING_WRITE):
            change(x.expand(3))

    def test_inference(self, change, node):
        with ac.inference_mode():
            x = ac.ones(3)
            change(x)
        with raises(RuntimeError, "Inplace update to inference tensor outside InferenceMode is not allowed"):
            change(x)

    def test_tangent_is_zero(self, change, node):
        forward = ac.autograd.forward_ad
        with forward.dual_level():
            d = forward.make_dual(ac.ones(3), ac.ones(3))
            assert forward.unpack_dual(change(d)).tangent.tolist() == [0.0] * 3

    def test_empty(self, change, node):
        if node != "BernoulliBackward1":
            assert change(ac.empty(0, 3)).shape == (0, 3)

    def test_frees_what_it_no_longer_needs(self, change, node):
        y = leaf() * 2
        change(y)
        y.sum().backward()


OUT_OF_PLACE = {
    "bernoulli": (lambda a, b: ac.bernoulli(a), "BernoulliBackward0", (0,)),
    "normal mean": (lambda a, b: ac.normal(a, 1.0), "NormalBackward1", (0,)),
    "normal default": (lambda a, b: ac.normal(a), "NormalBackward1", (0,)),
    "normal std": (lambda a, b: ac.normal(0.0, b), "NormalBackward2", (1,)),
    "normal both": (lambda a, b: ac.normal(a, b), "NormalBackward3", (0, 1)),
}


@pytest.mark.parametrize(("draw", "node", "inputs"), OUT_OF_PLACE.values(), ids=OUT_OF_PLACE)
class TestOutOfPlace:
    def test_gradient_is_zero(self, draw, node, inputs):
        tensors = ac.full((2, 1), 0.5, requires_grad=True), ac.full((3,), 0.25, requires_grad=True)
        y = draw(*tensors)
        assert name(y) == node
        assert (y._version, y.is_contiguous()) == (0, True)
        assert len(y.grad_fn.next_functions) == len(inputs)
        wanted = [tensors[i] for i in inputs]
        for gradient, tensor in zip(ac.autograd.grad(y.sum(), wanted), wanted, strict=True):
            assert gradient.shape == tensor.shape
            assert not gradient.any()

    def test_without_recording(self, draw, node, inputs):
        tensors = leaf((0.5, 0.5)), leaf((0.5, 0.5))
        with ac.no_grad():
            assert not draw(*tensors).requires_grad
        assert not draw(*(t.detach() for t in tensors)).requires_grad

    def test_tangent_is_zero(self, draw, node, inputs):
        forward = ac.autograd.forward_ad
        with forward.dual_level():
            d = forward.make_dual(ac.full((2,), 0.5), ac.ones(2))
            assert forward.unpack_dual(draw(d, d)).tangent.tolist() == [0.0] * 2


def test_probabilities_that_require_grad():
    p = ac.full((3,), 0.5, requires_grad=True)
    y = ac.ones(2, 3).bernoulli_(p)
    assert name(y) == "BernoulliBackward1"
    (gradient,) = ac.autograd.grad(y.sum(), p)
    assert gradient.tolist() == [0.0] * 3


def test_bernoulli_with_one_p_is_not_differentiable():
    y = ac.bernoulli(leaf(), 0.5)
    assert y.requires_grad
    with raises(RuntimeError, "derivative for aten::bernoulli is not implemented"):
        y.sum().backward()
    forward = ac.autograd.forward_ad
    with forward.dual_level(), raises(NotImplementedError, "Trying to use forward AD with aten::bernoulli that does"):
        ac.bernoulli(forward.make_dual(ac.ones(2), ac.ones(2)), 0.5)
    assert ac.bernoulli(ac.tensor([3, 4]), 1.0).tolist() == [1, 1]


@deviation("torch writes to read-only memory")
def test_read_only_memory():
    array = np.ones(3)
    array.flags.writeable = False
    with raises(RuntimeError, "the tensor's memory is read-only"):
        ac.from_numpy(array).normal_()
    assert array.tolist() == [1.0] * 3


def test_shared_memory_is_filled_where_it_lies():
    array = np.zeros((4, 6))
    ac.from_numpy(array)[1:3, ::2].uniform_(1.0, 2.0)
    assert ((array >= 1.0) == np.outer([0, 1, 1, 0], [1, 0, 1, 0, 1, 0]).astype(bool)).all()
