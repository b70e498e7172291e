"""utils.checkpoint: both kinds, nested, their errors, random numbers, early stop; and that nothing is kept."""

import gc
import importlib
import threading
import weakref

import numpy as np
import pytest
from module import ac, to_numpy
from support import SECOND_BACKWARD, STALE, deviation, gradient, leaf, name, raises

module = importlib.import_module(ac.__name__ + ".utils.checkpoint")
checkpoint, checkpoint_sequential, CheckpointError = (
    module.checkpoint,
    module.checkpoint_sequential,
    module.CheckpointError,
)

both = pytest.mark.parametrize("reentrant", [False, True])


def program(x):
    return (x.sin() * x).exp()


def expected():
    x = np.array([1.0, 2.0, 3.0])
    return np.exp(np.sin(x) * x) * (np.cos(x) * x + np.sin(x))


def plain(function, x, times=1):
    """The derivative of the sum of the results, so many times."""
    for _ in range(times):
        (x_grad,) = ac.autograd.grad(function(x).sum(), x, create_graph=True)
        function = lambda _, g=x_grad: g  # noqa: E731
    return to_numpy(x_grad.detach())


class Counted:
    """A function that counts how often each of its parts ran."""

    def __init__(self):
        self.first = self.last = 0

    def __call__(self, x):
        self.first += 1
        y = x.sin().exp()
        self.last += 1
        return y * 2.0 + 1.0


class TestGradients:
    @both
    def test_backward(self, reentrant):
        x = leaf()
        y = checkpoint(program, x, use_reentrant=reentrant)
        np.testing.assert_array_equal(to_numpy(y.detach()), to_numpy(program(x.detach())))
        y.sum().backward()
        np.testing.assert_allclose(to_numpy(x.grad), expected(), rtol=1e-14)

    def test_names(self):
        assert name(checkpoint(program, leaf(), use_reentrant=False)) == "ExpBackward0"
        assert name(checkpoint(program, leaf(), use_reentrant=True)) == "CheckpointFunctionBackward"

    def test_grad_and_inputs(self):
        x = leaf()
        np.testing.assert_allclose(gradient(checkpoint(program, x, use_reentrant=False).sum(), x), expected())
        checkpoint(program, x, use_reentrant=False).sum().backward(inputs=[x])
        np.testing.assert_allclose(to_numpy(x.grad), expected())

    @pytest.mark.parametrize("call", [lambda y, x: ac.autograd.grad(y, x), lambda y, x: y.backward(inputs=[x])])
    def test_grad_and_inputs_with_reentrance(self, call):
        x = leaf()
        y = checkpoint(program, x, use_reentrant=True).sum()
        with raises(RuntimeError, "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad()"):
            call(y, x)

    def test_second_order(self):
        x = leaf()
        (first,) = ac.autograd.grad(checkpoint(program, x, use_reentrant=False).sum(), x, create_graph=True)
        (other,) = ac.autograd.grad(program(x).sum(), x, create_graph=True)
        np.testing.assert_allclose(gradient(first.sum(), x), gradient(other.sum(), x), rtol=1e-13)

    @both
    def test_twice(self, reentrant):
        x = leaf()
        y = checkpoint(program, x, use_reentrant=reentrant).sum()
        y.backward(retain_graph=True)
        y.backward()
        np.testing.assert_allclose(to_numpy(x.grad), 2.0 * expected())
        with raises(RuntimeError, SECOND_BACKWARD):
            y.backward()

    @both
    def test_parameters_in_the_closure(self, reentrant):
        x, w = leaf(), leaf([2.0, 3.0, 4.0])
        checkpoint(lambda t: t * w * w, x, use_reentrant=reentrant).sum().backward()
        np.testing.assert_array_equal(to_numpy(w.grad), 2.0 * np.array([1.0, 2.0, 3.0]) * [2.0, 3.0, 4.0])

    @both
    def test_several_arguments_and_results(self, reentrant):
        def many(a, number, b, nothing):
            return a * b * number, number, nothing, b.exp()

        a, b = leaf(), leaf([4.0, 5.0, 6.0])
        first, number, nothing, second = checkpoint(many, a, 3, b, None, use_reentrant=reentrant)
        assert number == 3
        assert nothing is None
        (first.sum() + second.sum()).backward()
        np.testing.assert_array_equal(to_numpy(a.grad), [12.0, 15.0, 18.0])
        np.testing.assert_allclose(to_numpy(b.grad), np.array([3.0, 6.0, 9.0]) + np.exp([4.0, 5.0, 6.0]))

    def test_keywords(self):
        x = leaf()
        y = checkpoint(lambda t, factor: t.sin() * factor, x, use_reentrant=False, factor=3.0)
        np.testing.assert_allclose(gradient(y.sum(), x), 3.0 * np.cos([1.0, 2.0, 3.0]))

    def test_tensors_inside_arguments(self):
        x = leaf()
        y = checkpoint(lambda d: d["x"].sin(), {"x": x}, use_reentrant=False)
        np.testing.assert_allclose(gradient(y.sum(), x), np.cos([1.0, 2.0, 3.0]))

    def test_results_in_containers(self):
        x = leaf()
        found = checkpoint(lambda t: {"a": t.sin(), "b": [t.exp()]}, x, use_reentrant=False)
        np.testing.assert_allclose(
            gradient(found["a"].sum() + found["b"][0].sum(), x), np.cos([1.0, 2.0, 3.0]) + np.exp([1.0, 2.0, 3.0])
        )

    def test_without_gradients(self):
        assert not checkpoint(program, ac.ones(2), use_reentrant=False).requires_grad
        with ac.no_grad():
            assert not checkpoint(program, leaf(), use_reentrant=False).requires_grad

    def test_warning_without_gradients(self):
        with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
            checkpoint(program, ac.ones(2), use_reentrant=True)

    def test_nothing_to_differentiate(self):
        y = checkpoint(lambda t: t.detach() * 1.0, leaf(), use_reentrant=True)
        with raises(RuntimeError, "none of output has requires_grad=True, this checkpoint() is not necessary"):
            y.sum().backward()


class TestNested:
    def test_counts(self):
        runs = []

        def inner(x):
            runs.append("inner")
            return x.sin().cos()

        def outer(x):
            runs.append("outer")
            return checkpoint(inner, x.exp(), use_reentrant=False).sin()

        x = leaf()
        found = gradient(checkpoint(outer, x, use_reentrant=False).sum(), x)
        assert runs == ["outer", "inner", "outer", "inner", "inner"]
        np.testing.assert_allclose(found, plain(lambda t: t.exp().sin().cos().sin(), leaf()), rtol=1e-14)

    @pytest.mark.parametrize("depth", [3, 6])
    def test_depth(self, depth):
        def nest(x, k):
            x = x.sin()
            return x.exp() if k == 0 else checkpoint(nest, x, k - 1, use_reentrant=False) * x

        def flat(x, k):
            x = x.sin()
            return x.exp() if k == 0 else flat(x, k - 1) * x

        x = leaf()
        np.testing.assert_allclose(gradient(nest(x, depth).sum(), x), gradient(flat(x, depth).sum(), x), rtol=1e-13)

    def test_of_both_kinds(self):
        x = leaf()
        checkpoint(
            lambda t: checkpoint(program, t.sin(), use_reentrant=False).sin(), x, use_reentrant=True
        ).sum().backward()
        np.testing.assert_allclose(to_numpy(x.grad), plain(lambda t: program(t.sin()).sin(), leaf()), rtol=1e-14)

    def test_only_the_outermost_inputs_are_kept(self):
        kept = []

        def outer(x):
            y = x.exp()
            kept.append(weakref.ref(y))
            return checkpoint(lambda t: t.sin(), y, use_reentrant=False).sin()

        result = checkpoint(outer, leaf(), use_reentrant=False)
        gc.collect()
        assert kept[0]() is None
        result.sum().backward()


class TestSecondRun:
    @pytest.mark.parametrize("stop", [True, False])
    @pytest.mark.parametrize("by", ["argument", "manager"])
    def test_early_stop(self, stop, by):
        counted = Counted()
        if by == "argument":
            y = checkpoint(counted, leaf(), use_reentrant=False, early_stop=stop)
        else:
            with module.set_checkpoint_early_stop(stop):
                y = checkpoint(counted, leaf(), use_reentrant=False)
        assert counted.last == 1
        y.sum().backward()
        assert counted.first == 2
        assert counted.last == (1 if stop else 2)

    @both
    @pytest.mark.parametrize("preserve", [True, False])
    def test_random_numbers(self, reentrant, preserve):
        ac.manual_seed(0)
        x = leaf()
        options = {} if preserve else {"preserve_rng_state": False}
        y = checkpoint(lambda t: t * ac.rand(3, dtype=ac.float64), x, use_reentrant=reentrant, **options)
        state = ac.get_rng_state()
        after = ac.rand(3)
        ac.set_rng_state(state)
        y.sum().backward()
        assert bool((x.grad * x.detach() == y.detach()).all()) is preserve
        assert bool((ac.rand(3) == after).all()) is preserve

    def test_contexts(self):
        runs = []

        class Context:
            def __init__(self, word):
                self.word = word

            def __enter__(self):
                runs.append(self.word)

            def __exit__(self, *exception):
                runs.append("end of " + self.word)

        x = leaf()
        y = checkpoint(program, x, use_reentrant=False, context_fn=lambda: (Context("first"), Context("second")))
        y.sum().backward()
        assert runs == ["first", "end of first", "second", "end of second"]
        np.testing.assert_allclose(to_numpy(x.grad), expected())

    @both
    def test_input_changed_in_place(self, reentrant):
        x = leaf() * 1.0
        y = checkpoint(program, x, use_reentrant=reentrant)
        x.mul_(2.0)
        with raises(RuntimeError, STALE):
            y.sum().backward()

    @deviation("torch's gradient is wrong in silence")
    def test_change_of_what_was_saved(self):
        """As without a checkpoint it is refused: what was saved in the second run is no more what it was."""

        def changing(x):
            y = x * 1.0
            z = y.sin()
            y.detach().mul_(2.0)
            return z.exp()

        with raises(RuntimeError, STALE):
            changing(leaf()).sum().backward()
        with raises(RuntimeError, STALE):
            checkpoint(changing, leaf(), use_reentrant=False).sum().backward()

    @both
    def test_exception_leaves_everything_as_it_was(self, reentrant):
        runs = []

        def failing(x):
            runs.append(1)
            if len(runs) == 2:
                raise KeyError("second run")
            return program(x)

        ac.manual_seed(1)
        x = leaf()
        y = checkpoint(failing, x, use_reentrant=reentrant).sum()
        state = ac.get_rng_state()
        with pytest.raises(KeyError):
            y.backward()
        assert ac.is_grad_enabled()
        assert x.grad is None
        assert bool((ac.get_rng_state() == state).all())
        with pytest.raises(ZeroDivisionError):
            checkpoint(lambda t: t / (1 // 0), x, use_reentrant=reentrant)
        x.sin().sum().backward()
        np.testing.assert_allclose(to_numpy(x.grad), np.cos([1.0, 2.0, 3.0]))

    @pytest.mark.parametrize("swallow", [Exception, RuntimeError])
    def test_function_that_swallows_exceptions(self, swallow):
        def careful(x):
            try:
                return program(x)
            except swallow:
                return None

        x = leaf()
        np.testing.assert_allclose(gradient(checkpoint(careful, x, use_reentrant=False).sum(), x), expected())


def changing(*programs):
    """A function that is another at each call."""
    left = list(programs)
    return lambda x: left.pop(0)(x)


class TestDeterminism:
    def test_fewer(self):
        y = checkpoint(changing(lambda x: x.sin().sin().exp(), lambda x: x.sin().exp()), leaf(), use_reentrant=False)
        with raises(
            CheckpointError, "torch.utils.checkpoint: A different number of tensors was saved during the original"
        ):
            y.sum().backward()

    def test_more(self):
        function = changing(lambda x: x.sin().exp(), lambda x: x.sin().sin().exp())
        y = checkpoint(function, leaf(), use_reentrant=False, early_stop=False)
        with raises(CheckpointError, "torch.utils.checkpoint: trying to save more tensors during recomputation than"):
            y.sum().backward()

    def test_other_sizes(self):
        function = changing(lambda x: x.sin().exp(), lambda x: ac.cat([x.sin(), x.sin()]).exp())
        y = checkpoint(function, leaf(), use_reentrant=False, early_stop=False)
        with raises(CheckpointError, "torch.utils.checkpoint: "):
            y.sum().backward()
        function = changing(lambda x: x.exp(), lambda x: ac.ones(7, requires_grad=True).exp())
        with raises(CheckpointError, "torch.utils.checkpoint: Recomputed values for the following tensors have"):
            checkpoint(function, leaf(), use_reentrant=False).sum().backward()

    def test_unchecked(self):
        function = changing(lambda x: x.exp(), lambda x: ac.ones(7, requires_grad=True).exp())
        y = checkpoint(function, leaf(), use_reentrant=False, determinism_check="none")
        with pytest.raises(RuntimeError, match="size"):
            y.sum().backward()

    @deviation("torch's debug mode shows operators, ours the lines that saved the tensors")
    @pytest.mark.parametrize("by", ["argument", "manager"])
    def test_debug(self, by):
        function = changing(lambda x: x.sin().sin().exp(), lambda x: x.sin().exp())
        if by == "argument":
            y = checkpoint(function, leaf(), use_reentrant=False, debug=True)
        else:
            with module.set_checkpoint_debug_enabled(True):
                y = checkpoint(function, leaf(), use_reentrant=False)
        with pytest.raises(CheckpointError, match=r"test_checkpoint\.py:[0-9]+"):
            y.sum().backward()


class TestRefused:
    def test_keywords_with_reentrance(self):
        with raises(ValueError, "Unexpected keyword arguments: k"):
            checkpoint(program, leaf(), use_reentrant=True, k=3)

    @pytest.mark.parametrize("option", [{"debug": True}, {"context_fn": lambda: None}])
    def test_options_with_reentrance(self, option):
        with raises(ValueError, "Passing `context_fn` or `debug` is only supported when use_reentrant=False."):
            checkpoint(program, leaf(), use_reentrant=True, **option)

    def test_unknown_check(self):
        with raises(ValueError, "determinism_check should be one of ['default', 'none'], but got foo"):
            checkpoint(program, leaf(), use_reentrant=False, determinism_check="foo")

    def test_without_a_choice(self):
        x = leaf()
        with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
            y = checkpoint(program, x)
        assert name(y) == "CheckpointFunctionBackward"


class TestSequential:
    @both
    @pytest.mark.parametrize("segments", [1, 2, 3, 4])
    def test_gradients(self, segments, reentrant):
        parts = [ac.sin, ac.exp, ac.cos, ac.tanh]
        x = leaf()
        checkpoint_sequential(parts, segments, x, use_reentrant=reentrant).sum().backward()
        np.testing.assert_allclose(to_numpy(x.grad), plain(lambda t: t.sin().exp().cos().tanh(), leaf()), rtol=1e-14)

    def test_module(self):
        model = ac.nn.Sequential(ac.nn.Linear(3, 4), ac.nn.Tanh(), ac.nn.Linear(4, 2)).double()
        x = leaf()
        found = checkpoint_sequential(model, 2, x, use_reentrant=False)
        np.testing.assert_array_equal(to_numpy(found.detach()), to_numpy(model(x).detach()))
        weight = model[0].weight
        np.testing.assert_array_equal(gradient(found.sum(), weight), gradient(model(x).sum(), weight))

    def test_refused(self):
        with raises(ValueError, "Unexpected keyword arguments: foo"):
            checkpoint_sequential([ac.sin], 1, leaf(), use_reentrant=False, foo=3)

    def test_without_a_choice(self):
        with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
            checkpoint_sequential([ac.sin, ac.sin], 2, leaf())


@both
def test_threads_share_parameters(reentrant):
    """Checkpoints in several threads at once, backward over one parameter; and one graph, backward in two threads."""
    w, failures = leaf([2.0, 3.0, 4.0]), []

    def work():
        try:
            for _ in range(20):
                x = leaf()
                checkpoint(lambda t: (t * w).sin(), x, use_reentrant=reentrant).sum().backward()
                np.testing.assert_allclose(to_numpy(x.grad), np.cos([2.0, 6.0, 12.0]) * [2.0, 3.0, 4.0])
                assert ac.is_grad_enabled()
        except BaseException as error:
            failures.append(error)

    in_threads(4, work)
    assert not failures
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(to_numpy(w.grad), 80 * np.cos(x * [2.0, 3.0, 4.0]) * x)

    v = leaf()
    y = checkpoint(program, v, use_reentrant=reentrant).sum()
    in_threads(4, lambda: y.backward(retain_graph=True))
    np.testing.assert_allclose(to_numpy(v.grad), 4 * expected())


def in_threads(count, work):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@both
def test_nothing_stays(reentrant):
    class Marker:
        pass

    marker = Marker()
    gone = weakref.ref(marker)

    def function(x, marker=marker):
        return program(x)

    y = checkpoint(function, leaf(), use_reentrant=reentrant)
    del marker, function
    y.sum().backward()
    del y
    gc.collect()
    assert gone() is None


def test_intermediates_are_not_kept():
    kept = []

    def function(x):
        for _ in range(5):
            x = x.sin()
            kept.append(weakref.ref(x))
        return x

    y = checkpoint(function, leaf(), use_reentrant=False)
    assert [ref() is None for ref in kept] == [True] * 4 + [False]
    y.sum().backward()
    del y
    assert all(ref() is None for ref in kept)
