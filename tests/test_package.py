"""The package itself: what loads when, and the dtypes that stand for others."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from module import IS_TORCH, ac

pytestmark = pytest.mark.skipif(IS_TORCH, reason="these are autograd_c's own ways")


def run(program):
    """What a program prints in a fresh interpreter, where no test has loaded anything yet."""
    program = (
        f"import sys\nsys.path.insert(0, {str(Path(ac.__file__).parents[1])!r})\nimport autograd_c as torch\n{program}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.split()


def test_the_interpreter_may_cache_its_functions():
    """It caches no look-up in a module that has a `__getattr__`, or that is not a plain module."""
    assert "__getattr__" not in vars(ac)
    assert type(ac) is type(sys)


def test_functions_are_builtins_that_can_be_pickled():
    for name in ("sin", "max", "arcsin", "einsum"):
        function = getattr(ac, name)
        assert type(function) is type(len)
        assert pickle.loads(pickle.dumps(function)) is function
    assert ac.arcsin is ac.asin
    assert ac.max.__name__ == "max"


LATE = sorted(
    ".".join(("autograd_c", *path.relative_to(Path(ac.__file__).parent).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in Path(ac.__file__).parent.glob("*/*.py")
)


class TestSubmodulesLoadAtFirstUse:
    def test_by_attribute(self):
        program = """
print('__path__' in vars(torch.nn))
torch.nn.functional
print('__path__' in vars(torch.nn))
"""
        shown = run(program)
        assert shown == ["False", "True"]

    def test_by_import(self):
        assert (
            run("import autograd_c.nn.functional as F; print(F is torch.nn.functional, type(torch.nn) is type(sys))")
            == ["True"] * 2
        )
        assert run("from autograd_c.nn import functional; print(functional.__name__)") == ["autograd_c.nn.functional"]
        program = "from autograd_c import nn; import autograd_c.nn as again; print(nn is torch.nn is again)"
        assert run(program) == ["True"]
        assert (
            run(f"{program}; nn.Linear; print(nn is torch.nn is again is sys.modules['autograd_c.nn'])") == ["True"] * 2
        )

    @pytest.mark.parametrize("name", LATE)
    def test_once_whichever_is_imported_first(self, name):
        """A class that exists twice is not the base of those made of the other."""
        program = f"""
import importlib, inspect
print(importlib.import_module({name!r}) is sys.modules[{name!r}])
torch.autograd.Function, torch.nn.Linear, torch.optim.SGD, torch.utils.checkpoint.checkpoint, torch.autograd.graph.draw
classes = {{}}
for module in [module for name, module in sys.modules.items() if name.startswith("autograd_c.")]:
    for thing in vars(module).values():
        if isinstance(thing, type):
            if classes.setdefault((thing.__module__, thing.__qualname__), thing) is not thing:
                print(thing)
        elif inspect.isfunction(thing):
            thing = inspect.unwrap(thing)
            if vars(sys.modules[thing.__module__]) is not thing.__globals__:
                print(thing)
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2.0 * x
print(Double.apply(1.0))
"""
        assert run(program) == ["True", "2.0"]

    def test_reloaded(self):
        program = """
import importlib.util
nn, Linear = torch.nn, torch.nn.Linear
print(importlib.reload(nn) is nn is torch.nn, nn.Linear is Linear, type(nn) is type(sys))
torch.memory.stats
print(importlib.reload(torch.memory) is torch.memory, importlib.util.find_spec("autograd_c.optim").name)
torch.optim.SGD
"""
        assert run(program) == ["True", "True", "True", "True", "autograd_c.optim"]

    def test_listed(self):
        assert run("print('Parameter' in dir(torch.nn))") == ["True"]

    def test_name_that_is_not_there(self):
        program = "try: torch.nn.nothing\nexcept AttributeError as e: print(e)"
        assert " ".join(run(program)) == "module 'autograd_c.nn' has no attribute 'nothing'"

    def test_from_many_threads_at_once(self):
        program = """
import threading
start = threading.Barrier(8)
found = []
def use():
    start.wait()
    found.append(torch.autograd.grad)
    found.append(torch.autograd.forward_ad.make_dual)
threads = [threading.Thread(target=use) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(len(found), len(set(found)))
"""
        assert run(program) == ["16", "2"]

    def test_one_that_fails_can_be_tried_again(self, tmp_path):
        package = tmp_path / "shaky"
        package.mkdir()
        (package / "__init__.py").write_text("from autograd_c import _lazy\n_lazy.submodules(__name__, ['part'])\n")
        (package / "part.py").write_text(
            "import sys\nif not hasattr(sys, 'ready'): raise ImportError('not yet')\nanswer = 42\n"
        )
        program = f"""
sys.path.insert(0, {str(tmp_path)!r})
import shaky
try: shaky.part.answer
except ImportError as e: print(*e.args)
sys.ready = True
print(shaky.part.answer)
"""
        assert run(program) == ["not", "yet", "42"]


class TestDtypesThatStandForOthers:
    @pytest.mark.parametrize("name", ["float32", "float", "half", "float16", "bfloat16"])
    def test_floats(self, name):
        assert getattr(ac, name) == ac.float64
        assert hash(getattr(ac, name)) == hash(ac.float64)
        assert getattr(ac, name) != ac.int64
        assert isinstance(getattr(ac, name), ac.dtype)

    @pytest.mark.parametrize("name", ["int32", "int", "short", "int16", "int8", "uint8"])
    def test_integers(self, name):
        assert getattr(ac, name) == ac.int64
        assert getattr(ac, name) not in (ac.float64, ac.bool)

    def test_warn_once_where_first_used(self):
        program = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    torch.float32
    print(len(caught))
    x = torch.ones(2, dtype=torch.float32)
    print(x.dtype, x.dtype is torch.float64, len(caught), caught[0].category.__name__, caught[0].lineno)
    x.half().to(torch.int32)
    print(len(caught))
"""
        assert run(program) == ["0", "torch.float64", "True", "1", "PrecisionWarning", "10", "1"]
