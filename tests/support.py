"""What the tests of semantics share (views, in-place, engine, errors ...), beyond module.py."""

import gc
import os
import subprocess
import sys
import threading
import warnings
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
from module import IS_TORCH, ac, bits, to_numpy

# Cut where torch's second sentence begins: the rest is each project's own.
SECOND_BACKWARD = "Trying to backward through the graph a second time"
STALE = "one of the variables needed for gradient computation has been modified by an inplace operation: "
NOT_FLOAT = "Only Tensors of floating point and complex dtype can require gradients"
LEAF_IN_PLACE = "a leaf Variable that requires grad is being used in an in-place operation."
LEAF_VIEW_IN_PLACE = "a view of a leaf Variable that requires grad is being used in an in-place operation."
NO_GRAPH = "element 0 of tensors does not require grad and does not have a grad_fn"
OVERLAPPING_WRITE = "unsupported operation: more than one element of the written-to tensor refers to a single memory"
OVERLAPPING_READ = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single"
)


def deviation(reason):
    """Marks a test of what autograd_c does on purpose otherwise than torch, which is then not asked."""
    return pytest.mark.skipif(IS_TORCH, reason=f"deviation: {reason}")


# ------------------------------------------------------------------ tensors
def leaf(values=(1.0, 2.0, 3.0)):
    """A leaf that requires grad."""
    return ac.tensor(values, dtype=ac.float64, requires_grad=True)


VALUES = [[0.5, 1.25, 0.75], [2.0, 0.25, 1.5]]


def tracked(values=VALUES):
    """A leaf and a tensor computed from it, which may be changed in place."""
    a = leaf(values)
    return a, a * 1.0


def chain(start, length):
    """``start`` through ``length`` additions."""
    for _ in range(length):
        start = start + 1.0
    return start


def name(tensor):
    """The name of the node that made ``tensor``, or None."""
    return node_name(tensor.grad_fn)


def node_name(node):
    """The class name of a node, which is what a printed tensor shows; None for no node."""
    return None if node is None else type(node).__name__


def next_names(node):
    """The names of the nodes ``node`` passes its gradients on to."""
    return [node_name(following) for following, _ in node.next_functions]


def gradient(output, *inputs, **options):
    """One gradient as an array, or several as a list."""
    found = [None if g is None else to_numpy(g) for g in ac.autograd.grad(output, inputs, **options)]
    return found[0] if len(found) == 1 else found


def order_of(**tensors):
    """A list that fills with the names of ``tensors`` as their gradients become known."""
    order = []
    for key, tensor in tensors.items():
        tensor.register_hook(lambda g, key=key: order.append(key))
    return order


# ------------------------------------------------------------------ backward and grad


def weights(shape, seed=0):
    """Numbers, no two alike, that tell one element of a gradient from another."""
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape)


# ------------------------------------------------------------------ expectations
@contextmanager
def raises(kind, sentence="", contains=""):
    """The body raises exactly ``kind``, no subclass of it, with a message that starts with ``sentence``."""
    with pytest.raises(kind) as info:
        yield info
    assert type(info.value) is kind
    assert str(info.value).startswith(sentence), str(info.value)
    assert contains in str(info.value)


def state(tensor):
    """All that an operation which failed must not have changed, comparable by ==."""
    version = None if tensor.is_inference() else tensor._version
    grad = tensor.grad if tensor.is_leaf else None
    values = bits(to_numpy(tensor)).tolist()
    geometry = (tuple(tensor.shape), tuple(tensor.stride()), tensor.storage_offset(), tensor.data_ptr())
    return values, geometry, version, tensor.requires_grad, name(tensor), None if grad is None else grad.tolist()


@contextmanager
def unchanged(*tensors):
    """The body leaves values, geometry, version, flags and gradients of ``tensors`` as they were."""
    before = [state(tensor) for tensor in tensors]
    yield
    assert [state(tensor) for tensor in tensors] == before


@contextmanager
def quiet():
    """For what torch warns about and the tests do not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Token:
    """An object whose end can be observed: hung on whatever should be freed."""


def freed_by_counting(build):
    """Whether what ``build(token)`` makes holds the token no longer once it has returned, without the collector."""
    gc.collect()
    gc.disable()
    try:
        token = Token()
        alive = weakref.ref(token)
        build(token)
        del token
        return alive() is None
    finally:
        gc.enable()


def collected(build):
    """Whether the collector frees what ``build(token)`` leaves behind."""
    token = Token()
    alive = weakref.ref(token)
    build(token)
    del token
    gc.collect()
    return alive() is None


# ------------------------------------------------------------------ threads and processes
def in_threads(*functions):
    """Runs the functions in as many threads, started together: a list of results, or of the exceptions raised."""
    outcomes = [None] * len(functions)
    barrier = threading.Barrier(len(functions))

    def run(i, function):
        barrier.wait()
        try:
            outcomes[i] = function()
        except BaseException as error:  # handed over to the caller
            outcomes[i] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def all_in_threads(*functions):
    """As `in_threads`, but an exception in any thread is raised here."""
    outcomes = in_threads(*functions)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


PRELUDE = "import gc, os, sys, threading\nfrom module import ac\nfrom support import leaf\n"


def run_script(body, timeout=60, prelude=PRELUDE):
    """Runs ``body`` in a fresh interpreter, so that a crash or a hang is a failure and not the end of the suite."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-"],
        input=prelude + body,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )


def script_output(body, timeout=60, prelude=PRELUDE):
    """What ``body`` prints; it must end well."""
    done = run_script(body, timeout, prelude)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
