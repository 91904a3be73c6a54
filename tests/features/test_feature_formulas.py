"""Every feature on days worked by hand."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from day_tables import AS_OF, FULL, SETTINGS, back, day, history, span, values_of
from sample_tables import OBLIGOR

from features.catalogue import CATALOGUE, evaluate
from features.history import Level
from features.snapshot import Missing

SECOND = f"{OBLIGOR}/M2"
HOUR = 3_600.0


def test_golden_14_sums_first_then_the_ratio() -> None:
    days = [
        *(day(back(n), executing=30_000, idle=10_000, off=60_000, length=100_000) for n in range(5)),
        *(day(back(n), machine=SECOND, executing=4_000, idle=16_000, off=40_000, length=60_000) for n in range(5)),
    ]
    values = values_of(history(days, [span(), span(machine=SECOND)]))
    assert values["power_on_rate_7d"] == 0.375
    assert values["operating_rate_7d"] == 0.2125
    assert values["utilisation_7d"] == pytest.approx(0.566667, abs=5e-7)


def test_level() -> None:
    days = [
        day(back(0), executing=6 * HOUR, idle=2 * HOUR, setup=1 * HOUR, fault=1 * HOUR, off=14 * HOUR),
        day(back(1), executing=0, idle=2 * HOUR, off=10 * HOUR),
        *(day(back(n), off=FULL) for n in range(2, 8)),
    ]
    values = values_of(history(days))
    observed = 24 + 12 + 5 * 24
    assert values["power_on_rate_7d"] == pytest.approx(12 / observed)
    assert values["operating_rate_7d"] == pytest.approx(6 / observed)
    assert values["utilisation_7d"] == pytest.approx(6 / 12)
    assert values["fault_time_share_7d"] == pytest.approx(1 / 12)
    assert values["active_day_share_7d"] == pytest.approx(1 / 7)
    assert values["executing_hours_per_day_7d"] == pytest.approx(6 / 7)
    assert values["coverage_7d"] == pytest.approx(observed / (7 * 24))


def test_failure_rate_is_shrunk_and_mtbf_is_not() -> None:
    days = [day(back(n), executing=10 * HOUR, off=14 * HOUR, fault_starts=float(n == 3) * 2) for n in range(10)]
    values = values_of(history(days))
    prior, weight = SETTINGS.failure_prior_per_1000_hours, SETTINGS.failure_prior_hours
    assert values["failure_rate_7d"] == pytest.approx(1000 * (2 + prior * weight / 1000) / (70 + weight))
    assert values["mtbf_7d"] == pytest.approx(70 / 2)
    silent = [day(back(n), executing=10 * HOUR, off=14 * HOUR, fault_starts=0) for n in range(10)]
    values = values_of(history(silent))
    assert values["mtbf_7d"] is Missing.NO_FAILURE
    assert values["failure_rate_7d"] == pytest.approx(prior * weight / (70 + weight))


def test_energy() -> None:
    measured = {"energy_kwh": 50.0, "energy_executing_kwh": 40.0, "energy_idle_kwh": 8.0, "energy_other_kwh": 2.0}
    days = [
        *(day(back(n), executing=5 * HOUR, idle=3 * HOUR, off=16 * HOUR, peak_kw=10.0, **measured) for n in range(7)),
        *(day(back(n), machine=SECOND, executing=9 * HOUR, off=15 * HOUR) for n in range(7)),
    ]
    values = values_of(history(days, [span(), span(machine=SECOND)]))
    assert values["kwh_per_executing_hour_7d"] == pytest.approx(50 / 5)
    assert values["idle_energy_share_7d"] == pytest.approx(8 / 50)
    assert values["load_factor_7d"] == pytest.approx(50 / (10 * 8))


def test_slope_weights_days_by_what_was_observed() -> None:
    rates = [0.1 + 0.004 * (29 - n) for n in range(30)]
    even = [day(back(n), executing=rates[n] * FULL, off=(1 - rates[n]) * FULL) for n in range(30)]
    assert values_of(history(even))["operating_rate_slope_30d"] == pytest.approx(0.004 * 30)
    days = np.arange(30)
    observed = np.where(days % 3 == 0, FULL / 4, FULL)
    noisy = np.array(rates) + np.where(days % 2 == 0, 0.05, -0.05)
    rows = [day(back(n), executing=noisy[n] * observed[n], off=(1 - noisy[n]) * observed[n]) for n in range(30)]
    expected = -np.polyfit(days, noisy, 1, w=np.sqrt(observed))[0] * 30
    assert values_of(history(rows))["operating_rate_slope_30d"] == pytest.approx(expected)


def test_volatility_forgives_weekends_and_counts_the_rest() -> None:
    weekly = [0.0 if back(n).weekday() >= 5 else 0.5 for n in range(90)]
    days = [day(back(n), executing=weekly[n] * FULL, off=(1 - weekly[n]) * FULL) for n in range(90)]
    assert values_of(history(days))["operating_rate_volatility_90d"] == pytest.approx(0, abs=1e-12)
    alternating = [0.3 if n // 7 % 2 else 0.5 for n in range(28)]
    days = [day(back(n), executing=alternating[n] * FULL, off=(1 - alternating[n]) * FULL) for n in range(28)]
    expected = math.sqrt(28 * 0.1**2 / (28 - 7))
    assert values_of(history(days))["operating_rate_volatility_30d"] == pytest.approx(expected)


@pytest.mark.parametrize(("first", "expected"), [(2, "not_enough_history"), (3, 1.0), (13, 1.0), (200, "not_observed")])
def test_half_of_a_window_must_be_history(first: int, expected: str | float) -> None:
    days = [day(back(n), idle=FULL) for n in range(min(first, 170) + 1) if first < 170 or n > 7]
    assert values_of(history(days))["power_on_rate_7d"] == expected


def test_reasons_of_missing_values() -> None:
    off = values_of(history([day(back(n), off=FULL) for n in range(100)]))
    assert off["power_on_rate_90d"] == 0
    assert off["utilisation_90d"] is Missing.NO_EXECUTION
    assert off["fault_time_share_90d"] is Missing.NO_EXECUTION
    assert off["kwh_per_executing_hour_90d"] is Missing.NO_POWER_METER
    assert off["mtbf_90d"] is Missing.NO_SOURCE
    idle = values_of(history([day(back(n), idle=FULL, energy_kwh=1.0) for n in range(100)]))
    assert idle["kwh_per_executing_hour_90d"] is Missing.NO_EXECUTION
    gone = values_of(history([day(back(n), idle=FULL) for n in range(100, 150)]))
    assert gone["operating_rate_90d"] is Missing.NOT_OBSERVED
    assert gone["coverage_90d"] == 0
    never = values_of(history([], [span()]))
    assert {key for key, value in never.items() if value is Missing.NOT_ENOUGH_HISTORY} == {
        key for key, item in CATALOGUE.items() if not item.rests_on_ledgers and not item.needs_peers
    }
    assert {never[key] for key, item in CATALOGUE.items() if item.rests_on_ledgers} == {Missing.NO_SOURCE}
    assert {never[key] for key, item in CATALOGUE.items() if item.needs_peers} == {Missing.NO_PEERS}


def test_every_feature_is_the_same_alone_and_among_many() -> None:
    random = np.random.default_rng(5)
    owners = [f"91999999MA000000{number}X" for number in range(9)]
    days, spans = [], []
    for owner in owners:
        for machine in (f"{owner}/A", f"{owner}/B"):
            spans.append(span(machine=machine, obligor=owner))
            for n in range(0, 120, int(random.integers(1, 4))):
                busy, idle, fault = (float(value) for value in random.uniform(0, FULL / 4, 3))
                days.append(
                    day(
                        back(n), machine=machine, obligor=owner, executing=busy, idle=idle, fault=fault, fault_starts=n % 3,
                        energy_kwh=busy / 700, energy_idle_kwh=idle / 7_000, peak_kw=7.7,
                    )
                )  # fmt: skip
    everybody = evaluate(history(days, spans), SETTINGS)
    for number, owner in enumerate(owners):
        own = history(
            [row for row in days if row["obligor_id"] == owner], [item for item in spans if item["obligor_id"] == owner]
        )
        alone = evaluate(own, SETTINGS)
        assert np.array_equal(alone.values[0], everybody.values[number], equal_nan=True)
        assert np.array_equal(alone.reasons[0], everybody.reasons[number])
    assert (~np.isnan(everybody.values)).any(axis=0).sum() >= 65
    assert len(CATALOGUE) == everybody.values.shape[1]


def test_a_machine_is_judged_by_its_own_days() -> None:
    days = [
        *(day(back(n), executing=FULL / 2, off=FULL / 2) for n in range(40)),
        *(day(back(n), machine=SECOND, idle=FULL) for n in range(40)),
    ]
    found = history(days, [span(), span(machine=SECOND)], level=Level.MACHINE, as_of=AS_OF + timedelta(hours=3))
    assert values_of(found, 0)["operating_rate_30d"] == pytest.approx(0.5)
    assert values_of(found, 1)["operating_rate_30d"] == 0
