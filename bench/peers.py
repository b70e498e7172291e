"""The modules that are compared. A new one is a loader and a row of PEERS."""

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Peer:
    """A module, the API by which cases call it, and what brings it to float64 and one thread."""

    name: str
    api: str
    configure: Callable[[ModuleType], None]

    @property
    def is_installed(self):
        """Whether the module is there; nothing is imported."""
        return importlib.util.find_spec(self.name) is not None

    def load(self):
        """Import the module, configured."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a peer finds wrong with its own environment
            module = importlib.import_module(self.name)
        self.configure(module)
        return module


def configure_torch(torch):
    """One thread, float64."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)


def configure_autograd_c(module):
    """Nothing to do: float64 is the only type, and there are no threads."""


REFERENCE = Peer("torch", "torch", configure_torch)
OURS = Peer("autograd_c", "torch", configure_autograd_c)
PEERS = (REFERENCE, OURS)
