"""Derivatives checked against finite differences: `gradcheck` and `gradgradcheck`.

Design
------
A. A Jacobian is a matrix with a row for each element of an input and a column for each element of an output, as
   PyTorch's messages show it. Numerical ones come from central differences, of which each is two calls of the function;
   analytical ones from backward, an output's element at a time, or from forward mode, an input's element at a time.
B. In fast mode there is one random direction `u` for each input and one `v` for each output, all of whose elements are
   positive, so that errors do not cancel; what is compared is v J u. Where that fails, the slow mode says what is
   wrong.
C. The function is called on the inputs themselves, whose memory is changed meanwhile. It is written to through numpy:
   the version counters, and so the graph, do not see it.
"""

from .. import _core
from .function import Function

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative is wrong."""


# ------------------------------------------------------------------------------------------------- basics
def _as_tuple(x):
    if isinstance(x, tuple):
        return x
    return tuple(x) if isinstance(x, list) else (x,)


def _differentiable(outputs):
    """The outputs that have a history, at least."""
    return tuple(y for y in _as_tuple(outputs) if y.requires_grad)


def _floating(outputs):
    return tuple(y for y in _as_tuple(outputs) if y.is_floating_point())


def _values(tensors):
    """Their elements in row-major order, as copies."""
    return [y.detach().reshape(-1).clone().numpy() for y in tensors]


def _checked(inputs):
    """The positions of the inputs that require gradients; raises where there is none, or differences have no sense."""
    positions = [i for i, x in enumerate(inputs) if isinstance(x, _core.Tensor) and x.requires_grad]
    if not positions:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i in positions:
        x = inputs[i]
        if any(step == 0 and size > 1 for step, size in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
        x.retain_grad()
    return positions


# ------------------------------------------------------------------------------------ numerical derivatives
def _difference(function, inputs, x, change, eps, pick):
    """The derivatives of the outputs that `pick` chooses along one direction of x."""
    memory = x.detach().numpy()
    before = memory.copy()
    try:
        memory[...] = before + eps * change
        above = _values(pick(function(*inputs)))
        memory[...] = before - eps * change
        below = _values(pick(function(*inputs)))
    finally:
        memory[...] = before
    for a, b in zip(above, below, strict=True):
        if a.shape != b.shape:
            raise AssertionError(
                f"Expected `func` to return outputs with the same shape when inputs are perturbed by {eps}, but got "
                f"{a.size} and {b.size} elements."
            )
    return [(a - b) / (2.0 * eps) for a, b in zip(above, below, strict=True)]


def _numerical(function, inputs, x, eps, pick):
    """The Jacobians of the outputs with respect to x."""
    import numpy as np

    rows = []
    for k in range(x.numel()):
        change = np.zeros(x.numel())
        change[k] = 1.0
        rows.append(_difference(function, inputs, x, change.reshape(tuple(x.shape)), eps, pick))
    if not rows:
        return [np.zeros((0, y.numel())) for y in pick(function(*inputs))]
    return [np.array(columns) for columns in zip(*rows, strict=True)]


# ----------------------------------------------------------------------------------- analytical derivatives
def _vjp(output, wanted, weights):
    """The gradients of the weighted sum of an output's elements, flat; zeros where there is none."""
    import numpy as np

    from . import grad

    g = _core.tensor(weights.reshape(tuple(output.shape)))
    found = grad(output, wanted, g, retain_graph=True, allow_unused=True)
    return [np.zeros(x.numel()) if d is None else _values([d])[0] for d, x in zip(found, wanted, strict=True)]


_NOT_REENTRANT = (
    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different "
    "values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism was {}.\n\n"
    "If the operations are not deterministic by intention, pass `nondet_tol`."
)


def _unit_vectors(size):
    import numpy as np

    for k in range(size):
        weights = np.zeros(size)
        weights[k] = 1.0
        yield weights


def _repeated_vjp(output, wanted, weights, nondet_tol):
    """The same, after a second backward has given the same."""
    import numpy as np

    first, second = (_vjp(output, wanted, weights) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        if not np.array_equal(a, b, equal_nan=True) and np.abs(a - b).max() > nondet_tol:
            raise GradcheckError(_NOT_REENTRANT.format(nondet_tol))
    return first


def _analytical(output, wanted, nondet_tol):
    """The Jacobians of an output with respect to the inputs, by backward."""
    import numpy as np

    columns = [_repeated_vjp(output, wanted, weights, nondet_tol) for weights in _unit_vectors(output.numel())]
    if not columns:
        return [np.zeros((x.numel(), 0)) for x in wanted]
    return [np.array(rows).T for rows in zip(*columns, strict=True)]


def _jvp(function, inputs, tangents, pick):
    """The tangents of the outputs, flat, for tangents of the inputs (by position); zeros where there is none.

    An input without one is not dual, and what requires gradients does so no more.
    """
    import numpy as np

    from . import forward_ad

    with forward_ad.dual_level():
        plain = [y.detach() if isinstance(y, _core.Tensor) else y for y in inputs]
        for position, change in tangents.items():
            x = plain[position]
            plain[position] = forward_ad.make_dual(x, _core.tensor(change.reshape(tuple(x.shape))))
        found = []
        for y in pick(function(*plain)):
            tangent = forward_ad.unpack_dual(y).tangent
            found.append(np.zeros(y.numel()) if tangent is None else _values([tangent])[0])
        return found


# ------------------------------------------------------------------------------------------- the comparison
def _close(a, n, rtol, atol):
    import numpy as np

    return np.allclose(a, n, rtol=rtol, atol=atol)


def _mismatch(numerical, analytical, output, number, mode, fast=""):
    """The error for an output and an input, counted among those that require gradients."""
    show = lambda x: _core.tensor(x) if getattr(x, "ndim", 0) else float(x)  # noqa: E731
    return GradcheckError(
        f"Jacobian {mode}mismatch for output {output} with respect to input {number},\n"
        f"numerical:{show(numerical)}\nanalytical:{show(analytical)}\n{fast}"
    )


_FORWARD = "computed with forward mode "


class _Check:
    """One call of gradcheck."""

    def __init__(self, function, inputs, positions, eps, atol, rtol, nondet_tol):
        self.function, self.inputs, self.positions = function, inputs, positions
        self.eps, self.atol, self.rtol, self.nondet_tol = eps, atol, rtol, nondet_tol
        self.wanted = [inputs[i] for i in positions]
        found = _as_tuple(function(*inputs))
        self.outputs = _differentiable(found)
        # Which of the outputs they are: without gradients, in forward mode, they cannot be told.
        places = [i for i, y in enumerate(found) if y.requires_grad]
        self.pick = lambda found: [_as_tuple(found)[i] for i in places]

    def numerical(self, x):
        return _numerical(self.function, self.inputs, x, self.eps, self.pick)

    def jvp(self, position, change):
        """The tangents of the outputs where one input has a tangent, and all others have one of zeros."""
        import numpy as np

        tangents = {i: np.zeros(self.inputs[i].numel()) for i in self.positions}
        return _jvp(self.function, self.inputs, tangents | {position: change}, self.pick)

    def forward_rows(self, position):
        import numpy as np

        rows = [self.jvp(position, u) for u in _unit_vectors(self.inputs[position].numel())]
        if not rows:
            return [np.zeros((0, y.numel())) for y in self.outputs]
        return [np.array(columns) for columns in zip(*rows, strict=True)]

    def no_outputs(self):
        """A function without differentiable outputs must not depend on the inputs."""
        for x in self.wanted:
            for jacobian in _numerical(self.function, self.inputs, x, self.eps, _floating):
                if abs(jacobian).max(initial=0.0) > 0.0:
                    raise GradcheckError("Numerical gradient for function expected to be zero")

    def slow(self, backward, forward):
        numerical = [self.numerical(x) for x in self.wanted]
        if backward:
            for i, output in enumerate(self.outputs):
                for j, found in enumerate(_analytical(output, self.wanted, self.nondet_tol)):
                    if not _close(found, numerical[j][i], self.rtol, self.atol):
                        raise _mismatch(numerical[j][i], found, i, j, "")
        if forward:
            analytical = [self.forward_rows(position) for position in self.positions]
            for i in range(len(self.outputs)):
                for j, found in enumerate(analytical):
                    if not _close(found[i], numerical[j][i], self.rtol, self.atol):
                        raise _mismatch(numerical[j][i], found[i], i, j, _FORWARD)

    def fast(self, backward, forward):
        """Note B above."""
        import numpy as np

        rng = np.random.default_rng(0)

        def direction(tensor):
            vector = rng.uniform(0.1, 1.0, tensor.numel())
            return vector / np.linalg.norm(vector) if vector.size else vector

        us = [direction(x) for x in self.wanted]
        vs = [direction(y) for y in self.outputs]
        numerical = [
            _difference(self.function, self.inputs, x, u.reshape(tuple(x.shape)), self.eps, self.pick)
            for x, u in zip(self.wanted, us, strict=True)
        ]
        pairs = list(zip(self.outputs, vs, strict=True)) if backward else []
        rows = [_repeated_vjp(output, self.wanted, v, self.nondet_tol) for output, v in pairs]
        for j, u in enumerate(us):
            for i, (output, v) in enumerate(pairs):
                a, n = float(rows[i][j] @ u), float(v @ numerical[j][i])
                if not _close(a, n, self.rtol, self.atol * u.sum() * v.sum()):
                    jacobian = _analytical(output, self.wanted, self.nondet_tol)[j]
                    raise self.explained(n, a, i, j, "", jacobian)
        for j, position in enumerate(self.positions if forward else ()):
            found = self.jvp(position, us[j])
            for i in range(len(self.outputs)):
                if not _close(found[i], numerical[j][i], self.rtol, self.atol * us[j].sum()):
                    jacobian = self.forward_rows(position)[i]
                    raise self.explained(numerical[j][i], found[i], i, j, _FORWARD, jacobian)

    def explained(self, numerical, analytical, i, j, mode, jacobian):
        slow = self.numerical(self.wanted[j])[i]
        text = (
            "\nThe above quantities relating the numerical and analytical jacobians are computed \nin fast mode. "
            "Below, we recompute numerical and analytical jacobians in slow mode:\n\n"
            f"Numerical:\n {_core.tensor(slow)}\nAnalytical:\n{_core.tensor(jacobian)}\n\n"
            f"The max per-element difference (slow mode) is: {abs(slow - jacobian).max(initial=0.0)}.\n"
        )
        if _close(jacobian, slow, self.rtol, self.atol):
            text += "\nElement by element they are within the tolerances: fast mode may be too strict here.\n"
        return _mismatch(numerical, analytical, i, j, mode, text)

    def batched(self):
        """backward of a batch of gradients gives what backward of each of them gives."""
        from .. import randn
        from . import grad

        for i, output in enumerate(self.outputs):
            generator = _seeded()
            gs = _core.stack([randn(tuple(output.shape), generator=generator) for _ in range(2)])
            one_by_one = [grad(output, self.wanted, g, retain_graph=True, allow_unused=True) for g in gs]
            together = grad(output, self.wanted, gs, retain_graph=True, allow_unused=True, is_grads_batched=True)
            for j, found in enumerate(together):
                singles = [one[j] for one in one_by_one]
                if found is None and all(one is None for one in singles):
                    continue
                expected = _core.stack(singles).detach()
                if found is None or not _close(found.detach().numpy(), expected.numpy(), 1e-5, 1e-8):
                    raise GradcheckError(
                        f"For output {i} and input {j}:\n\nThe gradients of a batch differ from those of its members."
                        f"\n\nGot:\n{found}\n\nExpected:\n{expected}"
                    )

    def zero_gradients(self):
        """Zeros in, zeros out."""
        from . import grad

        zeros = [_core.zeros_like(y) for y in self.outputs]
        found = grad(self.outputs, self.wanted, zeros, retain_graph=True, allow_unused=True)
        if any(g is not None and bool((g != 0).any()) for g in found):
            raise GradcheckError("backward not multiplied by grad_output")

    def undefined_tangents(self):
        """An input that is not dual counts like one with a tangent of zeros."""
        import numpy as np

        rng = np.random.default_rng(0)
        tangents = {i: rng.uniform(0.1, 1.0, self.inputs[i].numel()) for i in self.positions}
        for position in self.positions:
            zeros = np.zeros(self.inputs[position].numel())
            others = {i: tangent for i, tangent in tangents.items() if i != position}
            with_zeros = _jvp(self.function, self.inputs, tangents | {position: zeros}, self.pick)
            without = _jvp(self.function, self.inputs, others, self.pick)
            for i, (got, expected) in enumerate(zip(with_zeros, without, strict=True)):
                if not _close(got, expected, 1e-5, 1e-8):
                    raise GradcheckError(
                        f"Mismatch in tangent values for output with index: {i} when input: {self.inputs[position]} "
                        f"has an undefined tangent value. Got: {got} but expected: {expected}"
                    )

    def undefined_gradients(self):
        """The same where outputs have no gradient at all: all of them, and each alone."""
        from . import grad

        count = len(self.outputs)
        for missing in [set(range(count))] + ([{i} for i in range(count)] if count > 1 else []):
            outputs = _differentiable(self.function(*self.inputs))
            outputs = [_NoGradient.apply(y) if i in missing else y for i, y in enumerate(outputs)]
            try:
                found = grad(outputs, self.wanted, [_core.zeros_like(y) for y in outputs], allow_unused=True)
            except RuntimeError as error:
                raise GradcheckError("Expected backward function to handle undefined output grads.") from error
            if any(g is not None and bool((g != 0).any()) for g in found):
                raise GradcheckError(
                    "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
                )


def _seeded():
    from .._generator import Generator

    return Generator().manual_seed(0)


class _NoGradient(Function):
    """The identity, with no gradient."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return None


# ------------------------------------------------------------------------------------------------- public
def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Compare the derivatives of a function with finite differences.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a Tensor or a tuple of Tensors. It must not keep its inputs.
    inputs : Tensor or sequence
        Those that require gradients are checked. Their memory is changed meanwhile, and restored.
    eps : float
        How far the differences reach to each side.
    atol, rtol : float
        ``abs(analytical - numerical) <= atol + rtol * abs(numerical)`` is what is asked.
    raise_exception : bool
        Raise if a derivative is wrong; otherwise return False.
    nondet_tol : float
        By how much two backward passes for the same gradient may differ.
    check_undefined_grad : bool
        Check that missing gradients of outputs, and missing tangents of inputs, are taken for zeros.
    check_grad_dtypes : bool
        Without effect: all gradients are of float64.
    check_batched_grad : bool
        Check ``grad(is_grads_batched=True)`` too.
    check_batched_forward_grad : bool
        Without effect but that it wants `check_forward_ad`: there are no batched tangents.
    check_forward_ad, check_backward_ad : bool
        Which derivatives to check.
    fast_mode : bool
        Compare one number for each pair of input and output, instead of matrices.
    masked : bool, optional
        Without effect: there are no sparse tensors.

    Returns
    -------
    bool
        True, or False if a derivative is wrong and `raise_exception` is False.

    Raises
    ------
    GradcheckError
        If a derivative is wrong.
    ValueError
        If no input requires a gradient.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor([0.5, 1.5], requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    inputs = _as_tuple(inputs)
    positions = _checked(inputs)
    try:
        check = _Check(func, inputs, positions, eps, atol, rtol, nondet_tol)
        if not check.outputs:
            check.no_outputs()
            return True
        (check.fast if fast_mode else check.slow)(check_backward_ad, check_forward_ad)
        if check_forward_ad and check_undefined_grad:
            check.undefined_tangents()
        if check_backward_ad:
            if check_batched_grad:
                check.batched()
            check.zero_gradients()
            if check_undefined_grad:
                check.undefined_gradients()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """Compare the second derivatives of a function with finite differences of the first.

    Parameters
    ----------
    func, inputs, eps, atol, rtol, raise_exception, nondet_tol, fast_mode, masked
        As in `gradcheck`; so are the other checks.
    grad_outputs : Tensor or sequence of Tensor, optional
        The gradients of the outputs for which the first derivative is taken. By default random ones.
    gen_non_contig_grad_outputs : bool
        Let the random ones be strided.
    check_fwd_over_rev, check_rev_over_rev : bool
        Which derivatives of the first derivative to check: those of forward mode, those of backward.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        If a second derivative is wrong.

    Examples
    --------
    >>> import autograd_c as torch
    >>> x = torch.tensor([0.5, 1.5], requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.sin, x)
    True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    from .. import randn
    from . import grad

    inputs = _as_tuple(inputs)
    positions = _checked(inputs)
    if grad_outputs is None:
        generator = _seeded()
        grad_outputs = []
        for y in _differentiable(func(*inputs)):
            g = randn(tuple(y.shape), generator=generator)
            if gen_non_contig_grad_outputs:
                g = _core.stack([g, g], -1)[..., 0]
            grad_outputs.append(g.detach().requires_grad_())
    grad_outputs = _as_tuple(grad_outputs)
    count = len(grad_outputs)

    def first_derivative(*args):
        arguments = list(args[: len(args) - count])
        for i in positions:
            if not arguments[i].requires_grad:
                arguments[i].requires_grad_()
        found = grad(
            _differentiable(func(*arguments)),
            [arguments[i] for i in positions],
            args[len(args) - count :],
            create_graph=True,
            allow_unused=True,
        )
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first_derivative,
        inputs + grad_outputs,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )
