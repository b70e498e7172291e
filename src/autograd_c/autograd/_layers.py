"""The layout of `draw`'s pictures: boxes in layers, with as few crossing lines as a few sweeps find.

The steps are those of Sugiyama, Tagawa and Toda (1981), each in near-linear time:

1. Layers: a box stands as many layers above the results as its longest way to one is long, so that leaves stand right
   above the first that uses them.
2. A line that passes layers gets a joint in each of them. Lines from one output share their joints, as branches of one
   trunk: of a weight that each of a thousand steps uses there is one line, not a thousand.
3. Order in a layer by the barycentre of the neighbours in the layer before, layer after layer, down and up; the order
   with the fewest crossings wins.
4. Places: each layer goes as near to its neighbours as the boxes' widths allow. That is least squares under
   x[i+1] - x[i] >= gap[i], which is isotonic regression, and pooling adjacent violators solves it. Then long lines are
   made straight, piece by piece.
"""

from bisect import bisect_right, insort
from itertools import pairwise
from math import inf

BESIDE = 26.0  # between boxes
JOINTS = 16.0  # where one of two is a joint
JOINTS_PER_BOX = 12  # beyond so many, in the mean, the longest lines go straight
SMALL = 3000  # boxes and joints that are worth many sweeps


class Layout:
    """What `arrange` found.

    Attributes
    ----------
    layers : list of list of int
        From the top, each from the left; numbers from the number of boxes on are joints.
    x : list of float
        The middle of each box and joint, from 0 on.
    width : float
    lines : list of (int, int, int, int)
        Box or joint above, the output's number, box or joint below, and the box's input or -1 for a joint.
    direct : list of (int, int, int, int)
        The same from box to box, of lines that have no joints though they pass layers.
    """

    def __init__(self, layers, x, width, lines, direct):
        self.layers = layers
        self.x = x
        self.width = width
        self.lines = lines
        self.direct = direct


def arrange(widths, inputs, results):
    """Find places for the boxes of a graph.

    Parameters
    ----------
    widths : list of float
        Of the boxes.
    inputs : list of list of (int, int, int)
        Of each box: the box above, which of its outputs, and which input that is.
    results : list of int
        The boxes from which all can be reached.

    Returns
    -------
    Layout
    """
    count = len(widths)
    layer_of = _layer_numbers(inputs, results)
    lines, direct = _join(layer_of, inputs, count)
    total = len(layer_of)
    above: list[list[int]] = [[] for _ in range(total)]
    below: list[list[int]] = [[] for _ in range(total)]
    for upper, _, lower, _ in lines:
        above[lower].append(upper)
        below[upper].append(lower)

    layers: list[list[int]] = [[] for _ in range(max(layer_of) + 1)]
    for box in _first_order(results, above, count):
        layers[layer_of[box]].append(box)
    layers = _fewest_crossings(layers, above, below, 24 if total < SMALL else 6)

    def gaps(layer):
        return [
            (extent(a) + extent(b)) / 2 + (BESIDE if a < count and b < count else JOINTS) for a, b in pairwise(layer)
        ]

    def extent(box):
        return widths[box] if box < count else 0.0

    x = _places(layers, above, below, gaps, count, 80 if total < SMALL // 3 else 24 if total < SMALL else 8)
    left = min(x[box] - extent(box) / 2 for layer in layers for box in layer)
    x = [place - left for place in x]
    return Layout(layers, x, max(x[box] + extent(box) / 2 for layer in layers for box in layer), lines, direct)


def _layer_numbers(inputs, results):
    """The layer of each box, 0 at the top."""
    missing = [0] * len(inputs)
    for entries in inputs:
        for upper, _, _ in entries:
            missing[upper] += 1
    height = [0] * len(inputs)
    ready = [box for box in results if not missing[box]]
    for box in ready:  # which grows meanwhile
        for upper, _, _ in inputs[box]:
            height[upper] = max(height[upper], height[box] + 1)
            missing[upper] -= 1
            if not missing[upper]:
                ready.append(upper)
    top = max(height)
    return [top - h for h in height]


def _join(layer_of, inputs, count):
    """Lines from layer to layer, with joints, which are added to `layer_of`; and those that have none."""
    users: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for box, entries in enumerate(inputs):
        for upper, output, place in entries:
            users.setdefault((upper, output), []).append((layer_of[box], box, place))
    room = JOINTS_PER_BOX * count + 100
    lines, direct = [], []
    for (upper, output), ends in sorted(users.items(), key=lambda item: max(item[1])[0] - layer_of[item[0][0]]):
        start, last = layer_of[upper], max(ends)[0]
        if last - start - 1 > room:
            direct += [(upper, output, box, place) for layer, box, place in ends if layer > start + 1]
            lines += [(upper, output, box, place) for layer, box, place in ends if layer == start + 1]
            continue
        room -= last - start - 1
        first = len(layer_of) - start - 1  # plus its layer: the number of a joint
        for layer in range(start + 1, last):
            lines.append((first + layer - 1 if layer > start + 1 else upper, output, first + layer, -1))
            layer_of.append(layer)
        lines += [(first + layer - 1 if layer > start + 1 else upper, output, box, place) for layer, box, place in ends]
    return lines, direct


def _first_order(results, above, count):
    """Boxes and joints depth first, inputs from the left: of a tree, an order without crossings."""
    order = []
    seen = [False] * len(above)
    stack = [*reversed(range(count)), *reversed(results)]  # all boxes, since some lines have no joints
    while stack:
        box = stack.pop()
        if not seen[box]:
            seen[box] = True
            order.append(box)
            stack.extend(reversed(above[box]))
    return order


def _fewest_crossings(layers, above, below, sweeps):
    place = [0] * len(above)

    def number(layer):
        for i, box in enumerate(layer):
            place[box] = i

    def crossings():
        found = 0
        for layer in layers:
            ends: list[int] = []
            for box in layer:
                own = sorted(place[lower] for lower in below[box])
                found += sum(len(ends) - bisect_right(ends, end) for end in own)
                for end in own:
                    insort(ends, end)
        return found

    for layer in layers:
        number(layer)
    best, fewest, idle = [list(layer) for layer in layers], crossings(), 0
    for sweep in range(sweeps):
        if not fewest or idle == 4:
            break
        towards, order = (below, reversed(layers)) if sweep % 2 == 0 else (above, iter(layers))
        for layer in order:
            key = {}
            for box in layer:
                near = towards[box]
                key[box] = sum([place[other] for other in near]) / len(near) if near else place[box]
            layer.sort(key=key.__getitem__)
            number(layer)
        found = crossings()
        idle += 1
        if found < fewest:
            best, fewest, idle = [list(layer) for layer in layers], found, 0
    return best


def _places(layers, above, below, gaps, count, sweeps):
    x = [0.0] * len(above)
    spaces = [gaps(layer) for layer in layers]
    for layer, space in zip(layers, spaces, strict=True):
        at = -sum(space) / 2
        for box, gap in zip(layer, (*space, 0.0), strict=True):
            x[box] = at
            at += gap

    def pull(upper, lower):
        if upper >= count and lower >= count:  # what is long shall be straight
            return 100.0
        return 3.0 if len(below[upper]) == len(above[lower]) == 1 else 1.0

    for sweep in range(sweeps):
        both = sweep >= sweeps // 2
        numbers = range(len(layers)) if sweep % 2 else range(len(layers) - 1, -1, -1)
        for n in numbers:
            wanted, weights = [], []
            for box in layers[n]:
                sums = total = 0.0
                if both or sweep % 2:
                    for other in above[box]:
                        weight = pull(other, box)
                        sums += weight * x[other]
                        total += weight
                if both or not sweep % 2:
                    for other in below[box]:
                        weight = pull(box, other)
                        sums += weight * x[other]
                        total += weight
                wanted.append(sums / total if total else x[box])
                weights.append(total or 0.1)
            for box, place in zip(layers[n], _nearest(wanted, weights, spaces[n]), strict=True):
                x[box] = place
    _straighten(x, layers, above, below, spaces, count)
    return x


def _straighten(x, layers, above, below, spaces, count):
    """Take small bends out of long lines and of chains, as far as what stands beside them leaves room."""
    place = {box: (layer, n) for layer, boxes in enumerate(layers) for n, box in enumerate(boxes)}
    done = set()

    def after(box):
        if box >= count:
            return next((lower for lower in below[box] if lower >= count), None)
        return below[box][0] if len(below[box]) == 1 and len(above[below[box][0]]) == 1 else None

    def room(box):
        layer, n = place[box]
        boxes, gaps = layers[layer], spaces[layer]
        left = x[boxes[n - 1]] + gaps[n - 1] if n else -inf
        return left, x[boxes[n + 1]] - gaps[n] if n + 1 < len(boxes) else inf

    def settle(run, low, high):
        middle = sum([x[box] for box in run]) / len(run)
        for box in run:
            x[box] = min(max(middle, low), high)

    for start in place:  # from the top
        run: list[int] = []
        low, high, box = -inf, inf, start
        while box is not None and box not in done:
            done.add(box)
            left, right = room(box)
            if run and max(low, left) > min(high, right):
                settle(run, low, high)
                run, low, high = [], -inf, inf
            run.append(box)
            low, high = max(low, left), min(high, right)
            box = after(box)
        if len(run) > 1:
            settle(run, low, high)


def _nearest(wanted, weights, gaps):
    """The places nearest to those wanted that keep the gaps."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    shift = 0.0
    shifts = []
    for want, weight, gap in zip(wanted, weights, (0.0, *gaps), strict=True):
        shift += gap
        shifts.append(shift)
        mean, length = want - shift, 1
        while blocks and blocks[-1][0] > mean:
            other, its, more = blocks.pop()
            mean = (mean * weight + other * its) / (weight + its)
            weight += its
            length += more
        blocks.append((mean, weight, length))
    means = [mean for mean, _, length in blocks for _ in range(length)]
    return [mean + shift for mean, shift in zip(means, shifts, strict=True)]
