"""`autograd.graph.memory`: what a graph keeps for backward, by operation and line, once for each storage."""

import importlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from graph_programs import (
    Twice,
    edges_of,
    line_of,
    network,
    programs,
    several_outputs,
)
from module import IS_TORCH, ac
from support import leaf

if IS_TORCH:
    pytest.skip("PyTorch has nothing like it", allow_module_level=True)

graph = importlib.import_module("autograd_c.autograd.graph")
walk = importlib.import_module("autograd_c.autograd._walk")
draw, memory = graph.draw, graph.memory


@pytest.fixture(autouse=True)
def without_source_lines():
    """Where texts are compared they would be in the way."""
    with graph.set_source_lines(False):
        yield


def of_ones(*sizes):
    return ac.ones(*sizes, requires_grad=True)


def only_row(found, operation):
    (row,) = (row for row in found.rows if row.operation == operation)
    return row


class TestMemory:
    def test_known_programs(self):
        a, b = of_ones(100), of_ones(100)
        assert memory(a + b).total == 0
        assert memory(a.exp()).total == 800  # its result
        assert memory(a.sin()).total == 800  # its operand, a leaf
        assert memory(a * b).total == 1600
        assert memory(a * ac.ones(100)).total == 800  # only what the gradient of a leaf needs
        assert memory(of_ones(3, 4) @ of_ones(4, 5)).total == 8 * (12 + 20)
        assert memory(a).total == 0

    def test_of_leaves(self):
        a, b = of_ones(100), of_ones(100)
        found = memory((a * b).exp())
        assert (found.total, found.of_leaves, found.nodes) == (2400, 1600, 2)
        assert found.rows == [("Mul", None, 1, 1600, 1600), ("Exp", None, 1, 800, 0)]

    def test_shared_storage_counts_once(self):
        x = of_ones(100)
        assert memory(x * x).total == 800
        y = x.exp()
        found = memory(y.sin() * y.cos())
        assert found.total == 2400  # y, its sine and its cosine
        assert only_row(found, "Exp").bytes == 800  # which was recorded first
        assert only_row(found, "Sin").bytes == only_row(found, "Cos").bytes == 0
        assert memory([y.sin(), y.cos()]).total == 800

    def test_a_view_keeps_all_of_its_storage(self):
        x = of_ones(1000)
        found = memory(x[:10].sin() + x[10:20].sin())
        assert (found.total, found.of_leaves) == (8000, 8000)

    def test_scalars(self):
        x = ac.tensor(2.0, requires_grad=True)
        assert memory(x.exp()).total == 8  # the result, in the node
        assert memory(x.sin()).total == 8  # x, in its own object
        assert memory(x.sin()).of_leaves == 8
        y = x.exp()
        y.view(1)  # which moves it to a storage
        assert memory(y).total == 8

    def test_reductions_and_indices(self):
        x = of_ones(10, 20)
        assert memory(x.sum()).total == 0
        assert memory(x.softmax(1)).total == 1600
        assert memory(x.max(1).values).total == 80  # the indices
        index = ac.zeros(10, 1, dtype=ac.int64)
        assert memory(x.gather(1, index)).total == 80

    def test_custom_functions(self):
        class Keeps(ac.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x * 2.0
                ctx.save_for_backward(x, None, y)
                ctx.one, ctx.more, ctx.other = x + 1.0, [x + 1.0, 3], "text"
                ctx.more.append(ctx.more)
                return y

            @staticmethod
            def backward(ctx, g):
                return g

        y = Keeps.apply(of_ones(100).exp())
        found = memory(y)
        assert only_row(found, "Keeps").bytes == 3 * 800
        assert found.total == 4 * 800
        y.sum().backward()
        assert memory(y).total == 2 * 800  # what stands on ctx stays

    def test_packed_tensors(self):
        x = of_ones(100)
        with graph.saved_tensors_hooks(lambda t: [t[:1].clone(), "text"], lambda packed: packed[0].expand(100)):
            y = x.exp()
        assert memory(y).total == 8
        with graph.saved_tensors_hooks(lambda t: "text", lambda text: ac.ones(100)):
            z = y * y
        assert memory(z).total == 8
        with graph.save_on_cpu():
            y = x.exp()
        assert memory(y).total == 800
        y.sum().backward()
        assert memory(y).total == 0

    def test_a_change_in_place_of_a_view(self):
        x = of_ones(100) * 1.0
        x[:50].exp_()
        found = memory(x)
        assert only_row(found, "CopySlices").bytes == 800
        x.sum().backward()
        assert memory(x).total == 0

    @programs
    def test_nothing_is_left_after_backward(self, program):
        results, _ = program()
        results = results if isinstance(results, list) else [results]
        before = memory(results)
        assert (before.total > 0) == (program is not several_outputs)
        ac.autograd.backward(results, retain_graph=True)
        assert memory(results).rows == before.rows
        ac.autograd.backward(results)
        after = memory(results)
        assert (after.total, after.of_leaves, after.nodes) == (0, 0, before.nodes)
        assert "saved 0 B" not in draw(results).svg

    @programs
    def test_sums(self, program):
        results, _ = program()
        found = memory(results)
        _, nodes = edges_of(results)
        nodes = [node for node in nodes if not isinstance(node, ac._core.AccumulateGrad)]
        assert found.nodes == sum(row.nodes for row in found.rows) == len(nodes)
        assert found.total == sum(row.bytes for row in found.rows)
        kept = {key: size for node in nodes for key, size, _ in node._kept_storages()}
        assert found.total == sum(kept.values())
        assert [row.bytes for row in found.rows] == sorted((row.bytes for row in found.rows), reverse=True)

    def test_is_what_the_pool_gave(self):
        """Nothing but the graph is left: the pool has given what memory() tells. (For scalars it gives nothing.)"""
        a, b = of_ones(32, 32), of_ones(32, 32)

        def programs():
            yield lambda: (a.exp().sin() * b).cos()
            yield lambda: (a @ b).tanh().softmax(0)
            yield lambda: ac.cat([a.sqrt(), b.log()]).reshape(32, 64).sigmoid().norm(dim=0)
            yield lambda: a.cumprod(0) / (b + a)
            yield lambda: ac.where(a > b, a.exp(), b * a.t())
            yield lambda: a.logsumexp(1) * b.prod(1)
            yield lambda: ac.nn.functional.gelu(a + b).var(0)
            yield lambda: ac.stack([a + b, b]).unbind(0)[1] * (a - b)
            yield lambda: Twice.apply(a + b)[0].relu()

        for number, program in enumerate(programs()):
            before = ac.memory.stats().in_use
            edge = graph.get_gradient_edge(program())
            taken = ac.memory.stats().in_use - before
            found = memory(edge)
            assert found.total - found.of_leaves == taken > 0, number
            del edge
            assert ac.memory.stats().in_use == before

    def test_by_line(self):
        x = of_ones(100)
        y = x.exp()
        with graph.set_source_lines(True):
            for _ in range(3):
                y = y.exp()
            z = y.exp() + x
        line = line_of(__file__, "y = y.exp()\n", "for _ in range(3):\n")
        found = memory(z)
        assert found.rows == [
            ("Exp", (__file__, line), 3, 2400, 0),
            ("Exp", None, 1, 800, 0),
            ("Exp", (__file__, line + 1), 1, 800, 0),
            ("Add", (__file__, line + 1), 1, 0, 0),
        ]
        assert str(found).splitlines()[0].split() == ["operation", "line", "nodes", "saved", "of", "leaves"]
        for text in (str(found), found._repr_html_()):
            assert f"{Path(__file__).name}:{line}" in text

    def test_as_text(self):
        a, b = of_ones(100), of_ones(1000)
        found = memory((a.exp().sum() * b).sin())
        assert str(found) == repr(found)
        assert str(found).splitlines() == [
            "operation  nodes     saved  of leaves",
            "-------------------------------------",
            "Mul            1   7.8 KiB    7.8 KiB",
            "Sin            1   7.8 KiB        0 B",
            "Exp            1     800 B        0 B",
            "Sum            1       0 B        0 B",
            "-------------------------------------",
            "total          4  16.4 KiB    7.8 KiB",
        ]

    def test_as_html(self):
        class Less(Twice):
            pass

        Less.__name__ = "A<B"
        results, _ = network()
        table = ElementTree.fromstring(memory([results, Less.apply(leaf())[0]])._repr_html_())
        rows = [[cell.text for cell in row] for row in table.iter("tr")]
        assert rows[0] == ["operation", "nodes", "saved", "of leaves"]
        assert rows[-1][0] == "total"
        assert len({len(row) for row in rows}) == 1
        assert "A<B" in [row[0] for row in rows]

    @pytest.mark.parametrize(
        ("count", "text"),
        [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (1024**2 - 1, "1 MiB"),
            (1024**3, "1 GiB"),
            (1024**4 * 5000, "5000 TiB"),
        ],
    )
    def test_sizes_as_text(self, count, text):
        assert walk.bytes_text(count) == text
