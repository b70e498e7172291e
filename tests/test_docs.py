"""The documentation holds: what is public has a docstring, and every example gives what it says it gives."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import autograd_c
from autograd_c import _core

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

EXTENSIONS = re.compile(r"autograd_c\._(core|cpu|numpy)")
MODULES = ["autograd_c", *(m.name for m in pkgutil.walk_packages(autograd_c.__path__, "autograd_c."))]
MODULES = [importlib.import_module(name) for name in MODULES if not EXTENSIONS.match(name)]


def qualified(prefix, members):
    return {f"{prefix}.{name}": value for name, value in members.items()}


# ------------------------------------------------------------------ docstrings
def public_objects():
    """What users call, by name: ops, methods and properties of Tensor, functions and classes of all namespaces."""
    tensor = {name: value for name, value in vars(autograd_c.Tensor).items() if not name.startswith("_")}
    found = _core.__ops__ | qualified("Tensor", tensor)
    for module in MODULES:
        members = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
        found |= qualified(module.__name__, {name: value for name, value in members.items() if callable(value)})
    return found


@pytest.mark.parametrize(("name", "thing"), public_objects().items())
def test_docstring(name, thing):
    assert inspect.getdoc(thing), f"{name} has no docstring"


# ------------------------------------------------------------------ examples
def documented_in_core():
    """What has a docstring in the core, by name; Python finds no examples in extension modules itself."""
    found = qualified("_core", _core.__functions__) | qualified("_core.Tensor", _core.__methods__)
    for cls in vars(_core).values():
        if isinstance(cls, type):
            found |= {f"_core.{cls.__name__}": cls} | qualified(f"_core.{cls.__name__}", vars(cls))
    return found


def examples():
    """All docstrings, as doctests."""
    parser = doctest.DocTestParser()
    for name, thing in documented_in_core().items():
        yield parser.get_doctest(getattr(thing, "__doc__", None) or "", {}, name, None, 0)
    for module in MODULES:
        found = doctest.DocTestFinder().find(module, module.__name__)
        yield from (test for test in found if test.name.removeprefix("autograd_c.") not in _core.__functions__)


EXAMPLES = {test.name: test for test in examples() if test.examples}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    report = []
    failed, _ = doctest.DocTestRunner().run(EXAMPLES[name], out=report.append)
    assert not failed, "".join(report)


def test_every_family_of_ops_has_examples():
    """So that a change of how doctests are found does not leave them out unseen."""
    assert len([name for name in EXAMPLES if name.startswith("_core.")]) > len(_core.__ops__) / 2


# ------------------------------------------------------------------ the README
def block(language):
    """The first block of code of a language in the README."""
    return re.search(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[1]


def test_readme_example(capsys):
    """Its first example prints what the comment in its last line says."""
    code = block("python")
    exec(code, {})
    assert capsys.readouterr().out.strip() == code.strip().rpartition("# ")[2]


def test_readme_command_is_what_ci_runs():
    _, command = block("sh").splitlines()
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in ci if line in command.split(" && ")] == command.split(" && ")
