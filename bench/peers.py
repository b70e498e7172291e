"""The modules that are compared, and how each is asked for what a case is about.

A peer has a method for each mode (cases.py) that means something to it; the method takes a case and returns what is
timed, a function without arguments that returns all that it computed. A new peer is a class and its place in PEERS.
"""

import importlib
import importlib.metadata
import os
import warnings
from itertools import repeat
from types import ModuleType
from typing import Any

from bench.cases import RATE

# What the libraries look at when they are loaded: OpenBLAS (numpy, and the products of autograd_c), Accelerate, jax.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "PJRT_NPROC", "NPROC")


def limit_threads(threads):
    """Allow each peer that many threads; to be called before any is loaded."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))


class Peer:
    """What the peers have in common."""

    name = ""  # of the column
    module = ""  # what a function is called with
    distribution = ""
    tolerance = 1e-9  # how far its results may be from those of the others, relative to the largest of an array
    m: ModuleType

    def load(self, threads=1):
        """Import the module, and bring it to float64, the CPU, and a number of threads.

        Raises
        ------
        ImportError
            If it is not installed, or not completely.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a peer finds wrong with its own environment
            self.m = importlib.import_module(self.module)
            self.configure(threads)
        return self

    def configure(self, threads):
        """Set what is not the default."""

    @property
    def version(self):
        """As it is installed."""
        return importlib.metadata.version(self.distribution)

    def work(self, case):
        """Return the function to be timed, or None where the case means nothing to this peer."""
        if case.peers is not None and self.name not in case.peers:
            return None
        method = getattr(self, case.mode, None)
        return None if method is None else method(case)

    def array(self, x) -> Any:
        """Make numpy's array one of the module's."""
        return x

    def arguments(self, case):
        """The arguments of a case as arrays of the module."""
        return [self.array(x) for x in case.arguments()]

    def numpy(self, x):
        """The contrary of `array`, always a copy."""
        import numpy as np

        return np.array(x)


# ------------------------------------------------------------------ autograd on tensors
class Torch(Peer):
    """PyTorch, and whatever has its API: the gradient goes to the tensors that ask for it."""

    name = module = distribution = "torch"

    def configure(self, threads):
        self.m.set_num_threads(threads)
        self.m.set_default_dtype(self.m.float64)

    def array(self, x):
        return self.m.tensor(x)

    def numpy(self, x):
        return super().numpy(x.detach().numpy())

    def leaves(self, case):
        """The arguments, those that the gradient is asked for as leaves."""
        arguments = self.arguments(case)
        return [x.requires_grad_() for x in arguments[: case.wrt]], arguments[case.wrt :]

    def create(self, case):
        (number,) = map(float, case.arguments())

        def work(m=self.m, per=case.per):
            for _ in repeat(None, per):
                x = m.tensor(number, requires_grad=True)
            return x

        return work

    def record(self, case):
        leaves, others = self.leaves(case)
        return lambda: case.function(self.m, *leaves, *others)

    def value(self, case):
        arguments = self.arguments(case)
        return lambda: case.function(self.m, *arguments)

    def gradient(self, case):
        leaves, others = self.leaves(case)
        arguments = leaves + others

        def work(m=self.m, function=case.function):
            y = function(m, *arguments)
            y.backward()
            gradients = [x.grad for x in leaves]
            for x in leaves:
                x.grad = None
            return y, gradients

        return work

    def anew(self, case):
        (number,) = map(float, case.arguments())

        def work(m=self.m, function=case.function, per=case.per):
            for _ in repeat(None, per):
                x = m.tensor(number, requires_grad=True)
                y = function(m, x)
                y.backward()
            return y, [x.grad]

        return work

    def train(self, case):
        parameters, data = self.leaves(case)
        arguments = parameters + data

        def work(m=self.m, function=case.function):
            loss = function(m, *arguments)
            loss.backward()
            with m.no_grad():
                for x in parameters:
                    x.sub_(x.grad, alpha=RATE)
                    x.grad = None
            return loss, parameters

        return work


class AutogradC(Torch):
    """This package."""

    name = module = distribution = "autograd_c"

    def configure(self, threads):
        self.m.set_num_threads(threads)  # float64 is what there is

    @property
    def version(self):
        return self.m.__version__  # it need not be installed


# ------------------------------------------------------------------ autograd on functions
def positions(case):
    """Where the arguments stand that the gradient is asked for."""
    return 0 if case.wrt == 1 else tuple(range(case.wrt))


class Functional(Peer):
    """A peer that makes a function of a function; it says how."""

    def differentiated(self, function, positions):
        """Return a function for value and gradient, the latter as a sequence if there are several positions."""
        raise NotImplementedError

    def compiled(self, function):
        """Return the function as it is called."""
        return function

    def finished(self, result):
        """Return the result, once it has been computed."""
        return result

    def derivative(self, case):
        """Return a function of the arguments for value and gradient."""
        return self.differentiated(self.bound(case), positions(case))

    def bound(self, case):
        """The function of a case, of arrays alone."""

        def function(*arguments, m=self.m):
            return case.function(m, *arguments)

        return function

    def value(self, case):
        function, arguments = self.compiled(self.bound(case)), self.arguments(case)
        return lambda: self.finished(function(*arguments))

    def gradient(self, case):
        derive, arguments = self.compiled(self.derivative(case)), self.arguments(case)
        return lambda: self.finished(derive(*arguments))

    def anew(self, case):
        derive = self.compiled(self.derivative(case))
        (number,) = map(float, case.arguments())

        def work(per=case.per):
            for _ in repeat(None, per):
                result = self.finished(derive(number))
            return result

        return work

    def train(self, case):
        derive, arguments = self.derivative(case), self.arguments(case)

        def step(parameters, data):
            loss, gradients = derive(*parameters, *data)
            return loss, [x - RATE * g for x, g in zip(parameters, gradients, strict=True)]

        step = self.compiled(step)
        parameters, data = arguments[: case.wrt], arguments[case.wrt :]

        def work():
            nonlocal parameters
            loss, parameters = self.finished(step(parameters, data))
            return loss, parameters

        return work


class HipsAutograd(Functional):
    """HIPS autograd: numpy's arrays, with its functions wrapped."""

    name = distribution = "autograd"
    module = "autograd.numpy"

    def configure(self, threads):
        self.autograd = importlib.import_module("autograd")

    def differentiated(self, function, positions):
        return self.autograd.value_and_grad(function, positions)

    def record(self, case):
        function, arguments = self.bound(case), self.arguments(case)
        make_vjp = self.autograd.differential_operators.make_vjp

        def work():
            _, y = make_vjp(function, positions(case))(*arguments)
            return y

        return work


class Jax(Functional):
    """jax without jit: operation by operation."""

    name = distribution = "jax"
    module = "jax.numpy"

    def configure(self, threads):
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_platforms", "cpu")
        self.jax.config.update("jax_enable_x64", True)

    def array(self, x):
        return self.m.asarray(x)

    def differentiated(self, function, positions):
        return self.jax.value_and_grad(function, positions)

    def finished(self, result):
        return self.jax.block_until_ready(result)

    def create(self, case):
        (number,) = map(float, case.arguments())

        def work(m=self.m, per=case.per):
            for _ in repeat(None, per):
                x = m.array(number)
            return self.finished(x)

        return work

    def record(self, case):
        function, arguments = self.bound(case), self.arguments(case)

        def work():
            y, _ = self.jax.vjp(function, *arguments)
            return self.finished(y)

        return work


class JaxJit(Jax):
    """jax, all of a call in one compiled function; the time to compile it does not count."""

    name = "jax.jit"
    # Nothing is recorded when a compiled function runs, and making an array is not for compiling.
    create = record = None  # type: ignore[assignment]

    def compiled(self, function):
        return self.jax.jit(function)


class Mlx(Functional):
    """mlx on the CPU, where it has float64, but takes exp, sin and cos no further than float32 would.

    It computes when asked for a result, in a thread of its own, one whatever is allowed. What nobody asks for it does
    not compute, so it has no `record`.
    """

    name = distribution = "mlx"
    module = "mlx.core"
    tolerance = 1e-5

    def configure(self, threads):
        self.m.set_default_device(self.m.cpu)

    def array(self, x):
        return self.m.array(x, dtype=self.m.float64)

    def differentiated(self, function, positions):
        return self.m.value_and_grad(function, positions)

    def finished(self, result):
        self.m.eval(result)
        return result

    def create(self, case):
        (number,) = map(float, case.arguments())

        def work(m=self.m, per=case.per):
            for _ in repeat(None, per):
                x = m.array(number, m.float64)
            return self.finished(x)

        return work

    def anew(self, case):
        derive = self.derivative(case)
        (number,) = map(float, case.arguments())

        def work(m=self.m, per=case.per):
            for _ in repeat(None, per):
                result = self.finished(derive(m.array(number, m.float64)))
            return result

        return work


# ------------------------------------------------------------------ no autograd
class Numpy(Peer):
    """numpy: what the value alone takes."""

    name = module = distribution = "numpy"
    threads = 1

    def configure(self, threads):
        self.threads = threads

    def value(self, case):
        if self.threads > 1 and case.family not in ("", "products"):
            return None  # it would be one thread's time again
        arguments, function = case.arguments(), case.with_numpy
        return lambda: function(self.m, *arguments)


OURS, REFERENCE = AutogradC(), Torch()
PEERS = (OURS, REFERENCE, Jax(), JaxJit(), HipsAutograd(), Mlx(), Numpy())


def load_peers(threads=1, names=None):
    """Load the peers with these names, or all; return those that are there, and why the others are not, by name."""
    loaded, missing = [], {}
    for peer in PEERS:
        if names is not None and peer.name not in names:
            continue
        try:
            loaded.append(peer.load(threads))
        except ImportError as error:
            missing[peer.name] = str(error)
    return loaded, missing
