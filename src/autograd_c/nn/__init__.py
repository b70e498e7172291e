"""Parameters, and losses as modules."""

from . import functional, parameter
from .loss import BCELoss, MSELoss
from .parameter import Parameter

__all__ = ["BCELoss", "MSELoss", "Parameter", "functional", "parameter"]
