"""Speed and import, with bounds so wide that a busy machine keeps them; the real budgets are those of bench/."""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from module import IS_TORCH, ac

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(IS_TORCH, reason="the budgets are autograd_c's")
timing = pytest.mark.skipif(
    any(name.endswith("SAN_OPTIONS") for name in os.environ), reason="a sanitized build is slow by its nature"
)


@pytest.fixture
def bench(monkeypatch):
    """Imports a module of the benchmarks, which are not installed."""
    if not (ROOT / "bench").is_dir():
        pytest.skip("the benchmarks are not beside the tests")
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: importlib.import_module(f"bench.{name}")


# ------------------------------------------------------------------ import
# Without site, whose .pth files may import anything; `os`, which site would have imported, is not ours to pay for.
FRESH = """
import os, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
{program}
print(*set(sys.modules) - before)
"""


def loaded_by(program):
    """The modules that a program loads in a fresh interpreter."""
    package_folder = str(Path(ac.__file__).parents[1])
    command = [sys.executable, "-I", "-S", "-c", FRESH.format(program=program), package_folder]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


USE = """
import autograd_c as torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.no_grad():
    x * 2
torch.sin(x**2).sum().backward()
"""


@pytest.mark.parametrize("program", ["import autograd_c", USE], ids=["import", "use"])
def test_loads_no_other_module(program):
    """Not numpy, not typing, contextlib, functools, threading: each would take as long as all of the import."""
    others = {
        name
        for name in loaded_by(program)
        if name.split(".")[0] not in ("autograd_c", "cython_runtime", *sys.builtin_module_names)
        and not name.startswith("_cython_")  # made in memory, as cython_runtime is
    }
    assert not others


@timing
def test_import_time(bench):
    times = bench("measure").import_times(["autograd_c"], rounds=11)
    assert times["autograd_c"] < 3 * bench("cases").IMPORT_BUDGET


# ------------------------------------------------------------------ scalars
@timing
def test_scalars_are_far_faster_than_torch(bench, torch):
    """By a fifth of what the budgets ask for."""
    # CPU time does not count what other programs take, but Windows tells it in steps of 16 ms.
    clock = time.process_time if time.get_clock_info("process_time").resolution < 1e-5 else time.perf_counter
    peers = bench("peers")
    pair = [peer.load() for peer in (peers.REFERENCE, peers.OURS)]
    ratios = {}
    for case in bench("cases").CASES.values():
        if case.group == "scalar" and case.budget:
            works = {peer.name: peer.work(case) for peer in pair}
            times = bench("measure").interleaved(works, rounds=7, clock=clock)
            ratios[case.title] = times.ratio("autograd_c", "torch"), case.budget / 5
    assert not {title: pair for title, pair in ratios.items() if pair[0] < pair[1]}
