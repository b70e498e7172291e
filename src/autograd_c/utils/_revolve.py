"""Checkpoints of a long loop: its steps are computed again in backward, from few kept states.

The order of that is Revolve's, which needs the fewest steps for a given number of kept states.

References
----------
A. Griewank, A. Walther, "Algorithm 799: revolve: an implementation of checkpointing for the reverse or adjoint mode of
computational differentiation", ACM Transactions on Mathematical Software 26 (2000), 19-45.
"""

from math import comb

from .. import _core, _generator
from ..autograd import Function, enable_grad, grad, no_grad

__all__ = ["checkpoint_loop", "checkpoint_loop_steps"]


def _repetitions(n, k):
    """The least r so that n steps can be reversed with k snapshots, none advanced through more than r times."""
    r = 0
    while comb(k + r, k) < n:
        r += 1
    return r


def checkpoint_loop_steps(n, snapshots):
    """The least number of steps to advance, beside those recorded, to reverse `n` steps with `snapshots` kept states.

    It is t(n, k) = r n - C(k + r, r - 1), where r is the least number with n <= C(k + r, k).

    Examples
    --------
    >>> from autograd_c.utils.checkpoint import checkpoint_loop_steps
    >>> checkpoint_loop_steps(10, 3)
    15
    """
    _checked(n, snapshots)
    r = _repetitions(n, snapshots)
    return r * n - comb(snapshots + r, r - 1) if r else 0


def _checked(n, k):
    if n < 0:
        raise ValueError(f"checkpoint_loop: expected a number of steps of at least 0, but got {n}")
    if k < 1:
        raise ValueError(f"checkpoint_loop: expected at least 1 snapshot, the first state, but got {k}")


def _split(n, k):
    """How far from a snapshot the next one lies, at best, for n > 1 steps to reverse and k > 1 snapshots with that."""
    r = _repetitions(n, k)
    return min(comb(k + r - 1, k), n - comb(k + r - 2, k - 1))


class _Loop:
    """A loop that can be run from its snapshots: a stack of (index of the step, state before it, random state)."""

    def __init__(self, step, single, n, k, random):
        self.step, self.single, self.n, self.k, self.random = step, single, n, k, random
        self.snapshots = []
        self.first_random = None

    def call(self, i, state):
        versions = [x._version for x in state]
        found = self.step(i, *state)
        found = (found,) if self.single and isinstance(found, _core.Tensor) else tuple(found)
        if len(found) != len(state):
            raise RuntimeError(
                f"checkpoint_loop: step {i} was given a state of {len(state)} tensors and returned {len(found)}"
            )
        if [x._version for x in state] != versions:
            raise RuntimeError(
                f"checkpoint_loop: step {i} modified its state by an inplace operation; return a new one"
            )
        return found

    def snapshot(self, i, state):
        return i, state, _generator.get_rng_state() if self.random else None

    def restore(self, snapshot):
        if self.random:
            _generator.set_rng_state(snapshot[2])
        return snapshot[1]

    def advance(self, i, end, state):
        with no_grad():
            for j in range(i, end):
                state = tuple([x.detach() for x in self.call(j, state)])
        return state

    def descend(self, end, advance):
        """Advance from the last snapshot to the state before step `end` - 1, leaving snapshots on the way."""
        i, state = self.snapshots[-1][0], self.restore(self.snapshots[-1])
        while end - i > 1:
            free = self.k - len(self.snapshots) + 1
            until = i + _split(end - i, free) if free > 1 else end - 1
            state = advance(i, until, state)
            i = until
            if free > 1:
                self.snapshots.append(self.snapshot(i, state))
        return self.snapshot(i, state)


def _leaves(tensors, known):
    """Add to `known`, by identity, the leaves that the graphs of `tensors` lead to."""
    nodes, seen = [x.grad_fn for x in tensors if x.grad_fn is not None], set()
    for x in tensors:
        if x.grad_fn is None and x.requires_grad:
            known.setdefault(id(x), x)
    while nodes:
        node = nodes.pop()
        if node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if isinstance(variable, _core.Tensor):
            known.setdefault(id(variable), variable)
        nodes += [following for following, _ in node.next_functions if following is not None]


class _CheckpointLoop(Function):
    @staticmethod
    def forward(ctx, loop, working, last, count, *tensors):
        ctx.loop, ctx.working, ctx.params = loop, working, tensors[count:]
        ctx.save_for_backward(*tensors[:count])
        ctx.set_materialize_grads(False)
        last = tuple([x.detach() for x in last])
        ctx.mark_non_differentiable(*[x for x in last if not x.is_floating_point()])
        return last

    @staticmethod
    def backward(ctx, *gradients):
        first = ctx.saved_tensors
        if _core.is_grad_enabled():
            raise RuntimeError(
                "checkpoint_loop: its gradient cannot be differentiated (create_graph=True); use a plain loop for that"
            )
        loop, params, working = ctx.loop, ctx.params, ctx.working
        sums = [None] * len(params)
        before = _generator.get_rng_state() if loop.random else None
        ctx.working = None
        try:
            if working is None:  # a second backward: only the first state is left
                loop.snapshots[:] = [(0, tuple([x.detach() for x in first]), loop.first_random)]
            for i in range(loop.n - 1, -1, -1):
                if working is None:
                    working = loop.descend(i + 1, loop.advance)
                if loop.snapshots[-1][0] == i:
                    loop.snapshots.pop()
                state = tuple([x.detach().requires_grad_(x.is_floating_point()) for x in loop.restore(working)])
                working = None
                with enable_grad():
                    found = loop.call(i, state)
                pairs = [(y, g) for y, g in zip(found, gradients, strict=True) if g is not None and y.requires_grad]
                inputs = [x for x in state if x.requires_grad]
                got = [None] * (len(inputs) + len(params))
                if pairs and got:
                    # The graph may go on outside of the step, through a tensor that other steps use as well.
                    ys, gs = zip(*pairs, strict=True)
                    got = grad(ys, (*inputs, *params), gs, retain_graph=True, allow_unused=True)
                each = iter(got)
                gradients = tuple([next(each) if x.requires_grad else None for x in state])
                sums = [a if b is None else b if a is None else a + b for a, b in zip(sums, each, strict=True)]
        finally:
            loop.snapshots.clear()
            if loop.random:
                _generator.set_rng_state(before)
        return (None, None, None, None, *gradients, *sums)


def checkpoint_loop(step, state, n, *, snapshots, params=None, preserve_rng_state=True):
    """The state after `n` steps of ``state = step(i, *state)``, recorded in the memory of a few states.

    Backward advances again from kept states, with the least recomputation possible: together with the loop itself,
    ``checkpoint_loop_steps(n, snapshots) + 1`` steps that are not recorded, and each step once that is. At any time at
    most `snapshots` states are kept, the state before the step at hand, and the graph of that one step.

    Parameters
    ----------
    step : callable
        ``step(i, *state)`` returns the next state, of as many tensors. It must do the same whenever it is called with
        the same arguments, and must not change them in place.
    state : Tensor or tuple of Tensor
    n : int
    snapshots : int
        How many states may be kept, the first included.
    params : sequence of Tensor, optional
        What else `step` uses and gradients are wanted of. By default the leaves of the graphs of all steps, which costs
        recording every step in the first pass too; tensors that are computed from leaves get gradients of their own
        only if they are here.
    preserve_rng_state : bool
        Compute a step again with the random numbers it had.

    Returns
    -------
    Tensor or tuple of Tensor
        As `state`.

    Raises
    ------
    RuntimeError
        If a step changes its state in place or returns another number of tensors; in backward, for create_graph=True.

    Examples
    --------
    >>> import autograd_c as torch
    >>> from autograd_c.utils.checkpoint import checkpoint_loop
    >>> rate = torch.tensor(0.5, requires_grad=True)
    >>> y = checkpoint_loop(lambda i, x: x - 0.01 * rate * x, torch.tensor(1.), 1000, snapshots=5)
    >>> y.backward()
    >>> rate.grad
    tensor(-0.0669)
    """
    _checked(n, snapshots)
    single = isinstance(state, _core.Tensor)
    first = (state,) if single else tuple(state)
    loop = _Loop(step, single, n, snapshots, preserve_rng_state)
    recorded = _core.is_grad_enabled()
    if not recorded or n == 0:
        last = loop.advance(0, n, first) if n else first
        return last[0] if single else last
    known: dict = {}

    def advance(i, end, state):
        if params is not None:
            return loop.advance(i, end, state)
        for j in range(i, end):
            found = loop.call(j, state)
            _leaves(found, known)
            state = tuple([x.detach() for x in found])
        return state

    start = loop.snapshot(0, tuple([x.detach() for x in first]))
    loop.first_random = start[2]
    loop.snapshots.append(start)
    working = loop.descend(n, advance)
    last = advance(n - 1, n, working[1])
    wanted = tuple(known.values()) if params is None else tuple(params)
    found = _CheckpointLoop.apply(loop, working, last, len(first), *first, *wanted)
    return found[0] if single else found
