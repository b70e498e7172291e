"""What is freed, and when: by reference counts, or by the collector, and never what is alive."""

import functools
import gc
import weakref

import pytest
from module import ac
from support import (
    Token,
    chain,
    collected,
    deviation,
    freed_by_counting,
    leaf,
    quiet,
)

grad = ac.autograd.grad


# ------------------------------------------------------------------ what is freed, and when
COUNTED, COLLECTED, COLLECTED_HERE = [], [], []  # by reference counts; by the collector; by the collector, not in torch


def listed(registry):
    """Puts a function that builds something around a token into ``registry``."""

    def add(build):
        registry.append(build)
        return build

    return add


@listed(COUNTED)
def saves_its_output(token):
    leaf().exp().token = token


@listed(COUNTED)
def saves_its_output_in_place(token):
    b = leaf() * 1.0
    b.exp_()
    b.token = token


@listed(COUNTED)
def in_place_through_a_view(token):
    b = leaf() * 1.0
    b[:2].exp_()
    b.token = token


@listed(COUNTED)
def view_of_a_changed_base(token):
    v = (leaf() * 1.0)[:2]
    v.exp_()
    v.token = token


@listed(COUNTED)
def retained_gradient(token):
    b = leaf() * 2.0
    b.retain_grad()
    b.sum().backward()
    b.token = token


@listed(COUNTED)
def used_graph(token):
    a = leaf()
    (a * a).sum().backward()
    a.token = token


@listed(COUNTED)
def unused_graph(token):
    a = leaf()
    a.token = token
    chain(a * a, 10)


@listed(COUNTED)
def double_backward(token):
    a = leaf()
    a.token = token
    grad(grad((a**3).sum(), a, create_graph=True)[0].sum(), a)


@listed(COUNTED)
def view_and_base(token):
    b = leaf() * 1.0
    b.token = token
    b[1:][:1].sum()


@listed(COUNTED)
def long_chain(token):
    a = leaf(1.0)
    a.token = token
    chain(a, 200_000)


@pytest.mark.parametrize("build", COUNTED, ids=lambda build: build.__name__)
def test_freed_by_reference_counts(build):
    assert freed_by_counting(build)


@listed(COLLECTED)
def attribute_of_a_tensor(token):
    a = leaf()
    a.me, a.token = a, token


@listed(COLLECTED)
def hook_of_a_leaf_over_itself(token):
    a = leaf()
    a.register_hook(lambda g, held=(a, token): None)


@listed(COLLECTED)
def context_holds_the_output(token):
    class Keep(ac.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.output = x * 2.0
            ctx.token = token
            return ctx.output

        @staticmethod
        def backward(ctx, g):
            return g

    Keep.apply(leaf())


@listed(COLLECTED_HERE)
def hook_over_its_own_tensor(token):
    b = leaf() * 2.0
    b.register_hook(lambda g, held=(b, token): None)


@listed(COLLECTED_HERE)
def hook_over_a_result_through_plain_nodes(token):
    b = leaf() * 2.0
    result = chain(b, 10)
    b.register_hook(lambda g, held=(result, token): None)


@listed(COLLECTED_HERE)
def hook_through_plain_nodes_after_backward(token):
    b = leaf() * 2.0
    result = chain(b, 10)
    b.register_hook(lambda g, held=(result, token): None)
    result.sum().backward(retain_graph=True)


@listed(COLLECTED_HERE)
def hook_through_a_long_chain(token):
    b = leaf(1.0) * 2.0
    result = chain(b, 10_000)
    b.register_hook(lambda g, held=(result, token): None)


@listed(COLLECTED_HERE)
def two_hooks_over_each_other(token):
    a = leaf()
    b, c = chain(a * 2.0, 3), chain(a * 3.0, 3)
    after_b, after_c = chain(b, 3), chain(c, 3)
    b.register_hook(lambda g, held=(after_c, token): None)
    c.register_hook(lambda g, held=after_b: None)


@listed(COLLECTED_HERE)
def create_graph_on_a_leaf(token):
    a = leaf()
    a.token = token
    with quiet():
        (a * a).sum().backward(create_graph=True)


@listed(COLLECTED_HERE)
def create_graph_twice_on_a_leaf(token):
    a = leaf()
    a.token = token
    for _ in range(2):
        with quiet():
            chain(a * a, 5).sum().backward(create_graph=True)


@listed(COLLECTED_HERE)
def gradient_that_holds_its_leaf(token):
    a = leaf()
    a.token = token
    a.grad = ac.ones(3)
    a.grad.owner = a


@listed(COLLECTED_HERE)
def results_of_leaves_that_hold_them(token):
    a, b = leaf(), leaf()
    a.token = token
    a.result = b * a
    b.result = a + b


@listed(COLLECTED_HERE)
def attribute_that_is_a_result(token):
    a = leaf()
    a.result = chain(a * 2.0, 5)
    a.token = token


@listed(COLLECTED_HERE)
def context_holds_a_later_result(token):
    class Keep(ac.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.token = token
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            return g

    result = Keep.apply(leaf())
    result.grad_fn.later = chain(result, 5)


@listed(COLLECTED_HERE)
def in_place_with_a_view_of_itself(token):
    b = leaf() * 1.0
    b.mul_(b.view(3))
    b.token = token


@listed(COLLECTED_HERE)
def setitem_from_itself(token):
    b = leaf() * 1.0
    b[0] = b[1] * b[2]
    b.token = token


@pytest.mark.parametrize("build", COLLECTED, ids=lambda build: build.__name__)
def test_cycle_is_collected(build):
    assert collected(build)


@deviation("torch leaks these cycles")
@pytest.mark.parametrize("build", COLLECTED_HERE, ids=lambda build: build.__name__)
def test_cycle_that_torch_leaks_is_collected(build):
    assert collected(build)


class TestCollectorLeavesTheLivingAlone:
    def test_a_hook_still_works_after_collections(self):
        a = leaf()
        b = a * 2.0
        token = Token()
        alive = weakref.ref(token)
        b.register_hook(lambda g, held=(b, token): g * 10.0)
        del token
        result = chain(b, 100).sum()
        del b
        for _ in range(3):
            gc.collect()
        assert alive() is not None
        result.backward()
        assert a.grad.tolist() == [20.0] * 3

    def test_collections_during_backward(self):
        def hook(g, held):
            gc.collect()

        a = leaf(1.0)
        b = a
        for _ in range(5):
            b = chain(b * 1.0, 3)
            b.register_hook(functools.partial(hook, held=b))
        b.backward()
        assert a.grad.item() == 1.0

    def test_collections_while_graphs_are_built(self):
        """Thousands of live nodes, some with hooks, and a collection at every step."""
        a = leaf(1.0)
        b = chain(a, 1_000)
        for _ in range(5):
            b = b + 1.0
            b.register_hook(lambda g, held=b: None)
            gc.collect()
        b.backward()
        assert a.grad.item() == 1.0

    def test_a_finalizer_that_uses_the_graph(self):
        """What the collector breaks up may still be looked at by a finalizer: never a crash."""

        class Last:
            def __init__(self, tensor):
                self.tensor = tensor

            def __del__(self):
                seen.append(self.tensor.sum().item())

        seen = []
        a = leaf()
        a.last = Last(a)
        del a
        gc.collect()
        assert seen == [6.0]
