"""Selective checkpoints: results that are worth their memory are kept, instead of being computed again."""

from enum import Enum

from .. import _core

# Operations whose tables have a name of their own.
_PUBLISHED = {"div_floor": "div", "div_trunc": "div", "log_sigmoid": "logsigmoid", "gelu_tanh": "gelu"}


class CheckpointPolicy(Enum):
    """What a policy answers; those that say SAVE keep the result, all others have it computed again."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_SAVES = {
    CheckpointPolicy.MUST_SAVE,
    CheckpointPolicy.PREFER_SAVE,
    CheckpointPolicy.MUST_CPU_OFFLOAD,
    CheckpointPolicy.PREFER_CPU_OFFLOAD,
    True,
}


class SelectiveCheckpointContext:
    """What a policy is told beside the operation.

    Attributes
    ----------
    is_recompute : bool
        Always False: a policy is asked in the first run, and the second one follows its answers.
    op_output : Tensor or None
        The result.
    """

    def __init__(self, *, is_recompute, op_output=None):
        self.is_recompute = is_recompute
        self.op_output = op_output


def _operation(name):
    """The function of the package, or of nn.functional, whose results have this name; else the name."""
    if name not in _core.__watched__:  # registered by another library
        return name
    name = _PUBLISHED.get(name, name)
    return _core.__functions__.get(name) or getattr(_core, name, name)


_RECOMPUTE, _CONSUMED = object(), object()
_MISMATCH = (
    "This can happen if the operations in the checkpointed region are nondeterministic or depend on global state that "
    "changed between forward and backward."
)


class _Watcher:
    """Base of the two context managers; core/watch.pxi asks them.

    Parameters
    ----------
    entries : dict
        For each name of an operation the list of its results in the first run: what was kept, or _RECOMPUTE.
    """

    def __init__(self, entries):
        self.entries = entries

    def __enter__(self):
        self.before = _core._watch(self)

    def __exit__(self, *exception):
        _core._watch(self.before)


class _Keeping(_Watcher):
    """Keeps the results that the policy wants."""

    def __init__(self, entries, policy):
        super().__init__(entries)
        self.policy = policy

    def recall(self, name):
        return None

    def offer(self, name, result, operands):
        context = SelectiveCheckpointContext(is_recompute=False, op_output=result)
        saves = self.policy(context, _operation(name), *operands) in _SAVES
        self.entries.setdefault(name, []).append((result, result._version) if saves else _RECOMPUTE)


class _Reusing(_Watcher):
    """Gives them back to the second run."""

    def __init__(self, entries, allow_mutation):
        super().__init__(entries)
        self.allow_mutation = allow_mutation

    def __enter__(self):
        super().__enter__()
        self.counts = dict.fromkeys(self.entries, 0)

    def recall(self, name):
        entries = self.entries.get(name)
        if entries is None:
            raise RuntimeError(f"{name} encountered during backward but not found in storage. {_MISMATCH}")
        i = self.counts[name]
        self.counts[name] += 1
        if i == len(entries):
            raise RuntimeError(
                f"{name} invocation index {i} encountered during backward but not found in storage. {_MISMATCH}"
            )
        entry = entries[i]
        if entry is _RECOMPUTE:
            return None
        if entry is _CONSUMED:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region computed under "
                "selective activation checkpoint."
            )
        entries[i] = _CONSUMED
        result, version = entry
        if result._version != version and not self.allow_mutation:
            raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        return result

    def offer(self, name, result, operands):
        """Nothing is kept in the second run."""


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation=False):
    """The context managers of a checkpoint that keeps the results that a policy chooses.

    A policy is asked about every operation that calculates: elementwise functions and arithmetic, comparisons,
    reductions, softmax, sums along a dimension, products of matrices, losses. What only copies is run again, which
    takes no longer than to keep it: views, indexing, joining, `where`. So are changes in place, random numbers, and
    operations with two results.

    Parameters
    ----------
    policy_fn_or_list : callable or list
        ``policy(ctx, op, *operands)`` returns a `CheckpointPolicy`, or a bool (True: keep). Where PyTorch passes an
        ``OpOverload``, `op` is the function of this package that does the step, `torch.mm` for a product of two
        matrices whether it was written ``a @ b``, `einsum` or `linear` (which with a bias is `torch.addmm`); for an
        operation registered by another library it is its name. The operands are the tensors and numbers that it
        computes with, without further arguments. A list names the functions whose results are kept.
    allow_cache_entry_mutation : bool
        Do not raise where a result that was kept has changed in place since.

    Returns
    -------
    tuple of two context managers
        For `context_fn` of `checkpoint`.

    Raises
    ------
    TypeError
        If it is neither a callable nor a list.
    ValueError
        If something in the list is no operation that a policy is asked about.

    Examples
    --------
    >>> from functools import partial
    >>> import autograd_c as torch
    >>> from autograd_c.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> keep_products = partial(create_selective_checkpoint_contexts, [torch.mm])
    >>> y = checkpoint(lambda t: (t @ t).sin() @ t, x, use_reentrant=False, context_fn=keep_products)
    >>> y.sum().backward()
    """
    if isinstance(policy_fn_or_list, list):
        asked = [_operation(name) for name in _core.__watched__]
        for op in policy_fn_or_list:
            if not any(op is one for one in asked):
                raise ValueError(
                    f"Expected op in `op_list` to be an operation that calculates but got: {op} of type {type(op)}. "
                )

        def policy(ctx, op, *operands):
            return any(op is one for one in policy_fn_or_list)

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    entries: dict[str, list] = {}
    return _Keeping(entries, policy), _Reusing(entries, allow_cache_entry_mutation)
