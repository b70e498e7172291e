"""The cases under pytest-benchmark, and the tests of the cases.

    python -m pytest bench --benchmark-columns=median,iqr,rounds     a group for each case, a line for each peer
    python -m pytest bench --benchmark-skip                          the tests alone

Here each peer has its turn as a whole; for ratios that do not depend on what the machine does meanwhile, and for
numbers of threads, there is ``python -m bench``.
"""

import math
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import pytest

from bench import __main__ as command
from bench import document, elementary, memory
from bench.cases import CASES, RATE
from bench.check import arrays, check
from bench.measure import Times, interleaved
from bench.peers import OURS, PEERS, REFERENCE, limit_threads
from bench.table import Row, Table, readable, times_as_long

limit_threads(1)  # numpy has its own number by now: its products, and ours, are those of the environment

# Of a function at many sizes, those that take no time; the large ones are compared in each run of ``python -m bench``.
QUICK = [case for case in CASES.values() if case.size <= 1000]
each_case = pytest.mark.parametrize("case", QUICK, ids=lambda case: case.title.replace("`", ""))
each_peer = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)


@cache
def why_missing(peer):
    """Load a peer; return why it is not there, if so."""
    try:
        peer.load()
    except ImportError as error:
        return f"{peer.name} is not installed: {error}"
    return None


def work_of(peer, case):
    """What a peer is timed with, or skip."""
    if why_missing(peer):
        pytest.skip(why_missing(peer))
    work = peer.work(case)
    return work or pytest.skip(f"{case.mode} means nothing to {peer.name}")


@each_peer
@each_case
def test_speed(benchmark, case, peer):
    work = work_of(peer, case)
    work()  # the first call may compile
    benchmark.group = f"{case.group}: {case.title}" + (f" (times of {case.per})" if case.per > 1 else "")
    benchmark(work)


# ------------------------------------------------------------------ all peers do the same
@each_case
def test_peers_agree(case):
    """Values with numpy's, the rest with each other, after one call and after two more."""
    peers = [peer for peer in PEERS if not why_missing(peer)]
    works = {peer: work for peer in peers if (work := peer.work(case)) is not None}
    assert OURS in works
    assert case.peers is None or case.plain is not None or {peer.name for peer in works} <= set(case.peers)
    first = {peer: arrays(peer, work()) for peer, work in works.items()}
    check(case, first)
    third = {peer: [arrays(peer, work()) for _ in range(2)][-1] for peer, work in works.items()}
    if case.mode == "train":
        # Steps go on from where the last one ended.
        for peer, results in third.items():
            for x, y, z in zip(results, third[OURS], first[OURS], strict=True):
                np.testing.assert_allclose(x, y, rtol=0, atol=peer.tolerance * np.abs(y).max())
                assert np.any(x != z)
    else:
        check(case, third)


def test_numpy_has_threads_in_products_only():
    numpy = next(peer for peer in PEERS if peer.name == "numpy").load(2)
    try:
        assert numpy.work(CASES["`a @ x`, 10^1"])
        assert not numpy.work(CASES["`exp(a)`, 10^1"])
    finally:
        numpy.load(1)
    assert numpy.work(CASES["`exp(a)`, 10^1"])


@each_case
def test_results_are_complete(case):
    """The gradient is that of finite differences, for each argument that it is asked for."""
    value, *others = arrays(OURS.load(), OURS.work(case)())
    function = case.with_numpy
    if case.mode in ("gradient", "anew", "train"):
        assert len(others) == case.wrt
        arguments = case.arguments()
        gradients = others
        if case.mode == "train":
            gradients = [(x - y) / RATE for x, y in zip(arguments, others, strict=False)]
        generator = np.random.default_rng(1)
        for position, gradient in enumerate(gradients):
            x = arguments[position]
            assert gradient.shape == x.shape
            direction, step = generator.choice([-1.0, 1.0], x.shape), 1e-5
            ends = []
            for sign in (1, -1):
                moved = [*arguments[:position], x + sign * step * direction, *arguments[position + 1 :]]
                ends.append(float(function(np, *moved)))
            slope = (ends[0] - ends[1]) / (2 * step)
            scale = max(np.abs(gradient).sum(), 1e-3 * abs(value)) / math.sqrt(x.size)
            assert abs(slope - (gradient * direction).sum()) < 1e-5 * scale, f"argument {position}"
    else:
        assert not others


@pytest.mark.parametrize("fault", ["value", "gradient", "missing", "shape", "dtype"])
def test_check_finds(fault):
    """The check of the checks: each kind of difference is an error."""
    case = next(case for case in CASES.values() if case.mode == "gradient" and case.wrt == 2)
    right = arrays(OURS.load(), OURS.work(case)())
    wrong = [x.copy() for x in right]
    if fault == "value":
        wrong[0] *= 1 + 1e-8
    elif fault == "gradient":
        wrong[2] *= 1 + 1e-8
    elif fault == "missing":
        del wrong[2]
    elif fault == "shape":
        wrong[1] = wrong[1][None]
    else:
        wrong[1] = wrong[1].astype(np.float32)
    check(case, {OURS: right, REFERENCE: right})
    with pytest.raises(AssertionError, match=case.title.split("`")[1].split("(")[0]):
        check(case, {OURS: right, REFERENCE: wrong})


# ------------------------------------------------------------------ measuring, writing
def test_interleaved_takes_turns():
    calls = []
    times = interleaved({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=3)
    assert times.keys() == {"a", "b"}
    assert all(0 < seconds < 1e-3 for seconds in times.values())
    turns = [name for name, before in zip(calls[1:], calls, strict=False) if name != before]
    assert len(turns) >= 5


def test_samples_are_long_enough():
    calls = []
    times = interleaved({"a": lambda: calls.append(sum(range(100)))}, rounds=5, least=20e-3)
    assert len(calls) * times["a"] > 5 * 10e-3  # as many, but for the machine's moods


def test_ratios_are_those_of_rounds():
    """Half of the rounds met a clock of half the frequency, and not all of them met it whole."""
    times = Times({"a": [1.0, 2.0, 2.0, 1.0, 2.0], "b": [30.0, 60.0, 60.0, 30.0, 30.0]})
    assert times == {"a": 2.0, "b": 30.0}
    assert times.ratio("a", "b") == 30.0
    assert Row("scalar", "first", 1, times.per(10)).ratio("a", "b") == 30.0
    assert times.per(10)["a"] == 0.2


def test_table():
    rows = [
        Row("scalar", "first", 1, {"autograd_c": 1e-6, "torch": 3e-5}, least_ratio=20),
        Row("scalar", "second", 1, {"autograd_c": 1e-6, "torch": 5e-7, "numpy": 123.4e-6}, least_ratio=3),
        Row("large", "first", 2, {"autograd_c": 2e-3, "torch": 3e-3}),
    ]
    lines = "\n".join(Table(["autograd_c", "torch", "numpy"], 8, "torch").summary(rows)).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    assert cells[2:5] == [
        ["**scalar**", "", "", "", ""],
        ["first", "1 us", "30.0x", "", "20x ok"],
        ["second", "1 us", "0.50x", "123x", "3x NO"],
    ]
    assert cells[-1] == ["first", "2 ms", "1.5x", "", ""]
    assert [line for line in lines if "thread" in line.lower()] == [
        "One thread: the time of autograd_c, and how many times that the others take",
        "2 threads: the time of autograd_c, and how many times that the others take",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(2.5, "2.5 s"), (0.012345, "12.3 ms"), (9.87e-7, "987 ns"), (0, "0 ns")])
def test_readable(seconds, text):
    assert readable(seconds) == text


def test_times_as_long():
    assert [times_as_long(x) for x in (1234.5, 31.26, 1, 0.456)] == ["1234x", "31.3x", "1.0x", "0.46x"]


def test_command(tmp_path, capfd):
    """In a process of its own, to the end: what it prints and what it writes."""
    path = tmp_path / "table.md"
    missed = command.main(["vector", "-k", "((a @ b)", "--rounds", "1", "--markdown", str(path)])
    assert missed == 0  # the case has no budget
    text = path.read_text()
    assert "autograd_c" in text
    assert text.count("`((a @ b)**2).mean()`, 8 x 8") == 1
    assert capfd.readouterr().out.count("`((a @ b)**2).mean()`, 8 x 8") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sparse"], "no such group: sparse"),
        (["--cpu-time", "--threads", "2"], "CPU time"),
        (["--threads", "0"], "0"),
        (["memory", "-k", "nothing like it"], "no title contains 'nothing like it'"),
    ],
)
def test_command_refuses(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err


# ------------------------------------------------------------------ elementary functions
@pytest.mark.parametrize("name", elementary.FUNCTIONS)
def test_elementary_functions_agree(name):
    results = []
    for peer in (OURS, REFERENCE):
        if not why_missing(peer):
            works = elementary.works_of(name, [peer], 1000)
            results.append(peer.numpy(works[peer.name]()))
            assert ("copy" in works) == (peer is OURS)
    for result in results:
        assert np.isfinite(result).all()
        np.testing.assert_allclose(result, results[0], rtol=1e-12, atol=1e-14)


def test_elementary_table(tmp_path, capfd):
    page = tmp_path / document.PAGE
    page.write_text("before\n<!-- bench elementary -->\nold\n<!-- end -->\nafter\n")
    elementary.main(["--size", "100", "--write", str(tmp_path)])
    text = page.read_text()
    assert "old" not in text
    assert all(text.count(f"| `{name}` |") == 1 for name in elementary.FUNCTIONS)
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert capfd.readouterr().out.count("ns |") == len(elementary.FUNCTIONS)


# ------------------------------------------------------------------ kernels: sizes, memory, figures, the page
def test_kernels_have_all_sizes():
    labels = {}
    for case in CASES.values():
        if case.group == "kernels":
            labels.setdefault(case.label, []).append(case)
            assert case.size == case.arguments()[0].size if case.size <= 1000 else case.size > 1000
            assert abs(math.log10(case.size) - case.exponent) < 0.25
            assert case.title == f"{case.label}, 10^{case.exponent}"
    assert len(labels) > 15
    for label, cases in labels.items():
        exponents = [case.exponent for case in cases]
        assert exponents == list(range(1, 7 if label == "`a @ b`, n x n" else 8)), label
        assert len({case.family for case in cases}) == 1


def measured_peak(title, name):
    """In a process that has nothing to use again."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(memory.peak_of, title, name).result()


def test_memory():
    """A copy of ten million numbers takes 80 MB, their sum nothing, whoever does it."""
    pytest.importorskip("resource")
    for peer in PEERS:
        if peer.name in ("autograd_c", "torch", "numpy") and not why_missing(peer):
            assert 79e6 < measured_peak("`a.clone()`, 10^7", peer.name) < 190e6, peer.name  # the last one, and the next
            assert measured_peak("`a.sum()`, 10^7", peer.name) < 8e6, peer.name
    assert measured_peak("`a.clone()`, 10^7", "numpy") < 90e6
    cases = memory.largest()
    assert all(case.exponent >= 6 for case in cases)
    assert len(cases) == len({case.label for case in CASES.values() if case.family})


def test_memory_table():
    lines = memory.lines_of({"first": {"a": 80e6, "c": 1.6e6}, "second": {"a": 0}}, ["a", "b", "c"])
    assert lines == [
        "| MB at the peak | a | b | c |",
        "| --- | ---: | ---: | ---: |",
        "| first | 80 |  | 2 |",
        "| second | 0 |  |  |",
    ]


def kernel_rows(families=None):
    """Times as a run might give them, with one thread and with two."""
    return [
        Row(case.group, case.title, threads, {"autograd_c": size * 1e-9, "torch": 4 * size * 1e-9}, case.budget)
        for threads in (1, 2)
        for case in CASES.values()
        if case.family and (families is None or case.family in families)
        for size in [case.exponent * 1000]
    ]


def test_table_by_size():
    lines = Table(["autograd_c", "torch"], 8, "torch").by_size(kernel_rows(["products"]), CASES)
    assert lines[:5] == [
        "",
        "**products**, one thread:",
        "",
        "| elements | 10^1 | 10^2 | 10^3 | 10^4 | 10^5 | 10^6 | 10^7 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    cells = ", 4.0x | ".join(f"{us} us" for us in range(1, 7))
    assert lines[5] == f"| `a @ b`, n x n | {cells}, 4.0x |  |"
    assert [line for line in lines if "threads" in line] == ["**products**, 2 threads:"]


def test_figures(tmp_path):
    """One for each family, with all that a reader needs, and the same each time."""
    pytest.importorskip("matplotlib")
    rows = kernel_rows()
    files = document.draw(rows, tmp_path)
    families = list(dict.fromkeys(case.family for case in CASES.values() if case.family))
    assert [path.name for path in files] == [f"kernels-{family}.svg" for family in families]
    for path, family in zip(files, families, strict=True):
        text = path.read_text()
        said = ["".join(node.itertext()) for node in ElementTree.fromstring(text).iter() if node.tag.endswith("text")]
        labels = {case.label.replace("`", "") for case in CASES.values() if case.family == family}
        assert labels <= set(said)
        assert {"elements", "time of a call", "autograd_c, one thread", "torch, 2 threads"} <= set(said)
        assert any(unit.endswith("µs") for unit in said)
    once = [path.read_bytes() for path in files]
    assert [path.read_bytes() for path in document.draw(rows, tmp_path)] == once
    assert document.draw([Row("scalar", "first", 1, {"autograd_c": 1e-6})], tmp_path) == []


def test_write_section(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("# A\n<!-- bench a -->\nold\n<!-- end -->\nkept\n<!-- bench b -->\nkept\n<!-- end -->\n")
    for _ in range(2):
        assert document.write_section(path, "a", ["", r"| \1 |", "| 2 |", ""])
        assert path.read_text() == (
            "# A\n<!-- bench a -->\n| \\1 |\n| 2 |\n<!-- end -->\nkept\n<!-- bench b -->\nkept\n<!-- end -->\n"
        )
    assert not document.write_section(path, "c", ["new"])
    assert "new" not in path.read_text()


def test_command_writes_the_page(tmp_path, capfd):
    """Figures and tables, of what was measured alone."""
    pytest.importorskip("matplotlib")
    page = tmp_path / "performance.md"
    page.write_text(
        "".join(f"<!-- bench {name} -->\nbefore\n<!-- end -->\n" for name in ("kernels", "memory", "scalar"))
    )
    arguments = ["kernels", "-k", "exp(a), 10^1", "--rounds", "1", "--threads", "1", "--plot", str(tmp_path)]
    command.main(arguments)
    text = page.read_text()
    assert text.count("before") == 2
    assert "| elements | 10^1 |" in text
    assert "autograd_c " in text
    assert {path.name for path in tmp_path.iterdir()} == {"performance.md", "kernels-unary.svg"}
    assert "wrote" in capfd.readouterr().out


def test_command_wants_the_page(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main(["kernels", "--plot", str(tmp_path)])
    error = capsys.readouterr().err
    assert "performance.md" in error or "matplotlib" in error
