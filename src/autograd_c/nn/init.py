"""Initial values of parameters: functions that fill a tensor in place, without recording it."""

from math import erf, sqrt

from .. import _core
from ..grad_mode import no_grad

__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def calculate_gain(nonlinearity, param=None):
    """The factor by which a nonlinearity's weights are to be larger.

    Parameters
    ----------
    nonlinearity : str
        "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", or a convolution's name.
    param : float, optional
        The negative slope of "leaky_relu", 0.01 by default.

    Raises
    ------
    ValueError
        For other names, or a slope that is not a number.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    convolutions = [f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)]
    if nonlinearity in ("linear", "sigmoid", *convolutions):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


# ------------------------------------------------------------------------------------- plain fillings


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with numbers uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with normally distributed numbers."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with normally distributed numbers, those outside [a, b] drawn again."""
    if mean < a - 2 * std or mean > b + 2 * std:
        _warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect."
        )
    if _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std) > 0.3:
        return _draw_normal(tensor, mean, std, a, b, generator)
    return _draw_uniform(tensor, mean, std, a, b, generator)


def _normal_cdf(x):
    return (1.0 + erf(x / sqrt(2.0))) / 2.0


def _draw_normal(tensor, mean, std, a, b, generator):
    """Draw from the whole normal distribution until all are inside."""
    with no_grad():
        result = tensor.detach().normal_(mean, std, generator=generator)
        while True:
            outside = (result < a) | (result > b)
            if not outside.any():
                break
            drawn = _like(result).normal_(mean, std, generator=generator)
            result = _core.__functions__["where"](outside, drawn, result)
        return tensor.copy_(result)


def _draw_uniform(tensor, mean, std, a, b, generator):
    """Draw uniformly and accept in proportion to the density: where [a, b] is rare the other way would take long."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def rejected(drawn):
        density = ((drawn - mean) / std) ** 2 * -0.5 - peak
        return _like(drawn).uniform_(generator=generator).log_() > density

    where = _core.__functions__["where"]
    with no_grad():
        result = tensor.detach().uniform_(a, b, generator=generator)
        pending = rejected(result)
        while pending.any():
            drawn = _like(result).uniform_(a, b, generator=generator)
            result = where(pending, drawn, result)
            pending = where(pending, rejected(drawn), pending)
        return tensor.copy_(result)


def _like(tensor):
    return _core.__functions__["empty_like"](tensor)


def constant_(tensor, val):
    """Fill with a number.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.nn.init.constant_(torch.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Fill with zeros."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor):
    """Fill a matrix with ones on the diagonal and zeros elsewhere."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        return tensor.copy_(_core.__functions__["eye"](*tensor.shape))


# -------------------------------------------------------------------------------- by the tensor's sizes


def _calculate_fan_in_and_fan_out(tensor):
    """How many inputs an output has, and outputs an input; further dimensions are a convolution's."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    fan_out, fan_in, *receptive_field = tensor.shape
    for size in receptive_field:
        fan_in *= size
        fan_out *= size
    return fan_in, fan_out


def _xavier_std(tensor, gain):
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return gain * sqrt(2.0 / float(fan_in + fan_out))


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fill with uniform numbers of variance ``gain**2 * 2 / (fan_in + fan_out)``.

    Parameters
    ----------
    tensor : Tensor
        Of two or more dimensions: outputs, inputs, and those of a convolution's kernel.
    gain : float
    generator : Generator, optional

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    bound = sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fill with normally distributed numbers of the variance of `xavier_uniform_`."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / sqrt(fan)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill with uniform numbers of variance ``gain**2 / fan``.

    Parameters
    ----------
    tensor : Tensor
        Of two or more dimensions: outputs, inputs, and those of a convolution's kernel.
    a : float
        The negative slope of "leaky_relu".
    mode : {"fan_in", "fan_out"}
        Whether values keep their variance going forward, or gradients going back.
    nonlinearity : str
        See `calculate_gain`.
    generator : Generator, optional

    References
    ----------
    K. He et al., "Delving deep into rectifiers", 2015.
    """
    if 0 in tensor.shape:
        _warn("Initializing zero-element tensors is a no-op")
        return tensor
    bound = sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill with normally distributed numbers of the variance of `kaiming_uniform_`."""
    if 0 in tensor.shape:
        _warn("Initializing zero-element tensors is a no-op")
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Fill with a random matrix, times `gain`, whose rows or columns, whichever are fewer, are orthonormal.

    Further dimensions count with the second.

    References
    ----------
    A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    from numpy import diag, sign
    from numpy.linalg import qr

    rows = tensor.shape[0]
    drawn = _core.__functions__["empty"](rows, tensor.numel() // rows).normal_(0, 1, generator=generator).numpy()
    wide = drawn.shape[0] < drawn.shape[1]
    q, r = qr(drawn.T if wide else drawn)
    q = q * sign(diag(r))  # else not uniform over all orthogonal matrices
    with no_grad():
        values = _core.__functions__["tensor"](q.T if wide else q)
        return tensor.copy_(values.reshape(tensor.shape)).mul_(gain)


def _warn(text):
    import warnings

    warnings.warn(text, stacklevel=3)
