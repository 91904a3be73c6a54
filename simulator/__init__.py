"""A synthetic factory world with known truth; it speaks only through the data contracts."""

from simulator.summary import WorldSummary
from simulator.told.makers.request import SampleRequest, parse_request
from simulator.world import simulate

__all__ = ["SampleRequest", "WorldSummary", "parse_request", "simulate"]
