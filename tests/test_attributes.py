"""Attributes that users set on tensors."""

import gc
import weakref

import pytest
from module import IS_TORCH, ac


class Labelled(ac.Tensor):
    """A class of a user's, with an attribute of its own."""

    unit = "m"


def made(kind):
    t = ac.ones(2)
    return t if kind is None else t.as_subclass(Labelled) if hasattr(t, "as_subclass") else Labelled(2)


@pytest.mark.parametrize("kind", [None, Labelled])
def test_set_read_delete(kind):
    t = made(kind)
    assert not hasattr(t, "label")
    t.label = "a"
    t.other = [1]
    assert (t.label, t.other, vars(t)) == ("a", [1], {"label": "a", "other": [1]})
    assert "label" in dir(t)
    del t.label
    assert not hasattr(t, "label")
    with pytest.raises(AttributeError, match="label"):
        del t.label
    t.__dict__["late"] = 3
    assert t.late == 3


def test_an_attribute_hides_a_method_but_no_property():
    t = ac.ones(2)
    t.sin = 3
    assert t.sin == 3
    del t.sin
    assert t.sin().shape == (2,)
    with pytest.raises(AttributeError):
        t.is_leaf = True
    assert "is_leaf" not in vars(t)


def test_attributes_are_of_one_tensor():
    a, b = ac.ones(2), ac.ones(2)
    a.label = "a"
    assert not hasattr(b, "label")
    assert not hasattr(a.detach(), "label")
    del a
    assert not any(hasattr(ac.ones(2), "label") for _ in range(10))  # whatever memory they get


@pytest.mark.parametrize("kind", [None, Labelled])
def test_cycles_are_collected(kind):
    class Token:
        pass

    def cycle():
        t, token = made(kind), Token()
        t.me, t.token = t, token
        return weakref.ref(token)

    gone = cycle()
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(IS_TORCH, reason="of ours")
def test_methods_are_called_on_the_short_way():
    """CPython makes no bound method for a class that does not look up attributes in its own way."""
    assert ac.Tensor.__getattribute__ is object.__getattribute__
    assert not hasattr(ac.Tensor, "__getattr__")
