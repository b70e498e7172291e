"""How a tensor prints: torch's form, character by character.

Doctests and logs of existing scripts compare printed tensors, so this follows torch 2.13 exactly. It uses a
tensor's public surface only, with dtypes and classes known by their names, so that the same code can be run on torch's
own tensors and compared.

A tensor prints in three steps: `_shown` fetches what will be visible as nested lists, `_element_format` looks at all of
that to choose one format for every element, and `_brackets` lays the elements out.
"""

from ._print_options import _INF, _options

# ------------------------------------------------------------------ the elements


def _shown(t, edge):
    """Return the visible elements as nested lists, `...` for what is left out; that is never fetched, however much."""
    if all(n <= 2 * edge for n in t.shape):
        return t.tolist()
    n = t.shape[0]
    if t.dim() == 1:
        return [*t[:edge].tolist(), ..., *t[n - edge :].tolist()]
    if n <= 2 * edge:
        return [_shown(t[i], edge) for i in range(n)]
    return [*(_shown(t[i], edge) for i in range(edge)), ..., *(_shown(t[i], edge) for i in range(n - edge, n))]


def _flatten(shown, dim):
    values = [shown]
    for _ in range(dim):
        values = [item for row in values for item in row if item is not ...]
    return values


def _element_format(values, is_float):
    """Choose one format for all: a function from an element to its text, and the width to pad that to.

    As in torch, zeros, nans and infinities have no say in either, so their texts may be wider.
    """
    if not is_float:
        return str, max((len(str(v)) for v in values), default=1)
    values = [v for v in values if v and abs(v) < _INF]
    magnitudes = [abs(v) for v in values] or [1.0]
    low, high = min(magnitudes), max(magnitudes)
    scientific = _options["sci_mode"] if values else False
    if scientific is None:
        scientific = high / low > 1000 or high > 1e8 or low < 1e-4
    if all(v.is_integer() for v in values) and not scientific:
        spec, point = ".0f", "."
    else:
        spec, point = f".{_options['precision']}{'e' if scientific else 'f'}", ""

    def to_text(value):
        text = format(value, spec)
        return text + point if abs(value) < _INF else text

    return to_text, max((len(to_text(v)) for v in values), default=1)


def _brackets(shown, dim, indent, to_text, width):
    """Lay out `shown`, whose opening bracket stands in column `indent`."""
    if dim == 0:
        return to_text(shown).rjust(width)
    if dim == 1:
        # The blank in " ..." is torch's: a summarised vector prints as `2.,  ..., 997.`.
        gap = " ..." if _options["edgeitems"] else "..."
        cells = [gap if item is ... else to_text(item).rjust(width) for item in shown]
        per_line = max(1, int((_options["linewidth"] - indent) // (width + 2)))
        parts = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    else:
        parts = ["..." if row is ... else _brackets(row, dim - 1, indent + 1, to_text, width) for row in shown]
    separator = "," + "\n" * max(1, dim - 1) + " " * (indent + 1)
    return f"[{separator.join(parts)}]"


# ------------------------------------------------------------------ the whole tensor


def _tangent(t):
    """Return the tangent of a dual tensor, else None: the one place where torch's tensors have another interface."""
    return t._tangent()


def _grad_fn_name(t):
    try:
        node = t.grad_fn
    except RuntimeError:  # a view whose graph cannot be rebuilt: it was made and then changed in place under no_grad
        return "Invalid"
    if node is None:
        return None
    name = type(node).__name__
    # One type serves every node that has none of its own.
    return name if name != "CppFunction" else node.name().rsplit("::", 1)[-1]


def _suffixes(t, is_float):
    is_empty = t.numel() == 0
    if t.dim() != 1 if is_empty else not _options["edgeitems"]:  # else the brackets tell
        yield f"size={tuple(t.shape)}"
    if is_empty and not is_float:  # else the elements tell
        yield f"dtype={t.dtype}"
    grad_fn = _grad_fn_name(t)
    if grad_fn is not None:
        yield f"grad_fn=<{grad_fn}>"
    elif t.requires_grad:
        yield "requires_grad=True"
    tangent = _tangent(t)
    if tangent is not None:
        yield f"tangent={tangent}"


def tensor_repr(t):
    """Return ``repr(t)`` as torch writes it, for any shape and every dtype; the autograd state of `t` is left as it is.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.tensor([1.0, 2.5], requires_grad=True)
    tensor([1.0000, 2.5000], requires_grad=True)
    >>> torch.zeros(2, 0)
    tensor([], size=(2, 0))
    """
    name = type(t).__name__
    text = "tensor(" if name in ("Tensor", "Parameter") else f"{name}("
    indent, is_float = len(text), str(t.dtype) == "torch.float64"
    if t.numel() == 0:
        text += "[]"
    else:
        edge = _options["edgeitems"] if t.numel() > _options["threshold"] else _INF
        shown, dim = _shown(t.detach(), edge), t.dim()
        text += _brackets(shown, dim, indent, *_element_format(_flatten(shown, dim), is_float))
    column = len(text) - text.rfind("\n") + 1  # torch's count, which is 2 too many
    for suffix in _suffixes(t, is_float):
        if column + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def parameter_repr(t):
    """Return ``repr(t)`` of an nn.Parameter as torch writes it, a derived class with its name inside."""
    text = tensor_repr(t)
    return "Parameter containing:\n" + (text if type(t).__name__ == "Parameter" else f"Parameter({text})")


def tensor_format(t, spec):
    """Return ``format(t, spec)``: a 0-d tensor formats as its number.

    Raises
    ------
    TypeError
        If `spec` is not empty and `t` is not 0-d, or is of a derived class, Parameter among them, as in torch.

    Examples
    --------
    >>> import autograd_c as torch
    >>> f"{torch.tensor(3.14159):.2f}"
    '3.14'
    """
    if t.dim() == 0 and type(t).__name__ == "Tensor":
        return format(t.detach().item(), spec)
    if spec:  # object.__format__ would name the type with its module
        raise TypeError(f"unsupported format string passed to {type(t).__name__}.__format__")
    return repr(t)
