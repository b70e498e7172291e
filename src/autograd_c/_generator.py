"""Generators: where random numbers come from. numpy's bit generators, with PyTorch's interface."""

import os
import struct
import weakref

import numpy as np

from . import _core
from .errors import type_name

Tensor = _core.Tensor

_DEFAULT_SEED = 67280421310721  # PyTorch's
# A state as bytes: what it is, the seed, state and increment of the bit generator, and the half of a word it kept.
_STATE = struct.Struct("<8sQ16s16sII")
_MAGIC = b"pcg64dxs"
_generators: weakref.WeakSet = weakref.WeakSet()


class Generator:
    """A source of random numbers with a state of its own; a new one starts with a fixed seed.

    May be shared by threads: each draw is made under a lock, so that no number is drawn twice.

    Parameters
    ----------
    device : device or str
        Only the CPU.

    Examples
    --------
    >>> import autograd_c as torch
    >>> g = torch.Generator().manual_seed(3)
    >>> a = torch.rand(2, generator=g)
    >>> bool((a == torch.rand(2, generator=g.manual_seed(3))).all())
    True
    """

    # The seed is that of the bit generator, so that replacing this one attribute replaces all of the state at once.
    __slots__ = ("__weakref__", "_numpy")

    def __init__(self, device="cpu"):
        _core.device(device)
        self._numpy = _seeded(_DEFAULT_SEED)
        _generators.add(self)

    def __repr__(self):
        return f"<torch._C.Generator object at {hex(id(self))}>"

    @property
    def device(self):
        """Always the CPU."""
        return _core.cpu_device

    def manual_seed(self, seed, /):
        """Start the sequence that belongs to a seed, an integer from -2**63 to 2**64 - 1; returns the generator."""
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
            raise RuntimeError(f"manual_seed expected a long, but got {type_name(seed)}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._numpy = _seeded(int(seed) % 2**64)
        return self

    def seed(self):
        """Start a sequence that nobody can foresee; returns its seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self.initial_seed()

    def initial_seed(self):
        """The seed that the present sequence was started with."""
        return int(self._numpy.bit_generator.seed_seq.entropy)

    def get_state(self):
        """The state, as a tensor of bytes (each in an int64), which `set_state` takes back."""
        return _core.tensor(list(_state_of(self._numpy)))

    def set_state(self, new_state, /):
        """Go on from a state that `get_state` gave; returns the generator."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type_name(new_state)}")
        if new_state.dtype is not _core._int64:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if new_state.numel() != _STATE.size:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.size} but found the input RNG state size to be "
                f"{new_state.numel()}"
            )
        try:
            self._numpy = _of_state(bytes(new_state.reshape(-1).tolist()))
        except ValueError:
            raise RuntimeError("Invalid pcg64 state") from None
        return self

    def clone_state(self):
        """A generator of its own, that goes on as this one does."""
        return _restored(type(self), _state_of(self._numpy))

    def snapshot(self):
        """The state as an object for `restore`: cheaper than `get_state`, and of this generator only."""
        source = self._numpy
        with source.bit_generator.lock:
            return source, source.bit_generator.state

    def restore(self, snapshot):
        """Go on from a snapshot."""
        source, state = snapshot
        with source.bit_generator.lock:
            source.bit_generator.state = state
        self._numpy = source

    def __reduce__(self):
        return _restored, (type(self), _state_of(self._numpy))


def _seeded(seed):
    return np.random.Generator(np.random.PCG64DXSM(seed))


def _state_of(source):
    bits = source.bit_generator
    with bits.lock:  # numpy draws without the interpreter's lock
        state = bits.state
    words = [state["state"][name].to_bytes(16, "little") for name in ("state", "inc")]
    return _STATE.pack(_MAGIC, bits.seed_seq.entropy, *words, state["has_uint32"], state["uinteger"])


def _of_state(packed):
    """The source of numbers with a state, or ValueError."""
    magic, seed, state, increment, kept, half = _STATE.unpack(packed)
    state, increment = (int.from_bytes(word, "little") for word in (state, increment))
    if magic != _MAGIC or not increment % 2 or kept > 1:
        raise ValueError
    source = _seeded(seed)
    source.bit_generator.state = {
        "bit_generator": "PCG64DXSM",
        "state": {"state": state, "inc": increment},
        "has_uint32": kept,
        "uinteger": half,
    }
    return source


def _restored(cls, packed):
    generator = cls()
    generator._numpy = _of_state(packed)
    return generator


def _after_fork_in_child():
    """Free the lock of each generator, which a thread that is no more may have held.

    By the method that the standard library has for it: even to read the state, numpy 2.5 takes the lock.
    """
    for generator in _generators:
        generator._numpy.bit_generator.lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

default_generator = Generator()
default_generator.seed()


def manual_seed(seed):
    """Start the sequence that belongs to a seed, in the default generator, which is returned.

    Parameters
    ----------
    seed : int
        From -2**63 to 2**64 - 1.

    Raises
    ------
    ValueError
        If the seed is out of range.

    Examples
    --------
    >>> import autograd_c as torch
    >>> torch.manual_seed(3).initial_seed()
    3
    """
    return default_generator.manual_seed(int(seed))


def seed():
    """Start a sequence that nobody can foresee, in the default generator; returns its seed."""
    return default_generator.seed()


def initial_seed():
    """The seed that the present sequence of the default generator was started with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, as a tensor of bytes (each in an int64)."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Let the default generator go on from a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)
