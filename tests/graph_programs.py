"""Programs whose graphs are drawn and measured: each gives results, and names of leaves."""

from pathlib import Path

import pytest
from module import ac
from support import leaf


class Twice(ac.autograd.Function):
    """A custom function of two outputs, the second of which needs nothing saved."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x, x + 1.0

    @staticmethod
    def backward(ctx, g, h):
        return 2.0 * ctx.saved_tensors[0] * g + h


def tutorial():
    w, b = ac.tensor(1.0, requires_grad=True), ac.tensor(0.0, requires_grad=True)
    z = ac.sigmoid(w * ac.tensor(6.7) + b)
    return ac.nn.BCELoss()(z, ac.tensor(0.0)), {"w": w, "b": b}


def network():
    layers = ac.nn.Sequential(ac.nn.Linear(20, 8), ac.nn.Tanh(), ac.nn.Linear(8, 3))
    loss = ac.nn.CrossEntropyLoss()(layers(ac.ones(4, 20)), ac.zeros(4, dtype=ac.int64))
    return loss + 0.1 * sum((p * p).sum() for p in layers.parameters()), dict(layers.named_parameters())


def diamond():
    x = leaf()
    y = x.exp()
    return (y.sin() * y.cos() + y * y).sum(), {"x": x}


def custom():
    x = leaf()
    a, b = Twice.apply(x)
    return [(a * b).sum(), b.sum()], {"x": x, "product": a}


def several_outputs():
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    a, b, c = x.unbind(0)
    return ac.cat([c, a, b, a]).sum(), {"x": x}


def recurrent(steps=6):
    w, v, b = leaf([[0.5, 0.25], [0.125, 1.0]]), leaf([[1.0, 2.0]]), leaf([0.0, 1.0])
    h = ac.zeros(1, 2)
    for _ in range(steps):
        h = ac.tanh(h @ w + ac.ones(1, 1) @ v + b)
    return h.sum(), {"w": w, "v": v, "b": b}


def dense(count):
    """Each adds up all before: of its lines there are `count`**2 / 2, most of them long."""
    parts = [leaf()]
    for _ in range(count):
        parts.append(ac.stack(parts).sum(0))
    return parts[-1].sum(), {"x": parts[0]}


PROGRAMS = [tutorial, network, diamond, custom, several_outputs, recurrent]
programs = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)


def edges_of(results):
    """All edges, and all nodes, by a way of finding them of the test's own."""
    ends = results if isinstance(results, list) else [results]
    stack = [r.grad_fn for r in ends]
    nodes, edges = {id(n): n for n in stack}, []
    while stack:
        node = stack.pop()
        for following, output in node.next_functions:
            if following is not None:
                edges.append((following, output, node))
                if id(following) not in nodes:
                    nodes[id(following)] = following
                    stack.append(following)
    return edges, list(nodes.values())


def line_of(path, text, after):
    """The number of the first line of a file that has a text after another."""
    source = Path(path).read_text(encoding="utf-8")
    return source[: source.index(text, source.index(after))].count("\n") + 1
