"""A season as it is settled: what nobody watched never pays, announced shutdowns, and the life of a settlement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from data_contracts.identifiers import QuoteId
from data_contracts.vocabulary import DataOrigin
from risk_reports import payout_statement
from risk_reports.wording.catalogue import Language
from scoring.errors import InvalidRequest, PolicyForbids
from scoring.insurance.idle_cover.payout import IdleTerms, PayoutStatement, SeasonDays, settle
from scoring.insurance.idle_cover.season import (
    EPOCH,
    Shutdown,
    WatchedDays,
    reference_of,
    season_of,
    years_before,
)
from scoring.insurance.idle_cover.settlement import (
    PayoutDecided,
    PayoutOutcome,
    PayoutSettled,
    Referral,
    ShutdownAnnounced,
    StandstillTold,
    outcome_of,
    referrals_of,
)
from scoring.insurance.policy_life import Bound, Lapsed, life_of
from scoring.records import InsuranceProduct

STARTS, ENDS = date(2026, 3, 1), date(2026, 5, 31)
FIRST = date(2024, 3, 1)
TERMS = IdleTerms(trigger_share=0.8, exit_share=0.4, coinsurance_share=0.2)
SUM = 9_200_001
DAY_SECONDS = 86_400.0


def slump() -> WatchedDays:
    """Two machines at half their time in the seasons before, at a quarter in this one, like their cluster."""
    days = np.arange(FIRST.toordinal() - EPOCH, ENDS.toordinal() - EPOCH + 1)
    is_now = days >= STARTS.toordinal() - EPOCH
    owned = np.full(len(days), 2 * DAY_SECONDS)
    return WatchedDays(
        days=days,
        executing=owned * np.where(is_now, 0.25, 0.5),
        watched=owned.copy(),
        owned=owned,
        cluster_rate=np.where(is_now, 0.15, 0.4),
    )


def hidden(found: WatchedDays, days: np.ndarray) -> WatchedDays:
    """The same with nothing watched on some days (mask)."""
    return replace(found, executing=np.where(days, 0.0, found.executing), watched=np.where(days, 0.0, found.watched))


def settled(found: WatchedDays, *announced: Shutdown) -> PayoutStatement:
    reference = reference_of(found, STARTS, ENDS, years=2)
    days = season_of(found, STARTS, ENDS, reference, announced)
    return settle(days, reference, TERMS, sum_insured_minor=SUM, daily_fixed_cost_minor=Decimal(SUM) / 92)


def test_a_season_at_half_pays_and_its_lines_add_up_to_the_fen() -> None:
    told = settled(slump())
    assert (told.own_rate, told.own_trigger, told.own_exit) == pytest.approx((0.25, 0.4, 0.2))
    assert (told.cluster_trigger, told.cluster_exit) == pytest.approx((0.32, 0.16))
    assert (told.own_shortfall, told.cluster_shortfall) == pytest.approx((0.375, 0.5))
    assert told.gross_minor == round(0.375 * SUM)
    assert told.gross_minor - told.deductible_minor - told.above_lost_minor == told.payout_minor
    assert told.payout_minor == pytest.approx(0.3 * SUM, abs=1)


def test_lines_add_up_whatever_the_season() -> None:
    rng = np.random.default_rng(4)
    capped = 0
    for _ in range(200):
        n = int(rng.integers(5, 60))
        days = SeasonDays(
            own_rate=rng.uniform(0, 0.6, n), cluster_rate=rng.uniform(0, 0.5, n),
            is_planned=rng.random(n) < 0.2, is_holiday=np.arange(n) == 1,
        )  # fmt: skip
        reference = reference_of(slump(), STARTS, ENDS, years=2)
        told = settle(
            days, reference, TERMS, sum_insured_minor=int(rng.integers(1, 10**10)),
            daily_fixed_cost_minor=Decimal(int(rng.integers(0, 10**8))),
        )  # fmt: skip
        assert told.gross_minor - told.deductible_minor - told.above_lost_minor == told.payout_minor
        assert 0 <= told.payout_minor <= told.lost_fixed_cost_minor or told.payout_minor == 0
        assert min(told.deductible_minor, told.above_lost_minor) >= 0
        capped += told.above_lost_minor > 0
    assert capped


def test_to_watch_less_never_pays_more() -> None:
    """Whatever days of whichever season are hidden: of the best season before, of the worst now, of any."""
    rng, base = np.random.default_rng(5), slump()
    base = replace(base, executing=base.executing * rng.uniform(0.2, 1.8, len(base.days)))
    full = settled(base).payout_minor
    assert full > 0
    for share in (0.05, 0.3, 0.8):
        for where in (base.between(STARTS, ENDS), ~base.between(STARTS, ENDS), np.ones(len(base.days), dtype=bool)):
            days = where & (rng.random(len(base.days)) < share)
            assert settled(hidden(base, days)).payout_minor <= full
    busy = base.between(STARTS, ENDS) & (base.executing > 0.25 * base.owned)
    assert settled(hidden(base, busy)).payout_minor < full


def test_an_announced_shutdown_is_left_out_where_the_machines_stood_still() -> None:
    base, shut = slump(), Shutdown(starts=date(2026, 4, 13), ends=date(2026, 4, 22))
    days = base.between(shut.starts, shut.ends)
    still = replace(base, executing=np.where(days, 0.0, base.executing))
    left_out, counted = settled(still, shut), settled(still)
    assert (left_out.days_planned, counted.days_planned) == (10, 0)
    assert left_out.payout_minor < counted.payout_minor
    worked = settled(base, shut)
    assert (worked.days_planned, worked.days_counted) == (0, settled(base).days_counted)
    assert settled(hidden(base, days), shut).days_planned == 0  # unwatched: worked as usual


def test_holidays_count_for_nothing() -> None:
    """Tomb Sweeping on 5 April and Labour Day on 1 and 2 May of 2026, by the State Council's regulation."""
    told = settled(slump())
    assert told.days_counted + told.days_holiday == 92
    assert 2 <= told.days_holiday <= 4
    base = slump()
    on = base.is_holiday & base.between(STARTS, ENDS)
    idle = replace(base, executing=np.where(on, 0.0, base.executing), cluster_rate=np.where(on, 0.0, base.cluster_rate))
    assert settled(idle) == told


def test_without_a_season_before_there_is_no_payout() -> None:
    base = slump()
    before = ~base.between(STARTS, ENDS)
    new = replace(base, owned=np.where(before, 0.0, base.owned), executing=np.where(before, 0.0, base.executing))
    with pytest.raises(InvalidRequest, match="no working day tells"):
        settled(new)
    assert years_before(date(2028, 2, 29), 1) == date(2027, 2, 28)


NOW = datetime(2026, 6, 2, tzinfo=UTC)


def bound(product: InsuranceProduct = InsuranceProduct.IDLE_COVER) -> Bound:
    return Bound(
        recorded_time=datetime(2026, 2, 20, tzinfo=UTC), product=product, quote_id=QuoteId("q"),
        quote_valid_until=datetime(2026, 3, 20, tzinfo=UTC), starts=STARTS, ends=ENDS, machines=(),
        sum_insured_minor=SUM, premium_minor=100_000, currency="CNY",
    )  # fmt: skip


STAGED = StandstillTold(
    first_day=date(2026, 4, 1), working_days=15, drop=0.9, unexplained_days=14.0, delivered_share=1.0, score=12.6,
    limit=3.0,
)  # fmt: skip


def payout(standstill: StandstillTold | None = None, *, is_metered: bool = True) -> PayoutSettled:
    statement = settled(slump())
    referrals = referrals_of(statement, standstill, is_metered=is_metered)
    outcome = outcome_of(statement, referrals)
    return PayoutSettled(
        recorded_time=NOW, outcome=outcome, referrals=referrals, statement=statement, standstill=standstill,
        starts=STARTS, ends=ENDS, watched_share=1.0, cluster_firms=9,
        due_minor=statement.payout_minor if outcome is PayoutOutcome.PAID else 0, currency="CNY", data_origin=DataOrigin.SYNTHETIC, evidence="e" * 64,
    )  # fmt: skip


def decided(settlement: PayoutSettled, *, is_paid: bool) -> PayoutDecided:
    due = settlement.statement.payout_minor if is_paid else 0
    at = NOW + timedelta(days=3)
    return PayoutDecided(recorded_time=at, is_paid=is_paid, due_minor=due, currency="CNY", reason="site visited")


def test_a_staged_shutdown_and_a_missing_meter_are_referred_and_paid_by_a_person_alone() -> None:
    clear = life_of("p", [bound(), payout()])
    assert clear.paid_minor == payout().statement.payout_minor
    for settlement, why in (
        (payout(STAGED), Referral.STAGED_SHUTDOWN),
        (payout(is_metered=False), Referral.SITE_METER_MISSING),
    ):
        assert (settlement.outcome, settlement.referrals) == (PayoutOutcome.REFERRED, (why,))
        assert life_of("p", [bound(), settlement]).paid_minor is None
        for is_paid in (True, False):
            state = life_of("p", [bound(), settlement, decided(settlement, is_paid=is_paid)])
            assert state.paid_minor == (settlement.statement.payout_minor if is_paid else 0)
    assert payout(replace(STAGED, score=2.9)).outcome is PayoutOutcome.PAID
    nothing = replace(payout().statement, payout_minor=0)
    assert referrals_of(nothing, STAGED, is_metered=False) == ()
    assert outcome_of(nothing, ()) is PayoutOutcome.NOTHING_DUE


def announced(at: datetime, starts: date, ends: date) -> ShutdownAnnounced:
    return ShutdownAnnounced(recorded_time=at, starts=starts, ends=ends, reason="overhaul")


def lapsed() -> Lapsed:
    return Lapsed(recorded_time=NOW, effective=date(2026, 5, 1), premium_change_minor=0, currency="CNY", reason="x")


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([replace(payout(), recorded_time=datetime(2026, 5, 31, tzinfo=UTC))], "settled afterwards"),
        ([payout(), payout()], "settled once"),
        ([payout(), lapsed()], "changes no more"),
        ([payout(), decided(payout(), is_paid=True)], "was referred"),
        ([payout(STAGED), replace(decided(payout(), is_paid=True), due_minor=1)], "neither nothing nor"),
        ([payout(STAGED), *[decided(payout(STAGED), is_paid=False)] * 2], "decided before"),
        ([announced(NOW, date(2026, 5, 1), date(2026, 5, 5))], "announced on"),
        ([announced(datetime(2026, 3, 1, tzinfo=UTC), date(2026, 5, 30), date(2026, 6, 2))], "outside"),
    ],
)
def test_what_does_not_follow_is_refused(records: list[object], why: str) -> None:
    with pytest.raises(PolicyForbids, match=why):
        life_of("p", [bound(), *records])  # type: ignore[list-item]


def test_other_covers_have_no_season() -> None:
    with pytest.raises(PolicyForbids, match="no season to settle"):
        life_of("p", [bound(InsuranceProduct.GUARANTEE), payout()])


@pytest.mark.parametrize("language", list(Language))
def test_the_statement_tells_every_line_in_both_languages(language: Language) -> None:
    from api.policy_records import ADAPTERS
    from scoring.insurance.policy_life import Step

    settlement = payout(STAGED)
    facts = ADAPTERS[Step.PAYOUT_SETTLED].dump_python(settlement, mode="json")
    facts = {"policy_id": "p-1", "obligor_id": "91999999MA0001000T", **facts}
    person = ADAPTERS[Step.PAYOUT_DECIDED].dump_python(decided(settlement, is_paid=False), mode="json")
    told = "\n".join(payout_statement.lines(facts, person, language))
    for figure in ("37.50", "40.00", "32.00", "34,500.00", "6,900.00", "27,600.00", "site visited", "e" * 64):
        assert figure in told, figure
    paper = payout_statement.document(facts, None, language)
    assert paper.notices[0] in told
    assert payout_statement.document({**facts, "data_origin": "real"}, None, language).notices == []
    assert [len(section.points) for section in paper.sections] == [0, 5, 0, 1, 3]
