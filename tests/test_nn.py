"""nn.Module: members, conversion, printing, against torch."""

from collections import OrderedDict

import pytest
from module import ac
from nn_programs import nested, nn
from parity import assert_parity, attempt
from support import deviation, raises


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
