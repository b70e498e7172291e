"""optim: steps, groups, hooks, saving and loading, against torch."""

import copy
import importlib
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from module import ac
from parity import assert_parity, attempt
from support import deviation, raises, weights

STEPS = 50
CLOSE = 1e-12


def parameters(m):
    return [m.nn.Parameter(m.tensor(weights(shape, i))) for i, shape in enumerate([(2, 3), (4,), (), (0, 2)])]


def loss_of(m, params):
    """Neither quadratic nor convex, so that gradients change with every step; the last parameter has none."""
    a, b, c, _ = params
    return ((a.sin() @ a.T).sum() * c + (b**3).sum() * 0.1 - (c * b).exp().mean()) * 0.3


def train(m, make, steps=STEPS):
    """The parameters after each step, and the final state."""
    params = parameters(m)
    optimizer = make(m, params)
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(m, params).backward()
        optimizer.step()
        path.append([p.detach().clone() for p in params])
    return path, optimizer.state_dict()["state"]


# ------------------------------------------------------------------ steps
SGD_OPTIONS = {
    "defaults": {},
    "lr": dict(lr=0.01),
    "momentum": dict(lr=0.01, momentum=0.9),
    "dampening": dict(lr=0.01, momentum=0.9, dampening=0.3),
    "decay": dict(lr=0.01, weight_decay=0.1),
    "nesterov": dict(lr=0.01, momentum=0.8, nesterov=True, weight_decay=0.01),
    "maximize": dict(lr=0.001, maximize=True, weight_decay=0.1, momentum=0.5),
    "foreach": dict(lr=0.01, momentum=0.9, foreach=True),
    "fused": dict(lr=0.01, momentum=0.9, fused=True),
    "not foreach": dict(lr=0.01, momentum=0.9, foreach=False, fused=False),
}
ADAM_OPTIONS = {
    "defaults": {},
    "lr": dict(lr=0.05),
    "betas": dict(lr=0.05, betas=(0.3, 0.7)),
    "small betas": dict(lr=0.01, betas=(0.0, 0.5)),
    "eps": dict(lr=0.05, eps=0.1),
    "decay": dict(lr=0.05, weight_decay=0.1),
    "decoupled": dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True),
    "amsgrad": dict(lr=0.05, amsgrad=True, betas=(0.5, 0.6)),
    "maximize": dict(lr=0.001, maximize=True, weight_decay=0.1),
    "foreach": dict(lr=0.05, amsgrad=True, foreach=True),
    "fused": dict(lr=0.05, fused=True),
}


@pytest.mark.parametrize("options", SGD_OPTIONS.values(), ids=SGD_OPTIONS)
def test_sgd(options, torch):
    assert_parity(lambda m: train(m, lambda m, params: m.optim.SGD(params, **options)), torch, CLOSE)


@pytest.mark.parametrize("name", [name for name in ADAM_OPTIONS if name != "fused"])
def test_adam(name, torch):
    assert_parity(lambda m: train(m, lambda m, params: m.optim.Adam(params, **ADAM_OPTIONS[name])), torch, CLOSE)


def test_adam_fused(torch):
    """As the plain one; torch counts its steps in another dtype then, so not the state."""
    assert_parity(lambda m: train(m, lambda m, p: m.optim.Adam(p, lr=0.05, fused=True))[0], torch, CLOSE)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_lr_as_a_tensor(name, torch):
    def program(m):
        return train(m, lambda m, params: getattr(m.optim, name)(params, lr=m.tensor([0.01]), weight_decay=0.1))

    assert_parity(program, torch, CLOSE)


def test_betas_as_tensors(torch):
    def program(m):
        return train(m, lambda m, params: m.optim.Adam(params, betas=(m.tensor(0.8), m.tensor([0.9]))))

    assert_parity(program, torch, CLOSE)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_groups_have_options_of_their_own(name, torch):
    def make(m, params):
        groups = [{"params": params[:1], "lr": 0.1, "weight_decay": 0.2}, {"params": params[1]}]
        optimizer = getattr(m.optim, name)(groups, lr=0.01)
        optimizer.add_param_group({"params": iter(params[2:]), "maximize": True})
        return optimizer

    assert_parity(lambda m: train(m, make), torch, CLOSE)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_lr_may_change_on_the_way(name, torch):
    def program(m):
        params = parameters(m)
        optimizer = getattr(m.optim, name)(params, lr=0.01)
        for i in range(10):
            optimizer.param_groups[0]["lr"] = 0.1 / (i + 1)
            optimizer.zero_grad(set_to_none=False)
            loss_of(m, params).backward()
            optimizer.step()
        return params, [p.grad for p in params]

    assert_parity(program, torch, CLOSE)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", dict(momentum=0.9, dampening=0.1)),
        ("SGD", dict(momentum=0.9, nesterov=True, weight_decay=0.1)),
        ("Adam", {}),
        ("Adam", dict(weight_decay=0.1)),
    ],
)
def test_differentiable(name, options, torch):
    """Gradients of a loss after some steps with respect to the values before them and to lr."""

    def program(m):
        lr = m.tensor(0.1, requires_grad=True)
        start = m.tensor(weights((3,)), requires_grad=True)
        p = start.clone()
        p.retain_grad()
        optimizer = getattr(m.optim, name)([p], lr=lr, differentiable=True, **options)
        for i in range(3):
            p.grad = (start * (i + 1)).cos()
            optimizer.step()
        return p, m.autograd.grad((p**2).sum(), [start, lr])

    if name == "SGD" and options.get("momentum") and not options.get("nesterov"):
        # Its momentum, multiplied by lr and changed in the next step: refused by both.
        assert_parity(lambda m: attempt(lambda: program(m)).split(":")[0], torch)
    else:
        assert_parity(program, torch, CLOSE)


@deviation("torch changes what it saved, and raises in backward")
def test_differentiable_amsgrad():
    """By central differences."""

    def final(lr):
        p = ac.tensor(weights((3,))) * 1.0
        optimizer = ac.optim.Adam([p], lr=lr, differentiable=True, amsgrad=True, betas=(0.5, 0.5))
        for i in range(4):
            p.grad = ac.tensor(weights((3,), i) / (i + 1))
            optimizer.step()
        return (p**2).sum()

    lr = ac.tensor(0.1, requires_grad=True)
    final(lr).backward()
    h = 1e-5
    slope = (final(ac.tensor(0.1 + h)) - final(ac.tensor(0.1 - h))) / (2 * h)
    np.testing.assert_allclose(lr.grad.item(), slope.item(), rtol=1e-8)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_closure(name, torch):
    def program(m):
        params, log = parameters(m), []
        optimizer = getattr(m.optim, name)(params, lr=0.1)

        def closure():
            log.append(m.is_grad_enabled())
            optimizer.zero_grad()
            loss = loss_of(m, params)
            loss.backward()
            return loss

        with m.no_grad():
            first = optimizer.step(closure)
        return first, optimizer.step(closure), optimizer.step(), log, m.is_grad_enabled(), params

    assert_parity(program, torch, CLOSE)


def test_a_step_is_not_recorded_and_counts_as_a_change():
    p = ac.nn.Parameter(ac.ones(2))
    optimizer = ac.optim.SGD([p], lr=0.1)
    y = p * p
    p.grad = ac.ones(2)
    before = p._version
    optimizer.step()
    assert p.is_leaf
    assert p._version > before
    with raises(RuntimeError, "one of the variables needed for gradient computation has been modified"):
        y.sum().backward()


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_parameters_without_gradient_stay(name):
    p, q = ac.nn.Parameter(ac.ones(2)), ac.nn.Parameter(ac.ones(2))
    q.grad = ac.ones(2)
    optimizer = getattr(ac.optim, name)([p, q], lr=0.1)
    optimizer.step()
    assert p.tolist() == [1.0, 1.0]
    assert q.tolist() != [1.0, 1.0]
    assert p not in optimizer.state


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_gradient_is_not_changed(name):
    p = ac.nn.Parameter(ac.ones(2))
    p.grad = ac.tensor([1.0, 2.0])
    options = dict(momentum=0.9) if name == "SGD" else {}
    optimizer = getattr(ac.optim, name)([p], lr=0.1, weight_decay=0.1, maximize=True, **options)
    for _ in range(3):
        optimizer.step()
    assert p.grad.tolist() == [1.0, 2.0]


def test_momentum_does_not_alias_the_gradient():
    p = ac.nn.Parameter(ac.ones(1))
    optimizer = ac.optim.SGD([p], lr=0.1, momentum=0.5)
    p.grad = ac.ones(1)
    optimizer.step()
    p.grad.zero_()
    assert optimizer.state[p]["momentum_buffer"].item() == 1.0


# ------------------------------------------------------------------ arguments
def optimizer_module(m):
    return importlib.import_module(f"{m.__name__}.optim.optimizer")  # torch hides it as an attribute


def one(m):
    return m.nn.Parameter(m.ones(2))


REFUSED = {
    "tensor": lambda m: m.optim.SGD(one(m)),
    "empty": lambda m: m.optim.SGD([]),
    "empty generator": lambda m: m.optim.Adam(x for x in ()),
    "number": lambda m: m.optim.SGD([1.0]),
    "string": lambda m: m.optim.SGD(["a"]),
    "module": lambda m: m.optim.SGD([m.nn.ReLU()]),
    "non-leaf": lambda m: m.optim.SGD([one(m) * 2]),
    "set": lambda m: m.optim.SGD([{"params": {one(m)}}]),
    "group": lambda m: m.optim.SGD([one(m)]).add_param_group([one(m)]),
    "group without": lambda m: m.optim.SGD([{"lr": 0.1}]),
    "mixed names": lambda m: m.optim.SGD([("a", one(m)), one(m)]),
    "mixed groups": lambda m: m.optim.SGD([("a", one(m))]).add_param_group({"params": [one(m)]}),
    "mixed groups 2": lambda m: m.optim.SGD([one(m)]).add_param_group({"params": [("a", one(m))]}),
    "twice": lambda m: [m.optim.SGD([p]).add_param_group({"params": p}) for p in [one(m)]],
    "required": lambda m: m.optim.Optimizer([one(m)], {"lr": optimizer_module(m).required}),
    "base": lambda m: m.optim.Optimizer([one(m)], {}).step(),
    "sgd lr": lambda m: m.optim.SGD([one(m)], lr=-1),
    "sgd lr tensor": lambda m: m.optim.SGD([one(m)], lr=m.ones(2)),
    "sgd momentum": lambda m: m.optim.SGD([one(m)], momentum=-0.5),
    "sgd decay": lambda m: m.optim.SGD([one(m)], weight_decay=-0.5),
    "nesterov": lambda m: m.optim.SGD([one(m)], nesterov=True),
    "nesterov dampening": lambda m: m.optim.SGD([one(m)], momentum=0.5, dampening=0.5, nesterov=True),
    "sgd fused": lambda m: m.optim.SGD([one(m)], fused=True, foreach=True),
    "sgd differentiable": lambda m: m.optim.SGD([one(m)], fused=True, differentiable=True),
    "sgd keyword": lambda m: m.optim.SGD([one(m)], 0.1, 0, 0, 0, False, True),
    "adam lr": lambda m: m.optim.Adam([one(m)], lr=-1.0),
    "adam eps": lambda m: m.optim.Adam([one(m)], eps=-1.0),
    "adam beta 0": lambda m: m.optim.Adam([one(m)], betas=(1.0, 0.5)),
    "adam beta 1": lambda m: m.optim.Adam([one(m)], betas=(0.5, -0.1)),
    "adam betas": lambda m: m.optim.Adam([one(m)], betas=(0.5, m.tensor(0.5))),
    "adam int": lambda m: m.optim.Adam([one(m)], betas=(0, 0)),
    "adam decay": lambda m: m.optim.Adam([one(m)], weight_decay=-1.0),
    "adam lr tensor": lambda m: m.optim.Adam([one(m)], lr=m.ones(2)),
    "adam lr tensor foreach": lambda m: m.optim.Adam([one(m)], lr=m.ones(1), foreach=True),
    "adam betas foreach": lambda m: m.optim.Adam([one(m)], betas=(m.tensor(0.5), m.tensor(0.5)), foreach=True),
    "adam fused": lambda m: m.optim.Adam([one(m)], fused=True, foreach=True),
    "capturable": lambda m: capturable_step(m),
}


def capturable_step(m):
    p = one(m)
    p.grad = m.ones(2)
    m.optim.Adam([p], capturable=True).step()


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what, torch):
    assert_parity(lambda m: attempt(lambda: REFUSED[what](m)), torch)


def test_a_parameter_twice_in_a_group_warns(torch):
    def program(m):
        p = one(m)
        with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate parameters") as seen:
            optimizer = m.optim.SGD([p, p], lr=0.1)
        p.grad = m.ones(2)
        optimizer.step()
        return str(seen[0].message), p, optimizer.state_dict()["param_groups"][0]["params"]

    assert_parity(program, torch, CLOSE)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_printed_form(name, torch):
    def program(m):
        optimizer = getattr(m.optim, name)([{"params": [one(m)], "lr": 0.5, "mine": "a"}], lr=0.1)
        optimizer.add_param_group({"params": one(m)})
        return repr(optimizer), optimizer.defaults, [sorted(group) for group in optimizer.param_groups]

    assert_parity(program, torch)


def test_named_parameters(torch):
    def program(m):
        optimizer = m.optim.Adam(m.nn.ParameterList([m.ones(1), m.ones(2)]).named_parameters())
        other = m.optim.Adam(m.nn.ParameterList([m.ones(1), m.ones(2)]).named_parameters("p"))
        other.load_state_dict(optimizer.state_dict())
        return [[group["param_names"] for group in each.param_groups] for each in (optimizer, other)], repr(optimizer)

    assert_parity(program, torch)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    p, q = one(ac), one(ac)
    p.grad = ac.autograd.grad((p**3).sum(), p, create_graph=True)[0]
    ac.optim.SGD([p, q]).zero_grad(set_to_none)
    if set_to_none:
        assert p.grad is None
    else:
        assert p.grad.tolist() == [0.0, 0.0]
        assert not p.grad.requires_grad
    assert q.grad is None


# ------------------------------------------------------------------ hooks
def test_hooks_of_a_step(torch):
    def program(m):
        p, log = one(m), []
        p.grad = m.ones(2)
        optimizer, other = m.optim.SGD([p], lr=0.1), m.optim.Adam([one(m)])
        register = optimizer_module(m)
        handles = [
            register.register_optimizer_step_pre_hook(lambda o, args, kwargs: log.append(("all pre", len(args)))),
            register.register_optimizer_step_post_hook(lambda o, args, kwargs: log.append("all post")),
            optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append((o is optimizer, kwargs))),
            optimizer.register_step_pre_hook(
                lambda o, args, kwargs: (args, {"closure": lambda: log.append("closure")})
            ),
            optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("post", p.detach().clone()))),
        ]
        optimizer.step()
        other.step()
        for handle in handles:
            handle.remove()
        optimizer.step()
        optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
        refused = attempt(optimizer.step)
        return log, p, refused.split("must")[1]

    assert_parity(program, torch)


def test_hooks_of_saving(torch):
    def program(m):
        optimizer, log = m.optim.SGD([one(m)], lr=0.1), []
        optimizer.register_state_dict_pre_hook(lambda o: log.append("pre"))
        optimizer.register_state_dict_post_hook(lambda o, s: log.append(list(s)))
        optimizer.register_state_dict_post_hook(lambda o, s: {**s, "more": 1}, prepend=True)
        optimizer.register_load_state_dict_pre_hook(lambda o, s: log.append("load"))
        optimizer.register_load_state_dict_pre_hook(lambda o, s: {**s, "state": {0: {"a": 1}}}, prepend=True)
        optimizer.register_load_state_dict_post_hook(lambda o: log.append("loaded"))
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        return log, list(state), list(optimizer.state.values())

    assert_parity(program, torch)


def test_step_of_a_derived_class_has_hooks(torch):
    def program(m):
        class Sign(m.optim.Optimizer):
            def __init__(self, params, lr=0.1):
                super().__init__(params, {"lr": lr})

            @m.no_grad()
            def step(self, closure=None):
                """Step."""
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad.sign(), alpha=-group["lr"])
                return 5

        p, log = one(m), []
        p.grad = m.tensor([1.0, -2.0])
        optimizer = Sign([p])
        optimizer.register_step_post_hook(lambda *_: log.append("post"))
        return optimizer.step(), p, log, optimizer.step.__doc__, repr(optimizer)

    assert_parity(program, torch)


# ------------------------------------------------------------------ saving and loading
MAKERS = {
    "sgd": lambda m, params: m.optim.SGD(params, lr=0.01, momentum=0.9),
    "plain sgd": lambda m, params: m.optim.SGD(params, lr=0.01),
    "adam": lambda m, params: m.optim.Adam(params, lr=0.05, amsgrad=True),
}


def steps(m, params, optimizer, count):
    for _ in range(count):
        optimizer.zero_grad()
        loss_of(m, params).backward()
        optimizer.step()
    return [p.detach().clone() for p in params]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("way", ["state_dict", "pickled state_dict", "pickle", "deepcopy"])
def test_goes_on_where_it_was(make, way):
    """Five steps, a copy, five steps: as ten steps."""
    params = parameters(ac)
    optimizer = make(ac, params)
    steps(ac, params, optimizer, 5)
    if way in ("pickle", "deepcopy"):
        both = params, optimizer
        new, copied = pickle.loads(pickle.dumps(both)) if way == "pickle" else copy.deepcopy(both)
    else:
        new = [ac.nn.Parameter(p.detach().clone()) for p in params]
        copied = make(ac, new)
        state = optimizer.state_dict()
        copied.load_state_dict(pickle.loads(pickle.dumps(state)) if way.startswith("pickled") else copy.deepcopy(state))
    expected = steps(ac, params, optimizer, 5)
    for a, b in zip(steps(ac, new, copied, 5), expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_state_dict(make, torch):
    def program(m):
        params = parameters(m)
        optimizer = make(m, params)
        steps(m, params, optimizer, 2)
        state = optimizer.state_dict()
        return list(state), list(state["state"].items()), state["param_groups"]

    assert_parity(program, torch, CLOSE)


def test_state_dict_of_groups_that_share_numbers(torch):
    def program(m):
        groups = [{"params": [one(m), one(m)]}, {"params": [one(m)], "lr": 0.5}]
        return [group["params"] for group in m.optim.SGD(groups).state_dict()["param_groups"]]

    assert_parity(program, torch)


def test_load_state_dict(torch):
    def program(m):
        first, second = m.optim.Adam([one(m), one(m)]), m.optim.Adam([one(m)])
        third = m.optim.Adam([{"params": [one(m)]}, {"params": [one(m)]}])
        for p in first.param_groups[0]["params"]:
            p.grad = m.ones(2)
        first.step()
        state = first.state_dict()
        state["state"][0]["exp_avg"] = m.tensor([3, 4])
        state["state"][0]["others"] = [m.tensor([5]), {"step": m.tensor([6])}, (m.tensor(7),)]
        state["state"][1]["step"] = 4
        state["state"]["extra"] = 8
        new = m.optim.Adam([one(m), one(m)])
        new.load_state_dict(state)
        kept = list(new.state_dict()["state"].items())
        new.load_state_dict({"state": {}, "param_groups": [{"params": [5, 9], "lr": 0.5}]})
        refused = attempt(lambda: second.load_state_dict(state)), attempt(lambda: third.load_state_dict(state))
        return kept, repr(new), refused, new.state_dict()["param_groups"]

    assert_parity(program, torch)


def test_loaded_groups_are_copies():
    optimizer = ac.optim.SGD([one(ac)], lr=0.1)
    state = optimizer.state_dict()
    other = ac.optim.SGD([one(ac)], lr=0.2)
    other.load_state_dict(state)
    other.param_groups[0]["lr"] = 0.3
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert state["param_groups"][0]["lr"] == 0.1


# ------------------------------------------------------------------ with modules
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_training_a_model(make, torch):
    """A regression with everything in it: the losses of every step, and the weights in the end."""

    def program(m):
        layers = [m.nn.Linear(3, 5), m.nn.Tanh(), m.nn.Linear(5, 1)]
        model = m.nn.Sequential(OrderedDict(zip("abc", layers, strict=True)))
        with m.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(m.tensor(weights(tuple(p.shape), i) - 1.0))
        x, target = m.tensor(weights((8, 3), 9)), m.tensor(weights((8, 1), 10))
        optimizer, criterion, losses = make(m, model.parameters()), m.nn.MSELoss(), []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = criterion(model(x), target)
            loss.backward()
            m.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.detach())
        assert losses[-1] < losses[0]
        return losses, model.state_dict()

    assert_parity(program, torch, 1e-11)
