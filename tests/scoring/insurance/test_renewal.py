"""A round of renewals: own claims count by their credibility, caps hold, and the book keeps what the tariff says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.insurance.build_up import Loadings
from scoring.insurance.renewal import Experience, RenewalCase, fleet_ratios, renewal_round
from scoring.insurance.transition import stepped

LOADINGS = Loadings(variable={"expenses": Decimal("0.25")}, fixed_minor=6_000)
CAPS = {"most_up": 0.2, "most_down": 0.2}


def case(name: str, expiring: int, pure: int) -> RenewalCase:
    gross = pure * 4 // 3 + 6_000
    told = {"policy_id": f"p-{name}", "quote_id": f"q-{name}", "fleet": name}
    return RenewalCase(**told, expiring_minor=expiring, pure_minor=pure, quoted_minor=gross, loadings=LOADINGS)


def test_without_claims_to_tell_fleets_apart_the_tariff_stands() -> None:
    alike = {name: Experience(expected=2.0, claims=2) for name in "AB"}
    found = renewal_round([case("A", 406_000, 300_000), case("B", 406_000, 300_000)], alike, **CAPS)
    assert [(line.technical_minor, line.charged_minor) for line in found.lines] == [(406_000, 406_000)] * 2
    assert [line.fleet.credibility for line in found.lines] == [0.0, 0.0]
    assert (found.off_balance, found.unbalanced_minor, found.collective) == (pytest.approx(1.0), 0, 1.0)


def test_a_fleet_with_many_claims_pays_more_and_caps_are_paid_by_the_others() -> None:
    """A ran at four times what was expected of it, the other two at half and at a quarter."""
    told = {"A": Experience(expected=10, claims=40), "B": Experience(expected=10, claims=5), "C": Experience(expected=8, claims=2)}  # fmt: skip
    found = renewal_round([case(name, 406_000, 300_000) for name in "ABC"], told, **CAPS)
    first, second, third = found.lines
    assert first.fleet.factor > 1 > second.fleet.factor > third.fleet.factor
    assert 0.5 < first.fleet.credibility < 1
    assert first.technical_minor == round(300_000 * first.fleet.factor / 0.75) + 6_000
    assert first.charged_minor == 487_200  # 1.2 times what expires
    assert third.charged_minor >= 324_800
    assert sum(line.charged_minor for line in found.lines) + found.unbalanced_minor == sum(
        line.technical_minor for line in found.lines
    )
    assert found.off_balance != 1.0


def test_fleets_that_nothing_was_expected_of_have_no_ratio() -> None:
    ratios, collective = fleet_ratios({"A": Experience(expected=0.0, claims=0)})
    assert (ratios, collective) == ({}, 1.0)
    found = renewal_round([case("A", 406_000, 300_000)], {}, **CAPS)
    assert (found.lines[0].charged_minor, found.lines[0].fleet.own) == (406_000, None)


def test_a_book_without_any_claim_is_not_made_free() -> None:
    quiet = {name: Experience(expected=3.0, claims=0) for name in "AB"}
    assert [ratio.factor for ratio in fleet_ratios(quiet)[0].values()] == [1.0, 1.0]


@given(
    st.lists(st.tuples(st.integers(10_000, 10**8), st.floats(0.2, 5.0)), min_size=1, max_size=30),
)
def test_caps_hold_to_the_fen_and_what_they_leave_is_told(book: list[tuple[int, float]]) -> None:
    current = [premium for premium, _ in book]
    technical = [max(1, round(premium * change)) for premium, change in book]
    found = stepped(current, technical, most_up=0.2, most_down=0.15)
    assert sum(found.charged_minor) + found.unbalanced_minor == sum(technical)
    for before, after in zip(current, found.charged_minor, strict=True):
        assert before * 0.85 - 1e-6 * before <= after <= before * 1.2 + 1e-6 * before
