"""Lines sum to their whole, and rounding is half to even."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.money import apportion, exact, rounded, to_minor


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("0.5", 0), ("1.5", 2), ("2.5", 2), ("-0.5", 0), ("-1.5", -2), ("651260.27", 651260)],
)
def test_half_goes_to_even(amount: str, minor: int) -> None:
    assert to_minor(Decimal(amount)) == minor


def test_a_float_is_the_decimal_that_it_shows() -> None:
    assert exact(0.024) == Decimal("0.024")
    assert rounded(Decimal("0.0562824"), step=Decimal("0.000001")) == Decimal("0.056282")


@pytest.mark.parametrize(
    ("parts", "total", "shares"),
    [
        (("1.6", "1.6", "1.8"), 5, (2, 1, 2)),  # the largest remainder first, then the earlier of equals
        (("2.5", "2.5"), 5, (3, 2)),
        (("1", "2", "3"), 6, (1, 2, 3)),
        (("1", "2", "3"), 5, (1, 2, 2)),  # a whole that was rounded down takes from the last
        (("0.2", "0.2"), 3, (2, 1)),
    ],
)
def test_shares_by_largest_remainder(parts: tuple[str, ...], total: int, shares: tuple[int, ...]) -> None:
    given_parts = [Decimal(part) for part in parts]
    assert apportion(given_parts, total=Decimal(total), step=Decimal(1)) == tuple(Decimal(share) for share in shares)


@given(st.lists(st.decimals(min_value=-1000, max_value=1000, places=4), min_size=1, max_size=6))
def test_shares_sum_to_the_whole_and_stay_within_a_step(parts: list[Decimal]) -> None:
    step = Decimal("0.01")
    total = rounded(sum(parts, Decimal(0)), step=step)
    shares = apportion(parts, total=total, step=step)
    assert sum(shares, Decimal(0)) == total
    assert all(abs(share - part) <= step for share, part in zip(shares, parts, strict=True))
