"""Fixtures; the module under test and the helpers are in module.py."""

import importlib.util

import module
import pytest
from hypothesis import Phase, settings
from module import ac  # noqa: F401 - so that a test file may say `from conftest import ac`

# The same examples in every run: a failure seen in CI is a failure here.
settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    max_examples=100,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def torch():
    """PyTorch as an oracle, if it is installed."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the oracle, torch, is not installed")
    return module.load("torch")
