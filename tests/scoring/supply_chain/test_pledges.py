"""What collides with what: a row a case, the finding last. Two pledges, one after the other, on an empty registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import InvalidRequest
from scoring.supply_chain.pledges.canonical import canonical_number, look_alike, whole_of
from scoring.supply_chain.pledges.claims import Collision, Likeness, claims_of
from scoring.supply_chain.pledges.fingerprints import Key, Token
from scoring.supply_chain.pledges.items import HoursItem, InvoiceItem, Item, MachineItem, OrderItem, Paper
from scoring.supply_chain.pledges.judge import Slot, Verdict, capacities_of, judge, shares_of

KEY = Key(secret=bytes(range(32)), livemode=False)
NEAR = Likeness(days=3, amount_ratio=0.01)
C = Collision

INVOICE = InvoiceItem(
    seller_id="S", buyer_id="B", number="IN-0000001-00042", amount_minor=1_000_000, currency="CNY",
    issued_on=date(2026, 5, 20), order=Paper(number="PO-7", amount_minor=3_000_000),
    delivery=Paper(number="DN-9", amount_minor=1_000_000),
)  # fmt: skip
BARE = replace(INVOICE, order=None, delivery=None)
ORDER = OrderItem(seller_id="S", buyer_id="B", number="PO-7", amount_minor=3_000_000, currency="CNY")
MACHINE = MachineItem(maker="Sany", serial_number="SN 0815", machine_uid="S/VMC-01")
EIGHT = datetime(2026, 5, 20, 8, tzinfo=UTC)


def hours(start: float, end: float, machine: str = "S/VMC-01") -> HoursItem:
    return HoursItem(machine_uid=machine, starts=EIGHT + timedelta(hours=start), ends=EIGHT + timedelta(hours=end))


def verdict(first: Sequence[Item], second: Sequence[Item], *, key: Key = KEY) -> Verdict:
    """The second pledge, judged beside the first."""
    standing, asked = [claims_of(item, KEY, NEAR) for item in first], [claims_of(item, key, NEAR) for item in second]
    least, shares = capacities_of(standing), shares_of(standing)
    slots = {token: Slot(capacity=least[token], held=share.amount) for token, share in shares.items()}
    return judge(asked, slots, frozenset(trace.token for item in standing for trace in item.left))


def edited(**changes: object) -> InvoiceItem:
    return replace(BARE, **changes)  # type: ignore[arg-type]


# first pledged            then asked                                                  refused for         alike in
CASES = [
    (INVOICE,              INVOICE,                                                    "ID",               "NL"),
    (BARE,                 BARE,                                                       "I",                "NL"),
    (BARE,                 edited(number="in 1/42"),                                   "I",                "NL"),
    (BARE,                 edited(number="ＩＮ-0000001-00042"),                          "I",                "NL"),
    (BARE,                 edited(amount_minor=7_777_777, issued_on=date(2026, 9, 1)), "I",                "L"),
    (BARE,                 edited(buyer_id="other"),                                   "I",                "L"),
    (BARE,                 edited(seller_id="other"),                                  "",                 ""),
    (BARE,                 edited(number="IN-0000001-00042/1", amount_minor=500_000),  "I",                ""),
    (edited(number="IN-0000001-00042/1"), BARE,                                        "I",                "N"),
    (edited(number="A-9/1", amount_minor=5000), edited(number="A-9/2", amount_minor=9000), "",             ""),
    (BARE,                 edited(number="IN-0000001-00043"),                          "",                 "N"),
    (BARE,                 edited(number="ZZ-9", amount_minor=1_005_000, issued_on=date(2026, 5, 23)), "", "N"),
    (BARE,                 edited(number="ZZ-9", issued_on=date(2026, 5, 24)),         "",                 ""),
    (BARE,                 edited(number="ZZ-9", amount_minor=1_100_000),              "",                 ""),
    (BARE,                 edited(number="1N-OOOOOOl-OOO42", amount_minor=5),          "",                 "L"),
    (INVOICE,              replace(INVOICE, number="IN-99", issued_on=date(2026, 6, 20)), "D",             ""),
    (INVOICE,              replace(INVOICE, number="IN-99", amount_minor=2_000_000, delivery=None), "",    ""),
    (INVOICE,              replace(INVOICE, number="IN-99", amount_minor=2_000_001, delivery=None), "O",   ""),
    (INVOICE,              ORDER,                                                      "O",                ""),
    (ORDER,                INVOICE,                                                    "O",                ""),
    (ORDER,                replace(ORDER, amount_minor=1),                             "O",                ""),
    (ORDER,                replace(ORDER, number="PO-8"),                              "",                 ""),
    (MACHINE,              MACHINE,                                                    "M",                ""),
    (MACHINE,              replace(MACHINE, serial_number="sn-815", machine_uid=None), "M",                ""),
    (MACHINE,              replace(MACHINE, serial_number="SN 0816"),                  "M",                ""),
    (MACHINE,              MachineItem(maker="Sany", serial_number="SN 0816", machine_uid="S/2"), "",      ""),
    (hours(0, 8),          hours(8, 16),                                               "",                 ""),
    (hours(0, 8),          hours(7, 16),                                               "H",                ""),
    (hours(0, 0.5),        hours(0.5, 1),                                              "",                 ""),
    (hours(0, 0.6),        hours(0.5, 1),                                              "H",                ""),
    (hours(0, 8),          hours(0, 8, machine="S/VMC-02"),                            "",                 ""),
]  # fmt: skip
LETTERS = {
    "I": C.SAME_INVOICE, "O": C.SAME_ORDER, "D": C.SAME_DELIVERY, "M": C.SAME_MACHINE, "H": C.SAME_MACHINE_HOURS,
    "N": C.NEAR_INVOICE, "L": C.SIMILAR_NUMBER,
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "refused", "alike"), CASES)
def test_a_second_pledge(first: Item, second: Item, refused: str, alike: str) -> None:
    found = verdict([first], [second])
    assert set(found.refused[0]) == {LETTERS[letter] for letter in refused}
    assert set(found.likely[0]) == {LETTERS[letter] for letter in alike}


def test_a_machine_whose_days_another_obligor_tells_asks_for_a_look_even_alone() -> None:
    told = frozenset({"S/VMC-01"})
    items = [replace(MACHINE, machine_uid="S/VMC-01"), replace(MACHINE, machine_uid="S/VMC-02"), hours(0, 8), INVOICE]
    found = judge([claims_of(item, KEY, NEAR, told) for item in items], {}, frozenset())
    assert found.likely == [(C.SAME_DAYS,), (), (C.SAME_DAYS,), ()]


def test_one_exposure_follows_its_order_into_its_invoices() -> None:
    """An order and the invoices that bill it, in one pledge, are worth the order once."""
    second = replace(INVOICE, number="IN-43", amount_minor=2_000_000, delivery=None)
    assert not verdict([], [ORDER, INVOICE, second]).is_refused
    third = replace(INVOICE, number="IN-44", amount_minor=1, delivery=None)
    assert verdict([], [ORDER, INVOICE, second, third]).is_refused


def test_a_pledge_collides_with_itself() -> None:
    assert verdict([], [MACHINE, MACHINE]).refused == [(C.SAME_MACHINE,), (C.SAME_MACHINE,)]
    assert verdict([], [hours(0, 2), hours(1, 3)]).is_refused


def test_live_and_test_never_meet_and_neither_do_keys() -> None:
    for key in (Key(secret=KEY.secret, livemode=True), Key(secret=bytes(32), livemode=False)):
        found = verdict([INVOICE, MACHINE, ORDER, hours(0, 8)], [INVOICE, MACHINE], key=key)
        assert not found.is_refused
        assert not found.needs_review


def test_a_fingerprint_shows_nothing_and_parts_are_kept_apart() -> None:
    assert KEY.token("order", ("ab", "c")) != KEY.token("order", ("a", "bc"))
    assert KEY.token("order", ("1",)) != KEY.token("order", (1,))
    told = claims_of(INVOICE, KEY, NEAR)
    assert all(len(claim.token) == 64 and set(claim.token) <= set("0123456789abcdef") for claim in told.claims)


def test_hours_are_the_same_in_every_zone() -> None:
    there = timezone(timedelta(hours=8))
    same = HoursItem(machine_uid="S/VMC-01", starts=EIGHT.astimezone(there), ends=EIGHT + timedelta(hours=1))
    assert [claim.token for claim in claims_of(same, KEY, NEAR).claims] == [
        claim.token for claim in claims_of(hours(0, 1), KEY, NEAR).claims
    ]


@pytest.mark.parametrize("item", [hours(1, 1), hours(2, 1), hours(0, 5001), replace(BARE, number="--/--")])
def test_what_names_nothing_is_refused_by_name(item: Item) -> None:
    with pytest.raises(InvalidRequest):
        claims_of(item, KEY, NEAR)


@pytest.mark.parametrize(
    ("text", "number", "whole"),
    [
        ("IN-0042", ("IN", "42"), ("IN",)),
        ("in0042/1", ("IN", "42", "1"), ("IN", "42")),
        ("0000", ("0",), None),
        ("4403 2245 0012", ("4403", "2245", "12"), ("4403", "2245")),
        ("发票-007", ("发票", "7"), ("发票",)),
    ],
)
def test_numbers(text: str, number: tuple[str, ...], whole: tuple[str, ...] | None) -> None:
    assert canonical_number(text) == number
    assert whole_of(number) == whole


def test_look_alikes() -> None:
    assert look_alike("lO5-B") == look_alike("105-8") == look_alike("I O S B")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 16), st.sampled_from(["S/1", "S/2"])), max_size=12),
)
def test_no_hour_is_ever_held_twice(asked: list[tuple[int, int, str]]) -> None:
    """Whatever is asked in whatever order, what stands never exceeds a slot; what was refused left nothing."""
    held: dict[Token, int] = defaultdict(int)
    for start, length, machine in asked:
        item = [claims_of(hours(start, start + length, machine), KEY, NEAR)]
        slots = {token: Slot(capacity=3600, held=amount) for token, amount in held.items()}
        if not judge(item, slots, frozenset()).is_refused:
            for token, share in shares_of(item).items():
                held[token] += share.amount
    assert all(amount <= 3600 for amount in held.values())
