"""Training models of claims: on the home's data, or on any insurer's own tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, opened, show
from api.instants import parse_instant
from api.models import claims as claim_models
from api.models import service as models
from data_contracts.errors import InputError
from data_contracts.vocabulary import DataOrigin
from risk_reports import tables
from risk_reports.claims_training import claims_text
from scoring.training.claims.book import ClaimsQuestion


def mount(train_app: typer.Typer) -> None:
    """Give `train` this command."""
    train_app.command("insurance")(train_insurance)


def train_insurance(
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date in the zone; default now.")] = None,
    policies: Annotated[
        Path | None, typer.Option("--policies", help="A CSV or Parquet table of your own policies, one row a term.")
    ] = None,
    claims: Annotated[Path | None, typer.Option("--claims", help="Its claims: policy and amount.")] = None,
    policy: Annotated[str, typer.Option("--policy", help="The column of policies, in both.")] = "policy_id",
    amount: Annotated[str, typer.Option("--amount", help="The column of amounts paid.")] = "amount",
    exposure: Annotated[
        str | None, typer.Option("--exposure", help="The column of exposure; without it the days are counted.")
    ] = None,
    exposure_unit: Annotated[str, typer.Option("--exposure-unit", help="What exposure is in: year or hour.")] = "year",
    starts: Annotated[str, typer.Option("--starts", help="The column of first days.")] = "starts",
    ends: Annotated[str, typer.Option("--ends", help="The column of last days, inclusive.")] = "ends",
    ended: Annotated[str | None, typer.Option("--ended", help="The column of early ends (a machine sold).")] = None,
    machine: Annotated[str | None, typer.Option("--machine", help="The column of machines.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The column of who belongs together (the fleet).")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="The column of currencies.")] = None,
    monotone: Annotated[
        Path | None, typer.Option("--monotone", help="YAML or JSON, column: +1 (more is riskier), -1 or 0.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="A column to leave out; repeatable.")] = None,
    data_origin: Annotated[
        DataOrigin, typer.Option("--data-origin", help="real, if you vouch for the claims.")
    ] = DataOrigin.SYNTHETIC,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit claim frequency and severity: a GLM, trees from it, balance, a large-loss split, tested on other groups."""
    if policies is None:
        if claims is not None:
            raise InputError("--claims goes with --policies.", hint="Name the table: --policies FILE")
        with opened(home) as here:
            card = models.train_insurance(here, as_of=parse_instant(as_of, zone="UTC") if as_of else datetime.now(UTC))
        show(card, as_json, tables.card_text(card))
        return
    if claims is None:
        raise InputError("--policies needs --claims: what the policies cost.")
    question = ClaimsQuestion(
        policies=policies,
        claims=claims,
        policy=policy,
        amount=amount,
        exposure=exposure,
        exposure_unit=exposure_unit,
        starts=starts,
        ends=ends,
        ended=ended,
        machine=machine,
        group=group,
        currency=currency,
        exclude=tuple(exclude or ()),
    )
    asked = claim_models.ClaimsOrder(question=question, monotone=monotone, data_origin=data_origin)
    with opened(home) as here:
        card = claim_models.train(here, asked, now=datetime.now(UTC))
    show(card, as_json, claims_text(card))
