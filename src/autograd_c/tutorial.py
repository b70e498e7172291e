"""A notebook on PyTorch's autograd, run with ``import autograd_c as torch`` as its only change.

``python -m autograd_c.tutorial`` prints every cell with its result, then the CPU level in use and what an operation
takes. The cells stand here once; examples/make_tutorial.py makes the notebook from them.

The notebook was not run from top to bottom: In [50] and In [51] stand below In [55], and were commented out after they
had run, above the results that they had given. So the cells run in the order of their counters here too, those two as
they were then, and are shown in the order of the page.
"""

import ast
import contextlib
import io
import statistics
import timeit
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _levels


class Code(NamedTuple):
    """A code cell: its execution counter, its source, and what was run in its place if that was something else."""

    counter: int
    source: str
    ran: str = ""


class Output(NamedTuple):
    """What a code cell gives: the text that it prints, and the repr of its last expression unless that is None."""

    printed: str
    result: str | None


Cells = Sequence[str | Code]  # a str is a cell of Markdown

CELLS: Cells = (
    Code(1, "import autograd_c as torch"),
    "### **Example 1**\n",
    "**Note:** In PyTorch, `requires_grad` is an attribute of tensors that tells PyTorch whether or not to compute and "
    "store gradients for that tensor during the backward pass (i.e., during gradient calculation in a neural network).",
    Code(2, "x = torch.tensor(3.0, requires_grad=True)"),
    Code(3, "y = x**2"),
    Code(4, "x"),
    "**Note**: In PyTorch, `PowBackward0` is a part of the automatic differentiation system, and it represents the "
    "backward computation (gradient calculation) for the power operation (** or torch.pow). When you use the power "
    "operator on a tensor that has requires_grad=True, PyTorch records this operation in its computation graph. If you "
    "then call .backward(), PyTorch uses PowBackward0 to compute the gradient.",
    Code(5, "y"),
    "`backward()` is a method that calculates the gradients of tensors involved in a computation graph.",
    Code(6, "y.backward()"),
    Code(7, "x.grad"),
    "### **Example2**",
    Code(8, "x = torch.tensor(3.0, requires_grad=True)"),
    Code(9, "y = x ** 2"),
    Code(10, "z = torch.sin(y)"),
    Code(11, "x"),
    Code(12, "y"),
    Code(13, "z"),
    Code(14, "z.backward()"),
    Code(15, "x.grad"),
    "### **Example 3**",
    Code(16, "x = torch.tensor(6.7)\ny = torch.tensor(0.0)"),
    Code(17, "w = torch.tensor(1.0, requires_grad=True)\nb = torch.tensor(0.0, requires_grad=True)"),
    Code(18, "w"),
    Code(19, "b"),
    Code(20, "z = w*x + b\nz"),
    Code(21, "y_pred = torch.sigmoid(z)\ny_pred"),
    Code(23, "loss = torch.nn.BCELoss()(y_pred, y)\nloss"),
    Code(24, "loss.backward()"),
    Code(25, "print(w.grad)\nprint(b.grad)"),
    "### **Example 3**",
    Code(26, "x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)"),
    Code(27, "x"),
    Code(28, "y = (x**2).mean()"),
    Code(29, "y"),
    Code(30, "y.backward()"),
    Code(31, "x.grad"),
    "### **Important concept**",
    "#### **Clearing gradients**",
    Code(32, "# clearing grad\nx = torch.tensor(2.0, requires_grad=True)\nx"),
    Code(40, "y = x**2"),
    Code(41, "y.backward()"),
    Code(42, "x.grad"),
    "**Note:** In PyTorch, `grad.zero_()` is a method used to clear (reset) the gradients of a tensor. It ensures that "
    "the gradients from the previous backward pass don\u2019t accumulate in the current tensor\u2019s .grad attribute.",
    Code(43, "x.grad.zero_()"),
    "#### **Disabling gradients**",
    "`Option1: requires_grad(False)`",
    "`Option2: detach()`",
    "`Option3: torch.no_grad()`",
    Code(52, "x = torch.tensor(2.0, requires_grad=True)\nx"),
    Code(53, "y = x**2"),
    Code(54, "y.backward()"),
    Code(55, "x.grad"),
    Code(50, "# x.requires_grad_(False)", ran="x.requires_grad_(False)"),
    Code(51, "# x", ran="x"),
    Code(56, "z = x.detach()\nz"),
    Code(57, "y1 = z**2"),
    Code(58, "y1"),
    Code(59, "with torch.no_grad():\n  y = x ** 2"),
    Code(60, "y"),
)


def execute(source: str, namespace: dict[str, Any]) -> Output:
    """Run the source of a cell as a notebook does.

    Parameters
    ----------
    source : str
        Python statements. If the last one is an expression, its value is what the cell results in.
    namespace : dict
        The variables of the cells that ran before; changed in place.

    Returns
    -------
    Output
        What was printed, and the repr of the result or None.

    Examples
    --------
    >>> execute("print(1)\\n2", {})
    Output(printed='1\\n', result='2')
    """
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    return Output(printed.getvalue(), None if value is None else repr(value))


def run(cells: Cells = CELLS) -> dict[int, Output]:
    """Run the code cells in one namespace, in the order of their counters.

    Returns
    -------
    dict
        The `Output` of each cell by its counter.
    """
    namespace: dict[str, Any] = {}
    code = sorted((cell for cell in cells if isinstance(cell, Code)), key=lambda cell: cell.counter)
    return {cell.counter: execute(cell.ran or cell.source, namespace) for cell in code}


def page(cells: Cells = CELLS) -> str:
    """Run the cells and return the notebook as text: cells and results in the order of the page."""
    outputs = run(cells)
    blocks: list[str] = []
    for cell in cells:
        if isinstance(cell, str):
            blocks.append(cell)
        else:
            blocks.append(f"In [{cell.counter}]:\n{cell.source}")
            blocks.extend(text for text in outputs[cell.counter] if text)
    return "\n\n".join(blocks)


def report() -> str:
    """Return a text with the CPU level in use and the median times of two operations, measured now."""
    # A second at most, so that the numbers come while the reader waits.
    multiply = _median("w * x", "w = torch.tensor(3.0, requires_grad=True); x = torch.tensor(2.0)", 20_000)
    gradient = _median("x = torch.tensor(3.0, requires_grad=True); torch.sin(x**2).backward()", "pass", 2_000)
    return (
        f"CPU level: {_levels.level} ({_levels.why})\n"
        f"w * x, recorded: {multiply * 1e9:.0f} ns\n"
        f"sin(x**2) and its gradient: {gradient * 1e6:.2f} us"
    )


def _median(statement: str, setup: str, number: int) -> float:
    """The median time in seconds of a statement, over 11 loops of `number` runs."""
    setup = f"import {__package__} as torch; {setup}"
    return statistics.median(timeit.repeat(statement, setup, number=number, repeat=11)) / number


def main() -> None:
    """Print the notebook, and the report below it."""
    print(page())
    print(f"\n{report()}")


if __name__ == "__main__":
    main()
