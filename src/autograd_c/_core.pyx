# cython: language_level=3, binding=True, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, auto_pickle=False, annotation_typing=False
"""The compiled core of autograd_c: tensors, tape, engine and operations.

This file is the index of the core.  Each file below uses only what is above it, but for Tensor's
operators (tensor.pxi says which); docs/ARCHITECTURE.md tells how they work together.
"""

include "core/declare.pxi"      # names of the classes that refer to each other
include "core/prelude.pxi"      # C declarations, the thread's state, flags
include "core/objects.pxi"      # memory of tensors and nodes, and the cyclic collector
include "core/layout.pxi"       # sizes and strides, shared between tensors
include "core/storage.pxi"      # memory behind tensors, pooled
include "core/dtype.pxi"        # float64, int64, bool
include "core/tensor.pxi"       # the class Tensor
include "core/make.pxi"         # tensors of values, of arguments, of others' memory; versions
include "core/tape.pxi"         # the class Node, edges, saved tensors
include "core/packing.pxi"      # what users make of saved tensors
include "core/registry.pxi"     # the decorators that publish functions and methods
include "maths/bits.pxi"        # bits of doubles, fused multiply-add, sums and products without loss
include "maths/exponential.pxi"  # exp, exp2, expm1, sigmoid, silu
include "maths/logarithm.pxi"   # log, log2, log10, log1p, softplus, logsigmoid
include "maths/hyperbolic.pxi"  # sinh, cosh, tanh and their inverses
include "maths/trigonometric.pxi"  # sin, cos, tan and their inverses
include "maths/special.pxi"     # erf, erfc, the normal distribution
include "maths/power.pxi"       # pow
include "maths/gamma.pxi"       # the logarithm of the gamma function and its derivatives
include "core/threads.pxi"      # the threads that share large jobs
include "core/loops.pxi"        # kernels, and the loops over a formula
include "core/walk.pxi"         # the shared iterator
include "core/moving.pxi"       # packing, converting, copying
include "core/reduction.pxi"    # the shared reduction
include "core/folds.pxi"        # what sums, products, extrema fold
include "core/norms.pxi"        # what norms, variances, logsumexp fold
include "core/watch.pxi"        # results that selective checkpoints keep
include "core/tables.pxi"       # the tables that describe elementwise operations
include "core/plain.pxi"        # such an operation on plain numbers
include "core/elementwise.pxi"  # from a table of kernels to a recorded operation
include "core/batch.pxi"        # gradients of large tensors, computed together
include "core/gradients.pxi"    # and from its node to the gradients
include "core/formula.pxi"      # what derivative formulas may call
include "core/inplace.pxi"      # views and changes in place in the graph
include "core/dual.pxi"         # forward mode
include "core/hooks.pxi"        # hooks on tensors and nodes
include "core/pass.pxi"         # what one backward keeps about nodes
include "core/engine.pxi"       # running a graph backward
include "core/state.pxi"        # grad modes, requires_grad, grad
include "core/backward.pxi"     # Tensor.backward, autograd.grad
include "core/data.pxi"         # Python data in and out, foreign memory

include "ops/create.pxi"        # tensor, zeros, full, their _like and new_ ...
include "ops/sequences.pxi"     # eye, arange, linspace, logspace
include "ops/copy.pxi"          # clone, copy_, fill_, dtype conversion
include "ops/random.pxi"        # the nodes and methods of random numbers
include "ops/arithmetic.pxi"    # add, mul, div, remainder ...
include "ops/sign.pxi"          # neg, abs, sign, reciprocal
include "ops/explog.pxi"        # exp, log, sqrt ...
include "ops/trig.pxi"          # sin, asin, erf ...
include "ops/hyperbolic.pxi"    # sinh, asinh ...
include "ops/activation.pxi"    # sigmoid, relu, gelu ...
include "ops/gamma.pxi"         # lgamma, digamma, polygamma
include "ops/power.pxi"         # pow, maximum, clamp ...
include "ops/compare.pxi"       # comparisons, logic, where
include "ops/scan.pxi"          # cumsum, cumprod
include "ops/reduce.pxi"        # sum, mean, prod, any, all
include "ops/extrema.pxi"       # max, amin, argmax ...
include "ops/moments.pxi"       # var, std, the norm of vectors
include "ops/softmax.pxi"       # logsumexp, softmax ...
include "ops/views.pxi"         # view, expand, transpose ...
include "ops/slices.pxi"        # select, slices, as_strided, unbind, split
include "ops/join.pxi"          # cat, stack
include "ops/advanced.pxi"      # index, index_put, nonzero
include "ops/gather.pxi"        # index_select, index_add, gather, scatter_add
include "ops/index.pxi"         # x[...] and x[...] = value
include "ops/linalg.pxi"        # products
include "ops/addmm.pxi"         # addmm, outer, linear
include "ops/norm.pxi"          # norm, singular values
include "ops/einsum.pxi"        # einsum
include "ops/loss.pxi"          # losses as one node, binary_cross_entropy, mse_loss
include "ops/robust.pxi"        # l1_loss, smooth_l1_loss, huber_loss
include "ops/nll.pxi"           # losses of classes: nll_loss, cross_entropy, kl_div

include "core/function.pxi"     # custom Functions
include "core/capi.pxi"         # the C interface for other libraries

set_up_objects()
_c_api = c_api()
