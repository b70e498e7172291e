"""The stubs: made from the core as it is, and what type checkers then say about a user's code."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_c

ROOT = Path(__file__).parent.parent

# Where a comment stands, mypy must object with this code, and nowhere else.
USER_CODE = """\
from typing_extensions import assert_type

import autograd_c as torch
from autograd_c import Tensor, float32, nn

x = torch.tensor([1.0, 2.0], requires_grad=True, dtype=torch.float64)
y = (2 * x - 1) ** 2 + torch.sin(x).mean(dim=(0,), keepdim=True)
y.backward(torch.ones(2))
with torch.no_grad():
    x -= 0.1 * x
x.grad = None
x[0] = 1.0
x.requires_grad = False
print(nn.BCELoss()(y, y), torch.autograd.grad(y, x), abs(x), float(x[0]), torch.pi)

assert_type(y, Tensor)
assert_type(1 - y, Tensor)
assert_type(x @ y, Tensor)
assert_type(x == 2, Tensor)
assert_type(x.sum(0).item(), float)
assert_type(x.add_(1), Tensor)
assert_type(x.max(), Tensor)
assert_type(x.max(0).indices, Tensor)
assert_type(torch.min(x, dim=0)[0], Tensor)
assert_type(torch.where(x > 1, x, 0.0), Tensor)
assert_type(torch.where(x > 1), tuple[Tensor, ...])
assert_type(x.where(x > 1, 0), Tensor)
assert_type(x.to(torch.bool), Tensor)
assert_type(x.size(), torch.Size)
assert_type(x.shape[0], int)
assert_type(x.requires_grad, bool)
assert_type(y.grad, Tensor | None)
assert_type(torch.zeros(2, 3, dtype=float32).reshape(3, 2), Tensor)
assert_type(torch.nn.Parameter(torch.ones(2)).requires_grad_(), torch.nn.Parameter)
assert_type([row for row in x], list[Tensor])

x.sinus()  # attr-defined
torch.sinus(x)  # attr-defined
torch.sin(2.0)  # arg-type
torch.tensor([1.0], requires_grad="yes")  # arg-type
x.sum(dim="rows")  # arg-type
x.sum(keep_dims=True)  # call-arg
x.ndim = 2  # misc
x + "1"  # operator
"""

# numpy's own stubs take mypy longer than all the rest.
CONFIG = f"""\
[mypy]
mypy_path = {(ROOT / "src").as_posix()}
[mypy-numpy.*]
follow_imports = skip
follow_imports_for_stubs = True
"""


def test_up_to_date():
    """`python docs/make_stubs.py` makes them anew."""
    run = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_stubs.py", "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_marked_as_typed():
    package = Path(autograd_c.__file__).parent
    assert {"py.typed", "__init__.pyi", "_core.pyi"} <= {path.name for path in package.iterdir()}


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_user_code(tmp_path):
    script, config = tmp_path / "user.py", tmp_path / "mypy.ini"
    script.write_text(USER_CODE, encoding="utf-8")
    config.write_text(CONFIG, encoding="utf-8")
    options = ["--config-file", config, "--cache-dir", tmp_path / "cache", "--hide-error-context", script]
    run = subprocess.run([sys.executable, "-m", "mypy", *options], capture_output=True, text=True, check=False)
    found = re.findall(r"^.*user\.py:(\d+): error: .*\[([\w-]+)\]$", run.stdout, re.MULTILINE)
    lines = enumerate(USER_CODE.splitlines(), 1)
    expected = [(str(number), line.split("# ")[1]) for number, line in lines if "# " in line]
    assert found == expected, run.stdout + run.stderr
