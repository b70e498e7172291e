"""How fast autograd_c is, against its peers and against its budgets.

    python -m bench [group ...]     tables: what each peer takes, and how many times what autograd_c takes; the budgets
    python -m bench kernels --plot docs
                                    each kernel at sizes from 10 to 10**7, the memory that it takes, figures and the
                                    tables of docs/performance.md
    python -m pytest bench          the same cases under pytest-benchmark, to compare, save or profile

- A case (cases.py) is a function of a module and of arrays, written once in what all modules have in common, and what
  is asked of it: its value, its gradient, a step of training.
- A peer (peers.py) is a module, and how it is asked. The ones that are not installed are left out.
- check.py compares what the peers compute, before anything is timed.
- measure.py times the peers of a case in turn, in one process; run.py does so for the cases that are asked for.
- memory.py finds out how much memory a case takes at its peak, each peer in a process of its own.
- table.py writes what was found, document.py the figures and tables of the documentation.

pytest-benchmark does not take turns: it times one peer after the other, with whatever else the machine does meanwhile.
So ratios come from ``python -m bench``. Each of the first two commands takes minutes. With as many threads as there are
CPUs it needs a machine that does nothing else: threads of PyTorch's that wait for one that has no CPU spin, and a step
of 200 us then takes 100 ms.
"""
