"""Makes the stubs, ``_core.pyi`` and ``__init__.pyi``, from the package as it runs.

    python docs/make_stubs.py            write them
    python docs/make_stubs.py --check    compare only; fails if they are not up to date

Functions, methods and node classes are found in the running core, their parameters by ``inspect.signature``; the types
come from the tables below, by name. So a new op needs nothing here as long as it calls its parameters what others call
them and returns a tensor. The classes that have more than methods are written out in ``_core.pyi.in``; stubtest, a part
of ``.ci/run``, compares all with the core.
"""

import inspect
import re
import sys
from pathlib import Path

import autograd_c
from autograd_c import _core

PACKAGE = Path(autograd_c.__file__).parent
TEMPLATE = Path(__file__).with_name("_core.pyi.in")


# ------------------------------------------------------------------ conventions
# The type of a parameter, by its name; "| None" comes with the default. function.name is for that function alone.
PARAMETERS = {
    "Node": "_will_run.node register_hook.self register_prehook.self",
    "Tensor": "self tensor gradient index input mask mat1 mat2 pos_weight source src target tangent vec vec2 weight x"
    " dot.tensor split.tensor where.condition index_put.values index_put_.values"
    " atan2.other atan2_.other expand_as.other matmul.other maximum.other minimum.other type_as.other view_as.other"
    " logical_and.other logical_or.other logical_xor.other"
    " linear.bias",
    "Tensor | float": "exponent fill_value max min other value"
    " add.input bitwise_and.input bitwise_or.input bitwise_xor.input div.input floor_divide.input mul.input pow.input"
    " remainder.input sub.input",
    "Tensor | Sequence[Tensor]": "inputs",
    "Sequence[Tensor]": "tensors",
    "Sequence[Tensor | None]": "indices",
    "tuple[Tensor, ...]": "_backward.tensors _backward.inputs",
    "tuple[Tensor | None, ...]": "gradients",
    "float": "alpha base beta correction delta end label_smoothing lambd mean median negative_slope sigma start std"
    " step threshold bernoulli.p geometric_.p",
    "float | str": "p",
    "int": "address axis chunks count dim dim0 dim1 dim2 dimension end_dim ignore_index length level m n nbytes num"
    " num_samples offset position start_dim steps storage_offset narrow.start select.index unfold.size unfold.step",
    "int | Sequence[int]": "*dims *shape *size *sizes split_size_or_sections"
    " all.dim amax.dim amin.dim any.dim logsumexp.dim mean.dim norm.dim squeeze.dim std.dim std_mean.dim sum.dim"
    " var.dim var_mean.dim all.axis amax.axis amin.axis any.axis logsumexp.axis mean.axis std.axis std_mean.axis"
    " sum.axis var.axis var_mean.axis",
    "Sequence[int]": "size sizes stride strides",
    "tuple[int | Sequence[int], ...]": "_blank.sizes",
    "Sequence[int] | None": "_blank.size",
    "Tensor | None": "_overwrite.p",
    "layout_type": "layout",
    "memory_format": "memory_format",
    "Callable[[Tensor], object]": "fill register_post_accumulate_grad_hook.hook",
    "bool": "accumulate allow_unused check_nan copy create_graph enabled force keep keepdim keepdims mode non_blocking"
    " pin_memory readonly inplace log_target reduce replacement requires_grad retain_graph size_average unbiased",
    "str": "kind",
    "_Dtype": "d dtype",
    "device_type | str": "device type",
    'Literal["trunc", "floor"]': "rounding_mode",
    'Literal["none", "mean", "sum"]': "reduction",
    'Literal["none", "tanh"]': "approximate",
    'Literal["none", "batchmean", "mean", "sum"]': "kl_div.reduction",
    "Callable[[Tensor], Tensor | None]": "hook",
}
# What a function returns; all others return a tensor, and methods that work in place their own.
RETURNS = {
    "tuple[Node, int] | None": "_edge",
    "tuple[Tensor, ...]": "chunk split unbind",
    "tuple[Tensor, Tensor]": "std_mean var_mean",
    "tuple[Tensor | None, ...]": "_backward",
    "tuple[Tensor, Tensor | None]": "_unpack_dual",
    "Tensor | None": "_tangent",
    "int": "_current_pass data_ptr dim element_size get_num_threads kept_bytes live_bytes nelement numel"
    " storage_offset",
    "float": "item",
    "tuple[bool, bool]": "_anomaly_mode",
    "bool": "is_anomaly_enabled is_anomaly_check_nan_enabled _will_run"
    " _set_grad_enabled _set_inference_mode _set_source_lines is_contiguous is_floating_point is_grad_enabled"
    " is_inference is_inference_mode_enabled",
    "str": "type",
    "tuple[int, int, int, int, int, list[tuple[int, int, int]]]": "_memory_stats",
    "None": "_set_anomaly_mode _increment_version _empty_cache _forget_workers _reset_peak _set_memory_limit"
    " set_num_threads _enter_dual_level _exit_dual_level _offer backward retain_grad set_default_dtype"
    " warn_non_leaf_grad",
    "device_type": "device",
    "dtype": "get_default_dtype",
    "RemovableHandle": "register_node_hook register_node_prehook register_hook register_post_accumulate_grad_hook",
    "Storage": "untyped_storage",
    "TypeIs[Tensor]": "is_tensor",
    "np.ndarray[Any, Any]": "numpy",
    "Any": "_apply also function method node_method op op_function query renamed tolist",
}
# What depends on the arguments.
OVERLOADS = {
    "max min": [
        "(input: Tensor, dim: None = None, keepdim: bool = False, *, other: None = None, axis: None = None, "
        "keepdims: bool | None = None) -> Tensor",
        "(input: Tensor, dim: int, keepdim: bool = False, *, other: None = None, axis: None = None, "
        "keepdims: bool | None = None) -> _ValuesIndices",
        "(input: Tensor, dim: None = None, keepdim: bool = False, *, other: None = None, axis: int, "
        "keepdims: bool | None = None) -> _ValuesIndices",
        "(input: Tensor, dim: Tensor) -> Tensor",
        "(input: Tensor, *, other: Tensor) -> Tensor",
    ],
    "nonzero": [
        "(input: Tensor, *, as_tuple: Literal[False] = False) -> Tensor",
        "(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]",
    ],
    "size": ["(self: Tensor, dim: None = None) -> Size", "(self: Tensor, dim: int) -> int"],
    "stride": ["(self: Tensor, dim: None = None) -> tuple[int, ...]", "(self: Tensor, dim: int) -> int"],
    "to": [
        "(self: Tensor, *args: _Dtype | device_type | str | Tensor | bool | None, dtype: _Dtype | None = None, "
        "device: device_type | str | None = None, copy: bool = False, non_blocking: bool = False, "
        "memory_format: object = None) -> Tensor"
    ],
    "where": [
        "(condition: Tensor, input: None = None, other: None = None) -> tuple[Tensor, ...]",
        "(condition: Tensor, input: Tensor | float, other: Tensor | float) -> Tensor",
    ],
    "Tensor.where": ["(self: Tensor, condition: Tensor, other: Tensor | float) -> Tensor"],
}


# ------------------------------------------------------------------ declarations
def kinds(conventions):
    """One of the tables turned round: the type of each name."""
    return {name: kind for kind, names in conventions.items() for name in names.split()}


KIND_OF_PARAMETER = kinds(PARAMETERS)
KIND_OF_RESULT = kinds(RETURNS)
OVERLOADS_OF = {name: signatures for names, signatures in OVERLOADS.items() for name in names.split()}
SUBCLASSABLE = 1 << 10  # Py_TPFLAGS_BASETYPE


def original(function):
    """The function object that a function of the package was made from; a builtin tells no signature."""
    return _core.__originals__.get(function, function)


def parameter_text(function, parameter):
    """A parameter as it stands in a signature."""
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    name = stars.get(parameter.kind, "") + parameter.name
    kind = KIND_OF_PARAMETER.get(f"{function}.{parameter.name}") or KIND_OF_PARAMETER.get(name, "Any")
    if parameter.default is parameter.empty:
        return f"{name}: {kind}"
    if repr(parameter.default) == "None" and kind not in ("Any", "object"):
        kind += " | None"
    return f"{name}: {kind} = {repr(parameter.default).removeprefix('torch.')}"


def signature_text(function, bound):
    """Parameters and result of a function; of a method, if `bound`."""
    name = function.__name__
    texts = []
    starred = False
    for parameter in inspect.signature(original(function)).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            texts.append("*")
        starred = starred or parameter.kind in (parameter.VAR_POSITIONAL, parameter.KEYWORD_ONLY)
        texts.append(parameter_text(name, parameter))
    in_place = bound and name.endswith("_")
    return f"({', '.join(texts)}) -> {'Self' if in_place else KIND_OF_RESULT.get(name, 'Tensor')}"


def declare_function(name, function, bound=False):
    """The lines that declare a function, or a method if `bound`."""
    published = function.__name__
    only_method = original(_core.__functions__.get(published, function)) is not original(function)
    key = f"Tensor.{published}" if only_method else published
    signatures = OVERLOADS_OF.get(key) or [signature_text(function, bound)]
    if bound:
        signatures = [re.sub(r"^\((\w+): [\w |]+", own_parameter, text) for text in signatures]
    lines = [f"def {name}{with_builtins(text)}: ..." for text in signatures]
    return [line for text in lines for line in ("@overload", text)] if len(lines) > 1 else lines


def own_parameter(match):
    """The first parameter of a method. An underscore tells type checkers that the core has another name for it."""
    return "(self" if match[1] == "self" else "(_self"


def with_builtins(text):
    """Python's types by their full names: Tensor has methods, and the package dtypes, that are called so."""
    return re.sub(r"\b(bool|float|int)\b", r"builtins.\1", text)


def declare_class(name, cls):
    """The lines that declare a class of which nothing but its name and base is of interest."""
    final = [] if cls.__flags__ & SUBCLASSABLE else ["@final"]
    base = "" if cls.__base__ is object else f"({cls.__base__.__name__})"
    return [*final, f"class {name}{base}: ..."]


# ------------------------------------------------------------------ files
HEADER = "# Made by docs/make_stubs.py.\n\n"


def core_stub():
    """The text of _core.pyi: all that the extension module has, since stubtest asks for all."""
    template = TEMPLATE.read_text(encoding="utf-8")
    methods = [line for name, f in sorted(_core.__methods__.items()) for line in declare_function(name, f, bound=True)]
    rest = []
    for name, value in vars(_core).items():
        if name.startswith("__") or re.search(rf"^class {name}\b", template, re.MULTILINE):
            continue
        if isinstance(value, type):
            rest += declare_class(name, value)
        elif callable(value):
            rest += declare_function(name, value)
        else:
            rest.append(f"{name}: {type(value).__name__.replace('PyCapsule', 'object')}")
    text = template.replace("    # methods", "\n".join(f"    {line}" for line in methods))
    return HEADER + text.replace("# functions", "\n".join(rest))


def package_stub():
    """The text of __init__.pyi: the public names, many of which the package enters or loads as it runs."""
    in_core = {id(value): name for name, value in vars(_core).items() if value is not None}
    lines = ["from ._core import _Dtype"]
    rest = [f"__version__: str\n__all__ = {sorted(autograd_c.__all__)}"]
    for name in autograd_c.__all__:
        repr(getattr(autograd_c, name))  # what loads late is there now
    public = {name: value for name, value in sorted(vars(autograd_c).items()) if not name.startswith("_")}
    for name, value in public.items():
        module = getattr(value, "__module__", None)
        if inspect.ismodule(value):
            if name in (
                "autograd",
                "memory",
                "nn",
                "optim",
            ):  # the others are there only once something has imported them
                lines.append(f"from . import {name} as {name}")
        elif id(value) in in_core and not isinstance(value, _core.dtype):
            lines.append(f"from ._core import {in_core[id(value)]} as {name}")
        elif module not in (None, "autograd_c"):
            lines.append(
                f"from {module.removeprefix('autograd_c')} import {getattr(value, '__name__', name)} as {name}"
            )
        elif isinstance(value, type):
            rest += declare_class(name, value)
        elif callable(value):
            rest += declare_function(name, value)
        else:
            rest.append(f"{name}: {with_builtins(type(value).__name__.removesuffix('Type'))}")
    return HEADER + "\n".join(["import builtins", "", *sorted(lines), "", *rest, ""])


def main():
    """Write or, with --check, compare."""
    files = {PACKAGE / "_core.pyi": core_stub(), PACKAGE / "__init__.pyi": package_stub()}
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"not up to date, run python docs/make_stubs.py: {' '.join(path.name for path in stale)}")
        return
    for path in stale:
        path.write_text(files[path], encoding="utf-8")


if __name__ == "__main__":
    main()
