"""Functions numpy and mpmath lack, or have under other argument names: references for rows of cases/."""

import math
import warnings

import mpmath as mp
import numpy as np


def quiet(function):
    """A numpy function that keeps its warnings about nan and division to itself."""

    def silent(*args, **kwargs):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)

    return silent


def sizes(given):
    """The shape of ``f(x, *sizes)`` or ``f(x, (sizes))``."""
    return given[0] if given and isinstance(given[0], tuple | list) else given


def named(dtype):
    """A row's dtype for numpy, which takes None for its default."""
    return dtype and dtype.name


# ------------------------------------------------------------------ arithmetic
def add(a, b, alpha=1):
    return a + alpha * b


def sub(a, b, alpha=1):
    return a - alpha * b


def rsub(a, b, alpha=1):
    return b - alpha * a


def div(a, b, rounding_mode=None):
    return {"trunc": np.trunc, "floor": np.floor, None: np.asarray}[rounding_mode](a / b)


def relu(x):
    return np.maximum(x, 0.0)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def clamp(x, min=None, max=None):
    return np.clip(x, min, max)


erf, erfc = np.vectorize(math.erf, otypes=[float]), np.vectorize(math.erfc, otypes=[float])
lgamma = np.vectorize(math.lgamma, otypes=[float])
digamma = np.vectorize(lambda x: float(mp.digamma(x)), otypes=[float])


def mp_lgamma(x):
    """log|gamma(x)|."""
    return mp.re(mp.loggamma(x))


def polygamma(n, x):
    """The n-th derivative of digamma."""
    return np.vectorize(lambda x: float(mp.psi(n, x)), otypes=[float])(x)


def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, negative_slope * x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def gelu(x, approximate="none"):
    u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1.0 + (erf(x / np.sqrt(2)) if approximate == "none" else np.tanh(u)))


def silu(x):
    return x * sigmoid(x)


def softplus(x, beta=1, threshold=20):
    return np.where(beta * x > threshold, x, np.logaddexp(0.0, beta * x) / beta)


def logsigmoid(x):
    return -np.logaddexp(0.0, -x)


def mp_leaky_relu(x, slope=0.01):
    return x if x > 0 else slope * x


def mp_elu(x, alpha=1):
    return x if x > 0 else alpha * mp.expm1(x)


def mp_gelu(x):
    return x * mp.ncdf(x)


def mp_gelu_tanh(x):
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + 0.044715 * x**3)))


def mp_silu(x):
    return x * mp_sigmoid(x)


def mp_softplus(x, beta=1, threshold=20):
    return x if beta * x > threshold else mp.log(1 + mp.exp(beta * x)) / beta


def mp_logsigmoid(x):
    return mp.log(mp_sigmoid(x))


def mp_sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def mp_relu(x):
    return max(x, mp.mpf(0))


# ------------------------------------------------------------------ reductions
def over(function):
    """A numpy reduction under torch's argument names."""

    def reduce(x, dim=None, keepdim=False, dtype=None):
        if dim == () or x.ndim == 0:  # no dims means all of them; a scalar has a dim 0
            dim = None
        return quiet(function)(x, axis=dim, keepdims=keepdim)

    return reduce


def with_index(function, argfunction):
    """max(dim) of torch: values and indices."""
    return quiet(lambda x, dim, keepdim=False: [f(x, axis=dim, keepdims=keepdim) for f in (function, argfunction)])


def moments(*functions):
    """np.var and its kin under torch's argument names: one result, or a list of several."""

    def moment(x, dim=None, unbiased=None, keepdim=False, correction=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = correction if correction is not None else 0 if unbiased is False else 1
        axis = None if dim == () or x.ndim == 0 else dim
        found = [f(x, axis=axis, keepdims=keepdim, **({} if f is np.mean else {"ddof": ddof})) for f in functions]
        return found if len(found) > 1 else found[0]

    return moment


def norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    if p == "nuc":
        dims = tuple(np.arange(x.ndim)[d] for d in dim or (0, 1))
        values = np.linalg.svd(np.moveaxis(x, dims, (-2, -1)), compute_uv=False).sum(-1)
        return np.expand_dims(values, dims) if keepdim else values
    axis = None if dim == () or x.ndim == 0 else dim
    size, p = np.abs(x), 2.0 if p in ("fro", None) else p
    fold = dict(axis=axis, keepdims=keepdim)
    if np.isinf(p):
        return size.max(**fold) if p > 0 else size.min(**fold)
    return (size != 0).sum(**fold) * 1.0 if p == 0 else (size**p).sum(**fold) ** (1.0 / p)


def scan(function):
    """A cumulative numpy function, of a scalar too."""
    return lambda x, dim, dtype=None: function(x, axis=dim) if x.ndim else x


def softmax(x, dim, dtype=None):
    e = np.exp(x - (np.max(x, axis=dim, keepdims=True) if x.size else 0.0)) if x.ndim else np.ones(())
    return e / np.sum(e, axis=dim, keepdims=True) if x.ndim else e


def log_softmax(x, dim, dtype=None):
    return np.log(softmax(x, dim))


def logsumexp(x, dim, keepdim=False):
    top = np.max(x, axis=dim, keepdims=True)
    total = np.log(np.sum(np.exp(x - top), axis=dim, keepdims=True)) + top
    return total if keepdim else np.squeeze(total, dim)


# ------------------------------------------------------------------ views and joins
def expand(x, *given):
    target = sizes(given)
    lead = len(target) - x.ndim
    return np.broadcast_to(x, tuple(x.shape[i - lead] if n == -1 else n for i, n in enumerate(target)))


def squeeze(x, dim=None):
    if dim is None:
        return np.squeeze(x)
    dims = dim if isinstance(dim, tuple) else (dim,)
    return np.squeeze(x, tuple(d for d in dims if x.ndim and x.shape[d] == 1))


def transpose(x, a, b):
    return np.swapaxes(x, a, b) if x.ndim else x


def narrow(x, dim, start, length):
    start = start + x.shape[dim] if start < 0 else start
    return np.take(x, range(start, start + length), axis=dim)


def diagonal(x, offset=0, dim1=0, dim2=1):
    return np.diagonal(x, offset, dim1, dim2)


def unfold(x, dim, size, step):
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=dim)
    return np.take(windows, range(0, windows.shape[dim % x.ndim], step), axis=dim % x.ndim)


def as_strided(x, size, stride, storage_offset=0):
    flat = x.ravel()[storage_offset:]
    return np.lib.stride_tricks.as_strided(flat, size, [8 * s for s in stride])


def unbind(x, dim=0):
    return list(map(np.asarray, np.moveaxis(x, dim, 0)))


def split(x, size, dim=0):
    cuts = np.cumsum(size)[:-1] if isinstance(size, list) else range(size, x.shape[dim], size)
    return np.split(x, cuts, axis=dim)


def chunk(x, chunks, dim=0):
    return split(x, -(-x.shape[dim] // chunks), dim)


def flatten(x, start_dim=0, end_dim=-1):
    end = end_dim % max(x.ndim, 1) + 1
    return x.reshape(x.shape[:start_dim] + (-1,) + x.shape[end:])


def cat(tensors, dim=0):
    return np.concatenate([x for x in tensors if x.shape != (0,)] or tensors, dim)


def stack(tensors, dim=0):
    return np.stack(tensors, dim)


# ------------------------------------------------------------------ indexing
def getitem(x, index):
    return np.asarray(x[index])


def setitem(x, index, value):
    out = x.copy()
    out[index] = np.squeeze(value) if np.ndim(value) == 3 else value  # torch drops leading ones, numpy does not
    return out


def index_put(x, indices, value, accumulate=False):
    if not accumulate:
        return setitem(x, indices, value)
    out = x.copy()
    np.add.at(out, indices, value)
    return out


def gather(x, dim, index):
    if x.ndim <= 1:  # a number is a vector of one
        return np.ravel(x)[index.astype(np.int64)]
    dim %= x.ndim
    covered = tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape))
    return np.take_along_axis(x[covered], index, dim)


def index_select(x, dim, index):
    return np.take(x, np.atleast_1d(index), dim) if x.ndim else x


def scatter_add(x, dim, index, source):
    out = np.array(x)
    if x.ndim <= 1:  # a number is a vector of one
        np.add.at(out.reshape(-1), np.ravel(index).astype(np.int64), np.ravel(source)[: index.size])
        return out
    for where, target in np.ndenumerate(index):
        place = list(where)
        place[dim] = target
        out[tuple(place)] += source[where]
    return out


def index_add(x, dim, index, source, alpha=1):
    out = x.copy()
    if x.ndim == 0:
        return out + alpha * source
    places = [slice(None)] * x.ndim
    for k, target in enumerate(np.atleast_1d(index)):
        places[dim] = target
        out[tuple(places)] += alpha * np.take(source, k, dim)
    return out


# ------------------------------------------------------------------ products
def addmm(x, a, b, beta=1, alpha=1):
    return beta * x + alpha * (a @ b)


def linear(x, weight, bias=0.0):
    return x @ weight.T + bias


def einsum(*args):
    """numpy's, which has no ellipsis that the result lacks."""
    if not isinstance(args[0], str):
        return np.einsum(*args)
    left, arrow, right = args[0].replace(" ", "").partition("->")
    operands = args[1] if isinstance(args[1], list) else args[1:]
    if not arrow or "..." in right or "..." not in left:
        return np.einsum(left + arrow + right, *operands)
    out = np.einsum(f"{left}->...{right}", *operands)
    return out.sum(tuple(range(out.ndim - len(right))))


# ------------------------------------------------------------------ losses
def reduced(loss, reduction):
    return {"mean": quiet(np.mean), "sum": np.sum, "none": np.asarray}[reduction](loss)


def bce(p, t, weight=1.0, reduction="mean"):
    return reduced(-(t * np.log(p) + (1 - t) * np.log1p(-p)) * weight, reduction)


def bce_logits(x, t, weight=1.0, reduction="mean", pos_weight=1.0):
    return reduced((np.logaddexp(0, x) * (1 - t) + pos_weight * t * np.logaddexp(0, -x)) * weight, reduction)


def by_weight(elements, weight, reduction):
    """The losses of differences: their mean is divided by the sum of the weights."""
    if weight is None or reduction != "mean":
        return reduced(elements if weight is None else elements * weight, reduction)
    return np.sum(elements * weight) / np.sum(weight)


def mse(x, y, reduction="mean", weight=None):
    return by_weight((x - y) ** 2, weight, reduction)


def l1(x, y, reduction="mean", weight=None):
    return by_weight(np.abs(x - y), weight, reduction)


def smooth_l1(x, y, reduction="mean", beta=1.0):
    d = np.abs(x - y)
    return reduced(np.where(d < beta, d * d / (2 * beta), d - beta / 2) if beta else d, reduction)


def huber(x, y, reduction="mean", delta=1.0, weight=1.0):
    d = np.abs(x - y)
    return reduced(np.where(d < delta, d * d / 2, delta * (d - delta / 2)) * weight, reduction)


def class_axis(x):
    return 0 if x.ndim == 1 else 1


def logs_of_classes(x):
    axis = class_axis(x)
    return x - logsumexp(x, axis, keepdim=True)


def picked(x, t, weight, ignore_index):
    """For each target the weighted element at it, negative, and its weight."""
    x = np.moveaxis(x, class_axis(x), -1)
    t = np.reshape(t, x.shape[:-1])
    valid = np.where(t == ignore_index, 0, t)
    elements = np.take_along_axis(x, valid[..., None], -1)[..., 0] if x.size else np.zeros(t.shape)
    weights = np.where(t == ignore_index, 0.0, 1.0 if weight is None else np.asarray(weight)[valid])
    return -elements * weights, weights


def mean_by_weight(elements, weights, reduction):
    return (
        quiet(np.true_divide)(np.sum(elements), np.sum(weights))
        if reduction == "mean"
        else reduced(elements, reduction)
    )


def nll(x, t, weight=None, ignore_index=-100, reduction="mean"):
    return mean_by_weight(*picked(x, t, weight, ignore_index), reduction)


def cross_entropy(x, t, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    logs = logs_of_classes(x)
    elements, weights = picked(logs, t, weight, ignore_index)
    shape = [-1 if d == class_axis(x) else 1 for d in range(x.ndim)]
    every = logs if weight is None else logs * np.reshape(weight, shape)
    spread = np.where(np.reshape(t, weights.shape) == ignore_index, 0.0, -every.sum(class_axis(x)))
    smoothed = (1 - label_smoothing) * elements + label_smoothing / x.shape[class_axis(x)] * spread
    return mean_by_weight(smoothed, weights, reduction)


def cross_entropy_of(x, t, weight=None, reduction="mean", label_smoothing=0.0):
    axis = class_axis(x)
    shape = [-1 if d == axis else 1 for d in range(x.ndim)]
    t = t * (1 - label_smoothing) + label_smoothing / x.shape[axis]
    t = t if weight is None else t * np.reshape(weight, shape)
    return reduced(-(logs_of_classes(x) * t).sum(axis), reduction)


def kl_div(x, t, reduction="mean", log_target=False):
    loss = np.exp(t) * (t - x) if log_target else t * (np.log(t) - x)
    return loss.sum() / (len(x) if x.ndim else 1) if reduction == "batchmean" else reduced(loss, reduction)


def mp_bce(p, t):
    return -(t * mp.log(p) + (1 - t) * mp.log(1 - p))


def mp_bce_logits(x, t, pos_weight=1):
    return (1 - t) * mp.log(1 + mp.exp(x)) + pos_weight * t * mp.log(1 + mp.exp(-x))


def mp_smooth_l1(x, t, beta):
    d = mp.fabs(x - t)
    return d * d / (2 * beta) if d < beta else d - mp.mpf(beta) / 2


def mp_huber(x, t, delta):
    d = mp.fabs(x - t)
    return d * d / 2 if d < delta else delta * (d - mp.mpf(delta) / 2)
