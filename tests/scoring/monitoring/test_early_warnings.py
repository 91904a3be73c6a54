"""Early warnings on made-up firms whose lives are known, and cases by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import numpy as np
import pytest

from data_contracts.reference.dated import load_book
from scoring.errors import InvalidRequest
from scoring.monitoring import cases
from scoring.monitoring.cases import Act, Case, CaseOutcome, CaseState, Handled, Opening, act
from scoring.monitoring.summary import summarise
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode
from scoring.monitoring.warnings import decline, early_warnings
from scoring.monitoring.watched import Watched

VALUES = load_book(files("scoring") / "monitoring" / "parameters").at(date(2018, 1, 1))
TERMS = VALUES["monitoring"]["warnings"]
TODAY = date(2026, 6, 30)
FIRMS, DAYS = 60, 230


def firms(**changes: dict[int, np.ndarray]) -> Watched:
    """Sixty alike firms of two industries with days that differ by chance; `changes` replace rows of a measure."""
    rng = np.random.default_rng(5)
    day = 86_400.0
    measures = {
        "executing_seconds": 20_000 * rng.lognormal(0, 0.3, (FIRMS, DAYS)),
        "parts": 500 * rng.lognormal(0, 0.3, (FIRMS, DAYS)),
        "energy_kwh": 80 * rng.lognormal(0, 0.2, (FIRMS, DAYS)),
        "scrap_parts": 5 * rng.lognormal(0, 0.3, (FIRMS, DAYS)),
        "fault_starts": rng.poisson(0.02, (FIRMS, DAYS)).astype(float),
        "maintenance_seconds": 900 * rng.lognormal(0, 0.3, (FIRMS, DAYS)),
        "fault_seconds": 600 * rng.lognormal(0, 0.5, (FIRMS, DAYS)),
        "observed_seconds": np.full((FIRMS, DAYS), day),
        "owned_seconds": np.full((FIRMS, DAYS), day),
    }
    for name, rows in changes.items():
        for row, values in rows.items():
            measures[name][row] = values if values.ndim else measures[name][row] * values
    units = [f"F{number:02}" for number in range(FIRMS)]
    return Watched(units=units, owners=units, industry=np.arange(FIRMS) % 2, today=TODAY, measures=measures)


def lately(share: float, days: int = 14) -> np.ndarray:
    """What a row is multiplied with to fall to a share in the last days."""
    told = np.ones(DAYS)
    told[-days:] = share
    return told


def changed(measure: str, row: int, factor: np.ndarray) -> Watched:
    return firms(**{measure: {row: firms().measures[measure][row] * factor}})


def codes(watched: Watched, unit: str) -> dict[str, Severity]:
    return {item.code.value: item.severity for item in early_warnings(watched, VALUES) if item.unit == unit}


def test_firms_that_live_as_ever_are_left_in_peace() -> None:
    alarmed = {item.unit for item in early_warnings(firms(), VALUES)}
    assert len(alarmed) <= 0.1 * FIRMS


@pytest.mark.parametrize(
    ("measure", "code"),
    [("executing_seconds", "low_hours"), ("parts", "low_output"), ("energy_kwh", "low_energy")],
)
def test_a_fall_is_warned_of_by_what_fell(measure: str, code: str) -> None:
    found = codes(changed(measure, 3, lately(0.3)), "F03")
    assert code in found
    assert found[code] >= Severity.SERIOUS
    assert set(found) <= {code, "more_faults"}


def test_what_falls_for_everybody_alarms_nobody_and_who_falls_alone_in_a_good_month_is_seen() -> None:
    every = firms()
    slump = replace(
        every, measures={**every.measures, "executing_seconds": every.measures["executing_seconds"] * lately(0.3)}
    )
    assert (
        len({item.unit for item in early_warnings(slump, VALUES) if item.code is WarningCode.LOW_HOURS}) <= 0.1 * FIRMS
    )
    boom = every.measures["executing_seconds"] * lately(2.0)
    boom[7] = every.measures["executing_seconds"][7]
    assert "low_hours" in codes(replace(every, measures={**every.measures, "executing_seconds": boom}), "F07")


def test_a_gap_is_no_fall() -> None:
    observed = np.full(DAYS, 86_400.0)
    observed[-14:] = 0
    gone = np.full(DAYS, np.nan)
    every = firms()
    told = {
        name: {4: np.where(np.arange(DAYS) < DAYS - 14, values[4], gone)}
        for name, values in every.measures.items()
        if name != "owned_seconds"
    }
    told["observed_seconds"] = {4: observed}
    assert codes(firms(**told), "F04") == {"low_coverage": Severity.WATCH}


def test_a_stop_is_one_only_where_others_work() -> None:
    stopped = changed("executing_seconds", 9, lately(0.0, days=10))
    assert codes(stopped, "F09")["stopped"] is Severity.CRITICAL
    holiday = replace(
        stopped,
        measures={
            **stopped.measures,
            "executing_seconds": stopped.measures["executing_seconds"] * lately(0.0, days=10),
        },
    )
    assert not [item for item in early_warnings(holiday, VALUES) if item.code is WarningCode.STOPPED]


def test_more_faults() -> None:
    assert "more_faults" in codes(changed("fault_seconds", 2, lately(9.0)), "F02")


def test_a_short_past_warns_of_nothing() -> None:
    young = firms()
    young = replace(young, measures={name: values[:, -60:] for name, values in young.measures.items()})
    levels = summarise(young, VALUES, dues=None).levels["parts"]
    assert np.isnan(decline(levels, young.industry, TERMS)).all()
    assert early_warnings(young, VALUES) == []


def test_later_days_and_other_orders_change_nothing() -> None:
    watched = changed("parts", 3, lately(0.2))
    order = np.random.default_rng(1).permutation(FIRMS)
    shuffled = replace(
        watched, units=[watched.units[at] for at in order], owners=[watched.units[at] for at in order], industry=watched.industry[order],
        measures={name: values[order] for name, values in watched.measures.items()},
    )  # fmt: skip
    assert early_warnings(shuffled, VALUES) == early_warnings(watched, VALUES)


def warned(
    code: WarningCode = WarningCode.LOW_HOURS, severity: Severity = Severity.WATCH, *, day: int = 0
) -> EarlyWarning:
    return EarlyWarning(
        unit="A/1", day=TODAY + timedelta(days=day), code=code, severity=severity, strength=3.0, evidence={}
    )


def take_in(case: Case | None, obligor_id: str, warnings: list[EarlyWarning], *, day: date) -> Handled | None:
    return cases.take_in(case, obligor_id, warnings, day=day, opens=Opening(severity=Severity.WATCH))


def test_what_is_mild_opens_no_case_and_joins_one() -> None:
    opens = Opening(severity=Severity.SERIOUS, codes=frozenset({WarningCode.LOW_HOURS}))
    assert cases.take_in(None, "A", [warned()], day=TODAY, opens=opens) is None
    other = warned(WarningCode.MORE_FAULTS, Severity.CRITICAL)
    assert cases.take_in(None, "A", [other], day=TODAY, opens=opens) is None
    handled = cases.take_in(None, "A", [warned(severity=Severity.SERIOUS)], day=TODAY, opens=opens)
    assert handled is not None
    joined = cases.take_in(handled.case, "A", [other], day=TODAY, opens=opens)
    assert joined is not None
    assert len(joined.case.seen) == 2


def opened() -> Case:
    handled = take_in(None, "A", [warned()], day=TODAY)
    assert handled is not None
    assert handled.is_news
    return handled.case


def test_no_warning_no_case() -> None:
    assert take_in(None, "A", [], day=TODAY) is None


def test_everything_joins_one_case_and_only_what_is_worse_is_news() -> None:
    case = opened()
    again = take_in(case, "A", [warned()], day=TODAY)
    assert again is not None
    assert (again.case, again.is_news) == (case, False)
    more = take_in(case, "A", [warned(WarningCode.LOW_OUTPUT, day=1)], day=TODAY + timedelta(days=1))
    assert more is not None
    assert (len(more.case.seen), more.is_news) == (2, False)
    worse = take_in(more.case, "A", [warned(severity=Severity.CRITICAL, day=2)], day=TODAY + timedelta(days=2))
    assert worse is not None
    assert (worse.case.severity, worse.is_news, worse.case.opened_on) == (Severity.CRITICAL, True, TODAY)
    calm = take_in(worse.case, "A", [warned(severity=Severity.CRITICAL, day=3)], day=TODAY + timedelta(days=3))
    assert calm is not None
    assert not calm.is_news


def test_a_snoozed_case_sleeps_until_its_day_or_something_worse() -> None:
    until = TODAY + timedelta(days=10)
    case = act(opened(), Act.SNOOZE, reason="stocktaking", until=until)
    for day, severity, is_news in ((5, Severity.WATCH, False), (5, Severity.SERIOUS, True), (10, Severity.WATCH, True)):
        handled = take_in(case, "A", [warned(severity=severity, day=day)], day=TODAY + timedelta(days=day))
        assert handled is not None
        assert handled.is_news is is_news
        assert handled.case.state is (CaseState.OPEN if is_news else CaseState.SNOOZED)


def test_a_closed_case_stays_and_the_next_warning_opens_another() -> None:
    case = act(opened(), Act.CLOSE, reason="orders came back", outcome=CaseOutcome.RECOVERED)
    assert take_in(case, "A", [], day=TODAY) is None
    handled = take_in(case, "A", [warned(day=30)], day=TODAY + timedelta(days=30))
    assert handled is not None
    assert handled.case.opened_on == TODAY + timedelta(days=30)


def test_nothing_is_done_without_a_reason() -> None:
    case = opened()
    assert act(case, Act.ACKNOWLEDGE, reason="seen").state is CaseState.ACKNOWLEDGED
    assert act(case, Act.ESCALATE, reason="call them").state is CaseState.ESCALATED
    closed = act(case, Act.CLOSE, reason="done", outcome=CaseOutcome.FALSE_ALARM)
    for wrong in (
        lambda: act(case, Act.ACKNOWLEDGE, reason="  "),
        lambda: act(case, Act.SNOOZE, reason="later"),
        lambda: act(case, Act.CLOSE, reason="done"),
        lambda: act(closed, Act.ACKNOWLEDGE, reason="seen"),
    ):
        with pytest.raises(InvalidRequest):
            wrong()
