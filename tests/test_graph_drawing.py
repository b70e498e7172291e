"""`autograd.graph.draw`: what it shows, that it can be read, and that it holds nothing of the graph."""

import gc
import html
import importlib
import os
import re
import subprocess
import sys
import weakref
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from graph_programs import (
    custom,
    dense,
    edges_of,
    line_of,
    network,
    programs,
    recurrent,
    several_outputs,
    tutorial,
)
from module import IS_TORCH, ac
from support import chain, leaf, raises

if IS_TORCH:
    pytest.skip("PyTorch has neither", allow_module_level=True)

graph = importlib.import_module("autograd_c.autograd.graph")
layers = importlib.import_module("autograd_c.autograd._layers")
walk = importlib.import_module("autograd_c.autograd._walk")
draw, memory = graph.draw, graph.memory

DOCS = Path(__file__).parent.parent / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def source_lines(request):
    """Pictures have them; where texts are compared they would be in the way."""
    with graph.set_source_lines(request.cls is TestSvg):
        yield


# ------------------------------------------------------------------ reading what was drawn
STRING = r'"((?:[^"\\]|\\.)*)"'


def read_dot(text):
    """Labels by names, and edges as pairs of names with their label."""
    lines = text.splitlines()
    assert (lines[0], lines[-1]) == ("digraph {", "}")
    labels, edges = {}, []
    for line in lines[2:-1]:
        if node := re.fullmatch(rf"  (n\d+) \[label={STRING}, .*\]", line):
            assert node[1] not in labels
            labels[node[1]] = html.unescape(re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], node[2]))
        elif edge := re.fullmatch(r'  (n\d+) -> (n\d+)(?: \[taillabel="(\d+)"\])?', line):
            edges.append((edge[1], edge[2], edge[3]))
        else:
            assert re.fullmatch(rf"  (label={STRING}|labelloc=t)", line), line
    return labels, edges


def numbers(element, *names):
    return [float(element.get(name)) for name in names]


def read_svg(text):
    """Boxes (with their texts, as rectangles too), and the tips of arrows."""
    root = ElementTree.fromstring(text)
    boxes = []
    for group in root.iter(f"{SVG}g"):
        if not (group.get("class") or "").startswith("node"):
            continue
        rect = group.find(f"{SVG}rect")
        x, y, width, height = numbers(rect, "x", "y", "width", "height")
        texts = []
        for element in group.findall(f"{SVG}text"):
            size = float(element.get("font-size", root.get("font-size")))
            middle, base = numbers(element, "x", "y")
            half = len(element.text) * size * 0.602 / 2
            texts.append((middle - half, base - size * 0.78, middle + half, base + size * 0.24))
        lines = [element.text for element in group.findall(f"{SVG}text")]
        title = group.find(f"{SVG}title").text
        box = (x, y, x + width, y + height)
        boxes.append(SimpleNamespace(box=box, texts=texts, lines=lines, title=title, kind=group.get("class")))
    heads = [p.get("d") for p in root.findall(f"{SVG}path")]
    tips = [(float(x), float(y)) for d in heads for x, y in re.findall(r"M(\S+) (\S+?)l", d)]
    lines = [p.get("d") for g in root.findall(f"{SVG}g") for p in g.findall(f"{SVG}path") if g.get("class") is None]
    return SimpleNamespace(root=root, boxes=boxes, tips=tips, lines=lines)


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(a, b):
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def points(path):
    """Points along a path of M, V and C."""
    found, x, y = [], 0.0, 0.0
    for command, text in re.findall(r"([MVCv])([^MVCv]*)", path):
        values = [float(v) for v in text.split()]
        if command == "M":
            x, y = values
            found.append((x, y))
        elif command == "C":
            (a, b, c, d, e, f) = values
            for k in range(1, 21):
                t = k / 20
                ways = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                found.append(
                    (
                        sum(w * p for w, p in zip(ways, (x, a, c, e), strict=True)),
                        sum(w * p for w, p in zip(ways, (y, b, d, f), strict=True)),
                    )
                )
            x, y = e, f
        else:
            end = values[0] if command == "V" else y + values[0]
            found += [(x, y + (end - y) * k / 10) for k in range(1, 11)]
            y = end
    return found


# ------------------------------------------------------------------ DOT
class TestDot:
    @programs
    def test_has_every_node_and_edge_once(self, program):
        results, params = program()
        labels, found = read_dot(draw(results, params).dot)
        expected, nodes = edges_of(results)
        assert len(labels) == len(nodes)

        def called(node):
            if isinstance(node, ac._core.AccumulateGrad):
                return next(name for name, tensor in params.items() if tensor is node.variable)
            return type(node).__name__.removesuffix("0").removesuffix("Backward")

        heads = {name: label.split("\n")[0].rpartition(" = ")[2] for name, label in labels.items()}
        assert sorted((heads[a], heads[b]) for a, b, _ in found) == sorted(
            (called(upper), called(node)) for upper, _, node in expected
        )

    def test_of_the_tutorial(self):
        labels, _ = read_dot(draw(*tutorial()).dot)
        assert sorted(labels.values()) == [
            "Add\n()",
            "BinaryCrossEntropy\n() saved 16 B",
            "Mul\n() saved 8 B",
            "Sigmoid\n() saved 8 B",
            "b\n()",
            "w\n()",
        ]

    def test_tells_outputs_apart(self):
        labels, edges = read_dot(str(draw(*several_outputs())))
        assert [output for a, _, output in edges if labels[a].startswith("Unbind")] == ["2", "0", "1", "0"]
        assert "Unbind\n(2,), (2,), (2,)" in labels.values()

    def test_many_outputs_are_counted(self):
        parts = leaf(range(12)).unbind(0)
        labels, _ = read_dot(draw(parts[0] * parts[11]).dot)
        assert "Unbind\n12 outputs" in labels.values()

    def test_results_are_marked(self):
        results, params = custom()
        assert len(re.findall("penwidth=2", draw(results, params).dot)) == 2
        assert len(re.findall("penwidth=2", draw(results[0], params).dot)) == 1

    def test_results_of_all_kinds(self):
        x = leaf()
        y = x * 2.0
        expected = draw(y).dot
        assert draw(y.grad_fn).dot == expected
        assert draw(graph.get_gradient_edge(y)).dot == expected
        assert draw((y, y)).dot == expected
        assert draw([graph.get_gradient_edge(y), y.grad_fn]).dot == expected
        assert [label.split("\n")[0] for label in read_dot(draw(x, {"x": x}).dot)[0].values()] == ["x"]

    def test_names(self):
        x = leaf()
        y = x.exp()
        z = (y * leaf()).sum()
        params = [("x", x), ("same", x), ("y", y), ("constant", ac.ones(2)), ("elsewhere", leaf())]
        heads = sorted(label.split("\n")[0] for label in read_dot(draw(z, params).dot)[0].values())
        assert heads == ["Mul", "Sum", "leaf", "x = same", "y = Exp"]
        assert read_dot(draw(z, iter(params)).dot)[0] == read_dot(draw(z, dict(params)).dot)[0]

    def test_source_lines(self):
        y = leaf().exp()
        assert ":" not in "".join(read_dot(draw(y).dot)[0].values())
        with graph.set_source_lines(True):
            y = leaf().exp()
        file, line = __file__, line_of(__file__, "y = leaf().exp()\n", "set_source_lines(True):\n")
        assert y.grad_fn._source == (file, line)
        drawing = draw(y)
        assert f"Exp\n(3,) saved 24 B\n{Path(file).name}:{line}" in read_dot(drawing.dot)[0].values()
        (box,) = (box for box in read_svg(drawing.svg).boxes if box.lines[0] == "Exp")
        assert box.lines[-1] == f"{Path(file).name}:{line}"
        assert f"\n{Path(file).parent.name}/{Path(file).name}:{line}" in box.title

    def test_awkward_files(self, monkeypatch):
        y = leaf().exp()
        for path, shown in (("C:\\dir\\a.py", "a.py"), ('<"&>', '<"&>'), ("/where/it <is>.py", "it <is>.py")):
            monkeypatch.setattr(walk, "source", lambda node: (path, 12) if node is y.grad_fn else None)
            drawing = draw(y)
            assert f"Exp\n(3,) saved 24 B\n{shown}:12" in read_dot(drawing.dot)[0].values()
            assert f"{shown}:12" in [box.lines[-1] for box in read_svg(drawing.svg).boxes]

    def test_cells_of_notebooks(self, monkeypatch):
        pretended = SimpleNamespace(compile=SimpleNamespace(_filename_map={"/tmp/ipykernel_1/23.py": 4}))
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: pretended))
        assert walk.source_text(("/tmp/ipykernel_1/23.py", 7)) == "In[4]:7"
        assert walk.source_text(("/tmp/other.py", 7)) == "other.py:7"
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
        assert walk.source_text(("/tmp/ipykernel_1/23.py", 7)) == "23.py:7"


AWKWARD = [
    '<&">',
    "a\\nb",
    "end\\",
    "&lt;",
    "]]>",
    "'",
    "%s{x}",
    "\N{GREEK SMALL LETTER ALPHA}\N{CJK UNIFIED IDEOGRAPH-4E2D}",
    "--><script>",
]


class TestNames:
    @pytest.mark.parametrize("name", AWKWARD)
    def test_come_back(self, name):
        x = leaf()
        drawing = draw(x * 2.0, {name: x})
        assert f"{name}\n(3,)" in read_dot(drawing.dot)[0].values()
        assert name in [box.lines[0] for box in read_svg(drawing.svg).boxes]

    def test_what_no_xml_can_hold_is_replaced(self, tmp_path):
        x = leaf()
        drawing = draw(x * 2.0, {"a\0b\x1b\ud800\nc": x})
        expected = "a\ufffdb\ufffd\ufffd c"
        assert f"{expected}\n(3,)" in read_dot(drawing.dot)[0].values()
        assert expected in [box.lines[0] for box in read_svg(drawing.svg).boxes]
        drawing.save(tmp_path / "a.svg")
        drawing.save(tmp_path / "a.dot")

    def test_long_ones_lose_their_middle_but_in_the_tooltip(self):
        x = leaf()
        name = "encoder." + "layer." * 20 + "weight"
        boxes = read_svg(draw(x * 2.0, {name: x}).svg).boxes
        (box,) = (box for box in boxes if "leaf" in box.kind)
        assert len(box.lines[0]) == 40
        assert box.lines[0].startswith("encoder.")
        assert box.lines[0].endswith(".weight")
        assert name in box.title


# ------------------------------------------------------------------ SVG
class TestSvg:
    @programs
    def test_has_every_node_once(self, program):
        results, params = program()
        drawing = draw(results, params)
        edges, nodes = edges_of(results)
        picture = read_svg(drawing.svg)
        shown = sorted(box.title.split()[0] for box in picture.boxes)
        assert shown == sorted(type(node).__name__ for node in nodes)
        assert len(picture.tips) == len(edges)
        for name, tensor in params.items():
            heads = [box.lines[0] for box in picture.boxes if "leaf" in box.kind]
            assert heads.count(name) == tensor.is_leaf

    @programs
    def test_nothing_overlaps(self, program):
        picture = read_svg(draw(*program()).svg)
        page = (0.0, 0.0, *numbers(picture.root, "width", "height"))
        for box in picture.boxes:
            assert inside(box.box, page)
            assert all(inside(text, box.box) for text in box.texts), box.lines
            assert not any(overlap(a, b) for a, b in combinations(box.texts, 2)), box.lines
        assert not any(overlap(a.box, b.box) for a, b in combinations(picture.boxes, 2))

    @programs
    def test_lines_keep_clear_of_boxes(self, program):
        picture = read_svg(draw(*program()).svg)
        for line in picture.lines:
            for x, y in points(line):
                for box in picture.boxes:
                    left, top, right, bottom = box.box
                    assert not (left + 1 < x < right - 1 and top + 1 < y < bottom - 1), (line, box.lines)

    @programs
    def test_arrows_end_at_boxes(self, program):
        picture = read_svg(draw(*program()).svg)
        for x, y in picture.tips:
            assert [box for box in picture.boxes if box.box[0] < x < box.box[2] and abs(y - box.box[1]) <= 0.11]
        for a, b in combinations(picture.tips, 2):
            assert abs(a[0] - b[0]) > 7 or abs(a[1] - b[1]) > 7

    @programs
    def test_inputs_stand_above(self, program):
        results, params = program()
        drawing = draw(results, params)
        labels, edges = read_dot(drawing.dot)
        tops = {f"n{n}": box.box[1] for n, box in enumerate(read_svg(drawing.svg).boxes)}
        assert tops.keys() == labels.keys()
        assert all(tops[a] < tops[b] for a, b, _ in edges)

    @programs
    def test_is_the_same_again(self, program):
        results, params = program()
        assert draw(results, params).svg == draw(results, params).svg

    def test_a_chain_is_straight(self):
        picture = read_svg(draw(chain(leaf([1.0]), 20).exp()).svg)
        middles = [(box.box[0] + box.box[2]) / 2 for box in picture.boxes]
        assert max(middles) - min(middles) < 0.2

    def test_long_lines_are_straight_where_there_is_room(self):
        results, params = recurrent(20)
        drawing = draw(results, params)
        boxes = drawing._boxes
        plan = layers.arrange([50.0] * len(boxes), [box.inputs for box in boxes], drawing._results)
        bends = [abs(plan.x[a] - plan.x[b]) for a, _, b, _ in plan.lines if min(a, b) >= len(boxes)]
        assert len(bends) > 200
        assert sum(bend > 0 for bend in bends) < len(bends) / 10

    def test_a_diamond_is_planar_and_symmetric(self):
        x = leaf([1.0])
        y = x.exp()
        boxes = {box.lines[0]: box.box for box in read_svg(draw(y.sin() + y.cos()).svg).boxes}
        middle = {name: (left + right) / 2 for name, (left, _, right, _) in boxes.items()}
        assert middle["Sin"] < middle["Exp"] < middle["Cos"]
        assert middle["Sin"] + middle["Cos"] == pytest.approx(2 * middle["Exp"], abs=1)
        assert middle["Add"] == pytest.approx(middle["Exp"], abs=1)

    def test_an_operand_twice_has_two_lines(self):
        x = leaf()
        assert len(read_svg(draw(x * x).svg).tips) == 2

    def test_in_notebooks_and_as_text(self):
        results, params = tutorial()
        drawing = draw(results, params)
        assert drawing._repr_svg_() == drawing.svg
        assert str(drawing) == drawing.dot
        assert repr(drawing) == "<Drawing of 6 nodes>"

    def test_save(self, tmp_path):
        drawing = draw(*tutorial())
        for name, text in (("a.svg", drawing.svg), ("b.DOT", drawing.dot)):
            drawing.save(tmp_path / name)
            drawing.save(str(tmp_path / name))
            assert (tmp_path / name).read_text(encoding="utf-8") == text
        with raises(ValueError, "a drawing is saved as .svg or .dot, but got "):
            drawing.save(tmp_path / "c.png")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.DOT"]


class TestLimit:
    def test_shows_the_nearest_and_counts_the_others(self):
        results, params = recurrent()
        whole, part = draw(results, params), draw(results, params, limit=12)
        assert (part.nodes, part.left_out) == (12, whole.nodes - 12)
        assert repr(part) == f"<Drawing of 12 nodes, {whole.nodes - 12} left out>"
        note = f"{whole.nodes - 12} nodes left out: the 12 nearest to the result are shown"
        assert f'label="{note}"' in part.dot
        picture = read_svg(part.svg)
        assert len(picture.boxes) == 12
        assert note in [text.text for text in picture.root.findall(f"{SVG}text")]
        assert "left out" not in whole.dot + whole.svg
        heads = [label.split("\n")[0] for label in read_dot(part.dot)[0].values()]
        assert heads[:2] == ["Sum", "Tanh"]

    def test_inputs_left_out_are_dashed(self):
        x, y = leaf(), leaf()
        drawing = draw(x * y, limit=2)
        assert "inputs left out: 1" in drawing.dot
        assert drawing.left_out == 1
        assert "1 node left out" in drawing.svg
        assert drawing.svg.count("v-14") == 1
        assert len(read_svg(drawing.svg).tips) == 1

    def test_of_one_and_without(self):
        results, params = network()
        assert draw(results, params, limit=1).nodes == 1
        read_svg(draw(results, params, limit=1).svg)
        whole = draw(chain(leaf([1.0]), 400), limit=None)
        assert (whole.nodes, whole.left_out) == (402 - 1, 0)
        assert draw(chain(leaf([1.0]), 400)).nodes == 300

    def test_must_be_positive(self):
        with raises(ValueError, "limit must be at least 1, but got 0"):
            draw(leaf() * 2.0, limit=0)


@pytest.mark.parametrize("function", [draw, memory])
class TestErrors:
    def test_no_graph(self, function):
        with raises(RuntimeError, "element 0 of tensors does not require grad and does not have a grad_fn"):
            function(ac.ones(2))
        with raises(RuntimeError, "element 1 of tensors does not require grad and does not have a grad_fn"):
            function([leaf(), ac.ones(2)])

    def test_wrong_type(self, function):
        with raises(TypeError, "expected Tensor, GradientEdge or Node, but got int"):
            function([1])
        with raises(TypeError):
            function(1)


# ------------------------------------------------------------------ the layout
class TestLayout:
    def test_places_are_the_nearest_that_keep_the_gaps(self):
        assert layers._nearest([0.0, 10.0], [1.0, 1.0], [5.0]) == [0.0, 10.0]
        assert layers._nearest([0.0, 0.0], [1.0, 1.0], [6.0]) == [-3.0, 3.0]
        assert layers._nearest([0.0, 0.0], [2.0, 1.0], [6.0]) == [-2.0, 4.0]
        assert layers._nearest([5.0, 5.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0]) == pytest.approx([7 / 3, 10 / 3, 13 / 3])
        assert layers._nearest([1.0], [1.0], []) == [1.0]

    def test_crossings_that_can_be_avoided(self):
        # 0 has the inputs 3, 2 and 1, of which the first two have one of their own; and a leaf stands among them
        inputs = [[(3, 0, 0), (2, 0, 1)], [], [(4, 0, 0)], [(5, 0, 0)], [], []]
        inputs[0].append((1, 0, 2))
        plan = layers.arrange([30.0] * 6, inputs, [0])
        place = {box: n for layer in plan.layers for n, box in enumerate(layer)}
        lines = [(a, b) for a, _, b, _ in plan.lines]
        layer_of = {box: n for n, layer in enumerate(plan.layers) for box in layer}
        assert not any(
            (place[a] - place[c]) * (place[b] - place[d]) < 0
            for (a, b), (c, d) in combinations(lines, 2)
            if layer_of[a] == layer_of[c]
        )

    def test_long_lines_share_their_joints(self):
        results, params = recurrent(20)
        drawing = draw(results, params)
        boxes = drawing._boxes
        plan = layers.arrange([50.0] * len(boxes), [box.inputs for box in boxes], drawing._results)
        joints = sum(len(layer) for layer in plan.layers) - len(boxes)
        assert joints <= 3 * len(plan.layers)  # one trunk for each of the three leaves
        assert not plan.direct

    def test_a_dense_graph_does_not_fill_memory_with_joints(self):
        results, params = dense(120)
        drawing = draw(results, params, limit=None)
        boxes = drawing._boxes
        plan = layers.arrange([50.0] * len(boxes), [box.inputs for box in boxes], drawing._results)
        joints = sum(len(layer) for layer in plan.layers) - len(boxes)
        assert 0 < joints <= layers.JOINTS_PER_BOX * len(boxes) + 100
        assert plan.direct
        edges = sum(len(box.inputs) for box in boxes)
        assert sum(place >= 0 for _, _, _, place in (*plan.lines, *plan.direct)) == edges
        assert len(read_svg(drawing.svg).tips) == edges


# ------------------------------------------------------------------ large graphs, and who holds whom
class TestLargeAndLifetime:
    def test_deep(self):
        y = chain(leaf([1.0]), 100_000).exp()
        drawing = draw(y)
        assert (drawing.nodes, drawing.left_out) == (300, 100_002 - 300)
        read_svg(drawing.svg)
        assert draw(y, limit=None).dot.count(" -> ") == 100_001
        found = memory(y)
        assert (found.total, found.nodes) == (8, 100_001)

    def test_deep_picture(self):
        y = chain(leaf([1.0]), 5000)
        assert draw(y, limit=None).svg.count('class="node') == 5001

    @pytest.mark.parametrize("function", [draw, memory])
    def test_holds_no_graph(self, function):
        x = leaf()
        y = x.exp()
        gone = [weakref.ref(thing) for thing in (x, y, y.grad_fn, y.grad_fn.next_functions[0][0])]
        found = function(y * 2.0)
        assert str(found)
        if function is draw:
            assert found.svg
        gc.disable()
        try:
            del x, y
            assert [reference() for reference in gone] == [None] * 4
        finally:
            gc.enable()
        assert str(found)

    @pytest.mark.parametrize("function", [draw, memory])
    def test_changes_nothing(self, function):
        results, params = network()
        before = {name: (p._version, p.grad) for name, p in params.items()}
        function(results)
        assert {name: (p._version, p.grad) for name, p in params.items()} == before
        with_it = ac.autograd.grad(results, list(params.values()), retain_graph=True)
        without = ac.autograd.grad(results, list(params.values()))
        assert all((a == b).all() for a, b in zip(with_it, without, strict=True))


def test_documentation(tmp_path):
    """docs/graphs.md has the example's program, the table that it prints, and the picture that it makes."""
    page = (DOCS / "graphs.md").read_text(encoding="utf-8")
    program = DOCS / "graphs.py"
    code = program.read_text(encoding="utf-8").partition("\n\n")[2]
    assert f"```python\n{code}```\n" in page
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, program]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert f"```\n{run.stdout}```\n" in page
    drawn = (tmp_path / "graphs.svg").read_text(encoding="utf-8")
    assert drawn == (DOCS / "graphs.svg").read_text(encoding="utf-8")
