"""What can be asked of a recorded graph and done to it: edges, versions, hooks, pictures, what it keeps."""

from threading import Lock as _Lock
from typing import Any, NamedTuple

from .. import _core
from ._draw import draw
from ._saved_tensors import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)
from ._tape_memory import memory

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "draw",
    "get_gradient_edge",
    "increment_version",
    "memory",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
    "set_source_lines",
]

Node = _core.Node


class GradientEdge(NamedTuple):
    """A place in the graph that a gradient belongs to; `backward` and `grad` take it where they take a tensor.

    Attributes
    ----------
    node : Node
    output_nr : int
        Which of the node's outputs.
    ownership_token : object
        Always None: an edge keeps its node alive.
    """

    node: Node
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor):
    """The edge of a tensor, which outlives the tensor and what was computed.

    Parameters
    ----------
    tensor : Tensor

    Returns
    -------
    GradientEdge

    Raises
    ------
    RuntimeError
        If it does not require gradients.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor([1., 2.], requires_grad=True)
    >>> y = x * 3
    >>> edge = torch.autograd.graph.get_gradient_edge(y)
    >>> torch.autograd.grad((y * y).sum(), edge)
    (tensor([ 6., 12.]),)
    """
    edge = _core._edge(tensor) if tensor.requires_grad else None
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*edge)


def increment_version(tensor):
    """Say that a tensor was changed in place where autograd could not see it, so that saved values are known as stale.

    Parameters
    ----------
    tensor : Tensor or iterable of Tensor
        Those made in inference mode, which have no version, are left alone.
    """
    for t in (tensor,) if isinstance(tensor, _core.Tensor) else tensor:
        _core._increment_version(t)


class set_source_lines:
    """Choose, for good or as a context manager, whether recorded operations remember the line that recorded them.

    They do by default, in all threads: an exception in backward has a note with the line, which costs some 5 ns of each
    recorded operation, and keeps the code objects of the lines alive with the graph.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor(1., requires_grad=True)
    >>> with torch.autograd.graph.set_source_lines(False):
    ...     print((x * x).grad_fn._source)
    None
    """

    def __init__(self, mode):
        self.before = _core._set_source_lines(mode)

    def __enter__(self):
        return None

    def __exit__(self, *exception):
        _core._set_source_lines(self.before)


class _MultiHandle:
    """The handles of the hooks that belong together, as one."""

    def __init__(self, handles):
        self.handles = tuple(handles)

    def remove(self):
        """Take all of them back."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call a function when a backward has computed the gradients of several tensors.

    Parameters
    ----------
    tensors : sequence of Tensor
        All must require gradients.
    fn : callable
        In mode "all" it takes a list of Tensors or None, with None for a tensor that this backward gives no gradient;
        it is called after the last of the others. In mode "any" it takes the first of the gradients. What it returns
        is ignored.
    mode : {"all", "any"}

    Returns
    -------
    handle
        `remove()` takes the hook back; also a context manager.

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import autograd_c as torch
    >>> a = torch.tensor(2., requires_grad=True)
    >>> b = torch.tensor(3., requires_grad=True)
    >>> handle = torch.autograd.graph.register_multi_grad_hook((a, b), print)
    >>> (a * b).backward()
    [tensor(3.), tensor(2.)]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = _Lock()
    if mode == "any":
        called: set[int] = set()

        def first(grad):
            number = _core._current_pass()
            with lock:
                if number in called:
                    return
                called.clear()  # of passes that have ended
                called.add(number)
            fn(grad)

        return _MultiHandle([t.register_hook(first) for t in tensors])

    nodes = [get_gradient_edge(t).node for t in tensors]
    passes: dict[int, tuple[list[int], list[Any]]] = {}  # number -> how many are still to come, those that are here

    def collect(index):
        def hook(grad):
            number = _core._current_pass()
            with lock:
                state = passes.get(number)
                if state is None:
                    state = passes[number] = [sum(map(_core._will_run, nodes))], [None] * len(nodes)
                missing, found = state
                missing[0] -= 1
                found[index] = grad
                if missing[0]:
                    return
                del passes[number]
            fn(found)

        return hook

    return _MultiHandle([t.register_hook(collect(index)) for index, t in enumerate(tensors)])
