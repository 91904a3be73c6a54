"""Renewal caps with off-balance: nobody moves too far, and the book earns what the tariff says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import InvalidRequest
from scoring.insurance.transition import renewed, stepped


def test_what_a_cap_takes_the_others_pay() -> None:
    """Technical 200 is capped at 120; its 80 go to the other two, in proportion: 390 becomes 2 x 135 = 270 + 120."""
    found = renewed([10_000, 15_000, 15_000], [20_000, 9_500, 9_500], most_up=0.2, most_down=0.4)
    assert found.charged_minor == (12_000, 13_500, 13_500)
    assert found.technical_minor == (20_000, 9_500, 9_500)
    assert (found.capped_up, found.capped_down) == (1, 0)
    assert found.off_balance == pytest.approx(13_500 / 9_500)


def test_new_policies_pay_the_off_balanced_tariff() -> None:
    found = renewed([10_000, 0], [20_000, 10_000], most_up=0.2, most_down=0.2)
    assert found.charged_minor == (12_000, 18_000)


def test_a_book_that_moves_as_a_whole_is_refused_with_its_change() -> None:
    with pytest.raises(InvalidRequest, match=r"\+50.0%.*-15% to \+20%"):
        renewed([10_000, 10_000], [15_000, 15_000], most_up=0.2, most_down=0.15)


def test_a_book_that_moves_as_a_whole_moves_by_its_caps_and_tells_what_is_left() -> None:
    up = stepped([10_000, 10_000], [15_000, 30_000], most_up=0.2, most_down=0.15)
    assert (up.charged_minor, up.unbalanced_minor) == ((12_000, 12_000), 21_000)
    assert (up.off_balance, up.capped_up, up.capped_down) == (1.0, 2, 0)
    down = stepped([10_000, 10_000], [5_000, 2_000], most_up=0.2, most_down=0.15)
    assert (down.charged_minor, down.unbalanced_minor) == ((8_500, 8_500), -10_000)
    assert (down.off_balance, down.capped_up, down.capped_down) == (1.0, 0, 2)
    mixed = stepped([10_000, 10_000], [11_000, 30_000], most_up=0.2, most_down=0.15)
    assert (mixed.charged_minor, mixed.off_balance) == ((12_000, 12_000), 12_000 / 11_000)


@given(st.lists(st.tuples(st.integers(10_000, 10**8), st.floats(0.5, 2.0)), min_size=2, max_size=30))
def test_caps_and_balance_hold_to_the_minor_unit(book: list[tuple[int, float]]) -> None:
    current = [premium for premium, _ in book]
    raw = [premium * change for premium, change in book]
    technical = [max(1, round(amount * sum(current) / sum(raw))) for amount in raw]
    found = renewed(current, technical, most_up=0.2, most_down=0.15)
    assert sum(found.charged_minor) == sum(technical)
    for before, after in zip(current, found.charged_minor, strict=True):
        assert before * 0.85 - len(book) <= after <= before * 1.2 + len(book)
