"""Family `peers`: a firm against its industry, as a `PeerReference` tells it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import Array, DailyHistory, Level, Window
from features.new_year import restart_days, shutdown_days
from features.peer_reference import LEVELS, PeerReference, firm_months

OBLIGOR = (Level.OBLIGOR,)
QUARTER = 3
YEAR = 12
LEAST_MONTHS = 6


@feature(
    family="peers",
    unit="1",
    windows_days=(30,),
    levels=OBLIGOR,
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="who works less than its industry has lost orders to it",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率行业分位",
    label_en="Operating rate among the industry",
    formula=(
        "share of the industry's firms whose operating rate in the last complete month was lower, between the "
        "quantiles of the peers"
    ),
    needs_peers=True,
)
def operating_rate_percentile(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """Where the operating rate of the last complete calendar month stands among the firms of the industry, 0 to 1."""
    own = firm_months(history, _months(peers)).rates[:, -1]
    found = np.full(len(own), np.nan)
    for unit, division in enumerate(history.industries):
        quantiles = peers.quantiles_of(division, -1)
        if quantiles is not None and not np.isnan(own[unit]):
            found[unit] = np.interp(own[unit], quantiles, LEVELS)
    return column(found, missing=Missing.NO_PEERS)


@feature(
    family="peers",
    unit="1",
    windows_days=(90,),
    levels=OBLIGOR,
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="who falls while the industry does not falls on its own",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率同比超出行业",
    label_en="Operating rate against a year before, beyond the industry",
    formula="(rate of the last three complete months / same months a year before) - the same of the industry",
    needs_peers=True,
)
def operating_rate_excess_yoy(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How much more the firm's operating rate changed against the year before than its industry's."""
    months = firm_months(history, _months(peers))
    own = _yoy(months.executing, months.observed)
    return column(
        own - _by_unit(history, lambda division: _index_yoy(peers.index_of(division))), missing=Missing.NO_PEERS
    )


@feature(
    family="peers",
    unit="1",
    windows_days=(365,),
    levels=OBLIGOR,
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="a firm that swings more than its industry falls deeper with it",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="对行业景气的敏感度",
    label_en="Sensitivity to the industry",
    formula=(
        "slope of the firm's monthly operating rate over its mean on the industry's over its mean, last "
        "twelve complete months"
    ),
    needs_peers=True,
)
def industry_beta(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How strongly the firm's monthly operating rate moves with its industry's: 1 is like it."""
    own = firm_months(history, _months(peers)).rates[:, -YEAR:]
    index = np.array([peers.index_of(division)[-YEAR:] for division in history.industries]).reshape(own.shape)
    return column(_slope(own, index), missing=Missing.NO_PEERS)


@feature(
    family="peers",
    unit="1",
    windows_days=(90,),
    levels=OBLIGOR,
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="an industry that loses work takes its firms with it",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=False,
    label_zh="行业开工率同比",
    label_en="The industry's operating rate against a year before",
    formula="industry's rate of the last three complete months / the same months a year before - 1",
    needs_peers=True,
)
def industry_yoy(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How the industry's operating rate changed against the year before."""
    return column(_by_unit(history, lambda division: _index_yoy(peers.index_of(division))), missing=Missing.NO_PEERS)


@feature(
    family="peers",
    unit="d",
    windows_days=(365,),
    levels=OBLIGOR,
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="who rests longer than the industry has no orders to come back to",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="春节停工天数超出行业",
    label_en="Days without work around Chinese New Year, beyond the industry",
    formula="days without work around the last Chinese New Year - median of the industry",
    needs_peers=True,
)
def new_year_shutdown_excess(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How many days longer than its industry the shop stood around the last Chinese New Year."""
    usual = _by_unit(history, lambda division: peers.median_of(division, "shutdown_median"))
    return column(shutdown_days(history) - usual, missing=Missing.NO_PEERS)


@feature(
    family="peers",
    unit="d",
    windows_days=(365,),
    levels=OBLIGOR,
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="who comes back later than the industry has no orders to come back to",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="春节后复工晚于行业天数",
    label_en="Days to usual work after Chinese New Year, beyond the industry",
    formula="days from Chinese New Year to usual work - median of the industry",
    needs_peers=True,
)
def new_year_restart_excess(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How many days later than its industry the firm came back to its usual work after the last Chinese New Year."""
    usual = _by_unit(history, lambda division: peers.median_of(division, "restart_median"))
    return column(restart_days(history) - usual, missing=Missing.NO_PEERS)


def _months(peers: PeerReference) -> NDArray[np.datetime64]:
    return np.array(peers.months, dtype="datetime64[M]")


def _by_unit(history: DailyHistory, figure: Callable[[str | None], float]) -> Array:
    """A figure of each unit's industry, made once for each industry."""
    by_division = {division: figure(division) for division in set(history.industries)}
    return np.array([by_division[division] for division in history.industries], dtype=np.float64)


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
        mean = np.where(known, values, 0.0).sum(axis=1) / count
        scaled = np.divide(values, mean[:, None], out=np.ones_like(values), where=(mean > 0)[:, None])
        return np.where(known, scaled - 1.0, 0.0)

    x, y = relative(index), relative(own)
    spread = (x**2).sum(axis=1)
    enough = (known.sum(axis=1) >= LEAST_MONTHS) & (spread > 0)
    return np.asarray(np.divide((x * y).sum(axis=1), spread, out=np.full(len(own), np.nan), where=enough))


PEERS = (
    operating_rate_percentile,
    operating_rate_excess_yoy,
    industry_beta,
    industry_yoy,
    new_year_shutdown_excess,
    new_year_restart_excess,
)
