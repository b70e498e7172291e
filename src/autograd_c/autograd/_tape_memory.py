"""`memory`: what a recorded graph keeps for its backward, by operation and line."""

from typing import NamedTuple

from . import _walk

__all__ = ["memory"]


class Row(NamedTuple):
    """What the nodes of one operation and line keep.

    Attributes
    ----------
    operation : str
    source : (str, int) or None
        File and line, where they were noted.
    nodes : int
        How many there are, whether they keep something or not.
    bytes : int
        What they keep; memory that several nodes keep counts for the one that was recorded first.
    of_leaves : int
        How much of that belongs to leaves of the graph, parameters for instance, which are there in any case.
    """

    operation: str
    source: tuple[str, int] | None
    nodes: int
    bytes: int
    of_leaves: int


_HEADS = ("operation", "line", "nodes", "saved", "of leaves")


class Memory:
    """What `memory` found. Prints as a table, and shows as one in notebooks.

    Attributes
    ----------
    rows : list of Row
        The largest first.
    total : int
        Bytes of all memory that is kept for backward, each once.
    of_leaves : int
        How much of that belongs to leaves.
    nodes : int
        The number of nodes, those of leaves not counted.
    """

    def __init__(self, rows):
        self.rows = sorted(rows, key=lambda row: (-row.bytes, row.operation, row.source or ("", 0)))
        self.total = sum(row.bytes for row in rows)
        self.of_leaves = sum(row.of_leaves for row in rows)
        self.nodes = sum(row.nodes for row in rows)

    def _cells(self):
        """The table as texts: heads, rows, and the line of sums; a column that would be empty is left out."""
        table: list[tuple[str, ...]] = [_HEADS]
        for operation, place, nodes, kept, of_leaves in (*self.rows, ("total", None, *self._sums())):
            cells = str(nodes), _walk.bytes_text(kept), _walk.bytes_text(of_leaves)
            table.append((operation, _walk.source_text(place), *cells))
        if not any(row.source for row in self.rows):
            table = [(cells[0], *cells[2:]) for cells in table]
        return table

    def _sums(self):
        return self.nodes, self.total, self.of_leaves

    def __str__(self):
        table = self._cells()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        texts = len(table[0]) - 3  # the columns of texts; numbers follow
        lines = []
        for cells in table:
            padded = [
                cell.ljust(width) if place < texts else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            lines.append("  ".join(padded))
        rule = "-" * len(lines[0])
        return "\n".join((lines[0], rule, *lines[1:-1], rule, lines[-1]))

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        from html import escape

        heads, *rows, sums = self._cells()
        texts = len(heads) - 3

        def line(cells, tag):
            sides = ("left" if place < texts else "right" for place in range(len(cells)))
            cells = "".join(
                f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )
            return f"<tr>{cells}</tr>"

        body = "".join(line(cells, "td") for cells in rows)
        return (
            f"<table><thead>{line(heads, 'th')}</thead><tbody>{body}</tbody><tfoot>{line(sums, 'th')}</tfoot></table>"
        )


def memory(y):
    """What the graph of a result keeps for its backward.

    Counted is the memory of saved tensors, whole storages, each once: of a view, what it looks into; of a scalar, 8
    bytes. The nodes themselves take some 200 bytes each, which are not in it. A backward without `retain_graph` frees
    what was saved; then nothing is left.

    Parameters
    ----------
    y : Tensor, GradientEdge, Node, or iterable of these

    Returns
    -------
    Memory
        Prints as a table; `rows`, `total`, `of_leaves` and `nodes` are the numbers.

    Raises
    ------
    RuntimeError
        If a tensor requires no gradient.

    Examples
    --------
    >>> import autograd_c as torch
    >>> w = torch.ones(100, 100, requires_grad=True)
    >>> x = torch.ones(20, 100)
    >>> y = (x @ w).exp().sum()
    >>> torch.autograd.graph.memory(y).total  # x, and the result of exp
    32000
    """
    nodes = _walk.visit(_walk.starts(y))
    leaves = {key for node in nodes if _walk.is_leaf(node) for key, _, _ in node._kept_storages()}
    counted = set()
    table: dict[tuple, list[int]] = {}
    for node in sorted((node for node in nodes if not _walk.is_leaf(node)), key=lambda node: node._sequence_nr()):
        sums = table.setdefault((_walk.operation(node), _walk.source(node)), [0, 0, 0])
        sums[0] += 1
        for key, size, _ in node._kept_storages():
            if key not in counted:
                counted.add(key)
                sums[1] += size
                sums[2] += size if key in leaves else 0
    return Memory([Row(*place, *sums) for place, sums in table.items()])
