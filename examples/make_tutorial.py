"""Write examples/tutorial.ipynb: the cells of ``autograd_c.tutorial`` with the results that they give.

    python examples/make_tutorial.py

The notebook is the original's page, with its counters. If it is run from top to bottom, all results stay but those of
In [50] and In [51]: these cells are comments, and what stands below them is from before they were (see the tutorial's
docstring).
"""

import json
from pathlib import Path

from autograd_c.tutorial import CELLS, run

PATH = Path(__file__).with_name("tutorial.ipynb")

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


def notebook():
    """Return the notebook as nbformat 4.5 has it, made of dicts and lists."""
    results = run()
    cells = []
    for number, cell in enumerate(CELLS):
        head = {"id": f"cell-{number:02}", "metadata": {}}
        if isinstance(cell, str):
            cells.append({"cell_type": "markdown", **head, "source": lines(cell)})
        else:
            result = outputs(cell.counter, *results[cell.counter])
            head["execution_count"] = cell.counter
            cells.append({"cell_type": "code", **head, "outputs": result, "source": lines(cell.source)})
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def outputs(counter, printed, result):
    """Return the outputs of a code cell: what it printed, then what its last expression gave."""
    found = []
    if printed:
        found.append({"name": "stdout", "output_type": "stream", "text": lines(printed)})
    if result:
        data = {"text/plain": lines(result)}
        found.append({"data": data, "execution_count": counter, "metadata": {}, "output_type": "execute_result"})
    return found


def lines(text):
    """Return the lines of a text with their ends, which is how notebooks keep texts."""
    return text.splitlines(keepends=True)


def main():
    """Write the notebook as Jupyter does."""
    text = json.dumps(notebook(), indent=1, ensure_ascii=False, sort_keys=True)
    PATH.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
