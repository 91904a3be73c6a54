"""Shocks as they are asked for, and what becomes of suppliers as it is answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from api.chain.stock_terms import StockCount
from api.http.shapes import AmountMinor, Asked, Currency, Told, UtcInstant
from scoring.facts import FactSource
from scoring.supply_chain.contagion.stress import NotTold
from scoring.supply_chain.receivables.said import AffiliatesFact, InvoiceFact, LenderSays

FirmName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


MOST_UNITS = 10**12
Units = Annotated[int, Field(ge=0, le=MOST_UNITS)]


class StockAsked(Asked):
    """The lender's word on finished goods: the units counted when monitoring began and on which day, those counted now
    (null where nobody did), and what a unit is worth, the lesser of cost and market."""

    opening_units: Units
    opened_on: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]
    unit_value_minor: AmountMinor
    counted_units: Units | None = None

    def count(self) -> StockCount:
        """As the terms take it."""
        return StockCount(**self.model_dump())


InvoiceNumber = Annotated[str, Field(min_length=1, max_length=200)]
MOST_FACTS = 10_000


class SaidAsked(Asked):
    """Who told it, and the day of which it speaks."""

    source: FactSource
    dated: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]


class InvoiceSaidAsked(SaidAsked):
    """Of one invoice: whether its buyer disputes it (null: not asked), and whether it acknowledged it. That it will pay
    irrevocably is told by the buyer's own ledger alone."""

    invoice_id: InvoiceNumber
    is_disputed: bool | None = None
    is_acknowledged: bool = False


class AffiliatesSaidAsked(SaidAsked):
    """Firms of the seller's group; empty where there is none."""

    firms: Annotated[tuple[FirmName, ...], Field(max_length=MOST_FACTS)]


class ReceivablesAsked(Asked):
    """What a lender brings on a seller's receivables. Disputes and affiliates take off, whoever tells them; that there
    is none, the seller itself cannot tell."""

    invoices: Annotated[tuple[InvoiceSaidAsked, ...], Field(max_length=MOST_FACTS)] = ()
    affiliates: AffiliatesSaidAsked | None = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [item.invoice_id for item in self.invoices]
        if len(names) != len(set(names)):
            raise ValueError("an invoice is spoken of twice")
        return self

    def says(self) -> LenderSays:
        """As the terms take it."""
        told = self.affiliates
        return LenderSays(
            invoices={
                item.invoice_id: InvoiceFact(**item.model_dump(exclude={"invoice_id"})) for item in self.invoices
            },
            affiliates=None
            if told is None
            else AffiliatesFact(source=told.source, dated=told.dated, firms=frozenset(told.firms)),
        )


class StressAsked(Asked):
    """What happens to one core enterprise: `orders` -0.4 is 40 % fewer; it defaults; it pays so many days later; its
    probability of default rises."""

    core_enterprise: FirmName
    orders: Annotated[float, Field(ge=-1, le=0)] = 0.0
    is_default: bool = False
    pays_later_days: Annotated[int, Field(ge=0, le=3650)] = 0
    pd_rise: Annotated[float, Field(ge=0, le=1)] = 0.0
    currency: Currency = "CNY"
    as_of: UtcInstant | None = None


class ShockTold(Told):
    """The shock."""

    core_enterprise: str
    orders: float
    is_default: bool
    pays_later_days: int
    pd_rise: float


class StruckTold(Told):
    """One supplier after the shock. Null is what nobody knows: it adds nothing to `pd_after`, and `not_told` names it;
    `bridge_at_most_minor` and `pd_after_at_most` take unknown cash and equity for none."""

    firm: str
    sales_share: float
    output_level: float
    equity_lost_ratio: float | None
    delayed_minor: int
    unpaid_minor: int
    lost_contribution_minor: int
    bridge_minor: int | None
    bridge_at_most_minor: int
    days_of_cash: float | None
    pd_before: float | None
    pd_after: float | None
    pd_after_at_most: float | None
    expected_loss_before_minor: int | None
    expected_loss_after_minor: int | None
    not_told: list[NotTold]


class DrawnLossTold(Told):
    """The lender's loss over draws, alone and with what the network adds: null where nobody's equity is known, and its
    `amplification` of the mean also where nothing is lost."""

    mean_alone_minor: int
    mean_with_network_minor: int | None
    quantile_95_alone_minor: int
    quantile_95_with_network_minor: int | None
    quantile_99_alone_minor: int
    quantile_99_with_network_minor: int | None
    amplification: float | None


class LossDistributionTold(Told):
    """The loss under a common factor of firms, before the shock and after its direct effects."""

    correlation: float
    draws: int
    seed: int
    before: DrawnLossTold
    after: DrawnLossTold


class StressTold(Told):
    """Suppliers that are struck, those that need a bridge line first (over `bridge_days`); `loss_amplification` is the
    rise of expected loss with the network over its rise by the direct effects. Losses are those of the
    `obligors_in_losses` of whom score and loan are known, null where that is nobody; `rests_on` says of how many
    obligors each ledger tells."""

    as_of: datetime
    shock: ShockTold
    currency: str
    bridge_days: int
    expected_loss_before_minor: int | None
    expected_loss_direct_minor: int | None
    expected_loss_after_minor: int | None
    expected_loss_after_at_most_minor: int | None
    loss_amplification: float | None
    loss_distribution: LossDistributionTold | None
    suppliers: list[StruckTold]
    rests_on: dict[str, int]
    obligors_in_losses: int
    obligors_without_score: int
    parameters_version: str


class StressAnswer(Told):
    """A stress."""

    stress: StressTold
    livemode: bool
