"""What is known of a buyer when an invoice is issued: a book worked by hand, row by row, and nothing of what comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.payment_behaviour import InvoiceBook, payment_behaviour

K = 2.0
FIRST = np.datetime64("2026-01-01", "D")


def book(rows: list[tuple[int, int, int, int | None, int]]) -> InvoiceBook:
    """Rows of (buyer, issued, due, settled, amount), days counted from the first of January."""
    buyer, issued, due, settled, amount = zip(*rows, strict=True)
    never = np.datetime64("NaT", "D")
    return InvoiceBook(
        buyer=np.array(buyer, np.int64),
        issued=FIRST + np.array(issued, np.int64),
        due=FIRST + np.array(due, np.int64),
        settled=np.array([never if day is None else FIRST + day for day in settled], "datetime64[D]"),
        amount_minor=np.array(amount, np.int64),
    )


WORKED = book(
    [
        (0, 0, 30, 20, 100),  # paid on time, known from day 21
        (0, 10, 40, 70, 300),  # late, known from day 41, paid on day 70
        (0, 41, 71, None, 200),  # never paid, late from day 72
        (0, 80, 110, 100, 400),
        (1, 50, 80, 60, 100),  # another buyer
    ]
)


def test_a_book_by_hand() -> None:
    told = payment_behaviour(WORKED, credibility_invoices=K)
    nan = np.nan
    by_hand = {
        "buyer_known_invoices": [0, 0, 2, 3, 0],
        # everybody on day 41: 1 of 2; on day 50: 1 of 2; on day 80: late 2 of 4 (the last buyer's paid on time)
        "buyer_late_share": [nan, nan, (1 + K * 0.5) / (2 + K), (2 + K * 0.5) / (3 + K), (0 + K * 0.5) / K],
        "buyer_mean_days_late": [nan, nan, 0.0, (0 + 30) / 2, nan],
        "buyer_mean_days_to_pay": [nan, nan, 20.0, (20 + 60) / 2, nan],
        "buyer_open_invoices": [0, 1, 1, 1, 0],
        "buyer_overdue_invoices": [0, 0, 1, 1, 0],
        "buyer_open_amount_to_usual": [nan, 100 / 100, 300 / 200, 200 / 200, nan],
        "amount_to_usual": [nan, 3.0, 200 / 200, 400 / 200, nan],
        "tenor_days": [30, 30, 30, 30, 30],
    }
    for name, values in by_hand.items():
        np.testing.assert_allclose(told[name], values, err_msg=name)
    assert np.isnan(told["buyer_disputed_share"]).all()


def test_a_dispute_is_known_once_its_invoice_is_settled() -> None:
    disputed = replace(WORKED, was_disputed=np.array([False, True, True, False, False]))
    told = payment_behaviour(disputed, credibility_invoices=K)["buyer_disputed_share"]
    np.testing.assert_allclose(told, [np.nan, np.nan, 0.0, 0.5, np.nan])


def test_what_happens_on_the_day_of_issue_is_not_known_yet() -> None:
    on_the_day = book([(0, 0, 30, 10, 100), (0, 10, 40, 20, 100)])
    a_day_before = book([(0, 0, 30, 9, 100), (0, 10, 40, 20, 100)])
    assert payment_behaviour(on_the_day, credibility_invoices=K)["buyer_known_invoices"].tolist() == [0, 0]
    assert payment_behaviour(a_day_before, credibility_invoices=K)["buyer_known_invoices"].tolist() == [0, 1]


invoices = st.tuples(
    st.integers(0, 2),
    st.integers(0, 250),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(0, 120)),
    st.integers(1, 999),
).map(lambda row: (row[0], row[1], row[1] + row[2], None if row[3] is None else row[1] + row[3], row[4]))


@given(st.lists(invoices, min_size=2, max_size=25), st.data())
def test_nothing_from_the_day_of_issue_on_changes_a_feature(
    rows: list[tuple[int, int, int, int | None, int]], data: st.DataObject
) -> None:
    """Payments on or after the day are moved or taken away, later invoices changed: the row's features stay."""
    asked = data.draw(st.integers(0, len(rows) - 1))
    today = rows[asked][1]
    other = []
    for number, (buyer, issued, due, settled, amount) in enumerate(rows):
        is_open = settled is None or settled >= today
        moved = data.draw(st.one_of(st.none(), st.integers(today, today + 300))) if is_open else settled
        moved = moved if moved is None or moved >= issued else issued
        is_later = issued >= today and number != asked
        other.append((buyer, issued, due, moved, 7 * amount if is_later else amount))
    before = payment_behaviour(book(rows), credibility_invoices=K)
    after = payment_behaviour(book(other), credibility_invoices=K)
    for name, values in before.items():
        assert values[asked] == pytest.approx(after[name][asked], nan_ok=True), name


@given(st.lists(invoices, min_size=1, max_size=25))
def test_as_counted_one_by_one(rows: list[tuple[int, int, int, int | None, int]]) -> None:
    told = payment_behaviour(book(rows), credibility_invoices=K)
    for number, (buyer, today, _, _, _) in enumerate(rows):
        mine = [row for row in rows if row[0] == buyer and row[1] < today]
        paid = [row for row in mine if row[3] is not None and row[3] < today]
        late = [row for row in mine if row[2] < today and (row[3] is None or row[3] > row[2])]
        on_time = [row for row in paid if row[3] is not None and row[3] <= row[2]]
        overdue = [row for row in late if row not in paid]
        assert told["buyer_known_invoices"][number] == len(late) + len(on_time)
        assert told["buyer_open_invoices"][number] == len(mine) - len(paid)
        assert told["buyer_overdue_invoices"][number] == len(overdue)
