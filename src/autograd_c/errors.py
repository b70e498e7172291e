"""Exceptions in PyTorch's words.

The core raises; what it says stands here, so that texts can be read, compared with PyTorch's and
improved in one place.  The first sentence of each is PyTorch's, since scripts and tests match on it.
The core imports it when it raises the first of them, never before.
"""

from . import _core


def qualified_name(x):
    """What PyTorch's messages call an object: a tensor by its class's old name, others by module and name."""
    if isinstance(x, _core.Tensor):
        return x.type()
    named = x if hasattr(x, "__qualname__") else type(x)
    module = getattr(x, "__module__", None) or ""
    if module in ("", "builtins"):
        return named.__qualname__
    module = module.replace("autograd_c.nn.", "torch.nn.modules.").replace("autograd_c.", "torch.")
    return f"{module}.{named.__qualname__}"


def type_name(x):
    """The name of a type, or of an object's type, as PyTorch's messages have it: numpy's with their module."""
    cls = x if isinstance(x, type) else type(x)
    return f"numpy.{cls.__name__}" if cls.__module__ == "numpy" else cls.__name__


def no_overload(function, args, keywords):
    """No form of a function takes these arguments."""
    got = [type_name(value) for value in args] + [f"{name}={type_name(value)}" for name, value in keywords.items()]
    end = ", " if keywords and not args else ""
    return TypeError(
        f"{function}() received an invalid combination of arguments - got ({', '.join(got)}{end}), but expected one "
        f"of:\n * what help({function}) shows"
    )


def second_backward(operation):
    """Saved tensors of `operation` were freed by an earlier backward."""
    return RuntimeError(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have "
        "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
        "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
        f"you need to access saved tensors after calling backward. The operation is {operation}."
    )


def stale_saved(kind, sizes, source, version, expected):
    """A tensor was changed in place after it was saved; `source` says whose output it is, between commas."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor {sizes}]{source} is at version {version}; expected version {expected} instead. "
        + (
            "Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable "
            "in question was changed in there or anywhere later. Good luck!"
            if _core.is_anomaly_enabled()
            else "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )
    )


def leaf_in_place():
    """A leaf that requires grad would be overwritten."""
    return RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def leaf_view_in_place():
    """A view of a leaf that requires grad would be overwritten."""
    return RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


def view_in_place(creation, output, operation, indirect):
    """A view whose history forbids a change in place; `creation` says how it was made."""
    which = f"Output {output} of {operation}"
    what = "its base or another view of its base has been modified inplace" if indirect else "is being modified inplace"
    if creation in ("no_grad", "inference"):
        view = f"{which} is a view of a view which was" if operation else "A view was"
        where = "with grad mode enabled" if creation == "no_grad" else "in normal mode"
        block = f"{creation}_mode".replace("no_grad_mode", "no_grad")
        return RuntimeError(
            f"{view} created in {creation} mode and {what} {where}. Given that this use case is ambiguous and "
            "error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either "
            f"both inside the {block} block (if you don't want the inplace to be tracked) or both outside (if you "
            "want the inplace to be tracked)."
        )
    if not operation:  # PyTorch's words for any view without a grad_fn, however it came to be
        return RuntimeError(
            f"A view was created in no_grad mode and {what} with grad mode enabled. {_WHY_NOT[creation]}"
        )
    return RuntimeError(f"{which} is a view and {what}. {_WHY_NOT[creation]}")


_WHY_NOT = {
    "multi": "This view is the output of a function that returns multiple views. Such functions do not allow the "
    "output views to be modified inplace. You should replace the inplace operation by an out-of-place one.",
    "function": "This view was created inside a custom Function (or because an input was returned as-is) and the "
    "autograd logic to handle view+inplace would override the custom backward associated with the custom Function, "
    "leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
    "Function.",
}


def inference_saved():
    """An inference tensor would have to be saved."""
    return RuntimeError(
        "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
        "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use "
        "it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
    )


def inference_in_place():
    """An inference tensor would be changed in place outside inference mode."""
    return RuntimeError(
        "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
        "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
    )


def not_in_graph(index):
    """Nothing that can be differentiated leads to the output."""
    return RuntimeError(f"element {index} of tensors does not require grad and does not have a grad_fn")


def unused_input(index):
    """An input of autograd.grad has no path to the outputs."""
    return RuntimeError(
        f"The differentiated Tensor at index {index} appears to not have been used in the graph. Set "
        "allow_unused=True if this is the desired behavior."
    )


def gradient_mismatch(index, grad_sizes, output_sizes):
    """A gradient handed to backward or grad has other sizes than its output."""
    return RuntimeError(
        f"Mismatch in shape: grad_output[{index}] has a shape of torch.Size({grad_sizes}) and output[{index}] has a "
        f"shape of torch.Size({output_sizes})."
    )


def invalid_gradient(operation, index, got, expected):
    """A node returned a gradient that cannot be summed to what is expected."""
    return RuntimeError(
        f"Function {operation} returned an invalid gradient at index {index} - got {got} but expected shape "
        f"compatible with {expected}"
    )


def internal_overlap():
    """The written-to tensor has several elements at one place."""
    return RuntimeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
        "Please clone() the tensor before performing the operation."
    )


def warn_expanded(function, example):
    """`function` writes to a tensor with several elements at one place."""
    import warnings

    warnings.warn(
        f"Use of {function} on expanded tensors is deprecated. Please clone() the tensor before performing this "
        f"operation. This also applies to advanced indexing e.g. {example}",
        UserWarning,
        stacklevel=2,
    )


def not_a_view_size(size):
    """`view` cannot express the new sizes with strides."""
    return RuntimeError(
        "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
        f"contiguous subspaces). Use .reshape(...) instead. The size asked for is {size}."
    )


def warn_precision():
    """Tell, for the first time, that a dtype that is not there means a wider one."""
    import warnings

    from . import PrecisionWarning

    text = "autograd_c computes in float64 and int64: narrower dtypes of the same kind mean these"
    warnings.warn(text, PrecisionWarning, stacklevel=2)


def recorded_at(name, stack, source, is_anomaly_mode):
    """Return the note on an error in backward that tells where the operation was recorded, if that is known."""
    if stack is None and not is_anomaly_mode:
        return f"Error detected in {name}" + (f", recorded at {source[0]}:{source[1]}." if source else ".")
    if stack is None:
        return (
            f"Error detected in {name}. No forward pass information available. Enable detect anomaly during forward "
            "pass for more information."
        )
    return f"Error detected in {name}. Traceback of forward call that caused the error:\n{''.join(stack)}"
