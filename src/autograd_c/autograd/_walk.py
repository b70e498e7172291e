"""Going over a recorded graph, and how its nodes are called: for `draw` and `memory`."""

import sys

from .. import _core


def starts(y):
    """The nodes of a result, or of several.

    Parameters
    ----------
    y : Tensor, GradientEdge, Node, or iterable of these

    Returns
    -------
    list of Node

    Raises
    ------
    RuntimeError
        If a tensor requires no gradient.
    TypeError
        If it is something else.
    """
    if isinstance(y, (_core.Tensor, _core.Node)) or hasattr(y, "output_nr"):  # a GradientEdge is a tuple
        y = (y,)
    nodes = []
    for position, thing in enumerate(y):
        if isinstance(thing, _core.Tensor):
            edge = _core._edge(thing) if thing.requires_grad else None
            if edge is None:
                raise RuntimeError(
                    f"element {position} of tensors does not require grad and does not have a grad_fn: it has no graph"
                )
            nodes.append(edge[0])
        elif isinstance(thing, _core.Node):
            nodes.append(thing)
        elif hasattr(thing, "output_nr"):
            nodes.append(thing.node)
        else:
            raise TypeError(f"expected Tensor, GradientEdge or Node, but got {type(thing).__name__}")
    return list({id(node): node for node in nodes}.values())


def visit(nodes):
    """All nodes that are to be reached, the nearest first.

    Returns
    -------
    list of Node
        As long as it is there, the nodes' ids are theirs.
    """
    found = list(nodes)
    seen = {id(node) for node in found}
    for node in found:  # which grows meanwhile
        for following, _ in node.next_functions:
            if following is not None and id(following) not in seen:
                seen.add(id(following))
                found.append(following)
    return found


def is_leaf(node):
    """Whether a node stands for a leaf."""
    return isinstance(node, _core.AccumulateGrad)


def operation(node):
    """The operation's name: that of the class, without `Backward0`."""
    name = type(node).__name__
    return name[: name.rindex("Backward")] or name if "Backward" in name else name


def source(node):
    """Where the operation was recorded, as far as that was noted.

    Returns
    -------
    (str, int) or None
        Name of the file and number of the line.
    """
    return getattr(node, "_source", None)


def source_text(place, parts=1):
    """A place in short.

    Of the file's path this has the last `parts` only: pictures are passed on, and are to be the same on all machines. A
    cell of a notebook, whose file has a name that tells nothing, is called as the notebook calls it.
    """
    if place is None:
        return ""
    path, line = place
    cell = _cells().get(path)
    if cell is not None:
        return f"In[{cell}]:{line}"
    return f"{'/'.join(path.replace(chr(92), '/').split('/')[-parts:])}:{line}"


def _cells():
    """The counters of the notebook's cells by the files that IPython pretends they are in."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(getattr(shell, "compile", None), "_filename_map", {})


def bytes_text(count):
    """A number of bytes as people read it."""
    if count < 1024:
        return f"{count} B"
    size, units = count / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while size >= 1023.95 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{size:.1f}".removesuffix(".0") + f" {units[0]}"
