"""Family `peers`, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from day_tables import AS_OF, back, history
from family_examples import Table, check, worked
from test_seasonality_family import rested

from features.history import DailyHistory
from features.peer_reference import LEVELS, MONTHS, PeerGroup, PeerReference, complete_months

INDUSTRY = "C34"


def reference() -> PeerReference:
    """Rates of firms spread evenly from 0.2 to 0.6 in every month; the industry's index alternates between 0.4 and 0.6
    until the last three months, which stand at 0.45, and a year before at 0.5."""
    months = [str(month) for month in complete_months(AS_OF)]
    index = [0.4 if n % 2 else 0.6 for n in range(MONTHS)]
    index[-15:-12], index[-3:] = [0.5] * 3, [0.45] * 3
    spread = tuple(0.2 + 0.4 * level for level in LEVELS)
    group = PeerGroup(
        firms=(25,) * MONTHS, quantiles=(spread,) * MONTHS, index=tuple(index), shutdown_median=7.0, restart_median=10.0
    )
    return PeerReference(as_of=AS_OF, least_firms=20, months=tuple(months), groups={INDUSTRY: group})


def of_industry(found: DailyHistory) -> DailyHistory:
    return replace(found, industries=(INDUSTRY,))


def fallen() -> DailyHistory:
    """A rate of 0.3 since 1 March 2026, 0.4 before."""
    recent = np.datetime64("2026-03-01")
    return of_industry(history([
        worked(n, 7.2 if np.datetime64(back(n)) >= recent else 9.6) for n in range(730)
    ]))  # fmt: skip


def swinging() -> DailyHistory:
    """A firm that moves twice as far from its mean as the industry does, month by month."""
    months = complete_months(AS_OF)[-12:]
    index = np.array(reference().index_of(INDUSTRY)[-12:])
    rate = {str(month): 0.3 * (1 + 2 * (value / index.mean() - 1)) for month, value in zip(months, index, strict=True)}
    return of_industry(history([
        worked(n, 24 * rate.get(str(np.datetime64(back(n), "M")), 0.3)) for n in range(500)
    ]))  # fmt: skip


EXAMPLES: Table = {
    # 0.3 lies a quarter of the way from 0.2 to 0.6.
    "operating_rate_percentile_30d": (fallen, 0.25),
    "operating_rate_excess_yoy_90d": (fallen, (0.3 / 0.4 - 1) - (0.45 / 0.5 - 1)),
    "industry_beta_365d": (swinging, 2),
    "industry_yoy_90d": (fallen, 0.45 / 0.5 - 1),
    # 11 days of rest against 7, back on day 13 against 10.
    "new_year_shutdown_excess_365d": (lambda: of_industry(rested()), 4),
    "new_year_restart_excess_365d": (lambda: of_industry(rested()), 3),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_peers(key: str) -> None:
    check(EXAMPLES, key, peers=reference())
