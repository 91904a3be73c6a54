"""Family `peers`: a firm against its industry, as a `PeerReference` tells it."""

from __future__ import annotations

from functools import partial

import numpy as np

from features.columns import Column, column
from features.declaration import feature
from features.feature_value import Missing
from features.history import DailyHistory, Level, Window
from features.peer_figures import FIGURES
from features.peer_reference import PeerReference, firm_months

among_peers = partial(
    feature,
    family="peers",
    levels=(Level.OBLIGOR,),
    insurance_risk=0,
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    needs_peers=True,
)
"""What all features of this family share."""


@among_peers(
    unit="1",
    windows_days=(30,),
    credit_risk=-1,
    credit_reason="who works less than its industry has lost orders to it",
    actionable=True,
    label_zh="开工率行业分位",
    label_en="Operating rate among the industry",
    formula=(
        "share of the industry's firms whose operating rate in the last complete month was lower, between the "
        "quantiles of the peers"
    ),
)
def operating_rate_percentile(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """Where the operating rate of the last complete calendar month stands among the firms of the industry, 0 to 1."""
    return _figure("operating_rate_percentile", history, peers)


@among_peers(
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    credit_reason="who falls while the industry does not falls on its own",
    actionable=True,
    label_zh="开工率同比超出行业",
    label_en="Operating rate against a year before, beyond the industry",
    formula="(rate of the last three complete months / same months a year before) - the same of the industry",
)
def operating_rate_excess_yoy(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How much more the firm's operating rate changed against the year before than its industry's."""
    return _figure("operating_rate_excess_yoy", history, peers)


@among_peers(
    unit="1",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="a firm that swings more than its industry falls deeper with it",
    actionable=True,
    label_zh="对行业景气的敏感度",
    label_en="Sensitivity to the industry",
    formula=(
        "slope of the firm's monthly operating rate over its mean on the industry's over its mean, last "
        "twelve complete months"
    ),
)
def industry_beta(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How strongly the firm's monthly operating rate moves with its industry's: 1 is like it."""
    return _figure("industry_beta", history, peers)


@among_peers(
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    credit_reason="an industry that loses work takes its firms with it",
    actionable=False,
    label_zh="行业开工率同比",
    label_en="The industry's operating rate against a year before",
    formula="industry's rate of the last three complete months / the same months a year before - 1",
)
def industry_yoy(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How the industry's operating rate changed against the year before."""
    return _figure("industry_yoy", history, peers)


@among_peers(
    unit="d",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="who rests longer than the industry has no orders to come back to",
    actionable=True,
    label_zh="春节停工天数超出行业",
    label_en="Days without work around Chinese New Year, beyond the industry",
    formula="days without work around the last Chinese New Year - median of the industry",
)
def new_year_shutdown_excess(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How many days longer than its industry the shop stood around the last Chinese New Year."""
    return _figure("new_year_shutdown_excess", history, peers)


@among_peers(
    unit="d",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="who comes back later than the industry has no orders to come back to",
    actionable=True,
    label_zh="春节后复工晚于行业天数",
    label_en="Days to usual work after Chinese New Year, beyond the industry",
    formula="days from Chinese New Year to usual work - median of the industry",
)
def new_year_restart_excess(history: DailyHistory, window: Window, peers: PeerReference) -> Column:
    """How many days later than its industry the firm came back to its usual work after the last Chinese New Year."""
    return _figure("new_year_restart_excess", history, peers)


def _figure(name: str, history: DailyHistory, peers: PeerReference) -> Column:
    firms = firm_months(history, np.array(peers.months, dtype="datetime64[M]"))
    return column(FIGURES[name](firms, history.industries, peers), missing=Missing.NO_PEERS)


PEERS = (
    operating_rate_percentile,
    operating_rate_excess_yoy,
    industry_beta,
    industry_yoy,
    new_year_shutdown_excess,
    new_year_restart_excess,
)
