"""Selective checkpoints: results that are worth their memory are kept, instead of being computed again."""

from enum import Enum

from .. import _core


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
    """

    def __init__(self, *, is_recompute):
        self.is_recompute = is_recompute


class _Watcher:
    """Base of the two context managers: asked before each product of matrices."""

    def __init__(self, cache):
        self.cache = cache

    def __enter__(self):
        self.before = _core._watch_products(self)

    def __exit__(self, *exception):
        _core._watch_products(self.before)


class _Keeping(_Watcher):
    """Keeps the products that the policy wants."""

    def __init__(self, cache, policy):
        super().__init__(cache)
        self.policy = policy

    def __call__(self, y, a, b):
        context = SelectiveCheckpointContext(is_recompute=False)
        _core._product_into(y, a, b)
        saves = self.policy(context, _core.matmul, a, b) in _SAVES
        self.cache.append(y.clone() if saves else None)  # y itself may still become a sum with a bias, say
        return True


class _Reusing(_Watcher):
    """Puts them in the places of those of the second run."""

    def __enter__(self):
        if self.cache is None:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region computed under "
                "selective activation checkpoint."
            )
        super().__enter__()
        self.left = iter(self.cache)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.cache = None

    def __call__(self, y, a, b):
        kept = next(self.left, None)
        if kept is None:
            return False
        y.copy_(kept)
        return True


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation=False):
    """The context managers of a checkpoint that keeps the products of matrices that a policy chooses.

    In PyTorch a policy is asked about every operation. Here it is asked about products of matrices only, whatever
    function computes them (`matmul`, `mm`, `bmm`, `mv`, `linear`, `einsum` ...): all else takes no longer to compute
    than to keep.

    Parameters
    ----------
    policy_fn_or_list : callable or list
        ``policy(ctx, op, a, b)``, where `op` is the function `matmul` and `a`, `b` are stacks of matrices (3-d),
        returns a `CheckpointPolicy`, or a bool (True: keep). A list, which may contain `matmul` only, keeps all
        products.
    allow_cache_entry_mutation : bool
        Without effect: what is kept is a copy, which no change in place reaches.

    Returns
    -------
    tuple of two context managers
        For `context_fn` of `checkpoint`.

    Raises
    ------
    TypeError
        If it is neither a callable nor a list.
    ValueError
        If something in the list is no operation that can be kept.

    Examples
    --------
    >>> from functools import partial
    >>> import autograd_c as torch
    >>> from autograd_c.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> keep_products = partial(create_selective_checkpoint_contexts, [torch.matmul])
    >>> y = checkpoint(lambda t: (t @ t).sin() @ t, x, use_reentrant=False, context_fn=keep_products)
    >>> y.sum().backward()
    """
    if isinstance(policy_fn_or_list, list):
        for op in policy_fn_or_list:
            if op is not _core.matmul:
                raise ValueError(f"Expected op in `op_list` to be torch.matmul but got: {op} of type {type(op)}. ")
        keeps = bool(policy_fn_or_list)

        def policy(ctx, op, a, b):
            return keeps

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    cache: list = []
    return _Keeping(cache, policy), _Reusing(cache)
