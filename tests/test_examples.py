"""The examples run, and step by step do what they do on torch."""

import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from module import IS_TORCH, to_numpy
from support import weights

EXAMPLES = Path(__file__).parent.parent / "examples"

pytestmark = [
    pytest.mark.skipif(IS_TORCH, reason="the examples are autograd_c's; they are compared with torch"),
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not beside the tests"),
]
needs_sklearn = pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
CLOSE = 1e-10


def names(example):
    return runpy.run_path(str(EXAMPLES / f"{example}.py"))


def on_torch(example, tmp_path, torch):
    """The same file with its import changed."""
    source = (EXAMPLES / f"{example}.py").read_text(encoding="utf-8")
    changed = tmp_path / f"{example}.py"
    assert source.count("import autograd_c") == 1
    changed.write_text(source.replace("import autograd_c as torch", "import torch"), encoding="utf-8")
    return runpy.run_path(str(changed))


def with_fixed_weights(torch, model):
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.tensor(0.2 * (weights(tuple(p.shape), i) - 1.25)))
    return model


def compare(ours, torchs, make, data, **options):
    """The losses of all steps, and the weights after them."""
    results = []
    for module in (ours, torchs):
        model = with_fixed_weights(module["torch"], make(module))
        losses = module["train"](model, *data(module), **options)
        results.append((losses, [to_numpy(p) for p in model.parameters()]))
    (losses, parameters), (expected_losses, expected) = results
    assert len(losses) > 50
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(losses, expected_losses, rtol=CLOSE, atol=CLOSE)
    for p, e in zip(parameters, expected, strict=True):
        np.testing.assert_allclose(p, e, rtol=CLOSE, atol=CLOSE)


def test_logistic_regression_against_torch(torch, tmp_path):
    ours, torchs = names("logistic_regression"), on_torch("logistic_regression", tmp_path, torch)
    compare(ours, torchs, lambda module: module["torch"].nn.Linear(2, 1), lambda module: module["clouds"]())


@needs_sklearn
def test_digits_against_torch(torch, tmp_path):
    ours, torchs = names("mlp_digits"), on_torch("mlp_digits", tmp_path, torch)
    compare(ours, torchs, lambda module: module["network"](), lambda module: module["digits"]()[0], epochs=3)


@pytest.mark.parametrize("example", ["logistic_regression", pytest.param("mlp_digits", marks=needs_sklearn)])
def test_runs_as_a_program(example):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, EXAMPLES / f"{example}.py"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    share = float(run.stdout.split(", ")[1].split("%")[0])
    assert share > 85


def test_says_that_sklearn_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match="pip install scikit-learn"):
        names("mlp_digits")["digits"]()


@pytest.mark.parametrize("example", ["logistic_regression", "mlp_digits"])
def test_is_short(example):
    assert len((EXAMPLES / f"{example}.py").read_text(encoding="utf-8").splitlines()) < 60
