"""The page about what is seen of the world says what the code and the parameters say."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.frauds.plan import Code
from simulator.parameter_values import load_parameters
from simulator.told.makers.bounds import bounds_of
from simulator.told.makers.catalogue import COUNT_MODULUS, METER_MODULUS_KWH, PULSE_MODULUS
from simulator.told.makers.catalogue import MAKERS as MAKERS_OF_GATEWAYS
from simulator.told.makers.readings import RIPPLE_SHARE, largest_offset_seconds
from simulator.world import PARAMETERS_AS_OF

PAGE = Path(__file__).parents[2] / "docs" / "world-observed.md"
PARAMETERS = load_parameters(PARAMETERS_AS_OF)


@pytest.fixture(scope="module")
def page() -> str:
    """The page on one line, so that a sentence may break anywhere."""
    return " ".join(PAGE.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("maker", MAKERS_OF_GATEWAYS, ids=lambda maker: maker.name)
def test_bounds_are_the_stated_ones(page: str, maker: object) -> None:
    found = next(one for one in MAKERS_OF_GATEWAYS if one is maker)
    bounds = bounds_of(found, PARAMETERS.observation)
    row = (
        f"| `{found.name}` | {found.poll_seconds} s | {found.hold_seconds} s | {bounds.clock_seconds:.1f} s "
        f"| {bounds.hold_seconds:.0f} s | {bounds.late_seconds:.1f} s |"
    )
    assert row in page


def test_rules_are_the_stated_ones(page: str) -> None:
    observation = PARAMETERS.observation
    for words in (
        f"share {observation.adoption_share_from_start} plus {observation.adoption_health_log} health plus "
        f"{observation.adoption_size_log} log size",
        f"hazard {observation.adoption_per_month} exp",
        f"on a day in {1 / observation.uplink_outages_per_day:.0f} a firm's uplink fails for "
        f"{observation.uplink_outage_mean_days:.0f} days",
        f"(share {observation.no_plan_share}) tells no `planned_seconds`",
        f"{observation.clock_drift_ppm:.0f} parts per million",
        f"set every {observation.clock_resync_days} days",
        f"at most {largest_offset_seconds(observation):.1f} s off",
        f"(chance {observation.counter_resets_per_day} a machine-day)",
        f"(chance {observation.mislabels_per_day})",
        f"in {PARAMETERS.gateway.heartbeat_lost_share} it hears nothing",
        f"come {observation.inspections_per_year} times a year, sent by a lender with the chance "
        f"{observation.inspected_by_lender_share}",
        "beside them {} to {} of it".format(*PARAMETERS.finance.site_energy_share),
        f"swings by {RIPPLE_SHARE:.0%}".replace("%", " %"),
        f"rolls over at {COUNT_MODULUS:,}",
        f"in kWh that rolls over at {METER_MODULUS_KWH:,}",
        f"roll over at {PULSE_MODULUS:,}",
        f"with the chance {PARAMETERS.frauds.prevalence}",
        f"in the first {PARAMETERS.frauds.quiet_share_of_world:.0%} of the world".replace("%", " %"),
    ):
        assert words in page, words


def test_strengths_are_the_stated_ones(page: str) -> None:
    strengths = PARAMETERS.frauds.strengths
    stated = {
        Code.AIR_CUTTING: "4 hours a day",
        Code.REPLAYED_TELEMETRY: "84 days",
        Code.DUMMY_LOAD: "0.4 of run power",
        Code.COUNTER_SPOOF: "0.3 more parts",
        Code.MOVED_GATEWAY: "1 %",
        Code.PLEDGED_TWICE: "1 a month",
        Code.CIRCULAR_TRADE: "3 firms",
        Code.OVER_INVOICING: "0.4 of turnover",
        Code.LEASED_TWICE: "1 machine",
        Code.OFFLINE_BEFORE_INSPECTION: "5 days",
        Code.HOUR_METER_ROLLBACK: "0.35 of its reading",
        Code.STAGED_SHUTDOWN: "21 days",
    }
    assert set(strengths) == {code.value for code in Code} == {code.value for code in stated}
    for code, words in stated.items():
        number = float(words.split()[0]) / (100 if "%" in words else 1)
        assert number == pytest.approx(next(iter(strengths[code].values()))), code
        row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {code} |"))
        assert row.endswith(f"| {words} |")
