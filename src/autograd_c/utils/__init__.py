"""What goes along with differentiation: checkpoints, which trade memory for recomputation."""

from .._lazy import submodules as _submodules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import checkpoint

__all__ = ["checkpoint"]

_submodules(__name__, ("checkpoint",))
