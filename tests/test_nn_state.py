"""nn: hooks, saving and loading, copies, against torch."""

import copy
import io
import pickle
from collections import OrderedDict

import pytest
from module import IS_TORCH, ac
from nn_programs import linear, nested, nn, tensor
from parity import assert_parity, attempt
from support import collected


# ------------------------------------------------------------------ models
class Scale(nn.Module):
    """A module of the module under test, at the top of this file so that it can be pickled."""

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = nn.Parameter(ac.tensor(factor))
        self.register_buffer("seen", ac.zeros(1))

    def forward(self, x):
        return self.factor * x


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
