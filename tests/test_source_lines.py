"""What an error in backward tells: the operation, and the line that recorded it."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest
from module import IS_TORCH, ac
from support import leaf

if IS_TORCH:
    pytest.skip("torch's errors name no line outside of anomaly mode", allow_module_level=True)

graph = ac.autograd.graph


def here(offset=0):
    """File and line of the caller."""
    frame = sys._getframe(1)
    return frame.f_code.co_filename, frame.f_lineno + offset


class Failing(ac.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        raise KeyError("backward")


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize(
    "program",
    [
        lambda x: x * x,
        lambda x: 2.0 / x,
        lambda x: x.exp(),
        lambda x: ac.sin(x),
        lambda x: x.sum(),
        lambda x: x.view(-1),
        lambda x: x + 1.0,
        lambda x: (x * 1.0).mul_(2.0),
        lambda x: Failing.apply(x),
        lambda x: Failing.apply(x=x),
    ],
)
def test_line_of_the_caller(program, shape):
    y = program(leaf(np.full(shape, 2.0)))
    assert y.grad_fn._source == (__file__, program.__code__.co_firstlineno)


def test_each_line_of_an_expression_is_its_own():
    x = leaf()
    y = (
        x.sin()
        * x.exp()
    )  # fmt: skip
    expected = here(-4)
    sin, exp = (node for node, _ in y.grad_fn.next_functions)
    lines = [node._source[1] - expected[1] for node in (sin, exp)]
    assert lines == [1, 2]


def test_inside_generators_and_classes():
    def numbers(x):
        yield x * 2.0

    class Body:
        y = leaf() * 3.0

    (y,) = numbers(leaf())
    assert y.grad_fn._source[1] == numbers.__code__.co_firstlineno + 1
    assert Body.y.grad_fn._source[0] == __file__


def test_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append((leaf() * 2.0).grad_fn._source))
    thread.start()
    thread.join()
    assert found[0][0] == __file__


def notes_of(y, type=KeyError):
    with pytest.raises(type) as caught:
        y.sum().backward()
    return caught.value.__notes__


class TestNotes:
    def test_function(self):
        y = Failing.apply(leaf())
        assert notes_of(y * 2.0) == ["Error detected in FailingBackward, recorded at {}:{}.".format(*here(-1))]

    def test_hook(self):
        y = leaf().exp()
        y.register_hook(lambda g: 1 // 0)
        assert notes_of(y * 2.0, ZeroDivisionError) == [
            "Error detected in ExpBackward0, recorded at {}:{}.".format(*here(-3))
        ]

    def test_stale_tensor(self):
        x = leaf() * 1.0
        y = x * x
        x.zero_()
        assert notes_of(y, RuntimeError) == ["Error detected in MulBackward0, recorded at {}:{}.".format(*here(-2))]

    def test_hook_of_a_leaf(self):
        x = leaf()
        x.register_hook(lambda g: 1 // 0)
        assert notes_of(x * 2.0, ZeroDivisionError) == ["Error detected in torch::autograd::AccumulateGrad."]

    def test_backward_inside_backward(self):
        class Outer(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1.0

            @staticmethod
            def backward(ctx, g):
                with ac.enable_grad():
                    Failing.apply(leaf()).sum().backward()

        assert [note.split(",")[0] for note in notes_of(Outer.apply(leaf()))] == [
            "Error detected in FailingBackward",
            "Error detected in OuterBackward",
        ]


def test_switched_off():
    with graph.set_source_lines(False):
        y = Failing.apply(leaf() * 2.0)
        assert y.grad_fn._source is None
        assert y.grad_fn.next_functions[0][0]._source is None
        assert notes_of(y) == ["Error detected in FailingBackward."]
    assert (leaf() * 2.0).grad_fn._source == here()


def test_code_lives_as_long_as_the_graph():
    def make():
        namespace = {}
        exec("def f(x):\n    return x * 2.0", namespace)
        return namespace["f"]

    f = make()
    y = f(leaf())
    gone = weakref.ref(f.__code__)
    del f
    gc.collect()
    assert gone() is not None
    assert y.grad_fn._source == ("<string>", 2)
    del y
    gc.collect()
    assert gone() is None
