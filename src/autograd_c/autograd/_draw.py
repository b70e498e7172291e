"""`draw`: a recorded graph as a picture, in DOT or, without graphviz, in SVG."""

from functools import cached_property
from os import fspath
from typing import NamedTuple
from unicodedata import combining, east_asian_width

from .. import _core
from . import _layers, _walk

__all__ = ["draw"]

LONGEST = 40  # characters of a name that are shown

# Kind of box -> colours of the paper, of the border and of the text.
COLOURS = {
    "operation": ("#f7f7f5", "#8b919b", "#24292f"),
    "function": ("#f3edfb", "#8a63c9", "#3f2a66"),
    "leaf": ("#e4f0fb", "#3d7ebd", "#153e66"),
}
RESULT = "#1a7f37"  # the border of what was asked for
FAINT = "#66707c"
SAVED = "#a04a00"
LINE = "#8b95a1"

# Sizes in the SVG. The font has one width, so that boxes fit their texts whatever the reader's system has for it.
FONT = "'DejaVu Sans Mono',Menlo,Consolas,monospace"
LARGE, SMALL = 13, 11
ADVANCE = 0.61  # the width of a character, in font sizes
MARGIN = 12
GAP = 38  # between layers, at least


class Box(NamedTuple):
    """A node, as far as pictures need it."""

    kind: str
    head: str
    sizes: str
    saved: str
    source: str
    title: str
    outputs: int
    inputs: list[tuple[int, int, int]]  # box, its output, number of the input
    missing: list[int]  # the inputs that are left out


# ------------------------------------------------------------------ texts
def clean(text):
    """A text in one line that XML can hold: no control characters, no halves of surrogate pairs."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def shortened(text):
    """A text that is too long, without its middle."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[: half - 1]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"


def columns(text):
    """How many characters' widths a text takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def xml(text):
    """A text escaped for SVG."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")


def quoted(text):
    """A text as a string of DOT, whose labels know HTML's entities as well as escapes."""
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n") + '"'


def sizes_text(sizes):
    """The sizes of all outputs."""
    known = ["-" if one is None else str(tuple(one)) for one in sizes]
    return ", ".join(known) if len(known) <= 3 else f"{len(known)} outputs"


# ------------------------------------------------------------------ from the graph to boxes
def names_of(params):
    """Names by the ids of nodes; and the nodes, to be kept as long as the ids are used."""
    names: dict[int, list[str]] = {}
    nodes = []
    for name, tensor in params.items() if hasattr(params, "items") else params or ():
        edge = _core._edge(tensor) if tensor.requires_grad else None
        if edge is not None:
            nodes.append(edge[0])
            names.setdefault(id(edge[0]), []).append(clean(name))
    return {key: " = ".join(of_one) for key, of_one in names.items()}, nodes


def box_of(node, name, number):
    """The box of a node; `number` tells those of its inputs by their ids, as far as they are shown."""
    place = _walk.source(node)
    sizes = sizes_text(node._output_sizes())
    operation = clean(_walk.operation(node))
    details = [clean(f"{type(node).__name__} {sizes}")]
    if _walk.is_leaf(node):
        kind, head, saved = "leaf", name or "leaf", ""
    else:
        kept = {key: size for key, size, _ in node._kept_storages()}
        kind = "function" if isinstance(node, _core.FunctionNode) else "operation"
        head = f"{name} = {operation}" if name else operation
        saved = f"saved {_walk.bytes_text(sum(kept.values()))}" if kept else ""
        details.append(saved)
    details += [name or "", _walk.source_text(place, parts=2)]
    inputs, missing = [], []
    for position, (following, output) in enumerate(node.next_functions):
        if following is None:
            continue
        if id(following) in number:
            inputs.append((number[id(following)], output, position))
        else:
            missing.append(position)
    return Box(
        kind=kind,
        head=shortened(head),
        sizes=sizes,
        saved=saved,
        source=shortened(clean(_walk.source_text(place))),
        title="\n".join(clean(line) for line in details if line),
        outputs=len(node._output_sizes()),
        inputs=inputs,
        missing=missing,
    )


class Drawing:
    """A graph as `draw` found it, of which it holds nothing but texts and numbers.

    Attributes
    ----------
    nodes : int
        How many are shown.
    left_out : int
        How many are not, because of `limit`.
    dot : str
        For graphviz.
    svg : str
        A picture, laid out by autograd_c itself.
    """

    def __init__(self, boxes, results, left_out):
        self._boxes = boxes
        self._results = results
        self.nodes = len(boxes)
        self.left_out = left_out

    @property
    def _note(self):
        """What is said of the nodes that are not shown."""
        if not self.left_out:
            return ""
        nodes = "1 node" if self.left_out == 1 else f"{self.left_out} nodes"
        return f"{nodes} left out: the {self.nodes} nearest to the result are shown"

    @cached_property
    def dot(self):
        """The graph in DOT."""
        return dot_of(self._boxes, self._results, self._note)

    @cached_property
    def svg(self):
        """The graph as an SVG element."""
        return svg_of(self._boxes, self._results, self._note)

    def save(self, path):
        """Write a file.

        Parameters
        ----------
        path : str or path-like
            Ends in ``.svg`` or ``.dot``, which decides what is written.

        Raises
        ------
        ValueError
            If it ends otherwise.
        """
        name = fspath(path).lower()
        if not name.endswith((".svg", ".dot")):
            raise ValueError(f"a drawing is saved as .svg or .dot, but got {fspath(path)!r}")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.svg if name.endswith(".svg") else self.dot)

    def __str__(self):
        return self.dot

    def __repr__(self):
        return f"<Drawing of {self.nodes} nodes{f', {self.left_out} left out' if self.left_out else ''}>"

    def _repr_svg_(self):
        return self.svg


def draw(y, params=None, *, limit=300):
    """Draw the graph of a result.

    A box is an operation, with the sizes of its result, the memory that it keeps for backward and, unless
    `set_source_lines` turned that off, the line that recorded it; the result itself has a green border. Round boxes are
    leaves. Lines lead from inputs to results, and gradients the other way. What requires no gradient is in no graph.

    Parameters
    ----------
    y : Tensor, GradientEdge, Node, or iterable of these
        What has been computed.
    params : dict or iterable of (str, Tensor), optional
        Names for leaves, ``module.named_parameters()`` for instance, or for other tensors.
    limit : int, optional
        How many nodes are shown at most: those nearest to the result. None for all.

    Returns
    -------
    Drawing
        Shows itself in notebooks. `dot` (which `str` gives, too) and `svg` are the texts, `save(path)` writes one to a
        file. It does not keep the graph alive.

    Raises
    ------
    RuntimeError
        If a tensor requires no gradient.
    ValueError
        If `limit` is less than 1.

    Examples
    --------
    >>> import autograd_c as torch
    >>> w = torch.tensor(1., requires_grad=True)
    >>> b = torch.tensor(0., requires_grad=True)
    >>> with torch.autograd.graph.set_source_lines(False):
    ...     y = torch.sigmoid(w * 6.7 + b)
    >>> print(torch.autograd.graph.draw(y, {"w": w, "b": b}))
    digraph {
      node [shape=box, style=filled, fontname="monospace", fontsize=11]
      n0 [label="Sigmoid\\n() saved 8 B", fillcolor="#f7f7f5", color="#1a7f37", penwidth=2]
      n1 [label="Add\\n()", fillcolor="#f7f7f5", color="#8b919b"]
      n2 [label="Mul\\n() saved 8 B", fillcolor="#f7f7f5", color="#8b919b"]
      n3 [label="b\\n()", fillcolor="#e4f0fb", color="#3d7ebd", style="filled,rounded"]
      n4 [label="w\\n()", fillcolor="#e4f0fb", color="#3d7ebd", style="filled,rounded"]
      n1 -> n0
      n2 -> n1
      n3 -> n1
      n4 -> n2
    }
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, but got {limit}")
    results = _walk.starts(y)
    nodes = _walk.visit(results)
    shown = nodes[:limit]
    names, _held = names_of(params)
    number = {id(node): n for n, node in enumerate(shown)}
    boxes = [box_of(node, names.get(id(node)), number) for node in shown]
    return Drawing(boxes, [number[id(node)] for node in results if id(node) in number], len(nodes) - len(shown))


# ------------------------------------------------------------------ DOT
def dot_of(boxes, results, note):
    """The text for graphviz."""
    last = set(results)
    lines = ["digraph {", '  node [shape=box, style=filled, fontname="monospace", fontsize=11]']
    if note:
        lines.append(f"  label={quoted(note)}\n  labelloc=t")
    for n, box in enumerate(boxes):
        parts = [box.head, " ".join(filter(None, (box.sizes, box.saved))), box.source]
        if box.missing:
            parts.append(f"inputs left out: {len(box.missing)}")
        paper, border, _ = COLOURS[box.kind]
        look = f'fillcolor="{paper}", color="{RESULT if n in last else border}"'
        look += ", penwidth=2" if n in last else ""
        look += ', style="filled,rounded"' if box.kind == "leaf" else ""
        lines.append(f"  n{n} [label={quoted(chr(10).join(filter(None, parts)))}, {look}]")
    for n, box in enumerate(boxes):
        for upper, output, _ in box.inputs:
            label = f' [taillabel="{output}"]' if boxes[upper].outputs > 1 else ""
            lines.append(f"  n{upper} -> n{n}{label}")
    lines.append("}")
    return "\n".join(lines)


# ------------------------------------------------------------------ SVG
def lines_of(box):
    """The small lines below the head: texts with colours."""
    return [(text, colour) for text, colour in ((box.sizes, FAINT), (box.saved, SAVED), (box.source, FAINT)) if text]


def size_of(box):
    """Width and height."""
    small = [columns(text) for text, _ in lines_of(box)]
    width = max(LARGE * columns(box.head), *(SMALL * n for n in small), 3 * LARGE) * ADVANCE
    return round(width + (28 if box.kind == "leaf" else 20), 1), 14 + LARGE + 15 * len(small)


def n_text(number):
    """A number as short as SVG lets it be."""
    return f"{number:.1f}".removesuffix(".0")


def spread(count, width):
    """Where on a side the ends of lines are, from its middle."""
    step = min(14.0, 0.6 * width / max(count - 1, 1))
    return [(i - (count - 1) / 2) * step for i in range(count)]


def svg_of(boxes, results, note):
    """The picture."""
    sizes = [size_of(box) for box in boxes]
    plan = _layers.arrange([width for width, _ in sizes], [box.inputs for box in boxes], results)
    x = [MARGIN + place for place in plan.x]
    layer_of = {box: n for n, layer in enumerate(plan.layers) for box in layer}

    arrivals: dict[tuple[int, int], float] = {}  # box and input -> where its line ends
    departures: dict[tuple[int, int], float] = {}  # box and output -> where it begins
    coming: list[list[tuple[float, int]]] = [[(float("inf"), place) for place in box.missing] for box in boxes]
    for upper, _, lower, place in (*plan.lines, *plan.direct):
        if place >= 0:
            coming[lower].append((x[upper], place))
    for n, box in enumerate(boxes):
        ends = sorted(coming[n])
        for (_, place), shift in zip(ends, spread(len(ends), sizes[n][0]), strict=True):
            arrivals[n, place] = x[n] + shift
        if 1 < box.outputs <= 8:
            for output, shift in enumerate(spread(box.outputs, 1.4 * sizes[n][0])):
                departures[n, output] = x[n] + shift

    def start(box, output):
        return departures.get((box, output), x[box])

    # Layers get the height of their highest box, and gaps grow with how far their lines go aside.
    aside = [0.0] * len(plan.layers)
    for upper, output, lower, place in plan.lines:
        end = arrivals[lower, place] if place >= 0 else x[lower]
        aside[layer_of[upper]] = max(aside[layer_of[upper]], abs(end - start(upper, output)))
    tops, bottoms = [], []
    stubs_on_top = any(boxes[box].missing for box in plan.layers[0])
    at = MARGIN + (24.0 if note else 0.0) + (16.0 if stubs_on_top else 0.0)
    for layer, widest in zip(plan.layers, aside, strict=True):
        height = max([sizes[box][1] for box in layer if box < len(boxes)], default=0)
        tops.append(at)
        bottoms.append(at + height)
        at += height + min(GAP + widest / 12, 3 * GAP)
    height = bottoms[-1] + MARGIN
    width = max(plan.width + 2 * MARGIN, columns(note) * SMALL * ADVANCE + 2 * MARGIN)

    def top(box):
        n = layer_of[box]
        return (tops[n] + bottoms[n] - sizes[box][1]) / 2

    def way(upper, output, lower, place):
        """A line from the lower side of its layer, or of the box, to the box below or through a joint."""
        x0, x1 = start(upper, output), arrivals[lower, place] if place >= 0 else x[lower]
        y0, y1 = bottoms[layer_of[upper]], tops[layer_of[lower]]
        middle = (y0 + y1) / 2
        path = f"M{n_text(x0)} {n_text(y0)}"
        if upper < len(boxes):
            path = f"M{n_text(x0)} {n_text(top(upper) + sizes[upper][1])}V{n_text(y0)}"
        end = top(lower) - 6 if place >= 0 else bottoms[layer_of[lower]]
        y1 = min(y1, end) if place >= 0 else y1
        a, b, c, d, e = map(n_text, (x0, middle, x1, y1, end))
        return path + (f"V{e}" if a == c else f"C{a} {b} {c} {b} {c} {d}V{e}")

    lines = [way(*line) for line in plan.lines]
    faint = [way(*line) for line in plan.direct]
    heads, stubs, numbers = [], [], []
    for (n, place), at in arrivals.items():
        if place in boxes[n].missing:
            stubs.append(f"M{n_text(at)} {n_text(top(n) - 2)}v-14")
        else:
            heads.append(f"M{n_text(at)} {n_text(top(n))}l-3.5 -7h7z")
    for (n, output), at in departures.items():
        numbers.append(f'<text x="{n_text(at + 3)}" y="{n_text(top(n) + sizes[n][1] + 10)}">{output}</text>')

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{n_text(width)}" height="{n_text(height)}" '
        f'viewBox="0 0 {n_text(width)} {n_text(height)}" role="img" font-family="{FONT}" font-size="{SMALL}">',
        f"<title>Graph of {len(boxes)} nodes</title>",
    ]
    if note:
        parts.append(f'<text x="{MARGIN}" y="{MARGIN + SMALL}" fill="{SAVED}">{xml(note)}</text>')
    for paths, look in ((lines, ""), (faint, ' stroke-opacity="0.5"'), (stubs, ' stroke-dasharray="2 3"')):
        if paths:
            parts.append(f'<g fill="none" stroke="{LINE}" stroke-width="1.3" stroke-linecap="round"{look}>')
            parts += [f'<path d="{path}"/>' for path in paths]
            parts.append("</g>")
    if heads:
        parts.append(f'<path fill="{LINE}" d="{"".join(heads)}"/>')
    if numbers:
        parts += [f'<g fill="{FAINT}" font-size="9">', *numbers, "</g>"]
    last = set(results)
    for n, box in enumerate(boxes):
        parts.append(svg_box(box, n in last, x[n], top(n), *sizes[n]))
    parts.append("</svg>\n")
    return "\n".join(parts)


def svg_box(box, is_result, x, y, width, height):
    """A box with its texts, around x and from y on."""
    paper, border, ink = COLOURS[box.kind]
    corner = min(height / 2, 16) if box.kind == "leaf" else 4
    look = f'fill="{paper}" stroke="{RESULT if is_result else border}"' + (' stroke-width="2.5"' if is_result else "")
    parts = [
        f'<g class="node {box.kind}" text-anchor="middle"><title>{xml(box.title)}</title>',
        f'<rect x="{n_text(x - width / 2)}" y="{n_text(y)}" width="{n_text(width)}" height="{n_text(height)}" '
        f'rx="{n_text(corner)}" {look}/>',
        f'<text x="{n_text(x)}" y="{n_text(y + 7 + LARGE - 2)}" font-size="{LARGE}" font-weight="600" '
        f'fill="{ink}">{xml(box.head)}</text>',
    ]
    at = y + 7 + LARGE - 2
    for text, colour in lines_of(box):
        at += 15
        parts.append(f'<text x="{n_text(x)}" y="{n_text(at)}" fill="{colour}">{xml(text)}</text>')
    return "".join((*parts, "</g>"))
