"""Calendar months: sums first, then the ratio; a running month is counted as far as it is known."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from data_contracts.identifiers import ObligorId
from features.machine_day.machine_days import SCHEMA, SPAN_SCHEMA, MachineDays
from features.monthly import monthly_figures

FIRM, OTHER = ObligorId("91999999MA0000001N"), ObligorId("91999999MA00010010")
DAY = 86_400.0


def machine_day(day: date, *, machine: str = "A", firm: str = FIRM, powered: float, executing: float, observed: float = DAY,
                kwh: float | None = None, faults: int | None = None) -> dict[str, object]:  # fmt: skip
    elements = {"unknown_seconds": DAY - observed, "off_seconds": observed - powered, "fault_seconds": 0.0,
                "maintenance_seconds": 0.0, "setup_seconds": 0.0, "executing_seconds": executing,
                "idle_seconds": powered - executing}  # fmt: skip
    return {
        "machine_uid": f"{firm}/{machine}", "obligor_id": firm, "day": day, **elements, "powered_seconds": powered,
        "observed_seconds": observed, "sampled_seconds": observed, "coverage": observed / DAY,
        "coverage_basis": "sampled", "energy_kwh": kwh, "fault_starts": faults, "source": "report",
    }  # fmt: skip


def machine_days(*rows: dict[str, object]) -> MachineDays:
    known = [
        dict.fromkeys(SCHEMA.names) | row
        for row in sorted(rows, key=lambda row: (str(row["machine_uid"]), str(row["day"])))
    ]
    firsts: dict[str, dict[str, object]] = {}
    for row in known:
        firsts.setdefault(str(row["machine_uid"]), row)
    spans = [
        {"machine_uid": uid, "obligor_id": row["obligor_id"], "starts": datetime(2020, 1, 1, tzinfo=UTC), "ends": None,
         "first_day": row["day"], "site_zone": "Asia/Shanghai", "coverage_basis": "sampled", "data_origin": "real"}
        for uid, row in firsts.items()
    ]  # fmt: skip
    return MachineDays(pa.Table.from_pylist(known, schema=SCHEMA), pa.Table.from_pylist(spans, schema=SPAN_SCHEMA))


JULY = datetime(2026, 6, 30, 16, tzinfo=UTC)


def test_a_rate_is_the_ratio_of_sums_not_the_mean_of_ratios() -> None:
    days = machine_days(
        machine_day(date(2026, 6, 1), powered=DAY, executing=DAY / 2),
        machine_day(date(2026, 6, 2), powered=0, executing=0, observed=DAY / 4),
        machine_day(date(2026, 6, 1), machine="B", powered=DAY / 4, executing=0, observed=DAY / 2),
    )
    june = monthly_figures(days, obligor_id=FIRM, as_of=JULY)[-1]
    observed = DAY + DAY / 4 + DAY / 2
    assert june.power_on_rate == pytest.approx((DAY + DAY / 4) / observed)
    assert june.operating_rate == pytest.approx(DAY / 2 / observed)
    assert june.coverage == pytest.approx(observed / (60 * DAY))


def test_kwh_and_faults_are_sums_over_those_who_said_them() -> None:
    days = machine_days(
        machine_day(date(2026, 5, 31), powered=DAY, executing=0, kwh=10.0, faults=2),
        machine_day(date(2026, 6, 1), powered=DAY, executing=0, kwh=1.5, faults=1),
        machine_day(date(2026, 6, 1), machine="B", powered=DAY, executing=0, kwh=2.0),
        machine_day(date(2026, 6, 2), machine="B", powered=DAY, executing=0),
    )
    *_, may, june = monthly_figures(days, obligor_id=FIRM, as_of=JULY)
    assert (may.energy_kwh, may.fault_starts) == (10.0, 2)
    assert (june.energy_kwh, june.fault_starts) == (3.5, 1)


def test_what_nobody_said_is_missing_and_not_zero() -> None:
    days = machine_days(machine_day(date(2026, 6, 1), powered=0, executing=0, faults=0))
    *earlier, june = monthly_figures(days, obligor_id=FIRM, as_of=JULY)
    assert (june.power_on_rate, june.energy_kwh, june.fault_starts) == (0.0, None, 0)
    for month in earlier:
        assert {month.power_on_rate, month.operating_rate, month.coverage, month.energy_kwh, month.fault_starts} == {
            None
        }


def test_twelve_months_end_with_the_last_complete_local_day() -> None:
    days = machine_days(machine_day(date(2025, 7, 1), powered=DAY, executing=DAY, kwh=7.0))
    months = monthly_figures(days, obligor_id=FIRM, as_of=JULY)
    assert [month.month for month in months] == [date(2025, n, 1) for n in range(7, 13)] + [
        date(2026, n, 1) for n in range(1, 7)
    ]
    assert [month.complete_days for month in months] == [31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 31, 30]
    assert months[0].energy_kwh == 7.0
    just_before = monthly_figures(days, obligor_id=FIRM, as_of=datetime(2026, 6, 30, 15, 59, tzinfo=UTC))
    assert just_before[-1].complete_days == 29


def test_a_running_month_ends_with_the_last_complete_day() -> None:
    days = machine_days(
        machine_day(date(2026, 6, 9), powered=DAY, executing=DAY),
        machine_day(date(2026, 6, 10), powered=0, executing=0),
    )
    june = monthly_figures(days, obligor_id=FIRM, as_of=datetime(2026, 6, 10, 4, tzinfo=UTC))[-1]
    assert (june.complete_days, june.power_on_rate) == (9, 1.0)


def test_other_firms_count_for_nothing() -> None:
    days = machine_days(
        machine_day(date(2026, 6, 1), powered=DAY, executing=DAY),
        machine_day(date(2026, 6, 1), firm=OTHER, powered=0, executing=0),
    )
    assert monthly_figures(days, obligor_id=FIRM, as_of=JULY)[-1].power_on_rate == 1.0


def test_a_firm_without_machine_days_has_months_without_figures() -> None:
    months = monthly_figures(machine_days(), obligor_id=FIRM, as_of=JULY, months=3)
    assert [month.power_on_rate for month in months] == [None, None, None]
