"""The cases under pytest-benchmark: grouped by case, one line for each peer.

    python -m pytest bench --benchmark-columns=median,iqr,rounds

Here each peer has its turn as a whole; for ratios that do not depend on what the machine does meanwhile there is
``python -m bench``.
"""

import pytest

from bench.cases import CASES
from bench.peers import PEERS


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.title)
def test_speed(benchmark, case, peer):
    if not peer.is_installed:
        pytest.skip(f"{peer.name} is not installed")
    if peer.api not in case.setups:
        pytest.skip(f"not written for the API of {peer.name}")
    benchmark.group = f"{case.group}: {case.title}" + (f" (times of {case.per})" if case.per > 1 else "")
    benchmark(case.setups[peer.api](peer.load()))
