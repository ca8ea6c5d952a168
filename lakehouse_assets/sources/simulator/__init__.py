"""A simulated KRX option feed: realistic ticks with known faults, the same to the byte for the same seed.

Belongs here: `simulate` and its parts, in the order of the story: chain, clock, market, books, events, faults,
injection, redelivery, columns, truth, writer, file_faults, simulation. Does not: reading any feed.
"""

from lakehouse_assets.sources.simulator.faults import Profile
from lakehouse_assets.sources.simulator.simulation import SimulationReport, simulate

__all__ = ["Profile", "SimulationReport", "simulate"]
