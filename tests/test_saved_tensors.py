"""Hooks on what operations save for backward: `autograd.graph.saved_tensors_hooks` and its kin."""

import gc
import threading
import weakref

import numpy as np
import pytest
from module import ac, to_numpy
from support import deviation, leaf, raises

graph = ac.autograd.graph


def same(t):
    return t


class Square(ac.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * x
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * 2.0 * x + 0.0 * y


PROGRAMS = {
    "exp": lambda x: x.exp(),
    "exp_": lambda x: (x * 1.0).exp_(),
    "mul": lambda x: x * (x + 1.0),
    "pow": lambda x: x**3.0,
    "div": lambda x: 2.0 / x,
    "softmax": lambda x: ac.softmax(x, 0),
    "prod": lambda x: x.prod(),
    "norm": lambda x: x.norm(),
    "cumprod": lambda x: x.cumprod(0),
    "max": lambda x: x.max(),
    "index": lambda x: x[ac.tensor([0, 2, 0])],
    "dot": lambda x: ac.dot(x, x.sin()),
    "function": lambda x: Square.apply(x),
}


class TestPacking:
    @pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
    def test_gradients_of_both_orders(self, program):
        def derivatives(x):
            (g,) = ac.autograd.grad((program(x) ** 2.0).sum(), x, create_graph=True)
            (h,) = ac.autograd.grad((g * g).sum(), x)
            return to_numpy(g).copy(), to_numpy(h).copy()

        calls = []

        def pack(t):
            calls.append("pack")
            return to_numpy(t).copy(), t.dtype

        def unpack(packed):
            calls.append("unpack")
            return ac.tensor(packed[0], dtype=packed[1])

        expected = derivatives(leaf((0.5, 1.5, 2.0)))
        with graph.saved_tensors_hooks(pack, unpack):
            found = derivatives(leaf((0.5, 1.5, 2.0)))
        assert {"pack", "unpack"} == set(calls)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)

    @pytest.mark.parametrize("shape", [(), (2,)])
    def test_what_pack_sees(self, shape):
        x = leaf(np.ones(shape))
        seen = []
        with graph.saved_tensors_hooks(lambda t: seen.append((t, ac.is_grad_enabled())) or t.detach(), same):
            y = x.exp()
            z = y * x
        (result, mode), (other, _), (first, _) = seen
        assert result.grad_fn is y.grad_fn
        assert not mode
        assert other is x
        assert first is y
        z.sum().backward()
        np.testing.assert_allclose(to_numpy(x.grad), np.full(shape, 2.0 * np.e))

    def test_what_unpack_returns_is_used(self):
        x = leaf()
        with graph.saved_tensors_hooks(same, lambda t: t.detach() * 10.0):
            y = x * x
        y.sum().backward()
        assert x.grad.tolist() == [20.0, 40.0, 60.0]

    def test_the_innermost_wins(self):
        x, calls = leaf(), []
        with graph.saved_tensors_hooks(lambda t: calls.append("outer") or t, same):
            with graph.saved_tensors_hooks(lambda t: calls.append("inner") or t, same):
                x.sin()
            x.sin()
        x.sin()
        assert calls == ["inner", "outer"]

    def test_of_its_thread_only(self):
        x, calls = leaf(), []
        with graph.saved_tensors_hooks(lambda t: calls.append(1) or t, same):
            thread = threading.Thread(target=lambda: x.sin())
            thread.start()
            thread.join()
        assert not calls

    def test_freed_after_backward(self):
        class Packed:
            def __init__(self, t):
                self.t = t.detach()

        packed = []

        def pack(t):
            p = Packed(t)
            packed.append(weakref.ref(p))
            return p

        x = leaf()
        with graph.saved_tensors_hooks(pack, lambda p: p.t):
            y = (x * x).sum()
        y.backward()
        assert len(packed) == 2
        assert all(p() is None for p in packed)
        with raises(RuntimeError, "Trying to backward through the graph a second time"):
            y.backward()

    @deviation("torch does not look into packed values for cycles")
    def test_a_cycle_through_the_hook_is_collected(self):
        class Marker:
            pass

        marker = Marker()
        gone = weakref.ref(marker)
        kept = []
        x = leaf()
        with graph.saved_tensors_hooks(lambda t: (kept, marker), lambda p: x):
            kept.append(x.exp() * x)
        kept = marker = None
        gc.collect()
        assert gone() is None


class TestErrors:
    def test_pack_in_place(self):
        message = "A saved tensor pack hook is modifying its input in place."
        with raises(RuntimeError, message), graph.saved_tensors_hooks(lambda t: t.mul_(2.0), same):
            leaf().exp()

    def test_unpack_returns_no_tensor(self):
        with graph.saved_tensors_hooks(same, lambda t: 3):
            y = leaf().exp()
        with raises(TypeError, "Output of saved tensor unpack_hook expected to be a Tensor but got result of type int"):
            y.sum().backward()

    @pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
    def test_exceptions_leave_the_modes(self, program):
        def fail(t):
            raise KeyError("hook")

        x = leaf()
        with pytest.raises(KeyError), graph.saved_tensors_hooks(fail, same):
            program(x)
        assert ac.is_grad_enabled()
        with graph.saved_tensors_hooks(same, fail):
            y = program(x)
        with pytest.raises(KeyError):
            y.sum().backward()
        assert ac.is_grad_enabled()
        assert x.grad is None
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]

    def test_disabled(self):
        disabled, hooked = graph.disable_saved_tensors_hooks("not here"), graph.saved_tensors_hooks(same, same)
        with disabled, raises(RuntimeError, "not here"), hooked:
            pass
        disabled = graph.disable_saved_tensors_hooks("not here")
        with hooked, raises(RuntimeError, "not here"), disabled:
            pass


def test_save_on_cpu():
    x = leaf()
    with graph.save_on_cpu():
        y = (x.exp() * x).sum()
    y.backward()
    np.testing.assert_allclose(to_numpy(x.grad), np.exp([1.0, 2.0, 3.0]) * [2.0, 3.0, 4.0])


class TestNodeAttributes:
    def test_tensors(self):
        x = leaf()
        y = x.exp()
        z = x * y
        assert x.sin().grad_fn._saved_self is x
        assert y.grad_fn._saved_result.tolist() == y.tolist()
        assert y.grad_fn._saved_result.grad_fn is y.grad_fn
        assert z.grad_fn._saved_self is x
        assert z.grad_fn._saved_other is y
        assert (x * 2.0).grad_fn._saved_self is None
        assert "_saved_self" in dir(z.grad_fn)
        assert "_raw_saved_other" in dir(z.grad_fn)

    def test_after_backward(self):
        y = leaf().exp()
        y.sum().backward()
        with raises(RuntimeError, "Trying to backward through the graph a second time"):
            y.grad_fn._saved_result  # noqa: B018

    @pytest.mark.parametrize("name", ["_saved_nothing", "_raw_saved_nothing", "nothing"])
    def test_others(self, name):
        with raises(AttributeError, f"'ExpBackward0' object has no attribute '{name}'"):
            getattr(leaf().exp().grad_fn, name)

    @pytest.mark.parametrize("shape", [(), (3,)])
    @pytest.mark.parametrize(
        ("program", "name"),
        [(lambda x: x.sin(), "self"), (lambda x: x.exp(), "result"), (lambda x: x * x, "other")],
    )
    def test_hooks_on_one_saved_tensor(self, shape, program, name):
        x = leaf(np.full(shape, 0.5))
        y = program(x)
        raw = getattr(y.grad_fn, "_raw_saved_" + name)
        assert to_numpy(raw.data.detach()).shape == shape
        raw.register_hooks(lambda t: ("packed", to_numpy(t.detach()).copy()), lambda p: ac.tensor(p[1]))
        assert raw.data[0] == "packed"
        with raises(RuntimeError, "Calling register_hooks on a saved tensor whose hooks have already been set."):
            raw.register_hooks(same, same)
        (g,) = ac.autograd.grad(y.sum(), x, create_graph=True)
        (expected,) = ac.autograd.grad(program(x).sum(), x, create_graph=True)
        np.testing.assert_array_equal(to_numpy(g.detach()), to_numpy(expected.detach()))
        np.testing.assert_array_equal(
            *(to_numpy(ac.autograd.grad(d.sum(), x, retain_graph=True)[0]) for d in (g, expected))
        )
        y.sum().backward()
        with raises(RuntimeError, "Calling register_hooks on a saved tensor after it has been freed."):
            raw.register_hooks(same, same)

    def test_nothing_saved(self):
        raw = (leaf() * 2.0).grad_fn._raw_saved_self
        with raises(RuntimeError, "Calling register_hooks on a saved tensor with value None is forbidden"):
            raw.register_hooks(same, same)


class TestMutation:
    def test_gradients_of_the_former_values(self):
        a = leaf()
        with graph.allow_mutation_on_saved_tensors():
            b = a.clone()
            y = (b * b.exp()).sum()
            b.zero_()
            y.backward()
        x = np.array([1.0, 2.0, 3.0])
        np.testing.assert_allclose(to_numpy(a.grad), (1.0 + x) * np.exp(x))

    def test_backward_belongs_inside(self):
        with graph.allow_mutation_on_saved_tensors() as context:
            first, second = leaf() ** 2.0, leaf() ** 2.0
            context.clear()
            with raises(AssertionError, "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"):
                first.sum().backward()
        with raises(AssertionError, "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"):
            second.sum().backward()

    def test_not_nested(self):
        outer, inner = graph.allow_mutation_on_saved_tensors(), graph.allow_mutation_on_saved_tensors()
        with outer, raises(RuntimeError, "allow_mutation_on_saved_tensors contexts cannot be nested"), inner:
            pass
