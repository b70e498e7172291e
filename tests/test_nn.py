"""nn: modules, containers, parameters, hooks, saving and loading, initial values, against torch."""

import copy
import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from parity import assert_parity, attempt
from support import collected, deviation, raises, weights

nn = ac.nn


# ------------------------------------------------------------------ models
class Scale(nn.Module):
    """A module of the module under test, at the top of this file so that it can be pickled."""

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = nn.Parameter(ac.tensor(factor))
        self.register_buffer("seen", ac.zeros(1))

    def forward(self, x):
        return self.factor * x


def tensor(m, shape, seed=0, requires_grad=False):
    return m.tensor(weights(shape, seed), requires_grad=requires_grad)


def linear(m, inputs, outputs, seed=0):
    """A Linear with the same weights in every module."""
    layer = m.nn.Linear(inputs, outputs)
    with m.no_grad():
        layer.weight.copy_(tensor(m, (outputs, inputs), seed))
        layer.bias.copy_(tensor(m, (outputs,), seed + 1))
    return layer


def nested(m):
    """A module with parameters, buffers of both kinds, a shared module, a shared parameter and a missing one."""

    class Inner(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = m.nn.Parameter(tensor(m, (2, 3)))
            self.register_parameter("bias", None)
            self.register_buffer("mean", tensor(m, (3,), 1))
            self.register_buffer("scratch", m.zeros(1), persistent=False)
            self.register_buffer("count", m.tensor(3))

        def forward(self, x):
            return (x * self.weight).sum() + self.mean.sum()

    class Outer(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Inner()
            self.second = self.first
            self.third = Inner()
            self.third.weight = self.first.weight
            self.gone = None
            self.register_module("missing", None)
            self.scale = m.nn.Parameter(m.tensor(1.5))

        def forward(self, x):
            return self.third(self.first(x) * self.scale)

    return Outer()


def leaf_module(m):
    module = m.nn.Module()
    module.weight = m.nn.Parameter(m.ones(2))
    module.register_buffer("mean", m.zeros(2))
    module.child = m.nn.ReLU()
    return module


# ------------------------------------------------------------------ members
def test_iterators(torch):
    def program(m):
        model = nested(m)
        members = []
        for method in ("named_parameters", "named_buffers"):
            for recurse in (True, False):
                for duplicates in (True, False):
                    found = getattr(model, method)(prefix="p", recurse=recurse, remove_duplicate=duplicates)
                    members.append([(name, x.detach()) for name, x in found])
        members.append([name for name, _ in model.named_modules()])
        members.append([name for name, _ in model.named_modules(prefix="m", remove_duplicate=False)])
        members.append([type(module).__name__ for module in model.modules()])
        members.append([name for name, _ in model.named_children()])
        members.append(len(list(model.children())))
        members.append([len(list(model.parameters(False))), len(list(model.buffers(True)))])
        return members

    assert_parity(program, torch)


ASSIGNMENTS = {
    "parameter": lambda m, x: m.nn.Parameter(m.ones(1)),
    "tensor": lambda m, x: m.ones(1),
    "non-leaf": lambda m, x: m.nn.Parameter(m.ones(1)) * 2,
    "module": lambda m, x: m.nn.Tanh(),
    "buffer": lambda m, x: m.nn.Buffer(m.ones(1), persistent=False),
    "none": lambda m, x: None,
    "number": lambda m, x: 3,
    "list": lambda m, x: [1],
}


@pytest.mark.parametrize("name", ["weight", "mean", "child", "fresh", "training", "forward"])
@pytest.mark.parametrize("kind", ASSIGNMENTS)
def test_setting_an_attribute(name, kind, torch):
    """What becomes of it, and what is refused in which words."""

    def program(m):
        module = leaf_module(m)
        done = attempt(lambda: setattr(module, name, ASSIGNMENTS[kind](m, module)))
        registered = module._parameters, module._buffers, module._modules
        return done, [list(each) for each in registered], name in module.__dict__, list(module.state_dict())

    assert_parity(program, torch)


REGISTRATIONS = {
    "buffer name": lambda m, x: x.register_buffer(3, m.ones(1)),
    "buffer point": lambda m, x: x.register_buffer("a.b", m.ones(1)),
    "buffer empty": lambda m, x: x.register_buffer("", m.ones(1)),
    "buffer taken": lambda m, x: x.register_buffer("weight", m.ones(1)),
    "buffer again": lambda m, x: x.register_buffer("mean", None),
    "buffer number": lambda m, x: x.register_buffer("b", 3),
    "buffer module": lambda m, x: x.register_buffer("b", m.nn.ReLU()),
    "parameter name": lambda m, x: x.register_parameter(None, None),
    "parameter point": lambda m, x: x.register_parameter("a.b", None),
    "parameter empty": lambda m, x: x.register_parameter("", None),
    "parameter taken": lambda m, x: x.register_parameter("mean", None),
    "parameter method": lambda m, x: x.register_parameter("forward", None),
    "parameter tensor": lambda m, x: x.register_parameter("p", m.ones(1)),
    "parameter number": lambda m, x: x.register_parameter("p", 1.0),
    "module name": lambda m, x: x.add_module(1, m.nn.ReLU()),
    "module point": lambda m, x: x.add_module("a.b", m.nn.ReLU()),
    "module empty": lambda m, x: x.add_module("", m.nn.ReLU()),
    "module taken": lambda m, x: x.register_module("mean", m.nn.ReLU()),
    "module tensor": lambda m, x: x.add_module("c", m.ones(1)),
    "module class": lambda m, x: x.add_module("c", m.nn.ReLU),
    "module none": lambda m, x: x.add_module("c", None),
    "delete parameter": lambda m, x: delattr(x, "weight"),
    "delete buffer": lambda m, x: delattr(x, "mean"),
    "delete module": lambda m, x: delattr(x, "child"),
    "delete ordinary": lambda m, x: delattr(x, "training"),
    "delete nothing": lambda m, x: delattr(x, "nothing"),
    "get nothing": lambda m, x: x.nothing,
    "train": lambda m, x: x.train("yes"),
    "init": lambda m, x: m.nn.Module(1),
    "init keyword": lambda m, x: m.nn.Module(a=1),
    "forward": lambda m, x: x(1),
    "submodule": lambda m, x: x.get_submodule("child.nothing"),
    "submodule tensor": lambda m, x: x.get_submodule("weight"),
    "submodule itself": lambda m, x: x.get_submodule("") is x,
    "get parameter": lambda m, x: x.get_parameter("weight"),
    "get parameter buffer": lambda m, x: x.get_parameter("mean"),
    "get parameter nothing": lambda m, x: x.get_parameter("child.nothing"),
    "get buffer": lambda m, x: x.get_buffer("mean"),
    "get buffer parameter": lambda m, x: x.get_buffer("weight"),
    "get buffer nothing": lambda m, x: x.get_buffer("nothing"),
    "set submodule": lambda m, x: x.set_submodule("child", m.nn.Tanh()),
    "set submodule new": lambda m, x: x.set_submodule("child.inner", m.nn.Tanh()),
    "set submodule strict": lambda m, x: x.set_submodule("child.inner", m.nn.Tanh(), strict=True),
    "set submodule weight": lambda m, x: x.set_submodule("weight", m.nn.Tanh()),
    "set submodule empty": lambda m, x: x.set_submodule("", m.nn.Tanh()),
    "set submodule number": lambda m, x: x.set_submodule("child", 1),
    "to int": lambda m, x: x.to(m.int64),
    "to double": lambda m, x: x.to(m.float64) is x,
    "to cpu": lambda m, x: x.to("cpu", m.float64) is x,
    "to keywords": lambda m, x: x.to(device="cpu", dtype=m.double) is x,
    "to tensor": lambda m, x: x.to(m.ones(1)) is x,
}


@pytest.mark.parametrize("what", REGISTRATIONS)
def test_registration(what, torch):
    def program(m):
        module = leaf_module(m)
        done = attempt(lambda: REGISTRATIONS[what](m, module))
        return done, repr(module), sorted(module.state_dict())

    assert_parity(program, torch)


def test_before_init(torch):
    """Registering wants Module.__init__ to have run."""

    def program(m):
        def module(value):
            class Early(m.nn.Module):
                def __init__(self):
                    self.x = value

            return Early()

        values = [m.nn.Parameter(m.ones(1)), m.nn.ReLU(), m.nn.Buffer(m.ones(1)), m.ones(1)]
        return [attempt(lambda: type(module(value).x).__name__) for value in values]

    assert_parity(program, torch)


def test_dir(torch):
    def program(m):
        module = leaf_module(m)
        module.add_module("0", m.nn.ReLU())
        own = set(dir(m.nn.Module))
        return [name for name in dir(module) if name not in own and not name.startswith("_")]

    assert_parity(program, torch)


@pytest.mark.parametrize("mode", [True, False])
def test_train_and_eval(mode):
    model = nested(ac)
    assert model.train(mode) is model
    assert {module.training for module in model.modules()} == {mode}
    assert model.eval() is model
    assert {module.training for module in model.modules()} == {False}


def test_apply_visits_inner_modules_first():
    seen = []
    model = nested(ac)
    assert model.apply(lambda module: seen.append(type(module).__name__)) is model
    assert seen == ["Inner", "Inner", "Outer"]


def test_requires_grad_and_zero_grad(torch):
    def program(m):
        model = nested(m)
        model(m.ones(2, 3)).backward()
        with_gradients = [x.grad for x in model.parameters()]
        model.zero_grad(set_to_none=False)
        zeros = [x.grad for x in model.parameters()]
        model.zero_grad()
        frozen = model.requires_grad_(False) is model
        flags = [x.requires_grad for x in model.parameters()]
        return with_gradients, zeros, [x.grad is None for x in model.parameters()], frozen, flags

    assert_parity(program, torch)


def test_zero_grad_of_a_recorded_gradient():
    p = nn.Parameter(ac.ones(2))
    module = nn.ParameterList([p])
    p.grad = ac.autograd.grad((p * p * p).sum(), p, create_graph=True)[0]
    module.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    assert not p.grad.requires_grad


class TestConversion:
    def test_keeps_parameters(self):
        model = nested(ac)
        before = list(model.parameters())
        for converted in (model.double(), model.cpu(), model.to(ac.float64)):
            assert converted is model
            assert all(a is b for a, b in zip(model.parameters(), before, strict=True))

    def test_leaves_integers(self):
        assert nested(ac).double().first.count.dtype is ac.int64

    @deviation("float32 stands for float64 here")
    @pytest.mark.parametrize("method", ["float", "half"])
    def test_to_dtypes_that_are_not_there(self, method):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ac.PrecisionWarning)
            model = getattr(nested(ac), method)()
        assert {x.dtype for x in model.parameters()} == {ac.float64}

    @deviation("torch says what it was compiled with")
    def test_cuda(self):
        with raises(RuntimeError, "autograd_c computes on the CPU only, there is no device 'cuda'"):
            nested(ac).cuda()


# ------------------------------------------------------------------ printing
PRINTED = {
    "empty": lambda m: m.nn.Module(),
    "linear": lambda m: m.nn.Linear(3, 2),
    "no bias": lambda m: m.nn.Linear(3, 2, bias=False),
    "identity": lambda m: m.nn.Identity(3, a=4),
    "nested": nested,
    "sequential": lambda m: m.nn.Sequential(m.nn.Linear(2, 3), m.nn.Sequential(m.nn.ReLU(), m.nn.Sequential())),
    "named": lambda m: m.nn.Sequential(OrderedDict(a=m.nn.ReLU(), b=m.nn.Tanh())),
    "list": lambda m: m.nn.ModuleList([m.nn.ReLU(), m.nn.ReLU(), m.nn.Tanh(), m.nn.Linear(1, 2)]),
    "list of blocks": lambda m: m.nn.ModuleList([m.nn.Sequential(m.nn.ReLU()) for _ in range(3)]),
    "empty list": lambda m: m.nn.ModuleList(),
    "dict": lambda m: m.nn.ModuleDict({"a": m.nn.ReLU(), "b": m.nn.ModuleList([m.nn.Tanh()])}),
    "parameters": lambda m: m.nn.ParameterList([m.zeros(2, 3), m.nn.Parameter(m.ones(())), 3, m.ones(1)]),
    "one parameter": lambda m: m.nn.ParameterList([m.zeros(2, 3)]),
    "parameter dict": lambda m: m.nn.ParameterDict({"b": m.zeros(2, 3), "a": "text"}),
    "flatten": lambda m: m.nn.Flatten(2),
    "unflatten": lambda m: m.nn.Unflatten(1, (2, 3)),
    "relu": lambda m: m.nn.ReLU(),
    "relu in place": lambda m: m.nn.ReLU(inplace=True),
    "leaky": lambda m: m.nn.LeakyReLU(0.2, True),
    "elu": lambda m: m.nn.ELU(),
    "elu in place": lambda m: m.nn.ELU(0.5, inplace=True),
    "silu": lambda m: m.nn.SiLU(True),
    "gelu": lambda m: m.nn.GELU("tanh"),
    "softplus": lambda m: m.nn.Softplus(2, threshold=10),
    "sigmoid": lambda m: m.nn.Sigmoid(),
    "logsigmoid": lambda m: m.nn.LogSigmoid(),
    "tanh": lambda m: m.nn.Tanh(),
    "softmax": lambda m: m.nn.Softmax(1),
    "log softmax": lambda m: m.nn.LogSoftmax(),
    "losses": lambda m: m.nn.ModuleList(
        [
            m.nn.BCELoss(m.ones(2)),
            m.nn.BCEWithLogitsLoss(),
            m.nn.MSELoss(reduction="sum"),
            m.nn.L1Loss(),
            m.nn.SmoothL1Loss(beta=2.0),
            m.nn.HuberLoss(delta=2.0),
            m.nn.CrossEntropyLoss(label_smoothing=0.1),
            m.nn.NLLLoss(ignore_index=1),
            m.nn.KLDivLoss(log_target=True),
        ]
    ),
}


@pytest.mark.parametrize("what", PRINTED)
def test_printed_form(what, torch):
    assert_parity(lambda m: repr(PRINTED[what](m)), torch)


def test_extra_repr_of_several_lines(torch):
    def program(m):
        class Lines(m.nn.Module):
            def extra_repr(self):
                return "one\n\ntwo"

        return repr(Lines()), repr(m.nn.Sequential(Lines()))

    assert_parity(program, torch)


# ------------------------------------------------------------------ containers
def numbered(m):
    return m.nn.Sequential(m.nn.ReLU(), m.nn.Tanh(), m.nn.Sigmoid(), m.nn.ELU())


CONTAINERS = {
    "getitem": lambda m, x: [repr(x[i]) for i in (0, -1, 3)],
    "slice": lambda m, x: repr(x[1:3]),
    "slice steps": lambda m, x: repr(x[::-2]),
    "out of range": lambda m, x: x[4],
    "below": lambda m, x: x[-5],
    "not an index": lambda m, x: x["a"],
    "setitem": lambda m, x: x.__setitem__(-1, m.nn.Softplus()),
    "setitem wrong": lambda m, x: x.__setitem__(0, 3),
    "setitem far": lambda m, x: x.__setitem__(9, m.nn.ReLU()),
    "delitem": lambda m, x: x.__delitem__(1),
    "delitem slice": lambda m, x: x.__delitem__(slice(0, 3, 2)),
    "append": lambda m, x: repr(x.append(m.nn.ReLU())),
    "append wrong": lambda m, x: x.append(3),
    "insert": lambda m, x: x.insert(1, m.nn.Softplus()) and None,
    "insert end": lambda m, x: x.insert(4, m.nn.Softplus()) and None,
    "extend": lambda m, x: repr(x.extend([m.nn.ReLU(), m.nn.Tanh()])),
    "pop": lambda m, x: repr(x.pop(1)),
    "pop last": lambda m, x: repr(x.pop(-1)),
    "pop slice": lambda m, x: repr(x.pop(slice(1, 3))),
    "length": lambda m, x: len(x),
    "iterate": lambda m, x: [repr(module) for module in x],
    "add": lambda m, x: repr(x + type(x)(*[m.nn.ReLU()] if isinstance(x, m.nn.Sequential) else [[m.nn.ReLU()]])),
    "add self": lambda m, x: repr(x.__iadd__(x[:2])),
    "dir": lambda m, x: [name for name in dir(x) if name.isdigit()],
}
SEQUENTIAL = {
    "insert negative": lambda m, x: x.insert(-1, m.nn.Softplus()) and None,
    "insert far": lambda m, x: x.insert(6, m.nn.Softplus()),
    "insert wrong": lambda m, x: attempt(lambda: x.insert(0, 3)).split(":")[0],
    "add wrong": lambda m, x: x + [m.nn.ReLU()],
    "times": lambda m, x: repr(x * 2),
    "times from the left": lambda m, x: repr(2 * x),
    "times in place": lambda m, x: repr(x.__imul__(3)),
    "times zero": lambda m, x: x * 0,
    "times text": lambda m, x: x * "a",
}
LIST = {"extend wrong": lambda m, x: x.extend(3), "add list": lambda m, x: repr(x + [m.nn.ReLU()])}


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("what", [*CONTAINERS, *SEQUENTIAL, *LIST])
def test_numbered_container(kind, what, torch):
    programs = CONTAINERS | (SEQUENTIAL if kind == "Sequential" else LIST)
    if what not in programs:
        pytest.skip("a method of the other container")

    def program(m):
        container = numbered(m) if kind == "Sequential" else m.nn.ModuleList(numbered(m))
        return attempt(lambda: programs[what](m, container)), repr(container), list(container._modules)

    assert_parity(program, torch)


def test_sequential_computes(torch):
    def program(m):
        model = m.nn.Sequential(OrderedDict(first=linear(m, 3, 4), act=m.nn.Tanh(), last=linear(m, 4, 2, 5)))
        x = tensor(m, (5, 3), requires_grad=True)
        y = model(x)
        y.sum().backward()
        return y, x.grad, [p.grad for p in model.parameters()], repr(model.first)

    assert_parity(program, torch, 1e-13)


def test_module_dict(torch):
    def program(m):
        d = m.nn.ModuleDict({"b": m.nn.ReLU(), "a": m.nn.Tanh()})
        d.update([("c", m.nn.ELU()), ["d", m.nn.Sigmoid()]])
        d.update(m.nn.ModuleDict({"e": m.nn.Softplus()}))
        d["f"] = m.nn.ReLU()
        del d["a"]
        return [
            list(d.keys()),
            [repr(v) for v in d.values()],
            [k for k, _ in d.items()],
            len(d),
            "b" in d,
            "a" in d,
            list(d),
            repr(d.pop("b")),
            attempt(lambda: d["b"]),
            attempt(lambda: d.pop("b")),
            attempt(lambda: d.update(3)),
            attempt(lambda: d.update([3])),
            attempt(lambda: d.update([(1, 2, 3)])),
            attempt(lambda: d.update({"x": 3})),
            attempt(lambda: d.update({"update": m.nn.ReLU()})),
            repr(d),
            [d.clear(), len(d)],
        ]

    assert_parity(program, torch)


def test_parameter_list(torch):
    def program(m):
        p = m.nn.ParameterList([m.ones(2), m.nn.Parameter(m.zeros(1)), 3])
        p.append(m.ones(1)).extend([m.zeros(2), "a"])
        p[0] = m.zeros(3)
        p += [m.ones(4)]
        p[-2] = 7
        return [
            len(p),
            [type(x).__name__ for x in p],
            [name for name, _ in p.named_parameters()],
            repr(p[1:3]),
            repr(p[::3]),
            attempt(lambda: p[9]),
            attempt(lambda: p.extend(3)),
            attempt(lambda: p.extend(m.ones(2))),
            attempt(lambda: p(1)),
            p[0],
            repr(p),
        ]

    assert_parity(program, torch)


def test_parameter_dict(torch):
    def program(m):
        d = m.nn.ParameterDict({"b": m.ones(1), "a": m.zeros(2)})
        d["c"] = 5
        d.update([("d", m.ones(3))])
        other = m.nn.ParameterDict(OrderedDict(z=m.ones(1), a=m.ones(2)))
        return [
            list(d),
            list(reversed(d)),
            [k for k, _ in d.items()],
            len(list(d.values())),
            list((d | other).keys()),
            list((other | d).keys()),
            d.get("nothing", 4),
            d.setdefault("e", 6),
            d.setdefault("e", 7),
            list(d.fromkeys(["x", "y"], 1).items()),
            d.pop("c"),
            d.popitem(),
            attempt(lambda: d["nothing"]),
            attempt(lambda: d.pop("nothing")),
            attempt(lambda: m.nn.ParameterDict().popitem()),
            attempt(lambda: d[3]),
            attempt(lambda: d.update(3)),
            attempt(lambda: d.update([3])),
            attempt(lambda: d.update([(1, 2, 3)])),
            attempt(lambda: d(1)),
            "a" in d,
            [name for name, _ in d.named_parameters()],
            d.copy()["a"] is d["a"],
            repr(d),
            [d.clear(), len(d)],
        ]

    assert_parity(program, torch)


# ------------------------------------------------------------------ parameters
class TestParameter:
    def test_form(self, torch):
        def program(m):
            p = m.nn.Parameter(m.tensor([1.0, 2.5]))
            q = m.nn.Parameter(m.tensor([1, 2]), requires_grad=False)
            return [
                repr(p),
                repr(q),
                repr(m.nn.Parameter()),
                p.requires_grad,
                p.is_leaf,
                isinstance(p, m.Tensor),
                isinstance(m.ones(1), m.nn.Parameter),
                isinstance(p * 1, m.nn.Parameter),
                type(p.data).__name__,
                type(p.detach()).__name__,
                attempt(lambda: m.nn.Parameter(m.tensor([1]))),
                attempt(lambda: m.nn.Parameter([1.0])),
                repr(p * 2),
            ]

        assert_parity(program, torch)

    def test_shares_memory(self):
        x = ac.ones(2)
        p = nn.Parameter(x)
        x[0] = 5.0
        assert p.tolist() == [5.0, 1.0]

    def test_of_a_result_is_a_leaf(self):
        p = nn.Parameter(ac.ones(2, requires_grad=True) * 2)
        assert p.is_leaf
        assert p.grad_fn is None

    def test_deepcopy(self, torch):
        """The values, without gradient, attributes and aliases."""

        def program(m):
            p = m.nn.Parameter(m.tensor([1.0, 2.0]))
            p.note = "a"
            p.grad = m.ones(2)
            one, two = copy.deepcopy([p, p])
            with m.no_grad():
                one[0] = 9.0
            return type(one).__name__, one is two, one.grad, hasattr(one, "note"), one.requires_grad, p, one

        assert_parity(program, torch)

    @pytest.mark.parametrize("requires_grad", [True, False])
    def test_pickle(self, requires_grad):
        p = nn.Parameter(ac.tensor([1.0, 2.0]), requires_grad)
        q = pickle.loads(pickle.dumps(p))
        assert isinstance(q, nn.Parameter)
        assert (q.tolist(), q.requires_grad) == ([1.0, 2.0], requires_grad)

    def test_buffer(self, torch):
        def program(m):
            module = m.nn.Module()
            module.a = m.nn.Buffer(m.ones(2))
            module.b = m.nn.Buffer(m.zeros(1), persistent=False)
            module.a = m.zeros(3)
            kinds = isinstance(module.b, m.nn.Buffer), isinstance(m.ones(1), m.nn.Buffer)
            return kinds, repr(module.b), list(module.state_dict()), [name for name, _ in module.named_buffers()]

        assert_parity(program, torch)


# ------------------------------------------------------------------ layers
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias, torch):
    def program(m):
        layer = linear(m, 3, 4)
        if not bias:
            layer.bias = None
        x = tensor(m, shape, 7, requires_grad=True)
        y = layer(x)
        y.backward(tensor(m, tuple(y.shape), 8))
        return y, x.grad, [p.grad for p in layer.parameters()]

    assert_parity(program, torch, 1e-13)


def test_linear_is_initialised_within_its_bounds():
    layer = nn.Linear(25, 400)
    for values in (to_numpy(layer.weight), to_numpy(layer.bias)):
        assert np.abs(values).max() <= 0.2
        assert np.abs(values).max() > 0.19
        assert abs(values.mean()) < 0.03


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors is a no-op")
def test_linear_without_inputs():
    layer = nn.Linear(0, 2)
    assert tuple(layer.weight.shape) == (2, 0)
    assert layer.bias.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("sizes", [(2, 3), (2, -1), (-1, 6), (6,), [3, 2], (2, 2), (4, -1), (-1, -1)])
@pytest.mark.parametrize("dim", [1, -1, 3])
def test_unflatten(sizes, dim, torch):
    def program(m):
        x = tensor(m, (2, 6), requires_grad=True)
        result = attempt(lambda: m.nn.Unflatten(dim, sizes)(x))
        return result if isinstance(result, str) and sizes != (-1, -1) else type(result).__name__, dim

    assert_parity(program, torch)


def test_unflatten_arguments(torch):
    def program(m):
        return attempt(lambda: m.nn.Unflatten(1, 3)), attempt(lambda: m.nn.Unflatten(1, (1, 2.0)))

    assert_parity(program, torch)


def test_flatten_and_unflatten_are_views():
    x = ac.ones(2, 6)
    nn.Unflatten(1, (2, 3))(x).zero_()
    assert x.sum().item() == 0.0
    assert tuple(nn.Flatten()(ac.ones(2, 3, 4)).shape) == (2, 12)


ACTIVATIONS = {
    "relu": lambda m: m.nn.ReLU(),
    "leaky": lambda m: m.nn.LeakyReLU(0.2),
    "elu": lambda m: m.nn.ELU(1.5),
    "silu": lambda m: m.nn.SiLU(),
    "gelu": lambda m: m.nn.GELU(),
    "gelu tanh": lambda m: m.nn.GELU("tanh"),
    "softplus": lambda m: m.nn.Softplus(2.0, 3.0),
    "sigmoid": lambda m: m.nn.Sigmoid(),
    "logsigmoid": lambda m: m.nn.LogSigmoid(),
    "tanh": lambda m: m.nn.Tanh(),
    "softmax": lambda m: m.nn.Softmax(dim=0),
    "log softmax": lambda m: m.nn.LogSoftmax(-1),
}


@pytest.mark.parametrize("what", ACTIVATIONS)
def test_activation(what, torch):
    def program(m):
        x = m.tensor([[-3.0, -0.5, 0.0], [0.25, 1.0, 4.0]], requires_grad=True)
        y = ACTIVATIONS[what](m)(x)
        y.backward(tensor(m, (2, 3)))
        return y, x.grad

    assert_parity(program, torch, 1e-12)


@pytest.mark.parametrize("name", ["ReLU", "LeakyReLU", "ELU", "SiLU"])
def test_activation_in_place(name, torch):
    def program(m):
        x = tensor(m, (3,), requires_grad=True)
        y = (x - 1.0) * 1.0
        z = getattr(m.nn, name)(inplace=True)(y)
        z.sum().backward()
        return z is y, y, x.grad

    assert_parity(program, torch, 1e-12)


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_softmax_without_a_dim_warns(name, torch):
    def program(m):
        with pytest.warns(UserWarning, match="Implicit dimension choice for"):
            return getattr(m.nn, name)()(tensor(m, (2, 3)))

    assert_parity(program, torch, 1e-12)


# ------------------------------------------------------------------ losses
def probabilities(m):
    return m.tensor([[0.2, 0.5, 0.9], [0.4, 0.1, 0.7]], requires_grad=True)


def classes(m):
    return m.tensor([2, 0])


LOSSES = {
    "bce": lambda m, r: m.nn.BCELoss(reduction=r)(probabilities(m), m.ones(2, 3)),
    "bce weight": lambda m, r: m.nn.BCELoss(tensor(m, (3,)), reduction=r)(probabilities(m), m.ones(2, 3)),
    "logits": lambda m, r: m.nn.BCEWithLogitsLoss(reduction=r)(probabilities(m), m.ones(2, 3)),
    "logits weights": lambda m, r: m.nn.BCEWithLogitsLoss(
        tensor(m, (2, 3)), reduction=r, pos_weight=tensor(m, (3,), 1)
    )(probabilities(m), m.ones(2, 3)),
    "mse": lambda m, r: m.nn.MSELoss(reduction=r)(probabilities(m), m.ones(2, 3)),
    "l1": lambda m, r: m.nn.L1Loss(reduction=r)(probabilities(m), m.ones(2, 3)),
    "smooth l1": lambda m, r: m.nn.SmoothL1Loss(reduction=r, beta=0.5)(probabilities(m), m.ones(2, 3)),
    "huber": lambda m, r: m.nn.HuberLoss(r, 0.5)(probabilities(m), m.ones(2, 3)),
    "cross entropy": lambda m, r: m.nn.CrossEntropyLoss(reduction=r)(probabilities(m), classes(m)),
    "cross entropy probabilities": lambda m, r: m.nn.CrossEntropyLoss(reduction=r)(
        probabilities(m), probabilities(m).detach()
    ),
    "cross entropy options": lambda m, r: m.nn.CrossEntropyLoss(
        tensor(m, (3,)), ignore_index=0, label_smoothing=0.1, reduction=r
    )(probabilities(m), classes(m)),
    "nll": lambda m, r: m.nn.NLLLoss(tensor(m, (3,)), ignore_index=1, reduction=r)(probabilities(m), classes(m)),
    "kl": lambda m, r: m.nn.KLDivLoss(reduction=r)(probabilities(m), probabilities(m).detach()),
    "kl log": lambda m, r: m.nn.KLDivLoss(reduction=r, log_target=True)(probabilities(m), probabilities(m).detach()),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "median"])
@pytest.mark.parametrize("what", LOSSES)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss by both")
def test_loss(what, reduction, torch):
    """Value and gradient with every reduction; a name that is none is refused in the call."""

    def program(m):
        loss = attempt(lambda: LOSSES[what](m, reduction))
        if isinstance(loss, str):
            return loss
        x = loss.grad_fn
        return loss, type(x).__name__

    assert_parity(program, torch, 1e-12)


@pytest.mark.parametrize("what", ["bce", "cross entropy", "kl", "huber"])
def test_loss_gradient(what, torch):
    def program(m):
        x = probabilities(m)
        losses = {
            "bce": lambda: m.nn.BCELoss()(x, m.ones(2, 3)),
            "cross entropy": lambda: m.nn.CrossEntropyLoss()(x, classes(m)),
            "kl": lambda: m.nn.KLDivLoss(reduction="batchmean")(x, m.ones(2, 3)),
            "huber": lambda: m.nn.HuberLoss()(x, m.zeros(2, 3)),
        }
        losses[what]().backward()
        return x.grad

    assert_parity(program, torch, 1e-12)


@pytest.mark.parametrize(
    "options",
    [{"size_average": False}, {"reduce": False}, {"size_average": True}, {"size_average": False, "reduce": True}],
)
def test_deprecated_options_of_losses(options, torch):
    def program(m):
        with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated") as seen:
            loss = m.nn.MSELoss(**options)
        return loss.reduction, str(seen[0].message)

    assert_parity(program, torch)


def test_weights_of_losses_are_buffers(torch):
    def program(m):
        losses = m.nn.BCEWithLogitsLoss(pos_weight=m.ones(2)), m.nn.CrossEntropyLoss(m.ones(3)), m.nn.BCELoss()
        refused = attempt(lambda: m.nn.NLLLoss(weight=3)), attempt(lambda: m.nn.HuberLoss(delta="a"))
        return [loss.state_dict() for loss in losses], refused

    assert_parity(program, torch)


# ------------------------------------------------------------------ hooks of a call
class TestForwardHooks:
    def test_order_and_results(self, torch):
        def program(m):
            layer = m.nn.ReLU()
            log = []
            layer.register_forward_pre_hook(lambda module, args: log.append(("pre", args[0].tolist())))
            layer.register_forward_pre_hook(lambda module, args: args[0] * 2, prepend=True)
            layer.register_forward_hook(lambda module, args, y: log.append(("after", args[0].tolist(), y.tolist())))
            layer.register_forward_hook(lambda module, args, y: y + 1)
            handle = layer.register_forward_hook(lambda module, args, y: y * 10, prepend=True)
            first = layer(m.tensor([1.0, -1.0]))
            handle.remove()
            handle.remove()
            return first, layer(m.tensor([1.0, -1.0])), log

        assert_parity(program, torch)

    def test_keywords(self, torch):
        def program(m):
            class Sum(m.nn.Module):
                def forward(self, x, *, y):
                    return x + y

            module = Sum()
            module.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"y": kwargs["y"] * 2}), with_kwargs=True)
            module.register_forward_hook(lambda mod, args, kwargs, z: z + kwargs["y"], with_kwargs=True)
            return module(m.ones(1), y=m.ones(1))

        assert_parity(program, torch)

    def test_wrong_result(self, torch):
        def program(m):
            layer = m.nn.ReLU()
            layer.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
            return attempt(lambda: layer(m.ones(1)))

        assert_parity(program, torch)

    def test_always_call(self, torch):
        def program(m):
            class Fails(m.nn.Module):
                def forward(self, x):
                    raise KeyError("a")

            module, log = Fails(), []
            module.register_forward_hook(lambda mod, args, y: log.append("skipped"))
            module.register_forward_hook(lambda mod, args, y: log.append(y), always_call=True)
            return attempt(lambda: module(m.ones(1))), log

        assert_parity(program, torch)

    def test_always_call_that_raises_warns(self, torch):
        def program(m):
            class Fails(m.nn.Module):
                def forward(self, x):
                    raise KeyError("a")

            module = Fails()
            module.register_forward_hook(lambda mod, args, y: 1 / 0, always_call=True)
            with pytest.warns(UserWarning, match="module forward hook with ``always_call=True`` raised") as seen:
                error = attempt(lambda: module(m.ones(1)))
            return error, str(seen[0].message)

        assert_parity(program, torch)

    def test_hook_that_removes_itself(self):
        layer, log = nn.ReLU(), []
        handle = layer.register_forward_hook(lambda *_: (log.append(1), handle.remove())[2:] or None)
        layer(ac.ones(1))
        layer(ac.ones(1))
        assert log == [1]


class TestBackwardHooks:
    def test_what_they_see(self, torch):
        def program(m):
            class Two(m.nn.Module):
                def forward(self, a, b, c, text):
                    return a * b * 2, c.detach(), text

            module, log = Two(), []
            module.register_full_backward_pre_hook(lambda mod, go: log.append(("pre", go)))
            module.register_full_backward_hook(lambda mod, gi, go: log.append(("full", gi, go)))
            a, b, c = (tensor(m, (2,), i, requires_grad=i < 2) for i in range(3))
            y, other, _ = module(a, b, c, "text")
            shown = repr(y)
            (y * 3).sum().backward()
            return log, a.grad, b.grad, shown, other

        assert_parity(program, torch)

    def test_replace_gradients(self, torch):
        def program(m):
            layer = linear(m, 2, 2)
            layer.register_full_backward_pre_hook(lambda mod, go: (go[0] * 10,))
            layer.register_full_backward_hook(lambda mod, gi, go: (gi[0] + 1,))
            layer.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 100,), prepend=True)
            x = tensor(m, (3, 2), requires_grad=True)
            layer(x).sum().backward()
            return x.grad, layer.weight.grad

        assert_parity(program, torch, 1e-13)

    @pytest.mark.parametrize("which", ["register_full_backward_hook", "register_full_backward_pre_hook"])
    def test_wrong_number(self, which, torch):
        def program(m):
            layer = m.nn.ReLU()
            getattr(layer, which)(lambda mod, *gradients: (m.ones(1), m.ones(1)))
            return attempt(lambda: layer(m.ones(1, requires_grad=True)).backward())

        assert_parity(program, torch)

    def test_without_inputs_that_need_gradients(self, torch):
        def program(m):
            layer, log = linear(m, 2, 2), []
            layer.register_full_backward_hook(lambda mod, gi, go: log.append((gi, go)))
            y = layer(m.ones(3, 2))
            with pytest.warns(UserWarning, match="Full backward hook is firing"):
                y.sum().backward()
            return log, layer.weight.grad

        assert_parity(program, torch)

    def test_of_second_order(self, torch):
        def program(m):
            layer, log = m.nn.Tanh(), []
            layer.register_full_backward_hook(lambda mod, gi, go: log.append((gi, go)))
            x = tensor(m, (2,), requires_grad=True)
            (g,) = m.autograd.grad(layer(x).sum(), x, create_graph=True)
            g.sum().backward()
            return log[0], g, x.grad

        assert_parity(program, torch, 1e-13)

    def test_nothing_is_recorded_without_grad_mode(self):
        layer = nn.ReLU()
        layer.register_full_backward_hook(lambda *_: pytest.fail("called"))
        with ac.no_grad():
            assert layer(ac.ones(1, requires_grad=True)).grad_fn is None

    def test_output_must_not_change_in_place(self, torch):
        def program(m):
            layer = m.nn.ReLU()
            layer.register_full_backward_hook(lambda mod, gi, go: None)
            y = layer(m.ones(1, requires_grad=True))
            return attempt(lambda: y.add_(1)).split(". ")[0]

        assert_parity(program, torch)

    @pytest.mark.skipif(IS_TORCH, reason="torch leaks a hook in a cycle")
    def test_hooks_in_a_cycle_are_collected(self):
        def build(token):
            layer = nn.ReLU()
            layer.register_full_backward_hook(lambda mod, gi, go, kept=(token, layer): None)
            layer.out = layer(ac.ones(1, requires_grad=True))

        assert collected(build)


# ------------------------------------------------------------------ saving and loading
LOADS = {
    "same": lambda m, s: s,
    "missing": lambda m, s: {k: v for k, v in s.items() if not k.endswith("mean")},
    "unexpected": lambda m, s: {**s, "more": m.ones(1), "first.more": m.ones(1), "fourth.weight": m.ones(1)},
    "both": lambda m, s: {"scale": m.tensor(2.0), "more.inner": m.ones(1)},
    "sizes": lambda m, s: {**s, "first.weight": m.ones(3, 2), "scale": m.ones(2)},
    "0-d from one": lambda m, s: {**s, "scale": m.tensor([4.0])},
    "not a tensor": lambda m, s: {**s, "scale": 3.0},
    "other dtype": lambda m, s: {**s, "scale": m.tensor(7), "first.count": m.tensor(2.7)},
    "empty": lambda m, s: {},
    "not a dict": lambda m, s: [1],
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("what", LOADS)
def test_load_state_dict(what, strict, assign, torch):
    def program(m):
        model, saved = nested(m), nested(m)
        with m.no_grad():
            for p in saved.parameters():
                p.mul_(3)
        result = attempt(lambda: model.load_state_dict(LOADS[what](m, saved.state_dict()), strict, assign))
        shown = result if isinstance(result, str) else (repr(result), result.missing_keys, result.unexpected_keys)
        return shown, list(model.state_dict().items()), [p.requires_grad for p in model.parameters()]

    assert_parity(program, torch)


def test_assign_takes_the_tensors_over():
    model, saved = nested(ac), nested(ac)
    state = saved.state_dict()
    model.load_state_dict(state, assign=True)
    assert isinstance(model.scale, nn.Parameter)
    assert model.scale.data_ptr() == state["scale"].data_ptr()
    assert model.first.mean is state["first.mean"] or model.third.mean is state["third.mean"]


def test_state_dict(torch):
    def program(m):
        model = nested(m)
        into = OrderedDict(before=1)
        assert model.state_dict(destination=into, prefix="p.") is into
        state = model.state_dict()
        kept = model.state_dict(keep_vars=True)["scale"]
        with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
            old = model.state_dict(OrderedDict(), "old.")
        return [
            list(state.items()),
            list(into),
            list(old),
            type(state).__name__,
            list(state._metadata.items()),
            state["scale"].requires_grad,
            kept is model.scale,
            state["scale"].data_ptr() == model.scale.data_ptr(),
        ]

    assert_parity(program, torch)


def test_state_dict_hooks(torch):
    def program(m):
        model, log = nested(m), []
        model.register_state_dict_pre_hook(lambda mod, prefix, keep: log.append(("pre", prefix, keep)))
        model.register_state_dict_post_hook(lambda mod, s, prefix, meta: log.append(("post", len(s), prefix, meta)))
        model._register_state_dict_hook(lambda mod, s, prefix, meta: {**s, "added": 1})
        model.register_load_state_dict_pre_hook(lambda mod, s, prefix, *rest: s.pop("added") and None)
        model.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
        state = model.state_dict()
        del state["scale"]
        loaded = attempt(lambda: repr(model.load_state_dict(state)))
        model.register_load_state_dict_post_hook(lambda mod, keys: 3)
        wrong = attempt(lambda: model.load_state_dict(model.state_dict()))
        model.register_state_dict_post_hook(lambda mod, s, prefix, meta: 3)
        return log, list(state), loaded, wrong, attempt(model.state_dict)

    assert_parity(program, torch)


def test_extra_state(torch):
    def program(m):
        class Counts(m.nn.Module):
            count = 0

            def get_extra_state(self):
                return {"count": self.count}

            def set_extra_state(self, state):
                self.count = state["count"]

        one, two = m.nn.Sequential(Counts()), m.nn.Sequential(Counts())
        one[0].count = 5
        state = one.state_dict()
        loaded = repr(two.load_state_dict(state))
        without = attempt(lambda: two.load_state_dict({}))
        refused = attempt(lambda: m.nn.Sequential(m.nn.ReLU()).load_state_dict(state))
        return list(state.items()), loaded, two[0].count, without, refused

    assert_parity(program, torch)


def test_overridden_load_from_state_dict(torch):
    """As classes do that rename what older versions saved."""

    def program(m):
        class Renamed(m.nn.Module):
            def __init__(self):
                super().__init__()
                self.new = m.nn.Parameter(m.zeros(2))

            def _load_from_state_dict(self, state_dict, prefix, metadata, *rest):
                if metadata.get("version", None) is None:
                    state_dict[prefix + "new"] = state_dict.pop(prefix + "old")
                super()._load_from_state_dict(state_dict, prefix, metadata, *rest)

        model = m.nn.Sequential(Renamed())
        return repr(model.load_state_dict({"0.old": m.ones(2)})), model[0].new

    assert_parity(program, torch)


class TestCopies:
    def test_deepcopy(self, torch):
        def program(m):
            model = nested(m)
            model(m.ones(2, 3)).backward()
            new = copy.deepcopy(model)
            with m.no_grad():
                new.scale.fill_(9.0)
            shared = new.first is new.second, new.third.weight is new.first.weight
            return shared, model.scale, new.scale, new.scale.grad, list(new.state_dict().items())

        assert_parity(program, torch)

    def test_copied_model_has_hooks_and_computes(self):
        model = nn.Sequential(nn.ReLU())
        model[0].register_forward_hook(double_output)
        assert copy.deepcopy(model)(ac.ones(1)).item() == 2.0

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, protocol):
        model = nn.Sequential(Scale(3.0), nn.ReLU())
        model[1].register_forward_hook(double_output)
        model[0].register_load_state_dict_pre_hook(ignore)
        model[0].factor.grad = ac.ones(())
        buffer = io.BytesIO()
        pickle.dump(model, buffer, protocol)
        new = pickle.loads(buffer.getvalue())
        assert repr(new) == repr(model)
        assert new(ac.tensor(2.0)).item() == 12.0
        assert list(new.state_dict()) == ["0.factor", "0.seen"]
        assert new[0].factor.grad is None
        assert new.load_state_dict(model.state_dict()).missing_keys == []

    def test_handle_can_be_pickled(self):
        layer = nn.ReLU()
        handle = layer.register_forward_hook(double_output)
        new_layer, new_handle = pickle.loads(pickle.dumps((layer, handle)))
        assert new_layer(ac.ones(1)).item() == 2.0
        new_handle.remove()
        assert new_layer(ac.ones(1)).item() == 1.0
        assert layer(ac.ones(1)).item() == 2.0


def double_output(module, args, output):
    return output * 2


def ignore(*args):
    return None


# ------------------------------------------------------------------ initial values
INITS = {
    "constant": lambda m, x: m.nn.init.constant_(x, 3.5),
    "ones": lambda m, x: m.nn.init.ones_(x),
    "zeros": lambda m, x: m.nn.init.zeros_(x),
    "eye": lambda m, x: m.nn.init.eye_(x),
}


@pytest.mark.parametrize("what", INITS)
def test_fixed_values(what, torch):
    def program(m):
        x = m.nn.Parameter(m.full((2, 3), 7.0))
        return INITS[what](m, x) is x, x, x.requires_grad, x.is_leaf

    assert_parity(program, torch)


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "nothing"])
@pytest.mark.parametrize("param", [None, 0.3, 2, True, "a"])
def test_calculate_gain(name, param, torch):
    assert_parity(lambda m: attempt(lambda: m.nn.init.calculate_gain(name, param)), torch, 1e-15)


def test_errors_of_initial_values(torch):
    def program(m):
        init = m.nn.init
        return [
            attempt(lambda: init.eye_(m.ones(2))),
            attempt(lambda: init.xavier_uniform_(m.ones(2))),
            attempt(lambda: init.kaiming_normal_(m.ones(2))),
            attempt(lambda: init.kaiming_uniform_(m.ones(2, 2), mode="fan")),
            attempt(lambda: init.kaiming_uniform_(m.ones(2, 2), nonlinearity="what")),
            attempt(lambda: init.orthogonal_(m.ones(2))),
        ]

    assert_parity(program, torch)


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_nothing_to_initialise_warns(name):
    x = ac.ones(0, 2)
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        assert getattr(nn.init, name)(x) is x


INITIALISED = (80, 40, 3)  # fan_in 120, fan_out 240
UNIFORM = {  # arguments, bound
    "uniform_": (dict(a=-2.0, b=2.0), 2.0),
    "xavier_uniform_": (dict(gain=2.0), 2 * np.sqrt(6 / 360)),
    "kaiming_uniform_": (dict(a=1.0), np.sqrt(3 / 120)),
    "kaiming_uniform_, out": (dict(mode="fan_out", nonlinearity="relu"), np.sqrt(6 / 240)),
}
NORMAL = {  # arguments, standard deviation
    "normal_": (dict(mean=0.0, std=3.0), 3.0),
    "xavier_normal_": (dict(), np.sqrt(2 / 360)),
    "kaiming_normal_": (dict(nonlinearity="tanh"), 5 / 3 / np.sqrt(120)),
}


@pytest.mark.parametrize("what", UNIFORM)
def test_uniform_values(what):
    """All within the bound, and some near to it."""
    options, bound = UNIFORM[what]
    x = nn.Parameter(ac.zeros(*INITIALISED))
    assert getattr(nn.init, what.split(",")[0])(x, **options) is x
    values = to_numpy(x)
    assert 0.99 * bound < np.abs(values).max() <= bound
    assert abs(values.mean()) < 0.05 * bound
    np.testing.assert_allclose(values.std(), bound / np.sqrt(3), rtol=0.03)


@pytest.mark.parametrize("what", NORMAL)
def test_normal_values(what):
    options, std = NORMAL[what]
    x = nn.Parameter(ac.zeros(*INITIALISED))
    assert getattr(nn.init, what)(x, **options) is x
    values = to_numpy(x)
    np.testing.assert_allclose(values.std(), std, rtol=0.03)
    assert abs(values.mean()) < 0.05 * std
    assert np.abs(values).max() > 2.5 * std


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-0.5, 1.0), (1.5, 3.0), (-0.1, 0.1)])
def test_truncated_normal_values(low, high):
    """Moments of the truncated distribution, by numerical integration."""
    x = nn.Parameter(ac.zeros(200, 100))
    assert nn.init.trunc_normal_(x, a=low, b=high) is x
    values = to_numpy(x)
    assert low <= values.min() <= values.max() <= high
    grid = np.linspace(low, high, 10001)
    density = np.exp(-(grid**2) / 2)
    mean = (grid * density).sum() / density.sum()
    std = np.sqrt(((grid - mean) ** 2 * density).sum() / density.sum())
    assert abs(values.mean() - mean) < 5 * std / np.sqrt(values.size)
    np.testing.assert_allclose(values.std(), std, rtol=0.03)


def test_truncation_far_from_the_mean_warns():
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        nn.init.trunc_normal_(ac.zeros(2), mean=9.0)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (4, 2, 3)])
def test_orthogonal_values(shape):
    x = nn.Parameter(ac.zeros(*shape))
    assert nn.init.orthogonal_(x, gain=2.0) is x
    matrix = to_numpy(x).reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


# ------------------------------------------------------------------ utils
@pytest.mark.parametrize("norm", [2.0, 1, 3, float("inf")])
@pytest.mark.parametrize("bound", [0.5, 100.0])
def test_clip_grad_norm(norm, bound, torch):
    def program(m):
        parameters = [m.nn.Parameter(tensor(m, shape)) for shape in [(2, 3), (4,), ()]]
        for i, p in enumerate(parameters[:2]):
            p.grad = tensor(m, tuple(p.shape), i + 5)
        total = m.nn.utils.clip_grad_norm_(iter(parameters), bound, norm)
        return total, [p.grad for p in parameters]

    assert_parity(program, torch, 1e-13)


def test_clip_grad_norm_of_what_cannot_be(torch):
    def program(m):
        clip = m.nn.utils.clip_grad_norm_
        p = m.nn.Parameter(m.ones(2))
        nothing = clip(p, 1.0)
        with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
            empty = clip((x for x in ()), 1.0)
        p.grad = m.tensor([1.0, float("inf")])
        refused = attempt(lambda: clip(p, 1.0, error_if_nonfinite=True))
        return nothing, empty, refused, p.grad, clip([p], 1.0), p.grad

    assert_parity(program, torch)


def test_clip_grad_value(torch):
    def program(m):
        p = m.nn.Parameter(m.ones(3))
        p.grad = m.tensor([-5.0, 0.5, 7.0])
        m.nn.utils.clip_grad_value_([p, m.nn.Parameter(m.ones(1))], 2)
        first = p.grad.clone()
        m.nn.utils.clip_grad_value_(p, 0.1)
        return first, p.grad

    assert_parity(program, torch)


def test_parameters_and_vector(torch):
    def program(m):
        parameters = [m.nn.Parameter(tensor(m, shape, i)) for i, shape in enumerate([(2, 3), (4,), ()])]
        vector = m.nn.utils.parameters_to_vector(parameters)
        (vector**2).sum().backward()
        new = m.arange(11.0)
        m.nn.utils.vector_to_parameters(new, parameters)
        new[0] = 50.0
        refused = attempt(lambda: m.nn.utils.vector_to_parameters([1.0], parameters))
        return vector, [p.grad for p in parameters], parameters, [p.is_leaf for p in parameters], refused

    assert_parity(program, torch)
