"""A synthetic factory world with known truth; it speaks only through the data contracts."""

from simulator.summary import WorldSummary
from simulator.world import simulate

__all__ = ["WorldSummary", "simulate"]
