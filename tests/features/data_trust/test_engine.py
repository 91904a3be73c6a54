"""Each comparison: an honest book shows nothing, a book with one thing changed shows that, from the day of the change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from told_books import DAYS, FIRST_DAY, PARTS_PER_HOUR, changed, honest

from features.data_trust.codes import TrustCode
from features.data_trust.engine import Examination, examine
from features.data_trust.fingerprints import keyed_traces
from features.data_trust.nulls import Null, after_many
from features.data_trust.settings import trust_settings_at
from features.data_trust.told import Told
from features.settings import shipped_parameters
from features.trust import CheckState, Severity, TrustFinding

SETTINGS = trust_settings_at(shipped_parameters(), date(2026, 7, 1))
KEY = b"a secret of the platform"
FROM = 210
LATER = slice(FROM, DAYS)


def day(column: int) -> date:
    return date(1970, 1, 1) + timedelta(days=FIRST_DAY + column)


def found(told: Told, code: TrustCode, obligor: str = "O0") -> list[TrustFinding]:
    return [item for item in examine(told, SETTINGS).findings.get(obligor, ()) if item.code == code]


def worst(told: Told) -> dict[str, Severity]:
    """The most severe finding of each code."""
    severities: dict[str, Severity] = {}
    for item in examine(told, SETTINGS).findings.get("O0", ()):
        severities[item.code] = max(item.severity, severities.get(item.code, item.severity), key=lambda one: one.rank)
    return severities


def air_cut(told: Told) -> Told:
    """Four hours more a day at idle power and no part more."""
    executing, kwh = (told.measures[name][0, LATER] for name in ("executing_seconds", "energy_executing_kwh"))
    more = np.where(executing > 0, 4 * 3600.0, 0.0)
    extra = more / 3600 * 3.4
    off = told.measures["off_seconds"][0, LATER] - more
    total = told.measures["energy_kwh"][0, LATER] + extra
    return changed(
        told,
        0,
        LATER,
        executing_seconds=executing + more,
        off_seconds=off,
        energy_executing_kwh=kwh + extra,
        energy_kwh=total,
    )


def loaded(told: Told) -> Told:
    """Four kilowatts more whenever it is powered."""
    now = {name: told.measures[name][0, LATER] for name in told.measures}
    executing, idle = (4.0 * now[name] / 3600 for name in ("executing_seconds", "idle_seconds"))
    return changed(
        told,
        0,
        LATER,
        energy_executing_kwh=now["energy_executing_kwh"] + executing,
        energy_idle_kwh=now["energy_idle_kwh"] + idle,
        energy_kwh=now["energy_kwh"] + executing + idle,
        peak_kw=now["peak_kw"] + 4.0,
    )


def spoofed(told: Told) -> Told:
    """A quarter more parts."""
    return changed(told, 0, LATER, parts=np.round(1.25 * told.measures["parts"][0, LATER]))


def replayed(told: Told) -> Told:
    """Eight weeks that repeat the four before, power shaken."""
    source = np.arange(FROM - 28, FROM - 28 + 56)
    source = np.where(source < FROM, source, source - 28)
    days = slice(FROM, FROM + 56)
    values = {name: told.measures[name][0, source] for name in told.measures if name != "hour_meter_hours"}
    shaken = {name: values[name] * 1.002 for name in values if name.startswith("energy_")}
    return changed(told, 0, days, **{**values, **shaken})


def cloned(told: Told) -> Told:
    """The first machine tells what the second does."""
    return changed(told, 0, LATER, **{name: told.measures[name][1, LATER] for name in told.measures})


def rolled_back(told: Told) -> Told:
    return changed(told, 0, LATER, hour_meter_hours=told.measures["hour_meter_hours"][0, LATER] - 1_500.0)


def hidden(told: Told) -> Told:
    """Twice five wholly silent days."""
    for first in (FROM, FROM + 100):
        for row in range(len(told.owner)):
            nothing = {name: 0.0 for name in told.measures if name.endswith("_seconds")}
            unsaid = {name: np.nan for name in told.measures if not name.endswith("_seconds")}
            told = changed(told, row, slice(first, first + 5), **{**nothing, **unsaid, "unknown_seconds": 86_400.0})
    return told


def over_invoiced(told: Told) -> Told:
    invoiced, unmatched = told.ledgers.invoiced_minor.copy(), told.ledgers.invoiced_unmatched_minor.copy()
    unmatched[:, LATER] = 0.4 * invoiced[:, LATER]
    invoiced[:, LATER] *= 1.4
    return replace(told, ledgers=replace(told.ledgers, invoiced_minor=invoiced, invoiced_unmatched_minor=unmatched))


REST = [column for column in range(FROM, DAYS) if (FIRST_DAY + column) % 7 == 3]
"""Days on which an honest machine is off."""


@pytest.mark.parametrize(
    ("evidence", "columns", "values"),
    [
        ("scrap_without_work_days", REST, {"scrap_parts": 2.0}),
        ("tools_without_power_days", REST, {"tool_changes": 1.0}),
        ("impossible_start_days", REST, {"first_start_seconds": 3600.0}),
        ("impossible_start_days", list(range(FROM, DAYS)), {"first_start_seconds": 20 * 3600.0}),
        ("impossible_start_days", list(range(FROM, DAYS)), {"fault_starts": 7.0}),
    ],
)
def test_days_that_no_machine_can_have(evidence: str, columns: list[int], values: dict[str, float]) -> None:
    told = honest()
    for column in columns:
        told = changed(told, 0, slice(column, column + 1), **values)
    (finding,) = found(told, TrustCode.IMPOSSIBLE_DAYS)
    assert (finding.machine_uid, finding.since) == ("O0/M0", day(columns[0]))
    days = {name: count for name, count in finding.evidence.items() if name.endswith("_days") and count}
    working = int((told.measures["executing_seconds"][0] > 0).sum())
    if columns is REST:
        assert days == {evidence: len(REST), "working_days": working + len(REST)}
    else:
        assert days.keys() == {evidence, "working_days"}
        assert days["working_days"] >= days[evidence] > len(REST)


def test_an_honest_book_shows_nothing() -> None:
    for seed in range(5):
        seen = examine(honest(machines=3, obligors=2, seed=seed), SETTINGS)
        assert [item for items in seen.findings.values() for item in items if item.severity is not Severity.NOTE] == []
        assert set(seen.checks["O0"].values()) == {CheckState.AGREES}


@pytest.mark.parametrize(
    ("fraud", "code", "severity"),
    [
        (air_cut, TrustCode.NO_LOAD_EXECUTION, Severity.SEVERE),
        (air_cut, TrustCode.ENERGY_ABOVE_METER, Severity.SEVERE),
        (loaded, TrustCode.LOAD_WITHOUT_OUTPUT, Severity.SEVERE),
        (loaded, TrustCode.ENERGY_ABOVE_METER, Severity.SEVERE),
        (spoofed, TrustCode.COUNTER_AHEAD_OF_ENERGY, Severity.SEVERE),
        (replayed, TrustCode.REPLAYED_DAYS, Severity.SEVERE),
        (cloned, TrustCode.CLONED_DAYS, Severity.SEVERE),
        (rolled_back, TrustCode.HOUR_METER_BACK, Severity.SEVERE),
        (hidden, TrustCode.SELECTIVE_SILENCE, Severity.MODERATE),
        (over_invoiced, TrustCode.INVOICED_ABOVE_SHIPPED, Severity.SEVERE),
    ],
)
def test_each_fraud_is_found(fraud: Callable[[Told], Told], code: TrustCode, severity: Severity) -> None:
    severities = worst(fraud(honest()))
    assert severities[code].rank >= severity.rank, severities


@pytest.mark.parametrize(
    ("fraud", "code"),
    [
        (air_cut, TrustCode.NO_LOAD_EXECUTION),
        (loaded, TrustCode.LOAD_WITHOUT_OUTPUT),
        (spoofed, TrustCode.COUNTER_AHEAD_OF_ENERGY),
        (replayed, TrustCode.REPLAYED_DAYS),
        (rolled_back, TrustCode.HOUR_METER_BACK),
        (hidden, TrustCode.SELECTIVE_SILENCE),
    ],
)
def test_a_finding_says_since_when(fraud: Callable[[Told], Told], code: TrustCode) -> None:
    first = found(fraud(honest()), code)[0]
    assert first.since is not None
    assert abs((first.since - day(FROM)).days) <= 7


def test_evidence_can_be_checked_by_hand() -> None:
    told = spoofed(honest())
    (finding,) = (item for item in found(told, TrustCode.COUNTER_AHEAD_OF_ENERGY) if item.machine_uid == "O0/M0")
    parts, hours = told.measures["parts"][0], told.measures["executing_seconds"][0] / 3600
    assert finding.evidence["parts_per_hour_then"] == pytest.approx(parts[LATER].sum() / hours[LATER].sum(), rel=0.01)
    assert finding.evidence["parts_per_hour_otherwise"] == pytest.approx(PARTS_PER_HOUR, rel=0.01)
    assert finding.evidence["scrap_share_then"] == 0.0
    assert finding.evidence["tools_per_100_hours_then"] == pytest.approx(10.0, rel=0.1), (
        "tools follow hours, not counters"
    )
    meter = found(rolled_back(honest()), TrustCode.HOUR_METER_BACK)[0].evidence
    assert 0 < meter["before_hours"] - meter["after_hours"] <= 1_500.0


def test_a_replay_names_its_lag_and_days() -> None:
    evidence = found(replayed(honest()), TrustCode.REPLAYED_DAYS)[0].evidence
    assert evidence["lag_days"] == 28
    assert evidence["repeated_days"] == 48, "six working days of each of eight weeks"


def test_clones_name_both_machines() -> None:
    assert {item.machine_uid for item in found(cloned(honest()), TrustCode.CLONED_DAYS)} == {"O0/M0", "O0/M1"}


def test_days_that_are_always_alike_are_no_replay() -> None:
    told = honest(machines=1)
    same = {name: told.measures[name][0, [0]] for name in told.measures if name != "hour_meter_hours"}
    assert found(changed(told, 0, slice(0, DAYS), **same), TrustCode.REPLAYED_DAYS) == []


def test_a_frozen_stretch_is_a_replay_at_one_day() -> None:
    told = honest(machines=1)
    same = {name: told.measures[name][0, [FROM]] for name in told.measures if name != "hour_meter_hours"}
    (finding,) = found(changed(told, 0, slice(FROM, FROM + 20), **same), TrustCode.REPLAYED_DAYS)
    assert finding.evidence["lag_days"] == 1
    assert finding.evidence["longest_run_days"] == 19


def told_again(told: Told, rows: range, *, lag: int, kwh: float = 1.0) -> Told:
    """Each of some machines tells one day as it told the one so many days before, its energy times a number."""
    for row in rows:
        values = {name: told.measures[name][row, [FROM - lag]] for name in told.measures if name != "hour_meter_hours"}
        shaken = {name: values[name] * kwh for name in values if name.startswith("energy_")}
        told = changed(told, row, slice(FROM, FROM + 1), **{**values, **shaken})
    return told


def test_one_exact_day_of_all_machines_is_a_replay() -> None:
    (finding,) = found(told_again(honest(machines=4), range(4), lag=28), TrustCode.REPLAYED_DAYS)
    assert finding.severity is Severity.SEVERE
    assert finding.machine_uid is None
    assert finding.since == day(FROM)
    assert finding.evidence["lag_days"] == 28
    assert finding.evidence["repeated_days"] == 4


def test_one_exact_day_of_one_machine_is_chance() -> None:
    assert found(told_again(honest(machines=4), range(1), lag=28), TrustCode.REPLAYED_DAYS) == []


def test_an_exact_day_at_a_lag_of_its_own_for_each_machine_is_chance() -> None:
    told = honest(machines=4)
    for row in range(4):
        told = told_again(told, range(row, row + 1), lag=28 + 7 * row)
    assert found(told, TrustCode.REPLAYED_DAYS) == []


def test_a_day_nearly_told_again_is_no_exact_one() -> None:
    assert found(told_again(honest(machines=4), range(4), lag=28, kwh=1.001), TrustCode.REPLAYED_DAYS) == []


def test_machines_whose_days_are_all_alike_are_no_exact_replay() -> None:
    told = honest(machines=3)
    for row in range(3):
        same = {name: told.measures[name][row, [0]] for name in told.measures if name != "hour_meter_hours"}
        told = changed(told, row, slice(0, DAYS), **same)
    assert found(told, TrustCode.REPLAYED_DAYS) == []


def test_a_clone_at_another_obligor_is_found_without_its_name() -> None:
    told = honest(machines=2, obligors=6)
    copy = changed(told, 11, LATER, **{name: told.measures[name][0, LATER] for name in told.measures})
    codes = TrustCode.CLONED_BETWEEN_OBLIGORS

    def between(book: Told) -> dict[str, list[TrustFinding]]:
        seen = examine(book, SETTINGS, keyed_traces([book], KEY)).findings
        return {who: [item for item in items if item.code == codes] for who, items in seen.items()}

    assert not any(between(told).values())
    seen = between(copy)
    assert {who for who, items in seen.items() if items} == {"O0", "O5"}
    (finding,) = seen["O5"]
    assert finding.severity is Severity.SEVERE
    assert finding.machine_uid == "O5/M1"
    assert "O0" not in str(finding.evidence)


def test_another_key_gives_other_prints() -> None:
    told = honest(machines=1)
    one, other = keyed_traces([told], KEY), keyed_traces([told], KEY + b"!")
    assert not np.isin(one.prints, other.prints).any()
    with pytest.raises(AssertionError, match="guessed"):
        keyed_traces([told], b"short")


def test_one_obligor_alone_is_as_among_many() -> None:
    told = spoofed(honest(machines=2, obligors=3))
    rows = told.owner == 0
    ledgers = replace(
        told.ledgers, **{name: getattr(told.ledgers, name)[:1] for name in told.ledgers.__dataclass_fields__}
    )
    alone = replace(
        told,
        obligor_ids=told.obligor_ids[:1],
        machine_uids=told.machine_uids[:2],
        owner=told.owner[rows],
        measures={name: values[rows] for name, values in told.measures.items()},
        ledgers=ledgers,
    )
    assert examine(alone, SETTINGS).findings["O0"] == examine(told, SETTINGS).findings["O0"]


def test_what_was_never_told_is_no_source_and_no_finding() -> None:
    told = honest()
    nothing = {name: np.full_like(getattr(told.ledgers, name), np.nan) for name in told.ledgers.__dataclass_fields__}
    seen: Examination = examine(replace(told, ledgers=replace(told.ledgers, **nothing)), SETTINGS)
    for code in (TrustCode.ENERGY_ABOVE_METER, TrustCode.COUNTED_ABOVE_SHIPPED, TrustCode.INVOICED_ABOVE_SHIPPED):
        assert seen.checks["O0"][code] is CheckState.NO_SOURCE
    assert not seen.findings.get("O0")


def test_a_book_without_machine_days() -> None:
    told = honest(machines=1)
    none = {name: values[:0] for name, values in told.measures.items()}
    empty = replace(told, machine_uids=(), owner=told.owner[:0], measures=none)
    seen = examine(empty, SETTINGS)
    assert set(seen.checks["O0"].values()) <= {CheckState.NO_SOURCE, CheckState.NOT_ENOUGH_HISTORY, CheckState.AGREES}


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_a_stronger_fraud_is_no_weaker_finding(share: float) -> None:
    def strength(more: float) -> float:
        told = honest()
        parts = np.round((1.0 + more) * told.measures["parts"][0, LATER])
        seen = examine(changed(told, 0, LATER, parts=parts), SETTINGS)
        return float(seen.strengths["counter_ahead_of_energy_of_machine"][0])

    assert strength(share * 1.5) >= strength(share)


def test_strength_runs_straight_between_points_and_on_beyond() -> None:
    null = Null(statistic=(2.0, 4.0), strength=(1.0, 3.0))
    assert null.strengths(np.array([-1.0, 0.0, 1.0, 3.0, 5.0, np.nan])).tolist()[:5] == [0.0, 0.0, 0.5, 2.0, 4.0]
    assert after_many(np.array([3.0, 1.0]), np.array([100.0, 100.0])).tolist() == [1.0, 0.0]
