"""What the tests of nn share: programs on any module that has its API."""

from module import ac
from support import weights

nn = ac.nn


def tensor(m, shape, seed=0, requires_grad=False):
    return m.tensor(weights(shape, seed), requires_grad=requires_grad)


def linear(m, inputs, outputs, seed=0):
    """A Linear with the same weights in every module."""
    layer = m.nn.Linear(inputs, outputs)
    with m.no_grad():
        layer.weight.copy_(tensor(m, (outputs, inputs), seed))
        layer.bias.copy_(tensor(m, (outputs,), seed + 1))
    return layer


def nested(m):
    """A module with parameters, buffers of both kinds, a shared module, a shared parameter and a missing one."""

    class Inner(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = m.nn.Parameter(tensor(m, (2, 3)))
            self.register_parameter("bias", None)
            self.register_buffer("mean", tensor(m, (3,), 1))
            self.register_buffer("scratch", m.zeros(1), persistent=False)
            self.register_buffer("count", m.tensor(3))

        def forward(self, x):
            return (x * self.weight).sum() + self.mean.sum()

    class Outer(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Inner()
            self.second = self.first
            self.third = Inner()
            self.third.weight = self.first.weight
            self.gone = None
            self.register_module("missing", None)
            self.scale = m.nn.Parameter(m.tensor(1.5))

        def forward(self, x):
            return self.third(self.first(x) * self.scale)

    return Outer()
