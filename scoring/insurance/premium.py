"""The premium: exposure x frequency x severity, then loadings, as a bill whose lines sum to the minor unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from data_contracts.identifiers import MachineUid, ModelVersion
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.snapshot import FeatureSnapshot
from scoring.errors import CurrencyNotSupported, InvalidRequest, NothingToCover, ProductNotOffered
from scoring.insurance.build_up import Loadings, RiskTerms, bill_of_risk
from scoring.insurance.filed import ChargedRate
from scoring.money import ONE_MINOR_UNIT, exact, rounded, to_minor
from scoring.records import MachineFrequency, PremiumQuote, QuoteRequest, Reason

DAYS_A_MACHINE_YEAR = 365


def quoted(
    snapshot: FeatureSnapshot,
    request: QuoteRequest,
    rate: ChargedRate,
    *,
    exposure_years: Decimal,
    severity: Decimal,
    terms: RiskTerms,
    load: Loadings,
    reasons: Sequence[Reason],
    machines: Sequence[MachineFrequency],
    model_version: ModelVersion,
    data_origin: DataOrigin,
    parameters: ParameterBook,
) -> PremiumQuote:
    """The quote of a charged rate: its bill by the `terms` of the risk and the loadings `load`, and how long it holds.

    `severity` is an attritional claim in minor units; what is told, rounded, is what a claim costs by these terms.
    """
    values = parameters.at(request.as_of)
    bill = bill_of_risk(exposure_years * exact(rate.rate) * severity, loadings=load, terms=terms)
    return PremiumQuote(
        request=request,
        earned_exposure_machine_years=float(exposure_years),
        claim_frequency_per_machine_year=rate.rate,
        claim_severity_minor=to_minor(severity * terms.trend * (1 - terms.warranty + terms.large_loss)),
        pure_premium_minor=bill.pure_premium_minor,
        gross_premium_minor=bill.gross_premium_minor,
        base_frequency=rate.base,
        factors=rate.factors,
        risk=bill.risk,
        loadings=bill.loadings,
        reasons=reasons,
        machines=machines,
        filed=rate.filed,
        valid_until=request.as_of + timedelta(days=values["insurance_filings"]["quote_validity_days"]),
        snapshot_id=snapshot.snapshot_id,
        model_version=model_version,
        parameters_version=parameters.version,
        data_origin=data_origin,
    )


def claim_severity(*, damage_ratio: float, sum_insured_minor: int, machines: int) -> int:
    """Mean claim in minor units: the mean share of a machine's sum insured that a claim costs, times that sum."""
    return int(rounded(exact(damage_ratio) * sum_insured_minor / machines, step=ONE_MINOR_UNIT))


def cover_days(starts: date, ends: date) -> int:
    """Days of cover, both ends inclusive."""
    return (ends - starts).days + 1


def loadings(currency: str, values: Mapping[str, Any], *, left_out: str | None = None) -> Loadings:
    """The loadings of parameter `insurance_loadings`, but for the one `left_out`. Raises CurrencyNotSupported where it
    has none of that currency."""
    given = values["insurance_loadings"]
    if currency not in given["fixed_minor"]:
        raise CurrencyNotSupported(
            f"Premiums are not quoted in {currency}.", hint=f"Supported: {', '.join(sorted(given['fixed_minor']))}."
        )
    variable = {line["name"]: exact(line["share"]) for line in given["variable"] if line["name"] != left_out}
    return Loadings(variable=variable, fixed_minor=int(given["fixed_minor"][currency]))


def check_request(snapshot: FeatureSnapshot, request: QuoteRequest, values: Mapping[str, Any]) -> None:
    """Raise ProductNotOffered, or InvalidRequest for days, sums and obligors that do not go together."""
    terms = values["insurance_products"].get(request.product.value)
    if terms is None:
        raise ProductNotOffered(
            f"No premium is offered for {request.product.value}.",
            hint=f"Offered: {', '.join(sorted(values['insurance_products']))}.",
        )
    days = cover_days(request.starts, request.ends)
    if not 0 < days <= terms["maximum_days"]:
        raise InvalidRequest(
            f"Cover from {request.starts} to {request.ends} has {days} days, not 1 to {terms['maximum_days']}."
        )
    if request.ends < request.as_of.date():
        raise InvalidRequest(
            f"Cover until {request.ends} is over by {request.as_of.date()}.", hint="Quote cover that is still to come."
        )
    if request.sum_insured_minor <= 0:
        raise InvalidRequest(f"A sum insured of {request.sum_insured_minor} minor units cannot be covered.")
    if snapshot.obligor_id != request.obligor_id or snapshot.as_of != request.as_of:
        raise InvalidRequest(f"The request is about {request.obligor_id}, the snapshot about {snapshot.obligor_id}.")


def covered_machines(snapshot: FeatureSnapshot, request: QuoteRequest) -> tuple[MachineUid, ...]:
    """The machines asked for, or all that the obligor owns; sorted, each once."""
    machines = tuple(sorted(set(request.machines or snapshot.machines)))
    if not machines:
        raise NothingToCover(f"{request.obligor_id} owns no machine that was seen by {request.as_of}.")
    unknown = [machine for machine in machines if machine not in snapshot.machines]
    if unknown:
        raise NothingToCover(
            f"{request.obligor_id} does not own {unknown[0]} as of {request.as_of}.",
            hint=f"It owns: {', '.join(sorted(snapshot.machines)) or 'none'}.",
        )
    return machines


def synthetic_if_any(*origins: DataOrigin) -> DataOrigin:
    """Synthetic as soon as the data or the model is."""
    return DataOrigin.SYNTHETIC if DataOrigin.SYNTHETIC in origins else DataOrigin.REAL
