"""Loss given default and exposure at default.

LGD = 1 - [recovery from the machines + (1 - unsecured LGD) x (EAD - recovery)] / EAD, which is the unsecured LGD on
what the machines do not cover, and never below the floors: one for the part that is covered, one for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scoring.credit.collateral import Collateral, collateral_terms
from scoring.money import exact, to_minor
from scoring.records import CreditProduct

ZERO = Decimal(0)
RATIO_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerms:
    """What a lender loses on the part of an exposure that machines do not cover, and the floors of both parts."""

    unsecured_lgd: Decimal
    secured_floor: Decimal
    unsecured_floor: Decimal
    recovery_minor: Decimal = ZERO
    """Expected from the machines, in minor units."""

    def lgd(self, exposure_minor: int) -> Decimal:
        """Loss given default of an exposure, to six digits; the higher the larger it is."""
        return (self.loss_minor(Decimal(exposure_minor)) / exposure_minor).quantize(RATIO_STEP)

    def loss_minor(self, exposure_minor: Decimal) -> Decimal:
        """LGD x EAD: the loss if an exposure defaults."""
        if self.recovery_minor == 0:
            return max(self.unsecured_lgd, self.unsecured_floor) * exposure_minor
        covered = min(self.recovery_minor, exposure_minor)
        rest = exposure_minor - covered
        return max(self.unsecured_lgd * rest, self.secured_floor * covered + self.unsecured_floor * rest)

    def largest_exposure_minor(self, loss_minor: Decimal) -> Decimal:
        """The exposure whose loss is `loss_minor`: the inverse of `loss_minor`, which is made of straight lines."""
        if self.recovery_minor == 0:
            return loss_minor / max(self.unsecured_lgd, self.unsecured_floor)
        floor_of_covered = self.secured_floor * self.recovery_minor
        if loss_minor <= floor_of_covered:
            return loss_minor / self.secured_floor
        beyond_floor = (loss_minor - floor_of_covered) / self.unsecured_floor
        return self.recovery_minor + min(loss_minor / self.unsecured_lgd, beyond_floor)


def loss_terms(product: CreditProduct, security: Collateral | None, values: Mapping[str, Any]) -> LossTerms:
    """The terms of parameters `lgd` and `lgd_floors`, with what the security is expected to bring after claims that go
    before it."""
    floors = values["lgd_floors"]
    recovery = ZERO
    if security is not None and security.free_minor is not None:
        recovery = exact(collateral_terms(values).recovery(security.free_minor, hours_a_month=security.hours_a_month))
    return LossTerms(
        unsecured_lgd=exact(values["lgd"][product.value]),
        secured_floor=exact(floors["secured"]),
        unsecured_floor=exact(floors["unsecured"]),
        recovery_minor=recovery,
    )


def revolving_exposure_minor(*, drawn_minor: int, limit_minor: int, values: Mapping[str, Any]) -> int:
    """EAD of a credit line: what is drawn and the share of the rest that is drawn before default, by how far the line
    is used (parameter `credit_conversion`: [utilisation up to, factor] in rising order)."""
    assert limit_minor > 0, "a line has a limit"
    undrawn = max(limit_minor - drawn_minor, 0)
    utilisation = drawn_minor / limit_minor
    factor = next(factor for up_to, factor in values["credit_conversion"] if utilisation <= up_to or up_to >= 1)
    return drawn_minor + to_minor(exact(factor) * undrawn)


def expected_loss_minor(*, pd_12m: float, lgd: Decimal, exposure_at_default_minor: int) -> int:
    """PD x LGD x EAD over 12 months, in minor units."""
    return to_minor(exact(pd_12m) * lgd * exposure_at_default_minor)
