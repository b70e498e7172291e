"""The cases under pytest-benchmark, and the tests of the cases.

    python -m pytest bench --benchmark-columns=median,iqr,rounds     a group for each case, a line for each peer
    python -m pytest bench --benchmark-skip                          the tests alone

Here each peer has its turn as a whole; for ratios that do not depend on what the machine does meanwhile, and for
numbers of threads, there is ``python -m bench``.
"""

import math
from functools import cache

import numpy as np
import pytest

from bench import __main__ as command
from bench.cases import CASES, RATE
from bench.check import arrays, check
from bench.measure import interleaved
from bench.peers import OURS, PEERS, REFERENCE, limit_threads
from bench.table import Row, Table, readable, times_as_long

limit_threads(1)  # numpy has its own number by now: its products, and ours, are those of the environment

each_case = pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.title.replace("`", ""))
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


@each_case
def test_results_are_complete(case):
    """The gradient is that of finite differences, for each argument that it is asked for."""
    value, *others = arrays(OURS.load(), OURS.work(case)())
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
                ends.append(float(case.function(np, *moved)))
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
    [(["sparse"], "no such group: sparse"), (["--cpu-time", "--threads", "2"], "CPU time"), (["--threads", "0"], "0")],
)
def test_command_refuses(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err
