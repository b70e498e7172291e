"""The engine at its limits: deep and wide graphs, backward within backward, failures, threads."""

import gc
import signal
import threading
import time

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import (
    NO_GRAPH,
    SECOND_BACKWARD,
    all_in_threads,
    chain,
    deviation,
    gradient,
    in_threads,
    leaf,
    raises,
    run_script,
    script_output,
)

grad = ac.autograd.grad


# ------------------------------------------------------------------ deep and wide
class TestDeepAndWide:
    def test_chain_of_1_000_000_operations(self):
        """Recorded, differentiated and freed without recursion."""
        a = leaf(1.0)
        result = chain(a, 1_000_000)
        result.backward()
        assert a.grad.item() == 1.0
        assert result.item() == 1_000_001.0
        del result
        gc.collect()

    def test_one_leaf_used_100_000_times(self):
        a = leaf(1.0)
        result = ac.zeros(())
        for _ in range(100_000):
            result = result + a
        result.backward()
        assert a.grad.item() == 100_000.0

    def test_60_level_diamond(self):
        """2^60 paths, each counted once, exactly."""
        a = leaf(1.0)
        result = a
        for _ in range(60):
            result = result + result
        result.backward()
        assert a.grad.item() == 2.0**60

    def test_deep_in_place_chain(self):
        a = leaf([1.0, 1.0])
        b = a * 1.0
        for i in range(20_000):
            b[i % 2].mul_(1.0)
        b.sum().backward()
        assert a.grad.tolist() == [1.0, 1.0]

    def test_deep_chain_of_views(self):
        a = leaf([1.0])
        b = a
        for _ in range(20_000):
            b = b.view(1)
        b.backward(ac.ones(1))
        assert a.grad.tolist() == [1.0]

    def test_deep_chain_of_python_functions(self):
        class Twice(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1.0

            @staticmethod
            def backward(ctx, g):
                return g

        a = leaf(1.0)
        result = a
        for _ in range(20_000):
            result = Twice.apply(result)
        result.backward()
        assert a.grad.item() == 1.0

    def test_deep_chain_of_hooks_that_hold_tensors(self):
        a = leaf(1.0)
        result = a
        for _ in range(20_000):
            result = result * 1.0
            result.register_hook(lambda g, held=result: None)
        result.backward()
        assert a.grad.item() == 1.0

    def test_deep_double_backward(self):
        a = leaf(1.0)
        result = a
        for _ in range(2_000):
            result = result * a
        (first,) = grad(result, a, create_graph=True)
        assert first.item() == 2_001.0
        assert gradient(first, a) == 2_001.0 * 2_000.0

    def test_wide_cat(self):
        leaves = [leaf([1.0]) for _ in range(5_000)]
        (ac.cat(leaves) * ac.arange(5_000.0)).sum().backward()
        assert [part.grad.item() for part in leaves] == list(range(5_000))


# ------------------------------------------------------------------ re-entrance
class Nested(ac.autograd.Function):
    """Its backward runs the backward of the next level, down to 0."""

    @staticmethod
    def forward(ctx, x, level):
        ctx.level = level
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        if ctx.level > 0:
            with ac.enable_grad():
                inner = leaf([1.0])
                Nested.apply(inner, ctx.level - 1).sum().backward()
            g = g + inner.grad
        return g, None


class TestReentrance:
    def test_100_levels(self):
        a = leaf([1.0])
        Nested.apply(a, 100).sum().backward()
        assert a.grad.tolist() == [101.0]

    def test_5_000_levels(self):
        """Works, or RecursionError; never a C-stack overflow, and the interpreter is sound afterwards."""
        done = run_script(
            "from test_engine_limits import Nested\n"
            "a = leaf([1.0])\n"
            "try:\n"
            "    Nested.apply(a, 5_000).sum().backward()\n"
            "    print(a.grad.item())\n"
            "except RecursionError:\n"
            "    print('RecursionError')\n"
            "b = leaf([1.0]); Nested.apply(b, 3).sum().backward(); print(b.grad.item(), ac.is_grad_enabled())\n"
        )
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.split("\n")[:2]
        assert first in ("5001.0", "RecursionError")
        assert second == "4.0 True"

    @deviation("torch takes one thread more for every level, until there are no more")
    def test_without_end(self):
        """A hook on a root runs again in the backward it starts: RecursionError, and all is sound afterwards."""
        printed = script_output(
            "a = leaf(3.0)\n"
            "b = a * a\n"
            "handle = b.register_hook(lambda g: b.backward(retain_graph=True))\n"
            "try:\n"
            "    b.backward(retain_graph=True)\n"
            "except RecursionError:\n"
            "    handle.remove()\n"
            "    a.grad = None\n"
            "    b.backward()\n"
            "    print(a.grad.item(), ac.is_grad_enabled())\n"
        )
        assert printed == "6.0 True"

    def test_through_the_same_graph(self):
        """A hook that differentiates, while it is being differentiated, the graph it sits in."""
        a = leaf(3.0)
        b = a * a
        result = b * 2.0
        found = []

        def hook(g):
            found.append(g.item())
            if len(found) == 1:
                found.append(gradient(b, a, retain_graph=True).item())

        b.register_hook(hook)
        result.backward()
        assert found == [2.0, 1.0, 6.0]
        assert a.grad.item() == 12.0

    def test_through_nodes_that_wait(self):
        """The inner backward passes nodes whose gradients from the outer one are not complete yet."""
        a = leaf(3.0)
        shared = a * a
        late = shared * 5.0
        early = shared * 7.0
        inner = []
        early.register_hook(lambda g: inner.append(gradient(late, a, retain_graph=True).item()))
        (late + early).backward()
        assert inner == [30.0]
        assert a.grad.item() == 72.0

    def test_backward_in_a_hook_accumulates(self):
        a = leaf(3.0)

        def hook(g):
            with ac.enable_grad():
                (a * 100.0).backward()

        b = a * 2.0
        b.register_hook(hook)
        b.backward()
        assert a.grad.item() == 102.0

    def test_an_inner_failure_is_the_hook_s_own(self):
        a = leaf(3.0)
        b = a * a
        result = b * 2.0

        def hook(g):
            with raises(RuntimeError, NO_GRAPH):
                ac.ones(()).backward()

        b.register_hook(hook)
        result.backward()
        assert a.grad.item() == 12.0


# ------------------------------------------------------------------ failures
class Boom(Exception):
    """What a hook or a Function raises here."""


def boom(*args):
    """Raises, as a hook or a backward."""
    raise Boom("here")


class TestFailures:
    def test_the_original_exception(self):
        a = leaf()
        b = a * a
        b.register_hook(boom)
        with raises(Boom, "here") as info:
            (b * b).sum().backward()
        assert info.traceback[-1].name == "boom"

    @pytest.mark.parametrize("mode", [ac.enable_grad, ac.no_grad])
    def test_grad_mode_is_restored(self, mode):
        a = leaf()
        result = (a * a).sum()
        a.register_hook(boom)
        with mode():
            before = ac.is_grad_enabled()
            with raises(Boom):
                grad(result, a, create_graph=True)
            assert ac.is_grad_enabled() == before
        assert ac.is_grad_enabled()

    def test_gradients_are_whole_or_absent(self):
        a, b = leaf(), leaf()
        (a * b).register_hook(boom)
        c = a * b
        c.register_hook(boom)
        with raises(Boom):
            (c.sum() + (b * 3.0).sum()).backward()
        assert a.grad is None
        assert b.grad is None or b.grad.tolist() == [3.0] * 3

    def test_the_graph_may_be_used_again_if_it_was_retained(self):
        """What the failed pass had claimed (counts, slots) is cleared."""
        a = leaf(3.0)
        b = a * a
        handle = b.register_hook(boom)
        result = b * a + b
        for _ in range(3):
            with raises(Boom):
                result.backward(retain_graph=True)
        handle.remove()
        a.grad = None
        result.backward()
        assert a.grad.item() == 3 * 9.0 + 6.0

    def test_another_graph_over_the_same_part(self):
        a = leaf(3.0)
        b = a + 1.0
        handle = b.register_hook(boom)
        with raises(Boom):
            (b * 2.0).backward()
        handle.remove()
        (b * 5.0).backward()
        assert a.grad.item() == 5.0

    def test_failure_deep_inside(self):
        a = leaf(1.0)
        middle = chain(a, 1_000)
        middle.register_hook(boom)
        result = chain(middle, 1_000)
        with raises(Boom):
            result.backward()
        assert a.grad is None

    def test_failure_of_an_op_in_backward(self):
        """A gradient that no longer fits, because .data was replaced, is refused and not written anywhere."""
        a = leaf()
        result = a.sum()
        a.data = ac.ones(4)
        with raises(RuntimeError):
            result.backward()
        assert a.grad is None

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
    @deviation("torch looks at signals after the backward has ended")
    def test_keyboard_interrupt_in_a_backward_of_400_000_nodes(self):
        """The leaf comes last: it has no gradient yet when the exception arrives, and the graph can run again."""
        a = leaf(1.0)
        result = chain(a, 400_000)
        durations = []
        for _ in range(3):
            started = time.perf_counter()
            result.backward(retain_graph=True)
            durations.append(time.perf_counter() - started)
        a.grad = None
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, min(durations) / 10)
            with raises(KeyboardInterrupt):
                result.backward(retain_graph=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert a.grad is None
        assert ac.is_grad_enabled()
        result.backward()
        assert a.grad.item() == 1.0

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
    def test_keyboard_interrupt_in_a_long_kernel(self):
        """It comes when the kernel has ended; nothing is half done, and no memory stays."""
        a = leaf(np.full(1_000_000, 0.5))
        a.sin().sum().backward()
        a.grad = None
        before = 0 if IS_TORCH else ac.memory.stats().in_use
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            with raises(KeyboardInterrupt), ac.no_grad():
                signal.setitimer(signal.ITIMER_REAL, 2e-3)
                while True:
                    a.exp()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert ac.is_grad_enabled()
        assert IS_TORCH or ac.memory.stats().in_use == before
        a.sin().sum().backward()
        np.testing.assert_allclose(to_numpy(a.grad), np.cos(0.5))


# ------------------------------------------------------------------ threads
class TestThreads:
    def test_8_threads_accumulate_in_one_leaf(self):
        a = leaf(np.ones(1_000))

        def work():
            for _ in range(100):
                (a * 2.0).sum().backward()

        all_in_threads(*[work] * 8)
        assert to_numpy(a.grad).tolist() == [8 * 100 * 2.0] * 1_000

    def test_8_threads_over_shared_parameters(self):
        """Each builds its own graph over the same leaves and an already recorded common part."""
        a, b = leaf(2.0), leaf(3.0)
        common = a * b

        def work(i):
            def run():
                for _ in range(50):
                    (common * float(i)).backward(retain_graph=True)
                    assert gradient(common * a, a, retain_graph=True) == 12.0

            return run

        all_in_threads(*[work(i) for i in range(8)])
        assert a.grad.item() == 50 * sum(range(8)) * 3.0
        assert b.grad.item() == 50 * sum(range(8)) * 2.0

    def test_8_threads_through_one_retained_graph(self):
        a = leaf([1.0, 2.0])
        result = chain((a * a).sum() * 3.0, 300)
        all_in_threads(*[lambda: result.backward(retain_graph=True)] * 8)
        assert a.grad.tolist() == [8 * 6.0, 8 * 12.0]

    def test_4_threads_through_one_graph_without_retain_graph(self):
        """One succeeds, three are told; never a double free."""
        for _ in range(20):
            a = leaf()
            result = a
            for _ in range(100):
                result = result * 1.0
            result = (result * result).sum()
            outcomes = in_threads(*[result.backward] * 4)
            assert outcomes.count(None) == 1
            failures = [outcome for outcome in outcomes if outcome is not None]
            assert all(type(failure) is RuntimeError for failure in failures)
            assert all(str(failure).startswith(SECOND_BACKWARD) for failure in failures)
            assert a.grad.tolist() == [2.0, 4.0, 6.0]

    def test_threads_with_hooks_and_failures(self):
        a = leaf(3.0)

        def work(i):
            def run():
                for _ in range(30):
                    b = a * a
                    if i % 2:
                        b.register_hook(boom)
                        with raises(Boom):
                            (b * 2.0).backward()
                    else:
                        (b * 2.0).backward()

            return run

        all_in_threads(*[work(i) for i in range(8)])
        assert a.grad.item() == 4 * 30 * 12.0

    def test_backward_in_a_thread_of_a_graph_made_here(self):
        a = leaf(3.0)
        result = a * a
        all_in_threads(result.backward)
        assert a.grad.item() == 6.0

    def test_freeing_a_graph_in_another_thread(self):
        a = leaf(1.0)
        holder = [chain(a, 100_000)]
        thread = threading.Thread(target=holder.clear)
        thread.start()
        thread.join()
        assert holder == []
        a.backward()
        assert a.grad.item() == 1.0
