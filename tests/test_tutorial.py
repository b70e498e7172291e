"""The tutorial, as a page of text, as a program and as a notebook, against tutorial.txt: the original notebook, made
with PyTorch, character for character.
"""

import importlib.util
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from autograd_c import tutorial

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
NOTEBOOK = EXAMPLES / "tutorial.ipynb"

ORIGINAL = (HERE / "tutorial.txt").read_text(encoding="utf-8")
EXPECTED = ORIGINAL.replace("import torch\n", "import autograd_c as torch\n", 1)


# ------------------------------------------------------------------ the page
def test_page():
    assert tutorial.page() == EXPECTED


def test_page_on_torch(torch):
    """The cells and the way they are run and shown are right: on PyTorch they give the original."""
    cells = (tutorial.CELLS[0]._replace(source="import torch"), *tutorial.CELLS[1:])
    assert tutorial.page(cells) == ORIGINAL


@pytest.mark.parametrize(
    ("source", "printed", "result"),
    [
        ("# x", "", None),
        ("x = 1", "", None),
        ("None", "", None),
        ("'a'", "", "'a'"),
        ("1\n2", "", "2"),
        ("print('a')\n1", "a\n", "1"),
        ("1\nx = 2", "", None),
        ("if True:\n  1", "", None),
    ],
)
def test_display_rule(source, printed, result):
    assert tutorial.execute(source, {}) == (printed, result)


def test_execute_raises_as_the_cell_does():
    with pytest.raises(ZeroDivisionError):
        tutorial.execute("1 / 0", {})


def test_program():
    environment = {**os.environ, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "autograd_c.tutorial"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(EXPECTED + "\n\n")
    report = done.stdout.removeprefix(EXPECTED + "\n\n")
    assert re.fullmatch(
        r"CPU level: (base|v3|v4) \(.+\)\nw \* x, recorded: \d+ ns\nsin\(x\*\*2\) and its gradient: \d+\.\d\d us\n",
        report,
    )


# ------------------------------------------------------------------ the notebook
@pytest.fixture(scope="module")
def stored():
    """The notebook as it is in the repository."""
    if not NOTEBOOK.exists():
        pytest.skip("the examples are not beside the tests")
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def texts(cell):
    """The outputs of a code cell of a notebook, without what depends on the run: its counters."""
    found = []
    for output in cell["outputs"]:
        text = output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
        found.append((output["output_type"], "".join(text)))
    return found


def test_notebook_is_up_to_date(stored):
    assert stored == runpy.run_path(str(EXAMPLES / "make_tutorial.py"))["notebook"]()


# In a process of its own: Jupyter leaves threads and warnings behind.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=60).execute()
nbformat.write(notebook, sys.argv[2])
"""


def test_notebook_runs(stored, tmp_path):
    """From top to bottom, in a kernel: every cell gives what is stored."""
    for module in ("nbformat", "nbclient", "ipykernel"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    executed = tmp_path / "executed.ipynb"
    subprocess.run([sys.executable, "-c", EXECUTE, NOTEBOOK, executed], check=True)
    now_cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    for was, now in zip(stored["cells"], now_cells, strict=True):
        assert now["source"] == was["source"]
        if was["cell_type"] == "code":
            # A comment gives nothing: what stands below the two cells that are comments now is from before.
            is_comment = was["source"][-1].startswith("#")
            assert texts(now) == ([] if is_comment else texts(was)), was["source"]
