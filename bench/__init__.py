"""How fast autograd_c is, against its peers and against its budgets.

    python -m bench [group ...]     a table: what each peer takes, the ratio, the budget
    python -m pytest bench          the same cases under pytest-benchmark, to compare, save or profile

- A case (cases.py) is a function that takes a module and returns what is timed; it is written once for all the modules
  that share an API.
- A peer (peers.py) is a module, and the name of the API that it has. The ones that are not installed are left out.
- measure.py times the peers of a case in turn, in one process, each with one thread.
"""
