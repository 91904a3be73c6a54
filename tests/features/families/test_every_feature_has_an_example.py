"""Every feature of the catalogue has an example that was worked by hand, in its family's table."""

from __future__ import annotations

import test_breakdown_family
import test_consistency_family
import test_energy_family
import test_level_family
import test_peers_family
import test_seasonality_family
import test_supply_chain_family
import test_trend_family
import test_volatility_family

from features.catalogue import CATALOGUE

TABLES = (
    test_breakdown_family, test_consistency_family, test_energy_family, test_level_family, test_peers_family,
    test_seasonality_family, test_supply_chain_family, test_trend_family, test_volatility_family,
)  # fmt: skip

WORKED_ELSEWHERE = {"downturn_probability"}
"""Worked in a test of its own: `test_trend_family.test_the_probability_of_a_lasting_fall`."""


def test_every_feature_has_an_example() -> None:
    worked = {CATALOGUE[key].name for table in TABLES for key in table.EXAMPLES} | WORKED_ELSEWHERE
    assert {item.name for item in CATALOGUE.values()} - worked == set()
