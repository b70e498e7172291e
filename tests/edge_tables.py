"""What the tables of edge values are evaluated with."""

from math import inf, nan

import numpy as np
from module import ac

LOWEST = -(2**63)  # the int64 that has no negative


class Names(dict):
    """What an expression may use: its variables, and all of the module."""

    def __missing__(self, name):
        return getattr(ac, name)


def evaluate(expression, **variables):
    def bce(x, y, reduction="none"):
        return ac.nn.functional.binary_cross_entropy(x, y, reduction=reduction)

    def mse(x, y, reduction="none"):
        return ac.nn.functional.mse_loss(x, y, reduction=reduction)

    def logits(x, y, reduction="none", pos_weight=None):
        f = ac.nn.functional.binary_cross_entropy_with_logits
        return f(x, y, reduction=reduction, pos_weight=None if pos_weight is None else ac.tensor(pos_weight))

    def l1(x, y, reduction="none"):
        return ac.nn.functional.l1_loss(x, y, reduction=reduction)

    def smooth_l1(x, y, beta=1.0, reduction="none"):
        return ac.nn.functional.smooth_l1_loss(x, y, beta=beta, reduction=reduction)

    def huber(x, y, delta=1.0, reduction="none"):
        return ac.nn.functional.huber_loss(x, y, delta=delta, reduction=reduction)

    def nll(x, *target, weight=None, **options):
        weight = None if weight is None else ac.tensor(weight)
        return ac.nn.functional.nll_loss(x, ac.tensor(list(target)), weight=weight, **options)

    def entropy(x, *target, **options):
        return ac.nn.functional.cross_entropy(x, ac.tensor(list(target)), **options)

    def kl(x, y, reduction="none", **options):
        return ac.nn.functional.kl_div(x, y, reduction=reduction, **options)

    def t(*values):
        return ac.tensor(list(values))

    losses = dict(bce=bce, mse=mse, logits=logits, l1=l1, smooth_l1=smooth_l1, huber=huber, nll=nll, entropy=entropy)
    names = Names(F=ac.nn.functional, **losses, kl=kl, t=t, inf=inf, nan=nan, LOWEST=LOWEST, **variables)
    return eval(expression, {}, names)


def float_tensor(values):
    return ac.tensor(np.array(values, dtype=np.float64))
