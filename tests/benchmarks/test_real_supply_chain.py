"""The functions behind docs/real-supply-chain.md on networks and days worked by hand, and on the tables where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.real_data import has_real_data
from benchmarks.real_supply_chain.late_payment import area, behaviour_of, read_invoices
from benchmarks.real_supply_chain.product_flows import Flows, history_to, open_orders, partial_rank, read_flows
from benchmarks.real_supply_chain.product_network import Network, chain_of_products, read_network, stopped
from scoring.supply_chain.contagion.stress import Shock, stress

NETWORK = Network(
    products=("a", "b", "c"),
    plants=("1", "2"),
    groups=("X", "Y"),
    handles=np.array([[True, False], [True, True], [False, True]]),
    group=np.array([0, 0, 1]),
    weight=np.array([10.0, 20.0, 70.0]),
)
TERMS = {
    "stress": {
        "log_odds_of_lost_output": 3.0,
        "log_odds_of_lost_equity": 2.5,
        "log_odds_of_a_months_liquidity": 1.0,
        "pd_without_equity": 0.5,
        "bridge_days": 90,
        "contribution_share": 0.3,
    }
}


def test_open_orders_by_hand() -> None:
    ordered, delivered = np.array([[5.0, 0.0, 3.0, 0.0]]), np.array([[2.0, 4.0, 0.0, 1.0]])
    assert open_orders(ordered, delivered).tolist() == [[3.0, 0.0, 3.0, 2.0]]


def test_a_plant_that_stops_by_hand() -> None:
    """Plant 1 makes all of a and half of b: 10 + 10 of 100; at least a alone, at most a and b."""
    assert stopped(NETWORK, 0) == pytest.approx(
        {"plant": "1", "products": 2, "lost": 0.2, "lost_at_least": 0.1, "lost_at_most": 0.3}
    )


def test_orders_cut_reach_the_plants_through_the_products() -> None:
    """Group X is a and b. Plant 1 makes them alone (0.6 of its usual); plant 2 makes 10 of b and 70 of c."""
    result = stress(chain_of_products(NETWORK), Shock(core_enterprise="group X", orders=-0.4), TERMS)
    levels = {item.firm: item.output_level for item in result.struck}
    assert levels == pytest.approx({"a": 0.6, "b": 0.6, "plant 1": 0.6, "plant 2": 1 - 0.4 * 10 / 80})
    assert all(item.expected_loss_after_minor is None for item in result.struck)


def test_area_counts_ties_half() -> None:
    assert area(np.array([0.1, 0.2, 0.2, 0.9]), np.array([False, False, True, True])) == pytest.approx(3.5 / 4)


def test_what_a_third_column_explains_is_taken_away() -> None:
    third = np.arange(40.0)
    noise = np.random.default_rng(7).normal(size=(2, 40))
    both = pd.DataFrame({"x": third + noise[0], "y": third + noise[1]})
    assert partial_rank(both) > 0.9
    assert abs(partial_rank(both.assign(third=third))) < 0.4


needs_data = pytest.mark.skipif(not has_real_data(), reason="needs MILLGRADE_DATA")


@needs_data
def test_order_cover_of_the_tables_is_the_catalogues_and_sees_no_later_day() -> None:
    flows = read_flows()
    history = history_to(flows, 100)
    later = replace(flows, **{name: _without_days(flows, name, 100) for name in ("ordered", "produced", "delivered")})
    assert np.array_equal(history_to(later, 100).open_order_parts.values, history.open_order_parts.values)
    product = flows.products.index("SOS001L12P")
    still = 0.0
    for day in range(100):
        still = max(0.0, still + flows.ordered[product, day] - flows.delivered[product, day])
    assert history.open_order_parts.values[product, -1] == pytest.approx(still)
    assert history.parts.values[product].sum() == flows.produced[product, :100].sum()


@needs_data
def test_the_network_of_the_tables() -> None:
    flows = read_flows()
    network = read_network(flows)
    assert (len(network.plants), len(network.groups)) == (25, 5)
    assert network.weight.sum() == pytest.approx(flows.weight.sum())
    assert network.handles.any(axis=1).all()


@needs_data
def test_behaviour_of_an_invoice_needs_no_later_one() -> None:
    invoices = read_invoices()
    half = invoices.iloc[:1200]
    told = behaviour_of(invoices).iloc[:1200]
    known = half["InvoiceDate"] < half["InvoiceDate"].max()
    pd.testing.assert_frame_equal(behaviour_of(half)[known], told[known])


def _without_days(flows: Flows, name: str, days: int) -> np.ndarray:
    values = np.array(getattr(flows, name))
    values[:, days:] = 0.0
    return values
