"""What sets a firm apart from its industry: figures of many firms from their months and a `PeerReference` alone.

So that a whole book is walked through once: each block gives the months of its firms, all blocks give the reference,
and the figures follow without the histories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from features.columns import ratio
from features.history import Array
from features.peer_reference import LEVELS, FirmMonths, PeerReference

QUARTER = 3
YEAR = 12
LEAST_MONTHS = 6

Industries = Sequence[str | None]
Figure = Callable[[FirmMonths, Industries, PeerReference], Array]


def percentile(firms: FirmMonths, industries: Industries, peers: PeerReference) -> Array:
    """Where each firm's operating rate of the last complete month stands in its industry, 0 to 1; NaN without peers."""
    own = firms.rates[:, -1]
    found = np.full(len(own), np.nan)
    for division in set(industries):
        quantiles = peers.quantiles_of(division, -1)
        if quantiles is not None:
            rows = np.array([item == division for item in industries]) & ~np.isnan(own)
            found[rows] = np.interp(own[rows], quantiles, LEVELS)
    return found


def excess_yoy(firms: FirmMonths, industries: Industries, peers: PeerReference) -> Array:
    """Change of the last quarter's operating rate against the year before, beyond the industry's."""
    return _yoy(firms.executing, firms.observed) - industry_yoy(firms, industries, peers)


def industry_yoy(firms: FirmMonths, industries: Industries, peers: PeerReference) -> Array:
    """Change of the industry's index over the last quarter against the year before."""
    return _by_unit(industries, lambda division: _index_yoy(peers.index_of(division)))


def beta(firms: FirmMonths, industries: Industries, peers: PeerReference) -> Array:
    """Slope of each firm's monthly operating rate over its mean on the industry's over its mean, over a year."""
    own = firms.rates[:, -YEAR:]
    index = np.array([peers.index_of(division)[-YEAR:] for division in industries]).reshape(own.shape)
    return _slope(own, index)


def shutdown_excess(firms: FirmMonths, industries: Industries, peers: PeerReference) -> Array:
    """Days without work around Chinese New Year, beyond the industry's median."""
    return firms.shutdown - _by_unit(industries, lambda division: peers.median_of(division, "shutdown_median"))


def restart_excess(firms: FirmMonths, industries: Industries, peers: PeerReference) -> Array:
    """Days to usual work after Chinese New Year, beyond the industry's median."""
    return firms.restart - _by_unit(industries, lambda division: peers.median_of(division, "restart_median"))


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "operating_rate_percentile": percentile,
        "operating_rate_excess_yoy": excess_yoy,
        "industry_beta": beta,
        "industry_yoy": industry_yoy,
        "new_year_shutdown_excess": shutdown_excess,
        "new_year_restart_excess": restart_excess,
    }
)
"""By name of the feature."""


def _by_unit(industries: Industries, figure: Callable[[str | None], float]) -> Array:
    """A figure of each unit's industry, made once for each industry."""
    by_division = {division: figure(division) for division in set(industries)}
    return np.array([by_division[division] for division in industries], dtype=np.float64)


def _yoy(executing: Array, observed: Array) -> Array:
    """Rates of the last quarter against those of the same months a year before, - 1."""

    def rate(last: int) -> Array:
        months = slice(-last - QUARTER, -last or None)
        return ratio(executing[:, months].sum(axis=1), observed[:, months].sum(axis=1)).values

    return ratio(rate(0), rate(YEAR)).values - 1.0


def _index_yoy(index: Array) -> float:
    return float(index[-QUARTER:].mean() / index[-YEAR - QUARTER : -YEAR].mean() - 1.0)


def _slope(own: Array, index: Array) -> Array:
    """Slope of each row over its mean on the index over its own mean, over the months that both know."""
    known = ~np.isnan(own) & ~np.isnan(index)
    count = np.maximum(known.sum(axis=1), 1)

    def relative(values: Array) -> Array:
        """Each row over its mean of the months known, less one; 0 elsewhere."""
        mean = np.where(known, values, 0.0).sum(axis=1) / count
        scaled = np.divide(values, mean[:, None], out=np.ones_like(values), where=(mean > 0)[:, None])
        return np.where(known, scaled - 1.0, 0.0)

    x, y = relative(index), relative(own)
    spread = (x**2).sum(axis=1)
    enough = (known.sum(axis=1) >= LEAST_MONTHS) & (spread > 0)
    return np.asarray(np.divide((x * y).sum(axis=1), spread, out=np.full(len(own), np.nan), where=enough))
