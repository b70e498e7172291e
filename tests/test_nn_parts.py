"""nn: containers, parameters, layers and losses, against torch."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from module import ac, to_numpy
from nn_programs import linear, nn, tensor
from parity import assert_parity, attempt


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
