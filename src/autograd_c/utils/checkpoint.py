"""Checkpoints: parts of a graph that are computed again in backward, instead of being kept.

Design
------
a) Without re-entrance: while the function runs, saved-tensor hooks put a placeholder (`_Place`) where a node would keep
   a tensor, and count them. When backward asks for the first of them the function runs again, its hooks note what is
   to be saved at each count, and stop the run when all is there. So the graph itself is the ordinary one: backward
   with `inputs`, `autograd.grad`, derivatives of any order and nesting need nothing more.
b) What the function was given is saved by a node of its own, through the hooks around it: those of an outer
   checkpoint, if there is one, so that a nest keeps the outermost inputs only.
c) With re-entrance: a custom Function, whose backward runs the function again and calls backward inside.
d) What backward computed again is kept in the placeholders, with the number of its pass, for as long as they live.
"""

import warnings
from contextlib import contextmanager, nullcontext
from weakref import ref

from .. import _core
from .._generator import default_generator as _default
from ..autograd import Function, backward, enable_grad
from ..errors import stale_saved
from ._revolve import checkpoint_loop, checkpoint_loop_steps
from ._selective import CheckpointPolicy, SelectiveCheckpointContext, create_selective_checkpoint_contexts

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "SelectiveCheckpointContext",
    "checkpoint",
    "checkpoint_loop",
    "checkpoint_loop_steps",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]


class CheckpointError(RuntimeError):
    """The second run of a function did not do what the first did."""


class _Stop(BaseException):
    """Everything that backward needs has been computed again. (No Exception: the function might catch it.)"""


# What the context managers below have set, for all threads as in PyTorch; None is the call's own choice.
_early_stop: bool | None = None
_debug: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable):
    """Context manager: whether checkpoints made inside stop their second run once all that is needed is there.

    Parameters
    ----------
    enable : bool
    """
    global _early_stop
    before = _early_stop
    _early_stop = enable
    try:
        yield
    finally:
        _early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled):
    """Context manager: whether checkpoints made inside remember the lines that save tensors, for their errors.

    Parameters
    ----------
    enabled : bool or None
        None leaves it to the argument `debug` of each checkpoint.
    """
    global _debug
    before = _debug
    _debug = enabled
    try:
        yield
    finally:
        _debug = before


def noop_context_fn():
    """Two context managers that do nothing, for the first and the second run."""
    return nullcontext(), nullcontext()


@contextmanager
def _random_state(snapshot):
    """Draw the random numbers that followed a snapshot, and go on afterwards as if none had been drawn."""
    if snapshot is None:
        yield
        return
    before = _default.snapshot()
    _default.restore(snapshot)
    try:
        yield
    finally:
        _default.restore(before)


# ------------------------------------------------------------------------------------ without re-entrance
class _Place:
    """Stands in a node for a tensor that can be computed again."""

    __slots__ = ("__weakref__", "number", "tensor", "version")
    tensor: _core.Tensor
    version: int

    def __init__(self):
        self.number = None  # of the pass that computed the tensor


class _SaveInputs(Function):
    """The node that keeps what a checkpoint was given."""

    @staticmethod
    def forward(ctx, anchor, *tensors):
        ctx.save_for_backward(*tensors)
        return anchor.detach()

    @staticmethod
    def backward(ctx, g):
        raise AssertionError("a checkpoint's inputs are saved, and nothing is differentiated by this node")


class _Frame:
    """One checkpoint without re-entrance."""

    def __init__(self, function, args, kwargs, preserve_rng_state, recompute_context, check, early_stop, debug):
        self.function, self.kwargs, self.recompute_context = function, kwargs, recompute_context
        self.check, self.early_stop = check, early_stop
        self.random = _default.snapshot() if preserve_rng_state else None
        self.lines: list | None = [] if debug else None
        self.places = []  # weak references
        self.metadata = []
        self.args = list(args)
        self.which = [i for i, x in enumerate(args) if isinstance(x, _core.Tensor)]
        anchor = _core.zeros((), requires_grad=True)
        self.inputs = _SaveInputs.apply(anchor, *[args[i] for i in self.which]).grad_fn
        for i in self.which:
            self.args[i] = None

    def pack(self, tensor):
        place = _Place()
        self.places.append(ref(place))
        self.metadata.append((tensor.shape, tensor.dtype))
        if self.lines is not None:
            self.lines.append(_caller())
        return place

    def unpack(self, place):
        number = _core._current_pass()
        if place.number != number or number < 0:
            self.run_again(number)
        tensor = place.tensor
        if tensor._version != place.version:
            kind = "Double" if tensor.is_floating_point() else "Long"
            raise stale_saved(kind, list(tensor.shape), "", tensor._version, place.version)
        return tensor

    def run_again(self, number):
        """Run the function, and give each place that still is alive its tensor."""
        metadata: list[tuple] = []
        lines: list[str] = []
        places = self.places
        last = len(places) - 1 if self.early_stop else -1

        def pack(tensor):
            i = len(metadata)
            metadata.append((tensor.shape, tensor.dtype))
            if self.lines is not None:
                lines.append(_caller())
            if i >= len(places):
                if not self.early_stop:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation than during the "
                        "original forward pass." + self.explanation(lines)
                    )
                raise _Stop
            place = places[i]()
            if place is not None:
                place.tensor = tensor.detach()
                place.version = tensor._version
                place.number = number
            if i == last:
                raise _Stop
            return tensor

        args = list(self.args)
        for i, tensor in zip(self.which, self.inputs.saved_tensors, strict=True):
            args[i] = tensor
        try:
            with _random_state(self.random), enable_grad(), self.recompute_context:
                _core._push_saved_tensors_hooks(pack, _itself)
                try:
                    self.function(*args, **self.kwargs)
                finally:
                    _core._pop_saved_tensors_hooks()
        except _Stop:
            pass  # as it should
        self.compare(metadata, lines)

    def compare(self, metadata, lines):
        """Raise where the second run saved something else than the first."""
        if len(metadata) != len(self.metadata):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.metadata)}\n"
                f"Number of tensors saved during recomputation: {len(metadata)}." + self.explanation(lines)
            )
        if self.check == "none":
            return
        differences = [
            f"tensor at position {i}:\nsaved metadata: {_text(a)}\nrecomputed metadata: {_text(b)}\n"
            for i, (a, b) in enumerate(zip(self.metadata, metadata, strict=True))
            if a != b
        ]
        if differences:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                "during the forward pass.\n" + "".join(differences) + self.explanation(lines)
            )

    def explanation(self, lines):
        """Which lines saved the tensors, if that was remembered."""
        if self.lines is None:
            return "\n\nTip: with `debug=True`, this error shows the lines that saved the tensors."
        both = (("forward", self.lines), ("recomputation", lines))
        return "".join(
            f"\n\nTensors saved during {run}:\n" + "\n".join(f"  {i}: {line}" for i, line in enumerate(found))
            for run, found in both
        )


def _itself(x):
    return x


def _text(metadata):
    shape, dtype = metadata
    return f"{{'shape': {shape!r}, 'dtype': {dtype!r}, 'device': device(type='cpu')}}"


def _caller():
    """The line that is being executed outside of this file."""
    import sys

    frame = sys._getframe(2)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


# --------------------------------------------------------------------------------------- with re-entrance
class CheckpointFunction(Function):
    """A function whose graph is made in backward only."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        if not any(ctx.needs_input_grad):
            _warn_without_gradients()
        ctx.function = run_function
        ctx.random = _default.snapshot() if preserve_rng_state else None
        ctx.which = [i for i, x in enumerate(args) if isinstance(x, _core.Tensor)]
        ctx.args = [None if isinstance(x, _core.Tensor) else x for x in args]
        ctx.save_for_backward(*[args[i] for i in ctx.which])
        return run_function(*args)

    @staticmethod
    def backward(ctx, *gradients):
        if _core._pass_has_inputs():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        args = list(ctx.args)
        for i, x in zip(ctx.which, ctx.saved_tensors, strict=True):
            args[i] = x.detach().requires_grad_(x.requires_grad)
        with _random_state(ctx.random), enable_grad():
            found = ctx.function(*args)
        found = found if isinstance(found, tuple) else (found,)
        pairs = [
            (y, g)
            for y, g in zip(found, gradients, strict=True)
            if isinstance(y, _core.Tensor) and y.requires_grad and g is not None
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward(*map(list, zip(*pairs, strict=True)))
        return (None, None, *[x.grad if isinstance(x, _core.Tensor) else None for x in args])


def _warn_without_gradients():
    warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=5)


# ------------------------------------------------------------------------------------------------- public
def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=noop_context_fn,
    determinism_check="default",
    debug=False,
    early_stop=True,
    **kwargs,
):
    """``function(*args, **kwargs)``, of which backward keeps the inputs only, and computes the rest again.

    Parameters
    ----------
    function : callable
        It must do the same when it is called again with the same arguments.
    *args, **kwargs
        Its arguments; keywords only without re-entrance.
    preserve_rng_state : bool
        A keyword, True by default: the second run draws the random numbers of the first.
    use_reentrant : bool
        To be passed. False is recommended; True is PyTorch's older way, a custom function that calls backward inside
        backward, and takes gradients for tensors among `args` only.
    context_fn : callable
        Returns two context managers, for the first and the second run. Without re-entrance.
    determinism_check : {"default", "none"}
        Compare the sizes and dtypes of what both runs save, or not. Without re-entrance.
    debug : bool
        Show in a CheckpointError the lines that saved the tensors. Without re-entrance.
    early_stop : bool
        End the second run when all is computed that backward needs. Without re-entrance.

    Returns
    -------
    object
        What `function` returns.

    Raises
    ------
    CheckpointError
        In backward, if the second run does something else than the first.
    ValueError
        If arguments do not fit `use_reentrant`.

    Notes
    -----
    What a backward with ``retain_graph=True`` computed again is kept with the graph.

    Examples
    --------
    >>> import autograd_c as torch
    >>> from autograd_c.utils.checkpoint import checkpoint
    >>> x = torch.tensor([1., 2.], requires_grad=True)
    >>> y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([ 1.2534, -1.0331])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but "
            "if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
            "more details on the differences between the two variants.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    first, second = context_fn()
    if not _core.is_grad_enabled():
        return function(*args, **kwargs)
    stop = early_stop if _early_stop is None else _early_stop
    frame = _Frame(
        function, args, kwargs, preserve, second, determinism_check, stop, debug if _debug is None else _debug
    )
    with first:
        _core._push_saved_tensors_hooks(frame.pack, frame.unpack)
        try:
            return function(*args, **kwargs)
        finally:
            _core._pop_saved_tensors_hooks()


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """The functions one after the other, in so many checkpoints; the last segment is kept as it is.

    Parameters
    ----------
    functions : Sequential or sequence of callables
    segments : int
    input : Tensor
    use_reentrant : bool
        As in `checkpoint`; to be passed.
    preserve_rng_state : bool
        A keyword, True by default.

    Raises
    ------
    ValueError
        For other keywords.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. "
            "Refer to docs for more details on the differences between the two variants.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    parts = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start, end):
        def segment(x):
            for part in parts[start:end]:
                x = part(x)
            return x

        return segment

    size = len(parts) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(end, len(parts))(input)
