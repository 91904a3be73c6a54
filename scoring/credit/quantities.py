"""Money that a snapshot knows: at the least that it can be, in the currency asked for, or why it is not known."""

from __future__ import annotations

from decimal import Decimal

from features.snapshot import FeatureSnapshot, Missing
from scoring.money import exact

CURRENCY_NOT_SUPPORTED = "currency_not_supported"


def known_money(snapshot: FeatureSnapshot, name: str, currency: str) -> Decimal | str:
    """An amount in minor units of `currency`, or the reason why it is not known in it. Amounts in another currency are
    unknown rather than converted."""
    quantity = snapshot.quantities.get(name)
    if quantity is None:
        return Missing.NO_SOURCE.value
    if quantity.value is None:
        assert quantity.missing is not None
        return quantity.missing.value
    if quantity.adverse_value is None or (quantity.value > 0 and quantity.adverse_value == 0):
        # What was not observed could have been nothing: there is no telling.
        return Missing.NOT_OBSERVED.value
    return exact(quantity.adverse_value) if quantity.unit == f"{currency}_minor" else CURRENCY_NOT_SUPPORTED
