# Made by docs/make_stubs.py.

import builtins

from . import autograd as autograd
from . import memory as memory
from . import nn as nn
from . import optim as optim
from ._core import Size as Size
from ._core import Tensor as Tensor
from ._core import _Dtype
from ._core import abs_op as abs
from ._core import acos as acos
from ._core import acos as arccos
from ._core import acosh as acosh
from ._core import acosh as arccosh
from ._core import add as add
from ._core import addmm as addmm
from ._core import all_op as all
from ._core import amax as amax
from ._core import amin as amin
from ._core import any_op as any
from ._core import arange as arange
from ._core import argmax as argmax
from ._core import argmin as argmin
from ._core import as_strided as as_strided
from ._core import as_tensor as as_tensor
from ._core import asarray as asarray
from ._core import asin as arcsin
from ._core import asin as asin
from ._core import asinh as arcsinh
from ._core import asinh as asinh
from ._core import atan as arctan
from ._core import atan as atan
from ._core import atan2 as atan2
from ._core import atanh as arctanh
from ._core import atanh as atanh
from ._core import bitwise_and as bitwise_and
from ._core import bitwise_not as bitwise_not
from ._core import bitwise_or as bitwise_or
from ._core import bitwise_xor as bitwise_xor
from ._core import bmm as bmm
from ._core import cat as cat
from ._core import channels_last as channels_last
from ._core import channels_last_3d as channels_last_3d
from ._core import chunk as chunk
from ._core import clamp as clamp
from ._core import clone as clone
from ._core import contiguous_format as contiguous_format
from ._core import cos as cos
from ._core import cosh as cosh
from ._core import cumprod as cumprod
from ._core import cumsum as cumsum
from ._core import detach as detach
from ._core import device as device
from ._core import diagonal as diagonal
from ._core import digamma as digamma
from ._core import div as div
from ._core import dot as dot
from ._core import dtype as dtype
from ._core import einsum as einsum
from ._core import empty as empty
from ._core import empty_like as empty_like
from ._core import eq as eq
from ._core import erf as erf
from ._core import erfc as erfc
from ._core import exp as exp
from ._core import exp2 as exp2
from ._core import expm1 as expm1
from ._core import eye as eye
from ._core import flatten as flatten
from ._core import floor_divide as floor_divide
from ._core import from_numpy as from_numpy
from ._core import frombuffer as frombuffer
from ._core import full as full
from ._core import full_like as full_like
from ._core import gather as gather
from ._core import ge as ge
from ._core import ger as ger
from ._core import get_num_threads as get_num_threads
from ._core import gt as gt
from ._core import index_add as index_add
from ._core import index_put as index_put
from ._core import index_select as index_select
from ._core import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from ._core import is_anomaly_enabled as is_anomaly_enabled
from ._core import is_floating_point as is_floating_point
from ._core import is_grad_enabled as is_grad_enabled
from ._core import is_inference_mode_enabled as is_inference_mode_enabled
from ._core import is_tensor as is_tensor
from ._core import isfinite as isfinite
from ._core import isinf as isinf
from ._core import isnan as isnan
from ._core import le as le
from ._core import lgamma as lgamma
from ._core import linspace as linspace
from ._core import log as log
from ._core import log10 as log10
from ._core import log1p as log1p
from ._core import log2 as log2
from ._core import log_softmax as log_softmax
from ._core import logical_and as logical_and
from ._core import logical_not as logical_not
from ._core import logical_or as logical_or
from ._core import logical_xor as logical_xor
from ._core import logspace as logspace
from ._core import logsumexp as logsumexp
from ._core import lt as lt
from ._core import masked_fill as masked_fill
from ._core import matmul as matmul
from ._core import max_op as max
from ._core import maximum as maximum
from ._core import mean as mean
from ._core import memory_format as memory_format
from ._core import min_op as min
from ._core import minimum as minimum
from ._core import mm as mm
from ._core import mul as mul
from ._core import mv as mv
from ._core import narrow as narrow
from ._core import ne as ne
from ._core import neg as neg
from ._core import nonzero as nonzero
from ._core import norm as norm
from ._core import numel as numel
from ._core import ones as ones
from ._core import ones_like as ones_like
from ._core import outer as outer
from ._core import permute as permute
from ._core import polygamma as polygamma
from ._core import pow_op as pow
from ._core import preserve_format as preserve_format
from ._core import prod as prod
from ._core import reciprocal as reciprocal
from ._core import relu as relu
from ._core import remainder as remainder
from ._core import reshape as reshape
from ._core import rsqrt as rsqrt
from ._core import rsub as rsub
from ._core import scatter_add as scatter_add
from ._core import select as select
from ._core import set_num_threads as set_num_threads
from ._core import sigmoid as sigmoid
from ._core import sign as sign
from ._core import sin as sin
from ._core import sinh as sinh
from ._core import softmax as softmax
from ._core import split as split
from ._core import sqrt as sqrt
from ._core import square as square
from ._core import squeeze as squeeze
from ._core import stack as stack
from ._core import std as std
from ._core import std_mean as std_mean
from ._core import strided as strided
from ._core import sub as sub
from ._core import sum_op as sum
from ._core import t as t
from ._core import tan as tan
from ._core import tanh as tanh
from ._core import tensor as tensor
from ._core import transpose as transpose
from ._core import unbind as unbind
from ._core import unsqueeze as unsqueeze
from ._core import var as var
from ._core import var_mean as var_mean
from ._core import where as where
from ._core import zeros as zeros
from ._core import zeros_like as zeros_like
from ._generator import Generator as Generator
from ._generator import default_generator as default_generator
from ._generator import get_rng_state as get_rng_state
from ._generator import initial_seed as initial_seed
from ._generator import manual_seed as manual_seed
from ._generator import seed as seed
from ._generator import set_rng_state as set_rng_state
from ._levels import show_config as show_config
from ._print_options import get_printoptions as get_printoptions
from ._print_options import printoptions as printoptions
from ._print_options import set_printoptions as set_printoptions
from ._random import bernoulli as bernoulli
from ._random import multinomial as multinomial
from ._random import normal as normal
from ._random import rand as rand
from ._random import rand_like as rand_like
from ._random import randint as randint
from ._random import randint_like as randint_like
from ._random import randn as randn
from ._random import randn_like as randn_like
from ._random import randperm as randperm
from .grad_mode import enable_grad as enable_grad
from .grad_mode import inference_mode as inference_mode
from .grad_mode import no_grad as no_grad
from .grad_mode import set_grad_enabled as set_grad_enabled

__version__: str
__all__ = ['Generator', 'PrecisionWarning', 'Size', 'Tensor', 'abs', 'acos', 'acosh', 'add', 'addmm', 'all', 'amax', 'amin', 'any', 'arange', 'arccos', 'arccosh', 'arcsin', 'arcsinh', 'arctan', 'arctanh', 'argmax', 'argmin', 'as_strided', 'as_tensor', 'asarray', 'asin', 'asinh', 'atan', 'atan2', 'atanh', 'bernoulli', 'bitwise_and', 'bitwise_not', 'bitwise_or', 'bitwise_xor', 'bmm', 'bool', 'cat', 'channels_last', 'channels_last_3d', 'chunk', 'clamp', 'clone', 'contiguous_format', 'cos', 'cosh', 'cumprod', 'cumsum', 'default_generator', 'detach', 'device', 'diagonal', 'digamma', 'div', 'dot', 'double', 'dtype', 'e', 'einsum', 'empty', 'empty_like', 'enable_grad', 'eq', 'erf', 'erfc', 'exp', 'exp2', 'expm1', 'eye', 'flatten', 'float64', 'floor_divide', 'from_numpy', 'frombuffer', 'full', 'full_like', 'gather', 'ge', 'ger', 'get_default_dtype', 'get_num_threads', 'get_printoptions', 'get_rng_state', 'gt', 'index_add', 'index_put', 'index_select', 'inf', 'inference_mode', 'initial_seed', 'int64', 'is_anomaly_check_nan_enabled', 'is_anomaly_enabled', 'is_floating_point', 'is_grad_enabled', 'is_inference_mode_enabled', 'is_tensor', 'isfinite', 'isinf', 'isnan', 'le', 'lgamma', 'linspace', 'log', 'log10', 'log1p', 'log2', 'log_softmax', 'logical_and', 'logical_not', 'logical_or', 'logical_xor', 'logspace', 'logsumexp', 'long', 'lt', 'manual_seed', 'masked_fill', 'matmul', 'max', 'maximum', 'mean', 'memory_format', 'min', 'minimum', 'mm', 'mul', 'multinomial', 'mv', 'nan', 'narrow', 'ne', 'neg', 'newaxis', 'no_grad', 'nonzero', 'norm', 'normal', 'numel', 'ones', 'ones_like', 'outer', 'permute', 'pi', 'polygamma', 'pow', 'preserve_format', 'printoptions', 'prod', 'rand', 'rand_like', 'randint', 'randint_like', 'randn', 'randn_like', 'randperm', 'reciprocal', 'relu', 'remainder', 'reshape', 'rsqrt', 'rsub', 'scatter_add', 'seed', 'select', 'set_default_dtype', 'set_grad_enabled', 'set_num_threads', 'set_printoptions', 'set_rng_state', 'show_config', 'sigmoid', 'sign', 'sin', 'sinh', 'softmax', 'split', 'sqrt', 'square', 'squeeze', 'stack', 'std', 'std_mean', 'strided', 'sub', 'sum', 't', 'tan', 'tanh', 'tensor', 'transpose', 'unbind', 'unsqueeze', 'var', 'var_mean', 'where', 'zeros', 'zeros_like']
class PrecisionWarning(UserWarning): ...
bfloat16: dtype
bool: dtype
double: dtype
e: builtins.float
float: dtype
float16: dtype
float32: dtype
float64: dtype
def get_default_dtype() -> dtype: ...
half: dtype
inf: builtins.float
int: dtype
int16: dtype
int32: dtype
int64: dtype
int8: dtype
long: dtype
nan: builtins.float
newaxis: None
pi: builtins.float
def set_default_dtype(d: _Dtype) -> None: ...
short: dtype
uint8: dtype
