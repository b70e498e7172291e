"""Leaks of what is built around the graph: hooks on saved tensors, contexts, checkpoints, checks, pictures.

Each scenario is called until a leak would show, of objects, of references (None among them) or of memory.
"""

import contextlib
import gc
import importlib
import threading
import tracemalloc

import numpy as np
import pytest
from module import IS_TORCH, ac, to_numpy
from support import leaf
from test_leaks import assert_no_leak, freeze, unfreeze  # noqa: F401  (fixtures)

if IS_TORCH:
    pytest.skip("what torch leaks is not our concern", allow_module_level=True)

graph = ac.autograd.graph
fw = ac.autograd.forward_ad
utils = importlib.import_module("autograd_c.utils.checkpoint")
SCENARIOS = {}


def scenario(build):
    SCENARIOS[build.__name__] = build
    return build


def program(x):
    return (x.exp() * x + x.sin()).softmax(-1).norm() * (x * x).sum()


def failing(*args):
    raise KeyError("on purpose")


@scenario
def saved_tensor_hooks():
    x = leaf()
    with graph.saved_tensors_hooks(lambda t: to_numpy(t).copy(), ac.tensor):
        y = program(x)
    (g,) = ac.autograd.grad(y, x, create_graph=True)
    g.sum().backward()
    with graph.save_on_cpu(pin_memory=True):
        program(x).backward()


@scenario
def saved_tensor_hooks_that_fail():
    x = leaf()
    for pack, unpack in ((failing, failing), (lambda t: t, failing), (lambda t: t, lambda t: 3)):
        try:
            with graph.saved_tensors_hooks(pack, unpack):
                program(x).backward()
        except (KeyError, TypeError):
            pass
    try:
        with graph.disable_saved_tensors_hooks("not here"), graph.saved_tensors_hooks(failing, failing):
            pass
    except RuntimeError:
        pass


@scenario
def raw_saved_tensors():
    x = leaf()
    y, z = x.sin(), x.exp()
    for raw in (y.grad_fn._raw_saved_self, z.grad_fn._raw_saved_result):
        raw.register_hooks(lambda t: t.detach().clone(), lambda t: t)
        assert raw.data is not None
    assert y.grad_fn._saved_self is not None
    (y * z).sum().backward()
    assert not hasattr(y.grad_fn, "_saved_other")
    dir(y.grad_fn)


@scenario
def changes_of_saved_tensors():
    with graph.allow_mutation_on_saved_tensors():
        b = leaf().clone()
        y = b.exp() * b
        b.zero_()
        y.sum().backward()


class Context(ac.autograd.Function):
    """Uses all of the context, and refers to itself."""

    @staticmethod
    def forward(ctx, x, y, number):
        x.mul_(2.0)
        ctx.mark_dirty(x)
        z, flag = y * number, y > 0.0
        ctx.mark_non_differentiable(flag)
        ctx.save_for_backward(x, y, z)
        ctx.save_for_forward(x, y)
        ctx.itself = ctx
        ctx.set_materialize_grads(False)
        return x, z, flag, None

    @staticmethod
    def backward(ctx, g, h, *_):
        x, y, z = ctx.saved_tensors
        return (None if g is None else g * 2.0), (None if h is None else h * x * y * z), None

    @staticmethod
    def jvp(ctx, s, t, _):
        if s is not None:
            s.mul_(2.0)
        return s, (None if t is None else t * 3.0), None, None


@scenario
def contexts():
    a, b = leaf(), leaf()
    x, z, _, _ = Context.apply(a * 1.0, b, 3.0)
    (g,) = ac.autograd.grad((x + z).sum(), b, create_graph=True)
    g.sum().backward()
    Context.apply(a[:1] * 1.0, b[:1], 3.0)
    with fw.dual_level():
        dual = fw.make_dual(leaf().detach(), ac.ones(3))
        fw.unpack_dual(Context.apply(dual * 1.0, leaf().detach(), 3.0)[0])


@scenario
def contexts_that_fail():
    a = leaf()
    for arguments in ((a, a, 3.0), (a * 1.0, a, None), ((a * 1.0)[:1], a[:1], 3.0)):
        try:
            Context.apply(*arguments)
        except (RuntimeError, TypeError):
            pass
        else:
            pytest.fail("not refused")


once = type(
    "Once",
    (ac.autograd.Function,),
    {
        "forward": staticmethod(lambda ctx, x: x * 1.0),
        "backward": staticmethod(
            importlib.import_module("autograd_c.autograd.function").once_differentiable(lambda ctx, g: g * 2.0)
        ),
    },
)


@scenario
def once_differentiable():
    x = leaf()
    (g,) = ac.autograd.grad((once.apply(x) * x).sum(), x, create_graph=True)
    try:
        g.sum().backward()
    except RuntimeError:
        pass
    else:
        pytest.fail("not refused")


@scenario
def checkpoints():
    x = leaf()
    for reentrant in (False, True):
        y = utils.checkpoint(program, x * 1.0, use_reentrant=reentrant)
        y.backward(retain_graph=True)
        y.backward()
        utils.checkpoint_sequential([ac.sin, ac.exp, ac.tanh], 2, x * 1.0, use_reentrant=reentrant).sum().backward()
    y = utils.checkpoint(lambda t: utils.checkpoint(program, t.sin(), use_reentrant=False), x, use_reentrant=False)
    (g,) = ac.autograd.grad(y, x, create_graph=True)
    g.sum().backward()
    utils.checkpoint(program, x, use_reentrant=False)  # and no backward


@scenario
def checkpoints_that_fail():
    x, left = leaf(), [program, failing]
    y = utils.checkpoint(lambda t: left.pop(0)(t), x, use_reentrant=False)
    left_too = [lambda t: t.sin().exp(), lambda t: t.exp()]
    z = utils.checkpoint(lambda t: left_too.pop(0)(t), x, use_reentrant=False).sum()
    for each in (y, z):
        try:
            each.backward()
        except (KeyError, utils.CheckpointError):
            pass
        else:
            pytest.fail("not refused")


@scenario
def selective_checkpoints():
    x = ac.ones(2, 2, requires_grad=True)
    contexts = lambda: utils.create_selective_checkpoint_contexts([ac.mm, ac.sin])  # noqa: E731
    utils.checkpoint(lambda t: (t @ t).sin() @ t, x, use_reentrant=False, context_fn=contexts).sum().backward()


@scenario
def loops():
    x, w = leaf(), leaf()
    y = utils.checkpoint_loop(lambda i, t: t + 0.1 * (t * w).sin(), x, 10, snapshots=3)
    y.sum().backward()
    with contextlib.suppress(RuntimeError):
        utils.checkpoint_loop(lambda i, t: t.mul_(2.0), leaf() * 1.0, 3, snapshots=2)


@scenario
def checks():
    x = leaf()
    ac.autograd.gradcheck(program, x, check_forward_ad=False, check_batched_grad=True)
    ac.autograd.gradgradcheck(lambda t: t.exp(), x, fast_mode=True)
    assert not ac.autograd.gradcheck(lambda t: t.detach() * 2.0, x, raise_exception=False)


@scenario
def pictures():
    a, b = leaf(), leaf()
    x, z, _, _ = Context.apply(a * 1.0, b, 3.0)
    base = (x + z).sin()
    base[:2].mul_(2.0)
    y = (base.unbind()[0] * b).sum()
    drawing = graph.draw(y, params={"a": a, "b": b})
    assert drawing.dot
    assert drawing.svg
    assert str(graph.memory(y))
    y.backward()
    assert graph.memory(y).total == 0


@scenario
def anomalies_and_lines():
    x = ac.tensor(0.0, requires_grad=True)
    with ac.autograd.set_detect_anomaly(True), contextlib.suppress(RuntimeError):
        (x * 0.0).sqrt().backward()
    with graph.set_source_lines(False):
        program(leaf()).backward()
    y = leaf().exp()
    y.register_hook(failing)
    with contextlib.suppress(KeyError):
        y.sum().backward()


@scenario
def other_code():
    namespace = {}
    exec("def f(x):\n    return x * 2.0", namespace)
    assert namespace["f"](leaf()).grad_fn._source == ("<string>", 2)


@scenario
def memory_of_another():
    x, y = leaf().detach(), leaf().detach()
    v = x[1:]
    x.set_(y)
    x.set_()
    v.set_(y[:1])
    w = leaf() * 1.0
    w.set_(y)


@scenario
def hooks_of_nodes():
    x = leaf()
    y = x.exp()
    y.grad_fn.register_hook(lambda inputs, outputs, y=y: None)
    y.grad_fn.register_prehook(lambda outputs: None)
    y.grad_fn.metadata["y"] = y
    handle = graph.register_multi_grad_hook((x, y), lambda gs: None)
    edge = graph.get_gradient_edge(y)
    ac.autograd.grad((y * y).sum(), edge)
    handle.remove()
    ac.autograd.grad(y, x, ac.ones(4, 3), is_grads_batched=True)


@pytest.mark.parametrize("run", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_scenario(run):
    def quietly():
        with np.errstate(all="ignore"):
            run()

    assert_no_leak(quietly, calls=10)


@pytest.mark.parametrize("run", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_python_sees_no_leak(run):
    """As Python's own tools tell: the collector finds nothing that it cannot free, and no traced memory stays."""

    def traced(calls):
        for _ in range(calls):
            run()
        gc.collect()
        # numpy keeps small memory for later.
        theirs = tracemalloc.Filter(False, np.__path__[0] + "/*")
        return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([theirs]).traces)

    garbage = len(gc.garbage)
    gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
    tracemalloc.start()
    try:
        with np.errstate(all="ignore"):
            traced(3)
            growth = []
            while len(growth) < 20 and min(growth, default=1000) >= 160:  # a cache or a table has an end
                before = traced(1)
                growth.append(traced(10) - before)
    finally:
        tracemalloc.stop()
        gc.set_debug(0)
    assert len(gc.garbage) == garbage
    assert min(growth) < 160, growth  # less than an object a call


@pytest.mark.parametrize("name", ["saved_tensor_hooks", "contexts", "checkpoints", "pictures"])
def test_in_a_thread(name):
    """The thread's hooks and flags go with it."""

    def run():
        thread = threading.Thread(target=SCENARIOS[name])
        thread.start()
        thread.join()

    assert_no_leak(run, calls=5)
